"""The drawing of a still as an image, without a browser: its SVG with what our style sheet says of it.

For pictures that other sites show of a figure. Shapes are resvg's, which reads neither our selectors nor custom
properties: they are matched here (cssselect2) and written into the elements. Words are set by Pillow, in our own fonts.
At-rules (dark mode, narrow screens, motion) are left out.
"""

from __future__ import annotations

import functools
import io
import math
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import cssselect2
import resvg_py
import tinycss2
from PIL import Image

from explainer.ui import design

SHEET = Path(__file__).resolve().parent / "web" / "site.css"
SHOWN = (  # the properties that a drawing can have; resvg knows them as attributes
    *("fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-linecap", "stroke-linejoin", "stroke-opacity"),
    *("fill-opacity", "opacity", "display", "visibility"),
)
WORDS = ("fill", "font", "font-size", "font-weight", "text-anchor", "dominant-baseline", "opacity", "font-family")
REM = 16.0
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
NO_DRAWING = {"narrow", "swatch", "arrow-line"}  # classes of SVGs that are parts of a line, or for a phone


class Tree(HTMLParser):
    """A still as elements."""

    def __init__(self, html: str):
        super().__init__()
        self.builder, self.open = ElementTree.TreeBuilder(), list[str]()
        self.feed(html)
        for name in reversed(self.open):
            self.builder.end(name)
        self.root = self.builder.close()

    def handle_starttag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(name, {key: value or "" for key, value in attrs})
        self.open.append(name)
        if name in VOID:
            self.handle_endtag(name)

    def handle_startendtag(self, name: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(name, {key: value or "" for key, value in attrs})
        self.builder.end(name)

    def handle_endtag(self, name: str) -> None:
        while name in self.open:
            last = self.open.pop()
            self.builder.end(last)
            if last == name:
                break

    def handle_data(self, words: str) -> None:
        if self.open:
            self.builder.data(words)


@functools.cache
def rules() -> cssselect2.Matcher:
    """Our style sheet's rules for SVG; the payload of a match is its list of declarations."""
    matcher = cssselect2.Matcher()
    for rule in tinycss2.parse_stylesheet(SHEET.read_text(encoding="utf-8"), skip_comments=True, skip_whitespace=True):
        if rule.type != "qualified-rule" or not rule.prelude:
            continue
        found = declarations(tinycss2.serialize(rule.content))
        if not any(name in SHOWN or name in WORDS or name.startswith("--") for name in found):
            continue
        for part in re.split(r",(?![^(]*\))", tinycss2.serialize(rule.prelude)):
            try:
                for selector in cssselect2.compile_selector_list(part):
                    if not selector.pseudo_element:
                        matcher.add_selector(selector, found)
            except (cssselect2.SelectorError, SyntaxError):
                continue  # :has, :focus-visible: of no picture
    return matcher


def declarations(text: str) -> dict[str, str]:
    """{property: value} of a rule's or an attribute's declarations."""
    found = tinycss2.parse_declaration_list(text, skip_comments=True, skip_whitespace=True)
    return {d.name: tinycss2.serialize(d.value).strip() for d in found if d.type == "declaration"}


@functools.cache
def tokens() -> dict[str, str]:
    """The custom properties of the light theme."""
    root = re.search(r":root\s*{([^}]*)}", design.css())
    assert root
    return declarations(root[1])


def resolved(value: str, known: dict[str, str]) -> str:
    """A value without var(), calc() and color-mix()."""
    for _ in range(8):
        inner = re.search(r"var\((--[\w-]+)\s*(?:,([^()]*))?\)", value)
        if not inner:
            break
        value = value.replace(inner[0], known.get(inner[1], inner[2] or "").strip())
    value = re.sub(r"calc\(([^()]*)\)", lambda m: reckoned(m[1]), value)
    for _ in range(4):
        mix = re.search(r"color-mix\(in \w+,\s*(#\w+|\w+)\s+([\d.]+)%\s*,\s*(#\w+|\w+)\s*\)", value)
        if not mix:
            break
        value = value.replace(mix[0], mixed(mix[1], float(mix[2]) / 100, mix[3]))
    return value


def reckoned(sum_of_products: str) -> str:
    """What stands in a calc() without brackets, in its unit: `0.8px + 3px * 0.5` is `2.3px`."""
    unit = next(iter(re.findall(r"[\d.](px|%|rem|em)", sum_of_products)), "")
    terms = re.split(r"\s\+\s", re.sub(r"(?<=[\d.])(px|%|rem|em)", "", sum_of_products))
    try:
        return f"{sum(math.prod(float(factor) for factor in term.split('*')) for term in terms):g}{unit}"
    except ValueError:  # a difference, a quotient: of none of our drawings
        return ""


def mixed(colour: str, share: float, ground: str) -> str:
    """A colour laid over another one (in sRGB: a picture's tints need not be oklab's)."""
    paper = design.LIGHT["paper"] if ground == "transparent" else ground
    a, b = (tuple(int(c.strip("#")[i : i + 2], 16) for i in (0, 2, 4)) for c in (colour, paper))
    return "#" + "".join(f"{round(x * share + y * (1 - share)):02x}" for x, y in zip(a, b, strict=True))


def pixels(size: str, around: float) -> float:
    """A font size in px. around: that of the element around it"""
    found = re.fullmatch(r"([\d.]+)(px|rem|em|%)?", size.strip())
    if not found:
        return around
    return float(found[1]) * {"rem": REM, "em": around, "%": around / 100}.get(found[2] or "px", 1.0)


def drawings(html: str, whole: bool = False) -> list[Element]:
    """The SVGs of a still that are pictures, in their order, each with all that is in it styled by attributes.

    whole: also what only the full view of the widget shows
    """
    root = cssselect2.ElementWrapper.from_html_root(Tree(html).root)
    left_out = {"button", "label"}
    found: list[Element] = []

    def style(node: cssselect2.ElementWrapper, around: dict[str, str]) -> None:
        element = node.etree_element
        classes = set(element.get("class", "").split())
        own: dict[str, str] = {}
        for *_, payload in sorted(rules().match(node), key=lambda m: m[:2]):
            own |= payload
        own |= declarations(element.get("style", ""))
        known = around | {k: v for k, v in own.items() if k.startswith("--")}
        known |= {k: resolved(v, known) for k, v in known.items() if k in own}
        hidden = resolved(own.get("display", ""), known) == "none" or "hidden" in element.attrib
        if hidden or element.tag in left_out or ("beyond" in classes and not whole):
            return
        if move := re.search(r"translate\(([-\d.]+)px, ?([-\d.]+)px\)", element.attrib.pop("style", "")):
            element.set("transform", f"translate({move[1]} {move[2]})")
        for name, value in own.items():
            if name in SHOWN or name in WORDS:
                element.set(name, resolved(value, known))
        if element.tag == "svg" and "viewbox" in element.attrib and not NO_DRAWING & classes:
            found.append(element)
        for child in node.iter_children():
            style(child, known)

    style(root, tokens())
    return found


def flat(svg: Element) -> float:
    """How many times as wide as high a drawing is; 1 if it may be stretched."""
    _, _, wide, high = box(svg)
    return 1.0 if svg.get("preserveaspectratio") == "none" else wide / high


def pictures(html: str) -> list[Element]:
    """What a widget's still shows, of that which is SVG: one drawing, or as many as three small ones of a kind."""
    found = [svg for svg in drawings(html) or drawings(html, whole=True) if flat(svg) < 8]
    if not found:
        return []
    _, _, wide, high = box(found[0])
    alike = [svg for svg in found if svg.get("class") == found[0].get("class")]
    return alike[:3] if wide < 1.6 * high else found[:1]


def box(svg: Element) -> tuple[float, float, float, float]:
    """x, y, width and height of what a drawing shows, in its own units."""
    x, y, width, height = (float(v) for v in re.split(r"[ ,]+", svg.get("viewbox", "")))
    return x, y, width, height


def image(svg: Element, size: tuple[int, int]) -> Image.Image:
    """A drawing's shapes (not its words) on nothing, of so many px, stretched where it may be."""
    bare = ElementTree.fromstring(ElementTree.tostring(svg))
    for parent in list(bare.iter()):
        for child in list(parent):
            if child.tag in ("text", "title", "desc"):
                parent.remove(child)
    x, y, width, height = box(svg)
    for name in ("viewbox", "class", "width", "height", "opacity"):
        bare.attrib.pop(name, None)
    bare.attrib |= {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"{x} {y} {width} {height}"}
    bare.attrib |= {"width": str(size[0]), "height": str(size[1])}
    text = ElementTree.tostring(bare, encoding="unicode")
    for name in ("clipPath", "linearGradient", "gradientUnits", "preserveAspectRatio"):  # HTML's parser lowers them
        text = text.replace(name.lower(), name)
    return Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=text, skip_system_fonts=True)))


class Word(NamedTuple):
    """A text of a drawing, to be set by whoever draws it."""

    x: float  # of its start, middle or end, in the drawing's units
    y: float  # of its base line
    text: str
    size: float
    weight: int
    anchor: str  # start, middle, end
    fill: str


def words(svg: Element) -> Iterator[Word]:
    """The words of a drawing; those that are turned are left out."""

    def walk(node: Element, x: float, y: float, around: dict[str, str], size: float) -> Iterator[Word]:
        given = around | {k: v for k, v in node.attrib.items() if k in WORDS}
        move = node.get("transform", "")
        if shift := re.search(r"translate\(([-\d.]+)[ ,]+([-\d.]+)\)", move):
            x, y = x + float(shift[1]), y + float(shift[2])
        if given.get("display") == "none" or float(given.get("opacity") or 1) < 0.05 or "rotate" in move:
            return
        font = node.get("font", "")
        if height := re.search(r"([\d.]+(?:px|rem|em))", font):
            size = pixels(height[1], size)
        if weight := re.match(r"(\d{3})\b", font):
            given["font-weight"] = weight[1]
        size = pixels(node.get("font-size", ""), size)
        if node.tag != "text":
            for child in node:
                yield from walk(child, x, y, given, size)
            return
        first = next((part for part in node.iter() if "x" in part.attrib), node)
        lower = 0.35 * size if given.get("dominant-baseline") in ("middle", "central") else 0.0
        boldness = given.get("font-weight", "400")
        if text := " ".join("".join(node.itertext()).split()):
            yield Word(
                x + length(first.get("x"), size) + length(first.get("dx"), size),
                y + length(first.get("y"), size) + length(first.get("dy"), size) + lower,
                text,
                size,
                int(float(boldness)) if boldness[0].isdigit() else 700 if boldness == "bold" else 400,
                given.get("text-anchor", "start"),
                given.get("fill", design.LIGHT["ink"]),
            )

    yield from walk(svg, 0.0, 0.0, {}, 13.0)


def length(value: str | None, size: float) -> float:
    """An attribute's length in a drawing's units; the first, where there are several. size: that of the letters"""
    found = re.match(r"(-?[\d.]+)(em)?", (value or "0").strip())
    return float(found[1]) * (size if found[2] else 1.0) if found else 0.0

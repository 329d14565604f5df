"""What other sites show of ours: Open Graph pictures and oEmbed descriptions, drawn without a browser.

A widget's picture is the drawing of its still, with the numbers of the kept state. A page's is the one picture of the
site for its own text: its words as columns, the floors, who reads whom, the odds, and the word that drops. No
screenshots: they are drawn from what `explainer` computed. Addresses in both need the place where the site will stand:
SITE_URL in the environment (`make site SITE_URL=https://example.org/explainer/`); without it they stay relative.
"""

from __future__ import annotations

import functools
import inspect
import io
import json
import os
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import drawing
import heights
from PIL import Image, ImageDraw, ImageFont

from explainer.models import lab
from explainer.studies import climb
from explainer.ui.design import LIGHT, MEANINGS
from explainer.ui.html import percent
from explainer.ui.parts.climb import shown_columns

WIDTH, HEIGHT = 1200, 630
FINE = 2  # drawn so many times as large, then made small: smooth edges
LEFT = 470  # px for the words
MOST = 6  # columns, as one can take in at a glance
FONTS = Path(__file__).resolve().parent.parent / "node_modules" / "@fontsource-variable"
SERIF = FONTS / "source-serif-4" / "files" / "source-serif-4-latin-wght-normal.woff2"
SANS = FONTS / "inter" / "files" / "inter-latin-wght-normal.woff2"


def site_url() -> str:
    """Where the site will stand, with a slash at the end; '' when that is not known."""
    url = os.environ.get("SITE_URL", "")
    return url if not url or url.endswith("/") else url + "/"


@functools.cache
def font(file: Path, size: float, weight: int) -> ImageFont.FreeTypeFont:
    """One of the site's fonts. size: in px of the finished picture"""
    found = ImageFont.truetype(str(file), size * FINE)
    axes = [float(weight if axis["name"] == b"Weight" else axis["default"] or 0) for axis in found.get_variation_axes()]
    found.set_variation_by_axes(axes)
    return found


def mixed(colour: str, share: float, paper: str = LIGHT["paper"]) -> tuple[int, ...]:
    """A colour laid over the paper, with a share of it to be seen."""
    return tuple(round(int(paper[i : i + 2], 16) * (1 - share) + int(colour[i : i + 2], 16) * share) for i in (1, 3, 5))


class Sheet:
    """A drawing in px of the finished picture."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDTH * FINE, HEIGHT * FINE), LIGHT["paper"])
        self.draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, words: str, file: Path, size: float, weight: int, **more: Any) -> None:
        self.draw.text((x * FINE, y * FINE), words, font=font(file, size, weight), **more)

    def curve(self, points: list[tuple[float, float]], width: float, colour: Any) -> None:
        """A cubic curve through a start, two handles and an end."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
        through = []
        for k in range(41):
            t, u = k / 40, 1 - k / 40
            through.append(
                (
                    FINE * (u**3 * ax + 3 * u * u * t * bx + 3 * u * t * t * cx + t**3 * dx),
                    FINE * (u**3 * ay + 3 * u * u * t * by + 3 * u * t * t * cy + t**3 * dy),
                )
            )
        self.draw.line(through, fill=colour, width=round(width * FINE), joint="curve")

    def dot(self, x: float, y: float, radius: float, fill: Any, edge: Any) -> None:
        box = [(x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE]
        self.draw.ellipse(box, fill=fill, outline=edge, width=2 * FINE)

    def bar(self, x: float, y: float, width: float, height: float, fill: Any) -> None:
        box = [x * FINE, y * FINE, (x + width) * FINE, (y + height) * FINE]
        self.draw.rounded_rectangle(box, radius=5 * FINE, fill=fill)

    def lines(
        self, x: float, y: float, words: str, file: Path, size: float, weight: int, end: float = LEFT - 8, **more: Any
    ) -> float:
        """Words in as many lines as they need up to `end`. Returns where the next line would begin."""
        line = ""
        for word in [*words.split(), ""]:
            longer = f"{line} {word}".strip()
            if word and font(file, size, weight).getlength(longer) <= (end - x) * FINE:
                line = longer
                continue
            self.text(x, y, line, file, size, weight, **more)
            y, line = y + size * 1.16, word
        return y

    def png(self) -> bytes:
        out = io.BytesIO()
        small = self.image.reduce(FINE)
        small.quantize(96, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        return out.getvalue()


def picture(question: str, subtitle: str, drawn: Sequence[Element], prompt: str = "") -> bytes:
    """A PNG of 1200 x 630 for a page or widget: words, and what it shows.

    drawn: the drawings of a still (`drawing.pictures`), laid below the words; without any the climb of `prompt` stands
    at their right
    """
    sheet = Sheet()
    if not drawn:
        sheet.image.paste(climbing(prompt))
        y = sheet.lines(56, 92, question, SERIF, 54, 600, fill=LIGHT["ink"])
        sheet.lines(58, y + 22, subtitle, SANS, 25, 500, fill=LIGHT["soft"])
        return sheet.png()
    y = sheet.lines(56, 44, question, SERIF, 54, 600, WIDTH - 56, fill=LIGHT["ink"])
    y = sheet.lines(58, y + 8, subtitle, SANS, 25, 500, WIDTH - 56, fill=LIGHT["soft"])
    lay(sheet, drawn, y + 28)
    return sheet.png()


def lay(sheet: Sheet, drawn: Sequence[Element], top: float) -> None:
    """Lay drawings side by side, as large as they can be, below `top`."""
    wide, high, gap = WIDTH - 112.0, HEIGHT - top - 44, 40.0
    width = (wide - gap * (len(drawn) - 1)) / len(drawn)
    boxes = [drawing.box(svg) for svg in drawn]
    stretched = [svg.get("preserveaspectratio") == "none" for svg in drawn]
    sizes = []
    for (_, _, w, h), free in zip(boxes, stretched, strict=True):
        scale = min(width / w, high / h)
        sizes.append((width, min(high, 300.0)) if free else (w * scale, h * scale))
    x = 56 + (wide - sum(w for w, _ in sizes) - gap * (len(drawn) - 1)) / 2
    for svg, (x0, y0, w, _), (sw, sh), free in zip(drawn, boxes, sizes, stretched, strict=True):
        y = top + (high - sh) / 2
        shapes = drawing.image(svg, (round(sw * FINE), round(sh * FINE)))
        sheet.image.paste(shapes, (round(x * FINE), round(y * FINE)), shapes)
        scale = sw / w
        for word in () if free else drawing.words(svg):
            place = {"start": "ls", "middle": "ms", "end": "rs"}.get(word.anchor, "ls")
            at = (x + (word.x - x0) * scale, y + (word.y - y0) * scale)
            sheet.text(*at, word.text, SANS, word.size * scale, word.weight, fill=word.fill, anchor=place)
        x += sw + gap


@functools.lru_cache(maxsize=4)
def climbing(prompt: str) -> Image.Image:
    """The climb of a text, on a sheet without words at its side. Widgets of one page share it."""
    sheet = Sheet()
    climbed(sheet, climb.climb(lab.tokens_of(prompt)[-24:], 0, 0))
    return sheet.image


def climbed(sheet: Sheet, told: climb.Climb) -> None:
    """One turn of the machine: columns, floors, arcs, odds, and the word that drops back."""
    ink, soft, line = LIGHT["ink"], LIGHT["soft"], LIGHT["line"]
    head, stream, vocab = (MEANINGS[name][1] for name in ("head", "resid", "vocab"))
    columns = shown_columns(told, MOST)
    apart = (WIDTH - LEFT - 96) / (len(columns) + 0.6)
    xs = {column: LEFT + 70 + apart * k for k, column in enumerate(columns)}
    slot = LEFT + 70 + apart * len(columns)
    ground, top = HEIGHT - 120, 205
    rise = (ground - top) / len(told.floors)
    ys = [ground - rise * floor for floor in range(len(told.floors) + 1)]
    for x in xs.values():
        sheet.draw.line([(x * FINE, ys[0] * FINE), (x * FINE, ys[-1] * FINE)], fill=line, width=2 * FINE)
    for arc in sorted(told.arcs, key=lambda arc: (arc.carries, arc.weight)):
        if arc.query in xs and arc.key in xs and arc.query != arc.key and told.columns[arc.key].text != climb.START:
            (x1, y1), (x2, y2) = (xs[arc.key], ys[arc.floor - 1]), (xs[arc.query], ys[arc.floor])
            half = (y1 - y2) * 0.55
            colour = head if arc.carries else mixed(LIGHT["strong-line"], 0.2 + 0.5 * arc.weight)
            width = 3 + 6 * arc.weight if arc.carries else 1.5 + 2.5 * arc.weight
            sheet.curve([(x1, y1), (x1, y1 - half), (x2, y2 + half), (x2, y2)], width, colour)
    for floor in range(len(ys)):
        for column, x in xs.items():
            change = 0.0 if floor == 0 else min(told.floors[floor - 1].change[column], 1.0)
            sheet.dot(x, ys[floor], 10, mixed(stream, 0.12 + 0.75 * change, LIGHT["raised"]), stream)
    for column, x in xs.items():
        size = 25 if len(told.columns[column].text) < 7 else 20
        sheet.text(x, ground + 26, told.columns[column].text, SERIF, size, 500, fill=ink, anchor="ma")
    wide, at = WIDTH - LEFT - 92, LEFT + 46.0
    fall = 0.0
    for k, odds in enumerate(told.odds):
        share = max(odds.chance * wide - 3, 1.5)
        sheet.bar(at, 76, share, 46, vocab if k == told.said else mixed(vocab, 0.34))
        if k == told.said:
            fall = at + odds.chance * wide * told.at
        words = f"{odds.text} {percent(odds.chance)}"
        if share > font(SANS, 21, 620).getlength(words) / FINE + 14:
            fill = LIGHT["raised"] if k == told.said else ink
            sheet.text(at + share / 2, 99, words, SANS, 21, 620, fill=fill, anchor="mm")
        at += odds.chance * wide
    if told.rest > 0.004:
        sheet.bar(at, 76, max(told.rest * wide - 3, 1.5), 46, line)
    last = xs[told.last]
    sheet.curve([(last, ys[-1] - 10), (last, ys[-1] - 50), (fall, 170), (fall, 126)], 3, mixed(vocab, 0.7))
    sheet.draw.line(
        [(slot * FINE, 140 * FINE), (slot * FINE, (ground - 26) * FINE)], fill=mixed(vocab, 0.5), width=3 * FINE
    )
    tip = [(slot, ground - 8), (slot - 9, ground - 28), (slot + 9, ground - 28)]
    sheet.draw.polygon([(x * FINE, y * FINE) for x, y in tip], fill=mixed(vocab, 0.75))
    sheet.text(slot, ground + 26, told.word.text, SERIF, 27, 760, fill=vocab, anchor="ma")
    sheet.text(LEFT + 46, 44, "the odds of what comes next", SANS, 19, 500, fill=soft)


def write_pictures(out: Path, page: Any, site_name: str) -> None:
    """Write `og.png` for a page and for each of its widgets (whose stills are written).

    A page is shown by the climb of its text; one that is about no text, and a widget without an SVG, by the page's
    first drawing.
    """
    prompt = getattr(page.state(), "prompt", "")
    drawn = {}
    for widget in page.widgets:
        html = (out / "embed" / widget.slug / "still.html").read_text(encoding="utf-8")
        drawn[widget.slug] = drawing.pictures(html)
    first: Sequence[Element] = () if prompt else next((found for found in drawn.values() if found), ())
    (out / page.path / "og.png").write_bytes(picture(page.question, site_name, first, prompt))
    for widget in page.widgets:
        png = picture(widget.title, f"From “{page.question}”", drawn[widget.slug] or first, prompt)
        (out / "embed" / widget.slug / "og.png").write_bytes(png)


def shows(widget: Any) -> str:
    """What a widget shows, in a sentence: the first of what its class says of itself."""
    words = " ".join((inspect.getdoc(widget) or widget.title).split())
    return re.split(r"(?<=[.!?]) (?=[A-Z])", words)[0].rstrip(".").replace("->", "→") + "."


def write_figures(folder: Path, pages: Any) -> None:
    """Write `folder/figures.json`: every widget, in the order of the pages.

    [{"slug", "title", "shows", "page", "question", "tall", "room"}]; page: its path in the site; tall: of its compact
    view in a text 720 px wide; room: {width of the text: {view: height}}
    """
    found = [
        {
            "slug": widget.slug,
            "title": widget.title,
            "shows": shows(widget),
            "page": page.path,
            "question": page.question,
            "tall": heights.tall(page, widget.slug)["compact"],
            "room": {str(width): heights.tall(page, widget.slug, width) for width in (360, 720, 1000)},
        }
        for page in pages
        for widget in page.widgets
    ]
    (folder / "figures.json").write_text(json.dumps(found, indent=1), encoding="utf-8")


def write_oembed(folder: Path, page: Any, widget: Any, site_name: str) -> None:
    """Write `folder/oembed.json` (type rich, oEmbed 1.0) for `/embed/<slug>/`."""
    address = f"{site_url()}embed/{widget.slug}/"
    tall = heights.tall(page, widget.slug)["compact"]
    frame = (
        f'<iframe src="{escape(address)}" title="{escape(widget.title)}" width="100%" height="{tall}" style="border:0" '
        'loading="lazy"></iframe>'
    )
    described = {
        "version": "1.0",
        "type": "rich",
        "title": widget.title,
        "provider_name": site_name,
        "provider_url": site_url() or "./",
        "width": 720,
        "height": tall,
        "html": frame,
        "thumbnail_url": f"{address}og.png",
        "thumbnail_width": WIDTH,
        "thumbnail_height": HEIGHT,
    }
    (folder / "oembed.json").write_text(json.dumps(described, indent=1), encoding="utf-8")

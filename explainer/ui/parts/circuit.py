"""The two-step circuit as SVG: words as columns, layers as floors, and a few wires that can be cut by a press.

    first wires   from the token before, up to the one that is found: where 'I follow ...' is written
    second wires  from the one that is found, up to the token that asks: where its query meets that note
    control       from one token further back, in the layers of the first step

Above are the odds of the next token. A wire is a button (`role=button`, aria-pressed: it is cut); a press sets the
state value `sets` to all edges that are cut then (explainer/studies/circuit.py: `coded`; heard by build/web/climb.js).
Drawn twice, wide and narrow, like the one picture, whose words and classes it shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from markupsafe import Markup

from explainer.studies import circuit as study
from explainer.studies.circuit import Circuit, Edge, Odds, Wire
from explainer.studies.climb import Column, columns_of, text_of
from explainer.ui.html import exact, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.climb import Layout, WordRow, short

WIDE = Layout("wide", 860, 76, 24, 13, 44, True, 9.0, roof=32, fan=34, below=44)
NARROW = Layout("narrow", 340, 4, 10, 7, 40, False, 8.2, roof=30, fan=30, below=40)
LAYOUTS = (WIDE, NARROW)
CHIP = 22.0  # height of the sign on a wire


def toggled(cut: frozenset[Edge], edges: frozenset[Edge]) -> frozenset[Edge]:
    """What is cut after a press on some wires: all of them joined if all were cut, else all cut."""
    return cut - edges if edges <= cut else cut | edges


def pressed(cut: frozenset[Edge], edges: frozenset[Edge]) -> str:
    """`aria-pressed` of a button for some edges."""
    return "true" if edges <= cut else "mixed" if edges & cut else "false"


@dataclass(frozen=True)
class Cable:
    """What one press cuts.

    step: first, second or control; label: the sign on it; name: what a press of it cuts, in words
    layers: from below; a, b: where it begins and ends, across; left: of its sign; width: of its line
    why, value: what is read out
    """

    step: str
    label: str
    name: str
    edges: frozenset[Edge]
    layers: tuple[int, ...]
    a: float
    b: float
    left: float
    width: float
    why: str
    value: float | None


def chip_width(label: str) -> float:
    return len(label) * 6.9 + 14


@dataclass(frozen=True)
class Wiring(WordRow):
    """One drawing. cut: the edges that are cut; now: the odds with these cut"""

    found: Circuit
    cut: frozenset[Edge]
    now: Odds
    layout: Layout
    n_layers: int
    sets: str = "cut"
    ids: ClassVar[str] = "circuit-"

    # ------------------------------------------------------------ places

    @cached_property
    def pieces(self) -> Sequence[Column]:  # type: ignore[override]
        return columns_of(self.found.tokens, len(self.found.tokens))

    def choose(self, most: int) -> list[int]:
        """The four tokens that the steps are about, then the others from the end; the start token is none of them."""
        f = self.found
        order = dict.fromkeys([f.last, f.found, f.before, f.other, *range(f.last, 0, -1)])
        return sorted(list(order)[:most])

    def y(self, level: int) -> float:
        """How high a level is: 0 the words, then above each layer."""
        return self.layout.y(level, self.n_layers)

    @property
    def ground(self) -> float:
        return self.y(0) + 26

    def word_kind(self, i: int) -> str:
        f = self.found
        roles = {f.found: " found", f.before: " before"}
        return f"word{' asked' if i == f.last else ''}{roles.get(i, '')}"

    # ------------------------------------------------------------ parts

    def draw(self) -> Markup:
        """The whole drawing."""
        lay, f = self.layout, self.found
        xs = self.places()
        words = [self.pieces[i].text for i in (f.found, f.before, f.last)]
        return tag(
            "svg",
            self.floors(xs),
            self.stems(xs),
            self.words(xs),
            self.roof(xs),
            self.control(xs),
            *[self.wire(w, xs, "second") for w in f.second],
            *[self.wire(w, xs, "first") for w in f.first],
            self.nodes(xs),
            viewBox=f"0 0 {lay.width:g} {lay.height(self.n_layers):g}",
            role="group",
            aria_label=f"How “{words[0]}” is found: it has read “{words[1]}” before it, and is read by “{words[2]}”",
            class_=f"climb circuit {lay.name}",
            data_sets=self.sets,
            translate="no",
        )

    def floors(self, xs: dict[int, float]) -> Markup:
        left, right = min(xs.values()) - 16, max(xs.values()) + 16
        parts = []
        for level in range(self.n_layers + 1):
            y = f"{self.y(level):.1f}"
            kind = "ground" if level == 0 else "storey"
            parts.append(tag("line", x1=f"{left:.1f}", x2=f"{right:.1f}", y1=y, y2=y, class_=kind))
            if self.layout.names and level:
                middle = (self.y(level) + self.y(level - 1)) / 2
                parts.append(tag("text", f"layer {level - 1}", x=2, y=f"{middle + 4:.1f}", class_="name"))
        if self.layout.names:
            parts.append(tag("text", "next", x=2, y=f"{6 + self.layout.roof / 2 + 4.5:.1f}", class_="name"))
        return tag("g", *parts, class_="storeys", aria_hidden="true")

    def stems(self, xs: dict[int, float]) -> Markup:
        """The tokens' own streams; those that the answer comes through are stronger there."""
        f = self.found
        low, high = min(w.layer for w in f.first), max(w.layer for w in f.second)
        ways = {f.before: (0, max(w.layer for w in f.first), "before"), f.found: (low + 1, high, "found")}
        ways[f.last] = (min(w.layer for w in f.second) + 1, self.n_layers, "asked")
        parts = [
            tag("path", d=f"M{x:.1f} {self.y(0):.1f}V{self.y(self.n_layers):.1f}", class_="plain") for x in xs.values()
        ]
        for i, (a, b, kind) in ways.items():
            parts.append(tag("path", d=f"M{xs[i]:.1f} {self.y(a):.1f}V{self.y(b):.1f}", class_=f"way {kind}"))
        return tag("g", *parts, class_="streams", aria_hidden="true")

    def nodes(self, xs: dict[int, float]) -> Markup:
        f = self.found
        spots = {(f.last, self.n_layers): "asked"}
        for w in f.first:
            spots |= {(w.key, w.layer): "before", (w.query, w.layer + 1): "found"}
        for w in f.second:
            spots |= {(w.key, w.layer): "found", (w.query, w.layer + 1): "asked"}
        dots = [
            tag("circle", cx=f"{xs[i]:.1f}", cy=f"{self.y(level):.1f}", r=4.2, class_=kind)
            for (i, level), kind in spots.items()
        ]
        return tag("g", *dots, class_="spots", aria_hidden="true")

    def arc(self, x0: float, x1: float, layer: int) -> str:
        """From a column at the foot of a layer to another one at its top."""
        low, high = self.y(layer), self.y(layer + 1)
        rise = low - high
        return (
            f"M{x0:.1f} {low:.1f}C{x0:.1f} {low - 0.75 * rise:.1f} {x1:.1f} {high + 0.7 * rise:.1f} {x1:.1f} {high:.1f}"
        )

    @property
    def answer(self) -> str:
        return text_of(self.found.answer)

    def wire(self, w: Wire, xs: dict[int, float], step: str) -> Markup:
        """One layer's wires between two tokens, as a button."""
        a, b, share = xs[w.key], xs[w.query], w.heads[0][1]
        label = f"layer {w.layer}"
        reads = f"{self.pieces[w.query].text} reads {self.pieces[w.key].text}"
        why = (
            f"{label}: {reads}; cut alone, “{self.answer}” has {percent(w.cut)} instead of "
            f"{percent(self.found.chance)}; the share of head {w.layer}.{w.heads[0][0]}, the strongest"
        )
        left = b + 10 if step == "first" else (a + b - chip_width(label)) / 2
        shown = Cable(step, label, f"{label}: {reads}", w.edges, (w.layer,), a, b, left, 1.5 + 5.5 * share, why, share)
        return self.button(shown)

    def control(self, xs: dict[int, float]) -> Markup:
        """The wires to one token further back, as one button."""
        f = self.found
        a, b, label = xs[f.other], xs[f.found], "control"
        reads = f"{self.pieces[f.found].text} reads {self.pieces[f.other].text}, one further back"
        why = (
            f"control, in the same layers: {reads}; cut, “{self.answer}” has {percent(f.control)} instead of "
            f"{percent(f.chance)}"
        )
        layers = tuple(w.layer for w in f.first)
        left = max(a - 9 - chip_width(label), 2)
        return self.button(
            Cable("control", label, f"control: {reads}", f.control_edges, layers, a, b, left, 1.4, why, None)
        )

    def button(self, cable: Cable) -> Markup:
        """A cable that can be cut: the area where a press is meant for it, its arcs, and the sign on it."""
        state = pressed(self.cut, cable.edges)
        gone = {"true": " gone", "mixed": " part", "false": ""}[state]
        wide, arcs = chip_width(cable.label), [self.arc(cable.a, cable.b, layer) for layer in cable.layers]
        foot, top = self.y(cable.layers[0]), self.y(cable.layers[-1] + 1)
        middle = (foot + self.y(cable.layers[0] + 1)) / 2
        edge = min(cable.a, cable.left)
        area = {"x": edge, "y": top, "width": max(cable.b, cable.left + wide) - edge, "height": foot - top}
        chip = {"x": cable.left, "y": middle - CHIP / 2, "width": wide, "height": CHIP, "rx": CHIP / 2}
        return tag(
            "g",
            tag("rect", **{k: f"{v:.1f}" for k, v in area.items()}, class_="target"),
            *[tag("path", d=d, pathLength=1, stroke_width=f"{cable.width:.2f}", class_="wire") for d in arcs],
            tag("rect", **{k: f"{v:.1f}" for k, v in chip.items()}, class_="chip"),
            tag(
                "text",
                cable.label,
                x=f"{cable.left + wide / 2:.1f}",
                y=f"{middle + 4.6:.1f}",
            ),
            role="button",
            tabindex=0,
            aria_pressed=state,
            aria_label=f"Cut {cable.name}",
            class_=f"wires {cable.step}{gone}",
            data_arc=study.coded(toggled(self.cut, cable.edges)),
            data_why=cable.why,
            data_v=None if cable.value is None else exact(cable.value),
        )

    def roof(self, xs: dict[int, float]) -> Markup:
        """The odds of the next token: the answer first, with a mark where it ended with nothing cut."""
        lay, f = self.layout, self.found
        left, right = (lay.left if lay.names else 4), lay.width - 4
        span, x, low, high = right - left, xs[f.last], self.y(self.n_layers) - 8, 6 + lay.roof
        named = [(f.answer, self.now.chance), *self.now.top]
        parts, fans, at = [], [], left
        frame = tag("rect", x=f"{left:.1f}", y=6, width=f"{span:.1f}", height=lay.roof, rx=5, class_="strip-frame")
        for k, (token, chance) in enumerate([*named, (-1, self.now.rest)]):
            a, b = at, at + chance * span
            at = b
            kind = " answer" if k == 0 else " rest" if token < 0 else ""
            name = "others" if token < 0 else text_of(token)
            if b - a >= 0.5:
                bend = (low + high) / 2
                d = (
                    f"M{x - 1.5:.1f} {low:.1f}C{x - 1.5:.1f} {bend:.1f} {a:.1f} {bend:.1f} {a:.1f} {high:.1f}"
                    f"H{b:.1f}C{b:.1f} {bend:.1f} {x + 1.5:.1f} {bend:.1f} {x + 1.5:.1f} {low:.1f}Z"
                )
                fans.append(tag("path", d=d, class_=f"fan{kind}"))
            parts.append(
                tag(
                    "rect",
                    x=f"{a:.2f}",
                    y=6,
                    width=f"{max(b - a - 1.2, 0.8):.2f}",
                    height=lay.roof,
                    rx=4 if b - a > 8 else 0.4,
                    class_=f"odd{kind}",
                    data_v=exact(chance),
                    data_why=f"{name}: its chance",
                )
            )
            full = f"{name} {short(chance)}"
            if len(full) * lay.letter * 0.9 + 8 < b - a:
                middle = f"{(a + b) / 2:.1f}"
                parts.append(tag("text", full, x=middle, y=f"{6 + lay.roof / 2 + 5.5:.1f}", class_=f"odd-name{kind}"))
        mark = left + f.chance * span
        parts.append(tag("path", d=f"M{mark:.1f} 2V{high + 4:.1f}", class_="was"))
        return tag("g", frame, *fans, *parts, class_="roof on now", aria_hidden="true")


# ---------------------------------------------------------------- beside the drawing


def word(token: int, kind: str = "") -> Markup:
    """A piece as it is written in a sentence about it. kind: "it" is what may come next"""
    text = text_of(token)
    return tag("b", text if any(x.isalnum() for x in text) else f"“{text}”", class_=kind or None)


def steps_cut(found: Circuit, cut: frozenset[Edge]) -> dict[str, str]:
    """How much of each step is cut: "all", "some" or "" (none)."""
    every = {"first": found.first_edges, "second": found.second_edges, "control": found.control_edges}
    return {name: "all" if edges <= cut else "some" if edges & cut else "" for name, edges in every.items()}


def layers_of(some: Sequence[Wire]) -> str:
    """'layer 2', 'layers 1 and 2', 'layers 0, 1 and 2'."""
    names = [str(w.layer) for w in some]
    return f"layers {', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else f"layer {names[0]}"


def says(found: Circuit, cut: frozenset[Edge], now: Odds) -> list[Any]:
    """What the odds are with these edges cut, and what that shows, as far as it does."""
    f, state = found, steps_cut(found, cut)
    answer, before, last = word(f.answer, "it"), word(f.tokens[f.before]), word(f.tokens[f.last])
    other = word(f.tokens[f.other])
    breaks = now.chance < study.BREAKS * f.chance
    if not cut:
        first = tag("span", "has read ", before, class_="first")
        second = tag("span", "asks, and reads it", class_="second")
        return [
            *[answer, f" has {percent(f.chance)}. First it ", first, ", just before it; then the last ", last, " "],
            *[second, ". Each line is a wire: press one, and it is cut."],
        ]
    odds = [answer, f" has {percent(now.chance)} instead of {percent(f.chance)}"]
    best = max(now.top, key=lambda t: t[1], default=None)
    if best and best[1] > now.chance:
        odds += ["; the model would say ", word(best[0], "it"), f" ({percent(best[1])})"]
    touched = [name for name, much in state.items() if much]
    alone = touched[0] if len(touched) == 1 and cut <= f.all_edges else ""
    if (alone, state["second"]) == ("second", "all"):
        return ["The last ", last, " asks, and cannot read ", answer, ": ", *odds, "."]
    if (alone, state["first"]) == ("first", "all"):
        return [answer, " cannot read ", before, f" in {layers_of(f.first)}: ", *odds, "."]
    if alone == "first":
        left = [w for w in f.first if not w.edges <= cut]
        rest = f"; what is left, in {layers_of(left)}, is {'not ' if breaks else ''}enough"
        return ["Part of the first step is cut: ", *odds, rest, "."]
    if (alone, state["control"]) == ("control", "all"):
        return [answer, " cannot read ", other, ", one further back: ", *odds, "."]
    return ["With all that is cut: ", *odds, "."]


def table(found: Circuit, cut: frozenset[Edge]) -> Markup:
    """Every wire, head by head: its share, the odds if it alone is cut, and a button that cuts it."""
    say = lambda i: text_of(found.tokens[i])  # noqa: E731
    rows = []
    for name, some in (("first", found.first), ("second", found.second)):
        for w in some:
            rows.append(
                row(f"{name}, layer {w.layer}", f"{say(w.query)} reads {say(w.key)}", None, w.cut, w.edges, cut)
            )
            for head, share, alone in w.heads:
                edge = frozenset([(w.layer, head, w.query, w.key)])
                rows.append(row(f"head {w.layer}.{head}", "", share, alone, edge, cut))
        whole = {"first": found.first_cut, "second": found.second_cut}[name]
        rows.append(row(f"{name}, all of it", "", None, whole, study.edges_of(some), cut))
    away = f"{say(found.found)} reads {say(found.other)}"
    rows.append(row("control", away, None, found.control, found.control_edges, cut))
    heads = ["wire", "what reads what", "its share", f"“{text_of(found.answer)}” if it alone is cut", "cut it"]
    label = "Every wire by itself"
    return tag(
        "div",
        tag(
            "table",
            tag("caption", label, class_="sr"),
            tag("thead", tag("tr", *[tag("th", h, scope="col") for h in heads])),
            tag("tbody", *rows),
            class_="numbers",
            translate="no",
        ),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=label,
    )


def row(
    name: str, reads: str, share: float | None, alone: float, edges: frozenset[Edge], cut: frozenset[Edge]
) -> Markup:
    state = pressed(cut, edges)
    shares = tag("td") if share is None else tag("td", percent(share), data_v=exact(share), class_="num")
    button = tag(
        "button",
        "cut",
        type="button",
        data_set="cut",
        value=study.coded(toggled(cut, edges)),
        aria_pressed=state,
        aria_label=f"cut {name}",
        class_="button small",
    )
    return tag(
        "tr",
        tag("th", name, scope="row"),
        tag("td", reads),
        shares,
        tag("td", percent(alone), data_v=exact(alone), class_="num"),
        tag("td", button),
    )


def odds(found: Circuit, now: Odds) -> Markup:
    """The strip above the drawing as a table."""
    rows: list[list[Any]] = [[text_of(token), chance] for token, chance in [(found.answer, now.chance), *now.top]]
    rows.append(["others", now.rest])
    return c.numbers_table(["next", "chance"], rows, "What comes next with these cuts", summary="Odds", text=percent)


def patches(found: Circuit) -> Markup:
    """Path patching as a table: query, key and value of the upper heads, each by itself, in both directions."""
    names = {"q": "query of the last token", "k": "key of the one found", "v": "value of the one found"}
    rows = [[names[p.part], p.cut, p.kept] for p in found.patched]
    heads = ["", "it alone from the run with the first step cut", "all but it from there"]
    label = f"The chance of “{text_of(found.answer)}” when one part of the upper heads is patched"
    return c.numbers_table(heads, rows, label, summary="Query, key or value?", text=percent)


def buttons(found: Circuit, cut: frozenset[Edge]) -> Markup:
    """Whole steps at once, and all as it was."""
    many = {"Cut the first step": found.first_edges, "Cut the second step": found.second_edges}
    return tag(
        "div",
        *[
            tag(
                "button",
                name,
                type="button",
                data_set="cut",
                value=study.coded(toggled(cut, edges)),
                aria_pressed=pressed(cut, edges),
                class_="button small",
            )
            for name, edges in many.items()
        ],
        tag(
            "button",
            "Join all again",
            type="button",
            data_set="cut",
            value="",
            aria_disabled=None if cut else "true",
            class_="button small",
        ),
        class_="circuit-cuts",
        role="group",
        aria_label="Cut",
    )


def also(found: Circuit, cut: frozenset[Edge]) -> Markup | None:
    """What is cut, too, and is none of the wires drawn: from a link."""
    strange = cut - found.all_edges
    if not strange:
        return None
    return tag("p", join(["Also cut, and not drawn: ", tag("code", study.coded(strange)), "."]), class_="note")

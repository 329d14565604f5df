"""The one picture as SVG: words as columns, layers as floors, attention as arcs, the odds on the roof,
the word that drops.

Every floor is in the drawing; how far the climb has come is said by classes alone (`on`: reached, `now`: just reached)
on whatever carries `data-f`, so the page goes from floor to floor by itself (build/web/climb.js) and a still shows any.
It is drawn twice, wide and narrow, and the style sheet shows one.
The arrow keys go from node to node (build/web/paths.js).

    data-f="3"         belongs to floor 3; 0 is the ground, then the floors, the roof and the drop
    data-pick="3.12"   a press opens the inside of that node: floor.column (floor.column.read for an arc)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from markupsafe import Markup

from explainer.studies.climb import START, Arc, Climb, Column, Floor, Roof, bundles
from explainer.ui.html import exact, join, percent, tag
from explainer.ui.parts import components as c


@dataclass(frozen=True)
class Layout:
    """A way to draw it: sizes in units of the drawing.

    most: columns shown at most; slot: room for the next word, and for what the last column would say; names: of floors,
    beside each; axis: their numbers, and one name for all; pad, least: room around a word, and for the shortest
    """

    name: str
    width: float
    left: float
    slot: float
    most: int
    storey: float
    names: bool
    letter: float  # about as wide is one letter of a word

    axis: bool = False
    pad: float = 11
    least: float = 26
    roof: float = 34  # height of the strip of odds
    fan: float = 46  # from the top floor to the strip
    below: float = 56  # words and braces

    def top(self) -> float:
        return 6 + self.roof + self.fan

    def height(self, floors: int) -> float:
        return self.top() + self.rise(floors) * floors + self.below

    def rise(self, floors: int) -> float:
        """From floor to floor: more floors are lower ones, down to what a dot and a number need."""
        return max(self.storey * 4 / max(floors, 4), LOWEST)

    def y(self, floor: int, floors: int) -> float:
        return self.top() + self.rise(floors) * (floors - floor)


WIDE = Layout("wide", 860, 84, 104, 13, 50, True, 9.0)
LOWEST = 12.0  # units from floor to floor at least
FULL = 22.0  # from this on dots have their full size, and each floor its words
GAP = 15  # where columns are left out
FEWEST = 4  # columns
NARROW = Layout("narrow", 340, 6, 66, 9, 37, False, 7.0, axis=True, pad=7.5, least=21, roof=32, fan=36, below=46)
DIGIT = 6.4  # units of a digit of a floor's number
AXIS = 18  # units of the name of all floors, written upwards
LAYOUTS = (WIDE, NARROW)


def shown_columns(told: Climb, most: int) -> list[int]:
    """Which columns are drawn: the last, those that the word comes through, then what else belongs to the same words,
    then the others from the end; in order.

    The start mark is none of them.
    """
    through = [told.last, *(i for arc in told.carriers for i in (arc.query, arc.key))]
    whole = [k for i in through for k in range(told.columns[i].begins, told.columns[i].ends)]
    wanted = dict.fromkeys([*through, *whole, *range(told.last, -1, -1)])
    return sorted([i for i in wanted if told.columns[i].text != START or i > 0][:most]) or [told.last]


def word_of(columns: Sequence[Column], i: int, *, bold: bool = True) -> Markup:
    """A piece within its word, as far as that stands there: Vi-<b>do</b>. A name that goes on keeps its hyphens."""
    column = columns[i]
    joint = "-" if is_name(columns, i) else ""
    if not any(x.isalnum() for x in column.text):  # a mark, among words
        return join(["“", tag("b", column.text) if bold else column.text, "”"])
    pieces = [columns[k].text for k in range(column.begins, column.ends)]
    at = i - column.begins
    before = "".join(p + joint for p in pieces[:at])
    after = "".join(joint + p for p in pieces[at + 1 :])
    return join([before, tag("b", column.text) if bold else column.text, after])


def is_name(columns: Sequence[Column], i: int) -> bool:
    """Whether the word of a column is a name in pieces, which are written with hyphens."""
    return any(columns[k].hyphen for k in range(columns[i].begins, columns[i].ends))


def node_of(told: Climb, floor: int, i: int) -> str:
    """A node in words: 'do, floor 3'."""
    return f"{word_of(told.columns, i, bold=False)}, {'ground' if floor == 0 else f'floor {floor}'}"


def floor_name(floor: Floor) -> str:
    """'floor 3', or, of a bundle, the layers in it, counted from 1: 'floors 6-10'."""
    single = floor.first == floor.last
    return f"floor {floor.first + 1}" if single else f"floors {floor.first + 1}–{floor.last + 1}"


def floor_number(floor: Floor) -> str:
    """'3', or, of a bundle, the layers in it, counted from 1: '6-10'."""
    return floor_name(floor).split()[1]


def state(f: int, floor: int, kind: str = "") -> dict[str, Any]:
    """Attributes of what belongs to floor `f` where the climb has come to `floor`."""
    classes = [kind, "on" if f <= floor else "", "now" if f == floor else ""]
    return {"class_": " ".join(x for x in classes if x), "data_f": f}


class WordRow:
    """The words of a drawing as columns: which of them there is room for, where they stand, and how they are written.

    Of a subclass: pieces, layout, `ground` (how far down the words stand), and `choose`.
    """

    layout: Layout
    ids: ClassVar[str] = ""  # begins the ids of words, where several drawings stand on one page

    @property
    def pieces(self) -> Sequence[Column]:
        raise NotImplementedError

    @property
    def ground(self) -> float:
        raise NotImplementedError

    def choose(self, most: int) -> list[int]:
        """The columns that are shown if there is room for `most` of them."""
        raise NotImplementedError

    @property
    def asked(self) -> int:
        """The column that is asked: the last one."""
        return len(self.pieces) - 1

    @cached_property
    def columns(self) -> list[int]:
        """The columns that there is room for."""
        most = self.layout.most
        while most > FEWEST and sum(self.widths(self.choose(most))) > self.room:
            most -= 1
        return self.choose(most)

    @property
    def left(self) -> float:
        """Where the columns begin, behind the names of the floors."""
        return self.layout.left

    @property
    def room(self) -> float:
        """For all columns together."""
        return self.layout.width - self.left - self.layout.slot - 8

    def gaps(self, columns: Sequence[int]) -> list[float]:
        """Room before each column for the mark that some are left out there."""
        return [GAP * (i - before > 1) for before, i in zip([0, *columns], columns, strict=False)]

    def widths(self, columns: Sequence[int]) -> list[float]:
        """How much room each column wants: long words more, marks less."""
        texts = [self.pieces[i].text for i in columns]
        lay = self.layout
        own = [max(len(t) * lay.letter + lay.pad, lay.least if t[:1].isalnum() else lay.least - 8) for t in texts]
        return [w + gap for w, gap in zip(own, self.gaps(columns), strict=True)]

    def places(self) -> dict[int, float]:
        """Where the columns stand: {column: x}. The last word stands at the right, where things happen."""
        room = self.room
        gaps, wanted = self.gaps(self.columns), self.widths(self.columns)
        spare = (room - sum(wanted)) / len(wanted)
        if spare < 0:
            wanted = [w * room / sum(wanted) for w in wanted]
            spare = 0.0
        spare = min(spare, 62.0)
        left = self.left + room - sum(wanted) - spare * len(wanted)
        found, at = {}, left
        for i, width, gap in zip(self.columns, wanted, gaps, strict=True):
            found[i] = at + (width + spare + gap) / 2
            at += width + spare
        return found

    def half(self, i: int) -> float:
        return max(len(self.pieces[i].text) * self.layout.letter * 0.5, 7)

    def word_kind(self, i: int) -> str:
        """The classes of a word."""
        return f"word{' asked' if i == self.asked else ''}{' written' if self.pieces[i].written else ''}"

    def words(self, xs: dict[int, float]) -> Markup:
        y = self.ground
        parts = []
        for i, x in xs.items():
            parts.append(
                tag(
                    "text",
                    self.pieces[i].text,
                    style=f"transform:translate({x:.1f}px,{y:.1f}px)",
                    class_=self.word_kind(i),
                    id=f"{self.ids}{self.layout.name}-w{i}",
                )
            )
        shown = list(xs)
        for a, b in sorted({(self.pieces[i].begins, self.pieces[i].ends) for i in shown}):
            inside = [i for i in shown if a <= i < b]
            if len(inside) > 1:
                left = xs[inside[0]] - self.half(inside[0])
                right = xs[inside[-1]] + self.half(inside[-1])
                parts.append(tag("path", d=f"M{left:.1f} {y + 8:.1f}v4H{right:.1f}v-4", class_="brace"))
        for before, i in itertools.pairwise([0, *shown]):
            if i - before > 1:
                parts.append(tag("text", "…", x=f"{xs[i] - self.half(i) - 10:.1f}", y=f"{y:.1f}", class_="gap"))
        return tag("g", *parts, class_="words", aria_hidden="true")


@dataclass(frozen=True)
class Picture(WordRow):
    """One drawing of a climb.

    floor: how far it has come: 0 the ground, then each floor, the roof, the drop; chosen: the node that is open
    sets: the state value that pressing a node sets; '': nothing can be pressed
    """

    told: Climb
    layout: Layout
    floor: int
    chosen: tuple[int, int] | None = None
    sets: str = "inside"

    # ------------------------------------------------------------ places

    @property
    def n_floors(self) -> int:
        return len(self.told.floors)

    @property
    def small(self) -> float:
        """How much smaller than usual dots are, where there are many floors."""
        return min(1.0, self.layout.rise(self.n_floors) / FULL)

    def is_named(self, f: int) -> bool:
        """Whether a floor has words beside it: where floors are low, one of several, and always the highest."""
        return (self.n_floors - f) % math.ceil(16 / self.layout.rise(self.n_floors)) == 0

    @property
    def pieces(self) -> Sequence[Column]:
        return self.told.columns

    def choose(self, most: int) -> list[int]:
        return shown_columns(self.told, most)

    def y(self, floor: int) -> float:
        return self.layout.y(floor, self.n_floors)

    @property
    def ground(self) -> float:
        return self.y(0) + 30

    @property
    def left(self) -> float:
        if not self.layout.axis:
            return self.layout.left
        return AXIS + DIGIT * max(len(floor_number(f)) for f in self.told.floors)

    # ------------------------------------------------------------ parts

    def draw(self) -> Markup:
        """The whole drawing."""
        lay, told = self.layout, self.told
        xs = self.places()
        width, height = lay.width, lay.height(self.n_floors)
        n_pieces = len(told.columns) - (told.columns[0].text == START)
        label = f"{n_pieces} pieces of text as columns, {self.n_floors} floors, what each reads, and what comes next"
        return tag(
            "svg",
            self.floor_lines(xs),
            self.stems(xs),
            *[self.arcs(f, xs) for f in range(1, self.n_floors + 1)],
            tag("g", *[self.nodes(f, xs) for f in range(self.n_floors + 1)], class_="nodes"),
            tag("g", *[self.said(f, xs) for f in range(1, self.n_floors + 1)], class_="says-now", aria_hidden="true"),
            self.roof(xs),
            self.words(xs),
            self.fallen(xs),
            # with an id, so that it never stands for another group when the drawing has more or fewer of them
            tag("g", class_="travel", id=f"t-travel-{lay.name}", data_own=True, aria_hidden="true"),
            viewBox=f"0 0 {width:g} {height:g}",
            role="group" if self.sets else "img",
            aria_label=label,
            class_=f"climb {lay.name}",
            data_paths=f"climb-{lay.name}" if self.sets else None,
            data_sets=self.sets or None,
            data_columns=len(xs),
            translate="no",
        )

    def floor_lines(self, xs: dict[int, float]) -> Markup:
        lay = self.layout
        left, right = min(xs.values()) - 16, max(xs.values()) + 16
        parts = []
        for f in range(self.n_floors + 1):
            y = f"{self.y(f):.1f}"
            parts.append(
                tag("line", x1=f"{left:.1f}", x2=f"{right:.1f}", y1=y, y2=y, class_="ground" if f == 0 else "storey")
            )
            if f and not self.is_named(f):
                continue
            if lay.names:
                name = "words" if f == 0 else floor_name(self.told.floors[f - 1])
                parts.append(tag("text", name, x=2, y=f"{self.y(f) + 4:.1f}", class_="name"))
            elif lay.axis and f:
                number = floor_number(self.told.floors[f - 1])
                parts.append(tag("text", number, x=f"{self.left - 2:.1f}", y=f"{self.y(f) + 4:.1f}", class_="number"))
        if lay.axis:
            middle = (self.y(1) + self.y(self.n_floors)) / 2
            parts.append(tag("text", "floor", transform=f"translate(10 {middle:.1f}) rotate(-90)", class_="axis"))
        return tag("g", *parts, class_="storeys", aria_hidden="true")

    def stems(self, xs: dict[int, float]) -> Markup:
        """The columns' own streams, a piece for each floor."""
        last = self.told.last
        parts = []
        for f in range(1, self.n_floors + 1):
            d = {i: f"M{x:.1f} {self.y(f - 1):.1f}V{self.y(f):.1f}" for i, x in xs.items()}
            stems = [tag("path", d=d[i], pathLength=1, class_=f"stem{' asked' if i == last else ''}") for i in xs]
            parts.append(tag("g", *stems, **state(f, self.floor)))
        return tag("g", *parts, class_="stems", aria_hidden="true")

    def arcs(self, f: int, xs: dict[int, float]) -> Markup:
        floor = self.told.floors[f - 1]
        drawn = [a for a in floor.arcs if a.query in xs and a.key in xs]
        rank = lambda a: (a.carries, a.query == self.told.last, a.weight)  # noqa: E731
        return tag("g", *[self.arc(a, xs) for a in sorted(drawn, key=rank)], **state(f, self.floor, "arcs"))

    def arc(self, arc: Arc, xs: dict[int, float]) -> Markup:
        low, high = self.y(arc.floor - 1), self.y(arc.floor)
        a, b, rise = xs[arc.key], xs[arc.query], low - high
        d = f"M{a:.1f} {low:.1f}C{a:.1f} {low - 0.7 * rise:.1f} {b:.1f} {high + 0.62 * rise:.1f} {b:.1f} {high:.1f}"
        kinds = ["arc"]
        kinds += ["asked"] if arc.query == self.told.last else ["via"] if arc.carries else ["other"]
        kinds += ["carries"] * arc.carries
        return tag(
            "path",
            d=d,
            pathLength=1,
            class_=" ".join(kinds),
            stroke_width=f"{1 + 5 * arc.weight:.3f}",
            data_v=exact(arc.weight),
            data_why=self.why(arc),
            data_arc=f"{arc.floor}.{arc.query}.{arc.key}" if self.sets else None,
        )

    def why(self, arc: Arc) -> str:
        told = self.told
        words = (
            f"{word_of(told.columns, arc.query, bold=False)} reads {word_of(told.columns, arc.key, bold=False)} on "
            f"floor {arc.floor}"
        )
        if arc.without is not None:
            words += (
                f"; with this line cut, “{told.word.text}” has {percent(arc.without)} instead of "
                f"{percent(told.word.chance)}"
            )
        return f"{words}; its share of what is read"

    def nodes(self, f: int, xs: dict[int, float]) -> Markup:
        told, last = self.told, self.told.last
        seat = self.chosen if self.chosen and self.chosen[1] in xs else (self.n_floors, last)
        parts = []
        y = self.y(f)
        for k, (i, x) in enumerate(xs.items()):
            value = told.floors[f - 1].change[i] if f else None
            r = self.small * (4.2 if value is None else 3.4 + 3.6 * min(value, 1.5))
            way = any(
                (a.carries and (a.floor, a.query) == (f, i)) or (a.floor - 1, a.key) == (f, i) for a in told.carriers
            )
            press: dict[str, Any] = {}
            if self.sets:
                press = {
                    "data_i": f * len(xs) + k,
                    "data_pick": f"{f}.{i}",
                    "role": "button",
                    "tabindex": 0 if (f, i) == seat else -1,
                    "aria_label": node_of(told, f, i),
                    "aria_pressed": str((f, i) == self.chosen).lower(),
                }
            parts.append(
                tag(
                    "g",
                    tag("rect", x=-14, y=-14, width=28, height=28, class_="hit"),
                    tag("circle", r=f"{r:.2f}", data_v=None if value is None else exact(value)),
                    class_=f"node{' asked' if i == last else ''}{' way' if way else ''}",
                    style=f"transform:translate({x:.1f}px,{y:.1f}px)",
                    id=f"{self.layout.name}-n{f}-{i}",
                    data_why=self.node_why(f, i),
                    data_v=None if value is None else exact(value),
                    **press,
                )
            )
        return tag("g", *parts, **state(f, self.floor, "level"))

    def node_why(self, f: int, i: int) -> str:
        if f == 0:
            return f"{node_of(self.told, 0, i)}: only the piece itself and its place in the text"
        read = self.told.floors[f - 1].read[i]
        says = read.fits or f == self.n_floors  # at the top it is what the model says, however unsure
        would = f"would say “{read.text}” now ({percent(read.chance)})" if says else "would say no word yet"
        return f"{node_of(self.told, f, i)}: {would}; how much this floor changed it"

    def said(self, f: int, xs: dict[int, float]) -> Markup:
        """What the last column would say, to its right."""
        read = self.told.floors[f - 1].read[self.told.last]
        top = f == self.n_floors
        x = xs[self.told.last] + 15
        if not self.is_named(f):
            return Markup("")
        if not (read.fits or top):
            return tag(
                "text", "no word yet", x=f"{x:.1f}", y=f"{self.y(f) + 4.5:.1f}", **state(f, self.floor, "lens none")
            )
        words = [tag("tspan", read.text, class_="it"), f" {short(read.chance)}"]
        return tag(
            "text",
            *words,
            x=f"{x:.1f}",
            y=f"{self.y(f) + 4.5:.1f}",
            data_v=exact(read.chance),
            **state(f, self.floor, "lens"),
        )

    def stretches(self, odds: Climb | Roof | None = None) -> list[tuple[float, float]]:
        """Where the odds lie on the strip, in its units, the rest last."""
        lay, odds = self.layout, odds or self.told
        left, right = (lay.left if lay.names else 4), lay.width - 4
        found, at = [], left
        for chance in [*[o.chance for o in odds.odds], odds.rest]:
            found.append((at, at + chance * (right - left)))
            at += chance * (right - left)
        return found

    @property
    def ball(self) -> tuple[float, float]:
        """Where the ball comes to lie."""
        a, b = self.stretches()[self.told.said]
        return a + self.told.at * (b - a), 6 + self.layout.roof

    def roof(self, xs: dict[int, float]) -> Markup:
        told, lay = self.told, self.layout
        x, low, high = xs[told.last], self.y(self.n_floors) - 9, 6 + lay.roof
        fans = []
        for k, (a, b) in enumerate(self.stretches()):
            if b - a < 0.5:
                continue
            kind = " said" * (k == told.said) + " best" * (k == 0) + " rest" * (k == len(told.odds))
            bend = (low + high) / 2
            fans.append(
                tag(
                    "path",
                    d=(
                        f"M{x - 1.5:.1f} {low:.1f}C{x - 1.5:.1f} {bend:.1f} {a:.1f} {bend:.1f} {a:.1f} {high:.1f}"
                        f"H{b:.1f}C{b:.1f} {bend:.1f} {x + 1.5:.1f} {bend:.1f} {x + 1.5:.1f} {low:.1f}Z"
                    ),
                    class_=f"fan{kind}",
                )
            )
        parts, said = self.strip(told)
        press: dict[str, Any] = {}
        if self.sets:
            label = f"The roof: {', '.join(said)}"
            press = {"role": "button", "tabindex": 0, "data_press": "roof", "aria_label": label}
        roof = tag("g", *fans, *parts, **press, **state(self.n_floors + 1, self.floor, "roof"))
        level = f"{6 + lay.roof / 2 + 4.5:.1f}"
        called = tag("text", "next word", x=2, y=level, class_="name", aria_hidden="true") if lay.names else None
        frame = tag(
            "rect",
            x=f"{self.stretches()[0][0]:.1f}",
            y=6,
            width=f"{self.stretches()[-1][1] - self.stretches()[0][0]:.1f}",
            height=lay.roof,
            rx=5,
            class_="strip-frame",
        )
        return join([frame, called, roof])

    def strip(self, odds: Climb | Roof) -> tuple[list[Markup], list[str]]:
        """The odds end to end, each with its name where there is room for it; and these names."""
        lay = self.layout
        parts, said = [], []
        names = [o.text + ("…" if o.unfinished else "") for o in odds.odds] + ["others"]
        for k, ((a, b), name) in enumerate(zip(self.stretches(odds), names, strict=True)):
            chance = odds.odds[k].chance if k < len(odds.odds) else odds.rest
            if b - a < 0.5:
                continue
            kind = " said" * (k == odds.said) + " best" * (k == 0) + " rest" * (k == len(odds.odds))
            parts.append(
                tag(
                    "rect",
                    x=f"{a:.2f}",
                    y=6,
                    width=f"{max(b - a - 1.2, 0.5):.2f}",
                    height=lay.roof,
                    rx=4,
                    class_=f"odd{kind}",
                    data_v=exact(chance),
                    data_why=f"{name}: its chance",
                )
            )
            full = f"{name} {short(chance)}"
            fit = next((t for t in (full, name) if len(t) * lay.letter * 0.86 + 8 < b - a), "")
            if fit:
                said.append(fit)
                middle, level = f"{(a + b) / 2:.1f}", f"{6 + lay.roof / 2 + 5.5:.1f}"
                parts.append(tag("text", fit, x=middle, y=level, class_=f"odd-name{kind}"))
        return parts, said

    def slot(self, xs: dict[int, float]) -> tuple[float, float, float]:
        """Where the next word will stand: (x, y, width)."""
        wide = max(
            min(
                (len(self.told.word.text) + self.told.word.unfinished) * self.layout.letter + 18, self.layout.slot - 10
            ),
            34,
        )
        return (
            min(xs[self.told.last] + 24 + wide / 2 + self.half(self.told.last) * 0.4, self.layout.width - wide / 2 - 3),
            self.ground,
            wide,
        )

    def fallen(self, xs: dict[int, float]) -> Markup:
        """The place of the next word, the ball that is drawn, and the word on its way down."""
        told, roof = self.told, self.n_floors + 1
        x, y, wide = self.slot(xs)
        bx, by = self.ball
        edge = self.layout.width - 4
        way = (
            f"M{bx:.1f} {by - 17:.1f}"
            f"C{bx:.1f} {by + 40:.1f} {edge:.1f} {by:.1f} {(x + edge) / 2:.1f} {(by + y) / 2:.1f}"
            f"S{x:.1f} {y - 60:.1f} {x:.1f} {y - 5:.1f}"
        )
        chip = [
            tag("rect", x=f"{-wide / 2:.1f}", y=-14, width=f"{wide:.1f}", height=28, rx=7),
            tag("text", told.word.text + ("…" if told.word.unfinished else ""), y=5.5),
        ]
        return tag(
            "g",
            tag(
                "rect", x=f"{x - wide / 2:.1f}", y=f"{y - 19:.1f}", width=f"{wide:.1f}", height=28, rx=7, class_="slot"
            ),
            tag("path", d=way, class_="fall"),
            tag("g", tag("circle", cx=f"{bx:.1f}", cy=f"{by - 1:.1f}", r=6), **state(roof + 1, self.floor, "ball")),
            tag(
                "g",
                *chip,
                style=f"transform:translate({x:.1f}px,{y - 5:.1f}px)",
                role="button",
                tabindex=0,
                data_press="word",
                aria_label=f"The word that drops: {told.word.text}",
                **state(roof + 1, self.floor, "drop"),
            ),
            class_="fallen",
        )


def short(chance: float) -> str:
    """A chance for the drawing: whole percents, and no more than is true."""
    if chance > 0.995:
        return "100 %" if chance == 1 else f"{min(100 * chance, 99.9):.1f} %" if chance < 0.9995 else ">99.9 %"
    return f"{100 * chance:.0f} %" if chance >= 0.01 else "<1 %"


def apart(before: float, after: float) -> tuple[str, str]:
    """Two different chances, `short`, or with two more digits where they would look the same."""
    shown = short(before), short(after)
    return shown if shown[0] != shown[1] else (f"{100 * before:.2f} %", f"{100 * after:.2f} %")


# ---------------------------------------------------------------- the same numbers


ODDS: list[str | tuple[str, str]] = [("next", "token"), ("chance", "probability")]
CHANGES: list[str | tuple[str, str]] = [("column", "token position")]


def floors_control(n_layers: int, chosen: str) -> Markup | None:
    """Whether layers are bundled to a few floors or each is drawn; None where all of them fit anyway."""
    few = len(bundles(n_layers))
    if few == n_layers:
        return None
    options = [("bundled", f"{few} bundles"), ("all", f"all {n_layers}")]
    return c.choice("floors", "Floors drawn", options, chosen)


def tables(told: Climb) -> Markup:
    """What is drawn, as tables: arcs, changes, odds. The start mark, which is not drawn, is here, too."""
    name = lambda i: str(word_of(told.columns, i, bold=False))  # noqa: E731
    arcs = [
        [
            arc.floor,
            f"{arc.query} {name(arc.query)}",
            f"{arc.key} {name(arc.key)}",
            arc.weight,
            arc.layer,
            arc.head,
            "not tested" if arc.without is None else arc.without,
            "yes" if arc.carries else "",
        ]
        for floor in told.floors
        for arc in floor.arcs
    ]
    heads: list[str | tuple[str, str]] = [
        "floor",
        ("reads", "query"),
        ("is read", "key"),
        ("weight", "attention weight"),
        "layer",
        "head",
        (f"“{told.word.text}” without it", f"probability of {told.word.text} without this edge"),
        ("carries it", "the edge carries it"),
    ]
    changes = [[f"{i} {name(i)}", *[floor.change[i] for floor in told.floors]] for i in range(len(told.columns))]
    odds = [[o.text, o.chance] for o in told.odds] + [["others", told.rest]]
    return tag(
        "div",
        c.numbers_table(heads, arcs, "What reads what", summary="Lines"),
        c.numbers_table(
            [*CHANGES, *map(floor_name, told.floors)],
            changes,
            "How much each floor changed each column",
            summary="Changes",
        ),
        c.numbers_table(ODDS, odds, "What comes next", summary="Odds", text=percent),
        class_="climb-tables",
    )

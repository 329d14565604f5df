"""The machine as SVG: ruler, stretched ruler, ribbons, strip, ball; below the strip the truth and what was drawn.

It is drawn twice, wide and narrow, and the style sheet shows one. Every number is in a `data-v`, and its place in the
drawing follows from it alone (tests/views/drawn.py: machines). All marks are always there, some of them without any
width, so that the page moves them instead of exchanging them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from explainer.models import lab
from explainer.ui.design import WORDS
from explainer.ui.html import escaped, exact, how_many, join, percent, tag
from explainer.ui.parts import components as c

from ..facts.draws import EACH
from ..facts.machine import FEW, Machine, Many, Part
from .parts import at_t, is_limit


@dataclass(frozen=True)
class Layout:
    """A way to draw it, in units of the drawing: where things lie from top to bottom, and from left to right.

    named: names of the rows in a column of their own; else they stand above what they name
    """

    name: str
    width: float
    left: float
    right: float
    named: bool
    names: float
    upper: float
    lower: float
    strip: float
    tall: float
    truth: float
    drawn: float
    height: float
    letter: float  # about as wide is one letter
    bead: float

    @property
    def wide(self) -> float:
        return self.right - self.left


WIDE = Layout("wide", 720, 112, 700, True, 13, 36, 91, 184, 32, 227, 247, 259, 8.1, 7.5)
NARROW = Layout("narrow", 340, 6, 330, False, 32, 54, 110, 206, 34, 264, 297, 308, 7.6, 6.5)
LAYOUTS = (WIDE, NARROW)
THIN = 10  # height of the bars below the strip
SAWN = 16  # height of the strip before the cuts
BETWEEN = 26  # from it to what is left, scaled up
TALL, PITCH = 26, 9  # of strips one below the other: height of a large one, from one thin one to the next
UNIT = 180  # room for the last number of the ruler with its unit


@lab.per_model(16)
def labels(tokens: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    """(name, colour) of some tokens that stand side by side: no name and no colour twice.

    A name has no mark for the space before it, unless another one differs in nothing else. A word that names a colour
    has it; the others take what is left.
    """
    shown = [lab.tokenizer().display(token) for token in tokens]
    plain = [name.removeprefix("␣") or name for name in shown]
    names = [p if plain.count(p) == 1 else s for p, s in zip(plain, shown, strict=True)]
    own = [p if p in WORDS and plain.index(p) == i else "" for i, p in enumerate(plain)]
    free = iter([colour for colour in WORDS if colour not in own])
    return tuple((name, colour or next(free)) for name, colour in zip(names, own, strict=True))


def named(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """(name, class) of each part, the others' last."""
    words = labels(tuple(part.token for part in parts if part.token is not None))
    others = how_many(lab.tokenizer().n_vocab - FEW, "other")
    return [
        *[(name + "…" * part.begins, f"word-{colour}") for (name, colour), part in zip(words, parts, strict=False)],
        (others, "word-rest"),
    ]


def spread(wanted: Sequence[float], halves: Sequence[float], low: float, high: float) -> list[float]:
    """Places as near as may be to the wanted ones (in rising order) at which labels of these half widths do not meet.

    Fewer than were asked for, where there is no room: the last ones go.
    """
    n = len(wanted)
    while n and 2 * sum(halves[:n]) > high - low:
        n -= 1
    if not n:
        return []
    offset = [0.0]  # of each label from the first, were they to touch
    for i in range(1, n):
        offset.append(offset[-1] + halves[i - 1] + halves[i])
    pools: list[list[float]] = []  # [sum, count]: labels that touch share the mean of what they want
    for i in range(n):
        pools.append([wanted[i] - offset[i], 1])
        while len(pools) > 1 and pools[-2][0] * pools[-1][1] > pools[-1][0] * pools[-2][1]:
            total, count = pools.pop()
            pools[-1] = [pools[-1][0] + total, pools[-1][1] + count]
    first, last = low + halves[0], high - halves[n - 1] - offset[-1]
    places = [min(max(total / count, first), last) for total, count in pools for _ in range(int(count))]
    return [place + by for place, by in zip(places, offset, strict=True)]


def hatch(a: float, b: float, y: float, height: float) -> str:
    """Slanted lines over a box, as path data."""
    lines = []
    x = a - height
    while x < b and b - a > 1:
        start, end = max(x, a), min(x + height, b)
        if end > start:
            lines.append(f"M{start:.1f} {y + height - (start - x):.1f}L{end:.1f} {y + height - (end - x):.1f}")
        x += 6
    return "".join(lines) or "M0 0"


def text(words: str, x: float, y: float, kind: str, anchor: str = "") -> str:
    """A piece of writing that can move."""
    place = f"transform:translate({x:.1f}px,{y:.1f}px)"
    return f'<text class="{kind}{" " + anchor if anchor else ""}" style="{place}">{escaped(words)}</text>'


def box(
    kind: str, a: float, b: float, y: float, height: float, value: float, why: str, gap: float = 1.2, leaves: str = ""
) -> str:
    """A stretch from a to b, with its number; `gap` is left free on its right."""
    return (
        f'<rect class="{kind}" x="{a:.2f}" y="{y:g}" width="{max(b - a - gap, 0):.2f}" height="{height:g}" rx="3" '
        f'data-v="{exact(value)}" data-why="{escaped(why)}"{leaves}></rect>'
    )


@dataclass(frozen=True)
class Drawing:
    """One drawing of the machine. ball: an id for it, unique on the page"""

    told: Machine
    layout: Layout
    ball: str = "machine"

    def on_ruler(self, behind: float) -> float:
        """Where so many nats behind the best lie; what is beyond the ruler lies just past its end."""
        lay = self.layout
        return lay.left + 8 + (lay.wide - 24) * behind / self.told.reach if behind <= self.told.reach else lay.right

    def on_strip(self, share: float) -> float:
        return self.layout.left + self.layout.wide * min(share, 1.0)

    def svg(self) -> Markup:
        lay, told = self.layout, self.told
        names = named(told.parts)
        parts = [
            *self.ribbons(names),
            *self.rulers(names),
            *self.strip(names),
            *self.thin(names),
            *self.fallen(),
            *self.row_names(),
        ]
        return tag(
            "svg",
            Markup("".join(parts)),
            viewBox=f"0 0 {lay.width:g} {lay.height:g}",
            role="img",
            aria_label=self.said(names),
            class_=f"machine {lay.name}",
            translate="no",
            data_reach=exact(told.reach),
        )

    def said(self, names: Sequence[tuple[str, str]]) -> str:
        told = self.told
        words = ", ".join(
            f"{name} {percent(part.final)}" for part, (name, _) in zip(told.parts, names, strict=True) if part.final
        )
        if told.hit is None:
            return f"Scores on a ruler, stretched, and the strip that they make at {at_t(told.temperature)}: {words}"
        return (
            f"Scores on a ruler, stretched, and the strip that they make at {at_t(told.temperature)}: {words}; "
            f"the last ball fell on {names[told.hit][0]}"
        )

    # ------------------------------------------------------------ from top to bottom

    def row_names(self) -> list[str]:
        lay, told = self.layout, self.told
        t = told.temperature
        divided = f"limit {at_t(t)}" if is_limit(t) else f"divided by {t:.3g}"
        far = sum(part.after > told.reach for part in told.parts[:FEW])
        beyond = f", {far} beyond the end" if far and not lay.named else ""
        n = told.draws.n
        drawn = how_many(n, "ball") if n else "no ball yet"
        rows = [
            ("the model says", lay.upper),
            (divided + beyond, lay.lower),
            ("what is left" if told.cut else "the strip", lay.strip + lay.tall / 2),
            ("no truth here" if told.untrue else "the truth", lay.truth + THIN / 2),
            (drawn, lay.drawn + THIN / 2),
        ]
        if lay.named:
            if told.cut:
                rows.append(("cut", lay.strip - BETWEEN - SAWN / 2))
            return [text(words, 0, y + 4.5, "name") for words, y in rows]
        above = {0: lay.names - 20, 1: lay.lower - 12, 3: lay.truth - 6, 4: lay.drawn - 6}
        long = {0: "the model says: nats behind the best", 3: "the truth of this text" if not told.untrue else ""}
        return [text(long.get(i) or rows[i][0], lay.left, y, "name") for i, y in above.items()]

    def rulers(self, names: Sequence[tuple[str, str]]) -> list[str]:
        lay, told = self.layout, self.told
        out = [
            f'<path class="rule" d="M{lay.left + 8:g} {y:g}H{lay.right - 16:g}"></path>' for y in (lay.upper, lay.lower)
        ]
        marks = ticks(told.reach)
        if lay.named and self.on_ruler(marks[-1]) - self.on_ruler(marks[-2]) < UNIT:
            del marks[-2]
        for tick in marks:
            unit = " nats behind the best" if lay.named and tick == marks[-1] else ""
            x = self.on_ruler(tick) + 4 * bool(unit)
            out.append(text(f"{tick:g}{unit}", x, lay.upper + 20, "tick", "end" if unit else "mid"))
        xs = [self.on_ruler(part.before) for part in told.parts[:FEW]]
        halves = [len(name) * lay.letter / 2 + 5 for name, _ in names[:FEW]]
        for x, at, (name, word) in zip(
            spread(xs, halves, lay.left - (14 if lay.named else 4), lay.right + 8), xs, names, strict=False
        ):
            out.append(f'<path class="leader" d="M{x:.1f} {lay.names + 4:g}L{at:.1f} {lay.upper - lay.bead:g}"></path>')
            out.append(text(name, x, lay.names, f"bead-name {word}", "mid"))
        rest, (far_before, far_after) = told.parts[FEW], told.farthest
        for value, last, y in ((rest.before, far_before, lay.upper), (rest.after, far_after, lay.lower)):
            a, b = self.on_ruler(value), self.on_ruler(last)
            out.append(f'<path class="crowd" d="M{a:.1f} {y:g}H{max(b, a + 0.1):.1f}" data-v="{exact(value)}"></path>')
        for part, (name, word) in reversed(list(zip(told.parts[:FEW], names, strict=False))):
            a, b = self.on_ruler(part.before), self.on_ruler(part.after)
            gone = " gone" if part.after > told.reach else ""
            out.append(f'<path class="fan {word}{gone}" d="M{a:.1f} {lay.upper:g}L{b:.1f} {lay.lower:g}"></path>')
            for kind, x, y, v, why in (
                ("", a, lay.upper, part.before, "as the model says it"),
                (gone, b, lay.lower, part.after, "divided by the temperature"),
            ):
                out.append(
                    f'<circle class="bead {word}{kind}" r="{lay.bead:g}" '
                    f'style="transform:translate({x:.1f}px,{y:g}px)" '
                    f'data-v="{exact(v)}" data-why="{escaped(name)}, nats behind the best, {why}"></circle>'
                )
        return out

    def ribbons(self, names: Sequence[tuple[str, str]]) -> list[str]:
        """From each bead to its stretch of the strip; where something is cut, on from there to what is left."""
        lay, told = self.layout, self.told
        out = []
        low = lay.strip - BETWEEN - SAWN if told.cut else lay.strip
        for i, (part, (_, word)) in enumerate(zip(told.parts, names, strict=True)):
            at = self.on_ruler(part.after)
            end = at if i < FEW else max(self.on_ruler(told.farthest[1]), at)
            a, b = self.on_strip(part.low), self.on_strip(part.high)
            half = min(4.0, (b - a) / 2)
            out.append(ribbon(word, (at - half, end + half), (a, b), lay.lower, low))
        for part, (_, word) in zip(told.parts, names, strict=True) if told.cut else ():
            a, b = self.on_strip(part.low), self.on_strip(part.low + part.kept)
            e, f = self.on_strip(part.final_low), self.on_strip(part.final_high)
            out.append(ribbon(word, (a, b), (e, f), lay.strip - BETWEEN, lay.strip))
        return out

    def strip(self, names: Sequence[tuple[str, str]]) -> list[str]:
        lay, told = self.layout, self.told
        out = []
        if told.cut:
            y = lay.strip - BETWEEN - SAWN
            for part, (name, word) in zip(told.parts, names, strict=True):
                a, b = self.on_strip(part.low), self.on_strip(part.high)
                out.append(box(f"before {word}", a, b, y, SAWN, part.share, f"{name}, before the cuts", 0.8))
                cut_from = self.on_strip(part.low + part.kept)
                out.append(f'<path class="sawn" d="{hatch(cut_from, b, y, SAWN)}"></path>')
        for i, (part, (name, word)) in enumerate(zip(told.parts, names, strict=True)):
            a, b = self.on_strip(part.final_low), self.on_strip(part.final_high)
            hit = " hit" if i == told.hit else ""
            out.append(
                box(f"piece {word}{hit}", a, b, lay.strip, lay.tall, part.final, f"{name}: its stretch of the strip")
            )
        for i, (part, (name, _)) in enumerate(zip(told.parts, names, strict=True)):
            a, b = self.on_strip(part.final_low), self.on_strip(part.final_high)
            words = fitting(name, part.final, b - a, lay.letter)
            hit = " hit" if i == told.hit else ""
            out.append(text(words, (a + b) / 2, lay.strip + lay.tall / 2 + 5, f"piece-name{hit}", "mid"))
        return out

    def thin(self, names: Sequence[tuple[str, str]]) -> list[str]:
        """Below the strip: the truth of this text, and what was drawn so far."""
        lay, told = self.layout, self.told
        out = [
            f'<rect class="trough" x="{lay.left:g}" y="{y:g}" width="{lay.wide:g}" height="{THIN}" rx="3"></rect>'
            for y in (lay.truth, lay.drawn)
        ]
        n = told.draws.n
        truth = [part.truth or 0.0 for part in told.parts]
        drawn = [part.drawn / n if n else 0.0 for part in told.parts]
        for kind, y, values in (("true", lay.truth, truth), ("drawn", lay.drawn, drawn)):
            if kind == "true" and told.untrue:
                continue
            at = 0.0
            for value, (name, word) in zip(values, names, strict=True):
                why = f"{name}: what the corpus gives it" if kind == "true" else f"{name}: share of the balls"
                a, b = self.on_strip(at), self.on_strip(at + value)
                out.append(box(f"thin {kind} {word}", a, b, y, THIN, value, why))
                at += value
        return out

    def fallen(self) -> list[str]:
        """The ball, and its number."""
        last, lay = self.told.draws.last, self.layout
        if last is None:
            return []
        x = self.on_strip(last.u)
        side, anchor = (12, "") if last.u < 0.75 else (-12, "end")
        return [
            f'<g class="ball" id="{self.ball}-{lay.name}-{self.told.draws.n}">'
            f'<circle cx="{x:.1f}" cy="{lay.strip - 7:g}" r="7.5" data-v="{exact(last.u)}" data-why="u"></circle>'
            + text(f"u = {last.u:.3f}", x + side, lay.strip - 7, "u", anchor)
            + "</g>"
        ]


@dataclass(frozen=True)
class Strips:
    """Model, truth, many seeds, and all their balls together, one strip each, all in the order of the ruler."""

    told: Machine
    many: Many
    layout: Layout

    def at(self, share: float) -> float:
        return self.layout.left + self.layout.wide * min(share, 1.0)

    def svg(self) -> Markup:
        told, many, lay = self.told, self.many, self.layout
        names, out = named(told.parts), []
        truth = None if told.untrue else [part.truth or 0.0 for part in told.parts]
        head, step = (0, 31) if lay.named else (18, 52)  # of a name above its strip; from one large strip to the next
        first = 22.0 + head
        block = first + 2 * step + 8
        last_row = block + PITCH * len(many.seeds) + 6 + head
        model = [part.final for part in told.parts]
        out += self.row("model", f"model, {at_t(told.temperature)}", first, model, "what the model gives it", names)
        out += self.row("truth", "the truth", first + step, truth, "what the corpus gives it", names)
        out += self.seeds(block, names)
        edges = "".join(f"M{self.at(part.final_high):.1f} {block - 3:g}V{last_row:g}" for part in told.parts[:FEW])
        out.append(f'<path class="guide" d="{edges}"></path>')
        name = f"all {many.n:,} balls"
        out += self.row("together", name, last_row, many.together.tolist(), "its share of all balls", names)
        last = told.draws.last
        if last is not None:
            out.append(
                f'<g class="ball" id="strips-{lay.name}-{told.draws.n}"><circle cx="{self.at(last.u):.1f}" '
                f'cy="{first - 7:g}" r="7.5" data-v="{exact(last.u)}" data-why="u"></circle></g>'
            )
        return tag(
            "svg",
            Markup("".join(out)),
            viewBox=f"0 0 {lay.width:g} {last_row + TALL + 4:g}",
            role="img",
            aria_label=self.said(names),
            class_=f"machine strips {lay.name}",
            translate="no",
        )

    def row(
        self, kind: str, name: str, y: float, shares: Sequence[float] | None, why: str, names: Sequence[tuple[str, str]]
    ) -> list[str]:
        """One large strip. shares: None where there is no truth"""
        lay, hit_at = self.layout, self.told.hit if kind == "model" else None
        beside = (0.0, y + TALL / 2 + 4.5) if lay.named else (lay.left, y - 6)
        out = [text(name, *beside, "name")]
        if shares is None:
            return [*out, text("none: the corpus never writes this text", lay.left, y + TALL / 2 + 5, "tick")]
        edge = 0.0
        for i, (share, (word_name, word)) in enumerate(zip(shares, names, strict=True)):
            a, b = self.at(edge), self.at(edge + share)
            edge += share
            hit = " hit" if i == hit_at else ""
            leaves = f' data-travel-from="draw{self.told.draws.n}"' if hit else ""
            out.append(box(f"piece of-{kind} {word}{hit}", a, b, y, TALL, share, f"{word_name}: {why}", 1, leaves))
            words = fitting(word_name, share, b - a, lay.letter)
            out.append(text(words, (a + b) / 2, y + TALL / 2 + 5, f"piece-name{hit}", "mid"))
        return out

    def seeds(self, y: float, names: Sequence[tuple[str, str]]) -> list[str]:
        """A thin strip for each seed; all that one word has in them is one mark."""
        lay, seeds = self.layout, self.many.seeds
        said = f"seeds {seeds[0][0]} to {seeds[-1][0]}"
        if lay.named:
            middle = y + PITCH * len(seeds) / 2
            out = [text(f"{EACH} balls each,", 0, middle - 3, "name"), text(said, 0, middle + 14, "name")]
        else:
            out = [text(f"{EACH} balls each, {said}", lay.left, y - 6, "name")]
        boxes: list[list[str]] = [[] for _ in names]
        for k, (_, shares) in enumerate(seeds):
            edge = 0.0
            for i, share in enumerate(shares.tolist()):
                if share:
                    a, wide = self.at(edge), max(lay.wide * share - 1, 0.2)
                    boxes[i].append(f"M{a:.1f} {y + PITCH * k:g}h{wide:.1f}v{PITCH - 2:g}h{-wide:.1f}z")
                edge += share
        marks = zip(boxes, names, strict=True)
        return [*out, *[f'<path class="seeds {word}" d="{"".join(d) or "M0 0"}"></path>' for d, (_, word) in marks]]

    def said(self, names: Sequence[tuple[str, str]]) -> str:
        told, many = self.told, self.many
        pairs = ", ".join(
            f"{name} {percent(part.final)} and {percent(float(seen))}"
            for part, (name, _), seen in zip(told.parts, names, many.together, strict=True)
        )
        return f"Strips of the model, the truth and {many.n:,} balls; model and balls: {pairs}"


def strips(told: Machine, many: Many) -> Markup:
    """Wide and narrow."""
    return join([Strips(told, many, layout).svg() for layout in LAYOUTS])


def strips_table(told: Machine, many: Many) -> Markup:
    """The same numbers, folded away."""
    heads = ["token", "model", *["truth"] * (not told.untrue), f"all {many.n:,} balls"]
    heads += [f"seed {seed}" for seed, _ in many.seeds]
    rows = [
        [name, part.final, *[part.truth] * (not told.untrue), float(many.together[i])]
        + [float(shares[i]) for _, shares in many.seeds]
        for i, (part, (name, _)) in enumerate(zip(told.parts, named(told.parts), strict=True))
    ]
    return c.numbers_table(heads, rows, "The strips, stretch by stretch", text=percent)


def ribbon(word: str, top: tuple[float, float], foot: tuple[float, float], y: float, z: float) -> str:
    """From a stretch above to one below. Both edges bend alike, so ribbons in one order do not cross."""
    (a, b), (e, f), m = top, foot, (y + z) / 2
    return (
        f'<path class="ribbon {word}" d="M{a:.1f} {y:.1f}C{a:.1f} {m:.1f} {e:.1f} {m:.1f} {e:.1f} {z:.1f}'
        f'L{f:.1f} {z:.1f}C{f:.1f} {m:.1f} {b:.1f} {m:.1f} {b:.1f} {y:.1f}Z"></path>'
    )


def fitting(name: str, share: float, room: float, letter: float) -> str:
    """What a stretch can say of itself: its name and number, its name, or nothing."""
    return next((words for words in (f"{name} {percent(share)}", name) if len(words) * letter + 6 < room), "")


def ticks(reach: float) -> list[float]:
    """Round distances along the ruler, from 0: four to eight of them."""
    step = next(s for s in (0.5, 1, 2, 5) if reach / s < 8)
    return [k * step for k in range(math.floor(reach / step) + 1)]


def drawings(told: Machine, ball: str = "machine") -> Markup:
    """Wide and narrow."""
    return join([Drawing(told, layout, ball).svg() for layout in LAYOUTS])


def table(told: Machine) -> Markup:
    """The same numbers, folded away."""
    heads = ["token", "behind the best", "divided", "share"]
    heads += ["after the cuts"] * told.cut + ["truth"] * (not told.untrue) + ["times drawn"]
    rows = []
    for part, (name, _) in zip(told.parts, named(told.parts), strict=True):
        row = [name, part.before, part.after, part.share]
        row += [part.final] * told.cut + [part.truth] * (not told.untrue) + [part.drawn]
        rows.append(row)
    return c.numbers_table(heads, rows, "What the machine shows, from left to right")


__all__ = ["LAYOUTS", "Drawing", "Strips", "drawings", "labels", "named", "strips", "strips_table", "table"]

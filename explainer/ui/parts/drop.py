"""The one picture with the loop in focus: a text as it stands, the odds on the roof, and the way back to the ground.

Nothing is drawn yet on it; the turn before is, out of sight: its odds, where its ball fell, the way of its word. When a
turn has been added, the page shows that first (build/web/drop.js), then this text. Nothing here can be pressed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from markupsafe import Markup

from explainer.studies.climb import Climb, Roof
from explainer.ui.html import percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.climb import CHANGES, NARROW, ODDS, WIDE, Picture, node_of, word_of

NEAR = WIDE.most  # columns at the end of the text that can be in the drawing
SLOT = 58  # width of the next word's place
LAYOUTS = (
    replace(WIDE, slot=128, storey=27, fan=38, below=50),
    replace(NARROW, slot=84, storey=23, fan=32, below=44),
)


@dataclass(frozen=True)
class Drop(Picture):
    """One drawing.

    before: the odds of the turn that wrote the last word; None where nothing is written
    ball:   whether a ball was drawn then (a word that the reader wrote had none)
    """

    before: Roof | None = None
    ball_fell: bool = True

    def said(self, f: int, xs: dict[int, float]) -> Markup:
        """Nothing: here the odds on the roof say it."""
        return Markup("")

    def node_why(self, f: int, i: int) -> str:
        about = "only the piece itself and its place in the text" if f == 0 else "how much this floor changed it"
        return f"{node_of(self.told, f, i)}: {about}"

    def slot(self, xs: dict[int, float]) -> tuple[float, float, float]:
        wide = min(SLOT, self.layout.slot - 34)
        at = xs[self.told.last] + self.half(self.told.last) + 15 + wide / 2
        return min(at, self.layout.width - wide / 2 - 26), self.ground, wide

    def fallen(self, xs: dict[int, float]) -> Markup:
        """The place of the next word and the way down to it; and what fell last."""
        x, y, wide = self.slot(xs)
        edge, under, end = self.layout.width - 9, 6 + self.layout.roof, x + wide / 2
        way = f"M{edge:.1f} {under + 5:.1f}V{y - 22:.1f}Q{edge:.1f} {y - 5:.1f} {end + 5:.1f} {y - 5:.1f}"
        place = tag(
            "rect", x=f"{x - wide / 2:.1f}", y=f"{y - 19:.1f}", width=f"{wide:.1f}", height=28, rx=7, class_="slot"
        )
        head = tag("path", d=f"M{end + 10:.1f} {y - 10:.1f}l-7 5 7 5", class_="back-head")
        words = None
        if self.layout.names:
            level = (under + y) / 2
            words = tag("text", "one is drawn", x=edge - 8, y=f"{level:.1f}", class_="name back-word")
        back = tag("g", tag("path", d=way, class_="back"), head, words, class_="back-way", aria_hidden="true")
        return tag("g", back, place, self.last_fall(xs), class_="fallen")

    def last_fall(self, xs: dict[int, float]) -> Markup | None:
        """The strip of the turn before with its ball, and the word that fell from there to the end of the text."""
        if self.before is None:
            return None
        a, b = self.stretches(self.before)[self.before.said]
        bx, by = a + self.before.at * (b - a), 6 + self.layout.roof
        x, y = xs[self.told.last], self.ground
        way = f"M{bx:.1f} {by - 17:.1f}C{bx:.1f} {by + 50:.1f} {x:.1f} {(by + y) / 2 - 10:.1f} {x:.1f} {y - 5:.1f}"
        word = self.told.columns[self.told.last].text
        wide = max(len(word) * self.layout.letter + 18, 34)
        ball = tag("g", tag("circle", cx=f"{bx:.1f}", cy=f"{by - 1:.1f}", r=6), class_="ball on")
        chip = [
            tag("rect", x=f"{-wide / 2:.1f}", y=-14, width=f"{wide:.1f}", height=28, rx=7),
            tag("text", word, y=5.5),
        ]
        return tag(
            "g",
            tag("g", *self.strip(self.before)[0], ball if self.ball_fell else None, class_="was"),
            tag("path", d=way, class_="fall"),
            tag("g", *chip, class_="drop on"),
            class_="last-fall",
            aria_hidden="true",
        )


def tables(told: Climb) -> list[Markup]:
    """What is drawn, as tables: the odds, what reads what, and how much each floor changed each column shown."""
    shown = range(max(0, len(told.columns) - NEAR), len(told.columns))
    name = lambda i: f"{i} {word_of(told.columns, i, bold=False)}"  # noqa: E731
    odds = [[o.text, o.chance] for o in told.odds] + [["others", told.rest]]
    arcs = [[a.floor, name(a.query), name(a.key), a.weight, a.layer, a.head] for a in told.arcs]
    changes = [[name(i), *[floor.change[i] for floor in told.floors]] for i in shown]
    heads = [*CHANGES, *[f"floor {floor.number}" for floor in told.floors]]
    lines: list[str | tuple[str, str]] = [
        "floor",
        ("reads", "query"),
        ("is read", "key"),
        ("weight", "attention weight"),
        "layer",
        "head",
    ]
    return [
        c.numbers_table(ODDS, odds, "What can come next", summary="Odds", text=percent),
        c.numbers_table(lines, arcs, "What reads what", summary="Lines"),
        c.numbers_table(heads, changes, "How much each floor changed each column", summary="Changes"),
    ]

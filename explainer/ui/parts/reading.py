"""What one token reads, as arrows over the text: from the token that asks to those that it reads, as thick as shares.

A press of a word makes it the token that asks (`sets`; heard by build/web/climb.js). Drawn twice, wide and
narrow; where there is no room for all words, the ones that are read are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from markupsafe import Markup

from explainer.studies.climb import START, Column, columns_of
from explainer.ui.html import exact, percent, tag
from explainer.ui.parts.climb import Layout, WordRow, short

WIDE = Layout("wide", 860, 6, 8, 17, 0, False, 9.0)
NARROW = Layout("narrow", 340, 4, 6, 7, 0, False, 8.2)
LAYOUTS = (WIDE, NARROW)
HEIGHT = 52.0  # of the arrows
LEAST = 0.02
"""From this share on an arrow is drawn."""


@dataclass(frozen=True)
class Reading(WordRow):
    """One drawing. tokens: the text; query: who asks; shares: [query + 1], what it reads of each, in sum 1"""

    tokens: tuple[int, ...]
    query: int
    shares: Sequence[float]
    layout: Layout
    sets: str = "query"
    ids: ClassVar[str] = "reading-"

    @cached_property
    def pieces(self) -> Sequence[Column]:  # type: ignore[override]
        return columns_of(self.tokens, len(self.tokens))

    @property
    def best(self) -> int:
        """The token that is read most."""
        return max(range(len(self.shares)), key=lambda s: self.shares[s])

    @property
    def ground(self) -> float:
        return HEIGHT + 24

    def choose(self, most: int) -> list[int]:
        """Who asks, who is read, then the others from the end; the start token only if it is read."""
        read = sorted((s for s, x in enumerate(self.shares) if x >= LEAST), key=lambda s: -self.shares[s])
        order = dict.fromkeys([self.query, self.best, *read, *range(len(self.tokens) - 1, -1, -1)])
        shown = [i for i in order if self.pieces[i].text != START or i in (self.query, *read)]
        return sorted(shown[:most])

    def word_kind(self, i: int) -> str:
        return f"word{' asked' if i == self.query else ' found' if i == self.best else ''}"

    def draw(self) -> Markup:
        xs = self.places()
        asks, read = self.pieces[self.query].text, self.pieces[self.best].text
        label = f"“{asks}” reads “{read}” most: {percent(self.shares[self.best])}"
        shown = sorted(
            (s for s in xs if s < len(self.shares) and self.shares[s] >= LEAST), key=lambda s: self.shares[s]
        )
        return tag(
            "svg",
            *[self.arrow(s, xs) for s in shown],
            self.words(xs),
            *[self.press(i, x) for i, x in xs.items()],
            viewBox=f"0 0 {self.layout.width:g} {HEIGHT + 38:g}",
            role="group",
            aria_label=label,
            class_=f"climb reading {self.layout.name}",
            data_sets=self.sets,
            translate="no",
        )

    def arrow(self, s: int, xs: dict[int, float]) -> Markup:
        """From the token that asks to one that it reads; on itself a loop."""
        a, b, share = xs[self.query], xs[s], self.shares[s]
        foot = HEIGHT + 4
        span = abs(a - b)
        rise = min(14 + span * 0.16, HEIGHT - 12)
        d = (
            f"M{a - 4:.1f} {foot:.1f}C{a - 16:.1f} {foot - 34:.1f} {a + 16:.1f} {foot - 34:.1f} {a + 4:.1f} {foot:.1f}"
            if s == self.query
            else f"M{a:.1f} {foot:.1f}C{a - min(span * 0.3, 60):.1f} {foot - 1.34 * rise:.1f} "
            f"{b + min(span * 0.3, 60):.1f} {foot - 1.34 * rise:.1f} {b:.1f} {foot:.1f}"
        )
        wide, tip = 1 + 5 * share, 4 + 4 * share
        x = a + 4 if s == self.query else b
        head = f"M{x - tip:.1f} {foot - tip:.1f}L{x:.1f} {foot + 2:.1f}L{x + tip:.1f} {foot - tip:.1f}Z"
        best = s == self.best
        words = f"“{self.pieces[self.query].text}” reads “{self.pieces[s].text}”: its share"
        top = foot - rise - 5 if s != self.query else foot - 30
        number = tag("text", short(share), x=f"{(a + b) / 2:.1f}", y=f"{top:.1f}", class_="share") if best else None
        return tag(
            "g",
            tag("path", d=d, stroke_width=f"{wide:.2f}", class_="arrow"),
            tag("path", d=head, class_="tip"),
            number,
            class_=f"reads{' best' if best else ''}",
            data_v=exact(share),
            data_why=words,
            data_query=self.query,
            data_key=s,
        )

    def press(self, i: int, x: float) -> Markup:
        """Where a press of a word makes it ask (keys have the field for that)."""
        half = max(self.half(i) + 4, 14)
        area = {"x": x - half, "y": HEIGHT + 6, "width": 2 * half, "height": 30}
        return tag("rect", **{k: f"{v:.1f}" for k, v in area.items()}, rx=5, data_arc=i, class_="ask")

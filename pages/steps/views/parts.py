"""What the figures of /steps/ have in common: the braid of swaps, and a row of answers under it.

Both have a column for each swap, as wide as there is room: the braid is stretched (`preserveAspectRatio="none"`), the
rows are a grid of as many columns.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer.live.tasks import CUPS
from explainer.ui.html import exact, percent, tag
from explainer.ui.parts import components as c

from ..facts import games
from ..facts.pairs import SURE

LANE = 24  # units between two cups of the drawing; a swap is 100 wide


def path(way: Sequence[int]) -> str:
    """A cup's way through all swaps as a smooth line. way: [n + 1], the place before, between and after them"""
    drawn = [f"M0,{(way[0] + 0.5) * LANE:g}"]
    for t, (before, after) in enumerate(itertools.pairwise(way)):
        y, to, x = (before + 0.5) * LANE, (after + 0.5) * LANE, 100 * t
        drawn.append(f"C{x + 50},{y:g} {x + 50},{to:g} {x + 100},{to:g}" if y != to else f"H{x + 100}")
    return "".join(drawn)


def braid(played: games.Game, label: str, written: Sequence[int] | None = None) -> Markup:
    """The swaps as strands that cross, the ball's way on top. written: [n] places that somebody says instead"""
    lanes = games.ways(played)
    start = played.ball[0]
    strands = [tag("path", d=path(way), class_="strand") for cup, way in enumerate(lanes) if cup != start]
    said = None if written is None else tag("path", d=path((start, *written)), class_="said")
    middle = (start + 0.5) * LANE
    return tag(
        "svg",
        *strands,
        tag("path", d=path(played.ball), class_="way"),
        said,
        tag("path", d=f"M0,{middle:g}h0.01", class_="ball"),
        viewBox=f"0 0 {100 * len(played.swaps)} {CUPS * LANE}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="braid",
    )


def answer_row(name: str, shares: Sequence[float], verdict: str, chance: float, move: str, kind: str = "") -> Markup:
    """How often a learner is right after each move, as a row of columns. shares: [n]"""
    cells = [
        tag(
            "i",
            class_="share sure" if share >= SURE else "share",
            style=f"--v:{share:.4g}",
            data_v=exact(share),
            data_why=f"after {n} {move}{'s' if n > 1 else ''}: right in {percent(share)} of the games",
        )
        for n, share in enumerate(shares, 1)
    ]
    label = f"{name}: {verdict}. Right answers after 1 to {len(shares)} {move}s, in the table below."
    return c.answer_row(name, verdict, cells, label, kind=kind, notes=False, chance=f"{chance:.4g}")


def note_cells(played: games.Game, said: Sequence[int], forged: int | None = None) -> list[Markup]:
    """A cell for what is said after each swap: right, wrong, or put there (after swap `forged`, counted from 1)."""
    cells = []
    for n, (ball, wrote) in enumerate(zip(played.ball[1:], said, strict=True), 1):
        kind = "forged" if n == forged else "right" if ball == wrote else "wrong"
        words = {"forged": "put there", "right": "right", "wrong": f"wrong, it is {ball + 1}"}[kind]
        why = f"after swap {n}: {wrote + 1}, {words}"
        cells.append(tag("i", str(wrote + 1), class_=f"note-cell {kind}", data_why=why))
    return cells


def counts(n: int, move: str) -> Markup:
    """The numbers under the columns: 1, then every fifth."""
    marked: list[Any] = [
        tag("span", f"{k} {move}" if k == 1 else str(k), style=f"--k:{k}", class_="first" if k == 1 else None)
        for k in (1, *range(5, n + 1, 5))
    ]
    return tag("div", *marked, class_="counts", style=f"--n:{n}", aria_hidden="true")

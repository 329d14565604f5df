"""At which cell an exact address is exact no longer."""

from __future__ import annotations

from markupsafe import Markup

from explainer.kernel import model
from explainer.ui.html import join, percent
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import addressing
from ..facts.addressing import SEARCHED, around

TRIED = (7, 4095, 4096, 6000)


class Addressing(Widget):
    """What the second head reads from a cell far out: that cell's action alone, or those beside it, too."""

    slug = "addressing"
    title = "Where an address ends"
    own_only = ""
    reads = ("cell",)
    functions = (addressing.pattern, addressing.streams, model.dot_products, model.attention_pattern)

    def draw(self) -> Markup:
        cell = self.state.cell
        found = around(cell)
        names, shares = [f"cell {j:,}" for j, _ in found], [share for _, share in found]
        return join(
            [
                c.controls(
                    c.number_field("cell", "The head is at cell", cell, 1, SEARCHED),
                    *[c.button(f"{n:,}", sets="cell", value=n, pressed=n == cell) for n in TRIED],
                ),
                c.figure(
                    "addressing",
                    charts.bars(
                        names,
                        shares,
                        label=f"What the head reads, from cell {cell:,}",
                        heads=("written in", "share of the reading"),
                        scale=1.0,
                        colour="head",
                    ),
                    c.told(said(cell, dict(found))),
                ),
            ]
        )


def said(cell: int, shares: dict[int, float]) -> str:
    """Whether it is found, and why not."""
    own = shares[cell]
    if own > 0.5:
        return f"It reads what was written in cell {cell:,}: {percent(own)}. One beside it counts for nothing."
    beyond = cell + 1
    return (
        f"It cannot tell cell {cell:,} from those beside it: {percent(own)} each. {beyond:,}² is {beyond * beyond:,}; "
        f"float32 keeps {addressing.BITS} binary digits, whole numbers up to {2**addressing.BITS:,}, and rounds beyond."
    )

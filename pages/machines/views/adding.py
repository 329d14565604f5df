"""A sum in decimal digits, read by one head as one number."""

from __future__ import annotations

from markupsafe import Markup

from explainer.architectures import hand_made
from explainer.ui.html import join, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import adding
from ..facts.adding import COLUMNS, Sum, value


class Adding(Widget):
    """Two numbers in columns, what the head reads at each column, and the digit that it makes of it."""

    slug = "adding"
    title = "One head adds"
    own_only = ""
    reads = ("a", "b")
    functions = (adding.machine, adding.add, hand_made.distance_bias)

    def draw(self) -> Markup:
        s = self.state
        columns = max(len(str(s.a)), len(str(s.b)))
        made = adding.add(s.a, s.b, columns)
        return join(
            [
                c.controls(
                    c.number_field("a", "One number", s.a, 0, 10**COLUMNS - 1),
                    c.number_field("b", "The other", s.b, 0, 10**COLUMNS - 1),
                    c.button("9,999 + 1", sets="a b", value="9999\x1f1"),
                    c.button("99,999 + 1", sets="a b", value="99999\x1f1"),
                    c.button("90,000 + 9,999", sets="a b", value="90000\x1f9999"),
                ),
                c.figure("adding", columns_of(made), c.told(said(made))),
            ]
        )


def columns_of(made: Sum) -> Markup:
    """The sum as it is written on paper, and under each column what the head has read there."""
    order = range(len(made.said) - 1, -1, -1)

    def row(name: str, cells: list[Markup]) -> Markup:
        return tag("tr", tag("th", name, scope="row") if name else tag("td"), *cells)

    plain = lambda values: [tag("td", str(values[i])) for i in order]  # noqa: E731
    digits = [tag("td", str(made.said[i]), class_="right" if made.said[i] == made.right[i] else "wrong") for i in order]
    read = [tag("td", f"{made.read[i]:.{min(i, 5)}f}", data_v=repr(made.read[i])) for i in order]
    table = tag(
        "table",
        tag("caption", "The sum in columns", class_="sr"),
        tag(
            "tbody",
            row("", plain(made.upper)),
            row("+", plain(made.lower)),
            row("it says", digits),
            row("it reads", read),
        ),
        class_="sum-table",
        translate="no",
    )
    return tag("div", table, class_="scroll", tabindex="0", role="region", aria_label="The sum in columns")


def said(made: Sum) -> str:
    """Whether it is right."""
    a, b, says = value(made.upper), value(made.lower), value(made.said)
    if made.said == made.right:
        return f"{a:,} + {b:,} = {says:,}: right, in one pass."
    at = next(i for i, (x, y) in enumerate(zip(made.said, made.right, strict=True)) if x != y)
    return (
        f"{a:,} + {b:,} is {value(made.right):,}; it says {says:,}. In the column of {10**at:,} it reads "
        f"{made.read[at]:.6f}, too near to a whole number for float32."
    )

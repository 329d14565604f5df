"""What the figures of /machines/ have in common: rows of cells, and the buttons that step and play."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from explainer.ui.html import join, tag

Array = np.ndarray


def cells(rows: Array, label: str, marked: Array | None = None) -> Markup:
    """Rows of cells as squares, ones filled, the first row (the prompt) in a colour of its own.

    rows: [R, W]; marked: [R, W], cells that get a tint
    """
    height, width = rows.shape
    return tag(
        "svg",
        tag("path", d=runs(rows[:1]), class_="given"),
        tag("path", d=runs(rows[1:], 1)),
        tag("path", d=runs(marked.astype(np.int8)), class_="marked") if marked is not None else None,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
        shape_rendering="crispEdges",
        class_="cells",
    )


def runs(rows: Array, top: int = 0) -> str:
    """The outline of all ones, as strips of a row: path data. top: where the first row stands"""
    found = []
    for y, row in enumerate(rows, top):
        edges = np.flatnonzero(np.diff(row, prepend=0, append=0)).tolist()
        found += [f"M{a} {y}h{b - a}v1h{a - b}z" for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return "".join(found)


def transport(name: str, at: int, last: int, whose: str, forth: str, first: str = "Rewind") -> Markup:
    """The buttons of the site's one player.

    name: the value that counts its steps; forth: what one step on is; first: what is seen at 0
    """
    icon = lambda name, kind: join([tag("span", name, class_="sr"), tag("i", class_=kind, aria_hidden="true")])  # noqa: E731

    def turn(label: Markup, by: int, title: str) -> Markup:
        to = min(max(at + by, 0), last)
        return tag(
            "button",
            label,
            type="button",
            class_="button icon",
            title=title,
            data_set=name,
            value=to,
            data_crank_by=by,
            aria_disabled="true" if to == at else None,
        )

    return tag(
        "div",
        turn(icon(first, "rewind"), -at, first),
        turn(icon("Previous step", "back"), -1, "One step back"),
        turn(icon("Next step", "forth"), 1, forth),
        tag(
            "button",
            "Play",
            type="button",
            class_="button",
            data_crank_play=True,
            aria_pressed="false",
            aria_disabled="true" if at == last else None,
        ),
        class_="step-controls climb-controls",
        role="group",
        aria_label=whose,
    )

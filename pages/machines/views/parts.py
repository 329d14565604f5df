"""What the figures of /machines/ have in common: rows of cells."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from explainer.ui.html import tag

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

"""A head's attention pattern as a small picture: a square for every pair of places, in five strengths."""

from __future__ import annotations

import bisect
from typing import Any

from markupsafe import Markup

from explainer.ui.html import tag

LEVELS = (0.05, 0.15, 0.3, 0.5, 0.75)
"""From which share on a square is drawn, and in which strength; the numbers stand in a table."""


def pattern(weights: Any, label: str) -> Markup:
    """What every place reads of those up to it: rows are queries, columns keys; one path for each strength.

    weights: [T, T], shares in parts of 255
    """
    n = len(weights)
    paths: list[list[str]] = [[] for _ in LEVELS]
    for t, row in enumerate(weights.tolist()):
        for s, weight in enumerate(row):
            if weight >= 255 * LEVELS[0]:
                paths[bisect.bisect_right(LEVELS, weight / 255) - 1].append(f"M{s} {t}h1v1h-1z")
    drawn = [tag("path", d="".join(d), class_=f"level-{i}") for i, d in enumerate(paths) if d]
    steps = "".join(f"V{t + 1}h1" for t in range(n))
    allowed = tag("path", d=f"M0 0h1{steps[:-2]}H0z", class_="allowed")
    return tag("svg", allowed, *drawn, viewBox=f"0 0 {n} {n}", role="img", aria_label=label, class_="reads")

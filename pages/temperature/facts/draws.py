"""Drawing again and again from one distribution, and watching the histogram come closer to it.

The uniform numbers of a seed are a fixed row: 100 draws begin with the very 10 draws that were seen before. What
changes with the temperature is only the stretch on which each number falls.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from explainer.kernel.sampling import Draw, cumulative, draw_at
from explainer.kernel.temperature import total_variation

Array = np.ndarray
MOST = 100_000


@functools.lru_cache(maxsize=4)
def numbers(seed: int, n: int) -> Array:
    """The first n uniform numbers of a seed, each 0 <= u < 1. [n], read-only"""
    row = np.random.default_rng(seed).random(n)
    row.setflags(write=False)
    return row


@dataclass(frozen=True)
class Draws:
    """n draws from one distribution.

    counts: [V], how often each token came; sums to n
    last:   the last draw; None if nothing was drawn
    distance: total variation between the histogram and the distribution; nan if nothing was drawn
    path:   (n, distance after n draws), n = 1, 2, 5, 10, ... and the last
    """

    n: int
    counts: Array
    last: Draw | None
    distance: float
    path: tuple[tuple[int, float], ...]


def milestones(n: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, ... up to n, and n itself."""
    found = [m * 10**e for e in range(len(str(n))) for m in (1, 2, 5) if m * 10**e < n]
    return [*found, n] if n else []


def first_draws(probs: Array, seed: int, n: int) -> Draws:
    """Draw n times with the numbers of this seed. probs: [V], summing to 1.

    The same tokens as `sampling.draw` gives one by one with numpy.random.default_rng(seed).
    Raises ValueError for fewer than 0 or more than MOST draws.
    """
    if not 0 <= n <= MOST:
        raise ValueError(f"between 0 and {MOST:,} draws, not {n}")
    if n == 0:
        return Draws(0, np.zeros(len(probs), dtype=np.int64), None, float("nan"), ())
    row = numbers(seed, n)
    tokens = np.searchsorted(cumulative(probs), row, side="right")
    counts = np.zeros(len(probs), dtype=np.int64)
    path, done = [], 0
    for at in milestones(n):
        counts = counts + np.bincount(tokens[done:at], minlength=len(probs))
        path.append((at, total_variation(counts / at, probs)))
        done = at
    return Draws(n, counts, draw_at(probs, float(row[-1])), path[-1][1], tuple(path))

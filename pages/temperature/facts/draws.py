"""Drawing again and again from one distribution, and watching the histogram come closer to it.

The uniform numbers of a seed are a fixed row: 100 draws begin with the very 10 draws that were seen before. What
changes with the temperature is only the stretch on which each number falls. The stretches lie in the order of the
logits, which no temperature changes, the largest first: so a number's word changes step by step as the knob turns.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from explainer.kernel.sampling import Draw, cumulative, draw_at
from explainer.kernel.temperature import total_variation
from explainer.models import lab
from explainer.studies.next_token import next_token

Array = np.ndarray
MOST = 100_000


@functools.lru_cache(maxsize=16)
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


def tokens_at(probs: Array, row: Array, order: Array | None = None) -> Array:
    """The tokens on whose stretches the numbers of `row` fall. probs: [V], row: [N] -> [N]; order: see `draw_in`"""
    if order is None:
        return np.searchsorted(cumulative(probs), row, side="right")
    return order[np.searchsorted(cumulative(probs[order]), row, side="right")]


def draw_in(probs: Array, u: float, order: Array | None = None) -> Draw:
    """`sampling.draw_at` with the stretches laid in this order. order: [V] ids; None: the order of the ids"""
    if order is None:
        return draw_at(probs, u)
    found = draw_at(probs[order], u)
    return Draw(int(order[found.token]), found.u, found.low, found.high)


def first_draws(probs: Array, seed: int, n: int, order: Array | None = None) -> Draws:
    """Draw n times with the numbers of this seed. probs: [V], summing to 1; order: of the stretches, see `draw_in`.

    The same tokens as `sampling.draw` gives one by one with numpy.random.default_rng(seed), stretches in that order.
    Raises ValueError for fewer than 0 or more than MOST draws.
    """
    if not 0 <= n <= MOST:
        raise ValueError(f"between 0 and {MOST:,} draws, not {n}")
    if n == 0:
        return Draws(0, np.zeros(len(probs), dtype=np.int64), None, float("nan"), ())
    row = numbers(seed, n)
    tokens = tokens_at(probs, row, order)
    counts = np.zeros(len(probs), dtype=np.int64)
    path, done = [], 0
    for at in milestones(n):
        counts = counts + np.bincount(tokens[done:at], minlength=len(probs))
        path.append((at, total_variation(counts / at, probs)))
        done = at
    return Draws(n, counts, draw_in(probs, float(row[-1]), order), path[-1][1], tuple(path))


@lab.per_model(4)
def draws_after(
    tokens: tuple[int, ...],
    temperature: float,
    top_k: int | None,
    top_p: float | None,
    min_p: float | None,
    seed: int,
    n: int,
) -> Draws:
    """The first n draws of this seed after a text, at these settings; several figures show them."""
    look = next_token(tokens, temperature, top_k, top_p, min_p)
    return first_draws(look.final, seed, n, look.order)


SEEDS, EACH = 10, 100


def many_seeds(probs: Array, order: Array, seed: int) -> tuple[tuple[int, ...], Array]:
    """This seed and the next, SEEDS in all, and how often each token came in the first EACH draws of each: [SEEDS, V].

    order: see `draw_in`
    """
    seeds = tuple((seed + k) % 2**32 for k in range(SEEDS))
    tokens = tokens_at(probs, np.concatenate([numbers(one, EACH) for one in seeds]), order)
    apart = tokens + len(probs) * np.repeat(np.arange(SEEDS), EACH)
    return seeds, np.bincount(apart, minlength=SEEDS * len(probs)).reshape(SEEDS, len(probs))

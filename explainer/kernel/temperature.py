"""Temperature, one step at a time: what `sampling.distribution` does, with every number on the way kept.

Nothing here is random. The same logits and the same temperature give the same bits, always; `compare_bits` is for
whoever wants to see that. Chance is in `sampling.draw` alone; `total_variation` and `expected_total_variation` say
how far a histogram of draws is, and has to be, from the distribution that it was drawn from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Chain:
    """Logits on their way to probabilities. All arrays [V], float64.

    temperature: T
    logits:  z, as the model gave them; -inf means impossible
    scaled:  z / T. At T = 0 the limit: +inf or -inf by sign (0 stays 0); at T = inf: 0
    below:   (z - largest z) / T, never above 0: how far behind the best a token is after stretching
    grown:   e^below, the best has 1
    total:   the sum of `grown`
    probs:   grown / total
    """

    temperature: float
    logits: Array
    scaled: Array
    below: Array
    grown: Array
    total: float
    probs: Array


def chain(logits: Array, temperature: float = 1.0) -> Chain:
    """Divide by the temperature, exponentiate, normalise; exact in both limits, and it never overflows.

    logits:      [V]; -inf means impossible
    temperature: T >= 0. T = 0 is the limit: all probability on the largest logit, shared equally by ties.
                 T = inf is the other limit: all possible tokens equally likely.
    The largest logit is subtracted before exp: it cancels when the shares are made, and exp(0) = 1 is then the largest.
    Raises ValueError for a negative temperature or one that is not a number, and for logits without a finite one.
    Source: Hinton et al. 2015, section 2
    """
    if not temperature >= 0:
        raise ValueError(f"a temperature is 0 or more, not {temperature}")
    z = np.asarray(logits, dtype=np.float64)
    if z.ndim != 1 or np.isnan(z).any() or not np.isfinite(z.max(initial=-np.inf)):
        raise ValueError("logits must be a list of numbers, at least one of them finite, none of them +inf")
    distance = z - z.max()  # never above 0, so exp cannot overflow
    if temperature == 0:
        scaled = np.where(z > 0, np.inf, np.where(z < 0, -np.inf, 0.0))
        below = np.where(distance == 0, 0.0, -np.inf)
    elif math.isinf(temperature):
        scaled = np.where(np.isfinite(z), 0.0, -np.inf)
        below = scaled
    else:
        with np.errstate(over="ignore"):  # far behind: -inf, whose exp is exactly 0
            scaled = z / temperature
            below = distance / temperature
    with np.errstate(under="ignore"):
        grown = np.exp(below)
    total = float(grown.sum())
    return Chain(float(temperature), z, scaled, below, grown, total, grown / total)


@dataclass(frozen=True)
class Gap:
    """Two tokens and how far they are apart, before and after the division.

    first, second: their ids; `first` has the larger logit
    before:  difference of their logits
    after:   the same divided by T; 0 * inf (a tie at T = 0) is 0
    odds_before, odds_after: e to those: how many times likelier the first is; may be inf
    """

    first: int
    second: int
    before: float
    after: float
    odds_before: float
    odds_after: float


def gap(made: Chain, first: int, second: int) -> Gap:
    """The distance between two tokens, as it comes and as the temperature stretches it."""
    before = float(made.logits[first] - made.logits[second])
    t = made.temperature
    if t == 0:
        after = math.inf if before > 0 else 0.0
    else:
        after = before / t
    return Gap(first, second, before, after, _exp(before), _exp(after))


def _exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def divided(x: float, temperature: float) -> float:
    """x / T for one number, with both limits. T = 0: signed infinity (0 stays 0)."""
    if temperature == 0:
        return math.copysign(math.inf, x) if x else 0.0
    return x / temperature


# ---------------------------------------------------------------- is there noise in it?


@dataclass(frozen=True)
class SameBits:
    """Two lists of numbers, compared bit for bit.

    numbers: how many there are; equal: how many agree in all 64 bits; largest: the largest difference
    """

    numbers: int
    equal: int
    largest: float


def compare_bits(a: Array, b: Array) -> SameBits:
    """Compare two float64 arrays of one shape by their bits, not by tolerance."""
    if a.shape != b.shape:
        raise ValueError(f"shapes {a.shape} and {b.shape} cannot be compared")
    left = np.ascontiguousarray(a, dtype=np.float64).view(np.uint64)
    right = np.ascontiguousarray(b, dtype=np.float64).view(np.uint64)
    return SameBits(int(left.size), int((left == right).sum()), float(np.abs(a - b).max(initial=0.0)))


def total_variation(p: Array, q: Array) -> float:
    """The largest difference that two distributions can have about any event: half the summed differences.

    p, q: [V], each summing to 1; returns: 0 (the same) to 1 (nothing in common)
    """
    return float(np.abs(p - q).sum() / 2)


def expected_total_variation(probs: Array, n: int) -> float:
    """How far the histogram of n honest draws is from the bars, on average. Exact, by no experiment.

    Each count is binomial; its mean absolute deviation is 2 m C(n, m) p^m (1-p)^(n-m+1) with m = floor(np) + 1.
    probs: [V]; n: number of draws, at least 1
    Source: de Moivre 1730; in modern words Diaconis & Zabell 1991
    """
    if n < 1:
        raise ValueError("there is no histogram of 0 draws")
    p = probs[(probs > 0) & (probs < 1)]
    m = np.floor(n * p) + 1
    p, m = p[m <= n], m[m <= n]  # (p so near 1 that rounding says so is left out)
    log_mean = (
        np.log(2 * m)
        + log_factorial(np.array(n)) - log_factorial(m) - log_factorial(n - m)
        + m * np.log(p) + (n - m + 1) * np.log1p(-p)
    )  # fmt: skip
    return float(np.exp(log_mean).sum() / (2 * n))


_FIRST = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 64)))])  # ln 0! ... ln 63!


def log_factorial(n: Array) -> Array:
    """ln n!, for whole numbers n >= 0 of any shape: summed below 64, by Stirling's series above (to 1e-15)."""
    big = np.maximum(n, 63.0)
    series = (big + 0.5) * np.log(big) - big + 0.5 * math.log(2 * math.pi) + 1 / (12 * big) - 1 / (360 * big**3)
    return np.where(n < 64, _FIRST[np.minimum(n, 63).astype(int)], series + 1 / (1260 * big**5))

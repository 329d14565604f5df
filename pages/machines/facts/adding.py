"""Decimal addition in one pass by one head: ALiBi with a slope of ln 10 reads a column and all columns below it as one
number. And where float32 ends that.

The text is `#` and then the columns of the sum, the lowest first: `5+7 9+4 ...`. At each column the transformer says
the digit of the sum, and whether it carries one. A bias of -ln 10 for each place back gives the column itself the
weight 1, the one below 1/10, the one below that 1/100: what is read is the sum so far, with a decimal point behind this
column. Its whole part is the digit, with or without a ten; a carry is what comes from behind the point. The token `#`
gets as much weight as all the columns below that are not there, so that the weights always add up to 10/9.

The unembedding takes the whole part by exact addresses: the score of n is 2 c t - c^2 with c in the middle between n
and n + 1, so the best score is that of the nearest middle. There is no MLP.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from explainer.architectures.hand_made import HandMadeConfig
from explainer.models.measured import kept

from .by_hand import Machine, written

COLUMNS = 12
MARGIN = 2.0**-15  # how much below a whole number its next stretch begins: rounding leaves some numbers there
COORDINATES = ("one", "start", "upper", "lower", "so far")


@functools.cache
def machine() -> Machine:
    """The transformer that adds: one layer, one head of width 1, an MLP of zeros."""
    pairs = [(a, b) for a in range(10) for b in range(10)]
    said = [f"{n % 10}{' and carry' if n > 9 else ''}" for n in range(20)]
    middles = {name: n + 0.5 - MARGIN for n, name in enumerate(said)}
    tokens = ("#", *(f"{a}+{b}" for a, b in pairs), *said)
    config = HandMadeConfig(1, 1, len(COORDINATES), 1, 1, len(tokens), COLUMNS + 2)
    return written(
        config,
        {"V": tokens, "D": COORDINATES},
        {
            "embed.W_E": {
                **{(t, "one"): 1 for t in tokens},
                ("#", "start"): 1,
                **{(f"{a}+{b}", "upper"): a for a, b in pairs},
                **{(f"{a}+{b}", "lower"): b for a, b in pairs},
            },
            "blocks.0.attn.W_Q": {(0, "one", 0): 1},
            "blocks.0.attn.W_K": {(0, "start", 0): math.log(10 / 9)},
            "blocks.0.attn.bias": {(0, back): -math.log(10) * back for back in range(COLUMNS + 2)},
            "blocks.0.attn.W_V": {(0, "upper", 0): 1, (0, "lower", 0): 1},
            "blocks.0.attn.W_O": {(0, 0, "so far"): 10 / 9},
            "unembed.W_U": {
                **{("so far", name): 2 * c for name, c in middles.items()},
                **{("one", name): -c * c for name, c in middles.items()},
                **{("one", t): -1000 for t in tokens if t not in middles},
            },
        },
        "addition",
    )


@dataclass(frozen=True)
class Sum:
    """A sum as the transformer gives it. All lists have the lowest column first.

    upper, lower, said: digits; read: what the head has read at each column
    """

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    said: tuple[int, ...]
    read: tuple[float, ...]

    @property
    def right(self) -> tuple[int, ...]:
        return digits(value(self.upper) + value(self.lower), len(self.said))


def digits(number: int, count: int) -> tuple[int, ...]:
    """The decimal digits of a number, the lowest first."""
    return tuple(number // 10**k % 10 for k in range(count))


def value(lowest_first: tuple[int, ...]) -> int:
    """The number that some digits stand for."""
    return sum(d * 10**k for k, d in enumerate(lowest_first))


@functools.lru_cache(maxsize=64)
def add(a: int, b: int, columns: int) -> Sum:
    """a + b in so many columns, one more for what is carried out of the last: one pass."""
    upper, lower = digits(a, columns + 1), digits(b, columns + 1)
    made = machine()
    tokens = [made.token("#"), *(made.token(f"{x}+{y}") for x, y in zip(upper, lower, strict=True))]
    trace = made.model.forward(tokens)
    said = (trace["logits"][1:].argmax(axis=-1) - made.token("0")) % 10
    read = trace["blocks.0.resid_post"][1:, COORDINATES.index("so far")]
    return Sum(upper, lower, tuple(said.tolist()), tuple(float(x) for x in read))


def hard(columns: int) -> list[tuple[int, int]]:
    """Sums whose carries go all the way, and those that fall short by one: where a digit hangs on the lowest column."""
    found = []
    for length in range(1, columns + 1):
        ten = 10**length
        for top in range(1, 10):
            found += [(ten // 10 * top, ten - 1 - ten // 10 * top), (ten // 10 * top, ten - ten // 10 * top)]
    return [(a, b) for a, b in found if max(a, b) < 10**columns]


@kept
def share_right(columns: int, sums: int) -> tuple[float, float]:
    """The share of random sums, and of the hard ones, that come out right in every digit."""
    rng = np.random.default_rng(columns)
    drawn = [tuple(int(x) for x in rng.integers(0, 10**columns, 2)) for _ in range(sums)]

    def right(pairs: list[tuple[int, ...]]) -> float:
        return sum((s := add(a, b, columns)).said == s.right for a, b in pairs) / len(pairs)

    return right(drawn), right([*hard(columns)])

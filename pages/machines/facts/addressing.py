"""Where the exact addresses of the Turing machine end: its own second head, asked from cells far away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explainer.architectures.llama_like import project_heads
from explainer.kernel.model import attention_pattern, dot_products, scale_scores
from explainer.kernel.ops import softmax
from explainer.models.measured import kept

from . import turing

Array = np.ndarray

BESIDE = 3
SEARCHED = 8192  # cells
BITS = 24  # binary digits of a float32 number (IEEE 754: 23 stored, and the first, which is always 1)
LAYER = "blocks.1.attn"


def streams(cells: Sequence[int], number: str, square: str) -> Array:
    """The residual vectors of tokens about these cells, as far as the second head reads them. [T, D]"""
    names = turing.ready("palindrome").names["D"]
    stream = np.zeros((len(cells), len(names)), np.float32)
    stream[:, names.index("one")] = 1
    stream[:, names.index(number)] = cells
    stream[:, names.index(square)] = np.square(np.array(cells, np.float64))  # rounded to float32 here
    return stream


def pattern(asking: Sequence[int], written: Sequence[int]) -> Array:
    """How much of its reading the second head gives, from each cell, to actions in other cells, all equally far back.

    The machine's own weights and functions, float32 as in its passes. returns: [asking, written]
    """
    params = turing.ready("palindrome").model.params
    q = project_heads(streams(asking, "number", "its square"), params[f"{LAYER}.W_Q"])
    k = project_heads(streams(written, "done in", "done in, squared"), params[f"{LAYER}.W_K"])
    return attention_pattern(scale_scores(dot_products(q, k), turing.KEY))[0]


def around(cell: int) -> tuple[tuple[int, float], ...]:
    """(cell, share) of the actions in a cell and in those beside it, asked from that cell."""
    cells = range(max(cell - BESIDE, 1), cell + BESIDE + 1)
    return tuple(zip(cells, pattern([cell], list(cells))[0].tolist(), strict=True))


@kept
def first_lost(searched: int) -> int | None:
    """The first cell that is not found: its own action gets half of the reading or less. All are tried in turn."""
    for low in range(2, searched, 256):
        asking = range(low, low + 256)
        written = range(low - 1, low + 257)
        own = pattern(list(asking), list(written))[np.arange(256), np.arange(256) + 1]
        if (own <= 0.5).any():
            return low + int((own <= 0.5).argmax())
    return None


@kept
def forgotten(searched: int) -> int | None:
    """So many tokens back the last action in a cell loses against a new one in the cell beside it, by the slope."""
    for back in range(2, searched):
        scores = np.array([-turing.SLOPE * back, -turing.SHARP - turing.SLOPE], np.float32)
        if softmax(scores)[0] <= 0.5:
            return back
    return None

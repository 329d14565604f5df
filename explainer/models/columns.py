"""Numbers for the eye, out of a trace: which token names stand where, which rows a figure shows. No markup."""

from __future__ import annotations

import numpy as np

from explainer.kernel.model import Array
from explainer.models import lab


def top_tokens(probs: Array, n: int) -> tuple[list[int], list[str], list[float]]:
    """The n most probable tokens: ids, names as the pages write them, probabilities; ties by id.

    What differs by less than a ten-millionth counts as a tie: a cached step and a full pass differ that much in their
    last digits, and the same link must show the same list.
    """
    order = np.lexsort((np.arange(len(probs)), -np.round(probs, 7)))[:n]
    return (
        [int(i) for i in order],
        [lab.tokenizer().display(int(i)) for i in order],
        [float(probs[i]) for i in order],
    )

"""How open the next token is at other temperatures, and as a text grows: entropies, in nats."""

from __future__ import annotations

import numpy as np

from explainer.kernel import ops

Array = np.ndarray

TEMPERATURES = tuple(float(f"{10 ** (k / 20):.4g}") for k in range(-40, 21))
"""From 0.01 to 10, 20 to every factor of 10: equal ratios, 1 among them."""


def entropy_by_temperature(logits: Array, temperatures: tuple[float, ...] = TEMPERATURES) -> Array:
    """The entropy of one next-token distribution at each of a row of temperatures.

    logits:       [V]; -inf means impossible
    temperatures: N numbers above 0
    returns: [N], nats: 0 is certain, ln V all alike. It never falls as the temperature rises: its slope there is the
             variance of z / T, divided by T.
    Raises ValueError for a temperature that is not above 0 (the limit is `temperature.chain`'s).
    """
    t = np.asarray(temperatures, dtype=np.float64)[:, None]  # [N, 1]
    if not (t > 0).all():
        raise ValueError("temperatures have to be above 0 here")
    return ops.entropy(ops.softmax(np.asarray(logits, dtype=np.float64) / t))


def entropy_by_place(logits: Array) -> Array:
    """The entropy of the next token after each token of a text, at temperature 1. logits: [T, V]; returns: [T], nats

    A token more changes none before it: no position sees those that follow.
    """
    return ops.entropy(ops.softmax(np.asarray(logits, dtype=np.float64)))

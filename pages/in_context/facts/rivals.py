"""Many steps beside the methods of the textbook: what k layers of the hand-made weights cost on many prompts."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from explainer.live import tasks
from explainer.live.regression import Prompts, half_squared
from explainer.models.measured import kept

from . import fitting

Array = np.ndarray

INPUTS = 10
LAYERS = 30
PROMPTS = 1000
MANY = 10_000  # prompts of what the text says
EXAMPLES = (10, 20, 40)  # how many a prompt may have
ETA = (0.1, 3.0)


@dataclass(frozen=True)
class Rivals:
    """What each costs on the same prompts, half the mean squared error against the answer without noise.

    steps:     after 0, 1, 2, ... layers (steps of gradient descent)
    middle:    the same, of the prompt in the middle (median): where steps diverge, a few prompts decide the mean
    nothing:   always answering 0; least: least squares; ridge: with the strength that suits the noise
    diverging: the share of prompts whose limit (2 / the largest curvature) the step size exceeds
    """

    steps: tuple[float, ...]
    middle: tuple[float, ...]
    nothing: float
    least: float
    ridge: float
    diverging: float


@functools.lru_cache(maxsize=16)
def rivals(eta: float, examples: int, noise: float, prompts: int = PROMPTS) -> Rivals:
    x, y, right = Prompts(INPUTS, examples, noise).draw(tasks.stream(2, tasks.TEST), prompts)
    given, asked = x[:, :-1], x[:, -1]

    def missed(w: Array) -> Array:
        return np.einsum("bd,bd->b", w, asked) - right

    def cost(w: Array) -> float:
        return half_squared(missed(w))

    walked = fitting.descent(given, y, eta, LAYERS)
    return Rivals(
        steps=tuple(cost(w) for w in walked),
        middle=tuple(0.5 * float(np.median(missed(w) ** 2)) for w in walked),
        nothing=half_squared(right),
        least=cost(fitting.least_squares(given, y)),
        ridge=cost(fitting.ridge(given, y, max(noise**2, 1e-6))),
        diverging=float((fitting.largest_step(given) < eta).mean()),
    )


@kept
def kept_rivals(eta: float, examples: int, noise: float) -> Rivals:
    """On many prompts, as the text says it."""
    return rivals(eta, examples, noise, MANY)

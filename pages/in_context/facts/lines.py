"""Six points and a question as a prompt: the line that a stack of attention layers amounts to, and the line by descent.

A token is (1, x, y): the 1 lets the line have a height of its own beside its slope.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from explainer.live import tasks
from explainer.live.regression import PromptAttention, Prompts, by_hand, deep, tokens_of

from . import fitting

Array = np.ndarray

POINTS = 6
HIGH = 2.0  # the picture goes from -HIGH to HIGH in y, from -1 to 1 in x
DEEPEST = 30  # layers
ETA = (0.1, 3.0)  # the step sizes that can be chosen
INPUTS = 2  # the 1, and x
DRAWN = 8  # the purpose of a stream of random numbers, apart from those of training and tests


@functools.lru_cache(maxsize=64)
def drawn(number: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Set number so and so of six points: x from left to right, apart from each other, and y about some line."""
    rng = tasks.stream(number, DRAWN)
    x = np.linspace(-0.84, 0.84, POINTS) + rng.uniform(-0.12, 0.12, POINTS)
    height, slope = rng.uniform(-0.9, 0.9), rng.choice([-1, 1]) * rng.uniform(0.6, 1.4)
    y = np.clip(height + slope * x + 0.25 * rng.standard_normal(POINTS), 0.05 - HIGH, HIGH - 0.05)
    return tuple(np.round(x, 2).tolist()), tuple(np.round(y, 2).tolist())


@dataclass(frozen=True)
class Lines:
    """What becomes of a prompt of points (x, y) with the question `ask`.

    attention: what the stack answers at `ask` after 0, 1, 2, ... layers
    descent:   what the line after 0, 1, 2, ... steps of gradient descent says there
    layers:    (height at x = 0, slope) of the line that those layers amount to, after 0, 1, 2, ...: found by asking
    steps:     the same of the line by descent: its weights
    least:     of the least squares line
    limit:     the step size beyond which it diverges (a theorem: `fitting.largest_step`)
    """

    attention: tuple[float, ...]
    descent: tuple[float, ...]
    layers: tuple[tuple[float, float], ...]
    steps: tuple[tuple[float, float], ...]
    least: tuple[float, float]
    limit: float


def prompt(x: tuple[float, ...], y: tuple[float, ...], ask: float) -> Array:
    """The tokens that the layers read: (1, x, y) of each example, (1, ask, 0) of the question. [1, N + 1, 3]"""
    inputs = np.column_stack([np.ones(len(x) + 1), [*x, ask]])
    return tokens_of(inputs, np.array(y))[None]


def layer(eta: float) -> PromptAttention:
    """The layer of the picture, its weights set by hand."""
    return by_hand(INPUTS, eta)


@functools.lru_cache(maxsize=16)
def lines(x: tuple[float, ...], y: tuple[float, ...], ask: float, eta: float, depth: int) -> Lines:
    """Both ways of answering the same question, side by side: neither uses anything of the other."""
    net = layer(eta)
    told = {at: [-float(t[0, -1, -1]) for t in deep(net, prompt(x, y, at), depth)] for at in {ask, 0.0, 1.0}}
    inputs, answers = np.column_stack([np.ones(len(x)), x]), np.array(y)
    found = fitting.descent(inputs, answers, eta, depth)
    return Lines(
        attention=tuple(told[ask]),
        descent=tuple(float(w @ [1.0, ask]) for w in found),
        layers=tuple((at_0, at_1 - at_0) for at_0, at_1 in zip(told[0.0], told[1.0], strict=True)),
        steps=tuple((float(w[0]), float(w[1])) for w in found),
        least=tuple(fitting.least_squares(inputs, answers).tolist()),  # type: ignore[arg-type]
        limit=float(fitting.largest_step(inputs)),
    )


def digits(one: float, other: float) -> int:
    """In how many digits two numbers agree, 16 at most: as many as a number of this kind (float64) has. Below 1, digits
    after the point are counted.
    """
    size = max(1.0, abs(one), abs(other))
    if one == other:
        return 16
    return max(0, min(16, math.floor(-math.log10(abs(one - other) / size))))


@dataclass(frozen=True)
class Part:
    """What one example gives to the answer of one layer: its weight (query . key / N) and its value, multiplied."""

    weight: float
    value: float
    part: float


def parts(x: tuple[float, ...], y: tuple[float, ...], ask: float, eta: float) -> tuple[Part, ...]:
    """Of what the first layer's answer is the sum: as attention computed it, example by example."""
    net = layer(eta)
    net.forward(prompt(x, y, ask))
    weights, values = net.pattern[0, 0, 0].tolist(), net.values[0, 0].tolist()
    return tuple(Part(w, -v, -w * v) for w, v in zip(weights, values, strict=True))


@dataclass(frozen=True)
class Check:
    """The claim, tested on random prompts: the largest difference between a stack of layers and as many steps, as a
    share of the larger of the two, or of 1."""

    prompts: int
    inputs: int
    examples: int
    difference: float


@functools.lru_cache(maxsize=16)
def check(eta: float, depth: int, prompts: int = 200, inputs: int = 10, examples: int = 10) -> Check:
    """k layers against k steps on prompts that nobody chose."""
    x, y, _ = Prompts(inputs, examples).draw(tasks.stream(3, tasks.TEST), prompts)
    by_layers = -deep(by_hand(inputs, eta), tokens_of(x, y), depth)[-1][:, -1, -1]
    by_steps = np.einsum("bd,bd->b", fitting.descent(x[:, :-1], y, eta, depth)[-1], x[:, -1])
    difference = np.abs(by_layers - by_steps) / np.maximum(1, np.abs(by_steps))
    return Check(prompts, inputs, examples, float(difference.max()))

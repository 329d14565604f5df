"""Layers that learn it: the runs that happen in the page, those that are kept, and what becomes of other inputs."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.regression import PromptAttention, Prompts, PromptTrainer, by_hand, half_squared, tokens_of
from explainer.models.measured import kept

from . import fitting

Array = np.ndarray
Mixer = Literal["linear", "softmax"]

TASK = Prompts()
STEPS, BATCH, RATE = 400, 256, 0.02
EVERY = 20  # steps between two measurements
TESTS = 10_000  # prompts of each measurement: the same for all
SEED, SEEDS, SOFT_SEEDS = 0, tuple(range(8)), 4
TRIED, LATE = 60, 35  # seeds from 0 on that were tried, and the one of them that was late
LONGER = 1200  # steps: how long the layers with a softmax were trained, too
ETA, BEST, NOTHING = fitting.best_single_step(TASK.inputs, TASK.examples)


@functools.cache
def tests() -> tuple[Array, Array]:
    """Prompts that no layer is trained on, and the right answers."""
    x, y, right = TASK.draw(tasks.stream(0, tasks.TEST), TESTS)
    return tokens_of(x, y), right


@dataclass(frozen=True)
class Levels:
    """What the same prompts cost without any training: who always answers 0, and who takes the best single step."""

    nothing: float
    step: float


@functools.cache
def levels() -> Levels:
    tokens, right = tests()
    step = by_hand(TASK.inputs, ETA).answers(tokens)
    return Levels(half_squared(right), half_squared(step - right))


@dataclass(frozen=True, eq=False)
class Moment:
    """How good the layers are after so many steps, and the matrix of the first one.

    tests:  the loss of each on prompts that none was trained on; taught: that of the first on its last batch
    matrix: [D, D] float32 (`PromptAttention.matrix`)
    """

    step: int
    tests: tuple[float, ...]
    taught: float
    matrix: Array

    @property
    def diagonal(self) -> float:
        """The mean of the matrix along its diagonal: the step size that it amounts to."""
        return float(np.diag(self.matrix).mean())

    @property
    def beside(self) -> float:
        """How large the numbers beside the diagonal are: their root mean square."""
        beside = self.matrix[~np.eye(len(self.matrix), dtype=bool)]
        return float(np.sqrt(np.square(beside, dtype=np.float64).mean()))


def trainer(seed: int, mixer: Mixer = "linear", heads: int = 1, steps: int = STEPS) -> PromptTrainer:
    """A layer of random numbers that is about to learn."""
    net = PromptAttention(TASK.inputs, seed, mixer=mixer, heads=heads)
    return PromptTrainer(TASK, net, Plan(steps, BATCH, RATE, warm=20), seed, tests(), every=EVERY)


def course(seed: int) -> Course[Moment]:
    """One layer of attention without a softmax."""
    return Course([trainer(seed)], look)


def three(seed: int) -> Course[Moment]:
    """The same layer, one with a softmax, and one with two heads that have a softmax each."""
    return Course([trainer(seed), trainer(seed, "softmax"), trainer(seed, "softmax", 2)], look)


def look(trainers: Sequence[PromptTrainer]) -> Moment:
    """What is kept of a moment."""
    first = trainers[0]
    losses = tuple(t.history[-1].test for t in trainers)
    return Moment(first.steps, losses, first.loss, first.net.matrix().astype(np.float32))


# ---------------------------------------------------------------- what the build keeps


@kept
def kept_run(seed: int) -> dict[int, Moment]:
    """One whole training, as it went where the site was built."""
    run = course(seed)
    run.step_to(STEPS)
    return run.moments


@kept
def kept_three(seed: int) -> dict[int, Moment]:
    """The three side by side."""
    run = three(seed)
    run.step_to(STEPS)
    return run.moments


@kept
def kept_weights(seed: int) -> Array:
    """What the layer without a softmax has learned in the kept run: [253]"""
    return trainer(seed).finish().weights.value.copy()


def learned(seed: int) -> PromptAttention:
    """The layer without a softmax at the end of the kept run, in double precision."""
    net = PromptAttention(TASK.inputs, dtype=np.float64)
    net.weights.value[...] = kept_weights(seed)
    return net


@kept
def over_seeds(seeds: tuple[int, ...]) -> tuple[Moment, ...]:
    """The last moment of the layer without a softmax, for each seed."""
    return tuple(look([trainer(seed).finish()]) for seed in seeds)


@kept
def softmax_over_seeds(seeds: int, steps: int) -> tuple[tuple[float, float], ...]:
    """For each seed, after so many steps: the loss with one head that has a softmax, and with two."""
    one, two = (
        [trainer(seed, "softmax", heads, steps).finish().history[-1].test for seed in range(seeds)] for heads in (1, 2)
    )
    return tuple(zip(one, two, strict=True))


@kept
def alike(seed: int) -> tuple[float, float]:
    """How far the learned layer's answers lie from those of the best single step, and how large these are: root mean
    squares over the test prompts."""
    tokens, _ = tests()
    step = by_hand(TASK.inputs, ETA).answers(tokens)
    apart = learned(seed).answers(tokens) - step
    return float(np.sqrt(np.mean(apart**2))), float(np.sqrt(np.mean(step**2)))


# ---------------------------------------------------------------- other inputs than those it was taught with


SCALES = tuple(round(float(s), 3) for s in np.geomspace(0.25, 4, 25))
OTHERS = 500  # prompts of other inputs


@dataclass(frozen=True)
class Elsewhere:
    """What other inputs cost, as a share of what it costs to answer 0: the learned layer, one step with the step size
    that was best for the inputs of the training, one step with the best size for these, and least squares."""

    learned: float
    same_step: float
    own_step: float
    least: float


@functools.lru_cache(maxsize=64)
def elsewhere(scale: float, shift: float, examples: int = TASK.examples) -> Elsewhere:
    """The same task with every x multiplied by `scale`, and `shift` added to each of its numbers."""
    task = Prompts(TASK.inputs, examples, scale=scale, shift=shift)
    x, y, right = task.draw(tasks.stream(1, tasks.TEST), OTHERS)
    one = fitting.descent(x[:, :-1], y, 1.0, 1)[1]  # a step of size 1; others are multiples of it
    answer = np.einsum("bd,bd->b", one, x[:, -1])
    best = float((answer * right).sum() / (answer * answer).sum())
    w = fitting.least_squares(x[:, :-1], y)
    zero = half_squared(right)
    return Elsewhere(
        learned=half_squared(learned(SEED).answers(tokens_of(x, y)) - right) / zero,
        same_step=half_squared(ETA * answer - right) / zero,
        own_step=half_squared(best * answer - right) / zero,
        least=half_squared(np.einsum("bd,bd->b", w, x[:, -1]) - right) / zero,
    )


@kept
def over_scales() -> tuple[Elsewhere, ...]:
    """For each of SCALES, unshifted."""
    return tuple(elsewhere(scale, 0.0) for scale in SCALES)

"""Copying, learnt: two layers beside one, and what each of their heads reads while they learn."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.nets import Attention, Net
from explainer.live.tasks import Induction
from explainer.live.trainer import Trainer, shape_for
from explainer.models.measured import kept

Array = np.ndarray

TASK = Induction()
STEPS, BATCH, RATE = 600, 16, 4e-3
EVERY = 20  # steps between two measurements
TESTS, KEPT_TESTS = 100, 400  # rows of letters of each measurement, in the page and of the kept runs
SEED, SEEDS = 0, 5
WIDTH = 32  # one head of that width in a layer, and no MLP
GOOD = 0.9  # the share of right letters of who is said to copy
LONGER = 6000  # steps: how long the one layer was trained, too
SHOWN = 20  # letters of the row that the figure shows
BACK = 8  # letters after which that row begins again
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWX"


@functools.cache
def row() -> tuple[int, ...]:
    """The letters of the figure: so many different ones, then the same again. They are of no training and no test."""
    drawn = tasks.stream(SEED, tasks.SPLIT).permutation(TASK.symbols)[:BACK]
    return tuple(int(drawn[i % BACK]) for i in range(SHOWN + 1))


@dataclass(frozen=True, eq=False)
class Moment:
    """How good both are after so many steps, and what they do with the letters of the figure.

    right:    the share of right letters, of two layers and of one
    says:     which letter each says comes next, after each: [SHOWN] each
    patterns: what is read of the first of two layers, of the second, and of the only one, in parts of 255:
              uint8 [3, SHOWN, SHOWN]
    before:   how much of its reading the first of two goes to the letter before, on average over the tests
    followed: how much goes, in the stretch that is repeated, to what followed the same letter earlier: by the second of
              two layers, and by the only one
    """

    step: int
    right: tuple[float, float]
    says: tuple[tuple[int, ...], tuple[int, ...]]
    patterns: Array
    before: float
    followed: tuple[float, float]


def course(seed: int, rate: float = RATE, tests: int = TESTS) -> Course[Moment]:
    """Two layers and one, before the first step."""
    return Course([trainer(layers, seed, rate, tests) for layers in (2, 1)], look)


def trainer(layers: int, seed: int, rate: float = RATE, tests: int = TESTS, steps: int = STEPS) -> Trainer:
    """One of the two. Attention only, one head in each layer."""
    shape = shape_for(TASK, width=WIDTH, heads=1, hidden=0, layers=layers, positions="rope")
    return Trainer(TASK, shape, Plan(steps, BATCH, rate, warm=20), seed, every=EVERY, games=tests)


def look(trainers: Sequence[Trainer]) -> Moment:
    """What is kept of a moment."""
    two, one = (t.net for t in trainers)
    given = np.array([row()[:-1]])
    says = tuple(tuple(int(k) for k in net.forward(given).argmax(-1)[0]) for net in (two, one))
    patterns = np.stack([pattern[0] for net in (two, one) for pattern in patterns_of(net)])
    before, followed, only = scores(two, one, trainers[0].seed)
    return Moment(
        step=trainers[0].steps,
        right=(mean_right(trainers[0]), mean_right(trainers[1])),
        says=(says[0], says[1]),
        patterns=np.round(255 * patterns).astype(np.uint8),
        before=before,
        followed=(followed, only),
    )


def patterns_of(net: Net) -> list[Array]:
    """What the head of each layer has read in the last `forward`: [B, T, T] each."""
    return [layer.mixer.pattern[:, 0] for layer in net.layers if isinstance(layer.mixer, Attention)]


def mean_right(trainer: Trainer) -> float:
    """The share of right letters over all distances, each counting alike, as measured last."""
    return float(np.nanmean(trainer.history[-1].accuracy))


def scores(two: Net, one: Net, seed: int, rows: int = 50) -> tuple[float, float, float]:
    """On fresh rows of letters: how much of its reading the first of two layers goes to the letter before; and how much
    the second, and the only layer, go to what followed the same letter earlier (prefix matching).

    Source: Olsson et al. 2022
    """
    tokens, targets, _ = TASK.examples(tasks.stream(seed, tasks.TEST, 1), rows)
    T = tokens.shape[1]
    follows = np.zeros((rows, T, T), bool)  # whether the letter before place s is the one at place t
    follows[:, :, 1:] = tokens[:, :, None] == tokens[:, None, :-1]
    follows &= np.tri(T, dtype=bool)
    asked = targets >= 0
    two.forward(tokens)
    first, second = patterns_of(two)
    before = float(first[:, np.arange(1, T), np.arange(T - 1)].mean())
    followed = float((second * follows).sum(-1)[asked].mean())
    one.forward(tokens)
    only = float((patterns_of(one)[0] * follows).sum(-1)[asked].mean())
    return before, followed, only


# ---------------------------------------------------------------- what the build keeps


@kept
def kept_run(seed: int) -> dict[int, Moment]:
    """One whole training, as it went where the site was built."""
    run = course(seed, tests=KEPT_TESTS)
    run.step_to(STEPS)
    return run.moments


@kept
def over_seeds(seeds: int) -> tuple[tuple[int | None, float, float], ...]:
    """For each seed: the step at which two layers were first right in 90 %, and how often both are at the end."""
    found = []
    for seed in range(seeds):
        run = course(seed)
        run.step_to(STEPS)
        last = run.moments[STEPS].right
        found.append((first_good(run.moments), *last))
    return tuple(found)


@kept
def longer(seed: int, steps: int) -> float:
    """How often one layer alone is right after many more steps than the page makes."""
    one = trainer(1, seed, tests=KEPT_TESTS, steps=steps)
    one.every = steps
    return mean_right(one.finish())


@kept
def without_first(seed: int) -> tuple[float, float]:
    """Two layers, trained, and then without the first one's head: how much of the second's reading still goes to what
    followed the same letter earlier, and how often the two are right."""
    two = trainer(2, seed).finish().net
    two.weights.of["layers.0.softmax.W_O"][...] = 0
    _, followed, _ = scores(two, two, seed)
    return followed, float(np.nanmean(TASK.accuracy(two, seed, KEPT_TESTS)))


def first_good(moments: dict[int, Moment]) -> int | None:
    """The step at which two layers were first measured to be right in 90 % of the places asked; None if never."""
    return next((step for step, moment in moments.items() if moment.right[0] >= GOOD), None)


def weights() -> tuple[int, int]:
    """How many the two have."""
    two, one = (trainer(layers, SEED).net.size for layers in (2, 1))
    return two, one

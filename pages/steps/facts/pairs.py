"""Two learners of one game, trained side by side with the same budget; and the runs of them that the build keeps."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.depth import HEADS, HIDDEN, MOVES, WIDTH
from explainer.live.latent import Latent
from explainer.live.nets import Net
from explainer.live.tasks import Following, Machine
from explainer.live.trainer import Trainer, shape_for
from explainer.models.measured import kept

Array = np.ndarray
Mixer = Literal["softmax", "gru"]

EVERY = 10  # steps between two measurements
TESTS = 128  # games of each measurement in the page
KEPT_TESTS = 1000  # and of the kept runs
SEED = 1
SEEDS = 5
SURE = 0.99  # the share of games in which a learner that is called sure is right
LONGER = 4000  # steps: how long the one that must answer at once was also trained


@dataclass(frozen=True)
class Learner:
    """What one of the two may do, and what it is made of."""

    name: str
    written: bool
    mixer: Mixer = "softmax"
    model: type[Net] = Net


AT_ONCE = Learner("Must answer at once", False)
WRITES = Learner("May write", True)
RECURRENT = Learner("At once, but recurrent", False, "gru")
LATENT = Learner("Hands its vector on", False, model=Latent)


@dataclass(frozen=True)
class Contest:
    """A game and the two that learn it. move, answer: what the game calls them."""

    name: str
    title: str
    move: str
    learners: tuple[Learner, Learner]
    plan: Plan

    @property
    def machine(self) -> Machine:
        if self.name == "parity":
            return tasks.parity()
        return tasks.permutations(3) if self.name == "s3" else tasks.shell_game()

    @property
    def chance(self) -> float:
        """The share of right answers of who guesses."""
        return 1 / self.machine.states

    def task(self, learner: Learner) -> Following:
        return Following(self.machine, MOVES, learner.written)

    def trainer(self, learner: Learner, seed: int, tests: int = TESTS, plan: Plan | None = None) -> Trainer:
        """A learner before its first step. Those of a game have the same number of places, and so of weights."""
        task = self.task(learner)
        shape = shape_for(task, length=2 * MOVES, width=WIDTH, heads=HEADS, hidden=HIDDEN, mixer=learner.mixer)
        return Trainer(task, shape, plan or self.plan, seed, every=EVERY, games=tests, model=learner.model)


PLAN = Plan(steps=200, batch=64, rate=8e-3, warm=10)
CONTESTS = {
    c.name: c
    for c in (
        Contest("shell", "The shell game", "swap", (AT_ONCE, WRITES), PLAN),
        Contest("parity", "Parity: is the number of ones so far even?", "bit", (AT_ONCE, WRITES), PLAN),
        Contest("s3", "S3: in which order do three things lie?", "move", (AT_ONCE, WRITES), PLAN),
        Contest("rival", "The shell game, a recurrent network beside", "swap", (AT_ONCE, RECURRENT),
                Plan(steps=400, batch=64, rate=8e-3, warm=10)),
        Contest("latent", "The shell game, a loop without words beside", "swap", (WRITES, LATENT),
                Plan(steps=1000, batch=64, rate=4e-3, warm=10)),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Moment:
    """How good both are after so many steps: the share of right answers after each move, [MOVES] each."""

    step: int
    accuracy: tuple[tuple[float, ...], tuple[float, ...]]


def course(contest: str, seed: int, tests: int = TESTS) -> Course[Moment]:
    """The two of a contest before their first step."""
    chosen = CONTESTS[contest]
    return Course([chosen.trainer(learner, seed, tests) for learner in chosen.learners], look)


def look(trainers: Sequence[Trainer]) -> Moment:
    """What is kept of a moment."""
    one, other = (tuple(t.history[-1].accuracy.tolist()) for t in trainers)
    return Moment(trainers[0].steps, (one, other))


@functools.cache
def weights(contest: str) -> tuple[int, int]:
    """How many each of the two has."""
    one, other = (t.net.size for t in course(contest, SEED, 1).trainers)
    return one, other


def sure_of(accuracy: tuple[float, ...]) -> int:
    """How many moves a learner can follow: it is right in at least 99 % of the games after each of so many."""
    return next((n for n, share in enumerate(accuracy) if share < SURE), len(accuracy))


def below_half(accuracy: tuple[float, ...]) -> int | None:
    """From how many moves on a learner is right in less than half of the games, for good; None where it never is."""
    last = max((n for n, share in enumerate(accuracy, 1) if share >= 0.5), default=0)
    return last + 1 if last < len(accuracy) else None


# ---------------------------------------------------------------- what the build keeps


def trained(contest: str, seed: int) -> Course[Moment]:
    """A whole training, measured on many games."""
    run = course(contest, seed, KEPT_TESTS)
    run.step_to(CONTESTS[contest].plan.steps)
    return run


@kept
def kept_run(contest: str, seed: int) -> dict[int, Moment]:
    """One whole training, as it went where the site was built."""
    return trained(contest, seed).moments


@kept
def kept_weights(seed: int) -> Array:
    """What the two of the shell game have learnt in it, in half precision: [2, weights], at once first."""
    return np.stack([t.net.weights.value for t in trained("shell", seed).trainers]).astype(np.float16)


@kept
def over_seeds(
    contest: str, seeds: int, steps: int
) -> tuple[tuple[tuple[float, ...], tuple[float, ...], int | None], ...]:
    """For each of so many seeds: how good both are after those steps, and the step at which the second was sure first.

    "Sure": right in 99 % of the games after each of all moves, measured every ten steps.
    """
    found = []
    for seed in range(seeds):
        run = course(contest, seed)
        run.step_to(steps)
        first = next((step for step, m in run.moments.items() if sure_of(m.accuracy[1]) == MOVES), None)
        found.append((*run.moments[steps].accuracy, first))
    return tuple(found)


@kept
def longer(seed: int, steps: int) -> tuple[float, ...]:
    """The shell game at once, after many more steps than the page makes: right after each swap, [MOVES]."""
    plan = Plan(steps, PLAN.batch, PLAN.rate, PLAN.warm)
    trainer = CONTESTS["shell"].trainer(AT_ONCE, seed, KEPT_TESTS, plan)
    trainer.every = steps
    return tuple(trainer.finish().history[-1].accuracy.tolist())


def nets(seed: int) -> tuple[Net, Net]:
    """The two of the kept run of the shell game, ready to be asked."""
    found = []
    for learner, weights in zip(CONTESTS["shell"].learners, kept_weights(seed), strict=True):
        net = CONTESTS["shell"].trainer(learner, seed).net
        net.weights.value[...] = weights
        found.append(net)
    return found[0], found[1]

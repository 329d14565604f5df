"""a + b mod p, learnt: by heart first, by rule much later; and what the rule looks like in the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.tasks import Addition
from explainer.live.trainer import Trainer, shape_for
from explainer.models.measured import kept

Array = np.ndarray

P = 47
TASK = Addition(P, 0.4)
STEPS, RATE, DECAY = 1000, 0.012, 1.0
EVERY = 25  # steps between two measurements
SEED, SEEDS = 0, 5
KNOWN = 0.99  # the share of right sums of who is said to know them
LONGER = 1500  # steps: how long it was trained without weight decay
WIDTH, HEADS, HIDDEN = 48, 4, 128


@dataclass(frozen=True, eq=False)
class Moment:
    """How good it is after so many steps, and how its embedding lies.

    taught, unseen: the share of right answers, of all sums that it is taught and of all that it never sees
    shares: of the variation of the embedding over the numbers 0..P-1, what goes round 1, 2, ... times: [(P - 1) / 2]
    clock:  the P numbers in the plane of the strongest of these, the farthest at distance 1: [P, 2]
    """

    step: int
    taught: float
    unseen: float
    shares: Array
    clock: Array

    @property
    def turns(self) -> int:
        """How many times the strongest wave goes round while the numbers go from 0 to P."""
        return int(self.shares.argmax()) + 1


def course(seed: int, decay: float = DECAY, steps: int = STEPS) -> Course[Moment]:
    """One learner before its first step. Every step sees all that is taught."""
    plan = Plan(steps, P * P, RATE, warm=10, decay=decay)
    shape = shape_for(TASK, width=WIDTH, heads=HEADS, hidden=HIDDEN)
    return Course([Trainer(TASK, shape, plan, seed, every=EVERY, games=P * P)], look)


def look(trainers: Sequence[Trainer]) -> Moment:
    """What is kept of a moment."""
    [trainer] = trainers
    tokens, right = TASK.batch(trainer.seed, 0, P * P)
    taught = float((trainer.net.forward(tokens, TASK.reads).argmax(axis=-1) == right).mean())
    shares, clock = waves(trainer.net.weights.of["embed.W_E"][:P])
    return Moment(trainer.steps, taught, float(trainer.history[-1].accuracy[0]), shares, clock)


def waves(embedding: Array) -> tuple[Array, Array]:
    """The embedding of the numbers as waves over them. embedding: [P, D]; returns shares and clock (`Moment`)

    A discrete Fourier transform along the numbers; the two directions of the strongest wave span the clock's plane.
    Source: Nanda et al. 2023
    """
    found = np.fft.rfft(embedding.astype(np.float64), axis=0)[1:]  # [(P - 1) / 2, D], without the mean
    power = (np.abs(found) ** 2).sum(axis=1)
    strongest = found[power.argmax()]
    plane = np.linalg.svd(np.stack([strongest.real, strongest.imag]), full_matrices=False)[2]  # [2, D], orthonormal
    clock = (embedding - embedding.mean(axis=0)) @ plane.T
    clock /= np.hypot(*clock.T).max()
    return (power / power.sum()).astype(np.float32), clock.astype(np.float32)


def round_the_clock(turns: int) -> list[int]:
    """The numbers in the order in which a wave of so many turns passes them."""
    step = pow(turns, -1, P)
    return [j * step % P for j in range(P)]


def first_known(moments: dict[int, Moment], which: str) -> int | None:
    """The step at which it was first right in 99 % of the 'taught' or 'unseen' sums; None if never."""
    return next((step for step, moment in moments.items() if getattr(moment, which) >= KNOWN), None)


def strong(shares: Array, part: float = 0.8) -> int:
    """How many waves hold so large a part of the variation, the strongest first."""
    return int((np.cumsum(np.sort(shares)[::-1]) < part).sum()) + 1


# ---------------------------------------------------------------- what the build keeps


@kept
def kept_run(seed: int) -> dict[int, Moment]:
    """One whole training, as it went where the site was built."""
    run = course(seed)
    run.step_to(STEPS)
    return run.moments


@kept
def over_seeds(seeds: int) -> tuple[tuple[int | None, float, int | None], ...]:
    """For each seed: the step at which it knew what it was taught, how much of the rest then, and the step at which it
    knew that."""
    found = []
    for seed in range(seeds):
        run = course(seed)
        while not run.done and first_known(run.moments, "unseen") is None:
            run.step_to(run.steps + EVERY)
        taught = first_known(run.moments, "taught")
        found.append((taught, run.moments[taught].unseen if taught else 0.0, first_known(run.moments, "unseen")))
    return tuple(found)


@kept
def without_decay(seed: int, steps: int) -> tuple[float, float]:
    """How often it is right, in sums taught and in sums unseen, after so many steps without weight decay."""
    run = course(seed, 0.0, steps)
    run.trainers[0].every = steps
    run.step_to(steps)
    return run.moments[steps].taught, run.moments[steps].unseen


def weights() -> int:
    """How many it has."""
    return course(SEED).trainers[0].net.size

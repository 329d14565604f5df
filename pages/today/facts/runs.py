"""The same training with other parts: letters of little stories, 2017's parts beside any choice of today's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus import sample_document
from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.nets import Net, cross_entropy
from explainer.live.tasks import OwnText
from explainer.live.today import Block, BlockTrainer
from explainer.models.measured import kept

SWITCHES = ("norm", "places", "think", "share")
THEN, NOW = "0000", "1111"  # a choice: for each switch in this order, whether it is on today's side
ALONE = tuple("".join("1" if k == at else "0" for k in range(4)) for at in range(4))  # one switch each

STEPS, BATCH, RATE = 400, 16, 3e-3
EVERY = 20  # steps between two measurements
SEED, SEEDS = 0, 5
LENGTH = 32  # letters that are read at once
LAYERS, WIDTH, HEADS, GROUPS = 2, 36, 3, 1
HIDDEN = 4 * WIDTH
LETTERS, STORIES = 60_000, 11  # letters of all stories, and the seed that they are drawn with
LONGER, MORE = 3_000, 500_000  # steps, and letters, of the long run
TESTED = 188  # windows that are tested


@functools.lru_cache(maxsize=2)
def stories(letters: int = LETTERS) -> OwnText:
    """So many letters of new stories from the grammar, one under the other; the last tenth is never taught."""
    rng = np.random.default_rng(STORIES)
    found: list[str] = []
    size = 0
    while size < letters:
        found.append(sample_document(rng))
        size += len(found[-1]) + 1
    return OwnText("\n".join(found), LENGTH)


def block(choice: str, task: OwnText) -> Block:
    """The sizes of a learner with some parts of today. choice: a '1' for each of SWITCHES that is one"""
    norm, places, think, share = (mark == "1" for mark in choice)
    return Block(
        task.vocab, task.classes, LENGTH, WIDTH, HEADS, LAYERS, HIDDEN,
        positions="rope" if places else "learned",
        norm="rms" if norm else "layer",
        think="swiglu" if think else "gelu",
        kv_heads=GROUPS if share else HEADS,
    )  # fmt: skip


def learner(choice: str, seed: int, steps: int = STEPS, letters: int = LETTERS) -> BlockTrainer:
    """One learner before its first step: the same seed sees the same letters, whatever its parts."""
    task = stories(letters)
    plan = Plan(steps, BATCH, RATE, warm=20)
    return BlockTrainer(task, block(choice, task), plan, seed, every=EVERY, games=1)


@dataclass(frozen=True)
class Moment:
    """How surprised both are after so many steps by a letter of stories that they were never taught, in nats: 2017's
    parts, and the reader's choice."""

    step: int
    held: tuple[float, float]


def course(choice: str, seed: int) -> Course[Moment]:
    """2017's parts beside a choice, before their first step."""
    return Course([learner(THEN, seed), learner(choice, seed)], look)


def look(trainers: Sequence[BlockTrainer]) -> Moment:
    """What is kept of a moment."""
    then, chosen = (held_loss(t.net, stories()) for t in trainers)
    return Moment(trainers[0].steps, (then, chosen))


def held_loss(net: Net, task: OwnText) -> float:
    """Nats for each letter of the first windows of what is held back, one window after the other."""
    letters = task.parts[1][: TESTED * LENGTH + 1]
    n = (len(letters) - 1) // LENGTH * LENGTH
    before, after = letters[:n].reshape(-1, LENGTH), letters[1 : n + 1].reshape(-1, LENGTH)
    return cross_entropy(net.forward(before), after)[0]


@functools.lru_cache(maxsize=16)
def size(choice: str) -> tuple[int, int]:
    """How many weights a learner has, and how many bytes it has to remember for each letter that it has read."""
    found = learner(choice, SEED)
    shape = block(choice, stories())
    return found.net.size, shape.cache_bytes()


# ---------------------------------------------------------------- what the build keeps


@kept
def kept_losses(choice: str, seed: int) -> tuple[float, ...]:
    """The loss of one learner at each measurement, as it went where the site was built."""
    run = learner(choice, seed)
    found = []
    while True:
        if run.due:
            run.measure()
            found.append(held_loss(run.net, stories()))
        if run.done:
            return tuple(found)
        run.step()


def kept_run(choice: str, seed: int) -> dict[int, Moment]:
    """2017's parts and a choice side by side: each learner goes its own way, so two kept runs make a pair."""
    pair = zip(kept_losses(THEN, seed), kept_losses(choice, seed), strict=True)
    return {EVERY * k: Moment(EVERY * k, held) for k, held in enumerate(pair)}


@dataclass(frozen=True)
class Effect:
    """What a choice changes at the end, against 2017's parts with the same seed and letters.

    apart:  nats, for each seed: below 0 is better
    spread: nats between the best and the worst seed of 2017's parts alone
    """

    apart: tuple[float, ...]
    spread: float

    @property
    def middle(self) -> float:
        return float(np.median(self.apart))

    @property
    def clear(self) -> bool:
        """Whether all seeds agree on the sign, and the change is larger than what another seed changes."""
        return abs(sum(1 if a > 0 else -1 for a in self.apart)) == len(self.apart) and abs(self.middle) > self.spread


def final(choice: str, seed: int) -> float:
    """The loss at the end of one run, nats a letter."""
    return kept_losses(choice, seed)[-1] if seed == SEED else final_loss(choice, seed)


@kept
def final_loss(choice: str, seed: int) -> float:
    """The same of a run of which nothing else is kept."""
    run = learner(choice, seed)
    run.every = STEPS
    return held_loss(run.finish().net, stories())


def effect(choice: str, seeds: int = SEEDS) -> Effect:
    """A choice against 2017's parts, seed by seed."""
    before = [final(THEN, seed) for seed in range(seeds)]
    after = [final(choice, seed) for seed in range(seeds)]
    return Effect(tuple(b - a for a, b in zip(before, after, strict=True)), max(before) - min(before))


@kept
def longer(choice: str, seed: int, steps: int) -> float:
    """The loss after many more steps, on more stories, so that none is read twice too often."""
    run = learner(choice, seed, steps, MORE)
    run.every = steps
    return held_loss(run.finish().net, stories(MORE))

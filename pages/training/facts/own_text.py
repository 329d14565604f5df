"""A reader's text, learnt from nothing: a small transformer of characters, beside the tables of that text."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.nets import Net
from explainer.live.tasks import OwnText
from explainer.live.trainer import Trainer, shape_for
from explainer.models.measured import kept

Array = np.ndarray

STEPS, BATCH, RATE, DECAY = 400, 16, 2e-3, 1.0
EVERY = 20  # steps between two measurements
LENGTH = 32  # characters that it reads at once
SEED, SEEDS = 0, 3
LAYERS, WIDTH, HEADS, HIDDEN = 2, 32, 2, 128
LEAST = 11 * (LENGTH + 1)  # characters of a text
WRITTEN = 60  # characters of what it writes
GIVEN = 12  # characters that it goes on from
SMOOTHINGS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)

ALICE = (
    "Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing to do: once or "
    "twice she had peeped into the book her sister was reading, but it had no pictures or conversations in it, “and "
    "what is the use of a book,” thought Alice “without pictures or conversations?” So she was considering in her own "
    "mind (as well as she could, for the hot day made her feel very sleepy and stupid), whether the pleasure of making "
    "a daisy-chain would be worth the trouble of getting up and picking the daisies, when suddenly a White Rabbit with "
    "pink eyes ran close by her. There was nothing so very remarkable in that; nor did Alice think it so very much out "
    "of the way to hear the Rabbit say to itself, “Oh dear! Oh dear! I shall be late!” (when she thought it over "
    "afterwards, it occurred to her that she ought to have wondered at this, but at the time it all seemed quite "
    "natural); but when the Rabbit actually took a watch out of its waistcoat-pocket, and looked at it, and then "
    "hurried on, Alice started to her feet, for it flashed across her mind that she had never before seen a rabbit "
    "with either a waistcoat-pocket, or a watch to take out of it, and burning with curiosity, she ran across the "
    "field after it, and fortunately was just in time to see it pop down a large rabbit-hole under the hedge. In "
    "another moment down went Alice after it, never once considering how in the world she was to get out again. The "
    "rabbit-hole went straight on like a tunnel for some way, and then dipped suddenly down, so suddenly that Alice "
    "had not a moment to think about stopping herself before she found herself falling down a very deep well. Either "
    "the well was very deep, or she fell very slowly, for she had plenty of time as she went down to look about her "
    "and to wonder what was going to happen next."
)


def problem(text: str) -> str:
    """Why nothing can be learnt from a text, in a sentence with the remedy; '' where something can."""
    n, different = len(text), len(set(text))
    if not text.strip():
        return f"There is no text yet. Type or paste at least {LEAST} characters: a page of a story, a poem, a letter."
    if different == 1:
        return f"Your text is “{text[0]}” and nothing else: there is nothing to learn. Take one with several letters."
    if n < LEAST:
        return (
            f"Your text has {n} characters; it needs at least {LEAST}, so that some can be held back. "
            f"Paste {LEAST - n} more."
        )
    return ""


@dataclass(frozen=True)
class Tables:
    """What a text's own tables expect of its held-back end, in nats for each character.

    chance:  all characters alike: ln V
    letters: how often each character stands in the taught part (unigrams)
    pairs:   how often each follows each (bigrams, a Markov chain)
    """

    characters: int
    held: int
    chance: float
    letters: float
    pairs: float


@functools.lru_cache(maxsize=4)
def tables(text: str) -> Tables:
    """The tables of the taught part, on the held-back part. Where a pair is rare, the letters alone help out, by as
    much as suits the held-back part best: so the pairs are given the benefit of the doubt."""
    task = OwnText(text, LENGTH)
    taught, held = task.parts
    V = task.vocab
    letters = (np.bincount(taught, minlength=V) + 1) / (len(taught) + V)
    counts = np.zeros((V, V))
    np.add.at(counts, (taught[:-1], taught[1:]), 1)
    before = np.concatenate([taught[-1:], held[:-1]])
    losses = []
    for k in SMOOTHINGS:
        chances = (counts + k * letters) / (counts.sum(axis=1, keepdims=True) + k)
        losses.append(-float(np.log(chances[before, held]).mean()))
    return Tables(V, len(held), math.log(V), -float(np.log(letters[held]).mean()), min(losses))


@dataclass(frozen=True)
class Moment:
    """How good it is after so many steps: nats for each character of the held-back part, and of the last batch that it
    learnt from (nan before the first); and what it writes then."""

    step: int
    held: float
    taught: float
    writes: str


def course(text: str, seed: int) -> Course[Moment]:
    """One learner of a text, before its first step."""
    task = OwnText(text, LENGTH)
    plan = Plan(STEPS, BATCH, RATE, warm=20, decay=DECAY)
    shape = shape_for(task, width=WIDTH, heads=HEADS, hidden=HIDDEN, layers=LAYERS, positions="rope")
    return Course([Trainer(task, shape, plan, seed, every=EVERY, games=1)], look)


def look(trainers: Sequence[Trainer]) -> Moment:
    """What is kept of a moment."""
    [trainer] = trainers
    task: OwnText = trainer.task  # type: ignore[assignment]
    return Moment(trainer.steps, held_loss(trainer.net, task), trainer.loss, writes(trainer.net, task, trainer.seed))


def held_loss(net: Net, task: OwnText) -> float:
    """Nats for each character of the held-back part: each once, with 25 to 32 characters before it to go by."""
    taught, held = task.parts
    size = LENGTH // 4
    begins = np.arange(0, len(held), size)
    ends = np.minimum(begins + size, len(held))  # of the characters that each window is asked about
    tokens = np.concatenate([taught[-LENGTH:], held])
    windows = tokens[(ends - 1)[:, None] + np.arange(LENGTH + 1)]
    chances = log_chances(net, windows[:, :-1])
    right = np.take_along_axis(chances, windows[:, 1:, None], axis=-1)[..., 0]  # [B, LENGTH]
    asked = (ends - LENGTH)[:, None] + np.arange(LENGTH) >= begins[:, None]
    return -float(right[asked].mean())


def log_chances(net: Net, tokens: Array) -> Array:
    """[B, T, V]"""
    logits = net.forward(tokens).astype(np.float64)
    logits -= logits.max(axis=-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))


def given(task: OwnText) -> str:
    """What it goes on from: the end of the taught part."""
    return "".join(task.characters[i] for i in task.parts[0][-GIVEN:])


def writes(net: Net, task: OwnText, seed: int) -> str:
    """What it writes, each character drawn with its chance."""
    rng = tasks.stream(seed, tasks.TEST)
    found = list(task.parts[0][-GIVEN:])
    for _ in range(WRITTEN):
        chances = np.exp(log_chances(net, np.array([found[-LENGTH:]]))[0, -1])
        found.append(int(np.searchsorted(chances.cumsum(), rng.random() * chances.sum())))
    return "".join(task.characters[i] for i in found[GIVEN:])


# ---------------------------------------------------------------- what the build keeps


@kept
def kept_run(seed: int) -> dict[int, Moment]:
    """One whole training on the example, as it went where the site was built."""
    run = course(ALICE, seed)
    run.step_to(STEPS)
    return run.moments


@kept
def over_seeds(seeds: int) -> tuple[tuple[float, int | None], ...]:
    """For each seed: the least loss on the held-back part, and the step at which it was first below the pairs'."""
    found = []
    for seed in range(seeds):
        run = course(ALICE, seed)
        run.step_to(STEPS)
        below = next((k for k, m in run.moments.items() if m.held < tables(ALICE).pairs), None)
        found.append((min(m.held for m in run.moments.values()), below))
    return tuple(found)


def weights() -> int:
    """How many it has, for the example."""
    return course(ALICE, SEED).trainers[0].net.size

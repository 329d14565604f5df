"""The machines that were trained to copy, at work on one sequence, and how well all of them do by its length."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from explainer.architectures import ntm
from explainer.live import memory
from explainer.live.memory import (
    LEARNED,
    MARK,
    NTM_SEEDS,
    POSITIONS,
    SEQUENCES,
    TAPE_SEEDS,
    TRAINED,
    Positions,
    Right,
)
from explainer.live.nets import Attention, Net
from explainer.models.measured import kept
from explainer.studies.working import Score

Array = np.ndarray

SHOWN = 0
"""The seed of the trainings that are shown. It was settled before they were trained."""
SHOWN_POSITIONS: tuple[Positions, ...] = ("rope", "learned")
LOOKS = 50  # sequences on which the head that finds is sought


def steps(length: int) -> int:
    """How many steps a copy takes: a word at each, the mark, a word at each."""
    return 2 * length + 1


@functools.lru_cache(maxsize=32)
def words(sequence: int, length: int) -> Array:
    """The words of a sequence by its number: those of a shorter one are the first of a longer. [n, bits] of bool"""
    return memory.sequences(1, sequence, 1, memory.LONGEST)[0, :length]


# ---------------------------------------------------------------- one sequence


@dataclass(frozen=True, eq=False)
class FromMemory:
    """A Neural Turing Machine at work on a sequence.

    said:           words that it answers, [n, bits] of bool
    written, read:  where its heads stand at each step, shares of all slots, [T, N]
    memory:         what stands in its slots after each step, [T, N, M]
    asked_write, asked_read: what its controller asks of its heads at each step, [T, ...]
    """

    said: Array
    written: Array
    read: Array
    memory: Array
    asked_write: ntm.Asked
    asked_read: ntm.Asked


@functools.lru_cache(maxsize=16)
def from_memory(sequence: int, length: int, slots: int) -> FromMemory:
    """Let the machine that is shown copy a sequence."""
    given = memory.as_inputs(words(sequence, length)[None])
    run = ntm.run(memory.ntm_params(SHOWN), memory.NTM, given, slots)
    return FromMemory(
        np.stack([s.logits[0] > 0 for s in run[length + 1 :]]),
        np.stack([s.write.weighting[0] for s in run]),
        np.stack([s.read.weighting[0] for s in run]),
        np.stack([s.state.memory[0] for s in run]),
        ntm.Asked(*(np.stack(x)[:, 0] for x in zip(*(s.asked_write for s in run), strict=True))),
        ntm.Asked(*(np.stack(x)[:, 0] for x in zip(*(s.asked_read for s in run), strict=True))),
    )


@dataclass(frozen=True, eq=False)
class FromTape:
    """A transformer at work on a sequence: what it writes, [n] tokens; what its head reads at each step of all places
    of the tape, [T, T]."""

    said: Array
    read: Array


@functools.cache
def tapes() -> dict[Positions, Net]:
    """The transformers that are shown: those that learned it. Read together, so that the page's pack has them all."""
    return {positions: memory.tape_net(positions, SHOWN) for positions in SHOWN_POSITIONS}


@functools.lru_cache(maxsize=16)
def from_tape(sequence: int, length: int, positions: Positions) -> FromTape:
    """Let the transformer that is shown copy a sequence: token by token, always the most likely one."""
    net = tapes()[positions]
    given = words(sequence, length)
    said = memory.copied_from_tape(net, given[None])[0]
    tape = np.concatenate([memory.as_tokens(given), [MARK], said])
    layer, head, _ = finder(positions, memory.digest(memory.tape_name(positions, SHOWN)))
    return FromTape(said, patterns(net, tape[None])[layer][0, head])


def patterns(net: Net, tapes: Array) -> list[Array]:
    """What each head of each layer reads. tapes: tokens [B, T]; returns: for each layer [B, H, T, T]"""
    net.forward(tapes)
    return [layer.mixer.pattern.copy() for layer in net.layers if isinstance(layer.mixer, Attention)]


@kept
def finder(positions: Positions, digest: str) -> tuple[int, int, float]:
    """The head that reads most of the word that has to be written next, at the longest length of training.

    digest: of the weights; returns: its layer, its number, and the share of its reading
    """
    given = memory.as_tokens(memory.sequences(2, 0, LOOKS, TRAINED))
    tapes = np.concatenate([given, np.full((LOOKS, 1), MARK), given[:, :-1]], axis=1)
    asks, finds = np.arange(TRAINED, 2 * TRAINED), np.arange(TRAINED)
    found = np.stack(
        [p[:, :, asks, finds].mean(axis=(0, 2)) for p in patterns(memory.tape_net(positions, SHOWN), tapes)]
    )
    layer, head = np.unravel_index(int(found.argmax()), found.shape)
    return int(layer), int(head), float(found[layer, head])


def right_words(said: Array, sequence: int, length: int) -> Array:
    """Which words are right in all bits. said: [n, bits]; returns: [n] of bool"""
    return (said == words(sequence, length)).all(axis=1)


# ---------------------------------------------------------------- by length


@kept
def tried(name: str, digest: str, length: int, slots: int = memory.SLOTS) -> Right:
    """How a kept model copies SEQUENCES sequences of one length. digest: of its weights"""
    return memory.tried(name, length, SEQUENCES, slots)


def whole(name: str, length: int) -> Score:
    """How many sequences of one length are copied without an error, with its interval."""
    found = tried(name, memory.digest(name), length)
    return Score(found.whole, found.of)


def words_right(name: str, length: int) -> Score:
    """How many words are right. (They are not independent: one sequence has many. So the interval is none to show.)"""
    found = tried(name, memory.digest(name), length)
    return Score(found.words, found.of * found.length)


def names(kind: str) -> list[str]:
    """All kept models of a kind: "ntm", or the positions of a transformer."""
    if kind == "ntm":
        return [memory.ntm_name(seed) for seed in NTM_SEEDS]
    return [memory.tape_name(p, seed) for p in POSITIONS if p == kind for seed in TAPE_SEEDS]


def learned(kind: str) -> int:
    """How many of a kind have learned the task."""
    return sum(whole(name, TRAINED).share >= LEARNED for name in names(kind))


@functools.lru_cache(maxsize=8)
def way(seed: int, length: int) -> tuple[int, bool]:
    """Which way a Neural Turing Machine goes along its memory, and whether what it reads is what it wrote.

    returns: the move of its write head that comes most often, in slots (STEPS), and whether, of each of SEQUENCES
    sequences, every word is read from the slot into which it was written
    """
    given = memory.as_inputs(memory.sequences(3, 0, SEQUENCES, length))
    run = ntm.run(memory.ntm_params(seed), memory.NTM, given, memory.SLOTS)
    wrote, read = (np.stack([getattr(s, head).weighting.argmax(axis=-1) for s in run]) for head in ("write", "read"))
    move = (np.diff(wrote[:length], axis=0) + 1) % memory.SLOTS - 1
    return int(np.median(move)), bool((wrote[:length] == read[length + 1 :]).all())

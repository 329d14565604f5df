"""Machines that were trained to copy: a Neural Turing Machine, and a transformer whose only memory is its tape.

The task: some words of six random bits, then an end mark, and after that the same words once more. Both are trained on
the same lengths (explainer/training/memory.py, `make train-memory`), and what is asked beyond them is what this is for.

    Neural Turing Machine   is given a word at each step, then the mark, then nothing; it answers six bits at each step
    transformer             has a token for each of the 64 words and one for the mark; it writes the most likely token
                            behind its text, and reads what it has written

Source: Graves, Wayne & Danihelka 2014, section 4.1
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from explainer.architectures import ntm
from explainer.architectures.ntm import NTMConfig
from explainer.kernel import checkpoint
from explainer.live.nets import Net, Shape
from explainer.live.tasks import TEST, TRAINING

Array = np.ndarray
Positions = Literal["rope", "learned", "none"]
POSITIONS: tuple[Positions, ...] = ("rope", "learned", "none")

WORD = 6  # bits
MARK = 2**WORD
"""The token of the end mark; the words are the numbers below it."""
TRAINED = 10  # words: the longest sequence in training
LONGEST = 40  # words: the longest that is asked
SLOTS = 32  # of the memory in training; no weight depends on it
LENGTHS = (1, 5, 8, 10, 11, 12, 14, 16, 20, 24, 28, 30, 31, 32, 33, 36, 40)
SEQUENCES = 200  # of each of these lengths: on these they are compared
LEARNED = 0.95
"""Who copies this share of the longest sequences of training without an error has learned the task."""
NTM_SEEDS, TAPE_SEEDS = range(5), range(3)
NTM = NTMConfig(n_in=WORD + 1, n_out=WORD, d_slot=10, d_controller=48)
WEIGHTS = Path(__file__).parents[1] / "models" / "weights" / "memory"
"""What the page that shows them reads; it is in that page's pack alone (build/page_pack.py)."""


def tape_shape(positions: Positions) -> Shape:
    """The transformer: two layers of width 48, with places (or none) for the longest sequence that is asked."""
    return Shape(MARK + 1, MARK + 1, 2 * LONGEST + 1, width=48, heads=4, layers=2, hidden=96, positions=positions)


# ---------------------------------------------------------------- the task


def sequences(seed: int, number: int, size: int, length: int, use: int = TEST) -> Array:
    """Random words, the same for the same arguments. returns: [B, n, bits] of bool"""
    return np.random.default_rng([seed, use, number, length]).random((size, length, WORD)) < 0.5


def training_length(number: int) -> int:
    """How long the sequences of a training batch are, by its number: 1 to TRAINED words, all equally likely."""
    return int(np.random.default_rng([TRAINING, number]).integers(1, TRAINED + 1))


def as_inputs(words: Array) -> Array:
    """What the Neural Turing Machine is given: each word as -1 and 1, then the mark, then zeros while it answers.

    words: [B, n, bits]; returns: [2 n + 1, B, bits + 1] float32, the last number for the mark
    """
    size, length, _ = words.shape
    given = np.zeros((2 * length + 1, size, WORD + 1), np.float32)
    given[:length, :, :WORD] = 2.0 * words.transpose(1, 0, 2) - 1
    given[length, :, WORD] = 1
    return given


def as_tokens(words: Array) -> Array:
    """Each word as a number, its first bit the largest. words: [..., bits]; returns: [...] below MARK"""
    return words @ (1 << np.arange(WORD)[::-1])


def as_words(tokens: Array) -> Array:
    """Each number as a word; the mark, which is none, as zeros. tokens: [...]; returns: [..., bits] of bool"""
    return (np.asarray(tokens)[..., None] >> np.arange(WORD)[::-1] & 1).astype(bool)


# ---------------------------------------------------------------- the kept models


@functools.cache
def _file(name: str) -> tuple[dict[str, Array], dict[str, str]]:
    data = (WEIGHTS / f"{name}.safetensors").read_bytes()
    tensors, notes = checkpoint.read_safetensors(data, name)
    return {key: value.astype(np.float32) for key, value in tensors.items()}, notes


def ntm_name(seed: int) -> str:
    return f"ntm-{seed}"


def tape_name(positions: Positions, seed: int) -> str:
    return f"tape-{positions}-{seed}"


def ntm_params(seed: int) -> dict[str, Array]:
    """The weights of a Neural Turing Machine by the seed of its training; float32, stored as float16."""
    return _file(ntm_name(seed))[0]


@functools.cache
def tape_net(positions: Positions, seed: int) -> Net:
    """A transformer by its positions and the seed of its training.

    Raises ValueError if the file holds other weights than the architecture has.
    """
    net = Net(tape_shape(positions), seed)
    stored = _file(tape_name(positions, seed))[0]
    if {k: v.shape for k, v in stored.items()} != {k: v.shape for k, v in net.weights.of.items()}:
        raise ValueError(f"{tape_name(positions, seed)}: these are not the weights of {net.shape}")
    for key, value in stored.items():
        net.weights.of[key][...] = value
    return net


# ---------------------------------------------------------------- how they copy


def copied_from_memory(params: ntm.Params, words: Array, slots: int = SLOTS) -> Array:
    """What a Neural Turing Machine answers after the mark. words: [B, n, bits]; returns: the same, of bool"""
    length = words.shape[1]
    steps = ntm.run(params, NTM, as_inputs(words), slots)
    return np.stack([s.logits > 0 for s in steps[length + 1 :]], axis=1)


def copied_from_tape(net: Net, words: Array) -> Array:
    """What a transformer writes after the mark, token by token: always the most likely one.

    words: [B, n, bits]; returns: tokens [B, n]
    """
    writer, read = net.writer(), as_tokens(words)
    for token in read.T:
        writer.read(token)
    written = [np.full(len(read), MARK)]
    for _ in read.T:
        written.append(writer.push(written[-1]).argmax(axis=-1))
    return np.stack(written[1:], axis=1)


@dataclass(frozen=True)
class Right:
    """How well some sequences of one length were copied.

    whole: sequences without an error; words: words that are right in all bits; of: sequences; length: words of each
    """

    whole: int
    words: int
    of: int
    length: int


def rightness(said: Array, words: Array) -> Right:
    """Compare answers with what should have been copied. said: tokens [B, n]; words: [B, n, bits]"""
    right = said == as_tokens(words)
    return Right(int(right.all(axis=1).sum()), int(right.sum()), *right.shape)


def tried(name: str, length: int, size: int, slots: int = SLOTS, seed: int = 0) -> Right:
    """How a kept model copies sequences that it was not trained on. name: a file's, as of `ntm_name`, `tape_name`"""
    words = sequences(seed, 0, size, length)
    kind, *rest = name.split("-")
    if kind == "ntm":
        return rightness(as_tokens(copied_from_memory(ntm_params(int(rest[0])), words, slots)), words)
    return rightness(copied_from_tape(tape_net(rest[0], int(rest[1])), words), words)  # type: ignore[arg-type]


@functools.cache
def _card() -> dict[str, str]:
    models = json.loads((WEIGHTS / "memory.json").read_text(encoding="utf-8"))["models"]
    return {model["name"]: model["sha256"] for model in models}


def digest(name: str) -> str:
    """A hash of a kept model's file, from the card: what was measured of other weights is not believed."""
    return _card()[name]


def notes(name: str) -> dict[str, str]:
    """What a kept model's file says about its training."""
    return _file(name)[1]


def there() -> list[Path]:
    """The files of all kept models."""
    return sorted(WEIGHTS.glob("*.safetensors"))

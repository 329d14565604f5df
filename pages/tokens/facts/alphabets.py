"""What a story costs a model of bytes and a model of pieces, byte by byte, and how the two compare on held-out text."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from explainer.corpus.held_out import Mean
from explainer.live import alphabets
from explainer.live.alphabets import KINDS, SEEDS, SHOWN, Alphabet, Kind
from explainer.live.nets import Net
from explainer.models import lab
from explainer.models.measured import kept

AT_WORK: tuple[Kind, Kind] = ("pieces", "bytes-text")
"""Who reads the story on the page."""


@dataclass(frozen=True)
class Priced:
    """A story and what it costs.

    pieces: its tokens as bytes; shown: as pages write them
    by_piece: nats of each; by_byte: nats of each byte, for the other model
    """

    pieces: tuple[bytes, ...]
    shown: tuple[str, ...]
    by_piece: tuple[float, ...]
    by_byte: tuple[float, ...]

    @property
    def size(self) -> int:
        return len(self.by_byte)


@functools.cache
def net(kind: Kind) -> Net:
    """A model that is shown. Raises explainer.kernel.later.NotHereYet."""
    return alphabets.net(kind, SHOWN, lab.tokenizer(lab.STORYTELLER))


@functools.lru_cache(maxsize=16)
def priced(story: str) -> Priced:
    """A story, read by both."""
    tokenizer = lab.tokenizer(lab.STORYTELLER)
    ids = tokenizer.encode(story)
    data = story.encode("utf-8", errors="replace")
    pieces, letters = (net(kind) for kind in AT_WORK)
    return Priced(
        tuple(tokenizer.token_bytes(i) for i in ids),
        tuple(tokenizer.display(i) for i in ids),
        tuple(alphabets.surprise(pieces, list(ids)).tolist()),
        tuple(alphabets.surprise(letters, [b + 1 for b in data]).tolist()),
    )


# ---------------------------------------------------------------- on the held-out set


@kept
def costs(kind: Kind, seed: int, digest: str) -> alphabets.Costs:
    """What each held-out document costs a model. digest: of its weights"""
    tokenizer = lab.tokenizer(lab.STORYTELLER)
    return alphabets.costs(alphabets.net(kind, seed, tokenizer), alphabets.alphabet(kind), tokenizer)


@kept
def floor() -> alphabets.Costs:
    """What it costs the truth."""
    return alphabets.floor(lab.tokenizer(lab.STORYTELLER))


@dataclass(frozen=True)
class Compared:
    """Models of one kind on the held-out set, seed by seed: nats per byte, what that is over the floor, and what
    training took.

    weights, multiplications (of all of training), text (bytes of documents that it read)
    """

    kind: Kind
    alphabet: Alphabet
    all: tuple[Mean, ...]
    over: tuple[Mean, ...]
    weights: int
    multiplications: float
    text: float

    @property
    def middle(self) -> float:
        """Nats per byte of the seed in the middle."""
        return float(np.median([m.value for m in self.all]))

    @property
    def over_middle(self) -> float:
        return float(np.median([m.value for m in self.over]))


@kept
def compared(kind: Kind, digests: tuple[str, ...]) -> Compared:
    """All seeds of a kind. digests: of their weights"""
    tokenizer, which = lab.tokenizer(lab.STORYTELLER), alphabets.alphabet(kind)
    shape, steps = alphabets.shape(which, tokenizer), alphabets.steps(kind, tokenizer)
    found = [costs(kind, seed, digest) for seed, digest in zip(SEEDS, digests, strict=True)]
    symbols = steps * alphabets.BATCHES[kind] * shape.length
    return Compared(
        kind,
        which,
        tuple(alphabets.per_byte(each) for each in found),
        tuple(alphabets.per_byte(each, floor()) for each in found),
        alphabets.net(kind, SHOWN, tokenizer).size,
        3.0 * alphabets.operations(shape) * alphabets.BATCHES[kind] * steps,
        symbols * (alphabets.BYTES_PER_TOKEN if which == "pieces" else 1.0),
    )


def everyone() -> list[Compared]:
    """All kinds."""
    return [compared(kind, tuple(alphabets.digest(alphabets.name(kind, seed)) for seed in SEEDS)) for kind in KINDS]

"""Byte-pair encoding, learned from one text: the pair of neighbours that stands there most often becomes a token.

A text is cut into words first (kernel/tokenizer.py), and pairs are counted and joined inside words only. A pair that
overlaps itself ("aa" in "aaa") counts as often as it can be joined. Of several that come equally often, the one that
comes first in the text is taken.

Source: Sennrich et al. 2016, algorithm 1
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from explainer.kernel.tokenizer import split_words

Pair = tuple[bytes, bytes]
Word = tuple[bytes, ...]
MOST = 300  # merges
CHOICES = 4


@dataclass(frozen=True)
class Merge:
    """A pair that becomes a token, and how often it stood in the text just before."""

    left: bytes
    right: bytes
    count: int

    @property
    def whole(self) -> bytes:
        return self.left + self.right


def words_of(text: str) -> list[Word]:
    """The words of a text, each as its single bytes."""
    return [tuple(bytes([b]) for b in word.encode("utf-8", errors="replace")) for word in split_words(text)]


def counted(words: Sequence[Word]) -> dict[Pair, int]:
    """How often each pair of neighbours can be joined; pairs in the order in which they first come."""
    found: dict[Pair, int] = {}
    for word in words:
        last: Pair | None = None  # a pair that has just been counted cannot begin with its own end
        for pair in pairwise(word):
            if pair == last:
                last = None
                continue
            found[pair] = found.get(pair, 0) + 1
            last = pair if pair[0] == pair[1] else None
    return found


def joined(word: Word, pair: Pair) -> Word:
    """A word with every occurrence of a pair joined, from left to right."""
    made: list[bytes] = []
    i = 0
    while i < len(word):
        if word[i : i + 2] == pair:
            made.append(pair[0] + pair[1])
            i += 2
        else:
            made.append(word[i])
            i += 1
    return tuple(made)


@functools.lru_cache(maxsize=8)
def learned(text: str) -> tuple[Merge, ...]:
    """All merges of a text, in order, until no pair stands in it twice (at most MOST)."""
    words = words_of(text)
    found: list[Merge] = []
    while len(found) < MOST:
        counts = counted(words)
        pair = max(counts, key=counts.__getitem__, default=None)
        if pair is None or counts[pair] < 2:
            break
        found.append(Merge(*pair, counts[pair]))
        words = [joined(word, pair) for word in words]
    return tuple(found)


@functools.lru_cache(maxsize=64)
def after(text: str, merges: int) -> tuple[Word, ...]:
    """The words of a text after its first so many merges, each as its pieces."""
    words = words_of(text)
    for merge in learned(text)[:merges]:
        words = [joined(word, (merge.left, merge.right)) for word in words]
    return tuple(words)


@dataclass(frozen=True)
class Candidate:
    """A pair that could be joined next, and how often it stands there; right: whether it is the one that is.

    after: how many merges were made before
    """

    after: int
    left: bytes
    right_half: bytes
    count: int
    right: bool

    @property
    def key(self) -> str:
        """What addresses call it: 3.73.65 is s and e after three merges."""
        return f"{self.after}.{self.left.hex()}.{self.right_half.hex()}"


@functools.lru_cache(maxsize=64)
def candidates(text: str, merges: int) -> tuple[Candidate, ...]:
    """The pair that comes next and others that come less often, in an order that gives nothing away.

    Empty where there is nothing to guess: no merge is left, or no pair comes less often.
    """
    if merges >= len(learned(text)):
        return ()
    merge = learned(text)[merges]
    counts = counted(after(text, merges))
    less = sorted((pair for pair in counts if counts[pair] < merge.count), key=lambda p: -counts[p])[: CHOICES - 1]
    if not less:
        return ()
    found = [Candidate(merges, *pair, counts[pair], False) for pair in less]
    found.append(Candidate(merges, merge.left, merge.right, merge.count, True))
    return tuple(sorted(found, key=lambda c: (c.left, c.right_half)))


@functools.lru_cache(maxsize=8)
def sizes(text: str) -> tuple[int, ...]:
    """How many tokens the text has after 0, 1, 2, ... merges. Each merge takes away as many as its pair's count."""
    found = [sum(len(word) for word in words_of(text))]
    for merge in learned(text):
        found.append(found[-1] - merge.count)
    return tuple(found)

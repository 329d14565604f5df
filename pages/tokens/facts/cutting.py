"""A text in three vocabularies, every token back to its bytes, and how bytes make characters.

UTF-8 writes a character as one to four bytes, and the bits at the front of each say which: 0 a character by itself
(ASCII), 110, 1110 or 11110 the first of two, three or four, 10 one that goes on.

Source: UTF-8, Unicode standard chapter 3.9 (RFC 3629); byte-level BPE: Radford et al. 2019
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass

from explainer.models import vocabularies
from explainer.models.measured import kept
from explainer.models.vocabularies import NAMES


@dataclass(frozen=True)
class Cut:
    """A text in one vocabulary.

    ids:   its tokens; pieces: the bytes that each stands for; shown: as pages write them
    starts: the place of each one's first byte in the text
    lost:  the bytes of the text that the vocabulary has no token for
    """

    ids: tuple[int, ...]
    pieces: tuple[bytes, ...]
    shown: tuple[str, ...]
    starts: tuple[int, ...]
    lost: tuple[int, ...]

    @property
    def all(self) -> bytes:
        return b"".join(self.pieces)


@functools.lru_cache(maxsize=64)
def cut(text: str, name: str) -> Cut:
    """A text cut by one of vocabularies.NAMES. Raises explainer.kernel.later.NotHereYet."""
    tokenizer = vocabularies.tokenizer(name)
    ids = tokenizer.encode(text)
    pieces = [tokenizer.token_bytes(i) for i in ids]
    data = text.encode("utf-8", errors="replace")
    starts, lost, at = [], [], 0
    for piece in pieces:
        while data[at : at + len(piece)] != piece:  # a byte that no token has is left out
            lost.append(data[at])
            at += 1
        starts.append(at)
        at += len(piece)
    return Cut(tuple(ids), tuple(pieces), tuple(tokenizer.display(i) for i in ids), tuple(starts),
               (*lost, *data[at:]))  # fmt: skip


@dataclass(frozen=True)
class Character:
    """A character of a text: its bytes, where they begin, and what Unicode calls it."""

    text: str
    start: int
    data: bytes

    @property
    def code(self) -> str:
        return f"U+{ord(self.text):04X}"

    @property
    def name(self) -> str:
        return unicodedata.name(self.text, CONTROLS.get(ord(self.text), "a control character"))


CONTROLS = {0: "NULL", 4: "END OF TRANSMISSION", 9: "TAB", 10: "LINE FEED"}


@functools.lru_cache(maxsize=8)
def characters(text: str) -> tuple[Character, ...]:
    """The characters of a text (code points)."""
    found, at = [], 0
    for character in text:
        data = character.encode("utf-8", errors="replace")
        found.append(Character(character, at, data))
        at += len(data)
    return tuple(found)


def touched(text: str, start: int, size: int) -> list[Character]:
    """The characters that some bytes of a text belong to."""
    return [c for c in characters(text) if c.start < start + size and c.start + len(c.data) > start]


def role(byte: int) -> tuple[int, str]:
    """What a byte does in UTF-8: how many bits at its front say so, and what they say."""
    if byte < 0x80:
        return 1, "a character by itself"
    if byte < 0xC0:
        return 2, "goes on with a character"
    if byte < 0xE0:
        return 3, "begins one of two bytes"
    if byte < 0xF0:
        return 4, "begins one of three bytes"
    return 5, "begins one of four bytes"


# ---------------------------------------------------------------- what is in the vocabularies


def missing(name: str) -> list[int]:
    """The bytes that a vocabulary has no token for."""
    tokenizer = vocabularies.tokenizer(name)
    control: frozenset[int] = getattr(tokenizer, "control", frozenset())
    there = {tokenizer.token_bytes(i) for i in range(tokenizer.n_vocab) if i not in control}
    return [b for b in range(256) if bytes([b]) not in there]


def valid(byte: int) -> bool:
    """Whether UTF-8 uses a byte at all (C0, C1 and F5 to FF it never does)."""
    return byte not in (0xC0, 0xC1) and byte < 0xF5


def half_characters(name: str) -> int:
    """How many tokens of a vocabulary are no text by themselves: they begin or end inside a character."""
    tokenizer = vocabularies.tokenizer(name)
    found = 0
    for i in range(tokenizer.n_vocab):
        try:
            tokenizer.token_bytes(i).decode("utf-8")
        except UnicodeDecodeError:
            found += 1
    return found


@dataclass(frozen=True)
class InVocabulary:
    """What the page says of one vocabulary: its size, its longest token of letters, how many tokens are no whole
    characters, which bytes it lacks."""

    size: int
    longest: str
    halves: int
    missing: tuple[int, ...]


@kept
def in_vocabulary(name: str) -> InVocabulary:
    """Looked through from the first token to the last."""
    tokenizer = vocabularies.tokenizer(name)
    words = [tokenizer.token_bytes(i).decode("utf-8", errors="replace") for i in range(tokenizer.n_vocab)]
    longest = max((w.strip() for w in words if w.strip().isascii() and w.strip().isalpha()), key=len)
    return InVocabulary(tokenizer.n_vocab, longest, half_characters(name), tuple(missing(name)))


# ---------------------------------------------------------------- digits


def pattern(digits: str, name: str) -> tuple[int, ...]:
    """How many digits each token of a number has, the blank before it left out."""
    pieces = [len(piece.strip()) for piece in cut(" " + digits, name).pieces]
    return tuple(n for n in pieces if n)


@kept
def patterns(name: str, digits: int) -> dict[tuple[int, ...], int]:
    """In how many ways the numbers with so many digits are cut: {pattern: how many numbers}, the commonest first."""
    tokenizer = vocabularies.tokenizer(name)
    found: dict[tuple[int, ...], int] = {}
    for number in range(10 ** (digits - 1), 10**digits):
        pieces = [len(tokenizer.token_bytes(i).strip()) for i in tokenizer.encode(f" {number}")]
        cut_as = tuple(n for n in pieces if n)
        found[cut_as] = found.get(cut_as, 0) + 1
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


@kept
def whole_numbers(name: str, first: int, last: int) -> int:
    """How many numbers from first to last are a single token, behind a blank."""
    tokenizer = vocabularies.tokenizer(name)
    return sum(len(tokenizer.encode(f" {number}")) == 1 for number in range(first, last + 1))


VOCABULARIES = tuple(NAMES)

"""Invented names, open to any letters: a name is written in pieces, each a syllable or a single letter.

`Zo-vi-ta` has the pieces Zo, vi, ta; `Ti-m-bo` has Ti, m, bo. A piece is one token of the tokenizer. There are
126 pieces and names of up to nine letters, so nobody can list the names: what a model does with one that it has
never met, it can only do by copying. A tenth of all names, chosen by a hash of their letters, is held out: training
throws every document away in which one of them stands. The grammar itself knows nothing of that, so the truth stays
exact, and a held-out name tests what was learned and not what was remembered.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable

LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")
SYLLABLES = tuple(consonant + vowel for consonant in "bcdfghjklmnprstvwxyz" for vowel in "aeiou")
PIECES = (*SYLLABLES, *LETTERS)

FIRST = tuple(" " + piece.capitalize() for piece in PIECES)
"""How a piece is written at the start of a name: ' Zo', ' T'."""

LATER = tuple("-" + piece for piece in PIECES)
"""How it is written inside a name: '-vi', '-m'."""

MOST_LETTERS = 9
"""The grammar writes names of two to nine letters."""

HELD_OUT_SHARE = 10  # one name in so many

_PIECE = re.compile("|".join(PIECES), re.IGNORECASE)  # syllables stand first, so the longest is found


def pieces(name: str) -> list[str]:
    """The pieces of what somebody typed as a name: from left to right the longest syllable, else the letter.

    'Timbolu' -> ['ti', 'm', 'bo', 'lu']; a name that is already written in pieces keeps them: 'T-i-m' -> t, i, m.
    Characters other than a to z come back as pieces of their own: the models have never met them in a name.
    """
    found: list[str] = []
    for part in name.strip().lower().split("-"):
        at = 0
        while at < len(part):
            match = _PIECE.match(part, at)
            found.append(match.group() if match else part[at])
            at += len(found[-1])
    return found


def written(name: str) -> str:
    """A name as the corpus writes it: first piece with a capital, then a hyphen before each. 'timbolu' -> 'Ti-m-bo-lu'.

    Blanks are left out. Returns '' where there is no character at all.
    """
    return "-".join(pieces("".join(name.split()))).capitalize()


def foreign(name: str) -> str:
    """The characters of a name that are none of a to z (hyphens and blanks do not count), each once, in order."""
    return "".join(dict.fromkeys(c for c in name if c.lower() not in LETTERS and not c.isspace() and c != "-"))


def letters(name: str) -> str:
    """The bare letters of a name, in lower case: what the hash is taken of, however the name is cut into pieces."""
    return "".join(c for c in name.lower() if c in LETTERS)


def held_out(name: str) -> bool:
    """Whether no text that a model was trained on contains this name (see the head of this file)."""
    return zlib.crc32(letters(name).encode()) % HELD_OUT_SHARE == 0


def names_in(words: Iterable[str]) -> list[str]:
    """Invented names in a text given as words, in order, each time they stand there: [' Zo', '-vi', ...] -> 'Zo-vi'.

    A single capital syllable or letter that no piece follows is no name here: it could be a word.
    """
    found: list[str] = []
    name = ""
    for word in (*words, ""):
        if name and word in _LATER:
            name += word
            continue
        if "-" in name:
            found.append(name)
        name = word.strip() if word in _FIRST else ""
    return found


_FIRST, _LATER = frozenset(FIRST), frozenset(LATER)

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
from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

from explainer.kernel.tokenizer import Tokenizer

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


def in_pieces(text: str, known: Collection[str] = ()) -> tuple[str, dict[str, str]]:
    """A text with the names that it introduces ('called ...', 'named ...') written in pieces, wherever they stand.

    known: names that stay as they are (the corpus has eight of its own)
    returns: (the text, what was typed -> how it is written now); a beginning of the name at the very end is written
             in pieces, too: 'a cat called Timbolu. Good night, Timbo' -> '... called Ti-m-bo-lu. Good night, Ti-m-bo'
    """
    changed: dict[str, str] = {}
    for found in _INTRODUCED.finditer(text):
        name = found.group(1).rstrip("-")
        if found.end() == len(text) and any(other.startswith(name) for other in known):
            continue  # somebody is still writing: it may yet become one of these
        if name[0].isupper() and name not in known and written(name) != name:
            changed[name] = written(name)
    for name, new in sorted(changed.items(), key=lambda item: -len(item[0])):
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?!\w|-\w)", new, text)
        last = re.search(r"(?<![\w-])[^\W\d_](?:[^\W\d_]|-)*$", text)
        if last and len(last.group()) > 1 and name.startswith(last.group()):
            text = text[: last.start()] + written(last.group())
    return text, changed


_INTRODUCED = re.compile(r"\b(?:called|named) ([^\W\d_](?:-?[^\W\d_])+)")


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


def unheard(n: int, seed: int) -> list[str]:
    """Names that no training text contains: `n` random words of two to eight letters, each as the corpus writes it."""
    rng = np.random.default_rng(seed)
    found: list[str] = []
    while len(found) < n:
        name = "".join(LETTERS[int(i)] for i in rng.integers(len(LETTERS), size=rng.integers(2, 9)))
        if held_out(name):
            found.append(written(name))
    return found


FRAMES = (
    "Far away lived a shy wizard called {name}. Good night, {name}.",
    "Under the hill lived a lazy robot called {name}. They all knew {name}.",
    "In a castle lived a polite ghost called {name}. It was happy to be called {name}.",
    "Once there was a brave girl named {name}. She had a big red ball. Her friend Button was a small cat. "
    "Next morning {name} gave the ball to Button.",
)
"""Texts in which a name is given and then written again, at four distances."""


class Copied(NamedTuple):
    """A place in a text where a later piece of a name must be copied.

    at:         the index of the token to be written, <|end|> being 0
    token:      the piece
    determined: whether the two pieces before it were followed by one and the same piece wherever they stood in the name
    """

    at: int
    token: int
    determined: bool


def copied(name: str, frame: str, tokenizer: Tokenizer) -> tuple[list[int], list[Copied]]:
    """A text with a name in it twice, as tokens, and the places of the later pieces of the second one.

    After the first piece one piece of context is all there is; it settles what follows, as a name has one beginning.
    """
    before, after = frame.format(name=name).rsplit(name, 1)
    own = tokenizer.encode(" " + name)
    head = [tokenizer.end_id, *tokenizer.encode(before.removesuffix(" "))]
    tail = tokenizer.encode(after)
    places = []
    for i in range(1, len(own)):
        pair = own[max(0, i - 2) : i]
        followers = {own[j] for j in range(1, len(own)) if own[max(0, j - 2) : j] == pair}
        ends_here = i > 1 and own[-2:] == pair  # then the name might as well be over
        places.append(Copied(len(head) + i, own[i], len(followers) == 1 and not ends_here))
    return [*head, *own, *tail], places

"""The bench on which pages put a prompt: the tokenizer, the models and the last few traces, each made once.

Every widget of a page asks here, so a prompt is run through the model once however many figures show it.
"""

from __future__ import annotations

import functools

from explainer.corpus import names
from explainer.corpus.lexicon import PEOPLE
from explainer.kernel import checkpoint
from explainer.kernel.model import forward
from explainer.kernel.tokenizer import Tokenizer, split_words
from explainer.kernel.trace import Trace

STORYTELLER = "storyteller-4l"
FAMILY = {1: "storyteller-1l", 2: "storyteller-2l", 4: "storyteller-4l"}


@functools.cache
def tokenizer() -> Tokenizer:
    return Tokenizer.load()


@functools.cache
def model(name: str = STORYTELLER) -> checkpoint.Model:
    """A checkpoint by name. Raises explainer.kernel.checkpoint.CheckpointError in plain words."""
    return checkpoint.load(name)


CHILDREN = frozenset(name.strip() for name in PEOPLE.weights)
"""The eight names that many documents share; any other name is an invented one."""


def tokens_of(prompt: str) -> tuple[int, ...]:
    """The prompt as the model gets it: the token that starts every document, then the prompt's tokens.

    A name that the text introduces is written in pieces, as in the corpus (`corpus.names.in_pieces`).
    """
    text, _ = names.in_pieces(prompt, CHILDREN)
    return (tokenizer().end_id, *tokenizer().encode(text))


def name_in(prompt: str) -> str:
    """The first invented name in a prompt, as the model gets it; '' if there is none."""
    return next(iter(names.names_in(split_words(names.in_pieces(prompt, CHILDREN)[0]))), "")


FIRST_MERGES = 383
"""How many merges the tokenizer had when links did not yet say with which weights they were made."""


@functools.cache
def first_tokenizer() -> Tokenizer:
    """The tokenizer of the first models. Its tokens are the first 640 of today's; names in pieces fell into bytes."""
    return Tokenizer(tokenizer().merges[:FIRST_MERGES])


def place_now(prompt: str, place: int) -> int:
    """Where the token stands today that an address made with the first tokenizer calls `place` (0: the start token).

    It is the token that ends where the old one ended, or holds its end; hyphens do not count, as a name that is
    written in pieces today may have had none. A place beyond the text stays as it is.
    """
    size = lambda piece: len(piece.replace(b"-", b""))  # noqa: E731
    old = first_tokenizer()
    before = old.encode(prompt)
    if not 0 < place <= len(before):
        return place
    end = sum(size(old.token_bytes(t)) for t in before[:place])
    reached = 0
    for i, token in enumerate(tokens_of(prompt)[1:], start=1):
        reached += size(tokenizer().token_bytes(token))
        if reached >= end:
            return i
    return place


def names_of(tokens: tuple[int, ...]) -> list[str]:
    """Each token as the pages write it, whitespace and bytes made visible."""
    return [tokenizer().display(t) for t in tokens]


@functools.lru_cache(maxsize=24)
def trace(tokens: tuple[int, ...], name: str = STORYTELLER, interventions: tuple = ()) -> Trace:
    """The full record of one forward pass, kept for the last few prompts."""
    m = model(name)
    return forward(m.params, tokens, m.config, interventions)

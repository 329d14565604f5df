"""The bench on which pages put a prompt: the tokenizer, the models and the last few traces, each made once.

Every widget of a page asks here, so a prompt is run through the model once however many figures show it.

A further model (explainer/models/registry.py) is here once it has been taken (`take`), under its own name, with its own
tokenizer; every function below that has a `name` serves it like the storyteller. One at a time: it is large.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from explainer.corpus import names
from explainer.corpus.lexicon import PEOPLE
from explainer.kernel import checkpoint
from explainer.kernel.model import forward
from explainer.kernel.tokenizer import Tokenizer, split_words
from explainer.kernel.trace import Trace
from explainer.models import registry

if TYPE_CHECKING:
    from explainer.models.files import Loaded

STORYTELLER = "storyteller-4l"
FAMILY = {1: "storyteller-1l", 2: "storyteller-2l", 4: "storyteller-4l"}


_taken: dict[str, Loaded] = {}


def take(name: str, loaded: Loaded) -> None:
    """Put a further model on the bench; one that was there goes.

    Raises ValueError for one without a tokenizer: pages are about texts.
    """
    if loaded.tokenizer is None:
        raise ValueError(f"{name}: there is no tokenizer.json with it, and pages are about texts")
    let_go()
    _taken[name] = loaded


def let_go() -> None:
    """Clear the bench of a further model and its traces. (The browser's memory shrinks only with a fresh Python.)"""
    _taken.clear()
    _few.cache_clear()


def is_here(name: str) -> bool:
    """Whether a further model of this name has been taken."""
    return name in _taken


def window(name: str = STORYTELLER) -> int:
    """How many tokens pages may give a model: what it has learned places for, or what its traces have memory for."""
    entry = registry.MODELS.get(name)
    return min(model(name).config.n_ctx, entry.window if entry else registry.WINDOW if name in _taken else 10**9)


@functools.cache
def _storyteller_tokenizer() -> Tokenizer:
    return Tokenizer.load()


def tokenizer(name: str = STORYTELLER) -> Tokenizer:
    """The tokenizer of a model."""
    found = _taken[name].tokenizer if name in _taken else None
    return found or _storyteller_tokenizer()


@functools.cache
def _checkpoint(name: str) -> checkpoint.Model:
    return checkpoint.load(name)


def model(name: str = STORYTELLER) -> checkpoint.Model:
    """A model by name. Raises explainer.kernel.checkpoint.CheckpointError in plain words."""
    return _taken[name].model if name in _taken else _checkpoint(name)


CHILDREN = frozenset(name.strip() for name in PEOPLE.weights)
"""The eight names that many documents share; any other name is an invented one."""


def tokens_of(prompt: str, name: str = STORYTELLER) -> tuple[int, ...]:
    """The prompt as the model gets it: the token that starts every document (if it has any), then the prompt's tokens.

    For the storyteller, a name that the text introduces is written in pieces, as in the corpus
    (`corpus.names.in_pieces`).
    """
    words = tokenizer(name)
    text = prompt if name in _taken else names.in_pieces(prompt, CHILDREN)[0]
    return (*words.start, *words.encode(text))


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


def names_of(tokens: tuple[int, ...], name: str = STORYTELLER) -> list[str]:
    """Each token as the pages write it, whitespace and bytes made visible."""
    words = tokenizer(name)
    return [words.display(t) for t in tokens]


def trace(tokens: tuple[int, ...], name: str = STORYTELLER, interventions: tuple = ()) -> Trace:
    """The full record of one forward pass, kept for the last few prompts; of a large model, for the last two.

    Of a large vocabulary, logits of the last column only: `explainer.kernel.model.logits_at` makes those of any other.
    """
    return (_few if name in _taken else _several)(tokens, name, interventions)


def _run(tokens: tuple[int, ...], name: str, interventions: tuple) -> Trace:
    m = model(name)
    return forward(m.params, tokens, m.config, interventions)


_several = functools.lru_cache(maxsize=24)(_run)
_few = functools.lru_cache(maxsize=2)(_run)  # a trace of 64 tokens of SmolLM2 is 140 MB

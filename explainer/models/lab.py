"""The bench on which pages put a prompt: the tokenizer, the models and the last few traces, each made once.

Every widget of a page asks here, so a prompt is run through the model once however many figures show it.

Which model that is, is a matter of context: `with using(name):` makes `model()`, `tokenizer()`, `tokens_of` and all
that is computed from them be about that model, and the storyteller is what they are about otherwise. What is remembered
of a computation is remembered for the model that it was about (`per_model`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from explainer.corpus import names
from explainer.corpus.lexicon import PEOPLE
from explainer.kernel import checkpoint
from explainer.kernel.model import forward
from explainer.kernel.tokenizer import Tokenizer, split_words
from explainer.kernel.trace import Trace

STORYTELLER = "storyteller-4l"
OWN = "storyteller"
"""What addresses call the one that everything is about unless they say otherwise."""
NAMES = (OWN, "smollm2-135m", "tiny-llama", "file")
"""What addresses may call a model; `file` is one that the reader has brought."""
FAMILY = {1: "storyteller-1l", 2: "storyteller-2l", 4: "storyteller-4l"}


@dataclass(frozen=True, eq=False)
class Brought:
    """A model that is none of the project's own: the real one, or the reader's."""

    model: checkpoint.Model
    tokenizer: Tokenizer


class Memory(Protocol):
    """What remembers results, and can forget them all."""

    def cache_clear(self) -> None: ...


_brought: dict[str, Brought] = {}
_remembered: list[Memory] = []
_in_use: ContextVar[str] = ContextVar("the model that figures are about", default=STORYTELLER)


def in_use() -> str:
    """The name of the model that all is about."""
    return _in_use.get()


def is_own() -> bool:
    """Whether that is one of the project's own: its tokens are the corpus', and what is true of them is known."""
    return in_use() not in _brought


@contextmanager
def using(name: str) -> Iterator[None]:
    """Let all be about a model. Raises explainer.kernel.checkpoint.CheckpointError if there is none of that name."""
    name = STORYTELLER if name == OWN else name
    model(name)
    before = _in_use.set(name)
    try:
        yield
    finally:
        _in_use.reset(before)


def bring(name: str, model: checkpoint.Model, tokenizer: Tokenizer) -> None:
    """Have a model, by a name that none of the project's own has; it takes the place of one that was brought before."""
    forget(name)
    _brought[name] = Brought(model, tokenizer)


def forget(name: str) -> None:
    """Let go of a model that was brought, and of all that was remembered of any."""
    if _brought.pop(name, None):
        for remembered in _remembered:
            remembered.cache_clear()


def remember(memory: Memory) -> None:
    """Have a memory emptied whenever a model is let go of."""
    _remembered.append(memory)


def has(name: str) -> bool:
    """Whether a model is here, or can be had at once."""
    return name == OWN or name in _brought


Function = TypeVar("Function", bound=Callable[..., Any])


def per_model(most: int) -> Callable[[Function], Function]:
    """A memory for a function (`functools.lru_cache`) of what depends on the model in use, for each model by itself.

    most: how many results are remembered, of all models together
    """

    def remembering(function: Function) -> Function:
        @functools.lru_cache(maxsize=most)
        def remembered(name: str, *arguments: Any, **named: Any) -> Any:
            return function(*arguments, **named)

        @functools.wraps(function)
        def ask(*arguments: Any, **named: Any) -> Any:
            return remembered(in_use(), *arguments, **named)

        ask.cache_clear = remembered.cache_clear  # type: ignore[attr-defined]
        ask.cache_info = remembered.cache_info  # type: ignore[attr-defined]
        remember(remembered)
        return ask  # type: ignore[return-value]

    return remembering


@functools.cache
def _own_tokenizer() -> Tokenizer:
    return Tokenizer.load()


def tokenizer() -> Tokenizer:
    """The tokenizer of the model in use."""
    found = _brought.get(in_use())
    return found.tokenizer if found else _own_tokenizer()


@functools.cache
def _own_model(name: str) -> checkpoint.Model:
    return checkpoint.load(name)


def model(name: str | None = None) -> checkpoint.Model:
    """A model by name; without one, the one in use.

    Raises explainer.kernel.checkpoint.CheckpointError in plain words.
    """
    name = name or in_use()
    found = _brought.get(name)
    return found.model if found else _own_model(name)


CHILDREN = frozenset(name.strip() for name in PEOPLE.weights)
"""The eight names that many documents share; any other name is an invented one."""


def tokens_of(prompt: str) -> tuple[int, ...]:
    """The prompt as the model gets it: the token that starts every document, then the prompt's tokens.

    For the project's own, a name that the text introduces is written in pieces, as in the corpus
    (`corpus.names.in_pieces`).
    """
    if not is_own():
        return (tokenizer().end_id, *tokenizer().encode(prompt))
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
    return Tokenizer(_own_tokenizer().merges[:FIRST_MERGES])


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


@per_model(24)
def trace(tokens: tuple[int, ...], name: str | None = None, interventions: tuple = ()) -> Trace:
    """The full record of one forward pass, kept for the last few prompts. name: of the model; None: the one in use"""
    m = model(name)
    return forward(m.params, tokens, m.config, interventions)

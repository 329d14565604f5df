"""The bench on which pages put a prompt: the tokenizer, the models and the last few traces, each made once.

Every widget of a page asks here, so a prompt is run through the model once however many figures show it.

Which model that is, is a matter of context: `with using(name):` makes all that is asked and computed be about that one,
and the storyteller is what it is about otherwise. What is remembered is remembered for the model that it was about
(`per_model`). A further model (explainer/models/registry.py) is here once it has been taken (`take`), with its own
tokenizer. One at a time: it is large. Small ones, whose weights are written by hand, are put beside it (`put`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

from explainer.corpus import names
from explainer.corpus.lexicon import PEOPLE
from explainer.kernel import checkpoint
from explainer.kernel.model import forward
from explainer.kernel.tokenizer import Tokenizer, split_words
from explainer.kernel.trace import Trace
from explainer.models import registry

if TYPE_CHECKING:
    from explainer.models.loaded import Loaded

STORYTELLER = "storyteller-4l"
OWN = "storyteller"
"""What addresses call the one that everything is about unless they say otherwise."""
NAMES = (OWN, *registry.MODELS, registry.DROPPED)
"""What addresses may call a model."""
MANY_LAYERS = 8
"""Of more layers than this no figure has room for each."""
FAMILY = {1: "storyteller-1l", 2: "storyteller-2l", 4: "storyteller-4l"}


_taken: dict[str, Loaded] = {}
_put: dict[str, Loaded] = {}
_takes = 0  # how often one was taken
_remembered: list[Any] = []  # the memories of further models (`per_model`)
_in_use: ContextVar[str] = ContextVar("the model that all is about", default=STORYTELLER)


# ---------------------------------------------------------------- which model


def in_use() -> str:
    """The name of the model that all is about."""
    return _in_use.get()


def is_own() -> bool:
    """Whether that is one of the project's own: its tokens are the corpus', and what is true of them is known."""
    return _further(in_use()) is None


def _further(name: str) -> Loaded | None:
    """A model that is none of the project's own, by name: the one that has been taken, or one that was put here."""
    return _taken.get(name) or _put.get(name)


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


def take(name: str, loaded: Loaded) -> None:
    """Put a further model on the bench; one that was there goes.

    Raises ValueError for one without a tokenizer: pages are about texts.
    """
    global _takes
    clear_for(name, loaded.tokenizer)
    _taken[name] = loaded
    _takes += 1


def put(name: str, loaded: Loaded) -> str:
    """Put a small model on the bench for good, beside all others: one whose weights are made and not read.

    No address can call for it; `with using(name):` makes all that is computed be about it. returns: the name

    Raises ValueError for a name that another model has.
    """
    if (there := _put.get(name)) and there.model is not loaded.model:
        raise ValueError(f"there is another model called {name}")
    _put[name] = loaded
    return name


def clear_for(name: str, tokenizer: Any) -> None:
    """Clear the bench for a further model that comes next: there is no room for two.

    Raises ValueError, and clears nothing, for one without a tokenizer: pages are about texts.
    """
    if tokenizer is None:
        raise ValueError(f"{name}: there is no tokenizer.json with it, and pages are about texts")
    let_go()


def let_go() -> None:
    """Clear the bench of a further model, and of all that was remembered of any.

    (The browser's memory shrinks only with a fresh Python.)
    """
    if _taken:
        _taken.clear()
        for memory in _remembered:
            memory.cache_clear()


def is_here(name: str) -> bool:
    """Whether pages can be about a model at once: the storyteller, or a further one that has been taken."""
    return name == OWN or name in _taken


def further() -> str | None:
    """The name of the further model that is here; None if there is none."""
    return next(iter(_taken), None)


def taken(name: str) -> int:
    """The how-many-eth a further model was that has been taken: two files have the same name. 0: it is not here."""
    return _takes if name in _taken else 0


def window(name: str | None = None) -> int:
    """How many tokens pages may give a model: what it has learned places for, or what its traces have memory for."""
    name = name or in_use()
    places = model(name).config.n_ctx
    return min(places, registry.WINDOW) if _further(name) else places


# ---------------------------------------------------------------- what is remembered

FEW = 2
Function = TypeVar("Function", bound=Callable[..., Any])


def per_model(most: int, few: int = FEW) -> Callable[[Function], Function]:
    """A memory for a function (`functools.lru_cache`) of what depends on the model in use, for each model by itself.

    What is remembered of a further model goes with it (`let_go`).

    most: how many results are remembered of the project's own models
    few:  the same of a further one, whose results are large: a trace of 64 tokens of SmolLM2 takes 140 MB
    """

    def remembering(function: Function) -> Function:
        def asked(name: str, *arguments: Any, **named: Any) -> Any:
            return function(*arguments, **named)

        own, further = (functools.lru_cache(maxsize=size)(asked) for size in (most, few))

        @functools.wraps(function)
        def ask(*arguments: Any, **named: Any) -> Any:
            return (own if is_own() else further)(in_use(), *arguments, **named)

        def cache_clear() -> None:
            own.cache_clear()
            further.cache_clear()

        ask.cache_clear = cache_clear  # type: ignore[attr-defined]
        _remembered.append(further)
        return ask  # type: ignore[return-value]

    return remembering


# ---------------------------------------------------------------- what it is


@functools.cache
def _own_tokenizer() -> Tokenizer:
    return Tokenizer.load()


def tokenizer(name: str | None = None) -> Tokenizer:
    """The tokenizer of a model; without a name, of the one in use."""
    found = _further(name or in_use())
    return (found.tokenizer if found else None) or _own_tokenizer()


@functools.cache
def _checkpoint(name: str) -> checkpoint.Model:
    return checkpoint.load(name)


def model(name: str | None = None) -> checkpoint.Model:
    """A model by name; without one, the one in use.

    Raises explainer.kernel.checkpoint.CheckpointError in plain words.
    """
    name = name or in_use()
    return found.model if (found := _further(name)) else _checkpoint(name)


CHILDREN = frozenset(name.strip() for name in PEOPLE.weights)
"""The eight names that many documents share; any other name is an invented one."""


def tokens_of(prompt: str, name: str | None = None) -> tuple[int, ...]:
    """The prompt as a model gets it: the token that starts every document (if it has any), then the prompt's tokens.

    For the storyteller, a name that the text introduces is written in pieces, as in the corpus
    (`corpus.names.in_pieces`).
    """
    name = name or in_use()
    words = tokenizer(name)
    text = prompt if _further(name) else names.in_pieces(prompt, CHILDREN)[0]
    return (*words.start, *words.encode(text))


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


def names_of(tokens: tuple[int, ...], name: str | None = None) -> list[str]:
    """Each token as the pages write it, whitespace and bytes made visible."""
    words = tokenizer(name)
    return [words.display(t) for t in tokens]


def trace(tokens: tuple[int, ...], name: str | None = None, interventions: tuple = ()) -> Trace:
    """The full record of one forward pass, kept for the last few prompts.

    Of a large vocabulary, logits of the last column only: `explainer.kernel.model.logits_at` makes those of any other.
    """
    with using(name or in_use()):
        return _trace(tokens, interventions)


@per_model(24)
def _trace(tokens: tuple[int, ...], interventions: tuple) -> Trace:
    m = model()
    return forward(m.params, tokens, m.config, interventions)

"""A vocabulary in which every token has a name that somebody gave it, and the models that speak it."""

from __future__ import annotations

from collections.abc import Sequence

from explainer.kernel.model import Model
from explainer.kernel.tokenizer import Tokenizer
from explainer.models import lab
from explainer.models.loaded import Loaded


class NamedTokens(Tokenizer):
    """Tokens that are names: nothing is cut, a text is a list of them.

    names: by id; end: the id of the one that begins and ends texts, -1 if none does
    """

    start = ()

    def __init__(self, names: Sequence[str], end: int = -1) -> None:
        self._names, self.end_id = tuple(names), end

    @property
    def n_vocab(self) -> int:
        """Number of tokens."""
        return len(self._names)

    def encode(self, text: str) -> list[int]:
        """The tokens of names with a line for each. Raises ValueError for what is none of them."""
        return [self._names.index(name) for name in text.splitlines()]

    def token_bytes(self, token: int) -> bytes:
        """A token as a word of its own: its name, with a space before it."""
        return f" {self._names[token]}".encode()

    def display(self, token: int) -> str:
        """Its name."""
        return self._names[token]


def on_the_bench(name: str, model: Model, names: Sequence[str], end: int = -1) -> str:
    """Put such a model beside the storyteller (`lab.put`), so that whatever works on a trace works on its. The name."""
    return lab.put(name, Loaded(model, NamedTokens(names, end)))

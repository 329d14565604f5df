"""A model whose weights are read when they are first asked for: a snapshot has its sizes, but not its weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from explainer.kernel import checkpoint
from explainer.kernel.model import Model
from explainer.models import lab


class Weights(Mapping[str, Any]):
    """name -> array, as `Model.params`; the first question reads the file, and gives the arrays to the model itself.

    Raises explainer.kernel.checkpoint.CheckpointError then, if the file is missing or damaged.
    """

    def __init__(self, model: Model):
        self.model = model

    def read(self) -> Mapping[str, Any]:
        params = checkpoint.load(self.model.name).params
        object.__setattr__(self.model, "params", params)
        return params

    def __getitem__(self, name: str) -> Any:
        return self.read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.read())

    def __len__(self) -> int:
        return len(self.read())


def put_off() -> None:
    """Let go of the weights of the model that every page runs, which are in memory, until they are asked for."""
    model = lab.model()
    object.__setattr__(model, "params", Weights(model))
    checkpoint.load.cache_clear()

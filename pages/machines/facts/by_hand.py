"""Weights written by hand, number by number, and the loop that runs them: the most likely token, always."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explainer.architectures.hand_made import NEVER, HandMadeConfig
from explainer.kernel import cache
from explainer.kernel.model import Model
from explainer.kernel.trace import Trace, lock

Array = np.ndarray
Entries = Mapping[str, Mapping[tuple[Any, ...], float]]


@dataclass(frozen=True, eq=False)
class Machine:
    """A model whose weights a person wrote, and what its coordinates are called.

    model:  an ordinary checkpoint: sizes and weights
    names:  letter of an axis -> the name of each of its places; of the axes that have names
    """

    model: Model
    names: Mapping[str, tuple[str, ...]]

    def token(self, name: str) -> int:
        """The id of a token. ValueError if there is none of that name."""
        return self.names["V"].index(name)

    def nonzero(self, weight: str) -> list[tuple[tuple[Any, ...], float]]:
        """The numbers of a weight that are not 0, each with the names of its row and column."""
        axes = self.model.config.parameter_axes[weight].split()
        array = self.model.params[weight]
        return [
            (tuple(self.names[a][i] if a in self.names else i for a, i in zip(axes, at, strict=True)), float(array[at]))
            for at in zip(*(found.tolist() for found in np.nonzero(array)), strict=True)
        ]


def written(config: HandMadeConfig, names: Mapping[str, Sequence[str]], entries: Entries, name: str) -> Machine:
    """A machine from the numbers of its weights that are not 0.

    entries: weight -> {(place along each axis, by name or count): number}; a weight that is not named is all zeros.
    Raises ValueError for a weight that there is not, or a name that no axis has.
    """
    if strange := set(entries) - set(config.parameter_shapes):
        raise ValueError(f"there is no weight {min(strange)}")
    places = {axis: {n: i for i, n in enumerate(given)} for axis, given in names.items()}
    params = {}
    for weight, shape in config.parameter_shapes.items():
        array = np.zeros(shape, np.float32)
        axes = config.parameter_axes[weight].split()
        for at, value in entries.get(weight, {}).items():
            try:
                array[tuple(places[a][p] if isinstance(p, str) else p for a, p in zip(axes, at, strict=True))] = value
            except KeyError as unknown:
                raise ValueError(f"{weight} has no {unknown}") from None
        params[weight] = lock(array)
    return Machine(Model(config, params, name), {axis: tuple(given) for axis, given in names.items()})


def token_by_token(model: Model, tokens: Sequence[int], most: int, stops: Sequence[int] = ()) -> list[int]:
    """The loop of every text that is written: read, take the most likely token, write it, read again.

    returns: what is written behind `tokens`: `most` of them, or fewer if one of `stops` is written (it is the last)
    """
    passed = cache.KVCache.empty(model.config)
    for token in tokens:
        step = cache.step(model.params, passed, token)
        passed = step.cache
    found: list[int] = []
    while len(found) < most:
        found.append(int(step.logits.argmax()))
        if found[-1] in stops:
            break
        step = cache.step(model.params, passed, found[-1])
        passed = step.cache
    return found


def by_guessing(model: Model, tokens: Sequence[int], count: int, reach: int, ahead: int) -> tuple[list[int], Array]:
    """The same text in fewer passes: guess many tokens, check them all in one pass, keep what the model agrees with.

    A pass says at every place what the model writes next. What agrees with the guess up to some place is what it would
    have written token by token; one token more is its own; and what it said behind that is the next guess.

    reach: how far back the model reads; what is further back is not given to it again
    ahead: how many tokens are guessed at once
    returns: the `count` tokens written, and the last residual vector at each place that wrote one, [count, D]
    Source: Leviathan et al. 2023 (guess and check); Santilli et al. 2023 (the guess is the model's own)
    """
    text = list(tokens)
    streams: list[Array] = []
    guess, own = [0] * ahead, False
    end = len(tokens) + count
    while len(text) < end:
        known = text[-reach:]
        trace = model.forward([*known, *guess])
        said = trace["logits"][len(known) - 1 :].argmax(axis=-1).tolist()  # one more than was guessed
        right = next((i for i, (a, b) in enumerate(zip(guess, said, strict=False)) if a != b), len(guess))
        streams.append(last_stream(trace)[len(known) - 1 : len(known) + right])
        text += said[: right + 1]
        own = right > 1 or not own  # where its own guesses are wrong all the time: what it wrote last, again
        guess = ((said[right + 1 :] if own else text[-2:]) * ahead)[:ahead] or [0] * ahead
    return text[len(tokens) : end], np.concatenate(streams)[:count]


def last_stream(trace: Trace) -> Array:
    """The residual stream behind the last layer. [T, D]"""
    return trace[f"blocks.{trace.config.n_layers - 1}.resid_post"]


def count(machine: Machine) -> int:
    """How many numbers of a machine are neither 0 nor the bias of a distance that is not read."""
    return sum(int(((array != 0) & (array != NEVER)).sum()) for array in machine.model.params.values())

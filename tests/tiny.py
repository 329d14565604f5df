"""What tests need and no reader does: a small untrained model, interventions from words, a loss over a few texts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from explainer.kernel.config import Config
from explainer.kernel.interventions import (
    Edit,
    HeadOff,
    LayersAbove,
    NoMask,
    NoPositions,
    NoScaling,
    Replacement,
    UniformAttention,
    place,
)
from explainer.kernel.model import forward
from explainer.kernel.ops import cross_entropy

Array = np.ndarray


def random_params(config: Config, seed: int = 0) -> Mapping[str, Array]:
    """Untrained weights of realistic size, the same for the same seed.

    returns: name -> float32 array, read-only
    """
    rng = np.random.default_rng(seed)
    params = {}
    for key, shape in config.parameter_shapes.items():
        noise = rng.standard_normal(shape)
        leaf = key.rsplit(".", 1)[-1]
        if leaf == "w":  # LayerNorm's stretch
            value = 1 + 0.1 * noise
        elif leaf.startswith("b"):
            value = 0.1 * noise
        elif leaf in ("W_E", "W_pos"):
            value = 0.5 * noise
        else:
            value = noise / math.sqrt(shape[-2])  # keeps the spread of what goes through it
        params[key] = value.astype(np.float32)
        params[key].flags.writeable = False
    return MappingProxyType(params)


@dataclass(frozen=True)
class Zero(Replacement):
    """Any record, or one position or head of it, becomes 0."""

    key: str
    position: int | None = None
    at_head: int | None = None

    def target(self) -> tuple[str, int | None, int | None]:
        return self.key, self.position, self.at_head

    def __str__(self) -> str:
        return f"zero {place(self.key, self.position, self.at_head)}"


FORMS = (
    (r"head (\d+)\.(\d+) off", lambda layer, head: HeadOff(int(layer), int(head))),
    (r"uniform attention", lambda: UniformAttention()),
    (r"uniform attention in layer (\d+)", lambda layer: UniformAttention(int(layer))),
    (r"uniform attention in head (\d+)\.(\d+)", lambda layer, head: UniformAttention(int(layer), int(head))),
    (r"no sqrt\(d\)", lambda: NoScaling()),
    (r"no causal mask", lambda: NoMask()),
    (r"no positions", lambda: NoPositions()),
    (r"layers above (\d+) removed", lambda layer: LayersAbove(int(layer))),
    (r"all layers removed", lambda: LayersAbove(-1)),
    (r"zero ([\w.]+)(?: head (\d+))?(?: at (\d+))?", lambda key, head, at: Zero(key, whole(at), whole(head))),
)


def whole(text: str | None) -> int | None:
    """The number in a text, or None if there is no text."""
    return None if text is None else int(text)


def parse(text: str, config: Config | None = None) -> tuple[Edit, ...]:
    """Read interventions from words, separated by semicolons: 'head 1.2 off; no sqrt(d)'. Nothing gives ().

    config: if given, layers and heads are checked against it
    Raises ValueError that quotes what was not understood.
    """
    found = []
    for words in text.split(";"):
        words = " ".join(words.split())
        if words:
            found.append(parse_one(words))
    for intervention in found:
        if config is not None:
            intervention.check(config)
    return tuple(found)


def parse_one(words: str) -> Edit:
    """One intervention from its words. Raises ValueError."""
    for pattern, make in FORMS:
        match = re.fullmatch(pattern, words, flags=re.IGNORECASE)
        if match:
            return make(*match.groups())
    raise ValueError(f"not understood: {words!r}")


@dataclass(frozen=True)
class Evaluation:
    """How well the next token is predicted on held-out texts.

    cross_entropy: nats per token; smaller is better; ln(n_vocab) is no idea
    accuracy:      how often the most likely token was the right one, 0 to 1
    n_tokens:      how many predictions that is
    """

    cross_entropy: float
    accuracy: float
    n_tokens: int


def evaluate(
    params: Mapping[str, Array],
    config: Config,
    documents: Iterable[Sequence[int]],
    interventions: Sequence[Edit] = (),
) -> Evaluation:
    """Cross-entropy and top-1 accuracy of every next token of the documents, under these interventions.

    documents: lists of token ids; only the first n_ctx of each are used
    Raises ValueError if there is no document with at least two tokens.
    """
    texts = [list(document[: config.n_ctx]) for document in documents if len(document) > 1]
    if not texts:
        raise ValueError("an evaluation needs at least one text of two tokens")
    loss, right, n_tokens = 0.0, 0, 0
    for text in texts:
        logits = forward(params, text, config, interventions)["logits"][:-1]  # the last has no next token
        targets = np.asarray(text[1:])
        loss += float(cross_entropy(logits, targets).sum(dtype=np.float64))
        right += int((logits.argmax(axis=-1) == targets).sum())
        n_tokens += len(targets)
    return Evaluation(loss / n_tokens, right / n_tokens, n_tokens)

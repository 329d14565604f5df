"""Take something out, or put something else in, and see what it was good for.

An intervention is a small frozen statement ("head 1.2 off") that `forward` applies to the records that it concerns,
while they are made: everything after them sees the change, nothing before them does. Several compose; on the same
record they apply in order. `str` gives the words.

What it does to one prediction: `compare`. Layers, heads and positions count from 0. Nothing here changes a weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from explainer.kernel.config import Config
from explainer.kernel.model import forward, logits_at, plan
from explainer.kernel.ops import kl_divergence, softmax
from explainer.kernel.trace import Trace

Array = np.ndarray


class Edit:
    """What all interventions share."""

    @property
    def causal(self) -> bool:
        """Whether a column stays what it is when more tokens come, so that its keys and values may be kept."""
        return True

    def check(self, config: Config) -> None:
        """Raise ValueError if this model has no such layer or head."""
        layer, head = getattr(self, "layer", None), getattr(self, "head", None)
        if layer is not None and not 0 <= layer < config.n_layers:
            raise ValueError(f"'{self}': this model's layers are 0 to {config.n_layers - 1}")
        if head is not None and not 0 <= head < config.n_heads:
            raise ValueError(f"'{self}': this model's heads are 0 to {config.n_heads - 1}")

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        """The record as it is to be; the same object if it is not concerned."""
        raise NotImplementedError

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        """The gradient of what `apply` was given: by default none, as it was replaced."""
        return np.zeros_like(grad)


# ---------------------------------------------------------------- other wiring


@dataclass(frozen=True)
class NoScaling(Edit):
    """Do not divide the scores by sqrt(d): softmax gets larger ones and picks more sharply."""

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        return trace[key.replace("_scaled", "_raw")] if key.endswith("attn_scores_scaled") else value

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        return grad * trace.config.d_head**0.5  # what came out is sqrt(d) times what would have

    def __str__(self) -> str:
        return "no sqrt(d)"


@dataclass(frozen=True)
class NoMask(Edit):
    """Let every token look at later ones too. The model never saw that in training."""

    @property
    def causal(self) -> bool:
        return False

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        if not key.endswith(".attn_scores"):
            return value
        scaled = trace[key + "_scaled"]
        return np.where(np.isfinite(value), value, scaled)

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        return grad

    def __str__(self) -> str:
        return "no causal mask"


Edge = tuple[int, int, int, int]
"""(layer, head, query, key): that one head of a layer lets one token read another."""


def all_heads(config: Config, layers: Iterable[int], query: int, key: int) -> frozenset[Edge]:
    """The edges of all heads of some layers between two tokens."""
    return frozenset((layer, head, query, key) for layer in layers for head in range(config.n_heads))


@dataclass(frozen=True)
class NoEdges(Edit):
    """These heads may not let these tokens read those: the other weights of such a row grow to sum to 1.

    Source: attention knockout (Geva et al. 2023, Dissecting Recall of Factual Associations), of single heads
    """

    edges: frozenset[Edge]

    @property
    def causal(self) -> bool:
        return False  # positions count from the first column of a pass

    def check(self, config: Config) -> None:
        for edge in self.edges:
            layer, head, query, key = edge
            if not (0 <= layer < config.n_layers and 0 <= head < config.n_heads and 0 <= key < query < config.n_ctx):
                raise ValueError(f"there is no edge {edge}: a token looks back, in one head of one layer")

    def _with(self, key: str, value: Array, put: float) -> Array:
        """An array of scores [H, T, S] with `put` at these edges; the same object if none of them is in it."""
        if not key.endswith(".attn_scores"):
            return value
        layer = int(key.split(".")[1])
        mine = [(h, t, s) for i, h, t, s in self.edges if i == layer and t < value.shape[1]]
        if not mine:
            return value
        changed = np.array(value)
        changed[tuple(np.array(mine).T)] = put
        return changed

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        return self._with(key, value, -np.inf)

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        return self._with(key, grad, 0.0)

    def __str__(self) -> str:
        return "without " + ", ".join(".".join(map(str, edge)) for edge in sorted(self.edges))


@dataclass(frozen=True)
class NoPositions(Edit):
    """Leave the position vectors out, or the angles by which queries and keys are turned: whatever says the place.

    What is left of order comes from the causal mask.
    """

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        return np.zeros_like(value) if key in ("pos_embed", "rotary_angle") else value

    def __str__(self) -> str:
        return "no positions"


@dataclass(frozen=True)
class UniformAttention(Edit):
    """Read all allowed tokens equally, whatever queries and keys say: everywhere, in one layer, or one head."""

    layer: int | None = None
    head: int | None = None

    def __post_init__(self) -> None:
        if self.head is not None and self.layer is None:
            raise ValueError("say in which layer the head is")

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        if not key.endswith(".attn.pattern") or not concerns(key, self.layer):
            return value
        allowed = np.isfinite(trace[key.replace("pattern", "attn_scores")])  # [H, T, S]
        uniform = (allowed / allowed.sum(axis=-1, keepdims=True)).astype(value.dtype)
        if self.head is None:
            return uniform
        changed = value.copy()
        changed[self.head] = uniform[self.head]
        return changed

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        kept = np.zeros_like(grad)
        if self.head is not None:
            kept[...] = grad
            kept[self.head] = 0
        return kept

    def __str__(self) -> str:
        if self.layer is None:
            return "uniform attention"
        return "uniform attention in " + (
            f"layer {self.layer}" if self.head is None else f"head {self.layer}.{self.head}"
        )


@dataclass(frozen=True)
class LayersAbove(Edit):
    """Keep layers 0 to `layer`; the ones above write nothing. (-1 removes them all.)"""

    layer: int

    def check(self, config: Config) -> None:
        if not -1 <= self.layer < config.n_layers:
            raise ValueError(f"'{self}': this model's layers are 0 to {config.n_layers - 1}")

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        if not key.endswith((".attn_out", ".mlp_out")) or int(key.split(".")[1]) <= self.layer:
            return value
        return np.zeros_like(value)

    def __str__(self) -> str:
        return "all layers removed" if self.layer == -1 else f"layers above {self.layer} removed"


def concerns(key: str, layer: int | None) -> bool:
    """Whether a record belongs to this layer (None: to any)."""
    return layer is None or key.startswith(f"blocks.{layer}.")


# ---------------------------------------------------------------- replaced activations


@dataclass(frozen=True)
class Replacement(Edit):
    """Overwrite a record, or one position or head of it, with zeros, or with given numbers."""

    def target(self) -> tuple[str, int | None, int | None]:
        """(record, position, head); None means all of them."""
        raise NotImplementedError

    def new_value(self, old: Array) -> Array:
        """What to put in place of `old`, the part concerned."""
        return np.zeros_like(old)

    def check(self, config: Config) -> None:
        super().check(config)
        key, position, head = self.target()
        records = plan(config)
        if key not in records or records[key].function is None:
            raise ValueError(f"'{self}': there is no record {key!r} that could be replaced")
        axes = records[key].axes.split()
        heads = {"H": config.n_heads, "G": config.kv_heads}.get(axes[head_axis(key)], 0) if len(axes) > 2 else 0
        if head is not None and not 0 <= head < heads:
            raise ValueError(f"'{self}': {key} has no head {head}")
        if position is not None and axes[0] == "A":
            raise ValueError(f"'{self}': {key} has the asked columns only")
        if position is not None and not 0 <= position < config.n_ctx:
            raise ValueError(f"'{self}': positions are 0 to {config.n_ctx - 1}")

    @property
    def causal(self) -> bool:
        return self.target()[1] is None  # positions count from the first column of a pass

    def part(self, key: str, shape: tuple[int, ...]) -> tuple[int | slice, ...] | None:
        """Where in the record the replacement goes; None if this text has no such position."""
        _, position, head = self.target()
        where: list[int | slice] = [slice(None)] * len(shape)
        if head is not None:
            where[head_axis(key)] = head
        if position is not None:
            axis = 1 if is_per_pair(key) else 0
            if position >= shape[axis]:
                return None
            where[axis] = position
        return tuple(where)

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        if key != self.target()[0]:
            return value
        part = self.part(key, value.shape)
        if part is None:
            return value
        changed = value.copy()
        changed[part] = self.new_value(changed[part])
        return changed

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        kept = np.array(grad)
        part = self.part(key, grad.shape)
        if part is not None:
            kept[part] = 0
        return kept


def is_per_pair(key: str) -> bool:
    """Whether a record is [H, T, S]: one number per head, query and key."""
    return ".attn_scores" in key or key.endswith(".pattern")


def head_axis(key: str) -> int:
    """Which axis of a record is H."""
    return 0 if is_per_pair(key) else 1


@dataclass(frozen=True)
class HeadOff(Replacement):
    """One head reads nothing: its z is 0, so it adds nothing to the residual stream."""

    layer: int
    head: int

    def target(self) -> tuple[str, int | None, int | None]:
        return f"blocks.{self.layer}.attn.z", None, self.head

    def __str__(self) -> str:
        return f"head {self.layer}.{self.head} off"


@dataclass(frozen=True)
class Patch(Replacement):
    """Put given numbers in place of a record, or of a part of it: usually those of another text."""

    key: str
    value: Array = field(compare=False, repr=False)
    position: int | None = None
    at_head: int | None = None

    @classmethod
    def of(cls, trace: Trace, key: str, position: int | None = None, head: int | None = None) -> Patch:
        """The patch that transplants a record (or part of it) from another trace."""
        patch = cls(key, np.zeros(0), position, head)
        part = patch.part(key, trace[key].shape)
        if part is None:
            raise ValueError(f"{key} has no position {position} in that text")
        return replace(patch, value=trace[key][part])

    def target(self) -> tuple[str, int | None, int | None]:
        return self.key, self.position, self.at_head

    @property
    def causal(self) -> bool:
        return False  # it has as many rows as the text from which it was taken

    def new_value(self, old: Array) -> Array:
        if self.value.shape != old.shape:
            raise ValueError(f"'{self}': the patch is {list(self.value.shape)}, its place {list(old.shape)}")
        return self.value.astype(old.dtype, copy=False)

    def __str__(self) -> str:
        return f"patch {place(self.key, self.position, self.at_head)}"


def place(key: str, position: int | None, head: int | None) -> str:
    """A record, or a part of it, in words: 'blocks.1.attn.z head 2 at 5'."""
    words = key
    if head is not None:
        words += f" head {head}"
    if position is not None:
        words += f" at {position}"
    return words


# ---------------------------------------------------------------- what it does to the model


@dataclass(frozen=True, eq=False)
class Change:
    """The distribution of the next token without and with interventions.

    before, after:   [V] probabilities, float64
    kl:              nats lost by expecting `after` where `before` is true
    total_variation: the share of probability that moved, 0 to 1
    trace_before, trace_after: the two forward passes
    """

    before: Array
    after: Array
    kl: float
    total_variation: float
    trace_before: Trace
    trace_after: Trace


def compare(
    params: Mapping[str, Array],
    config: Config,
    tokens: Sequence[int],
    interventions: Sequence[Edit],
    position: int = -1,
    first: Trace | None = None,
) -> Change:
    """What the interventions do to the prediction after one position of a text (the last by default).

    first: the pass without them, if there is one already
    """
    first = first or forward(params, tokens, config)
    second = forward(params, tokens, config, interventions)
    before = softmax(logits_at(first, params, position).astype(np.float64))
    after = softmax(logits_at(second, params, position).astype(np.float64))
    kl = float(kl_divergence(before, after))
    return Change(before, after, max(kl, 0.0), float(np.abs(before - after).sum() / 2), first, second)

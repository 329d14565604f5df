"""The KV cache: what need not be computed again when one more token is written, and how much work that saves.

A new token can read every earlier one, but no earlier one can read it: the causal mask. So the earlier
columns are exactly what they were, and of them only the keys and values are ever looked at again. Keep those,
and a step has one column to compute instead of all of them.

It ends when the context is full. Then the oldest token has to go, every other token moves one place to the
left, and each place has its own learned position vector: all columns change, and all have to be computed
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from explainer.kernel.config import Config
from explainer.kernel.model import dot_products, forward, head_outputs, linear, project_heads, weighted_sum
from explainer.kernel.trace import Intervention, Record, Trace

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class KVCache:
    """The keys and values of a text, at every layer. Immutable: a step returns a new one; rewinding is free.

    config: the model's sizes
    tokens: the text
    rows:   "blocks.{l}.attn.k" and "blocks.{l}.attn.v" -> [S, H, K], or whatever a later column looks at:
            the records whose first axis is S
    """

    config: Config
    tokens: tuple[int, ...]
    rows: Mapping[str, Array]

    @classmethod
    def empty(cls, config: Config) -> KVCache:
        """The cache of no text at all."""
        return cls(config, (), MappingProxyType({}))

    @classmethod
    def of(cls, trace: Trace, earlier: KVCache | None = None) -> KVCache:
        """The cache that a forward pass leaves behind. Nothing is computed: keys and values are in the trace.

        earlier: the cache with which the pass was started, if it was
        """
        rows = {key: trace[key] for key in trace if trace.axes(key).startswith("S ")}
        tokens = (earlier.tokens if earlier else ()) + trace.tokens
        if trace.start != len(tokens) - len(trace.tokens):
            raise ValueError("this trace was started from another cache")
        return cls(trace.config, tokens, MappingProxyType(rows))

    def __len__(self) -> int:
        return len(self.tokens)

    def begin(self, length: int) -> KVCache:
        """The cache of the text's first tokens: nothing in it depends on what comes later."""
        rows = {key: array[:length] for key, array in self.rows.items()}
        return KVCache(self.config, self.tokens[:length], MappingProxyType(rows))

    @property
    def full(self) -> bool:
        """Whether the next token makes the oldest one drop out of the context."""
        return len(self.tokens) >= self.config.n_ctx

    @property
    def numbers(self) -> int:
        """How many numbers are kept."""
        return sum(array.size for array in self.rows.values())

    def forged(self, other: KVCache, columns: Sequence[int], layers: Sequence[int] | None = None) -> KVCache:
        """The same text with the keys and values of another text in some columns: notes that do not belong to it.

        A later column reads keys and values, not tokens: so it can be told something that the text does not say.

        other:   the cache of a text that is at least as long, of the same model
        columns: which columns are exchanged; layers: in which layers (None: in all)
        Raises ValueError for a column that either text does not have, a layer that the model has not, or another model.
        """
        if other.config != self.config:
            raise ValueError("these are the keys and values of another model")
        there = range(min(len(self), len(other)))
        chosen = range(self.config.n_layers) if layers is None else layers
        if not set(columns) <= set(there) or not set(chosen) <= set(range(self.config.n_layers)):
            raise ValueError(f"columns are 0 to {len(there) - 1} and layers 0 to {self.config.n_layers - 1}")
        rows = dict(self.rows)
        for key in [key for layer in chosen for key in rows if key.startswith(f"blocks.{layer}.")]:
            rows[key] = rows[key].copy(order="K")  # laid out as it was: sums keep their order, and last bit
            rows[key][list(columns)] = other.rows[key][list(columns)]
            rows[key].setflags(write=False)
        return KVCache(self.config, self.tokens, MappingProxyType(rows))


@dataclass(frozen=True, eq=False)
class CachedStep:
    """One token, read with the help of the cache.

    trace:  of the columns that were computed: normally one (T = 1, S = all); all of them if the context slid
    cache:  with this token in it
    slid:   the context was full, the oldest token was dropped and everything was computed anew
    multiply_adds:          what this step cost
    multiply_adds_uncached: what it costs without a cache (all columns)
    """

    trace: Trace
    cache: KVCache
    slid: bool
    multiply_adds: int
    multiply_adds_uncached: int

    @property
    def logits(self) -> Array:
        """[V], the scores of every possible next token."""
        return self.trace["logits"][-1]


def step(
    params: Mapping[str, Array],
    cache: KVCache,
    token: int,
    interventions: Sequence[Intervention] = (),
    drop: int = 1,
) -> CachedStep:
    """Read one more token. Same functions, same wiring, same weights as the full pass: only fewer columns.

    The result equals the last column of `forward` over the whole context, to float32 rounding.
    Interventions must be the same in every step.
    drop: how many of the oldest tokens go when the context is full. With 1 the window is always as long as it can
          be and every step from then on is a full one; with more, full steps are rarer and the window shorter.
    Raises ValueError for those under which earlier columns do change: 'no causal mask', or a single position.
    """
    for intervention in interventions:
        if not intervention.causal:
            raise ValueError(f"under '{intervention}' earlier columns change, so they cannot be kept")
    config = cache.config
    if cache.full:
        context = slide(cache.tokens, token, config.n_ctx, drop)
        trace = forward(params, context, config, interventions)
        kept = KVCache.of(trace)
    else:
        trace = forward(params, [token], config, interventions, past=cache.rows)
        kept = KVCache.of(trace, cache)
    return CachedStep(
        trace,
        kept,
        cache.full,
        multiply_adds(config, len(trace.tokens), len(kept)),
        multiply_adds(config, len(kept), len(kept)),
    )


def slide(context: tuple[int, ...], token: int, n_ctx: int, drop: int = 1) -> tuple[int, ...]:
    """The context with one more token; if it was full, without its `drop` oldest ones. Raises ValueError."""
    if not 1 <= drop <= n_ctx:
        raise ValueError(f"from a full context 1 to {n_ctx} tokens can be dropped, not {drop}")
    return (*(context[drop:] if len(context) >= n_ctx else context), token)


# ---------------------------------------------------------------- counting

# Only the multiply-adds of matrix products are counted: they are what grows with the model and the text.
# Scores of masked pairs are counted too, because they are computed before they are masked.


def multiply_adds_by_kind(config: Config, new: int, total: int, scored: int | None = None) -> dict[str, int]:
    """The formula: multiply-adds of a pass that computes the `new` last columns of a text of `total` tokens.

    scored: how many of these columns are turned into logits. None: as many as our own passes turn: all, of a wide
            vocabulary one. One draw needs 1.
    returns: what for -> how many
    """
    heads, shared = config.n_heads * config.d_head, config.kv_heads * config.d_head
    per_layer = {
        "queries, keys, values": new * config.d_model * (heads + 2 * shared),
        "scores": new * total * heads,
        "weighted sums": new * total * heads,
        "output of heads": new * heads * config.d_model,
        "MLP": config.mlp_matrices * new * config.d_model * config.d_mlp,
    }
    counts = {kind: config.n_layers * number for kind, number in per_layer.items()}
    if scored is None:
        scored = 1 if config.wide else new
    return counts | {"unembedding": scored * config.d_model * config.n_vocab}


def multiply_adds(config: Config, new: int, total: int, scored: int | None = None) -> int:
    """The formula, summed: multiply-adds of a pass that computes the `new` last of `total` columns."""
    return sum(multiply_adds_by_kind(config, new, total, scored).values())


KINDS: dict[Callable[..., Array] | None, str] = {
    project_heads: "queries, keys, values",
    dot_products: "scores",
    weighted_sum: "weighted sums",
    head_outputs: "output of heads",
    linear: "MLP",  # and the unembedding, by its key
}


def count(trace: Trace) -> dict[str, int]:
    """The count: multiply-adds of the matrix products that were really made, from the arrays of the trace.

    returns: what for -> how many, in the words of `multiply_adds_by_kind`
    """
    counts: dict[str, int] = {}
    for key in trace:
        record = trace.record(key)
        number = products(trace, record)
        if number:
            kind = "unembedding" if key == "logits" else KINDS[record.function]
            counts[kind] = counts.get(kind, 0) + number
    return counts


def products(trace: Trace, record: Record) -> int:
    """Multiply-adds of the matrix product that made one record; 0 if none did.

    Each number of the result is a sum of as many products as the axis that is summed over is long.
    """
    if record.function not in KINDS:
        return 0
    first = trace[record.inputs[0]]
    if KINDS[record.function] == "queries, keys, values":  # first is [T, D]; the cache had the other S - T rows
        rows, summed = first.shape
        return rows * record.value[0].size * summed
    return record.value.size * first.shape[-1]  # in all others it is the last axis that is summed over

"""A transformer, from the first token to the last logit, in the order in which it happens.

Read this file from top to bottom and you have read the whole architecture. First comes the arithmetic (1 to 4): small
functions from arrays to arrays, each of which can be called by itself. Then comes the wiring (5): which function is fed
with what. `forward` runs it, and keeps every number that appears on the way.

    tokens -> embed + pos_embed
           -> [ LayerNorm -> attention -> add;  LayerNorm -> MLP -> add ]  once per layer
           -> LayerNorm -> unembed -> logits

A token's vector is its column of the residual stream. Attention is the only place where columns look at each other;
LayerNorm, MLP and unembedding treat each by itself, all in the same way.

Shapes are written [T, D] with the letters of the glossary in trace.py: T query position, S key position,
H head, K head width, D residual width, F MLP width, V vocabulary. There is no batch axis: one text at a time.

Sources: Vaswani et al. 2017 (attention); Radford et al. 2019 (decoder-only, LayerNorm before each sub-layer);
the names of the intermediates are TransformerLens's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType

import numpy as np

from explainer.kernel.config import Config
from explainer.kernel.ops import gelu, softmax
from explainer.kernel.trace import Intervention, Planner, Record, Recorder, Trace

Array = np.ndarray


# ---------------------------------------------------------------- 1. Into the residual stream


def embed_tokens(tokens: Array, W_E: Array) -> Array:
    """Look up each token's vector. From here on, a token is a point in space.

    tokens:  [T], ids
    W_E:     [V, D], one learned row per token of the vocabulary
    returns: [T, D]
    """
    return W_E[tokens]


def embed_positions(positions: Array, W_pos: Array) -> Array:
    """Look up each place's vector. Without it, attention would see a bag of tokens, in no order.

    (Not quite: the causal mask still lets a token know how many it may look at.)

    positions: [T], 0 for the first token of the context
    W_pos:     [P, D], one learned row per place
    returns:   [T, D]
    """
    return W_pos[positions]


def add(stream: Array, update: Array) -> Array:
    """Write to the residual stream: nothing is replaced, everything is added.

    stream, update: [T, D]; returns: [T, D]
    """
    return stream + update


def carry(stream: Array) -> Array:
    """Hand the residual stream on to the next block, unchanged. [T, D] -> [T, D]"""
    return stream


# ---------------------------------------------------------------- 2. LayerNorm: what each sub-layer reads


def row_mean(x: Array) -> Array:
    """The mean of each token's vector. [T, D] -> [T]"""
    return x.sum(axis=-1) / x.shape[-1]


def row_scale(x: Array, mean: Array, eps: float) -> Array:
    """The spread of each token's vector around its mean: its standard deviation, kept away from 0 by eps.

    x: [T, D], mean: [T]; returns: [T]
    """
    centred = x - mean[:, None]  # [T, D]
    variance = (centred * centred).sum(axis=-1) / x.shape[-1]  # [T]
    return np.sqrt(variance + eps)


def normalize(x: Array, mean: Array, scale: Array, w: Array, b: Array) -> Array:
    """LayerNorm: bring every token's vector to mean 0 and spread 1, then stretch (w) and shift (b) it.

    x: [T, D], mean: [T], scale: [T], w: [D], b: [D]; returns: [T, D]
    Once the scale is known this is linear in x: that is why contributions to a logit can be added up exactly.
    Source: Ba et al. 2016
    """
    return (x - mean[:, None]) / scale[:, None] * w + b


# ---------------------------------------------------------------- 3. Attention: tokens read from each other


def project_heads(x: Array, W: Array, b: Array) -> Array:
    """Each head takes its own small view of each token. With W_Q: what am I looking for (query)?
    With W_K: what do I offer to be found by (key)? With W_V: what do I hand over when found (value)?

    x:       [T, D], the normalised residual stream
    W:       [H, D, K], b: [H, K]
    returns: [T, H, K]
    """
    per_head = x @ W  # [T, D] @ [H, D, K] -> [H, T, K]
    return per_head.transpose(1, 0, 2) + b  # [T, H, K]


def dot_products(q: Array, k: Array) -> Array:
    """Compare every query with every key: large where they point the same way.

    q: [T, H, K], k: [S, H, K]; returns: [H, T, S]
    Source: Vaswani et al. 2017, section 3.2.1: the QK^T of eq. (1)
    """
    return q.transpose(1, 0, 2) @ k.transpose(1, 2, 0)  # [H, T, K] @ [H, K, S] -> [H, T, S]


def scale_scores(scores: Array, d_head: int) -> Array:
    """Divide by sqrt(K): a dot product of K unit-sized terms has spread sqrt(K), and softmax would saturate.

    scores: [H, T, S]; returns: [H, T, S]
    """
    return scores / math.sqrt(d_head)


def causal_mask(scores: Array) -> Array:
    """No token may look at a later one: those scores become -inf, which softmax turns into exactly 0.

    scores: [H, T, S], where the T queries are the last T of the S positions; returns: [H, T, S]
    """
    n_queries, n_keys = scores.shape[1:]
    earlier = n_keys - n_queries  # how many positions come before the first query (a KV cache's)
    allowed = np.tri(n_queries, n_keys, k=earlier, dtype=bool)  # [T, S], True unless S is after T
    return np.where(allowed, scores, -np.inf)


def attention_pattern(scores: Array) -> Array:
    """Turn scores into the weights that each query spreads over the keys.

    scores:  [H, T, S], dimensionless; masked entries are -inf
    returns: [H, T, S]; each row sums to 1 over S
    Source: Vaswani et al. 2017, section 3.2.1, eq. (1)
    """
    return softmax(scores)


def weighted_sum(pattern: Array, v: Array) -> Array:
    """What each head has read: the values of all tokens, mixed in the proportions of the pattern.

    pattern: [H, T, S], v: [S, H, K]; returns: [T, H, K], called z
    """
    z = pattern @ v.transpose(1, 0, 2)  # [H, T, S] @ [H, S, K] -> [H, T, K]
    return z.transpose(1, 0, 2)  # [T, H, K]


def head_outputs(z: Array, W_O: Array) -> Array:
    """Translate what each head has read back into the language of the residual stream.

    z: [T, H, K], W_O: [H, K, D]; returns: [T, H, D], one vector per token and head
    The original paper lays the heads side by side, [T, H K], and multiplies once by a matrix [H K, D]. That is the
    same as giving each head its K rows of the matrix and adding up, and so each head's own part can be seen.
    Source: Vaswani et al. 2017, section 3.2.2; Elhage et al. 2021 (the sum over heads)
    """
    result = z.transpose(1, 0, 2) @ W_O  # [H, T, K] @ [H, K, D] -> [H, T, D]
    return result.transpose(1, 0, 2)  # [T, H, D]


def sum_heads(result: Array, b_O: Array) -> Array:
    """Heads work side by side and their outputs are simply added. [T, H, D], [D] -> [T, D]"""
    return result.sum(axis=1) + b_O


# ---------------------------------------------------------------- 4. MLP and unembedding: one token at a time


def linear(x: Array, W: Array, b: Array) -> Array:
    """A matrix, the same for every token and whatever the text says.

    In the MLP it widens [T, D] -> [T, F] and narrows back [T, F] -> [T, D], with `gelu` between the two: without
    that bend, two matrices in a row would be no more than one. At the very end it compares each token's vector with
    every token of the vocabulary: [T, D] -> [T, V], the logits.
    """
    return x @ W + b


def take_rows(x: Array, asked: Array) -> Array:
    """Only the columns that are asked what comes next. [T, D], [A] -> [A, D]"""
    return x[asked]


# ---------------------------------------------------------------- 5. The wiring
# compute(name, function, axes, inputs, weights) calls the function with the records and weights of these names, checks
# that the result has these axes, records it, and returns its name. Names are handed on here, not arrays: that is how
# every number on the site knows what it was made from.


def embed(compute: Recorder) -> str:
    """Tokens and places become the first residual stream."""
    token = compute("embed", embed_tokens, "T D", ("tokens",), ("embed.W_E",))
    place = compute("pos_embed", embed_positions, "T D", ("positions",), ("pos_embed.W_pos",))
    return compute("blocks.0.resid_pre", add, "T D", (token, place))


def layer_norm(compute: Recorder, ln: str, x: str) -> str:
    """What a sub-layer reads: the residual stream, normalised token by token."""
    mean = compute(f"{ln}.mean", row_mean, "T", (x,))
    scale = compute(f"{ln}.scale", row_scale, "T", (x, mean), eps=compute.config.eps)
    return compute(f"{ln}.normalized", normalize, "T D", (x, mean, scale), (f"{ln}.w", f"{ln}.b"))


def attention(compute: Recorder, block: str, x: str) -> str:
    """Every token looks back at all earlier ones and at itself, through all heads at once."""
    at = f"{block}.attn"
    q = compute(f"{at}.q", project_heads, "T H K", (x,), (f"{at}.W_Q", f"{at}.b_Q"))
    k = compute(f"{at}.k", project_heads, "S H K", (x,), (f"{at}.W_K", f"{at}.b_K"))
    v = compute(f"{at}.v", project_heads, "S H K", (x,), (f"{at}.W_V", f"{at}.b_V"))
    raw = compute(f"{at}.attn_scores_raw", dot_products, "H T S", (q, k))
    scaled = compute(f"{at}.attn_scores_scaled", scale_scores, "H T S", (raw,), d_head=compute.config.d_head)
    scores = compute(f"{at}.attn_scores", causal_mask, "H T S", (scaled,))
    pattern = compute(f"{at}.pattern", attention_pattern, "H T S", (scores,))
    z = compute(f"{at}.z", weighted_sum, "T H K", (pattern, v))
    result = compute(f"{at}.result", head_outputs, "T H D", (z,), (f"{at}.W_O",))
    return compute(f"{block}.attn_out", sum_heads, "T D", (result,), (f"{at}.b_O",))


def mlp(compute: Recorder, block: str, x: str) -> str:
    """Every token thinks by itself: widen, switch, narrow."""
    at = f"{block}.mlp"
    pre = compute(f"{at}.pre", linear, "T F", (x,), (f"{at}.W_in", f"{at}.b_in"))
    post = compute(f"{at}.post", gelu, "T F", (pre,))
    return compute(f"{block}.mlp_out", linear, "T D", (post,), (f"{at}.W_out", f"{at}.b_out"))


def transformer_block(compute: Recorder, layer: int, stream: str) -> str:
    """Read from the stream, attend, add; read again, think, add."""
    block = f"blocks.{layer}"
    if layer > 0:
        stream = compute(f"{block}.resid_pre", carry, "T D", (stream,))
    attended = attention(compute, block, layer_norm(compute, f"{block}.ln1", stream))
    stream = compute(f"{block}.resid_mid", add, "T D", (stream, attended))
    thought = mlp(compute, block, layer_norm(compute, f"{block}.ln2", stream))
    return compute(f"{block}.resid_post", add, "T D", (stream, thought))


def unembed(compute: Recorder, stream: str) -> str:
    """One score per token of the vocabulary, at each position: how well it would continue the text up to there.

    These are the logits. Softmax makes shares of them, a draw makes a token (sampling.py): neither is the model's.
    """
    x, axes = asked_columns(compute, layer_norm(compute, "ln_final", stream))
    return compute("logits", linear, axes, (x,), ("unembed.W_U", "unembed.b_U"))


def asked_columns(compute: Recorder, x: str) -> tuple[str, str]:
    """What is unembedded, and the axes of the logits: all columns, or those that were asked for."""
    if not compute.asks:
        return x, "T V"
    return compute("ln_final.asked", take_rows, "A D", (x, "asked")), "A V"


def transformer(compute: Recorder) -> str:
    """The whole architecture: embed, one block after the other, unembed."""
    stream = embed(compute)
    for layer in range(compute.config.n_layers):
        stream = transformer_block(compute, layer, stream)
    return unembed(compute, stream)


WIRINGS: dict[type[Config], Callable[[Recorder], str]] = {Config: transformer}
"""Which wiring a config stands for, by its class. The files of explainer/architectures add theirs."""


def forward(
    params: Mapping[str, Array],
    tokens: Sequence[int] | Array,
    config: Config,
    interventions: Sequence[Intervention] = (),
    past: Mapping[str, Array] | None = None,
    asked: Sequence[int] | None = None,
) -> Trace:
    """Run the transformer once over a text and keep everything. There is no other forward pass.

    params:        name -> weight, as listed by config.parameter_shapes
    tokens:        [T] ids, from 1 to n_ctx of them
    interventions: changes to make on the way (interventions.py)
    past:          keys and values of earlier tokens, if they were kept (cache.py): only new columns are run
    asked:         at which columns of this pass logits are wanted (then they are [A, V]; `logits_at` finds its way).
                   None: at all, [T, V]; of a wide vocabulary at the last alone, because all would be megabytes
    returns:       a Trace; its last record, "logits", scores every possible next token at each place

    Raises ValueError for no tokens, an unknown token or too many tokens, TypeError for a text.
    """
    if asked is None and config.wide:
        asked = (-1,)
    compute = Recorder(params, tokens, config, interventions, past, asked)
    WIRINGS[type(config)](compute)
    return compute.trace()


@lru_cache(maxsize=16)
def plan(config: Config) -> Mapping[str, Record]:
    """What `forward` would record for this config, without running it: names, axes, functions and inputs.

    returns: key -> Record (with an empty value), in the order of the trace
    """
    compute = Planner(config)
    WIRINGS[type(config)](compute)
    return MappingProxyType(compute.records)


# ---------------------------------------------------------------- 6. A model, and two ways to read its stream


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    """Sizes and weights together: all there is to a model.

    config: its sizes
    params: name -> float32 array, read-only
    name:   of its checkpoint, if it has one
    metadata: what else the checkpoint says about itself (seed, steps, losses), as strings
    """

    config: Config
    params: Mapping[str, Array]
    name: str = ""
    metadata: Mapping[str, str] | None = None

    def forward(
        self,
        tokens: Sequence[int] | Array,
        interventions: Sequence[Intervention] = (),
        asked: Sequence[int] | None = None,
    ) -> Trace:
        """`forward` with this model's weights."""
        return forward(self.params, tokens, self.config, interventions, asked=asked)

    @cached_property
    def n_params(self) -> int:
        """How many numbers training had to find."""
        return self.config.n_params

    def __repr__(self) -> str:
        c = self.config
        return (
            f"{self.name or 'model'}: {c.n_layers} layers x {c.n_heads} heads, residual width {c.d_model}, "
            f"head width {c.d_head}, MLP width {c.d_mlp}, {c.n_vocab} tokens, context {c.n_ctx}; {c.n_params:,} weights"
        )


@dataclass(frozen=True)
class Contribution:
    """What one component adds, by itself, to one logit.

    name:  as a reader says it: "token", "place", "head 1.2", "attention bias 1", "mlp 1", "final bias"
    key:   the record or weight that it comes from
    head:  which head of that record, or None
    value: logits
    """

    name: str
    key: str
    head: int | None
    value: float


def direct_logit_contributions(
    trace: Trace, params: Mapping[str, Array], position: int, token: int
) -> tuple[Contribution, ...]:
    """Split one logit into what each component of the model has added to it.

    The last residual vector is the sum of what the embedding, every head and every MLP wrote. The final
    LayerNorm divides that sum by one recorded number, so each part can be sent through it by itself; where there is
    none, each part meets the unembedding as it is.

    returns: contributions in the order of the architecture; they sum to trace["logits"][position, token]
    Source: Elhage et al. 2021, "direct path"; nostalgebraist 2020
    """
    parts = residual_parts(trace, params, position)
    vectors = np.stack([vector for _, _, _, vector in parts])  # [parts, D]
    if "ln_final.mean" in trace:  # LayerNorm takes the mean off; RMSNorm does not
        vectors = vectors - vectors.mean(axis=-1, keepdims=True)
    if "ln_final.scale" in trace:
        vectors = vectors / trace["ln_final.scale"][position] * params["ln_final.w"]
    direction = params["unembed.W_U"][:, token]  # [D], what this token of the vocabulary asks for
    values = vectors @ direction  # [parts]
    direct = [
        Contribution(name, key, head, float(value)) for (name, key, head, _), value in zip(parts, values, strict=True)
    ]
    if "unembed.b_U" not in params:
        return tuple(direct)
    bias = params["ln_final.b"] @ direction + params["unembed.b_U"][token]
    return (*direct, Contribution("final bias", "unembed.b_U", None, float(bias)))


def residual_parts(
    trace: Trace, params: Mapping[str, Array], position: int
) -> list[tuple[str, str, int | None, Array]]:
    """(name, key, head, vector [D]) of everything that was added to the last residual vector of one position.

    Their sum is the last resid_post. If an intervention overwrote the stream, what it changed comes last.
    """
    config = trace.config
    parts: list[tuple[str, str, int | None, Array]] = [("token", "embed", None, trace["embed"][position])]
    if "pos_embed" in trace:
        parts.append(("place", "pos_embed", None, trace["pos_embed"][position]))
    for layer in range(config.n_layers):
        block = f"blocks.{layer}"
        if trace.edits(f"{block}.attn_out"):  # an intervention put something else in place of the heads' sum
            parts.append((f"attention {layer}", f"{block}.attn_out", None, trace[f"{block}.attn_out"][position]))
        else:
            result = trace[f"{block}.attn.result"][position]  # [H, D]
            parts += [
                (f"head {layer}.{head}", f"{block}.attn.result", head, result[head]) for head in range(config.n_heads)
            ]
            if f"{block}.attn.b_O" in params:
                parts.append((f"attention bias {layer}", f"{block}.attn.b_O", None, params[f"{block}.attn.b_O"]))
        parts.append((f"mlp {layer}", f"{block}.mlp_out", None, trace[f"{block}.mlp_out"][position]))
    if any(trace.edits(key) for key in trace if ".resid_" in key):
        last = stream_keys(config)[-1]
        written = sum((vector for _, _, _, vector in parts), np.zeros_like(parts[0][3]))
        parts.append(("overwritten", last, None, trace[last][position] - written))
    return parts


def stream_keys(config: Config, sublayers: bool = False) -> tuple[str, ...]:
    """The residual stream from bottom to top: before any layer, then after each layer (or each sub-layer)."""
    keys = ["blocks.0.resid_pre"]
    for layer in range(config.n_layers):
        keys += [f"blocks.{layer}.resid_mid"] * sublayers + [f"blocks.{layer}.resid_post"]
    return tuple(keys)


def logit_lens(
    trace: Trace, params: Mapping[str, Array], sublayers: bool = False, asked: Sequence[int] | None = None
) -> Array:
    """What the model would predict if it stopped after each layer: the last norm and unembedding, applied early.

    asked:   which columns. None: those of which the trace has logits
    returns: [L + 1, A, V] logits, before any layer first; with sublayers [2 L + 1, A, V]; last: the output
    The keys of the rows are `stream_keys(config, sublayers)`.
    Source: nostalgebraist 2020
    """
    if asked is None and "asked" in trace:
        asked = trace["asked"].tolist()
    columns = slice(None) if asked is None else list(asked)
    return np.stack([unembedded(trace, params, trace[key][columns]) for key in stream_keys(trace.config, sublayers)])


def unembedded(trace: Trace, params: Mapping[str, Array], stream: Array) -> Array:
    """The logits of any residual vectors: the last norm and the unembedding, as the trace's own wiring has them.

    stream: [A, D]; returns: [A, V]; a wiring without a last norm reads the stream as it is
    """
    values = {stream_keys(trace.config)[-1]: stream}
    for key in ("ln_final.mean", "ln_final.scale", "ln_final.normalized"):
        if key in trace:
            values[key] = again(trace, params, key, values)
    values["ln_final.asked"] = values.get("ln_final.normalized", stream)
    return again(trace, params, "logits", values)


def logits_at(trace: Trace, params: Mapping[str, Array], position: int) -> Array:
    """The logits of one column, from the trace if they were asked for, else made from its last residual vector. [V]

    position: a column of this pass; negative ones count from the end. Raises IndexError if there is none
    """
    n = len(trace.tokens)
    if not -n <= position < n:
        raise IndexError(f"this pass has columns 0 to {n - 1}, not {position}")
    if "asked" not in trace:
        return trace["logits"][position]
    column = position % n
    rows = np.flatnonzero(trace["asked"] == column)
    if rows.size:
        return trace["logits"][rows[0]]
    last = trace["ln_final.normalized"][[column]]  # [1, D]
    return again(trace, params, "logits", {"ln_final.asked": last})[0]


def again(trace: Trace, params: Mapping[str, Array], key: str, inputs: Mapping[str, Array]) -> Array:
    """What the function of a record makes of other inputs, with the same weights."""
    record = trace.record(key)
    assert record.function is not None
    given = [params[name] for name in record.weights]
    return record.function(*[inputs[name] for name in record.inputs], *given, **record.constants)

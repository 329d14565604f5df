"""A transformer whose weights a person can write down: kernel/model.py once more, with what gets in the way left out.

    tokens -> embed
           -> [ attention -> add;  MLP -> add ]  once per layer
           -> unembed -> logits

The residual stream, heads that compare queries with keys and mix values, a causal mask, an MLP for each token by
itself, adding instead of replacing: all as in model.py, and what is not written here is imported from there or from
llama_like.py. Three things differ:

    1. a bias by distance   each head adds to a score a number that depends only on how far back a token stands
                            (was a vector for each place); with a constant slope this is ALiBi, in general T5's
    2. ReLU                 a hidden unit is 0 up to a threshold and a straight line from there       (was GELU)
    3. no LayerNorm         what is written to the stream is what is read from it

Without the third a sum of small whole numbers stays one, and a person can say what each coordinate means. No step has
a bias of its own: a token that needs a constant carries a 1.

Every function here is one that trained transformers have had. LayerNorm is hardly ever left out of one that is to be
trained, because training is hard without it; here nothing is trained.

Sources: Vaswani et al. 2017; Raffel et al. 2020 (T5: one learned number per distance and head); Press et al. 2021
(ALiBi: a constant slope); Nair & Hinton 2010 (ReLU).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from explainer.architectures.llama_like import linear, project_heads, sum_heads
from explainer.kernel.config import Config
from explainer.kernel.explain import EXPLAINERS, OPERATIONS, SPELLED, Index, Params, Parts, number, one
from explainer.kernel.gradients import RULES, Shares
from explainer.kernel.model import (
    WIRINGS,
    add,
    attention_pattern,
    carry,
    causal_mask,
    dot_products,
    embed_tokens,
    head_outputs,
    scale_scores,
    weighted_sum,
)
from explainer.kernel.trace import Record, Recorder, Trace

Array = np.ndarray

NEVER = -1e4
"""A bias by which a distance is not read at all: e to this power is exactly 0, also where numbers are float64."""


@dataclass(frozen=True)
class HandMadeConfig(Config):
    """The sizes of such a transformer: those of `Config`.

    n_ctx: the longest context, because there is one bias for each distance
    """

    positions_are: ClassVar[str] = "distances"

    @property
    def parameter_axes(self) -> dict[str, str]:
        """Every weight of the model, in the order of the architecture, with its axes; `P` counts distances."""
        table = {"embed.W_E": "V D"}
        for layer in range(self.n_layers):
            table |= {f"blocks.{layer}.{name}": axes for name, axes in BLOCK_PARAMETERS.items()}
        return table | {"unembed.W_U": "D V"}


BLOCK_PARAMETERS = {
    "attn.W_Q": "H D K",
    "attn.W_K": "H D K",
    "attn.bias": "H P",
    "attn.W_V": "H D K",
    "attn.W_O": "H K D",
    "mlp.W_in": "D F",
    "mlp.W_out": "F D",
}


# ---------------------------------------------------------------- 1. a bias by distance


def distances(n_queries: int, n_keys: int) -> Array:
    """How far back each key stands from each query, 0 for itself; what comes later counts as 0 (the mask hides it).

    The queries are the last of the positions. returns: [T, S]
    """
    queries = np.arange(n_keys - n_queries, n_keys)  # [T]
    return np.maximum(queries[:, None] - np.arange(n_keys), 0)


def distance_bias(scores: Array, bias: Array) -> Array:
    """Add to each score the number that its head has for that distance.

    scores: [H, T, S]; bias: [H, P], one number for each distance 0, 1, 2, ...; returns: [H, T, S]
    Source: Raffel et al. 2020, section 2.1 (with a bias per distance); Press et al. 2021 (with a slope)
    """
    return scores + bias[:, distances(*scores.shape[1:])]


# ---------------------------------------------------------------- 2. ReLU


def relu(x: Array) -> Array:
    """A hinge: 0 for negative x, x for positive x. Any shape."""
    return np.maximum(x, 0)


# ---------------------------------------------------------------- 3. The wiring
# as in model.py: compute(name, function, axes, inputs, weights) records a result and returns its name


def attention(compute: Recorder, block: str, x: str) -> str:
    """Every token looks back at all earlier ones and at itself, through all heads at once."""
    at = f"{block}.attn"
    q = compute(f"{at}.q", project_heads, "T H K", (x,), (f"{at}.W_Q",))
    k = compute(f"{at}.k", project_heads, "S H K", (x,), (f"{at}.W_K",))
    v = compute(f"{at}.v", project_heads, "S H K", (x,), (f"{at}.W_V",))
    raw = compute(f"{at}.attn_scores_raw", dot_products, "H T S", (q, k))
    scaled = compute(f"{at}.attn_scores_scaled", scale_scores, "H T S", (raw,), d_head=compute.config.d_head)
    near = compute(f"{at}.attn_scores_near", distance_bias, "H T S", (scaled,), (f"{at}.bias",))
    scores = compute(f"{at}.attn_scores", causal_mask, "H T S", (near,))
    pattern = compute(f"{at}.pattern", attention_pattern, "H T S", (scores,))
    z = compute(f"{at}.z", weighted_sum, "T H K", (pattern, v))
    result = compute(f"{at}.result", head_outputs, "T H D", (z,), (f"{at}.W_O",))
    return compute(f"{block}.attn_out", sum_heads, "T D", (result,))


def mlp(compute: Recorder, block: str, x: str) -> str:
    """Every token thinks by itself: widen, bend, narrow."""
    at = f"{block}.mlp"
    pre = compute(f"{at}.pre", linear, "T F", (x,), (f"{at}.W_in",))
    post = compute(f"{at}.post", relu, "T F", (pre,))
    return compute(f"{block}.mlp_out", linear, "T D", (post,), (f"{at}.W_out",))


def transformer_block(compute: Recorder, layer: int, stream: str) -> str:
    """Attend, add; think, add."""
    block = f"blocks.{layer}"
    if layer > 0:
        stream = compute(f"{block}.resid_pre", carry, "T D", (stream,))
    stream = compute(f"{block}.resid_mid", add, "T D", (stream, attention(compute, block, stream)))
    return compute(f"{block}.resid_post", add, "T D", (stream, mlp(compute, block, stream)))


def transformer(compute: Recorder) -> str:
    """The whole architecture: embed, one block after the other, unembed."""
    token = compute("embed", embed_tokens, "T D", ("tokens",), ("embed.W_E",))
    stream = compute("blocks.0.resid_pre", carry, "T D", (token,))  # no place is added
    for layer in range(compute.config.n_layers):
        stream = transformer_block(compute, layer, stream)
    return compute("logits", linear, "T V", (stream,), ("unembed.W_U",))


WIRINGS[HandMadeConfig] = transformer


# ---------------------------------------------------------------- what the kernel has to know of the two functions


def distance_bias_rule(grad: Array, out: Array, scores: Array, bias: Array) -> Shares:
    """A bias is pulled by every score at its distance; one of a masked score is handed 0."""
    away = distances(*scores.shape[1:])

    def to_bias() -> Array:
        found = np.zeros_like(bias)
        for head, pulled in enumerate(grad):
            np.add.at(found[head], away, pulled)
        return found

    return grad, to_bias


def relu_rule(grad: Array, out: Array, x: Array) -> Shares:
    """Through where the hinge is open, and nowhere else."""
    return (np.where(x > 0, grad, 0),)


def explain_distance_bias(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """One score and the number for its distance."""
    head, t, s = index
    (scores,), (bias,) = record.inputs, record.weights
    back = max(trace.start + t - s, 0)
    terms = [one("score", trace[scores][index], scores), one(f"bias({back})", params[bias][head, back])]
    return Parts(f"score + bias for {back} back", "sum", terms)


def explain_relu(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """One hidden unit."""
    (pre,) = record.inputs
    return Parts("relu(pre)", "relu", [one("pre", trace[pre][index], pre)])


RULES.update({distance_bias: distance_bias_rule, relu: relu_rule})
EXPLAINERS.update({distance_bias: explain_distance_bias, relu: explain_relu})
OPERATIONS.update({"relu": lambda values: max(values[0], 0.0)})
SPELLED.update({"relu": lambda v: f"max({number(v[0])}, 0)"})

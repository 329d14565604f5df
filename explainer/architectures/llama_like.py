"""A transformer of today: the file kernel/model.py once more, with the five things that changed since 2017.

    tokens -> embed
           -> [ RMSNorm -> attention -> add;  RMSNorm -> MLP -> add ]  once per layer
           -> RMSNorm -> unembed -> logits

That is the same line as before, but for `pos_embed`, which is gone. The residual stream, heads that compare queries
with keys and mix values, an MLP for each token by itself, adding instead of replacing: all as in model.py, and what is
not written here is imported from there. What changed, in the order in which it happens:

    1. RMSNorm           divide by the size of the vector; no mean taken off, nothing shifted     (was LayerNorm)
    2. RoPE              turn queries and keys by an angle that grows with the place              (was a table)
    3. grouped queries   several heads share one key and one value per token                      (was one each)
    4. SwiGLU            one half of the MLP's hidden layer opens and shuts the other             (was GELU)
    5. no biases         every step is a matrix and nothing else                                  (was matrix + vector)

And one thing that is older than it seems: in small models the unembedding is the embedding read backwards ("tied"), as
in GPT-2.

The first four have a small function or two below; then comes the wiring, as short as before. Shapes have the letters of
trace.py; two are new: G, the heads that have keys and values of their own, and R, the pairs of coordinates that turn
together.

So are wired Llama, Mistral and SmolLM. The names of the intermediates are TransformerLens's.

Sources: Touvron et al. 2023 (Llama); Zhang & Sennrich 2019 (RMSNorm); Su et al. 2021 (RoPE); Shazeer 2019 and
Ainslie et al. 2023 (shared keys and values); Shazeer 2020 (SwiGLU); Press & Wolf 2017 (tying).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from explainer.kernel import model as original
from explainer.kernel import ops
from explainer.kernel.config import Config
from explainer.kernel.model import (
    WIRINGS,
    add,
    asked_columns,
    attention_pattern,
    carry,
    causal_mask,
    embed_tokens,
    head_outputs,
    scale_scores,
)
from explainer.kernel.trace import Recorder

Array = np.ndarray


@dataclass(frozen=True)
class LlamaConfig(Config):
    """The sizes of a Llama: those of `Config`, and three that 2017 had no need of.

    n_kv_heads: how many heads have keys and values of their own; n_heads / n_kv_heads queries share each
    rope_base:  how slowly the slowest pair turns; the larger, the farther apart places can be told
    tied:       (as in `Config`) the unembedding is the embedding, transposed
    n_ctx:      the longest context that training has seen. Nothing in the weights ends there.
    """

    n_kv_heads: int = 1
    rope_base: float = 10_000.0

    positions_are: ClassVar[str] = "positions"  # none is learned
    mlp_matrices: ClassVar[int] = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_kv_heads < 1 or self.n_heads % self.n_kv_heads:
            raise ValueError(f"{self.n_heads} heads cannot share {self.n_kv_heads} keys and values evenly")
        if self.d_head % 2:
            raise ValueError(f"coordinates turn in pairs: d_head must be even, not {self.d_head}")
        if not self.rope_base > 1:
            raise ValueError(f"rope_base must be more than 1, not {self.rope_base!r}")

    @property
    def kv_heads(self) -> int:
        return self.n_kv_heads

    @property
    def axes(self) -> dict[str, int]:
        return super().axes | {"G": self.n_kv_heads, "R": self.d_head // 2}

    @property
    def parameter_axes(self) -> dict[str, str]:
        """Every weight of the model, in the order of the architecture, with its axes. No table of places, no bias."""
        table = {"embed.W_E": "V D"}
        for layer in range(self.n_layers):
            table |= {f"blocks.{layer}.{name}": axes for name, axes in BLOCK_PARAMETERS.items()}
        return table | {"ln_final.w": "D", "unembed.W_U": "D V"}


BLOCK_PARAMETERS = {
    "ln1.w": "D",
    "attn.W_Q": "H D K",
    "attn.W_K": "G D K",
    "attn.W_V": "G D K",
    "attn.W_O": "H K D",
    "ln2.w": "D",
    "mlp.W_gate": "D F",
    "mlp.W_in": "D F",
    "mlp.W_out": "F D",
}


# ---------------------------------------------------------------- 1. RMSNorm: what each sub-layer reads


def rms_scale(x: Array, eps: float) -> Array:
    """The size of each token's vector: the root of the mean of the squares, kept away from 0 by eps.

    LayerNorm takes the mean off first. It turned out not to be needed.

    x: [T, D]; returns: [T]
    """
    return np.sqrt((x * x).sum(axis=-1) / x.shape[-1] + eps)


def rms_normalize(x: Array, scale: Array, w: Array) -> Array:
    """RMSNorm: bring every token's vector to size 1, then stretch (w) it. Nothing is shifted.

    x: [T, D], scale: [T], w: [D]; returns: [T, D]
    As with LayerNorm, this is linear in x once the scale is known.
    Source: Zhang & Sennrich 2019
    """
    return x / scale[:, None] * w


# ---------------------------------------------------------------- 2. RoPE: where a token stands


def rotary_angle(positions: Array, d_head: int, base: float) -> Array:
    """By how much each pair of coordinates is turned at each place.

    The first pair by one radian per place, each further one more slowly: like the hands of a clock.

    positions: [T]; returns: [T, R] radians, R = d_head / 2; pair r turns by base^(-2 r / d_head) per place
    Nothing here is learned, and nothing was added to the residual stream: the stream does not say where a token stands.
    Source: Su et al. 2021, section 3.2.2
    """
    speed = base ** (-np.arange(0, d_head, 2) / d_head)  # [R], radians per place, float64
    return positions[:, None] * speed


def cosine(angle: Array) -> Array:
    """[T, R] -> [T, R], float32"""
    return np.cos(angle).astype(np.float32)


def sine(angle: Array) -> Array:
    """[T, R] -> [T, R], float32"""
    return np.sin(angle).astype(np.float32)


def rotate(x: Array, cos: Array, sin: Array) -> Array:
    """RoPE: turn each pair of neighbouring coordinates (2 r and 2 r + 1) by the angle of the token's place.

    A dot product of two turned vectors depends on their angles only through the difference. So a score depends on how
    far apart query and key are, and not on where they stand. Values are not turned: what is read is the same anywhere.

    x:       [T, H, K] queries, or [T, G, K] keys; cos, sin: [T, R]
    returns: as x, of the same length
    (Some files pair r with r + K / 2 instead. It is the same thing with the rows of W_Q and W_K in another order; but
    to take the one for the other is a mistake, and one that many prompts do not show.)
    """
    cos, sin = cos[:, None, :], sin[:, None, :]  # [T, 1, R], the same for every head
    even, odd = x[..., 0::2], x[..., 1::2]  # [T, H, R]
    turned = np.empty_like(x)
    turned[..., 0::2] = even * cos - odd * sin
    turned[..., 1::2] = even * sin + odd * cos
    return turned


# ---------------------------------------------------------------- 3. Grouped queries: tokens read from each other


def project_heads(x: Array, W: Array) -> Array:
    """Queries, of each head; keys and values, of each group of heads.

    x: [T, D], the normalised residual stream; W: [H, D, K] or [G, D, K]; returns: [T, H, K] or [T, G, K]
    """
    heads, d_model, d_head = W.shape
    side_by_side = W.transpose(0, 2, 1).reshape(heads * d_head, d_model)  # [H K, D]: as they lie in memory
    return (x @ side_by_side.T).reshape(len(x), heads, d_head)


def dot_products(q: Array, k: Array) -> Array:
    """Compare every query with every key; heads 0 to H / G - 1 share the keys of group 0, and so on.

    What a new token has to look at, the KV cache, is H / G times smaller so. The queries still differ, and with them
    the patterns.

    q: [T, H, K], k: [S, G, K]; returns: [H, T, S]
    Source: Ainslie et al. 2023
    """
    n_queries, heads, d_head = q.shape
    n_keys, groups = k.shape[:2]
    grouped = q.transpose(1, 0, 2).reshape(groups, heads // groups * n_queries, d_head)  # [G, H / G T, K]
    return (grouped @ k.transpose(1, 2, 0)).reshape(heads, n_queries, n_keys)  # [G, H / G T, S] -> [H, T, S]


def weighted_sum(pattern: Array, v: Array) -> Array:
    """What each head has read: the values of its group, mixed in the proportions of its own pattern.

    pattern: [H, T, S], v: [S, G, K]; returns: [T, H, K], called z
    """
    heads, n_queries, n_keys = pattern.shape
    groups, d_head = v.shape[1:]
    grouped = pattern.reshape(groups, heads // groups * n_queries, n_keys)  # [G, H / G T, S]
    z = (grouped @ v.transpose(1, 0, 2)).reshape(heads, n_queries, d_head)  # [H, T, K]
    return z.transpose(1, 0, 2)  # [T, H, K]


def sum_heads(result: Array) -> Array:
    """The heads' outputs, added. [T, H, D] -> [T, D]"""
    return result.sum(axis=1)


# ---------------------------------------------------------------- 4. SwiGLU: one token at a time


def linear(x: Array, W: Array) -> Array:
    """A matrix, and no bias. [T, D] -> [T, F], [T, F] -> [T, D], and at the very end [T, D] -> [T, V]"""
    return x @ W


def sigmoid(x: Array) -> Array:
    """How far a gate is open: 0 for very negative x, 1/2 at 0, 1 for very positive x. (This form never overflows.)"""
    return 0.5 * (1 + np.tanh(0.5 * x))


def gated(pre: Array, pre_linear: Array) -> Array:
    """SwiGLU: each hidden unit is a number (pre_linear) times a gate (pre), bent by SiLU: x times sigmoid(x).

    In 2017 a unit could only switch itself. Here another matrix decides whether it may speak.

    pre, pre_linear: [T, F]; returns: [T, F]
    Source: Shazeer 2020, who has 'no explanation as to why' it works better
    """
    return pre * sigmoid(pre) * pre_linear


# ---------------------------------------------------------------- 5. The wiring
# as in model.py: compute(name, function, axes, inputs, weights) records a result and returns its name


def rms_norm(compute: Recorder, ln: str, x: str) -> str:
    """What a sub-layer reads: the residual stream, normalised token by token."""
    scale = compute(f"{ln}.scale", rms_scale, "T", (x,), eps=compute.config.eps)
    return compute(f"{ln}.normalized", rms_normalize, "T D", (x, scale), (f"{ln}.w",))


def angles(compute: Recorder) -> tuple[str, str]:
    """The turns of all places: once for all layers and heads."""
    config = compute.config
    assert isinstance(config, LlamaConfig)
    turn = compute("rotary_angle", rotary_angle, "T R", ("positions",), d_head=config.d_head, base=config.rope_base)
    return compute("rotary_cos", cosine, "T R", (turn,)), compute("rotary_sin", sine, "T R", (turn,))


def attention(compute: Recorder, block: str, x: str, turn: tuple[str, str]) -> str:
    """Every token looks back at all earlier ones and at itself, through all heads at once."""
    at = f"{block}.attn"
    q = compute(f"{at}.q", project_heads, "T H K", (x,), (f"{at}.W_Q",))
    k = compute(f"{at}.k", project_heads, "T G K", (x,), (f"{at}.W_K",))
    v = compute(f"{at}.v", project_heads, "S G K", (x,), (f"{at}.W_V",))
    rot_q = compute(f"{at}.rot_q", rotate, "T H K", (q, *turn))
    rot_k = compute(f"{at}.rot_k", rotate, "S G K", (k, *turn))  # S: turned keys are what a cache keeps
    raw = compute(f"{at}.attn_scores_raw", dot_products, "H T S", (rot_q, rot_k))
    scaled = compute(f"{at}.attn_scores_scaled", scale_scores, "H T S", (raw,), d_head=compute.config.d_head)
    scores = compute(f"{at}.attn_scores", causal_mask, "H T S", (scaled,))
    pattern = compute(f"{at}.pattern", attention_pattern, "H T S", (scores,))
    z = compute(f"{at}.z", weighted_sum, "T H K", (pattern, v))
    result = compute(f"{at}.result", head_outputs, "T H D", (z,), (f"{at}.W_O",))
    return compute(f"{block}.attn_out", sum_heads, "T D", (result,))


def mlp(compute: Recorder, block: str, x: str) -> str:
    """Every token thinks by itself: widen twice, let one open the other, narrow."""
    at = f"{block}.mlp"
    pre = compute(f"{at}.pre", linear, "T F", (x,), (f"{at}.W_gate",))
    pre_linear = compute(f"{at}.pre_linear", linear, "T F", (x,), (f"{at}.W_in",))
    post = compute(f"{at}.post", gated, "T F", (pre, pre_linear))
    return compute(f"{block}.mlp_out", linear, "T D", (post,), (f"{at}.W_out",))


def transformer_block(compute: Recorder, layer: int, stream: str, turn: tuple[str, str]) -> str:
    """Read from the stream, attend, add; read again, think, add."""
    block = f"blocks.{layer}"
    if layer > 0:
        stream = compute(f"{block}.resid_pre", carry, "T D", (stream,))
    attended = attention(compute, block, rms_norm(compute, f"{block}.ln1", stream), turn)
    stream = compute(f"{block}.resid_mid", add, "T D", (stream, attended))
    thought = mlp(compute, block, rms_norm(compute, f"{block}.ln2", stream))
    return compute(f"{block}.resid_post", add, "T D", (stream, thought))


def transformer(compute: Recorder) -> str:
    """The whole architecture: embed, one block after the other, unembed."""
    token = compute("embed", embed_tokens, "T D", ("tokens",), ("embed.W_E",))
    stream = compute("blocks.0.resid_pre", carry, "T D", (token,))  # no place is added
    turn = angles(compute)
    for layer in range(compute.config.n_layers):
        stream = transformer_block(compute, layer, stream, turn)
    x, axes = asked_columns(compute, rms_norm(compute, "ln_final", stream))
    return compute("logits", linear, axes, (x,), ("unembed.W_U",))


WIRINGS[LlamaConfig] = transformer

# What computes here what a function of 2017 computes there; for whoever shows the code of a figure.
INSTEAD: dict[Callable[..., Any], tuple[Callable[..., Any], ...]] = {
    original.embed_positions: (rotary_angle, rotate),
    original.normalize: (rms_scale, rms_normalize),
    original.project_heads: (project_heads,),
    original.dot_products: (rotate, dot_products),
    original.weighted_sum: (weighted_sum,),
    original.sum_heads: (sum_heads,),
    original.linear: (linear,),
    original.layer_norm: (rms_norm,),
    original.attention: (attention,),
    original.mlp: (mlp,),
    original.transformer_block: (transformer_block,),
    original.transformer: (transformer,),
    ops.gelu: (gated,),
}

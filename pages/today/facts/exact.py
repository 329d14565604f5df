"""What of the four changes needs no training to be seen: it holds for all weights, up to rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainer.architectures import llama_like as llama
from explainer.kernel import model as original
from explainer.kernel.ops import gelu
from explainer.models import lab

from .sizes import NOW, NUMBER

Array = np.ndarray
TEXT = "Mia has a red ball. It is"
LAYERS = 4  # of the storyteller
HEAD = 0  # of the storyteller's first layer, whose queries and keys are compared at other places
GATES = np.linspace(-4, 4, 81)


@dataclass(frozen=True, eq=False)
class Normalised:
    """One vector of the stream, normalised in two ways: without gains and shifts.

    layer, rms: [D]; centred: RMSNorm of the vector without its mean
    mean, size: of the vector: its mean, and its root mean square
    """

    layer: Array
    rms: Array
    centred: Array
    mean: float
    size: float

    @property
    def off(self) -> float:
        """The largest difference between LayerNorm, and RMSNorm of the vector without its mean."""
        return float(np.abs(self.layer - self.centred).max())

    @property
    def apart(self) -> float:
        """The largest difference between LayerNorm and RMSNorm."""
        return float(np.abs(self.layer - self.rms).max())


@lab.per_model(8)
def normalised(at: int) -> Normalised:
    """The last token of TEXT where it comes out of so many layers of the storyteller. at: 0 .. n_layers"""
    trace, config = lab.trace(lab.tokens_of(TEXT)), lab.model().config
    name = f"blocks.{at}.resid_pre" if at < config.n_layers else f"blocks.{at - 1}.resid_post"
    x = trace[name][-1:]
    ones, zeros = np.ones_like(x[0]), np.zeros_like(x[0])
    mean = original.row_mean(x)
    layer = original.normalize(x, mean, original.row_scale(x, mean, config.eps), ones, zeros)
    size = llama.rms_scale(x, config.eps)
    without = x - mean[:, None]
    centred = llama.rms_normalize(without, llama.rms_scale(without, config.eps), ones)
    return Normalised(layer[0], llama.rms_normalize(x, size, ones)[0], centred[0], float(mean[0]), float(size[0]))


@dataclass(frozen=True, eq=False)
class Moved:
    """How much the scores of a head change when the whole text stands further back.

    by:             [N] places
    learned, turned: [N] the largest change of any score: with the storyteller's own table of places; and with RoPE in
                    its stead, on the same weights
    largest:        the largest score at home, with the table and with RoPE
    """

    by: tuple[int, ...]
    learned: tuple[float, ...]
    turned: tuple[float, ...]
    largest: tuple[float, float]


@lab.per_model(1)
def moved() -> Moved:
    """TEXT at home and further back, in the first layer of the storyteller."""
    params, config = lab.model().params, lab.model().config
    tokens = np.array(lab.tokens_of(TEXT))
    places = np.arange(len(tokens))
    by = tuple(range(0, min(100, config.n_ctx - len(tokens)) + 1, 10))
    past = np.tri(len(tokens), dtype=bool)

    def scores(shift: int, rope: bool) -> Array:
        x = original.embed_tokens(tokens, params["embed.W_E"])
        if not rope:
            x = x + original.embed_positions(places + shift, params["pos_embed.W_pos"])
        mean = original.row_mean(x)
        scale = original.row_scale(x, mean, config.eps)
        y = original.normalize(x, mean, scale, params["blocks.0.ln1.w"], params["blocks.0.ln1.b"])
        q, k = (original.project_heads(y, params[f"blocks.0.attn.W_{n}"], params[f"blocks.0.attn.b_{n}"]) for n in "QK")
        if rope:
            turn = llama.rotary_angle(places + shift, config.d_head, 10_000.0)
            q, k = (llama.rotate(a, llama.cosine(turn), llama.sine(turn)) for a in (q, k))
        return original.scale_scores(original.dot_products(q, k), config.d_head)[HEAD][past]

    at_home = {rope: scores(0, rope) for rope in (False, True)}
    change = {rope: tuple(float(np.abs(scores(s, rope) - at_home[rope]).max()) for s in by) for rope in (False, True)}
    largest = tuple(float(np.abs(at_home[rope]).max()) for rope in (False, True))
    return Moved(by, change[False], change[True], (largest[0], largest[1]))


def shared() -> dict[int, int]:
    """How many query heads share a key and a value -> bytes to remember for each token, at SmolLM2's sizes."""
    heads = NOW.n_heads
    each = {n: heads // n for n in range(1, heads + 1) if heads % n == 0}
    return {n: 2 * NOW.n_layers * groups * NOW.d_head * NUMBER for n, groups in each.items()}


def gated(value: float) -> tuple[Array, Array]:
    """What one hidden unit gives for all GATES: GELU, which has no gate of its own, and SwiGLU with a value."""
    return gelu(GATES), llama.gated(GATES, np.full_like(GATES, value))

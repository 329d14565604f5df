"""What each part costs: SmolLM2's own sizes, and the same sizes with the parts of GPT-2."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from explainer.architectures.llama_like import LlamaConfig
from explainer.kernel.config import Config

NOW = LlamaConfig(
    n_layers=30, n_heads=9, d_model=576, d_head=64, d_mlp=1536, n_vocab=49_152, n_ctx=8_192, tied=True, n_kv_heads=3,
    rope_base=100_000.0,
)  # fmt: skip
"""SmolLM2-135M. The sizes are those in its file (tests/unit/test_today.py reads it)."""

THEN = Config(
    n_layers=NOW.n_layers, n_heads=NOW.n_heads, d_model=NOW.d_model, d_head=NOW.d_head, d_mlp=4 * NOW.d_model,
    n_vocab=NOW.n_vocab, n_ctx=NOW.n_ctx, tied=True,
)  # fmt: skip
"""The same model in the wiring of GPT-2, whose MLP is four times as wide as the stream. Nobody has trained it."""

PARTS = ("norm", "places", "share", "think")
NUMBER = 4  # bytes: here numbers are float32; files and graphics cards often have two bytes for one


@dataclass(frozen=True)
class Cost:
    """What one kind of part takes in the whole model.

    weights:    how many numbers training has to find
    operations: additions and multiplications for each token; a matrix has two for each of its numbers. Roots, exponents
                and what depends on how long the text is are not counted
    cache:      bytes to remember for each token of a text (KV cache)
    """

    weights: int
    operations: int
    cache: int = 0


def weights(config: Config) -> dict[str, int]:
    """How many numbers each kind of part has; 'biases': what matrices add; 'words': the table of the vocabulary."""
    found = dict.fromkeys((*PARTS, "biases", "words"), 0)
    for name, shape in config.parameter_shapes.items():
        if not (config.tied and name.startswith("unembed.")):
            found[kind(name)] += prod(shape)
    return found


def kind(name: str) -> str:
    """Which part a weight belongs to."""
    if "ln" in name.split(".")[-2]:
        return "norm"
    if name.startswith("pos_embed"):
        return "places"
    if name.split(".")[-1].startswith("b_"):
        return "biases"
    return "share" if ".attn." in name else "think" if ".mlp." in name else "words"


def costs(config: Config) -> dict[str, Cost]:
    """What each of the four parts takes."""
    c, found = config, weights(config)
    today = isinstance(c, LlamaConfig)
    rows = (2 * c.n_layers + 1) * c.d_model  # numbers that are normalised
    each = 4 if today else 7  # square, add up, divide, stretch; and add up, take off, shift
    turned = c.n_layers * (c.n_heads + c.kv_heads) * (c.d_head // 2) * 6  # a turn: four products and two sums
    return {
        "norm": Cost(found["norm"], each * rows),
        "places": Cost(found["places"], turned if today else c.d_model),
        "share": Cost(found["share"], 2 * found["share"], 2 * c.n_layers * c.kv_heads * c.d_head * NUMBER),
        "think": Cost(found["think"], 2 * found["think"]),
    }

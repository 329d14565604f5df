"""A transformer that copies, with every weight put there by hand: two layers, one head in each, and no training.

It is an ordinary model of the kernel's wiring, so every tool of the site works on it. The stream of a token has four
parts, each written once and read where it is needed:

    letter  which letter it is                    (the embedding)
    place   where it stands: a point on a circle  (the position vectors)
    before  which letter stands before it         (written by the head of layer 0)
    next    which letter to say next              (written by the head of layer 1, read by the unembedding)

Layer 0, previous token: the query is the own place turned back by one, so it fits the place before best.
Layer 1, induction: the query is the own letter, the key is `before`: found is who has come after that letter. What is
handed over is the letter found.

Two parts of the wiring have nothing to do here and are made to do nothing: the MLP's weights are 0, and the stretch and
shift of each LayerNorm undo it exactly, as all streams that occur have one mean and one spread.

Sources: Elhage et al. 2021 (the two heads); Olsson et al. 2022.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.kernel import checkpoint
from explainer.kernel.config import Config
from explainer.kernel.model import Model
from explainer.kernel.ops import softmax

Array = np.ndarray

START = "·"
"""The token that every row begins with; the model says it where a letter has not been met before."""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ALPHABET = START + LETTERS
PLACES = 64
N = len(ALPHABET)
WIDTH = 3 * N + 4
PARTS = {
    "letter": slice(0, N),
    "place": slice(N, N + 4),
    "before": slice(N + 4, 2 * N + 4),
    "next": slice(2 * N + 4, WIDTH),
}
"""Which numbers of a stream hold what."""
PLACE = ("place, cos", "place, sin", "place, −cos", "place, −sin")
CALLED = {
    "V": tuple(ALPHABET),
    "D": (
        *(f"letter {a}" for a in ALPHABET),
        *PLACE,
        *(f"before {a}" for a in ALPHABET),
        *(f"next {a}" for a in ALPHABET),
    ),
}
"""What the tokens and the numbers of a stream are called."""
TURN = 2 * math.pi / PLACES
"""The angle from one place to the next."""
POINTED = (2600.0, 24.0)
"""The score of a perfect fit in either head, before softmax, at sharpness 1. Neighbouring places fit nearly as well
(their cosine is 0.995), letters either fit or do not: so the first has to be large."""
SAYS = 20.0
"""The lead in the logits of the letter that is said."""


@functools.lru_cache(maxsize=8)
def model(sharpness: float = 1.0) -> Model:
    """The model made by hand. sharpness: by how much both heads' queries are stretched; 0: they read all alike"""
    config = Config(
        n_layers=2, n_heads=1, d_model=WIDTH, d_head=N, d_mlp=1, n_vocab=N, n_ctx=PLACES
    )  # fmt: skip
    p = {name: np.zeros(shape) for name, shape in config.parameter_shapes.items()}
    eye, scale = np.eye(N), math.sqrt(N)
    p["embed.W_E"][:, PARTS["letter"]] = eye
    angles = TURN * np.arange(PLACES)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    p["pos_embed.W_pos"][:, PARTS["place"]] = np.hstack([circle, -circle])  # so that its sum is 0 everywhere

    place = PARTS["place"].start
    turned = np.array([[math.cos(TURN), -math.sin(TURN)], [math.sin(TURN), math.cos(TURN)]])  # back by one place
    p["blocks.0.attn.W_Q"][0, place : place + 2, :2] = turned * POINTED[0] * scale * sharpness
    p["blocks.0.attn.W_K"][0, place : place + 2, :2] = np.eye(2)
    p["blocks.0.attn.W_V"][0, PARTS["letter"]] = eye
    p["blocks.0.attn.W_O"][0][:, PARTS["before"]] = eye

    p["blocks.1.attn.W_Q"][0, PARTS["letter"]] = eye * POINTED[1] * scale * sharpness
    p["blocks.1.attn.b_Q"][0, 0] = POINTED[1] * scale * sharpness / 2  # what fits no letter rests on the start token
    p["blocks.1.attn.W_K"][0, PARTS["before"]] = eye
    p["blocks.1.attn.W_K"][0, PARTS["before"].start, 0] = 0  # who stands behind the start has come after no letter
    p["blocks.1.attn.W_K"][0, 0, 0] = 1  # the start token itself is found by who asks for it
    p["blocks.1.attn.W_V"][0, PARTS["letter"]] = eye
    p["blocks.1.attn.W_O"][0][:, PARTS["next"]] = eye
    p["unembed.W_U"][PARTS["next"]] = eye * SAYS

    for ln, written in (
        ("blocks.0.ln1", 1),
        ("blocks.0.ln2", 2),
        ("blocks.1.ln1", 2),
        ("blocks.1.ln2", 3),
        ("ln_final", 3),
    ):
        mean = written / WIDTH  # so many ones, and a point on a circle and its opposite
        spread = math.sqrt((written + 2) / WIDTH - mean**2 + config.eps)
        p[f"{ln}.w"][:], p[f"{ln}.b"][:] = spread, mean
    return Model(config, checkpoint.checked_params(p, config, "made by hand"), "made by hand")


def tokens_of(letters: str) -> tuple[int, ...]:
    """The start token, then letters as tokens. Raises KeyError for what is none of the 26."""
    return (0, *(1 + LETTERS.index(letter) for letter in letters))


@dataclass(frozen=True)
class Made:
    """One weight matrix. does: what it is there for; nonzero: how many of its numbers are not 0"""

    name: str
    shape: tuple[int, ...]
    nonzero: int
    does: str


DOES = {
    "embed.W_E": "each letter is a direction of its own",
    "pos_embed.W_pos": "each place is a point on a circle",
    "blocks.0.attn.W_Q": "asks for the place one back: the own place, turned",
    "blocks.0.attn.W_K": "offers the own place",
    "blocks.0.attn.W_V": "hands over the letter",
    "blocks.0.attn.W_O": "writes it down as “before”",
    "blocks.1.attn.W_Q": "asks for the own letter",
    "blocks.1.attn.b_Q": "and half as much for the start: a place to rest",
    "blocks.1.attn.W_K": "offers the letter before",
    "blocks.1.attn.W_V": "hands over the letter",
    "blocks.1.attn.W_O": "writes it down as “next”",
    "unembed.W_U": "says what stands under “next”",
}


def weights() -> tuple[Made, ...]:
    """Every weight matrix that does something, in the order of the architecture."""
    params = model().params
    return tuple(Made(k, params[k].shape, int(np.count_nonzero(params[k])), does) for k, does in DOES.items())


def worst(letters: Sequence[str]) -> float:
    """The least chance that any letter to be copied is given, over some rows of different letters, said twice each."""
    least = 1.0
    for once in letters:
        row = tokens_of(once + once)
        chances = softmax(model().forward(row)["logits"].astype(np.float64))
        least = min(least, *(float(chances[t, row[t + 1]]) for t in range(len(once) + 1, len(row) - 1)))
    return least

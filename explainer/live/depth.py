"""Learners of the shell game that were trained longer than a page can: one to six layers, and two with one that loop.

All are of one width and had the same games, the same number of steps and the same learning rates
(explainer/training/depth.py, `make train-depth`). They differ in what they may do:

    at once   says after each swap where the ball is, in one pass over the whole game
    written   writes that place down, and reads it at the next swap; one layer
    latent    hands its last vector on instead of a word (latent.py); one layer
    told late the same, but in training it is told the last answer alone

One file holds all weights of a seed, and a card what was measured of them: the page that shows them has the file of one
seed in its pack (build/page_pack.py).
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from explainer.kernel import checkpoint
from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.latent import Latent
from explainer.live.nets import Net, Shape
from explainer.live.tasks import Following

Array = np.ndarray
Kind = Literal["at once", "written", "latent", "told late"]

MOVES = 20
WIDTH, HEADS, HIDDEN = 32, 2, 128
LAYERS = (1, 2, 3, 4, 5, 6)
PLAN = Plan(steps=3000, batch=64, rate=3e-3, warm=100)
SEEDS = 3
"""How many are trained; which are there, the card says (`seeds`)."""
SHOWN = 0
"""The seed whose models are shown. It was settled before any was trained."""
GAMES = 2000  # on which each is measured, drawn apart from those of all trainings
TEST_SEED = 100  # of these games: the same for all
WEIGHTS = Path(__file__).parents[1] / "models" / "weights" / "depth"


@dataclass(frozen=True)
class Player:
    """One of them. name: as in its file and on the card"""

    kind: Kind
    layers: int = 1

    @property
    def name(self) -> str:
        return f"{self.kind.replace(' ', '-')}-{self.layers}"

    @property
    def task(self) -> Following:
        return Following(tasks.shell_game(), MOVES, self.kind == "written")

    @property
    def shape(self) -> Shape:
        """The same number of places for all, so that one layer has the same number of weights whatever it may do."""
        machine = tasks.shell_game()
        vocab, classes = machine.moves + machine.states, machine.states
        return Shape(vocab, classes, 2 * MOVES, width=WIDTH, heads=HEADS, layers=self.layers, hidden=HIDDEN)

    @property
    def model(self) -> type[Net]:
        return Latent if self.kind in ("latent", "told late") else Net


PLAYERS = (
    *(Player("at once", layers) for layers in LAYERS),
    Player("written"),
    Player("latent"),
    Player("told late"),
)


@functools.cache
def _file(seed: int) -> tuple[dict[str, Array], dict[str, str]]:
    name = f"seed-{seed}"
    return checkpoint.read_safetensors((WEIGHTS / f"{name}.safetensors").read_bytes(), name)


def notes(seed: int) -> dict[str, str]:
    """What the file of a seed says about its training."""
    return _file(seed)[1]


@functools.cache
def trained(player: Player, seed: int) -> Net:
    """A model with the weights that it was trained to, which are kept in half precision.

    Raises ValueError if the file holds another number of weights than the model has.
    """
    net, stored = player.model(player.shape, seed), _file(seed)[0][player.name]
    if stored.shape != net.weights.value.shape:
        raise ValueError(f"{player.name}, seed {seed}: these are not the weights of {net.shape}")
    net.weights.value[...] = stored
    return net


def accuracy(player: Player, seed: int, games: int = GAMES) -> tuple[float, ...]:
    """The share of games in which it is right after each swap, on games that none was trained on: [MOVES]"""
    return tuple(player.task.accuracy(trained(player, seed), TEST_SEED, games).tolist())


@functools.cache
def card() -> dict[str, dict[str, str]]:
    """{seed: {"sha256", ...}} of the files."""
    return json.loads((WEIGHTS / "depth.json").read_text(encoding="utf-8"))["files"]  # type: ignore[no-any-return]


def seeds() -> tuple[int, ...]:
    """The seeds whose learners are there."""
    return tuple(int(seed) for seed in card())


def digest(seed: int) -> str:
    """A hash of the file of a seed, from the card: what was measured of other weights is not believed."""
    return card()[str(seed)]["sha256"]

"""The learners that were trained beforehand: how far layers carry, and what a loop without words hands on."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explainer.live import depth, tasks
from explainer.live.depth import LAYERS, MOVES, SHOWN, Kind, Player
from explainer.live.latent import Latent
from explainer.models.measured import kept

from .games import Game

Array = np.ndarray

GOOD = 0.9
"""Who is right in so many of the games after n swaps is said to follow n swaps."""
CROSSED = 1000  # games whose vectors change places


def accuracy(kind: Kind, layers: int = 1, seed: int = SHOWN) -> tuple[float, ...]:
    """The share of games in which one of them is right after each swap: [MOVES]"""
    return _accuracy(kind, layers, seed, depth.digest(seed))


@kept
def _accuracy(kind: Kind, layers: int, seed: int, digest: str) -> tuple[float, ...]:
    """digest: of the weights"""
    return depth.accuracy(Player(kind, layers), seed)


def follows(shares: tuple[float, ...]) -> int:
    """How many swaps a learner follows: after each of so many it is right in 90 % of the games."""
    return next((n for n, share in enumerate(shares) if share < GOOD), len(shares))


def by_layers(seed: int = SHOWN) -> dict[int, int]:
    """How many swaps those that must answer at once follow, by their number of layers."""
    return {layers: follows(accuracy("at once", layers, seed)) for layers in LAYERS}


@functools.cache
def size(kind: Kind, layers: int = 1) -> int:
    """How many weights it has."""
    return depth.trained(Player(kind, layers), SHOWN).size


@functools.lru_cache(maxsize=128)
def says(kind: Kind, layers: int, played: Game) -> tuple[int, ...]:
    """Where one of them says that the ball is, after each swap of a game: [n]"""
    player = Player(kind, layers)
    said = player.task.answers(depth.trained(player, SHOWN), np.array([played.moves]), np.array([played.ball[0]]))
    return tuple(int(place) for place in said[0])


# ---------------------------------------------------------------- the loop without words


@dataclass(frozen=True)
class Crossed:
    """What comes of it when two games exchange the vectors that are handed on after one swap.

    right: the share of all answers behind it that are right in their own game
    led:   the share that are right in the other one, from where its ball was by this one's swaps
    """

    right: float
    led: float


def crossed(swap: int) -> Crossed:
    """In many games of the kept learner, each with the next one's vector after a swap, counted from 1."""
    return _crossed(swap, CROSSED, depth.digest(SHOWN))


@kept
def _crossed(swap: int, size: int, digest: str) -> Crossed:
    net, moves, states = _games(size)
    said = net.forward(_tokens(moves, states)).argmax(axis=-1)
    other = {swap - 1: np.roll(net.thoughts[swap - 1], 1, axis=0)}
    said = net.forward(_tokens(moves, states), forged=other).argmax(axis=-1)[:, swap:]
    table, place = tasks.shell_game().table, np.roll(states[:, swap], 1)
    there = []
    for move in moves[:, swap:].T:
        place = table[move, place]
        there.append(place)
    return Crossed(float((said == states[:, swap + 1 :]).mean()), float((said == np.stack(there, axis=1)).mean()))


def with_means(by_swap: bool) -> float:
    """How often the last answer is right when each vector is replaced, as it is handed on, by the mean of all that say
    the same cup: five vectors in all, or (by_swap) five for each swap."""
    return _with_means(by_swap, CROSSED, depth.digest(SHOWN))


@kept
def _with_means(by_swap: bool, size: int, digest: str) -> float:
    net, moves, states = _games(size)
    said = net.forward(_tokens(moves, states)).argmax(axis=-1).T  # [n, B]
    made = net.thoughts.copy()
    means = np.stack([[made[t][said[t] == cup].mean(axis=0) for cup in range(tasks.CUPS)] for t in range(MOVES)])
    if not by_swap:
        means[:] = [made[said == cup].mean(axis=0) for cup in range(tasks.CUPS)]  # [n, cups, D], for each swap the same
    _, moves, states = _games(size, of=1)  # other games
    forged: dict[int, Array] = {}
    for swap in range(MOVES):
        said = net.forward(_tokens(moves, states), forged=forged).argmax(axis=-1)
        if swap + 1 < MOVES:
            forged[swap] = means[swap, said[:, swap]]
    return float((said[:, -1] == states[:, -1]).mean())


def _games(size: int, of: int = 0) -> tuple[Latent, Array, Array]:
    """The kept loop without words, and games that it was not trained on: moves [B, n], states [B, n + 1]."""
    net = depth.trained(Player("latent"), SHOWN)
    assert isinstance(net, Latent)
    moves, states = tasks.shell_game().games(tasks.stream(depth.TEST_SEED, tasks.TEST, of), size, MOVES)
    return net, moves, states


def _tokens(moves: Array, states: Array) -> Array:
    return np.concatenate([states[:, :1] + tasks.shell_game().moves, moves], axis=1)


def all_of(kind: Kind) -> Mapping[int, tuple[float, ...]]:
    """One kind with one layer, by seed."""
    return {seed: accuracy(kind, 1, seed) for seed in depth.seeds()}

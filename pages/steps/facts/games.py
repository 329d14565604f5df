"""Games to look at and to play: the swaps, the ball's way, and what each of the two learners says of it."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explainer.live import tasks
from explainer.live.nets import Net
from explainer.models.measured import kept

from .pairs import CONTESTS, MOVES, SEED, nets

FORGED = 400  # games
PLAYED = 7  # the purpose of a stream of random numbers, apart from those of training and tests


@dataclass(frozen=True)
class Game:
    """One shell game. swaps: two places each; ball: where it is before, between and after them, one more"""

    swaps: tuple[tuple[int, int], ...]
    moves: tuple[int, ...]
    ball: tuple[int, ...]


@functools.lru_cache(maxsize=64)
def game(number: int, swaps: int = MOVES) -> Game:
    """Game number so and so: fewer swaps are its beginning."""
    moves, states = tasks.shell_game().games(tasks.stream(number, PLAYED), 1, MOVES)
    chosen = tuple(int(m) for m in moves[0, :swaps])
    return Game(tuple(tasks.PAIRS[m] for m in chosen), chosen, tuple(int(b) for b in states[0, : swaps + 1]))


def ways(played: Game) -> list[tuple[int, ...]]:
    """Where each of the five cups is before, between and after the swaps: [cup][n + 1]."""
    return [followed(cup, played.moves) for cup in range(tasks.CUPS)]


def followed(place: int, moves: Iterable[int]) -> tuple[int, ...]:
    """Where the swaps take the cup of a place, by the table that the games themselves are made with: [n + 1]."""
    table = tasks.shell_game().table
    return tuple(int(there) for there in itertools.accumulate(moves, lambda at, move: table[move, at], initial=place))


def next_cup(place: Any) -> Any:
    """The cup beside that at a place, or at each of many; behind the last comes the first."""
    return (place + 1) % tasks.CUPS


def wrong_after(played: Game, said: tuple[int, ...], swap: int) -> int:
    """How many of the notes behind that of a swap (counted from 1) are wrong. said: [n]"""
    return sum(ball != note for ball, note in list(zip(played.ball[1:], said, strict=True))[swap:])


@dataclass(frozen=True)
class Answers:
    """What the two of the kept run say of a game after each swap. at_once, written: [n]"""

    at_once: tuple[int, ...]
    written: tuple[int, ...]


@functools.lru_cache(maxsize=64)
def answers(played: Game, forged: tuple[int, int] | None = None) -> Answers:
    """What the two learners say. forged: (after which swap, counted from 1; the place written there instead)."""
    moves, start = np.array([played.moves]), np.array([played.ball[0]])
    said = []
    for learner, net in zip(CONTESTS["shell"].learners, nets_once(), strict=True):
        task = CONTESTS["shell"].task(learner)
        wrong = {forged[0] - 1: np.array([forged[1]])} if forged and learner.written else None
        said.append(tuple(int(p) for p in task.answers(net, moves, start, wrong)[0]))
    return Answers(said[0], said[1])


@functools.cache
def nets_once() -> tuple[Net, Net]:
    """The two learners, made once."""
    return nets(SEED)


@dataclass(frozen=True)
class Forging:
    """What comes of the next cup, written after one swap of many games instead of what the writer says.

    right: the share of games in which the last note is right
    led:   the share of all notes behind it that stand where the swaps take the cup that was written; nan after the last
    """

    right: float
    led: float


@kept
def after_forging(games: int = FORGED) -> tuple[float, tuple[Forging, ...]]:
    """How often the writer's last note is right when it is left alone; what a wrong note does after swap 1, 2, ..."""
    moves, states = tasks.shell_game().games(tasks.stream(0, PLAYED), games, MOVES)
    task, net = CONTESTS["shell"].task(CONTESTS["shell"].learners[1]), nets_once()[1]

    def notes(forged: dict[int, np.ndarray] | None = None) -> np.ndarray:
        return task.answers(net, moves, states[:, 0], forged)

    found = []
    for swap in range(1, MOVES + 1):
        wrong = next_cup(states[:, swap])
        said = notes({swap - 1: wrong})
        ways = [followed(cup, row[swap:])[1:] for cup, row in zip(wrong, moves, strict=True)]
        led = float((said[:, swap:] == ways).mean()) if swap < MOVES else math.nan
        found.append(Forging(float((said[:, -1] == states[:, -1]).mean()), led))
    return float((notes()[:, -1] == states[:, -1]).mean()), tuple(found)

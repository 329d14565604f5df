"""Games to look at and to play: the swaps, the ball's way, and what each of the two learners says of it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

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


def ways(swaps: tuple[tuple[int, int], ...]) -> list[list[int]]:
    """Where each of the five cups is before, between and after the swaps: [cup][n + 1]."""
    places = [[cup] for cup in range(tasks.CUPS)]
    for a, b in swaps:
        for way in places:
            way.append(b if way[-1] == a else a if way[-1] == b else way[-1])
    return places


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


@kept
def after_forging(games: int = FORGED) -> tuple[tuple[float, float], ...]:
    """How often the writer is right after the last swap: left alone; with the next cup written after swap 1, 2, ...

    returns: (alone, misled) for each swap after which it can be misled
    """
    moves, states = tasks.shell_game().games(tasks.stream(0, PLAYED), games, MOVES)
    task, net = CONTESTS["shell"].task(CONTESTS["shell"].learners[1]), nets_once()[1]

    def right(forged: dict[int, np.ndarray] | None) -> float:
        return float((task.answers(net, moves, states[:, 0], forged)[:, -1] == states[:, -1]).mean())

    alone = right(None)
    return tuple((alone, right({at - 1: (states[:, at] + 1) % tasks.CUPS})) for at in range(1, MOVES + 1))

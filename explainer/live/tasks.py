"""What there is to learn: seeded streams of examples, and how to tell who has learnt it.

A task says what a model reads and what it is asked (`Task`). Batch number i of a stream is a function of the seed and
of i alone, so a training can be wound back to any step and go the same way again. What is tested is drawn from a stream
of its own.

    Following     the state of a small machine (parity, permutations, the ball under the cups) after each move: told at
                  once, or written down step by step
    Addition      a + b mod p, with some of the pairs held back
    Induction     the token that followed this one the last time, at whatever distance that was
    OwnText       the next character of a reader's text
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from explainer.live.nets import ALL, Net

Array = np.ndarray
TRAINING, TEST, SPLIT = 1, 2, 3  # what a stream of random numbers is for


def stream(seed: int, use: int, number: int = 0) -> np.random.Generator:
    """The random numbers of one batch, of one test, or of a split: the same each time."""
    return np.random.default_rng([seed, use, number])


class Task(Protocol):
    """What a model reads and is asked.

    vocab, classes: how many tokens there are to read, and how many answers to give; length: tokens of an example
    reads: the places at which an answer is asked for
    """

    @property
    def vocab(self) -> int: ...
    @property
    def classes(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def reads(self) -> slice: ...

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        """Examples to learn from: tokens [B, T]; what is right at the places asked for [B, R], -1 where nothing is."""

    def accuracy(self, net: Net, seed: int, size: int) -> Array:
        """The share of right answers in `size` examples never trained on, place by place. [R]"""


# ---------------------------------------------------------------- machines, and following them


@dataclass(frozen=True, eq=False)
class Machine:
    """A finite-state machine: a state, and moves that change it.

    table:  [moves, states] integers: the state after a move
    starts: the states in which a game may begin
    """

    name: str
    table: Array
    starts: tuple[int, ...]

    @property
    def moves(self) -> int:
        return int(self.table.shape[0])

    @property
    def states(self) -> int:
        return int(self.table.shape[1])

    def games(self, rng: np.random.Generator, size: int, length: int) -> tuple[Array, Array]:
        """Random games: moves [B, n], and the states before, between and after them [B, n + 1]."""
        moves = rng.integers(0, self.moves, (size, length))
        states = np.empty((size, length + 1), np.intp)
        states[:, 0] = rng.choice(self.starts, size)
        for t in range(length):
            states[:, t + 1] = self.table[moves[:, t], states[:, t]]
        return moves, states


CUPS = 5
PAIRS = tuple(itertools.combinations(range(CUPS), 2))
"""The swaps of the shell game, as the two places that change their cups."""


@functools.cache
def shell_game() -> Machine:
    """One ball under five cups; a move swaps two of them. The ten swaps make every order of five things: S5 acts."""
    table = [[b if cup == a else a if cup == b else cup for cup in range(CUPS)] for a, b in PAIRS]
    return Machine("shell game", np.array(table), tuple(range(CUPS)))


@functools.cache
def parity() -> Machine:
    """Whether the number of ones so far is even (0) or odd (1)."""
    return Machine("parity", np.array([[0, 1], [1, 0]]), (0,))


@functools.cache
def permutations(things: int) -> Machine:
    """In which order so many things lie, after each of a row of permutations of them: S3, S5.

    A state is an order, a move is any permutation, and there are as many of each: 6 for three things, 120 for five.
    """
    orders = list(itertools.permutations(range(things)))
    number = {order: i for i, order in enumerate(orders)}
    table = [[number[tuple(state[i] for i in move)] for state in orders] for move in orders]
    return Machine(f"S{things}", np.array(table), (0,))


@dataclass(frozen=True)
class Following:
    """After each of `moves` moves: which state is the machine in?

    At once:  start, move, move, ...            asked at each move: the state after it
    Written:  start, move, state, move, ...     asked at each move as well; what is said is written behind it and read

    Both are taught the right state after every move; tested, the writer reads what it has written itself.
    Tokens: the moves 0..M-1, then the states M..M+S-1.
    """

    machine: Machine
    moves: int
    written: bool

    @property
    def vocab(self) -> int:
        return self.machine.moves + self.machine.states

    @property
    def classes(self) -> int:
        return self.machine.states

    @property
    def length(self) -> int:
        return 2 * self.moves if self.written else self.moves + 1

    @property
    def reads(self) -> slice:
        return slice(1, None, 2) if self.written else slice(1, None)

    def tokens(self, moves: Array, states: Array) -> Array:
        """What is read. moves: [B, n], states: [B, n + 1] (of which only the first is read at once); returns [B, T]"""
        said = states + self.machine.moves
        if not self.written:
            return np.concatenate([said[:, :1], moves], axis=1)
        return np.stack([said[:, :-1], moves], axis=2).reshape(len(moves), -1)

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        moves, states = self.machine.games(stream(seed, TRAINING, number), size, self.moves)
        return self.tokens(moves, states), states[:, 1:]

    def answers(self, net: Net, moves: Array, starts: Array, forged: dict[int, Array] | None = None) -> Array:
        """Which state the model says it is after each move.

        moves:   [B, n]; starts: [B]
        forged:  {move: states [B]} to be written after that move instead of what the model says (it reads them)
        returns: [B, n], what stands written in the end
        """
        if not self.written:
            given = np.concatenate([starts[:, None] + self.machine.moves, moves], axis=1)
            return net.forward(given, self.reads).argmax(axis=-1)
        writer, said, out = net.writer(), starts, np.empty_like(moves)
        for t in range(moves.shape[1]):
            writer.read(said + self.machine.moves)
            said = writer.push(moves[:, t]).argmax(axis=-1)
            if forged and t in forged:
                said = forged[t]
            out[:, t] = said
        return out

    def accuracy(self, net: Net, seed: int, size: int) -> Array:
        moves, states = self.machine.games(stream(seed, TEST), size, self.moves)
        return (self.answers(net, moves, states[:, 0]) == states[:, 1:]).mean(axis=0)


# ---------------------------------------------------------------- addition


@dataclass(frozen=True)
class Addition:
    """a + b mod p, asked at the sign "=": a table of p * p sums, of which a share is taught and the rest held back.

    Tokens: the numbers 0..p-1, then "=".
    """

    p: int
    share: float = 0.4

    vocab = property(lambda self: self.p + 1)
    classes = property(lambda self: self.p)
    length = property(lambda self: 3)
    reads = property(lambda self: slice(2, None))

    def pairs(self, seed: int) -> tuple[Array, Array]:
        """The pairs that are taught and those that are held back: [n, 2] each."""
        every = stream(seed, SPLIT).permutation(self.p * self.p)
        taught = int(self.share * self.p * self.p)
        return tuple(np.stack(np.divmod(some, self.p), axis=1) for some in (every[:taught], every[taught:]))  # type: ignore[return-value]

    def examples(self, pairs: Array) -> tuple[Array, Array]:
        """tokens [B, 3], answers [B, 1]"""
        equals = np.full((len(pairs), 1), self.p)
        return np.concatenate([pairs, equals], axis=1), (pairs.sum(axis=1) % self.p)[:, None]

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        """All that is taught where `size` is as large (then every batch is the same), else a part of it."""
        taught, _ = self.pairs(seed)
        if size < len(taught):
            taught = taught[stream(seed, TRAINING, number).integers(0, len(taught), size)]
        return self.examples(taught)

    def accuracy(self, net: Net, seed: int, size: int) -> Array:
        tokens, right = self.examples(self.pairs(seed)[1][:size])
        return (net.forward(tokens, self.reads).argmax(axis=-1) == right).mean(axis=0)


# ---------------------------------------------------------------- induction


@dataclass(frozen=True)
class Induction:
    """A row of different random tokens, then a stretch of it again: what comes next? Asked in the stretch alone.

    The distance back varies from example to example, so that no place can be learnt by heart.

    symbols: V, of which the first `longest` + a few are drawn without repetition; shortest, longest: the distances
    """

    symbols: int = 24
    length: int = 32
    shortest: int = 6
    longest: int = 16

    vocab = property(lambda self: self.symbols)
    classes = property(lambda self: self.symbols)
    reads = property(lambda self: ALL)

    def examples(self, rng: np.random.Generator, size: int) -> tuple[Array, Array, Array]:
        """tokens [B, T], targets [B, T] (-1 where nothing is asked), distances [B]"""
        apart = rng.integers(self.shortest, self.longest + 1, size)
        row = rng.permuted(np.tile(np.arange(self.symbols), (size, 1)), axis=1)  # [B, V]
        places = np.arange(self.length + 1) % apart[:, None]  # the row's first tokens again and again
        tokens = np.take_along_axis(row, places, axis=1)
        targets = np.where(np.arange(self.length) >= apart[:, None], tokens[:, 1:], -1)
        return tokens[:, :-1], targets, apart

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        return self.examples(stream(seed, TRAINING, number), size)[:2]

    def accuracy(self, net: Net, seed: int, size: int) -> Array:
        """By distance: [longest - shortest + 1]; nan at a distance that none of the examples had."""
        tokens, targets, apart = self.examples(stream(seed, TEST), size)
        right = (net.forward(tokens).argmax(axis=-1) == targets) & (targets >= 0)
        asked = np.bincount(apart, (targets >= 0).sum(axis=1), self.longest + 1)[self.shortest :]
        found = np.bincount(apart, right.sum(axis=1), self.longest + 1)[self.shortest :]
        return np.divide(found, asked, out=np.full(len(asked), np.nan), where=asked > 0)


# ---------------------------------------------------------------- a reader's own text


@dataclass(frozen=True)
class OwnText:
    """The next character of a text, from up to `length` characters before it; the text's last tenth is held back.

    Raises ValueError for a text too short to take a window from both parts.
    """

    text: str
    length: int = 32

    def __post_init__(self) -> None:
        if len(self.text) < 11 * (self.length + 1):
            raise ValueError(
                f"The text must have at least {11 * (self.length + 1)} characters; it has {len(self.text)}."
            )

    @functools.cached_property
    def characters(self) -> str:
        """Every character of the text, once, in order."""
        return "".join(sorted(set(self.text)))

    @functools.cached_property
    def parts(self) -> tuple[Array, Array]:
        number = {c: i for i, c in enumerate(self.characters)}
        tokens = np.array([number[c] for c in self.text])
        cut = len(tokens) - max(len(tokens) // 10, self.length + 1)
        return tokens[:cut], tokens[cut:]

    vocab = property(lambda self: len(self.characters))
    classes = property(lambda self: len(self.characters))
    reads = property(lambda self: ALL)

    def windows(self, rng: np.random.Generator, size: int, held_back: bool) -> tuple[Array, Array]:
        """Random windows of one of the two parts, and the character after each place: [B, T] each."""
        part = self.parts[held_back]
        begins = rng.integers(0, len(part) - self.length, size)
        found = part[begins[:, None] + np.arange(self.length + 1)]
        return found[:, :-1], found[:, 1:]

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        return self.windows(stream(seed, TRAINING, number), size, False)

    def accuracy(self, net: Net, seed: int, size: int) -> Array:
        tokens, targets = self.windows(stream(seed, TEST), size, True)
        return (net.forward(tokens).argmax(axis=-1) == targets).mean(axis=0)

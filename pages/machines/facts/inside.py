"""A machine made by hand on a small text, on the bench where all tools of the site look: one pass, taken apart.

Its weights are an ordinary checkpoint. `lab.using(machine.bench)` makes every function that asks for a trace get its:
the ten steps, the grid of paths, the logit lens are those of the pages about the storyteller.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from explainer.kernel.model import logit_lens
from explainer.kernel.ops import log_softmax
from explainer.kernel.paths import Edge, Graph
from explainer.kernel.trace import Trace
from explainer.models import copier, lab, named
from explainer.studies import influence

from . import adding, automata, turing
from .by_hand import token_by_token

Array = np.ndarray

COLUMNS = 12  # of a text that goes on
CELLS = 5  # of a row of rule N here
SYMBOLS = 2  # of a word on the tape
LETTERS = 5  # said twice
LEAST = 0.01
"""From this share of a head's attention on, a column counts as read."""
SAME = 1e-4
"""Log-probabilities (nats) that differ by less count as the same."""


@dataclass(frozen=True, eq=False)
class Inside:
    """A machine and a text of it.

    bench:  its name on the bench; called: letter of an axis -> what its places are called
    tokens: the text, [T]; given: how many of them the machine did not write
    asked:  the first column from which on it is asked for something
    """

    bench: str
    called: Mapping[str, tuple[str, ...]]
    tokens: tuple[int, ...]
    given: int
    asked: int

    @property
    def trace(self) -> Trace:
        """Its pass over the text."""
        return lab.trace(self.tokens, self.bench)

    @property
    def names(self) -> list[str]:
        """The tokens by name."""
        return lab.names_of(self.tokens, self.bench)


@functools.lru_cache(maxsize=16)
def rule(number: int, cells: str) -> Inside:
    """Rule N in rows of CELLS cells, and the next row, which it writes. cells: a row, and the cell in front of it"""
    made = automata.machine(number, CELLS)
    given = tuple(int(cell) for cell in cells)
    text = (*given, *token_by_token(made.model, given, CELLS))
    bench = named.on_the_bench(made.model.name, made.model, made.names["V"])
    return Inside(bench, made.names, text, len(given), CELLS)


@functools.lru_cache(maxsize=16)
def tape(program: str, word: str) -> Inside:
    """A Turing machine, its input, and its first steps."""
    made, log = turing.ready(program), turing.log(program, word)
    text = tuple(made.token(name) for name in log.tokens[:COLUMNS])
    bench = named.on_the_bench(f"Turing machine: {made.model.name}", made.model, made.names["V"])
    given = min(log.given, len(text))
    return Inside(bench, made.names, text, given, given - 1)


@functools.lru_cache(maxsize=16)
def addition(a: int, b: int) -> Inside:
    """The one that adds, over the columns of a sum: a single pass, nothing is written."""
    made, columns = adding.machine(), max(len(str(a)), len(str(b))) + 1
    pairs = zip(adding.digits(a, columns), adding.digits(b, columns), strict=True)
    text = (made.token("#"), *(made.token(f"{x}+{y}") for x, y in pairs))
    bench = named.on_the_bench(made.model.name, made.model, made.names["V"])
    return Inside(bench, made.names, text, len(text), 1)


@functools.lru_cache(maxsize=16)
def copies(letters: str) -> Inside:
    """The copier, over letters said twice."""
    model, text = copier.model(), copier.tokens_of(letters * 2)
    bench = named.on_the_bench("the copier made by hand", model, copier.ALPHABET, end=0)
    return Inside(bench, copier.CALLED, text, len(text), 1)


OF = {"turing": ("program", "symbols"), "rule": ("rule", "cells"), "adding": ("a", "b"), "copier": ("letters",)}
"""The machines, and which of a reader's values make their text."""


def of(kind: str, given: Mapping[str, Any]) -> Inside:
    """A machine on the text that a reader gives it. kind: of OF; given: at least the values named there"""
    make = {"turing": tape, "rule": rule, "adding": addition, "copier": copies}[kind]
    return make(*(given[name] for name in OF[kind]))


def extent(kind: str, given: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many columns and layers that is, and which column to look at first: without any model, at once."""
    if kind == "rule":
        return 2 * CELLS + 1, 1, CELLS
    if kind == "adding":
        columns = max(len(str(given["a"])), len(str(given["b"]))) + 2
        return columns, 1, columns - 2  # the last one is only for what is carried out of it
    if kind == "copier":
        letters = len(given["letters"])
        return 2 * letters + 1, 2, letters + 2
    program = turing.PROGRAMS[given["program"]]
    begun = len(turing.prompt(program, given["symbols"] if program.reads_input else ""))
    written = 2 * turing.steps(program.name, given["symbols"]) - 1  # behind the last action nothing is written
    return min(begun + written, COLUMNS), 2, begun - 1


# ---------------------------------------------------------------- what it answers, and where that is written


def stages(trace: Trace) -> tuple[str, ...]:
    """The sub-layers behind which the lens looks, as it calls them: 'embedding', 'attention 0', 'mlp 0', ..."""
    return ("embedding", *(f"{part} {n}" for n in range(trace.config.n_layers) for part in ("attention", "mlp")))


@dataclass(frozen=True)
class Answers:
    """What every column would say behind every sub-layer.

    says:   [2 L + 1, T], the likeliest token; -1 where all are equally likely
    chance: [2 L + 1, T], how likely that is
    moves:  [2 L, T], whether a sub-layer changes the odds of any token
    """

    says: Array
    chance: Array
    moves: Array

    def written(self, trace: Trace, column: int) -> tuple[str, ...]:
        """The sub-layers that change the odds of what comes behind a column: of these machines one at most."""
        return tuple(name for name, moved in zip(stages(trace)[1:], self.moves[:, column], strict=True) if moved)


def answers(made: Inside) -> Answers:
    """The logit lens of a machine at all columns at once."""
    with lab.using(made.bench):
        rows = logit_lens(made.trace, lab.model().params, sublayers=True).astype(np.float64)  # [2 L + 1, T, V]
    odds = log_softmax(rows)
    level = odds.max(axis=-1) - odds.min(axis=-1) < SAME
    moves = np.abs(np.diff(odds, axis=0)).max(axis=-1) > SAME
    return Answers(np.where(level, -1, odds.argmax(axis=-1)), np.exp(odds.max(axis=-1)), moves)


FIRST = {"program": "palindrome", "symbols": "10", "rule": 110, "cells": "001101", "a": 2745, "b": 1867}
FIRST |= {"letters": "qxjv"}
"""What the figures show first."""


def counted() -> tuple[int, int, int]:
    """Over the first texts of all machines: at how many columns something is asked, at how many of these exactly one
    sub-layer changes what is said, and at how many none does."""
    found = []
    for kind in OF:
        made = of(kind, FIRST)
        found += answers(made).moves.sum(axis=0)[made.asked :].tolist()
    return len(found), found.count(1), found.count(0)


def paths(made: Inside) -> tuple[Graph, dict[Edge, float]]:
    """The grid of its pass with the arrows by which something was read, and how much (`influence.read_grid`)."""
    with lab.using(made.bench):
        return influence.read_grid(made.trace, LEAST)


# ---------------------------------------------------------------- what a reader may give it


TAKES = {
    "cells": ("01", CELLS + 1, CELLS + 1, f"{CELLS + 1} cells, each 0 or 1"),
    "symbols": ("01", 1, SYMBOLS, f"one or two symbols, each 0 or 1, so that {COLUMNS} columns show a few steps"),
    "letters": (copier.LETTERS, 2, LETTERS, f"two to {LETTERS} letters from a to z"),
}
"""Texts that a reader gives: (what they are made of, fewest, most, how it is said)."""


def refused(kind: str, text: str) -> str:
    """Why a text cannot be given, in a sentence; '' if it can. kind: 'cells', 'symbols' or 'letters'"""
    allowed, fewest, most, words = TAKES[kind]
    if set(text) <= set(allowed) and fewest <= len(text) <= most:
        return ""
    return f"This takes {words}; the text stays as it was."

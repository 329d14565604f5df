"""Rule N by a transformer: one head that reads three cells, and eight numbers that say what becomes of them.

A row of cells, each 0 or 1, is a text; so are all its rows, one behind the other. A new cell depends on the three that
stand over it: `above` to the left, straight above, above to the right. Along the text these are WIDTH, WIDTH - 1 and
WIDTH - 2 tokens back from the newest token. (So the row is closed to a ring with a small twist: right of the last cell
of a row stands the first of the next.)

The head looks at these three distances alone, with biases ln 4, ln 2 and 0. Softmax makes of them the shares 4/7, 2/7
and 1/7, so that what it reads, times 7, is 4a + 2b + c: the number of the neighbourhood, from 0 to 7. The MLP is a line
with hinges through eight points, one for each neighbourhood.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from explainer.architectures.hand_made import NEVER, HandMadeConfig
from explainer.kernel.model import Model
from explainer.kernel.trace import lock
from explainer.models.measured import kept

from .by_hand import Machine, by_guessing, written

Array = np.ndarray

WIDTH = 60  # cells of a row: 4 more than a multiple of 14, so that the stripes of rule 110 close around the ring
ROWS = 40
READS = WIDTH + 1  # tokens: how far back the head looks, itself included
RULES = 256
UNIVERSAL = (110, 124, 137, 193)  # rule 110, its mirror image, and both with 0 and 1 exchanged
STRIPES = "11111000100110"  # the background on which Cook's machine runs
STARTS = {
    "right": "one cell, at the right",
    "middle": "one cell, in the middle",
    "random": "cells at random",
    "stripes": "stripes, one cell wrong",
}


# ---------------------------------------------------------------- the rule itself, without any model


def outcomes(rule: int) -> tuple[int, ...]:
    """What becomes of neighbourhood 0, 1, ... 7 (left cell 4, middle 2, right 1), by Wolfram's number of the rule."""
    return tuple((rule >> k) & 1 for k in range(8))


def exact(rule: int, start: tuple[int, ...], count: int, width: int = WIDTH) -> list[int]:
    """The next `count` cells by the rule alone: a lookup, cell by cell. start: width + 1 cells or more."""
    cells = list(start)
    for _ in range(count):
        a, b, c = cells[-width - 1], cells[-width], cells[-width + 1]
        cells.append((rule >> (4 * a + 2 * b + c)) & 1)
    return cells[len(start) :]


def stripes() -> tuple[int, ...]:
    """The background of Cook's machine as a prompt: a first row of stripes, and the cell before it."""
    return (int(STRIPES[-1]), *(int(STRIPES[i % len(STRIPES)]) for i in range(WIDTH)))


def first_row(start: str, seed: int) -> tuple[int, ...]:
    """The first row, and in front of it the cell that its first neighbourhood needs: READS cells, the prompt."""
    if start == "stripes":
        cells = list(stripes())
        cells[WIDTH // 2 + seed % len(STRIPES)] ^= 1
        return tuple(cells)
    if start == "random":
        return (0, *np.random.default_rng(seed).integers(0, 2, WIDTH).tolist())
    row = [0] * WIDTH
    row[WIDTH - 2 if start == "right" else WIDTH // 2] = 1
    return (0, *row)


# ---------------------------------------------------------------- the weights


def eight_numbers(rule: int) -> tuple[int, ...]:
    """The line with hinges through the eight outcomes: its height at 0, then the changes of its slope at 0 to 6."""
    bits = outcomes(rule)
    slopes = np.diff(bits)  # [7]
    return (bits[0], *(int(w) for w in np.diff(slopes, prepend=0)))


COORDINATES = ("cell", "one", "read", "new")
HINGES = ("height at 0", *(f"from {k}" for k in range(7)))


@functools.lru_cache(maxsize=64)
def machine(rule: int, width: int = WIDTH) -> Machine:
    """The transformer that is rule N: what differs between two of them are the eight numbers of mlp.W_out alone.

    width: cells of a row; of another one, three numbers of attn.bias stand at other distances
    """
    context = 2 * width + 1
    config = HandMadeConfig(n_layers=1, n_heads=1, d_model=4, d_head=1, d_mlp=8, n_vocab=2, n_ctx=context)
    looks = {width: math.log(4), width - 1: math.log(2), width - 2: 0.0}
    return written(
        config,
        {"V": ("0", "1"), "D": COORDINATES, "F": HINGES},
        {
            "embed.W_E": {("0", "one"): 1, ("1", "one"): 1, ("1", "cell"): 1},
            "blocks.0.attn.bias": {(0, back): looks.get(back, NEVER) for back in range(context)},
            "blocks.0.attn.W_V": {(0, "cell", 0): 1},
            "blocks.0.attn.W_O": {(0, 0, "read"): 7},
            "blocks.0.mlp.W_in": {
                ("one", 0): 1,
                **{("read", k + 1): 1 for k in range(7)},
                **{("one", k + 1): -k for k in range(1, 7)},
            },
            "blocks.0.mlp.W_out": {(k, "new"): w for k, w in enumerate(eight_numbers(rule))},
            "unembed.W_U": {("new", "1"): 1, ("one", "0"): 0.5},
        },
        f"rule {rule}" if width == WIDTH else f"rule {rule}, rows of {width}",
    )  # fmt: skip


@functools.lru_cache(maxsize=64)
def random_model(seed: int) -> Model:
    """The same architecture and sizes, every weight drawn at random: from a normal distribution, divided by the root of
    how many numbers each sum has."""
    config = machine(110).model.config
    rng = np.random.default_rng(seed)
    params = {}
    for name, shape in config.parameter_shapes.items():
        spread = 2.0 if name.endswith("bias") else 1.0 if name == "embed.W_E" else 1 / math.sqrt(shape[-2])
        array = rng.normal(0, spread, shape)
        if name.endswith("bias"):
            array[:, READS:] = NEVER  # it may read as far back as the one made by hand
        params[name] = lock(array.astype(np.float32))
    return Model(config, params, f"random weights {seed}")


# ---------------------------------------------------------------- what they write


@dataclass(frozen=True)
class Run:
    """Rows of cells that a transformer has written.

    rows:   [ROWS + 1, WIDTH], the first is the prompt's
    wrong:  how many cells are not what the rule says; largest: the largest difference between the number that the MLP
            writes and the cell that the rule says; both None where there is no rule to compare with
    """

    rows: Array
    wrong: int | None = None
    largest: float | None = None

    @property
    def compared(self) -> int:
        return (len(self.rows) - 1) * WIDTH


def rows_of(start: tuple[int, ...], cells: list[int]) -> Array:
    """[ROWS + 1, WIDTH]"""
    return np.array([*start[1:], *cells], np.int8).reshape(-1, WIDTH)


@functools.lru_cache(maxsize=32)
def run(rule: int, start: str, seed: int, rows: int = ROWS) -> Run:
    """What the transformer that is rule N writes, held against the rule cell by cell."""
    prompt = first_row(start, seed)
    made = machine(rule)
    cells, streams = by_guessing(made.model, prompt, rows * WIDTH, READS, WIDTH)
    right = exact(rule, prompt, rows * WIDTH)
    off = np.abs(streams[:, COORDINATES.index("new")].astype(np.float64) - right)
    return Run(rows_of(prompt, cells), sum(a != b for a, b in zip(cells, right, strict=True)), float(off.max()))


@functools.lru_cache(maxsize=32)
def random_run(number: int, start: str, seed: int, rows: int = ROWS) -> Run:
    """What the same architecture writes behind the same first row with random weights."""
    prompt = first_row(start, seed)
    cells, _ = by_guessing(random_model(number), prompt, rows * WIDTH, READS, WIDTH)
    return Run(rows_of(prompt, cells))


@functools.lru_cache(maxsize=8)
def changed(rule: int, seed: int, rows: int = ROWS) -> Array:
    """Which cells behind the stripes with one wrong cell are not what they would be without it. [rows + 1, WIDTH]"""
    as_it_is, as_it_was = first_row("stripes", seed), stripes()
    found, usual = (rows_of(start, exact(rule, start, rows * WIDTH)) for start in (as_it_is, as_it_was))
    return found != usual


def kind_of(rows: Array) -> str:
    """What kind of picture the second half of some rows is: 'one colour', 'stripes' that come back after at most
    eight cells, or 'something else'. rows: [R, WIDTH]"""
    cells = np.asarray(rows)[len(rows) // 2 :].ravel()
    if (cells == cells[0]).all():
        return "one colour"
    if any((cells[period:] == cells[:-period]).all() for period in range(2, 9)):
        return "stripes"
    return "something else"


@kept
def all_rules(rows: int) -> tuple[int, int, float]:
    """Every rule from a first row of its own at random: cells compared, how many are wrong, the largest error."""
    runs = [run(rule, "random", rule, rows) for rule in range(RULES)]
    return sum(r.compared for r in runs), sum(r.wrong or 0 for r in runs), max(r.largest or 0.0 for r in runs)


@kept
def random_kinds(models: int, rows: int) -> dict[str, int]:
    """So many models with random weights, behind a first row at random: how many write a picture of each kind."""
    found = dict.fromkeys(("one colour", "stripes", "something else"), 0)
    for number in range(models):
        found[kind_of(random_run(number, "random", number, rows).rows[1:])] += 1
    return found

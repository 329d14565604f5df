"""The model made by hand beside the trained ones: the same letters twice, and the two heads that matter in each."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out
from explainer.kernel.interventions import HeadOff
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import softmax
from explainer.models import copier, lab
from explainer.models.measured import kept
from explainer.studies import copying as study
from explainer.studies.copying import Copied, Writes

Array = np.ndarray

HAND = "hand"
WHO = {HAND: "made by hand", "4": "trained, 4 layers", "2": "trained, 2 layers", "1": "trained, 1 layer"}
"""The machines, by what addresses call them."""
ROWS = 40  # on which the scores of all heads are measured
OFF = {"nothing": "nothing", "first": "its first head", "second": "its second head"}


def model_of(who: str, sharpness: float = 1.0) -> Model:
    """One of the machines. sharpness: of the one made by hand"""
    return copier.model(sharpness) if who == HAND else lab.model(lab.FAMILY[int(who)])


def row_of(who: str, letters: str) -> study.Row:
    """Letters, said twice, as a machine gets them: after the token that starts every text of its."""
    if who == HAND:
        return copier.tokens_of(letters * 2)
    tokens = [study.letters()[copier.LETTERS.index(letter)] for letter in letters]
    return (lab.tokenizer(lab.STORYTELLER).end_id, *tokens, *tokens)


def rows_of(who: str) -> tuple[study.Row, ...]:
    """Random rows for a machine: of words and pieces of names for the trained, of letters for the one made by hand."""
    if who == HAND:
        return study.rows(0, range(1, copier.N), ROWS)
    return study.rows(lab.tokenizer(lab.STORYTELLER).end_id, study.pool(), ROWS)


@kept
def scores(who: str) -> Copied:
    """How well a machine copies random rows, and the scores of every head on them."""
    return study.copied(model_of(who), rows_of(who))


@kept
def of_any_tokens(who: str) -> held_out.Mean:
    """The same share on rows of any tokens of a storyteller's vocabulary, most of which hardly ever stand alone."""
    m, start = model_of(who), lab.tokenizer(lab.STORYTELLER).end_id
    return study.copied(m, study.rows(start, range(m.config.n_vocab), ROWS)).right


@kept
def writes(who: str) -> Writes:
    """What every head of a machine writes, by its weights."""
    return study.writes(model_of(who), range(1, copier.N) if who == HAND else study.pool())


@functools.cache
def heads(who: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two heads that are shown of a machine, (layer, head) each, by their scores on random rows.

    second: reads most of what followed the same token before; first: of those below it, reads most of the token before.
    In a single layer nothing is below: then of the other heads.
    """
    found = scores(who).scores
    layer, head, _ = found.best("induction")
    before = found.scores["previous_token"].copy()
    before[max(layer, 1) :] = -1
    before[layer, head] = -1
    return tuple(int(k) for k in np.unravel_index(before.argmax(), before.shape)), (layer, head)  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Try:
    """What a machine makes of one row.

    says:   for each place, the letter that it holds likeliest next, or another token as pages write it
    chance: for each place that is asked, the chance of the right letter; right: the share of places where it is the
            likeliest
    reads:  [T, T] each, what the first head and the second read
    before, followed: the share of its reading that the first head gives to the letter before, on average; and the
            second, where it is asked, to what followed the same letter earlier
    """

    row: study.Row
    says: tuple[str, ...]
    chance: tuple[float, ...]
    right: float
    reads: tuple[Array, Array]
    before: float
    followed: float


@functools.lru_cache(maxsize=32)
def attempt(who: str, letters: str, off: str = "nothing", sharpness: float = 1.0) -> Try:
    """Let a machine read letters said twice. off: of OFF; which of its two heads is taken out"""
    m, row = model_of(who, sharpness), row_of(who, letters)
    trace = forward(m.params, row, m.config, taken_out(who, off))
    odds = softmax(trace["logits"].astype(np.float64))
    names = {token: letter for letter, token in zip(copier.LETTERS, row_of(who, copier.LETTERS)[1:27], strict=True)}
    best = odds.argmax(axis=-1)
    places = study.asked(row)
    reads = tuple(trace[f"blocks.{layer}.attn.pattern"][head] for layer, head in heads(who))
    T = len(row)
    half = len(letters)
    followed = [float(reads[1][t, t - half + 1]) for t in places]
    return Try(
        row,
        tuple(names.get(int(token)) or other(who, int(token)) for token in best),
        tuple(float(odds[t, row[t + 1]]) for t in places),
        float(np.mean([best[t] == row[t + 1] for t in places])),
        (reads[0], reads[1]),
        float(reads[0][np.arange(1, T), np.arange(T - 1)].mean()),
        float(np.mean(followed)),
    )


def other(who: str, token: int) -> str:
    """A token that is no letter, as it is written: what a machine says where it does not copy."""
    return copier.START if who == HAND else lab.tokenizer(lab.STORYTELLER).display(token)


def other_letters(letters: str) -> str:
    """As many different letters, drawn anew; the same ones for the same letters, so that a press can be linked to."""
    rng = np.random.default_rng([copier.LETTERS.index(letter) for letter in letters])
    return "".join(copier.LETTERS[int(k)] for k in rng.permutation(26)[: max(len(letters), 6)])


def taken_out(who: str, off: str) -> tuple[HeadOff, ...]:
    """The intervention that takes one of a machine's two heads out. off: of OFF"""
    first, second = heads(who)
    return {"nothing": (), "first": (HeadOff(*first),), "second": (HeadOff(*second),)}[off]


@kept
def without(who: str, off: str) -> Copied:
    """The same rows as in `scores`, with one of the two heads off."""
    return study.copied(model_of(who), rows_of(who), taken_out(who, off))

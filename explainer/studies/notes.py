"""Hidden notes: what columns leave for later ones to read, and what becomes of a text when they are exchanged.

A later column reads the keys and values of earlier ones, not their tokens. So notes can be forged under a tape that
stays as it is, and whatever then changes later, the notes have caused. Two questions are asked in this way.

Forged notes: does the story go by the tape or by the notes? And does it heal when they are made again from the tape?

Held for later: does an earlier column hold something that its own next token has no use for and a later one has? Two
tapes are alike but for an early part. In one column whose token is the same in both, the notes of the second are put
under the first. If a later token then moves, that column held something of the early part for it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out, names
from explainer.corpus.held_out import Mean
from explainer.corpus.lexicon import ADJECTIVES, BOYS, GIRLS
from explainer.kernel.cache import KVCache, step
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import softmax
from explainer.models import lab
from explainer.models.measured import kept
from explainer.studies import working
from explainer.studies.working import Score

Array = np.ndarray
Tokens = tuple[int, ...]

# ---------------------------------------------------------------- reading on


def read(model: Model, tape: Sequence[int]) -> KVCache:
    """The notes of a tape: the keys and values that a pass over it leaves behind."""
    return KVCache.of(forward(model.params, tuple(tape), model.config))


def next_odds(model: Model, cache: KVCache, token: int) -> Array:
    """The distribution of the next token when `token` is read with these notes. [V], float64, at temperature 1"""
    return softmax(step(model.params, cache, token).logits.astype(np.float64))


def go_on(model: Model, cache: KVCache, token: int, most: int) -> Tokens:
    """What the loop writes after `token` with these notes, always the most likely token: `most` tokens, fewer if the
    text ends or the context is full. What it writes leaves notes of its own, made of those that it read."""
    written: list[int] = []
    while len(written) < most and not cache.full:
        turn = step(model.params, cache, token)
        cache, token = turn.cache, int(turn.logits.argmax())
        written.append(token)
        if token == lab.tokenizer().end_id:
            break
    return tuple(written)


# ---------------------------------------------------------------- forged notes


@dataclass(frozen=True, eq=False)
class Forged:
    """One tape, read with its own notes, with forged ones, and with notes that were made again.

    tape, donor:  the two texts; columns: where the donor's notes were put under the tape
    own, forged, anew: [V], the odds of the next token. anew: the tape read once more, from its beginning
    told, misled, healed: what the loop goes on with, each time the most likely token. healed: the first token was still
                  written with forged notes; then all notes were made again from the tape, which now has that token
    """

    tape: Tokens
    donor: Tokens
    columns: Tokens
    own: Array
    forged: Array
    anew: Array
    told: Tokens
    misled: Tokens
    healed: Tokens

    @property
    def error(self) -> float:
        """The largest difference of any probability between the first reading and the one made again: rounding."""
        return float(np.abs(self.own - self.anew).max())


def may_be_forged(tape: Sequence[int], donor: Sequence[int]) -> int:
    """How many columns, from the left, can have the donor's notes: all but the tape's last, which is being read."""
    return min(len(tape) - 1, len(donor))


def apart(tape: Sequence[int], donor: Sequence[int]) -> Tokens:
    """The columns at which two tapes have different tokens, of those that can be forged."""
    return tuple(i for i in range(may_be_forged(tape, donor)) if tape[i] != donor[i])


@lab.per_model(64)
def forge(tape: Tokens, donor: Tokens, columns: Tokens, most: int) -> Forged:
    """Read a tape with the donor's notes in some columns, and let it go on for `most` tokens. See `Forged`."""
    model = lab.model(lab.STORYTELLER)
    own = read(model, tape[:-1])
    swapped = own.forged(read(model, donor), columns) if columns else own
    anew = forward(model.params, tape, model.config)
    misled = go_on(model, swapped, tape[-1], most)
    longer = (*tape, *misled[:1])
    healed = go_on(model, read(model, longer[:-1]), longer[-1], most - 1)
    return Forged(
        tape,
        donor,
        columns,
        next_odds(model, own, tape[-1]),
        next_odds(model, swapped, tape[-1]),
        softmax(anew["logits"][-1].astype(np.float64)),
        go_on(model, own, tape[-1], most),
        misled,
        (*misled[:1], *healed),
    )


def piece_by_piece(of: Forged) -> tuple[dict[int, Array], list[Array]]:
    """The odds of the next token with less forged: {column: [V]}, in that column alone; and [V] for each layer, in that
    layer alone of all columns."""
    model = lab.model(lab.STORYTELLER)
    own, other = read(model, of.tape[:-1]), read(model, of.donor)

    def odds(columns: Sequence[int], layers: Sequence[int] | None = None) -> Array:
        return next_odds(model, own.forged(other, columns, layers), of.tape[-1]) if columns else of.own

    columns = {column: odds([column]) for column in of.columns}
    return columns, [odds(of.columns, [layer]) for layer in range(model.config.n_layers)]


def pairs() -> list[tuple[str, str, str]]:
    """Tapes, donors and controls: 'Once there was a brave girl named Lily.', the same with a boy and his name, and the
    same with another girl's name; and the other way round. Every adjective of one token, every name."""
    one = [a for a in ADJECTIVES.weights if len(lab.tokenizer(lab.STORYTELLER).encode_word(a)) == 1]
    girls, boys = (" girl", list(GIRLS.weights)), (" boy", list(BOYS.weights))
    found = []
    for a in one:
        for (who, own), (other, others) in ((girls, boys), (boys, girls)):
            for k, name in enumerate(own):
                children = ((who, name), (other, others[k]), (who, own[k - 1]))
                told, donor, control = (f"Once there was a{a}{kind} named{called}." for kind, called in children)
                found.append((told, donor, control))
    return found


HOW = {
    "both": "the two words that differ",
    "kind": "the word girl or boy alone",
    "name": "the name alone",
    "same": "control: those of another child of the same kind",
    "anew": "forged, then made again from the tape",
}
"""The ways in which `obeyed` forges, and what pages call them."""


@kept
def obeyed(how: str) -> Score:
    """In how many of `pairs` the most likely next token is the one that the donor's tape calls for.

    how: a key of HOW. Of the control, whose tape calls for the same token: in how many another token comes.
    """
    model, won = lab.model(lab.STORYTELLER), 0
    for told, given, control in pairs():
        tape, donor, sister = (lab.tokens_of(text, lab.STORYTELLER) for text in (told, given, control))
        both, like = apart(tape, donor), apart(tape, sister)
        own = read(model, tape[:-1])
        wanted, said = (int(forward(model.params, t, model.config)["logits"][-1].argmax()) for t in (donor, tape))
        if how == "anew":
            won += said == wanted
            continue
        source, columns = (
            (sister, like) if how == "same" else (donor, {"kind": both[:1], "name": both[1:]}.get(how, both))
        )
        found = int(next_odds(model, own.forged(read(model, source), columns), tape[-1]).argmax())
        won += found != said if how == "same" else found == wanted
    return Score(won, len(pairs()))


# ---------------------------------------------------------------- held for later


@dataclass(frozen=True)
class Case:
    """Two tapes that are alike but for an early part, and a token that comes later.

    tape, donor: of one length, and with the same last token, after which the later token is asked
    first:   the first column at which they differ: no note to the left of it can differ
    mark:    the column in question: its token is the same in both
    want:    the later token whose chance is followed; None: the whole distribution is
    """

    kind: str
    tape: Tokens
    donor: Tokens
    first: int
    mark: int
    want: int | None

    @property
    def columns(self) -> range:
        """The columns whose notes may differ, but for the last, which asks."""
        return range(self.first, len(self.tape) - 1)


KINDS = {"name": "A name", "sum": "A sum", "asked": "Another name"}
SAMPLE = 100
SEED = 5


@functools.cache
def case(kind: str, index: int) -> Case:
    """The index-th case of a kind.

    name:  "... a shy dragon called Zo-vi. It was happy to be called Zo": will it say "-vi"? The donor is the tape on
           which the dragon is called Ka-vi, so "-vi" is the same token in both.
    asked: the other way round: the dragon is Zo-vi, and Ka is asked for. After it only a Ka-vi would have "-vi".
    sum:   "Add 3 + 9 + 7. Answer:", and the same with three other numbers and another sum.
    """
    rng = np.random.default_rng([SEED, index])
    if kind != "sum":
        first, other, later = (str(s) for s in rng.choice(names.SYLLABLES, 3, replace=False))
        asked = first if kind == "name" else other
        tape, donor = (_of_a_dragon(begins, later, asked) for begins in (first, other))
        differ = apart(tape, donor)
        return Case(kind, tape, donor, differ[0], differ[0] + 1, tape[differ[0] + 1])
    terms, others = (tuple(int(n) for n in rng.integers(1, 10, working.FEWEST)) for _ in range(2))
    if any(a == b for a, b in zip(terms, others, strict=True)) or sum(terms) == sum(others):
        return case(kind, index + SAMPLE)
    tape, donor = (lab.tokens_of(working.opening(t, "answer"), lab.STORYTELLER) for t in (terms, others))
    differ = apart(tape, donor)
    return Case(kind, tape, donor, differ[0], differ[-1] + 1, None)


def _of_a_dragon(first: str, later: str, asked: str) -> Tokens:
    name, again = f"{first.capitalize()}-{later}", asked.capitalize()
    text = f"Far away lived a shy dragon called {name}. It was happy to be called {again}"
    return lab.tokens_of(text, lab.STORYTELLER)


def moved(before: Array, after: Array) -> float:
    """How much of the probability has to move from one distribution to make the other, 0 to 1: total variation."""
    return float(np.abs(before - after).sum() / 2)


@dataclass(frozen=True)
class Held:
    """What one column's notes hold, by exchanging them.

    column: whose notes were exchanged
    later:  how much of the probability of the later token moves
    was, chance: the chance of the token that is followed, before and then (nan where none is)
    own:    how much the forecast *at that column* of its own next token differs between the two tapes
    """

    column: int
    later: float
    was: float
    chance: float
    own: float


class Readings:
    """A case as a model reads it: the forecasts and notes of both tapes, from one pass each.

    forecasts: [2] of [T, V], of the tape and of the donor, at each column; before: [V], the odds of the later token
    """

    def __init__(self, model: Model, of: Case):
        self.model, self.of = model, of
        traces = [forward(model.params, tokens, model.config) for tokens in (of.tape, of.donor)]
        self.forecasts = [softmax(t["logits"].astype(np.float64)) for t in traces]
        self.own, self.other = (KVCache.of(t).begin(len(of.tape) - 1) for t in traces)
        self.before = next_odds(model, self.own, of.tape[-1])

    def exchange(self, columns: Sequence[int], layers: Sequence[int] | None = None) -> Array:
        """The odds of the later token with the donor's notes in some columns and layers. [V]"""
        swapped = self.own.forged(self.other, columns, layers) if columns else self.own
        return next_odds(self.model, swapped, self.of.tape[-1])

    def at_random(self, columns: Sequence[int], rng: np.random.Generator) -> Array:
        """The same with the notes changed by as much, in a direction drawn at random."""
        swapped = as_large(self.own, self.own.forged(self.other, columns), columns, rng)
        return next_odds(self.model, swapped, self.of.tape[-1])

    def own_moves(self, column: int) -> float:
        """How much a column's forecast of its own next token differs between the two tapes."""
        return moved(self.forecasts[0][column], self.forecasts[1][column])


def as_large(own: KVCache, other: KVCache, columns: Sequence[int], rng: np.random.Generator) -> KVCache:
    """Notes changed by as much as `other` differs from them in some columns, but in a direction drawn at random."""
    rows = {}
    for key, array in own.rows.items():
        new = array.copy(order="K")
        for column in columns:
            change = other.rows[key][column] - array[column]
            noise = rng.normal(size=change.shape)
            new[column] += (noise * np.linalg.norm(change) / np.linalg.norm(noise)).astype(new.dtype)
        rows[key] = new
    return KVCache(own.config, own.tokens, rows)


@lab.per_model(32)
def held(of: Case, name: str = lab.STORYTELLER) -> tuple[Held, ...]:
    """What each column holds, one after the other. name: of one of the project's own models"""
    readings, found = Readings(lab.model(name), of), []
    for column in of.columns:
        after = readings.exchange([column])
        was, now = (math.nan if of.want is None else float(odds[of.want]) for odds in (readings.before, after))
        found.append(Held(column, moved(readings.before, after), was, now, readings.own_moves(column)))
    return tuple(found)


WHAT = {
    "own": "nothing",
    "mark": "the column in question",
    "noise": "in question, but as large a change at random",
    "differs": "where the tokens differ",
    "else": "two columns further on",
    "all": "every column",
}
"""What `tried` exchanges, and what pages call it."""


@kept
def tried(kind: str, name: str = lab.STORYTELLER) -> dict[str, tuple[Mean, Mean, Mean]]:
    """Over SAMPLE cases: {key of WHAT: (how much the later token moves, its chance, how much the own forecast moves)}.

    kind: a key of KINDS. Of a sum the column in question is every one behind the numbers, and the chance is that of the
    number that the donor's tape calls for. The own forecast: the mean over the columns exchanged.
    """
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[tuple[float, float, float]]] = {what: [] for what in WHAT}
    for index in range(SAMPLE):
        of = case(kind, index)
        readings = Readings(lab.model(name), of)
        want = int(readings.forecasts[1][-1].argmax()) if of.want is None else of.want
        for what, found in rows.items():
            columns = _columns(of, what)
            after = readings.at_random(columns, rng) if what == "noise" else readings.exchange(columns)
            forecast = float(np.mean([readings.own_moves(k) for k in columns])) if columns else 0.0
            found.append((moved(readings.before, after), float(after[want]), forecast))
    each = np.ones(SAMPLE)
    return {
        what: tuple(held_out.mean(np.array(column), each) for column in zip(*found, strict=True))  # type: ignore[misc]
        for what, found in rows.items()
    }


def _columns(of: Case, what: str) -> list[int]:
    behind = list(of.columns)[of.mark - of.first :]
    mark = behind if of.kind == "sum" else behind[:1]
    others = {"own": [], "differs": list(apart(of.tape, of.donor)), "else": behind[2:3], "all": list(of.columns)}
    return others.get(what, mark)


@kept
def by_layer(name: str = lab.STORYTELLER) -> tuple[float, ...]:
    """Of the names: the mean chance of the later token when the column's notes are exchanged in one layer only. [L]"""
    model, chances = lab.model(name), []
    for index in range(SAMPLE):
        of = case("name", index)
        readings = Readings(model, of)
        chances.append([float(readings.exchange([of.mark], [k])[of.want]) for k in range(model.config.n_layers)])
    return tuple(float(x) for x in np.mean(chances, axis=0))

"""Sums of three to five numbers, answer first or working first: what the order of writing does to the answer.

The corpus writes both: "Add 4 + 7 + 5. Steps: 4 + 7 = 11, 11 + 5 = 16. Answer: 16." and, less often,
"Add 4 + 7 + 5. Answer: 16. Steps: ...". The reader decides the order by writing "Steps:" or "Answer:" into the
model's mouth; everything after that is the model's own, greedily (the most likely token each time).

There is one set of sums, `sums()`, one criterion, `Attempt.right`, and one function that scores a model on them,
`score()`. Every page and the model cards use these three, so a share of right sums is the same wherever it is stated.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explainer.kernel.cache import KVCache, step
from explainer.kernel.model import Model, forward
from explainer.models import lab
from explainer.models.measured import kept

Terms = tuple[int, ...]
FEWEST, MOST = 3, 5
LONGEST = 64  # tokens the model may write before we stop it


# ---------------------------------------------------------------- the texts


def parse_terms(text: str) -> Terms:
    """Numbers out of what a reader typed: "4 + 7 + 5" or "4 7 5". Raises ValueError in plain words."""
    found = re.findall(r"[0-9]+", text)
    terms = tuple(int(n[:6]) for n in found[: MOST + 1])
    if not FEWEST <= len(terms) <= MOST:
        raise ValueError(f"The corpus adds {FEWEST} to {MOST} numbers at a time; write that many, such as 4 + 7 + 5.")
    if not all(1 <= n <= 9 for n in terms):
        raise ValueError("The corpus adds numbers from 1 to 9 only.")
    return terms


def task(terms: Terms) -> str:
    """The question, as the corpus writes it."""
    return f"Add {' + '.join(map(str, terms))}."


def working(terms: Terms) -> str:
    """The right working, as the corpus writes it."""
    total, lines = terms[0], []
    for term in terms[1:]:
        lines.append(f"{total} + {term} = {total + term}")
        total += term
    return f" Steps: {', '.join(lines)}."


def result(number: int) -> str:
    """An answer, as the corpus writes it."""
    return f" Answer: {number}."


ORDERS = {
    "answer": "Answer first",
    "working": "Working first",
    "wrong": "A wrong answer put in its mouth",
}
GIVEN, UNFINISHED, SHORT, FORGED = "given", "unfinished", "short", "forged"
HANDED = {
    GIVEN: "Right working, given by us",
    UNFINISHED: "The same but for its last result",
    SHORT: "The same but for its last step",
    FORGED: "A wrong first step, given by us",
}
"""More orders, for comparison: working that we wrote.

The model goes on where our text ends: in GIVEN and SHORT behind "Answer:", in UNFINISHED behind the "=" of the last
step, in FORGED behind the first step, whose result is FORGERY too much.
"""
FORGERY = 2


def handed(terms: Terms, order: str) -> str:
    """The working that we write in an order of HANDED, up to where the model goes on."""
    if order == FORGED:
        return f" Steps: {terms[0]} + {terms[1]} = {terms[0] + terms[1] + FORGERY},"
    whole = working(terms)
    return {
        GIVEN: f"{whole} Answer:",
        UNFINISHED: f"{whole.rpartition('=')[0]}=",
        SHORT: f"{whole.rpartition(',')[0]}. Answer:",
    }[order]


def leads_to(terms: Terms, order: str) -> int:
    """The number that the text leads to, were it true: the sum, if nothing was forged or left out."""
    return sum(terms) + {FORGED: FORGERY, SHORT: -terms[-1]}.get(order, 0)


def opening(terms: Terms, order: str, wrong: int = 0) -> str:
    """The task and the words that we put into the model's mouth. order: a key of ORDERS or HANDED"""
    if order in HANDED:
        return task(terms) + handed(terms, order)
    return task(terms) + {"answer": " Answer:", "working": " Steps:", "wrong": f"{result(wrong)} Steps:"}[order]


def right_text(terms: Terms, order: str, wrong: int = 0) -> str:
    """The whole document as it would be without a mistake of the model's own."""
    total = sum(terms)
    if order == FORGED:  # every later step right, but for what the first one handed on
        later = working((terms[0] + terms[1] + FORGERY, *terms[2:])).removeprefix(" Steps:")
        return f"{opening(terms, order)}{later}{result(leads_to(terms, order))}"
    if order == SHORT:
        return f"{opening(terms, order)} {leads_to(terms, order)}."
    if order in ("working", GIVEN, UNFINISHED):
        return task(terms) + working(terms) + result(total)
    return task(terms) + result(total if order == "answer" else wrong) + working(terms)


# ---------------------------------------------------------------- the most likely text, quickly


def greedy(model: Model, context: Sequence[int], most: int, stop: int, draft: Sequence[int] = ()) -> tuple[int, ...]:
    """What the loop writes at temperature 0: always the most likely token, until `stop` or `most` tokens.

    draft: a guess of the result. One pass checks all of it at once: as long as the most likely token is the guessed
           one, the guess is what the loop would have written (the idea of Leviathan et al. 2023, at temperature 0).
           The result is the same with any guess or none; only the number of passes differs.
    returns: the written tokens, `stop` included if it was reached
    """
    tape = tuple(context)
    n_start = len(tape)
    guess = tuple(draft)
    for _ in range(3):
        if not guess:
            break
        guess = guess[: max(0, model.config.n_ctx - len(tape))]
        logits = forward(model.params, tape + guess, model.config)["logits"][len(tape) - 1 :]
        best = [int(t) for t in logits.argmax(axis=-1)]
        agreed = next((i for i, (g, b) in enumerate(zip(guess, best, strict=False)) if g != b), len(guess))
        tape += (*guess[:agreed], best[agreed])
        guess = guess[agreed + 1 :]
    written = list(tape[n_start:])
    if stop not in written and len(written) < most:
        trace = forward(model.params, tape[-model.config.n_ctx :], model.config)
        cache, logits = KVCache.of(trace), trace["logits"][-1]
        while len(written) < most:
            written.append(int(logits.argmax()))
            if written[-1] == stop:
                break
            turn = step(model.params, cache, written[-1])
            cache, logits = turn.cache, turn.logits
    written = written[:most]
    return tuple(written[: written.index(stop) + 1] if stop in written else written)


# ---------------------------------------------------------------- one sum, three ways


@dataclass(frozen=True)
class Attempt:
    """What the model wrote after an opening.

    order:   a key of ORDERS or HANDED
    opening: the tokens that it was given, the start token included
    written: the tokens that it wrote, greedily
    text:    all of it as text
    answer:  the number after "Answer:", None if there is none
    reached: the number at which its working ends, None if there is none
    total:   the right sum
    """

    order: str
    opening: tuple[int, ...]
    written: tuple[int, ...]
    text: str
    answer: int | None
    reached: int | None
    total: int

    @property
    def right(self) -> bool:
        """The criterion: the first number after "Answer:" is the sum, whatever its working says.

        Where we put a wrong answer in its mouth: the last number of its working is the sum.
        """
        return (self.reached if self.order == "wrong" else self.answer) == self.total


def attempt(terms: Terms, order: str, wrong: int = 0, name: str = lab.STORYTELLER) -> Attempt:
    """Let the model finish one sum, answer first, working first, or after a wrong answer that we wrote."""
    return _attempt(tuple(terms), order, wrong, name)


@functools.lru_cache(maxsize=4096)
def _attempt(terms: Terms, order: str, wrong: int, name: str) -> Attempt:
    tokenizer = lab.tokenizer()
    start = opening(terms, order, wrong)
    given = lab.tokens_of(start)
    expected = lab.tokens_of(right_text(terms, order, wrong))
    draft = (*expected[len(given) :], tokenizer.end_id) if expected[: len(given)] == given else ()
    written = greedy(lab.model(name), given, LONGEST, tokenizer.end_id, draft)
    body = written[:-1] if written and written[-1] == tokenizer.end_id else written
    text = tokenizer.decode((*given[1:], *body))
    steps = re.search(r" Steps:([^.]*)\.", text)
    reached = re.search(r"= ([0-9]+)$", steps[1]) if steps else None
    return Attempt(order, given, written, text, stated(text), int(reached[1]) if reached else None, sum(terms))


def stated(text: str) -> int | None:
    """The first number after "Answer:", if a full stop shows its end."""
    found = re.search(r" Answer: ([0-9]+)\.", text)
    return int(found[1]) if found else None


# ---------------------------------------------------------------- many sums, measured


@dataclass(frozen=True)
class Score:
    """How often, out of how many, with the 95 % interval that this many trials allow."""

    right: int
    of: int

    @property
    def share(self) -> float:
        """Between 0 and 1; nan without trials."""
        return self.right / self.of if self.of else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval (Wilson 1927), which stays inside 0 and 1 also for few trials.

        With none right its lower end is 0, with all right its upper end is 1: exactly, not but for rounding.
        """
        if not self.of:
            return (0.0, 1.0)
        z, n, p = 1.959964, self.of, self.share
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        reach = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return (middle - reach if self.right else 0.0, middle + reach if self.right < n else 1.0)


SERIES = 0  # the seed of the one set of sums
SUMS = 100  # of each length
IN_ALL = SUMS * (MOST - FEWEST + 1)


def sums(n_terms: int, count: int = SUMS) -> list[Terms]:
    """The one set of sums: `count` of so many terms, numbers from 1 to 9, the same every time.

    They are the sums of that length in the series `example`, which `measure` goes through from its beginning.
    """
    lengths = MOST - FEWEST + 1
    return [example(SERIES, lengths * i + n_terms - FEWEST)[0] for i in range(count)]


@kept
def score(name: str, order: str, n_terms: int | None = None, led: bool = False) -> Score:
    """How many of the one set of sums a model gets right: the figure for every page and card.

    name:    of a checkpoint
    order:   "answer" (at once), "working" (its own working first) or a key of HANDED (our working first)
    n_terms: the sums of this length, SUMS of them; None: those of all lengths together
    led:     count not the answers that are the sum but those that are what the text leads to (`leads_to`)
    Right is what `Attempt.right` calls right. "wrong" and what follows a wrong answer: see `measure`.
    """
    if n_terms is None:
        each = [score(name, order, n, led) for n in range(FEWEST, MOST + 1)]
        return Score(sum(s.right for s in each), sum(s.of for s in each))
    if order == "wrong":
        raise ValueError("a wrong answer is scored by `measure`, which knows what was put in")
    tried = [(attempt(terms, order, name=name), terms) for terms in sums(n_terms)]
    right = [a.answer == leads_to(terms, order) if led else a.right for a, terms in tried]
    return Score(sum(right), len(right))


LARGE = 40  # the sums of five that come to so much are 4 in a thousand: hardly any stood in a training text
EVERY = 6


def large_sums() -> list[Terms]:
    """The sums of five numbers that come to LARGE or more, in every order of their numbers: one of EVERY of them."""
    return [terms for terms in itertools.product(range(4, 10), repeat=MOST) if sum(terms) >= LARGE][::EVERY]


@kept
def score_large(name: str, order: str) -> Score:
    """How many of the large sums a model gets right, by the criterion of `score`."""
    tried = [attempt(terms, order, name=name).right for terms in large_sums()]
    return Score(sum(tried), len(tried))


@dataclass(frozen=True)
class Measured:
    """Many sums of one length, each asked three times.

    terms:         how many numbers each sum has
    answer_first, working_first: how often the answer was right
    after_wrong:   after a wrong answer put in its mouth, how often the working still ended at the right sum
    gave_in:       ... and how often at the wrong answer instead
    own_wrong:     of its own wrong first answers, after how many the working that follows ended at the right sum
    """

    terms: int
    answer_first: Score
    working_first: Score
    after_wrong: Score
    gave_in: Score
    own_wrong: Score


def example(seed: int, index: int) -> tuple[Terms, int]:
    """The index-th sum of a series: 3, 4, 5, 3, 4, 5 ... numbers from 1 to 9, and a wrong answer near the right one."""
    rng = np.random.default_rng([seed, index, 77])
    terms = tuple(int(n) for n in rng.integers(1, 10, size=FEWEST + index % (MOST - FEWEST + 1)))
    offset = int(rng.choice([-3, -2, -1, 1, 2, 3]))
    return terms, sum(terms) + offset  # at least 0 and never right


class Tried(NamedTuple):
    """What came of one sum asked three ways: the numbers alone, so that hundreds are small.

    total, wrong: the right sum, and the wrong answer that was put in its mouth
    answer, reached: answer first: what it said, and where the working after it ended
    worked: working first: what it said; bent: after our wrong answer: where the working ended
    """

    total: int
    wrong: int
    answer: int | None
    reached: int | None
    worked: int | None
    bent: int | None


@kept
def _try(seed: int, index: int, name: str) -> Tried:
    terms, wrong = example(seed, index)
    first, then, after = (attempt(terms, order, wrong if order == "wrong" else 0, name) for order in ORDERS)
    return Tried(first.total, wrong, first.answer, first.reached, then.answer, after.reached)


def measure(
    n: int, seed: int = SERIES, name: str = lab.STORYTELLER, at_most: int | None = None
) -> tuple[tuple[Measured, ...], int]:
    """Ask n sums three ways each. One row per number of terms, and a last one (terms = 0) for all together.

    With n = IN_ALL these are the sums of `sums()`, and `answer_first`, `working_first` what `score` says.

    The same n and seed always give the same sums; asking for more keeps those already measured.
    at_most: how many sums to try that have not been tried yet (long work in pieces); None: all that are missing
    returns: the rows, and how many sums they are about (n, or fewer if at_most did not suffice)
    """
    groups: dict[int, list[Tried]] = {k: [] for k in range(FEWEST, MOST + 1)}
    done = new = 0
    while done < n:
        if not _try.known(seed, done, name):  # type: ignore[attr-defined]
            if new == at_most:
                break
            new += 1
        groups[FEWEST + done % len(groups)].append(_try(seed, done, name))
        done += 1
    everything = [row for rows in groups.values() for row in rows]
    return tuple(_score(k, rows) for k, rows in (*groups.items(), (0, everything))), done


def _score(terms: int, rows: list[Tried]) -> Measured:
    n = len(rows)
    mistaken = [row for row in rows if row.answer != row.total]
    return Measured(
        terms,
        Score(sum(row.answer == row.total for row in rows), n),
        Score(sum(row.worked == row.total for row in rows), n),
        Score(sum(row.bent == row.total for row in rows), n),
        Score(sum(row.bent == row.wrong for row in rows), n),
        Score(sum(row.reached == row.total for row in mistaken), len(mistaken)),
    )

"""The same sum, answered at once or after written working: what the loop adds to a stack of fixed height.

The corpus has sums in both orders ("Add 5 + 9 + 1. Steps: 5 + 9 = 14, 14 + 1 = 15. Answer: 15." and, for a quarter of
them, the answer first), so the model can be asked either way. Everything written is the model's most likely token.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from explainer import lab
from explainer.model import forward
from explainer.sampling import generate

ORDERS = ("answer", "steps")
FEWEST, MOST = 3, 5
PROBLEMS = 20
SEED = 2026


def asked(terms: Sequence[int], order: str) -> str:
    """The question, up to where the model goes on: 'Add 5 + 9 + 1. Steps:'."""
    return f"Add {' + '.join(map(str, terms))}. {'Answer' if order == 'answer' else 'Steps'}:"


def correct(terms: Sequence[int], order: str) -> str:
    """What is right to write after `asked`, up to the answer and its full stop."""
    answer = f" {sum(terms)}."
    if order == "answer":
        return answer
    lines, total = [], terms[0]
    for term in terms[1:]:
        lines.append(f"{total} + {term} = {total + term}")
        total += term
    return f" {', '.join(lines)}. Answer:{answer}"


@dataclass(frozen=True)
class Attempt:
    """What the model made of one sum.

    given:   the question's tokens
    written: the model's tokens, up to the full stop after its answer (or until it was stopped)
    answer:  the number it gave, or None
    before:  how many tokens it had written before the first token of its answer
    right:   whether the answer is the sum
    """

    given: tuple[int, ...]
    written: tuple[int, ...]
    answer: int | None
    before: int
    right: bool


@lru_cache(maxsize=64)
def attempt(terms: tuple[int, ...], order: str, name: str = lab.STORYTELLER) -> Attempt:
    """Let the model write, one most likely token after the other, until it has answered."""
    tokenizer = lab.tokenizer()
    given = lab.tokens_of(asked(terms, order))
    room = len(tokenizer.encode(correct(terms, order))) + 4
    steps = generate(lab.model(name), given, room, temperature=0.0, stop=tokenizer.end_id)
    written = tuple(step.token for step in steps)
    pattern = re.compile(r"^\s*(\d+)\." if order == "answer" else r"Answer:\s*(\d+)\.")
    for n in range(1, len(written) + 1):
        text = tokenizer.decode(written[:n])
        found = pattern.search(text)
        if found:
            before = next(k for k in range(n) if len(tokenizer.decode(written[: k + 1]).rstrip()) > found.start(1))
            answer = int(found[1])
            return Attempt(given, written[:n], answer, before, answer == sum(terms))
    return Attempt(given, written, None, len(written), False)


def writes_it_all_right(terms: Sequence[int], order: str, name: str) -> bool:
    """Whether the most likely token is right at every place of the correct text, from the question to the answer.

    Then the model, left alone, would write exactly this text: one forward pass shows it.
    """
    m = lab.model(name)
    given = lab.tokens_of(asked(terms, order))
    whole = lab.tokens_of(asked(terms, order) + correct(terms, order))
    if whole[: len(given)] != given:
        raise ValueError("the question must end at a border between tokens")
    guesses = forward(m.params, whole[:-1], m.config)["logits"].argmax(axis=-1)
    return bool((guesses[len(given) - 1 :] == np.asarray(whole[len(given) :])).all())


def problems(n_terms: int, count: int = PROBLEMS) -> list[tuple[int, ...]]:
    """A fixed list of sums of so many digits from 1 to 9."""
    rng = np.random.default_rng([SEED, n_terms])
    return [tuple(int(x) for x in rng.integers(1, 10, n_terms)) for _ in range(count)]


@lru_cache(maxsize=64)
def share_right(name: str, n_terms: int, order: str) -> float:
    """Of a fixed list of sums, which share the model gets right, working included where it comes first. 0 to 1."""
    return float(np.mean([writes_it_all_right(terms, order, name) for terms in problems(n_terms)]))

"""New pairs in the prompt: 'hat moon, ball pie, hat' and what now? By copying, and by a rule that must be seen.

In pairs that are drawn by chance, the asked word has stood in the prompt with its partner: it can be looked up. In
pairs by a rule (a number and the next one) the asked word has not stood there: its partner must be inferred.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explainer.corpus import held_out
from explainer.corpus.lexicon import ECHO_WORDS, NUMBERS
from explainer.kernel.ops import softmax
from explainer.models import lab
from explainer.models.measured import kept

KINDS = {
    "plain": "pairs, one after the other",
    "mark": "pairs with a mark between them",
    "rule": "pairs by a rule, another one asked",
}
PAIRS = (1, 2, 3, 4, 6, 8)  # how many a prompt shows
PROMPTS = 80  # for each of these numbers


class Prompt(NamedTuple):
    """text: as it is read; answer: the word that would be right; offered: the words that stand there as answers"""

    text: str
    answer: str
    offered: tuple[str, ...]


def words() -> tuple[str, ...]:
    """The words that pairs are made of: those of the corpus that are one token each, but for numbers."""
    tokenizer = lab.tokenizer(lab.STORYTELLER)
    return tuple(w for w in ECHO_WORDS if len(tokenizer.encode_word(w)) == 1 and w not in NUMBERS)


def prompt(kind: str, pairs: int, seed: int) -> Prompt:
    """A prompt of so many pairs and a question. kind: of KINDS"""
    rng = np.random.default_rng((2028, list(KINDS).index(kind), pairs, seed))
    if kind == "rule":
        keys = [int(k) for k in rng.permutation(len(NUMBERS) - 1)[: pairs + 1]]
        shown = [(NUMBERS[k], NUMBERS[k + 1]) for k in keys]
        question, answer = shown.pop()
    else:
        drawn = [words()[int(i)] for i in rng.choice(len(words()), 2 * pairs, replace=False)]
        shown = list(zip(drawn[::2], drawn[1::2], strict=True))
        question, answer = shown[int(rng.integers(pairs))]
    between, end = ("", "") if kind == "plain" else (":", ",")
    text = "".join(f"{key}{between}{value}{end}" for key, value in shown) + question + between
    return Prompt(text, answer, tuple(value for _, value in shown))


@dataclass(frozen=True)
class Said:
    """What a model says of one prompt: its likeliest token, with its chance, and the chance of the right one."""

    token: int
    chance: float
    right: float
    correct: bool


def said(found: Prompt, name: str | None = None) -> Said:
    """Let a model read a prompt. Of an answer of several tokens the first one is asked. name: None: the one in use"""
    name = name or lab.in_use()
    tokens, wanted = lab.tokens_of(found.text, name), lab.tokenizer(name).encode(found.answer)[0]
    with lab.using(name):
        odds = softmax(lab.trace(tokens)["logits"][-1].astype(np.float64))
    best = int(odds.argmax())
    return Said(best, float(odds[best]), float(odds[wanted]), best == wanted)


@dataclass(frozen=True)
class Learnt:
    """For one number of pairs. right: the share of answers that are right; offered: that are one of those offered"""

    pairs: int
    right: held_out.Mean
    offered: held_out.Mean


@kept
def learnt(name: str, kind: str) -> tuple[Learnt, ...]:
    """How often a model of the family says the right word, over the number of pairs before it."""
    found = []
    m, tokenizer = lab.model(name), lab.tokenizer(name)
    for pairs in PAIRS:
        right, offered = [], []
        for seed in range(PROMPTS):
            p = prompt(kind, pairs, seed)
            best = int(m.forward(lab.tokens_of(p.text, name))["logits"][-1].argmax())
            right.append(best == tokenizer.encode(p.answer)[0])
            offered.append(best in [tokenizer.encode(word)[0] for word in p.offered])
        means = [held_out.mean(np.array(x, float), np.ones(PROMPTS)) for x in (right, offered)]
        found.append(Learnt(pairs, *means))
    return tuple(found)


@kept
def alone(name: str) -> tuple[int, int]:
    """Of how many numbers a model says the next one with no pair before the question, and of how many it was asked."""
    m, tokenizer = lab.model(name), lab.tokenizer(name)
    pairs = list(itertools.pairwise(NUMBERS))
    said = [int(m.forward(lab.tokens_of(f"{key}:", name))["logits"][-1].argmax()) for key, _ in pairs]
    return sum(a == tokenizer.encode(value)[0] for a, (_, value) in zip(said, pairs, strict=True)), len(pairs)


def chance(kind: str, pairs: int) -> float:
    """How often it is right to name any of the answers that stand there; by a rule, any other number."""
    return 1 / pairs if kind != "rule" else 1 / (len(NUMBERS) - 1)

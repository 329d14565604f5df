"""How well a model copies what it has just read, and which of its heads look and write as copying needs it.

Rows of different tokens in random order, and the same again: nothing but the repetition says what comes next. On these
are measured the share of tokens said rightly, and two scores of each head: prefix matching (how much it reads of what
followed the same token before) and the previous token (Olsson et al. 2022). The third score, of what a head writes, is
read off its weights: whether a token that is read is made likelier (Elhage et al. 2021).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out, names
from explainer.corpus.lexicon import ECHO_WORDS
from explainer.kernel.heads import HeadScores, Tally
from explainer.kernel.model import Model, forward
from explainer.kernel.trace import Intervention
from explainer.models import lab

Array = np.ndarray
Row = tuple[int, ...]

LENGTH = 20
"""Tokens that a row says twice."""
NOTHING = 1e-9  # a head whose effects on logits are smaller in sum than that has none


def single(words: Sequence[str]) -> tuple[int, ...]:
    """The tokens of those words of the corpus that are one token each."""
    cut = [lab.tokenizer().encode_word(word) for word in words]
    return tuple(ids[0] for ids in cut if len(ids) == 1)


def pool() -> tuple[int, ...]:
    """What the storyteller's rows are made of: words, and pieces of names, of one token."""
    return single((*ECHO_WORDS, *names.FIRST, *names.LATER))


def letters() -> tuple[int, ...]:
    """The tokens of the 26 letters as they stand inside a name, in their order."""
    return single(names.LATER[len(names.SYLLABLES) :])


def rows(start: int, choices: Sequence[int], n: int, length: int = LENGTH, seed: int = 0) -> tuple[Row, ...]:
    """Start, then `length` different tokens, then the same again. choices: what they are drawn from"""
    rng = np.random.default_rng((2027, seed, len(choices)))
    drawn = [[int(k) for k in rng.choice(choices, length, replace=False)] for _ in range(n)]
    return tuple((start, *once, *once) for once in drawn)


def asked(row: Row) -> range:
    """The places after which the next token can be copied: those of the second round, but for its last."""
    return range((len(row) + 1) // 2, len(row) - 1)


@dataclass(frozen=True)
class Copied:
    """right: the share of tokens said rightly, with its interval over rows; scores: of every head, on the same rows"""

    right: held_out.Mean
    scores: HeadScores


def copied(model: Model, some: Sequence[Row], interventions: Sequence[Intervention] = ()) -> Copied:
    """Let a model read rows that say everything twice.

    Source: Olsson et al. 2022 (prefix matching on random tokens, repeated)
    """
    tally, right, counts = Tally(model.config), [], []
    for row in some:
        trace = forward(model.params, row, model.config, interventions)
        tally.add(trace, ("previous_token", "induction"), first=1)
        said = trace["logits"].argmax(axis=-1)
        right.append(sum(int(said[t]) == row[t + 1] for t in asked(row)))
        counts.append(len(asked(row)))
    return Copied(held_out.mean(np.array(right, float), np.array(counts)), tally.scores())


@dataclass(frozen=True, eq=False)
class Writes:
    """What each head does to the tokens that it reads, by its weights alone: [L, H] each.

    sign: sum of the eigenvalues of tokens -> logits over the sum of their sizes: 1 every direction is strengthened,
          -1 each is turned round, 0 neither
    top:  the share of tokens that raise themselves more than any other
    """

    sign: Array
    top: Array


def writes(model: Model, choices: Sequence[int]) -> Writes:
    """The copying score of every head: what reading a token, and that alone, does to the logits of all of `choices`.

    The way from embedding to unembedding through one head's W_V and W_O, with both norms' weights, and each embedding
    brought to the size that the norm gives it. What layers between have added to the stream is not in it: so it says
    what a head does with the token itself.
    Source: Elhage et al. 2021, eigenvalues of the OV circuit
    """
    p, config = model.params, model.config
    table = p["embed.W_E"][list(choices)].astype(np.float64)  # [N, D]
    table -= table.mean(axis=1, keepdims=True)
    table /= np.sqrt(table.var(axis=1, keepdims=True) + config.eps)
    read = p["unembed.W_U"][:, list(choices)].astype(np.float64) * p["ln_final.w"][:, None]  # [D, N]
    read -= read.mean(axis=1, keepdims=True)  # what all logits have in common changes no chance
    sign, top = (np.zeros((config.n_layers, config.n_heads)) for _ in range(2))
    for layer, head in itertools.product(range(config.n_layers), range(config.n_heads)):
        block = f"blocks.{layer}"
        W_V = p[f"{block}.ln1.w"][:, None] * p[f"{block}.attn.W_V"][head]
        W_O = p[f"{block}.attn.W_O"][head].astype(np.float64)
        given, taken = table @ W_V, (W_O - W_O.mean(axis=1, keepdims=True)) @ read  # [N, K], [K, N]
        values = np.linalg.eigvals(taken @ given)  # the same as of [N, N], but for zeros
        size = float(np.abs(values).sum())
        sign[layer, head] = values.real.sum() / size if size > NOTHING else 0.0
        effect = given @ taken  # [N, N]: token read, logit
        others = np.where(np.eye(len(choices), dtype=bool), -np.inf, effect).max(axis=1)
        top[layer, head] = float((np.diag(effect) > others).mean())
    return Writes(sign, top)

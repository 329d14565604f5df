"""The one held-out set: documents that no model was trained on, with their true odds. Every loss on a page is of it.

The truth is known, so a loss here is an expectation at every place, - sum of p_true ln q, and not minus the log of what
happened to come. It has less noise, and it is never below the floor: the truth forecasts itself with the least loss
there is, its entropy (Gibbs' inequality). The documents are still a sample, so every mean has an interval.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus.sampling import sample_words
from explainer.corpus.truth import N_CTX, iterate_truth
from explainer.kernel.ops import log_softmax
from explainer.kernel.tokenizer import Tokenizer

Array = np.ndarray
Predict = Callable[[tuple[int, ...]], Array]
"""Tokens [T] -> logits [T, V]: a model, or a model with something taken out."""

SEED = (2026, 12)  # two numbers: training draws with three, the model cards with (977, 0) and single ones
N_DOCUMENTS = 300
RESAMPLES = 1000


@dataclass(frozen=True, eq=False)
class Document:
    """One whole document as a model reads it, and what may follow each of its tokens.

    tokens: from END to END (at most N_CTX of them are read; a longer document ends there)
    kinds:  for every token after the first, what sort of decision it was (a key of KINDS)
    place, token, truth: [M] one entry for every token that may come anywhere: after how many tokens, which, how likely
    """

    tokens: tuple[int, ...]
    kinds: tuple[str, ...]
    place: Array
    token: Array
    truth: Array

    @property
    def read(self) -> tuple[int, ...]:
        """The tokens that a model is given: all but the last."""
        return self.tokens[:-1]

    def odds(self) -> list[dict[int, float]]:
        """For every token after the first: {token that can come: its true probability}."""
        found: list[dict[int, float]] = [{} for _ in self.kinds]
        for place, token, p in zip(self.place.tolist(), self.token.tolist(), self.truth.tolist(), strict=True):
            found[place][token] = p
        return found


@functools.cache
def documents(tokenizer: Tokenizer) -> tuple[Document, ...]:
    """The set: the first N_DOCUMENTS documents drawn with SEED, whatever they are."""
    rng = np.random.default_rng(SEED)
    found = []
    for _ in range(N_DOCUMENTS):
        words = [i for word in sample_words(rng) for i in tokenizer.encode_word(word)]
        found.append(read([tokenizer.end_id, *words, tokenizer.end_id][: N_CTX + 1], tokenizer))
    return tuple(found)


def read(tokens: Sequence[int], tokenizer: Tokenizer) -> Document:
    """A text of the corpus with its true odds. tokens: from END on"""
    steps = list(iterate_truth(tokens, tokenizer))
    odds = [o for o, _, _ in steps]
    return Document(
        tuple(tokens),
        tuple(kind for _, kind, _ in steps),
        np.repeat(np.arange(len(odds)), [len(o) for o in odds]),
        np.array([token for o in odds for token in o], dtype=np.int64),
        np.array([p for o in odds for p in o.values()]),
    )


# ---------------------------------------------------------------- means with their intervals


@dataclass(frozen=True)
class Mean:
    """A mean over the tokens of the set, and how far such a sample can be trusted.

    value:     the mean
    low, high: 95 % interval, by drawing whole documents anew from these, RESAMPLES times (bootstrap, Efron 1979)
    tokens, documents: what it is the mean of; documents without such a token do not count
    """

    value: float
    low: float
    high: float
    tokens: int
    documents: int


@functools.cache
def _resamples(n: int) -> Array:
    """How often each of n documents is drawn when n are drawn with replacement. [RESAMPLES, n]"""
    rng = np.random.default_rng((*SEED, n))
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(np.float64)


def interval(sums: Array, counts: Array) -> tuple[Array, Array]:
    """95 % intervals of sum / count over documents. sums: [N, ...], counts: [N]; returns: (low, high), each [...]"""
    flat = sums.reshape(len(sums), -1)
    drawn = _resamples(len(flat))
    n = drawn @ counts
    means = (drawn @ flat)[n > 0] / n[n > 0, None]
    low, high = np.percentile(means, (2.5, 97.5), axis=0)
    return low.reshape(sums.shape[1:]), high.reshape(sums.shape[1:])


def mean(sums: Array, counts: Array) -> Mean:
    """The mean per token, from what each document adds: its sum and its number of tokens. [N], [N]"""
    low, high = interval(sums, counts)
    total = int(counts.sum())
    return Mean(float(sums.sum() / total), float(low), float(high), total, int((counts > 0).sum()))


# ---------------------------------------------------------------- losses


@dataclass(frozen=True)
class Loss:
    """How well a forecaster predicts the next token on the held-out set.

    cross_entropy: nats per token, expected under the truth
    accuracy:      how often its first guess is right, expected under the truth, 0 to 1
    by_kind:       kind of decision (KINDS) -> cross-entropy where such a token is due
    rise:          by how much the cross-entropy is above that of `base` on the same documents, if there is one
    """

    cross_entropy: Mean
    accuracy: Mean
    by_kind: Mapping[str, Mean]
    rise: Mean | None = None


@dataclass(frozen=True, eq=False)
class Tally:
    """What each document adds to a loss, place by place. loss, right: for each document [T]"""

    loss: tuple[Array, ...]
    right: tuple[Array, ...]


def tally(predict: Predict, texts: Sequence[Document]) -> Tally:
    """Let a model read the documents; at each place, its expected loss and how likely its first guess is right."""
    loss, right = [], []
    for text in texts:
        logits = predict(text.read)
        n = len(text.kinds)
        logs = log_softmax(logits.astype(np.float64))[text.place, text.token]
        loss.append(np.bincount(text.place, weights=-text.truth * logs, minlength=n))
        named = text.token == logits.argmax(axis=-1)[text.place]
        right.append(np.bincount(text.place, weights=text.truth * named, minlength=n))
    return Tally(tuple(loss), tuple(right))


def floor_tally(texts: Sequence[Document]) -> Tally:
    """The same for the truth itself: its entropy at each place, and how likely its likeliest token is."""
    loss, right = [], []
    for text in texts:
        n = len(text.kinds)
        loss.append(np.bincount(text.place, weights=-text.truth * np.log(text.truth), minlength=n))
        best = np.zeros(n)
        np.maximum.at(best, text.place, text.truth)
        right.append(best)
    return Tally(tuple(loss), tuple(right))


def summary(found: Tally, texts: Sequence[Document], base: Tally | None = None) -> Loss:
    """A tally as means with intervals; with `base` also the rise above it."""
    counts = np.array([len(x) for x in found.loss], dtype=np.float64)
    sums = np.array([x.sum() for x in found.loss])
    kinds = [np.array(text.kinds) for text in texts]
    by_kind = {}
    for kind in sorted(set().union(*(text.kinds for text in texts))):
        here = [names == kind for names in kinds]
        by_kind[kind] = mean(
            np.array([x[rows].sum() for x, rows in zip(found.loss, here, strict=True)]),
            np.array([float(rows.sum()) for rows in here]),
        )
    right = np.array([x.sum() for x in found.right])
    rise = None if base is None else mean(sums - np.array([x.sum() for x in base.loss]), counts)
    return Loss(mean(sums, counts), mean(right, counts), by_kind, rise)


def floor(tokenizer: Tokenizer) -> Loss:
    """The loss of the truth itself on the set: no forecaster has less, neither in all nor of any kind."""
    texts = documents(tokenizer)
    return summary(floor_tally(texts), texts)

"""Forecasts of the next token beside the truth: what a forecaster loses, in nats, and what nobody can avoid losing.

The corpus knows its own odds exactly, so losses here are expectations under the truth, not averages over a sample of
what happened to come: - sum of p_true ln q. The truth forecasts itself with the least possible loss, its entropy
(Gibbs' inequality); everything above that is the forecaster's own (the Kullback-Leibler divergence).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer import corpus
from explainer.corpus.held_out import Mean, documents, mean
from explainer.kernel.model import forward
from explainer.kernel.ops import entropy
from explainer.kernel.temperature import chain
from explainer.models import lab
from explainer.models.measured import kept

Array = np.ndarray


def expected_loss(truth: Array, forecast: Array) -> float:
    """Cross-entropy: how surprised a forecaster is on average, in nats; inf if it excludes what can happen.

    truth, forecast: [V], each summing to 1
    """
    possible = truth > 0
    with np.errstate(divide="ignore"):
        return float(-(truth[possible] * np.log(forecast[possible])).sum()) + 0.0


def argmax_forecast(probs: Array, hedge: float = 0.0) -> Array:
    """A forecaster that names one token, the most likely one, and keeps back a share `hedge` for all tokens alike.

    probs: [V], or logits: only which is largest matters; hedge: 0 (it bets everything) to 1; returns: [V], summing to 1
    """
    if not 0 <= hedge <= 1:
        raise ValueError(f"the share kept back is between 0 and 1, not {hedge}")
    named = np.full(probs.shape, hedge / len(probs))
    named[int(np.argmax(probs))] += 1 - hedge
    return named


@dataclass(frozen=True)
class Losses:
    """Expected losses about one next token, in nats, and what else can be said of the forecasts.

    floor: of the truth itself (its entropy); model: of the model at this temperature
    argmax: of naming one token; hedged: of naming one but keeping back a share
    right: how often the named token is right; impossible: what the model gives to tokens that cannot come
    """

    floor: float
    model: float
    argmax: float
    hedged: float
    right: float
    impossible: float


def losses(truth: Array, probs: Array, hedge: float, logits: Array | None = None) -> Losses:
    """Compare a forecast with the truth. truth, probs: [V], each summing to 1; hedge: see `argmax_forecast`.

    logits: [V], whose largest is the token to name; without them that of `probs` (at T = inf these are all alike)
    """
    scores = probs if logits is None else logits
    return Losses(
        float(entropy(truth)),
        expected_loss(truth, probs),
        expected_loss(truth, argmax_forecast(scores)),
        expected_loss(truth, argmax_forecast(scores, hedge)),
        float(truth[int(np.argmax(scores))]),
        float(probs[truth == 0].sum()),
    )


class HeldOut:
    """Text that the model was not trained on: its logits for every next token, and the odds that the truth gives.

    logits: [N, V] float32, N next tokens; odds: for each, {token that can come: its true probability}
    """

    def __init__(self, logits: Array, odds: Sequence[dict[int, float]]):
        self.logits = logits - logits.max(axis=1, keepdims=True)  # shares do not change, exp cannot overflow
        self.n, self.n_vocab = logits.shape
        self.row = np.repeat(np.arange(self.n), [len(o) for o in odds])  # [M] one entry per possible token
        self.token = np.array([token for o in odds for token in o], dtype=np.int64)  # [M]
        self.truth = np.array([p for o in odds for p in o.values()])  # [M]
        self.behind = self.logits[self.row, self.token].astype(np.float64)  # [M] logit of each possible token
        self.named = self.logits.argmax(axis=1)  # [N]
        self.right = np.bincount(self.row, weights=self.truth * (self.token == self.named[self.row]), minlength=self.n)

    @property
    def floor(self) -> float:
        """The truth's own loss, nats per token: no forecaster has less."""
        return float(-(self.truth * np.log(self.truth)).sum() / self.n)

    def at(self, temperature: float) -> tuple[float, float]:
        """(the model's loss at this temperature in nats per token, the share that it gives to impossible tokens).

        Both limits are taken exactly; at T = 0 the loss is inf unless the model's best token is always certain.
        """
        if temperature == 0 or math.isinf(temperature):
            pairs = [self._one(i, temperature) for i in range(self.n)]
            return tuple(float(np.mean(column)) for column in zip(*pairs, strict=True))  # type: ignore[return-value]
        with np.errstate(over="ignore", under="ignore"):
            grown = np.exp(self.logits / np.float32(max(temperature, 1e-6)))  # [N, V]
            total = grown.sum(axis=1, dtype=np.float64)  # [N]
            log_share = self.behind / temperature - np.log(total)[self.row]  # [M]
            inside = float(np.exp(log_share).sum() / self.n)
        return float(-(self.truth * log_share).sum() / self.n), max(0.0, 1 - inside)

    def _one(self, i: int, temperature: float) -> tuple[float, float]:
        probs = chain(self.logits[i], temperature).probs
        here = self.row == i
        truth = np.zeros(self.n_vocab)
        truth[self.token[here]] = self.truth[here]
        return expected_loss(truth, probs), float(probs[truth == 0].sum())

    def argmax(self, hedge: float = 0.0) -> float:
        """Loss of naming the model's best token each time, a share `hedge` kept back; inf for hedge 0 if ever wrong."""
        least = hedge / self.n_vocab
        price = -math.log(least) if least else math.inf  # of a wrong answer
        wrong = np.where(self.right < 1 - 1e-12, 1 - self.right, 0.0)  # [N]; not 1e-16 * inf
        paid = np.zeros(self.n)
        paid[wrong > 0] = wrong[wrong > 0] * price
        return float((paid - self.right * math.log(1 - hedge + least)).mean())

    @property
    def certain(self) -> float:
        """Share of the places at which the named token is the only possible one."""
        return float((self.right > 1 - 1e-12).mean())


@dataclass(frozen=True, eq=False)
class Curve:
    """What the held-out set says about every temperature: small enough for a page, where the text itself is not.

    A model's loss at temperature T is u a + F(u) with u = 1/T: a is how far the likely tokens' logits are behind the
    best on average, F the mean of ln sum exp(u (z - best)), which falls smoothly from ln n_vocab to 0. F, the share of
    impossible tokens and the interval are measured at NODES and read off between them: what `HeldOut.at` gives, but for
    a few millionths. Its other numbers are exact.

    n, documents, n_vocab: places (next tokens), documents, size of the vocabulary
    floor:   the truth's own loss, nats per token; certain: share of the places where only the named token can come
    right:   how often the named token comes (expected); always: whether it always must
    behind:  a; spread, impossible: F and the share of impossible tokens at NODES; impossible_cold: at T = 0
    below, above: how far the 95 % interval of the loss (over documents) reaches below and above it, at NODES
    """

    n: int
    documents: int
    n_vocab: int
    floor: Mean
    certain: float
    right: float
    always: bool
    behind: float
    spread: Array
    impossible: Array
    impossible_cold: float
    below: Array
    above: Array

    def at(self, temperature: float) -> tuple[float, float]:
        """(loss in nats per token, share given to impossible tokens) at this temperature; see `HeldOut.at`."""
        if temperature == 0:
            return (0.0 if self.always else math.inf), self.impossible_cold
        u = 1 / temperature
        return u * self.behind + between(self.spread, u), min(max(between(self.impossible, u), 0.0), 1.0)

    def interval(self, temperature: float) -> tuple[float, float]:
        """95 % interval of the loss at this temperature, over documents."""
        loss, _ = self.at(temperature)
        if math.isinf(loss):
            return loss, loss
        at = position(1 / temperature)
        below, above = (float(np.interp(at, np.arange(len(NODES)), x)) for x in (self.below, self.above))
        return loss - below, loss + above

    def argmax(self, hedge: float = 0.0) -> float:
        """Loss of naming the model's best token each time, a share `hedge` kept back: see `HeldOut.argmax`."""
        least = hedge / self.n_vocab
        if not least:
            return 0.0 if self.always else math.inf
        return -(1 - self.right) * math.log(least) - self.right * math.log(1 - hedge + least)


STRETCH, PER_UNIT, N_NODES = 10.0, 16.0, 128


def position(u: float) -> float:
    """Where an inverse temperature lies among NODES, 0 for the first: linear near 0, logarithmic further on."""
    return min(math.log1p(STRETCH * u) * PER_UNIT, N_NODES - 1.0)


NODES = np.expm1(np.arange(N_NODES) / PER_UNIT) / STRETCH
"""Inverse temperatures at which a curve is measured: from 0 (T infinite) to about 280, where all is cold."""


def between(values: Array, u: float) -> float:
    """What lies between the measured values: the polynomial through the nearest six (Lagrange). values: at NODES"""
    at, k = position(u), 6
    first = int(min(max(math.floor(at) - k // 2 + 1, 0), len(values) - k))
    x = at - first
    weights = [math.prod((x - i) / (j - i) for i in range(k) if i != j) for j in range(k)]
    return float(sum(w * v for w, v in zip(weights, values[first : first + k].tolist(), strict=True)))


def totals(logits: Array, u: float, rows: int = 256) -> Array:
    """sum exp(u z) of each row, a few rows at a time, which is quicker than all at once. [N, V] -> [N]"""
    blocks = (logits[i : i + rows] for i in range(0, len(logits), rows))
    return np.concatenate([np.exp(block * np.float32(u)).sum(axis=1, dtype=np.float64) for block in blocks])


def curve(text: HeldOut, document: Array) -> Curve:
    """Measure a text at every node. document: [N], which document each place belongs to, from 0"""
    counts = np.bincount(document)
    a = np.bincount(text.row, weights=-text.truth * text.behind, minlength=text.n)  # [N]
    spread, impossible, reach = [], [], []
    for u in NODES:
        log_total = np.log(totals(text.logits, u))  # [N]
        inside = np.exp(u * text.behind - log_total[text.row])
        spread.append(float(log_total.mean()))
        impossible.append(max(0.0, 1 - float(inside.sum() / text.n)))
        found = mean(np.bincount(document, weights=u * a + log_total), counts)
        reach.append((found.value - found.low, found.high - found.value))
    below, above = np.array(reach).T
    entropies = np.bincount(text.row, weights=-text.truth * np.log(text.truth), minlength=text.n)
    return Curve(
        text.n,
        len(counts),
        text.n_vocab,
        mean(np.bincount(document, weights=entropies), counts),
        text.certain,
        float(text.right.mean()),
        text.argmax() == 0,
        float(a.mean()),
        np.array(spread),
        np.array(impossible),
        float(np.mean([text._one(i, 0)[1] for i in range(text.n)])),
        below,
        above,
    )


def held_out_text(name: str = lab.STORYTELLER) -> tuple[HeldOut, Array]:
    """The held-out set, read by the model and by the truth, and which document each place belongs to."""
    m, texts = lab.model(name), documents(lab.tokenizer())
    logits = [forward(m.params, text.read, m.config)["logits"] for text in texts]
    lengths = [len(text.kinds) for text in texts]
    odds = [odds for text in texts for odds in text.odds()]
    return HeldOut(np.concatenate(logits), odds), np.repeat(np.arange(len(texts)), lengths)


@kept
def held_out(name: str = lab.STORYTELLER) -> Curve:
    """What the site's one held-out set says about this model at every temperature."""
    return curve(*held_out_text(name))


GRID = tuple(float(f"{10 ** (k / 12):.3g}") for k in range(-24, 13))  # 0.01 ... 10, equal ratios, 1 among them


def loss_by_temperature(
    name: str = lab.STORYTELLER, grid: tuple[float, ...] = GRID
) -> list[tuple[float, float, float]]:
    """(T, loss, share given to impossible tokens) on the held-out set, for a row of temperatures."""
    found = held_out(name)
    return [(t, *found.at(t)) for t in grid]


@functools.lru_cache(maxsize=32)
def truth_after(tokens: tuple[int, ...]) -> corpus.Truth:
    """The corpus's own distribution of the next token; remembered for the last few prompts."""
    return corpus.true_distribution(tokens, lab.tokenizer())

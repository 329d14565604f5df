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

from explainer import corpus, lab
from explainer.measured import kept
from explainer.model import forward
from explainer.ops import entropy
from explainer.temperature import chain

Array = np.ndarray

HELD_OUT_SEED = (2026, 11)  # training draws its text with other seeds
HELD_OUT_WINDOWS = 3


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


@functools.lru_cache(maxsize=4)
def held_out(name: str = lab.STORYTELLER, n_windows: int = HELD_OUT_WINDOWS) -> HeldOut:
    """Text that the model never saw, read by the model and by the truth. Made once."""
    m, tokenizer = lab.model(name), lab.tokenizer()
    logits, odds = [], []
    for window in corpus.windows(n_windows, HELD_OUT_SEED, tokenizer, m.config.n_ctx):
        logits.append(forward(m.params, tuple(int(t) for t in window[:-1]), m.config)["logits"])
        odds += [o for o, _, _ in corpus.iterate_truth([int(t) for t in window], tokenizer)]
    return HeldOut(np.concatenate(logits), odds)


GRID = tuple(float(f"{10 ** (k / 12):.3g}") for k in range(-24, 13))  # 0.01 ... 10, equal ratios, 1 among them


@kept
def loss_by_temperature(
    name: str = lab.STORYTELLER, grid: tuple[float, ...] = GRID
) -> list[tuple[float, float, float]]:
    """(T, loss, share given to impossible tokens) over held-out text, for a row of temperatures."""
    text = held_out(name)
    return [(t, *text.at(t)) for t in grid]


@functools.lru_cache(maxsize=32)
def truth_after(tokens: tuple[int, ...]) -> corpus.Truth:
    """The corpus's own distribution of the next token; remembered for the last few prompts."""
    return corpus.true_distribution(tokens, lab.tokenizer())

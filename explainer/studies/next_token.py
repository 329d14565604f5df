"""All that is known about the next token after a prompt, at one setting: logits, chain, cuts, what is drawn from.

Several figures show parts of it; it is computed once. Ranks are by logit, so they do not change with the temperature.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from explainer.kernel.cache import KVCache, step
from explainer.kernel.model import forward
from explainer.kernel.ops import entropy, softmax
from explainer.kernel.sampling import FilterStep, by_probability, filters, keep_min_p, keep_top_k, keep_top_p
from explainer.kernel.temperature import Chain, SameBits, chain, compare_bits
from explainer.models import lab
from explainer.models.columns import top_tokens

Array = np.ndarray
SHOWN = 10  # how many tokens a repr names, of the text and of what may follow


@dataclass(frozen=True, repr=False)
class NextToken:
    """The next token after `tokens`, for one temperature and one set of cuts.

    chain: logits to probabilities at this temperature; cuts: the cuts that are set, in order
    final: [V], what is drawn from (the chain's probabilities if nothing is cut)
    order: [V] token ids, the largest logit first, ties by id
    """

    tokens: tuple[int, ...]
    chain: Chain
    cuts: tuple[FilterStep, ...]
    final: Array
    order: Array

    @property
    def entropy(self) -> float:
        """Of what is drawn from, in nats."""
        return float(entropy(self.final))

    @property
    def choices(self) -> float:
        """e to the entropy: how many equally likely tokens would be just as open."""
        return float(np.exp(entropy(self.final)))

    def holding(self, share: float) -> int:
        """How many of the most likely tokens it takes to hold this share of the probability."""
        together = np.cumsum(np.sort(self.final)[::-1])
        return int(np.searchsorted(together, share - 1e-12) + 1)

    @property
    def n_best(self) -> int:
        """How many tokens are the most likely one: 1, more where they tie."""
        return int((self.final == self.final.max()).sum())

    @property
    def pair(self) -> tuple[int, int]:
        """Two tokens to compare: the best, and the fifth, which still has a chance but is clearly behind."""
        return int(self.order[0]), int(self.order[min(4, len(self.order) - 1)])

    def reach(self, n: int) -> float:
        """A ruler for this prompt, in nats: four times the distance from the best token to the n-th, 4, 8 ... 24."""
        distance = float(self.chain.logits[self.order[0]] - self.chain.logits[self.order[n - 1]])
        return min(4.0 * max(math.ceil(distance), 1), 24.0)

    def __repr__(self) -> str:
        _, names, probs = top_tokens(self.final, SHOWN)
        rows = [f"  {name:16} {p:8.3%}" for name, p in zip(names, probs, strict=True) if p > 0]
        possible = int((self.final > 0).sum())
        more = [f"  ... and {possible - len(rows)} more"] if possible > len(rows) else []
        text = lab.tokenizer().decode(self.tokens[-SHOWN:])
        return "\n".join([f"What follows {text!r} at T = {self.chain.temperature:g}:", *rows, *more])

    def rest(self, n: int) -> tuple[float, float, float]:
        """What the tokens beyond the n largest have together: (e^below, probability, probability after the cuts)."""
        others = self.order[n:]
        return (
            float(self.chain.grown[others].sum()),
            float(self.chain.probs[others].sum()),
            float(self.final[others].sum()),
        )


def logits_after(tokens: tuple[int, ...]) -> Array:
    """[V], the model's scores for what follows; from the one forward pass that all figures share."""
    return lab.trace(tokens)["logits"][-1]


@lab.per_model(16)
def ranked(tokens: tuple[int, ...]) -> Array:
    """[V] token ids, the largest logit first, ties by id."""
    order = by_probability(logits_after(tokens))
    order.setflags(write=False)
    return order


@lab.per_model(16)
def next_token(
    tokens: tuple[int, ...],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> NextToken:
    """Score, divide, exponentiate, normalise, cut: everything that precedes the draw."""
    return scored(tokens, logits_after(tokens), ranked(tokens), temperature, top_k, top_p, min_p)


def scored(
    tokens: tuple[int, ...],
    logits: Array,
    order: Array,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> NextToken:
    """The same for given scores, of whatever model.

    logits: [V]; order: [V] token ids, the largest logit first
    """
    made = chain(logits, temperature)
    cuts = filters(made.probs, top_k, top_p, min_p, order)
    return NextToken(tokens, made, cuts, cuts[-1].probs if cuts else made.probs, order)


@dataclass(frozen=True)
class Word:
    """The word that the most likely token belongs to, continued to its end, always by the most likely token.

    begun: the tokens of it that stand in the text already; added: those that follow; probs: of each that follows
    """

    begun: tuple[int, ...]
    added: tuple[int, ...]
    probs: tuple[float, ...]

    @property
    def text(self) -> str:
        """As a reader writes it; what has no letters (the end of a text, a space) as `Tokenizer.display` shows it."""
        tokenizer = lab.tokenizer()
        whole = (*self.begun, *self.added)
        return tokenizer.decode(whole).strip() if tokenizer.end_id not in whole else tokenizer.display(whole[-1])


LONGEST_WORD = 10  # tokens


@lab.per_model(16)
def whole_word(tokens: tuple[int, ...]) -> Word:
    """The word that comes next, or that has begun: tokens are pieces, and a reader wants the word.

    tokens: the text, the start token first
    """
    m = lab.model()
    trace = lab.trace(tokens)
    logits, cache = trace["logits"][-1], KVCache.of(trace)
    added: list[int] = []
    probs: list[float] = []
    while len(added) < LONGEST_WORD:
        odds = softmax(logits.astype(np.float64))
        token = int(odds.argmax())
        if added and not goes_on(token):
            break
        added.append(token)
        probs.append(float(odds[token]))
        if cache.full or not spelled(token):
            break
        turn = step(m.params, cache, token)
        logits, cache = turn.logits, turn.cache
    start = len(tokens)
    if goes_on(added[0]):
        while start > 1 and spelled(tokens[start - 1]):
            start -= 1
            if not goes_on(tokens[start]):
                break
    return Word(tokens[start:], tuple(added), tuple(probs))


def goes_on(token: int) -> bool:
    """Whether a token goes on with the word before it: a letter, a digit, a hyphen or a byte comes first."""
    first = lab.tokenizer().token_bytes(token)[:1]
    return token != lab.tokenizer().end_id and (first.isalnum() or first == b"-" or first >= b"\x80")


def spelled(token: int) -> bool:
    """Whether a token is a piece of a word, with or without the space before it, and not a mark or the end."""
    piece = lab.tokenizer().token_bytes(token).lstrip(b" ")[:1]
    return token != lab.tokenizer().end_id and (piece.isalnum() or piece == b"-" or piece >= b"\x80")


def again(tokens: tuple[int, ...], temperature: float) -> tuple[Array, SameBits]:
    """Run the whole model once more, from the tokens on, and compare with what is on screen, bit for bit.

    returns: (the new probabilities [V], the comparison)
    """
    m = lab.model()
    fresh = chain(forward(m.params, tokens, m.config)["logits"][-1], temperature).probs
    return fresh, compare_bits(fresh, next_token(tokens, temperature).chain.probs)


@dataclass(frozen=True)
class Alone:
    """One cut applied by itself: which tokens it keeps and the share of probability that they have."""

    name: str
    setting: float
    kept: Array
    share: float

    @property
    def n_kept(self) -> int:
        return int(self.kept.sum())


def each_alone(
    probs: Array, top_k: int, top_p: float, min_p: float, order: Array | None = None
) -> tuple[Alone, Alone, Alone]:
    """The three cuts, each by itself on the same distribution. probs: [V], summing to 1; order: see `filters`"""
    masks = (
        ("top-k", top_k, keep_top_k(probs, top_k, order)),
        ("top-p", top_p, keep_top_p(probs, top_p, order)),
        ("min-p", min_p, keep_min_p(probs, min_p, order)),
    )
    return tuple(
        Alone(
            name, setting, kept, float(probs[kept].sum()) if probs[~kept].any() else 1.0
        )  # no rounding where all is kept
        for name, setting, kept in masks
    )  # type: ignore[return-value]


@lab.per_model(16)
def kept_by_temperature(
    tokens: tuple[int, ...], temperatures: tuple[float, ...], top_k: int, top_p: float, min_p: float
) -> tuple[tuple[int, int, int], ...]:
    """How many tokens each cut alone keeps, for several temperatures: [(top-k, top-p, min-p), ...]"""
    logits = logits_after(tokens)
    rows = []
    for temperature in temperatures:
        k, p, m = each_alone(chain(logits, temperature).probs, top_k, top_p, min_p, ranked(tokens))
        rows.append((k.n_kept, p.n_kept, m.n_kept))
    return tuple(rows)

"""What the machine tells: a few words and all the others, each with a place on the ruler and a stretch of the strip.

The ruler says how far each token is behind the best. The strip from 0 to 1 is cut into stretches as long as the
probabilities, in the order of the ruler, the best first. That order is the same at every temperature; and as every cut
(top-k, top-p, min-p) keeps the first tokens of it, a cut saws off the end of the strip and stretches what is left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainer.kernel.cache import KVCache
from explainer.kernel.temperature import expected_total_variation, total_variation
from explainer.models import lab
from explainer.studies.climb import unfinished
from explainer.studies.forecast import truth_after
from explainer.studies.next_token import NextToken

from .draws import EACH, SEEDS, Draws, many_seeds

Array = np.ndarray
FEW = 6  # words; all the others are one stretch
LEAST_REACH, MOST_REACH = 2.0, 30.0  # of the ruler, nats


@dataclass(frozen=True)
class Part:
    """One word, or all the others together (`token` is None).

    before, after: nats behind the best, as the model says it and divided by T; of the others, of the nearest one
    share:  probability after the temperature; low, high: its stretch of the strip
    final:  probability after the cuts, which is drawn from; final_low, final_high: its stretch of that strip
    kept:   how much of `share` the cuts left in
    truth:  what the corpus gives it; None where there is no truth
    drawn:  how often it was drawn
    begins: whether it is only the beginning of a word, which the model would go on with
    """

    token: int | None
    before: float
    after: float
    share: float
    low: float
    high: float
    final: float
    final_low: float
    final_high: float
    kept: float
    truth: float | None
    drawn: int
    begins: bool

    @property
    def is_cut(self) -> bool:
        """Whether nothing is left of what it had."""
        return self.final == 0 and self.share > 0


@dataclass(frozen=True)
class Machine:
    """parts: FEW words in the order of the ruler, then all the others; reach: of the ruler, in nats
    farthest: (before, after) of the last of the others; temperature: T; cut: whether any cut is set; draws: so far
    untrue: '' or why there is no truth
    """

    parts: tuple[Part, ...]
    reach: float
    farthest: tuple[float, float]
    temperature: float
    cut: bool
    draws: Draws
    untrue: str

    @property
    def hit(self) -> int | None:
        """The place among `parts` of what was drawn last."""
        if self.draws.last is None:
            return None
        ids = [part.token for part in self.parts]
        return ids.index(self.draws.last.token) if self.draws.last.token in ids else len(ids) - 1


@lab.per_model(16)
def beginnings(tokens: tuple[int, ...], next_ones: tuple[int, ...]) -> tuple[bool, ...]:
    """Of each of some tokens, whether the model would most likely go on with the same word after it."""
    cache = KVCache.of(lab.trace(tokens))
    return tuple(unfinished(lab.model(), cache, token) for token in next_ones)


def reach_of(behind: float) -> float:
    """How far the ruler goes: two and a half times as far as the last of the words. behind: nats, of that one"""
    return min(max(2.5 * behind, LEAST_REACH), MOST_REACH)


def machine(look: NextToken, made: Draws, text: tuple[int, ...]) -> Machine:
    """Lay out one next token. look: at some setting; made: draws from it; text: the whole of it, for the truth."""
    few, rest = look.order[:FEW], look.order[FEW:]
    truth = truth_after(text)
    logits = look.chain.logits
    best = float(logits[look.order[0]])
    shares, finals = sums(look.chain.probs, look.order), sums(look.final, look.order)
    ends, final_ends = np.cumsum(shares), np.cumsum(finals)
    kept = sums(np.where(look.final > 0, look.chain.probs, 0), look.order)
    true = sums(truth.probs, look.order) if truth.inside else None
    drawn = [*made.counts[few].tolist(), int(made.counts[rest].sum())]
    heads = [*few.tolist(), int(rest[0])]
    begun = beginnings(look.tokens, tuple(few.tolist()))
    parts = []
    for i, head in enumerate(heads):
        low, final_low = (float(e[i - 1]) if i else 0.0 for e in (ends, final_ends))
        parts.append(
            Part(
                token=head if i < FEW else None,
                before=best - float(logits[head]),
                after=-float(look.chain.below[head]) + 0.0,
                share=float(shares[i]),
                low=low,
                high=float(ends[i]),
                final=float(finals[i]),
                final_low=final_low,
                final_high=float(final_ends[i]),
                kept=float(kept[i]),
                truth=None if true is None else float(true[i]),
                drawn=drawn[i],
                begins=i < FEW and begun[i],
            )
        )
    last = int(look.order[-1])
    return Machine(
        tuple(parts),
        reach_of(parts[FEW - 1].before),
        (best - float(logits[last]), -float(look.chain.below[last]) + 0.0),
        look.chain.temperature,
        bool(look.cuts),
        made,
        truth.reason,
    )


@dataclass(frozen=True)
class Many:
    """What a thousand balls give, many seeds beside one another.

    seeds:    (seed, shares [FEW + 1] of its EACH balls); together: [FEW + 1], shares of all of them; n: how many
    to_model: total variation distance (all tokens) between all of them and what they were drawn from
    expected: what n honest draws are away from it on average
    to_truth: the same distance to the truth, None where there is none; model_to_truth: and of the model itself
    """

    seeds: tuple[tuple[int, Array], ...]
    together: Array
    n: int
    to_model: float
    expected: float
    to_truth: float | None
    model_to_truth: float | None


def many(look: NextToken, seed: int, text: tuple[int, ...]) -> Many:
    """Draw from many seeds. look: at some setting; text: the whole of it, for the truth"""
    seeds, found = many_seeds(look.final, look.order, seed)
    n = SEEDS * EACH
    counts = found.sum(axis=0)
    few = found[:, look.order[:FEW]]
    shares = np.column_stack([few, EACH - few.sum(axis=1)]) / EACH
    truth = truth_after(text)
    return Many(
        tuple(zip(seeds, shares, strict=True)),
        sums(counts / n, look.order),
        n,
        total_variation(counts / n, look.final),
        expected_total_variation(look.final, n),
        total_variation(counts / n, truth.probs) if truth.inside else None,
        total_variation(look.final, truth.probs) if truth.inside else None,
    )


def sums(values: Array, order: Array) -> Array:
    """The values of the first FEW tokens and, last, the sum of all others'. values: [V]; order: [V] ids -> [FEW + 1]"""
    return np.append(values[order[:FEW]], values[order[FEW:]].sum())

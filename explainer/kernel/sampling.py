"""From logits to a token: temperature, cuts, and one draw. And what happens when it is done again and again.

The same logits and settings always give the same distribution; chance enters only at the draw, as one uniform
number between 0 and 1. Probabilities are float64.

The order, stated once: temperature, then top-k, then top-p, then min-p. After each cut what is kept is
renormalised, and the next cut sees the renormalised distribution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from explainer.kernel.cache import KVCache, multiply_adds, slide, step
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import entropy
from explainer.kernel.temperature import chain
from explainer.kernel.trace import Intervention

Array = np.ndarray


# ---------------------------------------------------------------- temperature


def distribution(logits: Array, temperature: float = 1.0) -> Array:
    """Divide the logits by the temperature, then softmax. Exact in both limits, and it never overflows.

    logits:      [V]; -inf means impossible
    temperature: T >= 0. T = 0 is the limit: all probability on the largest logit, shared equally by ties.
                 T = inf is the other limit: all possible tokens equally likely.
    returns:     [V], float64, summing to 1
    Raises ValueError for a negative temperature or one that is not a number, and for logits without a finite
    one.
    Every step on the way is kept by `temperature.chain`. Source: Hinton et al. 2015, section 2
    """
    return chain(logits, temperature).probs


# ---------------------------------------------------------------- cuts


@dataclass(frozen=True, eq=False)
class FilterStep:
    """One cut of a distribution.

    name:     "top-k", "top-p" or "min-p"
    setting:  its number
    kept:     [V] bool, the mask
    probs:    [V], renormalised over what is kept
    removed:  how much probability was cut away, before renormalising
    """

    name: str
    setting: float
    kept: Array
    probs: Array
    removed: float

    @property
    def n_kept(self) -> int:
        """How many tokens are still possible."""
        return int(self.kept.sum())


def by_probability(probs: Array) -> Array:
    """Token ids, the most likely first; among equals, the smaller id first. [V] -> [V]"""
    return np.argsort(-probs, kind="stable")


def keep_top_k(probs: Array, k: int, order: Array | None = None) -> Array:
    """The k most likely tokens (fewer if fewer are possible). [V] -> [V] bool

    order: [V] ids, the most likely first, if equals are to be ranked by something else than by their ids
    Source: Fan et al. 2018
    """
    if isinstance(k, bool) or int(k) != k or k < 1:
        raise ValueError(f"top-k keeps at least 1 token, not {k}")
    kept = np.zeros(probs.shape, dtype=bool)
    kept[(by_probability(probs) if order is None else order)[: int(k)]] = True
    return kept & (probs > 0)


def keep_top_p(probs: Array, p: float, order: Array | None = None) -> Array:
    """The nucleus: the fewest most likely tokens that together have at least probability p. [V] -> [V] bool

    order: as in `keep_top_k`
    Source: Holtzman et al. 2020
    """
    if not 0 <= p <= 1:
        raise ValueError(f"top-p is between 0 and 1, not {p}")
    if p == 1:
        return probs > 0
    order = by_probability(probs) if order is None else order
    enough = int(np.searchsorted(np.cumsum(probs[order]), p))  # the first at which the sum reaches p
    kept = np.zeros(probs.shape, dtype=bool)
    kept[order[: enough + 1]] = True  # with that one; so even at p = 0 one token is left
    return kept & (probs > 0)


def keep_min_p(probs: Array, p: float, order: Array | None = None) -> Array:
    """The tokens that are at least p times as likely as the most likely one; no order decides. [V] -> [V] bool

    Source: Nguyen et al. 2024
    """
    if not 0 <= p <= 1:
        raise ValueError(f"min-p is between 0 and 1, not {p}")
    return (probs >= p * probs.max()) & (probs > 0)


CUTS = (("top-k", keep_top_k), ("top-p", keep_top_p), ("min-p", keep_min_p))  # in the order of application


def filters(
    probs: Array,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    order: Array | None = None,
) -> tuple[FilterStep, ...]:
    """Apply the cuts that are set, in the stated order: top-k, top-p, min-p. None means not set.

    probs:   [V], summing to 1
    order:   [V] ids by logit, which no temperature changes: so equals at T = inf are ranked as at any finite T
    returns: one FilterStep per cut; the last one's probs are what is drawn from
    """
    steps = []
    for (name, keep), setting in zip(CUTS, (top_k, top_p, min_p), strict=True):
        if setting is None:
            continue
        kept = keep(probs, setting, order)  # type: ignore[arg-type]
        inside = np.where(kept, probs, 0)
        left = inside.sum()
        probs = inside / left
        steps.append(FilterStep(name, setting, kept, probs, float(max(0.0, 1 - left))))
    return tuple(steps)


# ---------------------------------------------------------------- the draw


@dataclass(frozen=True)
class Draw:
    """One draw: the uniform number, and where it fell.

    token: what was drawn
    u:     the random number, 0 <= u < 1
    low, high: the token's stretch of the cumulative distribution, tokens in order of their ids
    """

    token: int
    u: float
    low: float
    high: float


def cumulative(probs: Array) -> Array:
    """Where each token's stretch between 0 and 1 ends, tokens in order of their ids. [V] -> [V]"""
    ends = np.cumsum(probs)
    return ends / ends[-1]


def draw(probs: Array, rng: np.random.Generator) -> Draw:
    """Throw one uniform number and see on whose stretch of the cumulative distribution it falls.

    probs: [V], summing to 1. This is the only place where chance enters.
    """
    return draw_at(probs, float(rng.random()))


def draw_at(probs: Array, u: float) -> Draw:
    """The draw for a given number 0 <= u < 1."""
    if not 0 <= u < 1:
        raise ValueError(f"u is at least 0 and less than 1, not {u}")
    ends = cumulative(probs)
    token = int(np.searchsorted(ends, u, side="right"))  # the first stretch that ends after u
    low = float(ends[token - 1]) if token else 0.0
    return Draw(token, u, low, float(ends[token]))


def rng_for_step(seed: int, index: int) -> np.random.Generator:
    """The generator of the index-th written token: the same whatever was drawn before.

    So rewinding, branching and drawing again give the same number at the same step.
    """
    return np.random.default_rng([seed, index])


# ---------------------------------------------------------------- the loop


@dataclass(frozen=True)
class Settings:
    """How to turn logits into a token."""

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One turn of the loop: context in, one token out.

    index:   the how-many-th written token, from 0
    context: the tokens that the model was given (at most n_ctx; earlier ones have dropped out)
    logits:  [V]
    probs:   [V] after the temperature, before the cuts
    cuts:    the cuts, in order
    final:   [V], what was drawn from
    draw:    the draw; None if the token was forced
    token:   what was written
    entropy: of `final`, in nats
    slid:    the context was full, so the oldest token dropped out and all columns were computed anew
    multiply_adds, multiply_adds_uncached: the work of this step, with and without the KV cache; the first step
             reads the whole prompt either way
    """

    index: int
    context: tuple[int, ...] = field(repr=False)
    logits: Array = field(repr=False)
    probs: Array = field(repr=False)
    cuts: tuple[FilterStep, ...] = field(repr=False)
    final: Array = field(repr=False)
    draw: Draw | None
    token: int
    entropy: float
    slid: bool
    multiply_adds: int
    multiply_adds_uncached: int


def choose(logits: Array, settings: Settings) -> tuple[Array, tuple[FilterStep, ...], Array]:
    """(probs after temperature [V], cuts, final probs [V]): all that precedes the draw. No chance here."""
    probs = distribution(logits, settings.temperature)
    cuts = filters(probs, settings.top_k, settings.top_p, settings.min_p, by_probability(logits))
    return probs, cuts, cuts[-1].probs if cuts else probs


def loop(
    model: Model,
    prompt: Sequence[int],
    settings: Settings | None = None,
    rng: np.random.Generator | int = 0,
    forced: Mapping[int, int] | None = None,
    interventions: Sequence[Intervention] = (),
    use_cache: bool = True,
    drop: int = 1,
) -> Iterator[Step]:
    """Write one token after the other, without end: read, score, draw, write, again.

    rng:    a Generator, or a seed: then step i draws with rng_for_step(seed, i)
    forced: step -> token to write there instead of drawing (the reader puts words in its mouth)
    use_cache: keep keys and values; switched off by itself if an intervention makes earlier columns change
    drop:   how many of the oldest tokens go when the context is full (see cache.step)
    Raises ValueError for an empty prompt or an unknown token.
    """
    settings = settings or Settings()
    config = model.config
    tokens = tuple(int(token) for token in prompt)
    cached = use_cache and all(intervention.causal for intervention in interventions)
    context = tokens[-config.n_ctx :]
    trace = forward(model.params, context, config, interventions)
    cache = KVCache.of(trace)
    logits, slid, work = trace["logits"][-1], len(tokens) > config.n_ctx, full_work(model, context)
    index = 0
    while True:
        probs, cuts, final = choose(logits, settings)
        drawn = None
        if forced and index in forced:
            token = int(forced[index])
        else:
            drawn = draw(final, rng if isinstance(rng, np.random.Generator) else rng_for_step(rng, index))
            token = drawn.token
        uncached = full_work(model, context)
        openness = float(entropy(final))
        yield Step(index, context, logits, probs, cuts, final, drawn, token, openness, slid, work, uncached)
        index += 1
        slid = len(context) == config.n_ctx
        context = slide(context, token, config.n_ctx, drop)
        if cached:
            turn = step(model.params, cache, token, interventions, drop)
            cache, logits, work = turn.cache, turn.logits, turn.multiply_adds
        else:
            logits = forward(model.params, context, config, interventions)["logits"][-1]
            work = full_work(model, context)


def full_work(model: Model, context: Sequence[int]) -> int:
    """Multiply-adds of reading the whole context without a cache."""
    return multiply_adds(model.config, len(context), len(context))


def generate(
    model: Model,
    prompt: Sequence[int],
    n: int,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
    rng: np.random.Generator | int = 0,
    forced: Mapping[int, int] | None = None,
    stop: int | None = None,
    interventions: Sequence[Intervention] = (),
    use_cache: bool = True,
    drop: int = 1,
) -> list[Step]:
    """Write up to n tokens after the prompt; ends early after writing `stop`. See `loop` for the rest."""
    settings = Settings(temperature, top_k, top_p, min_p)
    steps: list[Step] = []
    if n <= 0:
        return steps
    for turn in loop(model, prompt, settings, rng, forced, interventions, use_cache, drop):
        steps.append(turn)
        if len(steps) == n or turn.token == stop:
            break
    return steps


# ---------------------------------------------------------------- repetition, measured


@dataclass(frozen=True)
class Loop:
    """A cycle that repeats until the end of a text.

    start:   where the repetition begins (index of the first token of the first round)
    period:  how many tokens make one round
    repeats: how many whole rounds there are
    cycle:   the tokens of one round
    """

    start: int
    period: int
    repeats: int
    cycle: tuple[int, ...]


def find_loop(tokens: Sequence[int], min_repeats: int = 3, min_length: int = 8) -> Loop | None:
    """The shortest cycle that the text ends in, if it goes round min_repeats times over min_length tokens.

    The last round may be incomplete. The start is as early as the cycle reaches.
    returns: Loop, or None if the text does not end in a loop
    """
    text = np.asarray(tokens)
    n = len(text)
    for period in range(1, n // min_repeats + 1):
        differs = np.flatnonzero(text[period:] != text[:-period])
        start = int(differs[-1]) + 1 if differs.size else 0  # from here on it repeats every `period` tokens
        if n - start >= max(min_repeats * period, min_length):
            cycle = tuple(int(token) for token in text[start : start + period])
            return Loop(start, period, (n - start) // period, cycle)
    return None


def distinct_n(tokens: Sequence[int], n: int) -> float:
    """How varied a text is: different n-grams / all n-grams, from near 0 (a loop) to 1 (none occurs twice).

    nan if the text is shorter than n. Source: Li et al. 2016 ("distinct-n")
    """
    if n < 1:
        raise ValueError(f"n-grams have at least 1 token, not {n}")
    grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
    return len(set(grams)) / len(grams) if grams else math.nan

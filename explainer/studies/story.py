"""The loop seen from outside: a story is a pure function of prompt, settings, seed, choices and number of turns.

One turn reads the tape, draws a token and writes it at the end of the tape. Because the random number of turn i
depends on the seed and on i alone (`sampling.rng_for_step`), a story can be rewound, forked at any turn and told
again, and a link that carries these five values tells it anywhere.

`choices` are the tokens that the reader wrote instead of the draw. As text: "3:212,7:45.9" is token 212 at turn 3
and tokens 45, 9 at turns 7, 8.
"""

from __future__ import annotations

import functools
import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from explainer.kernel import checkpoint
from explainer.kernel.cache import KVCache, multiply_adds, step
from explainer.kernel.config import Config
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import entropy
from explainer.kernel.sampling import Settings, Step, choose, cumulative, draw, draw_at, rng_for_step
from explainer.kernel.trace import Trace
from explainer.models import lab

Array = np.ndarray
Choices = tuple[tuple[int, int], ...]
"""((turn, token), ...), turns rising: what the reader wrote instead of the draw."""

MOST_CHOICES = 96
MOST_BRANCHES = 8


# ---------------------------------------------------------------- choices as text


def parse_choices(text: str, n_vocab: int, most_turns: int) -> Choices:
    """Read choices from a link. Raises ValueError with a sentence for the reader.

    The same turn twice: the later one holds.
    """
    found: dict[int, int] = {}
    for part in text.replace(" ", "").split(","):
        if not part:
            continue
        where, colon, what = part.partition(":")
        names = what.split(".")
        if not colon or not all(_whole(n) for n in (where, *names)):
            raise ValueError(f"“{part[:24]}” is not a choice: choices look like 3:212 (turn 3, token 212).")
        for turn, token in enumerate(map(int, names), start=int(where)):
            if turn >= most_turns:
                raise ValueError(f"There is no turn {turn}: this page turns the crank {most_turns} times at most.")
            if token >= n_vocab:
                raise ValueError(f"There is no token {token}: the vocabulary ends at {n_vocab - 1}.")
            found[turn] = token
    if len(found) > MOST_CHOICES:
        raise ValueError(f"{len(found)} chosen tokens are more than the {MOST_CHOICES} that this page keeps.")
    return tuple(sorted(found.items()))


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def write_choices(choices: Iterable[tuple[int, int]]) -> str:
    """The shortest text that `parse_choices` reads back: neighbouring turns share one entry."""
    parts: list[str] = []
    last = -2
    for turn, token in sorted(choices):
        if turn == last + 1:
            parts[-1] += f".{token}"
        else:
            parts.append(f"{turn}:{token}")
        last = turn
    return ",".join(parts)


def fork(choices: Choices, turn: int, *tokens: int) -> Choices:
    """Leave the story at a turn: what was chosen before it holds, these tokens come next, nothing after is fixed."""
    return (*((t, k) for t, k in choices if t < turn), *enumerate(tokens, start=turn))


def as_continuation(words: str) -> str:
    """What a reader typed, as a text goes on with it: a word gets the space in front that the tokens carry."""
    return f" {words}" if words[:1].isalnum() else words


def parse_branches(text: str, n_vocab: int, most_turns: int) -> tuple[Choices, ...]:
    """Several choices separated by ';', each once, the story without any choice left out (it is always there).

    Raises ValueError with a sentence for the reader.
    """
    branches: list[Choices] = []
    for part in text.split(";"):
        choices = parse_choices(part, n_vocab, most_turns)
        if choices and choices not in branches:
            branches.append(choices)
    if len(branches) > MOST_BRANCHES:
        raise ValueError(f"{len(branches)} branches are more than the {MOST_BRANCHES} that this page keeps.")
    return tuple(branches)


def write_branches(branches: Iterable[Choices]) -> str:
    """The text that `parse_branches` reads back."""
    return ";".join(write_choices(b) for b in branches if b)


def remember(branches: Sequence[Choices], *more: Choices) -> tuple[Choices, ...]:
    """The branches with further ones after them; the oldest are forgotten when there are too many."""
    kept = [b for b in dict.fromkeys((*branches, *more)) if b]
    return tuple(kept[-MOST_BRANCHES:])


# ---------------------------------------------------------------- telling


@dataclass(frozen=True)
class Reading:
    """What one pass over a tape leaves for us to look at.

    logits:    [V], the scores of every possible next token
    attention: [L, S], how the last column spread its attention in each layer (mean over the heads)
    """

    logits: Array
    attention: Array

    @property
    def looked_at(self) -> Array:
        """[S], how the last column spread its attention over the tape: the mean over all layers and heads."""
        return self.attention.mean(axis=0)


FEW_OF_FURTHER = (300, 4, 3)
"""Readings, caches and tales that are kept of a further model: a turn of SmolLM2's, with all its odds, takes 1 MB."""


class Teller:
    """Tells stories with one model and remembers what it has read, so that forks share their common beginning.

    What the model makes of a tape depends on the tape only, not on temperature, seed or how it was written; so one
    memory serves all stories. It holds to the last bit for all stories of one prompt: the prompt is read in one pass,
    every later token in a step of its own, however a reader came there. (Other passes would round otherwise, and at a
    low temperature a link would tell another story than the page that it was taken from.)

    readings: (length of the prompt, tape) -> what was read
    caches:   the same -> keys and values of whole stories; those of a story's beginning are cut out of them
    tales:    (prompt, settings, seed, choices) -> the turns told so far
    whole: the teller of the same weights with more places: it reads every tape that fits into both in the same way
    """

    def __init__(
        self,
        model: Model,
        most_readings: int = 3000,
        most_caches: int = 32,
        most_tales: int = 24,
        whole: Teller | None = None,
    ):
        self.model = model
        self.whole = whole
        self.most = (most_readings, most_caches, most_tales)
        self.readings: OrderedDict[tuple[int, tuple[int, ...]], Reading] = OrderedDict()
        self.caches: OrderedDict[tuple[int, tuple[int, ...]], KVCache] = OrderedDict()
        self.tales: OrderedDict[Any, list[Step]] = OrderedDict()

    def read(self, tape: tuple[int, ...], given: int | None = None) -> Reading:
        """Read the last n_ctx tokens of a tape, with the keys and values of the tape before its last token.

        given: how many tokens were there before the first was written; None: all of them
        """
        config, params = self.model.config, self.model.params
        slid = len(tape) > config.n_ctx
        if self.whole is not None and not slid:
            return self.whole.read(tape, given)
        given = 0 if slid else len(tape) if given is None else given
        known = self.readings.get((given, tape))
        if known is not None:
            self.readings.move_to_end((given, tape))
            return known
        if slid or len(tape) <= given:
            return self._keep(given, tape, forward(params, tape[-config.n_ctx :], config))
        cache = self._kept(given, tape[:-1])
        while len(cache) < len(tape):
            turn = step(params, cache, tape[len(cache)])
            reading = self._keep(given, tape[: len(turn.cache)], turn.trace, cache)
            cache = turn.cache
        return reading

    def _kept(self, given: int, tape: tuple[int, ...]) -> KVCache:
        """The keys and values of as much of a tape's beginning as is kept, the prompt at least."""
        best, most = None, given - 1
        for start, other in self.caches:
            if start == given and (shared := _shared(tape, other)) > most:
                best, most = other, shared
        if best is None:
            self._keep(given, tape[:given], forward(self.model.params, tape[:given], self.model.config))
            best, most = tape[:given], given
        self.caches.move_to_end((given, best))
        return self.caches[given, best].begin(most)

    def _keep(self, given: int, tape: tuple[int, ...], trace: Trace, earlier: KVCache | None = None) -> Reading:
        layers = range(self.model.config.n_layers)
        attention = np.stack([trace[f"blocks.{i}.attn.pattern"][:, -1].mean(axis=0) for i in layers])
        reading = Reading(trace["logits"][-1].copy(), attention)
        _put(self.readings, (given, tape), reading, self.most[0])
        if len(tape) <= self.model.config.n_ctx:
            if len(tape) > given:
                self.caches.pop((given, tape[:-1]), None)  # the longer one has it all
            _put(self.caches, (given, tape), KVCache.of(trace, earlier), self.most[1])
        return reading

    def cache_error(self, tape: Sequence[int], given: int) -> float:
        """The largest difference between the logits that a story used and those of one full pass, nothing kept."""
        known = tuple(tape)
        whole = forward(self.model.params, known[-self.model.config.n_ctx :], self.model.config)
        return float(np.abs(self.read(known, given).logits - whole["logits"][-1]).max())

    def turn(self, tape: tuple[int, ...], index: int, settings: Settings, seed: int, chosen: Mapping[int, int]) -> Step:
        """One turn of the crank: read the tape, shape the distribution, draw (or take what the reader chose).

        The caller writes `token` at the end of the tape and turns again; nothing else is carried over.
        Equal to `sampling.loop`, turn by turn.
        """
        config = self.model.config
        context = tape[-config.n_ctx :]
        logits = self.read(tape, len(tape) - index).logits
        probs, cuts, final = choose(logits, settings)
        drawn = None if index in chosen else draw(final, rng_for_step(seed, index))
        token = chosen[index] if drawn is None else drawn.token
        slid = len(tape) > config.n_ctx
        new = len(context) if slid or index == 0 else 1
        return Step(
            index,
            context,
            logits,
            probs,
            cuts,
            final,
            drawn,
            token,
            float(entropy(final)),
            slid,
            multiply_adds(config, new, len(context)),
            multiply_adds(config, len(context), len(context)),
        )

    def tell(
        self,
        prompt: Sequence[int],
        settings: Settings,
        seed: int,
        choices: Choices,
        turns: int,
        seconds: float = math.inf,
    ) -> tuple[Step, ...]:
        """The first `turns` turns of a story. Asking for one more costs one more.

        seconds: how long to work on it at most; then the story ends earlier, though not before one new turn
        Raises ValueError for an empty prompt or unknown tokens.
        """
        start = tuple(prompt)
        told: list[Step] = self.tales.get((start, settings, seed, choices), [])
        _put(self.tales, (start, settings, seed, choices), told, self.most[2])
        chosen = dict(choices)
        tape = start + tuple(s.token for s in told)
        began = time.monotonic()
        while len(told) < turns:
            told.append(self.turn(tape, len(told), settings, seed, chosen))
            tape = (*tape, told[-1].token)
            if time.monotonic() - began > seconds:
                break
        return tuple(told[:turns])


def _shared(a: tuple[int, ...], b: tuple[int, ...]) -> int:
    """How many tokens two tapes begin with alike."""
    n = min(len(a), len(b))
    return n if a[:n] == b[:n] else next(i for i in range(n) if a[i] != b[i])


def _put(store: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    store[key] = value
    store.move_to_end(key)
    while len(store) > most:
        store.popitem(last=False)


def teller(window: int | None = None) -> Teller:
    """The teller of the model in use; with a `window`, of the same weights with only that many places."""
    n_ctx = lab.model().config.n_ctx
    return _teller(n_ctx if window is None else min(window, n_ctx))


@lab.per_model(4)
def _teller(window: int) -> Teller:
    model = lab.model()
    most = (3000, 32, 24) if lab.is_own() else FEW_OF_FURTHER
    return (
        Teller(model, *most) if window == model.config.n_ctx else Teller(narrow(model, window), *most, whole=teller())
    )


def narrow(model: Model, window: int) -> Model:
    """The same weights with fewer places: the context is full after `window` tokens, and slides from then on."""
    if not 1 <= window <= model.config.n_ctx:
        raise ValueError(f"this model has {model.config.n_ctx} places, so a window has from 1 to that many")
    params = dict(model.params)
    if (places := params.get("pos_embed.W_pos")) is not None:  # where places are angles, none is stored
        params["pos_embed.W_pos"] = places[:window]
    return Model(replace(model.config, n_ctx=window), params, f"{model.name}, window {window}", model.metadata)


def log_probability(steps: Sequence[Step]) -> float:
    """ln of the probability that the draws write exactly this (chosen tokens counted as if drawn); -inf if never."""
    with np.errstate(divide="ignore"):
        return float(sum(np.log(s.final[s.token]) for s in steps))


def first_difference(a: Sequence[int], b: Sequence[int]) -> int | None:
    """The first index at which two texts differ; None if one begins with the other."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), None)


def how_many_differ(a: Sequence[Step], b: Sequence[Step]) -> int:
    """At how many turns two stories have another token, place by place, over their common length."""
    return sum(x.token != y.token for x, y in zip(a, b, strict=False))


# ---------------------------------------------------------------- the tree of what was and what could have been


@dataclass(frozen=True)
class Branch:
    """One story in the tree.

    choices: what the reader chose in it
    steps:   its turns
    parent:  the row from which it forks; None for the first
    start:   the first turn that is its own; from the parent it has all turns before
    """

    choices: Choices
    steps: tuple[Step, ...]
    parent: int | None
    start: int


def tree(stories: Sequence[tuple[Choices, tuple[Step, ...]]]) -> tuple[Branch, ...]:
    """Arrange stories as a tree: each forks from that earlier row with which it shares most.

    The first row is the trunk. Each token is drawn once: a row shows only what is its own.
    """
    rows: list[Branch] = []
    for choices, steps in stories:
        parent, start = None, 0
        for i, other in enumerate(rows):
            apart = first_difference([s.token for s in steps], [s.token for s in other.steps])
            shared = min(len(steps), len(other.steps)) if apart is None else apart
            if parent is None or shared > start:
                parent, start = i, shared
        rows.append(Branch(choices, steps, parent, start))
    return tuple(rows)


# ---------------------------------------------------------------- the work of each turn


def kept_per_token(config: Config) -> int:
    """How many numbers a token leaves in the cache: a key and a value per layer and head (or group of heads)."""
    return 2 * config.n_layers * config.kv_heads * config.d_head


@dataclass(frozen=True)
class Work:
    """What one turn costs.

    turn:     its index
    total:    columns in the context
    new:      columns computed when keys and values are kept
    cached, uncached: multiply-adds with and without keeping them; logits are counted for the last column only
    slid:     the context was full, so all columns had to be computed anew
    """

    turn: int
    total: int
    new: int
    cached: int
    uncached: int
    slid: bool


def work(config: Config, n_prompt: int, turns: int, window: int | None = None) -> tuple[Work, ...]:
    """The work of each of the first `turns` turns, by the formula that `cache.count` confirms on real passes.

    A draw needs the logits of the last column only, so only these are counted, whether or not keys are kept. (Our own
    passes compute those of every new column.) The first turn reads the whole prompt; each later one reads the token
    just written, until the context of `window` tokens (default n_ctx) is full.
    """
    places = min(window or config.n_ctx, config.n_ctx)
    done = []
    for turn in range(turns):
        slid = n_prompt + turn > places
        total = min(n_prompt + turn, places)
        new = total if slid or turn == 0 else 1
        kept, anew = (multiply_adds(config, n, total, scored=1) for n in (new, total))
        done.append(Work(turn, total, new, kept, anew, slid))
    return tuple(done)


def shift_change(model: Model, tokens: Sequence[int]) -> tuple[float, ...]:
    """How wrong the kept keys are once the window has slid by one, per layer: relative size of the change.

    The same tokens are read twice: behind the oldest token, and without it, each one place further left.
    tokens:  at least 3, at most n_ctx
    returns: |keys after - keys before| / |keys before|, one number per layer
    """
    before = forward(model.params, tuple(tokens), model.config)
    after = forward(model.params, tuple(tokens)[1:], model.config)
    changes = []
    for layer in range(model.config.n_layers):
        old = before[f"blocks.{layer}.attn.k"][1:]
        new = after[f"blocks.{layer}.attn.k"]
        changes.append(float(np.linalg.norm(new - old) / np.linalg.norm(old)))
    return tuple(changes)


# ---------------------------------------------------------------- what the loop is not


def fingerprint_of(params: Mapping[str, Array]) -> str:
    """SHA-256 of all weights, the first 12 hexadecimal digits. The arrays are read-only: it cannot change."""
    digest = hashlib.sha256()
    for key in sorted(params):
        digest.update(np.ascontiguousarray(params[key]).data)
    return digest.hexdigest()[:12]


@functools.lru_cache(maxsize=8)
def fingerprint(name: str = lab.STORYTELLER) -> str:
    """The fingerprint of the weights of one of the project's own models."""
    return fingerprint_of(checkpoint.load(name).params)


@dataclass(frozen=True)
class Nudge:
    """What a tiny change of one logit does: the probability follows smoothly, the written token does not move.

    amount: added to the drawn token's logit
    before, after: its probability
    slope: d probability / d logit there (temperature and cuts as set, the cut's choice held fixed)
    moved: whether the token that is written changed
    margin: the least change of u that would have written another token; infinite if none would (u lies between 0 and 1)
    """

    amount: float
    before: float
    after: float
    slope: float
    moved: bool
    margin: float


def nudge(turn: Step, settings: Settings, amount: float = 0.001) -> Nudge | None:
    """Add a little to the logit of the token that was drawn and draw again with the same u. None for a chosen token.

    At temperature 0 the slope is 0: an argmax moves in jumps only.
    """
    if turn.draw is None:
        return None
    logits = np.array(turn.logits, dtype=np.float64)
    logits[turn.token] += amount
    _, _, final = choose(logits, settings)
    p = float(turn.final[turn.token])
    slope = p * (1 - p) / settings.temperature if settings.temperature > 0 else 0.0
    margin = min(
        turn.draw.u - turn.draw.low if turn.draw.low > 0 else math.inf,
        turn.draw.high - turn.draw.u if turn.draw.high < 1 else math.inf,
    )
    again = draw_at(final, turn.draw.u)
    return Nudge(amount, p, float(final[turn.token]), slope, again.token != turn.token, margin)


def equal_choices(turn: Step) -> float:
    """How open a turn was, as the number of equally likely tokens that would be just as uncertain: e^entropy."""
    return float(np.exp(turn.entropy))


@dataclass(frozen=True)
class Stretch:
    """A token's stretch of the cumulative distribution, which the random number may fall on."""

    token: int
    low: float
    high: float


def stretches(probs: Array, least: float = 0.004) -> tuple[Stretch, ...]:
    """The stretches that are wide enough to be seen, in the order in which they are laid out: by token id."""
    ends = cumulative(probs)
    return tuple(
        Stretch(int(token), float(ends[token - 1]) if token else 0.0, float(ends[token]))
        for token in np.flatnonzero(probs >= least)
    )

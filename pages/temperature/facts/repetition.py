"""Long texts at several temperatures, and how much each repeats itself. Written a little at a time, so nobody waits.

Three measures, none of them a matter of taste: the loop that a text ends in (`sampling.find_loop`), the share of its
pairs of neighbours that are new (distinct-2), and how much of it stands in stretches that it had written before.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explainer import corpus
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import softmax
from explainer.kernel.sampling import Loop, Settings, distinct_n, draw, find_loop, loop, rng_for_step
from explainer.kernel.tokenizer import Tokenizer
from explainer.models import lab
from explainer.models.measured import kept

Array = np.ndarray
STRETCH = 8


class Writer:
    """One text in the making: what the model writes after a prompt at one temperature, with no cuts.

    tokens: what was written so far; entropies: of the distribution that each was drawn from, in nats
    slid_at: how many tokens had been written when the context first was full and its oldest token dropped out; None
    """

    def __init__(self, model: Model, prompt: Sequence[int], temperature: float, seed: int):
        self.prompt = tuple(prompt)
        self.temperature = temperature
        self.tokens: list[int] = []
        self.entropies: list[float] = []
        self.slid_at: int | None = None
        self._steps = loop(model, self.prompt, Settings(temperature), seed)

    def advance(self, to: int) -> None:
        """Go on until `to` tokens are written; nothing is done if they are."""
        while len(self.tokens) < to:
            step = next(self._steps)
            if step.slid and self.slid_at is None:
                self.slid_at = step.index
            self.tokens.append(step.token)
            self.entropies.append(step.entropy)


class TrueWriter:
    """The same with the corpus's true odds in the place of the model: how varied the real thing is.

    Draws with the same numbers. Raises ValueError if the corpus never writes the prompt.
    """

    def __init__(self, tokenizer: Tokenizer, prompt: Sequence[int], seed: int):
        self._reader = corpus.Reader(tokenizer)
        for token in prompt[1:]:
            if self._reader.feed(int(token)) == 0.0:
                raise ValueError("the corpus never writes this prompt")
        self._n_vocab, self._seed = tokenizer.n_vocab, seed
        self.tokens: list[int] = []
        self.entropies: list[float] = []
        self.slid_at: int | None = None  # the grammar has no context that could be full

    def advance(self, to: int) -> None:
        """Go on until `to` tokens are written; nothing is done if they are."""
        while len(self.tokens) < to:
            probs = np.zeros(self._n_vocab)
            for token, p in self._reader.next_tokens().items():
                probs[token] = p
            drawn = draw(probs, rng_for_step(self._seed, len(self.tokens))).token
            self._reader.feed(drawn)
            self.tokens.append(drawn)
            positive = probs[probs > 0]
            self.entropies.append(float(abs((positive * np.log(positive)).sum())))


def distinct_so_far(tokens: Sequence[int], n: int = 2) -> list[float]:
    """distinct-n of the text up to each token: different n-grams / all n-grams; nan where there is none yet.

    returns: one number per token, the last being `sampling.distinct_n(tokens, n)`
    """
    seen: set[tuple[int, ...]] = set()
    out = []
    for i in range(len(tokens)):
        if i + 1 >= n:
            seen.add(tuple(tokens[i + 1 - n : i + 1]))
        out.append(len(seen) / (i + 2 - n) if i + 1 >= n else float("nan"))
    return out


def copied(tokens: Sequence[int], length: int = STRETCH) -> Array:
    """Which tokens lie in a stretch of `length` that stood earlier in the same text, word for word. [T] bool

    The first occurrence is not marked, only what repeats it (it may overlap it, as in a loop).
    """
    marked = np.zeros(len(tokens), dtype=bool)
    seen: set[tuple[int, ...]] = set()
    for i in range(len(tokens) - length + 1):
        gram = tuple(tokens[i : i + length])
        if gram in seen:
            marked[i : i + length] = True
        seen.add(gram)
    return marked


# ---------------------------------------------------------------- four texts beside each other

TEMPERATURES = (0.01, 0.5, 1.0, 2.0)
LENGTH = 200


@dataclass(frozen=True)
class Text:
    """One text as far as it is written, and its measures.

    name:   the temperature in words, or 'the corpus'
    loop:   the cycle that it ends in, if it does
    copied: [T] bool, tokens in stretches of STRETCH that stood before in the same text
    distinct: [T], distinct-2 of the text so far
    mean_entropy: of the distributions that it was drawn from, nats
    """

    name: str
    temperature: float | None
    tokens: tuple[int, ...]
    entropies: tuple[float, ...]
    slid_at: int | None
    loop: Loop | None
    copied: Array
    distinct: list[float]

    @property
    def distinct_1(self) -> float:
        return distinct_n(self.tokens, 1)

    @property
    def distinct_2(self) -> float:
        return distinct_n(self.tokens, 2)

    @property
    def copied_share(self) -> float:
        return float(self.copied.mean()) if len(self.tokens) else float("nan")

    @property
    def mean_entropy(self) -> float:
        return float(np.mean(self.entropies)) if self.entropies else float("nan")

    @property
    def documents(self) -> int:
        """How many documents it ended."""
        return sum(token == 0 for token in self.tokens)


class Desk:
    """The texts of one prompt and one seed, all growing together. The corpus's own text grows along if it can."""

    def __init__(self, model: Model, tokenizer: Tokenizer, prompt: Sequence[int], seed: int):
        self.writers: list[tuple[str, Writer | TrueWriter]] = [
            (f"T = {t:g}", Writer(model, prompt, t, seed)) for t in TEMPERATURES
        ]
        self.outside = ""
        try:
            self.writers.append(("the corpus", TrueWriter(tokenizer, prompt, seed)))
        except ValueError as problem:
            self.outside = str(problem)
        self.written = 0

    @property
    def done(self) -> bool:
        return self.written >= LENGTH

    @property
    def stride(self) -> int:
        """How many tokens of each text are a short piece of work: few once the context slides, for then every column
        is computed anew."""
        return 2 if any(writer.slid_at is not None for _, writer in self.writers) else 10

    def advance(self, to: int) -> None:
        """Write all texts up to `to` tokens, LENGTH at most."""
        self.written = max(self.written, min(to, LENGTH))
        for _, writer in self.writers:
            writer.advance(self.written)

    def texts(self) -> list[Text]:
        """All texts as they stand."""
        return [
            Text(
                name,
                getattr(writer, "temperature", None),
                tuple(writer.tokens),
                tuple(writer.entropies),
                writer.slid_at,
                find_loop(writer.tokens),
                copied(writer.tokens),
                distinct_so_far(writer.tokens),
            )
            for name, writer in self.writers
        ]


@kept
def full_texts(prompt: tuple[int, ...], seed: int) -> tuple[tuple[tuple[int, ...], tuple[float, ...], int | None], ...]:
    """(tokens, entropies, slid_at) of each text of this prompt and seed, written to the end."""
    made = Desk(lab.model(), lab.tokenizer(), prompt, seed)
    made.advance(LENGTH)
    return tuple((t.tokens, t.entropies, t.slid_at) for t in made.texts())


SEEDS = 20
SEEDED = (TEMPERATURES[0], 1.0)  # those compared over seeds: almost no heat, and what was learned


@dataclass(frozen=True)
class OverSeeds:
    """One of the texts of a prompt, written anew with each of the seeds 0, 1, 2, ...

    name:   the temperature in words, or 'the corpus'
    copied: for each seed, the share of the text in stretches that stood before in it
    loops:  for each seed, whether it ends in a loop
    different: how many of the texts differ from one another: almost without heat the seed may have nothing to say
    """

    name: str
    copied: tuple[float, ...]
    loops: tuple[bool, ...]
    different: int

    @property
    def median(self) -> float:
        """The middle one of the shares."""
        return float(np.median(self.copied))

    @property
    def middle_half(self) -> tuple[float, float]:
        """Between which two shares half of the seeds lie, a quarter being below and a quarter above."""
        low, high = np.percentile(self.copied, (25, 75))
        return float(low), float(high)


@kept
def over_seeds(prompt: tuple[int, ...], n: int = SEEDS) -> tuple[OverSeeds, ...]:
    """How much the texts of a prompt repeat themselves with the first n seeds: one seed may be an odd one."""
    model, tokenizer = lab.model(), lab.tokenizer()
    makers: dict[str, Callable[[int], Writer | TrueWriter]] = {
        f"T = {t:g}": functools.partial(Writer, model, prompt, t) for t in SEEDED
    } | {"the corpus": functools.partial(TrueWriter, tokenizer, prompt)}
    found = []
    for name, maker in makers.items():
        texts = [maker(seed) for seed in range(n)]
        for text in texts:
            text.advance(LENGTH)
        shares = tuple(float(copied(text.tokens).mean()) for text in texts)
        loops = tuple(find_loop(text.tokens) is not None for text in texts)
        found.append(OverSeeds(name, shares, loops, len({tuple(text.tokens) for text in texts})))
    return tuple(found)


@kept
def cold_and_learned(prompt: tuple[int, ...], seed: int) -> tuple[tuple[float, bool], tuple[float, bool]]:
    """The texts of a prompt at the two temperatures of SEEDED: (share that repeats, whether it ends in a loop) each."""
    found = []
    for t in SEEDED:
        text = Writer(lab.model(), prompt, t, seed)
        text.advance(LENGTH)
        found.append((float(copied(text.tokens).mean()), find_loop(text.tokens) is not None))
    return found[0], found[1]


@dataclass(frozen=True)
class Slip:
    """Where a text first leaves the grammar: a token that the corpus never writes at that place.

    at:     how many tokens had been written before it
    wanted: the tokens that could have come; their chance by the model at T = 1, all together
    """

    at: int
    wanted: tuple[int, ...]
    chance: float


def first_slip(prompt: Sequence[int], tokens: Sequence[int]) -> Slip | None:
    """The first token of a text that cannot come where it stands; None if there is none.

    Raises ValueError if the corpus never writes the prompt.
    """
    reader, model = corpus.Reader(lab.tokenizer()), lab.model()
    for token in prompt[1:]:
        if reader.feed(int(token)) == 0.0:
            raise ValueError("the corpus never writes this prompt")
    for at, token in enumerate(tokens):
        odds = reader.next_tokens()
        if reader.feed(int(token)) == 0.0:
            context = [*prompt, *tokens[:at]][-model.config.n_ctx :]
            probs = softmax(forward(model.params, context, model.config)["logits"][-1].astype(np.float64))
            return Slip(at, tuple(odds), float(sum(probs[t] for t in odds)))
    return None


@lab.per_model(3)
def desk(prompt: tuple[int, ...], seed: int) -> Desk:
    """The desk for this prompt and seed: kept, so that coming back costs nothing; finished, if it was measured."""
    made = Desk(lab.model(), lab.tokenizer(), prompt, seed)
    if full_texts.known(prompt, seed):  # type: ignore[attr-defined]
        for (_, writer), (tokens, entropies, slid_at) in zip(made.writers, full_texts(prompt, seed), strict=True):
            writer.tokens, writer.entropies, writer.slid_at = list(tokens), list(entropies), slid_at
        made.written = LENGTH
    return made

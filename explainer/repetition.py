"""Long texts at several temperatures, and how much each repeats itself. Written a little at a time, so nobody waits.

Three measures, none of them a matter of taste: the loop that a text ends in (`sampling.find_loop`), the share of its
pairs of neighbours that are new (distinct-2), and how much of it stands in stretches that it had written before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from explainer import corpus
from explainer.model import Model
from explainer.sampling import Settings, draw, loop, rng_for_step
from explainer.tokenizer import Tokenizer

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

    def advance(self, to: int) -> None:
        """Go on until `to` tokens are written."""
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

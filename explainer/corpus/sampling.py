"""Draw documents from the grammar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explainer.corpus.grammar import document


def sample_words(rng: np.random.Generator) -> list[str]:
    """Draw one document as its words (see `machinery`); joined they are its text."""
    return _draw(rng.random)


def sample_document(rng: np.random.Generator) -> str:
    """Draw one document as text."""
    return "".join(sample_words(rng))


def _draw(random: Callable[[], float]) -> list[str]:
    script = document()
    words: list[str] = []
    step = next(script)
    try:
        while True:
            odds = step.odds
            if len(odds) == 1:
                (word,) = odds
            else:
                at = random()
                for word, probability in odds.items():  # noqa: B007 - the last word also takes rounding's rest
                    at -= probability
                    if at < 0.0:
                        break
            words.append(word)
            step = script.send(word)
    except StopIteration:
        return words

"""How a grammar is written here: a document is a Python generator that asks for one word at a time.

Each step yields `Step(odds, kind)`: every word that may come next with its probability, and what sort of decision
this is. Whoever drives the generator sends back the word that was chosen: `sampling` draws it, `truth` reads it from
a given text. The same code therefore writes documents and knows their exact distribution; there is no second copy of
the grammar that could disagree with the first.

A *word* is what the tokenizer's split pattern cuts out: ' kite', '.', ' 7', '-ri', '."'. A word carries its leading
space. All chance is in the words: two different choices never write the same word at the same place, so the words
written so far determine everything that has been decided.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from functools import lru_cache
from typing import NamedTuple

from explainer.kernel.tokenizer import split_words


class Step(NamedTuple):
    """One question that the grammar asks: which word comes next?"""

    odds: Mapping[str, float]  # word -> probability; sums to 1
    kind: str  # one of KINDS


KINDS = {
    "free": "a free choice with known odds",
    "structure": "the only word that fits the sentence",
    "recall": "a word chosen earlier in this document",
    "copy": "an invented name, which can only be copied",
    "agreement": "a word that must agree with an earlier one (he or she, is or are)",
    "sum": "the result of a calculation",
    "count": "the next number or the next item of a pattern",
    "bracket": "a closing bracket or quote",
    "start": "the first word of a document, which decides its kind",
    "end": "the end of the document",
}

Script = Generator[Step, str, None]


class Odds:
    """A table of phrases with their odds, asked word by word.

    Phrases may share their first words; none may be the beginning of another (then its end would not show).
    """

    def __init__(self, weights: Mapping[str, float]):
        total = float(sum(weights.values()))
        self.weights = dict(weights)
        self.root = self._node([(split_words(p), w / total, p) for p, w in weights.items()])

    @staticmethod
    def _node(rest: list[tuple[tuple[str, ...], float, str]]) -> _Node:
        mass: dict[str, float] = {}
        groups: dict[str, list[tuple[tuple[str, ...], float, str]]] = {}
        for words, weight, phrase in rest:
            mass[words[0]] = mass.get(words[0], 0.0) + weight
            groups.setdefault(words[0], []).append((words[1:], weight, phrase))
        total = sum(mass.values())
        after: dict[str, _Node | str] = {}
        for word, group in groups.items():
            ended = [phrase for words, _, phrase in group if not words]
            if ended and len(group) > 1:
                raise ValueError(f"{ended[0]!r} is the beginning of another phrase in the same table")
            after[word] = ended[0] if ended else Odds._node(group)
        return _Node({word: m / total for word, m in mass.items()}, after)

    @lru_cache(maxsize=4096)  # noqa: B019 - the tables are module constants and live as long as the program
    def without(self, *phrases: str) -> Odds:
        """The same table with these phrases taken out and the rest scaled up."""
        return Odds({p: w for p, w in self.weights.items() if p not in phrases})


class _Node(NamedTuple):
    odds: dict[str, float]
    after: dict[str, _Node | str]


def table(*phrases: str, **weighted: float) -> Odds:
    """Equal odds for `phrases`."""
    return Odds(dict.fromkeys(phrases, 1.0) | weighted)


def pick(odds: Odds, kind: str = "free") -> Generator[Step, str, str]:
    """Choose a phrase from a table; returns the phrase. Words inside it that are no choice count as structure."""
    node = odds.root
    while True:
        word = yield Step(node.odds, kind if len(node.odds) > 1 else "structure")
        found = node.after[word]
        if isinstance(found, str):
            return found
        node = found


@lru_cache(maxsize=4096)
def _forced(text: str, kind: str) -> tuple[Step, ...]:
    return tuple(Step({word: 1.0}, kind) for word in split_words(text))


def say(text: str, kind: str = "structure") -> Script:
    """Write these words: nothing is chosen."""
    for step in _forced(text, kind):  # noqa: UP028 - words are sent here, which a plain iterator cannot take
        yield step


def recall(text: str) -> Script:
    """Write words that were chosen earlier in this document."""
    yield from say(text, "recall")

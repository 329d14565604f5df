"""What somebody makes up, said twice: how often the storytellers finish it, and whether that takes both steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out, names
from explainer.models import lab
from explainer.models.measured import kept
from explainer.studies import circuit

FRAME = "Magic: {name}. Again: {start}"
"""A text of the kind that the corpus has, with the places of a made-up word and of that word but for its last piece."""
BARE = " {name} {start}"
"""The same with nothing around that says that something is said twice."""
NAMES, SEED = 100, 2027
CUT = 30  # of these, with two pieces or more, are cut as well


def made_up(n: int = NAMES) -> list[str]:
    """Words in pieces that no training text contains: random letters, held out by a hash (`corpus.names`)."""
    return [name for name in names.unheard(4 * n, SEED) if name.count("-") >= 2][:n]


@kept
def finished(name: str, frame: str = FRAME) -> held_out.Mean:
    """The share of later pieces of made-up words that a model says rightly the second time; interval over words.

    Only where the pieces before settle what follows. name: of the model; frame: FRAME or BARE
    """
    m, right, counts = lab.model(name), [], []
    for word in made_up():
        tokens, places = names.copied(word, frame.replace("{start}", "{name}"), lab.tokenizer(name))
        said = m.forward(tokens)["logits"].argmax(axis=-1)
        asked = [place for place in places if place.determined]
        right.append(sum(int(said[place.at - 1]) == place.token for place in asked))
        counts.append(len(asked))
    return held_out.mean(np.array(right, float), np.array(counts, float))


@dataclass(frozen=True)
class Cuts:
    """Of `words` made-up words whose last piece is due, in how many ...

    found:  the two steps were found (explainer.studies.circuit): each is needed, a control beside it is not
    first, second: the mean chance that is left, among those, with one step cut; whole: with none
    alone:  no single layer's cut of the first step breaks it
    """

    words: int
    found: int
    whole: float
    first: float
    second: float
    alone: int


@kept
def cuts() -> Cuts:
    """Cut the two steps in many texts, of the storyteller."""
    some = made_up()[:CUT]
    circuits = []
    for word in some:
        try:
            circuits.append(circuit.circuit(lab.tokens_of(FRAME.format(name=word, start=word.rpartition("-")[0]))))
        except circuit.NoCircuit:
            continue
    mean = lambda values: float(np.mean(list(values)))  # noqa: E731
    return Cuts(
        len(some),
        len(circuits),
        mean(x.chance for x in circuits),
        mean(x.first_cut for x in circuits),
        mean(x.second_cut for x in circuits),
        sum(x.redundant for x in circuits),
    )

"""What is measured of a further model on the reader's own text, where the storyteller's pages have its corpus.

The storyteller's heads are measured on held-out stories, where the grammar says which word is due. Of a real model no
grammar is known; what its heads read by place alone can be said of any text.
"""

from __future__ import annotations

from explainer.kernel.heads import MEASURED, HeadScores, Tally
from explainer.models import lab
from explainer.studies import attention_facts
from explainer.studies.attention_facts import Rider

MANY_LAYERS = lab.MANY_LAYERS
"""Of more layers there is no room for each: heads are bundled by layer, their patterns small."""


def head_scores(tokens: tuple[int, ...]) -> HeadScores:
    """What each head does: the storyteller's by held-out stories, another model's by this text alone."""
    return attention_facts.head_scores() if lab.is_own() else on_text(tokens)


@lab.per_model(4)
def on_text(tokens: tuple[int, ...]) -> HeadScores:
    """The mean share of attention that each head gives to each role, over the queries of one text from the second on.

    Induction is asked only where a token stands for the second time; with none in the text, all its scores are 0.
    """
    trace = lab.trace(tokens)
    tally = Tally(trace.config)
    tally.add(trace, MEASURED, first=1)
    return tally.scores()


def bundled(riders: tuple[Rider, ...], layer: int) -> tuple[Rider, ...]:
    """The heads of each layer taken together, but for those of one layer; the sums stay what they are."""
    found: list[Rider] = []
    for rider in riders:
        if rider.head is None or rider.layer == layer:
            found.append(rider)
        elif found and found[-1].name == f"attention {rider.layer}":
            last = found[-1]
            found[-1] = Rider(last.name, last.layer, None, last.logit + rider.logit, last.lead + rider.lead)
        else:
            found.append(Rider(f"attention {rider.layer}", rider.layer, None, rider.logit, rider.lead))
    return tuple(found)

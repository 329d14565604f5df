"""The kinds of decision of the corpus (corpus.KINDS): their names in figures, and which are measured often enough."""

from __future__ import annotations

from explainer.corpus import KINDS
from explainer.corpus.held_out import Loss

NAMES = {
    "structure": "fixed word",
    "free": "free choice",
    "recall": "earlier word",
    "copy": "invented name",
    "agreement": "he or she",
    "sum": "sum",
    "count": "counting",
    "bracket": "closing quote",
    "start": "first word",
    "end": "end",
}
FEW = 50  # kinds with fewer held-out tokens are left out


def measured(loss: Loss) -> list[str]:
    """The kinds of which the held-out set has enough tokens, in the order of KINDS."""
    return [kind for kind in KINDS if kind in loss.by_kind and loss.by_kind[kind].tokens >= FEW]

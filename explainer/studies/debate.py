"""Two measurements of the debate on /paths/: how far a loss pulls, and what is lost without what columns have read.

The second: what columns would forecast if no earlier column had worked anything out. In such a pass every column but
the last reads itself and the start token alone; the last one reads them all, as ever. So it finds every token at its
place, in every layer, and nothing that one column has made of others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out
from explainer.corpus.held_out import Mean
from explainer.kernel import gradients
from explainer.kernel.interventions import Edit
from explainer.kernel.model import forward
from explainer.kernel.ops import log_softmax, softmax
from explainer.kernel.paths import measured_gradient
from explainer.models import lab
from explainer.models.measured import kept
from explainer.studies import influence

Array = np.ndarray


@dataclass(frozen=True)
class ReadAlone(Edit):
    """Every column but the last may read only itself and the start token, in every layer and head."""

    @property
    def causal(self) -> bool:
        return False

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        if not key.endswith(".attn_scores"):
            return value
        n = value.shape[-1]
        others = ~np.eye(n, dtype=bool)
        others[:, 0] = others[-1] = False
        return np.where(others, -np.inf, value).astype(value.dtype)

    def __str__(self) -> str:
        return "every column but the last reads itself and the start alone"


@lab.per_model(64)
def unremembered(tokens: tuple[int, ...]) -> Array:
    """The odds after the last token where no earlier column has read another one. [V]"""
    m = lab.model()
    return softmax(forward(m.params, tokens, m.config, [ReadAlone()])["logits"][-1].astype(np.float64))


def shift(tokens: tuple[int, ...]) -> float:
    """How much of the probability after the last token moves if no earlier column has read another one, 0 to 1."""
    with_notes = softmax(lab.trace(tokens)["logits"][-1].astype(np.float64))
    return float(np.abs(with_notes - unremembered(tokens)).sum() / 2)


def pull_elsewhere(tokens: tuple[int, ...]) -> float:
    """How much of the last token's loss pulls at other columns than the one asked: a share of the lengths of the
    gradients at all nodes, 0 to 1. tokens: two at least"""
    asks = len(tokens) - 2
    back = gradients.backward(lab.trace(tokens), lab.model().params, positions=[asks])
    pull = measured_gradient(influence.grid(len(tokens), lab.model().config.n_layers), back.activations)
    return float(pull[:, :asks].sum() / pull.sum())


SEED = 11


@kept
def loss() -> tuple[Mean, Mean]:
    """The cross-entropy of the next token at one place of each held-out document, in nats: as ever, and unremembered.

    The place is drawn with SEED, and the loss is expected under the true odds there.
    """
    m, rng, rows = lab.model(lab.STORYTELLER), np.random.default_rng(SEED), []
    for document in held_out.documents(lab.tokenizer(lab.STORYTELLER)):
        place = int(rng.integers(2, min(len(document.read), 64)))
        tokens, odds = document.read[: place + 1], document.odds()[place]
        ids, truth = list(odds), np.array(list(odds.values()))
        logits = [
            forward(m.params, tokens, m.config, edits)["logits"][-1].astype(np.float64)
            for edits in ((), (ReadAlone(),))
        ]
        rows.append([-float(truth @ log_softmax(x)[ids]) for x in logits])
    each = np.ones(len(rows))
    ever, never = (held_out.mean(np.array(column), each) for column in zip(*rows, strict=True))
    return ever, never

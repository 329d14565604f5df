"""When copying comes: the same measurements at sixteen moments of the training of three models, on one clock.

The checkpoints are those that the training of the storytellers left along the way (explainer/training/train.py). They
lie beside the weights in the repository and are in no page: what is measured of them is.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explainer.corpus import held_out
from explainer.kernel import checkpoint
from explainer.kernel.model import Model, forward
from explainer.models import lab
from explainer.models.measured import kept
from explainer.studies import copying as study
from explainer.studies.influence import family

Array = np.ndarray

ROWS = 20  # of study.LENGTH tokens, said twice
DOCUMENTS = 40  # of the held-out set, for the loss
LAST = 6000  # steps of the training
SHOWN = 8  # letters of the row of the small pictures: it says them twice
RISEN = 0.5  # the share of tokens from which a model is said to copy


@dataclass(frozen=True, eq=False)
class Moment:
    """One checkpoint.

    right:  the share of tokens of random rows, said twice, that are said rightly the second time
    prefix: (layer, head, score) of the head that reads most of what followed the same token before
    before: (layer, head, score) of the head that reads most of the token just before
    excess: how far the loss on held-out text is above the least possible, nats per token
    looks:  what that first head reads in one row of letters, in parts of 255: uint8 [2 SHOWN + 1, 2 SHOWN + 1]
    """

    step: int
    right: held_out.Mean
    prefix: tuple[int, int, float]
    before: tuple[int, int, float]
    excess: held_out.Mean
    looks: Array


def steps(layers: int) -> tuple[int, ...]:
    """After how many training steps there is a checkpoint of the model with so many layers."""
    return tuple(sorted(int(file.stem.removeprefix("step-")) for file in folder(layers).glob("step-*.safetensors")))


def folder(layers: int) -> Path:
    """Where the checkpoints of a model lie."""
    return checkpoint.WEIGHTS / "along" / lab.FAMILY[layers]


def after(layers: int, step: int) -> Model:
    """The model as it was after so many steps. Raises explainer.kernel.checkpoint.CheckpointError."""
    file = folder(layers) / f"step-{step:06d}.safetensors"
    if not file.is_file():
        raise checkpoint.MissingCheckpoint(f"there is no checkpoint of step {step:,} of {lab.FAMILY[layers]} here")
    return checkpoint.loads(file.read_bytes(), f"{lab.FAMILY[layers]} after {step:,} steps")


def row() -> study.Row:
    """The row of the small pictures: the start token, SHOWN letters, and the same again."""
    return study.rows(lab.tokenizer().end_id, study.letters(), 1, SHOWN, seed=1)[0]


def moment(layers: int, step: int) -> Moment:
    """Measure one checkpoint."""
    m = after(layers, step)
    found = study.copied(m, study.rows(lab.tokenizer().end_id, study.pool(), ROWS))
    layer, head, score = found.scores.best("induction")
    texts = held_out.documents(lab.tokenizer())[:DOCUMENTS]
    losses = held_out.tally(lambda tokens: forward(m.params, tokens, m.config)["logits"], texts)
    excess = held_out.summary(losses, texts, held_out.floor_tally(texts)).rise
    assert excess is not None
    looks = m.forward(row())[f"blocks.{layer}.attn.pattern"][head]
    return Moment(
        step,
        found.right,
        (layer, head, score),
        found.scores.best("previous_token"),
        excess,
        np.round(255 * looks).astype(np.uint8),
    )


@kept
def along(layers: int) -> tuple[Moment, ...]:
    """All checkpoints of a model, from the first on."""
    return tuple(moment(layers, step) for step in steps(layers))


def depths() -> tuple[int, ...]:
    """How many layers the models have, the shallowest first."""
    return tuple(layers for layers, _ in family())


def risen(layers: int) -> tuple[int, int] | None:
    """Between which two checkpoints a model came to copy (RISEN); None if it never did."""
    moments = along(layers)
    for earlier, later in itertools.pairwise(moments):
        if earlier.right.value < RISEN <= later.right.value:
            return earlier.step, later.step
    return None

"""A model as it stands on the bench (lab.py): with the tokenizer that goes with it."""

from __future__ import annotations

from dataclasses import dataclass

from explainer.kernel.model import Model
from explainer.kernel.tokenizer import Tokenizer


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model and its tokenizer.

    model:     ready to run; of one from a file, its metadata is what that says about itself (name, licence, how
               weights are stored)
    tokenizer: its own; None if the file has none
    """

    model: Model
    tokenizer: Tokenizer | None

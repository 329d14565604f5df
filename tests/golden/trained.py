"""Makes tests/golden/trained.npz: what torch says about the trained weights. Run: python -m tests.golden.trained

One short text, each checkpoint, in float64 so that the reference has no rounding of its own: every intermediate, its
gradient, and the gradient of every weight of the mean next-token cross-entropy. That is two million numbers; the file
keeps of each tensor what no wrong tensor can match by chance (`summary`), and the last row of logits in full.

Only making the file needs torch. Comparing with it (`compare.py`) needs numpy, in CPython or in Pyodide.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explainer.kernel import checkpoint
from explainer.kernel.tokenizer import Tokenizer

PATH = Path(__file__).with_name("trained.npz")
TEXT = "Far away lived a shy robot called Vi-do-zu. Good night, Vi-do"  # the last piece of the name can only be copied
SAMPLES = 24
KINDS = ("act", "grad", "weight_grad")  # records, their gradients, gradients of weights


def tokens() -> tuple[int, ...]:
    """The text as the models read it, with the token that begins every document."""
    tokenizer = Tokenizer.load()
    return (tokenizer.end_id, *tokenizer.encode(TEXT))


def summary(tensor: np.ndarray) -> np.ndarray:
    """What is kept of a tensor: how many of its numbers are infinite, and of the finite ones (0 for the others)

    the largest absolute value, the length (square root of the sum of squares), the sum of all with random signs (so
    that no two places can be exchanged), and SAMPLES of them from random places.
    returns: [4 + SAMPLES], float64; the same places and signs for every tensor of one size
    """
    flat = np.asarray(tensor, dtype=np.float64).ravel()
    finite = np.where(np.isfinite(flat), flat, 0)
    rng = np.random.default_rng(flat.size)
    signs = rng.choice((-1.0, 1.0), size=flat.size)
    places = rng.integers(flat.size, size=SAMPLES)
    infinite = flat.size - np.isfinite(flat).sum()
    length = np.sqrt((finite * finite).sum())
    return np.array((infinite, np.abs(finite).max(), length, (signs * finite).sum(), *finite[places]))


def make() -> dict[str, np.ndarray]:
    """All arrays of the golden file: for each checkpoint and kind the names and, in the same order, the summarys."""
    import torch

    from tests.golden import torch_reference

    arrays = {"made_by": np.array("tests/golden/trained.py"), "tokens": np.array(tokens())}
    for name in checkpoint.available():
        model = checkpoint.load(name)
        params = {key: value.astype(np.float64) for key, value in model.params.items()}
        *tables, loss = torch_reference.with_gradients(params, tokens(), model.config, torch.float64)
        arrays[f"{name}/loss"] = np.array(loss)
        arrays[f"{name}/logits"] = tables[0]["logits"][-1]
        for kind, table in zip(KINDS, tables, strict=True):
            arrays[f"{name}/{kind}/names"] = np.array(list(table))
            arrays[f"{name}/{kind}"] = np.stack([summary(tensor) for tensor in table.values()])
    return arrays


if __name__ == "__main__":
    np.savez_compressed(PATH, **make())
    print(f"wrote {PATH.name}, {PATH.stat().st_size:,} bytes")

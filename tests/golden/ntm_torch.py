"""Makes tests/golden/ntm.npz: a small Neural Turing Machine and the one that ships, run by torch.

`python -m tests.golden.ntm_torch` (needs torch); tests/unit/test_ntm.py compares the numpy one with it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explainer.architectures.ntm import NTMConfig
from explainer.live import memory

FILE = Path(__file__).with_name("ntm.npz")
SMALL, SMALL_SLOTS, STEPS, BATCH, SEED = NTMConfig(3, 2, 4, 5), 7, 9, 3, 8
SHIPPED, LENGTH = 0, 13


def small() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Weights far from those that a training begins with, so that every part matters; and inputs."""
    rng = np.random.default_rng(SEED)
    params = {n: rng.normal(0, 1.2, s).astype(np.float32) for n, s in SMALL.parameter_shapes.items()}
    return params, rng.normal(0, 1, (STEPS, BATCH, SMALL.n_in)).astype(np.float32)


def shipped() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The weights that ship, and two sequences longer than any of their training."""
    return memory.ntm_params(SHIPPED), memory.as_inputs(memory.sequences(5, 0, 2, LENGTH))


CASES = {"small": (SMALL, SMALL_SLOTS, small), "shipped": (memory.NTM, memory.SLOTS, shipped)}


def make() -> dict[str, np.ndarray]:
    """All arrays of the golden file."""
    import torch

    from explainer.training.torch_ntm import TorchNTMs

    arrays: dict[str, np.ndarray] = {"made_by": np.array("tests/golden/ntm_torch.py")}
    for name, (config, slots, given) in CASES.items():
        params, inputs = given()
        with torch.no_grad():
            found = TorchNTMs.from_params(params, config)(torch.from_numpy(inputs[:, None]), slots)
        for what, value in zip(("logits", "written", "read"), found, strict=True):
            arrays[f"{name}/{what}"] = value[:, 0].numpy()
    return arrays


if __name__ == "__main__":
    np.savez_compressed(FILE, **make())
    print(f"wrote {FILE.name}, {FILE.stat().st_size:,} bytes")

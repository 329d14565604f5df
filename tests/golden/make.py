"""Makes tests/golden/small.npz: a small seeded model run by torch, everything kept. Run: python -m tests.golden.make

The file holds the weights, the tokens, every intermediate (act/), its gradient (grad/), and the gradient of each weight
(weight_grad/), so that the comparison needs neither torch nor the trained weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explainer.kernel.config import Config
from tests.tiny import random_params

PATH = Path(__file__).with_name("small.npz")
CONFIG = Config(n_layers=2, n_heads=3, d_model=12, d_head=5, d_mlp=20, n_vocab=17, n_ctx=10)
TOKENS = (3, 14, 1, 5, 9, 2, 6, 5)
SEED = 31


def make() -> dict[str, np.ndarray]:
    """All arrays of the golden file."""
    params = random_params(CONFIG, SEED)
    from tests.golden import torch_reference  # torch is only needed to make the file, not to compare with it

    acts, grads, weight_grads, loss = torch_reference.with_gradients(params, TOKENS, CONFIG)
    arrays = {"made_by": np.array("tests/golden/make.py"), "tokens": np.array(TOKENS), "loss": np.array(loss)}
    for prefix, table in (("param", params), ("act", acts), ("grad", grads), ("weight_grad", weight_grads)):
        arrays |= {f"{prefix}/{name}": value for name, value in table.items()}
    return arrays


if __name__ == "__main__":
    np.savez_compressed(PATH, **make())
    print(f"wrote {PATH.name}, {PATH.stat().st_size:,} bytes")

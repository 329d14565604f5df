"""Write a model as explainer/models/weights/<name>.safetensors: float16, the sizes as strings in the metadata."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from explainer.training.torch_model import TorchConfig, TorchTransformer

WEIGHTS = Path(__file__).parents[1] / "models" / "weights"


def export(model: TorchTransformer, name: str, steps: int, seed: int, folder: Path = WEIGHTS, **notes: object) -> Path:
    """Round to float16 and write; returns the path. Raises ValueError when a weight does not fit in float16.

    notes: what else the metadata shall say about the training, as strings.
    """
    with np.errstate(over="ignore"):  # an overflow is reported by name below
        params = {key: value.astype(np.float16) for key, value in model.to_params().items()}
    for key, value in params.items():
        if not np.isfinite(value).all():
            raise ValueError(f"{key} does not fit in float16")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.safetensors"
    metadata = model.config.as_strings() | {"name": name, "steps": str(steps), "seed": str(seed), "format": "pt"}
    metadata |= {key: str(value) for key, value in notes.items()}
    temporary = path.with_suffix(".writing")
    save_file(params, temporary, metadata=metadata)
    temporary.replace(path)
    return path


def load(name: str, folder: Path = WEIGHTS) -> tuple[TorchTransformer, dict[str, str]]:
    """Read such a file back into torch (float32 with float16's values): (model, metadata)."""
    with safe_open(folder / f"{name}.safetensors", framework="np") as file:
        metadata = file.metadata()
        params = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    sizes = {key: int(metadata[key]) for key in ("n_layers", "d_model", "n_vocab", "n_heads", "n_ctx")}
    return TorchTransformer.from_params(params, TorchConfig(**sizes)), metadata

"""How far models from files are from what `transformers` says, in whatever Python this runs.

Used by tests/unit/test_models_in_pyodide.py, in CPython and in the page's Python (tests/models_in_pyodide.mjs).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from explainer.models import registry

FOLDER = Path(__file__).parent / "models"
TEXTS = (0, 1, 2)  # of the 20 in smollm2.json: Paris, Mary, girl


def tiny() -> dict[str, float]:
    """name -> the largest difference of a logit, of each tiny model."""
    found = {}
    with np.load(FOLDER / "tiny.npz") as golden:
        for name in ("tiny-gpt2", "tiny-llama", "tiny-llama.gguf"):
            paths = [FOLDER / name] if name.endswith(".gguf") else sorted((FOLDER / name).iterdir())
            opened = {path.name: path.open("rb") for path in paths}
            model = registry.load(opened, name).model
            for file in opened.values():
                file.close()
            found[name] = float(np.abs(model.forward(golden["tokens"])["logits"] - golden[f"{name}/logits"]).max())
    return found


def smollm2(size: int, slice: Any) -> dict[str, float]:
    """text -> the largest difference of the top five logits; inf if they are others. File: as registry.Slices has it"""
    loaded = registry.load({"model.gguf": registry.Slices(size, slice)}, "smollm2-135m")
    said = json.loads((FOLDER / "smollm2.json").read_text(encoding="utf-8"))["texts"]
    found = {}
    for case in (said[i] for i in TEXTS):
        logits = loaded.model.forward(loaded.tokenizer.encode(case["text"]))["logits"][-1]
        same = np.argsort(-logits, kind="stable")[:5].tolist() == case["top"]
        found[case["text"]] = float(np.abs(logits[case["top"]] - case["logits"]).max()) if same else float("inf")
    loaded.model.forward(range(100, 164))  # as long a text as pages give it
    return found

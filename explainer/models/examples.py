"""Texts to begin with for further models: of a model of real English, stories of dragons show little."""

from __future__ import annotations

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "smollm2-135m": (
        "The capital of France is",
        "When Mary and John went to the store, John gave a drink to",
        "Two plus three is",
    ),
    "tiny-llama": ("The capital of France is",),
}
"""Name of a model (explainer/models/registry.py) -> texts."""

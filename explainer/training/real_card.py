"""The card of the real language model for people: weights/smollm2-135m.md."""

from __future__ import annotations

from typing import Any


def readable(card: dict[str, Any], circuit: dict[str, Any]) -> str:
    """card, circuit: what `explainer.training.real` has measured"""
    return ""

"""What /how/ says in numbers: read from the site that has just been built, and from the kept bench."""

from __future__ import annotations

import importlib.metadata as meta
import json
from pathlib import Path
from typing import Any

import sizes

from explainer.models import lab

ROOT = Path(__file__).resolve().parents[2]


def numbers(out: Path) -> dict[str, Any]:
    """out: the site as far as it is built; a page's own numbers need none."""
    pyodide = json.loads((ROOT / "node_modules" / "pyodide" / "package.json").read_text(encoding="utf-8"))["version"]
    card = ROOT / "explainer" / "models" / "weights" / f"{lab.STORYTELLER}.md"
    return {
        "pyodide": pyodide,
        **{name: meta.version(name) for name in ("numpy", "panel", "bokeh")},
        "parameters": f"{lab.model().n_params:,}",
        "sizes_table": sizes.table(out),
        "times_table": sizes.times(ROOT / "tests" / "bench" / "kept.json"),
        "model_card": sizes.demote(card.read_text(encoding="utf-8")) if card.exists() else "",
    }

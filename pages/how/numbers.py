"""What /how/ says in numbers: read from the site that has just been built, and from the kept bench."""

from __future__ import annotations

import importlib.metadata as meta
import json
from pathlib import Path
from typing import Any

import sizes

from explainer.models import lab
from explainer.studies import attention_facts, kinds
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.plot import Axis, Plot, Series

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "tests" / "bench" / "kept.json"


def numbers(out: Path) -> dict[str, Any]:
    """out: the site as far as it is built; a page's own numbers need none."""
    pyodide = json.loads((ROOT / "node_modules" / "pyodide" / "package.json").read_text(encoding="utf-8"))["version"]
    card = ROOT / "explainer" / "models" / "weights" / f"{lab.STORYTELLER}.md"
    loss, floor = attention_facts.loss(), attention_facts.floor()
    by_kind = c.figure(
        "loss-by-kind",
        loss_by_kind(loss, floor).markup(),
        title="Loss by what was due",
        caption="on the held-out set, under the true odds; a bar is the 95 % interval, over documents",
    )
    return {
        "pyodide": pyodide,
        **{name: meta.version(name) for name in ("numpy", "panel", "bokeh")},
        "parameters": f"{lab.model().n_params:,}",
        "sizes_table": sizes.table(out),
        "times_plot": c.figure(
            "times",
            times(json.loads(KEPT.read_text(encoding="utf-8"))).markup(),
            title="Ways to a live page",
            caption=(
                "every run of the bench. Booted: Python starts from nothing; panel convert: the stock way, "
                "from sources; slow: 10 Mbit/s"
            ),
        ),
        "kinds_plot": by_kind,
        "times_table": sizes.times(KEPT),
        "model_card": sizes.demote(card.read_text(encoding="utf-8")) if card.exists() else "",
    }


WAYS = {  # a way to a live page, as it is called here -> where the bench has it
    "first visit": ("boot", "resume, cold"),
    "later visit": ("boot", "resume, warm"),
    "one file": ("one_file",),
    "booted": ("boot", "ordinary boot"),
    "panel convert": ("boot", "stock"),
    "slow line": ("slow_line", "resume"),
    "slow, booted": ("slow_line", "ordinary boot"),
}


def times(found: dict[str, Any]) -> Plot:
    """The seconds of every run of a kept bench."""
    runs = []
    for way in WAYS.values():
        at: Any = found
        for key in way:
            at = at[key]
        runs.append(at["ms"])
    every = [(ms / 1000, float(row)) for row, way in enumerate(runs) for ms in way["runs"]]
    medians = tuple(way["median"] / 1000 for way in runs)
    xs, ys = zip(*every, strict=True)
    return Plot(
        "times",
        "Seconds to a live page: every run of the bench, and the median of each way",
        Axis("time to a live page", "seconds", 0.5, 20, log=True),
        Axis("way", names=tuple(WAYS)),
        (
            Series("one run", "true", xs, ys, "rings"),
            Series("median", "true", medians, tuple(map(float, range(len(runs)))), "dots"),
        ),
    )


def loss_by_kind(loss: Any, floor: Any) -> Plot:
    """The storyteller's loss beside that of the truth itself, for each kind of decision. loss, floor: held_out.Loss"""
    shown = kinds.measured(loss)
    rows = tuple(float(i) for i in range(len(shown)))
    means = {name: [found.by_kind[kind] for kind in shown] for name, found in (("model", loss), ("floor", floor))}
    most = max(mean.high for found in means.values() for mean in found)
    return Plot(
        "loss-by-kind",
        "The storyteller's loss beside the floor, by what was due",
        Axis("loss", "nats per token", 0.0, charts.round_ticks(0.0, most)[-1]),
        Axis("what was due", names=tuple(kinds.NAMES[kind] for kind in shown)),
        tuple(
            Series(
                name,
                role,
                tuple(m.value for m in means[name]),
                rows,
                kind,
                tuple(m.low for m in means[name]),
                tuple(m.high for m in means[name]),
            )
            for name, role, kind in (("model", "loss", "dots"), ("floor", "true", "rings"))
        ),
    )

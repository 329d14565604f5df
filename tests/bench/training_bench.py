"""How fast training in numpy is, beside the matrix products that it cannot do without, of the same shapes, in one run.

`run()` trains the learners of the shell game (and one for addition) for a while, notes which products a step makes, and
times those alone on arrays that lie in one piece. The share says what all the rest costs: the softmax, the norms, the
optimiser, drawing the examples, the calls. `python tests/bench/training_bench.py` prints it for this Python,
`node tests/bench/training_in_pyodide.mjs` for the page's.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.trainer import Trainer, shape_for

LEARNERS: dict[str, tuple[Any, dict[str, Any], int]] = {  # task, sizes, batch
    "shell game, written": (tasks.Following(tasks.shell_game(), 20, True), {}, 64),
    "shell game, at once": (tasks.Following(tasks.shell_game(), 20, False), {}, 64),
    "parity, written": (tasks.Following(tasks.parity(), 20, True), {"width": 32, "heads": 2, "hidden": 128}, 64),
    "a + b mod 59": (tasks.Addition(59), {"width": 48, "hidden": 192}, 10_000),
}


@contextmanager
def noted() -> Iterator[list[tuple[tuple[int, ...], tuple[int, ...]]]]:
    """The shapes of the products that are made within, two for each."""
    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    real = np.matmul

    def matmul(a: Any, b: Any, **more: Any) -> Any:
        found.append((a.shape, b.shape))
        return real(a, b, **more)

    np.matmul = matmul  # type: ignore[assignment]
    try:
        yield found
    finally:
        np.matmul = real


def fastest(work: Callable[[], Any], seconds: float) -> float:
    """Milliseconds of the fastest call within that time: what other programs disturb least."""
    best, until = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return 1000 * best


def products(shapes: list[tuple[tuple[int, ...], tuple[int, ...]]]) -> Callable[[], None]:
    """Make products of those shapes, each into memory of its own that is there already."""
    rng = np.random.default_rng(0)
    made = []
    for a, b in shapes:
        one, two = (rng.standard_normal(shape, dtype=np.float32) for shape in (a, b))
        made.append((one, two, one @ two))

    def work() -> None:
        for one, two, out in made:
            np.matmul(one, two, out=out)

    return work


def run(seconds: float = 1.5) -> dict[str, dict[str, float]]:
    """For each learner: ms of a step, ms of its products alone, their share in it, and the rate of both."""
    found = {}
    for name, (task, sizes, batch) in LEARNERS.items():
        trainer = Trainer(task, shape_for(task, **sizes), Plan(10**6, batch, 1e-3), 0)
        fastest(trainer.step, seconds / 2)
        with noted() as shapes:
            trainer.step()
        work = products(shapes)
        flops = sum(2 * np.prod(a) * b[-1] for a, b in shapes)
        step, bare = [], []
        for _ in range(3):  # by turns, so that both see the same machine
            step.append(fastest(trainer.step, seconds / 3))
            bare.append(fastest(work, seconds / 3))
        found[name] = {
            "step, ms": min(step),
            "products, ms": min(bare),
            "share": min(bare) / min(step),
            "GFLOP/s": float(flops) / min(step) / 1e6,
            "measuring, ms": fastest(trainer.measure, seconds / 3),
        }
    return found


if __name__ == "__main__":
    print(json.dumps({"platform": sys.platform, **run()}, indent=1))

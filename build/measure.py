"""Make the measurements that the pages show by default, natively, into explainer/weights/measured.pkl (git-ignored).

`python build/measure.py`; part of `make site`. Skipped when nothing changed that they depend on.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # matrices this small only lose by more

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explainer import measured  # noqa: E402


def measure(name: str) -> tuple[str, float, dict[str, Any]]:
    """Everything that one page measures: (its name, seconds, results). In a process of its own."""
    began = time.perf_counter()
    from explainer import repetition
    from pages import PAGES, numbers

    page = next(p for p in PAGES if p.name == name)
    state: Any = page.state()  # of the page's own class
    if page.name == "temperature":
        repetition.full_texts(state.tokens(), state.seed)
        repetition.over_seeds(state.tokens())
    for widget in page.widgets:
        widget(state)
    numbers.of(page.name)
    return name, time.perf_counter() - began, measured.store()


def main() -> None:
    if measured.read(measured.FILE):
        print("measurements: nothing to do", flush=True)
        return
    print("measurements: what the pages show by default, over held-out texts (a minute or two)", flush=True)
    from pages import PAGES

    jobs = sorted((page.name for page in PAGES), key=lambda name: name != "temperature")  # the longest first
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, job) for job in jobs]):
            name, seconds, results = done.result()
            measured.store().update(results)
            print(f"measurements: {name} ({seconds:.0f} s)", flush=True)
    print(f"measurements: {measured.write()} results", flush=True)


if __name__ == "__main__":
    main()

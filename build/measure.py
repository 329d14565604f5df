"""Make the measurements that the pages show by default, natively, into explainer/models/weights/measured.pkl (ignored).

`python build/measure.py`; part of `make site`. A page is skipped when nothing changed that it depends on, and of the
others only those results are made anew whose own code changed.
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

from explainer.models import measured  # noqa: E402


def measure(name: str) -> tuple[str, float, dict[str, tuple[str, Any]]]:
    """Everything that one page measures: (its name, seconds, results). In a process of its own."""
    began = time.perf_counter()
    from pages import PAGES, numbers_of

    page = next(p for p in PAGES if p.name == name)
    state: Any = page.state()  # of the page's own class
    state.measure()
    for widget in page.widgets:
        widget(state)
    numbers_of(page.name)
    return name, time.perf_counter() - began, measured.made()


def fingerprint(page: str) -> str:
    """What a page's measurements depend on: the code in its folder and all that this imports."""
    return measured.fingerprint(f"pages.{page}.page", f"pages.{page}.numbers")


def main() -> None:
    from pages import PAGES

    _, notes = measured.read()
    now = {page.name: fingerprint(page.folder) for page in PAGES}
    jobs = [name for name, made_by in now.items() if notes.get(name) != made_by]
    if not jobs:
        print("measurements: nothing to do", flush=True)
        return
    print(f"measurements over held-out texts (minutes at most): {', '.join(jobs)}", flush=True)
    results = measured.made()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, job) for job in jobs]):
            name, seconds, found = done.result()
            results |= found
            print(f"measurements: {name} ({seconds:.0f} s)", flush=True)
    measured.write(results, now)
    print(f"measurements: {len(results)} results", flush=True)


if __name__ == "__main__":
    main()

"""Make the measurements that the pages show by default, natively, into explainer/weights/measured.pkl (git-ignored).

`python build/measure.py`; part of `make site`. Skipped when nothing changed that they depend on.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # matrices this small only lose by more

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explainer import measured  # noqa: E402


def main() -> None:
    if measured.read(measured.FILE):
        print("measurements: nothing to do", flush=True)
        return
    print("measurements: what the pages show by default, over held-out texts (about a minute)", flush=True)
    began = time.perf_counter()
    from explainer import repetition
    from pages import PAGES, numbers

    for page in PAGES:
        state: Any = page.state()  # of the page's own class
        if page.name == "temperature":
            repetition.full_texts(state.tokens(), state.seed)
            repetition.over_seeds(state.tokens())
        for widget in page.widgets:
            widget(state)
        numbers.of(page.name)
        print(f"measurements: {page.name} ({time.perf_counter() - began:.0f} s)", flush=True)
    print(f"measurements: {measured.write()} results", flush=True)


if __name__ == "__main__":
    main()

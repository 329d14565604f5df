"""Make the measurements that the pages show by default, natively, into explainer/models/weights/measured.pkl (ignored).

`python build/measure.py`; part of `make site`. A page is skipped when nothing changed that it depends on, and of the
others only those results are made anew whose own code changed.

A new clone begins with what `build/measured.pkl.z` holds (`python build/measure.py --keep`), as it begins with the
weights: minutes of computing on two cores. Of that, too, only what this very code and these weights made is believed
(by another version of Python, whose syntax trees differ, nothing: then all is measured), and a test measures anew.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # matrices this small only lose by more

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explainer.models import measured  # noqa: E402

KEPT = Path(__file__).with_name("measured.pkl.z")


def measure(name: str) -> tuple[str, float, set[str], dict[str, tuple[str, Any]]]:
    """Everything that one page measures: (its name, seconds, the names of its results, all results). In a process of
    its own."""
    began = time.perf_counter()
    from pages import PAGES, numbers_of

    page = next(p for p in PAGES if p.name == name)
    with noted() as asked:
        state: Any = page.state()  # of the page's own class
        state.measure()
        for widget in page.widgets:
            widget(state)
        numbers_of(page.name)
    return name, time.perf_counter() - began, asked, measured.made()


@contextlib.contextmanager
def noted() -> Iterator[set[str]]:
    """The names of the results that are asked for within; to be looked at afterwards."""
    measured.store()
    before, asked = dict(measured._made_by), set[str]()
    measured._made_by.clear()
    try:
        yield asked
    finally:
        asked |= set(measured._made_by)
        measured._made_by.update({**before, **measured._made_by})


def shown_by(folder: str) -> list[str]:
    """The names of the results that a page shows, by the notes of the last `main`; [] before the first."""
    return json.loads(measured.read()[1].get(f"shown by {folder}", "[]"))  # type: ignore[no-any-return]


def fingerprint(page: str) -> str:
    """What a page's measurements depend on: the code in its folder and all that this imports."""
    return measured.fingerprint(f"pages.{page}.page", f"pages.{page}.numbers")


def begin() -> None:
    """A clone that has measured nothing takes what is kept; one that has, what it lacks of it and still holds."""
    if not KEPT.exists():
        return
    mine, notes = measured.read()
    unpacked = measured.FILE.with_name(f"kept.{os.getpid()}")
    unpacked.write_bytes(zlib.decompress(KEPT.read_bytes()))
    try:
        kept, kept_notes = measured.read(unpacked)
    finally:
        unpacked.unlink()
    if kept.keys() - mine.keys():
        measured.write(
            {name: (measured._made_by[name], value) for name, value in (kept | mine).items()}, kept_notes | notes
        )


def keep() -> None:
    """What is measured now is what a new clone begins with."""
    KEPT.write_bytes(zlib.compress(measured.FILE.read_bytes(), 9))


def main() -> None:
    from pages import PAGES

    begin()
    _, notes = measured.read()
    now = {page.name: fingerprint(page.folder) for page in PAGES}
    shown = {page.name: f"shown by {page.folder}" for page in PAGES}
    jobs = [name for name, made_by in now.items() if notes.get(name) != made_by or shown[name] not in notes]
    now |= {note: notes[note] for note in shown.values() if note in notes}
    if not jobs:
        print("measurements: nothing to do", flush=True)
        return
    print(f"measurements over held-out texts (minutes at most): {', '.join(jobs)}", flush=True)
    results = measured.made()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done in as_completed([pool.submit(measure, job) for job in jobs]):
            name, seconds, asked, found = done.result()
            results |= found
            now[shown[name]] = json.dumps(sorted(asked))
            print(f"measurements: {name} ({seconds:.0f} s)", flush=True)
    measured.write(results, now)
    print(f"measurements: {len(results)} results", flush=True)


if __name__ == "__main__":
    main()
    if "--keep" in sys.argv:
        keep()

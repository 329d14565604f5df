"""The guard of the bench says what has become worse, and nothing else."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "bench"))
import guard


def run(ms: float) -> dict[str, Any]:
    return {"median": ms, "min": ms * 0.9, "max": ms * 1.2, "runs": [ms]}


KEPT = {
    "machine": {"cores": 2},
    "boot": {"stock": {"ms": run(7000)}, "resume, cold": {"ms": run(1000), "last": {"bytes": 9}}},
    "sharing": {"2 widgets": {"ms": [900, 1000], "memory_mb": 600}},
    "entries": {"/paths/": {"page_bytes": 200_000, "lcp": run(400)}},
    "interaction": {"paths: t": {"ms": run(20), "first": 90}},
}


def after(*path: str, to: Any) -> dict[str, Any]:
    now: dict[str, Any] = copy.deepcopy(KEPT)
    part = now
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = to
    return now


def test_the_same_run_is_not_worse() -> None:
    assert guard.worse(KEPT, KEPT) == []


@pytest.mark.parametrize(
    ("path", "to", "named"),
    [
        (("entries", "/paths/", "page_bytes"), 221_000, "entries, /paths/, page_bytes: 221,000.0, kept 200,000.0"),
        (("entries", "/paths/", "page_bytes"), 219_000, ""),
        (("sharing", "2 widgets", "memory_mb"), 670, "sharing, 2 widgets, memory_mb: 670.0, kept 600.0"),
        (("interaction", "paths: t", "ms"), run(26), "interaction, paths: t, ms: 26, kept 20"),
        (("interaction", "paths: t", "ms"), {**run(26), "min": 20}, ""),  # one of its runs was as fast as ever
        (("interaction", "paths: t", "first"), 900, ""),  # one move says nothing
        (("boot", "stock", "ms"), run(7700), ""),  # a slower machine
        (("boot", "resume, cold", "last", "bytes"), 99, ""),  # a single run
    ],
)
def test_a_tenth_is_allowed(path: tuple[str, ...], to: Any, named: str) -> None:
    said = guard.worse(KEPT, after(*path, to=to))
    assert [line.split(" (in")[0] for line in said] == ([named] if named else [])


def test_a_slower_machine_excuses_a_time_and_no_byte() -> None:
    slow: dict[str, Any] = {
        "boot": {"stock": {"ms": run(14000)}, "resume, cold": {"ms": run(2000)}},
        "entries": {"/paths/": {"page_bytes": 400_000, "lcp": run(800)}},
    }
    assert [line.split(":")[0] for line in guard.worse(KEPT, slow)] == ["entries, /paths/, page_bytes"]
    slow["boot"]["resume, cold"]["ms"] = run(2600)
    assert len(guard.worse(KEPT, slow)) == 2


def test_without_a_yardstick_no_time_is_compared() -> None:
    now = after("interaction", "paths: t", "ms", to=run(200))
    del now["boot"]
    assert guard.worse(KEPT, now) == []

"""The guard of the bench: which figures are more than a tenth worse than in the run that is kept.

Bytes and memory are compared as they are. Times are compared as ratios to the stock way to a live page of the same run,
because machines differ; and a time counts as worse only where its fastest run is, too, because machines are noisy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

WORSE = 1.10
BYTES = ("bytes", "page_bytes", "megabytes", "memory_mb", "bytes of the worker's script", "memory of Chromium, MB")
TIMES = ("ms", "lcp")

Part = Mapping[str, Any]


def figures(result: Part, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float, float]]:
    """(path, figure, its lowest run) of everything in a bench's result of which less is better; no single runs."""
    for name, value in result.items():
        if name in BYTES + TIMES and isinstance(value, Mapping) and "median" in value:
            yield (*path, name), value["median"], value["min"]
        elif name in BYTES + TIMES and isinstance(value, int | float):
            yield (*path, name), value, value
        elif isinstance(value, Mapping) and name not in ("last", "machine", "load average"):
            yield from figures(value, (*path, name))


def yardstick(result: Part) -> float | None:
    """Milliseconds of the stock way to a live page in this run; None where it was not measured."""
    found = result.get("boot", {}).get("stock", {}).get("ms", {}).get("median")
    return float(found) if found else None


def worse(kept: Part, now: Part) -> list[str]:
    """What is more than a tenth worse than kept, one line each; [] if nothing is.

    What only one of the two runs has measured is not compared, nor are times without the stock way in both.
    """
    then = {path: figure for path, figure, _ in figures(kept)}
    sticks = yardstick(kept), yardstick(now)
    said = []
    for path, figure, lowest in figures(now):
        if path not in then or path[:2] == ("boot", "stock"):
            continue
        before, name = then[path], ", ".join(path)
        if path[-1] in BYTES:
            if figure > WORSE * before:
                said.append(f"{name}: {figure:,.1f}, kept {before:,.1f}")
        elif sticks[0] and sticks[1]:
            allowed = WORSE * before / sticks[0] * sticks[1]
            if figure > allowed and lowest > allowed:
                said.append(
                    f"{name}: {figure:,.0f}, kept {before:,.0f} (in a run that was {WORSE * before / allowed:.2f}"
                    " times as fast)"
                )
    return said

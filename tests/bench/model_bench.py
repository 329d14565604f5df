"""How long the model takes, by itself: the same code in CPython and in the page's Python. `run()` in ms.

A browser compiles WebAssembly twice: at once and badly, then well, function by function, once they have run for a
while. So each measurement warms up by the clock, not by a number of calls (a few calls are too few for the browser),
and the very first call of each is reported beside the median: a reader meets both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

WARM_S = 1.5  # seconds of warming up


def once_ms(function: Callable[[], Any]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    function()
    return (time.perf_counter() - began) * 1000


def first_and_median_ms(function: Callable[[], Any], repeats: int, warm_s: float = WARM_S) -> tuple[float, float]:
    """(the first call, the median of `repeats` calls after warming up)."""
    began = time.perf_counter()
    first = once_ms(function)
    while time.perf_counter() - began < warm_s:
        function()
    return first, statistics.median(once_ms(function) for _ in range(repeats))


def run(repeats: int = 15) -> dict[str, float]:
    """Milliseconds of a full trace of 32 tokens, a cached step, 200 tokens written, a full gradient, a product.

    Each as a median, and under "..., first call" of its first call; the product also as GFLOP/s.
    """
    import numpy as np

    from explainer import gradients, lab
    from explainer.cache import KVCache, step
    from explainer.model import forward
    from explainer.sampling import generate

    model = lab.model()
    tokens = tuple(
        (
            lab.tokens_of(
                "Once there was a polite girl named Mia. She found a shiny yellow kite. Her friend was a sleepy pig."
            )
            * 3
        )[:32]
    )
    trace = forward(model.params, tokens, model.config)
    cache = KVCache.of(trace)
    a = np.random.default_rng(0).random((256, 256), dtype=np.float32)
    start = tokens[:8]
    measured: dict[str, Callable[[], Any]] = {
        "trace of 32 tokens": lambda: forward(model.params, tokens, model.config),
        "cached step at 32 tokens": lambda: step(model.params, cache, tokens[3]),
        "200 tokens written": lambda: generate(model, start, 200, temperature=1.0, rng=np.random.default_rng(0)),
        "gradient of 32 tokens": lambda: gradients.backward(trace, model.params),
        "product of 256x256 float32": lambda: a @ a,
    }
    found = {}
    for name, function in measured.items():
        first, found[name] = first_and_median_ms(function, 3 if name.startswith("200") else repeats)
        found[f"{name}, first call"] = first
    return found | {"product of 256x256 float32 (GFLOP/s)": 2 * 256**3 / found["product of 256x256 float32"] / 1e6}


if __name__ == "__main__":
    import json

    print(json.dumps(run()))

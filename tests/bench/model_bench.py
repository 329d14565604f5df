"""How long the model takes, by itself: the same code in CPython and in the page's Python. `run()` in ms.

A browser compiles WebAssembly twice: at once and badly, then well, function by function, once they have run for a
while. So each measurement warms up by the clock, not by a number of calls (a few calls are too few for the browser),
and the very first call of each is reported beside the median: a reader meets both.

Where a trace of 32 tokens spends its time (fastest of 150, Node 20, 2026-11-24): 2.4 ms, native 0.8. Of that, gelu
takes 0.7 (native 0.05): tanh costs 9.5 ns a number, native 0.2, since numpy has no vector form of it for WebAssembly.
By exp it would be 0.4, but that warns of overflow and reads worse. Matrix products take 0.8, twice native. The rest is
the cost of calls: a numpy function on one number takes 1.2 microseconds, native 0.6; locking 97 results takes 0.1 ms.
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


def measure_ms(function: Callable[[], Any], repeats: int) -> dict[str, float]:
    """The very first call; then, after warming up, the median and the fastest of `repeats` calls.

    The fastest is what other programs disturb least: on a busy machine its ratio is the one to trust.
    """
    began = time.perf_counter()
    first = once_ms(function)
    while time.perf_counter() - began < WARM_S:
        function()
    times = [once_ms(function) for _ in range(repeats)]
    return {"": statistics.median(times), ", fastest": min(times), ", first call": first}


def run(repeats: int = 50) -> dict[str, float]:
    """Milliseconds of a full trace of 32 tokens, a cached step, 200 tokens written, a full gradient, a product.

    Each as a median, its "..., fastest" and its "..., first call"; the product also as GFLOP/s.
    """
    import numpy as np

    from explainer.kernel import gradients
    from explainer.kernel.cache import KVCache, step
    from explainer.kernel.model import forward
    from explainer.kernel.sampling import generate
    from explainer.models import lab

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
    found = {
        name + which: milliseconds
        for name, function in measured.items()
        for which, milliseconds in measure_ms(function, 3 if name.startswith("200") else repeats).items()
    }
    flops = 2 * 256**3 / found["product of 256x256 float32, fastest"] / 1e6
    return found | {"product of 256x256 float32 (GFLOP/s)": flops}


if __name__ == "__main__":
    import json

    print(json.dumps(run()))

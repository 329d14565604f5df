"""How long the model takes, by itself: the same code in CPython and in the page's Python. `run()` in ms."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any


def median_ms(function: Callable[[], Any], repeats: int, warm: int = 2) -> float:
    for _ in range(warm):
        function()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def run(repeats: int = 15) -> dict[str, float]:
    """Median milliseconds of a full trace of 32 tokens, a cached step, 200 tokens written, a full gradient.

    And those of one product of matrices, once more as GFLOP/s.
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
    product = median_ms(lambda: a @ a, 20)
    start = tokens[:8]
    return {
        "trace of 32 tokens": median_ms(lambda: forward(model.params, tokens, model.config), repeats),
        "cached step at 32 tokens": median_ms(lambda: step(model.params, cache, tokens[3]), repeats),
        "200 tokens written": median_ms(
            lambda: generate(model, start, 200, temperature=1.0, rng=np.random.default_rng(0)), 3, 1
        ),
        "gradient of 32 tokens": median_ms(lambda: gradients.backward(trace, model.params), repeats),
        "product of 256x256 float32 (ms)": product,
        "product of 256x256 float32 (GFLOP/s)": 2 * 256**3 / product / 1e6,
    }


if __name__ == "__main__":
    import json

    print(json.dumps(run()))

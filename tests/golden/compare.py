"""The distance from the golden files, tensor by tensor: the same comparison in CPython and in Pyodide.

Every distance is relative to the size of the tensor: the largest difference, over the largest number in it. The
gradient of a key bias has no size, since it shifts all scores of a row alike and so changes nothing: its distance is
absolute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from explainer.kernel import checkpoint
from explainer.kernel.cache import KVCache, step
from explainer.kernel.gradients import backward
from explainer.kernel.model import Model, forward
from tests.golden import make, trained

Array = np.ndarray

ZERO = "attn.b_K"  # whose gradient is 0, but for rounding


def everything() -> dict[str, dict[str, float]]:
    """All comparisons that Pyodide has to pass, as plain numbers: comparison -> tensor -> distance."""
    found = {"small": small()}
    for name in checkpoint.available():
        found[f"{name} float32"] = of_trained(name)
        found[f"{name} float64"] = of_trained(name, np.float64)
        found[f"{name} cached"] = cached(name)
    return found


def distance(name: str, value: Array, golden: Array) -> float:
    """The largest difference relative to the largest number; inf if other numbers are infinite than should be."""
    if value.shape != golden.shape or not np.array_equal(np.isfinite(value), np.isfinite(golden)):
        return float("inf")
    finite = np.isfinite(golden)
    difference = np.abs(value[finite].astype(np.float64) - golden[finite]).max()
    return float(difference if name.endswith(ZERO) else difference / np.abs(golden[finite]).max())


def small() -> dict[str, float]:
    """The small seeded model: every number of every record, of its gradient, and of the gradient of every weight."""
    with np.load(make.PATH) as file:
        golden = dict(file)
    params = {name.removeprefix("param/"): value for name, value in golden.items() if name.startswith("param/")}
    trace = forward(params, golden["tokens"], make.CONFIG)
    grads = backward(trace, params)
    tables: dict[str, Mapping[str, Array]] = {"act": trace, "grad": grads.activations, "weight_grad": grads.weights}
    wanted = {name: value for name, value in golden.items() if name.split("/")[0] in tables}
    made = {f"{kind}/{name}": value for kind, table in tables.items() for name, value in table.items()}
    assert set(made) == set(wanted), set(made) ^ set(wanted)
    return {name: distance(name, made[name], value) for name, value in wanted.items()}


def model_and_golden(name: str) -> tuple[Model, tuple[int, ...], dict[str, Array]]:
    """A checkpoint, the text, and what torch made of it."""
    with np.load(trained.PATH) as file:
        golden = {key.removeprefix(f"{name}/"): file[key] for key in file.files if key.startswith(f"{name}/")}
        tokens = tuple(int(token) for token in file["tokens"])
    return checkpoint.load(name), tokens, golden


def of_trained(name: str, dtype: type = np.float32) -> dict[str, float]:
    """A checkpoint: what `trained.summary` keeps of every record, every gradient, every weight's gradient."""
    model, tokens, golden = model_and_golden(name)
    params = {key: value.astype(dtype) for key, value in model.params.items()}
    trace = forward(params, tokens, model.config)
    grads = backward(trace, params)
    found = {"loss": abs(float(grads.loss or 0) - float(golden["loss"]))}
    tables: Sequence[Mapping[str, Array]] = (trace, grads.activations, grads.weights)
    for kind, table in zip(trained.KINDS, tables, strict=True):
        names = [str(key) for key in golden[f"{kind}/names"]]
        assert set(names) == set(table), set(names) ^ set(table)
        for key, wanted in zip(names, golden[kind], strict=True):
            found[f"{kind}/{key}"] = summary_distance(key, trained.summary(table[key]), wanted)
    return found


def summary_distance(name: str, made: Array, wanted: Array) -> float:
    """The distance of two summaries: samples and largest number by the size, the two sums by the length."""
    infinite, size, length = wanted[:3]
    if made[0] != infinite:
        return float("inf")
    difference = np.abs(made - wanted)
    if name.endswith(ZERO):
        return float(difference.max())
    return float(max(difference[1] / size, difference[4:].max() / size, difference[2:4].max() / length))


def cached(name: str) -> dict[str, float]:
    """A checkpoint reading the text one token at a time with the KV cache: the last row of logits."""
    model, tokens, golden = model_and_golden(name)
    cache = KVCache.empty(model.config)
    for token in tokens:
        turn = step(model.params, cache, token)
        cache = turn.cache
    return {"logits": distance("logits", turn.logits, golden["logits"])}

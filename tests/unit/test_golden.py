"""numpy = torch, on the small seeded model and on the weights that readers get: in CPython, and in Pyodide under Node.

The golden files are torch's word (tests/golden/make.py, trained.py); tests/golden/compare.py measures the distance from
them with the same code in both Pythons. The loops are compared in test_forward.py.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import npm
import numpy as np
import pytest

from explainer.kernel import checkpoint, model
from explainer.kernel.model import plan
from tests import with_torch
from tests.golden import compare, make, trained

REPO = Path(__file__).parents[2]
PYODIDE = REPO / "node_modules" / "pyodide"
WHEEL = next((REPO / "build" / "wheels").glob("numpy-*.whl"))
COMPARISONS = [
    "small",
    *(f"{name} {kind}" for name in checkpoint.available() for kind in ("float32", "float64", "cached")),
]


@pytest.fixture(scope="module")
def here() -> dict[str, dict[str, float]]:
    return compare.everything()


@pytest.fixture(scope="module")
def in_pyodide() -> dict[str, dict[str, float]]:
    """The same, computed by the page's Python and numpy."""
    if not (PYODIDE / "pyodide.mjs").exists():
        pytest.skip("node_modules/pyodide is missing: `npm ci` brings it")
    command = ["node", str(REPO / "tests" / "golden_in_pyodide.mjs"), str(PYODIDE), str(WHEEL)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=npm.environment())
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout)
    assert said["platform"] == "emscripten"
    return said["distances"]


def too_far(comparison: str, distances: dict[str, float]) -> dict[str, float]:
    """The tensors that are farther from torch's than rounding explains.

    In float32: 1e-5 of the size of a record; a gradient is a sum of products of many, and small where they cancel: 5e-5
    of its size. (Absolutely, no gradient here is as large as 0.1, so all are within 5e-6.) So is the mean that
    LayerNorm takes off: a sum of numbers that cancel. In float64: 1e-12.
    """

    def limit(name: str) -> float:
        if comparison.endswith("float64"):
            return 1e-12
        return 5e-5 if name.startswith(("grad/", "weight_grad/")) or name.endswith(".mean") else 1e-5

    return {name: found for name, found in distances.items() if not found <= limit(name)}


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_as_torch_in_cpython(here, comparison):
    assert too_far(comparison, here[comparison]) == {}


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_as_torch_in_pyodide(in_pyodide, comparison):
    assert too_far(comparison, in_pyodide[comparison]) == {}


def test_everything_is_compared_in_both(here, in_pyodide):
    assert list(here) == list(in_pyodide) == COMPARISONS
    for name in COMPARISONS:
        assert list(here[name]) == list(in_pyodide[name])
    for name in checkpoint.available():
        config = checkpoint.load(name).config
        records = {f"act/{key}" for key in plan(config)}
        weights = {f"weight_grad/{key}" for key in config.parameter_shapes}
        slopes = {f"grad/{key}" for key, record in plan(config).items() if record.function}
        assert set(here[f"{name} float32"]) == records | weights | slopes | {"loss"}


def test_the_trained_golden_file_is_what_torch_says_today():
    pytest.importorskip("torch", reason=with_torch.WHY)
    with np.load(trained.PATH) as golden:
        fresh = trained.make()
        assert list(fresh) == golden.files
        for name, value in fresh.items():
            if name.endswith("names") or name in ("tokens", "made_by"):
                np.testing.assert_array_equal(value, golden[name])
            else:
                np.testing.assert_allclose(value, golden[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_the_text_is_still_those_tokens():
    with np.load(trained.PATH) as golden:
        assert tuple(golden["tokens"]) == trained.tokens()


def test_golden_files_stay_small_and_say_what_made_them():
    assert make.PATH.stat().st_size + trained.PATH.stat().st_size < 300_000
    for path in (make.PATH, trained.PATH):
        with np.load(path) as golden:
            assert (REPO / str(golden["made_by"])).is_file()


@pytest.mark.parametrize("break_it", ["exchange two numbers", "a little larger", "one infinite"])
def test_a_summary_tells_wrong_tensors_apart(break_it):
    tensor = np.random.default_rng(1).standard_normal((4, 18, 18))
    wrong = tensor.copy()
    if break_it == "exchange two numbers":
        wrong[1, [2, 3]] = wrong[1, [3, 2]]
    elif break_it == "a little larger":
        wrong *= 1.0001
    else:
        wrong[0, 0, 1] = -np.inf
    assert compare.summary_distance("any", trained.summary(tensor), trained.summary(tensor)) == 0
    assert compare.summary_distance("any", trained.summary(wrong), trained.summary(tensor)) > 5e-5


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("gelu", lambda x: 0.5 * x * (1 + np.tanh(0.7978 * (x + 0.0447 * x * x * x)))),  # constants cut short
        ("scale_scores", lambda scores, d_head: scores / np.float32(d_head**0.5 * 1.0001)),
        ("row_scale", lambda x, mean, eps: np.sqrt(((x - mean[:, None]) ** 2).sum(axis=-1) / (x.shape[-1] - 1) + eps)),
    ],
)
def test_a_model_that_is_a_little_wrong_is_found(monkeypatch, name, wrong):
    """The comparison can fail: the forward pass with one function slightly off is far outside."""
    monkeypatch.setattr(model, name, wrong)
    name = checkpoint.available()[0]
    checkpoint_model, tokens, golden = compare.model_and_golden(name)
    trace = checkpoint_model.forward(tokens)
    assert compare.distance("logits", trace["logits"][-1], golden["logits"]) > 1e-5

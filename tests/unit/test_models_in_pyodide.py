"""Models from files in the page's own Python: the numbers of `transformers`, and no more memory than was said."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import npm
import pytest
import real

from explainer.models import registry
from tests.golden import compare_models

REPO = Path(__file__).parents[2]
PYODIDE = REPO / "node_modules" / "pyodide"
WHEEL = next((REPO / "build" / "wheels").glob("numpy-*.whl"))
TINY = ("tiny-gpt2", "tiny-llama", "tiny-llama.gguf")

pytestmark = pytest.mark.xdist_group("smollm2")  # half a gigabyte: not beside test_smollm2.py


@pytest.fixture(scope="module")
def said():
    if not (PYODIDE / "pyodide.mjs").exists():
        pytest.skip("node_modules/pyodide is missing: `npm ci` brings it")
    found = real.smollm2(fetch=False)
    command = ["node", str(REPO / "tests" / "models_in_pyodide.mjs"), str(PYODIDE), str(WHEEL)]
    command += [str(found.file)] if found else []
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=npm.environment())
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_tiny_models(said):
    here = compare_models.tiny()
    assert tuple(here) == tuple(said["tiny"]) == TINY
    assert max(*here.values(), *said["tiny"].values()) < 1e-4


def test_the_real_one_and_its_memory(said):
    if "smollm2" not in said:
        pytest.skip("THE REAL MODEL IS NOT TESTED IN PYODIDE: `make site` fetches its file")
    assert len(said["smollm2"]) == len(compare_models.TEXTS) and max(said["smollm2"].values()) < 1e-3
    assert said["heap"] <= registry.MODELS["smollm2-135m"].memory

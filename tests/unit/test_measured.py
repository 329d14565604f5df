"""What a measurement depends on: the code that measures, and nothing that draws or hosts it."""

from __future__ import annotations

import ast
import dataclasses
import pickle
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import measure
import numpy as np
import pytest

from explainer.models import measured
from pages import PAGES

ROOT = Path(__file__).parents[2]


def measuring() -> list[str]:
    """Every module that has a function decorated as a measurement."""
    found = []
    for top in ("explainer", "pages"):
        for file in sorted((ROOT / top).rglob("*.py")):
            functions = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.FunctionDef)]
            if any(ast.unparse(d).split(".")[-1] == "kept" for f in functions for d in f.decorator_list):
                found.append(file.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."))
    return found


def test_there_are_measurements() -> None:
    assert {"explainer.studies.forecast", "explainer.studies.attention_facts"} <= set(measuring())


@pytest.mark.parametrize("module", measuring())
def test_what_draws_or_hosts_makes_nothing_be_measured_anew(module: str) -> None:
    closure = measured.closure(module)
    assert module in closure
    assert closure & {"explainer.kernel.model", "explainer.live.trainer"}, "and what computes does"
    assert not {m for m in closure if m.startswith(("explainer.ui", "explainer.host", "explainer.library"))}
    assert not {m for m in closure if m.startswith("pages.") and ".facts" not in m and m.count(".") > 1}


def test_what_is_imported_for_the_type_checker_alone_is_no_dependency() -> None:
    assert measured.closure("explainer") == {"explainer"}


# What a clone begins with (build/measured.pkl.z) is what this very code measures: one page of it here, all under
# `make test-long`.

AGAIN = """
import pickle, sys
from pathlib import Path
sys.path[:0] = [".", "build"]
import measure
from explainer.models import measured
measured.FILE = Path("there is none")
_, _, asked, found = measure.measure(sys.argv[1])
pickle.dump({name: value for name, (_, value) in found.items() if name in asked}, sys.stdout.buffer)
"""


def alike(a: Any, b: Any) -> bool:
    """Whether two results are the same but for the last digits of a float."""
    if dataclasses.is_dataclass(a) and type(a) is type(b):
        return all(alike(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(alike(v, b[k]) for k, v in a.items())
    if isinstance(a, (tuple, list)):
        return type(a) is type(b) and len(a) == len(b) and all(alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, (float, np.ndarray, np.floating)):
        return np.shape(a) == np.shape(b) and bool(np.allclose(a, b, rtol=1e-3, atol=1e-5, equal_nan=True))
    return bool(a == b)


@pytest.mark.parametrize(
    "page", [p.name if p.name == "in-context" else pytest.param(p.name, marks=pytest.mark.long) for p in PAGES]
)
def test_what_a_clone_begins_with_is_measured_again_the_same(page: str, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(zlib.decompress(measure.KEPT.read_bytes()))
    before = measured.read(kept)[0]
    done = subprocess.run([sys.executable, "-c", AGAIN, page], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    again = pickle.loads(done.stdout)
    assert again.keys() <= before.keys() or not before, "all of it is kept, or nothing of it holds any more"
    other = [name for name, value in again.items() if name in before and not alike(before[name], value)]
    assert not other

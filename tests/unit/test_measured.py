"""What a measurement depends on: the code that measures, and nothing that draws or hosts it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from explainer.models import measured

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

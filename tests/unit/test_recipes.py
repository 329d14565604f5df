"""Code for posts (build/snippets.toml): filled in the same way by Python and by the page's script, and seen to work."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest
import snippets
from test_web import evaluate

ROOT = Path(__file__).resolve().parents[2]
VALUES = {"prompt": 'Tom & "Mia" <b> ~*\' é', "t": "0.7", "top_k": "5"}


@pytest.fixture(scope="module")
def run() -> ModuleType:
    spec = importlib.util.spec_from_file_location("recipes_run", ROOT / "tests" / "recipes" / "run.py")
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_browsers_fill_recipes_in_as_python_does() -> None:
    codes = [step["code"] for recipe in snippets.known()["recipes"] for step in recipe["steps"]]
    site, title = "https://a.example/ü/", 'What "it" does'
    figure = json.dumps({"site": site, "slug": "temperature", "title": title, "tall": 531, "values": VALUES})
    forms = json.dumps(snippets.known()["forms"])
    filled = evaluate("snippets.js", "fill", f"{json.dumps(codes)}.map((code) => fill(code, {forms}, {figure}))")
    assert filled == [snippets.fill(code, "temperature", title, site=site, tall=531, **VALUES) for code in codes]
    assert not [code for code in filled if "[[" in code and "![[" not in code]


def test_every_recipe_was_seen_as_it_stands_or_it_is_said_why_not(run: ModuleType) -> None:
    results = json.loads(run.KEPT.read_text(encoding="utf-8"))
    for recipe in snippets.known()["recipes"]:
        names = run.names_of(recipe["id"])
        assert names or recipe["id"] in run.NOT_RUN
        for name in names:
            seen = results[name]
            now = run.fingerprint(recipe["id"])
            assert seen["recipe"] == now, f'the recipe has changed: make recipes ONLY="{" ".join(names)}"'
            assert len(seen["seen"]) == 5 and all(what.startswith("yes") for what in seen["seen"].values()), name


def test_the_readme_has_what_was_seen(run: ModuleType) -> None:
    table = run.table(json.loads(run.KEPT.read_text(encoding="utf-8")))
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")
    assert run.into_readme("a\n\n| tool | version | x |\n| 1 |\n\nb", table) == f"a\n\n{table}\n\nb"

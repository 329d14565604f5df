"""The numeric core is numpy and the standard library, and its modules import only those below them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import explainer

PACKAGE = Path(explainer.__file__).parent

# each module may import only those before it
ORDER = [
    *("config", "ops", "trace", "model", "cache", "gradients", "interventions", "heads", "explain"),
    *("temperature", "sampling", "paths", "checkpoint"),
]
ALLOWED = {"numpy", "explainer", *sys.stdlib_module_names}


def imported(path: Path) -> set[str]:
    """The absolute names that a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("name", ORDER)
def test_a_core_module_imports_only_what_is_below_it(name):
    below = ORDER[: ORDER.index(name)]
    for used in imported(PACKAGE / f"{name}.py"):
        assert used.split(".")[0] in ALLOWED, used
        if used.startswith("explainer."):
            assert used.split(".")[1] in below, used


def test_the_core_runs_without_anything_but_numpy():
    code = (
        "import sys\n"
        + "".join(f"import explainer.{name}\n" for name in ORDER)
        + "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(loaded & {'param', 'panel', 'bokeh', 'torch', 'scipy', 'tokenizers', 'pandas', 'jinja2'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent, check=True
    )
    assert done.stdout.strip() == ""

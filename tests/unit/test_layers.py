"""Imports go down only: every module of ours stands in a layer and imports from its own layer or from those below."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.util import resolve_name
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = [  # of explainer/, from the bottom
    *("kernel", "architectures", "corpus", "live", "models", "studies", "ui", "host", "library"),
]
KERNEL = [  # each may import only those before it
    *("config", "ops", "trace", "model", "cache", "gradients", "interventions", "heads", "explain"),
    *("temperature", "sampling", "paths", "checkpoint", "tokenizer", "later"),
]
BELOW = {"param", "markupsafe", "numpy"}  # what a layer may use of others' packages, but for what LIBRARIES grants it
LIBRARIES = {
    "kernel": {"numpy"},
    "architectures": {"numpy"},
    "ui": BELOW | {"panel", "bokeh"},
    "host": BELOW | {"panel", "bokeh"},
    "library": set(),
    "training": {"numpy", "torch", "tokenizers", "safetensors"},
}


def modules() -> dict[str, Path]:
    """Every module of explainer/ and pages/: {dotted name: file}."""
    files = [f for top in ("explainer", "pages") for f in sorted((ROOT / top).rglob("*.py"))]
    names = [f.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for f in files]
    return dict(zip(names, files, strict=True))


MODULES = modules()


def imported(path: Path) -> set[str]:
    """The modules and names that a module imports, anywhere in it, as dotted names.

    Pages import their own modules relatively (`from .parts import`): in an installed wheel their folders lie elsewhere.
    """
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.parent.relative_to(ROOT).parts)
            source = resolve_name("." * node.level + (node.module or ""), package)
            assert bool(node.level) == source.startswith("pages."), f"{path}: {source}: only pages' own are relative"
            names |= {f"{source}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("module", [m for m in MODULES if m.count(".") and m.startswith("explainer.")])
def test_a_module_imports_from_its_layer_and_below(module):
    layer = module.split(".")[1]
    assert layer in (*LAYERS, "training"), "a new folder has its place in LAYERS"
    below = LAYERS if layer == "training" else LAYERS[: LAYERS.index(layer) + 1]
    for used in imported(MODULES[module]):
        top, *rest = used.split(".")
        if top == "explainer":
            assert rest[0] in (*below, *(["training"] if layer == "training" else [])), used
        else:  # and not from pages: the host asks which there are (explainer/host/shelf.py)
            assert top in LIBRARIES.get(layer, BELOW) | {"__future__"} | sys.stdlib_module_names, used


@pytest.mark.parametrize("name", KERNEL)
def test_a_module_of_the_kernel_imports_only_what_is_below_it(name):
    below = KERNEL[: KERNEL.index(name)]
    used = {u.split(".")[2] for u in imported(MODULES[f"explainer.kernel.{name}"]) if u.startswith("explainer.")}
    assert used <= set(below)


def test_every_module_of_the_kernel_has_its_place():
    assert {m.split(".")[2] for m in MODULES if m.startswith("explainer.kernel.")} == set(KERNEL)


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("pages.")])
def test_a_page_knows_no_other_page(module):
    own = ".".join(module.split(".")[:2])
    for used in imported(MODULES[module]):
        assert not used.startswith("explainer.host"), used
        assert not used.startswith("pages.") or used.startswith(f"{own}."), used


def test_nothing_outside_of_a_page_knows_its_name():
    """Of explainer/, `test_a_module_imports_from_its_layer_and_below` says that it imports nothing of pages/ at all."""
    pages = {m.split(".")[1] for m in MODULES if m.count(".") > 1 and m.startswith("pages.")}
    assert len(pages) > 5
    for file in (ROOT / "explainer").rglob("*.py"):
        named = set(re.findall(r"pages[./](\w+)", file.read_text(encoding="utf-8")))
        assert not named & pages, file


def test_the_kernel_and_the_front_run_without_anything_but_numpy():
    code = (
        "import sys\n"
        + "".join(f"import explainer.kernel.{name}\n" for name in KERNEL)
        + "assert 'explainer.library' not in sys.modules, 'readers need no front'\n"
        + "import explainer\n"
        + "model = explainer.load()\n"
        + "print(model, model.trace('Once'), model.next_token('Once'), model.generate('Once', 2), file=sys.stderr)\n"
        + "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(loaded & {'param', 'panel', 'bokeh', 'torch', 'scipy', 'tokenizers', 'pandas', 'jinja2'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == ""

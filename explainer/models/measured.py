"""Measurements over many texts, made once: by the build with native numpy, or, if it did not, where they are asked for.

A page may show "this head off costs 0.3 nats on text that the model never saw". That takes seconds to compute and is
the same for every reader, so the build calls these very functions and ships their results (`weights/measured.pkl`); any
other argument is computed in the page, by the same functions. Nothing is typed in by hand, and a result is only
believed if it was made by this code and these weights: its fingerprint is that of the import closure of the module that
measures (`fingerprint`), so another page's code, a comment or a docstring makes nothing be measured anew.
"""

from __future__ import annotations

import ast
import copy
import functools
import hashlib
import importlib.util
import inspect
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from explainer.models import lab

HERE = Path(__file__).parent
FILE = HERE / "weights" / "measured.pkl"
F = TypeVar("F", bound=Callable[..., Any])

_results: dict[str, Any] | None = None
_made_by: dict[str, str] = {}  # the name of a result -> the module that measured it


def kept(function: F) -> F:
    """Decorate a measurement: a pure function of small arguments with a readable repr, whose result pickles small.

    What is measured of a further model (`lab.take`) is remembered for as long as that model is here.
    """
    signature = inspect.signature(function)

    def key(args: tuple[Any, ...], options: dict[str, Any]) -> str:
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        return f"{at_home(function.__module__)}.{function.__qualname__}{tuple(bound.arguments.values())!r}"

    @functools.wraps(function)
    def remembered(*args: Any, **options: Any) -> Any:
        name, results = key(args, options), store() if lab.is_own() else of_further()
        if lab.is_own():
            _made_by[name] = at_home(function.__module__)
        if name not in results:
            results[name] = locked(function(*args, **options))
        return results[name]

    def known(*args: Any, **options: Any) -> bool:
        return key(args, options) in (store() if lab.is_own() else of_further())

    remembered.known = known  # type: ignore[attr-defined]
    return remembered  # type: ignore[return-value]


@lab.per_model(1)
def of_further() -> dict[str, Any]:
    """What was measured of a further model."""
    return {}


# The page folders are `explainer.pages` in an installed wheel and `pages` in the repository, whose names results bear.


def at_home(module: str) -> str:
    """What a module is called in the repository."""
    return module.removeprefix("explainer.") if module.startswith("explainer.pages") else module


def here(module: str) -> str:
    """What a module of the repository is called in this installation."""
    return f"explainer.{module}" if module.startswith("pages") and _file("explainer.pages") else module


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return super().find_class(here(module), name)


def store() -> dict[str, Any]:
    """All results known here, those of the build first."""
    global _results
    if _results is None:
        _results = read(FILE)[0]
    return _results


def read(path: Path = FILE) -> tuple[dict[str, Any], dict[str, str]]:
    """The build's results that still hold, and its notes; both empty if there are none."""
    try:
        with path.open("rb") as file:
            results, notes = _Unpickler(file).load()
    except (OSError, EOFError, pickle.UnpicklingError, ValueError, AttributeError, ImportError):
        return {}, {}
    believed = {}
    for name, (module, made_by, value) in results.items():
        if sys.platform == "emscripten" or made_by == fingerprint(
            module
        ):  # in the page, build and sources came together
            believed[name], _made_by[name] = locked(value), module
    return believed, notes


def write(results: dict[str, tuple[str, Any]], notes: dict[str, str], path: Path = FILE) -> None:
    """Keep results, {name: (module, value)} as from `made`, with notes of the build's own."""
    kept = {name: (module, fingerprint(module), value) for name, (module, value) in sorted(results.items())}
    beside = path.with_name(f"{path.name}.{os.getpid()}")  # whoever reads meanwhile has the old one, whole
    beside.write_bytes(pickle.dumps((kept, notes), protocol=5))
    beside.replace(path)


def made() -> dict[str, tuple[str, Any]]:
    """Everything known in this process, with the module that measured it."""
    return {name: (_made_by[name], value) for name, value in store().items()}


@functools.cache
def fingerprint(*modules: str) -> str:
    """One hash of the weights and of modules with their import closure: all code of ours that they may run."""
    digest = hashlib.sha256()
    for module in sorted(frozenset().union(*(closure(m) for m in modules)), key=at_home):
        digest.update(at_home(module).encode() + _code(module).encode())
    for file in sorted([*(HERE / "weights").glob("*.safetensors"), HERE / "weights" / "tokenizer.json"]):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


@functools.cache
def closure(module: str) -> frozenset[str]:
    """The import closure of one of our modules: itself and every module of ours that it imports, directly or not."""
    found, waiting = set(), [here(module)]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            waiting += _imports(name)
    return frozenset(found)


def _file(module: str) -> Path | None:
    path = HERE.parents[1].joinpath(*module.split("."))
    return next((f for f in (path.with_suffix(".py"), path / "__init__.py") if f.is_file()), None)


def _package(module: str) -> str:
    """The package that a module's relative imports (`from .parts import ...`) start from."""
    file = _file(module)
    return module if file and file.stem == "__init__" else module.rpartition(".")[0]


@functools.cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    return ast.parse(file.read_text(encoding="utf-8") if file else "")


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Our own modules that a module imports when it runs, wherever the statement stands."""
    named: set[str] = set()
    waiting: list[ast.AST] = [_tree(module)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":  # for the type checker alone
            waiting += node.orelse
            continue
        waiting += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            source = importlib.util.resolve_name("." * node.level + (node.module or ""), _package(module))
            named |= {source, *(f"{source}.{alias.name}" for alias in node.names)}
    return frozenset(n for n in named if n.split(".")[0] in ("explainer", "pages") and _file(n))


@functools.cache
def _code(module: str) -> str:
    """A module's code without comments, layout and docstrings."""
    tree = copy.deepcopy(_tree(module))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node, clean=False):
            del node.body[0]
    return ast.dump(tree)


def locked(value: Any) -> Any:
    """Arrays are handed out read-only, as everywhere."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value

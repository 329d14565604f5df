"""Measurements over many texts, made once: by the build with native numpy, or, if it did not, where they are asked for.

A page may show "this head off costs 0.3 nats on text that the model never saw". That takes seconds to compute and is
the same for every reader, so the build calls these very functions and ships their results (`weights/measured.pkl`); any
other argument is computed in the page, by the same functions. Nothing is typed in by hand, and results are only
believed if they were made by these sources and these weights.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

HERE = Path(__file__).parent
FILE = HERE / "weights" / "measured.pkl"
F = TypeVar("F", bound=Callable[..., Any])

_results: dict[str, Any] | None = None


def kept(function: F) -> F:
    """Decorate a measurement: a pure function of small arguments with a readable repr, whose result pickles small."""
    signature = inspect.signature(function)

    def key(args: tuple[Any, ...], options: dict[str, Any]) -> str:
        bound = signature.bind(*args, **options)
        bound.apply_defaults()
        return f"{function.__module__}.{function.__qualname__}{tuple(bound.arguments.values())!r}"

    @functools.wraps(function)
    def remembered(*args: Any, **options: Any) -> Any:
        name, results = key(args, options), store()
        if name not in results:
            results[name] = locked(function(*args, **options))
        return results[name]

    remembered.known = lambda *args, **options: key(args, options) in store()  # type: ignore[attr-defined]
    return remembered  # type: ignore[return-value]


def store() -> dict[str, Any]:
    """All results known here, those of the build first."""
    global _results
    if _results is None:
        _results = read(FILE)
    return _results


def read(path: Path) -> dict[str, Any]:
    """The build's results; empty if there are none, or none of these sources and weights."""
    try:
        made_by, results = pickle.loads(path.read_bytes())
    except (OSError, EOFError, pickle.UnpicklingError, ValueError, AttributeError, ImportError):
        return {}
    if sys.platform != "emscripten" and made_by != fingerprint():  # in the page, build and sources came together
        return {}
    return {name: locked(value) for name, value in results.items()}


def write(path: Path = FILE) -> int:
    """Keep everything measured in this process; returns how many results."""
    results = store()
    path.write_bytes(pickle.dumps((fingerprint(), dict(sorted(results.items()))), protocol=5))
    return len(results)


@functools.cache
def fingerprint() -> str:
    """One hash of the weights and of every source that a measurement may depend on."""
    digest = hashlib.sha256()
    sources = [
        *HERE.glob("*.py"),
        *(HERE / "corpus").glob("*.py"),
        *(HERE / "weights").glob("*.safetensors"),
        HERE / "weights" / "tokenizer.json",
    ]
    for file in sorted(sources):
        if file.name not in ("state.py", "session.py"):
            digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()


def locked(value: Any) -> Any:
    """Arrays are handed out read-only, as everywhere."""
    if isinstance(value, np.ndarray):
        value.setflags(write=False)
    return value

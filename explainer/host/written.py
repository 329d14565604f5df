"""The code that `dataclasses` writes for each class and has compiled when the class is defined, compiled beforehand.

In a browser that has just resumed Python, the compiler is cold: for a page's dozen of data classes it takes longer than
everything else about importing the page. So the build notes what was compiled, and puts it into the page's pack.
"""

from __future__ import annotations

import dataclasses
import marshal
from pathlib import Path
from types import CodeType
from typing import Any

_compiled: dict[str, CodeType] = {}  # by the text that `dataclasses` has written


def _exec(text: str, variables: dict[str, Any], names: dict[str, Any]) -> None:
    """As `exec`, which `dataclasses` calls by that name; what is known is not compiled again."""
    if text not in _compiled:
        _compiled[text] = compile(text, "<string>", "exec", dont_inherit=True)
    exec(_compiled[text], variables, names)


def install() -> None:
    """Let data classes be made so from now on."""
    dataclasses.exec = _exec  # type: ignore[attr-defined]


def note() -> bytes:
    """What has been compiled since `install`, for `use`."""
    return marshal.dumps(_compiled)


def use(file: Path) -> None:
    """Know what a build has noted, by the same Python."""
    install()
    _compiled.update(marshal.loads(file.read_bytes()))

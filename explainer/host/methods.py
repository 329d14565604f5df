"""The methods that `dataclasses` writes for a class, compiled ahead of time.

A dataclass writes the source of its methods when it is made, and has it compiled: for a page's classes that was a sixth
of the time that the page takes to open. The build keeps the compiled code in the page's pack, beside the page's own
(build/page_run.py); where a source is not in it, it is compiled as ever.
"""

from __future__ import annotations

import builtins
import dataclasses
import marshal
from pathlib import Path
from types import CodeType
from typing import Any

NAME = "methods.marshal"  # in the folder of a page


class Methods(dict[str, CodeType]):
    """{source: code} of what was compiled, or was read."""

    def run(self, source: str, names: dict[str, Any], into: dict[str, Any]) -> None:
        """As the built-in `exec`, but that no source is compiled twice."""
        if source not in self:
            self[source] = compile(source, "<string>", "exec")
        builtins.exec(self[source], names, into)

    def install(self) -> None:
        """Let dataclasses ask here from now on: what it calls by the name of `exec` it now finds in its own module."""
        dataclasses.exec = self.run  # type: ignore[attr-defined]

    def write(self, file: Path) -> None:
        """Keep what was compiled, for the same version of Python."""
        file.write_bytes(marshal.dumps(dict(self)))


def arrived(folder: Path) -> None:
    """A page's code is here: use what the build has compiled of its dataclasses, if it has (a page's pack, that is)."""
    file = folder / NAME
    if file.is_file():
        Methods(marshal.loads(file.read_bytes())).install()

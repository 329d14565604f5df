"""Files that come to a page only when something asks for them: those in a folder `late/<group>/`.

The build puts each group into a pack of its own (build/page_pack.py). Where it has not come yet, `read` says which one
is wanted, the worker fetches it (build/web/worker.js), and what was at work begins again.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = "late"


class NotHereYet(FileNotFoundError):
    """A file of a group that has not been fetched. The words end in the group's name."""


def group(path: str | Path) -> str | None:
    """The group that a file belongs to; None for a file that comes with its page."""
    parts = Path(path).parts
    return parts[parts.index(FOLDER) + 1] if FOLDER in parts[:-2] else None


def read(path: Path) -> bytes:
    """The bytes of such a file. Raises NotHereYet."""
    if not path.is_file():
        raise NotHereYet(f"{path.name} is in the late group {group(path)}")
    return path.read_bytes()

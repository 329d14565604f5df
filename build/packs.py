"""Two plain containers for what a reader's browser fetches. A pack: many small files as one,
unpacked while it streams in.

4 bytes  b"PACK"      4 bytes  length of the list, little-endian      the list, JSON [[path, size], ...]      the files

A sparse image: a large piece of memory without its empty pages.

4 bytes  b"SPRS"      4 bytes  length of the list, little-endian      the list, JSON [size, [[start, length], ...]]
                                                                      the runs
"""

from __future__ import annotations

import json
from collections.abc import Iterable


def pack(files: Iterable[tuple[str, bytes]]) -> bytes:
    """One pack of (path, content) pairs, in that order."""
    files = list(files)
    listing = json.dumps([[path, len(data)] for path, data in files], separators=(",", ":")).encode()
    return b"PACK" + len(listing).to_bytes(4, "little") + listing + b"".join(data for _, data in files)


def unpack(data: bytes) -> list[tuple[str, bytes]]:
    """The reverse. Raises ValueError if this is no pack or bytes are missing."""
    if data[:4] != b"PACK":
        raise ValueError("not a pack")
    start = 8 + int.from_bytes(data[4:8], "little")
    files = []
    for path, size in json.loads(data[8:start]):
        files.append((path, data[start : start + size]))
        start += size
    if start != len(data):
        raise ValueError("the pack is cut short or too long")
    return files


PAGE = 4096


def sparse(data: bytes) -> bytes:
    """A sparse image of `data`: only the runs of pages in which anything is not zero."""
    empty = bytes(PAGE)
    runs: list[list[int]] = []
    for start in range(0, len(data), PAGE):
        page = data[start : start + PAGE]
        if page == empty[: len(page)]:
            continue
        if runs and sum(runs[-1]) == start:
            runs[-1][1] += len(page)
        else:
            runs.append([start, len(page)])
    listing = json.dumps([len(data), runs], separators=(",", ":")).encode()
    return b"SPRS" + len(listing).to_bytes(4, "little") + listing + b"".join(data[s : s + n] for s, n in runs)

"""A pack: many small files as one, in a form that can be unpacked while it streams in.

4 bytes  b"PACK"      4 bytes  length of the list, little-endian      the list, JSON [[path, size], ...]      the files
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

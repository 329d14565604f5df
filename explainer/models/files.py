"""Model files read in slices: what gguf.py and safetensors.py share.

A file is anything with `seek` and `readinto`: an open file here, and in the page a thin object over `File.slice`. Only
what is being converted is in memory beside the float32 weights: at most BLOCK bytes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from explainer.kernel.checkpoint import CheckpointError, CorruptCheckpoint, TruncatedCheckpoint
from explainer.kernel.config import Config

Array = np.ndarray

BLOCK = 1 << 22
"""Bytes of the file that are held at a time."""

BESIDE = 200 << 20
"""Bytes that are needed beside the weights: Python, its libraries, and the trace of 64 tokens."""


class TooLarge(CheckpointError):
    """The model needs more memory than there is; the message says how much of both."""


class File(Protocol):
    """A file, as far as it is needed: an open one, or one of the browser's."""

    def seek(self, offset: int, whence: int = 0, /) -> int: ...

    def readinto(self, buffer: Any, /) -> int | None: ...


def size_of(file: File) -> int:
    """How many bytes a file has."""
    return file.seek(0, 2)


def read(file: File, offset: int, length: int, name: str = "file") -> bytes:
    """The bytes from `offset` on. Raises TruncatedCheckpoint if they are not all there."""
    buffer = bytearray(length)
    fill(file, offset, memoryview(buffer), name)
    return bytes(buffer)


def fill(file: File, offset: int, buffer: memoryview, name: str = "file") -> None:
    """Read into a buffer until it is full. Raises TruncatedCheckpoint if the file ends before."""
    file.seek(offset)
    done = 0
    while done < len(buffer):
        got = file.readinto(buffer[done:])
        if not got:
            raise TruncatedCheckpoint(f"{name}: the file ends {len(buffer) - done:,} bytes too early")
        done += got


def blocks(file: File, offset: int, length: int, unit: int, name: str = "file") -> Iterator[tuple[int, Array]]:
    """(how many bytes came before, uint8 array) of a stretch of a file, in whole units of `unit` bytes each.

    The array is the same each time, filled anew.
    """
    step = max(BLOCK // unit, 1) * unit
    buffer = np.empty(min(step, length), dtype=np.uint8)
    for done in range(0, length, step):
        part = buffer[: min(step, length - done)]
        fill(file, offset + done, part.data, name)
        yield done, part


# ---------------------------------------------------------------- how numbers are stored


def from_f32(raw: Array, out: Array) -> None:
    """4 bytes each. raw: uint8; out: float32, both flat"""
    out[:] = raw.view("<f4")


def from_f16(raw: Array, out: Array) -> None:
    """2 bytes each, IEEE half precision."""
    out[:] = raw.view("<f2")


def from_bf16(raw: Array, out: Array) -> None:
    """2 bytes each: the upper half of a float32."""
    out.view("<u4")[:] = raw.view("<u2")
    out.view("<u4")[:] <<= 16


def from_f64(raw: Array, out: Array) -> None:
    """8 bytes each."""
    out[:] = raw.view("<f8")


@dataclass(frozen=True)
class Storage:
    """A way in which numbers lie in a file: `numbers` of them in `size` bytes, and the function that reads them."""

    name: str
    numbers: int
    size: int
    convert: Callable[[Array, Array], None]

    def length(self, count: int) -> int:
        """How many bytes `count` numbers take."""
        return count // self.numbers * self.size


def floats(file: File, offset: int, shape: tuple[int, ...], storage: Storage, what: str) -> Array:
    """One tensor of a file as float32, read-only. Raises TruncatedCheckpoint, and CorruptCheckpoint for no number."""
    array = np.empty(shape, dtype=np.float32)
    flat = array.reshape(-1)
    for done, raw in blocks(file, offset, storage.length(flat.size), storage.size, what):
        first = done // storage.size * storage.numbers
        out = flat[first : first + len(raw) // storage.size * storage.numbers]
        with np.errstate(all="ignore"):  # of damaged numbers, too: looked at next
            storage.convert(raw, out)
        if not np.isfinite(out).all():
            raise CorruptCheckpoint(f"{what} contains numbers that are not finite")
    array.flags.writeable = False
    return array


@dataclass(frozen=True)
class Tensor:
    """Where in a file a tensor is, and how it is stored. shape: the outermost axis first, as in numpy"""

    shape: tuple[int, ...]
    storage: Storage
    offset: int


@dataclass(frozen=True, eq=False)
class Tensors:
    """A model file of which the header has been read. name: what sentences call it"""

    file: File
    name: str
    tensors: Mapping[str, Tensor]

    def floats(self, key: str) -> Array:
        """One tensor as float32. Raises CorruptCheckpoint if there is none."""
        if key not in self.tensors:
            raise CorruptCheckpoint(f"{self.name}: the tensor {key!r} is missing")
        at = self.tensors[key]
        return floats(self.file, at.offset, at.shape, at.storage, f"{self.name}: {key!r}")

    def stored(self) -> str:
        """The ways in which its numbers are stored."""
        return " ".join(sorted({tensor.storage.name for tensor in self.tensors.values()}))


# ---------------------------------------------------------------- whether it fits, and whether all is there


def gigabytes(size: int) -> str:
    """A number of bytes, for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


def check_room(config: Config, room: int | None, name: str) -> None:
    """Ask for the memory before it is taken, in one piece: weights as float32, and what is needed beside them.

    Raises TooLarge if that is more than `room` bytes, or if it is not given.
    """
    needed = 4 * config.n_params + BESIDE
    try:
        np.empty(needed, dtype=np.uint8)
    except MemoryError:
        raise TooLarge(f"{name}: it needs {gigabytes(needed)} of memory, and this browser does not give it") from None
    if room is not None and needed > room:
        there = gigabytes(room)
        raise TooLarge(f"{name}: its {config.n_params:,} weights need {gigabytes(needed)} of memory; there are {there}")


def check_layers(said: int, n_tensors: int, name: str) -> None:
    """Raise CorruptCheckpoint for more layers than the file has tensors, before anything is listed for each."""
    if not 0 <= said <= n_tensors:
        raise CorruptCheckpoint(f"{name}: {said:,} layers cannot be in {n_tensors} tensors")


def checked(params: Mapping[str, Array], config: Config, name: str) -> Mapping[str, Array]:
    """The weights in the order of the architecture. Raises CorruptCheckpoint for one that is missing or misshapen."""
    in_order = {}
    for key, shape in config.parameter_shapes.items():
        if key not in params:
            raise CorruptCheckpoint(f"{name}: the weights of {key} are missing")
        if params[key].shape != shape:
            raise CorruptCheckpoint(f"{name}: {key} should be {list(shape)} but is {list(params[key].shape)}")
        params[key].flags.writeable = False
        in_order[key] = params[key]
    return in_order

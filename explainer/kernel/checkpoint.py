"""Reading a model from a safetensors file, with nothing but the standard library and numpy.

The format: 8 bytes (little-endian length of the header), the header (JSON: name -> dtype, shape,
data_offsets, and "__metadata__": strings), then the raw numbers.
Source: the safetensors README (Hugging Face).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from explainer.kernel.config import Config
from explainer.kernel.model import Model

Array = np.ndarray

WEIGHTS = Path(__file__).parents[1] / "models" / "weights"
DEFAULT = "storyteller-4l"
DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}
LONGEST_HEADER = 100_000_000  # bytes: the format's own limit


class CheckpointError(Exception):
    """A checkpoint that cannot be used; the message says which and why."""


class MissingCheckpoint(CheckpointError):
    """There is no such file."""


class TruncatedCheckpoint(CheckpointError):
    """The file ends too early (an interrupted download, usually)."""


class CorruptCheckpoint(CheckpointError):
    """The file is there but does not say what a checkpoint must say."""


def available() -> tuple[str, ...]:
    """The names of the checkpoints that came with the program."""
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


@lru_cache(maxsize=8)
def load(name: str = DEFAULT) -> Model:
    """The model of that name, from the files that came with the program. Kept: the second call is free.

    returns: Model with float32 read-only weights (they are stored as float16)
    Raises MissingCheckpoint, TruncatedCheckpoint or CorruptCheckpoint.
    """
    path = WEIGHTS / f"{name}.safetensors"
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        there = ", ".join(available()) or "none"
        raise MissingCheckpoint(f"there is no checkpoint {name!r} (there is: {there})") from None
    return loads(data, name)


def loads(data: bytes, name: str = "checkpoint") -> Model:
    """The model in these bytes of a safetensors file.

    Raises TruncatedCheckpoint or CorruptCheckpoint.
    """
    tensors, metadata = read_safetensors(data, name)
    try:
        config = Config.from_metadata(metadata)
    except ValueError as problem:
        raise CorruptCheckpoint(f"{name}: {problem}") from None
    return Model(config, checked_params(tensors, config, name), name, MappingProxyType(metadata))


def read_safetensors(data: bytes, name: str = "file") -> tuple[dict[str, Array], dict[str, str]]:
    """The arrays (as stored) and the metadata in the bytes of a safetensors file.

    Raises TruncatedCheckpoint or CorruptCheckpoint.
    """
    if len(data) < 8:
        raise TruncatedCheckpoint(f"{name}: {len(data)} bytes is too short for a safetensors file")
    length = int.from_bytes(data[:8], "little")
    if length > LONGEST_HEADER:
        raise CorruptCheckpoint(f"{name}: not a safetensors file (its header would be {length:,} bytes)")
    if len(data) < 8 + length:
        raise TruncatedCheckpoint(f"{name}: the file ends inside its header ({len(data):,} bytes)")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError as problem:  # also UnicodeDecodeError
        raise CorruptCheckpoint(f"{name}: the header is not JSON ({problem})") from None
    if not isinstance(header, dict):
        raise CorruptCheckpoint(f"{name}: the header is not a table of tensors")
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise CorruptCheckpoint(f"{name}: the metadata is not a table of strings")
    body = memoryview(data)[8 + length :]
    return {key: read_tensor(key, entry, body, name) for key, entry in header.items()}, metadata


def read_tensor(key: str, entry: Any, body: memoryview, name: str) -> Array:
    """One array, from its entry in the header and the numbers that follow the header."""
    try:
        dtype = np.dtype(DTYPES[entry["dtype"]])
        shape = tuple(int(length) for length in entry["shape"])
        first, last = (int(offset) for offset in entry["data_offsets"])
    except (KeyError, TypeError, ValueError):
        raise CorruptCheckpoint(f"{name}: the entry of {key!r} makes no sense: {entry!r}") from None
    size = dtype.itemsize * math.prod(shape)
    if min(shape, default=0) < 0 or first < 0 or last - first != size:
        raise CorruptCheckpoint(f"{name}: {key!r} has shape {list(shape)} but {last - first} bytes")
    if last > len(body):
        raise TruncatedCheckpoint(f"{name}: the file ends before {key!r} does ({len(body):,} bytes of numbers)")
    return np.frombuffer(body[first:last], dtype).reshape(shape)


def checked_params(tensors: Mapping[str, Array], config: Config, name: str = "checkpoint") -> Mapping[str, Array]:
    """The weights as float32, read-only, in the order of the architecture, each of the right shape.

    Raises CorruptCheckpoint if one is missing, unknown, of another shape or not finite.
    """
    shapes = config.parameter_shapes
    unknown = sorted(set(tensors) - set(shapes))
    if unknown:
        raise CorruptCheckpoint(f"{name}: unknown tensor {unknown[0]!r}")
    params = {}
    for key, shape in shapes.items():
        if key not in tensors:
            raise CorruptCheckpoint(f"{name}: tensor {key!r} is missing")
        array = tensors[key]
        if array.shape != shape:
            raise CorruptCheckpoint(f"{name}: {key!r} should be {list(shape)} but is {list(array.shape)}")
        params[key] = np.array(array, dtype=np.float32, order="C")
        if not np.isfinite(params[key]).all():
            raise CorruptCheckpoint(f"{name}: {key!r} contains numbers that are not finite")
        params[key].flags.writeable = False
    return MappingProxyType(params)

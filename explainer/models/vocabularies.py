"""The vocabularies of real models, without their models: GPT-2's 50,257 tokens and SmolLM2's 49,152.

A file holds the merges as pairs of numbers, and no token's letters: a token is its two halves, down to bytes. They come
to a page when it asks for them (explainer/kernel/later.py). Written by explainer/training/vocabularies.py.

    4 bytes  length of the head, little-endian      the head, JSON: {kind, first, bytes, last}
    4 N bytes: of the N merges, the low bytes of all left halves, their high bytes, and the same of the right halves.
    Half number i is a single byte (bytes[i]) for the smallest i, and then the merge i - len(bytes).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from explainer.kernel import later
from explainer.kernel.tokenizer import Tokenizer
from explainer.models import lab
from explainer.models.byte_level import CHARACTER_OF, ByteLevelTokenizer

FOLDER = Path(__file__).parent / "weights" / "vocabularies" / "late" / "vocabularies"
NAMES = {"storyteller": "Storyteller", "smollm2": "SmolLM2", "gpt-2": "GPT-2"}
"""What addresses call them -> what pages do, in the order of their sizes."""


def tokenizer(name: str) -> Tokenizer:
    """The tokenizer of one of NAMES. Raises explainer.kernel.later.NotHereYet."""
    return lab.tokenizer(lab.STORYTELLER) if name == "storyteller" else _read(name)


@functools.cache
def _read(name: str) -> ByteLevelTokenizer:
    return unpacked(later.read(FOLDER / f"{name}.pairs"))


def unpacked(data: bytes) -> ByteLevelTokenizer:
    """A tokenizer from such a file. Raises ValueError if it is cut short."""
    size = int.from_bytes(data[:4], "little")
    head, planes = json.loads(data[4 : 4 + size]), np.frombuffer(data[4 + size :], np.uint8).reshape(4, -1)
    low_left, high_left, low_right, high_right = planes.astype(int)
    left, right = (low_left + 256 * high_left).tolist(), (low_right + 256 * high_right).tolist()
    names = [CHARACTER_OF[byte] for byte in head["bytes"]]
    merges = []
    for a, b in zip(left, right, strict=True):
        merges.append(f"{names[a]} {names[b]}")
        names.append(names[a] + names[b])
    names = [*head["first"], *names, *head["last"]]
    n = len(head["first"])
    control = [*range(n), *range(len(names) - len(head["last"]), len(names))]
    return ByteLevelTokenizer(names, merges, control, head["kind"], end=head["end"])


def packed(
    singles: Sequence[int], merges: Sequence[str], kind: str, first: Sequence[str], last: Sequence[str], end: int
) -> bytes:
    """Such a file. singles: the bytes that are tokens, by id; merges: "Ġ t", in the order learned; end: ends a text"""
    number = {CHARACTER_OF[byte]: i for i, byte in enumerate(singles)}
    pairs = []
    for merge in merges:
        a, b = merge.split(" ")
        pairs.append((number[a], number[b]))
        number[a + b] = len(number)
    halves = np.array(pairs, dtype=np.uint16).T  # [2, N]
    head = json.dumps({"kind": kind, "first": [*first], "bytes": [*singles], "last": [*last], "end": end}).encode()
    planes = b"".join(part.astype(np.uint8).tobytes() for half in halves for part in (half & 255, half >> 8))
    return len(head).to_bytes(4, "little") + head + planes

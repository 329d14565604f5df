"""A further model for the pages: what the worker has fetched, or the reader has dropped, becomes one of lab's.

The worker calls `take` with functions that give slices of the files; the answer, or what went wrong, is for the reader.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from explainer.kernel.checkpoint import CheckpointError
from explainer.models import lab, registry


def take(name: str, files: Iterable[Any], room: int | None = None) -> str:
    """Read a model and put it on the bench, where every page finds it under this name.

    name:    of a model of the site, or registry.DROPPED
    files:   (name, size in bytes, slice(first, end)) of each
    room:    bytes of memory that Python may grow by; None: not known
    returns: JSON: {"model": {...}} with what the page says about it, or {"problem": sentence}
    """
    if not (name in registry.MODELS and lab.is_here(name)) and (problem := _read(name, files, room)):
        return json.dumps({"problem": problem})
    return json.dumps({"model": _said(name)})


def holding() -> str:
    """What there is beside the storyteller: JSON of what the page says about it, or null."""
    name = lab.further()
    return json.dumps(_said(name) if name else None)


def _said(name: str) -> dict[str, Any]:
    """What the page says about a further model. taken: which it is, of all that have been read (`lab.taken`)"""
    model, entry = lab.model(name), registry.MODELS.get(name)
    made = model.metadata or {}
    return {
        "name": name,
        "title": entry.title if entry else made["name"],
        "licence": entry.licence if entry else made["licence"],
        "weights": model.n_params,
        "layers": model.config.n_layers,
        "heads": model.config.n_heads,
        "vocabulary": model.config.n_vocab,
        "window": lab.window(name),
        "taken": lab.taken(name),
    }


def _read(name: str, files: Iterable[Any], room: int | None) -> str:
    """Read the model and put it on the bench. Returns what went wrong, as a sentence; '' if nothing did.

    What was there stays until the weights are read: a file that cannot be read takes nothing away.
    """
    there = {str(file): registry.Slices(int(size), slice) for file, size, slice in files}
    entry = registry.MODELS.get(name)
    title = entry.title if entry else next(iter(there), "your file")
    try:
        lab.take(name, registry.load(there, title, room, lambda tokenizer: lab.clear_for(name, tokenizer)))
    except (CheckpointError, ValueError) as problem:
        return f"{problem}."
    except MemoryError:
        return f"{title}: there is not enough memory for it here."
    return ""

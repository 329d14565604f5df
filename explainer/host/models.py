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
    there = {str(file): registry.Slices(int(size), slice) for file, size, slice in files}
    entry = registry.MODELS.get(name)
    title = entry.title if entry else next(iter(there), "your file")
    try:
        loaded = registry.load(there, title, room)
        lab.take(name, loaded)
    except (CheckpointError, ValueError) as problem:
        return json.dumps({"problem": f"{problem}."})
    config = loaded.model.config
    said = {
        "name": name,
        "title": title if entry else loaded.says["name"],
        "licence": entry.licence if entry else loaded.says["licence"],
        "weights": config.n_params,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "vocabulary": config.n_vocab,
        "window": lab.window(name),
    }
    return json.dumps({"model": said})

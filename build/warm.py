"""Runs inside Pyodide at build time, just before the snapshot: make every document, use it, and tidy up."""

import functools
import gc
import importlib
import json
import linecache
import re
import sys


def run(config_json: str) -> str:
    """Import the closure, build the documents that will sleep in the snapshot; returns their stills (JSON)."""
    config = json.loads(config_json)
    for name in config["order"]:
        if name not in sys.modules:
            importlib.import_module(name)
    from explainer.host import session

    still = session.prepare(config.get("names"))
    session.exercise()
    tidy()
    return still


# A cache that holds what a resumed Python cannot read again (its file is gone): the vocabulary.
KEEP_CACHES = ("explainer.kernel.tokenizer",)


def tidy() -> None:
    """Let go of what is only good for one process, or can be computed again."""
    from explainer.models import lab

    lab.model.cache_clear()  # weights are put beside a resumed Python as files: as float16, half of what is in memory
    linecache.clearcache()
    re.purge()
    sys.path_importer_cache.clear()
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper):
            module = str(getattr(thing, "__module__", ""))
            if module in KEEP_CACHES or thing.cache_parameters()["maxsize"] is None:
                continue  # constants
            thing.cache_clear()
    gc.collect()

"""Runs inside Pyodide at build time, just before the snapshot: import what all pages share, use it, and tidy up."""

import functools
import gc
import importlib
import json
import linecache
import re
import sys


def run(config_json: str) -> str:
    """Import the closure, but for modules that come later, and use a sample document.

    returns: JSON, the names of those modules that are in memory all the same
    """
    config = json.loads(config_json)
    late = tuple(config["late"])
    for name in config["order"]:
        if name not in sys.modules and not name.startswith(late):
            importlib.import_module(name)
    exercise = importlib.import_module("exercise")
    exercise.base()
    from explainer.studies import influence, story

    story.fingerprint()  # takes all the weights, which a resumed Python does not have at first
    influence.family()  # which checkpoints there are: the smaller ones come when something asks for their weights
    del sys.modules["exercise"]
    tidy()
    return json.dumps(sorted(name for name in sys.modules if name.startswith(late)))


# Caches that hold what a resumed Python cannot read again (its file is gone): the vocabulary, the weights' fingerprint.
KEEP_CACHES = ("explainer.kernel.tokenizer", "explainer.studies.story")


def tidy() -> None:
    """Let go of what is only good for one process, or can be computed again."""
    from explainer.host import late

    late.put_off()  # weights are put beside a resumed Python as files: as float16, half of what is in memory
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

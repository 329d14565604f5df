"""Runs inside Pyodide at build time, just before the snapshot: make every document, use it, and tidy up."""

import gc
import importlib
import json
import sys


KEPT = ("load", "plan", "attention_grid")  # small, and wanted at the reader's first move


def run(config_json: str) -> str:
    """Import the closure, build the documents that will sleep in the snapshot; returns their stills (JSON)."""
    config = json.loads(config_json)
    for name in config["order"]:
        if name not in sys.modules:
            importlib.import_module(name)
    from explainer import session

    still = session.prepare(config.get("names"))
    session.exercise()
    tidy()
    return still


def tidy() -> None:
    """Let go of what is only good for one process, or can be computed again."""
    import importlib
    import linecache
    import re

    linecache.clearcache()
    re.purge()
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    for module in list(sys.modules.values()):
        for value in list(vars(module).values() if hasattr(module, "__dict__") else ()):
            clear = getattr(value, "cache_clear", None)
            top = getattr(module, "__name__", "").split(".")[0]
            if callable(clear) and top in ("inspect", "typing", "importlib"):
                clear()
            elif callable(clear) and top == "explainer" and value.cache_info().maxsize is not None and value.__name__ not in KEPT:
                clear()  # traces and the like: many megabytes of numbers that do not compress, made again in milliseconds
    gc.collect()

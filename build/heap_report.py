"""Runs inside Pyodide at build time: what is in the heap, by package and by kind. Part of the size report.

Every object is counted once, for the package it can be reached from first. Functions, classes and code say themselves
where they belong (`__module__`, the file name), so that the walk from one package does not wander into another.
"""

import gc
import json
import sys
import types
from collections import Counter


def owner(thing: object) -> str | None:
    """The package that an object says it belongs to, if it says so."""
    if isinstance(thing, types.ModuleType):
        return top(thing.__name__)
    if isinstance(thing, type):
        return top(str(thing.__dict__.get("__module__", "builtins")))
    if isinstance(thing, types.FunctionType):
        return top(str(thing.__module__ or "builtins"))
    return None


def top(name: str) -> str:
    """The package of a module; the standard library counts as one."""
    first = name.partition(".")[0]
    if first in ("bokeh", "panel", "numpy"):
        return ".".join(name.split(".")[:2])
    return first if first in KNOWN else "python"


KNOWN = {"param", "pyviz_comms", "jinja2", "explainer", "pages", "tqdm", "yaml", "markupsafe", "packaging", "requests"}
SKIP = (types.FrameType,)


def report() -> str:
    """JSON {"packages": {name: bytes}, "kinds": {type: [objects, bytes]}, "modules": [largest first]}."""
    gc.collect()
    seen: set[int] = set()
    sizes: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    modules = sorted(((n, m) for n, m in sys.modules.items() if m is not None), key=lambda item: item[0])
    start: list[tuple[str, types.ModuleType]] = [(top(n), m) for n, m in modules]
    per_module: Counter[str] = Counter()
    for mine in (seen, sizes, kinds, numbers, modules, start, per_module):
        seen.add(id(mine))

    def walk(package: str, root: object, name: str) -> None:
        stack = [root]
        while stack:
            thing = stack.pop()
            if id(thing) in seen or isinstance(thing, SKIP):
                continue
            belongs = owner(thing)
            if belongs is not None and belongs != package and thing is not root:
                continue
            seen.add(id(thing))
            try:
                size = sys.getsizeof(thing)
            except Exception:
                continue
            size += 8  # what the allocator keeps with each piece
            sizes[package] += size
            per_module[name] += size
            kinds[type(thing).__name__] += size
            numbers[type(thing).__name__] += 1
            if isinstance(thing, types.CodeType):
                stack += [
                    thing.co_consts,
                    thing.co_names,
                    thing.co_varnames,
                    thing.co_linetable,
                    thing.co_exceptiontable,
                ]
                stack += [thing.co_name, thing.co_qualname, thing.co_filename]
            stack += gc.get_referents(thing)

    for package, module in start:
        walk(package, module, module.__name__)
    for thing in gc.get_objects():
        walk(owner(thing) or "elsewhere", thing, "elsewhere")
    return json.dumps(
        {
            "packages": dict(sizes.most_common()),
            "kinds": {k: [numbers[k], n] for k, n in kinds.most_common(30)},
            "modules": per_module.most_common(60),
        }
    )

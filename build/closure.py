"""Runs inside Pyodide at build time: find out which modules are imported, and compile exactly those.

An import hook stands in front of all sources; each module that is brought in while documents are made, opened and used
passes through it, is made slimmer (slim.py) and compiled by this very Python. What is read with `open` on the way is
noted, too. `run` does so for what all pages share, the packages of our own named in the configuration and all that they
import (page_run.py: for one page); it returns the list, and the compiled files lie under OUT.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import importlib
import importlib.machinery
import importlib.util
import json
import marshal
import os
import pkgutil
import sys
import time
import traceback
import types
import zipfile
from pathlib import Path
from stat import S_ISREG
from typing import Any

import slim
import trims

SOFT = ("bokeh", "panel", "param", "pyviz_comms")  # packages whose imports are put off until they are needed
HEADER = importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + b"\0" * 8  # hash-based, unchecked: no times, same bytes every time


def without_lines(code: types.CodeType) -> types.CodeType:
    """Third-party code without its table of line numbers: its source is not shipped, so they would lead nowhere."""
    constants = tuple(without_lines(c) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    # Entries that say "no location" for up to 8 code units each (Objects/locations.md);
    # an empty table breaks tracebacks.
    whole, rest = divmod(len(code.co_code) // 2, 8)
    table = b"\xff" * whole + (bytes([0xF8 | (rest - 1)]) if rest else b"")
    return code.replace(co_consts=constants, co_linetable=table)


class Closure:
    """What has been imported so far."""

    def __init__(self, roots: list[str], own: tuple[str, ...], out: str, options: dict[str, Any]):
        self.roots = [r.rstrip("/") for r in roots]
        self.own = own
        self.out = Path(out)
        self.options = options
        self.modules: dict[str, dict[str, Any]] = {}
        self.libraries: dict[str, str] = {}
        self.opened: dict[str, str] = {}
        self.late: set[str] = set()  # what is read when a further document is made or used, not only at import
        self.exports_of: dict[str, list[str] | None] = {}
        self.importers: dict[str, str] = {}
        self.keep = frozenset(sys.modules)
        self.kept = Path(out, "kept")  # compiled modules by the hash of what they were made from
        self.kept.mkdir(exist_ok=True)
        self.tools = hashlib.sha256(Path(__file__).read_bytes() + Path(slim.__file__).read_bytes()).hexdigest()

    # ------------------------------------------------------------ the hook

    def install(self) -> None:
        closure = self

        class Loader(importlib.machinery.SourceFileLoader):
            def get_code(self, fullname: str) -> Any:
                return closure.compile(fullname, self.path)

        class Libraries(importlib.machinery.ExtensionFileLoader):
            def create_module(self, spec: Any) -> Any:
                closure.libraries[spec.name] = closure.relative(self.path)
                return super().create_module(spec)

        details = (Libraries, importlib.machinery.EXTENSION_SUFFIXES), (Loader, [".py"])

        def hook(path: str) -> Any:
            if not any(path == r or path.startswith(r + "/") for r in closure.roots):
                raise ImportError
            return importlib.machinery.FileFinder(path, *details)

        sys.path_hooks.insert(0, hook)
        sys.path[:0] = self.roots
        sys.path_importer_cache.clear()
        if "lazily" not in sys.modules:
            sys.modules["lazily"] = helper = type(sys)("lazily")
            code = compile(slim.SOURCE, "lazily.py", "exec", optimize=2)
            exec(code, helper.__dict__)
            self.write("lazily", "lazily.pyc", code, False, len(slim.SOURCE))
        sys.addaudithook(self.audit)
        plain_import = builtins.__import__

        def watched(name: str, globals: Any = None, *args: Any, **kwargs: Any) -> Any:
            before = set(sys.modules)
            found = plain_import(name, globals, *args, **kwargs)
            for module in sys.modules.keys() - before:
                self.importers.setdefault(module, str((globals or {}).get("__name__")))
            return found

        builtins.__import__ = watched  # who was the first to import what: for the report
        stat = os.stat

        def noticed(path: Any, *args: Any, **kwargs: Any) -> Any:
            found = stat(path, *args, **kwargs)
            if isinstance(path, (str, os.PathLike)) and S_ISREG(found.st_mode):
                self.audit("open", (os.fspath(path),))
            return found

        os.stat = noticed  # type: ignore[assignment]

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event != "open" or not args or not isinstance(args[0], (str, bytes)):
            return
        path = os.fsdecode(args[0])
        if any(path.startswith(r + "/") for r in self.roots) and not path.endswith((".py", ".pyc", ".so")):
            self.opened.setdefault(self.relative(path), path)
            self.late.add(self.relative(path))

    def relative(self, path: str) -> str:
        return next(path[len(r) + 1 :] for r in self.roots if path.startswith(r + "/"))

    # ------------------------------------------------------------ compiling

    def compile(self, name: str, path: str) -> Any:
        source = Path(path).read_text("utf-8")
        package = path.endswith("/__init__.py")
        top = name.partition(".")[0]
        source = trims.trim(name, source)
        relative = self.relative(path)
        defer = self.options.get("defer", True) and top in SOFT
        kept = self.kept / hashlib.sha256(f"{self.tools} {name} {relative} {defer} {source}".encode()).hexdigest()
        if kept.is_file():  # compiled by an earlier build
            data = kept.read_bytes()
            self.record(name, relative.removesuffix(".py") + ".pyc", data, package, len(source))
            return marshal.loads(data[len(HEADER) :])
        tree: Any = slim.transform(
            source,
            name,
            package,
            exports=self.exports,
            keep=self.keep,
            defer=defer,
            texts=self.options.get("texts", True) and top not in self.own,
        )
        code = compile(tree, relative, "exec", dont_inherit=True, optimize=2)
        if top not in self.own:
            code = without_lines(code)
        data = HEADER + marshal.dumps(code)
        kept.write_bytes(data)
        self.record(name, relative.removesuffix(".py") + ".pyc", data, package, len(source))
        return code

    def write(self, name: str, path: str, code: Any, package: bool, source_bytes: int, where: str = "site") -> None:
        self.record(name, path, HEADER + marshal.dumps(code), package, source_bytes, where)

    def record(self, name: str, path: str, data: bytes, package: bool, source_bytes: int, where: str = "site") -> None:
        file = self.out / where / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        self.modules[name] = {
            "path": path,
            "bytes": len(data),
            "source": source_bytes,
            "package": package,
            "where": where,
        }

    def find(self, name: str) -> tuple[Path, bool] | None:
        for root in self.roots:
            base = Path(root, *name.split("."))
            if (base / "__init__.py").is_file():
                return base / "__init__.py", True
            if base.with_suffix(".py").is_file():
                return base.with_suffix(".py"), False
        return None

    def exports(self, name: str) -> list[str] | None:
        """`__all__` of a module that may not be imported yet."""
        if name not in self.exports_of:
            found = self.find(name)
            self.exports_of[name] = None
            if found:
                tree = ast.parse(found[0].read_text("utf-8"))
                self.exports_of[name] = slim.static_all(tree, name, found[1], self.exports)
        return self.exports_of[name]

    def standard_library(self, wanted: set[str]) -> None:
        """Compile what was imported out of the standard library's archive; wanted: names of modules"""
        archive = next(p for p in sys.path if p.endswith(".zip"))
        with zipfile.ZipFile(archive) as z:
            files = set(z.namelist())
            for name in sorted(wanted):
                base = name.replace(".", "/")
                for file in (f"{base}/__init__.py", f"{base}.py"):
                    if file in files and name not in self.modules:
                        source = z.read(file).decode("utf-8")
                        code = without_lines(compile(source, file, "exec", dont_inherit=True, optimize=2))
                        package = file.endswith("/__init__.py")
                        self.write(name, file.removesuffix(".py") + ".pyc", code, package, len(source), "stdlib")


def run(config_json: str) -> str:
    """Import what all pages share, use a sample document; return what that took."""
    config = json.loads(config_json)
    closure = Closure(config["roots"], tuple(config["own"]), config["out"], config.get("options", {}))
    closure.install()
    began = time.time()
    try:
        for package in config["base"]:
            for module in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
                if module.name not in config.get("apart", []):
                    importlib.import_module(module.name)
        importlib.import_module("explainer.host.shelf").pages()
        imported = time.time()
        exercise = importlib.import_module("exercise")
        exercise.base()
        closure.late.clear()
        exercise.base()
        used = time.time()
        for name in config.get("extra", []):
            importlib.import_module(name)
    except BaseException:
        return json.dumps({"error": traceback.format_exc(), "modules": closure.modules})
    there = {n for n, m in list(sys.modules.items()) if m is not None}
    closure.standard_library({*there, "encodings.utf_8", "encodings.aliases"})
    return json.dumps(
        {
            "modules": closure.modules,
            "libraries": closure.libraries,
            "importers": closure.importers,
            "opened": closure.opened,
            "late": sorted(closure.late),
            "order": [n for n in sys.modules if n in closure.modules or n in closure.libraries],
            "seconds": {"import": imported - began, "use": used - imported},
        }
    )

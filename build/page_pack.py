"""A page's pack, what a reader's browser fetches for one page beside the snapshot, and the page's stills.

In the pack: the page's modules, compiled, and whatever they import that the snapshot does not hold, with the methods of
their dataclasses (explainer/host/methods.py); the files that they read; `measured.pkl`, the measurements that the page
shows; `stills.json`, what was drawn of its widgets. Files of a late group (explainer/kernel/later.py) go into a pack of
the group's own. It is made in a Python resumed from the snapshot (page_run.py), and anew only when the page, or what
all pages share, has changed.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import measure
import runtime

from explainer.host import methods
from explainer.kernel import later
from explainer.models import measured

TOOLS = ("page.mjs", "resumed.mjs", "page_run.py", "page_pack.py", "closure.py", "slim.py", "trims.py", "exercise.py")


def key(folder: str, image: Path) -> str:
    """What a page's pack depends on: the snapshot, its own folder, what it imports from elsewhere,
    what it has measured."""
    tools = [runtime.HERE / name for name in TOOLS]
    return runtime.digest(
        image.name, *tools, *runtime.own_files(runtime.ROOT / "pages" / folder), measure.fingerprint(folder)
    )


def made(folder: str, compiled: Path, pyodide: Path, image: Path) -> Path:
    """A directory with `site/` and `stdlib/` (the modules), `result.json`, `measured.pkl` and `stills.json`."""
    out = runtime.CACHE / f"page-{folder}-{key(folder, image)}"
    if (out / "stills.json").is_file():
        return out
    with runtime.timed(f"page {folder}: compile it and draw its stills"):
        for old in runtime.CACHE.glob(f"page-{folder}-*"):
            shutil.rmtree(old)
        out.mkdir(parents=True)
        write_measured(folder, out / "measured.pkl")
        site = f"{runtime.SITE}/"
        files = {site + f.relative_to(compiled / "site").as_posix(): str(f) for f in not_in_memory(compiled)}
        mounts = {
            "/src/repo": runtime.ROOT,
            "/src/numpy": runtime.numpy_unpacked(),
            "/src/site": runtime.site_packages(),
        }
        config = {
            "page": folder,
            "image": str(image / "config.json"),
            "stdlib": str(runtime.PYODIDE / "python_stdlib.zip"),
            "files": {**files, "/tmp/measured.pkl": str(out / "measured.pkl")},
            "measured": "/tmp/measured.pkl",
            "output": str(out),
            "kept": str(runtime.CACHE / "pyc"),
            "tools": str(runtime.HERE),
            "own": runtime.OWN,
            "late": runtime.LATE,
            "mounts": [{"host": str(host), "at": at} for at, host in mounts.items()],
        }
        (out / "config.json").write_text(json.dumps(config))
        runtime.node("page.mjs", str(out / "config.json"))
        result = json.loads((out / "result.json").read_text(encoding="utf-8"))
        for relative, path in [*result["opened"].items()]:
            at, host = next((at, host) for at, host in mounts.items() if path.startswith(at + "/"))
            copied(host / path[len(at) + 1 :], out / "site" / relative)
        for relative in result["libraries"].values():
            copied(mounts["/src/numpy"] / relative, out / "site" / relative)
        (out / "stills.json").write_text(json.dumps(prints(result["stills"])))
    return out


def copied(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def not_in_memory(compiled: Path) -> Iterator[Path]:
    """The files of a live page that the snapshot does not hold: what is read."""
    for file in sorted((compiled / "site").rglob("*")):
        if file.is_file() and file.suffix not in {".pyc", ".so"}:
            yield file


def write_measured(folder: str, file: Path) -> None:
    """The results that the page shows (build/measure.py has noted which)."""
    results, names = measured.made(), measure.shown_by(folder)
    measured.write({name: results[name] for name in names if name in results}, {}, file)


def prints(stills: dict[str, Any]) -> dict[str, str]:
    """{slug: print of its markup}; a widget begins with the same markup in its page and alone.
    Raises BuildError if not."""
    from explainer.host.session import print_of

    found: dict[str, str] = {}
    for name, still in stills.items():
        for model in still["models"]:
            if "html" in model["attributes"]:
                drawn = print_of(model["attributes"]["html"])
                if found.setdefault(model["name"], drawn) != drawn:
                    raise runtime.BuildError(f"{name}: {model['name']} is drawn differently each time")
    return found


def modules(made: Path) -> Iterator[tuple[str, Path]]:
    """(path in site-packages, file) of what was imported, and of what that reads."""
    for top in ("site", "stdlib"):
        for file in sorted((made / top).rglob("*")):
            if file.is_file():
                yield file.relative_to(made / top).as_posix(), file


def files(folder: str, made: Path) -> Iterator[tuple[str, bytes]]:
    """(path in site-packages, content) of all that is in a page's pack."""
    for name, file in modules(made):
        if not later.group(name):
            yield name, file.read_bytes()
    for name in ("measured.pkl", "stills.json", methods.NAME):
        yield f"pages/{folder}/{name}", (made / name).read_bytes()


def late(made: Path) -> dict[str, dict[str, bytes]]:
    """{group: {path in site-packages: content}} of what a page's figures fetch when they ask for it."""
    found: dict[str, dict[str, bytes]] = {}
    for name, file in modules(made):
        if group := later.group(name):
            found.setdefault(group, {})[name] = file.read_bytes()
    return found


def stills(made: Path) -> dict[str, Any]:
    """{document: {"models": [{"id", "name", "attributes"}]}}"""
    return json.loads((made / "result.json").read_text(encoding="utf-8"))["stills"]  # type: ignore[no-any-return]

"""Build one page and serve it, live, and again after every change: `make preview PAGE=attention` (PORT=8001).

The page boots the ordinary way, without a snapshot: Python and the packages of others as the last `make site` compiled
them, our own code as it lies there, as source. Of the pages only this one is in it. An open page reloads itself when a
change is built, and shows what went wrong where it could not be. Other pages and embeds are not there: `make site`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import packs  # noqa: E402
import page_pack  # noqa: E402
import runtime  # noqa: E402
import serve  # noqa: E402
import zstandard  # noqa: E402

from explainer.kernel import later  # noqa: E402

OWN = ("explainer/", "pages/")
WATCHED = ("explainer", "pages", "build")
KINDS = {".py", ".md", ".js", ".css", ".j2", ".json", ".safetensors"}


class Emitter(runtime.Emitter):
    """Packs quickly rather than small, and keeps nothing."""

    def compressed(self, data: bytes) -> bytes:
        return zstandard.ZstdCompressor(level=1).compress(data)


def compiled() -> Path:
    """The packages of others, compiled: those of the last build; without one, by a build of them now (a minute)."""
    found = [file.parent for file in runtime.CACHE.glob("closure-*/closure.json")]
    return max(found, key=lambda closure: closure.stat().st_mtime) if found else runtime.closure()


def own_sources() -> Iterator[tuple[str, bytes]]:
    """(path in site-packages, content) of what all pages share of our own code, and of cards."""
    files = [file for file in (ROOT / "explainer").rglob("*.py") if not file.is_relative_to(runtime.AT_HOME)]
    cards = (ROOT / "explainer" / "models").rglob("*.json")
    for file in sorted([*files, *cards, ROOT / "pages" / "__init__.py"]):
        yield file.relative_to(ROOT).as_posix(), file.read_bytes()


def late_files() -> dict[str, list[tuple[str, bytes]]]:
    """{group: (path in site-packages, content)} of what figures fetch when they ask for it, of whatever page."""
    found: dict[str, list[tuple[str, bytes]]] = {}
    for file in sorted((ROOT / "explainer").rglob(f"{later.FOLDER}/*/*")):
        name = file.relative_to(ROOT).as_posix()
        if group := later.group(name):
            found.setdefault(group, []).append((name, file.read_bytes()))
    return found


def page_sources(folder: str, results: bytes) -> Iterator[tuple[str, bytes]]:
    """(path in site-packages, content) of a page's pack: its code as it lies there, what it has measured, and what its
    last build found that it needs beside that: modules of other packages, and files of ours that it reads."""
    for made in sorted(runtime.CACHE.glob(f"page-{folder}-*/stills.json"), key=lambda f: f.stat().st_mtime)[-1:]:
        for name, file in page_pack.modules(made.parent):
            if not later.group(name) and not (name.startswith(OWN) and name.endswith(".pyc")):
                yield name, file.read_bytes()
    for file in sorted((ROOT / "pages" / folder).rglob("*.py")):
        if file.name != "numbers.py":
            yield file.relative_to(ROOT).as_posix(), file.read_bytes()
    yield f"pages/{folder}/measured.pkl", results


def whole_stdlib(part: Path) -> bytes:
    """The compiled part of the standard library, and the rest of it as Pyodide has it:
    this page may import something new."""
    kept = runtime.CACHE / "preview-stdlib.zip"
    if not kept.is_file() or kept.stat().st_mtime < part.stat().st_mtime:
        shutil.copyfile(part, kept)
        with zipfile.ZipFile(runtime.PYODIDE / "python_stdlib.zip") as rest, zipfile.ZipFile(kept, "a") as z:
            there = {name.removesuffix("c") for name in z.namelist()}
            for name in rest.namelist():
                if name.removesuffix("c") not in there and not name.endswith("/"):
                    z.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), rest.read(name))
    return kept.read_bytes()


def write_runtime(out: Path, folder: str, results: bytes) -> None:
    """out/runtime/: what an ordinary boot needs, and the worker, which knows of no snapshot."""
    base, pyodide = compiled(), runtime.patched()
    site = {f.relative_to(base / "site").as_posix(): f for f in sorted((base / "site").rglob("*")) if f.is_file()}
    libraries = [name for name in site if name.endswith(".so")]
    apart = runtime.kinds(site, libraries, json.loads((base / "closure.json").read_text())["late"])
    gone = {name for names in apart.values() for name in names}

    def content(name: str) -> tuple[str, bytes]:
        mine = ROOT / name if name.startswith(OWN) else site[name]
        return name, (mine if mine.is_file() else site[name]).read_bytes()

    rest = [name for name in site if name not in gone and not (name.startswith(OWN) and name.endswith(".pyc"))]
    emitter = Emitter(out / "runtime")
    emitter.add("pyodide.asm.mjs", (pyodide / "pyodide.asm.mjs").read_bytes())
    emitter.add("pyodide.asm.wasm", (pyodide / "pyodide.asm.wasm").read_bytes())
    emitter.add("stdlib", whole_stdlib(base / "stdlib.zip"))
    for name, names in apart.items():
        emitter.add(name, packs.pack(map(content, names)))
    emitter.add("python", packs.pack([*map(content, rest), *own_sources()]))
    emitter.add(f"page-{folder}", packs.pack(page_sources(folder, results)))
    late = late_files()
    for group, files in late.items():
        emitter.add(f"late-{group}", packs.pack(files))
    manifest = {**runtime.manifest_of(emitter, pyodide, {folder: late}), "resume": []}
    runtime.bundle(out, pyodide, manifest)


def build(page_name: str, out: Path) -> None:
    """Build the page, without its embeds, into `out`, which is made anew.
    What it measures is kept for the next time."""
    import contents
    import make_site
    import measure

    from explainer.models import measured
    from pages import CHAPTERS, PAGES

    page = next((page for page in PAGES if page.name == page_name), None)
    if page is None:
        raise SystemExit(f"there is no page “{page_name}”; there are: {', '.join(page.name for page in PAGES)}")
    notes = measured.read()[1]
    known = set(measured.made())
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with measure.noted() as asked:
        stills = make_site.drawn_here({page.name: page.make})
    results = {name: found for name, found in measured.made().items() if name in asked}
    measured.write(results, {}, out / "measured.pkl")
    write_runtime(out, page.folder, (out / "measured.pkl").read_bytes())
    (out / "measured.pkl").unlink()
    names = make_site.write_scripts(out, [page])
    shutil.copy(HERE / "web" / "preview.js", out / "preview.js")
    listed = contents.Contents.of(PAGES, CHAPTERS, contents.texts())
    extra = '<script type="module" src="/preview.js"></script>'
    make_site.write_page(out, page, stills, names, listed, extra)
    if not known >= set(measured.made()):
        measured.write(measured.made(), notes)


def state_of_files() -> dict[str, int]:
    """What a change is noticed by: {file: time of its last change}."""
    found = {}
    for top in WATCHED:
        for folder, folders, names in os.walk(ROOT / top):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for name in names:
                if Path(name).suffix in KINDS:
                    found[f"{folder}/{name}"] = (Path(folder) / name).stat().st_mtime_ns
    return found


class Preview:
    """Where the newest build of a page lies, and what to tell its open pages."""

    def __init__(self, page: str, folder: Path):
        self.page, self.folder, self.count = page, folder, 0
        self.news: dict[str, Any] = {"build": 0, "problem": ""}

    def again(self) -> None:
        """Build in a process of its own, which has the code as it is now, beside what is served; then serve that."""
        began = time.perf_counter()
        self.count += 1
        new = self.folder / str(self.count)
        command = [sys.executable, str(HERE / "preview.py"), self.page, "--build", str(new)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(done.stderr, flush=True)
            self.news = {**self.news, "problem": done.stderr[-4000:]}
            return
        old = self.folder / str(self.news["build"])
        self.news = {"build": self.count, "problem": ""}
        shutil.rmtree(old, ignore_errors=True)
        print(f"built in {time.perf_counter() - began:.1f} s", flush=True)

    def watch(self) -> None:
        """Build after every change, for ever."""
        before = state_of_files()
        while True:
            time.sleep(0.3)
            if (now := state_of_files()) != before:
                before = now
                self.again()


def handler(preview: Preview) -> type[serve.Handler]:
    """A handler that serves the newest build, and tells its pages of a newer one and of problems
    (build/web/preview.js)."""

    class Handler(serve.Handler):
        def translate_path(self, path: str) -> str:
            self.directory = str(preview.folder / str(preview.news["build"]))
            return super().translate_path(path)

        def do_GET(self) -> None:
            if self.path.split("?")[0] != "/preview.json":
                return super().do_GET()
            body = json.dumps(preview.news).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return None

    return Handler


def main() -> int:
    parser = argparse.ArgumentParser(description="Build one page and serve it, live, and again after every change.")
    parser.add_argument("page", help="its name: the folder in pages/")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--build", type=Path, help="only build, into this folder")
    arguments = parser.parse_args()
    if arguments.build:
        build(arguments.page, arguments.build.resolve())
        return 0
    folder = runtime.CACHE / "preview" / arguments.page
    shutil.rmtree(folder, ignore_errors=True)
    preview = Preview(arguments.page, folder)
    preview.again()
    if not preview.news["build"]:
        return 1
    threading.Thread(target=preview.watch, daemon=True).start()
    place = "" if arguments.page == "home" else f"{arguments.page}/"
    return serve.run(folder, arguments.port, handler(preview), again="make preview PAGE=" + arguments.page, place=place)


if __name__ == "__main__":
    raise SystemExit(main())

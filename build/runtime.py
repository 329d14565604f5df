"""Build the runtime bundle: everything a reader's browser needs to have the site's Python live.

    python build/runtime.py --out _site        (pages from the repository; results are cached under _cache/)

Steps, each cached by a hash of what it depends on:
    closure    which modules the pages import, compiled by the pinned Pyodide itself (closure.py, slim.py)
    patched    Pyodide with the edits of patch_runtime.py
    snapshot   one memory image with every document of the site asleep in it, and the stills (snapshot.mjs, warm.py)
    emit       files with their hash in their name, Zstandard at rest, manifest.json, the worker (build/web/worker.js)
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import npm
import packs
import patch_runtime
import zstandard

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "build"
CACHE = ROOT / "_cache"
PYODIDE = ROOT / "node_modules" / "pyodide"
SITE = "/lib/python3.14/site-packages"
OWN = ["explainer", "pages"]
# Submodules that nobody imports on the way but a reader's own actions or the tests may (numpy's are reached lazily).
EXTRA = ["numpy.random", "numpy.linalg", "numpy.fft"]
STORYTELLER = "storyteller-4l"  # the model that every page runs


class BuildError(Exception):
    """A step failed; the message says which and what it printed."""


def say(text: str) -> None:
    print(f"[runtime] {text}", flush=True)


def digest(*parts: bytes | str | Path) -> str:
    """One hash of texts and files (a directory counts with the names and contents of all its files)."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            files = sorted(p for p in part.rglob("*") if p.is_file()) if part.is_dir() else [part]
            for file in files:
                if "__pycache__" in file.parts:
                    continue
                h.update(str(file.relative_to(part) if part.is_dir() else file.name).encode() + b"\0")
                h.update(hashlib.sha256(file.read_bytes()).digest())
        else:
            h.update(part.encode() if isinstance(part, str) else part)
        h.update(b"\1")
    return h.hexdigest()[:16]


def node(script: str, *args: str, timeout: int = 600) -> str:
    """Run one of our Node scripts; returns what it printed. Raises BuildError with the end of its output."""
    command = ["node", "--no-warnings", str(HERE / script), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=npm.environment())
    if done.returncode:
        lines = [line[:400] for line in (done.stdout + done.stderr).splitlines() if len(line) < 20_000]
        raise BuildError(f"{script} failed:\n" + "\n".join(lines[-60:]))
    return done.stdout


def site_packages() -> Path:
    """Where panel and bokeh are installed for the Python that runs this."""
    found = importlib.util.find_spec("panel")
    if found is None or found.origin is None:
        raise BuildError("panel is not installed for this Python")
    return Path(found.origin).resolve().parent.parent


def wheel() -> Path:
    """The numpy wheel, checked against the checksum kept beside it."""
    path = next((HERE / "wheels").glob("numpy-*pyemscripten*.whl"))
    expected = path.with_name(path.name + ".sha256").read_text().split()[0]
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise BuildError(f"{path.name} does not match its checksum")
    return path


@contextlib.contextmanager
def timed(what: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    began = time.time()
    say(f"{what} ...")
    yield
    say(f"{what}: {time.time() - began:.1f} s")


# ---------------------------------------------------------------- closure


def closure(pages: Path) -> Path:
    """The compiled closure of the pages under `pages` (a directory that holds the package `pages`).

    Returns a directory with `site/` (what goes to site-packages), `stdlib.zip` and `closure.json`.
    """
    sources = site_packages()
    installed = "\n".join(sorted(p.name for p in sources.glob("*.dist-info")))
    tools = [HERE / f for f in ("closure.py", "closure.mjs", "slim.py", "trims.py")]
    key = digest(
        installed,
        ROOT / "package-lock.json",
        wheel(),
        *tools,
        *own_files(ROOT / "explainer"),
        *own_files(pages / "pages"),
    )
    out = CACHE / f"closure-{key}"
    if (out / "closure.json").is_file():
        say(f"closure: cached ({out.name})")
        return out
    with timed("closure: import the pages and compile what they import"):
        shutil.rmtree(out, ignore_errors=True)
        numpy = CACHE / f"numpy-{digest(wheel())}"
        if not numpy.is_dir():
            with zipfile.ZipFile(wheel()) as z:
                z.extractall(numpy)
        mounts = [("/src/pages", pages), ("/src/repo", ROOT), ("/src/numpy", numpy), ("/src/site", sources)]
        work = out / "work"
        work.mkdir(parents=True)
        config = {
            "pyodide": f"{PYODIDE}/", "output": str(out), "kept": str(CACHE / "pyc"), "tools": str(HERE), "own": OWN, "options": {}, "extra": EXTRA,
            "mounts": [{"host": str(host), "at": at} for at, host in mounts],
        }  # fmt: skip
        (work / "config.json").write_text(json.dumps(config))
        node("closure.mjs", str(work / "config.json"), str(work / "result.json"))
        result = json.loads((work / "result.json").read_text())
        for relative, path in [*result["opened"].items()]:
            at, host = next((at, host) for at, host in mounts if path.startswith(at + "/"))
            (out / "site" / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(host) / path[len(at) + 1 :], out / "site" / relative)
        for relative in result["libraries"].values():
            (out / "site" / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(numpy / relative, out / "site" / relative)
        write_zip(out / "stdlib.zip", out / "stdlib")
        shutil.rmtree(out / "stdlib")
        (out / "closure.json").write_text(json.dumps(result))
    modules = result["modules"].values()
    say(f"closure: {len(modules)} modules, {sum(m['bytes'] for m in modules) / 1e6:.1f} MB compiled")
    return out


def own_files(directory: Path) -> list[bytes | str | Path]:
    """What of our own code can matter to a reader's Python: not the training, not the prose and what that says in numbers."""
    parts: list[bytes | str | Path] = []
    for file in sorted(directory.rglob("*")):
        if not file.is_file() or "training" in file.parts or file.name == "numbers.py":
            continue
        if file.suffix in {".py", ".json", ".safetensors"}:
            parts += [str(file.relative_to(directory)), file]
    return parts


def write_zip(path: Path, directory: Path) -> None:
    """All files of a directory, stored (the pack around it is compressed), with the same bytes every time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as z:
        for file in sorted(directory.rglob("*.pyc")):
            z.writestr(zipfile.ZipInfo(str(file.relative_to(directory)), (1980, 1, 1, 0, 0, 0)), file.read_bytes())


# ---------------------------------------------------------------- Pyodide, patched


def patched() -> Path:
    """Pyodide with our edits."""
    out = CACHE / f"pyodide-{digest(HERE / 'patch_runtime.py', ROOT / 'package-lock.json')}"
    if not (out / "package.json").is_file():
        with timed("patch"):
            patch_runtime.patch(PYODIDE, out)
    return out


# ---------------------------------------------------------------- snapshot


def snapshot(compiled: Path, pyodide: Path, names: list[str] | None = None) -> Path:
    """The memory image and the stills. Returns a directory with snapshot.bin, libraries.json and still.json."""
    tools = [HERE / f for f in ("snapshot.mjs", "warm.py", "heap.mjs")]
    out = CACHE / f"snapshot-{digest(compiled.name, pyodide.name, json.dumps(names), *tools)}"
    if (out / "report.json").is_file():
        say(f"snapshot: cached ({out.name})")
        return out
    with timed("snapshot: build every document and write the memory image"):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        result = json.loads((compiled / "closure.json").read_text())
        config = {
            "pyodide": f"{pyodide}/", "stdlib": str(compiled / "stdlib.zip"), "site": str(compiled / "site"),
            "tools": str(HERE), "output": str(out), "order": result["order"], "names": names,
        }  # fmt: skip
        (out / "config.json").write_text(json.dumps(config))
        printed = node("snapshot.mjs", str(out / "config.json"))
        (out / "report.json").write_text(printed.strip().splitlines()[-1])
        say("snapshot: " + (out / "report.json").read_text())
    return out


def heap_report(image: Path) -> dict[str, Any]:
    """What is in the memory of a snapshot, by package and by kind (heap_report.py); made beside it once."""
    kept = image / "heap.json"
    if not kept.is_file():
        config = {**json.loads((image / "config.json").read_text()), "report": str(kept)}
        (image / "report-config.json").write_text(json.dumps(config))
        node("snapshot.mjs", str(image / "report-config.json"))
    return json.loads(kept.read_text())  # type: ignore[no-any-return]


# ---------------------------------------------------------------- what goes to readers


def compress(data: bytes) -> bytes:
    """One Zstandard frame; the window of 4 MB bounds the memory that a reader's browser needs to unpack it."""
    parameters = zstandard.ZstdCompressionParameters.from_level(19, window_log=22)
    return zstandard.ZstdCompressor(compression_params=parameters).compress(data)


class Emitter:
    """Writes files with their hash in their name and remembers them for the manifest."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.files: dict[str, dict[str, Any]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, data: bytes) -> None:
        """name: in the manifest. The file is unpacked in the browser as it streams in."""
        stored = self.compressed(data)
        sha256 = hashlib.sha256(stored).hexdigest()
        url = f"{name.partition('.')[0]}.{sha256[:12]}.bin"
        (self.directory / url).write_bytes(stored)
        raw_sha256 = hashlib.sha256(data).hexdigest()  # for servers that unpack it on the way
        self.files[name] = {
            "url": url,
            "bytes": len(stored),
            "raw": len(data),
            "sha256": sha256,
            "raw_sha256": raw_sha256,
        }

    def compressed(self, data: bytes) -> bytes:
        kept = CACHE / "packed" / f"{hashlib.sha256(data).hexdigest()}.zst"
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(compress(data))
        return kept.read_bytes()


def kinds(site: Iterable[str], libraries: list[str], late: list[str]) -> dict[str, list[str]]:
    """Which files of site-packages are in no snapshot, by pack: libraries, what is read again after a resume, weights (float16
    is half of what is in memory). The smaller models of the family are fetched when something asks for them."""
    weights = [name for name in site if name.endswith(".safetensors")]
    main = [name for name in weights if Path(name).stem == STORYTELLER]
    return {
        "libraries": [*libraries, *(name for name in late if name not in weights)],
        "weights": main,
        "family": [name for name in weights if name not in main],
    }


def manifest_of(emitter: Emitter, pyodide: Path) -> dict[str, Any]:
    """What the worker is told of the files: which there are, and which of them each way to a live Python needs."""
    return {
        "version": digest(*[f["sha256"] for f in emitter.files.values()]),
        "pyodide": patch_runtime.VERSION,
        "site": SITE,
        "lock": {"info": json.loads((pyodide / "pyodide-lock.json").read_text())["info"]},
        "resume": ["pyodide.asm.mjs", "pyodide.asm.wasm", "snapshot", "libraries", "weights"],
        "boot": ["pyodide.asm.mjs", "pyodide.asm.wasm", "stdlib", "python", "libraries", "weights", "family"],
        "files": emitter.files,
    }


def emit(out: Path, compiled: Path, pyodide: Path, image: Path) -> dict[str, Any]:
    """Write out/runtime/* and out/runtime/manifest.json; returns the manifest."""
    runtime = out / "runtime"
    shutil.rmtree(runtime, ignore_errors=True)
    emitter = Emitter(runtime)
    libraries = [name.removeprefix(SITE + "/") for name in json.loads((image / "libraries.json").read_text())]
    site = {
        p.relative_to(compiled / "site").as_posix(): p for p in sorted((compiled / "site").rglob("*")) if p.is_file()
    }
    apart = kinds(site, libraries, json.loads((compiled / "closure.json").read_text())["late"])
    gone = {n for names in apart.values() for n in names}
    emitter.add("pyodide.asm.mjs", (pyodide / "pyodide.asm.mjs").read_bytes())
    emitter.add("pyodide.asm.wasm", (pyodide / "pyodide.asm.wasm").read_bytes())
    emitter.add("snapshot", packs.sparse((image / "snapshot.bin").read_bytes()))
    for name, names in apart.items():
        emitter.add(name, packs.pack((n, site[n].read_bytes()) for n in names))
    emitter.add("python", packs.pack((n, p.read_bytes()) for n, p in site.items() if n not in gone))
    emitter.add("stdlib", (compiled / "stdlib.zip").read_bytes())
    manifest = manifest_of(emitter, pyodide)
    (runtime / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def bundle(out: Path, pyodide: Path, manifest: dict[str, Any]) -> None:
    """The worker as one module script (runtime/worker.js), its manifest inside."""
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    command = [
        str(esbuild), str(HERE / "web" / "worker.js"), "--bundle", "--format=esm", "--minify-whitespace", "--minify-syntax",
        "--target=es2022", f"--alias:pyodide-loader={pyodide / 'pyodide.mjs'}", "--external:node:*", "--external:ws",
        f"--define:MANIFEST={json.dumps(manifest)}", f"--outfile={out / 'runtime' / 'worker.js'}", "--log-level=warning",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=npm.environment())
    if done.returncode:
        raise BuildError(f"esbuild failed:\n{done.stderr[-3000:]}")


def build_runtime(out: Path, pages: Path = ROOT, names: list[str] | None = None) -> dict[str, Any]:
    """Build everything into `out` (the site's directory) and return the manifest.

    pages: the directory that holds the package `pages`; names: the documents that sleep in the snapshot (None: all)
    The stills are left in _cache/still.json, what is in the heap in _cache/heap.json.
    """
    began = time.time()
    compiled, pyodide = closure(pages), patched()
    image = snapshot(compiled, pyodide, names)
    with timed("emit, and report what is in the heap"), ThreadPoolExecutor() as pool:
        heap = pool.submit(heap_report, image)
        manifest = emit(out, compiled, pyodide, image)
        bundle(out, pyodide, manifest)
        (CACHE / "still.json").write_bytes((image / "still.json").read_bytes())
        (CACHE / "heap.json").write_text(json.dumps(heap.result()))
    cold = (
        sum(manifest["files"][n]["bytes"] for n in manifest["resume"]) + (out / "runtime" / "worker.js").stat().st_size
    )
    say(f"resume: {cold / 1e6:.2f} MB to live; all done in {time.time() - began:.1f} s")
    return manifest


def main(argv: Iterable[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "_site")
    parser.add_argument("--pages", type=Path, default=ROOT, help="directory that holds the package `pages`")
    options = parser.parse_args(list(argv) if argv is not None else None)
    os.environ.pop("NODE_OPTIONS", None)
    build_runtime(options.out.resolve(), options.pages.resolve())


if __name__ == "__main__":
    main()

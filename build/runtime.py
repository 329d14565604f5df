"""Build the runtime bundle: everything a reader's browser needs to have the site's Python live.

Steps, each cached by a hash of what it depends on:
    closure    which modules all pages share, compiled by the pinned Pyodide itself (closure.py, slim.py)
    patched    Pyodide with the edits of patch_runtime.py
    snapshot   one memory image of what all pages share (snapshot.mjs, warm.py)
    pages      each page's pack and its stills, in a Python resumed from the snapshot (page_pack.py)
    emit       files with their hash in their name, Zstandard at rest, manifest.json, the worker (build/web/worker.js)
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
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
# What all pages share, and the snapshot holds: whole packages. What else a page imports is in that page's pack.
BASE = [f"explainer.{layer}" for layer in ("kernel", "corpus", "models", "studies", "ui", "host")]
# What only a further model needs, in no snapshot: sources, in a pack that is fetched when a reader asks for that model.
APART = [f"explainer.models.{name}" for name in ("byte_level", "files", "gguf", "safetensors")]
# Of those packages what one page alone needs: it is in that page's pack, like all else that a page imports.
OF_ONE_PAGE = ["explainer.models.vocabularies", "explainer.studies.indirect"]
AT_HOME = ROOT / "explainer" / "training"  # what no reader's Python needs
APART_FOLDER = ROOT / "explainer" / "architectures"
# Submodules that nobody imports on the way but a reader's own actions or the tests may (numpy's are reached lazily).
EXTRA = ["numpy.random", "numpy.linalg", "numpy.fft", "numpy.ma", "numpy.char", "numpy.strings"]
STORYTELLER = "storyteller-4l"  # the model that every page runs
# What no page needs before it draws: it is fetched when the page is live (pack "numpy").
LATE = (
    "numpy.random",
    "numpy.fft",
    "numpy.ma",
    "numpy.char",
    "numpy.strings",
    "numpy._core.defchararray",
    "numpy._core.strings",
)


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


def closure_key() -> str:
    """What the closure depends on, and so the snapshot: other packages, our tools, and what all pages share;
    no page."""
    installed = "\n".join(sorted(p.name for p in site_packages().glob("*.dist-info")))
    tools = [HERE / f for f in ("closure.py", "closure.mjs", "slim.py", "trims.py", "exercise.py")]
    shared = [part for package in BASE for part in own_files(ROOT.joinpath(*package.split(".")))]
    front = [ROOT / "explainer" / "__init__.py", ROOT / "pages" / "__init__.py"]
    return digest(installed, ROOT / "package-lock.json", wheel(), *tools, *shared, *front)


def closure() -> Path:
    """The compiled closure of what all pages share.

    Returns a directory with `site/` (what goes to site-packages), `stdlib.zip` and `closure.json`.
    """
    out = CACHE / f"closure-{closure_key()}"
    if (out / "closure.json").is_file():
        say(f"closure: cached ({out.name})")
        return out
    with timed("closure: import what all pages share and compile it"):
        shutil.rmtree(out, ignore_errors=True)
        numpy = numpy_unpacked()
        work = out / "work"
        (work / "own" / "pages").mkdir(parents=True)  # the package of the pages, without a page
        shutil.copyfile(ROOT / "pages" / "__init__.py", work / "own" / "pages" / "__init__.py")
        mounts = [
            ("/src/pages", work / "own"),
            ("/src/repo", ROOT),
            ("/src/numpy", numpy),
            ("/src/site", site_packages()),
        ]
        config = {
            "pyodide": f"{PYODIDE}/",
            "output": str(out),
            "kept": str(CACHE / "pyc"),
            "tools": str(HERE),
            "own": OWN,
            "options": {},
            "base": list(BASE),
            "apart": [*APART, *OF_ONE_PAGE],
            "extra": EXTRA,
            "mounts": [{"host": str(host), "at": at} for at, host in mounts],
        }
        (work / "config.json").write_text(json.dumps(config))
        node("closure.mjs", str(work / "config.json"), str(work / "result.json"))
        result = json.loads((work / "result.json").read_text())
        stray = [name for name in result["modules"] if name in APART or "architectures" in name.split(".")]
        if stray:
            raise BuildError(f"all pages would carry what only a further model needs: {', '.join(stray)}")
        for relative, path in [*result["opened"].items()]:
            at, host = next((at, host) for at, host in mounts if path.startswith(at + "/"))
            (out / "site" / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(host) / path[len(at) + 1 :], out / "site" / relative)
        weights = (ROOT / "explainer" / "models" / "weights").glob("*.safetensors")
        for relative in (file.relative_to(ROOT).as_posix() for file in weights):
            (out / "site" / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / relative, out / "site" / relative)
        for relative in result["libraries"].values():
            (out / "site" / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(numpy / relative, out / "site" / relative)
        write_zip(out / "stdlib.zip", out / "stdlib")
        shutil.rmtree(out / "stdlib")
        (out / "closure.json").write_text(json.dumps(result))
    modules = result["modules"].values()
    say(f"closure: {len(modules)} modules, {sum(m['bytes'] for m in modules) / 1e6:.1f} MB compiled")
    return out


def numpy_unpacked() -> Path:
    """The numpy wheel as a folder."""
    numpy = CACHE / f"numpy-{digest(wheel())}"
    if not numpy.is_dir():
        with zipfile.ZipFile(wheel()) as z:
            z.extractall(numpy)
    return numpy


def own_files(directory: Path) -> list[bytes | str | Path]:
    """What of our own code can matter to a reader's Python: not the training,
    not the prose and what that says in numbers."""
    parts: list[bytes | str | Path] = []
    for file in sorted(directory.rglob("*")):
        if not file.is_file() or file.is_relative_to(AT_HOME) or file.name == "numbers.py" or file in apart_files():
            continue
        if file.suffix in {".py", ".json", ".safetensors"}:
            parts += [str(file.relative_to(directory)), file]
    return parts


def apart_files() -> list[Path]:
    """The sources of APART, and of the wirings that they need."""
    return [*(ROOT / f"{name.replace('.', '/')}.py" for name in APART), *sorted(APART_FOLDER.glob("*.py"))]


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


def snapshot(compiled: Path, pyodide: Path) -> Path:
    """The memory image. Returns a directory with snapshot.bin and libraries.json."""
    tools = [HERE / f for f in ("snapshot.mjs", "warm.py", "exercise.py", "heap.mjs")]
    out = CACHE / f"snapshot-{digest(compiled.name, pyodide.name, *tools)}"
    if (out / "report.json").is_file():
        say(f"snapshot: cached ({out.name})")
        return out
    with timed("snapshot: import what all pages share and write the memory image"):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        result = json.loads((compiled / "closure.json").read_text())
        config = {
            "pyodide": f"{pyodide}/",
            "stdlib": str(compiled / "stdlib.zip"),
            "site": str(compiled / "site"),
            "tools": str(HERE),
            "output": str(out),
            "order": result["order"],
            "late": LATE,
        }
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


def is_late(path: str) -> bool:
    """Whether a file of site-packages belongs to a module of LATE."""
    module = path.replace("/", ".")
    return any(module.startswith(f"{late}.") for late in LATE)


def kinds(site: Iterable[str], libraries: list[str], late: list[str]) -> dict[str, list[str]]:
    """Which files of site-packages are in no snapshot, by pack.

    libraries: of the snapshot, and what is read again after a resume
    numpy:     the parts of it that no page needs before it draws (LATE)
    weights:   (float16 is half of what is in memory); family: the smaller models, fetched when something asks for them
    """
    site = list(site)
    weights = [name for name in site if name.endswith(".safetensors")]
    main = [name for name in weights if Path(name).stem == STORYTELLER]
    return {
        "libraries": [*(n for n in libraries if not is_late(n)), *(n for n in late if n not in weights)],
        "numpy": [name for name in site if is_late(name)],
        "weights": main,
        "family": [name for name in weights if name not in main],
    }


def manifest_of(emitter: Emitter, pyodide: Path, late: Mapping[str, Iterable[str]]) -> dict[str, Any]:
    """What the worker is told of the files: which there are, and which of them each way to a live Python needs.

    A page's own pack is called `page-` and its name, that of a late group `late-` and its name.
    late: {folder of a page: the groups that its figures may ask for}
    """
    return {
        "version": digest(*[f["sha256"] for f in emitter.files.values()]),
        "pyodide": patch_runtime.VERSION,
        "site": SITE,
        "lock": {"info": json.loads((pyodide / "pyodide-lock.json").read_text())["info"]},
        "resume": ["pyodide.asm.mjs", "pyodide.asm.wasm", "snapshot", "libraries"],
        "soon": ["weights", "numpy"],  # after a resume: what the first drawing needs
        "boot": ["pyodide.asm.mjs", "pyodide.asm.wasm", "stdlib", "libraries", "python", "numpy", "weights", "family"],
        "late": {folder: [f"late-{group}" for group in groups] for folder, groups in late.items() if groups},
        "files": emitter.files,
    }


def emit(
    out: Path,
    compiled: Path,
    pyodide: Path,
    image: Path,
    own: Mapping[str, Iterable[tuple[str, bytes]]],
    late: Mapping[str, Mapping[str, Mapping[str, bytes]]],
) -> dict[str, Any]:
    """Write out/runtime/* and out/runtime/manifest.json; returns the manifest.

    own:  {folder of a page: (path, content) of all that is in its pack}
    late: {folder of a page: {group: {path: content}}}, what its figures fetch when they ask for it
    """
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
    emitter.add("model", packs.pack((f.relative_to(ROOT).as_posix(), f.read_bytes()) for f in apart_files()))
    for folder, files in own.items():
        emitter.add(f"page-{folder}", packs.pack(files))
    groups: dict[str, dict[str, bytes]] = {}
    for found in late.values():  # pages may share a group
        for group, contents in found.items():
            groups.setdefault(group, {}).update(contents)
    for group, contents in sorted(groups.items()):
        emitter.add(f"late-{group}", packs.pack(sorted(contents.items())))
    manifest = manifest_of(emitter, pyodide, late)
    (runtime / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def bundle(out: Path, pyodide: Path, manifest: dict[str, Any]) -> None:
    """The worker as one module script (runtime/worker.js), its manifest inside."""
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    command = [
        str(esbuild),
        str(HERE / "web" / "worker.js"),
        "--bundle",
        "--format=esm",
        "--minify-whitespace",
        "--minify-syntax",
        "--target=es2022",
        f"--alias:pyodide-loader={pyodide / 'pyodide.mjs'}",
        "--external:node:*",
        "--external:ws",
        f"--define:MANIFEST={json.dumps(manifest)}",
        f"--outfile={out / 'runtime' / 'worker.js'}",
        "--log-level=warning",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=npm.environment())
    if done.returncode:
        raise BuildError(f"esbuild failed:\n{done.stderr[-3000:]}")


def build_runtime(out: Path, folders: Iterable[str]) -> dict[str, Any]:
    """Build everything into `out` (the site's directory) and return the stills: {document: {"models": [...]}}.

    folders: of the pages. What is in the snapshot's heap is left in _cache/heap.json.
    """
    import page_pack

    began = time.time()
    compiled, pyodide = closure(), patched()
    image = snapshot(compiled, pyodide)
    numpy_unpacked()  # what all pages' packs are made with
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        making = {folder: pool.submit(page_pack.made, folder, compiled, pyodide, image) for folder in folders}
        heap = pool.submit(heap_report, image)
        pages = {folder: job.result() for folder, job in making.items()}
        (CACHE / "heap.json").write_text(json.dumps(heap.result()))
    with timed("emit"):
        own = {folder: page_pack.files(folder, made) for folder, made in pages.items()}
        late = {folder: page_pack.late(made) for folder, made in pages.items()}
        manifest = emit(out, compiled, pyodide, image, own, late)
        bundle(out, pyodide, manifest)
    sizes = {name: entry["bytes"] for name, entry in manifest["files"].items()}
    cold = sum(sizes[n] for n in manifest["resume"]) + (out / "runtime" / "worker.js").stat().st_size
    each = [sizes[f"page-{folder}"] for folder in pages]
    say(f"resume: {cold / 1e6:.2f} MB to live and {min(each) / 1e3:.0f} to {max(each) / 1e3:.0f} kB of a page's own")
    say(f"all done in {time.time() - began:.1f} s")
    return {name: still for made in pages.values() for name, still in page_pack.stills(made).items()}

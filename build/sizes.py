"""The size report: every file of the site, raw and gzip, and what it takes to be live. Writes sizes.json, prints a table.

python build/sizes.py [_site]
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any


def measure(site: Path) -> dict[str, Any]:
    """Sizes in bytes: {"files": {path: {"raw", "gzip"}}, "live": {"resumed": ..., "booted": ...}, "heap": ...}.

    Files of the runtime are compressed at rest, so their `raw` is what crosses the network; `unpacked` says what is inside.
    """
    manifest = json.loads((site / "runtime" / "manifest.json").read_text())
    unpacked = {f"runtime/{f['url']}": (name, f["raw"]) for name, f in manifest["files"].items()}
    files: dict[str, dict[str, Any]] = {}
    for path in sorted(p for p in site.rglob("*") if p.is_file() and p.name != "sizes.json"):
        relative = str(path.relative_to(site))
        data = path.read_bytes()
        files[relative] = {"raw": len(data), "gzip": len(data)}
        if relative in unpacked:
            files[relative]["name"], files[relative]["unpacked"] = unpacked[relative]
        else:
            files[relative]["gzip"] = min(len(data), len(gzip.compress(data, 6, mtime=0)))
    worker = files["runtime/worker.js"]["gzip"]
    live = {
        how: worker + sum(manifest["files"][n]["bytes"] for n in manifest[key])
        for how, key in (("resumed", "resume"), ("booted", "boot"))
    }
    return {"live": live, "total": sum(f["raw"] for f in files.values()), "files": files}


def table(report: dict[str, Any], rows: int = 40) -> str:
    """The largest files and the totals, for a terminal."""
    lines = [f"{'file':60} {'raw':>12} {'gzip':>12} {'unpacked':>12}"]
    largest = sorted(report["files"].items(), key=lambda item: -item[1]["raw"])[:rows]
    for path, size in largest:
        label = f"{path} ({size['name']})" if "name" in size else path
        lines.append(f"{label[:60]:60} {size['raw']:>12,} {size['gzip']:>12,} {size.get('unpacked', ''):>12}")
    lines.append(f"{len(report['files'])} files, {report['total']:,} bytes")
    for how, size in report["live"].items():
        lines.append(f"Python live, {how}: {size:,} bytes compressed")
    return "\n".join(lines)


def main() -> None:
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "_site")
    report = measure(site)
    (site / "sizes.json").write_text(json.dumps(report, indent=1) + "\n")
    print(table(report))


if __name__ == "__main__":
    main()

"""What makes a folder of files one build: its name, and the service worker that keeps it whole.

The name is a checksum of all that the build holds. It stands in every page (`<html data-build>`), in `build.json`,
which pages ask for to learn of a newer build (build/web/offline.js), and in `sw.js`, with the checksum of every file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
APART = "models/"  # a reader's own download (build/real.py): the build is the same with and without it
NOT_KEPT = ("sw.js", "build.json", "sizes.json")
# Listed, so that nothing foreign is served, but fetched only when asked for; so are pages that say so (LATER).
ON_DEMAND = ("embed/", "single/", "api/", "runtime/parts.", "sitemap.xml")
TEMPLATE = "single.html"
LATER = b" data-on-demand"
MARK = re.compile(rb' data-build="[^"]*"')  # on the first element of every page
BARE = b' data-build=""'


def files_of(out: Path) -> list[Path]:
    """What the build consists of. Pages in one file and the zip are made from it, and ask for no newer build."""
    return [
        file
        for file in sorted(out.rglob("*"))
        if file.is_file()
        and file.suffix != ".zip"
        and file.relative_to(out).as_posix() not in NOT_KEPT
        and not file.relative_to(out).as_posix().startswith(("single/", APART))
    ]


def seal(out: Path) -> str:
    """Name the build that lies in `out` now, write the name into its pages, `build.json` and `sw.js`; returns it.

    Same files, same name: no needless update. May be done again after a change.
    """
    files = {file.relative_to(out).as_posix(): file.read_bytes() for file in files_of(out)}
    pages = [name for name in files if name.endswith(".html")]
    named = hashlib.sha256()
    for name, data in files.items():
        named.update(f"{name}\0{hashlib.sha256(MARK.sub(BARE, data)).hexdigest()}\n".encode())
    build = named.hexdigest()[:12]
    for name in pages:
        files[name] = MARK.sub(BARE.replace(b'""', f'"{build}"'.encode()), files[name])
        (out / name).write_bytes(files[name])
    manifest = out / "runtime" / "manifest.json"
    packed = json.loads(manifest.read_text(encoding="utf-8"))["files"].values() if manifest.exists() else []
    unpacked = {f"runtime/{f['url']}": f["raw_sha256"] for f in packed}  # as a server may hand them out
    sums = {}
    for name, data in files.items():
        found = [hashlib.sha256(data).hexdigest(), *([unpacked[name]] if name in unpacked else [])]
        sums[name] = " ".join(base64.b64encode(bytes.fromhex(s)).decode() for s in found)
    first = [
        name
        for name in files
        if not name.startswith(ON_DEMAND) and not name.endswith(TEMPLATE) and LATER not in files[name][:200]
    ]
    head = (
        f"const VERSION={json.dumps(build)},FILES={json.dumps(sums, separators=(',', ':'))},"
        f"FIRST={json.dumps(first, separators=(',', ':'))};\n"
    )
    (out / "sw.js").write_text(head + (HERE / "web" / "sw.js").read_text(encoding="utf-8"), encoding="utf-8")
    (out / "build.json").write_text(json.dumps({"build": build}) + "\n", encoding="utf-8")
    return build

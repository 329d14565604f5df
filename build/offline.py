"""The service worker: one list of files with their checksums per build, in front of build/web/sw.js."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOT_KEPT = ("sw.js", "build.json", "sizes.json")
ON_DEMAND = (
    "embed/",
    "single/",
    "licences/",
    "demo/",
    "runtime/parts.",
)  # listed, so that nothing foreign is served, but fetched only when asked for


def write_service_worker(out: Path) -> None:
    """Write `out/sw.js` for the files that lie in `out` now. Same files, same worker: no needless update."""
    files = {}
    manifest = out / "runtime" / "manifest.json"
    packed = json.loads(manifest.read_text(encoding="utf-8"))["files"].values() if manifest.exists() else []
    unpacked = {f"runtime/{f['url']}": f["raw_sha256"] for f in packed}  # as a server may hand them out
    for file in sorted(out.rglob("*")):
        name = file.relative_to(out).as_posix()
        if file.is_file() and name not in NOT_KEPT and not name.startswith("single/") and file.suffix != ".zip":
            sums = [hashlib.sha256(file.read_bytes()).hexdigest(), *([unpacked[name]] if name in unpacked else [])]
            files[name] = " ".join(base64.b64encode(bytes.fromhex(s)).decode() for s in sums)
    version = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:12]
    first = [n for n in files if not n.startswith(ON_DEMAND)]
    head = f"const VERSION={json.dumps(version)},FILES={json.dumps(files, separators=(',', ':'))},FIRST={json.dumps(first, separators=(',', ':'))};\n"
    (out / "sw.js").write_text(head + (HERE / "web" / "sw.js").read_text(encoding="utf-8"), encoding="utf-8")

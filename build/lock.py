"""Write `lock/*.txt`: every package with its version and checksums, no registry named. `make lock`

`python build/lock.py recipes` writes that one alone.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETS = {
    "build": ["panel", "build"],
    "test": ["panel", "build", "test"],
    "lint": ["panel", "build", "test", "lint"],
    "release": ["panel", "build", "release"],
    "lab": ["panel", "build", "test", "lab"],
    "recipes": ["recipes"],
    "train": ["panel", "build", "test", "train"],
}


def main() -> None:
    (ROOT / "lock").mkdir(exist_ok=True)
    for name, extras in SETS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        out = ROOT / "lock" / f"{name}.txt"
        # torch is left without checksums: its CPU and GPU builds carry the same version
        hashes = [] if name == "train" else ["--generate-hashes"]
        command = [
            sys.executable,
            "-m",
            "piptools",
            "compile",
            "--quiet",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--no-emit-trusted-host",
            "--strip-extras",
            "--no-header",
            "--allow-unsafe",
            *hashes,
            *[f"--extra={e}" for e in extras],
            f"--output-file={out}",
            "pyproject.toml",
        ]
        print("resolving", name, flush=True)
        subprocess.run(command, check=True, cwd=ROOT)
        text = out.read_text(encoding="utf-8")
        if re.search(r"https?://|file://", text):
            raise SystemExit(f"{out} names an address")


if __name__ == "__main__":
    main()

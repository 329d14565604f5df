"""A page's connection to Python, and the files that it is made of: our scripts, run by Node without a clock."""

from __future__ import annotations

import base64
import json
import random
import subprocess
from pathlib import Path

import assets
import pytest
import runtime

HERE = Path(__file__).resolve().parent


def passes(cases: str, *arguments: str) -> None:
    done = subprocess.run(["node", str(HERE / cases), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout and "# pass 0" not in done.stdout, done.stdout


def test_a_dead_worker_is_noticed_and_replaced_and_each_cause_has_one_remedy() -> None:
    passes("connection.mjs")


def test_files_are_taken_as_servers_hand_them_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "CACHE", tmp_path / "cache")
    text = (base64.b64encode(random.Random(1).randbytes(3000)) + b"and again and again " * 300)[:9000]
    emitter = runtime.Emitter(tmp_path / "runtime")
    emitter.add("weights", text)
    entry = emitter.files["weights"]
    packed = (tmp_path / "runtime" / entry["url"]).read_bytes()
    encoded = {n: base64.b64encode(b).decode() for n, b in (("raw", text), ("packed", packed))}
    given = tmp_path / "given.json"
    given.write_text(json.dumps({**encoded, "entry": entry}))
    (tmp_path / "loader.js").write_text("export const loadPyodide = null;")
    bundle = tmp_path / "python.mjs"
    loader = f"--alias:pyodide-loader={tmp_path / 'loader.js'}"
    source = str(assets.HERE / "web" / "python.js")
    assets.esbuild(source, "--bundle", "--format=esm", loader, f"--outfile={bundle}", "--log-level=warning")
    passes("files.mjs", bundle.as_uri(), str(given))

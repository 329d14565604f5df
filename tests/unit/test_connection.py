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


def bundled(script: str, folder: Path, loader: str) -> str:
    """The address of one of our scripts with what it imports, and `loader` in the place of Pyodide's own."""
    (folder / "loader.js").write_text(loader)
    bundle = folder / "bundle.mjs"
    alias = f"--alias:pyodide-loader={folder / 'loader.js'}"
    source = str(assets.HERE / "web" / script)
    assets.esbuild(source, "--bundle", "--format=esm", alias, f"--outfile={bundle}", "--log-level=warning")
    return bundle.as_uri()


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
    passes("files.mjs", bundled("python.js", tmp_path, "export const loadPyodide = null;"), str(given))


def test_pages_that_share_a_worker_are_told_of_models_and_of_its_end(tmp_path: Path) -> None:
    loader = "export const loadPyodide = (how) => globalThis.fakePyodide(how);"
    passes("worker.mjs", bundled("worker.js", tmp_path, loader))

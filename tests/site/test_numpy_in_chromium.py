"""Our numpy in Pyodide in a real browser, against this machine's numpy (under Node: tests/unit/test_numpy_wheel.py)."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import serve

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import numpy_smoke  # noqa: E402

PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>numpy</title>'
RUN = """async () => {
  const { loadPyodide } = await import('./pyodide.mjs');
  const py = await loadPyodide({ indexURL: new URL('./', location.href).href });
  const extractDir = '/lib/python3.14/site-packages';
  py.unpackArchive(new Uint8Array(await (await fetch('numpy.zip')).arrayBuffer()), 'zip', { extractDir });
  py.FS.writeFile(extractDir + '/numpy_smoke.py', await (await fetch('numpy_smoke.py')).text());
  return py.runPython('import json, numpy_smoke; json.dumps(numpy_smoke.run())');
}"""


def test_the_smoke_gives_the_same_numbers_in_chromium(tmp_path, context) -> None:
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"):
        shutil.copy(ROOT / "node_modules" / "pyodide" / name, tmp_path / name)
    shutil.copy(next((ROOT / "build" / "wheels").glob("numpy-*.whl")), tmp_path / "numpy.zip")
    shutil.copy(ROOT / "tests" / "numpy_smoke.py", tmp_path / "numpy_smoke.py")
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    with serve.served(tmp_path) as address:
        context.guard.origin = address
        page = context.new_page()
        page.goto(address)
        found = json.loads(page.evaluate(RUN))
        expected = numpy_smoke.run()
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert len(found[name]) == len(values), name
        for a, b in zip(found[name], values, strict=True):
            relative, absolute = numpy_smoke.tolerance(name)
            assert math.isclose(a, b, rel_tol=relative, abs_tol=absolute), name

"""`panel convert`: an app of two widgets that needs no server, with our wheel among its requirements (make test-long).

The page, its worker and what the two say to each other are Panel's own; only addresses are changed, so that Bokeh's and
Panel's scripts, Pyodide and the wheels come from this machine (as in tests/bench/stock.py), and the worker is a module,
as this Pyodide wants it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import panel
import panel_bundle
import panel_widgets
import pytest
import serve
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("panel-convert")]


def the_stock_way() -> ModuleType:
    """tests/bench/stock.py, which lays out Pyodide, numpy and the wheels of others."""
    spec = importlib.util.spec_from_file_location("stock", ROOT / "tests" / "bench" / "stock.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*command: object, cwd: Path = ROOT) -> str:
    known = {**os.environ, "PYTHONPATH": str(ROOT)}  # what is installed where somebody converts
    words = [str(part) for part in command]
    done = subprocess.run(words, cwd=cwd, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def changed(text: str, *pairs: tuple[str, str]) -> str:
    """`text` with each pattern replaced; each has to be there."""
    for pattern, new in pairs:
        text, found = re.subn(pattern, lambda _, new=new: new, text, flags=re.S)  # type: ignore[misc]
        assert found, f"Panel's template has no {pattern}"
    return text


FROM_HERE = """
for (const name of ['numpy.zip', 'micropip.zip']) {
  const binary = await (await fetch(name)).arrayBuffer();
  self.pyodide.unpackArchive(binary, 'zip', { extractDir: '/lib/python3.14/site-packages' });
}
const names = await (await fetch('wheels.json')).json();
self.pyodide.globals.set('wheels', JSON.stringify(names.map((name) => new URL(name, self.location).href)));
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the converted app."""
    out = tmp_path_factory.mktemp("converted") / "site"
    the_stock_way().prepare(out, "temperature")
    panel_bundle.write()
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out / "ours", ROOT)
    wheel = next((out / "ours").glob("*.whl"))
    (out / "two.py").write_text(panel_widgets.APP, encoding="utf-8")
    wanted = ("--requirements", "numpy", f"./ours/{wheel.name}")
    convert = (sys.executable, "-m", "panel", "convert", "two.py", "--to", "pyodide-worker", "--out", ".")
    said = run(*convert, *wanted, "--skip-embed", cwd=out)
    assert "Successfully converted" in said, said
    worker = (out / "two.js").read_text(encoding="utf-8")
    assert f"emfs:packed_wheels/{wheel.name}" in worker
    worker = changed(
        worker,
        (r'importScripts\("[^"]*"\);', "import { loadPyodide } from './pyodide.mjs';"),
        (r"loadPyodide\(\)", "loadPyodide({ indexURL: new URL('./', self.location).href })"),
        (r'await self\.pyodide\.loadPackage\("micropip"\);', FROM_HERE),
        (
            r"await micropip\.install\(\[.*?\]\);",
            "import json\n"
            f"      await micropip.install([*json.loads(wheels), 'emfs:packed_wheels/{wheel.name}'], deps=False)",
        ),
    )
    (out / "two.js").write_text(worker, encoding="utf-8")
    html = (out / "two.html").read_text(encoding="utf-8")
    html = re.sub(r'((?:src|href)=")(https://[^"]+)', lambda found: found[1] + from_here(found[2], out), html)
    html = changed(html, (r'new Worker\("\./two\.js"\)', 'new Worker("./two.js", { type: "module" })'))
    (out / "two.html").write_text(html, encoding="utf-8")
    with serve.served(out) as address:
        yield address + "two.html"


def from_here(address: str, out: Path) -> str:
    """The name, in `out`, of a script or style sheet that Panel would have from elsewhere."""
    name = re.sub(r"-\d+\.\d+\.\d+(?=\.min\.js)", "", address.rsplit("/", 1)[1])
    mine = Path(panel.__file__).parent / "dist" / re.sub(r".*/panel/[\d.]+/dist/", "", address)
    if mine.is_file():
        shutil.copy(mine, out / name)
    return name


# Panel's own style sheets, which its scripts ask for by an address that is elsewhere, and the icon that nobody has
NOT_OURS = ("cdn.holoviz.org", "cdn.jsdelivr.net", "favicon", "net::ERR", "404")


@pytest.fixture
def two(the_browser: Browser, converted: str) -> Iterator[Page]:
    with panel_widgets.watched(the_browser, converted, NOT_OURS) as page:
        yield page


def test_both_widgets_work_and_look_as_on_the_site(two: Page) -> None:
    panel_widgets.the_chain_works(two)
    panel_widgets.the_stepper_works(two)
    panel_widgets.is_styled(two)

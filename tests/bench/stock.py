"""The stock way to the same page, for comparison: what `panel convert` makes of it, served from this machine.

Same Pyodide version, same numpy wheel; micropip installs the packages' wheels and then our own code is run, as Panel's
worker template does it (`_templates/pyodide_worker.js`), with the page's own components, Panel's own JavaScript,
`_doc_json` and `_link_docs_worker`. In its favour: no CDN and no index is asked (each wheel is named), and there is no
JavaScript inside the wheels.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "stock"
PACKAGES = (
    "panel",
    "bokeh",
    "param",
    "pyviz_comms",
    "jinja2",
    "markupsafe",
    "packaging",
    "tqdm",
    "pyyaml",
    "typing_extensions",
    "requests",
    "urllib3",
    "certifi",
    "idna",
    "charset_normalizer",
)
SCRIPTS = (
    "bokeh/server/static/js/bokeh.min.js",
    "bokeh/server/static/js/bokeh-gl.min.js",
    "bokeh/server/static/js/bokeh-widgets.min.js",
    "bokeh/server/static/js/bokeh-tables.min.js",
    "panel/dist/panel.min.js",
)


def prepare(out: Path, page: str) -> None:
    """Write the stock page for `page` into `out`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    pyodide = ROOT / "node_modules" / "pyodide"
    for name in ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"):
        shutil.copy(pyodide / name, out / name)
    wheel = next((ROOT / "build" / "wheels").glob("numpy-*.whl"))
    shutil.copy(wheel, out / "numpy.zip")
    shutil.copy(pip_download("micropip", out), out / "micropip.zip")
    http = pip_download("pyodide-http", out)
    shutil.copy(http, out / http.name)
    wheels = [http.name, *(slim_wheel(package, out) for package in PACKAGES)]
    (out / "wheels.json").write_text(json.dumps(wheels), encoding="utf-8")
    with zipfile.ZipFile(out / "site.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for folder in ("explainer", "pages"):
            for file in (ROOT / folder).rglob("*"):
                at_home = file.is_relative_to(ROOT / "explainer" / "training")
                if file.is_file() and not at_home and "__pycache__" not in file.parts:
                    archive.write(file, file.relative_to(ROOT).as_posix())
    site_packages = Path(str(importlib.metadata.distribution("bokeh").locate_file("")))
    for script in SCRIPTS:
        shutil.copy(site_packages / script, out / Path(script).name)
    with zipfile.ZipFile(out / "bench.zip", "w") as archive:
        archive.write(HERE.parent / "model_bench.py", "model_bench.py")
    for name in ("worker.js", "plain.html", "plain.js"):
        shutil.copy(HERE / name, out / name)
    html = (HERE / "index.html").read_text(encoding="utf-8")
    tags = "".join(f'<script src="{Path(s).name}"></script>' for s in SCRIPTS)
    (out / "index.html").write_text(html.replace("<!-- scripts -->", tags).replace("PAGE_NAME", page), encoding="utf-8")


def slim_wheel(package: str, out: Path) -> str:
    """The installed package as a wheel of what Python reads; returns the wheel's name."""
    distribution = importlib.metadata.distribution(package)
    name = f"{distribution.name.replace('-', '_')}-{distribution.version}-py3-none-any.whl"
    with zipfile.ZipFile(out / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in distribution.files or []:
            if wanted(file):
                archive.write(Path(str(file.locate())), file.as_posix())
    return name


def wanted(file: Any) -> bool:
    """Whether Python reads this file of a package: its sources and data, not what is only sent to browsers."""
    if {"..", "dist", "tests"} & set(file.parts) or {"server", "static"} <= set(file.parts):
        return False
    kinds = {".py", ".css", ".jinja", ".html", ".json", ".pem", ".txt"}
    read = {
        "METADATA",
        "WHEEL",
        "RECORD",
        "notebook.js",
    }  # pyviz_comms reads the latter on import, as Panel does its templates
    return file.suffix in kinds or file.name in read or "_templates" in file.parts


def pip_download(name: str, out: Path) -> Path:
    folder = out / "wheel"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder)]
    subprocess.run([*command, "--only-binary=:all:", "--python-version=3.14", name], check=True)
    return next(folder.glob(f"{name.replace('-', '_')}-*.whl"))

"""Say where a wheel comes from: provenance.py versions.env versions.txt wheel > PROVENANCE.md."""

import datetime
import hashlib
import sys
from pathlib import Path

BLAS = {
    "npgemm": "our own BLAS, `build/numpy_wheel/blas/npgemm.c`, under this repository's licence",
    "eigen": "Eigen (MPL-2.0, unchanged, Debian's source package `eigen3` of the version below), through "
    "`build/numpy_wheel/blas/eigen_cblas.cpp`",
}


def main(pins: str, found: str, wheel: str) -> None:
    """Print the Markdown page that is kept beside the wheel."""
    pinned = dict(
        line.split("=", 1) for line in Path(pins).read_text().splitlines() if line and not line.startswith("#")
    )
    file = Path(wheel)
    data = file.read_bytes()
    today = datetime.datetime.now(datetime.UTC).date()
    tools = "\n".join(f"| {' | '.join(line.split())} |" for line in Path(found).read_text().splitlines())
    print(f"""\
# {file.name}

Written by `build/numpy_wheel/provenance.py`.

| | |
|---|---|
| built | {today}, by `make numpy-wheel` (`build/numpy_wheel/recipe.sh`) |
| size, SHA-256 | {len(data):,} bytes, `{hashlib.sha256(data).hexdigest()}` |
| source | PyPI's `numpy-{pinned["NUMPY"]}.tar.gz`, SHA-256 `{pinned["NUMPY_SDIST_SHA256"]}`, unchanged |
| for | Pyodide {pinned["PYODIDE"]} (npm), Python {pinned["PYTHON"]}, `pyemscripten_2026_0` |
| flags | `{pinned["OPTIMISE"].strip('"')}` |
| built with | {pinned["BUILD_PINS"].strip('"')} |
| linked in | {BLAS[pinned["BLAS"]]} |
| left out | tests, `numpy.testing`, headers, f2py, type stubs (`build/numpy_wheel/slim.py` has the list) |
| licence | numpy: BSD-3-Clause, with parts under Zlib, MIT and others; all texts are in the wheel, \
under `dist-info/licenses/` |

## The toolchain

| package of Debian {pinned["DEBIAN_SUITE"]}, or of PyPI | version |
|---|---|
{tools}
""")


if __name__ == "__main__":
    main(*sys.argv[1:])

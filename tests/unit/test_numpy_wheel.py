"""The numpy wheel that the page uses: what is in it, and that it computes what numpy computes.

One Node process runs everything (tests/numpy_wheel.mjs); the same smoke runs in Chromium in tests/site.
"""

import base64
import csv
import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

import npm
import numpy as np
import pytest

from tests import numpy_blas_cases, numpy_smoke

REPO = Path(__file__).parents[2]
WHEEL = REPO / "build" / "wheels" / "numpy-2.4.6-cp314-cp314-pyemscripten_2026_0_wasm32.whl"
PYODIDE = REPO / "node_modules" / "pyodide"


@pytest.fixture(scope="session")
def in_pyodide(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """What numpy from the wheel computed in Pyodide under Node."""
    if not (PYODIDE / "pyodide.mjs").exists():
        pytest.skip("node_modules/pyodide is missing: `npm ci` brings it")
    command = ["node", str(REPO / "tests" / "numpy_wheel.mjs"), str(PYODIDE), str(WHEEL)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=npm.environment())
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def here() -> dict[str, list[float]]:
    """What this machine's numpy computes."""
    return numpy_smoke.run()


@pytest.mark.parametrize("name", numpy_smoke.names())
def test_as_in_cpython(in_pyodide: dict, here: dict[str, list[float]], name: str) -> None:
    relative, absolute = numpy_smoke.tolerance(name)
    assert len(here[name]) > 0
    np.testing.assert_allclose(in_pyodide["smoke"][name], here[name], rtol=relative, atol=absolute)


@pytest.mark.parametrize("name", numpy_blas_cases.names())
def test_products_as_by_plain_loops(in_pyodide: dict, name: str) -> None:
    assert in_pyodide["blas_cases"][name] == []


def test_it_is_linked_with_the_blas(in_pyodide: dict) -> None:
    assert in_pyodide["version"] == "2.4.6"
    assert in_pyodide["blas"] == "npgemm"
    # Added up one after the other in float32, every 1 after 2**24 is lost: so do numpy's plain loops. Vectors keep the
    # sums of their lanes apart. How fast it is, tests/bench/numpy_matmul.mjs measures.
    assert in_pyodide["large_and_ones"] > 2.0**24


def test_is_the_file_that_was_recorded() -> None:
    digest = hashlib.sha256(WHEEL.read_bytes()).hexdigest()
    recorded, name = WHEEL.with_name(WHEEL.name + ".sha256").read_text().split()
    assert (digest, WHEEL.name) == (recorded, name)
    assert digest in (WHEEL.parent / "PROVENANCE.md").read_text()


def test_holds_only_what_can_be_imported() -> None:
    names = zipfile.ZipFile(WHEEL).namelist()
    code = [name for name in names if ".dist-info/" not in name]
    assert {Path(name).suffix for name in code} <= {".py", ".so", ".txt", ".rst", ""}  # the latter: texts of numpy.ma
    banned = ("/tests/", "/include/", "numpy/f2py/", "numpy/testing/", "lapack_lite", "conftest", "_tests.cpython")
    assert [name for name in code if any(part in name for part in banned)] == []
    assert WHEEL.stat().st_size < 3_500_000


def test_names_nothing_of_the_machine_that_built_it() -> None:
    """So that building it again gives the same file (build/numpy_wheel/README.md)."""
    config = zipfile.ZipFile(WHEEL).read("numpy/__config__.py").decode()
    assert "/tmp/build-env/bin/python" in config
    assert "build-env-" not in config and "/root" not in config and "/home" not in config
    assert {entry.date_time[:3] for entry in zipfile.ZipFile(WHEEL).infolist()} == {(1980, 1, 1)}


def test_carries_its_licences() -> None:
    wheel = zipfile.ZipFile(WHEEL)
    texts = [wheel.read(n).decode() for n in wheel.namelist() if ".dist-info/licenses/" in n]
    assert any("NumPy Developers" in text for text in texts)
    assert len(texts) >= 10  # of the parts: pocketfft, lapack_lite, the random generators ...


def test_record_lists_every_file_with_its_hash() -> None:
    wheel = zipfile.ZipFile(WHEEL)
    record_name = next(n for n in wheel.namelist() if n.endswith(".dist-info/RECORD"))
    rows = {name: digest for name, digest, _ in csv.reader(wheel.read(record_name).decode().splitlines())}
    assert set(rows) == set(wheel.namelist())
    for name, digest in rows.items():
        if name != record_name:
            sha = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(name)).digest()).rstrip(b"=").decode()
            assert digest == f"sha256={sha}", name

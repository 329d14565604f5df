"""pyodide-build's cross-build environment: cross_environment.py pyodide headers emscripten output pin...

pyodide-build would download this from a release page. Its parts are in the npm package; the rest is the headers that
python_headers.py made, and a Makefile.envs with the flags of Pyodide's own.
"""

import json
import shutil
import sys
from pathlib import Path

from python_headers import SYSCONFIG

MAKEFILE = """\
export PYVERSION ?= {python}
export PYODIDE_EMSCRIPTEN_VERSION ?= {emscripten}
export PYODIDE_VERSION ?= {pyodide}
export PYODIDE_ABI_VERSION ?= {abi}
export PLATFORM_TRIPLET=wasm32-emscripten
export SYSCONFIG_NAME={sysconfig}
export PYMAJOR={major}
export PYMINOR={minor}
export PYMICRO={micro}
export CPYTHONINSTALL=$(PYODIDE_ROOT)/cpython/installs/python-{python}
export TARGETINSTALLDIR=$(CPYTHONINSTALL)
export SYSCONFIGDATA_DIR=$(CPYTHONINSTALL)/sysconfigdata/
export PYTHONINCLUDE=$(CPYTHONINSTALL)/include/python{major}.{minor}
export PIP_CONSTRAINT=$(PYODIDE_ROOT)/tools/constraints.txt
export OPTFLAGS=-O2
export CFLAGS_BASE=$(OPTFLAGS) -g0 -fPIC -fwasm-exceptions -sSUPPORT_LONGJMP=wasm $(EXTRA_CFLAGS)
export CXXFLAGS_BASE=
# --experimental-pic: this lld still asks for it before it makes a shared library.
export LDFLAGS_BASE=$(OPTFLAGS) -g0 -L$(CPYTHONINSTALL)/lib/ -fwasm-exceptions -sSUPPORT_LONGJMP=wasm \\
\t-Wl,--experimental-pic $(EXTRA_LDFLAGS)
.output_vars:
\tset
"""


def main(pyodide: str, headers: str, emscripten: str, output: str, *pins: str) -> None:
    """Write the environment, its pins (name==version) constraining what builds the package.

    pyodide: the unpacked npm package; headers: python_headers.py's output; emscripten: the version really used
    """
    package = Path(pyodide)
    version = json.loads((package / "package.json").read_text())["version"]
    info = json.loads((package / "pyodide-lock.json").read_text())["info"]
    python = info["python"]
    major, minor, micro = python.split(".")
    top = Path(output) / version
    root = top / "xbuildenv" / "pyodide-root"
    install = root / "cpython" / "installs" / f"python-{python}"
    for folder in (
        root / "dist",
        root / "tools",
        root / "emsdk" / "patches",
        install / "sysconfigdata",
        install / "lib",
    ):
        folder.mkdir(parents=True)
    for file in [*package.glob("pyodide*"), package / "python_stdlib.zip"]:
        shutil.copy(file, root / "dist")
    shutil.copy(Path(headers) / f"{SYSCONFIG}.py", install / "sysconfigdata")
    shutil.copytree(Path(headers) / "include", install / "include")
    (root / "tools" / "constraints.txt").write_text("".join(f"{pin}\n" for pin in pins))
    (root / "package.json").write_text("{}\n")
    (root / "Makefile.envs").write_text(
        MAKEFILE.format(
            python=python,
            major=major,
            minor=minor,
            micro=micro,
            pyodide=version,
            emscripten=emscripten,
            abi=info["abi_version"],
            sysconfig=SYSCONFIG,
        )
    )
    (root.parent / "requirements.txt").write_text("")
    (root.parent / "site-packages-extras").mkdir()
    (top / ".build-python-version").write_text(f"{major}.{minor}\n")
    (top / ".emscripten-version").write_text(f"{emscripten}\n")
    (top / ".installed").touch()
    (Path(output) / "xbuildenv").symlink_to(version)


if __name__ == "__main__":
    main(*sys.argv[1:])

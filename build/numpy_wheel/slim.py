"""Leave in numpy's wheel what can be imported: slim.py in.whl out.whl [--licence name=file]...

Dropped: tests, numpy.testing, headers, f2py, type stubs, Cython sources, static libraries, the test-only and unused
extension modules. RECORD is written anew. All dates are 1980-01-01 and the random name of the folder in which the
build's Python lay is taken out of numpy/__config__.py, so that building again gives the very same file.
"""

import argparse
import base64
import hashlib
import re
import zipfile
from collections import Counter
from pathlib import Path

DROPPED = {
    "tests": r"/tests?/|/conftest\.py$|^numpy/testing/",
    "test-only modules": (
        r"/_(simd|multiarray_tests|umath_tests|"
        r"rational_tests|struct_ufunc_tests|operand_flag_tests)\.c"
    ),
    "f2py": r"^numpy/f2py/|entry_points\.txt$",
    "headers and static libraries": r"^numpy/_core/(include|lib)/|^numpy/random/lib/|\.[ah]$|\.pc$|/_core/cversions",
    "stubs and Cython sources": r"\.pyi$|/py\.typed$|\.pxd$|\.pyx$|\.c$|^numpy/typing/mypy",
    "examples": r"^numpy/random/(LICENSE|_examples)",  # the licence is in dist-info too
    "tools for building and packing": r"^numpy/_configtool|^numpy/_pyinstaller/",
    "lapack_lite as a module": r"^numpy/linalg/lapack_lite\.",  # linalg itself is linked into _umath_linalg
}


RANDOM_FOLDER = re.compile(rb"/tmp/build-env-[^/]+/")


def reason_to_drop(name: str) -> str | None:
    """Which of DROPPED the file falls under, if any."""
    return next((why for why, pattern in DROPPED.items() if re.search(pattern, name)), None)


def slim(source: Path, target: Path, licences: dict[str, Path]) -> Counter:
    """Write the slim wheel; returns the compressed bytes dropped, by reason.

    licences: further texts for dist-info/licenses, by name
    """
    dropped: Counter = Counter()
    record = []
    with zipfile.ZipFile(source) as wheel, zipfile.ZipFile(target, "w") as out:

        def write(name: str, data: bytes) -> None:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            out.writestr(entry, data, compresslevel=9)

        info = next(n for n in wheel.namelist() if n.endswith(".dist-info/RECORD")).removesuffix("/RECORD")
        contents = {}
        for entry in wheel.infolist():
            reason = reason_to_drop(entry.filename)
            if reason:
                dropped[reason] += entry.compress_size
            elif not entry.is_dir() and entry.filename != f"{info}/RECORD":
                contents[entry.filename] = wheel.read(entry)
                if entry.filename == "numpy/__config__.py":
                    contents[entry.filename] = RANDOM_FOLDER.sub(b"/tmp/build-env/", contents[entry.filename])
        for name, path in licences.items():
            contents[f"{info}/licenses/{name}"] = path.read_bytes()
        for name, data in contents.items():
            write(name, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append(f"{name},sha256={digest},{len(data)}\n")
        write(f"{info}/RECORD", ("".join(record) + f"{info}/RECORD,,\n").encode())
    return dropped


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--licence", action="append", default=[], metavar="NAME=FILE")
    asked = parser.parse_args()
    licences = {name: Path(file) for name, file in (pair.split("=", 1) for pair in asked.licence)}
    for why, size in slim(asked.source, asked.target, licences).most_common():
        print(f"{size:9,} bytes dropped: {why}")


if __name__ == "__main__":
    main()

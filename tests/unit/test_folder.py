"""The zip: readable by everybody, dated by the build, the same bytes for the same content; and a build's name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import folder
import offline
import pytest
import shell

PAGE = '<html data-build="" data-site="./"><h1>{}</h1></html>'


@pytest.fixture
def site(tmp_path: Path) -> Path:
    out = tmp_path / "site"
    (out / "attention").mkdir(parents=True)
    (out / "single").mkdir()
    (out / "index.html").write_text(PAGE.format("A"))
    (out / "attention" / "index.html").write_text(PAGE.format("B"))
    (out / "single" / "home.html").write_text("<html></html>")
    (out / "embed.js").write_text("1")
    for file in [out, *out.rglob("*")]:  # as a build by a careful user leaves them
        file.chmod(0o700 if file.is_dir() else 0o600)
    return out


WHEN = 1_700_000_000


def test_the_zip_offers_no_model_that_it_does_not_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "models", ["smollm2-135m", "tiny-llama"])
    page = SimpleNamespace(state=SimpleNamespace(other_models=True))
    offered = shell.choice_of_model(page, root="./", assets={"models.js": "models.js"})
    choices = lambda html: re.findall(r'<option value="([^"]*)"', html)  # noqa: E731
    assert choices(offered) == ["storyteller", "smollm2-135m", "tiny-llama", "file"]
    assert re.findall(r'value="([^"]*)"[^>]* hidden>', offered) == ["tiny-llama"], "what is for tests is not offered"
    assert choices(folder.offering(offered, tmp_path)) == ["storyteller", "file"]
    (tmp_path / "models" / "smollm2-135m").mkdir(parents=True)
    assert choices(folder.offering(offered, tmp_path)) == ["storyteller", "smollm2-135m", "file"]
    monkeypatch.setattr(shell, "models", ["tiny-llama"])  # REAL=0
    assert choices(shell.choice_of_model(page, root="./", assets={"models.js": "models.js"}))[1:] == [
        "tiny-llama",
        "file",
    ]


def test_what_is_in_the_zip_can_be_read_by_everybody(site: Path, tmp_path: Path) -> None:
    folder.pack(site, tmp_path / "x.zip", WHEN)
    with zipfile.ZipFile(tmp_path / "x.zip") as z:
        modes = {i.filename.removeprefix("transformer-explainer/"): i.external_attr >> 16 for i in z.infolist()}
        assert all(i.create_system == 3 for i in z.infolist())
    files = {"index.html", "attention/index.html", "single/home.html", "embed.js"}
    assert modes == dict.fromkeys(files, 0o100644) | dict.fromkeys(["", "attention/", "single/"], 0o40755)


def test_it_is_dated_and_the_same_for_the_same_content(site: Path, tmp_path: Path) -> None:
    for name in "xy":
        folder.pack(site, tmp_path / name, WHEN)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()
    with zipfile.ZipFile(tmp_path / "x") as z:
        assert {i.date_time for i in z.infolist()} == {time.gmtime(WHEN)[:6]}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_unpacked_anywhere_the_date_is_the_same_moment(zone: str, site: Path, tmp_path: Path) -> None:
    folder.pack(site, tmp_path / "x.zip", WHEN)
    try:
        subprocess.run(["unzip", "-q", "x.zip"], cwd=tmp_path, env={**os.environ, "TZ": zone}, check=True, umask=0o077)
    except FileNotFoundError:
        pytest.skip("there is no unzip")
    for file in (tmp_path / "transformer-explainer").rglob("*"):
        assert file.stat().st_mtime == WHEN
        assert file.stat().st_mode & 0o777 == (0o755 if file.is_dir() else 0o644)


def test_another_build_is_of_a_later_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "cache" / "dated.json"
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setattr(time, "time", lambda: WHEN + 0.7)
    assert folder.dated("a", kept) == WHEN
    assert folder.dated("b", kept) == WHEN + 2  # within the same second
    monkeypatch.setattr(time, "time", lambda: WHEN + 100.0)
    assert folder.dated("b", kept) == WHEN + 2  # the same build, made again
    assert folder.dated("a", kept) == WHEN + 100  # an old one, put back
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1600000001")
    assert folder.dated("c", kept) == 1_600_000_000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    folder.pack(tmp_path / "cache", tmp_path / "x.zip", folder.dated("c", kept))  # a zip begins in 1980


def test_a_build_is_named_by_what_is_in_it(site: Path) -> None:
    name = offline.seal(site)
    assert re.fullmatch("[0-9a-f]{12}", name)
    pages = [site / "index.html", site / "attention" / "index.html"]
    assert all(page.read_text().count(f'<html data-build="{name}"') == 1 for page in pages)
    assert json.loads((site / "build.json").read_text()) == {"build": name}
    worker = (site / "sw.js").read_text()
    assert f'VERSION="{name}"' in worker
    assert set(json.loads(re.findall(r"FILES=(\{.*?\})", worker)[0])) == {
        "index.html",
        "attention/index.html",
        "embed.js",
    }
    assert "data-build" not in (site / "single" / "home.html").read_text()
    before = {file: file.read_bytes() for file in site.rglob("*") if file.is_file()}
    assert offline.seal(site) == name and before == {file: file.read_bytes() for file in before}
    pages[1].write_text(pages[1].read_text().replace("B", "C"))
    assert offline.seal(site) != name
    pages[1].write_text(pages[1].read_text().replace("C", "B"))
    assert offline.seal(site) == name


def test_a_page_that_says_so_is_kept_only_once_it_is_asked_for(tmp_path: Path) -> None:
    for name, mark in (("now", ""), ("later", " data-on-demand")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(
            f'<!doctype html>\n<html lang="en"{mark} data-build=""><p>data-on-demand'
        )
    offline.seal(tmp_path)
    head = (tmp_path / "sw.js").read_text().splitlines()[0]
    assert json.loads(head.split("FIRST=")[1].rstrip(";")) == ["now/index.html"] and '"later/index.html"' in head

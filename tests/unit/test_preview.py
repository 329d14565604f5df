"""What a preview of one page is made of, and what makes it be made again."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import preview
import pytest

from pages import CHAPTERS


def test_it_has_our_code_of_the_one_page_as_it_lies_there():
    page = CHAPTERS[0].folder
    shared, own = dict(preview.own_sources()), dict(preview.page_sources(page, b"results"))
    assert own[f"pages/{page}/page.py"] == (preview.ROOT / "pages" / page / "page.py").read_bytes()
    assert own[f"pages/{page}/measured.pkl"] == b"results"
    assert "explainer/ui/widget.py" in shared and not any("/training/" in n for n in shared)
    assert not any(n.endswith("numbers.py") for n in own)
    assert [n for n in shared if n.startswith("pages")] == ["pages/__init__.py"]
    assert {n.split("/")[1] for n in own if n.startswith("pages/")} == {page}


def test_a_module_of_the_standard_library_that_no_page_has_needed_is_there(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(preview.runtime, "CACHE", tmp_path)
    monkeypatch.setattr(preview.runtime, "PYODIDE", tmp_path)
    with zipfile.ZipFile(tmp_path / "python_stdlib.zip", "w") as z:
        z.writestr("used.pyc", b"whole")
        z.writestr("new.py", b"new")
    with zipfile.ZipFile(tmp_path / "part.zip", "w") as z:
        z.writestr("used.pyc", b"part")
    (tmp_path / "all.zip").write_bytes(preview.whole_stdlib(tmp_path / "part.zip"))
    with zipfile.ZipFile(tmp_path / "all.zip") as z:
        assert {name: z.read(name) for name in z.namelist()} == {"used.pyc": b"part", "new.py": b"new"}


@pytest.mark.parametrize("name, seen", [("pages/x/text.md", True), ("build/web/a.css", True), ("pages/x/a.pyc", False)])
def test_a_change_of_what_a_page_is_made_of_is_seen(name: str, seen: bool, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(preview, "ROOT", tmp_path)
    (tmp_path / name).parent.mkdir(parents=True)
    before = preview.state_of_files()
    (tmp_path / name).write_text("one")
    first = preview.state_of_files()
    assert (first != before) is seen
    os.utime(tmp_path / name, ns=(1, 1))
    assert (preview.state_of_files() != first) is seen

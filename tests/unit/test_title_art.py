"""The small drawings beside titles (pages/<name>/title.svg): decoration, that moves once and for less than 5 s."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pages import PAGES

ROOT = Path(__file__).parents[2]
DRAWINGS = {p.name: ROOT / "pages" / p.folder / "title.svg" for p in PAGES if p.chapter}


@pytest.mark.parametrize("name", DRAWINGS)
def test_every_chapter_has_one_that_nothing_reads_aloud(name: str) -> None:
    svg = ElementTree.fromstring(DRAWINGS[name].read_text(encoding="utf-8"))
    assert svg.get("aria-hidden") == "true" and svg.get("focusable") == "false"
    assert "style" not in DRAWINGS[name].read_text(encoding="utf-8"), "colours come from the style sheet"


@pytest.mark.parametrize("name", DRAWINGS)
def test_it_comes_to_rest_within_five_seconds(name: str) -> None:
    moves = re.findall(r"<animate(?:Motion)? [^>]*>", DRAWINGS[name].read_text(encoding="utf-8"))
    assert moves
    for move in moves:
        seconds = {k: float(v) for k, v in re.findall(r'(dur|begin)="([0-9.]+)s"', move)}
        times = float((re.search(r'repeatCount="([^"]+)"', move) or [0, "1"])[1])
        assert seconds.get("begin", 0) + seconds["dur"] * times <= 5, move

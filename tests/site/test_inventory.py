"""Nothing that a reader, a link or a post relies on vanishes unsaid: `inventory.py` says what is kept, and how."""

from __future__ import annotations

import json
from pathlib import Path

import inventory
import pytest
from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def now(the_browser: Browser, site: str, site_directory: Path) -> dict[str, list[str]]:
    return inventory.take(the_browser, site, site_directory)


def test_every_entry_that_is_kept_is_there(now: dict[str, list[str]]) -> None:
    kept = json.loads(inventory.KEPT.read_text(encoding="utf-8"))
    assert inventory.gone(kept, now) == [], "is it gone on purpose? then `make inventory`, and say why in the commit"


def test_what_vanishes_is_noticed() -> None:
    kept = {"": ["widget: a", "control: T"], "x/": ["link: /"]}
    assert inventory.gone(kept, kept) == []
    assert inventory.gone(kept, {"": ["widget: a", "new: one"]}) == ["/: control: T", "x/: link: /"]


def test_what_posts_rely_on_is_not_let_go_unsaid() -> None:
    kept = {"embed/a/": ["button: Reset", "state: t", "widget: a"], "b/": ["heading: B"]}
    assert inventory.promised(kept, kept) == []
    assert inventory.promised(kept, {"embed/a/": ["widget: a"]}) == ["b/: page: all of it", "embed/a/: state: t"]

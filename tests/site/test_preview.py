"""`make preview`: one page is live without a snapshot, reloads when a change is built, and says why not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import preview
import serve
from conftest import LIVE, ROOT, wait_live
from playwright.sync_api import expect

from pages import PAGES

PAGE = next(page for page in PAGES if page.path and not page.chapter)  # a small one


def test_a_preview_is_live_and_follows_the_builds(tmp_path: Path, the_browser) -> None:
    command = [sys.executable, ROOT / "build" / "preview.py", PAGE.name, "--build", tmp_path / "1"]
    subprocess.run(command, check=True, capture_output=True)
    (tmp_path / "2").symlink_to(tmp_path / "1")
    it = preview.Preview(PAGE.name, tmp_path)
    it.news = {"build": 1, "problem": ""}
    with serve.served(tmp_path, preview.handler(it)) as address:
        page = the_browser.new_page()
        page.goto(address + PAGE.path)
        wait_live(page)
        page.get_by_label("Prompt", exact=True).first.fill("Tom has a kite.")
        expect(page.locator("[data-body]").first).to_contain_text("kite", timeout=LIVE)  # Python has drawn it
        it.news = {"build": 1, "problem": "NameError: name 'x' is not defined"}
        expect(page.locator("[data-problem]")).to_have_text("NameError: name 'x' is not defined")
        page.evaluate("window.before = true")
        with page.expect_event("load"):
            it.news = {"build": 2, "problem": ""}
        assert page.evaluate("window.before") is None
        expect(page.locator("[data-problem]")).to_be_hidden()
        page.close()

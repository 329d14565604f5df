"""Without a network: the service worker on repeat visits, and a page in one file opened from a disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import LIVE, until, wait_live
from playwright.sync_api import expect


@pytest.fixture
def context_options() -> dict:
    return {"viewport": {"width": 1280, "height": 900}, "service_workers": "allow"}


def controlled(page) -> None:
    until(page, "() => navigator.serviceWorker.ready.then(r => r.active !== null)", timeout=LIVE)


def test_a_repeat_visit_works_with_the_network_off(context, site) -> None:
    page = context.new_page()
    page.goto(site + "attention/")
    wait_live(page)
    controlled(page)
    page.close()
    context.set_offline(True)
    again = context.new_page()
    again.goto(site + "paths/")
    wait_live(again)
    context.set_offline(False)


def test_it_stays_within_its_path_and_can_be_removed(context, site) -> None:
    page = context.new_page()
    page.goto(site + "components/")
    wait_live(page)
    controlled(page)
    assert page.evaluate("navigator.serviceWorker.ready.then(r => r.scope)") == site
    page.goto(site + "how/")
    page.get_by_role("button", name="Remove what this site keeps").click()
    expect(page.locator("[data-forget] + [role=status]")).to_contain_text("Removed")
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(r => r.length)") == 0
    assert page.evaluate("caches.keys().then(k => k.filter(n => n.startsWith('explainer ')).length)") == 0


@pytest.mark.parametrize("name", ["components"])
def test_a_page_in_one_file_is_live_from_a_disk_without_a_network(name, make_context, site_directory: Path) -> None:
    file = site_directory / "single" / f"{name}.html"
    context = make_context()
    context.guard.origin = "file://"
    context.set_offline(True)
    page = context.new_page()
    page.goto(file.as_uri())
    wait_live(page)
    page.get_by_label("Prompt").first.fill("Tom has a green kite.")
    expect(page.locator(".tokens").first).to_contain_text("kite")

"""Back, with Chromium's back/forward cache on: the page is the very one that was left, and it is still live.

Playwright switches that cache off by an argument of its own; here it is left out. A page that the cache had not taken
would be loaded anew: each test sees to it that it was not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import browser as chromium
import pytest
from conftest import LIVE, settle, until, wait_live
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect

pytestmark = pytest.mark.single_figures

SHOWN = "addEventListener('pageshow', (event) => { (window.shown ??= []).push(event.persisted) });"
SHOWN += "window.lives = 0; addEventListener('explainer:live', () => { lives += 1 })"
WHY = "JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)"


@pytest.fixture(scope="module")
def the_browser(the_playwright: Playwright, whole_chromium_path: str) -> Iterator[Browser]:
    instance = the_playwright.chromium.launch(
        executable_path=whole_chromium_path, args=chromium.FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    yield instance
    instance.close()


@pytest.fixture
def context_options() -> dict:
    return {"viewport": {"width": 1280, "height": 900}, "service_workers": "allow"}


REASON = r'"reason":"([^"]+)"'


def back(page: Page) -> None:
    """One page back, to one that was left and not unloaded.

    A browser under pressure may drop a page for reasons of its own, which it does not tell ("masked"): then there is
    nothing to be seen here, and the test says so.
    """
    page.go_back(wait_until="commit")  # a page that was not unloaded does not load
    until(page, f"() => window.shown?.length > 1 || ({WHY}) !== 'null'", timeout=LIVE)
    why = page.evaluate(WHY)
    if page.evaluate("window.shown?.at(-1)") is not True and set(re.findall(REASON, why)) == {"masked"}:
        pytest.skip("the browser dropped the page that was left, and does not say why")
    assert page.evaluate("window.shown?.at(-1)") is True, why


def live_again(page: Page) -> None:
    """It has been live before, and is again."""
    until(page, "() => window.lives > 1", timeout=LIVE)
    settle(page)


@pytest.fixture
def opened(context: BrowserContext, site: str) -> Callable[..., Page]:
    def open_(path: str) -> Page:
        page = context.new_page()
        page.add_init_script(SHOWN)
        page.goto(site + path)
        wait_live(page)
        return page

    return open_


@pytest.mark.parametrize("path", ["", "attention/", "feedback/", "embed/path-lengths/?view=full"])
def test_a_page_that_was_left_is_still_live_after_back(path: str, opened: Callable[..., Page], site: str) -> None:
    page = opened(path)
    field = page.get_by_label("Prompt", exact=True).first
    field.fill("Mia has a red ball.")
    until(page, "() => explainer.state().prompt === 'Mia has a red ball.'")
    settle(page)
    before = page.locator("[data-body]").first.inner_text()
    page.goto(site + "embed/temperature/")  # the same worker speaks to this page now
    wait_live(page)
    back(page)
    assert page.locator("[data-body]").first.inner_text() == before
    live_again(page)
    assert page.evaluate("explainer.state().prompt") == "Mia has a red ball."
    assert page.locator("[data-body]").first.inner_text() == before
    field.fill("Tom has a green kite.")
    until(page, "() => explainer.state().prompt === 'Tom has a green kite.'")
    settle(page)
    assert page.locator("[data-body]").first.inner_text() != before
    expect(page.locator("[data-status-detail]")).to_be_hidden()


def test_what_was_asked_as_the_page_was_left_is_answered_after_back(opened: Callable[..., Page], site: str) -> None:
    page = opened("attention/")
    before = page.locator("[data-body]").first.inner_text()
    page.evaluate("([to]) => { explainer.set({ prompt: 'Mia has a red ball.' }); location.href = to }", [site + "how/"])
    page.wait_for_url(site + "how/")
    back(page)
    live_again(page)
    assert page.evaluate("explainer.state().prompt") == "Mia has a red ball."
    assert page.locator("[data-body]").first.inner_text() != before

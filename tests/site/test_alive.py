"""Staying alive: the worker or its process dies, and the figures go on with what the reader had.

No time is measured here (connection.mjs turns the clock by hand): each test waits for the state that must come.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from conftest import LIVE, settle, until, wait_live
from playwright.sync_api import BrowserContext, Error, Page, expect

LISTEN = """window.told = [];
for (const name of ['live', 'failed']) addEventListener('explainer:' + name, (e) => told.push([name, e.detail]));"""


@pytest.fixture
def opened(context: BrowserContext, site: str) -> Callable[..., Page]:
    """A live page that writes down what it is told."""

    def open_(path: str) -> Page:
        page = context.new_page()
        page.add_init_script(LISTEN)
        page.goto(site + path)
        wait_live(page)
        return page

    return open_


def events(page: Page) -> list[str]:
    return [name for name, _ in page.evaluate("told")]


def end_the_worker(page: Page) -> None:
    """End the SharedWorker of this page's visit, as the browser does when memory runs out."""
    session = page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    targets = session.send("Target.getTargets")["targetInfos"]
    (here,) = {t["browserContextId"] for t in targets if t["type"] == "page" and t["url"] == page.url}
    (worker,) = [t for t in targets if t["type"] == "shared_worker" and t["browserContextId"] == here]
    session.send("Target.closeTarget", {"targetId": worker["targetId"]})


def lives_again(page: Page, times: int) -> None:
    until(page, "(n) => told.filter(([name]) => name === 'live').length >= n", times, timeout=LIVE)
    settle(page)


def test_a_worker_that_is_ended_is_replaced_and_nothing_is_lost(opened: Callable[..., Page]) -> None:
    one, two = opened("embed/temperature/"), opened("embed/path-lengths/")
    one.get_by_label("Prompt").fill("Mia has a red ball.")
    settle(one)
    before = one.locator("[data-body]").inner_text()
    end_the_worker(one)
    for page in (one, two):
        lives_again(page, 2)
        assert events(page) == ["live", "live"]  # nobody had to say 'failed', or to press a button
        expect(page.locator("[data-status-detail]")).to_be_hidden()
    assert one.locator("[data-body]").inner_text() == before
    one.get_by_label("Prompt").fill("Tom has a green kite.")
    until(one, "() => explainer.state().prompt === 'Tom has a green kite.'")
    settle(one)
    assert one.locator("[data-body]").inner_text() != before
    expect(one.locator("[data-status-text]")).to_have_text(re.compile(r"^Live in"))


def test_a_second_death_of_itself_is_told_and_a_button_brings_it_back(opened: Callable[..., Page]) -> None:
    page = opened("embed/temperature/")
    page.get_by_label("Prompt").fill("Mia has a red ball.")
    settle(page)
    end_the_worker(page)
    lives_again(page, 2)
    end_the_worker(page)
    message = page.locator("[data-status-message]")
    expect(message).to_contain_text("stopped from outside")
    expect(message).to_contain_text("memory")
    assert events(page) == ["live", "live", "failed"]
    page.get_by_role("button", name="Retry").click()
    lives_again(page, 3)
    expect(page.get_by_label("Prompt")).to_have_value("Mia has a red ball.")


def test_when_the_tab_that_holds_python_crashes_the_others_go_on(opened: Callable[..., Page]) -> None:
    one, two = opened("embed/temperature/"), opened("embed/temperature/?t=2")
    two.get_by_label("Prompt").fill("Mia has a red ball.")
    settle(two)
    before = two.locator("[data-body]").inner_text()
    crashed: list[Page] = []
    one.on("crash", lambda page: crashed.append(page))
    with pytest.raises(Error):
        one.goto("chrome://crash", timeout=10_000)
    two.get_by_label("Prompt").fill("Tom has a green kite.")  # the reader's next action
    lives_again(two, 2)
    assert crashed
    until(two, "() => explainer.state().prompt === 'Tom has a green kite.'")
    settle(two)
    assert two.evaluate("explainer.state().t") == 2
    assert events(two) == ["live", "live"]
    two.get_by_label("Prompt").fill("Mia has a red ball.")
    until(two, "() => explainer.state().prompt === 'Mia has a red ball.'")
    settle(two)
    assert two.locator("[data-body]").inner_text() == before


def test_a_worker_that_is_deaf_is_given_up(opened: Callable[..., Page], context: BrowserContext) -> None:
    """It is there and holds its lock, but neither hears nor announces anything: a page may not wait for it for ever."""
    page = opened("embed/temperature/")
    page.evaluate("MessagePort.prototype.postMessage = () => { window.lost = (window.lost ?? 0) + 1 }")
    page.get_by_label("Prompt").fill("Mia has a red ball.")
    until(page, "() => window.lost > 0")
    page.evaluate("window.deaf = window.lost")
    page.evaluate(
        """() => { const Real = SharedWorker;  // the next one is heard
        window.SharedWorker = class extends Real { constructor(url, options) { super(url, options);
        window.name_of_it = options.name;
        const { port } = this, frame = document.createElement('iframe');
        document.body.append(frame);
        port.postMessage = frame.contentWindow.MessagePort.prototype.postMessage; } } }"""
    )
    lives_again(page, 2)
    until(page, "() => explainer.state().prompt === 'Mia has a red ball.'")
    assert page.evaluate("window.name_of_it") == "transformer-explainer 2"
    assert events(page) == ["live", "live"]

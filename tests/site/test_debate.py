"""/paths/, four bets and five arms, in a real browser: bets are kept in the link, and settled by its own numpy."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE
from playwright.sync_api import Page, expect

from explainer.models import lab
from explainer.studies import debate
from explainer.ui.html import percent
from pages.paths.page import PathsState

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def test_a_bet_by_keyboard_is_settled_in_the_grid(open_page):
    page = open_page("paths/")
    own = figure(page, "path-debate")
    expect(own.locator(".told")).to_contain_text("Bet, and the grid settles it.")
    answer = own.get_by_role("button", name="At earlier ones, too")
    answer.focus()
    page.keyboard.press("Enter")
    share = percent(debate.pull_elsewhere(PathsState().text()))
    expect(own.locator(".told")).to_contain_text(
        f"Right: the loss at ␣had pulls at 40 nodes of earlier columns; {share}"
    )
    expect(answer).to_have_attribute("aria-pressed", "true")
    expect(page).to_have_url(re.compile(r"[?&]myopic=no(&|$)"))
    expect(own).to_contain_text("Open")


def test_bets_come_back_with_the_link(open_page):
    page = open_page("paths/", claim="remembers", remembers="no", longer="no")
    own = figure(page, "path-debate")
    expect(own.get_by_role("button", name="No, it has the tokens")).to_have_attribute("aria-pressed", "true")
    expect(own.locator(".told")).to_contain_text("Not so: ")
    own.get_by_role("button", name="3. Longer?").click()
    expect(own.locator(".told")).to_contain_text("Right: 12 tokens, 4 steps; 24 tokens, 4 steps.")


def test_an_arm_is_asked_one_sum(open_page):
    page = open_page("paths/")
    own = figure(page, "path-arms")
    expect(own.locator(".told")).to_contain_text("It answers 27")
    own.get_by_role("button", name="right working, by us").click()
    expect(own.locator(".told")).to_contain_text("It answers 25: right")
    own.get_by_role("button", name="its own working, erased").click()
    expect(own.locator(".token.gone").first).to_be_visible()
    assert lab.is_own()

"""/today/ in a real browser: floors are pressed, switches trained, the code of then and of now stands side by side."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle, until
from playwright.sync_api import Page, expect

from pages.today.facts import runs
from pages.today.views.blocks import CHANGES

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def losses(page: Page) -> list[float]:
    found = figure(page, "switches").locator(".of-two [data-v]")
    return [float(found.nth(k).get_attribute("data-v")) for k in range(2)]


def test_a_floor_is_pressed_by_mouse_and_by_keys_and_its_change_is_told(open_page):
    page = open_page("today/")
    two = figure(page, "two-blocks")
    story = two.locator(".blocks-story")
    expect(story).to_be_hidden()  # it would answer the guess
    page.locator("[data-guess=changed] input").nth(1).check()
    expect(story).to_be_visible()
    two.get_by_role("button", name="MLP, in the MLP").click()
    expect(story).to_contain_text(CHANGES["think"].says)
    expect(page).to_have_url(re.compile(r"[?&]part=think(&|$)"))
    two.get_by_role("button", name="Keys, values, in attention").focus()
    page.keyboard.press("Enter")
    expect(story).to_contain_text(CHANGES["share"].says)
    expect(two.get_by_role("button", name="Keys, values", exact=True)).to_have_attribute("aria-pressed", "true")
    two.get_by_role("button", name="Keys, values", exact=True).click()
    expect(story).to_contain_text("Four kinds of part are lit")


def test_the_code_of_then_and_of_now_stands_side_by_side(open_page):
    page = open_page("today/", live=False, seen={"viewport": {"width": 1280, "height": 900}})
    page.evaluate("document.getElementById('two-blocks-code').hidden = false")
    for then, now in (("def normalize", "def rms_normalize"), ("def gelu", "def gated"), ("def mlp", "def mlp")):
        places = [page.locator("#two-blocks-code pre", has_text=words) for words in (then, now)]
        left, right = places[0].first.bounding_box(), places[1].last.bounding_box()
        assert left["y"] == right["y"] and left["x"] + left["width"] <= right["x"], (then, now)


def test_switches_show_kept_runs_and_train_here(open_page):
    page = open_page("today/", now_norm=False, now_think=False, now_share=False)
    switches = figure(page, "switches")
    kept = runs.kept_run("0100", runs.SEED)
    assert losses(page) == pytest.approx(kept[runs.STEPS].held, abs=0.05)
    switches.scroll_into_view_if_needed()
    switches.get_by_label("RoPE").uncheck()
    expect(switches).to_contain_text("2017’s parts again")
    assert losses(page)[0] == losses(page)[1]
    switches.get_by_label("RMSNorm").check()
    switches.get_by_role("button", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile(r"[?&]watch=parts(&|$)"))
    until(page, "() => Number(document.querySelector('[data-widget=switches] [data-step]')?.dataset.step) >= 20",
          timeout=4 * LIVE)  # fmt: skip
    switches.get_by_role("button", name="Pause").click()
    settle(page)
    step = int(switches.locator("[data-step]").first.get_attribute("data-step"))
    expect(switches).to_contain_text("Now, seed 0")
    assert losses(page) == pytest.approx(runs.kept_run("1000", runs.SEED)[step].held, abs=0.02)

"""/in-context/ in a real browser: points are moved by hand and by key, both answers go with them; a layer learns."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle, until
from playwright.sync_api import Page, expect

from pages.in_context.facts import learned, lines
from pages.in_context.page import InContextState

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def said(page: Page) -> list[float]:
    """What attention and descent answer, as the figure says it."""
    return [
        float(v)
        for v in figure(page, "in-context").locator(".both dd").evaluate_all("all => all.map((e) => e.dataset.v)")
    ]


def test_a_point_is_moved_by_key_and_by_hand_and_both_answers_follow(open_page):
    page = open_page("in-context/", depth=3)
    x, y = lines.drawn(1)
    attention, descent = said(page)
    assert attention == pytest.approx(lines.lines(x, y, InContextState().ask, 1.0, 3).descent[-1], abs=1e-12)
    assert descent == pytest.approx(attention, abs=1e-12)
    point = figure(page, "in-context").get_by_role("slider", name=re.compile(r"^y of point 2"))
    point.focus()
    page.keyboard.press("End")
    expect(page).to_have_url(re.compile(r"[?&]y2=2(&|$)"))
    moved = (y[0], 2.0, *y[2:])
    until(page, "(v) => Math.abs(document.querySelector('.both dd').dataset.v - v) < 1e-9",
          lines.lines(x, moved, InContextState().ask, 1.0, 3).attention[-1])  # fmt: skip
    box = figure(page, "in-context").locator(".handle.upright").nth(4).bounding_box()
    drawn = figure(page, "in-context").locator("circle.example").nth(4).bounding_box()
    page.mouse.move(drawn["x"] + drawn["width"] / 2, drawn["y"] + drawn["height"] / 2)
    page.mouse.down()
    page.mouse.move(drawn["x"] + drawn["width"] / 2, box["y"] + box["height"] - 12, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"[?&]y5=-(2|1\.9\d?)(&|$)"))
    settle(page)
    assert said(page)[0] == pytest.approx(said(page)[1], abs=1e-12)
    handle = figure(page, "in-context").locator("circle.example").nth(4).bounding_box()
    assert handle["y"] > drawn["y"] + 50, "the drawn point has gone with the hand"


def test_an_address_trains_a_layer_until_it_has_learned_the_step(open_page):
    page = open_page("in-context/", watch="learn")
    layer = figure(page, "learned-step")
    layer.scroll_into_view_if_needed()
    expect(layer).to_contain_text("Now, seed 0")
    expect(layer.get_by_role("button", name="Train again")).to_be_visible(timeout=8 * LIVE)
    cells = (
        layer.locator("table.bare-map").first.locator("td[data-v]").evaluate_all("all => all.map((e) => +e.dataset.v)")
    )
    diagonal = [cells[11 * k] for k in range(10)]
    assert sum(diagonal) / 10 == pytest.approx(learned.ETA, abs=0.1)
    assert max(abs(v) for k, v in enumerate(cells) if k % 11) < 0.4

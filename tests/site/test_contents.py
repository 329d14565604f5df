"""The contents in the bar, and the pages before and after: by mouse and by key, without scripts, at any width."""

from __future__ import annotations

import pytest
from conftest import until
from playwright.sync_api import Page, expect
from test_shell import axe

from pages import CHAPTERS

ONE = CHAPTERS[1]
OPEN = "#site-contents:popover-open"


def menu(page: Page):
    return page.get_by_role("navigation", name="Contents", exact=True)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_the_contents_open_and_close_by_key_and_by_mouse(scripts, make_context, site):
    page = make_context(java_script_enabled=scripts).new_page()
    page.goto(site + ONE.path)
    button = page.get_by_role("button", name="Contents", exact=True)
    expect(menu(page)).to_be_hidden()
    button.focus()
    page.keyboard.press("Enter")
    expect(menu(page)).to_be_visible()
    for chapter in CHAPTERS:
        link = menu(page).get_by_role("link", name=f"{chapter.title} {chapter.question}", exact=True)
        expect(link).to_have_attribute("href", f"../{chapter.path}")
    expect(menu(page).locator("[aria-current=page]")).to_contain_text(ONE.question)
    page.keyboard.press("Tab")
    expect(menu(page).get_by_role("link").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu(page)).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    page.get_by_role("heading", level=1).click(position={"x": 1, "y": 1}, force=True)  # beside it, or under its edge
    page.mouse.click(1270, 600)
    expect(menu(page)).to_be_hidden()
    button.click()
    menu(page).get_by_role("link", name=CHAPTERS[-1].question).click()
    expect(page).to_have_url(site + CHAPTERS[-1].path)
    page.go_back()
    expect(menu(page)).to_be_hidden()


@pytest.mark.parametrize("width", [1280, 1000, 700, 360, 320])
def test_the_bar_is_one_row_for_any_number_of_chapters(width, new_page, site):
    page = new_page(viewport={"width": width, "height": 700})
    page.goto(site + ONE.path)
    expect(page.locator("html.js")).to_be_attached()
    height = page.locator("header.bar").bounding_box()["height"]
    page.evaluate(
        """for (const list of document.querySelectorAll('.chapters ol, .groups ul')) {
            for (const entry of Array(3).fill([...list.children]).flat()) list.append(entry.cloneNode(true));
        }"""
    )
    assert height < 56 and page.locator("header.bar").bounding_box()["height"] == height
    for part in page.locator("header.bar > :visible:not(.skip)").all():
        box = part.bounding_box()
        assert box["y"] >= 0 and box["y"] + box["height"] <= height, part.get_attribute("class")
        assert box["x"] >= 0 and box["x"] + box["width"] <= width, part.get_attribute("class")
    page.get_by_role("button", name="Contents", exact=True).click()
    last = menu(page).get_by_role("link").last
    last.focus()
    expect(last).to_be_in_viewport()
    sideways = f"[document.documentElement, document.querySelector('{OPEN}')].map(e => e.scrollWidth - e.clientWidth)"
    assert page.evaluate(sideways) == [0, 0]
    if width <= 640:  # it covers the bar, and has a way out of its own
        menu(page).get_by_role("button", name="Close", exact=True).click()
        expect(menu(page)).to_be_hidden()
        expect(page.get_by_role("button", name="Contents", exact=True)).to_be_focused()


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_axe_finds_nothing_in_the_open_contents(width, scheme, new_page, site):
    page = new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(site + ONE.path)
    page.get_by_role("button", name="Contents", exact=True).click()
    expect(menu(page)).to_be_visible()
    assert axe(page) == ""


def test_the_contents_show_how_far_each_chapter_was_read(new_page, site):
    page = new_page()
    page.goto(site + ONE.path)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight / 2)")
    read = (
        "name => [...document.querySelectorAll(`[data-chapter=${name}]`)].map(e => +e.style.getPropertyValue('--read'))"
    )
    until(page, f"name => ({read})(name).every((share) => share > 0.2)", ONE.name)
    shares = page.evaluate(read, ONE.name)
    assert len(shares) == 2 and len(set(shares)) == 1


def test_reading_on_leads_through_every_chapter(make_context, site):
    page = make_context(java_script_enabled=False).new_page()
    page.goto(site)
    for chapter in CHAPTERS:
        before = page.url
        page.get_by_role("navigation", name="Next and previous page").get_by_role("link").last.click()
        expect(page).to_have_url(site + chapter.path)
        back = page.locator("[rel=prev]")
        assert back.evaluate("el => el.href") == before
    expect(page.locator("[rel=next]")).to_have_count(0)

"""/feedback/, hidden notes, in a real browser: notes are forged, healed and exchanged by its own numpy."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from explainer.studies import notes
from explainer.ui.html import percent

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def test_forged_notes_change_the_story_and_reading_again_heals_it(open_page):
    page = open_page("feedback/")
    own = figure(page, "forged-notes")
    own.get_by_role("button", name="Forge them").click()
    expect(own.locator(".told")).to_contain_text("the next is “␣He”")
    expect(page).to_have_url(re.compile(r"[?&]whose=forged(&|$)"))
    expect(own.locator(".note-rows dd").nth(1)).to_contain_text("␣His")
    own.get_by_role("button", name="Make them again from the tape").click()
    expect(own.locator(".told")).to_contain_text("makes its own notes again: “␣She”")
    expect(own.locator(".note-rows dd").nth(1)).to_contain_text("␣Her")


def test_columns_are_chosen_by_the_keyboard_and_the_link_keeps_them(open_page):
    page = open_page("feedback/", whose="forged", forge="8")
    own = figure(page, "forged-notes")
    expect(own.locator(".told")).to_contain_text("it is still “␣She”")
    column = own.get_by_role("button", name=re.compile("column 6: ␣girl"))
    column.focus()
    page.keyboard.press("Enter")
    expect(column).to_have_attribute("aria-pressed", "true")
    expect(own.locator(".told")).to_contain_text("the next is “␣He”")
    expect(page).to_have_url(re.compile(r"[?&]forge=6\.8(&|$)"))


def test_what_a_column_holds_is_what_python_says(open_page):
    page = open_page("feedback/")
    own = figure(page, "held-for-later")
    own.get_by_role("button", name="Another one").click()
    of = notes.case("name", 1)
    expect(page).to_have_url(re.compile(r"[?&]pair=1(&|$)"))
    settle(page)
    held = {h.column: h for h in notes.held(of)}
    expect(own.locator(".told")).to_contain_text(percent(held[of.mark].chance).replace("&lt;", "<"))
    own.get_by_role("button", name="A sum").click()
    expect(own.locator(".told")).to_contain_text("of the answer moves")
    expect(own.locator("table.held tbody tr")).to_have_count(len(notes.case("sum", 1).columns))

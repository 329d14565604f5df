"""/tokens/ in a real browser: merges step by step, and vocabularies that come when they are asked for."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from pages.tokens.facts import cutting, merging
from pages.tokens.views.cutting import CASES
from pages.tokens.views.parts import display

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def test_a_text_of_the_readers_own_is_merged_pair_by_pair(open_page):
    text = "banana bandana, bananas"
    page = open_page("tokens/")
    own = figure(page, "merges")
    own.get_by_label("Prompt").fill(text)
    expect(own.locator(".told")).to_contain_text(f"{len(text)} bytes are {len(text)} tokens")
    choices = merging.candidates(text, 0)
    own.get_by_role("group", name="The next pair").get_by_role("button").nth(
        [c.right for c in choices].index(True)
    ).click()
    expect(own.locator(".next-pair")).to_contain_text("Yes:")
    own.get_by_role("button", name="Next step").click()
    expect(page).to_have_url(re.compile(r"[?&]merges=1(&|$)"))
    settle(page)
    shown = own.locator(".pieces .in-word > span").all_text_contents()
    assert shown == [display(p) for word in merging.after(text, 1) for p in word]
    own.get_by_role("button", name="Play").click()
    last = len(merging.learned(text))
    expect(own.locator(".told")).to_contain_text("No pair stands here twice any more")
    expect(page).to_have_url(re.compile(rf"[?&]merges={last}(&|$)"))


def test_the_large_vocabularies_come_when_they_are_asked_for_and_cut_as_they_do_natively(open_page):
    asked: list[str] = []
    page = open_page("embed/vocabularies/")
    page.context.on("request", lambda request: asked.append(request.url))
    settle(page)
    assert not [url for url in asked if "late-" in url], "who only looks fetches none"
    own = figure(page, "vocabularies")
    name, text = CASES[1]
    own.get_by_role("button", name=name).click()
    expect(own.locator(".cut-row").nth(2).get_by_role("button")).to_have_count(len(cutting.cut(text, "gpt-2").ids))
    assert len([url for url in asked if "late-vocabularies" in url]) <= 1
    for row, vocabulary in enumerate(cutting.VOCABULARIES):
        shown = own.locator(".cut-row").nth(row).get_by_role("button").all_text_contents()
        assert shown == list(cutting.cut(text, vocabulary).shown)
    own.locator(".cut-row").nth(2).get_by_role("button").nth(1).click()
    byte = cutting.cut(text, "gpt-2").pieces[1]
    expect(own.locator(".byte-table tbody th")).to_have_text([f"{b:02X}" for b in byte])


@pytest.mark.parametrize(("typed", "becomes"), [("\ud83d", "3F"), ("\0", "EF")])
def test_what_is_no_text_becomes_something_that_is(open_page, typed, becomes):
    """A lone surrogate and a NUL, as a page's script can put them into a field."""
    page = open_page("tokens/")
    own = figure(page, "merges")
    own.get_by_label("Prompt").evaluate(
        "(el, codes) => { el.value = String.fromCharCode(...codes) + 'x';"
        " el.dispatchEvent(new Event('input', {bubbles: true})); }",
        [ord(c) for c in typed],
    )
    first = own.locator(".pieces .in-word > span").first
    expect(first).to_have_attribute("data-why", re.compile(f"^bytes {becomes}"))

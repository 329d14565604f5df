"""The way through a page for a newcomer: a short path, closed sections that open when something leads there, terms."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import prose
import pytest
from conftest import at_rest, settle, tool, wait_live
from playwright.sync_api import Page, expect

from pages import CHAPTERS

PATHS = ["", *[page.path for page in CHAPTERS]]
LONGEST = {("discover", 1280): 5500, ("discover", 360): 8500, ("result", 1280): 2500, ("result", 360): 4200}  # px


@pytest.fixture
def as_they_come(new_page: Callable[..., Page], site: str) -> Callable[..., Page]:
    """`as_they_come('attention/')` -> the live page, its sections as the reader finds them."""

    def open_(address: str, *, live: bool = True) -> Page:
        page = new_page(sections="as they come")
        page.goto(site + address)
        if live:
            wait_live(page)
        return page

    return open_


def section(page: Page, slug: str) -> object:
    return page.locator(f"details.deeper:has(#{slug})")


@pytest.mark.parametrize("width", [1280, 360])
def test_the_newcomers_path_is_short(width: int, new_page: Callable[..., Page], site: str) -> None:
    page = new_page(sections="as they come", viewport={"width": width, "height": 900})
    tall = {}
    for mode in ("discover", "result"):
        for path in PATHS if mode == "discover" else PATHS[1:]:  # the start page is read in one way
            page.goto(f"{site}{path}?mode={mode}")
            wait_live(page)
            tall[path, mode] = page.evaluate("document.documentElement.scrollHeight")
    assert {k: h for k, h in tall.items() if h > LONGEST[k[1], width]} == {}


@pytest.mark.parametrize(
    ("address", "slug"),
    [
        ("attention/#attention-ablation", "attention-ablation"),  # a copied link
        ("attention/?take_out=mask", "attention-ablation"),  # an old link: only a figure in there shows that value
        ("temperature/?hedge=0.1", "temperature-truth"),
        ("paths/?mode=result&written=5", "path-feedback"),
        ("paths/?terms=1+2+3", "path-scratchpad"),
    ],
)
def test_what_leads_to_a_figure_opens_its_section(address: str, slug: str, as_they_come: Callable[..., Page]) -> None:
    page = as_they_come(address)
    expect(page.locator(f"#{slug} [data-body]")).to_be_visible()
    closed = page.locator("details.deeper:not([open])")
    assert closed.count() >= 3, "and no other"
    if "#" in address:
        at_rest(page.locator(f"#{slug}"))
        expect(page.locator(f"#{slug} > header")).to_be_in_viewport()


def test_a_link_within_the_page_opens_the_section_that_it_leads_to(as_they_come: Callable[..., Page]) -> None:
    page = as_they_come("attention/")
    figure = page.locator("#residual-bus")
    expect(figure).to_be_hidden()
    page.get_by_text("figures to operate").click()
    page.locator(".contents a[href='#residual-bus']").click()
    expect(figure.locator("> header")).to_be_in_viewport()


def test_what_lies_in_a_closed_section_is_drawn_when_it_is_opened(as_they_come: Callable[..., Page]) -> None:
    page = as_they_come("attention/")
    figure = page.locator("#attention-lookup")
    before = figure.locator("[data-body]").inner_html()
    page.get_by_label("Prompt", exact=True).first.fill("Tom has a green kite. Tom")
    settle(page)
    expect(page.locator("#attention-stepper")).to_contain_text("kite")
    expect(page.locator("#attention-circuit .says")).to_contain_text("No two steps")
    assert figure.locator("[data-body]").inner_html() == before  # nobody sees it, so nobody waits for it
    page.locator("details.deeper:has(#attention-lookup) > summary").click()
    settle(page)
    expect(figure).to_contain_text("kite")
    assert "kite" not in before
    # from now on it follows, as it can be seen
    page.get_by_label("Prompt", exact=True).first.fill("Tom has a green ball. Tom")
    settle(page)
    expect(figure).to_contain_text("ball")


def test_the_second_figure_is_open_for_who_discovers_and_closed_for_the_result(
    as_they_come: Callable[..., Page],
) -> None:
    page = as_they_come("temperature/")
    draws = page.locator("#temperature-draws")
    expect(draws).to_be_visible()
    page.get_by_role("button", name="Result").click()
    expect(draws).to_be_hidden()
    page.locator("details.second > summary").click()
    expect(draws).to_be_visible()
    page.get_by_role("button", name="Discover").click()
    draws.scroll_into_view_if_needed()
    page.locator("#temperature-draws > header").evaluate("el => el.scrollIntoView({block: 'start'})")
    top = page.locator("#temperature-draws").evaluate("el => el.getBoundingClientRect().top")
    # what is being looked at stays open, and where it is (a click by Playwright scrolls a page with a sticky bar)
    page.get_by_role("button", name="Result").evaluate("button => button.click()")
    expect(draws).to_be_visible()
    assert abs(page.locator("#temperature-draws").evaluate("el => el.getBoundingClientRect().top") - top) < 2


def test_a_page_prints_with_every_section_open(as_they_come: Callable[..., Page]) -> None:
    page = as_they_come("paths/", live=False)
    expect(page.locator("#depth")).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("#depth")).to_be_visible()


def test_a_terms_card_opens_beside_the_word_and_goes_away(as_they_come: Callable[..., Page]) -> None:
    page = as_they_come("attention/", live=False)
    word = page.get_by_role("button", name="token", exact=True).first
    card = page.locator("#term-token")
    expect(card).to_be_hidden()
    word.focus()
    page.keyboard.press("Enter")
    expect(card).to_be_visible()
    assert prose.terms()["token"] in card.inner_text()
    at, there = word.bounding_box(), card.bounding_box()
    assert at and there and 0 <= there["y"] - (at["y"] + at["height"]) < 20 and abs(there["x"] - at["x"]) < 20
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(word).to_be_focused()


def test_every_word_of_the_glossary_stands_on_its_page(open_page: Callable[..., Page]) -> None:
    page = open_page("words/", live=False)
    names = [name.replace("\u00a0", " ") for name in page.locator("dl.words dt").all_inner_texts()]
    assert names == sorted(prose.terms(), key=str.lower)
    assert page.locator("dl.words dd").count() == len(prose.terms())


def test_the_tools_lie_behind_one_button(open_page: Callable[..., Page], site_directory: Path) -> None:
    page = open_page("temperature/", live=False)
    widget = page.locator("#temperature")
    tools = widget.get_by_role("button", name="Tools", exact=True)
    reset = widget.get_by_role("button", name="Reset")
    expect(reset).to_be_hidden()
    before = widget.bounding_box()
    tools.click()
    expect(reset).to_be_visible()
    assert widget.bounding_box() == before  # the list lies over: nothing moves
    page.keyboard.press("Escape")
    expect(reset).to_be_hidden()
    expect(tools).to_be_focused()
    tools.click()
    page.locator("h1").click()
    expect(reset).to_be_hidden()
    tool(widget, "Show the code")
    expect(widget.locator("#temperature-code")).to_be_visible()
    expect(reset).to_be_hidden()
    for html in site_directory.rglob("index.html"):
        text = html.read_text(encoding="utf-8")
        assert len(re.findall(r"data-tool=\"more\"", text)) == len(re.findall(r"<section class=\"widget\"", text))

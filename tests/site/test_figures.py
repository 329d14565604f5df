"""The list of figures on /demo/: all that the pages' folders have, each with a picture, what it shows, and its code."""

from html import escape

import pytest
from playwright.sync_api import expect
from test_shell import axe

from pages import PAGES

pytestmark = pytest.mark.single_figures

WIDGETS = [widget for page in PAGES for widget in page.widgets]


@pytest.fixture
def page(open_page):
    return open_page("demo/", live=False)


def test_every_figure_is_listed_with_a_still_a_sentence_and_its_code(page):
    items = page.locator(".figures > li")
    expect(items).to_have_count(len(WIDGETS))
    for widget, item in zip(WIDGETS, items.all(), strict=True):
        assert item.get_by_role("heading").text_content() == widget.title
        code = item.locator("code").text_content()
        assert f'<transformer-explainer widget="{widget.slug}">' in code and "</transformer-explainer>" in code
        assert f'embed/{widget.slug}/og.png" alt="{escape(widget.title)}"' in code, "where no script runs"
        assert len(item.locator("p").text_content()) > 20
    page.locator("#figure-transformer").scroll_into_view_if_needed()
    still = page.locator("#figure-transformer iframe").content_frame
    expect(still.locator("svg.climb:visible")).to_have_count(1)
    expect(page.locator("#figure-transformer iframe")).to_have_attribute("src", "../embed/transformer/still.html")
    assert page.locator("#figure-transformer .thumb").evaluate("e => e.inert")


def test_its_code_is_copied_by_its_button(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    item = page.locator("#figure-paths")
    item.get_by_role("button", name="Copy").click()
    expect(item.get_by_role("button", name="Copied")).to_be_visible()
    assert 'widget="paths"' in page.evaluate("navigator.clipboard.readText()")


@pytest.mark.parametrize("width", [360, 1280])
def test_the_list_is_accessible_and_nothing_scrolls_sideways(width, new_page, site):
    page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{site}demo/")
    page.locator(".figures").scroll_into_view_if_needed()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert axe(page) == ""


def test_a_still_needs_no_script_and_only_its_style_sheet(make_context, site):
    page = make_context().new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url.rsplit("/", 1)[-1]))
    page.goto(f"{site}embed/temperature/still.html")
    expect(page.locator("[data-widget=temperature] svg").first).to_be_visible()
    assert not [name for name in asked if name.split("?")[0].endswith((".js", ".wasm", ".data"))], asked

"""/embed/: a figure is chosen and used, and the code is for what is on screen. The figure here is `path-count`."""

from __future__ import annotations

import heights
import pytest
import snippets
from conftest import until, wait_live
from playwright.sync_api import Page, expect

from pages import PAGES

pytestmark = pytest.mark.single_figures
NAME = "How long, and how many"  # path-count
PATHS = next(page for page in PAGES if page.name == "paths")


def code(page: Page, tool: str) -> str:
    return page.locator(f"[data-recipe={tool}] pre code").last.text_content() or ""


@pytest.fixture
def builder(open_page) -> Page:
    page = open_page("embed/", live=False)
    page.get_by_role("combobox", name="Figure").select_option(NAME)
    frame = page.locator(".stage iframe").element_handle().content_frame()
    wait_live(frame)
    return page


def test_the_code_is_for_what_is_on_screen(builder: Page) -> None:
    frame = builder.locator(".stage iframe").element_handle().content_frame()
    assert code(builder, "html") == snippets.form("element", "path-count", NAME)
    frame.evaluate("explainer.set({ tokens: 9 })")
    until(builder, """() => document.querySelector('[data-recipe=html] pre code').textContent.includes('tokens="9"')""")
    builder.get_by_role("combobox", name="Theme").select_option("dark")
    builder.get_by_role("combobox", name="View").select_option("full")
    until(builder, """() => / view="full"/.test(document.querySelector('[data-recipe=html] pre code').textContent)""")
    for tool in ("html", "hugo", "wordpress", "myst", "link"):
        for word in ("path-count", "9", "full", "dark"):
            assert tool == "wordpress" or word in code(builder, tool), (tool, word)
    tall = heights.tall(PATHS, "path-count")["full"]
    assert f'height="{tall}"' in code(builder, "iframe")
    expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
    expect(builder.locator(".room")).to_contain_text(f"{tall} in a text 720 px wide")
    builder.get_by_label("Address of the site").fill("https://a.example/x")
    assert code(builder, "html").startswith('<script src="https://a.example/x/embed.js">')


def test_one_tool_is_shown_at_a_time_and_can_be_linked_to(builder: Page) -> None:
    shown = builder.locator(".recipe:visible h3")
    expect(shown).to_have_text(["Plain HTML"])
    builder.get_by_role("combobox", name="Your tool").focus()
    builder.keyboard.press("H")  # as a keyboard chooses
    expect(shown).to_have_text(["Hugo"])
    assert builder.url.endswith("#recipe-hugo")
    builder.reload()
    expect(shown).to_have_text(["Hugo"])


def test_without_scripts_every_recipe_stands_there(browser_without_scripts: Page) -> None:
    expect(browser_without_scripts.locator(".recipe:visible")).to_have_count(len(snippets.known()["recipes"]))
    expect(browser_without_scripts.locator(".builder")).to_be_hidden()


@pytest.fixture
def browser_without_scripts(the_browser, site: str):
    context = the_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}embed/")
    yield page
    context.close()

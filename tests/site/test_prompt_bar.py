"""One prompt for a page: the field of its first figure, and a bar once that is out of sight."""

from __future__ import annotations

import pytest
from conftest import ABOUT_TEXTS, settle, until
from playwright.sync_api import Page, expect

from explainer.models import lab
from pages import CHAPTERS


def bar(page: Page):
    return page.locator(".prompt-bar")


def go_to(page: Page, figure: str) -> None:
    page.locator(f"#{figure}").evaluate("el => el.scrollIntoView({ block: 'start', behavior: 'instant' })")


@pytest.mark.parametrize("path", [page.path for page in CHAPTERS if page.path in ABOUT_TEXTS])
def test_a_page_shows_one_prompt_at_a_time(path: str, open_page) -> None:
    page = open_page(path, live=False)
    fields = page.locator("[data-bind=prompt]:visible")
    own = page.locator("[data-own-prompt] [data-bind=prompt]")
    expect(own.first).to_be_visible()
    expect(fields).to_have_count(own.count())  # also with all sections open, as they are in these tests
    assert bar(page).evaluate("el => el.inert")
    go_to(page, page.locator(".widget").nth(1).get_attribute("id") or "")
    page.evaluate("scrollBy({ top: 300, behavior: 'instant' })")
    expect(bar(page)).to_be_visible()
    assert not bar(page).evaluate("el => el.inert")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    expect(bar(page)).to_be_hidden()
    assert bar(page).evaluate("el => el.inert")


def test_what_is_typed_in_the_bar_is_the_text_of_the_page(open_page) -> None:
    page = open_page("temperature/")
    go_to(page, "temperature-truth")
    bar(page).get_by_label("Prompt", exact=True).fill("Mia has a red ball. It is")
    settle(page)
    until(page, "() => /prompt=Mia/.test(location.href)")
    rows = page.locator("#temperature-truth [data-figure=beside] tbody")
    best = lab.trace(lab.tokens_of("Mia has a red ball. It is"))["logits"][-1].argmax()
    expect(rows).to_contain_text(lab.names_of((int(best),))[0])
    expect(rows).not_to_contain_text("green")
    expect(page.locator("#temperature [data-bind=prompt]")).to_have_value("Mia has a red ball. It is")
    expect(bar(page)).to_be_visible()


def test_the_bar_shows_what_holds(open_page) -> None:
    page = open_page("temperature/", prompt="Tom has a green kite. It is")
    expect(bar(page).locator("input")).to_have_value("Tom has a green kite. It is")
    page.locator("#temperature [data-bind=prompt]").fill("Beads: blue,")
    settle(page)
    expect(bar(page).locator("input")).to_have_value("Beads: blue,")


def test_the_crank_stays_in_reach(open_page) -> None:
    page = open_page("feedback/")
    go_to(page, "kv-cache")
    bar(page).get_by_role("button", name="Crank").click()
    settle(page)
    until(page, "() => explainer.state().step === 1")
    expect(page.locator("#kv-cache")).to_contain_text("Turn 1")


def test_a_page_without_a_crank_has_none_in_its_bar(open_page) -> None:
    page = open_page("temperature/", live=False)
    go_to(page, "repetition")
    expect(bar(page)).to_be_visible()
    expect(bar(page).locator("[data-bar-crank]")).to_be_hidden()


@pytest.mark.parametrize("path", ["", "embed/temperature/"])
def test_where_there_is_one_figure_alone_there_is_no_bar(path: str, open_page) -> None:
    expect(bar(open_page(path, live=False))).to_have_count(0)


def test_the_bar_names_the_model_and_leads_to_its_choice(open_page) -> None:
    page = open_page("temperature/")
    go_to(page, "repetition")
    bar(page).get_by_role("button", name="Model: storyteller").click()
    expect(page.locator("[data-model-choice]")).to_be_focused()
    expect(page.locator("[data-model-choice]")).to_be_in_viewport()
    page.evaluate("() => { document.documentElement.dataset.model = 'file'; }")
    go_to(page, "repetition")
    expect(bar(page).locator("[data-bar-model]")).to_have_text("your file")

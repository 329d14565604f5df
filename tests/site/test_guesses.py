"""A guess, answered where it is made and below its figure: by mouse or keyboard, kept, readable without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from pages import CHAPTERS

PAGES = [page.name for page in CHAPTERS]


@pytest.mark.parametrize("path", PAGES)
def test_each_guess_gets_its_own_answer_and_no_other(open_page, path):
    page = open_page(f"{path}/", live=False)
    expect(page.locator("html")).not_to_have_attribute("data-explainer", "failed")
    guesses = page.locator("[data-guess]")
    assert guesses.count() > 0
    expect(page.locator("[data-answer] p:visible")).to_have_count(0)
    for n, guess in enumerate(guesses.all()):
        name = guess.get_attribute("data-guess")
        options = guess.get_by_role("radio")
        answers = page.locator(f'[data-answer="{name}"] p')
        expect(answers).to_have_count(options.count())
        for k in (options.count() - 1, 0):
            guess.locator("label").nth(k).click()
            visible = page.locator(f'[data-answer="{name}"] p:visible')
            expect(visible).to_have_count(1)
            expect(visible).to_have_attribute("data-option", str(k))
            expect(visible.locator(".yours")).to_contain_text(guess.locator("label").nth(k).inner_text())
            said = visible.text_content().removeprefix(visible.locator(".yours").text_content()).strip()
            assert len(said) > 2
            expect(guess.get_by_role("status")).to_have_text(said)  # where it is made, at once
        expect(page.locator("[data-answer] p:visible")).to_have_count(n + 1)


def test_a_guess_is_made_by_keyboard_and_kept_for_the_visit(open_page):
    page = open_page("paths/")
    guess = page.locator('[data-guess="written"]')
    guess.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(guess.get_by_role("radio").nth(2)).to_be_checked()
    page.reload()
    expect(guess.get_by_role("radio").nth(2)).to_be_checked()
    expect(page.locator('[data-answer="written"] p:visible')).to_have_attribute("data-option", "2")
    expect(guess.get_by_role("status")).not_to_be_empty()
    assert "written=" not in page.url  # a guess is nobody's state but the reader's


@pytest.mark.parametrize("path", PAGES)
def test_an_answer_stands_in_sight_and_moves_nothing_above_it(path, new_page, site):
    page = new_page(viewport={"width": 360, "height": 800})
    page.goto(f"{site}{path}/")
    for guess in page.locator("[data-guess]").all():
        guess.evaluate("el => el.scrollIntoView({block: 'start', behavior: 'instant'})")
        before = guess.locator("legend").bounding_box()
        chosen = guess.locator("label").last
        chosen.evaluate("el => el.querySelector('input').click()")
        said = guess.get_by_role("status")
        expect(said).not_to_be_empty()
        name = guess.get_attribute("data-guess")
        assert guess.locator("legend").bounding_box() == before, name
        assert said.bounding_box()["y"] - chosen.bounding_box()["y"] < 200, name  # right below what was chosen


def test_the_result_has_no_guesses(open_page):
    page = open_page("feedback/", mode="result", live=False)
    expect(page.locator("[data-guess]:visible")).to_have_count(0)
    expect(page.locator("[data-answer] p:visible")).to_have_count(0)


def test_without_scripts_all_answers_stand_there(make_context, site):
    page = make_context(java_script_enabled=False).new_page()
    page.goto(f"{site}temperature/")
    answers = page.locator('[data-answer="half"] p')
    expect(answers).to_have_count(3)
    for k, option in enumerate(page.locator('[data-guess="half"] label').all_inner_texts()):
        expect(answers.nth(k)).to_be_visible()
        expect(answers.nth(k)).to_contain_text(option)


@pytest.mark.parametrize("path", PAGES)
def test_a_footnote_leads_back_to_the_mode_that_is_read(open_page, path):
    page = open_page(f"{path}/", live=False)
    for mode in ("Discover", "Result"):
        page.get_by_role("button", name=mode, exact=True).click()
        for link in page.locator(".footnote-backref").all():
            if link.is_visible():
                expect(page.locator(f'[id="{(link.get_attribute("href") or "")[1:]}"]')).to_be_visible()

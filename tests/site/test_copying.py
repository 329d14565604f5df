"""/copying/ in a real browser: a word nobody wrote is copied, a press breaks it; the hand-made model loses its head."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from explainer.models import lab
from explainer.studies import circuit
from explainer.ui.html import percent
from pages.copying.facts import duel, formation

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def shares(page: Page) -> list[float]:
    """How often each machine is right, as the figure says it."""
    said = figure(page, "copier-by-hand").locator(".learner-says").all_inner_texts()[1:]
    return [float(re.search(r"([\d.]+)\s%", words)[1]) / 100 for words in said]


def test_a_word_is_made_up_and_copied_and_a_press_breaks_the_copy(open_page):
    page = open_page("copying/")
    hero = figure(page, "copy-circuit")
    hero.get_by_label("Your made-up word").fill("Wobrixel")
    expect(hero.get_by_label("Prompt")).to_have_value("Magic: Wo-b-ri-xe-l. Again: Wo-b-ri-xe")
    found = circuit.circuit(lab.tokens_of("Magic: Wo-b-ri-xe-l. Again: Wo-b-ri-xe"))
    says = hero.locator("figcaption.says")
    expect(says).to_contain_text(f"l has {percent(found.chance)}".replace(" %", "\u00a0%").replace("\u00a0", " "))
    hero.get_by_role("button", name="Cut the second step").click()
    expect(says).to_contain_text(f"{percent(found.second_cut)} instead of")
    expect(page).to_have_url(re.compile(r"[?&]cut="))


def test_one_head_out_silences_the_hand_made_model_and_not_the_trained_one(open_page):
    page = open_page("copying/")
    both = figure(page, "copier-by-hand")
    both.scroll_into_view_if_needed()
    both.get_by_label("Letters, said twice").fill("wolpertz")
    expect(both.locator(".note-cell.given")).to_have_count(16)
    settle(page)
    assert shares(page)[0] == 1
    both.get_by_label("Take out").select_option("first")
    expect(both.locator(".learner", has_text="Made by hand").locator(".learner-says")).to_have_text("0 % right")
    both.get_by_label("Whose heads").select_option("4")
    expect(both.locator(".learner", has_text="Trained, 4 layers")).to_contain_text("without its first head")
    settle(page)
    for who, share in zip((duel.HAND, "4", "1"), shares(page), strict=True):
        out = "first" if who == "4" else "nothing"
        assert share == pytest.approx(duel.attempt(who, "wolpertz", out).right, abs=0.005)


def test_the_clock_of_the_checkpoints_goes_where_the_slider_goes(open_page):
    page = open_page("copying/", stop=12, what="prefix")
    forms = figure(page, "copying-forms")
    expect(forms).to_contain_text("1,765")
    forms.get_by_role("slider", name="Training step").focus()
    page.keyboard.press("Home")
    four = formation.along(4)[0]
    expect(forms.locator(".look").nth(2).locator("p b").first).to_have_text(percent(four.right.value))

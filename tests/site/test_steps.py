"""/steps/ in a real browser: one press trains two learners, and the page stays the reader's meanwhile."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle, stopped, until, wait_live
from playwright.sync_api import Page, expect

from pages.steps.facts import deep, games, pairs
from pages.steps.facts.pairs import SEED

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here

SHARES = """(root) => [...root.querySelectorAll('.answer-row')].map(
  (row) => [...row.querySelectorAll('.share')].map((bar) => Number(bar.dataset.v)))"""


def steps(page: Page):
    return page.locator('[data-widget="steps"]')


def shares(page: Page) -> list[list[float]]:
    return steps(page).evaluate(SHARES)


def test_the_still_is_the_kept_run(open_page):
    page = open_page("steps/", live=False)
    for drawn, run in zip(shares(page), pairs.kept_run("shell", SEED)[pairs.PLAN.steps].accuracy, strict=True):
        assert drawn == pytest.approx(run, abs=1e-3)
    expect(steps(page)).to_contain_text("A kept run")


def test_one_press_and_one_is_right_on_all_twenty_while_the_other_is_lost(open_page):
    page = open_page("steps/")
    steps(page).get_by_role("button", name="Train").click()
    expect(steps(page).get_by_role("button", name="Pause")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]watch=shell(&|$)"))
    expect(steps(page).get_by_role("button", name="Train again")).to_be_visible(timeout=4 * LIVE)
    once, wrote = shares(page)
    assert min(wrote) >= 0.99 and max(once[4:]) < 0.5
    expect(steps(page)).to_contain_text(f"Now, seed {SEED}: step 200 of 200")
    bars = (
        steps(page)
        .locator(".answer-row.second .share")
        .evaluate_all(
            """all => all.map((el) => parseFloat(getComputedStyle(el, '::before').height)
              / el.getBoundingClientRect().height)"""
        )
    )
    assert bars == pytest.approx(wrote, abs=0.05), "columns are as high as their shares"


@pytest.mark.parametrize("game", ["parity", "s3"])
def test_other_games_are_learnt_by_who_writes_and_not_at_once(open_page, game):
    page = open_page("embed/other-games/", watch=game, seed=SEED)
    expect(page.locator(".run-says").first).to_contain_text("Now, seed")
    until(page, f"""() => {{
            const [, wrote] = ({SHARES})(document);
            return Math.min(...wrote) >= 0.99;
        }}""", timeout=4 * LIVE)  # fmt: skip
    once, _ = page.locator('[data-widget="other-games"]').evaluate(SHARES)
    chance = pairs.CONTESTS[game].chance
    assert all(share < chance + 0.25 for share in once[10:]), "more than half of the way it guesses"


def test_an_address_starts_it_and_the_reader_does_something_else_meanwhile(open_page):
    page = open_page("steps/", watch="shell", seed=7)
    expect(steps(page)).to_contain_text("Now, seed 7")
    steps(page).scroll_into_view_if_needed()
    until(page, "() => Number(document.querySelector('[data-widget=steps] .contest').dataset.step) >= 20", timeout=LIVE)
    own = page.locator('[data-widget="shell-game"]')
    there = games.game(4, 8).ball[-1] + 1
    own.get_by_role("button", name=f"cup {there}").click()
    expect(own).to_contain_text(f"Yes, cup {there}.")
    steps(page).get_by_role("button", name="Pause").click()
    expect(steps(page).get_by_role("button", name="Train", exact=True)).to_be_visible()
    settle(page)
    before = steps(page).locator(".run-says").first.inner_text()
    assert "step 200 of 200" not in before, "the game was answered while it trained"
    steps(page).get_by_role("button", name="One step").click()
    expect(steps(page).locator(".run-says").first).not_to_have_text(before)
    steps(page).get_by_role("button", name="Rewind").click()
    expect(steps(page).locator(".run-says").first).to_contain_text("step 0 of 200")


def test_it_stops_out_of_sight_and_goes_on_when_it_is_seen_again(open_page):
    page = open_page("steps/", watch="shell")
    steps(page).scroll_into_view_if_needed()
    until(page, "() => Number(document.querySelector('[data-widget=steps] .contest').dataset.step) >= 10", timeout=LIVE)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    assert stopped(page, "steps") < 200
    steps(page).scroll_into_view_if_needed()
    expect(steps(page).get_by_role("button", name="Train again")).to_be_visible(timeout=4 * LIVE)


def test_another_page_answers_while_this_one_trains(open_page):
    page, other = open_page("steps/", watch="shell"), open_page("embed/temperature/", t=1)
    slider = other.get_by_role("slider", name="Temperature")
    slider.focus()
    other.keyboard.press("End")
    expect(other.locator(".field-range output")).to_have_text("10")
    wait_live(other)
    steps(page).scroll_into_view_if_needed()
    expect(steps(page).get_by_role("button", name="Train again")).to_be_visible(timeout=4 * LIVE)


def test_a_changed_note_misleads_all_that_follow(open_page):
    page = open_page("steps/")
    own = page.locator('[data-widget="forged-step"]')
    slider = own.get_by_role("slider", name="Change the note after swap")
    slider.focus()
    page.keyboard.press("Home")
    expect(own.locator(".note-cell.wrong")).to_have_count(19)
    page.keyboard.press("End")
    expect(own.locator(".note-cell.wrong")).to_have_count(0)


def test_the_slider_of_layers_is_moved_by_keyboard_and_the_link_keeps_it(open_page):
    page = open_page("steps/")
    own = page.locator('[data-widget="more-layers"]')
    own.get_by_role("slider", name="Layers").focus()
    page.keyboard.press("End")
    expect(own.locator(".answer-row.first b")).to_have_text("At once, 6 layers")
    expect(page).to_have_url(re.compile(r"[?&]layers=6(&|$)"))
    settle(page)
    drawn = own.evaluate(SHARES)
    assert drawn[0] == pytest.approx(deep.accuracy("at once", 6), abs=1e-3)
    assert drawn[1] == pytest.approx(deep.accuracy("written"), abs=1e-3)
    said = own.locator(".note-cell").all_inner_texts()[: pairs.MOVES]
    assert [int(place) - 1 for place in said] == list(deep.says("at once", 6, games.game(4)))


def test_the_loop_without_words_trains_where_its_address_is_opened(open_page):
    page = open_page("embed/latent-loop/", watch="latent", seed=3)
    own = page.locator('[data-widget="latent-loop"]')
    expect(own).to_contain_text("Now, seed 3")
    until(page, "() => Number(document.querySelector('[data-widget=latent-loop] .contest').dataset.step) >= 20",
          timeout=2 * LIVE)  # fmt: skip
    own.get_by_role("button", name="Pause").click()
    expect(own.get_by_role("button", name="Train", exact=True)).to_be_visible()
    settle(page)
    at = own.locator(".contest").get_attribute("data-step")
    mine = pairs.course("latent", 3)
    mine.step_to(int(at))
    for drawn, native in zip(own.evaluate(SHARES), mine.moments[int(at)].accuracy, strict=True):
        assert drawn == pytest.approx(native, abs=0.08), "what is trained here is what is trained natively"

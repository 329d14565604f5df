"""/training/ in a real browser: one press trains, the page stays the reader's meanwhile, and out of sight it stops."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle, stopped, until
from playwright.sync_api import Page, expect

from pages.training.facts import copying, own_text

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here

POEM = "\n".join(["The sun is up, the cat is out,", "the dog is all about."] * 12)


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def shares(page: Page) -> list[float]:
    """How often two layers and one are right, as the figure says it."""
    said = figure(page, "copying").locator(".learner-says").all_inner_texts()[1:]
    return [float(re.search(r"([\d.]+)\s%", words)[1]) / 100 for words in said]


def reached(page: Page, slug: str, step: int, timeout: int = 4 * LIVE) -> None:
    until(page, f"(n) => Number(document.querySelector('[data-widget={slug}] [data-step]')?.dataset.step) >= n", step,
          timeout=timeout)  # fmt: skip


def test_an_address_trains_two_layers_until_they_copy_while_one_does_not(open_page):
    page = open_page("training/", live=False)
    for drawn, kept in zip(shares(page), copying.kept_run(copying.SEED)[copying.STEPS].right, strict=True):
        assert drawn == pytest.approx(kept, abs=0.05)  # another number of BLAS threads rounds otherwise
    page = open_page("training/", watch="induction")
    expect(figure(page, "copying")).to_contain_text("Now, seed 0")
    figure(page, "copying").scroll_into_view_if_needed()
    reached(page, "copying", 40)
    figure(page, "copying").get_by_role("button", name="Pause").click()
    says = figure(page, "copying").locator(".run-says").first
    expect(figure(page, "copying").get_by_role("button", name="Train", exact=True)).to_be_visible()
    settle(page)
    before = says.inner_text()
    assert max(shares(page)) < 0.6 and "steps a second in your browser" in before
    figure(page, "copying").get_by_role("button", name="One step").click()
    expect(says).not_to_have_text(before)
    figure(page, "copying").get_by_role("slider", name="Training step").focus()
    page.keyboard.press("Home")
    expect(figure(page, "copying").locator("[data-step='0']")).to_be_visible()
    figure(page, "copying").get_by_role("button", name="Rewind").click()
    expect(says).to_contain_text("step 0 of 600")
    figure(page, "copying").get_by_role("button", name="Train", exact=True).click()
    expect(figure(page, "copying").get_by_role("button", name="Train again")).to_be_visible(timeout=8 * LIVE)
    two, one = shares(page)
    assert two >= 0.9 and one < 0.4
    looks = figure(page, "copying").locator(".look p b").all_inner_texts()
    assert float(looks[1].split()[0]) > 60 > 30 > float(looks[2].split()[0])


def test_sums_never_seen_are_understood_long_after_the_list_is_known(open_page):
    page = open_page("embed/grokking/", watch="grok", seed=0)
    expect(page.locator(".run-says").first).to_contain_text("Now, seed 0")
    until(page, """() => {
            const shown = document.querySelectorAll('[data-widget=grokking] dl > div dd [data-v]');
            const [heart, unseen] = [...shown].slice(-2).map((el) => Number(el.dataset.v));
            window.known ??= heart >= 0.99 ? { heart, unseen } : undefined;
            return unseen >= 0.99;
        }""", timeout=8 * LIVE)  # fmt: skip
    then = page.evaluate("window.known")
    assert then["unseen"] < 0.5, "at first it knows a list by heart"


def test_the_other_two_start_by_their_addresses_and_nothing_trains_out_of_sight(open_page):
    page = open_page("training/", watch="grok", decay=0)
    sums = figure(page, "grokking")
    sums.scroll_into_view_if_needed()
    reached(page, "grokking", 25)
    page.evaluate("scrollTo(0, 0)")
    assert stopped(page, "grokking") < 1000
    own = figure(page, "own-text")
    field = own.get_by_label("Your text")
    field.scroll_into_view_if_needed()
    field.fill("Too short.")
    expect(own.locator(".aside.problem")).to_contain_text(f"Paste {own_text.LEAST - 10} more")
    expect(own.get_by_role("button", name="Train")).to_have_count(0)
    field.fill(POEM)
    expect(own).to_contain_text("it learns your text")
    own.get_by_role("button", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile(r"[?&]watch=text(&|$)"))
    reached(page, "own-text", 20)
    expect(own.locator(".writes .was")).to_have_text(POEM[: -max(len(POEM) // 10, 33)][-own_text.GIVEN :])
    expect(field).to_have_value(POEM)
    own.get_by_role("button", name="Pause").click()
    expect(own.get_by_role("button", name="Train", exact=True)).to_be_visible()

"""/machines/ in a real browser: the browser's numpy writes the same cells, and ends at the same cell."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from pages.machines.facts import addressing, automata, turing

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def cells(page: Page) -> list[str]:
    """The rows of the first picture, from the table under it."""
    rows = figure(page, "automaton").locator("table.numbers tbody tr td:nth-child(2)")
    return [row for row in rows.all_text_contents() if re.fullmatch(f"[01]{{{automata.WIDTH}}}", row)]


def drawn(rule: int, start: str) -> list[str]:
    return ["".join(map(str, row)) for row in automata.run(rule, start, 0).rows.tolist()]


def test_one_press_changes_one_outcome_and_all_rows(open_page):
    page = open_page("machines/")
    assert cells(page) == drawn(110, "right")
    own = figure(page, "automaton")
    expect(own).to_contain_text("none is wrong")
    own.get_by_role("button", name="under empty empty empty: filled").click()
    expect(page).to_have_url(re.compile(r"[?&]rule=111(&|$)"))
    expect(own.locator(".by-hand b")).to_have_text("Rule 111")
    settle(page)
    assert cells(page) == drawn(111, "right")
    own.get_by_role("button", name="Rule 90").click()
    expect(own.locator(".by-hand b")).to_have_text("Rule 90")
    settle(page)
    assert cells(page) == drawn(90, "middle")
    expect(own).to_contain_text("none is wrong")


@pytest.mark.parametrize(("word", "end"), [("1001", "yes"), ("100", "no")])
def test_the_machine_is_played_to_its_end(open_page, word, end):
    log = turing.log("palindrome", word)
    page = open_page("machines/", word=word, step=log.steps - 2)
    own = figure(page, "turing-machine")
    own.get_by_role("button", name="Play").click()
    expect(own.locator(".step-name")).to_contain_text(f"Stopped after {log.steps} steps. {log.program.ends[end]}")
    expect(own.locator("table.rules-table td.open")).to_have_count(0)
    own.get_by_role("button", name="Previous step").click()
    expect(own.locator("table.rules-table td.open")).to_have_text(re.compile(f"^{re.escape(log.tokens[-1])}"))


def test_another_machine_begins_at_its_start_and_a_word_that_cannot_be_is_refused(open_page):
    page = open_page("machines/")
    own = figure(page, "turing-machine")
    own.get_by_role("combobox", name="Machine").select_option("increment")
    expect(own.locator(".step-name")).to_contain_text("Step 0 of")
    own.get_by_label("Word of 0 and 1").fill("12")
    expect(own).to_contain_text("0 and 1 only")
    own.get_by_label("Word of 0 and 1").fill("111")
    steps = turing.log("increment", "111").steps
    expect(own.locator(".step-name")).to_contain_text(f"Step 0 of {steps}")


def test_its_addresses_end_where_they_end_natively(open_page):
    """Another BLAS adds up in another order: the limit is where it was counted, not where it happened to be."""
    first = addressing.first_lost(addressing.SEARCHED)
    page = open_page("machines/", cell=first - 1)
    own = figure(page, "addressing")
    expect(own).to_contain_text(f"It reads what was written in cell {first - 1:,}: 100 %")
    own.get_by_role("button", name=f"{first:,}", exact=True).click()
    expect(own).to_contain_text(f"It cannot tell cell {first:,} from those beside it")

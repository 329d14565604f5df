"""/machines/ in a real browser: the machines that were trained to copy, computed by the browser's numpy."""

from __future__ import annotations

import re

import pytest
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from explainer.live import memory as kept_models
from pages.machines.facts import memory as facts
from pages.machines.views import memory as views

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page):
    return page.locator('[data-widget="copying-machines"]')


def verdict(length: int, sequence: int = 0, slots: int = kept_models.SLOTS, positions="rope") -> str:
    one, other = facts.from_memory(sequence, length, slots), facts.from_tape(sequence, length, positions)
    return views.said(length, facts.steps(length), one, other, sequence)


def test_a_longer_sequence_and_other_words_are_copied_as_natively(open_page):
    page = open_page("machines/", length=9)
    own = figure(page)
    expect(own.locator(".told").first).to_have_text(verdict(9))
    own.get_by_label("Words to copy").fill("30")
    expect(own.locator(".told").first).to_have_text(verdict(30))
    expect(page).to_have_url(re.compile(r"[?&]length=30(&|$)"))
    own.get_by_role("button", name="Other words").click()
    expect(own.locator(".told").first).to_have_text(verdict(30, 1))


def test_it_is_stepped_and_played_to_its_end(open_page):
    page = open_page("machines/", length=4)
    own = figure(page)
    expect(own.locator(".told").first).to_have_text(verdict(4))
    own.get_by_role("button", name="Next step").click()
    expect(own.locator(".told").first).to_have_text("Step 1 of 9: they are given word 1.")
    own.get_by_role("button", name="Play").click()
    expect(own.locator(".told").first).to_have_text(verdict(4))


def test_fewer_slots_are_overwritten_and_the_table_says_where(open_page):
    page = open_page("machines/", length=24)
    own = figure(page)
    own.get_by_role("combobox", name="Slots of the memory").select_option("16")
    expect(own.locator(".told").first).to_have_text(verdict(24, slots=16))
    settle(page)
    one = facts.from_memory(0, 24, 16)
    cells = own.locator("table.numbers tbody tr td:nth-child(4)").all_text_contents()
    assert [int(x) for x in cells] == one.written.argmax(axis=1).tolist()

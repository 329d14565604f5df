"""/machines/, Inside: in the reader's browser the tools of the site show the numbers of weights written by hand."""

from __future__ import annotations

import re

import numpy as np
import pytest
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from pages.machines.facts import inside

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=LIVE)  # a busy machine; nothing is timed here


def figure(page: Page, slug: str):
    return page.locator(f'[data-widget="{slug}"]')


def test_another_column_is_pinned_by_keys_and_says_its_own_answer(open_page):
    """The grid of paths: "inside"."""
    page = open_page("machines/")
    own = figure(page, "inside")
    there = inside.of("turing", inside.FIRST)
    expect(own).to_contain_text("mlp 1 alone changes the odds")
    pinned = own.locator(".node[aria-pressed=true]")
    pinned.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"[?&]column=7(&|$)"))
    expect(own).to_contain_text("attention 0 alone changes the odds")
    settle(page)
    expect(own.locator(".told")).to_contain_text(there.names[8])  # what stands behind it in the text
    _, shares = inside.paths(there)
    drawn = own.locator(".edge[style]").evaluate_all("arrows => arrows.map(a => Number(a.dataset.v))")
    np.testing.assert_allclose(sorted(drawn), sorted(shares.values()), rtol=1e-5)


def test_the_steps_are_walked_and_a_number_says_how_it_was_made(open_page):
    """The ten steps and the MLP: "inside-steps"."""
    page = open_page("machines/", inside="rule", column=8)
    own = figure(page, "inside-steps")
    name = own.locator("[data-step-name]")
    for title in ("No LayerNorm", "q, k, v", "Scores", "Scale, distance", "Mask", "Softmax"):
        own.get_by_role("button", name="Next step").click()
        expect(name).to_contain_text(title)
    own.locator(".rail button").last.click()
    expect(name).to_contain_text("Step 11 of 11: MLP")
    there = inside.of("rule", inside.FIRST)
    rows = own.locator('[data-figure="resid-post"] tbody tr')
    shown = dict(zip(rows.locator("th").all_inner_texts(), rows.evaluate_all(
        "rows => rows.map(row => Number(row.querySelector('td:last-child').dataset.v))"), strict=True))  # fmt: skip
    stream = there.trace["blocks.0.resid_post"][8]
    wanted = {n: float(x) for n, x in zip(there.called["D"], stream, strict=True)}
    assert {n: pytest.approx(x, abs=1e-5) for n, x in wanted.items() if n in shown} == shown and "read" in shown
    own.locator(".rail button").nth(7).click()
    cell = own.locator('[data-figure="z"] tbody tr').last.locator("td").first
    cell.hover()
    expect(own.locator('[data-figure="z"] [data-readout]')).to_contain_text("=")


def test_what_cannot_be_copied_is_refused_and_another_machine_goes_where_something_is_seen(open_page):
    """The machine and its text: "inside"."""
    page = open_page("machines/")
    own = figure(page, "inside")
    own.get_by_role("combobox", name="Machine").select_option("copier")
    field = own.get_by_label("Letters, said twice")
    expect(field).to_have_value("qxjv")
    expect(own.locator(".told")).to_contain_text("attention 1 alone")
    field.fill("abcdefg")
    expect(own).to_contain_text("This takes two to 5 letters")
    field.fill("abc")
    expect(own.locator(".node[aria-pressed=true]")).to_have_attribute("aria-label", re.compile("^F2, b, "))
    expect(own.locator(".told")).to_contain_text("Behind F")

"""The temperature page in a real browser, on the built site; expected numbers come from calling explainer here."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import numpy as np
import pytest
from conftest import LIVE, settle, tool, until, wait_live
from playwright.sync_api import Locator, Page, expect

from explainer import corpus
from explainer.corpus.examples import PROMPTS
from explainer.kernel import sampling
from explainer.kernel.temperature import chain, expected_total_variation, gap
from explainer.models import lab
from explainer.studies import forecast, next_token
from explainer.ui.html import how_many, number, percent
from pages.temperature.facts import draws, machine, repetition
from pages.temperature.page import PROMPT, SEED
from pages.temperature.views.chain import ROWS
from pages.temperature.views.parts import fine, times

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=30_000)  # a busy machine; nothing is timed here


def widget(page: Page, slug: str) -> Locator:
    return page.locator(f'[data-widget="{slug}"]')


def look(prompt: str = PROMPT, t: float = 0.5, **cuts) -> next_token.NextToken:
    return next_token.next_token(lab.tokens_of(prompt), t, **cuts)


def exact_values(page: Page, slug: str, figure: str) -> list[list[str]]:
    """All body rows of a figure's first table: exact values, or texts where a cell has none."""
    return page.locator(f'[data-widget="{slug}"] [data-figure="{figure}"] table').first.evaluate(
        "t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.dataset.v ?? c.textContent.trim()))"
    )


def numbers(row: list[str]) -> list[float]:
    return [float(x) for x in row]


def stretches(page: Page, kind: str = "piece") -> list[float]:
    """What the stretches of the machine say, from left to right."""
    found = page.locator(f'[data-widget="temperature"] svg.machine.wide .{kind}')
    return found.evaluate_all("all => all.map(el => Number(el.dataset.v))")


def widths(page: Page, layout: str = "wide") -> list[float]:
    """How wide they are on the screen."""
    found = page.locator(f'[data-widget="temperature"] svg.machine.{layout} .piece')
    return found.evaluate_all("all => all.map(el => el.getBoundingClientRect().width)")


def beads(page: Page) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """(number, place) of the beads of the two rulers, the best first."""
    found = page.locator('[data-widget="temperature"] svg.machine.wide .bead').evaluate_all(
        "all => all.map(el => [Number(el.dataset.v), new DOMMatrix(getComputedStyle(el).transform).e]).reverse()"
    )
    return [tuple(x) for x in found[1::2]], [tuple(x) for x in found[::2]]


def set_slider(page: Page, slug: str, position: float) -> None:
    """Move the temperature slider of a widget to 10^position, as a reader's hand does."""
    slider = widget(page, slug).get_by_role("slider", name="Temperature")
    slider.evaluate(
        """(el, v) => { el.value = v; el.dispatchEvent(new Event('input', {bubbles: true}));
        el.dispatchEvent(new Event('change', {bubbles: true})); }""",
        position,
    )


# ---------------------------------------------------------------- the chain


def test_chain_of_the_whole_vocabulary(open_page):
    page = open_page("temperature/", t="0.5")
    found = exact_values(page, "temperature", "chain")
    expected = look()
    assert len(found) == ROWS
    by_name = {row[0]: numbers(row[1:]) for row in found}
    for token in expected.order[:ROWS]:
        made = expected.chain
        assert by_name[lab.tokenizer().display(int(token))] == pytest.approx(
            [made.logits[token], made.scaled[token], made.grown[token], made.probs[token]], rel=1e-4, abs=1e-9
        )


def test_slider_moves_the_bars_within_the_page(open_page):
    page = open_page("temperature/")
    set_slider(page, "temperature", 0.3)
    cell = widget(page, "temperature").locator('[data-figure="chain"] tbody tr').first.locator("td").last
    p = float(look(t=2.0).final.max())
    expect(cell).to_have_text(percent(p))
    expect(widget(page, "temperature").locator(".facts")).to_contain_text("a logit of 20 becomes10")  # 20 / 2
    expect(page).to_have_url(re.compile(r"[?&]t=2(&|$)"))
    # the figures out of sight catch up when the slider rests
    expect(widget(page, "temperature-truth").locator('[data-figure="beside"] figcaption')).to_contain_text("At T = 2")


def test_slider_by_keyboard(open_page):
    page = open_page("embed/temperature/", t="1")
    slider = widget(page, "temperature").get_by_role("slider", name="Temperature")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("1.02")
    page.keyboard.press("End")
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("10")
    page.keyboard.press("Home")
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("0.01")


def test_limits_are_exact(open_page):
    page = open_page("embed/temperature/")
    w = widget(page, "temperature")
    w.get_by_role("button", name="T → ∞").click()
    expect(w.locator(".facts")).to_contain_text(f"{lab.tokenizer().n_vocab} equal choices")
    expect(page).to_have_url(re.compile(r"[?&]t=inf(&|$)"))
    shares = {row[-1] for row in exact_values(page, "temperature", "chain")}
    assert shares == {str(1 / lab.tokenizer().n_vocab)}
    w.get_by_role("button", name="T → 0").click()
    expect(w.locator(".facts")).to_contain_text("100 %")
    shares = [float(row[-1]) for row in exact_values(page, "temperature", "chain")]
    assert shares[0] == 1 and not any(shares[1:])
    w.get_by_role("button", name="0.01", exact=True).click()
    expect(w.locator(".field-range output")).to_have_text("0.01")
    assert all(x == x for row in exact_values(page, "temperature", "chain") for x in numbers(row[1:]))


@pytest.mark.parametrize("prompt", [PROMPT, "", PROMPTS["copy a name"][0]])
def test_shares_are_shares_at_every_temperature(open_page, prompt):
    """Nowhere between the two limits, nor at them, a share above 1, below 0, not a number, or a sum that is not 1."""
    page = open_page("embed/temperature/", t="1", prompt=prompt)
    w = widget(page, "temperature")
    w.get_by_text(re.compile("^All .* tokens")).click()
    logits = lab.trace(lab.tokens_of(prompt))["logits"][-1]
    for t in (0, 0.01, 0.02, 0.1, 0.5, 1, 2, 10, math.inf):
        page.evaluate("t => explainer.set({t})", "inf" if math.isinf(t) else t)
        settle(page)
        shares = np.array(
            w.locator(".all-tokens tbody").evaluate(
                "b => [...b.rows].sort((a, z) => a.dataset.i - z.dataset.i).map(r => r.cells[3].dataset.v)"
            ),
            dtype=float,
        )
        assert np.isfinite(shares).all() and (shares >= 0).all() and (shares <= 1).all(), t
        assert shares.sum() == pytest.approx(1, abs=1e-9), t
        want = np.sort(chain(logits, t).probs)[::-1]
        np.testing.assert_allclose(np.sort(shares)[::-1], want, rtol=2e-3, atol=1e-9, err_msg=f"T = {t}")
        figures = [float(x) for row in exact_values(page, "temperature", "chain") for x in row[1:] if x]
        assert not np.isnan(figures).any(), t  # z / 0 is infinite, and says so; nothing is undefined


def test_what_is_stretched_is_the_difference(open_page):
    page = open_page("embed/temperature/", t="0.5")
    w = widget(page, "temperature")
    expect(w.locator(".facts")).to_contain_text("a logit of 20 becomes40")
    first, second = look(t=0.5).pair
    between = gap(look(t=0.5).chain, first, second)
    display = lab.tokenizer().display
    expect(w).to_contain_text(
        f"{display(first)} is {fine(between.before)} ahead of {display(second)}, "
        f"so e{fine(between.before)} ≈ {times(between.odds_before)} times as likely at T = 1. "
        f"Divided by T = 0.5 it is {fine(between.after)} ahead: "
        f"e{fine(between.after)} ≈ {times(between.odds_after)} times as likely."
    )
    assert between.after == pytest.approx(2 * between.before)
    upper, lower = beads(page)
    assert [v for v, _ in lower] == pytest.approx([2 * v for v, _ in upper], rel=1e-6, abs=1e-9)
    start = upper[0][1]
    for (_, a), (v, b) in zip(upper[1:], lower[1:], strict=True):
        assert b - start == pytest.approx(2 * (a - start), abs=0.3) and v > 0


def test_hover_says_how_a_number_was_made(open_page):
    page = open_page("temperature/", t="0.5")
    figure = page.locator('[data-widget="temperature"] [data-figure="chain"]')
    made = look().chain
    token = int(look().order[0])
    z, scaled, grown, share = (float(x[token]) for x in (made.logits, made.scaled, made.grown, made.probs))
    cells = figure.locator("tbody tr").first.locator("td")
    readout = figure.locator("[data-readout]")
    for column, told, value in (
        (0, "", z),
        (1, f"{fine(z)} ÷ 0.5 ≈ {fine(scaled)}: 0 from the best; exactly ", scaled),
        (3, f"{number(grown)} ÷ {number(made.total)} ≈ {percent(share)}; exactly ", share),
    ):
        cells.nth(column).hover()
        expect(readout).to_contain_text(f"{lab.tokenizer().display(token)} → ")
        expect(readout).to_contain_text(told)
        exact = readout.inner_text().replace("−", "-").removesuffix(".").split(told or ": ")[-1]
        assert len(exact) >= 6 and float(exact) == pytest.approx(value, rel=1e-5)


def test_all_tokens_are_listed_and_searched_in_the_page(open_page):
    page = open_page("embed/temperature/", t="2")
    w = widget(page, "temperature")
    w.get_by_text(re.compile("^All .* tokens")).click()
    rows = w.locator(".all-tokens tbody tr")
    expect(rows).to_have_count(lab.tokenizer().n_vocab)
    shares = w.locator(".all-tokens tbody").evaluate("b => [...b.rows].map(r => Number(r.cells[3].dataset.v))")
    assert sum(shares) == pytest.approx(1)
    w.get_by_label("Find a token").fill(" ki")
    visible = [t for t in range(lab.tokenizer().n_vocab) if "␣ki" in lab.tokenizer().display(t).lower()]
    expect(w.locator(".all-tokens tbody tr:visible")).to_have_count(len(visible))
    expect(w.locator(".found")).to_have_text(f"{len(visible)} of {lab.tokenizer().n_vocab} tokens")
    # a move of the slider keeps the list open, the search as it is, and brings the new shares
    before = w.locator(".all-tokens tbody tr:visible").first.locator("td").last.get_attribute("data-v")
    set_slider(page, "temperature", 0.0)
    expect(w.locator(".all-tokens tbody tr:visible").first.locator("td").last).not_to_have_attribute("data-v", before)
    expect(w.get_by_label("Find a token")).to_have_value(" ki")
    expect(w.locator(".all-tokens tbody tr:visible")).to_have_count(len(visible))


def test_csv_has_the_whole_vocabulary(open_page):
    page = open_page("embed/temperature/", t="2")
    w = widget(page, "temperature")
    tool(w, "Download")
    with page.expect_download() as waiting:
        w.get_by_role("button", name="CSV").click()
    text = waiting.value.path().read_text(encoding="utf-8")
    listed = text[text.index("# All tokens") :]
    rows = list(csv.reader(io.StringIO(listed)))[2:]
    assert len([r for r in rows if len(r) == 4]) == lab.tokenizer().n_vocab


def test_cuts_in_the_first_figure(open_page):
    page = open_page("embed/temperature/", t="1")
    w = widget(page, "temperature")
    before = stretches(page)
    w.get_by_text("Cut the tail: no cut").click()
    w.get_by_label("Top-k").fill("3")
    expect(w.locator("svg.machine.wide .before")).to_have_count(7)
    left = [share / sum(before[:3]) for share in before[:3]]
    assert stretches(page) == pytest.approx([*left, 0, 0, 0, 0], rel=1e-4, abs=1e-9)
    assert stretches(page, "before") == pytest.approx(before, rel=1e-4)
    expect(w.locator('[data-figure="chain"] td.out').first).to_have_text("cut")
    found = exact_values(page, "temperature", "chain")
    expected = look(t=1.0, top_k=3)
    assert [float(r[-1]) for r in found[:4]] == pytest.approx(
        [float(expected.final[t]) for t in expected.order[:4]], rel=1e-4
    )
    w.get_by_label("Top-k").fill("")
    expect(w.locator('[data-figure="chain"] td.out')).to_have_count(0)
    expect(w.locator("svg.machine.wide .before")).to_have_count(0)


# ---------------------------------------------------------------- the machine


@pytest.mark.parametrize("width", [1280, 720, 360])
def test_the_machine_follows_the_keyboard(new_page, site, width):
    page = new_page(reduced_motion="reduce", viewport={"width": width, "height": 800})
    page.goto(site + "embed/temperature/?t=1")
    wait_live(page)
    layout = "narrow" if width == 360 else "wide"
    other = "wide" if width == 360 else "narrow"
    expect(page.locator(f"svg.machine.{layout}")).to_be_visible()
    expect(page.locator(f"svg.machine.{other}")).to_be_hidden()
    slider = widget(page, "temperature").get_by_role("slider", name="Temperature")
    slider.focus()
    before = widths(page, layout)
    for key, t in (("Home", 0.01), ("End", 10.0)):
        page.keyboard.press(key)
        expect(widget(page, "temperature").locator(".field-range output")).to_have_text(f"{t:g}")
        settle(page)
        now = widths(page, layout)
        shares = [look(t=t).final[token] for token in look(t=t).order[: machine.FEW]]
        assert stretches(page) == pytest.approx([*shares, 1 - sum(shares)], rel=1e-3, abs=1e-9)
        whole = sum(now) / (1 - 1e-9)
        assert now[0] / whole == pytest.approx(shares[0], abs=0.02) and abs(now[0] - before[0]) > 10
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.getAnimations().length") == 0, "nothing moves by itself under reduced motion"


def test_draw_names_the_word_and_the_ball_stays_under_the_knob(open_page):
    page = open_page("embed/temperature/", t="1", seed="3")
    w = widget(page, "temperature")
    said = w.locator(".machine-draw .says")
    order = look(t=1.0).order
    for n in (1, 2, 3):
        w.get_by_role("button", name="Draw", exact=True).click()
        last = draws.first_draws(look(t=1.0).final, 3, n, order).last
        name = lab.tokenizer().display(last.token).removeprefix("␣")
        expect(said).to_have_text(f"Ball {n} of seed 3, at {last.u:.4f}, falls on {name}.")
        expect(w.locator("svg.machine.wide .hit").first).to_have_attribute("data-why", re.compile(f"^{name}"))
    ball = w.locator("svg.machine.wide .ball circle")
    place = ball.bounding_box()
    set_slider(page, "temperature", -1.0)
    last = draws.first_draws(look(t=0.1).final, 3, 3, order).last
    expect(said).to_contain_text(lab.tokenizer().display(last.token).removeprefix("␣"))
    settle(page)
    assert ball.bounding_box()["x"] == pytest.approx(place["x"], abs=0.5)
    w.get_by_role("button", name="Start over").click()
    expect(said).to_contain_text("On which word will it fall?")
    expect(ball).to_have_count(0)


def test_a_ball_falls_and_nothing_else_jumps(new_page, site):
    page = new_page(reduced_motion="no-preference")
    page.goto(site + "embed/temperature/")
    wait_live(page)
    falls = "document.getAnimations().filter(a => a.animationName === 'ball-falls').length"
    places = "() => [...document.querySelectorAll('.machine-body > *')].map((el) => el.getBoundingClientRect().top)"
    before = page.evaluate(places)
    assert len(before) >= 5
    for n in (1, 2):
        widget(page, "temperature").get_by_role("button", name="Draw", exact=True).click()
        until(page, f"() => {falls} > 0")
        until(page, f"() => {falls} === 0")
        expect(page.locator(".machine-draw .says")).to_contain_text(f"Ball {n} ")
    page.evaluate("() => explainer.set({ t: 2 })")
    settle(page)
    assert page.evaluate(falls) == 0, "it falls once"
    assert page.evaluate(places) == before


def test_a_text_that_the_corpus_never_writes_has_no_truth_below(open_page):
    page = open_page("embed/temperature/", prompt="The stock market fell")
    expect(page.locator("svg.machine.wide")).to_contain_text("no truth here")
    expect(page.locator("svg.machine.wide .true")).to_have_count(0)


@pytest.mark.parametrize("width", [720, 360])
def test_the_machine_fits_on_a_screen(new_page, site, width):
    page = new_page(sections="as they come", viewport={"width": width, "height": 900})
    page.goto(site + "embed/temperature/")
    wait_live(page)
    assert page.locator(".machine-body").evaluate("el => el.getBoundingClientRect().height") <= 540
    assert page.locator("#temperature").evaluate("el => el.getBoundingClientRect().height") <= (600, 640)[width < 500]


# ---------------------------------------------------------------- draws


def test_no_noise(open_page):
    page = open_page("embed/temperature-draws/", t="2")
    w = widget(page, "temperature-draws")
    w.get_by_role("button", name="Compute it again").click()
    n = lab.tokenizer().n_vocab
    expect(w).to_contain_text(f"{n} of {n} agree in every bit")
    w.get_by_role("button", name="Compute it again").click()
    expect(w).to_contain_text("You have asked 2 times")


def test_draws_and_seed(open_page):
    page = open_page("embed/temperature-draws/", t="1", draws="0", seed="7")
    w = widget(page, "temperature-draws")
    expect(w).to_contain_text("Nothing has been drawn yet")
    w.get_by_role("button", name="Draw 1", exact=True).click()
    expect(w).to_contain_text("Number 1 of seed 7")
    w.get_by_role("button", name="Draw 100 times").click()
    w.get_by_role("button", name="Draw 10,000 times").click()
    expect(w).to_contain_text("Number 10,101 of seed 7")
    probs = sampling.distribution(lab.trace(lab.tokens_of(PROMPT))["logits"][-1], 1)
    made = draws.first_draws(probs, 7, 10_101, look(t=1.0).order)
    found = {row[0]: row for row in exact_values(page, "temperature-draws", "histogram")}
    for token in look(t=1.0).order[:6]:
        assert (
            abs(int(found[lab.tokenizer().display(int(token))][-1]) - int(made.counts[token])) <= 2
        )  # borders may move by rounding
    assert f"u = {made.last.u:.6f}" in w.inner_text()
    owner = lab.tokenizer().display(made.last.token)
    assert f"the stretch of {owner}, from {made.last.low:.4f} to {made.last.high:.4f}" in w.inner_text()
    ball, hit, low, high = w.locator("svg.strips.wide").evaluate(
        """svg => { const hit = svg.querySelector('.hit'), row = [...svg.querySelectorAll('.of-model')];
        const x = (el, name) => Number(el.getAttribute(name));
        const last = row.findLast((el) => Number(el.dataset.v) > 1e-6);
        const of = (at) => (at - x(row[0], 'x')) / (x(last, 'x') + x(last, 'width') + 1 - x(row[0], 'x'));
        return [of(x(svg.querySelector('.ball circle'), 'cx')), row.indexOf(hit), of(x(hit, 'x')),
            of(x(hit, 'x') + x(hit, 'width') + 1)]; }"""
    )
    assert ball == pytest.approx(made.last.u, abs=1e-3) and low <= ball <= high
    assert hit == min(look(t=1.0).order.tolist().index(made.last.token), machine.FEW)
    # the histogram nears the bars as fast as honest draws do
    for row in list(found.values())[:-1]:
        assert abs(float(row[-2]) - float(row[-3])) < 0.02  # share drawn, probability
    expect(w.locator('[data-figure="approach"] figcaption')).to_contain_text(
        f"After 10,101: total variation distance {number(made.distance, 4)}"
    )
    table = {int(float(n)): (d, e) for n, d, e in exact_values(page, "temperature-draws", "approach")}
    for n, distance in made.path:
        shown, honest = table[n]
        assert float(shown) == pytest.approx(distance, abs=2e-3)
        assert float(honest) == pytest.approx(expected_total_variation(probs, n), rel=1e-3)
    assert made.path[0][1] > 10 * made.path[-1][1]
    before = exact_values(page, "temperature-draws", "histogram")
    w.get_by_label("Seed").fill("8")
    expect(w).to_contain_text("of seed 8")
    assert exact_values(page, "temperature-draws", "histogram") != before
    w.get_by_label("Seed").fill("7")
    expect(w).to_contain_text("of seed 7")
    assert exact_values(page, "temperature-draws", "histogram") == before
    w.get_by_role("button", name="Start over").click()
    expect(w).to_contain_text("Nothing has been drawn yet")


# ---------------------------------------------------------------- cuts


def test_filters_in_order(open_page):
    page = open_page("embed/temperature-filters/", t="2")
    w = widget(page, "temperature-filters")
    expect(w).to_contain_text("No cut is set")
    w.get_by_role("button", name="All three").click()
    expect(w.locator('[data-figure="order"] thead th')).to_have_text(
        ["token", "after T", "top-k 5", "top-p 0.9", "min-p 0.1"]
    )
    expected = look(t=2.0, top_k=5, top_p=0.9, min_p=0.1)
    found = {r[0]: numbers(r[1:]) for r in exact_values(page, "temperature-filters", "order")}
    for token in expected.order[:8]:
        columns = [expected.chain.probs[token], *[c.probs[token] for c in expected.cuts]]
        assert found[lab.tokenizer().display(int(token))] == pytest.approx(columns, rel=1e-4, abs=1e-12)
    for cut in next_token.each_alone(
        expected.chain.probs, 5, 0.9, 0.1, expected.order
    ):  # each by itself: what it keeps
        figure = w.locator(f'[data-figure="alone-{cut.name}"]')
        expect(figure).to_contain_text(
            f"keeps {cut.n_kept} of {lab.tokenizer().n_vocab} tokens and {percent(cut.share)}"
        )
        kept = figure.locator("tbody td").evaluate_all("cells => cells.map(c => !c.matches('.out'))")
        assert kept == cut.kept[expected.order[: len(kept)]].tolist() and len(kept) > 10
    table = exact_values(page, "temperature-filters", "adapting")
    assert [numbers(row[1:]) for row in table] == [
        list(row) for row in next_token.kept_by_temperature(lab.tokens_of(PROMPT), (0.25, 0.5, 1, 2, 4), 5, 0.9, 0.1)
    ]
    w.get_by_role("button", name="Top-k off").click()
    expect(w.locator('[data-figure="order"] thead th')).to_have_text(["token", "after T", "top-p 0.9", "min-p 0.1"])
    expect(page).not_to_have_url(re.compile("top_k"))
    # a cut follows its slider: at 1 min-p leaves only the best
    w.get_by_label("Min-p", exact=True).press("End")
    expect(w.locator('[data-figure="order"] thead th')).to_have_text(["token", "after T", "top-p 0.9", "min-p 1"])
    settle(page)
    last = [float(r[-1]) for r in exact_values(page, "temperature-filters", "order")]
    assert last[0] == 1 and not any(last[1:])


# ---------------------------------------------------------------- truth


def test_truth_beside_the_model(open_page):
    page = open_page("embed/temperature-truth/", t="1")
    truth = corpus.true_distribution(PROMPT, lab.tokenizer())
    probs = look(t=1.0).final
    ids = {lab.tokenizer().display(i): i for i in range(lab.tokenizer().n_vocab)}
    for name, _, p, q in exact_values(page, "temperature-truth", "beside")[:-1]:
        assert float(q) == pytest.approx(truth.probs[ids[name]], rel=1e-12)
        assert float(p) == pytest.approx(probs[ids[name]], rel=1e-4, abs=1e-9)
    rows = exact_values(page, "temperature-truth", "losses")
    here, text = forecast.losses(truth.probs, probs, 0.01), forecast.held_out()
    assert numbers([r[1] for r in rows]) == pytest.approx([here.floor, here.model, here.hedged, here.argmax], rel=1e-4)
    assert numbers([r[3] for r in rows]) == pytest.approx(
        [text.floor.value, text.at(1.0)[0], text.argmax(0.01), text.argmax()], rel=1e-3
    )
    expect(widget(page, "temperature-truth").locator("[data-infinite]").first).to_have_text("∞")
    widget(page, "temperature-truth").get_by_label("Naming one token, but keeping back").select_option("0.1")
    expect(page).to_have_url(re.compile("hedge=0.1"))
    settle(page)
    hedged = numbers([exact_values(page, "temperature-truth", "losses")[2][k] for k in (1, 3)])
    assert hedged == pytest.approx([forecast.losses(truth.probs, probs, 0.1).hedged, text.argmax(0.1)], rel=1e-3)
    for figure, column in (("loss-by-temperature", 1), ("impossible", 2)):
        shown = [numbers(r) for r in exact_values(page, "temperature-truth", figure)]
        want = [[row[0], row[column]] for row in forecast.loss_by_temperature()]
        np.testing.assert_allclose(shown, want, rtol=2e-3, atol=1e-6, err_msg=figure)
    expect(widget(page, "temperature-truth").locator('[data-figure="loss-by-temperature"] svg')).to_contain_text(
        f"the floor: {number(text.floor.value)}"
    )


def test_outside_the_grammar(open_page):
    page = open_page("embed/temperature-truth/", prompt="Bonds rallied on Monday")
    w = widget(page, "temperature-truth")
    expect(w.get_by_role("status").filter(has_text="There is no truth to compare with here")).to_be_visible()
    w.get_by_role("button", name="a small sum").click()
    expect(w.locator('[data-figure="beside"] figcaption')).to_contain_text("Marks: the truth")
    expect(w.get_by_label("Prompt", exact=True)).to_have_value(PROMPTS["a small sum"][0])


# ---------------------------------------------------------------- repetition


def test_still_texts_are_the_models(open_page):
    page = open_page("embed/repetition/", live=False)
    made = repetition.desk(lab.tokens_of(PROMPT), SEED)
    made.advance(repetition.LENGTH)
    w = widget(page, "repetition")
    for text in made.texts()[:4]:
        begin = lab.tokenizer().decode(text.tokens[:12]).strip().split("<|end|>")[0]
        expect(
            w.locator("section").filter(has=page.get_by_role("heading", name=text.name, exact=True))
        ).to_contain_text(begin[:20])
    rows = exact_values(page, "repetition", "measures")
    for row, text in zip(rows, made.texts(), strict=True):
        want = [text.distinct_1, text.distinct_2, text.copied_share, text.mean_entropy, text.documents]
        assert numbers(row[1:6]) == pytest.approx([float(x) for x in want], rel=1e-6), text.name
        loop = f"{how_many(text.loop.period, 'token')} × {text.loop.repeats}" if text.loop else "none"
        assert row[6] == loop
    steps = exact_values(
        page, "repetition", "numbers"
    )  # both drawings as numbers: entropy and distinct-2, step by step
    assert len(steps) == repetition.LENGTH
    for k, text in enumerate(made.texts()):
        entropies, distinct = [r[1 + 2 * k] for r in steps], [r[2 + 2 * k] for r in steps[1:]]
        np.testing.assert_allclose(numbers(entropies), text.entropies, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(numbers(distinct), text.distinct[1:], rtol=1e-5)
    # the drawings themselves: as high as these numbers, step by step
    peak = max(e for text in made.texts() for e in text.entropies)
    areas, lines = (
        [
            re.findall(pattern, d)
            for d in page.locator(f'[data-figure="{name}"] {shape}').evaluate_all(
                "(drawn, name) => drawn.map(el => el.getAttribute(name))", attribute
            )
        ]
        for name, shape, attribute, pattern in (
            ("entropy", "path.area", "d", r"V([\d.]+)H"),
            ("distinct", "polyline.line", "points", r",([\d.]+)"),
        )
    )
    for text, area, line in zip(made.texts(), areas, lines, strict=True):
        heights, falls = np.array(area, float), np.array(line, float)
        low, high = heights.max(), heights.min()
        spread = max(text.entropies) - min(text.entropies)
        drawn = min(text.entropies) + (low - heights) / ((low - high) or 1) * spread
        np.testing.assert_allclose(drawn, text.entropies, atol=0.006 * peak, err_msg=text.name)
        got = (falls.max() - falls) / ((falls.max() - falls.min()) or 1)
        want = np.array(text.distinct[1:])
        np.testing.assert_allclose(got, (want - want.min()) / ((want.max() - want.min()) or 1), atol=0.01)


def test_the_cold_text_falls_into_a_loop_that_is_found_and_marked(open_page):
    page = open_page("embed/repetition/", live=False)
    made = repetition.desk(lab.tokens_of(PROMPT), SEED)
    made.advance(repetition.LENGTH)
    cold, *_, warm, _ = made.texts()
    assert cold.loop and not warm.loop
    sections = widget(page, "repetition").locator("section.text")
    expect(sections.first).to_contain_text(f"ends in a loop: {cold.loop.period} tokens, {cold.loop.repeats} times")
    marked = "".join(sections.first.locator("mark.loop").all_text_contents())
    assert marked == lab.tokenizer().decode(cold.tokens[cold.loop.start :])
    expect(sections.nth(3).locator("mark.loop")).to_have_count(0)
    expect(sections.nth(3)).to_contain_text("does not end in a loop")


def test_texts_are_written_in_pieces_when_they_are_seen(open_page):
    page = open_page("temperature/", prompt=PROMPTS["a pattern"][0])
    w = widget(page, "repetition")
    expect(w.locator(".progress").first).to_have_text(f"Writing: 0 of {repetition.LENGTH} tokens each.")
    w.scroll_into_view_if_needed()
    expect(w.locator("p.progress")).to_have_text(f"Each text has {repetition.LENGTH} tokens.", timeout=120_000)
    assert "again" not in page.url and "first" not in page.url
    steps = sampling.generate(lab.model(), lab.tokens_of(PROMPTS["a pattern"][0]), 20, temperature=0.01, rng=0)
    expect(w.locator(".story").first).to_contain_text(lab.tokenizer().decode([s.token for s in steps]).strip())
    found = sampling.find_loop(
        [
            s.token
            for s in sampling.generate(
                lab.model(), lab.tokens_of(PROMPTS["a pattern"][0]), repetition.LENGTH, temperature=0.01, rng=0
            )
        ]
    )
    assert found
    expect(w.locator("section").first).to_contain_text("ends in a loop")
    expect(w.locator("section").first.locator("mark.loop").first).to_be_attached()


def test_slider_answers_while_texts_are_written(open_page):
    page = open_page("temperature/", seed="31415")  # no other page of this visit has written these
    widget(page, "repetition").scroll_into_view_if_needed()
    expect(widget(page, "repetition").locator("progress")).to_be_attached()
    widget(page, "temperature").scroll_into_view_if_needed()  # there the reader turns the knob
    page.evaluate(
        """() => {
            const count = (slug, part) => document.querySelectorAll(`[data-widget="${slug}"] ${part}`);
            new MutationObserver(() => {
                if (count('temperature', '.field-range output')[0].textContent !== '3') return;
                window.stillWriting ??= count('repetition', 'progress').length;
            }).observe(document.body, { subtree: true, childList: true, characterData: true });
            explainer.set({ t: 3 });
        }"""
    )
    until(page, "() => window.stillWriting !== undefined", timeout=LIVE)
    assert page.evaluate("window.stillWriting") == 1, "it had to wait for all the texts"


# ---------------------------------------------------------------- links, embeds, bad input


def test_a_copied_link_opens_the_same_view(open_page, make_context, site):
    page = open_page("temperature/")
    set_slider(page, "temperature", -0.2)
    widget(page, "temperature").get_by_text("Cut the tail: no cut").press("Enter")  # no pointer rests on a cell
    widget(page, "temperature").get_by_label("Min-p").fill("0.05")
    expect(page).to_have_url(re.compile("min_p=0.05"))
    widget(page, "temperature-draws").get_by_label("Seed").fill("12")
    expect(page).to_have_url(re.compile("seed=12"))
    settle(page)
    shown = {
        slug: widget(page, slug).locator("[data-body]").inner_text()
        for slug in ("temperature", "temperature-draws", "temperature-filters")
    }
    other = make_context().new_page()
    other.goto(page.url)
    for slug, text in shown.items():
        expect(widget(other, slug).locator("[data-body]")).to_have_text(re.compile(".+", re.S), timeout=60_000)
        until(
            other,
            '([slug, text]) => document.querySelector(`[data-widget="${slug}"] [data-body]`).innerText === text',
            arg=[slug, text],
            timeout=60_000,
        )


def test_back_undoes_a_move_of_the_slider_and_forward_makes_it_again(open_page):
    page = open_page("embed/temperature/", t="1")
    set_slider(page, "temperature", 0.6)
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("3.98")
    page.go_back()
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("1")
    page.go_forward()
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("3.98")
    best = widget(page, "temperature").locator('[data-figure="chain"] tbody tr').first.locator("td").last
    expect(best).to_have_text(percent(float(look(t=3.98).final.max())))


@pytest.mark.parametrize("prompt", ["", "🦜 مرحبا", "<img src=x onerror=alert(1)>", "x" * 3000])
def test_any_prompt(open_page, prompt):
    page = open_page("embed/temperature/")
    w = widget(page, "temperature")
    w.get_by_label("Prompt", exact=True).fill(prompt)
    settle(page)
    expected = look(prompt[:2000][-2000:], 0.5) if len(prompt) < 100 else None
    if expected is not None:
        cell = w.locator('[data-figure="chain"] tbody tr').first.locator("td").last
        expect(cell).to_have_text(percent(float(expected.final.max())))
    else:
        expect(w.locator('[data-message="prompt"]')).to_contain_text("The model reads")


def test_bad_link(open_page):
    page = open_page("temperature/", t="warm", seed="-4", top_p="2")
    draws_message = widget(page, "temperature-draws").locator('[data-message="seed"]')
    expect(draws_message).to_contain_text("cannot be -4")
    expect(widget(page, "temperature").locator('[data-message="t"]')).to_contain_text("not a number")
    expect(widget(page, "temperature").locator(".field-range output")).to_have_text("0.5")


@pytest.mark.parametrize(
    "slug", ["temperature", "temperature-draws", "temperature-filters", "temperature-truth", "repetition"]
)
def test_each_widget_lives_alone(open_page, slug):
    page = open_page(f"embed/{slug}/", t="2")
    expect(widget(page, slug).get_by_label("Prompt", exact=True)).to_be_visible()
    if slug == "temperature":
        expected = chain(lab.trace(lab.tokens_of(PROMPT))["logits"][-1], 2)
        assert float(exact_values(page, slug, "chain")[0][-1]) == pytest.approx(float(expected.probs.max()), rel=1e-4)


@pytest.mark.parametrize("width", [320, 360, 768, 1920])
def test_no_sideways_scroll(new_page, site, width):
    page = new_page(viewport={"width": width, "height": 800})
    page.goto(site + "temperature/")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_json_download_is_the_view(open_page):
    page = open_page("embed/temperature-truth/", t="0.5")
    w = widget(page, "temperature-truth")
    tool(w, "Download")
    with page.expect_download() as waiting:
        w.get_by_role("button", name="JSON").click()
    data = json.loads(waiting.value.path().read_text(encoding="utf-8"))
    assert data["state"]["t"] == 0.5 and any("Cross-entropy" in t["name"] for t in data["tables"])

"""/feedback/ in a browser: every capability of the page on the built site, against the numbers of `explainer`."""

from __future__ import annotations

import itertools
import re
from urllib.parse import urlencode

import pytest
from conftest import settle, until, wait_live
from playwright.sync_api import Page, expect
from test_shell import axe

from explainer import corpus
from explainer.kernel import cache, sampling
from explainer.models import lab
from explainer.studies import climb, story, working
from explainer.ui.html import number, percent
from pages.feedback.page import FeedbackState
from pages.feedback.views.parts import CHANCE, one_in

pytestmark = pytest.mark.single_figures

PROMPT = "Once there was a"
expect.set_options(timeout=30_000)  # figures out of sight follow one by one, and machines may be busy

START = {"prompt": PROMPT, "step": 6, "seed": 3, "t": 1, "branches": ""}
TK = lab.tokenizer()


SLIDE = """(el, to) => { el.value = to ?? el.min;
    for (const kind of ['input', 'change']) el.dispatchEvent(new Event(kind, {bubbles: true})); }"""


def told(n: int, forced: dict[int, int] | None = None, **settings: float) -> list[sampling.Step]:
    """The story of START by the core's own loop."""
    return sampling.generate(
        lab.model(), lab.tokens_of(PROMPT), n, rng=3, forced=forced, **({"temperature": 1.0} | settings)
    )


def names(steps: list[sampling.Step]) -> list[str]:
    return lab.names_of(tuple(s.token for s in steps))


def tape(page: Page, figure: str = "tape"):
    return page.get_by_test_id(figure).locator(".cell:not(.blank)")


def expect_story(page: Page, steps: list[sampling.Step], figure: str = "tape") -> None:
    expect(tape(page, figure)).to_have_text([*lab.names_of(lab.tokens_of(PROMPT)), *names(steps)])


def table_rows(figure) -> list[list[str]]:
    """The body of a figure's table: exact values, or texts where a cell has none; drawings left out."""
    return figure.locator("table").evaluate(
        "t => [...t.tBodies[0].rows].map(r => [...r.cells].filter(c => c.ariaHidden !== 'true')"
        ".map(c => c.dataset.v ?? c.textContent.trim()))"
    )


def assert_rows(shown: list[list[str]], wanted: list[tuple]) -> None:
    """Names are equal, numbers as near as two numpys come."""
    assert [row[0] for row in shown] == [row[0] for row in wanted]
    for row, want in zip(shown, wanted, strict=True):
        assert [float(x) for x in row[1:]] == pytest.approx([float(x) for x in want[1:]], rel=1e-3, abs=1e-5), row[0]


def about(slug: str) -> pytest.MarkDecorator:
    """Let the `page` of a test be the embed of its one widget: only that is drawn, a tenth of the work."""
    return pytest.mark.parametrize("page", [f"embed/{slug}/"], indirect=True, ids=[slug])


@pytest.fixture
def page(open_page, request):
    return open_page(getattr(request, "param", "feedback/"), **START)


@pytest.fixture
def loop(page):
    return page.locator("#feedback-loop")


def button(where, name: str):
    return where.get_by_role("button", name=name, exact=True)


def test_a_long_story_from_a_link_is_told_to_its_end_piece_by_piece(open_page):
    """Python takes less than half a second of it at a time: without the page asking on, the tape would end early."""
    asked = {"prompt": "Tom had a red kite.", "seed": 5, "t": 0.8, "choices": "3:212", "branches": ";", "step": 160}
    page = open_page("feedback/", **asked)
    settle(page)
    steps = sampling.generate(lab.model(), lab.tokens_of(asked["prompt"]), 160, rng=5, forced={3: 212}, temperature=0.8)
    assert tape(page).all_inner_texts()[-100:] == names(steps)[-100:]
    page.locator("#feedback-branches").scroll_into_view_if_needed()
    settle(page)
    expect(page.locator("#feedback-branches")).to_contain_text("160 tokens are written.")


@about("feedback-loop")
def test_the_crank_writes_what_the_loop_writes_and_winds_back(page, loop):
    expect_story(page, told(6))
    button(loop, "Next step").click()
    expect_story(page, told(7))
    turn = told(7)[-1]
    expect(loop.locator(".needle")).to_have_text(f"u = {turn.draw.u:.4f}")
    expect(loop.locator(".station.draw")).to_contain_text(f"{turn.draw.low:.4f} and {turn.draw.high:.4f}")
    expect(loop.locator(".step-name")).to_contain_text(f"Turn 7 drew “{climb.text_of(turn.token)}”.")
    expect(loop.locator(".station.odds tr.chosen td.num")).to_have_text(percent(float(turn.final[turn.token])))
    likely = [int(t) for t in sampling.by_probability(turn.final)[:8] if turn.final[t] >= CHANCE]
    odds = [(TK.display(t), float(turn.final[t])) for t in likely]
    assert_rows(table_rows(loop.get_by_test_id("distribution")), odds)
    laid = story.stretches(turn.final)
    assert_rows(table_rows(loop.get_by_test_id("draw")), [(TK.display(x.token), x.low, x.high) for x in laid])
    drawn = loop.locator(".unit .stretch").evaluate_all(
        "all => all.map(s => [s.style.left, s.style.width].map(parseFloat))"
    )
    for box, x in zip(drawn, laid, strict=True):
        assert box == pytest.approx([100 * x.low, 100 * (x.high - x.low)], abs=0.01)
    left = loop.locator(".needle").evaluate("el => parseFloat(el.style.left)")
    low, wide = loop.locator(".unit .hit").evaluate("s => [s.style.left, s.style.width].map(parseFloat)")
    assert left == pytest.approx(100 * turn.draw.u, abs=0.01) and low < left < low + wide
    for n in (6, 5):
        button(loop, "Previous step").click()
        expect_story(page, told(n))
    button(loop, "Next step").click()
    expect_story(page, told(6))
    assert "step=6" in page.url


@about("feedback-loop")
def test_clicks_faster_than_python_are_all_counted(page, loop):
    turn = "document.querySelector('#feedback-loop [data-crank-by=\"1\"]').click()"
    page.evaluate(f"() => {{ for (let i = 0; i < 5; i += 1) {turn}; }}")
    expect_story(page, told(11))


@about("feedback-loop")
def test_arrow_keys_crank_and_space_plays(page, loop):
    button(loop, "Next step").focus()
    page.keyboard.press("ArrowRight")
    expect_story(page, told(7))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect_story(page, told(5))
    button(loop, "Play").focus()
    page.keyboard.press("Space")
    expect(button(loop, "Pause")).to_have_attribute("aria-pressed", "true")
    expect(tape(page)).to_have_count(5 + 7)  # it turns by itself
    page.keyboard.press("Space")
    expect(button(loop, "Play")).to_have_attribute("aria-pressed", "false")
    loop.locator(".station.odds td.num").first.focus()
    page.keyboard.press("Space")
    expect(button(loop, "Pause")).to_be_visible()
    page.keyboard.press("Space")
    expect(button(loop, "Play")).to_be_visible()


@about("feedback-loop")
def test_play_goes_on_until_something_else_is_done(page, loop):
    button(loop, "Play").click()
    expect(tape(page)).to_have_count(5 + 8)
    loop.get_by_label("Seed").fill("4")
    expect(button(loop, "Play")).to_be_visible()
    settle(page)
    n = tape(page).count()
    until(page, "since => performance.now() - since > 2200", page.evaluate("performance.now()"))
    expect(tape(page)).to_have_count(n)


def test_play_turns_once_a_second_and_what_is_in_sight_follows(make_context, site):
    page = make_context(viewport={"width": 1280, "height": 3400}).new_page()
    page.goto(f"{site}feedback/?{urlencode(START)}")
    wait_live(page)
    loop = page.locator("#feedback-loop")
    page.clock.install()  # which stands still: nothing comes to rest
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    button(loop, "Play").click()
    for written in (7, 8, 9):
        expect(tape(page)).to_have_count(5 + written)
        expect(page.locator("#feedback-branches .step-name")).to_have_text(f"{written} tokens are written.")
        until(page, "() => !document.querySelector('[data-catching-up]')")
        page.clock.run_for(1000)
    expect(tape(page)).to_have_count(5 + 10)


def test_a_long_story_follows_a_moving_slider_and_is_finished_when_it_rests(open_page):
    page = open_page("feedback/", **START | {"step": 120})
    slider = page.locator("#feedback-loop").get_by_label("Temperature")
    blanks = page.get_by_test_id("tape").locator(".cell.blank")
    expect(blanks).to_have_count(1)
    unwritten = slider.evaluate(
        """async (slider) => { // 120 turns take much longer than a moment
            let most = 0;
            const blanks = '[data-figure=tape] .cell.blank';
            const count = () => { most = Math.max(most, document.querySelectorAll(blanks).length); };
            document.addEventListener('explainer:drawn', count);
            for (const to of [0.3, -0.2, 0.1]) {
                slider.value = to;
                slider.dispatchEvent(new Event('input', { bubbles: true }));
                await new Promise((done) => document.addEventListener('explainer:drawn', done, { once: true }));
            }
            document.removeEventListener('explainer:drawn', count);
            return most;
        }"""
    )
    assert unwritten > 1
    settle(page)
    expect(blanks).to_have_count(1)
    expect_story(page, told(120, temperature=round(10**0.1, 2)))


def test_play_stops_at_the_end_of_the_document(open_page):
    page = open_page("feedback/", **START | {"choices": "7:0"})
    loop = page.locator("#feedback-loop")
    button(loop, "Play").click()
    expect(loop.locator(".step-name")).to_contain_text("The model has ended its document")
    expect(button(loop, "Play")).to_be_visible()
    expect(tape(page)).to_have_count(5 + 8)
    button(loop, "Next step").click()
    expect(tape(page)).to_have_count(5 + 9)  # the machine itself does not know an end


@about("feedback-loop")
def test_settings_change_the_story(page, loop):
    loop.get_by_label("Temperature").evaluate(SLIDE, None)
    expect_story(page, told(6, temperature=0.01))
    loop.get_by_text("Cut the distribution before the draw").click()
    loop.get_by_label("Top-k").fill("1")
    expect(loop.locator(".station.odds")).to_contain_text("Cut away before the draw: top-k")
    button(loop, "Another seed").click()
    expect(loop.get_by_label("Seed")).to_have_value("4")
    loop.get_by_label("Prompt", exact=True).fill("In a castle")
    expect(tape(page).nth(1)).to_have_text(TK.display(TK.encode("In a castle")[0]))
    button(loop, "Count").click()
    expect(loop.locator(".step-name")).to_contain_text("Press Crank")
    expect(loop.locator(".station.draw")).to_contain_text("Nothing is drawn yet")


@about("feedback-loop")
def test_a_bar_of_the_machine_writes_another_token(page, loop):
    turn = told(6)[-1]
    other = next(int(t) for t in sampling.by_probability(turn.final) if t != turn.token)
    loop.locator(".station.odds").get_by_role("button", name=TK.display(other), exact=True).click()
    expect_story(page, told(6, {5: other}))
    expect(loop.locator(".station.draw")).to_contain_text("No draw: you wrote")
    assert f"choices=5%3A{other}" in page.url


def test_twigs_fork_branches_lead_back(page):
    tree = page.locator("#feedback-branches")
    trunk = told(6)
    twig = tree.locator(".node.twig").first
    at, token = map(int, re.fullmatch(r"(\d+):(\d+)\x1f\1", twig.get_attribute("value")).groups())
    final = trunk[at].final
    untaken = [int(t) for t in sampling.by_probability(final) if t != trunk[at].token]
    assert token == untaken[0]
    assert float(twig.get_attribute("data-v")) == pytest.approx(float(final[token]), abs=1e-4)
    main = tree.locator(".node.main")
    expect(main).to_have_text(names(trunk))
    odds = [float(cell.get_attribute("data-v")) for cell in main.all()]
    assert odds == pytest.approx([float(t.final[t.token]) for t in trunk], abs=1e-4)
    main.last.hover()
    expect(tree.get_by_test_id("tree").locator(".readout")).to_contain_text(main.last.get_attribute("data-v"))
    twig.click()
    expect_story(page, told(6, {at: token}))
    expect(tree.locator(".columns")).to_contain_text(f"Turn {at + 1}: after")  # the turn that was changed is opened
    rows = tree.locator(".branch-list tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("you are here")
    expect(rows.nth(1)).to_contain_text(f"branch 1, turn {at + 1}")
    for row, steps in ((rows.nth(0), trunk), (rows.nth(1), told(6, {at: token}))):
        chance = story.log_probability(steps)
        expect(row.locator(".odds")).to_have_text(one_in(chance).striptags())
        assert float(row.locator(".odds").get_attribute("data-v")) == pytest.approx(chance, rel=1e-4)
    expect(tree.locator(".node.branch").first).to_be_visible()
    button(tree, "Go to this branch").click()
    expect_story(page, trunk)
    tree.locator(".node.branch").last.click()
    expect_story(page, told(6, {at: token}))
    expect(button(tree, "Forget the other branches")).to_have_count(0)  # the story of the draws alone is always there
    tree.locator(".node.twig").first.click()
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("you are here")  # a new branch has the next number
    button(tree, "Forget all but branches 1 and 3").click()
    expect(rows).to_have_count(2)
    expect(tree.get_by_role("button", name="Forget")).to_have_count(0)
    button(tree, "Go to this branch").click()
    button(tree, "Forget the other branches").click()
    expect(rows).to_have_count(1)


@pytest.mark.parametrize(("slug", "figure"), [("feedback-branches", "tree"), ("feedback-prefill", "own")])
def test_one_tab_stop_per_group_and_arrows_within(page, slug, figure):
    group = page.locator(f"#{slug}").get_by_test_id(figure).locator("[data-rove]")
    stop = group.locator("[tabindex='0']")
    expect(stop).to_have_count(1)
    stop.focus()
    first = stop.inner_text()
    page.keyboard.press("ArrowRight")
    expect(stop).to_be_focused()
    assert stop.inner_text() != first
    page.keyboard.press("ArrowLeft")
    expect(stop).to_be_focused()
    expect(stop).to_have_text(first)
    page.keyboard.press("End")
    expect(group.locator("button").last).to_be_focused()
    page.keyboard.press("Tab")
    assert not group.evaluate("el => el.contains(document.activeElement)")
    expect_story(page, told(6))  # the arrows turned no crank


def test_any_token_of_any_turn_can_be_written(page):
    tree = page.locator("#feedback-branches")
    tree.locator(".node.main").nth(2).click()
    expect(tree.locator(".columns")).to_contain_text("Turn 3: after")
    tree.get_by_label("Any other token").select_option("2:300")
    expect_story(page, told(6, {2: 300}))
    button(tree, "Let the draw decide here").click()
    expect_story(page, told(6))


def test_words_are_put_in_its_mouth_and_stay(page):
    widget = page.locator("#feedback-prefill")
    widget.get_by_test_id("own").get_by_role("button").nth(1).click()
    widget.get_by_label("Words to put in its mouth").fill("dog named Tom")
    put = dict(enumerate(TK.encode(" dog named Tom"), start=1))
    expect_story(page, told(1 + len(put) + 24, put), "yours")
    expect(widget.get_by_test_id("yours")).to_contain_text("24 turns later your words still stand")
    said = told(1 + len(put), put)[1:]
    chances = ", ".join(f"{TK.display(t.token)} {percent(float(t.final[t.token]))}" for t in said)
    expect(widget.locator(".facts").first).to_contain_text(f"token by token{chances}")
    expect(widget.locator(".facts").first).to_contain_text(one_in(story.log_probability(said)).striptags())
    button(widget, "Write them to the tape").click()
    expect_story(page, told(6, put))
    expect(tape(page).nth(5 + 1)).to_have_class(re.compile("chosen"))


@about("feedback-prefill")
def test_sums_answer_first_and_working_first(page):
    widget = page.locator("#feedback-prefill")
    widget.get_by_label("Sum", exact=True).fill("2 + 3 + 4")
    for i, order in enumerate(working.ORDERS):
        tried = working.attempt((2, 3, 4), order, 11 if order == "wrong" else 0)
        section = widget.locator(".attempts section").nth(i)
        expect(section.locator(".cell")).to_have_text(lab.names_of((*tried.opening, *tried.written)[1:]))
        expect(section).to_contain_text("and 9 is the sum")
    rows, _ = working.measure(working.IN_ALL)
    table = widget.get_by_test_id("sums")
    expect(table).to_contain_text(f"{working.IN_ALL} sums, each asked three ways")
    scores = [(r.answer_first, r.working_first, r.after_wrong, r.gave_in, r.own_wrong) for r in rows]
    expect(table.locator("tbody tr")).to_have_count(len(rows))
    for line, row in zip(table_rows(table), scores, strict=True):
        for cell, score in zip(line[1:], row, strict=True):
            assert cell == "–" if not score.of else float(cell) == pytest.approx(score.share)
    assert rows[-1].working_first.share > rows[-1].answer_first.share  # what the experiment is there to show
    widget.get_by_label("Sum", exact=True).fill("2 + 30")
    expect(widget.locator("[data-message=sum]")).to_contain_text("The corpus adds")


@about("feedback-prefill")
def test_more_sums_are_measured_in_pieces(page):
    widget = page.locator("#feedback-prefill")
    more = button(widget, "Measure 24 more")
    more.scroll_into_view_if_needed()
    more.click()
    expect(widget.get_by_test_id("sums")).to_contain_text(
        f"{working.IN_ALL + 24} sums, each asked three ways", timeout=90_000
    )
    rows, _ = working.measure(working.IN_ALL + 24)
    cell = widget.get_by_test_id("sums").locator("tbody tr").last.locator("td").nth(1)
    expect(cell).to_contain_text(percent(rows[-1].working_first.share))


@about("kv-cache")
def test_the_cache_is_counted(page):
    widget = page.locator("#kv-cache")
    n = lab.model().config
    tokens = 5 + 5
    expect(widget.get_by_test_id("columns").locator(".cell.new")).to_have_count(1)
    expect(widget.get_by_test_id("columns").locator(".cell.kept")).to_have_count(tokens - 1)
    for value in (cache.multiply_adds(n, new, tokens, scored=1) for new in (1, tokens)):
        expect(widget.locator(".facts").first).to_contain_text(f"{value / 1e6:,.2f} million")
    run = [(1 if turn else 5, 5 + turn) for turn in range(6)]  # columns computed, columns read: the prompt has 5 tokens
    kept = sum(cache.multiply_adds(n, new, total, scored=1) for new, total in run)
    anew = sum(cache.multiply_adds(n, total, total, scored=1) for _, total in run)
    expect(widget.locator(".facts").first).to_contain_text(f"6 turns, kept{kept / 1e6:,.2f} million")
    expect(widget.locator(".facts").first).to_contain_text(f"6 turns, all anew{anew / 1e6:,.2f} million")
    expect(widget.locator(".facts").first).to_contain_text(f"{number(anew / kept)} times less")
    button(widget, "Turn the crank").click()
    expect(widget.get_by_test_id("columns").locator(".cell.kept")).to_have_count(tokens)
    widget.get_by_test_id("staircase").get_by_text("The staircases in numbers").click()
    expect(widget.get_by_test_id("staircase").locator("tbody tr")).to_have_count(7)
    done = story.work(n, 5, 7)
    narrow = story.work(n, 5, 7, FeedbackState().window)
    steps = [
        [w.turn + 1, w.total, w.new, w.total, few.new, w.cached, w.uncached]
        for w, few in zip(done, narrow, strict=True)
    ]
    shown = table_rows(widget.get_by_test_id("staircase"))
    assert [[int(x.replace(",", "")) for x in row] for row in shown] == steps
    assert [(row[5], row[6]) for row in steps[:6]] == [
        (cache.multiply_adds(n, new, total, scored=1), cache.multiply_adds(n, total, total, scored=1))
        for new, total in run
    ]
    curve = table_rows(widget.get_by_test_id("multiply-adds"))  # on to where the context is full, and a little further
    assert [row[0] for row in curve] == [str(turn + 1) for turn in range(len(curve))] and len(curve) > n.n_ctx - 5
    for row, work in zip(curve, story.work(n, 5, len(curve)), strict=True):
        assert row[1:] == [str(work.cached), str(work.uncached)]  # as a number, for programs
    assert curve[-1][1] == curve[-1][2] != curve[0][1]
    kinds = [cache.multiply_adds_by_kind(n, new, 11, scored=1) for new in (1, 11)]
    want = [[kind, f"{kinds[0][kind]:,}", f"{kinds[1][kind]:,}"] for kind in kinds[0]]
    assert table_rows(widget.get_by_test_id("kinds"))[:-1] == want
    painted = (
        widget.get_by_test_id("staircase")
        .locator("svg")
        .evaluate_all(
            "all => all.map(svg => [...svg.querySelectorAll('rect.new')].map(r => Number(r.getAttribute('width'))))"
        )
    )
    for widths, columns in zip(painted, ([w.new for w in done], [w.total for w in done]), strict=False):
        assert [w / widths[0] for w in widths] == pytest.approx([c / columns[0] for c in columns], abs=0.01)


@about("context-window")
def test_the_window_slides(page):
    widget = page.locator("#context-window")
    widget.get_by_label("Window", exact=True).evaluate(SLIDE, 6)
    steps = story.Teller(story.narrow(lab.model(), 6)).tell(lab.tokens_of(PROMPT), sampling.Settings(1.0), 3, (), 6)
    expect_story(page, list(steps), "window-narrow")
    expect(widget.get_by_test_id("window-narrow").locator(".cell.gone")).to_have_count(5 + 6 - 6)
    expect(widget).to_contain_text("5 tokens have fallen out")
    whole = told(6)
    apart = story.first_difference([t.token for t in whole], [t.token for t in steps])
    at = len(steps) - 1 if apart is None else apart
    shown = table_rows(widget.get_by_test_id("window-difference"))
    ids = {TK.display(t): t for t in range(TK.n_vocab)}
    assert len(shown) > 1
    truth = corpus.true_distribution((*lab.tokens_of(PROMPT), *(t.token for t in whole[:at])), TK)
    odds = [whole[at].final, steps[at].final, *([truth.probs] if truth.inside else [])]
    assert_rows(shown, [(row[0], *(p[ids[row[0]]] for p in odds)) for row in shown])
    expect(widget.get_by_test_id("window-difference")).to_contain_text(f"{len(steps[at].context)} tokens read")
    tokens = (*lab.tokens_of(PROMPT), *(t.token for t in steps))[:6]
    keys = ", ".join(f"layer {i}: {percent(x)}" for i, x in enumerate(story.shift_change(lab.model(), tokens)))
    expect(widget).to_contain_text(keys)  # why no key can be kept once the window slides


def test_the_context_fills_and_everything_is_computed_anew(open_page):
    n_ctx = lab.model().config.n_ctx
    prompt = "Once there was a small girl named Mia. " * 11
    page = open_page("feedback/", prompt=prompt, step=2, branches="")
    button(page.locator("#context-window"), f"Write until {n_ctx} places are full, and 6 tokens more").click()
    kv = page.locator("#kv-cache").get_by_test_id("columns")
    expect(kv.locator(".cell.new")).to_have_count(n_ctx, timeout=60_000)
    expect(kv).to_contain_text("The context is full")
    expect(page.locator("#feedback-loop").get_by_test_id("tape")).to_contain_text(
        "have dropped out and are not read any more"
    )


def test_turings_words_are_switched_on_in_both_places(page, loop):
    expect(loop).not_to_contain_text("Turing: the tape")
    loop.get_by_label("Show the words of a Turing machine").check()
    expect(loop).to_contain_text("Turing: the tape")
    expect(loop).to_contain_text("Turing: the finite control")
    table = page.locator("#turing")
    expect(table.get_by_test_id("stations")).to_contain_text("Turing: the finite control")
    expect(table.get_by_label("Show these words on the machine above")).to_be_checked()
    expect(table).to_contain_text(f"fingerprint {story.fingerprint()}")
    expect(table).to_contain_text("No gradient passes through a written token.")
    turn = told(6)[-1]
    before = (*lab.tokens_of(PROMPT), *(t.token for t in told(5)))
    looked = [float(c.get_attribute("data-v")) for c in table.get_by_test_id("read-head").locator(".cell").all()]
    assert looked == pytest.approx(story.teller().read(before).attention.mean(axis=0).tolist(), abs=1e-5)
    found = story.nudge(turn, sampling.Settings(1.0))
    limits = table.get_by_test_id("limits")
    expect(limits).to_contain_text(
        f"its probability moves by {number(found.after - found.before)} (slope {number(found.slope)})"
    )
    expect(limits).to_contain_text("the written token does not move at all")
    expect(limits).to_contain_text(f"a circuit of fixed depth: {lab.model().config.n_layers} layers")
    expect(table.get_by_test_id("likeness")).to_contain_text(
        f"{len(turn.context)} of {lab.model().config.n_ctx} cells in use"
    )
    table.get_by_label("Show these words on the machine above").uncheck()
    expect(table.get_by_test_id("stations")).not_to_contain_text("Turing: the tape")
    expect(loop).not_to_contain_text("Turing: the tape")


def test_the_copied_link_is_this_very_view(page, loop, make_context):
    tree = page.locator("#feedback-branches")
    tree.locator(".node.twig").first.click()
    settle(page)
    button(loop, "Next step").click()
    loop.get_by_label("Show the words of a Turing machine").check()
    page.locator("#feedback-prefill").get_by_label("Words to put in its mouth").fill("dog")
    settle(page)
    until(page, "() => location.href.includes('words=dog')")
    before = {
        w: page.locator(f"#{w} [data-body]").inner_text()
        for w in ("feedback-loop", "feedback-branches", "context-window", "turing")
    }
    other = make_context().new_page()
    other.goto(page.url)
    wait_live(other)
    for widget, text in before.items():
        expect(other.locator(f"#{widget} [data-body]")).to_have_text(re.compile(".+", re.S))
        assert other.locator(f"#{widget} [data-body]").inner_text() == text, widget


@about("feedback-loop")
def test_back_and_forward(page, loop):
    loop.get_by_label("Show the words of a Turing machine").check()
    expect(loop).to_contain_text("Turing: the tape")
    page.go_back()
    expect(loop).not_to_contain_text("Turing: the tape")
    page.go_forward()
    expect(loop).to_contain_text("Turing: the tape")


@about("feedback-loop")
def test_back_while_it_plays_goes_back(page, loop):
    """To where playing began: what the crank had come to does not take the place of it."""
    before = tape(page).count()
    button(loop, "Play").click()
    expect(tape(page)).to_have_count(before + 3)
    page.go_back()
    expect(button(loop, "Play")).to_be_visible()
    expect(tape(page)).to_have_count(before)
    settle(page)
    expect(tape(page)).to_have_count(before)


def test_a_hostile_link_gives_words_and_the_defaults(open_page):
    page = open_page(
        "feedback/", choices="1:99999,<img src=x onerror=alert(1)>", step=3, prompt="<b>bold</b>", seed="x"
    )
    expect(page.locator("#feedback-branches [data-message=choices]")).to_contain_text("There is no token")
    expect(page.locator("#feedback-loop [data-message=seed]")).to_contain_text("is not a number")
    assert page.locator("#feedback-loop [data-body] b", has_text="bold").count() == 0
    expect(button(page.locator("#feedback-loop"), "Next step")).to_be_enabled()


def test_axe_finds_nothing_after_interaction(page, loop):
    loop.get_by_label("Show the words of a Turing machine").check()
    page.locator("#feedback-branches .node.twig").first.click()
    settle(page)
    button(loop, "Play").click()
    expect(button(loop, "Pause")).to_be_visible()
    button(loop, "Pause").click()
    settle(page)
    assert axe(page) == ""


def test_no_motion_where_none_is_wanted(new_page, site):
    page = new_page(reduced_motion="reduce")
    page.goto(f"{site}feedback/?step=3&branches=")
    wait_live(page)
    button(page.locator("#feedback-loop"), "Next step").click()
    expect(tape(page)).to_have_count(5 + 4)
    assert page.evaluate("document.getAnimations().filter(a => a.playState === 'running').length") == 0


def test_on_a_phone_the_machine_stands_upright(new_page, site):
    page = new_page(viewport={"width": 360, "height": 780})
    page.goto(f"{site}feedback/?step=3&branches=")
    wait_live(page)
    parts = [page.get_by_test_id(t) for t in ("drop", "tape")]
    parts += [page.locator(f".station.{s}") for s in ("weights", "odds", "draw")]
    tops = [part.bounding_box() for part in parts]
    assert all(a["y"] + a["height"] <= b["y"] for a, b in itertools.pairwise(tops))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


# ---------------------------------------------------------------- the page begins at turn 0


@pytest.fixture
def as_it_comes(new_page, site):
    """`as_it_comes(width, motion, **state)` -> the page, nothing opened in it."""

    def open_(width=1280, motion="no-preference", **state):
        options = {"viewport": {"width": width, "height": 900}, "reduced_motion": motion}
        page = new_page(sections="as they come", **options)
        page.goto(f"{site}feedback/?{urlencode(state)}".removesuffix("?"))
        wait_live(page)
        return page

    return open_


@pytest.mark.parametrize(("width", "most"), [(720, 600), (360, 640)])
def test_it_begins_with_a_crank_and_nothing_written(width, most, as_it_comes):
    page = as_it_comes(width)
    loop = page.locator("#feedback-loop")
    own = FeedbackState()
    expect(tape(page)).to_have_text(lab.names_of(own.tokens()))
    expect(button(loop, "Previous step")).to_have_attribute("aria-disabled", "true")
    expect(loop.locator(".needle")).to_have_count(0)
    assert loop.bounding_box()["height"] <= most
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    steps = own.tell(2)
    for n in (1, 2):
        button(loop, "Crank").click()
        expect(tape(page)).to_have_text([*lab.names_of(own.tokens()), *names(list(steps[:n]))])
        expect(loop.locator("svg.climb:visible .word").last).to_have_text(climb.text_of(steps[n - 1].token))
        settle(page)
    assert "step=2" in page.url
    button(loop, "Rewind").click()
    expect(tape(page)).to_have_count(len(own.tokens()))
    assert loop.bounding_box()["height"] <= most


MOVES = """() => { window.moves = [];
  const make = Element.prototype.animate;
  Element.prototype.animate = function (frames, options) {
    const delay = options.delay ?? 0;
    if (['drop', 'climb'].includes(options.id)) {
      window.moves.push([this.getAttribute('class'), delay, delay + options.duration]);
    }
    return make.call(this, frames, options);
  }; }"""


def test_a_turn_is_seen_in_its_order_ball_word_column_roof(as_it_comes):
    page = as_it_comes(step=3, seed=3)
    loop = page.locator("#feedback-loop")
    page.evaluate(MOVES)
    button(loop, "Crank").click()
    expect(tape(page)).to_have_count(5 + 4)
    until(page, "() => window.moves.length > 10")
    moves = page.evaluate("window.moves")

    def ends(kind: str) -> float:
        return max(end for name, _, end in moves if kind in name.split())

    ball, word, column, roof = (ends(kind) for kind in ("ball", "drop", "node", "roof"))
    assert 0 < ball < word < column < roof < 2500
    assert ends("newest") == ends("word") == pytest.approx(word), "it is on the tape when it has landed"
    count = len(moves)
    button(loop, "Previous step").click()
    expect(tape(page)).to_have_count(5 + 3)
    settle(page)
    assert len([m for m in page.evaluate("window.moves") if m[0] != "cell drawn newest"]) <= count, (
        "nothing falls upwards"
    )


def test_under_reduced_motion_a_turn_is_a_still(as_it_comes):
    page = as_it_comes(motion="reduce", step=3, seed=3)
    page.evaluate(MOVES)
    button(page.locator("#feedback-loop"), "Crank").click()
    expect(tape(page)).to_have_count(5 + 4)
    settle(page)
    assert page.evaluate("window.moves") == []


def test_links_without_a_step_open_where_they_were_made(as_it_comes):
    """When the page began at turn 43, a link to that turn did not say it."""
    page = as_it_comes(choices="2:300", branches="2:300")
    settle(page)
    assert page.evaluate("explainer.state().step") == 43
    expect(tape(page)).to_have_count(5 + 43)
    page = as_it_comes()
    page.locator("#feedback-loop").get_by_label("Prompt").fill("Mia has a")
    settle(page)
    until(page, "() => location.search.includes('step=0')")
    other = as_it_comes()
    other.goto(page.url)
    wait_live(other)
    expect(tape(other)).to_have_text(lab.names_of(lab.tokens_of("Mia has a")))


def test_a_link_about_settings_opens_them(as_it_comes):
    page = as_it_comes(t=1.5, step=2)
    expect(page.locator("#feedback-loop").get_by_label("Temperature")).to_be_visible()
    page = as_it_comes(step=2)
    expect(page.locator("#feedback-loop").get_by_label("Temperature")).to_be_hidden()

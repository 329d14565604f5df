"""/attention/ in a real browser, on the built site: every capability that the page promises."""

import re
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from conftest import settle, wait_live
from playwright.sync_api import expect

from explainer.kernel.explain import explain
from explainer.kernel.heads import ROLES
from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.studies import circuit as study
from explainer.ui.html import number, percent
from explainer.ui.parts.lean import story
from pages.attention.page import AttentionState
from pages.attention.views.heads import LEVELS
from pages.attention.views.lookup import SHOWN

pytestmark = pytest.mark.single_figures

expect.set_options(timeout=30_000)  # a busy machine; what never comes still fails


@pytest.fixture
def state():
    return AttentionState()


@pytest.fixture
def trace(state):
    return lab.trace(state.tokens())


def widget(page, slug):
    return page.locator(f"[data-widget={slug}]")


def cells(figure):
    """Every number of a figure's table, row by row."""
    return figure.locator("table").evaluate(
        "t => [...t.tBodies[0].rows]"
        ".map(r => [...r.cells].filter(c => c.dataset.v !== undefined).map(c => Number(c.dataset.v)))"
    )


def test_the_steps_go_forwards_and_back_by_button_and_key(open_page, state, trace):
    page = open_page("embed/attention-stepper/", step=0)
    stepper = widget(page, "attention-stepper")
    name = stepper.locator("[data-step-name]")
    expect(name).to_have_text("Step 1 of 10: Residual stream")
    for title in (
        "LayerNorm",
        "q, k, v",
        "Scores",
        "Scale",
        "Mask",
        "Softmax",
        "Mix values",
        "All heads",
        "Add back",
    ):
        stepper.get_by_role("button", name="Next step").click()
        expect(name).to_contain_text(title)
        expect(stepper.locator(".step:visible .flow").first).to_be_visible()
    expect(stepper.get_by_role("button", name="Next step")).to_have_attribute("aria-disabled", "true")
    stepper.get_by_role("button", name="Previous step").click()
    expect(name).to_contain_text("Step 9 of 10")
    stepper.get_by_role("button", name="Previous step").press("ArrowLeft")
    expect(name).to_contain_text("Step 8 of 10")
    settle(page)
    expect(page).to_have_url(re.compile("step=7"))


def test_play_runs_to_the_end_and_stops(open_page):
    page = open_page("embed/attention-stepper/", step=8)
    stepper = widget(page, "attention-stepper")
    stepper.get_by_role("button", name="Play").click()
    expect(stepper.locator("[data-step-name]")).to_contain_text("Step 10 of 10")
    expect(stepper.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "false")
    stepper.locator(".step:visible td[tabindex='0']").first.focus()
    page.keyboard.press("Space")
    expect(stepper.locator("[data-step-name]")).to_contain_text("Step 1 of 10")  # from the end it starts again
    expect(stepper.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    expect(stepper.locator("[data-step-name]")).to_contain_text("Step 2 of 10")
    stepper.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Space")
    expect(stepper.get_by_role("button", name="Play")).to_have_attribute("aria-pressed", "false")


def test_the_pattern_on_screen_is_the_models(open_page, state, trace):
    page = open_page("embed/attention-stepper/", step=6)
    shown = cells(widget(page, "attention-stepper").get_by_test_id("pattern"))
    want = trace[f"blocks.{state.layer}.attn.pattern"][state.head]
    for t, row in enumerate(shown):
        np.testing.assert_allclose(row, want[t, : t + 1], atol=2e-5)


def test_a_cell_of_the_query_row_says_how_it_was_made(open_page, state, trace):
    page = open_page("embed/attention-stepper/", step=6)
    figure = widget(page, "attention-stepper").get_by_test_id("pattern")
    found = facts.example(state.tokens(), state.layer, state.head).found
    figure.locator("tr.chosen td").nth(found).hover()
    expect(figure.locator("[data-readout]")).to_contain_text("exp(score(-ta))")
    figure.locator("td[tabindex='0']").focus()  # the one tab stop of the table
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    value = float(trace[f"blocks.{state.layer}.attn.pattern"][state.head, 2, 1])
    focused = figure.locator("td:focus")
    assert float(focused.get_attribute("data-v")) == pytest.approx(value, abs=1e-5)
    expect(figure.locator("[data-readout]")).to_contain_text(f"exp(score({lab.names_of(state.tokens())[1]}))")


def test_the_page_moving_under_the_pointer_does_not_silence_the_keyboard(open_page, state):
    """Focus scrolls the page, so that something else comes to lie under a pointer that rests: that is no pointing."""
    page = open_page("attention/", step=6)
    figure = widget(page, "attention-stepper").get_by_test_id("pattern")
    figure.locator("tbody tr").nth(2).locator("td").nth(1).evaluate(
        """cell => {
            const rests = { bubbles: true, screenX: 5, screenY: 5 };
            document.querySelector('h1').dispatchEvent(new PointerEvent('pointerover', rests));
            cell.tabIndex = 0; cell.focus();
            document.querySelector('h1').dispatchEvent(new PointerEvent('pointerover', rests));
        }"""
    )
    expect(figure.locator("[data-readout]")).to_contain_text(f"exp(score({lab.names_of(state.tokens())[1]}))")


def test_any_other_cell_is_explained_when_asked(open_page, state, trace):
    page = open_page("embed/attention-stepper/", step=3)
    figure = widget(page, "attention-stepper").get_by_test_id("keys")
    figure.locator("tbody tr").nth(4).locator("td").nth(7).hover()
    made = explain(trace, lab.model().params, f"blocks.{state.layer}.attn.k", (4, state.head, 7))
    expect(figure.locator("[data-readout]")).to_contain_text("ln1(␣c) · W_K" if "ln1(" in made.formula else "W_K")
    expect(figure.locator("[data-readout]")).to_contain_text("more)")


STEP_CELLS = [  # step, figure, record, the cell's row and column, its index in the record (t: query, h: head)
    (0, "resid-pre", "resid_pre", 1, 3, ("t", 27)),
    (1, "ln1", "ln1.normalized", 2, 5, ("t", 53)),
    (2, "q", "attn.q", 0, 4, ("t", "h", 4)),
    (2, "k", "attn.k", 0, 4, ("t", "h", 4)),
    (2, "v", "attn.v", 0, 4, ("t", "h", 4)),
    (3, "scores-raw", "attn.attn_scores_raw", "t", 10, ("h", "t", 10)),
    (3, "scores-raw", "attn.attn_scores_raw", 4, 2, ("h", 4, 2)),
    (4, "scores-scaled", "attn.attn_scores_scaled", 1, 10, ("h", "t", 10)),
    (5, "scores-masked", "attn.attn_scores", "t", 10, ("h", "t", 10)),
    (6, "pattern", "attn.pattern", "t", 10, ("h", "t", 10)),
    (7, "z", "attn.z", -1, 7, ("t", "h", 7)),
    (8, "result-1", "attn.result", 1, 3, ("t", 1, 27)),
    (8, "attn-out", "attn_out", 1, 3, ("t", 27)),
    (9, "resid-mid", "resid_mid", 1, 3, ("t", 27)),
]


def test_at_every_step_a_cell_spells_out_how_it_was_made(open_page, state, trace):
    page = open_page("embed/attention-stepper/", step=0)
    stepper = widget(page, "attention-stepper")
    names = lab.names_of(state.tokens())
    at = {"t": state.query, "h": state.head}
    shown = 0
    for step, figure_id, record, row, column, index in STEP_CELLS:
        while shown < step:
            stepper.get_by_role("button", name="Next step").click()
            shown += 1
        figure = stepper.get_by_test_id(figure_id)
        full = f"blocks.{state.layer}.{record}"  # the tensor is named with its axes and their sizes
        sizes = " × ".join(f"{a} {n}" for a, n in zip(trace.axes(full).split(), trace[full].shape, strict=True))
        made = stepper.locator(".step:visible .flow-line b", has_text=f"{record.removeprefix('attn.')} [{sizes}]")
        expect(made).to_be_visible()
        cell = figure.locator("tbody tr").nth(at.get(row, row)).locator("td[data-v]").nth(column)
        key = f"blocks.{state.layer}.{record}"
        place = tuple(at.get(i, i) for i in index)
        assert float(cell.get_attribute("data-v")) == pytest.approx(float(trace[key][place]), rel=1e-3, abs=1e-4), key
        cell.scroll_into_view_if_needed()
        cell.hover()
        line = figure.locator("[data-readout]")
        told = story(trace, key, place, names)
        expect(line).to_contain_text(told.split(" = ")[0])  # the formula, with the tokens' names in it
        numbers = re.findall(r"\d+\.\d+", told)
        said = re.findall(r"\d+\.\d+", line.inner_text())
        terms = 1 if record in ("resid_pre", "attn.attn_scores") else 2  # what is handed on as it was is said once
        assert len(numbers) >= terms and said[: len(numbers)] == numbers, (
            f"{key}: {line.inner_text()!r} is not {told!r}"
        )


def test_the_steps_add_up_on_screen(open_page, state, trace):
    page = open_page("embed/attention-stepper/", live=False)
    stepper = widget(page, "attention-stepper")
    layer, head, t = state.layer, state.head, state.query
    unscaled, scaled = cells(stepper.get_by_test_id("softmax-unscaled"))
    want = facts.with_and_without_scaling(trace, layer, head, t)
    np.testing.assert_allclose([unscaled, scaled], want[2:], atol=1e-4)
    assert max(unscaled) > max(scaled)  # what the division is for
    q, k, products = (np.array(row) for row in cells(stepper.get_by_test_id("score-by-hand")))
    best = int(trace[f"blocks.{layer}.attn.pattern"][head, t].argmax())
    np.testing.assert_allclose(q * k, products, atol=1e-4)
    score = float(trace[f"blocks.{layer}.attn.attn_scores_raw"][head, t, best])
    assert products.sum() == pytest.approx(score, abs=1e-3)
    *parts, z = cells(stepper.get_by_test_id("z"))
    np.testing.assert_allclose(np.sum(parts, axis=0), z, atol=1e-4)
    results = [np.ravel(cells(stepper.get_by_test_id(f"result-{h}"))) for h in range(lab.model().config.n_heads)]
    bias = lab.model().params[f"blocks.{layer}.attn.b_O"]
    update = np.ravel(cells(stepper.get_by_test_id("attn-out")))
    np.testing.assert_allclose(np.sum(results, axis=0) + bias, update, atol=1e-3)
    before, after = (np.ravel(cells(stepper.get_by_test_id(name))) for name in ("before", "resid-mid"))
    np.testing.assert_allclose(before + update, after, atol=1e-3)
    np.testing.assert_allclose(after, trace[f"blocks.{layer}.resid_mid"][t], atol=1e-3)
    np.testing.assert_allclose(
        [row[0] for row in cells(stepper.get_by_test_id("next-token"))],
        np.sort(facts.softmax(trace["logits"][t].astype("float64")))[::-1][:6],
        atol=1e-4,
    )


def test_a_masked_cell_says_why_it_is_not_read(open_page, state):
    page = open_page("embed/attention-stepper/", step=5)
    figure = widget(page, "attention-stepper").get_by_test_id("scores-masked")
    names = lab.names_of(state.tokens())
    figure.locator("tbody tr").nth(3).locator("td").nth(6).hover()
    expect(figure.locator("[data-readout]")).to_contain_text(
        f"key({names[6]}) comes after query({names[3]}): masked = −∞"
    )


def test_a_row_can_be_asked_where_its_table_cannot(open_page, state, trace):
    page = open_page("embed/attention-stepper/", step=3)
    figure = widget(page, "attention-stepper").get_by_test_id("score-by-hand")
    figure.locator("tbody tr").nth(0).locator("td").nth(5).hover()
    key, place = f"blocks.{state.layer}.attn.q", (state.query, state.head, 5)
    expect(figure.locator("[data-readout]")).to_contain_text(story(trace, key, place, lab.names_of(state.tokens())))


def test_steps_and_pointing_need_no_python(context, site, state, trace):
    """What is in the page answers at once: here Python never arrives."""
    page = context.new_page()
    page.route("**/runtime/**", lambda route: None)  # neither answered nor refused
    page.goto(f"{site}attention/?step=6")
    stepper = widget(page, "attention-stepper")
    stepper.get_by_role("button", name="Previous step").click()
    expect(stepper.locator("[data-step-name]")).to_contain_text("Step 6 of 10: Mask")
    stepper.get_by_role("button", name="Next step").press("ArrowRight")
    expect(stepper.locator("[data-step-name]")).to_contain_text("Step 7 of 10: Softmax")
    figure = stepper.get_by_test_id("pattern")
    figure.locator("tr.chosen td").nth(10).hover()
    told = story(
        trace, f"blocks.{state.layer}.attn.pattern", (state.head, state.query, 10), lab.names_of(state.tokens())
    )
    expect(figure.locator("[data-readout]")).to_contain_text(told)
    assert page.evaluate("document.documentElement.dataset.explainer") != "live"


def test_the_steps_fit_a_screen_and_an_arrow_leads_to_what_is_read(open_page, state, trace):
    """At each step, on a wide page and in an embed of 720 px: the figure with its controls is 600 px high at most."""
    best = int(trace[f"blocks.{state.layer}.attn.pattern"][state.head, state.query].argmax())
    for path, width in (("attention/", 1280), ("embed/attention-stepper/", 720)):
        page = open_page(path, step=0)
        page.set_viewport_size({"width": width, "height": 900})
        stepper = widget(page, "attention-stepper")
        stepper.locator("details[open]").evaluate_all("all => all.forEach((el) => { el.open = false; })")
        tall = []
        for title in ("Residual", "LayerNorm", "q, k", "Scores", "Scale", "Mask", "Softmax", "Mix", "All heads", "Add"):
            expect(stepper.locator("[data-step-name]")).to_contain_text(title)
            tall.append(stepper.bounding_box()["height"])
            if title != "Add":
                stepper.get_by_role("button", name="Next step").click()
        assert max(tall) <= 600, (path, tall)
        arrow = stepper.locator("svg.reading:visible .reads.best")
        expect(arrow).to_have_attribute("data-key", str(best))
        line, word = (
            arrow.locator(".tip").bounding_box(),
            stepper.locator(f"svg.reading:visible [data-arc='{best}']").bounding_box(),
        )
        assert word["x"] <= line["x"] + line["width"] / 2 <= word["x"] + word["width"] and line["y"] < word["y"]


def test_a_press_of_a_word_makes_it_ask(open_page):
    page = open_page("embed/attention-stepper/")
    stepper = widget(page, "attention-stepper")
    stepper.locator("svg.reading:visible [data-arc='10']").click()
    expect(page).to_have_url(re.compile("query=10"))
    expect(stepper.get_by_label("Query token")).to_have_value("10")
    expect(stepper.locator("svg.reading:visible .reads.best")).to_have_attribute("data-query", "10")


# ---------------------------------------------------------------- the two-step circuit


def answers(circuit):
    """The chance of the answer, by the strip above the drawing: its number, and the share of the strip it takes."""
    return circuit.locator("svg.circuit:visible .roof").evaluate(
        """el => { const [answer, all] = ['rect.answer', '.strip-frame'].map(kind => el.querySelector(kind));
            return [Number(answer.dataset.v), answer.getAttribute('width') / all.getAttribute('width')]; }"""
    )


@pytest.mark.parametrize("width", [1280, 360])
def test_wires_are_cut_by_mouse_and_key_and_the_odds_fall(width, open_page, make_context, site, state):
    """Also on a phone: one writer is not missed, both are; the link reopens the cut; all can be joined again."""
    found = study.circuit(state.tokens())
    one, other = found.first
    page = open_page("embed/attention-circuit/")
    page.set_viewport_size({"width": width, "height": 800})
    circuit = widget(page, "attention-circuit")
    wire = lambda w: circuit.get_by_role("button", name=f"Cut layer {w.layer}:")  # noqa: E731
    assert answers(circuit)[0] == pytest.approx(found.chance, abs=1e-5)
    wire(one).click()
    expect(wire(one)).to_have_attribute("aria-pressed", "true")
    settle(page)
    assert answers(circuit)[0] == pytest.approx(one.cut, abs=1e-4) and one.cut > 0.9
    wire(other).focus()
    page.keyboard.press("Enter")
    expect(wire(other)).to_have_attribute("aria-pressed", "true")
    expect(wire(other)).to_be_focused()  # what is drawn anew keeps the place of the keyboard
    settle(page)
    chance, share = answers(circuit)
    assert chance == pytest.approx(found.first_cut, abs=1e-3) and chance < 0.5
    assert share == pytest.approx(chance, abs=0.02)
    expect(circuit.locator(".says")).to_contain_text("the model would say")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    again = make_context().new_page()
    again.set_viewport_size({"width": width, "height": 800})
    again.goto(page.url)
    wait_live(again)
    reopened = widget(again, "attention-circuit")
    assert answers(reopened)[0] == pytest.approx(chance, abs=1e-6)
    expect(reopened.get_by_role("button", name=f"Cut layer {one.layer}:")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Space")  # joined again
    expect(wire(other)).to_have_attribute("aria-pressed", "false")
    circuit.get_by_role("button", name="Cut the second step").click()
    settle(page)
    assert answers(circuit)[0] < 0.01
    circuit.get_by_role("button", name="Join all again").click()
    settle(page)
    assert answers(circuit)[0] == pytest.approx(found.chance, abs=1e-5)
    assert "cut=" not in page.url


def test_a_bad_cut_and_a_text_without_a_circuit_are_said_in_plain_words(open_page):
    page = open_page("embed/attention-circuit/", cut="7.7.7.7")
    circuit = widget(page, "attention-circuit")
    expect(circuit.locator("[data-message=cut]")).to_contain_text("there is no such head")
    circuit.get_by_label("Prompt", exact=True).fill("a b c d e f")
    expect(circuit.locator(".says")).to_contain_text("No two steps to cut in this text.")
    circuit.get_by_role("button", name="Take this page’s own text").click()
    expect(circuit.get_by_role("button", name="Cut the first step")).to_be_visible()


def test_every_head_is_labelled_by_what_was_measured(open_page):
    page = open_page("embed/attention-heads/", live=False)
    buttons = widget(page, "attention-heads").locator(".head-button")
    config, roles = lab.model().config, facts.head_scores()
    expect(buttons).to_have_count(config.n_layers * config.n_heads)
    for i in range(config.n_layers * config.n_heads):
        layer, head = divmod(i, config.n_heads)
        role, score = roles.strongest(layer, head)
        clear = roles.label(layer, head)[0] != "mixed"
        label = ("" if clear else "mixed, most: ") + ROLES[role][0]
        expect(buttons.nth(i)).to_have_text(re.compile(rf"{layer}\.{head}\s*{re.escape(number(score))}\s*{label}$"))
        expect(buttons.nth(i).locator(".role.clear")).to_have_count(int(clear))
    measured = cells(widget(page, "attention-heads").get_by_test_id("head-scores"))[
        1:
    ]  # after that of reading all alike
    worth = facts.head_worth()
    for i, row in enumerate(measured):
        layer, head = divmod(i, config.n_heads)
        want = [*(roles.scores[role][layer, head] for role in ROLES), worth[layer, head]]
        np.testing.assert_allclose(row, want, rtol=1e-3, atol=1e-5)
    assert len(measured) == config.n_layers * config.n_heads


def test_the_small_patterns_are_the_models(open_page, trace):
    """Every square of every head's picture stands where the model's weight has that strength, and nowhere else."""
    page = open_page("embed/attention-heads/", live=False)
    drawn = (
        widget(page, "attention-heads")
        .locator(".head-button")
        .evaluate_all(
            """buttons => buttons.map(b => [...b.querySelectorAll('path[class^=level]')].flatMap(p =>
             [...p.getAttribute('d').matchAll(/M(\\d+) (\\d+)h1v1h-1z/g)]
               .map(m => [Number(m[2]), Number(m[1]), Number(p.className.baseVal.slice(6))])))"""
        )
    )
    config = lab.model().config
    assert len(drawn) == config.n_layers * config.n_heads
    for i, squares in enumerate(drawn):
        layer, head = divmod(i, config.n_heads)
        pattern = trace[f"blocks.{layer}.attn.pattern"][head]
        shown = np.full(pattern.shape, -1)
        for t, s, level in squares:
            shown[t, s] = level
        want = np.searchsorted(LEVELS, pattern, side="right") - 1
        near = np.abs(pattern[..., None] - np.array(LEVELS)).min(-1) < 1e-5  # on a border rounding may decide
        assert ((shown == want) | near).all(), (layer, head)
        assert (shown >= 0).sum() > len(pattern) // 2


def test_the_default_text_is_a_token_per_word():
    """Heat maps read as text only if words are not cut into letters."""
    state = AttentionState()
    for tokens in (state.tokens(), state.pinned()):
        pieces = [name for name in lab.names_of(tokens)[1:] if name.isalpha() and not name.startswith("\N{OPEN BOX}")]
        assert not pieces[1:], pieces  # the first word has no space before it


def test_layer_head_query_and_prompt_are_the_readers(open_page):
    page = open_page("embed/attention-stepper/", step=6)
    stepper = widget(page, "attention-stepper")
    stepper.get_by_label("Layer", exact=True).select_option("1")
    stepper.get_by_label("Head", exact=True).select_option("2")
    stepper.get_by_label("Query token").select_option("5")
    settle(page)
    stepper.get_by_label("Prompt").fill("Tom has a red ball. Tom gives")
    settle(page)
    expect(stepper.get_by_test_id("pattern").locator("tbody tr")).to_have_count(
        len(lab.tokens_of("Tom has a red ball. Tom gives"))
    )
    tokens = lab.tokens_of("Tom has a red ball. Tom gives")
    want = lab.trace(tokens)["blocks.1.attn.pattern"][2]
    for t, row in enumerate(cells(stepper.get_by_test_id("pattern"))):
        np.testing.assert_allclose(row, want[t, : t + 1], atol=2e-5)
    assert "layer=1" in page.url and "head=2" in page.url and "query=5" in page.url


def test_a_click_on_a_small_pattern_opens_that_head_everywhere(open_page, state):
    page = open_page("attention/")
    grid = widget(page, "attention-heads")
    copier = facts.head_scores().best("copy")
    button = grid.get_by_role("button", name=f"{copier[0]}.{copier[1]}")
    expect(button).to_contain_text(ROLES["copy"][0])
    expect(button).to_contain_text(number(copier[2]))
    grid.get_by_role("button", name="2.1").click()
    settle(page)
    want = lab.trace(state.tokens())["blocks.2.attn.pattern"][1]
    for t, row in enumerate(cells(grid.get_by_test_id("opened-head"))):
        np.testing.assert_allclose(row, want[t, : t + 1], atol=2e-5)
    expect(grid.get_by_role("button", name="2.1")).to_have_attribute("aria-pressed", "true")
    expect(widget(page, "attention-stepper").get_by_label("Layer", exact=True)).to_have_value("2")
    expect(widget(page, "attention-lookup").get_by_label("Head", exact=True)).to_have_value("1")


def test_the_lookup_goes_from_average_to_hard(open_page, state, trace):
    page = open_page("embed/attention-lookup/")
    lookup = widget(page, "attention-lookup")

    def expect_lookup(sharpness):
        found = facts.lookup(trace, state.layer, state.head, state.query, sharpness)
        want = [[found.scores[i], found.weights[i]] for i in found.order[:SHOWN]]
        np.testing.assert_allclose(cells(lookup.get_by_test_id("dictionary")), want, rtol=1e-3, atol=1e-4)
        every = [[found.scores[i], found.weights[i]] for i in found.order]
        np.testing.assert_allclose(cells(lookup.get_by_test_id("kernel")), every, rtol=1e-3, atol=1e-4)
        mix, own = cells(lookup.get_by_test_id("mix"))
        np.testing.assert_allclose(mix, found.mix, atol=1e-3)
        np.testing.assert_allclose(own, trace[f"blocks.{state.layer}.attn.z"][state.query, state.head], atol=1e-3)
        edit = facts.lookup_patch(trace, state.layer, state.head, state.query, found.weights)
        after = facts.change(state.tokens(), (edit,), state.query).after
        shown = [row[1] for row in cells(lookup.get_by_test_id("lookup-prediction"))]
        assert max(shown) == pytest.approx(float(after.max()), abs=1e-3)

    expect_lookup(1)
    lookup.get_by_role("button", name="0: plain average").click()
    settle(page)
    rows = cells(lookup.get_by_test_id("dictionary"))
    assert {round(row[1], 6) for row in rows} == {round(1 / (state.query + 1), 6)}
    expect_lookup(0)
    lookup.get_by_role("button", name="∞: only the best").click()
    settle(page)
    assert [row[1] for row in cells(lookup.get_by_test_id("dictionary"))][:2] == [1, 0]
    expect(page).to_have_url(re.compile("sharpness=inf"))
    lookup.get_by_label("Sharpness").focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile("sharpness=[0-9]"))
    settle(page)
    expect_lookup(float(parse_qs(urlsplit(page.url).query)["sharpness"][0]))


def test_a_pinned_text_is_wired_otherwise_by_the_same_weights(open_page, state):
    page = open_page("embed/attention-routing/")
    routing = widget(page, "attention-routing")
    want = facts.routing(state.tokens(), state.pinned(), state.layer, state.head)
    for figure, matrix in (("pattern-a", want.a), ("pattern-b", want.b)):
        for t, row in enumerate(cells(routing.get_by_test_id(figure))):
            np.testing.assert_allclose(row, matrix[t, : t + 1], atol=2e-5)
    there = facts.look(want.b, facts.same_token(state.pinned(), state.tokens()[state.query]))
    asks, found = (routing.get_by_test_id("looks").locator(f".tokens .{mark}") for mark in ("asks", "found"))
    expect(asks.locator(".index")).to_have_text([str(state.query), str(there.query)])
    expect(found.locator(".index")).to_have_text([str(facts.look(want.a, state.query).key), str(there.key)])
    corner = lab.model().params[f"blocks.{state.layer}.mlp.W_in"][:12, :12]
    for figure in ("w-in-a", "w-in-b"):
        assert (np.array(cells(routing.get_by_test_id(figure)), dtype=corner.dtype) == corner).all(), figure
    expect(routing.locator("tr", has_text="mlp.W_in")).to_contain_text("bit-identical")
    expect(routing.locator("tr", has_text="mlp.W_in")).to_contain_text(want.fingerprints[4].a)
    expect(routing.locator("tr", has_text="attn.pattern")).to_contain_text("different")
    for text in (state.pin, state.prompt):  # there and back: a button that has the focus follows what Python draws
        routing.get_by_role("button", name="Swap the two").click()
        settle(page)
        expect(routing.get_by_label("Prompt")).to_have_value(text)
    routing.get_by_role("button", name="Pin the prompt here").click()
    settle(page)
    expect(routing).to_contain_text("The same text, the same wiring")


def test_taking_out_shows_what_is_lost(open_page, state):
    page = open_page("embed/attention-ablation/")
    ablation = widget(page, "attention-ablation")

    def expect_lost(choice):
        row = ablation.get_by_test_id("take-out-loss").locator("tr.chosen")
        expect(row.get_by_role("rowheader")).to_have_text(choice.label)
        settle(page)
        loss = facts.loss(choice.interventions)
        expect(row).to_contain_text(number(loss.cross_entropy.value))
        expect(row).to_contain_text(percent(loss.accuracy.value))
        want = facts.change(state.tokens(), choice.interventions, state.query)
        likeliest = np.argsort(-(want.before + want.after))[:8]
        shown = np.array(cells(ablation.get_by_test_id("take-out-prediction")))
        names = ablation.get_by_test_id("take-out-prediction").locator("tbody th").all_inner_texts()
        assert set(names) >= {lab.tokenizer().display(int(i)) for i in likeliest[:2]}
        for side, probs in enumerate((want.before, want.after)):
            np.testing.assert_allclose(sorted(shown[:, side]), sorted(probs[likeliest]), atol=1e-3)

    choices = facts.take_outs(state.layer, state.head)
    for choice in choices:
        ablation.get_by_role("button", name=choice.label, exact=True).click()
        expect_lost(choice)
    assert {x.name for x in choices} == {"scaling", "mask", "uniform", "positions", "head"}
    ablation.get_by_role("button", name=choices[-1].label, exact=True).click()  # pressed once more: put back
    expect(ablation.get_by_role("button", name="nothing", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(ablation.get_by_test_id("take-out-loss").locator("tr.chosen").get_by_role("rowheader")).to_have_text(
        "as trained"
    )
    # any other head, from the table of what each is worth
    worth = facts.head_worth()
    np.testing.assert_allclose(cells(ablation.get_by_test_id("head-worth")), worth, atol=1e-4)
    layer, head = (int(i) for i in np.unravel_index(np.argmax(worth), worth.shape))
    ablation.get_by_role("button", name=f"Take head {layer}.{head} out:").click()
    expect_lost(next(x for x in facts.take_outs(layer, head) if x.name == "head"))
    assert f"head={head}" in page.url or head == state.head


def test_order_shows_only_where_positions_or_mask_let_it(open_page, state):
    page = open_page("embed/attention-order/", swap=2, swap_with=5)
    order = widget(page, "attention-order")
    shown = np.array(cells(order.get_by_test_id("order")))
    assert (shown[:, 2] < facts.ROUNDING).all()
    assert shown[0, 1] < facts.ROUNDING < shown[1:, 1].max()
    want = facts.order_test(state.tokens(), 2, 5, state.query, state.layer, state.head)
    for column, (name, _) in enumerate(facts.CONDITIONS):
        layers = [*want.changes[name], want.moved[name]]
        np.testing.assert_allclose(shown[:, column], layers, rtol=1e-3, atol=facts.ROUNDING, err_msg=name)
        after = want.rows[name][1]  # the weights go with the tokens: that at 2 now stands at 5
        np.testing.assert_allclose(cells(order.get_by_test_id("order-weights"))[column], after[[5, 2]], atol=1e-4)
    expect(order).to_contain_text("Order leaks through the mask")


def test_the_bus_adds_up_and_the_lens_follows_a_chosen_token(open_page, state, trace):
    page = open_page("embed/residual-bus/")
    bus = widget(page, "residual-bus")
    rows = cells(bus.get_by_test_id("contributions"))
    assert sum(row[0] for row in rows[:-1]) == pytest.approx(rows[-1][0], abs=1e-3)
    logits = trace["logits"][state.query]
    answer, second = (int(i) for i in np.argsort(-logits)[:2])
    want = [rider.lead for rider in facts.bus(trace, state.query, answer, second)]
    assert [row[0] for row in rows[:-1]] == pytest.approx(want, abs=1e-3)
    assert rows[-1][0] == pytest.approx(float(logits[answer] - logits[second]), abs=1e-3)
    assert sum(row[1] for row in rows[:-1]) == pytest.approx(float(logits[answer]), abs=1e-3)
    stages = facts.lens(trace, state.query, answer)
    shown = cells(bus.get_by_test_id("lens"))
    assert [row[0] for row in shown] == pytest.approx([facts.chance_of(s) for s in stages], abs=1e-4)
    assert [row[1] for row in shown] == [s.rank for s in stages]
    probs = facts.softmax(trace["logits"][state.query].astype("float64"))
    rival = int(np.argsort(-probs)[1])
    bus.get_by_test_id("followed").get_by_role("button", name=lab.names_of((rival,))[0], exact=True).click()
    settle(page)
    expect(page).to_have_url(re.compile(f"token={rival}"))
    assert cells(bus.get_by_test_id("lens"))[-1][1] == 2


def test_a_copied_link_opens_the_same_view(open_page, make_context, site):
    query = {
        "prompt": "Beads: red, blue, red, blue,",
        "layer": 2,
        "head": 0,
        "query": 5,
        "step": 7,
        "take_out": "mask",
        "sharpness": "3",
    }
    page = open_page("attention/", **query)
    stepper = widget(page, "attention-stepper")
    stepper.get_by_label("Head", exact=True).select_option("1")  # what is done by hand is in the link, too
    widget(page, "attention-order").get_by_label("Swap token").select_option("3")
    settle(page)
    stepper.get_by_role("button", name="Next step").click()
    expect(page).to_have_url(re.compile("step=8"))
    settle(page)
    url = page.url
    assert "head=1" in url and "swap=3" in url
    other = make_context().new_page()
    other.goto(url)
    from conftest import wait_live

    wait_live(other)
    for slug in ("attention-stepper", "attention-lookup", "attention-ablation", "attention-order", "residual-bus"):
        mine = page.locator(f"[data-widget={slug}] [data-body]").inner_text()
        assert other.locator(f"[data-widget={slug}] [data-body]").inner_text() == mine
    expect(other.locator("[data-step-name]")).to_contain_text("Step 9 of 10")


def test_bad_values_in_a_link_are_said_in_plain_words(open_page):
    page = open_page("embed/attention-stepper/", layer="99", take_out="everything", prompt="the ball " * 40)
    expect(page.locator("[data-status-message]")).to_contain_text("is not a choice")
    expect(widget(page, "attention-stepper").locator("[data-message=layer]")).to_contain_text("There is no layer 99")
    expect(widget(page, "attention-stepper").locator("[data-message=prompt]")).to_contain_text("28 tokens at most")


@pytest.mark.parametrize("text", ["", "<b>bold</b> 🙂", "שלום"])
def test_any_text_is_drawn(open_page, text):
    page = open_page("embed/attention-stepper/", prompt=text)
    expect(widget(page, "attention-stepper").locator(".tokens:has(button)").locator("button")).to_have_count(
        len(lab.tokens_of(text))
    )


def test_signs_and_strengths_have_their_colours(open_page):
    """A style sheet that lost a rule would leave the signed maps blank."""
    page = open_page("embed/attention-stepper/", step=2, live=False)
    figure = widget(page, "attention-stepper").get_by_test_id("q")
    colours = figure.locator("td[data-v]").evaluate_all(
        "cells => cells.map(c => [Math.sign(c.dataset.v), getComputedStyle(c).backgroundColor])"
    )
    plus, minus = ({colour for sign, colour in colours if sign == side} for side in (1, -1))
    assert len(plus) > 3 and len(minus) > 3 and not plus & minus


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_share_has_one_shade_on_the_text_in_the_table_and_among_all_heads(scheme, new_page, site):
    page = new_page(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{site}attention/?step=6")
    wait_live(page)
    shades = page.evaluate(
        """() => {
        const brush = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        const rgb = el => { brush.fillStyle = getComputedStyle(el).backgroundColor; brush.fillRect(0, 0, 1, 1);
          return [...brush.getImageData(0, 0, 1, 1).data].slice(0, 3); };
        const most = all => [...all].reduce((a, b) => Number(b.dataset.v) > Number(a.dataset.v) ? b : a);
        const cells = ['#attention-stepper .tokens .token[data-v]',
          '#attention-stepper [data-testid=pattern] tbody tr:last-child td[data-v]',
          '#attention-heads .heat:not(.numbered) tbody tr:last-child td[data-v]'];
        return cells.map(all => most(document.querySelectorAll(all))).map(el => [Number(el.dataset.v), ...rgb(el)]);
        }"""
    )
    (share, *on_text), (in_table, *of_table), (among, *of_heads) = shades
    assert share == pytest.approx(in_table, rel=1e-3) and share > 0.9 and among > 0.9
    assert on_text == pytest.approx(of_table, abs=12) and of_heads == pytest.approx(of_table, abs=12)

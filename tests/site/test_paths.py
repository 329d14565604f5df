"""/paths/ in a browser: cones without Python, every widget live, numbers against those of this very `explainer`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from math import comb
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import serve
from conftest import settle, tool, wait_live
from playwright.sync_api import Locator, Page, expect

from explainer.kernel import gradients, paths
from explainer.kernel.paths import Node, letter
from explainer.models import lab
from explainer.studies import influence, working
from explainer.ui.html import number, percent
from explainer.ui.parts.grid import names_of, node_name
from pages.paths.page import MOST, PathsState
from pages.paths.views.cones import magnitude

pytestmark = pytest.mark.single_figures

GROWTH = {"rnn": "O(n)", "cnn": "O(n / k)", "dilated cnn": "O(logₖ n)", "attention": "O(1)"}
DEFAULT = PathsState()
LAYERS = lab.model().config.n_layers


def node(page: Page, widget: str, name: str):
    grid = "[data-paths=paths] " if widget == "paths" else ""  # the whole one: the corner has nodes of these names, too
    return page.locator(f"#{widget}").locator(f"{grid}.node:has(text:text-is('{name}'))")


def roles(page: Page) -> dict[str, str]:
    """What each node of the grid looks like just now: {name: role}."""
    return page.locator("#paths .paths-grid.lively[data-paths=paths] .node").evaluate_all(
        "nodes => Object.fromEntries(nodes.map(n => [n.querySelector('text').textContent, n.dataset.role]))"
    )


def expected_roles(n: int, chosen: Node) -> dict[str, str]:
    graph = paths.attention_grid(n, LAYERS)
    found = dict.fromkeys(graph.nodes, "none")
    found |= dict.fromkeys(graph.reads(chosen), "reads") | dict.fromkeys(graph.influences(chosen), "influences")
    return {f"{letter(at.position)}{at.level}": role for at, role in (found | {chosen: "self"}).items()}


def choose(where: Locator, strip: str, token: int) -> None:
    where.get_by_role("group", name=strip).locator(f"button[value='{token}']").click()


def values(page: Page, widget: str, levels: int, n: int) -> np.ndarray:
    """The numbers in the nodes of a measured grid, exactly as they stand in the page. [levels, n]"""
    found = page.locator(f"#{widget} .node[data-v]").evaluate_all(
        "ns => ns.map(n => [Number(n.dataset.i), n.dataset.v])"
    )
    table = np.full((levels, n), np.nan)
    for i, text in found:
        table[divmod(int(i), n)] = float(text)
    return table


def told_rows(figure: Locator, names: int = 1) -> np.ndarray:
    """The numbers in a table that tells a drawing's numbers, without the names of its rows. [rows, columns]"""
    rows = figure.locator("tbody tr").evaluate_all(
        "(rows, names) => rows.map(r => [...r.cells].slice(names)"
        ".map(c => Number(c.dataset.v ?? c.textContent.replaceAll(',', ''))))",
        names,
    )
    return np.array(rows)


def about(slug: str) -> pytest.MarkDecorator:
    """Let the `page` of a test be the embed of its one widget: only that is drawn, a tenth of the work."""
    return pytest.mark.parametrize("page", [f"embed/{slug}/"], indirect=True, ids=[slug])


@pytest.fixture
def page(open_page, request):
    return open_page(getattr(request, "param", "paths/"))


# ---------------------------------------------------------------- cones


def test_pointing_at_a_node_lights_its_cones_before_python_is_there(open_page):
    page = open_page("paths/", live=False)
    n = len(DEFAULT.text())
    pinned = expected_roles(n, Node(2, 6))
    assert roles(page) == pinned
    for name, chosen in (("C2", Node(2, 2)), ("A0", Node(0, 0)), ("L4", Node(4, 11))):
        node(page, "paths", name).hover()
        assert roles(page) == expected_roles(n, chosen), name
    page.get_by_role("heading", level=1).hover()
    assert roles(page) == pinned, "when nothing is pointed at, the pinned node is shown"


def test_c2_reads_a1_b1_c1_never_a2_or_b2(page):
    node(page, "paths", "C2").hover()
    found = roles(page)
    assert {found[x] for x in ("A1", "B1", "C1", "A0", "B0", "C0")} == {"reads"}
    assert {found[x] for x in ("A2", "B2", "D1", "D0", "A3")} == {"none"}
    expect(page.get_by_test_id("paths").locator(".readout")).to_contain_text("is computed from A1, B1 and C1")


@about("paths")
def test_arrow_keys_go_from_node_to_node_and_enter_pins(page):
    start = node(page, "paths", "G2")
    start.focus()
    steps = "ArrowRight H2 ArrowUp H3 ArrowLeft G3 ArrowDown G2 Home A2 ArrowLeft A2 PageUp A4 End L4"
    walk = steps.split()
    for key, name in zip(walk[::2], walk[1::2], strict=True):
        page.keyboard.press(key)
        expect(node(page, "paths", name)).to_be_focused()
    assert roles(page) == expected_roles(12, Node(4, 11))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    settle(page)
    expect(node(page, "paths", "L3")).to_have_attribute("aria-pressed", "true")
    expect(node(page, "paths", "L3")).to_be_focused()
    expect(page.locator("#paths .facts")).to_contain_text("L3")
    assert "node=11.3" in page.url
    for grid in ("paths", "paths-corner"):
        stops = page.locator(f"[data-paths={grid}] .node[tabindex='0']")
        assert stops.count() == 1, "one node of a grid is in the tab order"


def test_a_click_pins_and_the_link_opens_the_same_view(page, make_context):
    node(page, "paths", "C2").click()
    settle(page)
    graph = paths.attention_grid(12, LAYERS)
    facts = page.locator("#paths .facts")
    expect(facts).to_contain_text(f"{len(graph.reads(Node(2, 2))) - 1} nodes")
    expect(facts).to_contain_text(f"{len(graph.influences(Node(2, 2))) - 1} nodes")
    page.get_by_role("heading", level=1).hover()
    before = roles(page)
    assert before == expected_roles(12, Node(2, 2))
    other = make_context().new_page()
    other.goto(page.url)
    wait_live(other)
    expect(node(other, "paths", "C2")).to_have_attribute("data-role", "self")
    assert roles(other) == before
    page.go_back()
    expect(node(page, "paths", "G2")).to_have_attribute("aria-pressed", "true")
    page.go_forward()
    expect(node(page, "paths", "C2")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(node(page, "paths", "G2")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("heading", level=1).hover()
    expect(node(page, "paths", "G2")).to_have_attribute("data-role", "self")
    assert roles(page) == expected_roles(12, Node(2, 6))


def test_a_copied_link_opens_every_figure_as_it_was(page, make_context):
    page.locator("#path-count").get_by_label("Layers").fill("3")
    page.locator("#path-feedback").get_by_label("Tokens written").fill("5")
    page.locator("#path-lengths").get_by_label("Kernel width k").fill("2")
    choose(page.locator("#path-perturb"), "Choose the token to replace", 5)
    choose(page.locator("#path-gradients"), "Choose the token whose loss is asked", 6)
    page.locator("#path-scratchpad").get_by_role("button", name="7 + 8 + 6").click()
    settle(page)
    other = make_context().new_page()
    other.goto(page.url)
    wait_live(other)
    for slug in ("path-count", "path-feedback", "path-scratchpad", "path-perturb", "path-gradients", "path-lengths"):
        body = f"#{slug} [data-body]"
        assert other.locator(body).inner_text() == page.locator(body).inner_text(), slug


@about("paths")
def test_halves_of_a_layer_on_request(page):
    page.locator("#paths").get_by_label("Attention and MLP apart").check()
    settle(page)
    expect(page.locator("[data-paths=paths] .node")).to_have_count((2 * LAYERS + 1) * 12)
    page.locator("#paths .node[aria-label^='C1½, ']").hover()
    expect(page.get_by_test_id("paths").locator(".readout")).to_contain_text("is computed from A1, B1 and C1")
    node(page, "paths", "C2").hover()
    expect(page.get_by_test_id("paths").locator(".readout")).to_contain_text("(MLP) is computed from C1½ alone")


@about("paths")
def test_every_node_is_in_the_table_too(page):
    table = page.locator("#paths table.numbers")
    page.locator("#paths details.numbers summary").click()
    graph = paths.attention_grid(12, LAYERS)
    counts = graph.count_from(None)
    row = table.get_by_role("row").filter(has_text="␣named").filter(has_text="after 3 layers")
    at = Node(3, 7)
    cells = [
        "H3",
        "␣named",
        "after 3 layers",
        str(len(graph.reads(at)) - 1),
        str(len(graph.influences(at)) - 1),
        "3",
        str(counts[at]),
    ]
    expect(row.get_by_role("cell")).to_have_text(cells)


@pytest.mark.parametrize("bad", ["zz", "2", "<script>"])
def test_a_bad_link_is_explained_and_the_default_shown(open_page, bad):
    page = open_page("paths/", node=bad)
    expect(page.locator("#paths [data-message=node]")).to_contain_text("is not a node")
    assert roles(page) == expected_roles(12, Node(2, 6))


def test_long_and_empty_prompts(page):
    field = page.locator("#paths").get_by_label("Prompt")
    field.fill("Once there was a brave girl named Lily. " * 6)
    field.press("Enter")
    settle(page)
    expect(page.locator("#paths [data-message=prompt]")).to_contain_text(f"draws {MOST} tokens at most")
    field.fill("")
    field.press("Enter")
    settle(page)
    expect(node(page, "paths", "A4")).to_be_visible()
    expect(page.locator("#path-gradients")).to_contain_text("type at least one word")


# ---------------------------------------------------------------- the corner that is shown first


@pytest.fixture
def as_it_comes(new_page, site):
    """`as_it_comes(width, state)` -> the page, nothing opened in it."""

    def open_(width=1280, state=""):
        page = new_page(sections="as they come", viewport={"width": width, "height": 900})
        page.goto(f"{site}paths/{state}")
        wait_live(page)
        return page

    return open_


@pytest.mark.parametrize("width", [1280, 720, 360])
def test_it_begins_with_five_columns_and_three_floors(width, as_it_comes):
    page = as_it_comes(width)
    figure = page.locator("#paths")
    corner = page.locator("[data-paths=paths-corner]")
    expect(corner.locator(".node")).to_have_count(15)
    expect(page.locator("[data-paths=paths]")).to_be_hidden()
    assert figure.bounding_box()["height"] <= 600
    drawn, around = corner.bounding_box(), figure.bounding_box()
    assert around["x"] <= drawn["x"] and drawn["x"] + drawn["width"] <= around["x"] + around["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    graph = paths.attention_grid(5, 2)
    said = page.get_by_test_id("paths-corner").locator(".readout")
    for name, at in (("C1", Node(1, 2)), ("C2", Node(2, 2)), ("B0", Node(0, 1))):
        corner.locator(f".node:has(text:text-is('{name}'))").click()
        settle(page)
        shown = corner.locator(".node").evaluate_all(
            "ns => Object.fromEntries(ns.map(n => [n.dataset.i, n.dataset.role]))"
        )
        for node_ in graph.nodes:
            role = "self" if node_ == at else "none"
            role = "reads" if node_ in graph.reads(at) - {at} else role
            role = "influences" if node_ in graph.influences(at) - {at} else role
            assert shown[str(node_.level * 5 + node_.position)] == role, (name, node_)
        expect(said).to_contain_text(f"{name} (")
    assert "corner=1.0" in page.url
    assert figure.bounding_box()["height"] <= 600


def test_a_press_grows_the_whole_grid_and_links_to_it_open_it(as_it_comes):
    page = as_it_comes()
    whole = page.locator("[data-paths=paths]")
    page.get_by_text("The whole text, all 4 layers").click()
    expect(whole).to_be_visible()
    for state in ("?node=2.2", "?prompt=Mia+has+a", "?sublayers=1"):
        expect(as_it_comes(state=state).locator("[data-paths=paths]")).to_be_visible()
    expect(as_it_comes(state="?corner=2.2").locator("[data-paths=paths]")).to_be_hidden()


def test_on_a_phone_the_pinned_column_is_in_sight_when_the_whole_grid_is_opened(as_it_comes):
    page = as_it_comes(360)
    page.get_by_text("The whole text, all 4 layers").click()
    pinned = page.locator("[data-paths=paths] .node[aria-pressed=true]")
    frame = page.get_by_test_id("paths").locator(".grid-scroll")
    at, around = pinned.bounding_box(), frame.bounding_box()
    assert around["x"] <= at["x"] and at["x"] + at["width"] <= around["x"] + around["width"]


# ---------------------------------------------------------------- length and number


@about("path-count")
def test_length_and_number_by_count_and_formula(page):
    where = page.locator("#path-count")
    where.get_by_role("button", name="GPT-2 small").click()
    settle(page)
    paths_there = comb(1024 + 11, 12)
    expect(page.get_by_test_id("path-length")).to_contain_text("12 steps")
    expect(page.get_by_test_id("path-number")).to_contain_text(magnitude(paths_there))
    expect(page.get_by_test_id("path-number")).to_contain_text(f"{paths_there:,}")
    expect(page.get_by_test_id("path-number")).to_contain_text("They agree.")
    # the counts that are added up in the table are those of walking every path of a small grid
    graph = paths.attention_grid(9, 5)
    counts = graph.count_from(None)
    adding = told_rows(page.get_by_test_id("counts"))[::-1]
    assert adding.tolist() == [[counts[Node(level, t)] for t in range(9)] for level in range(6)]
    lengths = page.get_by_test_id("length-growth").locator("tbody td:last-child")
    assert lengths.all_text_contents() == ["12"] * 12  # however long the text
    numbers = page.get_by_test_id("number-growth").locator("tbody tr")
    expect(numbers.last.get_by_role("cell", include_hidden=True)).to_have_text(["1,024", magnitude(paths_there)])
    where.get_by_label("Layers").fill("3")
    settle(page)
    expect(page.get_by_test_id("path-length")).to_contain_text("3 steps")
    assert "layers=3" in page.url and "tokens=1024" in page.url


def test_what_is_added_up_lights_up(page):
    rows = page.get_by_test_id("counts").locator("tbody tr")
    rows.nth(1).locator("td").nth(2).hover()
    lit = rows.locator("td").evaluate_all("ts => ts.map(t => getComputedStyle(t).outlineStyle === 'solid')")
    wide = 9
    pointed, added = 1 * wide + 2, [2 * wide + t for t in range(3)]
    assert [i for i, on in enumerate(lit) if on] == [pointed, *added]


@about("path-feedback")
def test_feedback_lengthens_the_path_and_given_text_does_not(page):
    where = page.locator("#path-feedback")
    for written in (0, 2, 6):
        where.get_by_label("Tokens written").fill(str(written))
        settle(page)
        expect(where.locator(".facts")).to_contain_text(f"{paths.longest_with_feedback(LAYERS, written)} steps")
        expect(where.locator(".edge.feedback.on-path")).to_have_count(written)
    wrote = names_of(influence.continuation(lab.tokens_of(DEFAULT.prompt), 6))
    expect(where.locator(".word.axis-vocab")).to_have_text(wrote)
    growth = told_rows(page.get_by_test_id("feedback-growth"))[:, 0]
    assert growth.tolist() == [paths.longest_with_feedback(LAYERS, w) for w in range(len(growth))] and len(growth) > 6
    where.get_by_label("Feedback").uncheck()
    settle(page)
    expect(where.locator(".facts")).to_contain_text(f"{LAYERS} steps")
    expect(where.locator(".edge.feedback")).to_have_count(0)


# ---------------------------------------------------------------- measured


@about("path-perturb")
def test_no_influence_outside_the_cone_of_a_replaced_token(page):
    where = page.locator("#path-perturb")
    choose(where, "Choose the token to replace", 5)
    where.get_by_label("Replace by").fill(" tiny")
    where.get_by_label("Replace by").press("Enter")
    settle(page)
    tokens = DEFAULT.text()
    graph = paths.attention_grid(len(tokens), LAYERS)
    after = influence.replaced(tokens, 5, lab.tokenizer().encode(" tiny")[0])
    measured = influence.relative_change(graph, lab.trace(tokens), lab.trace(after))
    shown = values(page, "path-perturb", graph.levels, graph.n)
    inside = paths.mask(graph, graph.influences(Node(0, 5)))
    assert (shown[~inside] == 0).all(), "exactly zero outside the cone"
    assert (shown[inside] > 0).all()
    assert np.allclose(shown, measured, rtol=2e-3, atol=1e-5)
    expect(page.get_by_test_id("perturb-verdict")).to_contain_text("to the last bit")
    table = told_rows(where.locator("details.numbers").last)[::-1]
    assert np.allclose(table, shown, rtol=1e-3) and ((table == 0) == (shown == 0)).all(), (
        "it tells what the drawing shows"
    )
    at = where.locator(".node[data-v]").nth(2 * graph.n + 7)
    at.hover()
    expect(page.get_by_test_id("path-perturb").locator(".readout")).to_contain_text(at.get_attribute("data-v"))
    shift = influence.prediction_change(lab.trace(tokens), lab.trace(after))
    strip = (
        page.get_by_test_id("forecast-shift").locator(".token").evaluate_all("ts => ts.map(t => Number(t.dataset.v))")
    )
    assert np.allclose(strip, shift, atol=1e-4) and not any(strip[:5]) and max(strip) > 0.01
    where.get_by_label("Attention and MLP apart").check()
    settle(page)
    halves = paths.attention_grid(len(tokens), LAYERS, sublayers=True)
    shown = values(page, "path-perturb", halves.levels, halves.n)
    inside = paths.mask(halves, halves.influences(Node(0, 5)))
    assert (shown[~inside] == 0).all() and (shown[inside] > 0).all()


@about("path-perturb")
def test_arrow_keys_choose_along_a_strip_of_tokens_that_is_one_tab_stop(page):
    strip = page.locator("#path-perturb").get_by_role("group", name="Choose the token to replace")
    strip.locator("[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    chosen = strip.locator(f"button[value='{DEFAULT.source + 1}']")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_attribute("aria-pressed", "true")
    assert strip.locator("[tabindex='0']").evaluate_all("bs => bs.map(b => b.value)") == [str(DEFAULT.source + 1)]


@about("path-perturb")
def test_a_click_on_a_column_replaces_its_token(page):
    node_there = page.locator("#path-perturb .node[data-v]").nth(3 * (LAYERS + 1))  # the bottom of column D
    node_there.click()
    settle(page)
    assert "source=3" in page.url
    expect(page.locator("#path-perturb")).to_contain_text("“␣was” becomes “␣boy”")


@about("path-gradients")
def test_gradients_on_the_grid_and_none_through_a_sampled_token(page):
    where = page.locator("#path-gradients")
    choose(where, "Choose the token whose loss is asked", 6)
    settle(page)
    tokens, m = DEFAULT.text(), lab.model()
    graph = paths.attention_grid(len(tokens), LAYERS)
    found = gradients.backward(lab.trace(tokens), m.params, positions=[5])
    pull = paths.measured_gradient(graph, found.activations)
    shown = values(page, "path-gradients", graph.levels, graph.n)
    inside = paths.mask(graph, graph.reads(Node(LAYERS, 5)))
    assert (shown[~inside] == 0).all() and (shown[inside] > 0).all()
    assert np.allclose(shown, pull / pull.max(), rtol=5e-3, atol=1e-4)
    assert np.allclose(told_rows(where.locator("details.numbers").last)[::-1], pull, rtol=5e-3, atol=1e-5)
    expect(page.get_by_test_id("path-gradients").locator("figcaption")).to_contain_text(f"{number(found.loss)} nats")
    expect(page.get_by_test_id("gradient-verdict")).to_contain_text("exactly 0 at every one")
    expect(page.get_by_test_id("path-gradients").locator(".cross")).to_have_count(DEFAULT.sampled)
    where.get_by_label("Tokens at the end that the model wrote").fill("0")  # as in pre-training
    settle(page)
    expect(page.get_by_test_id("path-gradients").locator(".cross")).to_have_count(0)
    with pytest.raises(gradients.NoGradientThroughSample) as refusal:
        gradients.through_sample()
    expect(page.get_by_test_id("no-gradient")).to_contain_text(str(refusal.value))


@about("path-lengths")
def test_path_lengths_in_four_networks(page):
    where = page.locator("#path-lengths")
    where.get_by_label("From", exact=True).select_option("0")
    where.get_by_label("Kernel width k").fill("2")
    settle(page)
    for kind in ("rnn", "cnn", "dilated cnn", "attention"):
        steps = paths.path_length(kind, 11, 2)
        figure = page.get_by_test_id(f"lengths-{kind.replace(' ', '-')}")
        expect(figure.locator(".big strong")).to_have_text(f"{steps} step{'s' * (steps != 1)}")
        expect(figure.locator(".route")).to_have_count(steps)
        expect(figure.locator(".growth")).to_have_text(GROWTH[kind])
    for apart, *found in told_rows(page.get_by_test_id("lengths-growth"), 0).tolist():
        assert found == [paths.path_length(kind, apart, 2) for kind in GROWTH], apart


@about("depth")
def test_depth_on_the_readers_text_and_on_held_out_text(page):
    text = "One rainy night, Ada went to the garden."
    field = page.locator("#depth").get_by_label("Prompt")
    field.fill(text)
    field.press("Enter")
    settle(page)
    tokens = PathsState(prompt=text).text()
    cells = page.get_by_test_id("depth-text").locator("td[data-v]")
    shown = [float(x) for x in cells.evaluate_all("cs => cs.map(c => c.dataset.v)")]
    expected = np.concatenate([influence.token_losses(v, tokens) for v in influence.variants()])
    assert np.allclose(shown, expected, rtol=2e-3, atol=2e-4)
    for name, figure in (("cross_entropy", "depth-loss"), ("accuracy", "depth-accuracy")):
        rows = page.get_by_test_id(figure).locator("tbody tr").all()
        for variant, row in zip(influence.variants(), rows, strict=True):
            value = getattr(influence.held_out(variant), name).value
            expect(row).to_contain_text(variant.name)
            expect(row).to_contain_text(percent(value) if name == "accuracy" else number(value, 3))
    whole = next(v for v in influence.variants() if v.depth == LAYERS and not v.removed)
    cut = next(v for v in influence.variants() if v.removed == 1)
    before, after = influence.held_out(whole), influence.held_out(cut)
    finding = page.locator("#depth .finding")
    expect(finding).to_contain_text(
        f"{percent(after.accuracy.value)} of all cases instead of {percent(before.accuracy.value)}"
    )
    expect(finding).to_contain_text(
        f"from {number(before.cross_entropy.value)} to {number(after.cross_entropy.value)} nats"
    )
    expect(page.get_by_test_id("depth-loss")).to_contain_text(
        f"the mark is the floor, {number(influence.held_out_floor().cross_entropy.value)}"
    )


@about("path-scratchpad")
def test_a_sum_at_once_and_after_working(page):
    where = page.locator("#path-scratchpad")
    where.get_by_label("Numbers to add").fill("7 8 6")
    where.get_by_label("Numbers to add").press("Enter")
    settle(page)
    for order in influence.ORDERS:
        attempt = working.attempt((7, 8, 6), order)
        before = influence.answer_span(attempt)[0]
        figure = page.get_by_test_id(f"scratchpad-{order}")
        expect(figure.locator(".sum-verdict")).to_contain_text(str(attempt.answer))
        expect(figure.locator(".facts")).to_contain_text(f"{paths.longest_with_feedback(LAYERS, before)} steps")
    where.get_by_label("Numbers to add").fill("7 8")
    where.get_by_label("Numbers to add").press("Enter")
    settle(page)
    expect(where.locator("[data-message=terms]")).not_to_be_empty()


# ---------------------------------------------------------------- what is fetched when it is asked for


class Watched(serve.Handler):
    """Notes when the smaller models are asked for, and hands them out only when told to."""

    asked = threading.Event()
    release = threading.Event()

    def do_GET(self) -> None:
        if "/runtime/family." in self.path:
            self.asked.set()
            self.release.wait(60)
        super().do_GET()


@pytest.fixture
def watched_site(site_directory: Path) -> Iterator[str]:
    Watched.asked, Watched.release = threading.Event(), threading.Event()
    with serve.served(site_directory, Watched) as address:
        yield address
        Watched.release.set()


def test_the_smaller_models_come_when_asked_for_and_nothing_of_the_readers_is_lost(make_context, watched_site):
    context = make_context()
    context.guard.origin = watched_site
    page = context.new_page()
    page.goto(f"{watched_site}paths/")
    wait_live(page)
    node(page, "paths", "C2").click()
    page.locator("#path-feedback").get_by_label("Tokens written").fill("5")
    page.locator("#path-count").get_by_label("Layers").fill("3")
    settle(page)
    page.locator("#paths details.numbers summary").click()
    assert not Watched.asked.is_set(), "nothing so far needed them"

    text = "One rainy night, Ada went to the garden."
    page.locator("#depth").scroll_into_view_if_needed()
    field = page.locator(".prompt-bar").get_by_label("Prompt", exact=True)
    field.fill(text)
    field.press("Enter")
    assert Watched.asked.wait(60), "the reader's own text needs the smaller models"
    expect(page.get_by_text("The smaller models are being fetched.")).to_be_visible()
    page.locator("#path-feedback").get_by_label("Tokens written").fill("2")  # the reader does not wait
    Watched.release.set()
    settle(page)

    expect(page.get_by_text("The smaller models are being fetched.")).to_be_hidden()
    expect(field).to_have_value(text)
    cells = page.get_by_test_id("depth-text").locator("td[data-v]")
    shown = [float(x) for x in cells.evaluate_all("cs => cs.map(c => c.dataset.v)")]
    tokens = PathsState(prompt=text).text()
    expected = np.concatenate([influence.token_losses(v, tokens) for v in influence.variants()])
    assert np.allclose(shown, expected, rtol=2e-3, atol=2e-4)
    expect(page.locator("#path-feedback .facts")).to_contain_text(f"{paths.longest_with_feedback(LAYERS, 2)} steps")
    expect(page.get_by_test_id("path-length")).to_contain_text("3 steps")
    expect(node(page, "paths", "C2")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#paths details.numbers")).to_have_attribute("open", "")
    assert all(part in page.url for part in ("node=2.2", "written=2", "layers=3"))
    assert page.evaluate("document.documentElement.dataset.explainer") == "live"


# ---------------------------------------------------------------- small screens, embeds


def test_on_a_phone_the_pinned_column_is_in_sight(make_context, site):
    page = make_context(viewport={"width": 360, "height": 780}, has_touch=True).new_page()
    page.goto(f"{site}paths/")
    wait_live(page)
    pinned = page.locator("#path-perturb .node[aria-pressed=true]")
    box = pinned.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360
    written = page.locator("#path-feedback .word.axis-vocab").last
    box = written.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 360, "what the model wrote is in sight"
    frame = page.locator("#path-feedback .grid-scroll").bounding_box()
    names = page.locator("#path-feedback .level").first.bounding_box()
    assert frame is not None and names is not None and names["x"] >= frame["x"], "the names of the levels stay"
    node(page, "paths", "G3").tap()
    settle(page)
    assert "node=6.3" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_grid_stands_alone_as_an_embed(open_page):
    page = open_page("embed/paths/", node="2.2", sublayers=1)
    expect(node(page, "paths", "C2")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#paths .facts")).to_contain_text("C2")
    tool(page, "Download")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="SVG", exact=True).click()
    picture = ElementTree.parse(waiting.value.path())
    words = {text.strip() for text in picture.getroot().itertext()}
    graph = paths.attention_grid(12, LAYERS, sublayers=True)
    assert words >= {node_name(graph, at) for at in graph.nodes} | set(names_of(DEFAULT.text()))


WIDER = """() => [...document.querySelectorAll('.paths-grid .nodes .node')].map(node => {
  const name = node.querySelector('.name');
  const [text, circle] = [name, node.querySelector('circle')].map(each => each.getBoundingClientRect().width);
  return [name.textContent, text, circle];
}).filter(([, text, circle]) => text > circle - 1)"""


@pytest.mark.parametrize("width", [1280, 360])
def test_the_name_of_a_node_fits_into_its_circle(width, new_page, site):
    page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{site}embed/paths/?sublayers=1")
    wait_live(page)
    wanted = len(DEFAULT.text()) * (2 * LAYERS + 1)
    expect(page.locator("[data-paths=paths] .nodes .node")).to_have_count(wanted)
    assert page.evaluate(WIDER) == []


def test_what_was_pointed_at_is_not_said_of_another_drawing(open_page):
    page = open_page("embed/path-count/", tokens=2048, layers=96)
    said = page.locator("[data-figure=number-growth] [data-readout]")
    column = page.locator("[data-figure=number-growth] rect.column").last
    for press in (lambda b: b.click(), lambda b: (b.focus(), page.keyboard.press("Enter"))):
        before = said.inner_text()
        column.hover()
        assert said.inner_text() != before
        press(page.get_by_role("button", name="ours" if "2048" in page.url else "GPT-2 small"))
        settle(page)
        expect(said).to_have_text(before)

"""The paths page without a browser: set the state by the link, read the markup, compare with `explainer`."""

import re
from math import comb
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

from explainer.kernel import checkpoint, gradients, paths
from explainer.kernel.ops import softmax
from explainer.kernel.paths import Node
from explainer.models import lab
from explainer.studies import influence, working
from explainer.ui.parts.grid import names_of, node_name, node_text, read_node
from pages import numbers_of
from pages.paths import page as page
from pages.paths.views.cones import grouped, magnitude

SLUGS = [w.slug for w in page.PAGE.widgets]


def make(only=None, **values):
    """(link, {slug: widget}) of a fresh page, or of one widget of it, that was opened with these values."""
    link, *widgets = page.PAGE.make(only)
    found = {w.slug: w for w in widgets}
    if values:
        link.request = values
    return link, found


def nodes_of(html):
    """Every node of the drawings in this markup: [{attribute: text}]."""
    return [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r'<g class="node[ "][^>]*>', html)]


def whole(widget):
    """The markup of the whole grid, which follows the corner."""
    return widget.html.split('class="disclosed grows"')[1]


def corner(widget):
    return widget.html.split('class="disclosed grows"')[0]


def values_of(html, levels, n):
    found = np.full((levels, n), np.nan)
    for node in nodes_of(html):
        level, position = divmod(int(node["data-i"]), n)
        found[level, position] = float(node["data-v"])
    return found


# ---------------------------------------------------------------- cones


@pytest.mark.parametrize("sublayers", [False, True])
def test_every_node_carries_its_two_cones(sublayers):
    _, widgets = make("paths", sublayers=sublayers)
    state = widgets["paths"].state
    n, layers = len(state.text()), lab.model().config.n_layers
    graph = paths.attention_grid(n, layers, sublayers)
    nodes = [d for d in nodes_of(whole(widgets["paths"])) if "data-reads" in d]
    assert len(nodes) == graph.levels * n
    for node in nodes:
        level, position = divmod(int(node["data-i"]), n)
        for name, closure in (("data-reads", graph.reads), ("data-influences", graph.influences)):
            bits = int(node[name], 16)
            assert {other for other in graph.nodes if bits >> (other.level * n + other.position) & 1} == closure(
                Node(level, position)
            )


def test_the_pinned_node_is_drawn_with_its_cones_by_python():
    _, widgets = make("paths", node="2.2")
    html = whole(widgets["paths"])
    n = len(widgets["paths"].state.text())
    roles = {int(d["data-i"]): d["data-role"] for d in nodes_of(html) if "data-reads" in d}
    assert roles[2 * n + 2] == "self"
    assert [roles[1 * n + t] for t in range(4)] == ["reads", "reads", "reads", "none"]
    assert [roles[2 * n + t] for t in (0, 1, 3)] == ["none"] * 3, "A2, B2 and D2 stand at the same height"
    assert roles[3 * n + 2] == roles[4 * n + 5] == "influences"
    assert "C2 (␣there, after 2 layers) is computed from A1, B1 and C1" in html
    assert "It knows nothing of A2 and B2: same height." in html


def test_arrows_never_go_to_the_left_or_stay_at_a_height():
    _, widgets = make("paths", sublayers=True)
    n = len(widgets["paths"].state.text())
    edges = re.findall(r'data-e="(\d+) (\d+)"', whole(widgets["paths"]))
    assert len(edges) > 100
    for source, target in edges:
        (low, s), (high, t) = divmod(int(source), n), divmod(int(target), n)
        assert high == low + 1 and s <= t


def test_only_a_click_on_a_node_or_new_text_redraws_the_grid():
    link, widgets = make()
    before = {slug: w.html for slug, w in widgets.items()}
    link.request = {"node": "3.1"}
    changed = [slug for slug, w in widgets.items() if w.html != before[slug]]
    assert changed == ["paths"]
    assert link.values["node"] == "3.1" and link.messages == {}


@pytest.mark.parametrize("text", ["", "x", "2", "2.", ".2", "2.2.2", "-1.2", "2.2;", "<b>", "1e9.2", "٢.٢", "9999.1"])
def test_a_bad_node_is_explained_and_changes_nothing(text):
    link, widgets = make("paths")
    before = widgets["paths"].html
    link.request = {"node": text}
    assert "is not a node" in link.messages["node"]
    assert widgets["paths"].html == before and link.values["node"] == "6.2"


def test_a_node_beyond_the_text_is_moved_into_it():
    _, widgets = make(prompt="Mia", node="99.99")
    state = widgets["paths"].state
    last = len(state.text()) - 1
    assert state.chosen() == (last, lab.model().config.n_layers)


def test_node_names_and_values_are_inverse():
    for sublayers in (False, True):
        graph = paths.attention_grid(5, 3, sublayers)
        for node in graph.nodes:
            position, height = read_node(node_text(graph, node))
            assert (position, height * (2 if sublayers else 1)) == (node.position, node.level)
    graph = paths.attention_grid(5, 3, True)
    assert [node_name(graph, Node(level, 2)) for level in range(4)] == ["C0", "C½", "C1", "C1½"]


# ---------------------------------------------------------------- the corner that is shown first


@pytest.mark.parametrize("prompt", ["Once there was a brave girl named Lily. She had", "Mia", ""])
def test_at_first_there_are_five_columns_and_three_floors_of_the_same_grid(prompt):
    _, widgets = make("paths", prompt=prompt)
    state = widgets["paths"].state
    n = min(5, len(state.text()))
    html = corner(widgets["paths"])
    small, large = paths.attention_grid(n, 2), paths.attention_grid(len(state.text()), lab.model().config.n_layers)
    nodes = [d for d in nodes_of(html) if "data-reads" in d]
    assert len(nodes) == 3 * n and html.count("<svg") == 1 + 4  # and the legend's swatches
    for node in nodes:
        at = Node(*divmod(int(node["data-i"]), n))
        sets = [
            {Node(*divmod(i, n)) for i in range(3 * n) if int(node[x], 16) >> i & 1}
            for x in ("data-reads", "data-influences")
        ]
        assert sets[0] == small.reads(at) == large.reads(at), "what a node can have read lies all in the corner"
        assert sets[1] == small.influences(at) == large.influences(at) & set(small.nodes)
    arrows = [tuple(map(int, pair)) for pair in re.findall(r'data-e="(\d+) (\d+)"', html)]
    assert sorted(arrows) == sorted(
        (e.source.level * n + e.source.position, e.target.level * n + e.target.position) for e in small.edges
    )
    assert re.findall(r'class="letter[^"]*">(\w+)<', html) == [paths.letter(i) for i in range(n)]
    assert re.findall(r'class="word[^"]*">([^<]*)<', html)[0] == "start"


def test_the_corner_says_what_a_node_can_have_read_and_whom_it_can_influence():
    link, widgets = make("paths")
    assert 'aria-pressed="true"' not in corner(widgets["paths"]), "the guess before it is not given away"
    link.request = {"corner": "2.1"}
    said = corner(widgets["paths"])
    assert "C1 (there, after 1 layer) is computed from A0, B0 and C0." in said
    assert "It knows nothing of A1 and B1: same height." in said and "It can influence C2, D2 and E2." in said
    before = whole(widgets["paths"])
    link.request = {"corner": "2.2"}
    said = corner(widgets["paths"])
    assert re.search(
        r'aria-pressed="true"[^>]*id="paths-corner-n12"|id="paths-corner-n12"[^>]*aria-pressed="true"', said
    )
    assert "Whom it can influence lies above this corner." in said and "It knows nothing of A2 and B2" in said
    assert whole(widgets["paths"]) == before and link.values["node"] == "6.2"
    link.request = {"corner": "nowhere"}
    assert "is not a node" in link.messages["corner"] and link.values["corner"] == "2.2"
    link.request = {"corner": "13.4"}
    assert "E2 (a, after 2 layers) is computed" in corner(widgets["paths"])


# ---------------------------------------------------------------- length and number


@pytest.mark.parametrize(("n", "layers"), [(1, 1), (12, 4), (128, 4), (2048, 96), (2, 96)])
def test_length_and_number_are_both_shown_and_counted_twice(n, layers):
    _, widgets = make("path-count", tokens=n, layers=layers)
    html = widgets["path-count"].html
    number = comb(n + layers - 1, layers)
    assert f"<strong>{layers}</strong>" in html
    assert f'data-v="{number}"' in html and f"<strong>{magnitude(number)}</strong>" in html
    assert f"Counted by adding up: {grouped(number)}. By the formula" in html
    assert "They agree." in html and "error" not in html


def test_the_table_shows_the_counts_of_the_graph():
    _, widgets = make("path-count", tokens=6, layers=3)
    graph = paths.attention_grid(6, 3)
    counts = graph.count_from(None)
    cells = re.findall(r'<td tabindex="-1" data-v="(\d+)"', widgets["path-count"].html)
    expected = [counts[Node(level, t)] for level in (3, 2, 1, 0) for t in range(6)]
    assert [int(c) for c in cells] == expected


def test_magnitudes_and_long_numbers_read_right():
    assert magnitude(999_999) == "999,999"
    assert magnitude(31_400_000) == "3.1\u00a0×\u00a010⁷"
    assert magnitude(11_716_640) == "1.2\u00a0×\u00a010⁷", "rounded, not cut"
    assert magnitude(comb(2143, 96)) == "7.0\u00a0×\u00a010¹⁶⁸"
    assert magnitude(comb(1035, 12)) == "3.0\u00a0×\u00a010²⁷"
    assert magnitude(99_499_999) == "9.9\u00a0×\u00a010⁷" and magnitude(99_500_000) == "1.0\u00a0×\u00a010⁸"
    assert magnitude(10**6) == "1.0\u00a0×\u00a010⁶" and magnitude(10**40 - 1) == "1.0\u00a0×\u00a010⁴⁰"
    assert grouped(10**60).endswith("(61 digits)")
    assert grouped(6_975_881_133 * 10**39 + 878_400) == "6,975,881,133,…,878,400 (49 digits)", "cut between the groups"


def test_one_of_anything_is_one():
    """Counts agree with their nouns, and one column has nothing to its right."""
    _, widgets = make("path-count", tokens=1, layers=1)
    html = widgets["path-count"].html
    assert "<strong>1</strong> path<" in html and "<strong>1</strong> step<" in html and "and there is 1." in html
    assert "A0 → A1: 1 step." in html and "It could move right" not in html and "the first" not in html
    assert "1 token: 1 path" in html and "1 path arrives here; the longest has 1 step" in html
    _, widgets = make(prompt="")
    everything = " ".join(w.html for w in widgets.values())
    found = re.findall(r"(?<![,.\d])1 (?:tokens|paths|steps|layers|nodes|columns|arrows)\b", everything)
    assert not found


def test_a_number_over_a_bar_stands_clear_of_the_next_bars():
    _, widgets = make("path-count", tokens=2048, layers=2)
    chart = widgets["path-count"].html.split('data-figure="number-growth"')[1].split("</figure>")[0]
    bars = [(float(x), float(y)) for x, y in re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"', chart)]
    x, y, said = re.search(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*class="figure-number">([^<]+)', chart).groups()
    under = [top for left, top in bars if float(x) <= left < float(x) + 8 * len(said)]
    assert len(under) > 1 and float(y) < min(under)
    assert chart.rindex("<rect") < chart.index("<text"), "numbers are drawn over the bars"


def test_the_number_of_paths_is_drawn_on_the_axis_that_is_named():
    """Bars are as high as the numbers, so that n^L / L! is seen to grow: logarithmic bars of it look like a plateau."""
    _, widgets = make("path-count", tokens=120, layers=4)
    figure = widgets["path-count"].html.split('data-figure="number-growth"')[1].split("</figure>")[0]
    heights = [float(h) for h in re.findall(r'<rect [^>]*height="([\d.]+)"', figure)]
    counts = [paths.paths_to(n, 4) for n in range(10, 121, 10)]
    assert "linear axis" in figure and "n⁴ / 4!" in figure and "powers of ten" not in figure
    assert np.allclose(heights, np.maximum(np.array(counts) / counts[-1] * max(heights), 1), atol=0.06)


def test_a_path_through_the_part_that_is_drawn_is_not_called_the_longest():
    _, widgets = make("path-count", tokens=2048, layers=96)
    html = widgets["path-count"].html
    said = html[html.index("A0 → ") :].split("</p>")[0]
    assert "5 steps through the 5 layers drawn; through all 96 a path has 96." in said
    _, widgets = make("path-count", tokens=9, layers=4)
    assert "layers drawn" not in widgets["path-count"].html


# ---------------------------------------------------------------- feedback


@pytest.mark.parametrize("written", range(page.MOST_WRITTEN + 1))
def test_every_written_token_adds_a_column_to_the_longest_path(written):
    _, widgets = make("path-feedback", written=written, feedback=True)
    html, layers = widgets["path-feedback"].html, lab.model().config.n_layers
    length = layers + written * (layers + 1)
    assert f"The thick path: {length} steps." in html and f"= {length}. They agree." in html
    assert html.count('class="edge feedback on-path"') == written
    assert html.count('class="route"') == layers * (written + 1)
    for token in influence.continuation(lab.tokens_of(widgets["path-feedback"].state.prompt), page.MOST_WRITTEN)[
        :written
    ]:
        assert str(escape(names_of([token])[0])) in html


def test_given_text_has_no_way_back():
    _, widgets = make("path-feedback", written=4, feedback=False)
    html, layers = widgets["path-feedback"].html, lab.model().config.n_layers
    assert "edge feedback" not in html
    assert f"The thick path: {layers} steps." in html
    assert "this colour" in html and html.count('class="column colour-path quiet"') == page.MOST_WRITTEN + 1
    assert "What somebody worked out before writing them is not in this count" in html
    assert "Columns in the drawing" in html and "tokens drawn" not in html, "drawn means sampled on the other pages"


@pytest.mark.parametrize("prompt", ["Once there was a brave girl named Lily. She had", "Mia"])
def test_a_token_keeps_its_letter_throughout_the_page(prompt):
    _, widgets = make(prompt=prompt, written=2)
    n = len(widgets["paths"].state.text())

    def letters(slug):
        """[(letter, token)] under the columns."""
        html = whole(widgets[slug]) if slug == "paths" else widgets[slug].html
        return re.findall(r'class="letter[^"]*">(\w+)</text><text[^>]*>([^<]*)<', html)

    early, late = letters("paths"), letters("path-feedback")
    assert early[-1][0] == paths.letter(n - 1)
    assert late[:-2] == early[-len(late) + 2 :], "the prompt's last tokens, under the letters that they have above"
    assert [at for at, _ in late[-2:]] == [paths.letter(n), paths.letter(n + 1)]
    first = late[0][0]
    assert f">{first}0</text>" in widgets["path-feedback"].html
    if first != "A":
        assert (
            f"Columns A to {paths.letter(n - 6)}, the first {n - 5} tokens, are left out"
            in widgets["path-feedback"].html
        )


# ---------------------------------------------------------------- measured


@pytest.mark.parametrize("sublayers", [False, True])
def test_no_influence_outside_the_cone(sublayers):
    _, widgets = make("path-perturb", source=5, replace=" tiny", sublayers=sublayers)
    state = widgets["path-perturb"].state
    tokens, config = state.text(), lab.model().config
    graph = paths.attention_grid(len(tokens), config.n_layers, sublayers)
    shown = values_of(widgets["path-perturb"].html, graph.levels, graph.n)
    inside = paths.mask(graph, graph.influences(Node(0, 5)))
    assert (shown[~inside] == 0).all() and (shown[inside] > 0).all()
    after = influence.replaced(tokens, 5, lab.tokenizer().encode(" tiny")[0])
    expected = influence.relative_change(graph, lab.trace(tokens), lab.trace(after))
    assert (shown.astype(np.float32) == expected).all(), "the shown values are exactly the measured ones"
    assert (
        "of which none changed: every one of those numbers is the same, to the last bit."
        in widgets["path-perturb"].html
    )


def test_a_leak_would_be_told(monkeypatch):
    """The verdict comes from the numbers: were something to change outside, the widget would say so."""
    leaky = paths.measured_change

    def tampered(graph, before, after):
        table = np.array(leaky(graph, before, after))
        table[2, 0] = 1e-7
        return table

    monkeypatch.setattr(paths, "measured_change", tampered)
    _, widgets = make("path-perturb")
    assert "contradicts the drawing" in widgets["path-perturb"].html


def test_replacing_a_token_by_itself_says_so():
    _, widgets = make("path-perturb", source=8, replace=" Lily")
    html = widgets["path-perturb"].html
    assert "the very token that stands there" in html
    assert "moved most" not in html and "of the probability moved" not in html, "nothing moved: nothing moved most"


@pytest.mark.parametrize("text", ["", "two words here", "Ω≈ç√", "\u202eabc", "\x00", "<script>", "🙂"])
def test_any_replacement_is_some_token(text):
    link, widgets = make("path-perturb", replace=text)
    assert "Outside the cone" in widgets["path-perturb"].html
    assert "<script>" not in widgets["path-perturb"].html
    assert link.messages == {}


@pytest.mark.parametrize("target", [1, 6, 11])
def test_the_gradient_is_backwards_and_zero_outside_the_cone(target):
    _, widgets = make("path-gradients", target=target)
    tokens, m = widgets["path-gradients"].state.text(), lab.model()
    graph = paths.attention_grid(len(tokens), m.config.n_layers)
    found = gradients.backward(lab.trace(tokens), m.params, positions=[target - 1])
    pull = paths.measured_gradient(graph, found.activations)
    shown = values_of(widgets["path-gradients"].html, graph.levels, graph.n)
    assert np.allclose(shown, pull / pull.max(), rtol=1e-6)
    inside = paths.mask(graph, graph.reads(Node(graph.levels - 1, target - 1)))
    assert (shown[~inside] == 0).all() and (shown[inside] > 0).all()
    assert "is exactly 0 at every one." in widgets["path-gradients"].html


def test_no_gradient_through_a_sampled_token():
    _, widgets = make("path-gradients")
    with pytest.raises(gradients.NoGradientThroughSample) as refusal:
        gradients.through_sample()
    html = widgets["path-gradients"].html
    assert "NoGradientThroughSample" in html and str(escape(str(refusal.value))) in html


@pytest.mark.parametrize("sampled", [0, 1, 3, 11])
def test_only_a_token_that_the_model_wrote_has_a_crossed_out_way_back(sampled):
    """The reader's prompt is given: nothing leads back to it. In pre-training all is given."""
    _, widgets = make("path-gradients", sampled=sampled)
    html, names = widgets["path-gradients"].html, names_of(widgets["path-gradients"].state.text())
    assert html.count('class="cross"') == html.count('class="edge feedback cut"') == sampled
    if sampled:
        assert f"Written by the model: {escape(', '.join(names[-sampled:]))}." in html
    else:
        assert f"All {len(names)} tokens count as given, as in pre-training" in html


@pytest.mark.parametrize("slug", ["path-perturb", "path-gradients", "depth"])
def test_a_number_is_said_to_be_zero_only_if_it_is(slug):
    _, widgets = make(slug)
    html = widgets[slug].html
    shown = re.findall(r'data-v="([^"]+)"(?: class="[^"]*")?(?: data-why="[^"]*")?><span>([^<]+)</span></td>', html)
    shown += [
        (v, text) for v, text in re.findall(r'<g class="node [^>]*data-v="([^"]+)".*?<text[^>]*>([^<]+)</text>', html)
    ]
    assert len(shown) > 30
    for v, text in shown:
        assert (text == "0") == (float(v) == 0), (v, text)


# ---------------------------------------------------------------- other networks, depth, sums


@pytest.mark.parametrize(("early", "late", "kernel"), [(1, 11, 3), (0, 11, 2), (4, 5, 6), (3, 3, 2), (9, 2, 4)])
def test_path_lengths_are_found_and_given_by_formula(early, late, kernel):
    _, widgets = make("path-lengths", early=early, late=late, kernel=kernel)
    html, distance = widgets["path-lengths"].html, abs(late - early)
    assert "error" not in html
    for kind in ("rnn", "cnn", "dilated cnn", "attention"):
        figure = html.split(f'data-figure="lengths-{kind.replace(" ", "-")}"')[1].split("</figure>")[0]
        steps = paths.path_length(kind, distance, kernel)
        if steps:  # all rivals start at the same level
            assert re.search(rf" {paths.letter(min(early, late))}0 → ", figure), kind
        assert f"<strong>{steps} step{'s' * (steps != 1)}</strong>" in figure
        assert figure.count('class="route"') == steps
    where = widgets["path-lengths"].html.split('data-testid="lengths-distance">')[1].split("</p>")[0]
    assert ("no way to go" in where) == (distance == 0) and ("from the earlier to the later one" in where) == (
        distance > 0
    )
    assert "^" not in html


def test_depth_shows_the_losses_of_every_variant():
    _, widgets = make("depth")
    html, tokens = widgets["depth"].html, widgets["depth"].state.text()
    figure = html.split('data-figure="depth-text"')[1].split("</figure>")[0]
    shown = [float(v) for v in re.findall(r'data-v="([^"]+)"', figure)]
    expected = np.concatenate([influence.token_losses(v, tokens) for v in influence.variants()])
    assert np.allclose(shown, expected, rtol=1e-6)
    assert 'data-v="-0.0"' not in figure and "nats, seen from “" in figure
    for variant in influence.variants():
        assert repr(influence.held_out(variant).cross_entropy.value) in html
        assert repr(influence.held_out(variant).accuracy.value) in html


def test_sums_show_what_the_model_wrote_and_the_path_it_bought():
    _, widgets = make("path-scratchpad", terms="7 8 6")
    html, layers = widgets["path-scratchpad"].html, lab.model().config.n_layers
    for order in influence.ORDERS:
        attempt = working.attempt((7, 8, 6), order)
        figure = html.split(f'data-figure="scratchpad-{order}"')[1].split("</figure>")[0]
        before = influence.answer_span(attempt)[0]
        assert f"{attempt.answer}, {'right' if attempt.right else 'wrong: it is 21'}" in figure
        assert f"{paths.longest_with_feedback(layers, before)} steps" in figure


def test_the_steps_may_have_been_done_by_somebody_else():
    _, widgets = make("path-scratchpad", terms="7 8 6")
    html, layers = widgets["path-scratchpad"].html, lab.model().config.n_layers
    figure = html.split('data-figure="scratchpad-whose"')[1].split("</figure>")[0]
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", figure)[1:]]
    assert len(rows) == 6
    for order, row in zip(("answer", "working", *working.HANDED), rows, strict=True):
        tried = working.attempt((7, 8, 6), order)
        before = influence.answer_span(tried)[0]
        assert row[1] == working.opening((7, 8, 6), order).removeprefix("Add 7 + 8 + 6. ")
        assert row[2:5] == [str(tried.answer), str(before), str(paths.longest_with_feedback(layers, before))]
        score = working.score(lab.STORYTELLER, order)
        assert row[5] == f"{score.right} of {working.IN_ALL}"
        assert row[7] == f"{working.score(lab.STORYTELLER, order, led=True).right} of {working.IN_ALL}"
    assert rows[0][4] == rows[2][4] == str(layers), "given working makes no path longer"


@pytest.mark.parametrize("text", ["", "7 8", "7 8 6 5 4 3", "10 2 3", "0 1 2", "a b c", "<b>7 8"])
def test_a_sum_that_the_corpus_does_not_have_is_explained(text):
    link, widgets = make("path-scratchpad")
    before = widgets["path-scratchpad"].html
    link.request = {"terms": text}
    assert link.messages["terms"] and link.values["terms"] == widgets["path-scratchpad"].state.param["terms"].default
    assert widgets["path-scratchpad"].html == before


# ---------------------------------------------------------------- whatever a reader types


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        " ",
        "x" * 10_000,
        "🙂👩\u200d👩\u200d👧",
        "مرحبا بالعالم",
        "\x00\x1b[31m",
        "<script>alert(1)</script>",
        "Mia\n\n\tand",
        "\u202eright\u202c",
    ],
)
def test_any_prompt_is_drawn(prompt):
    link, widgets = make(prompt=prompt, node="13.4", source=13, target=13, early=13, late=0, written=6)
    for slug in SLUGS:
        assert widgets[slug].html
        assert "<script>" not in widgets[slug].html and "this is an error" not in widgets[slug].html
    assert len(widgets["paths"].state.text()) <= page.MOST
    if len(lab.tokens_of(prompt)) > page.MOST:
        assert f"{page.MOST} tokens at most" in link.messages["prompt"]


def test_forecasts_are_the_models():
    _, widgets = make("path-perturb")
    state = widgets["path-perturb"].state
    tokens = state.text()
    before = lab.trace(tokens)
    after = lab.trace(influence.replaced(tokens, state.source, state.replacement()[0]))
    most = int(influence.prediction_change(before, after).argmax())
    figure = widgets["path-perturb"].html.split('data-figure="forecast"')[1]
    assert f"the token after “{escape(names_of(tokens)[most])}”" in figure
    for trace in (before, after):
        assert f'data-v="{float(softmax(trace["logits"][most].astype(np.float64)).max())!r}"' in figure


@pytest.mark.parametrize("slug", SLUGS)
def test_each_widget_is_small_enough_and_stands_alone(slug):
    link, widget = page.PAGE.make(slug)
    link.request = {"sublayers": True, "prompt": "Once there was a brave girl named Lily. She had a big red"}
    assert len(widget.html.encode()) < 160 * 1024  # of that the corner, all that is seen at first, is a tenth
    assert len(re.findall(r'\bid="([^"]+)"', widget.html)) == len(set(re.findall(r'\bid="([^"]+)"', widget.html)))


def test_the_numbers_of_the_prose_come_from_the_model():
    found = numbers_of("paths")
    layers = lab.model().config.n_layers
    assert found["layers"] == layers and found["inside"] + found["outside"] == found["nodes"]
    assert found["paths"] == magnitude(comb(found["n"] + layers - 1, layers))
    text = Path(page.__file__).with_name("text.md").read_text(encoding="utf-8")
    used = set(re.findall(r"{{ (\w+)", text))
    assert used <= set(found)


def test_a_resumed_page_has_no_files_and_still_knows_its_models(monkeypatch):
    link, widgets = make()
    monkeypatch.setattr(checkpoint, "available", lambda: ())
    link.request = {"prompt": "One rainy night, Ada went"}
    assert "␣Ada" in widgets["depth"].html and "4 layers, top 1 removed" in widgets["depth"].html
    link.request = {"terms": "9 9 9"}
    assert "4 layers" in widgets["path-scratchpad"].html


def test_what_was_said_stays_while_the_other_widgets_catch_up():
    link, _ = make()
    link.request = {"terms": "7 8", "first": "path-scratchpad"}
    said = link.messages["terms"]
    link.request = {"first": "paths"}
    link.request = {"first": ""}
    assert link.messages == {"terms": said}


@pytest.mark.parametrize(("slug", "name", "at"), [("path-perturb", "source", 5), ("path-gradients", "target", 6)])
def test_a_strip_of_tokens_is_one_tab_stop(slug, name, at):
    _, widgets = make(slug, **{name: at})
    buttons = re.findall(rf'<button[^>]*data-set="{name}"[^>]*>', widgets[slug].html)
    assert len(buttons) == len(widgets[slug].state.text())
    assert [i for i, button in enumerate(buttons) if 'tabindex="0"' in button] == [at]
    assert sum('tabindex="-1"' in button for button in buttons) == len(buttons) - 1

"""The attention page without a browser: its components are made, asked through the link, and read."""

import math
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import numpy as np
import pytest

from explainer.kernel import interventions
from explainer.kernel.explain import explain
from explainer.kernel.heads import ROLES, continuations
from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.studies import circuit
from explainer.studies.kinds import NAMES
from explainer.ui.html import number, sample, spread
from explainer.ui.parts.lean import story
from pages import numbers_of
from pages.attention import page as attention
from pages.attention.views.lookup import SHOWN

SLUGS = (
    "attention-stepper",
    "attention-circuit",
    "attention-heads",
    "attention-lookup",
    "attention-routing",
    "attention-ablation",
    "attention-order",
    "residual-bus",
)


class Figures(HTMLParser):
    """The tables of every figure: {figure: [rows of (name or None, value or None, attributes)]}."""

    def __init__(self, markup):
        super().__init__()
        self.tables, self.figure, self.elements, self.text = {}, None, [], []
        self._cell = None
        self.feed(str(markup))

    def handle_starttag(self, name, attrs):
        found = dict(attrs)
        self.elements.append((name, found))
        if name == "figure":
            self.figure = found["data-figure"]
        if name == "tr":
            self.tables.setdefault(self.figure, []).append([])
        if name in ("td", "th") and self.figure:
            self._cell = {"tag": name, "text": "", **found}
            self.tables[self.figure][-1].append(self._cell)

    def handle_data(self, data):
        self.text.append(data)
        if self._cell is not None:
            self._cell["text"] += data

    def handle_endtag(self, name):
        if name in ("table", "figure"):
            self._cell = None

    def values(self, figure):
        """[[float]] of the cells with a value, rows without any left out."""
        rows = [[float(c["data-v"]) for c in row if "data-v" in c] for row in self.tables[figure]]
        return [row for row in rows if row]

    def controls(self):
        return [a for n, a in self.elements if n in ("input", "select", "button")]


class Page:
    def __init__(self, only=None):
        self.link, *widgets = attention.PAGE.make(only)
        self.widgets = {w.slug: w for w in widgets}
        self.state = self.link._state

    def ask(self, **values):
        self.link.request = {**values, "#": time.monotonic_ns()}
        return self.link.messages

    def read(self, slug):
        return Figures(self.widgets[slug].html)


@pytest.fixture(scope="module")
def one_page():
    return Page()


@pytest.fixture
def page(one_page):
    """The page as it opens: one for all tests, brought back to its defaults (drawing it anew takes a while)."""
    one_page.ask(**dict.fromkeys(one_page.state.names()))
    return one_page


def trace_of(page):
    return lab.trace(page.state.tokens())


# ---------------------------------------------------------------- the whole page


def test_all_widgets_are_there_and_stay_within_their_budget(page):
    assert tuple(slug for slug in page.widgets if slug != "who-gets-it") == SLUGS  # that one: test_who_gets_it.py
    for slug, widget in page.widgets.items():
        limit = 230_000 if slug == "attention-stepper" else 90_000
        assert len(widget.html) < limit, (slug, len(widget.html))


def test_ids_of_controls_are_unique_on_the_page(page):
    ids = [a["id"] for slug in SLUGS for _, a in page.read(slug).elements if "id" in a]
    assert len(ids) == len(set(ids)) > 20


def test_only_what_reads_a_value_is_drawn_again(page):
    drawn = []
    for slug, widget in page.widgets.items():
        widget.param.watch(lambda event, slug=slug: drawn.append(slug), "html")
    page.ask(step=2)
    assert drawn == []  # the page shows steps by itself
    page.ask(sharpness=5)
    assert drawn == ["attention-lookup"]
    drawn.clear()
    page.ask(take_out="mask")
    assert drawn == ["attention-ablation"]
    drawn.clear()
    page.ask(pin="Good night.")
    assert drawn == ["attention-routing"]
    drawn.clear()
    page.ask(cut="2.10.9")
    assert drawn == ["attention-circuit"]
    drawn.clear()
    page.ask(head=1)
    assert set(drawn) == set(SLUGS) - {"attention-circuit"}  # it looks for its own heads


def test_the_default_prompt_shows_what_the_prose_says(page):
    """The copying head of the default view finds the piece of the name, and the model says it."""
    tokens = page.state.tokens()
    assert page.state.query == len(tokens) - 1
    seen = facts.example(tokens, page.state.layer, page.state.head)
    assert continuations(tokens)[-1, seen.found]
    assert tokens[seen.found] == seen.answer
    assert seen.weight > 0.5 and seen.chance > 0.9
    layer, head = page.state.layer, page.state.head
    assert facts.head_scores().label(layer, head)[0] == ROLES["copy"][0]
    without = facts.without_each_head(tokens, seen.answer)
    readers = circuit.circuit(tokens).readers
    assert (layer, head) in readers
    assert without.min() > 0.9, "one head alone matters: the prose says that one stands in for the other"
    assert facts.without_heads(tokens, seen.answer, readers) < 0.01


def test_a_fixed_distance_is_not_it_as_the_prose_says(page):
    first = facts.example(page.state.tokens(), page.state.layer, page.state.head)
    text = page.state.prompt.replace("Good night,", numbers_of("attention")["other_words"])
    other = lab.tokens_of(text)
    second = facts.example(other, page.state.layer, page.state.head)
    assert text != page.state.prompt and second.answer == first.answer and second.chance > 0.8
    assert len(other) - second.found != len(page.state.tokens()) - first.found
    pinned = facts.example(page.state.pinned(), page.state.layer, page.state.head)
    assert pinned.answer == first.answer and pinned.found != first.found  # 'found at another place'


@pytest.mark.parametrize("replaced", ["Good night,", "Good night"])
def test_the_other_words_move_the_name_with_and_without_the_comma(page, replaced):
    s, words = page.state, numbers_of("attention")["other_words"]
    other = lab.tokens_of(s.prompt.replace(replaced, words))
    assert len(other) <= attention.MOST
    first, second = (facts.example(t, s.layer, s.head) for t in (s.tokens(), other))
    assert len(other) - second.found != len(s.tokens()) - first.found and second.answer == first.answer


def test_what_the_prose_says_of_labels_is_what_the_ablations_show():
    found = numbers_of("attention")
    layer, head = map(int, found["copier"].split("."))
    base, alone = facts.loss().by_kind, facts.loss((interventions.HeadOff(layer, head),)).by_kind
    assert found["copier_matters"] == (alone["copy"].low > base["copy"].high)
    rises = {NAMES[kind]: alone[kind].value - base[kind].value for kind in base}
    assert found["copier_hurts"][0] == max(rises, key=rises.get)
    low, high = facts.head_scores().spread["copy"]
    assert low[layer, head] < facts.head_scores().best("copy")[2] < high[layer, head]


def test_what_the_prose_says_is_decided_by_numbers(page):
    """Without positions names are not copied, and the text once said that they are: the interval decides now."""
    found, base = numbers_of("attention"), facts.loss().by_kind["copy"]
    without = facts.loss((interventions.NoPositions(),)).by_kind["copy"]
    assert found["order_needed"] == (without.low > base.high)
    text = article("attention", found)
    assert ("names are no longer copied" in text) == found["order_needed"] and "names are still copied" not in text
    other = {"redundant": False, "wire_holds": False, "cut_breaks_names": False, "key_carries": False}
    turned = article("attention", {**found, **other, "order_needed": False, "induction_clear": True})
    assert "Not here: it goes from" in text
    assert "Yes: it goes from" in turned and "is enough" not in turned and "the news is in the" not in turned
    assert (
        "no clear loss" in turned
        and "not clearly what decides" in turned
        and "also where the text is no language" in turned
    )
    for wrong in ("how alike are these two?'. Softmax", "never met that name", "cannot have been learned.", "likeness"):
        assert wrong not in text.replace("The product is no likeness", "").replace("is no likeness", "")


def article(name, numbers):
    """A page's text with its numbers filled in, both modes."""
    source = (Path(__file__).parents[2] / "pages" / name / "text.md").read_text("utf-8")
    return (
        jinja2.Environment(undefined=jinja2.StrictUndefined, comment_start_string="{##")
        .from_string(source)
        .render(numbers)
    )


def test_numbers_for_the_prose_are_all_there():
    found = numbers_of("attention")
    assert found["n_all"] == 16 and found["answer"] == "-ta"
    assert all(value is not None for name, value in found.items() if name != "lens_first")
    assert found["writer_lead"].startswith("+")
    assert len([n for n in found if n.startswith("loss_")]) == 6


# ---------------------------------------------------------------- stepper


def test_stepper_draws_ten_steps_with_the_traces_numbers(page):
    found, s, trace = page.read("attention-stepper"), page.state, trace_of(page)
    panels = [a for n, a in found.elements if n == "section" and "data-step" in a]
    assert len(panels) == 10 and [("hidden" not in a) for a in panels].index(True) == s.step
    at = f"blocks.{s.layer}."
    t, h = s.query, s.head
    flat = lambda name: np.concatenate(found.values(name))  # noqa: E731
    np.testing.assert_array_equal(flat("resid-pre").astype("f4"), trace[at + "resid_pre"][t])
    np.testing.assert_array_equal(flat("ln1").astype("f4"), trace[at + "ln1.normalized"][t])
    for name in "qkv":
        np.testing.assert_array_equal(flat(name).astype("f4"), trace[f"{at}attn.{name}"][t, h])
    np.testing.assert_array_equal(np.array(found.values("scores-raw"), "f4"), trace[at + "attn.attn_scores_raw"][h])
    pattern = found.values("pattern")
    assert [len(row) for row in pattern] == list(range(1, t + 2))  # later keys are not there at all
    for row, want in zip(pattern, trace[at + "attn.pattern"][h], strict=True):
        np.testing.assert_array_equal(np.array(row, "f4"), want[: len(row)])
        assert sum(row) == pytest.approx(1, abs=1e-5)
    z = found.values("z")
    np.testing.assert_array_equal(np.array(z[-1], "f4"), trace[at + "attn.z"][t, h])
    np.testing.assert_allclose(np.sum(z[:-1], axis=0), z[-1], atol=1e-5)
    by_hand = found.values("score-by-hand")
    assert sum(by_hand[2]) == pytest.approx(sum(a * b for a, b in zip(*by_hand[:2], strict=True)), rel=1e-4)
    np.testing.assert_array_equal(flat("resid-mid").astype("f4"), trace[at + "resid_mid"][t])


def test_the_query_row_tells_its_story_with_real_numbers(page):
    found, s = page.read("attention-stepper"), page.state
    row = found.tables["pattern"][-1]
    key = facts.example(s.tokens(), s.layer, s.head).found
    told = row[1 + key]["data-why"]
    made = explain(trace_of(page), lab.model().params, f"blocks.{s.layer}.attn.pattern", (s.head, s.query, key))
    assert made.numbers in told and "score(-ta)" in told
    largest = trace_of(page)[f"blocks.{s.layer}.attn.attn_scores"][s.head, s.query].max()
    assert f"the largest score, {number(float(largest))}, subtracted from each first" in told
    others = [cell for r in found.tables["pattern"][1:3] for cell in r if "data-v" in cell]
    assert others and not any("data-why" in cell for cell in others)


@pytest.mark.parametrize(
    ("slug", "figure", "key", "row", "column", "index"),
    [
        ("attention-stepper", "keys", "attn.k", 4, 7, (4, 3, 7)),
        ("attention-stepper", "scores-raw", "attn.attn_scores_raw", 2, 9, (3, 2, 9)),
        ("attention-stepper", "ln1", "ln1.normalized", 2, 5, (16, 53)),
        ("attention-stepper", "result-1", "attn.result", 1, 3, (16, 1, 27)),
        ("attention-heads", "opened-head", "attn.pattern", 6, 2, (3, 6, 2)),
    ],
)
def test_any_cell_can_be_asked_for_its_story(page, slug, figure, key, row, column, index):
    found = page.read(slug)
    tables = [a for n, a in found.elements if n == "table" and a.get("data-ask", "").startswith(f"blocks.3.{key}|")]
    values = [r for r in found.tables[figure] if any("data-v" in cell for cell in r)]
    shown = float(values[row][1 + column]["data-v"])
    assert shown == pytest.approx(float(trace_of(page)[f"blocks.3.{key}"][index]))
    asks = {a["data-ask"].partition("|")[2] for a in tables}
    filled = {",".join(str(eval(part, {"r": row, "c": column})) for part in ask.split(",")) for ask in asks}
    assert ",".join(map(str, index)) in filled
    asked = f"{slug}|blocks.3.{key}|{','.join(map(str, index))}"
    page.ask(ask=asked)
    told = page.widgets[slug].told
    made = explain(trace_of(page), lab.model().params, f"blocks.3.{key}", index)
    assert told["asked"] == asked and made.numbers in told["story"]


@pytest.mark.parametrize(
    "ask",
    [
        "attention-stepper|nothing|1",
        "attention-stepper|tokens|99",
        "attention-stepper|",
        "x",
        "",
        "attention-stepper|blocks.0.attn.q|a,b,c",
    ],
)
def test_a_senseless_question_breaks_nothing(page, ask):
    page.ask(ask=ask)
    assert page.widgets["attention-stepper"].told.get("story", "") == ""
    assert "ask" not in page.link.values


def test_a_question_leaves_standing_what_was_said_before(page):
    page.ask(prompt="the ball " * 40)
    page.ask(ask="attention-stepper|tokens|0")
    assert f"{attention.MOST} tokens at most" in page.link.messages["prompt"]


def test_every_step_says_what_it_is_made_of_and_who_uses_it(page):
    text = "".join(page.read("attention-stepper").text)
    for words in (
        "dot_products",
        "scale_scores",
        "causal_mask",
        "attention_pattern",
        "weighted_sum",
        "head_outputs",
        "sum_heads",
    ):
        assert words in text
    assert "used next by" in text and "[H 4 × T 17 × S 17]" in text


def test_steps_four_five_and_eight_tell_how_each_cell_was_made(page):
    found, s = page.read("attention-stepper"), page.state
    one = facts.one_score(trace_of(page), s.layer, s.head, s.query, 10)
    product = found.tables["score-by-hand"][3][1 + 5]["data-why"]
    assert product.endswith(f"{number(one.q[5])} × {number(one.k[5])} = {number(one.products[5])}")
    asked = {a["data-ask"] for n, a in found.elements if n == "tr" and "data-ask" in a}
    at = f"blocks.{s.layer}.attn."
    assert asked == {
        f"{at}q|{s.query},{s.head},c",
        f"{at}k|10,{s.head},c",
        f"{at}attn_scores_raw|{s.head},{s.query},c",
        f"{at}pattern|{s.head},{s.query},c",
    }
    for figure in ("softmax-unscaled", "z"):
        told = [[("data-why" in c) for c in row if "data-v" in c] for row in found.tables[figure]]
        assert all(all(row) for row in told[1:-1] if row), figure


def test_the_mask_keeps_its_infinities_and_says_the_allowed_once(page):
    found, s = page.read("attention-stepper"), page.state
    row = found.tables["scores-masked"][1 + 3]
    assert [c.get("data-v") for c in row[1:]][4:] == ["-inf"] * (len(s.tokens()) - 4)
    key = f"blocks.{s.layer}.attn.attn_scores"
    told = story(trace_of(page), key, (s.head, 3, 6), lab.names_of(s.tokens()))
    assert told == "key(␣wizard) comes after query(␣lived): masked = −∞"
    allowed = story(trace_of(page), key, (s.head, 3, 1), lab.names_of(s.tokens()))
    assert allowed.startswith("allowed: unchanged = ") and allowed.count("=") == 1
    total = story(trace_of(page), f"blocks.{s.layer}.attn_out", (s.query, 5), lab.names_of(s.tokens()))
    assert "more)" not in total  # four heads and the bias: the last term is not hidden


def test_the_pages_own_prompt_is_among_the_examples(page):
    own = f"{page.state.prompt}\x1f"  # and whatever token is the last
    page.ask(prompt="Once there was a small girl")
    buttons = [a for a in page.read("attention-stepper").controls() if a.get("data-set") == "prompt query"]
    values = {a["value"]: a["aria-pressed"] for a in buttons}
    assert values[own] == "false"


def test_one_token_is_one_token(page):
    page.ask(prompt="", pin="")
    for slug in set(SLUGS) - {"attention-circuit"}:
        text = "".join(page.read(slug).text)
        assert "1 token, the start token included" in text and not re.search(r"(?<![\d,])1 tokens", text)


# ---------------------------------------------------------------- heads


def test_heads_are_labelled_by_what_was_measured(page):
    found = page.read("attention-heads")
    roles, config = facts.head_scores(), lab.model().config
    opens = [a for a in found.controls() if a.get("data-set") == "layer head"]
    assert len(opens) == config.n_layers * config.n_heads
    for button in opens:
        layer, head = map(int, button["value"].split("\x1f"))
        _, reads, where = ROLES[roles.strongest(layer, head)[0]]
        assert reads in button["data-why"] and where in button["data-why"]  # a share of which queries
        assert (button["aria-pressed"] == "true") == ((layer, head) == (page.state.layer, page.state.head))
    page.ask(layer="1", head="2")
    pressed = [
        a["value"]
        for a in page.read("attention-heads").controls()
        if a.get("data-set") == "layer head" and a["aria-pressed"] == "true"
    ]
    assert pressed == ["1\x1f2"]
    values = page.read("attention-heads").values("opened-head")
    np.testing.assert_array_equal(np.array(values[-1], "f4"), trace_of(page)["blocks.1.attn.pattern"][2, -1])


def test_a_small_pattern_shows_exactly_the_cells_above_its_lowest_level(page):
    found = page.read("attention-heads")
    pattern = trace_of(page)["blocks.0.attn.pattern"][0]
    first = found.elements.index(next(e for e in found.elements if e[0] == "svg"))
    last = next(i for i in range(first + 1, len(found.elements)) if found.elements[i][0] == "button")
    drawn = "".join(a["d"] for n, a in found.elements[first:last] if n == "path" and a["class"].startswith("level"))
    assert drawn.count("M") == (pattern >= 0.05).sum()


# ---------------------------------------------------------------- lookup


def test_lookup_from_average_to_hard(page):
    s = page.state
    n = s.query + 1
    page.ask(sharpness=0)
    weights = [row[1] for row in page.read("attention-lookup").values("dictionary")]
    assert weights == pytest.approx([1 / n] * len(weights))
    page.ask(sharpness="inf")
    assert math.isinf(s.sharpness) and page.link.values["sharpness"] == "inf"
    rows = page.read("attention-lookup").values("dictionary")
    assert [row[1] for row in rows] == [1.0] + [0.0] * (len(rows) - 1)
    scores = [row[0] for row in rows]
    assert scores == sorted(scores, reverse=True)
    page.ask(sharpness=1)
    found = page.read("attention-lookup")
    np.testing.assert_allclose(found.values("mix")[0], found.values("mix")[1], atol=1e-6)
    before_after = found.values("lookup-prediction")
    assert all(a == pytest.approx(b, abs=1e-5) for a, b in before_after)


def test_at_sharpness_one_nothing_moves(page):
    found = page.read("attention-lookup")
    assert all(a == b for a, b in found.values("lookup-prediction"))
    assert "nothing moves" in page.widgets["attention-lookup"].html


def test_one_key_has_one_likeness(page):
    page.ask(query=0)
    drawn = page.widgets["attention-lookup"].html.split("<svg")[1].split("</svg>")[0]
    score = number(float(trace_of(page)["blocks.3.attn.attn_scores_scaled"][3, 0, 0]))
    assert drawn.count(score) == 1
    page.ask(prompt="the ball " * 40)
    page.ask(query=SHOWN)
    assert "1 key that fits less is not listed" in page.widgets["attention-lookup"].html


def test_a_key_and_its_place_are_two_words(page):
    assert page.read("attention-lookup").tables["dictionary"][1][0]["text"] == "-ta 10"


def test_a_blunted_lookup_changes_the_prediction(page):
    page.ask(sharpness=0)
    s = page.state
    trace = trace_of(page)
    found = facts.lookup(trace, s.layer, s.head, s.query, 0)
    want = facts.change(s.tokens(), (facts.lookup_patch(trace, s.layer, s.head, s.query, found.weights),), s.query)
    shown = page.read("attention-lookup").values("lookup-prediction")
    assert max(abs(a - b) for a, b in shown) == pytest.approx(np.abs(want.before - want.after).max())


# ---------------------------------------------------------------- routing


def test_routing_shows_other_wiring_and_the_same_weights(page):
    found, s = page.read("attention-routing"), page.state
    want = facts.routing(s.tokens(), s.pinned(), s.layer, s.head)
    for figure, matrix in (("pattern-a", want.a), ("pattern-b", want.b)):
        shown = found.values(figure)
        for t, row in enumerate(shown):
            np.testing.assert_array_equal(np.array(row, "f4"), matrix[t, : t + 1])
    assert found.values("w-in-a") == found.values("w-in-b")
    rows = {row[0]["text"]: row[-1]["text"] for row in found.tables["fingerprints"]}
    assert rows["mlp.W_in"] == rows["attn.W_Q"] == "bit-identical" and rows["attn.pattern"] == "different"
    page.ask(pin=s.prompt)
    assert SAME_TEXT in page.widgets["attention-routing"].html


SAME_TEXT = "The same text, the same wiring"


def finding(page, slug):
    markup = page.widgets[slug].html
    return "".join(Figures(markup[markup.index('finding"') :].split(">", 1)[1].split("</p>")[0]).text)


def test_routing_follows_the_same_token_in_both_texts(page):
    s = page.state
    want = facts.routing(s.tokens(), s.pinned(), s.layer, s.head)
    here = facts.look(want.a, s.query)
    there = facts.look(want.b, facts.same_token(s.pinned(), s.tokens()[s.query]))
    said = finding(page, "attention-routing")
    assert f"-vi at place {here.query} reads -ta at place {here.key}, {here.back} back" in said
    assert f"-vi at place {there.query} reads -ta at place {there.key}, {there.back} back" in said
    assert here.back != there.back  # the same look at another place
    found = page.read("attention-routing")
    marked = [
        a["class"] for n, a in found.elements if n == "span" and a.get("class", "") in ("token asks", "token found")
    ]
    assert marked == ["token found", "token asks"] * 2
    page.ask(query=5)  # there is no sleepy in the second text
    assert "The second text has no ␣sleepy" in finding(page, "attention-routing")


@pytest.mark.parametrize("texts", [{"prompt": ""}, {"pin": ""}, {"prompt": "", "pin": "anything at all"}])
def test_two_texts_are_not_called_the_same_for_the_start_they_share(page, texts):
    page.ask(**texts)
    assert SAME_TEXT not in page.widgets["attention-routing"].html
    page.ask(prompt="", pin="")
    assert SAME_TEXT in page.widgets["attention-routing"].html


# ---------------------------------------------------------------- take it out


@pytest.mark.parametrize("name", ["scaling", "mask", "uniform", "positions", "head"])
def test_taking_out_shows_prediction_and_loss_before_and_after(page, name):
    page.ask(take_out=name)
    s, found = page.state, page.read("attention-ablation")
    choice = next(x for x in facts.take_outs(s.layer, s.head) if x.name == name)
    want = facts.change(s.tokens(), choice.interventions, s.query)
    shown = found.values("take-out-prediction")
    assert max(a for a, _ in shown) == pytest.approx(want.before.max())
    assert max(b for _, b in shown) == pytest.approx(want.after.max())
    losses = {
        row[0]["text"]: [float(c["data-v"]) for c in row if "data-v" in c] for row in found.tables["take-out-loss"][1:]
    }
    measured = facts.loss(choice.interventions)
    assert losses[choice.label] == pytest.approx([measured.cross_entropy.value, measured.accuracy.value])
    assert losses["as trained"] == pytest.approx([facts.loss().cross_entropy.value, facts.loss().accuracy.value])
    cells = [c for row in found.tables["take-out-loss"] if row[0]["text"] == choice.label for c in row]
    why = next(c["data-why"] for c in cells if "data-why" in c)
    assert f"95 % interval {spread(measured.cross_entropy)}" in why and sample(measured.cross_entropy) in why
    assert f"more than as trained ({spread(measured.rise)})" in why
    assert losses[choice.label][0] > losses["as trained"][0]
    np.testing.assert_allclose(found.values("head-worth"), facts.head_worth())


def test_what_was_taken_out_can_be_put_back(page):
    buttons = [a for a in page.read("attention-ablation").controls() if a.get("data-set") == "take_out"]
    assert [a["aria-pressed"] for a in buttons] == ["false", "false", "false", "true", "false", "false"]
    assert buttons[0]["value"] == buttons[3]["value"] == "nothing"  # pressed once more, it is put back
    page.ask(take_out="nothing")
    found = page.read("attention-ablation")
    assert all(a == b for a, b in found.values("take-out-prediction"))
    assert "nothing moves" in page.widgets["attention-ablation"].html
    html = page.widgets["attention-ablation"].html
    assert re.search(r'<tr class="chosen"><th scope="row">as trained', html)


# ---------------------------------------------------------------- order


def test_order_is_shown_as_measured(page):
    s = page.state
    found = page.read("attention-order")
    want = facts.order_test(s.tokens(), s.swap, s.swap_with, s.query, s.layer, s.head)
    shown = np.array(found.values("order"))
    for column, name in enumerate(want.changes):
        np.testing.assert_allclose(shown[:-1, column], want.changes[name])
        assert shown[-1, column] == pytest.approx(want.moved[name])
    text = "".join(found.text)
    assert "invisible to the query in every layer" in text and "Order leaks through the mask" in text


@pytest.mark.parametrize(
    ("query", "i", "j", "condition", "rounding"),
    [
        (16, 9, 10, "as trained", [False] * 5),
        (16, 9, 10, "no positions", [True, False, False, False, False]),
        (16, 9, 10, "no positions, no mask", [True] * 5),
        (2, 0, 1, "as trained", [False] * 5),  # the prediction moves by 8e-8, and that is no rounding
        (16, 0, 1, "no positions", [True, False, False, False, False]),  # the prediction moves by 6e-6
    ],
)
def test_rounding_is_said_only_where_nothing_else_is_there(page, query, i, j, condition, rounding):
    page.ask(query=query, swap=i, swap_with=j)
    column = 1 + [name for name, _ in facts.CONDITIONS].index(condition)
    shown = [row[column]["text"] for row in page.read("attention-order").tables["order"][1:]]
    assert ["rounding" in text or text == "0" for text in shown] == rounding


@pytest.mark.parametrize(("i", "j"), [(9, 10), (2, 6)])
def test_the_reason_holds_for_neighbours_too(page, i, j):
    """Under the mask, what the swapped tokens and those between have read is not what they had read; the others' is."""
    page.ask(swap=i, swap_with=j)
    assert "each of the two swapped tokens, and any token between them" in page.widgets["attention-order"].html
    tokens = page.state.tokens()
    swapped = facts.swap(tokens, i, j)
    where = facts.swap(range(len(tokens)), i, j)
    changed = [k for k in range(len(tokens)) if sorted(tokens[: k + 1]) != sorted(swapped[: where[k] + 1])]
    assert changed == list(range(i, j + 1))


def test_swapping_needs_two_different_earlier_tokens(page):
    page.ask(swap=3, swap_with=3)
    assert "same token" in page.widgets["attention-order"].html
    page.ask(query=1)
    assert "at least two tokens before it" in page.widgets["attention-order"].html


# ---------------------------------------------------------------- bus


def test_bus_adds_up_and_the_lens_ends_at_the_answer(page):
    s, found = page.state, page.read("residual-bus")
    probs = facts.softmax(trace_of(page)["logits"][s.query].astype("float64"))
    answer, rival = np.argsort(-probs)[:2]
    logits = trace_of(page)["logits"][s.query].astype(float)
    rows = found.values("contributions")
    assert sum(row[0] for row in rows[:-1]) == pytest.approx(logits[answer] - logits[rival], abs=1e-3)
    assert rows[-1][1] == pytest.approx(logits[answer], abs=1e-3)
    lens = found.values("lens")
    assert len(lens) == 2 * lab.model().config.n_layers + 1
    assert lens[-1][0] == pytest.approx(probs[answer], abs=1e-5) and lens[-1][1] == 1
    page.ask(token=int(rival))
    assert page.read("residual-bus").values("lens")[-1] == pytest.approx([probs[rival], 2], abs=1e-5)


# ---------------------------------------------------------------- what readers send

HOSTILE = [
    "",
    " ",
    "🙂🙃 🏳️‍🌈",
    "שלום עולם",
    "\x00\x01\x7f\u202e",
    "<script>alert(1)</script>",
    "a" * 10_000,
    "\ud800",
    '"><img src=x onerror=1>',
    "\n\n\t",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_the_page(page, text):
    page.ask(prompt=text, pin=text)
    for slug in SLUGS:
        found = page.read(slug)
        assert not any(n == "script" or (n == "img" and "onerror" in a) for n, a in found.elements)
        assert page.widgets[slug].html
    assert page.state.query == len(page.state.tokens()) - 1


def test_long_text_is_cut_and_said(page):
    messages = page.ask(prompt="the ball " * 40)
    assert f"{attention.MOST} tokens at most" in messages["prompt"] and len(page.state.tokens()) == attention.MOST
    assert all(len(w.html) < 340_000 for w in page.widgets.values())


def test_impossible_values_are_moved_and_said(page):
    messages = page.ask(
        layer="99", head="-5", query="700", take_out="everything", sharpness="sharp", token="999999", step="77"
    )
    s = page.state
    config = lab.model().config
    assert (s.layer, s.head, s.query) == (config.n_layers - 1, 0, len(s.tokens()) - 1)
    assert s.take_out == s.param.take_out.default and s.sharpness == 1 and s.step == 9 and s.token == config.n_vocab - 1
    assert {"layer", "query", "take_out", "sharpness", "token"} <= set(messages)


def test_the_last_token_goes_on_asking_while_the_reader_writes(page):
    page.ask(prompt=page.state.prompt + "-ta")
    assert page.state.query == len(page.state.tokens()) - 1
    page.ask(query=3)
    page.ask(prompt=page.state.prompt + ".")
    assert page.state.query == 3
    page.ask(prompt=None, query=None)
    assert page.state.query == len(page.state.tokens()) - 1


@pytest.mark.parametrize("slug", SLUGS)
def test_every_widget_stands_alone_with_its_controls(slug):
    page = Page(only=slug)
    assert list(page.widgets) == [slug]
    bound = {a.get("data-bind") for a in page.read(slug).controls()}
    assert "prompt" in bound
    before = page.widgets[slug].html
    page.ask(prompt="Once there was a small girl named Mia.")
    assert page.widgets[slug].html != before

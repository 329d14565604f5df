"""Figures about another model than the storyteller: the random Llama, which has RoPE, shared keys and no start token.

Those that cannot be say so, in a sentence of their own; which are which is in the README's table.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from explainer.models import lab, registry
from explainer.studies import attention_facts, further
from pages import PAGES

TINY = registry.MODELS["tiny-llama"]
FILE = Path(__file__).parents[1] / "golden" / "models" / TINY.file
TEXT = "The capital of France is the capital"
README = Path(__file__).parents[2] / "README.md"
SWITCHED = [page for page in PAGES if page.state.other_models]
FIGURES = [(page, widget) for page in SWITCHED for widget in page.widgets]
WORK = [(page, widget) for page, widget in FIGURES if not widget.own_only]
slug = lambda case: getattr(case, "slug", getattr(case, "name", None))  # noqa: E731


@pytest.fixture(scope="module")
def taken():
    with FILE.open("rb") as file:
        lab.take(TINY.name, registry.load({TINY.file: file}, TINY.title))
        yield
    lab.let_go()


def made(page, widget, **values):
    state = page.state()
    messages = state.update_from({"model": TINY.name, "prompt": TEXT, **values})
    return widget(state), messages


@pytest.mark.parametrize(("page", "widget"), WORK, ids=slug)
def test_a_figure_that_works_is_about_it(taken, page, widget):
    drawn, messages = made(page, widget)
    assert not messages
    assert "own-only" not in drawn.html and "start token" not in drawn.html
    storyteller = widget(page.state())
    assert drawn.html != storyteller.html
    with lab.using(TINY.name):
        some = {lab.tokenizer().display(token).strip("␣") for token in lab.tokens_of(TEXT)}
    assert any(re.search(rf">[^<]*{re.escape(piece)}", drawn.html) for piece in some if len(piece) > 1)


@pytest.mark.parametrize(("page", "widget"), [x for x in FIGURES if x not in WORK], ids=slug)
def test_a_figure_that_cannot_says_why(taken, page, widget):
    drawn, _ = made(page, widget)
    assert drawn.html.startswith('<p class="own-only">') and len(widget.own_only) > 60
    drawn.state.update_from({"model": None, "prompt": None})
    assert "own-only" not in drawn.html


def test_a_story_ends_where_the_memory_does_also_when_its_text_grows(taken):
    page = next(page for page in PAGES if page.name == "feedback")
    state = page.state()
    assert not state.update_from({"model": TINY.name, "prompt": "The", "step": 55})
    with lab.using(TINY.name):
        short, grown = len(lab.tokens_of("The")), len(lab.tokens_of(TEXT))
        assert short + 55 <= lab.window() < grown + 55
    said = state.update_from({"prompt": TEXT})
    assert state.step == TINY.window - grown and "memory for 64 tokens" in said["step"]
    assert state.update_from({"model": None, "prompt": None, "step": 70}) == {} and state.step == 70
    assert "step" in state.update_from({"model": TINY.name}), "and when the model comes"
    with state.about():
        assert len(state.tokens()) + state.step == TINY.window


def test_what_is_shown_follows_the_model_when_it_comes_and_goes(taken):
    home = PAGES[0]
    loaded = lab._taken[TINY.name]
    lab.let_go()
    link, picture = home.make("transformer")
    link.request = {"model": TINY.name}
    before = picture.html
    assert link.values["model"] == TINY.name and link.shown["model"] == lab.OWN
    lab.take(TINY.name, loaded)
    link.request = {"model": TINY.name, "#": 2}
    assert picture.html != before and "model" not in link.shown
    assert link.values["floor"] == 3, "two floors below the roof"
    lab.let_go()
    link.request = {"model": TINY.name, "#": 3}
    assert link.shown["model"] == lab.OWN
    lab.take(TINY.name, loaded)


def test_bundled_heads_leave_the_sums_as_they_are(taken):
    with lab.using(TINY.name):
        tokens = lab.tokens_of(TEXT)
        riders = attention_facts.bus(lab.trace(tokens), len(tokens) - 1, 5, 9)
        few = further.bundled(riders, 1)
    assert len(few) == len(riders) - 3, "four heads of layer 0 are one row"
    assert sum(r.lead for r in few) == pytest.approx(sum(r.lead for r in riders))
    assert [r.head for r in few if r.layer == 1 and r.head is not None] == [0, 1, 2, 3]


def test_a_score_by_hand_is_the_traces(taken):
    with lab.using(TINY.name):
        tokens = lab.tokens_of(TEXT)
        trace = lab.trace(tokens)
        for layer, head, query, key in ((0, 0, 5, 2), (1, 3, 6, 0), (1, 2, 4, 4)):
            one = further.one_score(trace, layer, head, query, key)
            raw = trace[f"blocks.{layer}.attn.attn_scores_raw"][head, query, key]
            assert one.turned and one.shared > 1
            assert one.total == pytest.approx(float(raw), rel=1e-5)


def test_a_lookup_hands_over_what_the_head_adds(taken):
    with lab.using(TINY.name):
        trace = lab.trace(lab.tokens_of(TEXT))
        for head in range(4):
            found = further.lookup(trace, 1, head, 6, 1.0)
            assert found.mix == pytest.approx(trace["blocks.1.attn.z"][6, head], rel=1e-4, abs=1e-6)


def test_roles_on_a_text_are_shares_of_attention(taken):
    with lab.using(TINY.name):
        tokens = lab.tokens_of(TEXT)
        found = further.head_scores(tokens)
        pattern = lab.trace(tokens)["blocks.1.attn.pattern"][2]
    assert found.scores["first_token"][1, 2] == pytest.approx(pattern[1:, 0].mean())
    assert found.n["previous_token"] == len(tokens) - 1
    assert "copy" not in found.scores


def test_the_readmes_table_is_that_of_the_figures():
    text = README.read_text(encoding="utf-8")
    for page, widget in FIGURES:
        row = f"| {page.title} | {widget.title} | {widget.own_only or 'works'} |"
        assert row in text, row

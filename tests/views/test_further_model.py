"""Figures about another model than the storyteller: the random Llama, which has RoPE, shared keys and no start token.

Those that cannot be say so, in a sentence of their own; which are which is in the README's table.
"""

from __future__ import annotations

import gc
import re
from pathlib import Path

import numpy as np
import pytest
from drawn import check

from explainer.architectures.llama_like import LlamaConfig
from explainer.kernel.cache import KVCache
from explainer.kernel.model import Model
from explainer.kernel.trace import Trace
from explainer.models import lab, registry
from explainer.studies import attention_facts, climb, further, influence, story
from explainer.ui.html import number
from pages import PAGES

TINY = registry.MODELS["tiny-llama"]
FILE = Path(__file__).parents[1] / "golden" / "models" / TINY.file
TEXT = "The capital of France is the capital"
SHORT = {"paths": "The capital"}
"""Texts for pages that have room for less."""
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
    messages = state.update_from({"model": TINY.name, "prompt": SHORT.get(page.name, TEXT), **values})
    return widget(state), messages


@pytest.mark.parametrize(("page", "widget"), WORK, ids=slug)
def test_a_figure_that_works_is_about_it(taken, page, widget):
    drawn, messages = made(page, widget)
    assert not messages
    assert "own-only" not in drawn.html and "start token" not in drawn.html
    storyteller = widget(page.state())
    assert drawn.html != storyteller.html
    with lab.using(TINY.name):
        some = {lab.tokenizer().display(token).strip("␣") for token in lab.tokens_of(drawn.state.prompt)}
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
    assert state.step == registry.WINDOW - grown and "memory for 64 tokens" in said["step"]
    assert state.update_from({"model": None, "prompt": None, "step": 70}) == {} and state.step == 70
    assert "step" in state.update_from({"model": TINY.name}), "and when the model comes"
    with state.about():
        assert len(state.tokens()) + state.step == registry.WINDOW


def test_a_node_of_its_picture_opens(taken):
    page = PAGES[0]
    drawn, _ = made(page, page.widgets[0], inside="2.5")
    with lab.using(TINY.name):
        trace = lab.trace(lab.tokens_of(TEXT))
        found = climb.inside(drawn.state.climb(), 2, 5)
    q, k = trace["blocks.1.attn.rot_q"][5, found.head], trace["blocks.1.attn.rot_k"][found.read, found.head // 2]
    assert found.products == pytest.approx((q * k).tolist(), rel=1e-5)
    assert number(found.score) in drawn.html


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


def test_another_file_by_the_same_name_is_drawn_anew(taken):
    home = PAGES[0]
    loaded = lab._taken[TINY.name]
    link, picture = home.make("transformer")
    link.request = {"model": TINY.name}
    link.request = {"model": TINY.name, "#": 2}
    before, picture.html = picture.html, "what is about the model before"
    link.request = {"model": TINY.name, "#": 3}
    assert picture.html != before, "nothing has changed, so nothing is drawn"
    lab.take(TINY.name, loaded)
    link.request = {"model": TINY.name, "#": 4}
    assert picture.html == before


def test_the_roof_of_another_model_is_none_of_the_storyteller(taken):
    home = PAGES[0].state()
    home.update_from({"model": TINY.name, "prompt": TEXT})
    assert home.floor == 3, "two floors below the roof"
    home.update_from({"model": None})
    assert home.floor == home.roof == 5
    home.update_from({"model": TINY.name, "floor": 1})
    home.update_from({"model": None})
    assert home.floor == 1, "a floor that the reader has chosen stays"
    home = PAGES[0].state()
    home.update_from({"model": TINY.name, "prompt": TEXT, "floor": "2"})
    assert home.floor == 2, "a link says its floor"


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
            one = attention_facts.one_score(trace, layer, head, query, key)
            raw = trace[f"blocks.{layer}.attn.attn_scores_raw"][head, query, key]
            assert one.turned and one.shared > 1 and one.total == float(raw)
            assert one.products.sum() == pytest.approx(one.total, rel=1e-4, abs=1e-5)


def test_the_ten_steps_are_drawn_of_its_own_wiring(taken):
    """Each step's numbers are the trace's, of the group of heads that shares the key; it has no bias and no mean."""
    page, widget = next(case for case in WORK if case[1].slug == "attention-stepper")
    drawn, _ = made(page, widget, layer=1, head=3, query=5)
    check(drawn.html)
    with lab.using(TINY.name):
        tokens = lab.tokens_of(TEXT)
        trace = lab.trace(tokens)
        mixed = attention_facts.mixture(trace, 1, 3, 5, shown=2)
    group = trace.config.group_of(3)
    assert group != 3
    block = "blocks.1."
    for figure, wanted in {
        "resid-pre": trace[f"{block}resid_pre"][5],
        "ln1": trace[f"{block}ln1.normalized"][5],
        "q": trace[f"{block}attn.q"][5, 3],
        "k": trace[f"{block}attn.k"][5, group],
        "v": trace[f"{block}attn.v"][5, group],
        "keys": trace[f"{block}attn.rot_k"][:6, group],
        "scores-scaled": trace[f"{block}attn.attn_scores_raw"][3, 5, :6],
        "attention-row": trace[f"{block}attn.pattern"][3, 5],
        "z": np.concatenate([*mixed.parts, mixed.others, mixed.z]),
        "result-2": trace[f"{block}attn.result"][5, 2],
        "resid-mid": trace[f"{block}resid_mid"][5],
    }.items():
        assert shown_in(drawn.html, figure)[: wanted.size] == pytest.approx(wanted.ravel().tolist(), rel=1e-5), figure
    assert mixed.parts.sum(axis=0) + mixed.others == pytest.approx(mixed.z, rel=1e-4, abs=1e-6)
    assert "RMSNorm" in drawn.html and "subtract its mean" not in drawn.html and "with the bias" not in drawn.html
    assert "its place" not in drawn.html and drawn.html.count("(RoPE)") == 2
    asked = dict(re.findall(r'data-testid="(q|k|v|keys)".*?data-ask="([^"]*)"', drawn.html, re.DOTALL))
    for figure, question in asked.items():
        key, _, index = question.replace("r,", "2,").replace(",c", ",0").partition("|")
        drawn.state.update_from({"ask": f"attention-stepper|{key}|{index}"})
        assert drawn.told["story"], (figure, question)


def shown_in(html: str, figure: str) -> list[float]:
    """The numbers of a figure, in the order in which they are drawn."""
    within = html.split(f'data-testid="{figure}"', 1)[1].split("</figure>", 1)[0]
    return [float(v) for v in re.findall(r'data-v="?([^"> ]+)', within)]


def test_a_lookup_hands_over_what_the_head_adds(taken):
    with lab.using(TINY.name):
        trace = lab.trace(lab.tokens_of(TEXT))
        for head in range(4):
            found = attention_facts.lookup(trace, 1, head, 6, 1.0)
            assert found.mix == pytest.approx(trace["blocks.1.attn.z"][6, head], rel=1e-4, abs=1e-6)


def test_roles_on_a_text_are_shares_of_attention(taken):
    with lab.using(TINY.name):
        tokens = lab.tokens_of(TEXT)
        found = further.head_scores(tokens)
        pattern = lab.trace(tokens)["blocks.1.attn.pattern"][2]
    assert found.scores["first_token"][1, 2] == pytest.approx(pattern[1:, 0].mean())
    assert found.n["previous_token"] == len(tokens) - 1
    assert "copy" not in found.scores


def test_without_angles_and_mask_it_notices_no_swap(taken):
    """RoPE's angles are its positions: without them, and without the mask, attention sees a bag of tokens."""
    page, widget = next(case for case in WORK if case[1].slug == "attention-order")
    drawn, _ = made(page, widget, query=12, swap=3, swap_with=9)
    check(drawn.html)
    with lab.using(TINY.name):
        tokens = lab.tokens_of(TEXT)
        found = attention_facts.order_test(tokens, 3, 9, 12, 0, 0)
    assert tokens[3] != tokens[9]
    assert all(found.rounding("no positions, no mask")) and found.moved["no positions, no mask"] < 1e-6
    assert found.rounding("no positions")[0] and not found.rounding("no positions")[1], "order leaks through the mask"
    assert not any(found.rounding("as trained")) and found.moved["as trained"] > 1e-3
    assert "the swap is invisible to the query in every layer. With the mask" in drawn.html
    assert "the angles by which places turn queries and keys are 0" in drawn.html
    drawn.state.update_from({"prompt": "The F", "query": None, "swap": None, "swap_with": None})
    shown = drawn.state.swap, drawn.state.swap_with, drawn.state.query
    assert shown[1] == shown[0] + 1 == shown[2] - 1, "two different ones, also of a text of a few tokens"


def test_two_texts_go_through_its_own_weights(taken):
    page, widget = next(case for case in WORK if case[1].slug == "attention-routing")
    drawn, _ = made(page, widget, pin="The capital of Italy is the capital", layer=1, head=2, query=4)
    check(drawn.html)
    assert "(SwiGLU)" in drawn.html and drawn.html.count("bit-identical") == 7 and "mlp.W_gate" in drawn.html
    assert drawn.html.count('class="different"') == 1, "the pattern alone"


def test_what_is_kept_of_it_is_counted_by_groups(taken):
    page, widget = next(case for case in WORK if case[1].slug == "kv-cache")
    drawn, _ = made(page, widget, step=5)
    check(drawn.html)
    with drawn.state.about():
        config, tape = lab.model().config, len(drawn.state.tokens()) + 4
        cache = KVCache.of(lab.trace((*drawn.state.tokens(), *(t.token for t in drawn.state.tell(4)))))
        assert story.kept_per_token(config) * tape == cache.numbers
    assert f"{cache.numbers:,}" in drawn.html and "group of 2 heads that share them" in drawn.html
    assert "The curve ends at 64 tokens" in drawn.html
    drawn.state.update_from({"step": 0})
    assert "shown are the 4 turns that would come next" in drawn.html


def test_its_loop_has_its_own_tape(taken):
    page, widget = next(case for case in WORK if case[1].slug == "turing")
    drawn, _ = made(page, widget, step=3)
    check(drawn.html)
    assert f"{TINY.weights:,} numbers, the same at every tick" in drawn.html and "fingerprint" not in drawn.html
    with drawn.state.about():
        n = len(drawn.state.tokens()) + 2
    assert f"{n} of {registry.WINDOW} cells in use" in drawn.html and "352 symbols" in drawn.html


def test_a_row_of_paths_may_stand_for_several_layers(taken, monkeypatch):
    """Two layers in one row: the measured numbers are those of the row's last layer, and none leaves the cone."""
    monkeypatch.setattr(lab, "MANY_LAYERS", 1)
    monkeypatch.setattr(influence, "ROWS", 1)
    page = next(page for page in PAGES if page.name == "paths")
    for slug in ("paths", "path-perturb", "path-gradients", "path-feedback"):
        widget = next(w for w in page.widgets if w.slug == slug)
        drawn, _ = made(page, widget, source=1, target=2)
        check(drawn.html)
        assert "Each row stands for 2 layers of 2" in drawn.html and "contradicts" not in drawn.html
        whole = drawn.html.partition(f'data-figure="{slug}"')[2]  # the corner that stands alone has rows of one layer
        assert "after 2 layers" in whole and "after 1 layer<" not in whole
        assert 'data-bind="sublayers"' not in drawn.html
    assert "They agree." in drawn.html, "the longest path counts layers, not rows"


def test_nothing_is_left_of_it_when_it_is_let_go(taken):
    """Every figure that is about it is drawn and worked with; then no memory, cache or figure of ours holds it."""
    for page, widget in WORK:
        drawn, _ = made(page, widget)
        for more in ({"step": 3}, {"layer": 1, "query": 3}, {"t": 0.5}, {"inside": "2.3"}, {"inside": "word"}):
            drawn.state.update_from(more)
    with lab.using(TINY.name):
        story.teller(12).read(lab.tokens_of(TEXT))
    del drawn
    assert {"Trace", "KVCache", "Teller", "Model"} <= {type(thing).__name__ for thing in kept_of_it()}
    loaded = lab._taken[TINY.name]
    lab.let_go()
    try:
        assert [type(thing) for thing in kept_of_it() if thing is not loaded.model] == []
    finally:
        lab.take(TINY.name, loaded)


def kept_of_it() -> list:
    """What is in memory of a Llama: models, records, keys and values, tellers."""
    gc.collect()
    ours = [thing for thing in gc.get_objects() if isinstance(thing, (Model, Trace, KVCache, story.Teller))]
    return [thing for thing in ours if isinstance(getattr(thing, "model", thing).config, LlamaConfig)]


def test_the_readmes_table_is_that_of_the_figures():
    text = README.read_text(encoding="utf-8")
    for page, widget in FIGURES:
        row = f"| {page.title} | {widget.title} | {widget.own_only or 'works'} |"
        assert row in text, row

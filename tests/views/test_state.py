"""One parser for links, attributes and controls: what makes sense is kept, the rest is explained, nothing breaks."""

import json
import math
import random

import param
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainer.host import session
from explainer.models import lab
from explainer.ui.state import MAX_CHARACTERS, PageState
from pages import PAGES


class Sample(PageState):
    layer = param.Integer(default=1, bounds=(0, None), label="layer")
    t = param.Number(default=1.0, bounds=(0.01, 10), label="temperature")
    kind = param.Selector(default="a", objects=["a", "b"], label="kind")
    on = param.Boolean(default=False, label="switch")

    def limits(self):
        return {"layer": (0, 3, "layer")}


def test_text_numbers_and_booleans_are_read_as_a_link_carries_them():
    state = Sample()
    assert state.update_from({"prompt": "Mia", "layer": "2", "t": "0.5", "kind": "b", "on": "1"}) == {}
    assert state.values() == {"prompt": "Mia", "layer": 2, "t": 0.5, "kind": "b", "on": True}


def test_none_is_the_way_back_to_the_default():
    state = Sample(layer=3, t=5.0, prompt="x")
    state.update_from({"layer": None, "t": None, "prompt": None})
    assert (state.layer, state.t, state.prompt) == (1, 1.0, "")


@pytest.mark.parametrize(
    ("given_", "says"),
    [
        ({"layer": "9"}, "layer 9"),
        ({"layer": "<b>"}, "not a number"),
        ({"t": "nan"}, "not a number"),
        ({"kind": "z"}, "not a choice"),
        ({"on": "perhaps"}, "neither on nor off"),
    ],
)
def test_what_cannot_be_is_said_in_words_and_the_state_stays_usable(given_, says):
    state = Sample()
    messages = state.update_from(given_)
    assert says in messages[next(iter(given_))]
    assert 0 <= state.layer <= 3 and state.t == 1.0 and state.kind == "a" and state.on is False


def test_one_bad_value_does_not_cost_the_good_ones():
    state = Sample()
    assert set(state.update_from({"layer": "x", "prompt": "kept"})) == {"layer"}
    assert state.prompt == "kept"


def test_unknown_names_are_ignored():
    assert Sample().update_from({"utm_source": "x", "__class__": "y", "name": "z"}) == {}


def test_numbers_beyond_a_slider_stop_at_its_end():
    state = Sample()
    state.update_from({"t": "1e300"})
    assert state.t == 10


def test_watchers_hear_of_one_update_once():
    state = Sample()
    heard = []
    state.param.watch(lambda *events: heard.append(len(events)), ["layer", "t", "prompt"])
    state.update_from({"layer": 9, "t": 2, "prompt": "a"})
    assert heard == [3]


@given(
    st.dictionaries(
        st.sampled_from(["prompt", "layer", "t", "kind", "on", "zzz"]),
        st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()),
    )
)
def test_whatever_is_given_the_state_stays_valid(values):
    state = Sample()
    messages = state.update_from(values)
    assert all(isinstance(m, str) and m for m in messages.values())
    assert 0 <= state.layer <= 3 and 0.01 <= state.t <= 10 and state.kind in ("a", "b") and isinstance(state.on, bool)
    assert len(state.prompt) <= MAX_CHARACTERS
    state.prompt.encode("utf-8")


def test_warming_up_and_drawing_again_send_nothing_new():
    sent = []
    session.connect(lambda client, text: sent.append(json.loads(text)))
    session.open("reader", "embed/temperature")
    assert session.warm("reader") and session.redraw("reader")
    assert sent == []
    link = next(iter(session._open["reader"].models))
    session.receive("reader", json.dumps([{"model": link, "attr": "request", "new": {"t": 2}}]))
    assert {e["attr"] for e in sent[0]["events"]} >= {"html", "values"}
    session.close("reader")
    assert not session.warm("reader")


def test_warming_up_leaves_alone_what_waits_for_the_reader(monkeypatch):
    monkeypatch.setattr("pages.feedback.page.MOMENT", 0.0)
    monkeypatch.setattr("explainer.ui.widget.SLICE", math.inf)  # a busy machine, too, comes to an end in one request
    sent = []
    session.connect(lambda client, text: sent.append(json.loads(text)))
    session.open("reader", "embed/feedback-loop")
    link = next(iter(session._open["reader"].models))
    begin = {"t": 1.7, "step": 20, "hurry": True}
    session.receive("reader", json.dumps([{"model": link, "attr": "request", "new": begin}]))
    sent.clear()
    assert not session.warm("reader")
    assert sent == []
    session.receive("reader", json.dumps([{"model": link, "attr": "request", "new": {"hurry": False}}]))
    assert session.warm("reader")
    session.close("reader")


@pytest.mark.parametrize(
    ("given", "kept", "said"),
    [
        ({"t": "1e300"}, 10, "Temperature cannot be 1e300; it is 10 now."),
        ({"layer": "-3"}, 0, "Layer cannot be -3; it is 0 now."),
        ({"layer": "1.5"}, 1, "Layer cannot be 1.5; it is 1 now."),
        ({"layer": 2.9999999}, 3, None),  # the end of a slider, a digit off
        ({"t": "10"}, 10, None),
    ],
)
def test_what_is_changed_is_said(given, kept, said):
    state = Sample()
    (name,) = given
    assert state.update_from(given).get(name) == said
    assert getattr(state, name) == kept


def test_a_request_that_was_broken_off_is_taken_as_a_whole_when_done_again(monkeypatch):
    """A figure may lack a file: the worker fetches it and has the page's request done again."""
    sent = []
    session.connect(lambda client, text: sent.append(json.loads(text)))
    session.open("reader", "embed/temperature")
    live = session._open["reader"]
    whole = next(c for c in live.components if hasattr(c, "draw"))
    with monkeypatch.context() as lacking:
        lacking.setattr(type(whole), "draw", lambda self: 1 / 0)
        link = next(iter(live.models))
        wished = {"prompt": "hello", "t": "70"}
        assert not session.receive("reader", json.dumps([{"model": link, "attr": "request", "new": wished}]))
    assert session.redraw("reader")
    told = {e["attr"]: e["new"] for message in sent if message["type"] == "patch" for e in message["events"]}
    assert told["values"]["prompt"] == "hello" and told["values"]["t"] == 70
    session.close("reader")


# ---------------------------------------------------------------- wishes that the present text does not allow

STATES = {page.name: page.state for page in PAGES}
LIMITED = {name: state for name, state in STATES.items() if state().limits() and "prompt" in state.param}


def view(state):
    """All that a page shows."""
    return {name: getattr(state, name) for name in state.names()}


@pytest.mark.parametrize("name", LIMITED)
def test_typing_another_text_and_the_first_one_again_brings_every_choice_back(name):
    state = LIMITED[name]()
    first, other = state.prompt, "Tom had 3 red kites and Tom lost 2."
    before, wishes = view(state), state.values()
    for text in (*[other[:n] for n in range(len(other) + 1)], *[first[:n] for n in range(len(first) + 1)]):
        assert state.update_from({"prompt": text}) == {} or len(lab.tokens_of(text)) > state.room()["prompt"][0]
        assert all(low <= getattr(state, n) <= high for n, (low, high, _) in state.limits().items())
        assert {n: state.wish(n) for n in state.limits()} == {n: wishes[n] for n in state.limits()}
    assert view(state) == before and state.values() == wishes


def test_what_is_asked_for_is_kept_and_what_is_shown_instead_is_said_once():
    state = STATES["attention"]()
    state.update_from({"query": 8})
    assert state.update_from({"prompt": "Mia has"}) == {}  # nobody asked for token 8 just now
    assert (state.query, state.values()["query"], state.shown()["query"]) == (3, 8, 3)
    assert "no token 8 here; showing token 3" in state.update_from({"query": "8"})["query"]
    state.update_from({"prompt": None})
    assert state.query == 8 and "query" not in state.shown()


def test_the_last_token_asks_until_another_one_is_chosen():
    state = STATES["attention"]()
    assert state.values()["query"] is None and state.query == len(state.tokens()) - 1
    state.update_from({"query": "8"})
    for text in ("Far away lived a sleepy", "Mia has a ball and a red kite", "Mia has"):
        state.update_from({"prompt": text})
        assert state.query == min(8, len(state.tokens()) - 1)
    state.update_from({"query": str(len(state.tokens()) - 1)})
    state.update_from({"prompt": "Mia has a ball"})
    assert state.query == len(state.tokens()) - 1


def address(state):
    """What a link to this view carries: the values that are not the defaults, as build/web/address.js writes them."""
    defaults = type(state)().values()
    return {n: str(v) for n, v in state.values().items() if v is not None and str(v) != str(defaults[n])}


VALUES = {
    "prompt": ["Mia has a", "Once there was a", "Tom had 3 red kites and Tom lost 2.", "", "a\nb", "x" * 3000],
    "choices": ["", "3:212", "1:524", "2:300,5:41.42"],
    "branches": ["", "1:524", "1:523", "4:524;1:40"],
    "sum": ["1 2 3", "9 + 9 + 9 + 9", "x"],
    "node": ["2.2", "13.4", "z"],
}


def some(kind):
    if isinstance(kind, param.Selector):
        return kind.objects
    if isinstance(kind, param.Boolean):
        return [True, False]
    return [None, 0, 1, 2, 5, 16, 99, 4294967300] if isinstance(kind, param.Integer) else [None, 0.5, 0.123456789, 3]


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("seed", range(30))
def test_a_link_reopens_the_view_whatever_was_done(name, seed):
    rng = random.Random(f"{name} {seed}")
    state = STATES[name]()
    for _ in range(12):
        chosen = rng.sample(state.names(), min(2, len(state.names())))
        state.update_from({n: rng.choice(VALUES.get(n) or some(state.param[n])) for n in chosen})
    again = type(state)()
    again.update_from(address(state))
    assert view(again) == view(state)
    assert {**again.values(), "query": None} == {**state.values(), "query": None}  # (its last token is the last token)


# ---------------------------------------------------------------- texts

READING = [(name, text) for name, state in STATES.items() for text in state().room()]


@pytest.mark.parametrize(("name", "text"), READING)
def test_a_long_text_keeps_its_end_and_says_so(name, text):
    state = STATES[name]()
    most, why = state.room()[text]
    given = "Mia has a red ball. " * 40 + "Once there was a"
    whole = lab.tokens_of(given)
    assert f"{why}; your text has {len(whole)}" in state.update_from({text: given})[text]
    used = {"prompt": getattr(state, "tokens", None), "pin": getattr(state, "pinned", None)}[text]
    used = (state.text if name == "paths" else used)()
    assert getattr(state, text) == given
    assert len(used) == most and used[1:] == whole[1 - most :] and used[0] in (whole[0], whole[-most])
    given = "Mia has a red ball. " * 120 + "Once there was a"
    assert len(given) > MAX_CHARACTERS
    assert state.update_from({text: given})[text].startswith("Your text has 2,416 characters; the last 2,000 are kept.")
    assert getattr(state, text) == given[-MAX_CHARACTERS:]
    used_now = (state.text if name == "paths" else state.pinned if text == "pin" else state.tokens)()
    assert used_now == used


def test_a_text_that_is_no_prompt_is_refused_when_it_is_too_long():
    state = STATES["feedback"]()
    assert "2,001 characters are too many (at most 2,000)" in state.update_from({"words": "x" * 2001})["words"]
    assert state.words == type(state).words
    branches = ";".join(",".join(f"{turn}:{turn}" for turn in range(i, 160, 3)) for i in range(8))
    assert len(branches) > MAX_CHARACTERS and state.update_from({"branches": branches}) == {}
    assert state.branches == branches


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ("Once there was\na cat.\r\nIt", "Once there was a cat. It"),
        ("Once there was \n\n  a", "Once there was a"),
        ("\nOnce\r", "Once"),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_the_model_reads_what_a_field_can_hold(given, held):
    state = Sample()
    said = state.update_from({"prompt": given})
    assert state.prompt == held
    assert said == ({"prompt": "Line breaks are read as blanks here."} if "\n" in given.strip() else {})
    assert state.update_from({"prompt": held}) == {}  # said once


# ---------------------------------------------------------------- whole numbers


class Whole(PageState):
    seed = param.Integer(default=0, bounds=(0, 2**32 - 1), label="seed")
    free = param.Integer(default=0, label="free")


@pytest.mark.parametrize(
    ("given", "held", "said"),
    [
        ("4294967300", 4294967295, "Seed cannot be 4294967300; it is 4,294,967,295 now."),
        (4294967300, 4294967295, "Seed cannot be 4294967300; it is 4,294,967,295 now."),
        (4294967300.0, 4294967295, "Seed cannot be 4294967300.0; it is 4,294,967,295 now."),
        ("4294967295", 4294967295, None),
        (" 7 ", 7, None),
        ("1e3", 1000, None),
        ("1234567.4", 1234567, "Seed cannot be 1234567.4; it is 1,234,567 now."),
        ("9" * 5000, 4294967295, "Seed cannot be 99999999999999999999999999999…; it is 4,294,967,295 now."),
    ],
)
def test_whole_numbers_are_exact_or_said(given, held, said):
    state = Whole()
    assert state.update_from({"seed": given}).get("seed") == said
    assert state.seed == held
    assert state.update_from({"free": 2**53 + 1}) == {} and state.free == 2**53 + 1

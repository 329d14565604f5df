"""One parser for links, attributes and controls: what makes sense is kept, the rest is explained, nothing breaks."""

import json

import param
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainer import session
from explainer.state import MAX_CHARACTERS, PageState
from explainer.views import widget


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
    monkeypatch.setattr(widget, "MOMENT", 0.0)
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

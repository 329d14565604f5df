"""Numbers that a link may carry: infinite ones, absent ones, and wishes that no link carries."""

from __future__ import annotations

import json
import math

import param
import pytest

from explainer.ui.state import PageState


class Numbers(PageState):
    quiet = ("again",)
    t = param.Number(default=1.0, bounds=(0, math.inf), label="Temperature")
    width = param.Number(default=1.0, bounds=(0, None), label="width")
    count = param.Integer(default=3, bounds=(0, None), label="count")
    cut = param.Number(default=None, bounds=(0, 1), allow_None=True, label="cut")
    again = param.Integer(default=0, label="again")


@pytest.mark.parametrize("text", ["inf", "Infinity", "INF", math.inf, "1e999"])
def test_infinite_where_the_bound_says_so(text):
    state = Numbers()
    assert state.update_from({"t": text}) == {}
    assert state.t == math.inf
    assert state.values()["t"] == "inf"
    assert json.loads(json.dumps(state.values(), allow_nan=False)) == state.values()
    assert Numbers(t=1.0).update_from(state.values()) == {}


@pytest.mark.parametrize("name", ["width", "count"])
def test_infinite_is_refused_elsewhere(name):
    state = Numbers()
    assert "infinite" in state.update_from({name: "inf"})[name]
    assert getattr(state, name) == Numbers.param[name].default


def test_nothing_is_a_value_where_it_is_allowed():
    state = Numbers(cut=0.5)
    assert state.update_from({"cut": ""}) == {} and state.cut is None
    assert state.update_from({"cut": "0.25"}) == {} and state.cut == 0.25
    assert state.update_from({"cut": "None"}) == {} and state.cut is None
    assert "not a number" in state.update_from({"count": ""})["count"]


def test_quiet_values_are_taken_but_not_carried():
    state = Numbers()
    state.update_from({"again": 4})
    assert state.again == 4
    assert "again" not in state.values() and "again" not in state.names()

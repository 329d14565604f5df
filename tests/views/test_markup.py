"""Markup: nothing of the reader's becomes HTML, and numbers are written for people."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainer.views import components as c
from explainer.views.html import compact, exact, how_many, join, number, percent, tag


class Elements(HTMLParser):
    def __init__(self, markup):
        super().__init__()
        self.found = []
        self.feed(str(markup))

    def handle_starttag(self, name, attrs):
        self.found.append((name, dict(attrs)))


@given(st.text())
def test_text_stays_text(text):
    markup = tag("p", text, title=text)
    assert [name for name, _ in Elements(markup).found] == ["p"]
    assert (
        Elements(markup).found[0][1]["title"] == text.replace("\r\n", "\n").replace("\r", "\n")
        or "\r" in text
        or "\x00" in text
    )


def test_lists_numbers_and_nothing_can_be_children():
    assert join(["a", None, False, 3, ["<", tag("b", "x")]]) == "a3&lt;<b>x</b>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1, "1.00"),
        (-0.5, "−0.50"),
        (1234.5, "1,234"),
        (123.4, "123"),
        (12.34, "12.3"),
        (0.00012, "1e−4"),
        (float("inf"), "∞"),
        (float("-inf"), "−∞"),
        (float("nan"), "–"),
    ],
)
def test_numbers_for_the_eye(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (1e-9, "<0.01 %"),
        (0.99999, ">99.99 %"),
        (0.99957, "99.96 %"),
        (0.38, "38 %"),
        (0.042, "4.2 %"),
        (0.0003, "0.03 %"),
        (0.00094, "0.09 %"),
        (0.000999, "0.1 %"),
        (0.001, "0.1 %"),
    ],
)
def test_percent_never_says_0_or_100_for_what_is_not(p, text):
    assert percent(p) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.24, ".24"), (-1.31, "−1.3"), (12.4, "12"), (9.97, "10"), (0, "0"), (1, "1"), (-1, "−1")],
)
def test_compact_numbers_fit_a_cell(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0003, "<.01"), (0.9997, ">.99"), (-0.001, "−.00"), (1.03, "1.0"), (-0.9997, "−1.0"), (0.006, ".01")],
)
def test_compact_never_says_0_or_1_for_what_is_not(value, text):
    assert compact(value) == text


@given(st.floats(width=32, allow_nan=False))
def test_exact_reads_back_as_the_same_number(value):
    assert np.float32(exact(np.float32(value))) == np.float32(value)


def test_a_heat_table_carries_every_value_exactly():
    values = np.random.default_rng(0).random((3, 4)).astype("float32")
    cells = [
        a
        for name, a in Elements(c.heat_table(values, list("abc"), list("wxyz"), label="m")).found
        if name == "td" and "data-v" in a
    ]
    assert [np.float32(a["data-v"]) for a in cells] == list(values.ravel())


def test_masked_cells_have_no_value():
    found = Elements(c.heat_table([[0.5, float("-inf")]], ["a"], ["x", "y"], label="m", masked=[[False, True]])).found
    assert sum("data-v" in a for _, a in found) == 1


def test_a_log_slider_moves_in_equal_ratios():
    attrs = next(
        a for name, a in Elements(c.slider("t", "Temperature", 1.0, 0.01, 10, log=True)).found if name == "input"
    )
    assert (float(attrs["min"]), float(attrs["max"]), float(attrs["value"])) == (-2.0, 1.0, 0.0)
    assert attrs["data-scale"] == "log"


@pytest.mark.parametrize(("value", "said"), [(3, "3"), (1200, "1,200"), (-2, "−2"), (3.0, "3.00")])
def test_a_slider_of_whole_numbers_says_whole_numbers(value, said):
    found = Elements(c.slider("n", "Tokens", value, -5, 2000, step=1)).found
    assert next(a for name, a in found if name == "input")["aria-valuetext"] == said


def test_a_line_chart_says_its_numbers_in_a_table():
    found = Elements(c.line_chart({"a": [1.0, 2.0], "b": [3.0, 4.0]}, label="x", x_name="step", y_name="y")).found
    assert [a["data-v"] for name, a in found if name == "td" and "data-v" in a] == ["1.0", "3.0", "2.0", "4.0"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((1, "token"), "1 token"),
        ((0, "token"), "0 tokens"),
        ((1202, "token"), "1,202 tokens"),
        ((2, "query", "queries"), "2 queries"),
    ],
)
def test_a_count_agrees_with_its_noun(given, said):
    assert how_many(*given) == said

"""Markup: nothing of the reader's becomes HTML, and numbers are written for people."""

from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainer.ui.html import compact, exact, how_many, join, nats, number, percent, tag, typed
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from pages import PAGES
from pages.temperature.views.parts import decimals, fine


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
        (float("nan"), "–"),
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
    found = Elements(charts.lines({"a": [1.0, 2.0], "b": [3.0, 4.0]}, label="x", x_name="step", y_name="y")).found
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


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (1.0, "1"), (0.05, "0.05"), (0.123456789, "0.123456789"), (1_000_000, "1000000"), (-3, "-3")],
)
def test_a_field_holds_a_number_as_one_types_it(value, text):
    assert typed(value) == text
    assert f'value="{text}"' in c.number_field("n", "N", value)


@pytest.mark.parametrize(
    ("value", "text"), [(-0.004, "0.00"), (0.004, "0.00"), (-0.006, "−0.01"), (-1234.5, "−1,234.50")]
)
def test_what_rounds_to_zero_has_no_sign(value, text):
    assert decimals(value, 2) == text
    assert fine(-0.0004) == "0.000"


# ---------------------------------------------------------------- every figure of every page


@pytest.fixture(scope="module")
def everything():
    """{document and what was asked: its markup}"""
    found = {}
    for page in PAGES:
        link, *widgets = page.make()
        for asked in ({}, {"prompt": "", "step": 0}, {"prompt": "xq 7", "step": 3, "draws": 5}):
            link.request = asked
            found |= {f"{widget.slug} {asked}": widget.html for widget in widgets}
    return found


class Verbatim(HTMLParser):
    """What a translator may touch although it is a token (also as the name of a row or an option) or code."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.wrong, self.seen = [], [], 0
        self.feed(str(markup))

    def handle_starttag(self, name, attrs):
        found = dict(attrs)
        kept = found.get("translate") == "no" or (bool(self.open) and self.open[-1][1])
        classes = (found.get("class") or "").split()
        if name == "code" or ("swatch" not in classes and {"token", "cell", "paths-grid"} & set(classes)):
            self.seen += 1
            if not kept:
                self.wrong.append((name, found))
        if name not in ("input", "br", "hr", "img"):
            self.open.append((name, kept))

    def handle_data(self, data):
        if "␣" in data and not self.open[-1][1] and {"th", "option"} & {name for name, _ in self.open}:
            self.wrong.append(("text", data))

    def handle_endtag(self, name):
        while self.open and self.open.pop()[0] != name:
            pass


def test_no_translator_touches_tokens_or_code(everything):
    seen = 0
    for key, html in everything.items():
        found = Verbatim(html)
        assert found.wrong == [], key
        seen += found.seen
    assert seen > 500


def test_nan_reaches_nobody(everything):
    for key, html in everything.items():
        assert "nan" not in html.lower().replace("banan", ""), key


def test_a_missing_number_is_an_empty_cell():
    assert nats(float("nan")) == "–"
    found = Elements(c.numbers_table(["a"], [[float("nan")]], "x")).found
    assert [a["data-v"] for _, a in found if "data-v" in a] == [""]

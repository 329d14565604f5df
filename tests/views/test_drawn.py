"""What is drawn is true: every mark of every figure, read back (tests/views/drawn.py), says the number beside it."""

import itertools
import math
import re

import drawn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.studies import story
from explainer.ui.html import percent
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts import lean as lean_tables
from pages import PAGES
from pages.attention.views import heads as attention_heads
from pages.attention.views import parts as attention_parts
from pages.attention.views.lookup import AttentionLookup, strip
from pages.feedback.views import cache as feedback_cache
from pages.paths.views import lengths as paths_lengths
from pages.temperature.facts import repetition
from pages.temperature.views import repetition as repeats

# Beside its default and every choice of its selectors, each page in a few states that draw something else.
STATES = {
    "home": [
        {"prompt": "Mia has"},
        {"turn": 2, "floor": 6, "inside": "word"},
        {"inside": "roof", "floor": 2},
        {"inside": "4.12.6"},
    ],
    "attention": [
        {"layer": 0, "head": 0, "query": 5, "sharpness": "inf", "take_out": "mask"},
        {"query": 0, "sharpness": 0, "token": 7, "swap": 0, "swap_with": 0},
        {"prompt": "Mia has a red ball.", "layer": 1, "head": 2, "sharpness": 3},
    ],
    "temperature": [
        {"t": 0, "draws": 7, "hedge": 0.1},
        {"t": "inf", "top_k": 5, "draws": 1},
        {"t": 3, "top_p": 0.9, "min_p": 0.1, "draws": 500, "seed": 3},
        {"t": 0.02, "prompt": "Once there was a"},
    ],
    "feedback": [
        {"step": 0},
        {"step": 5, "t": 0, "at": 0, "choices": "1:212"},
        {"t": 2, "top_k": 3, "step": 20, "window": 8},
    ],
    "paths": [
        {"node": "3.2", "sublayers": 1, "tokens": 3, "layers": 2, "written": 6, "kernel": 2, "early": 3},
        {"prompt": "Mia", "written": 0, "feedback": 0, "tokens": 2000, "layers": 96},
    ],
    "components": [{"query": 0, "layer": 0}, {"t": 0.01}, {"t": 10, "prompt": ""}],
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_mark_of_every_figure_says_its_number(page):
    link, *widgets = page.make()
    names, params = link._state.names(), link._state.param
    choices = [{name: each} for name in names for each in getattr(params[name], "objects", ())]
    for k, asked in enumerate([{}, *choices, *STATES.get(page.name, [])]):
        link.request = {**dict.fromkeys(names), **asked, "#": k}
        said = {n: words for n, words in link.messages.items() if asked.get(n) is not None}  # of what was asked for
        assert not said, (asked, said)
        for widget in widgets:
            drawn.check(widget.html)


# ---------------------------------------------------------------- parts, with any numbers

few = settings(max_examples=40)
numbers = st.floats(-50, 50, allow_subnormal=False).map(lambda x: round(x, 3))
shares = st.floats(0, 1, allow_subnormal=False).map(lambda x: round(x, 4))


def lists(of, least=2, most=8):
    return st.lists(of, min_size=least, max_size=most)


@few
@given(st.lists(lists(numbers, 3, 3), min_size=1, max_size=4), st.booleans())
def test_heat_maps(rows, signed):
    rows = rows if signed else np.abs(rows).tolist()
    names = [str(i) for i in range(len(rows))]
    top = float(np.abs(rows).max()) or 1.0
    for made in (c.heat_table, lean_tables.matrix):
        table = made(rows, names, list("abc"), label="any", signed=signed, scale=top)
        assert drawn.check(table)["shades"] == 3 * len(rows)


def test_the_colour_of_a_signed_cell_is_that_of_its_sign():
    cells = [
        drawn.read(f"<table class='heat signed'><tr>{c.cell(v, signed=True)}</table>").all("td")[0] for v in (-1, 0, 1)
    ]
    assert ["neg" in e.classes for e in cells] == [True, False, False]
    lean = drawn.read(lean_tables.matrix([[-1, 0, 1]], ["r"], list("abc"), label="any", signed=True)).all("td")
    assert [e.shade for e in lean if e.v is not None] == [-1, 0, 1]


@few
@given(lists(shares))
def test_strips_of_tokens(weights):
    found = drawn.check(c.token_strip([str(i) for i in range(len(weights))], weights=weights))
    assert found["shades"] == len(weights)


@few
@given(lists(numbers).flatmap(lambda v: st.tuples(st.just(v), lists(numbers, len(v), len(v)))))
def test_bars_with_marks(both):
    values, others = both
    names = [str(i) for i in range(len(values))]
    markup = charts.bars(names, values, label="any", others={"true": others}, colour="loss", text=str)
    assert drawn.check(markup)["bars"] == 2 * len(values)
    root = drawn.read(markup)
    assert root.all("table")[0].classes == ["bars", "colour-loss"]
    assert [th.text for th in root.all("thead")[0].all("th")] == ["token", "model", "true"]
    assert {drawn.colour(e) for e in root.all("i", "mark")} == {"colour-true"}


@few
@given(lists(shares).flatmap(lambda v: st.tuples(st.just(v), lists(shares, len(v), len(v)))))
def test_bars_in_pairs(both):
    before, after = both
    markup = attention_parts.bars_two(
        [str(i) for i in range(len(before))], before, after, label="any", heads=("a", "b")
    )
    assert drawn.check(markup)["bars"] == 2 * len(before)


@few
@given(lists(st.one_of(numbers, st.just(math.nan))), lists(numbers))
def test_line_charts(one, other):
    """Every value on one scale inside the frame, negative ones too; what is no number is a gap."""
    series = {"one": one, "other": other}
    markup = charts.lines(series, label="any", x_name="step", y_name="y", marks=(1,))
    drawn.check(markup)
    svg = drawn.read(markup).all("svg")[0]
    frame = [e.number("y1") for e in svg.all("line", "rule")]
    places = []
    for k, values in enumerate(series.values()):
        finite = [v for v in values if v == v]
        points = [p for line in svg.all("polyline", f"dash-{k}") for p in drawn.points(line)]
        places += [(v, -y) for v, (_, y) in zip(finite, points, strict=True)]
        assert [x for x, _ in points] == sorted({x for x, _ in points})
    drawn.affine(places, "one scale")
    drawn.rises(places, "up is more")
    assert all(min(frame) - 0.1 <= -y <= max(frame) + 0.1 for _, y in places), "outside the frame"


@pytest.mark.parametrize(
    ("low", "high"), [(0, 0), (0, 1), (-0.3, 0), (-1.2, 3), (0, 3.07), (-7, 0), (0, 0.0041), (0, 2.5e6), (-5e-7, 1e-7)]
)
def test_ticks_are_round_and_hold_everything(low, high):
    ticks = charts.round_ticks(low, high)
    assert 2 <= len(ticks) <= 6 and ticks[0] <= low and ticks[-1] >= high and 0 in ticks
    steps = {f"{b - a:.3g}" for a, b in itertools.pairwise(ticks)}
    assert len(steps) == 1 and float(steps.pop()) in {float(f"{k}e{e}") for k in (1, 2, 5) for e in range(-8, 8)}
    assert ticks[-2] < high or high == 0 or len(ticks) == 2  # no empty band at the top


@few
@given(lists(st.floats(0, 40).map(lambda x: round(x, 2)), 3, 8))
def test_charts_over_an_axis(values):
    """A line leaves the frame where its numbers do, and only there."""
    points = [(float(2**i), v) for i, v in enumerate(values)]
    markup = charts.xy([("a", "vocab", points)], label="any", x_name="x", y_name="y", x_ticks=(1, 128), y_max=20.0)
    drawn.check(markup)
    svg = drawn.read(markup).all("svg")[0]
    inside = [v for v in values if v <= 20]
    at = {x: y for line in svg.all("polyline") for x, y in drawn.points(line)}
    level = drawn.affine(drawn.ticks(svg), "axis")
    lowest = min(y for _, y in drawn.ticks(svg))
    found = [level(y) for _, y in sorted(at.items()) if y > lowest + 0.05]
    assert len(found) == sum(v < 20 - 0.005 for v in inside) or any(19.9 < v <= 20 for v in inside)
    assert all(any(abs(v - w) < 0.15 for w in [*found, 20.0]) for v in inside)


@few
@given(lists(st.integers(0, 10**6)))
def test_columns(values):
    peak = max(values) or 1
    texts = [f"{v:,}" for v in values]
    markup = charts.columns(
        range(len(values)),
        values,
        texts,
        peak=peak,
        colour="path",
        label="any",
        unit=("path", "paths"),
        chosen=1,
        floor=peak / 2,
    )
    drawn.check(markup)
    svg = drawn.read(markup).all("svg")[0]
    columns = svg.all("rect", "column")
    ground = svg.all("line", "rule")[0].number("y1")
    for column, v in zip(columns, values, strict=True):
        tall = column.number("height")
        assert abs(tall - max(80 * v / peak, 1)) < 0.06  # 80: the chart's height without its margins
        assert tall == 1 or abs(column.number("y") + tall - ground) < 0.11, "does not stand on the ground"
    assert ["quiet" in e.classes for e in columns] == [i != 1 for i in range(len(values))]
    assert all(a.number("x") + a.number("width") < b.number("x") for a, b in itertools.pairwise(columns))
    assert abs(ground - svg.all("line", "floor")[0].number("y1") - 40) < 0.06


@few
@given(lists(numbers))
def test_a_value_strip_has_its_signs(values):
    largest = max(map(abs, values)) or 1.0
    shades = [e.shade for e in drawn.read(strip(values, largest)).all("i")]
    drawn.rises(list(zip(values, shades, strict=True)), "strip")
    assert all(s * v >= 0 for s, v in zip(shades, values, strict=True))


def test_the_key_of_signs_has_negative_on_the_left():
    shades = [e.shade for e in drawn.read(lean_tables.sign_key()).all("i")]
    assert shades == sorted(shades) and shades[0] == -shades[-1] < 0


# ---------------------------------------------------------------- drawings of one page


@pytest.mark.parametrize("sharpness", [0, 1, 3, "inf"])
def test_kernel(sharpness):
    """A dot per key, its likeness to the right, its weight upwards, on the axis' own numbers."""
    page = next(p for p in PAGES if p.name == "attention")
    link, widget = page.make(AttentionLookup.slug)
    link.request = {"sharpness": sharpness}
    figure = next(e for e in drawn.read(widget.html).all("figure") if e.attrs["data-figure"] == "kernel")
    dots = figure.all("circle", "dot")
    rows = [[cell.v for cell in row.children[1:]] for row in figure.all("tbody")[0].all("tr")]
    level = drawn.affine(drawn.ticks(figure.all("svg")[0]), "axis")
    assert len(dots) == len(rows) == link._state.query + 1
    for dot, (_, weight) in zip(dots, rows, strict=True):
        assert level(dot.number("cy")) == pytest.approx(weight, abs=0.002)
    drawn.affine([(likeness, dot.number("cx")) for dot, (likeness, _) in zip(dots, rows, strict=True)], "likeness")
    drawn.rises([(likeness, dot.number("cx")) for dot, (likeness, _) in zip(dots, rows, strict=True)], "likeness")
    curve = drawn.points(figure.all("polyline", "line")[0])
    assert [x for x, _ in curve] == sorted(x for x, _ in curve)
    assert [y for _, y in curve] == sorted((y for _, y in curve), reverse=True)
    if sharpness != "inf":  # there it is a step
        for dot in dots:
            near = min(curve, key=lambda p: abs(p[0] - dot.number("cx")))
            assert abs(near[0] - dot.number("cx")) > 3 or abs(near[1] - dot.number("cy")) < 8, "a dot off the curve"


@pytest.mark.parametrize("layer", [0, 3])
def test_the_small_patterns_are_painted_where_the_weight_is(layer):
    tokens = lab.tokens_of("A robot called Vi-do-zu. Good night, Vi-do")
    pattern = lab.trace(tokens)[f"blocks.{layer}.attn.pattern"][1]
    found = []
    for path in drawn.read(attention_heads.small_pattern(tokens, layer, 1)).all("path"):
        if path.classes[0].startswith("level-"):
            level = int(path.classes[0].removeprefix("level-"))
            places = re.findall(r"M(\d+) (\d+)h1v1h-1z", path.attrs["d"])
            found += [(float(pattern[int(y), int(x)]), level) for x, y in places]
    drawn.rises(found, "strength")
    assert len(found) == (pattern >= 0.05).sum()


def test_entropy_strips():
    """In each strip a column per token, as high as its entropy on the scale at its side, and from left to right."""
    page = next(p for p in PAGES if p.name == "temperature")
    state = page.state()
    texts = repetition.desk(state.tokens(), state.seed).texts()
    svg = drawn.read(repeats.entropies(texts)).all("svg")[0]
    sides = drawn.ticks(svg)
    assert len(sides) == 2 * len(texts)
    for k, (text, area) in enumerate(zip(texts, svg.all("path", "area"), strict=True)):
        level = drawn.affine(sides[2 * k : 2 * k + 2], "axis")
        steps = re.findall(r"V([\d.]+)H([\d.]+)", area.attrs["d"])
        assert [level(float(y)) for y, _ in steps] == pytest.approx(text.entropies, abs=0.02)
        assert [float(x) for _, x in steps] == sorted(float(x) for _, x in steps)


def test_turns():
    """Multiply-adds per turn: more is higher, later is further right, and which line is which is said by its colour."""
    run = story.work(lab.model().config, 5, 150)
    lines = drawn.read(feedback_cache.work_chart(run, 10)).all("polyline")
    for name, values in (("colour-query", [w.uncached for w in run]), ("colour-key", [w.cached for w in run])):
        [line] = [e for e in lines if name in e.classes]
        found = drawn.points(line)
        drawn.rises([(v, -y) for v, (_, y) in zip(values, found, strict=True)], name)
        drawn.affine([(v, y) for v, (_, y) in zip(values, found, strict=True)], name)
        assert [x for x, _ in found] == sorted({x for x, _ in found})


def test_the_staircase_paints_what_was_computed():
    run = story.work(lab.model().config, 5, 20)
    for way, new in (("anew", [w.total for w in run]), ("kept", [w.new for w in run])):
        svg = drawn.read(feedback_cache.stairs(run, 5, way, "any")).all("svg")[0]
        rects = svg.all("rect", "new")
        drawn.lengths([(n, r.number("width") / 320) for n, r in zip(new, rects, strict=True)], way)
        assert [r.number("y") for r in rects] == sorted({r.number("y") for r in rects})


def test_steps_over_distance():
    page = next(p for p in PAGES if p.name == "paths")
    _, widget = page.make("path-lengths")
    svg = drawn.read(widget.growth(5, 3)).all("svg")[0]
    level = drawn.affine(drawn.ticks(svg), "axis")
    for kind, dash in paths_lengths.DASHES.items():
        [line] = svg.all("polyline", f"dash-{dash}")
        found = drawn.points(line)
        wanted = [paths_lengths.path_length(kind, d, 3) for d in range(paths_lengths.FAR + 1)]
        assert [level(y) for _, y in found] == pytest.approx(wanted, abs=0.1)
        assert [x for x, _ in found] == sorted({x for x, _ in found})


def test_a_stretch_of_the_line_cannot_be_drawn_at_another_place():
    """The rules themselves: what they are for is refused."""
    piece = '<b data-v="{0}" style="left:{1}%;width:{2}%"></b>'
    right = f"<div>{piece.format(0.25, 0, 25)}{piece.format(0.75, 25, 75)}</div>"
    assert drawn.check(right)["stretches"] == 2
    for wrong in (right.replace("width:25", "width:26"), right.replace("left:25", "left:15")):
        with pytest.raises(AssertionError):
            drawn.check(wrong)
    with pytest.raises(AssertionError, match="no rule"):
        drawn.check('<i style="--v:0.5"></i>')


@pytest.mark.parametrize("sharpness", [0.5, 1, "inf"])
def test_its_weight_is_that_of_the_best_key(sharpness):
    page = next(p for p in PAGES if p.name == "attention")
    link, widget = page.make(AttentionLookup.slug)
    link.request = {"sharpness": sharpness}
    s = link._state
    found = facts.lookup(lab.trace(s.tokens()), s.layer, s.head, s.query, s.sharpness)
    best = int(np.argmax(found.scores))
    [row] = drawn.read(widget.html).all("dl", "facts")
    said = {pair.all("dt")[0].text: pair.all("dd")[0].text for pair in row.children}
    assert said["best key"] == lab.names_of(s.tokens())[best]
    assert said["its weight"] == percent(float(found.weights[best])) == percent(float(found.weights.max()))

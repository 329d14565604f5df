"""A plot: still, table, columns and figure are of the same numbers, and the still is drawn where they say."""

import itertools
import json
import math

import drawn
import plots
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.models import lab
from explainer.studies import attention_facts, openness
from explainer.ui import design
from explainer.ui.parts import charts
from explainer.ui.parts.plot import Axis, Plot, Series
from pages import PAGES
from pages.components.views import plots as live
from pages.how import numbers as how

few = settings(max_examples=30)
PAGE = next(page for page in PAGES if page.name == "components")


def lists(low, high, least=1, most=8):
    return st.lists(
        st.floats(low, high, allow_subnormal=False).map(lambda v: round(v, 3)), min_size=least, max_size=most
    )


def numeric(xs, ys, *, log=False, kind="line", **more):
    """A plot of one series over the axes that hold it."""
    n = min(len(xs), len(ys))
    low = (-50.0, 50.0) if not log else (0.01, 100.0)
    series = Series("one", "vocab", tuple(sorted(xs[:n])), tuple(ys[:n]), kind, **more)
    return Plot("any", "any plot", Axis("x", "m", *low, log=log), Axis("y", "nats", -50, 50), (series,))


@few
@given(lists(-50, 50), lists(-50, 50), st.sampled_from(["line", "dots", "rings"]))
def test_a_still_is_drawn_where_its_numbers_lie(xs, ys, kind):
    plot = numeric(xs, ys, kind=kind)
    assert drawn.check(plot.markup())["plots"] == (1 if kind == "line" else len(plot.series[0].x))


@few
@given(lists(0.01, 100), lists(-50, 50))
def test_a_logarithmic_still_too(xs, ys):
    drawn.check(numeric(xs, ys, log=True).markup())


@few
@given(lists(0.1, 20, 2, 6), lists(0.1, 20, 2, 6))
def test_rows_with_intervals(one, other):
    n = min(len(one), len(other))
    rows = tuple(map(float, range(n)))
    low, high = (tuple(f(a, b) for a, b in zip(one, other, strict=False)) for f in (min, max))
    series = (
        Series("a", "loss", tuple(one[:n]), rows, "dots", low, high),
        Series("b", "true", tuple(other[:n]), rows, "rings"),
    )
    names = tuple(f"row {i}" for i in range(n))
    plot = Plot("any", "any plot", Axis("s", low=0.1, high=20, log=True), Axis("row", names=names), series)
    assert drawn.check(plot.markup())["plots"] == 2 * n


def table_of(plot):
    """The rows of a plot's table."""
    [table] = drawn.read(plot.markup()).all("table", "numbers")
    assert table.all("caption")[0].text == plot.title
    return [
        [cell.text if cell.v is None else cell.v for cell in row.children] for row in table.all("tbody")[0].all("tr")
    ]


@few
@given(lists(-50, 50), lists(-50, 50))
def test_the_table_has_the_numbers(xs, ys):
    plot = numeric(xs, ys)
    [series] = plot.series
    assert table_of(plot) == [
        [x, y] if len(set(series.x)) == len(series.x) else [x, "one", y]
        for x, y in zip(series.x, series.y, strict=True)
    ]


def sources(plot):
    """{name: {column: numbers}} of every source in the figure's JSON."""
    found = {}

    def look(value):
        if isinstance(value, dict):
            if value.get("name") == "ColumnDataSource":
                attributes = value["attributes"]
                found[attributes["name"]] = dict(attributes["data"]["entries"])
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(json.loads(plots.item_of(plot)))
    return found


SHOWN = [
    *(plot for widget in PAGE.make("components-plot")[1:] for plot in plots.found(widget.html)),
    how.times(json.loads(how.KEPT.read_text(encoding="utf-8"))),
    how.loss_by_kind(attention_facts.loss(), attention_facts.floor()),
]


@pytest.mark.parametrize("plot", SHOWN, ids=lambda plot: plot.name)
def test_still_table_and_figure_of_every_plot_are_of_its_numbers(plot):
    assert plots.found(str(plot.markup())) == [plot], "what stands in the markup is another plot"
    drawn.check(plot.markup())
    found = sources(plot)
    assert len(found) == len(plot.series) + bool(plot.markers)
    cells = [v for row in table_of(plot) for v in row if isinstance(v, float) and v == v]
    for k, series in enumerate(plot.series):
        assert found[f"series-{k}"]["x"] == list(series.x) and found[f"series-{k}"]["y"] == list(series.y)
        assert found[f"series-{k}"].get("low", []) == list(series.low)
        assert len(found[f"series-{k}"]["words"]) == len(series.x)
        assert set(series.x if plot.y.names else series.y) <= set(cells), "a number is not in the table"


def test_a_figure_has_the_axes_of_its_plot():
    for plot in SHOWN:
        figure = plots.figure_of(plot)
        assert (figure.x_range.start, figure.x_range.end) == (plot.x.low, plot.x.high)
        assert (figure.y_range.start, figure.y_range.end) == (plot.y.low, plot.y.high)
        assert (type(figure.x_scale).__name__ == "LogScale") == plot.x.log
        assert figure.toolbar_location is None and [type(t).__name__ for t in figure.tools] == ["PanTool", "HoverTool"]
        if plot.y.names:
            assert list(figure.yaxis[0].major_label_overrides.values()) == list(plot.y.names)


def test_what_is_painted_is_painted_in_a_token_of_the_design():
    css = design.css()
    tagged = 0
    for model in plots.figure_of(SHOWN[0]).references():
        for name, token in (tag.split(":") for tag in model.tags):
            tagged += 1
            assert name in model.properties() and (token == "ui" or f"--{token}:" in css)
            if token != "ui":
                assert plots.TOKENS[token] in str(getattr(model, name))
    assert tagged > 20


def test_the_same_plot_is_the_same_file():
    assert plots.item_of(SHOWN[0]) == plots.item_of(SHOWN[0])


def test_hovering_says_a_point_in_words():
    plot = numeric([1.0], [2.5])
    assert plot.words(plot.series[0], 0) == "x 1.00 m: one 2.50 nats"
    rows = SHOWN[-1]
    assert rows.words(rows.series[0], 0).startswith("free choice: model 1.")
    assert "95 % interval" in rows.words(rows.series[0], 0)


def test_what_cannot_be_plotted_is_refused():
    for wrong in (
        lambda: Series("a", "vocab", (1.0,), (1.0, 2.0)),
        lambda: Series("a", "vocab", (1.0,), (math.nan,)),
        lambda: Series("a", "mauve", (1.0,), (1.0,)),
        lambda: Series("a", "vocab", (1.0,), (1.0,), "pie"),
        lambda: Axis("x", low=1, high=1),
        lambda: Axis("x", low=0, high=1, log=True),
        lambda: Plot("A plot", "t", Axis("x"), Axis("y"), (Series("a", "vocab", (1.0,), (1.0,)),)),
    ):
        with pytest.raises(ValueError):
            wrong()
    twice = str(SHOWN[0].markup()) * 2
    with pytest.raises(ValueError, match="one name"):
        plots.found(twice)


def test_marks_along_a_logarithmic_axis():
    assert charts.log_ticks(0.01, 10) == [0.01, 0.1, 1, 10]
    assert charts.log_ticks(0.5, 20) == [0.5, 1, 2, 5, 10, 20]


# ---------------------------------------------------------------- the plots of the site


def test_the_live_plots_are_of_the_prompt_and_the_slider():
    link, widget = PAGE.make("components-plot")
    link.request = {"prompt": "Once there was a", "t": 0.5}
    over, growing = plots.found(widget.html)
    logits = lab.trace(lab.tokens_of("Once there was a"))["logits"]
    assert over.series[0].y == pytest.approx(openness.entropy_by_temperature(logits[-1]).tolist(), abs=1e-12)
    assert over.series[1].x == (0.5,) and over.markers == ((0.5, "T = 0.50"),)
    near = [y for x, y in zip(over.series[0].x, over.series[0].y, strict=True) if 0.44 < x < 0.57]
    assert min(near) <= over.series[1].y[0] <= max(near)
    assert len(growing.series[0].y) == len(logits)
    link.request = {"prompt": "Once there was a dog", "t": 0.5}
    after = plots.found(widget.html)[1].series[0]
    assert len(after.y) > len(logits) and after.y[: len(logits)] == pytest.approx(growing.series[0].y, rel=1e-5)
    assert live.over_places(logits).y.high >= max(growing.series[0].y)


def test_every_run_of_the_bench_is_plotted():
    plot = SHOWN[-2]
    kept = json.loads(how.KEPT.read_text(encoding="utf-8"))
    runs = [ms / 1000 for found in (kept["boot"]["resume, cold"], kept["one_file"]) for ms in found["ms"]["runs"]]
    assert set(runs) <= set(plot.series[0].x)
    assert all(plot.x.low <= x <= plot.x.high for series in plot.series for x in series.x)
    for row, (x, y) in enumerate(zip(plot.series[1].x, plot.series[1].y, strict=True)):
        own = sorted(v for v, r in zip(plot.series[0].x, plot.series[0].y, strict=True) if r == row)
        assert y == row and x == pytest.approx(own[len(own) // 2])


def test_no_loss_is_below_the_floor():
    model, floor = SHOWN[-1].series
    assert all(m >= f - 1e-9 for m, f in zip(model.x, floor.x, strict=True))
    assert all(low <= x <= high for x, low, high in zip(model.x, model.low, model.high, strict=True))
    assert [a < b for a, b in itertools.pairwise(model.y)] == [True] * (len(model.y) - 1)


def test_every_mark_of_a_figure_is_placed_by_the_right_columns():
    kinds = []
    for plot in SHOWN:
        rows = bool(plot.y.names)
        for renderer in plots.figure_of(plot).renderers:
            glyph = renderer.glyph
            fields = {
                k: v for k, v in glyph.properties_with_values().items() if k in ("x", "y", "x0", "x1", "y0", "y1")
            }
            ends = {"x0": "low", "x1": "high", "y0": "y", "y1": "y"}
            wanted = {
                "Scatter": {"x": "x", "y": "y"},
                "Line": {"x": "x", "y": "y"},
                "VSpan": {"x": "x"},
                "Segment": ends,
            }
            kind = type(glyph).__name__
            kinds.append(kind)
            assert {k: getattr(v, "field", v) for k, v in fields.items()} == wanted[kind], (plot.name, kind)
            assert kind != "Segment" or rows
            if kind != "VSpan":
                series = plot.series[int(renderer.data_source.name.removeprefix("series-"))]
                assert glyph.tags[0] == f"line_color:{series.role}"
    assert set(kinds) == {"Scatter", "Line", "VSpan", "Segment"}

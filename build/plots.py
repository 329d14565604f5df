"""The Bokeh figures of plots (explainer/ui/parts/plot.py), made here by `bokeh.plotting`,
kept as JSON with a hash in their names.

A plot is read from the markup that the site ships, where its numbers and axes stand as JSON, so figure and still cannot
differ. BokehJS draws it in the page (build/web/plot.js), which also gives it the colours and letters of the site: what
is to be painted with which of the design's tokens is said by a model's tags, `line_color:vocab`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import assets
from bokeh.embed import json_item
from bokeh.models import (
    BasicTicker,
    ColumnDataSource,
    FixedTicker,
    HoverTool,
    NumeralTickFormatter,
    PanTool,
    Range1d,
)
from bokeh.models.annotations import LabelSet
from bokeh.plotting import figure

from explainer.ui.design import LIGHT, MEANINGS
from explainer.ui.parts.plot import Axis, Plot, Series

FOUND = re.compile(r' data-plot="([a-z0-9-]+)" data-columns="([^"]*)"')
DASHES = ("solid", [6, 4], [2, 3], [8, 3, 2, 3])  # as site.css has them
TOKENS = LIGHT | {name: meaning[1] for name, meaning in MEANINGS.items()} | {"ui": "sans-serif"}


def paint(model: Any, **tokens: str) -> None:
    """Give a model the tokens' colours (or letters), light for now, and say in its tags which these are."""
    model.update(**{name: TOKENS[token] for name, token in tokens.items()})
    model.tags = [*model.tags, *(f"{name}:{token}" for name, token in tokens.items())]


def figure_of(plot: Plot) -> Any:
    """The plot as a Bokeh figure: a source for each series and one for the markers,
    named `series-0`, ..., `markers`."""
    rows = bool(plot.y.names)
    columns = plot.columns()
    drawn: Any = figure(
        x_axis_type="log" if plot.x.log else "linear",
        y_axis_type="log" if plot.y.log else "linear",
        x_range=Range1d(start=columns["x"][0], end=columns["x"][1], name="x"),
        y_range=Range1d(start=columns["y"][0], end=columns["y"][1], name="y"),
        sizing_mode="stretch_both",
        tools=[],
        toolbar_location=None,
        min_border=0,
        min_border_right=16,
        output_backend="canvas",
        outline_line_color=None,
        name=plot.name,
    )
    drawn.update(background_fill_color=None, border_fill_color=None)
    pan = PanTool(dimensions="width" if rows else "both")
    drawn.add_tools(pan)
    drawn.toolbar.active_drag = pan
    axis_of(drawn.xaxis[0], plot.x, 6)
    axis_of(drawn.yaxis[0], plot.y, 4)
    drawn.yaxis[0].axis_label = None
    if not rows:  # its name stands above, as in the still
        drawn.title.text = plot.y.title
        drawn.title.update(text_font_size="12px", text_font_style="normal")
        paint(drawn.title, text_color="soft", text_font="ui")
    drawn.xgrid.grid_line_color = None
    paint(drawn.ygrid[0], grid_line_color="line")
    hits = [series_of(drawn, k, series, columns["series"][k], rows) for k, series in enumerate(plot.series)]
    drawn.add_tools(HoverTool(renderers=hits, tooltips=None, mode="mouse" if rows else "vline", name="hover"))
    if plot.markers:
        source = ColumnDataSource(columns["markers"], name="markers")
        line = drawn.vspan(x="x", source=source, line_dash=[3, 3])
        paint(line.glyph, line_color="loss")
        words = LabelSet(
            x="x",
            y=plot.y.high,
            x_offset=5,
            y_offset=-12,
            text="words",
            source=source,
            text_font_size="12px",
            name="marker-words",
        )
        paint(words, text_color="soft", text_font="ui")
        drawn.add_layout(words)
    return drawn


def axis_of(axis: Any, said: Axis, marks: int) -> None:
    """Marks (about so many), numbers and name of an axis."""
    axis.update(
        axis_label=said.title,
        axis_label_text_font_style="normal",
        axis_label_text_font_size="12px",
        major_label_text_font_size="12px",
        minor_tick_line_color=None,
    )
    paint(
        axis,
        axis_line_color="line",
        major_tick_line_color="line",
        major_label_text_color="soft",
        axis_label_text_color="soft",
        major_label_text_font="ui",
        axis_label_text_font="ui",
    )
    if said.names:
        axis.ticker = FixedTicker(ticks=list(range(len(said.names))))
        axis.major_label_overrides = dict(enumerate(said.names))
        return
    # a logarithmic axis has the still's marks; those of a part of it are set as it is zoomed
    axis.ticker = (
        FixedTicker(ticks=[v for v, _ in said.ticks()])
        if said.log
        else BasicTicker(desired_num_ticks=marks, min_interval=float(said.whole))
    )
    axis.formatter = NumeralTickFormatter(format="0,0.[00000]")


def series_of(drawn: Any, k: int, series: Series, columns: dict[str, Any], rows: bool) -> Any:
    """Draw one series; returns the renderer that hovering looks at."""
    source = ColumnDataSource(columns, name=f"series-{k}")
    if series.low:
        ends = (
            {"x0": "low", "x1": "high", "y0": "y", "y1": "y"}
            if rows
            else {"x0": "x", "x1": "x", "y0": "low", "y1": "high"}
        )
        paint(drawn.segment(**ends, source=source, line_width=2, line_alpha=0.6).glyph, line_color=series.role)
    if series.kind == "line":
        paint(drawn.line("x", "y", source=source, line_width=2, line_dash=DASHES[k % 4]).glyph, line_color=series.role)
    shown = {"fill_alpha": 0, "line_alpha": 0} if series.kind == "line" else {}
    dots = drawn.scatter("x", "y", source=source, size=9, line_width=2, hover_line_alpha=1, hover_fill_alpha=1, **shown)
    for glyph in (dots.glyph, dots.hover_glyph):
        paint(glyph, line_color=series.role, fill_color="raised" if series.kind == "rings" else series.role)
    dots.nonselection_glyph = dots.muted_glyph = None
    return dots


def item_of(plot: Plot) -> str:
    """The figure as `json_item` makes it, with ids that do not change from build to build."""
    item: Any = json_item(figure_of(plot))
    item.pop("target_id", None)
    text = json.dumps(item, separators=(",", ":"), ensure_ascii=False)
    ids = dict.fromkeys(re.findall(r'"id":"([^"]+)"', text))
    known = {old: f"{plot.name}-{k}" for k, old in enumerate(ids)}
    return re.sub(r'"(id|root_id)":"([^"]+)"', lambda m: f'"{m[1]}":"{known.get(m[2], m[2])}"', text)


def found(markup: str) -> list[Plot]:
    """The plots in markup."""
    plots = [Plot.unpacked(html.unescape(text)) for _, text in FOUND.findall(markup)]
    if len({plot.name for plot in plots}) < len(plots):
        raise ValueError(f"two plots of one page have one name: {', '.join(plot.name for plot in plots)}")
    return plots


def write(out: Path, texts: Iterable[Any]) -> dict[str, str]:
    """Write the figure of every plot in these texts; returns {'plot-<name>.json': path in the site}."""
    names = {}
    for plot in found("".join(str(text) for text in texts)):
        data = item_of(plot).encode()
        file = out / "assets" / assets.hashed(Path(f"plot-{plot.name}.json"), data)
        file.write_bytes(data)
        names[f"plot-{plot.name}.json"] = f"assets/{file.name}"
    return names

"""A plot: a chart that a reader explores, by panning, zooming and pointing.

What is plotted is a `Plot`: axes, series, markers, all of them numbers. From it, and from nothing else, come
    the still      SVG made here; it stands in the page, prints, is downloaded, and stays where no script runs
    the table      the same numbers, folded away
    the columns    the same numbers as JSON in the markup, taken up anew whenever a widget is drawn (build/web/plot.js)
    the figure     of Bokeh, made of the still's JSON when the site is built (build/plots.py),
                   put over the still when near
The Python of a reader's page makes the first three: Bokeh's own plotting would cost it 8 MB of memory.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from markupsafe import Markup

from explainer.ui.design import MEANINGS
from explainer.ui.html import number, tag
from explainer.ui.parts import charts
from explainer.ui.parts.components import numbers_table

NAME = re.compile(r"[a-z][a-z0-9-]*")
STILL = "A still picture. Its numbers are in the table below."


@dataclass(frozen=True)
class Axis:
    """One axis of a plot.

    label: what lies along it; unit: in which unit, '' for none
    low, high: its ends when the whole picture is shown
    log:   equal distances are equal ratios; low is above 0 then
    whole: only whole numbers are marked
    names: rows with names instead of numbers, the first on top: a value along it is the number of a row, from 0
    Raises ValueError where the ends are none.
    """

    label: str
    unit: str = ""
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.names:
            object.__setattr__(self, "low", len(self.names) - 0.5)  # the first row is on top
            object.__setattr__(self, "high", -0.5)
        elif not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"axis {self.label}: from {self.low} to {self.high}{' (log)' if self.log else ''}")

    @property
    def title(self) -> str:
        """The axis in words: 'entropy, nats'."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def ticks(self) -> list[tuple[float, str]]:
        """(value, words) of the marks along it."""
        if self.names:
            return [(float(k), name) for k, name in enumerate(self.names)]
        found = charts.log_ticks(self.low, self.high) if self.log else charts.round_ticks(self.low, self.high)
        inside = [
            v
            for v in found
            if (not self.whole or v == round(v)) and self.low - 1e-9 <= v <= self.high * (1 + 1e-9) + 1e-12
        ]
        return [(v, f"{v:,.12g}".replace("-", "−")) for v in inside]

    def said(self, value: float) -> str:
        """A value along it in words."""
        return self.names[round(value)] if self.names else f"{number(value)} {self.unit}".rstrip()


@dataclass(frozen=True)
class Series:
    """One series of a plot: N points.

    name, role: its name, and the meaning that paints it (a key of design.MEANINGS)
    x, y: [N] each, finite, in the units of the axes
    kind: 'line', 'dots', or 'rings' (hollow dots)
    low, high: [N] each, or none: the interval of each point along the axis of its value (x where y has rows, else y)
    Raises ValueError where lengths differ, a number is none, or the role or the kind is unknown.
    """

    name: str
    role: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    kind: str = "line"
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        columns = [self.x, self.y, *([self.low, self.high] if self.low or self.high else [])]
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"series {self.name}: columns of {', '.join(str(len(c)) for c in columns)} numbers")
        if not all(math.isfinite(v) for column in columns for v in column):
            raise ValueError(f"series {self.name}: a number is missing")
        if self.role not in MEANINGS or self.kind not in ("line", "dots", "rings"):
            raise ValueError(f"series {self.name}: there is no {self.role!r} or no {self.kind!r}")


@dataclass(frozen=True)
class Plot:
    """What is plotted.

    name:    of letters, digits and dashes, unlike that of any other plot of the site
    title:   what it shows, in words: its name to assistive technology and that of its table
    x, y:    the axes;  series: at least one
    markers: (x, words) upright lines
    Raises ValueError for a name that is none.
    """

    name: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    markers: tuple[tuple[float, str], ...] = ()

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name) or not self.series:
            raise ValueError(f"plot {self.name!r}: a name of small letters, digits and dashes, and a series")

    # ---- in words and numbers

    def words(self, series: Series, i: int) -> str:
        """One point, as hovering says it: 'temperature 0.70: entropy 1.23 nats'."""
        x, y = series.x[i], series.y[i]
        if self.y.names:
            text = f"{self.y.said(y)}: {series.name} {self.x.said(x)}"
        else:
            text = f"{self.x.label} {self.x.said(x)}: {series.name} {self.y.said(y)}"
        if series.low:
            text += f" (95 % interval {number(series.low[i])} to {number(series.high[i])})"
        return text

    def columns(self) -> dict[str, Any]:
        """The numbers as a figure takes them: {"x": [low, high], "y": the same, "series": [{column: [N]}],
        "markers"}."""
        series = []
        for s in self.series:
            given = {"x": [*s.x], "y": [*s.y], "words": [self.words(s, i) for i in range(len(s.x))]}
            if s.low:
                given |= {"low": [*s.low], "high": [*s.high]}
            series.append(given)
        markers = {"x": [x for x, _ in self.markers], "words": [words for _, words in self.markers]}
        return {"x": [self.x.low, self.x.high], "y": [self.y.low, self.y.high], "series": series, "markers": markers}

    def packed(self) -> str:
        """The whole plot as JSON, its columns as `columns` has them, and what a figure is made of beside them."""
        frame = asdict(self)
        for series in frame["series"]:
            for column in ("x", "y", "low", "high"):
                del series[column]
        del frame["markers"]
        return json.dumps({**self.columns(), "frame": frame}, separators=(",", ":"), ensure_ascii=False)

    @staticmethod
    def unpacked(text: str) -> Plot:
        """The plot that `packed` says."""
        given = json.loads(text)
        frame = given["frame"]
        series = [
            Series(**{**named, **{k: tuple(v) for k, v in columns.items() if k != "words"}})
            for named, columns in zip(frame["series"], given["series"], strict=True)
        ]
        axes = {k: Axis(**{**frame[k], "names": tuple(frame[k]["names"])}) for k in "xy"}
        markers = tuple(zip(given["markers"]["x"], given["markers"]["words"], strict=True))
        return Plot(frame["name"], frame["title"], axes["x"], axes["y"], tuple(series), markers)

    def table(self) -> Markup:
        """The numbers: a row for each place along the axis, a column for each series; else, where a series has several
        points at one place, a row for each point."""
        across = bool(self.y.names)
        place, value = (self.y, self.x) if across else (self.x, self.y)

        def at(series: Series) -> list[tuple[float, float]]:
            return list(zip(series.y, series.x, strict=True) if across else zip(series.x, series.y, strict=True))

        def said(v: float) -> Any:
            return place.names[round(v)] if place.names else float(v)

        if any(len(dict(at(s))) < len(s.x) for s in self.series):
            heads = [place.title, "", value.title]
            rows: list[list[Any]] = [[said(p), s.name, float(v)] for s in self.series for p, v in at(s)]
            return numbers_table(heads, rows, self.title)
        heads, found = [place.title], []
        for s in self.series:
            heads.append(f"{s.name}, {value.unit}" if value.unit else s.name)
            found.append(dict(at(s)))
            if s.low:
                heads += [f"{s.name}: 95 % from", "to"]
                found += [dict(zip(dict(at(s)), ends, strict=True)) for ends in (s.low, s.high)]
        places = sorted({p for s in self.series for p, _ in at(s)})
        rows = [[said(p), *[float(column.get(p, math.nan)) for column in found]] for p in places]
        return numbers_table(heads, rows, self.title)

    # ---- the still

    def still(self) -> Markup:
        """The plot as SVG."""
        rows = self.y.names
        left = 20 + charts.LETTER * max(len(name) for name in rows) if rows else 48
        high = 26 * len(rows) + 60 if rows else 234
        top, bottom, right = (46 if self.markers else 14 if rows else 36), 46, 16
        edge, floor = charts.WIDE - right, high - bottom
        px = charts.Scale(self.x.low, self.x.high, left, edge, self.x.log)
        py = charts.Scale(self.y.low, self.y.high, floor, top, self.y.log)
        parts: list[Markup] = []
        for v, words in self.y.ticks():
            y = py(v)
            parts.append(tag("line", x1=f"{left:g}", x2=edge, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
            parts.append(tag("text", words, x=f"{left - 6:g}", y=f"{y + 4:.1f}", text_anchor="end"))
        for v, words in self.x.ticks():
            x = f"{px(v):.1f}"
            parts.append(tag("line", x1=x, x2=x, y1=f"{floor - 4:g}", y2=floor, class_="rule"))
            parts.append(tag("text", words, x=x, y=floor + 22, text_anchor="middle"))
        for at, words in self.markers:
            here, half = px(at), charts.LETTER * len(words) / 2
            parts.append(tag("line", x1=f"{here:.1f}", x2=f"{here:.1f}", y1=top, y2=floor, class_="marker"))
            middle = min(max(here, left + half), charts.WIDE - half)
            parts.append(tag("text", words, x=f"{middle:.1f}", y=top - 8, text_anchor="middle"))
        for k, s in enumerate(self.series):
            parts += self._drawn(k, s, px, py)
        parts.append(tag("text", self.x.title, x=edge, y=high - 4, text_anchor="end"))
        if not rows:
            parts.append(tag("text", self.y.title, x=0, y=14, class_="axis-name"))
        return charts.drawing(parts, charts.WIDE, high, self.title, "xy plot-still")

    def _drawn(self, k: int, s: Series, px: charts.Scale, py: charts.Scale) -> list[Markup]:
        """The marks of one series: its intervals, then its line or dots."""
        points = [(px(x), py(y)) for x, y in zip(s.x, s.y, strict=True)]
        parts = []
        for (x, y), low, high in zip(points, s.low, s.high, strict=False):
            ends = (
                {"x1": px(low), "x2": px(high), "y1": y, "y2": y}
                if self.y.names
                else {"x1": x, "x2": x, "y1": py(low), "y2": py(high)}
            )
            parts.append(tag("line", **{n: f"{v:.1f}" for n, v in ends.items()}, class_=f"interval colour-{s.role}"))
        if s.kind == "line":
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
            return [*parts, tag("polyline", points=path, class_=f"line colour-{s.role} dash-{k}")]
        kind = "ring" if s.kind == "rings" else "dot"
        return parts + [
            tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=4.5, class_=f"{kind} colour-{s.role}") for x, y in points
        ]

    def legend(self) -> Markup | None:
        """Which mark is which, where there are several."""
        shown = [
            tag("span", s.name, class_=f"legend colour-{s.role} {'dash-' + str(k) if s.kind == 'line' else s.kind}")
            for k, s in enumerate(self.series)
        ]
        return tag("p", *shown, class_="legend-row") if len(shown) > 1 else None

    def markup(self) -> Markup:
        """The plot in a page: legend, still, table, columns,
        and the places where its script puts the figure and its buttons."""
        return tag(
            "div",
            self.legend(),
            tag("div", tag("div", class_="plot-live", data_own=True), self.still(), class_="plot-frame"),
            tag("div", tag("div", class_="plot-tools", data_own=True), tag("p", STILL), class_="plot-foot"),
            self.table(),
            class_="plot",
            data_plot=self.name,
            data_columns=self.packed(),
        )

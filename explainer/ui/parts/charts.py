"""Charts: drawings with axes as SVG, and tables with bars. Each returns markup; none computes what it shows.

    xy        lines over an axis, linear or logarithmic, with markers, levels and dots
    lines     lines over steps 0, 1, 2, ...
    areas     a strip of columns for each of several series, over steps
    columns   upright bars over a count
    bars      a table whose rows have a bar each; `bar`, `mark` and `track` are what such a row is made of

The numbers of a chart stand in a table under it. What is explored, not only read, is a plot
(explainer/ui/parts/plot.py), whose still is drawn here.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts.components import column_head, numbers_table

WIDE = 460  # units of a drawing: little more than a phone's pixels, so that its letters stay legible there
LETTER = 9.5  # units of one letter where letters are largest (a phone)


def drawing(parts: Sequence[Any], width: float, height: float, label: str, kind: str = "") -> Markup:
    """A chart as SVG, `width` by `height` units; `label` says in words what it shows."""
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {width} {height}",
        style=f"--drawn:{width}",
        role="img",
        aria_label=label,
        class_=f"chart {kind}".strip(),
    )


def round_ticks(low: float, high: float) -> list[float]:
    """Two to five round numbers, a round step apart, the first at or below `low`, the last at or above `high`."""
    span = (high - low) or 1.0
    unit = 10.0 ** math.floor(math.log10(span / 4))
    step = next(unit * k for k in (1, 2, 5, 10) if unit * k * 4 >= span * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(max(high, low + step) / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, both above 0: the powers of ten,
    with 2 and 5 between them where these are few."""
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    digits = (1, 2, 5) if math.log10(high / low) < 2.5 else (1,)
    found = [float(f"{k}e{power}") for power in range(first, last + 1) for k in digits]
    return [v for v in found if low * (1 - 1e-9) <= v <= high * (1 + 1e-9)]


@dataclass(frozen=True)
class Scale:
    """A map from values to places on the paper, linear or (`log`) by ratio: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        to = math.log10 if self.log else float
        return self.start + (self.end - self.start) * (to(value) - to(self.low)) / (to(self.high) - to(self.low))


def xy(
    series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]],
    *,
    label: str,
    x_name: str,
    y_name: str,
    x_ticks: Sequence[float],
    y_max: float,
    y_min: float = 0.0,
    log_x: bool = True,
    height: int = 234,
    markers: Sequence[tuple[float, str]] = (),
    rules: Sequence[tuple[float, str, str]] = (),
    dots: Sequence[tuple[float, float, str]] = (),
    table: bool = True,
    name_ends: bool = False,
) -> Markup:
    """Lines over a (logarithmic) axis, with the numbers in a table below.

    series:  (name, meaning of its colour, points); a line leaves the frame where its values do, and an arrow says so
    markers: (x, words) upright lines, their words above the frame
    rules:   (y, words, meaning) level lines, their words below; dots: (x, y, meaning)
    """
    left, right, top, bottom = 48, 104 if name_ends else 10, 46, 40
    to = math.log10 if log_x else float
    low, high = to(x_ticks[0]), to(x_ticks[-1])
    floor, edge = height - bottom, WIDE - right

    def px(x: float) -> float:
        return left + (edge - left) * (min(max(to(x), low), high) - low) / (high - low)

    def py(y: float) -> float:
        return top + (floor - top) * (1 - (y - y_min) / (y_max - y_min))

    parts: list[Markup] = []
    for k in range(5):
        y = y_min + (y_max - y_min) * k / 4
        parts.append(tag("line", x1=left, x2=edge, y1=f"{py(y):.1f}", y2=f"{py(y):.1f}", class_="rule"))
        below = 4 if k else 0  # the lowest makes room for the first number of the other axis
        parts.append(tag("text", number(y), x=left - 6, y=f"{py(y) + below:.1f}", text_anchor="end"))
    for x in x_ticks:
        anchor = "end" if x == x_ticks[-1] and not name_ends else "middle"
        at = px(x) + (6 if anchor == "end" else 0)
        parts.append(tag("text", f"{x:,g}", x=f"{at:.1f}", y=floor + 18, text_anchor=anchor))
    for y, words, meaning in rules:
        level = f"{py(y):.1f}"
        parts.append(tag("line", x1=left, x2=edge, y1=level, y2=level, class_=f"level colour-{meaning}"))
        crowded = any(px(x) > (left + edge) / 2 for x, _ in markers)  # then the words go to the other side
        x, anchor = (left + 4, "start") if crowded else (edge, "end")
        parts.append(tag("text", words, x=x, y=f"{py(y) + 16:.1f}", text_anchor=anchor))
    for k, (_, meaning, points) in enumerate(series):
        for piece in within([(px(x), py(y)) for x, y in points if y == y], top):
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in piece)
            parts.append(tag("polyline", points=path, class_=f"line colour-{meaning} dash-{k}"))
            for x, y in {piece[0], piece[-1]}:
                if y == top and y_max < max(y for _, y in points if y == y):
                    parts.append(arrow(x, top, meaning))
    taken = -math.inf
    for name, meaning, points in sorted(series, key=lambda s: -s[2][-1][1] if s[2] else 0) if name_ends else ():
        if points:
            taken = max(py(points[-1][1]) + 4, taken + 19)
            at = min(px(points[-1][0]) + 6, edge + 6)
            parts.append(tag("text", name, x=f"{at:.1f}", y=f"{taken:.1f}", class_=f"end-name colour-{meaning}"))
    for x, words in markers:
        at, half = px(x), LETTER * len(words) / 2
        middle = min(max(at, left - 40 + half), WIDE - half)
        parts.append(tag("line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=top, y2=floor, class_="marker"))
        parts.append(tag("text", words, x=f"{middle:.1f}", y=top - 10, text_anchor="middle"))
    for x, y, meaning in dots:
        if y > y_max:
            parts.append(arrow(px(x), top, meaning))
        else:
            parts.append(tag("circle", cx=f"{px(x):.1f}", cy=f"{py(y):.1f}", r=4, class_=f"dot colour-{meaning}"))
    parts.append(tag("text", x_name, x=edge, y=height - 4, text_anchor="end"))
    parts.append(tag("text", y_name, x=0, y=14, class_="axis-name"))
    legend = tag(
        "p",
        *[tag("span", n, class_=f"legend colour-{m} dash-{k}") for k, (n, m, _) in enumerate(series)],
        class_="legend-row",
    )
    drawn = drawing(parts, WIDE, height, label, "xy")
    if not table:
        return join([legend, drawn])
    return join([legend, drawn, point_table(tuple((n, tuple(points)) for n, _, points in series), x_name, label)])


def within(points: Sequence[tuple[float, float]], top: float) -> list[list[tuple[float, float]]]:
    """The pieces of a line that lie at or below the upper edge of a frame (larger y),
    each ending where it crosses it."""
    pieces: list[list[tuple[float, float]]] = []
    before: tuple[float, float] | None = None
    for x, y in points:
        crosses = before is not None and (before[1] < top) != (y < top)
        if crosses and before is not None:
            edge = (before[0] + (x - before[0]) * (top - before[1]) / (y - before[1]), top)
            if y < top:
                pieces[-1].append(edge)
            else:
                pieces.append([edge])
        elif before is None and y >= top:
            pieces.append([])
        if y >= top:
            pieces[-1].append((x, y))
        before = (x, y)
    return pieces


def arrow(x: float, top: float, meaning: str) -> Markup:
    """The mark of what goes on above the frame."""
    return tag(
        "path",
        d=f"M{x - 6:.1f},{top + 3:.1f}L{x:.1f},{top - 7:.1f}L{x + 6:.1f},{top + 3:.1f}Z",
        class_=f"beyond colour-{meaning}",
    )


@functools.lru_cache(maxsize=8)
def point_table(series: tuple[tuple[str, tuple[tuple[float, float], ...]], ...], x_name: str, label: str) -> Markup:
    """The numbers of a chart, folded away; remembered, because most curves stay while the reader moves along them."""
    xs = sorted({x for _, points in series for x, _ in points})
    columns = [dict(points) for _, points in series]
    rows = [[f"{x:g}", *[float(col.get(x, math.nan)) for col in columns]] for x in xs]
    return numbers_table([x_name, *[n for n, _ in series]], rows, label)


def areas(
    strips: Sequence[tuple[str, str, Sequence[float]]],
    *,
    label: str,
    x_name: str,
    y_name: str,
    length: int,
    x_ticks: Sequence[int],
) -> Markup:
    """One strip per series: a column per step, as high as its value. All strips have one scale,
    from 0 to a round number.

    strips: (name, meaning of its colour, values), at most `length` of them
    """
    left, right, band, gap, above = 104, 30, 40, 20, 30
    highest = max((v for _, _, values in strips for v in values), default=1.0) or 1.0
    peak = max(math.ceil(highest * 2) / 2, 0.5)  # the top of each strip: a round number
    parts = [tag("text", y_name, x=WIDE, y=16, text_anchor="end", class_="axis-name")]
    step = (WIDE - left - right) / length
    for k, (name, meaning, values) in enumerate(strips):
        floor = above + (k + 1) * (band + gap) - gap
        points = [f"M{left},{floor:.1f}"]
        for i, v in enumerate(values):
            x, y = left + i * step, floor - band * v / peak
            points.append(f"V{y:.2f}H{x + step:.1f}")
        points.append(f"V{floor:.1f}Z")
        for y, value in ((floor, 0.0), (floor - band, peak)):
            parts.append(tag("line", x1=left, x2=WIDE - right, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
            parts.append(tag("text", f"{value:g}", x=WIDE, y=f"{y + 5:.1f}", text_anchor="end"))
        parts.append(tag("path", d="".join(points), class_=f"area colour-{meaning}"))
        parts.append(tag("text", name, x=left - 8, y=f"{floor - band / 2 + 5:.1f}", text_anchor="end"))
    height = above + len(strips) * (band + gap) + 24
    for n in x_ticks:
        parts.append(tag("text", str(n), x=f"{left + n * step:.1f}", y=height - 20, text_anchor="middle"))
    parts.append(tag("text", x_name, x=WIDE - right, y=height - 2, text_anchor="end"))
    return drawing(parts, WIDE, height, label, "strips")


def lines(
    series: dict[str, Sequence[float]],
    *,
    label: str,
    x_name: str,
    y_name: str,
    y_max: float | None = None,
    colours: dict[str, str] | None = None,
    height: int = 160,
    marks: Sequence[int] = (),
) -> Markup:
    """Lines over steps as SVG, with the same numbers in a table under it. The axis holds 0 and every value,
    negative ones too.

    series: {name: values}, equal lengths; at a value that is no finite number the line has a gap
    y_max:  the axis goes at least that high (for charts that are to be compared)
    marks:  steps with an upright line
    """
    width, left, bottom, top = 640, 46, 24, 22
    longest = max((len(v) for v in series.values()), default=1)
    finite = [float(y) for v in series.values() for y in v if math.isfinite(y)]
    ticks = round_ticks(min([0.0, *finite]), max([0.0, y_max or 0.0, *finite]))

    def px(i: int) -> float:
        return left + (width - left - 8) * i / max(longest - 1, 1)

    def py(y: float) -> float:
        return top + (height - top - bottom) * (ticks[-1] - y) / (ticks[-1] - ticks[0])

    lines = []
    for tick in ticks:
        y = f"{py(tick):.1f}"
        lines.append(tag("line", x1=left, x2=width - 8, y1=y, y2=y, class_="rule"))
        lines.append(
            tag("text", f"{tick:,.12g}".replace("-", "−"), x=left - 6, y=f"{py(tick) + 4:.1f}", text_anchor="end")
        )
    for mark in marks:
        x = f"{px(mark):.1f}"
        lines.append(tag("line", x1=x, x2=x, y1=top, y2=height - bottom, class_="marker"))
    for k, (name, values) in enumerate(series.items()):
        colour = (colours or {}).get(name, "vocab")
        for there, piece in itertools.groupby(enumerate(map(float, values)), key=lambda at: math.isfinite(at[1])):
            if there:
                points = " ".join(f"{px(i):.1f},{py(v):.1f}" for i, v in piece)
                lines.append(tag("polyline", points=points, class_=f"line colour-{colour} dash-{k}"))
    lines.append(tag("text", x_name, x=width - 8, y=height - 6, text_anchor="end"))
    lines.append(tag("text", y_name, x=left, y=top - 6, class_="axis-name"))
    legend = (
        tag(
            "p",
            *[
                tag("span", n, class_=f"legend colour-{(colours or {}).get(n, 'vocab')} dash-{k}")
                for k, n in enumerate(series)
            ],
            class_="legend-row",
        )
        if len(series) > 1
        else None
    )
    table = numbers_table(
        [x_name, *series],
        [[i, *[v[i] if i < len(v) else float("nan") for v in series.values()]] for i in range(longest)],
        label,
    )
    return join([legend, drawing(lines, width, height, label), table])


DIGIT = 9  # how wide a digit over a bar is at most, in units of the drawing


def columns(
    marks: Sequence[int],
    values: Sequence[float],
    texts: Sequence[str],
    *,
    peak: float,
    colour: str,
    label: str,
    unit: tuple[str, str],
    x: tuple[str, str] = ("token", "tokens"),
    chosen: int | None = None,
    every: bool = False,
    named: Sequence[int] | None = None,
    floor: float | None = None,
) -> Markup:
    """Upright bars over a count (of tokens), with the same numbers in a table.

    unit, x: what the bars and the axis count, one and many of it
    chosen: the bar that the state stands at (-1: none of them); every: write a number over every bar;
    named: over which bars (of `values`), where not over the first and the last;
    floor: a level drawn as a dashed line
    """
    width, height, left, bottom, top = 320, 120, 6, 22, 18
    slot = (width - left) / max(len(marks), 1)

    def rise(value: float) -> float:
        return (height - bottom - top) * value / peak

    parts = [tag("line", x1=left, x2=width, y1=height - bottom, y2=height - bottom, class_="rule")]
    texts_on_top = []
    last = len(values) - 1
    for i, value in enumerate(values):
        tall, at = rise(value), left + i * slot
        parts.append(
            tag(
                "rect",
                x=f"{at + slot * 0.15:.1f}",
                y=f"{height - bottom - tall:.1f}",
                width=f"{slot * 0.7:.1f}",
                height=f"{max(tall, 1):.1f}",
                rx=2,
                class_=f"column colour-{colour}{' quiet' if chosen not in (None, i) else ''}",
                data_why=f"{how_many(marks[i], *x)}: {texts[i]} {unit[texts[i] != '1']}",
            )
        )
        if every or i in ((0, last) if named is None else named):
            texts_on_top.append(
                tag("text", f"{marks[i]:,}", x=f"{at + slot / 2:.1f}", y=height - 7, text_anchor="middle")
            )
            anchor = "middle" if every or last == 0 or 0 < i < last else "start" if i == 0 else "end"
            end = {"start": at, "middle": at + slot / 2, "end": at + slot}[anchor]
            covers = 1 + int(len(texts[i]) * DIGIT / slot) if anchor == "start" else 1  # bars under the number
            highest = max(rise(v) for v in values[i : i + covers])
            texts_on_top.append(
                tag(
                    "text",
                    texts[i],
                    x=f"{end:.1f}",
                    y=f"{height - bottom - highest - 5:.1f}",
                    text_anchor=anchor,
                    class_="figure-number",
                )
            )
    if floor is not None:
        y = height - bottom - rise(floor)
        parts.append(tag("line", x1=left, x2=width, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="floor"))
    drawn = drawing([*parts, *texts_on_top], width, height, label, "columns-chart")
    return join(
        [drawn, numbers_table([x[1], unit[1]], [[f"{m:,}", t] for m, t in zip(marks, texts, strict=True)], label)]
    )


# ---------------------------------------------------------------- bars of a table: lengths beside their numbers


def bar(share: float, kind: str = "") -> Markup:
    """A bar of a row. share: its length as a share of the track, 0 to 1; kind: its colour, its side."""
    return Markup(f'<i class="{f"bar {kind}".strip()}" style="--v:{share:.4g}"></i>')


def mark(share: float, kind: str = "") -> Markup:
    """A line across a row, as far along its track as a bar of that share would end."""
    return Markup(f'<i class="{f"mark {kind}".strip()}" style="--v:{share:.4g}"></i>')


def track(*drawn: Markup, kind: str = "") -> Markup:
    """The cell of a row that its bars and marks are drawn in; the numbers stand in cells beside it.

    kind: "mid" (bars begin in the middle), "two" (two bars, one over the other)
    """
    return Markup(f'<td class="{f"track {kind}".strip()}" aria-hidden="true">{"".join(drawn)}</td>')


def bars(
    names: Sequence[str],
    values: Sequence[float],
    *,
    label: str,
    colour: str = "vocab",
    scale: float | None = None,
    chosen: int | None = None,
    others: dict[str, Sequence[float]] | None = None,
    why: Callable[[int], str] | None = None,
    sets: str | None = None,
    ids: Sequence[int] | None = None,
    text: Callable[[float], str] = percent,
    heads: tuple[str, str] = ("token", "model"),
    travel_from: str | None = None,
) -> Markup:
    """A list of bars with names and numbers (a table of names and values to assistive technology).

    values, scale: the length of a bar is its value's share of `scale` (default: the largest size of all);
            where any value is negative, bars begin in the middle, and negative ones go to the left
    others: further series beside the bars, drawn as marks: {"true": [...]}; their meaning gives the colour
    sets:   with `ids`, each name is a button that sets that state value to its id
    heads:  what the names are, and what the bars are
    travel_from: the value that leaves from the chosen name (build/web/travel.js)
    """
    every = [float(v) for series in (values, *(others or {}).values()) for v in series]
    scale = scale or max([abs(v) for v in every], default=1.0) or 1.0
    mid = any(v < 0 for v in every)

    def place(value: float) -> float:
        """Where on the track a value lies, 0 to 1."""
        share = max(-1.0, min(value / scale, 1.0))
        return (1 + share) / 2 if mid else share

    rows = []
    for i, (name, value) in enumerate(zip(names, values, strict=True)):
        marks = [mark(place(float(series[i])), f"colour-{kind}") for kind, series in (others or {}).items()]
        extra = [
            tag("td", text(float(series[i])), data_v=exact(series[i]), class_="num")
            for series in (others or {}).values()
        ]
        leaves = travel_from if i == chosen else None
        side = ("minus" if value < 0 else "plus") if mid else ""
        length = abs(place(float(value)) - 0.5 * mid)
        shown: Any = tag("span", name, class_="token", translate="no", data_travel_from=leaves)
        if sets and ids is not None:
            shown = tag(
                "button",
                name,
                type="button",
                class_="token",
                translate="no",
                data_set=sets,
                value=ids[i],
                data_travel_from=leaves,
            )
        rows.append(
            tag(
                "tr",
                tag("th", shown, scope="row"),
                track(bar(length, side), *marks, kind="mid" if mid else ""),
                tag(
                    "td",
                    text(float(value)),
                    data_v=exact(value),
                    data_why=why(i) if why else None,
                    class_="num",
                    tabindex="-1",
                ),
                *extra,
                class_="chosen" if i == chosen else None,
            )
        )
    columns = [tag("th", heads[0], scope="col"), tag("td", aria_hidden="true"), bar_head(heads[1], text)]
    columns += [bar_head(kind, text) for kind in (others or {})]
    return tag(
        "table",
        tag("caption", label, class_="sr"),
        tag("thead", tag("tr", *columns), class_="sr" if not others else None),
        tag("tbody", *rows),
        class_=f"bars colour-{colour}",
        data_grid=True,
    )


def bar_head(head: str, text: Callable[[float], str]) -> Markup:
    """The head of a column of bars; where these are chances ('model', 'true'), a download says that they are."""
    return column_head((head, f"probability, {head}") if text is percent and "probab" not in head else head)

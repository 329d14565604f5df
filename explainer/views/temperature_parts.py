"""What the temperature page's widgets share: controls, lean table cells, a chart over a logarithmic axis, whole lists.

The cells are made with f-strings, not with `tag`: a slider redraws hundreds of them, and it has a few milliseconds.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from explainer import lab
from explainer.corpus.examples import PROMPTS
from explainer.views import components as c
from explainer.views.html import exact, join, number, percent, tag

LOW, HIGH = 0.01, 10.0
EXAMPLE_CUTS = {"top_k": 5, "top_p": 0.9, "min_p": 0.1}
PRESETS = ((0, "T → 0"), (0.01, "0.01"), (0.5, "0.5"), (1, "1"), (2, "2"), (10, "10"), (math.inf, "T → ∞"))


@functools.lru_cache(maxsize=2048)
def name_of(token: int) -> str:
    """The token as the pages write it, ready for markup (already escaped)."""
    return str(escape(lab.tokenizer().display(token)))


def plain_name(token: int) -> str:
    """The token as the pages write it, for an attribute (not escaped yet)."""
    return lab.tokenizer().display(token)


@functools.lru_cache(maxsize=2048)
def said(token: int) -> str:
    """The token inside a sentence, ready for markup."""
    return f'<span class="token">{name_of(token)}</span>'


def shown_t(t: float) -> str:
    """A temperature in a sentence: 0.5, 0, ∞."""
    return "∞" if math.isinf(t) else f"{t:g}"


def prompt_field(state: Any) -> Markup:
    n = len(state.all_tokens())
    return c.text_field(
        "prompt", "Prompt", state.prompt, hint=f"{n} token{'s' if n != 1 else ''}, the start token included"
    )


def prompts_to_try(state: Any, names: Sequence[str]) -> Markup:
    """Buttons that set the prompt to one of the corpus's examples."""
    buttons = [
        c.button(name, sets="prompt", value=PROMPTS[name][0], kind="small", hint=PROMPTS[name][1], pressed=state.prompt == PROMPTS[name][0])
        for name in names if name in PROMPTS
    ]  # fmt: skip
    return tag("div", *buttons, class_="presets", role="group", aria_label="Prompts to try")


def temperature_slider(state: Any) -> Markup:
    """The slider, from 0.01 to 10 in equal ratios, and buttons for round values and the two exact limits."""
    t = state.t
    text = {0: "0 (the limit)", math.inf: "∞ (the limit)"}.get(t, f"{t:g}")
    buttons = [
        c.button(words, sets="t", value=shown_t(value) if not math.isinf(value) else "inf", pressed=t == value, kind="small",
                 hint={0: "Exactly the limit: all on the best token, ties shared", math.inf: "Exactly the limit: all tokens alike"}.get(value, ""))
        for value, words in PRESETS
    ]  # fmt: skip
    return tag(
        "div",
        c.slider("t", "Temperature", min(max(t, LOW), HIGH), LOW, HIGH, log=True, step=0.01, shown=text),
        tag("div", *buttons, class_="presets", role="group", aria_label="Round temperatures and the limits"),
        class_="temperature-control",
    )


def cut_fields(state: Any) -> Markup:
    """The three cuts as numbers; empty means not applied."""
    return join([
        c.number_field("top_k", "Top-k", state.top_k, 1, None, 1),
        c.number_field("top_p", "Top-p", number_value(state.top_p), 0, 1, 0.01),
        c.number_field("min_p", "Min-p", number_value(state.min_p), 0, 1, 0.01),
    ])  # fmt: skip


def number_value(value: float | None) -> str | None:
    return None if value is None else f"{value:g}"


def bar_cell(value: float, share: float, text: str, *, why: str = "", kind: str = "") -> str:
    """A number with its bar behind it. `share` 0..1 is the bar's length; `why` must be ready for markup."""
    story = f' data-why="{why}"' if why else ""
    return f'<td class="bn{kind}" tabindex="-1" style="--v:{share:.4f}" data-v="{exact(value)}"{story}>{text}</td>'


def bar_table(
    heads: Sequence[Any], rows: Sequence[str], *, label: str, foot: Sequence[str] = (), kind: str = ""
) -> Markup:
    """A table of `bar_cell` rows (each row markup, its <tr> included); the first column names the token."""
    table = tag(
        "table", tag("caption", label, class_="sr"),
        tag("thead", tag("tr", *[tag("th", h, scope="col") for h in heads])),
        Markup(f"<tbody>{''.join(rows)}</tbody>"),
        Markup(f"<tfoot>{''.join(foot)}</tfoot>") if foot else None,
        class_=f"chain colour-vocab {kind}".strip(), data_grid=True,
    )  # fmt: skip
    return tag("div", table, class_="scroll")


def all_tokens(figure: str, look: Any) -> Markup:
    """The whole vocabulary, folded away: the page makes the rows from the numbers here (build/web/vocabulary.js)."""
    names, logits = _listed(look.tokens)
    order = look.order.tolist()
    # ids, names and logits do not change with the temperature; shares do
    data = f'{{"ids":{json.dumps(order)},"names":{names},"logits":{logits},"shares":{json.dumps(look.final[look.order].tolist())}}}'
    return tag(
        "details",
        tag("summary", f"All {len(order)} tokens, searchable"),
        tag("div", data_own=True),
        class_="all-tokens", data_vocabulary=figure, data_list=Markup(data),
    )  # fmt: skip


@functools.lru_cache(maxsize=8)
def _listed(tokens: tuple[int, ...]) -> tuple[str, str]:
    from explainer.next_token import logits_after, ranked

    order = ranked(tokens)
    display = lab.tokenizer().display
    names = json.dumps([display(int(t)) for t in order], ensure_ascii=False)
    return names, json.dumps(logits_after(tokens)[order].astype(float).tolist())


# ---------------------------------------------------------------- charts


def xy_chart(
    series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], *, label: str, x_name: str, y_name: str,
    x_ticks: Sequence[float], y_max: float, y_min: float = 0.0, log_x: bool = True, height: int = 234, markers: Sequence[tuple[float, str]] = (),
    rules: Sequence[tuple[float, str, str]] = (), dots: Sequence[tuple[float, float, str]] = (), table: bool = True, name_ends: bool = False,
) -> Markup:  # fmt: skip
    """Lines over a (logarithmic) axis, with the numbers in a table below.

    series:  (name, meaning of its colour, points); the y beyond the frame is cut off at it
    markers: (x, words) upright lines; rules: (y, words, meaning) level lines; dots: (x, y, meaning)
    """
    width, left, right, top, bottom = 640, 54, 100 if name_ends else 12, 30, 44
    to = math.log10 if log_x else float
    low, high = to(x_ticks[0]), to(x_ticks[-1])

    def px(x: float) -> float:
        return left + (width - left - right) * (min(max(to(x), low), high) - low) / (high - low)

    def py(y: float) -> float:
        return top + (height - top - bottom) * (1 - (min(max(y, y_min), y_max) - y_min) / (y_max - y_min))

    parts: list[Markup] = []
    for k in range(5):
        y = y_min + (y_max - y_min) * k / 4
        parts.append(tag("line", x1=left, x2=width - right, y1=f"{py(y):.1f}", y2=f"{py(y):.1f}", class_="rule"))
        parts.append(tag("text", number(y), x=left - 6, y=f"{py(y) + 4:.1f}", text_anchor="end"))
    for x in x_ticks:
        parts.append(tag("text", f"{x:,g}", x=f"{px(x):.1f}", y=height - bottom + 19, text_anchor="middle"))
    for y, words, meaning in rules:
        parts.append(
            tag(
                "line",
                x1=left,
                x2=width - right,
                y1=f"{py(y):.1f}",
                y2=f"{py(y):.1f}",
                class_=f"level colour-{meaning}",
            )
        )
        parts.append(tag("text", words, x=width - right, y=f"{py(y) - 5:.1f}", text_anchor="end"))
    for k, (_, meaning, points) in enumerate(series):
        path = " ".join(f"{px(x):.1f},{py(y):.1f}" for x, y in points if y == y)
        parts.append(tag("polyline", points=path, class_=f"line colour-{meaning} dash-{k}"))
    taken: list[float] = []
    for name, meaning, points in sorted(series, key=lambda s: -s[2][-1][1] if s[2] else 0) if name_ends else ():
        if points:
            y = max(py(points[-1][1]) + 4, *(t + 16 for t in taken)) if taken else py(points[-1][1]) + 4
            taken.append(y)
            at = min(px(points[-1][0]) + 4, width - 4)
            parts.append(
                tag(
                    "text",
                    name,
                    x=f"{at:.1f}",
                    y=f"{y:.1f}",
                    class_=f"end-name colour-{meaning}",
                    text_anchor="start" if at < width - 90 else "end",
                )
            )
    for x, words in markers:
        at = px(x)
        anchor = "start" if at < width - 150 else "end"
        parts.append(tag("line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=top, y2=height - bottom, class_="marker"))
        parts.append(
            tag("text", words, x=f"{at + (5 if anchor == 'start' else -5):.1f}", y=top + 9, text_anchor=anchor)
        )
    for x, y, meaning in dots:
        parts.append(tag("circle", cx=f"{px(x):.1f}", cy=f"{py(y):.1f}", r=4, class_=f"dot colour-{meaning}"))
    parts.append(tag("text", x_name, x=width - right, y=height - 4, text_anchor="end"))
    parts.append(tag("text", y_name, x=left, y=top - 10, class_="axis-name"))
    legend = tag(
        "p",
        *[tag("span", n, class_=f"legend colour-{m} dash-{k}") for k, (n, m, _) in enumerate(series)],
        class_="legend-row",
    )
    drawing = c.drawing(parts, width, height, label, "xy")
    if not table:
        return join([legend, drawing])
    return join([legend, drawing, point_table(tuple((n, tuple(points)) for n, _, points in series), x_name, label)])


@functools.lru_cache(maxsize=8)
def point_table(series: tuple[tuple[str, tuple[tuple[float, float], ...]], ...], x_name: str, label: str) -> Markup:
    """The numbers of a chart, folded away; remembered, because most curves stay while the reader moves along them."""
    xs = sorted({x for _, points in series for x, _ in points})
    columns = [dict(points) for _, points in series]
    rows = [[f"{x:g}", *[float(col.get(x, math.nan)) for col in columns]] for x in xs]
    return c.numbers_table([x_name, *[n for n, _ in series]], rows, label)


def nats(value: float) -> str:
    """A loss in nats for the eye; infinity as itself."""
    return "∞" if math.isinf(value) else f"{value:.3f}"


def times(value: float) -> str:
    """How many times as likely: 1.4, 55, 3e8, ∞."""
    if math.isinf(value):
        return "∞"
    return f"{value:.2g}" if value >= 1e6 else number(value)


__all__ = [
    "EXAMPLE_CUTS", "HIGH", "LOW", "all_tokens", "bar_cell", "bar_table", "cut_fields", "name_of", "nats", "number_value",
    "percent", "plain_name", "prompt_field", "prompts_to_try", "said", "shown_t", "temperature_slider", "times", "xy_chart",
]  # fmt: skip

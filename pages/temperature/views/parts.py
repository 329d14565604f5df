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

from explainer.corpus.examples import PROMPTS
from explainer.models import lab
from explainer.ui.html import exact, join, number, percent, tag
from explainer.ui.parts import components as c

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
    return f'<span class="token" translate="no">{name_of(token)}</span>'


def shown_t(t: float) -> str:
    """A temperature in a sentence: 0.5, 0, ∞."""
    return "∞" if math.isinf(t) else f"{t:g}"


def at_t(t: float) -> str:
    """A temperature as what a figure stands at: T = 0.5, T → 0, T → ∞."""
    return f"T {'=' if 0 < t < math.inf else '→'} {shown_t(t)}"


def is_limit(t: float) -> bool:
    """Whether nothing is divided here: T is 0 or infinite, and the page takes the limit."""
    return t == 0 or math.isinf(t)


def prompt_field(state: Any) -> Markup:
    n, read = len(state.all_tokens()), len(state.tokens())
    hint = c.tokens_in(n) if n == read else f"the last {read} of {n:,} tokens"
    return c.text_field("prompt", "Prompt", state.prompt, hint=hint)


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
    """The three cuts as numbers, folded away; empty means not applied. The line that stays says which are set."""
    cuts = (("Top-k", state.top_k), ("Top-p", state.top_p), ("Min-p", state.min_p))
    on = ", ".join(f"{name.lower()} {value:g}" for name, value in cuts if value is not None)
    fields = (
        c.number_field("top_k", "Top-k", state.top_k, 1, None, 1),
        c.number_field("top_p", "Top-p", state.top_p, 0, 1, 0.01),
        c.number_field("min_p", "Min-p", state.min_p, 0, 1, 0.01),
    )
    return tag(
        "details",
        tag("summary", f"Cuts: {on or 'none'}"),
        tag("p", "A cut removes tokens after the temperature has done its work. It is no part of the temperature; “Cutting the tail” explains it.", class_="hint"),
        tag("div", *fields, class_="cuts"),
        class_="cut-fields",
    )  # fmt: skip


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
    from explainer.studies.next_token import logits_after, ranked

    order = ranked(tokens)
    display = lab.tokenizer().display
    names = json.dumps([display(int(t)) for t in order], ensure_ascii=False)
    return names, json.dumps(logits_after(tokens)[order].astype(float).tolist())


# ---------------------------------------------------------------- charts

WIDE = 460  # units of a drawing: little more than a phone's pixels, so that its letters stay legible there
LETTER = 9.5  # units of one letter where letters are largest (a phone)


def xy_chart(
    series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]], *, label: str, x_name: str, y_name: str,
    x_ticks: Sequence[float], y_max: float, y_min: float = 0.0, log_x: bool = True, height: int = 234, markers: Sequence[tuple[float, str]] = (),
    rules: Sequence[tuple[float, str, str]] = (), dots: Sequence[tuple[float, float, str]] = (), table: bool = True, name_ends: bool = False,
) -> Markup:  # fmt: skip
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
    drawing = c.drawing(parts, WIDE, height, label, "xy")
    if not table:
        return join([legend, drawing])
    return join([legend, drawing, point_table(tuple((n, tuple(points)) for n, _, points in series), x_name, label)])


def within(points: Sequence[tuple[float, float]], top: float) -> list[list[tuple[float, float]]]:
    """The pieces of a line that lie at or below the upper edge of a frame (larger y), each ending where it crosses it."""
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
    return c.numbers_table([x_name, *[n for n, _ in series]], rows, label)


def nats(value: float) -> str:
    """A loss in nats for the eye; infinity as itself, and 0 only for what is exactly 0."""
    if value == 0 or math.isinf(value):
        return number(value)
    return "<0.001" if 0 < value < 0.0005 else f"{value:.3f}"


def times(value: float) -> Markup:
    """How many times as likely, in three digits: 1.42, 55.1, 154,000, 4.61 × 10³⁵, ∞."""
    if 1e6 <= value < math.inf:
        digits, power = f"{value:.2e}".split("e")
        return join([f"{digits} × 10", tag("sup", int(power))])
    return Markup(number(float(f"{value:.3g}")))


def fine(value: float) -> str:
    """A number in an equation that must hold as printed: three decimals, a real minus sign."""
    return decimals(value, 3)


def digits_apart(values: Sequence[float], least: int = 2, most: int = 3) -> int:
    """How many decimals a column needs so that different numbers look different; not more than `most`."""
    different = {v for v in values if math.isfinite(v)}
    return next((n for n in range(least, most) if len({f"{v:.{n}f}" for v in different}) == len(different)), most)


def decimals(value: float, digits: int) -> str:
    """A number with a fixed number of decimals, so that a column lines up; 0 and the limits as themselves."""
    if value == 0 or not math.isfinite(value):
        return number(value)
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if float(text.replace(",", "")) else text.removeprefix("-")  # no −0.00


__all__ = [
    "EXAMPLE_CUTS", "HIGH", "LETTER", "LOW", "WIDE", "all_tokens", "at_t", "bar_cell", "bar_table", "cut_fields", "decimals",
    "digits_apart", "fine", "is_limit", "name_of", "nats", "percent", "plain_name", "prompt_field",
    "prompts_to_try", "said", "shown_t", "temperature_slider", "times", "xy_chart",
]  # fmt: skip

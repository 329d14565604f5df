"""The parts that widgets are made of. Each returns markup; none computes.
`/components/` shows every one in every state.

What the page's script (build/web/) does with the attributes used here:

    data-bind="name"          a control of the state value `name`; its value is sent as the reader changes it
    data-set="name" value=""  a button that sets `name`
    data-local                the change is shown by the page itself, at once (Python is told, too)
    data-v, data-why          a cell's exact value and how it was made: shown in the figure's read-out on hover and
                              focus
    data-grid                 a table in which the arrow keys move from cell to cell
    data-about                what all numbers within are about ({"layer": 3}), for downloads; data-field: what the
                              field calls a column
    translate="no"            tokens, names in the code, numbers: no translator of a browser may touch them
    data-rove                 a group of buttons among which the arrow keys move; one of them is in the tab order
    data-travel="name"        a value that moves from where it was computed to where it is used (build/web/travel.js)
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup, escape

from explainer.models import lab
from explainer.ui.html import compact, exact, how_many, join, number, tag, typed

# ---------------------------------------------------------------- controls


def tokens_in(n: int) -> str:
    """How long a text is, as its field says it."""
    return f"{how_many(n, 'token')}{', the start token included' if lab.tokenizer().start else ''}"


def text_field(name: str, label: str, value: str, *, hint: str = "", placeholder: str = "") -> Markup:
    """A line of text, sent shortly after the last key (and at once on Enter)."""
    return tag(
        "div",
        tag("label", label, for_=f"f-{name}"),
        tag(
            "input",
            type="text",
            id=f"f-{name}",
            data_bind=name,
            value=value,
            placeholder=placeholder or None,
            autocomplete="off",
            autocapitalize="off",
            spellcheck="false",
        ),
        tag("p", hint, class_="hint") if hint else None,
        tag("p", class_="message", data_message=name, role="alert"),
        class_="field field-text",
    )


def name_field(name: str) -> Markup:
    """The field in which a reader makes up a name. name: the one in the prompt, in pieces; '' if there is none"""
    return text_field("called", "A name", name, hint="Type a name that nobody has ever used.")


def choice(name: str, label: str, options: Sequence[tuple[Any, str]], value: Any, *, tokens: bool = False) -> Markup:
    """One of a few: a native select, so that every keyboard, phone and screen reader knows it. tokens: of a text."""
    items = [tag("option", text, value=v, selected=(v == value)) for v, text in options]
    return tag(
        "div",
        tag("label", label, for_=f"f-{name}"),
        tag("select", *items, id=f"f-{name}", data_bind=name, translate="no" if tokens else None),
        tag("p", class_="message", data_message=name, role="alert"),
        class_="field",
    )


def check(name: str, label: str, value: bool) -> Markup:
    """On or off."""
    box = tag("input", type="checkbox", id=f"f-{name}", data_bind=name, checked=bool(value))
    return tag("div", box, tag("label", label, for_=f"f-{name}"), class_="field field-check")


def slider(
    name: str,
    label: str,
    value: float,
    low: float,
    high: float,
    *,
    step: float | None = None,
    log: bool = False,
    shown: str | None = None,
    ticks: Sequence[float] = (),
) -> Markup:
    """A range with a name, its value in words, and (`log`) equal steps for equal ratios; low > 0 then.
    An int stays one."""
    to = math.log10 if log else float
    ticks_markup = None
    if ticks:
        ticks_markup = tag("datalist", *[tag("option", value=to(t), label=number(t)) for t in ticks], id=f"t-{name}")
    whole = isinstance(value, int)
    text = shown if shown is not None else f"{value:,}".replace("-", "−") if whole else number(value)
    return tag(
        "div",
        tag("label", label, for_=f"f-{name}"),
        tag(
            "input",
            type="range",
            id=f"f-{name}",
            data_bind=name,
            data_scale="log" if log else None,
            data_whole=whole,
            min=to(low),
            max=to(high),
            step=step or ((to(high) - to(low)) / 300.0001),  # rounding must not cost the last step
            value=to(value),
            list=f"t-{name}" if ticks else None,
            aria_valuetext=text,
        ),
        tag("output", text, for_=f"f-{name}", aria_live="off"),  # the slider itself says its value
        ticks_markup,
        tag("p", class_="message", data_message=name, role="alert"),
        class_="field field-range",
    )


def number_field(
    name: str, label: str, value: float | None, low: float | None = None, high: float | None = None, step: Any = 1
) -> Markup:
    """A number typed or stepped; None: an empty field."""
    return tag(
        "div",
        tag("label", label, for_=f"f-{name}"),
        tag(
            "input",
            type="number",
            id=f"f-{name}",
            data_bind=name,
            value=typed(value),
            min=low,
            max=high,
            step=step,
            inputmode="numeric",
        ),
        tag("p", class_="message", data_message=name, role="alert"),
        class_="field field-number",
    )


def button(
    label: str,
    *,
    sets: str | None = None,
    value: Any = None,
    action: str | None = None,
    pressed: bool | None = None,
    kind: str = "",
    hint: str = "",
) -> Markup:
    """A button that sets a state value (`sets`, `value`) or performs an action of the page (`action`)."""
    return tag(
        "button",
        label,
        type="button",
        data_set=sets,
        value=value,
        data_action=action,
        title=hint or None,
        aria_pressed=None if pressed is None else str(bool(pressed)).lower(),
        class_=f"button {kind}".strip(),
    )


def controls(*children: Any, label: str = "Controls") -> Markup:
    """A row of controls that wraps."""
    return tag("div", *children, class_="controls", role="group", aria_label=label)


# ---------------------------------------------------------------- tokens


def token(text: str, *, axis: str = "") -> Markup:
    """A token in running text or a table head; `text` comes from `Tokenizer.display`, whitespace already visible."""
    return tag("span", text, class_=f"token {axis}".strip(), translate="no")


def token_strip(
    texts: Sequence[str],
    *,
    sets: str | None = None,
    chosen: int | None = None,
    label: str = "Tokens",
    axis: str = "query",
    marks: Sequence[str] | None = None,
    weights: Sequence[float] | None = None,
    travel: Sequence[str] | None = None,
) -> Markup:
    """The text as the model gets it: one box per token, numbered; with `sets`, choosing one sets that state value.

    A strip to choose from is one stop of the tab key; the arrow keys choose (build/web/behaviour.js).

    weights: [T] in 0..1, optional shading in the colour of `axis`; marks: extra class names per token
    travel: the name of the value that each box shows (build/web/travel.js)
    """
    cells = []
    seat = chosen if chosen is not None and 0 <= chosen < len(texts) else 0
    for i, text in enumerate(texts):
        shade = None if weights is None else f"--v:{weights[i]:.4g}"
        kind = f"token {marks[i] if marks else ''}".strip()
        shown = [tag("span", text, class_="text"), tag("span", str(i), class_="index", aria_hidden="true")]
        v = None if weights is None else exact(weights[i])
        if sets:
            shown = [
                tag("span", "token ", class_="sr"),
                shown[0],
                tag("span", str(i), class_="index"),
            ]  # named by what it shows
            cells.append(
                tag(
                    "button",
                    *shown,
                    type="button",
                    data_set=sets,
                    value=i,
                    class_=kind,
                    style=shade,
                    data_v=v,
                    aria_pressed=str(i == chosen).lower(),
                    tabindex=0 if i == seat else -1,
                )
            )
        else:
            cells.append(
                tag("span", *shown, class_=kind, style=shade, data_v=v, data_travel=travel[i] if travel else None)
            )
    return tag("div", *cells, class_=f"tokens axis-{axis}", role="group", aria_label=label, translate="no")


# ---------------------------------------------------------------- numbers


def figure(
    name: str,
    *body: Any,
    title: str = "",
    caption: Any = "",
    readout: str = "",
    note: Any = None,
    about: dict[str, int] | None = None,
) -> Markup:
    """A figure with its title, caption and read-out line. `name` is unique on the page (test id, download name).

    about: what all of its numbers are about, such as {"layer": 3, "head": 1}: columns of a download
    """
    return tag(
        "figure",
        tag("figcaption", tag("strong", title) if title else None, " " if caption else None, caption)
        if title or caption
        else None,
        tag("div", *body, class_="figure-body"),
        tag("p", readout or Markup("&nbsp;"), class_="readout", data_readout=True),
        tag("p", note, class_="note") if note else None,
        class_="figure",
        data_figure=name,
        data_testid=name,
        data_about=json.dumps(about) if about else None,
    )


def cell(
    value: float,
    *,
    shade: float | None = None,
    signed: bool = False,
    why: str = "",
    text: str | None = None,
    kind: str = "",
) -> str:
    """One cell of a heat map. `shade` in 0..1 (or -1..1 if signed) is the strength of the colour, default the value."""
    s = value if shade is None else shade
    s = 0.0 if s != s or s in (float("inf"), float("-inf")) else float(s)
    names = " ".join(n for n in (kind, "neg" if signed and s < 0 else "", "strong" if abs(s) > 0.5 else "") if n)
    return (
        f'<td tabindex="-1" style="--v:{min(abs(s), 1.0):.3g}" data-v="{exact(value)}"'
        + (f' class="{names}"' if names else "")
        + (f' data-why="{escape(why)}"' if why else "")
        + f"><span>{compact(value) if text is None else escape(text)}</span></td>"
    )


def heat_table(
    values: Any,
    rows: Sequence[str],
    cols: Sequence[str],
    *,
    label: str,
    colour: str = "head",
    row_axis: str = "query",
    col_axis: str = "key",
    row_name: str = "",
    col_name: str = "",
    signed: bool = False,
    scale: float | None = None,
    chosen_row: int | None = None,
    why: Callable[[int, int], str] | None = None,
    masked: Any = None,
    size: str = "",
) -> Markup:
    """A matrix as a heat map that is a table: the figure, its text equivalent and its data in one.

    values: [R, C]; rows, cols: names of R and C; colour: the meaning that paints the cells
    scale:  the value painted at full strength (default: 1 for unsigned, the largest size for signed)
    masked: [R, C] booleans, cells that do not exist (drawn hatched, value left out)
    """
    if scale is None:
        finite = [abs(float(v)) for row in values for v in row if abs(float(v)) != float("inf")]
        scale = (max(finite, default=1.0) or 1.0) if signed else 1.0
    head = tag(
        "tr",
        tag(
            "td",
            tag("span", f"{row_name} ↓ {col_name} →" if row_name else "", class_="corner"),
            class_="corner",
        ),
        *[tag("th", tag("span", c), scope="col", class_=f"axis-{col_axis}") for c in cols],
    )
    body = []
    for r, name in enumerate(rows):
        cells = []
        for c in range(len(cols)):
            if masked is not None and masked[r][c]:
                cells.append(
                    '<td class="masked" tabindex="-1" data-why="masked: this token comes later"><span>·</span></td>'
                )
                continue
            v = values[r][c]
            cells.append(cell(v, shade=float(v) / scale, signed=signed, why=why(r, c) if why else ""))
        row = tag("th", tag("span", name), scope="row", class_=f"axis-{row_axis}")
        body.append(Markup(f"<tr{' class=chosen' if r == chosen_row else ''}>{row}{''.join(cells)}</tr>"))
    table = tag(
        "table",
        tag("caption", label, class_="sr"),
        tag("thead", head),
        tag("tbody", *body),
        class_=f"heat colour-{colour} {'signed' if signed else ''} {size}".strip(),
        data_grid=True,
        translate="no",
    )
    return tag("div", table, class_="scroll")


def numbers_table(
    heads: Sequence[str | tuple[str, str]],
    rows: Sequence[Sequence[Any]],
    label: str,
    *,
    open_: bool = False,
    summary: str = "The numbers",
    text: Callable[[float], str] = number,
) -> Markup:
    """The numbers of a drawing, folded away: the same ones, for reading, for screen readers and for the CSV.

    heads: what stands over each column; with a second text where a download has the field's word for it
    """
    # there are many: so no `tag` for each
    body = Markup("".join(f"<tr>{''.join(_number_cell(x, text) for x in row)}</tr>" for row in rows))
    table = tag(
        "table",
        tag("caption", label, class_="sr"),
        tag("thead", tag("tr", *[column_head(h) for h in heads])),
        tag("tbody", body),
        class_="numbers",
        translate="no",
    )
    return tag(
        "details",
        tag("summary", summary),
        tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label),
        class_="numbers",
        open_=open_,
    )


def whole(summary: Any, *content: Any, kind: str = "", opens: str = "") -> Markup:
    """A disclosure inside a figure: what lies one press deeper (all rows of a matrix, names and shapes of records).

    opens: names of values; an address that says one of them opens it (build/web/deeper.js)
    """
    tagged = {"class_": f"disclosed {kind}".strip(), "data_opens": opens or None}
    return tag("details", tag("summary", summary), *content, **tagged)


def beyond(*content: Any) -> Markup:
    """What only the full view of a widget shows: the compact view, an embed's first, leaves it out (`Widget`)."""
    return tag("div", *content, class_="beyond")


def more_rows(count: int, what: str) -> Markup:
    """The disclosure below a long table in a `.rows` element:
    its rows beyond the sixth are in sight once it is open."""
    return tag("details", tag("summary", how_many(count, f"more {what}")), class_="more-rows")


def column_head(head: str | tuple[str, str]) -> Markup:
    """The head of a column: what the page calls it, and, where given, what the field does, for downloads."""
    shown, field = head if isinstance(head, tuple) else (head, None)
    return tag("th", shown, scope="col", data_field=field)


def _number_cell(x: Any, text: Callable[[float], str]) -> str:
    if isinstance(x, float):
        return f'<td data-v="{exact(x)}" class="num">{text(x)}</td>'
    if isinstance(x, int) and not isinstance(x, bool):
        return f'<td class="num int">{x:,}</td>'
    return f'<td class="num">{escape(str(x))}</td>'


def transport(name: str, at: int, last: int, whose: str, forth: str, first: str = "Rewind") -> Markup:
    """The buttons of the site's one player.

    name: the value that counts its steps; forth: what one step on is; first: what is seen at 0
    """
    icon = lambda name, kind: join([tag("span", name, class_="sr"), tag("i", class_=kind, aria_hidden="true")])  # noqa: E731

    def turn(label: Markup, by: int, title: str) -> Markup:
        to = min(max(at + by, 0), last)
        return tag(
            "button",
            label,
            type="button",
            class_="button icon",
            title=title,
            data_set=name,
            value=to,
            data_crank_by=by,
            aria_disabled="true" if to == at else None,
        )

    return tag(
        "div",
        turn(icon(first, "rewind"), -at, first),
        turn(icon("Previous step", "back"), -1, "One step back"),
        turn(icon("Next step", "forth"), 1, forth),
        tag(
            "button",
            "Play",
            type="button",
            class_="button",
            data_crank_play=True,
            aria_pressed="false",
            aria_disabled="true" if at == last else None,
        ),
        class_="step-controls climb-controls",
        role="group",
        aria_label=whose,
    )


def stepper(name: str, steps: Sequence[tuple[str, Any]], current: int, *, play: bool = True) -> Markup:
    """A sequence that the reader steps through; all steps are in the page, so stepping needs no Python.

    steps: (title, body) in order; `name` is the state value that holds the current one
    """
    last = len(steps) - 1
    rail = [
        tag(
            "button",
            tag("span", str(i + 1), class_="n"),
            " ",
            title,
            type="button",
            data_step_to=i,
            class_="stop",
            aria_current="step" if i == current else None,
        )
        for i, (title, _) in enumerate(steps)
    ]
    panels = [
        tag("section", tag("h4", title, class_="sr"), body, class_="step", data_step=i, hidden=i != current)
        for i, (title, body) in enumerate(steps)
    ]
    return tag(
        "div",
        tag(
            "div",
            tag(
                "button",
                "Previous step",
                type="button",
                data_step_by="-1",
                class_="button",
                aria_disabled="true" if current == 0 else None,
            ),
            (
                tag("button", "Play", type="button", data_step_play=True, class_="button", aria_pressed="false")
                if play
                else None
            ),
            tag(
                "button",
                "Next step",
                type="button",
                data_step_by="1",
                class_="button main",
                aria_disabled="true" if current == last else None,
            ),
            tag(
                "p",
                f"Step {current + 1} of {last + 1}: {steps[current][0]}",
                class_="step-name",
                aria_live="polite",
                data_step_name=True,
            ),
            class_="step-controls",
            role="group",
            aria_label="Steps",
        ),
        tag("div", *rail, class_="rail", role="group", aria_label="All steps"),
        tag("div", *panels, class_="steps"),
        class_="stepper",
        data_stepper=name,
        data_current=current,
    )


def message(text: str, kind: str = "note") -> Markup:
    """A sentence set apart: 'note', 'problem' or 'finding'."""
    return tag("p", text, class_=f"aside {kind}", role="status" if kind == "problem" else None)


def outcome(words: str) -> Markup:
    """What a press has found, in one short sentence, for those who cannot see it: said once, when it changes."""
    return tag("p", words, class_="sr", role="status", data_outcome=True)


def told(*words: Any) -> Markup:
    """What a figure says in a sentence, and says aloud when it changes."""
    return tag("p", *words, class_="run-says told", aria_live="polite")


def answer_row(
    name: str, said: str, cells: Sequence[Markup], label: str, *, kind: str = "", notes: bool = True, **style: str
) -> Markup:
    """What somebody answers, place by place: a name, what it comes to, and a cell for each place.

    label: the row in words, for those who do not see it; kind: whose it is, as a class; notes: whether cells hold a
    sign each, and are no columns; style: custom properties that they are drawn by
    """
    drawn = ";".join(f"--{what}:{value}" for what, value in {"n": str(len(cells)), **style}.items())
    return tag(
        "div",
        tag("p", tag("b", name), tag("span", said, class_="learner-says"), class_="learner"),
        tag(
            "div",
            *cells,
            class_="shares notes" if notes else "shares",
            style=drawn,
            role="img",
            aria_label=label,
            translate="no",
        ),
        class_=f"answer-row {kind}".strip(),
    )


def definition_row(pairs: Sequence[tuple[str, Any]]) -> Markup:
    """A few named numbers side by side."""
    return tag("dl", *[tag("div", tag("dt", k), tag("dd", v)) for k, v in pairs], class_="facts")


def shape(name: str, axes: str, sizes: Sequence[int]) -> Markup:
    """A tensor's name and shape as the pages write it: `q [T 9 x K 24]`, each axis in its colour."""
    meanings = {"T": "query", "S": "key", "H": "head", "D": "resid", "V": "vocab", "K": "value", "F": "resid"}
    parts: list[Any] = [tag("code", name), " ["]
    for i, (axis, size) in enumerate(zip(axes.split(), sizes, strict=True)):
        parts += [
            " × " if i else "",
            tag("span", f"{axis} {size}", class_=f"axis-{meanings.get(axis, 'resid')}"),
        ]
    return tag("span", *parts, "]", class_="shape", translate="no")

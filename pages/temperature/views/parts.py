"""What the temperature page's widgets share: controls, lean table cells, a chart over a logarithmic axis, whole lists.

The cells are made with f-strings, not with `tag`: a slider redraws hundreds of them, and it has a few milliseconds.
"""

from __future__ import annotations

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


@lab.per_model(2048)
def name_of(token: int) -> str:
    """The token as the pages write it, ready for markup (already escaped)."""
    return str(escape(lab.tokenizer().display(token)))


def plain_name(token: int) -> str:
    """The token as the pages write it, for an attribute (not escaped yet)."""
    return lab.tokenizer().display(token)


@lab.per_model(2048)
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
        c.button(
            name,
            sets="prompt",
            value=PROMPTS[name][0],
            kind="small",
            hint=PROMPTS[name][1],
            pressed=state.prompt == PROMPTS[name][0],
        )
        for name in names
        if name in PROMPTS
    ]
    return tag("div", *buttons, class_="presets", role="group", aria_label="Prompts to try")


def temperature_slider(state: Any) -> Markup:
    """The slider, from 0.01 to 10 in equal ratios, and buttons for round values and the two exact limits."""
    t = state.t
    text = shown_t(t)
    buttons = [
        c.button(
            words,
            sets="t",
            value=shown_t(value) if not math.isinf(value) else "inf",
            pressed=t == value,
            kind="small",
            hint={
                0: "Exactly the limit: all on the best token, ties shared",
                math.inf: "Exactly the limit: all tokens alike",
            }.get(value, ""),
        )
        for value, words in PRESETS
    ]
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
        tag("summary", f"Cut the tail: {on or 'no cut'}"),
        tag(
            "p",
            (
                "A cut removes tokens after the temperature has done its work. It is no part of the temperature; "
                "“Cutting the tail” explains it."
            ),
            class_="hint",
        ),
        tag("div", *fields, class_="cuts"),
        class_="cut-fields",
        open_=bool(on),
        data_opens="top_k top_p min_p",
    )


def bar_cell(value: float, share: float, text: str, *, why: str = "", kind: str = "") -> str:
    """A number with its bar behind it. `share` 0..1 is the bar's length; `why` must be ready for markup."""
    story = f' data-why="{why}"' if why else ""
    return f'<td class="bn{kind}" tabindex="-1" style="--v:{share:.4f}" data-v="{exact(value)}"{story}>{text}</td>'


def bar_table(
    heads: Sequence[Any], rows: Sequence[str], *, label: str, foot: Sequence[str] = (), kind: str = ""
) -> Markup:
    """A table of `bar_cell` rows (each row markup, its <tr> included); the first column names the token."""
    table = tag(
        "table",
        tag("caption", label, class_="sr"),
        tag("thead", tag("tr", *[tag("th", h, scope="col") for h in heads])),
        Markup(f"<tbody>{''.join(rows)}</tbody>"),
        Markup(f"<tfoot>{''.join(foot)}</tfoot>") if foot else None,
        class_=f"chain colour-vocab {kind}".strip(),
        data_grid=True,
    )
    return tag("div", table, class_="scroll")


LISTED = 2000
"""Tokens in that list at most: every change sends their shares to the page."""


def all_tokens(figure: str, look: Any) -> Markup:
    """The whole vocabulary, folded away: the page makes the rows from the numbers here (build/web/vocabulary.js)."""
    ids, names, logits = _listed(look.tokens)
    # ids, names and logits do not change with the temperature; shares do
    shares = json.dumps(look.final[look.order[:LISTED]].tolist())
    data = f'{{"ids":{ids},"names":{names},"logits":{logits},"shares":{shares}}}'
    n = len(look.order)
    rest = look.rest(LISTED)[2]
    words = f"The {LISTED:,} likeliest of {n:,} tokens, searchable; the others together have {percent(rest)}"
    return tag(
        "details",
        tag("summary", f"All {n} tokens, searchable" if n <= LISTED else words),
        tag("div", data_own=True),
        class_="all-tokens",
        data_vocabulary=figure,
        data_list=Markup(data),
    )


@lab.per_model(8)
def _listed(tokens: tuple[int, ...]) -> tuple[str, str, str]:
    from explainer.studies.next_token import logits_after, ranked

    order = ranked(tokens)[:LISTED]
    display = lab.tokenizer().display
    names = json.dumps([display(int(t)) for t in order], ensure_ascii=False)
    return json.dumps(order.tolist()), names, json.dumps(logits_after(tokens)[order].astype(float).tolist())


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
    "EXAMPLE_CUTS",
    "HIGH",
    "LOW",
    "all_tokens",
    "at_t",
    "bar_cell",
    "bar_table",
    "cut_fields",
    "decimals",
    "digits_apart",
    "fine",
    "is_limit",
    "name_of",
    "nats",
    "percent",
    "plain_name",
    "prompt_field",
    "prompts_to_try",
    "said",
    "shown_t",
    "temperature_slider",
    "times",
]

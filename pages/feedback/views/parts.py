"""Parts that the widgets of /feedback/ share: the tape, the crank, the distribution with its tokens to choose."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from explainer.kernel.sampling import Step
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import story
from explainer.ui.html import how_many, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c

STORY = ("prompt", "t", "top_k", "top_p", "min_p", "seed", "step", "choices")
"""The state values that the story is a function of."""

CHANCE = 0.00005  # tokens of a smaller probability are not drawn as bars: they would read "<0.01 %"


def name_of(token: int) -> str:
    return lab.tokenizer().display(token)


def crank(state: Any, told: Sequence[Step], *, then: Markup | str = "") -> Markup:
    """The buttons that turn the crank in the figures below the first. `told`: the story as it stands.

    build/web/crank.js turns them and answers to the arrow keys; without it they set `step` like any button.
    """
    last = state.param.step.bounds[1]
    return tag(
        "div",
        turn_button("Turn it back", -1, state),
        turn_button("Turn the crank", 1, state, kind="main"),
        tag("p", then, stops(state), class_="step-name"),
        class_="step-controls",
        role="group",
        aria_label="The crank",
        data_crank="step",
        data_crank_last=last,
        data_crank_ended=ended(told),
    )


def turn_button(label: Any, by: int, state: Any, *, kind: str = "", title: str | None = None) -> Markup:
    """A button that turns the crank so many times; where it cannot turn, it says so."""
    last = state.param.step.bounds[1]
    to = min(max(state.turns + by, 0), last)
    return tag(
        "button",
        label,
        type="button",
        class_=f"button {kind}".strip(),
        title=title,
        data_set="step",
        value=to,
        data_crank_by=by,
        aria_disabled="true" if to == state.turns else None,
    )


def stops(state: Any) -> str:
    """Why the crank turns no further, if it does not."""
    last = state.param.step.bounds[1]
    return f" The crank stops here: this page turns it {last} times at most." if state.turns == last else ""


def ended(told: Sequence[Step]) -> bool:
    """Whether the model has just written the end of its document."""
    return len(told) > 0 and told[-1].token == lab.tokenizer().end_id


def not_yet(state: Any) -> Markup | None:
    """Where nothing is written: that what is shown is still to come, and a button that writes it."""
    if state.turns:
        return None
    n = state.ahead
    said = f"Nothing is written yet: shown {'is' if n == 1 else 'are'} the {how_many(n, 'turn')} that would come next."
    write = c.button("Write it" if n == 1 else "Write them", sets="step", value=n)
    return tag(
        "div",
        tag("p", said),
        write,
        class_="not-yet",
    )


@lab.per_model(4096)
def name_html(token: int) -> str:
    return html.escape(name_of(token))


def cell(
    token: int,
    kind: str,
    *,
    why: str = "",
    weight: float | None = None,
    value: float | None = None,
    sets: str = "",
    to: Any = None,
    pressed: bool | None = None,
    label: str = "",
    style: str = "",
    name: str = "",
    travel: str = "",
) -> Markup:
    """One cell of a tape. kind: given, drawn, chosen, gone, newest (several words); weight: strength of its colour.

    With `sets` it is a button, one of many: only one of its group is in the tab order (`data-rove`).

    There are many, and they are drawn at every turn: so no `tag` here, but text put together by hand and escaped.
    """
    if weight is not None:
        style += f"--v:{weight:.3g}"
    attributes = f' class="cell {kind}"' + (f' style="{style}"' if style else "")
    if why:
        attributes += f' data-why="{html.escape(why)}"'
    if value is not None:
        attributes += f' data-v="{value!r}"'
    if label:
        attributes += f' aria-label="{html.escape(label)}"'
    if travel:
        attributes += f' data-travel="{travel}"'
    text = name or name_html(token)
    if not sets:
        return Markup(f"<span{attributes}>{text}</span>")
    if pressed is not None:
        attributes += f' aria-pressed="{"true" if pressed else "false"}"'
    return Markup(
        f'<button type="button" tabindex="-1"{attributes}'
        f' data-set="{sets}" value="{html.escape(str(to))}">{text}</button>'
    )


def plain_table(
    heads: Sequence[str], rows: Sequence[Sequence[Any]], label: str, summary: str = "The numbers"
) -> Markup:
    """`components.numbers_table` for many rows of texts and whole numbers, put together quickly."""
    body = "".join(
        "<tr>" + "".join(f'<td class="num">{html.escape(str(x))}</td>' for x in row) + "</tr>" for row in rows
    )
    head = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
    table = (
        f'<table class="numbers" translate="no"><caption class="sr">{html.escape(label)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
    return tag(
        "details",
        tag("summary", summary),
        tag("div", Markup(table), class_="scroll", tabindex="0", role="region", aria_label=label),
        class_="numbers",
    )


def prompt_cells(tokens: Sequence[int], dropped: int = 0) -> list[Markup]:
    """The prompt on the tape; the first `dropped` have left the window."""
    return [cell(t, "given gone" if i < dropped else "given") for i, t in enumerate(tokens)]


def written_cell(
    turn: Step, *, newest: bool = False, gone: bool = False, differs: bool = False, brief: bool = False, **more: Any
) -> Markup:
    """A written token: coloured by the probability that it had, marked if the reader chose it.
    `brief`: no story of it."""
    p = float(turn.final[turn.token])
    how = "drawn" if turn.draw else "chosen"
    kinds = f"{how}{' newest' if newest else ''}{' gone' if gone else ''}{' differs' if differs else ''}"
    if brief:
        return cell(turn.token, kinds, weight=p, **more)
    said = (
        f"turn {turn.index + 1}: {'drawn, with probability' if turn.draw else 'written by you; its probability was'} "
        f"{percent(p)}"
    )
    return cell(turn.token, kinds, why=said, weight=p, value=p, **more)


def tape(cells: Sequence[Markup], label: str, *, rove: bool = False) -> Markup:
    """Cells in a row that wraps: text that is being written.
    rove: they are buttons, among which the arrow keys move."""
    return tag("div", *cells, class_="tape", role="group", aria_label=label, data_rove=rove, translate="no")


def tape_table(prompt: Sequence[int], told: Sequence[Step], gone: int, label: str) -> Markup:
    """A tape in a table: every token, who wrote it, how likely it was; the first `gone` have dropped out."""
    rows: list[list[Any]] = [["", name_of(t), "the prompt", ""] for t in prompt]
    rows += [
        [t.index + 1, name_of(t.token), "drawn" if t.draw else "you", percent(float(t.final[t.token]))] for t in told
    ]
    for row in rows[:gone]:
        row[2] += ", dropped out"
    return plain_table(["turn", "token", "written by", "probability"], rows, label, "The tape as a table")


def fork_texts(choices: story.Choices, turn: int, tokens: Sequence[int]) -> list[str]:
    """The text of `choices` forked at a turn, once for each token that could stand there."""
    before = story.write_choices(story.fork(choices, turn, 0))[:-1]
    return [f"{before}{token}" for token in tokens]


def could_be(
    turn: Step,
    choices: story.Choices,
    n: int,
    label: str,
    *,
    sets: str | None = "choices",
    travel_from: str | None = None,
    written: bool = True,
) -> tuple[Markup, str]:
    """The n most likely tokens of a turn as bars, each a button that forks the story there; and a word about the rest.

    Only tokens that have a chance (`CHANCE`), and the one that stands there, whatever its probability.
    """
    ids, names, probs = top_tokens(turn.final, n)
    shown = [(t, name, p) for t, name, p in zip(ids, names, probs, strict=True) if p >= CHANCE or t == turn.token]
    if written and all(t != turn.token for t, _, _ in shown):
        shown.append((turn.token, name_of(turn.token), float(turn.final[turn.token])))
    ids, names, probs = (list(column) for column in zip(*shown, strict=True))
    chosen = ids.index(turn.token) if written and turn.token in ids else None
    forks = fork_texts(choices, turn.index, ids)
    bars = charts.bars(
        names,
        probs,
        label=label,
        scale=1.0,
        chosen=chosen,
        sets=sets,
        ids=forks,  # type: ignore[arg-type]
        travel_from=travel_from,
    )
    rest = (
        f"The {how_many(len(turn.final) - len(ids), 'other')} together: "
        f"{percent(float(np.delete(turn.final, ids).sum()))}."
    )
    return bars, rest


def one_in(log_probability: float) -> Markup:
    """A very small probability for the eye, to two digits: '1 in 2,300', '1 in 1.2 billion',
    '1 in 3.4 × 10<sup>20</sup>'."""
    if log_probability == -math.inf:
        return Markup("never: its probability is 0")
    power = max(0.0, -log_probability / math.log(10))
    whole = math.floor(power)
    digits = round(10 ** (power - whole), 1)
    if digits >= 10:
        digits, whole = 1.0, whole + 1
    if whole >= 12:
        times = "" if digits == 1 else f"{digits:g} × "
        return Markup(f"1 in {times}10<sup>{whole}</sup>")
    above, name = next((above, name) for above, name in ((9, " billion"), (6, " million"), (0, "")) if whole >= above)
    size = round(digits * 10 ** (whole - above), 1)
    return Markup(f"1 in {size:,.0f}{name}" if size >= 10 or size == round(size) else f"1 in {size:g}{name}")

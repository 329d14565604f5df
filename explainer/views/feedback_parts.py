"""Parts that the widgets of /feedback/ share: the tape, the crank, the distribution with its tokens to choose."""

from __future__ import annotations

import functools
import html
import math
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer import lab, story
from explainer.columns import top_tokens
from explainer.sampling import Step
from explainer.views import components as c
from explainer.views.html import percent, tag

STORY = ("prompt", "t", "top_k", "top_p", "min_p", "seed", "step", "choices")
"""The state values that the story is a function of."""


def name_of(token: int) -> str:
    return lab.tokenizer().display(token)


def crank(state: Any, told: Sequence[Step], *, main: bool = False, then: Markup | str = "") -> Markup:
    """The buttons that turn the crank. `told`: the story as it stands; `main`: those with the site's fixed names, once on the page.

    build/web/crank.js turns them, plays, and answers to the arrow keys; without it they set `step` like any button.
    """
    back, forth = ("Previous step", "Next step") if main else ("Turn it back", "Turn the crank")
    last = state.param.step.bounds[1]
    ended = len(told) > 0 and told[-1].token == lab.tokenizer().end_id
    return tag(
        "div",
        tag("button", back, type="button", class_="button", data_set="step", value=max(state.step - 1, 0), data_crank_by="-1",
            aria_disabled="true" if state.step == 0 else None),
        tag("button", "Play", type="button", class_="button", data_crank_play=True, aria_pressed="false") if main else None,
        tag("button", forth, type="button", class_="button main", data_set="step", value=min(state.step + 1, last), data_crank_by="1",
            aria_disabled="true" if state.step == last else None),
        tag("p", then, class_="step-name", aria_live="polite" if main else None),
        class_="step-controls", role="group", aria_label="The crank", data_crank="step", data_crank_last=last,
        data_crank_ended=bool(ended),
    )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def name_html(token: int) -> str:
    return html.escape(name_of(token))


def cell(
    token: int, kind: str, *, why: str = "", weight: float | None = None, value: float | None = None, sets: str = "",
    to: Any = None, pressed: bool | None = None, label: str = "", style: str = "", name: str = "", travel: str = "",
) -> Markup:  # fmt: skip
    """One cell of a tape. kind: given, drawn, chosen, gone, newest (several words); weight: strength of its colour.

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
    return Markup(f'<button type="button"{attributes} data-set="{sets}" value="{html.escape(str(to))}">{text}</button>')


def plain_table(heads: Sequence[str], rows: Sequence[Sequence[Any]], label: str) -> Markup:
    """`components.numbers_table` for many rows of whole numbers, put together quickly."""
    body = "".join(
        "<tr>" + "".join(f'<td class="num">{html.escape(str(x))}</td>' for x in row) + "</tr>" for row in rows
    )
    head = "".join(f'<th scope="col">{html.escape(h)}</th>' for h in heads)
    table = f'<table class="numbers"><caption class="sr">{html.escape(label)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return tag(
        "details",
        tag("summary", "The numbers"),
        tag("div", Markup(table), class_="scroll", tabindex="0", role="region", aria_label=label),
        class_="numbers",
    )


def prompt_cells(tokens: Sequence[int], dropped: int = 0) -> list[Markup]:
    """The prompt on the tape; the first `dropped` have left the window."""
    return [cell(t, "given gone" if i < dropped else "given") for i, t in enumerate(tokens)]


def written_cell(
    turn: Step, *, newest: bool = False, gone: bool = False, differs: bool = False, brief: bool = False, **more: Any
) -> Markup:
    """A written token: coloured by the probability that it had, marked if the reader chose it. `brief`: no story of it."""
    p = float(turn.final[turn.token])
    how = "drawn" if turn.draw else "chosen"
    kinds = f"{how}{' newest' if newest else ''}{' gone' if gone else ''}{' differs' if differs else ''}"
    if brief:
        return cell(turn.token, kinds, weight=p, **more)
    said = f"turn {turn.index + 1}: {'drawn, with probability' if turn.draw else 'written by you; its probability was'} {percent(p)}"
    return cell(turn.token, kinds, why=said, weight=p, value=p, **more)


def tape(cells: Sequence[Markup], label: str) -> Markup:
    """Cells in a row that wraps: text that is being written."""
    return tag("div", *cells, class_="tape", role="group", aria_label=label)


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
) -> tuple[Markup, float]:
    """The n most likely tokens of a turn as bars, each a button that forks the story there; and what the rest has."""
    ids, names, probs = top_tokens(turn.final, n)
    chosen = ids.index(turn.token) if turn.token in ids else None
    forks = fork_texts(choices, turn.index, ids)
    bars = c.bars(names, probs, label=label, scale=1.0, chosen=chosen, sets=sets, ids=forks, travel_from=travel_from)  # type: ignore[arg-type]
    return bars, max(0.0, 1 - sum(probs))


def one_in(log_probability: float) -> str:
    """A very small probability for the eye: '1 in 2,300', '1 in 12 million', '1 in 10^14', 'never'."""
    if log_probability == -math.inf:
        return "never: its probability is 0"
    power = -log_probability / math.log(10)
    for above, name in ((9, "billion"), (6, "million")):
        if above <= power < above + 3:
            return f"1 in {10 ** (power - above):,.0f} {name}"
    return f"1 in {10**power:,.0f}" if power < 6 else f"1 in 10^{power:.0f}"

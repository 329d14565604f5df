"""Logits -> divide by T -> exp -> normalise, for the whole vocabulary, live."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from explainer import next_token, ops, sampling, temperature
from explainer.temperature import divided, gap
from explainer.views import components as c
from explainer.views.html import join, number, percent, tag
from explainer.views.temperature_parts import (
    all_tokens,
    bar_cell,
    bar_table,
    cut_fields,
    name_of,
    plain_name,
    prompt_field,
    said,
    shown_t,
    temperature_slider,
    times,
)
from explainer.views.widget import Widget

ROWS = 40
REACH = 16.0  # nats behind the best at which a bar has length 0: e^-16 is one in nine million
FANNED = 10  # tokens in the drawing of the stretching


class TemperatureChain(Widget):
    """One prompt, every token, four columns: what the temperature does and nothing else."""

    slug = "temperature"
    title = "From logits to probabilities"
    reads = ("prompt", "t", "top_k", "top_p", "min_p")
    functions = (temperature.chain, sampling.filters, ops.entropy)

    def draw(self) -> Markup:
        s = self.state
        look = s.look()
        return join([
            c.controls(prompt_field(s)),
            c.controls(temperature_slider(s), tag("div", cut_fields(s), class_="cuts")),
            facts(look),
            c.figure("stretch", stretch(look), title="What is stretched is the distance to the best.", caption=words_of_gap(look)),
            c.figure("chain", chain_table(look), all_tokens("chain", look),
                     title="The whole chain, token by token.",
                     caption="Bars of the first two columns end where the best one does and are as much shorter as a token is behind.",
                     readout="Point at a number: it says how it was made."),
        ])  # fmt: skip


def facts(look: Any) -> Markup:
    most = look.final.max()
    return c.definition_row([
        ("most likely", join([Markup(said(int(look.order[0]))), " ", percent(float(most))])),
        ("entropy", f"{look.entropy:.2f} nats"),
        ("as open as", f"{number(look.choices)} equal choices"),
        ("half is held by", tokens(look.holding(0.5))),
        ("nine tenths by", tokens(look.holding(0.9))),
        ("a logit of 20 becomes", number(divided(20.0, look.chain.temperature), 4)),
    ])  # fmt: skip


def tokens(n: int) -> str:
    return f"{n} token" if n == 1 else f"{n} tokens"


def words_of_gap(look: Any) -> Markup:
    """Two tokens, their distance, and what the division makes of it."""
    first, second = look.pair
    g = gap(look.chain, first, second)
    t = shown_t(look.chain.temperature)
    start = join(
        [
            Markup(said(first)),
            f" is {number(g.before)} ahead of ",
            Markup(said(second)),
            f", so e^{number(g.before)} = {times(g.odds_before)} times as likely at T = 1. ",
        ]
    )
    if look.chain.temperature == 0:
        end = (
            "As T goes to 0 every distance grows without end: only the best is left."
            if g.before
            else "They are tied, and a tie stays a tie: they share."
        )
    elif math.isinf(look.chain.temperature):
        end = "As T grows without end every distance shrinks to 0: all tokens become alike."
    else:
        end = f"Divided by T = {t} it is {number(g.after)} ahead: e^{number(g.after)} = {times(g.odds_after)} times as likely."
    return join([start, end])


def stretch(look: Any) -> Markup:
    """Two rails: how far each token is behind the best as the model says it, and after the division. Same ruler for both."""
    width, height, left, right, upper, lower = 640, 154, 30, 540, 34, 104
    made, reach = look.chain, look.reach(FANNED)

    def px(behind: float) -> float:
        return right + (right - left) * max(behind, -1.04 * reach) / reach

    parts = [
        tag("text", "as the model says it", x=left, y=upper - 12),
        tag("text", f"divided by T = {shown_t(made.temperature)}", x=left, y=lower - 10),
        tag("line", x1=left, x2=right, y1=upper, y2=upper, class_="rule"),
        tag("line", x1=left, x2=right, y1=lower, y2=lower, class_="rule"),
    ]
    for k in range(5):
        behind = -reach * k / 4
        parts.append(
            tag(
                "text",
                f"{number(behind, 2)} nats" if k == 0 else number(behind, 2),
                x=f"{px(behind):.1f}",
                y=height - 4,
                text_anchor="middle",
            )
        )
    best = float(made.logits[look.order[0]])
    taken_upper: list[float] = []
    taken_lower: list[float] = []
    for rank, token in enumerate(look.order[:FANNED].tolist()):
        before, after = float(made.logits[token]) - best, float(made.below[token])
        a, b = px(before), px(after)
        gone = after < -reach
        parts.append(
            tag("line", x1=f"{a:.1f}", y1=upper, x2=f"{b:.1f}", y2=lower, class_="fan gone" if gone else "fan")
        )
        parts.append(tag("circle", cx=f"{a:.1f}", cy=upper, r=4, class_="dot colour-vocab"))
        if not gone:
            parts.append(tag("circle", cx=f"{b:.1f}", cy=lower, r=4, class_="dot colour-vocab"))
        for taken, x, y, shown in ((taken_upper, a, upper - 9, True), (taken_lower, b, lower + 17, not gone)):
            words = Markup(name_of(token))
            if shown and x > left - 1 and all(abs(x - other) > 7 * (len(words) + 2) for other in taken):
                taken.append(x)
                parts.append(
                    tag(
                        "text",
                        words,
                        x=f"{x:.1f}",
                        y=y,
                        text_anchor="start" if rank == 0 else "end" if x < left + 20 else "middle",
                        class_="token-name",
                    )
                )
    summary = "; ".join(
        f"{plain_name(t)} {number(float(made.logits[t]) - best)} becomes {number(float(made.below[t]))}"
        for t in look.order[1:FANNED].tolist()
    )
    return c.drawing(
        parts, width, height, f"Distances to the best token before and after the division: {summary}", "fans"
    )


def chain_table(look: Any) -> Markup:
    made, cut = look.chain, bool(look.cuts)
    t = shown_t(made.temperature)
    order = look.order
    best = float(made.logits[order[0]])
    top_scaled = number(float(made.scaled[order[0]]))
    total = number(made.total)
    heads: list[Any] = [
        "token", "logit z", f"z ÷ {t}",
        join(["e", tag("sup", "z ÷ T − best")]),
        f"÷ {total} = share",
    ]  # fmt: skip
    if cut:
        heads.append("after the cuts")
    ids = order[:ROWS]
    rows = []
    limit = made.temperature == 0 or math.isinf(made.temperature)
    for token, z, scaled, below, grown, p, final in zip(
        ids.tolist(), made.logits[ids].tolist(), made.scaled[ids].tolist(), made.below[ids].tolist(),
        made.grown[ids].tolist(), made.probs[ids].tolist(), look.final[ids].tolist(), strict=True,
    ):  # fmt: skip
        behind = number(below)
        why_scaled = (
            f"the limit of {number(z)} ÷ T"
            if limit
            else f"{number(z, 4)} ÷ {t} = {number(scaled, 4)}: {behind} from the best"
        )
        why_grown = (
            f"e^({number(scaled)} − {top_scaled}) = e^{behind} = {number(grown)}"
            if not limit
            else f"e^{behind} = {number(grown)}"
        )
        cells = (
            bar_cell(z, max(0.0, 1 + (z - best) / REACH), number(z))
            + bar_cell(scaled, max(0.0, 1 + below / REACH), number(scaled), why=why_scaled)
            + bar_cell(grown, grown, number(grown), why=why_grown)
            + bar_cell(p, p, percent(p), why=f"{number(grown)} ÷ {total} = {percent(p)}", kind=" share")
        )
        if cut:
            gone = final == 0 and p > 0
            cells += bar_cell(final, final, "cut" if gone else percent(final), kind=" share out" if gone else " share")
        rows.append(f'<tr><th scope="row"><span class="token">{name_of(token)}</span></th>{cells}</tr>')
    grown_rest, p_rest, final_rest = look.rest(ROWS)
    foot = [
        f'<tr><th scope="row">{len(order) - len(ids)} others</th><td></td><td></td>{bar_cell(grown_rest, 0, number(grown_rest))}'
        + bar_cell(p_rest, p_rest, percent(p_rest), kind=" share")
        + (bar_cell(final_rest, final_rest, percent(final_rest), kind=" share") if cut else "")
        + "</tr>",
        f'<tr class="sum"><th scope="row">sum of all {len(order)}</th><td></td><td></td>{bar_cell(made.total, 0, total)}'
        + bar_cell(1.0, 0, "100 %")
        + (bar_cell(1.0, 0, "100 %") if cut else "")
        + "</tr>",
    ]
    return bar_table(
        heads,
        rows,
        label=f"Logits, divided by {t}, exponentiated, normalised: the {len(ids)} most likely tokens",
        foot=foot,
    )


__all__ = ["ROWS", "TemperatureChain", "chain_table", "next_token", "stretch"]

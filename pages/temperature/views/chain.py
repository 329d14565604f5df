"""Logits -> divide by T -> exp -> normalise, for the whole vocabulary, live."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from explainer.kernel import ops, sampling, temperature
from explainer.kernel.temperature import divided, gap
from explainer.studies import next_token
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import (
    all_tokens,
    at_t,
    bar_cell,
    bar_table,
    cut_fields,
    decimals,
    digits_apart,
    fine,
    is_limit,
    name_of,
    plain_name,
    prompt_field,
    said,
    shown_t,
    temperature_slider,
    times,
)

ROWS = 40
FEW = 6  # rows in sight at first; site.css hides the others (.rows)
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
        return join(
            [
                c.controls(prompt_field(s)),
                c.controls(temperature_slider(s), cut_fields(s)),
                facts(look),
                c.figure(
                    "stretch",
                    stretch(look),
                    title="What is stretched is the distance to the best.",
                    caption=words_of_gap(look),
                ),
                c.figure(
                    "chain",
                    chain_table(look),
                    all_tokens("chain", look),
                    title="The whole chain, token by token.",
                    caption=(
                        "Bars of the first two columns show how far a token is behind the best: the best has the "
                        f"longest, a token {REACH:g} or more behind has none."
                    ),
                    readout="Point at a number: it says how it was made.",
                ),
            ]
        )


def facts(look: Any) -> Markup:
    n, most = look.n_best, percent(float(look.final.max()))
    twenty = divided(20.0, look.chain.temperature)
    best = join([Markup(said(int(look.order[0]))), " ", most]) if n == 1 else f"{n:,} tokens alike, {most} each"
    return c.definition_row(
        [
            ("most likely", best),
            ("entropy", f"{look.entropy:.2f} nats"),
            ("as open as", f"{number(look.choices)} equal choices"),
            ("half is held by", how_many(look.holding(0.5), "token")),
            ("nine tenths by", how_many(look.holding(0.9), "token")),
            ("a logit of 20 becomes", number(twenty) if twenty >= 1000 else f"{twenty:.4g}"),
        ]
    )


def words_of_gap(look: Any) -> Markup:
    """Two tokens, their distance, and what the division makes of it."""
    first, second = look.pair
    g = gap(look.chain, first, second)

    def power(distance: float, ratio: float) -> Markup:
        about = [" ≈ ", times(ratio)] if math.isfinite(ratio) else None  # else too large a number to be written out
        return join(["e", tag("sup", fine(distance)), about, " times as likely"])

    start = join(
        [
            Markup(said(first)),
            f" is {fine(g.before)} ahead of ",
            Markup(said(second)),
            ", so ",
            power(g.before, g.odds_before),
            " at T = 1. ",
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
        end = join(
            [
                f"Divided by {at_t(look.chain.temperature)} it is {fine(g.after)} ahead: ",
                power(g.after, g.odds_after),
                ".",
            ]
        )
    return join([start, end])


def stretch(look: Any) -> Markup:
    """Two rails: how far each token is behind the best as the model says it, and after the division.
    Same ruler for both."""
    left, right, upper, lower, height = 26, charts.WIDE - 66, 54, 124, 204
    made, reach = look.chain, look.reach(FANNED)

    def px(behind: float) -> float:
        return right + (right - left) * behind / reach

    words = (
        f"in the limit {at_t(made.temperature)}"
        if is_limit(made.temperature)
        else f"divided by {at_t(made.temperature)}"
    )
    far = sum(below < -reach for below in made.below[look.order[:FANNED]].tolist())
    parts = [
        tag("text", "as the model says it", x=0, y=14),
        tag("text", words + (f" ({how_many(far, 'token')} beyond the ruler)" if far else ""), x=0, y=lower + 46),
        tag("line", x1=left, x2=right, y1=upper, y2=upper, class_="rule"),
        tag("line", x1=left, x2=right, y1=lower, y2=lower, class_="rule"),
    ]
    for k in range(5):
        behind = -reach * k / 4
        tick = f"−{-behind:g}" if k else "0 nats"
        parts.append(tag("text", tick, x=f"{px(behind):.1f}", y=height - 4, text_anchor="middle"))
    best = float(made.logits[look.order[0]])
    taken_upper: list[float] = []
    taken_lower: list[float] = []
    for rank, token in enumerate(look.order[:FANNED].tolist()):
        before, after = float(made.logits[token]) - best, float(made.below[token])
        a, gone = px(before), after < -reach
        # what lands beyond the ruler is drawn as far as the ruler goes
        b, y = (left, upper + (lower - upper) * (a - left) / (a - px(after))) if gone else (px(after), lower)
        parts.append(
            tag("line", x1=f"{a:.1f}", y1=upper, x2=f"{b:.1f}", y2=f"{y:.1f}", class_="fan gone" if gone else "fan")
        )
        parts.append(tag("circle", cx=f"{a:.1f}", cy=upper, r=4, class_="dot colour-vocab"))
        if not gone:
            parts.append(tag("circle", cx=f"{b:.1f}", cy=lower, r=4, class_="dot colour-vocab"))
        for taken, x, at, shown in ((taken_upper, a, upper - 10, True), (taken_lower, b, lower + 18, not gone)):
            name = Markup(name_of(token))
            if shown and x >= left and all(abs(x - other) > charts.LETTER * 1.1 * len(name) + 12 for other in taken):
                taken.append(x)
                anchor = "start" if rank == 0 or x < left + 20 else "middle"
                parts.append(tag("text", name, x=f"{x:.1f}", y=at, text_anchor=anchor, class_="token-name"))
    summary = "; ".join(
        f"{plain_name(t)} {number(float(made.logits[t]) - best)} becomes {number(float(made.below[t]))}"
        for t in look.order[1:FANNED].tolist()
    )
    return charts.drawing(
        parts, charts.WIDE, height, f"Distances to the best token before and after the division: {summary}", "fans"
    )


def chain_table(look: Any) -> Markup:
    made, cut, limit = look.chain, bool(look.cuts), is_limit(look.chain.temperature)
    t = shown_t(made.temperature)
    order = look.order
    best = float(made.logits[order[0]])
    total = number(made.total)
    toward = f", {at_t(made.temperature)}" if limit else ""
    heads: list[Any] = [
        "token",
        "logit z",
        f"limit of z ÷ T{toward}" if limit else f"z ÷ {t}",
        join(["limit of " if limit else None, "e", tag("sup", "(z − best) ÷ T"), toward]),
        f"÷ {total} = share",
    ]
    if cut:
        heads.append("after the cuts")
    ids = order[:ROWS]
    rows = []
    digits = digits_apart(made.logits[ids].tolist())
    for token, z, scaled, below, grown, p, final in zip(
        ids.tolist(),
        made.logits[ids].tolist(),
        made.scaled[ids].tolist(),
        made.below[ids].tolist(),
        made.grown[ids].tolist(),
        made.probs[ids].tolist(),
        look.final[ids].tolist(),
        strict=True,
    ):
        why_scaled = (
            f"the limit of {fine(z)} ÷ T" if limit else f"{fine(z)} ÷ {t} ≈ {fine(scaled)}: {fine(below)} from the best"
        )
        why_grown = (
            f"the limit of exp(({fine(z)} − {fine(best)}) ÷ T)"
            if limit
            else f"exp(({fine(z)} − {fine(best)}) ÷ {t}) ≈ exp({fine(below)}) ≈ {number(grown)}"
        )
        cells = (
            bar_cell(z, max(0.0, 1 + (z - best) / REACH), decimals(z, digits))
            + bar_cell(scaled, max(0.0, 1 + below / REACH), decimals(scaled, digits), why=why_scaled)
            + bar_cell(grown, grown, number(grown), why=why_grown)
            + bar_cell(p, p, percent(p), why=f"{number(grown)} ÷ {total} ≈ {percent(p)}", kind=" share")
        )
        if cut:
            gone = final == 0 and p > 0
            cells += bar_cell(final, final, "cut" if gone else percent(final), kind=" share out" if gone else " share")
        rows.append(f'<tr><th scope="row"><span class="token" translate="no">{name_of(token)}</span></th>{cells}</tr>')
    foot = [others(look, FEW, "when-few"), others(look, ROWS, "when-all")] if len(order) > ROWS else []
    foot.append(
        (
            f'<tr class="sum"><th scope="row">sum of all {len(order)}</th>'
            f"<td></td><td></td>{bar_cell(made.total, 0, total)}"
        )
        + bar_cell(1.0, 0, "100 %")
        + (bar_cell(1.0, 0, "100 %") if cut else "")
        + "</tr>"
    )
    table = bar_table(
        heads,
        rows,
        label=(
            f"Logits, {'in the limit' if limit else 'divided by'} {at_t(made.temperature) if limit else t}, "
            f"exponentiated, normalised: the {len(ids)} most likely tokens"
        ),
        foot=foot,
        kind="even",
    )
    return tag("div", table, c.more_rows(len(ids) - FEW, "token"), class_="rows")


def others(look: Any, shown: int, kind: str) -> str:
    """The row of all tokens behind the first `shown` ones. kind: its class, which says when it is in sight"""
    grown, p, final = look.rest(shown)
    return (
        f'<tr class="{kind}"><th scope="row">{how_many(len(look.order) - shown, "other")}</th><td></td><td></td>'
        + bar_cell(grown, 0, number(grown))
        + bar_cell(p, p, percent(p), kind=" share")
        + (bar_cell(final, final, percent(final), kind=" share") if look.cuts else "")
        + "</tr>"
    )


__all__ = ["ROWS", "TemperatureChain", "chain_table", "next_token", "stretch"]

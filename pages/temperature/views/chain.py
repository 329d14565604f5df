"""Logits -> divide by T -> exp -> normalise, for the whole vocabulary, live."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from explainer.kernel import ops, sampling, temperature
from explainer.kernel.temperature import divided, gap
from explainer.studies import next_token
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import draws
from ..facts import machine as machine_facts
from .machine import drawings, table
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

ROWS = 12
FEW = 6  # rows in sight at first; site.css hides the others (.rows)
REACH = 16.0  # nats behind the best at which a bar has length 0: e^-16 is one in nine million


class TemperatureChain(Widget):
    """The machine: scores on a ruler, stretched, poured on a strip, one ball; below it, folded away, every number."""

    slug = "temperature"
    title = "From logits to probabilities"
    own_only = ""
    reads = ("prompt", "t", "top_k", "top_p", "min_p", "seed", "draws")
    functions = (temperature.chain, sampling.filters, draws.draw_in, machine_facts.machine, ops.entropy)

    def draw(self) -> Markup:
        look = self.state.look()
        return join([self.machine(look), c.beyond(self.all_numbers(look))])

    def machine(self, look: Any) -> Markup:
        """All of it that is needed to operate it, by itself."""
        s = self.state
        told = machine_facts.machine(look, s.made(), s.all_tokens())
        return tag(
            "div",
            c.controls(prompt_field(s)),
            c.figure("stretch", drawings(told)),
            c.controls(temperature_slider(s)),
            tag(
                "div",
                c.controls(
                    tag("button", "Draw", type="button", class_="button main", data_add="draws", value=1),
                    tag("button", "Draw 100", type="button", class_="button small", data_add="draws", value=100),
                    c.button("Start over", sets="draws", value=0, kind="small"),
                    c.number_field("seed", "Seed", s.seed, 0, 2**32 - 1),
                    label="Draw from the strip",
                ),
                tag("p", words_of_ball(told, s.seed), class_="says", aria_live="polite"),
                class_="machine-draw",
            ),
            tag("p", class_="message", data_message="draws", role="alert"),
            tag("div", cut_fields(s), table(told), class_="machine-foot"),
            class_="machine-body",
        )

    def all_numbers(self, look: Any) -> Markup:
        """What lies one press deeper: the whole vocabulary, step by step."""
        return c.whole(
            "Every number, step by step",
            tag("p", words_of_gap(look), class_="gap-words"),
            facts(look),
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
        )


def words_of_ball(told: machine_facts.Machine, seed: int) -> Markup:
    """Where the last ball fell; before the first, what one would fall on."""
    last = told.draws.last
    if last is None:
        return join(["A ball is one number between 0 and 1. On which word will it fall?"])
    name = plain_name(last.token).removeprefix("␣") or plain_name(last.token)
    name = name if any(x.isalnum() for x in name) else f"“{name}”"  # a mark, among words
    others = f", one of the {len(told.draws.counts) - machine_facts.FEW:,} others"
    return join(
        [
            f"Ball {told.draws.n:,} of seed {seed}, at {last.u:.4f}, falls on ",
            tag("strong", name, translate="no"),
            others if told.hit == machine_facts.FEW else None,
            ".",
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


__all__ = ["ROWS", "TemperatureChain", "chain_table", "next_token"]

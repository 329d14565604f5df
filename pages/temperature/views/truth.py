"""The model beside the truth: the corpus knows its own odds, so every forecaster's loss can be told exactly."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from explainer.kernel import temperature
from explainer.studies import forecast
from explainer.studies.forecast import held_out, loss_by_temperature, losses, truth_after
from explainer.ui.html import exact, how_many, join, number, percent, sample, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import (
    at_t,
    name_of,
    nats,
    prompt_field,
    prompts_to_try,
    said,
    temperature_slider,
)

ROWS = 14
HEDGES = (0.1, 0.01, 0.001)
TRY = ("a string of beads", "another free choice", "free choice", "copy a name", "a small sum", "close the bracket")
SHOWN_LOSS = 2.0  # the chart's upper edge, nats; what is above it has an arrow
TICKS = (0.01, 0.1, 0.5, 1, 2, 10)  # as far as the slider goes


class TemperatureTruth(Widget):
    """Not 'the most likely token' but a distribution: the model's, the truth's, and what each forecast costs."""

    slug = "temperature-truth"
    title = "Beside the truth"
    own_only = (
        "The truth is the corpus’s own: only of the storyteller’s little stories is it known what comes next, "
        "and how often. Of English nobody knows it, so this figure stays with the storyteller."
    )
    reads = ("prompt", "t", "hedge")
    beyond = ("hedge",)
    functions = (
        forecast.expected_loss,
        forecast.argmax_forecast,
        forecast.losses,
        forecast.HeldOut,
        forecast.curve,
        forecast.Curve,
        temperature.chain,
    )

    def draw(self) -> Markup:
        s = self.state
        look = s.look(cuts=False)
        truth = truth_after(s.all_tokens())
        text = held_out()
        lost = text.at(s.t)
        return join(
            [
                c.controls(c.beyond(prompt_field(s)), temperature_slider(s)),
                c.beyond(prompts_to_try(s, TRY)),
                self.beside(look, truth),
                c.beyond(
                    c.controls(
                        c.choice(
                            "hedge", "Naming one token, but keeping back", [(h, held_back(h)) for h in HEDGES], s.hedge
                        )
                    ),
                    c.figure(
                        "losses",
                        table_of_losses(look, truth, text, lost, s),
                        title="What each forecast costs,",
                        caption=(
                            "in nats per token: the average surprise. Less is better; "
                            "the truth’s own is the least there is."
                        ),
                    ),
                    tag(
                        "div",
                        c.figure(
                            "loss-by-temperature",
                            by_temperature(s.t, text, lost),
                            title="Which temperature forecasts best?",
                            caption=(
                                f"On the held-out set: {sample(text.floor)}, drawn apart from the training text. 95 % "
                                f"interval at {at_t(s.t)}: {between(text.interval(s.t))}. {beyond()}"
                            ),
                        ),
                        c.figure(
                            "impossible",
                            impossible(s.t, lost),
                            title="What the heat lets in:",
                            caption=(
                                "the share of probability that goes to tokens which the corpus never writes at "
                                "that place."
                            ),
                        ),
                        class_="columns",
                    ),
                ),
            ]
        )

    def beside(self, look: Any, truth: Any) -> Markup:
        if not truth.inside:
            return join(
                [
                    c.message(
                        f"There is no truth to compare with here: the corpus never writes this text. {truth.reason}",
                        "problem",
                    ),
                    c.figure(
                        "beside",
                        pairs(look, None),
                        title="The model alone.",
                        caption="It forecasts all the same. Below, the held-out text still has its truth.",
                    ),
                ]
            )
        return c.figure(
            "beside",
            pairs(look, truth.probs),
            title="Bars: the model. Marks: the truth.",
            caption=f"At {at_t(look.chain.temperature)}; the truth has no temperature.",
        )


def pairs(look: Any, truth: Any) -> Markup:
    """The most likely tokens of both, bars and marks, with both numbers."""
    probs = look.chain.probs
    first = look.order[:ROWS].tolist()
    if truth is not None:
        possible = [t for t in truth.argsort()[::-1][: ROWS - 2].tolist() if truth[t] > 0]
        unlikely = [t for t in first if t not in possible]  # the model's favourites among what cannot come
        first = sorted([*possible, *unlikely[: ROWS - len(possible)]], key=lambda t: (-truth[t], -probs[t]))
    rows = []
    entries = [
        (
            f'<span class="token" translate="no">{name_of(t)}</span>',
            float(probs[t]),
            float(truth[t]) if truth is not None else None,
        )
        for t in first
    ]
    left = None if truth is None else max(0.0, 1 - sum(q for _, _, q in entries if q is not None))
    entries.append((how_many(len(probs) - len(first), "other"), max(0.0, 1 - sum(p for _, p, _ in entries)), left))
    peak = max(max(p, q or 0.0) for _, p, q in entries)  # one scale for all rows, that of the others too
    for name, p, q in entries:
        mark = Markup("") if q is None else charts.mark(min(q / peak, 1), "colour-true")
        true_cell = (
            ""
            if q is None
            else f'<td class="num" tabindex="-1" data-v="{exact(q)}">{percent(q) if q > 1e-15 else "0 %"}</td>'
        )
        rows.append(
            f'<tr><th scope="row">{name}</th>'
            f"{charts.track(charts.bar(min(p / peak, 1)), mark)}"
            f'<td class="num" tabindex="-1" data-v="{exact(p)}">{percent(p)}</td>{true_cell}</tr>'
        )
    heads = [tag("th", "token", scope="col"), tag("td", aria_hidden="true"), tag("th", "model", scope="col")]
    if truth is not None:
        heads.append(tag("th", "truth", scope="col"))
    table = tag(
        "table",
        tag(
            "caption",
            (
                "Next token: the model and the true distribution of the corpus"
                if truth is not None
                else "Next token: the model"
            ),
            class_="sr",
        ),
        tag("thead", tag("tr", *heads)),
        Markup(f"<tbody>{''.join(rows)}</tbody>"),
        class_="bars colour-vocab",
        data_grid=True,
    )
    return tag("div", table, class_="scroll")


def table_of_losses(look: Any, truth: Any, text: Any, lost: tuple[float, float], s: Any) -> Markup:
    """Four forecasters, on this token and on held-out text."""
    here = losses(truth.probs, look.chain.probs, s.hedge, look.chain.logits) if truth.inside else None
    best = Markup(said(int(look.order[0])))
    named = join(["names ", best, " and nothing else"])
    hedged = join(["names ", best, f", keeps {held_back(s.hedge)} back for all"])
    right = f"right {percent(here.right)} of the time" if here else ""
    rows = [
        ("the truth itself (the floor)", here.floor if here else None, text.floor.value, ""),
        (f"the model at {at_t(s.t)}", here.model if here else None, lost[0], ""),
        (hedged, here.hedged if here else None, text.argmax(s.hedge), ""),
        (named, here.argmax if here else None, text.argmax(), right),
    ]
    lines = []
    for name, one, many, note in rows:
        cells = []
        for value, floor in ((one, here.floor if here else None), (many, text.floor.value)):
            if value is None or floor is None:
                cells.append('<td class="num">–</td><td class="num">–</td>')
                continue
            over = value - floor
            cells.append(
                '<td class="num" tabindex="-1"'
                f' data-v="{exact(value)}"{" data-infinite" if math.isinf(value) else ""}>{nats(value)}</td>'
                f'<td class="num soft" tabindex="-1" data-v="{exact(over)}">'
                f"{'0' if abs(over) < 5e-7 else '+' + nats(over)}</td>"
            )
        lines.append(
            tag(
                "tr",
                tag("th", name, " ", tag("span", f"({note})", class_="soft") if note else None, scope="row"),
                Markup("".join(cells)),
            )
        )
    heads = [
        tag("th", "forecaster", scope="col"),
        tag("th", "this token", scope="col"),
        tag("th", "above the floor", scope="col"),
        tag("th", how_many(text.n, "held-out place"), scope="col"),
        tag("th", "above the floor", scope="col"),
    ]
    table = tag(
        "table",
        tag("caption", "Cross-entropy of four forecasters", class_="sr"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *lines),
        class_="losses",
        data_grid=True,
    )
    infinite = (here is not None and math.isinf(here.argmax)) or math.isinf(text.argmax())
    why = (
        (
            "∞ is no misprint: who gives probability 0 to something that then happens is infinitely surprised, once "
            "is enough. Naming one token is safe only where nothing else can come, "
            f"at {percent(text.certain)} of the held-out places."
        )
        if infinite
        else "Here only one token can come, so naming it costs nothing."
    )
    return join([tag("div", table, class_="scroll"), tag("p", why, class_="note")])


def between(ends: tuple[float, float]) -> str:
    """An interval in words."""
    return " to ".join("∞" if math.isinf(x) else nats(x) for x in ends)


def held_back(share: float) -> str:
    """A share that is set, not measured: 10 %, 1 %, 0.1 %."""
    return f"{100 * share:g} %"


def beyond() -> str:
    """What the curve does above its frame, in words."""
    curve = loss_by_temperature()
    above = [row for row in (curve[0], curve[-1]) if row[1] > SHOWN_LOSS]
    ends = " and ".join(f"{number(loss)} at T = {t:g}" for t, loss, _ in above)
    return f"Where an arrow stands it goes on above the frame, to {ends}." if above else ""


def by_temperature(t: float, text: Any, lost: tuple[float, float]) -> Markup:
    curve = loss_by_temperature()
    best = min(curve, key=lambda row: row[1])
    inside = curve[0][0] <= t <= curve[-1][0]
    return charts.xy(
        [("the model", "vocab", [(x, loss) for x, loss, _ in curve])],
        label="Cross-entropy of the model on held-out text by temperature",
        x_name="temperature",
        y_name="nats per token",
        x_ticks=TICKS,
        y_max=SHOWN_LOSS,
        height=220,
        rules=[(text.floor.value, f"the floor: {nats(text.floor.value)}", "true")],
        markers=[(min(max(t, curve[0][0]), curve[-1][0]), f"{at_t(t)}: {nats(lost[0])}")],
        dots=[(best[0], best[1], "vocab")] + ([(t, lost[0], "loss")] if inside else []),
    )


def impossible(t: float, lost: tuple[float, float]) -> Markup:
    curve = loss_by_temperature()
    inside = curve[0][0] <= t <= curve[-1][0]
    return charts.xy(
        [("impossible tokens", "loss", [(x, share) for x, _, share in curve])],
        label="Probability that the model gives to impossible tokens, by temperature",
        x_name="temperature",
        y_name="share",
        x_ticks=TICKS,
        y_max=1.0,
        height=220,
        markers=[(min(max(t, curve[0][0]), curve[-1][0]), f"{at_t(t)}: {percent(lost[1])}")],
        dots=[(t, lost[1], "loss")] if inside else [],
    )


__all__ = ["TemperatureTruth", "number"]

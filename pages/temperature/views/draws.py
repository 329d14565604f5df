"""No noise in the distribution, chance in the draw: the same numbers each time,
and a histogram that approaches them."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup

from explainer.kernel import sampling, temperature
from explainer.kernel.temperature import expected_total_variation
from explainer.studies import next_token
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import draws, machine
from ..facts.draws import MOST, milestones
from .machine import named, strips, strips_table
from .parts import at_t, name_of, prompt_field, said, temperature_slider

ROWS = machine.FEW


class TemperatureDraws(Widget):
    """Recompute: nothing changes. Draw: something happens, and the more often, the less it matters."""

    slug = "temperature-draws"
    title = "Where chance comes in"
    own_only = ""
    reads = ("prompt", "t", "seed", "draws", "checks", "top_k", "top_p", "min_p")
    beyond = ("checks", "draws")
    functions = (
        sampling.draw,
        sampling.draw_at,
        sampling.cumulative,
        draws.draw_in,
        draws.first_draws,
        draws.many_seeds,
        temperature.compare_bits,
        temperature.total_variation,
        temperature.expected_total_variation,
        next_token.again,
    )

    def draw(self) -> Markup:
        s = self.state
        look = s.look()
        made = s.made()
        told, many = machine.machine(look, made, s.all_tokens()), machine.many(look, s.seed, s.all_tokens())
        return join(
            [
                tag(
                    "div",
                    c.controls(prompt_field(s)),
                    c.controls(temperature_slider(s)),
                    c.beyond(self.check(look)),
                    class_="machine-body",
                ),
                c.beyond(
                    tag(
                        "div",
                        c.controls(
                            *[draw_button(n) for n in (1, 100, 10_000)],
                            c.button("Start over", sets="draws", value=0, kind="small"),
                            c.number_field("seed", "Seed", s.seed, 0, 2**32 - 1),
                            label="Draw from the distribution",
                        ),
                        class_="machine-draw wrap",
                    )
                ),
                tag("p", class_="message", data_message="draws", role="alert"),
                c.figure(
                    "strip",
                    strips(told, many),
                    strips_table(told, many),
                    title="The model, the truth, and a thousand balls.",
                    caption=many_words(many, s.t),
                ),
                c.beyond(
                    tag(
                        "div",
                        c.figure(
                            "histogram",
                            histogram(look, made, told),
                            title="The bars and the draws.",
                            caption=(
                                join(
                                    [
                                        "Bar: the probability. Mark: how often it was drawn, out of ",
                                        tag("strong", f"{made.n:,}"),
                                        " so far. Each press adds to them.",
                                    ]
                                )
                                if made.n
                                else "Bar: the probability. A mark will show how often each was drawn."
                            ),
                            note=last_words(made, s.seed),
                        ),
                        c.figure(
                            "approach",
                            approach(look, made),
                            title="How far the histogram still is from the bars.",
                            caption=distance_words(look, made),
                        ),
                        class_="columns",
                    )
                ),
            ]
        )

    def check(self, look: Any) -> Markup:
        """Run the model anew as often as the reader has asked and say whether any bit differed."""
        n = self.state.checks
        button = tag("button", "Compute it again", type="button", class_="button", data_add="checks", value=1)
        if not n:
            said_ = "Run the whole model once more on the same text at the same temperature. Will the bars differ?"
            return tag("div", button, tag("p", said_, class_="check-words"), class_="check-row")
        _, same = next_token.again(look.tokens, look.chain.temperature)
        agree = same.equal == same.numbers
        words = (
            f"Computed anew, from the text to the {same.numbers} probabilities at {at_t(look.chain.temperature)}: "
            f"{same.equal} of {same.numbers} agree in every bit. Largest difference: {number(same.largest)}."
        )
        times = "" if n == 1 else f" You have asked {how_many(n, 'time')}."
        return tag("div", button, c.message(words + times, "finding" if agree else "problem"), class_="check-row")


def draw_button(n: int) -> Markup:
    words = f"Draw {n:,}" + ("" if n == 1 else " times")
    return tag(
        "button",
        words if n > 1 else "Draw 1",
        type="button",
        class_="button main" if n == 1 else "button small",
        data_add="draws",
        value=n,
    )


def last_words(made: Any, seed: int) -> Markup:
    """Where the last ball fell."""
    if made.last is None:
        return join(["Nothing has been drawn yet."])
    d = made.last
    return join(
        [
            f"Number {made.n:,} of seed {seed} is u = {d.u:.6f}. It falls on the stretch of ",
            Markup(said(d.token)),
            f", from {d.low:.4f} to {d.high:.4f}.",
        ]
    )


def many_words(many: machine.Many, t: float) -> Markup:
    """How far a thousand balls are from the strip that they fell on, and from the truth."""
    parts: list[Any] = [
        f"At {at_t(t)} the {many.n:,} balls are ",
        tag("strong", number(many.to_model, 4)),
        f" away from the strip that they fell on (honest draws: {number(many.expected, 4)} on average)",
    ]
    if many.to_truth is not None and many.model_to_truth is not None:
        parts += [
            ". From the truth they are ",
            tag("strong", number(many.to_truth, 4)),
            f" away, the model’s strip {number(many.model_to_truth, 4)}",
        ]
    return join([*parts, ". The distance is total variation: 0 alike, 1 nothing in common."])


def histogram(look: Any, made: Any, told: machine.Machine) -> Markup:
    words = named(told.parts)
    ids = look.order[:ROWS].tolist()
    n = max(made.n, 1)
    rows = []
    shares = [(name_of(t), float(look.final[t]), int(made.counts[t])) for t in ids]
    others = int(made.counts.sum() - sum(k for _, _, k in shares))
    shares.append((how_many(len(look.order) - ROWS, "other"), look.rest(ROWS)[2], others))
    peak = max(max(p, count / n) for _, p, count in shares)  # one scale for all rows, that of the others too
    for k, (name, p, count) in enumerate(shares):
        seen = count / n
        mark = charts.mark(min(seen / peak, 1), "colour-drawn") if made.n else Markup("")
        here = made.last is not None and (ids[k] == made.last.token if k < len(ids) else made.last.token not in ids)
        arrives = f' data-travel="draw{made.n}"' if here else ""
        token = (
            f'<span class="token" translate="no"{arrives}>{name}</span>'
            if k < len(ids)
            else f"<span{arrives}>{name}</span>"
        )
        rows.append(
            f'<tr class="{words[k][1]}"><th scope="row">{token}</th>'
            f"{charts.track(charts.bar(min(p / peak, 1)), mark)}"
            f'<td class="num" tabindex="-1" data-v="{exact(p)}">{percent(p)}</td>'
            f'<td class="num" tabindex="-1" data-v="{exact(seen)}">{percent(seen) if made.n else "–"}</td>'
            f'<td class="num" tabindex="-1" data-v="{count}">{count:,}</td></tr>'
        )
    heads = [
        tag("th", "token", scope="col"),
        tag("td", aria_hidden="true"),
        tag("th", "probability", scope="col"),
        tag("th", "drawn", scope="col"),
        tag("th", "times", scope="col"),
    ]
    table = tag(
        "table",
        tag("caption", f"Probability and share of {made.n:,} draws, token by token", class_="sr"),
        tag("thead", tag("tr", *heads)),
        Markup(f"<tbody>{''.join(rows)}</tbody>"),
        class_="bars colour-vocab",
        data_grid=True,
    )
    return tag("div", table, class_="scroll")


def approach(look: Any, made: Any) -> Markup:
    steps = milestones(max(made.n, 100))
    expected = [(float(n), expected_total_variation(look.final, n)) for n in steps]
    path = [(float(n), d) for n, d in made.path]
    ticks = [10.0**k for k in range(math.ceil(math.log10(steps[-1])) + 1)]
    return charts.xy(
        [("these draws", "drawn", path), ("expected of honest draws", "vocab", expected)],
        label="Total variation distance between the histogram and the bars, by number of draws",
        x_name="draws",
        y_name="distance",
        x_ticks=ticks,
        y_max=1.0,
        dots=[(*path[-1], "drawn")] if path else [],
        height=180,
    )


def distance_words(look: Any, made: Any) -> Markup:
    """How far, how far on average, and how far with a hundred times as many draws: all from the formula,
    for every T."""
    if not made.n:
        return join(
            ["Total variation distance: half the summed differences, 0 when they agree. Nothing has been drawn yet."]
        )
    now, later = (expected_total_variation(look.final, n) for n in (made.n, 100 * made.n))
    after = join(
        [
            f"After {made.n:,}: total variation distance ",
            tag("strong", number(made.distance, 4)),
            " (0: they agree; 1: nothing in common). ",
        ]
    )
    if now == 0:
        return join([after, "Only one token can be drawn, so the draws agree with the bar from the first on."])
    return join(
        [
            after,
            (
                f"Honest draws are {number(now, 4)} away on average, and {number(later, 4)} with a hundred times "
                "as many. That is a tenth once every token that matters has been drawn several times."
            ),
        ]
    )


__all__ = ["MOST", "ROWS", "TemperatureDraws"]

"""Plots, live: what a reader types and slides changes what is plotted."""

from __future__ import annotations

import math

from markupsafe import Markup

from explainer.models import lab
from explainer.studies import openness
from explainer.ui.html import join, number
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.widget import Widget


class Plots(Widget):
    """Charts to pan and zoom, with the numbers under the pointer."""

    slug = "components-plot"
    title = "Plots: charts to explore"
    reads = ("prompt", "t")
    functions = (openness.entropy_by_temperature, openness.entropy_by_place)

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        logits = lab.trace(tokens)["logits"]
        return join(
            [
                c.controls(
                    c.beyond(c.text_field("prompt", "Prompt", s.prompt, hint=c.tokens_in(len(tokens)))),
                    c.slider("t", "Temperature", s.t, 0.01, 10, log=True, ticks=(0.01, 0.1, 1, 10)),
                ),
                c.figure(
                    "openness",
                    over_temperature(logits[-1], s.t).markup(),
                    title="How open the next token is, at every temperature",
                    caption=c.beyond("The dot is the slider’s temperature. Entropy in nats: 0 is certain."),
                ),
                c.beyond(
                    c.figure(
                        "openness-by-place",
                        over_places(logits).markup(),
                        title="And as the text grows",
                        caption=(
                            "Write another word at the end of the prompt: what is plotted stays, the curve goes on."
                        ),
                    )
                ),
            ]
        )


def over_temperature(logits: openness.Array, t: float) -> Plot:
    """The entropy after the prompt at every temperature. logits: [V]"""
    grid = openness.TEMPERATURES
    curve = tuple(map(float, openness.entropy_by_temperature(logits)))
    (here,) = map(float, openness.entropy_by_temperature(logits, (t,)))
    return Plot(
        "openness",
        "Entropy of the next token over the temperature",
        Axis("temperature", low=grid[0], high=grid[-1], log=True),
        Axis("entropy", "nats", 0.0, math.ceil(math.log(len(logits)))),
        (Series("entropy", "vocab", grid, curve), Series("entropy at the slider", "vocab", (t,), (here,), "dots")),
        markers=((t, f"T = {number(t)}"),),
    )


def over_places(logits: openness.Array) -> Plot:
    """The entropy after each token of the prompt, at temperature 1. logits: [T, V]"""
    curve = tuple(map(float, openness.entropy_by_place(logits)))
    return Plot(
        "openness-by-place",
        "Entropy of the next token after each token of the prompt",
        Axis("token", low=0.0, high=float(max(len(curve) - 1, 1)), whole=True),
        Axis("entropy", "nats", 0.0, charts.round_ticks(0.0, max(curve))[-1]),
        (Series("entropy", "vocab", tuple(float(i) for i in range(len(curve))), curve),),
    )

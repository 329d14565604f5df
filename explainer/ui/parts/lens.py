"""The logit lens as a table: what a model would say if it stopped after each sub-layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from explainer.models.columns import top_tokens
from explainer.studies import attention_facts as facts
from explainer.ui.html import exact, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c

ALIKE = 1e-6
"""Chances that differ by less are the same."""
TRAINED = (
    "The last {norm} and the unembedding, applied early. The model was not trained to be read there: "
    "early rows are hints, the last row is its answer."
)
"""What early rows are worth of a model that was trained. norm: `lean.norm_name`"""


def lens(stages: Sequence[facts.Lens], followed: str, note: str) -> Markup:
    """The prediction if the model stopped at each stop.

    stages: of the model in use (`attention_facts.lens`); followed: the name of the token they are about; note: what
    early rows are worth
    """
    rows = []
    for stage in stages:
        _, shown, chances = top_tokens(stage.probs, 2)
        chance = facts.chance_of(stage)
        guesses = [
            tag("span", c.token(name), " ", tag("span", percent(p), class_="soft"), " ", class_="lens-guess")
            for name, p in zip(shown, chances, strict=True)
        ]
        tied = float(np.ptp(stage.probs)) < ALIKE
        rows.append(
            tag(
                "tr",
                tag(
                    "th",
                    stage.name,
                    scope="row",
                    class_="axis-head" if stage.name.startswith("attention") else "axis-resid",
                ),
                charts.track(charts.bar(chance, "colour-vocab")),
                tag(
                    "td",
                    percent(chance),
                    data_v=exact(chance),
                    class_="num",
                    tabindex="-1",
                    data_why=(
                        f"after {stage.name}: {percent(chance)}, place {stage.rank} in the vocabulary, "
                        f"ln p = {number(stage.log_prob)}"
                    ),
                ),
                tag("td", "tied" if tied else f"{stage.rank}.", data_v=str(stage.rank), class_="num"),
                tag("td", tag("span", "all alike", class_="soft") if tied else join(guesses)),
            )
        )
    heads = [
        tag("th", "after", scope="col"),
        tag("td", aria_hidden="true"),
        tag("th", c.token(followed), scope="col", class_="num"),
        tag("th", "place", scope="col", class_="num"),
        tag("th", "first guesses", scope="col"),
    ]
    table = tag(
        "table",
        tag("caption", f"Logit lens: {followed} after every sub-layer", class_="sr"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
        class_="bars lens",
        data_grid=True,
    )
    return c.figure(
        "lens",
        tag("div", table, class_="scroll"),
        caption=join(
            ["The logit lens: if the model stopped here, would it say ", c.token(followed, axis="axis-vocab"), "?"]
        ),
        note=note,
        readout=" ",
    )

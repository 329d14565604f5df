"""Every head's scores: how much it reads of the token before, of what followed last time, and whether it copies."""

from __future__ import annotations

import inspect
from typing import Any

from markupsafe import Markup

from explainer.kernel import heads as kernel
from explainer.kernel.heads import CLEAR
from explainer.models import lab
from explainer.studies import copying as study
from explainer.studies import further
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import duel
from ..facts.duel import WHO


class CopyScores(Widget):
    """The scores by which induction heads are recognised, for every head of a model."""

    slug = "copying-scores"
    title = "Every head, by three scores"
    own_only = ""
    reads = ("prompt", "of")
    functions = (kernel.role_targets, study.copied, study.writes, inspect.unwrap(further.on_text))

    def draw(self) -> Markup:
        if not lab.is_own():
            return self.further()
        s = self.state
        found, writes = duel.scores(s.of), duel.writes(s.of)
        scores = found.scores.scores
        tables = (
            one("Reads what followed last time", scores["induction"], False),
            one("Makes likelier what it reads", writes.sign, True),
            c.beyond(one("Reads the token before", scores["previous_token"], False)),
        )
        both = both_of(s.of)
        names = " and ".join(f"{layer}.{head}" for layer, head in both)
        finding = f"Both at once: {how_many(len(both), 'head')}, {names}." if both else "No head does both."
        sample = "letters" if s.of == duel.HAND else "words and pieces of names"
        return join(
            [
                c.controls(c.choice("of", "Model", list(WHO.items()), s.of)),
                c.figure(
                    "scores",
                    tag("div", *tables, class_="score-tables"),
                    c.message(finding, "finding"),
                    tag(
                        "p",
                        f"Measured on {duel.ROWS} rows of different {sample} in random order, said twice; reading all "
                        f"alike would give the first score {percent(found.scores.chance['induction'])}. The second is "
                        "read off the weights, from −1 (what is read is made less likely) to 1.",
                        class_="note",
                    ),
                ),
            ]
        )

    def further(self) -> Markup:
        """Another model's heads, on the reader's text: what they read by place, and what followed the same token."""
        tokens = self.state.tokens()
        found = further.head_scores(tokens)
        clear = sorted(
            ((int(i), int(h)) for i, h in zip(*(found.scores["induction"] >= CLEAR).nonzero(), strict=True)),
            key=lambda at: -float(found.scores["induction"][at]),
        )
        n = found.n["induction"]
        names = ", ".join(f"{layer}.{head}" for layer, head in clear[:12])
        finding = (
            f"{how_many(len(clear), 'head')} of {found.scores['induction'].size:,} give {percent(CLEAR)} of their "
            f"reading or more to what followed the same token before: {names}{', …' if len(clear) > 12 else ''}."
            if clear
            else "No token of your text comes twice, so nothing can have followed it before: write something twice."
            if not n
            else f"No head gives {percent(CLEAR)} of its reading to what followed the same token before."
        )
        return join(
            [
                c.controls(c.text_field("prompt", "Prompt", self.state.prompt, hint=c.tokens_in(len(tokens)))),
                c.figure(
                    "scores",
                    c.message(finding, "finding"),
                    tag(
                        "div",
                        one("Reads what followed last time", found.scores["induction"], False),
                        c.beyond(one("Reads the token before", found.scores["previous_token"], False)),
                        class_="score-tables",
                    ),
                    tag(
                        "p",
                        f"Measured on your text alone, now: {how_many(n, 'place')} where a token stands for the second "
                        "time or later. A head that looks there in one text may look elsewhere in another.",
                        class_="note",
                    ),
                ),
            ]
        )


def both_of(who: str) -> list[tuple[int, int]]:
    """The heads that look where an induction head looks (CLEAR) and copy what they read: from below."""
    looks, copies = duel.scores(who).scores.scores["induction"], duel.writes(who).sign
    return [(int(i), int(h)) for i, h in zip(*((looks >= CLEAR) & (copies >= CLEAR)).nonzero(), strict=True)]


def one(name: str, values: Any, signed: bool) -> Markup:
    """One score of all heads as a heat map: layers from above to below as in the code."""
    layers, heads = values.shape
    return tag(
        "div",
        tag("b", name),
        c.heat_table(
            values,
            [str(i) for i in range(layers)],
            [str(h) for h in range(heads)],
            label=f"{name}: every head",
            row_axis="resid",
            col_axis="head",
            row_name="layer",
            col_name="head",
            signed=signed,
            scale=1.0,
            why=lambda layer, head: f"{name}, head {layer}.{head}",
        ),
        class_="score-table",
    )

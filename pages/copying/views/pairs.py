"""New pairs in the prompt: what each model says of one prompt, and how often it is right over the number of pairs."""

from __future__ import annotations

import inspect

from markupsafe import Markup

from explainer.models import lab
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import mapping as facts
from ..facts.formation import depths
from .forms import COLOURS

OF_STORYTELLERS = (
    "The bar is this model, on this one prompt. The curve is the storytellers’: "
    "many prompts would take this one too long."
)


class NewPairs(Widget):
    """a is x, b is y, a is what? Words that were never paired before, and a rule that must be guessed."""

    slug = "new-pairs"
    title = "New pairs in the prompt"
    own_only = ""
    reads = ("kind", "pairs", "draw_no")
    functions = (facts.prompt, facts.said, inspect.unwrap(facts.learnt))

    def draw(self) -> Markup:
        s = self.state
        found = facts.prompt(s.kind, s.pairs, s.draw_no)
        return join(
            [
                c.controls(
                    c.choice("kind", "Pairs", list(facts.KINDS.items()), s.kind),
                    c.slider("pairs", "How many pairs", int(s.pairs), 1, facts.PAIRS[-1], step=1),
                    c.button("Another prompt", sets="draw_no", value=(s.draw_no + 1) % 1000),
                ),
                c.figure(
                    "pairs",
                    tag(
                        "p",
                        tag("span", found.text, class_="was"),
                        tag("span", f" {found.answer.strip()}?", class_="due"),
                        class_="writes one-line",
                        translate="no",
                    ),
                    tag("div", c.beyond(tag("div", curve(s.kind))), self.here(found), class_="forms"),
                    None if lab.is_own() else tag("p", OF_STORYTELLERS, class_="note"),
                    c.beyond(table(s.kind)),
                ),
            ]
        )

    def here(self, found: facts.Prompt) -> Markup:
        """The chance that each model gives the right word in this one prompt."""
        names = [(how_many(n, "layer"), lab.FAMILY[n]) for n in depths()] if lab.is_own() else [(lab.in_use(), None)]
        told = [(name, facts.said(found, of)) for name, of in names]
        words = [
            f"{name}: {lab.tokenizer(of).display(said.token).strip('␣')}"
            for (name, said), (_, of) in zip(told, names, strict=True)
        ]
        return charts.bars(
            words,
            [said.right for _, said in told],
            label=f"The chance of “{found.answer.strip()}” in this prompt",
            colour="vocab",
            text=percent,
            heads=("who reads it: what it says", f"chance of “{found.answer.strip()}”"),
        )


def curve(kind: str) -> Markup:
    """How often the family is right, over the number of pairs, beside a guess."""
    series = [
        (
            how_many(layers, "layer"),
            COLOURS[layers],
            [(float(x.pairs), x.right.value) for x in facts.learnt(lab.FAMILY[layers], kind)],
        )
        for layers in depths()
    ]
    words = "a guess among the numbers" if kind == "rule" else "a guess among the answers shown"
    series.append((words, "true", [(float(k), facts.chance(kind, k)) for k in facts.PAIRS]))
    return charts.xy(
        series,
        label="The share of right answers, by the number of pairs in the prompt",
        x_name="pairs in the prompt",
        y_name="right",
        x_ticks=facts.PAIRS,
        y_max=1.0,
        log_x=False,
    )


def table(kind: str) -> Markup:
    """Right answers, and answers that are one of those shown, with their intervals."""
    rows = []
    for k, pairs in enumerate(facts.PAIRS):
        row: list[object] = [pairs]
        for layers in depths():
            x = facts.learnt(lab.FAMILY[layers], kind)[k]
            row += [
                f"{percent(x.right.value)} ({percent(x.right.low)} to {percent(x.right.high)})",
                percent(x.offered.value),
            ]
        rows.append([*row, percent(facts.chance(kind, pairs))])
    heads = ["pairs"]
    for layers in depths():
        heads += [f"{how_many(layers, 'layer')}: right", f"{how_many(layers, 'layer')}: one of those shown"]
    return c.numbers_table(
        [*heads, "a guess"],
        rows,
        f"Right answers in {facts.PROMPTS} prompts for each number of pairs, with 95 % intervals",
        summary="With intervals",
    )

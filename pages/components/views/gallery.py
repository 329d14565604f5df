"""Every component in every state, with real numbers: the page for people who build pages."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.kernel import ops
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.ui.design import MEANINGS
from explainer.ui.html import join, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget


class Gallery(Widget):
    """Every part that figures are made of, in every state that it has."""

    slug = "components"
    title = "Components"
    reads = ("prompt", "layer", "t", "query", "on")
    functions = (c.heat_table, charts.bars, c.token_strip, c.slider, c.stepper, charts.lines)

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        trace = lab.trace(tokens)
        pattern = trace[f"blocks.{s.layer}.attn.pattern"][0]
        q = trace[f"blocks.{s.layer}.attn.q"][:, 0]
        probs = ops.softmax(trace["logits"][-1].astype("float64"))
        _, top, chances = top_tokens(probs, 6)
        entropies = [float(ops.entropy(ops.softmax(row.astype("float64")))) for row in trace["logits"]]
        masked = [[k > t for k in range(len(names))] for t in range(len(names))]
        shape = trace[f"blocks.{s.layer}.attn.pattern"].shape
        shifted = [max(0.0, e - 0.4) for e in entropies]
        pieces = [
            part(
                "Colours",
                "One per meaning, in prose as in figures. A figure names the meaning, never a colour.",
                tag(
                    "div",
                    *[tag("span", f"{name}: {MEANINGS[name][0]}", class_=f"legend colour-{name}") for name in MEANINGS],
                    class_="legend-row",
                ),
            ),
            part(
                "Fields",
                (
                    "For what the reader types or picks. Native elements with a visible label. A hint says what "
                    "is expected; what cannot be done is said under the field itself (type a query token that "
                    "does not exist)."
                ),
                c.controls(
                    c.text_field("prompt", "Prompt", s.prompt, hint="A hint."),
                    c.choice("layer", "Layer", [(i, str(i)) for i in range(lab.model().config.n_layers)], s.layer),
                    c.number_field("query", "Query token", s.query, 0, len(tokens) - 1),
                    c.check("on", "A switch", s.on),
                ),
            ),
            part(
                "Slider",
                (
                    "For a quantity whose movement matters. A log scale where ratios matter; "
                    "the value stands beside the name."
                ),
                c.controls(c.slider("t", "Temperature", s.t, 0.01, 10, log=True, ticks=(0.01, 0.1, 1, 10))),
            ),
            part(
                "Buttons",
                ("One main button at most in a row. Pressed says which of several holds; small ones are for examples."),
                tag(
                    "div",
                    c.button("A button"),
                    c.button("The main one", kind="main"),
                    c.button("Pressed", pressed=True),
                    c.button("Not pressed", pressed=False),
                    c.button("Small", kind="small"),
                    c.button("Small, pressed", kind="small", pressed=True),
                    tag("button", "At its end", type="button", class_="button", aria_disabled="true"),
                    class_="presets",
                ),
            ),
            part(
                "Token",
                "In a sentence or the head of a table.",
                tag(
                    "p",
                    c.token(names[-2:][0]),
                    " as it is, ",
                    c.token(names[-2:][0], axis="axis-query"),
                    " as a query, ",
                    c.token(names[0], axis="axis-key"),
                    " as a key.",
                ),
            ),
            part(
                "Token strip",
                (
                    "The text as the model gets it: spaces and bytes are visible, every token has its number. To "
                    "choose one (click, or arrow keys), or shaded by a weight."
                ),
                c.token_strip(names, sets="query", chosen=s.query, label="To choose one"),
                c.token_strip(
                    names, axis="head", weights=[float(x) for x in pattern[s.query]], label="Shaded by attention"
                ),
            ),
            part(
                "Heat table",
                (
                    "For a matrix. It is a table, so that picture, text equivalent and download are one thing. "
                    "Point at a cell, or walk with the arrow keys: the line below says the exact value. Numbers "
                    "in the cells up to about twelve columns; as wide as its place where the pattern is what "
                    "counts."
                ),
                c.figure(
                    "unsigned",
                    c.heat_table(
                        pattern,
                        names,
                        names,
                        label="pattern",
                        masked=masked,
                        chosen_row=s.query,
                        row_name="query",
                        col_name="key",
                    ),
                    title="Unsigned, masked, one row chosen",
                    caption=c.shape("pattern", "H T S", shape),
                ),
                c.figure(
                    "signed",
                    c.heat_table(
                        q,
                        names,
                        [str(i) for i in range(q.shape[1])],
                        label="queries",
                        signed=True,
                        size="medium",
                        col_axis="value",
                    ),
                    title="Signed",
                    caption="zero is the neutral shade",
                ),
                tag(
                    "div",
                    c.figure(
                        "fill",
                        c.heat_table(
                            pattern, names, names, label="pattern, as wide as its place", size="fill", masked=masked
                        ),
                        title="As wide as its place",
                    ),
                    c.figure(
                        "small",
                        c.heat_table(pattern, names, names, label="pattern, small", size="small"),
                        title="Small",
                        caption="beside others of its kind",
                    ),
                    class_="columns",
                ),
            ),
            part(
                "Bars",
                (
                    "For shares of a few out of many. Marks show a second quantity on the same scale; "
                    "names may be buttons."
                ),
                tag(
                    "div",
                    c.figure("bars", charts.bars(top, chances, label="next token", chosen=0), title="One chosen"),
                    c.figure(
                        "bars-marked",
                        charts.bars(
                            top,
                            chances,
                            label="next token and a second series",
                            others={"true": [x * 0.8 for x in chances]},
                        ),
                        title="With marks",
                    ),
                    class_="columns",
                ),
            ),
            part(
                "Line chart",
                "For something over steps. The numbers are folded away under it.",
                c.figure(
                    "lines",
                    charts.lines(
                        {"one": entropies, "another": shifted},
                        label="Two lines over positions",
                        x_name="position",
                        y_name="nats",
                        colours={"another": "loss"},
                        marks=(2,),
                    ),
                ),
            ),
            part(
                "Stepper",
                (
                    "For something that happens in an order. All steps are in the page, so stepping needs no "
                    "Python: buttons, arrow keys, Space plays. What carries the same name in two steps travels."
                ),
                c.stepper(
                    "step",
                    [
                        ("Given", travelling(0)),
                        ("Moved", travelling(1)),
                        ("Used", travelling(2)),
                    ],
                    s.step,
                ),
            ),
            part(
                "Words",
                (
                    "A note for what to keep in mind, a finding for what was measured, a problem for what went "
                    "wrong; facts are few numbers with names."
                ),
                c.message("A note."),
                c.message("A finding.", "finding"),
                c.message("A problem, in plain words.", "problem"),
                c.definition_row([("tokens", len(tokens)), ("layers", lab.model().config.n_layers)]),
            ),
        ]
        return join([*pieces[:2], c.beyond(*pieces[2:])])


def travelling(step: int) -> Markup:
    """A value in one of three places."""
    cells = [
        tag("span", tag("span", "0.83", class_="text"), class_="token", translate="no", data_travel="value")
        if i == step
        else c.token("\u00a0")
        for i in range(3)
    ]
    return tag("div", *cells, class_="tokens axis-value thirds columns", role="group", aria_label="Where the value is")


def part(name: str, words: str, *body: Any) -> Markup:
    """One component: when to use it, then itself."""
    return tag("section", tag("h4", name), tag("p", words, class_="note"), *body, class_="step")

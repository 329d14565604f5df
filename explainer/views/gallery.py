"""Every component in every state, with real numbers: the page for people who build pages."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer import lab, ops
from explainer.columns import top_tokens
from explainer.views import components as c
from explainer.views.design import MEANINGS
from explainer.views.html import join, tag
from explainer.views.widget import Widget


class Gallery(Widget):
    slug = "components"
    title = "Components"
    reads = ("prompt", "layer", "t", "query", "on")
    functions = (c.heat_table, c.bars, c.token_strip, c.slider, c.stepper, c.line_chart)

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
        return join(
            [
                part("Colours", "One per meaning, everywhere.", tag("div", *[tag("span", f"{name}: {MEANINGS[name][0]}", class_=f"legend colour-{name}") for name in MEANINGS], class_="legend-row")),
                part("Controls", "Native elements with real names; they send what the reader sets.", c.controls(
                    c.text_field("prompt", "Prompt", s.prompt, hint="A hint stands under the field; a message replaces nothing."),
                    c.choice("layer", "Layer", [(i, str(i)) for i in range(lab.model().config.n_layers)], s.layer),
                    c.slider("t", "Temperature", s.t, 0.01, 10, log=True, ticks=(0.01, 0.1, 1, 10)),
                    c.number_field("query", "Query token", s.query, 0, len(tokens) - 1),
                    c.check("on", "A switch", s.on),
                    c.button("A button"), c.button("The main one", kind="main"), c.button("Pressed", pressed=True),
                )),
                part("Token strip", "Whitespace and bytes are visible; choose by click or arrow keys.", c.token_strip(names, sets="query", chosen=s.query), c.token_strip(names, axis="head", weights=[float(x) for x in pattern[s.query]], label="shaded by attention")),
                part("Heat table", "A table that is a heat map: unsigned and masked, signed, and small.",
                     c.figure("unsigned", c.heat_table(pattern, names, names, label="pattern", masked=masked, chosen_row=s.query, row_name="query", col_name="key"), caption=c.shape("pattern", "H T S", trace[f"blocks.{s.layer}.attn.pattern"].shape)),
                     c.figure("signed", c.heat_table(q, names, [str(i) for i in range(q.shape[1])], label="queries", signed=True, size="medium", col_axis="value"), title="Signed"),
                     c.figure("small", c.heat_table(pattern, names, names, label="pattern, small", size="small"), title="Small")),
                part("Bars", "Names, bars, numbers.", c.figure("bars", c.bars(top, chances, label="next token", chosen=0))),
                part("Line chart", "Lines with their table.", c.figure("lines", c.line_chart({"entropy": entropies}, label="Entropy of the next token, by position", x_name="position", y_name="nats"))),
                part("Stepper", "All steps are in the page.", c.stepper("step", [("First", tag("p", "one")), ("Second", tag("p", "two")), ("Third", tag("p", "three"))], s.step)),
                part("Messages", "Notes, findings, problems; facts in a row.", c.message("A note."), c.message("A finding.", "finding"), c.message("A problem, in plain words.", "problem"), c.definition_row([("tokens", len(tokens)), ("layers", lab.model().config.n_layers)])),
            ]
        )  # fmt: skip


def part(name: str, words: str, *body: Any) -> Markup:
    return tag("section", tag("h4", name), tag("p", words, class_="note"), *body, class_="step")

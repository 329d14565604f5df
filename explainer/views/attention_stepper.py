"""The attention stepper: one head, one query token, one step at a time, all numbers from one trace."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer import lab, model, ops
from explainer.columns import top_tokens
from explainer.explain import explain
from explainer.views import components as c
from explainer.views.html import join, number, tag
from explainer.views.widget import Widget


class AttentionStepper(Widget):
    """Residual stream -> LayerNorm -> q, k, v -> q.k -> / sqrt(K) -> mask -> softmax -> mix -> W_O -> added back."""

    slug = "attention-stepper"
    title = "One attention layer, by hand"
    reads = ("prompt", "layer", "head", "query")
    functions = (
        model.normalize, model.project_heads, model.dot_products, model.scale_scores, model.causal_mask,
        model.attention_pattern, ops.softmax, model.weighted_sum, model.head_outputs, model.sum_heads, model.add,
    )  # fmt: skip

    def draw(self) -> Markup:
        s = self.state
        m = lab.model()
        tokens = s.tokens()
        names = lab.names_of(tokens)
        trace = lab.trace(tokens)
        return join(
            [
                c.controls(
                    c.text_field("prompt", "Prompt", s.prompt, hint=f"{len(tokens)} tokens, the start token included"),
                    c.choice("layer", "Layer", [(i, str(i)) for i in range(m.config.n_layers)], s.layer),
                    c.choice("head", "Head", [(i, str(i)) for i in range(m.config.n_heads)], s.head),
                    c.choice("query", "Query token", [(i, f"{i}: {n}") for i, n in enumerate(names)], s.query),
                ),
                c.token_strip(names, sets="query", chosen=s.query, label="Choose the token that asks"),
                c.stepper("step", Steps(trace, m.params, names, s.layer, s.head, s.query).all(), s.step),
            ]
        )


class Steps:
    """The ten steps as markup, for one head and one query token."""

    def __init__(self, trace: Any, params: Any, names: list[str], layer: int, head: int, query: int):
        self.trace, self.params, self.names = trace, params, names
        self.layer, self.head, self.query = layer, head, query
        self.asks = names[query]

    def key(self, name: str) -> str:
        return f"blocks.{self.layer}.{name}"

    def why(self, name: str, *index: int) -> str:
        """How one number was made, with the real numbers in it."""
        made = explain(self.trace, self.params, self.key(name), index, names=self.names)
        return (
            f"{made.formula} = {made.numbers} = {number(made.value, 4)}"
            if made.numbers
            else f"{made.formula} = {number(made.value, 4)}"
        )

    def shape(self, name: str) -> Markup:
        key = self.key(name)
        return c.shape(name.removeprefix("attn."), self.trace.axes(key), self.trace[key].shape)

    def vector(
        self, figure: str, name: str, values: Any, colour: str, index: tuple[int, ...], *, text: str = ""
    ) -> Markup:
        """One row of numbers: signed heat, every cell with its story."""
        table = c.heat_table(
            [values], [self.asks], [str(i) for i in range(len(values))], label=f"{name} of {self.asks}", signed=True,
            colour=colour, size="medium", col_axis="value", why=lambda r, i: self.why(name, *index, i),
        )  # fmt: skip
        return c.figure(figure, table, caption=join([text, " ", self.shape(name)]))

    def scores(self, figure: str, name: str, caption: str, *, signed: bool) -> Markup:
        """A whole [T, S] matrix of this head, the query's row set apart; only that row tells its story cell by cell."""
        values = self.trace[self.key(name)][self.head]
        masked = None if name in ("attn.attn_scores_raw", "attn.attn_scores_scaled") else ~(values > float("-inf"))
        if name == "attn.pattern":
            masked = [[s > t for s in range(len(self.names))] for t in range(len(self.names))]
        finite = abs(values[values > float("-inf")]).max()
        table = c.heat_table(
            values, self.names, self.names, label=f"{caption}: queries down, keys across", signed=signed, masked=masked,
            scale=None if not signed else float(finite), row_name="query", col_name="key", chosen_row=self.query,
            why=lambda t, s: self.why(name, self.head, t, s) if t == self.query else "",
        )  # fmt: skip
        return c.figure(
            figure,
            table,
            caption=join([caption, " ", self.shape(name)]),
            readout="Point at a cell of the marked row: it says how it was made.",
        )

    def all(self) -> list[tuple[str, Any]]:
        t, h, layer = self.query, self.head, self.layer
        trace = self.trace
        part = {
            name: trace[self.key(name)]
            for name in ("resid_pre", "ln1.normalized", "attn.q", "attn.k", "attn.v", "attn.z")
        }
        keys = self.names
        k_width = part["attn.q"].shape[-1]
        pattern = trace[self.key("attn.pattern")][h]
        strongest = int(pattern[t].argmax())
        p = tag("p")
        del p
        return [
            ("Residual stream", join([
                tag("p", "This is what the layer is given for ", c.token(self.asks, axis="axis-query"), f": {part['resid_pre'].shape[1]} numbers, the sum of everything written so far."),
                self.vector("resid_pre", "resid_pre", part["resid_pre"][t], "resid", (t,)),
            ])),
            ("LayerNorm", join([
                tag("p", "Shift to mean 0, divide by the spread, then stretch each number by a learned factor. Every token is brought to the same scale before it is read."),
                self.vector("ln1", "ln1.normalized", part["ln1.normalized"][t], "resid", (t,)),
            ])),
            ("Query, keys, values", join([
                tag("p", "Three learned views of the same numbers: the query says what this token looks for, each key what a token offers, each value what it would hand over."),
                self.vector("q", "attn.q", part["attn.q"][t, h], "query", (t, h)),
                c.figure("k", c.heat_table(part["attn.k"][:, h], keys, [str(i) for i in range(k_width)], label="keys of all tokens", signed=True, size="medium", row_axis="key", col_axis="value"), caption=self.shape("attn.k")),
                c.figure("v", c.heat_table(part["attn.v"][:, h], keys, [str(i) for i in range(k_width)], label="values of all tokens", signed=True, size="medium", row_axis="key", col_axis="value"), caption=self.shape("attn.v")),
            ])),
            ("Scores", join([
                tag("p", "The query is multiplied with every key, number by number, and summed: a large score means that the key has what the query looks for."),
                self.scores("scores-raw", "attn.attn_scores_raw", "q · k", signed=True),
            ])),
            ("Scale", join([
                tag("p", f"Divide by √{k_width} = {number(k_width**0.5)}. Sums of {k_width} products spread wide; without this the softmax would almost always pick one key alone."),
                self.scores("scores-scaled", "attn.attn_scores_scaled", f"q · k / √{k_width}", signed=True),
            ])),
            ("Mask", join([
                tag("p", "A token may read itself and what stands before it. Scores of later tokens become −∞, whatever they were."),
                self.scores("scores-masked", "attn.attn_scores", "scores after the mask", signed=True),
            ])),
            ("Softmax", join([
                tag("p", "Each row is turned into weights that are positive and sum to 1. ", c.token(self.asks, axis="axis-query"), " reads ", c.token(keys[strongest], axis="axis-key"), f" most: {number(float(pattern[t, strongest]))}."),
                self.scores("pattern", "attn.pattern", "attention pattern", signed=False),
                c.token_strip(keys, axis="head", weights=[float(x) for x in pattern[t]], label=f"How {self.asks} spreads its attention"),
            ])),
            ("Mix the values", join([
                tag("p", "The values are added up, each as strongly as its weight says. What was spread over the text is now in one place."),
                self.vector("z", "attn.z", part["attn.z"][t, h], "value", (t, h)),
            ])),
            ("All heads, through W_O", join([
                tag("p", "Each head's mix is turned back into the width of the stream; the heads are summed. This is head by head what they want to add."),
                c.figure("result", c.heat_table(trace[self.key("attn.result")][t], [f"head {layer}.{i}" for i in range(trace.config.n_heads)], [str(i) for i in range(trace.config.d_model)], label="output of each head", signed=True, size="medium", row_axis="head", col_axis="resid", chosen_row=h), caption=self.shape("attn.result")),
                self.vector("attn_out", "attn_out", trace[self.key("attn_out")][t], "resid", (t,), text="Their sum"),
            ])),
            ("Add to the stream", join([
                tag("p", "The sum is added to what was there. Nothing is replaced; the next sub-layer reads the new total."),
                self.vector("resid_mid", "resid_mid", trace[self.key("resid_mid")][t], "resid", (t,)),
                self.prediction(),
            ])),
        ]  # fmt: skip

    def prediction(self) -> Markup:
        """What the whole model makes of it in the end: the next-token distribution at the query."""
        probs = ops.softmax(self.trace["logits"][self.query].astype("float64"))
        _, names, top = top_tokens(probs, 8)
        return c.figure(
            "next-token",
            c.bars(names, top, label=f"Next token after {self.asks}", scale=1.0),
            title=f"After all layers: what follows {self.asks}",
        )

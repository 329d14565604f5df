"""The grid held against the real model: what a changed token changes,
and where the gradient of a later loss arrives."""

from __future__ import annotations

from inspect import unwrap

import numpy as np
from markupsafe import Markup

from explainer.kernel import gradients, model, paths
from explainer.kernel.paths import Graph, Node, letter
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import influence
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import Drawing, level_name, names_of, node_name
from explainer.ui.widget import Widget

from .cones import apart, bundled


def measured_table(graph: Graph, names: list[str], values: np.ndarray, label: str) -> Markup:
    """The drawing's numbers, one row per level, top first, with every digit in the cells' data."""
    rows = [[level_name(graph, level), *[float(v) for v in values[level]]] for level in range(graph.levels - 1, -1, -1)]
    return c.numbers_table(["", *[f"{letter(t)} {name}" for t, name in enumerate(names)]], rows, label)


class PathPerturb(Widget):
    """Replace one token of the real text, run the real model twice, and look at every node."""

    slug = "path-perturb"
    title = "Measured: replace one token, and see what moves"
    own_only = ""
    reads = ("prompt", "source", "replace", "sublayers")
    functions = (
        model.forward,
        influence.replaced,
        influence.relative_change,
        paths.measured_change,
        paths.per_node,
        paths.trace_key,
        influence.prediction_change,
        paths.Graph.influences,
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.text()
        names = names_of(tokens)
        config = lab.model().config
        token, asked = s.replacement()
        before = lab.trace(tokens)
        after = lab.trace(influence.replaced(tokens, s.source, token))
        shape = s.shape()
        graph, cones = influence.grid(*shape), influence.cones(shape)
        largest = paths.measured_change(graph, before, after)
        relative = influence.relative_change(graph, before, after)
        start = Node(0, s.source)
        cone = cones.influences[cones.index(*start)]
        inside = [node for node in graph.nodes if cone >> cones.index(*node) & 1]
        outside = [node for node in graph.nodes if not cone >> cones.index(*node) & 1]
        leaked = [node for node in outside if largest[node.level, node.position] != 0]
        moved = sum(largest[node.level, node.position] != 0 for node in inside)
        new = names_of([token])[0]
        drawing = Drawing(
            slug="path-perturb",
            graph=graph,
            names=names,
            values=relative,
            shade=np.minimum(relative, 1.0),
            colour="resid",
            row=40 if graph.sublayers else 54,
            hollow=[node for node in graph.nodes if largest[node.level, node.position] == 0],
            picks="source",
            pick_value=lambda node: node.position,
            marked_columns={s.source: "axis-query"},
            chosen=start,
            label=f"Change of every node after “{names[s.source]}” was replaced by “{new}”",
            why=lambda node: change_sentence(graph, node, names, largest, config.d_model),
        )
        verdict = (
            f"Outside the cone: {how_many(len(outside), 'node')} of {config.d_model} numbers each, of which "
            f"{'none' if not leaked else len(leaked)} changed"
        )
        verdict += (
            ": every one of those numbers is the same, to the last bit. "
            if not leaked
            else ". This contradicts the drawing. "
        )
        verdict += f"Inside: {how_many(len(inside), 'node')}, of which {moved} changed."
        same = token == tokens[s.source]
        if same:
            verdict = "The replacement is the very token that stands there, so nothing can change. Choose another one."
        return join(
            [
                c.controls(
                    c.beyond(c.text_field("prompt", "Prompt", s.prompt)),
                    c.text_field("replace", "Replace by", s.replace, hint=f"as a token: {new}{asked}"),
                    c.beyond(apart(s, graph)),
                ),
                c.beyond(
                    c.token_strip(
                        names, sets="source", chosen=s.source, label="Choose the token to replace", axis="query"
                    )
                ),
                c.figure(
                    "path-perturb",
                    drawing.draw(),
                    c.outcome(f"{names[s.source]} becomes {new}: {moved} of {len(inside)} nodes in its cone changed."),
                    title=f"“{names[s.source]}” becomes “{new}”: how far every node moves",
                    caption="(as a share of its own length)",
                    readout=(
                        "Point at a node or touch it: it says what changed. Dashed: exactly zero. "
                        "Click a column to replace its token."
                    ),
                ),
                bundled(graph),
                tag(
                    "p",
                    verdict,
                    class_="aside finding" if not leaked else "aside problem",
                    data_testid="perturb-verdict",
                ),
                c.beyond(
                    None if same else self.forecasts(tokens, names, before, after),
                    measured_table(graph, names, relative, "Relative change of every node"),
                ),
            ]
        )

    def forecasts(self, tokens: tuple[int, ...], names: list[str], before: model.Trace, after: model.Trace) -> Markup:
        """What the change does to the forecast of the next token, column by column, and in full for the last one."""
        shift = influence.prediction_change(before, after)
        strip = c.token_strip(
            names, weights=[float(x) for x in shift], axis="vocab", label="How much the forecast after each token moves"
        )
        focus = int(shift.argmax()) if shift.max() > 0 else len(tokens) - 1
        first, second = influence.forecasts(before)[focus], influence.forecasts(after)[focus]
        ids, shown, shares = top_tokens(np.maximum(first, second), 6)
        worth = max(2, sum(share >= 0.001 for share in shares))
        ids, shown = ids[:worth], shown[:worth]
        bars = charts.bars(
            shown,
            [float(second[i]) for i in ids],
            label=f"Next token after “{names[focus]}”, after and before the replacement",
            scale=1.0,
            others={"before": [float(first[i]) for i in ids]},
            text=percent,
            heads=("token", "after"),
        )
        return tag(
            "div",
            c.figure(
                "forecast-shift",
                strip,
                title="The forecast of the next token, after each token:",
                caption="share of probability that moved",
                readout="Before the replaced token nothing moves, to the last bit.",
            ),
            c.figure(
                "forecast",
                bars,
                title=f"What moved most: the token after “{names[focus]}”",
                caption="(bars: with the replacement; marks: before)",
                readout=f"{percent(float(shift[focus]))} of the probability moved.",
            ),
            class_="columns",
        )


def change_sentence(graph: Graph, node: Node, names: list[str], largest: np.ndarray, width: int) -> str:
    where = f"{node_name(graph, node)} ({names[node.position]}, {level_name(graph, node.level).lstrip('+ ')})"
    value = largest[node.level, node.position]
    if value == 0:
        return f"{where}: not one of its {width} numbers changed"
    return f"{where}: its largest change in one number is {exact(value)}; as a share of its length"


class PathGradients(Widget):
    """One loss at a later token, and how strongly it pulls at every node."""

    slug = "path-gradients"
    title = "Measured: the gradient runs down the same paths"
    own_only = ""
    reads = ("prompt", "target", "sublayers", "sampled")
    functions = (
        unwrap(influence.pulled),
        gradients.backward,
        gradients.hand_back,
        gradients.loss_gradient,
        gradients.weighted_sum_rule,
        gradients.add_rule,
        paths.measured_gradient,
        gradients.through_sample,
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.text()
        names = names_of(tokens)
        field = c.text_field("prompt", "Prompt", s.prompt)
        if len(tokens) < 2:
            return join([c.controls(field), c.message("A loss needs a next token: type at least one word.", "problem")])
        asks = s.target - 1
        shape = s.shape()
        graph, cones = influence.grid(*shape), influence.cones(shape)
        loss, pull = influence.pulled(tokens, asks, shape)
        top = float(pull.max()) or 1.0
        end = Node(graph.levels - 1, asks)
        cone = cones.reads[cones.index(*end)]
        outside = [node for node in graph.nodes if not cone >> cones.index(*node) & 1]
        leaked = [node for node in outside if pull[node.level, node.position] != 0]
        reached = graph.levels * graph.n - len(outside)
        drawing = Drawing(
            slug="path-gradients",
            graph=graph,
            names=names,
            values=pull / top,
            shade=np.sqrt(pull / top),
            colour="loss",
            row=40 if graph.sublayers else 54,
            hollow=[node for node in graph.nodes if pull[node.level, node.position] == 0],
            picks="target",
            pick_value=lambda node: min(node.position + 1, graph.n - 1),
            marked_columns={s.target: "axis-vocab", asks: "axis-query"},
            chosen=end,
            cut=s.sampled,
            label=f"Length of the gradient of the loss at “{names[s.target]}” with respect to every node",
            why=lambda node: gradient_sentence(graph, node, names, pull),
        )
        verdict = (
            (
                f"The loss is read at {node_name(graph, end)}. Its cone has {how_many(reached, 'node')}; outside it "
                f"{'is' if len(outside) == 1 else 'are'} {len(outside) or 'none'}"
            )
            + (", and the gradient there is " if outside else "")
            + (
                "."
                if not outside
                else "exactly 0 at every one."
                if not leaked
                else f"not 0 at {len(leaked)}. This contradicts the drawing."
            )
        )
        given = len(tokens) - s.sampled
        who = f"All {how_many(given, 'token')} count as given, as in pre-training: no arrow leads back to any of them."
        if s.sampled:
            who = f"Given: the first {how_many(given, 'token')}. Written by the model: {', '.join(names[given:])}."
        try:
            gradients.through_sample()
            refused = "nothing (this is an error)"
        except gradients.NoGradientThroughSample as answer:
            refused = str(answer)
        return join(
            [
                c.controls(
                    c.beyond(field),
                    c.slider(
                        "sampled",
                        "Tokens at the end that the model wrote",
                        s.sampled,
                        0,
                        len(tokens) - 1,
                        step=1,
                        shown=str(s.sampled),
                    ),
                    c.beyond(apart(s, graph)),
                ),
                c.beyond(
                    c.token_strip(
                        names,
                        sets="target",
                        chosen=s.target,
                        label="Choose the token whose loss is asked",
                        axis="vocab",
                    )
                ),
                c.figure(
                    "path-gradients",
                    drawing.draw(),
                    c.outcome(f"The loss at {names[s.target]} pulls at {reached} of {graph.levels * graph.n} nodes."),
                    title=f"The loss: how surprised is the model by “{names[s.target]}”?",
                    caption=(
                        f"{number(loss)} nats, asked at {letter(asks)} ({names[asks]}). In the nodes: "
                        "how strongly it pulls, as a share of the strongest pull"
                    ),
                    readout=(
                        "Point at a node or touch it: it says how strongly the loss pulls there. Shading: square root "
                        "of the share. Dashed: exactly zero. Click a column to ask there."
                    ),
                    note=who,
                ),
                bundled(graph),
                c.beyond(
                    tag(
                        "p",
                        verdict,
                        class_="aside finding" if not leaked else "aside problem",
                        data_testid="gradient-verdict",
                    ),
                    tag(
                        "div",
                        tag(
                            "p",
                            (
                                "And through a token that the model wrote, along a crossed-out arrow? Ask for it, "
                                "and the code answers:"
                            ),
                        ),
                        tag(
                            "p",
                            tag("code", "NoGradientThroughSample: "),
                            refused,
                            class_="aside problem",
                            data_testid="no-gradient",
                        ),
                        class_="refusal",
                    ),
                    measured_table(graph, names, pull, "Length of the gradient at every node, nats per unit"),
                ),
            ]
        )


def gradient_sentence(graph: Graph, node: Node, names: list[str], pull: np.ndarray) -> str:
    where = f"{node_name(graph, node)} ({names[node.position]}, {level_name(graph, node.level).lstrip('+ ')})"
    if pull[node.level, node.position] == 0:
        return f"{where}: no path to the loss, every slope here is"
    return (
        f"{where}: the gradient’s length is {exact(pull[node.level, node.position])} nats per unit; "
        "as a share of the largest"
    )

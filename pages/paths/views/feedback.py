"""Feedback on: a written token is read again, and the longest path grows with every token written."""

from __future__ import annotations

from inspect import unwrap

from markupsafe import Markup

from explainer.kernel import paths, sampling
from explainer.kernel.paths import letter
from explainer.models import lab
from explainer.studies import influence
from explainer.ui.html import how_many, join, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import Drawing, names_of
from explainer.ui.widget import Widget

SHOWN = 5  # columns of the prompt that are drawn: the path only needs the last one


class PathFeedback(Widget):
    """The longest path through the prompt and what the model wrote after it."""

    slug = "path-feedback"
    title = "What writing buys: the way back to the bottom"
    own_only = ""
    reads = ("prompt", "written", "feedback")
    functions = (
        unwrap(paths.attention_grid),
        paths.Graph.longest_path,
        paths.Graph._extreme,
        influence.staircase,
        paths.longest_with_feedback,
        sampling.generate,
    )

    def draw(self) -> Markup:
        s = self.state
        n_layers = lab.model().config.n_layers
        most = s.param["written"].bounds[1]
        prompt = lab.tokens_of(s.prompt)
        wrote = influence.continuation(prompt, most)[: s.written]
        shown = (*prompt[-SHOWN:], *wrote)
        graph = influence.grid(*influence.shape_of(len(shown), written=s.written if s.feedback else 0))
        longest = influence.staircase(graph)
        steps = graph.steps(longest)
        counted = graph.steps(graph.longest_path())
        formula = paths.longest_with_feedback(n_layers, s.written if s.feedback else 0)
        hops = sum(edge.kind == "feedback" for edge in longest)
        names = names_of(shown)
        first = len(shown) - len(wrote)
        omitted = max(len(prompt) - SHOWN, 0)
        drawing = Drawing(
            slug="path-feedback",
            graph=graph,
            names=names,
            path=longest,
            row=50,
            first=omitted,
            follow=len(shown),
            marked_columns=dict.fromkeys(range(first, len(shown)), "axis-vocab"),
            label=(
                f"Grid of {how_many(graph.n, 'column')} and {how_many(n_layers, 'layer')}; the longest path has "
                f"{how_many(steps, 'step')}, {hops} of them from the top of a column to the bottom of the next"
            ),
        )
        count = (
            f"{n_layers} + {s.written} × ({n_layers} + 1) = {formula}"
            if s.feedback
            else f"{how_many(n_layers, 'layer')} = {formula}"
        )
        ending = "They agree." if steps == counted == formula else "They do not agree: this is an error."
        alone = [float(paths.longest_with_feedback(n_layers, w)) for w in range(most + 1)]
        left_out = ""
        if omitted == 1:
            left_out = " Column A, the first token, is left out of the drawing."
        elif omitted:
            left_out = f" Columns A to {letter(omitted - 1)}, the first {omitted} tokens, are left out of the drawing."
        in_colour = tag("span", "this colour", class_="axis-vocab")
        caption = (
            [
                "Columns in ",
                in_colour,
                " hold the tokens that the model itself writes here (always its most likely one).",
            ]
            if s.feedback
            else [
                "Columns in ",
                in_colour,
                (
                    " hold the same tokens, now given from outside: no column had to wait for another one. What "
                    "somebody worked out before writing them is not in this count."
                ),
            ]
        )
        return join(
            [
                c.controls(
                    c.beyond(c.text_field("prompt", "Prompt", s.prompt)),
                    c.slider("written", "Tokens written", s.written, 0, most, step=1, shown=str(s.written)),
                    c.check("feedback", "Feedback: the model reads what it wrote", s.feedback),
                ),
                c.figure(
                    "path-feedback",
                    drawing.draw(),
                    readout=(f"The thick path: {how_many(steps, 'step')}. The formula: {count}. {ending}{left_out}"),
                    caption=tag("span", *caption),
                    note=(
                        f"Each row stands for {graph.stride} layers of {n_layers}, and each arrow from one row to the "
                        f"next for {graph.stride} steps."
                        if graph.stride > 1
                        else None
                    ),
                ),
                c.beyond(
                    tag(
                        "div",
                        c.figure(
                            "feedback-growth",
                            charts.columns(
                                range(most + 1),
                                alone,
                                [str(int(x)) for x in alone],
                                peak=alone[-1],
                                colour="path",
                                unit=("step", "steps"),
                                x=("token written", "tokens written"),
                                label="Longest path over the number of tokens that the model writes and reads again",
                                chosen=s.written if s.feedback else -1,
                                every=True,
                                floor=float(n_layers),
                            ),
                            title="Longest path, as the model writes",
                            caption=(
                                "in steps, over the number of tokens written; dashed: the same text given from "
                                f"outside, {n_layers}"
                            ),
                        ),
                        c.definition_row(
                            [
                                ("Longest path", how_many(steps, "step")),
                                ("Through layers", f"{steps - hops}"),
                                ("Through written tokens", f"{hops}"),
                                ("Columns in the drawing", f"{graph.n}"),
                            ]
                        ),
                        class_="columns wide-columns",
                    )
                ),
            ]
        )

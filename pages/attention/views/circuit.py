"""The two-step circuit on the reader's text: which wires carry the answer, and what is left when they are cut."""

from __future__ import annotations

from markupsafe import Markup

from explainer.kernel import model
from explainer.models import lab
from explainer.studies import circuit as study
from explainer.ui.html import join, tag
from explainer.ui.parts import circuit as part
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget


class AttentionCircuit(Widget):
    """Cut a wire, and see the odds fall, or not: the first step is often written more than once."""

    slug = "attention-circuit"
    title = "Two steps, and every wire can be cut"
    own_only = (
        "This figure looks for the two heads that carry a name of the storyteller’s, whose grammar says which "
        "they may be. Of this model the picture on the start page cuts lines and says what is lost."
    )
    reads = ("prompt", "cut")
    functions = (study.step, study.odds, study.patch, study.NoEdges, model.attention)

    def draw(self) -> Markup:
        tokens = self.state.tokens()
        ask = tag(
            "div",
            c.text_field("prompt", "Prompt", self.state.prompt),
            c.text_field("called", "A name", lab.name_in(self.state.prompt), placeholder="your own"),
            class_="climb-ask",
        )
        try:
            found = study.circuit(tokens)
        except study.NoCircuit as reason:
            return join([ask, self.none(str(reason))])
        cut = self.state.cuts()
        now = study.odds(tokens, found.answer, cut)
        n_layers = lab.model().config.n_layers
        drawings = [part.Wiring(found, cut, now, layout, n_layers).draw() for layout in part.LAYOUTS]
        figure = tag(
            "figure",
            tag("figcaption", tag("p", *part.says(found, cut, now), class_="now"), class_="says", aria_live="polite"),
            *drawings,
            tag("div", part.buttons(found, cut), class_="climb-controls circuit-controls"),
            tag("p", class_="message", data_message="cut", role="alert"),
            class_="figure climb-figure",
            data_figure="circuit",
            data_testid="circuit",
        )
        return join([ask, figure, c.beyond(self.more(found, cut, now))])

    def more(self, found: study.Circuit, cut: frozenset[study.Edge], now: study.Odds) -> Markup:
        """What a small figure can do without: every wire by itself, and what carries the note."""
        return tag(
            "div",
            part.also(found, cut),
            c.whole("Wire by wire", part.table(found, cut)),
            part.patches(found),
            part.odds(found, now),
            class_="circuit-more",
        )

    def none(self, reason: str) -> Markup:
        """What is said of a text without such a circuit."""
        own = self.state.param.prompt.default
        return tag(
            "figure",
            tag(
                "figcaption",
                tag("p", "No two steps to cut in this text. ", reason, class_="now"),
                class_="says",
                aria_live="polite",
            ),
            c.button("Take this page’s own text", sets="prompt cut", value=f"{own}\x1f"),
            tag("p", class_="message", data_message="cut", role="alert"),
            class_="figure climb-figure",
            data_figure="circuit",
            data_testid="circuit",
        )

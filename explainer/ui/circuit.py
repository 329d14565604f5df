"""The two-step circuit as a widget, for every page that shows it: a state with a text and its cuts, and the figure.

A page's state is a subclass of `CutState`, its widget one of `Circuit`; the drawing is explainer/ui/parts/circuit.py,
what is drawn explainer/studies/circuit.py.
"""

from __future__ import annotations

from typing import Any, ClassVar

import param
from markupsafe import Markup

from explainer.kernel import model
from explainer.models import lab
from explainer.studies import circuit as study
from explainer.ui.html import join, tag
from explainer.ui.parts import circuit as part
from explainer.ui.parts import components as c
from explainer.ui.state import PageState, prompt_for
from explainer.ui.widget import Widget


class CutState(PageState):
    """A text in which something comes twice, and the edges of attention that the reader has cut in it.

    frame: the text about a name that the reader makes up, with the places {name} and {start} (`prompt_for`)
    most:  how many tokens are drawn, the start token included
    """

    quiet: ClassVar[tuple[str, ...]] = ("called",)
    coded: ClassVar[tuple[str, ...]] = ("cut",)
    frame: ClassVar[str] = ""
    most: ClassVar[int] = 28

    called = param.String(default="", label="name", doc="a name that the reader makes up: it goes into the prompt")
    cut = param.String(default="", label="what is cut", doc="edges, as explainer.studies.circuit.coded writes them")

    def tokens(self) -> tuple[int, ...]:
        return self.read("prompt")

    def cuts(self) -> frozenset[study.Edge]:
        """The edges that are cut; none where the text has no such edges."""
        try:
            return study.decoded(self.cut, len(self.tokens()))
        except ValueError:
            return frozenset()

    def room(self) -> dict[str, tuple[int, str]]:
        return {"prompt": (self.most, f"This page draws {self.most} tokens at most")}

    def shown(self) -> dict[str, Any]:
        return super().shown() | {"called": lab.name_in(self.prompt) if lab.is_own() else ""}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if wanted.get("called"):
            wanted["prompt"] = prompt_for(wanted["called"], self.frame, messages)
        text = wanted.get("prompt", self.prompt)
        n_tokens = min(len(lab.tokens_of(text)), self.most)
        if text != self.prompt:
            wanted.setdefault("cut", "")  # another text has other wires
        if wanted.get("cut"):
            try:
                wanted["cut"] = study.coded(study.decoded(wanted["cut"], n_tokens))
            except ValueError as problem:
                messages["cut"] = str(problem)
                del wanted["cut"]


class Circuit(Widget):
    """Cut a wire, and see the odds fall, or not: the first step is often written more than once."""

    own_only = (
        "This figure looks for the two heads that carry a name of the storyteller’s, whose grammar says which "
        "they may be. Of this model the picture on the start page cuts lines and says what is lost."
    )
    reads = ("prompt", "cut")
    functions = (study.step, study.odds, study.patch, study.NoEdges, model.attention)
    prompt_label: ClassVar[str] = "Prompt"
    name_label: ClassVar[str] = "A name"

    def draw(self) -> Markup:
        tokens = self.state.tokens()
        ask = self.ask()
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
        return join([ask, figure, self.below(), c.beyond(self.more(found, cut, now))])

    def ask(self) -> Markup:
        """The two fields: the text as it is, and a name that is put into one."""
        return tag(
            "div",
            c.text_field("prompt", self.prompt_label, self.state.prompt),
            c.text_field("called", self.name_label, lab.name_in(self.state.prompt), placeholder="your own"),
            class_="climb-ask",
        )

    def below(self) -> Markup | None:
        """What a page shows under the figure."""
        return None

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

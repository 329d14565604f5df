"""/attention/: how does a token find what it needs?"""

from __future__ import annotations

__package__ = __package__ or "pages.attention"  # as `panel serve` runs this file, by itself

import math
from typing import Any

import param

from explainer.models import lab
from explainer.studies import circuit
from explainer.ui.page import Page
from explainer.ui.state import PageState, fit, prompt_for

from .views.ablation import AttentionAblation
from .views.circuit import AttentionCircuit
from .views.heads import AttentionHeads
from .views.lookup import AttentionLookup
from .views.order import AttentionOrder
from .views.residual_bus import ResidualBus
from .views.routing import AttentionRouting
from .views.stepper import AttentionStepper

MOST = 28  # tokens drawn, the start token included
PROMPT = "Far away lived a sleepy wizard called {name}. Good night, {start}"


class AttentionState(PageState):
    other_models = True

    prompt = param.String(default=PROMPT.format(name="Zo-vi-ta", start="Zo-vi"), label="Prompt")
    layer = param.Integer(default=3, bounds=(0, None), label="layer")
    head = param.Integer(default=3, bounds=(0, None), label="head")
    query = param.Integer(
        default=None, bounds=(0, None), allow_None=True, label="query token", doc="None: the last one"
    )
    step = param.Integer(default=0, bounds=(0, 9), label="step")
    pin = param.String(
        default="One day Mia met a noisy dragon called Zo-vi-ta. It was happy to be called Zo-vi", label="second text"
    )
    sharpness = param.Number(default=1.0, bounds=(0, math.inf), label="sharpness")
    take_out: param.Selector[Any] = param.Selector(
        default="uniform",
        objects=["nothing", "scaling", "mask", "uniform", "positions", "head"],
        label="what to take out",
    )
    swap = param.Integer(default=9, bounds=(0, None), label="earlier token")
    swap_with = param.Integer(default=10, bounds=(0, None), label="token to swap with")
    ask = param.String(default="")
    called = param.String(default="", label="name", doc="a name that the reader makes up: it goes into the prompt")
    quiet = ("ask", "called")
    coded = ("cut",)
    places = {"query": "prompt", "swap": "prompt", "swap_with": "prompt"}  # noqa: RUF012 - read only
    most = MOST
    cut = param.String(default="", label="what is cut", doc="edges, as explainer.studies.circuit.coded writes them")
    token = param.Integer(default=-1, bounds=(-1, None), label="token to follow")

    def tokens(self) -> tuple[int, ...]:
        return self.read("prompt")

    def pinned(self) -> tuple[int, ...]:
        return self.read("pin")

    def cuts(self) -> frozenset[circuit.Edge]:
        """The edges that are cut; none where the text has no such edges."""
        try:
            return circuit.decoded(self.cut, len(self.tokens()))
        except ValueError:
            return frozenset()

    def room(self) -> dict[str, tuple[int, str]]:
        return dict.fromkeys(("prompt", "pin"), (MOST, f"This page draws {MOST} tokens at most"))

    def limits(self) -> dict[str, tuple[int, int, str]]:
        config = lab.model().config
        last = len(self.tokens()) - 1
        before = max(fit(self.wish("query"), 0, last) - 1, 0)
        one, other = self.wish("swap"), self.wish("swap_with")
        both = one != other and min(one, other) >= before > 0  # of a short text two are shown, not one of them twice
        return {
            "layer": (0, config.n_layers - 1, "layer"),
            "head": (0, config.n_heads - 1, "head"),
            "query": (0, last, "token"),
            "swap": (0, before - (both and one < other), "earlier token"),
            "swap_with": (0, before - (both and other < one), "earlier token"),
            "token": (-1, config.n_vocab - 1, "token of the vocabulary"),
        }

    def shown(self) -> dict[str, Any]:
        return super().shown() | {"called": lab.name_in(self.prompt) if lab.is_own() else ""}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if wanted.get("called"):
            wanted["prompt"] = prompt_for(wanted["called"], PROMPT, messages)
            wanted["query"] = None
        text = wanted.get("prompt", self.prompt)
        n_tokens = min(len(lab.tokens_of(text)), MOST)
        if wanted.get("query") == n_tokens - 1:
            wanted["query"] = None  # the last token goes on asking while the reader writes
        if text != self.prompt:
            wanted.setdefault("cut", "")  # another text has other wires
        if wanted.get("cut"):
            try:
                wanted["cut"] = circuit.coded(circuit.decoded(wanted["cut"], n_tokens))
            except ValueError as problem:
                messages["cut"] = str(problem)
                del wanted["cut"]


PAGE = Page(
    name="attention",
    group="One pass",
    order=1,
    title="Attention",
    question="How does a token find what it needs?",
    says="The lines: one attention layer, cranked by hand.",
    state=AttentionState,
    widgets=(
        AttentionStepper,
        AttentionCircuit,
        AttentionHeads,
        AttentionLookup,
        AttentionRouting,
        AttentionAblation,
        AttentionOrder,
        ResidualBus,
    ),
)

if __name__ != f"{__package__}.page":  # panel serve pages/attention/page.py
    import explainer

    explainer.page(PAGE.name).servable()

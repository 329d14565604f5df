"""/attention/: how does a token find what it needs?"""

from __future__ import annotations

__package__ = __package__ or "pages.attention"  # as `panel serve` runs this file, by itself

import math
from typing import Any

import param

from explainer.models import lab
from explainer.studies import indirect
from explainer.ui.circuit import CutState
from explainer.ui.page import Page
from explainer.ui.state import fit

from .views.ablation import AttentionAblation
from .views.circuit import AttentionCircuit
from .views.giver import WAYS, WhoGetsIt
from .views.heads import AttentionHeads
from .views.lookup import AttentionLookup
from .views.order import AttentionOrder
from .views.residual_bus import ResidualBus
from .views.routing import AttentionRouting
from .views.stepper import AttentionStepper

MOST = 28  # tokens drawn, the start token included
PROMPT = "Far away lived a sleepy wizard called {name}. Good night, {start}"


class AttentionState(CutState):
    other_models = True
    frame = PROMPT
    most = MOST

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
    scene = param.String(
        default="When Mary and John went to the store, John gave a drink to", label="A text with two names"
    )
    trade: param.Selector[Any] = param.Selector(
        default="giver", objects=list(indirect.EXCHANGES), label="name to exchange"
    )
    off = param.String(default="", label="heads that are off", doc="as explainer.studies.indirect.coded writes them")
    way: param.Selector[Any] = param.Selector(default="off", objects=list(WAYS), label="what a pressed head does")
    ask = param.String(default="")
    coded = ("off", *CutState.coded)
    quiet = ("ask", *CutState.quiet)
    places = {"query": "prompt", "swap": "prompt", "swap_with": "prompt"}  # noqa: RUF012 - read only
    token = param.Integer(default=-1, bounds=(-1, None), label="token to follow")

    def pinned(self) -> tuple[int, ...]:
        return self.read("pin")

    def heads(self) -> frozenset[indirect.Head]:
        """The heads that are off."""
        return indirect.decoded(self.off)

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

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        super().clean(wanted, messages)
        text = wanted.get("prompt", self.prompt)
        if wanted.get("called") or wanted.get("query") == min(len(lab.tokens_of(text)), MOST) - 1:
            wanted["query"] = None  # the last token goes on asking while the reader writes
        if wanted.get("off"):
            try:
                wanted["off"] = indirect.coded(indirect.decoded(wanted["off"]))
            except ValueError as problem:
                messages["off"] = str(problem)
                del wanted["off"]


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
        WhoGetsIt,
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

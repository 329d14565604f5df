"""/today/: what has changed since 2017?"""

from __future__ import annotations

__package__ = __package__ or "pages.today"  # as `panel serve` runs this file, by itself

import itertools
from typing import Any

import param

from explainer.ui.page import Page
from explainer.ui.state import PageState

from .facts import runs, sizes
from .facts.exact import LAYERS
from .views.blocks import TwoBlocks
from .views.exact import SHOWN, Exactly
from .views.switches import OneByOne, Switches


class TodayState(PageState):
    quiet = ("again", "pause", "upto", "back")
    part: param.Selector[Any] = param.Selector(default="", objects=["", *sizes.PARTS], label="part")
    watch: param.Selector[Any] = param.Selector(default="", objects=["", "parts"], label="experiment to watch")
    now_norm = param.Boolean(default=True, label="RMSNorm")
    now_places = param.Boolean(default=True, label="RoPE")
    now_think = param.Boolean(default=True, label="SwiGLU")
    now_share = param.Boolean(default=True, label="Shared keys and values")
    seed = param.Integer(default=runs.SEED, bounds=(0, 2**32 - 1), label="Seed")
    at = param.Integer(default=None, bounds=(0, runs.STEPS), allow_None=True, label="Training step")
    exact: param.Selector[Any] = param.Selector(default="places", objects=list(SHOWN), label="Change")
    floor = param.Integer(default=0, bounds=(0, LAYERS), label="After so many layers")
    number = param.Number(default=-1.0, bounds=(-2, 2), label="The number")
    again = param.Integer(default=0, label="wish to go on")
    pause = param.Boolean(default=False, label="pause")
    upto = param.Integer(default=0, bounds=(0, runs.STEPS), label="step to go to")
    back = param.Integer(default=0, label="wish to go back")

    def measure(self) -> None:
        for marks in itertools.product("01", repeat=len(runs.SWITCHES)):
            runs.kept_losses("".join(marks), runs.SEED)
        for choice in (*runs.ALONE, runs.NOW):
            runs.effect(choice)


PAGE = Page(
    name="today",
    group="Learning",
    order=17,
    title="Today",
    question="What has changed since 2017?",
    says="Two models floor by floor, and four switches on one that is trained here: which of them can be seen?",
    state=TodayState,
    widgets=(TwoBlocks, Switches, OneByOne, Exactly),
)

if __name__ != f"{__package__}.page":  # panel serve pages/today/page.py
    import explainer

    explainer.page(PAGE.name).servable()

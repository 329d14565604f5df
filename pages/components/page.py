"""/components/: every component in every state, for people who build pages."""

from __future__ import annotations

__package__ = __package__ or "pages.components"  # as `panel serve` runs this file, by itself

import param

from explainer.ui.page import Page
from explainer.ui.state import PageState

from .views.gallery import Gallery
from .views.plots import Plots

MOST = 12


class ComponentsState(PageState):
    prompt = param.String(default="Mia has a red ball.", label="Prompt")
    layer = param.Integer(default=1, bounds=(0, 3), label="layer")
    query = param.Integer(default=3, bounds=(0, None), label="query token")
    step = param.Integer(default=0, bounds=(0, 2), label="step")
    t = param.Number(default=1.0, bounds=(0.01, 10), label="temperature")
    on = param.Boolean(default=True, label="the switch")

    def tokens(self) -> tuple[int, ...]:
        return self.read()

    def room(self) -> dict[str, tuple[int, str]]:
        return {"prompt": (MOST, f"This page draws {MOST} tokens at most")}

    def limits(self) -> dict[str, tuple[int, int, str]]:
        return {"query": (0, len(self.tokens()) - 1, "token")}


PAGE = Page(
    name="components",
    order=900,
    title="Components",
    question="What are the pages made of?",
    state=ComponentsState,
    widgets=(Gallery, Plots),
)

if __name__ != f"{__package__}.page":  # panel serve pages/components/page.py
    import explainer

    explainer.page(PAGE.name).servable()

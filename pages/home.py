"""/: what this is, on one screen, with one live thing."""

from __future__ import annotations

from typing import Any

import param

from explainer.state import PageState
from explainer.views.page import Page
from explainer.views.whole_model import WholeModel

MOST = 16


class HomeState(PageState):
    prompt = param.String(default="A robot called Vi-do-zu. Good night, Vi-do", label="Prompt")
    block: param.Selector[Any] = param.Selector(
        default="attention 3",
        objects=[
            "tokens",
            "embed",
            *[f"{kind} {i}" for i in range(4) for kind in ("attention", "mlp")],
            "unembed",
            "next",
        ],
        label="block",
    )

    def tokens(self) -> tuple[int, ...]:
        return self.read()

    def room(self) -> dict[str, tuple[int, str]]:
        return {"prompt": (MOST, f"This drawing has room for {MOST} tokens")}


PAGE = Page(
    name="home",
    title="Start",
    question="A transformer that you can operate",
    state=HomeState,
    widgets=(WholeModel,),
)

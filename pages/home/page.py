"""/: what this is, on one screen, with one live thing."""

from __future__ import annotations

__package__ = __package__ or "pages.home"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.models import lab
from explainer.ui.page import Page
from explainer.ui.state import PageState, prompt_for

from .views.whole_model import WholeModel

MOST = 24  # tokens drawn, the start token included
PROMPT = "A robot called {name}. Good night, {start}"


class HomeState(PageState):
    prompt = param.String(default=PROMPT.format(name="Vi-do-zu", start="Vi-do"), label="Prompt")
    called = param.String(default="", label="name", doc="a name that the reader makes up: it goes into the prompt")
    quiet = ("called",)
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

    def shown(self) -> dict[str, Any]:
        return super().shown() | {"called": lab.name_in(self.prompt)}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if wanted.get("called"):
            wanted["prompt"] = prompt_for(wanted["called"], PROMPT, messages)


PAGE = Page(
    name="home",
    order=0,
    title="Start",
    question="A transformer that you can operate",
    state=HomeState,
    widgets=(WholeModel,),
)

if __name__ != f"{__package__}.page":  # panel serve pages/home/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""/attention/: how does a token find what it needs?"""

from __future__ import annotations

from typing import Any

import param

from explainer import lab
from explainer.state import PageState
from explainer.views.attention_stepper import AttentionStepper
from explainer.views.page import Page

MOST = 24  # tokens drawn, the start token included


class AttentionState(PageState):
    prompt = param.String(default="In a castle lived a shy robot called Vi-do-zu. Good night, Vi-do", label="Prompt")
    layer = param.Integer(default=3, bounds=(0, None), label="layer")
    head = param.Integer(default=3, bounds=(0, None), label="head")
    query = param.Integer(default=21, bounds=(0, None), label="query token")
    step = param.Integer(default=6, bounds=(0, 9), label="step")

    def tokens(self) -> tuple[int, ...]:
        return lab.tokens_of(self.prompt)[:MOST]

    def limits(self) -> dict[str, tuple[int, int, str]]:
        config = lab.model().config
        return {
            "layer": (0, config.n_layers - 1, "layer"),
            "head": (0, config.n_heads - 1, "head"),
            "query": (0, len(self.tokens()) - 1, "token"),
        }

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if "prompt" not in wanted:
            return
        n = len(lab.tokens_of(wanted["prompt"]))
        if n > MOST:
            messages["prompt"] = (
                f"This page draws {MOST} tokens at most; your text has {n:,}. The first {MOST} are shown."
            )


PAGE = Page(
    name="attention",
    title="Attention",
    question="How does a token find what it needs?",
    state=AttentionState,
    widgets=(AttentionStepper,),
)

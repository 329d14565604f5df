"""/temperature/: what does temperature really do?"""

from __future__ import annotations

__package__ = __package__ or "pages.temperature"  # as `panel serve` runs this file, by itself

import math
from typing import Any

import param

from explainer.corpus.examples import PROMPTS
from explainer.models import lab
from explainer.studies import next_token
from explainer.ui.page import Page
from explainer.ui.state import PageState

from .facts import draws, repetition
from .facts.draws import Draws
from .views.chain import TemperatureChain
from .views.draws import TemperatureDraws
from .views.filters import TemperatureFilters
from .views.repetition import Repetition
from .views.truth import HEDGES, TemperatureTruth

PROMPT = PROMPTS["a string of beads"][0]
SEED = 7
"""Of the first 20 seeds, one with which both the text at T = 1 and the corpus's own repeat as much of themselves as
most do: within the middle half of `repetition.over_seeds(PROMPT)`, near both medians. A test holds it to that."""


class TemperatureState(PageState):
    other_models = True

    quiet = ("again",)
    prompt = param.String(default=PROMPT, label="Prompt")
    t = param.Number(default=0.5, bounds=(0, math.inf), label="Temperature")
    top_k = param.Integer(default=None, bounds=(1, None), allow_None=True, label="Top-k")
    top_p = param.Number(default=None, bounds=(0, 1), allow_None=True, label="Top-p")
    min_p = param.Number(default=None, bounds=(0, 1), allow_None=True, label="Min-p")
    seed = param.Integer(default=SEED, bounds=(0, 2**32 - 1), label="Seed")
    draws = param.Integer(default=0, bounds=(0, draws.MOST), label="number of draws")
    checks = param.Integer(default=0, bounds=(0, 999), label="number of checks")
    hedge: param.Selector[Any] = param.Selector(default=0.01, objects=list(HEDGES), label="share kept back")
    again = param.Integer(default=0, label="wish to go on")

    def all_tokens(self) -> tuple[int, ...]:
        """The whole prompt."""
        return lab.tokens_of(self.prompt)

    def tokens(self) -> tuple[int, ...]:
        """As much of its end as the model can read."""
        return self.all_tokens()[-lab.window() :]

    def room(self) -> dict[str, tuple[int, str]]:
        most = lab.window()
        return {"prompt": (most, f"The model reads {most} tokens at most")}

    def look(self, cuts: bool = True) -> next_token.NextToken:
        """The next token at these settings."""
        return next_token.next_token(self.tokens(), self.t, *((self.top_k, self.top_p, self.min_p) if cuts else ()))

    def made(self) -> Draws:
        """What was drawn so far, at these settings."""
        cuts = (self.top_k, self.top_p, self.min_p)
        return draws.draws_after(self.tokens(), self.t, *cuts, self.seed, self.draws)

    def measure(self) -> None:
        repetition.full_texts(self.tokens(), self.seed)
        repetition.over_seeds(self.tokens())

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if wanted.get("t") and math.isfinite(wanted["t"]):
            wanted["t"] = float(f"{wanted['t']:.3g}")  # a slider's position, so that a link says it in full


PAGE = Page(
    name="temperature",
    group="One pass",
    order=2,
    title="Temperature",
    question="What does temperature really do?",
    says="The roof: where chance comes in, and where it does not.",
    state=TemperatureState,
    widgets=(TemperatureChain, TemperatureDraws, TemperatureFilters, TemperatureTruth, Repetition),
)

if __name__ != f"{__package__}.page":  # panel serve pages/temperature/page.py
    import explainer

    explainer.page(PAGE.name).servable()

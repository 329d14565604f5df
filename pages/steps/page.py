"""/steps/: does writing help it think?"""

from __future__ import annotations

__package__ = __package__ or "pages.steps"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.live.depth import LAYERS
from explainer.live.tasks import CUPS
from explainer.ui.page import Page
from explainer.ui.state import PageState

from .facts import deep, pairs
from .facts.pairs import CONTESTS, MOVES, SEED
from .views.contest import SECOND, LatentLoop, OtherGames, Steps
from .views.deep import Depth
from .views.forge import ForgedStep
from .views.play import ShellGame

LONGEST = max(c.plan.steps for c in CONTESTS.values())


class StepsState(PageState):
    quiet = ("again", "pause", "upto", "back")
    game = param.Integer(default=4, bounds=(0, 2**32 - 1), label="Game")
    swaps = param.Integer(default=8, bounds=(1, MOVES), label="Swaps")
    pick = param.Integer(default=None, bounds=(1, CUPS), allow_None=True, label="Your cup")
    watch: param.Selector[Any] = param.Selector(default="", objects=["", *CONTESTS], label="experiment to watch")
    seed = param.Integer(default=SEED, bounds=(0, 2**32 - 1), label="Seed")
    at = param.Integer(default=None, bounds=(0, LONGEST), allow_None=True, label="Training step")
    layers = param.Integer(default=4, bounds=(LAYERS[0], LAYERS[-1]), label="Layers")
    forged = param.Integer(default=7, bounds=(1, MOVES), label="changed note")
    place = param.Integer(default=None, bounds=(1, CUPS), allow_None=True, label="cup written there")
    second: param.Selector[Any] = param.Selector(default=SECOND[0], objects=list(SECOND), label="other game")
    again = param.Integer(default=0, label="wish to go on")
    pause = param.Boolean(default=False, label="pause")
    upto = param.Integer(default=0, bounds=(0, LONGEST), label="step to go to")
    back = param.Integer(default=0, label="wish to begin again")

    def measure(self) -> None:
        for contest in CONTESTS:
            pairs.kept_run(contest, SEED)
        pairs.kept_weights(SEED)
        for layers in LAYERS:
            deep.accuracy("at once", layers)

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        watched = wanted.get("watch", self.watch)
        if watched in SECOND and "watch" in wanted:  # what is watched is shown
            wanted["second"] = watched
        elif watched in SECOND and wanted.get("second", watched) != watched:  # and what is not shown is not watched
            wanted["watch"] = ""


PAGE = Page(
    name="steps",
    group="Learning",
    order=20,
    title="Steps",
    question="Does writing help it think?",
    says="A shell game, and two learners of one size: one may write down its steps, the other not.",
    state=StepsState,
    widgets=(ShellGame, Steps, Depth, ForgedStep, LatentLoop, OtherGames),
)

if __name__ != f"{__package__}.page":  # panel serve pages/steps/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""/training/: where do the weights come from?"""

from __future__ import annotations

__package__ = __package__ or "pages.training"  # as `panel serve` runs this file, by itself

from typing import Any, ClassVar

import param

from explainer.ui.page import Page
from explainer.ui.state import MAX_CHARACTERS, PageState

from .facts import copying, own_text, sums
from .views.copying import Copying
from .views.own_text import OwnTextLearned
from .views.sums import Grokking

WATCHED = ("induction", "grok", "text")
LONGEST = max(copying.STEPS, sums.STEPS, own_text.STEPS)


class TrainingState(PageState):
    quiet = ("again", "pause", "upto", "back")
    coded: ClassVar[tuple[str, ...]] = ("text",)  # its line breaks are characters like any other: `clean` bounds it
    watch: param.Selector[Any] = param.Selector(default="", objects=["", *WATCHED], label="experiment to watch")
    seed = param.Integer(default=0, bounds=(0, 2**32 - 1), label="Seed")
    rate = param.Number(default=copying.RATE, bounds=(3e-4, 0.03), label="Learning rate")
    decay = param.Number(default=sums.DECAY, bounds=(0, 2), label="Weight decay")
    text = param.String(default=own_text.ALICE, label="Your text")
    at = param.Integer(default=None, bounds=(0, copying.STEPS), allow_None=True, label="Training step")
    grok_at = param.Integer(default=None, bounds=(0, sums.STEPS), allow_None=True, label="Training step")
    text_at = param.Integer(default=None, bounds=(0, own_text.STEPS), allow_None=True, label="Training step")
    again = param.Integer(default=0, label="wish to go on")
    pause = param.Boolean(default=False, label="pause")
    upto = param.Integer(default=0, bounds=(0, LONGEST), label="step to go to")
    back = param.Integer(default=0, label="wish to go back")

    def measure(self) -> None:
        copying.kept_run(copying.SEED)
        sums.kept_run(sums.SEED)
        own_text.kept_run(own_text.SEED)

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        given = wanted.get("text")
        if given is not None and len(given) > MAX_CHARACTERS:
            wanted["text"] = given[:MAX_CHARACTERS]
            messages["text"] = f"Your text has {len(given):,} characters; the first {MAX_CHARACTERS:,} are learnt."


PAGE = Page(
    name="training",
    group="Learning",
    order=10,
    title="Training",
    question="Where do the weights come from?",
    says="Two layers learn to copy, sums known by heart become a rule, and your own text is learnt from nothing.",
    state=TrainingState,
    widgets=(Copying, Grokking, OwnTextLearned),
)

if __name__ != f"{__package__}.page":  # panel serve pages/training/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""/copying/: how does it learn from the text itself?"""

from __future__ import annotations

__package__ = __package__ or "pages.copying"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.models import copier, lab
from explainer.ui.circuit import CutState
from explainer.ui.page import Page

from .facts import duel, echo, mapping
from .views.by_hand import ByHand
from .views.echo import CopyCircuit
from .views.forms import WHAT, Forms
from .views.pairs import NewPairs
from .views.scores import CopyScores

WORD = ("G-lu-b-xo", "G-lu-b")  # no training text contains it (corpus.names.held_out; a test says so)
LETTERS = "qxjvmdh"
MOST = 12  # letters that the figure says twice
STOPS = 16  # checkpoints along each training


class CopyingState(CutState):
    other_models = True
    frame = echo.FRAME

    prompt = param.String(default=echo.FRAME.format(name=WORD[0], start=WORD[1]), label="Prompt")
    letters = param.String(default=LETTERS, label="Letters")
    who: param.Selector[Any] = param.Selector(default=duel.HAND, objects=list(duel.WHO), label="whose heads")
    off: param.Selector[Any] = param.Selector(default="nothing", objects=list(duel.OFF), label="head to take out")
    sharp = param.Number(default=1.0, bounds=(0.01, 4), label="sharpness")
    stop = param.Integer(default=STOPS - 1, bounds=(0, STOPS - 1), label="checkpoint")
    what: param.Selector[Any] = param.Selector(default="right", objects=list(WHAT), label="what to show")
    of: param.Selector[Any] = param.Selector(default="4", objects=list(duel.WHO), label="whose scores")
    kind: param.Selector[Any] = param.Selector(default="plain", objects=list(mapping.KINDS), label="kind of pairs")
    pairs = param.Integer(default=3, bounds=(1, mapping.PAIRS[-1]), label="pairs")
    draw_no = param.Integer(default=0, bounds=(0, 999), label="prompt number")

    def measure(self) -> None:
        for who in duel.WHO:
            duel.scores(who)
            duel.writes(who)
        for name in lab.FAMILY.values():
            for kind in mapping.KINDS:
                mapping.learnt(name, kind)

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        super().clean(wanted, messages)
        given = wanted.get("letters")
        if given is None:
            return
        found = "".join(k for k in given.lower() if k in copier.LETTERS)
        said = []
        if len(found) < len("".join(given.split())):
            said.append("Only the letters a to z are read here.")
        if len(found) < 2:
            messages["letters"] = " ".join([*said, "Give at least two letters; the others stay."])
            del wanted["letters"]
            return
        if len(found) > MOST:
            said.append(f"Your row has {len(found)} letters; the first {MOST} are used.")
        wanted["letters"] = found = found[:MOST]
        if twice := sorted({k for k in found if found.count(k) > 1}):
            which = f"{' and '.join(twice)} {'stand' if twice[1:] else 'stands'} there more than once"
            said.append(f"{which}: what follows is not settled by the letter before alone.")
        if said:
            messages["letters"] = " ".join(said)


PAGE = Page(
    name="copying",
    group="Learning",
    order=12,
    title="Copying",
    question="How does it learn from the text itself?",
    says="Two heads, one on top of the other, repeat a word that you make up. Cut one.",
    state=CopyingState,
    widgets=(CopyCircuit, ByHand, Forms, CopyScores, NewPairs),
)

if __name__ != f"{__package__}.page":  # panel serve pages/copying/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""/machines/: is it a Turing machine?"""

from __future__ import annotations

__package__ = __package__ or "pages.machines"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.live import memory as kept_models
from explainer.ui.page import Page

from .facts import adding, addressing, memory, turing
from .facts.automata import RULES, STARTS
from .views.adding import Adding
from .views.addressing import Addressing
from .views.automaton import Automaton
from .views.inside import InsidePaths, InsideState, InsideSteps
from .views.memory import POSITIONS, SLOTS, Copying, CopyingLengths
from .views.tape import TuringMachine
from .views.weights import MADE, SAYS, Weights

WEIGHTS = [
    name
    for part in SAYS
    for name in (
        [f"blocks.{layer}.{part}" for layer in range(2)] if part.partition(".")[0] in ("attn", "mlp") else [part]
    )
]


class MachinesState(InsideState):
    rule = param.Integer(default=110, bounds=(0, RULES - 1), label="Rule")
    start: param.Selector[Any] = param.Selector(default="right", objects=list(STARTS), label="first row")
    seed = param.Integer(default=0, bounds=(0, 2**31 - 1), label="Seed of the first row")
    noise = param.Integer(default=2, bounds=(0, 2**31 - 1), label="Random weights")
    program: param.Selector[Any] = param.Selector(default="palindrome", objects=list(turing.PROGRAMS), label="machine")
    word = param.String(default="1001", label="word")
    step = param.Integer(default=0, bounds=(0, turing.MOST_STEPS), label="step")
    cell = param.Integer(default=4095, bounds=(1, addressing.SEARCHED), label="cell")
    a = param.Integer(default=2745, bounds=(0, 10**adding.COLUMNS - 1), label="one number")
    b = param.Integer(default=1867, bounds=(0, 10**adding.COLUMNS - 1), label="the other number")
    made: param.Selector[Any] = param.Selector(default="turing", objects=list(MADE), label="whose weights")
    matrix: param.Selector[Any] = param.Selector(default="blocks.1.attn.W_K", objects=WEIGHTS, label="weight")

    length = param.Integer(default=20, bounds=(1, kept_models.LONGEST), label="words to copy")
    sequence = param.Integer(default=0, bounds=(0, 2**31 - 1), label="which words")
    at = param.Integer(default=0, bounds=(0, memory.steps(kept_models.LONGEST)), label="step of copying")  # 0: all
    slots: param.Selector[Any] = param.Selector(default=kept_models.SLOTS, objects=list(SLOTS), label="slots")
    positions: param.Selector[Any] = param.Selector(default="rope", objects=list(POSITIONS), label="positions")

    def limits(self) -> dict[str, tuple[int, int, str]]:
        return super().limits() | {
            "step": (0, turing.steps(self.program, self.word), "step"),
            "at": (0, memory.steps(self.length), "step"),
        }

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        super().clean(wanted, messages)
        if "word" in wanted:
            wanted["word"] = "".join(wanted["word"].split())
            if problem := turing.refused(wanted["word"]):
                messages["word"] = problem
                del wanted["word"]
        if any(wanted.get(n, getattr(self, n)) != getattr(self, n) for n in ("program", "word")):
            wanted.setdefault("step", 0)  # another machine, another tape: from the start
        if wanted.get("length", self.length) != self.length:
            wanted.setdefault("at", 0)  # another length: all of it


PAGE = Page(
    name="machines",
    group="The loop",
    order=5,
    title="Machines",
    question="Is it a Turing machine?",
    says="One head and eight numbers that can be a computer; a Turing machine in a text; where its digits end.",
    state=MachinesState,
    widgets=(
        Automaton,
        TuringMachine,
        Addressing,
        Adding,
        Weights,
        InsidePaths,
        InsideSteps,
        Copying,
        CopyingLengths,
    ),
)

if __name__ != f"{__package__}.page":  # panel serve pages/machines/page.py
    import explainer

    explainer.page(PAGE.name).servable()

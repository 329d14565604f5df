"""/in-context/: can a forward pass do gradient descent?"""

from __future__ import annotations

__package__ = __package__ or "pages.in_context"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.ui.page import Page
from explainer.ui.state import PageState

from .facts import learned, lines, rivals
from .views.learned import LearnedStep, SoftmaxLearned
from .views.lines import InContext
from .views.rivals import ManySteps, OtherInputs

WATCHED = (LearnedStep.watched, SoftmaxLearned.watched)


def height(k: int) -> param.Number:
    """The y of a point, where the reader has moved it."""
    return param.Number(default=None, bounds=(-lines.HIGH, lines.HIGH), allow_None=True, label=f"y of point {k}")


class InContextState(PageState):
    quiet = ("again", "pause", "upto", "back")
    draw = param.Integer(default=1, bounds=(0, 2**32 - 1), label="Points")
    y1, y2, y3, y4, y5, y6 = (height(k) for k in range(1, lines.POINTS + 1))
    ask = param.Number(default=0.35, bounds=(-1, 1), label="x of the question")
    depth = param.Integer(default=1, bounds=(1, lines.DEEPEST), label="Layers")
    eta = param.Number(default=1.0, bounds=lines.ETA, label="Step size")
    watch: param.Selector[Any] = param.Selector(default="", objects=["", *WATCHED], label="experiment to watch")
    seed = param.Integer(default=learned.SEED, bounds=(0, 2**32 - 1), label="Seed")
    at = param.Integer(default=None, bounds=(0, learned.STEPS), allow_None=True, label="Training step")
    soft_at = param.Integer(default=None, bounds=(0, learned.STEPS), allow_None=True, label="Training step")
    noise = param.Number(default=0.5, bounds=(0, 1), label="Noise in the examples")
    size = param.Number(default=1.0, bounds=rivals.ETA, label="Step size")
    examples: param.Selector[Any] = param.Selector(default=20, objects=list(rivals.EXAMPLES), label="Examples")
    scale = param.Number(default=1.0, bounds=(0.25, 4), label="Size of the inputs")
    shift = param.Number(default=0.0, bounds=(0, 1), label="Added to every input")
    again = param.Integer(default=0, label="wish to go on")
    pause = param.Boolean(default=False, label="pause")
    upto = param.Integer(default=0, bounds=(0, learned.STEPS), label="step to go to")
    back = param.Integer(default=0, label="wish to go back")

    def points(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """x and y of the six points: as drawn, but where the reader has moved them."""
        x, y = lines.drawn(self.draw)
        moved = (getattr(self, f"y{k}") for k in range(1, lines.POINTS + 1))
        return x, tuple(b if a is None else float(a) for a, b in zip(moved, y, strict=True))

    def measure(self) -> None:
        learned.kept_run(learned.SEED)
        learned.kept_three(learned.SEED)
        learned.kept_weights(learned.SEED)
        learned.over_scales()


PAGE = Page(
    name="in-context",
    group="Learning",
    order=15,
    title="In context",
    question="Can a forward pass do gradient descent?",
    says="Move six points: attention answers with the line that descent draws, to the last digits.",
    state=InContextState,
    widgets=(InContext, LearnedStep, ManySteps, OtherInputs, SoftmaxLearned),
)

if __name__ != f"{__package__}.page":  # panel serve pages/in_context/page.py
    import explainer

    explainer.page(PAGE.name).servable()

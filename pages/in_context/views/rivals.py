"""Many layers beside least squares and ridge regression; and a learned layer on inputs that it was not taught with."""

from __future__ import annotations

from markupsafe import Markup

from explainer.live import regression
from explainer.ui.html import join, nats, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import fitting, learned
from ..facts import rivals as facts
from ..facts.rivals import ETA, EXAMPLES, LAYERS, Rivals

TOP = 2.0  # the loss at the upper edge of the picture


class ManySteps(Widget):
    """What 0 to 30 layers of the hand-made weights cost, beside the methods of the textbook."""

    slug = "many-steps"
    title = "Many layers beside the textbook"
    reads = ("size", "examples", "noise")
    beyond = ("examples",)
    functions = (facts.rivals, fitting.descent, fitting.least_squares, fitting.ridge, fitting.largest_step)

    def draw(self) -> Markup:
        s = self.state
        found = facts.rivals(float(s.size), s.examples, float(s.noise))
        return join(
            [
                c.controls(
                    c.slider("noise", "Noise in the examples", float(s.noise), 0, 1, step=0.05),
                    c.slider("size", "Step size", float(s.size), *ETA, step=0.05),
                    c.beyond(c.choice("examples", "Examples in a prompt", [(n, str(n)) for n in EXAMPLES], s.examples)),
                ),
                c.figure(
                    "many-steps",
                    tag("div", tag("div", chart(found)), c.beyond(costs(found)), class_="two-sides"),
                    c.told(told(found, float(s.size))),
                ),
            ]
        )


def chart(found: Rivals) -> Markup:
    """The loss over the number of layers."""
    ends = (0.0, float(LAYERS))
    levels = [
        ("least squares", "true", found.least),
        ("ridge", "resid", found.ridge),
        ("always answering 0", "loss", found.nothing),
    ]
    return charts.xy(
        [
            ("so many layers", "head", [(float(k), v) for k, v in enumerate(found.steps)]),
            *((name, colour, [(x, level) for x in ends]) for name, colour, level in levels),
        ],
        label="The loss on new prompts after each number of layers",
        x_name="layers",
        y_name="loss",
        x_ticks=(0, 5, 10, 15, 20, 25, 30),
        y_max=TOP,
        log_x=False,
    )


def costs(found: Rivals) -> Markup:
    """The same as bars."""
    rows = [
        ("always answering 0", found.nothing),
        ("1 layer", found.steps[1]),
        (f"{LAYERS} layers", found.steps[-1]),
        ("least squares", found.least),
        ("ridge", found.ridge),
    ]
    return charts.bars(
        [name for name, _ in rows], [v for _, v in rows], label="What each costs", colour="loss", scale=found.nothing,
        text=number_or_0, heads=("who answers", "loss"),
    )  # fmt: skip


def told(found: Rivals, size: float) -> str:
    """What to see in it."""
    best = min(range(len(found.steps)), key=lambda k: found.steps[k])
    more = " or more" if best == LAYERS else ""
    begin = f"The best number of layers here is {best}{more}: loss {nats(found.steps[best])}."
    if found.diverging:
        begin += (
            f" In {percent(found.diverging)} of the prompts this step size is beyond the limit: there every layer "
            f"makes it worse, and in the mean those few decide ({number(found.steps[-1])} after {LAYERS})."
        )
    return (
        f"{begin} Least squares {nats(found.least) if found.least < 100 else number(found.least)}, ridge "
        f"{nats(found.ridge)}, answering 0 {nats(found.nothing)}; {facts.PROMPTS:,} prompts."
    )


class OtherInputs(Widget):
    """The learned layer has one step size, and it is that of the inputs that it was taught with."""

    slug = "other-inputs"
    title = "Inputs that it was not taught with"
    reads = ("scale", "shift")
    functions = (learned.elsewhere, regression.PromptAttention.forward, fitting.least_squares)

    def draw(self) -> Markup:
        s = self.state
        scale, shift = round(float(s.scale), 2), round(float(s.shift), 2)
        found = learned.elsewhere(scale, shift)
        rows = [
            ("always answering 0", 1.0),
            ("the learned layer", found.learned),
            ("the same step, by hand", found.same_step),
            ("one step, size chosen anew", found.own_step),
            ("least squares", found.least),
        ]
        return join(
            [
                c.controls(
                    c.slider("scale", "Inputs are so many times as large", scale, 0.25, 4, log=True),
                    c.slider("shift", "Added to every input", shift, 0, 1, step=0.05),
                ),
                c.figure(
                    "other-inputs",
                    tag("div", tag("div", bars(rows)), c.beyond(tag("div", over_scales(scale))), class_="two-sides"),
                    c.told(said(found, scale, shift)),
                ),
            ]
        )


def bars(rows: list[tuple[str, float]]) -> Markup:
    """Who loses how much; what is beyond twice the loss of answering 0 is cut off, and has its number."""
    return charts.bars(
        [name for name, _ in rows], [v for _, v in rows],
        label="The loss, as a share of that of always answering 0", colour="loss", scale=2.0, text=number_or_0,
        chosen=1, heads=("who answers", "loss"),
    )  # fmt: skip


def number_or_0(value: float) -> str:
    """A share for the eye: what is only rounding is 0 (the exact number stands in the read-out)."""
    return "0" if value < 1e-9 else number(value)


def said(found: learned.Elsewhere, scale: float, shift: float) -> str:
    """What to see in it."""
    if scale == 1 and not shift:
        return "These are the inputs that it was taught with. Make them larger."
    if found.learned > 1:
        return (
            f"Its loss is {number(found.learned)} times that of always answering 0: its step size is too large for "
            f"these inputs, and nothing in the layer can tell. Least squares does not mind."
        )
    if found.learned > found.own_step + 0.05:
        return "Its step does not suit these inputs; one of another size would do better. Least squares does not mind."
    return "Nearly as good as one step can be here."


def over_scales(scale: float) -> Markup:
    """The same for all sizes of the inputs, unshifted."""
    series = [
        ("the learned layer", "head", [e.learned for e in learned.over_scales()]),
        ("one step, size chosen anew", "resid", [e.own_step for e in learned.over_scales()]),
        ("least squares", "true", [e.least for e in learned.over_scales()]),
    ]
    return charts.xy(
        [(name, colour, list(zip(learned.SCALES, values, strict=True))) for name, colour, values in series],
        label="The loss over the size of the inputs, as a share of that of always answering 0",
        x_name="inputs are so many times as large",
        y_name="loss, answering 0 is 1",
        x_ticks=(0.25, 0.5, 1, 2, 4),
        y_max=2.0,
        markers=[(min(max(scale, 0.25), 4.0), number(scale))],
    )

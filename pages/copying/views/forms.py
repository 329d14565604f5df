"""When copying comes: three models and their checkpoints on one clock."""

from __future__ import annotations

import inspect

from markupsafe import Markup

from explainer.studies import copying as study
from explainer.ui.html import exact, how_many, join, nats, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.pattern import pattern
from explainer.ui.widget import Widget

from ..facts import formation as facts
from ..facts.formation import Moment

WHAT = {
    "right": "tokens copied rightly",
    "prefix": "the best head’s look at what followed",
    "loss": "loss above the least possible",
}
COLOURS = {1: "query", 2: "value", 4: "resid"}


class Forms(Widget):
    """Sixteen moments of three trainings: the share copied, the head that finds, and the loss."""

    slug = "copying-forms"
    title = "When does it come?"
    own_only = (
        "This figure is of the storytellers alone: only of them states from along the training were kept. Nobody "
        "outside has those of this model."
    )
    reads = ("what", "stop")
    beyond = ("what",)
    functions = (facts.moment, study.copied, inspect.unwrap(facts.along))

    def draw(self) -> Markup:
        s = self.state
        depths = facts.depths()
        shown = [facts.along(layers)[s.stop] for layers in depths]
        step = shown[0].step
        return join(
            [
                c.controls(
                    c.slider(
                        "stop",
                        "Training step",
                        int(s.stop),
                        0,
                        len(facts.along(1)) - 1,
                        step=1,
                        shown=f"{step:,}",
                    ),
                    c.beyond(c.choice("what", "Show", list(WHAT.items()), s.what)),
                ),
                c.figure(
                    "forms",
                    tag(
                        "div",
                        tag("div", curve(s.what, step)),
                        tag("div", *[look(n, m) for n, m in zip(depths, shown, strict=True)], class_="looks"),
                        class_="forms",
                    ),
                    c.beyond(table()),
                ),
            ]
        )


def value(what: str, moment: Moment) -> float:
    """What is shown of a checkpoint."""
    shown = {"right": moment.right.value, "prefix": moment.prefix[2], "loss": moment.excess.value}
    return shown[what]


def curve(what: str, step: int) -> Markup:
    """One line for each model over the steps. The state before training stands in the table: 0 has no logarithm."""
    series = [
        (
            how_many(layers, "layer"),
            COLOURS[layers],
            [(float(m.step), value(what, m)) for m in facts.along(layers) if m.step],
        )
        for layers in facts.depths()
    ]
    titles = {
        "right": "The share of tokens copied rightly, after each number of training steps",
        "prefix": "How much the best head reads of what followed last time, after each number of training steps",
        "loss": "The loss above the least possible, after each number of training steps",
    }
    names = {"right": "copied", "prefix": "share of its reading", "loss": "nats above the least"}
    return charts.xy(
        series,
        label=titles[what],
        x_name="training step",
        y_name=names[what],
        x_ticks=(20, 100, 500, 2000, facts.LAST),
        y_max=6.0 if what == "loss" else 1.0,
        markers=((float(step), f"step {step:,}"),) if step else (),
    )


def look(layers: int, moment: Moment) -> Markup:
    """What the head that finds best reads at this step, and how well the model copies by then."""
    layer, head, score = moment.prefix
    return tag(
        "div",
        tag("b", how_many(layers, "layer")),
        pattern(
            moment.looks,
            f"{how_many(layers, 'layer')}, step {moment.step:,}: what head {layer}.{head} reads in "
            f"{facts.SHOWN} letters said twice.",
        ),
        tag(
            "p",
            tag("b", percent(moment.right.value), data_v=exact(moment.right.value)),
            " copied",
        ),
        c.beyond(tag("p", f"head {layer}.{head} looks there with ", tag("b", percent(score), data_v=exact(score)))),
        class_="look",
    )


def table() -> Markup:
    """All numbers, checkpoint by checkpoint."""
    rows = []
    for moments in zip(*[facts.along(layers) for layers in facts.depths()], strict=True):
        row: list[object] = [moments[0].step]
        for m in moments:
            layer, head, score = m.prefix
            row += [
                percent(m.right.value),
                f"{percent(m.right.low)} to {percent(m.right.high)}",
                f"{layer}.{head}: {percent(score)}",
                f"{m.before[0]}.{m.before[1]}: {percent(m.before[2])}",
                f"{nats(m.excess.value)} ({nats(m.excess.low)} to {nats(m.excess.high)})",
            ]
        rows.append(row)
    heads = ["step"]
    for layers in facts.depths():
        name = f"{layers}: "
        heads += [f"{name}copied", f"{name}95 %", f"{name}finds", f"{name}token before", f"{name}loss above the least"]
    return c.numbers_table(heads, rows, "All checkpoints: copied, best heads, loss", summary="All checkpoints")

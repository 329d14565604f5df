"""Layers that learn it: one without a softmax, its matrix beside the hand-made one; and what a softmax changes."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from explainer.live import adamw, regression
from explainer.live.course import Course
from explainer.ui.html import nats, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.training import Trained

from ..facts import fitting
from ..facts import learned as facts
from ..facts.learned import ETA, SEED, STEPS, TASK, TESTS, Moment

NAMES = ("no softmax", "softmax", "softmax, two heads")


class LearnedStep(Trained):
    """A layer of 253 random numbers becomes one step of gradient descent."""

    slug = "learned-step"
    title = "Learned, beside made by hand"
    watched = "learn"
    frame = "learned"
    group = "Training"
    kept_seed = SEED
    reads = ("watch", "seed", "pause", "upto", "back", "at")
    beyond = ("seed",)
    functions = (
        regression.PromptTrainer.step,
        regression.PromptAttention.forward,
        regression.PromptAttention.backward,
        regression.PromptAttention.matrix,
        fitting.best_single_step,
        adamw.AdamW.step,
    )

    def course(self) -> Course[Moment]:
        return facts.course(self.state.seed)

    def kept(self) -> Mapping[int, Moment]:
        return facts.kept_run(SEED)

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [c.beyond(curve("learned-curve", moments, NAMES[:1])), matrices(moment)]

    def more(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [c.beyond(table(moment))]

    def tests(self, live: bool) -> str:
        return f"tested on {TESTS:,} new prompts"

    def ended(self, moment: Moment) -> str:
        return f"Loss {nats(moment.tests[0])}; the matrix has {number(moment.diagonal)} along its diagonal."


class SoftmaxLearned(Trained):
    """The same training with a softmax, in one head and in two."""

    slug = "softmax-step"
    title = "The same with a softmax"
    watched = "softmax"
    at = "soft_at"
    frame = "contest"
    group = "Training"
    kept_seed = SEED
    reads = ("watch", "seed", "pause", "upto", "back", "soft_at")
    beyond = ("seed",)
    functions = (regression.PromptTrainer.step, regression.PromptAttention.forward, regression.PromptAttention.backward)

    def course(self) -> Course[Moment]:
        return facts.three(self.state.seed)

    def kept(self) -> Mapping[int, Moment]:
        return facts.kept_three(SEED)

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        levels = facts.levels()
        names = [*NAMES, "the best single step", "always answering 0"]
        costs = [*moment.tests, levels.step, levels.nothing]
        side = charts.bars(
            names, costs, label="What each costs", colour="loss", text=nats, heads=("who answers", "loss"),
            scale=max(levels.nothing, *costs),
        )  # fmt: skip
        return [tag("div", curve("softmax-curve", moments, NAMES), c.beyond(tag("div", side)), class_="two-sides")]

    def tests(self, live: bool) -> str:
        return f"tested on {TESTS:,} new prompts"

    def ended(self, moment: Moment) -> str:
        return " ".join(f"{name}: {nats(loss)}." for name, loss in zip(NAMES, moment.tests, strict=True))


def curve(name: str, moments: Mapping[int, Moment], names: tuple[str, ...]) -> Markup:
    """The loss over the steps, beside what the same prompts cost without training."""
    steps = tuple(float(k) for k in moments)
    ends, levels = (0.0, float(STEPS)), facts.levels()
    found = [
        Series(words if len(names) > 1 else "the layer", colour, steps, losses)
        for words, colour, losses in zip(
            names, ("head", "query", "value"), zip(*(m.tests for m in moments.values()), strict=True), strict=False
        )
    ]
    found += [
        Series("always answering 0", "loss", ends, (levels.nothing,) * 2),
        Series("the best single step", "resid", ends, (levels.step,) * 2),
    ]
    high = max(1.8, *(loss * 1.02 for m in moments.values() for loss in m.tests[: len(names)]))
    return Plot(
        name,
        "The loss on new prompts after each number of training steps",
        Axis("training step", "", 0, STEPS, whole=True),
        Axis("loss", "", 0, high),
        tuple(found),
    ).markup()


def matrices(moment: Moment) -> Markup:
    """The learned matrix, and the best step size times the identity, painted on one scale."""
    D = TASK.inputs
    hand = [[ETA * (r == k) for k in range(D)] for r in range(D)]
    names = [str(k) for k in range(1, D + 1)]
    scale = max(ETA, float(abs(moment.matrix).max()))
    pairs = [
        (
            "Learned",
            moment.matrix.tolist(),
            f"loss {nats(moment.tests[0])}, diagonal {number(moment.diagonal)}, beside it ± {number(moment.beside)}",
        ),
        ("By hand", hand, f"loss {nats(facts.levels().step)}, diagonal {number(ETA)}, beside it 0"),
    ]
    return tag(
        "div",
        *(
            tag(
                "div",
                tag("b", name),
                c.heat_table(matrix, names, names, label=f"{name}: {says}", signed=True, scale=scale, size="bare-map"),
                tag("p", says),
                class_="look",
            )
            for name, matrix, says in pairs
        ),
        class_="maps",
    )


def table(moment: Moment) -> Markup:
    """The loss in words and numbers."""
    levels = facts.levels()
    rows = [
        ["always answering 0", levels.nothing, facts.NOTHING],
        ["the best single step of gradient descent", levels.step, facts.BEST],
        [f"the layer at training step {moment.step}", moment.tests[0], float("nan")],
    ]
    return c.numbers_table(
        ["who answers", f"loss on the {TESTS:,} prompts", "exact, over all prompts"], rows,
        "What the answers cost: half the mean squared error", text=nats, summary="What the answers cost",
    )  # fmt: skip

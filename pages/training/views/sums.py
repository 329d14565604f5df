"""Sums on a clock: known by heart soon, understood much later."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from explainer.live import adamw, nets, tasks, trainer
from explainer.live.course import Course
from explainer.ui.html import exact, how_many, join, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.training import Trained

from ..facts import sums as facts
from ..facts.sums import EVERY, SEED, STEPS, Moment, P

SIZE = 100  # units from the middle of the clock to its edge


class Grokking(Trained):
    """Right on all that it is taught, early; right on what it has never seen, late; and a clock in its embedding."""

    slug = "grokking"
    title = "By heart, then by rule"
    watched = "grok"
    at = "grok_at"
    frame = "sums"
    kept_seed = SEED
    turns = ("decay",)
    reads = ("watch", "seed", "decay", "pause", "upto", "back", "grok_at")
    beyond = ("seed",)
    functions = (tasks.Addition, facts.waves, trainer.Trainer.step, nets.MLP.backward, adamw.AdamW.step)

    def course(self) -> Course[Moment]:
        return facts.course(self.state.seed, self.state.decay)

    def kept(self) -> Mapping[int, Moment]:
        return facts.kept_run(SEED)

    def fields(self) -> list[Markup]:
        s = self.state
        return [
            c.slider("decay", "Weight decay", float(s.decay), 0, 2, step=0.25),
            *super().fields(),
        ]

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        side = tag("div", c.definition_row(now(moment)), c.beyond(clock(moment)), class_="clock-side")
        return [curve(moments), side]

    def more(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [c.beyond(spectrum(moment))]

    def tests(self, live: bool) -> str:
        taught = int(facts.TASK.share * P * P)
        return f"tested on all {taught:,} sums that it is taught and all {P * P - taught:,} that it never sees"

    def ended(self, moment: Moment) -> str:
        return f"Sums taught: {percent(moment.taught)} right. Sums never seen: {percent(moment.unseen)} right."


def now(moment: Moment) -> list[tuple[str, Markup]]:
    """How good it is at the step that is shown."""
    return [
        (name, tag("span", percent(share), data_v=exact(share)))
        for name, share in (("sums taught", moment.taught), ("sums never seen", moment.unseen))
    ]


def clock(moment: Moment) -> Markup:
    """The numbers in the plane of the strongest wave, joined in the order in which it passes them."""
    order = facts.round_the_clock(moment.turns)
    at = [(SIZE * float(x), -SIZE * float(y)) for x, y in moment.clock]
    line = "M" + "L".join(f"{at[k][0]:.1f},{at[k][1]:.1f}" for k in order) + "Z"
    names = [
        tag("text", str(k), x=f"{at[k][0]:.1f}", y=f"{at[k][1] + 4:.1f}", text_anchor="middle") for k in order[::3]
    ]
    share = float(moment.shares.max())
    step = order[1]
    words = f"Joined in steps of {step}: {', '.join(map(str, order[:3]))}, …; {percent(share)} of the variation"
    return join(
        [
            tag(
                "svg",
                tag("path", d=line, class_="hand"),
                *names,
                viewBox=f"{-SIZE - 12} {-SIZE - 12} {2 * SIZE + 24} {2 * SIZE + 24}",
                role="img",
                aria_label=f"The numbers 0 to {P - 1} in one plane of the embedding, joined in steps of {step}.",
                class_="clock",
            ),
            tag("p", words, class_="learner-says"),
        ]
    )


def curve(moments: Mapping[int, Moment]) -> Markup:
    """How often it is right, over the steps."""
    steps = tuple(float(k) for k in moments)
    return Plot(
        "grokking-curve",
        "The share of right sums after each number of training steps",
        Axis("training step", "", 0, STEPS + 2 * EVERY, whole=True),
        Axis("right"),
        (
            Series("sums taught", "resid", steps, tuple(m.taught for m in moments.values())),
            Series("sums never seen", "query", steps, tuple(m.unseen for m in moments.values())),
        ),
    ).markup()


def spectrum(moment: Moment) -> Markup:
    """How much of the embedding goes round 1, 2, ... times."""
    shares = [float(v) for v in moment.shares]
    words = [percent(v) for v in shares]
    return tag(
        "div",
        tag(
            "p",
            f"How much of the variation in its embedding goes round so often while the numbers go from 0 to {P}: "
            f"{how_many(facts.strong(moment.shares), 'wave')} of {len(shares)} hold 80 % of it.",
            class_="note",
        ),
        charts.columns(
            range(1, len(shares) + 1),
            shares,
            words,
            peak=max(0.3, *shares),
            colour="resid",
            label="The waves of the embedding and how much of its variation each holds",
            unit=("of the variation", "of the variation"),
            x=("turn", "turns"),
            named=(moment.turns - 1,),
        ),
        class_="spectrum",
    )

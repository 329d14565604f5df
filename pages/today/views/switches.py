"""Four switches on a small model that is trained here, and what each of them does by itself."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from explainer.live import adamw, today
from explainer.live.course import Course
from explainer.live.today import BlockTrainer
from explainer.ui.html import exact, join, nats, number, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.training import Trained
from explainer.ui.widget import Widget

from ..facts import runs
from ..facts.runs import NOW, SEED, STEPS, SWITCHES, THEN, Moment

NAMES = {
    "norm": ("RMSNorm", "LayerNorm"),
    "places": ("RoPE", "learned places"),
    "think": ("SwiGLU", "GELU"),
    "share": ("shared keys and values", "keys and values for each head"),
}
HIGH = 4.5  # nats: the plot's upper end; ln of the letters there are is a little less


class Switches(Trained):
    """2017's parts beside the reader's choice of today's: the same letters, the same seed, the same number of steps."""

    slug = "switches"
    title = "Four switches, one model"
    watched = "parts"
    group = "Parts and training"
    frame = "sums"
    kept_seed = SEED
    turns = tuple(f"now_{name}" for name in SWITCHES)
    reads = ("watch", "seed", "pause", "upto", "back", "at", *turns)
    beyond = ("seed",)
    functions = (
        today.LayerNorm,
        today.RMSNorm,
        today.GroupedAttention.forward,
        today.GELU,
        today.SwiGLU,
        BlockTrainer.step,
        adamw.AdamW.step,
    )

    @property
    def choice(self) -> str:
        """Which switches are on today's side, in the order of SWITCHES."""
        return "".join("1" if getattr(self.state, name) else "0" for name in self.turns)

    def course(self) -> Course[Moment]:
        return runs.course(self.choice, self.state.seed)

    def kept(self) -> Mapping[int, Moment]:
        return runs.kept_run(self.choice, SEED)

    def fields(self) -> list[Markup]:
        s = self.state
        switches = [c.check(f"now_{name}", NAMES[name][0], getattr(s, f"now_{name}")) for name in SWITCHES]
        return [
            tag("div", *switches, class_="switches", role="group", aria_label="Today’s parts"),
            *super().fields(),
        ]

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [curves(moments), sides(self.choice, moment)]

    def tests(self, live: bool) -> str:
        return f"tested on {runs.TESTED * runs.LENGTH:,} letters of stories that neither is taught"

    def ended(self, moment: Moment) -> str:
        then, now = moment.held
        return f"2017’s parts: {nats(then)} nats a letter. Your choice: {nats(now)}."


def curves(moments: Mapping[int, Moment]) -> Markup:
    """Both losses over the steps."""
    steps = tuple(float(k) for k in moments)
    return Plot(
        "switches-curve",
        "The surprise at a letter of new stories after each number of training steps",
        Axis("training step", "", 0, STEPS, whole=True),
        Axis("surprise", "nats", 1, HIGH),
        (
            Series("2017’s parts", "query", steps, tuple(min(m.held[0], HIGH) for m in moments.values())),
            Series("your choice", "resid", steps, tuple(min(m.held[1], HIGH) for m in moments.values())),
        ),
    ).markup()


def sides(choice: str, moment: Moment) -> Markup:
    """How good both are at the step that is shown, how large, and what they have to remember."""
    rows = []
    for name, of, loss, role in (
        ("2017’s parts", THEN, moment.held[0], "query"),
        (words(choice), choice, moment.held[1], "resid"),
    ):
        weights, remembered = runs.size(of)
        rows.append(
            tag(
                "div",
                tag("b", name),
                tag("span", f"{nats(loss)} nats a letter", data_v=exact(loss)),
                tag("span", f"{weights:,} weights"),
                tag("span", f"{remembered} bytes a letter"),
                class_=f"of-two axis-{role}",
            )
        )
    return tag("div", *rows, class_="clock-side sides")


def words(choice: str) -> str:
    """A choice by its parts of today."""
    if choice == NOW:
        return "All four of today"
    on = [NAMES[name][0] for name, mark in zip(SWITCHES, choice, strict=True) if mark == "1"]
    return f"With {' and '.join(on)}" if on else "2017’s parts again"


class OneByOne(Widget):
    """Each change by itself, and all together, with several seeds: what it does to the loss at the end."""

    slug = "one-by-one"
    title = "One change at a time"
    own_only = ""
    reads = ()
    functions = (runs.effect, runs.Effect, runs.held_loss)

    def draw(self) -> Markup:
        chosen = (*runs.ALONE, NOW)
        effects = [runs.effect(choice) for choice in chosen]
        names = (*(NAMES[s][0].removesuffix(" and values") for s in SWITCHES), "all four")
        spread = effects[0].spread
        low, high = ends([a for e in effects for a in e.apart] + [spread, -spread])
        rings = tuple((a, float(k)) for k, e in enumerate(effects) for a in e.apart)
        plot = Plot(
            "one-by-one",
            "What each change does to the surprise at a letter, for each seed",
            Axis("change", "nats (left is better)", low, high),
            Axis("part", names=names),
            (
                Series("one seed", "query", tuple(x for x, _ in rings), tuple(y for _, y in rings), "rings"),
                Series(
                    "the middle one", "resid", tuple(e.middle for e in effects),
                    tuple(float(k) for k in range(len(effects))), "dots",
                ),
            ),
            markers=((-spread, "another seed"), (spread, "")),
        )  # fmt: skip
        clear = [name for name, e in zip(names, effects, strict=True) if e.clear]
        return join(
            [
                c.figure(
                    "one-by-one",
                    plot.markup(),
                    tag(
                        "p",
                        f"Beyond what another seed changes ({number(spread)} nats): "
                        f"{' and '.join(clear) if clear else 'none of them'}. {runs.SEEDS} seeds, "
                        f"{STEPS} steps; each against 2017’s parts with the same seed and the same letters.",
                        class_="run-says told",
                    ),
                )
            ]
        )


def ends(values: list[float]) -> tuple[float, float]:
    """Ends of an axis that hold all values and 0, on tenths."""
    tenths = [v * 10 for v in (*values, 0.0)]
    return (min(tenths) // 1 - 0.5) / 10, (max(tenths) // 1 + 1.5) / 10

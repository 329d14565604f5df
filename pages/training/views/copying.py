"""Two layers and one learn to copy: what they say of a row of letters, and what each of their heads reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from explainer.live import adamw, nets, tasks, trainer
from explainer.live.course import Course
from explainer.ui.html import join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.pattern import pattern
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.training import Trained

from ..facts import copying as facts
from ..facts.copying import BACK, LETTERS, SEED, SHOWN, STEPS, Moment


class Copying(Trained):
    """The hero: two layers learn to copy while one looks on, and one layer beside them does not."""

    slug = "copying"
    title = "Learning to copy"
    watched = "induction"
    kept_seed = SEED
    turns = ("rate",)
    reads = ("watch", "seed", "rate", "pause", "upto", "back", "at")
    beyond = ("rate", "seed")
    functions = (
        trainer.Trainer.step,
        tasks.Induction,
        nets.Attention.forward,
        nets.Attention.backward,
        adamw.AdamW.step,
    )

    def course(self) -> Course[Moment]:
        return facts.course(self.state.seed, self.state.rate)

    def kept(self) -> Mapping[int, Moment]:
        return facts.kept_run(SEED)

    def fields(self) -> list[Markup]:
        s = self.state
        return [
            c.beyond(
                c.slider("rate", "Learning rate", float(s.rate), 3e-4, 0.03, log=True),
                c.number_field("seed", "Seed", s.seed, 0, 2**32 - 1),
            )
        ]

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [letters(moment), tag("div", *looks(moment), class_="looks")]

    def more(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [c.beyond(curve(moments), table(moment))]

    def tests(self, live: bool) -> str:
        return f"tested on {facts.TESTS if live else facts.KEPT_TESTS:,} new rows"

    def ended(self, moment: Moment) -> str:
        two, one = (percent(share) for share in moment.right)
        return f"Two layers: {two} right. One layer: {one} right."


def letters(moment: Moment) -> Markup:
    """The row as it is given, and what each of the two says at every place before it sees what stands there."""
    row = facts.row()
    given = [tag("i", LETTERS[k], class_="note-cell given") for k in row]
    rows = [("Given", f"{BACK} letters, then the same again", given, "The row of letters")]
    for name, says, share in zip(("Two layers say", "One layer says"), moment.says, moment.right, strict=True):
        cells: list[Any] = [tag("i", "·", class_="note-cell none") for _ in range(BACK + 1)]
        for at in range(BACK, SHOWN):
            said, right = says[at], row[at + 1]
            words = "right" if said == right else f"wrong, it is {LETTERS[right]}"
            why = f"before letter {at + 2} is seen: {LETTERS[said]}, {words}"
            kind = "right" if said == right else "wrong"
            cells.append(tag("i", LETTERS[said], class_=f"note-cell {kind}", data_why=why))
        rows.append((name, f"{percent(share)} right", cells, f"What {name[:-4].lower()} say"))
    return join(
        c.answer_row(name, told, cells, f"{label}; the same in the table below") for name, told, cells, label in rows
    )


def looks(moment: Moment) -> list[Markup]:
    """What each of the three heads reads of that row, as small pictures."""
    named = (
        ("First of two", "to the letter before", moment.before),
        ("Second of two", "to what followed last time", moment.followed[0]),
        ("One layer", "to what followed last time", moment.followed[1]),
    )
    return [
        tag(
            "div",
            tag("b", name),
            pattern(weights, f"{name}. {percent(score)} of its reading goes {where}."),
            tag("p", tag("b", percent(score)), f" {where}", data_why=f"{name}: on average over 50 other rows"),
            class_="look",
        )
        for (name, where, score), weights in zip(named, moment.patterns, strict=True)
    ]


def curve(moments: Mapping[int, Moment]) -> Markup:
    """How often both are right, over the steps."""
    steps = tuple(float(k) for k in moments)
    two, one = (tuple(m.right[k] for m in moments.values()) for k in (0, 1))
    chance = 1 / facts.TASK.symbols
    return Plot(
        "copying-curve",
        "The share of right letters after each number of training steps",
        Axis("training step", "", 0, STEPS, whole=True),
        Axis("right"),
        (
            Series("two layers", "resid", steps, two),
            Series("one layer", "query", steps, one),
            Series("a guess among all letters", "true", (0.0, float(STEPS)), (chance, chance)),
        ),
    ).markup()


def table(moment: Moment) -> Markup:
    """For each letter of the row: what is said to come next, and what each head reads most."""
    row = facts.row()
    rows = []
    for t in range(SHOWN):
        most = []
        for weights in moment.patterns:
            s = int(weights[t].argmax())
            most += [f"{LETTERS[row[s]]} ({s + 1})", float(weights[t, s]) / 255]
        rows.append([f"{t + 1}", LETTERS[row[t]], *(LETTERS[says[t]] for says in moment.says), *most])
    heads = ["place", "letter", "two layers say next", "one layer says next"]
    for name in ("first of two", "second of two", "the only one"):
        heads += [f"{name} reads most", f"{name}: how much"]
    return c.numbers_table(
        heads, rows, f"What is said and read of the letters at training step {moment.step}", text=percent,
        summary="What is said and read, letter by letter",
    )  # fmt: skip

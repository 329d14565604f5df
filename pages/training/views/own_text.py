"""The reader's own text, learnt from nothing, beside what the text's own tables expect."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from markupsafe import Markup

from explainer.live import adamw, nets, tasks, trainer
from explainer.live.course import Course
from explainer.ui.html import join, nats, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.training import Trained

from ..facts import own_text as facts
from ..facts.own_text import ALICE, SEED, STEPS, Moment, Tables


class OwnTextLearned(Trained):
    """A small transformer of characters that has seen one text only, and what it writes as it learns."""

    slug = "own-text"
    title = "Your own text, from nothing"
    watched = "text"
    at = "text_at"
    group = "Training"
    kept_seed = SEED
    turns = ("text",)
    reads = ("watch", "seed", "text", "pause", "upto", "back", "text_at")
    beyond = ("seed",)
    functions = (
        tasks.OwnText,
        inspect.unwrap(facts.tables),
        facts.held_loss,
        trainer.Trainer.step,
        nets.Attention.backward,
        adamw.AdamW.step,
    )

    def course(self) -> Course[Moment]:
        return facts.course(self.state.text, self.state.seed)

    def kept(self) -> Mapping[int, Moment]:
        return facts.kept_run(SEED)

    def draw(self) -> Markup:
        s = self.state
        field = text_area(s.text)
        if words := facts.problem(s.text):
            return join([c.controls(field), c.figure("own-text", c.message(words, "problem"))])
        if not self.live and s.text != ALICE:
            told = "Press Train, and it learns your text: from random weights, in a few seconds."
            return join([c.controls(field, self.buttons(None, 0)), c.figure("own-text", tag("p", told, class_="told"))])
        return join([c.controls(field), super().draw()])

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        given = facts.given(tasks.OwnText(self.state.text, facts.LENGTH))
        writes = tag("p", tag("span", given, class_="was"), tag("span", moment.writes), class_="writes")
        return [writes, losses(moment, facts.tables(self.state.text))]

    def more(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        return [c.beyond(curve(moments, facts.tables(self.state.text)))]

    def tests(self, live: bool) -> str:
        held = facts.tables(self.state.text).held
        return f"tested on the last {held:,} characters, which it is never taught"

    def ended(self, moment: Moment) -> str:
        tables = facts.tables(self.state.text)
        return f"The learner: {nats(moment.held)} nats a character. Which follows which: {nats(tables.pairs)}."


def text_area(text: str) -> Markup:
    """The text, in a field of several lines."""
    return tag(
        "div",
        tag("label", "Your text", for_="f-text"),
        tag("textarea", text, id="f-text", data_bind="text", rows=3, spellcheck="false", autocomplete="off"),
        tag("p", class_="message", data_message="text", role="alert"),
        class_="field field-text",
    )


def losses(moment: Moment, tables: Tables) -> Markup:
    """What it costs to be told the held-back part: to who guesses, to two tables, and to the learner."""
    rows = [
        ("all characters alike", tables.chance),
        ("how often each stands there", tables.letters),
        ("which follows which", tables.pairs),
        ("the learner", moment.held),
    ]
    return charts.bars(
        [name for name, _ in rows], [loss for _, loss in rows],
        label="Surprise at each character of the part that is held back, in nats", colour="loss",
        scale=max(tables.chance, moment.held), text=nats, chosen=3, heads=("who expects it", "nats"),
    )  # fmt: skip


def curve(moments: Mapping[int, Moment], tables: Tables) -> Markup:
    """Its loss over the steps, beside the tables'."""
    steps = tuple(float(k) for k in moments)
    ends = (0.0, float(STEPS))
    learnt = [(float(k), m.taught) for k, m in moments.items() if k]
    high = max(5.0, *(m.held + 0.2 for m in moments.values()))
    series = [
        Series("held-back part", "query", steps, tuple(m.held for m in moments.values())),
        Series("the batch just learnt", "resid", tuple(k for k, _ in learnt), tuple(v for _, v in learnt)),
        Series("which follows which", "true", ends, (tables.pairs, tables.pairs)),
        Series("how often each stands there", "value", ends, (tables.letters, tables.letters)),
    ]
    return Plot(
        "own-text-curve",
        "The surprise at a character after each number of training steps",
        Axis("training step", "", 0, STEPS, whole=True),
        Axis("surprise", "nats", 0, high),
        tuple(series),
    ).markup()

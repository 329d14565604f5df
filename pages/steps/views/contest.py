"""Two learners of one game, trained side by side before the reader's eyes."""

from __future__ import annotations

import math
import time
from typing import Any, ClassVar

from markupsafe import Markup

from explainer.live import adamw, nets, tasks, trainer
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import games, pairs
from ..facts.pairs import CONTESTS, EVERY, MOVES, SEED, Contest, Moment, Pair, Run
from .parts import answer_row, braid, counts

SLICE = 0.02  # s of training without a pause: what the reader does meanwhile waits no longer, nor does another training
LEASE = 0.3  # s of training for each time that the page says that the figure is still in sight


class Training(Widget):
    """A kept run of a contest, or, once the reader (or the address) says so, one that happens now."""

    reads: ClassVar[tuple[str, ...]] = ("watch", "seed", "pause", "upto", "back", "at")
    functions = (
        trainer.Trainer.step,
        nets.Attention.forward,
        nets.Attention.backward,
        adamw.AdamW.step,
        tasks.Following,
    )

    def __init__(self, *args: Any, **options: Any):
        self._pair: Pair | None = None  # what is being trained
        self._begun = 0  # the page's last wish to begin again that was met
        self._lease = 0.0  # s of training that are left until it must say so again
        super().__init__(*args, **options)
        self.state.param.watch(self._still_seen, "again")

    def _still_seen(self, *events: Any) -> None:
        """The page says that what was drawn last is in sight: train on."""
        self._lease = LEASE

    def contest(self) -> Contest:
        raise NotImplementedError

    @property
    def live(self) -> bool:
        """Whether this is what the reader watches."""
        return bool(self.state.watch == self.contest().name)

    @property
    def works(self) -> bool:
        """Whether it trains: the reader has begun it, sees it, and has not paused it."""
        return self.live and self._lease > 0 and self._pair is not None and not self._pair.done and not self.state.pause

    def work(self) -> None:
        """Train for a slice; draw what has been measured, and at the end of each lease: then the page asks again."""
        assert self._pair is not None
        began, measured = time.perf_counter(), len(self._pair.trainers[1].history)
        self._pair.advance(SLICE)
        self._lease -= time.perf_counter() - began
        if len(self._pair.trainers[1].history) > measured or self._lease <= 0 or self._pair.done:
            self.redraw()

    def go_on(self) -> Pair:
        """Meet the page's wishes: begin, begin again, make a step. What goes on by itself is `work`.

        Outside of a request (in a notebook) nobody calls that, and all steps are made at once.
        """
        s, contest = self.state, self.contest()
        if self._pair is None or (self._pair.contest.name, self._pair.seed) != (contest.name, s.seed):
            self._pair = Pair(contest.name, s.seed)
        elif s.back != self._begun:
            self._pair.rewind()
        if math.isinf(s.left()):
            self._pair.step_to(contest.plan.steps)
        elif s.pause:
            self._pair.step_to(s.upto)
        self._begun = s.back
        return self._pair

    def warm(self) -> None:
        """What a first step waits for otherwise: numpy's code compiled. What is shown stays."""
        Pair(self.contest().name, SEED).step_to(1)

    def draw(self) -> Markup:
        contest = self.contest()
        pair = self.go_on() if self.live else None
        run = pair.run() if pair else pairs.kept_run(contest.name, SEED)
        moment = run.at(self.state.at)
        return join([self.settings(pair, run, moment), *self.figure(contest, pair, run, moment)])

    def settings(self, pair: Pair | None, run: Run, moment: Moment) -> Markup:
        s, name = self.state, self.contest().name
        buttons = [train_button(name, pair, s)]
        if pair and not pair.done:
            step = c.button("One step", sets="watch upto pause", value=f"{name}\x1f{pair.steps + 1}\x1ftrue")
            buttons.append(c.beyond(step))
        if pair and pair.steps:
            buttons.append(
                c.beyond(c.button("Rewind", sets="back pause at upto", value=f"{s.back + 1}\x1ftrue\x1f\x1f0"))
            )
        last = run.moments[-1].step
        return c.controls(
            tag("div", *buttons, class_="train"),
            c.slider("at", "Training step", moment.step, 0, max(last, EVERY), step=EVERY),
            c.number_field("seed", "Seed", s.seed, 0, 2**32 - 1),
        )

    def figure(self, contest: Contest, pair: Pair | None, run: Run, moment: Moment) -> list[Any]:
        rows = [
            answer_row(learner.name, shares, verdict(shares, contest), contest.chance, contest.move, kind)
            for learner, shares, kind in zip(contest.learners, moment.accuracy, ("first", "second"), strict=True)
        ]
        example = None
        if contest.move == "swap":
            played = games.game(self.state.game)
            example = braid(played, f"A game of {MOVES} swaps: the five cups, and the ball’s way under them.")
        head = [contest.move, *(learner.name.lower() for learner in contest.learners)]
        table = c.numbers_table(
            [f"after how many {contest.move}s", *head[1:]],
            [[n, float(a), float(b)] for n, (a, b) in enumerate(zip(*moment.accuracy, strict=True), 1)],
            f"The share of games in which each is right, at training step {moment.step}",
            text=percent,
        )
        turning = pair is not None and not pair.done and not self.state.pause
        return [
            c.figure(
                self.slug,
                tag(
                    "div",
                    example,
                    *rows,
                    counts(MOVES, contest.move),
                    class_="contest",
                    data_step=moment.step,
                    data_more="again" if turning else None,
                    data_piece=pair.steps if pair and turning else None,
                ),
                tag("p", said_of(pair, run, moment), class_="run-says"),
                c.outcome(outcome(contest, run) if pair and pair.done else ""),
                c.beyond(tag("p", budget(contest, run), class_="run-says"), table),
            )
        ]


def train_button(name: str, pair: Pair | None, state: Any) -> Markup:
    """The one press: begin, pause, go on, or once more from the start."""
    if pair is None:
        return c.button("Train", sets="watch pause at", value=f"{name}\x1ffalse\x1f", kind="main")
    if pair.done:
        return c.button("Train again", sets="back pause at", value=f"{state.back + 1}\x1ffalse\x1f", kind="main")
    if state.pause:
        return c.button("Train", sets="pause at", value="false\x1f", kind="main")
    return c.button("Pause", sets="pause", value="true", kind="main")


def verdict(shares: tuple[float, ...], contest: Contest) -> str:
    """What a row says, in words."""
    sure = pairs.sure_of(shares)
    if sure == len(shares):
        return f"right after all {sure}"
    if sure == 0 and max(shares) < 2 * contest.chance and contest.chance < 0.4:
        return "guessing"
    half = pairs.below_half(shares)
    told = f"sure of {how_many(sure, contest.move)}" if sure else "sure of none"
    return f"{told}, below one half from {half}" if half and contest.chance < 0.4 else told


def outcome(contest: Contest, run: Run) -> str:
    """What a training that has come to its end has found, for those who do not see its columns."""
    moment = run.at(None)
    told = (
        f"{learner.name}: {verdict(shares, contest)}."
        for learner, shares in zip(contest.learners, moment.accuracy, strict=True)
    )
    return " ".join((f"Trained, {moment.step} steps.", *told))


def said_of(pair: Pair | None, run: Run, moment: Moment) -> str:
    """Whether this happened before, or happens now."""
    tests = f"each bar: {run.tests:,} new games"
    if pair is None:
        return (
            f"A kept run, made when this site was built: seed {run.seed}, step {moment.step} of "
            f"{run.moments[-1].step}; {tests}. Press Train to see one happen."
        )
    plan = pair.contest.plan
    time = f", {number(run.seconds)} s of training in your browser" if run.seconds > 0 else ""
    shown = "" if moment.step == pair.steps else f" Shown: step {moment.step}."
    return f"Now, seed {run.seed}: step {pair.steps} of {plan.steps}{time}; {tests}.{shown}"


def budget(contest: Contest, run: Run) -> str:
    """What each of the two has."""
    one, other = run.weights
    plan = contest.plan
    weights = f"{one:,} weights each" if one == other else f"{one:,} and {other:,} weights"
    return (
        f"One layer, width {pairs.WIDTH}, {weights}; {plan.steps} steps of {plan.batch} games each, the same games, "
        f"the same learning rate. Both are told the right answer after every {contest.move}."
    )


class Steps(Training):
    """The shell game: one must answer at once, one may write where the ball is after each swap."""

    slug = "steps"
    title = "Two learners, one game"
    reads = (*Training.reads, "game")

    def contest(self) -> Contest:
        return CONTESTS["shell"]


class OtherGames(Training):
    """Parity, three things in order, and the shell game with a recurrent network in the place of the writer."""

    slug = "other-games"
    title = "Other games, another network"
    reads = (*Training.reads, "second", "game")

    def contest(self) -> Contest:
        return CONTESTS[self.state.second]

    def settings(self, pair: Pair | None, run: Run, moment: Moment) -> Markup:
        options = [(name, CONTESTS[name].title) for name in SECOND]
        return join(
            [c.controls(c.choice("second", "Game", options, self.state.second)), super().settings(pair, run, moment)]
        )


SECOND = ("parity", "s3", "rival")

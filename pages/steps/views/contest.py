"""Two learners of one game, trained side by side before the reader's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from markupsafe import Markup

from explainer.live import adamw, latent, nets, tasks, trainer
from explainer.live.course import Course
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.training import Trained

from ..facts import games, pairs
from ..facts.pairs import CONTESTS, MOVES, SEED, Contest, Moment
from .parts import answer_row, braid, counts


class Training(Trained):
    """A contest: a kept run of it, or, once the reader (or the address) says so, one that happens now."""

    kept_seed = SEED
    reads: ClassVar[tuple[str, ...]] = ("watch", "seed", "pause", "upto", "back", "at")
    functions: ClassVar[tuple[Any, ...]] = (
        trainer.Trainer.step,
        nets.Attention.forward,
        nets.Attention.backward,
        adamw.AdamW.step,
        tasks.Following,
    )

    def contest(self) -> Contest:
        raise NotImplementedError

    @property
    def watched(self) -> str:
        return self.contest().name

    def course(self) -> Course[Moment]:
        return pairs.course(self.contest().name, self.state.seed)

    def kept(self) -> Mapping[int, Moment]:
        return pairs.kept_run(self.contest().name, SEED)

    def warm(self) -> None:
        """What a first step waits for otherwise: numpy's code compiled. What is shown stays."""
        pairs.course(self.contest().name, SEED).step_to(1)

    def fields(self) -> list[Markup]:
        return [c.number_field("seed", "Seed", self.state.seed, 0, 2**32 - 1)]

    def look(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup | None]:
        contest = self.contest()
        example = None
        if contest.move == "swap":
            played = games.game(self.state.game)
            example = braid(played, f"A game of {MOVES} swaps: the five cups, and the ball’s way under them.")
        rows = [
            answer_row(learner.name, shares, verdict(shares, contest), contest.chance, contest.move, kind)
            for learner, shares, kind in zip(contest.learners, moment.accuracy, ("first", "second"), strict=True)
        ]
        return [example, *rows, counts(MOVES, contest.move)]

    def more(self, moments: Mapping[int, Moment], moment: Moment) -> list[Markup]:
        contest = self.contest()
        table = c.numbers_table(
            [f"after how many {contest.move}s", *(learner.name.lower() for learner in contest.learners)],
            [[n, float(a), float(b)] for n, (a, b) in enumerate(zip(*moment.accuracy, strict=True), 1)],
            f"The share of games in which each is right, at training step {moment.step}",
            text=percent,
        )
        return [c.beyond(tag("p", budget(contest), class_="run-says"), table)]

    def tests(self, live: bool) -> str:
        return f"each bar: {pairs.TESTS if live else pairs.KEPT_TESTS:,} new games"

    def ended(self, moment: Moment) -> str:
        contest = self.contest()
        told = zip(contest.learners, moment.accuracy, strict=True)
        return " ".join(f"{learner.name}: {verdict(shares, contest)}." for learner, shares in told)


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


def budget(contest: Contest) -> str:
    """What each of the two has."""
    one, other = pairs.weights(contest.name)
    plan = contest.plan
    weights = f"{one:,} weights each" if one == other else f"{one:,} and {other:,} weights"
    return (
        f"One layer, width {pairs.WIDTH}, {weights}; {plan.steps:,} steps of {plan.batch} games each, the same games, "
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
    turns = ("second",)
    reads = (*Training.reads, "second", "game")

    def contest(self) -> Contest:
        return CONTESTS[self.state.second]

    def draw(self) -> Markup:
        options = [(name, CONTESTS[name].title) for name in SECOND]
        return join([c.controls(c.choice("second", "Game", options, self.state.second)), super().draw()])


class LatentLoop(Training):
    """The shell game: one may write, the other hands on its last vector, of which no word is made."""

    slug = "latent-loop"
    title = "A loop without words"
    reads = (*Training.reads, "game")
    functions: ClassVar[tuple[Any, ...]] = (
        latent.Latent.forward,
        latent.Latent.backward,
        trainer.Trainer.step,
        adamw.AdamW.step,
    )

    def contest(self) -> Contest:
        return CONTESTS["latent"]


SECOND = ("parity", "s3", "rival")

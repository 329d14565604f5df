"""One wrong note: what becomes of a writer's answers when one of its written steps is changed."""

from __future__ import annotations

from markupsafe import Markup

from explainer.live import nets, tasks
from explainer.live.tasks import CUPS
from explainer.ui.html import join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import games
from ..facts.pairs import MOVES
from .parts import braid, counts, note_cells

CHOICES = [("", "the next cup"), *((k, f"cup {k}") for k in range(1, CUPS + 1))]


class ForgedStep(Widget):
    """The ball's way, and the way that the learner writes once a wrong place has been put into its notes."""

    slug = "forged-step"
    title = "One wrong note"
    reads = ("game", "forged", "place")
    functions = (tasks.Following.answers, nets.Writer, games.followed)

    def draw(self) -> Markup:
        s = self.state
        played = games.game(s.game)
        true = played.ball[s.forged]
        place = games.next_cup(true) if s.place is None else s.place - 1
        said = games.answers(played, (s.forged, place)).written
        return join(
            [
                c.controls(
                    c.slider("forged", "Change the note after swap", s.forged, 1, MOVES, step=1),
                    c.choice("place", "Write there", CHOICES, "" if s.place is None else s.place),
                    c.beyond(c.button("Another game", sets="game pick", value=f"{s.game + 1}\x1f")),
                ),
                c.figure(
                    "forged-step",
                    tag(
                        "div",
                        braid(played, "The ball’s way under the cups, and the way that the learner writes.", said),
                        notes(played, said, s.forged),
                        counts(MOVES, "swap"),
                        class_="contest",
                    ),
                    c.told(told(played, said, s.forged, place)),
                    c.beyond(
                        c.numbers_table(
                            ["swap", "ball", "written"],
                            [[n, b + 1, w + 1]
                             for n, (b, w) in enumerate(zip(played.ball[1:], said, strict=True), 1)],
                            "Where the ball is and what the learner has written",
                        ),
                    ),
                ),
            ]
        )  # fmt: skip


def notes(played: games.Game, said: tuple[int, ...], forged: int) -> Markup:
    """What stands written after each swap: right, wrong, or put there."""
    label = "What stands written after each swap; the same in the table below"
    return c.answer_row("Its notes", "outlined: the one that was changed", note_cells(played, said, forged), label)


def told(played: games.Game, said: tuple[int, ...], forged: int, place: int) -> str:
    """What came of it, in this game and in many."""
    wrong, rest = games.wrong_after(played, said, forged), MOVES - forged
    alone, misled = games.after_forging()
    if place == played.ball[forged]:
        here = "That is where the ball is: nothing was changed."
    elif rest == 0:
        here = "It was the last note: nobody reads it."
    else:
        here = f"From there on {wrong} of {rest} notes are wrong: it goes on from what stands there."
    return (
        f"{here} Over {games.FORGED:,} games it is right after swap {MOVES} in {percent(alone)}; with the next cup "
        f"written after swap {forged}, in {percent(misled[forged - 1].right)}."
    )

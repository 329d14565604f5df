"""The shell game, for the reader: the ball is seen once, then cups are swapped. Where is it?"""

from __future__ import annotations

from markupsafe import Markup

from explainer.live import tasks
from explainer.live.tasks import CUPS
from explainer.ui.html import how_many, join, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import games
from .parts import LANE, path


class ShellGame(Widget):
    """Swaps as rungs between five lanes; the reader says where the ball comes out."""

    slug = "shell-game"
    title = "Where is the ball?"
    reads = ("game", "swaps", "pick")
    functions = (tasks.Machine.games, tasks.Following.answers)

    def draw(self) -> Markup:
        s = self.state
        played = games.game(s.game, s.swaps)
        return join(
            [
                c.controls(
                    c.slider("swaps", "Swaps", s.swaps, 1, games.MOVES, step=1),
                    c.button("Another game", sets="game pick", value=f"{s.game + 1}\x1f"),
                ),
                c.figure(
                    "shell-game",
                    tag(
                        "div",
                        rungs(played, s.pick is not None),
                        tag("div", *cups(played, s.pick), class_="cups", role="group", aria_label="Under which cup?"),
                        class_="shell",
                    ),
                    c.told(told(played, s.pick)),
                    c.beyond(table(played, s.pick is not None)),
                ),
            ]
        )


def rungs(played: games.Game, shown: bool) -> Markup:
    """Five lanes, one for each place; each swap is a rung between two of them. shown: whether the ball's way is"""
    n = len(played.swaps)
    parts = [tag("path", d=f"M0,{(lane + 0.5) * LANE:g}H{100 * n}", class_="strand") for lane in range(CUPS)]
    for t, (a, b) in enumerate(played.swaps):
        x, top, bottom = 100 * t + 50, (a + 0.5) * LANE, (b + 0.5) * LANE
        parts.append(tag("path", d=f"M{x},{top:g}V{bottom:g}", class_="rung"))
        parts += [tag("path", d=f"M{x},{y:g}h0.01", class_="rung-end") for y in (top, bottom)]
    if shown:
        parts.append(tag("path", d=path(played.ball), class_="way"))
    parts.append(tag("path", d=f"M0,{(played.ball[0] + 0.5) * LANE:g}h0.01", class_="ball"))
    swaps = ", ".join(f"{a + 1} and {b + 1}" for a, b in played.swaps)
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {100 * n} {CUPS * LANE}",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"The ball is under cup {played.ball[0] + 1}. Swapped in turn: {swaps}.",
        class_="braid rungs",
    )


def cups(played: games.Game, pick: int | None) -> list[Markup]:
    """A button for each place; once one is picked, the right one is marked."""
    found = []
    for place in range(CUPS):
        right = pick is not None and played.ball[-1] == place
        words = f"cup {place + 1}" + (", here it is" if right else "")
        found.append(
            tag(
                "button",
                tag("span", "cup ", class_="sr"),
                str(place + 1),
                tag("span", words.partition(",")[2], class_="sr") if right else None,
                type="button",
                data_set="pick",
                value=place + 1,
                class_="button cup right" if right else "button cup",
                aria_pressed=str(pick == place + 1).lower(),
            )
        )
    return found


def told(played: games.Game, pick: int | None) -> str:
    """What to say before and after the reader's answer."""
    n = len(played.swaps)
    if pick is None:
        return (
            "The dot is the ball. Each upright line swaps the cups at its two ends, from left to right. "
            "Under which cup is the ball at the right end?"
        )
    there = played.ball[-1] + 1
    said = games.answers(played)
    yours = f"Yes, cup {there}." if pick == there else f"No: it is under cup {there}, not {pick}."
    once, wrote = said.at_once[-1] + 1, said.written[-1] + 1
    learners = (
        f"After {how_many(n, 'swap')} the learner that must answer at once says {once}, "
        f"the one that may write says {wrote}."
    )
    return f"{yours} {learners} One way to do it: keep a finger on the ball, swap by swap."


def table(played: games.Game, shown: bool) -> Markup:
    """The swaps, and where the ball is after each once the reader has answered."""
    rows = [
        [t, f"{a + 1} and {b + 1}", place + 1 if shown else "?"]
        for t, ((a, b), place) in enumerate(zip(played.swaps, played.ball[1:], strict=True), 1)
    ]
    return c.numbers_table(["swap", "cups", "ball"], rows, f"The swaps; the ball begins under cup {played.ball[0] + 1}")

"""More layers: how many swaps a learner follows that must answer at once, by how deep it is."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.live import depth, nets, tasks
from explainer.live.depth import LAYERS, MOVES, SHOWN
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import deep, games
from ..facts.pairs import CONTESTS
from .parts import answer_row, braid, counts, note_cells

WRITER = "May write, 1 layer"


class Depth(Widget):
    """One to six layers at once, beside one layer that may write."""

    slug = "more-layers"
    title = "More layers, or writing?"
    reads = ("layers", "game")
    functions = (nets.Net.forward, tasks.Following, depth.trained, deep.follows)

    def draw(self) -> Markup:
        s = self.state
        played = games.game(s.game)
        at_once, wrote = deep.accuracy("at once", s.layers), deep.accuracy("written")
        chance = CONTESTS["shell"].chance
        return join(
            [
                c.controls(c.slider("layers", "Layers", s.layers, LAYERS[0], LAYERS[-1], step=1)),
                c.figure(
                    self.slug,
                    tag(
                        "div",
                        braid(played, f"A game of {MOVES} swaps: the five cups, and the ball’s way under them."),
                        answer_row(name_of(s.layers), at_once, verdict(at_once), chance, "swap", "first"),
                        answer_row(WRITER, wrote, verdict(wrote), chance, "swap", "second"),
                        counts(MOVES, "swap"),
                        class_="contest",
                    ),
                    c.told(told(s.layers)),
                    c.beyond(
                        budget(),
                        tag("details", tag("summary", "As lines"), all_layers(s.layers), class_="fold"),
                        one_game(played, s.layers),
                        seeds(),
                    ),
                ),
            ]
        )


def name_of(layers: int) -> str:
    return f"At once, {how_many(layers, 'layer')}"


def verdict(shares: tuple[float, ...]) -> str:
    """How far one comes, in words."""
    n = deep.follows(shares)
    return f"follows all {n} swaps" if n == len(shares) else f"follows {how_many(n, 'swap')}"


def told(layers: int) -> str:
    """What is seen, with what following means."""
    far = deep.by_layers()
    others = [
        f"with {how_many(n, 'layer') if n == 1 else n} up to {far[n]}" for n in (LAYERS[0], LAYERS[-1]) if n != layers
    ]
    return (
        f"With {how_many(layers, 'layer')} it is right in 9 of 10 games up to {how_many(far[layers], 'swap')}, "
        f"{', '.join(others)}. The one that may write follows {deep.follows(deep.accuracy('written'))}, with one layer."
    )


def budget() -> Markup:
    """What each was given: nothing is said of what more would give."""
    plan, shapes = depth.PLAN, [depth.Player("at once", layers) for layers in LAYERS]
    few, many = (deep.size(p.kind, p.layers) for p in (shapes[0], shapes[-1]))
    return tag(
        "p",
        f"Trained beforehand, seed {SHOWN}: {plan.steps:,} steps of {plan.batch} games, the same games and learning "
        f"rates for all; {few:,} weights with one layer, {many:,} with {LAYERS[-1]}. Each bar: {depth.GAMES:,} new "
        "games. Dotted: guessing.",
        class_="run-says",
    )


def all_layers(chosen: int) -> Markup:
    """The chosen number of layers between the fewest and the most as lines, and all of them in the table."""
    series = {how_many(layers, "layer"): deep.accuracy("at once", layers) for layers in LAYERS}
    series[WRITER] = deep.accuracy("written")
    label = "The share of games in which each is right, by the number of swaps"
    drawn = [how_many(layers, "layer") for layers in sorted({LAYERS[0], chosen, LAYERS[-1]})]
    lines = charts.xy(
        [(name, colour(name, chosen), list(enumerate(series[name], 1))) for name in (*drawn, WRITER)],
        label=label,
        x_name="after how many swaps",
        y_name="right",
        x_ticks=(1, 5, 10, 15, MOVES),
        y_max=1.0,
        log_x=False,
        rules=((CONTESTS["shell"].chance, "guessing", "vocab"),),
        table=False,
    )
    names = [*drawn, WRITER, *(name for name in series if name not in (*drawn, WRITER))]  # what is drawn comes first
    rows = [[n, *map(float, shares)] for n, shares in enumerate(zip(*map(series.get, names), strict=True), 1)]
    return join([lines, c.numbers_table(["after how many swaps", *names], rows, label, text=percent)])


def colour(name: str, chosen: int) -> str:
    if name == WRITER:
        return "resid"
    return "query" if name == how_many(chosen, "layer") else "vocab"


def one_game(played: games.Game, layers: int) -> Markup:
    """What both say of the game above, computed now."""
    rows: list[Any] = []
    for name, said in (
        (name_of(layers), deep.says("at once", layers, played)),
        (WRITER, deep.says("written", 1, played)),
    ):
        right = sum(a == b for a, b in zip(said, played.ball[1:], strict=True))
        label = f"{name}, of the game above: right after {right} of {MOVES} swaps; the answers in the table below."
        rows.append(c.answer_row(name, f"of this game: {right} of {MOVES} right", note_cells(played, said), label))
    return tag("div", *rows, class_="contest")


def seeds() -> Markup:
    """How far each comes with every seed that was trained."""
    rows = [[name_of(layers), *(deep.by_layers(seed)[layers] for seed in depth.seeds())] for layers in LAYERS] + [
        [WRITER, *(deep.follows(shares) for shares in deep.all_of("written").values())]
    ]
    return c.numbers_table(
        ["", *(f"seed {seed}" for seed in depth.seeds())],
        rows,
        f"Swaps that each follows (right in {percent(deep.GOOD)} of {depth.GAMES:,} games after each of them)",
    )

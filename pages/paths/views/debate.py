"""Four bets on what was argued about in a thread, each settled in the grid: by the wiring, and by this model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import unwrap

import numpy as np
from markupsafe import Markup

from explainer.kernel import gradients, paths
from explainer.models import lab
from explainer.studies import debate, influence, working
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import Drawing, names_of
from explainer.ui.widget import Widget

from .measured import measured_table

WRITTEN = 2  # tokens that the model writes in the last of the four drawings
ROW = 38


@dataclass(frozen=True)
class Claim:
    """One of the four. answers: {"yes": words, "no": words}; sides: what was held in the thread, and against it."""

    short: str
    sides: str
    asks: str
    answers: dict[str, str]


CLAIMS = {
    "myopic": Claim(
        "Myopic?",
        "One side held that a model trained to forecast the next token works for that token alone; the other, that "
        "attention lets every later loss pull at earlier columns.",
        "One loss, at the last token: does it pull only at the column that made that forecast?",
        {"yes": "Only at that one", "no": "At earlier ones, too"},
    ),
    "remembers": Claim(
        "Remembers?",
        "One side held that each token begins the work from scratch, with glances at the tokens before; the other, "
        "that it reads what earlier columns have worked out. The first came to agree.",
        "We let the earlier columns read nobody but themselves and the start. The tokens all stay. Does the forecast "
        "at the end suffer?",
        {"yes": "Yes, it needs their work", "no": "No, it has the tokens"},
    ),
    "longer": Claim(
        "Longer?",
        "From that memory one side concluded that a long text lets it think in more and more depth; the other, that "
        "the longest chain of steps is as high as the stack, whatever the length. Again the first came to agree.",
        "Twice as many tokens are given. Does the longest chain of steps grow?",
        {"yes": "Yes", "no": "No"},
    ),
    "through": Claim(
        "Must write?",
        "So, the other side went on, for more steps than it has layers, what it works out must be written down.",
        "Can the chain of steps go on after the top layer without a written token?",
        {"yes": "Yes, in the notes", "no": "No, only by a token"},
    ),
}
"""By the name of the value that holds the reader's bet."""


@dataclass(frozen=True)
class Settled:
    """What comes of a bet. right: a key of `Claim.answers`; shows: what the drawing shows; the last three: what kind of
    truth each sentence is."""

    right: str
    drawing: Drawing
    shows: str
    found: str
    wiring: str
    model: str
    open: str


class PathDebate(Widget):
    """Four questions; a bet on each, and then the grid."""

    slug = "path-debate"
    title = "Four bets"
    own_only = (
        "Two of the four are settled by what is measured on the storyteller’s own stories, whose truth is known. So "
        "this figure stays with the storyteller."
    )
    reads = ("prompt", "claim", *CLAIMS)
    functions = (
        gradients.backward,
        paths.measured_gradient,
        debate.shift,
        debate.ReadAlone.apply,
        unwrap(debate.loss),
        paths.Graph.longest_path,
        paths.longest_with_feedback,
        unwrap(working.score),
    )

    def draw(self) -> Markup:
        s = self.state
        bets = {name: getattr(s, name) for name in CLAIMS}
        claim = CLAIMS[s.claim]
        found = SETTLES[s.claim](s.text(), bool(bets[s.claim]))
        tabs = [
            c.button(f"{i}. {one.short}{' ✓' if bets[name] else ''}", sets="claim", value=name, pressed=name == s.claim)
            for i, (name, one) in enumerate(CLAIMS.items(), 1)
        ]
        answers = [
            c.button(words, sets=s.claim, value=answer, pressed=answer == bets[s.claim])
            for answer, words in claim.answers.items()
        ]
        return join(
            [
                c.controls(tag("div", *tabs, class_="presets", role="group", aria_label="The four questions")),
                c.beyond(tag("p", claim.sides, class_="debate-sides")),
                tag("p", tag("strong", claim.asks), class_="debate-asks"),
                c.controls(*answers, label="Your bet"),
                c.figure(
                    "path-debate",
                    found.drawing.draw(),
                    c.told(verdict(claim, found, bets[s.claim])),
                    c.beyond(self.kinds(found), self.table(found.drawing)) if bets[s.claim] else None,
                    readout=found.shows if bets[s.claim] else "",
                ),
            ]
        )

    def table(self, drawn: Drawing) -> Markup | None:
        """The numbers in the nodes, if there are any."""
        if drawn.values is None or drawn.names is None:
            return None
        return measured_table(drawn.graph, list(drawn.names), np.asarray(drawn.values), drawn.label)

    def kinds(self, found: Settled) -> Markup:
        rows = (("Theorem", found.wiring), ("This model", found.model), ("Open", found.open))
        return tag("dl", *[part for name, said in rows for part in (tag("dt", name), tag("dd", said))], class_="kinds")


def verdict(claim: Claim, found: Settled, bet: str) -> str:
    if not bet:
        return "Bet, and the grid settles it."
    word = "Right" if bet == found.right else "Not so"
    return f"{word}: {found.found}"


# ---------------------------------------------------------------- what settles each


def myopic(tokens: tuple[int, ...], bet: bool) -> Settled:
    """The gradient of the last token's loss, at every node."""
    names = names_of(tokens)
    layers = lab.model().config.n_layers
    graph = influence.grid(len(tokens), layers)
    asks = max(len(tokens) - 2, 0)
    if len(tokens) < 2:
        none = "this text has no next token to be forecast. Type a word."
        none = "this text has no next token to be forecast. Type a word."
        return Settled("no", plain(graph, names, "No loss"), "", none, "–", "–", "–")
    back = gradients.backward(lab.trace(tokens), lab.model().params, positions=[asks])
    pull = paths.measured_gradient(graph, back.activations)
    top = float(pull.max()) or 1.0
    earlier = [n for n in graph.nodes if n.position < asks and pull[n.level, n.position] > 0]
    others = debate.pull_elsewhere(tokens)
    label = f"How strongly the loss at {names[-1]} pulls at every node"
    drawing = plain(graph, names, label)
    if bet:
        drawing = plain(graph, names, label, values=pull / top, shade=np.sqrt(pull / top), colour="loss",
                        hollow=[n for n in graph.nodes if pull[n.level, n.position] == 0])  # fmt: skip
    return Settled(
        "no" if earlier else "yes",
        drawing,
        "In the nodes: how strongly the loss pulls, as a share of the strongest pull.",
        f"the loss at {names[-1]} pulls at {how_many(len(earlier), 'node')} of earlier columns; {percent(others)} of "
        "its pull, by the gradients’ length, is there.",
        "A node outside the cone of the asked one has gradient 0; inside, every arrow is a way back. Not through a "
        "written token: picking one has no slope.",
        "So training shapes what early columns hold by what is needed later. What that comes to is measured on the "
        "page on feedback: a column that notes the name before it, of little use to its own forecast.",
        "Whether a large model thinks ahead to any purpose. That a loss pulls does not say how far it moves anything.",
    )


def remembers(tokens: tuple[int, ...], bet: bool) -> Settled:
    """The forecast with and without what earlier columns have read."""
    names = names_of(tokens)
    layers = lab.model().config.n_layers
    graph = influence.grid(len(tokens), layers)
    moves = [debate.shift(tokens[: t + 1]) for t in range(len(tokens))] if bet else [0.0]
    most = int(np.argmax(moves))
    ever, never = debate.loss()
    label = "The forecast after each token: how much of it moves when no earlier column has read another"
    drawing = plain(graph, names, label)
    if bet:
        values = np.zeros((graph.levels, graph.n))
        values[-1] = moves
        inner = [n for n in graph.nodes if n.level < layers]
        drawing = plain(graph, names, label, values=values, shade=values, colour="resid", hollow=inner)
    return Settled(
        "yes" if never.low > ever.high else "no",
        drawing,
        "Top row: how much of each forecast moves when nothing in between has been read.",
        f"after “{names[most]}” {percent(moves[most])} of the probability moves. At one place in each of "
        f"{ever.documents} held-out texts the loss goes from {number(ever.value)} to {number(never.value)} nats.",
        "Keys and values of layer 1 and above are made of what a column has read. They follow from the tape, so "
        "nothing is remembered that the tape does not determine.",
        f"The loss with their work {number(ever.low)} to {number(ever.high)}, without {number(never.low)} to "
        f"{number(never.high)} (95 % intervals). Some forecasts need none of it: in the top row, by token.",
        "How much of the damage is lost work and how much is that columns which read nobody are foreign to the model.",
    )


def longer(tokens: tuple[int, ...], bet: bool) -> Settled:
    """The longest path of the text, and of one twice as long."""
    names = names_of(tokens)
    n, layers = len(tokens), lab.model().config.n_layers
    graph = influence.grid(n, layers)
    long = influence.staircase(graph)
    counts = [influence.running_counts(m, layers)[-1][-1] for m in (n, 2 * n)]
    steps = [len(influence.grid(m, layers).longest_path()) for m in (n, 2 * n)]
    given = working.score(lab.STORYTELLER, working.GIVEN)
    once = working.score(lab.STORYTELLER, "answer")
    drawing = plain(graph, names, "The longest path in it", path=long if bet else ())
    return Settled(
        "yes" if steps[1] > steps[0] else "no",
        drawing,
        "The thick path is one of the longest.",
        f"{how_many(n, 'token')}, {how_many(steps[0], 'step')}; {2 * n} tokens, {how_many(steps[1], 'step')}. What "
        f"grows is the number of ways: {counts[0]:,} and {counts[1]:,}.",
        f"Every arrow climbs one layer, and there are {layers}: for any weights, any text.",
        f"More text can help all the same, if somebody has worked in it. Sums answered at once: {once.right} of "
        f"{once.of} right; behind right working that we wrote, {given.right} of {given.of}. The chain has {layers} "
        "steps both times.",
        "How many of its steps a model uses, and how much of a hard task fits side by side into so few.",
    )


def through(tokens: tuple[int, ...], bet: bool) -> Settled:
    """The longest path with and without written tokens."""
    layers = lab.model().config.n_layers
    kept = tokens[-6:]
    wrote = influence.continuation(tokens, WRITTEN)
    shown = (*kept, *wrote)
    graph = influence.grid(len(shown), layers, False, WRITTEN if bet else 0)
    without = len(influence.grid(len(shown), layers).longest_path())
    length = paths.longest_with_feedback(layers, WRITTEN)
    own, once = (working.score(lab.STORYTELLER, order) for order in ("working", "answer"))
    given = working.score(lab.STORYTELLER, working.GIVEN)
    drawing = plain(
        graph,
        names_of(shown),
        f"The last {WRITTEN} are written; the longest path in it",
        path=influence.staircase(graph) if bet else (),
        first=len(tokens) - len(kept),
        marked_columns=dict.fromkeys(range(len(kept), len(shown)), "axis-vocab"),
    )
    return Settled(
        "yes" if without > layers else "no",
        drawing,
        "The thick path is the longest: through layers, and twice through a token.",
        f"in the notes every way climbs and ends at the top, after {without} steps. With {WRITTEN} written tokens the "
        f"longest is {length}: each leads from the top back to the bottom.",
        f"With w written tokens at most {layers} + w × {layers + 1} steps. Through a token goes one choice from the "
        "list, no vector and no gradient (unless a vector is fed back instead: Hao et al. 2024).",
        f"Sums at once: {once.right} of {once.of} right; behind its own working, {own.right}. But behind ours, with no "
        f"token written, {given.right}: what helped was that somebody had done the steps.",
        "Whether more steps are what a given task lacks. To show that takes one that cannot be done without: the page "
        "on steps trains for it.",
    )


def plain(graph: paths.Graph, names: list[str], label: str, **more: object) -> Drawing:
    where = f"Grid of {how_many(graph.n, 'token')} and {how_many(graph.levels - 1, 'layer')}. "
    return Drawing(slug="path-debate", graph=graph, names=names, label=where + label, row=ROW, follow=label, **more)  # type: ignore[arg-type]


SETTLES: dict[str, Callable[[tuple[int, ...], bool], Settled]] = {
    "myopic": myopic,
    "remembers": remembers,
    "longer": longer,
    "through": through,
}

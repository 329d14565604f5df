"""The loop read as a Turing machine: what corresponds to what, with this turn's numbers,
and where the likeness ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer.kernel import sampling
from explainer.kernel.sampling import Step
from explainer.models import lab
from explainer.studies import story
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .loop import STATIONS, TURING
from .parts import STORY, cell, crank, name_of, plain_table, tape


class Turing(Widget):
    """Two tables: parts and their counterparts; and the points at which the likeness ends."""

    slug = "turing"
    title = "The loop as a Turing machine"
    own_only = ""
    reads = (*STORY, "turing")
    beyond = ("step", "choices")
    functions = (story.Teller.turn, story.fingerprint_of, story.nudge, sampling.draw_at)

    def draw(self) -> Markup:
        s = self.state
        told = s.tell()
        turn = told[-1] if told else s.tell(1)[0]
        return join(
            [
                c.controls(c.check("turing", "Show these words on the machine above", s.turing)),
                c.figure(
                    "stations",
                    stations(s.turing),
                    title="The four stations of the machine",
                    readout=(
                        "The stations of the first figure carry these words, too."
                        if s.turing
                        else (
                            "In our words. Switch Turing’s on: they appear here and on the stations of the first "
                            "figure."
                        )
                    ),
                ),
                c.beyond(
                    crank(s, told, then=f"{how_many(len(told), 'tick')} {'has' if len(told) == 1 else 'have'} passed."),
                    c.figure(
                        "read-head",
                        *self.head(turn),
                        title="The read head at this turn",
                        caption="How strongly the newest column looked at each token, over all layers and heads.",
                        readout="Point at a token, or touch it, to see its share; the table has them all.",
                    ),
                    c.figure("likeness", self.likeness(told, turn), title="What corresponds to what"),
                    c.figure("limits", self.limits(turn), title="Where the likeness ends"),
                ),
            ]
        )

    def head(self, turn: Step) -> tuple[Markup, Markup]:
        s = self.state
        before = (*s.tokens(), *(t.token for t in s.tell(turn.index)))
        share = story.teller().read(before, len(s.tokens())).looked_at
        tokens = before[-len(share) :]
        cells = [
            cell(
                t,
                "read",
                why=f"{percent(float(a))} of the attention goes to “{name_of(t)}”",
                weight=float(a) ** 0.5,
                value=float(a),
            )
            for t, a in zip(tokens, share, strict=True)
        ]
        rows = [[i + 1, name_of(t), percent(float(a))] for i, (t, a) in enumerate(zip(tokens, share, strict=True))]
        label = "The tape under the read head"
        return tape(cells, label), plain_table(
            ["place", "token", "share of the attention"], rows, label, "The shares as a table"
        )

    def likeness(self, told: Any, turn: Step) -> Markup:
        m = lab.model()
        wrote = f"{name_of(told[-1].token)} at the end" if told else "nothing yet"
        rows = [
            ("tape", "the context", f"{len(turn.context)} of {lab.window()} cells in use"),
            ("alphabet", "the vocabulary", f"{m.config.n_vocab:,} symbols"),
            ("finite control", "the weights", self.control()),
            (
                "read head",
                "attention",
                (
                    f"looks at {'all ' if len(turn.context) > 1 else ''}{how_many(len(turn.context), 'cell')} at "
                    f"once, {m.config.n_layers * m.config.n_heads} heads, each with its own weights"
                ),
            ),
            ("write", "the drawn token", wrote),
            (
                "state between ticks",
                "none that the tape does not determine",
                (
                    f"keys and values, {story.kept_per_token(m.config) * len(turn.context):,} numbers: notes about "
                    "the tape that only later columns read. They can be thrown away and computed again"
                ),
            ),
            ("time", "turns of the loop", f"tick {len(told)}"),
            ("program", "the prompt", self.program(told)),
        ]
        return grid(("Turing’s machine", "this loop", "now"), rows, "Parts of a Turing machine and of the loop")

    def control(self) -> str:
        """The weights; their fingerprint where it takes no time: of a model of hundreds of megabytes it would."""
        numbers = f"{lab.model().n_params:,} numbers"
        if not lab.is_own():
            return f"{numbers}, the same at every tick"
        return f"{numbers}, fingerprint {story.fingerprint()} at every tick"

    def program(self, told: Sequence[Step]) -> str:
        """The prompt, as far as it is still in the context."""
        n = len(self.state.tokens())
        gone = min(n, max(0, n + len(told) - lab.model().config.n_ctx))
        if gone == n:
            return f"{how_many(n, 'token')}, all dropped out: nothing of the program can be read any more"
        left = (
            f", of which the oldest {gone} have dropped out"
            if gone > 1
            else ", of which the oldest has dropped out"
            if gone
            else ""
        )
        return f"{how_many(n, 'token')}{left}; another prompt, another machine out of the same weights"

    def end_of_tape(self) -> tuple[str, str]:
        """How long the tape is, and where that is from."""
        n_ctx, window = lab.model().config.n_ctx, lab.window()
        if lab.is_own():
            return f"{n_ctx} cells; then the oldest falls out. Turing's tape has no end.", "measured: the context above"
        return (
            f"{window} cells here, for which this page has memory; the model is made for texts of up to {n_ctx:,} "
            "tokens. Turing's tape has no end.",
            "by construction",
        )

    def limits(self, turn: Step) -> Markup:
        s = self.state
        m = lab.model()
        found = story.nudge(turn, s.settings())
        if found is None:
            slope = "This token was written by you, not drawn; step back to a drawn one to see its numbers."
        else:
            other = f"u would have to change by {number(found.margin)} to write another."
            slope = (
                f"Add {found.amount} to the logit of {name_of(turn.token)}: its probability moves by "
                f"{number(found.after - found.before)} (slope {number(found.slope)}), the written token "
                f"{'changes' if found.moved else 'does not move at all'}. "
                f"{other if found.margin < 1 else 'No u could have written another.'}"
            )
        rows = [
            (
                "The network alone is no such machine.",
                (
                    f"One turn is a circuit of fixed depth: {m.config.n_layers} layers, whatever the text. Only the "
                    "loop can take more steps for a harder task."
                ),
                "Merrill & Sabharwal 2023, 2024",
            ),
            ("The tape is finite.", *self.end_of_tape()),
            (
                "It only writes at the end.",
                (
                    "Turing's head moves left and right and rubs out. This one reads anywhere, writes once per cell, "
                    "and never takes a token back."
                ),
                "by construction",
            ),
            (
                "Its moves are drawn.",
                (
                    "Odds, not a rule; at temperature 0 it is deterministic, "
                    "and one wrong symbol is never corrected by the machine itself."
                ),
                "by construction",
            ),
            (
                "No gradient passes through a written token.",
                slope,
                "this draw; the page on paths shows it by backpropagation",
            ),
            (
                "Universal is not the same as useful.",
                (
                    "The proofs that transformers can run any program assume numbers of unlimited precision and "
                    "unlimited turns. They say nothing about what training finds."
                ),
                "Pérez et al. 2021",
            ),
        ]
        return grid(("limit", "what it means here", "source"), rows, "Where the likeness with a Turing machine ends")


def stations(turing: bool) -> Markup:
    """The machine in small, with Turing's words if they are switched on."""
    items = [
        tag(
            "li", tag("strong", f"{i + 1} {title}"), tag("span", TURING[kind], class_="turing-word") if turing else None
        )
        for i, (kind, title) in enumerate(STATIONS.items())
    ]
    return tag("ol", *items, class_="stations")


def grid(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], label: str) -> Markup:
    # the roles say what display: block (on a phone) would take away
    return tag(
        "div",
        tag(
            "table",
            tag("caption", label, class_="sr"),
            tag(
                "thead",
                tag("tr", *[tag("th", h, scope="col", role="columnheader") for h in heads], role="row"),
                role="rowgroup",
            ),
            tag(
                "tbody",
                *[
                    tag(
                        "tr",
                        tag("th", row[0], scope="row", role="rowheader"),
                        *[tag("td", x, role="cell") for x in row[1:]],
                        role="row",
                    )
                    for row in rows
                ],
                role="rowgroup",
            ),
            class_="words",
            role="table",
        ),
        class_="words-box",
    )

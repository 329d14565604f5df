"""The loop: a text is read, odds for a word come out, one is drawn, written behind the text, and all is read again."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.corpus.examples import PROMPTS
from explainer.kernel import cache, model, sampling
from explainer.kernel.sampling import Step
from explainer.models import lab
from explainer.models.examples import EXAMPLES
from explainer.studies import climb, story
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts import drop as picture
from explainer.ui.state import NotYet
from explainer.ui.widget import Widget

from .parts import STORY, could_be, ended, name_of, prompt_cells, stops, tape, tape_table, turn_button, written_cell

PROGRAMS = ("start of a story", "count", "close the bracket", "a pattern", "answer after working", "anything at all")


class Loop(Widget):
    """The loop that the reader cranks: the text, the odds of the next word, the word that drops behind the text.

    The figure with its crank comes first and stands alone; settings and numbers follow, each one press deeper."""

    slug = "feedback-loop"
    title = "The loop, by hand"
    own_only = ""
    reads = (*STORY, "turing")
    functions = (
        story.Teller.turn,
        sampling.choose,
        sampling.distribution,
        sampling.draw_at,
        sampling.rng_for_step,
        story.Teller.read,
        cache.step,
        model.forward,
        climb.standing,
    )

    shown: tuple[Any, int] | None = None  # the story that is drawn, and how many turns of it; None: the still

    def of_story(self, defaults: bool = False) -> tuple[Any, ...]:
        """What tells one story from another, its length aside."""
        s = self.state
        return tuple(s.param[n].default if defaults else getattr(s, n) for n in STORY if n != "step")

    def is_winding_back(self, turns: int) -> bool:
        """Whether so many turns, all that there was time for, are no more of the same story than stand there.

        A story of which Python has kept nothing is told anew, in pieces."""
        story_there, turns_there = self.shown or (self.of_story(defaults=True), 0)
        return self.of_story() == story_there and turns <= turns_there

    def draw(self) -> Markup:
        s = self.state
        told = s.tell(part=True)
        if len(told) < s.turns:
            self.is_unfinished()
            if self.is_winding_back(len(told)):
                raise NotYet  # and not drawn
        next_turn = s.tell(len(told) + 1)[-1]
        self.shown = self.of_story(), len(told)
        return join([Turning(s, told, next_turn).draw(), c.beyond(self.settings(), self.in_numbers(told, next_turn))])

    def settings(self) -> Markup:
        """What shapes the story, one press deeper."""
        s = self.state
        return c.whole(
            "Temperature, seed, other texts",
            tag(
                "div",
                c.controls(
                    c.slider(
                        "t",
                        "Temperature",
                        max(s.t, 0.01),
                        0.01,
                        10,
                        log=True,
                        shown=number(s.t),
                        ticks=(0.01, 0.1, 1, 10),
                    ),
                    c.number_field("seed", "Seed", s.seed, 0, 2**31 - 1),
                    c.button("Another seed", sets="seed", value=(s.seed + 1) % 2**31),
                ),
                tag(
                    "div",
                    *presets(s),
                    class_="presets",
                    role="group",
                    aria_label="Texts to start from",
                ),
                cuts(s),
                c.check("turing", "Show the words of a Turing machine", s.turing),
                class_="loop-settings",
            ),
            opens="t seed top_k top_p min_p turing",
        )

    def in_numbers(self, told: tuple[Step, ...], next_turn: Step) -> Markup:
        """The last turn, station by station; before the first, what it would do."""
        return c.whole("The turn in numbers: weights, odds, draw", Machine(self.state, told, next_turn).draw())


class Turning:
    """The figure with its crank: the text as it stands under the picture, the odds of the next word on its roof, and
    the tape. Stands alone: nothing that comes after it is needed to turn."""

    def __init__(self, state: Any, told: tuple[Step, ...], next_turn: Step):
        self.state, self.told, self.next_turn = state, told, next_turn

    def draw(self) -> Markup:
        s, told = self.state, self.told
        given = max(0, len(self.next_turn.context) - len(told))
        standing = climb.standing(self.next_turn, given, picture.NEAR)
        before = climb.dropped(told[-1]) if told else None
        drawings = [
            picture.Drop(standing, layout, len(standing.floors) + 1, None, "", before, bool(told and told[-1].draw))
            for layout in picture.LAYOUTS
        ]
        stop = stops(s)
        return tag(
            "div",
            tag(
                "div",
                c.text_field("prompt", "Prompt", s.prompt, placeholder=s.param.prompt.default),
                turn_button("Crank", 1, s, kind="main crank", title="One turn: a word is drawn, and written"),
                class_="climb-ask",
            ),
            tag(
                "figure",
                tag(
                    "figcaption",
                    tag("p", said(told), stop, class_="now"),
                    class_="says step-name",
                    aria_live="polite",
                ),
                *[drawing.draw() for drawing in drawings],
                self.transport(),
                class_="figure climb-figure",
                data_figure="drop",
                data_testid="drop",
            ),
            self.tape(),
            tag("div", self.tape_as_table(), *picture.tables(standing), class_="climb-tables"),
            class_="climber turning",
            role="group",
            aria_label="The loop",
            data_crank="step",
            data_crank_last=s.param.step.bounds[1],
            data_crank_ended=ended(told),
            data_drops=len(told),
        )

    def transport(self) -> Markup:
        s = self.state
        off = "true" if s.turns == s.param.step.bounds[1] else None
        icon = lambda name, kind: join([tag("span", name, class_="sr"), tag("i", class_=kind, aria_hidden="true")])  # noqa: E731
        return tag(
            "div",
            turn_button(icon("Rewind", "rewind"), -s.turns, s, kind="icon", title="Rewind"),
            turn_button(icon("Previous step", "back"), -1, s, kind="icon", title="One turn back"),
            turn_button(icon("Next step", "forth"), 1, s, kind="icon", title="One turn on"),
            tag(
                "button",
                "Play",
                type="button",
                class_="button",
                data_crank_play=True,
                aria_pressed="false",
                aria_disabled=off,
            ),
            tag(
                "p",
                "Lines: what the last word reads",
                tag("span", ", one floor below. Point at anything for its number"),
                ".",
                class_="readout",
                data_readout=True,
            ),
            class_="step-controls climb-controls",
            role="group",
            aria_label="The crank",
        )

    @property
    def gone(self) -> int:
        """How many tokens have dropped out of the context."""
        return max(0, len(self.state.tokens()) + len(self.told) - lab.model().config.n_ctx)

    def tape(self) -> Markup:
        s, told, gone = self.state, self.told, self.gone
        tokens = s.tokens()
        cells = prompt_cells(tokens, gone)
        cells += [
            written_cell(t, newest=t is told[-1], gone=len(tokens) + t.index < gone, travel=f"written{t.index}")
            for t in told
        ]
        missing = s.turns - len(told)
        cells += [tag("span", "", class_="cell blank", aria_hidden="true")] * (missing + 1)
        fact = f"{how_many(len(tokens), 'token')} of the prompt, {len(told)} written; there is room for "
        fact += f"{lab.window():,}."
        if missing:
            fact += f" {missing} more {'is' if missing == 1 else 'are'} written when the slider rests."
        if gone:
            fact += (
                f" The oldest {gone if gone > 1 else 'token'} {'have' if gone > 1 else 'has'} dropped out and "
                f"{'are' if gone > 1 else 'is'} not read any more."
            )
        fact += " A box is a token; ␣ is the space before a word."
        word = tag("p", TURING["tape"], class_="turing-word") if s.turing else None
        return c.figure("tape", word, tape(cells, TAPE), readout=fact)

    def tape_as_table(self) -> Markup:
        return tape_table(self.state.tokens(), self.told, self.gone, TAPE)


def presets(s: Any) -> list[Markup]:
    """Prompts to start from; of another model those of its own."""
    if lab.is_own():
        return [preset(name, s) for name in PROGRAMS]
    sets = "prompt step choices branches"
    texts = EXAMPLES.get(lab.in_use(), ())
    return [c.button(text, sets=sets, value=f"{text}\x1f0\x1f\x1f", pressed=text == s.prompt) for text in texts]


def preset(name: str, s: Any) -> Markup:
    """A prompt to start from, nothing written yet. The start of a story is the page's own prompt."""
    text = s.param.prompt.default if name == PROGRAMS[0] else PROMPTS[name][0]
    return c.button(
        name.capitalize(),
        sets="prompt step choices branches",
        value=f"{text}\x1f0\x1f\x1f",
        pressed=text == s.prompt,
        hint=PROMPTS[name][1],
    )


def cuts(s: Any) -> Markup:
    """top-k, top-p, min-p, folded away: they are the subject of another page."""
    return tag(
        "details",
        tag("summary", "Cut the distribution before the draw"),
        c.controls(
            c.number_field("top_k", "Top-k", s.top_k, 1),
            c.number_field("top_p", "Top-p", s.top_p, 0, 1, 0.05),
            c.number_field("min_p", "Min-p", s.min_p, 0, 1, 0.01),
        ),
        open_=any(x is not None for x in (s.top_k, s.top_p, s.min_p)),
        class_="fold",
    )


def said(told: tuple[Step, ...]) -> Markup:
    """What the last turn did, in a sentence or two; before the first, what there is to do."""
    if not told:
        return join(
            [
                "The network reads the text and gives odds for one next word. That is all that it does. Press ",
                tag("b", "Crank"),
                ": one is drawn, and drops behind the text.",
            ]
        )
    turn = told[-1]
    word = tag("b", f"“{climb.text_of(turn.token)}”", class_="it")
    chance = percent(float(turn.final[turn.token]))
    if turn.token == lab.tokenizer().end_id:
        after = "The model has ended its document; a chat program would stop here."
    elif turn.draw is None:
        after = f"You wrote it; its chance was {chance}. The text is read again, with it, whoever wrote it."
    else:
        after = f"Its chance was {chance}. It stands behind the text now, and all of it is read again."
    return join([f"Turn {turn.index + 1} {'drew' if turn.draw else 'was given'} ", word, f". {after}"])


class Machine:
    """The stations of one turn, in numbers: the one that wrote the last token, or, before the first, the next."""

    def __init__(self, state: Any, told: tuple[Step, ...], next_turn: Step):
        self.state, self.told = state, told
        self.turn = told[-1] if told else next_turn  # before the first turn: the distribution, no draw
        self.idle = not told

    def draw(self) -> Markup:
        words = TURING if self.state.turing else {}
        return tag(
            "div",
            self.station("weights", words, self.weights()),
            arrow("right a", "scores"),
            self.station("odds", words, self.odds()),
            arrow("right b", "one draw"),
            self.station("draw", words, self.chance()),
            class_=f"machine turn-{len(self.told) % 2}{' idle' if self.idle else ''}",
        )

    def station(self, kind: str, words: dict[str, str], body: Any) -> Markup:
        n, title = list(STATIONS).index(kind) + 1, STATIONS[kind]
        label = tag("p", words[kind], class_="turing-word") if kind in words else None
        head = tag("h4", tag("span", n, class_="n", aria_hidden="true"), " ", title)
        return tag("section", head, label, body, class_=f"station {kind}")

    def weights(self) -> Markup:
        m = lab.model()
        turn = self.turn
        new = len(turn.context) if turn.slid or turn.index == 0 else 1
        return join(
            [
                tag(
                    "p",
                    (
                        f"{m.n_params:,} numbers in {m.config.n_layers} layers. The same at every turn: "
                        "nothing is learned here."
                    ),
                ),
                c.definition_row(
                    [
                        ("fingerprint", tag("code", story.fingerprint())),
                        ("tokens read", len(turn.context)),
                        ("computed anew", how_many(new, "column")),
                        ("scores given", m.config.n_vocab),
                    ]
                ),
            ]
        )

    def odds(self) -> Markup:
        turn = self.turn
        leaves = None if self.idle or turn.draw else f"written{turn.index}"  # a token that the reader chose
        label = f"What turn {turn.index + 1} could write"
        bars, note = could_be(turn, self.state.chosen(), 8, label, travel_from=leaves, written=not self.idle)
        if turn.cuts:
            note += f" Cut away before the draw: {', '.join(f'{f.name} {percent(f.removed)}' for f in turn.cuts)}."
        return c.figure(
            "distribution",
            bars,
            readout=openness(story.equal_choices(turn)),
            note=f"{note} Choose a token to write it instead.",
        )

    def chance(self) -> Markup:
        turn = self.turn
        found = story.stretches(turn.final)
        drawn = turn.draw if not self.idle else None
        parts = [
            tag(
                "span",
                tag("span", name_of(x.token), class_="what") if x.high - x.low > 0.09 else None,
                class_=f"stretch{' hit' if drawn and x.token == turn.token else ''}",
                style=f"left:{100 * x.low:.3f}%;width:{100 * (x.high - x.low):.3f}%",
                data_travel_from=f"written{turn.index}" if drawn and x.token == turn.token else None,
                data_why=f"{name_of(x.token)} from {number(x.low, 4)} to {number(x.high, 4)}",
                data_v=exact(x.high - x.low),
            )
            for x in found
        ]
        if drawn:
            parts.append(
                tag(
                    "span",
                    tag("span", f"u = {drawn.u:.4f}"),
                    class_=f"needle{' left' if drawn.u > 0.6 else ''}",
                    style=f"left:{100 * drawn.u:.3f}%",
                    data_v=exact(drawn.u),
                    data_why="the random number u",
                )
            )
            words = join(
                [
                    "The random number of this turn, ",
                    tag("strong", f"u = {drawn.u:.4f}"),
                    ", falls between ",
                    f"{drawn.low:.4f}",
                    " and ",
                    f"{drawn.high:.4f}",
                    ": the stretch of ",
                    c.token(name_of(turn.token), axis="axis-vocab"),
                    ".",
                ]
            )
        elif self.idle:
            words = Markup(
                "Nothing is drawn yet. All probabilities are laid end to end, from 0 to 1, ready for a number."
            )
        else:
            words = join(
                [
                    "No draw: you wrote ",
                    c.token(name_of(turn.token), axis="axis-vocab"),
                    ". The model had given it ",
                    percent(float(turn.final[turn.token])),
                    ".",
                ]
            )
        table = c.numbers_table(
            ["token", "from", "to"],
            [[name_of(x.token), x.low, x.high] for x in found],
            "Where each token lies between 0 and 1, in the order of token numbers; those below 0.4 % left out",
            text="{:.4f}".format,
        )
        return c.figure(
            "draw",
            tag("div", *parts, class_="unit colour-vocab", aria_hidden="true"),
            tag("div", tag("span", "0"), tag("span", "1"), class_="unit-ends", aria_hidden="true"),
            tag("p", words, class_="sentence"),
            table,
            readout=(
                "Tokens are laid out in the order of their numbers in the vocabulary, not of their odds. Seed and "
                "turn number give u; the text does not."
            ),
        )


def openness(choices: float) -> str:
    """How open a turn is, in a sentence. choices: e^entropy."""
    if choices < 1.005:
        return "Hardly a choice: one token has almost all of the probability."
    return f"As open as a choice among {number(choices)} equally likely tokens."


TAPE = "The tape: what was given, then what was written"
STATIONS = {"tape": "The tape", "weights": "Frozen weights", "odds": "A distribution", "draw": "One draw"}
TURING = {
    "tape": "Turing: the tape. The prompt is the program, attention the head that reads.",
    "weights": "Turing: the finite control, one fixed table.",
    "odds": "Turing: the rule for this tape, with odds instead of one move.",
    "draw": "Turing: the symbol written. One turn is one tick of time.",
}


def arrow(way: str, word: str) -> Markup:
    """An arrow from station to station; on a phone it points down."""
    drawing = tag("svg", tag("path", d="M2 10H30M22 3l8 7-8 7"), viewBox="0 0 32 20", class_="arrow-line")
    return tag("div", drawing, tag("span", word), class_=f"arrow {way}", aria_hidden="true")

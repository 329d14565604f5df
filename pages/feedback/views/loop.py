"""The loop as a machine: tape, frozen weights, distribution, one draw, written at the end of the tape, and again."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.corpus.examples import PROMPTS
from explainer.kernel import cache, model, sampling
from explainer.kernel.sampling import Step
from explainer.models import lab
from explainer.studies import story
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.state import NotYet
from explainer.ui.widget import Widget

from .parts import STORY, could_be, crank, name_of, prompt_cells, tape, tape_table, written_cell

PROGRAMS = ("start of a story", "count", "close the bracket", "a pattern", "answer after working", "anything at all")


class Loop(Widget):
    """The machine that the reader cranks. Shows the turn that wrote the last token; before the first,
    what it would do."""

    slug = "feedback-loop"
    title = "The loop, by hand"
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
    )

    shown: tuple[Any, int] | None = None  # the story that is drawn, and how many turns of it; None: the still

    def of_story(self, defaults: bool = False) -> tuple[Any, ...]:
        """What tells one story from another, its length aside."""
        s = self.state
        return tuple(s.param[n].default if defaults else getattr(s, n) for n in STORY if n != "step")

    def is_winding_back(self, turns: int) -> bool:
        """Whether so many turns, all that there was time for, are no more of the same story than stand there.

        A story of which Python has kept nothing is told anew, in pieces."""
        story_there, turns_there = self.shown or (self.of_story(defaults=True), self.state.param["step"].default)
        return self.of_story() == story_there and turns <= turns_there

    def draw(self) -> Markup:
        s = self.state
        told = s.tell(part=True)
        if len(told) < s.step:
            self.is_unfinished()
            if self.is_winding_back(len(told)):
                raise NotYet  # and not drawn
        self.shown = self.of_story(), len(told)
        return join(
            [
                c.controls(
                    c.text_field("prompt", "Prompt", s.prompt, hint=c.tokens_in(len(s.tokens()))),
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
                    *[preset(name, s) for name in PROGRAMS],
                    class_="presets",
                    role="group",
                    aria_label="Texts to start from",
                ),
                cuts(s),
                crank(s, told, main=True, then=said(told)),
                Machine(s, told).draw(),
                c.check("turing", "Show the words of a Turing machine", s.turing),
            ]
        )


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
    """What the last turn did, in a sentence."""
    if not told:
        return Markup("Nothing is written yet.")
    turn = told[-1]
    verb = "drew" if turn.draw else "was given"
    end = (
        " The model has ended its document; a chat program would stop here."
        if turn.token == lab.tokenizer().end_id
        else ""
    )
    return join([f"Turn {turn.index + 1} {verb} ", c.token(name_of(turn.token), axis="axis-vocab"), f".{end}"])


class Machine:
    """The drawing of one turn."""

    def __init__(self, state: Any, told: tuple[Step, ...]):
        self.state, self.told = state, told
        self.turn = told[-1] if told else state.tell(1, ())[0]  # before the first turn: the distribution, no draw
        self.idle = not told

    def draw(self) -> Markup:
        words = TURING if self.state.turing else {}
        return tag(
            "div",
            self.station("tape", words, self.tape()),
            arrow("down", "read"),
            arrow("up", "" if self.idle else f"{name_of(self.turn.token)} is written"),
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

    def tape(self) -> Markup:
        s, told = self.state, self.told
        tokens = s.tokens()
        n_ctx = lab.model().config.n_ctx
        gone = max(0, len(tokens) + len(told) - n_ctx)
        cells = prompt_cells(tokens, gone)
        cells += [
            written_cell(t, newest=t is told[-1], gone=len(tokens) + t.index < gone, travel=f"written{t.index}")
            for t in told
        ]
        missing = s.step - len(told)
        cells += [tag("span", "", class_="cell blank", aria_hidden="true")] * (missing + 1)
        fact = f"{how_many(len(tokens), 'token')} of the prompt, {len(told)} written; the context holds {n_ctx}."
        if missing:
            fact += f" {missing} more {'is' if missing == 1 else 'are'} written when the slider rests."
        if gone:
            fact += (
                f" The oldest {gone if gone > 1 else 'token'} {'have' if gone > 1 else 'has'} dropped out and "
                f"{'are' if gone > 1 else 'is'} not read any more."
            )
        label = "The tape: what was given, then what was written"
        return c.figure(
            "tape",
            tape(cells, label),
            tape_table(tokens, told, gone, label),
            readout=fact,
            note=(
                "One box is one token, a piece of text. ␣ is the space before a word; rarer words are written in "
                "several pieces; <|end|> stands before every text and ends it."
            ),
        )

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


STATIONS = {"tape": "The tape", "weights": "Frozen weights", "odds": "A distribution", "draw": "One draw"}
TURING = {
    "tape": "Turing: the tape. The prompt is the program, attention the head that reads.",
    "weights": "Turing: the finite control, one fixed table.",
    "odds": "Turing: the rule for this tape, with odds instead of one move.",
    "draw": "Turing: the symbol written. One turn is one tick of time.",
}


def arrow(way: str, word: str) -> Markup:
    """An arrow of the loop; on a phone all point down, but for the last, which points up."""
    turned = {"right": 0, "down": 90, "up": -90}[way.split()[0]]
    drawing = tag(
        "svg",
        tag("path", d="M2 10H30M22 3l8 7-8 7"),
        viewBox="0 0 32 20",
        style=f"--turn:{turned}deg",
        class_="arrow-line",
    )
    return tag("div", drawing, tag("span", word), class_=f"arrow {way}", aria_hidden="true")

"""Two heads made by hand beside two that training found: the same letters twice, live, and one head out at a press."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from markupsafe import Markup

from explainer.kernel import model
from explainer.models import copier
from explainer.ui.html import exact, how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.pattern import pattern
from explainer.ui.widget import Widget

from ..facts import duel
from ..facts.duel import HAND, OFF, WHO, Try

NAMES = {HAND: "Made by hand", "4": "Trained, 4 layers", "2": "Trained, 2 layers", "1": "Trained, 1 layer"}
ALWAYS = (HAND, "4")  # the others where their heads are shown, and in the full view


class ByHand(Widget):
    """Weights that somebody wrote down, and weights that gradient descent found, on the reader's letters."""

    slug = "copier-by-hand"
    title = "Made by hand, and trained"
    own_only = (
        "This figure compares a model made by hand with the storytellers. Of this model the scores further down say "
        "which heads read what followed last time."
    )
    reads = ("letters", "who", "off", "sharp")
    beyond = ("sharp",)
    functions = (
        inspect.unwrap(copier.model),
        inspect.unwrap(duel.attempt),
        model.attention_pattern,
        inspect.unwrap(duel.scores),
    )

    def draw(self) -> Markup:
        s = self.state
        chosen = self.attempt(s.who)
        return join(
            [
                c.controls(
                    c.text_field("letters", "Letters, said twice", s.letters),
                    c.choice("who", "Whose heads", list(WHO.items()), s.who),
                    c.choice("off", "Take out", list(OFF.items()), s.off),
                    c.beyond(c.button("Other letters", sets="letters", value=duel.other_letters(s.letters))),
                ),
                c.figure(
                    "by-hand",
                    tag(
                        "div",
                        tag(
                            "div",
                            given(s.letters),
                            *[self.row(who, name) for who, name in NAMES.items() if who in (*ALWAYS, s.who)],
                            c.beyond(self.row("1", NAMES["1"])) if s.who != "1" else None,
                            class_="duel-rows",
                        ),
                        looks(chosen, s.who, s.letters),
                        class_="duel",
                    ),
                    c.beyond(
                        c.slider("sharp", "Sharpness of the hand-made heads", float(s.sharp), 0.01, 4, log=True),
                        reading(chosen, s.who, s.letters),
                        every_weight(),
                    ),
                ),
            ]
        )

    def attempt(self, who: str) -> Try:
        """What a machine makes of the letters; the head is out in the chosen one alone."""
        s = self.state
        return duel.attempt(who, s.letters, s.off if who == s.who else "nothing", s.sharp if who == HAND else 1.0)

    def row(self, who: str, name: str) -> Markup:
        """What a machine says after each letter of the second round but the last."""
        s, made = self.state, self.attempt(who)
        half = len(s.letters)
        cells: list[Any] = [tag("i", "·", class_="note-cell none") for _ in range(half + 1)]
        for t, chance in zip(range(half + 1, 2 * half), made.chance, strict=True):
            said, right = made.says[t], s.letters[t - half]
            words = "right" if said == right else f"wrong, it is {right}"
            why = f"after {s.letters[t - half - 1]}: {said}, {words}; chance of {right} {percent(chance)}"
            kind = "right" if said == right else "wrong"
            cells.append(
                tag("i", said if len(said) < 3 else "…", class_=f"note-cell {kind}", data_v=exact(chance), data_why=why)
            )
        out = f", without {OFF[s.off]}" if who == s.who and s.off != "nothing" else ""
        label = f"What it says: {name}{out}; the same in the table below"
        return c.answer_row(f"{name}{out}", f"{percent(made.right)} right", cells, label)


def given(letters: str) -> Markup:
    """The letters as they are given, twice."""
    cells = [tag("i", letter, class_="note-cell given") for letter in letters * 2]
    said = f"{how_many(len(letters), 'letter')}, then the same again"
    return c.answer_row("Given", said, cells, "The letters, twice; the same in the table below")


def looks(made: Try, who: str, letters: str) -> Markup:
    """What the two heads of a machine read of these letters."""
    first, second = duel.heads(who)
    named = (
        ("First head", first, "to the letter before", made.before),
        ("Second head", second, "to what followed last time", made.followed),
    )
    return tag(
        "div",
        *[
            tag(
                "div",
                tag("b", f"{name}, {layer}.{head}"),
                pattern(
                    np.round(255 * weights),
                    f"{name}, {layer}.{head}, {WHO[who]}. {percent(score)} of its reading goes {where}.",
                ),
                tag("p", tag("b", percent(score), data_v=exact(score)), f" {where}"),
                class_="look",
            )
            for (name, (layer, head), where, score), weights in zip(named, made.reads, strict=True)
        ],
        class_="looks two",
    )


def reading(made: Try, who: str, letters: str) -> Markup:
    """For each letter: what is said next, and what the two heads read most."""
    names = ["start", *letters, *letters]
    half = len(letters)
    rows = []
    for t, name in enumerate(names):
        asked = half < t < 2 * half
        most = []
        for weights in made.reads:
            s = int(weights[t].argmax())
            most += [f"{names[s]} ({s})", float(weights[t, s])]
        rows.append([t, name, made.says[t], made.chance[t - half - 1] if asked else "", *most])
    heads = ["place", "letter", "says next", "chance of the right one"]
    for name in ("first head", "second head"):
        heads += [f"{name} reads most", f"{name}: how much"]
    return c.numbers_table(
        heads,
        rows,
        f"What is said and read of the letters, {WHO[who]}",
        text=percent,
        summary="What is said and read, letter by letter",
    )


def every_weight() -> Markup:
    """Every matrix of the model made by hand: what it is for, and all of its numbers that are not 0."""
    made = copier.weights()
    drawn = [
        tag(
            "div",
            tag("b", one.name, translate="no"),
            matrix(copier.model().params[one.name], f"{one.name}: {one.does}"),
            tag("p", one.does),
            class_="look",
        )
        for one in made
    ]
    rows = [[one.name, " × ".join(map(str, one.shape)), one.nonzero, one.does] for one in made]
    total = sum(one.nonzero for one in made)
    return c.whole(
        f"Every weight: {total:,} numbers that are not 0",
        tag(
            "p",
            f"Of {copier.model().n_params:,} weights, {total:,} do the work. Rows and columns as the code has them; "
            "each mark is a number that is not 0. All weights of the MLPs are 0, and each LayerNorm is undone by its "
            "own stretch and shift.",
            class_="note",
        ),
        tag("div", *drawn, class_="looks matrices"),
        c.numbers_table(["weights", "shape", "not 0", "what for"], rows, "The weights made by hand, matrix by matrix"),
    )


def matrix(weights: Any, label: str) -> Markup:
    """A matrix as a small picture: a mark for each number that is not 0, in the colour of its sign. [..., R, C]"""
    plane = np.atleast_2d(np.squeeze(weights))
    rows, cols = plane.shape
    marks = {"plus": plane > 0, "minus": plane < 0}
    paths = [
        tag("path", d="".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(there)), class_=sign)
        for sign, there in marks.items()
        if there.any()
    ]
    frame = tag("path", d=f"M0 0H{cols}V{rows}H0z", class_="allowed")
    return tag(
        "svg",
        frame,
        *paths,
        viewBox=f"0 0 {cols} {rows}",
        preserveAspectRatio="none" if rows == 1 else None,
        role="img",
        aria_label=f"{label}; {int(np.count_nonzero(plane))} of {plane.size:,} numbers are not 0",
        class_="weights-map",
    )

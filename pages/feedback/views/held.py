"""What an earlier column holds for a later token: exchange the notes of one column, and see which forecast moves."""

from __future__ import annotations

import html
from inspect import unwrap

from markupsafe import Markup

from explainer.kernel import cache
from explainer.models import lab
from explainer.studies import notes
from explainer.studies.notes import Case, Held
from explainer.ui.html import exact, join, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import cell, tape

CHOICES = {"name": "A name", "sum": "A sum"}


def names_of(tokens: tuple[int, ...]) -> list[str]:
    return lab.names_of(tokens, lab.STORYTELLER)


class HeldForLater(Widget):
    """Two tapes that differ early; column by column, what the second one's notes do to a token that comes later."""

    slug = "held-for-later"
    title = "What a column holds for later"
    own_only = (
        "The names and sums of this figure are the storyteller’s own grammar, in which it is known which token comes "
        "later and why. So it stays with the storyteller."
    )
    reads = ("held", "pair", "mark")
    functions = (
        unwrap(notes.case),
        unwrap(notes.held),
        notes.Readings,
        cache.KVCache.forged,
        notes.moved,
        unwrap(notes.tried),
        notes.as_large,
    )

    def draw(self) -> Markup:
        s = self.state
        of = notes.case(s.held, s.pair)
        found = notes.held(of)
        mark = of.mark if s.mark is None or s.mark not in of.columns else s.mark
        kinds = [c.button(n, sets="held", value=k, pressed=k == s.held) for k, n in CHOICES.items()]
        return join(
            [
                c.controls(
                    tag("div", *kinds, class_="presets", role="group", aria_label="What comes later"),
                    c.button("Another one", sets="pair", value=(s.pair + 1) % notes.SAMPLE),
                ),
                c.figure(
                    "held-for-later",
                    the_tape(of, mark),
                    rows(of, found, mark, room=most_columns(s.pair)),
                    c.told(told(of, found[mark - of.first])),
                    title="One column’s notes are exchanged",
                    caption="Which forecast moves? Press a token.",
                    readout="Colour: the later token. Grey: the column’s own next.",
                ),
                c.beyond(many(s.held)),
            ]
        )


def most_columns(pair: int) -> int:
    """How many rows the longest table of a pair has: all leave room for so many, so that nothing moves on a change."""
    return max(len(notes.case(kind, pair).columns) for kind in CHOICES)


def the_tape(of: Case, mark: int) -> Markup:
    """The tape, from where the other begins to differ; the column whose notes are exchanged is marked."""
    cells = [
        cell(t, "newest" if i == mark else "differs" if t != of.donor[i] else "given")
        for i, t in enumerate(of.tape)
        if i >= of.first - 1
    ]
    asked = names_of(of.tape)[-1]
    return tape([tag("span", "…", class_="cell given"), *cells], f"The tape, up to {asked}, after which is asked")


def rows(of: Case, found: tuple[Held, ...], mark: int, room: int) -> Markup:
    """For each column two bars: how much the later forecast moves, and how much its own; room for more columns."""
    words, others, body = names_of(of.tape), names_of(of.donor), []
    for h in found:
        button = tag(
            "button",
            words[h.column],
            type="button",
            class_="token",
            translate="no",
            data_set="mark",
            value=h.column,
            aria_pressed=str(h.column == mark).lower(),
            tabindex=0 if h.column == mark else -1,
        )
        pair = (charts.bar(h.later), charts.bar(h.own, "colour-path"))
        body.append(
            tag(
                "tr",
                tag("th", button, instead(words[h.column], others[h.column]), scope="row"),
                charts.track(*pair, kind="two"),
                *[tag("td", percent(v), data_v=exact(v), class_="num", tabindex="-1") for v in (h.later, h.own)],
                class_="chosen" if h.column == mark else None,
            )
        )
    heads = [tag("th", "column", scope="col"), tag("td", aria_hidden="true")]
    heads += [c.column_head((shown, field)) for shown, field in (
        ("later token", "probability moved, later token"), ("its own next", "probability moved, own next token"),
    )]  # fmt: skip
    return tag(
        "table",
        tag("caption", "How much of the probability moves, for each column", class_="sr"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body, data_rove=True),
        tag("tbody", *[room_for_a_row()] * (room - len(body)), aria_hidden="true") if room > len(body) else None,
        class_="bars colour-vocab held",
        data_grid=True,
    )


def room_for_a_row() -> Markup:
    """A row that shows nothing, as high as the others."""
    return tag("tr", tag("td", tag("span", Markup("&nbsp;"), class_="token", translate="no"), colspan=4), class_="room")


def instead(word: str, other: str) -> Markup | None:
    """What stands there on the other tape, if it is another token."""
    return None if word == other else tag("span", " or ", tag("span", other, class_="token", translate="no"))


def told(of: Case, h: Held) -> Markup:
    """What the chosen column holds, in a sentence."""
    word = html.escape(names_of(of.tape)[h.column])
    same = of.tape[h.column] == of.donor[h.column]
    which = "the same token on both tapes" if same else "another token on the other tape"
    if of.want is not None:
        name = html.escape(lab.tokenizer(lab.STORYTELLER).display(of.want))
        found = f"the later “{name}” has {percent(h.chance)} instead of {percent(h.was)}"
    else:
        found = f"{percent(h.later)} of the answer moves"
    return Markup(f"“{word}”, {which}: {found}; its own next token differs by {percent(h.own)}.")


def many(kind: str) -> Markup:
    """The same over the sample, with controls."""
    heads = ["exchanged", "later token: moves", "95 % interval", "own next token: moves"]
    asked = [(words, notes.tried(kind)[what]) for what, words in notes.WHAT.items()]
    asked.append(("the column in question, in the model of one layer", notes.tried(kind, lab.FAMILY[1])["mark"]))
    body = [
        [words, later.value, f"{percent(later.low)} to {percent(later.high)}", "" if "random" in words else own.value]
        for words, (later, _, own) in asked
    ]
    question = "the one behind the first piece" if kind == "name" else "all behind the numbers"
    return c.figure(
        "held-many",
        c.numbers_table(
            heads,
            body,
            "How much of the probability moves, over the sample",
            open_=True,
            summary=f"{notes.SAMPLE} pairs of tapes",
            text=percent,
        ),
        title=f"The same with {notes.SAMPLE} pairs",
        caption=(
            f"The column in question: {question}. In the last row, the model of one layer: its notes are made of the "
            "token and its place alone, so they can hold nothing else."
        ),
    )

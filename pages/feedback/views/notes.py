"""Hidden notes: forge the keys and values under a tape that stays as it is; and see what columns hold for later."""

from __future__ import annotations

import html
from inspect import unwrap
from typing import Any

import numpy as np
from markupsafe import Markup

from explainer.kernel import cache
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import notes
from explainer.studies.notes import Forged
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import cell, tape

TOLD, BOY, GIRL = (f"Once there was a brave {who}." for who in ("girl named Lily", "boy named Tom", "girl named Mia"))
DONORS = {BOY: "boy named Tom", GIRL: "girl named Mia"}
AHEAD = 9  # tokens of each story
MOST = 40  # tokens of a tape
NONE = "-"
READ = {"own": "Its own notes", "forged": "Forge them", "anew": "Make them again from the tape"}
LEAST = 0.001  # chances below are not drawn, but for the second


def tokens_of(text: str) -> tuple[int, ...]:
    return lab.tokens_of(text, lab.STORYTELLER)


def parse_columns(text: str) -> tuple[int, ...] | None:
    """Columns as an address says them: '6.8'; '-': none; '': None, wherever the texts differ. ValueError in words."""
    if text in ("", NONE):
        return None if not text else ()
    parts = text.split(".")
    if not all(p.isascii() and p.isdigit() and len(p) < 4 for p in parts):
        raise ValueError(f"“{text[:24]}” are no columns; columns look like 6.8 (the seventh and the ninth token).")
    return tuple(sorted(set(map(int, parts))))


def write_columns(columns: Any) -> str:
    return ".".join(map(str, sorted(columns))) or NONE


class ForgedNotes(Widget):
    """A tape, the notes of another text put under some of its columns, and what is written then."""

    slug = "forged-notes"
    title = "Forge its notes"
    own_only = (
        "What comes next is known of the storyteller’s little stories, so that one sees at once whether they go by the "
        "tape or by the notes. So this figure stays with the storyteller."
    )
    reads = ("tape", "donor", "forge", "whose")
    functions = (
        unwrap(notes.forge),
        notes.piece_by_piece,
        cache.KVCache.forged,
        notes.go_on,
        notes.next_odds,
        unwrap(notes.obeyed),
    )

    def draw(self) -> Markup:
        s = self.state
        mine, others = tokens_of(s.tape), tokens_of(s.donor)
        room = notes.may_be_forged(mine, others)
        wanted = parse_columns(s.forge)
        columns = notes.apart(mine, others) if wanted is None else tuple(k for k in wanted if k < room)
        found = notes.forge(mine, others, columns, AHEAD)
        return join(
            [
                c.controls(
                    c.beyond(c.text_field("tape", "Tape", s.tape, hint=c.tokens_in(len(mine)))),
                    c.beyond(
                        c.text_field(
                            "donor",
                            "Notes of",
                            s.donor,
                            hint="a text of the same form: columns stand at the same places",
                        )
                    ),
                    tag(
                        "div",
                        *[c.button(n, sets="donor", value=d, pressed=d == s.donor) for d, n in DONORS.items()],
                        class_="presets",
                        role="group",
                        aria_label="Whose notes",
                    ),
                    tag("p", class_="message", data_message="forge", role="alert"),
                ),
                c.figure(
                    "forged-notes",
                    self.columns(found, room),
                    c.controls(
                        *[c.button(n, sets="whose", value=k, pressed=k == s.whose) for k, n in READ.items()],
                        label="Which notes are read",
                    ),
                    tag("div", self.chances(found), self.stories(found), class_="columns note-stories"),
                    c.told(told(found, s.whose)),
                    title="The tape, and whose notes are read",
                    caption="Press a column to exchange its notes, or not.",
                    readout="Marks on the bars: with its own notes.",
                ),
                c.beyond(self.one_by_one(found), self.many()),
            ]
        )

    def columns(self, of: Forged, room: int) -> Markup:
        """The tape, column by column: its token, and below it the token whose notes are read there."""
        cells = []
        for i, name in enumerate(lab.names_of(of.tape, lab.STORYTELLER)):
            mine = Markup(html.escape(name))
            if i >= room:
                cells.append(
                    tag(
                        "span",
                        tag("strong", mine),
                        tag("i", "reads" if i == len(of.tape) - 1 else "its own"),
                        class_="cell note last",
                    )
                )
                continue
            on = i in of.columns
            given = lab.names_of(of.donor, lab.STORYTELLER)[i]
            swapped = on and self.state.whose == "forged"
            cells.append(
                tag(
                    "button",
                    tag("span", f"column {i}: ", class_="sr"),
                    tag("strong", mine),
                    tag("i", tag("span", "notes of ", class_="sr"), given if on else "its own"),
                    type="button",
                    tabindex="-1",
                    class_=f"cell note{' marked' if on else ''}{' forged' if swapped else ''}",
                    data_set="forge",
                    value=write_columns(set(of.columns) ^ {i}),
                    aria_pressed=str(on).lower(),
                )
            )  # fmt: skip
        return tape(cells, "The columns, and whose notes are read in each", rove=True)

    def chances(self, of: Forged) -> Markup:
        """The odds of the next token with the notes that are read, marks: with its own."""
        read = {"own": of.own, "forged": of.forged, "anew": of.anew}[self.state.whose]
        ids, names, shares = top_tokens(np.maximum(of.own, of.forged), 4)
        worth = max(2, sum(share >= LEAST for share in shares))
        ids, names = ids[:worth], names[:worth]
        return charts.bars(
            names,
            [float(read[i]) for i in ids],
            label="The next token, with the notes that are read, and with its own",
            scale=1.0,
            others={"before": [float(of.own[i]) for i in ids]},
            heads=("next token", "with these notes"),
        )

    def stories(self, of: Forged) -> Markup:
        """What is written: with its own notes, and with those that are read now."""
        how = self.state.whose
        now = {"own": (), "forged": of.misled, "anew": of.healed}[how]
        says = {"own": "forged: not yet", "forged": "forged", "anew": "made again after its first word"}[how]
        rows = [("its own", of.told, ()), (says, now, of.told)]
        drawn = []
        for name, tokens, other in rows:
            cells = [
                cell(t, f"drawn{' differs' if i < len(other) and other[i] != t else ''}", weight=0.0)
                for i, t in enumerate(tokens)
            ] or [Markup('<span class="cell">…</span>')]
            drawn += [tag("dt", name), tag("dd", tape(cells, f"Written with these notes: {name}"))]
        return tag("dl", *drawn, class_="note-rows")

    def one_by_one(self, of: Forged) -> Markup:
        """The same tape with fewer of the notes forged: one column, one layer."""
        columns, layers = notes.piece_by_piece(of)
        was, says = int(of.own.argmax()), int(of.forged.argmax())
        if says == was:
            says = int(np.argsort(of.forged)[-2])
        name = lab.tokenizer(lab.STORYTELLER).display
        rows: list[list[Any]] = [["its own", of.own], ["forged in all columns chosen", of.forged]]
        rows += [[f"forged in the column {name(of.tape[k])} alone", odds] for k, odds in columns.items()]
        rows += [[f"forged in layer {layer} alone", odds] for layer, odds in enumerate(layers)]
        rows.append(["made again from the tape", of.anew])
        return c.numbers_table(
            ["keys and values read", f"then {name(was)}", f"then {name(says)}"],
            [[words, float(p[was]), float(p[says])] for words, p in rows],
            "The chances of the next token, by what was forged",
            text=percent,
        )

    def many(self) -> Markup:
        """Every tape of the default's form: how often the story goes by the notes."""
        rows = []
        for how, words in notes.HOW.items():
            score = notes.obeyed(how)
            low, high = score.interval
            rows.append([words, f"{score.right} of {score.of}", f"{percent(low)} to {percent(high)}"])
        n = len(notes.pairs())
        return c.figure(
            "forged-notes-many",
            c.numbers_table(
                ["notes of the other tape in", "goes by them", "95 % interval"],
                rows,
                "In how many tapes the most likely next token is the one that the notes call for",
                open_=True,
                summary=f"{n} tapes of this form",
            ),
            title=f"The same with {n} tapes",
            caption=(
                "Girls and boys, all eight names and every adjective of one token. Of the control, which calls for the "
                "same word as the tape: in how many another word comes."
            ),
        )


def told(of: Forged, how: str) -> str:
    """What came of it, in a sentence."""
    name = lab.tokenizer(lab.STORYTELLER).display
    was, says = int(of.own.argmax()), int(of.forged.argmax())
    before = f"“{name(was)}”, {percent(float(of.own[was]))}"
    if not of.columns:
        return "No column is chosen: there is nothing to forge. Press one."
    if how == "own":
        return f"With its own notes the next token is {before}. Now forge {how_many(len(of.columns), 'column')}."
    if how == "forged" and says == was:
        return f"The notes are forged, and it is still {before}: now {percent(float(of.forged[was]))}."
    if how == "forged":
        return (
            f"Not one token of the tape was changed, and the next is “{name(says)}”, "
            f"{percent(float(of.forged[says]))}, instead of {before}. It goes by the notes."
        )
    again = (
        f"Read from its beginning, the tape makes its own notes again: {before} (largest difference of any "
        f"probability: {number(of.error)})."
    )
    if not of.misled or of.misled[0] == of.told[0]:
        return again
    return (
        f"{again} Where “{name(of.misled[0])}” was already written with forged notes, it stays: it is on the tape. "
        "What is written behind it is told by the notes made again."
    )

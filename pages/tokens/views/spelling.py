"""Why letters and digits are hard: a word that is one token, and a number that grows digit by digit."""

from __future__ import annotations

from itertools import pairwise

from markupsafe import Markup

from explainer.models import byte_level, vocabularies
from explainer.models.vocabularies import NAMES
from explainer.ui.html import how_many, join, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import cutting
from .parts import display


class Spelling(Widget):
    """A word in a sentence, and the number that stands for it."""

    slug = "spelling"
    title = "How many letters are there?"
    own_only = ""
    reads = ("word", "letter")
    functions = (byte_level.ByteLevelTokenizer.encode_word, vocabularies.unpacked)

    def draw(self) -> Markup:
        s = self.state
        count = s.word.lower().count(s.letter.lower()) if s.letter else 0
        rows = [given(name, s.word, s.letter) for name in NAMES]
        words = f"“{s.word}” has {how_many(len(s.word), 'letter')}"
        if s.letter:
            words += f", and {how_many(count, 'time')} {s.letter}"
        return join(
            [
                c.controls(
                    c.text_field("word", "A word", s.word),
                    c.text_field("letter", "Count the letter", s.letter),
                ),
                c.figure(
                    "spelling",
                    c.told(f"{words}. What a model is given, behind a blank:"),
                    *rows,
                ),
            ]
        )


def given(name: str, word: str, letter: str) -> Markup:
    """A word as its tokens, letters above numbers."""
    cut = cutting.cut(f" {word}", name)
    boxes = []
    for i, piece in list(zip(cut.ids, cut.pieces, strict=True))[:40]:
        marked = [tag("mark", x) if letter and x.lower() == letter.lower() else x for x in display(piece)]
        boxes.append(
            tag("span", tag("span", *marked, class_="text"), tag("b", f"{i:,}"), class_="given-token", data_v=i)
        )
    n = len(cut.ids)
    return tag(
        "div",
        tag("p", tag("b", NAMES[name]), f": {how_many(n, 'number')}", class_="side-name"),
        tag("div", *boxes, class_="given-row", translate="no"),
        class_="given-word",
    )


class Digits(Widget):
    """A number that grows by a digit in each row, and where it is cut."""

    slug = "digits"
    title = "Where a number is cut"
    own_only = ""
    reads = ("number",)
    functions = (byte_level.split, cutting.pattern)

    def draw(self) -> Markup:
        digits = self.state.number
        columns: dict[tuple[tuple[int, ...], ...], list[str]] = {}  # vocabularies that cut alike share one
        for name, title in list(NAMES.items())[::-1]:
            cuts = tuple(cutting.pattern(digits[:n], name) for n in range(1, len(digits) + 1))
            columns.setdefault(cuts, []).append(title)
        rows = [
            tag("tr", *[tag("td", *cut_up(digits[: n + 1], cuts[n])) for cuts in columns]) for n in range(len(digits))
        ]
        table = tag(
            "table",
            tag("caption", f"How {digits} is cut, digit by digit", class_="sr"),
            tag("thead", tag("tr", *[tag("th", " and ".join(titles), scope="col") for titles in columns.values()])),
            tag("tbody", *rows),
            class_="digit-table",
            translate="no",
        )
        return join(
            [
                c.controls(c.text_field("number", "A number", digits)),
                c.figure(
                    "digits",
                    tag(
                        "div",
                        table,
                        class_="scroll",
                        tabindex="0",
                        role="region",
                        aria_label="The number, digit by digit",
                    ),
                    c.told(said(digits)),
                ),
            ]
        )


def cut_up(digits: str, sizes: tuple[int, ...]) -> list[Markup]:
    """A number as its pieces. sizes: how many digits each has"""
    ends = [sum(sizes[:k]) for k in range(len(sizes) + 1)]
    return [tag("span", digits[a:b], class_=f"piece tint-{k % 4}") for k, (a, b) in enumerate(pairwise(ends))]


def said(digits: str) -> str:
    """What happens to the last digit but one."""
    now, before = (cutting.pattern(d, "gpt-2") for d in (digits, digits[:-1])) if len(digits) > 1 else ((1,), ())
    pieces = " + ".join(map(str, now))
    words = f"GPT-2 reads {digits} as {pieces} {'digit' if now == (1,) else 'digits'}"
    if before and now[: len(before) - 1] != before[:-1]:
        words += (
            f", and without its last digit as {' + '.join(map(str, before))}: one digit more moves the cuts before it"
        )
    return f"{words}. The other two give every digit a token of its own."

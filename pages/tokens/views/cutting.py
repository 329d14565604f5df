"""A text in three real vocabularies; a pressed token goes back to its bytes, and these to characters."""

from __future__ import annotations

from markupsafe import Markup

from explainer.models import byte_level, vocabularies
from explainer.models.vocabularies import NAMES
from explainer.ui.html import how_many, join, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import cutting
from ..facts.cutting import Cut
from .parts import display, quoted

SHOWN = 150  # tokens of each that are drawn
CASES = (
    ("an emoji of three", "👩\u200d👩\u200d👧"),
    ("Thai", "สวัสดีชาวโลก"),
    ("Arabic", "مرحبا بالعالم"),
    ("marks on a letter", "Z͑͗ạ̈l"),
    ("one control character", "a\u0004b"),
)
"""Hard cases: what the button says, the text."""


class Vocabularies(Widget):
    """The same text in three vocabularies, and one token of it taken apart."""

    slug = "vocabularies"
    title = "The same text in three vocabularies"
    own_only = ""
    reads = ("prompt", "vocabulary", "token")
    functions = (
        byte_level.split,
        byte_level.ByteLevelTokenizer.encode_word,
        vocabularies.unpacked,
        cutting.role,
        cutting.touched,
    )

    def draw(self) -> Markup:
        s = self.state
        cuts = {name: cutting.cut(s.prompt, name) for name in NAMES}
        chosen = cuts[s.vocabulary]
        at = min(s.token, len(chosen.ids) - 1)
        return join(
            [
                c.controls(
                    c.text_field("prompt", "Prompt", s.prompt),
                    tag(
                        "div",
                        *[c.button(name, sets="prompt", value=text, pressed=s.prompt == text) for name, text in CASES],
                        class_="presets",
                    ),
                ),
                c.figure(
                    "vocabularies",
                    *[row(name, cuts[name], at if name == s.vocabulary else None) for name in NAMES],
                    taken_apart(s.prompt, s.vocabulary, chosen, at),
                    c.beyond(counts(cuts, len(s.prompt.encode("utf-8", errors="replace"))), table(cuts)),
                ),
            ]
        )


def counts(cuts: dict[str, Cut], size: int) -> Markup | None:
    """How many tokens the text is in each vocabulary, and how many bytes."""
    if not size:
        return None
    left, right, high = 110, 60, 26
    drawn = []
    for k, (name, n) in enumerate([("bytes", size), *((NAMES[name], len(cut.ids)) for name, cut in cuts.items())]):
        wide, y = (charts.WIDE - left - right) * n / size, 4 + high * k
        drawn += [
            tag("text", name, x=left - 8, y=y + 15, text_anchor="end"),
            tag("rect", x=left, y=y + 2, width=f"{wide:.1f}", height=high - 8, class_="count", data_v=n),
            tag("text", f"{n:,}", x=f"{left + wide + 6:.1f}", y=y + 15),
        ]
    said = ", ".join(f"{len(cut.ids)} for {NAMES[name]}" for name, cut in cuts.items())
    return charts.drawing(drawn, charts.WIDE, high * 4 + 8, f"{how_many(size, 'byte')} are so many tokens: {said}",
                          "counts")  # fmt: skip


def row(name: str, cut: Cut, chosen: int | None) -> Markup:
    """A text in one vocabulary: a button for each token."""
    tokenizer = vocabularies.tokenizer(name)
    n = len(cut.ids)
    each = f", {number(len(cut.all) / n)} bytes each" if n else ""
    buttons = [
        tag(
            "button",
            shown,
            type="button",
            data_set="vocabulary token",
            value=f"{name}\x1f{k}",
            aria_pressed=str(k == chosen).lower(),
            class_=f"piece tint-{k % 4}",
            tabindex=0 if k == (chosen or 0) else -1,
        )
        for k, shown in enumerate(cut.shown[:SHOWN])
    ]
    more = n - len(buttons)
    lost = ", ".join(sorted({f"{b:02X}" for b in cut.lost}))
    return tag(
        "div",
        tag(
            "p",
            tag("b", NAMES[name]),
            f", {tokenizer.n_vocab:,} tokens: ",
            tag("strong", how_many(n, "token")),
            each,
            class_="side-name",
        ),
        tag("div", *buttons, tag("span", f"… and {more:,} more") if more > 0 else None, class_="cut-row",
            role="group", aria_label=f"The text in {NAMES[name]}’s tokens", data_rove=True, translate="no"),
        tag("p", f"{NAMES[name]} has no token for the byte {lost}: it is left out, without a word.",
            class_="side-name lost") if lost else None,
        class_="vocabulary",
    )  # fmt: skip


def taken_apart(text: str, name: str, cut: Cut, at: int) -> Markup:
    """One token: its number, its bytes, and the characters that these belong to."""
    if at < 0:
        return tag("div", c.told("There is no text, and so there are no tokens."), class_="taken-apart")
    piece, start = cut.pieces[at], cut.starts[at]
    rows = []
    for k, byte in enumerate(piece[:16]):
        front, says = cutting.role(byte)
        (character,) = cutting.touched(text, start + k, 1)
        bits = f"{byte:08b}"
        place = f"byte {start + k - character.start + 1} of {len(character.data)}" if len(character.data) > 1 else ""
        rows.append(
            tag(
                "tr",
                tag("th", f"{byte:02X}", scope="row"),
                tag("td", tag("b", bits[:front]), bits[front:], class_="bits"),
                tag("td", says, class_="role"),
                tag("td", tag("b", display(character.data)), f" {character.code} {character.name.lower()}"
                    f"{', ' + place if place else ''}"),
            )
        )  # fmt: skip
    more = len(piece) - len(rows)
    table = tag(
        "table",
        tag("caption", "The bytes of the token", class_="sr"),
        tag("thead", tag("tr", *[tag("th", h, scope="col") for h in ("byte", "bits", "in UTF-8", "character")])),
        tag("tbody", *rows),
        class_="byte-table",
        translate="no",
    )
    return tag(
        "div",
        c.told(said(text, name, cut, at)),
        tag("div", table, class_="scroll", tabindex="0", role="region", aria_label="The bytes of the token"),
        tag("p", f"and {how_many(more, 'more byte')}", class_="side-name") if more > 0 else None,
        class_="taken-apart",
    )


def said(text: str, name: str, cut: Cut, at: int) -> str:
    """What the model gets, and whether it is whole characters."""
    piece, start = cut.pieces[at], cut.starts[at]
    found = cutting.touched(text, start, len(piece))
    whole = found[0].start == start and found[-1].start + len(found[-1].data) == start + len(piece)
    made = how_many(len(piece), "byte")
    model = f"{quoted(piece)}: {NAMES[name]} is given the number {cut.ids[at]:,}, and nothing of the {made} behind it."
    if whole:
        return model
    return f"{model} {'It is' if len(piece) == 1 else 'They are'} no whole character: one is cut in two here."


def table(cuts: dict[str, Cut]) -> Markup:
    """The tokens that are drawn, in numbers."""
    rows: list[list[object]] = []
    for name, cut in cuts.items():
        for k, (i, piece) in enumerate(zip(cut.ids[:SHOWN], cut.pieces[:SHOWN], strict=True)):
            rows.append([NAMES[name], k, i, display(piece), piece.hex(" ").upper()])
    return c.numbers_table(["vocabulary", "place", "token", "text", "bytes"], rows, "The text in three vocabularies")

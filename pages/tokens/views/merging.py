"""The hero: a text whose most frequent pair of neighbours becomes one token, again and again."""

from __future__ import annotations

from markupsafe import Markup

from explainer.kernel import tokenizer
from explainer.ui.html import how_many, join, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import merging
from ..facts.merging import Candidate, Merge
from .parts import display, hexadecimal, quoted

SHOWN = 1200  # pieces that are drawn


class Merges(Widget):
    """The reader's text as pieces, the pair that is joined next to be guessed, and the tokens that there are by now."""

    slug = "merges"
    title = "From letters to tokens"
    own_only = ""
    reads = ("prompt", "merges", "guess")
    functions = (merging.learned, merging.counted, merging.joined, tokenizer.split_words)

    def draw(self) -> Markup:
        s = self.state
        known = merging.learned(s.prompt)
        at = min(s.merges, len(known))
        choices = merging.candidates(s.prompt, at)
        guess = next((k for k, choice in enumerate(choices) if choice.key == s.guess), None)
        return join(
            [
                c.controls(c.text_field("prompt", "Prompt", s.prompt)),
                tag(
                    "figure",
                    tag(
                        "div",
                        told(s.prompt, known, at),
                        pieces(s.prompt, known, at, guess is not None),
                        asked(choices, guess),
                        c.transport("merges", at, len(known), "The merges", "Join the pair that comes most often"),
                        learned_so_far(known[:at]),
                        c.beyond(curve(s.prompt, at), table(known)),
                        class_="figure-body",
                    ),
                    tag("p", "Point at a piece for its bytes.", class_="readout", data_readout=True),
                    class_="figure merging",
                    data_figure="merges",
                    data_testid="merges",
                    data_crank="merges",
                    data_crank_last=len(known),
                ),
            ]
        )


def told(text: str, known: tuple[Merge, ...], at: int) -> Markup:
    """How far it is."""
    sizes = merging.sizes(text)
    if not text:
        return c.told("There is no text. Write something: a line in which something comes twice is best.")
    if not known:
        return c.told("No two neighbours stand here twice, so there is nothing to join. Write a little more.")
    now = f"{how_many(sizes[0], 'byte')} are {how_many(sizes[at], 'token')} now."
    if at:
        last = known[at - 1]
        now = f"Joined {how_many(last.count, 'time')}: {quoted(last.left)} and {quoted(last.right)}. {now}"
    return c.told(now + (" No pair stands here twice any more." if at == len(known) else ""))


def pieces(text: str, known: tuple[Merge, ...], at: int, open_: bool) -> Markup:
    """The text: a box for each piece. open_: whether what is joined next is marked"""
    fresh = known[at - 1].whole if at else None
    coming = (known[at].left, known[at].right) if open_ and at < len(known) else None
    drawn: list[Markup] = []
    left = SHOWN
    for word in merging.after(text, at)[:SHOWN]:
        boxes = []
        for k, piece in enumerate(word[:left]):
            kinds = [f"long-{min(len(piece), 6)}"]
            if piece == fresh:
                kinds.append("fresh")
            if coming and (word[k : k + 2] == coming or (k and word[k - 1 : k + 1] == coming)):
                kinds.append("coming")
            boxes.append(tag("span", display(piece), class_=" ".join(kinds), data_why=f"bytes {hexadecimal(piece)}"))
        left -= len(boxes)
        drawn.append(tag("span", *boxes, class_="in-word"))
        if left <= 0:
            drawn.append(tag("span", "…", class_="in-word"))
            break
    size = merging.sizes(text)[at]
    return tag(
        "div",
        *drawn,
        class_="pieces",
        role="img",
        tabindex="0",
        translate="no",
        aria_label=f"The text in {how_many(size, 'piece')}",
    )


def asked(choices: tuple[Candidate, ...], guess: int | None) -> Markup:
    """Which pair comes next: four to choose from, and how often each stands there once one is chosen."""
    if not choices:
        return tag("div", class_="next-pair")
    buttons = []
    for k, choice in enumerate(choices):
        shown: list[object] = [display(choice.left), tag("i", "+"), display(choice.right_half)]
        if guess is not None:
            shown.append(tag("b", f" {choice.count}×"))
        kind = "" if guess is None else "right" if choice.right else "wrong" if k == guess else ""
        buttons.append(
            tag(
                "button",
                *shown,
                type="button",
                data_set="guess",
                value=choice.key,
                aria_pressed=str(k == guess).lower(),
                class_=f"button pair {kind}".strip(),
            )
        )
    words = "Which two neighbours stand together most often?"
    if guess is not None:
        right = next(x for x in choices if x.right)
        best = f"{quoted(right.left)} and {quoted(right.right_half)}, {how_many(right.count, 'time')}"
        words = f"Yes: {best}." if choices[guess].right else f"No: {best}."
    return tag(
        "div",
        tag("p", words, class_="side-name", aria_live="polite"),
        tag("div", *buttons, class_="pair-row", role="group", aria_label="The next pair", translate="no"),
        class_="next-pair",
    )


def learned_so_far(merges: tuple[Merge, ...]) -> Markup:
    """The newest tokens, the last one first."""
    newest = [tag("span", display(m.whole), class_="token") for m in merges[:-13:-1]]
    more = len(merges) - len(newest)
    words = f"{how_many(len(merges), 'new token')}{': ' if newest else ', beside the 256 bytes.'}"
    return tag("p", words, join(newest), f" and {more} more" if more > 0 else None, class_="new-tokens", translate="no")


def curve(text: str, at: int) -> Markup | None:
    """How many tokens the text has after each merge."""
    sizes = merging.sizes(text)
    if len(sizes) < 3:
        return None
    ticks = charts.round_ticks(0, len(sizes) - 1)
    return charts.xy(
        [("tokens in the text", "query", [(float(k), float(n)) for k, n in enumerate(sizes)])],
        label=f"Tokens in the text after each merge: from {sizes[0]:,} to {sizes[-1]:,}",
        x_name="merges",
        y_name="tokens",
        x_ticks=ticks,
        y_max=charts.round_ticks(0, sizes[0])[-1],
        log_x=False,
        height=200,
        dots=[(float(at), float(sizes[at]), "query")],
    )


def table(known: tuple[Merge, ...]) -> Markup:
    """All merges of the text."""
    rows = [[k, display(m.left), display(m.right), display(m.whole), hexadecimal(m.whole), m.count]
            for k, m in enumerate(known, start=1)]  # fmt: skip
    return c.numbers_table(
        ["merge", "left", "right", "new token", "its bytes", "times"],
        rows,
        "All merges of this text, in order",
        summary="All merges",
        text=number,
    )

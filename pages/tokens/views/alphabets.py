"""Bytes or pieces: what a story costs two models of one size, byte by byte, and how they compare on held-out text."""

from __future__ import annotations

from markupsafe import Markup

from explainer.live import alphabets
from explainer.live.alphabets import KINDS
from explainer.ui.html import exact, how_many, join, nats, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import alphabets as facts
from ..facts.alphabets import Priced
from .parts import display, quoted

TALLEST = 7.0  # nats a byte at which a bar is full
STORY = "Dear Mia, thank you for the black hat. The hat is very black. Your friend, Max."
OTHERS = (
    ("as in the corpus", STORY),
    ("with a slip", STORY.replace("The hat", "The hta")),
    ("a word never met", STORY.replace("hat", "xylophone")),
)
"""Stories to read: what the button says, the text."""
TITLES = {
    "pieces": "pieces",
    "bytes-compute": "bytes, as much computing",
    "bytes-text": "bytes, as much text",
}


class ByteByByte(Widget):
    """A story and what each of its bytes costs: above for the model of pieces, below for the model of bytes."""

    slug = "byte-by-byte"
    title = "What a text costs, byte by byte"
    own_only = ""
    reads = ("story",)
    functions = (alphabets.surprise, alphabets.symbols, alphabets.net)

    def draw(self) -> Markup:
        story = self.state.story
        found = facts.priced(story)
        return join(
            [
                c.controls(
                    c.text_field("story", "A story", story),
                    *[c.button(name, sets="story", value=text, pressed=text == story) for name, text in OTHERS],
                ),
                c.figure(
                    "byte-by-byte",
                    tag(
                        "p",
                        tag("span", "above: pieces", class_="legend colour-query"),
                        tag("span", "below: bytes", class_="legend colour-head"),
                        class_="legend-row",
                    ),
                    strip(found),
                    c.told(said(found)),
                    c.beyond(so_far(found), table(found)),
                    readout="Areas are nats: a piece’s surprise is spread over its bytes. Point at one for its number.",
                ),
            ]
        )


def strip(found: Priced) -> Markup:
    """A column for each byte, a frame around each piece."""
    drawn, at = [], 0
    for piece, cost in zip(found.pieces, found.by_piece, strict=True):
        n = len(piece)
        below = found.by_byte[at : at + n]
        columns = [
            tag("i", class_="below", style=f"--h:{height(v)}", data_v=exact(v),
                data_why=f"byte {piece[k]:02X} of {quoted(piece)}: {number(v)} nats for the model of bytes")
            for k, v in enumerate(below)
        ]  # fmt: skip
        letters = [tag("span", x) for x in letters_of(piece)]
        above = tag(
            "i",
            class_="above",
            style=f"--h:{height(cost / n)}",
            data_v=exact(cost),
            data_why=f"{quoted(piece)}: {number(cost)} nats for the model of pieces",
        )
        drawn.append(tag("span", above, *letters, *columns, class_="priced", style=f"--n:{n}"))
        at += n
    total = f"{nats(sum(found.by_piece))} nats for pieces and {nats(sum(found.by_byte))} nats for bytes"
    return tag("div", *drawn, class_="priced-text", role="img", translate="no", aria_label=f"{total}, in all")


def so_far(found: Priced) -> Markup | None:
    """What the text has cost up to each byte, for both."""
    if found.size < 2:
        return None
    pieces, at, total = [(0.0, 0.0)], 0, 0.0
    for piece, cost in zip(found.pieces, found.by_piece, strict=True):
        at, total = at + len(piece), total + cost
        pieces.append((float(at), total))
    letters = [(0.0, 0.0)]
    for cost in found.by_byte:
        letters.append((letters[-1][0] + 1, letters[-1][1] + cost))
    return charts.xy(
        [("model of pieces", "query", pieces), ("model of bytes", "head", letters)],
        label=f"Nats paid so far, byte by byte: {nats(total)} for pieces, {nats(letters[-1][1])} for bytes in the end",
        x_name="bytes read",
        y_name="nats so far",
        x_ticks=charts.round_ticks(0, found.size),
        y_max=charts.round_ticks(0, max(total, letters[-1][1]))[-1],
        log_x=False,
    )


def letters_of(piece: bytes) -> list[str]:
    """A sign for each byte: its letter, or its number where it is none by itself."""
    return [display(bytes([b])) if b < 128 else f"{b:02X}" for b in piece]


def height(value: float) -> str:
    """The height of a bar, 0 to 1."""
    return f"{min(value / TALLEST, 1.0):.3g}"


def said(found: Priced) -> str:
    """The sums."""
    if not found.size:
        return "There is no text."
    pieces, letters = sum(found.by_piece), sum(found.by_byte)
    return (
        f"{how_many(found.size, 'byte')}: {nats(pieces)} nats for the model of pieces, {nats(letters)} for the model "
        f"of bytes; per byte {nats(pieces / found.size)} and {nats(letters / found.size)}."
    )


def table(found: Priced) -> Markup:
    """All of it in numbers."""
    rows: list[list[object]] = []
    at = 0
    for piece, cost in zip(found.pieces, found.by_piece, strict=True):
        below = found.by_byte[at : at + len(piece)]
        rows.append([display(piece), len(piece), float(cost), float(sum(below))])
        at += len(piece)
    heads = ["piece", "bytes", "nats, model of pieces", "nats, model of bytes"]
    return c.numbers_table(heads, rows, "What each piece costs", summary="Piece by piece")


class BytesOrPieces(Widget):
    """Nats per byte on the held-out set: the truth, and the models, all seeds."""

    slug = "bytes-or-pieces"
    title = "Bytes or pieces?"
    own_only = ""
    functions = (alphabets.per_byte, alphabets.costs, alphabets.floor, alphabets.operations)

    def draw(self) -> Markup:
        floor = alphabets.per_byte(facts.floor())
        found = facts.everyone()
        names = ["the truth itself", *(TITLES[f.kind] for f in found)]
        return c.figure(
            "bytes-or-pieces",
            charts.bars(
                names,
                [floor.value, *(f.middle for f in found)],
                label=f"Nats per byte on {floor.documents} held-out documents; of three seeds, the middle one",
                heads=("model", "nats per byte"),
                colour="query",
                text=nats,
            ),
            c.told(
                f"Over the truth, per byte: {'; '.join(f'{TITLES[f.kind]} {nats(f.over_middle)}' for f in found)}. "
                f"{how_many(len(alphabets.SEEDS), 'seed')} each, the middle one is drawn."
            ),
            c.beyond(every_seed()),
        )


def every_seed() -> Markup:
    """All models in numbers."""
    rows: list[list[object]] = []
    for found in facts.everyone():
        for seed, (value, over) in enumerate(zip(found.all, found.over, strict=True)):
            rows.append(
                [
                    TITLES[found.kind],
                    seed,
                    float(value.value),
                    float(over.value),
                    f"{nats(over.low)} to {nats(over.high)}",
                    found.weights,
                    f"{found.multiplications / 1e12:.1f}",
                    f"{found.text / 1e6:.1f}",
                ]
            )
    heads = ["alphabet", "seed", "nats per byte", "over the truth", "95 % interval", "weights",
             "million million multiplications", "MB of text"]  # fmt: skip
    return c.numbers_table(heads, rows, "All models", summary="Every seed", text=nats)


assert set(TITLES) == set(KINDS)

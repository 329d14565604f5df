"""Two blocks side by side, floor by floor: the same parts in the same places, and four that differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from explainer.architectures import llama_like as llama
from explainer.kernel import model, ops
from explainer.ui.html import join, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import sizes
from ..facts.sizes import NOW, PARTS, THEN, Cost

WIDE, HIGH = 360, 388
LEFT, RIGHT, BOX = 24, 206, 148  # where the boxes of both columns begin, and how wide they are


@dataclass(frozen=True)
class Change:
    """What changed in one kind of part.

    name:       of the part; then, now: what it is called in both
    says:       the change in a sentence; why: for what reason, and who says so
    before, after: the formulas
    """

    name: str
    then: str
    now: str
    says: str
    why: str
    before: str
    after: str


CHANGES = {
    "norm": Change(
        "Normalising",
        "LayerNorm",
        "RMSNorm",
        "The vector is still divided by its size. Its mean is no longer taken off, and nothing is added.",
        "Less to compute, and as good in the tests of Zhang and Sennrich 2019.",
        "(x − mean) / √(mean of (x − mean)² + ε) · w + b",
        "x / √(mean of x² + ε) · w",
    ),
    "places": Change(
        "Places",
        "a learned vector",
        "RoPE",
        "A vector for each place was added at the bottom. Now queries and keys are turned instead, by their place.",
        "A score then depends on how far apart two tokens are, and not on where they stand (Su et al. 2021).",
        "x = W_E[token] + W_pos[place]",
        "score = (turned q) · (turned k)",
    ),
    "share": Change(
        "Keys, values",
        "one for each head",
        "one for three heads",
        "Each head still asks its own question. Three heads at a time now read the same keys and values.",
        "What has to be remembered of a text is a third; close to as good in Ainslie et al. 2023.",
        "score of head h = q_h · k_h",
        "score of head h = q_h · k_⌊h / 3⌋",
    ),
    "think": Change(
        "MLP",
        "GELU",
        "SwiGLU",
        "A hidden unit used to switch itself. Now one matrix gives a number, and another the gate that lets it pass.",
        "Somewhat lower loss in Shazeer 2020, who offers “no explanation as to why”.",
        "GELU(x W_in) W_out",
        "(SiLU(x W_gate) · x W_in) W_out",
    ),
}


class TwoBlocks(Widget):
    """GPT-2's block beside SmolLM2's. A part that changed can be pressed: what changed, and what it costs."""

    slug = "two-blocks"
    title = "Two models, floor by floor"
    own_only = ""
    reads = ("part",)
    functions = (  # by pairs: then, now
        *(model.normalize, llama.rms_normalize),
        *(model.embed_positions, llama.rotate),
        *(model.dot_products, llama.dot_products),
        *(ops.gelu, llama.gated),
        *(model.attention, llama.attention),
        *(model.mlp, llama.mlp),
    )

    def draw(self) -> Markup:
        part = self.state.part
        chips = [c.button(CHANGES[p].name, sets="part", value="" if p == part else p, pressed=p == part) for p in PARTS]
        return join(
            [
                c.figure(
                    "two-blocks",
                    tag(
                        "div",
                        tag("div", picture(part), *presses(part), class_="blocks-picture"),
                        tag(
                            "div",
                            tag("p", "Read both from the bottom up. Where do they differ?", class_="before-guess"),
                            tag("div", *chips, class_="train", role="group", aria_label="Parts that changed"),
                            story(part),
                            class_="blocks-side",
                            aria_live="polite",
                        ),
                        class_="blocks",
                        data_part=part or "none",
                    ),
                    readout="Press a part that changed."
                    if not part
                    else "Its code, then and now: Tools, Show the code.",
                ),
                c.beyond(table()),
            ]
        )


# ---------------------------------------------------------------- the drawing


@dataclass(frozen=True)
class Floor:
    """A box of both columns. part: which of PARTS it is, or ''; then, now: its words, '' for an empty place"""

    y: int
    part: str
    then: str
    now: str
    about: str


FLOORS = (  # from the top
    Floor(26, "", "scores of all tokens", "scores of all tokens", "the unembedding"),
    Floor(52, "norm", "LayerNorm", "RMSNorm", "before the scores"),
    Floor(114, "think", "MLP: GELU", "MLP: SwiGLU", "in the MLP"),
    Floor(142, "norm", "LayerNorm", "RMSNorm", "before the MLP"),
    Floor(196, "", "compare, mix values", "compare, mix values", "scores, mask, softmax, mixture"),
    Floor(224, "places", "", "turn q and k", "in attention"),
    Floor(252, "share", "", "", "in attention"),
    Floor(292, "norm", "LayerNorm", "RMSNorm", "before attention"),
    Floor(332, "places", "+ vector of place", "", "at the bottom"),
    Floor(360, "", "vector of token", "vector of token", "the embedding"),
)
TALL = {"share": 34}  # units; other boxes are 22 high
ADDS = (98, 182)  # where the two sub-layers write into the stream
FRAME = (84, 322)  # the block that is repeated


def height(floor: Floor) -> int:
    return TALL.get(floor.part, 22)


def picture(part: str) -> Markup:
    """Both columns: the stream, what reads from it and writes into it, and the boxes that differ."""
    drawn: list[Markup] = []
    for x, name in ((LEFT, "GPT-2’s parts, 2019"), (RIGHT, "SmolLM2’s, 2024")):
        drawn += [tag("text", name, x=x, y=14, class_="column-name"), *stream(x)]
    for floor in FLOORS:
        for x, words in ((LEFT, floor.then), (RIGHT, floor.now)):
            drawn += box(floor, x, words, part)
    words = (
        "Two columns, from the bottom to the top: GPT-2 and SmolLM2. Token vectors, normalising, attention, adding, "
        "normalising, MLP, adding, scores: the same order in both. Four kinds of part differ: normalising, places, "
        "keys and values, MLP."
    )
    return tag("svg", *drawn, viewBox=f"0 0 {WIDE} {HIGH}", role="img", aria_label=words, class_="blocks-art")


def stream(x: int) -> list[Markup]:
    """The residual stream beside a column, the two ways out of it and back, and the frame of the block."""
    at = x - 12
    top, bottom = FRAME
    ways = [(FLOORS[7].y, ADDS[1]), (FLOORS[3].y, ADDS[0])]
    lines = [tag("path", d=f"M{at} {HIGH - 6}V{FLOORS[0].y + 11}", class_="stream")]
    for low, high in ways:
        lines.append(tag("path", d=f"M{at} {low + 17}H{x + 10}V{high}H{at + 6}", class_="way"))
        lines += [
            tag("circle", cx=at, cy=high, r=6, class_="plus"),
            tag("path", d=f"M{at - 3.4} {high}h6.8M{at} {high - 3.4}v6.8", class_="sign"),
        ]
    frame = tag("rect", x=at - 9, y=top, width=BOX + 27, height=bottom - top, rx=9, class_="frame")
    times = tag("text", f"× {NOW.n_layers}", x=x + BOX + 2, y=top + 18, text_anchor="end", class_="times")
    return [frame, *lines, times]


def box(floor: Floor, x: int, words: str, part: str) -> list[Markup]:
    """A part in one of the columns; where the other one has it alone, an empty place."""
    tall = height(floor)
    state = "same" if not floor.part else "changed chosen" if floor.part == part else "changed"
    if floor.part == "share":
        groups = THEN.kv_heads if x == LEFT else NOW.kv_heads
        inside = heads(x, floor.y, groups)
    elif not words:
        state, inside = (
            f"{state} empty",
            [tag("text", "nothing", x=x + BOX / 2, y=floor.y + 15.5, text_anchor="middle")],
        )
    else:
        inside = [tag("text", words, x=x + BOX / 2, y=floor.y + 15.5, text_anchor="middle")]
    return [
        tag(
            "g",
            tag("rect", x=x, y=floor.y, width=BOX, height=tall, rx=5),
            *inside,
            class_=f"box {state}",
        )
    ]


def heads(x: int, y: int, groups: int) -> list[Markup]:
    """A dot for each query, key and value of a token."""
    found: list[Markup] = []
    for k, (name, n) in enumerate((("query", NOW.n_heads), ("key", groups), ("value", groups))):
        middle = x + BOX * (2 * k + 1) / 6
        step = 36 / (NOW.n_heads - 1) if n == NOW.n_heads else 13.5
        first = middle - step * (n - 1) / 2
        found += [tag("circle", cx=f"{first + step * i:.1f}", cy=y + 9, r=2.1, class_=name) for i in range(n)]
        found.append(tag("text", ("queries", "keys", "values")[k], x=f"{middle:.1f}", y=y + 28, text_anchor="middle"))
    return found


def presses(part: str) -> list[Markup]:
    """What can be pressed in the drawing: each floor that differs, over both columns."""
    found = []
    for floor in FLOORS:
        if not floor.part:
            continue
        change, on = CHANGES[floor.part], floor.part == part
        tall = height(floor)
        found.append(
            tag(
                "button",
                tag("span", f"{change.name}, {floor.about}", class_="sr"),
                type="button",
                data_set="part",
                value="" if on else floor.part,
                aria_pressed=str(on).lower(),
                data_why=f"{change.name}, {floor.about}: {change.then} then, {change.now} now",
                class_="press",
                style=f"--at:{100 * (floor.y - 3) / HIGH:.2f}%;--way:{100 * (tall + 6) / HIGH:.2f}%",
            )
        )
    return found


# ---------------------------------------------------------------- in words and numbers


def story(part: str) -> Markup:
    """What changed in a part, or in all."""
    then, now = sizes.costs(THEN), sizes.costs(NOW)
    if not part:
        fewer = THEN.n_params - NOW.n_params
        lines = [
            tag(
                "p",
                "Same order, same stream, same attention, same adding. ",
                tag("b", "Four kinds of part are lit: they changed."),
                " And no matrix has a bias vector any more.",
            ),
            tag(
                "p",
                f"SmolLM2 has {NOW.n_params / 1e6:.1f} million weights. With GPT-2’s parts at the same sizes it would "
                f"have {fewer / 1e6:.1f} million more, and remember "
                f"{then['share'].cache // now['share'].cache} times as much of each token.",
                class_="note",
            ),
        ]
        return tag("div", *lines, class_="blocks-story")
    change = CHANGES[part]
    return tag(
        "div",
        tag("p", tag("b", f"{change.then} → {change.now}. "), change.says),
        tag("p", tag("span", "then", class_="when"), tag("code", change.before), class_="formula then"),
        tag("p", tag("span", "now", class_="when"), tag("code", change.after), class_="formula"),
        tag("p", cost_words(then[part], now[part]), class_="note"),
        c.beyond(tag("p", change.why, class_="note")),
        class_="blocks-story",
    )


def cost_words(then: Cost, now: Cost) -> str:
    """The largest change of cost in words, for the whole of SmolLM2."""
    if then.cache:
        return (
            f"In all of SmolLM2: {now.cache:,} bytes to remember for each token instead of {then.cache:,}, "
            f"and {millions(then.weights - now.weights)} weights fewer."
        )
    if then.weights == now.weights:
        return (
            f"In all of SmolLM2: {millions(now.weights)} weights either way. {THEN.d_mlp:,} hidden units with two "
            f"matrices, {NOW.d_mlp:,} with three."
        )
    return (
        f"In all of SmolLM2: {millions(now.weights)} weights instead of {millions(then.weights)}, and "
        f"{now.operations:,} operations for each token instead of {then.operations:,}."
    )


def millions(n: int) -> str:
    """A number of weights for the eye."""
    return f"{n / 1e6:.1f} million" if n >= 1e6 else f"{n:,}"


def table() -> Markup:
    """All of it in numbers."""
    then, now = sizes.costs(THEN), sizes.costs(NOW)
    rows: list[Sequence[Any]] = []
    for part in PARTS:
        a, b = then[part], now[part]
        rows.append([CHANGES[part].name, a.weights, b.weights, a.operations, b.operations, a.cache, b.cache])
    for name, words in (("biases", "Biases of matrices"), ("words", "Vocabulary")):
        a_, b_ = sizes.weights(THEN)[name], sizes.weights(NOW)[name]
        rows.append([words, a_, b_, "", "", "", ""])
    rows.append(["All", THEN.n_params, NOW.n_params, "", "", "", ""])
    heads_ = [
        "part",
        "weights, then",
        "now",
        "operations a token, then",
        "now",
        "bytes remembered a token, then",
        "now",
    ]
    return c.numbers_table(
        heads_, rows, "What each part takes at SmolLM2’s sizes, with GPT-2’s parts and with its own",
        summary="Every part in numbers",
    )  # fmt: skip

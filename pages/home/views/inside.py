"""The inside of a node of the picture: one floor, for one word, as a flow from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from explainer.models import lab
from explainer.studies.climb import Climb, Inside
from explainer.ui.html import exact, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import climb as picture
from explainer.ui.parts import components as c

ROWS = 5  # words that are read, shown one by one; the others together
SIZES = {"wide": (860, 250), "narrow": (340, 300)}


def rows(told: Climb, opened: Inside) -> list[tuple[str, float, int | None]]:
    """What the head reads, in the order of the text: (word, share, column), the small ones together at the end."""
    shares = opened.shares
    best = sorted(range(len(shares)), key=lambda s: (s != opened.read, -shares[s]))[:ROWS]
    shown: list[tuple[str, float, int | None]] = [(told.columns[s].text, shares[s], s) for s in sorted(best)]
    if len(shares) > len(best):
        shown.append(("all others", float(sum(shares[s] for s in range(len(shares)) if s not in best)), None))
    return shown


def ribbon(x0: float, y0: float, x1: float, y1: float, wide0: float, wide1: float) -> str:
    """The outline of a ribbon from one place to another, of two widths."""
    m = (x0 + x1) / 2
    a, b = wide0 / 2, wide1 / 2
    return (
        f"M{x0:.1f} {y0 - a:.1f}C{m:.1f} {y0 - a:.1f} {m:.1f} {y1 - b:.1f} {x1:.1f} {y1 - b:.1f}"
        f"V{y1 + b:.1f}C{m:.1f} {y1 + b:.1f} {m:.1f} {y0 + a:.1f} {x0:.1f} {y0 + a:.1f}Z"
    )


def flow(told: Climb, opened: Inside, kind: str) -> Markup:
    """The drawing. The column's stream runs along the bottom; attention and the MLP read it and add to it."""
    width, height = SIZES[kind]
    narrow = kind == "narrow"
    ground, thick = height - 40, 20.0
    x_q, x_word, x_dot, x_mix = (26, 104, 118, 208) if narrow else (90, 350, 372, 560)
    x_mlp, x_mlp_end, end = (236, 300, width - 4) if narrow else (640, 800, width - 4)
    listed = rows(told, opened)
    gap = (ground - 62) / len(listed)
    ys = [34 + gap * (i + 0.5) for i in range(len(listed))]
    mid = (ys[0] + ys[-1]) / 2
    parts: list[Any] = [tag("path", d=ribbon(2, ground, end, ground, thick, thick), class_="stream")]
    parts += [tag("path", d=ribbon(x_q - 22, ground, x_q + 6, mid, thick, 9), class_="q")]
    for (word, share, column), y in zip(listed, ys, strict=True):
        followed = column is not None and column == opened.read
        name = f"{word}: its share"
        parts.append(
            tag("path", d=ribbon(x_q + 6, mid, x_word - (0 if narrow else 80), y, 9 / len(listed), 2.2), class_="q")
        )
        parts.append(
            tag(
                "path",
                d=ribbon(x_dot + (46 if narrow else 60), y, x_mix, mid, max(20 * share, 0.4), max(20 * share, 0.4)),
                class_="v",
            )
        )
        parts.append(tag("circle", cx=x_dot, cy=f"{y:.1f}", r=9, class_="cup"))
        parts.append(
            tag(
                "circle",
                cx=x_dot,
                cy=f"{y:.1f}",
                r=f"{9 * share**0.5:.2f}",
                class_="share",
                data_v=exact(share),
                data_why=name,
            )
        )
        parts.append(tag("text", word, x=x_word, y=f"{y + 5:.1f}", class_=f"key{' followed' if followed else ''}"))
        parts.append(tag("text", picture.short(share), x=x_dot + 15, y=f"{y + 4.5:.1f}", class_="small"))
    wide_a, wide_m = (min(3 + 16 * v, 30) for v in (opened.attention, opened.mlp))
    parts.append(
        tag(
            "path",
            d=ribbon(x_mix, mid, x_mix + (26 if narrow else 56), ground, 20, wide_a),
            class_="v",
            data_v=exact(opened.attention),
            data_why="what attention adds, relative to what came in",
        )
    )
    half, arm = (x_mlp + x_mlp_end) / 2, (x_mlp_end - x_mlp) * 0.22
    four = ribbon(x_mlp + arm, mid, half, mid, 12, 4 * 18) + ribbon(half, mid, x_mlp_end - arm, mid, 4 * 18, 12)
    parts.append(tag("path", d=ribbon(x_mlp, ground, x_mlp + arm, mid, thick, 12), class_="mlp"))
    parts.append(tag("path", d=four, class_="mlp"))
    parts.append(
        tag(
            "path",
            d=ribbon(x_mlp_end - arm, mid, x_mlp_end, ground, 12, wide_m),
            class_="mlp",
            data_v=exact(opened.mlp),
            data_why="what the MLP adds, relative to what came in",
        )
    )
    name = told.columns[opened.column].text
    heads = [
        (x_q - 20 if narrow else x_q - 40, "asks", "start"),
        (x_dot if narrow else x_word - 40, "reads" if narrow else "who fits what it asks for?", "middle"),
        (x_mix if narrow else x_mix - 10, "mixes", "middle"),
        (half, "works" if narrow else "works it over", "middle"),
    ]
    parts += [tag("text", words, x=f"{x:.0f}", y=18, text_anchor=anchor, class_="stage") for x, words, anchor in heads]
    parts.append(tag("text", name, x=4, y=height - 8, class_="word"))
    parts.append(tag("text", f"after floor {opened.floor}", x=end, y=height - 8, text_anchor="end", class_="small"))
    label = f"Inside {picture.node_of(told, opened.floor, opened.column)}: what it asks, reads, mixes and works over"
    return tag(
        "svg",
        *parts,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_label=label,
        class_=f"flow-in {kind}",
        translate="no",
    )


def shell(title: Any, *body: Any) -> Markup:
    """What is opened by a press, below the picture."""
    return tag(
        "section",
        tag("h4", title),
        c.button("Close", sets="inside", value="", kind="small"),
        *body,
        class_="in",
        aria_label="What was pressed",
        data_figure="inside",
        data_testid="inside",
    )


def ground(told: Climb, column: int) -> Markup:
    """A column before any floor."""
    words = (
        f"The piece and its place in the text are looked up: {lab.model().config.d_model} numbers, the same for this "
        "piece at this place in every text. What the words before it are to it, the floors find out."
    )
    return shell(["On the ground: ", picture.word_of(told.columns, column, bold=False)], tag("p", words))


def roof(told: Climb, prompt: str, seed: int) -> Markup:
    """The odds, and another draw."""
    names = [o.text + ("…" if o.unfinished else "") for o in told.odds] + ["others"]
    chances = [o.chance for o in told.odds] + [told.rest]
    bars = charts.bars(
        names, chances, label="what may come next", scale=1.0, chosen=told.said, heads=("piece", "chance")
    )
    return shell(
        "The roof",
        tag(
            "p",
            (
                "Every piece that the model knows has a chance here. One is drawn by these chances; that is the only "
                "place where luck comes in. The ball of this draw fell on "
            ),
            tag("b", f"“{told.word.text}”"),
            ".",
        ),
        bars,
        tag(
            "p",
            c.button("Another draw", sets="seed", value=seed + 1, kind="small"),
            " ",
            onward("temperature", "Stretch the chances by hand", {"prompt": prompt}),
        ),
    )


def word(told: Climb, prompt: str) -> Markup:
    """The loop."""
    n = len(told.columns)
    return shell(
        ["The word that drops: ", f"“{told.word.text}”"],
        tag(
            "p",
            (
                f"It is written behind the text as column {n}, and all floors run once more. Nothing that was read "
                "changes: no column looks at a later one. That is the whole loop, "
                "and every longer answer is made of it."
            ),
        ),
        tag("p", onward("feedback", "Turn the loop yourself, and interfere", {"prompt": prompt, "step": 0})),
    )


def panel(told: Climb, opened: Inside, prompt: str, asked: bool = False) -> Markup:
    """The opened node: a sentence, the flow, and one press deeper its numbers and shapes. asked: for this very arc"""
    config = lab.model().config
    listed = rows(told, opened)
    who = picture.word_of(told.columns, opened.column)
    whom = picture.word_of(told.columns, opened.read)
    share = opened.shares[opened.read]
    words = (
        [
            "Here ",
            who,
            " asks the words before it, and ",
            whom,
            (
                f" fits: {picture.short(share)} of what this head reads comes from there. What the heads read joins "
                f"its own stream ({number(opened.attention)} times as large as that); then the MLP works it over, "
                f"alone ({number(opened.mlp)} times)."
            ),
        ]
        if opened.column > 1
        else ["Before ", who, " there is nothing to read but the start of the text."]
    )
    table = c.numbers_table(
        ["is read", "share"], [[w, s] for w, s, _ in listed], "Shares of what is read", text=percent, summary="Shares"
    )
    products = c.numbers_table(
        ["entry", "q × k"],
        [
            *[[i, p] for i, p in enumerate(opened.products)],
            ["their sum", float(sum(opened.products))],
            [f"÷ √{config.d_head}", opened.score],
        ],
        f"The dot product behind the share of {told.columns[opened.read].text}",
        summary="The dot product",
    )
    shapes = [
        c.shape("q", "K", [config.d_head]),
        c.shape("k", "S K", [len(opened.shares), config.d_head]),
        c.shape("v", "S K", [len(opened.shares), config.d_head]),
        c.shape("attn_out", "D", [config.d_model]),
        c.shape("mlp_out", "D", [config.d_model]),
    ]
    ask = {"prompt": prompt, "layer": opened.layer, "head": opened.head, "query": opened.column}
    deeper = tag(
        "details",
        tag("summary", "Numbers and shapes"),
        tag("p", f"Head {opened.layer}.{opened.head}: ", join(_between(shapes, " "))),
        table,
        products,
        class_="in-numbers",
    )
    score = (
        f"What is compared is a question and an answer, {config.d_head} numbers each: their product, divided "
        f"by √{config.d_head}, is {number(opened.score)} here; beside those of the others that makes a share of "
        f"{picture.short(share)}."
    )
    return shell(
        ["Inside ", picture.word_of(told.columns, opened.column, bold=False), f", floor {opened.floor}"],
        tag("p", *words),
        tag("p", score) if asked else None,
        flow(told, opened, "wide"),
        flow(told, opened, "narrow"),
        tag("p", onward("attention", "Step through this head by hand", ask)),
        deeper,
    )


def _between(parts: Sequence[Any], gap: str) -> list[Any]:
    return [x for part in parts for x in (part, gap)][:-1]


def onward(page: str, words: str, ask: dict[str, Any]) -> Markup:
    """A link to a page with what is asked there, in the reader's own text."""
    return tag("a", f"{words} →", href=f"{page}/?{urlencode(ask)}", data_page_link=page)

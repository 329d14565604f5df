"""Four long texts at four temperatures: what repeats, and how much, measured."""

from __future__ import annotations

import math
from typing import Any

from markupsafe import Markup, escape

from explainer.kernel import sampling
from explainer.models import lab
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import repetition
from ..facts.repetition import LENGTH, STRETCH, TEMPERATURES, Text
from .parts import nats, prompt_field, prompts_to_try

TRY = ("a string of beads", "another free choice", "a small sum", "close the bracket", "copy a name")


class Repetition(Widget):
    """The loop run 200 times at each of four temperatures, on the same prompt with the same random numbers."""

    slug = "repetition"
    title = "Two hundred tokens at four temperatures"
    own_only = (
        "Texts of two hundred tokens are longer than a page has memory for with this model, so this figure "
        "stays with the storyteller. The loop on the next page writes with this one, a token at a time."
    )
    reads = ("prompt", "seed", "again")
    functions = (sampling.find_loop, sampling.distinct_n, repetition.copied, repetition.Writer, sampling.loop)
    _turn: int | None = None  # the page's last wish to go on that was answered; None until the first drawing

    def draw(self) -> Markup:
        s = self.state
        desk = repetition.desk(s.tokens(), s.seed)
        self.go_on(desk)
        texts = desk.texts()
        return join(
            [
                c.controls(prompt_field(s), c.beyond(c.number_field("seed", "Seed", s.seed, 0, 2**32 - 1))),
                c.beyond(prompts_to_try(s, TRY)),
                progress(desk),
                c.figure(
                    "texts",
                    tag("div", *[story(t) for t in texts], class_="texts"),
                    title="Same prompt, same random numbers, no cuts.",
                    caption=legend(),
                ),
                c.beyond(
                    c.figure(
                        "measures",
                        measures(texts, seeds(s.tokens())),
                        title="Measured:",
                        note=(
                            desk.outside
                            and "The corpus never writes this prompt, so it has no text of its own to compare with."
                        ),
                    ),
                    tag(
                        "div",
                        c.figure(
                            "distinct",
                            distinct(texts, desk),
                            title="New pairs of neighbours.",
                            caption=(
                                "distinct-2 of the text so far: different pairs of neighbouring tokens out of all "
                                "pairs. A loop makes it fall; it starts at 1."
                            ),
                        ),
                        c.figure(
                            "entropy",
                            entropies(texts),
                            title="Openness, token by token.",
                            caption=(
                                "Entropy in nats of the distribution that each token was drawn from. The flat "
                                "stretches at 0 are tokens that had no rival."
                            ),
                        ),
                        class_="columns",
                    ),
                    all_numbers(texts) if desk.done else None,
                ),
            ]
        )

    def go_on(self, desk: Any) -> None:
        """Write a short piece at each of the page's requests, which asks for the rest; all of it outside of one."""
        state = self.state
        if math.isinf(state.left()):
            desk.advance(LENGTH)
        elif self._turn is not None and state.again != self._turn:
            desk.advance(desk.written + desk.stride)
        self._turn = state.again


def colour(text: Text) -> str:
    """All four are the model's; only the corpus's own text is the truth."""
    return "true" if text.temperature is None else "vocab"


def progress(desk: Any) -> Markup:
    """How far the writing is; while it is not done the page, when it is seen, asks for more."""
    if desk.done:
        return tag("p", f"Each text has {LENGTH} tokens.", class_="progress", role="status")
    return tag(
        "div",
        tag("p", f"Writing: {desk.written} of {LENGTH} tokens each.", class_="progress"),
        tag("progress", value=desk.written, max=LENGTH, aria_label="Tokens written"),
        class_="writing",
        data_more="again",
    )


def legend() -> Markup:
    return join(
        [
            tag("mark", "Marked", class_="copied"),
            f": a stretch of {STRETCH} tokens or more that stood before in the same text. ",
            tag("mark", "Underlined", class_="loop"),
            ": the loop that the text ends in, its rounds in two ",
            tag("mark", "shades", class_="loop odd"),
            " by turns. ",
            c.beyond(
                tag("span", "⌁", class_="slid"),
                ": from here on the start of the text has dropped out of the model’s window.",
            ),
        ]
    )


def story(text: Text) -> Markup:
    """One text, its repeated stretches marked."""
    tokenizer = lab.tokenizer()
    runs: list[tuple[str, list[int]]] = []
    for i, token in enumerate(text.tokens):
        kind = "loop" if text.loop and i >= text.loop.start else "copied" if text.copied[i] else ""
        if text.loop and kind == "loop":
            kind += " odd" if ((i - text.loop.start) // text.loop.period) % 2 else ""
        if i == text.slid_at:
            runs.append(("slid", []))
        if token == tokenizer.end_id:
            runs.append(("end", []))
        elif runs and runs[-1][0] == kind:
            runs[-1][1].append(token)
        else:
            runs.append((kind, [token]))
    parts: list[str] = []
    for kind, tokens in runs:
        if kind == "end":
            parts.append('<span class="ended" title="end of a document">⏎</span>')
        elif kind == "slid":
            parts.append('<span class="slid" title="the window slides from here on">⌁</span>')
        else:
            words = escape(tokenizer.decode(tokens))
            parts.append(f'<mark class="{kind}">{words}</mark>' if kind else f"<span>{words}</span>")
    if text.loop:
        found = f"ends in a loop: {how_many(text.loop.period, 'token')}, {how_many(text.loop.repeats, 'time')}"
    else:
        found = "does not end in a loop" if text.tokens else ""
    return tag(
        "section",
        tag("h4", text.name),
        tag(
            "p",
            Markup("".join(parts)),
            class_="story",
            translate="no",
            tabindex="0",
            role="region",
            aria_label=f"Text at {text.name}",
        ),
        tag("p", found, class_="note"),
        class_=f"text colour-{colour(text)}",
    )


def seeds(prompt: tuple[int, ...]) -> dict[str, repetition.OverSeeds]:
    """What many seeds say of the texts of a prompt, by their names;
    nothing for prompts that the build did not measure."""
    if not repetition.over_seeds.known(prompt):  # type: ignore[attr-defined]
        return {}
    return {found.name: found for found in repetition.over_seeds(prompt)}


def seeds_cell(found: repetition.OverSeeds | None) -> str:
    """The share repeated over many seeds: the median, and between what the middle half lies."""
    if found is None:
        return '<td class="num" tabindex="-1">–</td>'
    low, high = found.middle_half
    said = f"{percent(found.median)} ({percent(low)} to {percent(high)})"
    return f'<td class="num" tabindex="-1" data-v="{exact(found.median)}">{said}</td>'


def measures(texts: list[Text], many: dict[str, repetition.OverSeeds]) -> Markup:
    rows = []
    for t in texts:
        cells = [
            (t.distinct_1, number(t.distinct_1)),
            (t.distinct_2, number(t.distinct_2)),
            (t.copied_share, percent(t.copied_share) if t.tokens else "–"),
            (t.mean_entropy, nats(t.mean_entropy) if t.tokens else "–"),
            (float(t.documents), str(t.documents)),
        ]
        body = "".join(f'<td class="num" tabindex="-1" data-v="{exact(v)}">{text}</td>' for v, text in cells)
        loop = f"{how_many(t.loop.period, 'token')} × {t.loop.repeats}" if t.loop else "none"
        others = seeds_cell(many.get(t.name)) if many else ""
        rows.append(
            f'<tr class="colour-{colour(t)}"><th scope="row">{t.name}</th>{body}'
            f'<td class="num" tabindex="-1">{loop}</td>{others}</tr>'
        )
    heads = [
        "text",
        "distinct-1",
        "distinct-2",
        f"in repeated stretches of {STRETCH}",
        "mean entropy, nats",
        "documents ended",
        "loop at the end",
        *([f"repeated, {repetition.SEEDS} seeds: median (middle half)"] if many else []),
    ]
    table = tag(
        "table",
        tag("caption", "How much each text repeats itself", class_="sr"),
        tag("thead", tag("tr", *[tag("th", h, scope="col") for h in heads])),
        Markup(f"<tbody>{''.join(rows)}</tbody>"),
        class_="losses measures",
        data_grid=True,
    )
    return tag("div", table, class_="scroll")


def distinct(texts: list[Text], desk: Any) -> Markup:
    series = [(t.name, colour(t), [(float(i + 1), x) for i, x in enumerate(t.distinct) if x == x]) for t in texts]
    slid = [t.slid_at for t in texts if t.slid_at is not None]
    return charts.xy(
        series,
        label="distinct-2 of each text so far, by number of tokens",
        x_name="tokens written",
        y_name="distinct-2",
        log_x=False,
        x_ticks=(0, 50, 100, 150, 200),
        y_max=1.0,
        markers=[(float(slid[0]), "the window slides")] if slid else [],
        table=False,
        name_ends=True,
        height=264,
    )


def entropies(texts: list[Text]) -> Markup:
    """One strip per text: a column per token, as high as the distribution was open. All strips have one scale."""
    means = ", ".join(f"{t.name}: {number(t.mean_entropy)} on average" for t in texts)
    highest = max((e for t in texts for e in t.entropies), default=1.0) or 1.0
    return charts.areas(
        [(t.name, colour(t), t.entropies) for t in texts],
        label=f"Entropy per token. {means}. Highest: {number(highest)} nats",
        x_name="tokens written",
        y_name="nats",
        length=LENGTH,
        x_ticks=(0, 50, 100, 150, 200),
    )


def all_numbers(texts: list[Text]) -> Markup:
    """Every step's entropy and distinct-2, folded away: the text equivalent of both drawings."""
    heads = "".join(f'<th scope="col">entropy, {t.name}</th><th scope="col">distinct-2, {t.name}</th>' for t in texts)
    rows = []
    for i in range(LENGTH):
        cells = "".join(
            f'<td data-v="{t.entropies[i]:.6g}">{t.entropies[i]:.2f}</td>'
            + (f'<td data-v="{t.distinct[i]:.6g}">{t.distinct[i]:.2f}</td>' if i else "<td>–</td>")
            for t in texts
        )
        rows.append(f"<tr><td>{i + 1}</td>{cells}</tr>")
    label = "Entropy and distinct-2 of each text, token by token"
    table = Markup(
        f'<table class="numbers"><caption class="sr">{label}</caption>'
        f'<thead><tr><th scope="col">token</th>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )
    return c.figure(
        "numbers",
        tag(
            "details",
            tag("summary", "The numbers of both drawings"),
            tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label),
            class_="numbers",
        ),
    )


__all__ = ["TEMPERATURES", "Repetition"]

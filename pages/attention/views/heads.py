"""All heads at a glance: what each one reads in the reader's text, and what it measurably does on held-out text."""

from __future__ import annotations

import bisect
import inspect
from typing import Any

from markupsafe import Markup

from explainer.kernel import heads, model
from explainer.kernel.heads import CLEAR, ROLES
from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.studies import further
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.lean import later, matrix
from explainer.ui.telling import Telling

from .parts import prompt_field

LEVELS = (0.05, 0.15, 0.3, 0.5, 0.75)  # a small pattern shows five strengths; the opened one shows the numbers

OF_TEXT = (
    "What these heads do is measured on your text alone: where they look by place, and whether they read what followed "
    "the same token before. The storyteller’s are measured on hundreds of held-out stories, and on what its grammar "
    "says is due; of English no such grammar is known."
)


@lab.per_model(300)
def small_pattern(tokens: tuple[int, ...], layer: int, head: int) -> Markup:
    """One pattern as a drawing of five strengths: one path per strength, a square per pair of tokens."""
    pattern = lab.trace(tokens)[f"blocks.{layer}.attn.pattern"][head].tolist()
    n = len(pattern)
    paths: list[list[str]] = [[] for _ in LEVELS]
    for t, row in enumerate(pattern):
        for s, weight in enumerate(row):
            if weight >= LEVELS[0]:
                paths[bisect.bisect_right(LEVELS, weight) - 1].append(f"M{s} {t}h1v1h-1z")
    drawn = [tag("path", d="".join(d), class_=f"level-{i}") for i, d in enumerate(paths) if d]
    allowed = tag("path", d=f"M0 0V{n}H{n}z", class_="allowed")
    return tag("svg", allowed, *drawn, viewBox=f"0 0 {n} {n}", aria_hidden="true", preserveAspectRatio="none")


class AttentionHeads(Telling):
    """A grid of layers and heads; each small pattern opens its head for the whole page."""

    slug = "attention-heads"
    title = "All heads at a glance"
    own_only = ""
    reads = ("prompt", "layer", "head", "query")
    functions = (
        model.attention_pattern,
        inspect.unwrap(facts.head_scores),
        facts.answer_keys,
        heads.measure,
        inspect.unwrap(facts.head_worth),
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        trace = lab.trace(tokens)
        config = lab.model().config
        rows = []
        for layer in range(config.n_layers):
            rows.append(tag("span", f"layer {layer}", class_="row-label"))
            rows += [self.small(trace, layer, head) for head in range(config.n_heads)]
        grid = tag(
            "div",
            *rows,
            class_="heads-grid many" if config.n_layers > further.MANY_LAYERS else "heads-grid",
            role="group",
            aria_label="All heads",
            style=f"--n:{config.n_heads}",
        )
        return join(
            [
                c.controls(prompt_field(s, len(tokens))),
                tag(
                    "div",
                    c.figure(
                        "heads",
                        grid,
                        caption=join(
                            [
                                "Rows of a pattern are queries, columns are keys; the stronger the colour, the more is "
                                "read. Below each: what it does most, and how much of its attention that takes",
                                c.beyond(
                                    "; in strong letters where that is clear. Choose one to open it everywhere on "
                                    "this page"
                                ),
                                ".",
                            ]
                        ),
                        readout=" ",
                    ),
                    c.beyond(self.opened(trace, names)),
                    class_="columns heads-columns",
                ),
                c.beyond(self.table()),
            ]
        )

    def small(self, trace: Any, layer: int, head: int) -> Markup:
        """One pattern as a button with a picture of five strengths."""
        drawing = small_pattern(trace.tokens, layer, head)
        role, score = further.head_scores(trace.tokens).strongest(layer, head)
        clear = score >= CLEAR
        chosen = (layer, head) == (self.state.layer, self.state.head)
        return tag(
            "button",
            drawing,
            tag("span", tag("span", "Open head ", class_="sr"), tag("b", f"{layer}.{head}"), class_="what"),
            tag("span", number(score, 3), class_="score"),
            tag(
                "span",
                None if clear else tag("span", "mixed, most: ", class_="sr"),
                ROLES[role][0],
                class_=f"role{' clear' if clear else ''}",
            ),
            type="button",
            data_set="layer head",
            value=f"{layer}\x1f{head}",
            aria_pressed=str(chosen).lower(),
            data_why=self.sentence(layer, head),
            class_="head-button",
        )

    def sentence(self, layer: int, head: int) -> str:
        """What is known about a head, in a line."""
        roles = further.head_scores(self.state.tokens())
        role, score = roles.strongest(layer, head)
        where = ROLES[role][2] if lab.is_own() else "in your text"
        said = (
            f"head {layer}.{head}: {where}, {percent(score)} of its attention is {ROLES[role][1]} "
            f"(reading all alike: {percent(roles.chance[role])}; {how_many(roles.n[role], 'query', 'queries')})"
        )
        if not lab.is_own():  # what a head is worth takes hundreds of texts, each read without it
            return said
        worth = float(facts.head_worth()[layer, head])
        return f"{said}; without this head the loss on held-out text is {number(worth)} nats per token higher"

    def opened(self, trace: Any, names: list[str]) -> Markup:
        """The chosen head's pattern, readable."""
        s = self.state
        pattern = trace[f"blocks.{s.layer}.attn.pattern"][s.head]
        table = matrix(
            pattern,
            names,
            names,
            label=f"pattern of head {s.layer}.{s.head}: queries down, keys across",
            masked=later(len(names)),
            chosen_row=s.query,
            row_sets="query",
            numbers=False,
            size="mini",
            row_name="query",
            col_name="key",
            ask=f"blocks.{s.layer}.attn.pattern|{s.head},r,c",
        )
        return c.figure(
            "opened-head",
            table,
            about={"layer": s.layer, "head": s.head},
            caption=join(
                [
                    tag("span", f"Head {s.layer}.{s.head}", class_="axis-head"),
                    " on your text ",
                    c.shape("pattern", "T S", pattern.shape),
                ]
            ),
            readout=self.sentence(s.layer, s.head),
        )

    def table(self) -> Markup:
        """Every measure of every head."""
        if not lab.is_own():
            return tag("p", OF_TEXT, class_="note")
        roles, worth = facts.head_scores(), facts.head_worth()
        order = list(ROLES)
        head_row = tag(
            "tr",
            tag("th", "head", scope="col"),
            tag("th", "does", scope="col"),
            *[tag("th", ROLES[r][0], scope="col") for r in order],
            tag("th", "loss without it", scope="col"),
        )
        body = [
            tag(
                "tr",
                tag("td", "reading all alike"),
                tag("td", ""),
                *[tag("td", number(roles.chance[r]), data_v=exact(roles.chance[r])) for r in order],
                tag("td", "+0"),
            )
        ]
        for layer in range(worth.shape[0]):
            for head in range(worth.shape[1]):
                scores = [float(roles.scores[r][layer, head]) for r in order]
                body.append(
                    tag(
                        "tr",
                        tag("th", f"{layer}.{head}", scope="row"),
                        tag("td", roles.label(layer, head)[0]),
                        *[tag("td", number(x), data_v=exact(x)) for x in scores],
                        tag("td", f"+{number(float(worth[layer, head]))}", data_v=exact(worth[layer, head])),
                        class_="chosen" if (layer, head) == (self.state.layer, self.state.head) else None,
                    )
                )
        label = "Every measure of every head"
        table = tag(
            "table", tag("caption", label, class_="sr"), tag("thead", head_row), tag("tbody", *body), class_="numbers"
        )
        meanings = tag(
            "ul",
            *[
                tag(
                    "li",
                    tag("b", name),
                    f": {where}, the mean share of attention {meaning}; {how_many(roles.n[r], 'query', 'queries')}",
                )
                for r, (name, meaning, where) in ROLES.items()
            ],
        )
        return c.figure(
            "head-scores",
            tag(
                "details",
                tag("summary", "All the measures"),
                tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label),
                meanings,
                tag(
                    "p",
                    (
                        f"A head is called by what it does most, if that is at least {number(CLEAR)} of its "
                        "attention, and mixed otherwise. Mind that the columns are about different queries, so that "
                        "one head's shares need not fit into 1."
                    ),
                ),
                class_="numbers",
            ),
        )

"""The soft lookup: a dictionary asked by content, from the plain average to the one best key."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.kernel import model, ops
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import attention_facts as facts
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.lean import matrix, story
from explainer.ui.widget import Widget

from .parts import bars_two, head_choice, head_says, prompt_field

LOW, HIGH = 0.02, 50.0  # the slider's ends; buttons go to the limits themselves
SHOWN = 18  # keys listed


class AttentionLookup(Widget):
    """One query against all keys, sorted by score; the values mixed; the sharpness in the reader's hand."""

    slug = "attention-lookup"
    title = "A dictionary that answers with a mixture"
    own_only = ""
    reads = ("prompt", "layer", "head", "query", "sharpness")
    functions = (facts.lookup_weights, facts.lookup, ops.softmax, model.weighted_sum, facts.lookup_patch)

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        trace = lab.trace(tokens)
        found = facts.lookup(trace, s.layer, s.head, s.query, s.sharpness)
        hard = s.sharpness >= facts.HARD
        shown = "∞" if hard else number(s.sharpness)
        return join(
            [
                c.beyond(c.controls(prompt_field(s, len(tokens)), *head_choice(s, names))),
                c.beyond(
                    tag(
                        "p",
                        head_says(s.layer, s.head, s.tokens()),
                        ", asked by ",
                        c.token(names[s.query], axis="axis-query"),
                        class_="note",
                    )
                ),
                c.controls(
                    c.slider(
                        "sharpness", "Sharpness", min(max(s.sharpness, LOW), HIGH), LOW, HIGH, log=True, shown=shown
                    ),
                    c.button("0: plain average", sets="sharpness", value=0, pressed=s.sharpness == 0),
                    c.button("1: as trained", sets="sharpness", value=1, pressed=s.sharpness == 1),
                    c.button("∞: only the best", sets="sharpness", value="inf", pressed=hard),
                    label="From average to hard",
                ),
                tag(
                    "div",
                    c.beyond(self.dictionary(trace, found)),
                    tag("div", self.kernel(found, names), self.answer(trace, tokens, found, names), class_="stack"),
                    class_="columns lookup",
                ),
            ]
        )

    def dictionary(self, trace: Any, found: facts.Lookup) -> Markup:
        """Keys from the highest to the lowest score: score, weight, and the value that is handed over."""
        s = self.state
        shown = found.order[:SHOWN]
        rows = []
        for i, (entry, value) in zip(shown, entries(trace.tokens, s.layer, s.head, s.query), strict=True):
            weight = float(found.weights[i])
            rows.append(
                tag(
                    "tr",
                    entry,
                    charts.track(charts.bar(weight, "colour-head")),
                    tag("td", percent(weight), data_v=exact(weight), class_="num", tabindex="-1"),
                    tag("td", value, class_="value-strip", style=f"--w:{0.15 + 0.85 * weight:.3g}", aria_hidden="true"),
                )
            )
        heads = [
            tag("th", "key", scope="col", class_="axis-key"),
            tag("th", "score q · k / √d", scope="col", class_="num"),
            charts.track(),
            tag("th", "weight", scope="col", class_="num axis-head"),
            tag("th", "value", scope="col", class_="axis-value"),
        ]
        table = tag(
            "table",
            tag("caption", "Keys by how well they fit the query, with their weights", class_="sr"),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            class_="bars dictionary",
            data_grid=True,
        )
        rest = len(found.order) - len(shown)
        return c.figure(
            "dictionary",
            tag("div", table, class_="scroll"),
            about={"layer": self.state.layer, "head": self.state.head},
            caption=(
                "The entries, best fit first. A score is no likeness: it compares what the query asks for with what a "
                "key offers, and these are made by different matrices"
            ),
            note=f"{how_many(rest, 'key that fits less is', 'keys that fit less are')} not listed." if rest else None,
        )

    def kernel(self, found: facts.Lookup, names: list[str]) -> Markup:
        """Weight against score: the kernel, with every key on it."""
        low, high = float(found.scores.min()), float(found.scores.max())
        width, height, left, bottom = 520, 190, 58, 26
        span = high - low

        def x(score: float) -> float:
            if high == low:  # one key, or all alike: they stand where the score is written
                return width - 12.0
            return left + (width - left - 12) * (score - low) / span

        def y(weight: float) -> float:
            return 14 + (height - 14 - bottom) * (1 - weight)

        best = found.order[0]
        curve = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in facts.kernel_curve(found, self.state.sharpness))
        dots = [
            tag(
                "circle",
                cx=f"{x(float(found.scores[i])):.1f}",
                cy=f"{y(float(found.weights[i])):.1f}",
                r=3.2,
                class_="dot colour-key",
            )
            for i in found.order
        ]
        axes = [
            tag("line", x1=left, x2=width - 8, y1=f"{y(v):.1f}", y2=f"{y(v):.1f}", class_="rule") for v in (0, 0.5, 1)
        ]
        words = [
            tag("text", f"{v:.0%}".replace("%", " %"), x=left - 4, y=f"{y(v) + 4:.1f}", text_anchor="end")
            for v in (0, 0.5, 1)
        ]
        words += [
            tag("text", number(low) if high > low else "", x=left, y=height - 8),
            tag("text", f"score {number(high)}", x=width - 8, y=height - 8, text_anchor="end"),
        ]
        parts = [*axes, *words, tag("polyline", points=curve, class_="line colour-head"), *dots]
        label = f"Weight against score; the best key {names[best]} gets {percent(float(found.weights[best]))}"
        drawing = charts.drawing(parts, width, height, label)
        rows = [[f"{names[i]} ({i})", float(found.scores[i]), float(found.weights[i])] for i in found.order]
        table = c.numbers_table(["key", "score", "weight"], rows, "Score and weight of every key")
        about = {"layer": self.state.layer, "head": self.state.head}
        return c.figure(
            "kernel", drawing, table, about=about, caption="The kernel: how weight grows with the score; a dot is a key"
        )

    def answer(self, trace: Any, tokens: tuple[int, ...], found: facts.Lookup, names: list[str]) -> Markup:
        """What comes back, and what the model makes of it."""
        s = self.state
        rows = [found.mix, found.own]
        table = matrix(
            rows,
            ["this mix", "as trained"],
            [str(i) for i in range(len(found.mix))],
            label="the answer: mixed values",
            signed=True,
            size="tiny",
            numbers=False,
            row_axis="value",
            col_axis="value",
        )
        facts_row = c.definition_row(
            [
                ("keys that count", number(found.effective)),
                ("best key", c.token(names[found.order[0]], axis="axis-key")),
                ("its weight", percent(float(found.weights[found.order[0]]))),
            ]
        )
        trained = s.sharpness == 1  # then there is nothing to put in place of the model's own
        patch = () if trained else (facts.lookup_patch(trace, s.layer, s.head, s.query, found.weights),)
        changed = facts.change(tokens, patch, s.query)
        ids, _, _ = top_tokens((changed.before + changed.after) / 2, 5)
        shown = [lab.tokenizer().display(i) for i in ids]
        pair = bars_two(
            shown,
            [float(changed.before[i]) for i in ids],
            [float(changed.after[i]) for i in ids],
            label="next token, as trained and with this lookup",
            heads=("as trained", "this lookup"),
        )
        return join(
            [
                c.beyond(
                    facts_row,
                    c.figure(
                        "mix",
                        table,
                        about={"layer": self.state.layer, "head": self.state.head},
                        caption=join(["What comes back: ", c.shape("z", "K", found.mix.shape)]),
                    ),
                ),
                c.figure(
                    "lookup-prediction",
                    pair,
                    caption="If only this lookup had this sharpness",
                    note=(
                        "At sharpness 1 this is the trained lookup: nothing moves."
                        if trained
                        else f"{percent(changed.total_variation)} of the probability moves."
                    ),
                ),
            ]
        )


@lab.per_model(16)
def entries(tokens: tuple[int, ...], layer: int, head: int, query: int) -> list[tuple[Markup, Markup]]:
    """Of the keys that are listed, what no sharpness changes: (key and score, value). Kept while the slider moves."""
    trace, names = lab.trace(tokens), lab.names_of(tokens)
    found = facts.lookup(trace, layer, head, query, 1.0)
    largest = float(abs(found.values).max()) or 1.0
    made = []
    for i in found.order[:SHOWN]:
        why = story(trace, f"blocks.{layer}.attn.attn_scores_scaled", (head, query, i), names)
        key = tag("th", c.token(names[i], axis="axis-key"), " ", tag("span", str(i), class_="index"), scope="row")
        score = tag(
            "td",
            number(float(found.scores[i])),
            data_v=exact(found.scores[i]),
            data_why=why,
            class_="num",
            tabindex="-1",
        )
        made.append((join([key, score]), strip(found.values[i], largest)))
    return made


def strip(values: Any, largest: float) -> Markup:
    """A value vector as a row of tiny signed cells (a drawing: its numbers are in the stepper)."""
    cells = "".join(f"<i style=--v:{max(-1.0, min(1.0, float(v) / largest)):.2g}></i>" for v in values)
    return Markup(f'<span class="vector">{cells}</span>')

"""One sum asked in two orders: the answer at once, and the answer after written working."""

from __future__ import annotations

from inspect import unwrap

from markupsafe import Markup

from explainer.kernel import paths
from explainer.models import lab
from explainer.studies import influence, working
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import names_of
from explainer.ui.widget import Widget

EXAMPLES = ("7 8 6", "9 9 9", "4 6 7 8", "8 3 9 5", "9 8 7 6 5")
SAYS = {"answer": "Answer at once", "working": "Working first"}
WHOSE = {"answer": "No working", "working": "Its own working"} | working.HANDED
"""Who did the steps: the two orders of SAYS, and those in which we wrote working."""


class PathScratchpad(Widget):
    """The real model on one sum, both ways, and on a fixed list of sums, for every depth."""

    slug = "path-scratchpad"
    title = "Measured: the same sum, answered at once or after working"
    own_only = (
        "The sums of this figure are written as the storyteller’s own grammar writes them, and its working can be "
        "checked step by step. So it stays with the storyteller."
    )
    reads = ("terms",)
    functions = (
        working.opening,
        working.working,
        working.attempt,
        working.greedy,
        unwrap(working.score),
        working.sums,
        paths.longest_with_feedback,
    )

    def draw(self) -> Markup:
        s = self.state
        terms = s.numbers_to_add()
        return join(
            [
                c.controls(
                    c.beyond(
                        c.text_field(
                            "terms",
                            "Numbers to add",
                            s.terms,
                            hint=f"{working.FEWEST} to {working.MOST} digits from 1 to 9",
                        )
                    ),
                    tag(
                        "div",
                        *[
                            c.button(" + ".join(e.split()), sets="terms", value=e, pressed=e == s.terms)
                            for e in EXAMPLES
                        ],
                        class_="presets",
                        role="group",
                        aria_label="Examples",
                    ),
                ),
                tag("div", *[self.tape(terms, order) for order in influence.ORDERS], class_="columns wide-columns"),
                c.beyond(self.whose(terms), self.table()),
            ]
        )

    def tape(self, terms: tuple[int, ...], order: str) -> Markup:
        found = working.attempt(terms, order)
        layers = lab.model().config.n_layers
        before, after = influence.answer_span(found) or (len(found.written), len(found.written))
        written = found.written[: after + 1]
        length = paths.longest_with_feedback(layers, before)
        start = len(found.opening)
        names = names_of((*found.opening, *written))
        marks = ["given"] * start + ["wrote"] * len(written)
        for i in range(start + before, min(start + after, len(names))):
            marks[i] = "right" if found.right else "wrong"
        said = f"{found.answer}" if found.answer is not None else "no number"
        verdict = "right" if found.right else f"wrong: it is {sum(terms)}"
        return c.figure(
            f"scratchpad-{order}",
            c.token_strip(
                names, marks=marks, label=f"{SAYS[order]}: the question, then what the model wrote", axis="vocab"
            ),
            c.definition_row(
                [
                    (
                        "It answers",
                        tag("span", f"{said}, {verdict}", class_=f"sum-verdict {'right' if found.right else 'wrong'}"),
                    ),
                    ("Written before the answer", how_many(before, "token")),
                    ("Longest path to the answer", how_many(length, "step")),
                ]
            ),
            title=SAYS[order],
            caption=join(
                [
                    "grey: given; the rest is the model’s.",
                    c.beyond(" Rare words are written in several tokens, one piece at a time."),
                ]
            ),
            readout=(
                f"{layers} + {before} × ({layers} + 1) = {length}. A ceiling on the steps one after the other, "
                "not a count of those that were used."
            ),
        )

    def whose(self, terms: tuple[int, ...]) -> Markup:
        """The control: the same sum with working that the model did not write, and the fixed list in the same way."""
        layers = lab.model().config.n_layers
        rows = []
        for order, name in WHOSE.items():
            found = working.attempt(terms, order)
            before, _ = influence.answer_span(found) or (len(found.written), 0)
            right, led = (working.score(lab.STORYTELLER, order, led=led) for led in (False, True))
            rows.append(
                [
                    name,
                    working.opening(terms, order).removeprefix(working.task(terms)).strip(),
                    "no number" if found.answer is None else found.answer,
                    before,
                    paths.longest_with_feedback(layers, before),
                    f"{right.right} of {right.of}",
                    working.leads_to(terms, order),
                    f"{led.right} of {led.of}",
                ]
            )
        heads = [
            "working",
            "we wrote",
            "it answers",
            "tokens that it wrote before",
            "longest path to the answer",
            f"the sum, of {working.IN_ALL} sums",
            "the text leads to",
            f"that, of {working.IN_ALL} sums",
        ]
        return c.figure(
            "scratchpad-whose",
            c.numbers_table(
                heads,
                rows,
                "Who did the steps: the answer with working of different origin",
                open_=True,
                summary="Who did the steps",
            ),
            title="Who did the steps?",
            caption=f"The sum is {sum(terms)}. The model of {how_many(layers, 'layer')}, always its most likely token.",
            readout=(
                "With right working that we wrote the longest path is as short as at once: "
                "the length of the path does not say who did the steps."
            ),
        )

    def table(self) -> Markup:
        """The fixed list: share right by depth, length of the sum and order."""
        sizes = range(working.FEWEST, working.MOST + 1)
        heads = [tag("th", "model", scope="col")]
        heads += [tag("th", f"{SAYS[order]}, {n} numbers", scope="col") for n in sizes for order in influence.ORDERS]
        rows = []
        for layers, name in influence.family():
            cells = [self.share(name, n, order) for n in sizes for order in influence.ORDERS]
            rows.append(tag("tr", tag("th", how_many(layers, "layer"), scope="row", class_="axis-resid"), *cells))
        table = tag(
            "table",
            tag("caption", "Share of sums that come out right, by depth, length and order", class_="sr"),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            class_="heat colour-vocab scratch-table",
            data_grid=True,
        )
        return c.figure(
            "scratchpad-table",
            tag("div", table, class_="scroll"),
            title="How often it comes out right",
            caption=(
                f"(the same {working.SUMS} sums per column and model; right: the number after “Answer:” is the sum)"
            ),
            readout="Point at a cell or touch it.",
        )

    def share(self, name: str, n: int, order: str) -> Markup:
        score = working.score(name, order, n)
        low, high = score.interval
        why = (
            f"{score.right} of {how_many(score.of, 'sum')} right; "
            f"with so few, the true share lies between {percent(low)} and {percent(high)} (95 % interval)"
        )
        return Markup(c.cell(score.share, shade=score.share, text=percent(score.share), why=why))

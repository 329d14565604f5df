"""One sum asked in two orders: the answer at once, and the answer after written working."""

from __future__ import annotations

from markupsafe import Markup

from explainer import checkpoint, lab, paths, scratchpad
from explainer.views import components as c
from explainer.views.html import join, percent, tag
from explainer.views.paths_grid import names_of
from explainer.views.widget import Widget

EXAMPLES = ("7 8 6", "9 9 9", "4 6 7 8", "8 3 9 5", "9 8 7 6 5")
SAYS = {"answer": "Answer at once", "steps": "Working first"}


class PathScratchpad(Widget):
    """The real model on one sum, both ways, and on a fixed list of sums, for every depth."""

    slug = "path-scratchpad"
    title = "Measured: the same sum, answered at once or after working"
    reads = ("terms",)
    functions = (
        scratchpad.asked, scratchpad.correct, scratchpad.attempt.__wrapped__, scratchpad.writes_it_all_right, scratchpad.share_right.__wrapped__,
        paths.longest_with_feedback,
    )  # fmt: skip

    def draw(self) -> Markup:
        s = self.state
        terms = s.numbers_to_add()
        return join([
            c.controls(
                c.text_field("terms", "Numbers to add", s.terms, hint=f"{scratchpad.FEWEST} to {scratchpad.MOST} digits from 1 to 9"),
                tag("div", *[c.button(" + ".join(e.split()), sets="terms", value=e, pressed=e == s.terms) for e in EXAMPLES], class_="presets", role="group", aria_label="Examples"),
            ),
            tag("div", *[self.tape(terms, order) for order in scratchpad.ORDERS], class_="columns wide-columns"),
            self.table(),
        ])  # fmt: skip

    def tape(self, terms: tuple[int, ...], order: str) -> Markup:
        found = scratchpad.attempt(terms, order)
        layers = lab.model().config.n_layers
        length = paths.longest_with_feedback(layers, found.before)
        names = names_of((*found.given, *found.written))
        start = len(found.given)
        marks = ["given"] * start + ["wrote"] * len(found.written)
        for i in range(start + found.before, len(names) - 1):
            marks[i] = "right" if found.right else "wrong"
        said = f"{found.answer}" if found.answer is not None else "no number"
        verdict = "right" if found.right else f"wrong: it is {sum(terms)}"
        return c.figure(
            f"scratchpad-{order}",
            c.token_strip(names, marks=marks, label=f"{SAYS[order]}: the question, then what the model wrote", axis="vocab"),
            c.definition_row([
                ("It answers", tag("span", f"{said}, {verdict}", class_=f"sum-verdict {'right' if found.right else 'wrong'}")),
                ("Written before the answer", f"{found.before} tokens"),
                ("Longest path to the answer", f"{length} steps"),
            ]),
            title=SAYS[order],
            caption="grey: given; the rest is the model’s",
            readout=f"{layers} + {found.before} × ({layers} + 1) = {length}. A ceiling on the steps one after the other, not a count of those that were used.",
        )  # fmt: skip

    def table(self) -> Markup:
        """The fixed list: share right by depth, length of the sum and order."""
        there = checkpoint.available()
        family = [(n, name) for n, name in sorted(lab.FAMILY.items()) if name in there]
        sizes = range(scratchpad.FEWEST, scratchpad.MOST + 1)
        heads = [tag("th", "model", scope="col")]
        heads += [tag("th", f"{SAYS[order]}, {n} numbers", scope="col") for n in sizes for order in scratchpad.ORDERS]
        rows = []
        for layers, name in family:
            cells = []
            for n in sizes:
                for order in scratchpad.ORDERS:
                    share = scratchpad.share_right(name, n, order)
                    cells.append(
                        c.cell(
                            share,
                            shade=share,
                            text=percent(share),
                            why=f"{layers} layers, {n} numbers, {SAYS[order].lower()}: {round(share * scratchpad.PROBLEMS)} of {scratchpad.PROBLEMS} sums all right",
                        )
                    )
            rows.append(
                tag(
                    "tr",
                    tag("th", f"{layers} layer{'s' * (layers > 1)}", scope="row", class_="axis-resid"),
                    *[Markup(x) for x in cells],
                )
            )
        table = tag("table", tag("caption", "Share of sums that come out right, by depth, length and order", class_="sr"), tag("thead", tag("tr", *heads)),
                    tag("tbody", *rows), class_="heat colour-vocab scratch-table", data_grid=True)  # fmt: skip
        return c.figure(
            "scratchpad-table", tag("div", table, class_="scroll"), title="How often it comes out right", caption=f"(the same {scratchpad.PROBLEMS} sums per column and model; with working, every step must be right too)",
            readout="Point at a cell.",
        )  # fmt: skip

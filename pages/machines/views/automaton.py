"""Rule N: eight buttons, and the rows of cells that a transformer writes under them."""

from __future__ import annotations

from markupsafe import Markup

from explainer.architectures import hand_made
from explainer.kernel import model
from explainer.ui.html import join, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import automata, by_hand
from ..facts.automata import STARTS, WIDTH, Run, eight_numbers, outcomes
from .parts import cells

PRESETS = ((110, "right"), (30, "middle"), (90, "middle"), (184, "random"))


class Automaton(Widget):
    """The hero: what one head and eight numbers write, and what the same head and layer write with random weights."""

    slug = "automaton"
    title = "One head and eight numbers"
    own_only = ""
    reads = ("rule", "start", "seed", "noise")
    beyond = ("seed",)
    functions = (
        automata.machine,
        automata.eight_numbers,
        automata.run,
        by_hand.by_guessing,
        hand_made.distance_bias,
        model.attention_pattern,
        hand_made.relu,
        automata.exact,
    )

    def draw(self) -> Markup:
        s = self.state
        run = automata.run(s.rule, s.start, s.seed)
        noise = automata.random_run(s.noise, s.start, s.seed)
        return join(
            [
                c.controls(
                    presets(s.rule),
                    c.beyond(c.choice("start", "First row", list(STARTS.items()), s.start)),
                    c.beyond(c.button("Another first row", sets="seed", value=s.seed + 1))
                    if s.start in ("random", "stripes")
                    else None,
                    label="Rules",
                ),
                c.figure(
                    "automaton",
                    toggles(s.rule),
                    tag(
                        "div",
                        tag(
                            "div",
                            tag("p", tag("b", f"Rule {s.rule}"), ": weights written by hand", class_="side-name"),
                            cells(
                                run.rows,
                                picture(f"rule {s.rule}", run),
                                automata.changed(s.rule, s.seed) if s.start == "stripes" else None,
                            ),
                            class_="by-hand",
                        ),
                        tag(
                            "div",
                            tag(
                                "p",
                                tag("b", "Random weights"),
                                f": {automata.kind_of(noise.rows[1:])}",
                                class_="side-name",
                            ),
                            cells(noise.rows, picture(f"random weights number {s.noise}", noise)),
                            c.button("Draw again", sets="noise", value=s.noise + 1, hint="Other random weights"),
                            class_="at-random",
                        ),
                        class_="machine-pair",
                    ),
                    c.told(held(run)),
                    c.beyond(hinges(s.rule), table(run, noise, s.rule)),
                    readout=(
                        "Tinted: the cells that the one wrong cell has changed."
                        if s.start == "stripes"
                        else "The first row is the prompt; the others are written."
                    ),
                ),
            ]
        )


def presets(chosen: int) -> Markup:
    """Rules that are well known, each with a first row that shows it well."""
    made = [
        c.button(
            join([tag("span", "Rule ", class_="sr"), str(rule)]),
            sets="rule start",
            value=f"{rule}\x1f{start}",
            pressed=rule == chosen,
        )
        for rule, start in PRESETS
    ]
    return tag("div", tag("span", "Rule", class_="label", aria_hidden="true"), tag("div", *made, class_="rule-row"),
               class_="field")  # fmt: skip


def toggles(rule: int) -> Markup:
    """A button for each of the eight neighbourhoods, 111 first as in Wolfram's number: what stands below it."""
    made = []
    for k in range(7, -1, -1):
        over = [(k >> 2) & 1, (k >> 1) & 1, k & 1]
        below = outcomes(rule)[k]
        names = " ".join("filled" if cell else "empty" for cell in over)
        squares = [
            tag("rect", x=1 + 11 * i, y=1, width=10, height=10, class_="on" if cell else None)
            for i, cell in enumerate(over)
        ]
        squares.append(tag("rect", x=12, y=13, width=10, height=10, class_="on new" if below else "new"))
        made.append(
            tag(
                "button",
                tag("svg", *squares, viewBox="0 0 34 24", aria_hidden="true", focusable="false"),
                tag("span", f"under {names}: filled", class_="sr"),
                type="button",
                data_set="rule",
                value=rule ^ (1 << k),
                aria_pressed=str(bool(below)).lower(),
                class_="button toggle",
            )
        )
    return tag("div", *made, class_="toggles", role="group", aria_label="What stands under three cells")


def picture(who: str, run: Run) -> str:
    """A picture in words."""
    ones = int(run.rows[1:].sum())
    return f"{len(run.rows) - 1} rows of {WIDTH} cells written by {who}, {ones:,} of them filled"


def held(run: Run) -> str:
    """How the cells compare with the rule."""
    wrong = "none is wrong" if not run.wrong else f"{run.wrong:,} are wrong"
    return (
        f"Compared with the rule: of {run.compared:,} cells, {wrong}. Largest error of a number: "
        f"{number(run.largest or 0.0)}."
    )


def hinges(rule: int) -> Markup:
    """The line that the MLP draws through the eight outcomes, and its eight numbers."""
    bits = outcomes(rule)
    line = [(float(k), float(bit)) for k, bit in enumerate(bits)]
    chart = charts.xy(
        [("new cell", "resid", line)],
        label=f"Rule {rule}: the new cell over what the head has read",
        x_name="7 × what the head has read",
        y_name="new cell",
        x_ticks=list(range(8)),
        y_max=1.0,
        log_x=False,
        height=190,
        dots=[(x, y, "resid") for x, y in line],
    )
    rows = [[name, float(w)] for name, w in zip(automata.HINGES, eight_numbers(rule), strict=True)]
    return c.whole(
        "How one cell is made, in eight numbers",
        tag(
            "p",
            "The head gives the three cells above the shares 4/7, 2/7 and 1/7 (biases ln 4, ln 2 and 0, and no other "
            "distance is read). Seven times what it reads is a number from 0 to 7, one for each button. The MLP is a "
            "line with hinges through the eight outcomes: its height at 0, and by how much its slope changes at each "
            "of 0 to 6. All other weights are the same in all 256.",
            class_="run-says told",
        ),
        chart,
        c.numbers_table(
            ["hinge", "its number"], rows, f"The eight numbers of rule {rule}", open_=True, summary="The eight numbers"
        ),
    )


def table(run: Run, noise: Run, rule: int) -> Markup:
    """All rows of both, as digits."""

    def digits(rows: automata.Array, r: int) -> str:
        return "".join(map(str, rows[r].tolist())) if r < len(rows) else ""

    rows = [[r, digits(run.rows, r), digits(noise.rows, r)] for r in range(len(run.rows))]
    heads = ["row", f"rule {rule}", "random weights"]
    return c.numbers_table(heads, rows, "The cells, row by row", summary="The cells")

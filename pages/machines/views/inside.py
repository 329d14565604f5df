"""The tools with which the site looks into trained models, on machines made by hand: grid, lens and ten steps."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import param
from markupsafe import Markup

from explainer.architectures import hand_made
from explainer.kernel import model
from explainer.kernel.paths import Node, letter
from explainer.models import copier, lab
from explainer.studies import attention_facts, influence
from explainer.ui.html import join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts import reading
from explainer.ui.parts.grid import Drawing, node_name
from explainer.ui.parts.lens import lens
from explainer.ui.parts.steps import Steps
from explainer.ui.state import PageState
from explainer.ui.telling import Telling
from explainer.ui.widget import Widget

from ..facts import adding, automata, inside, turing
from ..facts.inside import Inside

MACHINES = {
    "turing": "the Turing machine",
    "rule": "rule N",
    "adding": "the one that adds",
    "copier": "two heads that copy",
}
OF = tuple(dict.fromkeys(name for names in inside.OF.values() for name in names))
"""The state values that say on what it is."""
WORTH = {
    "turing": "The loop takes the likeliest token, so a lead of any size will do: its chance need not be large. Behind "
    "a cell the answer is what to do, written by the last MLP; behind an action it is a cell, which the first head "
    "brings.",
    "rule": "Either cell is half a logit ahead of the other, and the loop takes the likelier. Until the MLP has "
    "written, the lens says 0 everywhere: that is no answer, but what is said where nothing is written.",
    "adding": "The digit is where the head’s sum lies; before the head has read, the lens says 0 for every sum.",
    "copier": "Before the second head nothing is said: all tokens are equally likely, after LayerNorm as well.",
}
"""What early rows of the lens are worth of a machine: nothing here was trained to be read early."""


class InsideState(PageState):
    """Which machine is looked into, on what text, where."""

    inside: param.Selector[Any] = param.Selector(default="turing", objects=list(MACHINES), label="machine to look into")
    cells = param.String(default="001101", label="Cells")
    symbols = param.String(default="10", label="Word on the tape")
    letters = param.String(default="qxjv", label="Letters")
    column = param.Integer(
        default=None, bounds=(0, None), allow_None=True, label="column", doc="None: where there is something to see"
    )
    layer = param.Integer(default=1, bounds=(0, 1), label="layer")
    stage = param.Integer(default=0, bounds=(0, 10), label="step inside")
    ask = param.String(default="")
    quiet: ClassVar[tuple[str, ...]] = ("ask",)

    def looked_into(self) -> Inside:
        """The machine on its text."""
        return inside.of(self.inside, self._given())

    def _given(self, wanted: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The reader's values, as they are or are to be."""
        return {n: (wanted or {}).get(n, getattr(self, n)) for n in ("inside", *OF)}

    @property
    def looked_at(self) -> int:
        """The column that the tools are about."""
        return inside.extent(self.inside, self._given())[2] if self.column is None else self.column

    def shown(self) -> dict[str, Any]:
        return super().shown() | ({"column": self.looked_at} if self.column is None else {})

    def limits(self) -> dict[str, tuple[int, int, str]]:
        columns, layers, _ = inside.extent(self.inside, self._given())
        found = {"layer": (0, layers - 1, "layer")}
        return found if self.wish("column") is None else found | {"column": (0, columns - 1, "column")}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        for kind in inside.TAKES:
            if kind in wanted:
                wanted[kind] = "".join(wanted[kind].split()).lower()
                if problem := inside.refused(kind, wanted[kind]):
                    messages[kind] = problem
                    del wanted[kind]
        before, now = self._given(), self._given(wanted)
        if any(now[n] != before[n] for n in ("inside", *inside.OF[now["inside"]])):
            wanted.setdefault("column", None)  # another text: where there is something to see


def machine(s: Any) -> list[Markup | None]:
    """The choice of a machine, and of what it is given."""
    found: list[Markup | None] = [c.choice("inside", "Machine", list(MACHINES.items()), s.inside)]
    if s.inside == "turing":
        found.append(c.choice("program", "Program", [(p.name, p.title) for p in turing.PROGRAMS.values()], s.program))
        if turing.PROGRAMS[s.program].reads_input:
            found.append(c.text_field("symbols", "Word on the tape", s.symbols))
    elif s.inside == "rule":
        found.append(c.number_field("rule", "Rule", s.rule, 0, automata.RULES - 1))
        found.append(c.text_field("cells", "Cells", s.cells))
    elif s.inside == "adding":
        found.append(c.number_field("a", "One number", s.a, 0, 10**adding.COLUMNS - 1))
        found.append(c.number_field("b", "The other", s.b, 0, 10**adding.COLUMNS - 1))
    else:
        found.append(c.text_field("letters", "Letters, said twice", s.letters))
    return found


class InsidePaths(Widget):
    """The grid of computation paths with what was really read, and the logit lens, of one column."""

    slug = "inside"
    title = "Inside, with the same tools"
    own_only = ""
    reads = ("inside", *OF, "column")
    beyond = OF
    functions = (
        hand_made.attention,
        hand_made.distance_bias,
        model.attention_pattern,
        hand_made.relu,
        influence.read_grid,
        model.logit_lens,
        model.unembedded,
        inside.answers,
        copier.model.__wrapped__,
    )

    def draw(self) -> Markup:
        s = self.state
        made = s.looked_into()
        with lab.using(made.bench):
            seen, (first, *given) = Seen(made, s.looked_at), machine(s)
            return join(
                [
                    c.controls(first, c.beyond(*given)),
                    c.figure(
                        "inside",
                        seen.drawing().draw(),
                        c.told(seen.said()),
                        c.beyond(seen.table()),
                        readout="Point at a circle for what it read, and what it would say if it stopped there.",
                    ),
                    c.beyond(seen.lens(WORTH[s.inside])),
                ]
            )


class Seen:
    """What the tools show of one column of a machine; about the model in use."""

    def __init__(self, made: Inside, column: int):
        self.made, self.column, self.trace, self.names = made, column, made.trace, made.names
        self.found = inside.answers(made)
        self.graph, self.shares = inside.paths(made)
        self.stages = inside.stages(self.trace)

    @cached_property
    def answer(self) -> int:
        """The token that the loop would write behind this column; -1 if all are equally likely."""
        return int(self.found.says[-1, self.column])

    def token(self, which: int) -> str:
        return "nothing: all tokens are equally likely" if which < 0 else lab.tokenizer().display(which)

    def drawing(self) -> Drawing:
        return Drawing(
            slug="inside",
            graph=self.graph,
            names=self.names,
            cones=influence.cones_of(self.graph),
            chosen=Node(self.graph.levels - 1, self.column),
            picks="column",
            pick_value=lambda node: node.position,
            why=self.why,
            weights=self.shares,
            row=48,
            marked_columns={self.column: "axis-query"},
            label=(
                f"Computation paths of {self.made.bench}: {len(self.names)} columns, arrows only where at least "
                f"{percent(inside.LEAST)} of a head’s attention was read; the same in the table below"
            ),
        )

    def why(self, node: Node) -> str:
        """What one circle read, and what the lens says there."""
        name = f"{node_name(self.graph, node)}, {self.names[node.position]}, after {self.stages[node.level]}"
        arrows = [(e.source.position, w) for e, w in self.shares.items() if e.target == node]
        read = ", ".join(f"{letter(s)} {self.names[s]} ({percent(w)})" for s, w in arrows)
        says = int(self.found.says[node.level, node.position])
        chance = "" if says < 0 else f" ({percent(float(self.found.chance[node.level, node.position]))})"
        return f"{name}{f': read {read}' if read else ''}. If it stopped here it would say {self.token(says)}{chance}."

    def said(self) -> Markup:
        """The answer of the column, and where it was written."""
        where = self.found.written(self.trace, self.column)
        column = join([letter(self.column), " ", c.token(self.names[self.column], axis="axis-query")])
        if self.column < self.made.asked:
            return join(["At column ", column, " nobody asks it: the text goes on as it was given."])
        if not where:
            return join(
                ["Behind ", column, " it says ", c.token(self.token(self.answer)), ": what it says of every column as "
                 "long as nothing writes anything else. No layer changes that here."]
            )  # fmt: skip
        return join(
            [
                "Behind ",
                column,
                " it says ",
                c.token(self.token(self.answer)),
                ". Of all sub-layers, ",
                tag("b", " and ".join(where)),
                " alone changes the odds of what comes next."
                if len(where) == 1
                else " change the odds of what comes next.",
            ]
        )

    def table(self) -> Markup:
        """Every arrow that is drawn sideways, with its share."""
        rows = [
            [e.source.level // 2, f"{letter(e.target.position)} {self.names[e.target.position]}",
             f"{letter(e.source.position)} {self.names[e.source.position]}", share]
            for e, share in self.shares.items()
        ]  # fmt: skip
        return c.numbers_table(
            ["layer", "column", "reads", "share"],
            rows,
            "Which column read which",
            summary="What was read",
            text=percent,
        )

    def lens(self, worth: str) -> Markup:
        """The logit lens at this column, of what is said there in the end."""
        token = max(self.answer, 0)
        return lens(attention_facts.lens(self.trace, self.column, token), self.token(token), worth)


class InsideSteps(Telling):
    """The ten steps of the page on attention, and the MLP, with numbers that a person wrote."""

    slug = "inside-steps"
    title = "One pass, step by step"
    own_only = ""
    reads = ("inside", *OF, "column", "layer")
    beyond = (*OF, "layer")
    functions = (
        hand_made.transformer_block,
        hand_made.attention,
        model.dot_products,
        model.scale_scores,
        hand_made.distance_bias,
        hand_made.distances,
        model.causal_mask,
        model.attention_pattern,
        model.weighted_sum,
        model.head_outputs,
        hand_made.mlp,
        hand_made.relu,
        model.add,
    )

    def drawn_of(self) -> tuple[str, tuple[int, ...]]:
        made = self.state.looked_into()
        return made.bench, made.tokens

    def draw(self) -> Markup:
        s = self.state
        made = s.looked_into()
        with lab.using(made.bench):
            names, trace = made.names, made.trace
            columns = [(i, f"{i}: {name}") for i, name in enumerate(names)]
            steps = Steps(trace, names, s.layer, 0, s.looked_at, called=made.called, mlp=True)
            layers = [(n, str(n)) for n in range(trace.config.n_layers)]
            first, *given = machine(s)
            return join(
                [
                    c.controls(
                        first,
                        c.choice("column", "Column", columns, s.looked_at, tokens=True),
                        c.beyond(c.choice("layer", "Layer", layers, s.layer) if len(layers) > 1 else None, *given),
                    ),
                    self.reading(steps, made),
                    c.stepper("stage", steps.all(), s.stage),
                ]
            )

    def reading(self, steps: Steps, made: Inside) -> Markup:
        """The text with an arrow from the column that asks to what its head reads."""
        column = self.state.looked_at
        shares = [float(x) for x in steps.of("attn.pattern")[0, column, : column + 1]]
        drawings = [reading.Reading(made.tokens, column, shares, at, sets="column").draw() for at in reading.LAYOUTS]
        return tag(
            "figure",
            *drawings,
            c.beyond(
                c.numbers_table(
                    ["is read", "share"],
                    [[f"{i} {made.names[i]}", x] for i, x in enumerate(shares)],
                    f"What {made.names[column]} reads",
                    summary="Shares",
                    text=percent,
                )
            ),
            class_="figure reading-figure",
            data_figure="inside-reading",
            data_testid="inside-reading",
        )

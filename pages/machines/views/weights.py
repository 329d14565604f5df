"""Every number of the machines that is not 0, with the names of its row and column."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from explainer.architectures import hand_made
from explainer.architectures.hand_made import NEVER
from explainer.kernel import config, model
from explainer.ui.html import how_many, join, number
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import adding, automata, by_hand, turing
from ..facts.by_hand import Machine

MADE = {"rule": "the rule above", "turing": "the Turing machine above", "adding": "the one that adds"}
FEW = 8  # distances of a slope that are shown
SAYS = {
    "embed.W_E": "what each token brings",
    "attn.W_Q": "what a token looks for",
    "attn.W_K": "what a token is found by",
    "attn.bias": "what each distance adds to a score",
    "attn.W_V": "what a token hands over",
    "attn.W_O": "where that is written",
    "mlp.W_in": "what opens each hinge",
    "mlp.W_out": "what each hinge writes",
    "unembed.W_U": "what each next token is scored by",
}


class Weights(Widget):
    """One weight of a machine as a table: only rows and columns in which something stands."""

    slug = "weights"
    title = "Every weight"
    own_only = ""
    reads = ("made", "matrix", "rule", "program")
    functions = (
        by_hand.written,
        automata.machine,
        turing.of_program,
        adding.machine,
        hand_made.transformer,
        hand_made.transformer_block,
        model.forward,
        config.Config,
    )

    def draw(self) -> Markup:
        s = self.state
        made = machine_of(s)
        there = [name for name in made.model.config.parameter_axes if made.nonzero(name)]
        chosen = s.matrix if s.matrix in there else there[0]
        empty = len(made.model.config.parameter_axes) - len(there)
        rest = f" {how_many(empty, 'other weight', 'other weights')} of it hold zeros alone." if empty else ""
        return join(
            [
                c.controls(
                    c.choice("made", "Machine", list(MADE.items()), s.made),
                    c.choice("matrix", "Weight", [(name, f"{name}: {says(name)}") for name in there], chosen),
                ),
                c.figure(
                    "weights",
                    table(made, chosen),
                    c.told(
                        f"Not 0 in this one: {len(made.nonzero(chosen)):,}. In the whole machine: "
                        f"{by_hand.count(made):,} of {how_many(made.model.n_params, 'number')}.{rest}"
                    ),
                    readout="Point at a number for its row and column.",
                ),
            ]
        )


def machine_of(state: object) -> Machine:
    """The machine that the reader has chosen."""
    made = state.made  # type: ignore[attr-defined]
    if made == "rule":
        return automata.machine(state.rule)  # type: ignore[attr-defined]
    return adding.machine() if made == "adding" else turing.ready(state.program)  # type: ignore[attr-defined]


def says(name: str) -> str:
    """What a weight is for, in a few words."""
    if name.startswith("blocks."):
        _, layer, part = name.split(".", 2)
        return f"layer {layer}, {SAYS[part]}"
    return SAYS[name]


def table(made: Machine, name: str) -> Markup:
    """A weight, without the rows and columns in which nothing stands; of a bias, the distances that are read."""
    array = made.model.params[name]
    axes = made.model.config.parameter_axes[name].split()
    if axes == ["H", "P"]:
        read = np.flatnonzero(array[0] > NEVER)
        shown = read[:FEW]
        rows = [[f"{d} back", float(array[0, d])] for d in shown.tolist()]
        if len(read) > FEW:
            rows.append([f"… and so on, to {int(read[-1])} back", float(array[0, read[-1]])])
        else:
            rows.append(["any other", NEVER])
        return c.numbers_table(
            ["distance", "added to the score"], rows, f"{name} of {made.model.name}", open_=True, summary="The numbers"
        )
    matrix = array[0] if axes[0] == "H" else array
    across, down = axes[-1], axes[-2]
    r, k = np.flatnonzero(matrix.any(axis=1)).tolist(), np.flatnonzero(matrix.any(axis=0)).tolist()

    def names(axis: str, at: list[int]) -> list[str]:
        return [made.names[axis][i] if axis in made.names else f"{i}" for i in at]

    small = matrix[np.ix_(r, k)]
    return c.heat_table(
        small,
        names(down, r),
        names(across, k),
        label=f"{name} of {made.model.name}",
        colour="resid",
        row_axis="resid",
        col_axis="resid",
        row_name=AXES[down],
        col_name=AXES[across],
        signed=True,
        scale=float(np.abs(small).max()),
        why=lambda i, j: f"{number(float(small[i, j]))}",
    )


AXES = {"V": "token", "D": "coordinate", "K": "of the head", "F": "hinge"}

"""The two-step circuit on the reader's text: which wires carry the answer, and what is left when they are cut."""

from __future__ import annotations

from explainer.ui.circuit import Circuit


class AttentionCircuit(Circuit):
    """Cut a wire, and see the odds fall, or not: the first step is often written more than once."""

    slug = "attention-circuit"
    title = "Two steps, and every wire can be cut"

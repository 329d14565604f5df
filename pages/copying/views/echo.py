"""The hero: a word that the reader makes up, said twice, and the two steps by which its end is found again."""

from __future__ import annotations

from explainer.ui.circuit import Circuit


class CopyCircuit(Circuit):
    """Type what nobody ever wrote: it is copied. Cut one of two edges: it is not."""

    slug = "copy-circuit"
    title = "A word that nobody ever wrote"
    name_label = "Your made-up word"

"""/paths/: how long can it think before it has to write?"""

from __future__ import annotations

__package__ = __package__ or "pages.paths"  # as `panel serve` runs this file, by itself

from typing import Any

import param

from explainer.models import lab
from explainer.studies import influence, working
from explainer.ui.page import Page
from explainer.ui.parts.grid import read_node
from explainer.ui.state import PageState

from .views.arms import ARMS, PathArms
from .views.cones import PathCount, Paths
from .views.debate import CLAIMS, PathDebate
from .views.depth import Depth
from .views.feedback import PathFeedback
from .views.lengths import PathLengths
from .views.measured import PathGradients, PathPerturb
from .views.scratchpad import PathScratchpad

MOST = 14  # columns drawn, the start token included
MOST_WRITTEN = 6


class PathsState(PageState):
    other_models = True

    prompt = param.String(default="Once there was a brave girl named Lily. She had", label="Prompt")
    node = param.String(
        default="6.2", label="node", doc="position.layers, like 2.2; 2.1.5 is half-way, after attention"
    )
    corner = param.String(default="", label="node", doc="the same, in the corner that is shown first; '': none")
    sublayers = param.Boolean(default=False, label="attention and MLP apart")
    tokens = param.Integer(default=12, bounds=(1, 2048), label="tokens")
    layers = param.Integer(default=4, bounds=(1, 96), label="layers")
    written = param.Integer(default=3, bounds=(0, MOST_WRITTEN), label="tokens written")
    feedback = param.Boolean(default=True, label="feedback")
    terms = param.String(default="4 6 7 8", label="numbers to add")
    source = param.Integer(default=6, bounds=(0, None), label="earlier token")
    replace = param.String(default=" boy", label="replacement")
    target = param.Integer(default=11, bounds=(0, None), label="later token")
    sampled = param.Integer(default=3, bounds=(0, MOST - 1), label="tokens that the model wrote")
    early = param.Integer(default=1, bounds=(0, None), label="first token")
    late = param.Integer(default=11, bounds=(0, None), label="second token")
    kernel = param.Integer(default=3, bounds=(2, 6), label="kernel")
    arm: param.Selector[Any] = param.Selector(default=working.FORGED, objects=list(ARMS), label="working")
    claim: param.Selector[Any] = param.Selector(default="myopic", objects=list(CLAIMS), label="question")
    myopic: param.Selector[Any] = param.Selector(default="", objects=["", "yes", "no"], label="bet")
    remembers: param.Selector[Any] = param.Selector(default="", objects=["", "yes", "no"], label="bet")
    longer: param.Selector[Any] = param.Selector(default="", objects=["", "yes", "no"], label="bet")
    through: param.Selector[Any] = param.Selector(default="", objects=["", "yes", "no"], label="bet")

    places = {"source": "prompt", "target": "prompt", "early": "prompt", "late": "prompt"}  # noqa: RUF012 - read only

    def text(self) -> tuple[int, ...]:
        """The tokens that are drawn: the prompt's, the start token first."""
        return self.read()

    def room(self) -> dict[str, tuple[int, str]]:
        return {"prompt": (MOST, f"This page draws {MOST} tokens at most")}

    def limits(self) -> dict[str, tuple[int, int, str]]:
        last = len(self.text()) - 1
        return {
            "source": (0, last, "token"),
            "target": (min(1, last), last, "token"),
            "sampled": (0, last, "written token"),
            "early": (0, last, "token"),
            "late": (0, last, "token"),
        }

    def chosen(self) -> tuple[int, float]:
        """The pinned node as (position, height), moved into the grid if the text or the layers do not reach there."""
        position, height = read_node(self.node)
        height = min(height, lab.model().config.n_layers)
        return min(position, len(self.text()) - 1), height if self.shape()[2] else float(int(height))

    def shape(self) -> influence.Shape:
        """The grid over the text that is drawn."""
        return influence.shape_of(len(self.text()), self.sublayers)

    def replacement(self) -> tuple[int, str]:
        """The token that replaces the source token, and a remark if the text for it is not one token."""
        tokenizer = lab.tokenizer()
        spaced = tokenizer.token_bytes(self.text()[self.source]).startswith(b" ")
        wanted = self.replace
        ids = tokenizer.encode(wanted)
        if spaced and not wanted.startswith(" ") and len(tokenizer.encode(" " + wanted)) <= len(ids):
            ids = tokenizer.encode(" " + wanted)
        if not ids:
            if not tokenizer.start:
                return self.text()[self.source], " (nothing was typed, and nothing is replaced)"
            return tokenizer.end_id, " (nothing was typed: the start token)"
        return ids[0], "" if len(ids) == 1 else f" (the first of {len(ids)}: other columns keep their place)"

    def numbers_to_add(self) -> tuple[int, ...]:
        """The digits of the sum; what `clean` let through is always a sum."""
        return working.parse_terms(self.terms)

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        for name, read in (("node", read_node), ("corner", read_node), ("terms", working.parse_terms)):
            text = wanted.get(name, getattr(self, name))
            if name == "corner" and not text:  # none is chosen
                continue
            try:
                read(text)
            except ValueError as problem:
                messages[name] = str(problem)
                del wanted[name]


PAGE = Page(
    name="paths",
    group="The loop",
    order=4,
    title="Paths",
    question="How long can it think before it has to write?",
    says="The floors: what can reach what, and in how many steps.",
    state=PathsState,
    widgets=(
        Paths,
        PathCount,
        PathFeedback,
        PathDebate,
        PathScratchpad,
        PathArms,
        PathPerturb,
        PathGradients,
        PathLengths,
        Depth,
    ),
)

if __name__ != f"{__package__}.page":  # panel serve pages/paths/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""Widgets whose numbers say how they were made, when the page asks (build/web/stories.js)."""

from __future__ import annotations

from typing import Any

import param

from explainer.models import lab
from explainer.ui.parts.lean import story
from explainer.ui.widget import Widget


class Telling(Widget):
    """A widget whose tables the page may ask about (build/web/stories.js): how was this very number made?

    The question is the state's quiet value `ask`, "slug|record|index"; the answer is `told`, {"asked", "story"}.
    """

    told = param.Dict(default={})

    def __init__(self, state: Any, **params: Any):
        super().__init__(state, **params)
        state.param.watch(self._tell, "ask")

    def _tell(self, event: Any) -> None:
        slug, _, rest = event.new.partition("|")
        if slug != self.slug:
            return
        key, _, index = rest.partition("|")
        with self.state.about():
            name, tokens = self.drawn_of()
            with lab.using(name):
                try:
                    told = story(lab.trace(tokens), key, [int(i) for i in index.split(",")], lab.names_of(tokens))
                except (KeyError, IndexError, ValueError):
                    told = ""  # a question that no table of ours asks
        self.told = {"asked": event.new, "story": told}

    def drawn_of(self) -> tuple[str, tuple[int, ...]]:
        """The model and the text that the tables are of: (its name on the bench, tokens)."""
        return lab.in_use(), self.state.tokens()

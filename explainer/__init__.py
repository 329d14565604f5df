"""A tiny transformer that shows its work, as a library: load it, run it over a text, look at every number.

    import explainer

    model = explainer.load()                   # a trained model; its repr says what it is
    trace = model.trace("Once there was a")    # every intermediate of one forward pass, by name, with its axes
    trace["blocks.0.attn.pattern"]             # [H, T, S], a read-only numpy array
    model.next_token("Once there was a")       # the distribution of the next token
    model.generate("Once there was a", 20)     # 20 tokens, each with all that led to it

The same functions without a model in front (`explainer.trace(...)`) use the storyteller with 4 layers. They are a thin
front; what computes is in the packages below it: `explainer.kernel` (the transformer itself, numpy only),
`explainer.corpus` (the grammar that the models learned, with its exact probabilities), `explainer.models`,
`explainer.studies`. Numpy is all that these need; `explainer.widget(...)` and `explainer.page(...)`, the site's figures
to operate, need the extra `panel`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explainer.library import (
        Continuation,
        Model,
        available,
        generate,
        load,
        next_token,
        page,
        tokenizer,
        trace,
        widget,
    )

__all__ = [
    "Continuation",
    "Model",
    "available",
    "generate",
    "load",
    "next_token",
    "page",
    "tokenizer",
    "trace",
    "widget",
]


def __getattr__(name: str) -> Any:
    """Import the front when it is first used: what a reader's browser runs has no need of it."""
    if name not in __all__:
        raise AttributeError(f"explainer has no {name!r}; it has {', '.join(__all__)}")
    found = globals()[name] = getattr(importlib.import_module("explainer.library"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

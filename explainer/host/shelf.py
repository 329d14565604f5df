"""Where the pages are, and one widget of them by its name: for the site's host, for notebooks and for Panel apps."""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from explainer.ui.widget import Widget


@functools.cache
def pages() -> ModuleType:
    """The package that holds the page folders: `explainer.pages` in an installed wheel, `pages` in the repository.

    Raises ModuleNotFoundError if there is neither, or if what a page imports is missing.
    """
    try:
        return importlib.import_module("explainer.pages")
    except ModuleNotFoundError as problem:
        if problem.name != "explainer.pages":
            raise
    return importlib.import_module("pages")


def component(slug: str, values: Mapping[str, Any]) -> Widget:
    """A widget over a state of its own, as a Panel component.

    slug:   the name of the widget in addresses and embeds
    values: {state name: value}; what cannot be taken as it is makes a warning, in the words that the page would use
    Raises ValueError for an unknown slug and TypeError for an unknown state name.
    """
    kinds = {kind.slug: (page, kind) for page in pages().PAGES for kind in page.widgets}
    if slug not in kinds:
        raise ValueError(f"there is no widget {slug!r}; there is: {', '.join(sorted(kinds))}")
    page, kind = kinds[slug]
    state = page.state()
    if unknown := sorted(set(values) - set(state.names())):
        raise TypeError(f"{slug!r} has no value {unknown[0]!r}; it has: {', '.join(state.names())}")
    for said in state.update_from(dict(values)).values():
        warnings.warn(said, stacklevel=3)
    return kind(state)

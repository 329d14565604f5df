"""Where the pages are, and one widget of them by its name: for the site's host, for notebooks and for Panel apps."""

from __future__ import annotations

import functools
import importlib
import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from explainer.host import methods
from explainer.models import measured
from explainer.ui.page import Page
from explainer.ui.page import documents as of_pages
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


def documents(page: str | None = None) -> dict[str, Callable[..., list[Any]]]:
    """What can be opened: {name: callable that returns fresh components}, of one page, or of all that are here.

    page: the name of its folder. Only this page is imported then: a browser has fetched no other.
    Raises ModuleNotFoundError if there is no such page.
    """
    if page is None:
        return pages().DOCUMENTS  # type: ignore[no-any-return]
    return of_pages([_arrived(page)[0]])


def stills(page: str | None) -> dict[str, str]:
    """What the build drew of a page's widgets: {slug: `session.print_of` their markup}; {} where no build has drawn."""
    return _arrived(page)[1] if page else {}


@functools.cache
def _arrived(page: str) -> tuple[Page, dict[str, str]]:
    """A page's `PAGE` and its stills, once its code is here; what the build has measured for it is known from then on.

    Beside the code, which the build compiles, lie stills.json, measured.pkl (build/page_pack.py) and the methods of
    its dataclasses.
    """
    methods.arrived(Path(str(pages().__file__)).parent / page)
    module = importlib.import_module(f"{pages().__name__}.{page}.page")
    folder = Path(str(module.__file__)).parent
    if (found := folder / "measured.pkl").is_file():
        measured.store().update(measured.read(found)[0])
    drawn = folder / "stills.json"
    return module.PAGE, json.loads(drawn.read_text(encoding="utf-8")) if drawn.is_file() else {}


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

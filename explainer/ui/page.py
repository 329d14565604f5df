"""A page: a question, a state, the widgets that show it, and the prose around them (pages/<name>/text.md)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from explainer.ui.state import PageState
from explainer.ui.widget import Link, Widget

GROUPS = ("One pass", "The loop", "Learning", "Your own")
"""The parts of the contents, in their order; a page of no group is no chapter and stands below them."""


@dataclass(frozen=True)
class Page:
    """Everything about a page but its prose (text.md) and the numbers in that (numbers.py), which lie beside it.

    says:  what there is to see or to do, in a line, for lists and for search engines
    group: the part of the contents that it is a chapter of (GROUPS), or '': no chapter
    order: where it stands among the pages of its group
    Raises ValueError for a group that there is not.
    """

    name: str
    title: str
    question: str
    state: type[PageState]
    widgets: tuple[type[Widget], ...]
    says: str = ""
    group: str = ""
    order: int = 1000

    def __post_init__(self) -> None:
        if self.group and self.group not in GROUPS:
            raise ValueError(f"page {self.name}: there is no group {self.group!r}; there are {', '.join(GROUPS)}")

    @property
    def chapter(self) -> bool:
        """Whether it is one, with a number, and a page before and after it."""
        return bool(self.group)

    @property
    def folder(self) -> str:
        """The name of its folder in pages/, a Python package: 'in_context' for the page 'in-context'."""
        return self.name.replace("-", "_")

    @property
    def path(self) -> str:
        """Where the page stands in the site: '' for home, else its name and a slash."""
        return "" if self.name == "home" else f"{self.name}/"

    def make(self, only: str | None = None, *, draw: bool = True) -> list[Any]:
        """Fresh components over a fresh state: the link first, then the widgets (or just the one named `only`).

        draw: whether the widgets are drawn (`Widget`)
        """
        state = self.state()
        widgets = [w(state, draw=draw) for w in self.widgets if only in (None, w.slug)]
        if not widgets:
            raise KeyError(f"page {self.name} has no widget {only!r}")
        return [Link(state), *widgets]


def documents(pages: Iterable[Page]) -> dict[str, Callable[..., list[Any]]]:
    """Every document that pages can open: each page by its name, each widget as `embed/<slug>`.

    returns: {name: callable that returns fresh components; draw=False: without drawing}
    """
    found: dict[str, Callable[..., list[Any]]] = {}
    for page in pages:
        found[page.name] = page.make
        for widget in page.widgets:
            key = f"embed/{widget.slug}"
            if key in found:
                raise ValueError(f"two widgets are called {widget.slug}")
            found[key] = functools.partial(page.make, widget.slug)
    return found

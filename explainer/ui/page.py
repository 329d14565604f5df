"""A page: a question, a state, the widgets that show it, and the prose around them (pages/<name>.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from explainer.ui.state import PageState
from explainer.ui.widget import Link, Widget


@dataclass(frozen=True)
class Page:
    """Everything about a page but its prose (text.md) and the numbers in that (numbers.py), which lie beside it.

    order:   where it stands among the others; chapters count from 1
    chapter: whether it is one, with a place in the menu
    """

    name: str
    title: str
    question: str
    state: type[PageState]
    widgets: tuple[type[Widget], ...]
    order: int = 1000
    chapter: bool = True

    @property
    def path(self) -> str:
        """Where the page stands in the site: '' for home, else its name and a slash."""
        return "" if self.name == "home" else f"{self.name}/"

    def make(self, only: str | None = None) -> list[Any]:
        """Fresh components over a fresh state: the link first, then the widgets (or just the one named `only`)."""
        state = self.state()
        widgets = [w(state) for w in self.widgets if only in (None, w.slug)]
        if not widgets:
            raise KeyError(f"page {self.name} has no widget {only!r}")
        return [Link(state), *widgets]


def documents(pages: list[Page]) -> dict[str, Callable[[], list[Any]]]:
    """Every document that the site can open: each page by its name, each widget as `embed/<slug>`."""
    found: dict[str, Callable[[], list[Any]]] = {}
    for page in pages:
        found[page.name] = page.make
        for widget in page.widgets:
            key = f"embed/{widget.slug}"
            if key in found:
                raise ValueError(f"two widgets are called {widget.slug}")
            found[key] = lambda page=page, slug=widget.slug: page.make(slug)  # type: ignore[misc]
    return found

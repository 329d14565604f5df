"""A page's documents as a browser has them, and how it asks them for something."""

from __future__ import annotations

from typing import Any


def documents(page: Any) -> dict[str, Any]:
    """What `page` (pages.<folder>.page.PAGE) is made of: {"link": its link, a widget's slug: the widget}."""
    link, *widgets = page.make()
    return {"link": link, **{w.slug: w for w in widgets}}


def ask(made: dict[str, Any], /, **values: Any) -> Any:
    """Ask the page of some documents for values, as a control or an address does; its link, which has the messages."""
    made["link"].request = {**values, "#": repr(values)}
    return made["link"]

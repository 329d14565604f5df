"""Widgets in Panel's own surroundings: `panel serve`, `panel convert`, a notebook's cell.

There a widget is shown by the JavaScript and the style sheet of the site, bundled into one file
(build/panel_bundle.py), in the shadow root that Panel gives every component. What the reader does comes as a message,
goes the way that it goes on the site (`Link`, `PageState.update_from`), and is answered when all that follows from it
is on its way.

    values    html, told (the widget's), values, shown, messages, more (the link's), theme
    to us     {"request": {name: text, number, boolean or null, "#": its number}}; may come twice
    from us   {"type": "idle", "to": number} after each, or {"type": "error", "to": number, "message": sentence}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import panel as pn
import param

from explainer.host import shelf
from explainer.ui.panel_private import Bundled
from explainer.ui.widget import Link, Widget

BUNDLE = Path(__file__).with_name("panel.js")
WIDTH = 1100  # px: as wide as a widget is on the site
GAP = (10, 0)  # px above and below, and at the sides


class Figure(Bundled):
    """A widget of the site as an ordinary Panel component. Several over one state are one document."""

    script = BUNDLE

    html = param.String(default="")
    told = param.Dict(default={})
    values = param.Dict(default={})
    shown = param.Dict(default={})
    messages = param.Dict(default={})
    more = param.Boolean(default=False)
    defaults = param.Dict(default={}, constant=True, doc="what Reset asks for")
    slug = param.String(default="", constant=True)
    title = param.String(default="", constant=True)
    theme: param.Selector[Any] = param.Selector(
        default="auto",
        objects=["auto", "light", "dark"],
        doc="auto: as JupyterLab's, or else as the reader's system says",
    )

    def __init__(self, widget: Widget, link: Link, **params: Any):
        """widget: of a page; link: the one of its state. Raises FileNotFoundError where the JavaScript is not built."""
        if not BUNDLE.is_file():
            raise FileNotFoundError("the widgets' JavaScript is not built: run `make panel`")
        self.widget, self.wire, self.state = widget, link, widget.state
        theirs = {
            widget: [n for n in ("html", "told") if n in widget.param],
            link: ["values", "shown", "messages", "more"],
        }
        params = {"sizing_mode": "stretch_width", "max_width": WIDTH, "margin": GAP, **params}
        now = {name: getattr(owner, name) for owner, names in theirs.items() for name in names}
        defaults = type(widget.state)().values()
        super().__init__(slug=widget.slug, title=widget.title, defaults=defaults, **now, **params)
        for owner, names in theirs.items():
            owner.param.watch(self._follow, names)

    def _follow(self, *events: param.parameterized.Event) -> None:
        self.param.update(**{event.name: event.new for event in events})

    def hear(self, data: Mapping[str, Any]) -> None:
        """Take the reader's wishes, and say so when what they change has been sent."""
        request = dict(data["request"])
        to = request.get("#")
        try:
            self.wire.request = request
        except Exception as problem:
            words = f"Python could not do this: {problem} ({type(problem).__name__})."
            self.say({"type": "error", "to": to, "message": words})
            raise  # so that the server's log has all of it
        self.say({"type": "idle", "to": to})


def widget(slug: str, values: Mapping[str, Any]) -> Figure:
    """A widget over a state of its own. Parameters and errors as `shelf.component`."""
    made = shelf.component(slug, values)
    return Figure(made, Link(made.state))


def page(name: str) -> pn.Column:
    """All widgets of a page over one state, one below the other; under `panel serve` they begin with what the address
    says (`?t=0.7`).

    name: the page's, as in its address
    Raises ValueError for an unknown name.
    """
    found = {page.name: page for page in shelf.pages().PAGES}
    if name not in found:
        raise ValueError(f"there is no page {name!r}; there is: {', '.join(found)}")
    link, *widgets = found[name].make()
    asked = {key: value[0].decode("utf-8", "replace") for key, value in pn.state.session_args.items()}
    if asked := {key: value for key, value in asked.items() if key in link.values}:
        link.request = asked
    shown = [Figure(made, link) for made in widgets]
    return pn.Column(*shown, name=found[name].question, sizing_mode="stretch_width", max_width=WIDTH)

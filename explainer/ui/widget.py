"""A widget is a Panel component whose markup Python draws;
the page shows the markup and sends back what the reader did.

Nothing is drawn twice: the build puts `html` into the page as the still. When Python is live, a document is opened
without drawing (`draw=False`): the still stands for the markup until something changes what is drawn.
"""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any, ClassVar

import param

from explainer.models import lab
from explainer.ui.html import tag
from explainer.ui.panel_private import Carrier
from explainer.ui.state import HOW, SLICE, NotYet, PageState


class Link(Carrier):
    """Carries the page's values between the reader's side and Python: one per document, draws nothing.

    request:  {name: text or number or null}, from the page; `null` asks for the default
    values:   {name: value}, to the page: what the reader wishes (goes into the URL and the controls)
    shown:    {name: value}, to the page: what is shown instead of a wish that the present text does not allow
    messages: {name: sentence}, to the page: what could not be done as asked, in plain words
    more:     whether a figure is not finished, to the page: it asks for the next `piece` when nothing else is asked
    """

    request = param.Dict(default={})
    values = param.Dict(default={})
    shown = param.Dict(default={})
    messages = param.Dict(default={})
    more = param.Boolean(default=False)

    def __init__(self, state: PageState, **params: Any):
        super().__init__(name="link", **params)
        self._state = state
        self.values, self.shown = state.values(), state.shown()
        self.param.watch(self._receive, "request")

    def again(self) -> None:
        """Take the last request once more, which an exception broke off."""
        self._receive()

    def _receive(self, *events: Any) -> None:
        given = {k: v for k, v in self.request.items() if k != "#"}  # '#' only makes equal requests differ
        self._state.allow(SLICE)
        with param.parameterized.batch_call_watchers(self):
            messages = self._state.update_from(given)
            # a request that no address carries leaves what was said before, unless it has something to say itself
            if messages or not given.keys() <= {*self._state.quiet, *HOW}:
                self.messages = messages
            with self._state.about():
                self.values, self.shown = self._state.values(), self._state.shown()
            self.more = bool(self._state.unfinished) and not self._state.hurry


class Widget(Carrier):
    """One figure with its controls.

    Subclasses set `slug` (the name in URLs and embeds), `title`, `reads` (the names of the state values that the
    drawing depends on) and `draw()`, which returns markup and computes nothing itself: numbers come from `explainer`.
    `functions` lists what 'show the code' opens: the functions that computed what is on screen.

    There are two views of it: full, as on its page, and compact, an embed's first, without what `draw` puts into
    `components.beyond`: one figure with its control, at most 600 px tall where it is 720 px wide. `beyond` names the
    state values that only the full view shows: an embed whose address has one of them opens full.
    """

    html = param.String(default="")

    slug: ClassVar[str] = ""
    title: ClassVar[str] = ""
    reads: ClassVar[tuple[str, ...]] = ()
    functions: ClassVar[tuple[Any, ...]] = ()
    beyond: ClassVar[tuple[str, ...]] = ()
    own_only: ClassVar[str] = "This figure is drawn of the storyteller only."
    """Why there is no drawing of other models, in a sentence; '' where there is."""

    def __init__(self, state: PageState, *, draw: bool = True, **params: Any):
        """draw: whether to draw at once, or at the first change only, because a still of it is shown already"""
        super().__init__(name=self.slug, **params)
        self.state: Any = state  # of the page's own class
        self._stale = False  # not drawn since something changed
        if draw:
            self.html = self.drawn()
        state.param.watch(self.redraw, ["model", *self.reads])
        state.param.watch(self._catch_up, list(HOW))

    @property
    def waits(self) -> bool:
        """Whether what is shown is not yet what the state says."""
        return self._stale or self.slug in self.state.unfinished

    def _catch_up(self, *events: Any) -> None:
        """Draw what had to wait: the reader could not see it, or there was no time (`PageState.first`, `hurry`,
        `piece`)."""
        if self._stale or (self.slug in self.state.unfinished and not self.state.hurry):
            self.redraw()

    def redraw(self, *events: Any) -> None:
        """Draw what the state says now; what is out of sight may wait (`first`),
        and so may what takes long (`NotYet`)."""
        first = self.state.first.split()
        self.state.unfinished.discard(self.slug)
        self._stale = bool(first) and self.slug not in first
        if self._stale:
            return
        try:
            self.html = self.drawn()
        except NotYet:
            self.is_unfinished()

    def drawn(self) -> str:
        """The markup of the drawing, or of why there is none of the page's model."""
        with self.state.about():
            if self.own_only and not lab.is_own():
                return str(tag("p", self.own_only, class_="own-only"))
            return own_ids(str(self.draw()), self.slug)

    def warm(self) -> None:
        """Do the work of a drawing for what it leaves behind (weights, traces, compiled code); what is shown stays."""
        self.state.allow(SLICE)
        with contextlib.suppress(NotYet):
            self.drawn()

    @property
    def works(self) -> bool:
        """Whether it has something to do by itself, between requests: a training that the reader has begun."""
        return False

    def work(self) -> None:
        """Do a slice of that, a few hundredths of a second, and draw when there is something new to be seen."""

    def again(self) -> None:
        """Draw once more, and to the end, what an exception broke off."""
        self.state.allow(math.inf)
        self.redraw()

    def is_unfinished(self) -> None:
        """To be said by `draw` when there was no time for all of it: it is called again for the next piece."""
        self.state.unfinished.add(self.slug)

    def draw(self) -> str:
        raise NotImplementedError


IDS = re.compile(r' (id|for|list|aria-controls|aria-labelledby|aria-describedby)="([ft]-)')


def own_ids(html: str, slug: str) -> str:
    """The ids of controls (`f-layer`) made the widget's own: several widgets of a page may have the same control."""
    return IDS.sub(rf' \1="{slug}-\2', html)

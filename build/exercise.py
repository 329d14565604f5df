"""Runs inside Pyodide at build time: documents are opened, used and closed, as pages do it.

The build notes what that imports, and a snapshot is warm from it. Errors are exercised, too: what it takes to report
one must be there when one happens. `SAMPLE` is a page for the snapshot, which holds no page of the site.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
from typing import Any

import param

from explainer.host import session
from explainer.models import lab
from explainer.ui.page import Page
from explainer.ui.state import PageState
from explainer.ui.widget import Widget


class SampleState(PageState):
    prompt = param.String(default="Mia has a red ball. It is", label="Prompt")
    layer = param.Integer(default=1, bounds=(0, None), label="layer")
    t = param.Number(default=1.0, bounds=(0.01, 10), label="temperature")

    def room(self) -> dict[str, tuple[int, str]]:
        return {"prompt": (20, "This page draws 20 tokens at most")}


class Sample(Widget):
    slug = "sample"
    title = "A figure that is used once, when the site is built"
    reads = ("prompt", "layer", "t")

    def draw(self) -> str:
        return f"<p>{lab.trace(self.state.read())['logits'].argmax()}, {self.state.t}</p>"


SAMPLE = Page("sample", "Sample", "Does it work?", SampleState, (Sample,))
REQUESTS: tuple[dict[str, Any], ...] = ({"exercise": "1"}, {"t": 2, "prompt": "Tom"}, {"t": "x"}, {})


def use(name: str, page: str | None = None) -> None:
    """Open a document, ask of it what pages ask, and close it."""
    for shows in (None, "{}"):
        session.open("exercise", name, page, shows)
    _ask(*REQUESTS)
    session.warm("exercise")
    session.redraw("exercise")
    session.close("exercise")


def fail(name: str, page: str | None = None) -> None:
    """Let a request fail, and another be refused."""

    def problem(event: Any) -> None:
        raise ValueError("an exercise of the build: this error is on purpose")

    session.open("exercise", name, page)
    for component in session._open["exercise"].components:
        if "request" in component.param:
            component.param.watch(problem, "request")
    logger = logging.getLogger("panel")
    level = logger.level
    logger.addHandler(quiet := logging.NullHandler())
    with contextlib.redirect_stderr(io.StringIO()):
        _ask({"exercise": "2"})
    logger.removeHandler(quiet)
    logger.setLevel(level)
    session.receive("exercise", '[{"model": "none", "attr": "none", "new": 0}]')
    session.close("exercise")


@contextlib.contextmanager
def unheard() -> Any:
    """What is said meanwhile, nobody hears."""
    before, session._send = session._send, lambda client, message: None
    try:
        yield
    finally:
        session._send = before


@contextlib.contextmanager
def sampled() -> Any:
    """Let `SAMPLE` be the one page that there is."""
    before = session.shelf.documents
    session.shelf.documents = lambda page=None: session.shelf.of_pages([SAMPLE])
    try:
        yield
    finally:
        session.shelf.documents = before


def base() -> None:
    """Use the sample, and have it fail."""
    with unheard(), sampled():
        use("sample")
        fail("sample")


def _ask(*requests: dict[str, Any]) -> None:
    for model_id, model in session._open["exercise"].models.items():
        if "request" in model.properties():
            for asked in requests:
                session.receive("exercise", json.dumps([{"model": model_id, "attr": "request", "new": asked}]))

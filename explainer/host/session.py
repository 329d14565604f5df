"""The conversation between the pages of one site visit and the one Python behind them.

Each page (or embed) is a *client* with a document of its own: a real Bokeh Document that holds the Panel components
which `pages.DOCUMENTS[name]()` makes. A document is made when it is opened, and without drawing: the page shows stills
of its widgets, which the build has drawn, and says of which markup each is (`print_of`). A widget whose still is this
build's is drawn at its first change; any other at once. The ids of a document's models follow a rule
(`panel_private.named`).

The wire is plain JSON, in both directions:

    model     {"id": id of its Bokeh model, "name": the component's name, "attributes": {name: value}}
    event     {"model": id, "attr": name, "new": value}     value: whatever JSON can carry; dicts are plain objects
    patch     {"type": "patch", "events": [event, ...]}     to the page; one per request, latest value per attribute
    error     {"type": "error", "message": sentence, "trace": text}

For a `panel.custom.JSComponent` that Bokeh model is the DataModel in its root model's `data` property: the one that
carries the values. Bokeh's own encoding of dicts ({"type": "map", "entries": [...]}) stays on this side of the wire.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import json
import random
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.document.events import ModelChangedEvent
from bokeh.model import Model
from panel.io.state import set_curdoc

from explainer.host import shelf
from explainer.ui import panel_private

Send = Callable[[str, str], None]
Make = Callable[..., list[Any]]

PAGE = "page"  # who set a value: changes that came from the page are not sent back to it
NOT_STATE = {
    "name",
    "tags",
    "js_event_callbacks",
    "js_property_callbacks",
    "subscribed_events",
    "syncable",
    "esm_constants",
}


class SessionError(Exception):
    """A request that cannot be met; the message is a sentence for the reader."""


@dataclass
class Live:
    """One document with its components, and, once a page has opened it, the page's name (`client`)."""

    name: str
    document: Document
    components: list[Any]
    models: dict[str, Model]  # by id: the models that carry values
    shown: dict[str, str] = field(default_factory=dict)  # id -> print of the still that stands for the model's html
    client: str | None = None
    pending: dict[tuple[str, str], Any] = field(default_factory=dict)  # (id, attr) -> latest value not yet sent
    collecting: bool = False

    def describe(self) -> dict[str, Any]:
        """What a page needs to mirror this document; of a widget that is not drawn, the page has the markup."""
        models = []
        for component, model in zip(self.components, self.models.values(), strict=True):
            values = attributes(model)
            if model.id in self.shown:
                del values["html"]
            models.append({"id": model.id, "name": component.name, "attributes": values})
        return {"models": models}


_open: dict[str, Live] = {}
_send: Send | None = None


def registry(page: str | None = None) -> dict[str, Make]:
    """Every document that can be opened, of one page or of all here: {name: callable that returns fresh components}."""
    try:
        return shelf.documents(page)
    except ModuleNotFoundError as problem:
        if problem.name != f"{shelf.pages().__name__}.{page}":
            raise
        raise SessionError(f"There is no page called “{page}” here.") from None


def print_of(html: str) -> str:
    """What tells markup apart: the first 16 digits of its SHA-256."""
    return hashlib.sha256(html.encode()).hexdigest()[:16]


def attributes(model: Model) -> dict[str, Any]:
    """The values that a model carries, as plain JSON values."""
    return {name: plain(getattr(model, name)) for name in sorted(model.properties() - NOT_STATE)}


def plain(value: Any) -> Any:
    """`value` as JSON gives it back: tuples are lists, numpy's numbers are numbers, keys are text."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value


def make(
    name: str,
    page: str | None = None,
    *,
    client: str = "still",
    shows: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Live:
    """Build a fresh document.

    page:    the folder of the page that it is of, if not all pages are here
    client:  for whom: a part of its models' ids
    shows:   {slug: print of the markup} that the client shows: a widget whose still is this build's is not drawn
    values:  what the page's state is to be before anything is drawn, as a request says it
    Raises SessionError if there is none of that name.
    """
    factory = registry(page).get(name)
    if factory is None:
        raise SessionError(f"There is nothing called “{name}” here.")
    document = Document()
    shown = {slug: still for slug, still in shelf.stills(page).items() if (shows or {}).get(slug) == still}
    with acting_on(document):
        components = list(factory(draw=False))
        if values:
            components[0].request = dict(values)
        models = {}
        for component in components:
            if getattr(component, "html", ""):  # those values have changed it
                shown.pop(component.name, None)
            elif component.name not in shown and hasattr(component, "redraw"):
                component.redraw()
            with panel_private.named(f"{client}/{name}/{component.name}"):
                root = component.get_root(document, preprocess=False)
            document.add_root(root)
            models[root.data.id] = root.data
            for attr in root.data.properties() - root.properties():
                # Panel asks the root, too, for what only its data has; Bokeh would look for words that are spelt alike
                setattr(type(root), attr, None)
    panel_private.at_once(document)
    stand_ins = {i: shown[c.name] for c, i in zip(components, models, strict=True) if c.name in shown}
    live = Live(name, document, components, models, stand_ins)
    document.on_change(lambda event: _changed(live, event))
    return live


@contextlib.contextmanager
def acting_on(document: Document) -> Iterator[None]:
    """Let Panel believe that it is serving `document`, on this thread."""
    with set_curdoc(document):
        panel_private.on_this_thread(document)
        yield


def connect(send: Send) -> None:
    """Say where messages to the pages go: `send(client, json)`."""
    global _send
    _send = send


def reseed(entropy: Any) -> None:
    """Make copies of the snapshot differ in what nobody seeded; what a page draws depends on the reader's seed alone.

    entropy: bytes (or a buffer of them), a multiple of 4
    """
    fresh = bytes(entropy)
    random.seed(fresh)
    if "numpy.random" in sys.modules:  # it seeds itself from the system when it is imported
        np.random.seed(np.frombuffer(fresh, dtype=np.uint32))  # noqa: NPY002


def open(
    client: str, name: str, page: str | None = None, shows_json: str | None = None, values_json: str | None = None
) -> str:
    """Give `client` a document of its own and return what it holds, JSON {"models": [...]}.

    page:        the folder of the page that the document is of
    shows_json:  JSON {slug: print of the markup} that the client shows (`make`)
    values_json: JSON {name: value}, what a page that has been live before has: it sees nothing else in between
    Raises SessionError for an unknown name.
    """
    close(client)
    shows, values = json.loads(shows_json or "{}"), json.loads(values_json or "{}")
    live = make(name, page, client=client, shows=shows, values=values)
    live.client = client
    _open[client] = live
    return json.dumps(live.describe())


def receive(client: str, events_json: str) -> bool:
    """Apply a page's events to its document; what changes is sent before this returns.

    events_json: JSON [event, ...]
    returns:     False if something went wrong (the page has been sent the error; the document stays usable)
    """
    live = _open.get(client)
    if live is None:
        _say(client, {"type": "error", "message": "This page is not connected any more. Reload it.", "trace": ""})
        return False

    def apply() -> None:
        events = [_encode(live, event) for event in json.loads(events_json)]
        # To the type checker a setter is a session and an event a TypedDict; Bokeh only ever compares the one, and
        # `_encode` makes plain dicts of the other's form.
        live.document.apply_json_patch({"events": events}, setter=PAGE)  # type: ignore[arg-type]

    return _work(live, apply)


def redraw(client: str) -> bool:
    """Take a page's last request again and draw anew, after something that this lacked (a model, a module) has come.

    returns: as `receive`
    """
    live = _open.get(client)
    if live is None:
        return False

    def once_more() -> None:
        for component in live.components:
            component.again()

    return _work(live, once_more)


def warm(client: str) -> bool:
    """Do now what the reader's first move would otherwise wait for: read the weights, run the model, draw one figure.

    Nothing changes, so nothing is sent.
    returns: whether there is any use in doing it again: no when it went wrong, nor when the reader has begun
    """
    live = _open.get(client)
    drawn = next((c for c in live.components if hasattr(c, "warm")), None) if live else None
    return _work(live, drawn.warm) if live and drawn and not drawn.waits else False


def has_work(client: str) -> bool:
    """Whether something of a page goes on by itself for a while (`Widget.works`): a training, in slices."""
    live = _open.get(client)
    return live is not None and any(getattr(c, "works", False) for c in live.components)


def work(client: str) -> bool:
    """Do one slice of that, and send what it changes; between two slices the pages' requests have their turn.

    returns: whether there is more to do
    """
    live = _open.get(client)
    if live is None:
        return False

    def one_slice() -> None:
        for component in live.components:
            if getattr(component, "works", False):
                component.work()

    return _work(live, one_slice) and has_work(client)


def _work(live: Live, work: Callable[[], None]) -> bool:
    """Do something to a document and send what that changes, or the error. Returns whether all went well."""
    fine = True
    live.collecting = True
    try:
        with acting_on(live.document):
            work()
    except Exception as problem:
        fine = False
        _say(str(live.client), error(problem))
    finally:
        live.collecting = False
        _flush(live)
    return fine


def close(client: str) -> None:
    """Let go of a page's document. Unknown clients are ignored: a page may say goodbye twice."""
    if client in _open:
        _dismantle(_open.pop(client))
        gc.collect()  # a document and its models point at each other


def _dismantle(live: Live) -> None:
    """Take a document out of Panel's tables and apart."""
    for component, root in zip(live.components, live.document.roots, strict=True):
        panel_private.dismantle(component, root)
    live.document.clear()


def error(problem: BaseException) -> dict[str, str]:
    """What to tell a page about an exception."""
    if isinstance(problem, SessionError):
        message = str(problem)
    else:
        said = str(problem).strip().splitlines()
        message = f"Python could not do this: {said[0] if said else 'no reason given'} ({type(problem).__name__})."
    return {"type": "error", "message": message, "trace": "".join(traceback.format_exception(problem))}


def _encode(live: Live, event: dict[str, Any]) -> dict[str, Any]:
    """A page's event in Bokeh's JSON patch form."""
    model, attr = live.models.get(event.get("model", "")), event.get("attr", "")
    if model is None or attr in NOT_STATE or attr not in model.properties():
        raise SessionError(f"The page sent a value that its document does not have ({attr or 'no name'}).")
    encoded = Serializer().encode(event.get("new"))
    return {"kind": "ModelChanged", "model": model.ref, "attr": attr, "new": encoded}


def _changed(live: Live, event: Any) -> None:
    """Bokeh says that a document changed: note it, and send at once unless a request is being worked on."""
    if not isinstance(event, ModelChangedEvent) or event.setter == PAGE or event.model.id not in live.models:
        return
    live.pending[event.model.id, event.attr] = plain(event.new)
    if not live.collecting:
        _flush(live)


def _flush(live: Live) -> None:
    """Send what has changed; not markup that is the still's, which the page shows already."""
    events = []
    for (model, attr), new in live.pending.items():
        if attr == "html" and (still := live.shown.get(model)):
            if print_of(new) == still:
                continue
            del live.shown[model]
        events.append({"model": model, "attr": attr, "new": new})
    live.pending.clear()
    if events and live.client is not None:
        _say(live.client, {"type": "patch", "events": events})


def _say(client: str, message: dict[str, Any]) -> None:
    if _send is not None:
        _send(client, json.dumps(message))

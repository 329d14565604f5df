"""Panel's and Bokeh's private names: every one that this package relies on, with the one use that is made of it.

Nothing else here or in pages/ touches another, and each has a test that fails when it goes
(tests/unit/test_panel_private.py), so that a new version of either says what to look at.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import param
from bokeh.core.types import ID
from bokeh.model import Model
from panel.custom import JSComponent
from panel.io.state import state

# What Panel itself makes of a bare widget. On the site build/web/page.js shows it,
# elsewhere explainer/host/panel_host.py.
SHOW = """
export function render({ model, el }) {
  el.innerHTML = model.html ?? '';
  model.on('html', () => { el.innerHTML = model.html; });
}
"""


class Carrier(JSComponent):
    """A component that carries values; who shows them is another's business.

    Making one is a third of the time that a page takes to open, so what is the same for all of a class is made once:
    its parameters (param would copy each of 50 for every instance), and the list of those that Panel keeps in step
    (Panel would make that list anew for each of them).
    """

    _esm = SHOW
    # the page itself knows whether it waits; Panel need not keep count
    _busy__ignore: ClassVar[list[str]] = ["request"]

    def __init__(self, **params: Any):
        param.parameterized.no_instance_params(type(self))
        super().__init__(**params)

    @property
    def _synced_params(self) -> list[str]:
        kind = type(self)
        if kind not in IN_STEP:
            IN_STEP[kind] = super()._synced_params
        return IN_STEP[kind]


IN_STEP: dict[type, list[str]] = {}


class Bundled(JSComponent):
    """A component whose JavaScript is a file, and which speaks with it in messages besides values.

    A subclass says which: `script = Path(...)`.
    """

    script: ClassVar[Path]

    def __init_subclass__(cls, **kwargs: Any):
        cls._bundle = cls.script
        super().__init_subclass__(**kwargs)

    def hear(self, data: Any) -> None:
        """A message has come, by `model.send_msg(data)`."""
        raise NotImplementedError

    def say(self, data: dict[str, Any]) -> None:
        """Send a message, for `model.on("msg:custom", ...)`: after what has been changed before,
        ahead of what will be."""
        self._send_msg(data)

    def _handle_msg(self, data: Any) -> None:
        self.hear(data)


def at_once(document: Any) -> None:
    """Let changes of a document be handled when they are made, not on an event loop, as if its page had loaded."""
    document._session_context = None
    state._connected[document] = state._loaded[document] = True


def on_this_thread(document: Any) -> None:
    """Let Panel believe that this is the thread that serves a document."""
    state._thread_id_[document] = threading.get_ident()


def dismantle(component: Any, root: Any) -> None:
    """Take a component's model out of Panel's tables and apart. root: as `component.get_root` gave it"""
    state._views.pop(root.ref["id"], None)
    component._cleanup(root)


_names: Iterator[ID] | None = None  # of the models that are made now; None: as Bokeh names them


@contextlib.contextmanager
def named(prefix: str) -> Iterator[None]:
    """Let Bokeh name the models that are made within by a rule: `prefix`/0, `prefix`/1 ... in their order.

    So ids are the same wherever a document is made, and differ between clients, between documents, and within one.
    """
    global _names
    before, _names = _names, (ID(f"{prefix}/{k}") for k in itertools.count())
    try:
        yield
    finally:
        _names = before


def _new(cls: type[Model], *args: Any, **kwargs: Any) -> Model:
    model: Model = _as_bokeh(cls, *args, **kwargs)
    if _names is not None and "id" not in kwargs:
        model._id = next(_names)  # type: ignore[attr-defined]
    return model


# once and for all: Python looks through some 700 subclasses whenever this changes
_as_bokeh = Model.__dict__["__new__"].__func__
Model.__new__ = staticmethod(_new)  # type: ignore[assignment]

"""Each private name of Panel and Bokeh is in one file, is there still, and does what we want of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any

import panel as pn
import param
import pytest
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent
from panel.custom import JSComponent
from panel.io.state import set_curdoc, state

from explainer.ui import panel_private

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(panel_private.__file__)
AT_HOME = ROOT / "explainer" / "training"
SOURCES = [f for top in ("explainer", "pages") for f in (ROOT / top).rglob("*.py") if not f.is_relative_to(AT_HOME)]


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def reached_for(file: Path) -> set[str]:
    """Private names of others in a source: attributes of anything but `self` and `cls`, where the file has none of that
    name itself, and what a class here calls as Panel's components do."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))
    defined = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    defined |= {n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store) and own(n)}
    found = {n.attr for n in nodes if isinstance(n, ast.Attribute) and is_private(n.attr) and not own(n)} - defined
    for made in (n for n in nodes if isinstance(n, ast.ClassDef)):
        names = {n.name for n in made.body if isinstance(n, ast.FunctionDef)}
        names |= {t.id for n in made.body for t in targets(n) if isinstance(t, ast.Name)}
        names |= {n.attr for n in ast.walk(made) if isinstance(n, ast.Attribute) and own(n)}
        found |= {name for name in names if is_private(name) and hasattr(JSComponent, name)}
    return found


def own(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []


@pytest.mark.parametrize(
    "file", [f for f in SOURCES if f != FILE and f.parts[-2] in ("ui", "host")], ids=lambda f: f.name
)
def test_no_other_file_reaches_for_a_private_name(file: Path) -> None:
    """Of packages that may import panel or bokeh (test_layers.py): ui and host; pages' widgets inherit from ui's."""
    mine = {"_replace", "_asdict", "_wishes", "_until", "_data", "_repr_html_"}
    assert reached_for(file) - mine == set()


def test_no_widget_of_a_page_takes_a_name_that_panel_uses() -> None:
    for file in SOURCES:
        if "views" in file.parts:
            assert not reached_for(file) & set(dir(JSComponent)), file


# ---------------------------------------------------------------- what each is for


class Small(panel_private.Carrier):
    request = param.Dict(default={})


class Spoken(panel_private.Bundled):
    script = Path(__file__).with_name("clock.mjs")  # some script
    heard: Any = None

    def hear(self, data: Any) -> None:
        self.heard = data
        self.say({"back": data})


def shown(component: JSComponent) -> tuple[Document, Any]:
    """A document with the component's model in it, as a page of ours has it."""
    document = Document()
    with set_curdoc(document):
        panel_private.on_this_thread(document)
        root = component.get_root(document, preprocess=False)
        document.add_root(root)
    panel_private.at_once(document)
    return document, root


def esm() -> None:
    _, root = shown(Small())
    assert "model.on('html'" in root.esm


def bundle() -> None:
    _, root = shown(Spoken())
    assert root.bundle and root.esm == Spoken.script.read_text(encoding="utf-8")


def busy__ignore() -> None:
    document, root = shown(Small())
    busy: list[bool] = []
    watcher = pn.state.param.watch(lambda event: busy.append(event.new), "busy")
    new = Serializer().encode({"t": 1})
    patch = {"kind": "ModelChanged", "model": root.data.ref, "attr": "request", "new": new}
    with set_curdoc(document):
        document.apply_json_patch({"events": [patch]}, setter="page")  # type: ignore[arg-type]
    pn.state.param.unwatch(watcher)
    assert root.data.request == {"t": 1} and busy == []


def messages() -> None:
    component = Spoken()
    document, root = shown(component)
    sent: list[Any] = []
    document.on_change(lambda event: sent.append(event) if isinstance(event, MessageSentEvent) else None)
    say(document, root, {"request": {"t": 1}})
    assert component.heard == {"request": {"t": 1}}
    assert [event.msg_data.data for event in sent] == [{"back": {"request": {"t": 1}}}]


def say(document: Document, root: Any, data: Any) -> None:
    """What the page does with `model.send_msg(data)`."""
    from panel.models.esm import DataEvent

    with set_curdoc(document):
        document.callbacks.trigger_event(DataEvent(model=root, data=data))


def session_context() -> None:
    assert Document()._session_context is None, "it has one, and it is empty where no server is"


def table(name: str) -> Callable[[], None]:
    def check() -> None:
        assert isinstance(getattr(state, name), MutableMapping)

    return check


def cleanup() -> None:
    component = Small()
    _, root = shown(component)
    assert root.ref["id"] in state._views
    panel_private.dismantle(component, root)
    assert root.ref["id"] not in state._views
    component.request = {"t": 2}
    assert root.data.request == {}, "what has been taken apart follows no more"


def named() -> None:
    def made() -> set[str]:
        return {model.id for model in Small().get_root(Document(), preprocess=False).references()}

    with panel_private.named("a/b"):
        first, second = made(), made()
    assert all(re.fullmatch(r"a/b/\d+", i) for i in first | second) and not first & second
    with panel_private.named("a/b"):
        assert made() == first  # the same wherever it is made
    assert not any(i.startswith("a/b") for i in made())


def in_step() -> None:
    class Other(panel_private.Carrier):
        more = param.Integer(default=0)

    for component, own in ((Small(), "request"), (Other(), "more"), (Small(), "request")):
        assert component._synced_params == JSComponent._synced_params.fget(component)
        assert component._synced_params is type(component)()._synced_params, "made once for a class"
        assert own in component._synced_params
        assert component.param[own] is type(component).param[own], "no copy for each instance"
    _, root = shown(other := Other())
    other.more = 3
    assert root.data.more == 3 and Other().more == 0


USES = {
    "_synced_params": in_step,
    "_id": named,
    "_esm": esm,
    "_bundle": bundle,
    "_busy__ignore": busy__ignore,
    "_handle_msg": messages,
    "_send_msg": messages,
    "_session_context": session_context,
    "_connected": table("_connected"),
    "_loaded": table("_loaded"),
    "_thread_id_": table("_thread_id_"),
    "_views": table("_views"),
    "_cleanup": cleanup,
}


@pytest.mark.parametrize("name", USES)
def test_it_is_there_and_does_what_we_want_of_it(name: str) -> None:
    USES[name]()


def test_every_private_name_in_the_file_has_a_test_here() -> None:
    assert reached_for(FILE) == set(USES)

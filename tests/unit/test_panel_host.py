"""Widgets as ordinary Panel components, without a browser: what they hold, how they answer, every page of them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import panel_bundle
import pytest
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent
from panel.io.state import set_curdoc
from panel.models.esm import DataEvent

import explainer
from explainer.host import panel_host
from explainer.host.shelf import pages
from explainer.ui import panel_private
from explainer.ui.widget import Link

ROOT = Path(__file__).resolve().parents[2]
PAGES = [page.name for page in pages().PAGES]


@pytest.fixture(scope="module", autouse=True)
def bundle() -> None:
    if not panel_host.BUNDLE.is_file():
        panel_bundle.write()


class Shown:
    """A component in a document, and what its page would be sent, in order: names of values, and messages."""

    def __init__(self, component: Any):
        self.document, self.sent, self.asked = Document(), list[Any](), 0
        with set_curdoc(self.document):
            panel_private.on_this_thread(self.document)
            self.root = component.get_root(self.document, preprocess=False)
            self.document.add_root(self.root)
        panel_private.at_once(self.document)
        self.document.on_change(self._note)

    def _note(self, event: Any) -> None:
        self.sent.append(event.msg_data.data if isinstance(event, MessageSentEvent) else event.attr)

    def ask(self, **values: Any) -> list[Any]:
        """What the page sends, under a number of its own; returns what it is sent."""
        self.sent.clear()
        self.asked += 1
        return self.send({**values, "#": self.asked})

    def send(self, request: dict[str, Any]) -> list[Any]:
        with set_curdoc(self.document):
            self.document.callbacks.trigger_event(DataEvent(model=self.root, data={"request": request}))
        return list(self.sent)


def test_a_request_is_answered_with_the_values_first_and_the_end_last() -> None:
    figure = explainer.widget("temperature", prompt="Once there was a")
    shown = Shown(figure)
    sent = shown.ask(t=2, first="", hurry=False)
    assert sent[-1] == {"type": "idle", "to": 1} and sent.count(sent[-1]) == 1
    assert {"html", "values"} <= set(sent[:-1])
    assert figure.state.t == 2 and shown.root.data.values["t"] == 2
    assert shown.root.data.html == figure.widget.html
    assert shown.ask(t=2) == [{"type": "idle", "to": 2}], "nothing has changed"


def test_a_request_that_comes_twice_is_done_once(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = explainer.widget("temperature")
    shown = Shown(figure)
    shown.ask(t=2)
    monkeypatch.setattr(type(figure.widget), "draw", lambda self: pytest.fail("drawn again"))
    shown.sent.clear()
    assert shown.send({"t": 2, "#": 1}) == [{"type": "idle", "to": 1}]


def test_what_cannot_be_taken_is_said_in_words() -> None:
    figure = explainer.widget("temperature")
    shown = Shown(figure)
    sent = shown.ask(top_k=0)
    assert "messages" in sent[: sent.index({"type": "idle", "to": 1})]
    assert shown.root.data.messages == {"top_k": "Top-k cannot be 0; it is 1 now."}


def test_an_exception_is_told_and_the_widget_works_on(monkeypatch: pytest.MonkeyPatch) -> None:
    figure = explainer.widget("temperature")
    shown = Shown(figure)
    with monkeypatch.context() as broken:
        broken.setattr(type(figure.widget), "draw", lambda self: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shown.ask(t=3)
    assert shown.sent[-1] == {
        "type": "error",
        "to": 1,
        "message": "Python could not do this: division by zero (ZeroDivisionError).",
    }
    assert shown.ask(t=4)[-1] == {"type": "idle", "to": 2}
    assert shown.root.data.values["t"] == 4 and "4" in shown.root.data.html


def test_widgets_over_one_state_follow_each_other() -> None:
    link, chain, draws, *_ = next(page for page in pages().PAGES if page.name == "temperature").make()
    one, other = (Shown(panel_host.Figure(widget, link)) for widget in (chain, draws))
    one.ask(t=3, first="temperature", hurry=True)
    assert "html" in one.sent and "html" not in other.sent, "what is not asked for at once waits"
    assert other.root.data.values["t"] == 3
    one.ask(first="", hurry=False)
    assert "html" in other.sent


def test_reset_asks_for_what_the_page_begins_with() -> None:
    figure = explainer.widget("temperature", prompt="Once there was a", t=0.7)
    assert figure.defaults == type(figure.state)().values() != figure.values
    Shown(figure).ask(**dict.fromkeys(figure.defaults))
    assert figure.values == figure.defaults


def test_all_that_the_page_asks_and_follows_is_carried() -> None:
    """What build/web/panel.js listens to (LINK, FIGURE), the link has and the component carries."""
    names = {"values", "shown", "messages", "more"}
    assert names == set(Link.param) - set(panel_private.Carrier.param) - {"request"}
    figure = explainer.widget("attention-lookup")
    assert {*names, "html", "told"} <= set(Shown(figure).root.data.properties())


def test_without_its_javascript_it_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(panel_host, "BUNDLE", tmp_path / "panel.js")
    with pytest.raises(FileNotFoundError, match="make panel"):
        explainer.widget("temperature")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_a_panel_app(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file, run by itself as `panel serve` runs it, serves its widgets."""
    found = next(page for page in pages().PAGES if page.name == name)
    served: list[Any] = []
    monkeypatch.setattr(panel_host.pn.Column, "servable", lambda column: served.append(column))
    file = ROOT / "pages" / found.folder / "page.py"
    module = ModuleType("bokeh_app_1")
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, "bokeh_app_1", module)  # as dataclasses want it
    exec(compile(file.read_text(encoding="utf-8"), file, "exec"), module.__dict__)
    [column] = served
    assert [figure.slug for figure in column] == [widget.slug for widget in found.widgets]
    assert len({figure.state for figure in column}) == 1
    assert Shown(column).root.children[0].data.html == column[0].widget.html != ""


def test_a_page_that_there_is_not_is_told_what_there_is() -> None:
    with pytest.raises(ValueError, match="there is no page 'temprature'"):
        explainer.page("temprature")


# ---------------------------------------------------------------- the style sheet


def test_the_style_sheet_holds_in_a_shadow_root_and_leans_on_nothing_of_the_page_around() -> None:
    css = panel_bundle.scoped(
        ":root{--a:1rem}:root:not([data-theme=light]){b:c}:root[data-theme=dark]{b:c}"
        "@font-face { font-family: x; }\n/* 1rem */ html { font-size: 112.5%; a: b }\nbody { margin: 0 }\n"
        "@media (max-width: 40rem) { html { font-size: 103%; } .x { margin: -0.5rem } }\n"
        "@container (min-width: 10rem) { y { z: var(--x-2rem) } }"
    )
    assert css.startswith(
        ":host{--a:calc(1 * var(--rem))}:host(:not([data-theme=light])){b:c}:host([data-theme=dark]){b:c}"
    )
    assert ":host { display: block; --rem: 18px; a: b }" in css and ".host { margin: 0 }" in css
    assert "@media (max-width: 640px) { :host { display: block; --rem: 16.48px; }" in css
    assert "margin: calc(-0.5 * var(--rem))" in css
    assert "@container (min-width: 180px) { y { z: var(--x-2rem) } }" in css
    assert "font-face" not in css and "/*" not in css


def test_a_sheet_that_sets_no_size_is_refused() -> None:
    with pytest.raises(ValueError, match="font size"):
        panel_bundle.scoped("html { font-size: 100%; }")

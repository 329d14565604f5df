"""The conversation between pages and Python, without a browser."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import exercise
import param
import pytest

from explainer.host import session
from explainer.ui.page import Page, documents
from explainer.ui.state import PageState
from explainer.ui.widget import Widget

ROOT = Path(__file__).resolve().parents[2]
TOY = ROOT / "tests" / "toy_pages" / "pages" / "__init__.py"


class Pages:
    """What was sent to each client."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def take(self, client: str) -> list[dict[str, Any]]:
        mine = [m for c, m in self.sent if c == client]
        self.sent = [(c, m) for c, m in self.sent if c != client]
        return mine


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pages]:
    spec = importlib.util.spec_from_file_location("toy_pages_for_session", TOY)
    assert spec is not None
    assert spec.loader is not None
    toy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    monkeypatch.setattr(session.shelf, "documents", lambda page=None: toy.DOCUMENTS)
    monkeypatch.setattr(session, "_open", {})
    pages = Pages()
    session.connect(lambda client, text: pages.sent.append((client, json.loads(text))))
    yield pages
    for client in list(session._open):
        session.close(client)


def ask(client: str, model: dict[str, Any], **values: Any) -> bool:
    return session.receive(client, json.dumps([{"model": model["id"], "attr": "request", "new": values}]))


def test_ids_follow_a_rule_and_differ_between_clients_documents_and_widgets(pages: Pages) -> None:
    """The same in every Python: nothing else has to be told them. And two embeds of one widget are two."""
    of = lambda client, name: [m["id"] for m in json.loads(session.open(client, name))["models"]]  # noqa: E731
    first, second, third, fourth = of("a", "toy"), of("b", "toy"), of("c", "other"), of("b", "toy")
    assert first[0].startswith("a/toy/toy/") and second[0].startswith("b/toy/toy/") and second == fourth
    assert len({*first, *second, *third}) == 4
    roots = [root.id for live in session._open.values() for root in live.document.roots]
    assert len(set(roots)) == len(roots) == 4


def test_each_client_has_a_document_of_its_own(pages: Pages) -> None:
    first, second = (json.loads(session.open(client, "toy")) for client in "ab")
    assert second["models"][0]["attributes"] == first["models"][0]["attributes"]
    ask("a", first["models"][0], n=5)
    assert pages.take("a")
    assert not pages.take("b")
    assert session._open["b"].components[0].values["n"] == 3


class DrawnState(PageState):
    t = param.Integer(default=1)


class Drawn(Widget):
    slug = "drawn"
    reads = ("t",)
    count = 0

    def draw(self) -> str:
        Drawn.count += 1
        return f"<b>{self.state.t}</b>"


STILL = session.print_of("<b>1</b>")


@pytest.fixture
def drawn(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> Pages:
    """A page whose one widget the build has drawn."""
    page = Page("drawn", "Drawn", "Drawn?", DrawnState, (Drawn,))
    monkeypatch.setattr(session.shelf, "documents", lambda folder=None: documents([page]))
    monkeypatch.setattr(session.shelf, "stills", lambda folder: {"drawn": STILL} if folder else {})
    Drawn.count = 0
    return pages


def opened(shows: dict[str, str], page: str | None = "drawn") -> tuple[dict[str, Any], dict[str, Any]]:
    """(link, widget) of a document that is opened for a page that shows this."""
    link, widget = json.loads(session.open("a", "drawn", page, json.dumps(shows)))["models"]
    return link, widget


def test_a_document_is_opened_without_drawing_and_drawn_at_its_first_change(drawn: Pages) -> None:
    link, widget = opened({"drawn": STILL})
    assert Drawn.count == 0 and "html" not in widget["attributes"]
    assert STILL not in json.dumps([link, widget])
    ask("a", link, t=2)
    [patch] = drawn.take("a")
    assert [e["new"] for e in patch["events"] if e["attr"] == "html"] == ["<b>2</b>"]
    ask("a", link, t=1)
    [patch] = drawn.take("a")  # the still is gone from the page: its markup has to be sent
    assert [e["new"] for e in patch["events"] if e["attr"] == "html"] == ["<b>1</b>"]


@pytest.mark.parametrize(
    ("shows", "page"),
    [({"drawn": session.print_of("<b>older</b>")}, "drawn"), ({}, "drawn"), ({"drawn": STILL}, None)],
)
def test_a_still_that_is_not_this_builds_is_drawn_anew(shows: dict[str, str], page: str | None, drawn: Pages) -> None:
    _, widget = opened(shows, page)
    assert Drawn.count == 1 and widget["attributes"]["html"] == "<b>1</b>"


def test_a_page_that_comes_back_is_drawn_with_what_it_has_and_with_nothing_else(drawn: Pages) -> None:
    for shows in ({}, {"drawn": STILL}):  # the markup that it shows, or a still that it has long replaced
        Drawn.count = 0
        models = json.loads(session.open("a", "drawn", "drawn", json.dumps(shows), json.dumps({"t": 3})))["models"]
        link, widget = models
        assert widget["attributes"]["html"] == "<b>3</b>" and link["attributes"]["values"]["t"] == 3
        assert Drawn.count == 1 and drawn.take("a") == []
        ask("a", link, t=3)
        assert Drawn.count == 1, "it has that already"
    [link, widget] = json.loads(session.open("a", "drawn", "drawn", json.dumps({"drawn": STILL}), '{"t": 1}'))["models"]
    assert "html" not in widget["attributes"], "the still says that"


def test_what_the_still_shows_already_is_not_sent(drawn: Pages) -> None:
    link, _ = opened({"drawn": STILL})
    assert session.warm("a") and session.redraw("a") and Drawn.count == 2
    assert drawn.take("a") == []
    ask("a", link, t=3)
    ask("a", link, t=1)
    assert [e["new"] for m in drawn.take("a") for e in m["events"] if e["attr"] == "html"] == ["<b>3</b>", "<b>1</b>"]


def test_warming_up_changes_nothing_that_is_shown(drawn: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    """It draws in what is free time so far: less of a figure, maybe, or another step of it than is shown."""
    link, _ = opened({"drawn": STILL})
    ask("a", link, first="")
    drawn.take("a")
    worked: list[str] = []
    monkeypatch.setattr(Drawn, "draw", lambda self: worked.append("drawn") or "<b>part</b>")
    assert session.warm("a") and worked == ["drawn"]
    assert drawn.take("a") == []


def test_a_widget_out_of_sight_waits_undrawn(drawn: Pages) -> None:
    link, _ = opened({"drawn": STILL})
    ask("a", link, t=2, first="another")
    assert Drawn.count == 0
    ask("a", link, first="")
    assert Drawn.count == 1


def test_a_page_that_is_not_here_is_refused_in_words(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with pytest.raises(session.SessionError, match="no page called “nowhere”"):
        session.open("a", "nowhere", "nowhere")


def test_values_are_plain_json_both_ways(pages: Pages) -> None:
    model = json.loads(session.open("a", "toy"))["models"][0]
    asked = {"n": 4, "type": "map", "entries": [[1, 2]], "deep": {"type": "x", "none": None, "list": [1, "two"]}}
    ask("a", model, **asked)
    [patch] = pages.take("a")
    events = {e["attr"]: e["new"] for e in patch["events"]}
    assert patch["type"] == "patch"
    assert events["values"]["given"] == asked
    assert json.loads(events["html"].removeprefix("<b>").removesuffix("</b>")) == events["values"]
    assert {e["model"] for e in patch["events"]} == {model["id"]}


def test_an_exception_is_reported_and_the_document_stays_usable(pages: Pages) -> None:
    model = json.loads(session.open("a", "toy"))["models"][0]
    assert not ask("a", model, **{"raise": 1})
    [problem] = pages.take("a")
    assert problem["type"] == "error"
    assert problem["message"] == "Python could not do this: asked to fail (ValueError)."
    assert "_asked" in problem["trace"]
    assert ask("a", model, n=2)
    [patch] = pages.take("a")
    assert {e["attr"] for e in patch["events"]} == {"html", "values"}


def test_unknown_names_models_and_values_are_refused_in_words(pages: Pages) -> None:
    with pytest.raises(session.SessionError, match="nothing called “nowhere”"):
        session.open("a", "nowhere")
    model = json.loads(session.open("a", "toy"))["models"][0]
    for event in ({"model": "p0", "attr": "html", "new": 1}, {"model": model["id"], "attr": "tags", "new": []}, {}):
        assert not session.receive("a", json.dumps([event]))
        assert "does not have" in pages.take("a")[0]["message"]
    assert not session.receive("stranger", "[]")
    assert "not connected" in pages.take("stranger")[0]["message"]


def test_closing_lets_go_of_everything(pages: Pages) -> None:
    from panel.io.state import state

    before = len(state._views)
    session.open("a", "other")
    assert len(state._views) == before + 2
    session.close("a")
    session.close("a")
    assert len(state._views) == before
    assert "a" not in session._open


CLOSED = """
import importlib.util, json, sys, weakref
from explainer.host import session
spec = importlib.util.spec_from_file_location("toy_pages_for_session", sys.argv[1])
toy = importlib.util.module_from_spec(spec)
spec.loader.exec_module(toy)
session.shelf.documents = lambda page=None: toy.DOCUMENTS
session.connect(lambda client, text: None)
model = json.loads(session.open("a", "toy"))["models"][0]
session.receive("a", json.dumps([{"model": model["id"], "attr": "request", "new": {"n": 2}}]))
live = session._open["a"]
watched = [weakref.ref(live.document), weakref.ref(live.components[0]), weakref.ref(live.models[model["id"]])]
del live
session.close("a")
print([ref() is None for ref in watched])
"""


def test_a_closed_document_and_its_components_take_no_memory() -> None:
    """In a Python of its own, as in the page: pytest itself keeps what it has captured."""
    command = [sys.executable, "-c", CLOSED, str(TOY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "[True, True, True]"


def test_after_an_exception_everything_gets_through_as_before(pages: Pages) -> None:
    """Whatever was going on when it was raised: the same values, other values, and changes that no page asked for."""
    model = json.loads(session.open("a", "toy"))["models"][0]
    for asked in ({"n": 5, "raise": 1}, {"raise": 1}, {"n": 5}, {"n": 5, "raise": 2}, {"n": 4}, {"n": 5}):
        pages.take("a")
        fine = ask("a", model, **asked)
        assert fine is ("raise" not in asked)
        [message] = pages.take("a")
        assert message["type"] == ("patch" if fine else "error")
        if fine:
            assert {e["attr"]: e["new"] for e in message["events"]}["values"]["given"] == asked


def test_exercise_leaves_nothing_open_and_says_nothing(pages: Pages) -> None:
    exercise.base()
    assert not session._open
    assert not pages.sent


def test_reseeding_makes_unseeded_draws_differ_and_seeded_ones_not() -> None:
    import random

    import numpy as np

    def draws(entropy: bytes) -> tuple[float, float, float]:
        session.reseed(entropy)
        return random.random(), float(np.random.rand()), float(np.random.default_rng(3).random())  # noqa: NPY002

    one, two = draws(b"\1" * 32), draws(b"\2" * 32)
    assert one[0] != two[0]
    assert one[1] != two[1]
    assert one[2] == two[2]
    assert draws(b"\1" * 32) == one


class Works(Widget):
    """Counts down, a number each slice."""

    slug = "works"
    left = 0

    def draw(self) -> str:
        return f"<p>{self.left}</p>"

    @property
    def works(self) -> bool:
        return self.left > 0

    def work(self) -> None:
        self.left -= 1
        self.redraw()


def test_work_goes_on_in_slices_and_sends_what_each_has_changed(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page("count", "Count", "How many?", PageState, (Works,))
    monkeypatch.setattr(session.shelf, "documents", lambda page_=None: documents([page]))
    models = json.loads(session.open("a", "count"))["models"]
    assert not session.has_work("a") and not session.work("a")
    session._open["a"].components[1].left = 2
    assert session.has_work("a") and session.work("a")
    assert not session.work("a"), "nothing is left after this slice"
    html = [event["new"] for message in pages.take("a") for event in message["events"]]
    assert html == ["<p>1</p>", "<p>0</p>"] and models[1]["name"] == "works"
    session.close("a")
    assert not session.has_work("a") and not session.work("a")

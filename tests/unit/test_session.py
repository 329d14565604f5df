"""The conversation between pages and Python, without a browser."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explainer.host import session

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
    monkeypatch.setattr(session, "registry", lambda: toy.DOCUMENTS)
    monkeypatch.setattr(session, "_sleeping", {})
    monkeypatch.setattr(session, "_open", {})
    pages = Pages()
    session.connect(lambda client, text: pages.sent.append((client, json.loads(text))))
    yield pages
    for client in list(session._open):
        session.close(client)


def ask(client: str, model: dict[str, Any], **values: Any) -> bool:
    return session.receive(client, json.dumps([{"model": model["id"], "attr": "request", "new": values}]))


def test_the_first_client_gets_the_sleeping_document_and_the_second_its_own(pages: Pages) -> None:
    still = json.loads(session.prepare(["toy"]))["toy"]
    first = json.loads(session.open("a", "toy"))
    second = json.loads(session.open("b", "toy"))
    assert first == still
    assert second["models"][0]["id"] != first["models"][0]["id"]
    assert second["models"][0]["attributes"] == first["models"][0]["attributes"]
    ask("a", first["models"][0], n=5)
    assert pages.take("a")
    assert not pages.take("b")
    assert session._open["b"].components[0].values["n"] == 3


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
session.registry = lambda: toy.DOCUMENTS
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


def test_values_given_on_opening_are_applied(pages: Pages) -> None:
    opened = json.loads(session.open("a", "toy", json.dumps({"n": 6})))
    assert opened["models"][0]["attributes"]["values"]["n"] == 6


def test_exercise_leaves_sleepers_asleep_and_nothing_open(pages: Pages) -> None:
    session.prepare()
    sleeping = dict(session._sleeping)
    session.exercise()
    assert session._sleeping == sleeping
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

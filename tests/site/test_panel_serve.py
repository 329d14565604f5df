"""`panel serve`: a page's own file, and an app of two widgets, in a real browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import panel_bundle
import panel_widgets
import pytest
from playwright.sync_api import Browser, Page, expect

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.xdist_group("panel-serve")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of both apps, as README says to start it."""
    panel_bundle.write()
    app = tmp_path_factory.mktemp("app") / "two.py"
    app.write_text(panel_widgets.APP, encoding="utf-8")
    command = [sys.executable, "-m", "panel", "serve", "pages/temperature/page.py", str(app), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    try:
        for line in process.stdout:  # type: ignore[union-attr]
            said.append(line)
            if found := re.search(r"(http://localhost:\d+/)two", line):
                yield found[1]
                break
        else:
            pytest.fail("panel serve ended:\n" + "".join(said))
    finally:
        process.terminate()
        rest = process.communicate(timeout=60)[0]
    assert not (ours := faults(rest)), "\n\n".join(ours)


ENTRY = re.compile(r"^(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|(?:DEBUG|INFO|WARNING|ERROR|CRITICAL):)", re.MULTILINE)
RAISED = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*(\S.*)", re.MULTILINE)


def faults(log: str) -> list[str]:
    """The entries of a server's log with a traceback, but for a page that was closed while it was written to: that is
    no fault of ours, and nothing else is forgiven."""
    entries = [entry for entry in ENTRY.split(log) if "Traceback" in entry]
    closed = re.compile(r"(\w+\.)*WebSocketClosedError(:|$)")
    return [entry for entry in entries if not closed.match((RAISED.findall(entry) or [""])[-1])]


def test_only_a_page_that_was_closed_is_forgiven() -> None:
    said = '2026-11-30 10:00:00,000 {}\nTraceback (most recent call last):\n  File "x.py", line 1, in f\n{}\n'
    closed = said.format("Task exception was never retrieved", "tornado.websocket.WebSocketClosedError")
    ours = said.format("error handling message", "ValueError: WebSocketClosedError")
    assert faults("2026-11-30 10:00:00,000 Starting Bokeh server\n" + closed + "Interrupted, shutting down\n") == []
    assert faults(closed + ours + closed) == [ours]


@pytest.fixture
def two(the_browser: Browser, server: str) -> Iterator[Page]:
    with panel_widgets.watched(the_browser, server + "two") as page:
        yield page


def test_a_slider_a_field_and_messages_work(two: Page) -> None:
    panel_widgets.the_chain_works(two)


def test_steps_lists_and_questions_about_cells_work(two: Page) -> None:
    panel_widgets.the_stepper_works(two)


def test_they_look_as_on_the_site_by_one_style_sheet(two: Page) -> None:
    panel_widgets.widget(two, "attention-stepper")
    panel_widgets.is_styled(two)


def test_the_widgets_of_a_page_are_one_document_and_begin_as_the_address_says(
    the_browser: Browser, server: str
) -> None:
    with panel_widgets.watched(the_browser, server + "page?t=2&utm_source=x") as page:
        chain, draws = (panel_widgets.widget(page, slug) for slug in ("temperature", "temperature-draws"))
        expect(chain.locator(".field-range output").first).to_have_text("2")
        chain.get_by_role("button", name="10", exact=True).click()
        for figure in (chain, draws):
            expect(figure.locator(".field-range output").first).to_have_text("10")
        chain.get_by_label("Prompt").fill("Mia has a red ball. It is")
        expect(draws.get_by_label("Prompt")).to_have_value("Mia has a red ball. It is")


LOSE_ONE = """
() => {
  const all = Bokeh.documents.flatMap((document) => [...document._all_models.values()]);
  const model = all.find((model) => model.data?.slug === 'temperature');
  const send = model.trigger_event;
  model.trigger_event = () => { model.trigger_event = send; window.lost = true; };
}
"""


def test_a_message_that_is_lost_is_sent_again(two: Page) -> None:
    """As JupyterLab may lose one when it comes while another cell runs."""
    chain = panel_widgets.widget(two, "temperature")
    two.evaluate(LOSE_ONE)
    chain.get_by_role("button", name="10", exact=True).click()
    expect(panel_widgets.shown(chain)).to_have_text(panel_widgets.share(t=10))
    assert two.evaluate("window.lost")
    expect(chain).not_to_have_attribute("data-busy", "")


def test_a_widget_that_is_taken_away_lets_go(two: Page) -> None:
    """Panel removes the element; what played or waited says no more."""
    stepper = panel_widgets.widget(two, "attention-stepper")
    stepper.get_by_role("button", name="Play").click()
    expect(stepper.get_by_role("button", name="Pause")).to_be_visible()
    two.evaluate("Bokeh.documents[0].clear()")
    expect(stepper).to_have_count(0)

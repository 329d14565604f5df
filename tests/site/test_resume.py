"""One Python for a whole visit: resumed from the snapshot, shared, completed when asked, restarted when it crashes."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import serve
from conftest import settle, until, wait_live
from playwright.sync_api import BrowserContext, Page, Route, expect

from explainer.models import lab
from explainer.studies import influence
from explainer.ui.html import exact

CRASH = "crash now"  # a prompt at which the altered worker traps, as WebAssembly does when memory is corrupt


class Watched(serve.Handler):
    """A static server that counts what is asked for, can refuse a file, and can alter the worker's script."""

    asked: Counter[str] = Counter()  # noqa: RUF012 (shared on purpose)
    refused: set[str] = set()  # noqa: RUF012
    trap = False

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        self.asked[path] += 1
        if path in self.refused:
            self.send_error(404)
            return
        if not (self.trap and path.startswith("runtime/worker.")):
            super().do_GET()
            return
        code = (Path(self.directory) / path).read_text(encoding="utf-8")
        before = "session.receive(client,JSON.stringify(message.events))"
        assert code.count(before) == 1
        trap = (
            f'(JSON.stringify(message.events).includes("{CRASH}")'
            f' ? (() => {{ throw new WebAssembly.RuntimeError("unreachable") }})() : {before})'
        )
        data = code.replace(before, trap).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/javascript")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def watched(site_directory: Path, context: BrowserContext) -> Iterator[str]:
    """The site from a server of this test's own, so that its SharedWorker is, too."""
    Watched.asked, Watched.refused, Watched.trap = Counter(), set(), False
    with serve.served(site_directory, Watched) as address:
        context.guard.origin = address  # type: ignore[attr-defined]
        yield address


def files(site_directory: Path) -> dict[str, str]:
    """Names of the runtime's files -> their paths."""
    manifest = json.loads((site_directory / "runtime" / "manifest.json").read_text(encoding="utf-8"))
    return {name: f"runtime/{entry['url']}" for name, entry in manifest["files"].items()}


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.add_init_script("addEventListener('explainer:live', e => { window.live = e.detail })")
    page.goto(address)
    wait_live(page)
    return page


def test_a_resume_reads_the_snapshot_and_nothing_that_it_does_not_need(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    page = opened(context, watched + "attention/")
    told = page.evaluate("window.live")
    assert told["how"] == "resumed", told["reason"]
    paths = files(site_directory)
    needed = {"pyodide.asm.mjs", "pyodide.asm.wasm", "snapshot", "libraries", "page-attention"}
    assert told["bytes"] == sum((site_directory / paths[name]).stat().st_size for name in needed)
    page.get_by_label("Prompt").first.fill(
        "Mia has a red ball."
    )  # what this is computed with comes once a page is live
    settle(page)
    assert {name for name, path in paths.items() if Watched.asked[path]} == needed | {"weights", "numpy"}


class Held(serve.Handler):
    """Sends half of the snapshot, and the rest when told to."""

    path_held = ""
    release = threading.Event()

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        if path != self.path_held:
            super().do_GET()
            return
        data = (Path(self.directory) / path).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        self.wfile.flush()
        self.release.wait(60)
        self.wfile.write(data[len(data) // 2 :])


def test_while_it_starts_the_page_says_how_many_bytes_are_there(context: BrowserContext, site_directory: Path) -> None:
    manifest = json.loads((site_directory / "runtime" / "manifest.json").read_text(encoding="utf-8"))
    sizes = {name: manifest["files"][name]["bytes"] for name in [*manifest["resume"], "page-temperature"]}
    Held.path_held, Held.release = files(site_directory)["snapshot"], threading.Event()
    with serve.served(site_directory, Held) as address:
        context.guard.origin = address  # type: ignore[attr-defined]
        page = context.new_page()
        page.goto(address + "embed/temperature/")
        total = sum(sizes.values()) / 1e6
        there = total - sizes["snapshot"] / 2e6
        line = page.locator("[data-status-text]")
        so_far = "() => parseFloat(document.querySelector('[data-status-text]').textContent.split(': ')[1])"
        until(page, f"{so_far} > {there - 0.3}")
        found = re.fullmatch(r"Fetching: (.+) of (.+) MB", line.inner_text())
        assert found
        assert float(found[1]) == pytest.approx(there, abs=0.3) and float(found[2]) == pytest.approx(total, abs=0.06)
        assert page.evaluate("document.documentElement.dataset.explainer") == "starting"
        Held.release.set()
        wait_live(page)
        expect(line).to_have_text(re.compile(r"^Live in \d+\.\d s$"))


def test_pages_of_one_visit_share_one_python_and_keep_their_own_state(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    one = opened(context, watched + "attention/")
    two = opened(context, watched + "attention/?prompt=Tom+has+a+green+kite.")
    three = opened(context, watched + "embed/temperature/")
    assert Watched.asked[files(site_directory)["snapshot"]] == 1
    one.get_by_label("Prompt").first.fill("Mia has a red ball.")
    settle(one)
    expect(one.locator("#attention-stepper .tokens").first).to_contain_text("ball")
    expect(two.locator("#attention-stepper .tokens").first).to_contain_text("kite")
    expect(two.get_by_label("Prompt").first).to_have_value("Tom has a green kite.")
    assert three.evaluate("window.explainer.state().prompt") not in ("Mia has a red ball.", "Tom has a green kite.")


def test_going_live_draws_nothing(context: BrowserContext, watched: str) -> None:
    """The stills are this build's, and Python draws the same when it draws: not even the first warming up is told."""
    page = context.new_page()
    page.add_init_script("window.drawn = []; addEventListener('explainer:drawn', (e) => drawn.push(e.target.id), true)")
    for path in ("attention/", "embed/depth/", "embed/temperature/"):
        page.goto(watched + path)
        wait_live(page)
        page.wait_for_timeout(2000)  # the warming up, too
        assert page.evaluate("drawn") == [], path


def test_a_still_of_another_build_is_drawn_anew(context: BrowserContext, watched: str) -> None:
    def older(route: Route) -> None:
        html = route.fetch().text()
        before = re.findall(r'"print":"([0-9a-f]{16})"', html)
        assert len(before) == 1
        route.fulfill(body=html.replace(before[0], "0" * 16).replace("<body>", "<body data-older>"))

    page = context.new_page()
    still = context.new_page()
    for each, handler in ((still, None), (page, older)):
        each.add_init_script("window.drawn = 0; addEventListener('explainer:drawn', () => { drawn += 1 }, true)")
        if handler:
            each.route("**/embed/temperature/", handler)
        each.goto(watched + "embed/temperature/")
        wait_live(each)
    assert page.locator("body[data-older]").count() == 1
    assert (still.evaluate("drawn"), page.evaluate("drawn")) == (0, 1)
    assert still.locator("[data-body]").inner_text() == page.locator("[data-body]").inner_text()


def test_ids_are_made_by_the_same_rule_in_the_build_and_here(context: BrowserContext, watched: str) -> None:
    page = opened(context, watched + "embed/temperature/")
    models = page.evaluate("JSON.parse(document.getElementById('explainer-still').textContent).models")
    assert [m["id"].rsplit("/", 1)[0] for m in models] == [f"still/embed/temperature/{m['name']}" for m in models]


def test_without_its_code_a_page_says_so_and_another_goes_on(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    context.guard.allow("404")  # type: ignore[attr-defined]
    other = opened(context, watched + "embed/temperature/")
    Watched.refused = {files(site_directory)["page-paths"]}
    page = context.new_page()
    page.goto(watched + "embed/path-count/")
    message = page.locator("[data-status-message]")
    expect(message).to_contain_text(
        "The code of this page could not be loaded. “page-paths” could not be loaded (HTTP 404)."
    )
    assert page.evaluate("document.documentElement.dataset.explainer") == "failed"
    other.get_by_label("Prompt").fill("Mia has a red ball.")
    settle(other)
    Watched.refused = set()
    page.get_by_role("button", name="Retry").click()
    wait_live(page)


def test_without_the_weights_a_live_page_says_so_and_goes_on(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    context.guard.allow("404")  # type: ignore[attr-defined]
    Watched.refused = {files(site_directory)["weights"]}
    page = opened(context, watched + "embed/temperature/")
    before = page.locator("[data-body]").inner_text()
    page.get_by_label("Prompt").fill("Tom has a green kite.")
    message = page.locator("[data-status-message]")
    expect(message).to_contain_text("“weights” could not be loaded (HTTP 404).")
    assert page.locator("[data-body]").inner_text() == before
    Watched.refused = set()
    page.get_by_label("Prompt").fill("Mia has a red ball. Mia")
    settle(page)
    until(page, "() => explainer.state().prompt === 'Mia has a red ball. Mia'")


def test_an_ordinary_boot_says_why_and_shows_the_same_numbers(context: BrowserContext, watched: str) -> None:
    resumed = opened(context, watched + "embed/attention-stepper/")
    booted = opened(context, watched + "embed/attention-stepper/?boot=ordinary")
    told = booted.evaluate("window.live")
    assert (told["how"], told["reason"]) == ("booted", "asked for in the address")
    numbers = "[...document.querySelectorAll('[data-testid=pattern] td')].map(c => c.dataset.v ?? c.textContent)"
    for page in (resumed, booted):
        page.get_by_label("Prompt").fill("Mia has a red ball. Mia gives")
        settle(page)
    assert resumed.evaluate(numbers) == booted.evaluate(numbers)
    assert len(resumed.evaluate(numbers)) > 50


def test_a_damaged_snapshot_costs_time_but_nothing_else(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    context.guard.allow("404")  # type: ignore[attr-defined]
    Watched.refused = {files(site_directory)["snapshot"]}
    page = opened(context, watched + "embed/temperature/")
    told = page.evaluate("window.live")
    assert told["how"] == "booted" and "snapshot" in told["reason"]
    assert Watched.asked[files(site_directory)["snapshot"]] > 0


def depth_losses(page: Page) -> list[list[str]]:
    return page.locator("[data-testid=depth-text] tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.querySelectorAll('td')].map(c => c.dataset.v))"
    )


def expected_losses(prompt: str) -> list[list[str]]:
    tokens = lab.tokens_of(prompt)
    return [[exact(float(x)) for x in influence.token_losses(kind, tokens)] for kind in influence.variants()]


def test_the_smaller_models_come_when_they_are_asked_for(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    family = files(site_directory)["family"]
    page = opened(context, watched + "embed/depth/")
    assert Watched.asked[family] == 0
    page.get_by_label("Prompt").fill("Tom has a green kite.")
    settle(page)
    assert Watched.asked[family] == 1
    shown, expected = depth_losses(page), expected_losses("Tom has a green kite.")
    assert len(shown) == len(expected) > 4
    np.testing.assert_allclose(np.array(shown, float), np.array(expected, float), rtol=1e-4, atol=1e-6)
    expect(page.locator("[data-status-detail]")).to_be_hidden()
    assert page.evaluate("document.documentElement.dataset.explainer") == "live"


def test_without_the_smaller_models_the_page_says_so_and_goes_on(
    context: BrowserContext, watched: str, site_directory: Path
) -> None:
    context.guard.allow("404")  # type: ignore[attr-defined]
    Watched.refused = {files(site_directory)["family"]}
    page = opened(context, watched + "embed/depth/")
    page.get_by_label("Prompt").fill("Tom has a green kite.")
    message = page.locator("[data-status-message]")
    expect(message).to_contain_text("The smaller models could not be had. “family” could not be loaded (HTTP 404).")
    expect(message).to_contain_text("try again later")
    assert page.evaluate("document.documentElement.dataset.explainer") == "live"
    Watched.refused = set()
    page.get_by_role("button", name="Retry").click()
    wait_live(page)
    np.testing.assert_allclose(
        np.array(depth_losses(page), float),
        np.array(expected_losses("Tom has a green kite."), float),
        rtol=1e-4,
        atol=1e-6,
    )
    page.get_by_label("Prompt").fill("Mia has a red ball.")
    settle(page)
    np.testing.assert_allclose(
        np.array(depth_losses(page), float),
        np.array(expected_losses("Mia has a red ball."), float),
        rtol=1e-4,
        atol=1e-6,
    )


def test_a_crash_is_told_everywhere_and_a_restart_brings_all_back(context: BrowserContext, watched: str) -> None:
    Watched.trap = True
    one = opened(context, watched + "embed/attention-stepper/")
    two = opened(context, watched + "embed/temperature/")
    one.get_by_label("Prompt").fill("Tom has a green kite.")
    settle(one)
    two.get_by_label("Prompt").fill("Mia has a red ball.")
    settle(two)
    before = two.locator("[data-body]").inner_text()
    one.get_by_label("Prompt").fill(CRASH)
    for page in (one, two):
        expect(page.locator("[data-status-message]")).to_contain_text("crashed")
        assert page.evaluate("document.documentElement.dataset.explainer") == "failed"
        expect(page.locator("[data-body] svg:visible").first).to_be_visible()  # the picture stays
    one.get_by_label("Prompt").fill("Tom has a green kite.")
    one.get_by_role("button", name="Retry").click()
    for page in (one, two):
        wait_live(page)
    expect(one.locator(".tokens").first).to_contain_text("kite")
    expect(two.get_by_label("Prompt")).to_have_value("Mia has a red ball.")
    assert two.locator("[data-body]").inner_text() == before


@pytest.fixture
def twice(make_context: Callable[..., BrowserContext], watched: str) -> list[Page]:
    """The same page in two browsers: two resumed copies of one snapshot."""
    pages = []
    for _ in range(2):
        context = make_context()
        context.guard.origin = watched  # type: ignore[attr-defined]
        pages.append(opened(context, watched + "embed/temperature-draws/?view=full"))
    return pages


def test_the_readers_seed_decides_what_is_drawn_and_nothing_else(twice: list[Page]) -> None:
    for page in twice:
        page.get_by_label("Seed").fill("7")
        settle(page)
        page.get_by_role("button", name="Draw").first.click()
        settle(page)
    one, two = (page.locator("[data-body]").inner_text() for page in twice)
    assert one == two
    twice[1].get_by_label("Seed").fill("8")
    settle(twice[1])
    assert twice[1].locator("[data-body]").inner_text() != one

"""When things go wrong: assets missing, cut short, corrupt, stalled; no workers, no WebAssembly, no storage.

In each case the still stays, the page says what failed and what to do, and Retry works once the fault is gone. Every
test asserts that its sabotage took.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serve
from conftest import SITE, settled, until, wait_live
from playwright.sync_api import Page, expect

KINDS = ("missing", "truncated", "corrupt", "stalled")


class Saboteur(serve.Handler):
    """A static server that spoils one file on purpose."""

    spoiled: dict[str, str] = {}  # noqa: RUF012 (shared on purpose)
    hits: list[str] = []  # noqa: RUF012
    release = threading.Event()

    def do_GET(self) -> None:
        path = self.path.split("?")[0].lstrip("/")
        kind = self.spoiled.get(path)
        if kind is None:
            super().do_GET()
            return
        self.hits.append(path)
        data = (Path(self.directory) / path).read_bytes()
        if kind == "missing":
            self.send_error(404)
            return
        if kind == "stalled":
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[:100])
            self.release.wait(60)
            return
        if kind.startswith("code: "):
            data = kind.removeprefix("code: ").encode() + b"\n" + data
        if kind == "truncated":
            data = data[: len(data) // 2]
        if kind == "corrupt":
            middle = len(data) // 2
            data = data[:middle] + bytes(b ^ 0x55 for b in data[middle : middle + 64]) + data[middle + 64 :]
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def broken_site(site_directory: Path) -> Iterator[str]:
    Saboteur.spoiled, Saboteur.hits = {}, []
    Saboteur.release = threading.Event()
    with serve.served(site_directory, Saboteur) as address:
        yield address
        Saboteur.release.set()


@pytest.fixture
def page_at(make_context: Callable, broken_site: str) -> Callable[..., Page]:
    def open_(path: str = "components/", script: str | None = None, **options: object) -> Page:
        context = make_context(**options)
        context.guard.origin = broken_site
        context.guard.allow(r"console (error|warning)")
        page = context.new_page()
        if script:
            page.add_init_script(script)
        page.goto(broken_site + path, wait_until="commit")  # what stalls may hold back everything later
        return page

    return open_


def still_is_there(page: Page) -> None:
    body = page.locator("[data-body]").first
    expect(body).to_be_visible()
    assert body.locator("td").count() > 10


def assets() -> list[object]:
    """Every file of the runtime: its name, its address, the way to live that needs it, whether another way is left."""
    manifest = SITE / "runtime" / "manifest.json"
    if not manifest.exists():
        return []
    told = json.loads(manifest.read_text(encoding="utf-8"))
    found = []
    for name, entry in told["files"].items():
        way = "" if name in told["resume"] else "&boot=ordinary"
        found.append(pytest.param(name, f"runtime/{entry['url']}", way, name not in told["boot"], id=name))
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "asset", "way", "another_way"), assets())
def test_a_spoiled_asset(
    name: str, asset: str, way: str, another_way: bool, kind: str, page_at: Callable[..., Page]
) -> None:
    Saboteur.spoiled = {asset: kind}
    page = page_at(f"components/?patience=3{way}")
    state = settled(page)
    assert asset in Saboteur.hits
    still_is_there(page)
    if another_way:
        assert state == "live"
        expect(page.locator("[data-status-text]")).to_contain_text("slow start")
        expect(page.locator("[data-status]")).to_have_attribute("title", re.compile(f"slow way: .*{name}"))
        return
    assert state == "failed"
    message = page.locator("[data-status-message]")
    expect(message).to_be_visible()
    expect(message).to_contain_text(f"“{name}”")
    expect(message).to_contain_text("try again")
    if kind == "stalled":
        expect(message).to_contain_text("no byte arrived for 3 seconds")
    Saboteur.spoiled = {}
    page.get_by_role("button", name="Retry").click()
    wait_live(page)


def built(pattern: str) -> str:
    """The one file of the site that fits."""
    (found,) = SITE.glob(pattern)
    return found.relative_to(SITE).as_posix()


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_pages_script_the_page_says_so(kind: str, page_at: Callable[..., Page]) -> None:
    script = built("assets/page.*.js")
    Saboteur.spoiled = {script: kind}
    page = page_at("components/?patience=3")
    assert settled(page) == "failed"
    assert script in Saboteur.hits
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text("The script of this page")
    Saboteur.spoiled = {}
    page.get_by_role("button", name="Retry").click()
    wait_live(page)


@pytest.mark.parametrize("kind", ["missing", "truncated", "stalled"])
def test_without_the_workers_script_the_page_says_so(kind: str, page_at: Callable[..., Page]) -> None:
    script = built("runtime/worker.*.js")
    Saboteur.spoiled = {script: kind}
    page = page_at("components/?patience=3")
    assert settled(page) == "failed"
    assert script in Saboteur.hits
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text(re.compile("worker|script that runs Python"))
    Saboteur.spoiled = {}
    page.get_by_role("button", name="Retry").click()
    wait_live(page)


@pytest.mark.parametrize("kind", ["missing", "truncated", "stalled"])
def test_without_the_style_sheet_it_is_a_plain_page_and_live(kind: str, page_at: Callable[..., Page]) -> None:
    sheet = built("assets/site.*.css")
    Saboteur.spoiled = {sheet: kind}
    page = page_at("components/?patience=3")
    assert settled(page) == "live"
    assert sheet in Saboteur.hits
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    still_is_there(page)


def test_without_webassembly_the_page_says_so(page_at: Callable[..., Page]) -> None:
    worker = built("runtime/worker.*.js")
    Saboteur.spoiled = {worker: "code: delete globalThis.WebAssembly;"}
    page = page_at()
    assert settled(page) == "failed"
    assert worker in Saboteur.hits
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text("WebAssembly")


def test_when_the_quota_is_exceeded_nothing_is_kept_and_everything_works(page_at: Callable[..., Page]) -> None:
    full = "Cache.prototype.put = () => Promise.reject(new DOMException('full', 'QuotaExceededError'));"
    Saboteur.spoiled = {"sw.js": f"code: {full}"}
    asking = """const { serviceWorker } = navigator, register = serviceWorker.register.bind(serviceWorker);
      serviceWorker.register = (...all) => (window.registering = register(...all))"""
    page = page_at(script=asking, service_workers="allow")
    wait_live(page)
    until(page, "async () => { try { return Boolean(await window.registering) } catch { return true } }")
    until(page, "async () => (await navigator.serviceWorker.getRegistration()) === undefined")
    assert "sw.js" in Saboteur.hits
    assert page.evaluate("caches.keys()") == []
    page.reload()
    wait_live(page)


def test_where_service_workers_are_forbidden_everything_works(page_at: Callable[..., Page]) -> None:
    forbid = """Object.defineProperty(Navigator.prototype, 'serviceWorker',
      { get() { window.asked = true; throw new DOMException('forbidden', 'SecurityError') } })"""
    page = page_at(script=forbid, service_workers="allow")
    wait_live(page)
    assert page.evaluate("window.asked") is True


def test_without_workers_the_page_says_so(page_at: Callable[..., Page]) -> None:
    page = page_at(script="delete window.SharedWorker; delete window.Worker; window.gone = typeof Worker")
    assert page.evaluate("window.gone") == "undefined"
    assert settled(page) == "failed"
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text("worker")


def test_without_shared_workers_a_worker_of_its_own(page_at: Callable[..., Page]) -> None:
    page = page_at(script="delete window.SharedWorker; window.gone = typeof SharedWorker")
    assert page.evaluate("window.gone") == "undefined"
    assert settled(page) == "live"


def test_without_storage_everything_works(page_at: Callable[..., Page]) -> None:
    page = page_at(
        "attention/",
        script="""for (const n of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
          Object.defineProperty(window, n, {get() { throw new DOMException('blocked', 'SecurityError') }})""",
    )
    assert page.evaluate("(() => { try { localStorage; return 'there' } catch { return 'blocked' } })()") == "blocked"
    assert settled(page) == "live"
    page.get_by_role("button", name="Result", exact=True).click()
    assert page.evaluate("document.documentElement.dataset.mode") == "result"


def test_restored_from_the_back_forward_cache_it_is_still_live(page_at: Callable[..., Page], broken_site: str) -> None:
    page = page_at()
    assert settled(page) == "live"
    page.goto(broken_site + "how/")
    page.go_back()
    assert settled(page) == "live"
    page.get_by_label("Prompt").first.fill("Tom has a green kite.")
    expect(page.locator(".tokens").first).to_contain_text("kite")


def test_started_in_a_background_tab_it_becomes_live(page_at: Callable[..., Page], broken_site: str) -> None:
    front = page_at("how/")
    back = front.context.new_page()
    front.bring_to_front()
    back.goto(broken_site + "components/")
    front.bring_to_front()
    assert settled(back) == "live"

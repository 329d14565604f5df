"""When things go wrong: assets missing, cut short, corrupt, stalled; no workers, no WebAssembly, no storage.

In each case the still stays, the page says once what failed and the one thing to do about that cause, and Retry works
once the fault is gone. Every test asserts that its sabotage took. What stalls is told after `patience` seconds; that
nothing comes is certain, so a short patience is safe there, and only there: on a busy machine the rest may take longer.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import browser as chromium
import pytest
import serve
from conftest import LIVE, SITE, settle, settled, until, wait_live
from playwright.sync_api import BrowserContext, Page, Playwright, expect

KINDS = ("missing", "truncated", "corrupt")
REMEDY = {
    "missing": "the server’s answer",
    "truncated": "fetched anew",
    "corrupt": "fetched anew",
    "stalled": "Check the connection",
}
LISTEN = "window.told = []; addEventListener('explainer:failed', (e) => told.push(e.detail));"


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
        page.add_init_script(LISTEN)
        if script:
            page.add_init_script(script)
        page.goto(broken_site + path, wait_until="commit")  # what stalls may hold back everything later
        return page

    return open_


def still_is_there(page: Page) -> None:
    body = page.locator("[data-body]").first
    expect(body).to_be_visible()
    assert body.locator("td").count() > 10


def said_once(page: Page, kind: str) -> None:
    """One message, with the remedy for this kind of fault and no other; one event, with the same words."""
    message = page.locator("[data-status-message]")
    expect(message).to_be_visible()
    expect(message).to_contain_text(REMEDY.get(kind, kind))
    text = message.inner_text()
    others = {r for r in REMEDY.values() if r != REMEDY.get(kind, kind)}
    assert not [r for r in others if r in text], text
    assert len(page.evaluate("told")) == 1
    assert "pictures stay" in text and text.count("ry again") + text.count("another") <= 2, text


def retry(page: Page) -> None:
    """Press Retry, and wait until what had failed begins anew: by a reload that fetches first, or in place."""
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("html")).not_to_have_attribute("data-explainer", "failed", timeout=LIVE)


def assets() -> list[object]:
    """Every file of the runtime: its name, its address, the way to live that needs it, whether another way is left."""
    manifest = SITE / "runtime" / "manifest.json"
    if not manifest.exists():
        return []
    told = json.loads(manifest.read_text(encoding="utf-8"))
    found = []
    for name, entry in told["files"].items():
        own = name == "page-paths"  # of the page that is opened
        if (name.startswith("page-") and not own) or name == "model":  # of a model that somebody chooses: below
            continue
        if name.startswith("late-"):  # what a figure of another page fetches when it is used
            continue
        way = "" if own or name in told["resume"] else "&boot=ordinary"
        another = not own and name not in told["boot"]
        # what is damaged is found last of all, by each file's own sum; the other faults on the first of each way
        first = not any(way == asked for _, _, asked, *_ in (p.values for p in found))
        for kind in KINDS if first else ("corrupt",):
            values = (name, f"runtime/{entry['url']}", way, another, kind)
            found.append(pytest.param(*values, id=f"{name}-{kind}"))
    return found


@pytest.mark.parametrize(("name", "asset", "way", "another_way", "kind"), assets())
def test_a_spoiled_asset(
    name: str, asset: str, way: str, another_way: bool, kind: str, page_at: Callable[..., Page]
) -> None:
    Saboteur.spoiled = {asset: kind}
    page = page_at(f"embed/path-lengths/?{way}")
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
    said_once(page, kind)
    Saboteur.spoiled = {}
    retry(page)
    wait_live(page)


@pytest.mark.parametrize("kind", KINDS)
def test_without_what_reads_models_the_storyteller_stays(kind: str, page_at: Callable[..., Page]) -> None:
    asset = built("runtime/model.*.bin")
    Saboteur.spoiled = {asset: kind}
    page = page_at("temperature/?model=tiny-llama")
    wait_live(page)
    page.get_by_role("button", name="Load the model", exact=True).click()
    said = page.locator("[data-models-more]")
    expect(said).to_contain_text("The storyteller is here, with everything as it was.", timeout=LIVE)
    assert asset in Saboteur.hits
    expect(page.locator("[data-model-choice]")).to_have_value("storyteller")
    Saboteur.spoiled = {}
    said.get_by_role("button", name="Try again").click()
    expect(said).to_contain_text("now about a random Llama", timeout=LIVE)


def test_what_stalls_is_told(page_at: Callable[..., Page]) -> None:
    Saboteur.spoiled = {built("runtime/stdlib.*.bin"): "stalled"}  # how each is waited for: tests/unit/files.mjs
    page = page_at("embed/path-lengths/?patience=1&boot=ordinary")
    message = page.locator("[data-status-message]")
    expect(message).to_contain_text("no byte arrived for 1 seconds", timeout=LIVE)
    still_is_there(page)
    said_once(page, "stalled")


def built(pattern: str) -> str:
    """The one file of the site that fits."""
    (found,) = SITE.glob(pattern)
    return found.relative_to(SITE).as_posix()


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_pages_script_the_page_says_so(kind: str, page_at: Callable[..., Page]) -> None:
    script = built("assets/page.*.js")
    Saboteur.spoiled = {script: kind}
    page = page_at("embed/path-lengths/")
    assert settled(page) == "failed"
    assert script in Saboteur.hits
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text("The script of this page")
    said_once(page, kind)
    Saboteur.spoiled = {}
    retry(page)
    wait_live(page)


@pytest.mark.parametrize(
    ("pattern", "words"), [("assets/page.*.js", "of this page"), ("runtime/worker.*.js", "that runs Python")]
)
def test_a_script_that_stalls_is_told(pattern: str, words: str, page_at: Callable[..., Page]) -> None:
    script = built(pattern)
    Saboteur.spoiled = {script: "stalled"}
    page = page_at("embed/path-lengths/?patience=1")
    expect(page.locator("[data-status-message]")).to_contain_text(
        f"{words} has not arrived for 3 seconds", timeout=LIVE
    )
    assert script in Saboteur.hits
    still_is_there(page)
    said_once(page, "stalled")


@pytest.mark.parametrize("kind", ["missing", "truncated"])
def test_without_the_workers_script_the_page_says_so(kind: str, page_at: Callable[..., Page]) -> None:
    script = built("runtime/worker.*.js")
    Saboteur.spoiled = {script: kind}
    page = page_at("embed/path-lengths/")
    assert settled(page) == "failed"
    assert script in Saboteur.hits
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text("The script that runs Python")
    said_once(page, kind)
    Saboteur.spoiled = {}
    retry(page)
    wait_live(page)


@pytest.mark.parametrize("kind", ["missing", "truncated", "stalled"])
def test_without_the_style_sheet_it_is_a_plain_page_and_live(kind: str, page_at: Callable[..., Page]) -> None:
    sheet = built("assets/site.*.css")
    Saboteur.spoiled = {sheet: kind}
    page = page_at("components/")
    assert settled(page) == "live"
    assert sheet in Saboteur.hits
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    still_is_there(page)


@pytest.mark.parametrize(
    ("lacking", "remedy"),
    [("WebAssembly", "It may be switched off here"), ("TransformStream", "A current version of this browser")],
)
def test_a_browser_that_cannot_is_told_so(lacking: str, remedy: str, page_at: Callable[..., Page]) -> None:
    worker = built("runtime/worker.*.js")
    Saboteur.spoiled = {worker: f"code: delete globalThis.{lacking};"}
    page = page_at("embed/path-lengths/")
    assert settled(page) == "failed"
    assert worker in Saboteur.hits
    still_is_there(page)
    expect(page.locator("[data-status-message]")).to_contain_text(lacking)
    said_once(page, remedy)
    expect(page.get_by_role("button", name="Retry")).to_be_hidden()  # it would not help


def test_in_a_sandbox_the_frame_says_what_its_host_must_write(page_at: Callable[..., Page]) -> None:
    page = page_at("how/")
    page.wait_for_load_state("domcontentloaded")
    page.evaluate(
        """() => { const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.src = '../embed/path-lengths/';
        document.body.append(frame); }"""
    )
    page.locator("iframe").scroll_into_view_if_needed()  # Python starts for a figure that is seen
    frame = page.frame_locator("iframe")
    expect(frame.locator("[data-status-message]")).to_contain_text("allow-same-origin", timeout=LIVE)
    expect(frame.locator("[data-status-message]")).not_to_contain_text("connection")
    page.evaluate("document.querySelector('iframe').sandbox = 'allow-scripts allow-same-origin'")
    page.evaluate("document.querySelector('iframe').src += ''")
    expect(frame.locator("html")).to_have_attribute("data-explainer", "live", timeout=LIVE)


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
    said_once(page, "Reload the page; if it stays so, try another browser.")


NO_SHARED = {
    "is not there": "delete window.SharedWorker; window.tried = 1",
    "throws": """window.SharedWorker = function () { window.tried = (window.tried ?? 0) + 1;
      throw new DOMException('Access to shared workers is denied', 'SecurityError') }""",
    "errs": """window.SharedWorker = function () { window.tried = (window.tried ?? 0) + 1;
      this.port = { postMessage() {}, close() {} }; setTimeout(() => this.onerror?.(new Event('error'))) }""",
}


@pytest.mark.parametrize("how", NO_SHARED)
def test_where_a_shared_worker_cannot_be_had_a_worker_of_its_own(how: str, page_at: Callable[..., Page]) -> None:
    page = page_at(script=NO_SHARED[how])
    assert settled(page) == "live"
    assert page.evaluate("window.tried") >= 1
    assert page.evaluate("told") == []


class Unpacking(serve.Handler):
    """A server that takes the packed files for its own compression: the browser unpacks them on the way."""

    def end_headers(self) -> None:
        if self.path.endswith(".bin"):
            self.send_header("Content-Encoding", "zstd")
        super().end_headers()


@pytest.mark.parametrize("query", ["", "?boot=ordinary"])
def test_files_that_the_server_lets_unpack_are_taken(query: str, site_directory: Path, context: BrowserContext) -> None:
    with serve.served(site_directory, Unpacking) as address:
        context.guard.origin = address  # type: ignore[attr-defined]
        page = context.new_page()
        page.add_init_script("addEventListener('explainer:live', (e) => { window.live = e.detail })")
        page.goto(f"{address}embed/path-lengths/{query}")
        wait_live(page)
        told = page.evaluate("window.live")
        assert told["how"] == ("booted" if query else "resumed"), told["reason"]
        assert told["bytes"] > 20e6  # they have been unpacked


class Slashless(serve.Handler):
    """A server that hands out a folder's page under the folder's name, without a redirect, the site being in /demo."""

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if not path.startswith("/demo"):
            self.send_error(404)
            return
        path = path.removeprefix("/demo")
        if (Path(self.directory) / path.strip("/") / "index.html").is_file():
            path = path.rstrip("/") + "/index.html"
        self.path = f"{path}?{query}"
        super().do_GET()


@pytest.mark.parametrize("path", ["demo", "demo/attention?layer=1", "demo/embed/path-lengths"])
def test_a_folder_served_without_its_slash_works(path: str, site_directory: Path, context: BrowserContext) -> None:
    # what the browser fetched ahead of the script that puts the slash there
    context.guard.allow("404")  # type: ignore[attr-defined]
    with serve.served(site_directory, Slashless) as address:
        context.guard.origin = address  # type: ignore[attr-defined]
        page = context.new_page()
        page.goto(address + path)
        wait_live(page)
        name, _, query = path.partition("?")
        assert page.url.split("&weights=")[0] == f"{address}{name}/" + (f"?{query}" if query else "")
        expect(page.get_by_role("heading").first).to_have_css(
            "font-weight", re.compile("[5-9]")
        )  # the style sheet has come
        assert not query or page.evaluate("explainer.state().layer") == 1


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


def test_started_in_a_background_tab_it_becomes_live(page_at: Callable[..., Page], broken_site: str) -> None:
    front = page_at("how/")
    back = front.context.new_page()
    front.bring_to_front()
    back.goto(broken_site + "components/")
    front.bring_to_front()
    assert settled(back) == "live"


def test_with_cookies_blocked_in_the_browser_itself_it_becomes_live(
    the_playwright: Playwright, whole_chromium_path: str, site: str, tmp_path: Path
) -> None:
    """Chromium as its settings leave it: no cookies, no storage, no SharedWorker, no service worker for any site."""
    (tmp_path / "Default").mkdir()
    settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(settings), encoding="utf-8")
    context = the_playwright.chromium.launch_persistent_context(
        tmp_path, executable_path=whole_chromium_path, args=chromium.FLAGS
    )
    page = context.new_page()
    page.add_init_script(LISTEN)
    page.goto(site + "embed/path-lengths/?view=full")
    stored = "(() => { try { return localStorage.length } catch (problem) { return problem.name } })()"
    assert page.evaluate(stored) == "SecurityError"
    wait_live(page)
    assert page.evaluate("told") == []
    page.get_by_label("Prompt").fill("Tom has a green kite.")
    until(page, "() => explainer.state().prompt === 'Tom has a green kite.'")
    settle(page)
    context.close()


@pytest.mark.parametrize("kind", ["missing", "corrupt"])
def test_a_spoiled_file_that_a_figure_asks_for(kind: str, page_at: Callable[..., Page]) -> None:
    """What is fetched when a figure is used: the page stays live, says so once, and Retry goes on where it stopped."""
    told = json.loads((SITE / "runtime" / "manifest.json").read_text(encoding="utf-8"))
    asset = f"runtime/{told['files']['late-vocabularies']['url']}"
    page = page_at("embed/vocabularies/")
    wait_live(page)
    Saboteur.spoiled = {asset: kind}
    page.get_by_role("button", name="Thai").click()
    expect(page.locator("[data-status-message]")).to_contain_text(REMEDY[kind])
    assert asset in Saboteur.hits
    assert page.locator("html").get_attribute("data-explainer") == "live"
    Saboteur.spoiled = {}
    retry(page)
    expect(page.locator("[data-body]")).to_contain_text("36 tokens")

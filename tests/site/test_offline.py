"""Without a network: the service worker on repeat visits, and a page in one file opened from a disk."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import folder
import offline
import pytest
import serve
import servers
import single
from conftest import LIVE, Guard, settle, tool, until, wait_live
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pages import PAGES


@pytest.fixture
def context_options() -> dict:
    return {"viewport": {"width": 1280, "height": 900}, "service_workers": "allow"}


def controlled(page) -> None:
    until(page, "() => navigator.serviceWorker.ready.then(r => r.active !== null)", timeout=LIVE)


def test_a_repeat_visit_works_with_the_network_off(context, site) -> None:
    page = context.new_page()
    page.goto(site + "attention/")
    wait_live(page)
    controlled(page)
    page.close()
    context.set_offline(True)
    again = context.new_page()
    again.goto(site + "paths/")
    wait_live(again)
    context.set_offline(False)


def test_it_stays_within_its_path_and_can_be_removed(context, site) -> None:
    page = context.new_page()
    page.goto(site + "components/")
    wait_live(page)
    controlled(page)
    assert page.evaluate("navigator.serviceWorker.ready.then(r => r.scope)") == site
    page.goto(site + "how/")
    page.get_by_role("button", name="Remove what this site keeps").click()
    expect(page.locator("[data-forget] + [role=status]")).to_contain_text("Removed")
    assert page.evaluate("navigator.serviceWorker.getRegistrations().then(r => r.length)") == 0
    assert page.evaluate("caches.keys().then(k => k.filter(n => n.startsWith('explainer ')).length)") == 0


@pytest.fixture
def own_copy(site_directory: Path, tmp_path: Path) -> Path:
    """A copy of the site that may be changed and whose server may be stopped."""
    copy = tmp_path / "site"
    shutil.copytree(site_directory, copy, ignore=shutil.ignore_patterns("single", "*.zip"))
    return copy


@pytest.fixture
def own_server(own_copy: Path) -> Iterator[serve.Server]:
    server = serve.make_server(own_copy, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_repeat_visit_works_when_the_server_is_gone(context, own_server) -> None:
    address = f"http://127.0.0.1:{own_server.server_port}/"
    context.guard.origin = address
    page = context.new_page()
    page.goto(address + "components/")
    wait_live(page)
    controlled(page)
    page.close()
    own_server.shutdown()
    own_server.server_close()
    with pytest.raises(URLError):
        urlopen(address)
    again = context.new_page()
    again.goto(address + "attention/?layer=2")
    wait_live(again)


DAMAGE = """async (name) => {
  const [cache] = (await caches.keys()).filter((n) => n.startsWith('explainer '));
  const held = await caches.open(cache);
  const [request] = (await held.keys()).filter(({ url }) => new RegExp(name).test(new URL(url).pathname));
  const response = await held.match(request);
  const body = new Uint8Array(await response.arrayBuffer());
  for (let i = 0; i < 200; i += 1) body[(body.length >> 1) + i] ^= 0x55;
  await held.put(request, new Response(body, { headers: response.headers }));
  return request.url;
}"""
SUM = """async (url) => {
  const body = await (await caches.match(url)).arrayBuffer();
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  return [...sum].map((b) => b.toString(16).padStart(2, '0')).join('');
}"""


def test_what_is_damaged_in_the_cache_is_fetched_anew_and_replaced(context, site, site_directory: Path) -> None:
    """One page script, the worker, the snapshot, and the page itself: each heals, and nobody is told of it."""
    page = context.new_page()
    page.goto(site + "attention/")
    wait_live(page)
    controlled(page)
    page.goto(site + "how/")  # it comes from the cache now
    damaged = [
        page.evaluate(DAMAGE, name)
        for name in ("assets/page[.]", "runtime/worker[.]", "runtime/snapshot[.]", "attention/$")
    ]
    page.close()
    page = context.new_page()
    page.add_init_script(
        "window.failed = []; addEventListener('explainer:failed', (e) => failed.push(e.detail));"
        "addEventListener('explainer:live', (e) => { window.live = e.detail })"
    )
    page.goto(site + "attention/")
    wait_live(page)
    assert page.evaluate("failed") == []
    told = page.evaluate("live")
    assert told["how"] == "resumed", told["reason"]
    for url in damaged:
        name = url.removeprefix(site)
        file = site_directory / (name + "index.html" if name.endswith("/") else name)
        right = hashlib.sha256(file.read_bytes()).hexdigest()
        until(page, f"async ([url, right]) => (await ({SUM})(url)) === right", [url, right])


def when_all_pages_are_gone(context: BrowserContext) -> Page:
    """An empty page, once the service worker that waited has taken over, with no page of the site open to see it.

    A page is not gone the moment it is closed: on a busy machine it, or the worker that it shared, may still stand as a
    client of the older build when the next page opens, and that would be an old one too. So the browser is asked.
    """
    page = context.new_page()
    status: dict[str, str] = {}  # of each version of the service worker
    session = context.new_cdp_session(page)
    session.on(
        "ServiceWorker.workerVersionUpdated",
        lambda told: status.update({version["versionId"]: version["status"] for version in told["versions"]}),
    )
    session.send("ServiceWorker.enable")
    end = time.monotonic() + LIVE / 1000
    while set(status.values()) - {"redundant"} != {"activated"}:
        assert time.monotonic() < end, f"the newer build does not take over when all pages are closed: {status}"
        page.wait_for_timeout(50)
    session.detach()
    return page


def test_an_update_is_whole_or_not_at_all(context, own_copy: Path, own_server) -> None:
    address = f"http://127.0.0.1:{own_server.server_port}/"
    context.guard.origin = address
    pages = ["components/", "how/"]
    page = context.new_page()

    def builds() -> list[bool]:
        seen = []
        for path in pages:
            page.goto(address + path)
            seen.append(page.locator("meta[name=build]").count() == 1)
        return seen

    page.goto(address + "components/")
    wait_live(page)
    controlled(page)
    for path in pages:  # the next build
        file = own_copy / path / "index.html"
        file.write_text(file.read_text(encoding="utf-8").replace("</title>", '</title><meta name="build" content="B">'))
    offline.seal(own_copy)
    broken = own_copy / "how" / "index.html"
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-100])  # and its deployment is only half done
    page.goto(address + "components/")
    update = "navigator.serviceWorker.getRegistration().then((r) => r.update()).then(() => true, () => false)"
    page.evaluate(update)
    until(
        page,
        "async () => { const r = await navigator.serviceWorker.getRegistration(); return !r.installing && !r.waiting }",
    )
    assert builds() == [False, False]
    broken.write_bytes(whole)  # now it is whole
    page.evaluate(update)
    until(page, "async () => (await navigator.serviceWorker.getRegistration()).waiting !== null", timeout=LIVE)
    assert builds() == [False, False]  # pages are open: they keep their build
    page.close()
    page = when_all_pages_are_gone(context)
    assert builds() == [True, True]
    assert page.evaluate("caches.keys().then((names) => names.length)") == 1


# ---- the folder is replaced by a newer build

OLD = time.time() - 100 * 86400  # so old that a browser, told nothing, keeps such a file for days without asking


def build_of(page: Page) -> str:
    """What `deploy` has written into the page."""
    return page.locator("meta[name=sample]").get_attribute("content") or ""


def is_of(page: Page, letter: str) -> None:
    """Wait until the page is of this build."""
    expect(page.locator(f"meta[name=sample][content={letter}]")).to_be_attached(timeout=LIVE)


@pytest.fixture
def deploy(site_directory: Path, readable: Path) -> Callable[..., str]:
    """`deploy('A')`: put a build called A in place of what is there; returns its real name.

    All files are of one time, and those that differ of one size: what servers tell files apart by is no help.
    python: with what makes figures live
    """
    folder = readable / "site"

    def put(letter: str, *, python: bool = False) -> str:
        shutil.rmtree(folder, ignore_errors=True)
        left = ["single", "*.zip"] if python else ["single", "*.zip", "runtime", "embed"]
        shutil.copytree(site_directory, folder, ignore=shutil.ignore_patterns(*left))
        for file in folder.rglob("*.html"):
            html = file.read_text(encoding="utf-8")
            file.write_text(html.replace("</title>", f'</title><meta name="sample" content="{letter}">', 1), "utf-8")
        name = offline.seal(folder)
        for each in [folder, *folder.rglob("*")]:
            each.chmod(0o755 if each.is_dir() else 0o644)
            os.utime(each, (OLD, OLD))
        return name

    return put


@pytest.fixture
def readable() -> Iterator[Path]:
    """A folder that a server which runs as another user can read."""
    with tempfile.TemporaryDirectory() as there:
        Path(there).chmod(0o755)
        yield Path(there)


@pytest.fixture(params=["python", "nginx"])
def a_server(request: pytest.FixtureRequest) -> Callable:
    if request.param == "nginx" and not servers.find_nginx():
        pytest.skip("there is no nginx")
    return getattr(servers, request.param)


@pytest.fixture
def caching_context(the_browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """A context whose requests nobody intercepts: that would switch off the browser's own cache."""
    made: list[tuple[BrowserContext, Guard]] = []

    def make(**options: object) -> BrowserContext:
        context = the_browser.new_context(**options)
        context.set_default_timeout(60_000)
        guard = Guard("")
        guard.allow("404|ERR_CONNECTION_(RESET|REFUSED)")  # folder or server go under an open page
        context.on("console", lambda m: guard.note(m.text) if m.type in ("error", "warning") else None)
        context.on("weberror", lambda e: guard.note(str(e.error)))
        made.append((context, guard))
        return context

    yield make
    for context, _ in made:
        context.close()
    assert [guard.problems for _, guard in made if guard.problems] == []


TOLD = "A newer version is here"


def told(page: Page) -> None:
    expect(page.get_by_text(TOLD, exact=True)).to_be_visible(timeout=LIVE)


def not_told(page: Page, build: str) -> None:
    """The page has asked which build is the newest, has heard that it is its own, and has said nothing."""
    until(page, "(build) => localStorage.getItem('explainer-build') === build", build)
    expect(page.get_by_text(TOLD, exact=True)).to_be_hidden()


def test_who_returns_gets_the_newer_build(deploy, readable: Path, a_server, caching_context) -> None:
    """Where no service worker does it (blocked, or the address is not secure)."""
    context = caching_context(service_workers="block")
    deploy("A")
    with a_server(readable / "site") as address:
        page = context.new_page()
        for path in ("licences/", "how/"):
            page.goto(address + path)
            assert build_of(page) == "A"
        newer = deploy("B")
        page = context.new_page()
        page.goto(address + "how/")
        assert build_of(page) == "A"  # the browser has not even asked
        told(page)
        page.get_by_role("button", name="Reload", exact=True).click()
        is_of(page, "B")
        not_told(page, newer)
        page.get_by_role("link", name="Licences", exact=True).click()  # read before, of build A
        expect(page).to_have_url(address + "licences/")
        assert build_of(page) == "B"
        not_told(page, newer)


def test_who_has_one_page_of_the_newer_build_goes_on_in_it(deploy, readable: Path, a_server, caching_context) -> None:
    context = caching_context(service_workers="block")
    deploy("A")
    with a_server(readable / "site") as address:
        page = context.new_page()
        page.goto(address + "licences/")
        page.goto(address + "how/")
        older = page.locator("html").get_attribute("data-build")
        not_told(page, older or "")
        newer = deploy("B")
        page.goto(address + "how/?mode=result")  # never asked for under this address
        assert build_of(page) == "B"
        not_told(page, newer)
        page.get_by_role("link", name="Licences", exact=True).click()
        expect(page).to_have_url(address + "licences/")
        assert build_of(page) == "B"


def test_what_is_kept_gives_way_as_a_whole(deploy, readable: Path, a_server, caching_context) -> None:
    """With the service worker, and with another page open, which is told as well."""
    context = caching_context()
    deploy("A", python=True)
    with a_server(readable / "site") as address:
        other = context.new_page()
        other.goto(address + "components/")
        wait_live(other)
        controlled(other)
        other.goto(address + "how/")
        deploy("B", python=True)
        page = context.new_page()
        page.goto(address + "attention/?layer=2&patience=600")
        assert build_of(page) == "A"
        told(page)  # once it is live, and B is kept whole beside A
        page.get_by_label("Prompt", exact=True).first.fill("Tom has a green kite. Tom")
        page.get_by_role("button", name="Reload", exact=True).click()
        is_of(page, "B")
        told(other)
        assert build_of(other) == "A"
        wait_live(page)
        state = page.evaluate("[explainer.state().prompt, explainer.state().layer]")
        assert state == ["Tom has a green kite. Tom", 2]
        expect(page.get_by_text(TOLD, exact=True)).to_be_hidden()
        page.get_by_role("link", name="How this page works").click()
        expect(page).to_have_url(address + "how/")
        assert build_of(page) == "B"
        other.get_by_role("button", name="Reload", exact=True).click()
        is_of(other, "B")
        kept = "caches.keys().then((names) => names.filter((name) => name.startsWith('explainer ')).length)"
        assert other.evaluate(kept) == 1


def test_an_open_page_asks_when_its_reader_comes_back_to_it(deploy, readable: Path, caching_context) -> None:
    context = caching_context(service_workers="block")
    older = deploy("A")
    with servers.python(readable / "site") as address:
        page = context.new_page()
        page.goto(address + "how/")
        not_told(page, older)
        deploy("B")
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        told(page)


@pytest.fixture
def one_file(site_directory: Path, tmp_path: Path) -> Callable[[str], Path]:
    """`one_file(name)`: a page or a widget in one file, as `make single` writes it."""
    return lambda name: single.write_single(site_directory, name, tmp_path / "single")


def test_a_page_in_one_file_asks_for_no_newer_build(one_file: Callable[[str], Path]) -> None:
    for page in PAGES:
        html = one_file(page.name).read_text(encoding="utf-8")
        assert "data-build" not in html.split("<head>")[0] and "data-newer" not in html.split("<script")[0]


def test_the_site_holds_no_page_twice(site_directory: Path) -> None:
    """A page in one file has 17 MB: it is made where it is asked for."""
    large = [f for f in site_directory.rglob("*") if f.is_file() and f.stat().st_size > 3e6]
    elsewhere = (site_directory / "single", site_directory / "models")  # a further model is a page's only on request
    large = [f for f in large if not any(f.is_relative_to(folder) for folder in elsewhere)]
    names = {f.relative_to(site_directory).as_posix().split(".")[0] for f in large}
    assert names == {"runtime/snapshot", "transformer-explainer"}


def test_a_reader_takes_a_page_away(open_page, make_context, tmp_path: Path) -> None:
    page = open_page("paths/")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Take this page with you").click()
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    assert file.name == "paths.html" and file.stat().st_size < 20e6
    taken = opened_from_a_disk(make_context, file)
    assert taken.locator("[data-widget]").count() == page.locator("[data-widget]").count()
    taken.get_by_label("Prompt", exact=True).first.fill("Mia has a red")
    settle(taken)


def test_where_a_page_in_one_file_used_to_lie_leads_to_the_button_that_makes_it(
    open_page, site_directory: Path
) -> None:
    pages = {page.name for page in PAGES}
    assert {file.stem for file in (site_directory / "single").glob("*.html")} >= pages
    page = open_page("single/paths.html", live=False)
    expect(page).to_have_url(re.compile("/paths/#take$"))
    expect(page.get_by_role("button", name="Take this page with you")).to_be_in_viewport()


@pytest.mark.parametrize("name", ["components"])
def test_a_page_in_one_file_is_live_from_a_disk_without_a_network(name, make_context, one_file) -> None:
    file = one_file(name)
    context = make_context()
    context.guard.origin = "file://"
    context.set_offline(True)
    page = context.new_page()
    page.goto(file.as_uri())
    wait_live(page)
    page.get_by_label("Prompt").first.fill("Tom has a green kite.")
    expect(page.locator(".tokens").first).to_contain_text("kite")


def opened_from_a_disk(make_context, file: Path):
    """A page opened by double click, with the network off."""
    context = make_context()
    context.guard.origin = "file://"
    context.set_offline(True)
    page = context.new_page()
    page.goto(file.as_uri())
    wait_live(page)
    return page


def test_a_reader_takes_a_figure_away_as_it_is_on_screen(open_page, make_context, tmp_path: Path) -> None:
    page = open_page("temperature/", t=2)
    page.get_by_label("Prompt", exact=True).first.fill("Tom has a green kite. Tom")
    settle(page)
    widget = page.locator("#temperature")
    tool(widget, "Download")
    with page.expect_download() as saved:
        widget.get_by_role("button", name="One file (works offline)").click()
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    assert file.name == "temperature.html" and file.stat().st_size < 20e6
    taken = opened_from_a_disk(make_context, file)
    assert taken.evaluate("[explainer.state().t, explainer.state().prompt]") == [2, "Tom has a green kite. Tom"]
    assert taken.locator("[data-body]").first.inner_text() == widget.locator("[data-body]").inner_text()
    before = taken.locator("[data-body]").inner_text()
    taken.get_by_label("Prompt", exact=True).fill("Mia has a red")
    until(taken, "() => explainer.state().prompt === 'Mia has a red'")
    settle(taken)
    assert taken.locator("[data-body]").inner_text() != before
    expect(taken.get_by_role("link", name="What does temperature")).to_have_attribute("href", page.url.split("?")[0])


def test_make_single_writes_a_figure(own_copy: Path, make_context) -> None:
    command = [sys.executable, single.__file__, "path-count", "--site", str(own_copy)]
    subprocess.run(command, check=True, capture_output=True)
    page = opened_from_a_disk(make_context, own_copy / "single" / "path-count.html")
    assert (
        page.evaluate("performance.getEntriesByType('resource').filter((r) => !/^(data|blob)/.test(r.name)).length")
        == 0
    )
    wrong = subprocess.run([*command[:2], "no-such", *command[3:]], check=False, capture_output=True, text=True)
    assert wrong.returncode == 1 and "path-count" in wrong.stdout


def test_the_zip_explains_itself_and_its_pages_live(site_directory: Path, make_context, tmp_path: Path) -> None:
    with zipfile.ZipFile(site_directory / folder.NAME) as z:
        z.extractall(tmp_path)
    unpacked = tmp_path / "transformer-explainer"
    assert not list(unpacked.rglob("*.zip"))
    assert not [f for f in unpacked.rglob("*.html") if folder.NAME in f.read_text(encoding="utf-8")]
    context = make_context()
    context.guard.origin = "file://"
    context.set_offline(True)
    page = context.new_page()
    page.goto((unpacked / "START-HERE.html").as_uri())
    links = page.locator("main a").all()
    assert len(links) == len(PAGES)
    for link in links:
        assert (unpacked / (link.get_attribute("href") or "")).is_file()
    page.get_by_role("link", name="What does temperature really do?").click()
    wait_live(page)
    page.get_by_label("Prompt", exact=True).first.fill("Tom has a green kite. Tom")
    until(page, "() => explainer.state().prompt === 'Tom has a green kite. Tom'")
    settle(page)
    page.get_by_role("link", name="Attention", exact=True).click()  # from page to page, on the disk
    wait_live(page)


def test_a_page_that_needs_a_server_says_so_when_opened_from_a_disk(site_directory: Path, make_context) -> None:
    context = make_context()
    context.guard.origin = "file://"
    context.guard.allow("CORS policy|ERR_FAILED|integrity|A preload for")
    page = context.new_page()
    page.goto((site_directory / "temperature" / "index.html").as_uri())
    expect(page.locator("[data-status-message]")).to_contain_text("in the folder “single”")
    expect(page.get_by_role("heading", level=1)).to_have_css("font-weight", "640")  # the style sheet has come


def test_the_unpacked_zip_can_be_served(site_directory: Path, make_context, tmp_path: Path) -> None:
    with zipfile.ZipFile(site_directory / folder.NAME) as z:
        z.extractall(tmp_path)
    with serve.served(tmp_path / "transformer-explainer") as address:
        context = make_context()
        context.guard.origin = address
        page = context.new_page()
        page.goto(address + "START-HERE.html")
        page.goto(address + "attention/")
        wait_live(page)
        controlled(page)  # its service worker knows these very files


def test_the_zip_is_served_by_whoever_serves_it(site_directory: Path, readable: Path, a_server) -> None:
    """Unpacked by root, and served by another user."""
    with zipfile.ZipFile(site_directory / folder.NAME) as z:
        for entry in z.infolist():  # as unzip does, modes and all, whatever the umask
            file = Path(z.extract(entry, readable))
            file.chmod(entry.external_attr >> 16 & 0o777)
    unpacked = readable / "transformer-explainer"
    for file in unpacked.rglob("*"):
        assert file.stat().st_mode & 0o777 == (0o755 if file.is_dir() else 0o644)
    with a_server(unpacked) as address:
        for file in unpacked.rglob("*.*"):
            with urlopen(f"{address}{file.relative_to(unpacked).as_posix()}") as answer:
                assert answer.status == 200


def test_the_demo_of_the_zip_shows_its_figures_by_double_click(site_directory: Path, make_context, tmp_path) -> None:
    with zipfile.ZipFile(site_directory / folder.NAME) as z:
        z.extractall(tmp_path)
    context = make_context()
    context.guard.origin = "file://"
    context.guard.allow("CORS policy|ERR_FAILED|integrity|A preload for|Unsafe attempt|origin 'null'")
    page = context.new_page()
    page.goto((tmp_path / "transformer-explainer" / "demo" / "index.html").as_uri())
    figure = page.locator("transformer-explainer").first
    frame = figure.locator("iframe").content_frame
    expect(frame.locator("[data-widget] h3")).to_be_visible()
    page.get_by_role("link", name="Temperature", exact=True).click()
    expect(page.get_by_role("heading", name="What does temperature really do?")).to_be_visible()


class Simple(serve.Handler):
    """A server that knows the types of .html, .css and .js, and calls everything else the same."""

    other = ""

    def guess_type(self, path: object) -> str:
        known = str(path).endswith((".html", ".css", ".js")) or str(path).endswith("/")
        return super().guess_type(path) if known else self.other  # type: ignore[arg-type]


@pytest.mark.parametrize("other", ["application/octet-stream", "text/plain"])
def test_a_server_that_knows_no_types_is_enough(other: str, make_context, site_directory: Path) -> None:
    assert not [f for kind in ("wasm", "mjs") for f in site_directory.rglob(f"*.{kind}")]  # scripts need a right type
    Simple.other = other
    with serve.served(site_directory, Simple) as address:
        with urlopen(f"{address}runtime/{next((site_directory / 'runtime').glob('snapshot.*')).name}") as answer:
            assert answer.headers["Content-Type"] == other
        context = make_context()
        context.guard.origin = address
        for query in ("", "?boot=ordinary"):
            page = context.new_page()
            page.goto(f"{address}components/{query}")
            wait_live(page)

"""Without a network: the service worker on repeat visits, and a page in one file opened from a disk."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import folder
import offline
import pytest
import serve
import single
from conftest import LIVE, settle, until, wait_live
from playwright.sync_api import expect

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


def test_an_update_is_whole_or_not_at_all(context, own_copy: Path, own_server) -> None:
    address = f"http://127.0.0.1:{own_server.server_port}/"
    context.guard.origin = address
    pages = ["components/", "how/", "licences/"]
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
    offline.write_service_worker(own_copy)
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
    assert builds()[:2] == [False, False]
    broken.write_bytes(whole)  # now it is whole
    page.evaluate(update)
    until(page, "async () => (await navigator.serviceWorker.getRegistration()).waiting !== null", timeout=LIVE)
    assert builds()[:2] == [False, False]  # pages are open: they keep their build
    page.close()
    page = context.new_page()
    page.goto("about:blank")
    page.goto(address + "how/")
    until(
        page,
        "async () => (await navigator.serviceWorker.getRegistration()).waiting === null",
    )
    assert builds() == [True, True, True]
    assert page.evaluate("caches.keys().then((names) => names.length)") == 1


@pytest.mark.parametrize("name", ["components"])
def test_a_page_in_one_file_is_live_from_a_disk_without_a_network(name, make_context, site_directory: Path) -> None:
    file = site_directory / "single" / f"{name}.html"
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
    widget.get_by_role("button", name="Download", exact=True).click()
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
    (own_copy / "single").mkdir()
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

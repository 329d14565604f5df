"""Without a network: the service worker on repeat visits, and a page in one file opened from a disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import offline
import pytest
import serve
import single
from conftest import LIVE, settle, until, wait_live
from playwright.sync_api import expect


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

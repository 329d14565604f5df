"""What a host does to a figure in its page: colours that change, routers that move it, frames that do not come.

The element `path-count` alone: it is quick to draw.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import serve
from conftest import LIVE, until, wait_live
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect
from test_embed import context_of

pytestmark = pytest.mark.single_figures
PICTURE = '<a href="SITEembed/path-count/"><img src="SITEembed/path-count/og.png" alt="How long" loading="lazy"></a>'
POST = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>A post</title>
<style>body {{ margin: 20px }} .slate {{ color-scheme: dark }} .black {{ background: #111; color: #eee }}</style>
<script>window.told = []; for (const n of ['still', 'live', 'failed', 'change', 'wrong'])
  addEventListener('explainer:' + n, e => window.told.push([n, e.target.id, e.detail]));</script>
<script src="SITEembed.js"></script><body><main id="here">
<transformer-explainer id="one" widget="path-count" tokens="7" KEY eager>{PICTURE}</transformer-explainer>
</main><div id="there"></div></body></html>"""


class Host:
    """Somebody's site on another origin; `show` puts a page there and opens it."""

    def __init__(self, context: BrowserContext, folder: Path, address: str, site: str):
        self.context, self.folder, self.address, self.site = context, folder, address, site

    def show(self, html: str = POST, **more: str) -> Page:
        for name, text in more.items():
            html = html.replace(name, text)
        (self.folder / "index.html").write_text(html.replace("SITE", self.site), encoding="utf-8")
        page = self.context.new_page()
        page.goto(self.address, wait_until="domcontentloaded")
        return page


@pytest.fixture
def host(context: BrowserContext, site: str, tmp_path: Path) -> Iterator[Host]:
    with serve.served(tmp_path) as address:
        context.guard.origin = (site, address)
        yield Host(context, tmp_path, address, site)


def figure(page: Page, name: str = "one") -> Frame:
    frame = page.locator(f"#{name} iframe").element_handle().content_frame()
    assert frame is not None
    return frame


def live(page: Page, name: str = "one") -> Frame:
    frame = figure(page, name)
    wait_live(frame)
    return frame


def test_the_theme_of_path_count_follows_its_host(host: Host) -> None:
    page = host.show(KEY="")
    inner = live(page).locator("html")
    expect(inner).to_have_attribute("data-theme", "light")
    for script, theme in (
        ("document.documentElement.className = 'slate'", "dark"),  # as Material for MkDocs does it
        ("document.documentElement.className = ''", "light"),
        ("document.body.className = 'black'", "dark"),  # dark by its own style sheet, and no color-scheme
        ("one.setAttribute('theme', 'light')", "light"),
        ("one.setAttribute('theme', 'auto')", "dark"),
    ):
        page.evaluate(script)
        expect(inner).to_have_attribute("data-theme", theme)
        assert page.locator("#one iframe").evaluate("el => getComputedStyle(el).colorScheme") == theme
    assert not [t for t in page.evaluate("told") if t[0] == "wrong"]


def workers(page: Page) -> list[str]:
    targets = page.context.browser.new_browser_cdp_session().send("Target.getTargets")["targetInfos"]
    mine = context_of(page, targets)
    return [t["targetId"] for t in targets if t["type"] == "shared_worker" and t.get("browserContextId") == mine]


def test_path_count_keeps_its_state_when_it_is_moved_and_when_another_takes_its_place(host: Host) -> None:
    page = host.show(KEY='key="lengths" keep="1"')
    live(page).evaluate("explainer.set({ tokens: 9 })")
    until(page, "() => told.some(t => t[0] === 'change' && t[2].tokens === 9)")
    before = page.locator("#one iframe").bounding_box()
    (worker,) = workers(page)
    born = figure(page).evaluate("performance.timeOrigin")
    page.evaluate("there.moveBefore(one, null)")  # as routers move an element where a browser can
    assert figure(page).evaluate("performance.timeOrigin") == born, "it goes on as it is"
    page.evaluate("here.append(one)")  # as they do elsewhere
    assert live(page).evaluate("explainer.state().tokens") == 9
    page.evaluate("window.source = one.outerHTML; one.remove()")
    page.wait_for_timeout(300)  # nobody is here, as between two pages of a router
    assert workers(page) == [worker], "Python waits for who comes next"
    page.evaluate("here.innerHTML = source")  # as a router that comes back to a page
    assert page.locator("#one iframe").bounding_box()["height"] == before["height"], "its room is known at once"
    assert live(page).evaluate("explainer.state().tokens") == 9
    assert workers(page) == [worker]
    page.evaluate("one.remove(); here.innerHTML = source.replace('tokens=\"7\"', 'tokens=\"5\"')")
    assert live(page).evaluate("explainer.state().tokens") == 5, "who is asked for something else shows that"
    page.evaluate("one.remove()")
    until(page, "() => !document.querySelector('html > iframe')")  # nobody came back within the second
    for _ in range(50):
        if not workers(page):
            break
        page.wait_for_timeout(100)
    assert workers(page) == [], "memory is given back"


def test_what_path_count_cannot_take_is_said_in_an_event_and_in_a_sentence(host: Host) -> None:
    page = host.show(KEY='tokns="3" view="ful" theme="drak" layers="many"')
    inner = live(page)
    for name in ("tokns", "view", "theme", "layers"):
        until(page, "name => told.some(t => t[0] === 'wrong' && t[2].name === name && t[2].message)", arg=name)
    said = page.locator("#one .wrong")
    for words in ("This figure knows no “tokns”", "view is “ful”", "theme is “drak”"):
        expect(said.filter(has_text=words)).to_have_count(1)
    expect(inner.get_by_text("“many”").first).to_be_visible()  # beside its field
    page.evaluate("one.setAttribute('widget', 'temprature')")
    until(page, "() => told.some(t => t[0] === 'failed' && t[2].what === 'name')")
    expect(page.locator("#one .wrong")).to_contain_text("There is no widget “temprature” here.")
    expect(page.get_by_role("link").get_by_role("img", name="How long")).to_be_visible()


def test_where_path_count_does_not_come_its_picture_does(host: Host) -> None:
    host.context.guard.allow("404|ERR_FAILED|Failed to load")
    host.context.route("**/embed/path-count/?*", lambda route: route.abort())
    page = host.show(KEY="")
    expect(page.locator("#one .wrong")).to_contain_text("The live figure did not come from 127.0.0.1")
    until(page, "() => told.some(t => t[0] === 'failed' && t[2].what === 'frame')")
    expect(page.get_by_role("link").get_by_role("img", name="How long")).to_be_visible()
    expect(page.locator("#one iframe")).to_be_hidden()


def test_on_paper_a_path_count_that_nobody_has_reached_is_its_picture(host: Host) -> None:
    host.context.route("**/embed/path-count/?*", lambda route: None)  # never answered
    page = host.show(POST.replace(" eager", ""), KEY="")
    page.emulate_media(media="print")
    expect(page.get_by_role("link").get_by_role("img", name="How long")).to_be_visible()
    expect(page.locator("#one iframe")).to_be_hidden()
    page.emulate_media(media="screen")
    expect(page.locator("#one iframe")).to_be_visible()


def test_path_count_is_live_in_a_sandbox_and_in_a_post_from_a_disk(host: Host, tmp_path: Path) -> None:
    page = host.show(KEY="sandbox")
    assert "allow-same-origin" in (page.locator("#one iframe").get_attribute("sandbox") or "")
    live(page)
    host.context.guard.origin = (host.site, "file://")
    page.goto((tmp_path / "index.html").as_uri())
    live(page)


def test_path_count_in_a_host_cut_off_from_its_origin_says_why_it_is_not_live(host: Host, the_browser: Browser) -> None:
    host.context.guard.allow("sandbox|CORS|integrity|ERR_FAILED|origin 'null'|SharedWorker|Unsafe attempt|localStorage")
    page = host.show(KEY='sandbox="allow-scripts"')
    inner = figure(page)
    expect(inner.locator("html")).to_have_attribute("data-explainer", "failed", timeout=LIVE)
    expect(inner.locator("[data-status-message]")).to_contain_text("allow-same-origin")
    until(page, "() => told.some(t => t[0] === 'wrong' && t[2].name === 'sandbox')")
    expect(page.locator("#one .wrong")).to_have_text("sandbox has to leave the figure allow-same-origin.")
    expect(page.locator("#one iframe")).to_be_visible()

"""The site under its own Content-Security-Policy, in every page's head and as a header of the whole site."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import contents
import pytest
import serve
import shell
from conftest import ABOUT_TEXTS, ROOT, settle, settled, tool, until, wait_live
from playwright.sync_api import Page, expect

from pages import PAGES

LIVE_PAGES = [p.path for p in PAGES] + [f"embed/{PAGES[1].widgets[0].slug}/"]
STATIC = [*(text.path for text in contents.texts()), "api/kernel/trace/"]
LISTEN = """window.violations = [];
addEventListener('securitypolicyviolation',
  (e) => violations.push(`${e.violatedDirective} ${e.blockedURI} ${e.sample}`));"""


class Guarded(serve.Handler):
    """A server that sends the policy with everything."""

    policy = shell.HEADER

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()


@pytest.fixture
def guarded(site_directory) -> Iterator[str]:
    Guarded.policy = shell.HEADER
    with serve.served(site_directory, Guarded) as address:
        yield address


@pytest.fixture
def visit(make_context: Callable, guarded: str) -> Callable[..., Page]:
    def go(path: str, allow: str = "^$") -> Page:
        context = make_context()
        context.guard.origin = guarded
        context.guard.allow(allow)
        page = context.new_page()
        page.add_init_script(LISTEN)
        page.goto(guarded + path)
        return page

    return go


def an_injected_script_does_not_run(page: Page) -> None:
    page.context.guard.allow("Content Security Policy")
    page.evaluate(
        """() => {
            document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.injected = 1'}));
            const bold = document.createElement('b');
            bold.innerHTML = '<i onclick="window.injected = 2">x</i>';
            document.body.append(bold);
            bold.firstChild.click();
            setTimeout('window.injected = 3', 0);
        }"""
    )
    until(page, "() => window.violations.length >= 3")
    assert page.evaluate("window.injected") is None


@pytest.mark.parametrize("path", LIVE_PAGES)
def test_a_page_lives_and_is_used_within_the_policy(path: str, visit: Callable[..., Page]) -> None:
    page = visit(path)
    wait_live(page)
    if path.startswith("embed/") or path in ABOUT_TEXTS:
        page.get_by_label("Prompt", exact=True).first.fill("Tom has a green kite.")
    settle(page)
    widget = page.locator("[data-widget]").first
    for name in ("Reset", "Copy embed code", "Download"):
        tool(widget, name)
    for kind in ("SVG", "PNG", "CSV", "JSON"):
        with page.expect_download():
            widget.get_by_role("button", name=kind, exact=True).click()
    settle(page)
    assert page.evaluate("window.violations") == []
    an_injected_script_does_not_run(page)


@pytest.mark.parametrize("path", STATIC)
def test_a_page_of_prose_keeps_the_policy(path: str, visit: Callable[..., Page]) -> None:
    page = visit(path)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("window.violations") == []


WORDS = ["blob:", "'wasm-unsafe-eval'", "worker-src 'self'; ", "connect-src 'self' data:; ", " data:; style"]


@pytest.mark.parametrize("word", WORDS)
def test_no_word_of_the_policy_is_idle(word: str, visit: Callable[..., Page]) -> None:
    assert word in shell.HEADER
    instead = {"worker-src 'self'; ": "worker-src 'none'; ", " data:; style": "; style"}.get(word, "")
    Guarded.policy = shell.HEADER.replace(word, instead)
    page = visit("embed/path-lengths/", allow="Content Security Policy|CSP|WebAssembly|import")
    assert settled(page) == "failed"
    message = page.locator("[data-status-message]")
    expect(message).to_contain_text("README")
    assert "Content-Security-Policy" in message.inner_text() and "onnection" not in message.inner_text()
    expect(page.get_by_role("button", name="Retry")).to_be_hidden()


def test_the_policy_of_a_page_is_tighter_than_that_of_the_worker(site_directory) -> None:
    assert (
        "'wasm-unsafe-eval'" not in shell.POLICY and "blob:" not in shell.POLICY and "unsafe-eval'" not in shell.POLICY
    )
    for file in site_directory.rglob("index.html"):
        head = file.read_text(encoding="utf-8").split("</head>")[0]
        assert 'http-equiv="Content-Security-Policy"' in head, file
        assert head.index("Content-Security-Policy") < head.index("<script"), file


def test_the_readme_says_the_header() -> None:
    assert f"    Content-Security-Policy: {shell.HEADER}\n" in (ROOT / "README.md").read_text(encoding="utf-8")

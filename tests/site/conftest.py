"""Browser tests drive the built `_site/`: the bytes that readers get, from a server of our own on a free port.

Guards that hold in every test: a console error, an uncaught error or a request to another origin fails it. A test that
sabotages the site on purpose says which console lines it expects: `guard.allow("404")`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import browser as chromium
import pytest
import serve
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("EXPLAINER_SITE", ROOT / "_site"))
LIVE = 180_000  # ms that a page may take to become live on a busy machine; it is `make bench` that times
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def site_directory() -> Path:
    if not (SITE / "index.html").exists():
        pytest.fail(f"there is no built site in {SITE}: run `make site` (make test does)")
    return SITE


@pytest.fixture(scope="session")
def site(site_directory: Path) -> Iterator[str]:
    """The base URL of the served site, ending in a slash."""
    with serve.served(site_directory) as address:
        yield address


@pytest.fixture(scope="session")
def the_playwright() -> Iterator[Playwright]:
    """The one Playwright of a process: a second one cannot be started beside it."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def chromium_path() -> str:
    return chromium.find_chromium() or pytest.fail("there is no Chromium: run `make browser`")


@pytest.fixture(scope="session")
def whole_chromium_path() -> str:
    """The browser with its windows: the headless shell has neither a back/forward cache nor a profile's settings."""
    path = chromium.find_chromium(windowed=True)
    if not path or Path(path).name in chromium.SHELLS:
        pytest.fail("there is no whole Chromium: run `make browser`, or let CHROMIUM name one")
    return path


@pytest.fixture(scope="session")
def the_browser(the_playwright: Playwright, chromium_path: str) -> Iterator[Browser]:
    instance = the_playwright.chromium.launch(executable_path=chromium_path, args=chromium.FLAGS)
    yield instance
    instance.close()


class Guard:
    """Collects what must not happen on any page of a context."""

    def __init__(self, origin: str):
        self.origin = origin
        self.problems: list[str] = []
        self.allowed: list[str] = ["Service Worker registration blocked by Playwright"]  # we block it, it says so

    def allow(self, pattern: str) -> None:
        """Expect console lines that match this regular expression (a sabotaged site makes some)."""
        self.allowed.append(pattern)

    def watch(self, context: BrowserContext) -> None:
        context.on(
            "console", lambda m: self.note(f"console {m.type}: {m.text}") if m.type in ("error", "warning") else None
        )
        context.on("weberror", lambda e: self.note(f"page error: {e.error}"))
        context.route("**/*", self._route)

    def note(self, problem: str) -> None:
        if not any(re.search(p, problem) for p in self.allowed):
            self.problems.append(problem)

    def _route(self, route: object) -> None:
        url = route.request.url  # type: ignore[attr-defined]
        if urlsplit(url).scheme in ("data", "blob") or url.startswith(
            self.origin if isinstance(self.origin, str) else tuple(self.origin)
        ):
            route.continue_()  # type: ignore[attr-defined]
        else:
            self.problems.append(f"request off-origin: {url}")
            route.abort()  # type: ignore[attr-defined]


@pytest.fixture
def context_options() -> dict:
    """Override in a test module for another viewport, colour scheme or reduced motion."""
    return {"viewport": {"width": 1280, "height": 900}, "service_workers": "block"}


@pytest.fixture
def make_context(
    the_browser: Browser, site: str, context_options: dict, request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    made: list[tuple[BrowserContext, Guard]] = []

    def make(**options: object) -> BrowserContext:
        context = the_browser.new_context(**{**context_options, **options})
        origin = "{0.scheme}://{0.netloc}/".format(urlsplit(site))
        guard = Guard(origin)
        guard.watch(context)
        context.set_default_timeout(60_000)
        context.guard = guard  # type: ignore[attr-defined]
        made.append((context, guard))
        return context

    yield make
    report = getattr(request.node, "rep_call", None)
    failed = report is not None and report.failed
    problems: list[str] = []
    for number, (context, guard) in enumerate(made):
        problems += guard.problems
        if failed or guard.problems:
            folder = ROOT / "test-results"
            folder.mkdir(exist_ok=True)
            name = re.sub(r"[^a-z0-9]+", "-", request.node.nodeid.lower())[-80:]
            for k, page in enumerate(context.pages):
                page.screenshot(path=folder / f"{name}-{number}-{k}.png", full_page=True)
        context.close()
    assert not problems, "\n".join(problems)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    setattr(item, f"rep_{report.when}", report)


@pytest.fixture
def context(make_context: Callable[..., BrowserContext]) -> BrowserContext:
    return make_context()


@pytest.fixture
def guard(context: BrowserContext) -> Guard:
    return context.guard  # type: ignore[attr-defined]


@pytest.fixture
def open_page(context: BrowserContext, site: str) -> Callable[..., Page]:
    """`open_page('attention/', layer=2)` -> a page that is live (or `live=False`: just loaded)."""

    def open_(path: str = "", *, live: bool = True, base: str | None = None, **query: object) -> Page:
        page = context.new_page()
        page.goto((base or site) + path + (f"?{urlencode(query)}" if query else ""))
        if live:
            wait_live(page)
        return page

    return open_


def wait_live(page: Page) -> None:
    """Wait until the page is live and Python has answered everything asked so far."""
    assert settled(page) == "live", page.locator("[data-status-message]").text_content()
    settle(page)


def settle(page: Page) -> None:
    """Wait until Python has answered everything that was asked of it."""
    expect(page.locator("html:not([data-busy])")).to_be_attached(timeout=LIVE)


def at_rest(element: Locator) -> None:
    """Wait until an element has stood still on the screen for half a second."""
    element.scroll_into_view_if_needed()
    element.evaluate(
        """async (el) => {
            const place = () => JSON.stringify(el.getBoundingClientRect());
            for (let at = place(), still = 0; still < 30; still = at === (at = place()) ? still + 1 : 0) {
                await new Promise(requestAnimationFrame);
            }
        }"""
    )


def settled(page: Page | Frame) -> str:
    """Wait until a page is `live` or `failed`; returns which."""
    root = page.locator("html")
    expect(root).to_have_attribute("data-explainer", re.compile("^(live|failed)$"), timeout=LIVE)
    return root.get_attribute("data-explainer") or ""


def until(page: Page | Frame, function: str, arg: object = None, timeout: int = 30_000) -> None:
    """Wait until a JavaScript function (or a promise of it) is true.

    Playwright's own `wait_for_function` needs `eval` in the page, which the pages' Content-Security-Policy forbids.
    """
    page.evaluate(
        f"""async ([arg, timeout]) => {{
            const given = {function};
            for (const end = performance.now() + timeout; !(await given(arg)); ) {{
                if (performance.now() > end) throw new Error('this did not become true: ' + given);
                await new Promise((resolve) => setTimeout(resolve, 50));
            }}
        }}""",
        [arg, timeout],
    )

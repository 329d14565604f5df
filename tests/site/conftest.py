"""Browser tests drive the built `_site/`: the bytes that readers get, from a server of our own on a free port.

Guards that hold in every test: a console error, an uncaught error or a request to another origin fails it. A test that
sabotages the site on purpose says which console lines it expects: `guard.allow("404")`.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import browser as chromium
import pytest
import serve
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Frame,
    Locator,
    Page,
    Playwright,
    Request,
    expect,
    sync_playwright,
)

from pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
SITE = Path(os.environ.get("EXPLAINER_SITE", ROOT / "_site"))
LIVE = 180_000  # ms that a page may take to become live on a busy machine; it is `make bench` that times
expect.set_options(timeout=30_000)
ABOUT_TEXTS = [page.path for page in PAGES if any("prompt" in widget.reads for widget in page.widgets)]
"""The pages that are about a reader's text: they have a prompt, and the chapters formulas; /steps/ has neither."""


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

    def __init__(self, site: str):
        self.origin = "{0.scheme}://{0.netloc}/".format(urlsplit(site))
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
        context.on("request", self._asked)

    def note(self, problem: str) -> None:
        if not any(re.search(p, problem) for p in self.allowed):
            self.problems.append(problem)

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in ("data", "blob") and not request.url.startswith(self.origin):
            self.problems.append(f"request off-origin: {request.url}")


# Sections and disclosures open, as for a reader who has opened them: all of them, since what a test is about may lie in
# any, or those of some figures. Tests of the pages as they come ask for `sections="as they come"` (make_context).
OPENED = """addEventListener('DOMContentLoaded', () => {
    const figures = %s; // null: all
    const within = (el) => !figures || figures.some((name) => el.closest(`[data-widget="${name}"]`));
    const around = (el) => !figures || figures.some((name) => el.querySelector(`[data-widget="${name}"]`));
    for (const el of document.querySelectorAll('details.deeper')) if (around(el)) el.open = true;
    for (const el of document.querySelectorAll('details:is(.disclosed, .more-rows)')) if (within(el)) el.open = true;
    new MutationObserver((changes) => {
        for (const { addedNodes } of changes) for (const node of addedNodes)
            for (const el of node.querySelectorAll?.('details:is(.disclosed, .more-rows)') ?? [])
                if (within(el)) el.open = true;
    }).observe(document.body, { childList: true, subtree: true });
})"""


def script_for(sections: str, figures: list[str] | None) -> str | None:
    """The script that opens what a test is about. sections: "open" or "as they come"; figures: only theirs"""
    return OPENED % json.dumps(figures) if sections == "open" else None


@functools.cache
def sources(path: Path) -> dict[str, tuple[set[str], set[str]]]:
    """Of each function of a file: the texts in it, and the names that it uses (fixtures among them)."""
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            inner = list(ast.walk(node))
            texts = {n.value for n in inner if isinstance(n, ast.Constant) and isinstance(n.value, str)}
            names = {n.id for n in inner if isinstance(n, ast.Name)} | {n.arg for n in inner if isinstance(n, ast.arg)}
            found[node.name] = (texts, names)
    return found


FIGURES = [widget.slug for page in PAGES for widget in page.widgets]


def figures_of(request: pytest.FixtureRequest) -> list[str] | None:
    """The figures that a test names, itself or in what it uses of its file; None, for all, where it names none, or its
    file is not one about single figures (`pytestmark = pytest.mark.single_figures`).

    With every section open, whatever a test does is drawn in all figures of a page: that was half of what the suite
    took.
    """
    if not request.node.get_closest_marker("single_figures"):
        return None
    functions = sources(request.path)
    said, todo, seen = set[str](), {request.function.__name__, *request.fixturenames}, set[str]()
    while todo:
        name = todo.pop()
        seen.add(name)
        texts, names = functions.get(name, (set(), set()))
        said |= texts
        todo |= (names & functions.keys()) - seen
    said |= {str(value) for value in getattr(request.node, "callspec", SimpleNamespace(params={})).params.values()}
    named = re.compile(r"(?:^|[#=\"'])([a-z-]+)(?:$|[\"'\] ])")
    there = {word for text in said for word in named.findall(text)}
    return [slug for slug in FIGURES if slug in there] or None


OPTIONS = {"viewport": {"width": 1280, "height": 900}, "service_workers": "block"}


@pytest.fixture
def context_options() -> dict:
    """Override in a test module for another viewport, colour scheme or reduced motion."""
    return dict(OPTIONS)


class Visit:
    """One visit of the site: a browser context whose pages share one Python, as the tabs of a reader do.

    A page that opens in a visit is live in a fifth of the time that a fresh browser takes (no boot), so a test has a
    context of its own only where that is what it is about: what is kept, boots, breaks or is asked of the browser.
    """

    LONG = 40  # pages; then a fresh one, as no reader's visit is longer

    def __init__(self, browser: Browser, site: str, options: dict):
        self.browser, self.site, self.options = browser, site, options
        self.context: BrowserContext | None = None
        self.opened = 0

    def begin(self) -> None:
        self.context, self.opened = self.browser.new_context(**self.options), 0
        self.context.guard = Guard(self.site)  # type: ignore[attr-defined]
        self.context.guard.watch(self.context)  # type: ignore[attr-defined]
        self.context.set_default_timeout(60_000)
        self.keeper = self.context.new_page()  # as long as a page is open, Python stays
        self.keeper.goto(self.site + "embed/temperature/")
        wait_live(self.keeper)
        self.keeper.evaluate("explainer.set({ t: 2 })")  # what comes after going live is here, too, and no page says so
        settle(self.keeper)

    def open(self, script: str | None) -> Page:
        if self.context is None:
            self.begin()
        self.opened += 1
        page = self.context.new_page()  # type: ignore[union-attr]
        if script:
            page.add_init_script(script)
        return page

    def tidy(self, failed: bool) -> list[str]:
        """After a test: close its pages, forget what they kept; returns what must not have happened."""
        assert self.context is not None
        for page in self.context.pages:
            if page is not self.keeper:
                page.close()
        problems = list(self.context.guard.problems)  # type: ignore[attr-defined]
        if failed or problems or self.opened >= self.LONG:
            self.end()
        else:
            self.keeper.evaluate("localStorage.clear()")
        return problems

    def end(self) -> None:
        if self.context is not None:
            self.context.close()
        self.context = None


@pytest.fixture(scope="session")
def the_visit(the_browser: Browser, site: str) -> Iterator[Visit]:
    visit = Visit(the_browser, site, dict(OPTIONS))
    yield visit
    visit.end()


def photograph(pages: list[Page], request: pytest.FixtureRequest) -> None:
    """What a failed test had on screen, kept in test-results/."""
    folder = ROOT / "test-results"
    folder.mkdir(exist_ok=True)
    name = re.sub(r"[^a-z0-9]+", "-", request.node.nodeid.lower())[-80:]
    for k, page in enumerate(pages):
        page.screenshot(path=folder / f"{name}-{k}.png", full_page=True)


def has_failed(request: pytest.FixtureRequest) -> bool:
    report = getattr(request.node, "rep_call", None)
    return report is not None and report.failed


@pytest.fixture
def make_context(
    the_browser: Browser, site: str, context_options: dict, request: pytest.FixtureRequest
) -> Iterator[Callable[..., BrowserContext]]:
    made: list[tuple[BrowserContext, Guard]] = []

    def make(sections: str = "open", **options: object) -> BrowserContext:
        context = the_browser.new_context(**{**context_options, **options})
        if script := script_for(sections, figures_of(request)):
            context.add_init_script(script)
        guard = Guard(site)
        guard.watch(context)
        context.set_default_timeout(60_000)
        context.guard = guard  # type: ignore[attr-defined]
        made.append((context, guard))
        return context

    yield make
    problems = [problem for _, guard in made for problem in guard.problems]
    if has_failed(request) or problems:
        photograph([page for context, _ in made for page in context.pages], request)
    for context, _ in made:
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
def new_page(the_visit: Visit, request: pytest.FixtureRequest) -> Iterator[Callable[..., Page]]:
    """`new_page(viewport={...}, color_scheme="dark")` -> a page that nothing is opened in, of the visit that all such
    tests share.

    It can be told its viewport, what `Page.emulate_media` knows, and `sections="as they come"`. Whatever else a browser
    can be told needs a context of its own (`make_context`).
    """
    opened: list[Page] = []

    def new(sections: str = "open", viewport: dict | None = None, **media: str) -> Page:
        page = the_visit.open(script_for(sections, figures_of(request)))
        opened.append(page)
        if viewport:
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
        if media:
            page.emulate_media(**media)  # type: ignore[arg-type]
        return page

    yield new
    if not opened:
        return
    failed = has_failed(request)
    if failed:
        photograph([page for page in opened if not page.is_closed()], request)
    problems = the_visit.tidy(failed)
    assert not problems, "\n".join(problems)


@pytest.fixture
def open_page(
    site: str, context_options: dict, new_page: Callable[..., Page], request: pytest.FixtureRequest
) -> Callable[..., Page]:
    """`open_page('attention/', layer=2)` -> a page that is live (or `live=False`: just loaded).

    It opens in the visit that all such tests share (`seen`: what `new_page` is told), except where a test asks for
    `context` or `guard` or has options of its own: then in its own context.
    """
    own = context_options != OPTIONS or {"context", "guard"} & set(request.fixturenames)
    context: BrowserContext | None = request.getfixturevalue("context") if own else None

    def open_(
        path: str = "", *, live: bool = True, base: str | None = None, seen: dict | None = None, **query: object
    ) -> Page:
        page = context.new_page() if context else new_page(**(seen or {}))
        if path.startswith("embed/"):
            query.setdefault("view", "full")  # what an embed shows at first is for test_heights.py
        page.goto((base or site) + path + (f"?{urlencode(query)}" if query else ""))
        if live:
            wait_live(page)
        return page

    return open_


def tool(widget: Locator, name: str) -> None:
    """Press one of a figure's tools: they lie behind its button “Tools”."""
    widget.get_by_role("button", name="Tools", exact=True).click()
    widget.get_by_role("button", name=name, exact=True).click()


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


def stopped(page: Page, widget: str) -> int:
    """Wait until a figure no longer trains: what its lease still allowed is done. Returns the step that it came to."""
    step = f"() => document.querySelector('[data-widget={widget}] [data-step]').dataset.piece"
    last = None
    for _ in range(40):
        now = page.evaluate(step)
        if now is not None and now == last:
            return int(now)
        last = now
        page.wait_for_timeout(1500)
    pytest.fail("it never stopped")


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

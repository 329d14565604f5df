"""Three browsers behind one small face: Chromium (Playwright), stock Firefox (WebDriver BiDi), WebKitGTK (WebDriver).

`python tests/site/engines.py` opens every page in each of them, prints how long it took to become live, and leaves a
screenshot of the whole page in `_shots/`.

Playwright drives only a Firefox of its own making. The stock one speaks WebDriver BiDi by itself, over a WebSocket: no
geckodriver, which Debian does not have. WebKitGTK comes with its driver and needs a screen, so it gets one from Xvfb.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

import browser as installed  # noqa: E402
import contents  # noqa: E402
import serve  # noqa: E402
import single  # noqa: E402
import websocket  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from selenium import webdriver  # noqa: E402
from selenium.webdriver.webkitgtk.options import Options  # noqa: E402
from selenium.webdriver.webkitgtk.service import Service  # noqa: E402

from pages import CHAPTERS, PAGES  # noqa: E402

PATIENCE = 180  # seconds that anything may take on a busy machine; nothing is timed here
WIDTH, HEIGHT = 1280, 900
KEYS = {"End": "\ue010", "ArrowRight": "\ue014", "Enter": "\ue007"}


class Engine:
    """What a test needs of a browser: one tab, scripts in it, and a reader's mouse and keyboard."""

    name: str
    version: str

    def open(self, url: str) -> None:
        """Go there and wait for the load event."""
        raise NotImplementedError

    def run(self, code: str) -> Any:
        """The value of a JavaScript expression in the page, awaited, as JSON would have it."""
        raise NotImplementedError

    def click(self, selector: str) -> None:
        """Click the middle of the first match, as a hand does."""
        raise NotImplementedError

    def keys(self, text: str) -> None:
        """Type into whatever has the focus; the keys with names are those of KEYS."""
        raise NotImplementedError

    def screenshot(self, path: Path) -> None:
        raise NotImplementedError

    def problems(self) -> list[str]:
        """Console errors and uncaught errors since the last call."""
        raise NotImplementedError

    def wait(self, code: str) -> Any:
        """Wait until the expression is true. Raises AssertionError after PATIENCE seconds."""
        found = self.run(
            "new Promise((resolve) => { const end = performance.now() + LONGEST; const look = () => { let found = null;"
            " try { found = CODE; } catch { /* what is asked for is not there yet */ }"
            " if (found || performance.now() > end) resolve(found || null); else setTimeout(look, 50); }; look(); })"
            "".replace("LONGEST", str(PATIENCE * 1000)).replace("CODE", code)
        )
        assert found, f"{self.name} waited in vain for {code}"
        return found

    def wait_live(self, of: str = "document") -> None:
        """Wait until the page (or the document of a frame in it) is live and Python has answered everything."""
        root = f"{of}.documentElement"
        state = self.wait(f"['live', 'failed'].includes({root}.dataset.explainer) && {root}.dataset.explainer")
        assert state == "live", self.run(f"{of}.querySelector('[data-status-message]')?.textContent")
        self.settle(of)

    def wait_embeds_live(self) -> list[str]:
        """Scroll to each embed of a post and wait until it is live; the documents inside, as expressions."""
        inside = []
        for k in range(self.run("document.querySelectorAll('transformer-explainer').length")):
            embed = f"document.querySelectorAll('transformer-explainer')[{k}]"
            self.run(f"void {embed}.scrollIntoView()")
            inside.append(f"{embed}.shadowRoot.querySelector('iframe').contentDocument")
            self.wait(f"{inside[-1]}.documentElement.dataset.explainer")
            self.wait_live(inside[-1])
        return inside

    def settle(self, of: str = "document") -> None:
        self.wait(f"!{of}.documentElement.hasAttribute('data-busy')")

    def focus(self, selector: str) -> None:
        self.run(f"void document.querySelector({json.dumps(selector)}).focus()")

    def fill(self, selector: str, text: str) -> None:
        """Replace the text of a field by typing."""
        self.focus(selector)
        self.run(f"void document.querySelector({json.dumps(selector)}).select()")
        self.keys(text)


class Chromium(Engine):
    name = "Chromium"

    def __init__(self, instance: Browser):
        self.version = instance.version
        self.context = instance.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        self.seen: list[str] = []
        self.context.on("console", lambda m: self.seen.append(f"console: {m.text}") if m.type == "error" else None)
        self.context.on("weberror", lambda e: self.seen.append(f"page error: {e.error}"))
        self.page: Page = self.context.new_page()

    def open(self, url: str) -> None:
        self.page.goto(url, timeout=PATIENCE * 1000)

    def run(self, code: str) -> Any:
        return json.loads(self.page.evaluate(f"(async () => JSON.stringify((await ({code})) ?? null))()"))

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click(timeout=PATIENCE * 1000)

    def keys(self, text: str) -> None:
        for key in re.findall("|".join(KEYS) + "|.", text):
            if key in KEYS:
                self.page.keyboard.press(key)
            else:
                self.page.keyboard.type(key)

    def screenshot(self, path: Path) -> None:
        self.page.screenshot(path=path, full_page=True)

    def problems(self) -> list[str]:
        self.run("null")  # whatever was said before has then arrived
        found, self.seen = self.seen, []
        return found


class Firefox(Engine):
    """Stock Firefox: one process, one WebSocket, WebDriver BiDi in its own words (w3c.github.io/webdriver-bidi)."""

    name = "Firefox"

    def __init__(self, socket: websocket.WebSocket):
        self.socket, self.number, self.events = socket, 0, []
        capabilities = self.send("session.new", capabilities={})["capabilities"]
        self.version = capabilities["browserVersion"]
        self.send("session.subscribe", events=["log.entryAdded"])
        self.tab = self.send("browsingContext.create", type="tab")["context"]
        self.send("browsingContext.setViewport", context=self.tab, viewport={"width": WIDTH, "height": HEIGHT})

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result; events that come in between are kept."""
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.socket.recv())
            if message["type"] == "event":
                self.events.append(message["params"])
            elif message["type"] == "error":
                raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
            elif message["id"] == self.number:
                return message["result"]

    def open(self, url: str) -> None:
        self.send("browsingContext.navigate", context=self.tab, url=url, wait="complete")

    def run(self, code: str) -> Any:
        answer = self.send(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({code})) ?? null))()",
            target={"context": self.tab},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"]["value"])

    def click(self, selector: str) -> None:
        self.run(f"void document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        found = self.send("browsingContext.locateNodes", context=self.tab, locator={"type": "css", "value": selector})
        middle = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        self._act(
            {"type": "pointer", "id": "mouse"},
            [
                {"type": "pointerMove", "x": 0, "y": 0, "origin": middle},
                {"type": "pointerDown", "button": 0},
                {"type": "pointerUp", "button": 0},
            ],
        )

    def keys(self, text: str) -> None:
        pressed = [KEYS.get(key, key) for key in re.findall("|".join(KEYS) + "|.", text)]
        actions = [{"type": way, "value": key} for key in pressed for way in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard"}, actions)

    def _act(self, source: dict[str, str], actions: list[dict[str, Any]]) -> None:
        self.send("input.performActions", context=self.tab, actions=[{**source, "actions": actions}])

    def screenshot(self, path: Path) -> None:
        taken = self.send("browsingContext.captureScreenshot", context=self.tab, origin="document")
        path.write_bytes(base64.b64decode(taken["data"]))

    def problems(self) -> list[str]:
        self.run("null")  # whatever was said before has then arrived
        found = [f"{e['type']}: {e['text']}" for e in self.events if e["level"] == "error"]
        self.events.clear()
        return found


class WebKit(Engine):
    """WebKitGTK in its MiniBrowser. Its driver tells nothing of errors: the page collects those after it has loaded."""

    name = "WebKitGTK"
    COLLECT = """globalThis.problems = [];
        console.error = (...words) => problems.push('console: ' + words.join(' '));
        addEventListener('error', (e) => problems.push('page error: ' + (e.message ?? e.target)));
        addEventListener('unhandledrejection', (e) => problems.push('page error: ' + e.reason));"""

    def __init__(self, driver: webdriver.WebKitGTK):
        self.driver = driver
        self.version = driver.capabilities["browserVersion"]
        driver.set_script_timeout(PATIENCE + 10)
        driver.set_window_rect(0, 0, WIDTH, HEIGHT)

    def open(self, url: str) -> None:
        self.driver.get(url)
        self.driver.execute_script(self.COLLECT)

    def run(self, code: str) -> Any:
        answer = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            f"(async () => JSON.stringify((await ({code})) ?? null))().then(done, (e) => done('!' + e));"
        )
        if answer.startswith("!"):
            raise RuntimeError(answer[1:])
        return json.loads(answer)

    def click(self, selector: str) -> None:
        self.run(f"void document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        self.driver.find_element("css selector", selector).click()

    def keys(self, text: str) -> None:
        for name, key in KEYS.items():
            text = text.replace(name, key)
        self.driver.switch_to.active_element.send_keys(text)

    def screenshot(self, path: Path) -> None:
        """The whole page: this driver shows only the window, so the window is made as tall as the page."""
        height = self.run("document.documentElement.scrollHeight")
        self.driver.set_window_rect(0, 0, WIDTH, min(height + 100, SCREEN))
        self.wait(f"innerHeight > Math.min({height}, {SCREEN} - 200)")
        self.driver.save_screenshot(str(path))
        self.driver.set_window_rect(0, 0, WIDTH, HEIGHT)

    def problems(self) -> list[str]:
        return self.run("problems.splice(0)")


SCREEN = 12_000  # pixels that the screen of Xvfb is high: a window may be as tall as a page


class Missing(Exception):
    """This browser is not installed."""


@contextlib.contextmanager
def chromium() -> Iterator[Chromium]:
    path = installed.find_chromium()
    if not path:
        raise Missing("Chromium")
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=path, args=installed.FLAGS)
        yield Chromium(instance)
        instance.close()


@contextlib.contextmanager
def firefox() -> Iterator[Firefox]:
    path = installed.find_firefox()
    if not path:
        raise Missing("Firefox")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [path, "--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"]
        with running(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            for line in process.stderr or ():
                if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                    break
            else:
                raise RuntimeError("Firefox did not start")
            drain(process)
            socket = websocket.create_connection(f"{found[1]}/session", timeout=PATIENCE + 20, suppress_origin=True)
            engine = Firefox(socket)
            yield engine
            engine.send("browser.close")
            socket.close()
            process.wait(PATIENCE)


@contextlib.contextmanager
def webkit() -> Iterator[WebKit]:
    found = installed.find_webkit()
    if not found:
        raise Missing("WebKitGTK")
    browser, driver_path, xvfb = found
    ours, theirs = os.pipe()
    screen = [xvfb, "-displayfd", str(theirs), "-screen", "0", f"{WIDTH}x{SCREEN}x24", "-nolisten", "tcp"]
    with running(screen, pass_fds=[theirs], stderr=subprocess.DEVNULL):
        os.close(theirs)
        with os.fdopen(ours) as said:
            display = f":{said.readline().strip()}"
        options = Options()
        options.binary_location = browser
        options.add_argument("--automation")
        environment = {**os.environ, "DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1", "NO_AT_BRIDGE": "1"}
        service = Service(executable_path=driver_path, env=environment)
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # selenium calls itself the old way
            driver = webdriver.WebKitGTK(options=options, service=service)
        try:
            yield WebKit(driver)
        finally:
            driver.quit()


@contextlib.contextmanager
def running(command: list[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that ends with the block."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        if process.stderr:
            process.stderr.close()


def drain(process: subprocess.Popen[str]) -> None:
    """Read on what a process says, so that it never waits for us."""
    threading.Thread(target=lambda: process.stderr.read() if process.stderr else None, daemon=True).start()


ENGINES = {"chromium": chromium, "firefox": firefox, "webkit": webkit}
PATHS = [p.path for p in PAGES] + [f"embed/{CHAPTERS[-1].widgets[0].slug}/"]
PATHS += [text.path for text in contents.texts() if "</transformer-explainer>" in text.text]
SINGLE = "components"  # also in one file
TO_LIVE = (
    "Number((document.querySelector('[data-status-text]')?.textContent ?? '').match(/Live in ([\\d.]+)/)?.[1] ?? NaN)"
)


def main() -> None:
    site = ROOT / "_site"
    shots = ROOT / "_shots"
    shots.mkdir(exist_ok=True)
    one_file = single.write_single(site, SINGLE, shots)
    server = serve.make_server(site, 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/"
    print(f"seconds from the request to live; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name in sys.argv[1:] or ENGINES:
        try:
            with ENGINES[name]() as engine:
                print(engine.name, engine.version)
                for url in [*(base + path for path in PATHS), one_file.as_uri()]:
                    engine.open("about:blank")
                    engine.open(url)
                    if "/demo/" in url:
                        engine.wait_embeds_live()
                    else:
                        engine.wait_live()
                    words = url.split(base)[-1] if base in url else one_file.name
                    print(f"  {words or '/':<26} {engine.run(TO_LIVE)}", *engine.problems(), flush=True)
                    engine.wait("document.getAnimations().every((a) => a.playState !== 'running')")
                    engine.screenshot(shots / f"{name}-{re.sub('[^a-z]+', '-', words).strip('-') or 'home'}.png")
        except Missing as missing:
            print(f"{missing} is not installed: make browsers")
    server.shutdown()


if __name__ == "__main__":
    main()

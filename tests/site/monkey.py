"""A monkey: seeded random actions by mouse, keys and text on every page and embed; after each, what must always hold.

    python tests/site/monkey.py --actions 400 --seed 7        (make monkey ACTIONS=400 SEED=7)
    python tests/site/monkey.py --pages temperature embed/depth --actions 100

After every action: no console line, nothing on screen that is no number (NaN, None, undefined), no share above 1, and
what must sum to 1 does. Every 25 actions and at the end of a walk the address is opened in a fresh browser, which must
show the same view. A walk is told by (page, seed), so what it finds can be found again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build"), str(Path(__file__).parent)]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, Error, Page, sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402

REOPEN_EVERY = 25
LIVE = 240_000  # ms that going live or an answer may take on a busy machine; more is a hang

TEXTS = (
    "Once there was a",
    "Mia has",
    "",
    "a",
    "Tom had 3 red kites and Tom lost 2.",
    "Far away lived a shy dragon called Quimbo. Good night, Quim",
    "The naïve 🦆 sat on ",
    "   ",
    "Beads: red, blue, red,",
    "Add 7 + 5 + 8. Answer:",
    "word " * 60,
    "zzzz<script>alert(1)</script>",
    "e\u0301\u200d\u202e end",
    "7 + 5 + 8",
    "12 + 7",
    "nope",
)
NUMBERS = ("0", "1", "3", "17", "-4", "0.5", "999999999999", "1e3", "", "4294967295")
KEYS = (
    *("Tab", "Tab", "Tab", "Shift+Tab", "Enter", "Space", "Escape", "Home", "End", "PageUp", "PageDown"),
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"),
)


@dataclass
class Walk:
    """What one walk did and found.

    page: 'temperature/' or 'embed/depth/'; told by `seed`
    done: the actions, in words; faults: (number of the action, what was wrong)
    """

    page: str
    seed: int
    done: list[str] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def report(self) -> str:
        lines = [f"{self.page} seed {self.seed}: {len(self.done)} actions, {len(self.faults)} faults"]
        for number, what in self.faults:
            before = "; ".join(self.done[max(0, number - 3) : number])
            lines.append(f"  after action {number} ({before}): {what}")
        return "\n".join(lines)


def places() -> list[str]:
    """Every page and every embed, as paths of the site."""
    return [*(p.path for p in PAGES), *(f"embed/{w.slug}/" for p in PAGES for w in p.widgets)]


@contextlib.contextmanager
def listened(instance: Browser, base: str, walk: Walk, **options: Any) -> Iterator[Page]:
    """A page in a context of its own; what its console says, and requests elsewhere, are faults of the walk."""
    context = instance.new_context(bypass_csp=True, service_workers="block", reduced_motion="reduce", **options)
    origin = "{0.scheme}://{0.netloc}/".format(urlsplit(base))

    def hear(message: Any) -> None:
        if message.type in ("error", "warning") and "Service Worker registration blocked" not in message.text:
            walk.faults.append((len(walk.done), f"console {message.type}: {message.text[:300]}"))

    def route(route: Any) -> None:
        if urlsplit(route.request.url).scheme in ("data", "blob") or route.request.url.startswith(origin):
            route.continue_()
        else:
            walk.faults.append((len(walk.done), f"request off-origin: {route.request.url[:200]}"))
            route.abort()

    context.on("console", hear)
    context.on("weberror", lambda e: walk.faults.append((len(walk.done), f"page error: {str(e.error)[:300]}")))
    context.route("**/*", route)
    context.set_default_timeout(60_000)
    context.add_init_script(path=Path(__file__).with_name("monkey.js"))
    try:
        yield context.new_page()
    finally:
        context.close()


def settle(page: Page) -> None:
    """Wait until the page is live (or failed) and Python has answered all that was asked."""
    page.wait_for_function(
        """() => { const d = document.documentElement;
            return ['live', 'failed'].includes(d.dataset.explainer) && !d.hasAttribute('data-busy'); }""",
        timeout=LIVE,
    )


def act(page: Page, rng: random.Random) -> str:
    """Do one random thing. Returns what it was, in words."""
    targets = page.evaluate("monkey.targets()")
    if not targets or rng.random() < 0.2:
        key = rng.choice(KEYS)
        page.keyboard.press(key)
        return f"key {key}"
    by_kind: dict[str, list[int]] = {}
    for i, target in enumerate(targets):
        by_kind.setdefault(target["kind"], []).append(i)
    kind = rng.choice(sorted(by_kind))
    number = rng.choice(by_kind[kind])
    target = targets[number]
    found = page.locator(f'[data-monkey="{number}"]').first
    said = target["label"]
    if kind == "press":
        if rng.random() < 0.25:
            found.focus()
            page.keyboard.press("Enter")
            return f"Enter on {said}"
        found.scroll_into_view_if_needed()
        found.click(force=True)
        return f"click {said}"
    if kind == "select":
        option = rng.choice(target["options"]) if target["options"] else ""
        found.select_option(option)
        return f"{said} = {option}"
    if kind == "range":
        found.focus()
        for _ in range(rng.choice((1, 1, 3))):
            page.keyboard.press(rng.choice(("ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End")))
        return f"slide {said}"
    words = rng.choice(NUMBERS if kind == "number" else TEXTS)
    found.focus()
    page.keyboard.press("ControlOrMeta+a")
    if rng.random() < 0.5 and kind == "text" and words:
        page.keyboard.type(words[:40], delay=0)
    else:
        found.fill(words)
    if rng.random() < 0.5:
        page.keyboard.press("Tab")
    return f"{said} := {words[:40]!r}"


def difference(a: dict[str, Any], b: dict[str, Any]) -> str:
    """The first thing in which two views differ, '' if none."""
    for name, one in a.items():
        other = b.get(name)
        if other is None:
            return f"{name} is missing"
        if one["held"] != other["held"]:
            pairs = [(x, y) for x, y in zip(one["held"], other["held"], strict=False) if x != y]
            return f"{name}: a control holds {pairs[:2] or (one['held'], other['held'])}"
        if one["numbers"] != other["numbers"]:
            pairs = [(x, y) for x, y in zip(one["numbers"], other["numbers"], strict=False) if x != y]
            close = all(_near(x, y) for x, y in pairs) and len(one["numbers"]) == len(other["numbers"])
            if not close:
                return f"{name}: numbers {pairs[:3]} ({len(one['numbers'])} and {len(other['numbers'])})"
        if one["words"] != other["words"]:
            at = next((i for i, (x, y) in enumerate(zip(one["words"], other["words"], strict=False)) if x != y), 0)
            return (
                f"{name}: “{one['words'][max(0, at - 30) : at + 50]}” and “{other['words'][max(0, at - 30) : at + 50]}”"
            )
    return ""


def _near(x: str, y: str) -> bool:
    try:
        a, b = float(x), float(y)
    except ValueError:
        return False
    return abs(a - b) <= 1e-5 * max(1.0, abs(a), abs(b))


def reopen(page: Page, launch: Any, base: str, walk: Walk) -> None:
    """Open the page's address in a fresh browser: it must show what the page shows."""
    if page.evaluate("document.documentElement.dataset.explainer") != "live":
        walk.faults.append((len(walk.done), "not live: " + page.locator("[data-status-message]").first.text_content()))
        return
    page.evaluate("document.activeElement?.blur()")
    settle(page)
    mine, address = page.evaluate("monkey.view()"), page.url
    fresh = launch()
    try:
        with listened(fresh, base, walk, viewport=page.viewport_size) as other:
            other.goto(address)
            settle(other)
            settle(other)
            if words := difference(mine, other.evaluate("monkey.view()")):
                walk.faults.append((len(walk.done), f"reopened, it differs: {words} at {address}"))
    finally:
        fresh.close()


def stroll(instance: Browser, launch: Any, base: str, path: str, seed: int, actions: int) -> Walk:
    """One walk of so many actions on one page. Every third walk is on a phone's screen."""
    walk = Walk(path, seed)
    rng = random.Random(f"{path} {seed}")
    width = {"width": 360, "height": 740} if seed % 3 == 2 else {"width": 1280, "height": 900}
    with listened(instance, base, walk, viewport=width) as page:
        page.goto(base + path)
        settle(page)
        before = ""
        for number in range(1, actions + 1):
            try:
                words = act(page, rng)
            except Error as problem:  # what was there a moment ago has gone: a person would try something else
                words = f"(missed: {str(problem).splitlines()[0][:80]})"
            walk.done.append(words)
            if page.url.split("?")[0].split("#")[0] != (base + path):
                walk.faults.append((number, f"left for {page.url}"))
                page.goto(base + path)
            settle(page)
            wrong = page.evaluate("monkey.wrong()")
            if wrong and str(wrong) != before:
                walk.faults += [(number, words) for words in wrong[:3]]
            before = str(wrong)
            if number % REOPEN_EVERY == 0 or number == actions:
                reopen(page, launch, base, walk)
    return walk


def walks(site: str, paths: list[str], seed: int, actions: int, playwright: Any) -> Iterator[Walk]:
    """Walk over the pages in turn, `actions` in all, at most 50 in one walk."""
    launch = lambda: playwright.chromium.launch(  # noqa: E731
        executable_path=chromium.find_chromium(), args=chromium.FLAGS
    )
    share = max(1, min(50, -(-actions // len(paths))))
    instance = launch()
    try:
        left, turn = actions, 0
        while left > 0:
            n = min(share, left)
            yield stroll(instance, launch, site, paths[turn % len(paths)], seed + turn // len(paths), n)
            left -= n
            turn += 1
    finally:
        instance.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pages", nargs="*", default=None, help="paths such as temperature or embed/depth")
    parser.add_argument("--log", type=Path, default=None, help="append every walk as a line of JSON")
    arguments = parser.parse_args()
    paths = [p.strip("/") + "/" if p.strip("/") else "" for p in arguments.pages] if arguments.pages else places()
    faults = done = 0
    with serve.served(ROOT / "_site") as site, sync_playwright() as playwright:
        for walk in walks(site, paths, arguments.seed, arguments.actions, playwright):
            print(walk.report(), flush=True)
            faults += len(walk.faults)
            done += len(walk.done)
            if arguments.log:
                with arguments.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps({"page": walk.page, "seed": walk.seed, "faults": walk.faults}) + "\n")
    print(f"{done} actions, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""A monkey: seeded random actions by mouse, keys and text on every page and embed; after each, what must always hold.

    python tests/site/monkey.py --actions 400 --seed 7        (make monkey ACTIONS=400 SEED=7)
    python tests/site/monkey.py --pages temperature embed/depth --actions 100

After every action: no console line, nothing on screen that is no number (NaN, None, undefined), no share above 1, and
what must sum to 1 does. Every 25 actions and at the end of a walk the address is opened in a fresh browser, which must
show the same view. A walk is told by (page, seed, number of actions), so what it finds can be found again.

With --log every walk becomes a line of JSON; `--count` adds them up, and `--seed` may be a seed not yet in it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build"), str(Path(__file__).parent)]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, Error, Page, sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402

SITE = Path(os.environ.get("EXPLAINER_SITE", ROOT / "_site"))
REOPEN_EVERY = 25
Hand = Callable[[Page, random.Random], str]
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
    reopened: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # what the time went into

    def fault(self, what: str) -> None:
        self.faults.append((len(self.done), what))

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[what] = self.seconds.get(what, 0.0) + time.monotonic() - begun

    def told(self) -> dict[str, Any]:
        """A line of the log."""
        seconds = {what: round(s, 2) for what, s in self.seconds.items()}
        return {
            "page": self.page,
            "seed": self.seed,
            "actions": len(self.done),
            "reopened": self.reopened,
            "faults": self.faults,
            "seconds": seconds,
        }

    def report(self) -> str:
        spent = ", ".join(f"{what} {s:.1f}" for what, s in self.seconds.items())
        lines = [
            f"{self.page or 'home'} seed {self.seed}: {len(self.done)} actions, {len(self.faults)} faults ({spent} s)"
        ]
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
            walk.fault(f"console {message.type}: {message.text[:300]}")

    def route(route: Any) -> None:
        if urlsplit(route.request.url).scheme in ("data", "blob") or route.request.url.startswith(origin):
            route.continue_()
        else:
            walk.fault(f"request off-origin: {route.request.url[:200]}")
            route.abort()

    context.on("console", hear)
    context.on("weberror", lambda e: walk.fault(f"page error: {str(e.error)[:300]}"))
    context.route("**/*", route)
    context.set_default_timeout(60_000)
    context.add_init_script(path=Path(__file__).with_name("monkey.js"))
    try:
        yield context.new_page()
    finally:
        context.close()


def settle(page: Page, until: str = "settled") -> None:
    """Wait until the page is live (or failed) and Python has answered all that was asked (or until it is at `rest`)."""
    page.wait_for_function(f"monkey.{until}()", timeout=LIVE)


def act(page: Page, rng: random.Random) -> str:
    """Do one random thing. Returns what it was, in words."""
    dice = rng.random()
    if dice < 0.04:
        way, by = rng.choice((("Back", -1), ("Forward", 1)))
        if page.evaluate("by => monkey.wayTo(by)", by):
            page.evaluate("by => history.go(by)", by)
            page.wait_for_timeout(50)  # it comes by an event, some time later
        return way
    targets = page.evaluate("monkey.targets()")
    if not targets or dice < 0.2:
        key = rng.choice(KEYS)
        page.keyboard.press(key)
        return f"key {key}"
    by_kind: dict[str, list[int]] = {}
    for i, target in enumerate(targets):
        by_kind.setdefault(target["kind"], []).append(i)
    kind = rng.choice(sorted(by_kind))
    number = rng.choice(by_kind[kind])
    target = targets[number]
    found = page.evaluate_handle("i => monkey.all[i]", number).as_element()
    said = target["label"]
    if found is None:
        return f"(gone: {said})"
    if kind == "press":
        if rng.random() < 0.25:
            found.focus()
            page.keyboard.press("Enter")
            return f"Enter on {said}"
        found.click(force=True)
        return f"click {said}"
    if kind == "cell":
        if rng.random() < 0.5:
            found.hover(force=True)
            return f"point at {said}"
        found.focus()
        return f"focus {said}"
    if kind == "select":
        option = rng.choice(target["options"]) if target["options"] else ""
        found.select_option(option, force=True)
        return f"{said} = {option}"
    if kind == "range":
        found.focus()
        keys = [rng.choice(("ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"))] * rng.choice((1, 1, 3))
        for key in keys:
            page.keyboard.press(key)
        return f"slide {said} {' '.join(keys)}"
    words = rng.choice(NUMBERS if kind == "number" else TEXTS)
    found.focus()
    page.keyboard.press("ControlOrMeta+a")
    if rng.random() < 0.5 and kind == "text" and words:
        page.keyboard.type(words[:40])
    else:
        found.fill(words, force=True)
    if rng.random() < 0.5:
        page.keyboard.press("Tab")
    return f"{said} := {words[:40]!r}"


MEASURED_TIME = re.compile(r", [\d.,]+ steps a second in your browser")  # no view holds how fast a training was


def difference(a: dict[str, Any], b: dict[str, Any]) -> str:
    """The first thing in which two views differ, '' if none."""
    a, b = (json.loads(MEASURED_TIME.sub("", json.dumps(one))) for one in (a, b))
    for name, one in a.items():
        other = b.get(name)
        if other is None:
            return f"{name} is missing"
        for what, words in (("held", "a control holds"), ("pressed", "what is chosen is")):
            if one[what] != other[what]:
                pairs = [(x, y) for x, y in zip(one[what], other[what], strict=False) if x != y]
                return f"{name}: {words} {pairs[:2] or (one[what], other[what])}"
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


def _asked(address: str) -> dict[str, list[str]]:
    """What an address asks for. A query token that is the last one need not be named: the view is the same."""
    return {name: value for name, value in parse_qs(urlsplit(address).query).items() if name != "query"}


def reopen(page: Page, launch: Any, base: str, walk: Walk) -> None:
    """Open the page's address in a fresh browser: it must show what the page shows, once both are at rest."""
    if page.evaluate("document.documentElement.dataset.explainer") != "live":
        walk.fault(f"not live: {page.locator('[data-status-message]').first.text_content()}")
        return
    settle(page, "rest")
    mine, address = page.evaluate("[monkey.view(), location.href]")
    walk.reopened += 1
    fresh = launch()
    try:
        with listened(fresh, base, walk, viewport=page.viewport_size) as other:
            other.goto(address, wait_until="commit")
            settle(other, "rest")
            view, now = other.evaluate("[monkey.view(), location.href]")
            if words := difference(mine, view):
                walk.fault(f"reopened, it differs: {words} at {address}")
            elif _asked(now) != _asked(address):
                walk.fault(f"reopened, the address became another: {now} from {address}")
    finally:
        fresh.close()


def stroll(
    instance: Browser, launch: Any, base: str, paths: Sequence[str], seed: int, actions: int, hand: Hand = act
) -> Walk:
    """One walk of so many actions over one place or several in turn. Every third walk is on a phone's screen."""
    walk = Walk(" ".join(paths), seed)
    rng = random.Random(f"{walk.page} {seed}")
    size = {"width": 360, "height": 740} if seed % 3 == 2 else {"width": 1280, "height": 900}
    with listened(instance, base, walk, viewport=size) as page:
        for i, path in enumerate(paths):
            until = actions * (i + 1) // len(paths)
            with walk.timed("open"):
                page.goto(base + path)
                settle(page)
            before: set[str] = set()
            while len(walk.done) < until:
                with walk.timed("act"):
                    try:
                        walk.done.append(hand(page, rng))
                    except Error as problem:  # what was there has gone: a person would try something else
                        walk.done.append(f"(missed: {str(problem).splitlines()[0][:80]})")
                if page.url.split("?")[0].split("#")[0] != (base + path):
                    walk.fault(f"left for {page.url}")
                    page.goto(base + path)
                with walk.timed("settle"):
                    settle(page)
                with walk.timed("look"):
                    wrong = set(page.evaluate("monkey.wrong()"))
                for words in sorted(wrong - before)[:3]:
                    walk.fault(words)
                before = wrong
                if len(walk.done) % REOPEN_EVERY == 0 or len(walk.done) == actions:
                    with walk.timed("reopen"):
                        reopen(page, launch, base, walk)
    return walk


def launcher(playwright: Any) -> Callable[[], Browser]:
    return lambda: playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)


def walks(site: str, paths: list[str], seed: int, actions: int, playwright: Any) -> Iterator[Walk]:
    """Walk over the pages in turn, `actions` in all, at most 50 in one walk."""
    launch = launcher(playwright)
    share = max(1, min(50, -(-actions // len(paths))))
    instance = launch()
    try:
        left, turn = actions, 0
        while left > 0:
            n = min(share, left)
            yield stroll(instance, launch, site, [paths[turn % len(paths)]], seed + turn // len(paths), n)
            left -= n
            turn += 1
    finally:
        instance.close()


def counted(log: Path) -> str:
    """What a log says: walks, actions, reopened addresses, faults, and the seconds of one action."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    done, reopened = (sum(line[what] for line in lines) for what in ("actions", "reopened"))
    faults = sum(len(line["faults"]) for line in lines)
    seconds = sum(sum(line["seconds"].values()) for line in lines)
    each = f", {seconds / done:.2f} s each" if done else ""
    return f"{len(lines)} walks, {done:,} actions{each}, {reopened} addresses reopened, {faults} faults"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pages", nargs="*", default=None, help="paths such as temperature or embed/depth")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of a built site")
    parser.add_argument("--log", type=Path, default=None, help="append every walk as a line of JSON")
    parser.add_argument("--count", action="store_true", help="only add up the log")
    arguments = parser.parse_args()
    if arguments.count:
        print(counted(arguments.log))
        return 0
    paths = [p.strip("/") + "/" if p.strip("/") else "" for p in arguments.pages] if arguments.pages else places()
    faults = done = 0
    with serve.served(arguments.site) as site, sync_playwright() as playwright:
        for walk in walks(site, paths, arguments.seed, arguments.actions, playwright):
            print(walk.report(), flush=True)
            faults += len(walk.faults)
            done += len(walk.done)
            if arguments.log:
                with arguments.log.open("a", encoding="utf-8") as log:
                    log.write(json.dumps(walk.told()) + "\n")
    print(f"{done} actions, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

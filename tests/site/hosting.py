"""The unzipped zip on eight servers, as a host has it, before a real browser: `make hosting`.

    python tests/site/hosting.py                    try all of them
    python tests/site/hosting.py --only nginx       some of them
    python tests/site/hosting.py --keep             and keep what was seen: hosting.json, and the README's table

Each server hands out the zip, unpacked as root, under a folder whose name has a space and an umlaut: as it comes, as
build/hosting/ configures it, and, where it can be told, with a wrong type for all but HTML, CSS and JavaScript. Then
the folder is replaced by another build, in which every name with a checksum is another one, so that a mix of the two
would be noticed. Two readers have been there before, one with a service worker and one without.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "build"), str(ROOT)]

import browser as chromium  # noqa: E402
import folder  # noqa: E402
import offline  # noqa: E402
import servers  # noqa: E402
from conftest import LIVE, SITE, settle, until, wait_live  # noqa: E402
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright  # noqa: E402

KEPT = HERE / "hosting.json"
README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- hosting -->\n).*?(<!-- /hosting -->)", re.S)
UNDER = "a b/ü"
NAMED = re.compile(r"\b[\w-]+\.[0-9a-f]{10,12}\.\w+\b")  # a file with a checksum in its name
TOLD = "A newer version is here"
DAY = 86400
HOST = """<!doctype html><html lang="en"><title>A post</title>
<script src="{address}embed.js"></script>
<transformer-explainer widget="temperature" t="2" eager></transformer-explainer></html>"""
CHECKS = {
    "live": "a page: resumed, styled, operated; its neighbour; its address without the slash",
    "embed": "a figure in a post at the root of the same server",
    "gzip": "scripts are sent smaller",
    "kept": "names with a checksum are kept for ever, a page that is not there is not",
    "worker": "a newer build, for a reader with a service worker: told, then all of it",
    "cache": "the same for one without",
}


class Builds:
    """Two builds of the site as zips: A, as it was made, dated long ago; and B, all of whose hashed names differ."""

    def __init__(self, zipped: Path, there: Path):
        self.there, self.names = there, dict[str, set[str]]()
        a = there / "A"
        a.mkdir()
        shutil.unpack_archive(zipped, a)
        shutil.rmtree(a / "transformer-explainer" / "single")  # needs no server
        self.name = {"A": self.pack(a / "transformer-explainer", "A", time.time() - 100 * DAY)}
        self.rename(a / "transformer-explainer")
        self.name["B"] = self.pack(a / "transformer-explainer", "B", time.time())
        shutil.rmtree(a)
        assert not self.names["A"] & self.names["B"], self.names["A"] & self.names["B"]

    def pack(self, site: Path, letter: str, when: float) -> str:
        build = offline.seal(site)
        self.names[letter] = {file.name for file in site.rglob("*") if NAMED.fullmatch(file.name)}
        folder.pack(site, self.there / f"{letter}.zip", int(when) // 2 * 2)
        return build

    @staticmethod
    def rename(site: Path) -> None:
        """Give every file with a checksum in its name another name, wherever it is named."""
        for file in sorted(site.rglob("*")):
            if file.suffix in (".html", ".js", ".json", ".css"):
                text = file.read_text(encoding="utf-8")
                file.write_text(NAMED.sub(lambda m: other(m[0]), text), encoding="utf-8")
            if NAMED.fullmatch(file.name):
                file.rename(file.with_name(other(file.name)))

    def put(self, letter: str, www: Path) -> None:
        """Put a build where the server finds it, as a host does: the old folder away, the zip unpacked."""
        shutil.rmtree(www / UNDER, ignore_errors=True)
        (www / UNDER).mkdir(parents=True)
        unzip = [servers.where("unzip") or "unzip", "-q", self.there / f"{letter}.zip", "-d", www / UNDER]
        subprocess.run(unzip, check=True, env=servers.environment(), umask=0o022)


def other(name: str) -> str:
    """Another name for a file with a checksum in its name."""
    stem, checksum, suffix = name.rsplit(".", 2)
    return f"{stem}.{checksum[::-1]}.{suffix}"


@contextlib.contextmanager
def reader(browser: Browser, **options: object) -> Iterator[BrowserContext]:
    """A reader with a cache of their own. Nobody intercepts requests: that would switch off the browser's cache."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    try:
        yield context
    finally:
        context.close()


def pure(page: Page, builds: Builds) -> str:
    """The letter of the build that a page is of; fails where anything that it asked for is of the other one."""
    expect(page.locator("html[data-build]")).to_be_attached()
    build = page.locator("html").get_attribute("data-build")
    letter = next(k for k, v in builds.name.items() if v == build)
    asked = page.evaluate("performance.getEntriesByType('resource').map((r) => r.name.split('/').at(-1))")
    wrong = set(asked) & builds.names["B" if letter == "A" else "A"]
    assert not wrong, f"a page of build {letter} asked for {wrong}"
    return letter


def live(browser: Browser, site: str, builds: Builds) -> None:
    """A page lives on this server."""
    with reader(browser, service_workers="block") as context:
        problems: list[str] = []
        context.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
        context.on("weberror", lambda e: problems.append(str(e.error)))
        page = context.new_page()
        page.add_init_script("addEventListener('explainer:live', (e) => { window.told = e.detail })")
        page.goto(f"{site}attention/?layer=2")
        wait_live(page)
        assert page.evaluate("told.how") == "resumed", page.evaluate("told.reason")
        expect(page.get_by_role("heading", level=1)).to_have_css("font-weight", "640")  # the style sheet has come
        page.get_by_label("Prompt", exact=True).first.fill("Tom has a green kite. Tom")
        until(page, "() => explainer.state().prompt === 'Tom has a green kite. Tom'")
        settle(page)
        assert page.evaluate("explainer.state().layer") == 2
        page.get_by_role("link", name="Temperature", exact=True).first.click()
        wait_live(page)
        page.goto(f"{site}paths")  # some redirect, some hand the page out
        wait_live(page)
        pure(page, builds)
        blocked = [p for p in problems if "Service Worker registration blocked" not in p]
        assert not blocked, blocked


def embed(browser: Browser, root: str, www: Path, site: str) -> None:
    """A figure lives in a post."""
    (www / "post.html").write_text(HOST.format(address=site), encoding="utf-8")
    (www / "post.html").chmod(0o644)
    with reader(browser, service_workers="block") as context:
        page = context.new_page()
        page.add_init_script("addEventListener('explainer:live', () => { window.lives = true })")
        page.goto(root + "post.html")
        until(page, "() => window.lives === true", timeout=LIVE)


def headers(address: str, **asked: str) -> dict[str, str]:
    """The headers of an answer, names in small letters; its status as 'status'."""
    request = urllib.request.Request(address, headers=asked)
    try:
        with urllib.request.urlopen(request) as answer:
            return {"status": str(answer.status), **{k.lower(): v for k, v in answer.headers.items()}}
    except urllib.error.HTTPError as problem:
        return {"status": str(problem.code), **{k.lower(): v for k, v in problem.headers.items()}}


def gzip(site: str, builds: Builds) -> str:
    """Whether, and how, scripts are sent smaller."""
    script = next(name for name in builds.names["A"] if re.match(r"page\..*js", name))
    return headers(f"{site}assets/{script}", **{"Accept-Encoding": "gzip"}).get("content-encoding", "no")


def kept(site: str, builds: Builds) -> str:
    """For how long browsers are told to keep a file with a checksum in its name; never is an error kept."""
    script = next(name for name in builds.names["A"] if re.match(r"page\..*js", name))
    missing = headers(f"{site}assets/gone.0123456789.js")
    assert missing["status"] == "404", missing
    assert not re.search(r"max-age=[1-9]", missing.get("cache-control", "")), f"errors are kept: {missing}"
    return headers(f"{site}assets/{script}").get("cache-control", "not said")


def replaced(browser: Browser, site: str, www: Path, builds: Builds, *, worker: bool) -> None:
    """The folder is replaced by build B: a reader of A is told, and then has B and nothing of A."""
    builds.put("A", www)
    with reader(browser, service_workers="allow" if worker else "block") as context:
        page = context.new_page()
        for path in ("licences/index.html", "how/index.html", "temperature/"):  # as the zip's own links say it
            page.goto(site + path)
            assert pure(page, builds) == "A"
        wait_live(page)
        if worker:
            until(page, "() => navigator.serviceWorker.ready.then((r) => r.active !== null)", timeout=LIVE)
        builds.put("B", www)
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # an open page, come back to
        expect(page.get_by_text(TOLD, exact=True)).to_be_visible(timeout=LIVE)
        later = context.new_page()
        later.goto(f"{site}attention/?layer=2")
        if pure(later, builds) == "A":
            expect(later.get_by_text(TOLD, exact=True)).to_be_visible(timeout=LIVE)
            later.get_by_role("button", name="Reload", exact=True).click()
            expect(later.locator(f"html[data-build='{builds.name['B']}']")).to_be_attached(timeout=LIVE)
        wait_live(later)
        assert later.evaluate("explainer.state().layer") == 2
        assert pure(later, builds) == "B"
        for name, path in (("How this page works", "how/"), ("Licences", "licences/"), ("Temperature", "temperature/")):
            later.get_by_role("link", name=name, exact=True).first.click()
            expect(later).to_have_url(re.compile(f"/{path}(index.html)?$"))
            assert pure(later, builds) == "B", f"/{path} is still of the older build"
        wait_live(later)
        page.get_by_role("button", name="Reload", exact=True).click()
        expect(page.locator(f"html[data-build='{builds.name['B']}']")).to_be_attached(timeout=LIVE)
        wait_live(page)
        assert pure(page, builds) == "B"


def tried(check: Callable[[], str | None]) -> str:
    """'yes', what the check has found, or what went wrong, in a line."""
    try:
        return check() or "yes"
    except Exception as problem:
        for step in traceback.extract_tb(problem.__traceback__):
            if step.filename == __file__:
                print(f"  {step.name}, line {step.lineno}: {step.line}")
        return "no: " + " ".join(str(problem).split("\n")[0].split())[:200]


def run(server: servers.Server, browser: Browser, builds: Builds) -> dict[str, dict[str, str]]:
    """What was seen of one server: {setting: {check: 'yes', 'no: why', or what was found}}."""
    seen: dict[str, dict[str, str]] = {}
    for setting in server.settings:
        with tempfile.TemporaryDirectory() as there:
            www = Path(there) / "www"
            www.mkdir()
            Path(there).chmod(0o755)
            builds.put("A", www)
            with contextlib.ExitStack() as stack:
                try:
                    root = stack.enter_context(servers.running(server, www, setting))
                except (OSError, RuntimeError) as problem:
                    seen[setting] = dict.fromkeys(
                        ("live", "embed", "gzip", "kept", "worker", "cache"), f"no: {problem}"
                    )
                    continue
                site = root + quote(f"{UNDER}/transformer-explainer/")
                checks: dict[str, Callable[[], str | None]] = {
                    "live": lambda site=site: live(browser, site, builds),
                    "embed": lambda root=root, www=www, site=site: embed(browser, root, www, site),
                    "gzip": lambda site=site: gzip(site, builds),
                    "kept": lambda site=site: kept(site, builds),
                }
                if setting != "types":
                    for how in ("worker", "cache"):
                        checks[how] = lambda site=site, www=www, how=how: replaced(
                            browser, site, www, builds, worker=how == "worker"
                        )
                seen[setting] = {name: tried(check) for name, check in checks.items()}
        print(f"{server.name}, {servers.SETTINGS[setting]}: {seen[setting]}", flush=True)
    return seen


def problems(results: dict) -> list[str]:
    """What is not as it should be, a line each."""
    return [
        f"{name}, {setting}, {check}: {said}"
        for name, server in results["servers"].items()
        for setting, checks in server["seen"].items()
        for check, said in checks.items()
        if said.startswith("no:")
    ]


HEAD = (
    "| server | version, day | live, with embeds | three right types are enough | sends text smaller | a newer build |"
)


def table(results: dict) -> str:
    """What was seen, server by server."""
    lines = [HEAD, "|---|---|---|---|---|---|"]
    for name, server in results["servers"].items():
        seen = server["seen"]
        plain, best = seen["plain"], seen.get("snippet", seen["plain"])

        def all_of(checks: tuple[str, ...], seen: dict = seen) -> str:
            said = [(s, v[c]) for s, v in seen.items() for c in checks if c in v and s != "types"]
            wrong = [f"{servers.SETTINGS[s]}: {w}" for s, w in said if w != "yes"]
            return "; ".join(wrong) or "yes"

        types = seen.get("types")
        typed = "not tried" if types is None else "yes" if types["live"] == types["embed"] == "yes" else types["live"]
        smaller = "yes" if plain["gzip"] != "no" else "as below" if best["gzip"] != "no" else "no"
        newer = all_of(("worker", "cache"))
        cells = (
            *(name, f"{server['version']}, {server['date']}", all_of(("live", "embed")), typed, smaller),
            "told, whole" if newer == "yes" else newer,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def section(results: dict) -> str:
    """The table, and below it each server's file of build/hosting/, as the README shows them."""
    parts = [f"{table(results)}\nBy Chromium {results['chromium']}.\n"]
    for server in servers.SERVERS:
        if server.name in results["servers"] and not server.snippet.endswith(".sh"):
            text = (servers.SNIPPETS / server.snippet).read_text(encoding="utf-8")
            parts.append(f"{server.name} (`build/hosting/{server.snippet}`):\n\n```\n{text}```\n")
    commands = [s for s in servers.SERVERS if s.name in results["servers"] and s.snippet.endswith(".sh")]
    lines = "".join((servers.SNIPPETS / s.snippet).read_text(encoding="utf-8") for s in commands)
    return "\n".join([*parts, f"The others need a command alone:\n\n```sh\n{lines}```\n"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    chosen = [s for s in servers.SERVERS if not arguments.only or s.name in arguments.only]
    missing = [server.name for server in chosen if not servers.find(server)]
    if not servers.where("unzip"):
        servers.unpack(("unzip",))
    results: dict = {"servers": {}}
    with tempfile.TemporaryDirectory() as there, sync_playwright() as playwright:
        builds = Builds(SITE / folder.NAME, Path(there))
        browser = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        results = {"chromium": browser.version, **results}
        for server in chosen:
            if server.name not in missing:
                said = {"version": servers.version(server), "date": date.today().isoformat()}
                results["servers"][server.name] = {**said, "seen": run(server, browser, builds)}
        browser.close()
    print(table(results))
    wrong = problems(results)
    for line in wrong:
        print("WRONG  ", line)
    for name in missing:
        print(f"MISSING {name}: it could not be had here and was NOT tried")
    if arguments.keep:
        before = json.loads(KEPT.read_text(encoding="utf-8"))["servers"] if KEPT.exists() else {}
        found = before | results["servers"]
        results["servers"] = {s.name: found[s.name] for s in servers.SERVERS if s.name in found}
        KEPT.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written = TABLE.sub(lambda m: m[1] + section(results) + m[2], README.read_text(encoding="utf-8"))
        README.write_text(written, encoding="utf-8")
    print(f"{len(chosen) - len(missing)} servers tried, {len(wrong)} things wrong, {len(missing)} servers missing")
    return 1 if wrong or missing else 0


if __name__ == "__main__":
    raise SystemExit(main())

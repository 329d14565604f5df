"""An inventory of the built site: what a reader, a link or a screen reader can find on every page and embed.

    python tests/site/inventory.py            say what has come and gone since it was kept
    python tests/site/inventory.py --keep     keep what there is now (say in the commit why something went)
    python tests/site/inventory.py --keep --let-go "embed/x/: state: t"    even though posts and links may rely on it

Kept in `inventory.json`: {path: [entry, ...]}, an entry being `kind: name`, such as `control: Temperature`. Numbers
in a name are written `#`, so that other weights or another text are no loss. `test_inventory.py` fails when an entry
vanishes. Pages, embeds, figures and the names of values are promised to whoever has linked to them or put them into a
post, across releases: they are only let go one by one, by name.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "build"), str(ROOT)]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

KEPT = HERE / "inventory.json"
PROMISED = ("page", "widget", "state")

FOUND = """() => {
  const names = new Set();
  const add = (kind, name) => {
    const text = name?.replace(/\\s+/g, ' ').trim();
    if (text) names.add(`${kind}: ${text}`);
  };
  const count = (text) => text?.replace(/[0-9][0-9.,]*/g, '#');
  for (const details of document.querySelectorAll('details')) details.open = true;
  for (const el of document.querySelectorAll('[data-widget]')) add('widget', el.dataset.widget);
  for (const el of document.querySelectorAll('[data-testid]')) add('figure', el.dataset.testid);
  for (const el of document.querySelectorAll('main :is(h1, h2, h3)')) add('heading', count(el.textContent));
  for (const el of document.querySelectorAll('[data-guess]')) add('guess', el.dataset.guess);
  for (const el of document.querySelectorAll('[data-bind]')) {
    add('state', el.dataset.bind);
    const label = el.labels?.[0];
    add('control', count(el.ariaLabel ?? (label?.querySelector('.label') ?? label)?.textContent));
  }
  const buttons = '[role=toolbar] button, .step-controls button, header.bar button, footer .about button';
  for (const el of document.querySelectorAll(buttons))
    add('button', count(el.ariaLabel ?? el.textContent));
  for (const el of document.querySelectorAll('table > caption')) add('table', count(el.textContent));
  for (const el of document.querySelectorAll('main a[href], header a[href], footer a[href]')) {
    const to = new URL(el.getAttribute('href'), document.baseURI);
    add('link', to.origin === location.origin ? to.pathname + to.hash : to.href);
  }
  return [...names].sort();
}"""


def paths(site: Path) -> list[str]:
    """Every page and embed of a built site, as its address ends: '', 'attention/', 'embed/paths/'."""
    folders = sorted(file.parent.relative_to(site).as_posix() for file in site.rglob("index.html"))
    return ["" if f == "." else f"{f}/" for f in folders if not f.startswith(("runtime", "assets"))]


def take(browser: Browser, address: str, site: Path) -> dict[str, list[str]]:
    """The inventory of the site in `site`, served at `address`. Nothing is made live: a still has it all."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, service_workers="block")
    context.route("**/runtime/**", lambda route: route.abort())
    page = context.new_page()
    found = {}
    for path in paths(site):
        page.goto(address + path, wait_until="load")
        found[path] = page.evaluate(FOUND)
    context.close()
    return found


def gone(kept: dict[str, list[str]], now: dict[str, list[str]]) -> list[str]:
    """What was kept and is there no more, as 'path: entry'."""
    return [
        f"{path or '/'}: {entry}" for path, all_ in kept.items() for entry in all_ if entry not in now.get(path, ())
    ]


def promised(kept: dict[str, list[str]], now: dict[str, list[str]]) -> list[str]:
    """Of what is gone, what posts and links rely on: whole pages, figures, names of values."""
    pages = [f"{path}: page: all of it" for path in kept if path not in now]
    return pages + [line for line in gone(kept, now) if line.split(": ")[1] in PROMISED]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--let-go", nargs="*", default=[])
    arguments = parser.parse_args()
    site = ROOT / "_site"
    with serve.served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        now = take(browser, address, site)
        browser.close()
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for line in gone(kept, now):
        print("gone  ", line)
    for line in gone(now, kept):
        print("new   ", line)
    print(f"{len(now)} pages and embeds, {sum(map(len, now.values()))} entries")
    if broken := [line for line in promised(kept, now) if line not in arguments.let_go]:
        print("PROMISED to posts and links, and gone (lead the old address to the new one, or --let-go each):")
        print("\n".join(broken))
        return 1
    if arguments.keep:
        KEPT.write_text(json.dumps(now, indent=0, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""`make heights`: measure how tall every embed of the built site is, in both views.

python tests/site/measure_heights.py           say which are other than kept
python tests/site/measure_heights.py --keep    keep what was measured (pages/*/heights.json)
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "build"), str(ROOT)]

import browser as chromium  # noqa: E402
import heights  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, Route, sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402


def wait_for_fonts(route: Route) -> None:
    """Answer with a style sheet that waits for its fonts. Ours do not: a page whose fonts come late keeps the reader's
    own, in which lines break elsewhere, and a measurement would depend on how fast the machine was."""
    answer = route.fetch()
    route.fulfill(response=answer, body=answer.text().replace("font-display:optional", "font-display:block"))


def measure(browser: Browser, address: str, slug: str, view: str, widths: Iterable[int]) -> heights.Table:
    """[[width, height], ...] of a widget's still alone, in a view, in our fonts."""
    context = browser.new_context(viewport={"width": 720, "height": 6000}, service_workers="block")
    context.route("**/runtime/**", lambda route: route.abort())
    context.route("**/*.css", wait_for_fonts)
    page = context.new_page()
    page.goto(f"{address}embed.js")  # what has the origin of the site, and no frame yet
    page.set_content('<!doctype html><iframe style="border:0;height:6000px"></iframe>')
    page.evaluate(
        """address => new Promise(done => {
          const frame = document.querySelector('iframe');
          frame.onload = () => frame.contentDocument.fonts.ready.then(done);
          frame.src = address;
        })""",
        f"{address}embed/{slug}/?view={view}",
    )
    found = page.evaluate(
        """widths => {
          const frame = document.querySelector('iframe');
          return widths.map(width => {
            frame.style.width = `${width}px`;
            return [width, Math.ceil(frame.contentDocument.body.getBoundingClientRect().height)];
          });
        }""",
        list(widths),
    )
    context.close()
    return found


def main() -> None:
    site = Path(os.environ.get("EXPLAINER_SITE") or ROOT / "_site")
    with serve.served(site) as address, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        for page in PAGES:
            if not page.widgets:
                continue
            now = {
                w.slug: {
                    v: heights.greatest(measure(browser, address, w.slug, v, heights.MEASURED)) for v in heights.VIEWS
                }
                for w in page.widgets
            }
            kept = heights.kept(page)
            for slug, views in now.items():
                wide, phone = (heights.room(views["compact"], width) for width in (720, 360))
                changed = "" if kept.get(slug) == views else "   other than kept"
                print(f"{slug:24} compact {wide:5} px at 720, {phone:5} at 360{changed}", flush=True)
            if "--keep" in sys.argv:
                lines = ",\n".join(f' "{slug}": {json.dumps(views)}' for slug, views in now.items())
                heights.file_of(page).write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
        browser.close()


if __name__ == "__main__":
    main()

"""`make heights`: measure how tall every embed of the built site is, in both views, at the widths of build/heights.py.

python tests/site/measure_heights.py           say which are other than kept
python tests/site/measure_heights.py --keep    keep what was measured (pages/*/heights.json)
"""

from __future__ import annotations

import json
import math
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
from playwright.sync_api import Browser, sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402


def measure(browser: Browser, address: str, slug: str, view: str, widths: Iterable[int]) -> heights.Table:
    """[[width, height], ...] of a widget's still alone, in a view."""
    context = browser.new_context(viewport={"width": 720, "height": 6000}, service_workers="block")
    context.route("**/runtime/**", lambda route: route.abort())
    page = context.new_page()
    page.goto(f"{address}embed/{slug}/?view={view}", wait_until="load")
    page.evaluate("document.fonts.ready")
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 6000})
        height = page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame("
            "() => done(document.body.getBoundingClientRect().height))))"
        )
        found.append([width, math.ceil(height)])
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
                w.slug: {v: measure(browser, address, w.slug, v, heights.WIDTHS) for v in heights.VIEWS}
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

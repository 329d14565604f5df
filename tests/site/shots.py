"""`make shots`: every page, both readings, light and dark, wide and 360 px, in `_shots/index.html`.

One live page per page and width; the readings and schemes are switched on it. A long page is kept in slices (Chromium
cannot take more than 16,384 pixels at once). `python tests/site/shots.py attention paths` takes just these pages.
"""

from __future__ import annotations

import html
import shutil
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

import browser as chromium  # noqa: E402
import contents  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402

OUT = ROOT / "_shots"
LIVE = (
    "!document.querySelector('[data-widget]') || ['live','failed'].includes(document.documentElement.dataset.explainer)"
)
WIDTHS = {1280: "wide", 360: "phone"}
SLICE = 1800
STYLE = """body { margin: 1rem; font: 14px/1.4 system-ui, sans-serif; background: #888; color: #000 }
section { display: grid; grid-template-columns: 3fr 3fr 1fr 1fr; gap: 1rem; margin-bottom: 3rem; align-items: start }
h2 { grid-column: 1 / -1; margin: 0; position: sticky; top: 0; background: #888 }
figure { margin: 0 } figcaption { font-weight: 600; padding: 2px 0 } img { width: 100%; display: block }"""


def slices(page: Page, name: str) -> list[str]:
    """The whole page as it is now, top to bottom, in files."""
    width = page.viewport_size["width"]  # type: ignore[index]
    height = page.evaluate("document.documentElement.scrollHeight")
    files = []
    for number, top in enumerate(range(0, height, SLICE)):
        file = f"{name}.{number:02}.png"
        clip = {"x": 0, "y": top, "width": width, "height": min(SLICE, height - top)}
        page.screenshot(path=OUT / file, full_page=True, clip=clip, animations="disabled")  # type: ignore[arg-type]
        files.append(file)
    return files


def sheets(instance: Browser, base: str, name: str, path: str) -> list[tuple[str, list[str]]]:
    """Every sheet of one page: (what it is, its files)."""
    found = []
    for width, device in WIDTHS.items():
        context = instance.new_context(
            bypass_csp=True,
            viewport={"width": width, "height": 900},
            has_touch=width < 600,
            is_mobile=width < 600,
            reduced_motion="reduce",
        )
        page = context.new_page()
        page.goto(base + path)
        page.wait_for_function(LIVE, timeout=180_000)
        modes = ("discover", "result") if page.locator("[data-mode-set]").count() else ("",)
        for mode in modes:
            if mode:
                page.locator(f"[data-mode-set={mode}]").click()
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                what = ", ".join(word for word in (device, f"{width} px", scheme, mode) if word)
                found.append((what, slices(page, "-".join(x for x in (name, mode, scheme, device) if x))))
                print(name, what, f"{len(found[-1][1])} slices", flush=True)
        context.close()
    return found


def main() -> None:
    wanted = sys.argv[1:]
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    server = serve.make_server(ROOT / "_site", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}/"
    every = [(page.name, page.path) for page in PAGES] + [(text.name, text.path) for text in contents.texts()]
    sections = []
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        for name, path in every:
            if wanted and name not in wanted:
                continue
            figures = []
            for what, files in sheets(instance, base, name, path):
                images = "".join(f'<a href="{file}"><img src="{file}" alt="" loading="lazy"></a>' for file in files)
                figures.append(f"<figure><figcaption>{html.escape(what)}</figcaption>{images}</figure>")
            half = len(figures) // 2  # wide ones first, then the phone's: a row is one reading
            rows = [f for i in range(0, half, 2) for f in (*figures[i : i + 2], *figures[half + i : half + i + 2])]
            sections.append(f"<section><h2>/{html.escape(path)}</h2>{''.join(rows)}</section>")
        instance.close()
    sheet = f"<!doctype html><title>Every page</title><meta charset=utf-8><style>{STYLE}</style>{''.join(sections)}"
    (OUT / "index.html").write_text(sheet, encoding="utf-8")
    print(f"open {OUT.relative_to(ROOT)}/index.html")


if __name__ == "__main__":
    main()

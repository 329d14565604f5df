"""`make shots`: every page, both readings, light and dark, wide and 360 px, side by side in `_shots/index.html`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "build")]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from pages import PAGES  # noqa: E402

OUT = ROOT / "_shots"
LIVE = "['live','failed'].includes(document.documentElement.dataset.explainer)"
STYLE = """body { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 1rem }
body { font: 13px sans-serif }
img { width: 100%; border: 1px solid #ccc }
figure { margin: 0 }"""


def main() -> None:
    OUT.mkdir(exist_ok=True)
    server = serve.make_server(ROOT / "_site", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    rows = []
    with sync_playwright() as playwright:
        instance = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        for width in (1280, 360):
            for scheme in ("light", "dark"):
                context = instance.new_context(
                    bypass_csp=True, viewport={"width": width, "height": 900}, color_scheme=scheme
                )
                for page in PAGES:
                    for mode in ("discover", "result"):
                        tab = context.new_page()
                        tab.goto(f"http://127.0.0.1:{server.server_port}/{page.path}?mode={mode}")
                        tab.wait_for_function(LIVE, timeout=120_000)
                        name = f"{page.name}-{mode}-{scheme}-{width}.png"
                        tab.screenshot(path=OUT / name, full_page=True)
                        tab.close()
                        rows.append(f'<figure><img src="{name}" loading="lazy"><figcaption>{name}</figcaption>')
                        print(name, flush=True)
                context.close()
        instance.close()
    sheet = f"<!doctype html><title>shots</title><style>{STYLE}</style>{''.join(rows)}"
    (OUT / "index.html").write_text(sheet, encoding="utf-8")


if __name__ == "__main__":
    main()

"""The moving picture at the head of the README, filmed from the built site: `make moving-picture`.

A reader opens the picture of the start page, alone (/embed/transformer/), and turns the crank twice.
"""

from __future__ import annotations

import base64
import io
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE), str(ROOT / "build"), str(ROOT)]

import browser as chromium  # noqa: E402
import serve  # noqa: E402
from conftest import SITE, at_rest, settle, wait_live  # noqa: E402
from PIL import Image, ImageChops  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

OUT = ROOT / ".github" / "moving.webp"
WIDTH = 720
LEAST = 90  # ms that a picture stands: twelve a second are enough
TURNS = 2
REST = 1600  # ms between turns, and twice as long at the end


def main() -> None:
    frames: list[tuple[float, bytes]] = []  # (seconds, a picture)
    with serve.served(SITE) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find_chromium(), args=chromium.FLAGS)
        page = browser.new_page(viewport={"width": WIDTH, "height": 600}, color_scheme="light")
        for _ in range(2):  # fonts are there at a second visit only
            page.goto(f"{site}embed/transformer/")
        wait_live(page)
        page.locator(".embed-status, .tools").evaluate_all("(all) => all.forEach((el) => el.remove())")
        page.set_viewport_size({"width": WIDTH, "height": page.evaluate("document.body.scrollHeight")})
        at_rest(page.locator("[data-body]"))
        session = page.context.new_cdp_session(page)

        def keep(frame: dict) -> None:
            frames.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
            session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

        session.on("Page.screencastFrame", keep)
        session.send("Page.startScreencast", {"format": "png", "everyNthFrame": 1})
        page.wait_for_timeout(600)
        for _ in range(TURNS):
            page.get_by_role("button", name="Crank").first.click()
            settle(page)
            at_rest(page.locator("[data-body]"))
            page.wait_for_timeout(REST)
        session.send("Page.stopScreencast")
        browser.close()
    pictures, durations = [], []
    for (at, data), (until, _) in zip(frames, [*frames[1:], (frames[-1][0] + 2 * REST / 1000, b"")], strict=True):
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        lasts = (until - at) * 1000
        same = pictures and ImageChops.difference(pictures[-1], picture).getbbox() is None
        if same or (pictures and durations[-1] < LEAST):
            if not same:
                pictures[-1] = picture
            durations[-1] += lasts
        else:
            pictures.append(picture)
            durations.append(lasts)
    OUT.parent.mkdir(exist_ok=True)
    pictures[0].save(
        OUT,
        save_all=True,
        append_images=pictures[1:],
        duration=[round(min(d, REST)) for d in durations],
        loop=0,
        quality=60,
        method=6,
        minimize_size=True,
    )
    print(f"{OUT}: {len(pictures)} pictures, {sum(durations) / 1000:.1f} s, {OUT.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

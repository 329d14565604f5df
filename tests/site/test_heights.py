"""An embed is compact at first and leaves the room that it takes: nothing in a post moves when its figures come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import heights
import measure_heights
import pytest
import serve
from conftest import LIVE, until
from playwright.sync_api import Browser, expect

from pages import PAGES

WIDGETS = [(page, widget) for page in PAGES for widget in page.widgets]
SHOWN = (360, 505, 720, 930)  # of the widths that heights are kept for
NEAR = {"compact": 4, "full": 20}  # px: other fonts, and, where a text breaks once more, a line of what is long anyway
TALLEST = {720: 600, 360: 640}
POST = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A post</title>
<meta name="viewport" content="width=device-width">
<body><h1>A post</h1><script src="SITEembed.js"></script><p>Before.</p>
<transformer-explainer widget="temperature" t="0.5"></transformer-explainer><p>Between.</p>
<transformer-explainer widget="attention-stepper"></transformer-explainer><p>Between.</p>
<transformer-explainer widget="path-count"></transformer-explainer><p>After.</p>
<script src="told.js"></script></body></html>"""
TOLD = """window.live = 0; window.moved = 0;
addEventListener('explainer:live', () => { window.live += 1; });
new PerformanceObserver((list) => { for (const e of list.getEntries()) window.moved += e.value; })
  .observe({ type: 'layout-shift', buffered: true });"""
PARTS = """[innerWidth, ...[...document.querySelectorAll('body *')].filter((e) => e.offsetHeight > 30)
  .map((e) => `${e.localName}.${e.className} ${e.offsetWidth}x${e.offsetHeight}`)]"""


@pytest.mark.parametrize("view", heights.VIEWS)
def test_embeds_are_as_tall_as_is_kept(the_browser: Browser, site: str, view: str) -> None:
    wrong = []
    for page, widget in WIDGETS:
        kept = heights.kept(page).get(widget.slug, {}).get(view)
        if not kept:
            wrong.append(f"{widget.slug}: never measured")
            continue
        widths = [width for start in SHOWN for width in heights.within(start)]
        found = dict(measure_heights.measure(the_browser, site, widget.slug, view, widths))
        for start in SHOWN:
            tall, room = max(found[width] for width in heights.within(start)), heights.room(kept, start)
            if abs(tall - room) > NEAR[view]:
                wrong.append(f"{widget.slug}, from {start} px on: {tall} px, kept {room}")
    assert not wrong, "run `make heights`:\n" + "\n".join(wrong)


def test_a_compact_view_is_one_figure_that_fits_a_screen() -> None:
    for page, widget in WIDGETS:
        table = heights.kept(page)[widget.slug]["compact"]
        for width, most in TALLEST.items():
            assert heights.room(table, width) <= most, (widget.slug, width)


@pytest.fixture
def post(site: str, tmp_path: Path) -> Iterator[str]:
    (tmp_path / "index.html").write_text(POST.replace("SITE", site), encoding="utf-8")
    (tmp_path / "told.js").write_text(TOLD, encoding="utf-8")
    with serve.served(tmp_path) as address:
        yield address


@pytest.mark.parametrize("width", [1000, 360])
def test_a_post_with_three_embeds_does_not_move(context: Any, post: str, site: str, width: int) -> None:
    page = context.new_page()
    context.guard.origin = (post, site)
    context.route("**/*.css", measure_heights.wait_for_fonts)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(post)
    first = page.locator("transformer-explainer").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    for number in range(3):
        page.locator("transformer-explainer").nth(number).scroll_into_view_if_needed()
        until(page, f"() => window.live > {number}", timeout=LIVE)
    assert page.evaluate("window.moved") == 0
    last = page.locator("transformer-explainer").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    inside = [frame.evaluate(PARTS) for frame in page.frames[1:]] if first != last else []
    assert first == last and min(first) > 200, inside


@pytest.mark.parametrize("width", [340, 505, 720, 1111])
def test_the_element_leaves_as_much_room_as_the_build_says(context: Any, post: str, site: str, width: int) -> None:
    page = context.new_page()
    context.guard.origin = (post, site)
    context.route("**/runtime/**", lambda route: route.abort())
    context.guard.allow("Failed to load resource")
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(post)
    for slug in ("temperature", "path-count"):
        of = next(page for page, widget in WIDGETS if widget.slug == slug)
        for view in heights.VIEWS:
            given = page.evaluate(
                """([slug, view, width]) => {
                  const el = document.createElement('transformer-explainer');
                  el.setAttribute('widget', slug);
                  el.setAttribute('view', view);
                  el.style.width = `${width}px`;
                  document.body.append(el);
                  const { height } = el.getBoundingClientRect();
                  el.remove();
                  return height;
                }""",
                [slug, view, width],
            )
            assert given == heights.room(heights.kept(of)[slug][view], width), (slug, view)


def test_an_embed_shows_one_figure_and_all_of_it_on_request(open_page) -> None:
    page = open_page("embed/temperature-truth/", live=False, view="")
    assert page.evaluate("document.documentElement.dataset.view") == "compact"
    expect(page.get_by_test_id("beside")).to_be_visible()
    expect(page.get_by_test_id("losses")).to_be_hidden()
    page.get_by_role("button", name="All of this figure").click()
    expect(page.get_by_test_id("losses")).to_be_visible()
    expect(page.get_by_role("button", name="Less of it")).to_be_focused()
    page.get_by_role("button", name="Less of it").press("Enter")
    expect(page.get_by_test_id("losses")).to_be_hidden()


@pytest.mark.parametrize(
    ("query", "view"),
    [({"t": 2}, "compact"), ({"hedge": "0.1"}, "full"), ({"hedge": "0.1", "view": "compact"}, "compact")],
)
def test_a_link_with_what_only_all_of_it_shows_opens_all_of_it(open_page, query: dict[str, Any], view: str) -> None:
    page = open_page("embed/temperature-truth/", live=False, **{"view": "", **query})
    assert page.evaluate("document.documentElement.dataset.view") == view


def test_the_chosen_view_stays_in_the_address(open_page) -> None:
    page = open_page("embed/path-count/", view="")
    page.get_by_role("button", name="All of this figure").click()
    page.get_by_role("button", name="GPT-2 small").click()
    until(page, "() => /tokens=1024/.test(location.href)")
    assert "view=full" in page.url
    page.goto(page.url)
    expect(page.get_by_test_id("number-growth")).to_be_visible()


def test_without_a_script_all_of_it_is_there(the_browser: Browser, site: str) -> None:
    context = the_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + "embed/temperature-truth/")
    expect(page.get_by_test_id("losses")).to_be_visible()
    context.close()


def test_what_a_post_is_told_of_the_height_is_the_compact_one(site_directory: Path) -> None:
    for page, widget in WIDGETS:
        told = json.loads((site_directory / "embed" / widget.slug / "oembed.json").read_text(encoding="utf-8"))
        assert told["height"] == heights.tall(page, widget.slug)["compact"]
        assert f'height="{told["height"]}"' in told["html"]

"""Widgets in somebody else's page: one script, several figures, one Python, on another origin."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import serve
from conftest import LIVE, settle
from playwright.sync_api import Page, expect

from pages import PAGES

SLUGS = [w.slug for p in PAGES for w in p.widgets]
HOST = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A post</title><body><p>Before.</p>
<script>window.told = [];
for (const n of ['live', 'failed', 'change'])
  addEventListener('explainer:' + n, e => window.told.push([n, e.target.id, e.detail]));</script>
<script src="SITEembed.js" async></script>
<transformer-explainer id="one" widget="temperature" t="0.5" eager></transformer-explainer>
<transformer-explainer id="two" widget="attention-stepper" layer="2" eager></transformer-explainer>
<transformer-explainer id="three" widget="path-count" eager></transformer-explainer>
<div style="height: 4000px"></div>
<transformer-explainer id="far" widget="path-count"></transformer-explainer>
<transformer-explainer id="wrong" widget="no such/widget"></transformer-explainer></body></html>"""


@pytest.fixture
def host(site: str, tmp_path: Path) -> Iterator[str]:
    """A page on another origin than the site."""
    (tmp_path / "index.html").write_text(HOST.replace("SITE", site), encoding="utf-8")
    server = serve.make_server(tmp_path, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def post(context, host: str, site: str) -> Page:
    page = context.new_page()
    context.guard.origin = ("http://127.0.0.1:",)
    page.goto(host)
    page.wait_for_function("window.told.filter(t => t[0] === 'live').length >= 3", timeout=LIVE)
    return page


def frame_of(page: Page, name: str):
    return page.frame_locator(f"#{name} iframe")


def test_three_figures_on_another_origin_are_live_on_one_python(post: Page) -> None:
    told = post.evaluate("window.told")
    assert {t[1] for t in told if t[0] == "live"} == {"one", "two", "three"}
    assert all(t[2]["how"] == "resumed" for t in told if t[0] == "live")
    temperature = frame_of(post, "one").locator("input[type=range][data-bind=t]").first
    expect(temperature).to_have_attribute("aria-valuetext", re.compile("^0.50?"))
    expect(frame_of(post, "two").locator("select[data-bind=layer]").first).to_have_value("2")


def test_heights_follow_the_content(post: Page) -> None:
    for name in ("one", "two", "three"):
        inner = post.locator(f"#{name} iframe").element_handle().content_frame()
        post.wait_for_function(
            """([n, h]) => {
              const frame = document.querySelector(n).shadowRoot.querySelector('iframe');
              return Math.abs(frame.getBoundingClientRect().height - h) < 3;
            }""",
            arg=[f"#{name}", inner.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")],
        )


def test_an_attribute_changes_the_figure_and_the_host_hears_of_it(post: Page) -> None:
    post.evaluate("document.querySelector('#two').setAttribute('layer', '3')")
    expect(frame_of(post, "two").locator("select[data-bind=layer]").first).to_have_value("3")
    post.wait_for_function("window.told.some(t => t[0] === 'change' && t[1] === 'two' && t[2].layer === 3)")


def test_far_figures_wait_until_they_are_near(post: Page) -> None:
    assert post.locator("#far iframe").count() == 0
    post.evaluate("document.querySelector('#far').scrollIntoView()")
    expect(post.locator("#far iframe")).to_have_count(1)


def test_a_wrong_name_is_said_in_words(post: Page) -> None:
    expect(post.locator("#wrong .wait")).to_contain_text("name of a widget")
    assert post.locator("#wrong iframe").count() == 0


def test_messages_from_strangers_do_nothing(post: Page) -> None:
    before = post.locator("#one iframe").bounding_box()
    post.evaluate("postMessage({type: 'explainer:height', height: 5}, '*')")
    post.evaluate(
        """document.querySelector('#two').shadowRoot.querySelector('iframe').contentWindow.postMessage({
          type: 'explainer:set', values: {prompt: '<img src=x onerror=alert(1)>', __proto__: 1, nothing: {}}}, '*')"""
    )
    expect(frame_of(post, "two").locator("[data-body] img")).to_have_count(0)
    assert post.locator("#one iframe").bounding_box()["height"] == before["height"]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_widget_stands_alone(slug: str, open_page, site_directory: Path) -> None:
    page = open_page(f"embed/{slug}/")
    assert page.locator("[data-widget]").count() == 1
    expect(
        page.get_by_role("link", name="from").or_(page.locator("[data-widget] a[target=_blank]")).first
    ).to_be_visible()
    assert (site_directory / "embed" / slug / "oembed.json").exists()
    assert (site_directory / "embed" / slug / "og.png").read_bytes().startswith(b"\x89PNG")


def test_copy_embed_code_gives_both_forms_of_what_is_on_screen(open_page) -> None:
    page = open_page("attention/", layer=2)
    widget = page.locator("#attention-stepper")
    settle(page)
    widget.get_by_role("button", name="Copy embed code").click()
    element = widget.locator("[data-form=element]").text_content()
    frame = widget.locator("[data-form=iframe]").text_content()
    assert '<transformer-explainer widget="attention-stepper"' in element and 'layer="2"' in element
    assert "embed/attention-stepper/?" in frame and "layer=2" in frame


def test_the_demo_post_is_live(open_page) -> None:
    page = open_page("demo/", live=False)
    page.locator("transformer-explainer").first.scroll_into_view_if_needed()
    inner = page.locator("transformer-explainer iframe").first.element_handle().content_frame()
    inner.wait_for_function("document.documentElement.dataset.explainer === 'live'", timeout=LIVE)

"""Plots: a still that BokehJS takes over where one comes near, and that stays where it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import plots
import pytest
import serve
import shell
import single
from conftest import LIVE, settle, tool, until, wait_live
from playwright.sync_api import Locator, Page, expect
from test_policy import Guarded
from test_shell import axe

from explainer.models import lab
from explainer.studies import openness
from explainer.ui import design
from explainer.ui.html import number
from explainer.ui.parts.plot import STILL

OURS = re.compile(r"bokeh|/plot")
COUNT_SHIFTS = """window.shifts = 0;
new PerformanceObserver((l) => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.shifts += e.value; })
  .observe({ type: 'layout-shift', buffered: true });"""
# How many pixels of a plot's canvases are near a colour, '#rrggbb'
PIXELS = """(box, colour) => {
  const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  const inside = (node) => [...node.querySelectorAll('*')]
    .flatMap((e) => [e, ...(e.shadowRoot ? inside(e.shadowRoot) : [])]);
  let found = 0;
  for (const canvas of inside(box).filter((e) => e instanceof HTMLCanvasElement && e.width && e.height)) {
    const { width, height } = canvas;
    const copy = Object.assign(document.createElement('canvas'), { width, height });
    const context = copy.getContext('2d', { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    for (let i = 0; i < data.length; i += 4)
      if (data[i + 3] > 200 && wanted.every((v, k) => Math.abs(v - data[i + k]) < 12)) found += 1;
  }
  return found;
}"""
FIGURE = """(name) => globalThis.Bokeh.documents.flatMap((d) => d.roots()).find((f) => f.name === name)"""
RANGES = f"""(name) => {{
  const {{ x_range: x, y_range: y }} = ({FIGURE})(name);
  return [x.start, x.end, y.start, y.end];
}}"""
SOURCE = """(f) => [...f.document.all_models].find((m) => m.name === 'series-0')"""


def plot_of(page: Page, name: str) -> Locator:
    return page.locator(f".plot[data-plot={name}]")


def explored(page: Page, name: str) -> Locator:
    """Scroll to a plot and wait until it is live."""
    plot = plot_of(page, name)
    plot.scroll_into_view_if_needed()
    expect(plot.locator(".plot-live[data-ready]")).to_be_attached()
    return plot


def ranges(page: Page, name: str) -> list[float]:
    return page.evaluate(RANGES, name)


def requests_of(page: Page) -> list[str]:
    """What is asked for, of plots' own, from now on."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if OURS.search(request.url) else None)
    return seen


def where(page: Page, name: str, x: float, y: float) -> tuple[float, float]:
    """Where on the screen a point of the data lies."""
    at = page.evaluate(
        f"""([name, x, y]) => {{
            const figure = ({FIGURE})(name);
            const view = globalThis.Bokeh.index.get_by_id(figure.id);
            const box = view.canvas_view.el.getBoundingClientRect();
            return [box.x + view.frame.x_scale.compute(x), box.y + view.frame.y_scale.compute(y)];
        }}""",
        [name, x, y],
    )
    return at[0], at[1]


def test_it_comes_only_when_it_is_near(context, site) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 1280, "height": 300})
    asked = requests_of(page)
    page.goto(site + "how/")
    expect(page.locator(".plot")).to_have_count(2)
    assert page.locator(".plot").first.evaluate("(plot) => plot.getBoundingClientRect().top - innerHeight") > 400
    page.evaluate("new Promise(done => setTimeout(done, 500))")
    assert [re.sub(r"\.\w+\.js", "", url.rpartition("/")[2]) for url in asked] == ["plot"]
    explored(page, "times")
    names = [url.rpartition("/")[2] for url in asked]
    assert sum("bokeh" in name for name in names) == 1 and any(name.startswith("plot-times.") for name in names)
    assert not any("loss-by-kind" in name for name in names), "the other one is not near"
    explored(page, "loss-by-kind")
    assert sum("bokeh" in url for url in asked) == 1


def test_other_pages_ask_for_nothing_of_it(context, site, site_directory: Path) -> None:
    with_plots = set()
    for file in site_directory.rglob("*.html"):
        if file.name == "still.html":  # a picture of a figure, for the list of them: it has no script
            continue
        html = file.read_text(encoding="utf-8")
        holds = " data-plot=" in html
        one_file = "single" in (file.parent.name, file.stem)
        assert ("explainer-plots" in html) == (holds and not one_file), file
        assert bool(re.search(r'src="[^"]*/plot\.', html)) == (holds and not one_file), file
        with_plots |= {file.relative_to(site_directory).parent.as_posix()} if holds else set()
    assert with_plots >= {"how", "components", "embed/components-plot"}
    assert not with_plots & {".", "attention", "temperature", "feedback", "paths"}  # these come first, and without it
    page = context.new_page()
    asked = requests_of(page)
    page.goto(site + "attention/")
    wait_live(page)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    page.evaluate("new Promise(done => setTimeout(done, 500))")
    assert asked == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_drawn_in_the_colours_of_the_design_and_changes_with_the_theme(scheme, new_page, site) -> None:
    page = new_page(color_scheme=scheme)
    page.goto(site + "how/")
    box = explored(page, "loss-by-kind").locator(".plot-box")
    _, light, dark = design.MEANINGS["loss"]
    now, other = (light, dark) if scheme == "light" else (dark, light)
    assert box.evaluate(PIXELS, now) > 50 and box.evaluate(PIXELS, other) == 0
    page.get_by_role("button", name="Dark" if scheme == "light" else "Light", exact=True).click()
    until(page, f"() => ({PIXELS})(document.querySelector('[data-plot=loss-by-kind] .plot-box'), '{other}') > 50")
    assert box.evaluate(PIXELS, now) == 0
    page.get_by_role("button", name="Auto", exact=True).click()
    page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    until(page, f"() => ({PIXELS})(document.querySelector('[data-plot=loss-by-kind] .plot-box'), '{other}') > 50")


def test_what_is_drawn_is_what_the_markup_says(open_page) -> None:
    page = open_page("how/", live=False)
    for name in ("times", "loss-by-kind"):
        explored(page, name)
        given = json.loads(plot_of(page, name).get_attribute("data-columns") or "")
        drawn = page.evaluate(
            f"""(name) => [...({FIGURE})(name).document.all_models].filter((m) => /^series-/.test(m.name ?? ''))
                .sort((a, b) => (a.name < b.name ? -1 : 1)).map((m) => [Array.from(m.data.x), Array.from(m.data.y)])""",
            name,
        )
        assert drawn == [[columns["x"], columns["y"]] for columns in given["series"]]
        assert ranges(page, name) == [*given["x"], *given["y"]]


def test_pointing_says_the_numbers_in_words(open_page) -> None:
    page = open_page("how/", live=False)
    plot = explored(page, "loss-by-kind")
    [found] = [p for p in plots.found(page.content()) if p.name == "loss-by-kind"]
    model = found.series[0]
    page.mouse.move(*where(page, "loss-by-kind", 1.8, 0.5))
    expect(plot.locator(".plot-tip")).to_be_hidden()
    page.mouse.move(*where(page, "loss-by-kind", model.x[0], model.y[0]), steps=4)
    expect(plot.locator(".plot-tip")).to_contain_text(f"free choice: model {number(model.x[0])} nats per token")
    page.mouse.move(5, 5, steps=2)
    expect(plot.locator(".plot-tip")).to_be_hidden()


def test_zoom_and_pan_by_button_key_and_drag_and_back_to_the_whole(open_page) -> None:
    page = open_page("components/")
    plot = explored(page, "openness")
    whole = ranges(page, "openness")

    def changed(since: list[float]) -> list[float]:
        until(page, f"([name, before]) => String(({RANGES})(name)) !== String(before)", ["openness", since])
        return ranges(page, "openness")

    plot.get_by_role("button", name="Zoom in", exact=True).click()
    inside = changed(whole)
    assert whole[0] < inside[0] < inside[1] < whole[1] and whole[2] < inside[2] < inside[3] < whole[3]
    plot.get_by_role("button", name="Zoom out", exact=True).click()
    assert changed(inside) == pytest.approx(whole)
    box = plot.get_by_role("group", name="Entropy of the next token over the temperature")
    box.focus()
    page.keyboard.press("+")
    assert changed(whole) == pytest.approx(inside)
    page.keyboard.press("ArrowRight")
    moved = changed(inside)
    assert moved[0] > inside[0] and moved[2:] == inside[2:]
    page.keyboard.press("0")
    assert changed(moved) == whole
    middle = where(page, "openness", 0.3, 3.5)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 90, middle[1], steps=6)
    page.mouse.up()
    dragged = changed(whole)
    assert dragged[1] < whole[1] and dragged[0] < whole[0], "what is dragged to the right comes from the left"
    plot.get_by_role("button", name="Whole picture", exact=True).click()
    assert changed(dragged) == whole


def test_the_wheel_scrolls_the_page_and_leaves_the_plot(open_page) -> None:
    page = open_page("how/", live=False)
    explored(page, "times")
    before, at = ranges(page, "times"), page.evaluate("scrollY")
    page.mouse.move(*where(page, "times", 3, 3))
    page.mouse.wheel(0, 200)
    until(page, "(at) => scrollY > at + 100", at)
    assert ranges(page, "times") == before


def test_a_thumb_scrolls_the_page_and_pulls_sideways(make_context, site) -> None:
    context = make_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(site + "how/")
    explored(page, "times")
    page.evaluate("scrollBy({top: 200, behavior: 'instant'})")
    whole, at = ranges(page, "times"), page.evaluate("scrollY")
    cdp = context.new_cdp_session(page)

    def swipe(right: float, down: float) -> None:
        x, y = where(page, "times", 3, 3)
        for share in range(11):
            at = {"x": x + right * share / 10, "y": y + down * share / 10}
            kind = "touchMove" if share else "touchStart"
            cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [at]})
        cdp.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    swipe(0, -120)
    until(page, "(at) => scrollY > at + 60", at)
    assert ranges(page, "times") == pytest.approx(whole)
    swipe(-100, 0)
    until(page, f"(before) => ({RANGES})('times')[0] > 1.5 * before", whole[0])
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_prompt_and_the_slider_change_what_is_plotted_and_writing_on_streams_it(open_page) -> None:
    page = open_page("components/", prompt="Once there was a")
    explored(page, "openness")
    explored(page, "openness-by-place")
    page.evaluate(
        f"""() => {{
            window.streamed = 0;
            const source = ({SOURCE})(({FIGURE})('openness-by-place'));
            source.streaming.connect(() => {{ window.streamed += 1; }});
        }}"""
    )
    widget = page.locator("#components-plot")

    def plotted(name: str) -> list[float]:
        return page.evaluate(f"(name) => Array.from(({SOURCE})(({FIGURE})(name)).data.y)", name)

    def wanted(prompt: str) -> tuple[list[float], list[float]]:
        logits = lab.trace(lab.tokens_of(prompt))["logits"]
        return openness.entropy_by_temperature(logits[-1]).tolist(), openness.entropy_by_place(logits).tolist()

    over, places = wanted("Once there was a")
    assert plotted("openness") == pytest.approx(over, abs=1e-3)
    assert plotted("openness-by-place") == pytest.approx(places, abs=1e-3)
    widget.get_by_label("Prompt", exact=True).fill("Once there was a dog")
    settle(page)
    over, places = wanted("Once there was a dog")
    assert plotted("openness-by-place") == pytest.approx(places, abs=1e-3) and page.evaluate("window.streamed") == 1
    assert plotted("openness") == pytest.approx(over, abs=1e-3)
    assert ranges(page, "openness-by-place")[1] == len(places) - 1, "the whole picture grows, too"
    widget.get_by_label("Prompt", exact=True).fill("Mia has a red ball. It is red")
    settle(page)
    assert plotted("openness-by-place") == pytest.approx(wanted("Mia has a red ball. It is red")[1], abs=1e-3)
    assert page.evaluate("window.streamed") == 1, "another text is no stream"
    widget.get_by_label("Temperature", exact=True).focus()
    page.keyboard.press("Home")
    settle(page)
    marker = f"""() => [...({FIGURE})('openness').document.all_models].find((m) => m.name === 'markers').data"""
    assert page.evaluate(marker) == {"x": [0.01], "words": ["T = 0.01"]}
    tool(widget, "Reset")
    settle(page)
    plot = plot_of(page, "openness")
    expect(plot.get_by_role("button", name="Zoom in")).to_be_visible()
    assert plot.locator(".plot-box").count() == 1, "drawing anew leaves the figure where it is"


def test_who_has_zoomed_in_keeps_the_place_while_the_numbers_change(open_page) -> None:
    page = open_page("components/")
    plot = explored(page, "openness-by-place")
    plot.get_by_role("button", name="Zoom in", exact=True).click()
    before = ranges(page, "openness-by-place")
    page.locator("#components-plot").get_by_label("Prompt", exact=True).fill("Mia")
    settle(page)
    assert ranges(page, "openness-by-place") == before
    plot.get_by_role("button", name="Whole picture", exact=True).click()
    assert ranges(page, "openness-by-place")[:2] == [0, len(lab.tokens_of("Mia")) - 1]


@pytest.mark.parametrize("path", ["how/", "components/", "embed/components-plot/?view=full"])
def test_axe_finds_nothing_and_nothing_moves(path, new_page, site) -> None:
    for scheme, width in (("light", 1280), ("dark", 360)):
        page = new_page(color_scheme=scheme, viewport={"width": width, "height": 800})
        page.add_init_script(COUNT_SHIFTS)
        page.goto(site + path)
        if path != "how/":
            wait_live(page)
        before = page.evaluate("document.documentElement.scrollHeight")
        for plot in page.locator(".plot").all():
            explored(page, plot.get_attribute("data-plot") or "")
        assert page.evaluate("document.documentElement.scrollHeight") == before
        assert page.evaluate("window.shifts") < 0.001
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        found = axe(page) if width > 400 and "embed" not in path else axe(page, ".plot")
        assert found == ""
        page.close()


def stays_a_still(page: Page) -> None:
    """Every plot of the page says that it is a still, shows it, and has its table."""
    for plot in page.locator(".plot").all():
        plot.scroll_into_view_if_needed()
        expect(plot.get_by_text(STILL)).to_be_visible()
        expect(plot.locator("svg.plot-still")).to_have_css("opacity", "1")
        expect(plot.get_by_role("button", name="Zoom in")).to_have_count(0)
        expect(plot.locator("details.numbers")).to_be_visible()


@pytest.mark.parametrize("missing", ["**/assets/bokeh*", "**/assets/plot-*.json"])
def test_where_it_does_not_come_the_still_stays(missing, context, guard, site) -> None:
    guard.allow("Failed to load resource: net::ERR_FAILED")
    context.route(missing, lambda route: route.abort())
    page = context.new_page()
    page.goto(site + "how/")
    page.locator(".plot").first.scroll_into_view_if_needed()
    with page.expect_event("requestfailed"):
        page.reload()
        page.locator(".plot").first.scroll_into_view_if_needed()
    stays_a_still(page)


def test_without_a_script_and_on_paper_it_is_a_still(make_context, open_page, site) -> None:
    page = make_context(java_script_enabled=False).new_page()
    page.goto(site + "how/")
    for plot in page.locator(".plot").all():
        expect(plot.get_by_text(STILL)).to_be_visible()
        expect(plot.locator("svg.plot-still")).to_be_visible()
    page = open_page("how/", live=False)
    explored(page, "times")
    page.emulate_media(media="print")
    plot = plot_of(page, "times")
    expect(plot.locator("svg.plot-still")).to_have_css("opacity", "1")
    expect(plot.locator(".plot-box")).to_be_hidden()
    expect(plot.locator("p", has_text=STILL)).to_be_visible()


def test_a_page_in_one_file_has_the_still(make_context, site_directory: Path, tmp_path: Path) -> None:
    context = make_context()
    context.guard.origin = "file://"
    page = context.new_page()
    page.goto(single.write_single(site_directory, "components", tmp_path).as_uri())
    assert page.locator(".plot").count() == 2
    stays_a_still(page)


def test_a_figure_that_is_taken_away_has_the_still(open_page, make_context, tmp_path: Path) -> None:
    page = open_page("components/", t=2)
    explored(page, "openness")
    widget = page.locator("#components-plot")
    tool(widget, "Download")
    with page.expect_download() as saved:
        widget.get_by_role("button", name="One file (works offline)").click()
    saved.value.save_as(tmp_path / "components-plot.html")
    context = make_context()
    context.guard.origin = "file://"
    taken = context.new_page()
    taken.goto((tmp_path / "components-plot.html").as_uri())
    wait_live(taken)
    stays_a_still(taken)
    assert "T = 2.00" in taken.locator("svg.plot-still").first.text_content()


def test_the_picture_that_is_downloaded_has_the_still(open_page) -> None:
    page = open_page("components/")
    explored(page, "openness")
    widget = page.locator("#components-plot")
    tool(widget, "Download")
    with page.expect_download() as saved:
        widget.get_by_role("button", name="SVG", exact=True).click()
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert 'class="chart xy plot-still"' in text and 'class="plot-box"' not in text and STILL in text
    with page.expect_download() as saved:
        widget.get_by_role("button", name="CSV", exact=True).click()
    numbers = Path(saved.value.path()).read_text(encoding="utf-8")
    [over, _] = plots.found(widget.inner_html())
    assert all(f"{x!r},{y!r}" in numbers for x, y in zip(over.series[0].x, over.series[0].y, strict=True) if x != 1)


def test_it_works_without_a_network_after_a_first_visit(make_context, site) -> None:
    context = make_context(service_workers="allow")
    page = context.new_page()
    page.goto(site + "components/")
    wait_live(page)
    until(page, "() => navigator.serviceWorker.ready.then(r => r.active !== null)", timeout=LIVE)
    page.close()
    context.set_offline(True)
    again = context.new_page()
    again.goto(site + "how/")
    for name in ("times", "loss-by-kind"):
        explored(again, name)
    context.set_offline(False)


# ---------------------------------------------------------------- the policy


def test_one_word_more_on_pages_with_a_plot_and_on_no_other(site_directory: Path) -> None:
    word = "style-src 'self' 'unsafe-inline';"
    assert word in shell.PLOT_POLICY and word not in shell.POLICY
    assert shell.PLOT_POLICY.replace(" 'unsafe-inline';", ";", 1) == shell.POLICY
    for file in site_directory.rglob("index.html"):
        html = file.read_text(encoding="utf-8")
        policy = unescape(html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0])
        assert policy == (shell.PLOT_POLICY if " data-plot=" in html else shell.POLICY), file


@pytest.mark.parametrize("header", ["as README says it", "without the word"])
def test_a_header_of_the_server_needs_the_word(header, make_context: Callable, site_directory: Path) -> None:
    lean = shell.HEADER.replace("style-src 'self' 'unsafe-inline'", "style-src 'self'")
    assert lean != shell.HEADER
    Guarded.policy = shell.HEADER if header.startswith("as") else lean
    with serve.served(site_directory, Guarded) as address:
        context = make_context()
        context.guard.origin = address
        page = context.new_page()
        if Guarded.policy == lean:
            context.guard.allow("Content Security Policy|CSP")
        page.add_init_script(
            "window.violations = []; addEventListener('securitypolicyviolation', (e) => violations.push(e))"
        )
        page.goto(address + "how/")
        if Guarded.policy == lean:
            page.locator(".plot").first.scroll_into_view_if_needed()
            until(page, "() => window.violations.length > 0")
            stays_a_still(page)
            assert page.evaluate("window.violations.length") <= 2 and not page.evaluate("Boolean(globalThis.Bokeh)")
        else:
            explored(page, "times")
            assert page.evaluate("window.violations.length") == 0

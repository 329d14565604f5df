"""What every page has: the frame, the two readings, the toolbar, the status, access, and what it does without help."""

import csv
import inspect
import io
import json
import re
import shutil
import struct
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import contents
import measure_heights
import numpy as np
import pytest
import serve
from conftest import ABOUT_TEXTS, at_rest, settle, tool, until, wait_live
from PIL import Image, ImageChops
from playwright.sync_api import expect

from explainer.architectures import llama_like
from explainer.kernel.paths import letter
from explainer.models import lab
from explainer.studies import next_token, story
from explainer.ui.html import percent
from pages import CHAPTERS, PAGES
from pages.home.page import HomeState
from pages.paths.page import PathsState
from pages.temperature.page import PROMPT

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
EVERY = [p.path for p in PAGES]
STATIC = [*(text.path for text in contents.texts()), "api/", "api/kernel/trace/"]


def axe(page, within=None, only=None):
    """Violations as text, empty when there is none. within: a selector, for a part of the page; only: names of rules"""
    page.evaluate(AXE)
    found = page.evaluate(
        """([within, only]) => axe.run(within ?? document, {resultTypes: ['violations'],
          ...(only ? {runOnly: {type: 'rule', values: only}} : {rules: {'region': {enabled: true}}})})
        .then(r => r.violations.map(v => [v.id, v.help, v.nodes.slice(0, 3)
          .map(n => n.target.join(' ') + ' ' + n.failureSummary)]))""",
        [within, only],
    )
    return json.dumps(found, indent=1) if found else ""


@pytest.mark.parametrize("path", EVERY)
def test_axe_finds_nothing_in_light_live_with_every_drawer_open(path, open_page):
    page = open_page(path, seen={"color_scheme": "light"})
    for drawer in ("code", "embed", "download"):
        for button in page.locator(f"[data-tool={drawer}]").all():
            button.evaluate("button => button.click()")
    assert axe(page) == ""


@pytest.mark.parametrize("path", EVERY)
def test_axe_finds_no_fault_of_colour_in_dark_before_it_is_live(path, make_context, site):
    """What else it could find is the same in light and dark: the test above."""
    page = make_context(color_scheme="dark").new_page()
    page.add_init_script("delete window.SharedWorker; window.Worker = class { postMessage() {} }")  # it stays a still
    page.goto(f"{site}{path}?mode=result")
    assert axe(page, only=["color-contrast", "link-in-text-block"]) == ""
    assert page.evaluate("document.documentElement.dataset.explainer") in ("still", "starting")


@pytest.mark.parametrize("path", STATIC)
def test_axe_finds_nothing_on_static_pages(path, open_page):
    assert axe(open_page(path, live=False)) == ""


CUT = """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const at = text.getBoundingClientRect();
    return at.width > 0 && (at.left < frame.left - 2 || at.right > frame.right + 2 || at.top < frame.top - 2.5
      || at.bottom > frame.bottom + 2.5);
  }).map(text => svg.closest('[data-figure]')?.dataset.figure + ': ' + text.textContent);
})"""


OVER = """() => [...document.querySelectorAll('svg.chart')].flatMap(svg => {
  const texts = [...svg.querySelectorAll('text:not([transform])')]
    .map(el => [el.textContent, el.getBoundingClientRect()]);
  const shared = (a, b, low, high) => Math.min(a[high], b[high]) - Math.max(a[low], b[low]);
  return texts.flatMap(([words, a], i) => texts.slice(i + 1)
    .filter(([, b]) => a.width && b.width && shared(a, b, 'left', 'right') > 2 && shared(a, b, 'top', 'bottom') > 3)
    .map(([others]) => `${svg.closest('[data-figure]')?.dataset.figure}: ${words} over ${others}`));
})"""


@pytest.mark.parametrize("fonts", ["own", "fallback"])
@pytest.mark.parametrize("path", EVERY)
def test_no_words_of_a_chart_are_cut_off_or_lie_on_each_other(path, fonts, make_context, site):
    context = make_context(viewport={"width": 360, "height": 800})
    context.route("**/runtime/**", lambda route: None)  # never answered: the charts are those of the stills
    page = context.new_page()
    if fonts == "fallback":  # a reader's own fonts may be wider
        context.guard.allow("Failed to load resource: net::ERR_FAILED")
        context.route("**/*.woff2", lambda route: route.abort())
        page.goto(site + path)
    else:
        context.route("**/*.css", measure_heights.wait_for_fonts)  # one that comes late is not used at all
        page.goto(site + path)
        page.evaluate("document.fonts.ready")
    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(CUT) == [], width
        assert page.evaluate(OVER) == [], width  # boxes of letters may touch, words may not lie on each other


ROOTS = """() => [...document.querySelectorAll('msqrt')].filter(root => root.checkVisibility()).map(root =>
  root.getBoundingClientRect().width - root.firstElementChild.getBoundingClientRect().width)"""


def test_every_root_of_a_formula_is_drawn(open_page):
    page = open_page("attention/", mode="result", live=False)
    beside = page.evaluate(ROOTS)  # px that the sign takes beside what stands under it
    assert len(beside) >= 4
    assert min(beside) > 2, beside


@pytest.mark.parametrize("path", EVERY + STATIC)
def test_nothing_scrolls_sideways(path, open_page):
    page = open_page(path, live=False, seen={"viewport": {"width": 320, "height": 800}})
    for width in (320, 360, 414, 768, 1024, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        for mode in ("discover", "result"):
            page.evaluate("m => { document.documentElement.dataset.mode = m }", mode)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, mode)


@pytest.mark.parametrize("path", EVERY)
def test_going_live_is_told_moves_nothing_and_redraws_nothing(path, context, site):
    page = context.new_page()
    page.add_init_script(
        """window.told = [];
        for (const n of ['still', 'live', 'failed'])
          addEventListener('explainer:' + n, e => window.told.push([n, e.detail]));
        window.shifts = 0;
        const shifts = new PerformanceObserver(l => { for (const e of l.getEntries()) window.shifts += e.value });
        shifts.observe({type: 'layout-shift', buffered: true});
        addEventListener('DOMContentLoaded', () => {
          window.before = [...document.querySelectorAll('[data-body] *')];
          window.changes = 0;
          const seen = new MutationObserver(m => { window.changes += m.length });
          for (const body of document.querySelectorAll('[data-body]'))
            seen.observe(body, {subtree: true, childList: true, characterData: true});
        });"""
    )
    page.goto(site + path)
    wait_live(page)
    assert page.evaluate("window.before.length > 50 && window.before.every(n => n.isConnected)")
    assert page.evaluate("window.changes") == 0
    assert page.evaluate("window.shifts") < 0.001
    told = page.evaluate("window.told")
    assert [n for n, _ in told] == ["still", "live"]
    detail = told[1][1]
    assert set(detail) >= {"ms", "bytes", "how", "reason"} and detail["how"] in ("resumed", "booted")
    assert detail["how"] == "resumed", detail["reason"]
    assert detail["ms"] > 0 and detail["bytes"] >= 0


def test_without_javascript_the_page_is_an_article_with_pictures(make_context, site):
    for each in CHAPTERS:
        page = make_context(java_script_enabled=False).new_page()
        page.goto(site + each.path)
        expect(page.get_by_role("heading", level=1)).to_have_text(each.question)
        for summary in page.locator("details.deeper:not([open]) > summary").all()[::-1]:
            summary.click()  # the browser opens a section by itself
        for widget in each.widgets:
            body = page.locator(f"#{widget.slug} [data-body]")
            expect(body).to_be_visible()
            assert body.locator("td, svg, svg circle, [data-v]").count() > 3
        for block in (".discover", ".result"):
            assert page.locator(f"{block} > *").first.is_visible()
        formulas = page.locator("math")
        if each.path in ABOUT_TEXTS or formulas.count():
            expect(formulas.first).to_be_visible()
            assert page.locator("math :is(mi, mo, mn)").count() > 5
        assert "$" not in " ".join(
            page.locator("main :is(.discover, .result) > p").all_inner_texts()
        )  # no formula was left as its source
        last = page.locator("details.deeper").last
        expect(last.locator("> summary h2")).to_have_text("Sources")
        assert last.locator("ul > li").count() >= 5


@pytest.mark.parametrize("path", [p.path for p in CHAPTERS])
def test_discover_and_result_are_one_switch_and_remembered(path, open_page):
    page = open_page(path, live=False)
    expect(page.locator(".discover > *").first).to_be_visible()
    expect(page.locator(".result > *").first).to_be_hidden()
    page.get_by_role("button", name="Result", exact=True).click()
    expect(page.locator(".result > *").first).to_be_visible()
    expect(page.locator(".discover > *").first).to_be_hidden()
    assert "mode=result" in page.url
    other = open_page(path, live=False)
    expect(other.get_by_role("button", name="Result", exact=True)).to_have_attribute("aria-pressed", "true")


PLACE = "slug => document.getElementById(slug).getBoundingClientRect().top"


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", [p.path for p in CHAPTERS])
def test_the_other_reading_leaves_the_figure_where_it_is(path, width, open_page):
    """By mouse, where the bar stays in sight, and by key. (Playwright's own click would scroll the page to the bar.)"""
    page = open_page(path, seen={"viewport": {"width": width, "height": 900}})

    def press(mode, how):
        button = page.get_by_role("button", name=mode, exact=True)
        if how == "mouse":
            box = button.bounding_box()
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        else:
            button.evaluate("b => b.focus({preventScroll: true})")
            page.keyboard.press("Enter")
        expect(page.locator("html")).to_have_attribute("data-mode", mode.lower())

    for widget in next(p for p in CHAPTERS if p.path == path).widgets:
        page.evaluate(f"slug => scrollBy({{top: ({PLACE})(slug) - 81, behavior: 'instant'}})", widget.slug)
        before = page.evaluate(PLACE, widget.slug)
        for how in ("mouse", "key") if width > 640 else ("key",):  # on a phone the bar stays at the top of the page
            for mode in ("Result", "Discover"):
                press(mode, how)
                assert page.evaluate(PLACE, widget.slug) == pytest.approx(before, abs=2), (widget.slug, mode, how)


@pytest.mark.parametrize("path", [p.path for p in CHAPTERS])
def test_a_page_prints_as_an_article(path, open_page):
    page = open_page(path, live=False)
    page.emulate_media(media="print")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(page.locator("header.bar")).to_be_hidden()
    expect(page.locator("[role=toolbar]").first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"  # paper is
    for step in page.locator(".step").all():
        expect(step).to_be_visible()
    for bar in page.locator(".bars .bar").all()[:3]:
        assert bar.evaluate("el => getComputedStyle(el).display") != "none"
    expect(page.locator("[data-body]").first).to_be_visible()


@pytest.mark.parametrize("path", [p.path for p in CHAPTERS])
def test_code_is_the_real_source(path, open_page):
    page = open_page(path, live=False)
    for kind in next(p for p in CHAPTERS if p.path == path).widgets:
        widget = page.locator(f"#{kind.slug}")
        expect(widget.locator(f"#{kind.slug}-code")).to_be_hidden()
        tool(widget, "Show the code")
        code = widget.locator(f"#{kind.slug}-code code")
        expect(code.first).to_be_visible()
        real = [inspect.getsource(function).strip() for function in kind.functions]
        shown = [text.strip() for text in code.all_text_contents()]
        assert shown[: len(real)] == real != []
        there = inspect.getsource(llama_like) if shown[len(real) :] else ""  # of a figure about other models, too
        assert all(text in there for text in shown[len(real) :])


def test_downloads_carry_the_exact_numbers(open_page):
    page = open_page("temperature/", t="0.7")
    widget = page.locator("#temperature")
    tool(widget, "Download")
    saved = {}
    for kind in ("csv", "json", "svg", "png"):
        with page.expect_download() as waiting:
            widget.get_by_role("button", name=kind.upper(), exact=True).click()
        assert waiting.value.suggested_filename == f"temperature.{kind}"
        saved[kind] = Path(waiting.value.path()).read_bytes()
    look = next_token.next_token(lab.tokens_of(PROMPT), 0.7)
    made, best = look.chain, [int(i) for i in look.order[:3]]
    names = [lab.tokenizer().display(i) for i in best]
    want = [[made.logits[i], made.scaled[i], made.grown[i], made.probs[i]] for i in best]
    told = json.loads(saved["json"])
    assert told["state"]["t"] == 0.7 and told["widget"] == "temperature"
    of_json = next(t["rows"] for t in told["tables"] if t["name"].startswith("Logits"))
    of_csv = list(csv.reader(io.StringIO(saved["csv"].decode().split("# Logits", 1)[1])))[1:]
    for rows in (of_json, of_csv):
        first = rows[1:4]  # after the heads
        assert [row[0] for row in first] == names
        for row, numbers in zip(first, want, strict=True):
            assert [float(x) for x in row[1:]] == pytest.approx([float(x) for x in numbers], rel=1e-4)
    assert all(type(x) in (int, float) for row in of_json[1:4] for x in row[1:]), "numbers are numbers"
    svg = ElementTree.fromstring(saved["svg"])
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert not re.search(rb"url\((?!.{0,6}data:)", saved["svg"])  # it needs nothing but itself
    words = " ".join(svg.itertext())
    assert all(name in words for name in names) and percent(float(made.probs[best[0]])) in words
    assert saved["png"].startswith(b"\x89PNG")
    box = widget.locator("[data-body]").bounding_box()
    width, height = struct.unpack(">II", saved["png"][16:24])
    assert width / height == pytest.approx(box["width"] / box["height"], rel=0.1)


def download(page, slug, kind):
    """A figure's numbers, as its button saves them."""
    if not page.locator(f"#{slug}-download").is_visible():
        tool(page.locator(f"#{slug}"), "Download")
    with page.expect_download() as waiting:
        page.locator(f"#{slug}").get_by_role("button", name=kind.upper(), exact=True).click()
    return Path(waiting.value.path()).read_text(encoding="utf-8")


def test_a_download_says_which_layer_and_head_its_numbers_are_about(open_page):
    page = open_page("attention/", layer=2, head=1, step=6)
    told = json.loads(download(page, "attention-stepper", "json"))
    tables = {t["name"]: t for t in told["tables"]}
    pattern = next(t for name, t in tables.items() if name.startswith("the attention pattern"))
    assert pattern["about"] == {"layer": 2, "head": 1} and pattern["rows"][0][:2] == ["layer", "head"]
    trace = lab.trace(lab.tokens_of(page.evaluate("window.explainer.state().prompt")))
    last = pattern["rows"][-1]
    assert last[:2] == [2, 1]
    assert last[3:] == pytest.approx(trace["blocks.2.attn.pattern"][1, -1].tolist(), abs=1e-5)
    text = download(page, "attention-stepper", "csv").split("# the attention pattern", 1)[1]
    rows = list(csv.reader(io.StringIO(text)))[1:]
    assert rows[0][:2] == ["layer", "head"] and rows[1][:2] == ["2", "1"]


def test_a_download_of_the_picture_has_the_words_of_the_field(open_page):
    page = open_page("")
    told = json.loads(download(page, "transformer", "json"))
    lines = next(t for t in told["tables"] if t["name"] == "What reads what")["rows"]
    assert lines[0][:6] == ["floor", "query", "key", "attention weight", "layer", "head"]
    arcs = sorted((a.floor, a.layer, a.head, a.weight) for a in HomeState().climb().arcs)
    shown = sorted((row[0], row[4], row[5], row[3]) for row in lines[1:])
    assert [row[:3] for row in shown] == [row[:3] for row in arcs]
    assert [row[3] for row in shown] == pytest.approx([row[3] for row in arcs], abs=1e-5)
    odds = next(t for t in told["tables"] if t["name"] == "What comes next")["rows"]
    assert odds[0] == ["token", "probability"] and type(odds[1][1]) is float


@pytest.mark.parametrize(
    ("path", "slug", "scheme", "width", "fonts"),
    [
        ("temperature/", "temperature", "light", 1280, "here"),
        ("attention/", "attention-routing", "dark", 1280, "here"),
        ("attention/", "attention-routing", "dark", 1280, "too late"),
        ("feedback/", "feedback-loop", "dark", 360, "here"),
    ],
)
def test_a_picture_shows_what_is_on_screen(path, slug, scheme, width, fonts, make_context, site):
    # the window holds the whole widget: Playwright would stretch a lower one, and the page would move while it does
    context = make_context(color_scheme=scheme, viewport={"width": width, "height": 3000}, reduced_motion="reduce")
    page = context.new_page()
    held = []
    if fonts == "too late":
        page.route("**/*.woff2", lambda route: held.append(route))
    page.goto(site + path, wait_until="commit")
    until(page, "() => performance.getEntriesByName('first-contentful-paint').length > 0")
    for route in held:
        route.continue_()
    wait_live(page)
    page.unroute_all()
    widget = page.locator(f"#{slug}")
    tool(widget, "Download")
    with page.expect_download() as waiting:
        widget.get_by_role("button", name="PNG", exact=True).click()
    assert bool(held) == (fonts == "too late")
    saved = Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes()))
    page.evaluate(
        "const parts = document.querySelectorAll('.tools, .drawer, .tool-status, .bar, .prompt-bar');"
        "for (const el of parts) el.style.display = 'none'"
    )
    at_rest(widget)  # a screenshot taken while the page still moves to its place is cut in the wrong place
    seen = Image.open(io.BytesIO(widget.screenshot(animations="disabled", caret="hide")))
    assert saved.width == pytest.approx(2 * seen.width, abs=4)
    assert saved.height == pytest.approx(2 * seen.height, abs=8)
    small = [image.convert("RGB").resize((seen.width // 4, seen.height // 4)) for image in (saved, seen)]
    apart = np.asarray(ImageChops.difference(*small)).max(axis=-1) > 60
    assert apart.mean() < 0.01


CHANGES = {
    "attention/": {"layer": 1, "query": 5},
    "temperature/": {"t": 2},
    "feedback/": {"seed": 5, "step": 3},
    "paths/": {"node": "2.2"},
}


@pytest.mark.parametrize("path", CHANGES)
def test_the_tools_of_every_page_copy_what_is_there_and_bring_the_first_view_back(path, make_context, site):
    page = make_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(site + path)
    wait_live(page)
    slug = next(p for p in CHAPTERS if p.path == path).widgets[0].slug
    body = page.locator(f"#{slug} [data-body]")
    first = body.inner_text()
    page.evaluate("values => explainer.set(values)", CHANGES[path])
    expect(page).to_have_url(re.compile(next(iter(CHANGES[path])) + "="))
    settle(page)
    assert body.inner_text() != first
    tools = page.locator(f"#{slug}").get_by_role("toolbar")
    tool(tools, "Copy link")
    expect(page.locator(f"#{slug} [data-tool-status]")).to_contain_text("opens exactly this view")
    assert page.evaluate("navigator.clipboard.readText()") == f"{page.url}#{slug}"  # and opens at this figure
    tool(tools, "Copy embed code")
    expect(page.locator(f"#{slug} [data-tool-status]")).to_contain_text("Embed code copied")
    code = page.evaluate("navigator.clipboard.readText()")
    asked = "".join(f' {name}="{value}"' for name, value in CHANGES[path].items())
    asked += f' weights="{story.fingerprint()}"'  # what was seen is what these weights write
    assert f'<transformer-explainer widget="{slug}"{asked}>' in code and "</transformer-explainer>" in code
    tool(tools, "Reset")
    expect(page).to_have_url(re.compile(f"{path}$"))
    settle(page)
    assert body.inner_text() == first
    page.go_back()  # and what was reset is not lost
    expect(page).to_have_url(re.compile(next(iter(CHANGES[path])) + "="))
    settle(page)
    assert body.inner_text() != first


@pytest.mark.parametrize("path", [p.path for p in CHAPTERS])
def test_every_drawing_has_a_name_and_its_numbers_in_a_table(path, open_page):
    page = open_page(path, live=False)
    drawings = page.locator("[data-body] [data-figure] svg:not([aria-hidden=true], [aria-hidden=true] *)")
    assert drawings.count() > 0
    bare = drawings.evaluate_all(
        """all => all.flatMap(svg => {
             const figure = svg.closest('[data-figure]');
             const name = svg.getAttribute('aria-label') ?? '';
             const named = svg.hasAttribute('role') && name.length > 10;
             const widget = svg.closest('[data-widget]'); // several drawings of a widget may share one folded table
             const told = figure.querySelector('tbody td') || widget.querySelector('details.numbers tbody td')
               || name.match(/[0-9]+/g)?.length > 1;
             return named && told ? [] : [figure.dataset.figure];
           })"""
    )
    assert bare == []
    for table in page.locator("[data-body] table").all():
        assert table.evaluate("t => (t.caption?.textContent ?? '').trim().length > 5"), table.evaluate(
            "t => t.outerHTML"
        )[:200]


LIGHTNESS = """() => {
  const [r, g, b] = getComputedStyle(document.documentElement).backgroundColor === 'rgba(0, 0, 0, 0)'
    ? getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number)
    : getComputedStyle(document.documentElement).backgroundColor.match(/[\\d.]+/g).map(Number);
  return (r + g + b) / 765;
}"""


def test_dark_is_dark_when_the_system_or_the_reader_says_so(open_page):
    page = open_page("attention/", live=False, seen={"color_scheme": "dark"})
    assert page.evaluate(LIGHTNESS) < 0.2
    page.get_by_role("button", name="Light", exact=True).click()
    assert page.evaluate(LIGHTNESS) > 0.8
    page.reload()
    assert page.evaluate(LIGHTNESS) > 0.8  # remembered
    page.get_by_role("button", name="Auto", exact=True).click()
    assert page.evaluate(LIGHTNESS) < 0.2
    page.emulate_media(color_scheme="light")
    assert page.evaluate(LIGHTNESS) > 0.8
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.evaluate(LIGHTNESS) < 0.2


def test_the_fonts_are_our_own(open_page):
    page = open_page("attention/", live=False)
    loaded, wanted = page.evaluate(
        """document.fonts.ready.then(() => [
             [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family.replaceAll('"', '')),
             getComputedStyle(document.querySelector('main p')).fontFamily.split(',')[0].replaceAll('"', '')])"""
    )
    assert wanted in loaded


def test_a_copied_link_opens_the_same_view(make_context, site):
    context = make_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(site + "attention/")
    wait_live(page)
    page.get_by_label("Layer", exact=True).first.select_option("2")
    page.get_by_label("Head", exact=True).first.select_option("3")
    settle(page)
    tool(page.locator("#attention-stepper"), "Copy link")
    expect(page.locator("#attention-stepper [data-tool-status]")).to_contain_text("copied")
    link = page.evaluate("navigator.clipboard.readText()")
    here = page.locator("#attention-stepper [data-body]").inner_text()
    other = make_context().new_page()
    other.goto(link)
    wait_live(other)
    assert other.locator("#attention-stepper [data-body]").inner_text() == here


@pytest.mark.parametrize("width", [1280, 360])
def test_the_other_reading_leaves_the_figure_in_view_where_it_is(width, open_page):
    page = open_page("temperature/", live=False, seen={"viewport": {"width": width, "height": 900}})
    page.locator("#temperature-truth").evaluate("el => scrollTo({top: el.offsetTop - 150, behavior: 'instant'})")
    top = "document.getElementById('temperature-truth').getBoundingClientRect().top"
    before = page.evaluate(top)
    for mode in ("result", "discover"):
        page.evaluate("mode => document.querySelector(`[data-mode-set=${mode}]`).click()", mode)
        expect(page.locator("html")).to_have_attribute("data-mode", mode)
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert page.evaluate(top) == pytest.approx(before, abs=2)


def test_a_tools_answer_moves_nothing(open_page):
    page = open_page("temperature/")
    widget = page.locator("#temperature")
    body = widget.locator("[data-body]")
    widget.evaluate("el => el.scrollIntoView()")  # the page scrolls here, and not when it is pressed
    before = body.bounding_box()
    tool(widget, "Copy link")
    expect(widget.locator("[data-tool-status]")).not_to_be_empty()
    assert body.bounding_box() == before


LINKS = {
    "attention/": {"prompt": "Mia has a ball.", "layer": "1", "query": "2", "sharpness": "0.5"},
    "temperature/": {"prompt": "1 2 3", "t": "1.7", "seed": "1234567"},
    "feedback/": {"prompt": "One day", "step": "7", "seed": "2147483647", "t": "0.333"},
    "paths/": {"prompt": "hello", "tokens": "100", "node": "2.1"},
}


@pytest.mark.parametrize("path", LINKS)
def test_what_a_link_says_holds_and_stays_in_the_address(path, open_page):
    """Also where a figure of the page needs a file that a resumed Python has not got yet."""
    page = open_page(path, **LINKS[path])
    for _ in range(2):
        assert dict(parse_qsl(urlsplit(page.url).query)).items() >= LINKS[path].items()
        held = page.evaluate("explainer.state()")
        assert {name: str(held[name]) for name in LINKS[path]} == LINKS[path]
        expect(page.locator(".widget").first.get_by_label("Prompt")).to_have_value(LINKS[path]["prompt"])
        page.locator(".widget").last.scroll_into_view_if_needed()
        settle(page)


def test_a_number_is_written_in_full_once_its_field_is_left(open_page):
    page = open_page("embed/temperature-draws/")
    seed = page.get_by_label("Seed")
    seed.fill("1e3")
    until(page, "() => explainer.state().seed === 1000")
    settle(page)
    expect(seed).to_have_value("1e3")  # it is the reader's while the reader is in it
    seed.blur()
    expect(seed).to_have_value("1000")


def test_a_link_that_makes_no_sense_leaves_a_figure_that_works(open_page):
    page = open_page("attention/", step="zzz", head="-3", layer="99")
    widget = page.locator("#attention-stepper")
    expect(widget.locator(".step-name")).to_have_text(re.compile("^Step 1 of 10"))
    notice = page.locator("[data-status-message]")
    for words in ("Head cannot be -3", "There is no layer 99"):
        expect(notice).to_contain_text(words)  # all of it, wherever on the page the control may be
    widget.get_by_role("button", name="Next step", exact=True).click()
    expect(widget.locator(".step-name")).to_have_text(re.compile("^Step 2 of 10"))
    settle(page)
    assert page.evaluate("[explainer.state().head, explainer.state().layer]") == [0, 99]  # the wish; 3 is shown for it
    expect(page.get_by_label("Layer", exact=True).first).to_have_value("3")
    page.get_by_label("Layer", exact=True).first.select_option("1")
    settle(page)
    expect(notice).to_be_hidden()


def test_the_address_says_what_holds_and_not_how_it_was_typed(open_page):
    """Python takes “1.50” for the 1.5 that it has already: nothing changes there, and the address says 1.5 again."""
    page = open_page("embed/temperature/", t="1.5")
    page.evaluate("explainer.set({ t: '1.50' })")
    assert "t=1.50" in page.url  # what the reader wishes is there at once
    settle(page)
    assert page.evaluate("explainer.state().t") == 1.5
    assert dict(parse_qsl(urlsplit(page.url).query))["t"] == "1.5"


def test_what_a_link_asked_in_vain_is_said_apart_only_until_the_reader_acts(open_page):
    """Later messages stand beside their control alone, as the reader is looking there."""
    page = open_page("attention/", layer="99")
    notice = page.locator("[data-status-message]")
    expect(notice).to_contain_text("There is no layer 99")
    head = page.get_by_label("Head", exact=True).first
    head.evaluate("el => { el.append(new Option('77', '77')); el.value = '77' }")
    head.dispatch_event("change")
    expect(page.locator("[data-message=head]").first).to_contain_text("77")
    settle(page)
    expect(notice).to_be_hidden()


def test_a_word_of_another_site_in_the_address_raises_no_alert(open_page):
    """`source` is a state of /paths/ and a name by which links say where they were shared."""
    page = open_page("paths/", source="twitter", layers="99999")
    notice = page.locator("[data-status-message]")
    expect(notice).to_contain_text("Layers cannot be 99999")
    expect(notice).not_to_contain_text("twitter")
    page.locator(".widget").last.scroll_into_view_if_needed()  # what follows later does not say it either
    settle(page)
    expect(notice).not_to_contain_text("twitter")


@pytest.mark.parametrize("step", [99999, -3])
def test_a_number_of_turns_that_cannot_be_is_said_and_clamped(open_page, step):
    page = open_page("feedback/", step=step)
    notice = page.locator("[data-status-message]")
    expect(notice).to_contain_text(str(step))
    shown = {99999: 160, -3: 0}[step]
    settle(page)
    assert page.evaluate("explainer.state().step ?? 0") == shown
    expect(page.locator("#feedback-loop [data-body]")).to_contain_text(f"{shown} written")


def test_a_focused_list_gets_the_choices_of_another_text(open_page):
    page = open_page("embed/path-lengths/")
    text = "Tom had a big blue dog and a cat"
    page.get_by_label("Prompt").fill(text)
    page.keyboard.press("Tab")
    settle(page)
    first = page.get_by_label("From", exact=True)
    expect(first).to_be_focused()
    wanted = [f"{letter(i)}: {name}" for i, name in enumerate(lab.names_of(PathsState(prompt=text).text()))]
    expect(first.locator("option")).to_have_text(wanted)


def test_a_text_field_shows_what_holds_after_reset(open_page):
    page = open_page("embed/feedback-prefill/")
    terms = page.locator("input[data-bind=sum]")
    held = terms.input_value()
    terms.fill("aaaa")
    terms.press("Tab")
    settle(page)
    tool(page, "Reset")
    settle(page)
    expect(terms).to_have_value(held)


def test_a_number_field_shows_what_holds_once_it_is_left(open_page):
    page = open_page("feedback/")
    widget = page.locator("#feedback-loop")
    seed = widget.get_by_label("Seed", exact=True)
    seed.fill("-1")
    expect(widget.locator('[data-message="seed"]')).to_have_text("Seed cannot be -1; it is 0 now.")
    settle(page)
    expect(seed).to_have_value("-1")  # nobody's typing is taken away
    widget.get_by_label("Prompt").focus()
    expect(seed).to_have_value("0")
    seed.fill("")
    expect(widget.locator('[data-message="seed"]')).to_contain_text("left seed as it was")
    settle(page)
    widget.get_by_label("Prompt").focus()
    expect(seed).to_have_value("0")


def test_a_slider_reaches_both_ends(open_page):
    page = open_page("temperature/")
    for name in ("T", "top_k"):
        slider = page.locator(f'#temperature-filters input[type=range][data-bind="{name.lower()}"]')
        slider.press("End")
        settle(page)
        assert page.evaluate("name => explainer.state()[name]", name.lower()) == {"T": 10, "top_k": 850}[name]
        slider.press("Home")
        settle(page)
        assert page.evaluate("name => explainer.state()[name]", name.lower()) == {"T": 0.01, "top_k": 1}[name]


def test_back_and_forward_work(open_page):
    page = open_page("attention/")
    layer = page.get_by_label("Layer").first
    start = layer.input_value()
    for value in ("2", "3"):
        layer.select_option(value)
        settle(page)
    page.go_back()
    expect(layer).to_have_value("2")
    page.go_back()
    expect(layer).to_have_value(start)
    page.go_forward()
    expect(layer).to_have_value("2")


def test_a_box_shows_what_holds_after_a_click_that_was_taken_back_at_once(open_page):
    """Python hears of the last wish only, which it had already, and draws nothing: the page itself mends the box."""
    page = open_page("embed/paths/", sublayers="1")
    box = page.get_by_label("Attention and MLP apart")
    expect(box).to_be_checked()
    page.evaluate("""() => { const box = document.querySelector('[data-bind=sublayers]');
        box.focus(); box.click(); explainer.set({ sublayers: true }) }""")
    settle(page)
    expect(box).to_be_checked()


@pytest.mark.parametrize(("t", "place"), [("0", -2), ("0.001", -2), ("inf", 1), ("50", 1), ("1", 0)])
def test_a_slider_stands_where_its_value_is_also_at_the_limits_and_after_a_move_taken_back(open_page, t, place):
    page = open_page("embed/temperature/", t="2")
    slider = page.locator("input[type=range][data-bind=t]")
    page.evaluate(
        """t => { const slider = document.querySelector('input[type=range][data-bind=t]');
        explainer.set({ t }); // Python hears of this one, and is at work when the next two come
        slider.value = 0.5; slider.dispatchEvent(new Event('input', { bubbles: true }));
        explainer.set({ t }) }""",
        t,
    )
    settle(page)
    assert float(slider.input_value()) == place
    assert page.evaluate("String(explainer.state().t)") == t


HOSTILE = [
    "<img src=x onerror=alert(1)>" + "a" * 10_000,
    "\u202eabc\u200f \x07\x00\x1b[31m 👩‍👩‍👧 ü ß 漢字 '; DROP TABLE tokens; -- ${1+1}{{7*7}}",
    "   ",
    "",
]


@pytest.mark.parametrize("path", [p.path for p in PAGES])
def test_hostile_links_and_strange_prompts_break_nothing(path, open_page):
    page = open_page(
        path,
        prompt=HOSTILE[0],
        layer="99",
        head="-3",
        t="<script>",
        step="NaN",
        seed="1e999",
        query="x",
        mode="sideways",
        __proto__="x",
    )
    assert page.evaluate("document.documentElement.dataset.explainer") == "live"
    if path not in ABOUT_TEXTS:
        return
    field = page.get_by_label("Prompt").first
    for text in HOSTILE:
        field.fill(text)
        settle(page)
    assert page.evaluate("document.documentElement.dataset.explainer") == "live"
    assert page.locator("[data-body] img").count() == 0
    field.fill("Mia has a red ball.")
    settle(page)


def test_what_is_typed_before_it_is_live_is_kept_and_applied(context, site):
    page = context.new_page()
    page.goto(site + "attention/")
    field = page.get_by_label("Prompt").first
    field.fill("Tom has a green kite.")
    wait_live(page)
    expect(field).to_have_value("Tom has a green kite.")
    expect(page.locator("#attention-stepper .tokens").first).to_contain_text("kite")


def test_the_site_works_under_a_sub_path_and_from_any_server(site_directory, tmp_path, context):
    (tmp_path / "blog").mkdir()
    shutil.copytree(site_directory, tmp_path / "blog" / "demo", ignore=shutil.ignore_patterns("single", "*.zip"))
    with serve.served(tmp_path) as address:
        context.guard.origin = f"{address}blog/demo/"
        page = context.new_page()
        page.goto(f"{address}blog/demo/attention/")
        wait_live(page)


def test_every_address_in_the_site_is_relative(site_directory):
    for file in site_directory.rglob("*.html"):
        if "single" in file.parts:
            continue
        html = file.read_text(encoding="utf-8")
        for address in re.findall(r'(?:src|href)="([^"]+)"', html):
            assert not address.startswith(("/", "http:", "//")), f"{file}: {address}"
            if address.startswith("https:"):
                assert "<a " in html, f"{file}: {address}"


def test_a_name_of_the_readers_own_is_finished(open_page):
    """Typed into its field: the prompt changes with it, also while its field has the focus, and it is said how."""
    page = open_page("")
    whole = page.locator("#whole-model")
    field = whole.get_by_label("A name", exact=True)
    field.fill("Timbolu")
    page.keyboard.press("Tab")
    expect(whole.get_by_label("Prompt", exact=True)).to_be_focused()
    expect(whole.get_by_label("Prompt", exact=True)).to_have_value("A robot called Ti-m-bo-lu. Good night,")
    expect(field).to_have_value("Ti-m-bo-lu")
    expect(whole.locator("[data-message=called]")).to_contain_text("Ti-m-bo-lu")
    expect(page.locator(".diagram")).to_contain_text("most likely: Ti-m-bo-lu")
    settle(page)
    assert "weights=" in page.url and "called=" not in page.url

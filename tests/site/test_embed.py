"""Widgets in somebody else's page: one script, several figures, one Python, on another origin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import heights
import pytest
import serve
from conftest import LIVE, settle, tool, until, wait_live
from playwright.sync_api import Page, expect

from pages import PAGES

SLACK = 60  # px that a figure may leave of the room for it, between two of the widths at which it was measured
SLUGS = [w.slug for p in PAGES for w in p.widgets]
HOST = """<!doctype html><html lang="en"><meta charset="utf-8"><title>A post</title>
<link rel="stylesheet" href="host.css"><script src="host.js"></script>
<script src="SITEembed.js" async></script><body><p>Before.</p>
<transformer-explainer id="one" widget="temperature" t="0.5" eager></transformer-explainer>
<transformer-explainer id="two" widget="attention-stepper" layer="2" eager></transformer-explainer>
<transformer-explainer id="three" widget="path-count" eager></transformer-explainer>
<div class="long"></div>
<transformer-explainer id="far" widget="path-count"></transformer-explainer>
<iframe id="plain" src="SITEembed/path-count/" title="path-count"></iframe>
<transformer-explainer id="wrong" widget="no such/widget"></transformer-explainer>
<transformer-explainer id="unknown" widget="temprature"></transformer-explainer>
<transformer-explainer id="nameless"></transformer-explainer></body></html>"""
HOST_JS = """window.told = []; window.violations = [];
addEventListener('securitypolicyviolation', e => window.violations.push(e.violatedDirective + ' ' + e.blockedURI));
for (const n of ['live', 'failed', 'change'])
  addEventListener('explainer:' + n, e => window.told.push([n, e.target.id, e.detail]));"""


class StrictHost(serve.Handler):
    """Somebody's site under the policy that README.md asks for, and not a word more."""

    policy = ""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", self.policy)
        super().end_headers()


class Counting(serve.Handler):
    """Our site, nothing kept by the browser, every request noted."""

    asked: list[str] = []  # noqa: RUF012 (shared on purpose)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def send_header(self, keyword: str, value: str) -> None:
        super().send_header(keyword, "no-store" if keyword == "Cache-Control" else value)


@pytest.fixture
def counted_site(site_directory: Path) -> Iterator[str]:
    Counting.asked = []
    with serve.served(site_directory, Counting) as address:
        yield address


@pytest.fixture
def host(counted_site: str, tmp_path: Path) -> Iterator[str]:
    """A page on another origin than the site."""
    (tmp_path / "index.html").write_text(HOST.replace("SITE", counted_site), encoding="utf-8")
    (tmp_path / "host.js").write_text(HOST_JS, encoding="utf-8")
    (tmp_path / "host.css").write_text(".long { height: 6000px }", encoding="utf-8")
    ours = counted_site.rstrip("/")
    StrictHost.policy = f"default-src 'none'; script-src 'self' {ours}; frame-src {ours}; style-src 'self'"
    with serve.served(tmp_path, StrictHost) as address:
        yield address


@pytest.fixture
def post(context, host: str, counted_site: str) -> Page:
    page = context.new_page()
    context.guard.origin = (host, counted_site)
    page.goto(host)
    until(page, "() => window.told.filter(t => t[0] === 'live').length >= 3", timeout=LIVE)
    page.evaluate("window.fences = 0; addEventListener('message', e => { window.fences += e.data === 'fence' })")
    for name in ("one", "two", "three"):  # what their attributes ask for has been answered, and the post has been told
        figure = page.locator(f"#{name} iframe").element_handle().content_frame()
        wait_live(figure)
        figure.evaluate("parent.postMessage('fence', '*')")
    until(page, "() => window.fences === 3")
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
        post.evaluate("name => document.getElementById(name).setAttribute('view', 'full')", name)
        post.locator(f"#{name}").scroll_into_view_if_needed()  # what is far off hears of its size when it comes near
        inner = post.locator(f"#{name} iframe").element_handle().content_frame()
        apart: list[float] = []
        for _ in range(300):  # what is drawn late makes both grow
            given = post.locator(f"#{name} iframe").evaluate("el => el.getBoundingClientRect().height")
            apart.append(given - inner.evaluate("document.body.getBoundingClientRect().height"))
            if -3 < apart[-1] < SLACK and inner.evaluate("document.documentElement.dataset.view") == "full":
                break
            post.wait_for_timeout(100)
        assert -3 < apart[-1] < SLACK, apart[-5:]


def test_heights_follow_in_a_tab_that_was_hidden(post: Page) -> None:
    two = post.locator("#two iframe")
    before = two.bounding_box()["height"]
    post.evaluate("document.querySelector('#two').hidden = true")
    expect(two).to_be_hidden()
    frame = two.element_handle().content_frame()
    frame.evaluate("document.querySelector('[data-tool=code]').click()")  # a drawer opens: more to show
    post.evaluate("document.querySelector('#two').hidden = false")
    two.scroll_into_view_if_needed()  # browsers lay out what is far off only when it comes near
    until(
        post,
        """(h) => {
          const frame = document.querySelector('#two').shadowRoot.querySelector('iframe');
          return frame.getBoundingClientRect().height > h + 50;
        }""",
        arg=before,
    )


def test_an_attribute_changes_the_figure_and_the_host_hears_of_it(post: Page) -> None:
    post.evaluate("document.querySelector('#two').setAttribute('layer', '3')")
    expect(frame_of(post, "two").locator("select[data-bind=layer]").first).to_have_value("3")
    until(post, "() => window.told.some(t => t[0] === 'change' && t[1] === 'two' && t[2].layer === 3)")


def test_three_figures_share_one_python(post: Page) -> None:
    for part in ("runtime/worker.", "runtime/snapshot."):
        assert len([path for path in Counting.asked if part in path]) == 1, part
    targets = post.context.browser.new_browser_cdp_session().send("Target.getTargets")["targetInfos"]
    here = [
        t for t in targets if t["type"] == "shared_worker" and t.get("browserContextId") == context_of(post, targets)
    ]
    assert len(here) == 1


def context_of(page: Page, targets: list[dict]) -> str:
    return next(t["browserContextId"] for t in targets if t["type"] == "page" and t["url"] == page.url)


def test_the_policy_in_the_readme_is_all_that_a_host_needs(post: Page) -> None:
    assert post.evaluate("window.violations") == []
    post.context.guard.allow("Content Security Policy")  # now one on purpose
    post.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.in = 1'}))"
    )
    until(post, "() => window.violations.length > 0")
    assert post.evaluate("window.in") is None


def test_far_figures_are_stills_until_they_are_near(post: Page) -> None:
    assert [path for path in Counting.asked if path.startswith("/embed/path-count/")] == ["/embed/path-count/"] * 2
    plain = post.locator("#plain").element_handle().content_frame()  # loaded with the page, as its host asked
    expect(plain.locator("[data-body]").first).to_be_attached()
    assert plain.locator("html").get_attribute("data-explainer") == "still"
    post.evaluate("document.querySelector('#far').scrollIntoView()")
    far = post.locator("#far iframe").element_handle().content_frame()
    wait_live(far)
    post.locator("#plain").scroll_into_view_if_needed()
    wait_live(plain)


def test_a_click_starts_a_still(post: Page) -> None:
    plain = post.locator("#plain").element_handle().content_frame()
    expect(plain.locator("[data-body]").first).to_be_attached()
    plain.evaluate(
        "dispatchEvent(new PointerEvent('pointerdown'))"
    )  # as a reader's assistive technology may, unscrolled
    wait_live(plain)


def test_an_attribute_changed_before_the_frame_is_there_is_not_lost(post: Page) -> None:
    post.evaluate("document.querySelector('#far').setAttribute('layers', '5')")
    post.evaluate("document.querySelector('#far').scrollIntoView()")
    far = post.locator("#far iframe").element_handle().content_frame()
    wait_live(far)
    assert far.evaluate("explainer.state().layers") == 5


def test_theme_of_a_figure_follows_its_attribute(post: Page) -> None:
    two = post.locator("#two iframe").element_handle().content_frame()
    for theme in ("dark", "light"):
        post.evaluate("t => document.querySelector('#two').setAttribute('theme', t)", theme)
        expect(two.locator("html")).to_have_attribute("data-theme", theme)
    post.evaluate("document.querySelector('#two').setAttribute('theme', 'auto')")
    expect(two.locator("html")).to_have_attribute("data-theme", "light")  # its host is


def test_a_host_can_style_the_frame(post: Page) -> None:
    post.evaluate(
        """() => {
            const sheet = new CSSStyleSheet();
            sheet.replaceSync('#two::part(frame) { outline: 3px solid rgb(1, 2, 3) }');
            document.adoptedStyleSheets = [sheet];
        }"""
    )
    expect(post.locator("#two iframe")).to_have_css("outline-color", "rgb(1, 2, 3)")


def test_a_wrong_name_is_said_in_words(post: Page) -> None:
    for which, words in (
        ("wrong", "There is no widget “no such/widget” here. There are: "),
        ("unknown", "There is no widget “temprature” here. There are: "),  # of the right form: and no 404 page
        ("nameless", "This element needs the name of a widget. There are: "),
    ):
        expect(post.locator(f"#{which} .wrong")).to_contain_text(words)
        expect(post.locator(f"#{which} .wrong")).to_contain_text("temperature")
        assert post.locator(f"#{which} iframe").count() == 0


def test_messages_from_strangers_do_nothing(post: Page, host: str) -> None:
    one = post.locator("#one iframe")
    before = one.bounding_box()
    said = len(post.evaluate("window.told"))
    frame = one.element_handle().content_frame()
    post.evaluate(  # from the host itself, and from a frame of the host's own origin: neither is the figure
        """async () => {
            const messages = [{type: 'explainer:height', height: 5}, {type: 'explainer:change', detail: {t: 9}}];
            for (const m of messages) postMessage(m, '*');
            const origin = 'https://elsewhere.invalid';
            for (const m of messages) dispatchEvent(new MessageEvent('message', {data: m, origin}));
            const figure = document.querySelector('#one').shadowRoot.querySelector('iframe').contentWindow;
            for (const m of messages)  // the right window, another origin
              dispatchEvent(new MessageEvent('message', {data: m, source: figure, origin}));
        }"""
    )
    frame.evaluate(  # from the figure's own window: wrong shapes
        """() => { for (const m of [null, 'explainer:height', 5, [], {type: 7}, {type: 'explainer:height', height: '5'},
            {type: 'explainer:height', height: NaN}, {type: 'explainer:height', height: -5},
            {type: 'explainer:height', height: 1e9},
            {type: 'explainer:other', detail: {}}]) parent.postMessage(m, '*'); }"""
    )
    frame.evaluate("parent.postMessage({type: 'explainer:change', detail: {fine: 1, bad: {deep: 1}, '<b>': 2}}, '*')")
    until(post, "(n) => window.told.length > n", arg=said)
    assert post.evaluate("n => window.told.slice(n)", said) == [["change", "one", {"fine": 1}]]
    assert one.bounding_box()["height"] == before["height"]


def test_a_figure_takes_values_only_from_its_host_and_only_plain_ones(post: Page) -> None:
    two = post.locator("#two iframe").element_handle().content_frame()
    before = two.evaluate("explainer.state()")
    two.evaluate(  # from itself, not from its host
        """() => { const data = {type: 'explainer:set', values: {layer: 3}};
            dispatchEvent(new MessageEvent('message', {data, source: window})); }"""
    )
    post.evaluate(
        """() => { const {contentWindow: figure} = document.querySelector('#two').shadowRoot.querySelector('iframe');
            for (const m of [null, 'x', {type: 'explainer:set'}, {type: 'explainer:set', values: 'x'},
              {type: 'explainer:set', values: {layer: {}, head: [1], nothing: 1, constructor: 1}},
              {type: 'explainer:set', values: {prompt: 'x'.repeat(30000)}},
              {type: 'explainer:set', values: {prompt: '<img src=x onerror=alert(1)>'}}])
              figure.postMessage(m, '*'); }"""
    )
    until(two, "() => explainer.state().prompt.startsWith('<img')")
    wait_live(two)
    assert {k: v for k, v in two.evaluate("explainer.state()").items() if v != before[k]}.keys() <= {"prompt", "query"}
    expect(frame_of(post, "two").locator("[data-body] img")).to_have_count(0)


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
    tool(widget, "Copy embed code")
    element = widget.locator("[data-form=element]").text_content()
    frame = widget.locator("[data-form=iframe]").text_content()
    assert '<transformer-explainer widget="attention-stepper"' in element and 'layer="2"' in element
    assert "embed/attention-stepper/?" in frame and "layer=2" in frame
    assert " async" not in element, "it has to be there before the element is painted, or the post jumps"
    tall = heights.tall(next(p for p in PAGES if p.name == "attention"), "attention-stepper")
    assert f'height="{tall["compact"]}"' in frame


def test_the_copied_code_is_live_where_scripts_run_and_a_picture_with_a_link_where_not(
    context, the_browser, open_page, site: str, tmp_path: Path
) -> None:
    """As somebody's post, once with scripts, once as a feed, a mail or a host without them shows it."""
    widget = open_page("embed/path-count/", tokens=9).locator("[data-widget=path-count]")
    tool(widget, "Copy embed code")
    code = widget.locator("[data-form=element]").text_content() or ""
    with serve.served(tmp_path) as theirs:
        (tmp_path / "index.html").write_text(f"<!doctype html><p>Before.</p>{code}", encoding="utf-8")
        context.guard.origin = (site, theirs)
        asked: list[str] = []
        post = context.new_page()
        post.on("request", lambda request: asked.append(request.url))
        post.goto(theirs)
        figure = post.frame_locator("transformer-explainer iframe")
        expect(figure.locator("html")).to_have_attribute("data-explainer", "live", timeout=LIVE)
        expect(post.locator("transformer-explainer img")).to_be_hidden()
        assert not [url for url in asked if url.endswith("og.png")], "nobody fetches a picture that is not shown"
        without = the_browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 700})
        plain = without.new_page()
        plain.goto(theirs)
        picture = plain.get_by_role("link").get_by_role("img", name="How long, and how many")
        expect(picture).to_be_visible()
        box = picture.bounding_box()
        assert box and box["width"] <= 360 and box["height"] == pytest.approx(box["width"] * 630 / 1200, abs=2)
        href = plain.get_by_role("link").get_attribute("href") or ""
        assert href.startswith(f"{site}embed/path-count/?tokens=9&"), "with the values on screen"
        without.close()


def test_embed_code_of_what_only_all_of_it_shows_has_the_height_of_all_of_it(open_page) -> None:
    page = open_page("attention/", layer=2)
    widget = page.locator("#attention-order")
    tool(widget, "Copy embed code")
    tall = heights.tall(next(p for p in PAGES if p.name == "attention"), "attention-order")
    assert tall["full"] > tall["compact"] + 200
    assert f'height="{tall["full"]}"' in (widget.locator("[data-form=iframe]").text_content() or "")


def test_the_demo_post_is_live(open_page) -> None:
    page = open_page("demo/", live=False)
    page.locator("transformer-explainer").first.scroll_into_view_if_needed()
    inner = page.locator("transformer-explainer iframe").first.element_handle().content_frame()
    wait_live(inner)


class Isolated(serve.Handler):
    """Somebody's site that takes nothing from elsewhere that does not agree to it."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


class Agreeing(serve.Handler):
    """Our site as README.md says for such hosts."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Resource-Policy", "cross-origin")
        super().end_headers()


def test_a_host_with_an_embedder_policy_gets_a_frame_without_credentials(
    context, site_directory: Path, tmp_path: Path
) -> None:
    with serve.served(site_directory, Agreeing) as ours, serve.served(tmp_path, Isolated) as theirs:
        element = '<transformer-explainer widget="path-count" eager credentialless></transformer-explainer>'
        script = f'<!doctype html><script src="{ours}embed.js"></script>'
        picture = f'<img src="{ours}embed/path-count/og.png" alt="How long">'
        without = f'<transformer-explainer id="without" widget="path-count" eager>{picture}</transformer-explainer>'
        (tmp_path / "index.html").write_text(script + element + without, encoding="utf-8")
        context.guard.allow("ERR_BLOCKED_BY_RESPONSE|ERR_FAILED")
        context.guard.origin = (ours, theirs)
        page = context.new_page()
        page.goto(theirs)
        frame = page.frame_locator("transformer-explainer[credentialless] iframe")
        expect(frame.locator("html")).to_have_attribute("data-explainer", "live", timeout=LIVE)
        expect(page.locator("#without .wrong")).to_contain_text(
            "The live figure did not come"
        )  # the browser refuses it
        expect(page.get_by_role("img", name="How long")).to_be_visible()

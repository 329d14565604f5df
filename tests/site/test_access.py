"""By keyboard and by ear: every control is reached in order and shows the focus; what is announced is worth hearing."""

import re

import pytest
from conftest import settle, tool, until, wait_live
from playwright.sync_api import expect

from pages import CHAPTERS, PAGES

EVERY = [p.path for p in PAGES]


# What Tab should stop at, in order (radio buttons of a group are one stop), and what it does stop at, visibly.
CONTROLS = """() => {
  const stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')].filter(
    el => el.tabIndex >= 0 && !el.disabled && el.checkVisibility({ visibilityProperty: true })
      && !el.closest('[inert]') && (el.type !== 'radio' || el === document.getElementsByName(el.name)[0]));
  stops.forEach((el, i) => { el.dataset.stopNumber = i; });
  return stops.length;
}"""
FOCUS = """() => {
  const el = document.activeElement;
  if (el === document.body) return null;
  const look = getComputedStyle(el.type === 'radio' ? el.nextElementSibling : el); // the ring is around its words
  const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) >= 1;
  const stroke = [...el.querySelectorAll('circle, .chip, .hit')].some((part) => {
    const { stroke: colour, strokeWidth } = getComputedStyle(part);
    return colour !== 'none' && parseFloat(strokeWidth) >= 2;
  });
  const came = el.closest('.plot-live, .plot-tools') !== null; // a plot that has come meanwhile
  return { number: Number(el.dataset.stopNumber ?? -1), came, seen: ring || stroke, what: el.outerHTML.slice(0, 120) };
}"""


@pytest.mark.parametrize("path", EVERY)
def test_tab_reaches_every_control_in_the_order_of_the_page_and_shows_it(path, new_page, site):
    page = new_page(reduced_motion="reduce")
    page.goto(site + path)
    wait_live(page)
    count = page.evaluate(CONTROLS)
    assert count > 20
    reached = []
    for _ in range(count + 5 + 8):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at is None or (reached and at["number"] == 0):
            break
        assert at["seen"], f"no visible focus: {at['what']}"
        if not at["came"]:
            reached.append(at["number"])
    scrollers = [n for n in reached if n < 0]  # Chromium lets the keyboard scroll what has no control inside
    assert [n for n in reached if n >= 0] == list(range(count))
    assert len(scrollers) <= 5


@pytest.mark.parametrize("path", [p.path for p in CHAPTERS])
def test_escape_closes_a_drawer_and_gives_the_focus_back(path, open_page):
    page = open_page(path, live=False)
    widget = page.locator(".widget").first
    button = widget.get_by_role("button", name="Tools", exact=True)
    tool(widget, "Show the code")
    drawer = widget.locator(".drawer:not([hidden])")
    drawer.locator("pre").first.focus()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")


# Every change of something that is read aloud by itself: live regions, but for those that are off.
LISTEN = """() => {
  window.heard = [];
  const live = el => {
    const region = el?.closest?.('[aria-live],[role=status],[role=alert],output');
    return region && region.getAttribute('aria-live') !== 'off' ? region : null;
  };
  new MutationObserver(changes => {
    const at = m => (m.target.nodeType === 1 ? m.target : m.target.parentElement);
    const regions = new Set(changes.map(m => live(at(m))).filter(Boolean));
    const fetching = 'What figures are computed with is being fetched.'; // on a slow or busy machine, and rightly so
    for (const region of regions) {
        const words = region.textContent.trim();
        if (words && words !== fetching) window.heard.push(words);
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def test_becoming_live_is_announced_once(make_context, site):
    page = make_context().new_page()
    page.add_init_script(f"addEventListener('DOMContentLoaded', {LISTEN})")
    page.goto(site + "temperature/")
    wait_live(page)
    assert page.evaluate("window.heard") == ["The figures are live."]


@pytest.mark.parametrize("path, widget", [("temperature/", "temperature"), ("feedback/", "feedback-loop")])
def test_a_moving_slider_speaks_for_itself(path, widget, open_page):
    page = open_page(path)
    page.evaluate(LISTEN)
    slider = page.locator(f"#{widget}").get_by_role("slider").first
    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
        settle(page)
    assert page.evaluate("window.heard") == []


def test_playing_is_not_read_aloud_step_by_step(open_page):
    page = open_page("attention/", step=0)
    widget = page.locator("#attention-stepper")
    page.evaluate(LISTEN)
    widget.get_by_role("button", name="Play", exact=True).click()
    expect(widget.locator(".stepper")).to_have_attribute("data-current", re.compile("^[2-9]$"))
    assert page.evaluate("window.heard") == []
    widget.get_by_role("button", name="Pause", exact=True).click()
    widget.get_by_role("button", name="Previous step", exact=True).click()
    until(page, "() => window.heard.length === 1")
    assert re.fullmatch(r"Step \d+ of 10: .+", page.evaluate("window.heard[0]"))


def test_the_crank_says_each_turn_once_and_nothing_while_it_plays(open_page):
    page = open_page("feedback/")
    widget = page.locator("#feedback-loop")
    page.evaluate(LISTEN)
    widget.get_by_role("button", name="Next step", exact=True).click()
    until(page, "() => window.heard.length > 0")
    settle(page)
    assert len(page.evaluate("window.heard")) == 1, page.evaluate("window.heard")
    assert re.fullmatch(r"Turn \d+ drew .+\.", page.evaluate("window.heard[0]"))
    now = int(page.locator("#feedback-loop .step-name").text_content().split()[1])
    widget.get_by_role("button", name="Play", exact=True).click()
    expect(widget.locator(".step-name")).to_contain_text(f"Turn {now + 2} ")
    widget.get_by_role("button", name="Pause", exact=True).click()
    assert page.evaluate("window.heard.length") == 1


def test_a_cell_with_the_focus_says_its_value_and_how_it_was_made(open_page):
    page = open_page("attention/", step=3)
    table = page.locator("#attention-stepper [data-figure='scores-raw'] table")
    table.locator("td[tabindex='0']").first.focus()
    page.keyboard.press("ArrowDown")
    cell = page.locator("td:focus")
    expect(cell).to_have_attribute("aria-label", re.compile(r"^-?\d"))
    expect(cell).to_have_attribute("aria-description", re.compile("q.*·.*k.*="))


SHELL = """
- link "Skip to the text"
- banner:
  - link "The Transformer, Operated"
  - navigation "Chapters":
    - list:
      - listitem:
        - link "Attention"
      - listitem:
        - link "Temperature"
      - listitem:
        - link "Feedback"
      - listitem:
        - link "Paths"
  - text: /Live in/
  - status: The figures are live.
  - group "How to read":
    - button "Discover" [pressed]
    - button "Result"
"""

WIDGETS = {
    "": (
        "whole-model",
        """
- region "The whole model, at work on your words":
  - heading "The whole model, at work on your words" [level=3]
  - 'toolbar "Tools of: The whole model, at work on your words"':
    - button "Tools"
  - group "Controls":
    - textbox "Prompt"
  - group "Blocks of the model":
    - button /Tokens/
  - heading "Attention of layer 3" [level=4]
  - figure /Head 3.0/:
    - table "pattern of head 3.0"
""",
    ),
    "attention/": (
        "attention-stepper",
        """
- region "One head, one query, step by step":
  - toolbar
  - textbox "Prompt"
  - textbox "A name"
  - figure:
    - group /“vi” reads “ta” most/
    - combobox "Layer"
    - combobox "Head"
    - combobox "Query token"
  - group "Steps":
    - button "Previous step"
    - button "Play"
    - button "Next step"
  - group "All steps":
    - button "1 Residual stream"
  - heading "Residual stream" [level=4]
  - group:
    - group "Choose the token that asks":
      - button /token/
""",
    ),
    "temperature/": (
        "temperature-draws",
        """
- region "Where chance comes in":
  - group "Controls":
    - slider "Temperature"
  - group "Draw from the distribution":
    - button "Draw 1"
    - button "Draw 100 times"
    - button "Draw 10,000 times"
    - button "Start over"
    - spinbutton "Seed"
""",
    ),
    "feedback/": (
        "feedback-loop",
        """
- region "The loop, by hand":
  - group "The loop":
    - textbox "Prompt"
    - button "Crank"
    - figure /The network reads .+/:
      - paragraph: /The network reads .+/
      - group "The crank":
        - button "Rewind"
        - button "Previous step"
        - button "Next step"
        - button "Play"
    - figure:
      - 'group "The tape: what was given, then what was written"'
  - group:
    - text: Temperature, seed, other texts
    - group "Controls":
      - slider "Temperature"
      - spinbutton "Seed"
  - group:
    - heading "Frozen weights" [level=4]
    - heading "A distribution" [level=4]
    - heading "One draw" [level=4]
""",
    ),
    "paths/": (
        "paths",
        """
- region "Who can have heard of whom":
  - figure:
    - group /Grid of 5 columns, one per token, and 2 layers/:
      - button "C1, there, after 1 layer"
  - group:
    - text: The whole text, all 4 layers
    - group "Controls":
      - textbox "Prompt"
      - checkbox "Attention and MLP apart"
""",
    ),
}


def test_the_shell_as_assistive_technology_has_it(open_page):
    page = open_page("attention/")
    expect(page.locator("body")).to_match_aria_snapshot(SHELL)
    expect(page.locator("footer")).to_match_aria_snapshot(
        """
- contentinfo:
  - group "Theme":
    - button "Light"
    - button "Auto" [pressed]
    - button "Dark"
  - paragraph:
    - link "How this page works"
    - link "Components"
    - link "Licences"
"""
    )


@pytest.mark.parametrize("path", WIDGETS)
def test_a_widget_as_assistive_technology_has_it(path, open_page):
    slug, snapshot = WIDGETS[path]
    expect(open_page(path).locator(f"#{slug}")).to_match_aria_snapshot(snapshot)


SMALL = """() => {
  const small = [], taps = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode, el = text.parentElement;
    if (!text.data.trim() || !el.getClientRects().length || el.closest('.sr, sup, math, script')) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const box = range.getBoundingClientRect();
    if (box.width < 3 || box.height < 3) continue; // for assistive technology alone
    const inSvg = el instanceof SVGGraphicsElement;
    const to = inSvg ? el.getScreenCTM() : { a: 1, b: 0 };
    const size = parseFloat(getComputedStyle(el).fontSize) * Math.hypot(to.a, to.b);
    const where = el.closest("[data-figure]")?.dataset.figure;
    if (size < 10.9) small.push(`${size.toFixed(1)} px: ${where} ${text.data.trim()}`);
  }
  for (const el of document.querySelectorAll('button, input, select, summary')) {
    const box = el.getBoundingClientRect();
    // inside a matrix or a tree the same choice is to be had from a larger control
    if (box.width && !el.closest('.heat, .tree, .sr') && Math.min(box.width, box.height) < 23.5)
      taps.push(`${box.width.toFixed(0)} x ${box.height.toFixed(0)}: ${el.outerHTML.slice(0, 90)}`);
  }
  return { small: [...new Set(small)], taps };
}"""


@pytest.mark.parametrize("path", EVERY)
def test_on_a_phone_words_can_be_read_and_controls_be_hit(path, make_context, site):
    page = make_context(viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True).new_page()
    page.goto(site + path)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    found = page.evaluate(SMALL)
    assert found["small"] == []
    assert found["taps"] == []


def test_enforced_colours_leave_the_figures_theirs(new_page, site):
    """A heat map is read by its colours; what is pressed is told from what is not by a line."""
    seen = {}
    for forced in ("none", "active"):
        page = new_page(forced_colors=forced)
        page.goto(f"{site}attention/")
        page.locator(".guess label").first.click()
        seen[forced] = page.evaluate(
            """() => [...document.querySelectorAll('#attention-stepper .heat td, #attention-heads .heat td')]
            .filter(cell => cell.checkVisibility()).map(cell => getComputedStyle(cell).backgroundColor)"""
        )
    assert seen["active"] == seen["none"]
    assert len(set(seen["active"])) > 10
    outline = "el => getComputedStyle(el).outlineStyle"
    assert page.locator(".guess input:checked + span").evaluate(outline) == "solid"
    assert page.locator(".guess input:not(:checked) + span").first.evaluate(outline) == "none"

"""Where the focus is in a drawing can be seen, whatever it lies on; and what a press finds is said once."""

import io

import pytest
from conftest import settle, wait_live
from PIL import Image
from playwright.sync_api import expect

DRAWN = [
    ("", "svg.climb:visible .node[tabindex='0']"),
    ("", "svg.climb:visible [data-press=roof]"),
    ("?floor=6", "svg.climb:visible [data-press=word]"),
    ("attention/", "svg.circuit:visible .wires.first >> nth=0"),
    ("attention/?cut=2.10.9%2C1.10.9", "svg.circuit:visible .wires.first >> nth=0"),
    ("paths/", "#paths svg.corner .node[tabindex='0']"),
    ("paths/?node=3.2", "#paths [data-paths=paths] .node[tabindex='0']"),
    ("paths/#path-perturb", "#path-perturb .node[tabindex='0']"),
]


def luminance(pixel):
    linear = [v / 255 / 12.92 if v / 255 <= 0.04045 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in pixel[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("address", "what"), DRAWN)
def test_the_focus_stands_out_from_the_drawing(address, what, scheme, new_page, site):
    """As much of the screen changes, with a contrast of 3 to 1 or more, as a line 2 pixels thick around it has."""
    page = new_page(color_scheme=scheme, reduced_motion="reduce")
    page.goto(site + address)
    wait_live(page)
    part = page.locator(what)
    part.scroll_into_view_if_needed()
    page.evaluate(
        """() => { const still = new CSSStyleSheet(); // a style element is against the page's policy
        still.replaceSync('* { transition: none !important; animation: none !important }');
        document.adoptedStyleSheets = [still]; }"""
    )
    own = part.evaluate("e => (({x, y, width, height}) => [x, y, width, height])(e.getBoundingClientRect())")
    clip = {"x": own[0] - 12, "y": own[1] - 12, "width": own[2] + 24, "height": own[3] + 24}
    before = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    page.keyboard.press("Shift")  # the keyboard is what is used now
    part.evaluate("e => e.focus({ focusVisible: true, preventScroll: true })")
    assert part.evaluate("e => e.matches(':focus-visible')")
    after = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
    pairs = zip(before.get_flattened_data(), after.get_flattened_data(), strict=True)
    changed = sum(contrast(a, b) >= 3 for a, b in pairs if a != b)
    dot = min(own[2], own[3]) < 60 and what.endswith("[tabindex='0']")
    around = 3.14 * 24 if dot else 2 * 22 + 2 * 40 if "wires" in what else 2 * (own[2] + own[3]) * 0.6
    assert changed >= 2 * around, (changed, around, own)


def test_a_node_of_the_grid_is_named_with_its_height_and_what_it_finds_is_said_once(open_page):
    page = open_page("paths/")
    figure = page.get_by_test_id("paths-corner")
    said = figure.get_by_role("status")
    expect(said).to_have_text("")
    page.evaluate(
        """() => { window.heard = []; const line = document.querySelector('[data-testid=paths-corner] [data-outcome]');
        new MutationObserver(() => window.heard.push(line.textContent))
          .observe(line, { childList: true, characterData: true, subtree: true }); }"""
    )
    figure.get_by_role("button", name="C1, there, after 1 layer", exact=True).click()
    settle(page)
    expect(said).to_have_text("C1 pinned: it can have read 3 nodes, and influence 3.")
    figure.get_by_role("button", name="C2, there, after 2 layers", exact=True).hover()
    assert page.evaluate("window.heard") == ["C1 pinned: it can have read 3 nodes, and influence 3."]
    figure.get_by_role("button", name="A0, start, embedding", exact=True).focus()
    page.keyboard.press("Enter")
    settle(page)
    assert len(page.evaluate("window.heard")) == 2 and "A0 pinned" in page.evaluate("window.heard")[1]


def test_what_a_press_on_the_picture_opens_is_said(new_page, site):
    page = new_page()
    page.goto(site)
    wait_live(page)
    said = page.locator("#transformer [data-outcome]")
    page.locator("svg.climb:visible .node[data-pick='3.4']").click()
    expect(said).to_have_text("Opened below: Vi-do-zu, floor 3.")
    page.get_by_test_id("inside").get_by_role("button", name="Close").click()
    expect(said).to_have_text("")

"""Lines and dots of a drawing are finer than a thumb: a press beside one presses it, and the nearest wins."""

import pytest
from conftest import settle, wait_live
from playwright.sync_api import expect

BESIDE = 11  # CSS pixels beside a line, or from the middle of a dot: 24 across is what a thumb needs
# Places so far beside each line of a visible drawing at which no other line and no dot is nearer, found by brute force.
FREE = """([what, beside]) => {
  const svg = [...document.querySelectorAll(what.split(' ')[0])].find(e => e.getClientRects().length);
  const m = svg.getScreenCTM();
  const places = path => Array.from({length: 161}, (_, i) => {
    const p = path.getPointAtLength(path.getTotalLength() * i / 160);
    return [m.a * p.x + m.e, m.d * p.y + m.f];
  });
  const box = el => { const r = el.getBoundingClientRect(); return [r.left + r.width / 2, r.top + r.height / 2]; };
  const lines = [...svg.querySelectorAll('.on > .arc, .wires .wire')].map(el => [el.closest('[data-arc]'), places(el)]);
  const dots = [...svg.querySelectorAll('.node')].map(el => [
    Math.max(el.querySelector('circle').getBoundingClientRect().width / 2, 7.5), [box(el.querySelector('circle'))]]);
  const far = (x, y, some) => Math.min(...some.map(([a, b]) => Math.hypot(a - x, b - y)));
  const found = [];
  for (const [el, way] of lines) for (let i = 15; i < 150; i += 5) for (const side of [1, -1]) {
    const [[x0, y0], [x1, y1], [x, y]] = [way[i - 1], way[i + 1], way[i]];
    const n = Math.hypot(x1 - x0, y1 - y0);
    const [px, py] = [x + side * beside * (y1 - y0) / n, y - side * beside * (x1 - x0) / n];
    const others = [...lines.filter(([e]) => e !== el).map(([, some]) => far(px, py, some)),
      ...dots.map(([r, some]) => far(px, py, some) - r)]; // a dot is a little larger than it looks
    const hit = document.elementFromPoint(px, py);
    if (Math.min(...others) > beside + 1.5 && far(px, py, way) > beside - 2 && hit?.closest('svg') === svg
        && !hit.closest('.chip')) { found.push([el.dataset.arc, px, py, el.dataset.why]); break; }
  }
  return found;
}"""


def free(page, what):
    """One place beside each line that has one: [(what a press of it asks for, x, y, what is said of it)]."""
    return list({name: (name, x, y, why) for name, x, y, why in page.evaluate(FREE, [what, BESIDE])}.values())


@pytest.mark.parametrize("width", [360, 1280])
def test_a_press_beside_a_line_of_the_picture_presses_it(width, make_context, site):
    page = make_context(viewport={"width": width, "height": 900}, has_touch=width < 500).new_page()
    page.goto(f"{site}?prompt=The+cat+sat+on+the")  # few columns, so that lines have room around them on a phone, too
    wait_live(page)
    page.locator("svg.climb:visible").first.scroll_into_view_if_needed()
    places = free(page, "svg.climb")
    assert len(places) >= (1 if width < 500 else 3)
    for name, x, y, why in places[:6]:
        page.mouse.move(x, y)
        assert page.locator("svg.climb .aimed").get_attribute("data-arc") == name
        expect(page.locator("#transformer .climb-figure [data-readout]")).to_contain_text(why)
        if width < 500:
            page.touchscreen.tap(x, y)
        else:
            page.mouse.click(x, y)
        settle(page)
        assert page.evaluate("window.explainer.state().inside") == name


@pytest.mark.parametrize("width", [360, 1280])
def test_a_press_beside_a_dot_presses_it_and_the_nearest_of_two(width, new_page, site):
    page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{site}?floor=0")  # no line is drawn yet
    wait_live(page)
    page.locator("svg.climb:visible").first.scroll_into_view_if_needed()
    nodes = page.locator("svg.climb:visible .node").evaluate_all(
        """all => all.map(e => { const r = e.querySelector('circle').getBoundingClientRect();
            return [e.dataset.pick, r.left + r.width / 2, r.top + r.height / 2]; })"""
    )
    pressed = 0
    for name, x, y in nodes[:: len(nodes) // 7]:
        for dx, dy in ((8, 8), (-8, 8), (11, 0), (0, -11)):
            at = (x + dx, y + dy)
            near = sorted(((at[0] - a) ** 2 + (at[1] - b) ** 2, other) for other, a, b in nodes)
            if near[0][1] == name and near[1][0] > near[0][0] + 40:
                page.mouse.click(*at)
                settle(page)
                assert page.evaluate("window.explainer.state().inside") == name, (name, dx, dy)
                pressed += 1
    assert pressed > 12


@pytest.mark.parametrize("width", [360, 1280])
def test_a_press_beside_a_wire_of_the_circuit_cuts_it(width, new_page, site):
    page = new_page(viewport={"width": width, "height": 900})
    page.goto(f"{site}attention/")
    wait_live(page)
    page.locator("svg.circuit:visible").scroll_into_view_if_needed()
    places = free(page, "svg.circuit")
    assert len(places) >= 2  # the others lie closer together than that
    for cut, x, y, _ in places:
        page.mouse.click(x, y)
        settle(page)
        assert page.evaluate("window.explainer.state().cut") == cut
        page.evaluate("window.explainer.set({cut: ''})")
        settle(page)


def test_every_node_of_the_grid_of_paths_is_wide_enough(new_page, site):
    page = new_page(viewport={"width": 360, "height": 900})
    page.goto(f"{site}paths/")
    wait_live(page)
    sizes = page.locator("#paths .node[role=button]:visible .hit").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(r => Math.min(r.width, r.height))"
    )
    assert len(sizes) > 10 and min(sizes) >= 24

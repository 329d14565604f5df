"""Motion that teaches: values travel when the reader steps, draws or turns the crank; short, never unwished."""

import pytest
from conftest import settle, until, wait_live
from playwright.sync_api import expect

TRAVELLING = "document.getAnimations().filter(a => a.id === 'travel' && a.playState === 'running')"


def step_on(page):
    """Click *Next step*; what travels right then: [ms until it has arrived]. One call, for a busy machine."""
    return page.evaluate(
        f"""() => {{ document.querySelector('#attention-stepper [data-step-by="1"]').click();
        return {TRAVELLING}.map(a => a.effect.getComputedTiming().endTime); }}"""
    )


@pytest.fixture
def attention(new_page, site):
    """The attention page at its third step, with every layout shift counted, clicks or not."""

    def open_(**options):
        page = new_page(**options)
        page.goto(f"{site}attention/?step=3")
        wait_live(page)
        page.locator("#attention-stepper").evaluate("el => el.scrollIntoView()")
        return page, page.locator("#attention-stepper")

    return open_


def test_a_step_lets_the_scores_travel_and_leaves_nothing_behind(attention):
    page, widget = attention(reduced_motion="no-preference", viewport={"width": 1280, "height": 1600})
    for step in range(4, 10):
        times = step_on(page)
        assert times and 200 <= max(times) <= 400, step  # long enough to be seen
        expect(widget.locator(f"[data-step='{step}']")).to_be_visible()
        until(page, f"() => !{TRAVELLING}.length")
        expect(widget.locator(".travellers")).to_have_count(0)


def test_a_second_step_ends_the_first_journey(attention):
    page, widget = attention(reduced_motion="no-preference", viewport={"width": 1280, "height": 1600})
    found = page.evaluate(
        """() => {
        const next = document.querySelector('#attention-stepper [data-step-by="1"]');
        next.click();
        const first = document.getAnimations().filter(a => a.id === 'travel');
        next.click();
        return {first: first.length, still: first.filter(a => a.playState === 'running').length,
                layers: document.querySelectorAll('.travellers').length};
      }"""
    )
    assert found["first"] > 0 and found["still"] == 0 and found["layers"] <= 1
    expect(widget.locator("[data-step='5']")).to_be_visible()


def test_travelling_shifts_nothing(attention):
    page, widget = attention(reduced_motion="no-preference", viewport={"width": 1280, "height": 1600})
    page.evaluate(
        """() => { window.shifts = [];
        new PerformanceObserver(l => {
          for (const e of l.getEntries()) if (!e.hadRecentInput) window.shifts.push(e.value); })
          .observe({type: 'layout-shift'}); }"""
    )
    for _ in range(3):
        widget.get_by_role("button", name="Next step", exact=True).click()
        until(page, f"() => !{TRAVELLING}.length")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.evaluate("window.shifts") == []


def test_nothing_travels_under_reduced_motion(attention):
    page, widget = attention(reduced_motion="reduce", viewport={"width": 1280, "height": 1600})
    for _ in range(6):
        widget.get_by_role("button", name="Next step", exact=True).click()
        assert page.evaluate("document.getAnimations().length") == 0
        assert page.locator(".travellers").count() == 0


MOVING = {"reduced_motion": "no-preference", "viewport": {"width": 1280, "height": 1800}}
RECORD = """() => { window.trips = [];
  const make = Element.prototype.animate;
  Element.prototype.animate = function (frames, options) {
    if (options.id === 'travel' && frames[0].transform) window.trips.push(this.textContent);
    return make.call(this, frames, options);
  }; }"""


def test_the_drawn_token_travels_to_the_tape(new_page, site):
    page = new_page(**MOVING)
    page.goto(f"{site}feedback/")
    wait_live(page)
    page.evaluate(RECORD)
    widget = page.locator("#feedback-loop")
    for n in range(1, 4):
        widget.get_by_role("button", name="Next step", exact=True).click()
        until(page, f"() => window.trips.length === {n}")
        settle(page)
        assert page.evaluate("window.trips.at(-1)") == widget.locator(".tape .newest").last.text_content()
    widget.get_by_role("button", name="Previous step", exact=True).click()
    settle(page)
    assert page.evaluate("window.trips.length") == 3  # what is taken back travels nowhere


def test_a_draw_travels_to_the_histogram(new_page, site):
    page = new_page(**MOVING)
    page.goto(f"{site}temperature/")
    wait_live(page)
    page.evaluate(RECORD)
    widget = page.locator("#temperature-draws")
    widget.scroll_into_view_if_needed()
    widget.get_by_role("button", name="Draw 1", exact=True).click()
    until(page, "() => window.trips.length === 1")
    expect(widget.locator("[data-travel]")).to_have_text(page.evaluate("window.trips[0]"))


def test_the_drawing_beside_a_title_stands_still_for_who_wants_that(new_page, site):
    page = new_page(reduced_motion="reduce")
    page.goto(site + "attention/", wait_until="load")
    art = page.locator(".title-art svg")
    expect(art).to_be_visible()
    assert art.evaluate("svg => [svg.animationsPaused(), svg.getCurrentTime() > 5]") == [True, True]
    page = new_page(reduced_motion="no-preference")
    page.goto(site + "attention/", wait_until="load")
    assert page.locator(".title-art svg").evaluate("svg => svg.animationsPaused()") is False

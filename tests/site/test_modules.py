"""Single scripts of build/web/ in a real browser, on a page of a few lines: no site, no Python, a clock of our own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

WEB = Path(__file__).resolve().parents[2] / "build" / "web"


@pytest.fixture
def page_of(the_browser: Browser) -> Iterator[Callable[[str], Page]]:
    """`page_of(html)` -> a page that may import every script of build/web/ by its name."""
    context = the_browser.new_context()

    def answer(route: Route) -> None:
        name = route.request.url.rsplit("/", 1)[1]
        if name:
            route.fulfill(path=WEB / name, content_type="text/javascript")
        else:
            route.fulfill(body=context.html, content_type="text/html")  # type: ignore[attr-defined]

    context.route("**/*", answer)

    def open_(html: str) -> Page:
        context.html = f"<!doctype html><html data-explainer=live><body>{html}"  # type: ignore[attr-defined]
        page = context.new_page()
        page.clock.install()
        page.goto("http://modules.test/")
        return page

    yield open_
    context.close()


def test_play_turns_once_a_second_and_stops_at_the_last_turn(page_of: Callable[[str], Page]) -> None:
    crank = "<div data-crank=step data-crank-last=5><button data-crank-play aria-pressed=false>Play</button></div>"
    page = page_of(f"<div class=widget id=w data-widget=w>{crank}</div>")
    page.evaluate(
        """async () => {
            const [{ crank }, { player }] = await Promise.all([import('/crank.js'), import('/player.js')]);
            window.state = { step: 2 };
            window.asked = [];
            const turn = (values) => { asked.push(values); Object.assign(state, values); };
            crank(document, { state: () => state, turn, ready: () => true, player: player(document) });
        }"""
    )
    page.get_by_role("button").click()
    assert page.evaluate("asked") == [{"step": 3}]
    page.clock.run_for(1000)
    assert page.evaluate("asked") == [{"step": 3}, {"step": 4}]
    page.clock.run_for(10_000)
    # at the last turn nothing is turned: the figures that had to wait are asked for, once
    assert page.evaluate("asked") == [{"step": 3}, {"step": 4}, {"step": 5}, {}]
    assert page.get_by_role("button").text_content() == "Play"
    assert page.get_by_role("button").get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize(("values", "travel"), [(3, 3), (100, 64)])
def test_all_values_travel_up_to_as_many_as_can_be_followed(
    page_of: Callable[[str], Page], values: int, travel: int
) -> None:
    boxes = "".join(f"<i data-travel=v{k}>{k}</i>" for k in range(values))
    page = page_of(f"<style>:root{{--travel:.4s}} p{{margin-top:90px}}</style><div class=widget><p>{boxes}</p></div>")
    found = page.evaluate(
        """async () => {
            const { leave, arrive } = await import('/travel.js');
            const widget = document.querySelector('.widget');
            const before = leave(widget);
            const there = document.createElement('p');
            there.innerHTML = document.querySelector('p').innerHTML;
            document.querySelector('p').replaceWith(there);
            there.style.marginTop = '190px';
            arrive(widget, before, { stepped: true });
            return document.querySelectorAll('.travellers > *').length;
        }"""
    )
    assert found == travel


def test_one_figure_plays_at_a_time_and_a_stepper_stops_at_its_last_step(page_of: Callable[[str], Page]) -> None:
    steps = "".join(f"<section data-step={k} {'hidden' * (k != 1)}><h4>{k}</h4></section>" for k in range(4))
    play = "<button data-step-play>Play</button>"
    page = page_of(
        f"<div class=widget id=a><div data-stepper=s data-current=1>{play}<div class=steps>{steps}</div></div></div>"
        f"<div class=widget id=b><div data-stepper=t data-current=0>{play}<div class=steps>{steps}</div></div></div>"
    )
    page.evaluate(
        """async () => {
            const [{ behave }, { player }] = await Promise.all([import('/behaviour.js'), import('/player.js')]);
            window.steps = [];
            behave(document, { onStep: (name, value) => steps.push(name + value), player: player(document) });
        }"""
    )
    a, b = page.locator("#a button"), page.locator("#b button")
    a.click()
    page.clock.run_for(1600)
    assert (a.text_content(), a.get_attribute("aria-pressed")) == ("Pause", "true")
    b.click()  # the other one lets go
    assert (a.text_content(), a.get_attribute("aria-pressed")) == ("Play", "false")
    page.clock.run_for(20_000)
    assert page.evaluate("steps") == ["s2", "t1", "t2", "t3"]
    assert (b.text_content(), b.get_attribute("aria-pressed")) == ("Play", "false")
    b.click()  # from the last step it begins anew
    assert page.evaluate("steps.at(-1)") == "t0"


def test_keys_belong_to_what_has_the_focus_and_scrolls_by_them(page_of: Callable[[str], Page]) -> None:
    """Code that is wider than its frame, in a widget with a stepper: the arrows scroll it and Space starts nothing."""
    steps = "".join(f"<section data-step={k} {'hidden' * (k != 1)}><h4>{k}</h4></section>" for k in range(3))
    stepper = (
        f"<div data-stepper=step data-current=1><button data-step-play>Play</button><div class=steps>{steps}</div>"
    )
    code = f"<pre tabindex=0 style='width:100px;overflow:auto'>{'wide ' * 99}</pre><pre tabindex=0 id=narrow>x</pre>"
    page = page_of(f"<div class=widget>{stepper}</div>{code}</div>")
    page.evaluate(
        """async () => {
            const [{ behave }, { player }] = await Promise.all([import('/behaviour.js'), import('/player.js')]);
            window.steps = [];
            behave(document, { onStep: (name, value) => steps.push(value), player: player(document) });
        }"""
    )
    wide = page.locator("pre").first
    wide.press("ArrowRight")
    wide.press("Space")
    assert page.evaluate("steps") == []
    assert page.get_by_role("button").text_content() == "Play"
    page.locator("#narrow").press("ArrowRight")  # what does not scroll leaves them to the figure
    assert page.evaluate("steps") == [2]

"""The monkey: two hundred actions over every page and embed, that it sees a page that lies, and what it has found."""

from __future__ import annotations

import random
from collections.abc import Callable
from urllib.parse import urlencode

import monkey
import pytest
from conftest import settle, wait_live
from playwright.sync_api import Browser, Page, expect

from pages.home import page as home

PARTS = 4  # so that they can be shared out


@pytest.fixture(scope="session")
def launch(the_browser: Browser) -> Callable[[], Browser]:
    return lambda: the_browser.browser_type.launch(
        executable_path=monkey.chromium.find_chromium(), args=monkey.chromium.FLAGS
    )


@pytest.mark.parametrize("part", range(PARTS))
def test_two_hundred_actions_on_every_page_and_embed(the_browser, launch, site, part):
    """`make monkey` goes on with other seeds; what stands here is a small and constant sample."""
    walk = monkey.stroll(the_browser, launch, site, monkey.places()[part::PARTS], 100 + part, 200 // PARTS)
    assert len(walk.done) == 200 // PARTS and walk.reopened == 200 // PARTS // monkey.REOPEN_EVERY
    assert not walk.faults, walk.report()


BODY = "document.querySelector('[data-widget] > [data-body]')"
ROW = "[...document.querySelectorAll('table')].find(t => /^pattern/.test(t.caption?.textContent)).tBodies[0].rows[4]"
LIST = "document.querySelector('[data-list]').dataset.list"
SAID = "document.querySelector('[data-status-message]').textContent"
LIES = {  # path -> [(what a page does, what the monkey must say of it)]
    "embed/attention-heads/": [
        (f"{BODY}.insertAdjacentHTML('beforeend', '<table><tr><td>NaN</td></tr></table>')", "on screen: NaN"),
        (f"{BODY}.insertAdjacentHTML('beforeend', '<p>The loss is None here.</p>')", "on screen: The loss is None"),
        (f"{BODY}.insertAdjacentHTML('beforeend', '<p>None of it is new.</p>')", ""),  # a word, and no lie
        (f"{BODY}.insertAdjacentHTML('beforeend', '<output>None</output>')", "on screen: None"),
        (f"{BODY}.insertAdjacentHTML('beforeend', '<b aria-label=undefined>x</b>')", 'aria-label="undefined"'),
        (f"{BODY}.insertAdjacentHTML('beforeend', '<output>104 %</output>')", "a share of 104 %"),
        (f"{ROW}.querySelector('td[data-v]').dataset.v -= 0.1", "a row of “pattern"),
        (f"{ROW}.querySelector('td[data-v]').dataset.v = 'NaN'", 'data-v="NaN"'),
        ("console.error('something is wrong')", "console error: something is wrong"),
        ("console.warn('something is odd')", "console warning: something is odd"),
        ("setTimeout(() => { throw new Error('nobody catches this'); })", "page error: nobody catches this"),
        ("fetch('https://elsewhere.invalid/x').catch(() => {})", "request off-origin: https://elsewhere.invalid/x"),
        (f"{BODY}.insertAdjacentHTML('beforeend', '<div style=width:5000px>wide</div>')", "wider than its window"),
    ],
    "embed/temperature/": [
        (f"{LIST} = JSON.stringify({{ shares: [0.5, 0.4] }})", "the vocabulary sums to 0.9"),
        (f"{LIST} = JSON.stringify({{ shares: [1.5, -0.5] }})", "a share of 1.5"),
        (f"{SAID} = 'Python could not do this: x.'", "said: Python could not"),
    ],
    "embed/temperature-truth/": [
        ("document.querySelector('td.num[data-v]').dataset.v = 0.9", "column 1 of “Next token: the model and"),
    ],
}


@pytest.mark.parametrize("path", LIES)
def test_a_page_that_lies_is_caught(the_browser, launch, site, path, monkeypatch):
    monkeypatch.setattr(monkey, "reopen", lambda *_: None)
    lies = iter(LIES[path])

    def lie(page: Page, rng: random.Random) -> str:
        page.evaluate(f"() => {{ {next(lies)[0]} }}")
        page.wait_for_timeout(100)  # what goes wrong later is told by an event
        return "a lie"

    walk = monkey.stroll(the_browser, launch, site, [path], 1, len(LIES[path]), lie)
    for number, (_, words) in enumerate(LIES[path], start=1):
        # an event may be heard while the action is still going on
        said = [what for at, what in walk.faults if at in (number - 1, number)]
        assert any(words in what for what in said) if words else not [w for n, w in walk.faults if n == number], said


ADDRESSES = [
    ("", ""),
    ("history.replaceState(null, '', '?prompt=Mia+has')", "reopened, it differs"),
    ("document.querySelector('td[data-v]').dataset.v = 0.123456", "reopened, it differs: depth: numbers"),
    ("document.querySelector('[data-bind=prompt]').value = 'Mia'", "reopened, it differs: depth: a control holds"),
    ("document.querySelector('figcaption').append('now and then')", "reopened, it differs: depth: “"),
    ("history.replaceState(null, '', '?depth=7&nothing=1')", "reopened, the address became another"),
]


@pytest.mark.parametrize(("lie", "words"), ADDRESSES)
def test_an_address_that_opens_something_else_is_caught(the_browser, launch, site, lie, words):
    def hand(page: Page, rng: random.Random) -> str:
        page.evaluate(f"() => {{ {lie} }}")
        return "a lie"

    walk = monkey.stroll(the_browser, launch, site, ["embed/depth/"], 1, 1, hand)
    assert walk.reopened == 1
    assert [what[: len(words)] for _, what in walk.faults] == ([words] if words else [])


# ---------------------------------------------------------------- what it has found


def test_a_slider_follows_the_page_also_where_it_has_the_focus(open_page):
    """It stayed where the hand had left it, beside another number, when Back or another text had changed it."""
    page = open_page("embed/path-gradients/", prompt="Once there was a brave girl")
    slider = page.get_by_label("Tokens at the end that the model wrote")
    before = slider.input_value()
    slider.focus()
    page.keyboard.press("End")
    settle(page)
    assert slider.input_value() != before
    page.evaluate("history.back()")
    expect(slider).to_have_value(before)
    expect(slider).to_be_focused()
    page.keyboard.press("End")
    settle(page)
    most = slider.input_value()
    page.get_by_label("Prompt").fill("a")
    page.keyboard.press("Tab")
    slider.focus()  # before the answer
    settle(page)
    expect(slider).to_have_value(slider.get_attribute("max").removesuffix(".0"))
    page.get_by_label("Prompt").fill("Once there was a brave girl")
    slider.focus()
    settle(page)
    expect(slider).to_have_value(most)


def test_a_name_that_was_typed_again_is_not_in_the_address(open_page):
    page = open_page("")
    name = page.locator("#transformer").get_by_label("A name")
    for typed in ("Mia has", "nobody", "Mia has", "Mi-a-ha-s"):
        name.fill(typed)
        settle(page)
        expect(name).to_have_value(typed)  # it is the reader's as long as it is being written
        assert "called=" not in page.url


def test_no_block_of_the_picture_is_wider_than_a_phone(make_context, site):
    """What is absolutely placed in a table that scrolls has to scroll with it, or it widens the page."""
    page = make_context(viewport={"width": 360, "height": 740}).new_page()
    for block in home.HomeState.param.block.objects:
        page.goto(f"{site}?{urlencode({'block': block})}")
        wait_live(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, block

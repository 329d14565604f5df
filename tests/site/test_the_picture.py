"""The one picture in a browser: it plays, steps and rewinds, opens what is pressed, fits, moves only where it may."""

import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from conftest import settle, settled, until, wait_live
from playwright.sync_api import expect
from test_shell import axe

from explainer.models import lab
from explainer.studies import climb, story
from pages.home.page import HomeState

pytestmark = pytest.mark.single_figures

NAME = "A robot called Vi-do-zu. Good night, Vi-do"
TOKENS = lab.tokens_of(NAME)
DROP, ROOF = HomeState().drop, HomeState().roof
SHOWN = "svg.climb:visible"


@pytest.fixture
def page(open_page):
    page = open_page("", prompt=NAME)
    page.locator("#transformer").scroll_into_view_if_needed()
    return page


def picture(page):
    return page.get_by_role("group", name="The picture", exact=True)


def button(page, name):
    return picture(page).get_by_role("button", name=name, exact=True)


def at(page, turn, floor):
    """The picture has come there, everything it shows says so, and the address."""
    expect(picture(page).locator(".says > p.now")).to_have_attribute("data-f", str(floor))
    settle(page)
    expect(picture(page)).to_have_attribute("data-turn", str(turn))
    for part in picture(page).locator("[data-f]").all():
        f = int(part.get_attribute("data-f"))
        assert bool(re.search(r"\bon\b", part.get_attribute("class"))) == (f <= floor)
    state = page.evaluate("window.explainer.state()")
    assert (state["turn"], state["floor"]) == (turn, floor)


def words(page):
    return picture(page).locator(f"{SHOWN} .word").all_text_contents()


def test_steps_go_up_floor_by_floor_and_into_the_next_turn_and_back(page):
    at(page, 0, ROOF)
    button(page, "Rewind").click()
    at(page, 0, 0)
    expect(button(page, "Previous step")).to_have_attribute("aria-disabled", "true")
    for floor in range(1, DROP + 1):
        button(page, "Next step").click()
        at(page, 0, floor)
    n = len(words(page))
    button(page, "Next step").click()
    at(page, 1, 1)
    told = climb.climb(TOKENS, 1)
    assert words(page)[-1] == told.columns[-1].text == "zu" and len(words(page)) == min(n + 1, 13)
    button(page, "Previous step").click()
    at(page, 0, DROP)
    button(page, "Rewind").click()
    at(page, 0, 0)


def test_the_crank_turns_once_and_stops_on_the_next_roof(page):
    button(page, "Crank").click()
    expect(button(page, "Pause")).to_be_visible()
    expect(picture(page).locator(".says > p.now")).to_have_attribute("data-f", str(DROP))
    expect(picture(page).locator(f"{SHOWN} .drop")).to_be_visible()
    expect(picture(page)).to_have_attribute("data-turn", "1", timeout=20_000)
    expect(button(page, "Play")).to_be_visible(timeout=20_000)
    at(page, 1, ROOF)
    assert "turn=1" in page.url


def test_it_plays_to_the_end_of_the_text_and_stops_there(open_page):
    page = open_page("", prompt=NAME, turn=1, floor=ROOF)
    last = climb.turns(TOKENS, 40, 0)
    button(page, "Play").click()
    expect(picture(page)).to_have_attribute("data-turn", str(last), timeout=30_000)
    expect(button(page, "Play")).to_be_visible(timeout=30_000)
    at(page, last, DROP)
    expect(button(page, "Next step")).to_have_attribute("aria-disabled", "true")
    assert "the end" in picture(page).locator(".says > p.now").text_content()


def test_play_can_be_stopped_at_any_floor(page):
    button(page, "Rewind").click()
    button(page, "Play").click()
    expect(picture(page).locator(".says > p.now")).to_have_attribute("data-f", "2")
    button(page, "Pause").click()
    floor = int(picture(page).locator(".says > p.now").get_attribute("data-f"))
    page.wait_for_timeout(1500)
    at(page, 0, floor)
    button(page, "Slowly").click()
    expect(button(page, "Slowly")).to_have_attribute("aria-pressed", "true")


def test_before_python_is_there_the_floors_of_this_turn_are(make_context, site):
    context = make_context()
    held: list = []
    free: list = []
    context.route("**/runtime/**", lambda route: route.continue_() if free else held.append(route))
    page = context.new_page()
    page.goto(site)
    button(page, "Rewind").click()
    for floor in (1, 2):
        button(page, "Next step").click()
        expect(picture(page).locator(".says > p.now")).to_have_attribute("data-f", str(floor))
    assert page.locator("html").get_attribute("data-explainer") != "live"
    free.append(True)
    for route in held:
        route.continue_()
    wait_live(page)
    at(page, 0, 2)


def test_every_number_is_the_one_that_python_gives(page):
    told = climb.climb(TOKENS, 0)
    arcs = {f"{a.floor}.{a.query}.{a.key}": a for a in told.arcs}
    found = (
        picture(page)
        .locator(f"{SHOWN} .arc")
        .evaluate_all("all => all.map(e => [e.dataset.arc, Number(e.dataset.v), e.classList.contains('carries')])")
    )
    assert len(found) > 20
    for name, weight, carries in found:
        assert weight == pytest.approx(arcs[name].weight, abs=1e-4) and carries == arcs[name].carries
    assert sum(c for *_, c in found) == 2
    fell = picture(page).locator(".says > p").nth(4)
    assert "“zu” falls from 99.9 % to <1 %" in fell.text_content()


def test_a_press_opens_a_node_a_line_the_roof_and_the_word(page):
    shown = picture(page).locator(SHOWN)
    opened = picture(page).get_by_test_id("inside")
    shown.locator(".node[data-pick='3.6']").click()
    expect(opened.get_by_role("heading")).to_have_text("Inside Vi-do-zu, floor 3")
    expect(shown.locator(".node[data-pick='3.6']")).to_have_attribute("aria-pressed", "true")
    expect(opened.locator("svg:visible")).to_have_count(1)
    shown.locator(".arc[data-arc='4.12.6']").dispatch_event("click")
    expect(opened.get_by_role("heading")).to_have_text("Inside Vi-do, floor 4")
    expect(opened).to_contain_text("makes a share of 99 %")
    shown.locator("[data-press=roof]").dispatch_event("click")
    expect(opened.get_by_role("heading")).to_have_text("The roof")
    opened.get_by_role("button", name="Another draw").click()
    settle(page)
    assert "seed=1" in page.url
    opened.get_by_role("button", name="Close").click()
    expect(opened).to_have_count(0)
    button(page, "Next step").click()
    shown.locator("[data-press=word]").focus()
    page.keyboard.press("Enter")
    expect(opened.get_by_role("heading")).to_contain_text("The word that drops")
    link = opened.get_by_role("link").get_attribute("href").removeprefix("./")
    assert link.startswith("feedback/?") and "prompt=A+robot" in link


def test_the_keyboard_alone_reaches_and_opens_everything(page):
    shown = picture(page).locator(SHOWN)
    page.locator("#transformer-f-prompt").focus()
    seen = []
    for _ in range(14):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
        )
    for name in ("Crank", "The roof: zu 99.9 %", "Rewind", "Previous step", "Next step", "Play", "Slowly"):
        assert name in seen, (name, seen)
    assert len([s for s in seen if s and ", floor" in s]) == 1, "one node is in the tab order"
    shown.locator(".node[tabindex='0']").focus()
    expect(shown.locator(".node:focus")).to_have_attribute("data-pick", "4.12")
    for key, to in [
        ("ArrowDown", "3.12"),
        ("ArrowLeft", "3.11"),
        ("ArrowUp", "4.11"),
        ("Home", "4.1"),
        ("PageDown", "0.1"),
    ]:
        page.keyboard.press(key)
        expect(shown.locator(".node:focus")).to_have_attribute("data-pick", to)
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(picture(page).get_by_test_id("inside").get_by_role("heading")).to_have_text("Inside Vi-do, floor 1")
    button(page, "Next step").focus()
    page.keyboard.press("Enter")
    at(page, 0, DROP)


def test_a_name_of_the_readers_own_is_finished(page):
    picture(page).get_by_label("A name").fill("Tim-bo-lu")
    settle(page)
    expect(picture(page).get_by_label("Prompt")).to_have_value(re.compile("called Ti-m-bo-lu. Good night,$"))
    expect(picture(page).locator(".says > p.now")).to_contain_text("“Ti” (the beginning of “Ti-m-bo-lu”)")
    at(page, 0, ROOF)


@pytest.mark.parametrize(("width", "most"), [(360, 640), (720, 600), (1000, 720)])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_embed_is_low_and_nothing_scrolls_sideways(width, most, scheme, new_page, site):
    page = new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
    page.goto(f"{site}embed/transformer/")
    wait_live(page)
    for floor in (ROOF, DROP, 3):
        page.evaluate("floor => window.explainer.set({floor})", floor)
        settle(page)
        size = page.evaluate("[document.body.offsetHeight, document.documentElement.scrollWidth]")
        assert size[0] <= most and size[1] <= width, size
    drawn = page.locator(SHOWN)
    expect(drawn).to_have_count(1)
    box, around = drawn.bounding_box(), page.locator("#transformer").bounding_box()
    assert box["x"] >= around["x"] and box["x"] + box["width"] <= around["x"] + around["width"]
    small = drawn.evaluate(
        """svg => [...svg.querySelectorAll('text')]
            .map(t => parseFloat(getComputedStyle(t).fontSize) * svg.getScreenCTM().a)"""
    )
    assert min(small) > 10.9


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_floor(width, scheme, new_page, site):
    page = new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.goto(f"{site}?inside=3.6")
    wait_live(page)
    for floor in (0, 3, ROOF, DROP):
        page.evaluate("floor => window.explainer.set({floor})", floor)
        settle(page)
        page.evaluate("document.getAnimations().forEach(a => a.finish())")
        assert axe(page) == "", floor
    page.evaluate("window.explainer.set({inside: 'roof'})")
    settle(page)
    assert axe(page) == ""


SHIFTS = """window.shifts = [];
new PerformanceObserver(l => { for (const e of l.getEntries()) if (!e.hadRecentInput) window.shifts.push(e.value); })
  .observe({type: 'layout-shift', buffered: true});"""


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_moves_from_the_first_paint_to_the_next_turn(width, make_context, site):
    context = make_context(viewport={"width": width, "height": 900}, reduced_motion="no-preference")
    context.add_init_script(SHIFTS)
    page = context.new_page()
    page.goto(site)
    assert settled(page) == "live"
    assert sum(page.evaluate("window.shifts")) < 0.001
    button(page, "Crank").click()
    expect(picture(page)).to_have_attribute("data-turn", "1", timeout=20_000)
    expect(button(page, "Play")).to_be_visible(timeout=20_000)
    heights = page.evaluate("[...document.querySelectorAll('.says')].map(e => e.offsetHeight)")
    assert sum(page.evaluate("window.shifts")) < 0.001, heights


MOVING = "document.getAnimations().filter(a => a.id === 'climb' && a.playState === 'running')"


def test_where_motion_is_wanted_what_is_read_runs_along_the_lines_and_the_word_falls(new_page, site):
    page = new_page(reduced_motion="no-preference")
    page.goto(f"{site}?floor=3&{urlencode({'prompt': NAME})}")
    wait_live(page)
    carried = climb.climb(TOKENS, 0).floors[3]
    lines = [a for a in carried.arcs if a.key and (a.carries or a.query == len(TOKENS) - 1)]
    runs = page.evaluate(
        f"""() => {{ document.querySelector('#transformer [data-crank-by="1"]').click();
        return [document.querySelectorAll('svg.climb.wide .travel circle').length, {MOVING}.length]; }}"""
    )
    assert runs[0] == len(lines) and runs[1] == len(lines)
    until(page, f"() => !{MOVING}.length")
    expect(page.locator(".travel circle")).to_have_count(0)
    page.evaluate("document.querySelector('#transformer [data-crank-by=\"1\"]').click()")
    ways = page.evaluate(
        """() => { document.querySelector('#transformer [data-crank-by="1"]').click();
        const [drop] = document.querySelectorAll('svg.climb.wide .drop');
        return drop.getAnimations().map(a => a.effect.getKeyframes().length); }"""
    )
    assert ways == [15]


def test_under_reduced_motion_it_is_a_sequence_of_stills(new_page, site):
    page = new_page(reduced_motion="reduce")
    page.goto(f"{site}?floor=0")
    wait_live(page)
    for floor in range(1, DROP + 1):
        button(page, "Next step").click()
        assert page.evaluate("document.getAnimations().length") == 0
        expect(picture(page).locator(".says > p.now")).to_have_attribute("data-f", str(floor))
    button(page, "Rewind").click()
    button(page, "Play").click()
    expect(picture(page).locator(".says > p.now")).to_have_attribute("data-f", "3")


def test_home_is_short_and_its_first_sentence_answers(new_page, site):
    for width, most in ((1280, 5500), (360, 8500)):
        page = new_page(viewport={"width": width, "height": 900})
        page.goto(site)
        size = page.evaluate("[document.body.scrollHeight, document.documentElement.scrollWidth]")
        assert size[0] <= most and size[1] <= width
    first = page.locator("main > p").first.text_content()
    assert first.startswith("A transformer reads a text, works out how likely each next word is")


def test_its_parts_lead_to_their_pages_with_the_same_words(page):
    links = picture(page).locator(".closer a")
    expect(links).to_have_count(4)
    to = [link.get_attribute("href").removeprefix("./") for link in links.all()]
    assert [t.split("/")[0] for t in to] == ["attention", "temperature", "feedback", "paths"]
    assert all("prompt=A+robot+called+Vi-do-zu.+Good+night%2C+Vi-do" in t for t in to)
    links.first.click()
    wait_live(page)
    assert page.locator("#attention-stepper-f-prompt").input_value() == NAME
    state = page.evaluate("window.explainer.state()")
    best = climb.climb(TOKENS, 0).carriers[0]
    assert (state["layer"], state["head"]) == (best.layer, best.head)


def test_a_link_opens_this_very_floor(open_page):
    page = open_page("", prompt=NAME, turn=1, floor=3, inside="2.5")
    at(page, 1, 3)
    expect(picture(page).get_by_test_id("inside").get_by_role("heading")).to_have_text("Inside Vi-do-zu, floor 2")
    page = open_page("", block="mlp 2", prompt="Mia has")
    expect(page.locator("#whole-model h4")).to_have_text("MLP of layer 2")


def test_three_presses_write_the_name_and_the_address_says_which_text(open_page):
    page = open_page("")
    n = len(words(page))
    for turn in (1, 2, 3):
        button(page, "Crank").click()
        expect(picture(page)).to_have_attribute("data-turn", str(turn), timeout=20_000)
        expect(button(page, "Play")).to_be_visible(timeout=20_000)
    assert words(page)[-3:] == ["Vi", "do", "zu"] and len(words(page)) == min(n + 3, 13)
    assert parse_qs(urlsplit(page.url).query)["prompt"] == [HomeState.param.prompt.default]


def test_a_link_from_before_the_text_was_another_opens_as_it_did(open_page):
    page = open_page("", turn=1, weights=story.fingerprint())
    at(page, 1, ROOF)
    expect(picture(page).get_by_label("Prompt")).to_have_value(NAME)
    assert words(page)[-1] == "zu"


def test_the_still_has_the_whole_picture(make_context, site):
    page = make_context(java_script_enabled=False).new_page()
    page.goto(site)
    carriers = [a for a in HomeState().climb().carriers if a.key]
    expect(page.locator(f"{SHOWN} .arc.carries")).to_have_count(len(carriers))
    expect(page.locator(f"{SHOWN} .roof")).to_be_visible()
    assert "“Vi”" in page.locator("#transformer .says > p.now").text_content()

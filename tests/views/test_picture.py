"""The one picture without a browser: what is drawn is what was computed, in its place, and the tables say the same."""

from __future__ import annotations

import itertools
import math
import re

import drawn
import pytest

from explainer.models import lab
from explainer.studies import climb, story
from explainer.ui.html import exact
from explainer.ui.parts import climb as picture
from pages.home.page import FLOORS, PAGE, HomeState

NAME = "A robot called Vi-do-zu. Good night, Vi-do"
PROMPTS = [NAME, "Once there was a girl named Mia. One day, Mia", "The cat sat on the", "Mia", ""]
LONG = "Once there was a brave girl named Lily and a boy named Tom. One day, Lily and Tom went to the park. Lily"


def made(**request):
    link, widget = PAGE.make("transformer")
    link.request = request
    return link, widget, drawn.read(widget.html)


def svgs(root):
    return root.all("svg", "climb")


def places(svg):
    """{(floor, column): (x, y)} of the nodes."""
    found = {}
    for node in svg.all("g", "node"):
        x, y = map(float, re.findall(r"-?[\d.]+(?=px)", node.attrs["style"]))
        found[tuple(map(int, node.attrs["data-pick"].split(".")))] = (x, y)
    return found


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("turn", [0, 2])
def test_every_arc_goes_from_what_is_read_to_who_reads_and_is_as_wide_as_its_weight(prompt, turn):
    link, _, root = made(prompt=prompt, turn=turn)
    told = link._state.climb()
    assert told.turn == link._state.turn
    for svg in svgs(root):
        at = places(svg)
        shown = sorted({c for _, c in at})
        arcs = {(a.floor, a.query, a.key): a for a in told.arcs}
        seen = set()
        for path in svg.all("path", "arc"):
            arc = arcs[tuple(map(int, path.attrs["data-arc"].split(".")))]
            x0, y0, *_, x1, y1 = map(float, re.findall(r"-?[\d.]+", path.attrs["d"]))
            assert (x0, y0) == pytest.approx(at[arc.floor - 1, arc.key], abs=0.1)
            assert (x1, y1) == pytest.approx(at[arc.floor, arc.query], abs=0.1)
            assert path.v == arc.weight and path.number("stroke-width") == pytest.approx(1 + 5 * arc.weight, abs=1e-3)
            assert ("carries" in path.classes) == arc.carries
            assert ("asked" in path.classes) == (arc.query == told.last)
            assert path.parent.attrs["data-f"] == str(arc.floor)
            if arc.without is not None:
                assert picture.percent(arc.without) in path.attrs["data-why"]
            seen.add((arc.floor, arc.query, arc.key))
        assert seen == {key for key in arcs if set(key[1:]) <= set(shown)}


@pytest.mark.parametrize("prompt", [*PROMPTS, LONG])
def test_nodes_are_columns_and_floors_and_as_large_as_the_change(prompt):
    link, _, root = made(prompt=prompt)
    told = link._state.climb()
    for svg, layout in zip(svgs(root), picture.LAYOUTS, strict=True):
        at, nodes = places(svg), svg.all("g", "node")
        columns = int(svg.attrs["data-columns"])
        shown = sorted({c for _, c in at})
        assert len(shown) == columns <= layout.most and shown[-1] == told.last
        wide, high = map(float, svg.attrs["viewbox"].split()[2:])
        sizes = []
        for node in nodes:
            floor, column = map(int, node.attrs["data-pick"].split("."))
            assert int(node.attrs["data-i"]) == floor * columns + shown.index(column)
            x, y = at[floor, column]
            assert 0 < x < wide and 0 < y < high and at[0, column][0] == x
            assert floor == 0 or y < at[floor - 1, column][1]
            if floor:
                assert node.v == told.floors[floor - 1].change[column]
                sizes.append((min(node.v, 1.5), node.all("circle")[0].number("r")))
                read = told.floors[floor - 1].read[column]
                top = floor == len(told.floors)
                assert (f"“{read.text}” now" in node.attrs["data-why"]) == (read.fits or top)
                assert ("no word yet" in node.attrs["data-why"]) != (read.fits or top)
        drawn.affine(sizes, "radius", slack=0.02)
        assert [n.attrs["tabindex"] for n in nodes].count("0") == 1
        if len(told.columns) > 1:
            assert 0 not in shown, "the start mark is not drawn"
        xs = [at[0, c][0] for c in shown]
        assert all(b - a > 9 for a, b in itertools.pairwise(xs)), "columns on top of each other"
        words = {t.attrs["id"]: t.text for t in svg.all("text", "word")}
        assert list(words.values()) == [told.columns[c].text for c in shown]


def test_a_mark_is_a_word_too():
    """Where “.” is the likeliest, a node says so: it once said “no word yet” on the very roof."""
    link, _, root = made(prompt="Once there was a girl named Mia. One day, Mia")
    told = link._state.climb()
    marks = [(f.number, i) for f in told.floors for i, r in enumerate(f.read) if r.text == "." and r.chance > 0.9]
    assert (len(told.floors), [c.text for c in told.columns].index("Mia")) in marks
    why = {n.attrs["data-pick"]: n.attrs["data-why"] for n in svgs(root)[0].all("g", "node")}
    for floor, column in marks:
        assert "would say “.” now" in why[f"{floor}.{column}"]
    assert not any("no word yet" in words for pick, words in why.items() if pick[0] == str(len(told.floors)))


def test_the_narrow_drawing_keeps_what_carries_the_word():
    link, _, _ = made(prompt=LONG)
    told = link._state.climb()
    for layout in picture.LAYOUTS:
        shown = picture.shown_columns(told, layout.most)
        through = [i for a in told.carriers for i in (a.query, a.key) if i]
        assert set(dict.fromkeys([told.last, *through][: layout.most])) <= set(shown)
        assert shown == sorted(set(shown)) and len(shown) == min(layout.most, told.last)


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_on_a_phone_too_the_name_is_whole_and_the_floors_are_named(turn):
    """The first pieces of the name were left out there once, and nothing said which row was which floor."""
    link, _, root = made(turn=turn)
    told = link._state.climb()
    for svg in svgs(root):
        shown = {int(t.attrs["id"].split("w")[-1]) for t in svg.all("text", "word")}
        first = next(c for c in told.columns if c.text == "Vi")
        assert set(range(first.begins, first.ends)) <= shown and first.ends - first.begins == 3
        assert {c.begins for i, c in enumerate(told.columns) if i in shown} & {told.columns[told.last].begins}
        wide = float(svg.attrs["viewbox"].split()[2])
        words = sorted((t for t in svg.all("text", "word")), key=lambda t: int(t.attrs["id"].split("w")[-1]))
        xs = [float(re.findall(r"-?[\d.]+(?=px)", t.attrs["style"])[0]) for t in words]
        letter = 6.4 if "narrow" in svg.classes else 8.5  # units, as wide as they are on the screen
        half = [max(len(t.text), 1) * letter / 2 for t in words]
        assert all(a + p <= b - q + 1 for a, b, p, q in zip(xs, xs[1:], half, half[1:], strict=False)), "words overlap"
        at = places(svg)
        names = svg.all("text", "number") or [t for t in svg.all("text", "name") if t.text.startswith("floor")]
        assert [re.sub(r"\D", "", t.text) for t in names] == ["1", "2", "3", "4"]
        for floor, name in enumerate(names, start=1):
            assert name.number("y") - 4 == pytest.approx(at[floor, told.last][1], abs=0.2)
            assert 0 < name.number("x") < min(xs) < wide
        assert any("floor" in t.text for t in svg.all("text")), "and that they are floors"


@pytest.mark.parametrize("floor", range(HomeState().drop + 1))
def test_what_is_reached_is_lit_and_one_sentence_is_said(floor):
    _, _, root = made(floor=floor)
    parts = [e for e in root.walk() if "data-f" in e.attrs]
    assert {int(e.attrs["data-f"]) for e in parts} == set(range(HomeState().drop + 1))
    for e in parts:
        assert ("on" in e.classes) == (int(e.attrs["data-f"]) <= floor)
        assert ("now" in e.classes) == (int(e.attrs["data-f"]) == floor)
    (caption,) = root.all("figcaption")
    assert len([p for p in caption.all("p") if "now" in p.classes]) == 1
    assert [int(p.attrs["data-f"]) for p in caption.all("p")] == list(range(HomeState().drop + 1))


def test_a_sentence_says_carries_only_of_what_was_tested():
    for prompt in PROMPTS[:4]:
        link, _, root = made(prompt=prompt)
        told = link._state.climb()
        lines = root.all("figcaption")[0].all("p")
        for floor, line in zip(told.floors, lines[1:], strict=False):
            cut = re.search(r"Cut this line, and “(.+)” falls from (\S+ %) to (\S+ %)", line.text)
            carried = [a for a in floor.arcs if a.carries and a.key]
            assert bool(cut) == bool(carried), line.text
            if cut:
                assert cut[1] == told.word.text and cut[2] != cut[3]
                assert (cut[2], cut[3]) in {picture.apart(told.word.chance, a.without) for a in carried}


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_strip_has_the_odds_and_the_ball_lies_on_what_is_drawn(prompt):
    for seed in (0, 1, 4):
        link, _, root = made(prompt=prompt, seed=seed, floor=HomeState().drop)
        told = link._state.climb()
        for svg in svgs(root):
            frame = svg.all("rect", "strip-frame")[0]
            left, width = frame.number("x"), frame.number("width")
            odds = svg.all("rect", "odd")
            for e in odds:
                assert e.number("width") == pytest.approx(max(e.v * width - 1.2, 0.5), abs=0.3)
            (said,) = [e for e in odds if "said" in e.classes] or [None]
            if said is not None:
                ball = svg.all("g", "ball")[0].all("circle")[0].number("cx")
                assert said.number("x") - 0.2 <= ball <= said.number("x") + said.number("width") + 1.4
                assert ball == pytest.approx(said.number("x") + told.at * said.v * width, abs=0.3)
            assert min(e.number("x") for e in odds) == pytest.approx(left, abs=0.2)
            assert told.word.text in svg.all("g", "drop")[0].text
            best = [e for e in odds if "best" in e.classes]
            assert [e.v for e in best] == [max(o.chance for o in told.odds)]


def test_the_word_that_drops_is_the_next_column():
    link, _, _ = made(prompt="Once there was a")
    state = link._state
    for turn in range(4):
        link.request = {"turn": turn, "#": turn}
        word, n = state.climb().word, len(state.climb().columns)
        link.request = {"turn": turn + 1, "#": -turn - 1}
        after = state.climb().columns
        assert len(after) == n + 1 and (after[-1].token, after[-1].written) == (word.token, True)


@pytest.mark.parametrize("prompt", PROMPTS[:4])
def test_the_tables_say_every_number_that_is_drawn(prompt):
    link, _, root = made(prompt=prompt)
    told = link._state.climb()
    lines, changes, odds = (t for t in root.all("table", "numbers"))
    rows = [list(row.children) for row in lines.all("tbody")[0].all("tr")]
    listed = {(int(r[0].text), int(r[1].text.split()[0]), int(r[2].text.split()[0])): r for r in rows}
    assert set(listed) == {(a.floor, a.query, a.key) for a in told.arcs}
    for svg in svgs(root):
        for path in svg.all("path", "arc"):
            assert listed[tuple(map(int, path.attrs["data-arc"].split(".")))][3].v == path.v
        cells = [list(row.children) for row in changes.all("tbody")[0].all("tr")]
        for node in svg.all("g", "node"):
            floor, column = map(int, node.attrs["data-pick"].split("."))
            if floor:
                assert cells[column][floor].v == node.v
        for e in svg.all("rect", "odd"):
            assert exact(e.v) in [c.attrs.get("data-v") for row in odds.all("tbody")[0].all("tr") for c in row.children]
    for arc in told.arcs:
        row = listed[arc.floor, arc.query, arc.key]
        assert row[7].text == ("yes" if arc.carries else "")
        assert row[6].text == "not tested" if arc.without is None else row[6].v == arc.without
        assert (row[4].text, row[5].text) == (str(arc.layer), str(arc.head))
    assert math.isclose(sum(row.children[1].v for row in odds.all("tbody")[0].all("tr")), 1, rel_tol=1e-6)


def test_the_first_cranks_write_a_name_that_the_text_has_once():
    """The full stop was what a first press gave once: true, and dull."""
    link, _, _ = made()
    state = link._state
    name = lab.name_in(state.prompt)
    assert state.prompt.count(name) == 1 and len(name.split("-")) == 3
    for turn, piece in enumerate(name.split("-")):
        link.request = {"turn": turn, "#": turn}
        told = state.climb()
        assert told.word.text == piece and told.word.chance > 0.99
        bold = [a for a in told.carriers if a.query == told.last and told.columns[a.key].text == piece]
        assert bold and bold[0].without < 0.02, "the line to the first time carries it"
    link.request = {"turn": 3, "#": 9}
    assert state.text().count(name) == 2


def test_an_older_link_has_the_text_that_it_was_made_with():
    """The page's own text was another once: links leave out what is the default, and say with which weights it was."""
    state = HomeState()
    state.update_from({"weights": story.fingerprint(), "turn": "1"})
    assert (state.prompt, state.turn, state.climb().word.text) == (NAME, 1, ".")
    state.update_from({"weights": story.fingerprint(), "turn": "1", "prompt": "Mia has"})
    assert state.prompt == "Mia has"
    for by_hand in ({"turn": "1"}, {"turn": "1", "weights": ""}):
        state = HomeState()
        state.update_from(by_hand)
        assert (state.prompt, state.climb().word.text) == (HomeState.param.prompt.default, "do")


def test_places_are_counted_through_and_back():
    state = HomeState()
    seen = []
    for place in range(3 * state.drop + 1):
        turn, floor = map(int, state.at(place).split("\x1f"))
        assert turn * state.drop + floor == place and (floor > 0 or place == 0)
        seen.append((turn, floor))
    assert len(set(seen)) == len(seen)
    assert state.at(-3) == "0\x1f0" and FLOORS == 4


@pytest.mark.parametrize("inside", ["roof", "word", "0.5", "1.1", "3.6", "4.12", "4.12.6", "2.3.0"])
def test_whatever_can_be_pressed_opens(inside):
    link, _, root = made(prompt=NAME, inside=inside)
    assert link.values["inside"] == inside and not link.messages
    (section,) = root.all("section", "in")
    links = list(section.all("a"))
    assert inside[0] == "0" or (len(links) == 1 and "prompt=A+robot" in links[0].attrs["href"])
    if "." in inside and inside[0] != "0":
        for svg in section.all("svg", "flow-in"):
            told = link._state.climb()
            parts = list(map(int, inside.split(".")))
            found = climb.inside(told, parts[0], parts[1], parts[2] if len(parts) > 2 else None)
            shares = svg.all("circle", "share")
            assert sum(e.v for e in shares) == pytest.approx(1, abs=1e-5)
            drawn.affine([(e.v**0.5, e.number("r")) for e in shares], "radius", slack=0.02)
            assert exact(found.shares[found.read]) in {e.attrs["data-v"] for e in shares}
            (followed,) = svg.all("text", "followed")
            assert followed.text == told.columns[found.read].text
            texts = dict(zip([t.number("y") - 5 for t in svg.all("text", "key")], svg.all("text", "key"), strict=True))
            for e in shares:
                word = next(t for y, t in texts.items() if abs(y - e.number("cy")) < 0.2)
                assert e.attrs["data-why"].startswith(word.text)


@pytest.mark.parametrize("inside", ["x", "3", "3.x", "1.2.3.4", "-1.2", "roofs"])
def test_what_cannot_be_opened_is_said(inside):
    link, widget, _ = made(inside=inside)
    assert "is no node of the picture" in link.messages["inside"] and 'class="in"' not in widget.html


def test_another_text_begins_anew():
    link, _, _ = made(turn=1, floor=3, inside="3.6")
    link.request = {"prompt": "Mia has", "#": 2}
    assert (link.values["turn"], link.values["floor"], link.values["inside"]) == (0, HomeState().roof, "")


def test_a_turn_after_the_end_is_answered():
    link, _, root = made(prompt=NAME, turn=9)
    assert link.messages["turn"] == "There is no turn 9 here; showing turn 2."
    assert root.all("div", "climber")[0].attrs["data-crank-last"] == str(3 * HomeState().drop)
    assert "the end" in svgs(root)[0].all("g", "drop")[0].text

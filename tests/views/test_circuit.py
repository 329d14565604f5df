"""The figure of the two-step circuit, and the arrows of what a token reads: what is drawn is what was computed."""

import math
import re
import time

import drawn
import pytest

from explainer.models import lab
from explainer.studies import circuit as study
from explainer.ui.html import percent
from explainer.ui.parts import circuit as part
from explainer.ui.parts import reading
from explainer.ui.parts.climb import short
from pages.attention.page import PAGE


class Figure:
    def __init__(self, slug="attention-circuit"):
        self.link, self.widget = PAGE.make(slug)
        self.state = self.link._state

    def ask(self, **values):
        self.link.request = {**values, "#": time.monotonic_ns()}
        return self.link.messages

    @property
    def root(self):
        return drawn.read(self.widget.html)

    @property
    def drawings(self):
        return self.root.all("svg", "circuit")

    def buttons(self, drawing):
        return {e.attrs["aria-label"]: e for e in drawing.all("g", "wires")}

    def press(self, name, drawing=0):
        """What the page does when a wire is pressed."""
        [button] = [e for label, e in self.buttons(self.drawings[drawing]).items() if name in label]
        return self.ask(cut=button.attrs["data-arc"])

    @property
    def says(self):
        return self.root.all("figcaption")[0].text

    @property
    def chance(self):
        """The answer's chance as the strip shows it: its number, and the share of the strip that it takes."""
        strip = self.drawings[0].all("g", "roof")[0]
        answer, frame = strip.all("rect", "answer")[0], strip.all("rect", "strip-frame")[0]
        return answer.v, answer.number("width") / frame.number("width")


@pytest.fixture
def figure():
    return Figure()


@pytest.fixture
def found(figure):
    return study.circuit(figure.state.tokens())


def test_it_opens_with_every_wire_and_nothing_cut(figure, found):
    for drawing in figure.drawings:
        buttons = figure.buttons(drawing)
        assert len(buttons) == len(found.first) + len(found.second) + 1
        assert all(e.attrs["role"] == "button" and e.attrs["tabindex"] == "0" for e in buttons.values())
        assert {e.attrs["aria-pressed"] for e in buttons.values()} == {"false"}
    value, share = figure.chance
    assert value == found.chance and share == pytest.approx(found.chance, abs=0.01)
    assert percent(found.chance) in figure.says


def test_any_set_of_wires_can_be_cut_and_the_odds_are_those_of_the_model(figure, found):
    """Press one after the other; each time the strip, the sentence and the table say what a run of the model says."""
    m, cut = lab.model(), frozenset()
    wires = [*found.first, *found.second]
    for wire in wires:
        figure.press(f"layer {wire.layer}:")
        cut |= wire.edges
        row = m.forward(found.tokens, (study.NoEdges(cut),))["logits"][-1].astype(float)
        want = math.exp(row[found.answer] - row.max()) / sum(math.exp(x - row.max()) for x in row)
        value, share = figure.chance
        assert value == pytest.approx(want, rel=1e-6) and share == pytest.approx(want, abs=0.01)
        assert percent(want) in figure.says
        tables = {t.all("caption")[0].text: t for t in figure.root.all("table")}
        odds = [e.v for e in tables["What comes next with these cuts"].all("td") if e.v is not None]
        assert odds[0] == value and sum(odds) == pytest.approx(1)
    states = {
        e.attrs["aria-pressed"] for e in figure.buttons(figure.drawings[1]).values() if "control" not in e.classes
    }
    assert states == {"true"}
    for wire in wires:  # and joined again, one by one
        figure.press(f"layer {wire.layer}:", drawing=1)
    assert figure.state.cut == "" and figure.chance[0] == found.chance


def test_one_writer_alone_is_not_missed_and_both_are(figure, found):
    """The finding of this page's own text, in its own words."""
    assert found.redundant
    one, other = found.first
    figure.press(f"layer {one.layer}:")
    assert f"what is left, in layer {other.layer}, is enough" in figure.says
    figure.press(f"layer {other.layer}:")
    assert f"cannot read vi in layers {one.layer} and {other.layer}" in figure.says
    assert percent(found.first_cut) in figure.says and "the model would say" in figure.says
    figure.ask(cut=study.coded(found.control_edges))
    assert "one further back" in figure.says and percent(found.control) in figure.says
    figure.ask(cut=study.coded(found.control_edges | found.second_edges))
    assert figure.says.startswith("With all that is cut")


def test_the_steps_as_a_whole_and_a_single_head(figure, found):
    whole = next(e for e in figure.root.all("button") if e.text == "Cut the first step")
    figure.ask(cut=whole.attrs["value"])
    assert figure.chance[0] == found.first_cut
    pressed = {e.text: e.attrs.get("aria-pressed") for e in figure.root.all("div", "circuit-cuts")[0].all("button")}
    assert pressed == {"Cut the first step": "true", "Cut the second step": "false", "Join all again": None}
    head, _, alone = found.second[0].heads[0]
    name = f"cut head {found.second[0].layer}.{head}"
    one = next(e for e in figure.root.all("button") if e.attrs.get("aria-label") == name)
    figure.ask(cut="")
    figure.ask(cut=one.attrs["value"].split(",")[-1])
    assert figure.chance[0] == alone
    [wire] = [
        e for label, e in figure.buttons(figure.drawings[0]).items() if f"layer {found.second[0].layer}:" in label
    ]
    assert wire.attrs["aria-pressed"] == "mixed" and "part" in wire.classes


def test_the_tables_have_the_numbers_of_the_study(figure, found):
    tables = {t.all("caption")[0].text: t for t in figure.root.all("table")}
    rows = [[e.v for e in row.all("td") if e.v is not None] for row in tables["Every wire by itself"].all("tr")[1:]]
    want = []
    for some, whole in ((found.first, found.first_cut), (found.second, found.second_cut)):
        for w in some:
            want += [[w.cut], *[[share, alone] for _, share, alone in w.heads]]
        want.append([whole])
    assert rows == [*want, [found.control]]
    [patches] = [t for name, t in tables.items() if "patched" in name]
    numbers = [[e.v for e in row.all("td") if e.v is not None] for row in patches.all("tr")[1:]]
    assert numbers == [[p.cut, p.kept] for p in found.patched]


def test_lines_are_as_thick_as_what_is_read_and_go_from_one_token_to_the_other(figure, found):
    for drawing in figure.drawings:
        words = {e.text: e for e in drawing.all("text", "word")}
        x = {name: float(re.search(r"translate\(([-\d.]+)px", e.attrs["style"])[1]) for name, e in words.items()}
        pairs = []
        for label, button in figure.buttons(drawing).items():
            for path in button.all("path", "wire"):
                numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", path.attrs["d"])]
                assert numbers[0] < numbers[-2] and numbers[1] > numbers[-1], "from an earlier token, one layer up"
                if "ta reads" in label:
                    assert numbers[-2] == pytest.approx(x["ta"], abs=0.2)
                if button.v is not None:
                    pairs.append((button.v, path.number("stroke-width")))
        drawn.rises(pairs, drawing)
        assert len(pairs) == len(found.first) + len(found.second)


@pytest.mark.parametrize(
    ("cut", "words"),
    [
        ("nonsense", "is no edge"),
        ("9.0.3.1", "no such head"),
        ("1.3.9", "no such edge"),
        ("1.0.200.1", "no such edge"),
        ("1.0.2.1," * 99, "too many"),
        ("<script>", "is no edge"),
    ],
)
def test_a_hostile_link_gets_a_plain_sentence(figure, cut, words):
    assert words in figure.ask(cut=cut)["cut"]
    assert figure.state.cut == "" and "script" not in figure.widget.html


def test_a_link_may_cut_what_is_not_drawn_and_it_is_said(figure, found):
    assert figure.ask(cut="0.3.5.2") == {}
    assert "Also cut, and not drawn: 0.3.5.2" in figure.root.text and figure.says.startswith("With all that is cut")


def test_another_text_has_other_wires(figure):
    figure.ask(cut="2.10.9")
    figure.ask(prompt="A robot called Vi-do-zu. Good night, Vi-do")
    assert figure.state.cut == "" and "zu" in figure.says
    figure.ask(prompt="A robot called Vi-do-zu. Good night, Vi-do-zu", cut="2.6.5")  # a link has both
    assert figure.state.cut == "2.6.5"


@pytest.mark.parametrize("text", ["", "Beads: red, blue, red, blue, red,", "a b c d e f", "Mia has a red ball. " * 9])
def test_where_there_is_no_such_circuit_it_is_said_and_the_own_text_is_offered(figure, text):
    figure.ask(prompt=text)
    assert not figure.drawings and figure.says.startswith("No two steps to cut in this text. ")
    [own] = [e for e in figure.root.all("button") if "own text" in e.text]
    prompt, cut = own.attrs["value"].split("\x1f")
    figure.ask(prompt=prompt, cut=cut)
    assert figure.drawings


def test_which_of_several_writers_is_missed_is_told_by_numbers():
    """A text whose first step is done together by several layers: no line claims that one is enough."""
    tokens = lab.tokens_of("A robot called Vi-do-zu. Good night, Vi-do")
    found = study.circuit(tokens)
    assert not found.redundant
    for wire in found.first:
        words = "".join(str(x) for x in part.says(found, wire.edges, study.odds(tokens, found.answer, wire.edges)))
        assert ("is not enough" in words) == (wire.cut < study.BREAKS * found.chance)
    assert "0" in part.layers_of(found.first) and part.layers_of(found.first[:1]) == "layer 0"


# ---------------------------------------------------------------- the arrow of the stepper


def test_an_arrow_goes_from_who_asks_to_what_is_read_most():
    stepper = Figure("attention-stepper")
    for asked in ({}, {"query": 10, "layer": 1, "head": 2}, {"query": 0}, {"prompt": "Mia"}):
        stepper.ask(**{"query": None, "prompt": None, "layer": None, "head": None, **asked})
        s = stepper.state
        row = lab.trace(s.tokens())[f"blocks.{s.layer}.attn.pattern"][s.head, s.query]
        best = int(row.argmax())
        for drawing in stepper.root.all("svg", "reading"):
            arrows = drawing.all("g", "reads")
            [strongest] = [e for e in arrows if "best" in e.classes]
            assert (strongest.attrs["data-query"], strongest.attrs["data-key"]) == (str(s.query), str(best))
            assert strongest.v == float(row[best]) and strongest.all("text")[0].text == short(float(row[best]))
            drawn.rises([(e.v, e.all("path", "arrow")[0].number("stroke-width")) for e in arrows], drawing)
            assert all(e.v >= reading.LEAST or e is strongest for e in arrows)
            x = {e.attrs["data-arc"]: e.number("x") + e.number("width") / 2 for e in drawing.all("rect", "ask")}
            line = [float(n) for n in re.findall(r"-?\d+\.\d+", strongest.all("path", "arrow")[0].attrs["d"])]
            if best != s.query:
                assert line[0] == pytest.approx(x[str(s.query)], abs=0.2)
                assert line[-2] == pytest.approx(x[str(best)], abs=0.2)
        shares = next(t for t in stepper.root.all("table") if t.all("caption")[0].text.startswith("What "))
        assert [e.v for e in shares.all("td") if e.v is not None] == [float(x) for x in row[: s.query + 1]]


def test_a_press_of_a_word_makes_it_ask():
    stepper = Figure("attention-stepper")
    word = next(e for e in stepper.root.all("rect", "ask") if e.attrs["data-arc"] == "9")
    assert word.up("svg").attrs["data-sets"] == "query"
    stepper.ask(query=word.attrs["data-arc"])
    assert stepper.state.query == 9

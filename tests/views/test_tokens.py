"""/tokens/: what is drawn of merges, of three vocabularies, of letters and digits, and of two alphabets."""

from __future__ import annotations

import html
import json
import re

import drawn
import pytest
from asking import ask, documents

from explainer.live import alphabets
from explainer.models import lab
from explainer.models.vocabularies import NAMES
from pages.tokens.facts import alphabets as facts
from pages.tokens.facts import cutting, merging
from pages.tokens.page import PAGE
from pages.tokens.views.alphabets import TALLEST
from pages.tokens.views.cutting import CASES, SHOWN
from pages.tokens.views.parts import display

STRANGE = ["", " ", "\0\0", "مرحبا بالعالم", "Z͑͗ạ̈l", "a" * 2000, "👩\u200d👩\u200d👧", "\ud83d", "<b>&\"'", "x\u0004"]


@pytest.fixture
def made():
    return documents(PAGE)


def boxes(markup: str, kind: str) -> list[drawn.Element]:
    (row,) = drawn.Tree(markup).root.all(kind=kind)
    return row.all("span")


# ---------------------------------------------------------------- merges


@pytest.mark.parametrize("merges", [0, 1, 4, 10])
def test_the_text_is_drawn_in_its_pieces(made, merges):
    ask(made, merges=merges)
    words = merging.after(made["merges"].state.prompt, merges)
    shown = [e.text for e in boxes(made["merges"].html, "pieces") if "in-word" not in e.classes]
    assert shown == [display(p) for word in words for p in word]
    fresh = [e for e in boxes(made["merges"].html, "pieces") if "fresh" in e.classes]
    last = merging.learned(made["merges"].state.prompt)[merges - 1] if merges else None
    assert len(fresh) == (last.count if last else 0)


def test_a_guess_is_answered_and_the_counts_are_hidden_until_then(made):
    assert "×" not in made["merges"].html and "coming" not in made["merges"].html
    choices = merging.candidates(made["merges"].state.prompt, 0)
    right = next(k for k, x in enumerate(choices) if x.right)
    for k in range(len(choices)):
        ask(made, guess=choices[k].key)
        assert ("Yes: " if k == right else "No: ") in made["merges"].html
    assert f"{choices[right].count}×" in made["merges"].html and 'class="button pair right"' in made["merges"].html
    ask(made, merges=1)
    assert "×" not in made["merges"].html, "another pair, another guess"


def test_no_more_is_merged_than_there_is(made):
    ask(made, prompt="banana bandana")
    assert "There is no merge" in ask(made, merges=99).messages["merges"]
    assert made["merges"].state.merges == len(merging.learned("banana bandana"))


@pytest.mark.parametrize("text", STRANGE)
def test_strange_texts_are_drawn_or_refused_in_words(made, text):
    said = ask(made, prompt=text).messages
    for slug in ("merges", "vocabularies"):
        assert made[slug].html and len(made[slug].html) < 250_000
        drawn.check(made[slug].html)
    assert not said


def test_a_text_that_is_too_long_is_refused(made):
    before = made["merges"].html
    assert "1,000,000 characters are too many" in ask(made, prompt="ab" * 500_000).messages["prompt"]
    assert made["merges"].html == before


# ---------------------------------------------------------------- vocabularies


@pytest.mark.parametrize("text", [text for _, text in CASES])
def test_each_vocabulary_has_a_button_for_each_token_and_a_pressed_one_is_its_bytes(made, text):
    ask(made, prompt=text)
    for name in NAMES:
        cut = cutting.cut(text, name)
        at = len(cut.ids) - 1
        ask(made, vocabulary=name, token=at)
        root = drawn.Tree(made["vocabularies"].html).root
        rows = [[b.text for b in row.all("button")] for row in root.all(kind="cut-row")]
        assert rows[list(NAMES).index(name)] == list(cut.shown[:SHOWN])
        (pressed,) = [
            b for row in root.all(kind="cut-row") for b in row.all("button") if b.attrs["aria-pressed"] == "true"
        ]
        assert pressed.text == cut.shown[at]
        (table,) = root.all("table", "byte-table")
        assert [e.text for e in table.all("th") if e.attrs.get("scope") == "row"] == [
            f"{b:02X}" for b in cut.pieces[at]
        ]
        assert [e.text for e in table.all(kind="bits")] == [f"{b:08b}" for b in cut.pieces[at]]
        assert f"{cut.ids[at]:,}" in made["vocabularies"].html


def test_what_a_vocabulary_loses_is_said(made):
    ask(made, prompt="a\u0004b")
    assert made["vocabularies"].html.count("it is left out") == 1
    assert "SmolLM2 has no token for the byte 04" in made["vocabularies"].html


def test_a_character_that_is_cut_in_two_is_said_to_be(made):
    ask(made, prompt="ส", vocabulary="gpt-2", token=0)
    assert (
        "one is cut in two here" in made["vocabularies"].html and "thai character so sua" in made["vocabularies"].html
    )
    ask(made, prompt="the", token=0)
    assert "cut in two" not in made["vocabularies"].html


def test_bytes_say_what_utf8_makes_of_them():
    for character in "aé€👩":
        front, *rest = character.encode()
        size = {1: "by itself", 2: "two bytes", 3: "three bytes", 4: "four bytes"}[len(character.encode())]
        assert size in cutting.role(front)[1] and all("goes on" in cutting.role(b)[1] for b in rest)


# ---------------------------------------------------------------- letters, digits


def test_a_word_is_shown_as_its_numbers(made):
    ask(made, word="blueberry", letter="b")
    rows = [[int(b.text.replace(",", "")) for b in row.all("b")] for row in
            drawn.Tree(made["spelling"].html).root.all(kind="given-row")]  # fmt: skip
    assert rows == [list(cutting.cut(" blueberry", name).ids) for name in NAMES]
    assert "has 9 letters, and 2 times b" in made["spelling"].html


def test_a_number_is_cut_where_it_is_cut_and_only_digits_are_taken(made):
    ask(made, number="12345")
    rows = drawn.Tree(made["digits"].html).root.all("tr")[1:]
    gpt2 = [[e.text for e in row.all("td")[0].all("span")] for row in rows]
    assert ["".join(parts) for parts in gpt2] == ["1", "12", "123", "1234", "12345"]
    assert [tuple(map(len, parts)) for parts in gpt2] == [cutting.pattern("12345"[:n], "gpt-2") for n in range(1, 6)]
    assert "digits, please" in ask(made, number="12a").messages["number"] and made["digits"].state.number == "12345"


# ---------------------------------------------------------------- bytes or pieces


def test_each_byte_has_a_bar_and_areas_are_nats(made):
    ask(made, story="Mia has a cat.")
    root = drawn.Tree(made["byte-by-byte"].html).root
    priced = facts.priced("Mia has a cat.")
    above, below = root.all(kind="above"), root.all(kind="below")
    assert [e.v for e in above] == pytest.approx(priced.by_piece) and [e.v for e in below] == pytest.approx(
        priced.by_byte
    )
    widths = [float(e.style["--n"]) for e in root.all(kind="priced")]
    for bar, width in zip(above, widths, strict=True):
        assert float(bar.style["--h"]) == pytest.approx(min(bar.v / width / TALLEST, 1), rel=5e-3)
    assert html.unescape(made["byte-by-byte"].html).count("nats") > 10


def test_the_card_the_weights_and_the_figure_say_the_same(made):
    import hashlib

    tokenizer, floor = lab.tokenizer(), alphabets.floor(lab.tokenizer())
    for said in json.loads(alphabets.CARD.read_text("utf-8"))["models"]:
        data = (alphabets.WEIGHTS / f"{said['name']}.safetensors").read_bytes()
        assert hashlib.sha256(data).hexdigest() == said["sha256"], f"{said['name']}: the card is of other weights"
    kind, said = "pieces", next(m for m in alphabets.card()["models"] if m["name"] == "pieces-1")
    found = alphabets.costs(alphabets.net(kind, 1, tokenizer), "pieces", tokenizer)
    assert alphabets.per_byte(found, floor).value == pytest.approx(said["over_the_floor"][0], rel=1e-3)
    assert alphabets.per_byte(floor).value > 0 and alphabets.per_byte(found, floor).low > 0, (
        "nobody is better than true"
    )
    shown = [float(v) for v in re.findall(r'data-v="([^"]+)"', made["bytes-or-pieces"].html)][:4]
    assert shown == pytest.approx([alphabets.per_byte(floor).value, *(f.middle for f in facts.everyone())], rel=1e-4)

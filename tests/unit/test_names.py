"""Invented names: their written form, the tenth that is held out, and the tokens that they are made of."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainer.corpus import names, sample_words
from explainer.kernel.tokenizer import Tokenizer
from explainer.models import lab
from explainer.training import bpe

TOKENIZER = Tokenizer.load()
OLD_MERGES = 383  # of the 640 tokens that the first models had


def test_every_piece_is_one_token_and_no_two_are_the_same():
    tokens = [TOKENIZER.encode_word(form) for form in (*names.FIRST, *names.LATER)]
    assert all(len(ids) == 1 for ids in tokens)
    assert len({ids[0] for ids in tokens}) == 2 * len(names.PIECES) == 252


def test_the_ids_of_the_first_tokenizer_stay_and_new_ones_are_appended():
    old = Tokenizer(TOKENIZER.merges[:OLD_MERGES])
    assert old.n_vocab == 640
    assert [old.token_bytes(i) for i in range(640)] == [TOKENIZER.token_bytes(i) for i in range(640)]
    assert bpe.with_pieces(old).merges == TOKENIZER.merges


def test_there_are_a_million_names_and_more():
    """Counted, not guessed: the ways to cut two to nine letters into pieces, each with its number of choices."""
    ways = [1, 26]  # ways[n]: names of n letters, counted by their pieces
    for n in range(2, names.MOST_LETTERS + 1):
        ways.append(26 * ways[n - 1] + 100 * ways[n - 2])
    assert sum(ways[2:]) > 10**6


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("Timbolu", "Ti-m-bo-lu"),
        ("TIMBOLU", "Ti-m-bo-lu"),
        ("Tim-bo-lu", "Ti-m-bo-lu"),
        ("Zo-vi-ta", "Zo-vi-ta"),
        ("xqz", "X-q-z"),
        ("Al", "A-l"),
        ("Bo", "Bo"),
        ("Anna Lea", "A-n-na-le-a"),
        ("Zoë", "Zo-ë"),
        ("", ""),
    ],
)
def test_what_somebody_types_becomes_pieces(typed, form):
    assert names.written(typed) == form


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=12))
def test_the_longest_syllable_is_taken_and_nothing_is_lost(name):
    found = names.pieces(name)
    assert "".join(found) == name and set(found) <= set(names.PIECES)
    assert not any(a + b in names.SYLLABLES for a, b in pairwise(found) if len(a) == len(b) == 1)
    form = names.written(name)
    assert names.written(form) == form
    assert TOKENIZER.encode(" " + form) == [
        TOKENIZER.encode_word(w)[0] for w in re.findall(r" ?[A-Z][a-z]*|-[a-z]+", " " + form)
    ]


def test_what_no_promise_covers_is_named():
    assert names.foreign("Zoë-9 öl") == "ë9ö"
    assert names.foreign("Ti-m-bo lu") == ""


def test_a_name_in_a_text_is_written_in_pieces_wherever_it_stands():
    text, changed = names.in_pieces("A cat called Timbolu met Tim. Good night, Timbo", ("Mia",))
    assert text == "A cat called Ti-m-bo-lu met Tim. Good night, Ti-m-bo"
    assert changed == {"Timbolu": "Ti-m-bo-lu"}
    unchanged = (
        "a girl named Mia. Good night, Mi",
        "a cat called Zo-vi-ta. Zo-vi",
        "a girl named Mi",
        "what is called love",
        "named T",
    )
    for same in unchanged:
        assert names.in_pieces(same, ("Mia",)) == (same, {})
    assert names.in_pieces(text) == (text, {})


def test_the_model_gets_names_in_pieces():
    typed, own = "A robot called Timbolu. Good night, Timbo", "A robot called Ti-m-bo-lu. Good night, Ti-m-bo"
    assert lab.tokens_of(typed) == lab.tokens_of(own) == (0, *TOKENIZER.encode(own))
    assert lab.tokens_of("a girl named Mia") == (0, *TOKENIZER.encode("a girl named Mia"))


def test_a_tenth_of_the_names_is_held_out_however_they_are_cut():
    rng = np.random.default_rng(3)
    drawn = [name for _ in range(4000) for name in names.names_in(sample_words(rng))[:1]]
    assert len(drawn) > 800
    share = np.mean([names.held_out(name) for name in drawn])
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / len(drawn)) ** 0.5
    for name in drawn[:100]:
        assert names.held_out(name) == names.held_out("-".join(names.letters(name)))
    assert all(names.held_out(name) for name in names.unheard(50, 1))


def test_names_are_found_in_words():
    words = [" called", " Zo", "-vi", ".", " Good", " night", ",", " Zo", "-vi", " met", " T", " Ba", "-x", "-y"]
    assert names.names_in(words) == ["Zo-vi", "Zo-vi", "Ba-x-y"]


def test_the_places_to_copy_and_what_determines_them():
    frame = "called {name}. Good night, {name}."
    tokens, places = names.copied("Ba-n-a-n-a-s", frame, TOKENIZER)
    assert TOKENIZER.decode(tokens[1:]) == "called Ba-n-a-n-a-s. Good night, Ba-n-a-n-a-s."
    assert [TOKENIZER.display(p.token) for p in places] == ["-n", "-a", "-n", "-a", "-s"]
    assert all(tokens[p.at] == p.token for p in places)
    # after "n a" there may come n or s; after "Ba n", "a n" and "Ba" only one thing
    assert [p.determined for p in places] == [True, True, False, True, False]

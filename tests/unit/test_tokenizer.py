"""Our encoder against the `tokenizers` library, and the promises of byte-level BPE."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.corpus import sample_document
from explainer.kernel.tokenizer import SPLIT_PATTERN, Tokenizer, split_words

TOKENIZER = Tokenizer.load()

# Unicode text of every sort, text close to the corpus (so that merges happen), and the two mixed.
near_corpus = st.text(alphabet=" abcdeghiklmnoprstuwyZBKOTM-.,:\"'()?0123456789+=\n", max_size=60)
any_text = st.one_of(st.text(max_size=40), near_corpus, st.builds(lambda a, b: a + b, near_corpus, st.text(max_size=9)))


@pytest.fixture(scope="module")
def library():
    pytest.importorskip("tokenizers")
    from explainer.training.bpe import library_tokenizer

    return library_tokenizer(TOKENIZER)


@given(text=any_text)
@settings(max_examples=400, deadline=None)
def test_any_unicode_text_comes_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(text=any_text)
@settings(max_examples=400, deadline=None)
def test_same_tokens_as_the_library(library, text):
    assert TOKENIZER.encode(text) == library.encode(text).ids


def test_same_tokens_as_the_library_on_the_corpus(library):
    rng = np.random.default_rng(3)
    for _ in range(300):
        text = sample_document(rng)
        assert TOKENIZER.encode(text) == library.encode(text).ids


@given(text=any_text)
def test_words_cover_the_text(text):
    assert "".join(split_words(text)) == text


def test_no_text_becomes_unknown_or_ends_the_document():
    text = "<|end|> naïve 漢字 🦆 \x00"
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.end_id not in ids
    assert TOKENIZER.decode(ids) == text


def test_half_a_character_is_shown_as_replacement():
    ids = TOKENIZER.encode("é")
    assert len(ids) == 2
    assert TOKENIZER.decode(ids[:1]) == "\ufffd"


def test_display():
    shown = lambda text: [TOKENIZER.display(i) for i in TOKENIZER.encode(text)]  # noqa: E731
    assert shown(" the dog") == ["␣the", "␣dog"]
    assert shown("é\n") == ["<C3>", "<A9>", "↵"]
    assert TOKENIZER.display(TOKENIZER.end_id) == "<|end|>"
    assert len({TOKENIZER.display(i) for i in range(TOKENIZER.n_vocab)}) == TOKENIZER.n_vocab


def test_vocabulary():
    assert TOKENIZER.n_vocab == 850
    assert {TOKENIZER.token_bytes(i) for i in range(1, 257)} == {bytes([b]) for b in range(256)}


def test_most_running_words_are_one_token():
    rng = np.random.default_rng(4)
    words = [word for _ in range(500) for word in split_words(sample_document(rng))]
    assert np.mean([len(TOKENIZER.encode_word(word)) == 1 for word in words]) > 0.85


def test_saved_and_loaded(tmp_path):
    path = tmp_path / "tokenizer.json"
    TOKENIZER.save(path)
    assert Tokenizer.load(path).merges == TOKENIZER.merges


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"format": "byte-level-bpe", "split": SPLIT_PATTERN + " ", "merges": []}))
    with pytest.raises(ValueError, match="not a tokenizer file"):
        Tokenizer.load(path)

"""The tokenizer of model files against the `tokenizers` library: random texts of every sort, and what it promises."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from explainer.models.byte_level import BLANKS, SPLITS, ByteLevelTokenizer, UnsupportedModel, kind_of, split

FOLDER = Path(__file__).parents[1] / "golden" / "models"
FILES = {name: json.loads((FOLDER / name / "tokenizer.json").read_text()) for name in ("tiny-gpt2", "tiny-llama")}
OURS = {name: ByteLevelTokenizer.from_json(data) for name, data in FILES.items()}

pieces = st.sampled_from(
    [
        *("'s", "'ll", "'S", "'", "’s", " ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", "\u00a0", "\u3000", "\u2009"),
        *("a", "the", " the", "Ab", "é", "e\u0301", "ß", "ﬁ", "สวัสดี", "ไทย", "你好", "一", "〇", "नमस्ते", "क्षि", "שלום"),
        *(
            "0",
            "42",
            " 7",
            "½",
            "²",
            "Ⅷ",
            "๓",
            "१२",
            "३",
            "①",
            "𝟘",
            "_",
            "__",
            "-",
            "…",
            "!",
            " ?",
            "🦆",
            "👩‍👩‍👧",
            "🇩🇪",
            "1️⃣",
        ),
        *("\u200b", "\u200d", "\ufeff", "\x00", "\x1c", "\x1f", "\x85", "\u2028", "\U0001f9d1", "ª", "ǅ", "\ufffd"),
    ]
)
any_text = st.one_of(st.text(max_size=40), st.lists(pieces, max_size=25).map("".join))


@pytest.fixture(scope="module")
def library():
    tokenizers = pytest.importorskip("tokenizers")
    return {name: tokenizers.Tokenizer.from_file(str(FOLDER / name / "tokenizer.json")) for name in FILES}


@pytest.mark.parametrize("name", FILES)
@given(text=any_text)
@settings(max_examples=600)
@example(text="a  5")
@example(text="  \u30005 '5 'll")
def test_same_tokens_as_the_library(library, name, text):
    assert OURS[name].encode(text, control=True) == library[name].encode(text).ids
    assert OURS[name].decode(OURS[name].encode(text)) == text


@pytest.mark.parametrize("name", FILES)
def test_same_tokens_of_every_character_that_is_not_a_new_one(library, name):
    """Every character up to U+33FF and some of the others, beside a letter, a digit, blanks and a mark.

    Unicode grows: the library and this Python may differ about characters that came with its latest versions.
    """
    some = [*range(0x3400), *range(0x3400, 0xD800, 61), *range(0xE000, 0x20000, 11)]
    texts = [f"a{c}b {c}1{c} {c}{c}! {c}\n" for c in map(chr, some)]
    found = library[name].encode_batch(texts)
    differ = [hex(c) for c, text, said in zip(some, texts, found, strict=True) if OURS[name].encode(text) != said.ids]
    assert len(differ) < 20, differ


@pytest.mark.parametrize("kind", SPLITS)
@given(text=any_text)
def test_words_cover_the_text(kind, text):
    assert "".join(split(text, kind)) == text


def test_half_a_surrogate_is_a_question_mark():
    for words in OURS.values():
        assert words.encode("a\ud800b") == words.encode("a?b")


def test_blanks_are_unicodes_and_not_pythons():
    assert all(character.isspace() for character in BLANKS) and "\x1c".isspace()
    assert split("a\x1cb", "gpt-2") == ["a", "\x1c", "b"] and split(" \x1c", "gpt-2") == [" \x1c"]
    assert split("a\u3000\u3000b", "gpt-2") == ["a", "\u3000", "\u3000", "b"]


def test_digits_stand_alone_in_one_and_not_in_the_other():
    assert split("in 1969, 12", "gpt-2") == ["in", " 1969", ",", " 12"]
    assert split("in  1969, 12", "smollm") == ["in", "  ", "1", "9", "6", "9", ",", " ", "1", "2"]


def test_control_tokens_are_ordinary_characters_unless_they_are_meant():
    words = OURS["tiny-llama"]
    text = "<|im_start|>user\nHi<|im_end|>"
    assert not set(words.encode(text)) & words.control
    assert [token for token in words.encode(text, control=True) if token in words.control] == [1, 2]
    assert words.decode(words.encode(text)) == words.decode(words.encode(text, control=True)) == text
    assert words.display(1) == "<|im_start|>" and words.display(words.encode(" ")[0]) == "␣"


@pytest.mark.parametrize("text", ["x" * 30_000, " " * 30_000, "ab" * 15_000, "é🦆" * 6_000, "1" * 30_000])
def test_a_run_of_thousands_takes_no_minute(text):
    words = ByteLevelTokenizer.from_json(FILES["tiny-llama"])
    began = time.process_time()
    assert words.decode(words.encode(text)) == text
    assert time.process_time() - began < 20  # merging all pairs anew for each merge would take hours


def test_what_is_not_known_is_named():
    said = FILES["tiny-llama"]
    with pytest.raises(UnsupportedModel, match="Metaspace"):
        kind_of({"type": "Metaspace"})
    with pytest.raises(UnsupportedModel, match="Unigram"):
        ByteLevelTokenizer.from_json(said | {"model": said["model"] | {"type": "Unigram"}})
    with pytest.raises(UnsupportedModel, match="NFKC"):
        ByteLevelTokenizer.from_json(said | {"normalizer": {"type": "NFKC"}})
    with pytest.raises(UnsupportedModel, match="'llama'; read is byte-level BPE"):
        ByteLevelTokenizer.from_gguf({"tokenizer.ggml.model": "llama"})
    with pytest.raises(UnsupportedModel, match="llama-bpe"):
        ByteLevelTokenizer([], [], kind="llama-bpe")

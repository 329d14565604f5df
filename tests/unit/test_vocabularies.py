"""The vocabularies of GPT-2 and SmolLM2: as published, as another program cuts, every token back to its bytes."""

from __future__ import annotations

import functools

import page_pack
import pytest
import real
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from explainer.kernel import later
from explainer.models import gguf, vocabularies
from explainer.models.byte_level import ByteLevelTokenizer
from pages.tokens.facts import cutting

strange = st.one_of(st.text(max_size=30), st.text(st.sampled_from("a1 'sé\u0301ส👩\u200d\u0004\nא你"), max_size=30))


@functools.cache
def library(name: str) -> Tokenizer:
    """The `tokenizers` library with these names and merges."""
    ours = vocabularies.tokenizer(name)
    merges = [tuple(m.split(" ")) for m in ours._merge]
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(ours._names)}, merges))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    digits = [pre_tokenizers.Digits(individual_digits=True)] if name == "smollm2" else []
    made.pre_tokenizer = pre_tokenizers.Sequence([*digits, level])
    return made


@pytest.mark.parametrize("name", ["gpt-2", "smollm2"])
@settings(max_examples=60, deadline=None)
@given(text=strange)
@example(text="She sells 31415926 sea shells.\n\n  สวัสดี 👩\u200d👩\u200d👧 a\u0004b")
def test_a_text_is_cut_as_another_program_cuts_it(name, text):
    assert vocabularies.tokenizer(name).encode(text) == library(name).encode(text, add_special_tokens=False).ids


def test_gpt2s_tokens_have_the_numbers_that_everybody_knows():
    gpt2 = vocabularies.tokenizer("gpt-2")
    assert gpt2.n_vocab == 50_257 and gpt2.encode("Hello world") == [15496, 995]
    assert gpt2.token_bytes(50_256) == b"<|endoftext|>" and gpt2.end_id == 50_256


def test_smollm2s_is_the_one_in_its_model():
    found = real.smollm2(fetch=False)
    if not found:
        pytest.skip("the model is not here")
    with found.file.open("rb") as file:
        theirs = ByteLevelTokenizer.from_gguf(gguf.read(file).metadata)
    ours = vocabularies.tokenizer("smollm2")
    assert (ours._names, ours._merge, ours.control) == (theirs._names, theirs._merge, theirs.control)
    assert (ours.kind, ours.end_id) == (theirs.kind, theirs.end_id)


@settings(max_examples=80, deadline=None)
@given(strange, st.sampled_from(list(vocabularies.NAMES)))
def test_every_token_goes_back_to_its_bytes_and_what_is_lost_is_said(text, name):
    cut, data = cutting.cut(text, name), text.encode()
    assert all(data[at : at + len(p)] == p for at, p in zip(cut.starts, cut.pieces, strict=True))
    assert sorted([*cut.all, *cut.lost]) == sorted(data)
    assert set(cut.lost) <= set(cutting.missing(name) if cut.lost else ())
    assert "".join(c.text for c in cutting.characters(text)) == text


def test_what_lies_in_a_late_folder_is_of_a_pack_of_its_own(tmp_path):
    for name in ("pages/x/page.pyc", "explainer/late/words/a.pairs"):
        file = tmp_path / "site" / name
        file.parent.mkdir(parents=True)
        file.write_bytes(name.encode())
    (tmp_path / "stdlib").mkdir()
    for name in ("measured.pkl", "stills.json", "methods.marshal"):
        (tmp_path / name).touch()
    assert "pages/x/page.pyc" in dict(page_pack.files("x", tmp_path))
    assert not any("late" in name for name, _ in page_pack.files("x", tmp_path))
    assert page_pack.late(tmp_path) == {"words": {"explainer/late/words/a.pairs": b"explainer/late/words/a.pairs"}}
    with pytest.raises(later.NotHereYet, match=r"late group words$"):
        later.read(tmp_path / "late" / "words" / "b.pairs")

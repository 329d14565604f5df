"""Byte-pair encoding on one text: what is joined is what is counted most, and nothing of the text is lost."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.tokenizer import split_words
from pages.tokens.facts import merging

texts = st.one_of(
    st.text(st.sampled_from("abc \u0301שé👩\u200d"), max_size=60),
    st.text(max_size=40).filter(lambda t: t.isprintable()),
)


@settings(max_examples=80, deadline=None)
@given(texts)
def test_each_merge_joins_the_pair_that_can_be_joined_most_often(text):
    """Against strings: bytes as letters, a bar between two pieces, and a regular expression that counts and joins."""
    words = ["|".join(f"{b:02x}" for b in word.encode()) for word in split_words(text)]
    counts = lambda pair: sum(len(re.findall(f"(?:^|(?<=\\|)){'[|]'.join(pair)}(?=\\||$)", w)) for w in words)  # noqa: E731
    for merge in merging.learned(text)[:12]:
        pair = merge.left.hex(), merge.right.hex()
        pairs = {tuple(w.split("|")[k : k + 2]) for w in words for k in range(w.count("|"))}
        assert merge.count == counts(pair) == max(map(counts, pairs))
        words = [re.sub(f"(?:^|(?<=\\|)){'[|]'.join(pair)}(?=\\||$)", "".join(pair), w) for w in words]


@settings(max_examples=80, deadline=None)
@given(texts, st.integers(0, 20))
def test_no_byte_is_lost_and_sizes_fall_by_what_is_joined(text, merges):
    assert b"".join(p for word in merging.after(text, merges) for p in word) == text.encode()
    at = min(merges, len(merging.learned(text)))
    assert sum(map(len, merging.after(text, at))) == merging.sizes(text)[at]
    end = merging.counted(merging.after(text, len(merging.learned(text))))
    assert max(end.values(), default=0) < 2 or len(merging.learned(text)) == merging.MOST


def test_a_pair_that_overlaps_itself_counts_as_often_as_it_can_be_joined():
    a = (b"a", b"a")
    assert merging.counted([(b"a",) * 5])[a] == 2
    assert merging.joined((b"a",) * 5, a) == (b"aa", b"aa", b"a")


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(0, 8))
def test_of_the_pairs_to_guess_from_one_is_right_and_no_other_comes_as_often(text, merges):
    found = merging.candidates(text, merges)
    right = [c.count for c in found if c.right]
    assert len(right) == (1 if found else 0)
    assert all(c.count < right[0] for c in found if not c.right)

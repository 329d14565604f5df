"""The start page without a browser: the answer is a whole word, and counts agree with their nouns."""

from __future__ import annotations

from html import unescape

import pytest

from explainer.models import lab
from explainer.studies import influence
from explainer.studies.next_token import goes_on, spelled, whole_word
from explainer.ui.html import percent
from pages.home.page import PAGE

PROMPTS = (
    "The cat sat on the",
    "A robot called Vi-do-zu. Good night, Vi-do",
    "Once there was a brave girl named Lily",
    "",
)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_the_most_likely_token_is_continued_to_the_end_of_its_word(prompt):
    tokens = lab.tokens_of(prompt)
    word = whole_word(tokens)
    greedy = influence.continuation(tokens, len(word.added) + 1)
    assert word.added == greedy[:-1]
    assert all(goes_on(token) for token in word.added[1:])
    assert not (goes_on(greedy[-1]) and spelled(word.added[-1])), "the word ends here"
    assert word.begun == tokens[len(tokens) - len(word.begun) :]
    assert bool(word.begun) == goes_on(word.added[0]) if len(tokens) > 1 else not word.begun


def test_the_answer_is_a_word_and_one_piece_is_one():
    link, widget = PAGE.make("whole-model")
    link.request = {"prompt": "The cat sat on the"}
    tokens = lab.tokens_of("The cat sat on the")
    word = whole_word(tokens)
    pieces = ", then ".join(f"{n} {percent(p)}" for n, p in zip(lab.names_of(word.added), word.probs, strict=True))
    assert f'most likely: <span class="token" translate="no">{word.text}</span> ({pieces})' in unescape(widget.html)
    assert f"{len(tokens)} pieces of text" in widget.html
    link.request = {"prompt": ""}
    assert "1 piece of text" in widget.html and "1 pieces" not in widget.html

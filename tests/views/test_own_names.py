"""A name of the reader's own: into its field or into a text, written in pieces, promised nothing beyond a to z."""

from __future__ import annotations

import pytest

from explainer.models import lab
from explainer.studies import story
from pages.attention import page as attention
from pages.feedback import page as feedback
from pages.home import page as home
from pages.paths import page as paths


@pytest.mark.parametrize("page", [home.PAGE, attention.PAGE])
def test_a_name_goes_into_the_prompt_in_pieces(page):
    state = page.state()
    messages = state.update_from({"called": "Timbolu"})
    begun = "" if page is home.PAGE else " Ti-m-bo"  # there the model writes all of it
    assert state.prompt.endswith(f"called Ti-m-bo-lu. Good night,{begun}")
    assert "Ti-m-bo-lu" in messages["called"]
    assert "called" not in state.values(), "an address carries the prompt"
    assert len(state.tokens()) == len(lab.tokens_of(state.prompt))
    html = page.widgets[0](state).html
    assert 'value="Ti-m-bo-lu"' in html and 'data-bind="called"' in html
    state.update_from({"called": ""})
    assert "Ti-m-bo-lu" in state.prompt, "an empty field changes nothing"


@pytest.mark.parametrize("page", [home.PAGE, attention.PAGE])
def test_the_longest_name_fits_and_the_last_token_asks(page):
    state = page.state()
    state.update_from({"called": "xqztrpkb"})
    tokens = state.tokens()
    assert tokens == lab.tokens_of(state.prompt)
    assert lab.names_of(tokens)[-1] == ("," if page is home.PAGE else "-k")
    if page is attention.PAGE:
        assert state.query == len(tokens) - 1


def test_what_is_said_of_a_name_reaches_the_page_and_stays_until_something_else_is_asked():
    link, _ = home.PAGE.make("whole-model")
    link.request = {"called": "Timbolu"}
    assert "Ti-m-bo-lu" in link.messages["called"]
    link.request = {"first": "whole-model"}
    assert "Ti-m-bo-lu" in link.messages["called"]
    link.request = {"prompt": "Mia has"}
    assert not link.messages


def test_other_letters_and_long_names_are_named():
    state = home.PAGE.state()
    assert "“ë”" in state.update_from({"called": "Zoë"})["called"]
    assert "nothing is promised" in state.update_from({"called": "Zoë"})["called"]
    assert "9 letters at most" in state.update_from({"called": "Abcdefghijkl"})["called"]
    assert "promised" not in state.update_from({"called": "Timbolu"})["called"]


def test_a_name_of_one_piece_leaves_the_whole_of_it_to_say():
    state = home.PAGE.state()
    state.update_from({"called": "Bo"})
    assert state.prompt == "A robot called Bo. Good night,"


def test_a_name_in_a_typed_text_is_said():
    state = attention.PAGE.state()
    messages = state.update_from({"prompt": "A cat called Quimbo. Good night, Quim"})
    assert "“Quimbo” is read as Qu" not in messages["prompt"]
    assert "“Quimbo” is read as Q-u-i-m-bo" in messages["prompt"]
    assert state.prompt == "A cat called Quimbo. Good night, Quim", "the reader's text stays the reader's"
    assert lab.tokens_of(state.prompt) == lab.tokens_of("A cat called Q-u-i-m-bo. Good night, Q-u-i-m")
    assert not state.update_from({"prompt": "A cat called Zo-vi-ta. Good night, Zo"})


# ---- links of other days


def test_an_old_link_asks_about_the_same_word():
    """Without a fingerprint the places are those of the first tokenizer, which cut new names into more pieces."""
    prompt = "A cat called Tim-bo-lu met Mia. Good night, Mia and Ben"
    before = [lab.first_tokenizer().display(t) for t in lab.first_tokenizer().encode(prompt)]
    place = 1 + before.index("␣and")
    assert len(before) + 1 != len(lab.tokens_of(prompt)), "otherwise this test shows nothing"
    state = attention.PAGE.state()
    messages = state.update_from({"weights": "", "prompt": prompt, "query": str(place)})
    assert lab.names_of(state.tokens())[state.query] == "␣and"
    assert "weights" not in messages, "nothing that a model wrote is on this page"
    state = paths.PAGE.state()
    state.update_from({"weights": "", "prompt": "Ann-le met Mia. She had", "source": "7", "target": "9"})
    old = ["<|end|>", *map(lab.first_tokenizer().display, lab.first_tokenizer().encode("Ann-le met Mia. She had"))]
    new = lab.names_of(state.text())
    assert (new[state.source], new[state.target]) == (old[7], old[9])


def test_a_link_of_these_weights_is_taken_as_it_is():
    state = attention.PAGE.state()
    state.update_from({"weights": story.fingerprint(), "prompt": "A cat called Tim-bo-lu met Mia.", "query": "6"})
    assert state.query == 6


@pytest.mark.parametrize("asked", [{"seed": "3"}, {"choices": "1:5"}, {"step": "20"}, {"branches": "1:523"}])
@pytest.mark.parametrize("weights", ["", "0123456789ab"])
def test_a_story_of_an_earlier_model_is_said_to_be_one(asked, weights):
    state = feedback.PAGE.state()
    assert "made with an earlier model" in state.update_from({"weights": weights, **asked})["weights"]
    assert "weights" not in state.update_from({"weights": weights, "prompt": "Mia has"})
    assert "weights" not in state.update_from({"weights": story.fingerprint(), **asked})
    assert "weights" not in state.update_from(asked), "what a control asks for is no link"


@pytest.mark.parametrize("word", ["many", ""])
def test_a_word_for_a_number_is_no_story_of_an_earlier_model(word):
    assert "weights" not in feedback.PAGE.state().update_from({"weights": "", "step": word, "seed": word})


@pytest.mark.parametrize("page", [home, attention])
def test_of_a_name_of_one_piece_it_is_said_that_nothing_is_left_to_finish(page):
    state = page.PAGE.state()
    said = state.update_from({"called": "Bo"})["called"]
    assert ("Bo is one piece" in said) == (page is attention), "where all of it is written, there is something to see"
    assert state.prompt.count("Bo") == 1
    assert "is one piece" not in state.update_from({"called": "Bob"})["called"]


def test_places_are_translated_for_every_token_of_a_text():
    """By the letters: today's token at the new place holds the last letter of the old token."""
    prompt = "A cat called Tim-bo-lu met Zo-vi-ta at the naïve 🦆. Ka-lo-mi-ka"
    old, new = lab.first_tokenizer(), lab.tokenizer()
    before, after = old.encode(prompt), lab.tokens_of(prompt)
    bare = lambda ids, t: b"".join(t.token_bytes(i) for i in ids).replace(b"-", b"")  # noqa: E731
    for place in range(1, len(before) + 1):
        now = lab.place_now(prompt, place)
        end = len(bare(before[:place], old))
        assert len(bare(after[1:now], new)) < end <= len(bare(after[1 : now + 1], new))
    assert lab.place_now(prompt, 0) == 0
    assert lab.place_now(prompt, 999) == 999

"""/machines/: what is drawn of the machines that were trained to copy is what they compute."""

from __future__ import annotations

import re

import numpy as np
import pytest
from asking import ask, documents

from explainer.live import memory as kept_models
from explainer.live.memory import LONGEST, TRAINED
from pages import numbers_of
from pages.machines.facts import memory as facts
from pages.machines.page import PAGE
from pages.machines.views import memory as views


@pytest.fixture
def made():
    return documents(PAGE)


def told(page) -> str:
    return re.search(r'class="run-says told"[^>]*>([^<]*)<', page["copying-machines"].html)[1]


# ---------------------------------------------------------------- the facts


def test_inside_the_trained_range_both_copy_every_word():
    for length in (3, TRAINED):
        one, other = facts.from_memory(0, length, kept_models.SLOTS), facts.from_tape(0, length, "rope")
        np.testing.assert_array_equal(one.said, facts.words(0, length))
        np.testing.assert_array_equal(kept_models.as_words(other.said), facts.words(0, length))


def test_the_read_head_goes_where_the_write_head_went():
    """The discovery, as a number: what is read as word k stands in the slot into which word k was written."""
    length = 20
    one = facts.from_memory(0, length, kept_models.SLOTS)
    wrote, read = one.written[:length].argmax(axis=1), one.read[length + 1 :].argmax(axis=1)
    assert len(set(wrote.tolist())) == length, "a slot for each word"
    np.testing.assert_array_equal(read, wrote)
    assert one.read[length + 1 :].max(axis=1).min() > 0.5


def test_a_head_of_the_transformer_finds_the_word_to_be_written_next():
    digest = kept_models.digest(kept_models.tape_name("rope", facts.SHOWN))
    _, _, share = facts.finder("rope", digest)
    other = facts.from_tape(0, TRAINED, "rope")
    assert other.read.shape == (facts.steps(TRAINED), facts.steps(TRAINED))
    np.testing.assert_allclose(other.read.sum(axis=1), 1, rtol=1e-5)
    assert not np.triu(other.read, 1).any(), "nobody reads what is not written yet"
    asks = np.arange(TRAINED, 2 * TRAINED)
    assert other.read[asks, asks - TRAINED].mean() == pytest.approx(share, abs=0.15) and share > 0.5


def test_the_same_weights_run_with_more_slots_and_fewer():
    small, large = (facts.from_memory(0, 12, slots) for slots in (16, 64))
    assert small.written.shape[1] == 16 and large.written.shape[1] == 64
    np.testing.assert_array_equal(large.said, facts.words(0, 12))


def test_shorter_sequences_are_the_beginnings_of_longer_ones():
    np.testing.assert_array_equal(facts.words(3, 7), facts.words(3, LONGEST)[:7])
    assert (facts.words(3, 7) != facts.words(4, 7)).any()


# ---------------------------------------------------------------- the figure


def test_the_still_says_who_copied_how_much(made):
    length, one = 20, facts.from_memory(0, 20, kept_models.SLOTS)
    other = facts.from_tape(0, length, "rope")
    a = int(facts.right_words(one.said, 0, length).sum())
    b = int(views.tape_right(other, 0, length).sum())
    assert f"Right: {a} of {length} from the memory, {b} of {length} from the tape." in told(made)
    rows = re.findall(r"<tr><td class=\"num int\">(\d+)</td>(.*?)</tr>", made["copying-machines"].html)
    assert [int(k) for k, _ in rows] == list(range(1, 42))


def test_only_what_has_happened_is_drawn(made):
    html = made["copying-machines"].html
    assert html.count('class="point"') == 2 * 41
    ask(made, at=7)
    html = made["copying-machines"].html
    assert html.count('class="point"') == 2 * 7 and "Step 7 of 41: they are given word 7." in html
    assert "Given so far: 7 words" in html and "0 words" in html
    squares = "".join(re.findall(r'<path d="([^"]*)" class="(?:written|looked) ', html))
    assert {int(t) for t in re.findall(r"M(\d+) ", squares)} == set(range(7))
    ask(made, at=41)
    at_the_end = made["copying-machines"].html.count("M")
    ask(made, at=0)
    assert made["copying-machines"].html.count("M") == at_the_end, "0 is the whole picture"
    ask(made, at=21)
    assert "end mark" in told(made)


def test_another_length_is_shown_to_its_end_and_no_step_lies_beyond_it(made):
    ask(made, at=30)
    ask(made, length=6)
    assert "Right: 6 of 6 from the memory, 6 of 6 from the tape." in told(made)
    link = ask(made, at=50)
    assert "There is no step 50 here; showing step 13." in link.messages["at"]


def test_every_wrong_word_has_its_mark(made):
    ask(made, length=30)
    other = facts.from_tape(0, 30, "rope")
    wrong = np.flatnonzero(~views.tape_right(other, 0, 30)).tolist()
    path = re.findall(r'<path d="([^"]*)" class="wrong"', made["copying-machines"].html)[-1]
    assert [int(x) - 31 for x in re.findall(r"M(\d+) ", path)] == wrong and wrong


def test_the_curves_are_those_of_the_kept_models(made):
    html = made["copying-lengths"].html
    for kind in views.KINDS:
        name = facts.names(kind)[facts.SHOWN]
        score = facts.whole(name, 16)
        assert score.of == kept_models.SEQUENCES
        assert score.right == kept_models.tried(name, 16, kept_models.SEQUENCES).whole
    assert html.count("interval colour-") == len(views.KINDS) * len(kept_models.LENGTHS)
    assert numbers_of("machines")["copy_learned"] == facts.learned("ntm")


def test_what_the_text_says_without_a_number_holds():
    """No transformer that is shown copies a word more as well as the longest it was trained on; and in which way the
    machine goes, it has found itself: not all go the same."""
    for kind in kept_models.POSITIONS:
        name = facts.names(kind)[facts.SHOWN]
        assert facts.whole(name, TRAINED + 1).right < facts.whole(name, TRAINED).right, kind
    ways = [facts.way(seed, 20) for seed in kept_models.NTM_SEEDS]
    assert {move for move, _ in ways} == {-1, 1} and all(follows for _, follows in ways)

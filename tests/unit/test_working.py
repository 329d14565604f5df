"""Sums answer first and working first: the texts, the quick greedy text, the scores."""

from __future__ import annotations

import inspect
import math
from types import SimpleNamespace

import numpy as np
import pytest

from explainer import corpus
from explainer.kernel import checkpoint, sampling
from explainer.kernel.config import Config
from explainer.models import lab
from explainer.studies import working
from tests.tiny import random_params

CONFIG = Config(n_layers=1, n_heads=2, d_model=16, d_head=8, d_mlp=32, n_vocab=20, n_ctx=24)
MODEL = checkpoint.Model(CONFIG, random_params(CONFIG, 3), "tiny", {})


def loop_text(context, most, stop):
    return tuple(s.token for s in sampling.generate(MODEL, context, most, temperature=0, rng=0, stop=stop))


@pytest.mark.parametrize("start", [(0, 3), (0, 5, 6, 7), (1,), (2, 2)])
@pytest.mark.parametrize("stop", [0, 4, 19])
def test_greedy_is_the_loop_at_temperature_zero_whatever_the_guess(start, stop):
    expected = loop_text(start, 12, stop)
    wrong = tuple((t + 1) % 20 for t in expected)
    half = (*expected[:5], *wrong[5:])
    for guess in ((), expected, wrong, half, expected * 4):
        assert working.greedy(MODEL, start, 12, stop, guess) == expected


def test_greedy_goes_on_when_the_window_is_full():
    assert working.greedy(MODEL, tuple(range(20)), 12, 99) == loop_text(tuple(range(20)), 12, 99)


@pytest.mark.parametrize("terms", [(4, 7, 5), (9, 9, 9, 9, 9), (1, 2, 3, 4)])
@pytest.mark.parametrize("order", ["answer", "working"])
def test_the_texts_are_documents_of_the_corpus(terms, order):
    tokens = [*lab.tokens_of(working.right_text(terms, order)), lab.tokenizer().end_id]
    assert np.isfinite(corpus.log_prob(tokens, lab.tokenizer()))
    assert working.right_text(terms, order).startswith(working.opening(terms, order))


def test_a_wrong_answer_is_outside_the_corpus():
    tokens = lab.tokens_of(working.right_text((4, 7, 5), "wrong", 17))
    assert corpus.log_prob(tokens, lab.tokenizer()) == -math.inf


@pytest.mark.parametrize("text", ["4 + 7 + 5", "4+7+5", "4 7 5", "4, 7, 5 ="])
def test_sums_are_read_as_typed(text):
    assert working.parse_terms(text) == (4, 7, 5)


@pytest.mark.parametrize(
    "text", ["", "4 + 7", "1 2 3 4 5 6", "4 + 12 + 5", "0 + 1 + 2", "four", "9" * 4000, "\u0664 \u0665 \u0666"]
)
def test_other_sums_are_refused_in_words(text):
    with pytest.raises(ValueError, match=r"corpus adds .*\."):
        working.parse_terms(text)


def test_examples_are_stable_and_never_right():
    for i in range(60):
        terms, wrong = working.example(5, i)
        assert (terms, wrong) == working.example(5, i)
        assert wrong != sum(terms) and wrong >= 0 and len(terms) == 3 + i % 3


def test_wilson_interval():
    low, high = working.Score(8, 10).interval
    assert low == pytest.approx(0.4902, abs=1e-3) and high == pytest.approx(0.9433, abs=1e-3)
    assert working.Score(0, 0).interval == (0.0, 1.0) and math.isnan(working.Score(0, 0).share)
    for n in range(1, 400):  # exactly, whatever rounding would make of it
        assert working.Score(n, n).interval[1] == 1.0 and working.Score(0, n).interval[0] == 0.0
        assert 0 < working.Score(n, n).interval[0] < 1 and 0 < working.Score(0, n).interval[1] < 1


def test_an_attempt_reads_answer_and_working(monkeypatch):
    """With a stand-in for the model that writes what we say."""

    def attempt(order, wrong, continuation):
        written = (*lab.tokenizer().encode(continuation), lab.tokenizer().end_id)
        monkeypatch.setattr(working, "greedy", lambda *a, **k: written)
        monkeypatch.setattr(lab, "model", lambda name: None)
        return working._attempt.__wrapped__((4, 7, 5), order, wrong, "stand-in")

    first = attempt("answer", 0, " 15. Steps: 4 + 7 = 11, 11 + 5 = 16.")
    assert (first.answer, first.reached, first.right) == (15, 16, False)
    then = attempt("working", 0, " 4 + 7 = 11, 11 + 5 = 16. Answer: 16.")
    assert (then.answer, then.reached, then.right) == (16, 16, True)
    forced = attempt("wrong", 19, " 4 + 7 = 11, 11 + 5 = 19.")
    assert (forced.answer, forced.reached, forced.right) == (19, 19, False)
    broken = attempt("working", 0, " + + Mia")
    assert (broken.answer, broken.reached, broken.right) == (None, None, False)


def test_there_is_one_set_of_sums_and_every_way_to_ask_it_agrees(monkeypatch):
    """/how/, /feedback/ and /paths/ stated 19 %, 17 % and 10 % for one question: three sets and two criteria."""
    monkeypatch.setattr(working, "IN_ALL", 12)
    for k in (3, 4, 5):
        assert len(set(working.sums(k))) > 90 and {len(terms) for terms in working.sums(k)} == {k}
        assert working.sums(k, 4) == [working.example(working.SERIES, 3 * i + k - 3)[0] for i in range(4)]
    monkeypatch.setattr(working, "sums", lambda k, count=4: [working.example(0, 3 * i + k - 3)[0] for i in range(4)])
    rows, done = working.measure(working.IN_ALL)
    whole = lambda order: inspect.unwrap(working.score)(lab.STORYTELLER, order)  # noqa: E731
    monkeypatch.setattr(working, "score", inspect.unwrap(working.score))
    assert done == 12 and rows[-1].answer_first == whole("answer") and rows[-1].working_first == whole("working")
    right = 0
    for terms in (t for k in (3, 4, 5) for t in working.sums(k)):  # by the plain loop, the answer read by hand
        text = lab.tokenizer().encode(working.task(terms) + " Answer:")
        written = sampling.generate(lab.model(), (0, *text), 4, temperature=0, rng=0)
        said = lab.tokenizer().decode([step.token for step in written])
        right += said.split(".")[0].strip() == str(sum(terms))
    assert (right, 12) == (whole("answer").right, whole("answer").of)


def test_large_sums_are_asked_apart(monkeypatch):
    """The one set has none of them, so its 100 % says nothing of them."""
    large = working.large_sums()
    assert len(large) == len(set(large)) >= 30
    assert all(len(terms) == working.MOST and sum(terms) >= working.LARGE and max(terms) <= 9 for terms in large)
    asked = []

    def attempt(terms, order, name):
        asked.append((terms, order, name))
        return SimpleNamespace(right=sum(terms) == working.LARGE)

    monkeypatch.setattr(working, "attempt", attempt)
    score = working.score_large.__wrapped__("some model", "working")
    assert asked == [(terms, "working", "some model") for terms in large]
    assert (score.right, score.of) == (sum(sum(terms) == working.LARGE for terms in large), len(large))


def test_working_that_is_given_is_ours_and_right():
    assert working.opening((4, 7, 5), working.GIVEN) == "Add 4 + 7 + 5. Steps: 4 + 7 = 11, 11 + 5 = 16. Answer:"
    assert working.right_text((4, 7, 5), working.GIVEN) == working.right_text((4, 7, 5), "working")
    with pytest.raises(ValueError, match="scored by `measure`"):
        inspect.unwrap(working.score)(lab.STORYTELLER, "wrong", 3)


@pytest.mark.parametrize(
    ("order", "ours", "text", "leads_to"),
    [
        (working.UNFINISHED, "4 + 7 = 11, 11 + 5 =", "4 + 7 = 11, 11 + 5 = 16. Answer: 16.", 16),
        (working.SHORT, "4 + 7 = 11. Answer:", "4 + 7 = 11. Answer: 11.", 11),
        (working.FORGED, "4 + 7 = 13,", "4 + 7 = 13, 13 + 5 = 18. Answer: 18.", 18),
    ],
)
def test_working_that_we_cut_or_forge_leads_elsewhere(order, ours, text, leads_to):
    assert working.opening((4, 7, 5), order) == f"Add 4 + 7 + 5. Steps: {ours}"
    assert working.right_text((4, 7, 5), order) == f"Add 4 + 7 + 5. Steps: {text}"
    assert working.leads_to((4, 7, 5), order) == leads_to
    given, whole = (lab.tokens_of(make((4, 7, 5), order)) for make in (working.opening, working.right_text))
    assert whole[: len(given)] == given, "our text ends at a border between tokens"


def test_what_follows_from_our_working_is_counted_apart_from_what_is_right(monkeypatch):
    """A model that always goes by the working on the page: with working of ours it is right, or wrong, as we are."""

    def obeys(terms, order, wrong=0, name=""):
        return working.Attempt(order, (0,), (), "", working.leads_to(terms, order), None, sum(terms))

    monkeypatch.setattr(working, "attempt", obeys)
    score = inspect.unwrap(working.score)
    for order, right in ((working.GIVEN, 100), (working.UNFINISHED, 100), (working.SHORT, 0), (working.FORGED, 0)):
        assert score(lab.STORYTELLER, order, 3).right == right
        assert score(lab.STORYTELLER, order, 3, led=True).right == 100


def test_measuring_in_pieces_is_measuring_at_once(monkeypatch):
    asked = []

    def stand_in(terms, order, wrong, name):
        asked.append((terms, order))
        total = sum(terms)
        said = {"answer": total + (total % 2), "working": total, "wrong": wrong}[order]
        reached = wrong if order == "wrong" and total % 3 else total
        return working.Attempt(order, (0,), (), "", said, reached, total)

    monkeypatch.setattr(working, "_attempt", stand_in)
    pieces = []
    done = 0
    while done < 10:
        rows, done = working.measure(10, 3, "pieces", at_most=4)
        pieces.append(done)
    assert pieces == [4, 8, 10] and len(asked) == 30  # nothing is asked twice
    whole, n = working.measure(10, 3, "whole")
    assert n == 10 and whole == rows
    assert [r.terms for r in rows] == [3, 4, 5, 0] and [r.answer_first.of for r in rows] == [4, 3, 3, 10]
    last = rows[-1]
    sums = [working.example(3, i) for i in range(10)]
    assert last.working_first.right == 10
    assert last.answer_first.right == sum(sum(t) % 2 == 0 for t, _ in sums)
    assert last.gave_in.right == sum(sum(t) % 3 != 0 for t, _ in sums)
    assert last.after_wrong.right == 10 - last.gave_in.right
    assert last.own_wrong.of == 10 - last.answer_first.right == last.own_wrong.right

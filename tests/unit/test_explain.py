"""Every number of a trace can be explained, and the explanation makes the same number again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.cache import KVCache, step
from explainer.kernel.config import WIDE
from explainer.kernel.explain import EXPLAINERS, OPERATIONS, explain, number
from explainer.kernel.model import forward, plan
from tests.golden.make import CONFIG, SEED, TOKENS
from tests.tiny import parse, random_params

PARAMS = random_params(CONFIG, SEED)
TRACE = forward(PARAMS, TOKENS, CONFIG)
NAMES = ["Once", "there", "was", "a", "cat", "and", "a", "hat"]


def same(explanation):
    if math.isinf(explanation.value):
        return explanation.recompute() == explanation.value
    return explanation.recompute() == pytest.approx(explanation.value, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("key", list(TRACE))
def test_every_kind_of_number_is_made_again_from_its_terms(key):
    rng = np.random.default_rng(len(key))
    for _ in range(6):
        index = tuple(int(rng.integers(n)) for n in TRACE[key].shape)
        explanation = explain(TRACE, PARAMS, key, index)
        assert explanation.value == TRACE[key][index]
        assert same(explanation), (key, index, explanation)
        assert explanation.formula
        assert explanation.numbers.endswith(f"= {number(explanation.value)}")
        for term in explanation.terms:
            assert math.prod(value for _, value in term.factors) == term.value
            assert term.source == "" or term.source in TRACE or term.source in PARAMS


def test_every_term_comes_from_what_the_record_was_computed_from():
    for key in TRACE:
        record = TRACE.record(key)
        declared = {*record.inputs, *record.weights, ""}
        explanation = explain(TRACE, PARAMS, key, (0,) * TRACE[key].ndim)
        if record.function:
            assert {term.source for term in explanation.terms} <= declared, key


def test_every_function_of_the_model_has_an_explainer():
    wide = replace(CONFIG, n_vocab=WIDE + 1)  # of which only some columns are unembedded
    made_by = {record.function for record in (*plan(CONFIG).values(), *plan(wide).values()) if record.function}
    assert made_by == {function for function in EXPLAINERS if function.__module__.startswith("explainer.kernel.")}
    used = {explain(TRACE, PARAMS, key, (0,) * TRACE[key].ndim).operation for key in TRACE}
    assert used <= set(OPERATIONS)


def test_a_score_reads_like_the_page_promises():
    said = explain(TRACE, PARAMS, "blocks.1.attn.attn_scores_raw", (2, 4, 1), NAMES)
    assert said.formula == "q(4) · k(1)"
    assert said.where == "head 2, query 4 'cat', key 1 'there'"
    q, k = TRACE["blocks.1.attn.q"][4, 2], TRACE["blocks.1.attn.k"][1, 2]
    assert [term.value for term in said.terms] == pytest.approx((q * k).tolist())
    assert said.numbers.count("×") == 5  # a last one is not hidden behind its own count
    long = explain(TRACE, PARAMS, "blocks.1.attn.z", (7, 2, 1))
    assert long.numbers.count("×") == 4 and "(4 more)" in long.numbers
    scaled = explain(TRACE, PARAMS, "blocks.1.attn.attn_scores_scaled", (2, 4, 1))
    assert scaled.formula == "q(4) · k(1) / √5"
    assert scaled.numbers == f"{number(float(q @ k))} / 2.24 = {number(float(q @ k) / math.sqrt(5))}"
    masked = explain(TRACE, PARAMS, "blocks.1.attn.attn_scores", (2, 4, 6))
    assert "masked" in masked.formula
    assert masked.numbers == "−∞ = −∞"
    share = explain(TRACE, PARAMS, "blocks.1.attn.pattern", (2, 4, 1))
    top = TRACE["blocks.1.attn.attn_scores"][2, 4].max()
    assert (
        f"the largest score, {number(float(top))}, subtracted" in share.formula
    )  # else exp(9.76) would be said to be 1


def test_the_largest_terms_come_first():
    said = explain(TRACE, PARAMS, "blocks.0.attn.z", (7, 1, 2))
    weights = [abs(term.value) for term in said.largest(3)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == max(abs(term.value) for term in said.terms)
    assert len(said.terms) == 8


def test_negative_indices_count_from_the_end_and_wrong_ones_are_refused():
    assert explain(TRACE, PARAMS, "logits", (-1, 3)) == explain(TRACE, PARAMS, "logits", (7, 3))
    for index in [(8, 0), (0,), (0, 0, 0), (0, 17)]:
        with pytest.raises(IndexError, match="logits is"):
            explain(TRACE, PARAMS, "logits", index)
    with pytest.raises(KeyError):
        explain(TRACE, PARAMS, "nothing", (0,))


@pytest.mark.parametrize(
    "words",
    ["head 1.2 off", "no sqrt(d)", "no causal mask", "uniform attention", "no positions", "layers above 0 removed"],
)
def test_what_was_changed_is_said_to_be_changed(words):
    trace = forward(PARAMS, TOKENS, CONFIG, parse(words))
    notes = set()
    for key in trace:
        for index in [(0,) * trace[key].ndim, tuple(n - 1 for n in trace[key].shape)]:
            said = explain(trace, PARAMS, key, index)
            assert same(said), (key, index)
            assert bool(said.note) == bool(trace.edits(key))
            notes.add(said.note)
    assert f"changed by: {words}" in notes


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_cached_column_is_explained_too(data):
    turn = step(PARAMS, KVCache.of(forward(PARAMS, TOKENS[:-1], CONFIG)), TOKENS[-1])
    key = data.draw(st.sampled_from(list(turn.trace)))
    shape = turn.trace[key].shape
    index = tuple(data.draw(st.integers(0, n - 1)) for n in shape)
    if turn.trace.axes(key).startswith("S") and index[0] < len(TOKENS) - 1:
        with pytest.raises(IndexError, match="came from the cache"):
            explain(turn.trace, PARAMS, key, index)
    else:
        said = explain(turn.trace, PARAMS, key, index, NAMES)
        assert same(said)
        if turn.trace.axes(key).startswith("T"):
            assert "'hat'" in said.where


def test_numbers_are_written_as_a_reader_wants_them():
    assert [number(x) for x in (0.83124, -12.44, 1234.5, 0.0, 0.000123, -math.inf)] == [
        *("0.831", "−12.4", "1234", "0", "0.000123", "−∞")
    ]

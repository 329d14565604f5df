"""What is measured against the real model, and the counts that need no arrows: compared with slower, plainer ways."""

from dataclasses import astuple
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer import corpus
from explainer.kernel import checkpoint, paths
from explainer.kernel.config import Config
from explainer.kernel.model import forward
from explainer.kernel.paths import Node
from explainer.models import lab
from explainer.studies import attention_facts, forecast, influence, working
from tests.tiny import random_params

SHAPES = [(1, 1, False, 0), (5, 3, False, 0), (5, 3, True, 0), (7, 2, False, 3), (6, 2, True, 2)]
TEXT = "Once there was a brave girl named Lily. She had"
SMALL = Config(n_layers=3, n_heads=2, d_model=16, d_head=8, d_mlp=32, n_vocab=40, n_ctx=24)


@pytest.mark.parametrize(("n", "layers"), [(1, 1), (5, 3), (12, 4)])
def test_the_size_of_a_cone_is_what_the_page_says(n, layers):
    cones = influence.cones((n, layers, False, 0))
    for node in cones.graph.nodes:
        at = cones.index(*node)
        assert cones.reads[at].bit_count() - 1 == (node.position + 1) * node.level
        assert cones.influences[at].bit_count() - 1 == (n - node.position) * (layers - node.level)


@pytest.mark.parametrize(
    "shape", [(1, 1, False, 0), (5, 3, False, 0), (5, 3, True, 0), (7, 2, False, 3), (6, 2, True, 2)]
)
def test_the_cones_of_all_nodes_are_the_graphs_own(shape):
    graph, cones = influence.grid(*shape), influence.cones(shape)
    for node in graph.nodes:
        at = cones.index(*node)
        for sets, closure in ((cones.reads, graph.reads), (cones.influences, graph.influences)):
            assert {other for other in graph.nodes if sets[at] >> cones.index(*other) & 1} == closure(node)


def test_c2_reads_a1_b1_c1_and_never_a2_or_b2():
    cones = influence.cones((5, 4, False, 0))
    below = cones.reads[cones.index(2, 2)]
    knows = {(level, t) for level in range(5) for t in range(5) if below >> cones.index(level, t) & 1}
    assert {(1, 0), (1, 1), (1, 2)} <= knows
    assert not {(2, 0), (2, 1)} & knows
    assert all(t <= 2 and (level < 2 or (level, t) == (2, 2)) for level, t in knows)


@given(st.integers(1, 9), st.integers(0, 6))
@settings(max_examples=40, deadline=None)
def test_running_counts_are_the_graphs_counts_and_the_formula(n, layers):
    rows = influence.running_counts(n, layers)
    graph = paths.attention_grid(n, layers)
    counted = graph.count_from(None)
    for node in graph.nodes:
        assert rows[node.level][node.position] == counted[node]
    assert rows[-1][-1] == comb(n + layers - 1, layers) == paths.closed_form(graph, None, Node(layers, n - 1))


def test_running_counts_at_the_size_of_a_large_model_are_exact():
    assert influence.running_counts(2048, 96)[-1][-1] == comb(2048 + 95, 96)


@pytest.mark.parametrize(
    ("n", "layers", "written"), [(5, 4, 0), (9, 4, 3), (2, 3, 1), (4, 1, 3), (1, 2, 0), (12, 2, 0)]
)
def test_the_staircase_is_one_of_the_longest_paths(n, layers, written):
    graph = paths.attention_grid(n, layers, written=written)
    path = influence.staircase(graph)
    assert len(path) == len(graph.longest_path()) == paths.longest_with_feedback(layers, written)
    assert set(path) <= set(graph.edges)
    assert all(a.target == b.source for a, b in pairwise(path))


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_nothing_changes_outside_the_cone_of_a_replaced_token(seed):
    rng = np.random.default_rng(seed)
    params = random_params(SMALL, seed=int(rng.integers(1000)))
    tokens = tuple(int(t) for t in rng.integers(0, SMALL.n_vocab, rng.integers(1, 12)))
    at = int(rng.integers(len(tokens)))
    other = influence.replaced(tokens, at, (tokens[at] + 1) % SMALL.n_vocab)
    before, after = forward(params, tokens, SMALL), forward(params, other, SMALL)
    sublayers = bool(rng.integers(2))
    graph = influence.grid(len(tokens), SMALL.n_layers, sublayers)
    moved = influence.relative_change(graph, before, after)
    inside = paths.mask(graph, graph.influences(Node(0, at)))
    assert (moved[~inside] == 0).all() and (paths.measured_change(graph, before, after)[~inside] == 0).all()
    assert (moved[inside] > 0).all()
    assert (influence.prediction_change(before, after)[:at] == 0).all()


def test_relative_change_is_the_moved_share_of_the_length():
    graph = influence.grid(2, 1)
    before = {
        "blocks.0.resid_pre": np.array([[3.0, 4.0], [0.0, 2.0]]),
        "blocks.0.resid_post": np.array([[1.0, 0.0], [0.0, 1.0]]),
    }
    after = {
        "blocks.0.resid_pre": np.array([[3.0, 4.0], [0.0, 3.0]]),
        "blocks.0.resid_post": np.array([[1.0, 0.0], [2.0, 1.0]]),
    }
    assert influence.relative_change(graph, before, after).tolist() == [[0.0, 0.5], [0.0, 2.0]]


# ---------------------------------------------------------------- the real model


def test_a_cut_model_is_the_model_whose_upper_layers_write_nothing():
    tokens = lab.tokens_of(TEXT)
    whole = forward(lab.model().params, tokens, lab.model().config)
    for variant in influence.variants():
        if variant.removed:
            trace = variant.trace(tokens)
            top = f"blocks.{variant.depth - 1}.resid_post"
            assert (trace[top] == whole[top]).all()
            assert (trace[f"blocks.{trace.config.n_layers - 1}.resid_post"] == whole[top]).all()


def test_the_variants_are_the_family_then_the_deepest_cut_down():
    found = influence.variants()
    trained = [v for v in found if not v.removed]
    assert [v.depth for v in trained] == sorted(n for n, name in lab.FAMILY.items() if name in checkpoint.available())
    assert [v.depth for v in found if v.removed] == [3, 2, 1]


def test_token_losses_are_minus_the_log_of_the_share_of_what_came():
    tokens = lab.tokens_of(TEXT)
    variant = influence.variants()[-1]
    logits = variant.trace(tokens)["logits"].astype(np.float64)
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = [-np.log(shares[t, tokens[t + 1]]) for t in range(len(tokens) - 1)]
    assert np.allclose(influence.token_losses(variant, tokens), expected, atol=1e-4)


def test_every_page_measures_on_the_one_held_out_set_and_nobody_is_below_its_floor():
    """Three sets and three floors (0.381, 0.404, 0.410) stood on one site, and the model below one of them."""
    floor, whole = influence.held_out_floor(), next(v for v in influence.variants() if v.model == lab.STORYTELLER)
    found = influence.held_out(whole)
    same = (
        (floor.cross_entropy, attention_facts.floor().cross_entropy),
        (floor.cross_entropy, forecast.held_out().floor),
        (found.cross_entropy, attention_facts.loss().cross_entropy),
    )
    for one, other in same:  # the order of the sums may differ in the last digit
        assert astuple(one) == pytest.approx(astuple(other), rel=1e-12)
    assert forecast.held_out().at(1.0)[0] == pytest.approx(found.cross_entropy.value, abs=1e-5)
    for variant in influence.variants():
        loss = influence.held_out(variant)
        assert loss.rise.low > 0 and loss.cross_entropy.value > floor.cross_entropy.value
        assert all(loss.by_kind[kind].value >= floor.by_kind[kind].value for kind in floor.by_kind)


def test_the_continuation_is_the_most_likely_token_each_time():
    tokens = lab.tokens_of(TEXT)
    wrote = influence.continuation(tokens, 3)
    for i, token in enumerate(wrote):
        trace = forward(lab.model().params, (*tokens, *wrote[:i]), lab.model().config)
        assert int(trace["logits"][-1].argmax()) == token


@pytest.mark.parametrize("order", influence.ORDERS)
def test_the_answer_stands_where_its_span_says(order):
    for terms in working.sums(3, 4):
        attempt = working.attempt(terms, order)
        span = influence.answer_span(attempt)
        if attempt.answer is None:
            assert span is None
        else:
            assert int(lab.tokenizer().decode(attempt.written[slice(*span)])) == attempt.answer
            assert order == "working" or span[0] == 0


# ---------------------------------------------------------------- a word that leaves the window


def test_the_true_odds_without_a_word_are_those_of_bayes():
    """Which fruit is counted is free: whoever does not know it is left with the odds that it had."""
    tokenizer = lab.tokenizer()
    words = ["Count", " the", " eggs", ":", " one", ",", " two", ".", " There", " are", " two"]
    free = corpus.true_distribution((tokenizer.end_id, *influence._tokens_of(words[:2])), tokenizer).probs
    unknown = influence.truth_without(words, 2)
    np.testing.assert_allclose(unknown, free, atol=1e-12)
    known = corpus.true_distribution((tokenizer.end_id, *influence._tokens_of(words)), tokenizer).probs
    assert known.max() == pytest.approx(1) and unknown.sum() == pytest.approx(1)
    # and what follows tells: "eggs" once more behind it, and nothing is unknown
    np.testing.assert_allclose(influence.truth_without([*words, " eggs"], 2)[known.argmax()], 0, atol=1e-12)
    with pytest.raises(ValueError, match="never"):
        influence.truth_without([*words, " moon"], 2)

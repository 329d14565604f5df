"""Counts by dynamic programming, by formula and by writing every path out; and the drawing against the real model."""

from __future__ import annotations

import itertools
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.config import Config
from explainer.kernel.gradients import backward
from explainer.kernel.model import forward
from explainer.kernel.paths import (
    Edge,
    Graph,
    Node,
    attention_grid,
    closed_form,
    cnn_grid,
    describe,
    letter,
    longest_with_feedback,
    mask,
    measured_change,
    measured_gradient,
    path_length,
    rnn_grid,
    trace_key,
)
from tests.tiny import parse, random_params

CONFIG = Config(n_layers=2, n_heads=2, d_model=10, d_head=4, d_mlp=12, n_vocab=15, n_ctx=9)
PARAMS = random_params(CONFIG, 4)
TOKENS = [3, 1, 4, 1, 5, 9, 2]


def brute_force_paths(graph: Graph, source: Node, target: Node) -> list[tuple[Edge, ...]]:
    """Every path from source to target, written out one by one. Only for small graphs: it is what the counts count.

    An arrow that stands for several parallel ones is written out as often.
    """
    found: list[tuple[Edge, ...]] = []
    waiting: list[tuple[Node, tuple[Edge, ...]]] = [(source, ())]
    while waiting:
        node, path = waiting.pop()
        if node == target:
            found.append(path)
        for edge in graph.leaving[node]:
            waiting += [(edge.target, (*path, edge))] * edge.ways
    return found


SMALL = [
    attention_grid(4, 3),
    attention_grid(3, 2, sublayers=True),
    attention_grid(3, 2, sublayers=True, heads=2),
    attention_grid(4, 2, written=2),
    attention_grid(3, 1, sublayers=True, written=2),
    rnn_grid(4, 3),
    cnn_grid(6, 3, kernel=2),
    cnn_grid(5, 2, kernel=3),
    cnn_grid(8, 3, kernel=2, dilated=True),
    attention_grid(1, 0),
]


def name(graph):
    return f"{graph.architecture}-{graph.n}-{graph.n_layers}-{graph.sublayers}-{dict(graph.details)}"


@pytest.mark.parametrize("graph", SMALL, ids=name)
def test_counting_formula_and_writing_out_agree(graph):
    formulas = 0
    for source, target in itertools.product(graph.nodes, repeat=2):
        written_out = len(brute_force_paths(graph, source, target))
        assert graph.count_paths(source, target) == written_out, (source, target)
        formula = closed_form(graph, source, target)
        if formula is not None:
            formulas += 1
            assert formula == written_out, (source, target)
    assert formulas == (0 if graph.details.get("written") else len(graph.nodes) ** 2)


@pytest.mark.parametrize("graph", SMALL, ids=name)
def test_longest_and_shortest_are_extremes_of_all_paths(graph):
    for source, target in itertools.product(graph.nodes, repeat=2):
        lengths = [len(path) for path in brute_force_paths(graph, source, target)]
        shortest = graph.shortest_path(source, target)
        assert (shortest is None) == (not lengths)
        if shortest is not None:
            assert len(shortest) == min(lengths)
        assert (target in graph.influences(source)) == bool(lengths) == (source in graph.reads(target))
    for target in graph.nodes:
        longest = max(len(path) for source in graph.nodes for path in brute_force_paths(graph, source, target))
        path = graph.longest_path(target)
        assert len(path) == longest
        assert all(a.target == b.source for a, b in itertools.pairwise(path))
        assert not path or path[-1].target == target


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(0, 6), st.booleans(), st.none() | st.integers(1, 4), st.data())
def test_the_formula_holds_on_larger_attention_grids(n, n_layers, sublayers, heads, data):
    graph = attention_grid(n, n_layers, sublayers, heads=heads if sublayers else None)
    source = data.draw(st.sampled_from(graph.nodes))
    counts = graph.count_from(source)
    for target in data.draw(st.lists(st.sampled_from(graph.nodes), max_size=5)):
        assert closed_form(graph, source, target) == counts[target]
    top = Node(graph.levels - 1, n - 1)
    assert closed_form(graph, None, top) == graph.count_paths(None, top)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(0, 5), st.integers(2, 4), st.booleans(), st.data())
def test_the_formula_holds_on_larger_rivals(n, n_layers, kernel, dilated, data):
    for graph in (rnn_grid(n, n_layers), cnn_grid(n, n_layers, kernel, dilated)):
        source = data.draw(st.sampled_from(graph.nodes))
        for target, count in graph.count_from(source).items():
            assert closed_form(graph, source, target) == count


def test_the_number_explodes_and_the_length_does_not():
    for n in (1, 2, 5, 30):
        graph = attention_grid(n, 4)
        total = sum(graph.count_paths(None, Node(4, t)) for t in range(n))
        assert total == comb(n + 4, 5)
        assert len(graph.longest_path()) == 4
    assert comb(30 + 4, 5) == 278_256  # as claims.md has it


def test_feedback_makes_it_longer_with_every_written_token():
    for n_layers, written, sublayers in itertools.product((0, 1, 2, 4), (0, 1, 2, 5), (False, True)):
        graph = attention_grid(3 + written, n_layers, sublayers, written=written)
        assert len(graph.longest_path()) == longest_with_feedback(n_layers, written, sublayers)
    with_two = attention_grid(4, 2, written=2)
    assert describe(with_two.longest_path()).endswith("B2 → C0 → C1 → C2 → D0 → D1 → D2")
    assert [edge.kind for edge in with_two.longest_path()].count("feedback") == 2


def test_c2_reads_a1_b1_c1_but_never_a2_or_b2():
    graph = attention_grid(4, 3)
    a, b, c, d = range(4)
    assert {edge.source for edge in graph.arriving[Node(2, c)]} == {Node(1, a), Node(1, b), Node(1, c)}
    cone = graph.reads(Node(2, c))
    assert cone == {Node(level, t) for level in (0, 1) for t in (a, b, c)} | {Node(2, c)}
    assert Node(2, a) not in cone
    assert graph.influences(Node(1, b)) == {Node(1, b)} | {Node(level, t) for level in (2, 3) for t in (b, c, d)}
    assert all(edge.target.level == edge.source.level + 1 for edge in graph.edges)  # nothing moves only sideways
    # feedback lifts that bound: now C0 has read B3
    assert Node(3, b) in attention_grid(4, 3, written=2).reads(Node(1, c))


@pytest.mark.parametrize(("n_layers", "stride"), [(6, 2), (5, 2), (7, 3), (3, 5)])
def test_bundled_rows_have_the_cones_and_the_lengths_of_all_layers(n_layers, stride):
    whole, few = attention_grid(4, n_layers), attention_grid(4, n_layers, stride=stride)
    assert few.levels == 1 + -(-n_layers // stride) and few.layers_behind(few.levels - 1) == n_layers
    there = {Node(few.layers_behind(level), t): Node(level, t) for level, t in few.nodes}
    for far, node in there.items():
        assert {there[v] for v in whole.reads(far) if v in there} == few.reads(node)
        assert {there[v] for v in whole.influences(far) if v in there} == few.influences(node)
        assert few.level_at(far.level) == node.level and trace_key(few, node) == trace_key(whole, far)
    assert few.steps(few.longest_path()) == len(whole.longest_path()) == n_layers
    fed = attention_grid(4, n_layers, written=2, stride=stride)
    assert fed.steps(fed.longest_path()) == longest_with_feedback(n_layers, 2)
    assert closed_form(few, None, Node(1, 1)) is None, "a bundle's paths are more than its arrows"
    with pytest.raises(ValueError, match="bundled"):
        attention_grid(4, n_layers, sublayers=True, stride=stride)


def test_with_sublayers_only_attention_moves_sideways():
    graph = attention_grid(3, 2, sublayers=True)
    assert graph.levels == 5
    for edge in graph.edges:
        if edge.source.position != edge.target.position:
            assert edge.kind == "attention"
            assert edge.source.level % 2 == 0


@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_path_lengths_of_the_rivals_are_those_of_their_graphs(kernel):
    for distance in range(1, 30):
        n = distance + 1
        assert (
            path_length("attention", distance)
            == 1
            == len(attention_grid(n, 1).shortest_path(Node(0, 0), Node(1, distance)))
        )
        recurrent = rnn_grid(n, 1).shortest_path(Node(0, 0), Node(1, distance))  # from the embedding, like the others
        assert path_length("rnn", distance) == len(recurrent) == 1 + distance
        for architecture, dilated in (("cnn", False), ("dilated cnn", True)):
            needed = path_length(architecture, distance, kernel)
            enough = cnn_grid(n, needed, kernel, dilated)
            assert enough.shortest_path(Node(0, 0), Node(needed, distance)) is not None
            short = cnn_grid(n, needed - 1, kernel, dilated)
            assert short.shortest_path(Node(0, 0), Node(needed - 1, distance)) is None
    assert [path_length("dilated cnn", d, 2) for d in (0, 1, 2, 3, 4, 7, 8)] == [0, 1, 2, 2, 3, 3, 4]
    assert path_length("dilated cnn", 3**9 - 1, 3) == 9
    assert path_length("dilated cnn", 3**9, 3) == 10


@pytest.mark.parametrize(
    "make",
    [
        lambda: attention_grid(0, 1),
        lambda: attention_grid(3, -1),
        lambda: attention_grid(3, 1, written=3),
        lambda: attention_grid(3, 1, heads=2),
        lambda: cnn_grid(3, 1, kernel=1),
        lambda: path_length("rnn", -1),
        lambda: path_length("cnn", 1, kernel=1),
        lambda: path_length("mlp", 1),
        lambda: attention_grid(3, 1).reads(Node(2, 0)),
        lambda: trace_key(rnn_grid(3, 1), Node(0, 0)),
    ],
)
def test_impossible_graphs_are_refused(make):
    with pytest.raises(ValueError):
        make()


def test_paths_are_described_in_letters():
    assert [letter(i) for i in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]
    path = attention_grid(3, 2).shortest_path(Node(0, 0), Node(2, 2))
    assert describe(path, ["the", "cat", "sat"]).startswith("the0 → ")
    assert describe(()) == ""


# ---------------------------------------------------------------- held against the real model


def test_every_node_is_a_record():
    trace = forward(PARAMS, TOKENS, CONFIG)
    for sublayers in (False, True):
        graph = attention_grid(len(TOKENS), CONFIG.n_layers, sublayers)
        keys = {trace_key(graph, node)[0] for node in graph.nodes}
        assert len(keys) == graph.levels
        assert keys <= set(trace)
        for node in graph.nodes:
            key, row = trace_key(graph, node)
            assert trace[key][row].shape == (CONFIG.d_model,)


@pytest.mark.parametrize("sublayers", [False, True])
@pytest.mark.parametrize("position", range(len(TOKENS)))
def test_changing_a_token_changes_exactly_its_cone(position, sublayers):
    graph = attention_grid(len(TOKENS), CONFIG.n_layers, sublayers)
    changed = list(TOKENS)
    changed[position] = 11
    change = measured_change(graph, forward(PARAMS, TOKENS, CONFIG), forward(PARAMS, changed, CONFIG))
    cone = mask(graph, graph.influences(Node(0, position)))
    assert (change[~cone] == 0).all()  # exactly
    assert (change[cone] > 0).all()


def test_changing_a_node_in_the_middle_changes_exactly_its_cone():
    graph = attention_grid(len(TOKENS), CONFIG.n_layers, sublayers=True)
    for node in graph.nodes:
        key, row = trace_key(graph, node)
        change = measured_change(
            graph, forward(PARAMS, TOKENS, CONFIG), forward(PARAMS, TOKENS, CONFIG, parse(f"zero {key} at {row}"))
        )
        np.testing.assert_array_equal(change > 0, mask(graph, graph.influences(node)))


def test_the_gradient_of_a_later_loss_is_exactly_the_cone_below():
    graph = attention_grid(len(TOKENS), CONFIG.n_layers, sublayers=True)
    trace = forward(PARAMS, TOKENS, CONFIG)
    for position in range(len(TOKENS)):
        pull = measured_gradient(graph, backward(trace, PARAMS, positions=[position], targets=[0]).activations)
        np.testing.assert_array_equal(pull > 0, mask(graph, graph.reads(Node(graph.levels - 1, position))))


def test_a_trace_of_another_text_is_refused():
    with pytest.raises(ValueError, match="the grid has 3 tokens"):
        trace = forward(PARAMS, TOKENS, CONFIG)
        measured_change(attention_grid(3, 2), trace, trace)

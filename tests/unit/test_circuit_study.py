"""The two-step circuit: cuts and path patches against loops that share no code with them, and against each other."""

import itertools
import math

import numpy as np
import oracle
import pytest

from explainer.corpus import held_out
from explainer.models import lab
from explainer.studies import circuit as study

PROMPT = "A cat called Zo-vi-ta. Good night, Zo-vi"


@pytest.fixture(scope="module")
def tokens():
    return lab.tokens_of(PROMPT)


@pytest.fixture(scope="module")
def found(tokens):
    return study.circuit(tokens)


@pytest.fixture(scope="module")
def loops(tokens):
    """`loops(cut=..., put=...)` -> every intermediate, by loops over Python floats."""
    m = lab.model()
    params = {name: value.astype(float).tolist() for name, value in m.params.items()}
    sizes = {name: getattr(m.config, name) for name in ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_vocab")}
    return lambda **how: oracle.run(params, tokens, {**sizes, "eps": m.config.eps}, **how)


def chance(run, token):
    last = run["logits"][-1]
    return math.exp(last[token]) / sum(math.exp(x) for x in last)


def test_the_steps_are_where_they_should_be(tokens, found):
    names = lab.names_of(tokens)
    assert [names[i] for i in (found.other, found.before, found.found, found.last)] == ["␣Zo", "-vi", "-ta", "-vi"]
    assert found.answer == tokens[found.found] and found.chance > 0.9
    assert max(w.layer for w in found.first) < max(w.layer for w in found.second)
    assert found.first_cut < study.BREAKS * found.chance > found.second_cut
    assert found.control > study.BREAKS * found.chance


def test_cuts_and_a_path_patch_by_loops(found, loops):
    """One cut of a single head, both steps whole, and the keys alone from the run with the first step cut."""
    whole = loops()
    assert chance(whole, found.answer) == pytest.approx(found.chance, rel=1e-4)
    cut = loops(cut=found.first_edges)
    assert chance(cut, found.answer) == pytest.approx(found.first_cut, rel=1e-3)
    assert chance(loops(cut=found.second_edges), found.answer) == pytest.approx(found.second_cut, rel=1e-3)
    wire = found.second[-1]
    head, _, alone = wire.heads[0]
    one = loops(cut={(wire.layer, head, wire.query, wire.key)})
    assert chance(one, found.answer) == pytest.approx(alone, rel=1e-4)
    heads = range(lab.model().config.n_heads)
    keys = {part.part: part for part in found.patched}["k"]
    for source, base, want in ((cut, (), keys.cut), (whole, found.first_edges, keys.kept)):
        put = [
            (name, found.found, h, source[name][found.found][h])
            for w in found.second
            for name in [f"blocks.{w.layer}.attn.k"]
            for h in heads
        ]
        assert chance(loops(cut=base, put=put), found.answer) == pytest.approx(want, rel=1e-3)


def test_the_key_carries_the_note_and_the_value_does_not(found):
    """With the first step cut, the key as it was brings the answer back; value or query as they were do not."""
    q, k, v = found.patched
    assert (q.part, k.part, v.part) == ("q", "k", "v")
    assert k.kept > 0.9 * found.chance and max(q.kept, v.kept) < study.BREAKS * found.chance
    assert min(q.cut, v.cut) > 0.9 * found.chance and k.cut < min(q.cut, v.cut)


def test_a_layer_has_a_part_only_if_its_cut_takes_something_in_some_company(tokens, found):
    upper = found.second[-1].layer
    left = {
        some: study.after(tokens, study.wires(some, found.found, found.before))[found.answer]
        for n in range(upper + 1)
        for some in itertools.combinations(range(upper), n)
    }
    for layer in range(upper):
        falls = [left[s] - left[tuple(sorted((*s, layer)))] for s in left if layer not in s]
        assert (max(falls) >= study.FALL * found.chance) == (layer in {w.layer for w in found.first})
    for w in found.first:
        assert w.cut == left[(w.layer,)]
        assert w.left == left[tuple(x.layer for x in found.first if x is not w)]


def test_a_cut_changes_nothing_before_it_and_no_row_but_its_own(tokens):
    m = lab.model()
    edge = (1, 2, 6, 5)
    cut, whole = (m.forward(tokens, edits) for edits in ((study.NoEdges(frozenset([edge])),), ()))
    np.testing.assert_array_equal(cut["logits"][:6], whole["logits"][:6])
    pattern, before = (run["blocks.1.attn.pattern"] for run in (cut, whole))
    assert pattern[2, 6, 5] == 0 and pattern[2, 6].sum() == pytest.approx(1, abs=1e-5)
    pattern, before = np.array(pattern), np.array(before)
    pattern[2, 6] = before[2, 6] = 0
    np.testing.assert_array_equal(pattern, before)
    for wrong in ((1, 2, 5, 5), (1, 2, 5, 6), (9, 0, 3, 1), (1, 4, 3, 1)):
        with pytest.raises(ValueError, match="there is no edge"):
            m.forward(tokens, (study.NoEdges(frozenset([wrong])),))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "too short"),
        ("Once there was a small girl named Mia. She found a shiny", "not what comes next|not sure"),
        ("Beads: red, blue, red, blue, red,", "all the same"),
        ("a b c d e f", "not what comes next|not sure"),
    ],
)
def test_a_text_without_the_circuit_says_why(text, reason):
    with pytest.raises(study.NoCircuit, match=reason):
        study.circuit(lab.tokens_of(text))


def test_edges_are_written_and_read_back(found):
    some = found.first_edges | {(2, 3, 5, 2)}
    text = study.coded(some)
    assert text.endswith("2.3.5.2") and text.count(",") == len(found.first)  # a whole layer is one entry
    assert study.decoded(text, len(found.tokens)) == some and study.decoded("", 9) == frozenset()
    for bad, words in {
        "1.2": "is no edge",
        "1.2.3.x": "is no edge",
        "-1.2.3.4": "is no edge",
        "9.0.3.1": "no such head",
        "1.9.3.1": "no such head",
        "1.3.3": "no such edge",
        "1.99.3": "no such edge",
        "1.0.2.1," * 60: "too many",
    }.items():
        with pytest.raises(ValueError, match=words):
            study.decoded(bad, len(found.tokens))


def test_on_names_the_first_step_is_written_twice_and_found_by_its_key():
    """What the page says of many names: by intervals, and one number of it anew by a plain loop."""
    names = study.on_names()
    every = " ".join(str(i) for i in range(names.upper))
    share = {name: keeps for name, (_, keeps) in names.cuts.items()}
    assert share[every].tokens == study.N_NAMES and share[every].documents >= study.N_NAMES / study.MOST_IN_ONE
    assert share["control"].low > share[every].high and share["1"].low > share["1 2"].high < share["2"].low
    assert names.parts["k kept"].low > names.parts["v kept"].high
    assert names.parts["v cut"].low > names.parts["k cut"].high
    m, chances = lab.model(), []
    for _, ids, at, piece in study.places():
        edges = frozenset((i, h, s, s - 1) for i in (1, 2) for h in range(m.config.n_heads) for s in at)
        row = m.forward(ids, (study.NoEdges(edges),))["logits"][-1].astype(float)
        chances.append(np.exp(row[piece]) / np.exp(row).sum())
    assert names.cuts["1 2"][0].value == pytest.approx(np.mean(chances), rel=1e-6)
    assert len({tuple(ids) for _, ids, _, _ in study.places()}) == study.N_NAMES
    assert len(held_out.documents(lab.tokenizer())) == held_out.N_DOCUMENTS

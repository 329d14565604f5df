"""The attention page's numbers: against the core's own functions, and against what must hold for any weights."""

from dataclasses import replace

import numpy as np
import pytest

from explainer.corpus import held_out
from explainer.kernel.interventions import HeadOff, NoEdges, NoPositions, UniformAttention, all_heads, compare
from explainer.models import lab
from explainer.studies import attention_facts as facts

PROMPT = "In a castle lived a shy robot called Vi-do-zu. Good night, Vi-do"


@pytest.fixture
def tokens():
    return lab.tokens_of(PROMPT)


def test_a_loss_is_that_of_the_held_out_set_and_its_rise_is_over_the_model_as_trained():
    base, off = facts.loss(), facts.loss((HeadOff(1, 0),))
    assert base.rise.value == 0 and base.cross_entropy.documents == held_out.N_DOCUMENTS
    assert off.rise.value == pytest.approx(off.cross_entropy.value - base.cross_entropy.value, abs=1e-12)
    assert off.rise.high - off.rise.low < off.cross_entropy.high - off.cross_entropy.low  # the same documents: paired


def test_copying_needs_the_order_and_uniform_attention_copies_nothing():
    """A page said that without positions names are still copied (0.0003 nats); 18 tokens of 12 documents said so."""
    base = facts.loss().by_kind["copy"]
    assert base.tokens > 500 and base.documents > 40
    for edit in (NoPositions(), UniformAttention()):
        assert facts.loss((edit,)).by_kind["copy"].low > 5 * base.high


def test_one_number_of_the_page_by_a_plain_loop():
    """What a piece of a name costs without positions, over the names of the set, one place after the other."""
    m, losses = lab.model(), []
    for doc in held_out.documents(lab.tokenizer()):
        if "copy" not in doc.kinds:
            continue
        logits = m.forward(doc.tokens[:-1], (NoPositions(),))["logits"].astype(float)
        for row, kind, token in zip(logits, doc.kinds, doc.tokens[1:], strict=True):
            if kind == "copy":
                shares = np.exp(row - row.max())
                losses.append(-np.log(shares[token] / shares.sum()))
    found = facts.loss((NoPositions(),)).by_kind["copy"]
    assert (found.tokens, found.value) == (len(losses), pytest.approx(np.mean(losses), rel=1e-5))


def test_a_cut_wire_is_a_masked_score(tokens):
    m = lab.model()
    cut = m.forward(tokens, (NoEdges(all_heads(m.config, range(2), 9, 8)),))
    for layer in range(m.config.n_layers):
        weights = cut[f"blocks.{layer}.attn.pattern"]
        assert (weights[:, 9, 8] == 0).all() == (layer < 2) and np.allclose(weights.sum(axis=-1), 1, atol=1e-5)
    np.testing.assert_array_equal(cut["logits"][:9], m.forward(tokens)["logits"][:9])
    with pytest.raises(ValueError, match="a token looks back"):
        m.forward(tokens, (NoEdges(all_heads(m.config, [0], 3, 4)),))


def test_the_flattest_head_is_the_one_with_the_most_open_row(tokens):
    at, keys = facts.flattest_head(tokens)
    trace = lab.trace(tokens)
    rows = {(i, j): trace[f"blocks.{i}.attn.pattern"][j, -1].astype(float) for i in range(4) for j in range(4)}
    open_ = {k: float(np.exp(-(r[r > 0] * np.log(r[r > 0])).sum())) for k, r in rows.items()}
    assert (at, keys) == (max(open_, key=open_.get), pytest.approx(max(open_.values())))
    assert 1 < keys <= len(tokens)


def test_change_is_compare(tokens):
    m = lab.model()
    mine = facts.change(tokens, (HeadOff(0, 1),), -1)
    theirs = compare(m.params, m.config, tokens, (HeadOff(0, 1),))
    np.testing.assert_allclose(mine.after, theirs.after)
    assert mine.kl == pytest.approx(theirs.kl)


def test_how_much_moves_is_the_share_that_changes_its_token(tokens):
    """Total variation: what must be taken from some tokens and given to others. All of it moves: 1; nothing: 0."""
    changed = facts.change(tokens, (HeadOff(0, 1), HeadOff(1, 2)), -1)
    taken = sum(max(0.0, float(a - b)) for a, b in zip(changed.before, changed.after, strict=True))
    given = sum(max(0.0, float(b - a)) for a, b in zip(changed.before, changed.after, strict=True))
    assert changed.total_variation == pytest.approx(taken) == pytest.approx(given)
    assert 0 < changed.total_variation <= 1
    assert facts.change(tokens, (), -1).total_variation == 0


def test_lookup_is_exact_in_both_limits():
    scores = np.array([1.0, 3.0, 2.0, 3.0])
    assert facts.lookup_weights(scores, 0).tolist() == [0.25] * 4
    assert facts.lookup_weights(scores, facts.HARD).tolist() == [0, 0.5, 0, 0.5]
    assert facts.lookup_weights(scores, np.inf).tolist() == [0, 0.5, 0, 0.5]
    np.testing.assert_allclose(facts.lookup_weights(scores * 1000, 1), [0, 0.5, 0, 0.5])


def test_lookup_at_sharpness_one_is_the_head(tokens):
    trace = lab.trace(tokens)
    found = facts.lookup(trace, 1, 2, 9, 1.0)
    np.testing.assert_allclose(found.weights, trace["blocks.1.attn.pattern"][2, 9, :10], atol=1e-6)
    np.testing.assert_allclose(found.mix, trace["blocks.1.attn.z"][9, 2], atol=1e-5)
    assert 1 <= found.effective <= 10
    ranked = [found.scores[i] for i in found.order]
    assert ranked == sorted(ranked, reverse=True)


def test_lookup_patch_with_the_models_own_weights_changes_nothing(tokens):
    trace = lab.trace(tokens)
    own = facts.lookup(trace, 1, 2, 9, 1.0)
    same = facts.change(tokens, (facts.lookup_patch(trace, 1, 2, 9, own.weights),), 9)
    assert same.total_variation < 1e-5
    average = facts.lookup(trace, 1, 2, 9, 0.0)
    other = facts.change(tokens, (facts.lookup_patch(trace, 1, 2, 9, average.weights),), 9)
    np.testing.assert_allclose(other.trace_after["blocks.1.attn.pattern"][2, 9, :10], 0.1, atol=1e-6)
    np.testing.assert_array_equal(
        other.trace_after["blocks.1.attn.pattern"][2, 8], trace["blocks.1.attn.pattern"][2, 8]
    )


def test_routing_weights_are_the_same_bits_and_patterns_are_not(tokens):
    other = lab.tokens_of("In a castle lived a shy dragon called Mu-pa. Good night, Mu")
    found = facts.routing(tokens, other, 1, 0)
    by_name = {w.name: w for w in found.fingerprints}
    assert by_name["mlp.W_in"].same and by_name["attn.W_Q"].same
    assert not by_name["attn.pattern"].same
    assert found.a.shape[0] == len(tokens) and found.b.shape[0] == len(other)


def test_a_look_is_the_strongest_key_of_a_row():
    pattern = np.array([[1, 0, 0], [0.4, 0.6, 0], [0.7, 0.2, 0.1]])
    assert facts.look(pattern, 2) == facts.Look(query=2, key=0, weight=0.7, back=2)
    assert facts.same_token((5, 7, 5, 1), 5) == 2 and facts.same_token((5, 7), 3) is None


def test_a_small_change_of_what_is_read_is_not_rounding(tokens):
    """Rounding is a small change where everything that is read is the same; a large one is never called so."""
    found = facts.order_test(tokens, 2, 5, len(tokens) - 1, 1, 0)
    assert all(found.rounding("no positions, no mask")) and found.rounding("no positions")[0]
    assert not any(found.rounding("as trained")) and not any(found.rounding("no positions")[1:])
    tiny = {name: np.full_like(x, 1e-7) for name, x in found.changes.items()}
    same = replace(found, changes=tiny)
    assert same.rounding("no positions") == found.rounding("no positions")
    large = {name: np.full_like(x, 1e-2) for name, x in found.changes.items()}
    assert not any(replace(found, changes=large).rounding("no positions, no mask"))


def test_fingerprint_notices_one_bit_and_the_shape():
    x = np.zeros((4, 3), dtype=np.float32)
    y = x.copy()
    y[3, 2] = np.nextafter(np.float32(0), np.float32(1))
    assert fingerprints_differ(x, y) and fingerprints_differ(x, x.T) and not fingerprints_differ(x, x.copy())


def fingerprints_differ(x, y):
    return facts.fingerprint(x) != facts.fingerprint(y)


def test_order_is_invisible_without_positions_and_mask_and_leaks_with_the_mask(tokens):
    found = facts.order_test(tokens, 1, 9, len(tokens) - 1, 1, 0)
    blind = found.changes["no positions, no mask"]
    assert (blind < facts.ROUNDING).all()
    assert found.moved["no positions, no mask"] < facts.ROUNDING
    masked = found.changes["no positions"]
    assert masked[0] < facts.ROUNDING  # the first layer's keys and values do not know their place
    assert masked[1:].max() > 100 * facts.ROUNDING  # later ones do: the mask let each read a different past
    assert found.changes["as trained"][0] > 100 * facts.ROUNDING
    before, after = found.rows["no positions, no mask"]
    np.testing.assert_allclose(after[[9, 1]], before[[1, 9]], atol=1e-5)  # the weights went with the tokens


def test_order_test_needs_both_tokens_before_the_query(tokens):
    with pytest.raises(ValueError, match="before the query"):
        facts.order_test(tokens, 3, 9, 9, 0, 0)


def test_bus_sums_to_the_logit_and_to_the_lead(tokens):
    trace = lab.trace(tokens)
    riders = facts.bus(trace, 7, 300, 301)
    logits = trace["logits"][7].astype(float)
    assert sum(r.logit for r in riders) == pytest.approx(logits[300], abs=1e-3)
    assert sum(r.lead for r in riders) == pytest.approx(logits[300] - logits[301], abs=1e-3)
    assert [(r.layer, r.head) for r in riders if r.name == "head 1.2"] == [(1, 2)]
    assert [r.layer for r in riders if r.name == "mlp 3"] == [3]


def test_lens_ends_at_the_models_own_prediction(tokens):
    trace = lab.trace(tokens)
    stages = facts.lens(trace, 7, 300)
    assert [s.name for s in stages[:3]] == ["embedding", "attention 0", "mlp 0"]
    row = trace["logits"][7].astype(float)
    np.testing.assert_allclose(stages[-1].probs, np.exp(row - row.max()) / np.exp(row - row.max()).sum(), atol=1e-5)
    assert stages[-1].rank == 1 + (row > row[300]).sum()


def test_head_worth_is_the_rise_of_the_loss():
    worth = facts.head_worth()
    assert worth.shape == (lab.model().config.n_layers, lab.model().config.n_heads)
    rise = facts.loss((HeadOff(1, 2),)).cross_entropy.value - facts.loss().cross_entropy.value
    assert worth[1, 2] == pytest.approx(rise, abs=1e-12)

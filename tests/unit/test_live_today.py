"""The parts of then and of today on small models: gradients as torch's and as finite differences, and what is exact."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.live import nets
from explainer.live.adamw import Plan
from explainer.live.nets import ALL, cross_entropy
from explainer.live.tasks import Induction
from explainer.live.today import Block, BlockTrainer, LayerNorm, Net, RMSNorm
from tests.golden.today_torch import CASES, FILE, SMALL, examples, perturbed


@pytest.fixture(params=CASES)
def case(request):
    """(its name, a model of that shape, tokens, targets, the places that are asked for)"""
    shape, reads = CASES[request.param]
    return request.param, perturbed(Net(shape, 0, np.float64)), *examples(shape, reads), reads


def test_gradients_are_those_of_finite_differences(case):
    """Every number of every parameter, moved a little both ways."""
    _, net, tokens, targets, reads = case
    net.backward(cross_entropy(net.forward(tokens, reads), targets)[1])
    step = 1e-6
    for name, weight in net.weights.of.items():
        slope = np.empty_like(weight)
        for at in np.ndindex(weight.shape):
            kept = weight[at]
            ends = []
            for moved in (kept + step, kept - step):
                weight[at] = moved
                ends.append(cross_entropy(net.forward(tokens, reads), targets)[0])
            weight[at] = kept
            slope[at] = (ends[0] - ends[1]) / (2 * step)
        np.testing.assert_allclose(net.weights.grad_of[name], slope, atol=2e-8, err_msg=name)
        assert np.abs(slope).max() > 1e-4 or name.endswith("W_pos"), f"{name} has no part in the loss"


def test_loss_and_gradients_are_torchs(case):
    """The golden file is torch's word (tests/golden/today_torch.py)."""
    name, net, tokens, targets, reads = case
    loss, dlogits = cross_entropy(net.forward(tokens, reads), targets)
    net.backward(dlogits)
    with np.load(FILE) as golden:
        assert loss == pytest.approx(float(golden[f"{name}/loss"]), abs=1e-12)
        assert {f"{name}/{part}" for part in net.weights.of} < set(golden)
        for part, grad in net.weights.grad_of.items():
            np.testing.assert_allclose(grad, golden[f"{name}/{part}"], atol=1e-12, err_msg=part)


def test_token_by_token_is_all_at_once_and_remembers_what_is_said(case):
    _, net, tokens, _, reads = case
    at_once = net.forward(tokens, ALL).copy()
    writer = net.writer()
    one_by_one = np.stack([writer.push(column) for column in tokens.T], axis=1)
    np.testing.assert_allclose(one_by_one, at_once, atol=1e-12)
    np.testing.assert_allclose(net.forward(tokens, reads), at_once[:, reads], atol=1e-12)
    held = sum(a[0, :, 0].nbytes for state in writer._states for a in state.values())
    assert held == net.shape.cache_bytes(8), "bytes of one token of one text"


def test_no_answer_depends_on_what_comes_later(case):
    _, net, tokens, _, _ = case
    before = net.forward(tokens, ALL).copy()
    changed = tokens.copy()
    changed[:, 5] = (changed[:, 5] + 1) % net.shape.vocab
    after = net.forward(changed, ALL)
    assert np.array_equal(before[:, :5], after[:, :5]) and not np.allclose(before[:, 5:], after[:, 5:])


def test_a_swiglu_has_as_many_numbers_as_the_gelu_that_it_replaces():
    sizes = {}
    for think in ("gelu", "swiglu"):
        net = Net(Block(**SMALL, think=think), 0)
        sizes[think] = sum(w.size for n, w in net.weights.of.items() if f".{think}." in n)
    assert sizes["gelu"] == sizes["swiglu"] > 0


def test_with_a_key_for_each_head_it_is_the_attention_of_nets():
    ours, theirs = (made(0) for made in (lambda s: Net(Block(**SMALL), s), lambda s: nets.Net(nets.Shape(**SMALL), s)))
    mixers = [net.layers[0].mixer for net in (ours, theirs)]
    for name in ("W_Q", "W_KV", "W_O"):
        mixers[0].w(name)[...] = mixers[1].w(name)
    y = np.random.default_rng(0).normal(size=(2, 8, 12)).astype(np.float32)
    np.testing.assert_allclose(*(m.forward(y) for m in mixers), atol=1e-6)


def test_layer_norm_is_rms_norm_of_what_is_left_without_the_mean():
    shape, rng = Block(**SMALL), np.random.default_rng(0)
    parts = []
    for kind in (LayerNorm, RMSNorm):
        weights = nets.Weights(np.float64)
        parts.append(kind("n", shape, weights, nets.Memory(np.float64)))
        weights.fill(rng)
        weights.of["n.w"][...] = 1
    x = rng.normal(1, 2, (2, 3, 12))
    without = x - x.mean(-1, keepdims=True)
    np.testing.assert_allclose(parts[0].forward(x), parts[1].forward(without), atol=1e-12)
    assert not np.allclose(parts[0].forward(x), parts[1].forward(x), atol=0.1)


def test_with_rope_the_scores_stay_when_the_text_is_moved():
    """The same tokens behind others: within them, nothing of the first layer's scores changes; with a table it does."""
    rng = np.random.default_rng(2)
    for positions, stays in (("rope", True), ("learned", False)):
        net = Net(Block(**{**SMALL, "length": 40}, positions=positions), 0, np.float64)
        tokens = rng.integers(0, 7, (1, 40))
        scores = []
        for text in (tokens[:, 30:], tokens):
            net.forward(text)
            mixer = net.layers[0].mixer
            scores.append((mixer.q @ mixer.k.transpose(0, 1, 3, 2))[..., -10:, -10:])
        assert np.allclose(*scores, atol=1e-12) == stays


def test_the_same_seed_trains_the_same_model():
    def trained(seed):
        task = Induction(symbols=7, length=8, shortest=2, longest=4)
        shape = Block(7, 7, 8, 12, 6, 1, 9, norm="rms", think="swiglu", kv_heads=2, positions="rope")
        return BlockTrainer(task, shape, Plan(40, 32, 1e-2, warm=5), seed, every=20, games=5).finish()

    one, same, other = trained(3), trained(3), trained(4)
    assert np.array_equal(one.weights.value, same.weights.value) and one.history[-1].loss < one.history[1].loss
    assert not np.array_equal(one.weights.value, other.weights.value)


@pytest.mark.parametrize("wrong", [{"kv_heads": 4}, {"think": "swiglu", "hidden": 10}, {"width": 13}])
def test_blocks_that_make_no_model_are_refused(wrong):
    with pytest.raises(ValueError):
        Block(**{**SMALL, **wrong})

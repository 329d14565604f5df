"""The small models that are trained in the page: their gradients are those of torch and of finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.live.nets import ALL, Net, Shape, cross_entropy
from tests.golden.live_torch import CASES, FILE, examples, perturbed


@pytest.fixture(params=CASES)
def case(request):
    """(its name, a model of that shape, tokens, targets, the places that are asked for)"""
    shape, reads = CASES[request.param]
    return request.param, perturbed(Net(shape, 0, np.float64)), *examples(shape, reads), reads


def loss_of(net: Net, tokens, targets, reads) -> float:
    return cross_entropy(net.forward(tokens, reads), targets)[0]


def test_gradients_are_those_of_finite_differences(case):
    """Every number of every parameter, moved a little both ways."""
    _, net, tokens, targets, reads = case
    _, dlogits = cross_entropy(net.forward(tokens, reads), targets)
    net.backward(dlogits)
    step = 1e-6
    for name, weight in net.weights.of.items():
        grad = net.weights.grad_of[name]
        slope = np.empty_like(grad)
        for at in np.ndindex(weight.shape):
            kept = weight[at]
            weight[at] = kept + step
            above = loss_of(net, tokens, targets, reads)
            weight[at] = kept - step
            slope[at] = (above - loss_of(net, tokens, targets, reads)) / (2 * step)
            weight[at] = kept
        np.testing.assert_allclose(grad, slope, atol=2e-8, err_msg=name)
        assert np.abs(slope).max() > 1e-4 or name.endswith("W_pos"), f"{name} has no part in the loss"


def test_loss_and_gradients_are_torchs(case):
    """The golden file is torch's word (tests/golden/live_torch.py)."""
    name, net, tokens, targets, reads = case
    loss, dlogits = cross_entropy(net.forward(tokens, reads), targets)
    net.backward(dlogits)
    with np.load(FILE) as golden:
        assert loss == pytest.approx(float(golden[f"{name}/loss"]), abs=1e-12)
        for part, grad in net.weights.grad_of.items():
            np.testing.assert_allclose(grad, golden[f"{name}/{part}"], atol=1e-12, err_msg=part)


def test_float32_is_near_float64(case):
    name, net, tokens, targets, reads = case
    small = Net(net.shape, 0)
    small.weights.value[...] = net.weights.value
    _, dlogits = cross_entropy(small.forward(tokens, reads), targets)
    small.backward(dlogits)
    assert {a.dtype for a in (dlogits, small.weights.grad, small.weights.value)} == {np.dtype("float32")}
    with np.load(FILE) as golden:
        for part, grad in small.weights.grad_of.items():
            np.testing.assert_allclose(grad, golden[f"{name}/{part}"], atol=1e-5, err_msg=part)


def test_token_by_token_is_all_at_once(case):
    _, net, tokens, _, reads = case
    at_once = net.forward(tokens, ALL).copy()
    writer = net.writer()
    one_by_one = np.stack([writer.push(column) for column in tokens.T], axis=1)
    np.testing.assert_allclose(one_by_one, at_once, atol=1e-12)
    writer = net.writer()
    for column in tokens.T[:-1]:
        writer.read(column)
    np.testing.assert_allclose(writer.push(tokens[:, -1]), at_once[:, -1], atol=1e-12)
    np.testing.assert_allclose(net.forward(tokens, reads), at_once[:, reads], atol=1e-12)


def test_no_answer_depends_on_what_comes_later(case):
    _, net, tokens, _, _ = case
    before = net.forward(tokens, ALL).copy()
    changed = tokens.copy()
    changed[:, 5] = (changed[:, 5] + 1) % net.shape.vocab
    after = net.forward(changed, ALL)
    assert np.array_equal(before[:, :5], after[:, :5])
    assert not np.allclose(before[:, 5:], after[:, 5:])


def test_the_same_seed_gives_the_same_model_and_another_another():
    shape = CASES["learned"][0]
    one, same, other = Net(shape, 3), Net(shape, 3), Net(shape, 4)
    assert np.array_equal(one.weights.value, same.weights.value)
    assert not np.array_equal(one.weights.value, other.weights.value)


def test_the_surprise_of_even_odds_is_the_logarithm_of_their_number():
    loss, gradient = cross_entropy(np.zeros((2, 3, 5)), np.array([[0, 1, -1], [4, -1, 2]]))
    assert loss == pytest.approx(np.log(5))
    assert gradient[0, 0].tolist() == pytest.approx([-0.2, 0.05, 0.05, 0.05, 0.05])
    assert not gradient[0, 2].any() and not gradient[1, 1].any()


@pytest.mark.parametrize(
    "wrong",
    [{"width": 10, "heads": 4}, {"width": 12, "heads": 4, "positions": "rope"}, {"mixer": "gru", "positions": "rope"}],
)
def test_shapes_that_make_no_model_are_refused(wrong):
    with pytest.raises(ValueError):
        Shape(vocab=3, classes=3, length=4, **wrong)

"""The loop without words: its gradient by finite differences, its passes against the model that writes."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.live.latent import Latent
from explainer.live.nets import Net, Shape, cross_entropy

SHAPE = Shape(vocab=7, classes=5, length=12, width=8, heads=2, layers=1, hidden=12)


@pytest.fixture
def made():
    """(a model whose biases are not zero, tokens [B, n + 1], targets [B, n])"""
    net, rng = Latent(SHAPE, 0, np.float64), np.random.default_rng(1)
    net.weights.value += 0.1 * rng.standard_normal(net.size)
    targets = rng.integers(0, 5, (3, 5))
    targets[:, 0] = -1
    return net, rng.integers(0, 7, (3, 6)), targets


def test_gradients_are_those_of_finite_differences(made):
    net, tokens, targets = made
    _, dlogits = cross_entropy(net.forward(tokens), targets)
    net.backward(dlogits)
    step = 1e-6
    for name, weight in net.weights.of.items():
        slope = np.empty_like(weight)
        for at in np.ndindex(weight.shape):
            kept = weight[at]
            weight[at] = kept + step
            above = cross_entropy(net.forward(tokens), targets)[0]
            weight[at] = kept - step
            slope[at] = (above - cross_entropy(net.forward(tokens), targets)[0]) / (2 * step)
            weight[at] = kept
        np.testing.assert_allclose(net.weights.grad_of[name], slope, atol=2e-8, err_msg=name)
        assert np.abs(slope).max() > 1e-4 or name.endswith("W_pos"), f"{name} has no part in the loss"


def test_given_the_embedding_of_a_token_for_a_thought_it_is_the_model_that_writes(made):
    """With the vector of a token in each thought's place, the same weights say what the writer says of that token."""
    net, tokens, _ = made
    writes = Net(SHAPE, 0, np.float64)
    writes.weights.value[...] = net.weights.value
    notes = np.random.default_rng(2).integers(0, 7, (3, 5))
    vectors = {t: net.weights.of["embed.W_E"][notes[:, t]] for t in range(4)}
    said = net.forward(tokens, forged=vectors)
    text = np.stack([np.column_stack([tokens[:, :1], notes[:, :-1]]), tokens[:, 1:]], axis=2).reshape(3, -1)
    wrote = writes.forward(text, slice(1, None, 2))
    np.testing.assert_allclose(said[:, -1], wrote[:, -1], atol=1e-12)


def test_no_answer_depends_on_a_later_move(made):
    net, tokens, _ = made
    before = net.forward(tokens)
    tokens[:, 4] = (tokens[:, 4] + 1) % 7
    after = net.forward(tokens)
    assert np.array_equal(before[:, :3], after[:, :3]) and not np.allclose(before[:, 3:], after[:, 3:])


def test_a_shape_that_has_no_such_loop_is_refused():
    with pytest.raises(ValueError, match="one layer"):
        Latent(Shape(**{**SHAPE.__dict__, "layers": 2}), 0)
    with pytest.raises(ValueError, match="every move"):
        Latent(SHAPE, 0).forward(np.zeros((1, 3), int), slice(2, None))

"""Regression in context: the hand-made layer is gradient descent, and the gradients of the learned one are right."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.nets import ALL
from explainer.live.regression import (
    PromptAttention,
    Prompts,
    PromptTrainer,
    by_hand,
    deep,
    half_squared,
    tokens_of,
)


def descended(x, y, asked, eta, steps):
    """Gradient descent written with loops, knowing nothing of attention: the answer at `asked` after so many steps."""
    w = [0.0] * len(asked)
    for _ in range(steps):
        slope = [0.0] * len(w)
        for inputs, right in zip(x, y, strict=True):
            missed = sum(a * b for a, b in zip(w, inputs, strict=True)) - right
            slope = [s + missed * v / len(x) for s, v in zip(slope, inputs, strict=True)]
        w = [a - eta * s for a, s in zip(w, slope, strict=True)]
    return sum(a * b for a, b in zip(w, asked, strict=True))


@pytest.mark.parametrize("seed", range(5))
def test_k_layers_made_by_hand_are_k_steps_of_gradient_descent(seed):
    rng = np.random.default_rng(seed)
    inputs, examples, eta = int(rng.integers(1, 12)), int(rng.integers(1, 25)), float(rng.uniform(0.05, 1.5))
    x, y = rng.normal(size=(3, examples + 1, inputs)), rng.normal(size=(3, examples))
    for layers in (1, 2, 7):
        answers = -deep(by_hand(inputs, eta), tokens_of(x, y), layers)[-1][:, -1, -1]
        for b in range(3):
            right = descended(x[b, :-1].tolist(), y[b].tolist(), x[b, -1].tolist(), eta, layers)
            assert abs(answers[b] - right) <= 1e-12 * max(1, abs(right)), (seed, layers)
    tokens = tokens_of(x, y)
    one = by_hand(inputs, eta)
    np.testing.assert_allclose(-deep(one, tokens, 1)[-1][:, -1, -1], one.answers(tokens), atol=1e-14)


def test_between_layers_the_place_of_y_holds_what_is_still_missing():
    x, y, _ = Prompts(3, 8).draw(np.random.default_rng(0), 4)
    tokens = deep(by_hand(3, 0.7), tokens_of(x, y), 2)[1]
    w = 0.7 * np.einsum("bn,bnd->bd", y, x[:, :-1]) / 8
    np.testing.assert_allclose(tokens[:, :-1, -1], y - (x[:, :-1] @ w[..., None])[..., 0], atol=1e-14)
    np.testing.assert_array_equal(tokens[..., :-1], x)


@pytest.mark.parametrize("heads", [1, 2])
@pytest.mark.parametrize("mixer", ["linear", "softmax"])
@pytest.mark.parametrize("reads", [slice(-1, None), ALL])
def test_gradients_are_those_of_finite_differences(mixer, heads, reads):
    """Every number of every parameter, moved a little both ways."""
    rng = np.random.default_rng(1)
    net = PromptAttention(3, 0, mixer=mixer, heads=heads, dtype=np.float64)
    net.weights.value[...] = rng.normal(size=net.size)
    x, y, _ = Prompts(3, 5).draw(rng, 4)
    tokens = tokens_of(x, y)
    wanted = rng.normal(size=net.forward(tokens, reads).shape)

    def loss():
        return 0.5 * float(((net.forward(tokens, reads) - wanted) ** 2).sum())

    net.backward(net.forward(tokens, reads) - wanted)
    grad, value, h = net.weights.grad.copy(), net.weights.value, 1e-6
    for k in range(net.size):
        kept = value[k]
        value[k] = kept + h
        above = loss()
        value[k] = kept - h
        slope = (above - loss()) / (2 * h)
        value[k] = kept
        assert grad[k] == pytest.approx(slope, rel=1e-6, abs=1e-6), k
    for name, part in net.weights.grad_of.items():
        assert np.abs(part).max() > 1e-3, f"{name} has no part in the loss"


def test_nobody_reads_the_question():
    net = PromptAttention(2, 3, dtype=np.float64)
    x, y, _ = Prompts(2, 4).draw(np.random.default_rng(2), 1)
    tokens = tokens_of(x, y)
    other = tokens.copy()
    other[:, -1] = 9.0
    np.testing.assert_array_equal(net.forward(tokens, ALL)[:, :-1], net.forward(other, ALL)[:, :-1])
    assert net.forward(tokens)[0, 0] != net.forward(other)[0, 0]


def test_the_matrix_is_what_it_says():
    """On prompts where only products of y and x can matter, the matrix alone gives the layer's answers."""
    net = PromptAttention(4, 5, dtype=np.float64)
    for name in ("W_K", "W_Q"):
        net.weights.of[name][0, -1] = 0
    net.weights.of["w_V"][0, :-1] = 0
    x, y, _ = Prompts(4, 6).draw(np.random.default_rng(3), 5)
    said = np.einsum("bn,bnd,de,be->b", y, x[:, :-1], net.matrix(), x[:, -1]) / 6
    np.testing.assert_allclose(net.answers(tokens_of(x, y)), said, atol=1e-14)
    np.testing.assert_allclose(by_hand(4, 1.3).matrix(), 1.3 * np.eye(4))
    assert PromptAttention(10).size == 253


def test_it_learns_and_goes_the_same_way_again_when_it_is_wound_back():
    task = Prompts(3, 6)
    x, y, right = task.draw(tasks.stream(0, tasks.TEST), 500)
    run = PromptTrainer(task, PromptAttention(3, 0), Plan(80, 64, 0.02, warm=10), 0, (tokens_of(x, y), right)).finish()
    end = run.weights.value.tobytes()
    assert [m.step for m in run.history] == [0, 20, 40, 60, 80]
    assert run.history[-1].test < 0.6 * run.history[0].test and run.history[0].test == pytest.approx(
        half_squared(right), rel=0.1
    )
    run.rewind(40)
    assert run.steps == 40 and run.finish().weights.value.tobytes() == end


def test_noise_is_in_the_examples_and_not_in_the_right_answer():
    x, y, right = Prompts(2, 50, noise=0.5).draw(np.random.default_rng(4), 200)
    w = np.linalg.lstsq(x[0, :-1], y[0], rcond=None)[0]
    assert 0.3 < (y[0] - x[0, :-1] @ w).std() < 0.7
    clean = Prompts(2, 50).draw(np.random.default_rng(4), 200)
    np.testing.assert_array_equal(right, clean[2])

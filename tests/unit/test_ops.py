"""The five functions that everything is computed with, at the edges where they could break."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from explainer.kernel.ops import cross_entropy, entropy, gelu, gelu_slope, kl_divergence, log_softmax, softmax

rows = arrays(np.float64, st.integers(1, 12), elements=st.floats(-1e6, 1e6))


@given(rows)
def test_softmax_is_a_distribution_and_log_softmax_its_logarithm(x):
    shares = softmax(x)
    assert shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(np.exp(log_softmax(x)), shares, atol=1e-12)
    np.testing.assert_allclose(softmax(x + 123.0), shares, atol=1e-9)  # only differences matter


def test_softmax_neither_overflows_nor_forgets():
    np.testing.assert_array_equal(softmax(np.array([1e30, 0.0, -np.inf])), [1, 0, 0])
    assert log_softmax(np.array([0.0, -1000.0]))[1] == -1000  # softmax itself is 0 there
    assert softmax(np.float32([1, 2])).dtype == np.float32


@given(st.floats(-20, 20))
def test_gelu_and_its_slope(x):
    at = np.array(x)
    exact = x * 0.5 * (1 + math.erf(x / math.sqrt(2)))  # of which it is an approximation
    assert gelu(at) == pytest.approx(exact, abs=1e-3)
    h = 1e-6
    assert gelu_slope(at) == pytest.approx((gelu(at + h) - gelu(at - h)) / (2 * h), abs=1e-7)


def test_gelu_keeps_float32():
    assert gelu(np.float32([1])).dtype == gelu_slope(np.float32([1])).dtype == np.float32


def test_cross_entropy_is_the_surprise():
    logits = np.log(np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]))
    np.testing.assert_allclose(cross_entropy(logits, [0, 1]), [-math.log(0.7), -math.log(0.1)])
    assert cross_entropy(np.zeros((1, 5)), [2])[0] == pytest.approx(math.log(5))
    assert np.isfinite(cross_entropy(np.array([[0.0, -1e5]]), [1])).all()


def test_entropy_of_certainty_of_chance_and_of_impossible_outcomes():
    assert entropy(np.array([0.0, 1.0, 0.0])) == 0
    assert math.copysign(1, entropy(np.array([1.0]))) == 1  # not -0.0
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(math.log(8))
    assert entropy(np.array([0.5, 0.5, 0.0])) == pytest.approx(math.log(2))


def test_divergence():
    p, q = np.array([0.5, 0.5, 0.0]), np.array([0.25, 0.5, 0.25])
    assert kl_divergence(p, p) == 0
    assert kl_divergence(p, q) == pytest.approx(0.5 * math.log(2))
    assert kl_divergence(q, p) == math.inf

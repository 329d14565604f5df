"""The functions that the whole project computes with, each written once: softmax, gelu, and what losses are made of.

They work on any leading axes ([..., N]) and keep the dtype that they are given. Logarithms are natural: nats, not bits.
"""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray

GELU_SLOPE = math.sqrt(2 / math.pi)  # a Python float: a numpy one would turn float32 into float64
GELU_CUBIC = 0.044715


def softmax(x: Array) -> Array:
    """Turn scores into shares: positive, summing to 1 over the last axis, larger score, larger share.

    x:       [..., N]; -inf means 'not allowed' and gets a share of exactly 0; each row needs one finite score
    returns: [..., N]
    Subtracting the row's maximum changes nothing (it cancels) and keeps exp from overflowing.
    """
    grown = np.exp(x - x.max(axis=-1, keepdims=True))  # [..., N], the largest is exp(0) = 1
    return grown / grown.sum(axis=-1, keepdims=True)


def log_softmax(x: Array) -> Array:
    """The natural logarithm of softmax(x), without losing small shares to rounding.

    x: [..., N]; returns: [..., N], never above 0
    """
    below = x - x.max(axis=-1, keepdims=True)  # [..., N], never above 0
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def gelu(x: Array) -> Array:
    """A smooth switch: near 0 for negative x, near x for positive x.

    x: any shape, dimensionless; returns: the same shape
    Source: Hendrycks & Gimpel 2016, the tanh approximation (as in GPT-2)
    """
    return 0.5 * x * (1 + np.tanh(GELU_SLOPE * (x + GELU_CUBIC * x * x * x)))


def gelu_slope(x: Array) -> Array:
    """The derivative of `gelu` at x; same shape as x."""
    bent = np.tanh(GELU_SLOPE * (x + GELU_CUBIC * x * x * x))
    return 0.5 * (1 + bent) + 0.5 * x * (1 - bent * bent) * GELU_SLOPE * (1 + 3 * GELU_CUBIC * x * x)


def cross_entropy(logits: Array, targets: Array) -> Array:
    """How surprised the model is by what really came next, in nats: -ln of the share it gave it.

    logits:  [..., V]
    targets: [...], the token that came
    returns: [...]; 0 means certain and right, ln(V) means no idea
    """
    log_shares = log_softmax(logits)  # [..., V]
    return -np.take_along_axis(log_shares, np.asarray(targets)[..., None], axis=-1)[..., 0]


def entropy(probs: Array) -> Array:
    """How open a distribution is, in nats: 0 if one outcome is certain, ln(N) if all are equally likely.

    probs: [..., N], summing to 1; returns: [...]
    An impossible outcome (probability 0) contributes nothing.
    """
    surprise = np.log(np.where(probs > 0, probs, 1))
    return np.abs((probs * surprise).sum(axis=-1))  # abs: -0.0 reads badly


def kl_divergence(p: Array, q: Array) -> Array:
    """How many nats are lost by expecting q where p is true; 0 only if they are the same.

    p, q: [..., N], each summing to 1; returns: [...]; inf where q excludes something that p allows
    """
    with np.errstate(divide="ignore"):
        log_ratio = np.log(np.where(p > 0, p, 1)) - np.where(p > 0, np.log(np.where(p > 0, q, 1)), 0)
    return (p * log_ratio).sum(axis=-1)

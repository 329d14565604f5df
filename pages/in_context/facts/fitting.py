"""The other side of the comparison: gradient descent, least squares and ridge regression, which know of no attention.

Everywhere: x [..., N, D] inputs, y [..., N] answers, w [..., D] the weights of a line (or plane) y = w . x. The error
is half the mean squared error of the N examples, so its gradient is the mean of (w . x - y) x.
"""

from __future__ import annotations

import numpy as np

Array = np.ndarray


def descent(x: Array, y: Array, eta: float, steps: int) -> list[Array]:
    """Gradient descent from w = 0 with step size eta: w before, between and after the steps, steps + 1 of [..., D]."""
    found = [np.zeros(x.shape[:-2] + x.shape[-1:])]
    for _ in range(steps):
        w = found[-1]
        missed = (x @ w[..., None])[..., 0] - y  # [..., N]
        gradient = np.einsum("...n,...nd->...d", missed, x) / x.shape[-2]
        found.append(w - eta * gradient)
    return found


def largest_curvature(x: Array) -> Array:
    """The largest eigenvalue of the mean of x x^T: how sharply the error bends, where it bends most. returns: [...]"""
    return np.linalg.eigvalsh(x.swapaxes(-1, -2) @ x / x.shape[-2])[..., -1]


def largest_step(x: Array) -> Array:
    """The step size beyond which gradient descent diverges: 2 / the largest curvature.

    With a smaller one (above 0) it converges, whatever y is: each step multiplies the error's part along an eigenvector
    by 1 - eta * eigenvalue, whose size is below 1 for all of them then, and only then.
    """
    return 2 / largest_curvature(x)


def least_squares(x: Array, y: Array) -> Array:
    """The w of the least error; of several, the shortest. returns: [..., D]"""
    return (np.linalg.pinv(x) @ y[..., None])[..., 0]


def ridge(x: Array, y: Array, strength: float) -> Array:
    """Least squares that keeps w short: the sum of squared errors plus `strength` times the square of w's length.

    With y = w . x + noise, w normal with variance 1 and noise normal with variance `strength`, no other answer has a
    smaller mean squared error (it is the mean of all w, weighed by how well they fit). returns: [..., D]
    """
    square = x.swapaxes(-1, -2) @ x + strength * np.eye(x.shape[-1])
    return np.linalg.solve(square, x.swapaxes(-1, -2) @ y[..., None])[..., 0]


def best_single_step(inputs: int, examples: int) -> tuple[float, float, float]:
    """The best step size of ONE step from zero, and what it costs; exact, no sample.

    For x uniform between -1 and 1 (variance 1/3, fourth moment 1/5), w normal with variance 1, no noise, and with
    C = the mean of x x^T over the examples: the step answers eta w . C x', the right answer is w . x', and

        E[right answer * step] = D / 9            E[step^2] = E[trace C^2] / 3
        E[trace C^2] = (D / 5 + D (D - 1) / 9) / N + (1 - 1 / N) D / 9

    inputs, examples: D and N; returns: eta, half the mean squared error with it, and that of answering 0
    """
    D, N = inputs, examples
    trace = (D / 5 + D * (D - 1) / 9) / N + (1 - 1 / N) * D / 9
    nothing = D / 6
    eta = (D / 9) / (trace / 3)
    return eta, nothing - 0.5 * (D / 9) ** 2 / (trace / 3), nothing

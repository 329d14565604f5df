"""AdamW: the step that a gradient becomes. Each weight moves by its gradient's running mean over its running size.

Source: Kingma & Ba 2015; decay apart from the gradient: Loshchilov & Hutter 2019
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class Plan:
    """How long to train and in what steps.

    steps:  how many in all; batch: how many examples each sees
    rate:   the learning rate at its highest; it grows evenly for `warm` steps, then falls with the square root of what
            is left to do (cool), or stays
    decay:  the share of each weight, times the rate, that is taken off at each step (weight decay)
    betas:  how much of the running means of gradient and squared gradient is kept at each step
    """

    steps: int
    batch: int
    rate: float
    warm: int = 40
    cool: bool = True
    decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.98)

    def rate_at(self, step: int) -> float:
        """The learning rate of step 1, 2, ..., `steps`, and of whatever comes after."""
        left = max(0.0, 1 - (step - 1) / (self.steps + 1)) if self.cool else 1.0
        return self.rate * min(1.0, step / max(self.warm, 1)) * math.sqrt(left)


class AdamW:
    """The optimiser's two running means, and the step it makes of a gradient.

    mean, square: [N], of the gradients and of their squares
    """

    def __init__(self, size: int, dtype: np.dtype, plan: Plan):
        self.plan = plan
        self.mean, self.square, self._room = (np.zeros(size, dtype) for _ in range(3))

    def step(self, value: Array, grad: Array, number: int) -> None:
        """Move the weights. value: [N], changed in place; grad: [N], lost; number: 1 for the first step

        mean   <- b1 mean + (1 - b1) grad              square <- b2 square + (1 - b2) grad^2
        value  <- (1 - rate decay) value - rate (mean / (1 - b1^t)) / (sqrt(square / (1 - b2^t)) + 1e-8)
        """
        one, two = self.plan.betas
        as_type = value.dtype.type
        rate = self.plan.rate_at(number)
        room = np.multiply(grad, grad, out=self._room)
        room -= self.square
        room *= as_type(1 - two)
        self.square += room
        grad -= self.mean
        grad *= as_type(1 - one)
        self.mean += grad
        np.sqrt(self.square, out=room)
        room *= as_type(1 / math.sqrt(1 - two**number))
        room += as_type(1e-8)
        np.divide(self.mean, room, out=room)
        room *= as_type(rate / (1 - one**number))
        if self.plan.decay:
            value *= as_type(1 - rate * self.plan.decay)
        value -= room

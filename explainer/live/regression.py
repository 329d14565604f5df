"""Regression in context: prompts of numbers, one layer of attention that reads them, and how it is trained.

A prompt is N examples of one hidden linear rule, and a question. Each is a token of E = D + 1 numbers: D inputs x, then
the answer y, which is left 0 in the question's token. A layer reads the examples and adds what it has read to the place
of y, nowhere else; the answer is what stands there after it, with the sign turned round. No weight changes on the way:
whatever is learned from the examples of a prompt is learned within the forward pass.

Axes, beside those of explainer.live: `N` examples of a prompt, `D` inputs of each, `E` numbers of a token.

Source: Garg et al. 2022 (the task); von Oswald et al. 2023 (the layer, and its sign)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.nets import ALL, Weights, flat, softmax
from explainer.live.trainer import Loop, Measured

Array = np.ndarray
QUESTION = slice(-1, None)  # the last token
SPREAD = 0.2  # standard deviation of the weights at first


@dataclass(frozen=True)
class Prompts:
    """Linear regression in context: y = w . x + noise, with a w that is drawn anew for each prompt.

    inputs, examples: D and N; noise: the standard deviation of what is added to each y (never to the right answer)
    x is uniform between -1 and 1 in each of its D numbers, then multiplied by `scale` and moved by `shift`; w is normal
    with variance 1 in each.
    """

    inputs: int = 10
    examples: int = 10
    noise: float = 0.0
    scale: float = 1.0
    shift: float = 0.0

    def draw(self, rng: np.random.Generator, size: int) -> tuple[Array, Array, Array]:
        """x [B, N + 1, D], of which the last is the question's; y of the examples [B, N]; the right answers [B]"""
        x = self.scale * rng.uniform(-1, 1, (size, self.examples + 1, self.inputs)) + self.shift
        w = rng.standard_normal((size, self.inputs, 1))
        y = (x @ w)[..., 0]
        if self.noise:
            y[:, :-1] += self.noise * rng.standard_normal((size, self.examples))
        return x, y[:, :-1], y[:, -1]

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        """Prompts to learn from: tokens [B, N + 1, E], right answers [B]."""
        x, y, right = self.draw(tasks.stream(seed, tasks.TRAINING, number), size)
        return tokens_of(x, y), right


def tokens_of(x: Array, y: Array) -> Array:
    """Inputs and answers side by side, with a 0 for the answer that is asked for.

    x: [..., N + 1, D]; y: [..., N]; returns [..., N + 1, E]
    """
    return np.concatenate([x, np.concatenate([y, np.zeros_like(y[..., :1])], axis=-1)[..., None]], axis=-1)


class PromptAttention:
    """One layer of attention over a prompt, without a residual stream to speak of: it writes into the place of y alone.

    Every token that asks has a query, every example a key and a value of one number:

        y_place += sum over heads and examples of  weight(query . key)  value

    The weight is the dot product itself, divided by N ("linear", no softmax), or its share of a softmax. The examples
    are read, the question by nobody. Weights: W_Q and W_K [H, E, E] and w_V [H, E], the one row of W_V that writes y:
    with one head and E = 11 that is 253 numbers.

    inputs: D; mixer: "linear" or "softmax"
    """

    def __init__(
        self,
        inputs: int,
        seed: int = 0,
        *,
        mixer: Literal["linear", "softmax"] = "linear",
        heads: int = 1,
        dtype: Any = np.float32,
    ):
        self.linear, self.E = mixer == "linear", inputs + 1
        self.weights = Weights(dtype)
        for name, shape in (("W_Q", (self.E, self.E)), ("W_K", (self.E, self.E)), ("w_V", (self.E,))):
            self.weights.ask(name, heads, *shape, spread=SPREAD)
        self.weights.fill(np.random.default_rng([seed, 0]))

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return self.weights.value.size

    def forward(self, tokens: Array, reads: slice = QUESTION) -> Array:
        """What is added to the place of y of the tokens that ask.

        tokens: [B, N + 1, E]; reads: which R of the N + 1; returns [B, R]
        """
        W_Q, W_K, w_V = (self.weights.of[name] for name in ("W_Q", "W_K", "w_V"))
        self.examples, self.asking = tokens[:, :-1], tokens[:, reads]
        self.q = np.einsum("bre,hef->hbrf", self.asking, W_Q)
        self.sought = self.q @ W_K.transpose(0, 2, 1)[:, None]  # [H, B, R, E]: what an example has to be like
        scores = self.sought @ self.examples.transpose(0, 2, 1)  # [H, B, R, N], query . key
        self.pattern = scores / scores.shape[-1] if self.linear else softmax(scores / math.sqrt(self.E))
        self.values = np.einsum("bne,he->hbn", self.examples, w_V)
        return (self.pattern @ self.values[..., None])[..., 0].sum(axis=0)

    def backward(self, dwritten: Array) -> None:
        """Fill `weights.grad` for the last `forward`. dwritten: [B, R], the gradient of the loss by what was written"""
        grad_of, W_K = self.weights.grad_of, self.weights.of["W_K"]
        dpattern = dwritten[None, :, :, None] * self.values[:, :, None]  # [H, B, R, N]
        dvalues = np.einsum("br,hbrn->hbn", dwritten, self.pattern)
        grad_of["w_V"][...] = np.einsum("hbn,bne->he", dvalues, self.examples)
        if self.linear:
            dscores = dpattern / dpattern.shape[-1]
        else:
            dscores = self.pattern * (dpattern - (dpattern * self.pattern).sum(axis=-1, keepdims=True))
            dscores /= math.sqrt(self.E)
        dsought = dscores @ self.examples  # [H, B, R, E]
        dq = dsought @ W_K[:, None]
        for h in range(len(W_K)):
            grad_of["W_K"][h] = flat(dsought[h]).T @ flat(self.q[h])
            grad_of["W_Q"][h] = flat(self.asking).T @ flat(dq[h])

    def answers(self, tokens: Array) -> Array:
        """What the layer answers to the question of each prompt. tokens: [B, N + 1, E]; returns [B]"""
        return -self.forward(tokens)[:, 0]

    def matrix(self) -> Array:
        """M in what a layer without softmax answers, as far as it goes by products of y and x: the mean of y x . M x'.

        One step of gradient descent with step size eta from zero has M = eta times the identity.
        returns: [D, D]
        """
        W_Q, W_K, w_V = (self.weights.of[name].astype(np.float64) for name in ("W_Q", "W_K", "w_V"))
        return -np.einsum("h,hef->ef", w_V[:, -1], W_K @ W_Q.transpose(0, 2, 1))[:-1, :-1]


def by_hand(inputs: int, eta: float) -> PromptAttention:
    """The layer whose weights make it one step of gradient descent on the examples of its prompt, with step size eta.

    Keys are the inputs x, queries are eta x, and the value is -y: so a token's place of y gains

        -eta / N  sum over examples of  y_i (x_i . x)

    and that is what one step on half the mean squared error of the examples takes away from the error at x. Where the
    place of y holds what is still missing, it holds what is missing after the step: k such layers are k steps.

    Source: von Oswald et al. 2023, proposition 1
    """
    net = PromptAttention(inputs, dtype=np.float64)
    x_only = np.diag([1.0] * inputs + [0.0])
    net.weights.of["W_Q"][0] = eta * x_only
    net.weights.of["W_K"][0] = x_only
    net.weights.of["w_V"][0] = [0.0] * inputs + [-1.0]
    return net


def deep(net: PromptAttention, tokens: Array, layers: int) -> list[Array]:
    """A stack of that many layers with the same weights: the tokens before, between and after them.

    tokens: [B, N + 1, E]; returns layers + 1 arrays of that shape; the answer is the last number of the last token,
    with the sign turned round
    """
    found = [tokens]
    for _ in range(layers):
        after = found[-1].copy()
        after[..., -1] += net.forward(after, ALL)
        found.append(after)
    return found


class PromptTrainer(Loop):
    """One layer that learns to answer the questions of prompts: the loss is half the mean squared error.

    tests: tokens [B, N + 1, E] and right answers [B], which it is measured on
    """

    def __init__(
        self,
        task: Prompts,
        net: PromptAttention,
        plan: Plan,
        seed: int,
        tests: tuple[Array, Array],
        *,
        every: int = 20,
    ):
        self.task, self.net, self.tests = task, net, tests
        super().__init__(net.weights, plan, seed, every)

    def step(self) -> float:
        """One step of training. Returns the loss on its batch."""
        tokens, right = self.task.batch(self.seed, self.steps, self.plan.batch)
        missed = self.net.answers(tokens.astype(self.weights.dtype)) - right.astype(self.weights.dtype)
        self.loss = half_squared(missed)
        self.net.backward(
            -missed[:, None] / self.weights.dtype.type(len(missed))
        )  # the answer is minus what is written
        self.steps += 1
        self.optimiser.step(self.weights.value, self.weights.grad, self.steps)
        return self.loss

    def measure(self) -> Measured:
        """Ask the layer the questions that it was never trained on, and keep the state that answered."""
        tokens, right = self.tests
        missed = self.net.answers(tokens.astype(self.weights.dtype)) - right
        return self.keep(Measured(self.steps, self.loss, np.zeros(0), half_squared(missed)))


def half_squared(missed: Array) -> float:
    """Half the mean of the squares: the loss of answers that missed by so much."""
    return 0.5 * float(np.mean(np.square(missed, dtype=np.float64)))

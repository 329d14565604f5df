"""How would the loss move if this number were a little larger? Answered for every number at once.

Reverse-mode differentiation: walk the trace backwards; each function hands the gradient of its output on to
what it was given. One rule per function of model.py, in the same order, then the walk. The trace already
knows which function made each record and what it was given, so nothing about the architecture is repeated
here.

It stops at the tokens. A token was chosen (by a draw, an argmax or a writer): a choice has no slope, so there
is no gradient through it, and asking for one is an error.

Source: Rumelhart, Hinton & Williams 1986; Baydin et al. 2018 for a survey
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from explainer.kernel import model
from explainer.kernel.ops import cross_entropy, gelu, gelu_slope, softmax
from explainer.kernel.trace import Record, Trace, lock

Array = np.ndarray

Later = Callable[[], Array]
"""The gradient of a weight: made when it is asked for, because it is as large as the weight."""

Shares = tuple[Array | Later | None, ...]
Rule = Callable[..., Shares]


class NoGradientThroughSample(ValueError):
    """There is no gradient with respect to a token: it was chosen, and a choice has no slope."""


WHY = (
    "There is no gradient with respect to a token. A token is one of a list: it was picked, by a draw or by "
    "taking the largest, and moving a logit a little changes the pick not at all, or all at once. So the loss "
    "has no slope through a sampled token; in pre-training all tokens are data, not variables."
)


# ---------------------------------------------------------------- one rule per function of model.py
# rule(grad, out, *inputs, *weights, **constants) -> the gradient of each input, then (to be called) of each weight


def embed_tokens_rule(grad: Array, out: Array, tokens: Array, W_E: Array) -> Shares:
    """Each row of the table collects the gradients from where its token stands. The token gets none."""

    def collected() -> Array:
        table = np.zeros_like(W_E)
        np.add.at(table, tokens, grad)
        return table

    return None, collected


def add_rule(grad: Array, out: Array, stream: Array, update: Array) -> Shares:
    """A sum hands its gradient on unchanged to both: the residual stream is a motorway for gradients."""
    return grad, grad


def carry_rule(grad: Array, out: Array, stream: Array) -> Shares:
    """Unchanged."""
    return (grad,)


def row_mean_rule(grad: Array, out: Array, x: Array) -> Shares:
    """Each of the D numbers has a share of 1/D in the mean. [T] -> [T, D]"""
    return (np.broadcast_to(grad[:, None] / x.shape[-1], x.shape),)


def row_scale_rule(grad: Array, out: Array, x: Array, mean: Array, eps: float) -> Shares:
    """scale = sqrt(mean of centred^2 + eps), so d scale / d x = centred / (D scale)."""
    slope = (x - mean[:, None]) / (x.shape[-1] * out[:, None]) * grad[:, None]  # [T, D]
    return slope, -slope.sum(axis=-1)


def normalize_rule(grad: Array, out: Array, x: Array, mean: Array, scale: Array, w: Array, b: Array) -> Shares:
    """out = (x - mean) / scale * w + b, with mean and scale as inputs of their own."""
    unit = (x - mean[:, None]) / scale[:, None]  # [T, D]
    to_x = grad * w / scale[:, None]  # [T, D]
    to_scale = -(to_x * unit).sum(axis=-1)  # [T]
    return to_x, -to_x.sum(axis=-1), to_scale, lambda: (grad * unit).sum(axis=0), lambda: grad.sum(axis=0)


def project_heads_rule(grad: Array, out: Array, x: Array, W: Array, b: Array) -> Shares:
    """out[t, h] = x[t] @ W[h] + b[h]"""
    per_head = grad.transpose(1, 0, 2)  # [H, T, K]
    to_x = (per_head @ W.transpose(0, 2, 1)).sum(axis=0)  # [H, T, K] @ [H, K, D], summed over heads
    return to_x, lambda: x.T @ per_head, lambda: grad.sum(axis=0)  # W: [D, T] @ [H, T, K] -> [H, D, K]


def dot_products_rule(grad: Array, out: Array, q: Array, k: Array) -> Shares:
    """A query moves along the keys that it is compared with, a key along the queries."""
    to_q = grad @ k.transpose(1, 0, 2)  # [H, T, S] @ [H, S, K] -> [H, T, K]
    to_k = grad.transpose(0, 2, 1) @ q.transpose(1, 0, 2)  # [H, S, T] @ [H, T, K] -> [H, S, K]
    return to_q.transpose(1, 0, 2), to_k.transpose(1, 0, 2)


def scale_scores_rule(grad: Array, out: Array, scores: Array, d_head: int) -> Shares:
    """Divided by the same constant."""
    return (grad / math.sqrt(d_head),)


def causal_mask_rule(grad: Array, out: Array, scores: Array) -> Shares:
    """What was masked has no influence. (Read off the output: an intervention may have lifted the mask.)"""
    return (np.where(np.isfinite(out), grad, 0),)


def attention_pattern_rule(grad: Array, out: Array, scores: Array) -> Shares:
    """Shares compete: a score gains by what its own share earns more than the average share of its row."""
    average = (grad * out).sum(axis=-1, keepdims=True)  # [H, T, 1]
    return (out * (grad - average),)


def weighted_sum_rule(grad: Array, out: Array, pattern: Array, v: Array) -> Shares:
    """Gradients flow back to earlier tokens in the proportions in which those were read."""
    per_head = grad.transpose(1, 0, 2)  # [H, T, K]
    to_pattern = per_head @ v.transpose(1, 2, 0)  # [H, T, K] @ [H, K, S] -> [H, T, S]
    to_v = pattern.transpose(0, 2, 1) @ per_head  # [H, S, T] @ [H, T, K] -> [H, S, K]
    return to_pattern, to_v.transpose(1, 0, 2)


def head_outputs_rule(grad: Array, out: Array, z: Array, W_O: Array) -> Shares:
    """out[t, h] = z[t, h] @ W_O[h]"""
    per_head = grad.transpose(1, 0, 2)  # [H, T, D]
    to_z = per_head @ W_O.transpose(0, 2, 1)  # [H, T, D] @ [H, D, K] -> [H, T, K]
    return to_z.transpose(1, 0, 2), lambda: z.transpose(1, 2, 0) @ per_head  # W_O: [H, K, T] @ [H, T, D]


def sum_heads_rule(grad: Array, out: Array, result: Array, b_O: Array) -> Shares:
    """Every head is handed the same gradient."""
    return np.broadcast_to(grad[:, None, :], result.shape), lambda: grad.sum(axis=0)


def linear_rule(grad: Array, out: Array, x: Array, W: Array, b: Array) -> Shares:
    """out = x @ W + b"""
    return grad @ W.T, lambda: x.T @ grad, lambda: grad.sum(axis=0)


def take_rows_rule(grad: Array, out: Array, x: Array, asked: Array) -> Shares:
    """A column that was not asked gets nothing."""
    to_x = np.zeros_like(x)
    np.add.at(to_x, asked, grad)
    return to_x, None


def gelu_rule(grad: Array, out: Array, pre: Array) -> Shares:
    """Each hidden unit by its own slope."""
    return (grad * gelu_slope(pre),)


RULES: dict[Callable[..., Array] | None, Rule] = {  # the files of explainer/architectures add theirs
    model.embed_tokens: embed_tokens_rule,
    model.embed_positions: embed_tokens_rule,  # a table looked up by place instead of by token
    model.add: add_rule,
    model.carry: carry_rule,
    model.row_mean: row_mean_rule,
    model.row_scale: row_scale_rule,
    model.normalize: normalize_rule,
    model.project_heads: project_heads_rule,
    model.dot_products: dot_products_rule,
    model.scale_scores: scale_scores_rule,
    model.causal_mask: causal_mask_rule,
    model.attention_pattern: attention_pattern_rule,
    model.weighted_sum: weighted_sum_rule,
    model.head_outputs: head_outputs_rule,
    model.sum_heads: sum_heads_rule,
    model.linear: linear_rule,
    model.take_rows: take_rows_rule,
    gelu: gelu_rule,
}


MANY = 5_000_000
"""Weights: above this, `backward` makes no gradients of them unless it is told to."""


# ---------------------------------------------------------------- the loss


def asked(
    trace: Trace, positions: Sequence[int] | None = None, targets: Sequence[int] | None = None
) -> tuple[Array, Array]:
    """At which positions the model is asked, and which tokens are right: by default every next token.

    positions: from 0 to T - 1; targets: one token per position
    returns:   both as integer arrays of the same length
    Raises ValueError if they do not fit together, or if nothing is asked.
    """
    n = len(trace.tokens)
    if positions is None:
        if targets is not None:
            raise ValueError("say at which positions these targets are right")
        positions = range(n - 1)
    places = np.asarray(list(positions), dtype=np.int64)
    if places.size == 0:
        raise ValueError("a loss needs at least one position that has a next token")
    if places.min() < 0 or places.max() >= n:
        raise ValueError(f"positions go from 0 to {n - 1}")
    if targets is None:
        if places.max() >= n - 1:
            raise ValueError(f"the text does not say what comes after position {n - 1}: give the target")
        return places, np.asarray(trace.tokens)[places + 1]
    right = np.asarray(list(targets), dtype=np.int64)
    if right.shape != places.shape:
        raise ValueError(f"{places.size} positions but {right.size} targets")
    if right.min() < 0 or right.max() >= trace.config.n_vocab:
        raise ValueError(f"a target is not one of the {trace.config.n_vocab} tokens")
    return places, right


def next_token_loss(
    trace: Trace, positions: Sequence[int] | None = None, targets: Sequence[int] | None = None
) -> float:
    """The mean cross-entropy, in nats per token, of the given targets at the given positions.

    By default: of every next token of the text. This is what training makes small.
    """
    places, right = asked(trace, positions, targets)
    return float(cross_entropy(trace["logits"][logit_rows(trace, places)], right).mean())


def logit_rows(trace: Trace, places: Array) -> Array:
    """Which rows of the trace's logits belong to these positions. Raises ValueError for one that was not asked."""
    if "asked" not in trace:
        return places
    row_of = {column: row for row, column in enumerate(trace["asked"].tolist())}
    missing = [place for place in places.tolist() if place not in row_of]
    if missing:
        raise ValueError(f"this trace has no logits at position {missing[0]}: call `forward` with asked=...")
    return np.asarray([row_of[place] for place in places.tolist()])


def loss_gradient(trace: Trace, places: Array, right: Array) -> Array:
    """The gradient of the mean cross-entropy at the logits: (share given - share due) / how many.

    returns: as the logits, [T, V] or [A, V]; zero at positions that were not asked
    """
    rows = logit_rows(trace, places)
    grad = np.zeros_like(trace["logits"])
    shares = softmax(trace["logits"][rows])  # [asked, V]
    np.add.at(grad, rows, shares / len(rows))
    np.subtract.at(grad, (rows, right), 1 / len(rows))
    return grad


# ---------------------------------------------------------------- the walk


@dataclass(frozen=True, eq=False)
class Gradients:
    """The slope of one number (the loss) with respect to every record and every weight.

    loss:        its value, in nats; None if a cotangent was given instead
    activations: record -> read-only array of the record's shape
    weights:     weight -> read-only array of the weight's shape; empty if they were not wanted

    grads[name] finds either. grads["tokens"] raises NoGradientThroughSample.
    """

    loss: float | None
    activations: Mapping[str, Array]
    weights: Mapping[str, Array]

    def __getitem__(self, name: str) -> Array:
        if name in ("tokens", "positions"):
            raise NoGradientThroughSample(WHY)
        found = self.activations.get(name)
        if found is None:
            found = self.weights.get(name)
        if found is None:
            raise KeyError(f"neither a record nor a weight is called {name!r}")
        return found


def through_sample(token: Any = None) -> Array:
    """The gradient of anything after a written token, through that token: there is none.

    Always raises NoGradientThroughSample, which says why.
    """
    raise NoGradientThroughSample(WHY)


def backward(
    trace: Trace,
    params: Mapping[str, Array],
    positions: Sequence[int] | None = None,
    targets: Sequence[int] | None = None,
    seed: Mapping[str, Array] | None = None,
    to_weights: bool | None = None,
) -> Gradients:
    """The gradient of a loss with respect to every record of the trace and every weight of the model.

    positions, targets: the loss is the mean cross-entropy of these targets at these positions (default: every
                        next token of the text)
    seed:               instead of a loss: record -> its gradient, as the start of the walk
    to_weights:         whether the weights get gradients too, which take as much memory as they do. None: where
                        they are at most MANY
    Interventions are respected: nothing flows through what was switched off.

    Raises ValueError for a trace that was started from a KV cache: the columns before it are not in it.
    """
    if trace.start:
        raise ValueError("the earlier columns of this text are in a cache: run `forward` over the whole text")
    if to_weights is None:
        to_weights = trace.config.n_params <= MANY
    grads: dict[str, Array] = {}
    loss = None
    if seed is None:
        places, right = asked(trace, positions, targets)
        loss = next_token_loss(trace, positions, targets)
        grads["logits"] = loss_gradient(trace, places, right)
    else:
        for key, value in seed.items():
            if value.shape != trace[key].shape:
                raise ValueError(f"the seed of {key} should be {list(trace[key].shape)}")
            grads[key] = np.array(value)
    weights: dict[str, Array] | None = {} if to_weights else None
    for key in reversed(list(trace)):
        record = trace.record(key)
        if record.function is None:  # tokens and positions: given, not computed
            continue
        grad = grads.setdefault(key, np.zeros_like(record.value))
        for intervention in reversed(record.edits):
            grad = intervention.pull_back(key, grad, trace)
        hand_back(trace, params, record, grad, grads, weights)
    activations = {key: lock(grads[key]) for key in trace if trace.function(key)}
    named = trace.config.parameter_shapes if weights is not None else ()
    return Gradients(loss, activations, {name: lock((weights or {})[name]) for name in named})


def hand_back(
    trace: Trace,
    params: Mapping[str, Array],
    record: Record,
    grad: Array,
    grads: dict[str, Array],
    weights: dict[str, Array] | None,
) -> None:
    """One step of the walk: add to the gradients of everything that this record was computed from."""
    inputs = [trace[name] for name in record.inputs]
    given = [params[name] for name in record.weights]
    shares = RULES[record.function](grad, record.value, *inputs, *given, **record.constants)
    for name, share in zip(record.inputs, shares, strict=False):
        if isinstance(share, np.ndarray):  # what was read by several is pulled by all of them: gradients add up
            grads[name] = grads[name] + share if name in grads else share
    if weights is not None:
        for name, later in zip(record.weights, shares[len(record.inputs) :], strict=True):
            if callable(later):
                weights[name] = weights[name] + later() if name in weights else later()

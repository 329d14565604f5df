"""What the kernel has to know of llama_like.py's functions: their gradients, their cell stories, what they cost.

In the manner of kernel/gradients.py and kernel/explain.py, whose tables are added to here.
"""

from __future__ import annotations

import math

import numpy as np

from explainer.architectures import llama_like as llama
from explainer.kernel.cache import KINDS
from explainer.kernel.explain import (
    EXPLAINERS,
    OPERATIONS,
    SPELLED,
    Index,
    Params,
    Parts,
    bracketed,
    dot,
    number,
    one,
    product,
    short,
    shortened,
)
from explainer.kernel.gradients import RULES, Shares
from explainer.kernel.trace import Record, Trace

Array = np.ndarray


# ---------------------------------------------------------------- gradients


def rms_scale_rule(grad: Array, out: Array, x: Array, eps: float) -> Shares:
    """scale = sqrt(mean of x^2 + eps), so d scale / d x = x / (D scale)."""
    return (x / (x.shape[-1] * out[:, None]) * grad[:, None],)


def rms_normalize_rule(grad: Array, out: Array, x: Array, scale: Array, w: Array) -> Shares:
    """out = x / scale * w, with the scale as an input of its own."""
    unit = x / scale[:, None]  # [T, D]
    to_x = grad * w / scale[:, None]
    return to_x, -(to_x * unit).sum(axis=-1), lambda: (grad * unit).sum(axis=0)


def rotary_angle_rule(grad: Array, out: Array, positions: Array, d_head: int, base: float) -> Shares:
    """A place was not chosen by the model: nothing goes on from here."""
    return (None,)


def cosine_rule(grad: Array, out: Array, angle: Array) -> Shares:
    """The slope of a cosine."""
    return (grad * -np.sin(angle),)


def sine_rule(grad: Array, out: Array, angle: Array) -> Shares:
    """The slope of a sine."""
    return (grad * np.cos(angle),)


def rotate_rule(grad: Array, out: Array, x: Array, cos: Array, sin: Array) -> Shares:
    """Turn the gradient back by the same angle."""
    even, odd, to_even, to_odd = x[..., 0::2], x[..., 1::2], grad[..., 0::2], grad[..., 1::2]
    to_cos = (to_even * even + to_odd * odd).sum(axis=1)  # [T, R], summed over the heads
    to_sin = (to_odd * even - to_even * odd).sum(axis=1)
    return llama.rotate(grad, cos, -sin), to_cos, to_sin


def project_heads_rule(grad: Array, out: Array, x: Array, W: Array) -> Shares:
    """out[t, h] = x[t] @ W[h]"""
    per_head = grad.transpose(1, 0, 2)  # [H, T, K]
    return (per_head @ W.transpose(0, 2, 1)).sum(axis=0), lambda: x.T @ per_head


def by_group(per_head: Array, groups: int) -> Array:
    """[H, A, B] -> [G, H / G A, B]: the rows of all heads of a group under each other."""
    heads, rows, width = per_head.shape
    return per_head.reshape(groups, heads // groups * rows, width)


def dot_products_rule(grad: Array, out: Array, q: Array, k: Array) -> Shares:
    """A query moves along the keys of its group; a key along the queries of all heads that share it."""
    pulled = by_group(grad, k.shape[1])  # [G, H / G T, S]
    to_q = (pulled @ k.transpose(1, 0, 2)).reshape(q.shape[1], q.shape[0], q.shape[2])  # [H, T, K]
    to_k = pulled.transpose(0, 2, 1) @ by_group(q.transpose(1, 0, 2), k.shape[1])  # [G, S, K]
    return to_q.transpose(1, 0, 2), to_k.transpose(1, 0, 2)


def weighted_sum_rule(grad: Array, out: Array, pattern: Array, v: Array) -> Shares:
    """Gradients flow back to earlier tokens in the proportions in which those were read, by all heads of a group."""
    pulled = by_group(grad.transpose(1, 0, 2), v.shape[1])  # [G, H / G T, K]
    to_pattern = (pulled @ v.transpose(1, 2, 0)).reshape(pattern.shape)
    to_v = by_group(pattern, v.shape[1]).transpose(0, 2, 1) @ pulled  # [G, S, K]
    return to_pattern, to_v.transpose(1, 0, 2)


def sum_heads_rule(grad: Array, out: Array, result: Array) -> Shares:
    """Every head is handed the same gradient."""
    return (np.broadcast_to(grad[:, None, :], result.shape),)


def linear_rule(grad: Array, out: Array, x: Array, W: Array) -> Shares:
    """out = x @ W"""
    return grad @ W.T, lambda: x.T @ grad


def gated_rule(grad: Array, out: Array, pre: Array, pre_linear: Array) -> Shares:
    """Each factor is pulled by the other. The slope of SiLU: s + x s (1 - s), with s = sigmoid(x)."""
    open_ = llama.sigmoid(pre)
    return grad * pre_linear * (open_ + pre * open_ * (1 - open_)), grad * pre * open_


RULES.update(
    {
        llama.rms_scale: rms_scale_rule,
        llama.rms_normalize: rms_normalize_rule,
        llama.rotary_angle: rotary_angle_rule,
        llama.cosine: cosine_rule,
        llama.sine: sine_rule,
        llama.rotate: rotate_rule,
        llama.project_heads: project_heads_rule,
        llama.dot_products: dot_products_rule,
        llama.weighted_sum: weighted_sum_rule,
        llama.sum_heads: sum_heads_rule,
        llama.linear: linear_rule,
        llama.gated: gated_rule,
    }
)


# ---------------------------------------------------------------- how one number was made


def explain_scale(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """The size of a vector."""
    (name,) = record.inputs
    terms = [one(f"{short(name)}[{d}]", value, name) for d, value in enumerate(trace[name][index].tolist())]
    terms.append(one("eps", record.constants["eps"]))
    return Parts(f"√(mean of {short(name)}² + eps)", "root mean square", terms)


def explain_normalize(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """RMSNorm of one number."""
    t, d = index
    (name, scale), (w,) = record.inputs, record.weights
    values = ((short(name), trace[name][t, d], name), ("scale", trace[scale][t], scale), ("w", params[w][d], w))
    return Parts(f"{short(name)} / scale × w", "divided and stretched", [one(*each) for each in values])


def explain_angle(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A place times the speed of a pair."""
    t, r = index
    base, d_head = record.constants["base"], record.constants["d_head"]
    (name,) = record.inputs
    term = product("turn", ("position", trace[name][t]), ("speed", base ** (-2 * r / d_head)), name)
    return Parts(f"position × {number(base)}^(−2 × {r} / {d_head})", "sum", [term])


def explain_wave(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """The cosine or sine of an angle."""
    (name,) = record.inputs
    wave = "cos" if record.function is llama.cosine else "sin"
    return Parts(f"{wave}(angle)", wave, [one("angle", trace[name][index], name)])


def explain_rotate(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """One coordinate of a turned pair."""
    row, h, i = index
    name, cos, sin = record.inputs
    x, r = trace[name][row, h], i // 2
    a, b = (f"{short(name)}[{2 * r}]", x[2 * r]), (f"{short(name)}[{2 * r + 1}]", x[2 * r + 1])
    c, s = trace[cos][row, r], trace[sin][row, r]
    if i % 2:
        formula = f"{a[0]} × sin + {b[0]} × cos"
        return Parts(formula, "sum", [product("first", a, ("sin", s), name), product("second", b, ("cos", c), name)])
    formula = f"{a[0]} × cos − {b[0]} × sin"
    return Parts(formula, "sum", [product("first", a, ("cos", c), name), product("second", b, ("−sin", -s), name)])


def explain_project(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """One coordinate of a query, key or value."""
    row, h, k = index
    (x,), (W,) = record.inputs, record.weights
    terms = dot(short(x), short(W), trace[x][row], params[W][h, :, k], "residual width", x)
    return Parts(f"{short(x)}[{row}] · {short(W)}[{h}, :, {k}]", "sum", terms)


def group_of(head: int, pattern: Array, kv: Array) -> int:
    """Which group's keys and values a head shares. pattern: [H, T, S]; kv: [S, G, K]"""
    return head // (len(pattern) // kv.shape[1])


def explain_scores(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A query compared with a key of its group."""
    h, t, s = index
    q, k = record.inputs
    g = group_of(h, record.value, trace[k])
    terms = dot("q", "k", trace[q][t, h], trace[k][s, g], "head width", q)
    return Parts(f"q({t}) · k({s}), both turned; heads share the key of group {g}", "sum", terms)


def explain_weighted_sum(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """What a head has read: one term per key."""
    t, h, k = index
    pattern, v = record.inputs
    g = group_of(h, trace[pattern], trace[v])
    weights, values = trace[pattern][h, t].tolist(), trace[v][:, g, k].tolist()
    terms = [
        product(f"key {s}", (f"pattern({s})", a), (f"v({s})[{k}]", x), pattern)
        for s, (a, x) in enumerate(zip(weights, values, strict=True))
        if a != 0
    ]
    return Parts(f"sum over keys of pattern × v[{k}] of group {g}", "sum", terms)


def explain_sum_heads(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """All heads added up."""
    t, d = index
    (result,) = record.inputs
    terms = [one(f"head {h}", value, result) for h, value in enumerate(trace[result][t, :, d].tolist())]
    return Parts("sum of all heads", "sum", terms)


def explain_linear(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A row times a column."""
    t, j = index
    (x,), (W,) = record.inputs, record.weights
    axis = {"D": "residual width", "F": "hidden unit"}[trace.axes(x).split()[-1]]
    terms = dot(short(x), short(W), trace[x][t], params[W][:, j], axis, x)
    return Parts(f"{short(x)}({t}) · {short(W)}[:, {j}]", "sum", terms)


def explain_gated(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A hidden unit times its gate."""
    terms = [one(short(name), trace[name][index], name) for name in record.inputs]
    return Parts("silu(pre) × pre_linear", "gated", terms)


def gate(values: list[float]) -> float:
    """SiLU of the first times the second."""
    pre, linear = values
    return pre * float(llama.sigmoid(np.asarray(pre))) * linear


OPERATIONS.update(
    {
        "root mean square": lambda values: math.sqrt(
            math.fsum(x * x for x in values[:-1]) / (len(values) - 1) + values[-1]
        ),
        "divided and stretched": lambda values: values[0] / values[1] * values[2],
        "cos": lambda values: math.cos(values[0]),
        "sin": lambda values: math.sin(values[0]),
        "gated": gate,
    }
)

SPELLED.update(
    {
        "root mean square": lambda v: (
            f"√(({shortened([number(x * x) for x in v[:-1]])}) / {len(v) - 1} + {number(v[-1])})"
        ),
        "divided and stretched": lambda v: f"{number(v[0])} / {number(v[1])} × {bracketed(number(v[2]))}",
        "cos": lambda v: f"cos({number(v[0])})",
        "sin": lambda v: f"sin({number(v[0])})",
        "gated": lambda v: f"silu({number(v[0])}) × {bracketed(number(v[1]))}",
    }
)

EXPLAINERS.update(
    {
        llama.rms_scale: explain_scale,
        llama.rms_normalize: explain_normalize,
        llama.rotary_angle: explain_angle,
        llama.cosine: explain_wave,
        llama.sine: explain_wave,
        llama.rotate: explain_rotate,
        llama.project_heads: explain_project,
        llama.dot_products: explain_scores,
        llama.weighted_sum: explain_weighted_sum,
        llama.sum_heads: explain_sum_heads,
        llama.linear: explain_linear,
        llama.gated: explain_gated,
    }
)


# ---------------------------------------------------------------- multiply-adds

KINDS.update(
    {
        llama.project_heads: "queries, keys, values",
        llama.dot_products: "scores",
        llama.weighted_sum: "weighted sums",
        llama.linear: "MLP",
    }
)

"""How was this one number made? Spelled out with the names and the real numbers that went into it.

Every number of a trace is a sum of products, a quotient, or one simple function of a few others. `explain`
reads from the record which function made it and from which inputs, so it says what was really done; and the
value can be made again from the terms that it lists, which is tested for every kind of record.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from explainer.kernel import model
from explainer.kernel.ops import gelu
from explainer.kernel.trace import Record, Trace

Array = np.ndarray
Params = Mapping[str, Array]
Index = tuple[int, ...]


class Term(NamedTuple):
    """One of the numbers that an explained number was made from.

    label:   what it is: "q[5] . k[2], coordinate 3" or "mean"
    factors: the numbers that were multiplied, each with its name: (("q", 0.31), ("k", -1.2))
    value:   their product
    source:  the record or weight that the first factor is from
    """

    label: str
    factors: tuple[tuple[str, float], ...]
    value: float
    source: str = ""


@dataclass(frozen=True)
class Explanation:
    """One number of a trace, and how it was made.

    key, index: which number
    where:      its place in words: "head 2, query 'cat' (5), key 'the' (3)"
    value:      the number, as recorded
    formula:    with names: "q[5] . k[3]"
    numbers:    the same with real numbers, long sums shortened
    operation:  how the terms are combined: a key of OPERATIONS
    terms:      everything that went in
    note:       what else to know ("replaced by: head 1.2 off"), usually empty
    """

    key: str
    index: tuple[int, ...]
    where: str
    value: float
    formula: str
    numbers: str
    operation: str
    terms: tuple[Term, ...]
    note: str = ""

    def recompute(self) -> float:
        """The value, made again from the terms alone."""
        return OPERATIONS[self.operation]([term.value for term in self.terms])

    def largest(self, n: int = 5) -> tuple[Term, ...]:
        """The n terms that weigh most, the heaviest first."""
        return tuple(sorted(self.terms, key=lambda term: -abs(term.value))[:n])


def spread(values: list[float]) -> float:
    """The last value is eps, the first the mean, the others are numbers around it."""
    mean, *numbers, eps = values
    return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers) + eps)


def share(values: list[float]) -> float:
    """The first value's share under softmax among the others (which include it)."""
    own, *scores = values
    top = max(scores)
    return math.exp(own - top) / sum(math.exp(score - top) for score in scores)


OPERATIONS: dict[str, Callable[[list[float]], float]] = {  # the files of explainer/architectures add theirs
    "copy": lambda values: values[0],
    "sum": lambda values: math.fsum(values),
    "mean": lambda values: math.fsum(values) / len(values),
    "spread": spread,
    "normalize": lambda values: (values[0] - values[1]) / values[2] * values[3] + values[4],
    "quotient": lambda values: values[0] / values[1],
    "mask": lambda values: values[0],
    "softmax": share,
    "gelu": lambda values: float(gelu(np.asarray(values[0]))),
    "replaced": lambda values: values[0],
}


@dataclass(frozen=True)
class Parts:
    """What one explainer function returns: the formula in names, the operation, and the terms."""

    formula: str
    operation: str
    terms: list[Term]


# ---------------------------------------------------------------- small helpers


def short(key: str) -> str:
    """A record's name as a formula says it: 'blocks.1.attn.q' -> 'q', 'blocks.0.ln1.normalized' -> 'ln1'."""
    if key.endswith(".normalized"):
        return key.split(".")[-2]
    return key.rsplit(".", 1)[-1]


def number(value: float) -> str:
    """A number as a reader wants it: 0.831, -12.4, 0.00031, -inf (with a real minus sign)."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return text.replace("-", "−")


def one(label: str, value: float, source: str = "") -> Term:
    """A term that is a single number."""
    return Term(label, ((label, float(value)),), float(value), source)


def product(label: str, a: tuple[str, float], b: tuple[str, float], source: str = "") -> Term:
    """A term that is a product of two numbers."""
    return Term(label, ((a[0], float(a[1])), (b[0], float(b[1]))), float(a[1]) * float(b[1]), source)


def dot(a: str, b: str, left: Array, right: Array, axis: str, source: str) -> list[Term]:
    """The terms of a dot product, one per coordinate."""
    return [
        product(f"{axis} {i}", (f"{a}[{i}]", x), (f"{b}[{i}]", y), source)
        for i, (x, y) in enumerate(zip(left.tolist(), right.tolist(), strict=True))
    ]


# ---------------------------------------------------------------- one explainer per function of model.py

Explainer = Callable[[Trace, Params, Record, Index], Parts]


def explain_lookup(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A row of a table."""
    t, d = index
    (table,) = record.weights
    row = int(trace[record.inputs[0]][t])
    what = "token" if record.inputs[0] == "tokens" else "position"
    name = short(table)
    term = one(f"{name}[{row}, {d}]", params[table][row, d], table)
    return Parts(f"{name}[{what} {row}, {d}]", "copy", [term])


def explain_add(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A sum of two records."""
    terms = [one(short(name), trace[name][index], name) for name in record.inputs]
    return Parts(" + ".join(term.label for term in terms), "sum", terms)


def explain_carry(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """The same number as below."""
    (name,) = record.inputs
    return Parts(f"{short(name)} of the block below", "copy", [one(short(name), trace[name][index], name)])


def explain_mean(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A mean over the residual width."""
    (name,) = record.inputs
    row = trace[name][index]
    terms = [one(f"{short(name)}[{d}]", value, name) for d, value in enumerate(row.tolist())]
    return Parts(f"mean of the {len(terms)} numbers of {short(name)}", "mean", terms)


def explain_scale(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """The spread around the mean."""
    name, mean = record.inputs
    terms = [one("mean", trace[mean][index], mean)]
    terms += [one(f"{short(name)}[{d}]", value, name) for d, value in enumerate(trace[name][index].tolist())]
    terms.append(one("eps", record.constants["eps"]))
    return Parts(f"√(mean of ({short(name)} − mean)² + eps)", "spread", terms)


def explain_normalize(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """LayerNorm of one number."""
    t, d = index
    name, mean, scale = record.inputs
    w, b = record.weights
    terms = [
        one(short(name), trace[name][t, d], name),
        one("mean", trace[mean][t], mean),
        one("scale", trace[scale][t], scale),
        one("w", params[w][d], w),
        one("b", params[b][d], b),
    ]
    return Parts(f"({short(name)} − mean) / scale × w + b", "normalize", terms)


def explain_project(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """One coordinate of a query, key or value."""
    row, h, k = index
    (x,), (W, b) = record.inputs, record.weights
    terms = dot(short(x), short(W), trace[x][row], params[W][h, :, k], "residual width", x)
    terms.append(one(short(b), params[b][h, k], b))
    return Parts(f"{short(x)}[{row}] · {short(W)}[{h}, :, {k}] + {short(b)}[{h}, {k}]", "sum", terms)


def explain_dot_products(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A query compared with a key."""
    h, t, s = index
    q, k = record.inputs
    terms = dot("q", "k", trace[q][t, h], trace[k][s, h], "head width", q)
    return Parts(f"q({t}) · k({s})", "sum", terms)


def explain_scaling(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A score divided by sqrt(d)."""
    (raw,) = record.inputs
    _, t, s = index
    d_head = record.constants["d_head"]
    terms = [one(f"q({t}) · k({s})", trace[raw][index], raw), one(f"√{d_head}", math.sqrt(d_head))]
    return Parts(f"q({t}) · k({s}) / √{d_head}", "quotient", terms)


def explain_mask(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A score, if it may be looked at."""
    (scaled,) = record.inputs
    _, t, s = index
    if s > t + trace.start:
        words = f"key({s}) comes after query({t + trace.start}): masked"
        return Parts(words, "mask", [one("−∞", -math.inf, scaled)])
    return Parts("allowed: unchanged", "mask", [one(short(scaled), trace[scaled][index], scaled)])


def explain_pattern(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A share of the query's attention."""
    (scores,) = record.inputs
    h, t, s = index
    row = trace[scores][h, t]
    terms = [one(f"score({s})", row[s], scores)]
    for i, score in enumerate(row.tolist()):
        if not math.isinf(score) or i == s:
            terms.append(one(f"score({i})", score, scores))
    top = max(row.tolist())  # subtracted, as `ops.softmax` does, so that nothing overflows; no share changes
    words = f"exp(score({s})) / sum of exp(score) over the keys of query {t + trace.start}"
    words += f", the largest score, {number(top)}, subtracted from each first"
    return Parts(words, "softmax", terms)


def explain_weighted_sum(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """What a head has read: one term per key."""
    t, h, k = index
    pattern, v = record.inputs
    weights, values = trace[pattern][h, t].tolist(), trace[v][:, h, k].tolist()
    terms = [
        product(f"key {s}", (f"pattern({s})", a), (f"v({s})[{k}]", x), pattern)
        for s, (a, x) in enumerate(zip(weights, values, strict=True))
        if a != 0
    ]
    return Parts(f"sum over keys of pattern × v[{k}]", "sum", terms)


def explain_head_outputs(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """What a head adds to one coordinate of the stream."""
    t, h, d = index
    (z,), (W,) = record.inputs, record.weights
    terms = dot("z", "W_O", trace[z][t, h], params[W][h, :, d], "head width", z)
    return Parts(f"z({t}) · W_O[{h}, :, {d}]", "sum", terms)


def explain_sum_heads(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """All heads added up."""
    t, d = index
    (result,), (b,) = record.inputs, record.weights
    terms = [one(f"head {h}", value, result) for h, value in enumerate(trace[result][t, :, d].tolist())]
    terms.append(one("b_O", params[b][d], b))
    return Parts("sum of all heads + b_O", "sum", terms)


def explain_linear(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A row times a column, plus a bias."""
    t, j = index
    (x,), (W, b) = record.inputs, record.weights
    axis = {"D": "residual width", "F": "hidden unit"}[trace.axes(x).split()[-1]]
    terms = dot(short(x), short(W), trace[x][t], params[W][:, j], axis, x)
    terms.append(one(short(b), params[b][j], b))
    return Parts(f"{short(x)}({t}) · {short(W)}[:, {j}] + {short(b)}[{j}]", "sum", terms)


def explain_gelu(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """A hidden unit, switched."""
    (pre,) = record.inputs
    return Parts("gelu(pre)", "gelu", [one("pre", trace[pre][index], pre)])


def explain_take_rows(trace: Trace, params: Params, record: Record, index: Index) -> Parts:
    """The same number of the column that was asked."""
    x, asked = record.inputs
    row, d = index
    column = int(trace[asked][row])
    return Parts(f"{short(x)} of column {column + trace.start}", "copy", [one(short(x), trace[x][column, d], x)])


EXPLAINERS: dict[Callable[..., Array], Explainer] = {  # the files of explainer/architectures add theirs
    model.embed_tokens: explain_lookup,
    model.embed_positions: explain_lookup,
    model.add: explain_add,
    model.carry: explain_carry,
    model.row_mean: explain_mean,
    model.row_scale: explain_scale,
    model.normalize: explain_normalize,
    model.project_heads: explain_project,
    model.dot_products: explain_dot_products,
    model.scale_scores: explain_scaling,
    model.causal_mask: explain_mask,
    model.attention_pattern: explain_pattern,
    model.weighted_sum: explain_weighted_sum,
    model.head_outputs: explain_head_outputs,
    model.sum_heads: explain_sum_heads,
    model.linear: explain_linear,
    model.take_rows: explain_take_rows,
    gelu: explain_gelu,
}


# ---------------------------------------------------------------- in words

WORDS = {
    "T": "query",
    "S": "key",
    "A": "position",
    "H": "head",
    "G": "key/value head",
    "K": "head coordinate",
    "R": "pair",
    "D": "residual coordinate",
    "F": "hidden unit",
    "V": "token",
}


def where(trace: Trace, key: str, index: Sequence[int], names: Sequence[str] | None = None) -> str:
    """The place of a number in words: "head 2, query 5 'cat', key 3 'the'".

    names: the text of each token, by position, if known
    """
    said = []
    axes = trace.axes(key).split()
    for axis, i in zip(axes, index, strict=True):
        word = "position" if axis == "T" and "S" not in axes else WORDS[axis]
        position = int(trace["asked"][i]) if axis == "A" else i
        position += trace.start if axis in "TA" else 0
        text = f" {names[position]!r}" if names is not None and axis in "TSA" and position < len(names) else ""
        said.append(f"{word} {position}{text}")
    return ", ".join(said)


SPELLED: dict[str, Callable[[list[float]], str]] = {}
"""How an operation of explainer/architectures is written with numbers."""


def with_numbers(parts: Parts, value: float) -> str:
    """The terms with their real numbers: the first ones, and how many more there are."""
    values = [term.value for term in parts.terms]
    if parts.operation in SPELLED:
        made = SPELLED[parts.operation](values)
    elif parts.operation == "normalize":
        x, mean, scale, w, b = map(number, values)
        made = f"({x} − {bracketed(mean)}) / {scale} × {bracketed(w)} + {bracketed(b)}"
    elif parts.operation == "quotient":
        made = f"{number(values[0])} / {number(values[1])}"
    elif parts.operation == "softmax":
        exp = [math.exp(score - max(values[1:])) for score in values]
        made = f"{number(exp[0])} / ({shortened([number(x) for x in exp[1:]])})"
    elif parts.operation == "spread":
        squares = [(x - values[0]) ** 2 for x in values[1:-1]]
        made = f"√(({shortened([number(x) for x in squares])}) / {len(squares)} + {number(values[-1])})"
    elif parts.operation == "mean":
        made = f"({shortened([bracketed(number(x)) for x in values])}) / {len(values)}"
    elif parts.operation == "gelu":
        made = f"gelu({number(values[0])})"
    elif parts.operation == "sum":
        made = shortened([" × ".join(bracketed(number(factor)) for _, factor in term.factors) for term in parts.terms])
    else:
        made = number(values[0])
    return f"{made} = {number(value)}"


def bracketed(text: str) -> str:
    """A negative number in a sum or product gets brackets."""
    return f"({text})" if text.startswith("−") else text


def shortened(texts: list[str], shown: int = 4) -> str:
    """a + b + c + d + ... (12 more); a last one is not hidden behind its own count"""
    shown = len(texts) if len(texts) == shown + 1 else shown
    more = len(texts) - shown
    return " + ".join(texts[:shown]) + (f" + … ({more} more)" if more > 0 else "")


def explain(
    trace: Trace,
    params: Mapping[str, Array],
    key: str,
    index: Sequence[int],
    names: Sequence[str] | None = None,
) -> Explanation:
    """How the number trace[key][index] was made, in names and in real numbers.

    index: one whole number per axis of the record; negative ones count from the end
    names: the text of each token by position, for 'query cat' instead of 'query 5'
    Raises KeyError for an unknown record and IndexError for an index outside it.
    """
    record = trace.record(key)
    shape = record.value.shape
    if len(index) != len(shape) or any(not -n <= i < n for i, n in zip(index, shape, strict=True)):
        raise IndexError(f"{key} is [{record.axes}] = {list(shape)}: it has no {list(index)}")
    at = tuple(int(i) % n for i, n in zip(index, shape, strict=True))
    value = float(record.value[at])
    place = where(trace, key, at, names)
    if record.function is None:
        parts = Parts("given", "copy", [one(key, value, key)])
    else:
        parts = EXPLAINERS[record.function](trace, params, record, at_rows(trace, record, at))
    note = ""
    if record.edits:
        note = "changed by: " + "; ".join(str(edit) for edit in record.edits)
        if not close(OPERATIONS[parts.operation]([term.value for term in parts.terms]), value):
            parts = Parts("replaced", "replaced", [one("replaced", value, key)])
    numbers = with_numbers(parts, value)
    return Explanation(key, at, place, value, parts.formula, numbers, parts.operation, tuple(parts.terms), note)


def at_rows(trace: Trace, record: Record, index: tuple[int, ...]) -> tuple[int, ...]:
    """The index within what was computed in this pass.

    With a KV cache, keys and values have rows from earlier passes; those were not computed here.
    Raises IndexError for such a row.
    """
    if trace.start and record.axes.startswith("S"):
        row = index[0] - trace.start
        if row < 0:
            raise IndexError(f"row {index[0]} of {record.key} came from the cache: an earlier step computed it")
        return (row, *index[1:])
    return index


def close(a: float, b: float) -> bool:
    """Whether two numbers agree to float32 rounding."""
    return a == b or math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-5)

"""What the attention page says about the model, measured on it: nothing here is known before it is run.

Losses are cross-entropies in nats per token on the site's one held-out set (explainer/corpus/held_out.py): the same
documents for every intervention, so that differences are the intervention's and not the text's. Results that do not
depend on the reader's text are computed once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out
from explainer.kernel import heads
from explainer.kernel.heads import ROLES, HeadScores
from explainer.kernel.interventions import (
    Change,
    Edit,
    HeadOff,
    NoMask,
    NoPositions,
    NoScaling,
    Patch,
    UniformAttention,
    compare,
)
from explainer.kernel.model import direct_logit_contributions, forward, logit_lens, logits_at
from explainer.kernel.ops import entropy, log_softmax, softmax
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.models.measured import kept

Array = np.ndarray

# ---------------------------------------------------------------- held-out text


@lab.per_model(4)
def _as_trained() -> held_out.Tally:
    return _tally(())


def _tally(interventions: tuple[Edit, ...]) -> held_out.Tally:
    m = lab.model()
    return held_out.tally(
        lambda tokens: forward(m.params, tokens, m.config, interventions)["logits"],
        held_out.documents(lab.tokenizer()),
    )


@kept
def floor() -> held_out.Loss:
    """The loss of the true odds themselves on the held-out set, nats per token: nothing does better."""
    return held_out.floor(lab.tokenizer())


@kept
def loss(interventions: tuple[Edit, ...] = ()) -> held_out.Loss:
    """The model's loss on the held-out set under these interventions (without means: see `resolve`).

    Its `rise` is over the model as trained, document by document.
    """
    found = _tally(interventions) if interventions else _as_trained()
    return held_out.summary(found, held_out.documents(lab.tokenizer()), _as_trained())


# ---------------------------------------------------------------- take it out


@dataclass(frozen=True)
class TakeOut:
    """One thing that the reader can take out of attention."""

    name: str
    label: str
    interventions: tuple[Edit, ...]


def take_outs(layer: int, head: int) -> tuple[TakeOut, ...]:
    """The choices of 'take it out', the chosen head last."""
    return (
        TakeOut("scaling", "no √d scaling", (NoScaling(),)),
        TakeOut("mask", "no causal mask", (NoMask(),)),
        TakeOut("uniform", "uniform attention", (UniformAttention(),)),
        TakeOut("positions", "no positions", (NoPositions(),)),
        TakeOut("head", f"head {layer}.{head} off", (HeadOff(layer, head),)),
    )


@kept
def head_worth() -> Array:
    """What each head is worth: by how much the held-out loss rises when it alone is off. [L, H], nats per token"""
    config = lab.model().config
    off = [[loss((HeadOff(layer, head),)).rise for head in range(config.n_heads)] for layer in range(config.n_layers)]
    worth = np.array([[rise.value if rise else 0.0 for rise in row] for row in off])
    worth.flags.writeable = False
    return worth


def change(tokens: tuple[int, ...], interventions: tuple[Edit, ...], position: int) -> Change:
    """What interventions do to the prediction after one position."""
    m = lab.model()
    return compare(m.params, m.config, tokens, interventions, position, lab.trace(tokens))


# ---------------------------------------------------------------- what heads do


@kept
def head_scores() -> HeadScores:
    """What each head measurably does.

    By place (previous, current, first token) and induction: `heads.measure`, places on held-out documents, induction
    on random tokens written twice (prefix matching, Olsson et al. 2022). `copy` and `recall`: on held-out documents,
    at every query where the grammar demands an earlier name or word again, the attention on tokens equal to the next.
    """
    m = lab.model()
    documents = held_out.documents(lab.tokenizer())
    placed = heads.measure(m.params, m.config, documents=[doc.read for doc in documents])
    shape = (len(documents), m.config.n_layers, m.config.n_heads)
    given = {role: np.zeros(shape) for role in ("copy", "recall")}  # by each document
    asked = {role: np.zeros(len(documents)) for role in given}
    alike = dict.fromkeys(given, 0.0)
    for i, doc in enumerate(documents):
        kinds = np.array(doc.kinds)
        wanted = answer_keys(doc.tokens)
        due = {role: (kinds == role) & wanted.any(axis=1) for role in given}
        if not any(rows.any() for rows in due.values()):
            continue
        trace = forward(m.params, doc.read, m.config)
        for role, rows in due.items():
            asked[role][i] = rows.sum()
            alike[role] += float((wanted[rows].sum(axis=1) / (np.flatnonzero(rows) + 1)).sum())
            for layer in range(m.config.n_layers):
                read = (trace[f"blocks.{layer}.attn.pattern"] * wanted).sum(axis=2)  # [H, T]
                given[role][i, layer] = read[:, rows].sum(axis=1)
    n = {role: int(asked[role].sum()) for role in given}
    scores = {role: given[role].sum(axis=0) / max(1, n[role]) for role in given}
    return HeadScores(
        {role: scores[role] if role in scores else placed.scores[role] for role in ROLES},
        {**{role: alike[role] / max(1, n[role]) for role in given}, **placed.chance},
        {**placed.n, **n},
        {role: held_out.interval(given[role], asked[role]) for role in given if n[role]},
    )


def answer_keys(tokens: Sequence[int]) -> Array:
    """[T - 1, T - 1] booleans: for each query, the keys that are the very token that comes next."""
    ids = np.asarray(tokens)
    return np.tril(ids[1:, None] == ids[None, :-1])


# ---------------------------------------------------------------- the soft lookup

HARD = 1e6  # this sharpness and above: the limit itself, all weight on the best key


def lookup_weights(scores: Array, sharpness: float) -> Array:
    """The weights of a soft lookup: softmax of the scores, sharpened or blunted.

    scores:    [N], the scaled scores of the keys that may be read
    sharpness: 1 is the model's own; 0 the plain average of all keys; HARD the best key alone (ties share)
    returns:   [N], float64, summing to 1
    This is a kernel smoother with the kernel exp(sharpness * score): Tsai et al. 2019.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if sharpness >= HARD:
        best = scores == scores.max()
        return best / best.sum()
    return softmax(scores * sharpness)


@dataclass(frozen=True)
class Lookup:
    """One query of one head, answered by a soft lookup among the keys that it may read.

    scores, weights: [N]; values: [N, K]; mix: [K], the answer; own: [K], the model's own answer (sharpness 1)
    order:      keys from the highest to the lowest score
    effective:  exp of the entropy of the weights: how many keys it amounts to
    """

    scores: Array
    weights: Array
    values: Array
    mix: Array
    own: Array
    order: tuple[int, ...]
    effective: float


def lookup(trace: Trace, layer: int, head: int, query: int, sharpness: float) -> Lookup:
    """Read the dictionary of one head with one query; where several heads share a value, that of the head's group."""
    at = f"blocks.{layer}.attn"
    scores = trace[f"{at}.attn_scores"][head, query, : query + 1].astype(np.float64)
    values = trace[f"{at}.v"][: query + 1, trace.config.group_of(head)].astype(np.float64)
    weights = lookup_weights(scores, sharpness)
    order = tuple(int(i) for i in np.argsort(-scores, kind="stable"))
    own = lookup_weights(scores, 1.0) @ values
    return Lookup(scores, weights, values, weights @ values, own, order, float(np.exp(entropy(weights))))


def lookup_patch(trace: Trace, layer: int, head: int, query: int, weights: Array) -> Patch:
    """The intervention that makes this head read with these weights at this query, and only there."""
    key = f"blocks.{layer}.attn.pattern"
    row = np.zeros(trace[key].shape[-1], dtype=trace[key].dtype)
    row[: query + 1] = weights
    return Patch(key, row, position=query, at_head=head)


# ---------------------------------------------------------------- routing


def fingerprint(values: Array) -> str:
    """Twelve hexadecimal digits that differ as soon as one bit of the array (or its shape) differs (SHA-256)."""
    array = np.ascontiguousarray(values)
    return hashlib.sha256(repr((array.shape, array.dtype.str)).encode() + array.tobytes()).hexdigest()[:12]


@dataclass(frozen=True)
class Wiring:
    """A matrix during the run on text A and during the run on text B."""

    name: str
    role: str
    a: str
    b: str

    @property
    def same(self) -> bool:
        """Whether every bit is the same."""
        return self.a == self.b


@dataclass(frozen=True)
class Routing:
    """Two texts through the same head: what stayed and what changed.

    a, b:        [T, S] patterns of the two texts
    fingerprints of weights and of the matrices computed from the text
    """

    a: Array
    b: Array
    fingerprints: tuple[Wiring, ...]


def routing(tokens_a: tuple[int, ...], tokens_b: tuple[int, ...], layer: int, head: int) -> Routing:
    """Run two texts and compare what mixes their tokens with what does not depend on them."""
    params = lab.model().params
    names = [f"blocks.{layer}.attn.{w}" for w in ("W_Q", "W_K", "W_V", "W_O")]
    gates = [name for name in (f"blocks.{layer}.mlp.W_gate",) if name in params]  # where the MLP has them
    names += [*gates, f"blocks.{layer}.mlp.W_in", f"blocks.{layer}.mlp.W_out"]
    key = f"blocks.{layer}.attn.pattern"
    runs = []
    for tokens in (tokens_a, tokens_b):
        pattern = lab.trace(tokens)[key][head]
        runs.append((pattern, [fingerprint(params[name]) for name in names]))
    (a, before), (b, after) = runs
    prints = [Wiring(name.split(".", 2)[2], "weights", x, y) for name, x, y in zip(names, before, after, strict=True)]
    prints.append(Wiring("attn.pattern", "computed from the text", fingerprint(a), fingerprint(b)))
    return Routing(a, b, tuple(prints))


@dataclass(frozen=True)
class Look:
    """Where a head looks from one token: the key that it reads most, its share, and how many places back that is."""

    query: int
    key: int
    weight: float
    back: int


def look(pattern: Array, query: int) -> Look:
    """What one query reads most. pattern: [T, S]"""
    key = int(pattern[query].argmax())
    return Look(query, key, float(pattern[query, key]), query - key)


def same_token(tokens: Sequence[int], token: int) -> int | None:
    """The last place at which a text has this token, None if it has not."""
    return max((i for i, t in enumerate(tokens) if t == token), default=None)


# ---------------------------------------------------------------- order

CONDITIONS: tuple[tuple[str, tuple[Edit, ...]], ...] = (
    ("as trained", ()),
    ("no positions", (NoPositions(),)),
    ("no positions, no mask", (NoPositions(), NoMask())),
)
ROUNDING = 2e-5  # what is the same but for the order of its float32 sums differs by less than this share


@dataclass(frozen=True)
class OrderTest:
    """Two earlier tokens swapped: what does a later query notice?

    swapped:   the tokens with the two exchanged
    changes:   condition -> [L], by how much attention's output at the query changed in each layer, relative to its
               size (0: not at all; 1: as much as the output itself)
    fed:       condition -> [L], by how much what the query reads in each layer changed: of all tokens that it may read,
               each compared with itself wherever it stands now, the largest change relative to its size
    moved:     condition -> the share of the prediction's probability that moved (total variation)
    rows:      condition -> ([S], [S]), one head's weights at the query before and after, by place
    """

    swapped: tuple[int, ...]
    changes: Mapping[str, Array]
    fed: Mapping[str, Array]
    moved: Mapping[str, float]
    rows: Mapping[str, tuple[Array, Array]]

    def rounding(self, condition: str) -> list[bool]:
        """For each layer, whether its change is only rounding: what is read is the same, and what is added.

        A change may be as small as rounding and yet be real; then this is False.
        """
        small = (self.changes[condition] < ROUNDING) & (self.fed[condition] < ROUNDING)
        return [bool(x) for x in np.logical_and.accumulate(small)]


def swap(tokens: Sequence[int], i: int, j: int) -> tuple[int, ...]:
    """The same tokens with those at i and j exchanged."""
    new = list(tokens)
    new[i], new[j] = new[j], new[i]
    return tuple(new)


@lab.per_model(8)
def order_test(tokens: tuple[int, ...], i: int, j: int, query: int, layer: int, head: int) -> OrderTest:
    """Swap the tokens at i and j, both before the query, with and without positions and mask."""
    if not (0 <= i < query and 0 <= j < query):
        raise ValueError(f"both tokens must stand before the query {query}: not {i} and {j}")
    m = lab.model()
    n_layers = m.config.n_layers
    swapped = swap(tokens, i, j)
    changes, fed, moved, rows = {}, {}, {}, {}
    places = np.array(swap(range(len(tokens)), i, j))  # where each token of the first text stands in the second
    for name, edits in CONDITIONS:
        first, second = (
            lab.trace(text, interventions=edits)
            if lab.is_own() or not (edits or text is swapped)  # of a further model two are remembered: others need them
            else forward(m.params, text, m.config, edits)
            for text in (tokens, swapped)
        )
        each, given = [], []
        for level in range(n_layers):
            before, after = (t[f"blocks.{level}.attn_out"][query].astype(np.float64) for t in (first, second))
            each.append(float(np.linalg.norm(after - before) / np.linalg.norm(before)))
            may_read = np.isfinite(first[f"blocks.{level}.attn.attn_scores"][head, query])
            old, new = (t[f"blocks.{level}.ln1.normalized"].astype(np.float64) for t in (first, second))
            given.append(float((sizes(new[places] - old) / sizes(old))[may_read].max()))
        p, q = (softmax(logits_at(t, m.params, query).astype(np.float64)) for t in (first, second))
        changes[name], fed[name] = np.array(each), np.array(given)
        moved[name] = float(np.abs(p - q).sum() / 2)
        key = f"blocks.{layer}.attn.pattern"
        rows[name] = (first[key][head, query], second[key][head, query])
    return OrderTest(swapped, changes, fed, moved, rows)


# ---------------------------------------------------------------- the residual stream as a bus


@dataclass(frozen=True)
class Rider:
    """What one component adds: to a token's logit, and to its lead over another token."""

    name: str
    layer: int | None
    head: int | None
    logit: float
    lead: float


def bus(trace: Trace, position: int, token: int, rival: int) -> tuple[Rider, ...]:
    """Who pushes a token up, and ahead of its rival; in the order of the architecture, summing exactly."""
    params = lab.model().params
    one = direct_logit_contributions(trace, params, position, token)
    other = direct_logit_contributions(trace, params, position, rival)
    found = []
    for a, b in zip(one, other, strict=True):
        last = a.name.rsplit(" ", 1)[-1]
        layer = int(last.split(".")[0]) if last[0].isdigit() else None
        found.append(Rider(a.name, layer, a.head, a.value, a.value - b.value))
    return tuple(found)


@dataclass(frozen=True)
class Lens:
    """What the model would say if it stopped here.

    name:  "embedding", "attention 0", "mlp 0", ...
    probs: [V]; log_prob and rank: of the followed token (rank 1: the most likely)
    """

    name: str
    probs: Array
    log_prob: float
    rank: int


def lens(trace: Trace, position: int, token: int) -> tuple[Lens, ...]:
    """The logit lens at one position after the embedding and after every sub-layer."""
    rows = logit_lens(trace, lab.model().params, sublayers=True, asked=[position])[:, 0]  # [2L + 1, V]
    names = ["embedding"]
    for layer in range(trace.config.n_layers):
        names += [f"attention {layer}", f"mlp {layer}"]
    stages = []
    for name, row in zip(names, rows.astype(np.float64), strict=True):
        rank = 1 + int((row > row[token]).sum())
        stages.append(Lens(name, softmax(row), float(log_softmax(row)[token]), rank))
    return tuple(stages)


# ---------------------------------------------------------------- one head, one query, step by step


@dataclass(frozen=True)
class Step:
    """Where a record comes from and who uses it next, as the trace itself says.

    inputs, outputs: (name, axes, shape) of what goes in (weights last) and of what comes out
    function: the name of the function that made it
    used_by:  the names of the records that are made from it
    """

    inputs: tuple[tuple[str, str, tuple[int, ...]], ...]
    function: str
    output: tuple[str, str, tuple[int, ...]]
    used_by: tuple[str, ...]


def provenance(trace: Trace, key: str) -> Step:
    """A record's place in the flow, read from the record of the run."""
    m = lab.model()
    axes = m.config.parameter_axes
    given = [(name, trace.axes(name), trace[name].shape) for name in trace.inputs(key)]
    given += [(name, axes[name], m.params[name].shape) for name in trace.weights(key)]
    function = trace.function(key)
    users = tuple(name for name in trace if key in trace.inputs(name))
    return Step(tuple(given), getattr(function, "__name__", ""), (key, trace.axes(key), trace[key].shape), users)


@dataclass(frozen=True)
class Score:
    """One raw score taken apart: coordinate by coordinate, as query and key are compared.

    q, k, products: [K]; total: their sum, before the division
    group:  whose key it is: the head's own, or that of the group of heads that share it
    shared: how many heads share it; turned: whether places have turned both (RoPE)
    """

    key: int
    q: Array
    k: Array
    products: Array
    total: float
    group: int
    shared: int
    turned: bool


def one_score(trace: Trace, layer: int, head: int, query: int, key: int) -> Score:
    """The dot product of one query with one key, spelled out."""
    at = f"blocks.{layer}.attn"
    config = trace.config
    group = config.group_of(head)
    q_name, k_name = heads.compared(trace, layer)
    q, k = trace[q_name][query, head], trace[k_name][key, group]
    total = float(trace[f"{at}.attn_scores_raw"][head, query, key])
    return Score(key, q, k, q * k, total, group, config.n_heads // config.kv_heads, k_name != f"{at}.k")


def with_and_without_scaling(trace: Trace, layer: int, head: int, query: int) -> Array:
    """The scores of the keys that a query may read, and their softmax, without and with the division by sqrt(K).

    returns: [4, N] raw scores, scaled scores, softmax of the raw ones, softmax of the scaled ones
    """
    at = f"blocks.{layer}.attn"
    raw, scaled = (trace[f"{at}.attn_scores_{name}"][head, query, : query + 1] for name in ("raw", "scaled"))
    return np.stack([raw, scaled, softmax(raw), softmax(scaled)])


@dataclass(frozen=True)
class Mixture:
    """The sum that makes z, key by key: the strongest one by one, the others together.

    keys: positions, strongest first; weights: [n]; parts: [n, K], weight times value
    others: [K] and their joint weight; z: [K], the sum as recorded
    """

    keys: tuple[int, ...]
    weights: Array
    parts: Array
    n_others: int
    others: Array
    others_weight: float
    z: Array


def mixture(trace: Trace, layer: int, head: int, query: int, shown: int = 6) -> Mixture:
    """What a head reads at one query, taken apart by key."""
    at = f"blocks.{layer}.attn"
    weights = trace[f"{at}.pattern"][head, query]
    order = [int(i) for i in np.argsort(-weights, kind="stable") if i <= query or weights[i] > 0]
    parts = weights[:, None] * trace[f"{at}.v"][:, trace.config.group_of(head)]
    first, rest = order[:shown], order[shown:]
    return Mixture(
        tuple(first),
        weights[first],
        parts[first],
        len(rest),
        parts[rest].sum(axis=0),
        float(weights[rest].sum()),
        trace[f"{at}.z"][query, head],
    )


def sizes(vectors: Array) -> Array:
    """The lengths of vectors. [..., D] -> [...]"""
    return np.linalg.norm(vectors, axis=-1)


def kernel_curve(found: Lookup, sharpness: float, n: int = 48) -> list[tuple[float, float]]:
    """The weight that a key of a given score has among these keys: (score, weight) from the lowest to the highest.

    The curve goes through every key's own (score, weight); at HARD it is a step at the best key.
    """
    low, high = float(found.scores.min()), float(found.scores.max())
    at = np.linspace(low, high, n)
    top = float(found.weights.max())
    if sharpness >= HARD:
        return [*((float(x), 0.0) for x in at), (high, top)]
    return [(float(x), top * float(np.exp(sharpness * (x - high)))) for x in at]


def running_total(riders: Sequence[Rider]) -> list[float]:
    """The lead after each rider has got on."""
    return np.cumsum([rider.lead for rider in riders]).tolist()


def total_logit(riders: Sequence[Rider]) -> float:
    """The logit that all of them make together."""
    return float(sum(rider.logit for rider in riders))


def chance_of(stage: Lens) -> float:
    """The probability of the followed token at this stage."""
    return float(np.exp(stage.log_prob))


# ---------------------------------------------------------------- one prompt, all that the prose says about it


@dataclass(frozen=True)
class Example:
    """A prompt whose last token must fetch something: what the model says, what one head reads, who wrote the answer.

    answer: the most likely next token, its chance; found: where the head looks, its weight there
    writer: the part that adds most to the lead over the runner-up; lens_first: the stage from which the answer is first
    for good, None if it never is
    """

    answer: int
    chance: float
    found: int
    weight: float
    effective: float
    writer: Rider
    lens_first: str | None


def example(tokens: tuple[int, ...], layer: int, head: int) -> Example:
    """Measure one prompt at its last token."""
    trace = lab.trace(tokens)
    last = len(tokens) - 1
    probs = softmax(trace["logits"][last].astype(np.float64))
    answer, rival = (int(i) for i in np.argsort(-probs, kind="stable")[:2])
    row = trace[f"blocks.{layer}.attn.pattern"][head, last]
    found = int(row.argmax())
    writer = max(bus(trace, last, answer, rival), key=lambda rider: rider.lead)
    first = None
    for stage in reversed(lens(trace, last, answer)):
        if stage.rank > 1:
            break
        first = stage.name
    effective = lookup(trace, layer, head, last, 1.0).effective
    return Example(answer, float(probs[answer]), found, float(row[found]), effective, writer, first)


def flattest_head(tokens: tuple[int, ...]) -> tuple[tuple[int, int], float]:
    """The head that reads most evenly at the last token: ((layer, head), how many keys its weights amount to)."""
    m, trace = lab.model(), lab.trace(tokens)
    rows = {
        (layer, head): trace[f"blocks.{layer}.attn.pattern"][head, -1].astype(np.float64)
        for layer in range(m.config.n_layers)
        for head in range(m.config.n_heads)
    }
    keys = {at: float(np.exp(entropy(row))) for at, row in rows.items()}
    best = max(keys, key=lambda at: keys[at])
    return best, keys[best]


def without_heads(tokens: tuple[int, ...], token: int, heads: Sequence[tuple[int, int]]) -> float:
    """The chance of a next token after the text when all of these heads, (layer, head), are off. 0 to 1"""
    m = lab.model()
    logits = forward(m.params, tokens, m.config, tuple(HeadOff(*head) for head in heads))["logits"][-1]
    return float(softmax(logits.astype(np.float64))[token])


def without_each_head(tokens: tuple[int, ...], token: int) -> Array:
    """The chance of a next token after the text when one head at a time is off. [L, H], 0 to 1"""
    m = lab.model()
    last = len(tokens) - 1
    chances = np.zeros((m.config.n_layers, m.config.n_heads))
    for layer in range(m.config.n_layers):
        for head in range(m.config.n_heads):
            logits = forward(m.params, tokens, m.config, (HeadOff(layer, head),))["logits"][last]
            chances[layer, head] = softmax(logits.astype(np.float64))[token]
    return chances

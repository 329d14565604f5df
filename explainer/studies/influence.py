"""Held against the real model: what a changed token changes, what depth is worth; and counts for large grids.

`paths.py` says what *can* depend on what, from the wiring alone. Here the same nodes are measured in real forward
passes (`relative_change`, `prediction_change`), and the models of the family, with and without their upper layers, are
compared on the same text (`variants`, `token_losses`, `held_out`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import accumulate, pairwise

import numpy as np

from explainer import corpus
from explainer.corpus.held_out import Loss, documents, floor, floor_tally, summary, tally
from explainer.kernel import checkpoint
from explainer.kernel.gradients import backward
from explainer.kernel.interventions import LayersAbove
from explainer.kernel.model import Array, forward, stream_keys, unembedded
from explainer.kernel.ops import cross_entropy, softmax
from explainer.kernel.paths import Edge, Graph, Node, attention_grid, measured_gradient, per_node
from explainer.kernel.sampling import generate
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.models.measured import kept
from explainer.studies import working

# ---------------------------------------------------------------- cones of all nodes at once


@dataclass(frozen=True)
class Cones:
    """For every node, as one integer: bit `level * n + position` is set for each node of its cone, itself included.

    reads:      node index -> whom it can have heard of
    influences: node index -> who can have heard of it
    """

    graph: Graph
    reads: tuple[int, ...]
    influences: tuple[int, ...]

    def index(self, level: int, position: int) -> int:
        return level * self.graph.n + position


@lru_cache(maxsize=32)
def grid(n: int, n_layers: int, sublayers: bool = False, written: int = 0, stride: int = 1) -> Graph:
    """`paths.attention_grid`, kept."""
    return attention_grid(n, n_layers, sublayers, written, stride=stride)


Shape = tuple[int, int, bool, int] | tuple[int, int, bool, int, int]
"""What `grid` is made of."""
ROWS = 6
"""Of more layers than there is room for (`lab.MANY_LAYERS`), as many rows or fewer are drawn."""


def shape_of(n: int, sublayers: bool = False, written: int = 0) -> Shape:
    """The grid of the model in use over n tokens; of many layers, each level stands for several."""
    layers = lab.model().config.n_layers
    stride = 1 if layers <= lab.MANY_LAYERS else -(-layers // ROWS)
    return n, layers, sublayers and stride == 1, written, stride


@lru_cache(maxsize=32)
def cones(graph_of: Shape) -> Cones:
    """The cones of all nodes of `grid(*graph_of)`. (The grid is made here, as results are remembered by small
    arguments.)"""
    return cones_of(grid(*graph_of))


def cones_of(graph: Graph) -> Cones:
    """The cones of all nodes of a graph: the same sets as Graph.reads and .influences.

    Two sweeps: over the arrows that arrive, upwards, for whom a node can have heard of; over those that leave,
    downwards, for who can have heard of it.
    """
    n = graph.n
    bit = {node: node.level * n + node.position for node in graph.nodes}
    reads = [1 << i for i in range(graph.levels * n)]
    influences = list(reads)
    for node in graph.nodes:  # each after everything that it is computed from
        for edge in graph.arriving[node]:
            reads[bit[node]] |= reads[bit[edge.source]]
    for node in reversed(graph.nodes):
        for edge in graph.leaving[node]:
            influences[bit[node]] |= influences[bit[edge.target]]
    return Cones(graph, tuple(reads), tuple(influences))


def read_grid(trace: Trace, least: float) -> tuple[Graph, dict[Edge, float]]:
    """The grid of one pass with the arrows alone by which something was read, and how much: of any wiring.

    least:   the share of its attention, of the head that gives most, from which a column counts as read
    returns: the attention grid with sublayers, without the sideways arrows that are less; arrow -> that share, of the
             sideways ones
    """
    whole = attention_grid(len(trace.tokens), trace.config.n_layers, sublayers=True)
    shares: dict[Edge, float] = {}
    for edge in whole.edges:
        if edge.kind == "attention":
            layer = edge.source.level // 2
            pattern = trace[f"blocks.{layer}.attn.pattern"]  # [H, T, S]
            shares[edge] = float(pattern[:, edge.target.position, edge.source.position].max())
    kept = tuple(edge for edge in whole.edges if shares.get(edge, 1.0) >= least)
    return replace(whole, edges=kept), {edge: shares[edge] for edge in kept if edge in shares}


# ---------------------------------------------------------------- counting in large grids


def running_counts(n: int, n_layers: int) -> list[list[int]]:
    """How many paths lead from any embedding to each node of an attention grid: by addition alone, exactly.

    Level 0 has one path per token (it starts there). A node of the next level is reached by every path that reached
    its own column or an earlier one, so each level is the running sum of the one below.

    returns: [n_layers + 1][n] Python integers; the last of the last is C(n + n_layers - 1, n_layers)
    The same numbers as Graph.count_from(None), without making n^2 arrows.
    """
    if n < 1 or n_layers < 0:
        raise ValueError(f"a grid has at least one token and no fewer than 0 layers, not {n} and {n_layers}")
    rows = [[1] * n]
    for _ in range(n_layers):
        rows.append(list(accumulate(rows[-1])))
    return rows


def staircase(graph: Graph) -> tuple[Edge, ...]:
    """One of the longest paths of an attention grid, and an instructive one.

    Through the prompt it moves right a little at every layer; then up and round through every written column. As long
    as Graph.longest_path(), which a test asserts.
    """
    top, written = graph.levels - 1, graph.details["written"]
    last = graph.n - 1 - written  # the last column of the prompt
    stops = [Node(level, round(level * last / max(top, 1))) for level in range(top + 1)]
    if top == 0:
        stops = [Node(0, last)]
    for position in range(last + 1, graph.n):
        stops += [Node(level, position) for level in range(graph.levels)]
    return tuple(next(e for e in graph.arriving[b] if e.source == a) for a, b in pairwise(stops))


# ---------------------------------------------------------------- a changed token


def replaced(tokens: Sequence[int], position: int, token: int) -> tuple[int, ...]:
    """The text with another token at one position."""
    changed = list(tokens)
    changed[position] = token
    return tuple(changed)


def relative_change(graph: Graph, before: Mapping[str, Array], after: Mapping[str, Array]) -> Array:
    """By how much each node's vector moved, as a share of its length: ||after - before|| / ||before||.

    returns: [levels, n]; exactly 0 where not one number changed
    """

    def moved(key: str) -> Array:
        return np.linalg.norm(after[key] - before[key], axis=-1) / np.linalg.norm(before[key], axis=-1)

    return per_node(graph, moved)


def forecasts(trace: Trace) -> Array:
    """What the model in use expects after each token. [T, V], float64"""
    stream = stream_keys(trace.config)[-1]
    logits = unembedded(trace, lab.model().params, trace[stream]) if "asked" in trace else trace["logits"]
    return softmax(logits.astype(np.float64))


def prediction_change(before: Trace, after: Trace) -> Array:
    """By how much the forecast after each token moved: total variation, 0 (the same) to 1 (nothing in common). [T]"""
    first, second = forecasts(before), forecasts(after)
    return np.abs(first - second).sum(axis=-1) / 2


@lab.per_model(8)
def pulled(tokens: tuple[int, ...], asks: int, shape: Shape) -> tuple[float, Array]:
    """A loss, and how strongly it pulls at every node of the grid of this shape.

    asks:    the loss is of the token after this one
    returns: nats; [levels, n] lengths of its gradient
    """
    m = lab.model()
    trace = forward(m.params, tokens, m.config, asked=[asks]) if m.config.wide else lab.trace(tokens)
    found = backward(trace, m.params, positions=[asks])
    return found.loss or 0.0, measured_gradient(grid(*shape), found.activations)


@lab.per_model(8)
def continuation(tokens: tuple[int, ...], n: int) -> tuple[int, ...]:
    """The n tokens that the model writes after this text if it always takes the most likely one."""
    m = lab.model()
    fits = tokens[-(lab.window() - n) :]
    return tuple(step.token for step in generate(m, fits, n, temperature=0.0))


# ---------------------------------------------------------------- a word that leaves the window

DOCUMENTS = 60
DOCUMENTS_SEED = (7, 20_26)
FAR = 12  # tokens between a word and what it decides, at least


@dataclass(frozen=True)
class Lost:
    """A place in a document where one earlier word decides the next one, read with that word and without it.

    before:  the words up to that word; decides: that word; after: the words from there to the place
    token:   what comes next: the first token of the same word
    n_whole, n_with, n_without: how many tokens are read: all; from the deciding word on; from behind it on
    whole, with_word, without:  the probability that the model gives to `token` then
    truth, truth_without: its true odds for who knows the whole text; for who knows all of it but the deciding word
    instead, p_instead: without the word, the model's likeliest token and its probability
    apart, apart_whole: how far all of the model's odds are from the true ones (total variation): without the word, from
             those of who knows all but that word; with the whole text, from those of who knows it
    """

    before: str
    decides: str
    after: str
    token: int
    n_whole: int
    n_with: int
    n_without: int
    whole: float
    with_word: float
    without: float
    truth: float
    truth_without: float
    instead: int
    p_instead: float
    apart: float
    apart_whole: float


class Forgetful:
    """Who reads a document's beginning word by word but does not know one of its words: a Bayesian reader.

    It follows the grammar's script once for every word that could stand at the unknown place, and weighs each by its
    odds there and by the odds of the words that followed. What cannot be any more is dropped.

    words: those before the unknown one, known
    """

    def __init__(self, words: Sequence[str]):
        _, step = corpus.written(words)
        self._could: list[tuple[float, corpus.Script, corpus.Step | None]] = [
            (p, *corpus.written([*words, word])) for word, p in (step.odds if step else {}).items() if p > 0
        ]

    def feed(self, word: str) -> None:
        """Read the next known word."""
        going: list[tuple[float, corpus.Script, corpus.Step | None]] = []
        for weight, script, step in self._could:
            if p := step.odds.get(word, 0.0) if step else 0.0:
                try:
                    after: corpus.Step | None = script.send(word)
                except StopIteration:  # the document is complete
                    after = None
                going.append((weight * p, script, after))
        self._could = going

    def next_tokens(self) -> Array:
        """The true odds of the next token for this reader. [V] Raises ValueError for words that are never written."""
        if not self._could:
            raise ValueError("the grammar never writes these words, whatever the unknown one was")
        tokenizer = lab.tokenizer()
        odds = np.zeros(tokenizer.n_vocab)
        for weight, _, step in self._could:
            for word, p in step.odds.items() if step else (("", 1.0),):
                odds[tokenizer.encode_word(word)[0] if word else tokenizer.end_id] += weight * p
        return odds / odds.sum()


def truth_without(words: Sequence[str], unknown: int) -> Array:
    """The true odds of the next token for who knows all words of a document's beginning but one. [V]"""
    reader = Forgetful(words[:unknown])
    for word in words[unknown + 1 :]:
        reader.feed(word)
    return reader.next_tokens()


def _tokens_of(words: Sequence[str]) -> list[int]:
    return [token for word in words for token in lab.tokenizer().encode_word(word)]


@kept
def lost_words(name: str = lab.STORYTELLER, n_documents: int = DOCUMENTS) -> tuple[Lost, ...]:
    """In documents of the corpus, every place that is decided by one word far back, and what the model says there.

    Decided: the true odds of what comes next are at least 99 % with that word, and less than 50 % for who knows all the
    text but that word. The word stands nowhere else before.
    """
    m, rng = lab.model(name), np.random.default_rng(DOCUMENTS_SEED)
    found = []
    for _ in range(n_documents):
        words = list(corpus.sample_words(rng))
        ends = list(accumulate((len(_tokens_of([word])) for word in words), initial=1))  # the start token is in front
        tokens = (lab.tokenizer().end_id, *_tokens_of(words))[: m.config.n_ctx]
        odds = [odds for odds, _, _ in corpus.iterate_truth(tokens, lab.tokenizer())]
        whole = _odds(m, tokens)
        readers: dict[int, tuple[int, Forgetful]] = {}  # unknown word -> words read so far, by whom
        for j, word in enumerate(words):
            i = words.index(word)
            if words[:j].count(word) != 1 or ends[j] - ends[i] < FAR or ends[j] >= len(tokens):
                continue
            token = tokens[ends[j]]
            truth, free = odds[ends[j] - 1][token], odds[ends[i] - 1][tokens[ends[i]]] < 0.99
            if not free or truth < 0.99:
                continue
            read, reader = readers.get(i) or (i + 1, Forgetful(words[:i]))
            for between in words[read:j]:
                reader.feed(between)
            readers[i] = j, reader
            unknown = reader.next_tokens()
            if unknown[token] >= 0.5:
                continue
            known = np.zeros(len(unknown))
            known[list(odds[ends[j] - 1])] = list(odds[ends[j] - 1].values())
            seen, unseen = (_odds(m, tokens[start : ends[j]])[-1] for start in (ends[i], ends[i + 1]))
            found.append(
                Lost(
                    "".join(words[:i]),
                    word,
                    "".join(words[i + 1 : j]),
                    token,
                    ends[j],
                    ends[j] - ends[i],
                    ends[j] - ends[i + 1],
                    float(whole[ends[j] - 1][token]),
                    float(seen[token]),
                    float(unseen[token]),
                    truth,
                    float(unknown[token]),
                    int(unseen.argmax()),
                    float(unseen.max()),
                    _apart(unseen, unknown),
                    _apart(whole[ends[j] - 1], known),
                )
            )
    return tuple(found)


def _apart(p: Array, q: Array) -> float:
    return float(np.abs(p - q).sum() / 2)


def _odds(m: checkpoint.Model, tokens: Sequence[int]) -> Array:
    return softmax(forward(m.params, tokens, m.config)["logits"].astype(np.float64))


# ---------------------------------------------------------------- working written down

ORDERS = ("answer", "working")


def answer_span(attempt: working.Attempt) -> tuple[int, int] | None:
    """Where in `attempt.written` the answer's digits stand: (first token, one past the last), None if there is none."""
    if attempt.answer is None:
        return None
    tokenizer = lab.tokenizer()
    given = tokenizer.decode(attempt.opening[1:])
    lengths = [len(given + tokenizer.decode(attempt.written[:k])) for k in range(len(attempt.written) + 1)]
    found = re.search(r" Answer: ([0-9]+)\.", attempt.text)
    if found is None:
        return None
    inside = [k for k in range(len(attempt.written)) if lengths[k] < found.end(1) and lengths[k + 1] > found.start(1)]
    return inside[0], inside[-1] + 1


# ---------------------------------------------------------------- depth


@dataclass(frozen=True)
class Variant:
    """A model of some depth: trained that deep, or cut down to it.

    name:    as the page writes it
    model:   name of the checkpoint
    removed: how many layers were taken off the top
    depth:   how many layers still write
    """

    name: str
    model: str
    removed: int
    depth: int

    def interventions(self) -> tuple[LayersAbove, ...]:
        return (LayersAbove(self.depth - 1),) if self.removed else ()

    def trace(self, tokens: Sequence[int]) -> Trace:
        m = lab.model(self.model)
        return forward(m.params, tokens, m.config, self.interventions())


@cache  # not lru_cache: this one survives into the page
def family() -> tuple[tuple[int, str], ...]:
    """(layers, name) of the checkpoints that are there, the shallowest first.

    Kept: a page fetches the smaller ones only when something asks for their weights.
    """
    there = checkpoint.available()
    return tuple((n, name) for n, name in sorted(lab.FAMILY.items()) if name in there)


def variants() -> tuple[Variant, ...]:
    """The family as trained, then the deepest with its layers taken off one by one from the top."""
    trained = [Variant(f"{n} layer{'s' * (n > 1)}", name, 0, n) for n, name in family()]
    deepest = trained[-1]
    cut = [
        Variant(f"{deepest.depth} layers, top {k} removed", deepest.model, k, deepest.depth - k)
        for k in range(1, deepest.depth)
    ]
    return (*trained, *cut)


def token_losses(variant: Variant, tokens: Sequence[int]) -> Array:
    """How surprised this model is by each token of the text after the first: nats, [T - 1]."""
    logits = variant.trace(tokens)["logits"][:-1].astype(np.float64)  # finely enough that 0 is not what rounding left
    return cross_entropy(logits, np.asarray(tokens[1:]))


@kept
def held_out(variant: Variant) -> Loss:
    """How well this model predicts the site's one held-out set, with intervals; `rise` is over the truth's own loss."""
    texts = documents(lab.tokenizer())
    return summary(tally(lambda tokens: variant.trace(tokens)["logits"], texts), texts, floor_tally(texts))


@kept
def held_out_floor() -> Loss:
    """The least loss that anything could have on that set: the truth's own."""
    return floor(lab.tokenizer())

"""The two steps by which a piece of a name is found again, and what is left of them when single edges are cut.

First step, in lower layers: the token that will be `found` has read the one before it, and so carries 'I follow ...'.
Second step, above: the last token, which is that same piece, asks, and `found` is read. Two heads in two layers make
an induction circuit (Olsson et al. 2022). What is done here is to cut single edges (layer, head, query, key) of
attention (attention knockout: Geva et al. 2023), one by one and together: where writers are redundant, no cut
alone shows anything. Path patching (Wang et al. 2022; Goldowsky-Dill et al. 2023) shows which of q, k, v of the upper
heads carries the news: one of them is taken from the run with the first step cut, all else from the run as it is, and
the other way round.

Layers and heads count from 0, positions from 0 (the start token). All chances are of one token, the one that the model
holds most likely after the text.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus import held_out, names
from explainer.kernel.heads import CLEAR
from explainer.kernel.interventions import Edge, Edit, NoEdges, Patch, all_heads
from explainer.kernel.model import forward
from explainer.kernel.ops import softmax
from explainer.kernel.sampling import by_probability
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.models.measured import kept
from explainer.studies import attention_facts as facts

Array = np.ndarray
BREAKS = 0.5
"""A cut breaks the circuit if it leaves the answer less than this share of its chance."""
FALL = 0.05
"""A layer has a part in a step if, with some of the step's other layers cut, cutting it as well takes at least this
share of the chance."""
LOOKS = 0.1
"""A layer can be a reader if one of its heads gives what is found at least this share."""
SURE = 0.25
"""From this chance on the model has an answer whose way can be asked for."""


def wires(layers: Iterable[int], query: int, key: int) -> frozenset[Edge]:
    """The edges of all heads of some layers between two tokens."""
    return all_heads(lab.model().config, layers, query, key)


# ---------------------------------------------------------------- one text


@dataclass(frozen=True)
class Wire:
    """All edges of one layer between two tokens: one of the writers, or readers, of a step.

    heads: (head, its share of attention, the chance if it alone is cut), the largest share first
    cut:   the chance of the answer if this layer alone is cut
    left:  the chance if all other layers of the step are cut and this one is left
    """

    layer: int
    query: int
    key: int
    heads: tuple[tuple[int, float, float], ...]
    cut: float
    left: float

    @property
    def edges(self) -> frozenset[Edge]:
        return wires([self.layer], self.query, self.key)


@dataclass(frozen=True)
class Patched:
    """One of q, k, v of the upper heads by itself: q of the last token, k and v of the one that is found.

    cut:  the chance if it alone comes from the run with the first step cut
    kept: the chance if the first step is cut and it alone comes from the run as it is
    """

    part: str
    cut: float
    kept: float


@dataclass(frozen=True)
class Circuit:
    """The two steps on one text.

    last, found: the token that asks and the one that is found; before found stands what is followed (found - 1)
    answer, chance: the likeliest token after the text, which is the one found, and its chance
    first, second: the layers that have a part (`FALL`) in the one step and in the other, from below
    first_cut, second_cut: the chance with all layers of a step cut
    control: the chance if in the layers of the first step `found` may not read the token one further back instead
    patched: by part, "q", "k", "v", in the layers of the second step
    """

    tokens: tuple[int, ...]
    last: int
    found: int
    answer: int
    chance: float
    first: tuple[Wire, ...]
    second: tuple[Wire, ...]
    first_cut: float
    second_cut: float
    control: float
    patched: tuple[Patched, ...]

    @property
    def before(self) -> int:
        return self.found - 1

    @property
    def other(self) -> int:
        """The token that the control edge leads to."""
        return self.found - 2

    @property
    def first_edges(self) -> frozenset[Edge]:
        return edges_of(self.first)

    @property
    def second_edges(self) -> frozenset[Edge]:
        return edges_of(self.second)

    @property
    def control_edges(self) -> frozenset[Edge]:
        return wires([w.layer for w in self.first], self.found, self.other)

    @property
    def all_edges(self) -> frozenset[Edge]:
        """Of both steps and of the control."""
        return self.first_edges | self.second_edges | self.control_edges

    @property
    def readers(self) -> list[tuple[int, int]]:
        """The heads of the second step that give what is found a clear share (`heads.CLEAR`), from below."""
        return sorted((w.layer, head) for w in self.second for head, share, _ in w.heads if share >= CLEAR)

    @property
    def redundant(self) -> bool:
        """Whether the first step is written more than once: no layer's cut alone breaks it, all together do."""
        return len(self.first) > 1 and all(w.cut >= BREAKS * self.chance for w in self.first)


class NoCircuit(Exception):
    """This text has no such circuit; the message says in plain words what is missing."""


@lab.per_model(512)
def after(tokens: tuple[int, ...], edges: frozenset[Edge] = frozenset()) -> Array:
    """The chances of all next tokens with some edges cut. [V], float64"""
    m = lab.model()
    if not edges:
        return softmax(lab.trace(tokens)["logits"][-1].astype(np.float64))
    return softmax(forward(m.params, tokens, m.config, (NoEdges(edges),))["logits"][-1].astype(np.float64))


@dataclass(frozen=True)
class Odds:
    """The answer's chance with some edges cut, and the likeliest others. top: (token, chance), rest: of all others"""

    chance: float
    top: tuple[tuple[int, float], ...]
    rest: float


def odds(tokens: tuple[int, ...], answer: int, edges: frozenset[Edge], shown: int = 3) -> Odds:
    """What may come next with these edges cut: the answer, and up to `shown` others with at least 2 %."""
    probs = after(tokens, edges)
    top = [(int(t), float(probs[t])) for t in by_probability(probs) if t != answer and probs[t] >= 0.02][:shown]
    chance = float(probs[answer])
    return Odds(chance, tuple(top), max(0.0, 1.0 - chance - sum(p for _, p in top)))


def copiers() -> list[tuple[int, int]]:
    """The heads that copy names by their measured score (`CLEAR`), the strongest first."""
    scores = facts.head_scores().scores["copy"]
    ranked = sorted(np.ndindex(scores.shape), key=lambda at: -scores[at])
    return [(int(i), int(h)) for i, h in ranked if scores[i, h] >= CLEAR]


def most_read(trace: Trace, query: int) -> int:
    """The token that the copying heads together read most from `query`; the start token does not count."""
    read = sum(trace[f"blocks.{layer}.attn.pattern"][head, query].astype(np.float64) for layer, head in copiers())
    return 1 + int(np.asarray(read)[1 : query + 1].argmax())


@lab.per_model(16)
def circuit(tokens: tuple[int, ...]) -> Circuit:
    """Take the two steps on a text apart. Raises NoCircuit, with the reason, where there are none."""
    m, last = lab.model(), len(tokens) - 1
    say = lab.tokenizer().display
    if last < 3:
        raise NoCircuit("The text is too short to repeat anything.")
    base = after(tokens)
    answer = int(base.argmax())
    chance = float(base[answer])
    trace = lab.trace(tokens)
    found = most_read(trace, last)
    if chance < SURE:
        raise NoCircuit(f"The model is not sure of any next piece here ({say(answer)} has the most).")
    if tokens[found] != answer or found == last:
        raise NoCircuit(
            f"The heads that copy names read {say(tokens[found])} most here, and that is not what comes next "
            f"({say(answer)}): nothing is copied by them."
        )
    if found < 3:
        raise NoCircuit(f"{say(answer)} stands too near to the beginning: there are not two pieces before it.")

    def chance_of(edges: frozenset[Edge]) -> float:
        return float(after(tokens, edges)[answer])

    shares = [float(trace[f"blocks.{i}.attn.pattern"][:, last, found].max()) for i in range(m.config.n_layers)]
    looks = [i for i, share in enumerate(shares) if share >= LOOKS]
    readers, second = step(looks, last, found, answer, tokens)
    if not readers or second >= BREAKS * chance:
        raise NoCircuit(
            f"Forbid {say(tokens[last])} to read {say(answer)}, and the model says {say(answer)} all the same: "
            "it does not need that edge here."
        )
    markers, first = step(range(readers[-1].layer), found, found - 1, answer, tokens)
    if not markers or first >= BREAKS * chance:
        raise NoCircuit(
            f"Forbid {say(answer)} to read {say(tokens[found - 1])} before it, and it is found all the same: "
            "no note that it follows that piece is needed here."
        )
    first_edges = edges_of(markers)
    control = chance_of(wires([w.layer for w in markers], found, found - 2))
    if control < BREAKS * chance:
        raise NoCircuit(
            f"Forbid {say(answer)} to read any of the two pieces before it, and it is lost: so nothing can be said of "
            f"{say(tokens[found - 1])} alone."
        )
    upper = [w.layer for w in readers]
    patched = tuple(patch(tokens, answer, first_edges, upper, part, last, found) for part in "qkv")
    return Circuit(
        tokens, last, found, answer, chance, markers, readers, first, chance_of(edges_of(readers)), control, patched
    )


def edges_of(some: Iterable[Wire]) -> frozenset[Edge]:
    """All edges of some wires."""
    return frozenset(edge for wire in some for edge in wire.edges)


def step(
    layers: Sequence[int], query: int, key: int, answer: int, tokens: tuple[int, ...]
) -> tuple[tuple[Wire, ...], float]:
    """Which of these layers have a part in that `query` reads `key`, and the chance of the answer with all of them cut.

    Every subset of the layers is cut. A layer has a part if its cut takes `FALL` of the chance in some company.
    Where none has, all layers are cut for the chance that is returned.
    """
    config = lab.model().config
    left = {
        frozenset(some): float(after(tokens, wires(some, query, key))[answer])
        for n in range(len(layers) + 1)
        for some in itertools.combinations(layers, n)
    }
    whole = left[frozenset()]
    parts = [i for i in layers if any(left[some] - left[some | {i}] >= FALL * whole for some in left if i not in some)]
    if not parts:
        return (), left[frozenset(layers)]
    trace = lab.trace(tokens)
    found = []
    for i in parts:
        shares = trace[f"blocks.{i}.attn.pattern"][:, query, key]
        alone = [float(after(tokens, frozenset([(i, h, query, key)]))[answer]) for h in range(config.n_heads)]
        heads = tuple((int(h), float(shares[h]), alone[h]) for h in np.argsort(-shares, kind="stable"))
        found.append(Wire(i, query, key, heads, left[frozenset([i])], left[frozenset(parts) - {i}]))
    return tuple(found), left[frozenset(parts)]


def patch(
    tokens: tuple[int, ...],
    answer: int,
    first: frozenset[Edge],
    upper: Sequence[int],
    part: str,
    last: int,
    found: int,
) -> Patched:
    """Path patching of one of q, k, v in the upper layers, in both directions (`Patched`).

    Source: Wang et al. 2022 (Interpretability in the Wild); Goldowsky-Dill et al. 2023 (Localizing Model Behavior with
    Path Patching)
    """
    m, cut = lab.model(), NoEdges(first)
    clean, broken = lab.trace(tokens), forward(m.params, tokens, m.config, (cut,))
    at = last if part == "q" else found

    def run(source: Trace, before: tuple[Edit, ...]) -> float:
        patches = [Patch.of(source, f"blocks.{i}.attn.{part}", at, h) for i in upper for h in range(m.config.n_heads)]
        logits = forward(m.params, tokens, m.config, (*before, *patches))["logits"][-1]
        return float(softmax(logits.astype(np.float64))[answer])

    return Patched(part, run(broken, ()), run(clean, (cut,)))


# ---------------------------------------------------------------- edges as a link carries them


def coded(edges: Iterable[Edge]) -> str:
    """Edges as compact text: 'layer.head.query.key', or 'layer.query.key' for all heads of a layer; commas between."""
    left, whole = set(edges), []
    n_heads = lab.model().config.n_heads
    for layer, query, key in sorted({(e[0], *e[2:]) for e in left}):
        every = wires([layer], query, key)
        if len(every) == n_heads and every <= left:
            whole.append((layer, query, key))
            left -= every
    return ",".join(".".join(map(str, x)) for x in [*whole, *sorted(left)])


MOST_EDGES = 40


def decoded(text: str, n_tokens: int) -> frozenset[Edge]:
    """The edges that a text names (`coded`). Raises ValueError in plain words."""
    config = lab.model().config
    found: set[Edge] = set()
    names = [part for part in text.split(",") if part.strip()]
    if len(names) > MOST_EDGES:
        raise ValueError(f"{len(names):,} edges are too many to cut at once (at most {MOST_EDGES}).")
    for name in names:
        parts = name.strip().split(".")
        if len(parts) not in (3, 4) or not all(p.isascii() and p.isdigit() and len(p) < 4 for p in parts):
            raise ValueError(
                f"“{name.strip()[:30]}” is no edge; one is written layer.head.query.key, like 2.3.10.9, or "
                "layer.query.key for all heads."
            )
        layer, *head, query, key = map(int, parts)
        if layer >= config.n_layers or (head and head[0] >= config.n_heads):
            raise ValueError(f"“{name.strip()}”: there is no such head here.")
        if not key < query < n_tokens:
            raise ValueError(f"“{name.strip()}”: this text has no such edge; a token reads an earlier one.")
        found |= {(layer, head[0], query, key)} if head else wires([layer], query, key)
    return frozenset(found)


# ---------------------------------------------------------------- many names


@kept
def one_letter(lengths: Sequence[int], prompt: str) -> tuple[int, int]:
    """Names of one letter written again and again: how many of them the model finishes, and of how many.

    lengths: how many letters they have, for each of a to z; prompt: a text with the places {name} and {start}
    """
    right = 0
    for letter, n in itertools.product(names.LETTERS, lengths):
        text = prompt.format(name=names.written(letter * n), start=names.written(letter * (n - 1)))
        *tokens, piece = lab.tokens_of(f"{text}-{letter}")
        right += int(lab.model().forward(tokens)["logits"][-1].argmax()) == piece
    return right, len(names.LETTERS) * len(lengths)


N_NAMES = 100
MOST_IN_ONE = 2  # of these places in one document, so that they come from many


@dataclass(frozen=True)
class OnNames:
    """The same cuts where a name of the held-out set has begun and its next piece has stood behind this very piece.

    cuts: what is cut -> (the mean chance of that piece, the share of places at which it keeps half of it), as means
          with intervals. By lower layers, "1" or "0 1 2"; "control": one token further back, in all of these
    parts: "k cut", "k kept", "v cut" ... (`Patched`), the share of places, as a mean with interval
    either: the share of places where no lower layer's cut alone breaks it and all together do
    upper: the layer of the head that copies best: those below it are the lower ones
    """

    upper: int
    cuts: Mapping[str, tuple[held_out.Mean, held_out.Mean]]
    parts: Mapping[str, held_out.Mean]
    either: held_out.Mean


def places() -> list[tuple[int, tuple[int, ...], tuple[int, ...], int]]:
    """The first N_NAMES such places, MOST_IN_ONE in a document: (document, text, where the piece stands, the piece)."""
    tok = lab.tokenizer()
    found: list[tuple[int, tuple[int, ...], tuple[int, ...], int]] = []
    for i, doc in enumerate(held_out.documents(tok)):
        ids, here = doc.tokens, 0
        for query, kind in enumerate(doc.kinds):
            inside = kind == "copy" and not tok.token_bytes(ids[query + 1]).startswith(b" ")
            at = tuple(s for s in range(2, query) if (ids[s - 1], ids[s]) == (ids[query], ids[query + 1]))
            if inside and at and here < MOST_IN_ONE and len(found) < N_NAMES:
                here += 1
                found.append((i, tuple(ids[: query + 1]), at, ids[query + 1]))
    return found


@kept
def on_names() -> OnNames:
    """Cut and patch the first step at many places of the held-out set: every earlier place of the piece at once."""
    m = lab.model()
    upper = copiers()[0][0]
    lower = range(upper)
    rows: list[dict[str, float]] = []
    documents: list[int] = []
    for document, ids, at, piece in places():

        def chance(*edits: Edit, ids: tuple[int, ...] = ids, piece: int = piece) -> float:
            return float(softmax(forward(m.params, ids, m.config, edits)["logits"][-1].astype(np.float64))[piece])

        def cut(layers: Iterable[int], back: int = 1, at: tuple[int, ...] = at) -> NoEdges:
            return NoEdges(frozenset(edge for s in at for edge in wires(layers, s, s - back)))

        row = {"": chance()}
        for n in range(1, upper + 1):
            row |= {" ".join(map(str, some)): chance(cut(some)) for some in itertools.combinations(lower, n)}
        row["control"] = chance(cut(lower, 2))
        clean, broken = (forward(m.params, ids, m.config, edits) for edits in ((), (cut(lower),)))
        for part in "qkv":
            spots = (len(ids) - 1,) if part == "q" else at
            put = lambda source, spots=spots, part=part: [  # noqa: E731
                Patch.of(source, f"blocks.{upper}.attn.{part}", s, h) for s in spots for h in range(m.config.n_heads)
            ]
            row[f"{part} cut"] = chance(*put(broken))
            row[f"{part} kept"] = chance(cut(lower), *put(clean))
        rows.append(row)
        documents.append(document)
    counts = np.bincount(documents)

    def mean(values: Sequence[float]) -> held_out.Mean:
        return held_out.mean(np.bincount(documents, weights=np.array(values, dtype=float)), counts)

    keeps = {name: [row[name] >= BREAKS * row[""] for row in rows] for name in rows[0]}
    patches = [name for name in rows[0] if name[:1] in ("q", "k", "v")]
    cuts = {name: (mean([row[name] for row in rows]), mean(keeps[name])) for name in rows[0] if name not in patches}
    single, every = [keeps[str(i)] for i in lower], keeps[" ".join(map(str, lower))]
    either = mean([all(alone) and not kept for *alone, kept in zip(*single, every, strict=True)])
    return OnNames(upper, cuts, {name: mean(keeps[name]) for name in patches}, either)

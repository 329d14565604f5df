"""What the one picture tells: a text climbs through the layers, its last column is asked for a word, that drops back.

Columns are the pieces of the text, floors the layers (bundles of them, where there are many), arcs the attention, the
roof the odds of the next piece. An arc is said to *carry* the word only after a test: without it the word has clearly
less chance (`FALL`). All numbers are made by the kernel, for this text and this draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from explainer.kernel.cache import KVCache, step
from explainer.kernel.heads import compared
from explainer.kernel.interventions import NoEdges, all_heads
from explainer.kernel.model import Model, forward, unembedded
from explainer.kernel.ops import softmax
from explainer.kernel.sampling import Settings, by_probability
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.studies import story
from explainer.studies.next_token import goes_on, spelled

Array = np.ndarray

DRAWN = 0.18
"""From this weight on an arc is drawn (and tested) where the word comes from."""
FAINT = 0.45
"""From this weight on an arc is drawn elsewhere, untested and in grey."""
FALL = 0.05
"""An arc carries the word if without it the word loses at least this share of its chance."""
SURE = 0.25
"""A reading of a floor (logit lens) is told from this chance on."""
MOST_FLOORS = 6
MOST_TESTS = 96
"""So many arcs are tested at most, the ones nearest to the roof first; each test is one pass of the model."""
FEW_TESTS = 8
"""The same of a further model, of which one pass takes a fifth of a second."""
SHOWN_ODDS = 5
START = "start"  # what the mark before every text is called
LEAST_ODDS = 0.004


@dataclass(frozen=True)
class Column:
    """One piece of the text.

    text: as a reader writes it, without the space or hyphen before it; begins, ends: the columns of the word that it
    belongs to, from `begins` up to before `ends`; written: by the model; hyphen: it goes on with a name in pieces
    """

    token: int
    text: str
    hyphen: bool
    begins: int
    ends: int
    written: bool


@dataclass(frozen=True)
class Arc:
    """That one column reads another, one floor below.

    weight: of the strongest head, 0 to 1; layer, head: which one that is
    without: the chance that is left for the word when the arc is cut, in all heads; None: not tested
    carries: whether that is clearly less (`FALL`)
    """

    floor: int
    query: int
    key: int
    weight: float
    layer: int
    head: int
    without: float | None
    carries: bool


@dataclass(frozen=True)
class Reading:
    """What a column would say if the model stopped here (logit lens): the likeliest piece and its chance.

    fits: whether it can be read as a word here: it begins one, goes on with a name, is a mark or the end, and has the
          chance `SURE`
    """

    token: int
    text: str
    chance: float
    fits: bool


@dataclass(frozen=True)
class Floor:
    """One layer, or a bundle of them.

    number: from 1, at the bottom; first, last: its layers
    change:  [T], the size of what it added to each column's residual stream, relative to what came in
    arcs:    what is drawn, and what is tested, the strongest first within a column
    read:    [T], what each column would say now
    """

    number: int
    first: int
    last: int
    change: tuple[float, ...]
    arcs: tuple[Arc, ...]
    read: tuple[Reading, ...]


@dataclass(frozen=True)
class Odds:
    """One piece on the roof. unfinished: the model would go on with the same word after it"""

    token: int
    text: str
    chance: float
    unfinished: bool


@dataclass(frozen=True)
class Roof:
    """What lies on the roof: the likeliest pieces, the rest of all others, which one is said (its place among `odds`),
    and where the ball fell within its stretch, 0 to 1."""

    odds: tuple[Odds, ...]
    rest: float
    said: int
    at: float


@dataclass(frozen=True)
class Climb:
    """One turn: the text as it stands, the way up, and what is drawn on the roof.

    columns: [T]; floors: from the bottom; odds: the likeliest pieces, the drawn one among them; rest: of all others
    said:    the place of the drawn piece among `odds`; at: where the ball fell within its stretch, 0 to 1
    ended:   the text ends with this draw
    """

    turn: int
    columns: tuple[Column, ...]
    floors: tuple[Floor, ...]
    odds: tuple[Odds, ...]
    rest: float
    said: int
    at: float
    ended: bool

    @property
    def last(self) -> int:
        """The column that is asked."""
        return len(self.columns) - 1

    @property
    def word(self) -> Odds:
        """The piece that is drawn."""
        return self.odds[self.said]

    @property
    def arcs(self) -> Iterator[Arc]:
        return (arc for floor in self.floors for arc in floor.arcs)

    @property
    def carriers(self) -> list[Arc]:
        """The arcs that carry the word, from the roof down."""
        return [arc for floor in reversed(self.floors) for arc in floor.arcs if arc.carries]


# ---------------------------------------------------------------- words


def text_of(token: int) -> str:
    """A piece as a reader writes it: no mark for the space before it, no hyphen; 'the end' for the end of a text."""
    if token == lab.tokenizer().end_id:
        return "the end"
    shown = lab.tokenizer().display(token)
    return shown.lstrip("␣").removeprefix("-") or shown


def columns_of(tape: Sequence[int], given: int) -> tuple[Column, ...]:
    """The pieces of a text, each with the stretch of its word. given: how many of them the model did not write"""
    starts = [i for i, token in enumerate(tape) if not (i and goes_on(token) and spelled(tape[i - 1]))]
    stretches = [(a, b) for a, b in zip(starts, [*starts[1:], len(tape)], strict=True) for _ in range(a, b)]
    found = []
    for i, (token, (begins, ends)) in enumerate(zip(tape, stretches, strict=True)):
        text = START if i == 0 and token == lab.tokenizer().end_id else text_of(token)
        hyphen = lab.tokenizer().token_bytes(token)[:1] == b"-"
        found.append(Column(token, text, hyphen, begins, ends, i >= given))
    return tuple(found)


def fits(token: int, before: int) -> bool:
    """Whether a piece can be read as a word after `before`: it begins one by two letters, or goes on with a name; a
    mark (“.”) is a word, too, and so is the end of the text."""
    piece = lab.tokenizer().token_bytes(token)
    if token == lab.tokenizer().end_id or (piece.isascii() and piece.strip() and not any(map(is_letter, piece))):
        return piece != b"-"
    if piece[:1] == b"-":
        return spelled(before) and piece[1:2].isalpha()
    return piece[:1] == b" " and piece[1:].isalpha() and (len(piece) > 2 or piece in (b" a", b" I"))


def is_letter(byte: int) -> bool:
    """Whether a byte is a letter or a digit."""
    return chr(byte).isalnum()


# ---------------------------------------------------------------- floors


def bundles(n_layers: int, most: int = MOST_FLOORS, opened: int | None = None) -> tuple[tuple[int, int], ...]:
    """The layers as at most `most` floors, as (first, last), as even as can be, larger ones below.

    opened: the number of a floor (from 1) whose layers stand apart
    """
    n = min(n_layers, most)
    sizes = [n_layers // n + (i < n_layers % n) for i in range(n)]
    ends = np.cumsum(sizes)
    found = [(int(end - size), int(end - 1)) for size, end in zip(sizes, ends, strict=True)]
    if opened is not None and 1 <= opened <= n:
        first, last = found[opened - 1]
        found[opened - 1 : opened] = [(layer, layer) for layer in range(first, last + 1)]
    return tuple(found)


def strongest(trace: Trace, first: int, last: int) -> tuple[Array, Array]:
    """For each pair the weight of the strongest head of some layers, and which one it is.

    returns: [T, S] weights; [T, S] counts of heads, from head 0 of `first`
    """
    patterns = np.concatenate(
        [trace[f"blocks.{layer}.attn.pattern"] for layer in range(first, last + 1)]
    )  # [n H, T, S]
    return patterns.max(axis=0), patterns.argmax(axis=0)


def change(trace: Trace, first: int, last: int) -> Array:
    """[T], the size of what some layers added to each column's residual stream, relative to what came in."""
    before = trace[f"blocks.{first}.resid_pre"].astype(np.float64)
    after = trace[f"blocks.{last}.resid_post"].astype(np.float64)
    return np.linalg.norm(after - before, axis=-1) / np.linalg.norm(before, axis=-1)


# ---------------------------------------------------------------- the climb


def climbed(
    model: Model,
    tape: Sequence[int],
    said: int,
    *,
    turn: int = 0,
    given: int | None = None,
    at: float = 0.5,
    opened: int | None = None,
    tests: int = MOST_TESTS,
    most: int = MOST_FLOORS,
) -> Climb:
    """The way of a text up through a model to the piece that is said after it.

    tape: the text, the start token first; said: the piece; opened: the floor whose layers stand apart
    """
    tape = tuple(tape)
    trace = forward(model.params, tape, model.config)
    probs = softmax(trace["logits"][-1].astype(np.float64))
    chance = float(probs[said])
    levels = bundles(model.config.n_layers, most, opened)
    reached = {len(tape) - 1: len(levels)}  # column: up to which floor the word comes through it
    left = tests
    floors = []
    for number in range(len(levels), 0, -1):  # from the roof down, as far as what carries leads
        first, last = levels[number - 1]
        pairs = strongest(trace, first, last)
        arcs = []
        for query in sorted(range(len(tape)), key=lambda c: c not in reached):
            on_the_way = reached.get(query, 0) >= number
            for arc in reads(pairs, number, query, DRAWN if on_the_way else FAINT, first, model.config.n_heads):
                if on_the_way and left:
                    left -= 1
                    cut = (NoEdges(all_heads(model.config, range(first, last + 1), query, arc.key)),)
                    without = float(
                        softmax(forward(model.params, tape, model.config, cut)["logits"][-1].astype(np.float64))[said]
                    )
                    arc = replace(arc, without=without, carries=without <= (1 - FALL) * chance)
                arcs.append(arc)
        for arc in arcs:
            if arc.carries:
                reached[arc.key] = max(reached.get(arc.key, 0), number - 1)
        lens = unembedded(trace, model.params, trace[f"blocks.{last}.resid_post"])  # [T, V], the logit lens here
        read = tuple(reading(row, tape[c]) for c, row in enumerate(softmax(lens.astype(np.float64))))
        floors.append(Floor(number, first, last, tuple(change(trace, first, last).tolist()), tuple(arcs), read))
    above = roof(model, trace, probs, said, at)
    columns = columns_of(tape, len(tape) if given is None else given)
    return Climb(
        turn,
        columns,
        tuple(reversed(floors)),
        above.odds,
        above.rest,
        above.said,
        at,
        said == lab.tokenizer().end_id,
    )


def reads(pairs: tuple[Array, Array], floor: int, query: int, least: float, first: int, n_heads: int) -> list[Arc]:
    """What a column reads on a floor with at least that weight, the strongest first; nothing is tested.

    pairs: as from `strongest`; first: the lowest layer of the floor
    """
    weights, heads = pairs[0][query, :query].astype(np.float64), pairs[1]
    keys = sorted(np.flatnonzero(weights >= least).tolist(), key=lambda key: -weights[key])
    found = []
    for key in keys:
        layer, head = divmod(int(heads[query, key]), n_heads)
        found.append(Arc(floor, query, key, float(weights[key]), first + layer, head, None, False))
    return found


def roof(model: Model, trace: Trace, probs: Array, said: int | None = None, at: float = 0.5) -> Roof:
    """The likeliest pieces and the one that is said (None: the likeliest of all). probs: [V], as they are drawn from"""
    order = by_probability(probs)
    said = int(order[0]) if said is None else said
    shown = [int(t) for t in order[:SHOWN_ODDS] if probs[t] >= LEAST_ODDS]
    if said not in shown:
        shown.append(said)
    cache = kept_of(trace)
    odds = tuple(Odds(t, text_of(t), float(probs[t]), unfinished(model, cache, t)) for t in shown)
    return Roof(odds, max(0.0, 1.0 - sum(o.chance for o in odds)), shown.index(said), at)


def standing(turn: story.Step, given: int, near: int) -> Climb:
    """The text that a turn of the loop reads, and the odds that it draws from: nothing is drawn, no arc is tested.

    given: how many pieces of that text the model did not write; near: so many columns at the end have their arcs
    Nothing is said of what the columns would say (`Floor.read` is empty).
    """
    model, trace = lab.model(), lab.trace(turn.context)
    last, n_heads = len(turn.context) - 1, model.config.n_heads
    floors = []
    for number, (first, top) in enumerate(bundles(model.config.n_layers), start=1):
        pairs = strongest(trace, first, top)
        queries = range(last, max(-1, last - near), -1)
        found = [reads(pairs, number, q, DRAWN if q == last else FAINT, first, n_heads) for q in queries]
        arcs = tuple(arc for arcs in found for arc in arcs)
        floors.append(Floor(number, first, top, tuple(change(trace, first, top).tolist()), arcs, ()))
    above = roof(model, trace, turn.final)
    columns = columns_of(turn.context, given)
    return Climb(turn.index, columns, tuple(floors), above.odds, above.rest, above.said, above.at, False)


def dropped(turn: story.Step) -> Roof:
    """The odds of a turn, and the piece that it wrote; where the ball fell, if one was drawn."""
    at = 0.5 if turn.draw is None else (turn.draw.u - turn.draw.low) / (turn.draw.high - turn.draw.low)
    return roof(lab.model(), lab.trace(turn.context), turn.final, turn.token, at)


def reading(probs: Array, before: int) -> Reading:
    """What a column would say. probs: [V], of the logit lens; before: the piece of that column"""
    best = int(probs.argmax())
    return Reading(best, text_of(best), float(probs[best]), fits(best, before) and bool(probs[best] >= SURE))


@lab.per_model(16)
def kept_of(trace: Trace) -> KVCache:
    """The keys and values of a pass: one object for each, so that what is asked of it can be remembered."""
    return KVCache.of(trace)


@lab.per_model(256, few=16)
def unfinished(model: Model, cache: KVCache, token: int) -> bool:
    """Whether the model would most likely go on with the same word after this piece."""
    if cache.full or not spelled(token):
        return False
    return goes_on(int(step(model.params, cache, token).logits.argmax()))


@lab.per_model(32)
def climb(
    tokens: tuple[int, ...],
    turn: int,
    seed: int = 0,
    opened: int | None = None,
    most: int = MOST_FLOORS,
) -> Climb:
    """Turn number `turn` after a text: the words drawn before it stand behind the text. most: floors (`bundles`)

    Raises ValueError if the text ends before that turn (`turns`).
    """
    told = tell(tokens, turn + 1, seed)
    if any(s.token == lab.tokenizer().end_id for s in told[:turn]):
        raise ValueError(f"the text ends before turn {turn}")
    drawn = told[turn].draw
    assert drawn is not None, "nothing is chosen here"
    at = (drawn.u - drawn.low) / (drawn.high - drawn.low)
    tape = (*tokens, *(s.token for s in told[:turn]))
    tests = MOST_TESTS if lab.is_own() else FEW_TESTS
    options: dict[str, int] = {"given": len(tokens), "tests": tests, "most": most}
    return climbed(lab.model(), tape, told[turn].token, turn=turn, at=at, opened=opened, **options)


def tell(tokens: tuple[int, ...], turns: int, seed: int) -> tuple[story.Step, ...]:
    """The first turns of the loop at temperature 1, as on every page."""
    return story.teller().tell(tokens, Settings(), seed, (), turns)


def turns(tokens: tuple[int, ...], wanted: int, seed: int) -> int:
    """The last turn, up to `wanted`, that there is: the one that draws the end of the text has none after it."""
    end = lab.tokenizer().end_id
    return next((s.index for s in tell(tokens, wanted + 1, seed) if s.token == end), wanted)


# ---------------------------------------------------------------- inside a node


@dataclass(frozen=True)
class Inside:
    """What one floor does to one column, with the head that reads most from the column that is followed.

    layer, head: which one; of a bundle the layer of that head
    shares:   [S], what the head reads from each column up to this one; sums to 1
    score:    q k / sqrt(K) of the column that is followed; products: [K], what that is the sum of, before the division
    read:     the column that is followed: the one asked for, else one that carries the word, else the one read most
    attention, mlp: the sizes of what both add, relative to what came in
    """

    floor: int
    column: int
    layer: int
    head: int
    shares: tuple[float, ...]
    read: int
    score: float
    products: tuple[float, ...]
    attention: float
    mlp: float


def inside(told: Climb, floor: int, column: int, read: int | None = None) -> Inside:
    """Open a node of a climb of the model in use.

    floor: from 1; read: a column at or before `column`, to follow that one
    Raises ValueError where there is no such node.
    """
    if not (1 <= floor <= len(told.floors) and 0 <= column <= told.last) or (
        read is not None and not 0 <= read <= column
    ):
        raise ValueError(f"there is no node {floor}.{column}{'' if read is None else f'.{read}'}")
    at = told.floors[floor - 1]
    trace = lab.trace(tuple(c.token for c in told.columns))
    weights, heads = strongest(trace, at.first, at.last)
    followed = read
    if followed is None:
        carried = [a for a in at.arcs if a.query == column and a.carries and a.key]
        others = list(range(1, column)) or [column]
        followed = carried[0].key if carried else max(others, key=lambda s: weights[column, s])
    layer, head = divmod(int(heads[column, followed]), trace.config.n_heads)
    layer += at.first
    block = f"blocks.{layer}"
    shares = trace[f"{block}.attn.pattern"][head, column, : column + 1]
    q_key, k_key = compared(trace, layer)
    q, k = trace[q_key][column, head], trace[k_key][followed, trace.config.group_of(head)]
    came = np.linalg.norm(trace[f"{block}.resid_pre"][column].astype(np.float64))
    added = [
        float(np.linalg.norm(trace[f"{block}.{x}"][column].astype(np.float64)) / came) for x in ("attn_out", "mlp_out")
    ]
    products = tuple((q.astype(np.float64) * k).tolist())
    score = float(trace[f"{block}.attn.attn_scores"][head, column, followed])
    return Inside(floor, column, layer, head, tuple(shares.tolist()), followed, score, products, *added)

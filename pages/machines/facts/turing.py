"""A Turing machine in a transformer's loop: tape, state and head are tokens that it writes, weights written by hand.

The text is a log. `# 2 1 3 0 start 2` says: nothing anywhere yet (#); cell 2 holds a 1; cell 3 a 0; begin; the head is
at cell 2. From there on the transformer writes two tokens for each step of the machine, what it does and where it then
is:

    ... 2 [write 1, go right, stay in A] 3 [write 0, go left, now B] 2 ...

To know what to do it needs the state, which the token before says, and the symbol in this cell, which was written when
the head was here last. That is one head for each of the two, and a third thing, the table of the machine:

    layer 0, its head   reads the token before: an action learns in which cell it was done, a cell learns the state
    layer 1, its head   finds, of all actions done in this cell, the last, and reads the symbol that it left there
    layer 1, its MLP    one hinge for each line of the machine's table: it opens for this state and this symbol
    the unembedding     after an action: the cell before, plus the move

The two heads are the two of copying: one marks each token with what stood before it, the other finds the mark.

A cell is found by its number j with two coordinates: the key of an action in cell j is (2 j, -j^2), the query from
cell i is (i, 1), and their product 2ij - j^2 = i^2 - (i - j)^2 is largest where j = i. Taking i^2 off makes it 0 there
and -1 or less anywhere else. `#` brings nothing, so its score is 0, too; a small slope by distance makes the last of
several actions win, and any action over `#`.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainer.architectures.hand_made import NEVER, HandMadeConfig
from explainer.kernel.model import Model
from explainer.models.measured import kept

from .by_hand import Entries, Machine, token_by_token, written

Array = np.ndarray

BLANK = "□"
SYMBOLS = (BLANK, "0", "1")
CELLS = 24  # counted from 1: from cell 0 whatever was done nowhere would be found
FIRST = 2  # the cell of an input's first symbol
CONTEXT = 320
MOST_STEPS = 120
LONGEST = 8  # symbols of an input
KEY = 16  # width of a head: its root, by which scores are divided, is a power of two, and so divides exactly
SHARP = 2.0**14  # what one cell beside costs in a score, before the softmax
SLOPE = 8.0  # what each token farther back costs
MOVES = {"left": -1, "stay": 0, "right": 1}


# ---------------------------------------------------------------- machines, as tables


@dataclass(frozen=True)
class Line:
    """A line of a machine's table: in this state, at this symbol, write that one, move, go on in that state."""

    state: str
    reads: str
    writes: str
    move: str
    then: str

    @property
    def action(self) -> str:
        """The token that the transformer writes for it."""
        return f"{self.writes} {ARROWS[self.move]} {self.then}"


ARROWS = {"left": "←", "stay": "·", "right": "→"}


@dataclass(frozen=True)
class Program:
    """A Turing machine. ends: states in which it stops, and what that means; start: the cell where its head begins"""

    name: str
    title: str
    does: str
    states: dict[str, str]
    ends: dict[str, str]
    lines: tuple[Line, ...]
    start: int = FIRST
    reads_input: bool = True

    @property
    def first(self) -> str:
        return next(iter(self.states))


def table(text: str) -> tuple[Line, ...]:
    """Lines from lines of text: `A 1 _ right B`, where _ is the blank."""
    lines = []
    for line in text.strip().splitlines():
        state, reads, writes, move, then = line.replace("_", BLANK).split()
        lines.append(Line(state, reads, writes, move, then))
    return tuple(lines)


SAME_BACKWARDS = Program(
    "palindrome",
    "The same backwards?",
    "Is the word the same read backwards? It rubs out the first symbol, walks to the last, compares, and walks back.",
    {
        "A": "take the first",
        "B": "carry a 0 to the end",
        "C": "carry a 1 to the end",
        "D": "is the last a 0?",
        "E": "is the last a 1?",
        "F": "walk back",
    },
    {"yes": "Yes: the same backwards.", "no": "No: not the same backwards."},
    table("""
        A 0 _ right B
        A 1 _ right C
        A _ _ stay yes
        B 0 0 right B
        B 1 1 right B
        B _ _ left D
        C 0 0 right C
        C 1 1 right C
        C _ _ left E
        D 0 _ left F
        D 1 1 stay no
        D _ _ stay yes
        E 0 0 stay no
        E 1 _ left F
        E _ _ stay yes
        F 0 0 left F
        F 1 1 left F
        F _ _ right A
    """),
)
ADD_ONE = Program(
    "increment",
    "Add one",
    "Adds one to a binary number. It walks to the right end, then back, making each 1 a 0 until it can leave a 1.",
    {"A": "walk to the end", "B": "carry the one"},
    {"done": "Done."},
    table("""
        A 0 0 right A
        A 1 1 right A
        A _ _ left B
        B 1 0 left B
        B 0 1 stay done
        B _ 1 stay done
    """),
)
BEAVER = Program(
    "beaver",
    "The busiest of four states",
    "Begins on an empty tape. Of all machines with four states and two symbols that stop, none writes more ones, and "
    "none takes longer (Brady 1983).",
    {"A": "A", "B": "B", "C": "C", "D": "D"},
    {"done": "Done."},
    table("""
        A _ 1 right B
        A 1 1 left B
        B _ 1 left A
        B 1 _ left C
        C _ 1 right done
        C 1 1 left D
        D _ 1 right D
        D 1 _ right A
    """),
    start=12,
    reads_input=False,
)
PROGRAMS = {p.name: p for p in (SAME_BACKWARDS, ADD_ONE, BEAVER)}


# ---------------------------------------------------------------- the machine itself, without any model


@dataclass(frozen=True)
class Moment:
    """A Turing machine between two steps. tape: cell -> symbol, of the cells that were ever written"""

    tape: dict[int, str]
    head: int
    state: str


def simulated(program: Program, word: str, most: int) -> list[Moment]:
    """What the machine does by its table alone: the moment before each step, and the last; `most` steps at most."""
    tape = {i + FIRST: symbol for i, symbol in enumerate(word)}
    head, state = program.start, program.first
    rules = {(line.state, line.reads): line for line in program.lines}
    moments = [Moment(dict(tape), head, state)]
    while state not in program.ends and len(moments) <= most:
        line = rules[state, tape.get(head, BLANK)]
        tape[head] = line.writes
        head, state = head + MOVES[line.move], line.then
        moments.append(Moment(dict(tape), head, state))
    return moments


def steps(name: str, word: str) -> int:
    """How many steps it takes, by the table: at once, where the transformer has not written anything yet."""
    program = PROGRAMS[name]
    return len(simulated(program, word if program.reads_input else "", MOST_STEPS)) - 1


# ---------------------------------------------------------------- the weights


def machine(name: str, sharp: float = SHARP, slope: float = SLOPE) -> Machine:
    """The transformer that runs a program of `PROGRAMS`."""
    return of_program(PROGRAMS[name], sharp, slope)


@functools.lru_cache(maxsize=16)
def _actions(lines: tuple[Line, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.action for line in lines))


def of_program(program: Program, sharp: float = SHARP, slope: float = SLOPE) -> Machine:
    """A transformer of two layers with one head each that is this Turing machine, for CELLS cells."""
    actions = _actions(program.lines)
    by_action = {line.action: line for line in program.lines}
    cells = [str(j) for j in range(1, CELLS + 1)]
    going = list(program.states)
    tokens = ("#", *(f"put {s}" for s in SYMBOLS), "start", *actions, *(f"cell {j}" for j in cells))
    coordinates = (
        *("one", "is a cell", "is an action"),
        *("number", "its square", "move"),
        *(f"then {q}" for q in going),
        *(f"wrote {s}" for s in SYMBOLS),
        *("done in", "done in, squared"),
        *(f"state {q}" for q in going),
        *(f"sees {s}" for s in SYMBOLS),
        *(f"do {d}" for d in actions),
    )
    embed: dict[tuple[str, str], float] = {(t, "one"): 1 for t in tokens if t != "#"}
    embed["#", f"wrote {BLANK}"] = 1  # and nothing else
    embed |= {(f"put {s}", f"wrote {s}"): 1 for s in SYMBOLS}
    embed |= {("start", "is an action"): 1, ("start", f"then {program.first}"): 1}
    for action in actions:
        line = by_action[action]
        embed |= {(action, "is an action"): 1, (action, f"wrote {line.writes}"): 1, (action, "move"): MOVES[line.move]}
        if line.then in program.states:
            embed[action, f"then {line.then}"] = 1
    for j in cells:
        cell = f"cell {j}"
        embed |= {(cell, "is a cell"): 1, (cell, "number"): int(j), (cell, "its square"): int(j) ** 2}

    handed = [
        ("number", "done in"),
        ("its square", "done in, squared"),
        *((f"then {q}", f"state {q}") for q in going),
    ]
    unit = math.sqrt(KEY) * sharp  # scores are divided by that root later
    read = [(f"wrote {s}", f"sees {s}") for s in SYMBOLS]
    hinges = {(line.state, line.reads): h for h, line in enumerate(program.lines)}
    entries: Entries = {
        "embed.W_E": embed,
        "blocks.0.attn.bias": {(0, back): 0 if back == 1 else NEVER for back in range(CONTEXT)},
        "blocks.0.attn.W_V": {(0, source, k): 1 for k, (source, _) in enumerate(handed)},
        "blocks.0.attn.W_O": {(0, k, target): 1 for k, (_, target) in enumerate(handed)},
        "blocks.1.attn.W_Q": {(0, "number", 0): unit, (0, "one", 1): unit, (0, "its square", 2): unit},
        "blocks.1.attn.W_K": {(0, "done in", 0): 2, (0, "done in, squared", 1): -1, (0, "one", 2): -1},
        "blocks.1.attn.bias": {(0, back): -slope * back for back in range(CONTEXT)},
        "blocks.1.attn.W_V": {(0, source, k): 1 for k, (source, _) in enumerate(read)},
        "blocks.1.attn.W_O": {(0, k, target): 1 for k, (_, target) in enumerate(read)},
        "blocks.1.mlp.W_in": {
            at: value
            for (state, symbol), h in hinges.items()
            for at, value in (
                (("is a cell", h), 1),
                ((f"state {state}", h), 1),
                ((f"sees {symbol}", h), 1),
                (("one", h), -2),
            )
        },
        "blocks.1.mlp.W_out": {(hinges[line.state, line.reads], f"do {line.action}"): 1 for line in program.lines},
        "unembed.W_U": {
            **{(f"do {d}", d): 1 for d in actions},
            **{(source, f"cell {j}"): 2 * int(j) for j in cells for source in ("done in", "move")},
            **{("is an action", f"cell {j}"): 0.5 - int(j) ** 2 for j in cells},
        },
    }
    config = HandMadeConfig(
        n_layers=2,
        n_heads=1,
        d_model=len(coordinates),
        d_head=KEY,
        d_mlp=len(program.lines),
        n_vocab=len(tokens),
        n_ctx=CONTEXT,
    )
    names = {"V": tokens, "D": coordinates, "F": tuple(f"{q}, sees {s}" for q, s in hinges)}
    return written(config, names, entries, program.name)


# ---------------------------------------------------------------- what it writes


@functools.lru_cache(maxsize=8)
def ready(name: str) -> Machine:
    """The machine of a program, made once."""
    return machine(name)


def prompt(program: Program, word: str) -> list[str]:
    """The text that it begins with, by the names of its tokens: the input, cell by cell, and where the head stands."""
    put = [token for i, symbol in enumerate(word) for token in (f"cell {i + FIRST}", f"put {symbol}")]
    return ["#", *put, "start", f"cell {program.start}"]


@dataclass(frozen=True)
class Log:
    """What a transformer has written.

    tokens:  names of all tokens, the prompt's first; given: how many are the prompt's
    moments: the machine as the text says it, before each step and after the last
    """

    program: Program
    tokens: tuple[str, ...]
    given: int
    moments: tuple[Moment, ...]

    @property
    def steps(self) -> int:
        return len(self.moments) - 1

    @property
    def stopped(self) -> bool:
        return self.moments[-1].state in self.program.ends

    def length(self, step: int) -> int:
        """How many tokens there are after so many steps: the last says where the head is, or that it has stopped."""
        return min(self.given + 2 * step, len(self.tokens))


@functools.lru_cache(maxsize=64)
def log(name: str, word: str, most: int = MOST_STEPS) -> Log:
    """The text that the transformer writes for an input, until it stops."""
    program, made = PROGRAMS[name], ready(name)
    begun = prompt(program, word if program.reads_input else "")
    names = made.names["V"]
    stops = [i for i, token in enumerate(names) if token.rpartition(" ")[2] in program.ends]
    found = token_by_token(made.model, [made.token(t) for t in begun], 2 * most, stops)
    tokens = (*begun, *(names[i] for i in found))
    return Log(program, tokens, len(begun), tuple(read_back(program, tokens, len(begun))))


def read_back(program: Program, tokens: Sequence[str], given: int) -> list[Moment]:
    """The machine as the text says it: tape, head and state before each step and after the last.

    Whoever reads the text can say it: nothing but the tokens is looked at.
    """
    tape: dict[int, str] = {}
    head, state, arrow = program.start, program.first, ""
    moments = []
    for i, token in enumerate(tokens):
        kind, _, rest = token.partition(" ")
        if kind == "cell":
            head = int(rest)
            if i >= given - 1:
                moments.append(Moment(dict(tape), head, state))
        elif kind == "put":
            tape[head] = rest
        elif kind not in ("#", "start"):
            tape[head] = kind
            arrow, state = rest.split()
    if state in program.ends:
        head += MOVES[next(move for move, drawn in ARROWS.items() if drawn == arrow)]
        moments.append(Moment(dict(tape), head, state))
    return moments


def refused(word: str) -> str:
    """Why a text cannot be the input, in a sentence; '' if it can."""
    strange = sorted(set(word) - set("01"))
    if strange:
        return f"The tape holds 0 and 1 only, not {', '.join(f'“{c}”' for c in strange[:3])}."
    if not word:
        return "Give it at least one 0 or 1."
    if len(word) > LONGEST:
        return f"At most {LONGEST} of them here: the word has {len(word)}."
    return ""


def agrees(name: str, word: str, model: Model | None = None) -> bool:
    """Whether the transformer writes, for an input, exactly the text that stands for what the table alone does.

    One pass over that text says at every place what it would write next. If that is the next token everywhere behind
    the prompt, the loop writes this text, because nothing that comes later changes what was said before.
    model: with other weights than the machine's own
    """
    program, made = PROGRAMS[name], ready(name)
    text = prompt(program, word)
    given = len(text)
    rules = {(line.state, line.reads): line for line in program.lines}
    moments = simulated(program, word, MOST_STEPS)
    for now, then in itertools.pairwise(moments):
        text.append(rules[now.state, now.tape.get(now.head, BLANK)].action)
        if then.state not in program.ends:
            text.append(f"cell {then.head}")
    tokens = [made.token(t) for t in text]
    said = (model or made.model).forward(tokens)["logits"].argmax(axis=-1).tolist()
    return said[given - 1 : -1] == tokens[given:] and moments[-1].state in program.ends


@kept
def tried(name: str, longest: int) -> tuple[int, int]:
    """Over all words of 0 and 1 up to so many: how many there are, and for how many the transformer does the same."""
    words = ["".join(word) for n in range(1, longest + 1) for word in itertools.product("01", repeat=n)]
    return len(words), sum(agrees(name, word) for word in words)


WORDS = ("0", "1", "01", "10", "010", "101", "0110", "1001", "1101", "0010")
MADE_OF = ("W_Q", "W_K", "W_V", "W_O", "W_in", "W_out")


@kept
def taken_out(name: str) -> tuple[int, int]:
    """Every number of the heads and the MLP of a machine made 0, one after the other.

    returns: how many there are, and without how many the machine still does the same with each of `WORDS`
    """
    made = ready(name)
    tried = idle = 0
    for weight, array in made.model.params.items():
        for at in zip(*np.nonzero(array), strict=True) if weight.endswith(MADE_OF) else ():
            without = array.copy()
            without[at] = 0
            model = Model(made.model.config, {**made.model.params, weight: without})
            tried += 1
            idle += all(agrees(name, word, model) for word in WORDS)
    return tried, idle


@dataclass(frozen=True)
class Looked:
    """What the transformer looked at when it read the last token of a text.

    reads:  for the head that finds the state and the one that finds the symbol: which token it read most of, and its
            share; none of them where the last token is an action
    opened: (state, symbol) -> how far the hinge of that line is open, 0 or 1
    says:   the token that it writes next
    """

    reads: tuple[tuple[int, float], ...]
    opened: dict[tuple[str, str], float]
    says: str


@functools.lru_cache(maxsize=64)
def looked(name: str, text: tuple[str, ...]) -> Looked:
    """One pass over a text, and what it looked at in its last column."""
    made, program = ready(name), PROGRAMS[name]
    trace = made.model.forward([made.token(t) for t in text])
    reads = []
    if text[-1].startswith("cell "):
        for layer in range(2):
            row = trace[f"blocks.{layer}.attn.pattern"][0, -1]
            at = int(row.argmax())
            reads.append((at, float(row[at])))
    hinges = trace["blocks.1.mlp.post"][-1].tolist()
    opened = {(line.state, line.reads): h for line, h in zip(program.lines, hinges, strict=True)}
    return Looked(tuple(reads), opened, made.names["V"][int(trace["logits"][-1].argmax())])

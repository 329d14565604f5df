"""A Turing machine in the loop: tape and table, and the text that is all there is of them."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from explainer.architectures import hand_made
from explainer.kernel import cache, model
from explainer.ui.html import exact, how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import by_hand, turing
from ..facts.turing import BLANK, PROGRAMS, Log, Moment, Program

NEWEST = 11  # tokens at the end of the text that are always in sight


class TuringMachine(Widget):
    """A machine of Turing's whose tape, state and head are tokens; its table is the MLP."""

    slug = "turing-machine"
    title = "A Turing machine in a text"
    own_only = ""
    reads = ("program", "word", "step")
    functions = (
        turing.of_program,
        turing.log,
        by_hand.token_by_token,
        turing.read_back,
        hand_made.attention,
        hand_made.mlp,
        model.attention_pattern,
        cache.step,
        turing.simulated,
    )

    def draw(self) -> Markup:
        s = self.state
        log = turing.log(s.program, s.word)
        program, now = log.program, log.moments[s.step]
        tokens = log.tokens[: log.length(s.step)]
        seen = turing.looked(s.program, tokens)
        return join(
            [
                c.controls(
                    c.choice("program", "Machine", [(p.name, p.title) for p in PROGRAMS.values()], s.program),
                    c.text_field("word", "Word of 0 and 1", s.word) if program.reads_input else None,
                ),
                tag(
                    "figure",
                    tag(
                        "div",
                        tag("p", program.does, class_="run-says told does"),
                        tape(log, now),
                        tag("p", said(log, s.step, seen), class_="step-name", aria_live="polite"),
                        c.transport("step", s.step, log.steps, "The machine", "One step on: two tokens"),
                        class_="machine-side",
                    ),
                    table(program, now, seen),
                    written(tokens, seen),
                    tag(
                        "p",
                        "Point at a token for how much of it is read, at the table for how far a hinge is open.",
                        class_="readout",
                        data_readout=True,
                    ),
                    tag("div", c.beyond(whole_log(log)), class_="machine-log"),
                    class_="figure turing-machine",
                    data_figure="turing-machine",
                    data_testid="turing-machine",
                    data_crank="step",
                    data_crank_last=log.steps,
                ),
            ]
        )


def tape(log: Log, now: Moment) -> Markup:
    """The cells as the text leaves them, with the head over one."""
    places = [m.head for m in log.moments]
    first = min(*places, *now.tape)
    last = max(*places, *now.tape)
    drawn = []
    for cell in range(first, last + 1):
        symbol, here = now.tape.get(cell, BLANK), cell == now.head
        drawn.append(
            tag(
                "span",
                tag("b", "" if symbol == BLANK else symbol),
                tag("i", str(cell)),
                class_="tape-cell here" if here else "tape-cell",
                data_why=f"cell {cell}: {'blank' if symbol == BLANK else symbol}{', the head is here' if here else ''}",
            )
        )
    symbols = " ".join("blank" if (x := now.tape.get(k, BLANK)) == BLANK else x for k in range(first, last + 1))
    label = f"The tape, cells {first} to {last}: {symbols}. The head is at cell {now.head}, in state {now.state}."
    return tag("div", *drawn, class_="tape-cells", role="img", aria_label=label, style=f"--n:{last - first + 1}")


def table(program: Program, now: Moment, seen: turing.Looked) -> Markup:
    """The machine's table, a hinge of the MLP for each line; the one that is open is marked."""
    symbols = [s for s in turing.SYMBOLS if any(line.reads == s for line in program.lines)]
    by = {(line.state, line.reads): line for line in program.lines}
    head = tag(
        "tr",
        tag("th", "state", scope="col"),
        *[tag("th", f"sees {'blank' if s == BLANK else s}", scope="col") for s in symbols],
    )
    body = []
    for state, means in program.states.items():
        name = tag("th", tag("b", state), f" {means}" if means != state else None, scope="row")
        found = []
        for symbol in symbols:
            line = by.get((state, symbol))
            height = seen.opened.get((state, symbol))
            open_ = height is not None and height > 0.5
            words = f"{line.writes} {turing.ARROWS[line.move]} {line.then}" if line else ""
            found.append(
                tag(
                    "td",
                    words,
                    tag("span", " (this hinge is open)", class_="sr") if open_ else None,
                    class_="open" if open_ else None,
                    data_v=None if height is None else exact(height),
                )
            )
        body.append(tag("tr", name, *found, class_="now" if state == now.state else None))
    return tag(
        "table",
        tag("caption", "The machine’s table: write, move, next state", class_="sr"),
        tag("thead", head),
        tag("tbody", *body),
        class_="rules-table",
    )


def written(tokens: Sequence[str], seen: turing.Looked) -> Markup:
    """The end of the text, and what the two heads read for the next token, wherever it stands."""
    n = len(tokens)
    read_at = [at for at, _ in seen.reads]
    shown = sorted({*range(max(0, n - NEWEST), n), *read_at, *(max(0, at - 1) for at in read_at)})
    kinds: dict[int, list[str]] = {n - 1: ["newest"]}
    why = {}
    for name, (at, share) in zip(("state", "symbol"), seen.reads, strict=False):
        kinds.setdefault(at, []).append(f"read-{name}")
        why[at] = f"the head that looks for the {name} gives this token {percent(share)}"
    drawn: list[Markup] = []
    before = -1
    for at in shown:
        if at != before + 1:
            drawn.append(tag("span", f"… {at - before - 1} …", class_="gap"))
        before = at
        kind, _, rest = tokens[at].partition(" ")
        cell = kind == "cell"
        drawn.append(
            tag(
                "span",
                rest if cell or kind == "put" else tokens[at],
                class_=" ".join(["word", "cell-word" if cell else "action-word", *kinds.get(at, [])]),
                data_why=why.get(at, tokens[at]),
            )
        )
    read = "; ".join(why.values())
    return tag(
        "div",
        tag(
            "p",
            tag("b", f"The text, {how_many(n, 'token')}. "),
            "Outlined, what its two heads read: ",
            tag("span", "the action before", class_="word read-state"),
            " (the state) and ",
            tag("span", "the last action in this cell", class_="word read-symbol"),
            " (its symbol).",
            class_="side-name",
        ),
        tag("div", *drawn, class_="log-words", role="img", translate="no",
            aria_label=f"The last tokens of the text: {' '.join(tokens[-NEWEST:])}. {read}"),
        class_="machine-text",
    )  # fmt: skip


def said(log: Log, step: int, seen: turing.Looked) -> str:
    """Where the machine is, in words."""
    now = log.moments[step]
    if now.state in log.program.ends:
        ones = sum(symbol == "1" for symbol in now.tape.values())
        left = "".join(now.tape.get(k, BLANK) for k in sorted(now.tape)).strip(BLANK)
        what = "" if now.state in ("yes", "no") else f" On the tape: {left}."
        busy = f" {how_many(ones, 'one')}." if not log.program.reads_input else ""
        return f"Stopped after {how_many(step, 'step')}. {log.program.ends[now.state]}{what}{busy}"
    says = seen.says.replace(" ", "\N{NO-BREAK SPACE}")  # on one line
    return f"Step {step} of {log.steps}: state {now.state}, cell {now.head}. Next it writes “{says}”."


def whole_log(log: Log) -> Markup:
    """The whole text in a table, a line for each step."""
    rows = []
    for step, moment in enumerate(log.moments):
        action = log.given + 2 * step
        then = log.tokens[action] if action < len(log.tokens) else "it has stopped"
        rows.append([step, moment.head, moment.state, then])
    prompt = " ".join(log.tokens[: log.given])
    return join(
        [
            tag("p", tag("b", "The prompt: "), tag("code", prompt), class_="run-says told"),
            c.numbers_table(
                ["step", "cell", "state", "then it writes"],
                rows,
                "The text, step by step",
                summary="The whole text, step by step",
            ),
        ]
    )

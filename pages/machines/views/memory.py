"""A Neural Turing Machine and a transformer with a tape copy the same words: where each writes, where each reads."""

from __future__ import annotations

import bisect
import inspect
from typing import Any

import numpy as np
from markupsafe import Markup

from explainer.architectures import ntm
from explainer.live import memory as kept_models
from explainer.live.memory import LONGEST, TRAINED, WORD
from explainer.ui.html import how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.pattern import LEVELS
from explainer.ui.parts.plot import Axis, Plot, Series
from explainer.ui.widget import Widget

from ..facts import memory as facts
from ..facts.memory import FromMemory, FromTape
from .parts import runs

Array = np.ndarray

POSITIONS = {"rope": "RoPE", "learned": "learned places"}


class Copying(Widget):
    """What both are given and answer, step by step, and where they write and read."""

    slug = "copying-machines"
    title = "A memory, and a tape"
    own_only = ""
    reads = ("length", "sequence", "at", "slots", "positions")
    beyond = ("slots", "positions")
    functions = (
        ntm.run,
        ntm.step,
        ntm.controller,
        ntm.address,
        ntm.similarity,
        ntm.by_content,
        ntm.interpolate,
        ntm.shift,
        ntm.sharpen,
        ntm.erase,
        ntm.add,
        ntm.read,
        kept_models.copied_from_tape,
    )

    def draw(self) -> Markup:
        s = self.state
        from_memory = facts.from_memory(s.sequence, s.length, s.slots)
        from_tape = facts.from_tape(s.sequence, s.length, s.positions)
        last = facts.steps(s.length)
        at = s.at or last  # 0: the whole picture, before one steps through it
        return join(
            [
                c.controls(
                    c.slider(
                        "length",
                        "Words to copy",
                        s.length,
                        1,
                        LONGEST,
                        step=1,
                        ticks=(TRAINED, s.slots),
                        shown=f"{s.length}, trained up to {TRAINED}",
                    ),
                    c.button("Other words", sets="sequence", value=s.sequence + 1),
                    c.beyond(
                        c.choice("slots", "Slots of the memory", [(n, str(n)) for n in SLOTS], s.slots),
                        c.choice("positions", "Positions of the transformer", list(POSITIONS.items()), s.positions),
                    ),
                ),
                tag(
                    "figure",
                    c.told(said(s.length, at, from_memory, from_tape, s.sequence)),
                    tag(
                        "div",
                        memory_side(s.sequence, s.length, at, from_memory),
                        tape_side(s.sequence, s.length, at, from_tape),
                        class_="copy-pair",
                    ),
                    tag(
                        "div",
                        c.transport("at", s.at, last, "The copying", "One step on", first="All of it"),
                        tag(
                            "p",
                            tag("span", "writes here", class_="copy-key written"),
                            tag("span", "reads here", class_="copy-key looked"),
                            tag("span", "wrong word", class_="copy-key wrong"),
                            class_="copy-keys",
                        ),
                        class_="copy-foot",
                    ),
                    tag("p", "Point at a step for where it writes and reads.", class_="readout", data_readout=True),
                    c.beyond(
                        tag("p", which_head(s.positions), class_="run-says told which-head"),
                        table(s.length, from_memory, from_tape, s.sequence),
                    ),
                    class_="figure copying-machines",
                    data_figure="copying-machines",
                    data_testid="copying-machines",
                    data_crank="at",
                    data_crank_last=last,
                ),
            ]
        )


SLOTS = (16, kept_models.SLOTS, 64)


def said(length: int, at: int, one: FromMemory, other: FromTape, sequence: int) -> str:
    """How far they are, or what became of it."""
    last = facts.steps(length)
    if at < last:
        if at <= length:
            doing = f"they are given word {at}"
        elif at == length + 1:
            doing = "they are given the end mark: from now on, copy"
        else:
            doing = f"word {at - length - 1} is to be written"
        return f"Step {at} of {last}: {doing}."
    a, b = (int(r.sum()) for r in (facts.right_words(one.said, sequence, length), tape_right(other, sequence, length)))
    beyond = (
        f"{how_many(length, 'word')}, more than the {TRAINED} of the longest sequence in training"
        if length > TRAINED
        else f"{how_many(length, 'word')}, a length that both were trained on"
    )
    return f"{beyond}. Right: {a} of {length} from the memory, {b} of {length} from the tape."


def tape_right(other: FromTape, sequence: int, length: int) -> Array:
    """Which words the transformer has right. (The mark, where it writes one, is none.)"""
    return facts.right_words(kept_models.as_words(other.said), sequence, length) & (other.said < kept_models.MARK)


def which_head(positions: Any) -> str:
    """Which head of the transformer is drawn, and why that one."""
    layer, head, share = facts.finder(positions, kept_models.digest(kept_models.tape_name(positions, facts.SHOWN)))
    shape = kept_models.tape_shape(positions)
    return (
        f"Of the transformer’s {shape.layers * shape.heads} heads, head {layer}.{head} is drawn: with {TRAINED} words "
        f"it reads most of the word that has to be written next, {percent(share)} of its reading on average."
    )


# ---------------------------------------------------------------- the two sides


def memory_side(sequence: int, length: int, at: int, one: FromMemory) -> Markup:
    """What the Neural Turing Machine is given and answers, its weightings, and its memory after the step."""
    slots = len(one.memory[0])
    right = facts.right_words(one.said, sequence, length)
    now = one.memory[at - 1]
    why = [
        f"step {t + 1}: writes to slot {w} ({percent(one.written[t, w])} of it), reads slot {r} "
        f"({percent(one.read[t, r])} of it)"
        for t, (w, r) in enumerate(zip(one.written.argmax(axis=1), one.read.argmax(axis=1), strict=True))
    ]
    label = f"Where the heads of the Neural Turing Machine stand at each of {at} steps, of {slots} slots. "
    return tag(
        "div",
        tag("p", tag("b", "Neural Turing Machine"), class_="side-name"),
        given(facts.words(sequence, length), at),
        answers(one.said, right, at, "the Neural Turing Machine"),
        tag(
            "div",
            row_name(f"{slots} slots ↓, steps →"),
            row_name("hold"),
            weightings(one.written[:at], one.read[:at], label + "; ".join(why[at - 1 : at]), why[:at], len(why)),
            contents(now, f"What stands in the {slots} slots after step {at}, {len(now[0])} numbers each"),
            class_="map-and-memory",
        ),
        class_="copy-side",
    )


def tape_side(sequence: int, length: int, at: int, other: FromTape) -> Markup:
    """The same of the transformer: its memory is its tape, it writes at the end, and reads where its head looks."""
    last = facts.steps(length)
    right = tape_right(other, sequence, length)
    reads, writes = other.read, np.eye(last)  # what it is given and what it writes stands behind all before it
    read_most = reads.argmax(axis=1)
    why = [
        f"step {t + 1}: its head reads place {r + 1} of the tape most ({percent(reads[t, r])})"
        for t, r in enumerate(read_most.tolist())
    ]
    label = f"What a head of the transformer reads at each of {at} steps, of {last} places. "
    return tag(
        "div",
        tag("p", tag("b", "Transformer"), class_="side-name"),
        given(facts.words(sequence, length), at),
        answers(kept_models.as_words(other.said), right, at, "the transformer"),
        tag(
            "div",
            row_name(f"{last} places ↓, steps →"),
            weightings(writes[:at], reads[:at], label + "; ".join(why[at - 1 : at]), why[:at], last),
            class_="map-alone",
        ),
        class_="copy-side",
    )


def row_name(name: str) -> Markup:
    return tag("p", name, class_="row-name")


def given(words: Array, at: int) -> Markup:
    """The words up to a step, a column for each, and the mark behind them."""
    length = len(words)
    shown = np.zeros((WORD, facts.steps(length)), np.int8)
    shown[:, : min(at, length)] = words[:at].T
    mark = tag("path", d=f"M{length} 0h1v{WORD}h-1z", class_="mark") if at > length else None
    said = f"Given so far: {how_many(min(at, length), 'word')} of {WORD} bits" + (", and the end mark" if mark else "")
    return join([row_name("given"), bits(shown, said, mark)])


def answers(said: Array, right: Array, at: int, who: str) -> Markup:
    """The words answered up to a step, those that are wrong marked below."""
    length = len(said)
    done = max(0, at - length - 1)
    shown = np.zeros((WORD, facts.steps(length)), np.int8)
    shown[:, length + 1 : length + 1 + done] = said[:done].T
    wrong = np.flatnonzero(~right[:done]).tolist()
    marks = "".join(f"M{length + 1 + k} {WORD + 0.4}h1v1.4h-1z" for k in wrong)
    words = f"Answered by {who}: {how_many(done, 'word')}"
    if done:
        words += f", {done - len(wrong)} right"
    name = f"answers: {done - len(wrong)} of {done} right" if done else "answers"
    return join(
        [row_name(name), bits(shown, words, tag("path", d=marks, class_="wrong") if marks else None, height=WORD + 2)]
    )


def bits(shown: Array, label: str, more: Markup | None, height: float = WORD) -> Markup:
    """Columns of bits. shown: [bits, T]"""
    return tag(
        "svg",
        tag("path", d=runs(shown)),
        more,
        viewBox=f"0 0 {shown.shape[1]} {height}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        shape_rendering="crispEdges",
        class_="cells word-cells" if height == WORD else "cells word-cells said",
    )


def weightings(written: Array, read: Array, label: str, why: list[str], steps: int) -> Markup:
    """Where two heads stand: steps from left to right, slots from top to bottom. written, read: [t, N]"""
    _, slots = written.shape
    drawn = [*squares(written, "written"), *squares(read, "looked")]
    t = len(written)
    now = tag("path", d=f"M{t - 1} 0h1v{slots}h-1z", class_="now") if 0 < t < steps else None
    points = [tag("rect", x=k, y=0, width=1, height=slots, class_="point", data_why=w) for k, w in enumerate(why)]
    return tag(
        "svg",
        now,
        *drawn,
        *points,
        viewBox=f"0 0 {steps} {slots}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        shape_rendering="crispEdges",
        class_="cells weightings",
    )


def squares(shares: Array, kind: str) -> list[Markup]:
    """A square for each share that is not small, in five strengths. shares: [t, N]"""
    paths: list[list[str]] = [[] for _ in LEVELS]
    for t, slot in zip(*(found.tolist() for found in np.nonzero(shares >= LEVELS[0])), strict=True):
        paths[bisect.bisect_right(LEVELS, float(shares[t, slot])) - 1].append(f"M{t} {slot}h1v1h-1z")
    return [tag("path", d="".join(d), class_=f"{kind} level-{i}") for i, d in enumerate(paths) if d]


def contents(memory: Array, label: str) -> Markup:
    """The numbers in the slots: a row for each slot, colour for sign, strength for size. memory: [N, M]"""
    slots, width = memory.shape
    scale = max(1.0, float(np.abs(memory).max()))
    drawn = []
    for sign, kind in ((1, "plus"), (-1, "minus")):
        drawn += squares((np.maximum(sign * memory, 0) / scale).T, kind)
    return tag(
        "svg",
        *drawn,
        viewBox=f"0 0 {width} {slots}",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        shape_rendering="crispEdges",
        class_="cells slot-numbers",
    )


def table(length: int, one: FromMemory, other: FromTape, sequence: int) -> Markup:
    """All of it in numbers, a row for each step."""
    rows: list[list[object]] = []
    text = lambda word: "".join("1" if bit else "0" for bit in word)  # noqa: E731
    words = facts.words(sequence, length)
    for t in range(facts.steps(length)):
        w, r, p = (int(x[t].argmax()) for x in (one.written, one.read, other.read))
        k = t - length - 1
        rows.append(
            [
                t + 1,
                text(words[t]) if t < length else "end mark" if k < 0 else "",
                text(one.said[k]) if k >= 0 else "",
                w,
                percent(one.written[t, w]),
                percent(float(one.asked_write.gate[t, 0])),
                moves(one.asked_write.moves[t]),
                r,
                percent(one.read[t, r]),
                percent(float(one.asked_read.gate[t, 0])),
                moves(one.asked_read.moves[t]),
                tape_text(other, k) if k >= 0 else "",
                p + 1,
                percent(other.read[t, p]),
            ]
        )
    heads = ["step", "given", "memory: answers", "writes to slot", "share", "gate", "back / stay / on"]
    heads += ["reads slot", "share", "gate", "back / stay / on", "tape: writes", "reads place", "share"]
    return c.numbers_table(heads, rows, "The copying, step by step", summary="Step by step")


def moves(shares: Array) -> str:
    """The shares of the three moves, one slot back, none, one on."""
    return " / ".join(percent(float(share)) for share in shares)


def tape_text(other: FromTape, k: int) -> str:
    """A word that the transformer wrote."""
    if other.said[k] == kept_models.MARK:
        return "end mark"
    return "".join("1" if bit else "0" for bit in kept_models.as_words(other.said[k]))


# ---------------------------------------------------------------- by length

KINDS = {
    "ntm": ("Neural Turing Machine", "head"),
    "rope": ("transformer, RoPE", "query"),
    "learned": ("transformer, learned places", "resid"),
    "none": ("transformer, no positions", "vocab"),
}


class CopyingLengths(Widget):
    """The share of sequences copied without an error, by their length, of the machines that are shown above."""

    slug = "copying-lengths"
    title = "Longer than trained"
    own_only = ""
    functions = (inspect.unwrap(facts.tried), kept_models.tried, kept_models.sequences)

    def draw(self) -> Markup:
        return c.figure(
            "copying-lengths",
            curves(),
            c.told(*learned_words()),
            c.beyond(every_seed()),
        )


def curves() -> Markup:
    """One line for each kind, of the seed that is shown."""
    series = []
    for kind, (name, role) in KINDS.items():
        found = [facts.whole(facts.names(kind)[facts.SHOWN], n) for n in kept_models.LENGTHS]
        low, high = zip(*(f.interval for f in found), strict=True)
        series.append(Series(name, role, tuple(map(float, kept_models.LENGTHS)), tuple(f.share for f in found),
                             low=low, high=high))  # fmt: skip
    return Plot(
        "copying-lengths",
        f"Of {kept_models.SEQUENCES} sequences of each length, the share copied without an error",
        Axis("words in the sequence", "", 0, LONGEST, whole=True),
        Axis("copied without an error", "", 0, 1.05),
        tuple(series),
        markers=(
            (float(TRAINED), f"trained up to {TRAINED}"),
            (float(kept_models.SLOTS), f"{kept_models.SLOTS} slots"),
        ),
    ).markup()


def learned_words() -> list[str]:
    """How many of the trainings came to copy what they were trained on."""
    tapes = [kind for kind in KINDS if kind != "ntm"]
    found = sum(facts.learned(kind) for kind in tapes)
    return [
        f"Trained on up to {TRAINED} words. These are seed {facts.SHOWN} of each; of all seeds, "
        f"{facts.learned('ntm')} of {len(kept_models.NTM_SEEDS)} Neural Turing Machines and {found} of "
        f"{len(tapes) * len(kept_models.TAPE_SEEDS)} transformers learned to copy that far."
    ]


def every_seed() -> Markup:
    """All trainings in numbers."""
    rows: list[list[object]] = []
    for kind, (name, _) in KINDS.items():
        for seed, model in enumerate(facts.names(kind)):
            rows.append([name, seed, *[percent(facts.whole(model, n).share) for n in kept_models.LENGTHS]])
    return c.numbers_table(
        ["", "seed", *[str(n) for n in kept_models.LENGTHS]],
        rows,
        f"Sequences copied without an error, by words, of {kept_models.SEQUENCES} each",
        summary="Every seed",
    )

"""The ten steps of one head for one query, all numbers from one trace of any wiring.

What a wiring does not have is said in its step, in the field's words: no norm, no vector for a place, a bias by
distance. A model whose coordinates have names (weights written by hand) is drawn by these names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from explainer.kernel import heads, model, ops
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import attention_facts as facts
from explainer.ui.html import how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.lean import later, matrix, norm_name, sign_key, story

TITLES = (
    "Residual stream",
    "LayerNorm",
    "q, k, v",
    "Scores",
    "Scale",
    "Mask",
    "Softmax",
    "Mix values",
    "All heads",
    "Add back",
)

NEAR = 6  # queries around the one that asks, whose masked scores are shown at first

UNDONE = "amounts that undo it here: what is read is what was written"
FAINT = 1e-3  # a hidden unit below it is open by rounding alone
UNREAD = -1000.0  # a bias below it: a distance that is not read

FLOWS: dict[Any, Markup] = {}


def listed(things: list[str]) -> str:
    """`a and b`, or `a, b, and c`."""
    return " and ".join(things) if len(things) < 3 else f"{', '.join(things[:-1])}, and {things[-1]}"


class Steps:
    """The ten steps as markup, for one head and one query token; with `mlp`, what comes behind them as an eleventh.

    trace, names: a pass of the model in use (`lab.using`), of any wiring, and its tokens as the page writes them
    called: letter of an axis -> the names of its places; given where a person wrote the weights: then nothing is said
            of training, and coordinates (D) and hidden units (F) stand there by name, those alone that are not 0
    """

    def __init__(
        self,
        trace: Any,
        names: list[str],
        layer: int,
        head: int,
        query: int,
        *,
        called: Mapping[str, Sequence[str]] | None = None,
        mlp: bool = False,
    ):
        self.trace, self.names = trace, names
        self.layer, self.head, self.query = layer, head, query
        self.called, self.with_mlp = called, mlp
        self.normed = self.key("ln1.scale") in trace
        self.by_distance = self.key("attn.attn_scores_near") in trace
        self.width = trace.config.d_head
        self.group = trace.config.group_of(head)  # whose keys and values this head reads
        self.biased = bool(trace.weights(self.key("attn_out")))  # whether the heads' sum has one added

    def key(self, name: str) -> str:
        return f"blocks.{self.layer}.{name}"

    def of(self, name: str) -> Any:
        return self.trace[self.key(name)]

    def token(self, i: int, axis: str = "key") -> Markup:
        return c.token(self.names[i], axis=f"axis-{axis}")

    def short(self, name: str) -> str:
        return name.removeprefix(f"blocks.{self.layer}.").removeprefix("attn.")

    def shape(self, name: str) -> Markup:
        key = self.key(name)
        return c.shape(self.short(key), self.trace.axes(key), self.trace[key].shape)

    def flow(self, *names: str) -> Markup:
        """What goes into these records, which function makes them, and what is made from them next:
        as the trace says."""
        return c.whole("Names and shapes", self.flow_lines(*names))

    def flow_lines(self, *names: str) -> Markup:
        """The lines of `flow`."""
        known = (self.layer, len(self.names), names, self.trace.config)
        if known not in FLOWS:  # the same for every head, query and text of this length
            FLOWS[known] = tag("div", *[self.flow_line(name) for name in names], class_="flow")
        return FLOWS[known]

    def flow_line(self, name: str) -> Markup:
        """One record: inputs and weights, function, result, users."""
        step = facts.provenance(self.trace, self.key(name))
        given: list[Any] = []
        for key, axes, size in step.inputs:
            given += [c.shape(self.short(key), axes, size), " "]
        users = [join([tag("code", self.short(user)), " "]) for user in step.used_by]
        then = tag("span", tag("span", " · used next by ", class_="soft"), *users) if users else None
        made, axes, size = step.output
        arrow = tag("span", "→ ", tag("code", step.function), " → ", class_="soft")
        return tag("p", *given, arrow, tag("b", c.shape(self.short(made), axes, size)), then, class_="flow-line")

    def folded(
        self,
        name: str,
        values: Any,
        *,
        colour: str = "resid",
        label: str,
        index: str,
        scale: float | None = None,
        travel: str | None = None,
    ) -> Markup:
        """A long vector in rows as wide as one head, so that it fits a page; where its coordinates have names, those
        that are not 0, by name."""
        if self.called is not None:
            return self.named({label: (name, index, values)}, label=label, travel=travel)
        width = self.width if len(values) % self.width == 0 else len(values)
        rows = values.reshape(-1, width)
        return matrix(
            rows,
            [str(r * width) for r in range(len(rows))],
            [f"+{i}" for i in range(width)],
            label=label,
            signed=True,
            colour=colour,
            row_axis="resid",
            col_axis="resid",
            size="tiny",
            numbers=False,
            scale=scale,
            ask=f"{self.key(name)}|{index},{width}*r+c",
            travel=travel,
        )

    def named(
        self, columns: Mapping[str, tuple[str, str, Any]], *, label: str, axis: str = "D", travel: str | None = None
    ) -> Markup:
        """Vectors beside each other, a row for each named place of theirs at which one of them is not 0.

        columns: head -> (record, all its indices but the last, vector)
        """
        called = (self.called or {}).get(axis)
        places = [int(i) for i in np.flatnonzero(np.any([v for _, _, v in columns.values()], axis=0))]
        if not places:
            return tag("p", "Nothing: every number is 0.", class_="note", data_v="0")
        why = {
            (r, k): story(self.trace, self.key(name), [*map(int, index.split(",")), i], self.names)
            for k, (name, index, _) in enumerate(columns.values())
            for r, i in enumerate(places)
        }
        return matrix(
            [[vector[i] for _, _, vector in columns.values()] for i in places],
            [called[i] if called else str(i) for i in places],
            list(columns) if len(columns) > 1 else ["value"],
            label=label,
            signed=True,
            colour="resid",
            row_axis="resid",
            col_axis="resid",
            size="named",
            why=why,
            travel=travel,
        )

    def whys(self, name: str) -> dict[tuple[int, int], str]:
        """The stories of the query's row of an [H, T, S] record."""
        t = self.query
        last = len(self.names) if "scores_" in name else t + 1
        return {(t, s): story(self.trace, self.key(name), (self.head, t, s), self.names) for s in range(last)}

    def pairs(
        self,
        figure: str,
        name: str,
        caption: str,
        *,
        signed: bool,
        masked: bool,
        numbers: bool = True,
        travel: str = "",
        folded: bool = True,
    ) -> Markup:
        """A whole [T, S] matrix of this head; a row's name makes its token the query. folded: one press deeper"""
        table = matrix(
            self.of(name)[self.head],
            self.names,
            self.names,
            label=f"{caption}: queries down, keys across",
            signed=signed,
            masked=later(len(self.names)) if masked else None,
            scale=None if signed else 1.0,
            row_name="query",
            col_name="key",
            chosen_row=self.query,
            why=self.whys(name),
            row_sets="query",
            numbers=numbers,
            size="fit" if numbers else "mini",
            ask=f"{self.key(name)}|{self.head},r,c",
            travel_rows={self.query: travel} if travel else None,
        )
        shown = self.figure(
            figure,
            table,
            caption=join([caption, " ", self.shape(name)]),
            readout="Point at a cell (or reach it by the arrow keys): it says how it was made.",
        )
        return c.whole(f"For every query: {caption}", shown) if folded else shown

    def figure(self, name: str, *body: Any, **more: Any) -> Markup:
        """A figure, with what its numbers are about: this layer, and this head where they are one head's."""
        about = {"layer": self.layer}
        if not name.startswith(("resid", "before", "ln1", "attn-out", "update", "stream", "result")):
            about["head"] = self.head
        elif name.startswith("result-") and name[7:].isdigit():
            about["head"] = int(name[7:])
        return c.figure(name, *body, about=about, **more)

    def all(self) -> list[tuple[str, Markup]]:
        bodies = (
            self.stream,
            self.norm,
            self.project,
            self.scores,
            self.scale,
            self.mask,
            self.softmax,
            self.mix,
            self.heads,
            self.add,
        )
        own = {
            "LayerNorm": norm_name() if self.normed else "No LayerNorm",
            "Scale": "Scale, distance" if self.by_distance else "Scale",
        }
        steps = [(own.get(title, title), body()) for title, body in zip(TITLES, bodies, strict=True)]
        return [*steps, ("MLP", self.mlp())] if self.with_mlp else steps

    # ------------------------------------------------------------ the ten steps

    def stream(self) -> Markup:
        t, config = self.query, self.trace.config
        placed = "pos_embed" in self.trace
        so_far = ["its token", *(["its place"] if placed else [])]
        if self.layer:
            alone = "" if self.called is not None else " (each for one token alone)"
            parts = f"{how_many(self.layer * config.n_heads, 'head')} and {how_many(self.layer, 'MLP')}"
            so_far.append(f"what {parts}{alone} added")
        vector = self.of("resid_pre")[t]
        return join(
            [
                tag(
                    "p",
                    f"Layer {self.layer} is given {len(vector)} numbers for every token, its ",
                    tag("dfn", "residual stream"),
                    ". That of ",
                    self.token(t, "query"),
                    " is " if len(so_far) == 1 else " is the sum of ",
                    "the vector of its token" if len(so_far) == 1 else listed(so_far),
                    ".",
                    None
                    if placed
                    else " Places come later, by a bias for each distance."
                    if self.by_distance
                    else " It does not say where the token stands: this model tells places later (RoPE).",
                ),
                self.figure(
                    "resid-pre",
                    self.folded(
                        "resid_pre", vector, label=f"resid_pre of {self.names[t]}", index=str(t), travel="stream"
                    ),
                    caption=sign_key(),
                ),
                self.flow("resid_pre"),
            ]
        )

    def norm(self) -> Markup:
        t = self.query
        if not self.normed:
            return tag(
                "p",
                "This wiring has no LayerNorm: query, key and value are made of the residual stream as it is. What is "
                "written to it is what is read from it.",
            )
        scale = number(self.of("ln1.scale")[t])
        if self.key("ln1.mean") in self.trace:
            mean = number(self.of("ln1.mean")[t])
            found = self.of("ln1.normalized")[t], self.of("resid_pre")[t]
            undone = self.called is not None and np.allclose(*found, atol=1e-5)
            done = (
                f"subtract its mean ({mean}), divide by its spread ({scale}), then stretch (w) and shift (b) every "
                f"number by {UNDONE if undone else 'learned amounts'}."
            )
        else:
            done = (
                f"divide by its size, the root of its mean square ({scale}), then stretch (w) every number by a "
                "learned amount. No mean is taken off, and nothing is shifted (RMSNorm)."
            )
        return join(
            [
                tag("p", f"Before anything is read, each token’s vector is brought to the same scale: {done}"),
                self.figure(
                    "ln1",
                    self.folded(
                        "ln1.normalized",
                        self.of("ln1.normalized")[t],
                        label=f"ln1.normalized of {self.names[t]}",
                        index=str(t),
                        travel="stream q k v",
                    ),
                ),
                self.flow("ln1.normalized"),
            ]
        )

    def project(self) -> Markup:
        t, config = self.query, self.trace.config
        shared = config.n_heads // config.kv_heads
        rows = [
            (name, meaning, colour, of, self.of(f"attn.{name}")[t, of])
            for name, meaning, colour, of in (
                ("q", "what it looks for", "query", self.head),
                ("k", "what it offers to be found by", "key", self.group),
                ("v", "what it hands over when found", "value", self.group),
            )
        ]
        figures = [
            self.figure(
                name,
                matrix(
                    [values],
                    [self.names[t]],
                    [str(i) for i in range(self.width)],
                    label=f"{name} of {self.names[t]}",
                    signed=True,
                    colour=colour,
                    row_axis=colour,
                    col_axis="value",
                    size="row",
                    numbers=False,
                    ask=f"{self.key(f'attn.{name}')}|{t},{of},c",
                    travel=name,
                ),
                caption=tag("span", tag("b", name), f", {meaning}", class_=f"axis-{colour}"),
            )
            for name, meaning, colour, of, values in rows
        ]
        return join(
            [
                tag(
                    "p",
                    (
                        f"Three matrices take three views of the same numbers, each {self.width} wide. Every token "
                        "gets all three; here are those of "
                    ),
                    self.token(t, "query"),
                    ".",
                    f" {shared} heads share this key and this value; each has a query of its own."
                    if shared > 1
                    else "",
                ),
                *figures,
                self.flow("attn.q", "attn.k", "attn.v"),
            ]
        )

    def scores(self) -> Markup:
        t, h = self.query, self.head
        best = int(self.of("attn.pattern")[h, t].argmax())
        one = facts.one_score(self.trace, self.layer, h, t, best)
        raw_key = self.key("attn.attn_scores_raw")
        q_key, k_key = heads.compared(self.trace, self.layer)
        names = f"q({self.names[t]})", f"k({self.names[best]})"
        why = {
            (2, i): f"{names[0]}[{i}] × {names[1]}[{i}] = {number(q)} × {number(k)} = {number(product)}"
            for i, (q, k, product) in enumerate(zip(one.q, one.k, one.products, strict=True))
        }
        by_hand = matrix(
            [one.q, one.k, one.products],
            [*names, "product"],
            [str(i) for i in range(self.width)],
            label=f"one score by hand: {names[0]} times {names[1]}",
            signed=True,
            size="row",
            numbers=False,
            row_axes=("query", "key", "head"),
            col_axis="value",
            travel="q",
            why=why,
            row_asks={0: f"{q_key}|{t},{h},c", 1: f"{k_key}|{best},{one.group},c"},
        )
        keys = matrix(
            self.trace[k_key][: t + 1, one.group],
            self.names[: t + 1],
            [str(i) for i in range(self.width)],
            label="the keys that may be read",
            signed=True,
            colour="key",
            row_axis="key",
            col_axis="value",
            size="tiny",
            numbers=False,
            ask=f"{k_key}|r,{one.group},c",
            travel="k",
        )
        return join(
            [
                tag(
                    "p",
                    (
                        "Compare the query with every key: multiply them number by number and add up. "
                        "Large where both point the same way. Against "
                    ),
                    self.token(best),
                    " that gives ",
                    tag("b", number(one.total)),
                    ".",
                    " Both have been turned before, by an angle for each place (RoPE): of their places only the "
                    "distance counts."
                    if one.turned
                    else " Every score is 0: what stands there makes no difference to this head, only how far back."
                    if self.by_distance and not self.of("attn.attn_scores_raw")[h, t, : t + 1].any()
                    else None,
                ),
                self.figure(
                    "score-by-hand",
                    by_hand,
                    readout=story(self.trace, raw_key, (h, t, best), self.names),
                ),
                c.whole(
                    f"The keys of {how_many(t + 1, 'token')}",
                    self.figure("keys", keys, caption=join(["the keys ", self.shape(k_key.split(".", 2)[2])])),
                ),
                self.pairs(
                    "scores-raw",
                    "attn.attn_scores_raw",
                    "all scores",
                    signed=True,
                    masked=False,
                    numbers=False,
                    travel="score",
                ),
                self.flow(*(("attn.rot_q", "attn.rot_k") if one.turned else ()), "attn.attn_scores_raw"),
            ]
        )

    def scale(self) -> Markup:
        t, h = self.query, self.head
        rows = facts.with_and_without_scaling(self.trace, self.layer, h, t)
        k = self.width
        why = {
            (1, s): story(self.trace, self.key("attn.attn_scores_scaled"), (h, t, s), self.names) for s in range(t + 1)
        }
        names = self.names[: t + 1]
        shown, titles = list(rows[:2]), ["q · k", f"q · k / √{k}"]
        if self.by_distance:
            shown.append(self.of("attn.attn_scores_near")[h, t, : t + 1])
            titles.append("+ bias")
            why |= {
                (2, s): story(self.trace, self.key("attn.attn_scores_near"), (h, t, s), self.names)
                for s in range(t + 1)
            }
        wide = "" if not self.by_distance else "named" if np.abs(shown).max() >= 1e5 else "roomy"  # for long numbers
        scores = matrix(
            shown,
            titles,
            names,
            label="the query's scores before and after scaling",
            signed=True,
            row_axis="query",
            why=why,
            scale=self.plain_scale(shown) if self.by_distance else None,
            size=wide,
            travel_rows={0: "score", 1: "scaled"},
            row_asks={0: f"{self.key('attn.attn_scores_raw')}|{h},{t},c"},
        )
        weights = matrix(
            rows[2:],
            ["without scaling", "with scaling"],
            names,
            label="softmax of the query's scores without and with scaling",
            row_axis="query",
            why={
                (0, s): f"the share of exp({number(raw)}) among the exp of all raw scores"
                for s, raw in enumerate(rows[0])
            },
            row_asks={1: f"{self.key('attn.pattern')}|{h},{t},c"},
        )
        words = (
            f"Divide every score by √{k} = {number(k**0.5)}: a sum of {k} products spreads about √{k} "
            "times as wide as one. Undivided, softmax would put nearly everything on one key."
        )
        if self.called is not None:  # nothing was trained, and sharpness is a matter of what was written
            words = (
                f"Divide every score by √{k} = {number(k**0.5)}, as always. Whoever writes weights by hand knows it."
            )
        return join(
            [
                tag("p", words, f" {self.distance()}" if self.by_distance else None),
                self.figure(
                    "scores-scaled",
                    scores,
                ),
                None
                if self.called is not None
                else c.whole(
                    "What softmax would make of each",
                    self.figure(
                        "softmax-unscaled",
                        weights,
                        note=(
                            "The model was trained with scaling: the first row is not a version of it that works, "
                            "only a look at what the division does."
                        ),
                    ),
                ),
                self.flow("attn.attn_scores_scaled", *(["attn.attn_scores_near"] if self.by_distance else [])),
            ]
        )

    def distance(self) -> str:
        """What this head adds to a score for how far back a key stands, in a sentence or two."""
        bias = lab.model().params[self.key("attn.bias")][self.head, : self.query + 1]
        read = np.flatnonzero(bias > UNREAD)
        words = "Then add a number for how far back each key stands, the same for every text (a bias by distance)."
        if len(bias) > 2 and len(read) == len(bias) and np.allclose(np.diff(bias), bias[1] - bias[0], rtol=1e-3):
            return f"{words} It falls by {number(float(bias[0] - bias[1]))} with each token back: that is ALiBi."
        if len(read) < len(bias):
            unread = number(float(bias.min()))
            return f"{words} It reads {how_many(len(read), 'distance')} of {len(bias)}; all others get {unread}."
        return words

    @staticmethod
    def plain_scale(rows: Any) -> float:
        """By which number colours are measured: the largest one, those apart that say `never`."""
        sizes = np.abs(np.concatenate(rows))
        return float(max(sizes[sizes < -UNREAD], default=1.0)) or 1.0

    def mask(self) -> Markup:
        return join(
            [
                tag(
                    "p",
                    (
                        "A token may read itself and what stands before it. All later scores become −∞ (hatched), "
                        "whatever they were"
                        f"{': while it was trained, what comes later was the answer.' if self.called is None else '.'}"
                    ),
                ),
                self.near_mask(),
                self.pairs(
                    "scores-masked",
                    "attn.attn_scores",
                    "scores after the mask",
                    signed=True,
                    masked=True,
                    numbers=False,
                ),
                self.flow("attn.attn_scores"),
            ]
        )

    def near_mask(self) -> Markup:
        """The masked scores of the query and of a few tokens around it."""
        first = min(max(self.query - NEAR // 2, 0), max(len(self.names) - NEAR, 0))
        rows = slice(first, first + NEAR)
        table = matrix(
            self.of("attn.attn_scores")[self.head][rows],
            self.names[rows],
            self.names,
            label="scores after the mask, around the query",
            signed=True,
            masked=later(len(self.names))[rows],
            row_name="query",
            col_name="key",
            chosen_row=self.query - first,
            numbers=False,
            size="tiny",
            why={(self.query - first, s): told for (_, s), told in self.whys("attn.attn_scores").items()},
            travel_rows={self.query - first: "scaled"},
        )
        return self.figure("scores-near", table)

    def softmax(self) -> Markup:
        t, h = self.query, self.head
        row = self.of("attn.pattern")[h, t]
        best = int(row.argmax())
        return join(
            [
                tag(
                    "p",
                    (
                        "Each row becomes shares: e to the power of each score, divided by their sum. Positive, "
                        "together 1. "
                    ),
                    self.token(t, "query"),
                    " reads ",
                    self.token(best),
                    " most: ",
                    tag("b", percent(float(row[best]))),
                    ".",
                    " In float32 it is all of it: hard attention, by an ordinary softmax."
                    if self.called is not None and self.query and float(row[best]) == 1.0
                    else None,
                ),
                self.figure(
                    "attention-row",
                    c.token_strip(
                        self.names,
                        axis="head",
                        weights=[float(x) for x in row],
                        label=f"How {self.names[t]} spreads its attention",
                        travel=[f"scaled{s} share{s}" for s in range(len(row))],
                    ),
                    caption=join(["what ", self.token(t, "query"), " reads"]),
                ),
                self.pairs("pattern", "attn.pattern", "the attention pattern", signed=False, masked=True),
                self.flow("attn.pattern"),
            ]
        )

    def mix(self) -> Markup:
        t, h = self.query, self.head
        m = facts.mixture(self.trace, self.layer, h, t, shown=2)
        rows = [*m.parts, *([m.others] if m.n_others else []), m.z]
        names = [f"{percent(float(w))} of v({self.names[s]})" for s, w in zip(m.keys, m.weights, strict=True)]
        if m.n_others:
            names.append(f"{how_many(m.n_others, 'other')}, {percent(m.others_weight)}")
        names.append("their sum: z")
        last = len(rows) - 1
        why = {(last, i): story(self.trace, self.key("attn.z"), (t, h, i), self.names) for i in range(self.width)}
        for r, (s, w) in enumerate(zip(m.keys, m.weights, strict=True)):
            v = self.of("attn.v")[s, self.group]
            why |= {
                (r, i): f"{number(w)} × v[{i}] = {number(w)} × {number(v[i])} = {number(m.parts[r][i])}"
                for i in range(self.width)
            }
        if m.n_others:
            of = how_many(m.n_others, "other key")
            why |= {(last - 1, i): f"{of}: weight × v[{i}] of each, added up" for i in range(self.width)}
        table = matrix(
            rows,
            names,
            [str(i) for i in range(self.width)],
            label="weighted values and their sum",
            signed=True,
            colour="value",
            row_axis="value",
            col_axis="value",
            size="row",
            numbers=False,
            why=why,
            chosen_row=last,
            travel="mixed",
            travel_names=[f"share{s}" for s in m.keys],
        )
        return join(
            [
                tag(
                    "p",
                    (
                        "Every value is multiplied with its weight and all are added. What stood apart in the text is "
                        "now in one place. Only here does anything move from one token to another."
                    ),
                ),
                self.figure(
                    "z",
                    table,
                    readout="Point at a cell: it says how it was made; one of z, which values it is made of.",
                ),
                self.flow("attn.z"),
            ]
        )

    def heads(self) -> Markup:
        t = self.query
        result = self.of("attn.result")[t]
        lengths = facts.sizes(result)
        largest = float(abs(result).max())
        tiles = [
            self.figure(
                f"result-{i}",
                self.folded(
                    "attn.result",
                    result[i],
                    label=f"what head {self.layer}.{i} adds",
                    index=f"{t},{i}",
                    scale=largest,
                    travel="mixed" if i == self.head else None,
                ),
                caption=join(
                    [
                        tag("span", f"head {self.layer}.{i}", class_="axis-head"),
                        f" length {number(float(lengths[i]))}",
                        " (this one)" if i == self.head else "",
                    ]
                ),
            )
            for i in range(len(result))
        ]
        added = self.figure(
            "attn-out",
            self.folded(
                "attn_out", self.of("attn_out")[t], label="the sum of all heads", index=str(t), travel="update"
            ),
            caption=join(["their sum", ", with the bias " if self.biased else " ", self.shape("attn_out")]),
        )
        bars = charts.bars(
            [f"head {self.layer}.{i}" for i in range(len(result))],
            [float(x) for x in lengths],
            label=f"how much each head adds to {self.names[t]}",
            colour="head",
            chosen=self.head,
            text=number,
            heads=("head", "length"),
        )
        return join(
            [
                tag(
                    "p",
                    "The matrix ",
                    tag("i", "W"),
                    tag("sub", "O"),
                    (
                        f" turns each head’s {how_many(self.width, 'number')} back into {result.shape[1]}, the width "
                        "of the stream. "
                    ),
                    "This layer has one head, so what it makes is all that is added."
                    if len(result) == 1
                    else "The heads work side by side and know nothing of each other; their outputs are simply added.",
                ),
                *(
                    tiles
                    if self.called is not None
                    else [
                        self.figure("result-lengths", bars),
                        c.whole("What each head adds, number by number", tag("div", *tiles, class_="tiles"), added),
                    ]
                ),
                self.flow("attn.result", "attn_out"),
            ]
        )

    def add(self) -> Markup:
        t = self.query
        before, update, after = (self.of(name)[t] for name in ("resid_pre", "attn_out", "resid_mid"))
        scale = float(max(abs(v).max() for v in (before, update, after)))
        tiles = [
            self.figure(
                figure,
                self.folded(name, values, label=name, index=str(t), scale=scale, travel=figure),
                caption=join([sign, tag("code", name), f" length {number(float(facts.sizes(values)))}"]),
            )
            for figure, name, values, sign in (
                ("before", "resid_pre", before, ""),
                ("update", "attn_out", update, "+ "),
                ("resid-mid", "resid_mid", after, "= "),
            )
        ]
        bars = charts.bars(
            ["what was there", "what is added", "the new stream"],
            [float(facts.sizes(x)) for x in (before, update, after)],
            label=f"lengths before and after layer {self.layer} has read for {self.names[t]}",
            colour="resid",
            text=number,
            heads=("vector", "length"),
        )
        return join(
            [
                tag(
                    "p",
                    "The sum is added to what was there, number by number. Nothing is replaced. The MLP of this layer, "
                    "which works on one token by itself, reads the new total next."
                    if self.called is not None
                    else "The sum is added to what was there, number by number; so lengths do not simply add up. "
                    "Nothing is replaced. The MLP of this layer, which works on one token by itself, reads the new "
                    "total next, and then the layer above.",
                ),
                self.figure("resid-mid", self.sum_of("resid_pre", "attn_out", "resid_mid"))
                if self.called is not None
                else self.figure("stream-lengths", bars),
                None
                if self.called is not None
                else c.whole("Number by number", tag("div", *tiles, class_="tiles three")),
                None if self.with_mlp else c.whole("After all layers", self.prediction()),
                self.flow("resid_mid"),
            ]
        )

    def sum_of(self, before: str, update: str, after: str) -> Markup:
        """Two records of the query's and their sum, by the names of their coordinates."""
        rows = {"there": before, "+ added": update, "= new": after}
        return self.named(
            {head: (name, str(self.query), self.of(name)[self.query]) for head, name in rows.items()},
            label=f"{before}, {update} and {after} of {self.names[self.query]}",
        )

    def mlp(self) -> Markup:
        """What comes behind the ten steps: the hidden units of this layer's MLP, and what they write."""
        t, bends = self.query, self.trace.record(self.key("mlp.post")).function
        post = self.of("mlp.post")[t]
        moved, clear = int(np.count_nonzero(post)), int((np.abs(post) >= FAINT).sum())
        faint = f", and {moved - clear} by less than a thousandth" if moved > clear else ""
        zero = f"{'It is' if len(post) == 1 else 'All are'} 0 here"
        adds = "What they write" if self.of("mlp_out")[t].any() else "Nothing"
        found = f"{f'Not 0 here: {clear}{faint}' if moved else zero}. {adds}"
        who = "The only hidden unit" if len(post) == 1 else f"Each of {how_many(len(post), 'hidden unit')}"
        bend = {
            "relu": "a hinge (ReLU): 0 up to a threshold, a straight line from there (the storyteller’s GELU has a "
            "round corner)",
            "gelu": "GELU",
        }[getattr(bends, "__name__", "gelu")]
        columns = {"sum": self.of("mlp.pre")[t] * (post != 0), "bent": post}
        units = {
            head: (name, str(t), values)
            for (head, values), name in zip(columns.items(), ("mlp.pre", "mlp.post"), strict=True)
        }
        label = f"hidden units of {self.names[t]} that are not 0"
        figures = [
            self.figure("mlp-post", self.named(units, label=label, axis="F")),
            self.figure("resid-post", self.sum_of("resid_mid", "mlp_out", "resid_post")),
        ]
        return join(
            [
                tag(
                    "p",
                    f"{who} adds up what it reads of this one token, and bends the sum by {bend}. {found} is added to "
                    "the stream.",
                ),
                *(figures if moved else figures[1:]),
                c.whole("After all layers", self.prediction()),
                self.flow("mlp.pre", "mlp.post", "mlp_out", "resid_post"),
            ]
        )

    def prediction(self) -> Markup:
        """What the whole model makes of it in the end: the next-token distribution at the query."""
        probs = ops.softmax(model.logits_at(self.trace, lab.model().params, self.query).astype("float64"))
        _, names, top = top_tokens(probs, 6)
        return c.figure(  # of no layer and no head: of the whole model
            "next-token",
            charts.bars(names, top, label=f"Next token after {self.names[self.query]}", scale=1.0),
            caption=join(["After all layers: what follows ", self.token(self.query, "query")]),
        )

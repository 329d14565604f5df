"""Input-dependent routing: two texts through the same weights; what changed is the wiring between tokens."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.kernel import model
from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.ui.html import join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts.lean import later, matrix
from explainer.ui.widget import Widget

from .parts import head_choice, head_says, prompt_field

CORNER = 12  # so much of the MLP's matrix is drawn


class AttentionRouting(Widget):
    """The pattern of the prompt beside that of a second text; the MLP's weights beside both."""

    slug = "attention-routing"
    title = "Same weights, other wiring"
    own_only = ""
    reads = ("prompt", "pin", "layer", "head", "query")
    functions = (facts.routing, facts.look, facts.fingerprint, model.attention_pattern, model.linear)

    def draw(self) -> Markup:
        s = self.state
        a, b = s.tokens(), s.pinned()
        names_a, names_b = lab.names_of(a), lab.names_of(b)
        found = facts.routing(a, b, s.layer, s.head)
        there = facts.same_token(b, a[s.query])
        looks = facts.look(found.a, s.query), None if there is None else facts.look(found.b, there)
        return join(
            [
                c.controls(
                    prompt_field(s, len(a)),
                    c.text_field("pin", "Second text", s.pin, hint=c.tokens_in(len(b))),
                    c.beyond(
                        *head_choice(s, names_a),
                        c.button(
                            "Pin the prompt here",
                            sets="pin",
                            value=s.prompt,
                            hint="Copy the prompt into the second text, then change one of the two",
                        ),
                        c.button("Swap the two", sets="prompt pin", value=f"{s.pin}\x1f{s.prompt}"),
                    ),
                ),
                tag("p", head_says(s.layer, s.head, s.tokens()), class_="note"),
                c.figure(
                    "looks",
                    self.strip("the prompt", "first", found.a, names_a, looks[0]),
                    self.strip("the second text", "second", found.b, names_b, looks[1]),
                    caption=join(
                        [
                            "What ",
                            c.token(names_a[s.query], axis="axis-query"),
                            " reads in each text: the deeper the colour, the more",
                        ]
                    ),
                ),
                self.finding(a == b, names_a, names_b, *looks),
                c.beyond(
                    tag(
                        "div",
                        self.pattern("pattern-a", "the prompt", found.a, names_a, looks[0]),
                        self.pattern("pattern-b", "the second text", found.b, names_b, looks[1]),
                        class_="columns",
                    ),
                    tag("div", *self.pictures(), class_="columns"),
                    self.fingerprints(found),
                ),
            ]
        )

    def strip(self, what: str, which: str, pattern: Any, names: list[str], look: facts.Look | None) -> Markup:
        """One text; the token that asks is marked, what it reads is shaded."""
        weights = [0.0] * len(names) if look is None else [float(x) for x in pattern[look.query]]
        marks = [
            "asks" if look and i == look.query else "found" if look and i == look.key else "" for i in range(len(names))
        ]
        return join(
            [
                tag("p", what, class_="note"),
                c.token_strip(
                    names, axis="head", weights=weights, marks=marks, label=f"What is read in the {which} text"
                ),
            ]
        )

    def pattern(self, figure: str, what: str, pattern: Any, names: list[str], look: facts.Look | None) -> Markup:
        """One text's mixing matrix, the row of the token that asks marked."""
        table = matrix(
            pattern,
            names,
            names,
            label=f"mixing matrix for {what}: queries down, keys across",
            masked=later(len(names)),
            numbers=False,
            size="mini",
            row_name="query",
            col_name="key",
            chosen_row=look.query if look else None,
        )
        return c.figure(
            figure,
            table,
            caption=join(["Mixing matrix for ", what, " ", c.shape("pattern", "T S", pattern.shape)]),
            about={"layer": self.state.layer, "head": self.state.head},
        )

    def finding(
        self, same: bool, names_a: list[str], names_b: list[str], first: facts.Look, second: facts.Look | None
    ) -> Markup:
        """Where the same token looks in the two texts."""
        if same:
            return c.message("The same text, the same wiring: change one of the two.", "finding")
        asks = c.token(names_a[first.query], axis="axis-query")
        seen = [asks, " at place ", str(first.query), " reads ", *self.said(names_a, first), " in the prompt"]
        if second is None:
            return tag(
                "p",
                *seen,
                ". The second text has no ",
                asks,
                " to compare it with: choose another query token.",
                class_="aside finding",
            )
        return tag(
            "p",
            *seen,
            "; ",
            asks,
            " at place ",
            str(second.query),
            " reads ",
            *self.said(names_b, second),
            " in the second text.",
            class_="aside finding",
        )

    def said(self, names: list[str], look: facts.Look) -> list[Any]:
        """'-ta at place 10, 6 back (98 %)'."""
        where = f"{look.back} back" if look.back else "itself"
        return [c.token(names[look.key], axis="axis-key"), f" at place {look.key}, {where} ({percent(look.weight)})"]

    def pictures(self) -> list[Markup]:
        """A corner of the MLP's first matrix during both runs."""
        layer = self.state.layer
        params = lab.model().params
        w_in = params[f"blocks.{layer}.mlp.W_in"]
        corner = w_in[:CORNER, :CORNER]
        return [
            c.figure(
                f"w-in-{which}",
                matrix(
                    corner,
                    [str(i) for i in range(len(corner))],
                    [str(i) for i in range(corner.shape[1])],
                    label=f"corner of W_in while {what} runs",
                    signed=True,
                    numbers=False,
                    size="tiny",
                    row_axis="resid",
                    col_axis="resid",
                ),
                caption=join(["MLP ", c.shape("W_in", "D F", w_in.shape), f" while {what} runs; a corner"]),
            )
            for which, what in (("a", "the prompt"), ("b", "the second text"))
        ]

    def fingerprints(self, found: facts.Routing) -> Markup:
        """The weights during both runs: the same bits."""
        layer = self.state.layer
        rows = [
            tag(
                "tr",
                tag("th", tag("code", w.name), scope="row"),
                tag("td", w.role),
                tag("td", tag("code", w.a)),
                tag("td", tag("code", w.b)),
                tag("td", "bit-identical" if w.same else "different", class_="same" if w.same else "different"),
            )
            for w in found.fingerprints
        ]
        label = f"Fingerprints of layer {layer}’s matrices during both runs"
        bend = "SwiGLU" if any(w.name == "mlp.W_gate" for w in found.fingerprints) else "GELU"
        table = tag(
            "table",
            tag("caption", label, class_="sr"),
            tag(
                "thead",
                tag(
                    "tr",
                    *[
                        tag("th", h, scope="col")
                        for h in ("matrix", "what it is", "while the prompt runs", "while the second text runs", "bits")
                    ],
                ),
            ),
            tag("tbody", *rows),
            class_="numbers fingerprints",
        )
        return c.figure(
            "fingerprints",
            tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label),
            caption="Twelve digits of each matrix’s SHA-256: one changed bit would change them",
            note=(
                f"The MLP bends each token’s numbers ({bend}), so what it does to a token does depend on that token. "
                "But it never mixes tokens, and its matrices are the same for every text. The matrix that mixes "
                "tokens, attention’s pattern, is not a weight at all: it is computed anew from each text."
            ),
        )

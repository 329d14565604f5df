"""Input-dependent routing: two texts through the same weights; what changed is the wiring between tokens."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer import attention_facts as facts
from explainer import lab, model
from explainer.views import components as c
from explainer.views.attention_parts import head_choice, head_says, later, matrix, prompt_field
from explainer.views.html import join, percent, tag
from explainer.views.widget import Widget

CORNER = 12  # so much of the MLP's matrix is drawn


class AttentionRouting(Widget):
    """The pattern of the prompt beside that of a second text; the MLP's weights beside both."""

    slug = "attention-routing"
    title = "Same weights, other wiring"
    reads = ("prompt", "pin", "layer", "head")
    functions = (facts.routing, facts.fingerprint, model.attention_pattern, model.linear)

    def draw(self) -> Markup:
        s = self.state
        a, b = s.tokens(), s.pinned()
        names_a, names_b = lab.names_of(a), lab.names_of(b)
        found = facts.routing(a, b, s.layer, s.head)
        return join([
            c.controls(
                prompt_field(s, len(a)),
                c.text_field("pin", "Second text", s.pin, hint=f"{len(b)} tokens, with the start token"),
                *head_choice(s, names_a, query=False),
                c.button("Pin the prompt here", sets="pin", value=s.prompt, hint="Copy the prompt into the second text, then change one of the two"),
                c.button("Swap the two", sets="prompt pin", value=f"{s.pin}\x1f{s.prompt}"),
            ),
            tag("p", head_says(s.layer, s.head), class_="note"),
            tag("div",
                self.pattern("pattern-a", "the prompt", found.a, names_a),
                self.pattern("pattern-b", "the second text", found.b, names_b),
                self.difference(found, names_a, names_b),
                tag("div", self.finding(found, names_a, names_b), *self.pictures(), class_="stack"),
                class_="columns"),
            self.fingerprints(found),
        ])  # fmt: skip

    def pattern(self, figure: str, what: str, pattern: Any, names: list[str]) -> Markup:
        """One text's mixing matrix."""
        table = matrix(pattern, names, names, label=f"mixing matrix for {what}: queries down, keys across", masked=later(len(names)),
                       numbers=False, size="mini", row_name="query", col_name="key")  # fmt: skip
        return c.figure(
            figure, table, caption=join(["Mixing matrix for ", what, " ", c.shape("pattern", "T S", pattern.shape)])
        )

    def difference(self, found: facts.Routing, names_a: list[str], names_b: list[str]) -> Markup:
        """Second minus first, place by place."""
        n = len(found.difference)
        names = [x if x == y else f"{x}/{y}" for x, y in zip(names_a[:n], names_b[:n], strict=True)]
        table = matrix(found.difference, names, names, label="difference of the mixing matrices: second text minus prompt", signed=True,
                       scale=1.0, masked=later(n), numbers=False, size="mini", row_name="query", col_name="key")  # fmt: skip
        return c.figure(
            "pattern-difference",
            table,
            caption=join(
                ["Second text − prompt, place by place ", c.shape("difference", "T S", found.difference.shape)]
            ),
        )

    def finding(self, found: facts.Routing, names_a: list[str], names_b: list[str]) -> Markup:
        """How much was rewired, and where most."""
        if not found.moved.max() > 0:
            return c.message("The same text, the same wiring: change one of the two.", "finding")
        most = int(found.moved.argmax())
        before, after = int(found.a[most].argmax()), int(found.b[most].argmax())
        return tag(
            "p", "On average ", tag("b", percent(float(found.moved.mean()))), " of a token’s attention goes elsewhere. Most at place ", str(most), ": ",
            c.token(names_a[most], axis="axis-query"), " reads ", c.token(names_a[before], axis="axis-key"), f" ({percent(float(found.a[most, before]))}) in the prompt, ",
            c.token(names_b[most], axis="axis-query"), " reads ", c.token(names_b[after], axis="axis-key"), f" ({percent(float(found.b[most, after]))}) in the second text.",
            class_="aside finding",
        )  # fmt: skip

    def pictures(self) -> list[Markup]:
        """A corner of the MLP's first matrix during both runs."""
        layer = self.state.layer
        params = lab.model().params
        w_in = params[f"blocks.{layer}.mlp.W_in"]
        corner = w_in[:CORNER, :CORNER]
        return [
            c.figure(f"w-in-{which}", matrix(corner, [str(i) for i in range(len(corner))], [str(i) for i in range(corner.shape[1])], label=f"corner of W_in while {what} runs",
                                             signed=True, numbers=False, size="tiny", row_axis="resid", col_axis="resid"),
                     caption=join(["MLP ", c.shape("W_in", "D F", w_in.shape), f" while {what} runs; a corner"]))
            for which, what in (("a", "the prompt"), ("b", "the second text"))
        ]  # fmt: skip

    def fingerprints(self, found: facts.Routing) -> Markup:
        """The weights during both runs: the same bits."""
        layer = self.state.layer
        rows = [
            tag("tr", tag("th", tag("code", w.name), scope="row"), tag("td", w.role), tag("td", tag("code", w.a)), tag("td", tag("code", w.b)),
                tag("td", "bit-identical" if w.same else "different", class_="same" if w.same else "different"))
            for w in found.fingerprints
        ]  # fmt: skip
        label = f"Fingerprints of layer {layer}’s matrices during both runs"
        table = tag("table", tag("caption", label, class_="sr"),
                    tag("thead", tag("tr", *[tag("th", h, scope="col") for h in ("matrix", "what it is", "while the prompt runs", "while the second text runs", "bits")])),
                    tag("tbody", *rows), class_="numbers fingerprints")  # fmt: skip
        return c.figure("fingerprints", tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label), caption="Twelve digits of each matrix’s SHA-256: one changed bit would change them",
                     note="The MLP bends each token’s numbers (GELU), so what it does to a token does depend on that token. But it never mixes tokens, and its matrices are the same for every text. The matrix that mixes tokens, attention’s pattern, is not a weight at all: it is computed anew from each text.")  # fmt: skip

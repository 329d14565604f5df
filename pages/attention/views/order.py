"""Does attention know the order? Two earlier tokens swapped, with and without positions, with and without the mask."""

from __future__ import annotations

from markupsafe import Markup

from explainer.kernel import interventions
from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.ui.html import exact, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import head_choice, prompt_field


def what_is_left_out() -> str:
    """What “no positions” takes away from the model in use."""
    if "pos_embed.W_pos" in lab.model().params:
        return "the learned vector of each place is left out."
    return "the angles by which places turn queries and keys are 0."


class AttentionOrder(Widget):
    """Swap two tokens before the query; see where it shows."""

    slug = "attention-order"
    title = "Swap two words: does the query notice?"
    own_only = ""
    reads = ("prompt", "layer", "head", "query", "swap", "swap_with")
    beyond = ("layer", "head")
    functions = (facts.order_test, facts.swap, interventions.NoPositions, interventions.NoMask)

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        head = [c.controls(prompt_field(s, len(tokens)), c.beyond(*head_choice(s, names)))]
        if s.query < 2:
            return join(
                [
                    *head,
                    c.message(
                        "Choose a query with at least two tokens before it: there is nothing to swap yet.", "problem"
                    ),
                ]
            )
        i, j = s.swap, s.swap_with
        options = [(k, f"{k}: {names[k]}") for k in range(s.query)]
        swapped = facts.swap(tokens, i, j)
        new_names = lab.names_of(swapped)
        marks = ["mark" if k in (i, j) else "" for k in range(len(names))]
        found = facts.order_test(tokens, i, j, s.query, s.layer, s.head)
        return join(
            [
                *head,
                c.controls(
                    c.choice("swap", "Swap token", options, i, tokens=True),
                    c.choice("swap_with", "with token", options, j, tokens=True),
                    label="Swap",
                ),
                c.figure(
                    "swapped-text",
                    tag("p", "before", class_="note"),
                    c.token_strip(names, label="The text", marks=marks),
                    tag("p", "after", class_="note"),
                    c.token_strip(new_names, label="The text with two tokens swapped", marks=marks),
                    caption="Before and after the swap",
                ),
                self.same(tokens, i, j) or self.table(found, names, i, j),
            ]
        )

    def same(self, tokens: tuple[int, ...], i: int, j: int) -> Markup | None:
        """What to say when nothing was swapped."""
        if i != j and tokens[i] != tokens[j]:
            return None
        return c.message(
            "These two are the same token: swapping them changes nothing. Choose two different ones.", "problem"
        )

    def table(self, found: facts.OrderTest, names: list[str], i: int, j: int) -> Markup:
        """By how much attention's output at the query changed, layer by layer, in each condition."""
        s = self.state
        conditions = [name for name, _ in facts.CONDITIONS]
        rows = []
        rounding = {name: found.rounding(name) for name in conditions}
        for layer in range(lab.model().config.n_layers):
            cells = [
                self.cell(
                    float(found.changes[name][layer]), f"attention’s output of layer {layer}", rounding[name][layer]
                )
                for name in conditions
            ]
            rows.append(tag("tr", tag("th", f"layer {layer}", scope="row"), *cells))
        rows.append(
            tag(
                "tr",
                tag("th", "the prediction", scope="row"),
                *[self.cell(found.moved[name], "the prediction", rounding[name][-1]) for name in conditions],
                class_="total",
            )
        )
        head = tag(
            "tr", tag("th", "changed at the query", scope="col"), *[tag("th", name, scope="col") for name in conditions]
        )
        label = "Change at the query after the swap, relative to its size"
        table = tag(
            "table",
            tag("caption", label, class_="sr"),
            tag("thead", head),
            tag("tbody", *rows),
            class_="numbers order-table colour-loss",
            data_grid=True,
        )
        weights = []
        for name in conditions:
            before, after = found.rows[name]
            stands = [
                tag(
                    "td",
                    c.token(names[here], axis="axis-key"),
                    " ",
                    percent(float(before[here])),
                    " ",
                    tag("span", f"→ {percent(float(after[there]))}", class_="together"),
                    data_v=exact(after[there]),
                )
                for here, there in ((i, j), (j, i))
            ]
            weights.append(tag("tr", tag("th", name, scope="row"), *stands))
        pair = tag(
            "table",
            tag("caption", "The weights of the two tokens, before and after the swap", class_="sr"),
            tag("tbody", *weights),
            class_="numbers order-table",
        )
        return join(
            [
                c.beyond(
                    c.figure(
                        "order",
                        tag("div", table, class_="scroll", tabindex="0", role="region", aria_label=label),
                        caption=join(
                            [
                                "How much of attention’s output at ",
                                c.token(names[s.query], axis="axis-query"),
                                " changed: 0 is nothing, 1 as much as the output itself",
                            ]
                        ),
                        note=(
                            f"No positions: {what_is_left_out()} Rounding: the query reads the same numbers, added up "
                            "in another order, and float32 sums then differ in the last digits. A change that is as "
                            "small but real is not called so."
                        ),
                        readout=" ",
                    ),
                    c.figure(
                        "order-weights",
                        tag("div", pair, class_="scroll"),
                        caption=join(
                            [
                                tag("span", f"Head {s.layer}.{s.head}", class_="axis-head"),
                                ": the weight of each of the two, wherever it stands",
                            ]
                        ),
                    ),
                ),
                self.verdict(found),
            ]
        )

    def cell(self, value: float, what: str, rounding: bool) -> Markup:
        """One measured change, called rounding where it is."""
        of = "moves by {} of the probability" if what == "the prediction" else "changed by {} of its size"
        return tag(
            "td",
            (
                "0"
                if value == 0
                else f"<{number(facts.ROUNDING)} (rounding)"
                if rounding and value < facts.ROUNDING
                else number(value)
            ),
            data_v=exact(value),
            tabindex="-1",
            data_why=f"{what} {of.format(f'{value:.3g}')}".replace("e-", "e−"),
            style=f"--v:{min(value, 1):.3g}",
            class_="same" if rounding else None,
        )

    def verdict(self, found: facts.OrderTest) -> Markup:
        """The measured result in words."""
        blind, masked = found.rounding("no positions, no mask"), found.rounding("no positions")
        first = (
            "With neither positions nor mask the swap is invisible to the query in every layer."
            if all(blind)
            else ("Even without positions and mask something differs here; that should not be so.")
        )
        second = (
            (
                " With the mask but without positions, the first layer cannot tell, but the layers above can: each of "
                "the two swapped tokens, and any token between them, has read other tokens than before. Order leaks "
                "through the mask."
            )
            if masked[0] and not all(masked)
            else ""
        )
        return c.message(first + second, "finding")

"""What depth is worth: the family on the same text, and the deepest model with its layers taken off from the top."""

from __future__ import annotations

from inspect import unwrap

import numpy as np
from markupsafe import Markup

from explainer.kernel import interventions
from explainer.kernel.ops import softmax
from explainer.models.columns import top_tokens
from explainer.studies import influence
from explainer.ui.html import join, number, percent, sample, spread, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import names_of
from explainer.ui.widget import Widget


class Depth(Widget):
    """Per-token losses of every depth on the reader's text; cross-entropy and accuracy on a fixed held-out set."""

    slug = "depth"
    title = "Measured: what depth is worth"
    own_only = (
        "Depth is compared between storytellers of one, two and four layers, trained alike. Of this model there is no "
        "smaller one that was trained on the same texts, so this figure stays with the storytellers."
    )
    reads = ("prompt",)
    functions = (
        interventions.LayersAbove,
        influence.variants,
        influence.token_losses,
        unwrap(influence.held_out),
        unwrap(influence.held_out_floor),
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.text()
        names = names_of(tokens)
        kinds = influence.variants()
        field = c.controls(c.text_field("prompt", "Prompt", s.prompt))
        return join([field, self.on_text(tokens, names, kinds), c.beyond(self.on_held_out(kinds))])

    def on_text(self, tokens: tuple[int, ...], names: list[str], kinds: tuple[influence.Variant, ...]) -> Markup:
        if len(tokens) < 2:
            return c.message("To be surprised, a model needs a next token: type at least one word.", "problem")
        losses = [influence.token_losses(kind, tokens) for kind in kinds]
        nexts = []
        for kind in kinds:
            probs = softmax(kind.trace(tokens)["logits"][-1].astype(np.float64))
            _, best, top = top_tokens(probs, 1)
            nexts.append(f"{best[0]} ({percent(top[0])})")
        peak = max(float(row.max()) for row in losses)
        table = c.heat_table(
            losses,
            [kind.name for kind in kinds],
            names[1:],
            label="Surprise at each token, in nats, by model depth",
            colour="loss",
            row_axis="resid",
            col_axis="vocab",
            scale=max(peak, 1e-6),
            row_name="model",
            col_name="token",
            why=lambda r, t: f"{number(float(losses[r][t]), 4)} nats, seen from “{names[t]}”",
            size="roomy",
        )
        rows = [[kind.name, float(row.mean()), best] for kind, row, best in zip(kinds, losses, nexts, strict=True)]
        return join(
            [
                c.figure(
                    "depth-text",
                    table,
                    title="Your text: how surprised is each model by each token?",
                    caption="nats; the stronger the colour, the worse",
                    readout=(
                        "Point at a cell or touch it. Where layers were removed, "
                        "the top ones write nothing and the rest was not trained again."
                    ),
                ),
                c.beyond(
                    c.numbers_table(
                        ["model", "mean surprise, nats per token", "most likely next token"],
                        rows,
                        "Each model on this text",
                        open_=True,
                    )
                ),
            ]
        )

    def on_held_out(self, kinds: tuple[influence.Variant, ...]) -> Markup:
        """The fixed set: not the reader's text, and the same for everybody."""
        found = [influence.held_out(kind) for kind in kinds]
        floor = influence.held_out_floor().cross_entropy.value
        names = [kind.name for kind in kinds]
        losses = [e.cross_entropy.value for e in found]
        rights = [e.accuracy.value for e in found]
        whole = next(
            i for i, kind in enumerate(kinds) if not kind.removed and kind.depth == max(k.depth for k in kinds)
        )
        cut = next((i for i, kind in enumerate(kinds) if kind.removed == 1), None)
        finding = None
        if cut is not None:
            finding = (
                f"Take off the top layer: the most likely token is right in {percent(rights[cut])} of all cases "
                f"instead of {percent(rights[whole])}, and the cross-entropy goes from {number(losses[whole])} to "
                f"{number(losses[cut])} nats. Two different questions, in two units: "
                "neither can be said to suffer more."
            )
        top = max(losses)
        return join(
            [
                tag(
                    "div",
                    c.figure(
                        "depth-loss",
                        charts.bars(
                            names,
                            losses,
                            label="Cross-entropy on held-out text, nats per token",
                            colour="loss",
                            scale=top,
                            text=lambda x: number(x, 3),
                            others={"floor": [floor] * len(names)},
                            heads=("model", "nats"),
                        ),
                        title="Unseen text: cross-entropy",
                        caption=f"nats per token; the mark is the floor, {number(floor)}: the truth’s own entropy",
                        readout=(
                            "On the held-out set, drawn apart from the training text: "
                            f"{sample(found[0].cross_entropy)}. 95 % intervals: "
                            f"{'; '.join(f'{n} {spread(e.cross_entropy)}' for n, e in zip(names, found, strict=True))}"
                            "."
                        ),
                    ),
                    c.figure(
                        "depth-accuracy",
                        charts.bars(
                            names,
                            rights,
                            label="Share of held-out tokens whose most likely guess is right",
                            colour="vocab",
                            scale=1.0,
                            heads=("model", "right"),
                        ),
                        title="Unseen text: top-1 accuracy",
                        caption="how often the most likely token was the right one",
                        readout="The same predictions.",
                    ),
                    class_="columns wide-columns",
                ),
                c.message(finding, "finding") if finding else None,
            ]
        )

"""The residual stream as a bus: who wrote what into one prediction, and what it would have been at every stop."""

from __future__ import annotations

from markupsafe import Markup

from explainer.kernel import model
from explainer.kernel.ops import softmax
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import attention_facts as facts
from explainer.studies import further
from explainer.ui.html import exact, join, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.lean import norm_name
from explainer.ui.parts.lens import TRAINED, lens
from explainer.ui.widget import Widget

from .parts import prompt_field


class ResidualBus(Widget):
    """Direct contributions of every head and MLP to the followed token, and the logit lens after every sub-layer."""

    slug = "residual-bus"
    title = "Who wrote the answer into the stream?"
    own_only = ""
    reads = ("prompt", "query", "layer", "head", "token")
    functions = (model.direct_logit_contributions, model.residual_parts, model.logit_lens, model.add)

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        trace = lab.trace(tokens)
        probs = softmax(model.logits_at(trace, lab.model().params, s.query).astype("float64"))
        ids, shown, chances = top_tokens(probs, 8)
        token = s.token if s.token >= 0 else ids[0]
        rival = ids[0] if ids[0] != token else ids[1]
        if token not in ids:
            ids, shown, chances = (
                [*ids, token],
                [*shown, lab.tokenizer().display(token)],
                [*chances, float(probs[token])],
            )
        followed, against = lab.tokenizer().display(token), lab.tokenizer().display(rival)
        bars = charts.bars(
            shown,
            chances,
            label="Choose the token to follow",
            scale=1.0,
            sets="token",
            ids=ids,
            chosen=ids.index(token),
        )
        caption = ["What follows ", c.token(names[s.query], axis="axis-query"), ". Choose the token to follow."]
        choose = c.figure("followed", bars, caption=join(caption))
        return join(
            [
                c.controls(
                    prompt_field(s, len(tokens)),
                    c.choice(
                        "query", "Query token", [(i, f"{i}: {n}") for i, n in enumerate(names)], s.query, tokens=True
                    ),
                ),
                tag(
                    "div",
                    tag(
                        "div",
                        c.beyond(choose),
                        lens(facts.lens(trace, s.query, token), followed, TRAINED.format(norm=norm_name())),
                        class_="stack",
                    ),
                    c.beyond(self.contributions(self.riders(trace, token, rival), followed, against)),
                    class_="columns bus-columns",
                ),
            ]
        )

    def riders(self, trace: Trace, token: int, rival: int) -> tuple[facts.Rider, ...]:
        """Who wrote: each head and MLP; of many layers the heads together, but for those of the chosen layer."""
        s = self.state
        riders = facts.bus(trace, s.query, token, rival)
        return riders if trace.config.n_layers <= further.MANY_LAYERS else further.bundled(riders, s.layer)

    def contributions(self, riders: tuple[facts.Rider, ...], followed: str, against: str) -> Markup:
        """Signed bars in the order of the architecture, with the running total of the lead."""
        s = self.state
        largest = max(abs(r.lead) for r in riders) or 1.0
        rows = []
        running = facts.running_total(riders)
        for rider, total in zip(riders, running, strict=True):
            colour = "head" if rider.head is not None else "resid"
            name = tag("span", rider.name)
            if rider.head is not None:
                name = tag(
                    "button",
                    rider.name,
                    type="button",
                    data_set="layer head",
                    value=f"{rider.layer}\x1f{rider.head}",
                    class_="row-name",
                    aria_pressed=str((rider.layer, rider.head) == (s.layer, s.head)).lower(),
                )
            side = "plus" if rider.lead >= 0 else "minus"
            rows.append(
                tag(
                    "tr",
                    tag("th", name, scope="row", class_=f"axis-{colour}"),
                    charts.track(
                        charts.bar(abs(rider.lead) / largest / 2, f"{side} colour-{colour}"),
                        kind="mid",
                    ),
                    tag(
                        "td",
                        signed(rider.lead),
                        data_v=exact(rider.lead),
                        class_="num",
                        tabindex="-1",
                        data_why=(
                            f"{rider.name} adds {signed(rider.logit)} to the logit of {followed} and "
                            f"{signed(rider.logit - rider.lead)} to that of {against}: {signed(rider.lead)} to the "
                            "lead"
                        ),
                    ),
                    tag("td", number(rider.logit), data_v=exact(rider.logit), class_="num soft", tabindex="-1"),
                    tag("td", number(total), data_v=exact(total), class_="num soft", tabindex="-1"),
                    class_=(
                        "chosen" if rider.head is not None and (rider.layer, rider.head) == (s.layer, s.head) else None
                    ),
                )
            )
        rows.append(
            tag(
                "tr",
                tag("th", "sum", scope="row"),
                tag("td", aria_hidden="true"),
                tag("td", signed(running[-1]), data_v=exact(running[-1]), class_="num"),
                tag("td", number(facts.total_logit(riders)), data_v=exact(facts.total_logit(riders)), class_="num"),
                tag("td", ""),
                class_="total",
            )
        )
        heads = [
            tag("th", "written by", scope="col"),
            tag("td", aria_hidden="true"),
            tag("th", "to the lead", scope="col", class_="num"),
            tag("th", "to the logit", scope="col", class_="num"),
            tag("th", "lead so far", scope="col", class_="num"),
        ]
        table = tag(
            "table",
            tag("caption", f"Direct contributions to the lead of {followed} over {against}", class_="sr"),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            class_="bars bus",
            data_grid=True,
        )
        return c.figure(
            "contributions",
            tag("div", table, class_="scroll"),
            caption=join(
                [
                    "What each part adds to the lead of ",
                    c.token(followed, axis="axis-vocab"),
                    " over ",
                    c.token(against, axis="axis-vocab"),
                ]
            ),
            note=(
                "The lead is the difference of the two logits, the logarithm of the odds. Exact, because the last "
                f"{norm_name()} divides everything by one recorded number; only the direct way is counted, not what a "
                "later part made of what an earlier one wrote."
            ),
            readout="Point at a number: it says what it is made of.",
        )


def signed(value: float) -> str:
    """A number with its sign."""
    return f"+{number(value)}" if value > 0 else number(value)

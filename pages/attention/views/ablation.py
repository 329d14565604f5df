"""Take it out: what the prediction and the loss on held-out text become without one part of attention."""

from __future__ import annotations

import inspect

from markupsafe import Markup

from explainer.corpus import KINDS
from explainer.kernel import interventions
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import attention_facts as facts
from explainer.studies.kinds import NAMES
from explainer.studies.kinds import measured as kinds_measured
from explainer.ui.html import exact, join, number, percent, sample, spread, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.lean import matrix
from explainer.ui.widget import Widget

from .parts import bars_two, head_choice, prompt_field

NOTHING = facts.TakeOut("nothing", "nothing", ())


class AttentionAblation(Widget):
    """A list of things to take out; the chosen one's effect on this prediction, every one's on held-out text."""

    slug = "attention-ablation"
    title = "Take it out"
    own_only = (
        "What a part is worth is measured on hundreds of held-out stories, which a model of English has never "
        "seen and does not speak like. So this figure stays with the storyteller."
    )
    reads = ("prompt", "layer", "head", "query", "take_out")
    functions = (
        interventions.NoScaling,
        interventions.NoMask,
        interventions.UniformAttention,
        interventions.NoPositions,
        interventions.HeadOff,
        inspect.unwrap(facts.loss),
        inspect.unwrap(facts.head_worth),
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        choices = facts.take_outs(s.layer, s.head)
        chosen = next((choice for choice in choices if choice.name == s.take_out), NOTHING)
        buttons = [
            c.button(x.label, sets="take_out", value=NOTHING.name if x is chosen else x.name, pressed=x is chosen)
            for x in choices
        ]  # pressed once more, it is put back
        return join(
            [
                c.controls(prompt_field(s, len(tokens)), c.beyond(*head_choice(s, names))),
                c.controls(
                    c.button(NOTHING.label, sets="take_out", value=NOTHING.name, pressed=chosen is NOTHING),
                    *buttons,
                    label="Take out",
                ),
                tag(
                    "div",
                    self.prediction(tokens, names, chosen),
                    c.beyond(self.losses(choices, chosen)),
                    class_="columns",
                ),
                c.beyond(tag("div", self.kinds(choices, chosen), self.heads(), class_="side")),
            ]
        )

    def prediction(self, tokens: tuple[int, ...], names: list[str], chosen: facts.TakeOut) -> Markup:
        """The next token before and after."""
        s = self.state
        changed = facts.change(tokens, chosen.interventions, s.query)
        after = "nothing taken out" if chosen is NOTHING else chosen.label
        ids, _, _ = top_tokens((changed.before + changed.after) / 2, 8)
        shown = [lab.tokenizer().display(i) for i in ids]
        table = bars_two(
            shown,
            [float(changed.before[i]) for i in ids],
            [float(changed.after[i]) for i in ids],
            label=f"next token as trained and with {after}",
            heads=("as trained", after),
        )
        return c.figure(
            "take-out-prediction",
            table,
            caption=join(["What follows ", c.token(names[s.query], axis="axis-query")]),
            note=(
                "Nothing is taken out, so nothing moves."
                if chosen is NOTHING
                else (
                    f"{percent(changed.total_variation)} of the probability moves; {number(changed.kl)} nats are lost "
                    "by trusting the changed model here."
                )
            ),
        )

    def losses(self, choices: tuple[facts.TakeOut, ...], chosen: facts.TakeOut) -> Markup:
        """Held-out loss and accuracy of every choice."""
        base = facts.loss()
        rows = []
        results = [
            ("as trained", NOTHING.name, base),
            *[(x.label, x.name, facts.loss(x.interventions)) for x in choices],
        ]
        worst = max(r.cross_entropy.value for _, _, r in results)
        for label, name, result in results:
            loss, right = result.cross_entropy, result.accuracy
            why = f"{number(loss.value, 4)} nats per token (95 % interval {spread(loss)}) over {sample(loss)}"
            if name != NOTHING.name and result.rise:
                why += f"; {number(result.rise.value, 4)} more than as trained ({spread(result.rise)})"
            rows.append(
                tag(
                    "tr",
                    tag("th", label, scope="row"),
                    charts.track(
                        charts.bar(loss.value / worst, f"colour-{'vocab' if name == NOTHING.name else 'loss'}")
                    ),
                    tag("td", number(loss.value), data_v=exact(loss.value), class_="num", tabindex="-1", data_why=why),
                    tag(
                        "td",
                        percent(right.value),
                        data_v=exact(right.value),
                        class_="num",
                        tabindex="-1",
                        data_why=(
                            f"the first guess is right in {percent(right.value)} (95 % interval {percent(right.low)} "
                            f"to {percent(right.high)}) of {sample(right)}"
                        ),
                    ),
                    class_="chosen" if name == chosen.name else None,
                )
            )
        heads = [
            tag("th", "taken out", scope="col"),
            tag("td", aria_hidden="true"),
            tag("th", "nats per token", scope="col", class_="num"),
            tag("th", "top-1 right", scope="col", class_="num"),
        ]
        table = tag(
            "table",
            tag("caption", "Held-out loss and accuracy", class_="sr"),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows),
            class_="bars take-losses",
            data_grid=True,
        )
        return c.figure(
            "take-out-loss",
            table,
            caption=f"On the held-out set: {sample(base.cross_entropy)}",
            note=(
                "Cross-entropy and how often the first guess is right, both expected under the true odds. The true "
                f"odds themselves have {number(facts.floor().cross_entropy.value)} nats here: the floor, below which "
                "nothing comes."
            ),
            readout="Point at a number: it says its 95 % interval, over documents.",
        )

    def kinds(self, choices: tuple[facts.TakeOut, ...], chosen: facts.TakeOut) -> Markup:
        """The same losses by what sort of word was due."""
        base = facts.loss().by_kind
        kinds = kinds_measured(facts.loss())
        results = [facts.loss(), *[facts.loss(x.interventions) for x in choices]]
        rows = [[r.by_kind[k].value for k in kinds] for r in results]
        names = ["as trained", *[x.label for x in choices]]
        why = {
            (r, k): (
                f"{number(rows[r][k], 4)} nats per token where {KINDS[kind]} is due (95 % interval "
                f"{spread(result.by_kind[kind])}); {sample(base[kind])}"
            )
            for r, result in enumerate(results)
            for k, kind in enumerate(kinds)
        }
        table = matrix(
            rows,
            names,
            [NAMES[k] for k in kinds],
            label="held-out loss by what was due, nats per token",
            colour="loss",
            scale=4.0,
            row_axis="loss",
            col_axis="vocab",
            why=why,
            size="fit kinds",
            chosen_row=0 if chosen is NOTHING else 1 + choices.index(chosen),
        )
        return c.figure(
            "take-out-kinds",
            table,
            caption="The same loss by what was due, nats per token",
            readout="Point at a number: it says over how many tokens it is the mean, and its 95 % interval.",
        )

    def heads(self) -> Markup:
        """Every head's worth, a click away from being switched off."""
        worth = facts.head_worth()
        largest = float(worth.max())
        rows = []
        for layer in range(worth.shape[0]):
            cells = []
            for head in range(worth.shape[1]):
                value = float(worth[layer, head])
                rise = facts.loss((interventions.HeadOff(layer, head),)).rise
                label, _ = facts.head_scores().label(layer, head)
                off = (layer, head, self.state.take_out) == (self.state.layer, self.state.head, "head")
                cells.append(
                    tag(
                        "td",
                        tag(
                            "button",
                            f"{'+' if value >= 0 else ''}{number(value)}",
                            type="button",
                            data_set="layer head take_out",
                            value=f"{layer}\x1f{head}\x1f{NOTHING.name if off else 'head'}",
                            aria_label=f"Take head {layer}.{head} out: loss {'+' if value >= 0 else ''}{number(value)}",
                            aria_pressed=str(off).lower(),
                            class_="worth",
                        ),
                        data_v=exact(worth[layer, head]),
                        data_why=(
                            f"without head {layer}.{head} ({label}): {number(value, 4)} nats per token more"
                            + (f" (95 % interval {spread(rise)})" if rise else "")
                        ),
                        style=f"--v:{max(value, 0) / largest:.3g}",
                    )
                )
            rows.append(tag("tr", tag("th", f"layer {layer}", scope="row"), *cells))
        head_row = tag(
            "tr",
            tag("td", class_="corner"),
            *[tag("th", tag("span", f"head {h}"), scope="col", class_="axis-head") for h in range(worth.shape[1])],
        )
        table = tag(
            "table",
            tag("caption", "What each head is worth: nats per token lost without it", class_="sr"),
            tag("thead", head_row),
            tag("tbody", *rows),
            class_="heat lean numbered worths colour-loss",
        )
        return c.figure(
            "head-worth",
            tag("div", table, class_="scroll"),
            caption=(
                "What each head alone is worth: nats per token lost on the held-out set without it. "
                "Choose one to switch it off."
            ),
            readout=" ",
        )

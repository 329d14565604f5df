"""The attention stepper: one head, one query token, one step at a time, all numbers from one trace."""

from __future__ import annotations

from markupsafe import Markup

from explainer.corpus.examples import PROMPTS
from explainer.kernel import model, ops
from explainer.models import lab
from explainer.models.examples import EXAMPLES
from explainer.ui.html import join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.parts import reading
from explainer.ui.parts.steps import Steps
from explainer.ui.telling import Telling

from .parts import head_choice, head_says


class AttentionStepper(Telling):
    """Residual stream -> LayerNorm -> q, k, v -> q.k -> / sqrt(K) -> mask -> softmax -> mix -> W_O -> added back."""

    slug = "attention-stepper"
    title = "One head, one query, step by step"
    own_only = ""
    reads = ("prompt", "layer", "head", "query")
    functions = (
        model.attention,
        model.normalize,
        model.project_heads,
        model.dot_products,
        model.scale_scores,
        model.causal_mask,
        model.attention_pattern,
        ops.softmax,
        model.weighted_sum,
        model.head_outputs,
        model.sum_heads,
        model.add,
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.tokens()
        names = lab.names_of(tokens)
        steps = Steps(lab.trace(tokens), names, s.layer, s.head, s.query)
        return join(
            [
                self.ask(),
                self.reading(steps, names),
                c.stepper("step", steps.all(), s.step),
                c.beyond(self.more(steps, names)),
            ]
        )

    def ask(self) -> Markup:
        """The text, and a name of the reader's own for it."""
        return tag(
            "div",
            c.text_field("prompt", "Prompt", self.state.prompt),
            c.text_field("called", "A name", lab.name_in(self.state.prompt), placeholder="your own")
            if lab.is_own()
            else None,
            class_="climb-ask",
        )

    def reading(self, steps: Steps, names: list[str]) -> Markup:
        """The text with an arrow from the token that asks to what it reads, and which head that is."""
        s = self.state
        row = steps.of("attn.pattern")[s.head, s.query, : s.query + 1]
        shares = [float(x) for x in row]
        drawings = [reading.Reading(s.tokens(), s.query, shares, layout).draw() for layout in reading.LAYOUTS]
        return tag(
            "figure",
            *drawings,
            tag("div", *head_choice(s, names), class_="head-choice"),
            class_="figure reading-figure",
            data_figure="reading",
            data_testid="reading",
        )

    def more(self, steps: Steps, names: list[str]) -> Markup:
        """What the head does elsewhere; the arrows as numbers; every token as the model gets it; other texts."""
        s = self.state
        shares = steps.of("attn.pattern")[s.head, s.query, : s.query + 1]
        read = c.numbers_table(
            ["is read", "share"],
            [[f"{i} {names[i]}", float(x)] for i, x in enumerate(shares)],
            f"What {names[s.query]} reads",
            summary="Shares",
            text=percent,
        )
        return tag(
            "div",
            head_says(s.layer, s.head, s.tokens()),
            read,
            c.whole(
                c.tokens_in(len(names)),
                c.token_strip(names, sets="query", chosen=s.query, label="Choose the token that asks"),
            ),
            self.examples(),
            class_="circuit-more",
        )

    def examples(self) -> Markup:
        """Prompts from the corpus that fit the page, each with what it shows; of another model those of its own."""
        if not lab.is_own():
            own_texts = EXAMPLES.get(lab.in_use(), ())
            found = [
                c.button(
                    text, sets="prompt query", value=f"{text}\x1f", pressed=text == self.state.prompt, kind="small"
                )
                for text in own_texts
            ]
            texts = tag("div", *found, class_="examples", role="group", aria_label="Examples")
            return c.whole("Other texts to try", texts) if found else Markup("")
        own = self.state.param.prompt.default
        buttons = [
            c.button(
                "this page’s own",
                sets="prompt query",
                value=f"{own}\x1f",
                pressed=own == self.state.prompt,
                hint="The prompt that the text of this page speaks of.",
                kind="small",
            )
        ]
        buttons += [
            c.button(
                name,
                sets="prompt query",
                value=f"{prompt}\x1f",
                pressed=prompt == self.state.prompt,
                hint=shows,
                kind="small",
            )
            for name, (prompt, shows) in PROMPTS.items()
            if len(lab.tokens_of(prompt)) <= self.state.most
        ]
        return c.whole(
            "Other texts to try", tag("div", *buttons, class_="examples", role="group", aria_label="Examples")
        )

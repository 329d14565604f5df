"""Five arms: the same sums with working of different origin, and how many come out right."""

from __future__ import annotations

from inspect import unwrap

from markupsafe import Markup

from explainer.kernel import paths
from explainer.models import lab
from explainer.studies import influence, working
from explainer.studies.working import Score
from explainer.ui.html import exact, how_many, join, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import names_of
from explainer.ui.widget import Widget

from .scratchpad import EXAMPLES

ERASED = "erased"
ARMS = {
    "working": "its own working",
    working.GIVEN: "right working, by us",
    working.SHORT: "the same, less its last step",
    working.FORGED: f"a first step {working.FORGERY} too much, by us",
    ERASED: "its own working, erased",
}


def order_of(arm: str) -> str:
    """Behind what the answer is asked. Where working was erased, the tape is that of an answer at once."""
    return "answer" if arm == ERASED else arm


class PathArms(Widget):
    """How many of the one set of sums come out right, by who did the steps; and one sum, asked in the arm chosen."""

    slug = "path-arms"
    title = "Who did the steps?"
    own_only = (
        "The sums of this figure are the storyteller’s own grammar, by which its answers are known to be right or "
        "wrong. So it stays with the storyteller."
    )
    reads = ("terms", "arm")
    functions = (
        working.opening,
        working.handed,
        working.leads_to,
        working.attempt,
        working.greedy,
        unwrap(working.score),
    )

    def draw(self) -> Markup:
        s = self.state
        terms = s.numbers_to_add()
        examples = [c.button(" + ".join(e.split()), sets="terms", value=e, pressed=e == s.terms) for e in EXAMPLES]
        return join(
            [
                c.figure(
                    "path-arms",
                    self.arms(),
                    title=f"How many of {working.IN_ALL} sums come out right",
                    caption="Press an arm to see one.",
                    readout="Colour: the sum. Grey: what the text leads to.",
                ),
                c.beyond(c.controls(tag("div", *examples, class_="presets", role="group", aria_label="Sums"))),
                self.one(terms),
            ]
        )

    def arms(self) -> Markup:
        rows = []
        for arm, name in ARMS.items():
            order = order_of(arm)
            right, led = working.score(lab.STORYTELLER, order), working.score(lab.STORYTELLER, order, led=True)
            low, high = right.interval
            other = order in (working.SHORT, working.FORGED)
            drawn = [charts.bar(right.share, "first")]
            if other:
                drawn.append(charts.bar(led.share, "second led"))
            pressed = arm == self.state.arm
            button = tag(
                "button", name, type="button", class_="button", data_set="arm", value=arm,
                aria_pressed=str(pressed).lower(), tabindex=0 if pressed else -1,
            )  # fmt: skip
            rows.append(
                tag(
                    "tr",
                    tag("th", button, scope="row"),
                    charts.track(*drawn, kind="two"),
                    counted(right),
                    tag("td", f"{percent(low)} to {percent(high)}", class_="num interval"),
                    counted(led) if other else tag("td", "", class_="num"),
                    class_="chosen" if pressed else None,
                )
            )
        heads = [tag("th", "working", scope="col"), tag("td", aria_hidden="true")]
        heads += [c.column_head("the sum"), tag("th", "95 % interval", scope="col", class_="interval")]
        heads.append(c.column_head("what the text leads to"))
        return tag(
            "table",
            tag("caption", "How many sums come out right, by who did the steps", class_="sr"),
            tag("thead", tag("tr", *heads)),
            tag("tbody", *rows, data_rove=True),
            class_="bars colour-vocab arms",
            data_grid=True,
        )

    def one(self, terms: tuple[int, ...]) -> Markup:
        """One sum in the arm chosen: grey what was given, struck out what was erased, the rest is the model's."""
        arm = self.state.arm
        found = working.attempt(terms, order_of(arm))
        before, after = influence.answer_span(found) or (len(found.written), len(found.written))
        written = found.written[: after + 1]
        start, tokens = len(found.opening), (*found.opening, *written)
        marks = ["given"] * start + ["wrote"] * len(written)
        for i in range(start + before, min(start + after, len(tokens))):
            marks[i] = "right" if found.right else "wrong"
        if arm == ERASED:  # what it had written before, behind the question
            asked = len(lab.tokens_of(working.task(terms), lab.STORYTELLER))
            own = working.attempt(terms, "working")
            steps = lab.tokens_of(own.text.partition(" Answer")[0], lab.STORYTELLER)[asked:]
            tokens = (*tokens[:asked], *steps, *tokens[asked:])
            marks = [*marks[:asked], *["gone"] * len(steps), *marks[asked:]]
        said = "no number" if found.answer is None else f"{found.answer}"
        verdict = "right" if found.right else f"the sum is {sum(terms)}"
        led = working.leads_to(terms, order_of(arm))
        if not found.right and found.answer == led:
            verdict += f", and {led} is what the text leads to"
        length = paths.longest_with_feedback(lab.model().config.n_layers, before)
        return c.figure(
            "arms-one",
            c.beyond(
                c.token_strip(
                    names_of(tokens), marks=marks, axis="vocab", label=f"The question, with {ARMS[arm]}, and the answer"
                )
            ),
            c.told(f"It answers {said}: {verdict}. The longest path to that has {how_many(length, 'step')}."),
            title=ARMS[arm].capitalize(),
            caption=join([f"{' + '.join(map(str, terms))}.", c.beyond(" Grey: given; the rest is the model’s.")]),
        )


def counted(score: Score) -> Markup:
    low, high = score.interval
    return tag(
        "td",
        f"{score.right} of {score.of}",
        data_v=exact(score.share),
        data_why=f"with 95 % confidence the true share lies between {percent(low)} and {percent(high)}",
        class_="num",
        tabindex="-1",
    )

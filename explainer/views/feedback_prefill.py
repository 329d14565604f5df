"""Put words in its mouth: overwrite what was written and let it go on; ask for the answer before or after the working."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer import corpus, lab, story, working
from explainer.sampling import Step
from explainer.views import components as c
from explainer.views.feedback_parts import STORY, cell, name_of, one_in, prompt_cells, tape, written_cell
from explainer.views.html import exact, join, number, percent, tag
from explainer.views.widget import Widget
from explainer.working import Attempt, Measured, Score

LONGEST = 24  # tokens that can be put in at once
AFTER = 24  # turns to tell after the last word put in
MORE = 24  # sums per press
FIRST, PIECE = 90, 4  # sums that the build has measured; and in one piece later


class Prefill(Widget):
    """Two experiments: any words at any turn of the story; and one sum, answer first or working first."""

    slug = "feedback-prefill"
    title = "Put words in its mouth"
    reads = (*STORY, "at", "words", "sum", "sums", "again")
    functions = (story.fork, story.Teller.turn, working.opening, working.greedy, working.attempt, working.measure)

    def draw(self) -> Markup:
        return join([self.overwrite(), tag("hr"), self.sums()])

    # ------------------------------------------------------------ any words at any turn

    def overwrite(self) -> Markup:
        s = self.state
        told, at = s.tell(), s.written(s.at)
        if not told:
            return c.message("Nothing is written yet, so there is nothing to overwrite: turn the crank first.")
        put = tuple(lab.tokenizer().encode(story.as_continuation(s.words)))[:LONGEST]
        most = s.param.step.bounds[1]
        put = put[: most - at]
        choices = story.fork(s.chosen(), at, *put)
        turns = min(most, at + len(put) + AFTER)
        other = s.tell(turns, choices)
        prompt = s.tokens()
        picks = [
            written_cell(t, sets="at", to=t.index, pressed=t.index == at, label=f"turn {t.index + 1}: {name_of(t.token)}")
            for t in told
        ]  # fmt: skip
        fields = c.controls(
            c.text_field("words", "Words to put in its mouth", s.words, hint=f"They overwrite turn {at + 1} and what follows: {plural(len(put))}. A word gets the space that its token carries."),
            c.button("Write them to the tape", sets="choices", value=story.write_choices(choices), kind="main"),
        )  # fmt: skip
        return join(
            [
                tag("h4", "Overwrite a written token"),
                c.figure("own", tape([*prompt_cells(prompt), *picks], "What it wrote by itself: choose where your words go"),
                         title="What it wrote by itself", caption="Choose the token that you want to overwrite.", readout="The stronger the colour, the likelier the token was."),
                fields,
                c.figure("yours", tape([*prompt_cells(prompt), *self.compare(told, other, at + len(put))], "The same story with your words"),
                         title="The same story with your words in it", caption="Same random numbers; underlined tokens are not what it wrote before.", readout=self.after(other, at, len(put))),
                self.surprise(other, at, len(put)),
            ]
        )  # fmt: skip

    def compare(self, told: Sequence[Step], other: Sequence[Step], end: int) -> list[Markup]:
        return [
            written_cell(t, differs=t.index >= end and (t.index >= len(told) or told[t.index].token != t.token))
            for t in other
        ]

    def after(self, other: Sequence[Step], at: int, n: int) -> str:
        rest = len(other) - at - n
        if not n:
            return "Write something into the field."
        return f"{rest} turns later your words still stand. Nothing in the machine can rub out a token; all it can do is write on."

    def surprise(self, other: Sequence[Step], at: int, n: int) -> Markup:
        """What the model and the corpus think of the words that were put in."""
        if not n:
            return Markup("")
        s = self.state
        words = other[at : at + n]
        chances = ", ".join(f"{name_of(t.token)} {percent(float(t.final[t.token]))}" for t in words[:8])
        text = [*s.tokens(), *(t.token for t in other[: at + n])]
        truth = corpus.true_distribution(text, lab.tokenizer())
        verdict = "The corpus could have written this text." if truth.inside else truth.reason
        facts = c.definition_row(
            [("your words, by the model", one_in(story.log_probability(words))), ("token by token", chances)]
        )
        return join([facts, c.message(verdict, "finding" if truth.inside else "note")])

    # ------------------------------------------------------------ answer first or working first

    def sums(self) -> Markup:
        s = self.state
        rows, done = working.measure(s.sums, at_most=PIECE if s.sums > FIRST else None)
        return sums(s.sum, s.sums, done, rows, s.param.sums.bounds[1])


def plural(n: int) -> str:
    return "1 token" if n == 1 else f"{n} tokens"


@functools.lru_cache(maxsize=16)
def sums(text: str, n: int, done: int, rows: tuple[Measured, ...], most: int) -> Markup:
    """One sum three ways, and many measured. Does not depend on the story, so it is kept."""
    terms = working.parse_terms(text)
    wrong = sum(terms) + 2
    tried = {order: working.attempt(terms, order, wrong if order == "wrong" else 0) for order in working.ORDERS}
    waiting = None
    if done < n:
        waiting = tag("div", tag("p", f"Measuring: {done} of {n} sums.", class_="progress"),
                      tag("progress", value=done, max=n, aria_label="Sums measured"), class_="writing", data_more="again")  # fmt: skip
    return join(
        [
            tag("h4", "Answer first, or working first"),
            c.controls(c.text_field("sum", "Sum", text, hint="Three to five numbers from 1 to 9.")),
            tag("div", *[one(order, tried[order], wrong) for order in working.ORDERS], class_="attempts"),
            c.figure("sums", table(rows), title=f"{done} sums, each asked three ways",
                     caption="Share of right results, with the 95 % interval that so few trials leave open.",
                     readout="The last three columns are about the working that follows a wrong answer, put in its mouth or its own."),
            waiting,
            c.controls(c.button(f"Measure {MORE} more", sets="sums", value=min(n + MORE, most))),
        ]
    )  # fmt: skip


def one(order: str, tried: Attempt, wrong: int) -> Markup:
    """One attempt: what was given, what we put in, what the model wrote, and whether it is right."""
    n_task = len(lab.tokens_of(tried.text.split(".")[0] + "."))
    cells = []
    for i, token in enumerate((*tried.opening, *tried.written)):
        kind = "given" if i < n_task else "chosen" if i < len(tried.opening) else "drawn"
        why = {"given": "the task", "chosen": "written by us", "drawn": "written by the model"}[kind]
        if i:
            cells.append(cell(token, kind, why=why))
    if order == "wrong":
        verdict = "its working ends right" if tried.right else "its working ends wrong"
        verdict += ": at the answer that we wrote" if tried.reached == wrong else ""
        found: Any = tried.reached
    else:
        verdict, found = ("right" if tried.right else "wrong"), tried.answer
    said = f"{'no number' if found is None else found}, and {tried.total} is the sum: {verdict}."
    return tag(
        "section",
        tag("h5", working.ORDERS[order] if order != "wrong" else f"We answer {wrong} for it"),
        tape(cells, working.ORDERS[order]),
        tag("p", said, class_=f"verdict {'good' if tried.right else 'bad'}"),
    )


def table(rows: Sequence[Measured]) -> Markup:
    heads = [
        "numbers to add",
        "answer first",
        "working first",
        "right after a wrong answer",
        "bent to the wrong answer",
        "right working after its own wrong answer",
    ]
    body = []
    for row in rows:
        scores = (row.answer_first, row.working_first, row.after_wrong, row.gave_in, row.own_wrong)
        name = f"{row.terms}" if row.terms else "all"
        body.append(tag("tr", tag("th", name, scope="row"), *[score(x) for x in scores]))
    return tag(
        "div",
        tag("table", tag("caption", "How often the result was right, by order of writing", class_="sr"),
            tag("thead", tag("tr", *[tag("th", h, scope="col") for h in heads])), tag("tbody", *body), class_="numbers scores", data_grid=True),
        class_="scroll",
    )  # fmt: skip


def score(x: Score) -> Markup:
    if not x.of:
        return tag("td", "–", tabindex="-1", data_why="no case among these sums", class_="num")
    low, high = x.interval
    return tag(
        "td", tag("strong", percent(x.share)), tag("span", f" {percent(low)} to {percent(high)}", class_="interval"),
        tabindex="-1", data_v=exact(x.share), data_why=f"{x.right} of {x.of}; with 95 % confidence between {number(100 * low)} % and {number(100 * high)} %",
        class_="num", style=f"--v:{x.share:.3g}",
    )  # fmt: skip

"""Put words in its mouth: overwrite what was written and let it go on;
ask for the answer before or after the working."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer import corpus
from explainer.kernel.sampling import Step
from explainer.models import lab
from explainer.studies import story, working
from explainer.studies.working import Attempt, Measured, Score
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import STORY, cell, name_of, not_yet, one_in, plain_table, prompt_cells, tape, written_cell

LONGEST = 24  # tokens that can be put in at once
AFTER = 24  # turns to tell after the last word put in
MORE = 24  # sums per press
HARD = "9 + 9 + 9 + 9 + 9"
FIRST, PIECE = working.IN_ALL, 4  # the one set, which the build has measured; and in one piece later


class Prefill(Widget):
    """Two experiments: any words at any turn of the story; and one sum, answer first or working first."""

    slug = "feedback-prefill"
    title = "Put words in its mouth"
    own_only = (
        "The sums and the names of this figure are the storyteller’s own grammar, by which its answers are "
        "known to be right or wrong. So it stays with the storyteller."
    )
    reads = (*STORY, "at", "words", "sum", "sums", "again")
    beyond = ("sum", "sums")
    functions = (story.fork, story.Teller.turn, working.opening, working.greedy, working.attempt, working.measure)

    def draw(self) -> Markup:
        return join([self.overwrite(), c.beyond(tag("hr"), self.sums())])

    # ------------------------------------------------------------ any words at any turn

    def overwrite(self) -> Markup:
        s = self.state
        told, at = s.tell(s.ahead, ()), s.written(s.at)
        whole = lab.tokenizer().encode(story.as_continuation(s.words))
        most = s.param.step.bounds[1]
        put = tuple(whole)[: min(LONGEST, most - at)]
        choices = story.fork(s.chosen(), at, *put)
        turns = min(most, at + len(put) + AFTER)
        other, own = s.tell(turns, choices), s.tell(max(turns, len(told)), ())
        prompt = s.tokens()
        left, left_other = fallen(prompt, told), fallen(prompt, other)
        picks = [
            written_cell(
                t,
                sets="at",
                to=t.index,
                pressed=t.index == at,
                label=f"turn {t.index + 1}: {name_of(t.token)}",
                gone=len(prompt) + t.index < left,
            )
            for t in told
        ]
        cut = f" Only the first {len(put)} are put in." if len(put) < len(whole) else ""
        fields = c.controls(
            c.text_field(
                "words",
                "Words to put in its mouth",
                s.words,
                hint=(
                    f"They overwrite turn {at + 1} and what follows: {how_many(len(whole), 'token')}.{cut} In running "
                    "text the space before a word belongs to its token, so your words begin with one."
                ),
            ),
            c.button("Write them to the tape", sets="choices", value=story.write_choices(choices), kind="main"),
        )
        differ = [t.draw is not None and t.token != mine.token for t, mine in zip(other, own, strict=False)]
        yours = [
            written_cell(t, differs=d, gone=len(prompt) + t.index < left_other)
            for t, d in zip(other, differ, strict=True)
        ]
        return join(
            [
                c.beyond(
                    not_yet(s),
                    tag("h4", "Overwrite a written token"),
                    c.figure(
                        "own",
                        tape(
                            [*prompt_cells(prompt, left), *picks],
                            "What it writes by itself: choose where your words go",
                            rove=True,
                        ),
                        title="What it writes by itself",
                        caption="Every token drawn, none chosen. Choose the one that you want to overwrite.",
                        readout="The stronger the colour, the likelier the token was.",
                    ),
                ),
                fields,
                c.figure(
                    "yours",
                    tape([*prompt_cells(prompt, left_other), *yours], "The same story with your words"),
                    both_table(own, other, differ),
                    title="The same story with your words in it",
                    caption=(
                        "Same random numbers. In a dashed frame: what you chose. Underlined: "
                        "what it does not write there by itself."
                    ),
                    readout=self.after(other, differ, at + len(put), len(put)),
                ),
                self.surprise(other, at, len(put)),
            ]
        )

    def after(self, other: Sequence[Step], differ: Sequence[bool], end: int, n: int) -> str:
        if not n:
            return "Write something into the field."
        rest, changed = len(other) - end, sum(differ[end:])
        return (
            f"{how_many(rest, 'turn')} later your words still stand; {changed} of the {how_many(rest, 'token')} after "
            f"them {'is' if changed == 1 else 'are'} not what it writes by itself. Nothing in the machine can rub out "
            "a token; all it can do is write on."
        )

    def surprise(self, other: Sequence[Step], at: int, n: int) -> Markup:
        """What the model and the corpus think of the words that were put in."""
        if not n:
            return Markup("")
        s = self.state
        words = other[at : at + n]
        chances = ", ".join(f"{name_of(t.token)} {percent(float(t.final[t.token]))}" for t in words)
        before = [*s.tokens(), *(t.token for t in other[:at])]
        truth = corpus.true_distribution([*before, *(t.token for t in words)], lab.tokenizer())
        if truth.inside:
            verdict = "The corpus could have written this text."
        elif corpus.true_distribution(before, lab.tokenizer()).inside:
            verdict = truth.reason
        else:
            verdict = "The corpus never writes the text before your words, so it has no odds for them."
        facts = c.definition_row(
            [
                ("your words, by the model", one_in(story.log_probability(words))),
                ("token by token", tag("span", chances, class_="by-token")),
            ]
        )
        return join([facts, c.beyond(c.message(verdict, "finding" if truth.inside else "note"))])

    # ------------------------------------------------------------ answer first or working first

    def sums(self) -> Markup:
        s = self.state
        rows, done = working.measure(s.sums, at_most=PIECE if s.sums > FIRST else None)
        return sums(s.sum, s.sums, done, rows, s.param.sums.bounds[1])


def fallen(prompt: Sequence[int], told: Sequence[Step]) -> int:
    """How many tokens at the beginning of a tape have dropped out of the context."""
    return max(0, len(prompt) + len(told) - lab.model().config.n_ctx)


def both_table(own: Sequence[Step], other: Sequence[Step], differ: Sequence[bool]) -> Markup:
    """The story by itself and the one with the reader's words, turn by turn; either may be the longer one."""
    rows: list[list[Any]] = []
    for i in range(max(len(own), len(other))):
        row: list[Any] = [i + 1]
        for told in (own, other):
            row += [name_of(told[i].token), percent(float(told[i].final[told[i].token]))] if i < len(told) else ["", ""]
        mark = "" if i >= len(other) else "chosen" if other[i].draw is None else "differs" if differ[i] else "the same"
        rows.append([*row, mark])
    heads = ["turn", "by itself", "probability", "with your words", "probability", "this token"]
    return plain_table(heads, rows, "What it writes by itself and with your words", "Both stories as a table")


@lab.per_model(16)
def sums(text: str, n: int, done: int, rows: tuple[Measured, ...], most: int) -> Markup:
    """One sum three ways, and many measured. Does not depend on the story, so it is kept."""
    terms = working.parse_terms(text)
    wrong = sum(terms) + 2
    tried = {order: working.attempt(terms, order, wrong if order == "wrong" else 0) for order in working.ORDERS}
    waiting = None
    if done < n:
        waiting = tag(
            "div",
            tag("p", f"Measuring: {done} of {n} sums.", class_="progress"),
            tag("progress", value=done, max=n, aria_label="Sums measured"),
            class_="writing",
            data_more="again",
        )
    return join(
        [
            tag("h4", "Answer first, or working first"),
            c.controls(
                c.text_field("sum", "Sum", text, hint="Three to five numbers from 1 to 9."),
                c.button(
                    f"Try {HARD}",
                    sets="sum",
                    value=HARD,
                    hint="The largest sum that the corpus can have",
                    pressed=text == HARD,
                ),
            ),
            tag("div", *[one(order, tried[order], wrong) for order in working.ORDERS], class_="attempts"),
            c.figure(
                "sums",
                table(rows),
                title=f"{done} sums, each asked three ways",
                caption="Share of right results, with the 95 % interval that so few trials leave open.",
                readout=(
                    "The third way, a wrong answer put in its mouth, is counted twice: how often the working after it "
                    "ends right, and how often at our wrong answer. "
                    "The last column takes up the first way: how often the working ends right after a wrong answer of "
                    "its own."
                ),
            ),
            waiting,
            c.controls(c.button(f"Measure {MORE} more", sets="sums", value=min(n + MORE, most))),
        ]
    )


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
        "wrong answer put in: working right",
        "wrong answer put in: bent to it",
        "own wrong answer: working right",
    ]
    body = []
    for row in rows:
        scores = (row.answer_first, row.working_first, row.after_wrong, row.gave_in, row.own_wrong)
        name = f"{row.terms}" if row.terms else "all"
        body.append(tag("tr", tag("th", name, scope="row"), *[score(x) for x in scores]))
    return tag(
        "div",
        tag(
            "table",
            tag("caption", "How often the result was right, by order of writing", class_="sr"),
            tag("thead", tag("tr", *[tag("th", h, scope="col") for h in heads])),
            tag("tbody", *body),
            class_="numbers scores",
            data_grid=True,
        ),
        class_="scroll",
    )


def score(x: Score) -> Markup:
    if not x.of:
        return tag("td", "–", tabindex="-1", data_why="no case among these sums", class_="num")
    low, high = x.interval
    return tag(
        "td",
        tag("strong", percent(x.share)),
        tag("span", f" {percent(low)} to {percent(high)}", class_="interval"),
        tabindex="-1",
        data_v=exact(x.share),
        data_why=f"{x.right} of {x.of}; with 95 % confidence between {number(100 * low)} % and {number(100 * high)} %",
        class_="num",
        style=f"--v:{x.share:.3g}",
    )

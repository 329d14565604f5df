"""The tree of what was and what could have been: choose another token at any turn and the story forks there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer.kernel import sampling
from explainer.kernel.sampling import Step
from explainer.models.columns import top_tokens
from explainer.studies import story
from explainer.studies.story import Branch
from explainer.ui.html import exact, how_many, join, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import (
    STORY,
    cell,
    could_be,
    crank,
    fork_texts,
    name_html,
    name_of,
    not_yet,
    one_in,
    tape,
    written_cell,
)

DRAWN = 56  # turns in the drawing
TWIGS = 2  # untaken tokens drawn at each turn
LEAST = 0.01  # of at least this probability
CHARACTER, GAP, ROW, TWIG, TALL = 7.3, 20, 34, 24, 22  # px; twigs so tall stand so far apart: a thumb needs 24


class Branches(Widget):
    """The story as a tree: this one on top, what it could have been under it, the others that were tried below."""

    slug = "feedback-branches"
    title = "What was, and what could have been"
    own_only = (
        "This figure draws many stories at once, each told to its end. A further model may be hundreds of times as "
        "large as the storyteller: too much work in a page. In the loop above you can choose its words."
    )
    reads = (*STORY, "branches", "look")
    beyond = ("look",)
    functions = (story.fork, story.Teller.tell, story.tree, sampling.rng_for_step, story.log_probability)

    def draw(self) -> Markup:
        s = self.state
        told = s.tell(s.ahead)
        here = s.chosen()
        known = s.known()  # in the order in which they came to be: a branch keeps its number, wherever the reader is
        stories = [(b, s.tell(s.ahead, b)) for b in known]
        look = s.written(s.look)
        return join(
            [
                crank(
                    s, told[: s.turns], then=f"{how_many(s.turns, 'token')} {'is' if s.turns == 1 else 'are'} written."
                ),
                not_yet(s),
                c.figure(
                    "tree",
                    Tree(story.tree([(here, told), *(x for x in stories if x[0] != here)]), here, look, known).draw(),
                    caption=(
                        "Choose any token: an untaken one forks the story, a branch below takes you there, "
                        "one on top opens its turn."
                    ),
                    readout="The stronger the colour, the likelier the token was.",
                ),
                c.beyond(self.turn(told[look], here), self.list(story.tree(stories), here)),
            ]
        )

    def turn(self, turn: Step, here: story.Choices) -> Markup:
        """One turn opened: all tokens that could have stood there."""
        before = [name_of(t) for t in turn.context[-6:]]
        bars, rest = could_be(turn, here, 10, f"What could stand at turn {turn.index + 1}")
        how = "It was drawn" if turn.draw else "You wrote it"
        words = join(
            [
                f"Turn {turn.index + 1}: after ",
                *[c.token(b) for b in before],
                " came ",
                c.token(name_of(turn.token), axis="axis-vocab"),
                f". {how}; its probability was {percent(float(turn.final[turn.token]))}.",
            ]
        )
        back = None
        if turn.draw is None:
            earlier = tuple((i, k) for i, k in here if i != turn.index)
            back = c.button("Let the draw decide here", sets="choices", value=story.write_choices(earlier))
        pick = any_token(turn, here)
        return tag(
            "div",
            tag(
                "div",
                tag("p", words),
                tag(
                    "p",
                    "Choose a token to fork the story there. All random numbers stay the same; only the tape differs.",
                ),
                c.controls(pick, back),
            ),
            c.figure("turn", bars, note=rest),
            class_="columns",
        )

    def list(self, rows: Sequence[Branch], here: story.Choices) -> Markup:
        """The tree in words: every branch, where it leaves, its text, its odds, and a way back to it."""
        s = self.state
        body = []
        for i, row in enumerate(rows):
            at_home = row.choices == here
            start = f"branch {(row.parent or 0) + 1}, turn {row.start + 1}" if i else "the prompt; every token drawn"
            cells = [written_cell(t, brief=not at_home) for t in row.steps[row.start :]]
            if row.start:
                cells.insert(0, tag("span", "…", class_="rest"))
            go: Any = tag("span", "you are here", class_="here")
            if not at_home:
                go = c.button("Go to this branch", sets="choices", value=story.write_choices(row.choices))
            chance = story.log_probability(row.steps)
            body.append(
                tag(
                    "tr",
                    tag("th", f"{i + 1}", scope="row", role="rowheader"),
                    tag("td", start, role="cell"),
                    tag("td", tape(cells, f"Branch {i + 1}"), role="cell"),
                    tag(
                        "td",
                        one_in(chance),
                        data_v=exact(chance),
                        data_why="natural logarithm of its probability",
                        class_="odds",
                        role="cell",
                    ),
                    tag("td", go, role="cell"),
                    role="row",
                    class_="current" if at_home else None,
                )
            )
        # the roles say what display: block (on a phone) would take away
        heads = ["branch", "leaves", "what was written", "probability", ""]
        table = tag(
            "table",
            tag("caption", "Every branch, in words", class_="sr"),
            tag(
                "thead",
                tag(
                    "tr",
                    *[tag("th", h, scope="col", role="columnheader") if h else tag("td", role="cell") for h in heads],
                    role="row",
                ),
                role="rowgroup",
            ),
            tag("tbody", *body, role="rowgroup"),
            class_="branch-list",
            role="table",
        )
        forget = None
        own = next(i for i, row in enumerate(rows) if row.choices == here)
        if len(rows) > (2 if own else 1):  # the story of the draws alone needs no memory: it cannot be forgotten
            label = f"Forget all but branches 1 and {own + 1}" if own else "Forget the other branches"
            forget = c.controls(c.button(label, sets="choices branches", value=f"{s.choices}\x1f{s.choices}"))
        return join([c.figure("branches", tag("div", table, class_="scroll"), title="The branches in words"), forget])


def any_token(turn: Step, here: story.Choices) -> Markup:
    """A list of the whole vocabulary, the likeliest first: any of it can be written at this turn."""
    order, _, _ = top_tokens(turn.final, len(turn.final))
    forks = fork_texts(here, turn.index, order)
    written = turn.token if turn.draw is None else None
    options = "".join(
        f'<option value="{f}"{" selected" if t == written else ""}>{name_html(t)}  {percent(p)}</option>'
        for t, f, p in zip(order, forks, turn.final[order].tolist(), strict=True)
    )
    none = "" if written is not None else f'<option value="{story.write_choices(here)}" selected>…</option>'
    return tag(
        "div",
        tag("label", "Any other token", for_="f-choices"),
        tag("select", Markup(none + options), id="f-choices", data_bind="choices", translate="no"),
        tag("p", class_="message", data_message="choices", role="alert"),
        class_="field",
    )


class Tree:
    """Where everything stands in the drawing: one column per turn, this story on top, twigs under it,
    branches below."""

    def __init__(self, rows: Sequence[Branch], here: story.Choices, look: int, known: Sequence[story.Choices]):
        self.rows, self.here, self.look = rows, here, look
        self.numbers = [known.index(row.choices) + 1 for row in rows]
        self.told = rows[0].steps
        self.first = max(0, min(len(self.told) - DRAWN, look - 1))
        self.end = min(len(self.told), self.first + DRAWN)
        self.twigs = {t.index: untaken(t) for t in self.told[self.first : self.end]}
        self.left: dict[int, float] = {}
        x = 8.0
        widths: dict[int, float] = {}
        for i in range(self.first, self.end):
            names = [name_of(self.told[i].token), *(n for _, n, _ in self.twigs[i])]
            names += [name_of(r.steps[i].token) for r in rows[1:] if r.start <= i < len(r.steps)]
            widths[i] = max(24.0, max(len(n) for n in names) * CHARACTER + 10)
            self.left[i] = x
            x += widths[i] + GAP
        self.widths = widths
        self.width = x + 4
        below = 10 + ROW + TWIGS * TWIG + 10
        self.y = {0: 8.0} | {k: below + (k - 1) * ROW for k in range(1, len(rows))}
        self.height = below + (len(rows) - 1) * ROW + 4

    def draw(self) -> Markup:
        if not self.told:
            return Markup("")
        lines: list[Markup] = []
        nodes: list[Markup] = []
        for i in range(self.first, self.end):
            turn = self.told[i]
            p = float(turn.final[turn.token])
            nodes.append(
                self.node(
                    i,
                    self.y[0],
                    turn,
                    "main",
                    p,
                    sets="look",
                    to=i,
                    pressed=i == self.look,
                    label=f"turn {i + 1}: {name_of(turn.token)}, {percent(p)}",
                )
            )
            if i > self.first:
                lines.append(self.line(i - 1, self.y[0], i, self.y[0], "main"))
            for k, (token, name, chance) in enumerate(self.twigs[i]):
                y = self.y[0] + ROW + k * TWIG - 2
                if i > self.first:
                    lines.append(self.line(i - 1, self.y[0], i, y, "twig"))
                nodes.append(
                    self.node(
                        i,
                        y,
                        turn,
                        "twig",
                        chance,
                        sets="choices look",
                        to=f"{story.write_choices(story.fork(self.here, i, token))}\x1f{i}",
                        token=token,
                        label=f"at turn {i + 1} write {name} instead, {percent(chance)}",
                    )
                )
        for r, row in enumerate(self.rows):
            if not r or row.parent is None:
                continue
            start = max(row.start, self.first)
            if self.first < row.start < min(len(row.steps), self.end):
                above = self.home(row.parent, row.start - 1)
                lines.append(self.line(row.start - 1, self.y[above], row.start, self.y[r], "branch"))
            for i in range(start, min(len(row.steps), self.end)):
                turn = row.steps[i]
                p = float(turn.final[turn.token])
                if i > start:
                    lines.append(self.line(i - 1, self.y[r], i, self.y[r], "branch"))
                nodes.append(
                    self.node(
                        i,
                        self.y[r],
                        turn,
                        "branch",
                        p,
                        sets="choices look",
                        to=f"{story.write_choices(row.choices)}\x1f{i}",
                        label=f"branch {self.numbers[r]}, turn {i + 1}: {name_of(turn.token)}, {percent(p)}; go there",
                    )
                )
        svg = tag(
            "svg",
            *lines,
            viewBox=f"0 0 {self.width:.0f} {self.height:.0f}",
            width=f"{self.width:.0f}",
            height=f"{self.height:.0f}",
            class_="tree-lines",
            aria_hidden="true",
        )
        note = None
        if self.end - self.first < len(self.told):
            note = tag(
                "p",
                f"Turns {self.first + 1} to {self.end} of {len(self.told)}; the table below has all.",
                class_="note",
            )
        canvas = tag(
            "div",
            svg,
            *nodes,
            class_="tree",
            translate="no",
            role="group",
            aria_label="The tree of branches",
            data_rove=True,
            style=f"width:{self.width:.0f}px;height:{self.height:.0f}px",
        )
        return join([note, tag("div", canvas, class_="scroll", data_follow=len(self.told))])

    def home(self, row: int, turn: int) -> int:
        """The row in which a turn of a branch is drawn: its own, or that of an ancestor."""
        while turn < self.rows[row].start and self.rows[row].parent is not None:
            row = self.rows[row].parent or 0
        return row

    def node(
        self,
        i: int,
        y: float,
        turn: Step,
        kind: str,
        p: float,
        *,
        label: str,
        sets: str,
        to: Any,
        pressed: bool | None = None,
        token: int | None = None,
    ) -> Markup:
        forced = " chosen" if token is None and turn.draw is None else ""
        style = f"left:{self.left[i]:.0f}px;top:{y:.0f}px;"
        return cell(
            turn.token if token is None else token,
            f"node {kind}{forced}",
            style=style,
            weight=p,
            sets=sets,
            to=to,
            pressed=pressed,
            label=label,
            value=round(p, 6),
        )

    def line(self, i: int, y: float, j: int, y2: float, kind: str) -> Markup:
        """From the right edge of one token to the left edge of the next."""
        half = (TALL if kind == "twig" else 26) / 2
        a, b = self.left[i] + len_of(self, i, y), self.left[j]
        y, y2 = y + 13, y2 + half
        bend = (b - a) / 2
        d = f"M{a:.0f} {y:.0f}C{a + bend:.0f} {y:.0f} {b - bend:.0f} {y2:.0f} {b:.0f} {y2:.0f}"
        return Markup(f'<path d="{d}" class="{kind}"></path>')


def len_of(tree: Tree, i: int, y: float) -> float:
    """The width of the token drawn at a turn and a height: lines begin at its right edge."""
    row = next((r for r, top in tree.y.items() if top == y), 0)
    steps = tree.rows[row].steps
    return max(24.0, len(name_of(steps[i].token)) * CHARACTER + 10) if i < len(steps) else tree.widths[i]


def untaken(turn: Step) -> list[tuple[int, str, float]]:
    """The likeliest tokens that were not written at a turn: id, name, probability."""
    ids, names, probs = top_tokens(turn.final, TWIGS + 1)
    return [(t, n, p) for t, n, p in zip(ids, names, probs, strict=True) if t != turn.token and p >= LEAST][:TWIGS]

"""What need not be computed again (keys and values kept), and what happens when the tape is longer than the context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer.kernel import cache
from explainer.kernel.sampling import Step
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import story
from explainer.studies.forecast import truth_after
from explainer.studies.story import Work
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from .parts import STORY, cell, crank, name_of, not_yet, plain_table, prompt_cells, tape, written_cell

SEEN = 0.001  # probability below which a token is left out of the comparison
AHEAD = 24  # turns that the chart shows after the context is full
SLIDE = 6  # tokens written past the full context, so that the window is seen to slide


def millions(n: float) -> str:
    return f"{n / 1e9:,.2f} billion" if n >= 1e9 else f"{n / 1e6:,.2f} million"


def holder(config: Any) -> str:
    """Who has keys and values of its own."""
    shared = config.n_heads // config.kv_heads
    return "head" if shared == 1 else f"group of {shared} heads that share them"


def less(anew: int, kept: int) -> str:
    """How much work was saved, in words."""
    return f"{number(anew / kept)} times less" if anew > kept else "nothing so far"


class KeysAndValues(Widget):
    """Columns computed anew and columns kept, turn by turn, with the multiply-adds of both ways."""

    slug = "kv-cache"
    title = "What has to be computed again"
    own_only = ""
    reads = (*STORY, "window")
    functions = (cache.step, cache.KVCache.of, cache.multiply_adds_by_kind, cache.count, story.work)

    def draw(self) -> Markup:
        s = self.state
        config = lab.model().config
        n_prompt = len(s.tokens())
        turns = s.ahead
        done = story.work(config, n_prompt, turns)
        narrow = story.work(config, n_prompt, turns, s.window)
        now = done[-1]
        kept, anew = sum(w.cached for w in done), sum(w.uncached for w in done)
        told = s.tell(turns)
        tape_now = (*s.tokens(), *(t.token for t in told[: turns - 1]))
        return join(
            [
                crank(s, told[: s.turns], then=f"Turn {turns} reads {how_many(now.total, 'token')}."),
                not_yet(s),
                c.figure(
                    "columns",
                    *self.columns(tape_now, now),
                    title=f"Turn {turns}, column by column",
                    readout=self.sentence(now),
                ),
                c.beyond(
                    c.definition_row(
                        [
                            ("this turn, kept", millions(now.cached)),
                            ("this turn, all anew", millions(now.uncached)),
                            (f"{how_many(turns, 'turn')}, kept", millions(kept)),
                            (f"{how_many(turns, 'turn')}, all anew", millions(anew)),
                            ("saved so far", less(anew, kept)),
                            ("largest difference in a logit", number(story.teller().cache_error(tape_now, n_prompt))),
                            ("numbers kept", f"{story.kept_per_token(config) * now.total:,}"),
                        ]
                    )
                ),
                c.beyond(
                    c.message(
                        "Counted are the multiply-adds of matrix products. Logits are counted for the last column "
                        "only, both ways: the draw needs no others. Scores are counted for all pairs of columns, "
                        "also for those that the causal mask hides: they are computed, then hidden."
                    ),
                    c.figure(
                        "staircase",
                        tag(
                            "div",
                            stairs(done, n_prompt, "kept", "With the cache"),
                            stairs(done, n_prompt, "anew", "Without"),
                            stairs(narrow, n_prompt, "kept", f"With the cache, {s.window} places only"),
                            class_="stairs",
                        ),
                        table_of(done, narrow, s.window),
                        title="Every turn a row, every token a column",
                        caption="The painted area is the work.",
                        note=(
                            f"Two vectors are kept per token, layer and {holder(config)}: its key and its value, "
                            f"{config.d_head} numbers each. They are all that a later column can read of an earlier "
                            "one."
                        ),
                    ),
                    c.figure(
                        "multiply-adds",
                        *self.chart(config, n_prompt, turns),
                        title="Multiply-adds of each turn",
                        readout=self.saving(n_prompt),
                    ),
                    self.kinds(config, now),
                ),
            ]
        )

    def saving(self, n_prompt: int) -> str:
        if n_prompt + 1 >= lab.model().config.n_ctx:
            return "The prompt leaves no room: the context is full, and nothing that was kept can be used again."
        if not lab.is_own():
            return (
                f"The saving grows with the text. The curve ends at {lab.window()} tokens, for which a page has "
                f"memory; the context of this model is full at {lab.model().config.n_ctx:,}."
            )
        return "The saving grows with the text, and ends where the context is full."

    def columns(self, tokens: Sequence[int], now: Work) -> tuple[Markup, Markup, Markup]:
        dropped = len(tokens) - now.total
        cells, rows = [], []
        for i, token in enumerate(tokens):
            kind = "gone" if i < dropped else "new" if i >= len(tokens) - now.new else "kept"
            why = {
                "gone": "dropped out of the context",
                "new": "computed now, in every layer",
                "kept": "kept: its keys and values are read again",
            }[kind]
            cells.append(cell(token, f"column {kind}", why=why))
            rows.append([i + 1, name_of(token), why])
        legend = tag(
            "p",
            tag("span", "computed now", class_="legend box new"),
            tag("span", "kept", class_="legend box kept"),
            class_="legend-row",
        )
        table = plain_table(
            ["place on the tape", "token", "its column"], rows, "Columns of this turn", "The columns as a table"
        )
        return legend, tape(cells, "Columns of this turn"), table

    def sentence(self, now: Work) -> str:
        if now.slid:
            return (
                "The context is full: the oldest token left, every other token moved one place, "
                f"and all {now.total} columns are computed anew."
            )
        if now.turn == 0:
            return f"The first turn reads the whole prompt: {how_many(now.new, 'column')}, all new."
        return (
            f"One new column; {now.total - 1:,} kept. Every earlier token could not see the new one, "
            "so nothing about it has changed."
        )

    def chart(self, config: Any, n_prompt: int, turns: int) -> tuple[Markup, Markup]:
        room = lab.window() - n_prompt  # of a further model a page reads no further, and its context is not full then
        run = story.work(config, n_prompt, max(turns, room + AHEAD if lab.is_own() else room))
        rows = [[w.turn + 1, w.cached, w.uncached] for w in run]
        return work_chart(run, turns), plain_table(
            ["turn", "kept", "all anew"], rows, "Multiply-adds of each turn", "The curve in numbers"
        )

    def kinds(self, config: Any, now: Work) -> Markup:
        kept = cache.multiply_adds_by_kind(config, now.new, now.total, scored=1)
        anew = cache.multiply_adds_by_kind(config, now.total, now.total, scored=1)
        rows = [[kind, kept[kind], anew[kind]] for kind in kept]
        rows.append(["all", now.cached, now.uncached])
        return c.figure(
            "kinds",
            c.numbers_table(
                ["multiply-adds of this turn", "kept", "all anew"],
                rows,
                "Multiply-adds of this turn, by kind",
                summary="This turn by kind of product",
            ),
        )


def work_chart(run: Sequence[Work], turns: int) -> Markup:
    """Multiply-adds of every turn, both ways, to a little beyond the turn at which the context is full."""
    peak = max(w.uncached for w in run)
    first = run[min(1, len(run) - 1)]

    def across(turn: int) -> float:
        return 100 * turn / max(len(run) - 1, 1)

    def line(numbers: Sequence[int], kind: str) -> Markup:
        points = " ".join(f"{across(i):.2f},{100 - 96 * n / peak:.2f}" for i, n in enumerate(numbers))
        return tag("polyline", points=points, class_=f"line {kind}")

    def mark(turn: int, words: str) -> Markup:
        x = across(turn)
        side = "end" if x > 60 else "start" if x < 25 else "middle"
        return tag("span", words, class_=f"at {side}", style=f"left:{x:.2f}%")

    full = next((w.turn for w in run if w.slid), None)
    label = (
        f"Multiply-adds per turn. All anew: from {millions(run[0].uncached)} up to {millions(peak)}. "
        f"Kept: {millions(first.cached)} at turn 2, and as much as anew once the context is full."
    )
    drawing = tag(
        "svg",
        tag("line", x1=0, x2=100, y1=100, y2=100, class_="rule"),
        tag("line", x1=across(turns - 1), x2=across(turns - 1), y1=0, y2=100, class_="marker"),
        line([w.uncached for w in run], "colour-query"),
        line([w.cached for w in run], "colour-key dash-1"),
        viewBox="0 0 100 100",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
        class_="chart",
    )
    legend = tag(
        "p",
        tag("span", "all anew", class_="legend colour-query"),
        tag("span", "keys and values kept", class_="legend colour-key dash-1"),
        class_="legend-row",
    )
    under = [mark(turns - 1, f"turn {turns}")]
    if full is not None:
        under.append(mark(full, f"full from turn {full + 1}"))
    return join(
        [
            legend,
            tag("p", f"{millions(peak)} at most", class_="note"),
            tag("div", drawing, tag("p", *under, class_="under"), class_="work-chart"),
        ]
    )


def stairs(run: Sequence[Work], n_prompt: int, way: str, title: str) -> Markup:
    """Rows are turns, columns are tokens: painted where a column was computed, pale where it was kept."""
    width, rows = 320, len(run)
    unit = width / max(n_prompt + rows - 1, 24)  # of one token
    high = max(unit * 0.9, 1.6)
    parts = []
    for i, w in enumerate(run):
        new = w.total if way == "anew" else w.new
        end = n_prompt + i
        spans = (("kept", end - w.total, w.total - new), ("new", end - new, new))
        parts += [
            Markup(
                f'<rect x="{start * unit:.2f}" y="{i * high:.2f}" width="{n * unit:.2f}" height="{high * 0.86:.2f}" '
                f'class="{kind}"></rect>'
            )
            for kind, start, n in spans
            if n
        ]
    total = sum(w.total if way == "anew" else w.new for w in run)
    svg = tag(
        "svg",
        *parts,
        viewBox=f"0 0 {width} {max(rows * high, 24):.1f}",
        role="img",
        class_="stair",
        aria_label=f"{title}: {how_many(total, 'column')} computed in {how_many(rows, 'turn')}",
    )
    return tag("div", tag("p", tag("strong", title), tag("br"), f"{how_many(total, 'column')} computed"), svg)


def table_of(run: Sequence[Work], narrow: Sequence[Work], window: int) -> Markup:
    heads = [
        "turn",
        "tokens",
        "columns computed, kept",
        "without",
        f"with {window} places",
        "multiply-adds, kept",
        "without",
    ]
    rows = [
        [w.turn + 1, w.total, w.new, w.total, n.new, w.cached, w.uncached] for w, n in zip(run, narrow, strict=True)
    ]
    return plain_table(heads, rows, "Columns and multiply-adds of every turn", "The staircases in numbers")


class ContextWindow(Widget):
    """The same story told with few places: what falls out of the window cannot be read,
    and learned places start anew."""

    slug = "context-window"
    title = "When the tape is longer than the context"
    own_only = (
        "This figure lets the storyteller’s tape grow longer than its places, and the start falls out. Of a further "
        "model a page reads no more tokens than it has memory for, and the loop above ends there."
    )
    reads = (*STORY, "window")
    functions = (story.narrow, cache.step, story.shift_change)

    def draw(self) -> Markup:
        s = self.state
        model = lab.model()
        n_ctx = model.config.n_ctx
        window = min(s.window, n_ctx)
        whole, narrow = s.tell(s.ahead), s.tell(s.ahead, window=window, part=True)
        if len(narrow) < len(whole):
            self.is_unfinished()
        prompt = s.tokens()
        apart = story.first_difference([t.token for t in whole], [t.token for t in narrow])
        full_at = min(max(0, n_ctx - len(prompt) + SLIDE), s.param.step.bounds[1])
        return join(
            [
                c.controls(
                    c.slider("window", "Window", window, 4, n_ctx, step=1, shown=f"{window} of {n_ctx} places"),
                    tag(
                        "button",
                        f"Write until {n_ctx} places are full, and {SLIDE} tokens more",
                        type="button",
                        class_="button",
                        data_set="step",
                        value=max(full_at, s.turns),
                        aria_disabled="true" if s.turns >= full_at else None,
                    ),
                ),
                crank(s, whole[: s.turns], then=f"{how_many(len(prompt) + s.turns, 'token')} on the tape."),
                c.beyond(not_yet(s)),
                c.beyond(
                    c.figure(
                        "window-whole",
                        strip(prompt, whole, n_ctx, None),
                        title=f"All {n_ctx} places",
                        caption="The story as the machine above writes it.",
                    )
                ),
                c.figure(
                    "window-narrow",
                    strip(prompt, narrow, window, apart),
                    title=f"{window} places",
                    caption="Same weights, same seed, same choices; only the newest tokens can be read.",
                    readout=self.fell_out(prompt, narrow, window),
                ),
                c.beyond(
                    both_tapes(prompt, whole, narrow, n_ctx, window),
                    self.difference(prompt, whole, narrow, apart),
                    self.places(prompt, narrow, window),
                ),
            ]
        )

    def fell_out(self, prompt: Sequence[int], told: Sequence[Step], window: int) -> str:
        gone = len(prompt) + len(told) - window
        if gone <= 0:
            return f"Nothing has fallen out yet: {how_many(-gone, 'place')} {'is' if gone == -1 else 'are'} free."
        tokens = (*prompt, *(t.token for t in told))
        return (
            f"{how_many(gone, 'token')} {'has' if gone == 1 else 'have'} fallen out; the last to go was "
            f"{name_of(tokens[gone - 1])}. To the model {'it never was' if gone == 1 else 'they never were'}."
        )

    def difference(
        self, prompt: Sequence[int], whole: Sequence[Step], narrow: Sequence[Step], apart: int | None
    ) -> Markup:
        """The two distributions at the first turn at which the stories differ (or at the last turn),
        and the true odds."""
        if not narrow:
            return Markup("")
        at = len(narrow) - 1 if apart is None else apart
        a, b = whole[at], narrow[at]
        likely = dict.fromkeys(top_tokens(a.final, 5)[0] + top_tokens(b.final, 5)[0])
        ids = [t for t in likely if max(a.final[t], b.final[t]) >= SEEN]
        names = [name_of(t) for t in ids]
        truth = truth_after((*prompt, *(t.token for t in whole[:at])))
        odds = [a.final, b.final, *([truth.probs] if truth.inside else [])]
        rows = [
            tag(
                "tr",
                tag("th", c.token(n), scope="row"),
                *[tag("td", percent(float(p[i])), data_v=exact(float(p[i])), class_="num") for p in odds],
            )
            for i, n in zip(ids, names, strict=True)
        ]
        table = tag(
            "table",
            tag("caption", "The distribution with all places and with few", class_="sr"),
            tag(
                "thead",
                tag(
                    "tr",
                    tag("th", "token", scope="col"),
                    tag("th", f"{how_many(len(a.context), 'token')} read", scope="col"),
                    tag("th", f"{how_many(len(b.context), 'token')} read", scope="col"),
                    tag("th", "true odds, whole text", scope="col") if truth.inside else None,
                ),
            ),
            tag("tbody", *rows),
            class_="numbers",
            data_grid=True,
        )
        title = (
            f"Turn {at + 1}: here the two stories part" if apart is not None else f"Turn {at + 1}: still the same story"
        )
        read = tape([cell(t, "given") for t in b.context], f"What the narrow window reads at turn {at + 1}")
        cut = len(prompt) + at > len(b.context)
        said = (
            (
                "It begins in the middle of a text, as no text did in training: "
                "what differs need not come from a lost word."
            )
            if cut
            else "Nothing is missing yet."
        )
        return c.figure(
            "window-difference",
            table,
            tag("p", "The narrow window reads:", class_="note"),
            read,
            title=title,
            caption="The true odds are the corpus’s own; the model’s are at the temperature that is set."
            if truth.inside
            else "The corpus never writes this text, so there are no true odds.",
            readout=said,
        )

    def places(self, prompt: Sequence[int], told: Sequence[Step], window: int) -> Markup:
        """Why the keys cannot be kept: every token has moved to another place, and places are learned vectors."""
        tokens = (*prompt, *(t.token for t in told))[:window]
        if len(tokens) < 3:
            return Markup("")
        changes = shift_change(tokens)
        items = ", ".join(f"layer {i}: {percent(x)}" for i, x in enumerate(changes))
        return c.message(
            (
                "Why nothing can be kept then: when the oldest token goes, every other one stands one place further "
                "left, and each place has a learned vector of its own. "
                f"Take the oldest token away from these {len(tokens)}, and the keys of the others change by this much "
                f"of their size: {items}. Keys that were kept would be wrong by that much."
            ),
            "finding",
        )


@lab.per_model(32)
def shift_change(tokens: tuple[int, ...]) -> tuple[float, ...]:
    return story.shift_change(lab.model(), tokens)


def strip(prompt: Sequence[int], told: Sequence[Step], window: int, apart: int | None) -> Markup:
    """A tape with its window: what has fallen out is struck, what can be read stands in the frame."""
    gone = max(0, len(prompt) + len(told) - window)
    cells = prompt_cells(prompt, gone)
    cells += [
        written_cell(
            t,
            gone=len(prompt) + t.index < gone,
            differs=apart is not None and t.index >= apart,
            newest=apart == t.index,
        )
        for t in told
    ]
    return tape(cells, f"The tape with {window} places")


def both_tapes(prompt: Sequence[int], whole: Sequence[Step], narrow: Sequence[Step], n_ctx: int, window: int) -> Markup:
    """Both tapes in a table: every token, its probability, and whether it can still be read."""
    gone = [max(0, len(prompt) + len(told) - places) for told, places in ((whole, n_ctx), (narrow, window))]
    rows: list[list[Any]] = []
    for i in range(len(prompt) + len(whole)):
        row: list[Any] = [i + 1]
        for told, left in ((whole, gone[0]), (narrow, gone[1])):
            turn = told[i - len(prompt)] if len(prompt) <= i < len(prompt) + len(told) else None
            name = name_of(turn.token) if turn else name_of(prompt[i]) if i < len(prompt) else ""
            row += [
                name,
                percent(float(turn.final[turn.token])) if turn else "",
                "" if not name else "dropped out" if i < left else "in view",
            ]
        rows.append(row)
    heads = ["place on the tape", f"{n_ctx} places", "probability", "", f"{window} places", "probability", ""]
    return plain_table(heads, rows, "Both tapes, token by token", "Both tapes as a table")

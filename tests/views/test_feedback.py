"""/feedback/ without a browser: what the reader sets arrives, and what is drawn is what `explainer` says."""

from __future__ import annotations

import itertools
import math
import re
from html import unescape

import drawn
import numpy as np
import pytest

from explainer import corpus
from explainer.kernel import cache, sampling
from explainer.models import lab
from explainer.studies import climb, influence, story, working
from explainer.ui.html import percent
from pages import numbers_of
from pages.feedback.page import MOST_TURNS, OWN, PAGE, FeedbackState
from pages.feedback.views.parts import one_in
from pages.feedback.views.prefill import HARD

TK = lab.tokenizer()
START = {"step": 8, "branches": "", "prompt": "Once there was a", "seed": 3, "t": 1.0}


class Desk:
    """The page's components, and a hand that sends values as the page does."""

    def __init__(self, only: str | None = None, **values):
        self.link, *widgets = PAGE.make(only)
        self.widgets = {w.slug: w for w in widgets}
        self.state = self.link._state
        self.n = 0
        self.ask(**(START | values))

    def ask(self, **values):
        self.send(**values)
        while self.link.more:  # as build/web/page.js does
            self.send(piece=self.n)
        return self.link.messages

    def send(self, **values):
        self.n += 1
        self.link.request = {**values, "#": self.n}

    def html(self, slug):
        return self.widgets[slug].html


@pytest.fixture(scope="module")
def desk():
    """`desk('kv-cache', step=3)`: the page with that one widget ('' for all), at START but for what is given."""
    made = {}

    def fresh(slug="", **values):
        if slug not in made:
            made[slug] = Desk(slug or None)
        made[slug].ask(**(dict.fromkeys(made[slug].state.names()) | START | values))
        return made[slug]

    return fresh


def expected(n=8, choices=(), **settings):
    """The story by the core's own loop."""
    return sampling.generate(
        lab.model(), lab.tokens_of(START["prompt"]), n, rng=3, forced=dict(choices), **({"temperature": 1.0} | settings)
    )


def cells(html, *, first="", last="</figure>"):
    """The texts of the cells of a figure's tape."""
    part = html[html.index(f'data-figure="{first}"') :]
    part = part[: part.index(last)]
    return [unescape(t) for t in re.findall(r'class="cell (?!blank)[^"]*"[^>]*>([^<]*)<', part)]


def test_the_tape_is_the_prompt_and_what_the_loop_writes(desk):
    d = desk("feedback-loop")
    prompt = lab.tokens_of(START["prompt"])
    for n in (0, 1, 8, 9):
        d.ask(step=n)
        want = lab.names_of((*prompt, *(s.token for s in expected(n))))
        assert cells(d.html("feedback-loop"), first="tape") == want


def test_the_draw_says_u_and_its_stretch(desk):
    d = desk("feedback-loop")
    for n in (1, 4, 8):
        d.ask(step=n)
        turn = expected(8)[n - 1]
        html = unescape(d.html("feedback-loop"))
        assert f"u = {turn.draw.u:.4f}" in html
        assert f"{turn.draw.low:.4f}" in html and f"{turn.draw.high:.4f}" in html
        assert f'Turn {n} drew <b class="it">“{climb.text_of(turn.token)}”</b>.' in html
        assert percent(float(turn.final[turn.token])) in html


def test_before_the_first_turn_nothing_is_drawn(desk):
    html = desk("feedback-loop", step=0).html("feedback-loop")
    assert "Nothing is drawn yet" in html and "u = " not in html and ", 0 written;" in html
    off = re.findall(r'<button[^>]*aria-disabled="true"[^>]*>(?:<span class="sr">)?([^<]*)', html)
    assert off == ["Rewind", "Previous step"]


def test_rewinding_and_going_on_gives_the_same_story(desk):
    d = desk()
    before = {slug: w.html for slug, w in d.widgets.items()}
    for n in (5, 0, 3, 8):
        d.ask(step=n)
    assert {slug: w.html for slug, w in d.widgets.items()} == before


def test_temperature_cuts_and_seed_shape_the_story(desk):
    d = desk("feedback-loop")
    for settings in ({"t": 0}, {"t": 10}, {"top_k": 2}, {"top_p": 0.3}, {"min_p": 0.5}):
        d.ask(**settings)
        core = {"temperature" if k == "t" else k: v for k, v in settings.items()}
        want = lab.names_of(tuple(s.token for s in expected(8, **core)))
        assert cells(d.html("feedback-loop"), first="tape")[5:] == want
        d.ask(t=1, top_k="", top_p="", min_p="")
    one, two = d.html("feedback-loop"), None
    d.ask(seed=4)
    two = d.html("feedback-loop")
    assert one != two
    d.ask(top_k=2)
    assert "Cut away before the draw: top-k" in d.html("feedback-loop")


def test_choosing_another_token_forks_the_story_and_remembers_both(desk):
    d = desk()
    trunk = expected()
    other = next(int(t) for t in sampling.by_probability(trunk[2].final) if t != trunk[2].token)
    d.ask(choices=f"2:{other}")
    forked = expected(8, ((2, other),))
    assert cells(d.html("feedback-loop"), first="tape")[5:] == lab.names_of(tuple(s.token for s in forked))
    assert d.link.values["branches"] == f"2:{other}"
    d.ask(choices=f"5:{other}")
    assert d.link.values["branches"] == f"2:{other};5:{other}"
    listed = re.findall(r'<th scope="row" role="rowheader">(\d)</th>', d.html("feedback-branches"))
    assert listed == ["1", "2", "3"]  # the story of the draws, the first fork, the second
    d.ask(choices="")
    assert cells(d.html("feedback-loop"), first="tape")[5:] == lab.names_of(tuple(s.token for s in trunk))
    assert d.link.values["branches"] == f"2:{other};5:{other}"  # the way back is there
    values = dict(d.link.values)
    assert Desk("feedback-branches", **values).html("feedback-branches") == d.html("feedback-branches")


def test_a_branch_keeps_its_number_wherever_the_reader_is(desk):
    d = desk("feedback-branches", choices="2:300")
    d.ask(choices="5:301")
    where = r'<tr role="row" class="current"><th scope="row" role="rowheader">(\d)'
    texts = {}
    for choices, number in (("5:301", "3"), ("", "1"), ("2:300", "2")):
        d.ask(choices=choices)
        html = d.html("feedback-branches")
        assert re.findall(where, html) == [number]
        odds = tuple(re.findall(r'<td data-v="([^"]*)" data-why="natural', html))
        texts[choices] = odds
    assert len(set(texts.values())) == 1  # the rows stay where they are
    assert "Forget all but branches 1 and 2" in html and "branch 3, turn" in html
    d.ask(choices="2:300", branches="2:300")  # as that button does
    assert "Forget" not in d.html("feedback-branches")
    d.ask(choices="")
    assert "Forget the other branches" in d.html("feedback-branches")


def test_a_chosen_token_is_in_the_chart_of_its_turn_however_unlikely(desk):
    turn = expected(4)[3]
    last = int(sampling.by_probability(turn.final)[-1])
    d = desk(look=3, choices=f"3:{last}", step=4)
    for slug, figure, n in (("feedback-loop", "distribution", 8), ("feedback-branches", "turn", 10)):
        html = d.html(slug)
        part = html[html.index(f'data-figure="{figure}"') :]
        rows = re.findall(r"<tr( class=\"chosen\")?><th", part[: part.index("</table>")])
        assert len(rows) <= n + 1 and rows[-1], slug


def test_charts_list_only_what_has_a_chance(desk):
    d = desk(t=0, look=3)
    for slug, figure in (("feedback-loop", "distribution"), ("feedback-branches", "turn")):
        html = d.html(slug)
        part = html[html.index(f'data-figure="{figure}"') :]
        assert part[: part.index("</table>")].count("<tr><th") == 1  # the head; the only row is the chosen one
        assert f"The {TK.n_vocab - 1} others together: 0 %." in part
    assert "Hardly a choice" in d.html("feedback-loop")


@pytest.mark.parametrize(
    ("chance", "says"),
    [
        (1.0, "1 in 1"),
        (0.47, "1 in 2.1"),
        (1 / 12, "1 in 12"),
        (1 / 2345, "1 in 2,300"),
        (1 / 999_600, "1 in 1 million"),
        (1 / 1.24e9, "1 in 1.2 billion"),
        (1 / 9.96e9, "1 in 10 billion"),
        (1 / 3.4e20, "1 in 3.4 × 10<sup>20</sup>"),
        (1e-54, "1 in 10<sup>54</sup>"),
        (0.0, "never: its probability is 0"),
    ],
)
def test_odds_have_two_digits(chance, says):
    assert str(one_in(math.log(chance) if chance else -math.inf)) == says


def test_the_crank_says_why_it_stops(desk):
    d = desk(step=MOST_TURNS)
    for slug in ("feedback-loop", "kv-cache"):
        assert f"this page turns it {MOST_TURNS} times at most" in d.html(slug)
    play = re.search(r"<button[^>]*data-crank-play[^>]*>", d.html("feedback-loop"))[0]
    assert 'aria-disabled="true"' in play
    d.ask(step=MOST_TURNS - 1)
    assert "times at most" not in d.html("feedback-loop")


def test_to_fill_the_context_never_turns_back(desk):
    d = desk("context-window")
    n_ctx = lab.model().config.n_ctx
    button = r'data-set="step" value="(\d+)"( aria-disabled="true")?>Write until'
    full = n_ctx - len(d.state.tokens()) + 6
    off = ' aria-disabled="true"'
    for step, value, disabled in ((8, full, ""), (full, full, off), (150, 150, off)):
        d.ask(step=step)
        assert re.findall(button, d.html("context-window")) == [(str(value), disabled)]


def test_every_tape_is_a_table_too(desk):
    d = desk(step=40, window=6, at=3, words="Tom")
    tables = {
        "feedback-loop": ("The tape as a table", "tape"),
        "feedback-prefill": ("Both stories as a table", "own", "yours"),  # by turns: without the prompt
        "kv-cache": ("The columns as a table", "columns"),
        "context-window": ("Both tapes as a table", "window-whole", "window-narrow"),
        "turing": ("The shares as a table", "read-head"),
    }
    for slug, (summary, *tapes) in tables.items():
        html = d.html(slug)
        part = html[html.index(f"<summary>{summary}</summary>") :]
        n = part[: part.index("</table>")].count("<tr>") - 1
        assert n == max(len(cells(html, first=f)) for f in tapes) - (5 if slug == "feedback-prefill" else 0), slug
        assert len(set(re.findall(r"<summary>([^<]*)", html))) == html.count("<summary>"), slug  # names that differ


def test_one_of_many_tokens_is_in_the_tab_order(desk):
    d = desk()
    for slug in ("feedback-branches", "feedback-prefill"):
        html = d.html(slug)
        cells_ = re.findall(r'<button[^>]*class="cell[^>]*>', html)
        assert cells_ and all('tabindex="-1"' in b for b in cells_) and "data-rove" in html, slug


def test_one_of_anything_is_one(desk):
    d = desk(prompt="", step=1)
    text = " ".join(re.sub(r"<[^>]+>", " ", w.html) for w in d.widgets.values())
    assert not re.search(r"(?<![\d,.])1 (tokens|ticks|turns|columns|places|cells|others) ", text)


def test_every_token_of_the_vocabulary_can_be_chosen_at_any_turn(desk):
    d = desk(look=4)
    html = d.html("feedback-branches")
    select = html[html.index('data-bind="choices"') :]
    select = select[: select.index("</select>")]
    values = re.findall(r'value="(4:\d+)"', select)
    assert sorted(values) == sorted(f"4:{i}" for i in range(TK.n_vocab))
    never = values[-1]
    d.ask(choices=never)
    assert d.link.messages == {} and d.state.tell()[4].token == int(never.split(":")[1])
    assert "written by you" in d.html("feedback-loop")


def test_the_tree_draws_what_was_and_what_could_have_been(desk):
    d = desk("feedback-branches")
    turn = expected()[3]
    html = d.html("feedback-branches")
    for t in sampling.by_probability(turn.final)[:2]:
        if t != turn.token and turn.final[t] >= 0.01:
            assert f'data-set="choices look" value="3:{t}\x1f3"' in html  # and its turn is opened
    assert html.count("cell node main") == 8
    d.ask(choices="1:40")
    assert d.html("feedback-branches").count("cell node branch") >= 7


def test_words_in_its_mouth_overwrite_and_stay(desk):
    d = desk("feedback-prefill", at=3, words="Tom")
    html = d.html("feedback-prefill")
    put = TK.encode(" Tom")
    want = expected(3 + len(put) + 24, tuple(enumerate(put, start=3)))
    assert cells(html, first="yours") == lab.names_of((*lab.tokens_of(START["prompt"]), *(s.token for s in want)))
    assert f'value="3:{".".join(map(str, put))}"' in html  # what the button writes to the tape
    for s in want[3 : 3 + len(put)]:
        assert f"{TK.display(s.token)} {percent(float(s.final[s.token]))}".replace("<", "&lt;") in html
    d.ask(words="")
    assert "Write something into the field" in d.html("feedback-prefill")
    d.ask(words="<script>alert(1)</script> 🦆" * 50)
    assert "<script>" not in d.html("feedback-prefill")


def cell_kinds(html, figure):
    """The class names of the cells of a figure's tape, the prompt left out."""
    part = html[html.index(f'data-figure="{figure}"') :]
    kinds = re.findall(r'class="cell ([^"]*)"', part[: part.index("</figure>")])
    return [k for k in kinds if not k.startswith("given")]


def test_its_own_tape_stays_beside_the_readers_words(desk):
    d = desk("feedback-prefill", at=3, words="Tom")
    put = TK.encode(" Tom")
    own, with_words = expected(30), expected(3 + len(put) + 24, tuple(enumerate(put, start=3)))
    for choices in ("", f"3:{'.'.join(map(str, put))}"):  # before and after they are written to the tape
        d.ask(choices=choices)
        html = d.html("feedback-prefill")
        assert cells(html, first="own")[5:] == lab.names_of(tuple(s.token for s in own[:8]))
        assert "chosen" not in " ".join(cell_kinds(html, "own"))
        shown = cell_kinds(html, "yours")
        assert [i for i, k in enumerate(shown) if "chosen" in k] == list(range(3, 3 + len(put)))
        differ = [i for i, k in enumerate(shown) if "differs" in k]
        assert differ == [s.index for s, o in zip(with_words, own, strict=False) if s.draw and s.token != o.token] != []
        assert f"{len([i for i in differ if i >= 3 + len(put)])} of the 24 tokens after them" in html


def test_no_word_is_left_out_silently(desk):
    words = "and the dragon ate them all at once"
    html = unescape(desk("feedback-prefill", words=words).html("feedback-prefill"))
    told = html[html.index("token by token") : html.index("</dl>")]
    assert told.count(" %") == len(TK.encode(f" {words}")) > 8 and "Only the first" not in html
    n = len(TK.encode(" and" + " the cat" * 30))
    html = desk("feedback-prefill", words="and" + " the cat" * 30).html("feedback-prefill")
    assert f"{n} tokens. Only the first 24 are put in." in html


def test_the_verdict_is_about_the_words_put_in(desk):
    d = desk("feedback-prefill", prompt="🦆", at=0, words="Mia")
    assert "never writes the text before your words" in d.html("feedback-prefill")
    d.ask(prompt="Once there was a", words="Mia", at=0)
    assert unescape("here stands “Mia”, which it never") in unescape(d.html("feedback-prefill"))


def test_what_fell_out_is_struck_on_every_tape(desk):
    n_ctx = lab.model().config.n_ctx
    d = desk(prompt="Once there was a small girl named Mia. " * 11, step=40, at=2, words="Tom")
    n = len(d.state.tokens())
    for figure, turns in (("own", 40), ("yours", 2 + len(TK.encode(" Tom")) + 24)):
        part = d.html("feedback-prefill")
        part = part[part.index(f'data-figure="{figure}"') :]
        assert len(re.findall(r'class="cell [a-z ]*gone', part[: part.index("</figure>")])) == n + turns - n_ctx
    assert "of which the oldest" in d.html("turing") and "have dropped out" in d.html("turing")
    d.ask(prompt="Once", step=MOST_TURNS)
    assert "all dropped out" in d.html("turing")


def test_the_hard_sum_goes_astray_in_its_working(desk):
    d = desk("feedback-prefill", sum=HARD)
    tried = working.attempt(working.parse_terms(HARD), "working")
    assert not tried.right and tried.reached != tried.total  # what the button promises
    assert f'value="{HARD}"' in d.html("feedback-prefill")


def test_sums_three_ways_say_what_the_model_wrote(desk):
    d = desk("feedback-prefill", sum="4 + 7 + 5")
    html = unescape(d.html("feedback-prefill"))
    for order in working.ORDERS:
        tried = working.attempt((4, 7, 5), order, 18 if order == "wrong" else 0)
        found = tried.reached if order == "wrong" else tried.answer
        assert f"{found}, and 16 is the sum" in html or found is None
    rows, done = working.measure(working.IN_ALL)
    assert done == working.IN_ALL and f"{done} sums, each asked three ways" in html
    for row in rows:
        assert f"{row.working_first.right} of {row.working_first.of};" in html
    assert "no number" not in d.ask(sum="4 + 70 + 5")["sum"] and d.state.sum == "4 + 7 + 5"


def test_many_sums_are_measured_in_pieces(desk):
    most = working.IN_ALL + 10
    d = desk("feedback-prefill", sums=most)
    seen = []
    for again in range(1, 2 + most // 4):
        html = d.html("feedback-prefill")
        seen.append(int(re.search(r"(\d+) sums, each asked three ways", html)[1]))
        if "data-more" not in html:
            break
        d.ask(again=again)
    assert seen[-1] == most and all(b - a <= 4 for a, b in itertools.pairwise(seen))
    assert "again" not in d.link.values


def test_the_cache_counts_are_those_of_real_passes(desk):
    d = desk("kv-cache")
    html = d.html("kv-cache")
    tape = (*lab.tokens_of(START["prompt"]), *(s.token for s in expected(7)))
    kept = cache.step(lab.model().params, cache.KVCache.of(lab.model().forward(tape[:-1])), tape[-1])
    assert f"{kept.multiply_adds / 1e6:,.2f} million" in html
    logits = lab.model().config.d_model * TK.n_vocab  # of a column; a draw needs those of one, a pass computes all

    def anew(step):
        return step.multiply_adds_uncached - (len(step.context) - 1) * logits

    assert f"{(kept.multiply_adds_uncached - (len(tape) - 1) * logits) / 1e6:,.2f} million" in html
    for kind, n in cache.count(kept.trace).items():
        assert re.search(rf"{kind}</td><td[^>]*>{n:,}</td>", html), kind
    steps = expected()
    first = (len(steps[0].context) - 1) * logits  # the first turn reads the whole prompt
    assert f"8 turns, kept</dt><dd>{(sum(s.multiply_adds for s in steps) - first) / 1e6:,.2f} million" in html
    assert f"8 turns, all anew</dt><dd>{sum(map(anew, steps)) / 1e6:,.2f} million" in html
    assert "Logits are counted for the last column only" in html
    assert html.count('class="cell column new"') == 1 and html.count('class="cell column kept"') == len(tape) - 1


def test_when_the_context_is_full_everything_is_new(desk):
    n_ctx = lab.model().config.n_ctx
    prompt = "Once there was a small girl named Mia. " * 11
    d = desk(prompt=prompt, step=40)
    n = len(d.state.tokens())
    assert n_ctx - 40 < n < n_ctx
    html = d.html("kv-cache")
    assert html.count('class="cell column new"') == n_ctx
    assert html.count('class="cell column gone"') == n + 39 - n_ctx
    assert "The context is full" in html
    assert f"The oldest {n + 40 - n_ctx} have dropped out" in d.html("feedback-loop")


def test_a_narrow_window_forgets(desk):
    d = desk("context-window", window=6, step=20)
    narrow = story.Teller(story.narrow(lab.model(), 6)).tell(
        lab.tokens_of(START["prompt"]), sampling.Settings(1.0), 3, (), 20
    )
    html = d.html("context-window")
    assert cells(html, first="window-narrow")[5:] == lab.names_of(tuple(s.token for s in narrow))
    apart = story.first_difference([s.token for s in expected(20)], [s.token for s in narrow])
    assert (f"Turn {apart + 1}: here the two stories part" if apart is not None else "still the same story") in html
    gone = 25 - 6
    assert f"{gone} tokens have fallen out" in html


@pytest.mark.parametrize(
    ("slug", "figure", "move"), [("feedback-loop", "tape", "t"), ("context-window", "window-narrow", "window")]
)
def test_while_a_slider_moves_the_story_goes_as_far_as_a_moment_allows(monkeypatch, slug, figure, move):
    monkeypatch.setattr("pages.feedback.page.MOMENT", 0.0)
    d, to = Desk(slug, step=20), {"t": 1.7, "window": 9}[move]
    d.ask(**{move: to, "first": slug, "hurry": True})
    begun = cells(d.html(slug), first=figure)
    d.ask(first="", hurry=False)
    told = cells(d.html(slug), first=figure)
    assert len(begun) < len(told) == 25 and told[: len(begun)] == begun
    assert told == cells(Desk(slug, step=20, **{move: to}).html(slug), first=figure)
    assert "hurry" not in d.link.values and "first" not in d.link.values


def test_another_figure_in_sight_follows_before_the_slider_rests(monkeypatch):
    monkeypatch.setattr("pages.feedback.page.MOMENT", 0.0)
    d = Desk(step=20)
    before = d.html("feedback-branches")
    d.ask(t=1.63, first="feedback-loop", hurry=True)
    begun = d.html("feedback-loop")
    assert d.html("feedback-branches") == before
    d.ask(first="feedback-branches")  # as build/web/page.js asks once Python is idle
    assert d.html("feedback-branches") != before
    assert d.html("feedback-loop") == begun
    d.ask(first="", hurry=False)
    assert len(cells(d.html("feedback-loop"), first="tape")) == 25 > len(cells(begun, first="tape"))


def test_what_is_finished_is_not_drawn_again_when_the_slider_rests(monkeypatch):
    d = Desk("feedback-loop", step=20)
    d.ask(t=1.7, first="feedback-loop", hurry=True)
    d.ask(hurry=True, t=1.6)
    drawn = []
    monkeypatch.setattr(type(d.widgets["feedback-loop"]), "draw", lambda self: drawn.append(1) or "")
    d.state.unfinished.clear()
    d.ask(first="", hurry=False)
    assert drawn == []


@pytest.mark.parametrize(
    "slug", ["feedback-loop", "feedback-branches", "kv-cache", "context-window", "feedback-prefill", "turing"]
)
def test_a_long_story_is_told_in_pieces_and_ends_as_in_one(monkeypatch, slug):
    """With no time at all a request still tells one turn. What is not there yet is not drawn, but for the tape."""
    monkeypatch.setattr("explainer.ui.widget.SLICE", 0.0)
    story._teller.cache_clear()  # nobody has told it before
    d = Desk(slug)
    before = d.html(slug)
    asked = {"prompt": "Tom had a red kite.", "step": 30, "choices": "3:212", "first": slug}
    d.send(**asked)
    assert d.link.more and d.widgets[slug].waits
    assert slug == "feedback-loop" or d.html(slug) == before
    pieces = 0
    while d.link.more:
        d.send(piece=pieces)
        pieces += 1
        assert pieces < 200
    assert pieces >= (10 if slug == "feedback-loop" else 20)  # which needs the odds of the next turn, too
    assert not d.widgets[slug].waits
    monkeypatch.setattr("explainer.ui.widget.SLICE", math.inf)
    assert d.html(slug) == Desk(slug, **asked).html(slug)


def test_turings_words_are_a_layer(desk):
    d = desk()
    assert "Turing: the tape" not in d.html("feedback-loop")
    d.ask(turing=True)
    html = d.html("feedback-loop")
    for word in ("the tape", "finite control", "the symbol written", "one tick of time", "the program"):
        assert word in html
    table = d.html("turing")
    for word in ("Turing: the tape", "Turing: the finite control", "Turing: the rule", "Turing: the symbol"):
        assert word in table
    assert story.fingerprint() in table and f"{lab.model().n_params:,} numbers" in table
    found = story.nudge(expected()[-1], sampling.Settings(1.0))
    assert ("does not move at all" in table) is not found.moved


def test_values_are_the_link_and_the_link_is_the_view():
    d = Desk(
        seed=7,
        t=1.3,
        step=11,
        choices="2:300,5:41.42",
        branches="1:40",
        window=9,
        look=5,
        at=6,
        words="dog",
        turing=True,
    )
    again = Desk(**{k: str(v) for k, v in d.link.values.items() if v is not None})
    assert again.link.values == d.link.values
    for slug, widget in d.widgets.items():
        assert again.html(slug) == widget.html, slug


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ({"choices": "x"}, "choices", "is not a choice"),
        ({"choices": "1:99999"}, "choices", "There is no token"),
        ({"choices": "999:1"}, "choices", "There is no turn"),
        ({"branches": "1:2;<b>"}, "branches", "is not a choice"),
        ({"sum": "two and two"}, "sum", "corpus adds"),
        ({"look": "500"}, "look", "There is no turn"),
        ({"step": "nan"}, "step", "not a number"),
        ({"prompt": "word " * 300}, "prompt", "places"),
    ],
)
def test_bad_values_are_refused_in_words(desk, given, name, says):
    d = desk("turing")
    assert says in d.ask(**given)[name]
    assert all(w.html for w in d.widgets.values())


@pytest.mark.parametrize(
    "prompt", ["", " ", "x" * 10_000, "🦆🦆", "שלום עולם", "\x00\x07\u202e", "<b>&amp;\"'</b>", "<|end|>", "a\nb"]
)
def test_no_prompt_breaks_it(desk, prompt):
    d = desk(prompt=prompt, step=3)
    for slug, widget in d.widgets.items():
        assert "<b>" not in widget.html, slug
    assert len(d.state.tokens()) <= lab.model().config.n_ctx
    d.ask(step=0)
    d.ask(step=4, choices="1:300", look=3)
    assert d.state.tell()[1].token == 300


def test_a_new_prompt_forgets_the_choices_about_the_old(desk):
    d = desk("turing", choices="2:300")
    d.ask(prompt="In a castle")
    assert d.link.values["choices"] == "" and d.link.values["branches"] == ""
    d.ask(prompt="On the moon", choices="1:5", branches="1:5")
    assert d.link.values["choices"] == "1:5"
    for text in ("On the", "On the moon"):
        d.ask(prompt=text)
    assert d.link.values["choices"] == d.link.values["branches"] == "1:5", (
        "the text is back, and what was chosen for it"
    )


def test_a_link_to_another_text_brings_its_branches(desk):
    """Also without a choice: then the story is that of the draws, and the branches are those that are remembered."""
    assert desk("turing", prompt="Mia has a", branches="4:524").link.values["branches"] == "4:524"
    assert desk("turing", prompt="Mia has a", choices="4:524").link.values["branches"] == ""


def test_the_end_of_a_document_is_said_and_does_not_stop_the_machine(desk):
    d = desk("feedback-loop", choices="3:0", step=4)
    assert "ended its document" in d.html("feedback-loop") and "data-crank-ended" in d.html("feedback-loop")
    d.ask(step=5)
    assert "ended its document" not in d.html("feedback-loop")


def test_drawings_stay_small(desk):
    d = desk(step=MOST_TURNS, branches=";".join(f"{i}:{40 + i}" for i in range(8)))
    for slug, widget in d.widgets.items():
        assert len(widget.html) < 300_000, slug  # the longest story, all branches
    d.ask(step=40)
    for slug, widget in d.widgets.items():
        assert len(widget.html) < 175_000, slug


def test_prose_has_all_its_numbers_and_they_are_measured():
    found = numbers_of("feedback")
    state = FeedbackState()
    told = state.tell(OWN, ())
    assert found["turns"] == len(told) == state.ahead == OWN and state.turns == 0
    at, token = state.kept()[0][0]
    assert found["was"] == TK.display(told[at].token) and found["other"] == TK.display(token)
    assert found["was"] != found["other"], "the default branch must differ from the default story"
    assert told[at].final[token] > 0.1, "the default branch should be one that could well have been"
    rows, done = working.measure(found["n_sums"])
    assert done == found["n_sums"] and found["answer_first"] == percent(rows[-1].answer_first.share)
    assert np.isfinite(story.log_probability(told))


def test_each_widget_lives_alone():
    for widget in PAGE.widgets:
        alone = Desk(widget.slug)
        before = alone.html(widget.slug)
        alone.ask(**{"step": 9} if "step" in widget.reads else {"whose": "forged", "pair": 1})
        assert alone.html(widget.slug) != before, widget.slug


@pytest.mark.parametrize("slug", ["turing", "kv-cache"])
def test_no_figure_says_that_the_tape_is_all_that_is_handed_over(desk, slug):
    d = desk(slug)
    html, config = d.html(slug), lab.model().config
    assert "only a copy" not in html and "none of its own" not in html
    n = len(expected()[-1].context)
    if slug == "turing":
        assert f"keys and values, {n * story.kept_per_token(config):,} numbers" in html
    else:
        assert f"its key and its value, {config.d_head} numbers each" in html and "Two kinds of number" not in html
        assert "also for those that the causal mask hides" in html


def test_the_difference_of_the_windows_is_shown_beside_the_truth_and_what_is_read(desk):
    d = desk("context-window", window=6, step=20)
    whole = expected(20)
    html = unescape(d.html("context-window"))
    at = int(re.search(r"Turn (\d+): (?:here|still)", html)[1]) - 1
    before = (*lab.tokens_of(START["prompt"]), *(s.token for s in whole[:at]))
    truth = corpus.true_distribution(before, TK)
    part = html[html.index('data-figure="window-difference"') :]
    part = part[: part.index("</figure>")]
    assert ("true odds, whole text" in part) == truth.inside
    if truth.inside:
        shown = [float(v) for v in re.findall(r'data-v="([^"]+)"', part)][2::3]
        assert len(shown) >= 1 and all(any(np.isclose(v, p) for p in truth.probs) for v in shown)
        assert max(shown) == pytest.approx(truth.probs.max())
    assert cells(html, first="window-difference") == lab.names_of(before[-6:])
    assert "as no text did in training" in part
    d.ask(window=128)
    assert "as no text did in training" not in d.html("context-window")


def test_the_example_loses_the_deciding_word_and_nothing_else():
    places = influence.lost_words()
    found = numbers_of("feedback")
    assert found["lost_n"] == len(places) >= 20
    clearest = max(places, key=lambda x: x.with_word - x.without)
    assert [row["model"] for row in found["lost"]] == [
        percent(p) for p in (clearest.whole, clearest.with_word, clearest.without)
    ]
    assert found["lost"][2]["truth"] == percent(clearest.truth_without)
    assert clearest.n_with - clearest.n_without == len(TK.encode_word(clearest.decides))
    assert all(x.truth >= 0.99 and x.truth_without < 0.5 for x in places)
    assert all(abs(x.without - x.truth_without) <= x.apart + 1e-9 <= 1 + 1e-9 for x in places)
    assert found["lost_apart"] == percent(float(np.mean([x.apart for x in places])))


def test_a_story_that_is_told_anew_is_not_wound_back_before_the_readers_eyes(monkeypatch):
    """Of the story that stands there nothing is kept: the next turn of the crank needs all of it."""
    link, loop = PAGE.make("feedback-loop")
    link.request = {"step": 40, "#": 0}
    before = loop.html
    monkeypatch.setattr("explainer.ui.widget.SLICE", 0.0)  # a very slow machine: a turn or two a request
    story._teller.cache_clear()
    link.request = {"step": 41, "#": 1}
    seen = []
    while link.more:
        seen.append(loop.html)
        link.request = {"piece": len(seen), "#": 1 + len(seen)}
    assert len(seen) > 3 and set(seen) == {before}  # it stays
    assert "Turn 41 drew" in re.sub("<[^>]*>", "", loop.html)
    story._teller.cache_clear()
    link.request = {"prompt": "Boxes: (", "#": 99}  # another story is shown as far as it is
    assert link.more and loop.html != before


# ---------------------------------------------------------------- the page begins at turn 0


def test_the_page_begins_at_turn_0_with_one_crank():
    link, *widgets = PAGE.make()
    html = {w.slug: w.html for w in widgets}["feedback-loop"]
    assert cells(html, first="tape") == lab.names_of(link._state.tokens())
    buttons = re.findall(r'<button[^>]*class="button main[^>]*>([^<]*)', html)
    assert buttons == ["Crank"] and html.index(">Crank<") < html.index("<svg")
    root = drawn.read(html)
    for svg in root.all("svg", "climb"):
        assert not svg.all("g", "last-fall"), "nothing has fallen yet"
        assert [t.text for t in svg.all("text", "word")] == ["Once", "there", "was", "a"]
    assert link.values["step"] is None, "an address need not say it"


@pytest.mark.parametrize("settings", [{}, {"t": 0.4}, {"top_k": 3}, {"t": 2, "min_p": 0.2}])
@pytest.mark.parametrize("step", [0, 5])
def test_on_the_roof_lie_the_odds_that_the_next_word_is_drawn_from(desk, step, settings):
    d = desk("feedback-loop", step=step, **settings)
    turn = d.state.tell(step + 1)[-1]
    root = drawn.read(d.html("feedback-loop"))
    likely = [int(t) for t in sampling.by_probability(turn.final)[: climb.SHOWN_ODDS]]
    for svg in root.all("svg", "climb"):
        (roof,) = svg.all("g", "roof")
        shown = [e for e in roof.all("rect", "odd") if "rest" not in e.classes]
        assert [e.v for e in shown] == [float(turn.final[t]) for t in likely if turn.final[t] >= climb.LEAST_ODDS]
        frame = svg.all("rect", "strip-frame")[0].number("width")
        for e in shown:
            assert e.number("width") == pytest.approx(max(e.v * frame - 1.2, 0.5), abs=0.3)
        told = {path.v for path in svg.all("path", "asked") if "arc" in path.classes}
        pattern = [lab.trace(turn.context)[f"blocks.{i}.attn.pattern"][:, -1].max(axis=0) for i in range(4)]
        assert told and told <= {float(w) for weights in pattern for w in weights}


def test_the_word_fell_from_where_the_ball_lay(desk):
    d = desk("feedback-loop")
    for n in (1, 3, 8):
        d.ask(step=n)
        turn = d.state.tell()[-1]
        for svg in drawn.read(d.html("feedback-loop")).all("svg", "climb"):
            (last,) = svg.all("g", "last-fall")
            (said,) = [e for e in last.all("rect", "odd") if "said" in e.classes]
            assert said.v == float(turn.final[turn.token])
            (ball,) = last.all("g", "ball")[0].all("circle")
            at = (turn.draw.u - turn.draw.low) / (turn.draw.high - turn.draw.low)
            left, wide = said.number("x"), said.v * svg.all("rect", "strip-frame")[0].number("width")
            assert ball.number("cx") == pytest.approx(left + at * wide, abs=0.3)
            words = svg.all("text", "word")
            assert last.all("g", "drop")[0].text == words[-1].text == climb.text_of(turn.token)
            fall = [float(x) for x in re.findall(r"-?[\d.]+", last.all("path", "fall")[0].attrs["d"])]
            end = re.findall(r"-?[\d.]+(?=px)", words[-1].attrs["style"])
            assert fall[0] == pytest.approx(ball.number("cx"), abs=0.1) and fall[-2] == float(end[0])
    d.ask(choices=f"7:{TK.encode(' dragon')[0]}")
    assert 'class="ball' not in d.html("feedback-loop"), "a word of the reader's was not drawn"


@pytest.mark.parametrize("slug", ["feedback-branches", "feedback-prefill", "kv-cache", "context-window"])
def test_where_nothing_is_written_a_figure_shows_what_would_be_and_a_button_writes_it(desk, slug):
    d = desk(slug, step=0)
    html = d.html(slug)
    said = f"Nothing is written yet: shown are the {OWN} turns that would come next."
    assert said in html and f'data-set="step" value="{OWN}"' in html
    d.ask(step=OWN)
    written = d.html(slug)
    assert said not in written
    figures = re.findall(r'data-figure="([^"]*)"', html)
    assert figures == re.findall(r'data-figure="([^"]*)"', written) != []
    for figure in figures:
        assert cells(html, first=figure) == cells(written, first=figure)


def link_opens(**asked):
    """The step at which a link opens that was followed (the page says with which weights it was made)."""
    state = FeedbackState()
    state.update_from({"weights": "", **asked})
    return state.turns


def test_links_from_when_the_page_began_at_turn_43_open_there():
    now = story.fingerprint()
    assert link_opens() == link_opens(weights=now) == 0  # the page itself
    assert link_opens(step="12", choices="2:300") == 12 and link_opens(step="0", weights=now, t="2") == 0
    for old in ({"choices": "2:300", "branches": "2:300"}, {"look": "4"}, {"prompt": "Mia has a", "weights": now}):
        assert link_opens(**old) == OWN, old
    assert link_opens(prompt="Mia has a") == 0  # written by hand: it begins at the beginning


def test_a_link_of_today_says_how_many_turns_there_are():
    for asked in ({"prompt": "Mia has a"}, {"t": 2}, {"choices": "2:300"}, {"words": "Tom"}):
        link, _ = PAGE.make("feedback-loop")
        link.request = asked
        assert link.values["step"] == 0, asked
        link.request = {**dict.fromkeys(link.values), "#": 2}  # Reset
        assert link.values["step"] is None

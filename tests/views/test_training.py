"""/training/ without a browser: what is drawn of the runs, training in slices, going back, texts that teach nothing."""

from __future__ import annotations

import itertools
import re
import time

import numpy as np
import pytest

from explainer.ui import training as base
from explainer.ui.parts import pattern as part
from pages import numbers_of
from pages.training.facts import copying, own_text, sums
from pages.training.page import PAGE


@pytest.fixture
def made():
    return {c.name: c for c in PAGE.make()}


def ask(made, **values):
    made["link"].request = {**values, "#": time.perf_counter()}
    return made["link"]


def press(made, widget, name):
    """Press a button of a widget, as the page does."""
    names, values = re.search(rf'data-set="([^"]*)" value="([^"]*)"[^>]*>{name}<', made[widget].html).groups()
    ask(made, **dict(zip(names.split(), values.split("\x1f"), strict=True)))


def step_shown(html: str) -> int:
    return int(re.search(r'data-step="(\d+)"', html)[1])


# ---------------------------------------------------------------- stills


def test_every_still_is_a_finished_run_and_says_so(made):
    runs = {
        "copying": (copying.kept_run(copying.SEED), copying.STEPS),
        "grokking": (sums.kept_run(sums.SEED), sums.STEPS),
        "own-text": (own_text.kept_run(own_text.SEED), own_text.STEPS),
    }
    for name, (run, steps) in runs.items():
        html = made[name].html
        assert max(run) == steps == step_shown(html)
        assert f"A kept run, made when this site was built: seed 0, step {steps:,} of {steps:,}" in html, name
        assert "data-more" not in html


def test_the_pictures_are_what_the_heads_read(made):
    """Every square of a picture is in the strength of its number, and no number of that strength lacks its square."""
    moment = copying.kept_run(copying.SEED)[copying.STEPS]
    pictures = re.findall(r'<svg viewBox="0 0 20 20".*?</svg>', made["copying"].html, re.DOTALL)
    assert len(pictures) == 3
    edges = [*part.LEVELS, 1.01]
    for picture, weights in zip(pictures, moment.patterns / 255, strict=True):
        drawn = np.full(weights.shape, -1)
        for d, level in re.findall(r'<path d="([^"]*)" class="level-(\d)"', picture):
            for s, t in re.findall(r"M(\d+) (\d+)h1v1h-1z", d):
                drawn[int(t), int(s)] = int(level)
        for level, (low, high) in enumerate(itertools.pairwise(edges)):
            assert ((drawn == level) == ((weights >= low) & (weights < high))).all()
    ask(made, at=0)
    before = copying.kept_run(copying.SEED)[0]
    assert step_shown(made["copying"].html) == 0 and before.followed[0] < 0.3
    assert part.pattern(before.patterns[1], "") not in made["copying"].html.replace(" aria-label", "")


def test_what_is_said_of_each_letter_is_marked_right_or_wrong(made):
    moment, row = copying.kept_run(copying.SEED)[copying.STEPS], copying.row()
    cells = re.findall(r'class="note-cell (right|wrong)"[^>]*>(\w)<', made["copying"].html)
    places = range(copying.BACK, copying.SHOWN)
    said = [copying.LETTERS[says[t]] for says in moment.says for t in places]
    assert [letter for _, letter in cells] == said
    right = [says[t] == row[t + 1] for says in moment.says for t in places]
    assert [kind == "right" for kind, _ in cells] == right
    assert all(right[: len(places)]) and not all(right[len(places) :]), "two layers copy, one does not"


def test_the_clock_passes_every_number_once_and_lies_where_the_embedding_lies(made):
    moment = sums.kept_run(sums.SEED)[sums.STEPS]
    order = sums.round_the_clock(moment.turns)
    assert sorted(order) == list(range(sums.P))
    path = re.search(r'<path d="M([^"]*)Z" class="hand"', made["grokking"].html)[1]
    drawn = np.array([[float(v) for v in pair.split(",")] for pair in path.split("L")])
    assert np.allclose(drawn, 100 * moment.clock[order] * [1, -1], atol=0.06)


# ---------------------------------------------------------------- runs that happen


def test_it_trains_only_while_it_is_seen_and_pauses_steps_and_goes_back(made, monkeypatch):
    monkeypatch.setattr(base, "LEASE", 0.1)
    widget = made["copying"]
    press(made, "copying", "Train")
    assert step_shown(widget.html) == 0 and 'data-more="again"' in widget.html
    assert not widget.works, "not before the page has said that it is seen"
    turn = 0
    while widget._course.steps < 45:
        ask(made, again=(turn := turn + 1))
        while widget.works:
            widget.work()
    assert f'data-piece="{widget._course.steps}"' in widget.html, "what is drawn differs, so that the page asks again"
    ask(made, pause=True)
    assert not widget.works and ">Train</button>" in widget.html
    made_so_far = widget._course.steps
    press(made, "copying", "One step")
    assert {t.steps for t in widget._course.trainers} == {made_so_far + 1}
    kept = widget._course.moments[40]
    ask(made, at=20)
    press(made, "copying", "Rewind")
    assert widget._course.steps == 20 and list(widget._course.moments) == [0, 20]
    ask(made, upto=40)
    assert widget._course.moments[40].right == kept.right, "it goes the same way again"
    ask(made, upto=43)
    press(made, "copying", "Rewind")  # no step was chosen: to the start, not to the last one measured
    assert widget._course.steps == 0 and made["grokking"].html.count("A kept run") == 1


def test_another_seed_rate_or_decay_is_another_run(made):
    ask(made, watch="induction", pause=True, upto=20)
    first = made["copying"]._course.moments[20].patterns
    ask(made, rate=0.01, upto=20)
    assert made["copying"]._course.trainers[0].plan.rate == 0.01
    ask(made, seed=5, upto=20)
    assert not np.array_equal(made["copying"]._course.moments[20].patterns, first)
    ask(made, watch="grok", decay=0, upto=1)
    assert made["grokking"]._course.trainers[0].plan.decay == 0


# ---------------------------------------------------------------- the reader's own text

TEXTS = [
    ("", "There is no text yet."),
    ("   ", "There is no text yet."),
    ("a", "nothing else"),
    ("a" * 900, "nothing else"),
    ("Too short.", f"Paste {own_text.LEAST - 10} more"),
]


@pytest.mark.parametrize(("text", "says"), TEXTS)
def test_a_text_that_teaches_nothing_is_answered_with_what_to_do(made, text, says):
    link = ask(made, text=text, watch="text")
    assert says in made["own-text"].html and link.values["text"] == text, "and nothing of it is lost"
    assert not made["own-text"].works and "data-more" not in made["own-text"].html


def test_a_readers_text_is_learnt_with_its_line_breaks(made):
    poem = "The sun is up, the cat is out,\nthe dog is all about.\n" * 12
    ask(made, text=poem)
    assert "Press Train, and it learns your text" in made["own-text"].html
    ask(made, watch="text", pause=True, upto=20)
    course = made["own-text"]._course
    assert "\n" in course.trainers[0].task.characters and course.moments[20].held < course.moments[0].held
    link = ask(made, text="x\ny" * 900)
    assert "2,700 characters; the first 2,000" in link.messages["text"] and len(link.values["text"]) == 2000


# ---------------------------------------------------------------- what is said


def test_the_text_says_what_the_runs_gave():
    said = numbers_of("training")
    assert 100 <= said["c_first"] <= 500, "the guess about the steps has this answer"
    assert said["c_seeds_good"] == said["c_seeds"] == 5
    assert float(said["c_two"].split()[0]) > 97 and float(said["c_seeds_one"].split()[0]) < 40
    assert float(said["c_long"].split()[0]) < 40
    assert float(said["s_then"].split()[0]) < 25 and said["s_rule"] >= 3 * said["s_heart"]
    assert said["s_seeds_known"] == said["s_seeds"] and float(said["s_no_decay"].split()[0]) < 25
    assert said["s_no_decay_taught"] == "100 %"
    assert said["t_beats"] and said["t_seeds_below"] == said["t_seeds"]
    assert float(said["t_best"]) < float(said["t_pairs"]) < float(said["t_letters"]) < float(said["t_chance"])

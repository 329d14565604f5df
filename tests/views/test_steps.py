"""/steps/ without a browser: the game, the runs, the training in slices, and what becomes of a forged note."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest

from explainer.live import depth, tasks
from pages import numbers_of
from pages.steps.facts import deep, games, pairs
from pages.steps.facts.pairs import CONTESTS, MOVES, PLAN, SEED
from pages.steps.page import PAGE
from pages.steps.views import contest as view


@pytest.fixture
def made():
    return {c.name: c for c in PAGE.make()}


def ask(made, **values):
    made["link"].request = {**values, "#": time.perf_counter()}
    return made["link"]


def shares(html: str) -> list[list[float]]:
    """The columns of each learner's row."""
    rows = html.split('class="answer-row')[1:]
    return [[float(v) for v in re.findall(r'class="share[^"]*" style="[^"]*" data-v="([^"]*)"', row)] for row in rows]


def spoken(widget) -> str:
    """What is said to those who do not see the columns, once, when it changes."""
    return re.search(r'<p class="sr" role="status"[^>]*>([^<]*)</p>', widget.html)[1]


def step_shown(html: str) -> int:
    return int(re.search(r'class="contest" data-step="(\d+)"', html)[1])


# ---------------------------------------------------------------- the kept run, and a run that happens


def test_the_still_is_a_finished_run_and_says_so(made):
    html = made["steps"].html
    once, wrote = shares(html)
    assert (tuple(once), tuple(wrote)) == pairs.kept_run("shell", SEED)[PLAN.steps].accuracy
    assert min(wrote) >= 0.99 and max(once[4:]) < 0.5
    assert f"A kept run, made when this site was built: seed {SEED}, step 200 of 200" in html
    assert "14,368 weights each" in html and "data-more" not in html
    assert spoken(made["steps"]) == "", "nobody has pressed anything"
    green = [len(re.findall(r'class="share sure"', row)) for row in html.split('class="answer-row')[1:]]
    assert green == [sum(share >= pairs.SURE for share in row) for row in (once, wrote)]
    assert green[0] == pairs.sure_of(tuple(once)), "what is green is what the words call sure"


def test_pressing_train_begins_at_guessing_and_the_page_is_asked_to_go_on(made):
    ask(made, watch="shell", seed=3)
    html = made["steps"].html
    assert step_shown(html) == 0 and 'data-more="again"' in html
    assert all(share < 0.45 for row in shares(html) for share in row)
    assert "Now, seed 3: step 0 of 200" in html
    assert not made["steps"].works, "not before the page has said that it is seen"


def test_it_trains_only_while_the_page_says_that_it_is_seen(made, monkeypatch):
    monkeypatch.setattr("explainer.ui.training.LEASE", 0.1)
    widget = made["steps"]
    ask(made, watch="shell")
    ask(made, again=1)
    began, slices = time.perf_counter(), 0
    while widget.works:
        widget.work()
        slices += 1
    assert slices >= 2 and time.perf_counter() - began < 5
    reached = widget._course.steps
    assert 0 < reached < 200
    assert f'data-piece="{reached}"' in widget.html, "what is drawn differs, so that the page asks again"
    ask(made, again=2)
    assert widget.works
    ask(made, pause=True)
    assert not widget.works and ">Train</button>" in widget.html


def test_a_live_run_ends_as_a_whole_one_does(made):
    widget = made["steps"]
    ask(made, watch="shell", seed=2)
    turn = 0
    while not widget._course.done:
        ask(made, again=(turn := turn + 1))
        while widget.works:
            widget.work()
    whole = pairs.course("shell", 2)
    whole.step_to(200)
    assert shares(widget.html) == [list(row) for row in whole.moments[200].accuracy]
    assert "right after all 20" in widget.html and "Train again" in widget.html
    assert re.fullmatch(
        r"Trained, 200 steps\. Must answer at once: .+\. May write: right after all 20\.", spoken(widget)
    )
    ask(made, at=0)
    assert step_shown(widget.html) == 0
    ask(made, back=1, pause=True, at=None)
    assert widget._course.steps == 0 and "step 0 of 200" in widget.html
    assert spoken(widget) == "", "only at its end"


def test_one_step_is_one_step_of_each(made):
    widget = made["steps"]
    ask(made, watch="shell", pause=True, upto=1)
    ask(made, upto=1)
    assert [t.steps for t in widget._course.trainers] == [1, 1]
    assert 'value="shell\x1f2\x1ftrue\x1f"' in widget.html
    names, values = re.search(r'data-set="([^"]*)" value="([^"]*)"[^>]*>Rewind', widget.html).groups()
    ask(made, **dict(zip(names.split(), values.split("\x1f"), strict=True)))
    assert widget._course.steps == 0
    ask(made, at=0)
    assert widget._course.steps == 0, "and it stays there"


def test_another_seed_is_another_run(made):
    ask(made, watch="shell", pause=True, upto=20)
    ask(made, upto=20)
    first = shares(made["steps"].html)
    ask(made, seed=8)
    ask(made, upto=20)
    assert shares(made["steps"].html) != first


def test_outside_of_a_request_all_steps_are_made(monkeypatch):
    monkeypatch.setattr(view, "CONTESTS", CONTESTS)
    state = PAGE.state()
    state.param.update(watch="shell")
    widget = view.Steps(state)
    assert widget._course.done and min(shares(widget.html)[1]) >= 0.99


def test_an_address_to_watch_opens_the_game_that_it_names(made):
    link = ask(made, watch="s3")
    assert link.values["second"] == "s3"
    assert step_shown(made["other-games"].html) == 0 and step_shown(made["steps"].html) == 200


@pytest.mark.parametrize("name", CONTESTS)
def test_both_learners_have_the_same_games_and_the_same_number_of_steps(name):
    pair = pairs.course(name, 5)
    pair.step_to(2)
    one, other = pair.trainers
    assert one.steps == other.steps == 2 and one.plan == other.plan
    first, second = (t.task.batch(5, 1, 64) for t in pair.trainers)
    assert (first[1] == second[1]).all(), "the same states are right"
    if name != "rival":
        assert one.net.size == other.net.size


# ---------------------------------------------------------------- the reader's own game


@pytest.mark.parametrize("number", range(12))
def test_the_right_cup_is_where_the_swaps_bring_the_ball(made, number):
    ask(made, game=number, swaps=9)
    html = made["shell-game"].html
    label = re.search(r'aria-label="The ball is under cup (\d)\. Swapped in turn: ([^"]*)\.', html)
    ball = int(label[1])
    for a, b in re.findall(r"(\d) and (\d)", label[2]):
        ball = int(b) if ball == int(a) else int(a) if ball == int(b) else ball
    assert 'class="way"' not in html, "the way is shown to who has answered"
    ask(made, pick=ball)
    assert f"Yes, cup {ball}." in made["shell-game"].html and 'class="way"' in made["shell-game"].html
    other = ball % 5 + 1
    ask(made, pick=other)
    assert f"No: it is under cup {ball}, not {other}." in made["shell-game"].html


def test_what_the_learners_say_of_it_is_theirs():
    played = games.game(4, 8)
    said = games.answers(played)
    assert said.written == played.ball[1:]
    whole = games.answers(games.game(4))
    assert whole.at_once[:8] == said.at_once, "what comes later changes no answer"


def test_no_cup_is_lost_in_the_braid():
    played = games.game(7)
    lanes = games.ways(played)
    assert lanes[played.ball[0]] == played.ball
    assert all(sorted(places) == list(range(tasks.CUPS)) for places in zip(*lanes, strict=True))
    for t, (a, b) in enumerate(played.swaps):
        assert {way[t]: way[t + 1] for way in lanes if way[t] != way[t + 1]} == {a: b, b: a}


def test_whole_numbers_of_tables_are_whole_numbers(made):
    ask(made, pick=1)
    for slug in ("shell-game", "steps", "forged-step", "other-games"):
        first = re.findall(r'<tr><td class="([^"]*)">(\d+)</td>', made[slug].html)
        assert [int(n) for _, n in first] == list(range(1, len(first) + 1)) and len(first) >= 8
        assert {kind for kind, _ in first} == {"num int"}
    assert made["forged-step"].html.count('class="num int"') == 3 * MOVES


# ---------------------------------------------------------------- one wrong note


def test_after_a_wrong_note_every_note_is_wrong(made):
    ask(made, forged=5)
    cells = re.findall(r'class="note-cell (\w+)"', made["forged-step"].html)
    assert cells == ["right"] * 4 + ["forged"] + ["wrong"] * (MOVES - 5)
    assert f"From there on {MOVES - 5} of {MOVES - 5} notes are wrong" in made["forged-step"].html


def test_a_note_that_is_right_changes_nothing(made):
    true = games.game(4).ball[5] + 1
    ask(made, forged=5, place=true)
    assert "nothing was changed" in made["forged-step"].html and "wrong" not in re.findall(
        r'class="note-cell (\w+)"', made["forged-step"].html
    )


def test_over_many_games_a_wrong_note_is_never_made_good():
    alone, misled = games.after_forging()
    assert alone >= 0.99 and len(misled) == MOVES
    for each in misled:
        assert each.right <= 0.01 and not each.led < 0.99, "and all that follow are of the cup that was written"


def test_where_a_wrong_cup_is_taken_is_counted_move_by_move():
    """The same share by the swaps themselves, for one place and a few games."""
    moves, states = tasks.shell_game().games(tasks.stream(0, games.PLAYED), 12, MOVES)
    task, net = CONTESTS["shell"].task(pairs.WRITES), games.nets_once()[1]
    there = games.next_cup(states[:, 4])
    said = task.answers(net, moves, states[:, 0], {3: there})
    led = []
    for row, cup, notes in zip(moves, there.tolist(), said, strict=True):
        for move, note in zip(row[4:], notes[4:], strict=True):
            a, b = tasks.PAIRS[move]
            cup = b if cup == a else a if cup == b else cup
            led.append(cup == note)
    assert sum(led) / len(led) == games.after_forging(12)[1][3].led


# ---------------------------------------------------------------- layers, and a loop without words


@pytest.mark.parametrize("layers", depth.LAYERS)
def test_the_slider_shows_a_learner_of_so_many_layers_and_what_it_says_of_this_game(made, layers):
    ask(made, layers=layers, game=9)
    html = made["more-layers"].html
    once, wrote = shares(html)[:2]  # the rows below are of this game alone
    assert (tuple(once), tuple(wrote)) == (deep.accuracy("at once", layers), deep.accuracy("written"))
    cells = re.findall(r'class="note-cell (\w+)"[^>]*>(\d)</i>', html)
    played = games.game(9)
    net = depth.trained(depth.Player("at once", layers), depth.SHOWN)
    tokens = [[played.ball[0] + len(tasks.PAIRS), *played.moves]]
    said = net.forward(np.array(tokens), slice(1, None)).argmax(-1)[0]
    assert [int(cell) - 1 for _, cell in cells[:MOVES]] == said.tolist()
    assert [kind == "right" for kind, _ in cells[:MOVES]] == [
        a == b for a, b in zip(said, played.ball[1:], strict=True)
    ]


def test_more_layers_carry_farther_and_writing_farther_than_all():
    for seed in depth.seeds():
        far = deep.by_layers(seed)
        assert far[1] < far[2] < far[4] <= max(far[5], far[6]) and far[1] * 2 <= far[6], seed
        assert deep.follows(deep.accuracy("written", 1, seed)) == MOVES > max(far.values())


def test_answers_go_by_the_vector_that_was_handed_on():
    found = deep.crossed(7)
    assert 2 * (found.right - 0.2) < found.led - 0.2, "one in five games has its ball where the other has"
    assert deep.accuracy("latent")[-1] > 0.95 > deep.with_means(True) > 2 * deep.with_means(False)


def test_the_loop_without_words_is_a_training_of_its_own(made):
    html = made["latent-loop"].html
    wrote, handed = shares(html)
    assert (tuple(wrote), tuple(handed)) == pairs.kept_run("latent", SEED)[CONTESTS["latent"].plan.steps].accuracy
    ask(made, watch="latent", seed=4, pause=True, upto=2)
    ask(made, upto=2)
    assert "Now, seed 4: step 2 of" in made["latent-loop"].html and step_shown(made["steps"].html) == 200


# ---------------------------------------------------------------- what is said


@pytest.mark.parametrize(
    ("accuracy", "sure", "half"),
    [((1.0, 1.0, 1.0), 3, None), ((1.0, 0.6, 0.3), 1, 3), ((0.2, 0.2, 0.2), 0, 1), ((1.0, 0.4, 0.6), 1, None)],
)
def test_how_far_a_learner_comes(accuracy, sure, half):
    assert pairs.sure_of(accuracy) == sure and pairs.below_half(accuracy) == half


def test_the_text_says_what_the_runs_gave():
    said = numbers_of("steps")
    assert said["seeds_sure"] == said["n_seeds"] == 5 and said["seeds_step"] <= 120
    assert said["seed"] in range(said["n_seeds"]), "no *other* seeds: the text names them"
    assert int(said["seeds_five"].split()[0]) < 50
    assert said["long_sure"] in ("2 swaps", "3 swaps"), "the guess about longer training has this answer"
    assert said["parity_wrote"] == said["s3_wrote"] == MOVES
    assert float(said["rival_last"].split()[0]) > 75
    assert said["d_six"] in ("5 swaps", "6 swaps"), "the guess about six layers has this answer"
    assert said["l_words_first"] < pairs.CONTESTS["latent"].plan.steps and said["l_first"] != "at step 0"

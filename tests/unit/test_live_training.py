"""Training in numpy: what is learnt, by seed; runs are the same however they are cut; what the tasks ask is right."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from explainer.live import tasks
from explainer.live.adamw import AdamW, Plan
from explainer.live.nets import Net
from explainer.live.tasks import Addition, Following, Induction, OwnText
from explainer.live.trainer import Trainer, shape_for, together

SMALL = {"width": 16, "heads": 2, "hidden": 32}
PLAN = Plan(steps=12, batch=8, rate=4e-3, warm=4)


def trainer(seed: int = 0, plan: Plan = PLAN, every: int = 4, **sizes) -> Trainer:
    task = Following(tasks.shell_game(), 6, True)
    return Trainer(task, shape_for(task, **(sizes or SMALL)), plan, seed, every=every, games=20)


def state_of(t: Trainer) -> list[bytes]:
    return [a.tobytes() for a in (t.net.weights.value, t.optimiser.mean, t.optimiser.square)]


class Ticking:
    """A clock that goes on by a second at each look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


# ---------------------------------------------------------------- the loop


def test_the_same_seed_trains_the_same_model_to_the_last_bit():
    one, same, other = (trainer(seed).finish() for seed in (3, 3, 4))
    assert state_of(one) == state_of(same) != state_of(other)
    assert [m.loss for m in one.history[1:]] == [m.loss for m in same.history[1:]]


def test_how_a_run_is_cut_changes_nothing():
    whole, cut = trainer().finish(), trainer()
    slices = 0
    while not cut.done:
        assert cut.run(2.5, Ticking()) <= 3
        slices += 1
    assert slices > 5
    assert state_of(whole) == state_of(cut)
    assert [m.step for m in cut.history] == [0, 4, 8, 12]


def test_a_slice_ends_before_a_step_that_would_not_fit():
    t = trainer()
    t.measure()
    clock = Ticking()
    assert t.run(3.5, clock) == 3  # a second each, and the fourth would end after 4
    assert t.run(0.0, clock) == 1, "one is always made"


def test_rewound_it_is_what_it_was_and_goes_the_same_way_again():
    t = trainer().finish()
    end, history = state_of(t), t.history
    t.rewind(10)
    assert t.steps == 8, "the last measured before it"
    assert [m.step for m in t.history] == [0, 4, 8]
    before = trainer(plan=PLAN)
    while before.steps < 8:
        before.run(0.0)
    assert state_of(t) == state_of(before)
    t.finish()
    assert state_of(t) == end
    assert [m.step for m in t.history] == [m.step for m in history]
    t.rewind()
    assert t.steps == 0 and state_of(t)[0] == trainer().net.weights.value.tobytes()


def test_a_model_as_it_was_answers_as_it_did():
    t = trainer().finish()
    end, measured = t.net.weights.value.copy(), t.history[1].accuracy
    t.rewind(4)
    assert not np.array_equal(t.net.weights.value, end)
    assert np.array_equal(t.task.accuracy(t.net, t.seed, t.games), measured)


def test_several_go_side_by_side_in_the_same_number_of_steps():
    some = [trainer(), trainer(width=32, heads=4, hidden=64), trainer(1)]
    while not all(t.done for t in some):
        together(some, 3.0, Ticking())
        steps = [t.steps for t in some]
        assert max(steps) - min(steps) <= 1
    alone = trainer().finish()
    assert state_of(alone) == state_of(some[0])


def test_one_step_of_the_optimiser_is_the_books():
    rng = np.random.default_rng(0)
    value, grads = rng.normal(size=5), rng.normal(size=(3, 5))
    plan = Plan(steps=10, batch=1, rate=0.1, warm=2, decay=0.5, betas=(0.9, 0.98))
    mine, adam = value.copy(), AdamW(5, np.dtype("float64"), plan)
    m, v = np.zeros(5), np.zeros(5)
    for t, g in enumerate(grads, 1):
        adam.step(mine, g.copy(), t)
        m, v = 0.9 * m + 0.1 * g, 0.98 * v + 0.02 * g * g
        rate = 0.1 * min(1, t / 2) * np.sqrt(1 - (t - 1) / 11)
        value = value * (1 - rate * 0.5) - rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.98**t)) + 1e-8)
    np.testing.assert_allclose(mine, value, rtol=1e-12)


# ---------------------------------------------------------------- the tasks


def test_a_machine_follows_its_table():
    moves, states = tasks.shell_game().games(np.random.default_rng(0), 50, 20)
    for row, ball in zip(moves, states, strict=True):
        cups = list(range(5))  # cups[place]: which cup stands there
        start = ball[0]
        for t, move in enumerate(row):
            a, b = tasks.PAIRS[move]
            cups[a], cups[b] = cups[b], cups[a]
            assert cups[ball[t + 1]] == start, "the cup with the ball"


def test_permutations_are_composed():
    machine = tasks.permutations(3)
    orders = list(itertools.permutations("abc"))
    for move, state in itertools.product(range(6), range(6)):
        there = orders[state]
        moved = tuple(there["abc".index(c)] for c in orders[move])
        assert orders[machine.table[move, state]] == moved
    assert tasks.permutations(5).table.shape == (120, 120)
    for row in tasks.permutations(5).table:
        assert sorted(row) == list(range(120)), "a move loses nothing"


@pytest.mark.parametrize("written", [False, True])
def test_what_is_asked_after_each_move_is_the_state_after_it(written):
    task = Following(tasks.parity(), 4, written)
    tokens, right = task.batch(0, 0, 3)
    assert tokens.shape == (3, task.length) and right.shape == (3, 4)
    for row, answers in zip(tokens, right, strict=True):
        moves = row[task.reads]
        assert answers.tolist() == (np.cumsum(moves) % 2).tolist()
        if written:
            assert (row[2::2] - 2).tolist() == answers[:-1].tolist(), "what was right so far stands written"


def test_the_writer_reads_what_it_wrote_and_a_forged_step_misleads_it():
    class Parrot:
        """Right about the ball's next place, if what it reads last is right."""

        def writer(self):
            pushed = []

            class Writer:
                def read(self, tokens):
                    pushed.append(tokens)

                def push(self, tokens):
                    return np.eye(5)[tasks.shell_game().table[tokens, pushed[-1] - 10]]

            return Writer()

    task = Following(tasks.shell_game(), 8, True)
    moves, states = tasks.shell_game().games(np.random.default_rng(1), 30, 8)
    assert np.array_equal(task.answers(Parrot(), moves, states[:, 0]), states[:, 1:])
    forged = (states[:, 4] + 1) % 5
    wrong = task.answers(Parrot(), moves, states[:, 0], {3: forged})
    assert np.array_equal(wrong[:, :3], states[:, 1:4]) and np.array_equal(wrong[:, 3], forged)
    assert (wrong[:, 4:] != states[:, 5:]).all(), "swaps keep two places apart for ever"


def test_sums_are_taught_or_held_back_never_both():
    task = Addition(7, 0.4)
    taught, held = task.pairs(0)
    every = {tuple(p) for p in taught.tolist()} | {tuple(p) for p in held.tolist()}
    assert len(taught) == 19 and len(taught) + len(held) == 49 == len(every)
    tokens, right = task.batch(0, 0, 1000)
    assert len(tokens) == 19 and (tokens[:, 2] == 7).all()
    assert right[:, 0].tolist() == ((tokens[:, 0] + tokens[:, 1]) % 7).tolist()


def test_induction_asks_for_what_followed_the_last_time_at_varied_distance():
    task = Induction()
    tokens, targets, apart = task.examples(np.random.default_rng(0), 200)
    assert set(apart) == set(range(6, 17))
    for row, right, d in zip(tokens, targets, apart, strict=True):
        assert (right[:d] == -1).all()
        for t in range(d, len(row)):
            last = max(i for i in range(t) if row[i] == row[t])
            assert right[t] == row[last + 1]


def test_the_end_of_a_text_is_held_back():
    text = "".join(map(chr, range(1000, 2000)))
    task = OwnText(text, 16)
    _, after = task.batch(0, 0, 500)
    assert after.max() < 900
    tokens, right = task.windows(np.random.default_rng(0), 100, True)
    assert tokens.min() >= 900
    assert (right == tokens + 1).all()
    with pytest.raises(ValueError, match="363 characters"):
        OwnText("too short")


# ---------------------------------------------------------------- what is learnt (outcomes, not curves)


def learnt(machine, moves: int, written: bool, plan: Plan, seed: int = 0, **sizes) -> np.ndarray:
    task = Following(machine, moves, written)
    t = Trainer(task, shape_for(task, **sizes), plan, seed, every=plan.steps, games=400).finish()
    return t.history[-1].accuracy


def test_the_ball_is_followed_by_one_layer_that_writes_and_lost_by_one_that_must_answer_at_once():
    plan = Plan(steps=120, batch=64, rate=4e-3)
    assert learnt(tasks.shell_game(), 20, True, plan).min() >= 0.99
    at_once = learnt(tasks.shell_game(), 20, False, plan)
    assert at_once[0] > 0.8 and at_once[4:].max() < 0.5


def test_parity_of_twenty_bits_after_200_steps_written():
    plan = Plan(steps=200, batch=64, rate=4e-3)
    sizes = {"width": 32, "heads": 2, "hidden": 128}
    assert learnt(tasks.parity(), 20, True, plan, **sizes).min() >= 0.99
    at_once = learnt(tasks.parity(), 20, False, plan, **sizes)
    assert at_once[0] >= 0.99 and at_once[12:].max() < 0.65


def test_unseen_sums_are_right_long_after_those_that_were_taught():
    """Grokking, in small: p = 29 (Power et al. 2022)."""
    task = Addition(29, 0.5)
    plan = Plan(steps=1500, batch=10_000, rate=8e-3, warm=10, cool=False, decay=1.0)
    t = Trainer(task, shape_for(task, width=48, hidden=192), plan, 0, every=25, games=10_000)
    while t.steps < 150:
        t.run(0.0)
    tokens, right = task.batch(0, 0, 10_000)
    assert (t.net.forward(tokens, task.reads).argmax(-1) == right).mean() == 1
    early = t.history[-1].accuracy[0]
    while not t.done and t.history[-1].accuracy[0] < 0.95:
        t.run(0.0)
    assert early < 0.6 and t.history[-1].accuracy[0] >= 0.95


@pytest.mark.parametrize("mixer", ["linear", "gru"])
def test_the_rivals_learn_too(mixer):
    """After 300 steps either is sure of one swap and far from chance at the second."""
    plan = Plan(steps=300, batch=32, rate=4e-3)
    accuracy = learnt(tasks.shell_game(), 4, False, plan, width=32, heads=2, hidden=64, mixer=mixer)
    assert accuracy[0] > 0.95 and accuracy[1] > 0.4


def test_a_model_has_as_many_parameters_as_its_shape_says():
    task = Following(tasks.shell_game(), 20, True)
    net = Net(shape_for(task, width=64, hidden=256), 0)
    assert net.size == 15 * 64 + 40 * 64 + 4 * 64 * 64 + 2 * 64 * 256 + 256 + 64 + 64 * 5

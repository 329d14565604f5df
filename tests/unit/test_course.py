"""Trainings that are watched: in step, looked at when all are measured, and wound back to go the same way again."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.live import tasks
from explainer.live.adamw import Plan
from explainer.live.course import Course
from explainer.live.nets import Net
from explainer.live.tasks import Following, OwnText
from explainer.live.trainer import Trainer, shape_for
from pages.training.facts import copying, own_text, sums

PLAN = Plan(steps=12, batch=8, rate=4e-3, warm=4)


def course() -> Course[tuple[int, ...]]:
    task = Following(tasks.shell_game(), 6, True)
    shapes = (shape_for(task, width=width, heads=2, hidden=32) for width in (16, 32))
    made = [Trainer(task, shape, PLAN, 0, every=4, games=20) for shape in shapes]
    return Course(made, lambda trainers: tuple(t.steps for t in trainers))


def weights(c: Course) -> list[bytes]:
    return [t.net.weights.value.tobytes() for t in c.trainers]


class Ticking:
    """A clock that goes on by a second at each look."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def test_all_are_looked_at_when_all_have_been_measured_at_the_same_step():
    cut, whole = course(), course()
    assert cut.moments == {0: (0, 0)}
    clock, turns = Ticking(), 0
    while not cut.done:
        cut.advance(3.0, clock)
        turns += 1
        assert max(t.steps for t in cut.trainers) - cut.steps <= 1
    whole.step_to(12)
    assert turns > 5 and cut.moments == whole.moments == {0: (0, 0), 4: (4, 4), 8: (8, 8), 12: (12, 12)}
    assert weights(cut) == weights(whole)


def test_wound_back_it_forgets_what_came_later_and_goes_the_same_way_again():
    c = course()
    assert np.isnan(c.rate)
    c.step_to(12)
    end = weights(c)
    assert c.rate == pytest.approx(12 / c.seconds)
    c.rewind(10)
    assert c.steps == 8 and list(c.moments) == [0, 4, 8] and np.isnan(c.rate)
    c.step_to(9)
    assert c.rate == pytest.approx(1 / c.seconds), "of what it has done since"
    c.step_to(12)
    assert weights(c) == end
    c.rewind()
    assert c.steps == 0 and list(c.moments) == [0]


# ---------------------------------------------------------------- what /training/ looks at


def test_heads_made_by_hand_have_the_scores_of_what_they_read(monkeypatch):
    """A head that always reads the letter before, one that reads what followed last time, one that reads itself."""

    def patterns(tokens: np.ndarray) -> list[np.ndarray]:
        B, T = tokens.shape
        before = np.eye(T, k=-1)[None].repeat(B, 0)
        follows = np.zeros((B, T, T))
        for b, row in enumerate(tokens):
            for t in range(T):
                last = [s for s in range(1, t + 1) if row[s - 1] == row[t]]
                follows[b, t, last[-1] if last else t] = 1
        return [before, follows]

    class Hand:
        def __init__(self, one: bool):
            self.one = one

        def forward(self, tokens):
            self.tokens = tokens

    def read(net: Hand) -> list[np.ndarray]:
        return [np.eye(net.tokens.shape[1])[None].repeat(len(net.tokens), 0)] if net.one else patterns(net.tokens)

    monkeypatch.setattr(copying, "patterns_of", read)
    assert copying.scores(Hand(False), Hand(True), 0) == (1.0, 1.0, 0.0)  # type: ignore[arg-type]


def test_an_embedding_that_is_a_clock_is_found_to_be_one():
    angle = 2 * np.pi * 5 * np.arange(sums.P) / sums.P
    rng = np.random.default_rng(0)
    plane = np.linalg.qr(rng.normal(size=(8, 2)))[0].T
    made = np.stack([np.cos(angle), np.sin(angle)], 1) @ plane + 3.0 + 1e-3 * rng.normal(size=(sums.P, 8))
    shares, clock = sums.waves(made)
    assert shares.argmax() + 1 == 5 and shares[4] > 0.99 and sums.strong(shares) == 1
    assert np.hypot(*clock.T) == pytest.approx(np.ones(sums.P), abs=0.01)
    turned = np.unwrap(np.arctan2(*clock[sums.round_the_clock(5)].T))
    assert np.abs(np.diff(turned)) == pytest.approx(2 * np.pi / sums.P, abs=0.01), "neighbours on the clock"
    scattered, _ = sums.waves(rng.normal(size=(sums.P, 48)))
    assert sums.strong(scattered) > 12


def test_every_character_that_is_held_back_is_asked_once():
    text = "".join(map(chr, range(1000, 1700)))
    task = OwnText(text, own_text.LENGTH)
    held = set(task.parts[1].tolist())

    class Sure:
        """Sure of the next character of an alphabet, as this text has it; notes what it is asked."""

        def forward(self, tokens):
            logits = np.zeros((*tokens.shape, task.vocab))
            np.put_along_axis(logits, np.minimum(tokens + 1, task.vocab - 1)[..., None], 50.0, axis=-1)
            return logits

    assert own_text.held_loss(Sure(), task) == pytest.approx(0, abs=1e-6)  # type: ignore[arg-type]

    class SureButOnce(Sure):
        def __init__(self, at: int):
            self.at = at

        def forward(self, tokens):
            logits = super().forward(tokens)
            logits[tokens == self.at - 1] = 0
            return logits

    each = {at: own_text.held_loss(SureButOnce(at), task) for at in range(task.vocab)}  # type: ignore[arg-type]
    asked = {at for at, loss in each.items() if loss > 1e-6}
    assert asked == held
    assert [each[at] for at in held] == pytest.approx([np.log(task.vocab) / len(held)] * len(held))


def test_the_tables_are_the_books():
    found = own_text.tables("ab" * 300)
    assert found.characters == 2 and found.chance == pytest.approx(np.log(2))
    assert found.letters == pytest.approx(np.log(2), abs=1e-3) and found.pairs < 0.01, "each tells the next"
    uneven = own_text.tables("aab" * 200)
    assert uneven.letters == pytest.approx(-(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)), abs=0.01)
    assert uneven.pairs == pytest.approx(2 / 3 * np.log(2), abs=0.02), "after an a: one or the other"


def test_what_it_writes_is_of_the_text_and_of_the_seed():
    task = OwnText(own_text.ALICE, own_text.LENGTH)
    net = Net(shape_for(task, width=16, heads=2, hidden=16, positions="rope"), 0)
    one, same, other = (own_text.writes(net, task, seed) for seed in (1, 1, 2))
    assert one == same != other and len(one) == own_text.WRITTEN and set(one) <= set(task.characters)
    assert own_text.ALICE[: -len(task.parts[1])].endswith(own_text.given(task))


# ---------------------------------------------------------------- what is learnt (outcomes, not curves)


def test_two_layers_learn_to_copy_and_one_does_not():
    run = copying.course(1)
    run.step_to(400)
    two, one = run.moments[400].right
    assert two >= 0.9 and one < 0.4
    assert run.moments[400].followed[0] > 0.6 > 0.3 > run.moments[400].followed[1]


def test_the_second_layer_finds_its_place_by_the_mark_of_the_first():
    followed, right = copying.without_first(1)
    assert followed < 0.3 and right < 0.3

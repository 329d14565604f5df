"""The story as a pure function: rewinding, forking, choices as text, the tree, the work of each turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainer.kernel import cache, checkpoint, sampling
from explainer.kernel.config import Config
from explainer.kernel.sampling import Settings
from explainer.studies import story
from tests.tiny import random_params

CONFIG = Config(n_layers=2, n_heads=2, d_model=16, d_head=8, d_mlp=32, n_vocab=40, n_ctx=12)
MODEL = checkpoint.Model(CONFIG, random_params(CONFIG, 5), "tiny", {})
PROMPT = (0, 7, 9)
SETTINGS = Settings(temperature=1.3, top_k=30)


def tokens(steps):
    return [s.token for s in steps]


@pytest.fixture
def tell():
    return story.Teller(MODEL).tell


def test_the_story_is_what_the_sampling_loop_writes(tell):
    choices = ((2, 5), (3, 6))
    ours = tell(PROMPT, SETTINGS, 11, choices, 20)  # slides: 3 + 20 > 12
    theirs = sampling.generate(MODEL, PROMPT, 20, temperature=1.3, top_k=30, rng=11, forced=dict(choices))
    assert tokens(ours) == tokens(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.final, b.final, atol=1e-5)
        assert (a.index, a.context, a.slid, a.multiply_adds, a.multiply_adds_uncached) == (
            b.index,
            b.context,
            b.slid,
            b.multiply_adds,
            b.multiply_adds_uncached,
        )
        assert (a.draw and a.draw.u) == (b.draw and b.draw.u)
    assert ours[2].draw is None and ours[2].token == 5


def test_a_story_does_not_depend_on_the_way_to_it():
    straight = story.Teller(MODEL).tell(PROMPT, SETTINGS, 3, (), 9)
    winding = story.Teller(MODEL)
    winding.tell(PROMPT, SETTINGS, 3, (), 4)
    winding.tell(PROMPT, SETTINGS, 3, ((2, 1),), 9)
    winding.tell(PROMPT, SETTINGS, 4, (), 6)
    again = winding.tell(PROMPT, SETTINGS, 3, (), 9)
    assert tokens(straight) == tokens(again)
    assert tokens(winding.tell(PROMPT, SETTINGS, 3, (), 4)) == tokens(straight)[:4]


def test_not_even_in_the_last_bit():
    """At a low temperature a rounding shows and may draw another token: a link must tell the story it was made of."""
    straight = story.Teller(MODEL).tell(PROMPT, SETTINGS, 3, (), 8)
    for choices in ((), ((5, 1),), ((2, 1), (3, 4))):
        alone = story.Teller(MODEL).tell(PROMPT, SETTINGS, 3, choices, 8)
        for most in (1, 2, 32):  # with few kept, most are read anew
            winding = story.Teller(MODEL, most_caches=most, most_readings=most)
            winding.tell(PROMPT, SETTINGS, 3, (), 8)
            winding.tell((*PROMPT, straight[0].token), SETTINGS, 3, (), 5)  # the same tapes from another prompt
            winding.tell(PROMPT, SETTINGS, 4, ((1, 2),), 6)
            winding.tales.clear()
            for a, b in zip(alone, winding.tell(PROMPT, SETTINGS, 3, choices, 8), strict=True):
                assert a.logits.tobytes() == b.logits.tobytes()
            tape = (*PROMPT, *tokens(alone)[:-1])
            assert winding.cache_error(tape, len(PROMPT)) == story.Teller(MODEL).cache_error(tape, len(PROMPT))


def test_one_more_turn_reads_one_more_tape(monkeypatch):
    teller = story.Teller(MODEL)
    teller.tell(PROMPT, SETTINGS, 1, (), 5)
    calls = []
    monkeypatch.setattr(story, "forward", lambda *a, **k: calls.append(a))  # a full pass would show
    assert len(teller.tell(PROMPT, SETTINGS, 1, (), 6)) == 6
    assert calls == []
    before = len(teller.readings)
    teller.tell(PROMPT, SETTINGS, 1, (), 3)
    assert len(teller.readings) == before  # rewinding reads nothing


def test_a_fork_keeps_the_random_numbers(tell):
    trunk = tell(PROMPT, SETTINGS, 8, (), 8)
    other = tell(PROMPT, SETTINGS, 8, story.fork((), 3, (trunk[3].token + 1) % 40), 8)
    assert tokens(trunk)[:3] == tokens(other)[:3] and trunk[3].token != other[3].token
    assert [s.draw.u for s in trunk if s.index != 3] == [s.draw.u for s in other if s.draw]


def test_memory_is_bounded():
    teller = story.Teller(MODEL, most_readings=10, most_caches=3)
    for seed in range(40):
        teller.tell(PROMPT, SETTINGS, seed, (), 4)
    assert len(teller.readings) <= 10 and len(teller.caches) <= 3 and len(teller.tales) <= 24


@given(st.dictionaries(st.integers(0, 199), st.integers(0, 639), max_size=20))
def test_choices_survive_their_text(given_choices):
    choices = tuple(sorted(given_choices.items()))
    assert story.parse_choices(story.write_choices(choices), 640, 200) == choices


def test_neighbouring_choices_share_an_entry():
    assert story.write_choices([(3, 212), (4, 9), (7, 45)]) == "3:212.9,7:45"


@pytest.mark.parametrize(
    "text", ["x", "3", "3:", ":4", "-1:2", "3:640", "200:1", "1e9:1", "3:4;", "²:1", "3:1..2", "<b>", "9" * 40 + ":1"]
)
def test_bad_choices_are_refused_in_words(text):
    with pytest.raises(ValueError, match=r"\.$"):
        story.parse_choices(text, 640, 200)


def test_too_many_choices_and_branches_are_refused():
    with pytest.raises(ValueError, match="more than"):
        story.parse_choices("0:" + ".".join(["1"] * 97), 640, 200)
    with pytest.raises(ValueError, match="more than"):
        story.parse_branches(";".join(f"{i}:1" for i in range(9)), 640, 200)


def test_branches_survive_their_text_and_forget_the_oldest():
    branches = story.parse_branches(";3:1;3:1;4:2,9:9", 640, 200)
    assert branches == (((3, 1),), ((4, 2), (9, 9)))
    assert story.parse_branches(story.write_branches(branches), 640, 200) == branches
    many = story.remember((), *[((i, 1),) for i in range(12)], ())
    assert len(many) == story.MOST_BRANCHES and many[-1] == ((11, 1),)


def test_fork_drops_what_comes_later():
    assert story.fork(((1, 5), (4, 6)), 3, 8, 9) == ((1, 5), (3, 8), (4, 9))


def test_the_tree_shows_every_token_once(tell):
    trunk = tell(PROMPT, SETTINGS, 2, (), 8)
    a = story.fork((), 2, (trunk[2].token + 1) % 40)
    b = story.fork(a, 5, 0)
    rows = story.tree([((), trunk), (a, tell(PROMPT, SETTINGS, 2, a, 8)), (b, tell(PROMPT, SETTINGS, 2, b, 8))])
    assert [(r.parent, r.start) for r in rows][:2] == [(None, 0), (0, 2)]
    assert rows[2].parent == 1 and rows[2].start >= 5
    for row in rows[1:]:
        above = rows[row.parent]
        assert tokens(row.steps)[: row.start] == tokens(above.steps)[: row.start]


def test_work_is_what_the_turns_say_and_what_is_counted(tell):
    steps = tell(PROMPT, SETTINGS, 6, (), 14)
    formula = story.work(CONFIG, len(PROMPT), 14)
    logits = CONFIG.d_model * CONFIG.n_vocab  # of one column: all that a draw needs; the passes compute all
    assert [(w.cached, w.uncached, w.slid) for w in formula] == [
        (s.multiply_adds - (w.new - 1) * logits, s.multiply_adds_uncached - (w.total - 1) * logits, s.slid)
        for s, w in zip(steps, formula, strict=True)
    ]
    assert [w.new for w in formula] == [3] + [1] * 9 + [12] * 4
    tape = PROMPT + tuple(tokens(steps))
    kept = cache.KVCache.of(MODEL.forward(tape[:7]))
    assert sum(cache.count(cache.step(MODEL.params, kept, tape[7]).trace).values()) == formula[5].cached


def test_a_narrow_window_is_the_same_model_with_fewer_places():
    small = story.narrow(MODEL, 5)
    text = (1, 2, 3, 4, 5)
    np.testing.assert_array_equal(small.forward(text)["logits"], MODEL.forward(text)["logits"])
    steps = story.Teller(small).tell(PROMPT, SETTINGS, 2, (), 6)
    assert [s.slid for s in steps] == [False] * 3 + [True] * 3
    assert all(len(s.context) <= 5 for s in steps)
    with pytest.raises(ValueError, match="places"):
        story.narrow(MODEL, 13)


def test_what_is_kept_is_right_until_the_window_slides():
    teller = story.Teller(MODEL)
    teller.tell(PROMPT, SETTINGS, 1, (), 6)
    read = given, tape = next((n, t) for n, t in teller.readings if len(t) == 8)
    assert given == len(PROMPT)
    assert 0 < teller.cache_error(tape, given) < 1e-4  # read with kept keys and values: equal but for rounding
    teller.readings[read] = story.Reading(teller.readings[read].logits + 0.5, teller.readings[read].attention)
    assert teller.cache_error(tape, given) > 0.4
    changes = story.shift_change(MODEL, range(9))
    assert len(changes) == 2 and min(changes) > 0.05
    still = dict(MODEL.params) | {"pos_embed.W_pos": np.zeros_like(MODEL.params["pos_embed.W_pos"])}
    unplaced = checkpoint.Model(CONFIG, still, "no places", {})
    assert story.shift_change(unplaced, range(9))[0] == pytest.approx(0, abs=1e-6)  # without places nothing moves


def test_a_nudge_moves_the_probability_and_not_the_token(tell):
    turn = tell(PROMPT, SETTINGS, 8, (), 3)[2]
    found = story.nudge(turn, SETTINGS, 1e-4)
    assert not found.moved and found.after > found.before
    assert (found.after - found.before) / 1e-4 == pytest.approx(found.slope, rel=1e-3)
    assert story.nudge(tell(PROMPT, SETTINGS, 8, ((0, 1),), 1)[0], SETTINGS) is None


@pytest.mark.parametrize(
    "settings", [SETTINGS, Settings(temperature=0.3), Settings(temperature=1, top_k=2), Settings(0)]
)
def test_the_margin_is_the_least_change_of_u_that_writes_another_token(settings):
    """Less of it, up or down, writes the same token; a little more, on one side, writes another, if any u does."""
    for turn in story.Teller(MODEL).tell(PROMPT, settings, 8, (), 9):
        margin = story.nudge(turn, settings).margin

        def written(u, turn=turn):
            return sampling.draw_at(turn.final, min(max(u, 0.0), np.nextafter(1, 0))).token

        u, less = turn.draw.u, min(margin, 1) * (1 - 1e-9)
        assert written(u - less) == written(u + less) == turn.token
        if margin < 1:
            assert {written(u - margin - 1e-9), written(u + margin)} != {turn.token}
        else:
            assert margin == np.inf and turn.final[turn.token] == 1


def test_log_probability_adds_up(tell):
    steps = tell(PROMPT, SETTINGS, 8, (), 4)
    assert story.log_probability(steps) == pytest.approx(np.log(np.prod([s.final[s.token] for s in steps])))


def test_the_tape_that_was_read_says_where_it_was_read():
    reading = story.Teller(MODEL).read((0, 1, 2, 3))
    assert reading.attention.shape == (2, 4)
    np.testing.assert_allclose(reading.attention.sum(axis=1), 1, atol=1e-5)


def test_the_drawn_stretch_is_among_those_that_are_laid_out(tell):
    for turn in tell(PROMPT, SETTINGS, 8, (), 6):
        found = {s.token: s for s in story.stretches(turn.final, 0.0)}
        assert (found[turn.token].low, found[turn.token].high) == (turn.draw.low, turn.draw.high)
        assert found[turn.token].low <= turn.draw.u < found[turn.token].high
        assert sum(s.high - s.low for s in found.values()) == pytest.approx(1)
        assert 1 <= story.equal_choices(turn) <= 40


def test_there_is_one_teller_for_each_window():
    whole = story.teller()
    assert whole is story.teller(None) is story.teller(whole.model.config.n_ctx)
    assert story.teller(20) is story.teller(20) is not whole
    assert story.teller(20).model.config.n_ctx == 20


def test_what_a_token_leaves_in_the_cache():
    trace = MODEL.forward((1, 2, 3))
    assert cache.KVCache.of(trace).numbers == 3 * story.kept_per_token(CONFIG)


def test_how_many_differ(tell):
    a, b = tell(PROMPT, SETTINGS, 8, (), 8), tell(PROMPT, SETTINGS, 8, ((3, 0),), 6)
    assert story.how_many_differ(a, a) == 0
    assert story.how_many_differ(a, b) == sum(x != y for x, y in zip(tokens(a)[:6], tokens(b), strict=True)) > 0


def test_when_time_is_up_a_story_ends_earlier_and_goes_on_from_there(tell):
    whole = story.Teller(MODEL).tell(PROMPT, SETTINGS, 5, (), 14)
    assert tokens(tell(PROMPT, SETTINGS, 5, (), 14, seconds=0)) == tokens(whole)[:1]
    assert tokens(tell(PROMPT, SETTINGS, 5, (), 14, seconds=0)) == tokens(whole)[:2]
    assert tokens(tell(PROMPT, SETTINGS, 5, (), 14)) == tokens(whole)
    assert tokens(tell(PROMPT, SETTINGS, 5, (), 14, seconds=0)) == tokens(whole)  # nothing left to do


def test_what_fits_into_a_window_is_read_once_for_all_windows(monkeypatch):
    whole = story.Teller(MODEL)
    whole.tell(PROMPT, SETTINGS, 5, (), 9)
    lengths = []
    real = story.forward
    monkeypatch.setattr(story, "forward", lambda p, t, c: lengths.append(len(t)) or real(p, t, c))
    narrow = story.Teller(story.narrow(MODEL, 8), whole=whole).tell(PROMPT, SETTINGS, 5, (), 9)
    alone = story.Teller(story.narrow(MODEL, 8)).tell(PROMPT, SETTINGS, 5, (), 9)
    assert tokens(narrow) == tokens(alone)
    for a, b in zip(narrow, alone, strict=True):
        np.testing.assert_allclose(a.logits, b.logits, atol=1e-5)
    # ours, where the tape does not fit any more; the lonely one's, from the prompt on
    assert lengths == [8, 8, 8, 3, 8, 8, 8]

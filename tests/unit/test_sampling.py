"""Temperature in both limits, the cuts, the draw, the loop, and what is measured about repetition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.config import Config
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import entropy
from explainer.kernel.sampling import (
    Settings,
    choose,
    cumulative,
    distinct_n,
    distribution,
    draw,
    draw_at,
    filters,
    find_loop,
    generate,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    loop,
    rng_for_step,
)
from tests.tiny import parse, random_params

CONFIG = Config(n_layers=2, n_heads=2, d_model=8, d_head=4, d_mlp=16, n_vocab=13, n_ctx=12)
MODEL = Model(CONFIG, random_params(CONFIG, 3))

finite = st.floats(-(2.0**100), 2.0**100, width=32)
logit_lists = st.lists(finite, min_size=1, max_size=40).map(lambda values: np.array(values, dtype=np.float32))


# ---------------------------------------------------------------- temperature


@settings(max_examples=300, deadline=None)
@given(logit_lists, st.one_of(st.floats(0, 1e308), st.just(math.inf), st.floats(0, 1e-300)))
def test_any_logits_at_any_temperature_make_a_distribution(logits, temperature):
    probs = distribution(logits, temperature)  # warnings are errors: no overflow, no nan
    assert np.isfinite(probs).all()
    assert (probs >= 0).all()
    assert probs.sum() == pytest.approx(1, abs=1e-12)
    order = np.argsort(logits, kind="stable")
    assert (np.diff(probs[order]) >= 0).all()  # a larger logit never gets less


@given(logit_lists)
def test_the_limit_of_zero_is_argmax_with_ties_shared(logits):
    probs = distribution(logits, 0)
    best = logits == logits.max()
    np.testing.assert_array_equal(probs, best / best.sum())


@given(logit_lists)
def test_the_limit_of_infinity_is_uniform(logits):
    np.testing.assert_array_equal(distribution(logits, math.inf), np.full(len(logits), 1 / len(logits)))


def test_the_limits_are_limits():
    logits = np.array([1.0, 3.0, 3.0, -2.0], dtype=np.float32)
    np.testing.assert_allclose(distribution(logits, 1e-9), distribution(logits, 0), atol=1e-12)
    np.testing.assert_allclose(distribution(logits, 5e-324), distribution(logits, 0), atol=1e-12)
    np.testing.assert_allclose(distribution(logits, 1e9), distribution(logits, math.inf), atol=1e-8)
    np.testing.assert_array_equal(distribution(logits, 0), [0, 0.5, 0.5, 0])


def test_a_temperature_divides_the_logits():
    logits = np.array([20.0, 19.0, 10.0])
    np.testing.assert_allclose(distribution(logits, 0.5), distribution(np.array([40.0, 38.0, 20.0]), 1), rtol=1e-12)
    probs = distribution(logits, 0.7)
    assert math.log(probs[0] / probs[1]) == pytest.approx(1 / 0.7)


def test_impossible_tokens_stay_impossible():
    logits = np.array([0.0, -np.inf, 1.0])
    for temperature in (0, 0.01, 1, 100, math.inf):
        assert distribution(logits, temperature)[1] == 0
    np.testing.assert_array_equal(distribution(logits, math.inf), [0.5, 0, 0.5])


@pytest.mark.parametrize("temperature", [-0.1, math.nan, -math.inf])
def test_impossible_temperatures_are_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        distribution(np.zeros(3), temperature)


@pytest.mark.parametrize("logits", [[-np.inf], [np.nan, 1], [], [[1.0]], [np.inf, 0]])
def test_impossible_logits_are_refused(logits):
    with pytest.raises(ValueError, match="logits"):
        distribution(np.array(logits), 1)


def test_the_entropy_grows_with_the_temperature():
    logits = np.random.default_rng(0).standard_normal(50)
    values = [entropy(distribution(logits, t)) for t in (0, 0.1, 0.5, 1, 2, 10, math.inf)]
    assert values == sorted(values)
    assert values[0] == 0
    assert values[-1] == pytest.approx(math.log(50))


# ---------------------------------------------------------------- cuts

PROBS = np.array([0.05, 0.4, 0.3, 0.2, 0.05])


def test_each_cut_keeps_what_it_says():
    np.testing.assert_array_equal(keep_top_k(PROBS, 2), [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(keep_top_k(PROBS, 4), [1, 1, 1, 1, 0])  # a tie: the smaller id
    np.testing.assert_array_equal(keep_top_k(PROBS, 99), [1, 1, 1, 1, 1])
    np.testing.assert_array_equal(keep_top_p(PROBS, 0), [0, 1, 0, 0, 0])
    np.testing.assert_array_equal(keep_top_p(PROBS, 0.4), [0, 1, 0, 0, 0])  # exactly enough
    np.testing.assert_array_equal(keep_top_p(PROBS, 0.41), [0, 1, 1, 0, 0])
    np.testing.assert_array_equal(keep_top_p(PROBS, 1), [1, 1, 1, 1, 1])
    np.testing.assert_array_equal(keep_min_p(PROBS, 0.5), [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(keep_min_p(PROBS, 0), [1, 1, 1, 1, 1])
    np.testing.assert_array_equal(keep_min_p(PROBS, 1), [0, 1, 0, 0, 0])


def test_among_many_equals_the_smaller_ids_are_kept():
    probs = np.full(1000, 0.001)
    probs[[400, 700]] = 0.002
    kept = np.flatnonzero(keep_top_k(probs / probs.sum(), 12))
    assert kept.tolist() == [*range(10), 400, 700]


def test_cuts_are_applied_in_the_stated_order_each_on_what_is_left():
    steps = filters(PROBS, min_p=0.6, top_p=0.75, top_k=3)
    assert [step.name for step in steps] == ["top-k", "top-p", "min-p"]
    assert [step.setting for step in steps] == [3, 0.75, 0.6]
    np.testing.assert_allclose(steps[0].probs, [0, 4 / 9, 3 / 9, 2 / 9, 0])
    assert steps[0].removed == pytest.approx(0.1)
    # top-p sees 4/9 + 3/9 = 0.78 >= 0.75; on the original distribution it would have needed three tokens
    np.testing.assert_array_equal(steps[1].kept, [0, 1, 1, 0, 0])
    np.testing.assert_allclose(steps[1].probs, [0, 4 / 7, 3 / 7, 0, 0])
    np.testing.assert_array_equal(steps[2].kept, [0, 1, 1, 0, 0])  # 3/4 >= 0.6
    assert [step.n_kept for step in steps] == [3, 2, 2]
    assert filters(PROBS) == ()


def test_at_infinity_the_cuts_keep_whom_they_keep_at_every_finite_temperature():
    logits = np.array([0.0, 2.0, 1.0, 3.0, -1.0], dtype=np.float32)
    for t in (1.0, 100.0, math.inf):
        _, cuts, _ = choose(logits, Settings(t, 2))
        assert np.flatnonzero(cuts[0].kept).tolist() == [1, 3], t
    _, cuts, _ = choose(logits, Settings(math.inf, None, 0.5))
    assert np.flatnonzero(cuts[0].kept).tolist() == [1, 2, 3]


@settings(max_examples=200, deadline=None)
@given(
    logit_lists,
    st.sampled_from([0, 0.3, 1, 5, math.inf]),
    st.none() | st.integers(1, 50),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(0, 1),
)
def test_any_cuts_leave_a_distribution_with_the_most_likely_token(logits, temperature, top_k, top_p, min_p):
    probs, cuts, final = choose(logits, Settings(temperature, top_k, top_p, min_p))
    assert final.sum() == pytest.approx(1, abs=1e-9)
    assert final[logits.argmax()] > 0  # the one that leads at every finite temperature, where T = inf ties them all
    for cut in cuts:
        assert cut.n_kept >= 1
        assert (cut.probs[~cut.kept] == 0).all()
        assert 0 <= cut.removed <= 1
    kept = final > 0
    if kept.sum() > 1:  # renormalising keeps the odds between what is kept
        ratio = final[kept] / probs[kept]
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


@pytest.mark.parametrize("cuts", [{"top_k": 0}, {"top_k": 1.5}, {"top_p": -0.1}, {"top_p": 1.1}, {"min_p": 2}])
def test_impossible_cuts_are_refused(cuts):
    with pytest.raises(ValueError, match=r"top-k|top-p|min-p"):
        filters(PROBS, **cuts)


# ---------------------------------------------------------------- the draw


@given(st.floats(0, 1, exclude_max=True), logit_lists)
def test_a_draw_falls_on_its_tokens_stretch(u, logits):
    probs = distribution(logits)
    drawn = draw_at(probs, u)
    assert drawn.low <= u < drawn.high
    assert probs[drawn.token] > 0
    assert drawn.high == cumulative(probs)[drawn.token]
    assert drawn.high - drawn.low == pytest.approx(probs[drawn.token], abs=1e-9)


def test_the_largest_number_below_one_is_on_somebodys_stretch():
    probs = np.array([0.1] * 10 + [0.0])  # whose running sum does not end at exactly 1
    assert draw_at(probs, np.nextafter(1, 0)).token == 9
    assert draw_at(np.array([0.0, 1.0]), 0.0).token == 1
    with pytest.raises(ValueError, match="less than 1"):
        draw_at(probs, 1.0)


def test_chance_enters_only_at_the_draw_and_is_seeded():
    probs = distribution(np.random.default_rng(0).standard_normal(20))
    first = [draw(probs, np.random.default_rng(5)) for _ in range(3)]
    assert first[0] == first[1] == first[2]
    assert first[0].u == np.random.default_rng(5).random()


def test_many_draws_approach_the_distribution():
    probs = distribution(np.random.default_rng(0).standard_normal(20))
    rng = np.random.default_rng(1)
    counts = np.bincount([draw(probs, rng).token for _ in range(20_000)], minlength=20)
    # chi-square with 19 degrees of freedom exceeds 50 with probability 1e-4; the seed is fixed
    assert ((counts - 20_000 * probs) ** 2 / (20_000 * probs)).sum() < 50


def test_a_steps_number_does_not_depend_on_earlier_draws():
    assert rng_for_step(4, 2).random() == rng_for_step(4, 2).random()
    assert len({rng_for_step(seed, step).random() for seed in range(5) for step in range(5)}) == 25


# ---------------------------------------------------------------- the loop


def test_generation_is_what_its_parts_say():
    steps = generate(MODEL, [1, 2, 3], 6, temperature=0.8, top_k=5, rng=11)
    tokens = [1, 2, 3]
    for i, step in enumerate(steps):
        assert step.index == i
        assert step.context == tuple(tokens)
        logits = forward(MODEL.params, tokens, CONFIG)["logits"][-1]
        np.testing.assert_allclose(step.logits, logits, atol=1e-5)
        _, _, final = choose(step.logits, Settings(0.8, 5))
        np.testing.assert_array_equal(step.final, final)
        assert step.draw == draw(final, rng_for_step(11, i))
        assert step.token == step.draw.token
        assert step.entropy == pytest.approx(float(entropy(final)))
        tokens.append(step.token)
    assert generate(MODEL, [1], 0) == []


def test_with_and_without_cache_the_same_is_written_also_when_the_window_slides():
    kwargs = {"n": 25, "temperature": 1.3, "rng": 2}
    cached = generate(MODEL, [1, 2, 3], **kwargs)
    plain = generate(MODEL, [1, 2, 3], use_cache=False, **kwargs)
    assert [step.token for step in cached] == [step.token for step in plain]
    assert [step.context for step in cached] == [step.context for step in plain]
    assert [step.slid for step in cached] == [step.slid for step in plain]
    assert [step.slid for step in cached].index(True) == 10  # 3 + 10 = 13 tokens do not fit into 12 places
    for a, b in zip(cached, plain, strict=True):
        np.testing.assert_allclose(a.logits, b.logits, atol=1e-5)
        assert len(a.context) <= CONFIG.n_ctx
        assert a.multiply_adds_uncached == b.multiply_adds == b.multiply_adds_uncached
        assert (a.multiply_adds < b.multiply_adds) == (not a.slid and a.index > 0)


@pytest.mark.parametrize("drop", [4, 12])
def test_dropping_more_at_once_makes_full_steps_rarer(drop):
    cached = generate(MODEL, [1, 2, 3], 30, rng=2, drop=drop)
    plain = generate(MODEL, [1, 2, 3], 30, rng=2, drop=drop, use_cache=False)
    assert [step.token for step in cached] == [step.token for step in plain]
    assert [step.context for step in cached] == [step.context for step in plain]
    slid = [step.index for step in cached if step.slid]
    assert slid == list(range(10, 30, drop))
    assert [len(cached[i].context) for i in slid] == [13 - drop] * len(slid)
    one = generate(MODEL, [1, 2, 3], 30, rng=2)
    assert sum(step.multiply_adds for step in cached) < sum(step.multiply_adds for step in one) / 2
    with pytest.raises(ValueError, match="can be dropped"):
        generate(MODEL, [1], 3, drop=13)


def test_words_can_be_put_in_its_mouth():
    steps = generate(MODEL, [1, 2], 4, rng=0, forced={1: 9})
    assert steps[1].token == 9
    assert steps[1].draw is None
    assert steps[2].context == (1, 2, steps[0].token, 9)
    free = generate(MODEL, [1, 2], 4, rng=0)
    assert steps[0].token == free[0].token
    assert steps[3].draw.u == free[3].draw.u  # the same chance, whatever was written before


def test_generation_stops_at_the_stop_token():
    steps = generate(MODEL, [1, 2], 50, temperature=2, rng=0)
    stop = steps[4].token
    until = generate(MODEL, [1, 2], 50, temperature=2, rng=0, stop=stop)
    assert [step.token for step in until] == [step.token for step in steps][: len(until)]
    assert until[-1].token == stop
    assert stop not in [step.token for step in until[:-1]]


def test_a_long_prompt_is_cut_to_the_window_and_that_is_said():
    (step,) = generate(MODEL, [i % 13 for i in range(20)], 1)
    assert step.context == tuple(i % 13 for i in range(8, 20))
    assert step.slid


def test_an_explicit_generator_is_used_in_order():
    steps = generate(MODEL, [1], 3, rng=np.random.default_rng(8))
    expected = np.random.default_rng(8).random(3)
    assert [step.draw.u for step in steps] == list(expected)


def test_without_a_mask_nothing_is_cached():
    steps = generate(MODEL, [1, 2], 4, rng=0, interventions=parse("no causal mask"))
    for step in steps:
        logits = forward(MODEL.params, step.context, CONFIG, parse("no causal mask"))["logits"][-1]
        np.testing.assert_array_equal(step.logits, logits)
        assert step.multiply_adds == step.multiply_adds_uncached


def test_the_loop_can_be_stopped_at_any_time():
    turns = loop(MODEL, [1, 2])
    assert [next(turns).index for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="at least one token"):
        next(loop(MODEL, []))


# ---------------------------------------------------------------- repetition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcabcabcabc", (0, 3, 4, "abc")),
        ("xyzabababababab", (3, 2, 6, "ab")),
        ("qqaaaaaaaa", (2, 1, 8, "a")),
        ("hello", None),
        ("aaa", None),  # too short to be called a loop
        ("abcabc", None),
        ("xabcdabcdabcdab", (1, 4, 3, "abcd")),  # the last round is not complete
        ("abcabcabcabcx", None),  # it has left the loop
        ("", None),
    ],
)
def test_the_loop_at_the_end_is_found(text, expected):
    found = find_loop([ord(letter) for letter in text])
    if expected is None:
        assert found is None
    else:
        assert (found.start, found.period, found.repeats, "".join(map(chr, found.cycle))) == expected


@given(st.lists(st.integers(0, 3), max_size=12), st.lists(st.integers(0, 3), min_size=1, max_size=5), st.integers(3, 6))
def test_a_planted_loop_is_found(prefix, cycle, repeats):
    text = prefix + cycle * repeats
    found = find_loop(text, min_length=1)
    assert found is not None
    assert len(cycle) % found.period == 0 or found.period < len(cycle)
    assert all(text[i] == text[i + found.period] for i in range(found.start, len(text) - found.period))
    assert found.start == 0 or text[found.start - 1] != text[found.start - 1 + found.period]
    shorter = (p for p in range(1, found.period) if repeats_at_end(text, p) >= 3 * p)
    assert next(shorter, None) is None


def repeats_at_end(text, period):
    """How long the text's end with this period is."""
    i = len(text) - 1
    while i - period >= 0 and text[i] == text[i - period]:
        i -= 1
    return len(text) - 1 - i + period


def test_distinct_n():
    assert distinct_n([1, 2, 3, 4], 1) == 1
    assert distinct_n([1, 1, 1, 1], 1) == 0.25
    assert distinct_n([1, 2, 1, 2, 1], 2) == 0.5
    assert math.isnan(distinct_n([1], 2))
    with pytest.raises(ValueError, match="at least 1"):
        distinct_n([1], 0)


def test_top_p_of_one_keeps_everything_possible():
    """Also what is so unlikely that the sum is 1 before it comes."""
    probs = np.array([1.0, 1e-20, 0.0])
    assert keep_top_p(probs, 1).tolist() == [True, True, False]
    assert keep_top_p(probs, 0.999).tolist() == [True, False, False]

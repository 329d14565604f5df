"""A cached step equals the full pass, and its work is what the formula says: counted in two other ways."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.cache import KVCache, count, multiply_adds, multiply_adds_by_kind, step
from explainer.kernel.config import Config
from explainer.kernel.gradients import backward
from explainer.kernel.model import forward
from tests.tiny import parse, random_params

CONFIG = Config(n_layers=2, n_heads=3, d_model=12, d_head=5, d_mlp=20, n_vocab=17, n_ctx=10)
PARAMS = random_params(CONFIG, 7)
TEXT = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, CONFIG.n_vocab - 1), min_size=2, max_size=CONFIG.n_ctx), st.data())
def test_a_cached_column_equals_the_full_pass_in_every_record(tokens, data):
    known = data.draw(st.integers(0, len(tokens) - 1))
    cache = KVCache.of(forward(PARAMS, tokens[:known], CONFIG)) if known else KVCache.empty(CONFIG)
    for token in tokens[known:]:
        turn = step(PARAMS, cache, token)
        cache = turn.cache
    full = forward(PARAMS, tokens, CONFIG)
    assert list(turn.trace) == list(full)
    for key in full:
        axes = full.axes(key).split()
        expected = full[key]
        if "T" in axes:
            expected = np.take(expected, [-1], axis=axes.index("T"))
        np.testing.assert_allclose(turn.trace[key], expected, atol=1e-5, rtol=1e-5, err_msg=key)
    np.testing.assert_array_equal(turn.logits, turn.trace["logits"][0])
    assert cache.tokens == tuple(tokens)


def test_in_float64_cached_and_full_agree_to_rounding():
    params = {name: value.astype(np.float64) for name, value in PARAMS.items()}
    cache = KVCache.of(forward(params, TEXT[:-1], CONFIG))
    logits = step(params, cache, TEXT[-1]).logits
    np.testing.assert_allclose(logits, forward(params, TEXT, CONFIG)["logits"][-1], atol=1e-13)


@pytest.mark.parametrize("words", ["head 1.0 off", "uniform attention", "no sqrt(d)", "no positions; head 0.1 off"])
def test_caching_works_under_causal_interventions(words):
    edits = parse(words)
    cache = KVCache.of(forward(PARAMS, TEXT[:4], CONFIG, edits))
    logits = step(PARAMS, cache, TEXT[4], edits).logits
    np.testing.assert_allclose(logits, forward(PARAMS, TEXT[:5], CONFIG, edits)["logits"][-1], atol=1e-5)


@pytest.mark.parametrize("words", ["no causal mask", "zero blocks.0.mlp_out at 1", "head 0.1 off; no causal mask"])
def test_caching_is_refused_where_it_would_be_wrong(words):
    cache = KVCache.of(forward(PARAMS, TEXT[:4], CONFIG))
    with pytest.raises(ValueError, match="earlier columns change"):
        step(PARAMS, cache, TEXT[4], parse(words))


def test_a_full_context_slides_and_says_so():
    cache = KVCache.of(forward(PARAMS, TEXT, CONFIG))
    assert cache.full
    turn = step(PARAMS, cache, 7)
    assert turn.slid
    assert turn.cache.tokens == (*TEXT[1:], 7)
    assert len(turn.cache) == CONFIG.n_ctx
    np.testing.assert_array_equal(turn.logits, forward(PARAMS, [*TEXT[1:], 7], CONFIG)["logits"][-1])
    assert turn.multiply_adds == turn.multiply_adds_uncached == multiply_adds(CONFIG, CONFIG.n_ctx, CONFIG.n_ctx)
    assert not step(PARAMS, KVCache.of(forward(PARAMS, TEXT[:-1], CONFIG)), 7).slid


def test_keeping_the_old_columns_after_sliding_would_be_wrong():
    """Why everything is computed anew: each place has its own position vector."""
    before = forward(PARAMS, TEXT, CONFIG)["blocks.0.attn.k"][1:]
    after = forward(PARAMS, [*TEXT[1:], 7], CONFIG)["blocks.0.attn.k"][:-1]
    assert np.abs(before - after).max() > 0.1


def test_a_cache_is_not_changed_by_a_step():
    cache = KVCache.of(forward(PARAMS, TEXT[:3], CONFIG))
    first = step(PARAMS, cache, 5)
    step(PARAMS, cache, 6)
    again = step(PARAMS, cache, 5)
    assert cache.tokens == tuple(TEXT[:3])
    np.testing.assert_array_equal(first.logits, again.logits)
    with pytest.raises(ValueError, match="read-only"):
        cache.rows["blocks.0.attn.k"][0, 0, 0] = 1


def test_a_step_from_a_cache_has_no_gradient():
    turn = step(PARAMS, KVCache.of(forward(PARAMS, TEXT[:3], CONFIG)), 5)
    with pytest.raises(ValueError, match="cache"):
        backward(turn.trace, PARAMS, positions=[0], targets=[1])


# ---------------------------------------------------------------- counting


class Counting(np.ndarray):
    """An array that counts the multiply-adds of every matrix product that it takes part in."""

    total = 0
    __array_priority__ = 10  # what is joined with one stays one

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        plain = [np.asarray(x) for x in inputs]
        kwargs.pop("out", None)
        result = getattr(ufunc, method)(*plain, **kwargs)
        if ufunc is np.matmul:
            Counting.total += result.size * plain[0].shape[-1]
        return result.view(Counting) if isinstance(result, np.ndarray) else result


def counted(run) -> int:
    Counting.total = 0
    run({name: np.array(value).view(Counting) for name, value in PARAMS.items()})
    return Counting.total


@pytest.mark.parametrize("n", [1, 2, 7, 10])
def test_three_counts_of_a_full_pass_agree(n):
    trace = forward(PARAMS, TEXT[:n], CONFIG)
    formula = multiply_adds_by_kind(CONFIG, n, n)
    assert count(trace) == formula
    assert counted(lambda params: forward(params, TEXT[:n], CONFIG)) == sum(formula.values()) > 0


@pytest.mark.parametrize("n", [0, 1, 6, 9])
def test_three_counts_of_a_cached_step_agree(n):
    cache = KVCache.of(forward(PARAMS, TEXT[:n], CONFIG)) if n else KVCache.empty(CONFIG)
    turn = step(PARAMS, cache, 2)
    formula = multiply_adds(CONFIG, 1, n + 1)
    assert turn.multiply_adds == formula == sum(count(turn.trace).values())
    assert turn.multiply_adds_uncached == multiply_adds(CONFIG, n + 1, n + 1)
    assert counted(lambda params: step(params, cache, 2)) == formula


def test_the_saving_grows_with_the_text():
    assert multiply_adds(CONFIG, 1, 9) * 5 < multiply_adds(CONFIG, 9, 9)
    assert multiply_adds(CONFIG, 1, 1) == multiply_adds(CONFIG, 1, 1)
    assert KVCache.of(forward(PARAMS, TEXT[:4], CONFIG)).numbers == 2 * CONFIG.n_layers * 4 * 3 * 5


def test_a_cache_of_another_text_is_refused():
    """A trace that was started behind three tokens belongs to a cache of three tokens, and to no other."""
    text = (3, 1, 4, 1)
    three = KVCache.of(forward(PARAMS, text[:3], CONFIG))
    four = KVCache.of(forward(PARAMS, text[:4], CONFIG))
    behind_three = step(PARAMS, three, text[3]).trace
    assert KVCache.of(behind_three, three).tokens == text
    for wrong in (None, four):
        with pytest.raises(ValueError, match="another cache"):
            KVCache.of(behind_three, wrong)


# ---------------------------------------------------------------- forged keys and values


def test_a_later_column_reads_keys_and_values_and_not_tokens():
    """With all columns forged the next token is read as if behind the other text; the tokens stay what they are."""
    text, other = TEXT[:5], [8, 8, 2, 0, 7]
    own, theirs = (KVCache.of(forward(PARAMS, tokens, CONFIG)) for tokens in (text, other))
    forged = own.forged(theirs, range(5))
    assert forged.tokens == tuple(text) and forged.numbers == own.numbers
    np.testing.assert_array_equal(step(PARAMS, forged, 4).logits, step(PARAMS, theirs, 4).logits)
    for key, row in own.forged(theirs, [1, 3], layers=[1]).rows.items():
        expected = own.rows[key].copy()
        if key.startswith("blocks.1."):
            expected[[1, 3]] = theirs.rows[key][[1, 3]]
        np.testing.assert_array_equal(row, expected)
    np.testing.assert_array_equal(step(PARAMS, own.forged(own, range(5)), 4).logits, step(PARAMS, own, 4).logits)


@pytest.mark.parametrize(("columns", "layers"), [([3], None), ([-1], None), ([0], [2]), ([0], [-1])])
def test_what_is_not_there_cannot_be_forged(columns, layers):
    own, theirs = (KVCache.of(forward(PARAMS, TEXT[:n], CONFIG)) for n in (5, 3))
    with pytest.raises(ValueError, match="columns are 0 to 2 and layers 0 to 1"):
        own.forged(theirs, columns, layers)

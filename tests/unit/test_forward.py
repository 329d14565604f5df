"""The forward pass against three references (loops, golden torch, live torch), and what must hold of any trace."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.config import Config
from explainer.kernel.model import (
    Model,
    direct_logit_contributions,
    forward,
    logit_lens,
    plan,
    residual_parts,
    stream_keys,
)
from explainer.kernel.trace import AXES, Recorder, Trace
from tests import with_torch
from tests.golden import make
from tests.tiny import random_params
from tests.unit import oracle

CONFIG = make.CONFIG
PARAMS = random_params(CONFIG, make.SEED)
TOKENS = make.TOKENS


def as64(params):
    return {name: value.astype(np.float64) for name, value in params.items()}


@pytest.fixture(scope="module")
def trace() -> Trace:
    return forward(PARAMS, TOKENS, CONFIG)


@pytest.fixture(scope="module")
def golden():
    with np.load(make.PATH) as file:
        return dict(file)


# ---------------------------------------------------------------- references


def test_every_intermediate_equals_the_loops(trace):
    expected = oracle.run(
        {k: v.astype(np.float64).tolist() for k, v in PARAMS.items()}, TOKENS, dataclasses.asdict(CONFIG)
    )
    assert set(expected) == set(trace)
    for key in trace:
        np.testing.assert_allclose(trace[key], expected[key], atol=1e-5, rtol=1e-5, err_msg=key)


def test_in_float64_the_loops_agree_to_rounding():
    expected = oracle.run(
        {k: v.astype(np.float64).tolist() for k, v in PARAMS.items()}, TOKENS, dataclasses.asdict(CONFIG)
    )
    trace = forward(as64(PARAMS), TOKENS, CONFIG)
    for key in trace:
        np.testing.assert_allclose(trace[key], expected[key], atol=1e-12, rtol=1e-12, err_msg=key)
        assert trace[key].dtype in (np.float64, np.int64), key


def test_every_intermediate_equals_the_golden_trace(golden):
    params = {name[6:]: value for name, value in golden.items() if name.startswith("param/")}
    assert list(params) == list(CONFIG.parameter_shapes)
    trace = forward(params, golden["tokens"], CONFIG)
    assert {f"act/{key}" for key in trace} == {name for name in golden if name.startswith("act/")}
    for key in trace:
        np.testing.assert_allclose(trace[key], golden[f"act/{key}"], atol=1e-5, rtol=0, err_msg=key)


def test_the_golden_file_is_what_torch_says_today(golden):
    pytest.importorskip("torch", reason=with_torch.WHY)
    fresh = make.make()
    assert list(fresh) == list(golden)
    assert fresh.pop("made_by") == golden["made_by"]
    for name, value in fresh.items():
        # releases of torch add up in other orders: some float32 steps of the largest number of a record
        largest = np.abs(golden[name], where=np.isfinite(golden[name]), out=np.zeros(np.shape(golden[name]))).max()
        steps = 8 * np.finfo(np.float32).eps * largest
        np.testing.assert_allclose(value, golden[name], atol=max(1e-6, steps), rtol=1e-5, err_msg=name)


def test_the_model_that_is_trained_is_the_model_that_is_shown():
    torch = pytest.importorskip("torch", reason=with_torch.WHY)
    from explainer.training import torch_model

    config = Config(n_layers=2, n_heads=4, d_model=16, d_head=4, d_mlp=64, n_vocab=30, n_ctx=12)
    params = random_params(config, 5)
    tokens = [1, 2, 3, 29, 4, 1, 2]
    trained = torch_model.TorchTransformer.from_params(params, config)
    with torch.no_grad():
        expected = trained(torch.tensor([tokens]))[0].numpy()
    np.testing.assert_allclose(forward(params, tokens, config)["logits"], expected, atol=1e-5, rtol=0)


# ---------------------------------------------------------------- the record


def block_keys(layer):
    b = f"blocks.{layer}."
    inside = (
        "resid_pre ln1.mean ln1.scale ln1.normalized attn.q attn.k attn.v attn.attn_scores_raw attn.attn_scores_scaled "
        "attn.attn_scores attn.pattern attn.z attn.result attn_out resid_mid ln2.mean ln2.scale ln2.normalized "
        "mlp.pre mlp.post mlp_out resid_post"
    )
    return [b + name for name in inside.split()]


def test_the_complete_list_of_keys_in_order(trace):
    expected = ["tokens", "positions", "embed", "pos_embed", *block_keys(0), *block_keys(1)]
    expected += ["ln_final.mean", "ln_final.scale", "ln_final.normalized", "logits"]
    assert list(trace) == expected
    assert list(plan(CONFIG)) == expected


def test_the_plan_says_what_the_pass_does(trace):
    for key, planned in plan(CONFIG).items():
        made = trace.record(key)
        for name in ("axes", "function", "inputs", "weights", "constants"):
            assert getattr(planned, name) == getattr(made, name), (key, name)


def test_axes_are_from_the_glossary_and_never_used_twice_in_a_record(trace):
    sizes = CONFIG.axes | {"T": len(TOKENS), "S": len(TOKENS)}
    for key in trace:
        axes = trace.axes(key).split()
        assert len(set(axes)) == len(axes)
        assert set(axes) <= set(AXES)
        assert trace[key].shape == tuple(sizes[axis] for axis in axes)


def test_provenance_is_true(trace):
    """Each record is what its function makes of its inputs, and each input was there before."""
    before: set[str] = set()
    used = set()
    for key in trace:
        record = trace.record(key)
        assert set(record.inputs) <= before
        before.add(key)
        used |= set(record.weights)
        if record.function is not None:
            again = record.function(
                *[trace[name] for name in record.inputs], *[PARAMS[name] for name in record.weights], **record.constants
            )
            np.testing.assert_array_equal(again, trace[key], err_msg=key)
    assert used == set(PARAMS)


def test_a_trace_cannot_be_changed(trace):
    for key in trace:
        with pytest.raises(ValueError, match="read-only"):
            trace[key][(0,) * trace[key].ndim] = 1
        assert trace[key].base is None or not trace[key].base.flags.writeable, key
    with pytest.raises(TypeError):
        trace["logits"] = trace["logits"]
    with pytest.raises(AttributeError):
        trace.tokens = ()
    with pytest.raises(AttributeError):
        del trace.config
    with pytest.raises(AttributeError):
        trace.record("logits").value = None


def test_a_pass_leaves_the_callers_arrays_alone():
    params = {name: value.copy() for name, value in PARAMS.items()}
    tokens = np.array(TOKENS)
    forward(params, tokens, CONFIG)
    assert tokens.flags.writeable
    assert all(value.flags.writeable for value in params.values())


def test_a_wrong_key_is_answered_with_the_right_ones(trace):
    with pytest.raises(KeyError, match=r"blocks\.0\.attn\.pattern"):
        trace["pattern"]
    assert "pattern" not in trace
    assert trace.get("pattern") is None


def test_a_record_of_another_shape_is_refused():
    compute = Recorder(PARAMS, TOKENS, CONFIG)
    with pytest.raises(ValueError, match=r"embed should be \[T V\] = \[8, 17\] but is \[8, 12\]"):
        compute("embed", lambda tokens, table: table[tokens], "T V", ("tokens",), ("embed.W_E",))


def test_everything_is_float32(trace):
    for key in trace:
        assert trace[key].dtype == (np.int64 if key in ("tokens", "positions") else np.float32), key


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([], "at least one token"),
        ([[1, 2]], "at least one token"),
        ([1, 17], "token 17 is not one of the 17"),
        ([-1], "token -1"),
        ([0.5], "whole numbers"),
        ([1] * 11, "10 learned positions"),
    ],
)
def test_impossible_texts_are_refused_in_words(tokens, words):
    with pytest.raises(ValueError, match=words):
        forward(PARAMS, tokens, CONFIG)


# ---------------------------------------------------------------- what must hold


texts = st.lists(st.integers(0, CONFIG.n_vocab - 1), min_size=1, max_size=CONFIG.n_ctx)


@settings(max_examples=25, deadline=None)
@given(texts)
def test_attention_is_a_distribution_over_the_past(tokens):
    trace = forward(PARAMS, tokens, CONFIG)
    later = np.triu(np.ones((len(tokens), len(tokens)), dtype=bool), k=1)
    for layer in range(CONFIG.n_layers):
        pattern = trace[f"blocks.{layer}.attn.pattern"]
        np.testing.assert_allclose(pattern.sum(axis=-1), 1, atol=1e-6)
        assert (pattern >= 0).all()
        assert (pattern[:, later] == 0).all()
        assert np.isneginf(trace[f"blocks.{layer}.attn.attn_scores"][:, later]).all()


@settings(max_examples=25, deadline=None)
@given(texts.filter(lambda text: len(text) > 1), st.data())
def test_nothing_leaks_from_later_tokens(tokens, data):
    at = data.draw(st.integers(1, len(tokens) - 1))
    changed = list(tokens)
    changed[at] = (tokens[at] + data.draw(st.integers(1, CONFIG.n_vocab - 1))) % CONFIG.n_vocab
    before, after = forward(PARAMS, tokens, CONFIG), forward(PARAMS, changed, CONFIG)
    for key in before:
        axes = before.axes(key).split()
        axis = axes.index("T" if "T" in axes else "S")
        if key.endswith(("scores_raw", "scores_scaled")):
            continue  # pairs with later keys are compared before they are masked
        old, new = (np.take(table[key], range(at), axis=axis) for table in (before, after))
        np.testing.assert_array_equal(old, new, err_msg=key)  # exactly
    assert (before["logits"][at] != after["logits"][at]).any()


@settings(max_examples=25, deadline=None)
@given(texts, st.data())
def test_contributions_sum_to_the_logit(tokens, data):
    trace = forward(PARAMS, tokens, CONFIG)
    position = data.draw(st.integers(0, len(tokens) - 1))
    token = data.draw(st.integers(0, CONFIG.n_vocab - 1))
    parts = direct_logit_contributions(trace, PARAMS, position, token)
    assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][position, token]), abs=1e-5)
    assert [part.name for part in parts] == [
        *("token", "place"),
        *("head 0.0", "head 0.1", "head 0.2", "attention bias 0", "mlp 0"),
        *("head 1.0", "head 1.1", "head 1.2", "attention bias 1", "mlp 1"),
        "final bias",
    ]


def test_the_parts_sum_to_the_stream(trace):
    total = sum(vector for *_, vector in residual_parts(trace, PARAMS, 4))
    np.testing.assert_allclose(total, trace["blocks.1.resid_post"][4], atol=1e-5)


def test_the_lens_ends_at_the_logits(trace):
    lens = logit_lens(trace, PARAMS)
    assert lens.shape == (3, len(TOKENS), CONFIG.n_vocab)
    np.testing.assert_array_equal(lens[-1], trace["logits"])
    fine = logit_lens(trace, PARAMS, sublayers=True)
    assert fine.shape[0] == 5 == len(stream_keys(CONFIG, sublayers=True))
    np.testing.assert_array_equal(fine[::2], lens)
    assert np.abs(fine[1] - fine[0]).max() > 0.1


def test_a_model_is_its_forward_pass(trace):
    model = Model(CONFIG, PARAMS, "small")
    np.testing.assert_array_equal(model.forward(TOKENS)["logits"], trace["logits"])
    assert model.n_params == sum(value.size for value in PARAMS.values())


def test_no_layers_at_all():
    config = dataclasses.replace(CONFIG, n_layers=0)
    params = random_params(config)
    trace = forward(params, TOKENS, config)
    assert list(trace)[4] == "blocks.0.resid_pre"
    assert logit_lens(trace, params).shape[0] == 1
    parts = direct_logit_contributions(trace, params, 2, 3)
    assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][2, 3]), abs=1e-5)


def test_a_trace_and_a_model_are_things_with_an_identity(trace):
    again = forward(PARAMS, TOKENS, CONFIG)
    assert trace == trace
    assert trace != again
    assert len({trace, again, trace}) == 2
    model = Model(CONFIG, PARAMS)
    assert model == model
    assert hash(model) != hash(Model(CONFIG, PARAMS))

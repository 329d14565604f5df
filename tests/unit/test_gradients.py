"""Gradients against torch (golden and live) and against finite differences, and where they must not exist."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from explainer.kernel.config import WIDE
from explainer.kernel.gradients import RULES, NoGradientThroughSample, backward, next_token_loss, through_sample
from explainer.kernel.interventions import NoEdges, Patch
from explainer.kernel.model import forward, plan
from tests import with_torch
from tests.golden import make
from tests.tiny import parse, random_params

CONFIG = make.CONFIG
PARAMS = random_params(CONFIG, make.SEED)
PARAMS64 = {name: value.astype(np.float64) for name, value in PARAMS.items()}
TOKENS = make.TOKENS
ACTIVATIONS = [key for key, record in plan(CONFIG).items() if record.function]


@pytest.fixture(scope="module")
def golden():
    with np.load(make.PATH) as file:
        return dict(file)


def test_every_gradient_equals_the_golden_one(golden):
    grads = backward(forward(PARAMS, TOKENS, CONFIG), PARAMS)
    assert grads.loss == pytest.approx(float(golden["loss"]), abs=1e-6)
    assert {f"grad/{key}" for key in grads.activations} == {name for name in golden if name.startswith("grad/")}
    assert [f"weight_grad/{key}" for key in grads.weights] == [n for n in golden if n.startswith("weight_grad/")]
    for key, grad in grads.activations.items():
        np.testing.assert_allclose(grad, golden[f"grad/{key}"], atol=1e-5, rtol=1e-5, err_msg=key)
    for name, grad in grads.weights.items():
        np.testing.assert_allclose(grad, golden[f"weight_grad/{name}"], atol=1e-5, rtol=1e-5, err_msg=name)


def test_in_float64_torch_agrees_to_rounding():
    torch = pytest.importorskip("torch", reason=with_torch.WHY)
    from tests.golden import torch_reference

    _, act_grads, weight_grads, loss = torch_reference.with_gradients(PARAMS64, TOKENS, CONFIG, torch.float64)
    grads = backward(forward(PARAMS64, TOKENS, CONFIG), PARAMS64)
    assert grads.loss == pytest.approx(loss, abs=1e-12)
    assert set(grads.activations) == set(act_grads)
    for key, grad in grads.activations.items():
        np.testing.assert_allclose(grad, act_grads[key], atol=1e-12, err_msg=key)
    for name, grad in grads.weights.items():
        np.testing.assert_allclose(grad, weight_grads[name], atol=1e-12, err_msg=name)


def slope(loss_at, h=1e-5):
    """The central difference of a function of one small number."""
    return (loss_at(h) - loss_at(-h)) / (2 * h)


@pytest.mark.parametrize("name", CONFIG.parameter_shapes)
def test_weights_against_finite_differences(name):
    trace = forward(PARAMS64, TOKENS, CONFIG)
    grad = backward(trace, PARAMS64, positions=[3, 7], targets=[2, 11])[name]
    rng = np.random.default_rng(1)
    direction = rng.standard_normal(grad.shape)

    def loss_at(h):
        moved = PARAMS64 | {name: PARAMS64[name] + h * direction}
        return next_token_loss(forward(moved, TOKENS, CONFIG), positions=[3, 7], targets=[2, 11])

    assert (grad * direction).sum() == pytest.approx(slope(loss_at), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("key", ACTIVATIONS)
def test_activations_against_finite_differences(key):
    """Move one record in a random direction by patching it, and let everything after it follow."""
    trace = forward(PARAMS64, TOKENS, CONFIG)
    grad = backward(trace, PARAMS64, positions=[6], targets=[1])[key]
    direction = np.random.default_rng(2).standard_normal(grad.shape)
    direction[~np.isfinite(trace[key])] = 0  # masked scores stay masked

    def loss_at(h):
        moved = forward(PARAMS64, TOKENS, CONFIG, [Patch(key, trace[key] + h * direction)])
        return next_token_loss(moved, positions=[6], targets=[1])

    assert (grad * direction).sum() == pytest.approx(slope(loss_at), rel=1e-5, abs=1e-8)
    assert np.abs(grad).sum() > 0


@pytest.mark.parametrize(
    "words",
    [
        "head 1.2 off",
        "uniform attention",
        "uniform attention in head 0.1",
        "no sqrt(d)",
        "no causal mask",
        "no positions",
        "layers above 0 removed",
        "zero blocks.0.mlp_out; zero blocks.1.attn_out",
        "no sqrt(d); no causal mask; head 0.0 off",
        "zero blocks.0.resid_mid at 2",
    ],
)
def test_under_interventions_against_finite_differences(words):
    against_finite_differences(parse(words, CONFIG))


def test_with_edges_cut_against_finite_differences():
    against_finite_differences((NoEdges(frozenset([(0, 1, 4, 2), (1, 0, 6, 5), (1, 1, 3, 0)])),))


def against_finite_differences(edits):
    trace = forward(PARAMS64, TOKENS, CONFIG, edits)
    grads = backward(trace, PARAMS64)
    rng = np.random.default_rng(3)
    directions = {name: rng.standard_normal(value.shape) for name, value in PARAMS64.items()}

    def loss_at(h):
        moved = {name: value + h * directions[name] for name, value in PARAMS64.items()}
        return next_token_loss(forward(moved, TOKENS, CONFIG, edits))

    expected = slope(loss_at)
    got = sum((grads[name] * directions[name]).sum() for name in PARAMS64)
    assert got == pytest.approx(expected, rel=1e-5, abs=1e-8)


def test_nothing_flows_through_what_is_off():
    trace = forward(PARAMS, TOKENS, CONFIG, parse("head 1.2 off"))
    grads = backward(trace, PARAMS)
    for name in "QKV":
        assert (grads[f"blocks.1.attn.W_{name}"][2] == 0).all()
        assert (grads[f"blocks.1.attn.W_{name}"][1] != 0).any()


def test_no_gradient_reaches_later_tokens():
    grads = backward(forward(PARAMS, TOKENS, CONFIG), PARAMS, positions=[4], targets=[0])
    for key, grad in grads.activations.items():
        axes = plan(CONFIG)[key].axes.split()
        axis = axes.index("S" if "S" in axes else "T")
        if key.endswith(".pattern"):
            continue  # masked entries would matter, if they were not masked
        assert (np.take(grad, range(5, 8), axis=axis) == 0).all(), key


def test_there_is_no_gradient_through_a_token():
    grads = backward(forward(PARAMS, TOKENS, CONFIG), PARAMS)
    with pytest.raises(NoGradientThroughSample, match="picked"):
        grads["tokens"]
    with pytest.raises(NoGradientThroughSample, match="no slope"):
        through_sample(TOKENS[3])
    with pytest.raises(KeyError, match="neither"):
        grads["blocks.9.resid_post"]


def test_a_seed_in_place_of_a_loss():
    """The gradient of any weighted sum of records: here of one number of one record, by two seeds."""
    trace = forward(PARAMS64, TOKENS, CONFIG)
    seed = np.zeros_like(trace["blocks.0.resid_post"])
    seed[3, 1] = 1
    grads = backward(trace, PARAMS64, seed={"blocks.0.resid_post": seed})
    assert grads.loss is None
    assert seed.flags.writeable  # the caller's array is left alone
    assert (grads["logits"] == 0).all()
    assert (grads["blocks.1.attn.W_Q"] == 0).all()
    assert (grads["embed"][:4] != 0).any(axis=1).all()
    assert (grads["embed"][4:] == 0).all()
    with pytest.raises(ValueError, match="should be"):
        backward(trace, PARAMS64, seed={"logits": np.zeros(3)})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"positions": []}, "at least one position"),
        ({"positions": [7]}, "give the target"),
        ({"positions": [8], "targets": [0]}, "positions go from 0 to 7"),
        ({"positions": [1], "targets": [0, 1]}, "1 positions but 2 targets"),
        ({"positions": [1], "targets": [17]}, "not one of the 17 tokens"),
        ({"targets": [1]}, "at which positions"),
    ],
)
def test_impossible_questions_are_refused_in_words(asked, words):
    with pytest.raises(ValueError, match=words):
        backward(forward(PARAMS, TOKENS, CONFIG), PARAMS, **asked)


def test_every_function_of_the_model_has_a_rule():
    wide = replace(CONFIG, n_vocab=WIDE + 1)  # of which only some columns are unembedded
    used = {record.function for record in (*plan(CONFIG).values(), *plan(wide).values()) if record.function}
    assert used == {function for function in RULES if function.__module__.startswith("explainer.kernel.")}


def test_each_gradient_has_the_shape_of_its_number():
    trace = forward(PARAMS, TOKENS, CONFIG)
    grads = backward(trace, PARAMS)
    assert list(grads.activations) == ACTIVATIONS
    assert {key: grad.shape for key, grad in grads.activations.items()} == {
        key: trace[key].shape for key in ACTIVATIONS
    }
    assert {name: grad.shape for name, grad in grads.weights.items()} == CONFIG.parameter_shapes
    assert not any(grad.flags.writeable for grad in (*grads.activations.values(), *grads.weights.values()))
    assert all(grad.dtype == np.float32 for grad in (*grads.activations.values(), *grads.weights.values()))

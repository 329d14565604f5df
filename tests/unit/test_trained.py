"""The core on the weights that readers get: everything that must hold for any weights, on these, on real text."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from explainer.corpus import sample_document
from explainer.kernel import checkpoint
from explainer.kernel.cache import KVCache, step
from explainer.kernel.explain import explain
from explainer.kernel.gradients import backward
from explainer.kernel.interventions import compare
from explainer.kernel.model import direct_logit_contributions, forward, logit_lens
from explainer.kernel.paths import Node, attention_grid, mask, measured_change
from explainer.kernel.sampling import generate
from explainer.kernel.tokenizer import Tokenizer
from tests import with_torch
from tests.tiny import FORMS, evaluate, parse

NAMES = checkpoint.available()
TEXT = 'Once there was a sleepy boy named Tom. He had a pink sock. "Thank you, Ra-nu," said Tom.'

pytestmark = pytest.mark.skipif(not NAMES, reason="no trained weights in explainer/models/weights yet")


@pytest.fixture(scope="module", params=NAMES or ["none"])
def model(request):
    return checkpoint.load(request.param)


@pytest.fixture(scope="module")
def tokens():
    tokenizer = Tokenizer.load()
    return (tokenizer.end_id, *tokenizer.encode(TEXT))


@pytest.fixture(scope="module")
def trace(model, tokens):
    return model.forward(tokens)


def test_it_equals_torch_in_every_intermediate_and_every_gradient(model, tokens, trace):
    torch = pytest.importorskip("torch", reason=with_torch.WHY)
    from tests.golden import torch_reference

    torch.set_num_threads(1)
    acts, act_grads, weight_grads, loss = torch_reference.with_gradients(model.params, tokens, model.config)
    for key in trace:
        np.testing.assert_allclose(trace[key], acts[key], atol=5e-5, rtol=1e-5, err_msg=key)
    np.testing.assert_allclose(trace["logits"], acts["logits"], atol=5e-5, rtol=0)
    grads = backward(trace, model.params)
    assert grads.loss == pytest.approx(loss, abs=1e-5)
    for key, grad in grads.activations.items():
        np.testing.assert_allclose(grad, act_grads[key], atol=1e-5, rtol=1e-4, err_msg=key)
    for name, grad in grads.weights.items():
        np.testing.assert_allclose(grad, weight_grads[name], atol=1e-5, rtol=1e-4, err_msg=name)


def test_in_float64_it_equals_torch_to_rounding(model, tokens):
    torch = pytest.importorskip("torch", reason=with_torch.WHY)
    from tests.golden import torch_reference

    params = {name: value.astype(np.float64) for name, value in model.params.items()}
    trace = forward(params, tokens, model.config)
    acts, *_ = torch_reference.with_gradients(params, tokens, model.config, torch.float64)
    for key in trace:
        np.testing.assert_allclose(trace[key], acts[key], atol=1e-11, rtol=1e-11, err_msg=key)


def test_contributions_sum_to_every_logit(model, trace):
    last = len(trace.tokens) - 1
    for token in np.argsort(trace["logits"][last])[-5:]:
        parts = direct_logit_contributions(trace, model.params, last, int(token))
        assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][last, token]), abs=1e-4)
    np.testing.assert_array_equal(logit_lens(trace, model.params)[-1], trace["logits"])


def test_cached_equals_full(model, tokens, trace):
    cache = KVCache.of(model.forward(tokens[:-6]))
    for i in range(-6, 0):
        turn = step(model.params, cache, tokens[i])
        cache = turn.cache
        np.testing.assert_allclose(turn.logits, trace["logits"][i], atol=1e-4, rtol=1e-5)


def test_every_kind_of_number_can_be_made_again(model, trace):
    rng = np.random.default_rng(0)
    for key in trace:
        index = tuple(int(rng.integers(n)) for n in trace[key].shape)
        said = explain(trace, model.params, key, index)
        if math.isfinite(said.value):
            assert said.recompute() == pytest.approx(said.value, rel=1e-4, abs=1e-4), key


def test_a_token_reaches_exactly_its_cone(model, tokens, trace):
    graph = attention_grid(len(tokens), model.config.n_layers, sublayers=True)
    for position in (0, 7, len(tokens) - 1):
        changed = list(tokens)
        changed[position] = 300
        cone = mask(graph, graph.influences(Node(0, position)))
        np.testing.assert_array_equal(measured_change(graph, trace, model.forward(changed)) > 0, cone)


def test_it_is_trained_and_what_is_taken_out_was_good_for_something(model):
    tokenizer = Tokenizer.load()
    rng = np.random.default_rng([7, 7])
    texts = [(tokenizer.end_id, *tokenizer.encode(sample_document(rng))) for _ in range(8)]
    plain = evaluate(model.params, model.config, texts)
    assert plain.cross_entropy < 2.0  # ln 640 = 6.5 is no idea; the floor is about 0.4, one layer gets less near
    for words in ("uniform attention", "no causal mask", "no positions", "no sqrt(d)", "all layers removed"):
        worse = evaluate(model.params, model.config, texts, parse(words))
        assert worse.cross_entropy > plain.cross_entropy + 0.02, words


EVERY_KIND = (
    "head 0.2 off",
    "uniform attention",
    "uniform attention in layer 0",
    "uniform attention in head 0.3",
    "no sqrt(d)",
    "no causal mask",
    "no positions",
    "layers above 0 removed",
    "all layers removed",
    "zero blocks.0.attn.k head 1 at 3",
)


def test_every_kind_of_intervention_has_a_price_and_a_changed_prediction(model):
    """Cross-entropy, accuracy and the change of a next-token distribution, for everything that words can say."""
    tokenizer = Tokenizer.load()
    rng = np.random.default_rng([7, 8])
    texts = [(tokenizer.end_id, *tokenizer.encode(sample_document(rng))) for _ in range(4)]
    plain = evaluate(model.params, model.config, texts)
    middle = len(texts[0]) // 2  # the last token sees everything anyway, with a mask or without
    for pattern, _ in FORMS:
        assert any(re.fullmatch(pattern, words) for words in EVERY_KIND), pattern
    for words in EVERY_KIND:
        if words == "layers above 0 removed" and model.config.n_layers == 1:
            continue  # there are none
        edits = parse(words, model.config)
        changed = evaluate(model.params, model.config, texts, edits)
        assert changed.n_tokens == plain.n_tokens
        assert math.isfinite(changed.cross_entropy) and 0 <= changed.accuracy <= 1
        # a single head may be worth nothing on four texts, but no sabotage makes a trained model clearly better
        assert changed.cross_entropy > plain.cross_entropy - 0.02, words
        assert changed.accuracy <= plain.accuracy + 0.02, words
        change = compare(model.params, model.config, texts[0], edits, position=middle)
        assert change.kl > 0 and 0 < change.total_variation <= 1, words
        assert change.trace_after.interventions == tuple(edits)


def test_it_writes_the_same_with_and_without_a_cache(model, tokens):
    with_cache = generate(model, tokens[:5], 20, temperature=0.7, rng=3)
    without = generate(model, tokens[:5], 20, temperature=0.7, rng=3, use_cache=False)
    assert [turn.token for turn in with_cache] == [turn.token for turn in without]

"""Each intervention does what its words say, composes, and is measured on held-out texts."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel.config import Config
from explainer.kernel.interventions import (
    HeadOff,
    LayersAbove,
    NoMask,
    NoPositions,
    NoScaling,
    Patch,
    UniformAttention,
    compare,
)
from explainer.kernel.model import direct_logit_contributions, forward
from tests.tiny import Zero, evaluate, parse, random_params

CONFIG = Config(n_layers=3, n_heads=2, d_model=10, d_head=4, d_mlp=12, n_vocab=15, n_ctx=12)
PARAMS = random_params(CONFIG, 9)
TOKENS = [3, 1, 4, 1, 5, 9, 2, 6]
DOCUMENTS = [[1, 2, 3, 4, 5], [6, 7, 8, 9], [10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]


def run(words):
    return forward(PARAMS, TOKENS, CONFIG, parse(words, CONFIG))


# ---------------------------------------------------------------- words

whole = st.integers(0, 2)
everything = st.one_of(
    st.builds(HeadOff, whole, st.integers(0, 1)),
    st.just(UniformAttention()),
    st.builds(UniformAttention, whole),
    st.builds(UniformAttention, whole, st.integers(0, 1)),
    st.just(NoScaling()),
    st.just(NoMask()),
    st.just(NoPositions()),
    st.builds(LayersAbove, st.integers(-1, 2)),
    st.builds(Zero, st.just("blocks.1.attn.z"), st.none() | st.integers(0, 11), st.none() | st.integers(0, 1)),
)


@given(st.lists(everything, max_size=4))
def test_words_and_interventions_are_inverse(edits):
    assert parse("; ".join(map(str, edits)), CONFIG) == tuple(edits)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("head off", "not understood: 'head off'"),
        ("head 3.0 off", "layers are 0 to 2"),
        ("head 0.2 off", "heads are 0 to 1"),
        ("layers above 3 removed", "layers are 0 to 2"),
        ("zero blocks.0.attn.nothing", "no record"),
        ("zero tokens", "no record"),
        ("zero blocks.0.mlp_out head 1", "has no head"),
        ("zero blocks.0.mlp_out at 12", "positions are 0 to 11"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(words, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace(".", r"\.")):
        parse(words, CONFIG)


def test_forward_checks_too():
    with pytest.raises(ValueError, match="layers are 0 to 2"):
        forward(PARAMS, TOKENS, CONFIG, [HeadOff(7, 0)])
    with pytest.raises(ValueError, match="in which layer"):
        UniformAttention(head=1)


# ---------------------------------------------------------------- what each does


def test_a_head_that_is_off_adds_nothing_and_only_that():
    plain, off = run(""), run("head 1.1 off")
    assert (off["blocks.1.attn.result"][:, 1] == 0).all()
    np.testing.assert_array_equal(off["blocks.1.attn.result"][:, 0], plain["blocks.1.attn.result"][:, 0])
    missing = plain["blocks.1.attn_out"] - plain["blocks.1.attn.result"][:, 1]
    np.testing.assert_allclose(off["blocks.1.attn_out"], missing, atol=1e-6)
    for key in plain:  # everything before it is untouched
        if key == "blocks.1.attn.z":
            break
        np.testing.assert_array_equal(plain[key], off[key])
    assert off.edits("blocks.1.attn.z") == (HeadOff(1, 1),)
    assert plain.edits("blocks.1.attn.z") == ()


def test_no_scaling():
    trace = run("no sqrt(d)")
    raw = trace["blocks.0.attn.attn_scores_raw"]
    np.testing.assert_array_equal(trace["blocks.0.attn.attn_scores_scaled"], raw)
    lower = np.tril(np.ones((8, 8), dtype=bool))
    np.testing.assert_array_equal(trace["blocks.0.attn.attn_scores"][:, lower], raw[:, lower])


def test_no_mask_lets_every_token_see_every_other():
    trace = run("no causal mask")
    pattern = trace["blocks.0.attn.pattern"]
    assert (pattern > 0).all()
    np.testing.assert_allclose(pattern.sum(-1), 1, atol=1e-6)
    later = forward(PARAMS, [*TOKENS[:-1], 0], CONFIG, parse("no causal mask"))
    assert (trace["logits"][0] != later["logits"][0]).any()


def test_no_positions_and_what_the_mask_still_tells():
    """Without positions, attention cannot see the order of earlier tokens in one layer; through the mask, two can."""
    swapped = [4, 1, 3, *TOKENS[3:]]
    plain, other = run("no positions"), forward(PARAMS, swapped, CONFIG, parse("no positions"))
    np.testing.assert_allclose(plain["blocks.0.attn_out"][3:], other["blocks.0.attn_out"][3:], atol=1e-5)
    assert np.abs(plain["blocks.1.attn_out"][3:] - other["blocks.1.attn_out"][3:]).max() > 1e-3
    with_positions = np.abs(
        run("")["blocks.0.attn_out"][3:] - forward(PARAMS, swapped, CONFIG)["blocks.0.attn_out"][3:]
    )
    assert with_positions.max() > 1e-3
    # without the mask as well, no layer can tell
    free = "no positions; no causal mask"
    a, b = run(free), forward(PARAMS, swapped, CONFIG, parse(free))
    np.testing.assert_allclose(a["logits"][3:], b["logits"][3:], atol=1e-4)


def test_uniform_attention():
    expected = np.tril(np.ones((8, 8))) / np.arange(1, 9)[:, None]
    trace = run("uniform attention")
    for layer in range(3):
        np.testing.assert_allclose(trace[f"blocks.{layer}.attn.pattern"], np.stack([expected] * 2), atol=1e-6)
    one = run("uniform attention in head 1.1")
    plain = run("")
    np.testing.assert_allclose(one["blocks.1.attn.pattern"][1], expected, atol=1e-6)
    np.testing.assert_array_equal(one["blocks.1.attn.pattern"][0], plain["blocks.1.attn.pattern"][0])
    np.testing.assert_array_equal(one["blocks.0.attn.pattern"], plain["blocks.0.attn.pattern"])
    layer = run("uniform attention in layer 2")
    np.testing.assert_allclose(layer["blocks.2.attn.pattern"][1], expected, atol=1e-6)
    everywhere = run("no causal mask; uniform attention")
    np.testing.assert_allclose(everywhere["blocks.0.attn.pattern"], 1 / 8, atol=1e-6)


def test_removed_layers_are_as_if_they_had_never_been():
    shorter = dataclasses.replace(CONFIG, n_layers=2)
    params = {name: PARAMS[name] for name in shorter.parameter_shapes}
    removed = run("layers above 1 removed")
    np.testing.assert_array_equal(removed["logits"], forward(params, TOKENS, shorter)["logits"])
    nothing = run("all layers removed")
    np.testing.assert_array_equal(nothing["blocks.2.resid_post"], nothing["blocks.0.resid_pre"])
    np.testing.assert_array_equal(run("layers above 2 removed")["logits"], run("")["logits"])


def test_zero_at_one_position_of_one_head():
    plain, off = run(""), run("zero blocks.0.attn.z head 1 at 3; zero blocks.0.attn.pattern head 0 at 2")
    changed = np.zeros((8, 2), dtype=bool)
    changed[3, 1] = changed[2, 0] = True
    differs = (plain["blocks.0.attn.z"] != off["blocks.0.attn.z"]).any(axis=-1)
    np.testing.assert_array_equal(differs, changed)
    assert (off["blocks.0.attn.z"][3, 1] == 0).all()
    assert (off["blocks.0.attn.pattern"][0, 2] == 0).all()
    assert off.edits("blocks.0.attn.z") == (Zero("blocks.0.attn.z", 3, 1),)


def test_a_position_that_the_text_does_not_have_changes_nothing():
    trace = run("zero blocks.0.mlp_out at 11")
    np.testing.assert_array_equal(trace["logits"], run("")["logits"])
    assert trace.edits("blocks.0.mlp_out") == ()


def test_a_patch_transplants_and_the_whole_state_carries_everything():
    other = forward(PARAMS, [7, 7, 4, 1, 5, 9, 2, 6], CONFIG)
    all_of_it = forward(PARAMS, TOKENS, CONFIG, [Patch.of(other, "blocks.1.resid_mid")])
    np.testing.assert_array_equal(all_of_it["logits"], other["logits"])
    part = Patch.of(other, "blocks.1.attn.z", position=4, head=1)
    one = forward(PARAMS, TOKENS, CONFIG, [part])
    np.testing.assert_array_equal(one["blocks.1.attn.z"][4, 1], other["blocks.1.attn.z"][4, 1])
    np.testing.assert_array_equal(one["blocks.1.attn.z"][4, 0], run("")["blocks.1.attn.z"][4, 0])
    assert str(part) == "patch blocks.1.attn.z head 1 at 4"
    with pytest.raises(ValueError, match="the patch is"):
        forward(PARAMS, TOKENS[:5], CONFIG, [Patch.of(other, "blocks.1.resid_mid")])
    with pytest.raises(ValueError, match="no position 9"):
        Patch.of(other, "blocks.1.resid_mid", position=9)


def test_interventions_apply_in_order():
    other = forward(PARAMS, [7] * 8, CONFIG)
    patch = Patch.of(other, "blocks.0.mlp_out")
    off_last = forward(PARAMS, TOKENS, CONFIG, [patch, Zero("blocks.0.mlp_out")])
    patch_last = forward(PARAMS, TOKENS, CONFIG, [Zero("blocks.0.mlp_out"), patch])
    assert (off_last["blocks.0.mlp_out"] == 0).all()
    np.testing.assert_array_equal(patch_last["blocks.0.mlp_out"], other["blocks.0.mlp_out"])
    assert patch_last.edits("blocks.0.mlp_out") == (Zero("blocks.0.mlp_out"), patch)


@settings(max_examples=40, deadline=None)
@given(st.lists(everything, max_size=4), st.integers(0, 7))
def test_contributions_still_sum_to_the_logit(edits, position):
    trace = forward(PARAMS, TOKENS, CONFIG, edits)
    parts = direct_logit_contributions(trace, PARAMS, position, 2)
    assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][position, 2]), abs=1e-4)


def test_contributions_under_a_patched_stream_have_a_remainder():
    other = forward(PARAMS, [7] * 8, CONFIG)
    trace = forward(PARAMS, TOKENS, CONFIG, [Patch.of(other, "blocks.1.resid_mid", position=5)])
    parts = direct_logit_contributions(trace, PARAMS, 5, 2)
    assert parts[-2].name == "overwritten"
    assert abs(parts[-2].value) > 1e-3
    assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][5, 2]), abs=1e-4)


# ---------------------------------------------------------------- measures


def test_evaluation_is_the_mean_over_all_predictions():
    surprise, right = [], []
    for text in DOCUMENTS:
        text = text[:12]
        for t in range(len(text) - 1):
            logits = forward(PARAMS, text[: t + 1], CONFIG)["logits"][-1].astype(np.float64)
            shares = np.exp(logits) / np.exp(logits).sum()
            surprise.append(-math.log(shares[text[t + 1]]))
            right.append(int(shares.argmax()) == text[t + 1])
    result = evaluate(PARAMS, CONFIG, DOCUMENTS)
    assert result.cross_entropy == pytest.approx(np.mean(surprise), abs=1e-5)
    assert result.accuracy == pytest.approx(np.mean(right))
    assert result.n_tokens == len(surprise) == 4 + 3 + 11
    worse = evaluate(PARAMS, CONFIG, DOCUMENTS, parse("all layers removed"))
    assert worse.cross_entropy != result.cross_entropy
    with pytest.raises(ValueError, match="at least one text"):
        evaluate(PARAMS, CONFIG, [[1], []])


def test_the_change_of_a_prediction():
    change = compare(PARAMS, CONFIG, TOKENS, parse("head 0.0 off"))
    assert change.before.sum() == pytest.approx(1)
    assert change.kl > 0
    assert change.kl == pytest.approx(float((change.before * np.log(change.before / change.after)).sum()))
    assert change.total_variation == pytest.approx(np.maximum(0, change.before - change.after).sum())
    same = compare(PARAMS, CONFIG, TOKENS, ())
    assert (same.kl, same.total_variation) == (0, 0)
    earlier = compare(PARAMS, CONFIG, TOKENS, parse("zero blocks.0.mlp_out at 6"), position=5)
    assert earlier.total_variation == 0  # what happens at 6 cannot matter at 5

"""The Neural Turing Machine in numpy: its formulas one by one, against torch, and what its card says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.architectures import ntm
from explainer.live import memory
from tests import with_torch
from tests.golden import ntm_torch

few = settings(max_examples=40, deadline=None)
CARD = json.loads((memory.WEIGHTS / "memory.json").read_text("utf-8"))
GOLDEN = np.load(ntm_torch.FILE)


def one_hot(n: int, k: int) -> np.ndarray:
    return np.eye(n)[k % n]


# ---------------------------------------------------------------- addressing


@few
@given(st.integers(0, 2**31), st.integers(2, 9))
def test_every_stage_of_an_address_is_shares_that_sum_to_1(seed, slots):
    rng = np.random.default_rng(seed)
    ask = ntm.asked(rng.normal(0, 3, (2, 4 + 6)), 4)
    found = ntm.address(rng.normal(0, 1, (2, slots, 4)), ntm.softmax(rng.normal(0, 2, (2, slots))), ask)
    for stage in found:
        assert stage.shape == (2, slots) and (stage >= 0).all()
        np.testing.assert_allclose(stage.sum(axis=-1), 1, rtol=1e-9)


def test_the_slot_that_points_as_the_key_does_fits_best_however_long_either_is():
    memory_ = np.array([[1.0, 0], [0, 5], [-3, 0], [1, 1]])
    np.testing.assert_allclose(ntm.similarity(memory_, np.array([0.1, 0])), [1, 0, -1, np.sqrt(0.5)], atol=1e-4)
    shares = [ntm.by_content(memory_, np.array([2.0, 0]), np.array([s])) for s in (0.0, 1.0, 50.0)]
    np.testing.assert_allclose(shares[0], 0.25)
    assert shares[0][0] < shares[1][0] < shares[2][0] and shares[2][0] > 0.999


def test_the_gate_chooses_between_content_and_the_step_before():
    content, before = one_hot(4, 0), one_hot(4, 3)
    for gate in (0.0, 0.25, 1.0):
        found = ntm.interpolate(content, before, np.array([gate]))
        np.testing.assert_allclose(found, gate * content + (1 - gate) * before)


@few
@given(st.integers(0, 2**31), st.integers(3, 8))
def test_a_shift_is_a_circular_convolution(seed, slots):
    """As equation 8 says it, index by index; and each move by itself goes once round."""
    rng = np.random.default_rng(seed)
    weighting, shares = ntm.softmax(rng.normal(0, 2, slots)), ntm.softmax(rng.normal(0, 2, 3))
    s = {step % slots: float(share) for step, share in zip(ntm.STEPS, shares, strict=True)}
    by_hand = [sum(weighting[j] * s.get((i - j) % slots, 0) for j in range(slots)) for i in range(slots)]
    np.testing.assert_allclose(ntm.shift(weighting, shares), by_hand, rtol=1e-12)
    for k, step in enumerate(ntm.STEPS):
        np.testing.assert_array_equal(
            ntm.shift(one_hot(slots, slots - 1), np.eye(3)[k]), one_hot(slots, slots - 1 + step)
        )


def test_sharpening_keeps_the_order_narrows_and_survives_any_power():
    weighting = np.array([0.5, 0.3, 0.2], np.float32)
    np.testing.assert_allclose(ntm.sharpen(weighting, np.array([1.0])), weighting, rtol=1e-6)
    np.testing.assert_allclose(ntm.sharpen(weighting, np.array([2.0])), np.array([25, 9, 4]) / 38, rtol=1e-6)
    tiny = np.full(64, 1 / 64, np.float32)
    np.testing.assert_allclose(ntm.sharpen(tiny, np.float32([200])), tiny, rtol=1e-6)


# ---------------------------------------------------------------- reading and writing


def test_a_head_on_one_slot_reads_that_slot_and_between_two_the_mean():
    memory_ = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(ntm.read(memory_, one_hot(4, 2)), memory_[2])
    np.testing.assert_allclose(ntm.read(memory_, (one_hot(4, 0) + one_hot(4, 3)) / 2), (memory_[0] + memory_[3]) / 2)


def test_what_is_erased_and_added_with_a_weighting_on_one_slot_changes_that_slot_alone():
    memory_ = np.ones((4, 3))
    wiped = ntm.erase(memory_, one_hot(4, 1), np.array([1.0, 0.5, 0]))
    np.testing.assert_array_equal(wiped[1], [0, 0.5, 1])
    put = ntm.add(wiped, one_hot(4, 1), np.array([2.0, 0, -1]))
    np.testing.assert_array_equal(put[1], [2, 0.5, 0])
    np.testing.assert_array_equal(put[[0, 2, 3]], memory_[[0, 2, 3]])
    half = ntm.add(memory_, np.full(4, 0.5), np.array([1.0, 1, 1]))
    np.testing.assert_allclose(half, 1.5)


def test_a_machine_whose_gates_are_set_by_hand_writes_each_input_into_the_next_slot():
    """Write: gate shut, one slot on, erase all, add what is given. So slot k + 1 holds input k."""
    config = ntm.NTMConfig(2, 2, 2, 2)
    p = {name: np.zeros(shape) for name, shape in config.parameter_shapes.items()}
    C = config.d_controller
    p["controller.W"][:2, 2 * C : 3 * C] = 10 * np.eye(2)  # what is new: the input, as -1 or 1
    p["controller.b"][:C], p["controller.b"][C : 2 * C], p["controller.b"][3 * C :] = 50, -50, 50
    p["write.b"][:8] = [0, 0, 0, -50, -50, -50, 50, 50]  # key, strength, gate, back, stay, on, sharpness
    p["write.b"][8:10] = 50  # wipe
    p["write.W"][:, 10:] = 10 * np.eye(2)
    inputs = np.array([[1.0, -1], [-1, -1], [1, 1]])
    steps = ntm.run(p, config, inputs, 6)
    assert [int(s.write.weighting.argmax()) for s in steps] == [1, 2, 3]
    np.testing.assert_allclose(steps[-1].state.memory[1:4], inputs, atol=1e-3)
    np.testing.assert_allclose(steps[-1].state.memory[[0, 4, 5]], ntm.BLANK)


# ---------------------------------------------------------------- against torch, and the card


@pytest.mark.parametrize("case", ntm_torch.CASES)
def test_numpy_gives_what_torch_gave(case):
    config, slots, made = ntm_torch.CASES[case]
    params, inputs = made()
    steps = ntm.run(params, config, inputs, slots)
    for what, found in (
        ("logits", [s.logits for s in steps]),
        ("written", [s.write.weighting for s in steps]),
        ("read", [s.read.weighting for s in steps]),
    ):
        np.testing.assert_allclose(np.stack(found), GOLDEN[f"{case}/{what}"], atol=2e-4, err_msg=what)


def test_the_card_is_of_the_weights_that_are_there_and_says_what_they_do():
    models = {m["name"]: m for m in CARD["models"]}
    assert set(models) == {path.stem for path in memory.there()}
    for name, card in models.items():
        data = (memory.WEIGHTS / f"{name}.safetensors").read_bytes()
        assert (card["bytes"], card["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert card["training"] == memory.notes(name)
    assert sum(value.size for value in memory.ntm_params(0).values()) == models["ntm-0"]["parameters"]
    for name in ("ntm-0", "tape-rope-0"):
        for length in (memory.TRAINED, 12):
            found = memory.tried(name, length, CARD["sequences"])
            assert found.whole == pytest.approx(models[name]["whole"][str(length)], abs=2), (name, length)


def test_the_same_words_as_numbers_and_as_bits():
    words = memory.sequences(0, 0, 3, 7)
    np.testing.assert_array_equal(memory.as_words(memory.as_tokens(words)), words)
    assert set(memory.as_tokens(words).ravel()) <= set(range(memory.MARK))
    given_ = memory.as_inputs(words)
    assert given_.shape == (15, 3, memory.WORD + 1) and (np.abs(given_[:7, :, :-1]) == 1).all()
    assert not given_[8:].any() and given_[7, :, -1].all() and given_[:, :, -1].sum() == 3


def test_a_machine_trained_beside_others_becomes_what_it_becomes_alone():
    pytest.importorskip("torch", reason=with_torch.WHY)
    from explainer.training import memory as training

    plan = replace(training.NTM_PLAN, steps=3)
    (alone, loss), *_ = training.train_ntms([3], plan)
    (_, _), (beside, same) = training.train_ntms([0, 3], plan)
    assert loss == pytest.approx(same, rel=1e-5)
    for name, value in alone.items():
        np.testing.assert_allclose(value, beside[name], atol=1e-4, err_msg=name)

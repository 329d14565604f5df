"""Models read from files are those of `transformers`: logits, residual streams, gradients, and the tokens of texts.

The golden files are made by tests/golden/from_transformers.py; comparing needs neither torch nor transformers.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from explainer.kernel.cache import KVCache, step
from explainer.kernel.gradients import backward
from explainer.kernel.model import Model, logit_lens, stream_keys
from explainer.models import gguf, safetensors
from explainer.models.byte_level import ByteLevelTokenizer

FOLDER = Path(__file__).parents[1] / "golden" / "models"
NAMES = ("tiny-gpt2", "tiny-llama", "tiny-llama.gguf")


def load(name):
    if name.endswith(".gguf"):
        with (FOLDER / name).open("rb") as file:
            return gguf.load(file, name)
    config, words = (json.loads((FOLDER / name / f"{what}.json").read_text()) for what in ("config", "tokenizer"))
    with (FOLDER / name / "model.safetensors").open("rb") as file:
        return safetensors.load(file, config, words, name)


@pytest.fixture(scope="module", params=NAMES)
def both(request):
    """(the model, its golden numbers)"""
    with np.load(FOLDER / "tiny.npz") as file:
        golden = {key.rpartition("/")[2]: file[key] for key in file.files if key.startswith(f"{request.param}/")}
        golden["tokens"] = file["tokens"]
    return load(request.param).model, golden


def test_logits(both):
    model, golden = both
    assert np.abs(model.forward(golden["tokens"])["logits"] - golden["logits"]).max() < 1e-4
    assert np.ptp(golden["logits"]) > 5


def test_the_residual_stream_after_every_layer(both):
    model, golden = both
    trace = model.forward(golden["tokens"])
    keys = stream_keys(model.config)
    for key, wanted in zip(keys[:-1], golden["hidden"], strict=False):
        np.testing.assert_allclose(trace[key], wanted, atol=1e-4, err_msg=key)
    np.testing.assert_allclose(trace["ln_final.normalized"], golden["hidden"][-1], atol=1e-4)


def test_gradients_of_the_residual_stream(both):
    model, golden = both
    grads = backward(model.forward(golden["tokens"]), model.params, to_weights=False)
    assert grads.loss == pytest.approx(float(golden["loss"]), rel=1e-5)
    for key, wanted in zip(stream_keys(model.config)[:-1], golden["hidden_grad"], strict=False):
        np.testing.assert_allclose(grads[key], wanted, atol=1e-5 * np.abs(wanted).max() + 1e-6, err_msg=key)


def test_a_token_at_a_time(both):
    model, golden = both
    kept = KVCache.empty(model.config)
    for row, token in zip(golden["logits"], golden["tokens"], strict=True):
        turn = step(model.params, kept, int(token))
        kept = turn.cache
        assert np.abs(turn.logits - row).max() < 1e-4


def test_weights_are_counted_as_transformers_counts_them(both):
    model, _ = both
    V, D, F, L, P, K2 = 352, 64, 96, 2, 64, 32
    gpt2 = V * D + P * D + L * (4 * D * D + 4 * D + 2 * D * F + F + D + 4 * D) + 2 * D
    llama = 2 * V * D + L * (2 * D * D + 2 * D * K2 + 3 * D * F + 2 * D) + D
    assert model.n_params == (gpt2 if model.name == "tiny-gpt2" else llama)


@pytest.mark.parametrize("name", ["tiny-llama", "tiny-llama.gguf"])
def test_the_other_layout_of_rope_fails(name):
    """Rows of queries and keys in the order of the other kind of file: halves instead of neighbours, or back."""
    model = load(name).model
    with np.load(FOLDER / "tiny.npz") as file:
        tokens, wanted = file["tokens"], file[f"{name}/logits"]
    wrong = dict(model.params)
    for key in wrong:
        if key.endswith(("W_Q", "W_K")):
            heads, d_model, width = wrong[key].shape
            wrong[key] = wrong[key].reshape(heads, d_model, width // 2, 2).swapaxes(2, 3).reshape(heads, d_model, width)
    far = np.abs(Model(model.config, wrong).forward(tokens)["logits"] - wanted)
    assert far[0].max() < 1e-4  # at the first place nothing is turned
    assert far[1:].max() > 1


def test_the_lens_ends_at_the_logits(both):
    model, golden = both
    assert np.abs(logit_lens(model.forward(golden["tokens"]), model.params)[-1] - golden["logits"]).max() < 1e-4


def test_nothing_is_held_twice():
    model = load("tiny-llama.gguf").model
    for key, value in model.params.items():
        owner = value
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        assert owner.dtype == np.float32 and owner.size == value.size, key
        assert not value.flags.writeable
    gpt2 = load("tiny-gpt2").model.params
    assert np.shares_memory(gpt2["unembed.W_U"], gpt2["embed.W_E"])


# ---------------------------------------------------------------- tokens


def test_tokens_of_hard_texts_are_the_librarys():
    for name, cases in json.loads((FOLDER / "tokens.json").read_text()).items():
        words = load(name).tokenizer
        for case in cases:
            assert words.encode(case["text"]) == case["tokens"], (name, case["text"])
            assert words.encode(case["text"], control=True) == case["control"], (name, case["text"])
            assert words.decode(case["tokens"]) == case["text"]


def test_both_files_of_the_llama_bring_the_same_tokenizer():
    a, b = load("tiny-llama").tokenizer, load("tiny-llama.gguf").tokenizer
    assert a.kind == b.kind == "smollm" and load("tiny-gpt2").tokenizer.kind == "gpt-2"
    assert a.end_id == b.end_id == 2 and a.control == b.control == {0, 1, 2}
    assert [a.token_bytes(i) for i in range(a.n_vocab)] == [b.token_bytes(i) for i in range(b.n_vocab)]


def test_a_gguf_says_what_it_is():
    loaded = load("tiny-llama.gguf")
    assert loaded.model.metadata == {
        "name": "tiny random llama",
        "licence": "MIT",
        "stored": "BF16 F16 F32 Q4_0 Q4_1 Q8_0",
    }
    config = loaded.model.config
    assert (config.eps, config.rope_base, config.tied, config.n_kv_heads) == (1e-5, 1000.0, False, 2)
    assert math.isclose(load("tiny-llama").model.config.rope_base, config.rope_base)
    assert isinstance(loaded.tokenizer, ByteLevelTokenizer)


def test_golden_files_stay_small():
    assert max(path.stat().st_size for path in FOLDER.rglob("*.*") if path.is_file()) < 240_000

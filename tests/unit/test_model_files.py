"""Files that are damaged, cut off, of another kind or too large: each gets a sentence, and no weight is read for it."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from explainer.kernel.checkpoint import CheckpointError, CorruptCheckpoint, TruncatedCheckpoint
from explainer.models import files, gguf, safetensors
from explainer.models.byte_level import UnsupportedModel
from explainer.models.files import TooLarge

FOLDER = Path(__file__).parents[1] / "golden" / "models"
TINY = (FOLDER / "tiny-llama.gguf").read_bytes()
LLAMA, GPT2 = (
    {
        "data": (FOLDER / name / "model.safetensors").read_bytes(),
        **{what: json.loads((FOLDER / name / f"{what}.json").read_text()) for what in ("config", "tokenizer")},
    }
    for name in ("tiny-llama", "tiny-gpt2")
)


def gguf_of(data, **settings):
    return gguf.load(io.BytesIO(data), "it", **settings)


def safetensors_of(of, data=None, config=None, **settings):
    file = io.BytesIO(of["data"] if data is None else data)
    return safetensors.load(file, config or of["config"], of["tokenizer"], "it", **settings)


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    assert data.count(old) == 1 and len(old) == len(new)
    return data.replace(old, new)


# ---------------------------------------------------------------- GGUF


@pytest.mark.parametrize("length", [0, 3, 10, 23, 24, 100, 5_000, 9_000, len(TINY) - 40_000, len(TINY) - 40])
def test_a_gguf_that_was_cut_off_says_so(length):
    with pytest.raises((TruncatedCheckpoint, CorruptCheckpoint), match=r"it: (the file ends|not a GGUF)"):
        gguf_of(TINY[:length])


def test_another_file_is_no_gguf():
    with pytest.raises(CorruptCheckpoint, match="not a GGUF file"):
        gguf_of(LLAMA["data"])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"\5\0\0\0\0\0\0\0llama", b"\5\0\0\0\0\0\0\0mamba", "architecture 'mamba'; read are Llamas"),
        (b"GGUF\3\0\0\0", b"GGUF\1\0\0\0", "of version 1"),
        (b"GGUF\3\0\0\0", b"GGUF\0\0\0\3", "big-endian"),
        (b"smollm", b"refact", "'refact' says; known are gpt-2, smollm"),
        (b"\4\0\0\0\0\0\0\0gpt2", b"\4\0\0\0\0\0\0\0bert", "of the kind 'bert'"),
        (b"blk.0.ffn_up.weight", b"blk.0.ffn_ab.weight", "has 'blk.0.ffn_ab.weight', which a Llama has not"),
        (b"rope.freq_base", b"rope.freq_busy", None),
    ],
)
def test_what_is_not_supported_is_named(old, new, words):
    if words is None:  # then the base is that of the first Llama
        assert gguf_of(changed(TINY, old, new)).model.config.rope_base == 10_000
        return
    with pytest.raises(UnsupportedModel, match=words):
        gguf_of(changed(TINY, old, new))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"llama.block_count", b"llama.block_caunt", "does not say llama.block_count"),
        (b"general.architecture", b"general.architectura", "does not say general.architecture"),
        (b"tokenizer.ggml.merges", b"tokenizer.ggml.merger", r"does not say tokenizer.ggml.merges"),
        (b"token_embd.weight", b"token_emba.weight", "'token_embd.weight' is missing"),
    ],
)
def test_what_is_missing_is_named(old, new, words):
    with pytest.raises(CorruptCheckpoint, match=words):
        gguf_of(changed(TINY, old, new))


def entry(name: bytes) -> int:
    """Where in the table of tensors the number of axes of a tensor is."""
    return TINY.index(name) + len(name)


def test_a_tensor_stored_in_another_way_is_named():
    at = entry(b"blk.1.attn_q.weight") + 4 + 16  # after the number of axes and two lengths
    with pytest.raises(UnsupportedModel, match=r"'blk.1.attn_q.weight' is stored as Q4_K; read are F32, F16, Q4_0"):
        gguf_of(TINY[:at] + struct.pack("<I", 12) + TINY[at + 4 :])


def test_a_tensor_of_another_shape_is_named():
    at = entry(b"blk.1.ffn_norm.weight") + 4
    with pytest.raises(CorruptCheckpoint, match=r"blocks.1.ln2.w should be \[64\] but is \[32\]"):
        gguf_of(TINY[:at] + struct.pack("<Q", 32) + TINY[at + 8 :])
    with pytest.raises(TruncatedCheckpoint, match=r"ends before 'blk.1.ffn_norm.weight' does"):
        gguf_of(TINY[:at] + struct.pack("<Q", 1 << 40) + TINY[at + 8 :])


def test_a_weight_that_is_no_number_is_named():
    loaded = gguf.read(io.BytesIO(TINY), "it")
    at = loaded.tensors["blk.0.ffn_norm.weight"].offset
    with pytest.raises(CorruptCheckpoint, match=r"'blk.0.ffn_norm.weight' contains numbers that are not finite"):
        gguf_of(TINY[:at] + struct.pack("<f", np.nan) + TINY[at + 4 :])


def test_damage_anywhere_in_the_header_is_an_error_in_words_or_none_at_all():
    rng = np.random.default_rng(4)
    begin = min(tensor.offset for tensor in gguf.read(io.BytesIO(TINY), "it").tensors.values())
    for _ in range(300):
        broken = bytearray(TINY)
        broken[int(rng.integers(begin))] = int(rng.integers(256))
        try:
            gguf_of(bytes(broken))
        except CheckpointError as problem:
            assert str(problem).startswith("it: ")


# ---------------------------------------------------------------- safetensors


@pytest.mark.parametrize("length", [0, 4, 8, 500, len(LLAMA["data"]) - 1])
def test_safetensors_that_were_cut_off_say_so(length):
    with pytest.raises((TruncatedCheckpoint, CorruptCheckpoint), match=r"it: "):
        safetensors_of(LLAMA, LLAMA["data"][:length])


@pytest.mark.parametrize(
    ("of", "said", "words"),
    [
        (LLAMA, {"model_type": "mamba"}, "of the type 'mamba'; read are gpt2, llama, mistral"),
        (LLAMA, {"rope_scaling": {"rope_type": "llama3"}}, "stretched for long texts"),
        (LLAMA, {"attention_bias": True}, "biases"),
        (LLAMA, {"hidden_act": "gelu"}, "with gelu"),
        (LLAMA, {"quantization_config": {"bits": 4}}, "from GGUF files only"),
        (GPT2, {"activation_function": "relu"}, "with relu"),
        (GPT2, {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        (GPT2, {"tie_word_embeddings": False}, "tied"),
    ],
)
def test_variants_that_compute_something_else_are_refused(of, said, words):
    with pytest.raises(UnsupportedModel, match=words):
        safetensors_of(of, config=of["config"] | said)


@pytest.mark.parametrize(
    ("of", "said", "words"),
    [
        (LLAMA, {"num_hidden_layers": 3}, "'model.layers.2.self_attn.q_proj.weight' is missing"),
        (LLAMA, {"num_hidden_layers": 10**9}, "1,000,000,000 layers cannot be in 21 tensors"),
        (LLAMA, {"vocab_size": 351}, r"embed.W_E should be \[351, 64\]"),
        (LLAMA, {"num_key_value_heads": 4}, "not the sizes that config.json says"),
        (LLAMA, {"num_key_value_heads": 3}, "cannot share"),
        (GPT2, {"n_embd": "wide"}, "makes no sense"),
        (GPT2, {"n_positions": 65}, r"pos_embed.W_pos should be \[65, 64\]"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(of, said, words):
    with pytest.raises(CorruptCheckpoint, match=words):
        safetensors_of(of, config=of["config"] | said)


def test_a_config_that_lacks_something_is_refused():
    less = {key: value for key, value in LLAMA["config"].items() if key != "hidden_size"}
    with pytest.raises(CorruptCheckpoint, match="does not say hidden_size"):
        safetensors_of(LLAMA, config=less)


def test_old_names_and_forms_of_a_gpt2_are_read_too():
    length = int.from_bytes(GPT2["data"][:8], "little")
    header = json.loads(GPT2["data"][8 : 8 + length])
    plain = {key.removeprefix("transformer."): entry for key, entry in header.items()}
    text = json.dumps(plain).encode()
    old = len(text).to_bytes(8, "little") + text + GPT2["data"][8 + length :]
    a, b = safetensors_of(GPT2).model.params, safetensors_of(GPT2, old).model.params
    assert all(np.array_equal(a[key], b[key]) for key in a)


# ---------------------------------------------------------------- memory


@pytest.mark.parametrize("load", [lambda room: gguf_of(TINY, room=room), lambda room: safetensors_of(GPT2, room=room)])
def test_too_little_memory_is_said_in_numbers_before_anything_is_read(load):
    with pytest.raises(TooLarge, match=r"it: its \d+,\d+ weights need 210 MB of memory; there are 100 MB"):
        load(100_000_000)
    assert load(300_000_000).model.n_params > 70_000


def test_memory_that_is_not_given_is_missed_before_anything_is_read(monkeypatch):
    def refuse(shape, dtype):
        raise MemoryError

    monkeypatch.setattr(files.np, "empty", refuse)
    with pytest.raises(TooLarge, match="it: it needs 210 MB of memory, and this browser does not give it"):
        gguf_of(TINY)


def test_a_slice_of_the_file_is_held_and_never_all_of_it(monkeypatch, tmp_path):
    """64 MB of weights from quantised zeros: the peak beside them is one block of the file and what it becomes."""
    monkeypatch.setattr(files, "BLOCK", 1 << 20)
    count = (1 << 20) // 20 * 32 * 10
    path = tmp_path / "zeros"
    path.write_bytes(bytes(count // 32 * 20))
    tracemalloc.start()
    with path.open("rb", buffering=0) as file:
        array = files.floats(file, 0, (count,), gguf.STORAGES[3], "zeros")
    peak = tracemalloc.get_traced_memory()[1] - array.nbytes
    tracemalloc.stop()
    assert peak < 12 << 20 and array.nbytes > 60 << 20


def test_a_file_that_gives_less_than_was_asked_for_is_asked_again():
    class Slow(io.BytesIO):
        def readinto(self, buffer):
            return super().readinto(memoryview(buffer)[:1000])

    slow = gguf.load(Slow(TINY), "it").model.params
    for key, value in gguf_of(TINY).model.params.items():
        np.testing.assert_array_equal(slow[key], value)

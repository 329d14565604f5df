"""The safetensors reader: what the safetensors package writes is read, and what is broken is refused in words."""

from __future__ import annotations

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.kernel import checkpoint
from explainer.kernel.checkpoint import (
    CheckpointError,
    CorruptCheckpoint,
    MissingCheckpoint,
    TruncatedCheckpoint,
    loads,
    read_safetensors,
)
from explainer.kernel.config import Config
from tests.tiny import random_params

CONFIG = Config(n_layers=1, n_heads=2, d_model=6, d_head=3, d_mlp=8, n_vocab=9, n_ctx=5)
PARAMS = random_params(CONFIG, 0)


def as_bytes(tensors, metadata, dtype="F16"):
    """A safetensors file, written by hand."""
    header, body = {"__metadata__": metadata}, b""
    for name, array in tensors.items():
        raw = np.asarray(array, dtype=checkpoint.DTYPES[dtype]).tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


GOOD = as_bytes(PARAMS, CONFIG.to_metadata() | {"seed": "1"})


def test_a_file_written_by_the_safetensors_package_is_read():
    numpy_io = pytest.importorskip("safetensors.numpy")
    half = {name: value.astype(np.float16) for name, value in PARAMS.items()}
    model = loads(numpy_io.save(half, metadata=CONFIG.to_metadata() | {"loss": "1.25"}), "test")
    assert model.config == CONFIG
    assert model.name == "test"
    assert model.metadata["loss"] == "1.25"
    assert list(model.params) == list(CONFIG.parameter_shapes)
    for name, value in model.params.items():
        assert value.dtype == np.float32
        np.testing.assert_array_equal(value, half[name])
        with pytest.raises(ValueError, match="read-only"):
            value[...] = 0
    with pytest.raises(TypeError):
        model.params["embed.W_E"] = None


def test_a_model_from_a_file_runs():
    model = loads(GOOD)
    assert model.forward([1, 2, 3])["logits"].shape == (3, 9)
    full = loads(as_bytes(PARAMS, CONFIG.to_metadata(), "F32"))
    for name in PARAMS:
        np.testing.assert_array_equal(full.params[name], PARAMS[name])


def test_a_missing_file_says_which_there_are(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "WEIGHTS", tmp_path)
    (tmp_path / "tiny.safetensors").write_bytes(GOOD)
    with pytest.raises(MissingCheckpoint, match=r"no checkpoint 'nothing' \(there is: tiny\)"):
        checkpoint.load("nothing")
    assert checkpoint.available() == ("tiny",)
    assert checkpoint.load("tiny") is checkpoint.load("tiny")
    checkpoint.load.cache_clear()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_a_file_that_ends_early_is_never_read(length):
    with pytest.raises(TruncatedCheckpoint):
        loads(GOOD[:length])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_never_read(data):
    with pytest.raises(CheckpointError):
        loads(data)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255))
def test_a_changed_header_never_ends_in_another_error(at, byte):
    data = bytearray(GOOD)
    data[at] = byte
    with contextlib.suppress(CheckpointError):
        loads(bytes(data))


def without(name):
    return {key: value for key, value in PARAMS.items() if key != name}


META = CONFIG.to_metadata()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (as_bytes(without("ln_final.w"), META), "'ln_final.w' is missing"),
        (as_bytes(PARAMS | {"extra": np.zeros(2)}, META), "unknown tensor 'extra'"),
        (as_bytes(PARAMS | {"ln_final.w": np.ones(5)}, META), r"'ln_final.w' should be \[6\] but is \[5\]"),
        (as_bytes(PARAMS | {"ln_final.w": np.full(6, np.nan)}, META), "not finite"),
        (as_bytes(PARAMS, {}), "does not say n_layers"),
        (as_bytes(PARAMS, META | {"n_heads": "two"}), "n_heads = 'two', not a number"),
        (as_bytes(PARAMS, META | {"n_heads": "-2"}), "n_heads must be a positive"),
        ((10).to_bytes(8, "little") + b"[1, 2, 3] ", "not a table"),
        ((5).to_bytes(8, "little") + b"{nope", "not JSON"),
        (b"\xff" * 64, "not a safetensors file"),
        (b"<!doctype html><html><body>404</body></html>", "not a safetensors file"),
    ],
)
def test_what_is_wrong_is_said(data, words):
    with pytest.raises(CorruptCheckpoint, match=words):
        loads(data)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": "Q4", "shape": [1], "data_offsets": [0, 2]},
        {"dtype": "F16", "shape": [1]},
        {"dtype": "F16", "shape": [-1, -1], "data_offsets": [0, 2]},
        {"dtype": "F16", "shape": [3], "data_offsets": [0, 2]},
        {"dtype": "F16", "shape": [1], "data_offsets": [-2, 0]},
        {"dtype": "F16", "shape": "x", "data_offsets": [0, 2]},
        [],
    ],
)
def test_an_entry_that_makes_no_sense(entry):
    text = json.dumps({"a": entry}).encode()
    with pytest.raises(CorruptCheckpoint, match="'a'"):
        read_safetensors(len(text).to_bytes(8, "little") + text + b"\0\0")


def test_random_weights_are_the_same_for_the_same_seed_and_read_only():
    again = random_params(CONFIG, 0)
    for name, shape in CONFIG.parameter_shapes.items():
        assert again[name].shape == shape
        np.testing.assert_array_equal(again[name], PARAMS[name])
        assert not again[name].flags.writeable
    assert (random_params(CONFIG, 1)["embed.W_E"] != PARAMS["embed.W_E"]).any()
    assert CONFIG.n_params == sum(value.size for value in PARAMS.values())


@pytest.mark.parametrize("field", [{"n_heads": 0}, {"d_model": 1.5}, {"n_vocab": "9"}, {"eps": 0.0}, {"n_layers": -1}])
def test_impossible_sizes_are_refused(field):
    with pytest.raises(ValueError, match=next(iter(field))):
        Config(
            **({"n_layers": 1, "n_heads": 2, "d_model": 6, "d_head": 3, "d_mlp": 8, "n_vocab": 9, "n_ctx": 5} | field)
        )


def test_a_file_that_does_not_say_eps_has_the_usual_one():
    said = Config(2, 3, 12, 5, 20, 17, 10, eps=1e-6).to_metadata()
    assert Config.from_metadata(said).eps == 1e-6
    del said["eps"]
    assert Config.from_metadata(said).eps == 1e-5
    del said["n_heads"]
    with pytest.raises(ValueError, match="n_heads"):
        Config.from_metadata(said)

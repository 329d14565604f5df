"""What can be loaded beside the storyteller, and from what a reader may drop."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explainer.kernel.checkpoint import CorruptCheckpoint
from explainer.models import registry
from explainer.models.byte_level import UnsupportedModel

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "golden" / "models"


def dropped(name, *suffixes):
    names = [file for file in (FOLDER / name).iterdir() if file.suffix in suffixes]
    return {file.name: io.BytesIO(file.read_bytes()) for file in names}


def test_entries_are_named_as_addresses_say_them():
    assert all(name == entry.name for name, entry in registry.MODELS.items())
    assert registry.DROPPED not in registry.MODELS
    for entry in registry.MODELS.values():
        assert entry.memory > 4 * entry.weights + 200_000_000


@pytest.mark.parametrize("name", ["tiny-gpt2", "tiny-llama"])
def test_safetensors_are_dropped_with_their_two_companions(name):
    loaded = registry.load(dropped(name, ".safetensors", ".json"), "yours")
    assert loaded.model.name == "yours" and loaded.tokenizer is not None


def test_a_gguf_needs_no_companion_and_names_may_be_in_capitals():
    with (FOLDER / "tiny-llama.gguf").open("rb") as file:
        assert registry.load({"CONFIG.JSON": io.BytesIO(b""), "a.GGUF": file}, "b").tokenizer


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "a model is one .gguf file"),
        ({"cat.png": io.BytesIO(b"")}, "a model is one .gguf file"),
        (dropped("tiny-llama", ".safetensors"), "drop its config.json with it"),
        ({"a.safetensors": io.BytesIO(b""), "b.safetensors": io.BytesIO(b"")}, "in 2 files"),
    ],
)
def test_what_is_no_model_gets_a_sentence(files, words):
    with pytest.raises(UnsupportedModel, match=words):
        registry.load(files, "yours")


def test_a_config_that_is_no_json_gets_a_sentence():
    files = dropped("tiny-llama", ".safetensors") | {"config.json": io.BytesIO(b"{oops")}
    with pytest.raises(CorruptCheckpoint, match=r"config.json is not JSON"):
        registry.load(files, "yours")


def test_slices_of_the_browsers_file_are_read_like_a_file():
    data = (FOLDER / "tiny-llama.gguf").read_bytes()
    asked = []

    class Piece:
        def __init__(self, first, end):
            asked.append(end - first)
            self.data = data[first:end]

        def assign_to(self, buffer):
            assert len(buffer) == len(self.data)
            buffer[:] = self.data

    mine = registry.load({"a.gguf": registry.Slices(len(data), Piece)}, "a").model
    other = registry.load({"a.gguf": io.BytesIO(data)}, "a").model
    for key, value in other.params.items():
        np.testing.assert_array_equal(mine.params[key], value)
    assert len(asked) > 20 and sum(asked) < 2 * len(data)


def test_who_stays_with_the_storyteller_imports_no_reader_of_files():
    code = "import sys; from explainer.models import lab, registry; registry.MODELS; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    there = set(done.stdout.split())
    assert "explainer.models.registry" in there
    assert not there & {"explainer.models.gguf", "explainer.models.files", "explainer.architectures"}

"""What the worker asks of Python for a further model, and what it is answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from explainer.host import models
from explainer.models import lab, registry

DATA = (Path(__file__).parents[1] / "golden" / "models" / "tiny-llama.gguf").read_bytes()


class Bytes(bytes):
    """What a slice of the browser's gives: bytes that can be assigned to a buffer."""

    def assign_to(self, buffer):
        buffer[:] = self


def of(data):
    return len(data), lambda first, end: Bytes(data[first:end])


@pytest.fixture(autouse=True)
def bench():
    yield
    lab.let_go()


def test_a_model_of_the_site_is_on_the_bench_then():
    assert models.holding() == "null"
    said = json.loads(models.take("tiny-llama", [("tiny-llama.gguf", *of(DATA))]))["model"]
    assert json.loads(models.holding()) == said and said.pop("taken") > 0
    assert said.pop("title") == "a random Llama" and said.pop("name") == "tiny-llama" and said.pop("licence") == "MIT"
    assert said == {"weights": 106_816, "layers": 2, "heads": 4, "vocabulary": 352, "window": 64}
    assert json.loads(models.take("tiny-llama", []))["model"]["weights"] == 106_816  # it is here: nothing is read
    assert lab.model("tiny-llama").n_params == said["weights"]


def test_two_files_of_the_same_name_are_two_models():
    first, second = (
        json.loads(models.take(registry.DROPPED, [("mine.gguf", *of(DATA))]))["model"]["taken"] for _ in range(2)
    )
    assert second > first


def test_memory_that_is_not_there_is_named(monkeypatch):
    models.take("tiny-llama", [("tiny-llama.gguf", *of(DATA))])

    def full(files, title, room, ready):
        ready(object())
        raise MemoryError

    monkeypatch.setattr(registry, "load", full)
    problem = json.loads(models.take(registry.DROPPED, [("mine.gguf", *of(DATA))]))["problem"]
    assert problem == "mine.gguf: there is not enough memory for it here."
    assert models.holding() == "null", "the one before has gone, and it is said"


def test_the_one_before_goes_before_weights_are_read_and_not_sooner():
    models.take("tiny-llama", [("tiny-llama.gguf", *of(DATA))])
    here = []

    def slice(first, end):
        here.append(lab.is_here("tiny-llama"))
        return Bytes(DATA[first:end])

    assert "model" in json.loads(models.take(registry.DROPPED, [("mine.gguf", len(DATA), slice)]))
    assert here[0] and not here[-1] and here == sorted(here, reverse=True)


def test_a_dropped_file_is_called_what_it_calls_itself():
    said = json.loads(models.take(registry.DROPPED, [("mine.gguf", *of(DATA))]))["model"]
    assert said["title"] == "tiny random llama" and said["licence"] == "MIT"
    assert lab.model(registry.DROPPED).name == "mine.gguf"


@pytest.mark.parametrize(
    ("files", "room", "sentence"),
    [
        ([("mine.gguf", *of(DATA[:900]))], None, "mine.gguf: the file ends inside its header (900 bytes)."),
        ([("mine.gguf", *of(DATA))], 1000, "mine.gguf: its 106,816 weights need 210 MB of memory; there are 0 MB."),
        ([], None, "your file: a model is one .gguf file, or a .safetensors file with its config.json."),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_what_was_there_stays(files, room, sentence):
    assert json.loads(models.take(registry.DROPPED, files, room)) == {"problem": sentence}
    assert lab.model().name == lab.STORYTELLER and not lab.is_here(registry.DROPPED)
    before = json.loads(models.take("tiny-llama", [("tiny-llama.gguf", *of(DATA))]))["model"]
    assert json.loads(models.take(registry.DROPPED, files, room)) == {"problem": sentence}
    assert json.loads(models.holding()) == before, "a file that cannot be read takes nothing away"

"""A model of bytes beside a model of pieces: equal in what is said to be equal, and asked the same question."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.live import alphabets
from explainer.live.alphabets import END, KINDS, Stories
from explainer.live.nets import Net
from explainer.models import lab
from explainer.training import alphabets as training

keep = training.keep
TOKENIZER = lab.tokenizer()


def test_they_have_equally_many_weights_and_as_much_computing_as_is_said():
    pieces, letters = (alphabets.shape(which, TOKENIZER) for which in ("pieces", "bytes"))
    sizes = [Net(shape, 0).size for shape in (pieces, letters)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
    work = {}
    for kind in KINDS:
        shape = alphabets.shape(alphabets.alphabet(kind), TOKENIZER)
        work[kind] = alphabets.operations(shape) * alphabets.BATCHES[kind] * alphabets.steps(kind, TOKENIZER)
    assert work["bytes-compute"] == pytest.approx(work["pieces"], rel=0.01)
    assert alphabets.steps("bytes-text", TOKENIZER) == alphabets.steps("pieces", TOKENIZER)


def test_multiplications_are_those_of_its_matrices_and_of_the_half_that_is_not_masked():
    shape = alphabets.shape("bytes", TOKENIZER)
    net = Net(shape, 0)
    matrices = sum(w.size for name, w in net.weights.of.items() if w.ndim == 2 and not name.startswith("embed"))
    pairs = sum(t + 1 for t in range(shape.length))
    assert alphabets.operations(shape) == shape.length * matrices + shape.layers * pairs * 2 * shape.width


def test_both_are_given_the_same_stories():
    decode = {
        "pieces": lambda row: b"".join(b"|" if s == END else TOKENIZER.token_bytes(s) for s in row),
        "bytes": lambda row: bytes(ord("|") if s == END else s - 1 for s in row),
    }
    texts = []
    for which in ("pieces", "bytes"):
        tokens, right = Stories(which, TOKENIZER).batch(3, 5, 2)
        assert (tokens.ravel()[1:] == right.ravel()[:-1]).all()
        texts.append(decode[which](tokens.ravel().tolist()))
    size = min(map(len, texts)) - 4
    assert texts[0][:size] == texts[1][:size] and size > 500


def test_texts_read_side_by_side_cost_what_they_cost_alone():
    net = Net(alphabets.shape("bytes", TOKENIZER), 1)
    texts = [[5, 9, 200, 7], [1], [], [3] * 9 + [END]]
    together = alphabets.surprises(net, texts)
    for text, found in zip(texts, together, strict=True):
        np.testing.assert_allclose(found, alphabets.surprise(net, text), rtol=1e-5)
    assert alphabets.surprise(net, [5, 9], ended=True)[:2] == pytest.approx(alphabets.surprise(net, [5, 9]))


def test_no_forecaster_costs_less_than_the_truth_on_the_whole():
    floor = alphabets.floor(TOKENIZER)
    assert sum(floor.bytes) == sum(
        len(TOKENIZER.token_bytes(t)) for tokens, _ in alphabets.texts(TOKENIZER) for t in tokens
    )
    uniform = alphabets.costs(Net(alphabets.shape("bytes", TOKENIZER), 0), "bytes", TOKENIZER)
    assert alphabets.per_byte(uniform, floor).low > 3


def test_a_training_that_was_broken_off_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(alphabets, "STEPS", 4)
    monkeypatch.setattr(training, "EVERY", 2)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    for folder in (whole, cut):
        monkeypatch.setattr(training, "KEPT", folder)
        monkeypatch.setattr(training, "WEIGHTS", folder)
        if folder == cut:
            with monkeypatch.context() as broken, pytest.raises(KeyboardInterrupt):
                broken.setattr(training, "keep", lambda *of: (keep(*of), (_ for _ in ()).throw(KeyboardInterrupt)))
                training.train("pieces", 5)
            assert int(np.load(cut / "pieces-5.npz")["steps"]) == 2
        training.train("pieces", 5)
    assert np.array_equal(*(np.load(folder / "pieces-5.npz")["value"] for folder in (whole, cut)))
    assert (whole / "pieces-5.safetensors").is_file()

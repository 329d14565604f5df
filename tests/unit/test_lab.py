"""The bench serves a further model as it serves the storyteller, and gives back what it took."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explainer.kernel.interventions import HeadOff
from explainer.models import lab, registry

FOLDER = Path(__file__).parents[1] / "golden" / "models"
NAME = "tiny-llama"


@pytest.fixture
def taken():
    with (FOLDER / "tiny-llama.gguf").open("rb") as file:
        lab.take(NAME, registry.load({"tiny-llama.gguf": file}, NAME))
    yield lab.model(NAME)
    lab.let_go()


def test_every_question_can_be_about_it(taken):
    tokens = lab.tokens_of("It's 1969, 12", NAME)
    assert (
        lab.tokenizer(NAME).decode(tokens) == "It's 1969, 12" == "".join(lab.names_of(tokens, NAME)).replace("␣", " ")
    )
    assert tokens[0] != lab.tokenizer().end_id or not lab.tokenizer(NAME).start
    assert lab.window(NAME) == 64 and lab.window() == lab.model().config.n_ctx
    trace = lab.trace(tokens, NAME)
    assert trace is lab.trace(tokens, NAME) and trace["logits"].shape == (len(tokens), taken.config.n_vocab)
    off = lab.trace(tokens, NAME, (HeadOff(1, 2),))
    assert not np.array_equal(off["logits"], trace["logits"])


def test_the_storyteller_stays_what_it_is(taken):
    tokens = lab.tokens_of("Once there was Vizo. Vizo")
    assert tokens[0] == lab.tokenizer().end_id and len(lab.names_of(tokens)) == len(tokens)
    assert lab.trace(tokens).config == lab.model().config != taken.config


def test_traces_of_a_large_model_are_few_and_go_with_it(taken):
    first = lab.trace((5, 6), NAME)
    for token in range(3, 8):
        lab.trace((token,), NAME)
    assert lab.trace((5, 6), NAME) is not first
    lab.let_go()
    with pytest.raises(lab.checkpoint.CheckpointError, match="no checkpoint 'tiny-llama'"):
        lab.model(NAME)


def test_one_goes_when_another_comes(taken):
    with (FOLDER / "tiny-llama.gguf").open("rb") as file:
        lab.take(registry.DROPPED, registry.load({"a.gguf": file}, "yours"))
    assert lab.model(registry.DROPPED).name == "yours"
    with pytest.raises(lab.checkpoint.CheckpointError):
        lab.model(NAME)
    lab.let_go()


def test_a_model_without_a_tokenizer_is_refused(taken):
    from dataclasses import replace

    with (FOLDER / "tiny-llama.gguf").open("rb") as file:
        loaded = replace(registry.load({"a.gguf": file}, "yours"), tokenizer=None)
    with pytest.raises(ValueError, match=r"no tokenizer\.json"):
        lab.take("yours", loaded)

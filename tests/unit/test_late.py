"""A model whose weights are read when they are first asked for, as a resumed Python has it."""

from collections.abc import Iterator

import numpy as np
import pytest

from explainer.host import late
from explainer.kernel import checkpoint
from explainer.kernel.checkpoint import MissingCheckpoint
from explainer.models import lab
from explainer.studies import story


@pytest.fixture
def put_off() -> Iterator[None]:
    """The model without its weights; afterwards with them, as it was."""
    model = lab.model()
    whole = model.params
    lab._trace.cache_clear()
    late.put_off()
    yield
    object.__setattr__(model, "params", whole)
    checkpoint.load.cache_clear()


def test_its_sizes_are_there_and_its_weights_come_when_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = lab.model(), lab.tokens_of("Mia has a")
    whole, logits = model.params, lab.trace(tokens)["logits"].copy()
    read = []
    loads = checkpoint.loads
    monkeypatch.setattr(checkpoint, "loads", lambda *given: (read.append(1), loads(*given))[1])
    lab._trace.cache_clear()
    late.put_off()
    assert model.config.n_ctx > 0 and lab.tokens_of("Tom") and not read
    assert np.array_equal(lab.trace(tokens)["logits"], logits)
    assert len(read) == 1 and not isinstance(model.params, late.Weights)
    assert story.fingerprint_of(model.params) == story.fingerprint_of(whole)


def test_it_can_be_asked_as_any_weights(put_off: None) -> None:
    weights = lab.model().params
    assert isinstance(weights, late.Weights)
    names = set(weights)
    assert len(names) == len(weights) > 10 and dict(weights).keys() == names


def test_where_the_file_is_missing_it_says_so(put_off: None, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(checkpoint, "WEIGHTS", tmp_path)
    with pytest.raises(MissingCheckpoint):
        lab.trace(lab.tokens_of("Mia has a"))

"""Entropies over temperatures and places, against the chain of the temperature page and shorter texts."""

import math

import numpy as np
import pytest

from explainer.kernel.ops import entropy
from explainer.kernel.temperature import chain
from explainer.models import lab
from explainer.studies import openness


def test_each_is_the_entropy_of_the_chain_at_that_temperature():
    logits = np.random.default_rng(0).normal(0, 3, 50)
    found = openness.entropy_by_temperature(logits)
    assert found.shape == (len(openness.TEMPERATURES),) and 1.0 in openness.TEMPERATURES
    assert found == pytest.approx([float(entropy(chain(logits, t).probs)) for t in openness.TEMPERATURES], abs=1e-12)
    assert (np.diff(found) >= -1e-12).all() and found[0] < 0.01 and found[-1] < math.log(50)


def test_an_impossible_token_and_a_temperature_of_0():
    assert openness.entropy_by_temperature(np.array([0.0, 0.0, -np.inf]), (0.5,)) == pytest.approx([math.log(2)])
    with pytest.raises(ValueError, match="above 0"):
        openness.entropy_by_temperature(np.zeros(3), (0.0,))


def test_a_token_more_changes_none_before_it():
    tokens = lab.tokens_of("Mia has a red ball.")
    whole = openness.entropy_by_place(lab.trace(tokens)["logits"])
    shorter = openness.entropy_by_place(lab.trace(tokens[:-1])["logits"])
    assert whole.shape == (len(tokens),) and whole[:-1] == pytest.approx(shorter, rel=1e-4)

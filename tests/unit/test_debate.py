"""The two measurements of the debate on /paths/: columns that read nobody, and a loss that pulls at others."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.kernel import interventions
from explainer.kernel.model import forward
from explainer.models import lab
from explainer.studies import debate

TOKENS = lab.tokens_of("Once there was a brave girl named Lily.")
MODEL = lab.model()


def test_columns_that_read_alone_read_themselves_and_the_start_and_the_last_reads_all():
    trace = forward(MODEL.params, TOKENS, MODEL.config, [debate.ReadAlone()])
    n = len(TOKENS)
    for layer in range(MODEL.config.n_layers):
        pattern = trace[f"blocks.{layer}.attn.pattern"]
        for query in range(n - 1):
            others = [k for k in range(1, n) if k != query]
            assert not pattern[:, query, others].any()
        assert (pattern[:, -1] > 0).all()


def test_it_is_what_cutting_every_one_of_these_edges_is():
    """The same by the kernel's own tool, edge by edge."""
    config, n = MODEL.config, len(TOKENS)
    cut = frozenset(
        (layer, head, query, key)
        for layer in range(config.n_layers)
        for head in range(config.n_heads)
        for query in range(n - 1)
        for key in range(1, query)
    )
    edges = forward(MODEL.params, TOKENS, config, [interventions.NoEdges(cut)])["logits"][-1]
    np.testing.assert_array_equal(edges, forward(MODEL.params, TOKENS, config, [debate.ReadAlone()])["logits"][-1])
    assert debate.shift(TOKENS) > 0.9 and debate.shift(TOKENS[:2]) == pytest.approx(0, abs=1e-6)


def test_a_model_of_one_layer_has_nothing_to_remember():
    model = lab.model(lab.FAMILY[1])
    ever, alone = (
        forward(model.params, TOKENS, model.config, edits)["logits"][-1] for edits in ((), (debate.ReadAlone(),))
    )
    np.testing.assert_array_equal(ever, alone)


def test_the_loss_pulls_at_other_columns_unless_there_is_none():
    assert 0.2 < debate.pull_elsewhere(TOKENS) < 0.95
    assert debate.pull_elsewhere(TOKENS[:2]) == 0

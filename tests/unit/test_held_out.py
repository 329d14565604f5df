"""The one held-out set: what is in it, its expectations and its intervals, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.corpus import KINDS, held_out, iterate_truth, truth
from explainer.models import lab

TOKENIZER = lab.tokenizer()


def test_the_set_has_every_kind_of_decision_and_whole_documents():
    """Twelve documents had no counting and no bracket in them, and 18 tokens of invented names."""
    texts = held_out.documents(TOKENIZER)
    assert len(texts) == held_out.N_DOCUMENTS >= 200
    for kind in KINDS:
        assert sum(kind in text.kinds for text in texts) >= 15, kind
        assert sum(text.kinds.count(kind) for text in texts) >= 50, kind
    for text in texts:
        assert text.tokens[0] == TOKENIZER.end_id and len(text.tokens) <= truth.N_CTX + 1
        assert len(text.kinds) == len(text.read) == len(text.tokens) - 1
    cut = sum(text.tokens[-1] != TOKENIZER.end_id for text in texts)
    assert cut <= len(texts) // 100


def test_no_training_and_no_card_draws_with_its_seed():
    """Training draws with three numbers (seed, 1, step); the cards with (977, 0) and single numbers."""
    assert len(held_out.SEED) == 2 and held_out.SEED != (977, 0)


def test_odds_are_those_of_the_truth():
    text = held_out.documents(TOKENIZER)[0]
    assert text.odds() == [odds for odds, _, _ in iterate_truth(text.tokens, TOKENIZER)]


def test_losses_are_expectations_and_never_below_the_floor():
    rng = np.random.default_rng(0)
    texts = held_out.documents(TOKENIZER)[:4]
    made = {text.read: rng.normal(0, 3, (len(text.read), TOKENIZER.n_vocab)).astype(np.float32) for text in texts}
    found = held_out.tally(lambda tokens: made[tokens], texts)
    least = held_out.floor_tally(texts)
    for i, text in enumerate(texts):
        for t, odds in enumerate(text.odds()):
            row = made[text.read][t].astype(float)
            shares = np.exp(row - row.max())
            shares /= shares.sum()
            assert found.loss[i][t] == pytest.approx(-sum(p * np.log(shares[v]) for v, p in odds.items()))
            assert found.right[i][t] == pytest.approx(odds.get(int(row.argmax()), 0.0))
            assert least.loss[i][t] == pytest.approx(-sum(p * np.log(p) for p in odds.values()), abs=1e-12)
            assert least.right[i][t] == max(odds.values()) and found.loss[i][t] >= least.loss[i][t]
    whole = held_out.summary(found, texts, least)
    each = np.concatenate(found.loss)
    assert whole.cross_entropy.value == pytest.approx(each.mean()) and whole.cross_entropy.tokens == len(each)
    assert whole.rise.value == pytest.approx(each.mean() - np.concatenate(least.loss).mean())
    total = sum(m.value * m.tokens for m in whole.by_kind.values())
    assert total == pytest.approx(each.sum()) and sum(m.tokens for m in whole.by_kind.values()) == len(each)


def test_who_says_the_truth_has_the_floor_and_no_rise():
    texts = held_out.documents(TOKENIZER)[:5]

    def true_logits(tokens):
        text = next(t for t in texts if t.read == tokens)
        logits = np.full((len(tokens), TOKENIZER.n_vocab), -1e3)
        logits[text.place, text.token] = np.log(text.truth)
        return logits

    found = held_out.summary(held_out.tally(true_logits, texts), texts, held_out.floor_tally(texts))
    assert found.rise.value == pytest.approx(0, abs=1e-9)


def test_an_interval_covers_as_often_as_it_says():
    """200 samples of documents of different lengths, whose true mean is known: about 95 in 100 intervals hold it."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(200):
        counts = rng.integers(5, 80, 60).astype(float)
        sums = np.array([rng.normal(rng.normal(0, 0.3) + 1, 1, int(n)).sum() for n in counts])
        found = held_out.mean(sums, counts)
        assert found.low < found.value < found.high and found.value == pytest.approx(sums.sum() / counts.sum())
        held += found.low <= 1 <= found.high
    assert 180 <= held <= 199
    none = held_out.mean(np.array([0.0, 3.0, 0.0, 5.0]), np.array([0.0, 2.0, 0.0, 2.0]))
    assert (none.value, none.tokens, none.documents) == (2.0, 4, 2)

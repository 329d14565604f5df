"""Head roles: each score is high for a head built to have that role and low for others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from explainer.kernel.config import Config
from explainer.kernel.heads import (
    CLEAR,
    FIRST_QUERY,
    MEASURED,
    ROLES,
    HeadScores,
    continuations,
    measure,
    repeated_sequences,
    role_targets,
)
from explainer.kernel.model import forward
from tests.tiny import parse, random_params

CONFIG = Config(n_layers=2, n_heads=3, d_model=12, d_head=4, d_mlp=16, n_vocab=40, n_ctx=32)
PARAMS = random_params(CONFIG, 1)
ROOT = Path(__file__).resolve().parents[2]


def test_random_text_is_written_twice():
    for text in repeated_sequences(CONFIG, seed=3, n_sequences=5):
        half = len(text) // 2
        assert text[:half] == text[half:]
        assert half == 16
        assert len(set(text)) == half
    assert repeated_sequences(CONFIG, seed=3) == repeated_sequences(CONFIG, seed=3)
    assert repeated_sequences(CONFIG, seed=3) != repeated_sequences(CONFIG, seed=4)
    assert set(repeated_sequences(CONFIG, pool=[5, 6])[0]) <= {5, 6}


def test_what_an_induction_head_would_read():
    table = continuations([7, 8, 9, 7, 8, 7])
    found = {(int(t), int(s)) for t, s in np.argwhere(table)}
    assert found == {(3, 1), (4, 2), (5, 1), (5, 4)}


def test_roles_point_backwards_only():
    for table in role_targets([1, 2, 1, 2, 3, 1, 2]).values():
        assert not np.triu(table, k=1).any()


def test_uniform_attention_scores_exactly_chance_and_is_mixed():
    scores = measure(PARAMS, CONFIG, interventions=parse("uniform attention"))
    for role in MEASURED:
        np.testing.assert_allclose(scores.scores[role], scores.chance[role], atol=1e-6)
        assert 0 < scores.chance[role] < 0.2
    assert scores.label(0, 0)[0] == "mixed"


def built(position_weight, token_weight=0.0):
    """Weights by hand: one layer, one head per role, by writing positions and tokens one-hot into the stream.

    Head 0 looks at the previous token, head 1 at itself, head 2 at the first.
    """
    n = 16
    config = Config(n_layers=1, n_heads=3, d_model=2 * n, d_head=n, d_mlp=1, n_vocab=n, n_ctx=n)
    params = {name: np.zeros(shape, dtype=np.float32) for name, shape in config.parameter_shapes.items()}
    params["embed.W_E"][:, :n] = np.eye(n) * token_weight
    params["pos_embed.W_pos"][:, n:] = np.eye(n)
    params["blocks.0.ln1.w"][:] = 1
    for head in range(3):
        params["blocks.0.attn.W_K"][head, n:] = np.eye(n) * position_weight
    params["blocks.0.attn.W_Q"][0, n:] = np.eye(n, k=-1) * position_weight  # the query of t asks for t - 1
    params["blocks.0.attn.W_Q"][1, n:] = np.eye(n) * position_weight
    params["blocks.0.attn.W_Q"][2, n:, 0] = position_weight
    return config, params


def test_heads_built_for_a_role_are_recognised():
    config, params = built(4.0)
    scores = measure(params, config)
    assert scores.label(0, 0) == ("previous token", pytest.approx(1, abs=0.05))
    assert scores.label(0, 1) == ("current token", pytest.approx(1, abs=0.05))
    assert scores.label(0, 2) == ("first token", pytest.approx(1, abs=0.05))
    assert scores.best("previous_token")[:2] == (0, 0)
    assert scores.scores["first_token"][0, 0] < 0.1


def test_an_induction_head_built_by_hand_is_recognised():
    """Two layers: the first copies each token's predecessor beside it, the second looks for its own token there."""
    n, m = 20, 40
    config = Config(n_layers=2, n_heads=1, d_model=2 * m + n, d_head=m, d_mlp=1, n_vocab=m, n_ctx=n)
    params = {name: np.zeros(shape, dtype=np.float32) for name, shape in config.parameter_shapes.items()}
    params["embed.W_E"][:, :m] = np.eye(m)
    params["pos_embed.W_pos"][:, 2 * m :] = np.eye(n)
    for layer in range(2):
        params[f"blocks.{layer}.ln1.w"][:] = 1
    first, second = "blocks.0.attn.", "blocks.1.attn."
    params[first + "W_Q"][0, 2 * m :, :n] = np.eye(n, k=-1) * 6
    params[first + "W_K"][0, 2 * m :, :n] = np.eye(n) * 6
    params[first + "W_V"][0, :m] = np.eye(m)
    params[first + "W_O"][0, :, m : 2 * m] = np.eye(m)  # "my predecessor was ..."
    params[second + "W_Q"][0, :m] = np.eye(m) * 6
    params[second + "W_K"][0, m : 2 * m] = np.eye(m) * 6
    scores = measure(params, config)
    assert scores.label(0, 0)[0] == "previous token"
    text, score = scores.label(1, 0)
    assert text == "induction"
    assert score > 0.9
    assert scores.chance["induction"] < 0.1


def test_queries_with_too_few_keys_are_not_asked():
    """The first four see at most four tokens: there 'the previous one' is half of what there is to see."""
    assert FIRST_QUERY == 4
    five = [[1, 2, 3, 4, 5]]
    pattern = forward(PARAMS, five[0], CONFIG)["blocks.0.attn.pattern"]
    scores = measure(PARAMS, CONFIG, documents=five)
    np.testing.assert_allclose(scores.scores["previous_token"][0], pattern[:, 4, 3], atol=1e-6)
    assert scores.chance["previous_token"] == pytest.approx(1 / 5)
    assert measure(PARAMS, CONFIG, documents=[[1, 2, 3, 4]]).chance["previous_token"] == 0  # nobody was asked


def test_scores_are_mean_attention_weights():
    texts = [[1, 2, 3, 4, 5, 6, 7, 8], [9, 9, 9, 9, 9, 9]]
    scores = measure(PARAMS, CONFIG, documents=texts)
    expected = []
    for text in texts:
        pattern = forward(PARAMS, text, CONFIG)["blocks.1.attn.pattern"][2]
        expected += [pattern[t, t - 1] for t in range(FIRST_QUERY, len(text))]
    assert scores.scores["previous_token"][1, 2] == pytest.approx(np.mean(expected), abs=1e-6)


def test_a_label_below_the_line_is_mixed_with_its_best_score():
    first, copy = np.array([[CLEAR - 0.01, CLEAR, 0.1]]), np.array([[0.1, 0.2, 0.9]])
    scores = HeadScores({"first_token": first, "copy": copy}, {}, {})
    assert scores.label(0, 0) == ("mixed", CLEAR - 0.01)
    assert scores.label(0, 1) == ("first token", CLEAR)
    assert scores.label(0, 2) == (ROLES["copy"][0], 0.9)
    assert scores.best("copy") == (0, 2, 0.9)


def test_heads_are_called_by_one_table_and_one_threshold():
    """Whoever needs a role's name or what is clear takes it from explainer/kernel/heads.py."""
    sources = [
        f for f in ROOT.glob("explainer/**/*.py") if re.search(r"^(ROLES|CLEAR)\b.*=", f.read_text("utf-8"), re.M)
    ]
    assert [f.relative_to(ROOT).as_posix() for f in sources] == ["explainer/kernel/heads.py"]

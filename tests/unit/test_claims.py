"""What the model cards (and the README, from them) claim about the weights that ship, measured again with numpy.

Less text than the cards' own (explainer/training/evaluate.py, torch), so that it takes seconds: the claims must lie
within what so little text can tell.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explainer import checkpoint
from explainer.corpus import iterate_truth, sample_words, windows
from explainer.ops import log_softmax
from explainer.tokenizer import Tokenizer

NAMES = ("storyteller-1l", "storyteller-2l", "storyteller-4l")
CARDS = {path.stem: json.loads(path.read_text("utf-8")) for path in checkpoint.WEIGHTS.glob("storyteller-*.json")}
README = Path(__file__).parents[2] / "README.md"
TOKENIZER = Tokenizer.load()
WINDOWS = 16
CARD_WINDOWS = 600
HELD_OUT_SEED = (977, 0)  # the cards' (explainer/training/train.py); training itself draws with three numbers


def test_every_model_has_a_card_that_belongs_to_it():
    assert set(checkpoint.available()) == set(CARDS) == set(NAMES)
    for name, card in CARDS.items():
        model = checkpoint.load(name)
        assert card["name"] == name
        assert card["metadata"] == dict(model.metadata or {})
        assert card["parameters"] == model.n_params
        assert card["bytes"] == (checkpoint.WEIGHTS / f"{name}.safetensors").stat().st_size
        assert (checkpoint.WEIGHTS / f"{name}.md").read_text("utf-8").startswith(f"# {name}\n")


@pytest.fixture(scope="module")
def excess() -> dict[str, tuple[float, float]]:
    """name -> (divergence of the model from the truth, the truth's own entropy), nats per token on held-out windows."""
    rows = windows(WINDOWS, HELD_OUT_SEED, TOKENIZER)
    lost = dict.fromkeys(NAMES, 0.0)
    floor = 0.0
    for row in rows:
        logs = {
            name: log_softmax(checkpoint.load(name).forward(row[:-1])["logits"].astype(np.float64)) for name in NAMES
        }
        for t, (odds, _, _) in enumerate(iterate_truth(row, TOKENIZER)):
            ids, p = np.fromiter(odds, dtype=int), np.fromiter(odds.values(), dtype=float)
            floor -= float((p * np.log(p)).sum())
            for name in NAMES:
                lost[name] += float((p * (np.log(p) - logs[name][t, ids])).sum())
    n = rows[:, 1:].size
    return {name: (lost[name] / n, floor / n) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_loss_over_the_floor_is_what_the_card_says(excess, name):
    claimed = CARDS[name]["held_out"]
    assert claimed["windows"] == CARD_WINDOWS
    # the card's own windows begin with these; the divergence on so few is known only roughly
    error = claimed["excess_error"] * (CARD_WINDOWS / WINDOWS) ** 0.5
    assert abs(excess[name][0] - claimed["excess"]) < 4 * error


def test_four_layers_come_within_three_percent_of_the_floor_and_one_does_not(excess):
    assert CARDS["storyteller-4l"]["held_out"]["over_floor"] < 0.03
    lost, floor = excess["storyteller-4l"]
    assert lost / floor < 0.03
    lost, floor = excess["storyteller-1l"]
    assert lost / floor > 0.08


def later_syllables(name: str, n_documents: int = 25, seed: int = 2001) -> float:
    """Of an invented name that has begun: how often the likeliest token is the right one. Only copying finds it."""
    model, rng, right, asked, read = checkpoint.load(name), np.random.default_rng(seed), 0, 0, 0
    while read < n_documents:
        words = [TOKENIZER.encode_word(word) for word in sample_words(rng)]
        tokens = [TOKENIZER.end_id, *(token for word in words for token in word)][: model.config.n_ctx + 1]
        copied = [
            t
            for t, (_, kind, _) in enumerate(iterate_truth(tokens, TOKENIZER))
            if kind == "copy" and not TOKENIZER.token_bytes(tokens[t + 1]).startswith(b" ")
        ]
        if copied:
            read += 1
            guess = model.forward(tokens[:-1])["logits"].argmax(axis=-1)
            asked += len(copied)
            right += sum(int(guess[t]) == tokens[t + 1] for t in copied)
    return right / asked


def test_copying_needs_two_layers():
    assert CARDS["storyteller-4l"]["names"]["all_tokens"] >= 0.95
    assert later_syllables("storyteller-4l") >= 0.95
    assert later_syllables("storyteller-2l") >= 0.95
    assert later_syllables("storyteller-1l") < 0.85


def test_the_readme_says_what_the_cards_say():
    """README's table, row by row, from the cards."""
    lines = [line.split("|") for line in README.read_text("utf-8").splitlines() if line.startswith("| ")]
    rows = {label.strip(): cells[:3] for _, label, *cells in lines}
    cards = [CARDS[f"storyteller-{n}l"] for n in (4, 2, 1)]
    percent = lambda x: float(x.split("%")[0])  # noqa: E731
    for shown, card in zip(rows["over the floor"], cards, strict=True):
        assert percent(shown) == pytest.approx(100 * card["held_out"]["over_floor"], abs=0.051)
    for shown, card in zip(rows["invented names, tokens copied right"], cards, strict=True):
        assert percent(shown) == pytest.approx(100 * card["names"]["all_tokens"], abs=0.051)
    for shown, card in zip(rows["later syllables only (copying inside a name)"], cards, strict=True):
        assert percent(shown) == pytest.approx(100 * card["names"]["later_syllables"], abs=0.051)
    for label, key in (
        ("sums of three numbers, answer before working", "answer_before_working"),
        ("the same, answer after its own working", "answer_after_own_working"),
    ):
        for shown, card in zip(rows[label], cards, strict=True):
            assert percent(shown) == pytest.approx(100 * card["sums"]["3_terms"][key], abs=0.051)

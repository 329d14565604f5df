"""What the model cards (and the README, from them) claim about the weights that ship, measured again with numpy.

Less text than the cards' own (explainer/training/evaluate.py, torch), so that it takes seconds: the claims must lie
within what so little text can tell.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from explainer.corpus import iterate_truth, names, windows
from explainer.corpus.grammar import ECHO_POOL
from explainer.kernel import checkpoint
from explainer.kernel.ops import log_softmax
from explainer.kernel.tokenizer import Tokenizer, split_words
from explainer.training.plan import Plan, has_held_out_name

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


def test_four_layers_come_within_two_percent_of_the_floor_two_within_five_and_one_does_not(excess):
    for name, most in (("storyteller-4l", 0.02), ("storyteller-2l", 0.05)):
        assert CARDS[name]["held_out"]["over_floor"] <= most
        lost, floor = excess[name]
        assert lost / floor < 1.5 * most  # so few windows tell it only roughly
    lost, floor = excess["storyteller-1l"]
    assert lost / floor > 0.08


N_NAMES = 300


@pytest.fixture(scope="module")
def open_names() -> dict[str, tuple[float, float]]:
    """name of a model -> (later pieces right, those right that two pieces of context determine), on unheard names.

    300 random names of two to eight letters, each from the tenth that training never saw (corpus.names).
    """
    found = {}
    for model_name in NAMES:
        model, right, determined = checkpoint.load(model_name), [], []
        for i, name in enumerate(names.unheard(N_NAMES, 77)):
            tokens, places = names.copied(name, names.FRAMES[i % len(names.FRAMES)], TOKENIZER)
            guess = model.forward(tokens)["logits"].argmax(axis=-1)
            for place in places:
                right.append(int(guess[place.at - 1]) == place.token)
                if place.determined:
                    determined.append(right[-1])
        found[model_name] = (float(np.mean(right)), float(np.mean(determined)))
    return found


def test_names_that_nobody_ever_used_are_copied(open_names):
    """The promise of page one; one layer cannot keep it."""
    for name in ("storyteller-4l", "storyteller-2l"):
        everywhere, determined = open_names[name]
        assert everywhere >= 0.92, name
        assert determined >= 0.95, name
    assert open_names["storyteller-1l"][0] < open_names["storyteller-4l"][0] - 0.15


def test_what_the_cards_say_of_names_is_what_is_found_with_others(open_names):
    for name in NAMES:
        claimed = CARDS[name]["open_names"]
        assert claimed["names"] == N_NAMES
        # pieces of a name are not independent: an interval for as many names as there are
        error = (claimed["all_pieces"] * (1 - claimed["all_pieces"]) / N_NAMES) ** 0.5
        assert abs(open_names[name][0] - claimed["all_pieces"]) < 4 * error + 0.01, name


def test_training_saw_none_of_the_held_out_names():
    """The very documents of the first batches, drawn again as training draws them; the held-out text has such names."""
    held = lambda row: [  # noqa: E731
        n for n in names.names_in(split_words(TOKENIZER.decode(row))) if names.held_out(n)
    ]
    for step in (0, 1, 5999):
        rows = windows(32, (1, 1, step), TOKENIZER, reject=has_held_out_name)
        for row in rows:
            whole = row[: len(row) - int(np.argmax(row[::-1] == TOKENIZER.end_id))]  # the last document is cut off
            assert not held(whole[whole != TOKENIZER.end_id])
    assert sum(len(held(row[row != TOKENIZER.end_id])) for row in windows(32, HELD_OUT_SEED, TOKENIZER)) > 3


def twice(name: str, length: int = 25, n: int = 20) -> float:
    """Random words and pieces of names, all different, and the same again: right in the second half."""
    model, rng = checkpoint.load(name), np.random.default_rng(2007)
    pool = [TOKENIZER.encode_word(w)[0] for w in ECHO_POOL if len(TOKENIZER.encode_word(w)) == 1]
    right = []
    for _ in range(n):
        once = rng.choice(pool, length, replace=False)
        tokens = [TOKENIZER.end_id, *(int(t) for t in once), *(int(t) for t in once)]
        guess = model.forward(tokens)["logits"].argmax(axis=-1)
        right += [int(guess[t]) == tokens[t + 1] for t in range(length + 1, 2 * length)]
    return float(np.mean(right))


def test_anything_is_copied_not_names_only():
    assert twice("storyteller-4l") >= 0.9
    assert twice("storyteller-2l") >= 0.9
    assert twice("storyteller-1l") < 0.6
    for name in ("storyteller-4l", "storyteller-2l"):
        assert CARDS[name]["twice"]["words_and_pieces"]["right"] >= 0.9
        assert max(CARDS[name]["twice"]["prefix_matching"].values()) >= 0.5, "no induction head"


def test_sixteen_states_of_every_model_are_kept():
    for name in NAMES:
        plan = Plan(layers=int(CARDS[name]["metadata"]["n_layers"]))
        files = sorted((checkpoint.WEIGHTS / "along" / name).glob("*.safetensors"))
        assert [int(f.stem.removeprefix("step-")) for f in files] == plan.moments()
        assert len(files) == 16
        last = checkpoint.loads(files[-1].read_bytes())
        for key, value in checkpoint.load(name).params.items():
            np.testing.assert_array_equal(last.params[key], value, err_msg=key)


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
    for shown, card in zip(rows["later pieces only (copying inside a name)"], cards, strict=True):
        assert percent(shown) == pytest.approx(100 * card["names"]["later_pieces"], abs=0.051)
    for label, key in (
        ("sums of three numbers, answer before working", "answer_before_working"),
        ("the same, answer after its own working", "answer_after_own_working"),
    ):
        for shown, card in zip(rows[label], cards, strict=True):
            assert percent(shown) == pytest.approx(100 * card["sums"]["3_terms"][key], abs=0.051)

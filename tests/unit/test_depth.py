"""The learners of the shell game that ship: what their card says, and that a training that was stopped goes on."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from explainer.live import depth, tasks
from explainer.live.depth import GAMES, MOVES, PLAYERS, SHOWN, Player

CARD = json.loads((depth.WEIGHTS / "depth.json").read_text("utf-8"))


def test_the_card_is_of_the_files_that_are_there_and_the_files_of_this_plan():
    assert {f"seed-{seed}" for seed in CARD["files"]} == {file.stem for file in depth.WEIGHTS.glob("*.safetensors")}
    assert depth.SHOWN in depth.seeds() and len(depth.seeds()) <= depth.SEEDS and CARD["games"] == GAMES
    for seed, said in CARD["files"].items():
        data = (depth.WEIGHTS / f"seed-{seed}.safetensors").read_bytes()
        assert (said["bytes"], said["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert said["training"] == depth.notes(int(seed)) and said["training"]["plan"] == repr(depth.PLAN)
        assert set(said["right"]) == {player.name for player in PLAYERS}


@pytest.mark.parametrize("player", PLAYERS, ids=lambda player: player.name)
def test_the_card_says_what_its_learners_do(player):
    """On fewer games, by a way of its own: the swaps made by hand, and the answers compared one by one."""
    games, rng = 300, np.random.default_rng(7)
    moves, place = rng.integers(0, len(tasks.PAIRS), (games, MOVES)), rng.integers(0, tasks.CUPS, games)
    said = player.task.answers(depth.trained(player, SHOWN), moves, place)
    right = np.zeros(MOVES)
    for game in range(games):
        ball = place[game]
        for t, move in enumerate(moves[game]):
            a, b = tasks.PAIRS[move]
            ball = b if ball == a else a if ball == b else ball
            right[t] += said[game, t] == ball
    for t, counted in enumerate(CARD["files"][str(SHOWN)]["right"][player.name]):
        share = counted / GAMES
        assert abs(right[t] / games - share) < 0.01 + 4.5 * math.sqrt(share * (1 - share) * (1 / games + 1 / GAMES)), t


def test_learners_of_one_layer_have_the_same_weights_to_begin_with():
    one, other, third = (Player(kind).model(Player(kind).shape, 3) for kind in ("at once", "written", "latent"))
    assert np.array_equal(one.weights.value, other.weights.value)
    assert np.array_equal(one.weights.value, third.weights.value)


@pytest.mark.parametrize("player", [Player("at once", 2), Player("told late")], ids=lambda player: player.name)
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not_been(player, monkeypatch, tmp_path):
    pytest.importorskip("safetensors")
    from explainer.training import depth as training

    monkeypatch.setattr(training, "PLAN", replace(depth.PLAN, steps=4, batch=8))
    monkeypatch.setattr(training, "EVERY", 2)
    weights = {}
    for name, looks in (("whole", [math.inf]), ("stopped", [-1.0, math.inf])):
        monkeypatch.setattr(training, "UNFINISHED", tmp_path / name)
        for until in looks:  # a clock that lets it begin, and then shows 0
            clock = iter([-math.inf, *[0.0] * 20])
            assert training.train(player, 0, until, lambda clock=clock: next(clock)) == (until > 0)
        with np.load(tmp_path / name / f"{player.name}-0.npz") as kept:
            assert kept["steps"] == 4 and len(kept["losses"]) == 4
            weights[name] = kept["value"]
    assert np.array_equal(weights["whole"], weights["stopped"])

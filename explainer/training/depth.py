"""python -m explainer.training.depth                all of them (`make train-depth`), a seed after the other
   python -m explainer.training.depth --seconds 180  for that long; the next call goes on where this one stopped

Trains the learners of the shell game (explainer/live/depth.py) by the trainer that readers' browsers use, on one
thread, and writes weights/depth/: a file of float16 weights for each seed, and a card about all, depth.md and
depth.json. Batch `number` is a function of the seed and the number alone, so all learners of a seed see the same games,
and a run that was stopped goes on as if it had not been, to the last bit. What is unfinished lies in _cache/depth/.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported: products this small gain nothing

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from explainer.live.depth import PLAN, PLAYERS, SEEDS, WEIGHTS, Player
from explainer.live.nets import cross_entropy
from explainer.live.trainer import Trainer
from explainer.training.depth_card import write_card

UNFINISHED = Path(__file__).parents[2] / "_cache" / "depth"
EVERY = 250  # steps between two looks at the clock
LAST = 100  # steps over which the loss of the card is averaged


class DepthTrainer(Trainer):
    """The trainer of the page, with a model of any kind, and told the last answer alone where that is the kind."""

    def __init__(self, player: Player, seed: int):
        super().__init__(player.task, player.shape, PLAN, seed, every=PLAN.steps, model=player.model)
        self.late = player.kind == "told late"

    def step(self) -> float:
        tokens, targets = self.task.batch(self.seed, self.steps, self.plan.batch)
        if self.late:
            targets = np.where(np.arange(targets.shape[1]) == targets.shape[1] - 1, targets, -1)
        self.loss, dlogits = cross_entropy(self.net.forward(tokens, self.task.reads), targets)
        self.net.backward(dlogits)
        self.steps += 1
        self.optimiser.step(self.weights.value, self.weights.grad, self.steps)
        return self.loss


def train(player: Player, seed: int, until: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Train one of them until the clock shows that, or to the end. Returns whether it is at its end."""
    file = UNFINISHED / f"{player.name}-{seed}.npz"
    trainer, losses, seconds = DepthTrainer(player, seed), np.empty(0), 0.0
    if file.is_file():
        with np.load(file) as kept:
            for mine, name in zip(state(trainer), ("value", "mean", "square"), strict=True):
                mine[...] = kept[name]
            trainer.steps, losses, seconds = int(kept["steps"]), kept["losses"], float(kept["seconds"])
    while trainer.steps < PLAN.steps and clock() < until:
        began = clock()
        made = [trainer.step() for _ in range(min(EVERY, PLAN.steps - trainer.steps))]
        losses, seconds = np.concatenate([losses, made]), seconds + clock() - began
        print(f"{player.name}, seed {seed}: step {trainer.steps}/{PLAN.steps}  {np.mean(made):.4f}", flush=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    value, mean, square = state(trainer)
    now = {"value": value, "mean": mean, "square": square, "steps": trainer.steps, "losses": losses, "seconds": seconds}
    beside = file.with_name(f"beside-{file.name}")  # whoever stops this has the old one, whole
    np.savez(beside, **now)  # type: ignore[arg-type]
    beside.replace(file)
    return trainer.steps == PLAN.steps


def state(trainer: Trainer) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return trainer.weights.value, trainer.optimiser.mean, trainer.optimiser.square


def write(seed: int) -> None:
    """The weights of all players of a seed, trained, in one file."""
    stored, notes = {}, {"seed": str(seed), "plan": repr(PLAN)}
    for player in PLAYERS:
        with np.load(UNFINISHED / f"{player.name}-{seed}.npz") as kept:
            stored[player.name] = kept["value"].astype(np.float16)
            notes[f"{player.name} loss"] = f"{kept['losses'][-LAST:].mean():.4g}"
            notes[f"{player.name} seconds"] = str(round(float(kept["seconds"])))
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    save_file(stored, WEIGHTS / f"seed-{seed}.safetensors", metadata=notes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after about that long")
    parser.add_argument("--card", action="store_true", help="write the card only, of the weights that are there")
    args = parser.parse_args()
    until = time.monotonic() + args.seconds
    for seed in range(0 if args.card else SEEDS):
        if not (WEIGHTS / f"seed-{seed}.safetensors").is_file():
            if not all(train(player, seed, until) for player in PLAYERS):
                raise SystemExit(3)  # more to do
            write(seed)
            write_card(WEIGHTS)
    if args.card:
        write_card(WEIGHTS)


if __name__ == "__main__":
    main()

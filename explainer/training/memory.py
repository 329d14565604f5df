"""python -m explainer.training.memory          all of them, two at a time (`make train-memory`)
   python -m explainer.training.memory ntm      one kind of them: ntm, rope, learned, none

Trains the machines that copy (explainer/live/memory.py) and writes weights/memory/: the weights as float16, and a
card about all of them, memory.md and memory.json.

The Neural Turing Machines are trained in torch, the transformers by the trainer that readers' browsers use
(explainer/live). Batch `number` is a function of the seed and the number alone, so a run is reproducible, on one kind
of machine to the last bit.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

from explainer.live import memory
from explainer.live.adamw import Plan
from explainer.live.memory import MARK, NTM_SEEDS, POSITIONS, TAPE_SEEDS, TRAINED, WEIGHTS, Positions
from explainer.live.nets import ALL, Net
from explainer.live.tasks import TRAINING
from explainer.live.trainer import Measured, Trainer
from explainer.training.memory_card import write_card
from explainer.training.torch_ntm import TorchNTMs

NTM_PLAN = Plan(steps=2_000, batch=32, rate=3e-3, warm=100)
TAPE_PLAN = Plan(steps=4_000, batch=64, rate=3e-3, warm=100)
LAST = 100  # steps over which the loss of the card is averaged


def batch(seed: int, number: int, size: int) -> np.ndarray:
    """Words to learn from: [B, n, bits], n the same for the whole batch."""
    return memory.sequences(seed, number, size, memory.training_length(number), TRAINING)


def train_ntms(seeds: Sequence[int], plan: Plan = NTM_PLAN) -> list[tuple[dict[str, np.ndarray], float]]:
    """Adam on the cross-entropy of each bit, several machines side by side; none knows of the others.

    returns: for each its weights, and the mean loss of the last steps, nats per bit
    """
    torch.set_num_threads(1)
    model = TorchNTMs(memory.NTM, seeds)
    adam = torch.optim.Adam(model.parameters(), lr=plan.rate)
    losses = []
    for number in range(plan.steps):
        words = np.stack([batch(seed, number, plan.batch) for seed in seeds])  # [R, B, n, bits]
        R, B, n, _ = words.shape
        given = memory.as_inputs(words.reshape(R * B, n, -1)).reshape(2 * n + 1, R, B, -1)
        logits, _, _ = model(torch.from_numpy(given), memory.SLOTS)
        right = torch.from_numpy(words.transpose(2, 0, 1, 3).astype(np.float32))
        loss = F.binary_cross_entropy_with_logits(logits[n + 1 :], right, reduction="none").mean(dim=(0, 2, 3))  # [R]
        for group in adam.param_groups:
            group["lr"] = plan.rate_at(number + 1)
        adam.zero_grad()
        loss.sum().backward()
        shorten(model)
        adam.step()
        losses.append(loss.detach().numpy())
        if (number + 1) % 100 == 0:
            now = "  ".join(f"{value:.4f}" for value in np.mean(losses[-LAST:], axis=0))
            print(f"ntm step {number + 1}/{plan.steps}  {now} nats per bit", flush=True)
    last = np.mean(losses[-LAST:], axis=0)
    return [(model.to_params(k), float(last[k])) for k in range(len(seeds))]


@torch.no_grad()
def shorten(model: TorchNTMs, most: float = 1.0) -> None:
    """Cut each machine's gradient at this length."""
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    length = torch.stack([g.flatten(1).square().sum(dim=1) for g in grads]).sum(dim=0).sqrt()  # [R]
    for g in grads:
        g.mul_((most / (length + 1e-6)).clamp(max=1).reshape(-1, *[1] * (g.dim() - 1)))


class Copying:
    """The task of the transformers, as explainer/live/tasks.py describes tasks: words, mark, the same words."""

    vocab = classes = MARK + 1
    length = 2 * memory.LONGEST + 1
    reads = ALL

    def batch(self, seed: int, number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Each word after the mark is asked for at the token before it."""
        words = memory.as_tokens(batch(seed, number, size))
        tokens = np.concatenate([words, np.full((size, 1), MARK), words[:, :-1]], axis=1)
        asked = np.full_like(tokens, -1)
        asked[:, words.shape[1] :] = words
        return tokens, asked

    def accuracy(self, net: Net, seed: int, size: int) -> np.ndarray:
        """The share of words right at the longest length of training."""
        words = memory.sequences(seed, 1, size, TRAINED)
        return np.atleast_1d((memory.copied_from_tape(net, words) == memory.as_tokens(words)).mean())


def train_tape(positions: Positions, seed: int, plan: Plan = TAPE_PLAN) -> tuple[dict[str, np.ndarray], float]:
    """AdamW on the cross-entropy of each word. returns: weights, mean loss of the last steps, nats per word"""
    trainer = Trainer(Copying(), memory.tape_shape(positions), plan, seed, every=plan.steps)
    losses = []
    for number in range(plan.steps):
        losses.append(trainer.step())
        if (number + 1) % 500 == 0:
            found: Measured = trainer.measure()
            print(
                f"tape-{positions}-{seed} step {number + 1}/{plan.steps}  {np.mean(losses[-LAST:]):.4f} nats per word, "
                f"{found.accuracy[0]:.1%} of words right at length {TRAINED}",
                flush=True,
            )
    return {name: value.copy() for name, value in trainer.net.weights.of.items()}, float(np.mean(losses[-LAST:]))


def names() -> list[str]:
    """All that are kept."""
    tapes = [memory.tape_name(kind, seed) for seed, kind in itertools.product(TAPE_SEEDS, POSITIONS)]
    return [*(memory.ntm_name(seed) for seed in NTM_SEEDS), *tapes]


def save(name: str, params: dict[str, np.ndarray], loss: float, plan: Plan, unit: str, seconds: float) -> None:
    """Write weights as float16, with what the card says about their training."""
    notes = {"name": name, "seed": name.rpartition("-")[2], "steps": str(plan.steps), "batch": str(plan.batch)}
    notes |= {"plan": repr(plan), "loss": f"{loss:.6g}", "unit": f"nats per {unit}", "seconds": str(round(seconds))}
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    stored = {key: np.ascontiguousarray(value, np.float16) for key, value in params.items()}
    save_file(stored, WEIGHTS / f"{name}.safetensors", metadata=notes)


def run(what: str, seeds: Sequence[int]) -> str:
    """Train Neural Turing Machines ("ntm"), or transformers by their positions, and write the weights."""
    began = time.monotonic()
    if what == "ntm":
        for seed, (params, loss) in zip(seeds, train_ntms(seeds), strict=True):
            save(memory.ntm_name(seed), params, loss, NTM_PLAN, "bit", (time.monotonic() - began) / len(seeds))
    else:
        for seed in seeds:
            began = time.monotonic()
            params, loss = train_tape(what, seed)  # type: ignore[arg-type]
            name = memory.tape_name(what, seed)  # type: ignore[arg-type]
            save(name, params, loss, TAPE_PLAN, "word", time.monotonic() - began)
    return what


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", choices=["ntm", *POSITIONS, []], help="which to train; without any, all")
    parser.add_argument("--card", action="store_true", help="write the card only, of the weights that are there")
    args = parser.parse_args()
    if not args.card:
        jobs = [(k, list(NTM_SEEDS if k == "ntm" else TAPE_SEEDS)) for k in args.kinds or ("ntm", *POSITIONS)]
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            for done in as_completed([pool.submit(run, *job) for job in jobs]):
                print(f"trained: {done.result()}", flush=True)
    write_card(names(), WEIGHTS)


if __name__ == "__main__":
    main()

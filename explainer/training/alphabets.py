"""python -m explainer.training.alphabets                 all that are not there, from where it stopped on
   python -m explainer.training.alphabets pieces-0 ...    some of them
   python -m explainer.training.alphabets --anew          what is finished, too (`make train-alphabets`)
   python -m explainer.training.alphabets --card          the card only, of the weights that are there

Trains the models of bytes and of pieces (explainer/live/alphabets.py), with the trainer that readers' browsers use, and
writes weights/alphabets/: the weights as float16, and a card, alphabets.md and alphabets.json. Needs no torch.

Batch `number` is a function of the seed and the number alone, so a run is reproducible, on one kind of machine to the
last bit. The state lies under _cache/alphabets/.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from explainer.live import alphabets
from explainer.live.adamw import Plan
from explainer.live.alphabets import BATCHES, CARD, KINDS, SEEDS, WEIGHTS, Kind
from explainer.live.trainer import Trainer
from explainer.models import lab

KEPT = Path(__file__).parents[2] / "_cache" / "alphabets"
RATES = {"pieces": 1.2e-2, "bytes": 1.2e-2}
"""Of three each (0.003, 0.006, 0.012), the best on a run of 500 or 400 steps with another seed (9)."""
EVERY = 100  # steps between two kept states
LAST = 100  # steps over which the loss of the card is averaged


def plan(kind: Kind) -> Plan:
    """How a kind is trained."""
    steps = alphabets.steps(kind, lab.tokenizer())
    return Plan(steps, BATCHES[kind], RATES[alphabets.alphabet(kind)], warm=100)


def train(kind: Kind, seed: int) -> None:
    """AdamW on the cross-entropy of the next symbol, from the kept state on, if there is one."""
    name, which = alphabets.name(kind, seed), alphabets.alphabet(kind)
    task = alphabets.Stories(which, lab.tokenizer())
    run = Trainer(task, alphabets.shape(which, lab.tokenizer()), plan(kind), seed, every=10**9)
    state, arrays = KEPT / f"{name}.npz", (run.weights.value, run.optimiser.mean, run.optimiser.square)
    losses: list[float] = []
    seconds = 0.0
    if state.is_file():
        kept = np.load(state)
        for mine, value in zip(arrays, (kept["value"], kept["mean"], kept["square"]), strict=True):
            mine[...] = value
        run.steps, losses, seconds = int(kept["steps"]), kept["losses"].tolist(), float(kept["seconds"])
    began = time.monotonic() - seconds
    while run.steps < run.plan.steps:
        losses.append(run.step())
        if run.steps % EVERY == 0 or run.steps == run.plan.steps:
            keep(state, run, losses, time.monotonic() - began)
            mean = np.mean(losses[-LAST:])
            print(f"{name} step {run.steps}/{run.plan.steps}  {mean:.4f} nats a symbol", flush=True)
    save(name, run, losses, time.monotonic() - began)


def keep(file: Path, run: Trainer, losses: list[float], seconds: float) -> None:
    """Write all that it takes to go on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".part.npz")
    value, mean, square = run.weights.value, run.optimiser.mean, run.optimiser.square
    np.savez(beside, value=value, mean=mean, square=square, steps=run.steps, losses=losses, seconds=seconds)
    beside.replace(file)


def save(name: str, run: Trainer, losses: list[float], seconds: float) -> None:
    """Write the weights as float16, with what the card says about their training."""
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    notes = {"name": name, "seed": str(run.seed), "plan": repr(run.plan), "seconds": str(round(seconds))}
    notes |= {"loss": f"{np.mean(losses[-LAST:]):.6g}", "unit": "nats per symbol"}
    stored = {key: np.ascontiguousarray(value, np.float16) for key, value in run.weights.of.items()}
    save_file(stored, WEIGHTS / f"{name}.safetensors", metadata=notes)


# ---------------------------------------------------------------- the card


def write_card() -> None:
    """Measure all that are there, and write both files."""
    tokenizer = lab.tokenizer()
    floor = alphabets.floor(tokenizer)
    lowest = alphabets.per_byte(floor)
    rows = []
    for kind in KINDS:
        for seed in SEEDS:
            name, which = alphabets.name(kind, seed), alphabets.alphabet(kind)
            if not (WEIGHTS / f"{name}.safetensors").is_file():
                continue
            found = alphabets.costs(alphabets.net(kind, seed, tokenizer), which, tokenizer)
            all_, more, sizes = (
                alphabets.per_byte(found),
                alphabets.per_byte(found, floor),
                alphabets.shape(which, tokenizer),
            )
            steps = alphabets.steps(kind, tokenizer)
            rows.append(
                {
                    "name": name,
                    "parameters": alphabets.net(kind, seed, tokenizer).size,
                    "multiply_adds": 3 * alphabets.operations(sizes) * BATCHES[kind] * steps,
                    "symbols": steps * BATCHES[kind] * sizes.length,
                    "training": alphabets.notes(name),
                    "sha256": hashlib.sha256((WEIGHTS / f"{name}.safetensors").read_bytes()).hexdigest(),
                    "nats_per_byte": [all_.value, all_.low, all_.high],
                    "over_the_floor": [more.value, more.low, more.high],
                }
            )
    facts = {"documents": lowest.documents, "bytes": lowest.tokens, "models": rows}
    facts["floor"] = [lowest.value, lowest.low, lowest.high]
    CARD.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    CARD.with_suffix(".md").write_text(readable(facts), encoding="utf-8")


def readable(facts: dict) -> str:
    """The same for people."""
    floor = facts["floor"]
    plans = {m["name"].rpartition("-")[0]: m["training"]["plan"] for m in facts["models"]}
    lines = [
        "# A model of bytes and a model of pieces",
        "",
        "Written by `python -m explainer.training.alphabets`; do not edit.",
        "",
        "- **What**: transformers of two layers with RoPE. *Pieces*: the storyteller's tokens, width 32, two heads, "
        "MLP of 128. *Bytes*: 256 and an end mark, width 48, three heads, MLP of 188, for as many parameters. float16.",
        "- **Data**: new documents of the corpus's grammar, the same ones for both with the same seed; windows of "
        f"{alphabets.window('pieces')} tokens and {alphabets.window('bytes')} bytes.",
        "- **Training**: `make train-alphabets`, AdamW in numpy, one thread. "
        + "; ".join(f"{kind}: `{p}`" for kind, p in plans.items())
        + ". *bytes-compute* has as many multiplications as pieces, *bytes-text* as much text.",
        f"- **Measured** on the one held-out set ({facts['documents']} documents, {facts['bytes']:,} bytes): minus the "
        "log of each document's probability, END included, by its bytes. Floor, the truth's own: "
        f"{floor[0]:.4f} ({floor[1]:.4f} to {floor[2]:.4f}) nats per byte. 95 % intervals over documents; what is over "
        "the floor is compared document by document.",
        "- **Shown on the page**: seed 0 of each, which was decided before any was trained.",
        "- **Not for**: anything but this comparison.",
        "",
        "| | parameters | multiply-adds of training | symbols read | nats per byte | over the floor | seconds |",
        "|---|---|---|---|---|---|---|",
    ]
    for m in facts["models"]:
        a, b = m["nats_per_byte"], m["over_the_floor"]
        lines.append(
            f"| {m['name']} | {m['parameters']:,} | {m['multiply_adds']:.2e} | {m['symbols']:,} | {a[0]:.4f} | "
            f"{b[0]:.4f} ({b[1]:.4f} to {b[2]:.4f}) | {m['training']['seconds']} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="which to train; without any, all")
    parser.add_argument("--card", action="store_true", help="write the card only, of the weights that are there")
    parser.add_argument("--anew", action="store_true", help="train those, too, that are finished")
    args = parser.parse_args()
    jobs = [(kind, seed) for seed in SEEDS for kind in KINDS]
    wanted = [job for job in jobs if alphabets.name(*job) in (args.names or [alphabets.name(*j) for j in jobs])]
    if args.anew and not args.card:  # all at once, so that whoever is interrupted goes on without it
        for job in wanted:
            for file in (KEPT / f"{alphabets.name(*job)}.npz", WEIGHTS / f"{alphabets.name(*job)}.safetensors"):
                file.unlink(missing_ok=True)
    for kind, seed in [] if args.card else wanted:
        if not (WEIGHTS / f"{alphabets.name(kind, seed)}.safetensors").is_file():
            train(kind, seed)
    write_card()


if __name__ == "__main__":
    main()

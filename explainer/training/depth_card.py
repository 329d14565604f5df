"""The card of the learners of the shell game: weights/depth/depth.json for programs, depth.md for people."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from explainer.kernel import checkpoint
from explainer.live import depth
from explainer.live.depth import GAMES, PLAN, PLAYERS, WEIGHTS


def measured(seed: int) -> dict[str, Any]:
    """What those of a seed can do, with the weights as they are stored. right: games out of GAMES, after each swap"""
    data = (WEIGHTS / f"seed-{seed}.safetensors").read_bytes()
    _, notes = checkpoint.read_safetensors(data, f"seed-{seed}")
    return {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "training": notes,
        "parameters": {player.name: depth.trained(player, seed).size for player in PLAYERS},
        "right": {player.name: [round(GAMES * x) for x in depth.accuracy(player, seed)] for player in PLAYERS},
    }


def write_card(folder: Path = WEIGHTS) -> None:
    """Measure all that are there, and write both files."""
    seeds = sorted(int(file.stem.removeprefix("seed-")) for file in folder.glob("*.safetensors"))
    files = {str(seed): measured(seed) for seed in seeds}
    (folder / "depth.json").write_text(json.dumps({"games": GAMES, "files": files}, indent=1) + "\n", encoding="utf-8")
    (folder / "depth.md").write_text(readable(files), encoding="utf-8")


def readable(files: dict[str, dict[str, Any]]) -> str:
    """The same for people."""
    first = next(iter(files.values()))
    shown = [n for n in range(1, depth.MOVES + 1) if n <= 8 or n % 2 == 0]
    lines = [
        "# Learners of the shell game",
        "",
        "Written by `python -m explainer.training.depth`; do not edit.",
        "",
        f"- **What**: transformers of width {depth.WIDTH}, {depth.HEADS} heads, MLPs of {depth.HIDDEN}, learned "
        f"positions, 1 to {max(depth.LAYERS)} layers; float16, a file for each seed ({first['bytes'] / 1e3:.0f} kB).",
        f"- **Task**: five cups, a ball, {depth.MOVES} swaps of two cups: where is the ball after each? *At once*: one "
        "pass over the whole game. *Written*: it writes each place and reads it. *Latent*: it hands its last vector on "
        "instead. All are told the right place after every swap in training, but *told late*, which is latent and told "
        "the last one alone.",
        f"- **Training**: `make train-depth`, one thread, `{PLAN}`, AdamW; every learner of a seed sees the same "
        f"games, {PLAN.steps * PLAN.batch:,} of them. So the deeper ones had more arithmetic, and nobody had a search "
        "of its own for a better rate.",
        f"- **Shown on the page**: seed {depth.SHOWN}, which was decided before any was trained.",
        "- **Not for**: saying what cannot be learned. What was not found in so many steps may be found in more.",
        "",
        "| | parameters | " + " | ".join(f"loss at the end, seconds (seed {seed})" for seed in files) + " |",
        "|---|---|" + "---|" * len(files),
        *(
            f"| {player.name} | {first['parameters'][player.name]:,} | "
            + " | ".join(
                f"{f['training'][f'{player.name} loss']}, {f['training'][f'{player.name} seconds']} s"
                for f in files.values()
            )
            + " |"
            for player in PLAYERS
        ),
        "",
        f"## Right after so many swaps, of {GAMES:,} games that none was trained on",
        "",
        f"| | seed | {' | '.join(map(str, shown))} |",
        "|---|---|" + "---|" * len(shown),
        *(
            f"| {player.name} | {seed} | " + " | ".join(f"{right[n - 1] / GAMES:.1%}" for n in shown) + " |"
            for player in PLAYERS
            for seed, f in files.items()
            for right in [f["right"][player.name]]
        ),
        "",
    ]
    return "\n".join(lines)

"""The card of the machines that copy: weights/memory/memory.json for programs, memory.md for people."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from explainer.kernel import checkpoint
from explainer.live import memory
from explainer.live.memory import LEARNED, LENGTHS, SEQUENCES


def measured(name: str) -> dict:
    """What one of them can do, with the weights as they are stored."""
    notes = memory.notes(name)
    found = {length: memory.tried(name, length, SEQUENCES) for length in LENGTHS}
    data = (memory.WEIGHTS / f"{name}.safetensors").read_bytes()
    tensors, _ = checkpoint.read_safetensors(data, name)
    return {
        "name": name,
        "training": notes,
        "parameters": sum(value.size for value in tensors.values()),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "learned": found[memory.TRAINED].whole >= LEARNED * SEQUENCES,
        "whole": {str(n): f.whole for n, f in found.items()},
        "words": {str(n): f.words for n, f in found.items()},
    }


def write_card(names: Sequence[str], folder: Path) -> None:
    """Measure all, and write both files."""
    facts = [measured(name) for name in names]
    sizes = {"lengths": LENGTHS, "sequences": SEQUENCES, "slots": memory.SLOTS, "trained": memory.TRAINED}
    (folder / "memory.json").write_text(json.dumps({**sizes, "models": facts}, indent=1) + "\n", encoding="utf-8")
    (folder / "memory.md").write_text(readable(facts), encoding="utf-8")


def readable(facts: list[dict]) -> str:
    """The same for people."""
    of = lambda kind: [f for f in facts if f["name"].startswith(kind)]  # noqa: E731
    ntm, tape = of("ntm")[0], of("tape")[0]
    head = f"| | {' | '.join(map(str, LENGTHS))} |\n|---|{'---|' * len(LENGTHS)}"

    def row(f: dict, key: str, out_of: int | None) -> str:
        cells = [f"{f[key][str(n)] / (out_of or SEQUENCES * n):.0%}" for n in LENGTHS]
        return f"| {f['name']} | {' | '.join(cells)} |"

    lines = [
        "# Machines that copy",
        "",
        "Written by `python -m explainer.training.memory`; do not edit.",
        "",
        f"- **What**: Neural Turing Machines of {ntm['parameters']:,} parameters ({memory.SLOTS} slots of "
        f"{memory.NTM.d_slot} numbers in training, an LSTM of width {memory.NTM.d_controller} as controller); "
        f"transformers of {tape['parameters']:,} or so (two layers of width 48), by their positions. float16, "
        f"{ntm['bytes'] / 1e3:.0f} and {tape['bytes'] / 1e3:.0f} kB each.",
        f"- **Task**: copy 1 to {memory.TRAINED} words of {memory.WORD} random bits after an end mark; every batch "
        "has one length, all equally often, and is drawn afresh.",
        f"- **Training**: `make train-memory`. Neural Turing Machines: `{ntm['training']['plan']}`, Adam, gradients "
        f"cut at length 1. Transformers: `{tape['training']['plan']}`.",
        f"- **Learned**: by {sum(f['learned'] for f in of('ntm'))} of {len(of('ntm'))} Neural Turing Machines, by "
        f"{sum(f['learned'] for f in of('tape'))} of {len(of('tape'))} transformers ({LEARNED:.0%} of {SEQUENCES} "
        f"sequences of {memory.TRAINED} words without an error).",
        "- **Shown on the page**: seed 0 of each, which was decided before any was trained.",
        "- **Not for**: anything but showing how they copy.",
        "",
        "| | loss at the end | steps | batch | seconds, busy CPU |",
        "|---|---|---|---|---|",
        *(
            f"| {f['name']} | {float(t['loss']):.2g} {t['unit']} | {t['steps']} | {t['batch']} | {t['seconds']} |"
            for f in facts
            for t in [f["training"]]
        ),
        "",
        f"## Sequences copied without an error, by their length in words ({SEQUENCES} of each)",
        "",
        head,
        *(row(f, "whole", SEQUENCES) for f in facts),
        "",
        "## Words right",
        "",
        head,
        *(row(f, "words", None) for f in facts),
        "",
    ]
    return "\n".join(lines)

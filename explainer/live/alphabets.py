"""Two alphabets for one text: a model that reads bytes and one that reads pieces (BPE), of the same size.

Both are trained on the same documents of the corpus (explainer/training/alphabets.py, `make train-alphabets`), with as
many parameters and with as much of a text in sight. What differs is the alphabet alone:

    pieces   the storyteller's tokens, 850 of them
    bytes    the 256 bytes, and END

A text of B bytes costs either of them a number of nats, and nats per byte can be compared: a loss per token cannot,
because tokens are longer than bytes. A model of pieces is asked for the one cutting that its tokenizer makes; other
cuttings of the same text have some of its probability too, so what is counted against it is a little too much.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from explainer.corpus import held_out
from explainer.corpus.sampling import sample_words
from explainer.kernel import checkpoint, later
from explainer.kernel.ops import log_softmax
from explainer.kernel.tokenizer import Tokenizer
from explainer.live.nets import ALL, Net, Shape
from explainer.live.tasks import TRAINING

Array = np.ndarray
Alphabet = Literal["pieces", "bytes"]
Kind = Literal["pieces", "bytes-compute", "bytes-text"]
KINDS: tuple[Kind, ...] = ("pieces", "bytes-compute", "bytes-text")
"""Who is compared: pieces; bytes with as much computing; bytes with as much text, which takes more computing."""

SEEDS = range(3)
SHOWN = 0  # the seed of the models that a page shows at work; settled before they were trained
STEPS = 600  # of the model of pieces
BATCHES: dict[Kind, int] = {"pieces": 16, "bytes-compute": 4, "bytes-text": 16}
"""Windows in a batch. With less text a smaller one, so that it is not the number of steps that is missing."""
WINDOW = 128  # tokens that the model of pieces reads at once
BYTES_PER_TOKEN = 2.9  # of the corpus, about: a window of bytes holds as much text as one of pieces
TOGETHER = 20  # held-out documents that are read side by side
END = 0
"""The symbol before and after every document in both alphabets; byte b is symbol b + 1."""
CARD = Path(__file__).parents[1] / "models" / "weights" / "alphabets" / "alphabets.json"
WEIGHTS = CARD.parent / "late" / "alphabets"


def alphabet(kind: Kind) -> Alphabet:
    """What a kind of model reads."""
    return "pieces" if kind == "pieces" else "bytes"


def window(which: Alphabet) -> int:
    """How many symbols a model reads at once."""
    return WINDOW if which == "pieces" else round(WINDOW * BYTES_PER_TOKEN)


def shape(which: Alphabet, tokenizer: Tokenizer) -> Shape:
    """Two layers each, RoPE. The model of bytes has fewer vectors in its tables and so is wider, for equal numbers."""
    if which == "pieces":
        n = tokenizer.n_vocab
        return Shape(n, n, window(which), width=32, heads=2, layers=2, hidden=128, positions="rope")
    return Shape(257, 257, window(which), width=48, heads=3, layers=2, hidden=188, positions="rope")


def operations(sizes: Shape) -> int:
    """Multiplications (each with an addition) of one forward pass over a window; of attention, the half not masked."""
    T, D = sizes.length, sizes.width
    each = sizes.layers * (4 * D * D + 2 * D * sizes.hidden) + D * sizes.classes  # matrices, at every place
    return T * each + sizes.layers * T * (T + 1) * D  # and scores and mixing: 2 D for each pair of places


def steps(kind: Kind, tokenizer: Tokenizer) -> int:
    """How many batches a kind sees: as many as pieces do, or as many as take as much computing."""
    if kind != "bytes-compute":
        return STEPS
    ratio = operations(shape("pieces", tokenizer)) / operations(shape("bytes", tokenizer))
    return round(STEPS * ratio * BATCHES["pieces"] / BATCHES[kind])


# ---------------------------------------------------------------- texts as symbols


def symbols(which: Alphabet, words: list[str], tokenizer: Tokenizer) -> list[int]:
    """The words of a text, without END."""
    if which == "pieces":
        return [token for word in words for token in tokenizer.encode_word(word)]
    return [byte + 1 for byte in "".join(words).encode()]


@dataclass(frozen=True, eq=False)
class Stories:
    """The task, as explainer/live/tasks.py describes tasks: the next symbol of new documents, one after the other.

    A batch is a function of seed and number alone, and the documents of it are the same in both alphabets.
    """

    which: Alphabet
    tokenizer: Tokenizer

    @property
    def vocab(self) -> int:
        return shape(self.which, self.tokenizer).vocab

    @property
    def classes(self) -> int:
        return self.vocab

    @property
    def length(self) -> int:
        return window(self.which)

    reads = ALL

    def batch(self, seed: int, number: int, size: int) -> tuple[Array, Array]:
        rng = np.random.default_rng([seed, TRAINING, number])
        found: list[int] = [END]
        need = size * self.length + 1
        while len(found) < need:
            found += [*symbols(self.which, sample_words(rng), self.tokenizer), END]
        row = np.array(found[:need])
        return row[:-1].reshape(size, -1), row[1:].reshape(size, -1)

    def accuracy(self, net: Net, seed: int, size: int) -> Array:
        """How often its first guess is right, on a batch that no training sees."""
        tokens, right = self.batch(seed, -1 % 2**32, size)
        return np.atleast_1d((net.forward(tokens).argmax(axis=-1) == right).mean())


# ---------------------------------------------------------------- the kept models


def name(kind: Kind, seed: int) -> str:
    return f"{kind}-{seed}"


@functools.cache
def _file(name: str) -> tuple[dict[str, Array], dict[str, str]]:
    tensors, notes = checkpoint.read_safetensors(later.read(WEIGHTS / f"{name}.safetensors"), name)
    return {key: value.astype(np.float32) for key, value in tensors.items()}, notes


def digest(name: str) -> str:
    """A print of a model's weights, as the card says it: the weights themselves may not have come yet."""
    return next(m["sha256"][:16] for m in card()["models"] if m["name"] == name)


@functools.cache
def card() -> dict[str, Any]:
    """The card of all of them."""
    return dict(json.loads(CARD.read_text(encoding="utf-8")))


def notes(name: str) -> dict[str, str]:
    """What its file says of its training."""
    return _file(name)[1]


def net(kind: Kind, seed: int, tokenizer: Tokenizer) -> Net:
    """A kept model; float32, stored as float16. Raises ValueError if the file holds other weights than it should."""
    made = Net(shape(alphabet(kind), tokenizer), seed)
    stored = _file(name(kind, seed))[0]
    if {k: v.shape for k, v in stored.items()} != {k: v.shape for k, v in made.weights.of.items()}:
        raise ValueError(f"{name(kind, seed)} is not of this architecture")
    for key, value in stored.items():
        made.weights.of[key][...] = value
    return made


def surprise(model: Net, read: Sequence[int], ended: bool = False) -> Array:
    """The nats that each symbol of a text costs, END before it. read: without END; ended: whether END is due behind it

    returns: [T], or [T + 1] with END
    """
    return surprises(model, [[*read, END] if ended else read])[0]


def surprises(model: Net, due: Sequence[Sequence[int]]) -> list[Array]:
    """The same for several texts side by side, the shorter ones filled up behind, where nothing looks back from.

    due: what has to be said of each, END at its end where that is due
    """
    longest = max(map(len, due), default=0)
    if not longest:
        return [np.zeros(0) for _ in due]
    right = np.zeros((len(due), longest), np.int64)
    for row, text in zip(right, due, strict=True):
        row[: len(text)] = text
    given = np.concatenate([np.full((len(due), 1), END), right[:, :-1]], axis=1)
    logs = log_softmax(model.forward(given).astype(np.float64))
    found = -np.take_along_axis(logs, right[..., None], axis=-1)[..., 0]
    return [row[: len(text)] for row, text in zip(found, due, strict=True)]


# ---------------------------------------------------------------- compared on the held-out set


@dataclass(frozen=True)
class Costs:
    """What each document of the held-out set costs: nats of all its symbols, END included, and its bytes (END: none).

    nats, bytes: [N]
    """

    nats: tuple[float, ...]
    bytes: tuple[int, ...]


def texts(tokenizer: Tokenizer) -> list[tuple[list[int], bool]]:
    """The held-out set as tokens without END, and whether END is due behind them (the longest are cut before it)."""
    found = []
    for document in held_out.documents(tokenizer):
        tokens = list(document.tokens[1:])
        ended = tokens[-1] == tokenizer.end_id
        found.append((tokens[:-1] if ended else tokens, ended))
    return found


def costs(model: Net, which: Alphabet, tokenizer: Tokenizer) -> Costs:
    """What a model pays for each document."""
    due: list[list[int]] = []
    sizes = []
    for tokens, ended in texts(tokenizer):
        data = b"".join(tokenizer.token_bytes(t) for t in tokens)
        due.append([*(tokens if which == "pieces" else [byte + 1 for byte in data]), *([END] if ended else [])])
        sizes.append(len(data))
    nats = np.zeros(len(due))
    order = np.argsort([len(text) for text in due], kind="stable")
    for some in np.array_split(order, len(due) // TOGETHER):  # of about one length
        nats[some] = [float(cost.sum()) for cost in surprises(model, [due[k] for k in some])]
    return Costs(tuple(nats.tolist()), tuple(sizes))


def floor(tokenizer: Tokenizer) -> Costs:
    """What the truth itself pays: minus the log of each document's own probability, whatever its alphabet."""
    nats = []
    for document in held_out.documents(tokenizer):
        odds = document.odds()
        nats.append(-sum(math.log(p[t]) for p, t in zip(odds, document.tokens[1:], strict=True)))
    sizes = [sum(len(tokenizer.token_bytes(t)) for t in tokens) for tokens, _ in texts(tokenizer)]
    return Costs(tuple(nats), tuple(sizes))


def per_byte(found: Costs, base: Costs | None = None) -> held_out.Mean:
    """Nats per byte with an interval over documents; with `base`, what it pays more than that, document by document."""
    nats = np.array(found.nats) - (np.array(base.nats) if base else 0.0)
    return held_out.mean(nats, np.array(found.bytes, dtype=np.float64))

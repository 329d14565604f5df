"""Who gets the drink? Which heads of a model of English carry a name to where it is due.

In 'When Mary and John went to the store, John gave a drink to', one name stands once and is due, the other stands twice
and is not: indirect-object identification (Wang et al. 2022, who took GPT-2 small apart). Exchange one of the three
names, and another is due or the question has no answer any more. Then take the output of one head at the last token
from that other text and all else from the text as it is: activation patching. What the lead of the due name over its
rival loses by that is what this head carries.

Before patching, the slope of the lead says at once for all heads about how much each would carry (attribution patching:
Nanda 2023; Syed et al. 2023); only the heads for which it says most are patched.

The lead is a difference of two logits: e to its power is how many times likelier one is than the other. Layers, heads
and places count from 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explainer.kernel.cache import KVCache
from explainer.kernel.gradients import backward
from explainer.kernel.interventions import HeadOff, Patch
from explainer.kernel.model import direct_logit_contributions, forward
from explainer.kernel.ops import softmax
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.models.measured import kept

Array = np.ndarray
Head = tuple[int, int]
"""(layer, head)"""

EXCHANGES = ("giver", "due", "first")
"""Which of the three names is exchanged, by its place: the second of the name that stands twice, the one that stands
once, the first of the other. The first of these becomes the due name, the others a third name."""
THIRD = ("Anna", "Tom", "Paul", "Emma")
"""Third names: the first of these that is in the text in no place."""
NAME = re.compile(r"␣[A-Z][a-z]*")
MOST = 40
"""Tokens of a text."""
TRIED = 12
"""Heads that are patched one by one: those for which the slope says most."""
SHOWN = 8
"""Of these, the heads that are shown: those that carry most, one way or the other."""


class NoScene(Exception):
    """Of this text cannot be asked who is due; the message says in plain words what is missing."""


@dataclass(frozen=True)
class Scene:
    """A text in which one of two names stands once, and is due.

    due:   where it stands; first, giver: where the other stands, both times
    """

    tokens: tuple[int, ...]
    due: int
    first: int
    giver: int

    @property
    def last(self) -> int:
        return len(self.tokens) - 1

    @property
    def places(self) -> dict[str, int]:
        """The places of EXCHANGES."""
        return {"giver": self.giver, "due": self.due, "first": self.first}

    def exchanged(self, which: str) -> tuple[tuple[int, ...], int]:
        """The text with one name exchanged, and the token that the due one is compared with. Raises NoScene."""
        new = self.tokens[self.due] if which == "giver" else third(self)
        place = self.places[which]
        rival = new if which == "due" else self.tokens[self.giver]
        return (*self.tokens[:place], new, *self.tokens[place + 1 :]), rival


def scene(tokens: tuple[int, ...]) -> Scene:
    """Find the names in a text: tokens that begin with a blank and a capital. Raises NoScene."""
    say = lab.tokenizer().display
    found: dict[int, list[int]] = {}
    for place, token in enumerate(tokens):
        if place and NAME.fullmatch(say(token)):
            found.setdefault(token, []).append(place)
    once = [places[0] for places in found.values() if len(places) == 1]
    twice = [places for places in found.values() if len(places) == 2]
    if len(tokens) > MOST:
        raise NoScene(f"This figure reads {MOST} tokens at most, and your text has {len(tokens)}.")
    if len(found) != 2 or not once or not twice:
        names = ", ".join(say(token).strip("␣") for token in found) or "none"
        raise NoScene(
            "This figure needs a text with two names, one of them once and the other twice, each a single token of "
            f"this model’s, and not at the very beginning. Found: {names}."
        )
    first, giver = twice[0]
    return Scene(tokens, once[0], first, giver)


def third(of: Scene) -> int:
    """The token of a name that does not stand in the text. Raises NoScene."""
    for name in THIRD:
        (token, *more) = lab.tokenizer().encode(f" {name}")
        if not more and token not in of.tokens:
            return int(token)
    raise NoScene(f"None of {', '.join(THIRD)} is a single token of this model’s: there is no name to put there.")


# ---------------------------------------------------------------- what heads carry


def lead(logits: Array, due: int, rival: int) -> float:
    """By how much the logit of the due name is above that of its rival. logits: [V]"""
    return float(logits[due]) - float(logits[rival])


def straight(trace: Trace, due: int, rival: int) -> Array:
    """What each head at the last token adds to the lead by itself, not through later layers. [L, H], logits"""
    m, last = lab.model(), len(trace.tokens) - 1
    found = np.zeros((m.config.n_layers, m.config.n_heads))
    for sign, token in ((1, due), (-1, rival)):
        for part in direct_logit_contributions(trace, m.params, last, token):
            if part.head is not None:
                found[int(part.key.split(".")[1]), part.head] += sign * part.value
    return found


def slopes(trace: Trace, other: Trace, due: int, rival: int, place: int = -1) -> Array:
    """About what the lead would lose by patching each head at one place, by the slope of the lead. [L, H], logits

    A slope holds near by: of large changes it says which are worth a look, and not how large they are.
    Source: Nanda 2023 (attribution patching)
    """
    m = lab.model()
    seed = np.zeros_like(trace["logits"])
    seed[-1, due], seed[-1, rival] = 1, -1
    slope = backward(trace, m.params, seed={"logits": seed})
    keys = [f"blocks.{layer}.attn.z" for layer in range(m.config.n_layers)]
    return np.stack([((trace[key][place] - other[key][place]) * slope[key][place]).sum(axis=-1) for key in keys])


def patched(trace: Trace, other: Trace, heads: Iterable[Head], place: int) -> Array:
    """The logits after the text if some heads have, at one place, the output that they have in the other text. [V]

    Nothing before that place is changed by it: so only the columns from there on are computed.
    Source: Wang et al. 2022; Heimersheim & Nanda 2024 (how to use and interpret activation patching)
    """
    m = lab.model()
    keys = [(f"blocks.{layer}.attn.z", head) for layer, head in heads]
    patches = [Patch(key, other[key][place, head], 0, head) for key, head in keys]
    past = KVCache.of(trace).begin(place).rows
    return np.asarray(forward(m.params, trace.tokens[place:], m.config, patches, past=past)["logits"][-1])


def through_queries(trace: Trace, other: Trace, of: Head, readers: Sequence[Head]) -> Array:
    """The logits if what one head has from the other text reaches only the queries of later heads. [V]

    Path patching: that head's output at the last token is exchanged, the queries that later heads then have are
    recorded, and put into the text as it is.
    Source: Wang et al. 2022, section 3.2; Goldowsky-Dill et al. 2023
    """
    m, last = lab.model(), len(trace.tokens) - 1
    past = KVCache.of(trace).begin(last).rows
    key = f"blocks.{of[0]}.attn.z"
    moved = forward(m.params, trace.tokens[last:], m.config, [Patch(key, other[key][last, of[1]], 0, of[1])], past=past)
    queries = [(f"blocks.{layer}.attn.q", head) for layer, head in readers if layer > of[0]]
    patches = [Patch(name, moved[name][0, head], 0, head) for name, head in queries]
    return np.asarray(forward(m.params, trace.tokens[last:], m.config, patches, past=past)["logits"][-1])


@dataclass(frozen=True)
class Part:
    """A head, and what it carries.

    carries:  what the lead loses if its output at the last token comes from the other text, logits
    straight: of this, what goes to the logits by itself: the rest goes through later layers
    reads:    (place, share): what it reads most at the last token
    """

    layer: int
    head: int
    carries: float
    straight: float
    reads: tuple[int, float]

    @property
    def at(self) -> Head:
        return self.layer, self.head


@dataclass(frozen=True)
class Carried:
    """One exchange, taken apart.

    lead, other: of the due name over the rival: in the text as it is, and in the text with the name exchanged
    parts:       the heads that carry most, those that carry towards the due name first
    together:    what the lead loses if all of these come from the other text at once
    """

    scene: Scene
    exchange: str
    exchanged: tuple[int, ...]
    due: int
    rival: int
    lead: float
    other: float
    parts: tuple[Part, ...]
    together: float


@lab.per_model(8, few=6)
def carried(tokens: tuple[int, ...], exchange: str) -> Carried:
    """Which heads carry the name in a text. Raises NoScene, with the reason, where nothing can be asked."""
    found = scene(tokens)
    exchanged, rival = found.exchanged(exchange)
    due, last = tokens[found.due], found.last
    trace, other = lab.trace(tokens), lab.trace(exchanged)
    whole, gone = (lead(t["logits"][-1], due, rival) for t in (trace, other))
    about = slopes(trace, other, due, rival)
    by_itself = straight(trace, due, rival) - straight(other, due, rival)
    tried = [divmod(int(i), about.shape[1]) for i in np.argsort(-np.abs(about), axis=None)[:TRIED]]
    parts = []
    for layer, head in tried:
        carries = whole - lead(patched(trace, other, [(layer, head)], last), due, rival)
        pattern = trace[f"blocks.{layer}.attn.pattern"][head, last]
        most = int(pattern.argmax())
        parts.append(Part(layer, head, carries, float(by_itself[layer, head]), (most, float(pattern[most]))))
    parts = sorted(sorted(parts, key=lambda p: -abs(p.carries))[:SHOWN], key=lambda p: -p.carries)
    together = whole - lead(patched(trace, other, [p.at for p in parts], last), due, rival)
    return Carried(found, exchange, exchanged, due, rival, whole, gone, tuple(parts), together)


@lab.per_model(64, few=16)
def odds(tokens: tuple[int, ...], off: frozenset[Head] = frozenset()) -> Array:
    """The chances of all next tokens with some heads switched off in the whole text. [V], float64"""
    m = lab.model()
    if not off:
        return softmax(lab.trace(tokens)["logits"][-1].astype(np.float64))
    logits = forward(m.params, tokens, m.config, [HeadOff(*at) for at in sorted(off)])["logits"][-1]
    return softmax(logits.astype(np.float64))


def odds_from(found: Carried, heads: frozenset[Head]) -> Array:
    """The chances of all next tokens if some heads have, at the last token, their output of the other text. [V]"""
    trace, other = lab.trace(found.scene.tokens), lab.trace(found.exchanged)
    return softmax(patched(trace, other, sorted(heads), found.scene.last).astype(np.float64))


# ---------------------------------------------------------------- heads as a link carries them

MOST_OFF = 24


def coded(heads: Iterable[Head]) -> str:
    """Heads as compact text: 'layer.head', commas between."""
    return ",".join(f"{layer}.{head}" for layer, head in sorted(heads))


def decoded(text: str) -> frozenset[Head]:
    """The heads that a text names (`coded`), whether the model has them or not. Raises ValueError in plain words."""
    found: set[Head] = set()
    for name in (part.strip() for part in text.split(",") if part.strip()):
        if not re.fullmatch(r"[0-9]{1,3}\.[0-9]{1,3}", name):
            raise ValueError(f"“{name[:30]}” is no head; one is written layer.head, like 23.3.")
        layer, head = map(int, name.split("."))
        found.add((layer, head))
    if len(found) > MOST_OFF:
        raise ValueError(f"{len(found):,} heads are too many to switch off at once (at most {MOST_OFF}).")
    return frozenset(found)


# ---------------------------------------------------------------- what was measured of SmolLM2, once

CARD = Path(__file__).parents[1] / "models" / "weights" / "smollm2-135m-circuit.json"


MADE = "cc10a58e3b0c"
"""The beginning of that file's sha256: another card is another measurement (a test says what it is)."""


def card() -> Mapping[str, Any]:
    """What explainer/training/real.py has measured of SmolLM2-135M over a set of prompts, and one kept run: for pages
    that do not have that model at hand."""
    with lab.using(lab.OWN):  # what is kept is the build's, whichever model is here
        return read_card(MADE)


@kept
def read_card(made: str) -> dict[str, Any]:
    """The file itself, which the build reads and readers' browsers do not have. made: the beginning of its sha256"""
    return dict(json.loads(CARD.read_text(encoding="utf-8")))

"""The Neural Turing Machine: a network with a memory beside it, and two heads that write and read there.

    what it is given, what it read last -> controller
        -> write head: address a slot, erase there, add there
        -> read head:  address a slot, read there
    controller, what was read -> answer                                      and so on, one step after the other

Three years before the transformer it asked the same question: how can a network look something up? A Turing machine's
head stands on one cell. Nothing can be learned from that by gradients, because there is no half a step to the right. So
here a head stands on all slots at once, with a *weighting*: shares that sum to 1. Reading gives the mixture; writing
changes each slot by its share. All of it is smooth, so all of it can be trained, from examples alone.

How a head comes by its weighting, in the order in which it happens:

    1. content   compare a key with every slot, and let the shares go by how well they fit: attention, in 2014
    2. gate      keep that, or the weighting of the step before, or a mixture
    3. shift     move the weighting along the memory, one slot back or on, or not at all
    4. sharpen   what has become blurred by the three is made narrow again

The first finds *what* is there; the second and third move to the slot *beside the last one*, whatever is in it, as the
head of a Turing machine does. Each has a small function below; then comes a step, and then the run.

How many slots there are is in no weight: the same machine runs with a longer memory, as a program does.

Axes: T steps, I numbers given, O answers, C width of the controller, N slots, M numbers in a slot. All functions work
on any leading axes (`...`), so that many runs can be made side by side.

Source: Graves, Wayne & Danihelka 2014, "Neural Turing Machines"; the section of each formula is named where it stands
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from explainer.kernel.ops import softmax

Array = np.ndarray
Params = Mapping[str, Array]

BLANK = 0.01
"""What stands in every number of the memory before the first step: something, because a slot of zeros has no angle."""
EPS = 1e-6  # keeps the cosine of a key that is 0 away from 0 / 0
STEPS = (-1, 0, 1)
"""How far a head can move in one step, in slots."""


@dataclass(frozen=True)
class NTMConfig:
    """The sizes of a Neural Turing Machine, but for how many slots its memory has: no weight depends on that.

    n_in, n_out:  how many numbers it is given, and answers with, at each step (I, O)
    d_slot:       how many numbers lie in a slot (M)
    d_controller: how wide the controller is (C)
    """

    n_in: int
    n_out: int
    d_slot: int
    d_controller: int

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every weight, in the order of the computation, with its shape."""
        I, O, M, C = self.n_in, self.n_out, self.d_slot, self.d_controller  # noqa: E741
        asks = M + 1 + 1 + len(STEPS) + 1  # key, strength, gate, shift, sharpness
        return {
            "controller.W": (I + M + C, 4 * C),
            "controller.b": (4 * C,),
            "write.W": (C, asks + 2 * M),  # and what to erase, what to add
            "write.b": (asks + 2 * M,),
            "read.W": (C, asks),
            "read.b": (asks,),
            "answer.W": (C + M, O),
            "answer.b": (O,),
        }


def sigmoid(x: Array) -> Array:
    """A switch between 0 and 1. Any shape."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


def softplus(x: Array) -> Array:
    """A smooth hinge, always above 0: ln(1 + e^x). Any shape."""
    return np.logaddexp(0, x)


# ---------------------------------------------------------------- how a head finds its slots


def similarity(memory: Array, key: Array) -> Array:
    """How well each slot fits a key: the cosine of the angle between them, 1 for the same direction, -1 for the
    opposite one.

    memory: [..., N, M], key: [..., M]; returns: [..., N]
    Source: Graves et al. 2014, equation 6
    """
    product = (memory * key[..., None, :]).sum(axis=-1)  # [..., N]
    lengths = np.linalg.norm(memory, axis=-1) * np.linalg.norm(key, axis=-1)[..., None]
    return product / (lengths + EPS)


def by_content(memory: Array, key: Array, strength: Array) -> Array:
    """1. A share for each slot, larger where it fits the key better: a softmax, as in attention.

    strength: [..., 1], 0 or more: the higher, the more the best slot gets; at 0 all get the same
    memory: [..., N, M], key: [..., M]; returns: [..., N], summing to 1
    Source: Graves et al. 2014, equation 5
    """
    return softmax(strength * similarity(memory, key))


def interpolate(content: Array, before: Array, gate: Array) -> Array:
    """2. Between what the content says (gate 1) and where the head stood at the step before (gate 0).

    content, before: [..., N], gate: [..., 1]; returns: [..., N], summing to 1
    Source: Graves et al. 2014, equation 7
    """
    return gate * content + (1 - gate) * before


def shift(weighting: Array, shares: Array) -> Array:
    """3. Move along the memory: a mixture of the weighting moved one slot back, not moved, and moved one slot on.

    Behind the last slot comes the first: the memory is a ring, and this is a circular convolution.

    weighting: [..., N]; shares: [..., 3], of the moves in STEPS, summing to 1; returns: [..., N], summing to 1
    Source: Graves et al. 2014, equation 8
    """
    return sum(shares[..., k, None] * np.roll(weighting, step, axis=-1) for k, step in enumerate(STEPS))


def sharpen(weighting: Array, sharpness: Array) -> Array:
    """4. Each share to a power, and scaled to sum to 1 again: the large gain on the small.

    Without it every move that is not quite a whole step would blur the weighting further.

    weighting: [..., N]; sharpness: [..., 1], 1 (as it was) or more; returns: [..., N], summing to 1
    Source: Graves et al. 2014, equation 9
    """
    grown = (weighting / weighting.max(axis=-1, keepdims=True)) ** sharpness  # the largest is 1: nothing vanishes
    return grown / grown.sum(axis=-1, keepdims=True)


class Asked(NamedTuple):
    """What the controller asks of a head at a step: key [..., M]; strength, gate, sharpness [..., 1]; shares of the
    moves [..., 3]."""

    key: Array
    strength: Array
    gate: Array
    moves: Array
    sharpness: Array


class Addressing(NamedTuple):
    """The four stages of a head's address at a step, each [..., N] and summing to 1; the last is the weighting."""

    content: Array
    gated: Array
    shifted: Array
    weighting: Array


def asked(raw: Array, d_slot: int) -> Asked:
    """Bring the controller's numbers for a head into the ranges that they must have.

    raw: [..., M + 6], any numbers
    Source: Graves et al. 2014, section 3.3.2
    """
    key, strength, gate, moves, sharpness = np.split(raw, np.cumsum([d_slot, 1, 1, len(STEPS)]).tolist(), axis=-1)
    return Asked(np.tanh(key), softplus(strength), sigmoid(gate), softmax(moves), 1 + softplus(sharpness))


def address(memory: Array, before: Array, ask: Asked) -> Addressing:
    """Where a head stands now: the four stages, one after the other.

    memory: [..., N, M]; before: [..., N], where it stood
    Source: Graves et al. 2014, figure 2
    """
    content = by_content(memory, ask.key, ask.strength)
    gated = interpolate(content, before, ask.gate)
    shifted = shift(gated, ask.moves)
    return Addressing(content, gated, shifted, sharpen(shifted, ask.sharpness))


# ---------------------------------------------------------------- what a head does there


def erase(memory: Array, weighting: Array, what: Array) -> Array:
    """Wipe out of every slot, by its share, what the head says. what: [..., M], 0 (leave it) to 1 (wipe it)

    memory: [..., N, M], weighting: [..., N]; returns: [..., N, M]
    Source: Graves et al. 2014, equation 3
    """
    return memory * (1 - weighting[..., :, None] * what[..., None, :])


def add(memory: Array, weighting: Array, what: Array) -> Array:
    """Add to every slot, by its share, what the head says. what: [..., M]

    memory: [..., N, M], weighting: [..., N]; returns: [..., N, M]
    Source: Graves et al. 2014, equation 4
    """
    return memory + weighting[..., :, None] * what[..., None, :]


def read(memory: Array, weighting: Array) -> Array:
    """The mixture of all slots, each by its share. memory: [..., N, M], weighting: [..., N]; returns: [..., M]

    Source: Graves et al. 2014, equation 2
    """
    return (weighting[..., :, None] * memory).sum(axis=-2)


# ---------------------------------------------------------------- the controller


def controller(given: Array, hidden: Array, cell: Array, W: Array, b: Array) -> tuple[Array, Array]:
    """An LSTM: a small network that keeps C numbers of its own from step to step, and decides by gates what of them to
    keep, what to take in, and what to show.

    given: [..., I + M], the input and what was read last; hidden, cell: [..., C], what it showed and kept last
    returns: hidden, cell
    Source: Hochreiter & Schmidhuber 1997, with the gate that forgets of Gers et al. 2000
    """
    take, keep, new, show = np.split(np.concatenate([given, hidden], axis=-1) @ W + b, 4, axis=-1)  # [..., C] each
    cell = sigmoid(keep) * cell + sigmoid(take) * np.tanh(new)
    return sigmoid(show) * np.tanh(cell), cell


# ---------------------------------------------------------------- a step, and a run


class State(NamedTuple):
    """What is carried from step to step: memory [..., N, M]; where the heads stand [..., N]; what was read last
    [..., M]; the controller's own numbers, hidden and cell [..., C]."""

    memory: Array
    written: Array
    looked: Array
    heard: Array
    hidden: Array
    cell: Array


class Step(NamedTuple):
    """Everything that was computed at one step; the state is that after it."""

    state: State
    write: Addressing
    read: Addressing
    asked_write: Asked
    asked_read: Asked
    erased: Array
    added: Array
    logits: Array


def beginning(config: NTMConfig, n_slots: int, leading: tuple[int, ...] = (), dtype: Any = np.float32) -> State:
    """Before the first step: a blank memory, and both heads on slot 0, as a Turing machine begins on one cell."""
    zeros = lambda *shape: np.zeros((*leading, *shape), dtype)  # noqa: E731
    first = zeros(n_slots)
    first[..., 0] = 1
    memory = np.full((*leading, n_slots, config.d_slot), BLANK, dtype)
    return State(memory, first, first, zeros(config.d_slot), zeros(config.d_controller), zeros(config.d_controller))


def step(params: Params, config: NTMConfig, state: State, given: Array) -> Step:
    """One step: think, write, read, answer.

    given: [..., I]; the answer is `logits` [..., O]: above 0 means 1
    """
    M = config.d_slot
    inputs = np.concatenate([given, state.heard], axis=-1)
    hidden, cell = controller(inputs, state.hidden, state.cell, params["controller.W"], params["controller.b"])

    to_write = hidden @ params["write.W"] + params["write.b"]
    ask_write, erased, added = (
        asked(to_write[..., : -2 * M], M),
        sigmoid(to_write[..., -2 * M : -M]),
        to_write[..., -M:],
    )
    added = np.tanh(added)
    write = address(state.memory, state.written, ask_write)
    memory = add(erase(state.memory, write.weighting, erased), write.weighting, added)

    ask_read = asked(hidden @ params["read.W"] + params["read.b"], M)
    look = address(memory, state.looked, ask_read)
    heard = read(memory, look.weighting)

    logits = np.concatenate([hidden, heard], axis=-1) @ params["answer.W"] + params["answer.b"]
    after = State(memory, write.weighting, look.weighting, heard, hidden, cell)
    return Step(after, write, look, ask_write, ask_read, erased, added, logits)


def run(params: Params, config: NTMConfig, given: Array, n_slots: int) -> list[Step]:
    """All steps of a run, with everything that was computed at each.

    given: [T, ..., I], the input at each step
    """
    state = beginning(config, n_slots, given.shape[1:-1], given.dtype)
    steps = []
    for now in given:
        steps.append(step(params, config, state, now))
        state = steps[-1].state
    return steps

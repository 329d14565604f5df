"""The training loop: examples in, loss, gradient, step; in slices of time, and with kept states to go back to.

All of it is `Trainer.step`: five lines. The rest is what a page needs, whatever is trained (`Loop`): to stop after so
many milliseconds and go on later (`run`), to ask every few steps how good the model is by now (`measure`), and to wind
back (`rewind`). How a run is cut into slices changes nothing of it: a run is a function of its task, shape, plan and
seed, to the last bit on one machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from explainer.live.adamw import AdamW, Plan
from explainer.live.nets import Net, Shape, Weights, cross_entropy
from explainer.live.tasks import Task

Array = np.ndarray


@dataclass(frozen=True)
class Measured:
    """How good a model was after so many steps.

    loss:     on the last batch before, nats per answer; nan before the first
    accuracy: [R], the share of right answers at each place that is asked for, on examples never trained on; [0] where
              answers are numbers, none of which is quite right
    test:     the loss on examples never trained on; nan where it was not asked for
    """

    step: int
    loss: float
    accuracy: Array
    test: float = float("nan")


class Loop:
    """A training loop without what is trained: slices of time, measurements, kept states. Subclasses say `step` and
    `measure`.

    weights: what is moved; every: how many steps lie between two measurements
    """

    def __init__(self, weights: Weights, plan: Plan, seed: int, every: int):
        self.weights, self.plan, self.seed, self.every = weights, plan, seed, every
        self.optimiser = AdamW(weights.value.size, weights.dtype, plan)
        self.steps = 0
        self.loss = float("nan")
        self.history: list[Measured] = []
        self._kept: dict[int, tuple[Array, Array, Array]] = {}
        self._longest = 0.0  # s, the longest piece of work of late

    def step(self) -> float:
        """One step of training. Returns the loss on its batch."""
        raise NotImplementedError

    def measure(self) -> Measured:
        """See how good the model is on what it was never trained on, and keep that and its state (`keep`)."""
        raise NotImplementedError

    def keep(self, found: Measured) -> Measured:
        """Note what was measured, and the state that it was measured of. Returns it."""
        found.accuracy.setflags(write=False)
        self.history.append(found)
        self._kept[self.steps] = tuple(  # type: ignore[assignment]
            a.copy() for a in (self.weights.value, self.optimiser.mean, self.optimiser.square)
        )
        return found

    @property
    def done(self) -> bool:
        """Whether all steps of the plan are made, and measured."""
        return self.steps >= self.plan.steps and not self.due

    @property
    def due(self) -> bool:
        """Whether it is to be measured before its next step."""
        at = self.steps
        return (at % self.every == 0 or at == self.plan.steps) and (not self.history or self.history[-1].step < at)

    def run(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> int:
        """Go on for that long at most, or to the end of the plan.

        A step is not cut: no new one is begun that would not fit, judging by the longest of late; one is always made.
        Returns how many steps were made.
        """
        began, before = clock(), self.steps
        now = began
        while not self.done:
            if self.due:
                self.measure()
            else:
                self.step()
            then, now = now, clock()
            self._longest = max(now - then, 0.9 * self._longest)
            if now - began + self._longest > seconds:
                break
        return self.steps - before

    def finish(self) -> Self:
        """Make all steps of the plan that are left."""
        self.run(float("inf"))
        return self

    def rewind(self, step: int = 0) -> None:
        """Be as after that step again, or after the last before it that was measured; what came later is forgotten."""
        at = max((k for k in self._kept if k <= step), default=None)
        if at is None:
            return
        for mine, kept in zip(
            (self.weights.value, self.optimiser.mean, self.optimiser.square), self._kept[at], strict=True
        ):
            mine[...] = kept
        self.steps = at
        self.history = [m for m in self.history if m.step <= at]
        self.loss = self.history[-1].loss
        self._kept = {k: state for k, state in self._kept.items() if k <= at}


class Trainer(Loop):
    """One model that learns one task.

    every: how many steps lie between two measurements; games: how many examples each measures on
    model: what is made of the shape
    """

    def __init__(
        self,
        task: Task,
        shape: Shape,
        plan: Plan,
        seed: int,
        *,
        every: int = 10,
        games: int = 200,
        dtype: Any = np.float32,
        model: type[Net] = Net,
    ):
        self.task, self.games = task, games
        self.net = model(shape, seed, dtype)
        super().__init__(self.net.weights, plan, seed, every)

    def step(self) -> float:
        """One step of training. Returns the loss on its batch, nats per answer."""
        tokens, targets = self.task.batch(self.seed, self.steps, self.plan.batch)
        logits = self.net.forward(tokens, self.task.reads)
        self.loss, dlogits = cross_entropy(logits, targets)
        self.net.backward(dlogits)
        self.steps += 1
        self.optimiser.step(self.net.weights.value, self.net.weights.grad, self.steps)
        return self.loss

    def measure(self) -> Measured:
        """Ask the model for answers to examples that it was never trained on, and keep the state that gave them."""
        return self.keep(Measured(self.steps, self.loss, self.task.accuracy(self.net, self.seed, self.games)))


def shape_for(task: Task, **sizes: Any) -> Shape:
    """A shape that reads and answers what a task asks; `sizes` may make it longer, or anything else."""
    return Shape(**{"vocab": task.vocab, "classes": task.classes, "length": task.length, **sizes})


def together(trainers: Sequence[Loop], seconds: float, clock: Callable[[], float] = time.perf_counter) -> int:
    """Train several side by side for that long at most: each step goes to whoever has made the fewest.

    So all have made the same number of steps, give or take one, however long theirs take. Returns the steps made.
    """
    began, made = clock(), 0
    longest = 0.0
    while waiting := [t for t in trainers if not t.done]:
        before = clock()
        next_one = min(waiting, key=lambda t: (t.steps, len(t.history)))
        made += next_one.run(0.0, clock)
        now = clock()
        longest = max(longest, now - before)
        if now - began + longest > seconds:
            break
    return made

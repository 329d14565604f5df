"""A training as it is watched: models that go step by step together, and what was looked at along the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from explainer.live.trainer import Loop, together

Moment = TypeVar("Moment")
Trained = TypeVar("Trained", bound=Loop)


class Course(Generic[Moment]):
    """Some models in training, one step of each by turns.

    trainers: they are measured at the same steps
    look:     called whenever all of them stand at the same step and have been measured there; what it returns is kept
    """

    def __init__(self, trainers: Sequence[Trained], look: Callable[[Sequence[Trained]], Moment]):
        self.trainers: tuple[Any, ...] = tuple(trainers)
        self._look: Callable[[Sequence[Any]], Moment] = look
        self.moments: dict[int, Moment] = {}  # by step, in order
        self.seconds, self._from = 0.0, 0  # s spent since step `_from`
        for trainer in self.trainers:
            trainer.measure()
        self._note()

    @property
    def steps(self) -> int:
        """How many steps all have made."""
        return min(t.steps for t in self.trainers)

    @property
    def done(self) -> bool:
        return all(t.done for t in self.trainers)

    @property
    def rate(self) -> float:
        """Steps of all of them in a second, measurements included; nan before the first."""
        made = self.steps - self._from
        return made / self.seconds if made and self.seconds else float("nan")

    def advance(self, seconds: float, clock: Callable[[], float] = time.perf_counter) -> None:
        """Go on for that long at most; one piece of work (a step, a measurement) is always done, and none is cut."""
        began = now = clock()
        longest = 0.0
        while not self.done and now - began + longest <= seconds:
            before = now
            together(self.trainers, 0.0)
            self._note()
            now = clock()
            longest = max(longest, now - before)
        self.seconds += now - began

    def step_to(self, step: int) -> None:
        """Go on until all have made so many steps, and are measured if that is due."""
        while not self.done and (
            self.steps < step or len({t.steps for t in self.trainers}) > 1 or any(t.due for t in self.trainers)
        ):
            self.advance(0.0)

    def rewind(self, step: int = 0) -> None:
        """All as they were after that step, or after the last before it at which they were measured."""
        for trainer in self.trainers:
            trainer.rewind(step)
        self.moments = {k: moment for k, moment in self.moments.items() if k <= self.steps}
        self.seconds, self._from = 0.0, self.steps

    def _note(self) -> None:
        at = self.steps
        if at not in self.moments and all(t.history[-1].step == at == t.steps for t in self.trainers):
            self.moments[at] = self._look(self.trainers)

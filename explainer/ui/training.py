"""A figure in which something is trained: a kept run, or, once the reader (or the address) says so, one that happens.

It trains in slices between the reader's other wishes (`Widget.work`), as long as the page says that it is in sight.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from markupsafe import Markup

from explainer.live.course import Course
from explainer.ui.html import join, number, tag
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

SLICE = 0.02  # s of training without a pause: what the reader does meanwhile waits no longer, nor does another training
LEASE = 0.5  # s of training for each time that the page says that the figure is still in sight


class Trained(Widget):
    """Subclasses say what a run is made of (`course`), what was kept of one (`kept`), and what is drawn of a moment
    (`look`, `more`, in words `tests` and `ended`).

    watched:   its name in the state's `watch`
    at:        the state value that says which step is shown
    turns:     the values that a run depends on beside the seed
    kept_seed: the seed of the kept run

    The page's state has what is watched and the seed, and, quiet, the wishes of the page (`running`).
    """

    at: ClassVar[str] = "at"
    turns: ClassVar[tuple[str, ...]] = ()
    kept_seed: ClassVar[int] = 0
    group: ClassVar[str] = "Controls"  # what the controls are called
    frame: ClassVar[str] = "contest"  # the class of what is drawn

    @property
    def watched(self) -> str:
        raise NotImplementedError

    def __init__(self, *args: Any, **options: Any):
        self._course: Course[Any] | None = None  # what is being trained
        self._of: tuple[Any, ...] = ()  # the values that it is of
        self._begun = 0  # the page's last wish to go back that was met
        self._lease = 0.0  # s of training that are left until the page must say again that it sees this
        super().__init__(*args, **options)
        self.state.param.watch(self._still_seen, "again")

    # ---- what subclasses say

    def course(self) -> Course[Any]:
        """A run before its first step, as the state has it."""
        raise NotImplementedError

    def kept(self) -> Mapping[int, Any]:
        """The moments of the kept run, by step."""
        raise NotImplementedError

    def fields(self) -> Sequence[Markup]:
        """The controls beside those of the run itself."""
        return [c.beyond(c.number_field("seed", "Seed", self.state.seed, 0, 2**32 - 1))]

    def look(self, moments: Mapping[int, Any], moment: Any) -> Sequence[Markup | None]:
        """What is seen of a moment, of all that were looked at."""
        raise NotImplementedError

    def more(self, moments: Mapping[int, Any], moment: Any) -> Sequence[Markup]:
        """What the full view shows below."""
        return []

    def tests(self, live: bool) -> str:
        """What was tested at each measurement of a run that happens, or of the kept one."""
        raise NotImplementedError

    def ended(self, moment: Any) -> str:
        """What a training that has come to its end has found, for those who do not see the figure."""
        raise NotImplementedError

    # ---- what is drawn

    def draw(self) -> Markup:
        course = self.running()
        moments = self.moments(course)
        moment = self.shown(moments)
        return join(
            [
                c.controls(
                    self.buttons(course, moment.step),
                    self.step_slider(moments, moment.step),
                    *self.fields(),
                    label=self.group,
                ),
                c.figure(
                    self.slug,
                    tag(
                        "div",
                        *self.look(moments, moment),
                        class_=self.frame,
                        data_step=moment.step,
                        **self.turning(course),
                    ),
                    tag("p", self.said_of(course, moments, moment.step), class_="run-says"),
                    c.outcome(
                        f"Trained, {course.steps:,} steps. {self.ended(moments[course.steps])}"
                        if course and course.done
                        else ""
                    ),
                    *self.more(moments, moment),
                ),
            ]
        )

    # ---- the run that happens

    @property
    def live(self) -> bool:
        """Whether this is what the reader watches."""
        return bool(self.state.watch == self.watched)

    @property
    def works(self) -> bool:
        """Whether it trains: the reader has begun it, sees it, and has not paused it."""
        course = self._course
        return self.live and self._lease > 0 and course is not None and not course.done and not self.state.pause

    def _still_seen(self, *events: Any) -> None:
        """The page says that what was drawn last is in sight: train on."""
        self._lease = LEASE

    def work(self) -> None:
        """Train for a slice; draw what has been measured, and at the end of each lease: then the page asks again."""
        assert self._course is not None
        began, seen = time.perf_counter(), len(self._course.moments)
        self._course.advance(SLICE)
        self._lease -= time.perf_counter() - began
        if len(self._course.moments) > seen or self._lease <= 0 or self._course.done:
            self.redraw()

    def running(self) -> Course[Any] | None:
        """The run that the reader watches, with the page's wishes met: begin, go back, make a step; None if none.

        Outside of a request (in a notebook) nobody calls `work`, and all steps are made at once.
        """
        s = self.state
        if not self.live:
            return None
        of = (s.seed, *(getattr(s, name) for name in self.turns))
        if self._course is None or self._of != of:
            self._course, self._of = self.course(), of
        elif s.back != self._begun:
            self._course.rewind(s.upto)
        if math.isinf(s.left()):
            self._course.step_to(self._course.trainers[0].plan.steps)
        elif s.pause:
            self._course.step_to(s.upto)
        self._begun = s.back
        return self._course

    def moments(self, course: Course[Any] | None) -> Mapping[int, Any]:
        """All that was looked at, by step: of the run that is watched, else of the kept one."""
        return course.moments if course else self.kept()

    def shown(self, moments: Mapping[int, Any]) -> Any:
        """The moment that is shown: the last one, or the last up to the step that the reader has chosen."""
        chosen = getattr(self.state, self.at)
        return moments[max((k for k in moments if chosen is None or k <= chosen), default=min(moments))]

    # ---- what all of them show

    def buttons(self, course: Course[Any] | None, step: int) -> Markup:
        """Train, or pause; and, in the full view, one step, and back: to the step that the reader has chosen, else to
        the start.
        """
        s, name = self.state, self.watched
        found = [self.train_button(course)]
        if course and not course.done:
            wish = f"{name}\x1f{course.steps + 1}\x1ftrue\x1f"
            found.append(c.beyond(c.button("One step", sets=f"watch upto pause {self.at}", value=wish)))
        if course and course.steps:
            to = step if getattr(s, self.at) is not None and step < course.steps else 0
            wish = f"{s.back + 1}\x1ftrue\x1f{to}\x1f"
            found.append(c.beyond(c.button("Rewind", sets=f"back pause upto {self.at}", value=wish)))
        return tag("div", *found, class_="train")

    def train_button(self, course: Course[Any] | None) -> Markup:
        """The one press: begin, pause, go on, or once more from the start."""
        s = self.state
        if course is None:
            wish = f"{self.watched}\x1ffalse\x1f"
            return c.button("Train", sets=f"watch pause {self.at}", value=wish, kind="main")
        if course.done:
            wish = f"{s.back + 1}\x1ffalse\x1f0\x1f"
            return c.button("Train again", sets=f"back pause upto {self.at}", value=wish, kind="main")
        if s.pause:
            return c.button("Train", sets=f"pause {self.at}", value="false\x1f", kind="main")
        return c.button("Pause", sets="pause", value="true", kind="main")

    def step_slider(self, moments: Mapping[int, Any], step: int) -> Markup:
        """Along everything that was looked at."""
        every = min((k for k in moments if k), default=1)
        return c.slider(self.at, "Training step", step, 0, max(*moments, every), step=every)

    def turning(self, course: Course[Any] | None) -> dict[str, Any]:
        """The attributes by which the page knows that there is more to come."""
        more = course is not None and not course.done and not self.state.pause
        return {"data_more": "again" if more else None, "data_piece": course.steps if course and more else None}

    def said_of(self, course: Course[Any] | None, moments: Mapping[int, Any], step: int) -> str:
        """Whether this happened before, or happens now, and how fast."""
        tests = self.tests(course is not None)
        if course is None:
            return (
                f"A kept run, made when this site was built: seed {self.kept_seed}, step {step:,} of "
                f"{max(moments):,}; {tests}. Press Train to see one happen."
            )
        all_steps = course.trainers[0].plan.steps
        fast = f", {number(course.rate)} steps a second in your browser" if course.rate == course.rate else ""
        there = "" if step == max(moments) else f" Shown: step {step:,}."
        return f"Now, seed {self.state.seed}: step {course.steps:,} of {all_steps:,}{fast}; {tests}.{there}"

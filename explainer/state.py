"""What a page remembers: plain, typed, bounded values under the names that the URL and the embed attributes use.

Readers reach these values by links, by attributes and by controls, and all three arrive here as text. One parser for
all: `PageState.update_from` takes what it is given, keeps what makes sense, and says in plain words what it did not
take.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import param

MAX_CHARACTERS = 2000
HOW = ("first", "hurry")  # in what order and how thoroughly to draw: no URL carries it


class PageState(param.Parameterized):
    """The state that every page shares. Subclasses add parameters; each public one is part of the URL.

    `limits()` may be overridden for bounds that depend on other values (a layer of the model, a token of the prompt):
    it returns {name: (low, high, what it counts)} and is asked after every update.
    """

    prompt = param.String(default="", doc="the text that the model reads")
    shared: ClassVar[tuple[str, ...]] = ()
    first = param.String(
        default="", doc="widgets to redraw at once (the ones in sight); the others wait until it is '' again"
    )
    hurry = param.Boolean(
        default=False,
        doc="a slider is on its way: long work stops after a moment, and is finished when this is False again",
    )
    quiet: ClassVar[tuple[str, ...]] = ()  # values that the page may send but no URL carries (a wish to go on, say)

    def names(self) -> list[str]:
        """The names that a URL may carry, in order."""
        return [n for n in self.param if n != "name" and not n.startswith("_") and n not in (*self.quiet, *HOW)]

    def values(self) -> dict[str, Any]:
        """All values, as JSON can carry them: an infinite number as the text that reads back as it."""
        found = {n: getattr(self, n) for n in self.names()}
        return {n: str(v) if isinstance(v, float) and math.isinf(v) else v for n, v in found.items()}

    def limits(self) -> dict[str, tuple[int, int, str]]:
        return {}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        """Hook for page-wide checks on `wanted` (already typed): change it in place, explain in `messages`."""

    def update_from(self, given: dict[str, Any]) -> dict[str, str]:
        """Take values by name from a link, an embed attribute or a control.

        given:   {name: text, number, boolean or None}; None means 'back to the default'; unknown names are ignored
        returns: {name: message} for what could not be taken as it was; empty when all went well
        """
        wanted: dict[str, Any] = {}
        messages: dict[str, str] = {}
        for name in (*self.names(), *self.quiet, *HOW):
            if name not in given:
                continue
            if given[name] is None:
                wanted[name] = self.param[name].default
                continue
            try:
                value = parse(self.param[name], given[name])
            except ValueError as problem:
                messages[name] = str(problem)
                continue
            fixed = wanted[name] = within(self.param[name], value)
            # (what comes from the end of a slider may be off by a last digit)
            if isinstance(value, float) and not math.isclose(fixed, value, rel_tol=1e-6):
                label = name_of(self.param[name])
                messages[name] = f"{label[:1].upper()}{label[1:]} cannot be {short(given[name])}; it is {fixed:,} now."
        self.clean(wanted, messages)
        with param.parameterized.batch_call_watchers(self):
            self.param.update(**wanted)
            for name, (low, high, what) in self.limits().items():
                value = getattr(self, name)
                if value is not None and not low <= value <= high:
                    fixed = min(max(value, low), high)
                    setattr(self, name, fixed)
                    if name in given and given[name] is not None:
                        messages[name] = f"There is no {what} {value} here; showing {what} {fixed}."
        return messages


def parse(kind: param.Parameter, given: Any) -> Any:
    """Read one value for a parameter from text, number or boolean.

    Numbers may still lie outside the parameter's bounds or between whole numbers (`within` mends that).
    'inf' is a number where the upper bound says so (bounds=(0, math.inf)); '' is None where None is allowed.
    Raises ValueError with a sentence for the reader.
    """
    name = name_of(kind)
    if isinstance(kind, param.Boolean):
        text = str(given).lower()
        if text in ("1", "true", "yes", "on"):
            return True
        if text in ("0", "false", "no", "off"):
            return False
        raise ValueError(f"“{short(given)}” is neither on nor off; left {name} as it was.")
    if isinstance(kind, param.Selector):
        for option in kind.objects:
            if str(option) == str(given):
                return option
        raise ValueError(f"“{short(given)}” is not a choice for {name}; left it as it was.")
    if isinstance(kind, param.Number):
        if kind.allow_None and str(given).strip().lower() in ("", "none"):
            return None
        try:
            value = float(given)
            if math.isnan(value):
                raise ValueError
        except (TypeError, ValueError):
            raise ValueError(f"“{short(given)}” is not a number; left {name} as it was.") from None
        most = (kind.bounds or (None, None))[1]
        if math.isinf(within(kind, value)) and (isinstance(kind, param.Integer) or most is None):
            raise ValueError(f"{name} cannot be infinite; left it as it was.")
        return value
    text = str(given).encode("utf-8", "replace").decode("utf-8")
    if len(text) > MAX_CHARACTERS:
        text = text[:MAX_CHARACTERS]
    return text


def within(kind: param.Parameter, value: Any) -> Any:
    """The nearest value that the parameter can have: between its bounds, and whole where it counts something."""
    if not isinstance(kind, param.Number) or value is None:
        return value
    low, high = kind.bounds or (None, None)
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    if not isinstance(kind, param.Integer) or math.isinf(value):
        return value
    return round(value) if math.isclose(round(value), value, rel_tol=1e-6) else int(value)


def name_of(kind: param.Parameter) -> str:
    """What a message calls the parameter."""
    return (kind.label or kind.name or "this").lower()


def short(given: Any, length: int = 30) -> str:
    """What was given, cut to a length that fits a message."""
    text = str(given)
    return text if len(text) <= length else text[: length - 1] + "…"

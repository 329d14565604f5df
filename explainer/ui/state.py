"""What a page remembers: plain, typed, bounded values under the names that the URL and the embed attributes use.

Readers reach these values by links, by attributes and by controls, and all three arrive here as text. One parser for
all: `PageState.update_from` takes what it is given, keeps what makes sense, and says in plain words what it did not
take.
"""

from __future__ import annotations

import math
import re
import time
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import param

from explainer.corpus import names
from explainer.models import lab
from explainer.studies import story

MAX_CHARACTERS = 2000  # the one limit for every text that a reader writes
HOW = ("first", "hurry", "piece")  # in what order and how thoroughly to draw: no URL carries it
SLICE = 0.4  # s: what long work may take of one request, so that a next wish never waits for more
MOMENT = 0.006  # s: the same, while a slider is on its way
BREAK = re.compile(r"[ \t]*(?:\r\n|\r|\n)[ \t\r\n]*")


class NotYet(Exception):
    """What a drawing needs is not computed to its end, and the time for one request is used up: go on with the next."""


class PageState(param.Parameterized):
    """The state that every page shares. Subclasses add parameters; each public one is part of the URL.

    `limits()` may be overridden for bounds that depend on other values (a layer of the model, a token of the prompt):
    it returns {name: (low, high, what it counts)}. A wish beyond them is kept (`wish`, and so the URL); the parameter
    holds what is shown for it, the nearest value that there is, until the text allows the wish again. A wish of None
    (where it is allowed) is the last one there is.

    `room()` may be overridden for the texts that the model reads: {name: (tokens, why no more)}. A longer text keeps
    its end, which is what the model is asked about (`read`).
    """

    prompt = param.String(default="", doc="the text that the model reads")
    model = param.String(default=lab.OWN, label="Model", doc="by which name addresses call it (`lab.is_here`)")
    other_models: ClassVar[bool] = False  # whether the page can be about another model than the storyteller
    shared: ClassVar[tuple[str, ...]] = ()
    first = param.String(
        default="", doc="widgets to redraw at once (the ones in sight); the others wait until it is '' again"
    )
    hurry = param.Boolean(
        default=False,
        doc="a slider is on its way: long work stops after a moment, and is finished when this is False again",
    )
    piece = param.Integer(default=0, doc="counts what the page asks for to go on with what one request had no time for")
    quiet: ClassVar[tuple[str, ...]] = ()  # values that the page may send but no URL carries (a wish to go on, say)
    places: ClassVar[dict[str, str]] = {}  # values that count the tokens of a text: name -> the text's name
    told_by: ClassVar[tuple[str, ...]] = ()  # values that only the weights that a link was made with tell a story by
    moved: ClassVar[dict[str, Any]] = {}  # values that had another default once: name -> what older links mean by none
    sized: ClassVar[tuple[str, ...]] = ()  # values whose default is the storyteller's: links about another say them
    coded: ClassVar[tuple[str, ...]] = ()  # texts that pages write for pages: `clean` reads and bounds them

    def __init__(self, **params: Any):
        super().__init__(**params)
        self._wishes: dict[str, tuple[Any, Any]] = {}  # name: (what is shown, the wish), where the two differ
        self._until = math.inf  # when long work has to stop: only a page's requests are in pieces
        self.unfinished: set[str] = set()  # the widgets that wait for another piece
        self._drawn_of = self._about
        self._show()

    def allow(self, seconds: float) -> None:
        """From now on, let long work take that many seconds in all (`left`)."""
        self._until = time.monotonic() + seconds

    def left(self) -> float:
        """How many seconds long work may still take; inf outside of a page's requests."""
        return max(0.0, self._until - time.monotonic())

    def names(self) -> list[str]:
        """The names that a URL may carry, in order."""
        hidden = ("name", *self.quiet, *HOW, *(() if self.other_models else ("model",)))
        return [n for n in self.param if not n.startswith("_") and n not in hidden]

    @property
    def served(self) -> str:
        """The model that figures are about: the one that is wished for, or, while that is not here, the storyteller."""
        return self.model if lab.is_here(self.model) else lab.OWN

    @property
    def _about(self) -> tuple[str, int]:
        """Which model that is: another file is another model by the same name."""
        return self.served, lab.taken(self.served)

    def about(self) -> AbstractContextManager[None]:
        """Let all that is computed within be about the page's model; while that is not here, about the storyteller."""
        return lab.using(self.served)

    def another(self) -> None:
        """Hook: the figures are about another model from now on (`lab.model()` is that one)."""

    def values(self) -> dict[str, Any]:
        """All wishes, as JSON can carry them: an infinite number as the text that reads back as it."""
        found = {n: self.wish(n) for n in self.names()}
        return {n: str(v) if isinstance(v, float) and math.isinf(v) else v for n, v in found.items()}

    def shown(self) -> dict[str, Any]:
        """What is shown instead of a wish that cannot be met here: {name: value}, of those names only."""
        found = {name: getattr(self, name) for name in self._wishes if self.wish(name) != getattr(self, name)}
        return found if lab.is_here(self.model) else found | {"model": lab.OWN}

    def wish(self, name: str) -> Any:
        """What the reader asked for: what is shown, unless that is only the nearest thing (`limits`)."""
        value = getattr(self, name)
        shown, wish = self._wishes.get(name, (value, value))
        return wish if value == shown else value

    def limits(self) -> dict[str, tuple[int, int, str]]:
        return {}

    def room(self) -> dict[str, tuple[int, str]]:
        return {}

    def measure(self) -> None:
        """Hook for the build: do at once what the page does in pieces before its reader's eyes,
        so that it can be shown."""

    def read(self, name: str = "prompt") -> tuple[int, ...]:
        """The tokens of a text that are used: the start token, then as much of the text's end as there is room for."""
        tokens = lab.tokens_of(getattr(self, name))
        most, _ = self.room()[name]
        if len(tokens) <= most:
            return tokens
        start = lab.tokenizer().start
        return (*start, *tokens[len(tokens) - most + len(start) :])

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        """Hook for page-wide checks on `wanted` (already typed): change it in place, explain in `messages`."""

    def update_from(self, given: dict[str, Any]) -> dict[str, str]:
        """Take values by name from a link, an embed attribute or a control.

        given:   {name: text, number, boolean or None}; None means 'back to the default'; unknown names are ignored.
                 A link says with which weights it was made ("weights": their fingerprint; '' if it does not say)
        returns: {name: message} for what could not be taken as it was; empty when all went well
        """
        with param.parameterized.batch_call_watchers(self):
            messages = self._choose(given)
            with self.about():
                if self._drawn_of != self._about:  # also where the wish is an old one, and the model has come or gone
                    self._drawn_of = self._about
                    self.another()
                    self._show()
                    self.param.trigger("model")
                return self._take(given) | messages

    def _choose(self, given: dict[str, Any]) -> dict[str, str]:
        """Take the model first: what the other values can be depends on it."""
        if "model" not in given or "model" not in self.names():
            return {}
        wish = lab.OWN if given["model"] in (None, "") else str(given["model"])
        if wish not in lab.NAMES:
            return {"model": f"There is no model “{short(wish)}” here; left the model as it was."}
        self.model = wish
        return {}

    def _take(self, given: dict[str, Any]) -> dict[str, str]:
        """All other values."""
        wanted: dict[str, Any] = {}
        messages: dict[str, str] = {}
        if "weights" in given and lab.is_own():
            given, messages = self._from_link(given)
        for name in (*self.names(), *self.quiet, *HOW):
            if name not in given or name == "model":
                continue
            if given[name] is None:
                wanted[name] = self.param[name].default
                continue
            try:
                value = parse(self.param[name], given[name])
                if isinstance(value, str):
                    wanted[name], words = self._fitted(name, value)
                    if words:
                        messages[name] = words
                    continue
            except ValueError as problem:
                messages[name] = str(problem)
                continue
            fixed = wanted[name] = within(self.param[name], value)
            if not same(self.param[name], fixed, value):
                label = name_of(self.param[name])
                messages[name] = f"{label[:1].upper()}{label[1:]} cannot be {short(given[name])}; it is {fixed:,} now."
        self.clean(wanted, messages)
        with param.parameterized.batch_call_watchers(self):
            for name in wanted:
                self._wishes.pop(name, None)
            self.param.update(**wanted)
            for name, words in self._show().items():
                if given.get(name) is not None:
                    messages[name] = words
        return messages

    def _from_link(self, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """What a link asks for, in today's terms, and what to say of one that was made with other weights.

        Links without a fingerprint count tokens as the first tokenizer cut them: the same words are meant. A link that
        a page made says each value in `moved` (build/web/address.js); one without is from before its default moved.
        """
        made_with = str(given["weights"] or "")
        if made_with:
            given = {**given, **{n: old for n, old in self.moved.items() if given.get(n) is None}}
        if made_with == story.fingerprint():
            return given, {}
        moved = dict(given)
        for name, text in self.places.items() if not made_with else ():
            prompt = str(given.get(text) or self.param[text].default)
            place = str(given.get(name, ""))
            if place.isascii() and place.isdigit() and len(place) < 5:
                now = lab.place_now(prompt, int(place))
                most, _ = self.room()[text]
                gone = max(0, len(lab.tokens_of(prompt)) - most)
                moved[name] = max(now - gone, min(now, 1))
        if any(self._takes(name, given.get(name)) for name in self.told_by):
            return moved, {"weights": "This link was made with an earlier model: this one may write something else."}
        return moved, {}

    def _takes(self, name: str, given: Any) -> bool:
        """Whether something is asked for a value, and can be read as one."""
        try:
            return given not in (None, "") and parse(self.param[name], given) is not None
        except ValueError:
            return False

    def _fitted(self, name: str, text: str) -> tuple[str, str]:
        """A text as this page can hold it, and what to say if that is not all of it. Raises ValueError."""
        said: list[str] = []
        text = text.strip("\r\n")
        if name in self.coded:
            return text, ""
        if BREAK.search(text):
            text = BREAK.sub(" ", text)
            said.append("Line breaks are read as blanks here.")
        most, why = self.room().get(name, (0, ""))
        n = len(text)
        if n > MAX_CHARACTERS:
            if not most:
                label = name_of(self.param[name])
                raise ValueError(f"{n:,} characters are too many (at most {MAX_CHARACTERS:,}); left {label} as it was.")
            text = text[-MAX_CHARACTERS:]
            said.append(f"Your text has {n:,} characters; the last {MAX_CHARACTERS:,} are kept.")
            said.append(f"{why}: the last ones of these.")
        elif most and (n := len(lab.tokens_of(text))) > most:
            start = ", the start token included" if lab.tokenizer().start else ""
            said.append(f"{why}; your text has {n:,}{start}. The last ones are used.")
        if most and lab.is_own():
            said += names_said(text)
        return text, " ".join(said)

    def _show(self) -> dict[str, str]:
        """Show the nearest to each wish. Returns {name: message} of those that are not met."""
        messages = {}
        for name, (low, high, what) in self.limits().items():
            wish = self.wish(name)
            shown = fit(wish, low, high)
            if wish is not None and wish != shown:
                messages[name] = f"There is no {what} {short(wish)} here; showing {what} {shown}."
            self._wishes[name] = (shown, wish)
            if getattr(self, name) != shown:
                setattr(self, name, shown)
        return messages


def names_said(text: str) -> list[str]:
    """What to say of the names that a text introduces and that the model gets in pieces (`lab.tokens_of`)."""
    said = []
    for typed, form in names.in_pieces(text, lab.CHILDREN)[1].items():
        said.append(f"“{typed}” is read as {form}: a name is written in pieces, each a syllable or a letter.")
        if strange := names.foreign(typed):
            marks = ", ".join(f"“{c}”" for c in strange)
            said.append(f"{marks}: not one of the letters a to z, and nothing is promised for it.")
    return said


def prompt_for(name: str, prompt: str, messages: dict[str, str]) -> str:
    """A prompt about a name that the reader has made up; says how it is written.

    prompt: with the place {name}, and, where all but its last piece are written again, {start}
    """
    found = names.pieces("".join(name.split()))
    form, start = ("-".join(some).capitalize() for some in (found, found[:-1]))
    strange = ", ".join(f"“{c}”" for c in names.foreign(name))
    said = [f"In pieces of a syllable or a letter: {form}."]
    if len(found) == 1 and "{start}" in prompt:
        said = [f"{form} is one piece: of a name of two or more, there is a rest to finish."]
    if strange:
        said.append(f"{strange}: not one of the letters a to z, and nothing is promised for it.")
    if len(names.letters(name)) > names.MOST_LETTERS:
        said.append(f"The names in the corpus have {names.MOST_LETTERS} letters at most.")
    messages["called"] = " ".join(said)
    return prompt.format(name=form, start=start).rstrip()


def fit(wish: int | None, low: int, high: int) -> int:
    """The nearest to a wish from low to high; the last one where nothing is wished."""
    return high if wish is None else min(max(wish, low), high)


def parse(kind: param.Parameter, given: Any) -> Any:
    """Read one value for a parameter from text, number or boolean.

    Numbers may still lie outside the parameter's bounds or between whole numbers (`within` mends that), texts may be
    too long or have line breaks.
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
        if isinstance(kind, param.Integer):
            try:
                return int(str(given))  # a float would not keep every digit
            except ValueError:
                pass
        try:
            value = float(given)
            if math.isnan(value):
                raise ValueError
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"“{short(given)}” is not a number; left {name} as it was.") from None
        most = (kind.bounds or (None, None))[1]
        if math.isinf(within(kind, value)) and (isinstance(kind, param.Integer) or most is None):
            raise ValueError(f"{name} cannot be infinite; left it as it was.")
        return value
    # what no text field can hold, the model must not get either: it would not be what the reader sees
    return str(given).replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def within(kind: param.Parameter, value: Any) -> Any:
    """The nearest value that the parameter can have: between its bounds, and whole where it counts something."""
    if not isinstance(kind, param.Number) or value is None:
        return value
    low, high = kind.bounds or (None, None)
    value = value if low is None else max(value, low)
    value = value if high is None else min(value, high)
    if not isinstance(kind, param.Integer) or math.isinf(value):
        return value
    return round(value) if near_whole(value) else int(value)


def near_whole(value: Any) -> bool:
    """Whether a number is whole, but for the rounding of a slider's position."""
    return value is not None and math.isfinite(value) and abs(round(value) - value) < 1e-6


def same(kind: param.Parameter, fixed: Any, value: Any) -> bool:
    """Whether a value was taken as it was given: to the last digit where it counts something, else but for rounding."""
    if fixed is None or isinstance(kind, param.Integer):
        return fixed == (round(value) if near_whole(value) else value)
    return math.isclose(fixed, value, rel_tol=1e-6)  # what comes from the end of a slider may be off by a last digit


def name_of(kind: param.Parameter) -> str:
    """What a message calls the parameter."""
    return (kind.label or kind.name or "this").lower()


def short(given: Any, length: int = 30) -> str:
    """What was given, cut to a length that fits a message."""
    text = str(given)
    return text if len(text) <= length else text[: length - 1] + "…"

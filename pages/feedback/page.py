"""/feedback/: what happens when the output becomes the input?"""

from __future__ import annotations

__package__ = __package__ or "pages.feedback"  # as `panel serve` runs this file, by itself

import math
from typing import Any

import param

from explainer.kernel.sampling import Settings, Step
from explainer.models import lab
from explainer.studies import notes, story, working
from explainer.ui.page import Page
from explainer.ui.state import MOMENT, NotYet, PageState

from .views.branches import Branches
from .views.cache import ContextWindow, KeysAndValues
from .views.held import CHOICES, HeldForLater
from .views.loop import Loop
from .views.notes import BOY, MOST, READ, TOLD, ForgedNotes, parse_columns
from .views.prefill import Prefill
from .views.turing import Turing

MOST_TURNS = 160
OWN = 43  # turns of the page's own story: where nothing is written yet, figures about a story show these
FEW = 4  # the same of a further model
TELLING = ("choices", "branches", "look", "at")  # values that are about something written
MOST_TEXTS = 50  # so many earlier texts keep what was chosen for them


class FeedbackState(PageState):
    """The whole story is a function of prompt, t, top_k, top_p, min_p, seed, choices and step.

    The page begins at turn 0. A link that says anything says its step, too (`clean`); one that does not is older, from
    when the page began at turn `OWN`, and opens there (`_from_link`).
    """

    other_models = True
    quiet = ("again",)
    told_by = ("choices", "branches", "seed", "step", "look", "at")
    coded = ("choices", "branches")

    prompt = param.String(default="Once there was a", label="Prompt")
    t = param.Number(default=0.8, bounds=(0, 10), label="temperature")
    top_k = param.Integer(default=None, bounds=(1, None), allow_None=True, label="top-k")
    top_p = param.Number(default=None, bounds=(0, 1), allow_None=True, label="top-p")
    min_p = param.Number(default=None, bounds=(0, 1), allow_None=True, label="min-p")
    seed = param.Integer(default=9, bounds=(0, 2**31 - 1), label="seed")
    step = param.Integer(
        default=None,
        bounds=(0, MOST_TURNS),
        allow_None=True,
        label="step",
        doc="how many tokens have been written; None: none, and nothing else is said",
    )
    choices = param.String(default="", label="choices", doc="what the reader wrote: 3:212,7:45 (turn:token)")
    branches = param.String(
        default=f"1:{lab.tokenizer().encode(' girl')[0]}",
        label="branches",
        doc="other choices to remember, separated by ;",
    )
    look = param.Integer(default=1, bounds=(0, None), label="turn")
    at = param.Integer(default=3, bounds=(0, None), label="turn")
    words = param.String(default="Mia", label="words")
    sum = param.String(default="7 + 5 + 8 + 9 + 6", label="sum")
    sums = param.Integer(default=working.IN_ALL, bounds=(12, 2 * working.IN_ALL), label="number of sums")
    window = param.Integer(default=24, bounds=(4, 128), label="window")
    again = param.Integer(default=0, label="go on measuring")
    turing = param.Boolean(default=False, label="Turing's words")
    tape = param.String(default=TOLD, label="Tape")
    donor = param.String(default=BOY, label="Notes of")
    forge = param.String(default="", label="columns", doc="whose notes are forged: 6.8; '-': none; '': all that differ")
    whose: param.Selector[Any] = param.Selector(default="own", objects=list(READ), label="notes that are read")
    held: param.Selector[Any] = param.Selector(default="name", objects=list(CHOICES), label="what comes later")
    pair = param.Integer(default=0, bounds=(0, notes.SAMPLE - 1), label="pair of tapes")
    mark = param.Integer(default=None, bounds=(0, None), allow_None=True, label="column")

    def __init__(self, **params: Any):
        self._chosen: dict[str, tuple[str, str]] = {}  # prompt: its choices and branches, while another text is there
        super().__init__(**params)

    @property
    def turns(self) -> int:
        """How many tokens have been written."""
        return self.step or 0

    @property
    def ahead(self) -> int:
        """How many turns the figures about a story show: those written, or, where none is, what would be.

        Of a further model, which takes its time, a few.
        """
        return self.turns or (OWN if lab.is_own() else max(1, min(FEW, lab.window() - len(self.tokens()))))

    def tokens(self) -> tuple[int, ...]:
        """As much of the prompt's end as the model can read; the start token comes first, if there is room for it."""
        return lab.tokens_of(self.prompt)[-lab.window() :]

    def room(self) -> dict[str, tuple[int, str]]:
        most = lab.window()
        return {"prompt": (most, f"The model has {most} places")}

    def settings(self) -> Settings:
        return Settings(self.t, self.top_k, self.top_p, self.min_p)

    def chosen(self) -> story.Choices:
        return story.parse_choices(self.choices, lab.tokenizer().n_vocab, MOST_TURNS)

    def kept(self) -> tuple[story.Choices, ...]:
        return story.parse_branches(self.branches, lab.tokenizer().n_vocab, MOST_TURNS)

    def known(self) -> tuple[story.Choices, ...]:
        """Every branch in the order in which it came to be: the story of the draws alone, those remembered,
        this one."""
        return tuple(dict.fromkeys(((), *self.kept(), self.chosen())))

    def tell(
        self,
        turns: int | None = None,
        choices: story.Choices | None = None,
        window: int | None = None,
        part: bool = False,
    ) -> tuple[Step, ...]:
        """The story of the page, or with other choices, another length, a narrower window.

        part: content with its beginning where one request has no time for all of it; else that raises NotYet
        """
        wanted = self.turns if turns is None else turns
        told = story.teller(window).tell(
            self.tokens(),
            self.settings(),
            self.seed,
            self.chosen() if choices is None else choices,
            wanted,
            min(self.left(), MOMENT if part and self.hurry else math.inf),
        )
        if len(told) < wanted and not part:
            raise NotYet
        return told

    def limits(self) -> dict[str, tuple[int, int, str]]:
        return {"look": (0, MOST_TURNS - 1, "turn"), "at": (0, MOST_TURNS - 1, "turn")}

    def written(self, turn: int) -> int:
        """A turn of the story that is shown: `turn`, or the last. (The wish is kept: going on may bring it back.)"""
        return min(turn, self.ahead - 1)

    def _from_link(self, given: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Links of today say how many turns there are. Those that do not, and were made by the page (they say with
        which weights) or are about something written, are from when it began at turn `OWN`."""
        moved, messages = super()._from_link(given)
        asked = {name for name, value in given.items() if value not in (None, "") and name in self.names()}
        if "step" not in given and asked and (given["weights"] or asked & set(TELLING)):
            moved = {**moved, "step": OWN}
        return moved, messages

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        n_vocab = lab.tokenizer().n_vocab
        for name, read in (("choices", story.parse_choices), ("branches", story.parse_branches)):
            if name in wanted:
                try:
                    read(wanted[name], n_vocab, MOST_TURNS)
                except ValueError as problem:
                    messages[name] = str(problem)
                    del wanted[name]
        if wanted.get("prompt", self.prompt) != self.prompt:  # what was chosen was about another text: it waits there
            if self.choices or self.branches:
                self._chosen[self.prompt] = (self.choices, self.branches)
            choices, branches = self._chosen.pop(wanted["prompt"], ("", ""))
            wanted.setdefault("choices", choices)
            wanted.setdefault("branches", branches)
            while len(self._chosen) > MOST_TEXTS:
                del self._chosen[next(iter(self._chosen))]
        elif "choices" in wanted and "branches" not in wanted:
            new = story.parse_choices(wanted["choices"], n_vocab, MOST_TURNS)
            wanted["branches"] = story.write_branches(story.remember(self.kept(), self.chosen(), new))
        elsewhere = wanted.get("prompt", self.prompt) != self.param.prompt.default
        if elsewhere and wanted.get("branches") == self.param.branches.default:
            wanted["branches"] += ";"  # the same, but no default: for another text a link must say it
        if "sum" in wanted:
            try:
                wanted["sum"] = " + ".join(map(str, working.parse_terms(wanted["sum"])))
            except ValueError as problem:
                messages["sum"] = str(problem)
                del wanted["sum"]
        for name in ("tape", "donor"):
            if name in wanted and not 2 <= (n := len(lab.tokens_of(wanted[name], lab.STORYTELLER))) <= MOST:
                messages[name] = f"This figure draws 2 to {MOST} tokens; these are {n}."
                del wanted[name]
        if "forge" in wanted:
            try:
                parse_columns(wanted["forge"])
            except ValueError as problem:
                messages["forge"] = str(problem)
                del wanted["forge"]
        if any(wanted.get(n, getattr(self, n)) != getattr(self, n) for n in ("tape", "donor")):
            wanted.setdefault("forge", "")  # other texts: wherever these differ
        if any(wanted.get(n, getattr(self, n)) != getattr(self, n) for n in ("held", "pair")):
            wanted.setdefault("mark", None)
        room = max(0, lab.window() - len(self.tokens() if "prompt" not in wanted else lab.tokens_of(wanted["prompt"])))
        if not lab.is_own() and (wanted.get("step", self.step) or 0) > room:  # also where the text has grown
            wanted["step"] = room
            messages["step"] = f"This page has memory for {lab.window()} tokens of this model; the text ends here."
        others = [n for n in self.names() if n != "step"]
        told = any(wanted.get(n, self.wish(n)) != self.param[n].default for n in others)
        wanted["step"] = wanted.get("step", self.step) or (0 if told else None)  # said with anything else that is said


PAGE = Page(
    name="feedback",
    group="The loop",
    order=3,
    title="Feedback",
    question="What happens when the output becomes the input?",
    says="The drop: you let it write, and interfere.",
    state=FeedbackState,
    widgets=(Loop, Branches, Prefill, KeysAndValues, ForgedNotes, HeldForLater, ContextWindow, Turing),
)

if __name__ != f"{__package__}.page":  # panel serve pages/feedback/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""/: what this is, on one screen, with one live thing."""

from __future__ import annotations

__package__ = __package__ or "pages.home"  # as `panel serve` runs this file, by itself

from typing import Any, ClassVar

import param

from explainer.models import lab
from explainer.studies import climb
from explainer.ui.page import Page
from explainer.ui.state import PageState, prompt_for

from .views.transformer import Transformer
from .views.whole_model import WholeModel

MOST = 24  # tokens drawn, the start token included
MOST_TURNS = 40
PARTS = ("roof", "word")  # what else than a node can be opened in the picture
PROMPT = "A robot called {name}. Good night,"
OLDER = "A robot called Vi-do-zu. Good night, Vi-do"  # the text of older links that say none: one crank wrote “zu.”


FLOORS = len(climb.bundles(lab.model().config.n_layers))
DRAWN = ("bundled", "all")  # floors: a few, each of several layers where there are many; or one for each layer


class HomeState(PageState):
    """The picture is a function of prompt, seed, turn and floor; `inside` is what is open in it.

    floor: 0 the ground, then the floors, `roof`, and `drop`, where the word has fallen. Turn 2, floor 0 looks as turn 1
    at the drop: there are `drop` places in each turn, counted through (`place`).
    """

    told_by = ("turn", "seed")
    moved: ClassVar[dict[str, Any]] = {"prompt": OLDER}
    coded = ("inside",)
    sized = ("floor",)
    other_models = True
    prompt = param.String(default=PROMPT.format(name="Vi-do-zu"), label="Prompt")
    called = param.String(default="", label="name", doc="a name that the reader makes up: it goes into the prompt")
    quiet = ("called",)
    block: param.Selector[Any] = param.Selector(
        default="attention 3",
        objects=[
            "tokens",
            "embed",
            *[f"{kind} {i}" for i in range(4) for kind in ("attention", "mlp")],
            "unembed",
            "next",
        ],
        label="block",
    )

    turn = param.Integer(default=0, bounds=(0, MOST_TURNS), label="turn", doc="how many words have dropped back")
    floor = param.Integer(default=FLOORS + 1, bounds=(0, None), label="floor", doc="how far this turn has climbed")
    floors: param.Selector[Any] = param.Selector(default="bundled", objects=list(DRAWN), label="floors drawn")
    seed = param.Integer(default=0, bounds=(0, 2**31 - 1), label="seed")
    inside = param.String(default="", label="inside", doc="what is open: floor.column(.read), roof, word")

    def another(self) -> None:
        """The roof stays the roof: that of the model before, and the default, which is the storyteller's."""
        if self.wish("floor") in (self.param["floor"].default, self._roof):
            self.floor = self.roof

    _roof = FLOORS + 1  # where the roof was when something was shown last

    @property
    def most_floors(self) -> int:
        """How many floors may be drawn."""
        return lab.model().config.n_layers if self.floors == "all" else climb.MOST_FLOORS

    @property
    def n_floors(self) -> int:
        """How many floors are drawn."""
        return len(climb.bundles(lab.model().config.n_layers, self.most_floors))

    @property
    def roof(self) -> int:
        return self.n_floors + 1

    @property
    def drop(self) -> int:
        return self.n_floors + 2

    def tokens(self) -> tuple[int, ...]:
        return self.read()

    def climb(self) -> climb.Climb:
        """The turn that is shown."""
        return climb.climb(self.tokens(), self.turn, self.seed, most=self.most_floors)

    def text(self) -> str:
        """The text as it stands, with what has dropped back."""
        tape = (*self.tokens(), *(s.token for s in climb.tell(self.tokens(), self.turn, self.seed)))
        return lab.tokenizer().decode(tape[len(lab.tokenizer().start) :])

    @property
    def place(self) -> int:
        """How far the picture has come, counted through all turns."""
        return self.turn * self.drop + self.floor

    @property
    def last(self) -> int:
        """The last place there is: where the text has ended, or this page does."""
        return (self.turn + 1) * self.drop if self.climb().ended else (MOST_TURNS + 1) * self.drop

    def at(self, place: int) -> str:
        """A place as a button sets it: turn and floor."""
        place = min(max(place, 0), (MOST_TURNS + 1) * self.drop)
        turn = max(0, -(-place // self.drop) - 1)
        return f"{turn}\x1f{place - turn * self.drop}"

    def opened(self) -> tuple[int, int, int | None] | None:
        """The node that is open, if the text has it: (floor, column, the column that is followed)."""
        if self.inside in ("", *PARTS):
            return None
        floor, column, read = read_node(self.inside)
        n = len(self.tokens()) + self.turn
        return (
            (floor, column, read)
            if floor <= self.n_floors and column < n and (read is None or read <= column)
            else None
        )

    def limits(self) -> dict[str, tuple[int, int, str]]:
        wish = self.wish("turn")
        self._roof = self.roof
        return {
            "turn": (0, climb.turns(self.tokens(), wish, self.seed), "turn"),
            "floor": (0, self.drop, "floor"),
        }

    def room(self) -> dict[str, tuple[int, str]]:
        return {"prompt": (MOST, f"This drawing has room for {MOST} tokens")}

    def shown(self) -> dict[str, Any]:
        return super().shown() | {"called": lab.name_in(self.prompt) if lab.is_own() else ""}

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if wanted.get("called"):
            wanted["prompt"] = prompt_for(wanted["called"], PROMPT, messages)
        if wanted.get("prompt", self.prompt) != self.prompt:  # another text begins anew, and shows what comes next
            for name, value in (("turn", 0), ("floor", self.roof), ("inside", "")):
                wanted.setdefault(name, value)
        if (
            wanted.get("floors", self.floors) != self.floors
        ):  # the roof stays the roof; what was open is another floor now
            other = climb.MOST_FLOORS if self.floors == "all" else lab.model().config.n_layers
            moved = len(climb.bundles(lab.model().config.n_layers, other)) - self.n_floors
            wanted.setdefault("floor", self.floor + moved if self.floor >= self.roof else 0)
            wanted.setdefault("inside", "")
        if wanted.get("inside") not in (None, "", *PARTS):
            try:
                read_node(wanted["inside"])
            except ValueError as problem:
                messages["inside"] = str(problem)
                del wanted["inside"]


def read_node(text: str) -> tuple[int, int, int | None]:
    """(floor, column, column that is followed) of a state value such as '3.12' or '3.12.6'.

    Raises ValueError in plain words.
    """
    parts = text.split(".")
    if len(parts) not in (2, 3) or not all(p.isascii() and p.isdigit() and len(p) < 4 for p in parts):
        raise ValueError(f"“{text[:30]}” is no node of the picture; one is written floor.column, like 3.12.")
    floor, column, *read = map(int, parts)
    return floor, column, read[0] if read else None


PAGE = Page(
    name="home",
    order=0,
    title="Start",
    question="A transformer that you can operate",
    state=HomeState,
    widgets=(Transformer, WholeModel),
)

if __name__ != f"{__package__}.page":  # panel serve pages/home/page.py
    import explainer

    explainer.page(PAGE.name).servable()

"""The one picture: a text climbs through the model, a word is drawn on the roof and drops back as the next column."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.kernel import model
from explainer.models import lab
from explainer.studies import climb
from explainer.studies.climb import Climb, Floor
from explainer.studies.next_token import whole_word
from explainer.ui.html import join, tag
from explainer.ui.parts import climb as picture
from explainer.ui.parts import components as c
from explainer.ui.parts.climb import apart, short, word_of
from explainer.ui.widget import Widget

from . import inside


class Transformer(Widget):
    """Type, press the crank, read the word: the whole machine in one drawing that moves."""

    slug = "transformer"
    title = "A text climbs, a word drops"
    own_only = ""
    reads = ("prompt", "turn", "floor", "floors", "seed", "inside")
    functions = (model.forward, model.transformer_block, climb.climbed, climb.NoEdges)

    def draw(self) -> Markup:
        s = self.state
        told = s.climb()
        opened = s.opened()
        chosen = (opened[0], opened[1]) if opened else None
        return tag(
            "div",
            tag(
                "div",
                c.text_field("prompt", "Prompt", s.prompt, placeholder="Once there was a"),
                c.text_field("called", "A name", lab.name_in(s.prompt), placeholder="your own")
                if lab.is_own()
                else None,
                picture.floors_control(lab.model().config.n_layers, s.floors),
                self.crank(),
                class_="climb-ask",
            ),
            tag(
                "figure",
                self.captions(told),
                *[picture.Picture(told, layout, s.floor, chosen).draw() for layout in picture.LAYOUTS],
                self.transport(told),
                class_="figure climb-figure",
                data_figure="picture",
                data_testid="picture",
            ),
            c.outcome(self.outcome(told, opened)),
            self.opened(told, opened),
            tag("div", picture.tables(told), self.closer(told), class_="climb-foot"),
            class_="climber",
            role="group",
            aria_label="The picture",
            data_crank="turn floor",
            data_crank_floors=s.drop,
            data_crank_last=s.last,
            data_turn=s.turn,
        )

    # ------------------------------------------------------------ what is said

    def captions(self, told: Climb) -> Markup:
        """A sentence or two for the ground, each floor, the roof and the drop; the one that holds is shown."""
        s = self.state
        texts = [self.ground(told), *[self.floor(told, f) for f in told.floors], self.roof(told), self.drop(told)]
        lines = [tag("p", *words, **picture.state(f, s.floor)) for f, words in enumerate(texts)]
        return tag("figcaption", *lines, class_="says step-name", aria_live="polite")

    def ground(self, told: Climb) -> list[Any]:
        words = "Each piece of the text has a column. On the ground it knows only itself and its place. Press "
        return [words, tag("b", "Crank"), " and watch."]

    def floor(self, told: Climb, floor: Floor) -> list[Any]:
        n = len(told.floors)
        where = [f"Floor {floor.number} of {n}. " if n > 1 else ""]
        carried = [a for a in floor.arcs if a.carries and a.key > 0]
        own = [a for a in floor.arcs if a.query == told.last and a.key > 0]
        said = f"“{told.word.text}”"
        if carried:
            a = max(carried, key=lambda a: (a.query == told.last, -(a.without or 0)))
            before, after = apart(told.word.chance, a.without or 0)
            fell = f" Cut this line, and {said} falls from {before} to {after}."
            return [*where, word_of(told.columns, a.query), " reads ", word_of(told.columns, a.key), ".", fell]
        if own:
            a = max(own, key=lambda a: a.weight)
            return [
                *where,
                "One head of ",
                word_of(told.columns, a.query),
                " reads ",
                word_of(told.columns, a.key),
                f" most ({short(a.weight)}), of earlier words. No line tested carries {said}.",
            ]
        return [*where, "No single word before it is read much here."]

    def roof(self, told: Climb) -> list[Any]:
        word = whole_word(tuple(c.token for c in told.columns))
        best = max(told.odds, key=lambda o: o.chance)
        begins = word.text if best.unfinished and word.text.startswith(best.text) else ""
        name = [f"“{best.text}”", f" (the beginning of “{begins}”)" if begins else ""]
        return [
            "The roof. ",
            word_of(told.columns, told.last),
            " is compared with every piece the model knows. It fits best: ",
            tag("b", *name, class_="it"),
            f", {short(best.chance)}.",
        ]

    def drop(self, told: Climb) -> list[Any]:
        if told.ended:
            return [
                "One ball is drawn: ",
                tag("b", "the end", class_="it"),
                ". The text is finished. Rewind it, or type another.",
            ]
        return [
            "One ball is drawn: ",
            tag("b", f"“{told.word.text}”", class_="it"),
            f" ({short(told.word.chance)}). It drops to the ground as the next column, and everything runs again.",
        ]

    # ------------------------------------------------------------ controls

    def crank(self) -> Markup:
        """One whole turn, by one press: the word, and up to the roof again."""
        s = self.state
        return tag(
            "button",
            "Crank",
            type="button",
            class_="button main crank",
            data_crank_to=s.roof,
            title="One turn: a word, and up again",
            data_set="turn floor",
            value=s.at(s.place + 1),
            aria_disabled="true" if s.place >= s.last else None,
        )

    def transport(self, told: Climb) -> Markup:
        s = self.state
        first, last = s.place == 0, s.place >= s.last
        step = lambda to: {"data_set": "turn floor", "value": s.at(to)}  # noqa: E731
        off = lambda no: "true" if no else None  # noqa: E731
        legend = join(
            [
                "Lines: what a word reads",
                tag("span", ", one floor below"),
                ". ",
                tag("b", "Bold"),
                f" ones carry “{told.word.text}”",
                tag("span", ": without one, its chance falls"),
                ".",
            ]
        )
        icon = lambda name, kind: [  # noqa: E731
            tag("span", name, class_="sr"),
            tag("i", class_=kind, aria_hidden="true"),
        ]
        return tag(
            "div",
            tag(
                "button",
                *icon("Rewind", "rewind"),
                type="button",
                class_="button icon",
                title="Rewind",
                data_crank_by=-s.place,
                aria_disabled=off(first),
                **step(0),
            ),
            tag(
                "button",
                *icon("Previous step", "back"),
                type="button",
                class_="button icon",
                title="One floor back",
                data_crank_by=-1,
                aria_disabled=off(first),
                **step(s.place - 1),
            ),
            tag(
                "button",
                *icon("Next step", "forth"),
                type="button",
                class_="button icon",
                title="One floor on",
                data_crank_by=1,
                aria_disabled=off(last),
                **step(s.place + 1),
            ),
            tag("button", "Play", type="button", class_="button", data_crank_play=True, aria_pressed="false"),
            tag("button", "Slowly", type="button", class_="button", data_crank_slow=True, aria_pressed="false"),
            tag("p", legend, class_="readout", data_readout=True),
            class_="step-controls climb-controls",
        )

    # ------------------------------------------------------------ what opens

    def opened(self, told: Climb, opened: tuple[int, int, int | None] | None) -> Markup | None:
        s = self.state
        if s.inside == "roof":
            return inside.roof(told, s.text(), s.seed)
        if s.inside == "word":
            return inside.word(told, s.text())
        if opened is None:
            return None
        floor, column, read = opened
        if floor == 0:
            return inside.ground(told, column)
        found = climb.inside(told, floor, column, read)
        return inside.panel(told, found, s.text(), read is not None)

    def outcome(self, told: Climb, opened: tuple[int, int, int | None] | None) -> str:
        """What a press has opened, for those who do not see it: 'Opened below: Vi, floor 3.'"""
        what = {"roof": "the roof", "word": "the word that drops"}.get(self.state.inside)
        if opened is not None:
            floor, column, read = opened
            what = picture.node_of(told, floor, column)
            what += f", which reads {word_of(told.columns, read, bold=False)}" if read is not None else ""
        return f"Opened below: {what}." if what else ""

    def closer(self, told: Climb) -> Markup:
        """The four pages that are each a part of this picture, with the same words."""
        text = self.state.text()
        arcs = [a for a in told.arcs if a.query == told.last and a.key > 0]
        best = max(arcs, key=lambda a: (a.carries, a.weight), default=None)
        head = {"layer": best.layer, "head": best.head} if best else {}
        parts = [
            ("attention", "The lines", {"prompt": text, **head}),
            ("temperature", "The roof", {"prompt": text}),
            ("feedback", "The drop", {"prompt": text, "step": 0}),
            ("paths", "The floors", {"prompt": text}),
        ]
        return tag(
            "p",
            tag("span", "Closer: "),
            *[inside.onward(page, words, ask) for page, words, ask in parts],
            class_="closer",
        )

"""Which heads of a model of English carry a name to where it is due: found by patching, and switched off by a press."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import unwrap
from typing import Any

from markupsafe import Markup

from explainer.kernel import model
from explainer.kernel.interventions import HeadOff, Patch
from explainer.models import lab
from explainer.studies import indirect as study
from explainer.ui.html import exact, how_many, join, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

WAYS = {"off": "switched off", "other": "as in the other text"}
"""What a pressed head does."""


@dataclass(frozen=True)
class Row:
    """A head as a row of the drawing. share: of the way of the lead, by patching; reads: a word and its share"""

    name: str
    share: float
    straight: float
    reads: tuple[str, float]


class WhoGetsIt(Widget):
    """Exchange a name, see which heads carry it, switch one off, and see the odds fall."""

    slug = "who-gets-it"
    title = "Who gets the drink?"
    own_only = ""
    reads = ("scene", "trade", "off", "way")
    beyond = ("way",)
    functions = (unwrap(study.carried), study.patched, study.slopes, study.straight, HeadOff, Patch, model.attention)

    def draw(self) -> Markup:
        return self.kept() if lab.is_own() else self.live()

    # ------------------------------------------------------------ of the model that is here

    def live(self) -> Markup:
        s = self.state
        tokens = lab.tokens_of(s.scene)
        ask = c.controls(c.text_field("scene", s.param.scene.label, s.scene, hint=c.tokens_in(len(tokens))))
        try:
            found = study.carried(tokens, s.trade)
        except study.NoScene as reason:
            return join(
                [
                    ask,
                    c.figure(
                        "who-gets-it",
                        c.message(str(reason), "finding"),
                        c.button("Take this page’s own text", sets="scene", value=s.param.scene.default),
                    ),
                ]
            )
        config = lab.model().config
        pressed = {(i, h) for i, h in s.heads() if i < config.n_layers and h < config.n_heads}
        say = lab.tokenizer().display
        words = [say(t) for t in tokens]
        chances = self.chances(found, frozenset(pressed))
        before = study.odds(tokens)
        due, rival = (word(say(t)) for t in (found.due, found.rival))
        shown = [found.due, found.rival]
        likeliest = next(int(t) for t in (-chances).argsort() if t not in shown)
        shown.append(likeliest)
        names = [due, rival, say(likeliest)]
        bars = charts.bars(
            names,
            [float(chances[t]) for t in shown],
            label="What comes next",
            scale=1.0,
            others={"before": [float(before[t]) for t in shown]} if pressed else None,
            heads=("next", "chance"),
        )
        way = found.lead - found.other
        rows = [
            Row(
                f"{p.layer}.{p.head}",
                p.carries / way,
                p.straight / way,
                (words[p.reads[0]], p.reads[1]),
            )
            for p in found.parts
        ]
        toggles = {f"{p.layer}.{p.head}": p.at for p in found.parts}
        more = sorted(pressed - {p.at for p in found.parts})
        return join(
            [
                ask,
                c.figure(
                    "who-gets-it",
                    strip(
                        words,
                        found.scene.places,
                        chosen=s.trade,
                        new=word(say(found.exchanged[found.scene.places[s.trade]])),
                    ),
                    c.told(
                        *told(
                            due, rival, float(chances[found.due]), float(chances[found.rival]), sorted(pressed), s.way
                        )
                    ),
                    bars,
                    table(rows, due, rival, self.buttons(toggles, pressed)),
                    tag("p", "Also: ", ", ".join(f"{i}.{h}" for i, h in more), ".", class_="note") if more else None,
                    c.button("All heads as they were", sets="off", value="", kind="small") if pressed else None,
                    c.beyond(
                        c.choice("way", "A pressed head is", list(WAYS.items()), s.way),
                        explained(rows, due, rival, found.together / way, "your text, now"),
                        over_prompts(),
                    ),
                ),
            ]
        )

    def chances(self, found: study.Carried, pressed: frozenset[study.Head]) -> Any:
        """What comes next with the pressed heads changed. [V]"""
        if self.state.way == "off" or not pressed:
            return study.odds(found.scene.tokens, pressed)
        return study.odds_from(found, pressed)

    def buttons(self, toggles: Mapping[str, study.Head], pressed: set[study.Head]) -> dict[str, Markup]:
        """For each head that is shown, what switches it off or on again."""
        sign = "off" if self.state.way == "off" else "other"
        return {
            name: tag(
                "button",
                sign,
                type="button",
                data_set="off",
                value=study.coded(pressed ^ {at}),
                aria_pressed=str(at in pressed).lower(),
                aria_label=f"{sign}: head {name}",
                class_="button small",
            )
            for name, at in toggles.items()
        }

    # ------------------------------------------------------------ while that model is not here

    def kept(self) -> Markup:
        """What is shown beside the storyteller: a run of SmolLM2 that was kept."""
        run = study.card()["example"]
        words, places = run["tokens"], {name: run[name] for name in study.EXCHANGES}
        due, rival = word(words[run["due"]]), word(words[run["giver"]])
        chances = run["chances"]
        way = run["lead"] - run["exchanged"]
        rows = [
            Row(
                f"{p['layer']}.{p['head']}",
                p["carries"] / way,
                p["straight"] / way,
                (words[p["reads"][0]], p["reads"][1]),
            )
            for p in run["parts"]
        ]
        off = {
            f"{p['layer']}.{p['head']}": tag("span", number(p["off"][0] / p["off"][1]), " : 1") for p in run["parts"]
        }
        return join(
            [
                c.message(
                    "The storyteller has never read of Mary. Choose SmolLM2-135M above (98 MB) to exchange names and "
                    "switch heads off; this is a kept run of it.",
                    "note",
                ),
                c.figure(
                    "who-gets-it",
                    strip(words, places, chosen="giver", new=due, live=False),
                    c.told(*told(due, rival, chances[0], chances[1], [], "off")),
                    charts.bars([due, rival], chances, label="What comes next", scale=1.0, heads=("next", "chance")),
                    table(rows, due, rival, off, last=("without it", f"{due} : {rival} without it")),
                    c.beyond(explained(rows, due, rival, run["together"] / way, "a kept run"), over_prompts()),
                ),
            ]
        )


def word(text: str) -> str:
    """A token without the mark of its blank."""
    return text.strip("␣")


def told(due: str, rival: str, chance: float, other: float, pressed: Sequence[study.Head], way: str) -> list[Any]:
    """The odds in a sentence."""
    heads = ", ".join(f"{i}.{h}" for i, h in pressed)
    begin = "" if not pressed else f"With {'heads' if pressed[1:] else 'head'} {heads} {WAYS[way]}: "
    if chance >= other:
        return [
            begin,
            tag("b", due),
            f"\u00a0{percent(chance)}, {number(chance / other, 2)} times as likely as {rival}.",
        ]
    return [begin, tag("b", rival), f"\u00a0{percent(other)}, {number(other / chance, 2)} times as likely as {due}."]


def strip(words: Sequence[str], places: Mapping[str, int], *, chosen: str, new: str, live: bool = True) -> Markup:
    """The text; its three names are buttons, and the one that is exchanged says for what."""
    at = {place: name for name, place in places.items()}
    cells = []
    for place, text in enumerate(words):
        if place not in at:
            cells.append(tag("span", tag("span", text, class_="text"), class_="token"))
            continue
        this = at[place] == chosen
        shown = [tag("span", text, class_="text"), tag("span", f" → {new}", class_="trade") if this else None]
        cells.append(
            tag(
                "button",
                *shown,
                type="button",
                data_set="trade",
                value=at[place],
                aria_pressed=str(this).lower(),
                class_="token",
            )
            if live
            else tag("span", *shown, class_=f"token{' traded' if this else ''}")
        )
    return tag(
        "div",
        *cells,
        class_="trades axis-key",
        role="group",
        aria_label="The text; press the name that is to be exchanged" if live else "The text, and the name exchanged",
        translate="no",
    )


def table(
    rows: Sequence[Row], due: str, rival: str, ends: Mapping[str, Markup], last: str | tuple[str, str] = "switch"
) -> Markup:
    """The heads that carry most, with bars: how far the lead moves if that head alone is as in the other text."""
    scale = max(abs(r.share) for r in rows)
    middle = any(r.share < 0 for r in rows)
    lines = []
    for r in rows:
        side = ("minus" if r.share < 0 else "plus") if middle else ""
        length = abs(r.share) / scale / (2 if middle else 1)
        lines.append(
            tag(
                "tr",
                tag("th", r.name, scope="row", class_="axis-head"),
                charts.track(charts.bar(length, f"{side} colour-head"), kind="mid" if middle else ""),
                tag("td", share(r.share), data_v=exact(r.share), class_="num"),
                tag("td", c.token(r.reads[0]), " ", percent(r.reads[1]), class_="most-read"),
                tag("td", ends[r.name], class_="num"),
            )
        )
    heads = [
        tag("th", "head", scope="col"),
        tag("td", aria_hidden="true"),
        tag("th", "carries", scope="col", class_="num"),
        tag("th", "reads most", scope="col"),
        c.column_head(last),
    ]
    return tag(
        "table",
        tag("caption", f"The heads that carry most of {due}’s lead over {rival}, and what each reads"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *lines),
        class_="bars carriers",
        translate="no",
    )


def share(value: float) -> str:
    """A share of the way, with its sign; it may be more than all of it."""
    size = percent(abs(value)) if abs(value) < 0.995 else f"{100 * abs(value):.0f}\u00a0%"
    return size if value >= 0 else f"−{size}"


def explained(rows: Sequence[Row], due: str, rival: str, together: float, whose: str) -> Markup:
    """What the numbers are, and all of them."""
    return tag(
        "div",
        tag(
            "p",
            f"The lead of {due} is the logarithm of how many times likelier it is than {rival}. In the text with the "
            "name exchanged it is another. A head’s share is how far the lead moves from the one towards the other if "
            "this head’s output at the last token, and nothing else, is taken from the other text (activation "
            f"patching); all of these heads at once: {share(together)}. Below 0 it works against {due}. Shares need "
            "not add up to 100 %: later heads make something of what earlier ones write, and make up for it.",
            class_="note",
        ),
        c.numbers_table(
            ["head", "share of the lead", "of this straight to the logits", "reads most", "how much"],
            [[r.name, r.share, r.straight, r.reads[0], r.reads[1]] for r in rows],
            f"Heads that carry the lead of {due}: {whose}",
            text=share,
            summary=f"Numbers: {whose}",
        ),
    )


def over_prompts() -> Markup:
    """What was measured of SmolLM2 over a set of prompts."""
    card = study.card()
    between = lambda m: f"{share(m['mean'])} ({share(m['low'])} to {share(m['high'])})"  # noqa: E731
    rows = []
    for h in card["heads"]:
        place, most = max(h["reads"].items(), key=lambda item: item[1]["mean"])
        rows.append(
            [
                f"{h['layer']}.{h['head']}",
                between(h["carries"]),
                between(h["straight"]),
                PLACES[place],
                percent(most["mean"]),
            ]
        )
    n = card["sample"]["prompts"]
    return c.numbers_table(
        ["head", "share of the lead", "of this straight to the logits", "reads most", "how much"],
        rows,
        f"SmolLM2-135M on {n} prompts ({how_many(len(card['sample']['frames']), 'frame')}, "
        f"{how_many(len(card['sample']['names']), 'name')}), the giver exchanged; 95 % intervals over prompts",
        summary=f"The same over {n} prompts",
    )


PLACES = {
    "due": "the name that is due",
    "first": "the other name, first time",
    "giver": "the other name, second time",
    "beginning": "the first token",
    "itself": "itself",
}

"""What the widgets of the attention page share: the controls of a head, and two shares under each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from explainer.models import lab
from explainer.studies.further import head_scores
from explainer.ui.html import exact, number, percent, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c

# ---------------------------------------------------------------- controls


def prompt_field(state: Any, n_tokens: int) -> Markup:
    """The reader's text."""
    return c.text_field("prompt", "Prompt", state.prompt, hint=c.tokens_in(n_tokens))


def head_choice(state: Any, names: Sequence[str], *, query: bool = True) -> list[Markup]:
    """Layer, head and (unless told otherwise) the token that asks."""
    config = lab.model().config
    found = [
        c.choice("layer", "Layer", [(i, str(i)) for i in range(config.n_layers)], state.layer),
        c.choice(
            "head",
            "Head",
            [(i, head_option(state.layer, i, state.tokens())) for i in range(config.n_heads)],
            state.head,
        ),
    ]
    if query:
        found.append(
            c.choice("query", "Query token", [(i, f"{i}: {n}") for i, n in enumerate(names)], state.query, tokens=True)
        )
    return found


def head_option(layer: int, head: int, tokens: tuple[int, ...]) -> str:
    """'2: induction' in the list of heads."""
    label, _ = head_scores(tokens).label(layer, head)
    return f"{head}: {label}"


def head_says(layer: int, head: int, tokens: tuple[int, ...]) -> Markup:
    """What a head measurably does, in a line."""
    label, score = head_scores(tokens).label(layer, head)
    return tag("span", "head ", tag("b", f"{layer}.{head}"), f": {label} ({number(score)})", class_="axis-head")


# ---------------------------------------------------------------- two shares


def bars_two(
    names: Sequence[Any],
    before: Sequence[float],
    after: Sequence[float],
    *,
    label: str,
    heads: tuple[str, str],
    chosen: int | None = None,
    scale: float = 1.0,
    colours: tuple[str, str] = ("vocab", "loss"),
) -> Markup:
    """Two shares per name, one bar over the other, both as numbers: a table."""
    rows = []
    for i, name in enumerate(names):
        a, b = float(before[i]), float(after[i])
        pair = [
            charts.bar(min(abs(a) / scale, 1), f"colour-{colours[0]} first"),
            charts.bar(min(abs(b) / scale, 1), f"colour-{colours[1]} second"),
        ]
        rows.append(
            tag(
                "tr",
                tag("th", name if isinstance(name, Markup) else c.token(name), scope="row"),
                charts.track(*pair, kind="two"),
                tag("td", percent(a), data_v=exact(a), class_="num", tabindex="-1"),
                tag("td", percent(b), data_v=exact(b), class_="num", tabindex="-1"),
                class_="chosen" if i == chosen else None,
            )
        )
    head = tag(
        "tr",
        tag("th", "next token", scope="col"),
        tag("td", aria_hidden="true"),
        tag("th", heads[0], scope="col", class_=f"colour-{colours[0]} num"),
        tag("th", heads[1], scope="col", class_=f"colour-{colours[1]} num"),
    )
    return tag(
        "table",
        tag("caption", label, class_="sr"),
        tag("thead", head),
        tag("tbody", *rows),
        class_="bars pairs",
        data_grid=True,
    )

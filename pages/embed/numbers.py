"""What /embed/ is built from: every figure as the build has found it, and the recipes of build/snippets.toml."""

from __future__ import annotations

import itertools
import json
import os
from html import escape
from pathlib import Path
from typing import Any

import snippets

FIRST = "temperature"  # the figure that is chosen at first


def select(name: str, label: str, options: str) -> str:
    return f'<label>{label} <select data-choose="{name}">{options}</select></label>'


def options_of(values: tuple[str, ...]) -> str:
    return "".join(f'<option value="{value}">{value}</option>' for value in values)


def builder(figures: list[dict[str, Any]], site: str) -> str:
    """The controls, and the figure itself. One line: Markdown ends a block of HTML at an empty one."""
    groups = []
    for question, group in itertools.groupby(figures, key=lambda figure: figure["question"]):
        choices = "".join(
            f'<option value="{f["slug"]}"{" selected" * (f["slug"] == FIRST)}>{escape(f["title"])}</option>'
            for f in group
        )
        groups.append(f'<optgroup label="{escape(question)}">{choices}</optgroup>')
    chosen = (
        select("figure", "Figure", "".join(groups))
        + select("view", "View", options_of(("compact", "full")))
        + select("theme", "Theme", options_of(("auto", "light", "dark")))
        + '<label>Width of your text <input type="range" data-choose="width" min="320" max="1100" step="10" '
        'value="720"><output>720 px</output></label>'
    )
    known = {"figures": {f["slug"]: {k: f[k] for k in ("title", "room")} for f in figures}, **snippets.known()}
    data = json.dumps(known, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="builder wide" data-builder data-address="{escape(site)}">'
        f'<div class="choices for-scripts">{chosen}</div>'
        f'<div class="stage"><transformer-explainer widget="{FIRST}"></transformer-explainer></div>'
        f'<p class="room" role="status"></p></div>\n<script type="application/json" id="builder-data">{data}</script>'
    )


def steps(recipe: dict[str, Any], figure: dict[str, Any], site: str) -> str:
    """The codes of a recipe, each under the name of its file."""
    filled = []
    for k, step in enumerate(recipe["steps"]):
        code = snippets.fill(step["code"], figure["slug"], figure["title"], site=site, tall=figure["tall"])
        filled.append(
            f'<div class="step"><p class="file">{escape(step["file"])}</p><pre tabindex="0"><code '
            f'data-step="{k}">{escape(code).replace(chr(10), "&#10;")}</code></pre>'
            '<button type="button" class="button small" data-copy-from>Copy</button></div>'
        )
    return "".join(filled)


def recipes(figure: dict[str, Any], site: str) -> str:
    """Every recipe, filled in for the figure that is chosen at first; the page's script shows one of them at a time."""
    made = "".join(
        f'<section class="recipe" id="recipe-{r["id"]}" data-recipe="{r["id"]}"><h3>{escape(r["name"])}</h3>'
        f"<p data-says>{said(r, figure, site)}</p>{steps(r, figure, site)}</section>"
        for r in snippets.known()["recipes"]
    )
    tools = "".join(f'<option value="{r["id"]}">{escape(r["name"])}</option>' for r in snippets.known()["recipes"])
    return (
        f'<div class="recipes wide"><div class="choices for-scripts">{select("tool", "Your tool", tools)}'
        f'<label>Address of the site <input type="url" data-choose="site" value="{escape(site)}" spellcheck="false">'
        f"</label></div>{made}</div>"
    )


def said(recipe: dict[str, Any], figure: dict[str, Any], site: str) -> str:
    """What is said of a recipe, with `code` in it."""
    filled = snippets.fill(recipe["says"], figure["slug"], figure["title"], site=site)
    words = [
        f'<code translate="no">{part}</code>' if k % 2 else part for k, part in enumerate(escape(filled).split("`"))
    ]
    return "".join(words)


def numbers(out: Path) -> dict[str, Any]:
    """out: the site as far as it is built, with what `build/previews.py` says of every figure."""
    figures = json.loads((out / "embed" / "figures.json").read_text(encoding="utf-8"))
    given = os.environ.get("SITE_URL", "")
    site = f"{given.rstrip('/')}/" if given else snippets.HOST
    first = next((figure for figure in figures if figure["slug"] == FIRST), figures[0])
    return {"builder": builder(figures, site), "recipes": recipes(first, site)}

"""What /demo/ lists: every figure that can be embedded, as the build has found them in the pages' folders."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import Any

import snippets


def code_of(figure: dict[str, Any]) -> str:
    """What an author copies: the script, and the element with what stands in for it where no script runs."""
    return snippets.form("element", figure["slug"], figure["title"])


def entry(figure: dict[str, Any]) -> str:
    """One figure: its still, small, its name, what it shows, and its code to copy."""
    slug, title = escape(figure["slug"]), escape(figure["title"])
    return (
        f'<li id="figure-{slug}"><div class="thumb" inert>'
        f'<iframe src="../embed/{slug}/still.html" title="A still of: {title}" loading="lazy"></iframe></div>'
        f'<div class="about"><h3><a href="../{figure["page"]}#{slug}">{title}</a></h3><p>{escape(figure["shows"])}</p>'
        f'<pre tabindex="0"><code translate="no">{escape(code_of(figure))}</code></pre>'
        f'<button type="button" class="button small" data-copy-from>Copy</button></div></li>'
    )


def numbers(out: Path) -> dict[str, Any]:
    """out: the site as far as it is built, with what `build/previews.py` says of every figure."""
    figures = json.loads((out / "embed" / "figures.json").read_text(encoding="utf-8"))
    return {
        "how_many": len(figures),
        "figures": f'<ul class="figures wide">{"".join(map(entry, figures))}</ul>',
    }

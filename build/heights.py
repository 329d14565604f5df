"""How tall an embed is: measured in a browser by `make heights`, kept in `pages/<folder>/heights.json`.

    {slug: {view: [[width, height], ...]}}    in CSS pixels, widths ascending

The build makes no page in a browser, so the heights are kept. They stand in embed.js, in the embed code and in the
oEmbed files, so that a post leaves the room that a figure takes and nothing in it moves when the figure comes.
`tests/site/test_heights.py` measures again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PAGES = Path(__file__).resolve().parent.parent / "pages"
VIEWS = ("compact", "full")
WIDTHS = (
    *(320, 340, 360, 380, 400, 430, 460, 480, 490, 500, 520, 540, 560, 580, 600, 640, 680),
    *(720, 760, 800, 830, 860, 900, 930, 960, 1000, 1100, 1280),
)
"""Where embeds are measured. What lies between two of them gets the larger height of the two."""
UNKNOWN = 560  # of a widget that was never measured

Table = list[list[int]]


def file_of(page: Any) -> Path:
    """Where the heights of a page's widgets are kept."""
    return PAGES / page.folder / "heights.json"


def kept(page: Any) -> dict[str, dict[str, Table]]:
    """The heights of a page's widgets: {slug: {view: table}}; {} of a page whose widgets were never measured."""
    file = file_of(page)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def room(table: Table, width: float) -> int:
    """The room to leave for a figure that is `width` wide; embed.js asks its own table in the same way."""
    if not table:
        return UNKNOWN
    narrower = [height for at, height in table if at <= width][-1:]
    wider = [height for at, height in table if at >= width][:1]
    return max(narrower + wider)


def tall(page: Any, slug: str, width: float = 720) -> dict[str, int]:
    """The height of a widget in a post whose text is 720 px wide: {view: height}."""
    of = kept(page).get(slug, {})
    return {view: room(of.get(view, []), width) for view in VIEWS}


def figures(pages: Any) -> dict[str, Any]:
    """What embed.js knows of the widgets: {slug: [values that only the full view shows, compact, full]}.

    compact, full: the heights of that view at WIDTHS; [] of a widget that was never measured there
    """

    def at_widths(table: Table) -> list[int]:
        return [height for _, height in table] if tuple(width for width, _ in table) == WIDTHS else []

    return {
        widget.slug: [
            list(widget.beyond),
            *[at_widths(kept(page).get(widget.slug, {}).get(view, [])) for view in VIEWS],
        ]
        for page in pages
        for widget in page.widgets
    }

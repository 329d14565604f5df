"""How tall an embed is: measured in a browser by `make heights`, kept in `pages/<folder>/heights.json`.

    {slug: {view: [[width, height], ...]}}    in CSS pixels, widths ascending; from each width to the next

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
    *(320, 330, 340, 350, 360, 370, 380, 390, 400, 415, 430, 445, 460, 475, 490, 505, 520, 540, 560, 580, 600),
    *(620, 640, 660, 680, 700, 720, 750, 780, 810, 840, 870, 900, 930, 960, 1000, 1100, 1280),
)
"""Where the room that embeds are left may change: from each of these widths to the next it is one and the same."""
MEASURED = tuple(sorted({*WIDTHS, *range(320, 560), *range(560, 1280, 4)}))
"""Where embeds are measured. A drawing grows with its width and falls back where its layout changes, so the
greatest height need not be at the widths above."""
UNKNOWN = 560  # of a widget that was never measured

Table = list[list[int]]


def file_of(page: Any) -> Path:
    """Where the heights of a page's widgets are kept."""
    return PAGES / page.folder / "heights.json"


def kept(page: Any) -> dict[str, dict[str, Table]]:
    """The heights of a page's widgets: {slug: {view: table}}; {} of a page whose widgets were never measured."""
    file = file_of(page)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def within(start: int) -> tuple[int, ...]:
    """The widths of MEASURED from one of WIDTHS to the next one."""
    end = next((width for width in WIDTHS if width > start), start)
    return tuple(width for width in MEASURED if start <= width <= end)


def greatest(heights: Table) -> Table:
    """The table that is kept: of each of WIDTHS, the greatest of the heights from it to the next one.

    heights: [[width, height], ...] at MEASURED
    """
    return [[start, max(tall for at, tall in heights if at in within(start))] for start in WIDTHS]


def room(table: Table, width: float) -> int:
    """The room to leave for a figure that is `width` wide; embed.js asks its own table in the same way."""
    if not table:
        return UNKNOWN
    return next((height for at, height in reversed(table) if at <= width), table[0][1])


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

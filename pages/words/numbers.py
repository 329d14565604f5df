"""What /words/ lists: the terms that the prose of all pages explains where they stand (pages/terms.toml)."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import prose


def numbers(out: Path) -> dict[str, Any]:
    """out: the site as far as it is built (not needed here)."""
    rows = (
        f'<dt id="{prose.slug_of(name)}">{escape(name)}</dt><dd>{escape(says)}</dd>'
        for name, says in sorted(prose.terms().items(), key=lambda each: each[0].lower())
    )
    return {"terms": f'<dl class="words">{"".join(rows)}</dl>'}

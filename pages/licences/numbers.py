"""What /licences/ lists: gathered when the site is built from the very packages that were installed."""

from __future__ import annotations

from pathlib import Path

import licences


def numbers(out: Path) -> dict[str, str]:
    """{"licences": every licence with its text, as Markdown}."""
    parts = [
        f"## {each.name} {each.version}\n\n{each.licence}. {each.note}\n\n```text\n{each.text.strip()}\n```\n"
        for each in licences.collect()
    ]
    return {"licences": "\n".join(parts)}

"""What /licences/ lists: gathered when the site is built from the very packages that were installed."""

from __future__ import annotations

from pathlib import Path

import licences
import real


def numbers(out: Path) -> dict[str, str]:
    """{"licences": every licence with its text, as Markdown}."""
    parts = [
        f"## {each.name} {each.version}\n\n{each.licence}. {each.note}\n\n```text\n{each.text.strip()}\n```\n"
        for each in licences.collect()
    ]
    if found := real.licence(out):
        model, text = found
        where = (
            f"{model.source}. Fetched only by who asks for it; nothing in it was changed, but it was cut into parts."
        )
        head = f"## {model.title}, a language model ({model.file})\n\n{model.licence}. {where}\n"
        parts.append(f"{head}\n```text\n{text.strip()}\n```\n")
    return {"licences": "\n".join(parts)}

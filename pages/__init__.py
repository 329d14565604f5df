"""The pages of the site: every folder here with a `page.py`, in the order that each gives itself.

    <name>/page.py      PAGE, a `Page`: its question, its state, its widgets
    <name>/text.md      the prose
    <name>/numbers.py   numbers(), what the prose says in numbers; readers' browsers do not get it
    <name>/views/       the widgets;   facts/   what only they compute

A folder with a text and no `page.py` is a page of prose alone (build/contents.py).
Nothing outside of a page's folder has to be told its name. `DOCUMENTS` is every document that can be opened in Python.
"""

import importlib
import importlib.util
import pkgutil
from pathlib import Path
from typing import Any

from explainer.ui.page import GROUPS, Page, documents


def _found() -> list[Page]:
    names = [found.name for found in pkgutil.iter_modules(__path__) if found.ispkg]
    names = [name for name in names if importlib.util.find_spec(f"{__name__}.{name}.page")]
    return sorted((importlib.import_module(f"{__name__}.{name}.page").PAGE for name in names), key=lambda p: p.order)


PAGES = _found()
CHAPTERS = sorted((page for page in PAGES if page.chapter), key=lambda page: GROUPS.index(page.group))
DOCUMENTS = documents(PAGES)


def numbers_of(page: str, *built: Path) -> dict[str, Any]:
    """What the prose of a page may use as {{ name }}: measured when the site is built, never typed; {} without numbers.

    page: its name or its folder's
    built: for a page of prose alone, the site as far as it is built
    """
    module = f"{__name__}.{page.replace('-', '_')}.numbers"
    return importlib.import_module(module).numbers(*built) if importlib.util.find_spec(module) else {}

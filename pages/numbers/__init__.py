"""The numbers in the prose: measured by the model when the site is built, never typed.

`numbers()` of the module that is named like a page returns what the page's text may use as {{ name }}. Readers' browsers get the
text, not these modules.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any


def of(page: str) -> dict[str, Any]:
    """What the prose of a page may say; nothing if its text has no numbers."""
    if importlib.util.find_spec(f"{__name__}.{page}") is None:
        return {}
    return importlib.import_module(f"{__name__}.{page}").numbers()

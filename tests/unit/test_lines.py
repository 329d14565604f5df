"""Our own JavaScript has lines of at most 120 columns, as ruff sees to it for Python."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from explainer.host import panel_host

ROOT = Path(__file__).resolve().parents[2]


def test_no_line_of_our_javascript_is_longer_than_120_columns():
    scripts = {
        file
        for folder, ending in product(("build", "explainer", "pages", "tests"), ("*.js", "*.mjs"))
        for file in (ROOT / folder).rglob(ending)
        if file != panel_host.BUNDLE  # made by the build
    }
    assert ROOT / "build" / "web" / "page.js" in scripts
    long = [
        f"{file.relative_to(ROOT)}:{number}: {len(line)} columns"
        for file in sorted(scripts)
        for number, line in enumerate(file.read_text(encoding="utf-8").split("\n"), 1)
        if len(line) > 120
    ]
    assert not long, "\n".join(long)

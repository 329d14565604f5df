"""What readers' browsers load is used there: no function or class of explainer/ that only tests need."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_everything_that_ships_is_used_by_what_ships():
    sources = {
        file: file.read_text(encoding="utf-8")
        for folder in ("explainer", "pages", "build")
        for file in (ROOT / folder).rglob("*.py")
    }
    scripts = [file.read_text(encoding="utf-8") for file in (ROOT / "build" / "web").glob("*.js")]
    used = Counter(re.findall(r"\w+", "\n".join([*map(code_of, sources.values()), *scripts])))
    unused = {
        f"{file.relative_to(ROOT)}: {node.name}"
        for file, text in sources.items()
        if file.is_relative_to(ROOT / "explainer")
        and not file.is_relative_to(ROOT / "explainer" / "training")  # that stays at home
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and used[node.name] < 2 and not node.name.startswith("__")
    }
    assert not unused


def code_of(text: str) -> str:
    """A source without its docstrings and comments, which may name what nobody calls."""
    return ast.unparse(ast.parse(re.sub(r'"""(?:.|\n)*?"""', '""', text)))

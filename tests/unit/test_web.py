"""Our JavaScript without a browser: `node --test` on tests/web/, and what it computes as Python does.

Its types are checked by `make lint` (build/web/tsconfig.json).
"""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import heights
import npm
import pytest

from explainer.ui import html

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "build" / "web"
CASES = sorted((ROOT / "tests" / "web").glob("*.test.mjs"))


def node(*arguments: str) -> str:
    done = subprocess.run(
        ["node", *arguments], capture_output=True, text=True, check=False, env=npm.environment(), cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evaluate(script: str, names: str, expression: str) -> Any:
    """The value of an expression in which the names that one of our scripts exports are known."""
    code = f"import {{ {names} }} from '{(WEB / script).as_uri()}'; console.log(JSON.stringify({expression}))"
    return json.loads(node("--input-type=module", "--eval", code))


@pytest.mark.parametrize("cases", CASES, ids=lambda file: file.name.removesuffix(".test.mjs"))
def test_a_script_does_what_it_says(cases: Path) -> None:
    said = node("--test", "--test-reporter=tap", str(cases))
    passed = re.search(r"^# pass (\d+)$", said, re.MULTILINE)
    assert passed is not None and int(passed[1]) == cases.read_text(encoding="utf-8").count("\ntest("), said


def test_an_embed_leaves_the_room_that_the_build_measured() -> None:
    tables = ([], [[320, 900]], [[320, 900], [480, 500], [720, 600], [1280, 400]])
    asked = [(table, width) for table in tables for width in (100, 320, 321.5, 479, 480, 600, 720, 1279, 1280, 3000)]
    given = json.dumps([[[h for _, h in table], [w for w, _ in table], width] for table, width in asked])
    found = evaluate("room.js", "roomAt", f"{given}.map((one) => roomAt(...one))")
    assert found == [heights.room(table, width) for table, width in asked]


def test_shares_are_written_as_python_writes_them() -> None:
    shares = [0, 1, 1e-9, 9.9e-5, 1e-4, 0.00094, 0.00095, 0.00099, 0.0994, 0.0995, 0.38, 0.99, 0.9901, 0.9991, 0.99995]
    shares += [k / 64 for k in range(1, 64)]  # some lie in the middle of two: 12.5
    shares += [k / 8000 for k in range(1, 8000, 7)]
    found = evaluate("vocabulary.js", "percent", f"{json.dumps(shares)}.map(percent)")
    assert found == [html.percent(share) for share in shares]


def test_no_script_of_ours_escapes_the_checking_of_types() -> None:
    config = json.loads((WEB / "tsconfig.json").read_text(encoding="utf-8"))
    assert config["include"] == ["*.js", "*.d.ts", "../../pages/*/*.js"] and "exclude" not in config
    assert config["compilerOptions"]["strict"] is True and config["compilerOptions"]["checkJs"] is True
    scripts = list(WEB.rglob("*.js"))
    assert scripts and all(script.parent == WEB for script in scripts)
    escaping = re.compile(r"@ts-(nocheck|ignore|expect-error)")
    assert not [script.name for script in scripts if escaping.search(script.read_text(encoding="utf-8"))]
    assert "build/npm.py run --silent types" in (ROOT / "Makefile").read_text(encoding="utf-8")

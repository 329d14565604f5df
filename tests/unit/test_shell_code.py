"""“Show the code”: the file that is named exists and holds the source below its name."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import shell

from pages import PAGES

ROOT = Path(__file__).resolve().parents[2]
WIDGETS = {w.slug: w for page in PAGES for w in page.widgets if w.functions}


@pytest.mark.parametrize("slug", WIDGETS)
def test_show_the_code_names_the_file_that_holds_it(slug: str) -> None:
    shown = re.findall(
        r'<p>([^<]*)</p><pre[^>]*><code translate="no">(.*?)</code></pre>',
        shell.source_of(WIDGETS[slug].functions),
        re.S,
    )
    assert len(shown) == len(WIDGETS[slug].functions)
    for path, code in shown:
        source = unescape(re.sub(r"<[^>]+>", "", code))
        assert source.strip() and source in (ROOT / path).read_text(encoding="utf-8"), path

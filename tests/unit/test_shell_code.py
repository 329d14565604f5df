"""“Show the code”: the file that is named exists and holds the source below its name."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
import shell

from pages import PAGES

SHOWN = re.compile(r'<p>([^<]*)</p><pre[^>]*><code translate="no">(.*?)</code></pre>', re.S)
ROOT = Path(__file__).resolve().parents[2]
WIDGETS = {w.slug: w for page in PAGES for w in page.widgets if w.functions}


@pytest.mark.parametrize("slug", WIDGETS)
def test_show_the_code_names_the_file_that_holds_it(slug: str) -> None:
    shown = SHOWN.findall(shell.source_of(WIDGETS[slug]))
    assert len(shown) >= len(WIDGETS[slug].functions)
    for path, code in shown:
        source = unescape(re.sub(r"<[^>]+>", "", code))
        assert source.strip() and source in (ROOT / path).read_text(encoding="utf-8"), path


def test_where_a_figure_can_be_about_a_llama_its_code_is_there_too() -> None:
    stepper, ablation = WIDGETS["attention-stepper"], WIDGETS["attention-ablation"]
    both = shell.source_of(stepper)
    files = [path for path, _ in SHOWN.findall(both)]
    n = len(stepper.functions)
    assert "explainer/architectures/llama_like.py" not in files[:n] and len(files) > n
    assert set(files[n:]) == {"explainer/architectures/llama_like.py"}
    assert re.sub(r"<[^>]+>", "", str(both)).count("def rotate(") == 1, "once, though two functions need it"
    assert ablation.own_only and "llama_like" not in shell.source_of(ablation), "it is drawn of the storyteller only"

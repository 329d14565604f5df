"""The API reference: docstrings as HTML, the pages that are made of them, and what happens without pdoc."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import api
import links
import pytest

import explainer


def test_a_docstring_becomes_paragraphs_terms_and_what_is_indented():
    made = api.prose(
        "Turn `scores` into weights <of keys>.\n\n"
        "scores:  [H, T, S],\n         masked ones are -inf\nreturns: [H, T, S]\n"
        "Raises ValueError for none.\nSource: eq. (1)\n\n    a  1\n\n    b  2\n\nThe end,\nin two lines"
    )
    assert made == (
        "<p>Turn <code>scores</code> into weights &lt;of keys&gt;.</p>"
        '<dl class="terms"><dt translate="no">scores</dt><dd>[H, T, S], masked ones are -inf</dd>'
        '<dt translate="no">returns</dt><dd>[H, T, S]</dd></dl>'
        "<p>Raises ValueError for none.</p><p>Source: eq. (1)</p>"
        '<pre tabindex="0" translate="no"><code>a  1\n\nb  2</code></pre><p>The end, in two lines</p>'
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("site")
    api.write(out, lambda path, title, html, root: f'<h1>{title}</h1><a href="{root}api/">API</a>{html}')
    return out


def test_every_module_has_a_page_and_every_link_leads_somewhere(site):
    assert list(links.dead(site)) == []
    root = Path(explainer.__file__).parent
    modules = {
        file.relative_to(root).with_suffix("").as_posix().removesuffix("__init__").rstrip("/")
        for file in root.rglob("*.py")
        if not file.is_relative_to(root / "training") and file.name != "library.py"
    }
    pages = {page.parent.relative_to(site / "api").as_posix() for page in site.rglob("index.html")}
    assert pages == {module or "." for module in modules}


def test_the_front_says_what_it_offers_and_names_are_links_to_where_they_are_explained(site):
    front = (site / "api" / "index.html").read_text("utf-8")
    for name in explainer.__all__:
        assert f'<section id="{name}" class="api">' in front, name
    assert '<a href="kernel/trace/#Trace">' in front, "what Model.trace returns"
    model = (site / "api" / "kernel" / "model" / "index.html").read_text("utf-8")
    assert '<a href="../../">explainer</a> / <a href="../">kernel</a> / model' in model
    assert '<code translate="no"><a href="#forward">forward</a></code>' in model


def test_the_pages_run_nothing_and_style_nothing_by_themselves(site):
    for page in site.rglob("*.html"):
        assert not re.search(r"<(script|style|link|input|img)\b| on\w+=| style=|https?://", page.read_text("utf-8")), (
            page
        )


def test_without_pdoc_the_build_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(api.NoPdoc, match="pip install -r lock/build"):
        api.check()

"""What a page gets for its plots: a word more in its policy, a script, where its figures lie; others get nothing."""

from __future__ import annotations

import json
from typing import Any

import assets
import bokeh
import contents
import pytest
import shell
import single

import pages

HERE = contents.Contents.of(pages.PAGES, pages.CHAPTERS, contents.texts())
PLOT = '<div class="plot" data-plot="any" data-columns="{}"></div>'
WORD = "style-src 'self' 'unsafe-inline'; "


class Names(dict):
    """Whatever an asset is called, it is called that."""

    def __missing__(self, name: str) -> str:
        return f"assets/{name}"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(shell.checksums, "bokeh.min.js", "sha256-0")

    def made(article: str) -> str:
        return shell.plain_page("how/", "How?", shell.Markup(article), root="../", assets=Names(), contents=HERE)

    return made


def test_a_page_with_a_plot_has_the_word_and_the_script_and_no_other_page_has(page) -> None:
    def policy(html: str) -> str:
        return html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0].replace("&#39;", "'")

    plain, explored = page("<p>data-plot</p>"), page(f"<p></p>{PLOT}")
    assert policy(plain) == shell.POLICY and policy(explored) == shell.PLOT_POLICY
    assert WORD in shell.PLOT_POLICY and WORD not in shell.POLICY
    assert shell.PLOT_POLICY.replace(WORD, "style-src 'self'; ") == shell.POLICY
    assert "bokeh" not in plain and "/plot.js" not in plain
    given = json.loads(explored.split('id="explainer-plots">')[1].split("</script>")[0])
    assert given["bokeh"] == "../assets/bokeh.min.js" and given["integrity"] == "sha256-0"
    assert given["figures"] == {"any": "../assets/plot-any.json"}
    assert explored.count('src="../assets/plot.js"') == 1


def test_in_one_file_a_plot_is_a_still(page) -> None:
    made = single.template(page(f"<p></p>{PLOT}"), "how/index.html", lambda path: path)
    assert PLOT in made and "explainer-plots" not in made and "plot.js" not in made
    assert made.count("<!--explainer:page-->") == 1


def test_bokehjs_is_that_of_the_installed_bokeh_with_its_licence() -> None:
    code = assets.bokeh_js().decode()
    assert f'"{bokeh.__version__}"' in code
    assert "Copyright (c) Anaconda" in code[:400] and "Redistribution and use" in code[:500]


def test_what_may_be_sent_for_the_whole_site_allows_what_its_pages_may_do() -> None:
    allowed = {part.split()[0]: set(part.split()[1:]) for part in shell.HEADER.split("; ")}
    for part in shell.PLOT_POLICY.split("; "):
        assert set(part.split()[1:]) <= allowed[part.split()[0]], part
    assert "unsafe-eval'" not in shell.HEADER.replace("'wasm-unsafe-eval'", "")

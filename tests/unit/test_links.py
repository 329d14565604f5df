"""Links between pages: rewritten from where they lead, followed before the site is shipped."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import folder
import links
import pytest
import shell
import single

from pages import PAGES

NEW = [*PAGES, SimpleNamespace(name="positions", path="positions/")]  # a chapter that nobody has written yet


def hrefs(html: str) -> list[str]:
    return [part.split('"')[0] for part in html.split('href="')[1:]]


@pytest.mark.parametrize(
    ("base", "link", "path"),
    [
        ("index.html", "./attention/", "attention/"),
        ("index.html", "attention/", "attention/"),
        ("index.html", "./", ""),
        ("attention/index.html", "../", ""),
        ("attention/index.html", "..", ""),
        ("attention/index.html", "../paths/?t=2#paths", "paths/"),
        ("embed/depth/index.html", "../../paths/", "paths/"),
        ("single/home.html", "attention/", "single/attention/"),
        ("attention/index.html", "../embed.js", "embed.js"),
        ("attention/index.html", "#lookup", None),
        ("attention/index.html", "https://example.org/a/", None),
    ],
)
def test_where_a_link_leads(base: str, link: str, path: str | None) -> None:
    assert links.target(link, base) == path


@pytest.mark.parametrize(("base", "up"), [("index.html", "./"), ("index.html", ""), ("paths/index.html", "../")])
def test_a_page_in_one_file_finds_every_page_beside_it(base: str, up: str) -> None:
    html = "".join(f'<a class="x" href="{up}{p.path}" title="y">{p.name}</a>' for p in NEW if up + p.path)
    made = single.template(html, base, single.beside(NEW))
    assert hrefs(made) == [f"{p.name}.html" for p in NEW if up + p.path]


def test_its_state_goes_where_a_page_on_a_disk_has_it() -> None:
    made = single.template('<a href="../paths/?t=2&amp;seed=3">x</a>', "feedback/index.html", single.beside(NEW))
    assert made == '<a href="paths.html#t=2&amp;seed=3">x</a>'


def test_what_is_no_page_in_one_file_is_on_the_site_or_only_words(monkeypatch: pytest.MonkeyPatch) -> None:
    html = '<p>see <a href="../how/">how <em>that</em> works</a></p>'
    assert single.template(html, "paths/index.html", single.beside(NEW)) == "<p>see how <em>that</em> works</p>"
    monkeypatch.setitem(shell.templates.globals, "site_url", "https://your.host/path/")
    made = single.template(html, "paths/index.html", single.beside(NEW))
    assert hrefs(made) == ["https://your.host/path/how/"]


def test_in_the_zip_links_lead_to_files_and_nothing_leads_to_the_zip() -> None:
    html = '<a href="../">a</a><a href="../how/">b</a><a href="../embed.js">c</a>'
    html += '<a href="../transformer-explainer.zip">d</a>'
    made = folder.on_disk(html, "paths/index.html")
    assert hrefs(made) == ["../index.html", "../how/index.html", "../embed.js"] and made.endswith("d")
    assert hrefs(folder.on_disk('<a href="./">a</a><a href="how/">b</a>', "index.html")) == [
        "index.html",
        "how/index.html",
    ]


def site(tmp_path: Path, **pages: str) -> Path:
    for name, html in pages.items():
        file = tmp_path / name.replace("_", "/") / "index.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    "link",
    [
        "../b/",
        "../b",
        "../a/c/",
        "../../a/",
        "/a/",
        "b.html",
        "../a/#nowhere",
        "#nowhere",
        "../a/?t=2#nowhere",
    ],
)
def test_a_link_that_leads_nowhere_stops_the_build(link: str, tmp_path: Path) -> None:
    out = site(tmp_path, a=f'<a href="{link}">x</a>')
    with pytest.raises(links.BrokenLinks, match=r"a/index\.html: "):
        links.check(out)


MISSING = [
    '<img src="x.png">',
    '<script src="x.js"></script>',
    '<html data-worker="x.js">',
    '<meta property="og:image" content="og.png">',
    '<iframe src="x/"></iframe>',
]


@pytest.mark.parametrize("what", MISSING)
def test_so_does_a_file_that_is_missing(what: str, tmp_path: Path) -> None:
    with pytest.raises(links.BrokenLinks):
        links.check(site(tmp_path, a=what))


def test_a_link_that_leads_somewhere_does_not(tmp_path: Path) -> None:
    good = [
        "../a/",
        "../a/index.html",
        "./",
        "?t=2",
        "#here",
        "../a/#here",
        "../a/#t=2",
        "https://example.org/",
        "data:,x",
    ]
    page = '<i id="here"></i>' + "".join(f'<a href="{link}">x</a>' for link in good)
    links.check(site(tmp_path, a=page + "<script>const s = '<a href=\"no\">';</script>"))


def test_a_template_is_followed_from_where_it_will_lie(tmp_path: Path) -> None:
    out = site(tmp_path, single="x")
    (out / "single" / "paths.html").write_text("x")
    (out / "embed" / "depth").mkdir(parents=True)
    (out / "embed" / "depth" / "single.html").write_text('<a href="paths.html">x</a>')
    links.check(out, single.lies_at)
    with pytest.raises(links.BrokenLinks):
        links.check(out)


def test_links_that_python_draws_name_pages_that_there_are() -> None:
    state = PAGES[0].state()
    widgets = [widget(state) for widget in PAGES[0].widgets]
    found: set[str] = set()
    for block in state.param.block.objects:
        state.block = block
        found |= {m["page"] for widget in widgets for m in shell.PAGE_LINK.finditer(widget.html)}
    assert found and found <= {p.name for p in PAGES}
    assert shell.led('<a href="paths/" data-page-link="paths">x</a>', "../") == (
        '<a href="../paths/" data-page-link="paths">x</a>'
    )
    asks = shell.led('<a href="paths/?prompt=a+%26+b&amp;t=2" data-page-link="paths">x</a> ?', "./")
    assert asks == '<a href="./paths/?prompt=a+%26+b&amp;t=2" data-page-link="paths">x</a> ?'

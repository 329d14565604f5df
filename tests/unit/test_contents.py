"""The contents of the site: groups, numbers, what comes before and after, pages of prose alone, the site's map."""

from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import contents
import pytest
import shell
import single
from contents import Contents, Text

import pages
from explainer.ui.page import GROUPS, Page
from explainer.ui.state import PageState

HERE = Contents.of(pages.PAGES, pages.CHAPTERS, contents.texts())


def many(n: int) -> Contents:
    """A site of `n` chapters, in all groups."""
    chapters = [
        SimpleNamespace(
            name=f"c{k}",
            path=f"c{k}/",
            title=f"C{k}",
            question=f"Why {k}?",
            chapter=True,
            group=GROUPS[k * len(GROUPS) // n],
        )
        for k in range(n)
    ]
    return Contents(chapters, HERE.others)


def test_every_page_is_listed_once_and_chapters_are_counted_in_the_order_of_the_groups():
    listed = [page.name for _, group in HERE.groups() for page in group]
    assert sorted(listed) == sorted([page.name for page in pages.PAGES] + [text.name for text in contents.texts()])
    assert [HERE.number(page) for page in pages.CHAPTERS] == list(range(1, len(pages.CHAPTERS) + 1))
    assert HERE.number(pages.PAGES[0]) is None
    groups = [page.group for page in pages.CHAPTERS]
    assert groups == sorted(groups, key=GROUPS.index)


def test_a_page_names_a_group_that_there_is():
    with pytest.raises(ValueError, match="no group 'One Pass'; there are One pass,"):
        Page("x", "X", "Why?", PageState, (), group="One Pass")


def test_who_reads_on_from_the_start_reads_every_chapter_and_can_turn_back():
    start, *chapters = way = [next(page for page in pages.PAGES if not page.path), *pages.CHAPTERS]
    assert len(chapters) >= 4
    for before, after in zip(way, chapters, strict=False):
        assert HERE.around(before)[1] is after and HERE.around(after)[0] is before
    assert HERE.around(start)[0] is None and HERE.around(chapters[-1])[1] is None
    for other in HERE.others[1:]:
        assert HERE.around(other) == (start, None)


def test_the_bar_has_room_for_a_few_chapters_and_then_names_the_group_and_whole_ones_beside_it():
    few = many(contents.IN_BAR)
    assert few.in_bar(HERE.others[0]) == few.chapters
    site = many(20)
    for page in site.chapters:
        assert page in site.in_bar(page) and {each.group for each in site.in_bar(page)} == {page.group}
    assert {each.group for each in site.in_bar(HERE.others[0])} == {GROUPS[0]}
    mixed = Contents([c for k, c in enumerate(many(8).chapters) if k not in (4, 7)] + many(24).chapters[-5:], [])
    sizes = [len([c for c in mixed.chapters if c.group == group]) for group in GROUPS]
    assert sizes == [2, 2, 1, 6]
    for page in mixed.chapters[:5]:
        assert mixed.in_bar(page) == mixed.chapters[:5], "three groups that fit together"
    assert mixed.in_bar(mixed.chapters[-1]) == mixed.chapters[5:], "and one that fills it"


def test_the_start_page_lists_the_four_parts_of_its_picture_first():
    assert [page.name for page in HERE.chapters[:4]] == ["attention", "temperature", "feedback", "paths"]


def test_a_page_of_prose_says_what_it_is_called(tmp_path: Path):
    (tmp_path / "one").mkdir()
    file = tmp_path / "one" / "text.md"
    file.write_text(
        "---\ntitle: One\nquestion: What is one?\norder: 7\noffline: when asked for\n---\n\nText.\n\n---\n\nMore.\n"
    )
    assert contents.texts(tmp_path) == [Text("one", "One", "What is one?", "Text.\n\n---\n\nMore.\n", 7, True)]
    (tmp_path / "one" / "page.py").touch()
    assert contents.texts(tmp_path) == []
    for wrong in ("Text.", "---\ntitle: One\n---\n\nText.", "---\ntitle: One\nquestion: Q\nauthor: me\n---\n\nText."):
        file.write_text(wrong)
        with pytest.raises(ValueError, match="header has to give"):
            contents.read_text(tmp_path / "one")


def test_the_map_of_the_site_holds_every_page():
    root = ElementTree.fromstring(contents.sitemap(HERE, "https://your.host/a&b/"))
    found = [loc.text for loc in root.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]
    every = [page.path for page in pages.PAGES] + [text.path for text in contents.texts()]
    assert sorted(found) == sorted(f"https://your.host/a&b/{path}" for path in every)


class Assets(dict):
    """Whatever an asset is called, it is called that."""

    def __missing__(self, name: str) -> str:
        return f"assets/{name}"


@pytest.mark.parametrize("n", [4, 20])
def test_in_one_file_the_menu_lists_what_lies_beside_it_and_nothing_else(n: int):
    site = many(n)
    page = site.chapters[1]
    html = shell.framed(
        page,
        shell.Markup("<ul><li>of the prose</li>\n</ul>"),
        root="../",
        assets=Assets(),
        contents=site,
        single=True,
        still=None,
        figures=(),
        two_ways=False,
    )
    assert html.count("data-chapter=") == n + len(site.in_bar(page)) and 'href="../how/"' in html
    made = single.template(html, f"{page.path}index.html", single.beside([*site.chapters, *pages.PAGES]))
    menu = made[made.index('<nav id="site-contents"') : made.index('<nav class="chapters"')]
    beside = [f"{each.name}.html" for each in [*site.chapters, *(p for p in pages.PAGES if not p.chapter)]]
    assert [line.split('href="')[1].split('"')[0] for line in menu.splitlines() if "<li>" in line] == beside
    assert "<li>of the prose</li>" in made

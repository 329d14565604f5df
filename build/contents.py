"""The table of contents of the site: which pages there are, in groups, and what comes before and after each.

A page of prose alone (how it works, licences) is a folder of `pages/` with a `text.md` and no `page.py`. Its text
begins with a header between two lines of three dashes:

    title: Licences                       its name in lists
    question: Licences of what is inside  its heading
    order: 950                            where it stands among what is no chapter (a page has that in its `Page`)
    offline: when asked for               browsers need not keep it for a visit without a network
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from words import OTHERS

ROOT = Path(__file__).resolve().parent.parent
HEADER = re.compile(r"---\n(.*?)\n---\n+(.*)", re.S)
IN_BAR = 6  # chapters that have room in the bar


@dataclass(frozen=True)
class Text:
    """A page of prose alone. on_demand: whether browsers keep it only once it was asked for."""

    name: str
    title: str
    question: str
    text: str
    order: int = 1000
    on_demand: bool = False
    chapter: bool = False
    group: str = ""

    @property
    def path(self) -> str:
        """Where it stands in the site."""
        return f"{self.name}/"


def read_text(folder: Path) -> Text:
    """The page of prose in a folder. Raises ValueError where its header is missing or says something unknown."""
    found = HEADER.fullmatch((folder / "text.md").read_text(encoding="utf-8"))
    said = dict(re.findall(r"^(\w+): (.+)$", found[1], re.M)) if found else {}
    if not found or not {"title", "question"} <= said.keys() <= {"title", "question", "order", "offline"}:
        raise ValueError(f"{folder.name}/text.md: the header has to give title and question (see build/contents.py)")
    return Text(
        folder.name.replace("_", "-"),
        said["title"],
        said["question"],
        found[2],
        int(said.get("order", 1000)),
        "offline" in said,
    )


def texts(pages: Path = ROOT / "pages") -> list[Text]:
    """Every page of prose alone, by name."""
    folders = [file.parent for file in sorted(pages.glob("*/text.md"))]
    return [read_text(folder) for folder in folders if not (folder / "page.py").exists()]


@dataclass(frozen=True)
class Contents:
    """The pages of the site. chapters: in reading order; others: what is no chapter, the start page among them."""

    chapters: list[Any]
    others: list[Any]

    @classmethod
    def of(cls, pages: list[Any], chapters: list[Any], texts: list[Text]) -> Contents:
        """What a site of these pages and pages of prose alone holds."""
        others = [*(page for page in pages if not page.chapter), *texts]
        return cls(chapters, sorted(others, key=lambda page: page.order))

    def number(self, page: Any) -> int | None:
        """A chapter's number, from 1."""
        return next((n for n, chapter in enumerate(self.chapters, 1) if chapter.name == page.name), None)

    def groups(self) -> Iterator[tuple[str, list[Any]]]:
        """(name of the group, its pages): what the menu lists."""
        for name in dict.fromkeys(chapter.group for chapter in self.chapters):
            yield name, [chapter for chapter in self.chapters if chapter.group == name]
        yield OTHERS, self.others

    def in_bar(self, page: Any) -> list[Any]:
        """The chapters that the bar of a page names: those of its group (of the first one), and of the groups behind it
        and before it as far as there is room for whole ones."""
        groups = [pages for name, pages in self.groups() if name != OTHERS]
        first = last = next((k for k, pages in enumerate(groups) if pages[0].group == page.group), 0)
        named = list(groups[first]) if groups else []
        while last + 1 < len(groups) and len(named) + len(groups[last + 1]) <= IN_BAR:
            last += 1
            named += groups[last]
        while first > 0 and len(named) + len(groups[first - 1]) <= IN_BAR:
            first -= 1
            named[:0] = groups[first]
        return named

    def around(self, page: Any) -> tuple[Any, Any]:
        """(the page to read before, the page to read next), None where there is none.
        What is no chapter leads to the start."""
        start = next((other for other in self.others if not other.path), None)
        way = [*([start] if start else []), *self.chapters]
        names = [each.name for each in way]
        if page.name not in names:
            return start, None
        at = names.index(page.name)
        return (way[at - 1] if at else None), (way[at + 1] if at + 1 < len(way) else None)


def sitemap(contents: Contents, site_url: str) -> str:
    """`sitemap.xml`: the address of every page. site_url: where the site will stand, with a slash at the end"""
    pages = [*contents.others, *contents.chapters]
    entries = "".join(f"<url><loc>{escape(site_url + page.path)}</loc></url>\n" for page in pages)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )

"""The links between the pages: rewritten for pages that are files on a disk, and followed before anything is shipped.

A page of the site is a folder (`attention/`), in one file it is `attention.html`, and in the zip, where it may be
opened without a server, `attention/index.html`. Links are rewritten from where they lead, never by the names of the
pages.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ANCHOR = re.compile(r'<a\b([^>]*?) href="([^"]*)"([^>]*)>(.*?)</a>', re.S)
ELSEWHERE = ("http", "https", "mailto", "data", "blob")


class BrokenLinks(Exception):
    """Links of the site that lead nowhere; the message lists them."""


def target(link: str, base: str) -> str | None:
    """Where a link on the page at `base` leads, as a path in the site ('attention/', 'embed.js'), its query and
    fragment left out. None: out of the site, or within the page."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    path = unquote(parts.path)
    found = posixpath.normpath(posixpath.join(posixpath.dirname(base), path))
    if found == ".":
        return ""
    return f"{found}/" if path.endswith(("/", "/.", "/..")) or path in (".", "..") else found


def rewrite(html: str, base: str, where: Callable[[str], str | None], *, state_in_hash: bool = False) -> str:
    """`html`, the page at `base` (its path in the site), with other links to the site's pages.

    where: for a path in the site ('attention/', without index.html) the new link; None takes the link away,
        not its words
    state_in_hash: what a link says in its query goes into its fragment, where a page on a disk has its state
    """

    def other(match: re.Match[str]) -> str:
        before, link, after, words = match.groups()
        at = target(unescape(link), base)
        if at is None:
            return match[0]
        new = where(re.sub(r"(^|/)index\.html$", r"\1", at))
        if new is None:
            return words
        parts = urlsplit(unescape(link))
        if state_in_hash:
            parts = parts._replace(query="", fragment=parts.query or parts.fragment)
        end = (f"?{parts.query}" if parts.query else "") + (f"#{parts.fragment}" if parts.fragment else "")
        return f'<a{before} href="{escape(new + end)}"{after}>{words}</a>'

    return ANCHOR.sub(other, html)


class _Found(HTMLParser):
    """Everything in a page that has an address, and everything that can be led to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("id"):
            self.ids.add(str(given["id"]))
        names = ["href", "src", "data-worker", "data-parts"]
        if tag == "meta" and given.get("property") == "og:image":
            names.append("content")
        self.links += [str(given[name]) for name in names if given.get(name)]


def dead(folder: Path, at: Callable[[str], str] = lambda page: page) -> Iterator[str]:
    """'page: link' for every link of a page below `folder` that leads to no file, or to no place in its page.

    at: where a page will lie, when that is not where it is now
    """
    pages: dict[str, _Found] = {}
    for file in sorted(folder.rglob("*.html")):
        found = _Found()
        found.feed(re.sub(r"<script(?![^>]* src=)[^>]*>.*?</script>", "", file.read_text(encoding="utf-8"), flags=re.S))
        pages[file.relative_to(folder).as_posix()] = found
    will = {at(page): page for page in pages}
    for page, found in pages.items():
        for link in sorted(set(found.links)):
            parts = urlsplit(link)
            if parts.scheme in ELSEWHERE:
                continue
            there = target(link, at(page)) if parts.path else page
            if there is None or link.startswith("/") or there.startswith(".."):
                yield f"{page}: {link} (only relative links work wherever the site lies)"
                continue
            if there == "" or there.endswith("/"):
                there += "index.html"
            there = will.get(there, there)
            if not (folder / there).is_file():
                yield f"{page}: {link}"
            elif (
                parts.fragment
                and "=" not in parts.fragment
                and there in pages
                and unquote(parts.fragment) not in pages[there].ids
            ):
                yield f"{page}: {link} (there is no such place in that page)"


def check(folder: Path, at: Callable[[str], str] = lambda page: page) -> None:
    """Stop the build where a link leads nowhere."""
    if found := list(dead(folder, at)):
        raise BrokenLinks(f"{len(found)} links of {folder.name}/ lead nowhere:\n" + "\n".join(found))

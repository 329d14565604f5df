"""What search engines and previews are told of a page or a figure: a description, and a LearningResource of schema.org.

Addresses in it are full where it is known where the site will stand (SITE_URL), else relative to the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import unescape
from typing import Any

from explainer.ui.widget import Widget

LONGEST = 200  # characters of a description: more is cut by whoever shows it
PARAGRAPH = re.compile(r"<p>(.*?)</p>", re.S)
LICENCE = "https://spdx.org/licenses/MIT.html"


def shortened(text: str) -> str:
    """A text of at most LONGEST characters: whole sentences, if one fits, else whole words."""
    text = " ".join(text.split())
    if len(text) <= LONGEST:
        return text
    sentences = text[:LONGEST].rsplit(". ", 1)
    return sentences[0] + "." if len(sentences) == 2 else text[: LONGEST - 1].rsplit(" ", 1)[0] + "…"


def plain(html: str) -> str:
    """The words of markup."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


def of_page(page: Any, article: str) -> str:
    """What a page is about: its question and what there is to see; of one that does not say, its first paragraph.

    article: its markup
    """
    if says := getattr(page, "says", ""):
        return shortened(f"{page.question} {says}")
    paragraphs = (words for found in PARAGRAPH.findall(str(article)) if len(words := plain(found)) > 40)
    return shortened(next(paragraphs, page.question))


def of_figure(page: Any, widget: type[Widget], shows: str) -> str:
    """What a figure shows, and where it is from. shows: in a sentence (`previews.shows`)"""
    return shortened(f"{shows} A live figure from “{page.question}”.")


def resource(
    name: str,
    description: str,
    address: str,
    site: tuple[str, str],
    *,
    question: str = "",
    inside: str = "",
    parts: Iterable[tuple[str, str, str]] = (),
) -> dict[str, Any]:
    """A page or a figure as a LearningResource.

    site:   (its name, its address); inside: the address of the page that a figure is part of
    question: which it answers
    parts:  (name, description, address) of its figures
    """
    part_of = {"@type": "WebSite", "name": site[0], "url": site[1]}
    told: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "LearningResource",
        "name": name,
        "description": description,
        "url": address,
        "learningResourceType": "interactive figure" if inside else "interactive chapter",
        "interactivityType": "active",
        "inLanguage": "en",
        "isAccessibleForFree": True,
        "license": LICENCE,
        "isPartOf": {"@type": "LearningResource", "url": inside, "isPartOf": part_of} if inside else part_of,
    }
    if question:
        told["teaches"] = question
    figures = [{"@type": "LearningResource", "name": n, "description": d, "url": u} for n, d, u in parts]
    return told | ({"hasPart": figures} if figures else {})

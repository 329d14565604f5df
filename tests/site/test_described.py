"""What search engines and previews read of the built site: titles, descriptions, structured data. No browser."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import described
import pytest

from pages import PAGES

META = re.compile(r'<meta (?:name|property)="([^"]+)" content="([^"]*)">')
RESOURCE = re.compile(r'<script type="application/ld\+json">(.*?)</script>', re.S)


def head(file: Path) -> str:
    return file.read_text(encoding="utf-8").split("</head>")[0]


def test_every_page_and_figure_has_a_title_and_a_description_of_its_own(site_directory: Path) -> None:
    pages = [f for f in site_directory.rglob("index.html") if f.relative_to(site_directory).parts[0] != "api"]
    assert len(pages) > len(PAGES) + sum(len(page.widgets) for page in PAGES)
    titles, descriptions = {}, {}
    for file in pages:
        said = {k: unescape(v) for k, v in META.findall(head(file))}
        (title,) = re.findall(r"<title>(.*?)</title>", head(file))
        about = said["description"]
        assert 20 < len(about) <= described.LONGEST and about == said["og:description"], file
        assert titles.setdefault(title, file) == file and descriptions.setdefault(about, file) == file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_a_learning_resource_whose_parts_are_its_figures(page, site_directory: Path) -> None:
    (found,) = RESOURCE.findall(head(site_directory / page.path / "index.html"))
    told = json.loads(found)
    assert told["@type"] == "LearningResource" and told["teaches"] == page.question and told["inLanguage"] == "en"
    assert [part["name"] for part in told["hasPart"]] == [widget.title for widget in page.widgets]
    at = f"https://your.host/{page.path}"
    for part, widget in zip(told["hasPart"], page.widgets, strict=True):
        path = urljoin(at, part["url"]).removeprefix("https://your.host/")
        (inner,) = RESOURCE.findall(head(site_directory / path / "index.html"))
        inside = json.loads(inner)
        assert inside["name"] == widget.title and inside["description"].startswith(part["description"][:60])
        assert urljoin(urljoin("https://your.host/", path), inside["isPartOf"]["url"]) == at

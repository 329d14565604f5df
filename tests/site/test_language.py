"""The frame of the site in another language: gathered whole, laid out from right to left, and English as it was."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import serve
import words
from conftest import until
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("en-XA", "ar-XB")
pytestmark = pytest.mark.xdist_group("language")  # so that what is built is built once


def test_the_catalogue_holds_every_message() -> None:
    kept = re.findall(r'^msgid ((?:".*"\n?)+)', words.POT.read_text(encoding="utf-8"), re.M)
    found = {"".join(re.findall(r'"((?:[^"\\]|\\.)*)"', block)).replace('\\"', '"') for block in kept}
    assert found == set(words.gathered()), "make words gathers them"


def test_english_needs_nothing_of_it(site_directory: Path) -> None:
    """No table of words, and no trace of looking up, in what a reader of the English site fetches."""
    assert words.of_scripts() is None and words.attributes()["frame_lang"] == ""
    for script in site_directory.glob("assets/*.js"):
        assert "WORDS" not in script.read_text(encoding="utf-8"), script
    assert '<html lang="en" class' in (site_directory / "index.html").read_text(encoding="utf-8")


def test_pseudo_languages_hold_what_is_no_word() -> None:
    message = 'Saved {name}, by <a href="x">%(who)s</a>.'
    for say in words.PSEUDO.values():
        assert all(held in say(message) for held in ("{name}", '<a href="x">', "%(who)s", "</a>"))
        assert "Saved " not in say(message)
    assert words.direction("ar-XB") == "rtl" and words.direction("pt-BR") == "ltr"


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One page and an embed in each of the two."""
    out = tmp_path_factory.mktemp("languages")
    command = [sys.executable, ROOT / "tests" / "site" / "one_page.py", out, "temperature", *LANGUAGES]
    subprocess.run(command, check=True)
    return {language: out / language for language in LANGUAGES}


@pytest.fixture(params=LANGUAGES)
def look(request: pytest.FixtureRequest, sites: dict[str, Path], the_browser: Browser) -> Iterator:
    """`look(path, width)` -> a page in that language; it is never live, and says so: there is no Python here."""
    context = the_browser.new_context(service_workers="block")
    with serve.served(sites[request.param]) as address:

        def open_(path: str, width: int) -> Page:
            page = context.new_page()
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(address + path)
            until(page, "() => document.documentElement.dataset.explainer === 'failed'")
            return page

        open_.language = request.param  # type: ignore[attr-defined]
        yield open_
        context.close()


ENGLISH_WORDS = """() => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const el = node.parentElement;
    if (!/\\p{L}{2}/u.test(node.data) || /^(API|PNG|SVG|CSV|JSON)$/.test(node.data)) continue;
    if (el.closest('script, style, [translate=no], .home')) continue;
    if (el.closest('[lang]').lang !== 'en') found.push(node.data.trim());
  }
  for (const el of document.querySelectorAll('[aria-label]'))
    if (el.closest('[lang]').lang !== 'en') found.push(el.ariaLabel);
  return found;
}"""


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("path", ["temperature/", "embed/temperature/"])
def test_the_frame_is_whole_in_another_language(look, path: str, width: int) -> None:
    page = look(path, width)
    root = page.locator("html")
    assert root.get_attribute("lang") == look.language
    assert root.get_attribute("dir") == ("rtl" if look.language == "ar-XB" else None)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing scrolls sideways"
    said = page.evaluate(ENGLISH_WORDS)
    assert len(said) > 10
    mark = "[åéîöûýçñšğđĥļŕţž]" if look.language == "en-XA" else words.FROM_RIGHT
    plain = [text for text in said if not re.search(mark, text)]
    assert not plain, f"these are in no catalogue: {plain}"
    body = page.locator("#temperature [data-body]")
    assert body.evaluate("(el) => [el.closest('[lang]').lang, getComputedStyle(el).direction]") == ["en", "ltr"]
    if path == "temperature/" and width == 1280:
        home, theme = (page.locator(name).bounding_box() for name in (".bar .home", ".bar .switch"))
        assert (home["x"] > theme["x"]) == (look.language == "ar-XB"), "the bar begins where the language does"

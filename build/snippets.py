"""Code to embed a figure with: `snippets.toml`, filled in. `build/web/snippets.js` does the same in the browser.

site      where the site stands, with a slash at the end      slug, title   of the figure
attrs     its values as attributes, each after a space        params        the same for shortcodes
address   of the figure alone, with its values                png           its picture
tall      its height in a text 720 px wide, in px             and every form of `snippets.toml`
"""

from __future__ import annotations

import functools
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

FILE = Path(__file__).resolve().parent / "snippets.toml"
HOST = "https://your.host/path/"
NAME = re.compile(r"\[\[(\w+)(?:\|(\d+))?\]\]")


@functools.cache
def known() -> dict[str, Any]:
    """{"forms": {name: template}, "recipes": [{id, name, says, steps: [{file, code}]}]}, no newline around a code."""
    read = tomllib.loads(FILE.read_text(encoding="utf-8"))
    read["forms"] = {name: code.strip("\n") for name, code in read["forms"].items()}
    for recipe in read["recipes"]:
        for step in recipe["steps"]:
            step["code"] = step["code"].strip("\n")
    return read


def escaped(text: str) -> str:
    """As build/web/snippets.js does it."""
    return re.sub(r"[&<>\"']", lambda m: f"&#{ord(m[0])};", text)


def query(texts: dict[str, str]) -> str:
    """Values as in an address, as browsers write them."""
    pairs = (f"{quote_plus(k, safe='*')}={quote_plus(v, safe='*')}" for k, v in texts.items())
    return "&".join(pairs).replace("~", "%7E")


def fill(template: str, slug: str, title: str, *, site: str = HOST, tall: int = 560, **values: Any) -> str:
    """A template with a figure and its values (of an address) in it. Raises KeyError for a name nobody knows."""
    texts = {name: str(value) for name, value in values.items()}
    embed = f"{site}embed/{slug}/"
    names = {
        "site": escaped(site),
        "slug": slug,
        "title": escaped(title),
        "tall": str(tall),
        "attrs": "".join(f' {name}="{escaped(text)}"' for name, text in texts.items()),
        "params": "".join(' {}="{}"'.format(name, text.replace('"', '\\"')) for name, text in texts.items()),
        "address": escaped(embed + (f"?{query(texts)}" if texts else "")),
        "png": escaped(f"{embed}og.png"),
    }

    def put(match: re.Match[str]) -> str:
        name, indent = match.groups()
        text = names[name] if name in names else NAME.sub(put, known()["forms"][name])
        return textwrap.indent(text, " " * int(indent)) if indent else text

    return NAME.sub(put, template)


def form(name: str, slug: str, title: str, **more: Any) -> str:
    """One of the forms: 'element', 'iframe', ..."""
    return fill(f"[[{name}]]", slug, title, **more)


def recipe(name: str) -> dict[str, Any]:
    """A recipe by its id."""
    return next(recipe for recipe in known()["recipes"] if recipe["id"] == name)

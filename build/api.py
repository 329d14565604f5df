"""The API reference, `_site/api/`: what the docstrings of `explainer` say, gathered by pdoc, in the site's own page.

One folder a module: `api/` is the package's front, `api/kernel/model/` is `explainer.kernel.model`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
import posixpath
import re
import warnings
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import links
from markdown_it import MarkdownIt
from markupsafe import Markup

HERE = Path(__file__).resolve().parent
PACKAGE = "explainer"
NOT_SHOWN = ("explainer.training", "explainer.library")  # torch; and what the front shows under its own name
TERM = re.compile(r"(returns|[a-z_]\w*(?:, [a-z_]\w*)*):\s+(.*)")  # "tokens:  [T], ids"
OF_ITS_OWN = ("Raises ", "Source: ", "Sources: ")  # a line that begins so begins a paragraph


class NoPdoc(Exception):
    """pdoc is missing; the message says how to install it."""


def check() -> None:
    """Stop at once, before minutes of building, if pdoc is missing."""
    if importlib.util.find_spec("pdoc") is None:
        raise NoPdoc(
            "pdoc is not installed, and the pages under /api/ are made by it. `make site` installs it; "
            "by hand: .venv/bin/python -m pip install -r lock/build.txt"
        )


def names() -> list[str]:
    """The modules that are shown: all of the package that can be imported without torch."""

    def below(package: str) -> Iterator[str]:
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            if found.name not in NOT_SHOWN:
                yield found.name
                if found.ispkg:
                    yield from below(found.name)

    return [PACKAGE, *below(PACKAGE)]


def folder(name: str) -> str:
    """Where a module's page lies in the site: 'api/kernel/model/'."""
    return "/".join(["api", *name.split(".")[1:], ""])


def write(out: Path, page: Callable[..., str]) -> None:
    """Write every page of the reference below `out`.

    page: makes a page of the site: page(path, title, html, root=...) -> HTML
    """
    check()
    import pdoc.doc
    import pdoc.render

    front = importlib.import_module(PACKAGE)
    for name in front.__all__:
        getattr(front, name)  # the front imports its parts when they are used; pdoc looks at what is there
    modules = {name: pdoc.doc.Module(importlib.import_module(name)) for name in names()}
    pdoc.render.configure(
        template_directory=HERE / "web" / "api", include_undocumented=False, search=False, show_source=False
    )
    pdoc.render.env.filters["prose"] = prose
    for name, module in modules.items():
        with warnings.catch_warnings():  # of annotations that pdoc cannot resolve and shows as they are written
            warnings.filterwarnings("ignore", module=r"pdoc\.doc")
            html = Markup(trail(name) + moved(pdoc.render.html_module(module, modules), name) + contents(name, modules))
        at = out / folder(name)
        at.mkdir(parents=True, exist_ok=True)
        root = "../" * folder(name).count("/")
        (at / "index.html").write_text(page(folder(name), name, html, root=root), encoding="utf-8")


def moved(html: str, name: str) -> str:
    """pdoc's HTML of a module with links to where the pages lie here:
    it puts each into a file `explainer/kernel.html`."""

    def where(path: str) -> str:
        return relative(name, path.removesuffix(".html").replace("/", "."))

    html = links.rewrite(html, f"{name.replace('.', '/')}.html", where)
    return html.replace("<code>", '<code translate="no">')


def relative(name: str, to: str) -> str:
    """The link from one module's page to another's."""
    return posixpath.relpath(folder(to), folder(name)) + "/"


def trail(name: str) -> str:
    """The packages that a module is in, as links; nothing above the front."""
    parts = name.split(".")
    above = [".".join(parts[:n]) for n in range(1, len(parts))]
    found = " / ".join(f'<a href="{relative(name, each)}">{each.rpartition(".")[2]}</a>' for each in above)
    return (
        f'<nav aria-label="Packages"><p class="question" translate="no">{found} / {parts[-1]}</p></nav>'
        if above
        else ""
    )


def contents(name: str, modules: dict[str, Any]) -> str:
    """The modules of a package, each with the first sentence of its docstring; of the front: all there are."""
    inside = [each for each in modules if each.startswith(f"{name}.") and (name == PACKAGE or each.count(".") == 2)]
    rows = (
        f'<dt><code translate="no"><a href="{relative(name, each)}">{each}</a></code></dt>'
        f"<dd>{inline(first_sentence(modules[each].docstring))}</dd>"
        for each in inside
    )
    return f'<h2>Modules</h2><dl class="terms">{"".join(rows)}</dl>' if inside else ""


def first_sentence(text: str) -> str:
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.?!]) (?=[A-Z`])", paragraph)[0]


# ---------------------------------------------------------------- docstrings


def prose(text: str) -> Markup:
    """A docstring as HTML: paragraphs, `name: meaning` lines as a list of terms, indented lines as they are."""
    return Markup("".join(block(lines) for lines in blocks(text)))


def blocks(text: str) -> Iterator[list[str]]:
    """The lines of a docstring between blank lines; a block that is indented reaches to the next that is not."""
    found: list[list[str]] = []
    for part in re.split(r"\n[ \t]*\n", text.strip("\n")):
        lines = part.split("\n")
        if found and lines[0].startswith("    ") and found[-1][0].startswith("    "):
            found[-1] += ["", *lines]
        else:
            found.append(lines)
    return iter(found)


def block(lines: list[str]) -> str:
    if lines[0].startswith("    "):
        cut = "\n".join(line.removeprefix("    ") for line in lines)
        return f'<pre tabindex="0" translate="no"><code>{escape(cut)}</code></pre>'
    parts: list[list[str]] = []  # [term or "", words ...]
    for line in lines:
        term = TERM.match(line)
        if term:
            parts.append([term[1], term[2]])
        elif parts and (line.startswith(" ") or not (parts[-1][0] or line.startswith(OF_ITS_OWN))):
            parts[-1].append(line.strip())
        else:
            parts.append(["", line.strip()])
    html, listed = "", False
    for term_name, *words in parts:
        if bool(term_name) != listed:
            html += '<dl class="terms">' if term_name else "</dl>"
            listed = bool(term_name)
        said = inline(" ".join(words))
        html += f'<dt translate="no">{escape(term_name)}</dt><dd>{said}</dd>' if term_name else f"<p>{said}</p>"
    return html + "</dl>" * listed


@functools.cache
def markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False})


def inline(text: str) -> str:
    """Words of a docstring: backticks are code, and a sign is what it is."""
    return str(markdown().renderInline(text))

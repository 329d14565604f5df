"""The prose of a page: Markdown (pages/<name>/text.md) with a few additions, to HTML.

::: discover ... :::    read in the Discover mode only;  ::: result ... :::  in the Result mode only
:::: deeper Title | promise ... ::::    a section that is closed at first: its heading,
                                        and one line of what it will show
                        `Title || Other title`: the second one in the Result mode;
                                        `:::: second ...` is open in Discover
[[widget:slug]]         alone on a line: the widget stands here
[[guess:name]] Question, and a list below it: the reader chooses one of its items before reading on
[[answer:name]]         and a list: what to say, further down, to who chose the first item, the second, ...
{{ name }}              a number from pages/<name>/numbers.py, computed by the model when the site is built
[head]{.term}           a word of the field, explained where it stands (pages/terms.toml);
                        [heads]{.term of=head} where it is bent
[query]{.axis-query}    a word in the colour of its meaning;  $..$ and $$..$$ are formulas (MathML)
"""

from __future__ import annotations

import functools
import re
import tomllib
from html import escape, unescape
from pathlib import Path
from typing import Any

import jinja2
import latex2mathml.converter
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

TERMS = Path(__file__).resolve().parent.parent / "pages" / "terms.toml"
TERM = re.compile(r'<span(?: of="([^"]+)")? class="term">(.+?)</span>')
SLOT = re.compile(r"<p>\[\[widget:([a-z0-9-]+)\]\]</p>")
LIST = r"((?:- .+(?:\n|$))+)"
GUESS = re.compile(r"^\[\[guess:([a-z-]+)\]\] (.+)\n" + LIST, re.MULTILINE)
ANSWER = re.compile(r"^\[\[answer:([a-z-]+)\]\]\n" + LIST, re.MULTILINE)


def article(text: str, numbers: dict[str, Any], widgets: dict[str, Markup]) -> Markup:
    """The prose as HTML with numbers filled in and widgets in their places.

    Every widget must be placed once, every guess be answered once, further down, item by item: ValueError otherwise.
    """
    fill = jinja2.Environment(undefined=jinja2.StrictUndefined, comment_start_string="{##")
    filled = fill.from_string(text).render(**numbers)
    filled = re.sub(r"(?<=\d) %", "\u00a0%", filled)  # a number and its sign stay on one line
    html = back_links(noted(explained(markdown().render(guesses(filled)))))
    placed: list[str] = []

    def put(match: re.Match[str]) -> str:
        placed.append(match[1])
        return str(widgets[match[1]])

    html = html.replace("<pre>", '<pre tabindex="0">')  # a long line scrolls, also by keyboard
    html = SLOT.sub(put, html.replace("<code", '<code translate="no"').replace("<math", '<math translate="no"'))
    if sorted(placed) != sorted(widgets):
        raise ValueError(f"widgets placed in the prose: {placed}; the page has: {sorted(widgets)}")
    return Markup(html)


@functools.cache
def terms() -> dict[str, str]:
    """The glossary: {term: one sentence for somebody who has never met it}."""
    return {name: entry["says"] for name, entry in tomllib.loads(TERMS.read_text(encoding="utf-8")).items()}


def noted(html: str) -> str:
    """The footnotes moved into the section of the sources, where there is one."""
    notes = re.search(r'<hr class="footnotes-sep"[^>]*>\n<section class="footnotes">.*?</section>\n', html, re.S)
    if not notes or "<h2>Sources</h2>" not in html:
        return html
    html = html.replace(notes[0], "")
    at = html.index("</div></details>", html.rindex("<h2>Sources</h2>"))
    return html[:at] + notes[0].partition("\n")[2] + html[at:]


def slug_of(term: str) -> str:
    """A term as part of an id: 'kv-cache'."""
    return re.sub(r"[^a-z0-9]+", "-", term.lower()).strip("-")


def explained(html: str) -> str:
    """Terms as buttons, each of which opens a card with its sentence; the cards stand at the end, once each.

    Raises ValueError for a term that pages/terms.toml does not have.
    """
    used: dict[str, None] = {}

    def put(match: re.Match[str]) -> str:
        term = unescape(match[1] or re.sub(r"<[^>]+>", "", match[2])).replace("\u00a0", " ")
        if term not in terms():
            raise ValueError(f"pages/terms.toml does not explain {term!r}")
        used[term] = None
        return f'<button type="button" class="term" popovertarget="term-{slug_of(term)}">{match[2]}</button>'

    html = TERM.sub(put, html)
    cards = "".join(
        (
            f'<div popover class="term-card" id="term-{slug_of(term)}">'
            f"<dfn>{escape(term)}</dfn> {escape(terms()[term])}</div>"
        )
        for term in used
    )
    return html + cards


@functools.cache
def markdown() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": True, "typographer": True}).enable(["table", "smartquotes", "replacements"])
    md.use(footnote_plugin).use(attrs_plugin, spans=True).use(dollarmath_plugin, renderer=mathml, allow_digits=False)
    md.add_render_rule("footnote_caption", lambda self, tokens, i, options, env: f"[{tokens[i].meta['id'] + 1}]")
    for name in ("discover", "result"):
        md.use(container_plugin, name=name, render=_container(name))
    for name in ("deeper", "second"):
        md.use(container_plugin, name=name, render=_section)
    return md


def _container(name: str) -> Any:
    def render(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return f'<div class="{name}">\n' if tokens[index].nesting == 1 else "</div>\n"

    return render


def _section(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
    """A section that can be closed, with the summary that stands for it. Raises ValueError without a promise."""
    if tokens[index].nesting != 1:
        return "</div></details>\n"
    kind, _, words = tokens[index].info.strip().partition(" ")
    titles, bar, promise = words.partition(" | ")
    if not bar:
        raise ValueError(f"a section needs a title, a bar and one line of what it will show: {words!r}")
    for_discover, both, for_result = titles.partition(" || ")
    heads = [("discover", for_discover), ("result", for_result)] if both else [("", titles)]
    names = "".join(f'<h2 class="{mode}">{inline(title)}</h2>' for mode, title in heads).replace(' class=""', "")
    return (
        f'<details class="deeper{" second" if kind == "second" else ""}"{" open" if kind == "second" else ""}>'
        f'<summary>{names}<span class="promise">{inline(promise)}</span></summary><div class="deep">\n'
    )


def mathml(latex: str, options: dict[str, Any]) -> str:
    """A formula as MathML, so that it needs no script and no font of ours. Names of functions stand upright."""
    display = "block" if options.get("display_mode") else "inline"
    made = latex2mathml.converter.convert(latex, display=display)
    return re.sub(r"<mi>([a-z]{2,})</mi>", r'<mi mathvariant="normal" class="function">\1</mi>', made)


def back_links(html: str) -> str:
    """A footnote that both modes refer to leads back to either place:
    in each mode show the link that leads somewhere."""

    def marked(match: re.Match[str]) -> str:
        open_blocks: list[str] = []
        for block, kind in re.findall(r'(<div(?: class="([^"]*)")?|</div>)', html[: html.index(f'id="{match[1]}"')]):
            open_blocks.pop() if block == "</div>" else open_blocks.append(kind)
        mode = next((kind for kind in open_blocks if kind in ("discover", "result")), "")
        return f'<a href="#{match[1]}" class="footnote-backref{f" in-{mode}" if mode else ""}"'

    return re.sub(r'<a href="#(fnref[0-9:]+)" class="footnote-backref"', marked, html)


# ---------------------------------------------------------------- guesses: chosen here, answered below the figure


def guesses(text: str) -> str:
    """Guesses and their answers as HTML. Which answer is shown is decided in the page (build/web/guesses.js)."""
    asked: dict[str, list[str]] = {}
    answered: list[str] = []

    def ask(match: re.Match[str]) -> str:
        name, question, options = match[1], inline(match[2]), items(match[3])
        if name in asked:
            raise ValueError(f"two guesses are called {name!r}")
        asked[name] = options
        choices = "".join(
            f'<label><input type="radio" name="guess-{name}" value="{i}"><span>{option}</span></label>'
            for i, option in enumerate(options)
        )
        return (
            f'<fieldset class="guess" data-guess="{name}"><legend>{question}</legend>'
            f'<div class="options">{choices}</div>'
            '<p class="noted" role="status"></p></fieldset>\n\n'
        )

    def answer(match: re.Match[str]) -> str:
        name, answers = match[1], items(match[2])
        if len(answers) != len(asked.get(name, ())):
            raise ValueError(f"guess {name!r} has {len(asked.get(name, ()))} items, its answer {len(answers)}")
        if f'data-guess="{name}"' not in match.string[: match.start()]:
            raise ValueError(f"guess {name!r} is answered before it is asked")
        answered.append(name)
        parts = "".join(
            f'<p data-option="{i}"><span class="yours"><span class="sr">Your guess: </span>{option}</span> {said}</p>'
            for i, (option, said) in enumerate(zip(asked[name], answers, strict=True))
        )
        return f'<div class="answer" data-answer="{escape(name)}">{parts}</div>\n\n'

    made = ANSWER.sub(answer, GUESS.sub(ask, text))
    if sorted(answered) != sorted(asked):
        raise ValueError(f"guesses: {sorted(asked)}; answered: {sorted(answered)}")
    return made


def inline(text: str) -> str:
    return markdown().renderInline(text)


def items(lines: str) -> list[str]:
    """The items of a Markdown list, one line each."""
    return [inline(line[2:]) for line in lines.strip().splitlines()]

"""The prose of a page: Markdown (pages/<name>/text.md) with a few additions, to HTML.

::: discover ... :::    read in the Discover mode only;  ::: result ... :::  in the Result mode only
[[widget:slug]]         alone on a line: the widget stands here
[[guess:name]] Question, and a list below it: the reader chooses one of its items before reading on
[[answer:name]]         and a list: what to say, further down, to who chose the first item, the second, ...
{{ name }}              a number from pages/<name>/numbers.py, computed by the model when the site is built
[query]{.axis-query}    a word in the colour of its meaning;  $..$ and $$..$$ are formulas (MathML)
"""

from __future__ import annotations

import functools
import re
from html import escape
from typing import Any

import jinja2
import latex2mathml.converter
from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.attrs import attrs_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.footnote import footnote_plugin

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
    html = back_links(markdown().render(guesses(filled)))
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
def markdown() -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": True, "typographer": True}).enable(["table", "smartquotes", "replacements"])
    md.use(footnote_plugin).use(attrs_plugin, spans=True).use(dollarmath_plugin, renderer=mathml, allow_digits=False)
    md.add_render_rule("footnote_caption", lambda self, tokens, i, options, env: f"[{tokens[i].meta['id'] + 1}]")
    for name in ("discover", "result"):
        md.use(container_plugin, name=name, render=_container(name))
    return md


def _container(name: str) -> Any:
    def render(self: Any, tokens: Any, index: int, options: Any, env: Any) -> str:
        return f'<div class="{name}">\n' if tokens[index].nesting == 1 else "</div>\n"

    return render


def mathml(latex: str, options: dict[str, Any]) -> str:
    """A formula as MathML, so that it needs no script and no font of ours. Names of functions stand upright."""
    display = "block" if options.get("display_mode") else "inline"
    made = latex2mathml.converter.convert(latex, display=display)
    return re.sub(r"<mi>([a-z]{2,})</mi>", r'<mi mathvariant="normal" class="function">\1</mi>', made)


def back_links(html: str) -> str:
    """A footnote that both modes refer to leads back to either place: in each mode show the link that leads somewhere."""

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
            f'<fieldset class="guess" data-guess="{name}"><legend>{question}</legend><div class="options">{choices}</div>'
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

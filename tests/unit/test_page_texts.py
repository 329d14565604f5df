"""What the pages' texts say when other numbers come out, and which words they explain before they use them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import jinja2
import pytest

from pages import numbers_of

PAGES = Path(__file__).resolve().parents[2] / "pages"
NAMES = ("attention", "temperature", "feedback", "paths")


@cache
def of(page: str) -> dict[str, object]:
    return numbers_of(page)


def said(page: str, **others: object) -> str:
    """The text of a page as the build fills it in, with some numbers other than measured."""
    fill = jinja2.Environment(undefined=jinja2.StrictUndefined, comment_start_string="{##")
    text = (PAGES / page / "text.md").read_text(encoding="utf-8")
    return fill.from_string(text).render(**{**of(page), **others})


@pytest.mark.parametrize("page", NAMES)
def test_every_finding_that_is_yes_or_no_changes_what_is_said(page):
    flags = {name: value for name, value in of(page).items() if isinstance(value, bool)}
    assert flags
    for name, value in flags.items():  # it may matter only where another finding is the other way round
        others = [{}, *({other: not was} for other, was in flags.items() if other != name)]
        assert any(said(page, **{**how, name: not value}) != said(page, **how) for how in others), name


OTHERWISE = [
    # page, numbers that did not come out, what must not be said then
    ("paths", {"given_matches": False}, ("forbids", "who it was does not matter", "What helps is")),
    ("paths", {"moves": False}, ("of the probability goes to other tokens, and that of",)),
    ("paths", {"deeper_worse": False}, ("Nor does depth settle it", "does not help either", "*worse*")),
    ("paths", {"short_led": False}, ("copies the last number that it finds, which is wrong",)),
    ("paths", {"forged_led": False}, ("It goes by the working", "it goes on from there and")),
    ("paths", {"both_suffer": False}, ("- Right: the first guess", "It is much", "both numbers suffer")),
    ("feedback", {"notes_obeyed": False}, ("and the model goes by the notes. ", "but by what earlier columns")),
    ("feedback", {"lost_by_cut": False}, ("foreign to it", "comes with the cut")),
    ("feedback", {"fork_like": False}, ("Less than you would think", "close to that")),
    ("temperature", {"cold_safe": True}, ("no temperature mends",)),
    ("temperature", {"cold_different": 20}, ("times the same text", "the same text with every seed")),
    ("temperature", {"m_one": "6", "m_four": "6"}, ("Somewhat: it goes",)),
    ("attention", {"induction_clear": False}, ("it reads what followed",)),
    ("attention", {"cut_breaks_names": False}, ("two steps that need each other", "takes two layers here")),
    ("attention", {"worst": ["mask"]}, ("the intervals overlap",)),
    ("attention", {"stand_in": False, "stand_in_held": False}, ("can stand in", "what another would")),
]


@pytest.mark.parametrize(("page", "others", "silent"), OTHERWISE)
def test_what_did_not_come_out_is_not_said(page, others, silent):
    text = said(page, **others)
    for words in silent:
        assert words not in text, words


def test_as_likely_the_worst_are_named_together():
    names = {"scaling": "the division", "mask": "the mask", "uniform": "choosing", "positions": "the positions"}
    answers = said("attention", worst=["uniform", "positions"]).split("[[answer:break]]\n")[1].splitlines()[:4]
    told = dict(zip(names, answers, strict=True))
    assert all(told[name].startswith("- Yes, as far as") for name in ("uniform", "positions"))
    assert all(told[name].startswith(f"- No: without {names[name]}") for name in ("scaling", "mask"))


TERMS = {  # of each page: its first use has a card, or is in italics, which explains it there
    "attention": ("token", "query", "key", "value", "head", "layer", "softmax", "nat", "stream", "gradient", "floor"),
    "temperature": ("token", "logit", "softmax", "seed", "entropy"),
    "feedback": ("token", "column", "layer", "KV cache"),
    "paths": ("token", "column", "layer", "embedding", "mask", "logit", "context"),
}


@pytest.mark.parametrize("page", NAMES)
def test_a_term_is_explained_where_it_is_first_used(page):
    blocks = re.findall(r"::: discover\n(.*?)\n:::", said(page), re.DOTALL)
    text = re.sub(r"\[\[widget.*", "", "\n".join(blocks))
    for term in TERMS[page]:
        first = re.search(rf"(?<![\w-])(.)({term}(?:e?s)?)(?![\w-])(.{{9}})?", text, re.IGNORECASE)
        assert first, term
        explained = first[1] == "*" or (first[1] == "[" and str(first[3]).startswith("]{.term"))
        assert explained, (term, text[max(0, first.start() - 60) : first.end() + 30])

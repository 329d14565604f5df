"""The prose: guesses and their answers, footnotes of both modes, numbers and formulas."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import contents
import prose
import pytest
import sizes
from markupsafe import Markup

from pages import CHAPTERS

ROOT = Path(__file__).resolve().parents[2]
TEXT = """[[guess:colour]] Which *one*?
- Red, {{ n }} %
- Blue

[[widget:box]]

[[answer:colour]]
- No.
- Yes, `blue`.
"""


def article(text: str, **numbers: object) -> str:
    return prose.article(text, numbers, {"box": Markup("<section>the box</section>")})


def test_a_guess_is_a_group_of_radio_buttons_and_each_choice_has_its_answer():
    html = article(TEXT, n=3)
    assert "<legend>Which <em>one</em>?</legend>" in html
    assert re.findall(r'name="guess-colour" value="(\d)"><span>([^<]*)</span>', html) == [
        ("0", "Red, 3\u00a0%"),
        ("1", "Blue"),
    ]
    answers = re.findall(r'<p data-option="(\d)">.*?</span>([^<]*)</span> (.*?)</p>', html)
    assert answers == [("0", "Red, 3\u00a0%", "No."), ("1", "Blue", 'Yes, <code translate="no">blue</code>.')]
    assert html.index("<fieldset") < html.index("the box") < html.index('data-answer="colour"')


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("- Yes, `blue`.\n", ""), "2 items, its answer 1"),
        (TEXT.replace("[[answer:colour]]\n- No.\n- Yes, `blue`.\n", ""), "answered: \\[\\]"),
        (TEXT.replace("answer:colour", "answer:size"), "guess 'size' has 0 items"),
        ("\n\n".join(reversed(TEXT.strip().split("\n\n"))), "answered before it is asked"),
        (TEXT + TEXT.replace("[[widget:box]]", ""), "two guesses are called 'colour'"),
        (TEXT.replace("[[widget:box]]", ""), "widgets placed in the prose: \\[\\]"),
    ],
)
def test_what_does_not_fit_together_stops_the_build(text, words):
    with pytest.raises(ValueError, match=words):
        article(text, n=3)


def test_a_footnote_of_both_modes_has_one_number_and_leads_back_within_the_mode():
    text = "::: discover\n$$x$$\n\nOne[^a].\n:::\n\n::: result\nTwo[^a].\n:::\n\n[[widget:box]]\n\nThree[^a]."
    text += "\n\n[^a]: The note."
    html = article(text)
    assert re.findall(r'id="(fnref[0-9:]+)">([^<]*)', html) == [
        ("fnref1", "[1]"),
        ("fnref1:1", "[1]"),
        ("fnref1:2", "[1]"),
    ]
    assert re.findall(r'href="#(fnref[0-9:]+)" class="footnote-backref ?([^"]*)"', html) == [
        ("fnref1", "in-discover"),
        ("fnref1:1", "in-result"),
        ("fnref1:2", ""),
    ]


def test_text_right_after_an_answer_is_a_paragraph_of_its_own():
    assert "<p>And <em>on</em>.</p>" in article(TEXT + "And *on*.", n=3)


def test_names_of_functions_stand_upright_and_variables_do_not():
    html = article("$\\ln p$\n\n[[widget:box]]")
    assert '<mi mathvariant="normal" class="function">ln</mi><mi>p</mi>' in html


def test_a_missing_number_stops_the_build():
    with pytest.raises(Exception, match="'n' is undefined"):
        article(TEXT)


@pytest.mark.parametrize("page", CHAPTERS, ids=lambda page: page.name)
def test_every_chapter_lets_the_reader_guess_in_discover_alone(page):
    text = (ROOT / "pages" / page.folder / "text.md").read_text(encoding="utf-8")
    guessed = re.findall(r"^\[\[guess:", text, re.MULTILINE)
    inside = "".join(re.findall(r"^::: discover\n(.*?)^:::$", text, re.MULTILINE | re.DOTALL))
    assert 2 * len(guessed) >= len(page.widgets)
    assert inside.count("[[guess:") == inside.count("[[answer:") == len(guessed)


def test_the_demo_shows_the_code_that_it_runs():
    html = prose.article(contents.read_text(ROOT / "pages" / "demo").text, {"how_many": 0, "figures": ""}, {})
    code = unescape(html.split("<code", 1)[1].split("</code>", 1)[0])
    running = re.findall(r"<transformer-explainer .*?</transformer-explainer>", html)
    assert len(running) == 3 and running == re.findall(r"<transformer-explainer .*?</transformer-explainer>", code)


NEVER = {
    "notes": r"only notes are|no notebook|only a copy of it|only thing that one turn hands",  # keys and values, too
    "steps": r"[Ww]ords on the page buy no time",  # given working helps as much as written working
    "counting": r"explodes with",  # n^L / L! is a polynomial in n
    "hard attention": r"at every length \(Hahn",  # no fixed network for all lengths; each length is possible
    "teacher forcing": r"In training the (whole text|question)",  # in pre-training: reinforcement learning samples
}


@pytest.mark.parametrize("kind", NEVER)
def test_what_the_claims_forbid_is_not_written(kind):
    """shared/design/claims.md, last table: sentences that said too much, and came back easily."""
    for path in [*(ROOT / "pages").rglob("*.md"), *(ROOT / "explainer").rglob("*.py")]:
        found = re.search(NEVER[kind], path.read_text(encoding="utf-8"))
        assert not found, f"{path.name}: {found and found[0]}"


def test_a_model_card_on_a_page_is_written_like_the_page():
    card = (
        "# name\n\nWritten by `x`.\n\n- **What**: 4 layers x 4 heads.\n- **Plan**: `P(a=1)`\n\n## Sums\n\n| 3 | 46.0% |"
    )
    assert sizes.demote(card).strip() == "- **What**: 4 layers × 4 heads.\n\n### Sums\n\n| 3 | 46.0 % |"


def test_a_section_that_is_closed_at_first_says_what_it_will_show():
    html = article(f":::: deeper Why || The reason | What *lies* here.\n::: discover\n{TEXT}:::\n::::\n", n=1)
    assert '<details class="deeper"><summary>' in html
    assert '<h2 class="discover">Why</h2><h2 class="result">The reason</h2>' in html
    assert '<span class="promise">What <em>lies</em> here.</span></summary>' in html
    assert html.index("<summary>") < html.index("the box") < html.index("</details>")
    second = article(f":::: second Why | What.\n{TEXT}::::\n", n=1)
    assert '<details class="deeper second" open><summary><h2>Why</h2>' in second
    with pytest.raises(ValueError, match="one line of what it will show"):
        article(f":::: deeper Why\n{TEXT}::::\n", n=1)


def test_footnotes_stand_in_the_section_of_the_sources_where_there_is_one():
    text = TEXT + "\nA claim.[^a]\n\n[^a]: The note.\n\n"
    html = article(text + ":::: deeper Sources | What it rests on.\n- Somebody 1999.\n::::\n", n=1)
    assert html.index("Somebody 1999") < html.index("The note.") < html.index("</details>")
    assert html.count("The note.") == 1
    assert "The note." in article(text, n=1)


def test_a_term_is_a_button_and_its_sentence_a_card_that_stands_once():
    html = article(TEXT + "\nA [head]{.term}, two [*heads*]{.term of=head}, a [95 % interval]{.term}.\n", n=1)
    assert html.count('popovertarget="term-head"') == 2 and html.count('id="term-head"') == 1
    assert f"<dfn>head</dfn> {prose.terms()['head']}" in unescape(html)
    assert 'id="term-95-interval"' in html
    with pytest.raises(ValueError, match="does not explain 'hat'"):
        article(TEXT + "\nA [hat]{.term}.\n", n=1)


def test_every_term_is_one_short_sentence_or_two_and_has_an_id_of_its_own():
    assert len({prose.slug_of(term) for term in prose.terms()}) == len(prose.terms()) > 20
    for term, says in prose.terms().items():
        assert says[0].isupper() and says.endswith(".") and len(says) < 190, term

"""/feedback/, hidden notes: what is pressed is what is forged, and what is said is what `studies.notes` says."""

from __future__ import annotations

import re
from html import unescape

import pytest

from explainer.models import lab
from explainer.studies import notes
from explainer.ui.html import percent
from pages import numbers_of
from pages.feedback.page import PAGE
from pages.feedback.views.notes import BOY, GIRL, TOLD, tokens_of


@pytest.fixture
def made():
    link, *widgets = PAGE.make("forged-notes")
    return link, widgets[0]


def told(widget):
    return unescape(re.sub("<[^>]+>", "", re.search(r'class="run-says told"[^>]*>(.*?)</p>', widget.html)[1]))


def ask(link, **values):
    link.request = {**values, "#": repr(values)}
    return link.messages


def test_the_notes_are_forged_where_the_columns_say_and_healed_by_reading_again(made):
    link, widget = made
    found = notes.forge(tokens_of(TOLD), tokens_of(BOY), (6, 8), 16)
    assert "“␣She”" in told(widget) and "forge 2 columns" in told(widget)
    ask(link, whose="forged")
    assert "next is “␣He”" in told(widget) and percent(float(found.forged.max())) in told(widget)
    assert widget.html.count("cell note marked forged") == 2
    ask(link, whose="anew")
    assert told(widget).startswith("Read from its beginning") and "“␣She”" in told(widget) and "“␣He”" in told(widget)
    ask(link, whose="forged", forge="8")
    assert widget.html.count("cell note marked forged") == 1
    assert percent(float(notes.forge(tokens_of(TOLD), tokens_of(BOY), (8,), 16).forged.max())) in told(widget)
    ask(link, forge="-")
    assert "nothing to forge" in told(widget)


def test_a_press_on_a_column_takes_it_in_or_out_and_another_text_begins_anew(made):
    link, widget = made
    values = re.findall(r'data-set="forge" value="([^"]*)" aria-pressed="(\w+)"', widget.html)
    assert len(values) == len(tokens_of(TOLD)) - 1
    assert values[6] == ("8", "true") and values[8] == ("6", "true") and values[1] == ("1.6.8", "false")
    ask(link, forge="1.6")
    ask(link, donor=GIRL)
    assert link.values["forge"] == "" and widget.html.count("cell note marked") == 1


@pytest.mark.parametrize(
    ("values", "says"),
    [({"forge": "6,8"}, "look like 6.8"), ({"tape": ""}, "2 to 40 tokens"), ({"donor": "a " * 60}, "2 to 40 tokens")],
)
def test_what_cannot_be_is_said_in_words(made, values, says):
    link, widget = made
    before = widget.html
    assert says in ask(link, **values)[next(iter(values))] and widget.html == before


def test_shorter_and_longer_notes_are_put_under_the_columns_that_both_have(made):
    link, widget = made
    ask(link, donor="Tom", whose="forged", forge="0.1.7")
    assert widget.html.count("cell note marked forged") == 2  # the two tokens that "Tom" has, and no third
    assert widget.html.count('data-set="forge"') == len(tokens_of("Tom"))
    ask(link, donor=f"{BOY} He had a red ball.", forge="")
    assert "“␣He”" in told(widget)


def test_every_column_behind_the_first_difference_has_its_two_bars():
    link, widget = PAGE.make("held-for-later")
    for kind in ("name", "sum"):
        ask(link, held=kind, pair=7, mark=None)
        of = notes.case(kind, 7)
        rows = re.findall(r'<tr[^>]*><th scope="row"><button.*?</tr>', widget.html)
        assert len(rows) == len(of.columns)
        for row, h in zip(rows, notes.held(of), strict=True):
            assert [unescape(x) for x in re.findall(r"<td data-v[^>]*>([^<]*)<", row)] == [
                percent(h.later),
                percent(h.own),
            ]
    ask(link, held="name", pair=0, mark=11)
    assert told(widget).startswith("“.”, the same token on both tapes")
    ask(link, pair=1)
    assert link.values["mark"] is None


def test_the_prose_says_what_was_measured():
    found = numbers_of("feedback")
    later, _, own = notes.tried("name")["mark"]
    assert found["held_moves"] == percent(later.value) and found["held_own"] == percent(own.value)
    assert found["held_found"] and found["sum_little"] and found["notes_obeyed"]
    assert found["notes_won"] == notes.obeyed("both").right and found["notes_n"] == len(notes.pairs())
    assert found["notes_was"] == "␣She" and lab.names_of(notes.case("name", 0).tape)[10] == found["held_piece"]

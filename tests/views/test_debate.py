"""/paths/, the four bets and the five arms: what is bet is settled by what is computed, and said so."""

from __future__ import annotations

import re
from html import unescape

import pytest

from explainer.models import lab
from explainer.studies import debate, working
from explainer.ui.html import number, percent
from pages import numbers_of
from pages.paths.page import PAGE
from pages.paths.views import arms
from pages.paths.views.debate import CLAIMS, SETTLES


@pytest.fixture
def bets():
    link, widget = PAGE.make("path-debate")
    return link, widget


def ask(link, **values):
    link.request = {**values, "#": repr(values)}
    return link.messages


def told(widget):
    return unescape(re.sub("<[^>]+>", "", re.search(r'class="run-says told"[^>]*>(.*?)</p>', widget.html)[1]))


@pytest.mark.parametrize("name", CLAIMS)
def test_a_bet_is_right_or_not_and_nothing_is_said_before_it(bets, name):
    link, widget = bets
    ask(link, claim=name)
    assert told(widget) == "Bet, and the grid settles it." and "Theorem" not in widget.html
    right = SETTLES[name](link._state.text(), True).right
    for answer in CLAIMS[name].answers:
        ask(link, **{name: answer})
        assert told(widget).startswith("Right: " if answer == right else "Not so: ")
        assert all(f"<dt>{kind}</dt>" in widget.html for kind in ("Theorem", "This model", "Open"))
    assert link.values[name] == answer and widget.html.count("✓") == 1


def test_what_settles_a_bet_would_settle_it_the_other_way(monkeypatch):
    tokens = lab.tokens_of("Mia has a red ball.")
    ever, never = debate.loss()
    monkeypatch.setattr(debate, "loss", lambda: (never, ever))
    assert SETTLES["remembers"](tokens, True).right == "no"
    assert SETTLES["myopic"](tokens, True).right == "no" and SETTLES["myopic"](tokens[:2], True).right == "yes"


@pytest.mark.parametrize("name", CLAIMS)
@pytest.mark.parametrize("prompt", ["", "Mia"])
def test_a_text_of_one_or_two_tokens_can_be_bet_on(bets, name, prompt):
    link, widget = bets
    ask(link, prompt=prompt, claim=name, **{name: "no"})
    assert told(widget) and "nan" not in told(widget)


def test_the_arms_are_scored_as_everywhere_and_one_sum_is_asked():
    link, widget = PAGE.make("path-arms")
    for arm in arms.ARMS:
        ask(link, arm=arm)
        score = working.score(lab.STORYTELLER, arms.order_of(arm))
        row = re.search(r'<tr class="chosen">.*?</tr>', widget.html)[0]
        assert f"{score.right} of {score.of}" in row
        found = working.attempt((4, 6, 7, 8), arms.order_of(arm))
        assert f"It answers {found.answer}: {'right' if found.right else 'the sum is 25'}" in told(widget)
    once = working.score(lab.STORYTELLER, "answer")  # what is erased leaves the tape of an answer at once
    assert f"{once.right} of {once.of}" in row and "token gone" in widget.html
    ask(link, arm=working.FORGED)
    assert "27 is what the text leads to" in told(widget) and "token gone" not in widget.html


def test_the_prose_says_what_was_measured():
    found = numbers_of("paths")
    ever, never = debate.loss()
    assert found["bet_with"] == number(ever.value) and found["bet_without"] == number(never.value)
    assert never.low > ever.high
    assert found["bet_pull"] == percent(debate.pull_elsewhere(PAGE.state().text()))
    assert found["short_right"] == working.score(lab.STORYTELLER, working.SHORT).right

"""Heads that carry a name: patching from the middle of a text on is patching; all heads patched are the other text."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from explainer.kernel.interventions import Patch
from explainer.kernel.model import direct_logit_contributions, forward
from explainer.models import lab, registry
from explainer.studies import indirect

TINY = registry.MODELS["tiny-llama"]
FILE = Path(__file__).parents[1] / "golden" / "models" / TINY.file
TEXT = "a model of text and writ in, writ add a model in"
EXCHANGED = "a model of text and writ in, of add a model in"


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch):
    """The random Llama, to which a few words of its own are names."""
    monkeypatch.setattr(indirect, "NAME", re.compile("␣(of|writ|c|b)"))
    monkeypatch.setattr(indirect, "THIRD", ("of", "c"))
    with FILE.open("rb") as file:
        lab.take(TINY.name, registry.load({TINY.file: file}, TINY.title))
    with lab.using(TINY.name):
        yield
    lab.let_go()


def test_the_names_of_a_text_are_found_and_exchanged() -> None:
    found = indirect.scene(lab.tokens_of(TEXT))
    say = lab.tokenizer().display
    assert [say(found.tokens[at]) for at in (found.due, found.first, found.giver)] == ["␣of", "␣writ", "␣writ"]
    other, rival = found.exchanged("giver")
    assert other == lab.tokens_of(EXCHANGED) and say(rival) == "␣writ"
    other, rival = found.exchanged("due")
    assert say(other[found.due]) == say(rival) == "␣c", "the first third name stands there already"


@pytest.mark.parametrize("text", ["a model of text", "of of of", "a of b writ b", "a model of text and writ in, " * 5])
def test_a_text_without_two_such_names_is_refused_in_words(text: str) -> None:
    with pytest.raises(indirect.NoScene, match=r"two names|at most"):
        indirect.scene(lab.tokens_of(text))


def test_patching_from_a_place_on_is_patching() -> None:
    tokens, other = lab.tokens_of(TEXT), lab.tokens_of(EXCHANGED)
    m, trace, source = lab.model(), lab.trace(tokens), lab.trace(other)
    place = indirect.scene(tokens).giver
    for layer, head in ((0, 2), (0, 3)):
        whole = Patch.of(source, f"blocks.{layer}.attn.z", place, head)
        expected = forward(m.params, tokens, m.config, [whole])["logits"][-1]
        found = indirect.patched(trace, source, [(layer, head)], place)
        assert found == pytest.approx(expected, abs=1e-4)
        assert not np.allclose(expected, trace["logits"][-1], atol=1e-4)


def test_with_all_heads_patched_the_last_token_says_what_it_says_in_the_other_text() -> None:
    tokens, other = lab.tokens_of(TEXT), lab.tokens_of(EXCHANGED)
    every = [(layer, head) for layer in range(2) for head in range(4)]
    found = indirect.patched(lab.trace(tokens), lab.trace(other), every, len(tokens) - 1)
    assert found == pytest.approx(lab.trace(other)["logits"][-1], abs=1e-4)


def test_a_slope_is_what_a_small_part_of_the_patch_does() -> None:
    tokens, other = lab.tokens_of(TEXT), lab.tokens_of(EXCHANGED)
    m, trace, source = lab.model(), lab.trace(tokens), lab.trace(other)
    due, rival = tokens[2], tokens[-1]
    slopes = indirect.slopes(trace, source, due, rival)
    for layer, head in ((0, 1), (1, 2)):
        key, small = f"blocks.{layer}.attn.z", 0.05
        value = trace[key][-1, head] + small * (source[key][-1, head] - trace[key][-1, head])
        moved = forward(m.params, tokens, m.config, [Patch(key, value, len(tokens) - 1, head)])["logits"][-1]
        lost = indirect.lead(trace["logits"][-1], due, rival) - indirect.lead(moved, due, rival)
        assert lost / small == pytest.approx(slopes[layer, head], rel=0.1, abs=2e-3)


def test_what_goes_straight_and_what_all_else_adds_is_the_lead() -> None:
    tokens = lab.tokens_of(TEXT)
    m, trace = lab.model(), lab.trace(tokens)
    due, rival = tokens[2], tokens[-1]
    rest = [
        sum(p.value for p in direct_logit_contributions(trace, m.params, len(tokens) - 1, token) if p.head is None)
        for token in (due, rival)
    ]
    whole = indirect.lead(trace["logits"][-1], due, rival)
    assert indirect.straight(trace, due, rival).sum() + rest[0] - rest[1] == pytest.approx(whole, abs=1e-3)


def test_heads_as_a_link_carries_them() -> None:
    assert indirect.coded({(23, 3), (4, 0)}) == "4.0,23.3" and indirect.decoded(" 4.0,23.3,") == {(4, 0), (23, 3)}
    for wrong, words in (("23", "is no head"), ("a.b", "is no head"), (",".join(f"{i}.0" for i in range(25)), "many")):
        with pytest.raises(ValueError, match=words):
            indirect.decoded(wrong)


def test_the_card_is_of_the_file_that_pages_load_and_its_sample_is_said() -> None:
    card = indirect.card()
    assert hashlib.sha256(indirect.CARD.read_bytes()).hexdigest().startswith(indirect.MADE), "say which card it is"
    assert card["sha256"] == registry.MODELS["smollm2-135m"].sha256
    assert card["sample"]["prompts"] >= 20 and card["right"] <= card["sample"]["prompts"]
    for head in card["heads"]:
        assert head["carries"]["low"] <= head["carries"]["mean"] <= head["carries"]["high"]

"""The pictures that other sites show of ours."""

from __future__ import annotations

import io

import previews
import pytest
from PIL import Image

from explainer.models import lab
from explainer.studies import climb
from explainer.ui.design import LIGHT
from pages import PAGES

PAPER = tuple(int(LIGHT["paper"][i : i + 2], 16) for i in (1, 3, 5))
LONGEST = sorted({w.title for p in PAGES for w in p.widgets}, key=lambda title: (len(title), title))[-3:]


def opened(question: str, prompt: str) -> Image.Image:
    return Image.open(io.BytesIO(previews.picture(question, "From somewhere", prompt))).convert("RGB")


@pytest.mark.parametrize("question", [*(p.question for p in PAGES), *LONGEST])
def test_words_keep_clear_of_the_drawing(question: str) -> None:
    image = opened(question, PAGES[0].state().prompt)
    assert image.size == (1200, 630)
    strip = image.crop((previews.LEFT, 0, previews.LEFT + 24, 630))
    assert {colour for _, colour in strip.getcolors(10_000) or []} == {PAPER}
    below = image.crop((0, 612, previews.LEFT, 630))
    assert {colour for _, colour in below.getcolors(10_000) or []} == {PAPER}, "and fit the picture"


def test_the_drawing_is_of_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = "Beads: red,"
    told = climb.climb(lab.tokens_of(prompt), 0, 0)
    words: list[str] = []
    monkeypatch.setattr(previews.Sheet, "text", lambda self, x, y, text, *a, **k: words.append(text))
    previews.climbed(previews.Sheet(), told)
    assert told.word.text in words
    best = max(told.odds, key=lambda o: o.chance)
    assert any(text.startswith(f"{best.text} ") for text in words)
    assert {c.text for c in told.columns[-3:]} <= set(words)


def test_stretches_of_the_odds_are_as_wide_as_their_chances(monkeypatch: pytest.MonkeyPatch) -> None:
    told = climb.climb(lab.tokens_of("Beads: red,"), 0, 0)
    bars: list[float] = []
    monkeypatch.setattr(previews.Sheet, "bar", lambda self, x, y, width, height, fill: bars.append(width))
    previews.climbed(previews.Sheet(), told)
    assert [bar > 20 for bar in bars[: len(told.odds)]] == [odds.chance > 0.04 for odds in told.odds]
    wide = [(bar + 3) / odds.chance for bar, odds in zip(bars, told.odds, strict=False) if odds.chance > 0.02]
    assert max(wide) == pytest.approx(min(wide))

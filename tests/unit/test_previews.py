"""The pictures that other sites show of ours."""

from __future__ import annotations

import io
import json
from pathlib import Path

import drawing
import previews
import pytest
from markupsafe import Markup
from PIL import Image, ImageChops

from explainer.models import lab
from explainer.studies import climb
from explainer.ui.design import LIGHT, MEANINGS
from explainer.ui.html import tag
from explainer.ui.parts import charts
from pages import PAGES

PAPER = tuple(int(LIGHT["paper"][i : i + 2], 16) for i in (1, 3, 5))
LONGEST = sorted({w.title for p in PAGES for w in p.widgets}, key=lambda title: (len(title), title))[-3:]


def opened(question: str, prompt: str) -> Image.Image:
    return Image.open(io.BytesIO(previews.picture(question, "From somewhere", (), prompt))).convert("RGB")


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


LINE = [("falls", "query", [(1.0, 1.0), (10.0, 0.0)])]


SQUARE = tag("svg", tag("rect", width=9, height=9), viewBox="0 0 9 9", class_="cells")


def line() -> Markup:
    return charts.xy(LINE, label="a line", x_name="x", y_name="y", x_ticks=(1, 10), y_max=1.0)


def still(*content: object) -> str:
    return str(tag("section", tag("div", *content, class_="figure-body"), data_widget="loss"))


def seen(image: Image.Image) -> set[str]:
    """The colours of an image that cover more than a little of it, over the paper."""
    paper = Image.new("RGB", image.size, LIGHT["paper"])
    paper.paste(image, (0, 0), image)
    return {"#{:02x}{:02x}{:02x}".format(*colour) for n, colour in paper.getcolors(2**20) or [] if n > 40}


def test_a_stills_curve_is_drawn_where_its_numbers_are_and_in_its_colour() -> None:
    chart = line()
    (svg,) = drawing.pictures(still(chart))
    _, _, wide, high = drawing.box(svg)
    image = drawing.image(svg, (round(2 * wide), round(2 * high)))
    query = tuple(int(MEANINGS["query"][1][i : i + 2], 16) for i in (1, 3, 5))
    spots = [(x, y) for x in range(image.width) for y in range(image.height) if image.getpixel((x, y)) == (*query, 255)]
    assert len(spots) > 100
    left, right = ([y for x, y in spots if x == end] for end in (min(spots)[0] + 4, max(spots)[0] - 4))
    assert max(left) < 0.4 * image.height < 0.6 * image.height < min(right), "it falls"
    words = {word.text: word for word in drawing.words(svg)}
    assert ({"0", "1"} <= words.keys() and words["0"][0] < words["1"][0]) or words["0"][1] > words["1"][1]


def test_what_is_for_the_eye_of_a_phone_or_hidden_is_no_picture() -> None:
    chart = line()
    assert not drawing.pictures(still(tag("button", SQUARE), tag("svg", viewBox="0 0 9 9", class_="narrow")))
    assert len(drawing.pictures(still(*[SQUARE] * 5))) == 3 and len(drawing.pictures(still(chart, SQUARE))) == 1
    hidden = tag("div", chart, class_="beyond")
    assert drawing.pictures(still(hidden, SQUARE))[0].get("class") == "cells"
    assert drawing.pictures(still(hidden))[0].get("class") != "cells"


def test_a_shares_tint_is_what_the_style_sheet_says() -> None:
    node = tag("g", tag("circle", r=20, cx=30, cy=30), class_="node valued", style="--c:var(--loss);--v:0.5")
    (svg,) = drawing.pictures(still(tag("svg", node, viewBox="0 0 60 60", class_="paths-grid")))
    shown = seen(drawing.image(svg, (240, 240)))
    assert drawing.mixed(MEANINGS["loss"][1], 0.44, LIGHT["raised"]) in shown and "#000000" not in shown


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("calc(0.45 + 0.5 * var(--w))", "0.7"),
        ("calc(0.8px + 3px * var(--w))", "2.3px"),
        ("calc(var(--w) * 88%)", "44%"),
        ("calc(1px - 2px)", ""),
        ("var(--none, 3px)", "3px"),
        ("color-mix(in oklab, #000000 calc(var(--w) * 100%), #ffffff)", "#808080"),
    ],
)
def test_values_are_reckoned_as_a_browser_does(given: str, found: str) -> None:
    assert drawing.resolved(given, {"--w": "0.5"}) == found


def test_a_drawing_fits_below_the_words() -> None:
    for svgs in (drawing.pictures(still(line())), drawing.pictures(still(*[SQUARE] * 3))):
        sheet = previews.Sheet()
        bare = sheet.image.copy()
        previews.lay(sheet, svgs, 203)
        box = ImageChops.difference(bare, sheet.image).getbbox()
        assert box
        left, top, right, bottom = (edge / previews.FINE for edge in box)
        assert top >= 203 and bottom < 610 and left > 50 and right < 1150, box
        assert bottom - top > 300 or right - left > 900, "as large as it can be"


def test_oembed_has_absolute_addresses_where_the_site_knows_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SITE_URL", "https://a.example/site")
    page = PAGES[0]
    previews.write_oembed(tmp_path, page, page.widgets[0], "A site")
    told = json.loads((tmp_path / "oembed.json").read_text(encoding="utf-8"))
    address = f"https://a.example/site/embed/{page.widgets[0].slug}/"
    assert f'src="{address}"' in told["html"] and told["thumbnail_url"] == f"{address}og.png"
    assert told["provider_url"] == "https://a.example/site/"

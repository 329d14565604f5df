"""Three engines: every page, the embeds and a page in one file are live and answer in Chromium, Firefox and WebKitGTK.

One session of each browser for all its tests, as in a reader's visit: the first page starts Python, the others find it.
The expected numbers come from this very `explainer`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import comb
from pathlib import Path

import numpy as np
import pytest
import single
from engines import ENGINES, Chromium, Engine, Missing

from explainer.kernel import ops, sampling
from explainer.models import lab
from explainer.models.columns import top_tokens
from explainer.studies import next_token
from pages.attention.page import AttentionState
from pages.home.page import HomeState
from pages.paths.views.cones import magnitude
from pages.temperature.page import PROMPT

KITE = "Tom has a green kite. Tom gives"
CHAIN = "[data-figure=chain] table"
TK = lab.tokenizer()


@pytest.fixture(scope="module", params=[pytest.param(n, marks=pytest.mark.xdist_group(n)) for n in ENGINES])
def session(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "chromium":  # the one that the other tests use
        yield Chromium(request.getfixturevalue("the_browser"))
        return
    try:
        with ENGINES[request.param]() as running:
            yield running
    except Missing as missing:
        pytest.skip(f"{missing} IS NOT HERE, SO NOTHING IS KNOWN ABOUT IT: run `make browsers`")


@pytest.fixture
def engine(session: Engine) -> Iterator[Engine]:
    yield session
    assert session.problems() == []


def answered(engine: Engine, name: str, value: object) -> None:
    """Wait until the page's state has this value (as the reader sees it) and Python has drawn what follows from it."""
    engine.wait(f"String(explainer.state().{name}) === {json.dumps(str(value))}")
    engine.settle()


def numbers(engine: Engine, table: str, of: str = "document") -> np.ndarray:
    """The exact values in the cells of a table, row by row; cells without one are left out."""
    found = engine.run(
        f"[...{of}.querySelector({json.dumps(table)}).tBodies[0].rows].flatMap(r => [...r.cells])"
        ".filter(c => c.dataset.v !== undefined).map(c => c.dataset.v)"
    )
    return np.array([float(value) for value in found])


def texts(engine: Engine, selector: str) -> list[str]:
    return engine.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(e => e.textContent.trim())")


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    """As near as the numbers in a page, written with five digits, can be."""
    return found.shape == expected.shape and np.allclose(found, expected, rtol=1e-3, atol=1e-5)


def unmasked(pattern: np.ndarray) -> np.ndarray:
    """[T, S] -> the entries that a query may read, row by row"""
    return pattern[np.tril_indices(len(pattern))]


def expect_chain(engine: Engine, temperature: float, of: str = "document") -> None:
    """The table of logits, divided logits, powers and shares holds the numbers of the best tokens."""
    look = next_token.next_token(lab.tokens_of(PROMPT), temperature)
    best, made = look.order[:10], look.chain
    found = numbers(engine, CHAIN, of).reshape(-1, 4)[:10]
    assert close(found, np.stack([made.logits, made.scaled, made.grown, made.probs], axis=1)[best])


def test_errors_would_be_seen(session: Engine, tmp_path: Path) -> None:
    """The guard of all tests here: what goes wrong in a page reaches us in each of the browsers."""
    page = tmp_path / "wrong.html"
    page.write_text("<button onclick=\"console.error('said'); nothing.here()\">x</button>", encoding="utf-8")
    session.open(page.as_uri())
    session.click("button")
    assert len(session.problems()) == 2
    assert session.problems() == []


def test_start_another_prompt(engine: Engine, site: str) -> None:
    engine.open(f"{site}#whole-model")  # which opens its section
    engine.wait_live()
    engine.fill("#whole-model-f-prompt", KITE)
    tokens = lab.tokens_of(KITE)
    answered(engine, "prompt", KITE)
    assert f"{len(tokens)} pieces" in engine.run("document.querySelector('.block[value=tokens]').textContent")
    kind, layer = HomeState().block.split()
    assert kind == "attention"
    for head in range(lab.model().config.n_heads):
        pattern = lab.trace(tokens)[f"blocks.{layer}.attn.pattern"][head]
        assert close(numbers(engine, f"[data-figure=block-head-{head}] table"), unmasked(pattern))


def test_attention_another_head(engine: Engine, site: str) -> None:
    engine.open(f"{site}attention/#attention-heads")  # which opens its section
    engine.wait_live()
    engine.click("#attention-heads .head-button[value='1\u001f1']")  # names and values of several are joined by U+001F
    engine.wait("document.querySelector('[data-figure=opened-head]').textContent.includes('Head 1.1')")
    pattern = lab.trace(AttentionState().tokens())["blocks.1.attn.pattern"][1]
    assert close(numbers(engine, "[data-figure=opened-head] table"), unmasked(pattern))


def test_temperature_slider_to_its_end(engine: Engine, site: str) -> None:
    engine.open(f"{site}temperature/")
    engine.wait_live()
    expect_chain(engine, 0.5)
    engine.focus("#temperature-f-t")
    engine.keys("End")
    answered(engine, "t", 10)
    expect_chain(engine, 10.0)


def test_feedback_one_more_turn(engine: Engine, site: str) -> None:
    engine.open(f"{site}feedback/?prompt=Once+there+was+a&step=6&seed=3&t=1&branches=")
    engine.wait_live()
    engine.click("#feedback-loop [data-crank-by='1']")
    answered(engine, "step", 7)
    expect_tape(engine, "Once there was a", 7, seed=3)


def expect_tape(engine: Engine, prompt: str, turns: int, seed: int) -> None:
    start = lab.tokens_of(prompt)
    steps = sampling.generate(lab.model(), start, turns, rng=seed, temperature=1.0)
    expected = lab.names_of((*start, *(s.token for s in steps)))
    assert texts(engine, "[data-figure=tape] .cell:not(.blank)") == expected


def test_paths_slider_to_its_end(engine: Engine, site: str) -> None:
    engine.open(f"{site}paths/#path-count")  # its section opens
    engine.wait_live()
    engine.focus("#path-count-f-layers")
    engine.keys("End")
    answered(engine, "layers", 96)
    assert "96 steps" in engine.run("document.querySelector('[data-figure=path-length]').textContent")
    there = comb(12 - 1 + 96, 96)  # ways up 96 layers that end at the last of 12 tokens
    number = engine.run("document.querySelector('[data-figure=path-number]').textContent")
    assert magnitude(there) in number and "They agree." in number


def test_components_select_box(engine: Engine, site: str) -> None:
    engine.open(f"{site}components/")
    engine.wait_live()
    engine.focus("#components-f-layer")
    engine.keys("2")
    answered(engine, "layer", 2)
    pattern = lab.trace(lab.tokens_of("Mia has a red ball."))["blocks.2.attn.pattern"][0]
    assert close(numbers(engine, "[data-figure=unsigned] table"), unmasked(pattern))


def test_embed_one_turn_back(engine: Engine, site: str) -> None:
    engine.open(f"{site}embed/feedback-loop/?prompt=Once+there+was+a&step=6&seed=4&t=1&branches=")
    engine.wait_live()
    engine.click("#feedback-loop [data-crank-by='-1']")
    answered(engine, "step", 5)
    expect_tape(engine, "Once there was a", 5, seed=4)


def test_demo_three_embeds(engine: Engine, site: str) -> None:
    engine.open(f"{site}demo/")
    figures = engine.wait_embeds_live()
    assert len(figures) == 3
    first = figures[0]
    engine.run(f"void {first}.querySelector('button[data-set=t][value=\"2\"]').click()")
    engine.wait(f"{first}.querySelector('#temperature-f-t').getAttribute('aria-valuetext').startsWith('2')")
    engine.settle(first)
    expect_chain(engine, 2.0, first)


def test_single_file_from_a_disk(engine: Engine, site_directory: Path, tmp_path: Path) -> None:
    engine.open(single.write_single(site_directory, "components", tmp_path).as_uri())
    engine.wait_live()
    engine.fill("#components-f-prompt", KITE)
    tokens = lab.tokens_of(KITE)[:12]
    answered(engine, "prompt", KITE)
    _, names, chances = top_tokens(ops.softmax(lab.trace(tokens)["logits"][-1].astype("float64")), 6)
    assert close(numbers(engine, "[data-figure=bars] table"), np.array(chances))
    assert texts(engine, "[data-figure=bars] tbody th") == names
    assert engine.run("performance.getEntriesByType('resource').filter(r => r.name.startsWith('http')).length") == 0


def test_a_plot_is_explored(engine: Engine, site: str) -> None:
    engine.open(f"{site}how/")
    engine.run("void document.querySelector('.plot').scrollIntoView({block: 'center', behavior: 'instant'})")
    engine.wait("document.querySelector('.plot-live[data-ready]') !== null")
    whole = "(({start, end}) => [start, end])(Bokeh.documents[0].roots()[0].x_range)"
    before = engine.run(whole)
    assert before == [0.5, 20]
    engine.click(".plot .plot-tools button")
    engine.wait(f"{whole}[0] > {before[0]}")
    engine.click(".plot .plot-tools button:last-of-type")
    engine.wait(f"{whole}[0] === {before[0]}")
    assert engine.problems() == []

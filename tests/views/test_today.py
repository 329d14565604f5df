"""/today/ without a browser: the two columns, the switches and their runs, and what is said of them."""

from __future__ import annotations

import re
import time

import pytest

from explainer.kernel import model
from pages import numbers_of
from pages.today.facts import exact, runs, sizes
from pages.today.page import PAGE
from pages.today.views import blocks
from pages.today.views.blocks import CHANGES, FLOORS


@pytest.fixture
def made():
    return {c.name: c for c in PAGE.make()}


def ask(made, **values):
    made["link"].request = {**values, "#": time.perf_counter()}
    return made["link"]


# ---------------------------------------------------------------- the two columns


def test_every_floor_is_in_both_columns_and_those_that_differ_can_be_pressed(made):
    html = made["two-blocks"].html
    assert len(re.findall(r'<g class="box', html)) == 2 * len(FLOORS)
    changed = [f for f in FLOORS if f.part]
    assert len(re.findall(r'<g class="box changed', html)) == 2 * len(changed) and {f.part for f in changed} == {
        *CHANGES
    }
    assert re.findall(r'value="(\w+)"[^>]*class="press"', html) == [f.part for f in changed]
    for floor in FLOORS:
        assert floor.part == "share" or (floor.then == floor.now) == (not floor.part), floor


def test_dots_are_as_many_as_heads(made):
    art = re.search(r'<svg[^>]*class="blocks-art".*?</svg>', made["two-blocks"].html, re.DOTALL)[0]
    for name, n in (("query", 2 * sizes.NOW.n_heads), ("key", sizes.THEN.n_heads + sizes.NOW.n_kv_heads)):
        assert len(re.findall(rf'<circle [^>]*class="{name}"', art)) == n


@pytest.mark.parametrize("part", CHANGES)
def test_a_part_that_is_pressed_is_told_with_its_formulas_and_what_it_costs(made, part):
    ask(made, part=part)
    html = made["two-blocks"].html
    change, now = CHANGES[part], sizes.costs(sizes.NOW)[part]
    assert change.says in html and f'<code translate="no">{change.before.replace(">", "&gt;")}</code>' in html
    assert 'class="box changed chosen' in html and f'data-part="{part}"' in html
    figures = {"share": now.cache, "think": sizes.NOW.d_mlp, "norm": now.operations, "places": now.operations}
    assert f"{figures[part]:,}" in html.split("blocks-story")[1]


def test_the_code_shows_then_and_now_by_pairs():
    functions = blocks.TwoBlocks.functions
    assert len(functions) % 2 == 0
    for then, now in zip(functions[::2], functions[1::2], strict=True):
        assert then.__module__.startswith("explainer.kernel") and now.__module__ == "explainer.architectures.llama_like"
    assert model.attention in functions


# ---------------------------------------------------------------- the switches


def losses(made) -> list[float]:
    return [float(v) for v in re.findall(r'data-v="([\d.]+)"', made["switches"].html.split("clock-side")[1])][:2]


def test_every_choice_has_its_kept_run(made):
    assert "A kept run" in made["switches"].html
    for choice in ("1111", "0100", "1001", "0000"):
        ask(made, **{f"now_{name}": mark == "1" for name, mark in zip(runs.SWITCHES, choice, strict=True)})
        kept = runs.kept_run(choice, runs.SEED)[runs.STEPS]
        assert losses(made) == list(kept.held)
        weights, remembered = runs.size(choice)
        assert f"{weights:,} weights" in made["switches"].html and f"{remembered} bytes" in made["switches"].html
    assert losses(made)[0] == losses(made)[1] and "2017’s parts again" in made["switches"].html


def test_a_run_that_happens_goes_as_the_kept_one_and_a_switch_begins_another(made):
    ask(made, watch="parts", pause=True, upto=20)
    course = made["switches"]._course
    assert course.moments[20].held == pytest.approx(runs.kept_run("1111", 0)[20].held, rel=1e-4)
    assert [t.net.shape.norm for t in course.trainers] == ["layer", "rms"]
    ask(made, now_norm=False, upto=20)
    again = made["switches"]._course
    assert again is not course and [t.net.shape.norm for t in again.trainers] == ["layer", "layer"]
    assert again.moments[20].held[0] == course.moments[20].held[0], "2017's parts go the same way"
    ask(made, seed=3, upto=20)
    assert made["switches"]._course.moments[20].held[0] != course.moments[20].held[0]


def test_the_dots_of_one_change_at_a_time_are_the_runs(made):
    html = made["one-by-one"].html
    effects = [runs.effect(choice) for choice in (*runs.ALONE, runs.NOW)]
    assert len(re.findall(r'class="ring colour-query"', html)) == 5 * runs.SEEDS
    names = ["RMSNorm", "RoPE", "SwiGLU", "shared keys", "all four"]
    told = re.search(r"Beyond what another seed changes[^:]*: ([^.]*)\.", html)[1]
    assert told == (" and ".join(n for n, e in zip(names, effects, strict=True) if e.clear) or "none of them")


# ---------------------------------------------------------------- what holds without training


@pytest.mark.parametrize("choice", ["places", "norm", "share", "think"])
def test_each_exact_statement_has_its_drawing(made, choice):
    ask(made, exact=choice)
    html = made["without-training"].html
    assert ("After so many layers" in html) == (choice == "norm") and ("f-number" in html) == (choice == "think")
    if choice == "places":
        assert f'data-v="{max(exact.moved().turned)!r}"' in html
    if choice == "norm":
        before = html
        ask(made, floor=3)
        assert made["without-training"].html != before


# ---------------------------------------------------------------- what is said


def test_the_text_says_what_the_runs_gave():
    said = numbers_of("today")
    assert said["only_places"], "the guess about the switches has this answer"
    assert float(said["r_now"]) < float(said["r_then"]) - 0.3
    assert float(said["long_gap"]) < 0.15 < float(said["r_then"]) - float(said["r_now"]), "a head start"
    assert said["r_bytes_then"] == 3 * said["r_bytes_now"]

"""/in-context/ without a browser: the two answers are one, lines lie where they are, the text says what was found."""

from __future__ import annotations

import re
import time

import drawn
import numpy as np
import pytest

from explainer.live.regression import Prompts, half_squared
from pages import numbers_of
from pages.in_context.facts import fitting, learned, lines, rivals
from pages.in_context.page import PAGE
from pages.in_context.views import lines as view


@pytest.fixture
def made():
    return {c.name: c for c in PAGE.make()}


def ask(made, **values):
    made["link"].request = {**values, "#": time.perf_counter()}
    return made["link"]


# ---------------------------------------------------------------- the line


@pytest.mark.parametrize("number", range(6))
def test_attention_and_descent_answer_alike_for_any_points(number):
    x, y = lines.drawn(number)
    for eta, depth in ((0.1, 1), (1.0, 5), (1.9, 30), (3.0, 30)):
        found = lines.lines(x, y, 0.37, eta, depth)
        assert found.attention == pytest.approx(found.descent, rel=1e-9, abs=1e-12)
        size = np.maximum(1, np.abs(found.steps).max(axis=1, keepdims=True))
        assert (np.abs(np.array(found.layers) - found.steps) < 1e-12 * size).all()
        assert found.attention[0] == 0 and len(found.attention) == depth + 1


@pytest.mark.parametrize("number", range(6))
def test_below_the_limit_it_goes_to_least_squares_and_above_it_away(number):
    x, y = lines.drawn(number)
    limit = lines.lines(x, y, 0.0, 1.0, 1).limit

    def apart(eta: float, depth: int) -> float:
        found = lines.lines(x, y, 0.0, eta, depth)
        return float(np.abs(np.array(found.layers[-1]) - found.least).max())

    assert apart(0.98 * limit, 600) < 1e-3
    assert apart(1.02 * limit, 600) > 1e3 and apart(1.02 * limit, 300) > apart(1.02 * limit, 200)
    best = np.linalg.lstsq(np.column_stack([np.ones(6), x]), y, rcond=None)[0]
    assert lines.lines(x, y, 0.0, 1.0, 1).least == pytest.approx(best)


def test_the_parts_add_up_to_the_first_layers_answer():
    x, y = lines.drawn(2)
    parts = lines.parts(x, y, -0.3, 1.2)
    assert sum(p.part for p in parts) == pytest.approx(lines.lines(x, y, -0.3, 1.2, 1).attention[1], abs=1e-14)
    assert [p.value for p in parts] == list(y) and all(p.part == pytest.approx(p.weight * p.value) for p in parts)
    assert [p.weight for p in parts] == pytest.approx([1.2 * (1 - 0.3 * a) / 6 for a in x])


@pytest.mark.parametrize(
    "asked",
    [{}, {"depth": 7}, {"depth": 30, "eta": 2.5}, {"y1": 2, "y6": -2, "ask": -1}, {"draw": 5, "eta": 0.1}],
)
def test_points_and_lines_are_drawn_where_they_are(made, asked):
    state = ask(made, **asked)._state
    x, y = state.points()
    found = lines.lines(x, y, state.ask, float(state.eta), state.depth)
    svg = drawn.read(made["in-context"].html).all("svg", "lines-chart")[0]
    level = drawn.affine(drawn.ticks(svg), "axis")
    points = svg.all("circle", "example")
    assert [level(p.number("cy")) for p in points] == pytest.approx(list(y), abs=0.01)
    across = drawn.affine([(a, p.number("cx")) for a, p in zip(x, points, strict=True)], "x")
    for kind, (height, slope) in (("fit", found.layers[-1]), ("descent", found.steps[-1]), ("least", found.least)):
        for path in svg.all("path", kind):
            (x1, y1, x2, y2) = map(float, re.findall(r"-?[\d.]+", path.attrs["d"]))
            for at, up in ((x1, y1), (x2, y2)):
                assert level(up) == pytest.approx(height + slope * across(at), abs=0.03 + 0.01 * abs(slope)), kind
        inside = any(abs(height + slope * side) <= view.HIGH for side in (-1, 0, 1))
        assert bool(svg.all("path", kind)) or not inside, kind
    for dot in svg.all("circle", "answered"):
        assert level(dot.number("cy")) == pytest.approx(found.attention[-1], abs=0.01)
        assert across(dot.number("cx")) == pytest.approx(state.ask, abs=0.01)
    assert bool(svg.all("circle", "answered")) == (abs(found.attention[-1]) <= view.HIGH)
    sliders = drawn.read(made["in-context"].html).all("input", "upright")
    assert [float(e.attrs["value"]) for e in sliders] == list(y) and len({e.attrs["aria-label"] for e in sliders}) == 6


def test_other_points_forget_what_was_moved_and_a_link_keeps_it(made):
    link = ask(made, y3=-1.5, draw=3)
    assert link.values["y3"] == -1.5 and link._state.points()[1][2] == -1.5
    [(names, values)] = re.findall(r'data-set="(draw [^"]*)" value="([^"]*)"', made["in-context"].html)
    ask(made, **dict(zip(names.split(), values.split("\x1f"), strict=True)))
    assert link.values["draw"] == 4 and link._state.points() == lines.drawn(4)
    assert "y of point 3 cannot be" in ask(made, y3=9).messages["y3"].lower()


def test_too_large_a_step_is_said_to_be_and_only_then(made):
    limit = lines.lines(*lines.drawn(1), 0.6, 1.0, 1).limit
    ask(made, eta=1.95)
    assert "too large" not in made["in-context"].html and limit > 1.95
    ask(made, eta=2.0)
    assert "too large" in made["in-context"].html and limit < 2.0


# ---------------------------------------------------------------- learned


def test_the_kept_run_learned_the_step(made):
    run = learned.kept_run(learned.SEED)
    last, levels = run[learned.STEPS], learned.levels()
    assert levels.step < last.tests[0] < 1.05 * levels.step < 0.6 * levels.nothing
    assert last.diagonal == pytest.approx(learned.ETA, abs=0.1) and last.beside < 0.1
    assert run[0].tests[0] == pytest.approx(levels.nothing, rel=0.1)
    cells = drawn.read(made["learned-step"].html).all("table", "bare-map")
    shown = [[e.v for e in table.all("td") if e.v is not None] for table in cells]
    assert shown[0] == pytest.approx(last.matrix.ravel().tolist(), abs=1e-6)
    assert shown[1] == pytest.approx((learned.ETA * np.eye(10)).ravel().tolist())


def test_a_short_run_in_the_page_is_the_beginning_of_the_kept_one(made):
    ask(made, watch="learn", pause=True, upto=20)
    run = made["learned-step"]._course
    assert run.moments[20].tests == pytest.approx(learned.kept_run(learned.SEED)[20].tests, rel=1e-4)
    ask(made, watch="softmax", pause=True, upto=20)
    assert len(made["softmax-step"]._course.moments[20].tests) == 3


def test_the_best_single_step_is_exact():
    """Against a sample: another step size costs more, and the loss is what the formula says."""
    eta, loss, nothing = fitting.best_single_step(4, 7)
    x, y, right = Prompts(4, 7).draw(np.random.default_rng(0), 200_000)
    one = np.einsum("bd,bd->b", fitting.descent(x[:, :-1], y, 1.0, 1)[1], x[:, -1])
    cost = {size: half_squared(size * one - right) for size in (0.9 * eta, eta, 1.1 * eta)}
    assert min(cost, key=cost.__getitem__) == eta and cost[eta] == pytest.approx(loss, rel=0.02)
    assert half_squared(right) == pytest.approx(nothing, rel=0.02)


def test_ridge_is_the_best_that_one_can_do_with_noise():
    x, y, right = Prompts(6, 10, noise=0.7).draw(np.random.default_rng(1), 20_000)

    def cost(strength: float) -> float:
        return half_squared(np.einsum("bd,bd->b", fitting.ridge(x[:, :-1], y, strength), x[:, -1]) - right)

    assert cost(0.49) < min(cost(0.1), cost(2.0))
    found = rivals.rivals(1.0, 20, 0.5)
    assert found.ridge < found.least < found.nothing and found.ridge < min(found.steps)
    assert rivals.rivals(1.0, 20, 0.0).least < 1e-9


# ---------------------------------------------------------------- what is said


def test_the_text_says_what_was_found():
    said = numbers_of("in-context")
    number = {k: float(str(v).replace(",", "")) for k, v in said.items() if re.fullmatch(r"[\d,]*\.?\d*", str(v))}
    assert said["settles"] and number["overshoots"] > 2, "the guess about large steps has this answer"
    assert number["step"] < number["loss"] < 1.05 * number["step"] and number["seeds_high"] < 1.05 * number["step"]
    assert number["seeds_diagonal_low"] > 1.4 and number["seeds_diagonal_high"] < 1.6 and number["seeds_beside"] < 0.1
    assert said["soft_behind"] and number["soft_two"] < number["soft_one"]
    assert number["double"] > 3 and number["double_own"] == pytest.approx(0.5, abs=0.05)
    assert number["d_five"] < 0.5 and number["d_last"] > 100 and 0 < float(said["d_share"].split()[0]) < 10
    assert said["n_beats"] and number["n_ridge"] < number["n_last"] < number["n_least"] < number["n_one"]
    assert said["check_one"].endswith("e−16") and said["check_deep"].endswith(("e−15", "e−16"))

"""What the one picture tells, against the same arithmetic written again in numpy, from the weights on."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import random_params

from explainer.kernel.config import Config
from explainer.kernel.model import Model, forward
from explainer.kernel.sampling import generate
from explainer.models import lab
from explainer.studies import climb
from explainer.ui.parts import climb as picture
from pages.home.page import PAGE, HomeState

NAME = lab.tokens_of("A robot called Vi-do-zu. Good night, Vi-do")
TEXTS = [
    NAME,
    lab.tokens_of("Once there was a girl named Mia. One day, Mia"),
    lab.tokens_of("The cat sat on the"),
    lab.tokens_of(""),
]
DEEP = Config(n_layers=30, n_heads=2, d_model=16, d_head=8, d_mlp=24, n_vocab=lab.model().config.n_vocab, n_ctx=16)


def normed(x, w, b, eps):
    mean = x.mean(-1, keepdims=True)
    return (x - mean) / np.sqrt(((x - mean) ** 2).mean(-1, keepdims=True) + eps) * w + b


def pass_of(params, config, tokens, cut=None):
    """The forward pass in float64, one head after the other. cut: (first, last, query, key), that weight set to 0 and
    the rest of its row made to sum to 1 again. Returns (patterns [L, H, T, T], streams [L + 1, T, D], odds [T, V])."""
    p = {k: np.asarray(v, dtype=np.float64) for k, v in params.items()}
    n = len(tokens)
    x = p["embed.W_E"][list(tokens)] + p["pos_embed.W_pos"][:n]
    patterns, streams = [], [x]
    for layer in range(config.n_layers):
        at = {k.removeprefix(f"blocks.{layer}."): v for k, v in p.items() if k.startswith(f"blocks.{layer}.")}
        h = normed(x, at["ln1.w"], at["ln1.b"], config.eps)
        read, rows = at["attn.b_O"].copy(), []
        for head in range(config.n_heads):
            q, k, v = (h @ at[f"attn.W_{m}"][head] + at[f"attn.b_{m}"][head] for m in "QKV")
            weights = np.exp(q @ k.T / np.sqrt(config.d_head)) * np.tri(n)
            if cut and cut[0] <= layer <= cut[1]:
                weights[cut[2], cut[3]] = 0
            weights /= weights.sum(-1, keepdims=True)
            rows.append(weights)
            read = read + weights @ v @ at["attn.W_O"][head]
        patterns.append(rows)
        x = x + read
        h = normed(x, at["ln2.w"], at["ln2.b"], config.eps) @ at["mlp.W_in"] + at["mlp.b_in"]
        h = 0.5 * h * (1 + np.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * h**3)))
        x = x + h @ at["mlp.W_out"] + at["mlp.b_out"]
        streams.append(x)
    return np.array(patterns), np.array(streams), [odds_of(p, config, s) for s in streams]


def odds_of(p, config, x):
    z = normed(x, p["ln_final.w"], p["ln_final.b"], config.eps) @ p["unembed.W_U"] + p["unembed.b_U"]
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def told_of(text):
    return climb.climb(text, 0)


@pytest.fixture(scope="module")
def again():
    m = lab.model()
    return {text: pass_of(m.params, m.config, text) for text in TEXTS}


@pytest.mark.parametrize("text", TEXTS)
def test_an_arc_has_the_weight_of_the_strongest_head_and_none_is_forgotten(text, again):
    told, (patterns, _, _) = told_of(text), again[text]
    reached = way(told)
    for floor in told.floors:
        best = patterns[floor.first : floor.last + 1].reshape(-1, len(text), len(text)).max(0)
        for arc in floor.arcs:
            assert arc.floor == floor.number and 0 <= arc.key < arc.query < len(text)
            assert arc.weight == pytest.approx(best[arc.query, arc.key], abs=1e-5)
            assert patterns[arc.layer, arc.head, arc.query, arc.key] == pytest.approx(arc.weight, abs=1e-5)
        wanted = {
            (q, s)
            for q in range(len(text))
            for s in range(q)
            if best[q, s] >= (climb.DRAWN if reached.get(q, 0) >= floor.number else climb.FAINT)
        }
        assert {(a.query, a.key) for a in floor.arcs} == wanted


def way(told):
    """From the roof down: up to which floor the word comes through a column."""
    reached = {told.last: len(told.floors)}
    for floor in reversed(told.floors):
        for arc in floor.arcs:
            if arc.carries:
                assert reached.get(arc.query, 0) >= floor.number, "it hangs in the air"
                reached[arc.key] = max(reached.get(arc.key, 0), floor.number - 1)
    return reached


@pytest.mark.parametrize("text", TEXTS[:3])
def test_an_arc_carries_the_word_if_and_only_if_the_word_falls_without_it(text, again):
    told, (_, _, odds) = told_of(text), again[text]
    m = lab.model()
    chance = odds[-1][-1, told.word.token]
    assert told.word.chance == pytest.approx(chance, abs=1e-4)
    reached = way(told)
    tested = 0
    for arc in told.arcs:
        floor = told.floors[arc.floor - 1]
        if reached.get(arc.query, 0) < arc.floor:
            assert arc.without is None and not arc.carries
            continue
        _, _, cut = pass_of(m.params, m.config, text, (floor.first, floor.last, arc.query, arc.key))
        left = cut[-1][-1, told.word.token]
        assert arc.without == pytest.approx(left, abs=2e-4)
        if abs(left - 0.95 * chance) > 1e-3:
            assert arc.carries == (left < 0.95 * chance), arc
        tested += 1
    assert tested > 10 and told.carriers


def test_the_name_is_finished_by_two_lines_one_after_the_other():
    """The story of the start page is so: the mark of 'after do' is made on floor 3, and found on floor 4."""
    told = told_of(NAME)
    drawn = [(a.floor, a.query, a.key) for a in told.carriers if a.key > 0]
    assert drawn == [(4, 12, 6), (3, 6, 5)]
    assert told.word.text == "zu" and told.word.chance > 0.99
    assert told.carriers[0].without < 0.05


@pytest.mark.parametrize("text", TEXTS)
def test_changes_and_readings(text, again):
    told, (_, streams, odds) = told_of(text), again[text]
    for floor in told.floors:
        before, after = streams[floor.first], streams[floor.last + 1]
        expected = np.linalg.norm(after - before, axis=-1) / np.linalg.norm(before, axis=-1)
        assert floor.change == pytest.approx(expected, rel=1e-3)
        for column, read in enumerate(floor.read):
            row = odds[floor.last + 1][column]
            assert read.chance == pytest.approx(row.max(), abs=1e-4)
            assert row[read.token] == pytest.approx(row.max(), abs=1e-4)
            assert read.fits == (climb.fits(read.token, text[column]) and read.chance >= climb.SURE)
    assert told.floors[-1].read[-1].token == told.odds[0].token


def test_what_can_be_read_as_a_word():
    encode = lab.tokenizer().encode
    (was,), (zu,), (red,) = encode(" was"), encode("-zu"), encode(" red")
    stop, end = encode(".")[0], lab.tokenizer().end_id
    assert climb.fits(was, red) and climb.fits(red, stop) and climb.fits(zu, encode(" Vi")[0])
    assert not climb.fits(zu, stop) and climb.fits(stop, red) and climb.fits(end, stop), "a mark is a word, too"
    assert not climb.fits(encode("-")[0], red)
    assert not any(climb.fits(t, red) for t in encode("hat") if not lab.names_of((t,))[0].startswith("␣"))


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("seed", [0, 3])
def test_the_roof_has_the_odds_and_the_draw_of_the_loop(text, seed):
    m = lab.model()
    steps = generate(m, text, 3, rng=seed)
    tape = text
    for turn, step in enumerate(steps):
        if turn and steps[turn - 1].token == lab.tokenizer().end_id:
            break
        told = climb.climb(text, turn, seed)
        assert [c.token for c in told.columns] == list(tape) and told.turn == turn
        assert [c.written for c in told.columns] == [i >= len(text) for i in range(len(tape))]
        assert told.word.token == step.token
        assert sum(o.chance for o in told.odds) + told.rest == pytest.approx(1)
        assert [o.chance for o in told.odds] == pytest.approx([float(step.final[o.token]) for o in told.odds], abs=1e-4)
        listed = [o.chance for k, o in enumerate(told.odds) if k != told.said]
        assert listed == sorted(listed, reverse=True)
        assert told.at == pytest.approx((step.draw.u - step.draw.low) / (step.draw.high - step.draw.low), abs=1e-3)
        assert told.ended == (step.token == lab.tokenizer().end_id)
        tape = (*tape, step.token)


def test_after_the_end_there_is_no_turn():
    assert climb.turns(NAME, 40, 0) == 2 and climb.climb(NAME, 2).ended
    assert climb.turns(NAME, 1, 0) == 1
    with pytest.raises(ValueError, match="the text ends before turn 3"):
        climb.climb(NAME, 3)


def test_words_and_their_pieces():
    columns = climb.columns_of(NAME, len(NAME))
    assert [c.text for c in columns] == [
        *["start", "A", "robot", "called", "Vi", "do", "zu", ".", "Good", "night", ",", "Vi", "do"]
    ]
    assert [(c.begins, c.ends) for c in columns][3:8] == [(3, 4), (4, 7), (4, 7), (4, 7), (7, 8)]
    assert [(c.begins, c.ends) for c in columns][11:] == [(11, 13), (11, 13)]
    assert picture.word_of(columns, 5) == "Vi-<b>do</b>-zu" and picture.word_of(columns, 7) == "“<b>.</b>”"
    mia = climb.columns_of(lab.tokens_of("Mia has"), 9)
    assert [c.text for c in mia[1:3]] == ["M", "ia"] and picture.word_of(mia, 2) == "M<b>ia</b>"


# ---------------------------------------------------------------- many floors


@settings(max_examples=60)
@given(st.integers(1, 120), st.integers(1, 12), st.integers(1, 12))
def test_bundles_are_all_layers_in_order(n, most, opened):
    found = climb.bundles(n, most)
    assert len(found) == min(n, most)
    assert [layer for a, b in found for layer in range(a, b + 1)] == list(range(n))
    sizes = [b - a + 1 for a, b in found]
    assert max(sizes) - min(sizes) <= 1 and sizes == sorted(sizes, reverse=True)
    apart = climb.bundles(n, most, opened)
    assert [layer for a, b in apart for layer in range(a, b + 1)] == list(range(n))
    if opened <= len(found):
        first, last = found[opened - 1]
        assert all((layer, layer) in apart for layer in range(first, last + 1))
        assert len(apart) == len(found) + last - first


@pytest.fixture(scope="module")
def deep():
    return Model(DEEP, random_params(DEEP, 3), "thirty", {})


@pytest.mark.parametrize("opened", [None, 2])
def test_thirty_floors(deep, opened):
    tape = NAME[:9]
    told = climb.climbed(deep, tape, 47, opened=opened, tests=5)
    patterns, streams, odds = pass_of(deep.params, DEEP, tape)
    assert len(told.floors) == (6 if opened is None else 10)
    assert [(f.first, f.last) for f in told.floors] == list(climb.bundles(30, opened=opened))
    for floor in told.floors:
        best = patterns[floor.first : floor.last + 1].reshape(-1, 9, 9).max(0)
        assert all(floor.first <= a.layer <= floor.last for a in floor.arcs)
        assert [a.weight for a in floor.arcs] == pytest.approx([best[a.query, a.key] for a in floor.arcs], abs=1e-4)
        before, after = streams[floor.first], streams[floor.last + 1]
        expected = np.linalg.norm(after - before, axis=-1) / np.linalg.norm(before, axis=-1)
        assert floor.change == pytest.approx(expected, rel=2e-3)
    tested = [a for a in told.arcs if a.without is not None]
    assert len(tested) == 5
    for arc in tested:
        floor = told.floors[arc.floor - 1]
        _, _, cut = pass_of(deep.params, DEEP, tape, (floor.first, floor.last, arc.query, arc.key))
        assert arc.without == pytest.approx(cut[-1][-1, 47], rel=0.02)
    assert told.word.chance == pytest.approx(odds[-1][-1, 47], rel=0.01)
    for layout in picture.LAYOUTS:
        drawn = picture.Picture(told, layout, len(told.floors) + 1)
        ys = [drawn.y(f) for f in range(len(told.floors) + 1)]
        assert ys == sorted(ys, reverse=True) and drawn.layout.height(len(told.floors)) < 350
        assert str(drawn.draw()).count(" data-i=") == len(drawn.columns) * (len(told.floors) + 1)


# ---------------------------------------------------------------- inside


@pytest.mark.parametrize(("floor", "column"), list(itertools.product((1, 3, 4), (1, 6, 12))))
def test_inside_a_node(floor, column, again):
    m, told = lab.model(), told_of(NAME)
    patterns, streams, _ = again[NAME]
    for read in (None, 0, column):
        found = climb.inside(told, floor, column, read)
        assert found.layer == floor - 1 and found.read == (found.read if read is None else read)
        assert found.shares == pytest.approx(patterns[found.layer, found.head, column, : column + 1], abs=1e-5)
        strongest = patterns[found.layer, :, column, found.read].max()
        assert found.shares[found.read] == pytest.approx(strongest, abs=1e-5)
        assert sum(found.products) / m.config.d_head**0.5 == pytest.approx(found.score, abs=1e-3)
        trace = lab.trace(NAME)
        q, k = (trace[f"blocks.{found.layer}.attn.{x}"][:, found.head].astype(np.float64) for x in "qk")
        grown = np.exp(k[: column + 1] @ q[column] / np.sqrt(m.config.d_head))
        assert np.exp(found.score) / grown.sum() == pytest.approx(found.shares[found.read], abs=1e-4)
        came = np.linalg.norm(streams[found.layer][column])
        added = streams[found.layer + 1][column] - streams[found.layer][column]
        a, b = (trace[f"blocks.{found.layer}.{x}"][column] for x in ("attn_out", "mlp_out"))
        assert np.allclose(a + b, added, atol=1e-3)
        assert (found.attention, found.mlp) == pytest.approx(
            (np.linalg.norm(a) / came, np.linalg.norm(b) / came), rel=1e-3
        )
    assert climb.inside(told, 3, 6).read == 5, "of a node on the way it follows the line that carries"
    for bad in ((0, 3), (5, 3), (1, 13), (1, 3, 4)):
        with pytest.raises(ValueError, match="no node"):
            climb.inside(told, *bad)


def test_the_page_counts_places_as_python_does():
    """turnAndFloor and nextAt of build/web/crank.js."""
    script = Path(__file__).parents[2] / "build" / "web" / "crank.js"
    code = (
        f"import('{script.as_uri()}').then(({{ turnAndFloor, nextAt }}) => console.log(JSON.stringify("
        "[...Array(20).keys()].map((at) => [turnAndFloor(at, 6), nextAt(5, at, 6)]))))"
    )
    done = subprocess.run(["node", "-e", code], capture_output=True, text=True, check=True)
    state = HomeState()
    for place, (found, roof) in enumerate(json.loads(done.stdout)):
        assert found == list(map(int, state.at(place).split("\x1f")))
        assert roof == next(p for p in range(place + 1, 40) if state.at(p).endswith("\x1f5"))


# ---------------------------------------------------------------- floors, bundled or all


def test_with_thirty_layers_the_reader_chooses_how_many_floors_are_drawn(monkeypatch):
    """The page's own state and figure, over a model of 30 layers: a labelled control, six floors, then all thirty."""
    config = dataclasses.replace(DEEP, n_ctx=61)
    model = Model(config, random_params(config, 3), "thirty", {})
    monkeypatch.setattr(lab, "model", lambda name="thirty": model)
    monkeypatch.setattr(lab, "trace", lambda tokens, name="", interventions=(): forward(model.params, tokens, config))
    monkeypatch.setattr(HomeState.param.prompt, "default", "A deep box")  # a text that no cache has
    link, figure = PAGE.make("transformer")
    state = link._state
    label = re.search(r'<label for="([^"]+)">Floors drawn</label>', figure.html)
    assert label and re.search(rf'<select id="{label[1]}"[^>]*data-bind="floors"', figure.html)
    assert ">6 bundles<" in figure.html and ">all 30<" in figure.html
    assert (state.n_floors, state.roof) == (6, 7) and 'data-crank-floors="8"' in figure.html
    assert ">floors 26–30<" in figure.html
    link.request = {"floor": state.roof}
    link.request = {"floors": "all"}
    assert (state.n_floors, state.floor, state.drop) == (30, 31, 32), "the roof stays the roof"
    assert 'data-crank-floors="32"' in figure.html and 'data-pick="30.' in figure.html
    for layout in picture.LAYOUTS:
        drawn = picture.Picture(state.climb(), layout, state.floor)
        xs = drawn.places()
        dots = re.findall(r'<circle r="([\d.]+)"', str(drawn.draw()))
        assert max(map(float, dots)) < drawn.layout.rise(30) * 0.6, "dots of two floors do not cover each other"
        ys = re.findall(
            r'y="([\d.]+)" class="(?:name|number)">floor|y="([\d.]+)" class="number"', str(drawn.floor_lines(xs))
        )
        levels = sorted(float(a or b) for a, b in ys)
        assert len(levels) > 10 and all(b - a >= 12 for a, b in itertools.pairwise(levels))
    link.request = {"floors": "bundled", "#": 3}
    assert (state.n_floors, state.floor) == (6, 7)


def test_four_floors_need_no_control():
    assert "Floors drawn" not in PAGE.make("transformer")[1].html

"""The machine of /temperature/ without a browser: one ruler, one strip, one ball, and what they say.

That every mark lies where its number says is held for every page and state by tests/views/drawn.py (machines); here it
is which numbers these are.
"""

from __future__ import annotations

import html
import math
import re
from pathlib import Path

import drawn
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer import corpus
from explainer.corpus.examples import PROMPTS
from explainer.kernel import sampling
from explainer.kernel.temperature import total_variation
from explainer.models import lab
from explainer.studies import next_token
from explainer.ui.design import WORDS
from pages.temperature import page
from pages.temperature.facts import draws
from pages.temperature.facts import machine as facts
from pages.temperature.views import machine as view

FEW = facts.FEW
V = lab.tokenizer().n_vocab


@pytest.fixture
def made():
    return {c.name: c for c in page.PAGE.make()}


def ask(made, **values):
    made["link"].request = values
    return made["link"]._state


def svgs(made, slug="temperature"):
    return drawn.read(made[slug].html).all("svg", "machine")


def values(svg, kind, name="rect"):
    return [e.v for e in svg.all(name, kind)]


def lower(svg):
    """The beads on the divided ruler, the best first (it is drawn last)."""
    return svg.all("circle", "bead")[::-1][::2]


def told(prompt=page.PROMPT, t=0.5, seed=7, n=0, **cuts):
    state = page.PAGE.state()
    state.update_from({"prompt": prompt, "t": t, "seed": seed, "draws": n, **cuts})
    return facts.machine(state.look(), state.made(), state.all_tokens()), state


SETTINGS = [
    {},
    {"t": 0.1, "draws": 12},
    {"t": 0},
    {"t": "inf", "draws": 3},
    {"t": 3, "top_p": 0.7, "draws": 40},
    {"t": 10, "min_p": 0.5, "top_k": 20},
    {"t": 1, "top_k": 3},
    {"prompt": "Once there was a", "t": 2},
    {"prompt": "The stock market fell"},
    {"prompt": ""},
    {"prompt": PROMPTS["copy a name"][0], "t": 5},
]


@pytest.mark.parametrize("asked", SETTINGS, ids=str)
def test_both_drawings_say_the_numbers_of_the_model(made, asked):
    state = ask(made, **asked)
    look, order = state.look(), state.look().order
    for svg in svgs(made):
        few = order[:FEW]
        shares = [*look.final[few].tolist(), look.final[order[FEW:]].sum()]
        assert values(svg, "piece") == pytest.approx(shares, abs=1e-12)
        assert sum(values(svg, "piece")) == pytest.approx(1)
        behind = [e.v for e in svg.all("circle", "bead")][::-1]  # the best is drawn last
        logits = look.chain.logits[few]
        assert behind[1::2] == pytest.approx((logits[0] - logits).tolist())
        assert behind[::2] == pytest.approx((-look.chain.below[few]).tolist())
        assert [e.v for e in svg.all("path", "crowd")] == pytest.approx(
            [float(logits[0] - look.chain.logits[order[FEW]]), -float(look.chain.below[order[FEW]])]
        )
    assert [svg.classes[1] for svg in svgs(made)] == ["wide", "narrow"]


@pytest.mark.parametrize("asked", SETTINGS, ids=str)
def test_what_is_cut_is_the_end_of_the_strip_and_the_rest_is_stretched(made, asked):
    state = ask(made, **asked)
    look = state.look()
    machine = facts.machine(look, state.made(), state.all_tokens())
    kept = look.final > 0
    left = look.chain.probs[kept].sum()
    assert kept[look.order].tolist() == sorted(kept[look.order].tolist(), reverse=True)  # a cut saws off the end
    for part in machine.parts:
        assert part.kept == pytest.approx(part.final * left, abs=1e-12)
        if part.token is not None:
            assert part.is_cut == bool(look.chain.probs[part.token] > 0 and not kept[part.token])
    for svg in svgs(made):
        assert bool(values(svg, "before")) == machine.cut == bool(look.cuts)
        hatched = [e for e in svg.all("path", "sawn") if e.attrs["d"] != "M0 0"]
        gone = [p for p in machine.parts if p.share - p.kept > 0.01]
        assert len(hatched) >= len(gone) and bool(hatched) <= (left < 1)


def test_in_the_limits_all_is_the_best_or_all_is_alike(made):
    ask(made, t=0)
    for svg in svgs(made):
        assert values(svg, "piece") == [1, 0, 0, 0, 0, 0, 0]
        after = lower(svg)
        assert [e.v for e in after] == [0, *[math.inf] * 5] and ["gone" in e.classes for e in after] == [False] + [
            True
        ] * 5
    ask(made, t="inf")
    for svg in svgs(made):
        assert values(svg, "piece") == pytest.approx([*[1 / V] * FEW, 1 - FEW / V])
        assert {e.v for e in lower(svg)} == {0}
        assert "limit T → ∞" in svg.text


def test_tied_words_share_and_lie_on_one_another():
    logits = np.full(V, -9.0)
    logits[[5, 9]] = 2.0
    order = sampling.by_probability(logits)
    for t, each in ((0, 0.5), (1, 1 / (2 + (V - 2) * math.exp(-11)))):
        look = next_token.scored(lab.tokens_of(page.PROMPT), logits, order, t)
        machine = facts.machine(look, draws.first_draws(look.final, 1, 40, order), lab.tokens_of(page.PROMPT))
        assert [p.token for p in machine.parts[:2]] == [5, 9] and machine.parts[1].before == 0 == machine.parts[1].after
        assert [p.final for p in machine.parts[:2]] == pytest.approx([each, each])
        if t == 0:
            assert [p.drawn for p in machine.parts[2:]] == [0] * 5 and min(p.drawn for p in machine.parts[:2]) > 5
        drawn.check(view.drawings(machine))


@pytest.mark.parametrize("asked", [{"t": 0.5}, {"t": 4}, {"t": 2, "top_k": 3}, {"t": "inf"}, {"t": 0}], ids=str)
def test_the_ball_falls_on_the_word_that_is_named(made, asked):
    found = set()
    for n in range(1, 25):
        state = ask(made, draws=n, seed=11, **asked)
        last, look = state.made().last, state.look()
        assert last.u == np.random.default_rng(11).random(n)[-1]  # draw n of that seed
        before = look.order[: look.order.tolist().index(last.token)]
        assert look.final[before].sum() - 1e-12 <= last.u < look.final[before].sum() + look.final[last.token] + 1e-12
        words = html.unescape(re.search(r'class="says"[^>]*>(.*?)</p>', made["temperature"].html)[1])
        name = lab.tokenizer().display(last.token).removeprefix("␣")
        name = name if any(x.isalnum() for x in name) else f"“{name}”"
        assert f'Ball {n} of seed 11, at {last.u:.4f}, falls on <strong translate="no">{name}</strong>' in words
        rank = look.order.tolist().index(last.token)
        assert (f"one of the {V - FEW:,} others" in words) == (rank >= FEW)
        for svg in svgs(made):
            pieces = svg.all("rect", "piece")
            assert [i for i, e in enumerate(pieces) if "hit" in e.classes] == [min(rank, FEW)]
        found.add(last.token)
    assert len(found) > 1 or asked["t"] == 0


def test_a_mark_among_words_is_quoted(made):
    ask(made, prompt="The stock market fell", t=0, draws=1)
    assert 'falls on <strong translate="no">“:”</strong>.' in made["temperature"].html


def test_the_ball_stays_where_it_is_while_the_knob_turns(made):
    """One number, one place; its word goes towards the best as it gets colder, and never back."""
    places, ranks = set(), []
    for t in (0, 0.05, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 5, 10, "inf"):
        state = ask(made, draws=3, t=t)
        ball = svgs(made)[0].all("g", "ball")[0]
        places.add((ball.attrs["id"], ball.all("circle")[0].number("cx")))
        ranks.append(state.look().order.tolist().index(state.made().last.token))
    assert len(places) == 1 and ranks == sorted(ranks) and ranks[0] == 0 < ranks[-1]


def test_a_new_ball_is_a_new_mark(made):
    """So that the page lets it fall, and not the old one glide."""
    ids = set()
    for n in (1, 2, 3):
        ask(made, draws=n)
        ids |= {g.attrs["id"] for svg in svgs(made) for g in svg.all("g", "ball")}
    assert len(ids) == 6


def test_both_figures_draw_the_same(made):
    ask(made, draws=1234, t=1.3, seed=5)
    both = [svgs(made, slug)[0].all("g", "ball")[0].all("circle")[0].v for slug in ("temperature", "temperature-draws")]
    assert both[0] == both[1]
    body = made["temperature-draws"].html
    rows = re.findall(r'<tr class="word-.*?</tr>', body[body.index('data-figure="histogram"') :], re.S)
    counts = [float(re.findall(r'data-v="([^"]*)"', row)[-1]) for row in rows]
    assert values(svgs(made)[0], "drawn") == pytest.approx([count / 1234 for count in counts])


def test_the_truth_stands_below_where_there_is_one(made):
    truth = corpus.true_distribution(page.PROMPT, lab.tokenizer()).probs
    order = ask(made).look().order
    for svg in svgs(made):
        assert values(svg, "true") == pytest.approx([*truth[order[:FEW]], 1 - truth[order[:FEW]].sum()])
        assert "truth" in svg.text and "no truth" not in svg.text
    ask(made, prompt="The stock market fell")
    for svg in svgs(made):
        assert not svg.all("rect", "true") and "no truth here" in svg.text
    assert "none: the corpus never writes this text" in svgs(made, "temperature-draws")[0].text
    assert "From the truth" not in made["temperature-draws"].html


def test_a_text_of_one_token_is_drawn_like_any(made):
    state = ask(made, prompt="", draws=2, t=1)
    assert len(state.tokens()) == 1
    for svg in svgs(made):
        assert sum(values(svg, "piece")) == pytest.approx(1) and svg.all("g", "ball") and svg.all("rect", "true")


def test_many_seeds_are_many_seeds(made):
    state = ask(made, t=1, seed=2**32 - 3)
    look = state.look()
    found = facts.many(look, state.seed, state.all_tokens())
    assert [seed for seed, _ in found.seeds] == [*range(2**32 - 3, 2**32), *range(7)]
    together = np.zeros(V)
    for seed, shares in found.seeds:
        counts = draws.first_draws(look.final, seed, draws.EACH, look.order).counts
        assert shares[:FEW] == pytest.approx(counts[look.order[:FEW]] / draws.EACH)
        together += counts / found.n
    assert found.to_model == pytest.approx(total_variation(together, look.final)) and found.n == 1000
    assert found.expected / 3 < found.to_model < found.expected * 3
    svg = svgs(made, "temperature-draws")[0]
    assert values(svg, "of-together") == pytest.approx(found.together.tolist())
    assert np.mean([shares for _, shares in found.seeds], axis=0) == pytest.approx(found.together)
    whole = svg.all("rect", "piece")[0]
    wide = (whole.number("width") + 1) / whole.v
    drawn_as = {}  # height -> [(left end, width, word)]
    for i, path in enumerate(svg.all("path", "seeds")):
        for x, y, w in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v", path.attrs["d"]):
            drawn_as.setdefault(float(y), []).append((float(x), float(w), i))
    assert len(drawn_as) == draws.SEEDS
    for (_, shares), (_, row) in zip(found.seeds, sorted(drawn_as.items()), strict=True):
        assert [i for _, _, i in sorted(row)] == [i for i, share in enumerate(shares) if share]
        for x, w, i in row:
            assert x == pytest.approx(whole.number("x") + wide * shares[:i].sum(), abs=0.1)
            assert w == pytest.approx(max(wide * shares[i] - 1, 0.2), abs=0.1)
    assert f"<strong>{found.to_model:.3f}</strong> away from the strip" in made["temperature-draws"].html


# ---------------------------------------------------------------- names and colours


def test_a_word_that_names_a_colour_has_it_and_no_two_are_alike():
    encode = lab.tokenizer().encode
    red, blue, pink = (encode(word)[0] for word in (" red", " blue", " pink"))
    assert view.labels((red, blue, pink)) == (("red", "red"), ("blue", "blue"), ("pink", "pink"))
    for prompt, _ in PROMPTS.values():
        machine, _ = told(prompt)
        names = view.named(machine.parts)
        assert len({name for name, _ in names}) == len({word for _, word in names}) == FEW + 1
        assert {word.removeprefix("word-") for _, word in names} <= {*WORDS, "rest"}
        for part, (name, word) in zip(machine.parts[:FEW], names, strict=False):
            shown = lab.tokenizer().display(part.token).removeprefix("␣")
            assert shown not in WORDS or word == f"word-{shown}" or name != shown


def test_tokens_that_differ_by_a_space_alone_keep_their_mark():
    names = [lab.tokenizer().display(i) for i in range(V)]
    pair = next((names.index(n), names.index(f"␣{n}")) for n in names if f"␣{n}" in names)
    assert [name for name, _ in view.labels(pair)] == [names[i] for i in pair]


def test_a_beginning_of_a_word_is_said_to_be_one():
    machine, _ = told()
    names = [name for name, _ in view.named(machine.parts)]
    assert names[:5] == [n.removesuffix("…") for n in names[:5]] and names[5] == "b…"


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.floats(0, 300), st.integers(1, 12)), min_size=1, max_size=6),
    st.sampled_from(view.LAYOUTS),
)
def test_names_never_meet_and_stay_in_the_drawing(beads, layout):
    wanted = sorted(x for x, _ in beads)
    halves = [n * layout.letter / 2 + 5 for _, n in beads]
    found = view.spread(wanted, halves, 0, layout.width)
    assert len(found) <= len(wanted) and (len(found) == len(wanted) or 2 * sum(halves) > layout.width)
    for i, x in enumerate(found):
        assert x - halves[i] >= -0.01 and x + halves[i] <= layout.width + 0.01
        assert i == 0 or found[i - 1] + halves[i - 1] <= x - halves[i] + 0.01
    apart = all(b - a >= h + k for a, b, h, k in zip(wanted, wanted[1:], halves, halves[1:], strict=False))
    inside = wanted[0] >= halves[0] and wanted[-1] <= layout.width - halves[-1]
    assert not (apart and inside) or found == pytest.approx(wanted)


def test_nothing_that_is_written_on_a_stretch_is_wider_than_it():
    for t in (0.05, 0.5, 1, 4):
        for prompt in (page.PROMPT, PROMPTS["another free choice"][0], ""):
            machine, _ = told(prompt, t)
            for layout in view.LAYOUTS:
                svg = drawn.read(view.Drawing(machine, layout).svg())
                for piece, name in zip(svg.all("rect", "piece"), svg.all("text", "piece-name"), strict=True):
                    assert len(name.text) * layout.letter < piece.number("width") or not name.text


def test_ribbons_keep_their_order():
    """Both edges of each bend alike: of two neighbours the left one stays left, from the beads down to the strip."""
    for t in (0.1, 0.5, 2, 10):
        machine, _ = told(t=t)
        for layout in view.LAYOUTS:
            svg = drawn.read(view.Drawing(machine, layout).svg())
            ribbons = [list(map(float, re.findall(r"-?[\d.]+", e.attrs["d"]))) for e in svg.all("path", "ribbon")]
            for r, piece in zip(ribbons, svg.all("rect", "piece"), strict=True):
                feet = (piece.number("x"), piece.number("x") + piece.v * layout.wide)
                assert (r[6], r[8]) == pytest.approx(feet, abs=0.1) and r[0] <= r[-2]  # no ribbon is twisted
            middles = [((r[0] + r[-2]) / 2, (r[6] + r[8]) / 2) for r in ribbons]
            assert middles == sorted(middles) and [b for _, b in middles] == sorted(b for _, b in middles)


def test_the_least_loss_is_said_of_the_temperatures_tried():
    from explainer.studies.forecast import GRID, held_out
    from pages import numbers_of
    from pages.temperature.numbers import as_good

    said, text = numbers_of("temperature"), held_out()
    assert (said["tried"], said["step"]) == (len(GRID), "21 %")
    assert min(GRID, key=lambda t: text.at(t)[0]) == float(said["best_t"])
    low, high = as_good(text)
    least = min(text.at(k / 1000)[0] for k in range(500, 2000))
    for t in np.linspace(low, high, 40):
        assert text.at(float(t))[0] <= least + 0.00101
    assert text.at(low - 0.01)[0] > least + 0.001 < text.at(high + 0.01)[0]
    raw = Path(page.__file__).with_name("text.md").read_text(encoding="utf-8")
    sentences = re.findall(r"[^.:\n]*loss[^.\n]*is least at[^.\n]*", raw)
    assert sentences and all("tried" in s or "among them" in s or "each {{ step }} above" in s for s in sentences)

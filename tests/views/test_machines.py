"""/machines/: weights written by hand do what they are said to do, and only those weights."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from asking import ask, documents
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.architectures.hand_made import HandMadeConfig
from explainer.kernel import explain, gradients
from explainer.kernel.model import Model
from pages import numbers_of
from pages.machines.facts import adding, addressing, automata, by_hand, turing
from pages.machines.facts.automata import READS, ROWS, RULES, WIDTH
from pages.machines.page import PAGE

few = settings(max_examples=25, deadline=None)
words = st.text("01", min_size=1, max_size=turing.LONGEST)


@pytest.fixture
def made():
    return documents(PAGE)


# ---------------------------------------------------------------- the architecture


def tiny(seed=0, layers=2):
    config = HandMadeConfig(layers, 2, 6, 4, 5, 7, 12)
    rng = np.random.default_rng(seed)
    return Model(config, {n: rng.normal(0, 0.5, s) for n, s in config.parameter_shapes.items()})


def test_a_pass_is_what_its_formulas_say_number_by_number():
    model, tokens = tiny(layers=1), [3, 1, 4, 1, 5]
    p = {name.rpartition("blocks.0.")[2]: w for name, w in model.params.items()}
    x = [p["embed.W_E"][t] for t in tokens]
    mid = []
    for t in range(len(tokens)):
        out = x[t].copy()
        for h in range(2):
            q = x[t] @ p["attn.W_Q"][h]
            scores = [q @ (x[s] @ p["attn.W_K"][h]) / 2 + p["attn.bias"][h][t - s] for s in range(t + 1)]
            grown = [np.exp(s - max(scores)) for s in scores]
            read = sum(g / sum(grown) * (x[s] @ p["attn.W_V"][h]) for s, g in enumerate(grown))
            out += read @ p["attn.W_O"][h]
        mid.append(out)
    last = [m + np.array([max(v, 0) for v in m @ p["mlp.W_in"]]) @ p["mlp.W_out"] for m in mid]
    np.testing.assert_allclose(model.forward(tokens)["logits"], np.array(last) @ p["unembed.W_U"], rtol=1e-12)


def test_its_gradients_are_the_slopes_of_its_loss():
    model, tokens, h = tiny(1), [3, 1, 4, 1, 5], 1e-6
    grads = gradients.backward(model.forward(tokens), model.params)
    rng = np.random.default_rng(2)
    for name, weight in model.params.items():
        for _ in range(4):
            at = tuple(int(rng.integers(n)) for n in weight.shape)
            losses = []
            for step in (h, -h):
                moved = weight.copy()
                moved[at] += step
                losses.append(gradients.next_token_loss(model.__class__(
                    model.config, {**model.params, name: moved}).forward(tokens)))  # fmt: skip
            assert grads.weights[name][at] == pytest.approx((losses[0] - losses[1]) / (2 * h), abs=1e-6), (name, at)


def test_every_number_of_a_pass_can_be_explained():
    model = tiny()
    trace = model.forward([3, 1, 4, 1, 5])
    for key in trace:
        for index in np.ndindex(*(min(n, 3) for n in trace[key].shape)):
            told = explain.explain(trace, model.params, key, index)
            if np.isfinite(told.value):
                made = explain.OPERATIONS[told.operation]([term.value for term in told.terms])
                assert explain.close(made, told.value), told


def test_the_cache_changes_nothing():
    model, tokens = tiny(), [3, 1, 4, 1, 5]
    text = list(tokens)
    for _ in range(5):
        text.append(int(model.forward(text)["logits"][-1].argmax()))
    assert by_hand.token_by_token(model, tokens, 5) == text[5:]


@pytest.mark.parametrize("seed", range(4))
def test_guessing_writes_what_token_by_token_writes(seed):
    """Also where nothing makes the guesses good: a model of random weights, whose every distance counts."""
    model = automata.random_model((4, 32, 51, 55)[seed])
    prompt = automata.first_row("random", seed)
    text, streams = by_hand.by_guessing(model, prompt, 90, READS, WIDTH)
    slow = list(prompt)
    for _ in range(90):
        slow.append(int(model.forward(slow[-READS:])["logits"][-1].argmax()))
    assert text == slow[READS:] and len(streams) == 90


def test_a_slip_in_writing_a_weight_is_said():
    config = automata.machine(110).model.config
    for entries in ({"embed.W_U": {}}, {"embed.W_E": {("2", 0): 1.0}}):
        with pytest.raises(ValueError, match=r"no weight embed\.W_U|has no '2'"):
            by_hand.written(config, {"V": ("0", "1")}, entries, "any")


# ---------------------------------------------------------------- rule N


def next_cell(rule, a, b, c):
    return int(format(rule, "08b")[7 - int(f"{a}{b}{c}", 2)])


@pytest.mark.parametrize("low", range(0, RULES, 32))
def test_every_rule_is_its_automaton(low):
    for rule in range(low, low + 32):
        run = automata.run(rule, "random", rule, 2)
        text = [*automata.first_row("random", rule), *run.rows[1:].ravel().tolist()]
        for at in range(READS, len(text)):
            a, b, c = text[at - WIDTH - 1 : at - WIDTH + 2]
            assert text[at] == next_cell(rule, a, b, c), (rule, at)
        assert run.wrong == 0 and run.largest < 1e-5


def test_what_is_counted_as_wrong_is_wrong(monkeypatch):
    """Another rule's weights, held against this rule: the figure says how many cells differ."""
    automata.run.cache_clear()
    monkeypatch.setattr(automata, "eight_numbers", lambda rule: (0, 1, 0, -1, 1, 0, 0, -1))
    automata.machine.cache_clear()
    run = automata.run(30, "random", 1, 2)
    automata.machine.cache_clear()
    automata.run.cache_clear()
    assert run.wrong > 10 and run.largest > 0.5


def test_two_rules_differ_in_the_eight_numbers_alone():
    one, other = automata.machine(110).model.params, automata.machine(30).model.params
    assert [name for name in one if not np.array_equal(one[name], other[name])] == ["blocks.0.mlp.W_out"]
    assert len({automata.eight_numbers(rule) for rule in range(RULES)}) == RULES


def test_the_four_are_one_rule_mirrored_and_exchanged():
    def mirrored(rule):
        return sum(((rule >> int(f"{k:03b}"[::-1], 2)) & 1) << k for k in range(8))

    def exchanged(rule):
        return sum((1 - ((rule >> (7 - k)) & 1)) << k for k in range(8))

    assert {110, mirrored(110), exchanged(110), exchanged(mirrored(110))} == set(automata.UNIVERSAL)


def test_the_stripes_come_back_and_close_around_the_ring():
    prompt = automata.stripes()
    rows = automata.rows_of(prompt, automata.exact(110, prompt, 21 * WIDTH))
    assert (rows[0] == rows[7]).all() and (rows[0] == rows[14]).all()
    for row, below in itertools.pairwise(rows):
        assert (row[4:] == below[:-4]).all()


@pytest.mark.parametrize("seed", range(3))
def test_one_wrong_cell_changes_what_is_tinted(made, seed):
    changed = automata.changed(110, seed)
    assert changed[0].sum() == 1 and (seed or changed[-1].any()), "some die out, the first does not"
    assert (automata.run(110, "stripes", seed).rows[0] != automata.rows_of(automata.stripes(), [])[0]).sum() == 1
    for row, below in itertools.pairwise(changed):  # nothing goes faster than a cell a row, around the ring too
        near = {(x + d) % WIDTH for x in np.flatnonzero(row) for d in (-1, 0, 1)}
        assert {int(x) for x in np.flatnonzero(below)} <= near | {0, 1, WIDTH - 1}
    ask(made, start="stripes", seed=seed)
    assert 'class="marked"' in made["automaton"].html


def test_a_press_changes_one_outcome_and_the_picture(made):
    before = made["automaton"].html
    buttons = re.findall(r'data-set="rule" value="(\d+)" aria-pressed="(\w+)"', before)
    assert [int(value) ^ 110 for value, _ in buttons] == [128, 64, 32, 16, 8, 4, 2, 1]
    assert [pressed for _, pressed in buttons] == ["true" if bit == "1" else "false" for bit in f"{110:08b}"]
    ask(made, rule=buttons[0][0])
    assert "Rule 238" in made["automaton"].html and "none is wrong" in made["automaton"].html
    assert drawn_cells(made["automaton"].html) != drawn_cells(before)


def drawn_cells(html):
    """The squares of the first picture: {(row, column)}."""
    svg = re.search(r'<svg viewBox="0 0 60 \d+".*?</svg>', html)[0]
    strips = re.findall(r"M(\d+) (\d+)h(\d+)v1", svg)
    return {(int(y), int(x) + k) for x, y, n in strips for k in range(int(n))}


def test_the_picture_is_the_run(made):
    ask(made, rule=30, start="random", seed=5)
    rows = automata.run(30, "random", 5).rows
    assert drawn_cells(made["automaton"].html) == {(int(y), int(x)) for y, x in zip(*np.nonzero(rows), strict=True)}
    assert rows.shape == (ROWS + 1, WIDTH)


@pytest.mark.parametrize(("rows", "kind"), [
    (np.ones((6, WIDTH)), "one colour"),
    (np.indices((6, WIDTH))[1] % 2, "stripes"),
    (np.random.default_rng(0).integers(0, 2, (6, WIDTH)), "something else"),
])  # fmt: skip
def test_kinds_of_pictures(rows, kind):
    assert automata.kind_of(rows) == kind


# ---------------------------------------------------------------- the Turing machine


@few
@given(words, st.sampled_from(["palindrome", "increment"]))
def test_the_text_says_what_the_machine_does(word, name):
    """Against a simulator of its table; and what it decides, against plain Python."""
    log = turing.log(name, word)
    assert list(log.moments) == turing.simulated(turing.PROGRAMS[name], word, turing.MOST_STEPS)
    assert turing.steps(name, word) == log.steps
    end = log.moments[-1]
    if name == "palindrome":
        assert end.state == ("yes" if word == word[::-1] else "no")
    else:
        left = "".join(end.tape[k] for k in sorted(end.tape)).strip(turing.BLANK)
        assert int(left, 2) == int(word, 2) + 1
    assert turing.agrees(name, word), "one pass over the text says the same"


def test_the_busiest_of_four_states():
    log = turing.log("beaver", "")
    assert list(log.moments) == turing.simulated(turing.BEAVER, "", turing.MOST_STEPS) and log.stopped
    assert log.steps == 107 and sum(s == "1" for s in log.moments[-1].tape.values()) == 13


def test_the_second_head_is_the_same_in_all_machines():
    for weight in ("attn.W_Q", "attn.W_K", "attn.bias", "attn.W_V", "attn.W_O"):
        one, *others = (turing.ready(name).nonzero(f"blocks.1.{weight}") for name in turing.PROGRAMS)
        assert one and all(other == one for other in others)


def test_no_number_of_it_is_idle():
    """Each number of its heads and its MLP, taken out by itself, and it no longer does what it did."""
    machine = turing.ready("palindrome")
    counted = sum(len(machine.nonzero(w)) for w in machine.model.params if "attn.W" in w or "mlp" in w)
    assert turing.taken_out("palindrome") == (counted, 0)
    assert all(turing.agrees("palindrome", word) for word in turing.WORDS)


def same(machine, model, word):
    log = turing.log("palindrome", word)
    tokens = [machine.token(t) for t in log.tokens]
    said = model.forward(tokens)["logits"].argmax(axis=-1).tolist()
    return said[log.given - 1 : -1] == tokens[log.given :]


def test_without_its_slope_it_reads_old_actions_too():
    flat = turing.machine("palindrome", slope=0.0)
    assert not all(same(flat, flat.model, word) for word in ("101", "1001", "0110"))


@pytest.mark.parametrize("step", range(0, 16, 3))
def test_the_figure_shows_what_was_read(made, step):
    ask(made, step=step)
    html, log = made["turing-machine"].html, turing.log("palindrome", "1001")
    now = log.moments[step]
    assert f"The head is at cell {now.head}, in state {now.state}." in html
    if step < log.steps:
        opened = re.findall(r'<td class="open"[^>]*>([^<]*)<', html)
        assert opened == [log.tokens[log.given + 2 * step]] and f"state {now.state}, cell {now.head}" in html
        seen = turing.looked("palindrome", log.tokens[: log.length(step)])
        (state_at, _), (symbol_at, share) = seen.reads
        assert state_at == log.length(step) - 2 and share > 0.999
        assert log.tokens[symbol_at - 1] == f"cell {now.head}" or log.tokens[symbol_at] == "#"
        assert not {f"cell {now.head}"} & set(log.tokens[symbol_at + 1 : log.length(step) - 1])


def test_what_cannot_be_on_the_tape_is_said_in_words(made):
    for word, says in (("12", "0 and 1 only"), ("", "at least one"), ("0" * 9, "At most 8")):
        assert says in ask(made, word=word).messages["word"]
        assert made["link"].values["word"] == "1001"
    ask(made, word="1 0 1")
    assert made["link"].values["word"] == "101" and made["link"].values["step"] == 0
    ask(made, step=99)
    assert "showing step" in made["link"].messages["step"] and "Stopped after" in made["turing-machine"].html


# ---------------------------------------------------------------- where numbers end


def test_addresses_end_where_a_square_needs_one_digit_more(made):
    first = addressing.first_lost(addressing.SEARCHED)
    assert first == 2 ** (addressing.BITS // 2) == 4096
    assert dict(addressing.around(first - 1))[first - 1] == 1.0
    assert dict(addressing.around(first))[first] == 0.5
    assert int(np.float32((first + 1) ** 2)) != (first + 1) ** 2 and int(np.float32(first**2)) == first**2
    ask(made, cell=first)
    assert f"It cannot tell cell {first:,}" in made["addressing"].html
    ask(made, cell=first - 1)
    assert "It reads what was written" in made["addressing"].html


def test_an_old_action_loses_when_the_slope_outweighs_a_cell():
    assert addressing.forgotten(4000) == turing.SHARP / turing.SLOPE + 1 > turing.CONTEXT


@few
@given(st.integers(0, 9999), st.integers(0, 9999))
def test_four_digits_are_added_in_one_pass(a, b):
    assert adding.value(adding.add(a, b, 4).said) == a + b


def test_the_fifth_digit_is_too_many(made):
    assert adding.add(90_000, 9_999, 5).said != adding.add(90_000, 9_999, 5).right
    ask(made, a=90_000, b=9_999)
    assert "is 99,999; it says" in made["adding"].html and 'class="wrong"' in made["adding"].html
    ask(made, a=9_999, b=1)
    assert "9,999 + 1 = 10,000: right" in made["adding"].html


# ---------------------------------------------------------------- every weight, and what is said


def test_every_weight_can_be_looked_at(made):
    for whose in ("rule", "turing", "adding"):
        for weight in PAGE.state.param.matrix.objects:
            ask(made, made=whose, matrix=weight)
            assert "<table" in made["weights"].html
    ask(made, made="rule", matrix="blocks.0.mlp.W_out", rule=30)
    cells = [float(v) for v in re.findall(r'data-v="([^"]+)"', made["weights"].html)]
    assert cells == [float(w) for w in automata.eight_numbers(30) if w]


def test_the_text_says_what_was_counted():
    said = numbers_of("machines")
    assert said["all_right"] and said["words_right"]
    assert said["one_colour"] + said["stripes"] + said["more"] == said["random"]
    assert said["one_colour"] > said["more"], "the text says that random weights write little"
    assert said["sum_sure"] == 4 and said["sum_random"] == "all"
    assert said["lost"] == "4,096" and said["beaver_steps"] == 107


def test_a_link_opens_what_was_shown(made):
    """Another machine begins at its start, which no address needs to say."""
    ask(made, program="increment", step=3)
    said = {n: v for n, v in made["link"].values.items() if v != PAGE.state.param[n].default}
    fresh, *_ = PAGE.make()
    fresh.request = said
    assert fresh.values == made["link"].values and fresh.values["step"] == 3
    ask(made, program="palindrome")
    assert made["link"].values["step"] == PAGE.state.param.step.default == 0

"""The tools of the site on weights that a person wrote: an ordinary checkpoint, the same steps, grid and lens."""

from __future__ import annotations

import re

import numpy as np
import pytest
from asking import ask, documents
from drawn import check
from safetensors.numpy import save

from explainer.architectures.hand_made import HandMadeConfig
from explainer.kernel import checkpoint, heads, model
from explainer.kernel.config import Config
from explainer.kernel.model import Model
from explainer.kernel.ops import softmax
from explainer.kernel.paths import Node
from explainer.models import copier, lab
from explainer.studies import climb, influence
from explainer.ui.parts.grid import node_name
from explainer.ui.parts.steps import TITLES
from pages import numbers_of
from pages.machines.facts import adding, automata, inside, turing
from pages.machines.page import PAGE

KINDS = list(inside.OF)


@pytest.fixture
def made():
    return documents(PAGE)


def first(kind):
    return inside.of(kind, inside.FIRST)


def cells(html, figure):
    """The numbers of a figure's table, row by row, under the names of the rows."""
    part = html.split(f'data-figure="{figure}"')[1].split("</figure>")[0]
    rows = re.findall(r'<tr[^>]*><th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', part)
    return {
        re.sub("<[^>]+>", "", name): [float(v) for v in re.findall(r"data-v=([-\d.e]+)", row)] for name, row in rows
    }


# ---------------------------------------------------------------- an ordinary checkpoint


@pytest.mark.parametrize(("config_of", "made_by"), [
    (HandMadeConfig, automata.machine(110)),
    (HandMadeConfig, turing.ready("palindrome")),
    (HandMadeConfig, adding.machine()),
    (Config, copier.model()),
])  # fmt: skip
def test_written_weights_are_saved_and_read_like_trained_ones(config_of, made_by):
    """To the bytes of a safetensors file and back, by the function that reads the storyteller's: the same pass."""
    written = made_by if isinstance(made_by, Model) else made_by.model
    data = save(dict(written.params), metadata=written.config.to_metadata())
    tensors, metadata = checkpoint.read_safetensors(data)
    config = config_of.from_metadata(metadata)
    read = Model(config, checkpoint.checked_params(tensors, config))
    assert config == written.config
    tokens = [1, 0, 1, 1, 0, 1]
    before, after = written.forward(tokens), read.forward(tokens)
    assert list(before) == list(after)
    for key in before:
        np.testing.assert_array_equal(before[key], after[key], err_msg=key)


# ---------------------------------------------------------------- the tools


@pytest.mark.parametrize("kind", KINDS)
def test_the_lens_ends_in_what_the_loop_writes(kind):
    there = first(kind)
    found, trace = inside.answers(there), there.trace
    assert found.says.shape == (2 * trace.config.n_layers + 1, len(there.tokens))
    for t in range(max(there.asked, there.given - 1), len(there.tokens) - 1):
        assert found.says[-1, t] == there.tokens[t + 1], "what the machine wrote"
    for t in range(there.asked, len(there.tokens)):
        assert found.chance[-1, t] == pytest.approx(softmax(trace["logits"][t].astype(float)).max())


def test_each_answer_is_written_in_one_place_and_where_the_text_says():
    for kind, place in (("rule", "mlp 0"), ("adding", "attention 0"), ("copier", "attention 1")):
        there = first(kind)
        found = inside.answers(there)
        places = {found.written(there.trace, t) for t in range(there.asked, len(there.tokens))}
        assert places - {()} == {(place,)}, kind
    there = first("turing")
    found = inside.answers(there)
    for t in range(there.asked, len(there.tokens)):
        behind_a_cell = there.names[t].startswith("cell")
        assert found.written(there.trace, t) == (("mlp 1",) if behind_a_cell else ("attention 0",))


def test_a_wiring_without_a_last_norm_has_a_lens_and_a_direct_path():
    made_by = turing.ready("palindrome")
    trace = made_by.model.forward(first("turing").tokens)
    rows = model.logit_lens(trace, made_by.model.params, sublayers=True)
    np.testing.assert_array_equal(rows[-1], trace["logits"])
    token = int(trace["logits"][6].argmax())
    parts = model.direct_logit_contributions(trace, made_by.model.params, 6, token)
    assert sum(p.value for p in parts) == pytest.approx(float(trace["logits"][6, token]))
    assert [p.name for p in parts if p.value] == ["mlp 1"]


@pytest.mark.parametrize("kind", KINDS)
def test_arrows_are_what_was_read_and_no_more(kind):
    there = first(kind)
    graph, shares = inside.paths(there)
    sideways = {e for e in graph.edges if e.kind == "attention"}
    assert sideways == set(shares)
    for layer in range(there.trace.config.n_layers):
        pattern = there.trace[f"blocks.{layer}.attn.pattern"].max(axis=0)
        drawn = {(e.target.position, e.source.position) for e in sideways if e.source.level == 2 * layer}
        t = np.arange(len(there.tokens))
        wanted = np.argwhere((pattern >= inside.LEAST) & (t[:, None] > t))
        assert drawn == {(int(a), int(b)) for a, b in wanted}
    cones = influence.cones_of(graph)
    top = Node(graph.levels - 1, len(there.tokens) - 1)
    reads = cones.reads[cones.index(*top)]
    assert {n for n in graph.nodes if reads >> cones.index(*n) & 1} == graph.reads(top)


def test_arrows_are_those_of_the_head_that_reads_most_in_a_trained_model_too():
    trace = lab.trace(lab.tokens_of("Mia has a red ball."))
    n, least = len(trace.tokens), 0.1
    _, shares = influence.read_grid(trace, least)
    for layer in range(trace.config.n_layers):
        most = trace[f"blocks.{layer}.attn.pattern"].max(axis=0)
        found = {(e.target.position, e.source.position): w for e, w in shares.items() if e.source.level == 2 * layer}
        assert found == {(t, s): most[t, s] for t in range(n) for s in range(t) if most[t, s] >= least}


def test_the_second_head_finds_who_came_after(made):
    """The circuit in the grid of the copier: the second x reads what stood behind the first, and that read the x."""
    there = first("copier")
    _, shares = inside.paths(there)
    best = {(e.source.level, e.target.position): e.source.position for e, w in shares.items() if w > 0.9}
    assert best[2, 6] == 3 and best[0, 3] == 2 and there.names[2] == there.names[6] == "x"
    ask(made, inside="copier")
    assert "it says" in made["inside"].html and ">j<" in made["inside"].html.split("it says")[1][:80]


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_are_the_steps_of_the_storyteller(made, kind):
    ask(made, inside=kind)
    html = made["inside-steps"].html
    names = re.findall(r'<span class="n">\d+</span> ([^<]+)</button>', html)
    own = {"LayerNorm": "No LayerNorm", "Scale": "Scale, distance"} if kind != "copier" else {}
    assert names == [*(own.get(title, title) for title in TITLES), "MLP"]
    assert "learned" not in html and "trained" not in html, "nobody trained it"
    assert ("ALiBi" in html) == (kind in ("adding", "turing"))
    check(html)
    check(made["inside"].html)


@pytest.mark.parametrize("kind", KINDS)
def test_the_numbers_of_a_step_are_the_traces(made, kind):
    ask(made, inside=kind)
    there = first(kind)
    t, layer = made["inside"].state.looked_at, made["inside"].state.layer
    trace, called = there.trace, there.called["D"]
    shown = cells(made["inside-steps"].html, "resid-mid")
    assert shown, "a head of these machines writes something at the column that is looked at first"
    for name, numbers in shown.items():
        i = called.index(name)
        wanted = [trace[f"blocks.{layer}.{key}"][t, i] for key in ("resid_pre", "attn_out", "resid_mid")]
        np.testing.assert_array_equal(np.float32(numbers), np.float32(wanted))
    moved = np.flatnonzero(np.any([trace[f"blocks.{layer}.{k}"][t] for k in ("resid_pre", "resid_mid")], axis=0))
    assert set(shown) == {called[i] for i in moved}


def test_a_number_says_how_it_was_made(made):
    ask(made, inside="rule", column=7)
    ask(made, ask="inside-steps|blocks.0.attn.z|7,0,0")
    told = made["inside-steps"].told
    there = first("rule")
    assert told["asked"] == "inside-steps|blocks.0.attn.z|7,0,0" and told["story"]
    value = float(told["story"].rsplit("= ", 1)[1].split(" ")[0].replace("−", "-"))
    assert value == pytest.approx(float(there.trace["blocks.0.attn.z"][7, 0, 0]), rel=5e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_picture_and_the_scores_take_them_too(kind):
    """The one picture of the start page, and the table of heads, on the bench of a machine made by hand."""
    there = first(kind)
    with lab.using(there.bench):
        m = lab.model()
        token = int(m.forward(there.tokens)["logits"][-1].argmax())
        told = climb.climbed(m, there.tokens, token)
        assert len(told.floors) == m.config.n_layers and told.word.token == token
        if kind == "copier":  # the second v reads what stood behind the first, and without that its answer is gone
            assert (1, 8, 5) in {(arc.layer, arc.query, arc.key) for arc in told.carriers}
        tally = heads.Tally(m.config)
        tally.add(there.trace, heads.MEASURED, first=1)
    first_head = tally.scores().scores["previous_token"][0, 0]
    assert first_head > 0.99 if kind in ("turing", "copier") else first_head < 0.5


# ---------------------------------------------------------------- the figures


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_and_layer_of_it_can_be_looked_at(made, kind):
    columns, layers, at = inside.extent(kind, inside.FIRST)
    there = first(kind)
    assert columns == len(there.tokens) and layers == there.trace.config.n_layers
    link = ask(made, inside=kind)
    assert link.values["column"] is None and link.shown["column"] == at, "where there is something to see"
    for column in range(columns):
        link = ask(made, column=column, layer=column % layers)
        assert not link.messages
        assert 'aria-pressed="true"' in made["inside"].html
        graph, _ = inside.paths(there)
        name = node_name(graph, Node(graph.levels - 1, column))
        assert re.search(rf'aria-label="{name}, [^"]*" aria-pressed="true"', made["inside"].html), name
    assert "no column" in str(ask(made, column=99).messages)


def test_a_short_run_has_the_columns_that_are_said():
    for program in turing.PROGRAMS:
        for word in ("0", "1", "00", "01", "10", "11"):
            given = {**inside.FIRST, "program": program, "symbols": word}
            assert inside.extent("turing", given)[0] == len(inside.of("turing", given).tokens), (program, word)


def test_the_rows_are_the_rules():
    for number in (30, 90, 110, 184):
        there = inside.rule(number, "011010")
        assert list(there.tokens[6:]) == automata.exact(number, (0, 1, 1, 0, 1, 0), 5, inside.CELLS)


@pytest.mark.parametrize(("values", "says"), [
    ({"inside": "rule", "cells": "01"}, "6 cells"),
    ({"inside": "rule", "cells": "010102"}, "6 cells"),
    ({"symbols": "101"}, "one or two symbols"),
    ({"inside": "copier", "letters": "qxjvmdh"}, "two to 5 letters"),
])  # fmt: skip
def test_what_it_cannot_take_is_said_and_stays_as_it_was(made, values, says):
    link = ask(made, **values)
    assert says in " ".join(link.messages.values())
    kind = next(k for k in values if k != "inside")
    assert link.values[kind] == inside.FIRST[kind]


def test_another_machine_is_shown_where_something_is_to_be_seen(made):
    ask(made, inside="copier", letters="abc")
    assert made["link"].shown["column"] == 5 and made["inside"].state.layer == 1
    ask(made, column=3)
    assert made["link"].values["column"] == 3 and "column" not in made["link"].shown
    ask(made, letters="abcd")
    assert made["link"].shown["column"] == 6
    said = {n: v for n, v in made["link"].values.items() if v != PAGE.state.param[n].default}
    fresh, *_ = PAGE.make()
    fresh.request = said
    assert fresh.values == made["link"].values


def test_the_text_says_what_was_counted():
    said = numbers_of("machines")
    assert said["inside_columns"] == said["inside_once"] + said["inside_never"] and said["inside_never"] == 1
    assert [PAGE.state.param[n].default for n in inside.FIRST] == list(inside.FIRST.values())

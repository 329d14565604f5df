"""/copying/ without a browser: the model made by hand, the scores, and that every figure shows what was computed."""

from __future__ import annotations

import re
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainer.corpus import names
from explainer.kernel.config import Config
from explainer.kernel.interventions import HeadOff, NoEdges
from explainer.kernel.model import Model, forward
from explainer.kernel.ops import softmax
from explainer.models import copier, lab
from explainer.studies import circuit
from explainer.studies import copying as study
from explainer.ui.html import exact, percent
from pages import numbers_of
from pages.copying.facts import duel, echo, formation, mapping
from pages.copying.page import PAGE, WORD, CopyingState

ROWS = st.integers(2, 26).flatmap(lambda n: st.permutations(list(copier.LETTERS)).map(lambda p: "".join(p[:n])))


@pytest.fixture
def made():
    return {c.name: c for c in PAGE.make()}


def ask(made, **values):
    made["link"].request = {**values, "#": time.perf_counter()}
    return made["link"]


def said(letters: str, *edits) -> list[str]:
    m = copier.model()
    best = forward(m.params, copier.tokens_of(letters * 2), m.config, edits)["logits"].argmax(axis=-1)
    return [copier.ALPHABET[int(k)] for k in best]


# ---------------------------------------------------------------- the model made by hand


@settings(max_examples=40, deadline=None)
@given(ROWS)
def test_the_model_made_by_hand_copies_any_row_of_different_letters(letters):
    n = len(letters)
    answers = said(letters)
    assert "".join(answers[n + 1 : 2 * n]) == letters[1:], "all that can be copied"
    assert answers[1 : n + 1] == [copier.START] * n, "a letter that is met for the first time is followed by nothing"


@settings(max_examples=15, deadline=None)
@given(ROWS, st.integers(0, 10_000))
def test_it_fails_where_either_edge_is_cut(letters, pick):
    n = len(letters)
    t = n + 1 + pick % (n - 1)  # asks for what stands at t - n + 1
    found = t - n + 1
    for edge in ((0, 0, found, found - 1), (1, 0, t, found)):
        answers = said(letters, NoEdges(frozenset([edge])))
        assert answers[t] != letters[found - 1]
    assert all(
        HeadOff(layer, 0) and letters[1:] != "".join(said(letters, HeadOff(layer, 0))[n + 1 : 2 * n])
        for layer in (0, 1)
    )


def test_its_layer_norms_hand_on_what_they_are_given_and_its_mlps_add_nothing():
    trace = copier.model().forward(copier.tokens_of("qxjv" * 2))
    for layer in (0, 1):
        given_to = trace[f"blocks.{layer}.resid_pre"]
        assert np.allclose(trace[f"blocks.{layer}.ln1.normalized"], given_to, atol=1e-4)
        assert not trace[f"blocks.{layer}.mlp_out"].any()
    assert type(copier.model().config) is Config and set(copier.model().params) == set(
        copier.model().config.parameter_shapes
    )


def test_it_stops_where_it_is_said_to_stop():
    assert study.copied(copier.model(0.05), study.rows(0, range(1, copier.N), 5)).right.value == 0
    assert copier.worst([copier.LETTERS]) > 0.999
    tied = softmax(copier.model().forward(copier.tokens_of("xaxb"))["logits"].astype(float))[3]  # after the second x
    assert tied[copier.ALPHABET.index("a")] > 0.99, "x has been followed by a, once"
    tied = softmax(copier.model().forward(copier.tokens_of("xaxbx"))["logits"].astype(float))[5]
    assert tied[copier.ALPHABET.index("a")] == pytest.approx(tied[copier.ALPHABET.index("b")], rel=1e-2), "a tie"


def test_every_matrix_that_is_not_zero_is_shown(made):
    params = copier.model().params
    shown = {one.name for one in copier.weights()}
    norms = {name for name in params if ".ln" in name or name.startswith("ln")}
    assert {name for name, w in params.items() if w.any()} == shown | norms
    for one in copier.weights():
        drawn = re.search(rf'aria-label="{re.escape(one.name)}:[^"]*; (\d+) of ', made["copier-by-hand"].html)
        assert int(drawn[1]) == np.count_nonzero(params[one.name]) == one.nonzero


# ---------------------------------------------------------------- scores


def random_model(seed: int) -> Model:
    config = Config(n_layers=2, n_heads=4, d_model=48, d_head=12, d_mlp=8, n_vocab=60, n_ctx=64)
    rng = np.random.default_rng(seed)
    params = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in config.parameter_shapes.items()}
    return Model(config, params, "random")


def test_the_scores_of_a_random_model_are_at_chance():
    m = random_model(3)
    found = study.copied(m, study.rows(0, range(1, 60), 20))
    for role in ("induction", "previous_token"):
        assert np.abs(found.scores.scores[role] - found.scores.chance[role]).max() < 0.02
    assert found.right.value < 0.1
    writes = [study.writes(random_model(seed), range(60)) for seed in range(6)]
    assert abs(np.mean([w.sign for w in writes])) < 0.2 and np.mean([w.top for w in writes]) < 0.1


def test_the_scores_know_the_heads_made_by_hand():
    found, writes = duel.scores(duel.HAND).scores, duel.writes(duel.HAND)
    assert found.scores["previous_token"][0, 0] > 0.99 and found.scores["induction"][1, 0] > 0.99
    assert found.scores["induction"][0, 0] < 0.01
    assert writes.sign[1, 0] == pytest.approx(1) and writes.top[1, 0] == 1 and writes.sign[0, 0] == 0


def test_the_eigenvalues_of_a_head_are_those_of_all_tokens():
    """The small matrix [K, K] against the whole way from tokens to logits, [N, N]."""
    m, some = random_model(1), range(60)
    p = m.params
    table = p["embed.W_E"].astype(float)
    table = table - table.mean(1, keepdims=True)
    table /= np.sqrt(table.var(1, keepdims=True) + m.config.eps)
    read = p["ln_final.w"][:, None] * p["unembed.W_U"].astype(float)
    W_O = p["blocks.1.attn.W_O"][2].astype(float)
    way = table @ (p["blocks.1.ln1.w"][:, None] * p["blocks.1.attn.W_V"][2]) @ (W_O - W_O.mean(1, keepdims=True)) @ read
    values = np.linalg.eigvals(way - way.mean(1, keepdims=True))
    assert study.writes(m, some).sign[1, 2] == pytest.approx(values.real.sum() / np.abs(values).sum(), abs=1e-6)


# ---------------------------------------------------------------- what is drawn


def test_the_word_is_in_no_training_text_and_the_copy_needs_both_steps(made):
    assert names.held_out(WORD[0]) and all(names.held_out(word) for word in echo.made_up())
    found = circuit.circuit(CopyingState().tokens())
    assert found.chance > 0.9 and found.first_cut < 0.1 and found.second_cut < 0.1 and found.control > 0.9
    assert percent(found.chance) in made["copy-circuit"].html
    ask(made, cut=circuit.coded(found.first_edges))
    assert percent(found.first_cut) in made["copy-circuit"].html
    link = ask(made, called="Zorkimu")
    assert made["copy-circuit"].state.prompt == "Magic: Zo-r-ki-mu. Again: Zo-r-ki" and link.values["cut"] == ""


def test_the_letters_are_said_by_each_machine_as_the_figure_shows_it(made):
    ask(made, letters="wolpertz", who="4", off="second")
    html = made["copier-by-hand"].html
    shown = re.findall(r'class="note-cell (right|wrong)" data-v="([^"]*)"[^>]*>(\S+?)<', html)
    expected = []
    for who in (duel.HAND, "4", "1"):
        out = (HeadOff(*duel.heads("4")[1]),) if who == "4" else ()
        m, row = duel.model_of(who), duel.row_of(who, "wolpertz")
        odds = softmax(forward(m.params, row, m.config, out)["logits"].astype(np.float64))
        for t in study.asked(row):
            expected.append((odds[t].argmax() == row[t + 1], exact(odds[t, row[t + 1]])))
    assert [(kind == "right", v) for kind, v, _ in shown] == expected


@pytest.mark.parametrize(
    ("given_letters", "letters", "words"),
    [
        ("Q x9j!", "qxj", "Only the letters a to z"),
        ("a", "qxjvmdh", "at least two letters"),
        ("", "qxjvmdh", "at least two letters"),
        ("banana", "banana", "more than once"),
        ("abcdefghijklmnop", "abcdefghijkl", "the first 12 are used"),
    ],
)
def test_letters_that_cannot_be_taken_are_answered_in_words(made, given_letters, letters, words):
    link = ask(made, letters=given_letters)
    assert words in link.messages["letters"] and link.values["letters"] == letters


def test_the_checkpoints_are_those_of_the_training_and_end_where_the_models_are():
    for layers in formation.depths():
        moments = formation.along(layers)
        assert [m.step for m in moments] == list(formation.steps(layers)) and len(moments) == 16
        last, shipped = formation.after(layers, formation.LAST), lab.model(lab.FAMILY[layers])
        assert all(np.array_equal(last.params[k], shipped.params[k]) for k in shipped.params)
    fresh, kept = formation.moment(2, 3985), formation.along(2)[14]
    assert fresh.right.value == pytest.approx(kept.right.value) and fresh.prefix[:2] == kept.prefix[:2]
    assert fresh.prefix[2] == pytest.approx(kept.prefix[2], rel=1e-4)


def test_the_figure_of_the_checkpoints_shows_them(made):
    ask(made, stop=12, what="prefix")
    html = made["copying-forms"].html
    for layers in formation.depths():
        m = formation.along(layers)[12]
        assert f'data-v="{exact(m.right.value)}"' in html and f'data-v="{exact(m.prefix[2])}"' in html
    assert "step 1,765" in html


def test_one_layer_never_copies_rows_and_the_others_do():
    assert max(m.right.value for m in formation.along(1)) < 0.05 and formation.risen(1) is None
    for layers in (2, 4):
        assert formation.along(layers)[-1].right.value > 0.9 and formation.along(layers)[8].right.value < 0.05


def test_all_heads_scores_stand_in_the_table(made):
    for who in duel.WHO:
        ask(made, of=who)
        shown = re.findall(r'<td tabindex="-1"[^>]*data-v="([^"]*)"', made["copying-scores"].html)
        found, writes = duel.scores(who).scores.scores, duel.writes(who)
        assert shown == [
            exact(v) for table in (found["induction"], writes.sign, found["previous_token"]) for v in table.ravel()
        ]


def test_prompts_of_pairs_ask_what_they_say_they_ask(made):
    for seed in range(30):
        for kind in mapping.KINDS:
            p = mapping.prompt(kind, 4, seed)
            words = re.findall(r"\w+", p.text)
            assert len(words) == 9 and (p.answer in p.offered) == (kind != "rule")
            if kind != "rule":
                assert words[words.index(words[-1]) + 1] == p.answer.strip(), "the asked word stood before its partner"
                assert len(set(words)) == 8
    ask(made, kind="mark", pairs=2, draw_no=5)
    p = mapping.prompt("mark", 2, 5)
    for name in lab.FAMILY.values():
        assert f'data-v="{exact(mapping.said(p, name).right)}"' in made["new-pairs"].html


def test_the_page_says_what_is_measured():
    n = numbers_of("copying")
    assert n["h_nonzero"] == sum(np.count_nonzero(copier.model().params[k]) for k in copier.DOES)
    assert n["finished_4"] == percent(echo.finished(lab.STORYTELLER).value)
    assert n["w_hand_first"] == n["w_hand_second"] == "0 %" and n["s_both"] == 2

"""Hidden notes: exchanging them changes what is read and not the tape; what no pass can hold, none holds."""

from __future__ import annotations

import numpy as np
import pytest

from explainer.kernel.model import forward
from explainer.kernel.ops import softmax
from explainer.models import lab
from explainer.studies import notes

TAPE, DONOR = (lab.tokens_of(f"Once there was a brave {who}.") for who in ("girl named Lily", "boy named Tom"))
MODEL = lab.model(lab.STORYTELLER)


def odds(tape):
    return softmax(forward(MODEL.params, tape, MODEL.config)["logits"][-1].astype(np.float64))


def test_notes_of_its_own_change_nothing_and_those_of_all_columns_are_the_donor():
    columns = tuple(range(len(TAPE) - 1))
    kept = notes.forge(TAPE, TAPE, columns, 4)
    np.testing.assert_allclose(kept.forged, odds(TAPE), atol=1e-5)
    assert kept.told == kept.misled == kept.healed
    swapped = notes.forge(TAPE, DONOR, columns, 4)
    np.testing.assert_allclose(swapped.forged, odds(DONOR), atol=1e-5)
    np.testing.assert_allclose(swapped.own, odds(TAPE), atol=1e-5)


def test_a_story_told_with_forged_notes_is_that_of_the_donor_and_heals_but_for_what_is_written():
    found = notes.forge(TAPE, DONOR, notes.apart(TAPE, DONOR), 12)
    said = lab.tokenizer().decode
    assert said(found.misled[:1]) == " He" and said(found.told[:1]) == " She"
    assert found.misled == notes.go_on(MODEL, notes.read(MODEL, DONOR[:-1]), DONOR[-1], 12)
    again = (*TAPE, *found.misled[:1])
    best = []
    for _ in range(11):  # what the loop writes when it reads everything anew at each turn
        best.append(int(odds((*again, *best)).argmax()))
    assert found.healed == (*found.misled[:1], *best)
    assert " Her" in said(found.healed) and " His" not in said(found.healed) and found.error < 1e-5


def test_pieces_of_the_forged_are_as_if_they_were_forged_by_themselves():
    both = notes.forge(TAPE, DONOR, notes.apart(TAPE, DONOR), 1)
    assert [TAPE[k] != DONOR[k] for k in range(len(TAPE))] == [k in both.columns for k in range(len(TAPE))]
    assert np.abs(both.forged - both.own).max() > 0.9 and both.forged.sum() == pytest.approx(1)
    columns, layers = notes.piece_by_piece(both)
    assert tuple(columns) == both.columns and len(layers) == MODEL.config.n_layers
    for column, found in columns.items():
        np.testing.assert_array_equal(found, notes.forge(TAPE, DONOR, (column,), 1).forged)
    own, other = notes.read(MODEL, TAPE[:-1]), notes.read(MODEL, DONOR)
    last = MODEL.config.n_layers - 1
    np.testing.assert_array_equal(
        layers[last], notes.next_odds(MODEL, own.forged(other, both.columns, [last]), TAPE[-1])
    )
    assert max(np.abs(found - both.own).max() for found in layers) > 0.01, "in the others hardly"


def test_a_last_token_that_is_read_is_not_forged():
    donor = (*TAPE[:-1], DONOR[0])
    assert notes.apart(TAPE, donor) == ()
    kept = notes.forge(TAPE, donor, (), 2)
    np.testing.assert_array_equal(kept.forged, kept.own)
    assert notes.piece_by_piece(kept)[0] == {}
    with pytest.raises(ValueError, match="columns are 0 to"):
        notes.forge(TAPE, DONOR[:4], (6,), 1)


@pytest.mark.parametrize("kind", list(notes.KINDS))
def test_a_case_is_two_tapes_alike_but_for_what_is_said_to_differ(kind):
    for index in range(notes.SAMPLE):
        of = notes.case(kind, index)
        assert len(of.tape) == len(of.donor) and of.tape[of.mark :] == of.donor[of.mark :]
        assert of.tape[: of.first] == of.donor[: of.first] and of.tape[of.first] != of.donor[of.first]
        if kind == "name":
            assert of.tape[-1] == of.tape[of.first] and of.want == of.tape[of.mark]


def test_the_column_behind_the_first_piece_holds_it_and_a_model_of_one_layer_can_hold_nothing():
    of = notes.case("name", 3)
    found = {h.column: h for h in notes.held(of)}
    assert found[of.mark].later > 0.9 and found[of.mark].own < 0.1
    assert all(h.later < 0.01 for k, h in found.items() if k != of.mark)
    single = {h.column: h for h in notes.held(of, lab.FAMILY[1])}
    assert all(h.later == 0 for k, h in single.items() if of.tape[k] == of.donor[k])


def test_a_change_at_random_is_as_large_and_only_where_it_should_be():
    of = notes.case("name", 0)
    readings = notes.Readings(MODEL, of)
    other = readings.own.forged(readings.other, [of.mark])
    random = notes.as_large(readings.own, other, [of.mark], np.random.default_rng(0))
    for key, was in readings.own.rows.items():
        sizes = [np.linalg.norm((rows.rows[key] - was)[of.mark]) for rows in (other, random)]
        assert sizes[0] == pytest.approx(sizes[1], rel=1e-3, abs=1e-6)
        rest = np.delete(random.rows[key] - was, of.mark, axis=0)
        assert not rest.any()

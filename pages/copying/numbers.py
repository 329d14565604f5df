"""What the prose of /copying/ says in numbers, as measured."""

from __future__ import annotations

from typing import Any

from explainer.models import copier, lab
from explainer.studies import circuit
from explainer.studies import copying as study
from explainer.ui.html import how_many, nats, percent, spread
from explainer.ui.parts.circuit import layers_of

from .facts import duel, echo, formation, mapping
from .page import WORD, CopyingState
from .views.scores import both_of

SHARP = 0.05
"""A sharpness at which the model made by hand no longer copies."""


def between(mean: Any) -> str:
    """A 95 % interval of a share."""
    return f"{percent(mean.low)} to {percent(mean.high)}"


def numbers() -> dict[str, Any]:
    """What the prose says."""
    return {**of_echo(), **of_hand(), **of_forms(), **of_scores(), **of_pairs()}


def of_echo() -> dict[str, Any]:
    state = CopyingState()
    found = circuit.circuit(state.tokens())
    name = lab.tokenizer().display
    cuts = echo.cuts()
    finished = {n: echo.finished(model) for n, model in lab.FAMILY.items()}
    return {
        "word": WORD[0],
        "answer": name(found.answer),
        "before": name(found.tokens[found.before]),
        "chance": percent(found.chance),
        "second_cut": percent(found.second_cut),
        "first_cut": percent(found.first_cut),
        "control": percent(found.control),
        "first_layers": layers_of(found.first),
        "redundant": found.redundant,
        "words": echo.NAMES,
        "pieces": finished[4].tokens,
        **{f"finished_{n}": percent(mean.value) for n, mean in finished.items()},
        **{f"finished_{n}_between": between(mean) for n, mean in finished.items()},
        **{f"bare_{n}": percent(echo.finished(model, echo.BARE).value) for n, model in lab.FAMILY.items()},
        "any_4": percent(duel.of_any_tokens("4").value),
        "cut_words": cuts.words,
        "cut_found": cuts.found,
        "cut_other": cuts.words - cuts.found,
        "cut_first": percent(cuts.first),
        "cut_second": percent(cuts.second),
    }


def of_hand() -> dict[str, Any]:
    made = copier.weights()
    without = {who: {off: duel.without(who, off).right for off in duel.OFF} for who in (duel.HAND, "4", "2", "1")}
    blunt = study.copied(copier.model(SHARP), study.rows(0, range(1, copier.N), 20))
    return {
        "h_weights": f"{copier.model().n_params:,}",
        "h_nonzero": sum(one.nonzero for one in made),
        "h_matrices": len(made),
        "h_letters": len(copier.LETTERS),
        "h_places": copier.PLACES,
        "h_worst": percent(copier.worst(["qxjvmdh", copier.LETTERS])),
        "h_sharp": SHARP,
        "h_blunt": percent(blunt.right.value),
        "h_rows": duel.ROWS,
        "h_length": study.LENGTH,
        **{f"w_{who}_{off}": percent(mean.value) for who, shares in without.items() for off, mean in shares.items()},
        "w_4_first_between": between(without["4"]["first"]),
        "w_4_heads": [f"{layer}.{head}" for layer, head in duel.heads("4")],
        "w_holds": without["4"]["first"].value > 0.8,
    }


def of_forms() -> dict[str, Any]:
    along = {n: formation.along(n) for n in formation.depths()}
    risen = {n: formation.risen(n) for n in along}

    def at(n: int, step: int) -> formation.Moment:
        return next(m for m in along[n] if m.step == step)

    found: dict[str, Any] = {
        "f_stops": len(along[1]),
        "f_last": f"{formation.LAST:,}",
        "f_rows": formation.ROWS,
        "f_documents": formation.DOCUMENTS,
        "f_one_most": percent(max(m.right.value for m in along[1])),
        "f_one_loss": nats(along[1][-1].excess.value),
    }
    for n in (2, 4):
        span = risen[n]
        assert span is not None, "both models copy in the end"
        low, high = span
        found |= {
            f"f_{n}_low": f"{low:,}",
            f"f_{n}_high": f"{high:,}",
            f"f_{n}_gap": f"{high - low:,}",
            f"f_{n}_before": percent(at(n, low).right.value),
            f"f_{n}_after": percent(at(n, high).right.value),
            f"f_{n}_prefix_before": percent(at(n, low).prefix[2]),
            f"f_{n}_prefix_after": percent(at(n, high).prefix[2]),
            f"f_{n}_loss_before": nats(at(n, low).excess.value),
            f"f_{n}_loss_after": nats(at(n, high).excess.value),
            f"f_{n}_end": percent(along[n][-1].right.value),
            f"f_{n}_loss_end": nats(along[n][-1].excess.value),
            f"f_{n}_loss_end_between": spread(along[n][-1].excess),
        }
    return found


def of_scores() -> dict[str, Any]:
    both = {who: both_of(who) for who in duel.WHO}
    found = duel.scores("4").scores
    every = found.scores["induction"].size
    return {
        "s_every": every,
        "s_both": len(both["4"]),
        "s_which": " and ".join(f"{layer}.{head}" for layer, head in both["4"]),
        "s_layer": both["4"][0][0],
        "s_two": how_many(len(both["2"]), "head"),
        "s_one": len(both["1"]),
        "s_scores": " and ".join(percent(float(found.scores["induction"][at])) for at in both["4"]),
        "s_signs": " and ".join(f"{float(duel.writes('4').sign[at]):.2f}" for at in both["4"]),
        "s_chance": percent(found.chance["induction"]),
        "s_before": percent(found.best("previous_token")[2]),
        "s_before_head": "{}.{}".format(*found.best("previous_token")[:2]),
    }


def of_pairs() -> dict[str, Any]:
    def right(layers: int, kind: str, pairs: int) -> Any:
        return mapping.learnt(lab.FAMILY[layers], kind)[mapping.PAIRS.index(pairs)]

    most = mapping.PAIRS[-1]
    example = mapping.prompt("rule", 3, 0)
    return {
        "p_prompts": mapping.PROMPTS,
        "p_most": most,
        "p_plain_1": percent(right(4, "plain", 1).right.value),
        "p_plain_2": percent(right(4, "plain", 2).right.value),
        "p_plain_most": percent(right(4, "plain", most).right.value),
        "p_plain_most_between": between(right(4, "plain", most).right),
        "p_plain_one": percent(max(x.right.value for x in mapping.learnt(lab.FAMILY[1], "plain"))),
        "p_guess_most": percent(mapping.chance("plain", most)),
        "p_mark_most": percent(right(4, "mark", most).right.value),
        "p_mark_offered": percent(right(4, "mark", most).offered.value),
        "p_rule_guess": percent(mapping.chance("rule", 1)),
        "p_rule_4": percent(right(4, "rule", 3).right.value),
        "p_rule_4_between": between(right(4, "rule", 3).right),
        "p_rule_4_offered": percent(right(4, "rule", 3).offered.value),
        "p_rule_1": percent(right(1, "rule", 3).right.value),
        "p_rule_1_between": between(right(1, "rule", 3).right),
        "p_rule_alone": " and ".join(str(mapping.alone(lab.FAMILY[n])[0]) for n in (1, 4)),
        "p_rule_of": mapping.alone(lab.FAMILY[1])[1],
        "p_rule_example": example.text.strip(),
    }

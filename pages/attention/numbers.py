"""What the prose of /attention/ says in numbers: measured on the default prompt and on held-out text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from explainer.corpus.held_out import Loss
from explainer.kernel.checkpoint import WEIGHTS
from explainer.kernel.heads import CLEAR, ROLES
from explainer.kernel.interventions import HeadOff
from explainer.models import lab
from explainer.studies import attention_facts as facts
from explainer.studies import circuit, indirect
from explainer.studies.kinds import NAMES
from explainer.ui.html import how_many, nats, number, percent, sample, spread
from explainer.ui.parts.circuit import layers_of

from .page import PROMPT, AttentionState
from .views.giver import share

LONG = (5, 6, 7, 8, 9)  # letters of a name that is one letter again and again
OTHER_WORDS = (
    "It was happy to be called"  # neither as long as "Good night" nor as "Good night,": the distance changes either way
)


def numbers() -> dict[str, Any]:
    """What the prose says in numbers: measured on the default prompt and on held-out text when the site is built."""
    state = AttentionState()
    tokens, config = state.tokens(), lab.model().config
    names = lab.names_of(tokens)
    seen = facts.example(tokens, state.layer, state.head)
    roles = facts.head_scores()
    layer, head, score = roles.best("copy")
    base = facts.loss()
    taken = {x.name: facts.loss(x.interventions) for x in facts.take_outs(state.layer, state.head)}
    order = facts.order_test(tokens, state.swap, state.swap_with, len(tokens) - 1, state.layer, state.head)
    leaks = order.changes["no positions"]
    without = facts.without_each_head(tokens, seen.answer)
    copy = {name: result.by_kind["copy"] for name, result in taken.items()}
    floor, steps, on_names = facts.floor(), circuit.circuit(tokens), circuit.on_names()
    every = " ".join(str(i) for i in range(on_names.upper))
    held = {name: keeps for name, (_, keeps) in on_names.cuts.items()}
    strongest = max(steps.first, key=lambda w: w.heads[0][1])
    part = {p.part: p for p in steps.patched}
    repeated = circuit.one_letter(LONG, PROMPT)
    pattern = lab.trace(tokens)[f"blocks.{state.layer}.attn.pattern"][state.head, -1]
    twin = facts.same_token(tokens[:-1], tokens[-1])
    flattest, spread_over = facts.flattest_head(tokens)
    worth, without_copier = facts.head_worth(), facts.loss((HeadOff(layer, head),)).by_kind
    hurts = sorted(base.by_kind, key=lambda kind: base.by_kind[kind].value - without_copier[kind].value)
    recall = roles.best("recall")
    other, pinned = lab.tokens_of(state.prompt.replace("Good night,", OTHER_WORDS)), state.pinned()
    elsewhere = facts.example(other, state.layer, state.head)
    labels = [roles.label(i, j)[0] for i in range(config.n_layers) for j in range(config.n_heads)]
    of = {kind: (NAMES[kind], nats(without_copier[kind].value), nats(base.by_kind[kind].value)) for kind in hurts[:2]}
    low, high = (float(x[layer, head]) for x in roles.spread["copy"])
    card = json.loads((WEIGHTS / f"{lab.STORYTELLER}.json").read_text(encoding="utf-8"))
    twice, unheard = card["twice"], card["open_names"]
    others = roles.scores["copy"].copy()
    others[layer, head] = 0.0
    rival = np.unravel_index(int(others.argmax()), others.shape)
    reading = steps.readers
    all_out = facts.loss(tuple(HeadOff(*at) for at in reading)).by_kind["copy"]
    each_out = [facts.loss((HeadOff(*at),)).by_kind["copy"] for at in reading]
    only_best = np.zeros(len(tokens))
    only_best[seen.found] = 1.0
    patch = facts.lookup_patch(lab.trace(tokens), state.layer, state.head, len(tokens) - 1, only_best)
    hard_chance = float(facts.change(tokens, (patch,), len(tokens) - 1).after[seen.answer])
    n_copiers, n_mixed = labels.count(ROLES["copy"][0]), labels.count("mixed")
    return real_model() | {
        "n_mixed": n_mixed,
        "how_many_copiers": f"{n_copiers} {'is' if n_copiers == 1 else 'are'}",
        "copier_tie": "{}.{}".format(*rival) if float(others.max()) >= low else "",
        "twice_known": percent(twice["words_and_pieces"]["right"]),
        "twice_whole": percent(twice["whole_vocabulary"]["right"]),
        "twice_narrow": twice["whole_vocabulary"]["right"] < 0.5 < twice["words_and_pieces"]["right"],
        "twice_rows": twice["sequences"],
        "twice_length": twice["length"],
        "copy_all_off": nats(all_out.value),
        "copy_all_off_between": spread(all_out),
        "stand_in_held": len(each_out) > 1 and all_out.low > 2 * sum(one.high for one in each_out),
        "hard_chance": percent(hard_chance),
        "hard_same": abs(hard_chance - seen.chance) < 0.01,
        "other_words": OTHER_WORDS,
        "other_distance": len(other) - 1 - elsewhere.found,
        "other_chance": percent(elsewhere.chance),
        "pin_distance": len(pinned) - 1 - facts.example(pinned, state.layer, state.head).found,
        "recaller": f"{recall[0]}.{recall[1]}",
        "recall_score": percent(recall[2]),
        "recall_raw": recall[2],
        "copier_copy": nats(without_copier["copy"].value),
        "copier_copy_between": spread(without_copier["copy"]),
        "copier_matters": without_copier["copy"].low > base.by_kind["copy"].high,
        "copier_worth": f"+{number(float(worth[layer, head]))}",
        "copier_is_worth_most": bool(worth[layer, head] == worth.max()),
        "copier_hurts": of[hurts[0]],
        "copier_also": of[hurts[1]],
        "copy_head": nats(copy["head"].value),
        "copy_head_between": spread(copy["head"]),
        "answer": lab.names_of((seen.answer,))[0],
        "chance": percent(seen.chance),
        "found": names[seen.found],
        "weight": percent(seen.weight),
        "distance": len(tokens) - 1 - seen.found,
        "effective": number(seen.effective),
        "head": f"{state.layer}.{state.head}",
        "writer": seen.writer.name,
        "writer_lead": f"+{number(seen.writer.lead)}",
        "lens_first": seen.lens_first,
        "d_model": config.d_model,
        "d_head": config.d_head,
        "n_heads": config.n_heads,
        "n_layers": config.n_layers,
        "n_all": config.n_layers * config.n_heads,
        "copier": f"{layer}.{head}",
        "copier_score": percent(score),
        "copier_chance": percent(roles.chance["copy"]),
        "copier_between": f"{percent(low)} to {percent(high)}",
        "copy_queries": f"{roles.n['copy']:,}",
        "clear": percent(CLEAR),
        "n_copiers": n_copiers,
        "induction_score": percent(roles.best("induction")[2]),
        "induction_best": roles.best("induction")[2],
        "induction_chance": percent(roles.chance["induction"]),
        "induction_clear": roles.best("induction")[2] >= CLEAR,
        "inductor": "{}.{}".format(*roles.best("induction")),
        "loss": nats(base.cross_entropy.value),
        "loss_between": spread(base.cross_entropy),
        "floor": nats(floor.cross_entropy.value),
        "sample": sample(base.cross_entropy),
        "over_floor": percent(base.cross_entropy.value / floor.cross_entropy.value - 1),
        "worst": worst_parts(taken),
        **{f"loss_{name}": nats(result.cross_entropy.value) for name, result in taken.items()},
        "copy_base": nats(base.by_kind["copy"].value),
        "copy_base_between": spread(base.by_kind["copy"]),
        "copy_sample": sample(base.by_kind["copy"]),
        "copy_uniform": nats(copy["uniform"].value),
        "copy_uniform_between": spread(copy["uniform"]),
        "copy_positions": nats(copy["positions"].value),
        "copy_positions_between": spread(copy["positions"]),
        "order_needed": copy["positions"].low > base.by_kind["copy"].high,
        "twin": None if twin is None else names[twin],
        "twin_weight": percent(float(pattern[twin])) if twin is not None else "",
        "before_found": names[seen.found - 1],
        "readers": heads_in_words([(w.layer, h, x) for w in steps.second for h, x, _ in w.heads if x >= CLEAR]),
        "two_before": names[steps.other],
        "layer": state.layer,
        "wire_layer": strongest.layer,
        "wire_cut": percent(strongest.cut),
        "wire_holds": strongest.cut >= circuit.BREAKS * steps.chance,
        "wire_others": " and ".join(f"layer {w.layer}" for w in steps.first if w is not strongest),
        "first_layers": layers_of(steps.first),
        "n_first": len(steps.first),
        "first_cut": percent(steps.first_cut),
        "second_cut": percent(steps.second_cut),
        "control": percent(steps.control),
        "redundant": steps.redundant,
        "key_kept": percent(part["k"].kept),
        "value_kept": percent(part["v"].kept),
        "key_carries": part["k"].kept >= circuit.BREAKS * steps.chance > part["v"].kept,
        "names_sample": f"{held[every].tokens} places in {how_many(held[every].documents, 'document')}",
        "names_alone": [(name, percent(held[name].value), share_between(held[name])) for name in every.split()],
        "names_either": percent(on_names.either.value),
        "names_either_between": share_between(on_names.either),
        "names_all": percent(held[every].value),
        "names_all_between": share_between(held[every]),
        "names_control": percent(held["control"].value),
        "names_key": percent(on_names.parts["k kept"].value),
        "names_value": percent(on_names.parts["v kept"].value),
        "names_value_between": share_between(on_names.parts["v kept"]),
        "cut_breaks_names": held["control"].low > held[every].high,
        "repeated_right": repeated[0],
        "repeated": repeated[1],
        "repeated_from": LONG[0],
        "flattest": "{}.{}".format(*flattest),
        "spread_over": number(spread_over),
        "n_tokens": len(tokens),
        "stand_in": (
            without[state.layer, state.head]
            > 0.5
            > (all_off := facts.without_heads(tokens, seen.answer, steps.readers))
        ),
        "all_off": percent(all_off),
        "unheard": unheard["names"],
        "unheard_right": percent(unheard["all_pieces"]),
        "keystone_chance": percent(float(without[state.layer, state.head])),
        "order_blind": all(order.rounding("no positions, no mask")),
        "order_first": order.rounding("no positions")[0],
        "rounding": f"{100 * facts.ROUNDING:.3f} %",
        "order_leak": number(float(leaks.max())),
        "order_leak_layer": int(leaks.argmax()),
    }


def share_between(mean: Any) -> str:
    """The 95 % interval of a share, in words: `44 % to 61 %`."""
    return f"{percent(mean.low)} to {percent(mean.high)}"


def worst_parts(taken: Mapping[str, Loss]) -> list[str]:
    """The part without which the loss is highest, and those that the sample cannot tell from it; the highest first."""
    losses = {name: taken[name].cross_entropy for name in ("scaling", "mask", "uniform", "positions")}
    by_loss = sorted(losses, key=lambda name: -losses[name].value)
    return [name for name in by_loss if losses[name].high > losses[by_loss[0]].low]


def heads_in_words(found: Sequence[tuple[int, int, float]]) -> str:
    """Heads and the shares that they give: `head 2.1 (99 %) and head 2.3 (97 %)`."""
    named = [f"head {layer}.{head} ({percent(share)})" for layer, head, share in found]
    return " and ".join([", ".join(named[:-1]), named[-1]]) if len(named) > 1 else "".join(named) or "no head clearly"


def real_model() -> dict[str, Any]:
    """What the prose says of SmolLM2-135M: from its card alone."""
    card = indirect.card()
    heads, off = card["heads"], card["off"]
    between = lambda m: f"{share(m['mean'])} ({share(m['low'])} to {share(m['high'])})"  # noqa: E731
    roles = json.loads((WEIGHTS / "smollm2-135m.json").read_text(encoding="utf-8"))["roles"]
    first = max(heads, key=lambda h: h["carries"]["mean"])
    marker = card["at_giver"][0]
    against = [h for h in heads if h["carries"]["high"] < 0]
    name = lambda h: f"{h['layer']}.{h['head']}"  # noqa: E731
    return {
        "real_prompts": card["sample"]["prompts"],
        "real_right": card["right"],
        "real_chance": percent(card["example"]["chances"][0]),
        "real_heads": len(heads),
        "real_together": between(card["together"]),
        "real_more_than_all": card["together"]["low"] > 1,
        "real_others": percent(card["others_together"]["mean"]),
        "real_first": name(first),
        "real_carries": between(first["carries"]),
        "real_reads": percent(first["reads"]["giver"]["mean"]),
        "real_rival": number(first["writes"]["rival"]["mean"], 2),
        "real_rival_between": f"{number(first['writes']['rival']['low'], 2)} to "
        f"{number(first['writes']['rival']['high'], 2)}",
        "real_due": number(first["writes"]["due"]["mean"], 2),
        "real_due_between": f"{number(first['writes']['due']['low'], 2)} to "
        f"{number(round(first['writes']['due']['high'], 2), 2)}",
        "real_crosses_out": first["reads"]["giver"]["low"] > 0.5
        and first["writes"]["rival"]["high"] < min(0.0, first["writes"]["due"]["low"]),
        "real_against": listed(list(map(name, against))),
        "real_n_against": len(against),
        "real_off": percent(off["towards"]["chance"]["mean"]),
        "real_n_off": off["towards"]["heads"],
        "real_whole": percent(card["chance"]["mean"]),
        "real_both_off": percent(off["all"]["chance"]["mean"]),
        "real_off_odds": odds(off["towards"]["lead"]["mean"]),
        "real_whole_odds": odds(card["lead"]["mean"]),
        "real_off_others_odds": odds(off["others"]["lead"]["mean"]),
        "real_n_others": off["others"]["heads"],
        "real_against_off": percent(off["against"]["chance"]["mean"]),
        "real_marker": name(marker),
        "real_marker_carries": between(marker["carries"]),
        "real_marker_clear": marker["carries"]["low"] > 0.1,
        "real_marker_induction": percent(
            roles["scores"]["random"]["induction"]["mean"][marker["layer"]][marker["head"]]
        ),
        "real_inductors": roles["counts"]["induction"],
        "real_duplicates": roles["counts"]["duplicate"],
        "real_previous": roles["counts"]["previous_token"],
        "real_sinks": roles["counts"]["first_token"],
        "real_rows": roles["random"]["rows"],
        "real_texts": roles["texts"]["n"],
    }


def odds(lead: float) -> str:
    """How many times likelier, by a mean lead: the geometric mean of the odds."""
    return number(float(np.exp(lead)), 2)


def listed(names: Sequence[str]) -> str:
    """24.4, 29.0 and 24.5"""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if names[1:] else "".join(names)

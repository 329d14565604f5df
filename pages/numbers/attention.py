"""What the prose of /attention/ says in numbers: measured on the default prompt and on held-out text."""

from __future__ import annotations

from typing import Any

from explainer import attention_facts as facts
from explainer import lab
from explainer.interventions import HeadOff
from explainer.views.attention_ablation import KIND_NAMES
from explainer.views.html import number, percent
from pages.attention import AttentionState

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
    copy = {name: result.by_kind["copy"][0] for name, result in taken.items()}
    worth, without_copier = facts.head_worth(), facts.loss((HeadOff(layer, head),)).by_kind
    hurts = sorted(base.by_kind, key=lambda kind: base.by_kind[kind][0] - without_copier[kind][0])
    recall = roles.best("recall")
    other, pinned = lab.tokens_of(state.prompt.replace("Good night,", OTHER_WORDS)), state.pinned()
    elsewhere = facts.example(other, state.layer, state.head)
    labels = [roles.label(i, j)[0] for i in range(config.n_layers) for j in range(config.n_heads)]
    of = {kind: (KIND_NAMES[kind], nats(without_copier[kind][0]), nats(base.by_kind[kind][0])) for kind in hurts[:2]}
    return {
        "other_words": OTHER_WORDS, "other_distance": len(other) - 1 - elsewhere.found, "other_chance": percent(elsewhere.chance),
        "pin_distance": len(pinned) - 1 - facts.example(pinned, state.layer, state.head).found,
        "recaller": f"{recall[0]}.{recall[1]}", "recall_score": percent(recall[2]), "recall_raw": recall[2],
        "copier_copy": nats(without_copier["copy"][0]), "copier_copy_raw": without_copier["copy"][0], "copier_worth": f"+{number(float(worth[layer, head]))}",
        "copier_is_worth_most": bool(worth[layer, head] == worth.max()), "copier_hurts": of[hurts[0]], "copier_also": of[hurts[1]], "copy_head": nats(copy["head"]),
        "answer": lab.names_of((seen.answer,))[0], "chance": percent(seen.chance), "found": names[seen.found], "weight": percent(seen.weight),
        "distance": len(tokens) - 1 - seen.found, "effective": number(seen.effective), "head": f"{state.layer}.{state.head}",
        "writer": seen.writer.name, "writer_lead": f"+{number(seen.writer.lead)}", "lens_first": seen.lens_first,
        "d_model": config.d_model, "d_head": config.d_head, "n_heads": config.n_heads, "n_layers": config.n_layers, "n_all": config.n_layers * config.n_heads,
        "copier": f"{layer}.{head}", "copier_score": percent(score), "copier_chance": percent(roles.chance["copy"]), "clear": percent(facts.CLEAR),
        "n_copiers": labels.count(facts.ROLES["copy"][0]), "induction_score": number(roles.best("induction")[2]), "induction_best": roles.best("induction")[2],
        "loss": number(base.cross_entropy), "floor": number(facts.held_out_floor()), "n_docs": facts.N_DOCUMENTS,
        "worst": max(("scaling", "mask", "uniform", "positions"), key=lambda name: taken[name].cross_entropy),
        **{f"loss_{name}": number(result.cross_entropy) for name, result in taken.items()},
        "copy_base": nats(base.by_kind["copy"][0]), "copy_n": base.by_kind["copy"][1], "copy_uniform": nats(copy["uniform"]), "copy_positions": nats(copy["positions"]), "copy_positions_raw": copy["positions"],
        "keystone_chance": percent(float(without[state.layer, state.head])),
        "order_blind": f"at most {number(float(order.changes['no positions, no mask'].max()), 1)} of the output", "order_first": f"{number(float(leaks[0]), 1)}",
        "order_leak": number(float(leaks.max())), "order_leak_layer": int(leaks.argmax()),
    }  # fmt: skip


def nats(value: float) -> str:
    """A loss in running text: small ones in full, not as a power of ten."""
    return number(value) if value >= 0.005 else f"{value:.4f}"

"""/attention/: how does a token find what it needs?"""

from __future__ import annotations

import math
from typing import Any

import param

from explainer import attention_facts as facts
from explainer import lab
from explainer.state import PageState
from explainer.views.attention_ablation import AttentionAblation
from explainer.views.attention_heads import AttentionHeads
from explainer.views.attention_lookup import AttentionLookup
from explainer.views.attention_order import AttentionOrder
from explainer.views.attention_routing import AttentionRouting
from explainer.views.attention_stepper import AttentionStepper
from explainer.views.html import number, percent
from explainer.views.page import Page
from explainer.views.residual_bus import ResidualBus

MOST = 24  # tokens drawn, the start token included


class AttentionState(PageState):
    prompt = param.String(default="Far away lived a sleepy wizard called Zo-vi-ta. Good night, Zo-vi", label="Prompt")
    layer = param.Integer(default=3, bounds=(0, None), label="layer")
    head = param.Integer(default=3, bounds=(0, None), label="head")
    query = param.Integer(default=16, bounds=(0, None), label="query token")
    step = param.Integer(default=6, bounds=(0, 9), label="step")
    pin = param.String(
        default="On the moon lived a noisy dragon called Zo-vi-ta. It was happy to be called Zo-vi", label="second text"
    )
    sharpness = param.Number(default=1.0, bounds=(0, math.inf), label="sharpness")
    take_out: param.Selector[Any] = param.Selector(
        default="uniform", objects=["scaling", "mask", "uniform", "positions", "head"], label="what to take out"
    )
    swap = param.Integer(default=9, bounds=(0, None), label="token to swap")
    swap_with = param.Integer(default=10, bounds=(0, None), label="token to swap with")
    ask = param.String(default="")
    quiet = ("ask",)
    most = MOST
    token = param.Integer(default=-1, bounds=(-1, None), label="token to follow")

    def tokens(self) -> tuple[int, ...]:
        return lab.tokens_of(self.prompt)[:MOST]

    def pinned(self) -> tuple[int, ...]:
        return lab.tokens_of(self.pin)[:MOST]

    def limits(self) -> dict[str, tuple[int, int, str]]:
        config = lab.model().config
        last = len(self.tokens()) - 1
        return {
            "layer": (0, config.n_layers - 1, "layer"),
            "head": (0, config.n_heads - 1, "head"),
            "query": (0, last, "token"),
            "swap": (0, last, "token"),
            "swap_with": (0, last, "token"),
            "token": (-1, config.n_vocab - 1, "token of the vocabulary"),
        }

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        for name in ("prompt", "pin"):
            if name not in wanted:
                continue
            n = len(lab.tokens_of(wanted[name]))
            if n > MOST:
                messages[name] = (
                    f"This page draws {MOST} tokens at most; your text has {n:,}. The first {MOST} are shown."
                )
        if "prompt" in wanted and "query" not in wanted and self.query == len(self.tokens()) - 1:
            wanted["query"] = min(len(lab.tokens_of(wanted["prompt"])), MOST) - 1  # the last token goes on asking


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
    labels = [roles.label(i, j)[0] for i in range(config.n_layers) for j in range(config.n_heads)]
    return {
        "answer": lab.names_of((seen.answer,))[0], "chance": percent(seen.chance), "found": names[seen.found], "weight": percent(seen.weight),
        "distance": len(tokens) - 1 - seen.found, "effective": number(seen.effective), "head": f"{state.layer}.{state.head}",
        "writer": seen.writer.name, "writer_lead": f"+{number(seen.writer.lead)}", "lens_first": seen.lens_first,
        "d_model": config.d_model, "d_head": config.d_head, "n_heads": config.n_heads, "n_layers": config.n_layers, "n_all": config.n_layers * config.n_heads,
        "copier": f"{layer}.{head}", "copier_score": percent(score), "copier_chance": percent(roles.chance["copy"]), "clear": percent(facts.CLEAR),
        "n_copiers": labels.count(facts.ROLES["copy"][0]), "induction_score": number(roles.best("induction")[2]), "induction_best": roles.best("induction")[2],
        "loss": number(base.cross_entropy), "floor": number(facts.held_out_floor()), "n_docs": facts.N_DOCUMENTS,
        **{f"loss_{name}": number(result.cross_entropy) for name, result in taken.items()},
        "copy_base": nats(base.by_kind["copy"][0]), "copy_n": base.by_kind["copy"][1], "copy_uniform": nats(copy["uniform"]), "copy_positions": nats(copy["positions"]), "copy_positions_raw": copy["positions"],
        "keystone_chance": percent(float(without.min())), "copier_off": percent(float(without[layer, head])), "copier_off_raw": float(without[layer, head]),
        "order_blind": f"at most {number(float(order.changes['no positions, no mask'].max()), 1)} of the output", "order_first": f"{number(float(leaks[0]), 1)}",
        "order_leak": number(float(leaks.max())), "order_leak_layer": int(leaks.argmax()),
    }  # fmt: skip


def nats(value: float) -> str:
    """A loss in running text: small ones in full, not as a power of ten."""
    return number(value) if value >= 0.005 else f"{value:.4f}"


PAGE = Page(
    name="attention",
    title="Attention",
    question="How does a token find what it needs?",
    state=AttentionState,
    numbers=numbers,
    widgets=(
        AttentionStepper, AttentionHeads, AttentionLookup, AttentionRouting, AttentionAblation, AttentionOrder, ResidualBus,
    ),
)  # fmt: skip

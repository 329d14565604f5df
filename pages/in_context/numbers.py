"""What the prose of /in-context/ says in numbers, as measured."""

from __future__ import annotations

from typing import Any

from explainer.ui.html import nats, number, percent

from .facts import learned, lines, rivals
from .page import InContextState

DIVERGES, TEXTBOOK = 1.5, 10  # the step size, and the number of examples, of the many layers in the text


def numbers() -> dict[str, Any]:
    """What the prose says about lines, learned layers and their rivals, as measured."""
    return {**of_lines(), **of_learning(), **of_rivals()}


def of_lines() -> dict[str, Any]:
    state = InContextState()
    x, y = state.points()
    found = lines.lines(x, y, state.ask, state.eta, lines.DEEPEST)
    small = lines.lines(x, y, state.ask, found.limit - 0.05, 300)
    large = lines.lines(x, y, state.ask, found.limit + 0.05, lines.DEEPEST)
    one, deep = (lines.check(state.eta, depth) for depth in (1, lines.DEEPEST))
    return {
        "points": lines.POINTS,
        "deepest": lines.DEEPEST,
        "ask": number(state.ask),
        "first": number(found.attention[1]),
        "least": number(found.least[0] + found.least[1] * state.ask),
        "limit": number(found.limit, 4),
        "below": number(found.limit - 0.05, 3),
        "above": number(found.limit + 0.05, 3),
        "settles": abs(small.attention[-1] - small.least[0] - small.least[1] * state.ask) < 1e-3,
        "overshoots": number(abs(large.attention[-1] - large.least[0] - large.least[1] * state.ask)),
        "checked": one.prompts,
        "check_one": number(one.difference),
        "check_deep": number(deep.difference),
    }


def of_learning() -> dict[str, Any]:
    last = learned.kept_run(learned.SEED)[learned.STEPS]
    seeds, levels = learned.over_seeds(learned.SEEDS), learned.levels()
    [late] = learned.over_seeds((learned.LATE,))
    apart, size = learned.alike(learned.SEED)
    three = learned.kept_three(learned.SEED)[learned.STEPS].tests
    soft = learned.softmax_over_seeds(learned.SOFT_SEEDS, learned.STEPS)
    [(longer_one, longer_two)] = learned.softmax_over_seeds(1, learned.LONGER)
    return {
        "inputs": learned.TASK.inputs,
        "examples": learned.TASK.examples,
        "steps": learned.STEPS,
        "batch": learned.BATCH,
        "rate": number(learned.RATE),
        "seed": learned.SEED,
        "tests": f"{learned.TESTS:,}",
        "weights": learned.trainer(learned.SEED).net.size,
        "loss": nats(last.tests[0]),
        "nothing": nats(levels.nothing),
        "step": nats(levels.step),
        "best_eta": number(learned.ETA),
        "best": nats(learned.BEST),
        "best_nothing": nats(learned.NOTHING),
        "diagonal": number(last.diagonal),
        "beside": number(last.beside),
        "apart": number(apart),
        "size": number(size),
        "n_seeds": len(seeds),
        "seed_last": len(seeds) - 1,
        "seeds_low": nats(min(m.tests[0] for m in seeds)),
        "seeds_high": nats(max(m.tests[0] for m in seeds)),
        "seeds_diagonal_low": number(min(m.diagonal for m in seeds)),
        "seeds_diagonal_high": number(max(m.diagonal for m in seeds)),
        "seeds_beside": number(max(m.beside for m in seeds)),
        "tried_last": learned.TRIED - 1,
        "late_seed": learned.LATE,
        "late": nats(late.tests[0]),
        "late_diagonal": number(late.diagonal),
        "soft_one": nats(three[1]),
        "soft_two": nats(three[2]),
        "soft_seed_last": len(soft) - 1,
        "soft_ones": ", ".join(nats(one) for one, _ in soft),
        "soft_twos": ", ".join(nats(two) for _, two in soft),
        "longer": f"{learned.LONGER:,}",
        "longer_one": nats(longer_one),
        "longer_two": nats(longer_two),
        "soft_behind": all(one > two > levels.step for one, two in (*soft, (longer_one, longer_two))),
    }


def of_rivals() -> dict[str, Any]:
    state = InContextState()
    many = rivals.kept_rivals(DIVERGES, TEXTBOOK, 0.0)
    noisy = rivals.kept_rivals(float(state.size), state.examples, float(state.noise))
    best = min(range(len(noisy.steps)), key=lambda k: noisy.steps[k])
    double, half = (learned.elsewhere(scale, 0.0) for scale in (2.0, 0.5))
    return {
        "many": f"{rivals.MANY:,}",
        "d_eta": number(DIVERGES),
        "d_examples": TEXTBOOK,
        "d_five": nats(many.steps[5]),
        "d_ten": nats(many.steps[10]),
        "d_last": number(many.steps[-1]),
        "d_middle": nats(many.middle[-1]),
        "d_share": percent(many.diverging),
        "noise": number(float(state.noise)),
        "n_examples": state.examples,
        "n_size": number(float(state.size)),
        "n_best": best,
        "n_layers": rivals.LAYERS,
        "n_best_loss": nats(noisy.steps[best]),
        "n_one": nats(noisy.steps[1]),
        "n_last": nats(noisy.steps[-1]),
        "n_least": nats(noisy.least),
        "n_ridge": nats(noisy.ridge),
        "n_beats": noisy.steps[best] < noisy.least,
        "double": number(double.learned),
        "double_own": number(double.own_step),
        "half": number(half.learned),
        "others": learned.OTHERS,
    }

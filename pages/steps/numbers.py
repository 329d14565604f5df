"""What the prose of /steps/ says in numbers, as measured."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from explainer.live import depth
from explainer.ui.html import how_many, number, percent

from .facts import deep, games, pairs
from .facts.pairs import CONTESTS, EVERY, KEPT_TESTS, LONGER, MOVES, PLAN, SEED, SEEDS, TESTS
from .page import StepsState

FORGED_AFTER = 7  # the swap after which games exchange their vectors


def numbers() -> dict[str, Any]:
    """What the prose says about the learners, as measured."""
    state = StepsState()
    once, wrote = last("shell")
    seeds = pairs.over_seeds("shell", SEEDS, PLAN.steps)
    first_sure = [first for _, _, first in seeds if first is not None]
    long = pairs.longer(SEED, LONGER)
    rival, recurrent = last("rival")
    parity, s3 = last("parity"), last("s3")
    alone, each = games.after_forging()
    forged = each[state.forged - 1]
    return {
        "moves": MOVES,
        "steps": PLAN.steps,
        "batch": PLAN.batch,
        "taught": f"{PLAN.steps * PLAN.batch:,}",
        "every": EVERY,
        "seed": SEED,
        "tests": f"{KEPT_TESTS:,}",
        "weights": f"{pairs.weights('shell')[0]:,}",
        "once_sure": how_many(pairs.sure_of(once), "swap"),
        "once_first": percent(once[0]),
        "once_five": percent(once[4]),
        "wrote_last": percent(wrote[-1]),
        "chance": percent(CONTESTS["shell"].chance),
        "n_seeds": len(seeds),
        "seed_last": len(seeds) - 1,
        "seeds_tests": TESTS,
        "seeds_sure": sum(pairs.sure_of(w) == MOVES for _, w, _ in seeds),
        "seeds_step": int(statistics.median(first_sure)) if first_sure else 0,
        "seeds_five": percent(statistics.median(o[4] for o, _, _ in seeds)),
        "longer": f"{LONGER:,}",
        "times": LONGER // PLAN.steps,
        "long_sure": how_many(pairs.sure_of(long), "swap"),
        "long_five": percent(long[4]),
        "long_ten": percent(long[9]),
        "rival_steps": CONTESTS["rival"].plan.steps,
        "rival_last": percent(recurrent[-1]),
        "rival_once": percent(rival[-1]),
        "rival_weights": f"{pairs.weights('rival')[1]:,}",
        "parity_sure": pairs.sure_of(parity[0]),
        "parity_wrote": pairs.sure_of(parity[1]),
        "s3_sure": pairs.sure_of(s3[0]),
        "s3_wrote": pairs.sure_of(s3[1]),
        "forged": state.forged,
        "alone": percent(alone),
        "misled": percent(forged.right),
        "led": percent(forged.led),
        "forged_games": games.FORGED,
        **by_depth(),
        **latent(),
    }


def by_depth() -> dict[str, Any]:
    """What the prose says of one to six layers."""
    far, most = deep.by_layers(), depth.LAYERS[-1]
    every = [deep.by_layers(seed) for seed in depth.seeds()]
    return {
        "d_steps": f"{depth.PLAN.steps:,}",
        "d_batch": depth.PLAN.batch,
        "d_times": depth.PLAN.steps // PLAN.steps,
        "d_tests": f"{depth.GAMES:,}",
        "d_seed": depth.SHOWN,
        "d_seeds": "seed 0 alone" if len(depth.seeds()) == 1 else f"seeds 0 to {depth.seeds()[-1]}",
        "d_most": most,
        "d_list": listed([far[layers] for layers in depth.LAYERS]),
        "d_one": far[1],
        "d_each": list(far.values()) == sorted(far.values()),
        "d_six": how_many(far[most], "swap"),
        "d_six_last": percent(deep.accuracy("at once", most)[-1]),
        "d_writer": deep.follows(deep.accuracy("written")),
        "d_one_range": span([each[1] for each in every]),
        "d_six_range": span([each[most] for each in every]),
    }


def latent() -> dict[str, Any]:
    """What the prose says of the loop without words."""
    moments = pairs.kept_run("latent", SEED)
    first = [next((step for step, m in moments.items() if pairs.sure_of(m.accuracy[k]) == MOVES), None) for k in (0, 1)]
    notes = depth.notes(depth.SHOWN)
    late = [shares[-1] for shares in deep.all_of("told late").values()]
    return {
        "width": pairs.WIDTH,
        "l_words_first": first[0],
        "l_first": f"at step {first[1]}" if first[1] else f"not in {CONTESTS['latent'].plan.steps:,} steps",
        "l_end": percent(moments[CONTESTS["latent"].plan.steps].accuracy[1][-1]),
        "l_steps": f"{CONTESTS['latent'].plan.steps:,}",
        "l_last_range": span([shares[-1] for shares in deep.all_of("latent").values()], percent),
        "l_late_range": span(late, percent),
        "l_late_says": "guessing" if max(late) < 1.3 * CONTESTS["shell"].chance else "more than guessing",
        "l_times": number(float(notes["latent-1 seconds"]) / float(notes["written-1 seconds"])),
        "l_swap": FORGED_AFTER,
        "l_led": percent(deep.crossed(FORGED_AFTER).led),
        "l_own": percent(deep.crossed(FORGED_AFTER).right),
        "l_five": percent(deep.with_means(False)),
        "l_by_swap": percent(deep.with_means(True)),
        "l_alone": percent(deep.accuracy("latent")[-1]),
    }


def span(values: Sequence[float], text: Callable[[float], str] = str) -> str:
    """From the lowest to the highest, or the only one."""
    low, high = text(min(values)), text(max(values))
    return low if low == high else f"{low} to {high}"


def listed(values: Sequence[int]) -> str:
    """3, 4, 5 and 6"""
    *most, last = map(str, values)
    return f"{', '.join(most)} and {last}"


def last(contest: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How good the two of the kept run of a contest are at its end."""
    return pairs.kept_run(contest, SEED)[CONTESTS[contest].plan.steps].accuracy

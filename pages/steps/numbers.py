"""What the prose of /steps/ says in numbers, as measured."""

from __future__ import annotations

import statistics
from typing import Any

from explainer.ui.html import how_many, percent

from .facts import games, pairs
from .facts.pairs import CONTESTS, EVERY, KEPT_TESTS, LONGER, MOVES, PLAN, SEED, SEEDS, TESTS
from .page import StepsState


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
        "once_two": percent(once[1]),
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
    }


def last(contest: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """How good the two of the kept run of a contest are at its end."""
    return pairs.kept_run(contest, SEED)[CONTESTS[contest].plan.steps].accuracy

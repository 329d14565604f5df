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
    run = pairs.kept_run("shell", SEED)
    once, wrote = run.at(None).accuracy
    seeds = pairs.over_seeds("shell", SEEDS, PLAN.steps)
    first_sure = [first for _, _, first in seeds if first is not None]
    long = pairs.longer(SEED, LONGER)
    rival = pairs.kept_run("rival", SEED)
    recurrent = rival.at(None).accuracy[1]
    parity, s3 = (pairs.kept_run(name, SEED).at(None).accuracy for name in ("parity", "s3"))
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
        "weights": f"{run.weights[0]:,}",
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
        "rival_once": percent(rival.at(None).accuracy[0][-1]),
        "rival_weights": f"{rival.weights[1]:,}",
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

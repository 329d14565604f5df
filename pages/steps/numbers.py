"""What the prose of /steps/ says in numbers, as measured."""

from __future__ import annotations

import statistics
from typing import Any

from explainer.ui.html import percent

from .facts import games, pairs
from .facts.pairs import CONTESTS, EVERY, KEPT_TESTS, LONGER, MOVES, PLAN, SEED, SEEDS
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
    alone, misled = games.after_forging()[state.forged - 1]
    return {
        "moves": MOVES,
        "steps": PLAN.steps,
        "batch": PLAN.batch,
        "taught": f"{PLAN.steps * PLAN.batch:,}",
        "every": EVERY,
        "seed": SEED,
        "tests": f"{KEPT_TESTS:,}",
        "weights": f"{run.weights[0]:,}",
        "once_first": percent(once[0]),
        "once_two": percent(once[1]),
        "once_five": percent(once[4]),
        "once_ten": percent(once[9]),
        "wrote_last": percent(wrote[-1]),
        "chance": percent(CONTESTS["shell"].chance),
        "n_seeds": len(seeds),
        "seeds_sure": sum(pairs.sure_of(w) == MOVES for _, w, _ in seeds),
        "seeds_step": int(statistics.median(first_sure)) if first_sure else 0,
        "seeds_five": percent(statistics.median(o[4] for o, _, _ in seeds)),
        "seeds_half": int(statistics.median(pairs.below_half(o) or MOVES for o, _, _ in seeds)),
        "longer": f"{LONGER:,}",
        "times": LONGER // PLAN.steps,
        "long_sure": pairs.sure_of(long),
        "long_half": pairs.below_half(long) or MOVES,
        "long_five": percent(long[4]),
        "long_ten": percent(long[9]),
        "rival_steps": CONTESTS["rival"].plan.steps,
        "rival_sure": pairs.sure_of(recurrent),
        "rival_last": percent(recurrent[-1]),
        "rival_weights": f"{rival.weights[1]:,}",
        "parity_sure": pairs.sure_of(parity[0]),
        "parity_wrote": pairs.sure_of(parity[1]),
        "s3_sure": pairs.sure_of(s3[0]),
        "s3_wrote": pairs.sure_of(s3[1]),
        "forged": state.forged,
        "alone": percent(alone),
        "misled": percent(misled),
        "forged_games": games.FORGED,
    }

"""What the prose of /training/ says in numbers, as measured."""

from __future__ import annotations

import statistics
from typing import Any

from explainer.ui.html import nats, percent

from .facts import copying, own_text, sums


def numbers() -> dict[str, Any]:
    """What the prose says about the learners, as measured."""
    return {**of_copying(), **of_sums(), **of_text()}


def of_copying() -> dict[str, Any]:
    run = copying.kept_run(copying.SEED)
    last = run[copying.STEPS]
    seeds = copying.over_seeds(copying.SEEDS)
    good = sorted(first for first, _, _ in seeds if first is not None)
    two, one = copying.weights()
    return {
        "c_steps": copying.STEPS,
        "c_batch": copying.BATCH,
        "c_seed": copying.SEED,
        "c_tests": copying.KEPT_TESTS,
        "c_symbols": copying.TASK.symbols,
        "c_least": copying.TASK.shortest,
        "c_most": copying.TASK.longest,
        "c_length": copying.TASK.length,
        "c_chance": percent(1 / copying.TASK.symbols),
        "c_first": copying.first_good(run),
        "c_two": percent(last.right[0]),
        "c_one": percent(last.right[1]),
        "c_before": percent(last.before),
        "c_followed": percent(last.followed[0]),
        "c_only": percent(last.followed[1]),
        "c_weights": f"{two:,}",
        "c_weights_one": f"{one:,}",
        "c_seeds": len(seeds),
        "c_seeds_good": len(good),
        "c_seeds_first": int(statistics.median(good)) if good else 0,
        "c_seeds_low": good[0] if good else 0,
        "c_seeds_high": good[-1] if good else 0,
        "c_seeds_one": percent(max(one for *_, one in seeds)),
        "c_cut_followed": percent(copying.without_first(copying.SEED)[0]),
        "c_cut": percent(copying.without_first(copying.SEED)[1]),
        "c_longer": f"{copying.LONGER:,}",
        "c_times": copying.LONGER // copying.STEPS,
        "c_long": percent(copying.longer(copying.SEED, copying.LONGER)),
    }


def of_sums() -> dict[str, Any]:
    run = sums.kept_run(sums.SEED)
    last = run[sums.STEPS]
    seeds = sums.over_seeds(sums.SEEDS)
    known = [rest for _, _, rest in seeds if rest is not None]
    by_heart = sums.first_known(run, "taught")
    taught, unseen = sums.without_decay(sums.SEED, sums.LONGER)
    return {
        "p": sums.P,
        "s_all": f"{sums.P**2:,}",
        "s_taught": f"{int(sums.TASK.share * sums.P**2):,}",
        "s_steps": f"{sums.STEPS:,}",
        "s_seed": sums.SEED,
        "s_heart": by_heart,
        "s_then": percent(run[by_heart].unseen) if by_heart else "",
        "s_chance": percent(1 / sums.P),
        "s_rule": sums.first_known(run, "unseen"),
        "s_weights": f"{sums.weights():,}",
        "s_waves": sums.strong(last.shares),
        "s_of_waves": len(last.shares),
        "s_waves_first": sums.strong(run[0].shares),
        "s_seeds": len(seeds),
        "s_seeds_heart": int(statistics.median(heart for heart, _, _ in seeds if heart is not None)),
        "s_seeds_then": percent(statistics.median(then for _, then, _ in seeds)),
        "s_seeds_known": len(known),
        "s_seeds_rule": int(statistics.median(known)) if known else 0,
        "s_longer": f"{sums.LONGER:,}",
        "s_no_decay_taught": percent(taught),
        "s_no_decay": percent(unseen),
    }


def of_text() -> dict[str, Any]:
    run, tables = own_text.kept_run(own_text.SEED), own_text.tables(own_text.ALICE)
    best = min(run.values(), key=lambda m: m.held)
    seeds = own_text.over_seeds(own_text.SEEDS)
    below = [step for _, step in seeds if step is not None]
    return {
        "t_steps": own_text.STEPS,
        "t_seed": own_text.SEED,
        "t_length": len(own_text.ALICE),
        "t_held": tables.held,
        "t_characters": tables.characters,
        "t_chance": nats(tables.chance),
        "t_letters": nats(tables.letters),
        "t_pairs": nats(tables.pairs),
        "t_best": nats(best.held),
        "t_best_step": best.step,
        "t_last": nats(run[own_text.STEPS].held),
        "t_last_taught": nats(run[own_text.STEPS].taught),
        "t_weights": f"{own_text.weights():,}",
        "t_reads": own_text.LENGTH,
        "t_least": own_text.LEAST,
        "t_seeds": len(seeds),
        "t_seeds_below": len(below),
        "t_seeds_step": int(statistics.median(below)) if below else 0,
        "t_seeds_best": nats(statistics.median(least for least, _ in seeds)),
        "t_beats": best.held < tables.pairs,
    }

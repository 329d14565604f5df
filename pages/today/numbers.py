"""What the prose of /today/ says in numbers: of the sizes, of the runs and of what holds exactly."""

from __future__ import annotations

from typing import Any

from explainer.ui.html import nats, number

from .facts import exact, runs, sizes
from .facts.runs import ALONE, LONGER, NOW, SEED, SWITCHES, THEN


def numbers() -> dict[str, Any]:
    """All of them."""
    return {**of_sizes(), **of_runs(), **of_exact()}


def of_sizes() -> dict[str, Any]:
    then, now = sizes.costs(sizes.THEN), sizes.costs(sizes.NOW)
    return {
        "layers": sizes.NOW.n_layers,
        "heads": sizes.NOW.n_heads,
        "kv_heads": sizes.NOW.n_kv_heads,
        "share": sizes.NOW.n_heads // sizes.NOW.n_kv_heads,
        "width": sizes.NOW.d_model,
        "mlp_then": f"{sizes.THEN.d_mlp:,}",
        "mlp_now": f"{sizes.NOW.d_mlp:,}",
        "context": f"{sizes.NOW.n_ctx:,}",
        "all_now": f"{sizes.NOW.n_params / 1e6:.1f}",
        "all_then": f"{sizes.THEN.n_params / 1e6:.1f}",
        "table": f"{then['places'].weights / 1e6:.1f}",
        "cache_then": f"{then['share'].cache:,}",
        "cache_now": f"{now['share'].cache:,}",
        "norm_then": f"{then['norm'].operations:,}",
        "norm_now": f"{now['norm'].operations:,}",
        "norm_share": f"{100 * now['norm'].operations / sum(c.operations for c in now.values()):.2f} %",
    }


def of_runs() -> dict[str, Any]:
    alone = {name: runs.effect(choice) for name, choice in zip(SWITCHES, ALONE, strict=True)}
    together = runs.effect(NOW)
    found: dict[str, Any] = {
        "r_steps": runs.STEPS,
        "r_batch": runs.BATCH,
        "r_length": runs.LENGTH,
        "r_rate": runs.RATE,
        "r_letters": f"{runs.LETTERS:,}",
        "r_vocab": runs.stories().vocab,
        "r_seed": SEED,
        "r_seeds": runs.SEEDS,
        "r_tested": f"{runs.TESTED * runs.LENGTH:,}",
        "r_width": runs.WIDTH,
        "r_layers": runs.LAYERS,
        "r_heads": runs.HEADS,
        "r_hidden": runs.HIDDEN,
        "r_inner": runs.block(NOW, runs.stories()).inner,
        "r_then": nats(runs.final(THEN, SEED)),
        "r_now": nats(runs.final(NOW, SEED)),
        "r_spread": nats(together.spread),
        "r_weights_then": f"{runs.size(THEN)[0]:,}",
        "r_weights_now": f"{runs.size(NOW)[0]:,}",
        "r_bytes_then": runs.size(THEN)[1],
        "r_bytes_now": runs.size(NOW)[1],
        "all": signed(together.middle),
        "all_low": signed(min(together.apart)),
        "all_high": signed(max(together.apart)),
        "clear": [name for name, e in alone.items() if e.clear],
        "only_places": [name for name, e in alone.items() if e.clear] == ["places"] and alone["places"].middle < 0,
        "long_steps": f"{LONGER:,}",
        "long_table": nats(runs.longer(THEN, SEED, LONGER)),
        "long_rope": nats(runs.longer(ALONE[1], SEED, LONGER)),
        "long_gap": nats(runs.longer(THEN, SEED, LONGER) - runs.longer(ALONE[1], SEED, LONGER)),
    }
    for name, effect in alone.items():
        found |= {
            f"e_{name}": signed(effect.middle),
            f"e_{name}_low": signed(min(effect.apart)),
            f"e_{name}_high": signed(max(effect.apart)),
        }
    return found


def of_exact() -> dict[str, Any]:
    moved = exact.moved()
    return {
        "x_learned": number(max(moved.learned)),
        "x_turned": number(max(moved.turned)),
        "x_off": number(max(exact.normalised(at).off for at in range(exact.LAYERS + 1))),
    }


def signed(value: float) -> str:
    """A change in nats, with its sign."""
    return ("+" if value > 0 else "") + nats(value)

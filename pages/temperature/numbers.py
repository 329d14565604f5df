"""What the prose of /temperature/ says in numbers, as measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from explainer.corpus import Reader
from explainer.corpus.examples import PROMPTS
from explainer.corpus.grammar import PATTERN_STOP
from explainer.kernel.checkpoint import WEIGHTS
from explainer.kernel.sampling import Loop
from explainer.kernel.temperature import gap, total_variation
from explainer.models import lab
from explainer.studies import forecast, next_token
from explainer.studies.forecast import GRID, held_out, loss_by_temperature, losses, truth_after
from explainer.ui.html import how_many, number, percent, sample

from .facts import machine
from .facts.draws import EACH, first_draws
from .facts.draws import SEEDS as SEEDS_BESIDE
from .facts.repetition import (
    LENGTH,
    SEEDS,
    TEMPERATURES,
    cold_and_learned,
    desk,
    first_slip,
    over_seeds,
)
from .page import TemperatureState
from .views.draws import ROWS
from .views.machine import named
from .views.repetition import TRY

K = 5  # top-k in the comparison of the three cuts


def as_good(text: forecast.Curve, within: float = 0.001) -> tuple[float, float]:
    """The coldest and the warmest temperature, in steps of a hundredth, at which the loss is no more than so many nats
    above the least of them."""
    losses_at = {k / 100: text.at(k / 100)[0] for k in range(50, 200)}
    least = min(losses_at.values())
    good = [t for t, loss in losses_at.items() if loss <= least + within]
    return good[0], good[-1]


def shown_name(token: int) -> str:
    """A token as the figures name it: without the mark for the space before it."""
    return lab.tokenizer().display(token).removeprefix("␣")


def ending(loop: Loop | None) -> str:
    """Whether a text ends in a loop, in words."""
    if not loop:
        return "does not end in a loop"
    return f"ends in a loop of {how_many(loop.period, 'token')}, {how_many(loop.repeats, 'time')} round"


def between_shares(shares: Sequence[float]) -> str:
    """The smallest and the largest of some shares, in words."""
    low, high = percent(min(shares)), percent(max(shares))
    return low if low == high else f"{low} to {high}"


def begins(truth: np.ndarray, tokens: Sequence[int]) -> list[tuple[str, str]]:
    """Of the tokens that can come next, those that are only the beginning of a word: (token, the word)."""
    tokenizer = lab.tokenizer()
    reader = Reader(tokenizer)
    for token in tokens[1:]:
        reader.feed(token)
    words = {word: tokenizer.encode_word(word) for word in reader.next_words()}
    return [(shown_name(ids[0]), word.strip()) for word, ids in words.items() if len(ids) > 1 and truth[ids[0]] > 0]


def numbers() -> dict[str, Any]:
    """What the prose says about the model, as measured."""
    state = TemperatureState()
    tokens = state.tokens()
    look, cold = next_token.next_token(tokens, 1.0), next_token.next_token(tokens, 0.5)
    truth = truth_after(tokens)
    here = losses(truth.probs, look.chain.probs, 0.01)
    text = held_out()
    left_out = int((truth.probs > 0).sum()) - K
    coldest = next_token.next_token(tokens, TEMPERATURES[0]).chain.probs
    curve = loss_by_temperature()
    best = min(curve, key=lambda row: row[1])
    flat = as_good(text)
    farthest = machine.machine(look, first_draws(look.final, 0, 0), tokens).parts[machine.FEW - 1]
    name = shown_name
    first, second = look.pair
    between, stretched = gap(look.chain, first, second), gap(cold.chain, first, second)
    on = desk(tokens, state.seed)
    on.advance(LENGTH)
    texts = dict(zip(("cold", "cool", "one", "hot"), on.texts(), strict=False))
    warm = next_token.next_token(tokens, 4.0)
    kept = next_token.kept_by_temperature(tokens, (1.0, 4.0), K, 0.9, 0.1)
    seeds = dict(zip(("cold", "one", "corpus"), over_seeds(tokens), strict=True))
    others = [lab.tokens_of(PROMPTS[name][0]) for name in TRY if PROMPTS[name][0] != state.prompt]
    after = [cold_and_learned(other, state.seed) for other in others]
    bad_cold = text.at(TEMPERATURES[0])[1]
    found = {
        "n_vocab": len(look.order),
        "first": name(first),
        "second": name(second),
        "gap": number(between.before),
        "gap_cold": number(stretched.after),
        "odds": number(between.odds_before),
        "odds_cold": number(stretched.odds_after),
        "floor": f"{here.floor:.3f}",
        "loss": f"{here.model:.3f}",
        "possible": int((truth.probs > 0).sum()),
        "right": percent(here.right),
        "held_floor": f"{text.floor.value:.3f}",
        "held_sample": sample(text.floor),
        "held_between": f"{text.interval(1.0)[0]:.3f} to {text.interval(1.0)[1]:.3f}",
        "held_loss": f"{text.at(1.0)[0]:.3f}",
        "held_half": f"{text.at(0.5)[0]:.3f}",
        "held_two": f"{text.at(2.0)[0]:.3f}",
        "best_t": f"{best[0]:.2g}",
        "tried": len(curve),
        "t_low": f"{GRID[0]:g}",
        "t_high": f"{GRID[-1]:g}",
        "step": percent((GRID[-1] / GRID[0]) ** (1 / (len(GRID) - 1)) - 1),
        "flat_low": f"{flat[0]:.2f}",
        "flat_high": f"{flat[1]:.2f}",
        "farthest": named([farthest])[0][0],
        "each": EACH,
        "thousand": f"{SEEDS_BESIDE * EACH:,}",
        "tv_half": number(total_variation(cold.final, truth.probs), 4),
        "certain": percent(text.certain),
        "held_hedged": f"{text.argmax(0.01):.3f}",
        "bad_one": percent(text.at(1.0)[1]),
        "bad_two": percent(text.at(2.0)[1]),
        "bad_half": percent(text.at(0.5)[1]),
        "n_ctx": lab.model().config.n_ctx,
        "length": LENGTH,
        "stop": percent(PATTERN_STOP),
        "k_one": kept[0][0],
        "p_one": kept[0][1],
        "m_one": kept[0][2],
        "p_four": kept[1][1],
        "m_four": kept[1][2],
        "left_out": how_many(left_out, "good token") if left_out > 0 else "",
        "n_seeds": SEEDS,
        "t_cold": f"{TEMPERATURES[0]:g}",
        "first_cold": percent(float(coldest[first])),
        "first_one": percent(float(look.chain.probs[first])),
        "runner": name(int(look.order[1])),
        "runner_one": percent(float(look.chain.probs[look.order[1]])),
        "others_four": percent(warm.rest(ROWS)[2]),
    }
    found |= {
        "begins": begins(truth.probs, tokens),
        "bad_cold": percent(bad_cold),
        "cold_safe": bad_cold < text.at(1.0)[1] / 2,
        "n_prompts": len(after),
        "prompts_cold": between_shares([cold[0] for cold, _ in after]),
        "prompts_one": between_shares([one[0] for _, one in after]),
        "prompts_looping": sum(cold[1] for cold, _ in after),
        "prompts_more": all(cold[0] > one[0] for cold, one in after) and not all(cold[1] for cold, _ in after),
        "cold_different": seeds["cold"].different,
    }
    for key, t in texts.items():
        found |= {
            f"{key}_distinct": number(t.distinct_2),
            f"{key}_copied": percent(t.copied_share),
            f"{key}_entropy": f"{t.mean_entropy:.3f}",
            f"{key}_loop": ending(t.loop),
        }
    for key, text_of in seeds.items():
        low, high = text_of.middle_half
        found |= {
            f"{key}_median": percent(text_of.median),
            f"{key}_half": f"{percent(low)} to {percent(high)}",
            f"{key}_looping": sum(text_of.loops),
        }
    repeated = {"cold_loops": texts["cold"].loop is not None} | slip(tokens, texts["cold"].tokens)
    return found | repeated | real_model()


def slip(prompt: tuple[int, ...], tokens: tuple[int, ...]) -> dict[str, Any]:
    """Where the coldest text leaves the grammar, if it does: what stood there, what had to,
    and how much comes after."""
    at = first_slip(prompt, tokens)
    if at is None:
        nothing = ("slip_at", "slip_wrote", "slip_wanted", "slip_chance", "slip_share", "slip_beads")
        return {"slip": False} | dict.fromkeys(nothing, "")
    tokenizer = lab.tokenizer()
    wanted = [tokenizer.display(token) for token in at.wanted]
    before = tokenizer.decode((*prompt[1:], *tokens[: at.at]))
    return {
        "slip": True,
        "slip_at": at.at + 1,
        "slip_wrote": tokenizer.display(tokens[at.at]),
        "slip_wanted": wanted[0] if len(wanted) == 1 else "",
        "slip_chance": percent(at.chance),
        "slip_share": percent(1 - at.at / len(tokens)),
        "slip_beads": before.count(",") + 1 if before.startswith("Beads:") and wanted == ["."] else 0,
    }


def real_model() -> dict[str, Any]:
    """How much a real model repeats itself: from the card of SmolLM2-135M."""
    found = json.loads((WEIGHTS / "smollm2-135m.json").read_text(encoding="utf-8"))["repetition"]
    of = {x["temperature"]: x for x in found["by_temperature"]}
    cold = min(of)
    between = lambda m: f"{percent(m['mean'])} ({percent(m['low'])} to {percent(m['high'])})"  # noqa: E731
    return {
        "real_texts": found["texts"],
        "real_length": found["length"],
        "real_gram": found["gram"],
        "real_openings": len(found["openings"]),
        "real_t_cold": f"{cold:g}",
        "real_cold": between(of[cold]["repeated"]),
        "real_one": between(of[1.0]["repeated"]),
        "real_two": between(of[2.0]["repeated"]),
        "real_loops": between(of[cold]["loops"]),
    }

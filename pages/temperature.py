"""/temperature/: what does temperature really do?"""

from __future__ import annotations

import math
from typing import Any

import param

from explainer import draws, lab, next_token
from explainer.corpus.examples import PROMPTS
from explainer.corpus.grammar import PATTERN_STOP
from explainer.forecast import held_out, loss_by_temperature, losses, truth_after
from explainer.repetition import LENGTH, TEMPERATURES, desk
from explainer.sampling import Loop
from explainer.state import PageState, short
from explainer.temperature import gap
from explainer.views.html import number, percent
from explainer.views.page import Page
from explainer.views.temperature_chain import TemperatureChain
from explainer.views.temperature_draws import TemperatureDraws
from explainer.views.temperature_filters import TemperatureFilters
from explainer.views.temperature_repetition import Repetition
from explainer.views.temperature_truth import HEDGES, TemperatureTruth

PROMPT = PROMPTS["a string of beads"][0]


class TemperatureState(PageState):
    quiet = ("again",)
    prompt = param.String(default=PROMPT, label="Prompt")
    t = param.Number(default=0.5, bounds=(0, math.inf), label="Temperature")
    top_k = param.Integer(default=None, bounds=(1, None), allow_None=True, label="Top-k")
    top_p = param.Number(default=None, bounds=(0, 1), allow_None=True, label="Top-p")
    min_p = param.Number(default=None, bounds=(0, 1), allow_None=True, label="Min-p")
    seed = param.Integer(default=0, bounds=(0, 2**32 - 1), label="Seed")
    draws = param.Integer(default=100, bounds=(0, draws.MOST), label="number of draws")
    checks = param.Integer(default=0, bounds=(0, 999), label="number of checks")
    hedge: param.Selector[Any] = param.Selector(default=0.01, objects=list(HEDGES), label="share kept back")
    again = param.Integer(default=0, label="wish to go on")

    def all_tokens(self) -> tuple[int, ...]:
        """The whole prompt."""
        return lab.tokens_of(self.prompt)

    def tokens(self) -> tuple[int, ...]:
        """As much of its end as the model can read."""
        return self.all_tokens()[-lab.model().config.n_ctx :]

    def look(self, cuts: bool = True) -> next_token.NextToken:
        """The next token at these settings."""
        return next_token.next_token(self.tokens(), self.t, *((self.top_k, self.top_p, self.min_p) if cuts else ()))

    def update_from(self, given: dict[str, Any]) -> dict[str, str]:
        outside = {name: given[name] for name in self.names() if beyond(self.param[name], given.get(name))}
        messages = super().update_from(given)
        for name, value in outside.items():
            label = self.param[name].label
            messages.setdefault(name, f"{label} cannot be {short(value)}; it is {getattr(self, name):,g} now.")
        return messages

    def clean(self, wanted: dict[str, Any], messages: dict[str, str]) -> None:
        if wanted.get("t") and math.isfinite(wanted["t"]):
            wanted["t"] = float(f"{wanted['t']:.3g}")  # a slider's position, so that a link says it in full
        if "prompt" in wanted:
            n, most = len(lab.tokens_of(wanted["prompt"])), lab.model().config.n_ctx
            if n > most:
                messages["prompt"] = (
                    f"The model reads {most} tokens at most; your text has {n:,}. It is given the last {most}."
                )


def beyond(kind: param.Parameter, given: Any) -> bool:
    """Whether a number was asked for that the parameter cannot have."""
    if given is None or not isinstance(kind, param.Number):
        return False
    try:
        value = float(given)
    except (TypeError, ValueError):
        return False
    low, high = kind.bounds or (None, None)
    return (low is not None and value < low) or (high is not None and value > high)


def ending(loop: Loop | None) -> str:
    """Whether a text ends in a loop, in words."""
    if not loop:
        return "does not end in a loop"
    return f"ends in a loop of {loop.period} token{'s' if loop.period > 1 else ''}, {loop.repeats} times round"


def numbers() -> dict[str, Any]:
    """What the prose says about the model, as measured."""
    state = TemperatureState()
    tokens = state.tokens()
    look, cold = next_token.next_token(tokens, 1.0), next_token.next_token(tokens, 0.5)
    truth = truth_after(tokens)
    here = losses(truth.probs, look.chain.probs, 0.01)
    text = held_out()
    curve = loss_by_temperature()
    best = min(curve, key=lambda row: row[1])
    name = lab.tokenizer().display
    first, second = look.pair
    between, stretched = gap(look.chain, first, second), gap(cold.chain, first, second)
    on = desk(tokens, state.seed)
    on.advance(LENGTH)
    texts = dict(zip(("cold", "cool", "one", "hot"), on.texts(), strict=False))
    kept = next_token.kept_by_temperature(tokens, (1.0, 4.0), 5, 0.9, 0.1)
    found = {
        "n_vocab": len(look.order), "first": name(first), "second": name(second), "gap": number(between.before), "gap_cold": number(stretched.after),
        "odds": number(between.odds_before), "odds_cold": number(stretched.odds_after), "choices": number(look.choices),
        "floor": f"{here.floor:.3f}", "loss": f"{here.model:.3f}", "possible": int((truth.probs > 0).sum()), "right": percent(here.right), "hedged": f"{here.hedged:.2f}",
        "n_held": text.n, "held_floor": f"{text.floor:.3f}", "held_loss": f"{text.at(1.0)[0]:.3f}", "held_half": f"{text.at(0.5)[0]:.3f}",
        "held_two": f"{text.at(2.0)[0]:.3f}", "best_t": f"{best[0]:.2g}", "certain": percent(text.certain), "uncertain": percent(1 - text.certain),
        "held_hedged": f"{text.argmax(0.01):.3f}", "bad_one": percent(text.at(1.0)[1]), "bad_two": percent(text.at(2.0)[1]), "bad_half": percent(text.at(0.5)[1]),
        "n_ctx": lab.model().config.n_ctx, "temperatures": ", ".join(f"{t:g}" for t in TEMPERATURES), "length": LENGTH,
        "stop": percent(PATTERN_STOP), "k_one": kept[0][0], "p_one": kept[0][1], "m_one": kept[0][2], "p_four": kept[1][1], "m_four": kept[1][2], "bad_four": percent(text.at(4.0)[1]),
    }  # fmt: skip
    for key, t in texts.items():
        found |= {
            f"{key}_distinct": number(t.distinct_2), f"{key}_copied": percent(t.copied_share), f"{key}_entropy": f"{t.mean_entropy:.3f}",
            f"{key}_loop": ending(t.loop),
        }  # fmt: skip
    return found


PAGE = Page(
    name="temperature",
    title="Temperature",
    question="What does temperature really do?",
    state=TemperatureState,
    widgets=(TemperatureChain, TemperatureDraws, TemperatureFilters, TemperatureTruth, Repetition),
    numbers=numbers,
)

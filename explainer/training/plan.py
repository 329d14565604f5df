"""How a model of the family is trained: the plan, and what training must not see. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from explainer.corpus import names


@dataclass(frozen=True)
class Plan:
    """How one model is trained."""

    layers: int
    d_model: int = 96
    steps: int = 6_000
    batch: int = 32  # windows of 128 tokens
    lr_muon: float = 0.02
    lr_adam: float = 4e-3
    warm_up: int = 100
    flat: float = 0.4  # this share of the steps at the full rate, then linearly to zero
    seed: int = 1
    checks: int = 64  # held-out windows for the progress line

    @property
    def name(self) -> str:
        return f"storyteller-{self.layers}l"

    def rate(self, step: int) -> float:
        """Share of the full learning rate at this step."""
        if step < self.warm_up:
            return (step + 1) / self.warm_up
        return min(1.0, (self.steps - step) / (self.steps * (1 - self.flat)))

    def moments(self) -> list[int]:
        """The steps whose weights are kept: the start, then from 20 on, evenly on a logarithmic scale, and the end."""
        found = [0]
        while (step := round(FIRST_KEPT * KEPT_RATIO ** (len(found) - 1))) < 0.9 * self.steps:
            found.append(step)
        return [*found, self.steps]


FIRST_KEPT, KEPT_RATIO = 20, 1.50273  # sixteen states of 6,000 steps


def has_held_out_name(words: list[str]) -> bool:
    """Whether an invented name that training must not see stands in a document."""
    return any(names.held_out(name) for name in names.names_in(words))

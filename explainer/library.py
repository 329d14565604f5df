"""The public front of the package, in terms of texts: `explainer.load()` and what a loaded model does.

Nothing is computed here: each function hands its text, as tokens, to the function that computes.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from explainer.kernel import checkpoint, model, sampling
from explainer.kernel.sampling import Step
from explainer.kernel.tokenizer import Tokenizer
from explainer.kernel.trace import Intervention, Trace
from explainer.models import lab
from explainer.studies.next_token import NextToken, scored

Text = str | Sequence[int]
"""A text, or its tokens exactly as the model is to read them (the start token included)."""


@dataclass(frozen=True, eq=False, repr=False)
class Model(model.Model):
    """A trained model: sizes (`config`), weights (`params`), and what it does with a text.

    It can be given to every function of `explainer.kernel` that takes a model. Texts become tokens as on the site: the
    start token comes first, and a name that a text introduces is written in pieces (`explainer.models.lab.tokens_of`).
    """

    def trace(self, text: Text, interventions: Sequence[Intervention] = ()) -> Trace:
        """Run the model once over a text and keep every intermediate, by name.

        text:          the text, or its tokens
        interventions: changes to make on the way (`explainer.kernel.interventions`)
        Raises ValueError for a text with more tokens than the model has positions.
        """
        return self.forward(tokens_of(text), interventions)

    def next_token(
        self,
        text: Text,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
    ) -> NextToken:
        """The distribution of the token that comes next, with every step from the logits to it.

        text:         the text, or its tokens
        temperature:  0 is greedy; inf is uniform
        top_k, top_p, min_p: the cuts, applied in this order; None: not set
        Raises ValueError for a setting that makes no sense, or a text that is too long.
        """
        tokens = tokens_of(text)
        logits = self.forward(tokens)["logits"][-1]
        return scored(tokens, logits, sampling.by_probability(logits), temperature, top_k, top_p, min_p)

    def generate(
        self,
        text: Text,
        n: int = 40,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        seed: int = 0,
        interventions: Sequence[Intervention] = (),
    ) -> Continuation:
        """Write up to n tokens after a text: score, draw, write, again. It stops where the model ends the document.

        text: the text, or its tokens; what is longer than the context loses its beginning
        seed: the same seed writes the same tokens; the other settings are those of `next_token`
        """
        tokens = tokens_of(text)
        steps = sampling.generate(
            self,
            tokens,
            n,
            temperature,
            top_k,
            top_p,
            min_p,
            seed,
            stop=tokenizer().end_id,
            interventions=interventions,
        )
        return Continuation(tokens, tuple(steps))

    @functools.cached_property
    def card(self) -> Mapping[str, Any]:
        """The model card: how it was trained, and what was measured on held-out text. Losses are in nats per token."""
        return json.loads((checkpoint.WEIGHTS / f"{self.name}.json").read_text(encoding="utf-8"))

    def __repr__(self) -> str:
        return "\n".join([super().__repr__(), *(f"  {line}" for line in self._card_says())])

    def _repr_html_(self) -> str:
        first, *rest = (escape(line) for line in (super().__repr__(), *self._card_says()))
        return f"<p><b>{first}</b></p><ul>{''.join(f'<li>{line}</li>' for line in rest)}</ul>"

    def _card_says(self) -> list[str]:
        made, held_out = self.card["metadata"], self.card["held_out"]
        return [
            f"trained by explainer.training on {int(made['tokens']):,} tokens of explainer.corpus "
            f"({int(made['steps']):,} steps, seed {made['seed']}, {int(made['seconds']) / 60:.0f} minutes on a CPU)",
            f"loss {held_out['loss']:.4f} nats per token on {held_out['tokens']:,} held-out tokens; "
            f"floor {held_out['floor']:.4f}, what the true distribution itself has there",
        ]


@dataclass(frozen=True, eq=False, repr=False)
class Continuation:
    """A text that a model has continued.

    prompt: the tokens that it was given
    steps:  one `explainer.kernel.sampling.Step` for each token that it wrote: context, logits, cuts, draw
    """

    prompt: tuple[int, ...]
    steps: tuple[Step, ...]

    @property
    def written(self) -> tuple[int, ...]:
        """The tokens that the model wrote."""
        return tuple(step.token for step in self.steps)

    @property
    def text(self) -> str:
        """The whole text, without the tokens that start and end a document."""
        return _readable((*self.prompt, *self.written))

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Continuation({self.text!r}, {len(self.steps)} tokens written)"

    def _repr_html_(self) -> str:
        return f"<p>{escape(_readable(self.prompt))}<b>{escape(_readable(self.written))}</b></p>"


def load(name: str = lab.STORYTELLER) -> Model:
    """A trained model by name, from the files that come with the package.

    name: one of `available()`
    Raises explainer.kernel.checkpoint.MissingCheckpoint, with the names that there are, for any other.
    """
    loaded = lab.model(name)
    return Model(loaded.config, loaded.params, loaded.name, loaded.metadata)


def available() -> tuple[str, ...]:
    """The names of the models that come with the package."""
    return checkpoint.available()


def tokenizer() -> Tokenizer:
    """The tokenizer that all models share: byte-level BPE."""
    return lab.tokenizer()


def trace(text: Text, interventions: Sequence[Intervention] = ()) -> Trace:
    """`Model.trace` of the model that `load()` gives."""
    return load().trace(text, interventions)


def next_token(
    text: Text,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    min_p: float | None = None,
) -> NextToken:
    """`Model.next_token` of the model that `load()` gives."""
    return load().next_token(text, temperature, top_k, top_p, min_p)


def generate(text: Text, n: int = 40, **settings: Any) -> Continuation:
    """`Model.generate` of the model that `load()` gives."""
    return load().generate(text, n, **settings)


def widget(name: str, **values: Any) -> Any:
    """One figure of the site as a Panel component over a state of its own (`.state`). Needs the extra `panel`.

    It works as on the site: in a cell of JupyterLab (after `pn.extension()`), under `panel serve` and `panel convert`.
    What a reader does with it changes its state; what changes its state changes what is seen.

    name:   as in the site's embeds: "temperature", "attention-stepper" ...
    values: what an address or an embed may say: prompt="Once there was a", t=0.7 ...
    Raises ValueError for an unknown name and TypeError for an unknown value, both with those that there are, and
    ImportError if Panel is not installed.
    """
    return _panel_host().widget(name, values)


def page(name: str) -> Any:
    """All figures of a page of the site as one Panel layout, over one state. Needs the extra `panel`.

    name: as in the page's address: "temperature", "attention" ...
    Raises ValueError for an unknown name, with those that there are, and ImportError if Panel is not installed.
    """
    return _panel_host().page(name)


def _panel_host() -> Any:
    try:
        from explainer.host import panel_host
    except ModuleNotFoundError as problem:
        if (problem.name or "").partition(".")[0] not in ("panel", "bokeh", "param"):
            raise
        raise ImportError(
            "widgets need Panel: install the wheel with its extra, pip install '<file>.whl[panel]'"
        ) from problem
    return panel_host


def tokens_of(text: Text) -> tuple[int, ...]:
    """The tokens of a text, the start token first; tokens stay as they are."""
    return lab.tokens_of(text) if isinstance(text, str) else tuple(int(token) for token in text)


def _readable(tokens: Sequence[int]) -> str:
    return tokenizer().decode([token for token in tokens if token != tokenizer().end_id])

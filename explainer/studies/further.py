"""What is measured of a further model on the reader's own text, where the storyteller's pages have its corpus.

The storyteller's heads are measured on held-out stories, where the grammar says which word is due. Of a real model no
grammar is known; what its heads read by place alone can be said of any text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explainer.kernel.heads import PLACED, HeadScores, role_targets
from explainer.kernel.model import stream_keys, unembedded
from explainer.kernel.ops import entropy, log_softmax, softmax
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.studies import attention_facts
from explainer.studies.attention_facts import Lens, Lookup, Rider

Array = np.ndarray

ON_TEXT = (*PLACED, "induction")
"""What can be said of any text: places, and what followed the same token before."""


def head_scores(tokens: tuple[int, ...]) -> HeadScores:
    """What each head does: the storyteller's by held-out stories, another model's by this text alone."""
    return attention_facts.head_scores() if lab.is_own() else on_text(tokens)


@lab.per_model(4)
def on_text(tokens: tuple[int, ...]) -> HeadScores:
    """The mean share of attention that each head gives to each role, over the queries of one text from the second on.

    Induction is asked only where a token stands for the second time; with none in the text, all its scores are 0.
    """
    trace = lab.trace(tokens)
    config = trace.config
    patterns = np.stack([trace[f"blocks.{i}.attn.pattern"] for i in range(config.n_layers)])  # [L, H, T, S]
    seen = np.tril(np.ones((len(tokens), len(tokens))))
    scores, chance, n = {}, {}, {}
    for role, wanted in role_targets(tokens).items():
        rows = np.flatnonzero(wanted.any(axis=1) & (np.arange(len(tokens)) > 0))
        n[role] = len(rows)
        read = (patterns * wanted).sum(axis=-1)[:, :, rows]  # [L, H, rows]
        scores[role] = read.mean(axis=-1) if len(rows) else np.zeros(patterns.shape[:2])
        alike = (wanted * seen).sum(axis=1) / seen.sum(axis=1)
        chance[role] = float(alike[rows].mean()) if len(rows) else 0.0
    return HeadScores(scores, chance, n)


def lens(trace: Trace, position: int, token: int) -> tuple[Lens, ...]:
    """The logit lens at one position after the embedding and after every sub-layer, as of the storyteller's."""
    if lab.is_own():
        return attention_facts.lens(trace, position, token)
    keys = stream_keys(trace.config, sublayers=True)
    stream = np.stack([trace[key][position] for key in keys])
    names = ["embedding"]
    for layer in range(trace.config.n_layers):
        names += [f"attention {layer}", f"mlp {layer}"]
    stages = []
    for name, row in zip(names, unembedded(trace, lab.model().params, stream).astype(np.float64), strict=True):
        rank = 1 + int((row > row[token]).sum())
        stages.append(Lens(name, softmax(row), float(log_softmax(row)[token]), rank))
    return tuple(stages)


def bundled(riders: tuple[Rider, ...], layer: int) -> tuple[Rider, ...]:
    """The heads of each layer taken together, but for those of one layer; the sums stay what they are."""
    found: list[Rider] = []
    for rider in riders:
        if rider.head is None or rider.layer == layer:
            found.append(rider)
        elif found and found[-1].name == f"attention {rider.layer}":
            last = found[-1]
            found[-1] = Rider(last.name, last.layer, None, last.logit + rider.logit, last.lead + rider.lead)
        else:
            found.append(Rider(f"attention {rider.layer}", rider.layer, None, rider.logit, rider.lead))
    return tuple(found)


def lookup(trace: Trace, layer: int, head: int, query: int, sharpness: float) -> Lookup:
    """Read the dictionary of one head with one query; where several heads share a value, that of the head's group."""
    at = f"blocks.{layer}.attn"
    values = trace[f"{at}.v"]  # [T, G, K]
    group = head * values.shape[1] // trace.config.n_heads
    if group == head:
        return attention_facts.lookup(trace, layer, head, query, sharpness)
    scores = trace[f"{at}.attn_scores"][head, query, : query + 1].astype(np.float64)
    own_values = values[: query + 1, group].astype(np.float64)
    weights = attention_facts.lookup_weights(scores, sharpness)
    order = tuple(int(i) for i in np.argsort(-scores, kind="stable"))
    own = attention_facts.lookup_weights(scores, 1.0) @ own_values
    effective = float(np.exp(entropy(weights)))
    return Lookup(scores, weights, own_values, weights @ own_values, own, order, effective)


@dataclass(frozen=True)
class Score:
    """One score by hand, as it was compared.

    q, k, products: [K]; total: their sum, before the division; turned: whether places have turned both (RoPE)
    shared: how many heads share the key
    """

    q: Array
    k: Array
    products: Array
    total: float
    turned: bool
    shared: int


def one_score(trace: Trace, layer: int, head: int, query: int, key: int) -> Score:
    """The score of a query with a key, of any wiring."""
    at = f"blocks.{layer}.attn"
    turned = f"{at}.rot_k" in trace
    q_name, k_name = ("rot_q", "rot_k") if turned else ("q", "k")
    keys = trace[f"{at}.{k_name}"]  # [T, G, K]
    shared = trace.config.n_heads // keys.shape[1]
    q, k = (x.astype(np.float64) for x in (trace[f"{at}.{q_name}"][query, head], keys[key, head // shared]))
    return Score(q, k, q * k, float(q @ k), turned, shared)

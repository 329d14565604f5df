"""What do heads measurably do? Each label comes with its score; a head without a clear role is "mixed".

Scores are mean attention weights, so they lie between 0 and 1, and each is shown beside what a head would
score that reads all allowed tokens equally.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from explainer.kernel.config import Config
from explainer.kernel.model import forward
from explainer.kernel.trace import Intervention, Trace

Array = np.ndarray

ROLES: Mapping[str, tuple[str, str, str]] = {
    # role: (what a head is called that does it, what it reads then, at which queries this is measured)
    "copy": ("copies names", "on that piece further up", "where a piece of an invented name is due"),
    "recall": ("recalls words", "on that word further up", "where an earlier word is due again"),
    "previous_token": ("previous token", "on the token just before", "at all queries"),
    "current_token": ("current token", "on the query itself", "at all queries"),
    "first_token": ("first token", "on the very first token", "at all queries"),
    "induction": ("induction", "on what followed the same token the first time", "in random tokens written twice"),
}
PLACED = ("previous_token", "current_token", "first_token")  # what these read is known from the place alone
MEASURED = (*PLACED, "induction")  # here, on any text; "copy" and "recall" need a grammar (attention_facts.head_scores)

CLEAR = 0.3  # a head that gives less than this share of its attention to any one role is called mixed
FIRST_QUERY = 4  # earlier queries have so few keys that the roles cannot be told apart
NEAR = 5  # a key is near if it is the query itself or one of the four tokens before


@dataclass(frozen=True, eq=False)
class HeadScores:
    """The mean share of its attention that each head gives to each role, over the queries that have such a key.

    So the denominators differ: "copy" is asked only where a piece of a name is due, "previous_token" nearly everywhere.
    scores: role -> [L, H], between 0 and 1; chance: role -> what reading all allowed tokens equally would give
    n:      role -> the number of queries that were asked
    spread: role -> (low, high), each [L, H]: 95 % interval over documents; for "copy" and "recall"
    """

    scores: Mapping[str, Array]
    chance: Mapping[str, float]
    n: Mapping[str, int]
    spread: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)

    def strongest(self, layer: int, head: int) -> tuple[str, float]:
        """(role, score) of what this head does most."""
        return max(((r, float(s[layer, head])) for r, s in self.scores.items()), key=lambda pair: pair[1])

    def label(self, layer: int, head: int) -> tuple[str, float]:
        """(what this head mostly does, its score); "mixed" with its best score if nothing is clear."""
        role, score = self.strongest(layer, head)
        return (ROLES[role][0] if score >= CLEAR else "mixed"), score

    def best(self, role: str) -> tuple[int, int, float]:
        """(layer, head, score) of the head that does this most."""
        layer, head = np.unravel_index(int(self.scores[role].argmax()), self.scores[role].shape)
        return int(layer), int(head), float(self.scores[role][layer, head])


def repeated_sequences(
    config: Config, seed: int = 0, n_sequences: int = 4, pool: Sequence[int] | None = None
) -> list[list[int]]:
    """Random tokens, written twice: nothing in the text but the repetition tells what comes next.

    pool: the tokens to choose from (default: the whole vocabulary)
    Within one half no token occurs twice, if there are enough of them: so 'the token after its previous
    occurrence' is unambiguous.
    """
    rng = np.random.default_rng(seed)
    choices = np.arange(config.n_vocab) if pool is None else np.asarray(pool)
    half = max(1, min(config.n_ctx // 2, 25))
    sequences = []
    for _ in range(n_sequences):
        once = rng.choice(choices, size=half, replace=len(choices) < half)
        sequences.append([int(token) for token in (*once, *once)])
    return sequences


def continuations(tokens: Sequence[int]) -> Array:
    """Which keys an induction head would read: what followed earlier occurrences of the query's token.

    returns: [T, S] bool; row t marks s + 1 for every s < t with tokens[s] == tokens[t]
    """
    same = earlier(tokens)
    shifted = np.zeros_like(same)
    shifted[:, 1:] = same[:, :-1]
    return shifted


def earlier(tokens: Sequence[int]) -> Array:
    """Which keys hold the query's own token, further up. [T, S] bool"""
    ids = np.asarray(tokens)
    return np.tril(ids[:, None] == ids[None, :], k=-1)


def role_targets(tokens: Sequence[int]) -> dict[str, Array]:
    """Which keys each role would read, for each query. role -> [T, S] bool"""
    n = len(tokens)
    query, key = np.arange(n)[:, None], np.arange(n)[None, :]
    return {
        "previous_token": key == query - 1,
        "current_token": key == query,
        "first_token": np.broadcast_to(key == 0, (n, n)),
        "induction": continuations(tokens),
        "duplicate": earlier(tokens),
        "local": (key <= query) & (key > query - NEAR),
    }


def compared(trace: Trace, layer: int) -> tuple[str, str]:
    """The records whose dot products are a layer's scores: queries and keys, turned by their places where the model
    does that (RoPE)."""
    q, k = trace.inputs(f"blocks.{layer}.attn.attn_scores_raw")
    return q, k


def measure(
    params: Mapping[str, Array],
    config: Config,
    documents: Iterable[Sequence[int]] | None = None,
    seed: int = 0,
    n_sequences: int = 4,
    pool: Sequence[int] | None = None,
    interventions: Sequence[Intervention] = (),
) -> HeadScores:
    """Measure every head: how much of its attention goes where each role says it should.

    documents: texts for previous, current and first token (default: the random sequences). Induction is
               always measured on random tokens written twice (prefix matching), where no habit of the
               language can help.
    seed, n_sequences, pool: of those sequences; the same seed gives the same scores
    Source: Olsson et al. 2022 (prefix-matching score)
    """
    random_texts = repeated_sequences(config, seed, n_sequences, pool)
    texts = random_texts if documents is None else [list(text[: config.n_ctx]) for text in documents]
    tally = Tally(config)
    for text in texts:
        tally.add(forward(params, text, config, interventions), PLACED)
    for text in random_texts:
        tally.add(forward(params, text, config, interventions), ("induction",))
    return tally.scores()


class Tally:
    """Sums of attention weights on each role's keys, over queries that have such a key."""

    def __init__(self, config: Config, roles: Sequence[str] = MEASURED) -> None:
        self.shape = (config.n_layers, config.n_heads)
        self.given = {role: np.zeros(self.shape) for role in roles}
        self.uniform = dict.fromkeys(roles, 0.0)
        self.queries = dict.fromkeys(roles, 0)

    def add(self, trace: Mapping[str, Array], roles: Sequence[str], first: int = FIRST_QUERY) -> None:
        """Count one text. first: the first query that is asked"""
        tokens = [int(token) for token in trace["tokens"]]
        targets = role_targets(tokens)
        for role in roles:
            wanted = targets[role].copy()
            wanted[:first] = False
            asked = wanted.any(axis=1)  # queries for which the role says anything
            self.queries[role] += int(asked.sum())
            self.uniform[role] += float((wanted.sum(axis=1) / np.arange(1, len(tokens) + 1)).sum())
            for layer in range(self.shape[0]):
                pattern = trace[f"blocks.{layer}.attn.pattern"]  # [H, T, S]
                self.given[role][layer] += (pattern * wanted).sum(axis=(1, 2))

    def scores(self) -> HeadScores:
        """Means over the queries that were asked; 0 where there were none."""
        asked = {role: max(1, number) for role, number in self.queries.items()}
        return HeadScores(
            {role: total / asked[role] for role, total in self.given.items()},
            {role: total / asked[role] for role, total in self.uniform.items()},
            dict(self.queries),
        )

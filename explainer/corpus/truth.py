"""The exact distribution of the next token, read off the grammar itself.

A prefix is followed through the same scripts that write the corpus (see `machinery`). Every decision shows in the
words, so a prefix leaves no doubt about the state; only its last word may be unfinished. The next token is then a sum
over the words that begin like this. Where one word's tokens are the beginning of another's, both readings are kept,
each with its weight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from explainer.corpus import names
from explainer.corpus.grammar import document
from explainer.corpus.machinery import Script, Step
from explainer.corpus.sampling import sample_words
from explainer.kernel.tokenizer import Tokenizer

N_CTX = 128


@dataclass(frozen=True)
class Truth:
    """The true distribution of the next token after a prefix.

    probs:  [V], float64; sums to 1 inside the grammar, all zero outside (there is no truth then)
    inside: whether the grammar can write this prefix
    reason: '' inside; outside, in plain words, where the prefix leaves the grammar
    kind:   what sort of decision the next word is (a key of machinery.KINDS); '' outside
    """

    probs: np.ndarray
    inside: bool
    reason: str
    kind: str

    @property
    def entropy(self) -> float:
        """Nats; the least cross-entropy that any forecaster can have at this place."""
        p = self.probs[self.probs > 0]
        return float(-(p * np.log(p)).sum())


class _Reading:
    """One way to read the tokens so far: whole words, and `at` tokens of the next one."""

    __slots__ = ("at", "open", "script", "step", "weight", "words")

    def __init__(self, words: tuple[str, ...], script: Script, step: Step | None, weight: float):
        self.words = words  # the finished words of this document
        self.script = script
        self.step = step  # None: the document is complete and only END can follow
        self.weight = weight  # probability of this reading given the tokens so far, before normalising
        self.at = 0
        self.open: list[tuple[str, tuple[int, ...], float]] = []  # (word, its tokens, probability) still possible


class Reader:
    """Follow a document token by token, knowing the odds of what comes next at every moment.

    Starts before the first word, that is, after END.
    """

    def __init__(self, tokenizer: Tokenizer):
        self.tokenizer = tokenizer
        self._end = (tokenizer.end_id,)
        self._readings: list[_Reading] = []
        self._begin()

    def _begin(self) -> None:
        script = document()
        self._readings = [self._enter(_Reading((), script, next(script), 1.0))]

    def _enter(self, reading: _Reading) -> _Reading:
        encode = self.tokenizer.encode_word
        reading.at = 0
        if reading.step is None:
            reading.open = [("", self._end, 1.0)]
        else:
            reading.open = [(word, encode(word), p) for word, p in reading.step.odds.items() if p > 0.0]
        return reading

    @property
    def kind(self) -> str:
        """What sort of decision the next token belongs to."""
        step = max(self._readings, key=lambda r: r.weight).step
        return "end" if step is None else step.kind

    @property
    def text(self) -> str:
        """The finished words of the present document."""
        return "".join(self._readings[0].words)

    @property
    def inside_word(self) -> bool:
        """Whether the next token continues a word that has begun."""
        return max(self._readings, key=lambda r: r.weight).at > 0

    def next_words(self) -> dict[str, float]:
        """The words that may come next (or may be the one that has begun), with their probabilities."""
        odds: dict[str, float] = {}
        for reading in self._readings:
            for word, _, p in reading.open:
                odds[word] = odds.get(word, 0.0) + reading.weight * p
        total = sum(odds.values())
        return {word: p / total for word, p in odds.items()}

    def next_tokens(self) -> dict[int, float]:
        """Token -> probability; sums to 1."""
        odds: dict[int, float] = {}
        for reading in self._readings:
            for _, tokens, p in reading.open:
                token = tokens[reading.at]
                odds[token] = odds.get(token, 0.0) + reading.weight * p
        total = sum(odds.values())
        return {token: p / total for token, p in odds.items()}

    def feed(self, token: int) -> float:
        """Take the next token; returns the probability that it had (0: the grammar never writes it here)."""
        odds = self.next_tokens()
        probability = odds.get(token, 0.0)
        if probability == 0.0:
            return 0.0
        readings: list[_Reading] = []
        for reading in self._readings:
            going = [o for o in reading.open if o[1][reading.at] == token]
            done = [o for o in going if len(o[1]) == reading.at + 1]
            longer = [o for o in going if len(o[1]) > reading.at + 1]
            if done:
                word, _, p = done[0]  # words are different, so at most one ends here
                weight = reading.weight * p
                if reading.step is None:
                    self._begin()
                    return probability
                script = written(reading.words)[0] if longer else reading.script
                words = (*reading.words, word)
                try:
                    step = script.send(word)
                except StopIteration:
                    step = None
                readings.append(self._enter(_Reading(words, script, step, weight)))
            if longer:
                reading.open = longer
                reading.at += 1
                readings.append(reading)
        self._readings = readings
        return probability


def written(words: Sequence[str]) -> tuple[Script, Step | None]:
    """The grammar's script after these words of a document, and its next decision (None: the document is complete).

    Raises ValueError if the document ends before these words do.
    """
    script = document()
    step: Step | None = next(script)
    for number, word in enumerate(words, 1):
        try:
            step = script.send(word)
        except StopIteration:
            if number < len(words):
                raise ValueError("the document ends before these words do") from None
            step = None
    return script, step


def _tokens(prefix: str | Sequence[int], tokenizer: Tokenizer) -> list[int]:
    if isinstance(prefix, str):
        return [tokenizer.end_id, *tokenizer.encode(prefix)]
    return [int(token) for token in prefix]


def true_distribution(prefix: str | Sequence[int], tokenizer: Tokenizer) -> Truth:
    """The exact distribution of the next token after this prefix.

    prefix: a text (the start token is put in front), or token ids beginning with `end_id`. After an `end_id` in the
    middle a new document begins; documents do not depend on each other.
    """
    tokens = _tokens(prefix, tokenizer)
    probs = np.zeros(tokenizer.n_vocab)
    if not tokens or tokens[0] != tokenizer.end_id:
        return Truth(probs, False, "Every document starts with the token <|end|>; this prefix does not.", "")
    reader = Reader(tokenizer)
    for token in tokens[1:]:
        if reader.feed(token) == 0.0:
            return Truth(probs, False, _why_outside(reader, token, tokenizer), "")
    for token, p in reader.next_tokens().items():
        probs[token] = p
    return Truth(probs, True, "", reader.kind)


def _why_outside(reader: Reader, token: int, tokenizer: Tokenizer) -> str:
    written = reader.text[-40:]
    where = f"After “{'…' if len(reader.text) > 40 else ''}{written}”" if written else "At the start of a document"
    likely = [word for word, _ in sorted(reader.next_words().items(), key=lambda item: -item[1])]
    inventing = sum(word in _NAME_PIECES for word in likely) > len(names.LETTERS)  # any piece of a name may come
    words = [word for word in likely if not (inventing and word in _NAME_PIECES)]
    wanted = [f"“{word.strip()}”" if word else "its end" for word in words[:4]]
    if len(words) > 4:
        wanted.append(f"one of {len(words) - 4} other words")
    if inventing:
        wanted.append("a piece of an invented name")
    only = " or ".join([", ".join(wanted[:-1]), wanted[-1]] if len(wanted) > 1 else wanted)
    shown = tokenizer.display(token)
    found = "the end of the document" if token == tokenizer.end_id else f"“{shown.lstrip('␣') or shown}”"
    return f"{where} the corpus writes {only}; here stands {found}, which it never writes there."


_NAME_PIECES = frozenset((*names.FIRST, *names.LATER))


def token_log_probs(tokens: Sequence[int], tokenizer: Tokenizer) -> np.ndarray:
    """log P(token | the tokens before it) of every token after the first. [T-1], nats; -inf outside the grammar."""
    reader = Reader(tokenizer)
    out = np.full(len(tokens) - 1, -np.inf)
    for i, token in enumerate(tokens[1:]):
        p = reader.feed(int(token))
        if p == 0.0:
            break
        out[i] = np.log(p)
    return out


def log_prob(tokens: Sequence[int], tokenizer: Tokenizer) -> float:
    """Exact log-probability (nats) of these tokens after the first, which must be `end_id`."""
    return float(token_log_probs(tokens, tokenizer).sum())


def windows(
    n_windows: int,
    seed: int | Sequence[int],
    tokenizer: Tokenizer,
    n_ctx: int = N_CTX,
    reject: Callable[[list[str]], bool] | None = None,
) -> np.ndarray:
    """Draw windows of text as the models are trained and tested on: [n_windows, n_ctx + 1] token ids.

    reject: documents (as words) for which this is true are thrown away. Training rejects held-out names; tests do not.

    Each begins with END and a fresh document; documents follow each other, END between them, until the window is full
    (the last one is cut off). Inputs are window[:-1], targets window[1:].
    """
    rng = np.random.default_rng(seed)
    encode = tokenizer.encode_word
    out = np.empty((n_windows, n_ctx + 1), dtype=np.int64)
    for i in range(n_windows):
        tokens: list[int] = []
        while len(tokens) <= n_ctx:
            words = sample_words(rng)
            if reject is not None and reject(words):
                continue
            tokens.append(tokenizer.end_id)
            for word in words:
                tokens.extend(encode(word))
        out[i] = tokens[: n_ctx + 1]
    return out


def floor(n_windows: int, seed: int | Sequence[int], tokenizer: Tokenizer) -> tuple[float, float]:
    """The entropy floor in nats per token: the truth's own loss on `windows(n_windows, seed, tokenizer)`.

    No model can do better in expectation. Returns (mean, standard error of the mean over windows).
    """
    each = np.array([-token_log_probs(w, tokenizer).mean() for w in windows(n_windows, seed, tokenizer)])
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(n_windows))


def iterate_truth(tokens: Sequence[int], tokenizer: Tokenizer) -> Iterator[tuple[dict[int, float], str, bool]]:
    """For every token after the first: (odds of all tokens there, kind of decision, whether inside a word)."""
    reader = Reader(tokenizer)
    for token in tokens[1:]:
        yield reader.next_tokens(), reader.kind, reader.inside_word
        if reader.feed(int(token)) == 0.0:
            return

"""The exact distribution against brute force, and the corpus's own promises."""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pytest

from explainer.corpus import (
    KINDS,
    N_CTX,
    Reader,
    floor,
    iterate_truth,
    log_prob,
    names,
    sample_document,
    sample_words,
    token_log_probs,
    true_distribution,
    windows,
)
from explainer.corpus.examples import PROMPTS
from explainer.corpus.grammar import document
from explainer.corpus.machinery import Odds, table
from explainer.kernel.tokenizer import Tokenizer, split_words

TOKENIZER = Tokenizer.load()


@pytest.fixture(scope="module")
def documents() -> list[tuple[int, ...]]:
    """12,000 documents as tokens, END before and after."""
    rng = np.random.default_rng(11)
    encode = TOKENIZER.encode_word
    out = []
    for _ in range(12_000):
        tokens = [TOKENIZER.end_id]
        for word in sample_words(rng):
            tokens.extend(encode(word))
        out.append((*tokens, TOKENIZER.end_id))
    return out


@pytest.mark.parametrize(("length", "fewest"), [(1, 500), (2, 300), (4, 200), (7, 120), (12, 60)])
def test_truth_equals_frequencies(documents, length, fewest):
    """For every frequent prefix: Pearson's chi-square between the counts and the claimed odds is believable."""
    following: dict[tuple[int, ...], Counter] = {}
    for tokens in documents:
        if len(tokens) > length:
            following.setdefault(tokens[:length], Counter())[tokens[length]] += 1
    checked = 0
    for prefix, counts in following.items():
        n = counts.total()
        if n < fewest:
            continue
        truth = true_distribution(prefix, TOKENIZER)
        assert truth.inside
        assert set(counts) <= set(np.flatnonzero(truth.probs)), TOKENIZER.decode(prefix)
        expected = truth.probs * n
        common = expected > 5
        observed = np.array([counts[i] for i in range(TOKENIZER.n_vocab)])
        chi2 = ((observed - expected)[common] ** 2 / expected[common]).sum()
        freedom = max(common.sum() - 1, 1)
        assert chi2 < freedom + 4.5 * np.sqrt(2 * freedom) + 9, (TOKENIZER.decode(prefix), chi2, freedom)
        checked += 1
    assert checked >= 1


def test_sampled_documents_lie_inside_and_their_words_survive_splitting():
    rng = np.random.default_rng(5)
    for _ in range(400):
        words = sample_words(rng)
        text = "".join(words)
        assert split_words(text) == tuple(words)
        assert names.names_in(words) == names.names_in(split_words(text))
        logs = token_log_probs([0, *TOKENIZER.encode(text), 0], TOKENIZER)
        assert np.isfinite(logs).all()


def test_the_context_holds_nearly_every_document(documents):
    """99 % and more, both <|end|> counted; the context has as many places as the models (corpus.N_CTX)."""
    assert np.mean([len(tokens) <= N_CTX + 1 for tokens in documents]) >= 0.99


def test_an_echo_says_the_same_thing_twice():
    """Words, syllables, letters, lists and plain refrains: the second half is the first, and could only be copied."""
    rng = np.random.default_rng(21)
    seen = set()
    for _ in range(3000):
        words = sample_words(rng)
        if words[0] in ("Echo", "Magic", "Spell", "List"):
            first, second = "".join(words[1:]).split(". Again")
            assert first == second.removesuffix(".")
        elif words[0][0] in " -":
            half = len(words) // 2
            assert words[:half] == words[half:] and len(set(words[:half])) == half
        else:
            continue
        seen.add(words[0] if words[0][0] not in " -" else "refrain")
        tokens = [0, *TOKENIZER.encode("".join(words)), 0]
        again = [kind for _, kind, _ in iterate_truth(tokens, TOKENIZER)].count("copy")
        assert again >= 2
    assert seen == {"Echo", "Magic", "Spell", "List", "refrain"}


def test_log_prob_is_the_product_of_the_words():
    text = "Boxes: ( [ ] ) Closed."
    # first word 0.03; '(' 1/3; open again 0.45/3; close at depth 2 0.6; close at depth 1 0.55; stop 0.65
    by_hand = 0.03 * (1 / 3) * (0.45 / 3) * 0.6 * 0.55 * 0.65
    assert log_prob([0, *TOKENIZER.encode(text), 0], TOKENIZER) == pytest.approx(np.log(by_hand), abs=1e-12)


def test_every_prefix_sums_to_one_and_every_kind_is_known():
    rng = np.random.default_rng(6)
    for _ in range(60):
        tokens = [0, *TOKENIZER.encode(sample_document(rng)), 0]
        reader = Reader(TOKENIZER)
        for token in tokens[1:]:
            assert sum(reader.next_tokens().values()) == pytest.approx(1.0, abs=1e-12)
            assert reader.kind in KINDS
            assert reader.feed(token) > 0


def test_odds_sum_to_one_in_the_grammar():
    rng = np.random.default_rng(8)
    for _ in range(300):
        script = document()
        step = next(script)
        try:
            while True:
                odds = np.array(list(step.odds.values()))
                assert odds.sum() == pytest.approx(1.0, abs=1e-12)
                step = script.send(list(step.odds)[rng.choice(len(odds), p=odds / odds.sum())])
        except StopIteration:
            pass


def test_half_a_word_keeps_every_word_that_begins_like_it():
    """A tokenizer without merges cuts every word into letters: sums over words that share a beginning."""
    letters = Tokenizer([])
    at = lambda text: true_distribution([0, *letters.encode(text)], letters)  # noqa: E731
    whole = at("Once there was a")
    assert whole.probs[letters.encode(" ")[0]] == pytest.approx(1.0)
    after_space = at("Once there was a ")
    assert after_space.probs[letters.encode("s")[0]] == pytest.approx((4 + 2) / 20)  # small, sleepy
    after_s = at("Once there was a s")
    assert after_s.probs[letters.encode("m")[0]] == pytest.approx(4 / 6)


def test_a_word_that_begins_another_word():
    """' dog' and ' dogs', cut into letters: after ' dog' the word may be over or may go on."""
    letters = Tokenizer([])
    truth = true_distribution([0, *letters.encode("Farm news: the dog")], letters)
    assert truth.inside
    assert truth.probs[letters.encode("s")[0]] == pytest.approx(0.5)
    assert truth.probs[letters.encode(" ")[0]] == pytest.approx(0.5)
    plural = true_distribution([0, *letters.encode("Farm news: the dogs near the cat ")], letters)
    assert plural.probs[letters.encode("a")[0]] == pytest.approx(1.0)  # are


def test_a_new_document_after_the_end():
    text = TOKENIZER.encode("Boxes: ( ) Closed.")
    fresh = true_distribution([0], TOKENIZER)
    assert np.array_equal(true_distribution([0, *text, 0], TOKENIZER).probs, fresh.probs)


@pytest.mark.parametrize(
    ("prompt", "part"),
    [
        ("Sums: 3 + 4 = 8", "the corpus writes “7”"),
        ("Once there was a girl", "“small”, “brave”"),
        ("Hello", "At the start of a document"),
        ("Boxes: ( ]", "or"),
        ("Once there was a brave boy named Mia", "“Max” or a piece of an invented name; here stands “Mia”, which"),
    ],
)
def test_outside_is_said_in_plain_words(prompt, part):
    truth = true_distribution(prompt, TOKENIZER)
    assert not truth.inside
    assert part in truth.reason
    assert truth.probs.sum() == 0


def test_tokens_must_start_with_end():
    truth = true_distribution(TOKENIZER.encode("Once"), TOKENIZER)
    assert not truth.inside
    assert "starts with" in truth.reason


def test_prompts_lie_inside_as_they_claim():
    for name, (prompt, _) in PROMPTS.items():
        truth = true_distribution(prompt, TOKENIZER)
        assert truth.inside == (name != "outside the grammar"), (name, truth.reason)
        assert len(TOKENIZER.encode(prompt)) < 90
    kind = lambda name: true_distribution(PROMPTS[name][0], TOKENIZER).kind  # noqa: E731
    assert kind("copy a name") == kind("which of two names") == "copy"
    assert kind("is or are") == kind("he or she") == "agreement"
    assert kind("close the quotes") == "bracket"
    assert kind("answer before working") == "sum"
    assert kind("free choice") == "free"


def test_floor_is_the_truth_on_the_same_windows():
    mean, error = floor(40, 9, TOKENIZER)
    rows = windows(40, 9, TOKENIZER)
    assert rows.shape == (40, 129)
    assert (rows[:, 0] == TOKENIZER.end_id).all()
    by_hand = [-log_prob(row, TOKENIZER) / 128 for row in rows]
    assert mean == pytest.approx(np.mean(by_hand))
    assert 0 < error < 0.05


def test_floor_is_the_mean_exact_entropy():
    """The loss of the truth and the mean of its exact entropies estimate the same number."""
    losses, entropies = [], []
    for row in windows(150, 10, TOKENIZER):
        losses.append(-token_log_probs(row, TOKENIZER).mean())
        entropies.append(
            np.mean([-sum(p * np.log(p) for p in odds.values()) for odds, _, _ in iterate_truth(row, TOKENIZER)])
        )
    difference = np.array(losses) - np.array(entropies)
    assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(len(difference))


def test_truth_is_fast_enough_for_the_page():
    """Counted in calls, of about a microsecond each in the page, and not timed: a busy machine cannot fail it."""
    prefix = [0, *TOKENIZER.encode(PROMPTS["who has it"][0])]
    true_distribution(prefix, TOKENIZER)
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        true_distribution(prefix, TOKENIZER)
    finally:
        sys.setprofile(None)
    assert 0 < calls < 5_000


def test_tables_whose_end_would_not_show_are_refused():
    with pytest.raises(ValueError, match="beginning of another"):
        table(" tree", " tree house")
    assert Odds({" a b": 1, " a c": 3}).root.odds == {" a": 1.0}


def test_seeded():
    assert sample_document(np.random.default_rng(1)) == sample_document(np.random.default_rng(1))


def test_inside_a_word_is_said():
    """After each token: whether the next one goes on with a word that has begun."""
    rng = np.random.default_rng(5)
    inside_seen = 0
    for _ in range(30):
        words = [TOKENIZER.encode_word(w) for w in sample_words(rng)]
        tokens = [TOKENIZER.end_id, *(token for word in words for token in word)]
        begins = {1 + sum(map(len, words[:i])) for i in range(len(words))}
        for t, (odds, _, inside) in enumerate(iterate_truth(tokens, TOKENIZER)):
            if len(odds) > 1 and inside != (t + 1 not in begins):
                continue  # a word that is also the beginning of another: both readings are open
            inside_seen += inside
            assert inside == (t + 1 not in begins), (t, TOKENIZER.decode(tokens[: t + 1]))
    assert inside_seen > 100

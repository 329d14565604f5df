"""The corpus: little stories and records from a grammar whose exact next-token distribution is known.

sample_document(rng)                       draw a document
true_distribution(prefix, tokenizer)       the exact distribution of the next token: a `Truth`
token_log_probs, log_prob                  exact log-probabilities
windows, floor                             text as the models see it, and the least possible loss on it
"""

from explainer.corpus.machinery import KINDS, Script, Step
from explainer.corpus.sampling import sample_document, sample_words
from explainer.corpus.truth import (
    N_CTX,
    Reader,
    Truth,
    floor,
    iterate_truth,
    log_prob,
    token_log_probs,
    true_distribution,
    windows,
    written,
)

__all__ = [
    "KINDS",
    "N_CTX",
    "Reader",
    "Script",
    "Step",
    "Truth",
    "floor",
    "iterate_truth",
    "log_prob",
    "sample_document",
    "sample_words",
    "token_log_probs",
    "true_distribution",
    "windows",
    "written",
]

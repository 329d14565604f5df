"""Figures of the corpus: words, tokens, the floor, and what sort of decisions it consists of.

python -m explainer.training.corpus_stats --windows 500
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np

from explainer.corpus import KINDS, floor, iterate_truth, sample_document, sample_words, windows
from explainer.kernel.tokenizer import Tokenizer
from explainer.training.bpe import report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=500)
    parser.add_argument("--seed", type=int, default=20)
    args = parser.parse_args()
    tokenizer = Tokenizer.load()
    rng = np.random.default_rng(args.seed)
    for _ in range(5):
        print(sample_document(rng))
    print()
    words = Counter(word for _ in range(5000) for word in sample_words(rng))
    plain = {word.strip(" -").lower() for word in words if word.strip(" -").isalpha()}
    print(f"{len(words)} different words as they are cut, {len(plain)} when capitals and spaces do not count")
    print(report(tokenizer).split("\ncut")[0])
    mean, error = floor(args.windows, args.seed, tokenizer)
    print(f"floor: {mean:.4f} ± {1.96 * error:.4f} nats per token (95 %, {args.windows} windows)")
    entropy: Counter[str] = Counter()
    share: Counter[str] = Counter()
    for row in windows(args.windows, args.seed, tokenizer):
        for odds, kind, _ in iterate_truth(row, tokenizer):
            share[kind] += 1
            entropy[kind] -= sum(p * np.log(p) for p in odds.values())
    total = share.total()
    for kind, count in share.most_common():
        print(f"{kind:10} {count / total:6.1%} of tokens, {entropy[kind] / count:.3f} nats each: {KINDS[kind]}")
    exact = sum(entropy.values()) / total
    print(f"mean of the exact entropies on the same windows (less noise than the floor above): {exact:.4f}")


if __name__ == "__main__":
    main()

"""Learn the tokenizer's merges from the corpus with the `tokenizers` library and write weights/tokenizer.json.

python -m explainer.training.bpe --vocab 640     learns 640 tokens and appends those that pieces of names need
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as LibraryTokenizer

from explainer.corpus import names
from explainer.corpus.sampling import sample_words
from explainer.kernel.tokenizer import END, SPLIT_PATTERN, Tokenizer

WEIGHTS = Path(__file__).parents[1] / "models" / "weights"


def byte_letters() -> dict[int, str]:
    """The letter by which the library writes each byte (GPT-2's table): byte -> letter."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in plain}
    for b in range(256):
        letters.setdefault(b, chr(256 + len(letters) - len(plain)))
    return letters


def _pipeline(model: models.BPE) -> LibraryTokenizer:
    library = LibraryTokenizer(model)
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    library.decoder = decoders.ByteLevel()
    return library


def library_tokenizer(tokenizer: Tokenizer) -> LibraryTokenizer:
    """The `tokenizers` library's encoder with our vocabulary and merges: what the tests compare ours with."""
    letters = byte_letters()
    word = lambda piece: "".join(letters[b] for b in piece)  # noqa: E731
    vocab = {word(tokenizer.token_bytes(i)): i for i in range(1, tokenizer.n_vocab)} | {END: tokenizer.end_id}
    merges = [(word(a), word(b)) for a, b in tokenizer.merges]
    return _pipeline(models.BPE(vocab=vocab, merges=merges))


def train(n_vocab: int, n_documents: int, seed: int) -> Tokenizer:
    """Learn the merges from `n_documents` sampled documents."""
    rng = np.random.default_rng(seed)
    texts = ["".join(sample_words(rng)) for _ in range(n_documents)]
    library = _pipeline(models.BPE())
    letters = byte_letters()
    trainer = trainers.BpeTrainer(
        vocab_size=n_vocab, special_tokens=[END], initial_alphabet=list(letters.values()), show_progress=False
    )
    library.train_from_iterator(texts, trainer)
    byte = {letter: b for b, letter in letters.items()}
    to_bytes = lambda piece: bytes(byte[c] for c in piece)  # noqa: E731
    merges = [
        tuple(m) if isinstance(m, list) else tuple(m.split(" "))
        for m in json.loads(library.to_str())["model"]["merges"]
    ]
    return Tokenizer((to_bytes(a), to_bytes(b)) for a, b in merges)


def with_pieces(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer with merges appended until every piece of a name is one token; known ids stay as they are.

    An appended merge ranks after all others, so it joins only what was left apart before.
    """
    for letters in (1, 2):  # the letters first: a syllable may need them
        for form in (*names.FIRST, *names.LATER):
            if len(form) == 1 + letters:
                while len(ids := tokenizer.encode_word(form)) > 1:
                    pair = (tokenizer.token_bytes(ids[0]), tokenizer.token_bytes(ids[1]))
                    tokenizer = Tokenizer((*tokenizer.merges, pair))
    return tokenizer


def report(tokenizer: Tokenizer, n_documents: int = 5000, seed: int = 7) -> str:
    """What share of the running words is one token, and which words are not."""
    rng = np.random.default_rng(seed)
    words = Counter(word for _ in range(n_documents) for word in sample_words(rng))
    total = sum(words.values())
    single = sum(n for word, n in words.items() if len(tokenizer.encode_word(word)) == 1)
    tokens = sum(n * len(tokenizer.encode_word(word)) for word, n in words.items())
    split = [(n, word, len(tokenizer.encode_word(word))) for word, n in words.items()]
    worst = sorted(((n, word, k) for n, word, k in split if k > 1), reverse=True)
    lines = [
        f"{tokenizer.n_vocab} tokens; {len(words)} different words; {single / total:.1%} of running words are one "
        f"token; {tokens / total:.3f} tokens a word; {(tokens + n_documents) / n_documents:.1f} tokens a document",
        f"{sum(k == 1 for _, _, k in split)} of {len(words)} different words are one token",
        "cut into several: " + ", ".join(f"{word!r} ({k})" for _, word, k in worst),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocab", type=int, default=640)
    parser.add_argument("--documents", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=WEIGHTS / "tokenizer.json")
    args = parser.parse_args()
    tokenizer = with_pieces(train(args.vocab, args.documents, args.seed))
    tokenizer.save(args.out)
    print(report(tokenizer))


if __name__ == "__main__":
    main()

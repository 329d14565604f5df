"""Text to tokens and back: byte-level byte-pair encoding, without any library.

The merges were learned from the corpus by the `tokenizers` library (`explainer/training/bpe.py`); this encoder gives
the same tokens (a property-based test compares the two). Text is first split into words by one pattern, each word
becomes its UTF-8 bytes, and neighbouring pieces are merged in the order in which the merges were learned. Any Unicode
text has an encoding, because the 256 single bytes are tokens too: nothing is ever unknown.

Source: Sennrich et al. 2016 (byte-pair encoding); Radford et al. 2019 (on bytes).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

SPLIT_PATTERN = r"[ \-]?[A-Za-z]+| ?[0-9]| ?[^\x00-\x20A-Za-z0-9]+|[\x00-\x20]"
"""What counts as one word: letters with the space or hyphen before them, one digit, a run of punctuation or of
letters outside ASCII, one blank. Tokens never cross a border between words. ASCII classes only, so that every
regular-expression engine reads it the same way."""

END = "<|end|>"
"""The token before and after every document (id 0)."""

_SPLIT = re.compile(SPLIT_PATTERN)
_DEFAULT = Path(__file__).parents[1] / "models" / "weights" / "tokenizer.json"


@lru_cache(maxsize=8192)
def split_words(text: str) -> tuple[str, ...]:
    """Cut text into words (see SPLIT_PATTERN); joined again they give the text."""
    return tuple(_SPLIT.findall(text))


class Tokenizer:
    """Byte-level BPE.

    merges: pairs of byte strings in the order learned. Token ids: 0 is END, 1..256 the single bytes in order,
    then one per merge.
    """

    def __init__(self, merges: Iterable[tuple[bytes, bytes]]):
        self.merges = tuple(merges)
        self.end_id = 0
        self.start: tuple[int, ...] = (self.end_id,)  # the tokens before every text
        self._bytes: list[bytes] = [END.encode(), *(bytes([b]) for b in range(256))]
        self._rank: dict[tuple[bytes, bytes], int] = {}
        for rank, pair in enumerate(self.merges):
            self._rank[pair] = rank
            self._bytes.append(pair[0] + pair[1])
        self._ids = {piece: i for i, piece in enumerate(self._bytes) if i != self.end_id}
        if len(self._ids) != len(self._bytes) - 1:
            raise ValueError("two merges give the same token")
        self._words: dict[str, tuple[int, ...]] = {}

    def __repr__(self) -> str:
        return f"Tokenizer({self.n_vocab} tokens)"

    @classmethod
    def load(cls, path: str | Path | None = None) -> Tokenizer:
        """Read a tokenizer file: JSON with `merges` as pairs of hexadecimal byte strings. None: the corpus's own.

        Raises ValueError when the file is not such a file.
        """
        data = json.loads(Path(path or _DEFAULT).read_text(encoding="utf-8"))
        if data.get("format") != "byte-level-bpe" or data.get("split") != SPLIT_PATTERN:
            raise ValueError("not a tokenizer file of this version")
        return cls((bytes.fromhex(a), bytes.fromhex(b)) for a, b in data["merges"])

    def save(self, path: str | Path) -> None:
        """Write the file that `load` reads (the third item of each merge is only there to be read by people)."""
        merges = [[a.hex(), b.hex()] for a, b in self.merges]
        lines = ",\n  ".join(json.dumps(m) for m in merges)
        head = json.dumps({"format": "byte-level-bpe", "split": SPLIT_PATTERN, "end": END, "n_vocab": self.n_vocab})
        Path(path).write_text(f'{head[:-1]}, "merges": [\n  {lines}\n]}}\n', encoding="utf-8")

    @property
    def n_vocab(self) -> int:
        """Number of tokens, END included."""
        return len(self._bytes)

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Tokens of one word: merge the pair that was learned earliest until no pair is known."""
        known = self._words.get(word)
        if known is not None:
            return known
        pieces = [bytes([b]) for b in word.encode("utf-8", errors="replace")]
        while len(pieces) > 1:
            pairs = set(pairwise(pieces))
            best = min(pairs, key=lambda pair: self._rank.get(pair, len(self._rank)))
            if best not in self._rank:
                break
            merged, i = [], 0
            while i < len(pieces):
                if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == best:
                    merged.append(best[0] + best[1])
                    i += 2
                else:
                    merged.append(pieces[i])
                    i += 1
            pieces = merged
        ids = tuple(self._ids[piece] for piece in pieces)
        if len(self._words) < 20_000:
            self._words[word] = ids
        return ids

    def encode(self, text: str) -> list[int]:
        """Tokens of a text. Ids of the text only: put `end_id` in front to start a document.

        The characters '<|end|>' in a text are ordinary characters: no text can end a document. A lone surrogate,
        which is no Unicode text, becomes '?'.
        """
        return [token for word in _SPLIT.findall(text) for token in self.encode_word(word)]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of these tokens; bytes that are no valid UTF-8 (a character cut in two) become U+FFFD."""
        return b"".join(self.token_bytes(i) for i in ids).decode("utf-8", errors="replace")

    def token_bytes(self, token: int) -> bytes:
        """The bytes that this token stands for (of END, the letters of its name)."""
        return self._bytes[token]

    def display(self, token: int) -> str:
        """The token for the screen: a space as '␣', a line break as '↵', bytes that are no character as <C3>."""
        piece = self.token_bytes(token)
        try:
            text = piece.decode("utf-8")
        except UnicodeDecodeError:
            return "".join(chr(b) if 0x20 < b < 0x7F else "␣" if b == 0x20 else f"<{b:02X}>" for b in piece)
        shown = text.replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥")
        return "".join(c if c.isprintable() else f"<{ord(c):02X}>" for c in shown)

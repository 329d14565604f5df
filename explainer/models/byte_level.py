"""The tokenizers of GPT-2 and SmolLM2: byte-level BPE with the vocabulary and the merges that a model's file brings.

As the storyteller's (kernel/tokenizer.py): words, bytes, merges. What differs is what counts as a word, and that files
write bytes as printable characters ("Ġ" for a space). Equal to the `tokenizers` library, which tests/golden/ asked.

Sources: Radford et al. 2019 (bytes, and the words of GPT-2); the format tokenizer.json of Hugging Face's `tokenizers`.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unicodedata import category

from explainer.kernel.checkpoint import CheckpointError
from explainer.kernel.tokenizer import Tokenizer


class UnsupportedModel(CheckpointError):
    """The file is whole, but what is in it cannot be run here; the message names what that is."""


# ---------------------------------------------------------------- what counts as a word

# The patterns of these tokenizers ask for letters, numbers and blanks of all scripts (\p{L}, \p{N}, \s), which Python's
# `re` does not know. So they are asked of a mask of the text: every character outside ASCII is replaced by one ASCII
# character of its kind, and where the mask is cut, the text is. The mask is made by `str.translate`, in one go, and
# looks up the kind of each character once.

BLANKS = frozenset("\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
"""Blanks outside ASCII: Unicode's White_Space. (Not `str.isspace`, which counts some control characters too.)"""


class Mask(dict[int, int]):
    """Code point -> that of an ASCII character of its kind: A for letters, 0 numbers, tab blanks, ! anything else."""

    def __missing__(self, code: int) -> int:
        character = chr(code)
        if code < 128:
            kind = character
        elif character in BLANKS:
            kind = "\t"
        else:
            kind = {"L": "A", "N": "0"}.get(category(character)[0], "!")
        self[code] = ord(kind)
        return self[code]


MASK = Mask()
BLANK = r"\t-\r "
SPLITS = {
    # 's 't ... | letters | numbers | anything else, each with the space before it; then blanks, the last one of a run
    # left to what follows
    "gpt-2": re.compile(
        rf"'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[0-9]+| ?[^{BLANK}A-Za-z0-9]+|[{BLANK}]+(?![^{BLANK}])|[{BLANK}]+"
    ),
    # the same after every digit was cut out, alone: no space goes with it, and a run of blanks before it stays whole
    "smollm": re.compile(
        rf"[0-9]|'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[^{BLANK}A-Za-z0-9]+|[{BLANK}]+(?![^{BLANK}0-9])|[{BLANK}]+"
    ),
}
"""Name of a pre-tokenizer (as GGUF files say it) -> the words of a mask."""


def split(text: str, kind: str) -> list[str]:
    """Cut a text into words; joined again they give the text. kind: a key of SPLITS"""
    if text.isascii():
        return SPLITS[kind].findall(text)
    return [text[slice(*match.span())] for match in SPLITS[kind].finditer(text.translate(MASK))]


# ---------------------------------------------------------------- bytes as characters


def byte_characters() -> list[str]:
    """How these files write each byte: printable ones as themselves, the others as characters from U+0100 on.

    Source: `bytes_to_unicode` in GPT-2's encoder.py
    """
    printable = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


CHARACTER_OF = dict(enumerate(byte_characters()))
BYTE_OF = {ord(character): byte for byte, character in CHARACTER_OF.items()}


def written(word: str) -> str:
    """A word as these files write it: one character for each of its UTF-8 bytes."""
    return word.encode("utf-8").decode("latin-1").translate(CHARACTER_OF)


# ---------------------------------------------------------------- the tokenizer


class ByteLevelTokenizer(Tokenizer):
    """Byte-level BPE with ids and merges from a file; used like kernel/tokenizer.py's.

    names:   every token as the file writes it, by id
    merges:  "Ġ t": pairs of such pieces, in the order learned
    control: ids of tokens that stand for no text (<|im_start|>): only `encode(..., control=True)` makes them of a text
    kind:    what counts as a word: a key of SPLITS
    start:   the tokens that go before every text (often none); end: the id that ends a text
    whole:   a word that is a token is taken as it is, without asking the merges (`ignore_merges`)
    """

    def __init__(
        self,
        names: Sequence[str],
        merges: Iterable[str],
        control: Iterable[int] = (),
        kind: str = "gpt-2",
        start: Sequence[int] = (),
        end: int = 0,
        whole: bool = False,
    ) -> None:
        if kind not in SPLITS:
            raise UnsupportedModel(f"its words are cut as {kind!r} says; known are {', '.join(SPLITS)}")
        self.kind, self.start, self.end_id, self.whole = kind, tuple(start), end, whole
        self.control = frozenset(control)
        self._names = tuple(names)
        self._of_name = {name: i for i, name in enumerate(names)}
        self._merge = {merge: rank for rank, merge in enumerate(merges)}
        self._known: dict[str, tuple[int, ...]] = {}
        marks = sorted((self._names[i] for i in self.control), key=len, reverse=True)
        self._marks = re.compile("(" + "|".join(map(re.escape, marks)) + ")") if marks else None

    @property
    def n_vocab(self) -> int:
        """Number of tokens, control tokens included."""
        return len(self._names)

    def encode(self, text: str, control: bool = False) -> list[int]:
        """Tokens of a text, without those of `start`.

        control: whether "<|im_start|>" and the like in the text are control tokens; else they are ordinary characters
        A lone surrogate, which is no Unicode text, becomes '?'.
        """
        text = text.encode("utf-8", errors="replace").decode("utf-8")
        if not control or self._marks is None:
            return [token for word in split(text, self.kind) for token in self.encode_word(word)]
        tokens: list[int] = []
        for i, part in enumerate(self._marks.split(text)):
            tokens += [self._of_name[part]] if i % 2 else self.encode(part)
        return tokens

    def encode_word(self, word: str) -> tuple[int, ...]:
        """Tokens of one word: of all neighbours, merge the pair that was learned earliest, the leftmost of several.

        Pieces are a linked list and candidate pairs a heap, so that a run of ten thousand blanks takes no minute.
        A byte that the vocabulary has no token for (SmolLM2's lacks 21, none of them in ordinary text) is left out, and
        what stood beside it are neighbours, as for the `tokenizers` library.
        """
        known = self._known.get(word)
        if known is not None:
            return known
        pieces: list[str] = [byte for byte in written(word) if byte in self._of_name]
        if self.whole and written(word) in self._of_name:
            pieces = [written(word)]
        after = [*range(1, len(pieces)), -1]
        before = list(range(-1, len(pieces) - 1))
        waiting: list[tuple[int, int, str]] = []  # rank, place of the left piece, "left right"

        def offer(left: int) -> None:
            if left >= 0 and after[left] >= 0:
                pair = f"{pieces[left]} {pieces[after[left]]}"
                rank = self._merge.get(pair)
                if rank is not None:
                    heapq.heappush(waiting, (rank, left, pair))

        for left in range(len(pieces) - 1):
            offer(left)
        while waiting:
            _, left, pair = heapq.heappop(waiting)
            right = after[left]
            if right < 0 or f"{pieces[left]} {pieces[right]}" != pair:
                continue  # one of the two has been merged with another since
            pieces[left] += pieces[right]
            pieces[right] = ""
            after[left] = after[right]
            after[right] = -1
            if after[left] >= 0:
                before[after[left]] = left
            offer(left)
            offer(before[left])
        ids = tuple(self._of_name[piece] for piece in pieces if piece)
        if len(self._known) < 20_000:
            self._known[word] = ids
        return ids

    def token_bytes(self, token: int) -> bytes:
        """The bytes that this token stands for (of a control token, the letters of its name)."""
        name = self._names[token]
        if token in self.control or any(ord(character) not in BYTE_OF for character in name):
            return name.encode("utf-8")
        return name.translate(BYTE_OF).encode("latin-1")

    # ------------------------------------------------------------ from files

    @classmethod
    def from_gguf(cls, metadata: Mapping[str, Any]) -> ByteLevelTokenizer:
        """The tokenizer in the metadata of a GGUF file. Raises UnsupportedModel, or KeyError for what is missing."""
        said = {key.removeprefix("tokenizer.ggml."): value for key, value in metadata.items()}
        if said["model"] != "gpt2":
            raise UnsupportedModel(f"its tokenizer is of the kind {said['model']!r}; read is byte-level BPE ('gpt2')")
        kind = {"gpt2": "gpt-2", "smollm": "smollm"}.get(said.get("pre", "gpt2"), said.get("pre", "gpt2"))
        control = [i for i, sort in enumerate(said.get("token_type", ())) if sort in CONTROL]
        start = (int(said["bos_token_id"]),) if said.get("add_bos_token") else ()
        return cls(said["tokens"], said["merges"], control, kind, start, int(said.get("eos_token_id", 0)))

    @classmethod
    def from_json(cls, data: Mapping[str, Any], config: Mapping[str, Any] | None = None) -> ByteLevelTokenizer:
        """The tokenizer in a tokenizer.json.

        config: the model's config.json, which knows the token that ends a text
        Raises UnsupportedModel that names the part that is not known here, or KeyError for what is missing.
        """
        model = data["model"]
        if model.get("type", "BPE") != "BPE" or model.get("byte_fallback") or model.get("continuing_subword_prefix"):
            raise UnsupportedModel(f"its tokenizer is {model.get('type')!r} of a kind that is not byte-level BPE")
        if data.get("normalizer") not in (None, {"type": "Sequence", "normalizers": []}):
            raise UnsupportedModel(f"its tokenizer changes texts first ({data['normalizer'].get('type')})")
        names = {i: name for name, i in model["vocab"].items()}
        added = {entry["id"]: entry for entry in data.get("added_tokens") or []}
        names |= {i: entry["content"] for i, entry in added.items()}
        if set(names) != set(range(len(names))):
            raise UnsupportedModel("some ids of its vocabulary have no token")
        merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
        ends = (config or {}).get("eos_token_id", 0)
        end = ends[0] if isinstance(ends, list) else ends
        return cls(
            [names[i] for i in range(len(names))],
            merges,
            control=added,
            kind=kind_of(data.get("pre_tokenizer")),
            end=end if end is not None else 0,
            whole=bool(model.get("ignore_merges")),
        )


CONTROL = (3, 4)  # token types of GGUF: control, and added by whoever trained it


def kind_of(pre: Mapping[str, Any] | None) -> str:
    """Which words the "pre_tokenizer" of a tokenizer.json makes: a key of SPLITS. Raises UnsupportedModel."""
    pre = pre or {}
    steps = list(pre["pretokenizers"]) if pre.get("type") == "Sequence" else [pre]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    has = lambda step, want: all(step.get(key, want[key]) == want[key] for key in want)  # noqa: E731
    if len(steps) == 1 and has(steps[0], byte_level):
        return "gpt-2"
    if len(steps) == 2 and has(steps[0], digits) and has(steps[1], byte_level):
        return "smollm"
    raise UnsupportedModel(
        f"it cuts words in a way that is not known here ({' + '.join(str(s.get('type')) for s in steps)})"
    )

"""Reading a model of the llama family from a GGUF file (version 3), slice by slice.

The format: a header of typed values (sizes, tokenizer, licence), a table of tensors (name, shape, type, offset), then
their bytes, most of them quantised: 32 weights share one or two float16 numbers and have 4 or 8 bits each.

The weights become float32 and stay as they lie in the file, [out, in]; what the architecture calls [in, out] is a view.
A GGUF file pairs coordinates (2 r, 2 r + 1) for RoPE, as architectures/llama_like.py does.

Source: ggml's docs/gguf.md, and `gguf` on PyPI, against which tests compare.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from explainer.architectures.llama_like import LlamaConfig
from explainer.kernel.checkpoint import CorruptCheckpoint, TruncatedCheckpoint
from explainer.kernel.model import Model
from explainer.models import files
from explainer.models.byte_level import ByteLevelTokenizer, UnsupportedModel
from explainer.models.files import File, Storage, Tensor, Tensors
from explainer.models.loaded import Loaded

Array = np.ndarray

MAGIC = b"GGUF"
MOST = 1 << 24  # entries of anything: more is nonsense, not a model


# ---------------------------------------------------------------- how weights are stored


def from_q8_0(raw: Array, out: Array) -> None:
    """Blocks of 34 bytes: a float16 d, then 32 whole numbers q from -128 to 127; weight = d q"""
    block = raw.reshape(-1, 34)
    d = block[:, :2].copy().view("<f2").astype(np.float32)  # [blocks, 1]
    np.multiply(block[:, 2:].view(np.int8), d, out=out.reshape(-1, 32))


def from_q4_0(raw: Array, out: Array) -> None:
    """Blocks of 18 bytes: a float16 d, then 32 numbers q from 0 to 15 in 16 bytes; weight = d (q - 8)

    The low halves of the 16 bytes are the first 16 numbers, the high halves the last.
    """
    block = raw.reshape(-1, 18)
    d = block[:, :2].copy().view("<f2").astype(np.float32)
    unpack(block[:, 2:], d, -8 * d, out)


def from_q4_1(raw: Array, out: Array) -> None:
    """Blocks of 20 bytes: float16 d and m, then 32 numbers q from 0 to 15 in 16 bytes; weight = d q + m"""
    block = raw.reshape(-1, 20)
    d_m = block[:, :4].copy().view("<f2").astype(np.float32)
    unpack(block[:, 4:], d_m[:, :1], d_m[:, 1:], out)


def unpack(q: Array, d: Array, m: Array, out: Array) -> None:
    """d q + m of both halves of each byte. q: [blocks, 16]; d, m: [blocks, 1]; out: flat"""
    rows = out.reshape(-1, 32)
    np.multiply(q & 15, d, out=rows[:, :16])
    np.multiply(q >> 4, d, out=rows[:, 16:])
    rows += m


STORAGES = {
    0: Storage("F32", 1, 4, files.from_f32),
    1: Storage("F16", 1, 2, files.from_f16),
    2: Storage("Q4_0", 32, 18, from_q4_0),
    3: Storage("Q4_1", 32, 20, from_q4_1),
    8: Storage("Q8_0", 32, 34, from_q8_0),
    30: Storage("BF16", 1, 2, files.from_bf16),
}
"""Number of a tensor type -> how it is read."""

OTHERS = {6: "Q5_0", 7: "Q5_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 20: "IQ4_NL"}
"""Tensor types that are common, and not read here."""


# ---------------------------------------------------------------- the header


SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9


class Cursor:
    """Reads a header from front to back, a block of the file at a time."""

    def __init__(self, file: File, name: str) -> None:
        self.file, self.name = file, name
        self.size = files.size_of(file)
        self.begin = 0  # where in the file `data` begins
        self.data = b""
        self.at = 0  # in `data`

    @property
    def offset(self) -> int:
        """Where in the file the next byte is."""
        return self.begin + self.at

    def take(self, length: int) -> int:
        """Have the next `length` bytes in `data`; returns where in it they begin."""
        if self.at + length > len(self.data):
            if self.offset + length > self.size:
                raise TruncatedCheckpoint(f"{self.name}: the file ends inside its header ({self.size:,} bytes)")
            self.begin, self.at = self.offset, 0
            self.data = files.read(self.file, self.begin, min(max(length, 1 << 20), self.size - self.begin), self.name)
        start = self.at
        self.at += length
        return start

    def number(self, form: str) -> Any:
        """One number, as `struct` calls its form."""
        return struct.unpack_from(form, self.data, self.take(struct.calcsize(form)))[0]

    def string(self) -> str:
        """A length and that many bytes of UTF-8."""
        length = self.number("<Q")
        start = self.take(length) if length <= self.size else self.take(self.size + 1)
        return self.data[start : start + length].decode("utf-8", errors="replace")

    def value(self, sort: int) -> Any:
        """One value of the metadata. Raises CorruptCheckpoint for a type that does not exist."""
        if sort == STRING:
            return self.string()
        if sort == ARRAY:
            of, count = self.number("<I"), self.count()
            if of in SCALARS:
                form = SCALARS[of]
                start = self.take(count * struct.calcsize(form))
                return list(struct.unpack_from(f"<{count}{form[1]}", self.data, start))
            return [self.value(of) for _ in range(count)]
        if sort not in SCALARS:
            raise CorruptCheckpoint(f"{self.name}: the header has a value of the unknown type {sort}")
        return self.number(SCALARS[sort])

    def count(self) -> int:
        """How many of something follow."""
        count = self.number("<Q")
        if count > MOST:
            raise CorruptCheckpoint(f"{self.name}: the header says that {count:,} of something follow")
        return count


@dataclass(frozen=True, eq=False)
class GGUF(Tensors):
    """A GGUF file of which the header has been read. metadata: name -> value"""

    metadata: Mapping[str, Any]

    def says(self, key: str, default: Any = None) -> Any:
        """A value of the metadata. Raises CorruptCheckpoint if it is missing and there is no default."""
        if key not in self.metadata and default is None:
            raise CorruptCheckpoint(f"{self.name}: the header does not say {key}")
        return self.metadata.get(key, default)


def read(file: File, name: str = "file") -> GGUF:
    """Read the header of a GGUF file, and check that all tensors that it announces are in the file.

    Raises CorruptCheckpoint, TruncatedCheckpoint, or UnsupportedModel for a version or a way of storing not read here.
    """
    at = Cursor(file, name)
    if at.size < 24 or files.read(file, 0, 4, name) != MAGIC:
        raise CorruptCheckpoint(f"{name}: not a GGUF file")
    at.take(4)
    version = at.number("<I")
    if version not in (2, 3):
        big = int.from_bytes(version.to_bytes(4, "little"), "big")
        what = "big-endian" if big in (2, 3) else f"of version {version}"
        raise UnsupportedModel(f"{name}: a GGUF file {what}; read are little-endian ones of version 2 and 3")
    n_tensors, n_values = at.count(), at.count()
    metadata = {}
    for _ in range(n_values):
        key = at.string()
        metadata[key] = at.value(at.number("<I"))
    entries = []
    for _ in range(n_tensors):
        key, n_axes = at.string(), at.number("<I")
        if n_axes > 4:
            raise CorruptCheckpoint(f"{name}: {key!r} has {n_axes} axes")
        shape = tuple(at.number("<Q") for _ in range(n_axes))[::-1]
        entries.append((key, shape, at.number("<I"), at.number("<Q")))
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment < 1:
        raise CorruptCheckpoint(f"{name}: its tensors are aligned to {alignment!r}")
    begin = -(-at.offset // alignment) * alignment
    tensors = {}
    for key, shape, sort, offset in entries:
        if sort not in STORAGES:
            raise UnsupportedModel(
                f"{name}: {key!r} is stored as {OTHERS.get(sort, f'type {sort}')}; "
                f"read are {', '.join(storage.name for storage in STORAGES.values())}"
            )
        storage = STORAGES[sort]
        count = math.prod(shape)
        if not shape or shape[-1] % storage.numbers:
            raise CorruptCheckpoint(f"{name}: {key!r} is {list(shape)}, which {storage.name} cannot be")
        if begin + offset + storage.length(count) > at.size:
            raise TruncatedCheckpoint(f"{name}: the file ends before {key!r} does ({at.size:,} bytes)")
        tensors[key] = Tensor(shape, storage, begin + offset)
    return GGUF(file, name, tensors, metadata)


# ---------------------------------------------------------------- the model


def config_of(gguf: GGUF) -> LlamaConfig:
    """The sizes that the header says. Raises UnsupportedModel that names what is not a Llama, or CorruptCheckpoint."""
    name = gguf.name
    architecture = gguf.says("general.architecture")
    if architecture != "llama":
        raise UnsupportedModel(f"{name}: this is a model of the architecture {architecture!r}; read are Llamas")
    said = {key.removeprefix("llama."): value for key, value in gguf.metadata.items() if key.startswith("llama.")}
    if said.get("expert_count"):
        raise UnsupportedModel(f"{name}: this is a mixture of {said['expert_count']} experts; read are dense Llamas")
    if said.get("rope.scaling.type", "none") != "none" or "rope_freqs.weight" in gguf.tensors:
        raise UnsupportedModel(f"{name}: its RoPE is stretched for long texts, which is not read here")
    try:
        files.check_layers(int(said["block_count"]), len(gguf.tensors), name)
        heads, d_model = int(said["attention.head_count"]), int(said["embedding_length"])
        d_head = int(said.get("attention.key_length", d_model // heads))
        if {said.get("rope.dimension_count", d_head), said.get("attention.value_length", d_head)} != {d_head}:
            raise UnsupportedModel(f"{name}: its values, or what RoPE turns, are not as wide as its keys")
        embedding = gguf.tensors.get("token_embd.weight")
        if embedding is None or len(embedding.shape) != 2:
            raise CorruptCheckpoint(f"{name}: the tensor 'token_embd.weight' is missing")
        return LlamaConfig(
            n_layers=int(said["block_count"]),
            n_heads=heads,
            d_model=d_model,
            d_head=d_head,
            d_mlp=int(said["feed_forward_length"]),
            n_vocab=embedding.shape[0],
            n_ctx=int(said["context_length"]),
            eps=rounded(said["attention.layer_norm_rms_epsilon"]),
            tied="output.weight" not in gguf.tensors,
            n_kv_heads=int(said.get("attention.head_count_kv", heads)),
            rope_base=rounded(said.get("rope.freq_base", 10_000.0)),
        )
    except KeyError as missing:
        raise CorruptCheckpoint(f"{name}: the header does not say llama.{missing.args[0]}") from None
    except (TypeError, ValueError, ZeroDivisionError) as problem:
        raise CorruptCheckpoint(f"{name}: {problem}") from None


def rounded(value: float) -> float:
    """A float32 of the header as the decimal number that was meant: 1e-05, not 9.999999747378752e-06."""
    return float(np.format_float_scientific(np.float32(value)))


def load(
    file: File, name: str = "file", room: int | None = None, ready: Callable[[Any], None] = lambda tokenizer: None
) -> Loaded:
    """The model and the tokenizer in a GGUF file.

    file:  open for reading, with `seek` and `readinto`
    room:  bytes of memory that there are; None: not asked
    ready: called with the tokenizer before any weight is read, when nothing but a damaged weight can still go wrong
    Raises CorruptCheckpoint, TruncatedCheckpoint, UnsupportedModel or TooLarge, in words; before any weight is read,
    unless a weight itself is damaged.
    """
    gguf = read(file, name)
    config = config_of(gguf)
    files.check_room(config, room, name)
    try:
        tokenizer = ByteLevelTokenizer.from_gguf(gguf.metadata)
    except UnsupportedModel as problem:
        raise UnsupportedModel(f"{name}: {problem}") from None
    except KeyError as missing:
        raise CorruptCheckpoint(f"{name}: the header does not say tokenizer.ggml.{missing.args[0]}") from None
    known = {"token_embd.weight", "output_norm.weight", "output.weight"}
    known |= {f"blk.{layer}.{part}.weight" for layer in range(config.n_layers) for part in PARTS}
    unknown = [key for key in gguf.tensors if key not in known]
    if unknown:
        raise UnsupportedModel(f"{name}: it has {unknown[0]!r}, which a Llama has not")
    ready(tokenizer)
    params = files.checked(params_of(gguf, config), config, name)
    says = {
        "name": str(gguf.metadata.get("general.name", name)),
        "licence": str(gguf.metadata.get("general.license", "not said")),
        "stored": gguf.stored(),
    }
    return Loaded(Model(config, params, name, says), tokenizer)


PARTS = ("attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down")


def params_of(gguf: GGUF, config: LlamaConfig) -> dict[str, Array]:
    """The weights by the names of the architecture: float32 arrays as they lie in the file, seen in its shapes."""
    heads, groups, K, D = config.n_heads, config.n_kv_heads, config.d_head, config.d_model
    W_E = gguf.floats("token_embd.weight")  # [V, D]
    params = {"embed.W_E": W_E}
    for layer in range(config.n_layers):
        stored = {part: gguf.floats(f"blk.{layer}.{part}.weight") for part in PARTS}
        try:
            params |= {
                f"blocks.{layer}.{name}": array
                for name, array in {
                    "ln1.w": stored["attn_norm"],
                    "attn.W_Q": stored["attn_q"].reshape(heads, K, D).transpose(0, 2, 1),  # [H K, D] -> [H, D, K]
                    "attn.W_K": stored["attn_k"].reshape(groups, K, D).transpose(0, 2, 1),
                    "attn.W_V": stored["attn_v"].reshape(groups, K, D).transpose(0, 2, 1),
                    "attn.W_O": stored["attn_output"].T.reshape(heads, K, D),  # [D, H K] -> [H, K, D]
                    "ln2.w": stored["ffn_norm"],
                    "mlp.W_gate": stored["ffn_gate"].T,  # [F, D] -> [D, F]
                    "mlp.W_in": stored["ffn_up"].T,
                    "mlp.W_out": stored["ffn_down"].T,
                }.items()
            }
        except ValueError as problem:
            raise CorruptCheckpoint(f"{gguf.name}: layer {layer}: {problem}") from None
    unembed = W_E if config.tied else gguf.floats("output.weight")
    return params | {"ln_final.w": gguf.floats("output_norm.weight"), "unembed.W_U": unembed.T}

"""Reading a model of the GPT-2 or Llama family from model.safetensors, config.json and tokenizer.json, slice by slice.

These are the files of Hugging Face's `transformers`. Weights become float32; matrices that lie the other way round, or
beside each other, are seen through views. Only Llama's queries and keys are copied: `transformers` pairs coordinate r
with r + K / 2 for RoPE, architectures/llama_like.py 2 r with 2 r + 1, so their rows change places.

Source: the safetensors README; `transformers`, modeling_gpt2.py and modeling_llama.py, against which tests compare.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from explainer.architectures.llama_like import LlamaConfig
from explainer.kernel.checkpoint import LONGEST_HEADER, CorruptCheckpoint, TruncatedCheckpoint
from explainer.kernel.config import Config
from explainer.kernel.model import Model
from explainer.models import files
from explainer.models.byte_level import ByteLevelTokenizer, UnsupportedModel
from explainer.models.files import File, Storage, Tensor, Tensors
from explainer.models.loaded import Loaded

Array = np.ndarray

STORAGES = {
    "F64": Storage("F64", 1, 8, files.from_f64),
    "F32": Storage("F32", 1, 4, files.from_f32),
    "F16": Storage("F16", 1, 2, files.from_f16),
    "BF16": Storage("BF16", 1, 2, files.from_bf16),
}


def read(file: File, name: str = "file") -> Tensors:
    """Read the header of a safetensors file and check that all tensors that it announces are in the file.

    Raises CorruptCheckpoint, TruncatedCheckpoint, or UnsupportedModel for a type of numbers not read here.
    """
    size = files.size_of(file)
    if size < 8:
        raise TruncatedCheckpoint(f"{name}: {size} bytes is too short for a safetensors file")
    length = int.from_bytes(files.read(file, 0, 8, name), "little")
    if length > LONGEST_HEADER:
        raise CorruptCheckpoint(f"{name}: not a safetensors file (its header would be {length:,} bytes)")
    if 8 + length > size:
        raise TruncatedCheckpoint(f"{name}: the file ends inside its header ({size:,} bytes)")
    try:
        header = json.loads(files.read(file, 8, length, name))
        header.pop("__metadata__", None)
        entries = {}
        for key, entry in header.items():
            shape = tuple(int(n) for n in entry["shape"])
            first, last = (int(offset) for offset in entry["data_offsets"])
            if entry["dtype"] not in STORAGES:
                known = ", ".join(STORAGES)
                raise UnsupportedModel(f"{name}: {key!r} is stored as {entry['dtype']}; read are {known}")
            storage = STORAGES[entry["dtype"]]
            if first < 0 or last - first != storage.length(math.prod(shape)):
                raise CorruptCheckpoint(f"{name}: {key!r} has shape {list(shape)} but {last - first} bytes")
            if 8 + length + last > size:
                raise TruncatedCheckpoint(f"{name}: the file ends before {key!r} does ({size:,} bytes)")
            entries[key] = Tensor(shape, storage, 8 + length + first)
    except (AttributeError, KeyError, TypeError, ValueError) as problem:  # also UnicodeDecodeError and no JSON
        raise CorruptCheckpoint(f"{name}: the header is not a table of tensors ({problem})") from None
    return Tensors(file, name, entries)


# ---------------------------------------------------------------- GPT-2


def gpt2_config(said: Mapping[str, Any], name: str) -> Config:
    """The sizes in the config.json of a GPT-2. Raises UnsupportedModel for a variant that computes something else."""
    if said.get("activation_function", "gelu_new") not in ("gelu_new", "gelu_pytorch_tanh"):
        raise UnsupportedModel(
            f"{name}: a GPT-2 with {said['activation_function']} in its MLPs, which is not read here"
        )
    for key in ("scale_attn_by_inverse_layer_idx", "add_cross_attention"):
        if said.get(key):
            raise UnsupportedModel(f"{name}: a GPT-2 with {key}, which is not read here")
    if not said.get("scale_attn_weights", True) or not said.get("tie_word_embeddings", True):
        raise UnsupportedModel(f"{name}: a GPT-2 without scaled scores or tied embeddings, which is not read here")
    heads, d_model = said["n_head"], said["n_embd"]
    return Config(
        n_layers=said["n_layer"],
        n_heads=heads,
        d_model=d_model,
        d_head=d_model // heads,
        d_mlp=said.get("n_inner") or 4 * d_model,
        n_vocab=said["vocab_size"],
        n_ctx=said["n_positions"],
        eps=said.get("layer_norm_epsilon", 1e-5),
        tied=True,
    )


def gpt2_params(tensors: Tensors, c: Config) -> dict[str, Array]:
    """The weights of a GPT-2. Its matrices are [in, out] already; queries, keys and values lie side by side in one."""
    prefix = "transformer." if "transformer.wte.weight" in tensors.tensors else ""
    get: Callable[[str], Array] = lambda key: tensors.floats(prefix + key)  # noqa: E731
    H, K, D = c.n_heads, c.d_head, c.d_model
    W_E = get("wte.weight")
    params = {"embed.W_E": W_E, "pos_embed.W_pos": get("wpe.weight")}
    for layer in range(c.n_layers):
        at, put = f"h.{layer}.", f"blocks.{layer}."
        W, b = get(at + "attn.c_attn.weight"), get(at + "attn.c_attn.bias")  # [D, 3 H K], [3 H K]
        for i, which in enumerate("QKV"):
            params[f"{put}attn.W_{which}"] = W.reshape(D, 3, H, K)[:, i].transpose(1, 0, 2)  # [H, D, K]
            params[f"{put}attn.b_{which}"] = b.reshape(3, H, K)[i]
        params[f"{put}attn.W_O"] = get(at + "attn.c_proj.weight").reshape(H, K, D)
        params[f"{put}attn.b_O"] = get(at + "attn.c_proj.bias")
        for ours, theirs in (("ln1", "ln_1"), ("ln2", "ln_2")):
            params[f"{put}{ours}.w"] = get(f"{at}{theirs}.weight")
            params[f"{put}{ours}.b"] = get(f"{at}{theirs}.bias")
        for ours, theirs in (("in", "c_fc"), ("out", "c_proj")):
            params[f"{put}mlp.W_{ours}"] = get(f"{at}mlp.{theirs}.weight")
            params[f"{put}mlp.b_{ours}"] = get(f"{at}mlp.{theirs}.bias")
    no_bias = np.zeros(c.n_vocab, dtype=np.float32)
    ends = {"ln_final.w": get("ln_f.weight"), "ln_final.b": get("ln_f.bias")}
    return params | ends | {"unembed.W_U": W_E.T, "unembed.b_U": no_bias}


# ---------------------------------------------------------------- Llama


def llama_config(said: Mapping[str, Any], name: str) -> LlamaConfig:
    """The sizes in the config.json of a Llama. Raises UnsupportedModel for a variant that computes something else."""
    rope = said.get("rope_parameters") or {}
    scaling = said.get("rope_scaling") or {}
    kind = scaling.get("rope_type", scaling.get("type", rope.get("rope_type", "default")))
    if kind != "default":
        raise UnsupportedModel(f"{name}: its RoPE is stretched for long texts ({kind}), which is not read here")
    if said.get("hidden_act", "silu") != "silu":
        raise UnsupportedModel(f"{name}: a Llama with {said['hidden_act']} in its MLPs, which is not read here")
    if said.get("attention_bias") or said.get("mlp_bias"):
        raise UnsupportedModel(f"{name}: a Llama with biases, which is not read here")
    heads, d_model, n_ctx = said["num_attention_heads"], said["hidden_size"], said["max_position_embeddings"]
    if said.get("model_type") == "mistral" and (said.get("sliding_window") or n_ctx) < n_ctx:
        n_ctx = said["sliding_window"]  # as far back as each token may look
    return LlamaConfig(
        n_layers=said["num_hidden_layers"],
        n_heads=heads,
        d_model=d_model,
        d_head=said.get("head_dim") or d_model // heads,
        d_mlp=said["intermediate_size"],
        n_vocab=said["vocab_size"],
        n_ctx=n_ctx,
        eps=said.get("rms_norm_eps", 1e-6),
        tied=bool(said.get("tie_word_embeddings", False)),
        n_kv_heads=said.get("num_key_value_heads") or heads,
        rope_base=float(said.get("rope_theta", rope.get("rope_theta", 10_000.0))),
    )


def llama_params(tensors: Tensors, c: Config) -> dict[str, Array]:
    """The weights of a Llama. Its matrices are [out, in]: views turn them round."""
    prefix = "model." if "model.embed_tokens.weight" in tensors.tensors else ""
    get: Callable[[str], Array] = lambda key: tensors.floats(prefix + key)  # noqa: E731
    H, G, K, D = c.n_heads, c.kv_heads, c.d_head, c.d_model
    W_E = get("embed_tokens.weight")
    params = {"embed.W_E": W_E}
    for layer in range(c.n_layers):
        at, put = f"layers.{layer}.", f"blocks.{layer}."
        q, k, v = (get(f"{at}self_attn.{which}_proj.weight") for which in "qkv")  # [H K, D], [G K, D], [G K, D]
        params |= {
            f"{put}ln1.w": get(f"{at}input_layernorm.weight"),
            f"{put}attn.W_Q": neighbours(q.reshape(H, K, D)).transpose(0, 2, 1),
            f"{put}attn.W_K": neighbours(k.reshape(G, K, D)).transpose(0, 2, 1),
            f"{put}attn.W_V": v.reshape(G, K, D).transpose(0, 2, 1),
            f"{put}attn.W_O": get(f"{at}self_attn.o_proj.weight").T.reshape(H, K, D),
            f"{put}ln2.w": get(f"{at}post_attention_layernorm.weight"),
            f"{put}mlp.W_gate": get(f"{at}mlp.gate_proj.weight").T,
            f"{put}mlp.W_in": get(f"{at}mlp.up_proj.weight").T,
            f"{put}mlp.W_out": get(f"{at}mlp.down_proj.weight").T,
        }
    unembed = W_E if c.tied else tensors.floats("lm_head.weight")
    return params | {"ln_final.w": get("norm.weight"), "unembed.W_U": unembed.T}


def neighbours(W: Array) -> Array:
    """Rows r and r + K / 2 of each head, which RoPE turns together, become rows 2 r and 2 r + 1. [H, K, D], a copy"""
    heads, K, D = W.shape
    return np.ascontiguousarray(W.reshape(heads, 2, K // 2, D).transpose(0, 2, 1, 3)).reshape(heads, K, D)


# ---------------------------------------------------------------- both

FAMILIES: Mapping[str, tuple[Callable[..., Config], Callable[[Tensors, Any], dict[str, Array]]]] = {
    "gpt2": (gpt2_config, gpt2_params),
    "llama": (llama_config, llama_params),
    "mistral": (llama_config, llama_params),
}
"""The "model_type" of a config.json -> how its sizes and its weights are read."""


def load(
    file: File,
    config: Mapping[str, Any],
    tokenizer: Mapping[str, Any] | None = None,
    name: str = "file",
    room: int | None = None,
    ready: Callable[[Any], None] = lambda tokenizer: None,
) -> Loaded:
    """The model in a safetensors file.

    file:      model.safetensors, open for reading, with `seek` and `readinto`
    config:    what config.json says
    tokenizer: what tokenizer.json says; None: there is none
    room:      bytes of memory that there are; None: not asked
    ready:     called with the tokenizer before any weight is read, when nothing but a damaged weight can still go wrong
    Raises CorruptCheckpoint, TruncatedCheckpoint, UnsupportedModel or TooLarge, in words; before any weight is read,
    unless a weight itself is damaged.
    """
    kind = str(config.get("model_type"))
    if kind not in FAMILIES:
        raise UnsupportedModel(f"{name}: this is a model of the type {kind!r}; read are {', '.join(FAMILIES)}")
    if config.get("quantization_config"):
        raise UnsupportedModel(f"{name}: its weights are quantised, which is read from GGUF files only")
    sizes, weights = FAMILIES[kind]
    tensors = read(file, name)
    try:
        files.check_layers(config.get("num_hidden_layers", config.get("n_layer", 0)), len(tensors.tensors), name)
        made = sizes(config, name)
        words = None if tokenizer is None else ByteLevelTokenizer.from_json(tokenizer, config)
    except UnsupportedModel as problem:
        said = str(problem)
        raise UnsupportedModel(said if said.startswith(name) else f"{name}: {said}") from None
    except KeyError as missing:
        raise CorruptCheckpoint(f"{name}: config.json or tokenizer.json does not say {missing.args[0]}") from None
    except (AttributeError, TypeError, ValueError, ZeroDivisionError) as problem:
        raise CorruptCheckpoint(f"{name}: config.json or tokenizer.json makes no sense: {problem}") from None
    files.check_room(made, room, name)
    ready(words)
    try:
        params = files.checked(weights(tensors, made), made, name)
    except ValueError as problem:
        raise CorruptCheckpoint(f"{name}: its weights have not the sizes that config.json says ({problem})") from None
    says = {"name": str(config.get("_name_or_path") or name), "licence": "not said", "stored": tensors.stored()}
    return Loaded(Model(made, params, name, says), words)

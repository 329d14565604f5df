"""The same transformer in torch: for training, and as an independent reference for the numpy model.

Parameters carry the names and shapes of the checkpoint (TransformerLens): `embed.W_E` [V, D], `pos_embed.W_pos`
[n_ctx, D], `blocks.{l}.ln1.w` [D], `blocks.{l}.attn.W_Q` [H, D, K], ..., `unembed.W_U` [D, V]. B batch, T query
position, S key position, H heads, K head width, D residual width, F MLP width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-5


@dataclass(frozen=True)
class TorchConfig:
    """Sizes of a model. Any object with these attributes can be given in its place."""

    n_layers: int
    d_model: int
    n_vocab: int
    n_heads: int = 4
    n_ctx: int = 128

    @property
    def d_head(self) -> int:
        return self.d_model // self.n_heads

    @property
    def d_mlp(self) -> int:
        return 4 * self.d_model

    def as_strings(self) -> dict[str, str]:
        """Every size as text, for the metadata of a safetensors file."""
        sizes = asdict(self) | {"d_head": self.d_head, "d_mlp": self.d_mlp}
        return {name: str(value) for name, value in sizes.items()}


def parameter_shapes(config) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every parameter, in the order of the computation."""
    L, H, D, V = config.n_layers, config.n_heads, config.d_model, config.n_vocab
    K, M = D // H, 4 * D
    shapes: dict[str, tuple[int, ...]] = {"embed.W_E": (V, D), "pos_embed.W_pos": (config.n_ctx, D)}
    for layer in range(L):
        block = {
            "ln1.w": (D,),
            "ln1.b": (D,),
            "attn.W_Q": (H, D, K),
            "attn.W_K": (H, D, K),
            "attn.W_V": (H, D, K),
            "attn.b_Q": (H, K),
            "attn.b_K": (H, K),
            "attn.b_V": (H, K),
            "attn.W_O": (H, K, D),
            "attn.b_O": (D,),
            "ln2.w": (D,),
            "ln2.b": (D,),
            "mlp.W_in": (D, M),
            "mlp.b_in": (M,),
            "mlp.W_out": (M, D),
            "mlp.b_out": (D,),
        }
        shapes |= {f"blocks.{layer}.{name}": shape for name, shape in block.items()}
    return shapes | {"ln_final.w": (D,), "ln_final.b": (D,), "unembed.W_U": (D, V), "unembed.b_U": (V,)}


class TorchTransformer(nn.Module):
    """Decoder-only, pre-LayerNorm, learned absolute positions, GELU (tanh), untied unembedding."""

    def __init__(self, config, seed: int = 0):
        super().__init__()
        self.config = config
        generator = torch.Generator().manual_seed(seed)
        self._names = list(parameter_shapes(config))
        for name, shape in parameter_shapes(config).items():
            self.register_parameter(name.replace(".", "/"), nn.Parameter(_initial(name, shape, config, generator)))

    def params(self) -> dict[str, Tensor]:
        """Name -> parameter (the live tensors)."""
        own = dict(self.named_parameters())
        return {name: own[name.replace(".", "/")] for name in self._names}

    @classmethod
    def from_params(cls, params: Mapping[str, np.ndarray], config) -> TorchTransformer:
        """A model with these weights, as float32. Raises ValueError when a name or shape is not the config's."""
        model = cls(config)
        expected = parameter_shapes(config)
        if set(params) != set(expected):
            raise ValueError(f"parameter names differ: {sorted(set(params) ^ set(expected))}")
        with torch.no_grad():
            for name, tensor in model.params().items():
                value = torch.tensor(np.asarray(params[name], dtype=np.float32))
                if tuple(value.shape) != expected[name]:
                    raise ValueError(f"{name} is {tuple(value.shape)}, expected {expected[name]}")
                tensor.copy_(value)
        return model

    def to_params(self) -> dict[str, np.ndarray]:
        """Name -> float32 array."""
        return {name: p.detach().numpy().astype(np.float32).copy() for name, p in self.params().items()}

    def forward(self, tokens: Tensor) -> Tensor:
        """tokens: [B, T] ids; returns logits [B, T, V]. The fast path of training; `trace` shows every step."""
        p = {name: getattr(self, name.replace(".", "/")) for name in self._names}
        B, T = tokens.shape
        H, D = self.config.n_heads, self.config.d_model
        x = F.embedding(tokens, p["embed.W_E"]) + p["pos_embed.W_pos"][:T]
        for layer in range(self.config.n_layers):
            b = f"blocks.{layer}."
            h = F.layer_norm(x, (D,), p[b + "ln1.w"], p[b + "ln1.b"], EPS)
            W = torch.cat([p[b + f"attn.W_{n}"].permute(1, 0, 2).reshape(D, D) for n in "QKV"], dim=1)
            bias = torch.cat([p[b + f"attn.b_{n}"].reshape(D) for n in "QKV"])
            qkv = torch.addmm(bias, h.reshape(B * T, D), W).view(B, T, 3, H, D // H).permute(2, 0, 3, 1, 4)
            z = F.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2], is_causal=True)  # [B, H, T, K]
            z = z.transpose(1, 2).reshape(B * T, D)
            x = x + torch.addmm(p[b + "attn.b_O"], z, p[b + "attn.W_O"].reshape(D, D)).view(B, T, D)
            h = F.layer_norm(x, (D,), p[b + "ln2.w"], p[b + "ln2.b"], EPS).view(B * T, D)
            h = F.gelu(torch.addmm(p[b + "mlp.b_in"], h, p[b + "mlp.W_in"]), approximate="tanh")
            x = x + torch.addmm(p[b + "mlp.b_out"], h, p[b + "mlp.W_out"]).view(B, T, D)
        x = F.layer_norm(x, (D,), p["ln_final.w"], p["ln_final.b"], EPS)
        return torch.addmm(p["unembed.b_U"], x.reshape(B * T, D), p["unembed.W_U"]).view(B, T, -1)

    def trace(self, tokens: Tensor) -> dict[str, Tensor]:
        """Every intermediate of one text under its TransformerLens key, in order of computation; 'logits' last.

        tokens: [T] ids. attn.q/k/v/z are [T, H, K]; attn.attn_scores (scaled by sqrt(K), masked entries -inf) and
        attn.pattern [H, T, S]; resid_* [T, D]; ln*.scale [T, 1]; ln*.normalized is (x - mean) / scale, before the
        gain w and bias b; mlp.pre/post [T, F]; logits [T, V].
        """
        p = self.params()
        (T,) = tokens.shape
        out: dict[str, Tensor] = {}

        def layer_norm(x: Tensor, key: str) -> Tensor:
            centred = x - x.mean(-1, keepdim=True)
            out[f"{key}.scale"] = (centred.pow(2).mean(-1, keepdim=True) + EPS).sqrt()
            out[f"{key}.normalized"] = centred / out[f"{key}.scale"]
            return out[f"{key}.normalized"] * p[f"{key}.w"] + p[f"{key}.b"]

        out["embed"] = p["embed.W_E"][tokens]
        out["pos_embed"] = p["pos_embed.W_pos"][:T]
        x = out["embed"] + out["pos_embed"]
        causal = torch.ones(T, T, dtype=torch.bool).tril()
        for layer in range(self.config.n_layers):
            b = f"blocks.{layer}."
            out[b + "resid_pre"] = x
            h = layer_norm(x, b + "ln1")
            for n in "QKV":
                out[b + f"attn.{n.lower()}"] = (
                    torch.einsum("td,hdk->thk", h, p[b + f"attn.W_{n}"]) + p[b + f"attn.b_{n}"]
                )
            q, k, v = (out[b + f"attn.{n}"] for n in "qkv")
            scores = torch.einsum("thk,shk->hts", q, k) / math.sqrt(q.shape[-1])
            out[b + "attn.attn_scores"] = scores.masked_fill(~causal, -math.inf)
            out[b + "attn.pattern"] = out[b + "attn.attn_scores"].softmax(-1)
            out[b + "attn.z"] = torch.einsum("hts,shk->thk", out[b + "attn.pattern"], v)
            out[b + "attn_out"] = torch.einsum("thk,hkd->td", out[b + "attn.z"], p[b + "attn.W_O"]) + p[b + "attn.b_O"]
            x = out[b + "resid_mid"] = x + out[b + "attn_out"]
            h = layer_norm(x, b + "ln2")
            out[b + "mlp.pre"] = h @ p[b + "mlp.W_in"] + p[b + "mlp.b_in"]
            out[b + "mlp.post"] = F.gelu(out[b + "mlp.pre"], approximate="tanh")
            out[b + "mlp_out"] = out[b + "mlp.post"] @ p[b + "mlp.W_out"] + p[b + "mlp.b_out"]
            x = out[b + "resid_post"] = x + out[b + "mlp_out"]
        out["logits"] = layer_norm(x, "ln_final") @ p["unembed.W_U"] + p["unembed.b_U"]
        return out


def _initial(name: str, shape: tuple[int, ...], config, generator: torch.Generator) -> Tensor:
    """Gains 1, biases 0, matrices normal with variance 1 / fan-in; what writes to the residual stream smaller."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf == "w":
        return torch.ones(shape)
    if leaf.startswith("b"):
        return torch.zeros(shape)
    D, L = config.d_model, config.n_layers
    std = {"W_E": 0.5, "W_pos": 0.2, "W_out": (4 * D) ** -0.5, "W_U": 0.5 * D**-0.5}.get(leaf, D**-0.5)
    if leaf in ("W_O", "W_out"):
        std /= math.sqrt(2 * L)
    return torch.randn(shape, generator=generator) * std

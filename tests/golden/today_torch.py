"""The blocks of then and of today, in torch with autograd: what tests/golden/today.npz is made of.

Written from the description of the architectures, not from explainer/live/today.py: torch's own norms, GELU, SiLU,
attention and cross-entropy, RoPE by complex numbers, keys and values written out for each head.

`python -m tests.golden.today_torch` (needs torch) writes tests/golden/today.npz anew; tests/unit/test_live_today.py
reads it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from explainer.live.nets import ALL
from explainer.live.today import Block, Net
from tests.golden.live_torch import examples, perturbed

FILE = Path(__file__).with_name("today.npz")
SMALL = {"vocab": 7, "classes": 5, "length": 9, "width": 12, "heads": 6, "layers": 2, "hidden": 9}
TODAY = {"norm": "rms", "think": "swiglu", "kv_heads": 2, "positions": "rope"}
CASES: dict[str, tuple[Block, slice]] = {
    "then": (Block(**SMALL), slice(1, None, 2)),
    "norm": (Block(**SMALL, norm="rms"), ALL),
    "places": (Block(**SMALL, positions="rope"), slice(1, None, 2)),
    "think": (Block(**SMALL, think="swiglu"), slice(2, None)),
    "share": (Block(**SMALL, kv_heads=2), slice(1, None, 2)),
    "one key": (Block(**SMALL, kv_heads=1), ALL),
    "today": (Block(**SMALL, **TODAY), slice(1, None, 2)),
}


def loss_of(weights, shape, tokens, targets, reads):
    """The loss, from torch tensors. weights: {name: tensor}"""
    import torch
    import torch.nn.functional as F

    B, T = tokens.shape
    D, H, G = shape.width, shape.heads, shape.kv_heads or shape.heads
    K = D // H

    def norm(x, name):
        if shape.norm == "layer":
            return F.layer_norm(x, (D,), weights[f"{name}.w"], weights[f"{name}.b"], 1e-5)
        return F.rms_norm(x, (D,), weights[f"{name}.w"], 1e-5)

    def turned(x):  # [B, H, T, K]
        pairs = torch.complex(*x.split(K // 2, dim=-1))
        speed = 10000.0 ** (-torch.arange(K // 2, dtype=torch.float64) * 2 / K)
        both = pairs * torch.exp(1j * torch.arange(T)[:, None] * speed)
        return torch.cat([both.real, both.imag], dim=-1)

    x = F.embedding(tokens, weights["embed.W_E"])
    if shape.positions == "learned":
        x = x + weights["embed.W_pos"][:T]
    for layer in range(shape.layers):
        at = f"layers.{layer}.attention"
        y = norm(x, f"layers.{layer}.norm_1")
        q = (y @ weights[f"{at}.W_Q"]).view(B, T, H, K).transpose(1, 2)
        k, v = ((y @ w).view(B, T, G, K).transpose(1, 2) for w in weights[f"{at}.W_KV"].split(G * K, dim=1))
        if shape.positions == "rope":
            q, k = turned(q), turned(k)
        k, v = (a.repeat_interleave(H // G, dim=1) for a in (k, v))
        z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + z.transpose(1, 2).reshape(B, T, D) @ weights[f"{at}.W_O"]
        y = norm(x, f"layers.{layer}.norm_2")
        m = f"layers.{layer}.{shape.think}"
        if shape.think == "gelu":
            inner = F.gelu(y @ weights[f"{m}.W_in"], approximate="tanh")
        else:
            inner = F.silu(y @ weights[f"{m}.W_gate"]) * (y @ weights[f"{m}.W_in"])
        x = x + inner @ weights[f"{m}.W_out"]
    logits = (norm(x, "norm") @ weights["readout.W_U"])[:, reads]
    return F.cross_entropy(logits.reshape(-1, shape.classes), targets.reshape(-1), ignore_index=-1)


def main() -> None:
    import torch

    found = {}
    for name, (shape, reads) in CASES.items():
        net = perturbed(Net(shape, 0, np.float64))
        tokens, targets = examples(shape, reads)
        weights = {n: torch.tensor(w, requires_grad=True) for n, w in net.weights.of.items()}
        loss = loss_of(weights, shape, torch.tensor(tokens), torch.tensor(targets), reads)
        loss.backward()
        found[f"{name}/loss"] = np.array(loss.item())
        for n, w in weights.items():
            found[f"{name}/{n}"] = w.grad.numpy()
        print(name, net.size, round(loss.item(), 4))
    np.savez_compressed(FILE, **found)


if __name__ == "__main__":
    main()

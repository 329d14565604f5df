"""The small models that are trained in the page, in torch with autograd: what tests/golden/live.npz is made of.

Written from the description of the architectures, not from explainer/live/nets.py: torch's own attention, GRU and
cross-entropy, RoPE by complex numbers, the linear attention by a running sum, and all places computed everywhere.

`python -m tests.golden.live_torch` (needs torch) writes tests/golden/live.npz anew; tests/unit/test_live_nets.py reads
it.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from explainer.live.nets import ALL, Net, Shape

FILE = Path(__file__).with_name("live.npz")
SMALL = {"vocab": 7, "classes": 5, "length": 9, "width": 8, "heads": 2, "layers": 2, "hidden": 12}
CASES: dict[str, tuple[Shape, slice]] = {
    "learned": (Shape(**SMALL), ALL),
    "rope": (Shape(**{**SMALL, "positions": "rope"}), slice(1, None, 2)),
    "none": (Shape(**{**SMALL, "positions": "none"}), slice(2, None)),
    "attention only": (Shape(**{**SMALL, "hidden": 0}), slice(1, None, 2)),
    "one layer": (Shape(**{**SMALL, "layers": 1}), slice(1, None, 2)),
    "linear": (Shape(**{**SMALL, "mixer": "linear"}), slice(1, None)),
    "gru": (Shape(**{**SMALL, "mixer": "gru", "positions": "none"}), slice(1, None, 2)),
}
BATCH, TOKENS = 3, 8


def examples(shape: Shape, reads: slice) -> tuple[np.ndarray, np.ndarray]:
    """Seeded tokens [B, T] and targets [B, R], at one place of each example no answer is asked for."""
    rng = np.random.default_rng(5)
    tokens = rng.integers(0, shape.vocab, (BATCH, TOKENS))
    targets = rng.integers(0, shape.classes, (BATCH, len(range(TOKENS)[reads])))
    targets[:, 0] = -1
    return tokens, targets


def loss_of(weights, shape, tokens, targets, reads):
    """The loss, from torch tensors. weights: {name: tensor}"""
    import torch
    import torch.nn.functional as F

    B, T = tokens.shape
    D, H = shape.width, shape.heads
    K = D // H

    def norm(x):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-5)

    def turned(x):  # [B, H, T, K]
        pairs = torch.complex(*x.split(K // 2, dim=-1))
        speed = 10000.0 ** (-torch.arange(K // 2, dtype=torch.float64) * 2 / K)
        turns = torch.exp(1j * torch.arange(T)[:, None] * speed)
        both = pairs * turns
        return torch.cat([both.real, both.imag], dim=-1)

    x = F.embedding(tokens, weights["embed.W_E"])
    if shape.positions == "learned":
        x = x + weights["embed.W_pos"][:T]
    for layer in range(shape.layers):
        part = f"layers.{layer}.{shape.mixer}"
        y = norm(x)
        if shape.mixer == "gru":
            cell = torch.nn.GRU(D, D, batch_first=True, dtype=torch.float64)
            none = torch.zeros(2 * D, dtype=torch.float64)
            given = {
                "weight_ih_l0": weights[f"{part}.W"].T,
                "weight_hh_l0": weights[f"{part}.U"].T,
                "bias_ih_l0": weights[f"{part}.b"],
                "bias_hh_l0": torch.cat([none, weights[f"{part}.c"]]),
            }
            # torch keeps with z what we keep with z: h = (1 - z) n + z h
            mixed = torch.func.functional_call(cell, given, (y,))[0]
        else:
            heads = [(y @ w).view(B, T, H, K).transpose(1, 2) for w in (weights[f"{part}.W_Q"],)]
            q = heads[0]
            k, v = ((y @ w).view(B, T, H, K).transpose(1, 2) for w in weights[f"{part}.W_KV"].split(D, dim=1))
            if shape.positions == "rope":
                q, k = turned(q), turned(k)
            if shape.mixer == "linear":
                past = torch.cumsum(k[..., :, None] * v[..., None, :], dim=2)
                z = (q[..., None, :] @ past)[..., 0, :] / K**0.5
                z = z / torch.arange(1, T + 1)[:, None]
            else:
                z = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            mixed = z.transpose(1, 2).reshape(B, T, D)
        x = x + mixed @ weights[f"{part}.W_O"]
        if shape.hidden:
            m = f"layers.{layer}.mlp"
            inner = F.relu(norm(x) @ weights[f"{m}.W_in"] + weights[f"{m}.b_in"])
            x = x + inner @ weights[f"{m}.W_out"] + weights[f"{m}.b_out"]
    logits = (norm(x) @ weights["readout.W_U"])[:, reads]
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
        print(name, asdict(shape), round(loss.item(), 4))
    np.savez_compressed(FILE, **found)


def perturbed(net: Net) -> Net:
    """The same with no parameter at exactly 0, so that each has its part in the loss."""
    net.weights.value += np.random.default_rng(1).normal(0, 0.2, net.size)
    return net


if __name__ == "__main__":
    main()

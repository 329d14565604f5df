"""Muon for the matrices of the blocks, AdamW for the rest.

Muon replaces the momentum of a matrix by the nearest orthogonal matrix (Newton-Schulz iteration), so that every
direction is learned at the same pace. Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers".
"""

from __future__ import annotations

import torch
from torch import Tensor

from explainer.training.torch_model import TorchTransformer

MATRICES = ("W_Q", "W_K", "W_V", "W_O", "W_in", "W_out")


def orthogonalise(stack: Tensor, iterations: int = 5) -> Tensor:
    """[N, rows, columns] with rows <= columns -> matrices of the same directions with singular values near 1."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = stack / (stack.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(iterations):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


class Muon:
    """Muon with Nesterov momentum over all matrices of the blocks, in two stacks ([D, D] and [D, 4D])."""

    def __init__(self, model: TorchTransformer, momentum: float = 0.95, weight_decay: float = 0.02):
        self.momentum, self.weight_decay = momentum, weight_decay
        D = model.config.d_model
        self.D = D
        self.groups: dict[str, list[tuple[str, Tensor]]] = {"square": [], "wide": []}
        for name, p in model.params().items():
            leaf = name.rsplit(".", 1)[-1]
            if leaf in MATRICES:
                self.groups["wide" if leaf in ("W_in", "W_out") else "square"].append((leaf, p))
        self.momenta: dict[str, Tensor] = {}

    def _as_matrix(self, leaf: str, value: Tensor) -> Tensor:
        """[D, D] or [D, 4D]: D always the residual stream's side."""
        if leaf in ("W_Q", "W_K", "W_V"):
            return value.permute(1, 0, 2).reshape(self.D, self.D)
        if leaf == "W_O":
            return value.reshape(self.D, self.D)
        return value if leaf == "W_in" else value.T

    def _as_parameter(self, leaf: str, matrix: Tensor, shape: torch.Size) -> Tensor:
        if leaf in ("W_Q", "W_K", "W_V"):
            return matrix.reshape(self.D, shape[0], shape[2]).permute(1, 0, 2)
        if leaf == "W_O":
            return matrix.reshape(shape)
        return matrix if leaf == "W_in" else matrix.T

    @torch.no_grad()
    def step(self, lr: float) -> None:
        for group, members in self.groups.items():
            gradient = torch.stack([self._as_matrix(leaf, p.grad) for leaf, p in members if p.grad is not None])
            momentum = self.momenta.setdefault(group, torch.zeros_like(gradient))
            momentum.lerp_(gradient, 1 - self.momentum)
            update = orthogonalise(gradient.lerp(momentum, self.momentum))
            for (leaf, p), matrix in zip(members, update, strict=True):
                scale = 2.0 if leaf == "W_in" else 1.0  # sqrt(max(1, outputs / inputs))
                p.mul_(1 - lr * self.weight_decay)
                p.add_(self._as_parameter(leaf, matrix, p.shape), alpha=-lr * scale)

    def state_dict(self) -> dict[str, Tensor]:
        return self.momenta

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.momenta = dict(state)

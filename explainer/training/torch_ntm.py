"""Neural Turing Machines in torch, several of them at once, each on many sequences: for training, and as a reference
for the one in numpy.

Names and shapes of the weights are those of explainer/architectures/ntm.py, with one axis before them. R machines, B
sequences of each, T steps, N slots, M numbers in a slot. Small machines cost mostly the calls: five take hardly longer
than one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explainer.architectures.ntm import BLANK, EPS, STEPS, NTMConfig


class TorchNTMs(nn.Module):
    """Weights, drawn with a seed for each machine, and the run over them."""

    def __init__(self, config: NTMConfig, seeds: Sequence[int] = (0,)):
        super().__init__()
        self.config, self.count = config, len(seeds)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        for name, shape in config.parameter_shapes.items():
            spread = 0.0 if len(shape) == 1 else 1 / math.sqrt(shape[0])
            value = torch.stack([torch.randn(shape, generator=generator) for generator in generators]) * spread
            self.register_parameter(name.replace(".", "/"), nn.Parameter(value))

    def params(self) -> dict[str, Tensor]:
        """Name -> parameter (the live tensors)."""
        own = dict(self.named_parameters())
        return {name: own[name.replace(".", "/")] for name in self.config.parameter_shapes}

    @classmethod
    def from_params(cls, params: Mapping[str, np.ndarray], config: NTMConfig) -> TorchNTMs:
        """One machine with these weights, as float32."""
        model = cls(config)
        with torch.no_grad():
            for name, tensor in model.params().items():
                tensor.copy_(torch.tensor(np.asarray(params[name], dtype=np.float32))[None])
        return model

    def to_params(self, machine: int = 0) -> dict[str, np.ndarray]:
        """Name -> float32 array, of one machine."""
        return {name: p[machine].detach().numpy().astype(np.float32).copy() for name, p in self.params().items()}

    def layer(self, x: Tensor, name: str) -> Tensor:
        """x: [R, B, I]; returns: [R, B, O], by each machine's own weights"""
        p = self.params()
        return torch.baddbmm(p[f"{name}.b"][:, None], x, p[f"{name}.W"])

    def head(self, raw: Tensor, memory: Tensor, before: Tensor) -> Tensor:
        """The weighting of a head. raw: [R, B, M + 6], memory: [R, B, N, M], before: [R, B, N]; returns: [R, B, N]"""
        key, strength, gate, moves, sharpness = raw.split([self.config.d_slot, 1, 1, len(STEPS), 1], dim=-1)
        key = key.tanh()
        cosine = (memory @ key[..., None])[..., 0]
        cosine = cosine / (memory.norm(dim=-1) * key.norm(dim=-1, keepdim=True) + EPS)
        content = (F.softplus(strength) * cosine).softmax(dim=-1)
        gated = torch.lerp(before, content, gate.sigmoid())
        moved = torch.stack([gated.roll(k, dims=-1) for k in STEPS], dim=-1)  # [R, B, N, 3]
        shifted = (moved @ moves.softmax(dim=-1)[..., None])[..., 0]
        grown = (shifted / shifted.amax(dim=-1, keepdim=True)) ** (1 + F.softplus(sharpness))
        return grown / grown.sum(dim=-1, keepdim=True)

    def forward(self, given: Tensor, n_slots: int) -> tuple[Tensor, Tensor, Tensor]:
        """given: [T, R, B, I]

        returns: logits [T, R, B, O], and the weightings of the write and the read head, [T, R, B, N] each
        """
        M = self.config.d_slot
        R, B = given.shape[1:3]
        memory = torch.full((R, B, n_slots, M), BLANK)
        written = looked = F.one_hot(torch.zeros(R, B, dtype=torch.long), n_slots).float()
        heard = torch.zeros(R, B, M)
        hidden = cell = torch.zeros(R, B, self.config.d_controller)
        logits, writes, reads = [], [], []
        for now in given:
            gates = self.layer(torch.cat([now, heard, hidden], dim=-1), "controller")
            take, keep, new, show = gates.chunk(4, dim=-1)
            cell = keep.sigmoid() * cell + take.sigmoid() * new.tanh()
            hidden = show.sigmoid() * cell.tanh()
            raw, wipe, put = self.layer(hidden, "write").split([M + 6, M, M], dim=-1)
            written = self.head(raw, memory, written)
            share = written[..., None]
            memory = memory * (1 - share * wipe.sigmoid()[..., None, :]) + share * put.tanh()[..., None, :]
            looked = self.head(self.layer(hidden, "read"), memory, looked)
            heard = (looked[..., None, :] @ memory)[..., 0, :]
            logits.append(self.layer(torch.cat([hidden, heard], dim=-1), "answer"))
            writes.append(written)
            reads.append(looked)
        return torch.stack(logits), torch.stack(writes), torch.stack(reads)

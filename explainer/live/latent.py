"""A loop without words: what is handed on from step to step is not a token that was written, but the vector itself.

The model is that of nets.py with one layer, and it has the same weights. It reads start, move, thought, move, thought,
...: where the one that writes would read its last note, this one reads the last vector of the residual stream at the
move before. So no number is rounded to a word on the way, and the gradient of a late answer goes back through all the
thoughts before it. It pays for that in training: a thought is there only once the one before is computed, so the places
of a text come one after the other, forward and backward.

Source: Hao et al. 2024 (continuous thoughts); Fan et al. 2020 (feedback of higher layers to later places)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from explainer.live.nets import ALL, EPS, Array, Net, Shape, flat, softmax

MOVES = slice(1, None)
"""The places at which an answer is asked for: each token but the first."""


class Latent(Net):
    """Given a start and n moves, [B, n + 1] tokens, it answers after each move.

    Place 2 t holds thought t, place 2 t + 1 move t, and the start stands in the place of the first thought.

    Raises ValueError for a shape that is not one layer of softmax attention with learned positions and an MLP.
    """

    def __init__(self, shape: Shape, seed: int, dtype: Any = np.float32):
        if (shape.layers, shape.mixer, shape.positions) != (1, "softmax", "learned") or not shape.hidden:
            raise ValueError("a loop without words has one layer of attention, learned positions and an MLP")
        super().__init__(shape, seed, dtype)

    def forward(self, tokens: Array, reads: slice = MOVES, forged: Mapping[int, Array] | None = None) -> Array:
        """The logits after each move.

        tokens:  [B, n + 1] integers: the start, then the moves
        reads:   `MOVES`, or all places; nothing is asked at the start in either case
        forged:  {move: vectors [B, D]} to be handed on after that move instead of its own
        returns: [B, n, C]; `thoughts` [n, B, D] are the vectors that were handed on
        """
        if reads not in (MOVES, ALL):
            raise ValueError("a loop without words is asked after every move")
        w, dtype = self.weights.of, self.weights.dtype
        E, places = w["embed.W_E"], w["embed.W_pos"]
        W_Q, W_KV, W_O = (w[f"layers.0.softmax.{name}"] for name in ("W_Q", "W_KV", "W_O"))
        W_in, b_in, W_out, b_out = (w[f"layers.0.mlp.{name}"] for name in ("W_in", "b_in", "W_out", "b_out"))
        B, n = tokens.shape[0], tokens.shape[1] - 1
        D, H, F = self.shape.width, self.shape.heads, self.shape.hidden
        K = D // H
        self.tokens, shrink = tokens, dtype.type(1 / math.sqrt(K))
        x, self.y = np.empty((2 * n, B, D), dtype), np.empty((2 * n, B, D), dtype)
        self.scale = np.empty((2 * n, B, 1), dtype)
        x[0] = E[tokens[:, 0]] + places[0]
        x[1::2] = E[tokens[:, 1:].T] + places[1 : 2 * n : 2, None]
        self.scale[1::2] = scale_of(x[1::2])
        self.y[1::2] = x[1::2] * self.scale[1::2]
        self.q = (self.y[1::2] @ W_Q).reshape(n, B, H, K) * shrink
        self.kv = np.empty((2, B, H, 2 * n, K), dtype)
        self.kv[:, :, :, 1::2] = (self.y[1::2] @ W_KV).reshape(n, B, 2, H, K).transpose(2, 1, 3, 0, 4)
        self.z, self.u, self.act = np.empty((n, B, D), dtype), np.empty((n, B, D), dtype), np.empty((n, B, F), dtype)
        self.u_scale, self.thoughts = np.empty((n, B, 1), dtype), np.empty((n, B, D), dtype)
        self.patterns: list[Array] = []  # of each move, [B, H, T]
        for t in range(n):
            if t:
                x[2 * t] = self.thoughts[t - 1] + places[2 * t]
            self.scale[2 * t] = scale_of(x[2 * t])
            np.multiply(x[2 * t], self.scale[2 * t], out=self.y[2 * t])
            self.kv[:, :, :, 2 * t] = (self.y[2 * t] @ W_KV).reshape(B, 2, H, K).transpose(1, 0, 2, 3)
            keys, values = self.kv[:, :, :, : 2 * t + 2]
            pattern = softmax((keys @ self.q[t][..., None])[..., 0])
            self.z[t] = (pattern[..., None, :] @ values).reshape(B, D)
            self.patterns.append(pattern)
            middle = x[2 * t + 1] + self.z[t] @ W_O
            self.u_scale[t] = scale_of(middle)
            np.multiply(middle, self.u_scale[t], out=self.u[t])
            np.maximum(self.u[t] @ W_in + b_in, 0, out=self.act[t])
            self.thoughts[t] = middle + self.act[t] @ W_out + b_out
            if forged and t in forged:
                self.thoughts[t] = forged[t]
        self.f_scale = scale_of(self.thoughts)
        self.f = self.thoughts * self.f_scale
        return np.ascontiguousarray((self.f @ w["readout.W_U"]).transpose(1, 0, 2))

    def backward(self, dlogits: Array) -> None:
        """Fill `weights.grad` for the last `forward`: from the last move to the first, thought by thought.

        dlogits: [B, n, C]
        """
        w, grad = self.weights.of, self.weights.grad_of
        W_Q, W_KV, W_O = (w[f"layers.0.softmax.{name}"] for name in ("W_Q", "W_KV", "W_O"))
        W_in, W_out = w["layers.0.mlp.W_in"], w["layers.0.mlp.W_out"]
        n, B, D = self.thoughts.shape
        H, dtype = self.shape.heads, self.weights.dtype
        K = D // H
        shrink = dtype.type(1 / math.sqrt(K))
        dl = np.ascontiguousarray(dlogits.transpose(1, 0, 2))
        grad["readout.W_U"][...] = flat(self.f).T @ flat(dl)
        dh = through_norm(dl @ w["readout.W_U"].T, self.f, self.f_scale)  # [n, B, D], of each thought
        dkv, dq = np.zeros_like(self.kv), np.empty((n, B, D), dtype)
        dact, dmiddle, dx = np.empty_like(self.act), np.empty((n, B, D), dtype), np.empty_like(self.y)
        for t in range(n - 1, -1, -1):
            if t < n - 1:
                dh[t] += dx[2 * t + 2]  # the edge that a written token cuts
            np.multiply(dh[t] @ W_out.T, self.act[t] > 0, out=dact[t])
            dmiddle[t] = dh[t] + through_norm(dact[t] @ W_in.T, self.u[t], self.u_scale[t])
            dz = (dmiddle[t] @ W_O.T).reshape(B, H, K)
            pattern, (keys, values) = self.patterns[t], self.kv[:, :, :, : 2 * t + 2]
            ds = (values @ dz[..., None])[..., 0]  # [B, H, T]
            ds -= (ds * pattern).sum(axis=-1, keepdims=True)
            ds *= pattern
            dq[t] = (ds[..., None, :] @ keys).reshape(B, D) * shrink
            dkv[0, :, :, : 2 * t + 2] += ds[..., None] * self.q[t][:, :, None]
            dkv[1, :, :, : 2 * t + 2] += pattern[..., None] * dz[:, :, None]
            given = dkv[:, :, :, 2 * t].transpose(1, 0, 2, 3).reshape(B, 2 * D)  # whole: nothing before reads it
            dx[2 * t] = through_norm(given @ W_KV.T, self.y[2 * t], self.scale[2 * t])
        dkv = np.ascontiguousarray(dkv.transpose(3, 1, 0, 2, 4)).reshape(2 * n, B, 2 * D)
        dy = dkv[1::2] @ W_KV.T + dq @ W_Q.T
        dx[1::2] = dmiddle + through_norm(dy, self.y[1::2], self.scale[1::2])
        for name, read, back in (
            ("softmax.W_Q", self.y[1::2], dq),
            ("softmax.W_KV", self.y, dkv),
            ("softmax.W_O", self.z, dmiddle),
            ("mlp.W_in", self.u, dact),
            ("mlp.W_out", self.act, dh),
        ):
            grad[f"layers.0.{name}"][...] = flat(read).T @ flat(back)
        grad["layers.0.mlp.b_in"][...] = flat(dact).sum(axis=0)
        grad["layers.0.mlp.b_out"][...] = flat(dh).sum(axis=0)
        grad["embed.W_pos"][...] = 0
        grad["embed.W_pos"][: 2 * n] = dx.sum(axis=1)
        read_at = np.concatenate([dx[:1], dx[1::2]])  # where tokens stand, [n + 1, B, D]
        ones = np.eye(self.shape.vocab, dtype=dtype)[self.tokens.T]
        grad["embed.W_E"][...] = flat(ones).T @ flat(read_at)


def scale_of(x: Array) -> Array:
    """One over the root mean square of each vector. x: [..., D]; returns [..., 1]"""
    return 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + x.dtype.type(EPS))


def through_norm(dy: Array, y: Array, scale: Array) -> Array:
    """The gradient of a vector from that of the same normalised. dy, y: [..., D]; scale: [..., 1]; returns [..., D]"""
    return scale * (dy - y * (dy * y).mean(axis=-1, keepdims=True))

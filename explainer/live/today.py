"""The small transformer of nets.py with four switches: each of its parts as GPT-2 has it, or as models of today do.

    normalising   LayerNorm            or   RMSNorm            (a gain each; a shift in LayerNorm alone)
    places        a learned vector     or   RoPE               (`Shape.positions`, as in nets.py)
    thinking      GELU                 or   SwiGLU             (as many numbers in the matrices of both)
    reading       keys and values for each head   or   for each group of heads

All else is the same on both sides, and from nets.py: the stream, the mask, the way back by the chain rule. No matrix
has a bias here, on either side.

Sources: Radford et al. 2019 (GPT-2); Touvron et al. 2023 (Llama); LayerNorm: Ba et al. 2016; RMSNorm: Zhang & Sennrich
2019; GELU: Hendrycks & Gimpel 2016; SwiGLU: Shazeer 2020; grouped queries: Shazeer 2019, Ainslie et al. 2023
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from explainer.kernel.ops import gelu, gelu_slope
from explainer.live import nets
from explainer.live.adamw import Plan
from explainer.live.nets import ALL, MLP, Attention, Norm, Shape, Weights, angles, flat, mask_of_future, rotate, softmax
from explainer.live.tasks import Task
from explainer.live.trainer import Loop, Trainer

Array = np.ndarray


@dataclass(frozen=True)
class Block(Shape):
    """The sizes of a model, and which of its parts are of today.

    hidden:   F of the GELU; the SwiGLU has `inner` of them, so that its three matrices hold what GELU's two do
    norm:     "layer" or "rms"
    think:    "gelu" or "swiglu"
    kv_heads: G, how many heads have keys and values of their own; 0: all
    Raises ValueError, as `Shape` does, and where the groups are not even or the hidden units not a multiple of 3.
    """

    norm: Literal["layer", "rms"] = "layer"
    think: Literal["gelu", "swiglu"] = "gelu"
    kv_heads: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.heads % self.groups:
            raise ValueError(f"{self.heads} heads cannot share {self.groups} keys and values evenly")
        if self.think == "swiglu" and self.hidden % 3:
            raise ValueError(f"two thirds of {self.hidden} hidden units are not a whole number of them")

    @property
    def groups(self) -> int:
        """G"""
        return self.kv_heads or self.heads

    @property
    def inner(self) -> int:
        """How many hidden units the MLP has: F, or of SwiGLU two thirds of that. 3 D (2/3 F) = 2 D F numbers."""
        return self.hidden if self.think == "gelu" else 2 * self.hidden // 3

    def cache_bytes(self, bytes_each: int = 4) -> int:
        """What one more token of a text costs to remember: its keys and values in all layers, in bytes."""
        return 2 * self.layers * self.groups * (self.width // self.heads) * bytes_each


# ---------------------------------------------------------------- normalise


class RMSNorm(Norm):
    """Each vector divided by its root mean square (`Norm`), then stretched, coordinate by coordinate.

    w: [D], the gains; they begin at 1
    """

    def ask(self) -> None:
        self.want("w", self.shape.width)

    def forward(self, x: Array) -> Array:
        """x: [B, T, D]; returns [B, T, D]"""
        return np.multiply(super().forward(x), self.w("w"), out=self.room("stretched", *x.shape))

    def backward(self, dy: Array) -> Array:
        """dy: [B, T, D]; returns [B, T, D]"""
        self.learn("w", np.einsum("btd,btd->d", dy, self.out))
        return super().backward(np.multiply(dy, self.w("w"), out=self.room("dout", *dy.shape)))

    def step(self, x: Array) -> Array:
        """x: [B, D]; returns [B, D]"""
        return super().step(x) * self.w("w")


class LayerNorm(RMSNorm):
    """RMSNorm of what is left of a vector when its mean is taken off; and a shift.

    w, b: [D], the gains and the shifts; these begin at 0
    """

    def ask(self) -> None:
        super().ask()
        self.want("b", self.shape.width)

    def forward(self, x: Array) -> Array:
        """x: [B, T, D]; returns [B, T, D]"""
        out = super().forward(np.subtract(x, x.mean(-1, keepdims=True), out=self.room("centred", *x.shape)))
        out += self.w("b")
        return out

    def backward(self, dy: Array) -> Array:
        """What would only have moved the mean is lost, too. dy: [B, T, D]; returns [B, T, D]"""
        self.learn("b", flat(dy).sum(axis=0))
        dx = super().backward(dy)
        dx -= dx.mean(-1, keepdims=True)
        return dx

    def step(self, x: Array) -> Array:
        """x: [B, D]; returns [B, D]"""
        return super().step(x - x.mean(-1, keepdims=True)) + self.w("b")


# ---------------------------------------------------------------- read


class GroupedAttention(Attention):
    """Causal attention in which heads 0 to H / G - 1 share the keys and values of group 0, and so on.

    With G = H it is the attention of nets.py, with the same weights from the same seed.
    """

    shape: Block

    def ask(self) -> None:
        D = self.shape.width
        self.K, self.linear = D // self.shape.heads, False
        for name, columns in (("W_Q", D), ("W_KV", 2 * self.shape.groups * self.K), ("W_O", D)):
            self.want(name, D, columns, spread=1 / math.sqrt(D))

    def split(self, x: Array, heads: int) -> Array:
        """[B, T, n * heads * K] as n times [B, heads, T, K], a view."""
        B, T, _ = x.shape
        return x.reshape(B, T, -1, heads, self.K).transpose(2, 0, 3, 1, 4)

    def gathered(self, x: Array) -> Array:
        """The rows of the heads of a group one after the other: [B, H, R, N] to [B, G, H / G * R, N]."""
        B, _, _, N = x.shape
        return x.reshape(B, self.shape.groups, -1, N)

    def turns(self, at: Any) -> tuple[Array, Array]:
        """Cosine and sine of RoPE's angles at some places."""
        cos, sin = angles(self.shape.length, self.K, self.weights.dtype.str)
        return cos[at], sin[at]

    def forward(self, y: Array, reads: slice = ALL) -> Array:
        """y: [B, T, D] normalised; reads: which R of the T places; returns [B, R, D]"""
        B, T, D = y.shape
        H, G, root = self.shape.heads, self.shape.groups, self.weights.dtype.type(1 / math.sqrt(self.K))
        self.y, self.reads = y, reads
        self.asking = y if reads == ALL else np.ascontiguousarray(y[:, reads])
        R = self.asking.shape[1]
        q = self.split(self.times(self.asking, self.w("W_Q"), "q"), H)[0]  # [B, H, R, K]
        self.k, self.v = self.split(self.times(y, self.w("W_KV"), "kv"), G)  # [B, G, T, K] each
        if self.shape.positions == "rope":
            cos, sin = self.turns(slice(T))
            q, self.k = rotate(q, cos[reads], sin[reads]), rotate(self.k, cos, sin)
        self.q = self.gathered(q)  # [B, G, H / G * R, K]
        self.shares = self.room("shares", B, G, H // G * R, T)
        np.matmul(self.q, self.k.transpose(0, 1, 3, 2), out=self.shares)
        self.shares *= root
        self.pattern = self.shares.reshape(B, H, R, T)  # the same numbers, head by head
        self.pattern += mask_of_future(T, self.weights.dtype.str)[reads]
        softmax(self.pattern)
        self.mixed = np.matmul(self.shares, self.v, out=self.room("mixed", *self.q.shape))
        self.z = self.room("z", B, R, D)
        self.split(self.z, H)[0][...] = self.mixed.reshape(B, H, R, self.K)
        return self.times(self.z, self.w("W_O"), "out")

    def backward(self, dout: Array) -> Array:
        """Keys and values collect what all heads of their group send back. dout: [B, R, D]; returns [B, T, D]"""
        B, T, D = self.y.shape
        H, G, R = self.shape.heads, self.shape.groups, self.asking.shape[1]
        self.learn_product("W_O", self.z, dout)
        dz = self.gathered(self.split(self.times(dout, self.w("W_O").T, "dz"), H)[0])  # [B, G, H / G * R, K]
        dkv = self.room("dkv", B, T, 2 * G * self.K)
        dk, dv = self.split(dkv, G)
        np.matmul(self.shares.transpose(0, 1, 3, 2), dz, out=dv)
        ds = np.matmul(dz, self.v.transpose(0, 1, 3, 2), out=self.room("ds", *self.shares.shape))
        ds -= np.einsum("bgrk,bgrk->bgr", dz, self.mixed)[..., None]
        ds *= self.shares
        ds *= self.weights.dtype.type(1 / math.sqrt(self.K))
        dq_heads, dk_found = (ds @ self.k).reshape(B, H, R, self.K), ds.transpose(0, 1, 3, 2) @ self.q
        if self.shape.positions == "rope":  # and back again
            cos, sin = self.turns(slice(T))
            dq_heads = rotate(dq_heads, cos[self.reads], -sin[self.reads])
            dk_found = rotate(dk_found, cos, -sin)
        dk[...] = dk_found
        dq = self.room("dq", B, R, D)
        self.split(dq, H)[0][...] = dq_heads
        self.learn_product("W_Q", self.asking, dq)
        self.learn_product("W_KV", self.y, dkv)
        dy = self.times(dkv, self.w("W_KV").T, "dy")
        dy[:, self.reads] += self.times(dq, self.w("W_Q").T, "dy from q")
        return dy

    def step(self, y: Array, state: dict[str, Array], at: int) -> Array:
        """The same for one more token. y: [B, D], at place `at`; state: what it remembers; returns [B, D]"""
        B, D = y.shape
        self.remember(y, state, at)
        q = (y @ self.w("W_Q")).reshape(B, self.shape.heads, self.K) / self.weights.dtype.type(math.sqrt(self.K))
        if self.shape.positions == "rope":
            q = rotate(q, *self.turns(at))
        keys, values = state["k"][:, :, : at + 1], state["v"][:, :, : at + 1]
        grouped = q.reshape(B, self.shape.groups, -1, self.K)  # [B, G, H / G, K]
        return (softmax(grouped @ keys.transpose(0, 1, 3, 2)) @ values).reshape(B, D) @ self.w("W_O")

    def remember(self, y: Array, state: dict[str, Array], at: int) -> None:
        """Keep of one more token what later ones may read of it: G keys and values. y: [B, D], at place `at`"""
        B, G = len(y), self.shape.groups
        k, v = (y @ self.w("W_KV")).reshape(B, 2, G, self.K).transpose(1, 0, 2, 3)
        if self.shape.positions == "rope":
            k = rotate(k, *self.turns(at))
        for name, new in (("k", k), ("v", v)):  # the KV cache
            if name not in state:
                state[name] = np.empty((B, G, self.shape.length, self.K), y.dtype)
            state[name][:, :, at] = new


# ---------------------------------------------------------------- think


class GELU(MLP):
    """Two matrices, and between them a bend by which each hidden unit switches itself."""

    shape: Block

    def ask(self) -> None:
        D, F = self.shape.width, self.shape.inner
        self.want("W_in", D, F, spread=math.sqrt(2 / D))
        self.want("W_out", F, D, spread=0.5 / math.sqrt(F))

    def forward(self, y: Array) -> Array:
        """y: [B, R, D]; returns [B, R, D]"""
        self.y = y
        self.pre = self.times(y, self.w("W_in"), "pre")  # [B, R, F]
        self.act = gelu(self.pre)
        return self.times(self.act, self.w("W_out"), "out")

    def backward(self, dout: Array) -> Array:
        """dout: [B, R, D]; returns [B, R, D]"""
        self.learn_product("W_out", self.act, dout)
        dpre = self.times(dout, self.w("W_out").T, "dpre")
        dpre *= gelu_slope(self.pre)
        self.learn_product("W_in", self.y, dpre)
        return self.times(dpre, self.w("W_in").T, "dy")

    def step(self, y: Array) -> Array:
        """y: [B, D]; returns [B, D]"""
        return gelu(y @ self.w("W_in")) @ self.w("W_out")


class SwiGLU(MLP):
    """Three matrices: one gives values, one gives gates that open and shut them, one narrows again."""

    shape: Block

    def ask(self) -> None:
        D, F = self.shape.width, self.shape.inner
        for name in ("W_gate", "W_in"):
            self.want(name, D, F, spread=math.sqrt(2 / D))
        self.want("W_out", F, D, spread=0.5 / math.sqrt(F))

    def forward(self, y: Array) -> Array:
        """y: [B, R, D]; returns [B, R, D]"""
        self.y = y
        self.gate, self.value = (self.times(y, self.w(name), name) for name in ("W_gate", "W_in"))  # [B, R, F]
        self.open = sigmoid(self.gate)
        self.act = self.gate * self.open * self.value
        return self.times(self.act, self.w("W_out"), "out")

    def backward(self, dout: Array) -> Array:
        """A product: each factor's gradient is the other one, times what comes back. dout: [B, R, D]; [B, R, D]"""
        self.learn_product("W_out", self.act, dout)
        dact = self.times(dout, self.w("W_out").T, "dact")
        dvalue = dact * self.gate * self.open
        dact *= self.value
        dact *= self.open * (1 + self.gate * (1 - self.open))
        self.learn_product("W_in", self.y, dvalue)
        self.learn_product("W_gate", self.y, dact)
        dy = self.times(dvalue, self.w("W_in").T, "dy")
        dy += self.times(dact, self.w("W_gate").T, "dy from the gates")
        return dy

    def step(self, y: Array) -> Array:
        """y: [B, D]; returns [B, D]"""
        gate = y @ self.w("W_gate")
        return (gate * sigmoid(gate) * (y @ self.w("W_in"))) @ self.w("W_out")


def sigmoid(x: Array) -> Array:
    """How far a gate is open, 0 to 1; in the form that never overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * x)


# ---------------------------------------------------------------- the model

NORMS: dict[str, type[RMSNorm]] = {"layer": LayerNorm, "rms": RMSNorm}
THINKS: dict[str, type[MLP]] = {"gelu": GELU, "swiglu": SwiGLU}


class Layer(nets.Layer):
    """Read, add; think, add: as in nets.py, of the parts that the block has."""

    def __init__(self, name: str, shape: Block, weights: Weights, memory: nets.Memory):
        given = (shape, weights, memory)
        self.before_mixing = NORMS[shape.norm](f"{name}.norm_1", *given)
        self.mixer = GroupedAttention(f"{name}.attention", *given)
        self.before_thinking = NORMS[shape.norm](f"{name}.norm_2", *given)
        self.mlp = THINKS[shape.think](f"{name}.{shape.think}", *given)


class Net(nets.Net):
    """A model of such layers: the same seed gives the same weights, to the last bit."""

    shape: Block

    def __init__(self, shape: Block, seed: int, dtype: Any = np.float32):
        self.shape = shape
        self.weights = Weights(dtype)
        given = (shape, self.weights, nets.Memory(dtype))
        self.embedding = nets.Embedding("embed", *given)
        self.layers = [Layer(f"layers.{i}", *given) for i in range(shape.layers)]
        self.norm = NORMS[shape.norm]("norm", *given)
        self.readout = nets.Readout("readout", *given)
        self.weights.fill(np.random.default_rng([seed, 0]))
        for name, weight in self.weights.of.items():
            if name.endswith(".w"):
                weight[...] = 1  # the gains


class BlockTrainer(Trainer):
    """The training loop of trainer.py, of such a model."""

    def __init__(self, task: Task, shape: Block, plan: Plan, seed: int, *, every: int, games: int):
        self.task, self.games = task, games
        self.net = Net(shape, seed)
        Loop.__init__(self, self.net.weights, plan, seed, every)

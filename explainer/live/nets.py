"""Small sequence models with hand-written gradients: a causal transformer, and rivals that differ in one part only.

Read from top to bottom, the file is the model: embed, normalise, mix along the text, think at each place, read out.
A *part* is a class with two methods. `forward` computes its output and keeps what the way back will need; `backward`
takes the gradient of the loss with respect to that output, adds up the gradients of the part's own weights, and returns
the gradient with respect to its input. The chain rule is then nothing but calling the parts in reverse order.

What mixes along the text is the one part that can be exchanged (`Shape.mixer`):

    softmax    attention, as in a transformer
    linear     attention without the softmax: what a place reads is a running sum that fits into one matrix
    gru        a gated recurrent unit: a state that is handed from token to token

For speed, three habits: all weights lie in one array and all gradients in another (`Weights`), so that the optimiser
walks over them once; whatever is as large as a batch is written into memory that is used again at the next step
(`Memory`); and the last layer computes only the places at which an answer is asked for.

Source: Vaswani et al. 2017; RMSNorm: Zhang & Sennrich 2019; RoPE: Su et al. 2021; linear attention: Katharopoulos et
al. 2020; GRU: Cho et al. 2014
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Array = np.ndarray
EPS = 1e-5  # keeps the root mean square of a vector of zeros away from 0
ALL = slice(None)


@dataclass(frozen=True)
class Shape:
    """The sizes of a model, and which parts it has.

    vocab, classes: V and C; length: the most tokens that it can be given
    hidden:    F; 0 leaves the MLP out ("attention only")
    positions: how it knows what comes first. "learned": a vector for each place, added to the token's. "rope": queries
               and keys are turned by an angle that grows with the place. "none": only the mask tells
    mixer:     what carries numbers from place to place (module docstring)
    Raises ValueError where the heads do not share the width evenly, or RoPE has no queries and keys to turn.
    """

    vocab: int
    classes: int
    length: int
    width: int = 64
    heads: int = 4
    layers: int = 1
    hidden: int = 256
    positions: Literal["learned", "rope", "none"] = "learned"
    mixer: Literal["softmax", "linear", "gru"] = "softmax"

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not share a width of {self.width} evenly")
        if self.positions == "rope" and (self.mixer != "softmax" or self.width // self.heads % 2):
            raise ValueError("RoPE turns pairs of numbers of the queries and keys of softmax attention")


class Memory:
    """Arrays by name and shape, made once and written over at every step: a step asks the system for no memory."""

    def __init__(self, dtype: Any):
        self.dtype = np.dtype(dtype)
        self._arrays: dict[tuple[Any, ...], Array] = {}

    def __call__(self, name: str, *shape: int) -> Array:
        """An array of that shape, with whatever it held last."""
        array = self._arrays.get((name, shape))
        if array is None:
            array = self._arrays[name, shape] = np.empty(shape, self.dtype)
        return array


class Weights:
    """All parameters of a model in one flat array, and all their gradients in another of the same layout.

    value, grad: [N]; `of[name]` and `grad_of[name]` are views into them, in the shapes that the parts asked for
    """

    def __init__(self, dtype: Any):
        self.dtype = np.dtype(dtype)
        self._asked: list[tuple[str, tuple[int, ...], float]] = []
        self.value = self.grad = np.empty(0, self.dtype)
        self.of: dict[str, Array] = {}
        self.grad_of: dict[str, Array] = {}

    def ask(self, name: str, *shape: int, spread: float) -> None:
        """A parameter that begins as normal random numbers of that standard deviation (0: as zeros)."""
        self._asked.append((name, shape, spread))

    def fill(self, rng: np.random.Generator) -> None:
        """Make room for all that was asked for, and draw the first values."""
        ends = np.cumsum([math.prod(shape) for _, shape, _ in self._asked]).tolist()
        self.value, self.grad = (np.zeros(ends[-1], self.dtype) for _ in range(2))
        for (name, shape, spread), end in zip(self._asked, ends, strict=True):
            self.of[name], self.grad_of[name] = (
                flat[end - math.prod(shape) : end].reshape(shape) for flat in (self.value, self.grad)
            )
            if spread:
                self.of[name][...] = rng.standard_normal(shape, np.float32) * np.float32(spread)


def flat(x: Array) -> Array:
    """The rows of all examples one after the other: [B, T, N] to [B * T, N]."""
    return x.reshape(-1, x.shape[-1])


class Part:
    """A piece of a model with weights `{name}.{weight}` (module docstring)."""

    def __init__(self, name: str, shape: Shape, weights: Weights, memory: Memory):
        self.name, self.shape, self.weights = name, shape, weights
        self.memory = memory
        self.ask()

    def ask(self) -> None:
        """Ask for the part's weights."""

    def want(self, weight: str, *shape: int, spread: float = 0.0) -> None:
        self.weights.ask(f"{self.name}.{weight}", *shape, spread=spread)

    def w(self, weight: str) -> Array:
        return self.weights.of[f"{self.name}.{weight}"]

    def learn(self, weight: str, gradient: Array) -> None:
        """Note the gradient of one of the part's weights."""
        self.weights.grad_of[f"{self.name}.{weight}"][...] = gradient

    def learn_product(self, weight: str, x: Array, dy: Array) -> None:
        """Note the gradient of a matrix W in y = x @ W: x [..., N], dy [..., M], the weight [N, M]."""
        np.matmul(flat(x).T, flat(dy), out=self.weights.grad_of[f"{self.name}.{weight}"])

    def room(self, name: str, *shape: int) -> Array:
        return self.memory(f"{self.name}.{name}", *shape)

    def times(self, x: Array, weight: Array, name: str) -> Array:
        """x @ weight in the part's own memory. x: [B, T, N], weight: [N, M]; returns [B, T, M]"""
        out = self.room(name, *x.shape[:-1], weight.shape[1])
        np.matmul(flat(x), weight, out=flat(out))
        return out


# ---------------------------------------------------------------- embed


class Embedding(Part):
    """A vector for each token, plus (learned positions) one for each place."""

    def ask(self) -> None:
        s = self.shape
        self.want("W_E", s.vocab, s.width, spread=0.5)
        if s.positions == "learned":
            self.want("W_pos", s.length, s.width, spread=0.5)
        self._one_hot = np.eye(s.vocab, dtype=self.weights.dtype)

    def forward(self, tokens: Array) -> Array:
        """tokens: [B, T] integers; returns [B, T, D]"""
        self.tokens = tokens
        out = self.room("out", *tokens.shape, self.shape.width)
        np.take(self.w("W_E"), tokens, axis=0, out=out, mode="clip")  # anything else makes a copy first
        if self.shape.positions == "learned":
            out += self.w("W_pos")[: tokens.shape[1]]
        return out

    def backward(self, dx: Array) -> None:
        """Each row of the table collects the gradients from wherever its token stands. dx: [B, T, D]"""
        B, T, _ = dx.shape
        ones = self.room("ones", B * T, self.shape.vocab)
        np.take(self._one_hot, self.tokens.reshape(-1), axis=0, out=ones, mode="clip")
        self.learn_product("W_E", ones, dx)
        if self.shape.positions == "learned":
            places = self.weights.grad_of[f"{self.name}.W_pos"]
            dx.sum(axis=0, out=places[:T])
            places[T:] = 0

    def step(self, tokens: Array, at: int) -> Array:
        """tokens: [B], all at place `at`; returns [B, D]"""
        x = self.w("W_E")[tokens]
        return x + self.w("W_pos")[at] if self.shape.positions == "learned" else x


# ---------------------------------------------------------------- normalise


class Norm(Part):
    """RMSNorm without a gain: each vector divided by its root mean square, so that every part reads the same size."""

    def forward(self, x: Array) -> Array:
        """x: [B, T, D]; returns [B, T, D]"""
        self.scale = np.einsum("btd,btd->bt", x, x)[..., None]  # [B, T, 1]: first the sum of squares
        self.scale /= x.shape[-1]
        self.scale += EPS
        np.sqrt(self.scale, out=self.scale)
        np.reciprocal(self.scale, out=self.scale)
        self.out = np.multiply(x, self.scale, out=self.room("out", *x.shape))
        return self.out

    def backward(self, dy: Array) -> Array:
        """The part of dy along the output is lost: a longer vector gives the same. dy: [B, T, D]; returns [B, T, D]"""
        along = np.einsum("btd,btd->bt", dy, self.out)[..., None]
        along /= dy.shape[-1]
        dx = np.multiply(self.out, along, out=self.room("dx", *dy.shape))
        np.subtract(dy, dx, out=dx)
        dx *= self.scale
        return dx

    def step(self, x: Array) -> Array:
        """x: [B, D]; returns [B, D]"""
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + EPS)


# ---------------------------------------------------------------- mix along the text


@functools.cache
def angles(length: int, width: int, dtype: str) -> tuple[Array, Array]:
    """Cosine and sine of RoPE's angles: place t turns pair i by t / 10000^(i / pairs). Both [T, K / 2]."""
    turns = np.arange(length)[:, None] * 10000.0 ** (-np.arange(0, width, 2) / width)
    return np.cos(turns).astype(dtype), np.sin(turns).astype(dtype)


def rotate(x: Array, cos: Array, sin: Array) -> Array:
    """Turn each pair (x[i], x[i + K/2]) by its angle; with -sin, back again. x: [..., T, K]; cos, sin: [T, K / 2]"""
    one, two = np.split(x, 2, axis=-1)
    return np.concatenate([one * cos - two * sin, one * sin + two * cos], axis=-1)


@functools.cache
def mask_of_future(length: int, dtype: str) -> Array:
    """0 where a place may look, a number that no exponential survives where it may not. [T, T]"""
    return np.triu(np.full((length, length), -1e9, dtype), 1)


@functools.cache
def share_of_past(length: int, dtype: str) -> Array:
    """For each place one part in as many as there are places up to it, and nothing of those to come. [T, T]"""
    return (np.tril(np.ones((length, length))) / np.arange(1, length + 1)[:, None]).astype(dtype)


def softmax(scores: Array) -> Array:
    """Scores become shares, along the last axis and in their own memory. Returns them."""
    scores -= scores.max(axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=-1, keepdims=True)
    return scores


class Attention(Part):
    """Causal attention: a place reads earlier places, and weighs them by how well their keys fit its query.

    With `linear`, the fit itself is the weight, without a softmax, averaged over the places so far. Then all that a
    place can know of the past is one matrix of K x K numbers for each head.
    """

    def ask(self) -> None:
        D = self.shape.width
        for name, columns in (("W_Q", D), ("W_KV", 2 * D), ("W_O", D)):
            self.want(name, D, columns, spread=1 / math.sqrt(D))
        self.K = D // self.shape.heads
        self.linear = self.shape.mixer == "linear"

    def heads(self, x: Array) -> Array:
        """[B, T, n * D] as n times [B, H, T, K], a view: the numbers stay where they are."""
        B, T, _ = x.shape
        return x.reshape(B, T, -1, self.shape.heads, self.K).transpose(2, 0, 3, 1, 4)

    def forward(self, y: Array, reads: slice = ALL) -> Array:
        """What each place that is asked for has read.

        y: [B, T, D] normalised; reads: which R of the T places; returns [B, R, D]
        """
        B, T, D = y.shape
        self.y, self.reads = y, reads
        self.asking = y if reads == ALL else np.ascontiguousarray(y[:, reads])
        self.q = self.heads(self.times(self.asking, self.w("W_Q"), "q"))[0]  # [B, H, R, K]
        self.k, self.v = self.heads(self.times(y, self.w("W_KV"), "kv"))  # [B, H, T, K] each
        if self.shape.positions == "rope":
            cos, sin = angles(self.shape.length, self.K, self.weights.dtype.str)
            self.q = rotate(self.q, cos[:T][reads], sin[:T][reads])
            self.k = rotate(self.k, cos[:T], sin[:T])
        R = self.asking.shape[1]
        pattern = np.matmul(
            self.q, self.k.transpose(0, 1, 3, 2), out=self.room("pattern", B, self.shape.heads, R, T)
        )  # [B, H, R, T]
        pattern *= self.weights.dtype.type(1 / math.sqrt(self.K))
        if self.linear:
            pattern *= share_of_past(T, self.weights.dtype.str)[reads]
        else:
            pattern += mask_of_future(T, self.weights.dtype.str)[reads]
            softmax(pattern)
        self.pattern = pattern
        self.z = self.room("z", B, R, D)
        np.matmul(pattern, self.v, out=self.heads(self.z)[0])
        return self.times(self.z, self.w("W_O"), "out")

    def backward(self, dout: Array) -> Array:
        """dout: [B, R, D]; returns the gradient with respect to y, [B, T, D]"""
        B, T, D = self.y.shape
        self.learn_product("W_O", self.z, dout)
        dz = self.times(dout, self.w("W_O").T, "dz")  # [B, R, D]
        dz_heads = self.heads(dz)[0]  # [B, H, R, K]
        dkv = self.room("dkv", B, T, 2 * D)
        dk, dv = self.heads(dkv)
        np.matmul(self.pattern.transpose(0, 1, 3, 2), dz_heads, out=dv)
        ds = np.matmul(dz_heads, self.v.transpose(0, 1, 3, 2), out=self.room("ds", *self.pattern.shape))
        if self.linear:
            ds *= share_of_past(T, self.weights.dtype.str)[self.reads]
        else:  # the softmax's own gradient; its row sums are those of dz * z, which are fewer
            ds -= np.einsum("bhrk,bhrk->bhr", dz_heads, self.heads(self.z)[0])[..., None]
            ds *= self.pattern
        ds *= self.weights.dtype.type(1 / math.sqrt(self.K))
        dq = self.room("dq", *dz.shape)
        if self.shape.positions == "rope":
            cos, sin = angles(self.shape.length, self.K, self.weights.dtype.str)
            dq_heads, dk_turned = ds @ self.k, ds.transpose(0, 1, 3, 2) @ self.q
            self.heads(dq)[0][...] = rotate(dq_heads, cos[:T][self.reads], -sin[:T][self.reads])
            dk[...] = rotate(dk_turned, cos[:T], -sin[:T])
        else:
            np.matmul(ds, self.k, out=self.heads(dq)[0])
            np.matmul(ds.transpose(0, 1, 3, 2), self.q, out=dk)
        self.learn_product("W_Q", self.asking, dq)
        self.learn_product("W_KV", self.y, dkv)
        dy = self.times(dkv, self.w("W_KV").T, "dy")
        dy[:, self.reads] += self.times(dq, self.w("W_Q").T, "dy from q")
        return dy

    def step(self, y: Array, state: dict[str, Array], at: int) -> Array:
        """The same for one more token. y: [B, D], at place `at`; state: what it remembers; returns [B, D]"""
        B, D = y.shape
        H, K = self.shape.heads, self.K
        self.remember(y, state, at)
        q = (y @ self.w("W_Q")).reshape(B, H, K) / self.weights.dtype.type(math.sqrt(K))
        if self.linear:
            z = np.einsum("bhk,bhkj->bhj", q, state["past"]) / y.dtype.type(at + 1)
            return z.reshape(B, D) @ self.w("W_O")
        if self.shape.positions == "rope":
            q = rotate(q, *(a[at] for a in angles(self.shape.length, K, self.weights.dtype.str)))
        keys, values = state["k"][:, :, : at + 1], state["v"][:, :, : at + 1]
        scores = (keys @ q[..., None])[..., 0]  # [B, H, at + 1]
        return (softmax(scores)[..., None, :] @ values).reshape(B, D) @ self.w("W_O")

    def remember(self, y: Array, state: dict[str, Array], at: int) -> None:
        """Keep of one more token what later ones may read of it. y: [B, D], at place `at`"""
        B, H, K = len(y), self.shape.heads, self.K
        k, v = (y @ self.w("W_KV")).reshape(B, 2, H, K).transpose(1, 0, 2, 3)
        if self.linear:  # the whole past in one matrix for each head
            past = state.setdefault("past", np.zeros((B, H, K, K), y.dtype))
            past += k[..., :, None] * v[..., None, :]
            return
        if self.shape.positions == "rope":
            k = rotate(k, *(a[at] for a in angles(self.shape.length, K, self.weights.dtype.str)))
        for name, new in (("k", k), ("v", v)):  # the KV cache
            if name not in state:
                state[name] = np.empty((B, H, self.shape.length, K), y.dtype)
            state[name][:, :, at] = new


class GRU(Part):
    """A gated recurrent unit: a state of D numbers, rewritten at every token, is all that it knows of the past.

    r = sigmoid(x W_r + b_r + h U_r)               what of the state to look at
    z = sigmoid(x W_z + b_z + h U_z)               what of the state to keep
    n = tanh(x W_n + b_n + r * (h U_n + c))        what could be written
    h = z h + (1 - z) n

    It cannot work on all places at once: the way back, too, is one token after the other.
    """

    def ask(self) -> None:
        D = self.shape.width
        for name in ("W", "U"):  # the three gates side by side: r, z, n
            self.want(name, D, 3 * D, spread=1 / math.sqrt(D))
        self.want("b", 3 * D)
        self.want("c", D)
        self.want("W_O", D, D, spread=1 / math.sqrt(D))

    def forward(self, y: Array, reads: slice = ALL) -> Array:
        """y: [B, T, D]; returns [B, R, D]"""
        B, T, D = y.shape
        self.y, self.reads = y, reads
        self.given = self.times(y, self.w("W"), "given")  # [B, T, 3 D]
        self.given += self.w("b")
        self.gates, self.seen = self.room("gates", T, B, 3 * D), self.room("seen", T, B, D)
        self.h = self.room("h", T + 1, B, D)  # h[t]: the state before token t
        self.h[0] = 0
        for t in range(T):
            self.h[t + 1] = self._turn(self.given[:, t], self.h[t], self.gates[t], self.seen[t])
        self.told = np.ascontiguousarray(self.h[1:][reads].transpose(1, 0, 2))  # [B, R, D]
        return self.times(self.told, self.w("W_O"), "out")

    def _turn(self, given: Array, h: Array, gates: Array, seen: Array) -> Array:
        """The next state. given: [B, 3 D] of the token; h: [B, D]; fills gates [B, 3 D] and seen [B, D]"""
        D = h.shape[1]
        np.matmul(h, self.w("U"), out=gates)
        np.add(gates[:, 2 * D :], self.w("c"), out=seen)
        gates[:, : 2 * D] += given[:, : 2 * D]
        gates[:, : 2 * D] = 0.5 + 0.5 * np.tanh(0.5 * gates[:, : 2 * D])  # the sigmoid, where nothing overflows
        gates[:, 2 * D :] = np.tanh(given[:, 2 * D :] + gates[:, :D] * seen)
        z, n = gates[:, D : 2 * D], gates[:, 2 * D :]
        return n + z * (h - n)

    def backward(self, dout: Array) -> Array:
        """dout: [B, R, D]; returns the gradient with respect to y, [B, T, D]"""
        B, T, D = self.y.shape
        self.learn_product("W_O", self.told, dout)
        dtold = np.zeros((T, B, D), self.weights.dtype)
        dtold[self.reads] = self.times(dout, self.w("W_O").T, "dtold").transpose(1, 0, 2)
        dgates, dgiven = self.room("dgates", T, B, 3 * D), self.room("dgiven", B, T, 3 * D)
        dh = np.zeros((B, D), self.weights.dtype)
        for t in range(T - 1, -1, -1):
            dh += dtold[t]
            r, z, n = np.split(self.gates[t], 3, axis=1)
            dn = dh * (1 - z) * (1 - n * n)
            dgates[t, :, 2 * D :] = dn * r
            dgates[t, :, :D] = dn * self.seen[t] * r * (1 - r)
            dgates[t, :, D : 2 * D] = dh * (self.h[t] - n) * z * (1 - z)
            dgiven[:, t, : 2 * D] = dgates[t, :, : 2 * D]
            dgiven[:, t, 2 * D :] = dn
            dh = dh * z + dgates[t] @ self.w("U").T
        self.learn_product("U", self.h[:-1], dgates)
        self.learn("c", flat(dgates)[:, 2 * D :].sum(axis=0))
        self.learn_product("W", self.y, dgiven)
        self.learn("b", flat(dgiven).sum(axis=0))
        return self.times(dgiven, self.w("W").T, "dy")

    def step(self, y: Array, state: dict[str, Array], at: int) -> Array:
        """The same for one more token. y: [B, D]; returns [B, D]"""
        self.remember(y, state, at)
        return state["h"] @ self.w("W_O")

    def remember(self, y: Array, state: dict[str, Array], at: int) -> None:
        """Go on to the next state. y: [B, D]"""
        B, D = y.shape
        h = state.get("h", np.zeros((B, D), y.dtype))
        gates, seen = np.empty((B, 3 * D), y.dtype), np.empty((B, D), y.dtype)
        state["h"] = self._turn(y @ self.w("W") + self.w("b"), h, gates, seen)


# ---------------------------------------------------------------- think at each place


class MLP(Part):
    """Two matrices with a ReLU between them, at each place by itself."""

    def ask(self) -> None:
        D, F = self.shape.width, self.shape.hidden
        self.want("W_in", D, F, spread=math.sqrt(2 / D))
        self.want("b_in", F)
        self.want("W_out", F, D, spread=0.5 / math.sqrt(F))
        self.want("b_out", D)

    def forward(self, y: Array) -> Array:
        """y: [B, R, D]; returns [B, R, D]"""
        self.y = y
        self.act = self.times(y, self.w("W_in"), "act")  # [B, R, F]
        self.act += self.w("b_in")
        np.maximum(self.act, 0, out=self.act)
        out = self.times(self.act, self.w("W_out"), "out")
        out += self.w("b_out")
        return out

    def backward(self, dout: Array) -> Array:
        """Where the ReLU gave 0, nothing comes back. dout: [B, R, D]; returns [B, R, D]"""
        self.learn_product("W_out", self.act, dout)
        flat(dout).sum(axis=0, out=self.weights.grad_of[f"{self.name}.b_out"])
        dact = self.times(dout, self.w("W_out").T, "dact")
        dact *= np.greater(self.act, 0, out=self.room("alive", *self.act.shape), casting="unsafe")
        self.learn_product("W_in", self.y, dact)
        flat(dact).sum(axis=0, out=self.weights.grad_of[f"{self.name}.b_in"])
        return self.times(dact, self.w("W_in").T, "dy")

    def step(self, y: Array) -> Array:
        """y: [B, D]; returns [B, D]"""
        return np.maximum(y @ self.w("W_in") + self.w("b_in"), 0) @ self.w("W_out") + self.w("b_out")


# ---------------------------------------------------------------- read out


class Readout(Part):
    """A score (logit) for each answer."""

    def ask(self) -> None:
        self.want("W_U", self.shape.width, self.shape.classes, spread=1 / math.sqrt(self.shape.width))

    def forward(self, y: Array) -> Array:
        """y: [B, R, D]; returns [B, R, C]"""
        self.y = y
        return self.times(y, self.w("W_U"), "logits")

    def backward(self, dlogits: Array) -> Array:
        """dlogits: [B, R, C]; returns [B, R, D]"""
        self.learn_product("W_U", self.y, dlogits)
        return self.times(dlogits, self.w("W_U").T, "dy")

    def step(self, y: Array) -> Array:
        """y: [B, D]; returns [B, C]"""
        return y @ self.w("W_U")


# ---------------------------------------------------------------- the model


class Layer:
    """Mix along the text, then think at each place; each reads the stream normalised, and adds to it."""

    def __init__(self, name: str, shape: Shape, weights: Weights, memory: Memory):
        given = (shape, weights, memory)
        self.before_mixing = Norm(f"{name}.norm_1", *given)
        self.mixer = (GRU if shape.mixer == "gru" else Attention)(f"{name}.{shape.mixer}", *given)
        self.before_thinking = Norm(f"{name}.norm_2", *given)
        self.mlp = MLP(f"{name}.mlp", *given) if shape.hidden else None

    def forward(self, x: Array, reads: slice) -> Array:
        """x: [B, T, D]; returns the stream at the places that are asked for, [B, R, D]"""
        mid = self.mixer.forward(self.before_mixing.forward(x), reads)
        mid += x[:, reads]
        if not self.mlp:
            return mid
        out = self.mlp.forward(self.before_thinking.forward(mid))
        out += mid
        return out

    def backward(self, dout: Array) -> Array:
        """A sum hands its gradient on to both: what came through the parts is added to what went past them.

        dout: [B, R, D]; returns [B, T, D]
        """
        dmid = dout
        if self.mlp:
            dmid = self.before_thinking.backward(self.mlp.backward(dout))
            dmid += dout
        dx = self.before_mixing.backward(self.mixer.backward(dmid))
        dx[:, self.mixer.reads] += dmid
        return dx

    def step(self, x: Array, state: dict[str, Array], at: int) -> Array:
        """The same for one more token. x: [B, D]; returns [B, D]"""
        x = x + self.mixer.step(self.before_mixing.step(x), state, at)
        return x + self.mlp.step(self.before_thinking.step(x)) if self.mlp else x


class Net:
    """A model with its weights and their gradients: the same seed gives the same weights, to the last bit.

    dtype: float32 to train with, float64 to check gradients with
    """

    def __init__(self, shape: Shape, seed: int, dtype: Any = np.float32):
        self.shape = shape
        self.weights = Weights(dtype)
        given = (shape, self.weights, Memory(dtype))
        self.embedding = Embedding("embed", *given)
        self.layers = [Layer(f"layers.{i}", *given) for i in range(shape.layers)]
        self.norm = Norm("norm", *given)
        self.readout = Readout("readout", *given)
        self.weights.fill(np.random.default_rng([seed, 0]))

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return self.weights.value.size

    def forward(self, tokens: Array, reads: slice = ALL) -> Array:
        """The logits at the places that are asked for; they are written over at the next call of the same shape.

        tokens: [B, T] integers; reads: which R of the T places; returns [B, R, C]
        """
        x = self.embedding.forward(tokens)
        for layer in self.layers:
            x = layer.forward(x, reads if layer is self.layers[-1] else ALL)
        return self.readout.forward(self.norm.forward(x))

    def backward(self, dlogits: Array) -> None:
        """Fill `weights.grad` for the last `forward`. dlogits: [B, R, C], the gradient of the loss by the logits"""
        dx = self.norm.backward(self.readout.backward(dlogits))
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        self.embedding.backward(dx)

    def writer(self) -> Writer:
        """A fresh text to be continued token by token."""
        return Writer(self)


class Writer:
    """A model that is given one token after the other, and remembers what its next answer will need."""

    def __init__(self, net: Net):
        self._net = net
        self._states: list[dict[str, Array]] = [{} for _ in net.layers]
        self._at = 0

    def read(self, tokens: Array) -> None:
        """Give it one more token and ask nothing there. tokens: [B]"""
        self._push(tokens, asked=False)

    def push(self, tokens: Array) -> Array:
        """Give it one more token, and get its answers there: what `forward` says of that place.

        tokens: [B]; returns logits [B, C]
        """
        return self._net.readout.step(self._net.norm.step(self._push(tokens, asked=True)))

    def _push(self, tokens: Array, asked: bool) -> Array:
        x = self._net.embedding.step(tokens, self._at)
        for layer, state in zip(self._net.layers, self._states, strict=True):
            if asked or layer is not self._net.layers[-1]:
                x = layer.step(x, state, self._at)
            else:  # of the last layer only what later tokens will read
                layer.mixer.remember(layer.before_mixing.step(x), state, self._at)
        self._at += 1
        return x


def cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """The mean surprise at the right answers, in nats, and its gradient by the logits, which takes the logits' place.

    logits:  [B, R, C]; written over
    targets: [B, R] integers in 0..C-1; -1 where nothing is asked: such a place counts for nothing
    returns: loss, [B, R, C]
    """
    rows, right = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1)
    rows -= rows.max(axis=-1, keepdims=True)
    asked = right >= 0
    count = int(np.count_nonzero(asked))
    at = np.arange(len(right))
    loss = -float(rows[at, right][asked].sum(dtype=np.float64))
    np.exp(rows, out=rows)
    total = rows.sum(axis=-1, keepdims=True)
    loss += float(np.log(total[asked[:, None]]).sum(dtype=np.float64))
    rows /= total
    rows[at, right] -= 1  # where -1 is, the last column is hit, and then the row is cleared
    if count < len(right):
        rows[~asked] = 0
    rows *= logits.dtype.type(1 / count)
    return loss / count, logits

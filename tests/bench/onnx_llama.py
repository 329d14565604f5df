"""SmolLM2 as a graph of ONNX, made without torch: what onnxruntime is measured on. Needs the package onnx to write it.

Wired as explainer/architectures/llama_like.py is, but for one thing: the rows of W_Q and W_K lie in another order, in
which RoPE turns halves and not neighbours; the products are the same. Keys and values of earlier tokens come in and go
out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

LAYERS, HEADS, GROUPS, WIDE, BASE = 30, 9, 3, 64, 100_000.0  # of SmolLM2-135M


def empty() -> dict[str, Any]:
    """Keys and values of no tokens."""
    return {f"{what}{layer}": np.zeros((0, GROUPS, WIDE), np.float32) for layer in range(LAYERS) for what in "kv"}


def past_of(out: Mapping[str, Any]) -> dict[str, Any]:
    """The keys and values that a run has handed out."""
    return {name.removeprefix("new_"): value for name, value in out.items() if name.startswith("new_")}


def inputs(tokens: Sequence[int], past: Mapping[str, Any]) -> dict[str, Any]:
    """What a run is given: tokens, the turns of their places, the mask, and what is kept of earlier ones."""
    start, n = len(past["k0"]), len(tokens)
    angle = (start + np.arange(n))[:, None] * BASE ** (-np.arange(0, WIDE, 2) / WIDE)  # [T, R]
    mask = np.where(np.tri(n, start + n, start, dtype=bool), 0, -np.inf).astype(np.float32)
    turns = {"cos": np.cos(angle).astype(np.float32)[:, None], "sin": np.sin(angle).astype(np.float32)[:, None]}
    return {"tokens": np.asarray(tokens, np.int64), "mask": mask, **turns, **past}


def write(model: Any, path: Path) -> None:
    """Write the graph of a model, with its weights in it."""
    import onnx  # type: ignore[import-not-found]
    from onnx import TensorProto, helper, numpy_helper

    p, nodes, weights = model.params, [], []

    def weight(name: str, value: Any) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def op(kind: str, *given: str, **how: Any) -> str:
        name = f"x{len(nodes)}"
        nodes.append(helper.make_node(kind, list(given), [name], **how))
        return name

    def norm(x: str, of: str) -> str:
        size = op("Sqrt", op("Add", op("ReduceMean", op("Mul", x, x), "last", keepdims=1), "eps"))
        return op("Mul", op("Div", x, size), weight(of, p[of]))

    def matrix(name: str, value: Any, x: str) -> str:
        return op("MatMul", x, weight(name, value))

    def halves(name: str) -> Any:
        W = p[name]  # [H, D, K]: even coordinates first, then odd ones
        return np.concatenate([W[..., 0::2], W[..., 1::2]], axis=-1)

    def side_by_side(W: Any) -> Any:
        return W.transpose(1, 0, 2).reshape(W.shape[1], -1)

    def turn(x: str) -> str:
        low, high = op("Slice", x, "zero", "half", "third"), op("Slice", x, "half", "whole", "third")
        first = op("Sub", op("Mul", low, "cos"), op("Mul", high, "sin"))
        return op("Concat", first, op("Add", op("Mul", low, "sin"), op("Mul", high, "cos")), axis=2)

    for name, value in {
        "last": [-1], "zero": [0], "half": [WIDE // 2], "whole": [WIDE], "third": [2],
        "as_heads": [-1, HEADS, WIDE], "as_groups": [-1, GROUPS, WIDE], "grouped": [GROUPS, -1, WIDE],
        "each": [HEADS, -1, 0], "together": [GROUPS, -1, 0], "each_z": [HEADS, -1, WIDE], "flat": [-1, HEADS * WIDE],
    }.items():  # fmt: skip
        weight(name, np.array(value, np.int64))
    weight("eps", np.float32(model.config.eps))
    weight("root", np.float32(WIDE**-0.5))
    outputs = ["logits"]
    stream = op("Gather", weight("embed", p["embed.W_E"]), "tokens", axis=0)
    for layer in range(LAYERS):
        at = f"blocks.{layer}"
        x = norm(stream, f"{at}.ln1.w")
        q, k, v = (
            op("Reshape", matrix(f"{at}.{which}", side_by_side(W), x), shape)
            for which, W, shape in (
                ("q", halves(f"{at}.attn.W_Q"), "as_heads"),
                ("k", halves(f"{at}.attn.W_K"), "as_groups"),
                ("v", p[f"{at}.attn.W_V"], "as_groups"),
            )
        )
        for which, new in (("k", turn(k)), ("v", v)):
            nodes.append(helper.make_node("Concat", [f"{which}{layer}", new], [f"new_{which}{layer}"], axis=0))
            outputs.append(f"new_{which}{layer}")
        q = op("Reshape", op("Transpose", turn(q), perm=[1, 0, 2]), "grouped")  # [G, H / G T, K]
        keys, values = (
            op("Transpose", f"new_k{layer}", perm=[1, 2, 0]),
            op("Transpose", f"new_v{layer}", perm=[1, 0, 2]),
        )
        scores = op("Add", op("Mul", op("Reshape", op("MatMul", q, keys), "each"), "root"), "mask")
        z = op("MatMul", op("Reshape", op("Softmax", scores, axis=-1), "together"), values)
        z = op("Reshape", op("Transpose", op("Reshape", z, "each_z"), perm=[1, 0, 2]), "flat")
        stream = op("Add", stream, matrix(f"{at}.o", p[f"{at}.attn.W_O"].reshape(HEADS * WIDE, -1), z))
        x = norm(stream, f"{at}.ln2.w")
        gate = matrix(f"{at}.gate", p[f"{at}.mlp.W_gate"], x)
        hidden = op("Mul", op("Mul", gate, op("Sigmoid", gate)), matrix(f"{at}.in", p[f"{at}.mlp.W_in"], x))
        stream = op("Add", stream, matrix(f"{at}.out", p[f"{at}.mlp.W_out"], hidden))
    final = norm(op("Gather", stream, "last", axis=0), "ln_final.w")
    nodes.append(helper.make_node("Gemm", [final, "embed"], ["logits"], transB=1))  # tied
    of, number = helper.make_tensor_value_info, TensorProto.FLOAT
    given = [of("tokens", TensorProto.INT64, ["T"]), of("mask", number, ["T", "S"])]
    given += [of(name, number, ["T", 1, WIDE // 2]) for name in ("cos", "sin")]
    given += [of(f"{what}{layer}", number, ["P", GROUPS, WIDE]) for layer in range(LAYERS) for what in "kv"]
    out = [of(name, number, None if name == "logits" else ["S", GROUPS, WIDE]) for name in outputs]
    graph = helper.make_graph(nodes, "smollm2", given, out, weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(made, str(path))

"""The same transformer in torch, with autograd: the second independent reference, and what the golden file is made of.

Written from the description of the architecture, not from explainer/kernel/model.py: einsum throughout, masked_fill,
torch's own softmax, gelu and cross_entropy, and LayerNorm by torch's variance.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def run(params, tokens, config):
    """(every intermediate by its name in the trace, each keeping its gradient). params: name -> torch tensor"""
    p, a = params, {}

    def keep(name, tensor):
        if tensor.requires_grad:
            tensor.retain_grad()
        a[name] = tensor
        return tensor

    def norm(x, name):
        mean = keep(f"{name}.mean", x.mean(-1))
        scale = keep(f"{name}.scale", (((x - mean[:, None]) ** 2).mean(-1) + config.eps).sqrt())
        return keep(f"{name}.normalized", (x - mean[:, None]) / scale[:, None] * p[f"{name}.w"] + p[f"{name}.b"])

    n = len(tokens)
    a["tokens"] = torch.tensor(list(tokens))
    a["positions"] = torch.arange(n)
    # a fresh tensor for each name, so that each has its own gradient
    token = keep("embed", F.embedding(a["tokens"], p["embed.W_E"]))
    place = keep("pos_embed", F.embedding(a["positions"], p["pos_embed.W_pos"]))
    x = keep("blocks.0.resid_pre", token + place)
    for layer in range(config.n_layers):
        b = f"blocks.{layer}"
        if layer:
            x = keep(f"{b}.resid_pre", x * 1)
        h = norm(x, f"{b}.ln1")
        q, k, v = (
            keep(
                f"{b}.attn.{name}",
                torch.einsum("td,hdk->thk", h, p[f"{b}.attn.W_{name.upper()}"]) + p[f"{b}.attn.b_{name.upper()}"],
            )
            for name in "qkv"
        )
        raw = keep(f"{b}.attn.attn_scores_raw", torch.einsum("thk,shk->hts", q, k))
        scaled = keep(f"{b}.attn.attn_scores_scaled", raw / math.sqrt(config.d_head))
        future = torch.ones(n, n, dtype=torch.bool).triu(1)
        scores = keep(f"{b}.attn.attn_scores", scaled.masked_fill(future, -math.inf))
        pattern = keep(f"{b}.attn.pattern", scores.softmax(-1))
        z = keep(f"{b}.attn.z", torch.einsum("hts,shk->thk", pattern, v))
        result = keep(f"{b}.attn.result", torch.einsum("thk,hkd->thd", z, p[f"{b}.attn.W_O"]))
        attn_out = keep(f"{b}.attn_out", result.sum(1) + p[f"{b}.attn.b_O"])
        x = keep(f"{b}.resid_mid", x + attn_out)
        h = norm(x, f"{b}.ln2")
        pre = keep(f"{b}.mlp.pre", h @ p[f"{b}.mlp.W_in"] + p[f"{b}.mlp.b_in"])
        post = keep(f"{b}.mlp.post", F.gelu(pre, approximate="tanh"))
        mlp_out = keep(f"{b}.mlp_out", post @ p[f"{b}.mlp.W_out"] + p[f"{b}.mlp.b_out"])
        x = keep(f"{b}.resid_post", x + mlp_out)
    h = norm(x, "ln_final")
    keep("logits", h @ p["unembed.W_U"] + p["unembed.b_U"])
    return a


def with_gradients(params, tokens, config, dtype=torch.float32):
    """(activations, their gradients, gradients of the weights, loss) of the mean next-token cross-entropy, as numpy."""
    leaves = {name: torch.tensor(value, dtype=dtype, requires_grad=True) for name, value in params.items()}
    acts = run(leaves, tokens, config)
    loss = F.cross_entropy(acts["logits"][:-1], acts["tokens"][1:])
    loss.backward()
    return (
        {name: tensor.detach().numpy() for name, tensor in acts.items()},
        {name: tensor.grad.numpy() for name, tensor in acts.items() if tensor.grad is not None},
        {name: tensor.grad.numpy() for name, tensor in leaves.items()},
        float(loss.detach()),
    )

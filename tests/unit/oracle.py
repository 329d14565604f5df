"""The same transformer, written again with nothing but loops and Python floats, to compare the real one with.

It shares no code with explainer/: no numpy arithmetic, no functions, no wiring. Slow on purpose.
"""

from __future__ import annotations

import math


def run(params, tokens, sizes, cut=(), put=()):
    """Every intermediate of a forward pass, by the names of the trace, as nested lists of Python floats.

    params: name -> nested lists (float64); sizes: dict of n_layers, n_heads, d_model, d_head, d_mlp, n_vocab, eps
    cut: {(layer, head, query, key)} that are not read; put: [(name of q, k or v, position, head, the vector there)]
    """
    L, H, D, K = sizes["n_layers"], sizes["n_heads"], sizes["d_model"], sizes["d_head"]
    M, V, eps = sizes["d_mlp"], sizes["n_vocab"], sizes["eps"]
    T = len(tokens)
    out = {"tokens": list(tokens), "positions": list(range(T))}
    out["embed"] = [[params["embed.W_E"][tokens[t]][d] for d in range(D)] for t in range(T)]
    out["pos_embed"] = [[params["pos_embed.W_pos"][t][d] for d in range(D)] for t in range(T)]
    x = [[out["embed"][t][d] + out["pos_embed"][t][d] for d in range(D)] for t in range(T)]

    def norm(x, name):
        w, b = params[name + ".w"], params[name + ".b"]
        means, scales, rows = [], [], []
        for t in range(T):
            mean = sum(x[t]) / D
            variance = 0.0
            for d in range(D):
                variance += (x[t][d] - mean) * (x[t][d] - mean)
            scale = math.sqrt(variance / D + eps)
            means.append(mean)
            scales.append(scale)
            rows.append([(x[t][d] - mean) / scale * w[d] + b[d] for d in range(D)])
        out[name + ".mean"], out[name + ".scale"], out[name + ".normalized"] = means, scales, rows
        return rows

    for layer in range(L):
        B = f"blocks.{layer}."
        A = B + "attn."
        out[B + "resid_pre"] = x
        h1 = norm(x, B + "ln1")
        for name in "QKV":
            W, b = params[A + "W_" + name], params[A + "b_" + name]
            rows = []
            for t in range(T):
                row = []
                for h in range(H):
                    row.append([sum(h1[t][d] * W[h][d][k] for d in range(D)) + b[h][k] for k in range(K)])
                rows.append(row)
            for record, t, h, vector in put:
                if record == A + name.lower():
                    rows[t][h] = vector
            out[A + name.lower()] = rows
        q, k_, v = out[A + "q"], out[A + "k"], out[A + "v"]
        raw, scaled, masked, pattern = [], [], [], []
        for h in range(H):
            raw_h, scaled_h, masked_h, pattern_h = [], [], [], []
            for t in range(T):
                dots = [sum(q[t][h][k] * k_[s][h][k] for k in range(K)) for s in range(T)]
                over = [dot / math.sqrt(K) for dot in dots]
                exps = [0.0 if (layer, h, t, s) in cut else math.exp(over[s]) for s in range(t + 1)]
                raw_h.append(dots)
                scaled_h.append(over)
                gone = [s > t or (layer, h, t, s) in cut for s in range(T)]
                masked_h.append([-math.inf if gone[s] else over[s] for s in range(T)])
                pattern_h.append([exps[s] / sum(exps) if s <= t else 0.0 for s in range(T)])
            raw.append(raw_h)
            scaled.append(scaled_h)
            masked.append(masked_h)
            pattern.append(pattern_h)
        out[A + "attn_scores_raw"], out[A + "attn_scores_scaled"] = raw, scaled
        out[A + "attn_scores"], out[A + "pattern"] = masked, pattern
        z = [
            [[sum(pattern[h][t][s] * v[s][h][k] for s in range(T)) for k in range(K)] for h in range(H)]
            for t in range(T)
        ]
        W_O, b_O = params[A + "W_O"], params[A + "b_O"]
        result = [
            [[sum(z[t][h][k] * W_O[h][k][d] for k in range(K)) for d in range(D)] for h in range(H)] for t in range(T)
        ]
        attn_out = [[sum(result[t][h][d] for h in range(H)) + b_O[d] for d in range(D)] for t in range(T)]
        out[A + "z"], out[A + "result"], out[B + "attn_out"] = z, result, attn_out
        x = [[x[t][d] + attn_out[t][d] for d in range(D)] for t in range(T)]
        out[B + "resid_mid"] = x
        h2 = norm(x, B + "ln2")
        W_in, b_in = params[B + "mlp.W_in"], params[B + "mlp.b_in"]
        W_out, b_out = params[B + "mlp.W_out"], params[B + "mlp.b_out"]
        pre = [[sum(h2[t][d] * W_in[d][m] for d in range(D)) + b_in[m] for m in range(M)] for t in range(T)]
        post = [[0.5 * u * (1 + math.tanh(math.sqrt(2 / math.pi) * (u + 0.044715 * u**3))) for u in row] for row in pre]
        mlp = [[sum(post[t][m] * W_out[m][d] for m in range(M)) + b_out[d] for d in range(D)] for t in range(T)]
        out[B + "mlp.pre"], out[B + "mlp.post"], out[B + "mlp_out"] = pre, post, mlp
        x = [[x[t][d] + mlp[t][d] for d in range(D)] for t in range(T)]
        out[B + "resid_post"] = x
    last = norm(x, "ln_final")
    W_U, b_U = params["unembed.W_U"], params["unembed.b_U"]
    out["logits"] = [[sum(last[t][d] * W_U[d][i] for d in range(D)) + b_U[i] for i in range(V)] for t in range(T)]
    return out

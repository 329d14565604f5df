"""The wiring of today (architectures/llama_like.py), against loops that share no code with it, and all that the kernel
does with a trace: cell stories, gradients, KV cache, interventions, contributions, the logit lens.

Against `transformers`: test_from_transformers.py.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from explainer.architectures import llama_like as llama
from explainer.architectures.llama_like import LlamaConfig
from explainer.kernel import cache, heads
from explainer.kernel.cache import KVCache, step
from explainer.kernel.config import WIDE, Config
from explainer.kernel.explain import EXPLAINERS, explain, number
from explainer.kernel.gradients import RULES, backward, next_token_loss
from explainer.kernel.interventions import HeadOff, NoMask, Patch, compare
from explainer.kernel.model import Model, direct_logit_contributions, forward, logit_lens, logits_at, plan
from explainer.kernel.sampling import generate
from explainer.kernel.trace import AXES
from tests.tiny import Zero, parse, random_params

CONFIG = LlamaConfig(
    *(2, 4, 12, 6, 20, 17, 10), eps=1e-6, tied=False, n_kv_heads=2, rope_base=50.0
)  # a small base: all pairs turn visibly
PARAMS = random_params(CONFIG, 5)
PARAMS64 = {name: value.astype(np.float64) for name, value in PARAMS.items()}
TOKENS = (3, 14, 1, 5, 9, 2, 6, 5)
TRACE = forward(PARAMS, TOKENS, CONFIG)
BIG = replace(CONFIG, n_vocab=WIDE + 1)
BIG_PARAMS = random_params(BIG, 6)


def loops(params, tokens, c):
    """Every intermediate, with Python floats: no numpy, no function of explainer/."""
    p = {name: value.tolist() for name, value in params.items()}
    T, D, H, G, K, F = len(tokens), c.d_model, c.n_heads, c.n_kv_heads, c.d_head, c.d_mlp
    out = {}

    def norm(x, name):
        out[f"{name}.scale"] = [math.sqrt(sum(a * a for a in row) / D + c.eps) for row in x]
        rows = [
            [a / s * w for a, w in zip(row, p[f"{name}.w"], strict=True)]
            for row, s in zip(x, out[f"{name}.scale"], strict=True)
        ]
        out[f"{name}.normalized"] = rows
        return rows

    def heads_of(x, W):
        return [[[sum(row[d] * W[h][d][k] for d in range(D)) for k in range(K)] for h in range(len(W))] for row in x]

    def turned(rows):
        made = []
        for t, of_heads in enumerate(rows):
            made.append([])
            for vector in of_heads:
                z = [
                    complex(vector[2 * r], vector[2 * r + 1])
                    * complex(math.cos(t * c.rope_base ** (-2 * r / K)), math.sin(t * c.rope_base ** (-2 * r / K)))
                    for r in range(K // 2)
                ]
                made[-1].append([part for w in z for part in (w.real, w.imag)])
        return made

    def times(x, W):
        return [[sum(a * w[j] for a, w in zip(row, W, strict=True)) for j in range(len(W[0]))] for row in x]

    out["embed"] = x = [p["embed.W_E"][t] for t in tokens]
    for layer in range(c.n_layers):
        b = f"blocks.{layer}"
        out[f"{b}.resid_pre"] = x
        h1 = norm(x, f"{b}.ln1")
        q, k, v = (heads_of(h1, p[f"{b}.attn.W_{name}"]) for name in "QKV")
        rq, rk = turned(q), turned(k)
        out |= {f"{b}.attn.{n}": a for n, a in (("q", q), ("k", k), ("v", v), ("rot_q", rq), ("rot_k", rk))}
        pattern = [[[0.0] * T for _ in range(T)] for _ in range(H)]
        z = [[[0.0] * K for _ in range(H)] for _ in range(T)]
        for h in range(H):
            g = 0
            while (g + 1) * (H // G) <= h:
                g += 1
            for t in range(T):
                scores = [sum(rq[t][h][i] * rk[s][g][i] for i in range(K)) / math.sqrt(K) for s in range(t + 1)]
                total = sum(math.exp(a) for a in scores)
                for s in range(t + 1):
                    pattern[h][t][s] = math.exp(scores[s]) / total
                    for i in range(K):
                        z[t][h][i] += pattern[h][t][s] * v[s][g][i]
        W_O = p[f"{b}.attn.W_O"]
        result = [
            [[sum(z[t][h][i] * W_O[h][i][d] for i in range(K)) for d in range(D)] for h in range(H)] for t in range(T)
        ]
        attn_out = [[sum(result[t][h][d] for h in range(H)) for d in range(D)] for t in range(T)]
        x = [[x[t][d] + attn_out[t][d] for d in range(D)] for t in range(T)]
        out |= {f"{b}.attn.pattern": pattern, f"{b}.attn.z": z, f"{b}.attn.result": result, f"{b}.attn_out": attn_out}
        out[f"{b}.resid_mid"] = x
        h2 = norm(x, f"{b}.ln2")
        pre, linear = times(h2, p[f"{b}.mlp.W_gate"]), times(h2, p[f"{b}.mlp.W_in"])
        post = [[pre[t][f] / (1 + math.exp(-pre[t][f])) * linear[t][f] for f in range(F)] for t in range(T)]
        mlp_out = times(post, p[f"{b}.mlp.W_out"])
        x = [[x[t][d] + mlp_out[t][d] for d in range(D)] for t in range(T)]
        out |= {f"{b}.mlp.pre": pre, f"{b}.mlp.pre_linear": linear, f"{b}.mlp.post": post, f"{b}.mlp_out": mlp_out}
        out[f"{b}.resid_post"] = x
    out["logits"] = times(norm(x, "ln_final"), p["unembed.W_U"])
    return out


# ---------------------------------------------------------------- the numbers


def test_every_record_is_what_loops_make():
    trace = forward(PARAMS64, TOKENS, CONFIG)
    said = loops(PARAMS64, TOKENS, CONFIG)
    rotary = {"tokens", "positions", "rotary_angle", "rotary_cos", "rotary_sin"}
    scores = {key for key in trace if ".attn_scores" in key}
    assert set(trace) - set(said) == rotary | scores
    for key, value in said.items():  # cosines are float32
        np.testing.assert_allclose(trace[key], value, rtol=2e-6, atol=2e-6, err_msg=key)


def test_the_names_are_those_of_2017_and_what_changed():
    old = plan(Config(2, 4, 12, 6, 20, 17, 10))
    new = plan(CONFIG)
    gone = {key for key in old if key == "pos_embed" or key.endswith(".mean")}
    come = {key for key in new if key.startswith("rotary_") or key.endswith((".rot_q", ".rot_k", ".pre_linear"))}
    assert set(old) - set(new) == gone and set(new) - set(old) == come
    assert list(new) == list(TRACE)
    for key, record in new.items():
        assert set(record.axes.split()) <= set(AXES)
        assert record.axes == TRACE.axes(key) and record.inputs == TRACE.inputs(key)


def test_a_score_depends_on_how_far_apart_two_tokens_are_and_not_on_where():
    same = forward(PARAMS64, (4,) * 8, CONFIG)["blocks.0.attn.attn_scores_raw"]  # [H, T, S]
    for apart in range(8):
        diagonal = np.diagonal(same, -apart, axis1=1, axis2=2)  # [H, 8 - apart]
        np.testing.assert_allclose(diagonal, diagonal[:, :1].repeat(8 - apart, axis=1), rtol=1e-5, atol=1e-6)
    assert np.ptp(same[:, 7, :], axis=1).min() > 0.1  # but it does depend on the distance


def test_nothing_of_a_later_token_reaches_an_earlier_one():
    changed = forward(PARAMS, (*TOKENS[:5], 7, *TOKENS[6:]), CONFIG)
    for key in TRACE:
        if TRACE.axes(key).startswith(("T ", "S ")):
            np.testing.assert_array_equal(changed[key][:5], TRACE[key][:5], err_msg=key)
    assert not np.array_equal(changed["logits"][5], TRACE["logits"][5])


def test_heads_that_share_a_key_still_ask_for_different_things():
    k, pattern = TRACE["blocks.1.attn.rot_k"], TRACE["blocks.1.attn.pattern"]
    assert k.shape[1] == 2 and pattern.shape[0] == 4
    assert np.abs(pattern[0] - pattern[1]).max() > 0.01


@pytest.mark.parametrize("wrong", [{"n_kv_heads": 3}, {"n_kv_heads": 0}, {"d_head": 5}, {"rope_base": 1.0}])
def test_impossible_sizes_are_refused(wrong):
    with pytest.raises(ValueError, match=r"heads cannot share|turn in pairs|rope_base"):
        replace(CONFIG, **wrong)


def test_a_config_goes_through_strings_and_counts_tied_weights_once():
    assert LlamaConfig.from_metadata(CONFIG.to_metadata()) == CONFIG
    tied = replace(CONFIG, tied=True)
    assert LlamaConfig.from_metadata(tied.to_metadata()) == tied
    assert CONFIG.n_params - tied.n_params == 12 * 17
    assert CONFIG.n_params == sum(value.size for value in PARAMS.values())


# ---------------------------------------------------------------- cell stories


@pytest.mark.parametrize("key", list(TRACE))
def test_every_kind_of_number_is_made_again_from_its_terms(key):
    rng = np.random.default_rng(len(key))
    record = TRACE.record(key)
    for _ in range(6):
        index = tuple(int(rng.integers(n)) for n in TRACE[key].shape)
        said = explain(TRACE, PARAMS, key, index)
        if math.isinf(said.value):
            assert said.recompute() == said.value
        else:
            assert said.recompute() == pytest.approx(said.value, rel=1e-4, abs=1e-5), (key, index)
        assert said.formula and said.numbers.endswith(f"= {number(said.value)}")
        for term in said.terms:
            assert math.prod(value for _, value in term.factors) == term.value
            if record.function:
                assert term.source in {*record.inputs, *record.weights, ""}


def test_every_function_has_a_rule_and_an_explainer():
    used = {record.function for record in plan(CONFIG).values() if record.function}
    assert used <= set(RULES) and used <= set(EXPLAINERS)
    mine = {function for function in used if function.__module__ == llama.__name__}
    assert mine == {function for function in RULES if function and function.__module__ == llama.__name__}


def test_a_turned_coordinate_reads_like_a_rotation():
    said = explain(TRACE, PARAMS, "blocks.0.attn.rot_q", (3, 1, 4))
    assert said.formula == "q[4] × cos − q[5] × sin"
    assert (
        "heads share the key of group 1" in explain(TRACE, PARAMS, "blocks.0.attn.attn_scores_raw", (2, 4, 1)).formula
    )


def test_cells_of_a_cached_column_are_explained_too():
    turn = step(PARAMS, KVCache.of(forward(PARAMS, TOKENS[:-1], CONFIG)), TOKENS[-1])
    for key in turn.trace:
        index = tuple(n - 1 for n in turn.trace[key].shape)
        said = explain(turn.trace, PARAMS, key, index)
        assert said.recompute() == pytest.approx(said.value, rel=1e-4, abs=1e-5), key
    assert explain(turn.trace, PARAMS, "rotary_angle", (0, 1)).where == "position 7, pair 1"


# ---------------------------------------------------------------- gradients


def test_gradients_of_activations_are_slopes():
    """Each record is moved a little (by an intervention) and the loss measured again, in float64."""
    trace = forward(PARAMS64, TOKENS, CONFIG)
    grads = backward(trace, PARAMS64)
    rng = np.random.default_rng(8)
    for key, record in plan(CONFIG).items():
        if record.function is None or "attn_scores" in key:
            continue
        index = tuple(int(rng.integers(n)) for n in trace[key].shape)
        moved, losses = 1e-4, []
        for sign in (1, -1):
            value = trace[key].astype(np.float64)
            value[index] += sign * moved
            losses.append(next_token_loss(forward(PARAMS64, TOKENS, CONFIG, (Put(key, value),))))
        slope = (losses[0] - losses[1]) / (2 * moved)
        # cosines and sines are float32, so these move in steps
        tolerance = 1e-3 if key.startswith("rotary_") else 1e-6
        assert grads[key][index] == pytest.approx(slope, rel=1e-4, abs=tolerance), key


class Put(Patch):
    """A patch that keeps float64."""

    def __init__(self, key, value):
        super().__init__(key, value)

    def new_value(self, old):
        return self.value


@pytest.mark.parametrize("name", CONFIG.parameter_shapes)
def test_gradients_of_weights_are_slopes(name):
    grads = backward(forward(PARAMS64, TOKENS, CONFIG), PARAMS64)
    rng = np.random.default_rng(len(name))
    for _ in range(3):
        index = tuple(int(rng.integers(n)) for n in PARAMS[name].shape)
        losses = []
        for sign in (1, -1):
            moved = PARAMS64 | {name: PARAMS64[name].copy()}
            moved[name][index] += sign * 1e-5
            losses.append(next_token_loss(forward(moved, TOKENS, CONFIG)))
        assert grads[name][index] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-4, abs=1e-8)


def test_weights_need_not_have_gradients():
    trace = forward(PARAMS, TOKENS, CONFIG)
    grads, whole = backward(trace, PARAMS, to_weights=False), backward(trace, PARAMS)
    assert not grads.weights and whole.weights
    for key in whole.activations:
        np.testing.assert_array_equal(grads[key], whole[key])


# ---------------------------------------------------------------- KV cache


def test_a_cached_step_is_the_last_column_of_a_whole_pass():
    kept = KVCache.of(forward(PARAMS, TOKENS[:3], CONFIG))
    assert set(kept.rows) == {f"blocks.{layer}.attn.{name}" for layer in range(2) for name in ("rot_k", "v")}
    for n in range(3, len(TOKENS)):
        turn = step(PARAMS, kept, TOKENS[n])
        whole = forward(PARAMS, TOKENS[: n + 1], CONFIG)
        for key in turn.trace:
            if turn.trace.axes(key).startswith("T") and key not in ("tokens", "positions"):
                np.testing.assert_allclose(turn.trace[key][-1], whole[key][-1], rtol=1e-4, atol=1e-5, err_msg=key)
        kept = turn.cache
    assert kept.numbers == 2 * 2 * len(TOKENS) * 2 * 6  # layers, keys and values, tokens, groups, width


def test_the_formula_counts_what_is_multiplied():
    assert cache.count(TRACE) == cache.multiply_adds_by_kind(CONFIG, len(TOKENS), len(TOKENS))
    turn = step(PARAMS, KVCache.of(forward(PARAMS, TOKENS[:-1], CONFIG)), TOKENS[-1])
    assert sum(cache.count(turn.trace).values()) == turn.multiply_adds
    wide = forward(BIG_PARAMS, TOKENS, BIG)
    assert cache.count(wide) == cache.multiply_adds_by_kind(BIG, len(TOKENS), len(TOKENS))


def test_forged_notes_change_what_later_columns_read_and_nothing_else():
    kept = KVCache.of(forward(PARAMS, TOKENS, CONFIG))
    other = KVCache.of(forward(PARAMS, TOKENS[::-1], CONFIG))
    forged = kept.forged(other, [1], [0])
    for key, row in forged.rows.items():
        same = np.arange(len(TOKENS)) != 1
        np.testing.assert_array_equal(row[same], kept.rows[key][same])
        assert np.array_equal(row[1], kept.rows[key][1]) != key.startswith("blocks.0.")


def test_the_loop_writes_the_same_with_and_without_cache():
    model = Model(CONFIG, PARAMS)
    cached = generate(model, TOKENS[:3], 12, temperature=0, use_cache=True)
    whole = generate(model, TOKENS[:3], 12, temperature=0, use_cache=False)
    assert [turn.token for turn in cached] == [turn.token for turn in whole]
    assert cached[-1].slid and cached[3].multiply_adds < cached[3].multiply_adds_uncached


# ---------------------------------------------------------------- interventions


def test_interventions_do_what_they_say():
    off = forward(PARAMS, TOKENS, CONFIG, (HeadOff(1, 3),))
    assert not off["blocks.1.attn.result"][:, 3].any() and off["blocks.1.attn.result"][:, 2].any()
    still = forward(PARAMS, TOKENS, CONFIG, parse("no positions"))
    np.testing.assert_array_equal(still["blocks.0.attn.rot_q"], still["blocks.0.attn.q"])
    sharp = forward(PARAMS, TOKENS, CONFIG, parse("no sqrt(d)"))
    raw = sharp["blocks.0.attn.attn_scores_raw"]
    np.testing.assert_array_equal(sharp["blocks.0.attn.attn_scores_scaled"], raw)
    seen = forward(PARAMS, TOKENS, CONFIG, (NoMask(),))
    assert (seen["blocks.0.attn.pattern"] > 0).all()
    even = forward(PARAMS, TOKENS, CONFIG, parse("uniform attention in head 0.1"))["blocks.0.attn.pattern"]
    np.testing.assert_allclose(even[1, 4, :5], 0.2)


def test_a_group_of_keys_can_be_patched_and_a_head_it_has_not_is_refused():
    source = forward(PARAMS, TOKENS[::-1], CONFIG)
    patched = forward(PARAMS, TOKENS, CONFIG, (Patch.of(source, "blocks.0.attn.rot_k", 2, 1),))
    np.testing.assert_array_equal(patched["blocks.0.attn.rot_k"][2, 1], source["blocks.0.attn.rot_k"][2, 1])
    scores = patched["blocks.0.attn.attn_scores_raw"] != TRACE["blocks.0.attn.attn_scores_raw"]
    assert scores[2:, :, 2].any() and not scores[:2].any() and not scores[:, :, [0, 1, 3, 4, 5, 6, 7]].any()
    with pytest.raises(ValueError, match="no head 2"):
        forward(PARAMS, TOKENS, CONFIG, (Zero("blocks.0.attn.rot_k", None, 2),))
    with pytest.raises(ValueError, match="no head 0"):
        forward(PARAMS, TOKENS, CONFIG, (Zero("blocks.0.mlp.pre", None, 0),))


def test_the_roles_of_heads_can_be_measured():
    scores = heads.measure(PARAMS, CONFIG, n_sequences=2)
    assert scores.scores["induction"].shape == (2, 4)


# ---------------------------------------------------------------- readings of the stream


@pytest.mark.parametrize("interventions", ["", "head 1.2 off; zero blocks.0.resid_post at 2"])
def test_contributions_add_up_to_the_logit(interventions):
    trace = forward(PARAMS, TOKENS, CONFIG, parse(interventions))
    for position in (0, 2, 7):
        parts = direct_logit_contributions(trace, PARAMS, position, 4)
        assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][position, 4]), abs=1e-4)
    assert not any("bias" in part.name or part.name == "place" for part in parts)


def test_the_logit_lens_ends_at_the_logits():
    lens = logit_lens(TRACE, PARAMS)
    assert lens.shape == (3, 8, 17)
    np.testing.assert_array_equal(lens[-1], TRACE["logits"])
    fewer = logit_lens(TRACE, PARAMS, sublayers=True, asked=[2, 5])[-1]
    np.testing.assert_allclose(fewer, TRACE["logits"][[2, 5]], rtol=1e-5, atol=1e-6)  # BLAS adds few rows otherwise


# ---------------------------------------------------------------- a wide vocabulary


def test_of_a_wide_vocabulary_the_last_column_alone_is_unembedded_unless_asked():
    last = forward(BIG_PARAMS, TOKENS, BIG)
    every = forward(BIG_PARAMS, TOKENS, BIG, asked=range(8))
    some = forward(BIG_PARAMS, TOKENS, BIG, asked=(2, -1))
    assert last["logits"].shape == (1, WIDE + 1) and last.axes("logits") == "A V"
    assert (
        list(plan(BIG))
        == list(last)
        == list(every)
        == [*list(TRACE)[:2], "asked", *list(TRACE)[2:-1], "ln_final.asked", "logits"]
    )
    np.testing.assert_allclose(some["logits"], every["logits"][[2, 7]], rtol=1e-5, atol=1e-5)
    for position in (0, 2, 7, -1):
        for trace in (last, some, every):
            np.testing.assert_allclose(
                logits_at(trace, BIG_PARAMS, position), every["logits"][position], rtol=1e-5, atol=1e-5
            )
    with pytest.raises(IndexError):
        logits_at(last, BIG_PARAMS, 8)
    with pytest.raises(ValueError, match="can be asked at 0 to 7"):
        forward(BIG_PARAMS, TOKENS, BIG, asked=(8,))


def test_what_needs_other_columns_says_so():
    last = forward(BIG_PARAMS, TOKENS, BIG)
    assert logit_lens(last, BIG_PARAMS).shape == (3, 1, WIDE + 1)
    with pytest.raises(ValueError, match="no logits at position 0"):
        next_token_loss(last)
    every = forward(BIG_PARAMS, TOKENS, BIG, asked=range(8))
    asked = forward(BIG_PARAMS, TOKENS, BIG, asked=(3, 6))
    a, b = backward(every, BIG_PARAMS, [3, 6]), backward(asked, BIG_PARAMS, [3, 6])
    assert a.loss == pytest.approx(b.loss, rel=1e-5)
    np.testing.assert_allclose(a["blocks.0.resid_pre"], b["blocks.0.resid_pre"], rtol=1e-3, atol=1e-7)
    change = compare(BIG_PARAMS, BIG, TOKENS, (HeadOff(0, 1),), position=3)
    assert change.total_variation > 0
    said = explain(asked, BIG_PARAMS, "ln_final.asked", (1, 4))
    assert said.where == "position 6, residual coordinate 4" and said.recompute() == said.value


def test_an_older_wiring_with_a_wide_vocabulary_asks_alike():
    config = Config(1, 2, 8, 4, 12, WIDE + 1, 10)
    params = random_params(config, 2)
    last, every = forward(params, TOKENS, config), forward(params, TOKENS, config, asked=range(8))
    assert last["logits"].shape == (1, WIDE + 1)
    np.testing.assert_allclose(last["logits"][0], every["logits"][-1], rtol=1e-5, atol=1e-5)


def test_what_stands_in_the_place_of_a_function_of_2017_is_what_a_pass_of_today_runs() -> None:
    sizes = (CONFIG.n_layers, CONFIG.n_heads, CONFIG.d_model, CONFIG.d_head, CONFIG.d_mlp, CONFIG.n_vocab, CONFIG.n_ctx)
    then, now = ({r.function for r in plan(c).values() if r.function} for c in (Config(*sizes), CONFIG))
    said = {function for functions in llama.INSTEAD.values() for function in functions}
    written_here = {f for f in now if f.__module__ == llama.__name__}
    assert written_here - said == {llama.cosine, llama.sine}, "no function of today is missing where code is shown"
    gone = {f for f in then - now if f.__name__ not in ("row_mean", "row_scale")}
    assert gone <= set(llama.INSTEAD), "nor one of 2017 that has something in its place"

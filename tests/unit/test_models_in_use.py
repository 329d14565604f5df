"""What is computed is about the model in use, and what is remembered of one model is never shown of another."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from explainer.kernel.checkpoint import CheckpointError
from explainer.kernel.config import Config
from explainer.kernel.model import Model
from explainer.kernel.tokenizer import Tokenizer
from explainer.models import lab, measured
from explainer.models.loaded import Loaded
from tests.tiny import random_params

ROOT = Path(__file__).resolve().parents[2]
SMALL = Config(n_layers=1, n_heads=2, d_model=8, d_head=4, d_mlp=16, n_vocab=300, n_ctx=32)


def other_model(seed: int) -> Loaded:
    """A random model with 300 tokens of its own."""
    model = Model(SMALL, random_params(SMALL, seed), "a random one", {})
    return Loaded(model, Tokenizer(lab.tokenizer(lab.STORYTELLER).merges[:43]))


TEXT = "Mia has a red ball."


@pytest.fixture
def other() -> Iterator[str]:
    lab.take("file", other_model(seed=1))
    yield "file"
    lab.let_go()


def logits() -> list[float]:
    return lab.trace(lab.tokens_of(TEXT))["logits"][-1][:5].tolist()


def test_all_is_about_the_model_in_use(other: str) -> None:
    own = logits()
    with lab.using(other):
        assert not lab.is_own() and lab.model().name != lab.STORYTELLER
        theirs = logits()
        with lab.using(lab.OWN):
            assert logits() == own
        assert logits() == theirs != own
    assert lab.is_own() and logits() == own


def test_another_file_by_the_same_name_leaves_nothing_behind(other: str) -> None:
    with lab.using(other):
        first = logits()
    lab.take(other, other_model(seed=2))
    with lab.using(other):
        assert logits() != first


def test_one_that_is_not_here_says_so() -> None:
    with pytest.raises(CheckpointError, match="file"), lab.using("file"):
        pass
    assert lab.is_own()


def test_threads_do_not_share_it(other: str) -> None:
    seen: list[bool] = []
    with lab.using(other):
        thread = threading.Thread(target=lambda: seen.append(lab.is_own()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_what_was_measured_of_it_goes_with_it(other: str) -> None:
    @measured.kept
    def sizes(n: int) -> int:
        return n * lab.model().n_params

    own = sizes(1)
    with lab.using(other):
        theirs = sizes(1)
        assert theirs != own and sizes.known(1)
    assert sizes(1) == own
    lab.let_go()
    lab.take(other, other_model(seed=1))
    with lab.using(other):
        assert not sizes.known(1)


def test_no_function_of_tokens_remembers_without_the_model() -> None:
    """`functools.lru_cache` of what takes tokens would show one model's numbers for another's."""
    own_only = {"truth_after"}  # exact truth of the corpus: asked of the storyteller's tokens alone
    wrong = []
    for file in [f for top in ("explainer", "pages") for f in (ROOT / top).rglob("*.py") if "corpus" not in f.parts]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name in own_only:
                continue
            decorated = " ".join(ast.unparse(d) for d in node.decorator_list)
            takes = {a.arg for a in node.args.args}
            remembers = "cache" in decorated and "cached_property" not in decorated
            if remembers and takes & {"tokens", "token", "prompt"} and not takes & {"model", "trace"}:
                wrong.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert wrong == [], "decorate them with lab.per_model"


def test_what_holds_a_model_forgets_it_with_the_model() -> None:
    """A `functools` memory of what takes or asks for a model, a trace or a cache outlives a further one."""
    own = {"_attempt"}  # of one of the project's own, by its name
    wrong = []
    for file in [f for top in ("explainer", "pages") for f in (ROOT / top).rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.FunctionDef) or node.name in own:
                continue
            decorated = [ast.unparse(d) for d in node.decorator_list]
            if not any(
                d.startswith(("functools.cache", "functools.lru_cache", "cache", "lru_cache")) for d in decorated
            ):
                continue
            if any(d == "functools.cached_property" for d in decorated):
                continue
            takes = {ast.unparse(a.annotation) for a in node.args.args if a.annotation}
            asks = {ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call)}
            if takes & {"Model", "Trace", "KVCache"} or asks & {"lab.model", "lab.trace"}:
                wrong.append(f"{file.relative_to(ROOT)}: {node.name}")
    assert wrong == [], "decorate them with lab.per_model"

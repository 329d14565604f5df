"""Dataclasses whose methods were compiled ahead are what they would be otherwise, and nothing is compiled for them."""

from __future__ import annotations

import builtins
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from explainer.host import methods


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    vars(dataclasses).pop("exec", None)


def make() -> Any:
    @dataclasses.dataclass(frozen=True, order=True)
    class Pair:
        left: int
        right: list[int] = dataclasses.field(default_factory=list)

    return Pair


def test_what_was_compiled_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = methods.Methods()
    compiled.install()
    make()
    assert compiled, "dataclasses do not call `exec` by that name any more: see explainer/host/methods.py"
    compiled.write(tmp_path / methods.NAME)
    monkeypatch.setattr(builtins, "compile", None)  # there is no need of it any more
    methods.arrived(tmp_path)
    made = make()
    assert (
        repr(made(1, [2])).endswith("Pair(left=1, right=[2])")
        and made(1) < made(2)
        and made(1).right is not made(1).right
    )
    assert hash(dataclasses.replace(made(1, ()), right=(3,))) == hash(made(1, (3,)))
    with pytest.raises(dataclasses.FrozenInstanceError):
        made(1).left = 2


def test_what_was_not_is_compiled(tmp_path: Path) -> None:
    methods.Methods().write(tmp_path / methods.NAME)
    methods.arrived(tmp_path)
    assert make()(1).left == 1


def test_without_a_pack_dataclasses_are_left_alone(tmp_path: Path) -> None:
    methods.arrived(tmp_path)
    assert "exec" not in vars(dataclasses)

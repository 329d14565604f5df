"""Data classes made of code that was compiled beforehand are the same data classes."""

import dataclasses
from pathlib import Path

import pytest

from explainer.host import written


def made() -> type:
    @dataclasses.dataclass(frozen=True, order=True)
    class Thing:
        name: str
        size: int = 3

    return Thing


def test_what_was_noted_is_not_compiled_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_compiled", {})
    monkeypatch.setattr(dataclasses, "exec", written._exec, raising=False)
    made()
    (tmp_path / "noted").write_bytes(written.note())
    monkeypatch.setattr(written, "_compiled", {})
    written.use(tmp_path / "noted")

    def no(*args: object, **options: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(written, "compile", no, raising=False)
    Thing = made()
    assert repr(Thing("a")) == repr(made()("a", 3)) and Thing("a") < Thing("b") and Thing("a") == Thing("a")
    with pytest.raises(dataclasses.FrozenInstanceError):
        Thing("a").size = 4


def test_what_was_not_noted_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_compiled", {})
    monkeypatch.setattr(dataclasses, "exec", written._exec, raising=False)
    assert made()("a").size == 3
    assert written._compiled

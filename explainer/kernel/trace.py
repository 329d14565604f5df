"""The record of one forward pass: every number that was computed on the way, by name, with its axes.

Glossary of axes (one letter, one meaning, everywhere on the site):

    T  query position: the token that is looking, and whose column is being computed
    S  key position: the token that is being looked at
    A  asked position: one whose logits are wanted (all, unless the vocabulary is wide)
    H  head
    G  key/value head, where several query heads share one (explainer/architectures/llama_like.py)
    K  width of one head (queries, keys, values)
    R  pair of head coordinates that turn together (the same file)
    D  width of the residual stream
    F  width of the MLP's hidden layer
    V  vocabulary
    L  layer

Names are TransformerLens's. A name such as `blocks.0.attn.pattern` is a key of the trace; a name such as
`blocks.0.attn.W_Q` is a weight. Each record remembers the function that made it and the names of what that
function was given, and it was made *by calling that function with exactly those*: it cannot be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os.path import commonprefix
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

import numpy as np

from explainer.kernel.config import Config

Array = np.ndarray

AXES: Mapping[str, str] = MappingProxyType(
    {
        "T": "query position",
        "S": "key position",
        "A": "asked position",
        "H": "head",
        "G": "key/value head",
        "K": "head width",
        "R": "pair of head coordinates",
        "D": "residual width",
        "F": "MLP width",
        "V": "vocabulary",
        "L": "layer",
    }
)


class Intervention(Protocol):
    """Something that changes one or more records while they are being made."""

    @property
    def causal(self) -> bool:
        """Whether a column stays what it is when more tokens come, so that its keys and values may be kept."""

    def check(self, config: Config) -> None:
        """Raise ValueError if this model has no such layer, head or record."""

    def apply(self, key: str, value: Array, trace: Mapping[str, Array]) -> Array:
        """The record `key` as it is to be; `value` itself (the same object) if it is not concerned."""

    def pull_back(self, key: str, grad: Array, trace: Trace) -> Array:
        """The gradient with respect to the value that `apply` was given, from that of what it returned."""


class Record(NamedTuple):
    """One intermediate result.

    key:       its name
    value:     read-only array
    axes:      one letter per axis of `value`, separated by spaces
    function:  what computed it
    inputs:    the records that the function was given, in order
    weights:   the weights that it was given after them, in order
    constants: the keyword arguments that it was given
    edits:     the interventions that changed what it returned (usually none)
    """

    key: str
    value: Array
    axes: str
    function: Callable[..., Array] | None = None
    inputs: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    constants: Mapping[str, Any] = MappingProxyType({})
    edits: tuple[Intervention, ...] = ()


class Trace(Mapping[str, Array]):
    """An ordered, frozen, read-only record of every intermediate of one forward pass.

    trace["blocks.0.attn.pattern"] is a read-only array; iterating gives the names in the order in which they
    were computed, the first being "tokens" and the last "logits".

    tokens:        the token ids that were given, as a tuple of int
    config:        the model's sizes
    start:         the position of the first of them (not 0 only when a KV cache supplied the earlier ones)
    interventions: what was changed on the way
    """

    __slots__ = ("_records", "config", "interventions", "start", "tokens")

    _records: dict[str, Record]
    config: Config
    interventions: tuple[Intervention, ...]
    start: int
    tokens: tuple[int, ...]

    def __init__(
        self, records: Mapping[str, Record], config: Config, start: int, interventions: Sequence[Intervention]
    ) -> None:
        put = object.__setattr__
        put(self, "_records", dict(records))
        put(self, "config", config)
        put(self, "start", start)
        put(self, "interventions", tuple(interventions))
        put(self, "tokens", tuple(int(token) for token in records["tokens"].value))

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("a trace is a record of what happened and cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("a trace is a record of what happened and cannot be changed")

    def __getitem__(self, key: str) -> Array:
        return self.record(key).value

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __eq__(self, other: object) -> bool:  # one pass is one thing: a Mapping would compare array by array
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        """Every record with its axes and shape; of the blocks, which all have the same names, the first."""
        lines, layers = [self._title()], self.config.n_layers
        for key, record in self._records.items():
            if not key.startswith("blocks.") or key.startswith("blocks.0."):
                lines.append(f"  {key:33} {record.axes:6} {_lengths(record)}")
            elif key == "blocks.1.resid_pre":
                lines.append(f"  blocks.1 {f'to blocks.{layers - 1} ' if layers > 2 else ''}have the same names")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same as a table, every block to be opened: what a notebook shows."""
        groups: dict[str, list[str]] = {}
        for key, record in self._records.items():
            made_by = getattr(record.function, "__name__", "")
            cells = (key, record.axes, _lengths(record), made_by, ", ".join(record.inputs))
            row = "".join(f"<td>{cell}</td>" for cell in cells)
            groups.setdefault(".".join(key.split(".")[: 1 + key.startswith("blocks.")]), []).append(f"<tr>{row}</tr>")
        head = "<tr>" + "".join(f"<th>{h}</th>" for h in ("record", "axes", "shape", "made by", "from")) + "</tr>"
        parts = "".join(
            f"<details><summary>{name}</summary><table>{head}{''.join(rows)}</table></details>"
            for name, rows in groups.items()
        )
        return f"<p>{self._title()}</p>{parts}"

    def _title(self) -> str:
        return f"Trace of {len(self.tokens)} tokens through {self.config.n_layers} layers: {len(self)} records"

    def record(self, key: str) -> Record:
        """Everything known about one intermediate. KeyError, with the nearest names, if there is none."""
        try:
            return self._records[key]
        except KeyError:
            ending = key.rsplit(".", 1)[-1]
            near = [name for name in self._records if name.rsplit(".", 1)[-1] == ending]
            near = near or sorted(self._records, key=lambda name: -len(commonprefix([name, key])))  # noqa: RUF071
            raise KeyError(f"the trace has no record {key!r}; there is {', '.join(near[:3])}") from None

    def axes(self, key: str) -> str:
        """The axes of a record, one letter each: 'H T S'."""
        return self.record(key).axes

    def inputs(self, key: str) -> tuple[str, ...]:
        """The names of the records from which this one was computed (the weights apart)."""
        return self.record(key).inputs

    def weights(self, key: str) -> tuple[str, ...]:
        """The names of the weights that were used to compute this record."""
        return self.record(key).weights

    def function(self, key: str) -> Callable[..., Array] | None:
        """The function that computed this record: the code to show. None for what was given from outside."""
        return self.record(key).function

    def edits(self, key: str) -> tuple[Intervention, ...]:
        """The interventions that changed this record; empty if it is what its function returned."""
        return self.record(key).edits


def _lengths(record: Record) -> str:
    """The shape of a record as a reader writes it: 4 x 6 x 6."""
    return " x ".join(map(str, record.value.shape))


class Recorder:
    """Computes one record after the other, keeps them all, and ends as a Trace.

    params:        name -> weight
    tokens:        [T] token ids
    config:        the model's sizes
    interventions: applied, in order, to each record as it is made
    past:          rows already known, of records whose first axis is S (a KV cache's keys and values)
    asked:         of which columns of this pass logits are wanted; None: of all, without a record that says so

    Raises ValueError if there is no token, an unknown token, more tokens than the model has positions, or an asked
    column that is not there.
    """

    def __init__(
        self,
        params: Mapping[str, Array],
        tokens: Sequence[int] | Array,
        config: Config,
        interventions: Sequence[Intervention] = (),
        past: Mapping[str, Array] | None = None,
        asked: Sequence[int] | None = None,
    ) -> None:
        ids = checked_tokens(tokens, config)
        self.params = params
        self.config = config
        self.past = past or {}
        self.start = len(next(iter(self.past.values()))) if self.past else 0
        if self.start + len(ids) > config.n_ctx:
            raise ValueError(
                f"{self.start + len(ids)} tokens do not fit: the model has {config.n_ctx} {config.positions_are} "
                f"(of longer texts give it the last {config.n_ctx} tokens)"
            )
        self.interventions = tuple(interventions)
        for intervention in self.interventions:
            intervention.check(config)
        self.values: dict[str, Array] = {}
        self.records: dict[str, Record] = {}
        self._length = config.axes | {"T": len(ids), "S": self.start + len(ids)}
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._keep(Record("tokens", ids, "T"))
        self._keep(Record("positions", np.arange(self.start, self.start + len(ids)), "T"))
        self.asks = asked is not None
        if asked is not None:
            columns = checked_columns(asked, len(ids))
            self._length["A"] = len(columns)
            self._keep(Record("asked", columns, "A"))

    def __call__(
        self,
        key: str,
        function: Callable[..., Array],
        axes: str,
        inputs: tuple[str, ...],
        weights: tuple[str, ...] = (),
        **constants: Any,
    ) -> str:
        """Compute `function(*inputs, *weights, **constants)`, record it as `key`, and return the key.

        inputs are names of earlier records, weights of parameters; the shape must be what `axes` says.
        """
        values, params = self.values, self.params
        value = function(*[values[name] for name in inputs], *[params[name] for name in weights], **constants)
        if key in self.past:  # a KV cache: the earlier rows were computed in earlier steps
            value = np.concatenate([self.past[key], value])
        edits: tuple[Intervention, ...] = ()
        for intervention in self.interventions:
            changed = intervention.apply(key, value, values)
            if changed is not value:
                edits += (intervention,)
                value = changed
        self._keep(Record(key, value, axes, function, inputs, weights, constants, edits))
        return key

    def _keep(self, record: Record) -> None:
        """Check the shape against the axes, lock the array, and store the record."""
        key, value, axes = record.key, record.value, record.axes
        shape = self._shapes.get(axes)
        if shape is None:
            shape = self._shapes[axes] = tuple(self._length[axis] for axis in axes.split())
        if value.shape != shape:
            raise ValueError(f"{key} should be [{axes}] = {list(shape)} but is {list(value.shape)}")
        if key in self.records:
            raise ValueError(f"{key} is recorded twice")
        lock(value)
        self.values[key] = value
        self.records[key] = record

    def trace(self) -> Trace:
        """The finished, frozen record."""
        return Trace(self.records, self.config, self.start, self.interventions)


class Planner(Recorder):
    """A Recorder that computes nothing: run the wiring with it to learn the names and axes of all records."""

    def __init__(self, config: Config) -> None:
        self.config = config
        nothing = lock(np.zeros(0))
        self.records = {name: Record(name, nothing, "T") for name in ("tokens", "positions")}
        self.asks = config.wide
        if self.asks:
            self.records["asked"] = Record("asked", nothing, "A")

    def __call__(
        self,
        key: str,
        function: Callable[..., Array],
        axes: str,
        inputs: tuple[str, ...],
        weights: tuple[str, ...] = (),
        **constants: Any,
    ) -> str:
        """Note one record; returns its key."""
        nothing = self.records["tokens"].value
        self.records[key] = Record(key, nothing, axes, function, inputs, weights, constants)
        return key


def lock(array: Array) -> Array:
    """Make an array, and the array of which it may be a view, read-only; returns it."""
    view: Any = array
    while isinstance(view, np.ndarray):
        view.flags.writeable = False
        view = view.base
    return array


def checked_columns(asked: Sequence[int], n: int) -> Array:
    """The columns of a pass as an integer array [A]; negative ones count from the end. Raises ValueError."""
    columns = np.asarray(list(asked), dtype=np.int64)
    if columns.size == 0 or columns.min() < -n or columns.max() >= n:
        raise ValueError(f"a pass of {n} columns can be asked at 0 to {n - 1}, not at {list(asked)}")
    return columns % n


def checked_tokens(tokens: Sequence[int] | Array, config: Config) -> Array:
    """The token ids as a new integer array [T].

    Raises ValueError that says which one is impossible, and TypeError for a text.
    """
    if isinstance(tokens, str):
        raise TypeError(
            "a forward pass reads token ids, not text: call explainer.load().trace(text), "
            "or get the ids from explainer.tokenizer().encode(text)"
        )
    given = np.asarray(tokens)
    if given.ndim != 1 or given.size == 0:
        raise ValueError("a forward pass needs a list of at least one token")
    if given.dtype.kind not in "iu":
        raise ValueError(f"tokens are whole numbers, not {given.dtype}")
    ids = given.astype(np.int64)
    unknown = ids[(ids < 0) | (ids >= config.n_vocab)]
    if unknown.size:
        raise ValueError(f"token {int(unknown[0])} is not one of the {config.n_vocab} tokens")
    return ids

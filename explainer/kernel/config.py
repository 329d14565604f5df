"""The seven sizes that define a model, and the shape of every weight that follows from them.

`Config` stands for the wiring of model.py (GPT-2's); each file of explainer/architectures has a subclass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from math import prod
from typing import Any, ClassVar


@dataclass(frozen=True)
class Config:
    """The sizes of a decoder-only transformer. Everything else about it is in its weights.

    n_layers: how many blocks (attention, then MLP) are stacked
    n_heads:  attention heads per block
    d_model:  width of the residual stream
    d_head:   width of one head's queries, keys and values
    d_mlp:    width of the MLP's hidden layer
    n_vocab:  how many tokens there are
    n_ctx:    the longest context, because there is one learned position vector for each place
    eps:      the small number under LayerNorm's square root
    tied:     the unembedding is the embedding's own numbers, transposed, and adds no weights
    """

    positions_are: ClassVar[str] = "learned positions"  # n_ctx of them
    mlp_matrices: ClassVar[int] = 2  # in each MLP

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_vocab: int
    n_ctx: int
    eps: float = 1e-5
    tied: bool = False

    def __post_init__(self) -> None:
        for name in SIZES:
            size = getattr(self, name)
            if not isinstance(size, int) or size < (0 if name == "n_layers" else 1):
                raise ValueError(f"{name} must be a positive whole number, not {size!r}")
        if not self.eps > 0:
            raise ValueError(f"eps must be positive, not {self.eps!r}")

    @property
    def kv_heads(self) -> int:
        """How many heads have keys and values of their own: here all of them."""
        return self.n_heads

    def group_of(self, head: int) -> int:
        """Whose keys and values a head reads: its own, or those of the group of heads that it belongs to."""
        return head * self.kv_heads // self.n_heads

    @property
    def wide(self) -> bool:
        """Whether the vocabulary is so wide that a trace holds the logits of the asked columns only (`forward`)."""
        return self.n_vocab > WIDE

    @property
    def axes(self) -> dict[str, int]:
        """How long each named axis is; T and S (positions) depend on the text and are not here."""
        return {
            "H": self.n_heads,
            "K": self.d_head,
            "D": self.d_model,
            "F": self.d_mlp,
            "V": self.n_vocab,
            "L": self.n_layers,
        }

    @property
    def parameter_axes(self) -> dict[str, str]:
        """Every weight of the model, in the order of the architecture, with its axes.

        `P` is the position axis of the table of position vectors (length n_ctx).
        """
        table = {"embed.W_E": "V D", "pos_embed.W_pos": "P D"}
        for layer in range(self.n_layers):
            table |= {f"blocks.{layer}.{name}": axes for name, axes in BLOCK_PARAMETERS.items()}
        return table | {"ln_final.w": "D", "ln_final.b": "D", "unembed.W_U": "D V", "unembed.b_U": "V"}

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every weight of the model, in the order of the architecture, with its shape."""
        length = self.axes | {"P": self.n_ctx}
        return {name: tuple(length[axis] for axis in axes.split()) for name, axes in self.parameter_axes.items()}

    @property
    def n_params(self) -> int:
        """How many numbers training had to find."""
        shapes = self.parameter_shapes.items()
        return sum(prod(shape) for name, shape in shapes if not (self.tied and name.startswith("unembed.")))

    def to_metadata(self) -> dict[str, str]:
        """The config as the strings that a safetensors file can carry."""
        return {name: str(value) for name, value in asdict(self).items() if name != "tied" or value}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Config:
        """Read the config back from a safetensors file's metadata.

        Raises ValueError that names the field which is missing or is not a number.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name not in metadata:
                if field.default is not MISSING:
                    continue
                raise ValueError(f"the metadata does not say {field.name}")
            text = metadata[field.name]
            try:
                values[field.name] = READERS[field.type](text)
            except (KeyError, TypeError, ValueError):
                raise ValueError(f"the metadata says {field.name} = {text!r}, not a number") from None
        return cls(**values)


READERS: dict[Any, Callable[[str], Any]] = {
    "int": int,
    "float": float,
    "bool": {"True": True, "False": False}.__getitem__,
}

WIDE = 4096
"""Tokens. Of a larger vocabulary the logits of a text of 64 tokens are more than a megabyte, and of GPT-2's 13."""

SIZES = ("n_layers", "n_heads", "d_model", "d_head", "d_mlp", "n_vocab", "n_ctx")

BLOCK_PARAMETERS = {
    "ln1.w": "D",
    "ln1.b": "D",
    "attn.W_Q": "H D K",
    "attn.b_Q": "H K",
    "attn.W_K": "H D K",
    "attn.b_K": "H K",
    "attn.W_V": "H D K",
    "attn.b_V": "H K",
    "attn.W_O": "H K D",
    "attn.b_O": "D",
    "ln2.w": "D",
    "ln2.b": "D",
    "mlp.W_in": "D F",
    "mlp.b_in": "F",
    "mlp.W_out": "F D",
    "mlp.b_out": "D",
}

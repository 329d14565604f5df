"""The seven sizes that define a model, and the shape of every weight that follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


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
    """

    n_layers: int
    n_heads: int
    d_model: int
    d_head: int
    d_mlp: int
    n_vocab: int
    n_ctx: int
    eps: float = 1e-5

    def __post_init__(self) -> None:
        for name in SIZES:
            size = getattr(self, name)
            if not isinstance(size, int) or size < (0 if name == "n_layers" else 1):
                raise ValueError(f"{name} must be a positive whole number, not {size!r}")
        if not self.eps > 0:
            raise ValueError(f"eps must be positive, not {self.eps!r}")

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
        total = 0
        for shape in self.parameter_shapes.values():
            size = 1
            for length in shape:
                size *= length
            total += size
        return total

    def to_metadata(self) -> dict[str, str]:
        """The config as the strings that a safetensors file can carry."""
        return {name: str(value) for name, value in asdict(self).items()}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str]) -> Config:
        """Read the config back from a safetensors file's metadata.

        Raises ValueError that names the field which is missing or is not a number.
        """
        values: dict[str, Any] = {}
        for field in fields(cls):
            if field.name not in metadata:
                if field.name == "eps":
                    continue
                raise ValueError(f"the metadata does not say {field.name}")
            text = metadata[field.name]
            try:
                values[field.name] = float(text) if field.name == "eps" else int(text)
            except (TypeError, ValueError):
                raise ValueError(f"the metadata says {field.name} = {text!r}, not a number") from None
        return cls(**values)


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

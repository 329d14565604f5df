"""What the start page says in numbers."""

from __future__ import annotations

from explainer.models import lab


def numbers() -> dict[str, object]:
    m = lab.model()
    return {
        "parameters": f"{m.n_params:,}",
        "layers": m.config.n_layers,
        "heads": m.config.n_heads,
    }

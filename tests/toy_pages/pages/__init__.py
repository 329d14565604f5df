"""A stand-in for the real pages: small, and it reaches every extension module, an exception and a callback."""

import json
from typing import Any

import numpy as np
import param
from panel.custom import JSComponent


class Toy(JSComponent):
    """Redraws `html` when asked; `request` may name a sum to do, an error to raise, or a crash."""

    html = param.String(default="")
    values = param.Dict(default={})
    request = param.Dict(default={})
    _esm = "export function render() {}"

    def __init__(self, **params: Any):
        super().__init__(**params)
        self.param.watch(self._asked, "request")
        self._draw({"n": 3})

    def _draw(self, asked: dict[str, Any]) -> None:
        n = int(asked.get("n", 3))
        matrix = np.random.default_rng(0).normal(size=(n, n)).astype(np.float32)
        inverse = np.linalg.inv(matrix)
        self.values = {"n": n, "trace": round(float((matrix @ inverse).trace()), 3), "given": asked}
        self.html = f"<b>{json.dumps(self.values)}</b>"

    def _asked(self, event: Any) -> None:
        if event.new.get("raise"):
            raise ValueError("asked to fail")
        if event.new.get("late"):
            import colorsys  # not imported before: a resumed Python has no file to read it from

            self.html = str(colorsys.rgb_to_hsv(1, 0, 0))
            return
        if event.new.get("crash"):
            from pyodide.code import run_js

            run_js("(m) => { throw new WebAssembly.RuntimeError('unreachable') }")(1)
        self._draw(event.new)


DOCUMENTS = {
    "toy": lambda draw=True: [Toy(name="toy")],
    "other": lambda draw=True: [Toy(name="one"), Toy(name="two")],
}

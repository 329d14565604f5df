"""The four changes, each shown without any training: what holds for all weights, up to rounding."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from explainer.architectures import llama_like as llama
from explainer.kernel import model, ops
from explainer.ui.html import exact as exactly
from explainer.ui.html import join, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import exact
from ..facts.sizes import NOW

SHOWN = {
    "places": "RoPE: move the text, and no score changes",
    "norm": "RMSNorm: LayerNorm without two of its steps",
    "share": "Shared keys: what a token costs to remember",
    "think": "SwiGLU: a number and its gate",
}


class Exactly(Widget):
    """One of the four changes, on real vectors or for all numbers."""

    slug = "without-training"
    title = "What holds without training"
    own_only = ""
    reads = ("exact", "floor", "number")
    functions = (
        *(exact.moved, llama.rotate, exact.normalised, model.normalize, llama.rms_normalize),
        *(exact.shared, exact.gated, ops.gelu, llama.gated),
    )

    def draw(self) -> Markup:
        s = self.state
        fields = [c.choice("exact", "Change", list(SHOWN.items()), s.exact)]
        if s.exact == "norm":
            fields.append(c.slider("floor", "After so many layers", s.floor, 0, exact.LAYERS, step=1))
        if s.exact == "think":
            fields.append(c.slider("number", "The number", float(s.number), -2, 2, step=0.25))
        drawn = {"places": places, "norm": norm, "share": share, "think": think}[s.exact](s)
        return join([c.controls(*fields), c.figure("without-training", *drawn)])


def places(state: object) -> list[Markup]:
    found = exact.moved()
    top = max(found.learned)
    chart = charts.xy(
        [
            ("a learned vector for each place", "query", list(zip(found.by, found.learned, strict=True))),
            ("RoPE", "resid", list(zip(found.by, found.turned, strict=True))),
        ],
        label="The largest change of a score when the whole text stands further back",
        x_name="places that the text is moved by",
        y_name="largest change of a score",
        x_ticks=(0, 20, 40, 60, 80, 100),
        y_max=charts.round_ticks(0, top)[-1],
        log_x=False,
    )  # fmt: skip
    return [
        chart,
        c.told(
            "“", exact.TEXT, "” is moved back as a whole. With the storyteller’s own table of places a score of its "
            "first head changes by up to ", tag("b", number(top), data_v=exactly(top)), f" (the largest is "
            f"{number(found.largest[0])}). With queries and keys turned instead, on the same weights, by at most ",
            tag("b", number(max(found.turned)), data_v=exactly(max(found.turned))), ": rounding.",
        ),
    ]  # fmt: skip


def norm(state: object) -> list[Markup]:
    found = exact.normalised(state.floor)  # type: ignore[attr-defined]
    coordinates = range(len(found.layer))
    high = charts.round_ticks(0, max(abs(found.layer).max(), abs(found.rms).max()))[-1]
    chart = both_ways(
        [
            ("LayerNorm", "query", [(i, float(found.layer[i])) for i in coordinates]),
            ("RMSNorm", "resid", [(i, float(found.rms[i])) for i in coordinates]),
        ],
        "One vector of the residual stream, normalised in two ways, coordinate by coordinate",
        ("coordinate", (0, 24, 48, 72, len(found.layer) - 1)),
        ("normalised", high),
    )
    return [
        chart,
        c.told(
            f"The last token of “{exact.TEXT}”: its mean is {number(found.mean)}, its size {number(found.size)}. "
            "Take the mean off first, and RMSNorm is LayerNorm: they differ by ",
            tag("b", number(found.off), data_v=exactly(found.off)), ". Leave it, and they differ by at most ",
            tag("b", number(found.apart), data_v=exactly(found.apart)), ". (Gains 1 and shifts 0 here.)",
        ),
    ]  # fmt: skip


def share(state: object) -> list[Markup]:
    found = exact.shared()
    names = [f"{n} {'head' if n == 1 else 'heads'}" for n in found]
    chosen = list(found).index(NOW.n_heads // NOW.n_kv_heads)
    now, then = (NOW.n_ctx * found[n] for n in (NOW.n_heads // NOW.n_kv_heads, 1))
    chart = charts.bars(
        names,
        [float(v) for v in found.values()],
        label="Bytes to remember for each token, by how many query heads share a key and a value",
        colour="key",
        scale=float(max(found.values())),
        text=lambda v: f"{v:,.0f}",
        chosen=chosen,
        heads=("share a key and a value", "bytes a token"),
    )
    return [
        chart,
        c.told(
            f"The cache is divided by how many share. SmolLM2’s {NOW.n_heads} query heads have {NOW.n_kv_heads} keys "
            f"and values: {now / 1e6:,.0f} MB for {NOW.n_ctx:,} tokens instead of {then / 1e6:,.0f} (4 bytes a number)."
        ),
    ]


def think(state: object) -> list[Markup]:
    value = float(state.number)  # type: ignore[attr-defined]
    gelu, gated = exact.gated(value)
    chart = both_ways(
        [
            ("GELU", "query", [(float(x), float(y)) for x, y in zip(exact.GATES, gelu, strict=True)]),
            (f"SwiGLU, number {number(value)}", "resid",
             [(float(x), float(y)) for x, y in zip(exact.GATES, gated, strict=True)]),
        ],
        "What a hidden unit gives, for each strength of what switches it",
        ("what switches the unit", (-4, -2, 0, 2, 4)),
        ("what it gives", 8),
    )  # fmt: skip
    return [
        chart,
        c.told(
            "A GELU unit gives nearly what it is switched by, or nearly nothing. A SwiGLU unit gives its gate’s SiLU "
            f"times a number that another matrix has computed, here {number(value)}: any multiple, negative ones too."
        ),
    ]


def both_ways(
    series: Sequence[tuple[str, str, Sequence[tuple[float, float]]]],
    label: str,
    x: tuple[str, Sequence[float]],
    y: tuple[str, float],
) -> Markup:
    """Lines around a level of 0, with the numbers in a table.

    series: (name, meaning of its colour, points); x: its name and its marks; y: its name, and how far it goes both ways
    """
    high, left, top, bottom = 196, 40, 26, 40
    px = charts.Scale(x[1][0], x[1][-1], left, charts.WIDE - 12)
    py = charts.Scale(-y[1], y[1], high - bottom, top)
    parts: list[Markup] = []
    for v in (-y[1], -y[1] / 2, 0.0, y[1] / 2, y[1]):
        at = f"{py(v):.1f}"
        parts.append(tag("line", x1=left, x2=charts.WIDE - 12, y1=at, y2=at, class_="rule"))
        parts.append(tag("text", f"{v:g}".replace("-", "−"), x=left - 8, y=f"{py(v) + 4:.1f}", text_anchor="end"))
    for v in x[1]:
        words = f"{v:g}".replace("-", "−")
        parts.append(tag("text", words, x=f"{px(v):.1f}", y=high - bottom + 18, text_anchor="middle"))
    for k, (_, meaning, points) in enumerate(series):
        path = " ".join(f"{px(a):.1f},{py(b):.1f}" for a, b in points)
        parts.append(tag("polyline", points=path, class_=f"line colour-{meaning} dash-{k}"))
    parts.append(tag("text", x[0], x=charts.WIDE - 12, y=high - 4, text_anchor="end"))
    parts.append(tag("text", y[0], x=0, y=14, class_="axis-name"))
    legend = [tag("span", name, class_=f"legend colour-{m} dash-{k}") for k, (name, m, _) in enumerate(series)]
    table = charts.point_table(tuple((name, tuple(points)) for name, _, points in series), x[0], label)
    drawn = charts.drawing(parts, charts.WIDE, high, label, "xy")
    return join([tag("p", *legend, class_="legend-row"), drawn, table])

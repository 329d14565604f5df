"""Lean tables: many numbers of a trace as a heat map that is a table, each of which can say how it was made.

For pages with hundreds of them: half the markup of `components.heat_table`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from explainer.kernel.explain import explain
from explainer.kernel.trace import Trace
from explainer.models import lab
from explainer.ui.html import compact, tag

# ---------------------------------------------------------------- stories


def with_names(text: str, names: Sequence[str]) -> str:
    """Positions in formulas become the tokens that stand there: 'q(5) · k(2)' -> 'q(␣cat) · k(␣the)'."""

    def name(match: re.Match[str]) -> str:
        i = int(match[2])
        return f"{match[1]}({names[i]})" if i < len(names) else match[0]

    return re.sub(r"\b(q|k|v|z|score|pattern|ln1|key|query)\((\d+)\)", name, text)


def story(trace: Trace, key: str, index: Sequence[int], names: Sequence[str]) -> str:
    """How one number of a trace was made: the formula with the tokens' names, then the real numbers."""
    made = explain(trace, lab.model().params, key, index, names)
    before, _, value = made.numbers.rpartition(" = ")
    words = f"{with_names(made.formula, names)} = {value if before == value else made.numbers}"  # a copy is said once
    return f"{words} ({made.note})" if made.note else words


# ---------------------------------------------------------------- matrices


def matrix(
    values: Any,
    rows: Sequence[str],
    cols: Sequence[str],
    *,
    label: str,
    signed: bool = False,
    colour: str = "head",
    scale: float | None = None,
    row_axis: str = "query",
    col_axis: str = "key",
    row_name: str = "",
    col_name: str = "",
    chosen_row: int | None = None,
    why: Mapping[tuple[int, int], str] | None = None,
    masked: Any = None,
    numbers: bool = True,
    size: str = "",
    ask: str | None = None,
    row_sets: str | None = None,
    row_asks: Mapping[int, str] | None = None,
    row_axes: Sequence[str] = (),
    travel: str | None = None,
    travel_rows: Mapping[int, str] | None = None,
    travel_names: Sequence[str] = (),
) -> Markup:
    """A heat map that is a table, like `components.heat_table`, in half the markup: for pages with many of them.

    values:  [R, C]; why: the stories of some cells; masked: [R, C] booleans,
             cells that do not exist (a masked score keeps its −inf)
    numbers: whether the cells show theirs (the exact one is always in `data-v`)
    ask:     'key|index' with r and c for row and column ("blocks.1.attn.k|r,0,c"):
             the page can ask for any cell's story
    row_asks: {row: the same for this row only}; row_axes: the meaning of each row's name, where it is not `row_axis`
    row_sets: the row names become buttons that set this state value to the row's number
    travel: the names of the values that the table as a whole shows; travel_rows: {row: "s"}: its cells show
            s0, s1, ...; travel_names: the value that each row's name shows (build/web/travel.js)
    """
    values = np.asarray(values)
    plain = values.astype(np.float64)
    if scale is None:
        finite = np.abs(plain[np.isfinite(plain)])
        scale = (float(finite.max()) if finite.size else 1.0) or 1.0 if signed else 1.0
    shades = np.clip(np.where(np.isfinite(plain), plain, 0) / scale, -1.0, 1.0)
    shade_texts = np.char.mod("%.2g", shades).tolist()
    texts = values.astype(str).tolist()
    shown = [[f"<span>{compact(x)}</span>" for x in row] for row in plain.tolist()] if numbers else None
    hidden = None if masked is None else np.asarray(masked).tolist()
    body = []
    for r, name in enumerate(rows):
        # no quotes, no end tags, one tab stop: a page has thousands of these
        cells = [f"<td style=--v:{a} data-v={b}>" for a, b in zip(shade_texts[r], texts[r], strict=True)]
        if why:
            for k in range(len(cols)):
                if told := why.get((r, k)):
                    cells[k] = f'{cells[k][:-1]} data-why="{escape(told)}">'
        if travel_rows and r in travel_rows:
            cells = [f"<td data-travel={travel_rows[r]}{k}{cell[3:]}" for k, cell in enumerate(cells)]
        if not r:
            cells[0] = f"<td tabindex=-1{cells[0][3:]}"
        if shown:
            cells = [cell + text for cell, text in zip(cells, shown[r], strict=True)]
        if hidden:
            off = [f"<td class=masked data-v={v}>" if v == "-inf" else "<td class=masked>" for v in texts[r]]
            cells = [gone if away else cell for cell, gone, away in zip(cells, off, hidden[r], strict=True)]
        safe = escape(name)
        shows = f' data-travel="{travel_names[r]}"' if r < len(travel_names) else ""
        title = f"<span{shows}>{safe}</span>"
        if row_sets:
            pressed = str(r == chosen_row).lower()
            title = (
                f'<button type="button" data-set="{row_sets}" value="{r}" aria-pressed="{pressed}"'
                f' aria-label="token {r}: {safe}" class="row-name">{safe}</button>'
            )
        chosen = " class=chosen" if r == chosen_row else ""
        asked = f' data-ask="{row_asks[r]}"' if row_asks and r in row_asks else ""
        axis = row_axes[r] if row_axes else row_axis
        body.append(f'<tr{chosen}{asked}><th scope="row" class="axis-{axis}">{title}</th>{"".join(cells)}</tr>')
    if size in ("tiny", "row"):  # names that only assistive technology and the read-out need
        top = Markup("<tr><td class=corner>" + "".join(f"<th scope=col>{escape(name)}" for name in cols) + "</tr>")
    else:
        corner = f"{row_name} ↓ {col_name} →" if row_name else ""
        heads = "".join(f'<th scope="col" class="axis-{col_axis}"><span>{escape(name)}</span></th>' for name in cols)
        top = Markup(f'<tr><td class="corner"><span class="corner">{escape(corner)}</span></td>{heads}</tr>')
    classes = " ".join(
        w
        for w in ("heat lean", f"colour-{colour}", "signed" if signed else "", "numbered" if numbers else "", size)
        if w
    )
    table = tag(
        "table",
        tag("caption", label, class_="sr"),
        tag("thead", top),
        tag("tbody", Markup("".join(body))),
        class_=classes,
        style=f"--n:{len(cols)}",
        translate="no",
        data_grid=True,
        data_ask=ask,
        data_travel=travel,
    )
    return tag("div", table, class_="scroll")


def sign_key() -> Markup:
    """What the two colours of a signed cell mean."""
    shades = [tag("i", style=f"--v:{v}") for v in (-1, -0.5, 0, 0.5, 1)]
    return tag(
        "p",
        "A cell’s colour is its number: ",
        tag("span", *shades, class_="vector", aria_hidden="true"),
        (
            " below 0 on the left, above 0 on the right; the stronger, "
            "the further from 0 among the numbers of the same figure."
        ),
        class_="note",
    )


def norm_name() -> str:
    """What the last norm of the model in use is called: today's models leave the mean where it is. '': it has none."""
    params = lab.model().params
    return "LayerNorm" if "ln_final.b" in params else "RMSNorm" if "ln_final.w" in params else ""


def later(n: int) -> Any:
    """[n, n] booleans: the keys that come after their query."""
    return ~np.tri(n, dtype=bool)

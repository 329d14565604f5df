"""The cone of a node, and the two things that the grid's paths must not be confused in: how long, and how many."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import unwrap
from math import log10

from markupsafe import Markup

from explainer import influence, lab, paths
from explainer.paths import Graph, Node, letter
from explainer.views import components as c
from explainer.views.html import join, tag
from explainer.views.paths_grid import Drawing, level_name, names_of, node_name, node_text
from explainer.views.widget import Widget


def listed(names: Sequence[str]) -> str:
    """A1, B1 and C1; or A1 to F1 when there are many."""
    if len(names) > 4:
        return f"{names[0]} to {names[-1]}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


class Paths(Widget):
    """Point at a node: what it can have read, and whom it can influence."""

    slug = "paths"
    title = "Who can have heard of whom"
    reads = ("prompt", "node", "sublayers")
    functions = (
        unwrap(paths.attention_grid), paths.attention_edges, paths.Graph.reads, paths.Graph.influences, paths.Graph._closure, influence.cones.__wrapped__,
    )  # fmt: skip

    def draw(self) -> Markup:
        s = self.state
        tokens = s.text()
        names = names_of(tokens)
        n_layers = lab.model().config.n_layers
        shape = (len(tokens), n_layers, s.sublayers, 0)
        graph, cones = influence.grid(*shape), influence.cones(shape)
        position, height = s.chosen()
        chosen = Node(int(height * (2 if s.sublayers else 1)), position)
        drawing = Drawing(
            slug="paths", graph=graph, names=names, cones=cones, chosen=chosen, picks="node",
            label=f"Grid of {graph.n} columns, one per token, and {n_layers} layers. Arrow keys move from node to node; Enter pins a node.",
            pick_value=lambda node: node_text(graph, node), why=lambda node: sentence(graph, node, names),
            row=36 if s.sublayers else 58, marked_columns={position: "axis-query"},
        )  # fmt: skip
        below, above = cones.reads[cones.index(*chosen)], cones.influences[cones.index(*chosen)]
        total = graph.levels * graph.n
        reads, touches = below.bit_count() - 1, above.bit_count() - 1
        return join(
            [
                c.controls(
                    c.text_field("prompt", "Prompt", s.prompt, hint=f"{len(tokens)} tokens, the start token included"),
                    c.check("sublayers", "Attention and MLP apart", s.sublayers),
                ),
                c.figure(
                    "paths", legend(), drawing.draw(), tag("p", class_="message", data_message="node", role="alert"),
                    readout=sentence(graph, chosen, names),
                    note="Point at a node, or press Tab and then the arrow keys. A click (or Enter) pins it.",
                ),
                c.definition_row([
                    ("Pinned", f"{node_name(graph, chosen)}, {names[position]}"), ("Can have read", f"{reads} nodes"),
                    ("Can influence", f"{touches} nodes"), ("No path either way", f"{total - 1 - reads - touches} nodes"),
                ]),
                self.table(graph, cones, names),
            ]
        )  # fmt: skip

    def table(self, graph: Graph, cones: influence.Cones, names: list[str]) -> Markup:
        """The same numbers for every node, as text."""
        count = graph.count_from(None)
        rows = []
        for node in graph.nodes:
            at = cones.index(*node)
            rows.append([
                node_name(graph, node), names[node.position], level_name(graph, node.level), cones.reads[at].bit_count() - 1,
                cones.influences[at].bit_count() - 1, node.level, f"{count[node]:,}",
            ])  # fmt: skip
        heads = [
            "node",
            "token",
            "height",
            "nodes it can have read",
            "nodes it can influence",
            "longest path to it",
            "paths to it",
        ]
        return c.numbers_table(heads, rows, "Every node: how many nodes it can have read and can influence")


def legend() -> Markup:
    """What the three looks of a node mean."""
    looks = (
        ("self", "the node you point at"),
        ("reads", "what it can have read"),
        ("influences", "whom it can influence"),
        ("none", "no path either way"),
    )
    return tag(
        "p",
        *[
            tag("span", tag("svg", tag("g", tag("circle", r=6), class_="node", data_role=role), viewBox="-8 -8 16 16", aria_hidden="true",
                            class_="paths-grid lively swatch"), text)
            for role, text in looks
        ],
        class_="legend-row grid-legend",
    )  # fmt: skip


def sentence(graph: Graph, node: Node, names: Sequence[str]) -> str:
    """What the wiring says about one node, in words."""
    name = f"{node_name(graph, node)} ({names[node.position]}, {level_name(graph, node.level).lstrip('+ ')})"
    if node.level == 0:
        first = f"{name} is the token itself and has read nothing else yet."
    else:
        sources = [node_name(graph, e.source) for e in graph.arriving[node]]
        verb = "is computed from" if not graph.sublayers or node.level % 2 else "(MLP) is computed from"
        first = (
            f"{name} {verb} {listed(sources)}{' alone' if len(sources) == 1 else ''}, and through them from all below."
        )
    beside = [node_name(graph, Node(node.level, t)) for t in range(node.position)]
    unknown = f"It knows nothing of {listed(beside)}: same height." if beside and node.level else ""
    if node.position + 1 < graph.n:
        unknown += f" Nothing of column{'s' if node.position + 2 < graph.n else ''} {listed([letter(t) for t in range(node.position + 1, graph.n)])}: later."
    return f"{first} {unknown}".strip()


class PathCount(Widget):
    """How long the longest path is, and how many paths there are: two numbers that behave differently."""

    slug = "path-count"
    title = "How long, and how many"
    reads = ("tokens", "layers")
    functions = (
        influence.running_counts,
        paths.Graph.longest_path,
        paths.Graph.count_paths,
        paths.closed_form,
        paths.attention_paths,
        paths.shares,
    )

    WIDE, HIGH = 9, 5  # nodes written out in the triangle

    def draw(self) -> Markup:
        s = self.state
        n, layers = s.tokens, s.layers
        rows = influence.running_counts(n, layers)
        counted, formula = rows[-1][-1], paths.paths_to(n, layers)
        wide, high = min(n, self.WIDE), min(layers, self.HIGH)
        small = influence.grid(wide, high)
        longest = influence.staircase(small)
        return join([
            c.controls(
                c.slider("tokens", "Tokens", n, 1, 2048, log=True, shown=f"{n:,}"),
                c.slider("layers", "Layers", layers, 1, 96, step=1, shown=str(layers)),
                tag("div",
                    preset("ours", 128, 4, n, layers), preset("GPT-2 small", 1024, 12, n, layers), preset("GPT-3", 2048, 96, n, layers),
                    class_="presets", role="group", aria_label="Sizes of real models"),
            ),
            tag("div",
                c.figure("path-length", tag("p", tag("strong", f"{layers:,}"), " ", "step" if layers == 1 else "steps", class_="big axis-query"),
                         title="The longest path", caption="does not depend on the number of tokens",
                         readout=f"Every arrow goes up one layer, and there are {layers}. One more token adds no step; one more layer adds one."),
                c.figure("path-number", tag("p", tag("strong", magnitude(counted)), " paths", class_="big axis-key", data_v=str(counted)),
                         title="The number of paths", caption="that end at the last token’s top node",
                         readout=f"Counted by adding up: {grouped(counted)}. By the formula C(n + L − 1, L) = C({n + layers - 1:,}, {layers}): {grouped(formula)}. "
                         + ("They agree." if counted == formula else "They do not agree: this is an error.")),
                class_="columns"),
            tag("div",
                self.growth(n, layers, "longest"), self.growth(n, layers, "number"), class_="columns"),
            self.triangle(rows, wide, high, longest, n, layers),
        ])  # fmt: skip

    def growth(self, n: int, layers: int, what: str) -> Markup:
        """One of the two as the text grows. Separate axes: one is a handful of steps, the other a power of ten."""
        marks = sorted({max(1, round(n * i / 12)) for i in range(1, 13)})
        if what == "longest":
            values = [float(layers)] * len(marks)
            return c.figure("length-growth", column_chart(marks, values, [str(layers)] * len(marks), peak=layers, colour="query",
                            label=f"Longest path over the number of tokens: always {layers}", unit="steps"), title="Longest path, as the text grows")  # fmt: skip
        rows = influence.running_counts(n, layers)
        counts = [rows[-1][t - 1] for t in marks]
        values = [log10(x) for x in counts]
        return c.figure("number-growth", column_chart(marks, values, [magnitude(x) for x in counts], peak=max(1.0, values[-1]), colour="key",
                        label=f"Number of paths over the number of tokens, up to {magnitude(counts[-1])}; each grid line is a further power of ten", unit="paths"),
                        title="Number of paths, as the text grows", caption="(powers of ten)")  # fmt: skip

    def triangle(
        self, rows: list[list[int]], wide: int, high: int, longest: Sequence[paths.Edge], n: int, layers: int
    ) -> Markup:
        """The adding-up itself: every node is the sum of the level below, up to its own column."""
        graph = influence.grid(wide, high)

        def why(node: Node) -> str:
            here = node_name(graph, node)
            if node.level == 0:
                return f"{here}: 1 path, which starts here"
            parts = [f"{rows[node.level - 1][s]:,}" for s in range(node.position + 1)]
            shown = " + ".join(parts if len(parts) <= 9 else [*parts[:3], "…", parts[-1]])
            return f"{here}: {shown} = {rows[node.level][node.position]:,} paths arrive here; the longest has {node.level} step{'s' * (node.level != 1)}"

        cells = [[tag("td", f"{rows[level][t]:,}", tabindex=-1, data_v=str(rows[level][t]), data_why=why(Node(level, t)),
                      class_="strong" if level == high and t == wide - 1 else None, style=f"--v:{0.08 + 0.8 * log10(rows[level][t]) / max(log10(rows[high][wide - 1]), 1):.3g}")
                  for t in range(wide)] for level in range(high, -1, -1)]  # fmt: skip
        body = [
            tag("tr", tag("th", level_name(graph, high - i), scope="row", class_="axis-resid"), *row)
            for i, row in enumerate(cells)
        ]
        head = tag(
            "tr",
            tag("td", class_="corner"),
            *[tag("th", tag("span", letter(t)), scope="col", class_="axis-key") for t in range(wide)],
        )
        table = tag("table", tag("caption", "Number of paths that arrive at each node", class_="sr"), tag("thead", head), tag("tbody", *body),
                    class_="heat colour-key triangle", data_grid=True)  # fmt: skip
        drawing = Drawing(
            slug="path-count", graph=graph, label=f"One of the longest paths: {paths.describe(longest)}", path=longest, row=40, faint=True,
            names=[""] * wide,
        )  # fmt: skip
        cropped = (
            f" (the first {wide} of {n:,} columns and {high} of {layers} layers)" if (wide, high) != (n, layers) else ""
        )
        return tag(
            "div",
            c.figure("longest", drawing.draw(), title="One of the longest paths", caption=cropped, readout=f"{paths.describe(longest)}: {len(longest)} steps. It could move right sooner or later; it cannot be longer."),
            c.figure("triangle", tag("div", table, class_="scroll"), title="How many paths arrive at each node", caption=cropped,
                     readout="Each number is the sum of the row below it, up to its own column. Point at one."),
            class_="columns wide-columns",
        )  # fmt: skip


def preset(name: str, tokens: int, layers: int, n: int, now: int) -> Markup:
    return c.button(
        f"{name}: {tokens:,} × {layers}",
        sets="tokens layers",
        value=f"{tokens}\x1f{layers}",
        pressed=(tokens, layers) == (n, now),
    )


def grouped(number: int) -> str:
    """A whole number with every digit, in groups; a very long one by its ends."""
    text = f"{number:,}"
    return text if len(text) <= 44 else f"{text[:15]}…{text[-7:]} ({len(str(number))} digits)"


def magnitude(number: int) -> str:
    """1,365 as it is; from a million on as a power of ten: 3.1 × 10¹²."""
    if number < 10**6:
        return f"{number:,}"
    exponent = len(str(number)) - 1
    lead = str(number)[:2]
    raised = str(exponent).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{lead[0]}.{lead[1]}\u00a0×\u00a010{raised}"  # on one line


def column_chart(marks: Sequence[int], values: Sequence[float], texts: Sequence[str], *, peak: float, colour: str, label: str, unit: str,
                 x_name: str = "tokens", chosen: int | None = None, every: bool = False, floor: float | None = None) -> Markup:  # fmt: skip
    """Upright bars over a count (of tokens), with the same numbers in a table.

    chosen: the bar that the state stands at; every: write a number over every bar; floor: a level drawn as a dashed line
    """
    width, height, left, bottom, top = 320, 120, 6, 22, 18
    slot = (width - left) / max(len(marks), 1)

    def rise(value: float) -> float:
        return (height - bottom - top) * value / peak

    parts = [tag("line", x1=left, x2=width, y1=height - bottom, y2=height - bottom, class_="rule")]
    last = len(values) - 1
    for i, value in enumerate(values):
        tall, x = rise(value), left + i * slot
        parts.append(tag("rect", x=f"{x + slot * 0.15:.1f}", y=f"{height - bottom - tall:.1f}", width=f"{slot * 0.7:.1f}", height=f"{max(tall, 1):.1f}",
                         rx=2, class_=f"column colour-{colour}{' quiet' if chosen not in (None, i) else ''}", data_why=f"{marks[i]:,} {x_name}: {texts[i]} {unit}"))  # fmt: skip
        if every or i in (0, last):
            parts.append(tag("text", f"{marks[i]:,}", x=f"{x + slot / 2:.1f}", y=height - 7, text_anchor="middle"))
            anchor = "middle" if every or last == 0 else "start" if i == 0 else "end"
            at = {"start": x, "middle": x + slot / 2, "end": x + slot}[anchor]
            parts.append(
                tag(
                    "text",
                    texts[i],
                    x=f"{at:.1f}",
                    y=f"{height - bottom - tall - 5:.1f}",
                    text_anchor=anchor,
                    class_="figure-number",
                )
            )
    if floor is not None:
        y = height - bottom - rise(floor)
        parts.append(tag("line", x1=left, x2=width, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="floor"))
    drawing = c.drawing(parts, width, height, label, "columns-chart")
    return join(
        [drawing, c.numbers_table([x_name, unit], [[f"{m:,}", t] for m, t in zip(marks, texts, strict=True)], label)]
    )

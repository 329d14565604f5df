"""The cone of a node, and the two things that the grid's paths must not be confused in: how long, and how many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import unwrap
from math import log10
from typing import Any

from markupsafe import Markup

from explainer.kernel import paths
from explainer.kernel.paths import Graph, Node, letter
from explainer.models import lab
from explainer.studies import influence
from explainer.studies.climb import columns_of
from explainer.ui.html import how_many, join, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import Drawing, level_name, names_of, node_name, node_text, read_node
from explainer.ui.widget import Widget


def listed(names: Sequence[str]) -> str:
    """A1, B1 and C1; or A1 to F1 when there are many."""
    if len(names) > 4:
        return f"{names[0]} to {names[-1]}"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


WIDE, HIGH = 5, 2  # tokens and layers of the corner that is shown first
EXAMPLE = Node(1, 2)  # the node of the corner that the text speaks of


def corner(state: Any) -> tuple[Graph, influence.Cones, Node | None, list[str]]:
    """The lower left corner of the grid: its graph and cones, the pinned node if there is one, the words under it."""
    tokens = state.text()[:WIDE]
    shape = (len(tokens), HIGH, False, 0)
    words = [column.text for column in columns_of(tokens, len(tokens))]
    pinned = None
    if state.corner:
        position, height = read_node(state.corner)
        pinned = Node(min(int(height), HIGH), min(position, len(tokens) - 1))
    return influence.grid(*shape), influence.cones(shape), pinned, words


def grid_label(graph: Graph, layers: int) -> str:
    """What a grid is, and how it is operated, in words."""
    return (
        f"Grid of {how_many(graph.n, 'column')}, one per token, and {how_many(layers, 'layer')}. Arrow keys move from "
        "node to node; Enter pins a node."
    )


class Paths(Widget):
    """Point at a node: what it can have read, and whom it can influence. At first in the corner of the grid (`corner`),
    which stands alone; the whole of it, with the reader's own text, follows, one press deeper."""

    slug = "paths"
    title = "Who can have heard of whom"
    own_only = ""
    reads = ("prompt", "node", "corner", "sublayers")
    beyond = ("prompt", "node", "sublayers")
    functions = (
        unwrap(paths.attention_grid),
        paths.attention_edges,
        paths.Graph.reads,
        paths.Graph.influences,
        paths.Graph._closure,
        influence.cones.__wrapped__,
    )

    def draw(self) -> Markup:
        return join([self.corner(), c.beyond(self.whole())])

    def corner(self) -> Markup:
        """The first five tokens and the first two layers."""
        graph, cones, chosen, words = corner(self.state)
        total, layers = len(self.state.text()), lab.model().config.n_layers
        drawing = Drawing(
            slug="paths-corner",
            graph=graph,
            names=words,
            cones=cones,
            chosen=chosen,
            picks="corner",
            label=grid_label(graph, HIGH),
            pick_value=lambda node: node_text(graph, node),
            why=lambda node: f"{sentence(graph, node, words)} {reached(graph, cones, node)}",
            row=64,
            marked_columns={chosen.position: "axis-query"} if chosen else {},
            corner=True,
        )
        said = f"{sentence(graph, chosen, words)} {reached(graph, cones, chosen)}" if chosen else "Press a node."
        return c.figure(
            "paths-corner",
            drawing.draw(),
            tag("p", class_="message", data_message="corner", role="alert"),
            c.outcome(outcome(graph, cones, chosen) if chosen else ""),
            caption=legend(),
            readout=said,
            note=(
                f"This is the lower left corner of the grid: {graph.n} of {how_many(total, 'token')}, "
                f"{HIGH} of {how_many(layers, 'layer')}."
            ),
        )

    def whole(self) -> Markup:
        """The reader's text and all layers. An address that says anything about it opens it (`data-opens`)."""
        s = self.state
        tokens = s.text()
        names = names_of(tokens)
        n_layers = lab.model().config.n_layers
        shape = s.shape()
        graph, cones = influence.grid(*shape), influence.cones(shape)
        position, height = s.chosen()
        chosen = Node(graph.level_at(height), position)
        drawing = Drawing(
            slug="paths",
            graph=graph,
            names=names,
            cones=cones,
            chosen=chosen,
            picks="node",
            label=grid_label(graph, n_layers),
            pick_value=lambda node: node_text(graph, node),
            why=lambda node: sentence(graph, node, names),
            row=36 if graph.sublayers else 58,
            marked_columns={position: "axis-query"},
        )
        below, above = cones.reads[cones.index(*chosen)], cones.influences[cones.index(*chosen)]
        total = graph.levels * graph.n
        reads, touches = below.bit_count() - 1, above.bit_count() - 1
        return c.whole(
            f"The whole text, all {how_many(n_layers, 'layer')}",
            tag(
                "div",
                c.controls(
                    c.text_field("prompt", "Prompt", s.prompt, hint=c.tokens_in(len(tokens))),
                    apart(s, graph),
                ),
                c.figure(
                    "paths",
                    legend(),
                    drawing.draw(),
                    bundled(graph),
                    tag("p", class_="message", data_message="node", role="alert"),
                    c.outcome(outcome(graph, cones, chosen)),
                    readout=sentence(graph, chosen, names),
                    note=(
                        "Point at a node or touch it; with the keyboard, press Tab and then the arrow keys. A click, "
                        "a tap or Enter pins it."
                    ),
                ),
                c.definition_row(
                    [
                        ("Pinned", f"{node_name(graph, chosen)}, {names[position]}"),
                        ("Can have read", how_many(reads, "node")),
                        ("Can influence", how_many(touches, "node")),
                        ("No path either way", how_many(total - 1 - reads - touches, "node")),
                    ]
                ),
                self.table(graph, cones, names),
                class_="grown",
            ),
            kind="grows",
            opens="prompt node sublayers",
        )

    def table(self, graph: Graph, cones: influence.Cones, names: list[str]) -> Markup:
        """The same numbers for every node, as text."""
        count = (
            graph.count_from(None)
            if graph.stride == 1
            else {v: paths.paths_to(v.position + 1, graph.layers_behind(v.level)) for v in graph.nodes}
        )
        rows = []
        for node in graph.nodes:
            at = cones.index(*node)
            rows.append(
                [
                    node_name(graph, node),
                    names[node.position],
                    level_name(graph, node.level),
                    cones.reads[at].bit_count() - 1,
                    cones.influences[at].bit_count() - 1,
                    graph.steps(graph.longest_path(node)) if graph.stride > 1 else node.level,
                    count[node],
                ]
            )
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


def apart(state: Any, graph: Graph) -> Markup | None:
    """The choice whether attention and MLP are drawn apart; none where a row stands for several layers."""
    return c.check("sublayers", "Attention and MLP apart", state.sublayers) if graph.stride == 1 else None


def bundled(graph: Graph) -> Markup | None:
    """What a row stands for, where that is more than a layer."""
    if graph.stride == 1:
        return None
    return tag(
        "p",
        f"Each row stands for {graph.stride} layers of {graph.n_layers}. Who can have read whom is the same as with "
        "all of them drawn: what several layers can carry to a node, one can. Only the number of nodes is smaller.",
        class_="note",
    )


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
            tag(
                "span",
                tag(
                    "svg",
                    tag("g", tag("circle", r=6), class_="node", data_role=role),
                    viewBox="-8 -8 16 16",
                    aria_hidden="true",
                    class_="paths-grid lively swatch",
                ),
                text,
            )
            for role, text in looks
        ],
        class_="legend-row grid-legend",
    )


def sentence(graph: Graph, node: Node, names: Sequence[str]) -> str:
    """What the wiring says about one node, in words."""
    name = f"{node_name(graph, node)} ({names[node.position]}, {level_name(graph, node.level).lstrip('+ ')})"
    if node.level == 0:
        first = f"{name} is the token itself and has read nothing else yet."
    else:
        sources = [node_name(graph, e.source) for e in graph.arriving[node]]
        verb = "is computed from" if not graph.sublayers or node.level % 2 else "(MLP) is computed from"
        if graph.stride > 1:
            verb = "is computed, through the layers of its row, from"
        alone = len(sources) == 1
        through = ""
        if node.level > 1:
            through = f", and through {'it' if alone else 'them'} from all below"
        first = f"{name} {verb} {listed(sources)}{' alone' if alone else ''}{through}."
    beside = [node_name(graph, Node(node.level, t)) for t in range(node.position)]
    unknown = f"It knows nothing of {listed(beside)}: same height." if beside and node.level else ""
    if node.position + 1 < graph.n:
        unknown += (
            f" Nothing of column{'s' if node.position + 2 < graph.n else ''} "
            f"{listed([letter(t) for t in range(node.position + 1, graph.n)])}: later."
        )
    return f"{first} {unknown}".strip()


def outcome(graph: Graph, cones: influence.Cones, node: Node) -> str:
    """What pinning a node has found, in a short sentence: 'C2 pinned: it can have read 5 nodes, and influence none.'"""
    at = cones.index(*node)
    reads, touches = (some[at].bit_count() - 1 for some in (cones.reads, cones.influences))
    return f"{node_name(graph, node)} pinned: it can have read {how_many(reads, 'node')}, and influence {touches}."


def reached(graph: Graph, cones: influence.Cones, node: Node) -> str:
    """Whom a node of a corner can influence there, in words."""
    bits, at = cones.influences[cones.index(*node)], cones.index(*node)
    found = [n for n in graph.nodes if bits >> cones.index(*n) & 1 and cones.index(*n) != at]
    if not found:
        return "Whom it can influence lies above this corner."
    rows = {level: [node_name(graph, n) for n in found if n.level == level] for level in {n.level for n in found}}
    return f"It can influence {' and '.join(listed(row) for _, row in sorted(rows.items()))}."


class PathCount(Widget):
    """How long the longest path is, and how many paths there are: two numbers that behave differently."""

    slug = "path-count"
    title = "How long, and how many"
    own_only = ""
    reads = ("tokens", "layers")
    functions = (
        influence.running_counts,
        paths.Graph.longest_path,
        paths.Graph.count_paths,
        paths.closed_form,
        paths.attention_paths,
        paths.shares,
    )

    WIDE, HIGH = 9, 5  # nodes written out in the table of counts

    def draw(self) -> Markup:
        s = self.state
        n, layers = s.tokens, s.layers
        rows = influence.running_counts(n, layers)
        counted, formula = rows[-1][-1], paths.paths_to(n, layers)
        wide, high = min(n, self.WIDE), min(layers, self.HIGH)
        small = influence.grid(wide, high)
        longest = influence.staircase(small)
        return join(
            [
                c.controls(
                    c.slider("tokens", "Tokens", n, 1, 2048, log=True, shown=f"{n:,}"),
                    c.slider("layers", "Layers", layers, 1, 96, step=1, shown=str(layers)),
                    tag(
                        "div",
                        preset("ours", 128, 4, n, layers),
                        preset("GPT-2 small", 1024, 12, n, layers),
                        preset("GPT-3", 2048, 96, n, layers),
                        self.preset_of_model(n, layers),
                        class_="presets",
                        role="group",
                        aria_label="Sizes of real models",
                    ),
                ),
                tag(
                    "div",
                    c.figure(
                        "path-length",
                        tag(
                            "p",
                            tag("strong", f"{layers:,}"),
                            " ",
                            "step" if layers == 1 else "steps",
                            class_="big colour-path",
                        ),
                        title="The longest path",
                        caption="does not depend on the number of tokens",
                        readout=(
                            f"Every arrow goes up one layer, and there {'is' if layers == 1 else 'are'} {layers}. One "
                            "more token adds no step; one more layer adds one."
                        ),
                    ),
                    c.figure(
                        "path-number",
                        tag(
                            "p",
                            tag("strong", magnitude(counted)),
                            " ",
                            "path" if counted == 1 else "paths",
                            class_="big colour-path",
                            data_v=str(counted),
                        ),
                        title="The number of paths",
                        caption="that end at the last token’s top node",
                        readout=(
                            f"Counted by adding up: {grouped(counted)}. By the formula C(n + L − 1, L) = "
                            f"C({n + layers - 1:,}, {layers}): {grouped(formula)}. "
                            + ("They agree." if counted == formula else "They do not agree: this is an error.")
                        ),
                    ),
                    class_="columns",
                ),
                c.beyond(
                    tag("div", self.growth(n, layers, "longest"), self.growth(n, layers, "number"), class_="columns"),
                    self.counts(rows, wide, high, longest, n, layers),
                ),
            ]
        )

    def preset_of_model(self, n: int, layers: int) -> Markup | None:
        """The sizes of the model in use, if it is none of the storytellers."""
        if lab.is_own():
            return None
        config, most = lab.model().config, self.state.param.tokens.bounds[1]
        return preset("this model", min(config.n_ctx, most), config.n_layers, n, layers)

    def growth(self, n: int, layers: int, what: str) -> Markup:
        """One of the two as the text grows. Separate linear axes: one is a handful of steps, the other may be huge."""
        marks = sorted({max(1, round(n * i / 12)) for i in range(1, 13)})
        if what == "longest":
            values = [float(layers)] * len(marks)
            return c.figure(
                "length-growth",
                charts.columns(
                    marks,
                    values,
                    [str(layers)] * len(marks),
                    peak=layers,
                    colour="path",
                    label=f"Longest path over the number of tokens: always {layers}",
                    unit=("step", "steps"),
                ),
                title="Longest path, as the text grows",
            )
        rows = influence.running_counts(n, layers)
        counts = [rows[-1][t - 1] for t in marks]
        values = [float(x) for x in counts]
        return c.figure(
            "number-growth",
            charts.columns(
                marks,
                values,
                [magnitude(x) for x in counts],
                peak=values[-1],
                colour="path",
                label=f"Number of paths over the number of tokens, up to {magnitude(counts[-1])}; the axis is linear",
                unit=("path", "paths"),
            ),
            title="Number of paths, as the text grows",
            caption=(
                f"(linear axis; with {how_many(layers, 'layer')} it grows like "
                f"n{superscript(layers) if layers > 1 else ''}{f' / {layers}!' if layers > 1 else ''})"
            ),
        )

    def counts(
        self, rows: list[list[int]], wide: int, high: int, longest: Sequence[paths.Edge], n: int, layers: int
    ) -> Markup:
        """The adding-up itself: every node is the sum of the level below, up to its own column.
        (Pascal's triangle, tilted.)"""
        graph = influence.grid(wide, high)

        def why(node: Node) -> str:
            ways = rows[node.level][node.position]
            if node.level == 0:
                return "1 path, which starts here"
            parts = [str(rows[node.level - 1][s]) for s in range(node.position + 1)]
            adding = f"{' + '.join(parts)} = " if node.position else ""
            arrive = "1 path arrives" if ways == 1 else f"{ways} paths arrive"
            return f"{adding}{arrive} here; the longest has {how_many(node.level, 'step')}"

        cells = [
            [
                tag(
                    "td",
                    f"{rows[level][t]:,}",
                    tabindex=-1,
                    data_v=str(rows[level][t]),
                    data_why=why(Node(level, t)),
                    class_="last" if level == high and t == wide - 1 else None,
                    style=f"--v:{0.06 + 0.5 * log10(rows[level][t]) / max(log10(rows[high][wide - 1]), 1):.3g}",
                )
                for t in range(wide)
            ]
            for level in range(high, -1, -1)
        ]
        body = [
            tag("tr", tag("th", level_name(graph, high - i), scope="row", class_="axis-resid"), *row)
            for i, row in enumerate(cells)
        ]
        head = tag(
            "tr",
            tag("td", class_="corner"),
            *[tag("th", tag("span", letter(t)), scope="col", class_="axis-key") for t in range(wide)],
        )
        table = tag(
            "table",
            tag("caption", "Number of paths that arrive at each node", class_="sr"),
            tag("thead", head),
            tag("tbody", *body),
            class_="heat colour-path counts",
            data_grid=True,
        )
        drawing = Drawing(
            slug="path-count",
            graph=graph,
            label=f"One of the longest paths: {paths.describe(longest)}",
            path=longest,
            row=40,
            faint=True,
            names=[""] * wide,
        )
        left_out = [f"{wide} of {how_many(n, 'column')}"] * (wide < n) + [f"{high} of {how_many(layers, 'layer')}"] * (
            high < layers
        )
        cropped = f"(the first {' and '.join(left_out)})" if left_out else ""
        said = f"{paths.describe(longest)}: {how_many(len(longest), 'step')}"
        said += f" through the {high} layers drawn; through all {layers} a path has {layers}." if high < layers else "."
        said += " It could move right sooner or later; it cannot be longer." if wide > 1 and high > 1 else ""
        return tag(
            "div",
            c.figure("longest", drawing.draw(), title="One of the longest paths", caption=cropped, readout=said),
            c.figure(
                "counts",
                tag("div", table, class_="scroll"),
                title="How many paths arrive at each node",
                caption=cropped,
                readout=(
                    "Each number is the sum of the row below it, up to its own column. Point at one or touch it: "
                    "what is added lights up."
                ),
            ),
            class_="columns wide-columns",
        )


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
    return text if len(text) <= 44 else f"{text[:14].rpartition(',')[0]},…{text[-8:]} ({len(str(number))} digits)"


def magnitude(number: int, raised: Callable[[int], str] | None = None) -> str:
    """1,365 as it is; from a million on as a power of ten, rounded: 3.1 × 10¹².

    raised: another way to write the exponent than by superscript characters, which some faces lack
    """
    if number < 10**6:
        return f"{number:,}"
    exponent = len(str(number)) - 1
    unit = 10 ** (exponent - 1)  # of the second digit; whole numbers throughout: these are too large for floats
    lead = (number + unit // 2) // unit
    if lead == 100:  # 9.95 and more
        lead, exponent = 10, exponent + 1
    return f"{lead // 10}.{lead % 10}\u00a0×\u00a010{(raised or superscript)(exponent)}"  # on one line


def superscript(number: int) -> str:
    """A whole number as an exponent: ¹²."""
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))

"""The grid that computation paths are drawn on: columns are tokens, heights are layers, arrows are 'is computed from'.

One drawing for the cone, for what was measured, for gradients and for other architectures. It is inline SVG whose nodes
are buttons (reachable by Tab once, then by the arrow keys: build/web/paths.js). A node carries its two cones as
hexadecimal bit sets, bit `level * n + position`, so that pointing at it needs no Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from markupsafe import Markup, escape

from explainer.kernel.paths import Edge, Graph, Node, letter
from explainer.models import lab
from explainer.studies.influence import Cones
from explainer.ui.html import compact, exact, how_many, tag

RIGHT = 14  # pixels of the drawing
RADIUS = 14
ROOM = 2  # characters that fit into a circle, also on a phone, where type keeps its size


def names_of(tokens: Sequence[int]) -> list[str]:
    """The tokens as the drawings write them."""
    return lab.names_of(tuple(tokens))


def node_name(graph: Graph, node: Node) -> str:
    """A node as the page calls it: column letter and how many layers it has behind it: C2, C1½."""
    if not graph.sublayers:
        return f"{letter(node.position)}{graph.layers_behind(node.level)}"
    whole, half = divmod(node.level, 2)
    return f"{letter(node.position)}{whole or '' if half else whole}{'½' if half else ''}"


def within_circle(name: str) -> str:
    """What is written into a node: its name, or, where that is too wide, its height alone: the letter stands below."""
    return name if len(name) <= ROOM else name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def node_text(graph: Graph, node: Node) -> str:
    """A node as a state value: position.height, where a height counts layers and may end in .5: 2.2, 2.1.5."""
    whole, half = divmod(node.level, 2) if graph.sublayers else (graph.layers_behind(node.level), 0)
    return f"{node.position}.{whole}{'.5' if half else ''}"


def read_node(text: str) -> tuple[int, float]:
    """(position, height) of a state value such as '2.2' or '2.1.5'. Raises ValueError in plain words."""
    position, dot, height = text.strip().partition(".")
    whole, _, half = height.partition(".")
    digits = [position, whole]
    if not dot or half not in ("", "0", "5") or not all(d.isascii() and d.isdigit() and len(d) < 4 for d in digits):
        raise ValueError(
            f"“{text[:30]}” is not a node; a node is written position.layers, like 2.2 (column C, 2 layers up)."
        )
    return int(position), int(whole) + (0.5 if half == "5" else 0.0)


def level_name(graph: Graph, level: int) -> str:
    """What stands to the left of a level."""
    if level == 0:
        return "embedding"
    whole, half = divmod(level, 2) if graph.sublayers else (graph.layers_behind(level), 0)
    if half:
        return "+ attention"
    return f"after {how_many(whole, 'layer')}"


@dataclass(frozen=True)
class Place:
    """Where a node stands in the drawing."""

    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """What to draw.

    slug:    unique on the page; ids begin with it
    label:   what the drawing is, in a sentence (its accessible name)
    names:   the tokens under the columns; None for none
    cones:   give them to make nodes light up what they can have read and whom they can influence
    chosen:  the node that is pinned
    picks:   the state value that a click on a node sets, and `pick_value` what it is set to
    values:  [levels, n] numbers written into the nodes; `shade` (0..1) paints them in the colour of `colour`
    why:     the sentence of a node, for the read-out
    weights: arrow -> how much is read along it, 0 to 1: of those arrows the stroke (where cones light up)
    path:    arrows drawn on top, as one path
    dots:    nodes without names, and closer together
    first:   how many columns of the text are left out at the left: letters go on from there,
             so that a token keeps its own
    corner:  the lower left of a larger grid: larger, words upright, and with hints that it goes on upwards
    follow:  where the drawing scrolls, its end is kept in view; it scrolls there again when this changes
    hollow:  nodes drawn as if empty (exactly zero)
    cut:     how many tokens at the end of the text were written by the model:
             the ways back to them are drawn crossed out
             (0: none, but with room for them)
    """

    slug: str
    graph: Graph
    label: str
    names: Sequence[str] | None = None
    cones: Cones | None = None
    chosen: Node | None = None
    picks: str = ""
    pick_value: Callable[[Node], Any] | None = None
    values: Any = None
    shade: Any = None
    colour: str = "query"
    why: Callable[[Node], str] | None = None
    weights: Mapping[Edge, float] = field(default_factory=dict)
    path: Sequence[Edge] = ()
    hollow: Iterable[Node] = ()
    marked_columns: dict[int, str] = field(default_factory=dict)
    cut: int | None = None
    row: int = 56
    labels: bool = True
    faint: bool = False
    dots: bool = False
    first: int = 0
    corner: bool = False
    follow: Any = None

    @property
    def column(self) -> int:
        return 34 if self.dots else 50 if self.corner else 52

    @property
    def left(self) -> int:
        return (90 if self.corner else 96) if self.labels else 40

    def name(self, node: Node) -> str:
        """The node's name, its letter counted from the beginning of the text."""
        return node_name(self.graph, Node(node.level, node.position + self.first))

    def spoken(self, node: Node) -> str:
        """A node's name to assistive technology: with its token and how high it stands: 'C2, robot, after 2 layers'."""
        token = [self.names[node.position].strip()] if self.names else []
        name = self.name(node)
        seen = [] if within_circle(name) == name else [within_circle(name)]  # what is written in it, a word of its own
        return ", ".join([name, *seen, *token, level_name(self.graph, node.level).replace("+ ", "after ")])

    @cached_property
    def arcs(self) -> list[Edge]:
        return [e for e in self.graph.edges if e.kind == "feedback"]

    @property
    def _arcs_wanted(self) -> bool:
        return bool(self.arcs) or self.cut is not None

    @property
    def size(self) -> tuple[float, float]:
        longest = max(map(len, self.names or ()), default=0)
        slanted = 24 + 5 * min(longest, 10)
        below = (30 if self._arcs_wanted else 12) + (20 if self.names is None else 28 if self.corner else slanted)
        return self.left + self.graph.n * self.column + RIGHT, self._top + (
            self.graph.levels - 1
        ) * self.row + RADIUS + below

    @cached_property
    def _top(self) -> float:
        return RADIUS + (40 if self._arcs_wanted else 26 if self.corner else 8)

    def at(self, node: Node) -> Place:
        return Place(
            self.left + (node.position + 0.5) * self.column, self._top + (self.graph.levels - 1 - node.level) * self.row
        )

    # ------------------------------------------------------------ parts

    def role(self, index: int) -> str:
        """Of a node, relative to the pinned one: self, reads, influences or none; '' where nothing is pinned."""
        if self.cones is None or self.chosen is None:
            return ""
        at = self.cones.index(*self.chosen)
        if index == at:
            return "self"
        if self.cones.reads[at] >> index & 1:
            return "reads"
        return "influences" if self.cones.influences[at] >> index & 1 else "none"

    def edge_role(self, source: int, target: int) -> str:
        first, second = self.role(source), self.role(target)
        if not first:
            return ""
        if first == "reads" and second in ("reads", "self"):
            return "reads"
        return "influences" if second == "influences" and first in ("influences", "self") else "none"

    def edges(self) -> Markup:
        """The arrows: each an element of its own where cones light up, else one element for all of a kind."""
        arrows = [e for e in self.graph.edges if e.kind != "feedback"]
        if self.cones is None:
            kinds = dict.fromkeys(e.kind for e in arrows)
            lines = {
                k: "".join(link(self.at(e.source), self.at(e.target)) for e in arrows if e.kind == k) for k in kinds
            }
            return Markup("".join(f'<path class="edge {k}" d="{d}"></path>' for k, d in lines.items()))
        n = self.graph.n
        parts = []
        for edge in arrows:
            source, target = (node.level * n + node.position for node in (edge.source, edge.target))
            role = self.edge_role(source, target)
            mark = f' data-role="{role}"' if role else ""
            if (weight := self.weights.get(edge)) is not None:
                mark += f' data-v="{exact(weight)}" style="--w:{weight:.3g}"'
            d = link(self.at(edge.source), self.at(edge.target))
            parts.append(f'<path class="edge {edge.kind}" data-e="{source} {target}"{mark} d="{d}"></path>')
        return Markup("".join(parts))

    def feedback(self) -> Markup:
        """Arrows from the top of one column to the bottom of the next: a token that was written and is read again."""
        pairs = self.arcs
        if self.cut is not None:
            top, n = self.graph.levels - 1, self.graph.n
            pairs = [Edge(Node(top, t - 1), Node(0, t), "feedback") for t in range(n - self.cut, n)]
        n, parts = self.graph.n, []
        on_path = set(self.path)
        for edge in pairs:
            a, b = self.at(edge.source), self.at(edge.target)
            middle = (a.x + b.x) / 2
            high, low = a.y - RADIUS, b.y + RADIUS
            d = (
                f"M{a.x:.0f} {high:.0f}"
                f"C{a.x:.0f} {high - 26:.0f} {middle:.0f} {high - 26:.0f} {middle:.0f} {high + 4:.0f}"
                f"L{middle:.0f} {low - 4:.0f}"
                f"C{middle:.0f} {low + 26:.0f} {b.x:.0f} {low + 26:.0f} {b.x:.0f} {low + 5:.0f}"
            )
            kind = "cut" if self.cut is not None else "on-path" if edge in on_path else ""
            source, target = edge.source.level * n + edge.source.position, edge.target.position
            role = self.edge_role(source, target)
            parts.append(
                tag(
                    "path",
                    class_=f"edge feedback {kind}".strip(),
                    d=d,
                    data_role=role or None,
                    data_e=f"{source} {target}" if self.cones is not None else None,
                )
            )
            if self.cut is not None:
                x, y = (a.x + middle) / 2, high - 19
                parts.append(tag("path", class_="cross", d=f"M{x - 4:.0f} {y - 4:.0f}l8 8m0 -8l-8 8"))
            else:
                head = f"M{b.x - 4:.0f} {low + 8:.0f}L{b.x:.0f} {low + 1:.0f}L{b.x + 4:.0f} {low + 8:.0f}z"
                parts.append(
                    tag(
                        "path",
                        class_=f"head {kind}".strip(),
                        d=head,
                        data_role=role or None,
                        data_e=f"{source} {target}" if self.cones is not None else None,
                    )
                )
        return Markup("".join(parts))

    def route_text(self) -> str:
        """The path in words: A0 → B1 → C2."""
        nodes = [self.path[0].source, *(e.target for e in self.path)] if self.path else []
        return " → ".join(self.name(node) for node in nodes)

    def route(self) -> Markup:
        """The one path that is drawn on top of all arrows."""
        steps = [e for e in self.path if e.kind != "feedback"]
        return Markup(
            "".join(f'<path class="route" d="{link(self.at(e.source), self.at(e.target))}"></path>' for e in steps)
        )

    def plain_nodes(self) -> Markup:
        """Nodes as dots, those on the path larger: for drawings that only show a route."""
        travelled = {e.source for e in self.path} | {e.target for e in self.path}
        parts = []
        for node in self.graph.nodes:
            at = self.at(node)
            on = node in travelled
            parts.append(
                f'<circle class="dot{" travelled" if on else ""}" cx="{at.x:.0f}" cy="{at.y:.0f}" '
                f'r="{8 if on else 4}"></circle>'
            )
        return Markup("".join(parts))

    def nodes(self) -> Markup:
        n, graph = self.graph.n, self.graph
        hollow = set(self.hollow)
        travelled = {e.source for e in self.path} | {e.target for e in self.path}
        asleep = not self.picks
        seat = self.chosen or Node(graph.levels - 1, n - 1)
        parts = []
        for node in graph.nodes:
            index = node.level * n + node.position
            place = self.at(node)
            name = self.name(node)
            v = None if self.values is None else self.values[node.level][node.position]
            classes = ["node"]
            shade = 0.0
            if v is not None:
                shade = float(self.shade[node.level][node.position])
                classes += ["valued", f"colour-{self.colour}"]
                classes += ["strong"] * (shade > 0.66)
            classes += ["hollow"] * (node in hollow) + ["travelled"] * (node in travelled)
            shown = within_circle(name) if v is None else compact(v)
            small = " small" if len(shown) > 3 else ""
            attrs = {
                "class_": " ".join(classes),
                "id": f"{self.slug}-n{index}",
                "data_i": index,
                "transform": f"translate({place.x:.0f} {place.y:.0f})",
                "data_role": self.role(index) or None,
                "data_why": self.why(node) if self.why else None,
                "data_v": None if v is None else exact(v),
                "style": None if v is None else f"--v:{shade:.3g}",
            }
            if self.cones is not None:
                attrs |= {
                    "data_reads": f"{self.cones.reads[index]:x}",
                    "data_influences": f"{self.cones.influences[index]:x}",
                }
            if not asleep:
                attrs |= {
                    "role": "button",
                    "tabindex": 0 if node == seat else -1,
                    "data_pick": self.pick_value(node) if self.pick_value else None,
                    "aria_label": self.spoken(node) + ("" if v is None else f": {shown}"),
                    "aria_pressed": str(node == self.chosen).lower(),
                }
            half = self.column / 2
            parts.append(
                tag(
                    "g",
                    Markup(
                        f'<rect class="hit" x="{-half:.0f}" y="{-self.row / 2:.0f}" width="{self.column}" '
                        f'height="{self.row}"></rect><circle r="{RADIUS}"></circle>'
                        f'<text class="name{small}" y="3.5">{escape(shown)}</text>'
                    ),
                    **attrs,
                )
            )
        return Markup("".join(parts))

    def margins(self) -> Markup:
        """Tokens under the columns."""
        parts = []
        if self.names is not None:
            y = self.at(Node(0, 0)).y + RADIUS + (30 if self._arcs_wanted else 12)
            for t, name in enumerate(self.names):
                x = self.left + (t + 0.5) * self.column
                mark = self.marked_columns.get(t, "")
                parts.append(
                    tag("text", letter(t + self.first), x=f"{x:.0f}", y=f"{y + 4:.0f}", class_=f"letter {mark}".strip())
                )
                place = f"translate({x + 4:.0f} {y + (24 if self.dots else 18):.0f}) rotate(-38)"
                if self.corner:
                    place = f"translate({x:.0f} {y + 21:.0f})"
                parts.append(tag("text", name, transform=place, class_=f"word {mark}".strip()))
        return Markup("".join(parts))

    def goes_on(self) -> Markup:
        """That columns go on upwards, above a corner."""
        tops = [self.at(Node(self.graph.levels - 1, t)) for t in range(self.graph.n)]
        d = "".join(f"M{top.x:.0f} {top.y - RADIUS - 3:.0f}v-16" for top in tops)
        return tag("path", d=d, class_="goes-on", aria_hidden="true")

    def level_names(self) -> Markup:
        """Names of the levels at the left, on a ground of their own: where the drawing scrolls,
        they stay (build/web/paths.js)."""
        if not self.labels:
            return Markup()
        ys = [self.at(Node(level, 0)).y for level in range(self.graph.levels)]
        ground = tag("rect", x=-9, y=0, width=self.left + 6, height=f"{self.size[1]:.0f}")
        words = [
            tag("text", level_name(self.graph, level), x=self.left - 6, y=f"{y + 4:.0f}", class_="level")
            for level, y in enumerate(ys)
        ]
        return tag("g", ground, *words, class_="levels", aria_hidden="true")

    def draw(self) -> Markup:
        """The whole drawing, scrolling sideways where the page is too narrow for it."""
        width, height = self.size
        drawing = tag(
            "svg",
            tag("g", self.edges(), class_="edges", aria_hidden="true"),
            tag("g", self.feedback(), class_="arcs", aria_hidden="true"),
            tag("g", self.route(), class_="routes", aria_hidden="true") if self.path else None,
            tag("g", self.margins(), class_="margins", aria_hidden="true"),
            tag(
                "g",
                self.plain_nodes() if self.dots else self.nodes(),
                class_="nodes",
                aria_hidden="true" if not self.picks else None,
            ),
            self.level_names(),
            self.goes_on() if self.corner else None,
            viewBox=f"0 0 {width:.0f} {height:.0f}",
            role="group" if self.picks else "img",
            aria_label=self.label,
            class_=(
                f"paths-grid{' lively' if self.cones is not None else ''}{' faint' if self.faint else ''}"
                f"{' dots' if self.dots else ''}{' corner' if self.corner else ''}"
            ),
            style=f"--drawn:{width:.0f};max-width:{width * (1.6 if self.corner else 1.25):.0f}px",
            data_paths=self.slug,
            data_sets=self.picks or None,
            data_columns=graph_columns(self.graph),
        )
        return tag("div", drawing, class_="scroll grid-scroll", translate="no", data_follow=self.follow)


def graph_columns(graph: Graph) -> int:
    """The n of the bit numbering, for the page's script."""
    return graph.n


def link(a: Place, b: Place) -> str:
    """From one node to another: straight up in a column, straight along a level,
    else a curve that leaves and arrives vertically."""
    if a.x == b.x or a.y == b.y:
        return f"M{a.x:.0f} {a.y:.0f}L{b.x:.0f} {b.y:.0f}"
    bend = (a.y + b.y) / 2
    return f"M{a.x:.0f} {a.y:.0f}C{a.x:.0f} {bend:.0f} {b.x:.0f} {bend:.0f} {b.x:.0f} {b.y:.0f}"

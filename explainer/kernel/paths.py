"""Who can have heard of whom: the graph of one forward pass, and of its rivals, as nodes and arrows.

A node is one token's column at one height; an arrow says 'is computed from'. In a transformer nothing moves sideways
without moving up: an arrow always goes from one level to the next (in a recurrent network also along a level). From the
graph alone follow three things that are easily confused:

    cone     what a node can possibly have read, or whom it can possibly influence
    length   how many steps a path takes, one after the other: bounded by the number of layers, however long the text
    number   how many different paths there are: with the length n of the text it grows like n^L / L! (a polynomial for
             a fixed number L of layers; it explodes when both grow), and makes none of them longer

When a written token is fed back, an arrow goes from the top of the column before it to the bottom of its own, and the
length grows with every token written.

Pure arithmetic on the graph: no model here. `trace_key` says which record of a trace a node is, so that the
drawing can be held against the real thing (`measured_change`, `measured_gradient`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil, comb, log
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray


class Node(NamedTuple):
    """One token's column at one height: level 0 is the embedding, the top level is what is unembedded."""

    level: int
    position: int


class Edge(NamedTuple):
    """An arrow: `target` is computed from `source`.

    kind: "stay" (residual stream), "attention", "mlp", "convolution", "recurrence", "feedback" (a written token)
    ways: how many parallel arrows this one stands for (as many heads, say)
    """

    source: Node
    target: Node
    kind: str
    ways: int = 1


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which each comes after everything that it is computed from, and the arrows between them.

    architecture: "attention", "rnn" or "cnn"
    n:            number of tokens
    n_layers:     number of layers
    sublayers:    whether attention and MLP are levels of their own (then there are 2 n_layers + 1 levels)
    edges:        all arrows; at most one for each pair of nodes and kind
    details:      what else defines it (kernel, dilated, heads, written)
    stride:       how many layers one level stands for: of a model of many layers there is no room for each. An arrow
                  is then as many steps. Cones are what they are: whatever a bundle of layers can read, one of them can
    """

    architecture: str
    n: int
    n_layers: int
    sublayers: bool
    edges: tuple[Edge, ...]
    details: Mapping[str, Any]
    stride: int = 1

    @property
    def levels(self) -> int:
        """How many heights there are, the embedding included."""
        return (2 if self.sublayers else 1) * ceil(self.n_layers / self.stride) + 1

    def layers_behind(self, level: int) -> int:
        """How many whole layers a level has behind it."""
        return level // 2 if self.sublayers else min(level * self.stride, self.n_layers)

    def level_at(self, height: float) -> int:
        """The lowest level that has at least so many layers behind it, which may end in .5 where sublayers are told
        apart; the top one if there is none."""
        level = int(height * 2) if self.sublayers else ceil(int(height) / self.stride)
        return min(level, self.levels - 1)

    def steps(self, path: Sequence[Edge]) -> int:
        """How many steps a path has: one for each arrow, and for each layer of those that one stands for."""
        if self.sublayers or self.stride == 1:
            return len(path)
        rise = lambda e: self.layers_behind(e.target.level) - self.layers_behind(e.source.level)  # noqa: E731
        return sum(1 if edge.kind == "feedback" else rise(edge) for edge in path)

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, each after everything that it is computed from (column by column, upwards)."""
        return tuple(Node(level, position) for position in range(self.n) for level in range(self.levels))

    @cached_property
    def arriving(self) -> dict[Node, tuple[Edge, ...]]:
        """Node -> the arrows that end at it."""
        table: dict[Node, list[Edge]] = {node: [] for node in self.nodes}
        for edge in self.edges:
            table[edge.target].append(edge)
        return {node: tuple(edges) for node, edges in table.items()}

    @cached_property
    def leaving(self) -> dict[Node, tuple[Edge, ...]]:
        """Node -> the arrows that start at it."""
        table: dict[Node, list[Edge]] = {node: [] for node in self.nodes}
        for edge in self.edges:
            table[edge.source].append(edge)
        return {node: tuple(edges) for node, edges in table.items()}

    def check(self, node: Node) -> Node:
        """The node itself; raises ValueError if it is not in the graph."""
        if not (0 <= node.level < self.levels and 0 <= node.position < self.n):
            raise ValueError(f"levels are 0 to {self.levels - 1} and positions 0 to {self.n - 1}, not {tuple(node)}")
        return Node(*node)

    # ------------------------------------------------------------ cones

    def reads(self, node: Node) -> frozenset[Node]:
        """The cone below: everything that this node can have heard of, itself included."""
        return self._closure(node, lambda at: [edge.source for edge in self.arriving[at]])

    def influences(self, node: Node) -> frozenset[Node]:
        """The cone above: everything that can have heard of this node, itself included."""
        return self._closure(node, lambda at: [edge.target for edge in self.leaving[at]])

    def _closure(self, node: Node, neighbours: Callable[[Node], list[Node]]) -> frozenset[Node]:
        """Everything that can be reached from a node by going to neighbours again and again."""
        seen = {self.check(node)}
        waiting = [node]
        while waiting:
            for other in neighbours(waiting.pop()):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return frozenset(seen)

    # ------------------------------------------------------------ length

    def longest_path(self, target: Node | None = None) -> tuple[Edge, ...]:
        """A path with the most arrows that ends at `target` (default: anywhere). Its length is the serial depth."""
        best = self._extreme(None, longest=True)
        end = self.check(target) if target is not None else max(best, key=lambda node: len_of(best[node]))
        return self._walk_back(best, end)

    def shortest_path(self, source: Node, target: Node) -> tuple[Edge, ...] | None:
        """A path with the fewest arrows from source to target, or None if there is none."""
        best = self._extreme(self.check(source), longest=False)
        return self._walk_back(best, target) if self.check(target) in best else None

    def _extreme(self, source: Node | None, longest: bool) -> dict[Node, tuple[int, Edge | None]]:
        """Node -> (length of its longest or shortest path from the source, the last arrow of that path).

        source: where paths start; None: anywhere
        """
        best: dict[Node, tuple[int, Edge | None]] = {}
        for node in self.nodes:
            if source is None or node == source:
                best[node] = (0, None)
            for edge in self.arriving[node]:
                if edge.source in best:
                    length = best[edge.source][0] + 1
                    if node not in best or (length > best[node][0] if longest else length < best[node][0]):
                        best[node] = (length, edge)
        return best

    def _walk_back(self, best: Mapping[Node, tuple[int, Edge | None]], node: Node) -> tuple[Edge, ...]:
        """The path to a node, from the last arrows."""
        path = []
        edge = best[node][1]
        while edge is not None:
            path.append(edge)
            edge = best[edge.source][1]
        return tuple(reversed(path))

    # ------------------------------------------------------------ number

    def count_paths(self, source: Node | None, target: Node) -> int:
        """How many different paths lead from source to target: by dynamic programming, exactly (Python integers).

        source: None means from any token's embedding (all nodes of level 0)
        """
        return self.count_from(source)[self.check(target)]

    def count_from(self, source: Node | None) -> dict[Node, int]:
        """Node -> how many paths lead to it from the source (None: from all nodes of level 0 together)."""
        start = None if source is None else self.check(source)
        count: dict[Node, int] = {}
        for node in self.nodes:
            begins = node.level == 0 if start is None else node == start
            count[node] = int(begins) + sum(edge.ways * count[edge.source] for edge in self.arriving[node])
        return count


def len_of(entry: tuple[int, Edge | None]) -> int:
    """The length in an entry of `Graph._extreme`."""
    return entry[0]


# ---------------------------------------------------------------- the graphs


@lru_cache(maxsize=32)
def attention_grid(
    n: int, n_layers: int, sublayers: bool = False, written: int = 0, heads: int | None = None, stride: int = 1
) -> Graph:
    """One forward pass of a decoder-only transformer over n tokens.

    Without sublayers, level l + 1 of a token is computed from level l of that token and of all earlier ones.
    With sublayers, an attention level (arrows from all tokens up to this one) and an MLP level (one arrow,
    from below) alternate.

    written: how many of the n tokens, at the end, were written by the model itself: each came from the top of
             the column before it, and a "feedback" arrow says so
    heads:   None: one arrow for each pair of nodes ('can have read'). A number: parallel paths are told
             apart: each head is an arrow of its own, the MLP too, and the residual stream beside them
    stride:  how many layers a level stands for (`Graph`)
    """
    check_sizes(n, n_layers)
    if stride < 1 or (stride > 1 and (sublayers or heads is not None)):
        raise ValueError(f"whole layers are bundled, each a level, and at least one: not {stride}")
    if not 0 <= written < n:
        raise ValueError(f"at least one of the {n} tokens is the prompt: {written} cannot be written")
    edges: list[Edge] = []
    step = 2 if sublayers else 1
    rows = ceil(n_layers / stride)
    for row in range(rows):
        low = row * step
        for t in range(n):
            edges += attention_edges(low, t, heads)
            if sublayers:
                edges += mlp_edges(low + 1, t, heads)
    if heads is not None and not sublayers:
        raise ValueError("parallel paths are told apart only with sublayers")
    top = step * rows
    edges += [Edge(Node(top, t - 1), Node(0, t), "feedback") for t in range(n - written, n)]
    return Graph("attention", n, n_layers, sublayers, tuple(edges), {"written": written, "heads": heads}, stride)


def attention_edges(low: int, t: int, heads: int | None) -> list[Edge]:
    """The arrows into one token's attention level: from itself and all earlier tokens, one level below."""
    target = Node(low + 1, t)
    if heads is None:
        return [Edge(Node(low, s), target, "stay" if s == t else "attention") for s in range(t + 1)]
    stay = [Edge(Node(low, t), target, "stay")]
    return stay + [Edge(Node(low, s), target, "attention", heads) for s in range(t + 1)]


def mlp_edges(low: int, t: int, heads: int | None) -> list[Edge]:
    """The arrows into one token's MLP level: from itself only."""
    through = Edge(Node(low, t), Node(low + 1, t), "mlp")
    return [through] if heads is None else [Edge(Node(low, t), Node(low + 1, t), "stay"), through]


@lru_cache(maxsize=8)
def rnn_grid(n: int, n_layers: int) -> Graph:
    """A recurrent network: each state is computed from the state below it and from the one before it."""
    check_sizes(n, n_layers)
    edges = []
    for layer in range(1, n_layers + 1):
        for t in range(n):
            edges.append(Edge(Node(layer - 1, t), Node(layer, t), "stay"))
            if t > 0:
                edges.append(Edge(Node(layer, t - 1), Node(layer, t), "recurrence"))
    return Graph("rnn", n, n_layers, False, tuple(edges), {})


@lru_cache(maxsize=8)
def cnn_grid(n: int, n_layers: int, kernel: int = 3, dilated: bool = False) -> Graph:
    """A causal convolutional network: each node is computed from `kernel` nodes below, its own and earlier ones.

    dilated: layer l (from 0) skips: its nodes are kernel^l apart, so that l layers see kernel^l tokens
    """
    check_sizes(n, n_layers)
    if kernel < 2:
        raise ValueError(f"a kernel that sees other tokens is at least 2 wide, not {kernel}")
    edges = []
    for layer in range(1, n_layers + 1):
        gap = kernel ** (layer - 1) if dilated else 1
        for t in range(n):
            for tap in range(kernel):
                s = t - tap * gap
                if s >= 0:
                    edges.append(Edge(Node(layer - 1, s), Node(layer, t), "convolution" if tap else "stay"))
    return Graph("cnn", n, n_layers, False, tuple(edges), {"kernel": kernel, "dilated": dilated})


def check_sizes(n: int, n_layers: int) -> None:
    """Raise ValueError unless there is at least one token and no negative number of layers."""
    if n < 1 or n_layers < 0:
        raise ValueError(f"a grid has at least one token and no fewer than 0 layers, not {n} and {n_layers}")


# ---------------------------------------------------------------- closed forms


def closed_form(graph: Graph, source: Node | None, target: Node) -> int | None:
    """How many paths lead from source (None: all of level 0) to target, by formula; None where there is none.

    Source and target are nodes at residual-stream heights. With feedback, or bundled, there is no closed form here.
    """
    if graph.details.get("written") or graph.stride > 1:
        return None
    if source is None:
        counts = [closed_form(graph, Node(0, s), target) for s in range(target.position + 1)]
        return None if None in counts else sum(count for count in counts if count is not None)
    distance, rise = target.position - source.position, target.level - source.level
    if distance < 0 or rise < 0:
        return 0
    if graph.architecture == "attention":
        return attention_paths(graph, source.level, rise, distance)
    if graph.architecture == "rnn":
        if source.level == 0 and rise == 0:
            return int(distance == 0)
        sideways_levels = rise + (source.level > 0)  # level 0 has no recurrence
        return comb(distance + sideways_levels - 1, distance)
    if graph.details["dilated"]:
        return dilated_paths(graph.details["kernel"], source.level, rise, distance)
    return convolution_paths(graph.details["kernel"], rise, distance)


def attention_paths(graph: Graph, level: int, rise: int, distance: int) -> int | None:
    """Ways to climb while moving `distance` to the right, any part of it at any attention level.

    With `a` attention levels: as many as ways to share out the distance among them, C(distance + a - 1, a - 1).
    With parallel paths (h heads beside a residual stream): choose the j levels at which a head is taken, share out the
    distance among those, and every choice of heads: sum over j of C(a, j) h^j C(distance + j - 1, j - 1); and each MLP
    level doubles it.
    """
    levels = range(level, level + rise)
    mlps = sum(1 for low in levels if graph.sublayers and low % 2 == 1)
    a = rise - mlps
    heads = graph.details.get("heads")
    if heads is None:
        return shares(distance, a)
    return 2**mlps * sum(comb(a, j) * heads**j * shares(distance, j) for j in range(a + 1))


def shares(total: int, parts: int) -> int:
    """In how many ways `total` equal things can be shared out among `parts` numbered places (stars and bars)."""
    if parts == 0:
        return int(total == 0)
    return comb(total + parts - 1, parts - 1)


def convolution_paths(kernel: int, layers: int, distance: int) -> int:
    """In how many ways a distance is a sum of `layers` steps of 0 to kernel - 1 (inclusion and exclusion)."""
    return sum(
        (-1) ** j * comb(layers, j) * shares(distance - j * kernel, layers)
        for j in range(layers + 1)
        if distance - j * kernel >= 0
    )


def dilated_paths(kernel: int, level: int, layers: int, distance: int) -> int:
    """One path or none: the steps are the digits of the distance written in base `kernel`, and those are unique."""
    unit = kernel**level
    return int(distance % unit == 0 and distance // unit < kernel**layers)


def paths_to(n: int, n_layers: int) -> int:
    """How many paths there are from any embedding to the top node of the last of `n` tokens: C(n + L - 1, L)."""
    return comb(n + n_layers - 1, n_layers)


def longest_with_feedback(n_layers: int, written: int, sublayers: bool = False) -> int:
    """The length of the longest path after `written` tokens have been fed back: each adds a whole column.

    L + w (L + 1) arrows, the feedback ones included; 2 L in place of L when attention and MLP count separately.
    """
    height = (2 if sublayers else 1) * n_layers
    return height + written * (height + 1)


def path_length(architecture: str, distance: int, kernel: int = 3) -> int:
    """How many steps one after the other it takes at least to carry something over this distance.

    Counted alike for all: from the embedding of the one token into the column of the other, so that a recurrent network
    has one step up before it goes sideways.

    architecture: "attention", "rnn", "cnn" or "dilated cnn"; distance: in tokens; kernel: of a convolution
    returns: 1, 1 + distance, ceil(distance / (k - 1)) or ceil(log_k(distance + 1)); 0 for distance 0
    Source: Vaswani et al. 2017, table 1 and section 4 (there as O(1), O(n), O(log_k n), and O(n/k) in section 4)
    """
    if distance < 0:
        raise ValueError("nothing moves backwards in a causal network")
    if distance == 0:
        return 0
    if architecture == "attention":
        return 1
    if architecture == "rnn":
        return 1 + distance
    if kernel < 2:
        raise ValueError(f"a kernel that sees other tokens is at least 2 wide, not {kernel}")
    if architecture == "cnn":
        return -(-distance // (kernel - 1))
    if architecture == "dilated cnn":
        layers = max(1, ceil(log(distance + 1, kernel)) - 1)  # one less: logarithms round
        while kernel**layers < distance + 1:
            layers += 1
        return layers
    raise ValueError(f"architectures are attention, rnn, cnn and dilated cnn, not {architecture!r}")


# ---------------------------------------------------------------- held against the real model


def trace_key(graph: Graph, node: Node) -> tuple[str, int]:
    """Which record, and which of its rows, a node of an attention grid is: ("blocks.1.resid_post", 3)."""
    if graph.architecture != "attention":
        raise ValueError("only the attention grid is a picture of our model")
    graph.check(node)
    if node.level == 0:
        return "blocks.0.resid_pre", node.position
    if not graph.sublayers:
        return f"blocks.{graph.layers_behind(node.level) - 1}.resid_post", node.position
    layer, half = divmod(node.level - 1, 2)
    return f"blocks.{layer}.{'resid_post' if half else 'resid_mid'}", node.position


def measured_change(graph: Graph, before: Mapping[str, Array], after: Mapping[str, Array]) -> Array:
    """By how much each node differs between two forward passes over texts of the same length.

    before, after: traces (any mapping from record to array)
    returns: [levels, n], the largest difference of any coordinate; exactly 0 where nothing arrived
    """
    return per_node(graph, lambda key: np.abs(after[key] - before[key]).max(axis=-1))


def measured_gradient(graph: Graph, gradients: Mapping[str, Array] | Any) -> Array:
    """How strongly the loss pulls at each node: the length of its gradient. [levels, n]

    gradients: record -> gradient (gradients.backward(...).activations)
    """
    return per_node(graph, lambda key: np.sqrt((gradients[key] * gradients[key]).sum(axis=-1)))


def per_node(graph: Graph, measure: Any) -> Array:
    """measure(record) -> [n], for the record of each level, as one table [levels, n]."""
    rows = [measure(trace_key(graph, Node(level, 0))[0]) for level in range(graph.levels)]
    table = np.stack(rows)
    if table.shape != (graph.levels, graph.n):
        raise ValueError(f"the grid has {graph.n} tokens, the trace {table.shape[1]}")
    return table


def mask(graph: Graph, nodes: Iterable[Node]) -> Array:
    """A set of nodes as a table [levels, n] of bool."""
    table = np.zeros((graph.levels, graph.n), dtype=bool)
    for node in nodes:
        table[node.level, node.position] = True
    return table


def describe(path: Sequence[Edge], names: Sequence[str] | None = None) -> str:
    """A path in letters and levels, as on the page: 'A0 → A1 → C2'."""
    if not path:
        return ""
    nodes = [path[0].source, *(edge.target for edge in path)]

    def column(position: int) -> str:
        return names[position] if names is not None else letter(position)

    return " → ".join(f"{column(node.position)}{node.level}" for node in nodes)


def letter(position: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA"""
    text = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        text = chr(ord("A") + rest) + text
    return text

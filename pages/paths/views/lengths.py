"""The same two tokens in a recurrent network, two convolutional ones and attention: how many steps lie between them."""

from __future__ import annotations

from inspect import unwrap

from markupsafe import Markup

from explainer.kernel import paths
from explainer.kernel.paths import Graph, Node, letter, path_length
from explainer.ui.html import how_many, join, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.parts.grid import Drawing, names_of
from explainer.ui.widget import Widget

from .cones import superscript

KINDS = ("rnn", "cnn", "dilated cnn", "attention")
TITLES = {
    "rnn": "Recurrent network",
    "cnn": "Convolution",
    "dilated cnn": "Dilated convolution",
    "attention": "Attention",
}
GROWTH = {"rnn": "O(n)", "cnn": "O(n / k)", "dilated cnn": "O(logₖ n)", "attention": "O(1)"}
SHORT = {"rnn": "Recurrent", "cnn": "Convolution", "dilated cnn": "Dilated", "attention": "Attention"}
DASHES = {"rnn": 1, "cnn": 2, "dilated cnn": 3, "attention": 0}  # a network has no colour: colours mean other things
FAR = 64


def grid_of(kind: str, n: int, distance: int, kernel: int) -> Graph:
    """The smallest grid of that kind in which the path exists. It starts at an embedding, in all of them."""
    if kind == "rnn":
        return paths.rnn_grid(n, 1)
    if kind == "attention":
        return paths.attention_grid(n, 1)
    layers = max(1, path_length(kind, distance, kernel))
    return paths.cnn_grid(n, layers, kernel, dilated=kind == "dilated cnn")


class PathLengths(Widget):
    """Shortest paths between two tokens, on one grid drawing each."""

    slug = "path-lengths"
    title = "The same two tokens in other networks"
    own_only = ""
    reads = ("prompt", "early", "late", "kernel")
    functions = (
        paths.path_length,
        unwrap(paths.rnn_grid),
        unwrap(paths.cnn_grid),
        unwrap(paths.attention_grid),
        paths.Graph.shortest_path,
    )

    def draw(self) -> Markup:
        s = self.state
        tokens = s.text()
        names = names_of(tokens)
        first, last = sorted((s.early, s.late))
        distance = last - first
        options = [(i, f"{letter(i)}: {name}") for i, name in enumerate(names)]
        cards = [self.card(kind, names, first, last, s.kernel) for kind in KINDS]
        what = (
            f"“{names[first]}” ({letter(first)}) and “{names[last]}” ({letter(last)}) are "
            f"{how_many(distance, 'token')} apart. A path leads from the earlier to the later one: from its embedding "
            "into the other’s column, in all four networks."
        )
        if not distance:
            what = f"“{names[first]}” ({letter(first)}) is both of them: there is no way to go."
        return join(
            [
                c.controls(
                    c.beyond(
                        c.text_field("prompt", "Prompt", s.prompt),
                        c.choice("early", "From", options, s.early, tokens=True),
                        c.choice("late", "To", options, s.late, tokens=True),
                    ),
                    c.slider("kernel", "Kernel width k", s.kernel, 2, 6, step=1, shown=str(s.kernel)),
                ),
                c.beyond(tag("p", what, class_="aside", data_testid="lengths-distance")),
                tag("div", *cards, class_="columns wide-columns path-cards"),
                c.beyond(self.growth(distance, s.kernel)),
            ]
        )

    def card(self, kind: str, names: list[str], first: int, last: int, kernel: int) -> Markup:
        """One network: its grid, the shortest path on it, its length by search and by formula."""
        distance = last - first
        graph = grid_of(kind, len(names), distance, kernel)
        route = graph.shortest_path(Node(0, first), Node(graph.levels - 1, last)) or () if distance else ()
        formula = path_length(kind, distance, kernel)
        says = {
            "rnn": f"one step up, then one per token: 1 + {distance} = {formula}"
            if distance
            else "nothing to carry: 0",
            "cnn": f"each layer reaches k − 1 = {kernel - 1} further: ⌈{distance} / {kernel - 1}⌉ = {formula}",
            "dilated cnn": (
                f"each layer reaches k = {kernel} times as far: the smallest power of {kernel} above {distance} is "
                f"{kernel}{superscript(formula)}, so {how_many(formula, 'layer')}; ⌈log({distance + 1}) / "
                f"log({kernel})⌉ = {formula}"
            ),
            "attention": "any earlier token, in one step: 1" if distance else "nothing to carry: 0",
        }[kind]
        drawing = Drawing(
            slug=f"lengths-{kind.replace(' ', '-')}",
            graph=graph,
            path=route,
            dots=True,
            faint=True,
            labels=False,
            row=46 if graph.levels <= 4 else 26,
            names=names,
            marked_columns={first: "axis-key", last: "axis-query"},
            label=(
                f"{TITLES[kind]}: the shortest path from {names[first]} to {names[last]} has "
                f"{how_many(len(route), 'step')}"
            ),
        )
        agree = "" if len(route) == formula else " The search found another length: this is an error."
        steps = how_many(formula, "step")
        return c.figure(
            f"lengths-{kind.replace(' ', '-')}",
            tag(
                "p",
                tag("strong", steps),
                " ",
                tag("span", GROWTH[kind], class_="growth"),
                class_="big colour-path",
            ),
            drawing.draw(),
            title=TITLES[kind],
            readout=f"{says}.{agree} {drawing.route_text()}",
        )

    def growth(self, distance: int, kernel: int) -> Markup:
        """All four lengths over the distance: the same unit, so one chart."""
        series = {TITLES[kind]: [path_length(kind, d, kernel) for d in range(FAR + 1)] for kind in KINDS}
        most = max(values[-1] for values in series.values())
        width, height, left, right, bottom, top = 480, 230, 34, 190, 40, 14  # right: names, also in a wider font

        def place(d: float, steps: float) -> tuple[float, float]:
            return left + (width - left - right) * d / FAR, top + (height - top - bottom) * (1 - steps / most)

        parts = []
        for tick in (0, 16, 32, 48, 64):
            x, y = place(0, tick)
            parts.append(tag("line", x1=left, x2=width - right, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"))
            parts.append(tag("text", str(tick), x=left - 6, y=f"{y + 4:.1f}", text_anchor="end"))
            parts.append(
                tag("text", str(tick), x=f"{place(tick, 0)[0]:.1f}", y=height - bottom + 15, text_anchor="middle")
            )
        parts.append(tag("text", "tokens apart", x=f"{place(FAR / 2, 0)[0]:.0f}", y=height - 4, text_anchor="middle"))
        here = place(distance, 0)[0]
        parts.append(tag("line", x1=f"{here:.1f}", x2=f"{here:.1f}", y1=top, y2=height - bottom, class_="marker"))
        taken: list[float] = []
        for kind in reversed(KINDS):
            values = series[TITLES[kind]]
            points = " ".join("{:.1f},{:.1f}".format(*place(d, v)) for d, v in enumerate(values))
            parts.append(tag("polyline", points=points, class_=f"line colour-path dash-{DASHES[kind]}"))
            x, y = place(FAR, values[-1])
            while any(abs(y - other) < 19 for other in taken):
                y -= 19
            taken.append(y)
            parts.append(
                tag(
                    "text",
                    f"{SHORT[kind]}: {values[-1]}",
                    x=f"{x + 8:.0f}",
                    y=f"{y + 4:.1f}",
                    class_="line-name colour-path",
                )
            )
        label = f"Steps between two tokens over their distance, kernel {kernel}"
        drawing = charts.drawing(parts, width, height, label, "lengths-chart")
        marks = [d for d in range(FAR + 1) if d in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64) or d == distance]
        table = c.numbers_table(
            ["tokens apart", *series], [[d, *[v[d] for v in series.values()]] for d in marks], label
        )
        return c.figure(
            "lengths-growth",
            drawing,
            table,
            title="Steps, as the distance grows",
            caption="(the dashed line is the distance chosen above)",
        )

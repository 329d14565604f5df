"""The picture: six points and a question, the line that attention amounts to, and the line by gradient descent."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from explainer.live import regression
from explainer.ui.html import exact, how_many, join, number, tag
from explainer.ui.parts import charts
from explainer.ui.parts import components as c
from explainer.ui.widget import Widget

from ..facts import fitting
from ..facts import lines as facts
from ..facts.lines import DEEPEST, ETA, HIGH, POINTS, Lines

WIDE, TALL = charts.WIDE, 270  # units of the drawing
ACROSS = charts.Scale(-1, 1, 44, WIDE - 20)
UP = charts.Scale(-HIGH, HIGH, TALL - 36, 12)
MINUS = "\N{MINUS SIGN}"


class InContext(Widget):
    """Points to move, a question to move, layers to add: attention's answer, and descent's, are one."""

    slug = "in-context"
    title = "A line, fitted without changing a weight"
    reads = ("draw", *(f"y{k}" for k in range(1, POINTS + 1)), "ask", "depth", "eta")
    functions = (
        regression.by_hand,
        regression.PromptAttention.forward,
        regression.deep,
        fitting.descent,
        fitting.largest_step,
        facts.check,
    )

    def draw(self) -> Markup:
        s = self.state
        x, y = s.points()
        found = facts.lines(x, y, s.ask, s.eta, s.depth)
        others = f"{s.draw + 1}" + "\x1f" * POINTS
        names = " ".join(f"y{k}" for k in range(1, POINTS + 1))
        return join(
            [
                c.controls(
                    c.slider("depth", "Layers", s.depth, 1, DEEPEST, step=1),
                    c.slider("eta", "Step size", float(s.eta), *ETA, step=0.05),
                    c.beyond(c.button("Other points", sets=f"draw {names}", value=others)),
                ),
                c.figure(
                    "in-context",
                    tag(
                        "div",
                        tag("div", legend(), plot(x, y, s.ask, found), handles(x, y, s.ask), class_="lines-plot"),
                        answers(found),
                        class_="lines",
                    ),
                    c.told(told(found, s.eta)),
                    c.beyond(
                        tag("p", checked(s.eta, s.depth), class_="run-says"),
                        sums(x, y, s.ask, s.eta),
                        c.whole("The weights of the layer, all of them", *weights(s.eta)),
                    ),
                ),
            ]
        )


def legend() -> Markup:
    """Which line is which."""
    return tag(
        "p",
        tag("span", "examples", class_="legend dots colour-key"),
        tag("span", "what attention answers", class_="legend colour-head"),
        tag("span", "by gradient descent", class_="legend thick colour-resid"),
        tag("span", "least squares", class_="legend dash-1 colour-true"),
        class_="legend-row",
    )


def plot(x: tuple[float, ...], y: tuple[float, ...], ask: float, found: Lines) -> Markup:
    """The points, the line after each layer, and the answer."""
    parts: list[Markup | None] = []
    for k in range(-int(HIGH), int(HIGH) + 1):
        at = f"{UP(k):.1f}"
        parts.append(tag("line", x1=ACROSS(-1), x2=ACROSS(1), y1=at, y2=at, class_="rule"))
        parts.append(tag("text", f"{k}".replace("-", MINUS), x=ACROSS(-1) - 8, y=f"{UP(k) + 4:.1f}", text_anchor="end"))
    for k in (-1, 0, 1):
        parts.append(
            tag("text", f"{k}".replace("-", MINUS), x=ACROSS(k), y=UP(-HIGH) + 28, text_anchor="middle", class_="along")
        )
    parts += [through(line, f"trail t-{k}") for k, line in enumerate(found.layers[:-1][-6:])]
    parts += [
        through(found.least, "least"),
        through(found.steps[-1], "descent"),
        through(found.layers[-1], "fit"),
    ]
    for a, b in zip(x, y, strict=True):
        parts.append(tag("circle", cx=f"{ACROSS(a):.1f}", cy=f"{UP(b):.1f}", r=5, class_="example"))
    here, answer = f"{ACROSS(ask):.1f}", found.attention[-1]
    parts.append(tag("line", x1=here, x2=here, y1=UP(-HIGH), y2=f"{UP(clipped(answer)):.1f}", class_="asked"))
    left = ask > 0.5  # on which side of it there is room for a word
    beside = {"x": f"{ACROSS(ask) + (-16 if left else 16):.1f}", "text_anchor": "end" if left else "start"}
    parts.append(tag("text", "question", y=f"{UP(-HIGH) - 9:.1f}", class_="name", **beside))
    above = (found.layers[-1][1] > 0) == left  # on that side the line goes away from there
    if abs(answer) <= HIGH:
        parts.append(tag("text", "answer", y=f"{UP(answer) + (-14 if above else 24):.1f}", class_="name", **beside))
        parts.append(tag("circle", cx=here, cy=f"{UP(answer):.1f}", r=7, class_="answered", data_y=exact(answer)))
    drawn = (
        f"Six points and the line that {how_many(len(found.layers) - 1, 'layer')} of attention amount to, on top of "
        f"the line by gradient descent. At x = {number(ask)} it answers {number(answer)}."
    )
    return charts.drawing(parts, WIDE, TALL, drawn, "lines-chart")


def clipped(y: float) -> float:
    return max(-HIGH, min(HIGH, y))


def through(line: tuple[float, float], kind: str) -> Markup | None:
    """A straight line (height at 0, slope), as far as it lies in the frame; None where it does not."""
    height, slope = line
    ends = []
    for side in (-1.0, 1.0):
        y = height + slope * side
        if abs(y) > HIGH:
            at = (clipped(y) - height) / slope if slope else 2.0
            if not -1 <= at <= 1:
                return None
            ends.append((at, clipped(y)))
        else:
            ends.append((side, y))
    (x1, y1), (x2, y2) = ends
    if x1 >= x2:
        return None
    d = f"M{ACROSS(x1):.2f},{UP(y1):.2f}L{ACROSS(x2):.2f},{UP(y2):.2f}"
    return tag("path", d=d, class_=kind)


def handles(x: tuple[float, ...], y: tuple[float, ...], ask: float) -> Markup:
    """The points as sliders, each where it is drawn, and the question as one along the axis."""
    tall = f"--at:{share(UP(HIGH), TALL)};--way:{share(UP(-HIGH) - UP(HIGH), TALL)}"
    moved = [
        ranged(
            f"y{k}", f"y of point {k}, at x = {number(a)}", b, HIGH, "upright", f"left:{share(ACROSS(a), WIDE)};{tall}"
        )
        for k, (a, b) in enumerate(zip(x, y, strict=True), 1)
    ]
    wide = f"--at:{share(ACROSS(-1), WIDE)};--way:{share(ACROSS(1) - ACROSS(-1), WIDE)}"
    question = ranged("ask", "x of the question", ask, 1, "level", f"top:{share(UP(-HIGH), TALL)};{wide}")
    names = ("ask", *(f"y{k}" for k in range(1, POINTS + 1)))
    told = [tag("p", class_="message", data_message=name, role="alert") for name in names]
    return join(
        [
            tag("div", *moved, question, class_="handles"),
            tag("p", "Drag the points, and the question along the axis.", class_="hint"),
            *told,
        ]
    )


def ranged(name: str, label: str, value: float, end: float, kind: str, place: str) -> Markup:
    """One of these sliders. Its box is as long as its way, and a thumb more (build/web/site.css)."""
    return tag(
        "input",
        type="range",
        data_bind=name,
        min=-end,
        max=end,
        step=0.01,
        value=value,
        aria_label=label,
        aria_valuetext=number(value),
        class_=f"handle {kind}",
        style=place,
    )


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.3f}%"


def long(value: float) -> str:
    """A number with twelve digits, so that one sees where two part."""
    text = f"{value:.12f}" if abs(value) < 1000 else f"{value:.12e}"
    return text.replace("-", MINUS)


def answers(found: Lines) -> Markup:
    """What the two say, number beside number."""
    k = len(found.layers) - 1
    rows = [
        (f"Attention, {how_many(k, 'layer')}", found.attention[-1], "head"),
        (f"Gradient descent, {how_many(k, 'step')}", found.descent[-1], "resid"),
    ]
    shown: list[Any] = [
        tag("div", tag("dt", name), tag("dd", long(value), data_v=exact(value)), class_=f"colour-{kind}")
        for name, value, kind in rows
    ]
    same = facts.digits(found.attention[-1], found.descent[-1])
    return tag(
        "div",
        tag("dl", *shown, class_="both"),
        tag("p", "the same in ", tag("b", f"{same} digits"), class_="agree"),
        class_="answers-two",
    )


def told(found: Lines, eta: float) -> str:
    """What to see in it."""
    k = len(found.layers) - 1
    line = found.layers[-1]
    prompt = "The six points and the question are the prompt; no weight changes."
    apart = max(abs(found.least[0] - line[0] + (found.least[1] - line[1]) * side) for side in (-1, 1))
    if eta > found.limit:
        return (
            f"A step size above {number(found.limit, 4)} is too large for these points: each layer overshoots the "
            f"least squares line by more than the one before. At the edge of the picture {number(apart)} lie between."
        )
    if apart < 0.02:
        return f"{prompt} After {how_many(k, 'layer')} the line lies on the least squares line."
    if k == 1:
        return f"{prompt} One layer is one step downhill from the level line at 0. Add layers, and the line walks on."
    return f"{prompt} Each of the {k} layers is one more step; at the edge, {number(apart)} are left to least squares."


def checked(eta: float, depth: int) -> str:
    """The claim, tested just now."""
    found = facts.check(eta, depth)
    return (
        f"Tested just now on {found.prompts} random prompts of {found.examples} examples with {found.inputs} inputs "
        f"each: {how_many(depth, 'layer')} against {how_many(depth, 'step')}, the largest difference is "
        f"{number(found.difference)}."
    )


def sums(x: tuple[float, ...], y: tuple[float, ...], ask: float, eta: float) -> Markup:
    """What one layer's answer is the sum of."""
    found = facts.parts(x, y, ask, eta)
    rows: list[list[Any]] = [
        [f"point {k}", a, p.weight, p.value, p.part] for k, (a, p) in enumerate(zip(x, found, strict=True), 1)
    ]
    rows.append(["sum: the first layer’s answer", "", "", "", float(sum(p.part for p in found))])
    return c.numbers_table(
        ["example", "x", "weight: step size (1 + x · question) / 6", "its y", "weight · y"], rows,
        "Attention’s answer, example by example", summary="How the answer is added up",
    )  # fmt: skip


def weights(eta: float) -> list[Markup]:
    """Every number of the layer."""
    net, names = facts.layer(eta), ["1", "x", "y"]
    found = [tag("p", "A token is (1, x, y). Nothing else is in the layer: no bias, no softmax.", class_="note")]
    for name, does in (("W_Q", "what is asked"), ("W_K", "what is found by"), ("w_V", "what is handed over")):
        matrix = net.weights.of[name][0]
        rows = matrix if matrix.ndim == 2 else matrix[None]
        table = c.heat_table(
            rows, names if matrix.ndim == 2 else ["y"], names, label=f"{name}: {does}", signed=True,
            scale=max(1.0, eta), row_axis="resid", col_axis="query" if name == "W_Q" else "key",
        )  # fmt: skip
        found.append(tag("div", tag("p", tag("code", name), f", {does}", class_="note"), table))
    return [tag("div", *found, class_="weights-row")]

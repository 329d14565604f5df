"""Reads drawings back: length, place, side and colour of every mark, held against the number that stands beside it.

`check(markup)` walks over everything drawn in a widget (or a part) and holds each kind of mark to its rule; a mark
that no rule knows is an error, too, so that a new figure is covered, or asks for a rule.
"""

import itertools
import json
import math
import re
from collections import Counter
from html.parser import HTMLParser

VOID = {"input", "br", "hr", "img"}
ENDS = {"td": {"td", "th"}, "th": {"td", "th"}, "tr": {"td", "th", "tr"}}  # end tags that a lean table leaves out


class Element:
    """One element: its name, attributes, classes, style properties, children, parent, and the text in it."""

    def __init__(self, name="", attrs=(), parent=None):
        self.name, self.attrs, self.parent, self.children, self._text = name, dict(attrs), parent, [], []
        self.classes = (self.attrs.get("class") or "").split()
        self.style = dict(
            part.split(":", 1) for part in (self.attrs.get("style") or "").replace(" ", "").split(";") if ":" in part
        )
        if parent is not None:
            parent.children.append(self)

    @property
    def text(self):
        return "".join(x if isinstance(x, str) else x.text for x in self._text)

    @property
    def v(self):
        """The value that it carries, or None."""
        return float(self.attrs["data-v"] or "nan") if "data-v" in self.attrs else None  # '': there is none

    @property
    def shade(self):
        """The strength, length or place that it is drawn with, or None."""
        return float(self.style["--v"]) if "--v" in self.style else None

    def number(self, name):
        return float(self.attrs[name])

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def all(self, name="", kind=""):
        return [e for e in self.walk() if name in ("", e.name) and (not kind or kind in e.classes)]

    def up(self, *names):
        """The nearest element around it of one of these names; else the outermost."""
        at = self
        while at.parent is not None and at.name not in names:
            at = at.parent
        return at

    def __repr__(self):
        return f"<{self.name} {self.attrs}>"


class Tree(HTMLParser):
    """Markup as a tree of `Element`; `root` has no name."""

    def __init__(self, markup):
        super().__init__()
        self.root = self.at = Element()
        self.feed(str(markup))

    def handle_starttag(self, name, attrs):
        while self.at.name in ENDS.get(name, ()):
            self.at = self.at.parent
        made = Element(name, attrs, self.at)
        self.at._text.append(made)
        if name not in VOID:
            self.at = made

    def handle_endtag(self, name):
        around = self.at
        while around.parent is not None and around.name != name:
            around = around.parent
        if around.parent is not None:
            self.at = around.parent

    def handle_data(self, data):
        self.at._text.append(data)


def read(markup):
    return Tree(markup).root


# ---------------------------------------------------------------- rules of number and drawing


def rises(pairs, where):
    """(value, drawn): what is larger is drawn no smaller, and where values differ, not all is drawn alike."""
    pairs = sorted(pairs)
    for (a, x), (b, y) in itertools.pairwise(pairs):
        assert x <= y + 1e-9 if a < b else abs(x - y) < 1e-9, (where, (a, x), (b, y))
    if pairs and pairs[-1][0] - pairs[0][0] > 0.02 * max(1, abs(pairs[0][0]), abs(pairs[-1][0])):
        assert pairs[-1][1] > pairs[0][1], (where, "all drawn alike", pairs[0], pairs[-1])


def lengths(pairs, where):
    """(value, length 0..1): a bar that begins at 0 is as long as its number, on one scale; it may be cut off at 1."""
    pairs = [(abs(v), length) for v, length in pairs]
    assert all(length <= 1 for _, length in pairs), where
    inside = [(v, length) for v, length in pairs if 0 < length < 1]
    v, length = max(inside, default=(0, 0), key=lambda pair: pair[1])
    scale = v / length if inside else max((v for v, _ in pairs), default=0) or 1
    for v, length in pairs:
        assert abs(length - min(v / scale, 1)) < 0.003, (where, v, length, scale)


def affine(pairs, where, slack=0.35):
    """(value, place): equal differences of value are equal distances, within `slack` units of the drawing.

    returns: the function from places to values
    """
    (a, x), (b, y) = min(pairs), max(pairs)
    if a == b:
        a, x = a - 1, x - 1  # nothing to compare: any scale
    for v, at in pairs:
        assert abs(at - (x + (y - x) * (v - a) / (b - a))) < slack, (where, v, at)
    return lambda at: a + (b - a) * (at - x) / (y - x)


# ---------------------------------------------------------------- kinds of marks; each returns what it looked at


def shades(root):
    """Cells, tokens and nodes painted with the number they carry: one scale per table (or column), strip or grid."""
    groups = {}
    seen = []
    for e in root.walk():
        if e.shade is None or e.v is None or e.up("tfoot").name == "tfoot":
            continue
        if e.up("svg").name == "svg":
            key = (id(e.up("svg")),)
        elif e.name == "td":
            table = e.up("table")
            column = e.parent.children.index(e) if "bn" in e.classes else None
            key = (id(table), column)
        else:
            key = (id(e.parent),)
        groups.setdefault(key, []).append(e)
        seen.append(e)
    for cells in groups.values():
        table = cells[0].up("table")
        finite = [(e, e.v, e.shade) for e in cells if math.isfinite(e.v)]
        where = (table.attrs.get("class"), cells[0])
        if "signed" not in table.classes:
            assert all(0 <= s <= 1 for _, _, s in finite), where
            rises([(v, s) for _, v, s in finite], where)
        elif "lean" in table.classes:  # the sign is in the shade itself
            assert all(s * v >= 0 and -1 <= s <= 1 for _, v, s in finite), where
            rises([(v, s) for _, v, s in finite], where)
        else:  # the sign is a class
            assert all(("neg" in e.classes) == (v < 0) for e, v, _ in finite), where
            rises([(abs(v), s) for _, v, s in finite], where)
    feet = [e for e in root.walk() if e.shade is not None and e.up("tfoot").name == "tfoot"]
    assert all(e.shade == 0 or abs(e.shade - e.v) < 1e-4 for e in feet)  # sums and rests: no bar, or their share of one
    return seen + feet


def bars(root):
    """In a row, the k-th bar or mark on a track is the k-th number after it; one scale per table."""
    seen = []
    for table in root.all("table"):
        pairs = []
        for track in table.all("td", "track"):
            marks = [e for e in track.children if {"bar", "mark"} & set(e.classes)]
            after = track.parent.children[track.parent.children.index(track) + 1 :]
            numbers = [e for e in after if e.v is not None]
            assert len(numbers) >= len(marks), track
            for mark, number in zip(marks, numbers, strict=False):
                middle = "mid" in track.classes
                if middle and "mark" in mark.classes:
                    pairs.append((number.v, abs(mark.shade - 0.5)))
                    right = (
                        mark.shade >= 0.5 if abs(mark.shade - 0.5) > 1e-4 else number.v >= 0
                    )  # in the middle: rounded
                else:
                    pairs.append((number.v, mark.shade))
                    assert not middle or {"plus", "minus"} & set(mark.classes), (mark, "has no side")
                    right = "minus" not in mark.classes
                assert right == (number.v >= 0), (mark, number)
                head = heading(table, track.parent.children.index(number))
                if head is not None and (own := colour(head)) and len(marks) > 1:
                    assert colour(mark) == own, (mark, head)
            seen += marks
        lengths(pairs, table.attrs.get("class"))
    return seen


def heading(table, column):
    """The name over a column, or None."""
    rows = [row for head in table.all("thead") for row in head.all("tr")]
    cells = rows[-1].children if rows else []
    return cells[column] if column < len(cells) else None


def colour(element):
    """The meaning that paints it, or None."""
    return next((name for name in element.classes if name.startswith("colour-")), None)


def stretches(root):
    """Pieces of the line from 0 to 1: as wide as their number, one after the other; a needle stands at its number."""
    lines, seen = {}, []
    for e in root.walk():
        if e.v is None or not e.style.get("left", "").endswith("%"):
            continue
        left = float(e.style["left"][:-1]) / 100
        if "width" in e.style:
            width = float(e.style["width"][:-1]) / 100
            assert abs(width - e.v) < 2e-5, e
            lines.setdefault(id(e.parent), []).append((left, width))
        else:
            assert abs(left - e.v) < 2e-5, e
        seen.append(e)
    for pieces in lines.values():
        for (a, width), (b, _) in itertools.pairwise(pieces):
            assert a + width <= b + 3e-5
    return seen


def grids(root):
    """A grid of nodes: levels upwards, positions to the right; arrows go up or right (but for a token's way back)."""
    seen = []
    for svg in root.all("svg", "paths-grid"):
        if "swatch" in svg.classes:
            continue
        columns = int(svg.attrs["data-columns"])
        nodes = {}
        for g in [e for e in svg.all("g", "node") if "data-i" in e.attrs]:
            level, position = divmod(int(g.attrs["data-i"]), columns)
            nodes[level, position] = tuple(map(float, re.findall(r"-?[\d.]+", g.attrs["transform"])))
        for (level, position), (x, y) in nodes.items():
            x2, y2 = nodes.get((level + 1, position), (x, y - 1))
            assert x2 == x and y2 < y, (svg, level, "levels do not go up")
            x2, y2 = nodes.get((level, position + 1), (x + 1, y))
            assert y2 == y and x2 > x, (svg, position, "positions do not go to the right")
        names = svg.all("text", "level")
        heights = [e.number("y") for e in names]
        assert heights == sorted(heights, reverse=True)
        if names:
            assert names[0].text == "embedding"
            if nodes:
                levels = sorted({y for _, y in nodes.values()}, reverse=True)
                assert [round(h - 4) for h in heights] == [round(y) for y in levels]
        for path in svg.all("path"):
            kinds = set(path.classes)
            if not kinds & {"edge", "route"} or "feedback" in kinds:
                continue
            for step in re.findall(r"M[^M]+", path.attrs["d"]):
                at = list(map(float, re.findall(r"-?\d+(?:\.\d+)?", step)))
                x, y, x2, y2 = *at[:2], *at[-2:]
                assert x2 >= x and y2 <= y and (x2, y2) != (x, y), (svg, path, step)
        seen += svg.all("g", "node") + svg.all("circle", "dot")
    return seen


def ticks(svg):
    """[(number, y)] of a chart's level lines that have their number beside them; [] if there are fewer than two."""
    lines = [e.number("y1") for e in svg.all("line", "rule") if e.attrs["y1"] == e.attrs["y2"]]
    found = []
    for text in svg.all("text"):
        said = re.fullmatch(r"([−-]?[\d,.]+(?:e[−-]?\d+)?)( %)?", text.text)
        if said and text.attrs.get("text-anchor") == "end":
            near = [y for y in lines if 3 <= text.number("y") - y <= 6]
            if near:
                value = float(said[1].replace(",", "").replace("−", "-")) / (100 if said[2] else 1)
                found.append((value, near[0]))
    return found if len(found) > 1 else []


def numbers_of(root, svg):
    """[[number]] of the table with the chart's own label: a row per x, a column per line, but none of the intervals
    that a plot says beside its lines; None if there is none."""
    for table in root.all("table", "numbers"):
        if table.all("caption")[0].text == svg.attrs["aria-label"]:
            heads = [th.text for th in table.all("thead")[0].all("th")]
            lines = [k for k, head in enumerate(heads) if not head.endswith(": 95 % from") and head != "to"]
            rows = [row.children for row in table.all("tbody")[0].all("tr")]
            return [[value(cells[k]) for k in lines] for cells in rows]
    return None


def value(cell):
    if cell.v is not None:
        return cell.v
    try:
        return float(cell.text.replace(",", "").replace("−", "-"))
    except ValueError:
        return math.nan


def points(line):
    return [tuple(map(float, pair.split(","))) for pair in line.attrs["points"].split()]


def charts(root):
    """Lines over steps, read off by the numbers at the chart's own axis, give the numbers of the table under it."""
    seen = []
    for svg in root.all("svg", "chart"):
        marks = ticks(svg)
        at = None
        if marks and "strips" not in svg.classes:
            assert all((a < b) == (y > z) for a, y in marks for b, z in marks if a != b), (svg, "up is not more", marks)
            rounding = max(abs(v) for v, _ in marks) / 100  # the numbers at the axis have two or three digits
            span = max(marks)[0] - min(marks)[0]
            height = max(y for _, y in marks) - min(y for _, y in marks)
            at = affine([(v, y) for v, y in marks], svg, slack=0.6 + rounding / span * height)
            slack = 0.012 * span + rounding
        table = numbers_of(root, svg)
        for line in svg.all("polyline", "line"):
            dash = next((int(n.removeprefix("dash-")) for n in line.classes if n.startswith("dash-")), None)
            if at is None or table is None or dash is None or "lengths-chart" in svg.classes:
                continue
            drawn = points(line)
            xs = [x for x, _ in drawn]
            assert xs == sorted(xs), (svg, "a line goes back")
            column = [(row[0], row[dash + 1]) for row in table if row[dash + 1] == row[dash + 1]]
            top = min(y for _, y in marks)
            found = [at(y) for _, y in drawn if y > top + 0.1]
            below = [v for _, v in column if v < at(top) - slack / 9]
            if len(svg.all("polyline", f"dash-{dash}")) == 1 and len(found) == len(below):
                assert all(abs(a - b) < slack for a, b in zip(found, below, strict=True)), (svg, dash, found, below)
            else:  # the table leaves some out, or the line leaves the frame: then every number of it lies on the line
                by_x = [(x, at(y)) for one in svg.all("polyline", f"dash-{dash}") for x, y in points(one)]
                assert all(any(abs(v - w) < slack for _, w in by_x) for v in below), (svg, dash)
            seen.append(line)
    return seen


def plots(root):
    """Every mark of a plot's still lies where its number lies along the axes, in its series' colour; none missing."""
    seen = []
    for plot in [e for e in root.walk() if "data-plot" in e.attrs]:
        given, svg = json.loads(plot.attrs["data-columns"]), plot.all("svg", "plot-still")[0]
        frame, rows = given["frame"], bool(given["frame"]["y"]["names"])
        to = {axis: math.log10 if frame[axis]["log"] else float for axis in "xy"}
        places = {"x": axis_of(svg, frame["x"], "middle", "x"), "y": axis_of(svg, frame["y"], "end", "y")}
        circles, intervals = iter(svg.all("circle")), iter(svg.all("line", "interval"))
        for k, (columns, said) in enumerate(zip(given["series"], frame["series"], strict=True)):
            if said["kind"] == "line":
                [mark] = svg.all("polyline", f"dash-{k}")
                marks, at = [mark], points(mark)
            else:
                marks = [next(circles) for _ in columns["x"]]
                at = [(e.number("cx"), e.number("cy")) for e in marks]
                assert all({"rings": "ring", "dots": "dot"}[said["kind"]] in e.classes for e in marks)
            assert len(at) == len(columns["x"]) == len(columns["y"]) == len(columns["words"]), (svg, said)
            assert all(colour(e) == f"colour-{said['role']}" for e in marks), (svg, said)
            places["x"] += [(to["x"](v), x) for v, (x, _) in zip(columns["x"], at, strict=True)]
            places["y"] += [(to["y"](v), y) for v, (_, y) in zip(columns["y"], at, strict=True)]
            for low, high, (x, y) in zip(columns.get("low", ()), columns.get("high", ()), at, strict=False):
                line = next(intervals)
                along, across, side = ("x", "y", y) if rows else ("y", "x", x)
                places[along] += [(to[along](v), line.number(f"{along}{end}")) for v, end in ((low, 1), (high, 2))]
                assert line.number(f"{across}1") == line.number(f"{across}2") == side
                assert colour(line) == f"colour-{said['role']}"
            seen += marks
        assert next(circles, None) is None and next(intervals, None) is None, (svg, "marks of nothing")
        for marker, v in zip(svg.all("line", "marker"), given["markers"]["x"], strict=True):
            places["x"].append((to["x"](v), marker.number("x1")))
        affine(places["x"], (svg, "x"))
        affine(places["y"], (svg, "y"))
        rises(places["x"], (svg, "right is more"))
        rises([(v, y if rows else -y) for v, y in places["y"]], (svg, "up is more; rows go down"))
    return seen


def axis_of(svg, axis, anchor, name):
    """[(value as it is drawn, place)] of the numbers (or names) along an axis of a plot's still."""
    found = []
    for text in svg.all("text"):
        if text.attrs.get("text-anchor") != anchor:
            continue
        if axis["names"]:
            if text.text in axis["names"]:
                found.append((float(axis["names"].index(text.text)), text.number("y") - 4))
        elif re.fullmatch(r"[−\d.,]+", text.text):
            value = float(text.text.replace(",", "").replace("−", "-"))
            place = text.number(name) - (4 if name == "y" else 0)
            found.append((math.log10(value) if axis["log"] else value, place))
    assert len(found) > 1 or axis["names"], (svg, "an axis without numbers")
    return found


def machines(root):
    """The machine and the strips: beads lie as far along the ruler as their number, stretches are as wide as theirs,
    one after the other, and fill their row; what was cut away is hatched; the ball lies at its number."""
    seen = []
    for svg in root.all("svg", "machine"):
        rows = {}
        for rect in [e for e in svg.all("rect") if e.v is not None]:
            rows.setdefault(rect.number("y"), []).append(rect)
        full = [r for r in rows.values() if abs(sum(e.v for e in r) - 1) < 1e-9]
        assert all(len(r) == 7 for r in rows.values()) and full, svg
        assert all(r in full or not any(e.v for e in r) for r in rows.values()), (svg, "a row that is not filled")
        left = full[0][0].number("x")
        last = full[0][-1]  # its right end is that of the row; a little is left free between two
        gap = next(0.8 if "before" in e.classes else 1.0 if "strips" in svg.classes else 1.2 for e in full[0])
        widest = max(full[0], key=lambda e: e.v)
        wide = (widest.number("width") + gap) / widest.v
        assert abs(last.number("x") + wide * last.v - left - wide) < 0.3, svg
        words = {}
        for row in rows.values():
            free = 0.8 if "before" in row[0].classes else gap if "before" not in full[0][0].classes else 1.2
            at = left
            for i, e in enumerate(row):
                assert abs(e.number("x") - at) < 0.1, (svg, e, "not where the one before it ends")
                assert abs(e.number("width") - max(wide * e.v - free, 0)) < 0.1, (svg, e)
                at += wide * e.v
                [word] = [name for name in e.classes if name.startswith("word-")]
                assert words.setdefault(i, word) == word, (svg, e, "a word has two colours")
        assert len(set(words.values())) == 7, words
        for ball in itertools.chain.from_iterable(g.all("circle") for g in svg.all("g", "ball")):
            assert abs(ball.number("cx") - left - wide * ball.v) < 0.1, (svg, ball)
            top = min(r[0].number("y") for r in rows.values() if "hit" in " ".join(" ".join(e.classes) for e in r))
            assert 0 < top - ball.number("cy") < 12, (svg, ball)
            [hit] = svg.all("rect", "hit")
            assert hit.number("x") - 0.1 <= ball.number("cx") <= hit.number("x") + wide * hit.v + 0.1, (svg, ball, hit)
            seen.append(ball)
        seen += [e for r in rows.values() for e in r] + beads(svg, words)
    return seen


def moved(element):
    """Where an element is moved to by its style."""
    return tuple(map(float, re.findall(r"-?[\d.]+(?=px)", element.style["transform"])))


def beads(svg, words):
    """Beads on their two rulers, one scale for both; beyond the end all at one place, and hollow."""
    found = svg.all("circle", "bead")
    if not found:
        return []
    reach = float(svg.attrs["data-reach"])
    rails = {}
    for e in found:
        rails.setdefault(moved(e)[1], []).append(e)
    assert len(rails) == 2 and all(len(on) == 6 for on in rails.values())
    inside = [(e.v, moved(e)[0]) for e in found if e.v <= reach]
    affine(inside, (svg, "ruler"), slack=0.15)
    rises(inside, (svg, "farther behind is farther to the right"))
    end = max(x for _, x in inside)
    for e in found:
        assert ("gone" in e.classes) == (e.v > reach), e
        assert e.v <= reach or moved(e)[0] > end, e
    for on in rails.values():  # the order of the ruler is the order of the strip
        on = on[::-1]  # the best is drawn last, on top
        assert [e.v for e in on] == sorted(e.v for e in on)
        for i, e in enumerate(on):
            assert words[i] in e.classes, (e, words[i])
    return found


RULES = (shades, bars, stretches, grids, charts, plots, machines)

# Marks without a number of their own in the markup, and the test that reads them; everything else must be under a rule.
ELSEWHERE = {
    "i in span.vector": "test_a_value_strip_has_its_signs",
    "circle.dot in svg.chart": "test_kernel",
    "polyline.line in svg.chart": "test_kernel, test_turns, test_steps_over_distance",
    "path.area in svg.strips": "test_entropy_strips",
    "rect.column in svg.columns-chart": "test_columns",
    "span.cell in div.tape": "their number is in the tape above",
}


def marks(root):
    """Everything that is drawn by a number."""
    for e in root.walk():
        shape = e.name in ("polyline", "circle", "rect", "path") and {"line", "dot", "ring", "column", "area"} & set(
            e.classes
        )
        shape = shape or (e.name in ("rect", "circle") and e.v is not None and "machine" in e.up("svg").classes)
        if shape or e.shade is not None or (e.v is not None and e.style.get("left", "").endswith("%")):
            yield e


def known(e):
    """Whether `ELSEWHERE` has it."""
    for entry in ELSEWHERE:
        (name, _, kind), (outer, _, outer_kind) = (part.partition(".") for part in entry.split(" in "))
        around = e.up(outer)
        if e.name == name and (not kind or kind in e.classes) and around.name == outer and outer_kind in around.classes:
            return True
    return False


def check(markup):
    """Hold everything drawn to its rule. Returns how many marks each rule looked at."""
    root = read(markup)
    found = {rule.__name__: rule(root) for rule in RULES}
    covered = {id(e) for elements in found.values() for e in elements}
    loose = [e for e in marks(root) if id(e) not in covered and not known(e)]
    assert not loose, f"drawn by a number, under no rule of tests/views/drawn.py: {loose[:5]}"
    return Counter({name: len(elements) for name, elements in found.items()})
